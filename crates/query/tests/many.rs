//! Many questions at once: they share threads, memory and requests, and what was read for one is not read again.
#![allow(clippy::unwrap_used, reason = "what cannot be set up must stop the test")]

use std::sync::Arc;

use futures::future::join_all;
use object_store::{ObjectStore, ObjectStoreExt as _, memory::InMemory, path::Path};
use rangefold_active::{Limits, Resources};
use rangefold_query::select::parse;
use rangefold_query::{Dataset, Query, View, prepare};
use rangefold_reduce::Reduction;
use rangefold_refs::{ReferenceSet, json};
use rangefold_storage::{Environment, Storage, StorageOptions};
use rangefold_store::{FetchOptions, ReferenceStore, RequestSlots};
use rangefold_testkit::RecordingStore;

const LENGTH: usize = 4096;
const CHUNK: usize = 64;

/// `v(x)` in chunks, and its coordinate `x` = 0.0, 0.5, …, in the objects `v` and `x` of a store called `prefix`.
fn references(prefix: &str) -> ReferenceSet {
    let array = |chunk: usize| {
        serde_json::json!({"zarr_format": 2, "shape": [LENGTH], "chunks": [chunk], "dtype": "<f8",
            "compressor": null, "filters": null, "fill_value": null, "order": "C"})
    };
    let dimensions = serde_json::json!({"_ARRAY_DIMENSIONS": ["x"]});
    let mut refs = serde_json::json!({".zgroup": {"zarr_format": 2}, "v/.zarray": array(CHUNK), "v/.zattrs": dimensions,
        "x/.zarray": array(LENGTH), "x/.zattrs": dimensions, "x/0": [format!("{prefix}x"), 0, 8 * LENGTH]});
    for chunk in 0..LENGTH / CHUNK {
        refs[format!("v/{chunk}")] = serde_json::json!([format!("{prefix}v"), 8 * CHUNK * chunk, 8 * CHUNK]);
    }
    json::read(serde_json::json!({"version": 1, "refs": refs}).to_string().as_bytes()).unwrap()
}

fn values() -> Vec<f64> {
    (0..LENGTH).map(|i| ((i * 7919) % 1013) as f64 / 7.0).collect()
}

fn bytes(values: impl Iterator<Item = f64>) -> Vec<u8> {
    values.flat_map(f64::to_le_bytes).collect()
}

async fn fill(store: &dyn ObjectStore) {
    store.put(&Path::from("v"), bytes(values().into_iter()).into()).await.unwrap();
    store.put(&Path::from("x"), bytes((0..LENGTH).map(|i| i as f64 / 2.0)).into()).await.unwrap();
}

fn query(select: &str, reductions: Vec<Reduction>) -> Query {
    Query { reductions, select: parse(select).unwrap(), ..Query::default() }
}

/// On a runtime of a single thread.
#[tokio::test]
async fn many_questions_at_once_have_the_bits_of_one_alone() {
    let storage = Storage::new(StorageOptions::default(), Environment::default()).unwrap();
    let (store, _) = storage.resolve("memory://many/v").unwrap();
    for (object, content) in [("many/v", values()), ("many/x", (0..LENGTH).map(|i| i as f64 / 2.0).collect())]
    {
        let (_, path) = storage.resolve(&format!("memory://{object}")).unwrap();
        store.put(&path, bytes(content.into_iter()).into()).await.unwrap();
    }
    // Less memory than all runs would take together, one request at a time.
    let resources = Resources::new(Limits { threads: 2, memory: 1 << 20, requests: 1 });
    let set = references("memory://many/");
    let dataset = Dataset::of_references(set.clone(), "many", &storage, &resources);
    let other = Dataset::of_references(set, "other", &storage, &resources);
    let reductions = vec![Reduction::Mean, Reduction::Sum, Reduction::Std { ddof: 0 }, Reduction::Median];
    let query = query("x=10.0..1900.0", reductions);
    let alone = dataset.ask("v", &query, &|_, _| {}).await.unwrap();
    let expected: f64 = values()[20..=3800].iter().sum();
    assert!((alone.get("sum").unwrap().array().unwrap()[[]] - expected).abs() < 1e-9 * expected);
    let all = join_all((0..48).map(|i| {
        let (dataset, query) = (if i % 2 == 0 { &dataset } else { &other }.clone(), query.clone());
        async move { dataset.ask("v", &query, &|_, _| {}).await.unwrap() }
    }));
    for answer in all.await {
        for (one, field) in alone.fields.iter().zip(&answer.fields) {
            assert_eq!((&one.values, &one.count), (&field.values, &field.count));
        }
        // Each counts its own work only.
        assert_eq!(answer.statistics, alone.statistics);
    }
    let totals = resources.totals();
    assert_eq!((totals.runs, totals.fetched), (49, 49 * alone.statistics.fetched));
}

#[tokio::test]
async fn stores_that_share_slots_have_no_more_requests_in_flight() {
    let memory = InMemory::new();
    fill(&memory).await;
    let recording = Arc::new(RecordingStore::new(Arc::new(memory)));
    let slots = RequestSlots::new(1);
    let set = Arc::new(references(""));
    let options = FetchOptions { gap: 0, read_max: 1, ..FetchOptions::default() };
    let store = || {
        let inner: Arc<dyn ObjectStore> = recording.clone();
        let resolve = move |url: &str| Ok((Arc::clone(&inner), Path::parse(url)?));
        ReferenceStore::sharing(Arc::clone(&set), resolve, options.clone(), slots.clone())
    };
    let asked = query("", vec![Reduction::Sum]);
    let all = join_all([store(), store(), store()].map(|store| {
        let asked = asked.clone();
        async move {
            let view = View::new(store);
            prepare(&view, "v", &asked).await.unwrap().run(&view, &|_, _| {}).await.unwrap()
        }
    }));
    all.await;
    // One after the other: each request is a round of its own.
    assert_eq!(recording.requests().len(), 3 * LENGTH / CHUNK);
    assert_eq!(recording.rounds(), recording.requests().len());
}

#[tokio::test]
async fn a_coordinate_is_read_once_for_all_questions() {
    let memory = InMemory::new();
    fill(&memory).await;
    let recording = Arc::new(RecordingStore::new(Arc::new(memory)));
    let inner: Arc<dyn ObjectStore> = recording.clone();
    let resolve = move |url: &str| Ok((Arc::clone(&inner), Path::parse(url)?));
    let view = View::new(ReferenceStore::new(Arc::new(references("")), resolve));
    let positions = |prepared: rangefold_query::Prepared| prepared.execution.plan().selected_count();
    let first = prepare(&view, "v", &query("x=3.0..7.0", vec![Reduction::Max])).await.unwrap();
    let requests = recording.requests().len();
    assert!(requests > 0);
    let others = join_all((0..8).map(|_| prepare_again(&view))).await;
    assert!(others.into_iter().all(|count| count == 4));
    assert_eq!((positions(first), recording.requests().len()), (9, requests));
}

async fn prepare_again(view: &View) -> u64 {
    let query = query("x=20.0..21.5", vec![Reduction::Max]);
    prepare(view, "v", &query).await.unwrap().execution.plan().selected_count()
}
