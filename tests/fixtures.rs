//! Every fixture, read and reduced through its references, against the answers stored beside it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a helper that fails fails the test"
)]

mod judge;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use judge::{Verdict, judge};
use rangefold::active::Limits;
use rangefold::array::Slice;
use rangefold::combine::{CombineSpec, Input, combine};
use rangefold::query::{GroupBy, Interpretation, KeptDimension, Query, View, WeightSource, prepare, select};
use rangefold::reduce::{Outcome, Reduction, Value as Cell};
use rangefold::scan::{ScanOptions, scan};
use rangefold::storage::{Environment, Storage, StorageOptions};
use rangefold::store::{FetchOptions, ReferenceStore};
use rangefold_testkit::{files_below, fixtures};
use serde_json::Value;

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn storage() -> Storage {
    Storage::new(StorageOptions::default(), Environment::default()).unwrap()
}

/// A store over the references of one file, or of several joined along time.
async fn store_of(files: &[PathBuf]) -> ReferenceStore {
    let storage = storage();
    let mut inputs = Vec::new();
    for file in files {
        let url = file.to_str().unwrap();
        let (store, path) = storage.resolve(url).unwrap();
        let scanned = scan(store, &path, url, &ScanOptions::default()).await.unwrap();
        inputs.push(Input::new(url, scanned.references));
    }
    let set = if inputs.len() == 1 {
        inputs.remove(0).references
    } else {
        let spec = CombineSpec { concat: vec!["time".into()], ..CombineSpec::default() };
        combine(inputs, &spec, storage.clone(), FetchOptions::default()).await.unwrap().references
    };
    ReferenceStore::new(Arc::new(set), storage)
}

#[tokio::test(flavor = "multi_thread")]
async fn fixtures_read_and_reduce_to_what_h5py_and_netcdf4_find_in_them() {
    let mut total = Verdict::default();
    let mut judged = 0;
    for oracle in files_below(&fixtures()) {
        let name = oracle.to_str().unwrap();
        let Some(file) = name.strip_suffix(".json").map(PathBuf::from).filter(|file| file.is_file()) else {
            continue;
        };
        judged += 1;
        total.add(judge(&file, &json(&oracle)).await);
    }
    total.print(&format!("{judged} fixtures"));
    assert!(judged > 50, "only {judged} fixtures have an oracle");
    assert!(total.wrong.is_empty(), "{} variables are wrong", total.wrong.len());
}

/// The operations of the cases that NumPy has answered.
const OPERATIONS: [Reduction; 5] =
    [Reduction::Min, Reduction::Max, Reduction::Sum, Reduction::Count, Reduction::Mean];

#[tokio::test(flavor = "multi_thread")]
async fn reductions_over_every_set_of_axes_are_numpys() {
    let mut compared = 0;
    for answers in files_below(&fixtures()) {
        let name = answers.to_str().unwrap().to_owned();
        let Some(file) =
            name.strip_suffix(".reductions.json").filter(|_| !name.contains("stack_rescaled/stack"))
        else {
            continue;
        };
        let answers = json(&answers);
        let files = match answers["files"].as_array() {
            Some(files) => files.iter().map(|f| fixtures().join(f.as_str().unwrap())).collect(),
            None => vec![PathBuf::from(file)],
        };
        let store = store_of(&files).await;
        for (number, case) in answers["cases"].as_object().unwrap() {
            compared +=
                compare(&store, case).await.unwrap_or_else(|fault| panic!("{name}, case {number}: {fault}"));
        }
    }
    assert!(compared > 1000, "only {compared} answers were compared");
}

/// Whether all sums of a case fit in 64 bits: one that does not is an error by contract, and would be the only answer.
fn sums_fit(exact: &Value) -> bool {
    exact.as_array().map_or_else(|| judge::fits(exact), |sums| sums.iter().all(judge::fits))
}

