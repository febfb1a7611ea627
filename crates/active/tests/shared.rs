//! Runs that share a store, and runs that have little memory.
#![allow(clippy::unwrap_used, reason = "what cannot be set up must stop the test")]

mod support;

use std::sync::Arc;

use futures::future::join_all;
use rangefold_active::{Limits, Statistics};
use rangefold_query::{Query, View, WeightSource, prepare};
use rangefold_reduce::Reduction;
use rangefold_refs::{NodePath, ReferenceSet};
use rangefold_store::{FetchOptions, ReferenceStore};
use support::{floats, memory, references, set};

const ROWS: u64 = 64;
const COLUMNS: u64 = 32;

/// `v`, and `area` on the same dimensions, in one object: rows of chunks of 4 × 16.
async fn store() -> ReferenceStore {
    let shape = [ROWS, COLUMNS];
    let chunk = 4 * 16 * 4;
    let chunks = ROWS * COLUMNS / (4 * 16);
    let element = |i: u64| ((i * 7919) % 1013) as f32 + 1.0;
    let bytes: Vec<u8> = (0..2 * ROWS * COLUMNS).flat_map(|i| element(i).to_le_bytes()).collect();
    let meta = floats(&shape, &[4, 16], &[], -1.0);
    let mut both: ReferenceSet = set(meta.clone(), |number| Some((number * chunk, chunk)));
    let area = set(meta, |number| Some(((chunks + number) * chunk, chunk)));
    both.arrays.insert(NodePath::from("area"), area.arrays["v"].clone());
    references(&Arc::new(both), &memory(bytes).await, FetchOptions { gap: 0, ..FetchOptions::default() })
}

async fn statistics(store: &ReferenceStore, rows: u64) -> Statistics {
    let select = rangefold_query::select::parse(&format!("d0=0:{rows}")).unwrap();
    let query = Query { reductions: vec![Reduction::Mean], select, ..Query::default() };
    let prepared = prepare(&View::new(store.clone()), "v", &query).await.unwrap();
    prepared.run(&View::within(store.clone(), Limits::default()), &|_, _| {}).await.unwrap().statistics
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_of_many_runs_tells_what_it_fetched_itself() {
    let store = store().await;
    let rows: Vec<u64> = (0..48).map(|i| 4 * (i % 16 + 1)).collect();
    let all = join_all(rows.iter().map(|&rows| {
        let store = store.clone();
        tokio::spawn(async move { statistics(&store, rows).await })
    }));
    for (rows, statistics) in rows.iter().zip(all.await) {
        let statistics = statistics.unwrap();
        assert_eq!(statistics.fetched, rows * COLUMNS * 4);
        assert_eq!(statistics.referenced, statistics.fetched);
    }
}

#[tokio::test]
async fn weights_that_do_not_fit_at_once_give_the_same_bits() {
    let store = store().await;
    let reductions = vec![
        Reduction::Mean,
        Reduction::Sum,
        Reduction::Count,
        Reduction::Var { ddof: 0 },
        Reduction::Std { ddof: 0 },
    ];
    let weights = vec![WeightSource::Variable("area".to_owned())];
    let query = Query { reductions, weights, ..Query::default() };
    let prepared = prepare(&View::new(store.clone()), "v", &query).await.unwrap();
    let mut answers = Vec::new();
    for memory in [1 << 30, 40 << 10, 1] {
        let limits = Limits { threads: 2, memory, ..Limits::default() };
        let answer = prepared.run(&View::within(store.clone(), limits), &|_, _| {}).await.unwrap();
        assert_eq!((answer.statistics.chunks, answer.statistics.missing), (32, 0));
        answers.push(answer.complete().unwrap());
    }
    for other in &answers[1..] {
        for (one, other) in answers[0].iter().zip(other) {
            assert_eq!((&one.values, &one.count), (&other.values, &other.count));
        }
    }
}
