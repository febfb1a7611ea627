//! Of a Parquet store, nothing can be read whose references were not loaded.
#![allow(clippy::unwrap_used, reason = "what cannot be set up must stop the test")]

mod common;

use std::sync::Arc;

use object_store::ObjectStoreExt as _;
use rangefold_refs::{ManifestArray, ReferenceSet};
use rangefold_storage::{Environment, Existing, Storage, StorageOptions};
use rangefold_store::{Extent, Opened, ReferenceStore, Sample, SaveOptions, save};

const STORE: &str = "memory://refs.parq";

const RECORD_SIZE: u64 = 2;

/// An array of so many chunks.
fn array(chunks: u64) -> ManifestArray {
    let references = (0..chunks).map(|n| Some(common::range("memory://data", n * 8, 8)));
    let meta = common::meta("<f8", &[chunks], &[1], &[]);
    common::set_of(meta, common::manifest(references)).arrays.remove("v").unwrap()
}

/// Saves these arrays as a Parquet store.
async fn saved(arrays: &[(&str, ManifestArray)]) -> Storage {
    let storage = Storage::new(StorageOptions::default(), Environment::default()).unwrap();
    let mut set = ReferenceSet::new();
    set.arrays.extend(arrays.iter().map(|(path, array)| (path.to_string(), array.clone())));
    let options = SaveOptions { existing: Existing::Keep, record_size: RECORD_SIZE };
    save(&storage, STORE, Arc::new(set), options).await.unwrap();
    storage
}

/// Opens a Parquet store of the arrays `big`, of six chunks, and `small`, of one.
async fn opened() -> Opened {
    let storage = saved(&[("big", array(6)), ("small", array(1))]).await;
    Opened::open(&storage, STORE).await.unwrap()
}

/// How many references may be read of each array.
fn known(opened: &Opened) -> Vec<(String, usize)> {
    opened.known().arrays.iter().map(|(path, array)| (path.clone(), array.manifest.iter().count())).collect()
}

#[tokio::test]
async fn only_what_was_loaded_can_be_read() {
    let mut opened = opened().await;
    let names: Vec<_> = opened.metadata().arrays.keys().cloned().collect();
    assert_eq!(names, ["big", "small"]);
    assert_eq!(known(&opened), []);
    opened.load_arrays(|path| path == "small").await.unwrap();
    assert_eq!(known(&opened), [("small".to_owned(), 1)]);
    // A whole record is loaded for the chunks that are named, in place of those before.
    opened.load("big", [5].into_iter()).await.unwrap();
    assert_eq!(known(&opened), [("big".to_owned(), 2), ("small".to_owned(), 1)]);
    opened.load("big", [0, 2].into_iter()).await.unwrap();
    assert_eq!(known(&opened), [("big".to_owned(), 4), ("small".to_owned(), 1)]);
    opened.load_arrays(|path| path == "big").await.unwrap();
    assert_eq!(known(&opened), [("big".to_owned(), 6), ("small".to_owned(), 1)]);
    // What is there as a whole stays there.
    opened.load("big", [1].into_iter()).await.unwrap();
    assert_eq!(known(&opened), [("big".to_owned(), 6), ("small".to_owned(), 1)]);
    let set = opened.into_set().await.unwrap();
    assert_eq!(set.arrays["big"].manifest.iter().count(), 6);
}

/// The causes of an error in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[tokio::test]
async fn a_lost_record_is_an_error_that_names_it_and_leaves_other_arrays_alone() {
    let storage = saved(&[("big", array(6)), ("small", array(1))]).await;
    let (store, record) = storage.resolve("memory://refs.parq/big/refs.1.parq").unwrap();
    store.delete(&record).await.unwrap();
    let mut opened = Opened::open(&storage, STORE).await.unwrap();
    opened.load("big", [0, 5].into_iter()).await.unwrap();
    let error = chain(&opened.load("big", [0, 2].into_iter()).await.unwrap_err());
    assert!(error.contains("big/refs.1.parq") && error.ends_with("it was lost"), "{error}");
    let set = opened.into_set().await.unwrap();
    assert!(set.unreadable["big"].to_string().contains("big/refs.1.parq"), "{}", set.unreadable["big"]);
    assert_eq!(set.arrays.keys().collect::<Vec<_>>(), ["small"]);
}

#[tokio::test]
async fn a_record_that_never_was_is_no_lost_one() {
    let mut sparse = array(6);
    sparse.manifest =
        common::manifest((0..6).map(|n| (n == 5).then(|| common::range("memory://data", 0, 8))));
    let storage = saved(&[("sparse", sparse.clone())]).await;
    let (store, record) = storage.resolve("memory://refs.parq/sparse/refs.0.parq").unwrap();
    assert!(store.head(&record).await.is_err());
    let opened = Opened::open(&storage, STORE).await.unwrap();
    assert!(matches!(opened.extent(), Extent::Told));
    assert_eq!(opened.into_set().await.unwrap().arrays["sparse"], sparse);
}

#[tokio::test]
async fn names_are_taken_to_the_letter() {
    let names = ["a%23b", "a#1", "a?b", "a[0]", "g %25/ä \"'/v", "a{b}*|<>^~`", "日本"];
    let arrays: Vec<_> = names.iter().map(|name| (*name, array(3))).collect();
    let storage = saved(&arrays).await;
    let opened = Opened::open(&storage, &format!("{STORE}/.zmetadata")).await.unwrap();
    let set = opened.into_set().await.unwrap();
    assert!(set.unreadable.is_empty(), "{:?}", set.unreadable);
    for (name, array) in &arrays {
        assert_eq!(&set.arrays[*name], array, "{name}");
    }
}

#[tokio::test]
async fn nothing_is_never_all_well() {
    let storage = Storage::new(StorageOptions::default(), Environment::default()).unwrap();
    let findings = async |set: &ReferenceSet, extent: Extent<'_>| -> Vec<String> {
        let store = ReferenceStore::new(std::sync::Arc::new(set.clone()), storage.clone());
        let report = store.check(Sample::Nothing, extent).await;
        let told = report.findings.iter().map(|found| format!("{}: {}", found.subject, found.problem));
        told.chain(report.unstored.iter().map(|path| format!("unstored {path}"))).collect()
    };
    let mut set = ReferenceSet::new();
    assert_eq!(findings(&set, Extent::Unknown).await, ["/: there is no array: there is nothing to check"]);
    let mut empty = array(2);
    empty.manifest = common::manifest(std::iter::empty());
    set.arrays.insert("v".to_owned(), empty);
    let unknown = findings(&set, Extent::Unknown).await;
    assert!(unknown[0].starts_with("v: none of its chunks is there"), "{unknown:?}");
    let counts = |count: u64| [("v".to_owned(), count)].into();
    assert_eq!(
        findings(&set, Extent::Each(&counts(2))).await,
        ["v: 2 references were written, and 0 are there"]
    );
    assert_eq!(findings(&set, Extent::Each(&counts(0))).await, ["unstored v"]);
    set.lost.insert("w".to_owned(), "a checksum differs".to_owned());
    let lost = findings(&set, Extent::Each(&counts(0))).await;
    assert_eq!(lost[0], "w: lost when a damaged file was scanned: a checksum differs");
}