/// Compares all operations of one case; returns how many cells were.
async fn compare(store: &ReferenceStore, case: &Value) -> Result<usize, String> {
    let variable = case["variable"].as_str().unwrap().trim_start_matches('/');
    let Some(array) = store.references().arrays.get(variable) else { return Ok(0) };
    let names = &array.meta.dimension_names;
    let integer = |value: &Value| value.as_i64();
    let slice = |range: &Value| Slice::Range {
        start: integer(&range[0]),
        stop: integer(&range[1]),
        step: integer(&range[2]),
    };
    let selected =
        case["select"].as_array().unwrap().iter().map(|range| select::AxisSelector::Index(slice(range)));
    let over = case["over"]
        .as_array()
        .unwrap()
        .iter()
        .map(|axis| names[usize::try_from(axis.as_u64().unwrap()).unwrap()].clone());
    let query = Query {
        reductions: OPERATIONS
            .into_iter()
            .filter(|op| *op != Reduction::Sum || sums_fit(&case["sum_exact"]))
            .collect(),
        over: Some(over.collect()),
        select: names.iter().cloned().zip(selected).collect(),
        interpretation: if case["raw"].as_bool().unwrap() {
            Interpretation::Raw
        } else {
            Interpretation::Unpacked
        },
        ..Query::default()
    };
    let prepared =
        prepare(&View::new(store.clone()), variable, &query).await.map_err(|error| error.to_string())?;
    let answer = prepared
        .run(&View::within(store.clone(), Limits::default()), &|_, _| {})
        .await
        .map_err(|error| format!("{error:?}"))?;
    let mut compared = 0;
    for outcome in &answer.complete().map_err(|error| error.to_string())? {
        let op = outcome.reduction.name();
        let expected = case[op].as_array().map_or_else(|| vec![case[op].clone()], Clone::clone);
        let counts = case["count"].as_array().map_or_else(|| vec![case["count"].clone()], Clone::clone);
        let scales = case["sum_abs"].as_array().map_or_else(|| vec![case["sum_abs"].clone()], Clone::clone);
        for (i, wanted) in expected.iter().enumerate() {
            let tolerance = match op {
                "sum" => 1e-14 * scales[i].as_f64().unwrap_or(0.0),
                "mean" => {
                    1e-14 * scales[i].as_f64().unwrap_or(0.0) / counts[i].as_f64().unwrap_or(1.0).max(1.0)
                }
                _ => 0.0,
            };
            cell(outcome, i, wanted, tolerance)
                .map_err(|fault| format!("{variable} {op} of cell {i}: {fault}"))?;
            compared += 1;
        }
    }
    Ok(compared)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "fixtures hold small integers; large ones are compared as integers"
)]
fn cell(outcome: &Outcome, i: usize, wanted: &Value, tolerance: f64) -> Result<(), String> {
    let found = outcome.value(i);
    let number = match (found, wanted) {
        (None, Value::Null) => return Ok(()),
        (Some(Cell::Signed(n)), _) if wanted.as_i64() == Some(n) => return Ok(()),
        (Some(Cell::Unsigned(n)), _) if wanted.as_u64() == Some(n) => return Ok(()),
        (Some(Cell::Signed(n)), _) => n as f64,
        (Some(Cell::Unsigned(n)), _) => n as f64,
        (Some(Cell::Float(x)), _) => x,
        (found, wanted) => return Err(format!("{found:?} for {wanted}")),
    };
    let wanted = match wanted.as_str() {
        Some("NaN") => f64::NAN,
        Some("Infinity") => f64::INFINITY,
        Some("-Infinity") => f64::NEG_INFINITY,
        _ => wanted.as_f64().ok_or_else(|| format!("{number} for {wanted}"))?,
    };
    let same =
        number == wanted || (number.is_nan() && wanted.is_nan()) || (number - wanted).abs() <= tolerance;
    if same { Ok(()) } else { Err(format!("{number:?} for {wanted:?}")) }
}

