//! What the recording, throttled and faulty stores promise.
#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

use std::sync::Arc;
use std::time::Duration;

use expect_test::expect;
use futures::{StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{Error, GetOptions, ObjectStore, ObjectStoreExt};
use rangefold_testkit::{Fault, FaultyStore, RecordingStore, corpus, fixtures, throttled};

async fn store() -> Arc<InMemory> {
    let store = Arc::new(InMemory::new());
    let content: Vec<u8> = (0..=255).collect();
    store.put(&Path::from("a.nc"), content.clone().into()).await.unwrap();
    store.put(&Path::from("dir/b.nc"), content.into()).await.unwrap();
    store
}

fn a() -> Path {
    Path::from("a.nc")
}

#[tokio::test]
async fn requests_made_together_are_one_round_and_dependent_ones_are_not() {
    let store = RecordingStore::new(store().await);
    let size = store.head(&a()).await.unwrap().size;
    let (path, range) = (a(), size - 16..size);
    let (first, last) = futures::join!(store.get_range(&path, 0..8), store.get_range(&path, range));
    assert_eq!((first.unwrap().len(), last.unwrap().len()), (8, 16));
    store.get(&a()).await.unwrap();
    expect![[r#"
        round 1
          HEAD a.nc -> 256 bytes
        round 2
          GET a.nc 0..8 -> 8 bytes
          GET a.nc 240..256 -> 16 bytes
        round 3
          GET a.nc -> 256 bytes
        3 rounds, 4 requests, 280 bytes
    "#]]
    .assert_eq(&store.trace());
    assert_eq!((store.rounds(), store.bytes_read()), (3, 280));
}

#[tokio::test]
async fn spawned_tasks_and_bounded_streams_fall_into_the_same_rounds() {
    let recording = RecordingStore::new(store().await);
    let reads = (0..6u64).map(|i| {
        let store = recording.clone();
        async move { tokio::spawn(async move { store.get_range(&a(), i..i + 1).await }).await.unwrap() }
    });
    futures::stream::iter(reads).buffer_unordered(3).try_collect::<Vec<_>>().await.unwrap();
    let rounds: Vec<_> = recording.requests().iter().map(|request| request.round).collect();
    assert_eq!(rounds, [1, 1, 1, 2, 2, 2]);
}

#[test]
fn rounds_need_no_runtime() {
    let store = futures::executor::block_on(async {
        let store = RecordingStore::new(store().await);
        let (zero, one) = (a(), a());
        let (x, y) = futures::join!(store.get_range(&zero, 0..1), store.get_range(&one, 1..2));
        assert_eq!((&x.unwrap()[..], &y.unwrap()[..]), (&[0][..], &[1][..]));
        store
    });
    assert_eq!(store.rounds(), 1);
}

#[tokio::test]
async fn close_ranges_are_recorded_as_the_one_request_a_network_store_makes() {
    let store = RecordingStore::new(store().await);
    let parts = store.get_ranges(&a(), &[0..4, 10..12]).await.unwrap();
    assert_eq!((&parts[0][..], &parts[1][..]), (&[0, 1, 2, 3][..], &[10, 11][..]));
    expect![[r#"
        round 1
          GET a.nc 0..12 -> 12 bytes
        1 rounds, 1 requests, 12 bytes
    "#]]
    .assert_eq(&store.trace());
}

#[tokio::test]
async fn everything_else_and_every_failure_is_recorded() {
    let store = RecordingStore::new(store().await);
    let missing = store.head(&Path::from("missing")).await.unwrap_err();
    assert!(matches!(missing, Error::NotFound { .. }));
    let stale = GetOptions { if_match: Some("stale".to_owned()), ..GetOptions::default() };
    assert!(matches!(store.get_opts(&a(), stale).await, Err(Error::Precondition { .. })));
    assert_eq!(store.list(None).count().await, 2);
    assert_eq!(store.list_with_delimiter(None).await.unwrap().common_prefixes.len(), 1);
    store.put(&Path::from("c"), "new".into()).await.unwrap();
    store.copy(&Path::from("c"), &Path::from("d")).await.unwrap();
    store.delete(&Path::from("c")).await.unwrap();
    expect![[r#"
        round 1
          HEAD missing -> NotFound
        round 2
          GET a.nc if-match -> Precondition
        round 3
          LIST  -> 2 entries
        round 4
          LISTDIR  -> 2 entries
        round 5
          PUT c -> 3 bytes
        round 6
          COPY c
        round 7
          DELETE c
        7 rounds, 7 requests, 0 bytes
    "#]]
    .assert_eq(&store.trace());
}

#[tokio::test(start_paused = true)]
async fn latency_is_counted_on_the_paused_clock() {
    let slow = throttled(store().await, Duration::from_secs(60), Duration::ZERO);
    let started = tokio::time::Instant::now();
    let path = a();
    let (x, y) = futures::join!(slow.get_range(&path, 0..1), slow.get_range(&path, 1..2));
    x.and(y).unwrap();
    slow.get(&a()).await.unwrap();
    assert_eq!(started.elapsed(), Duration::from_secs(120));
}

#[tokio::test]
async fn the_nth_read_fails_and_the_others_do_not() {
    let store = FaultyStore::new(store().await)
        .on(2, Fault::NotFound)
        .on(3, Fault::PermissionDenied)
        .on(4, Fault::Unavailable);
    store.get(&a()).await.unwrap();
    assert!(matches!(store.get(&a()).await, Err(Error::NotFound { .. })));
    assert!(matches!(store.head(&a()).await, Err(Error::PermissionDenied { .. })));
    assert!(matches!(store.get(&a()).await, Err(Error::Generic { .. })));
    store.get(&a()).await.unwrap();
    assert_eq!(store.reads(), 5);
}

#[tokio::test]
async fn a_short_body_ends_silently_and_a_broken_one_with_an_error() {
    let store = FaultyStore::new(store().await)
        .on(1, Fault::Short(10))
        .on(2, Fault::Broken(10))
        .always(Fault::NotFound);
    let short = store.get(&a()).await.unwrap();
    assert_eq!((short.range.clone(), short.bytes().await.unwrap().len()), (0..256, 10));
    let mut body = store.get(&a()).await.unwrap().into_stream();
    assert_eq!(body.next().await.unwrap().unwrap().len(), 10);
    assert!(body.next().await.unwrap().is_err());
    assert!(matches!(store.get(&a()).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn an_object_changes_underneath_its_readers() {
    let store = FaultyStore::new(store().await).changed_after(1);
    let before = store.head(&a()).await.unwrap().e_tag;
    let insist = || GetOptions { if_match: before.clone(), ..GetOptions::default() };
    assert!(matches!(store.get_opts(&a(), insist()).await, Err(Error::Precondition { .. })));
    let after = store.head(&a()).await.unwrap().e_tag;
    assert_ne!(before, after);
    store.get_opts(&a(), GetOptions { if_match: after, ..GetOptions::default() }).await.unwrap();
}

#[test]
fn the_fixtures_are_those_of_this_workspace() {
    assert!(fixtures().join("../Cargo.lock").is_file());
    assert!(corpus().is_none_or(|folder| folder.is_dir()));
}
