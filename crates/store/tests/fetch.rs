//! What is asked of a store, in which order answers come, and what is refused.
#![allow(clippy::unwrap_used, reason = "what cannot be set up must stop the test")]

mod common;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use common::{all_in, counting, manifest, memory, meta, range, set_of};
use expect_test::expect;
use futures::StreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use rangefold_refs::{Reference, ReferenceSet, Source};
use rangefold_store::{FetchError, FetchOptions, FetchProblem, ReferenceStore};
use rangefold_testkit::{Fault, FaultyStore, RecordingStore, throttled};

const OPTIONS: FetchOptions =
    FetchOptions { concurrency: 4, gap: 16, read_max: 256, ahead: 4096, bytes_in_flight: 4096 };

/// The error and its causes, as the shell prints them.
fn chain(error: &FetchError) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

fn store_over(store: Arc<dyn ObjectStore>, options: FetchOptions) -> ReferenceStore {
    ReferenceStore::with_options(Arc::new(ReferenceSet::new()), all_in(store), options)
}

async fn all(store: &ReferenceStore, references: Vec<Reference>) -> Vec<(usize, Result<Bytes, FetchError>)> {
    store.fetch(references).collect().await
}

#[tokio::test]
async fn neighbours_are_read_together_and_come_back_in_the_order_of_asking() {
    let bytes = counting(1000);
    let recording = Arc::new(RecordingStore::new(memory(&[("a.nc", &bytes), ("b.nc", &bytes)]).await));
    let store = store_over(recording.clone(), OPTIONS);
    let asked = [("a", 500, 100), ("a", 0, 10), ("b", 7, 5), ("a", 20, 30), ("a", 10, 5), ("a", 600, 100)];
    let references =
        asked.iter().map(|&(object, offset, length)| range(&format!("memory://{object}.nc"), offset, length));
    let answers = all(&store, references.collect()).await;
    for ((index, answer), (place, &(_, offset, length))) in answers.into_iter().zip(asked.iter().enumerate())
    {
        assert_eq!(index, place);
        let offset = usize::try_from(offset).unwrap();
        assert_eq!(answer.unwrap(), bytes[offset..offset + usize::try_from(length).unwrap()]);
    }
    expect![[r#"
        round 1
          GET a.nc 0..50 -> 50 bytes
          GET a.nc 500..700 -> 200 bytes
          GET b.nc 7..12 -> 5 bytes
        1 rounds, 3 requests, 255 bytes
    "#]]
    .assert_eq(&recording.trace());
}

#[tokio::test]
async fn inline_and_empty_references_ask_nothing() {
    let recording = Arc::new(RecordingStore::new(memory(&[]).await));
    let store = store_over(recording.clone(), OPTIONS);
    let references = vec![Reference::Inline(Bytes::from_static(b"abc")), range("memory://no", 9, 0)];
    let answers: Vec<Bytes> = all(&store, references).await.into_iter().map(|(_, b)| b.unwrap()).collect();
    assert_eq!(answers, [b"abc".as_slice(), b""]);
    assert_eq!(recording.requests().len(), 0);
}

#[tokio::test]
async fn no_more_requests_are_in_flight_than_allowed() {
    let recording = Arc::new(RecordingStore::new(memory(&[("a", &counting(10_000))]).await));
    let store = store_over(recording.clone(), OPTIONS);
    let references = (0..20).map(|i| range("memory://a", i * 500, 10)).collect();
    assert_eq!(all(&store, references).await.len(), 20);
    for round in 1..=recording.rounds() {
        let together = recording.requests().iter().filter(|request| request.round == round).count();
        assert!(together <= OPTIONS.concurrency, "{together} requests in round {round}");
    }
}

#[tokio::test(start_paused = true)]
async fn twenty_requests_with_four_in_flight_take_five_round_trips() {
    let latency = Duration::from_secs(1);
    let inner = memory(&[("a", &counting(10_000))]).await;
    let store = store_over(throttled(inner, latency, Duration::ZERO), OPTIONS);
    let start = tokio::time::Instant::now();
    let references = (0..20).map(|i| range("memory://a", i * 500, 10)).collect();
    assert!(all(&store, references).await.iter().all(|(_, bytes)| bytes.is_ok()));
    assert_eq!(start.elapsed(), 5 * latency);
}

#[tokio::test(start_paused = true)]
async fn fetches_of_one_store_share_its_bound_on_requests() {
    let latency = Duration::from_secs(1);
    let inner = memory(&[("a", &counting(10_000))]).await;
    let store = store_over(throttled(inner, latency, Duration::ZERO), OPTIONS);
    let start = tokio::time::Instant::now();
    let references = |first: u64| (first..first + 4).map(|i| range("memory://a", i * 500, 10)).collect();
    let (one, other) = futures::join!(all(&store, references(0)), all(&store, references(8)));
    assert_eq!(one.len() + other.len(), 8);
    assert_eq!(start.elapsed(), 2 * latency);
}

#[tokio::test]
async fn what_is_not_taken_away_is_not_read_ahead_without_bound() {
    let length = 1 << 20;
    let recording = Arc::new(RecordingStore::new(memory(&[("a", &counting(length))]).await));
    let store = store_over(recording.clone(), OPTIONS);
    let references: Vec<_> = (0..1000).map(|i| range("memory://a", i * 1000, 200)).collect();
    let mut answers = store.fetch(references);
    assert!(answers.next().await.is_some());
    assert!(recording.bytes_read() <= OPTIONS.bytes_in_flight, "{} bytes read", recording.bytes_read());
    assert_eq!(answers.count().await, 999);
}

#[tokio::test(start_paused = true)]
async fn what_the_caller_keeps_counts_as_in_flight_gaps_included() {
    let recording = Arc::new(RecordingStore::new(memory(&[("a", &counting(1 << 20))]).await));
    let store = store_over(throttled(recording.clone(), Duration::from_secs(1), Duration::ZERO), OPTIONS);
    // Two references to a read of 30 bytes, of which 10 lie between them.
    let ranges = |i: u64| [range("memory://a", i * 100, 10), range("memory://a", i * 100 + 20, 10)];
    let mut answers = store.fetch_within((0..1000).flat_map(ranges), 300);
    let (mut kept, mut start) = (Vec::new(), tokio::time::Instant::now());
    for _ in 0..60 {
        kept.push(answers.next().await);
    }
    let one_by_one = start.elapsed();
    assert!(recording.bytes_read() <= 30 * 30, "{} bytes read", recording.bytes_read());
    kept.clear();
    start = tokio::time::Instant::now();
    for _ in 0..60 {
        assert!(answers.next().await.is_some());
    }
    assert!(start.elapsed() * 2 < one_by_one, "{:?} and {one_by_one:?}", start.elapsed());
    assert_eq!(answers.count().await, 2000 - 120);
}

#[tokio::test]
async fn no_more_comes_before_the_caller_asks_for_it_than_may_be_ahead_whatever_he_keeps() {
    let recording = Arc::new(RecordingStore::new(memory(&[("a.nc", &counting(4000))]).await));
    let store = store_over(recording.clone(), FetchOptions { ahead: 300, read_max: 1, ..OPTIONS });
    let mut answers = store.fetch((0..40).map(|i| range("memory://a.nc", i * 100, 50)));
    let mut kept = Vec::new();
    for taken in 1..=40 {
        kept.push(answers.next().await.unwrap().1.unwrap());
        let requests = recording.requests().len();
        assert!(requests <= taken + 6, "{requests} requests for {taken} chunks");
    }
    assert_eq!(kept.iter().map(Bytes::len).sum::<usize>(), 2000);
}

#[tokio::test]
async fn files_are_read_in_pieces_of_their_own_and_a_set_with_one_object_elsewhere_is_not_of_files() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = counting(3 << 20);
    let path = folder.path().join("a.nc");
    std::fs::write(&path, &bytes).unwrap();
    let url = Path::from_filesystem_path(&path).unwrap();
    let url = format!("/{url}");
    let set = |urls: &[&str]| {
        let chunks = urls.iter().map(|url| Some(range(url, 0, 8)));
        Arc::new(set_of(meta("<f8", &[2], &[1], &[]), manifest(chunks)))
    };
    let resolve = || all_in(Arc::new(LocalFileSystem::new()));
    let elsewhere = ReferenceStore::new(set(&[&url, "s3://bucket/a.nc"]), resolve());
    assert_eq!(elsewhere.options().read_max, FetchOptions::default().read_max);
    let store = ReferenceStore::new(set(&[&url, "file:///b.nc"]), resolve());
    assert_eq!(store.options().read_max, FetchOptions::files().read_max);
    for (index, answer) in all(&store, (0..48).map(|i| range(&url, i << 16, 1 << 16)).collect()).await {
        assert_eq!(answer.unwrap(), bytes[index << 16..(index + 1) << 16]);
    }
}

#[tokio::test]
async fn one_reference_larger_than_the_bound_is_still_read() {
    let bytes = counting(20_000);
    let store = store_over(memory(&[("a", &bytes)]).await, OPTIONS);
    let references =
        vec![range("memory://a", 0, 9000), range("memory://a", 9000, 11_000), range("memory://a", 5, 1)];
    let answers = all(&store, references).await;
    assert_eq!(answers[1].1.as_ref().unwrap(), &bytes[9000..]);
    assert_eq!(answers[2].1.as_ref().unwrap(), &bytes[5..6]);
}

#[tokio::test]
async fn references_are_taken_as_they_are_needed() {
    let store = store_over(memory(&[("a", &counting(300))]).await, OPTIONS);
    let endless = std::iter::repeat_with(|| range("memory://a", 0, 100));
    let some: Vec<_> = store.fetch(endless).take(100).collect().await;
    assert!(some.iter().all(|(_, bytes)| bytes.as_ref().unwrap().len() == 100));
}

#[tokio::test]
async fn a_range_past_the_end_is_refused_and_its_neighbours_are_not() {
    let store = store_over(memory(&[("a.nc", &counting(100))]).await, OPTIONS);
    let answers = all(&store, vec![range("memory://a.nc", 80, 10), range("memory://a.nc", 90, 11)]).await;
    assert_eq!(answers[0].1.as_ref().unwrap().len(), 10);
    let error = answers[1].1.as_ref().unwrap_err();
    assert_eq!(chain(error), "cannot read bytes 90..101 of memory://a.nc: the object has only 100 bytes");
}

#[tokio::test]
async fn a_missing_object_is_named_once_for_each_reference_and_the_stream_goes_on() {
    let store = store_over(memory(&[("a", &counting(10))]).await, OPTIONS);
    let gone = range("memory://gone.nc", 0, 4);
    let answers = all(&store, vec![gone.clone(), gone, range("memory://a", 0, 4)]).await;
    for (_, answer) in &answers[..2] {
        let error = answer.as_ref().unwrap_err();
        assert!(matches!(*error.problem, FetchProblem::Store(object_store::Error::NotFound { .. })));
        assert!(error.to_string().contains("gone.nc"), "{error}");
    }
    assert_eq!(answers[2].1.as_ref().unwrap(), &[0, 1, 2, 3].as_slice());
}

#[tokio::test]
async fn a_query_of_a_url_is_not_printed() {
    let refusing = |_: &str| -> Result<_, Box<dyn Error + Send + Sync>> { Err("no store".into()) };
    let store = ReferenceStore::new(Arc::new(ReferenceSet::new()), refusing);
    let error = store.get(&range("https://host/a.nc?X-Amz-Signature=hush", 0, 4)).await.unwrap_err();
    assert_eq!(chain(&error), "cannot read bytes 0..4 of https://host/a.nc?...: no store");
}

/// Fetches 4 bytes of an object of 100 bytes of which `source` is known.
async fn known_as(source: impl FnOnce(&object_store::ObjectMeta) -> Source) -> Result<Bytes, FetchError> {
    let inner = memory(&[("a.nc", &counting(100))]).await;
    let meta = inner.head(&Path::from("a.nc")).await.unwrap();
    let mut set = ReferenceSet::new();
    set.sources.insert("memory://a.nc".into(), source(&meta));
    let store = ReferenceStore::new(Arc::new(set), all_in(inner));
    store.get(&range("memory://a.nc", 0, 4)).await
}

#[tokio::test]
async fn an_object_that_is_still_what_was_scanned_is_read() {
    let unchanged = known_as(|meta| Source {
        size: Some(meta.size),
        etag: meta.e_tag.clone(),
        last_modified: Some(meta.last_modified.to_rfc3339()),
    });
    assert_eq!(unchanged.await.unwrap(), [0, 1, 2, 3].as_slice());
    let weak = known_as(|meta| Source {
        size: None,
        etag: meta.e_tag.as_ref().map(|etag| format!("W/{etag}")),
        last_modified: None,
    });
    assert!(weak.await.is_ok());
}

#[tokio::test]
async fn an_object_of_another_size_etag_or_time_is_refused_with_both() {
    let other_size =
        known_as(|_| Source { size: Some(99), etag: None, last_modified: None }).await.unwrap_err();
    assert_eq!(
        chain(&other_size),
        "cannot read bytes 0..4 of memory://a.nc: the object changed since it was scanned: its size was 99 and is 100"
    );
    let other_etag = known_as(|_| Source { size: None, etag: Some("\"old\"".into()), last_modified: None })
        .await
        .unwrap_err();
    assert!(chain(&other_etag).contains("its ETag was \"old\" and is "), "{}", chain(&other_etag));
    let time = Some("2001-02-03T04:05:06Z".to_owned());
    let other_time = known_as(|_| Source { size: None, etag: None, last_modified: time }).await.unwrap_err();
    assert!(
        chain(&other_time).contains("its time of change was 2001-02-03T04:05:06+00:00 and is "),
        "{}",
        chain(&other_time)
    );
}

#[tokio::test]
async fn an_object_that_changes_between_two_reads_is_refused_even_if_nothing_was_known_of_it() {
    let faulty = FaultyStore::new(memory(&[("a.nc", &counting(100))]).await).changed_after(1);
    let store = store_over(Arc::new(faulty), OPTIONS);
    assert!(store.get(&range("memory://a.nc", 0, 4)).await.is_ok());
    let error = store.get(&range("memory://a.nc", 50, 4)).await.unwrap_err();
    assert!(chain(&error).contains("changed since it was first read"), "{}", chain(&error));
}

#[tokio::test]
async fn a_body_that_ends_early_is_refused_with_both_lengths() {
    let faulty = FaultyStore::new(memory(&[("a.nc", &counting(100))]).await).on(1, Fault::Short(3));
    let store = store_over(Arc::new(faulty), OPTIONS);
    let error = store.get(&range("memory://a.nc", 0, 4)).await.unwrap_err();
    assert_eq!(
        chain(&error),
        "cannot read bytes 0..4 of memory://a.nc: 3 bytes came where the store had announced 4"
    );
    assert!(store.get(&range("memory://a.nc", 0, 4)).await.is_ok());
}