/// The answers of xarray 2026.9 on `fixtures/stack`, opened by `open_mfdataset` and widened to float64.
#[tokio::test]
async fn groups_weights_masks_and_conditions_answer_as_xarray_does() {
    let files: Vec<PathBuf> =
        [2001, 2002, 2003].iter().map(|y| fixtures().join(format!("stack/tas_{y}.nc"))).collect();
    let store = store_of(&files).await;
    let mean = Query { reductions: vec![Reduction::Mean], ..Query::default() };
    let cases: BTreeMap<&str, (Query, Vec<f64>)> = BTreeMap::from([
        (
            "season",
            (
                Query { by: vec![GroupBy::parse("time.season").unwrap()], ..mean.clone() },
                vec![269.334_296_78, 270.176_304_85, 270.259_615_21, 270.263_633_03],
            ),
        ),
        (
            "cosine of latitude",
            (Query { weights: vec![WeightSource::CosLatitude], ..mean.clone() }, vec![269.785_888_364_811_2]),
        ),
        (
            "northern half around the seam",
            (
                Query {
                    weights: vec![WeightSource::Mask {
                        variable: "lat".into(),
                        condition: rangefold::reduce::Condition {
                            comparison: rangefold::reduce::Comparison::Greater,
                            threshold: rangefold::reduce::Number::Integer(0),
                        },
                    }],
                    select: select::parse("lon=-60.0..60.0").unwrap(),
                    ..mean.clone()
                },
                vec![269.243_323_571_667_7],
            ),
        ),
    ]);
    for (name, (query, expected)) in cases {
        let prepared = prepare(&View::new(store.clone()), "tas", &query).await.unwrap();
        let answer = prepared.run(&View::within(store.clone(), Limits::default()), &|_, _| {}).await.unwrap();
        let outcomes = answer.complete().unwrap();
        let cells: usize = prepared.dims.iter().map(KeptDimension::len).product();
        assert_eq!(cells, expected.len(), "{name}");
        for (i, wanted) in expected.into_iter().enumerate() {
            let Some(Cell::Float(found)) = outcomes[0].value(i) else {
                panic!("{name}: nothing in cell {i}")
            };
            assert!((found - wanted).abs() < 1e-8, "{name}: {found} for {wanted}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_have_the_same_bits_at_any_concurrency() {
    let files: Vec<PathBuf> =
        [2001, 2002, 2003].iter().map(|y| fixtures().join(format!("stack/tas_{y}.nc"))).collect();
    let set = Arc::new(store_of(&files).await.references().clone());
    let query = Query {
        reductions: vec![Reduction::Sum, Reduction::Mean, Reduction::Var { ddof: 0 }],
        over: Some(vec!["time".into(), "lon".into()]),
        ..Query::default()
    };
    let mut first: Option<Vec<Outcome>> = None;
    for concurrency in [1, 2, 7, 64] {
        let options = FetchOptions { concurrency, gap: concurrency as u64 * 100, ..FetchOptions::default() };
        let store = ReferenceStore::with_options(Arc::clone(&set), storage(), options);
        let prepared = prepare(&View::new(store.clone()), "tas", &query).await.unwrap();
        let limits = Limits { threads: concurrency, ..Limits::default() };
        let outcomes =
            prepared.run(&View::within(store.clone(), limits), &|_, _| {}).await.unwrap().complete().unwrap();
        assert_eq!(*first.get_or_insert(outcomes.clone()), outcomes, "{concurrency} in flight");
    }
}

/// NumPy's `quantile` of the values that netCDF4-python reads, as float64.
#[tokio::test]
async fn quantiles_are_numpys() {
    let asked: Vec<Reduction> = [0.0, 0.1, 0.5, 0.9, 1.0].map(Reduction::Quantile).to_vec();
    let files: Vec<PathBuf> =
        [2001, 2002, 2003].iter().map(|y| fixtures().join(format!("stack/tas_{y}.nc"))).collect();
    let store = store_of(&files).await;
    for (variable, expected) in [
        (
            "tas",
            [
                220.020_004_272_460_94,
                229.960_006_713_867_2,
                269.980_010_986_328_1,
                310.160_003_662_109_4,
                319.980_010_986_328_1,
            ],
        ),
        ("pr", [2e-06, 0.003_199_5, 0.015_971_5, 0.028_836_3, 0.031_994]),
        ("lat", [-78.75, -63.0, 0.0, 63.0, 78.75]),
    ] {
        let query = Query { reductions: asked.clone(), ..Query::default() };
        let prepared = prepare(&View::new(store.clone()), variable, &query).await.unwrap();
        let answer = prepared.run(&View::within(store.clone(), Limits::default()), &|_, _| {}).await.unwrap();
        for (outcome, wanted) in answer.complete().unwrap().iter().zip(expected) {
            let found = match outcome.value(0).unwrap() {
                Cell::Float(found) => found,
                other => panic!("{variable}: {other:?}"),
            };
            assert!(
                (found - wanted).abs() <= 1e-15 * wanted.abs().max(1.0),
                "{variable}: {found} for {wanted}"
            );
        }
    }
}
