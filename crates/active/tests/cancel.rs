//! A run that is dropped, and one that fails, leave no request behind.
#![allow(clippy::unwrap_used, reason = "what cannot be set up must stop the test")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use rangefold_active::{Limits, RunError};
use rangefold_query::{Query, View, prepare};
use rangefold_reduce::Reduction;
use rangefold_store::{FetchOptions, ReferenceStore};
use rangefold_testkit::{Fault, FaultyStore, RecordingStore, throttled};
use support::{floats, memory, references, set};
use tokio::time::{Instant, advance, timeout};

/// What every request takes, on a clock that only tests move.
const LATENCY: Duration = Duration::from_secs(10);
const CONCURRENCY: usize = 4;

/// 100 chunks that lie apart, over a slow store; the first read meets `fault`.
async fn slow(fault: Option<Fault>) -> (RecordingStore, ReferenceStore) {
    let set = Arc::new(set(floats(&[100], &[1], &[], 0.0), |number| Some((number * 100, 4))));
    let mut faulty = FaultyStore::new(throttled(memory(vec![0; 10_000]).await, LATENCY, Duration::ZERO));
    if let Some(fault) = fault {
        faulty = faulty.on(1, fault);
    }
    let recording = RecordingStore::new(Arc::new(faulty));
    let inner: Arc<dyn ObjectStore> = Arc::new(recording.clone());
    let options = FetchOptions { concurrency: CONCURRENCY, gap: 0, ..FetchOptions::default() };
    (recording, references(&set, &inner, options))
}

async fn mean(store: &ReferenceStore) -> Result<u64, RunError> {
    let query = Query { reductions: vec![Reduction::Mean], ..Query::default() };
    let prepared = prepare(&View::new(store.clone()), "v", &query).await.unwrap();
    Ok(prepared.run(&View::within(store.clone(), Limits::default()), &|_, _| {}).await?.statistics.fetched)
}

/// Lets everything run that can, for as long as several requests would take.
async fn much_later() {
    for _ in 0..10 {
        advance(LATENCY).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_dropped_ends_its_requests_and_makes_no_more() {
    let (recording, store) = slow(None).await;
    assert!(timeout(LATENCY * 5 / 2, mean(&store)).await.is_err());
    much_later().await;
    let requests = recording.requests();
    let (ended, abandoned): (Vec<_>, Vec<_>) = requests.iter().partition(|request| request.outcome.is_some());
    assert_eq!((ended.len(), abandoned.len()), (2 * CONCURRENCY, CONCURRENCY));
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_first_chunk_fails_ends_before_the_others_have_come_and_ends_their_requests() {
    let (recording, store) = slow(Some(Fault::NotFound)).await;
    let started = Instant::now();
    let error = mean(&store).await.unwrap_err();
    assert!(matches!(error, RunError::Fetch { ref chunk, .. } if chunk == "0"), "{error}");
    assert!(started.elapsed() < LATENCY);
    much_later().await;
    let requests = recording.requests();
    let ended = requests.iter().filter(|request| request.outcome.is_some()).count();
    assert_eq!(ended, 1, "{}", recording.trace());
    assert!(requests.len() <= 2 * CONCURRENCY, "{}", recording.trace());
}

#[tokio::test(start_paused = true)]
async fn the_same_run_left_alone_reads_everything() {
    let (recording, store) = slow(None).await;
    assert_eq!(mean(&store).await.unwrap(), 400);
    assert_eq!(recording.requests().len(), 100);
}
