//! Hundreds of files at once on one thread: none sees another, and the store is never asked for more than it allows.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

#[path = "support/folders.rs"]
mod folders;

use std::sync::Arc;
use std::time::Duration;

use folders::{files, is_hdf5};
use futures::StreamExt;
use object_store::limit::LimitStore;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use rangefold_hdf5::{Options, Reader, read_bytes};
use rangefold_testkit::{RecordingStore, fixtures, throttled};

const COPIES: usize = 6;
const FILES_AT_ONCE: usize = 64;
const REQUESTS_AT_ONCE: usize = 16;

#[tokio::test(start_paused = true)]
async fn hundreds_of_files_are_read_at_once_as_if_each_were_alone() {
    let memory = InMemory::new();
    let mut expected = Vec::new();
    for path in files(&fixtures()).into_iter().filter(|path| is_hdf5(path)) {
        let bytes = bytes::Bytes::from(std::fs::read(&path).unwrap());
        let alone = read_bytes(bytes.clone(), &Options::default()).unwrap();
        for copy in 0..COPIES {
            let key = Path::from(format!("{}-{copy}", expected.len()));
            memory.put(&key, bytes.clone().into()).await.unwrap();
            expected.push((key, format!("{:?} {:?}", alone.objects, alone.errors)));
        }
    }
    assert!(expected.len() > 500, "only {} files", expected.len());

    // Every request takes a second of a clock that jumps.
    let slow = throttled(Arc::new(memory), Duration::from_secs(1), Duration::ZERO);
    let recorded = Arc::new(RecordingStore::new(slow));
    let store: Arc<dyn ObjectStore> = Arc::new(LimitStore::new(Arc::clone(&recorded), REQUESTS_AT_ONCE));
    let options = Options { head: 4096, whole: 0, gap: 0, ..Options::default() };
    let start = tokio::time::Instant::now();
    let read = expected.iter().map(|(key, _)| {
        let (store, options) = (Arc::clone(&store), options.clone());
        async move { Reader::open(store, key.clone(), options).await.unwrap().file().await.unwrap() }
    });
    let read: Vec<_> = futures::stream::iter(read).buffered(FILES_AT_ONCE).collect().await;
    let seconds = usize::try_from(start.elapsed().as_secs()).unwrap();

    for ((key, alone), file) in expected.iter().zip(&read) {
        assert_eq!(&format!("{:?} {:?}", file.objects, file.errors), alone, "{key}");
    }
    let requests = recorded.requests().len();
    assert!(
        seconds * REQUESTS_AT_ONCE >= requests,
        "{requests} requests in {seconds} s are too many at once"
    );
    assert!(seconds * REQUESTS_AT_ONCE < 2 * requests, "{requests} requests took {seconds} s");
}
