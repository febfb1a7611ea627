//! Quantiles of every type, along dimensions, in groups and under masks, against the answers of NumPy that
//! `data/make.py` wrote.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must stop")]

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::memory::InMemory;
use rangefold_active::Limits;
use rangefold_query::{GroupBy, Query, Rolling, View, WeightSource, prepare, select};
use rangefold_reduce::{Comparison, Condition, Number, Outcome, Reduction, Value};
use rangefold_refs::json;
use rangefold_store::ReferenceStore;
use serde_json::Value as Json;

fn stored() -> (ReferenceStore, Vec<Json>) {
    let mut document: Json = serde_json::from_str(include_str!("data/quantiles.json")).unwrap();
    let set = json::read(document["refs"].to_string().as_bytes()).unwrap();
    let resolver = |url: &str| {
        Ok((Arc::new(InMemory::new()) as Arc<dyn ObjectStore>, object_store::path::Path::parse(url)?))
    };
    let Json::Array(cases) = document["cases"].take() else { panic!("cases are a list") };
    (ReferenceStore::new(Arc::new(set), resolver), cases)
}

const ASKED: [(&str, Reduction); 5] = [
    ("median", Reduction::Median),
    ("min", Reduction::Min),
    ("quantile(0.9)", Reduction::Quantile(0.9)),
    ("count", Reduction::Count),
    ("quantile(0.25)", Reduction::Quantile(0.25)),
];

