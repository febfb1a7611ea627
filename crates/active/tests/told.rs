//! What a query is told to read is what it reads, however chunks lie and whatever part of them is asked for.
#![allow(clippy::unwrap_used, reason = "what cannot be set up must stop the test")]

mod support;

use std::sync::Arc;

use object_store::ObjectStore;
use rangefold_active::Limits;
use rangefold_array::CodecSpec;
use rangefold_codec::encode;
use rangefold_query::{Query, View, prepare, select};
use rangefold_reduce::Reduction;
use rangefold_store::{FetchOptions, Reads};
use rangefold_testkit::RecordingStore;
use support::{OBJECT, floats, memory, references, set};

/// 12 chunks of 64 elements along the first dimension, 2 along the second.
const SHAPE: [u64; 2] = [96, 16];
const CHUNKS: [u64; 2] = [8, 8];

/// Compares what is told of the mean of a selection with the requests that are made for it.
async fn check(selection: &str, options: FetchOptions, limits: Limits) -> Reads {
    let codecs = [CodecSpec::Shuffle { element_size: 4 }, CodecSpec::Zlib { level: 1 }];
    let (mut bytes, mut places) = (Vec::new(), Vec::new());
    for chunk in 0..24_u64 {
        let elements = (0..64).flat_map(|i| ((i * chunk) as f32).sin().to_le_bytes());
        let encoded = encode(&codecs, &elements.collect::<Vec<u8>>()).unwrap();
        places.push((chunk != 5).then_some((bytes.len() as u64, encoded.len() as u64)));
        bytes.extend(encoded);
        // Some lie close together, some far apart.
        bytes.extend(vec![0; if chunk % 3 == 0 { 100 } else { 3 }]);
    }
    let place = |number| places.get(usize::try_from(number).unwrap()).copied().flatten();
    let set = Arc::new(set(floats(&SHAPE, &CHUNKS, &codecs, 0.0), place));
    let recording = RecordingStore::new(memory(bytes).await);
    let inner: Arc<dyn ObjectStore> = Arc::new(recording.clone());
    let store = references(&set, &inner, options);
    let select = select::parse(selection).unwrap();
    let query = Query { reductions: vec![Reduction::Mean], select, ..Query::default() };
    let prepared = prepare(&View::new(store.clone()), "v", &query).await.unwrap();
    let told = prepared.execution.reads(&store, limits);
    assert_eq!(recording.requests().len(), 0, "nothing is read to tell it");
    let answer = prepared.run(&View::within(store.clone(), limits), &|_, _| {}).await.unwrap();
    let requests = recording.requests();
    assert!(requests.iter().all(|request| request.path == OBJECT));
    assert_eq!(told.requests, requests.len() as u64);
    assert_eq!(told.bytes, Some(answer.statistics.fetched));
    told
}

#[tokio::test]
async fn neighbours_read_together_count_once_and_with_the_bytes_between_them() {
    let options = FetchOptions { gap: 10, ..FetchOptions::default() };
    let told = check("d0=:", options.clone(), Limits::default()).await;
    assert!(told.requests > 1 && told.requests < 23, "{told:?}");
    let all = check("d0=:", FetchOptions { gap: 1000, ..options.clone() }, Limits::default()).await;
    assert_eq!(all.requests, 1);
    assert!(all.bytes > told.bytes, "{all:?} {told:?}");
    let none = check("d0=:", FetchOptions { gap: 0, ..options }, Limits::default()).await;
    assert_eq!(none.requests, 23);
    assert!(none.bytes < told.bytes, "{none:?} {told:?}");
}

#[tokio::test]
async fn strided_and_cut_selections_tell_of_the_chunks_they_touch() {
    let options = FetchOptions { gap: 0, ..FetchOptions::default() };
    assert_eq!(check("d0=0:96:16,d1=0:4", options.clone(), Limits::default()).await.requests, 6);
    assert_eq!(check("d0=17:20", options, Limits::default()).await.requests, 1);
}

#[tokio::test]
async fn little_memory_makes_more_and_smaller_requests_and_tells_so() {
    let options = FetchOptions { gap: 1000, ..FetchOptions::default() };
    let limits = Limits { threads: 1, memory: 8 << 10, ..Limits::default() };
    let told = check("d0=:", options, limits).await;
    assert!(told.requests > 3, "{told:?}");
}
