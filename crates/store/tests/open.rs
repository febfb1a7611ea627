//! Of a Parquet store, nothing can be read whose references were not loaded.
#![allow(clippy::unwrap_used, reason = "what cannot be set up must stop the test")]

mod common;

use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use rangefold_refs::{ReferenceSet, parquet};
use rangefold_storage::{Environment, Storage, StorageOptions};
use rangefold_store::Opened;

const RECORD_SIZE: u64 = 2;

/// Opens a Parquet store of the arrays `big`, of six chunks, and `small`, of one.
async fn opened() -> Opened {
    let storage = Storage::new(StorageOptions::default(), Environment::default()).unwrap();
    let (store, _) = storage.resolve("memory://refs.parq/.zmetadata").unwrap();
    let array = |chunks: u64| {
        let references = (0..chunks).map(|n| Some(common::range("memory://data", n * 8, 8)));
        let meta = common::meta("<f8", &[chunks], &[1], &[]);
        common::set_of(meta, common::manifest(references)).arrays.remove("v").unwrap()
    };
    let mut set = ReferenceSet::new();
    set.arrays.insert("big".to_owned(), array(6));
    set.arrays.insert("small".to_owned(), array(1));
    let put = async |path: &str, bytes: Vec<u8>| {
        store.put(&Path::from(format!("refs.parq/{path}")), bytes.into()).await.unwrap();
    };
    put(".zmetadata", parquet::zmetadata(&set, RECORD_SIZE).unwrap()).await;
    for (path, array) in &set.arrays {
        let references = array.manifest.iter();
        for record in parquet::records(path, array.meta.grid.chunk_count(), RECORD_SIZE, references) {
            let record = record.unwrap();
            put(&record.path, record.bytes.to_vec()).await;
        }
    }
    Opened::open(&storage, "memory://refs.parq").await.unwrap()
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
