//! How many rounds and bytes files of each layout cost, and what happens when a store does not behave.
//!
//! The fixtures are small, so heads are cut short here: what counts is the length of the chain of addresses.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use rangefold_hdf5::model::{Attribute, Layout};
use rangefold_hdf5::{ByteRange, File, Options, ReadError, Reader};
use rangefold_testkit::{Fault, FaultyStore, RecordingStore, fixtures};

async fn stored(bytes: impl Into<Bytes>) -> Arc<dyn ObjectStore> {
    let store = Arc::new(InMemory::new());
    store.put(&Path::from("a.h5"), bytes.into().into()).await.unwrap();
    store
}

async fn fixture(name: &str) -> Arc<dyn ObjectStore> {
    stored(std::fs::read(fixtures().join(name)).unwrap()).await
}

/// Nothing but the first 4 KiB at once, and no reading through holes.
fn strict() -> Options {
    Options { head: 4096, whole: 0, gap: 0, ..Options::default() }
}

async fn read(store: Arc<dyn ObjectStore>, options: Options) -> Result<File, ReadError> {
    Reader::open(store, Path::from("a.h5"), options).await?.file().await
}

/// Reads a fixture strictly and checks that the store was asked what the trace says.
async fn check_rounds(name: &str, most: usize) {
    let store = Arc::new(RecordingStore::new(fixture(name).await));
    let file = read(Arc::clone(&store) as Arc<dyn ObjectStore>, strict()).await.unwrap();
    assert!(file.errors.is_empty(), "{name}: {:?}", file.errors);
    assert_eq!(file.trace.rounds(), store.rounds(), "{name}: {}", store.trace());
    assert_eq!(file.trace.bytes(), store.bytes_read(), "{name}: {}", store.trace());
    assert!(
        file.trace.rounds() <= most,
        "{name}: {} rounds are too many\n{}",
        file.trace.rounds(),
        file.trace
    );
    assert!(file.trace.bytes() <= file.size, "{name}: {} bytes of {}", file.trace.bytes(), file.size);
    let whole = read(fixture(name).await, Options::default()).await.unwrap();
    assert_eq!(whole.trace.rounds(), 1, "{name} is shorter than a head");
    assert_eq!(format!("{:?}", whole.objects), format!("{:?}", file.objects), "{name}");
}

#[tokio::test]
async fn each_layout_costs_as_many_rounds_as_its_longest_chain_of_addresses() {
    for (name, most) in [
        ("format/earliest.h5", 3),
        ("format/latest.h5", 2),
        ("format/paged.h5", 2),
        ("format/user_block.h5", 2),
        ("attributes/dense.h5", 4),
        ("links/old_style_many.h5", 2),
        ("index/btree_v1_deep.h5", 2),
        ("index/extensible_array_paged.h5", 2),
        ("index/fixed_array_paged.h5", 2),
        ("links/dense.h5", 4),
        ("netcdf/groups.nc", 3),
        ("netcdf/user_types.nc", 2),
        ("stack/tas_2001.nc", 3),
        ("attributes/dimension_scales.h5", 2),
    ] {
        check_rounds(name, most).await;
    }
}