fn query(case: &Json) -> Query {
    let texts = |json: &Json| -> Vec<String> {
        json.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mask = case.get("mask").map(|mask| WeightSource::Mask {
        variable: mask[0].as_str().unwrap().to_owned(),
        condition: Condition {
            comparison: Comparison::Equal,
            threshold: Number::Float(mask[1].as_f64().unwrap()),
        },
    });
    Query {
        reductions: ASKED.map(|(_, reduction)| reduction).to_vec(),
        over: case["over"].as_array().map(|_| texts(&case["over"])),
        select: case.get("select").map_or_else(Vec::new, |s| select::parse(s.as_str().unwrap()).unwrap()),
        by: texts(&case["by"]).iter().map(|by| GroupBy::parse(by).unwrap()).collect(),
        weights: mask.into_iter().collect(),
        ..Query::default()
    }
}

fn float(json: &Json) -> Option<f64> {
    match json {
        Json::Null => None,
        Json::String(text) => Some(text.parse().unwrap()),
        number => Some(number.as_f64().unwrap()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "so were the expected answers rounded")]
fn number(value: Value) -> f64 {
    match value {
        Value::Signed(n) => n as f64,
        Value::Unsigned(n) => n as f64,
        Value::Float(x) => x,
        other => panic!("{other:?}"),
    }
}

/// Integers of 64 bits are rounded once here, and several times by NumPy.
fn same(ours: f64, numpys: f64) -> bool {
    ours == numpys || ours.is_nan() && numpys.is_nan() || (ours - numpys).abs() <= 2e-15 * numpys.abs()
}

async fn check(limits: Limits) {
    let (store, cases) = stored();
    assert!(cases.len() > 100);
    for case in cases {
        let variable = case["variable"].as_str().unwrap();
        let prepared = prepare(&View::new(store.clone()), variable, &query(&case)).await.unwrap();
        let outcomes =
            prepared.run(&View::within(store.clone(), limits), &|_, _| {}).await.unwrap().complete().unwrap();
        let cells: u64 = case["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).product();
        for ((name, _), outcome) in ASKED.iter().zip(&outcomes) {
            assert_eq!(outcome.values.len() as u64, cells, "{name} of {case}");
            for (i, expected) in case[*name].as_array().unwrap().iter().enumerate() {
                let at = format!("{name} of cell {i} of {variable} over {} by {}", case["over"], case["by"]);
                match (outcome.value(i).map(number), float(expected)) {
                    (Some(ours), Some(numpys)) => assert!(same(ours, numpys), "{at}: {ours} but {numpys}"),
                    (ours, numpys) => assert_eq!(ours, numpys, "{at}"),
                }
                assert_eq!(Some(outcome.count[i]), case["count"][i].as_u64(), "count for {at}");
            }
        }
    }
}

#[tokio::test]
async fn quantiles_of_every_type_are_numpys() {
    check(Limits { threads: 2, memory: 1 << 30, ..Limits::default() }).await;
}

#[tokio::test]
async fn in_little_memory_the_answer_is_cut_into_tiles_and_large_cells_are_narrowed() {
    check(Limits { threads: 2, memory: 1200, ..Limits::default() }).await;
    check(Limits { threads: 1, memory: 0, ..Limits::default() }).await;
}

#[tokio::test]
async fn what_a_search_takes_is_told_before_it_begins() {
    let (store, _) = stored();
    let over = |over: &[&str]| Query {
        reductions: vec![Reduction::Median],
        over: Some(over.iter().map(|&name| name.to_owned()).collect()),
        ..Query::default()
    };
    let passes = async |query: Query, memory| {
        let prepared = prepare(&View::new(store.clone()), "of_lf4", &query).await.unwrap();
        let limits = Limits { threads: 1, memory, ..Limits::default() };
        let passes = prepared.execution.passes(&store, limits).unwrap();
        let took = prepared.run(&View::within(store.clone(), limits), &|_, _| {}).await.unwrap().statistics;
        assert_eq!((took.chunks, took.missing), (18, 0));
        (passes, took.decoded)
    };
    // 7 · 5 · 6 values of 8 bytes and 30 cells of 16.
    let (whole, decoded) = passes(over(&["time"]), 1 << 20).await;
    assert_eq!((whole.passes, whole.narrowed, whole.decoded), (1, 0, decoded));
    assert!((2160..1 << 20).contains(&whole.memory), "{}", whole.memory);
    // Rows of y: two of the three rows of chunks are read for two tiles.
    let (tiles, decoded) = passes(over(&["time"]), 900).await;
    assert_eq!((tiles.passes, tiles.narrowed, tiles.decoded), (5, 0, decoded));
    let (narrowed, _) = passes(over(&["time", "y", "x"]), 1024).await;
    assert_eq!((narrowed.passes, narrowed.narrowed), (1, 1));
}

#[tokio::test]
async fn what_has_no_quantiles_is_refused_by_name() {
    let (store, _) = stored();
    let refused = async |query: Query| {
        prepare(&View::new(store.clone()), "of_lf4", &query).await.unwrap_err().to_string()
    };
    let weighted = Query {
        reductions: vec![Reduction::Quantile(0.9)],
        weights: vec![WeightSource::Variable("basin".to_owned())],
        ..Query::default()
    };
    assert!(refused(weighted).await.contains("quantile is not defined with weights"));
    let fraction = Query { reductions: vec![Reduction::Quantile(90.0)], ..Query::default() };
    assert!(refused(fraction).await.ends_with("90 is not between 0 and 1"));
    let rolling = Rolling::parse("time=3").unwrap();
    let rolling = Query { reductions: vec![Reduction::Median], rolling: Some(rolling), ..Query::default() };
    assert!(refused(rolling).await.ends_with("median is not made of windows that overlap"));
}

#[tokio::test]
async fn a_condition_leaves_values_out_and_nothing_has_no_quantile() {
    let (store, _) = stored();
    let answer = async |threshold| -> Outcome {
        let condition = rangefold_reduce::Condition {
            comparison: Comparison::Greater,
            threshold: rangefold_reduce::Number::Float(threshold),
        };
        let query = Query {
            reductions: vec![Reduction::Quantile(0.0)],
            condition: Some(condition),
            ..Query::default()
        };
        let prepared = prepare(&View::new(store.clone()), "packed", &query).await.unwrap();
        prepared
            .run(&View::within(store.clone(), Limits::default()), &|_, _| {})
            .await
            .unwrap()
            .complete()
            .unwrap()
            .remove(0)
    };
    let Some(Value::Float(smallest)) = answer(280.0).await.value(0) else { panic!("there are values") };
    assert!(smallest > 280.0 && smallest < 283.0);
    let nothing = answer(400.0).await;
    assert_eq!((nothing.value(0), &nothing.count), (None, &vec![0]));
}
