//! What typed texts name: paths, globs and prefixes.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use rangefold_storage::{
    Environment, Existing, HDF5_ENDINGS, ListError, Location, Storage, StorageError, StorageOptions,
};

async fn filled() -> Storage {
    let storage = Storage::new(StorageOptions::default(), Environment::default()).unwrap();
    for name in
        ["a/tas_2001.nc", "a/tas_2002.NC", "a/notes.txt", "a/deep/pr_2001.nc", "a/od[1].nc", "a/od1.nc"]
    {
        storage.write(&format!("memory://{name}"), "x", Existing::Keep).await.unwrap();
    }
    storage
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

#[tokio::test]
async fn a_glob_stands_for_what_it_matches_and_a_star_stays_in_its_folder() {
    let storage = filled().await;
    let named = storage.matching(&texts(&["memory://a/tas*", "memory://a/*/*.nc", "memory://gone.nc"])).await;
    let expected = [
        "memory://a/tas_2001.nc",
        "memory://a/tas_2002.NC",
        "memory://a/deep/pr_2001.nc",
        "memory://gone.nc",
    ];
    assert_eq!(named.unwrap(), expected);
}

#[tokio::test]
async fn an_object_whose_name_looks_like_a_glob_is_meant_itself() {
    let named = filled().await.matching(&texts(&["memory://a/od[1].nc"])).await;
    assert_eq!(named.unwrap(), ["memory://a/od[1].nc"]);
}

#[tokio::test]
async fn a_prefix_stands_for_the_files_below_it() {
    let storage = filled().await;
    let named = storage.files(&texts(&["memory://a/"]), &HDF5_ENDINGS).await.unwrap();
    assert_eq!(
        named,
        [
            "memory://a/deep/pr_2001.nc",
            "memory://a/od1.nc",
            "memory://a/od[1].nc",
            "memory://a/tas_2001.nc",
            "memory://a/tas_2002.NC"
        ]
    );
    let none = storage.files(&texts(&["memory://a/"]), &[".grib"]).await.unwrap_err();
    assert!(matches!(none, ListError::NoneBelow { found: 6, .. }), "{none}");
}

#[tokio::test]
async fn what_names_nothing_is_refused_and_malformed_texts_are_told_apart() {
    let storage = filled().await;
    let refused = |text: &'static str| {
        let storage = storage.clone();
        async move { storage.matching(&texts(&[text])).await.unwrap_err() }
    };
    let none = refused("memory://a/x*").await;
    assert_eq!(
        none.to_string(),
        "nothing matches memory://a/x*: none of the 5 objects below memory://a/ does"
    );
    assert!(!none.is_malformed());
    assert!(refused("memory://a/[").await.is_malformed());
    assert!(matches!(refused("gopher://a").await, ListError::Location(StorageError::Url { .. })));
}

#[test]
fn two_spellings_of_one_place_are_the_same() {
    assert!(Location::is_same_place("s3://bucket/a/", "s3://bucket/a"));
    assert!(Location::is_same_place("Cargo.toml", "./src/../Cargo.toml"));
    assert!(!Location::is_same_place("s3://bucket/a", "gs://bucket/a"));
    assert!(!Location::is_same_place("", ""));
    assert_eq!(Location::reference_url("https://h/a.nc?sig=1").unwrap(), "https://h/a.nc?...");
}