#[tokio::test]
async fn a_small_file_is_fetched_whole_in_the_second_round() {
    let options = Options { head: 4096, ..Options::default() };
    let file = read(fixture("index/btree_v1_deep.h5").await, options).await.unwrap();
    assert_eq!(file.trace.rounds(), 2);
    assert_eq!(file.trace.bytes(), file.size);
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_is_refused() {
    let store = FaultyStore::new(fixture("index/btree_v1_deep.h5").await).changed_after(1);
    let error = read(Arc::new(store), strict()).await.unwrap_err();
    assert!(matches!(error, ReadError::Changed { .. }), "{error}");
    assert!(error.to_string().starts_with("a.h5 changed while it was read"), "{error}");
}

#[tokio::test]
async fn a_store_that_fails_is_an_error_and_no_half_file() {
    for nth in 1..=2 {
        let store = FaultyStore::new(fixture("index/btree_v1_deep.h5").await).on(nth, Fault::Unavailable);
        let error = read(Arc::new(store), strict()).await.unwrap_err();
        assert!(matches!(error, ReadError::Store { .. }), "{error}");
    }
}

#[tokio::test]
async fn bytes_that_are_missing_from_a_response_are_noticed() {
    let store = FaultyStore::new(fixture("index/btree_v1_deep.h5").await).on(2, Fault::Short(10));
    let error = read(Arc::new(store), strict()).await.unwrap_err();
    assert!(matches!(error, ReadError::Short { .. }), "{error}");
}

#[tokio::test]
async fn raw_bytes_come_in_one_round_and_in_order() {
    let bytes = std::fs::read(fixtures().join("index/btree_v1_deep.h5")).unwrap();
    let store = Arc::new(RecordingStore::new(stored(bytes.clone()).await));
    let reader = Reader::open(store, Path::from("a.h5"), strict()).await.unwrap();
    let file = reader.file().await.unwrap();
    let mut ranges: Vec<ByteRange> = file
        .datasets()
        .iter()
        .filter_map(|dataset| match &dataset.layout {
            Layout::Chunked(chunked) => chunked.chunks.as_ref(),
            _ => None,
        })
        .flat_map(|table| table.iter().map(|chunk| chunk.range))
        .collect();
    ranges.reverse();
    let rounds = reader.trace().rounds();
    let pieces = reader.bytes(&ranges).await.unwrap();
    assert!(reader.trace().rounds() <= rounds + 1);
    assert_eq!(pieces.len(), ranges.len());
    for (range, piece) in ranges.iter().zip(&pieces) {
        let (start, end) = (usize::try_from(range.offset).unwrap(), usize::try_from(range.end()).unwrap());
        assert_eq!(piece, &bytes[start..end]);
    }
    let beyond = reader.bytes(&[ByteRange::new(file.size, 1)]).await.unwrap_err();
    assert!(matches!(beyond, ReadError::Format { .. }));
}

#[tokio::test]
async fn the_index_of_an_excluded_dataset_is_not_read() {
    let options = Options { include: Some(Arc::new(|path| path == "/nowhere")), ..strict() };
    let file = read(fixture("index/btree_v1_deep.h5").await, options).await.unwrap();
    let all = read(fixture("index/btree_v1_deep.h5").await, strict()).await.unwrap();
    assert!(file.trace.bytes() < all.trace.bytes());
    for dataset in file.datasets() {
        if let Layout::Chunked(chunked) = &dataset.layout {
            assert!(chunked.chunks.is_none(), "{}", dataset.path);
        }
    }
    assert!(file.errors.is_empty());
}

#[tokio::test]
async fn far_attributes_of_an_excluded_dataset_are_not_read_but_references_are() {
    let options = Options { include: Some(Arc::new(|path| path == "/nowhere")), ..strict() };
    for name in ["attributes/dense.h5", "attributes/dimension_scales.h5", "netcdf/strings.nc"] {
        let store = fixture(name).await;
        let some = read(Arc::clone(&store), options.clone()).await.unwrap();
        let all = read(store, strict()).await.unwrap();
        assert!(some.errors.is_empty(), "{name}: {:?}", some.errors);
        assert!(some.trace.bytes() <= all.trace.bytes(), "{name}");
        let mut left_out = Vec::new();
        for (excluded, dataset) in some.datasets().iter().zip(all.datasets()) {
            for attribute in &dataset.attributes {
                match excluded.attribute(&attribute.name) {
                    Some(same) => assert_eq!(same.value, attribute.value, "{name}"),
                    None => left_out.push(attribute),
                }
            }
        }
        let far = |attribute: &&Attribute| attribute.datatype.has_heap_data() || attribute.raw.len() > 4000;
        assert!(left_out.iter().all(far), "{name}: {left_out:?}");
        assert_eq!(left_out.is_empty(), name != "attributes/dense.h5", "{name}: {left_out:?}");
    }
}

#[test]
fn a_file_can_be_read_by_a_task_that_moves_between_threads() {
    fn assert_send(_: &impl Send) {}
    let future = async {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        read(store, Options::default()).await
    };
    assert_send(&future);
    fn assert_future(_: &impl Future) {}
    assert_future(&future);
}
