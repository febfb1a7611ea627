//! Files that are packed differently, joined: what is asked of a file's part of the stack has the answer that the file
//! alone gives.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must stop")]

use std::path::Path;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use rangefold_active::Limits;
use rangefold_combine::{CombineSpec, Input, PackingRule, combine};
use rangefold_query::Interpretation;
use rangefold_query::select::parse;
use rangefold_query::{Query, View, prepare};
use rangefold_reduce::{Outcome, Reduction};
use rangefold_refs::{ReferenceSet, json};
use rangefold_scan::{ScanOptions, scan};
use rangefold_store::{FetchOptions, ReferenceStore};

fn local(folder: &Path) -> Arc<dyn ObjectStore> {
    Arc::new(LocalFileSystem::new_with_prefix(folder).unwrap())
}

fn resolver() -> impl rangefold_store::Resolve + Clone + 'static {
    let store = local(&rangefold_testkit::fixtures());
    move |url: &str| Ok((Arc::clone(&store), object_store::path::Path::parse(url)?))
}

/// The three files of the stack whose scale factors differ.
async fn files() -> Vec<ReferenceSet> {
    let mut sets = Vec::new();
    for year in [2001, 2002, 2003] {
        let file = format!("stack_rescaled/tas_{year}.nc");
        let path = object_store::path::Path::parse(&file).unwrap();
        let store = local(&rangefold_testkit::fixtures());
        sets.push(scan(store, &path, &file, &ScanOptions::default()).await.unwrap().references);
    }
    sets
}

/// The stack, written and read again.
async fn stack(files: &[ReferenceSet]) -> ReferenceSet {
    let inputs: Vec<Input> =
        files.iter().enumerate().map(|(n, set)| Input::new(format!("file {n}"), set.clone())).collect();
    let spec =
        CombineSpec { concat: vec!["time".into()], packing: PackingRule::ByPart, ..CombineSpec::default() };
    let combined = combine(inputs, &spec, resolver(), FetchOptions::default()).await.unwrap();
    json::read(&json::write(&combined.references).unwrap()).unwrap()
}

async fn answers(
    set: &ReferenceSet,
    select: &str,
    values: Interpretation,
    over: Option<&str>,
) -> Vec<Outcome> {
    let store = ReferenceStore::new(Arc::new(set.clone()), resolver());
    let query = Query {
        reductions: vec![Reduction::Min, Reduction::Max, Reduction::Sum, Reduction::Count, Reduction::First],
        over: over.map(|names| names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()),
        select: if select.is_empty() { Vec::new() } else { parse(select).unwrap() },
        interpretation: values,
        ..Query::default()
    };
    let prepared = prepare(&View::new(store.clone()), "pr", &query).await.unwrap();
    prepared
        .run(&View::within(store.clone(), Limits::default()), &|_, _| {})
        .await
        .unwrap()
        .complete()
        .unwrap()
}

#[tokio::test]
async fn each_part_of_a_stack_answers_as_its_file_does() {
    let files = files().await;
    let stack = stack(&files).await;
    for values in [Interpretation::Unpacked, Interpretation::Masked, Interpretation::Raw] {
        for over in [None, Some("time"), Some("")] {
            for (file, select) in files.iter().zip(["time=0:12", "time=12:24", "time=24:36"]) {
                let expected = answers(file, "", values, over).await;
                assert_eq!(
                    answers(&stack, select, values, over).await,
                    expected,
                    "{select} {values:?} {over:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_stack_counts_and_bounds_as_its_files_together() {
    let files = files().await;
    let whole = answers(&stack(&files).await, "", Interpretation::Unpacked, None).await;
    let mut each = Vec::new();
    for file in &files {
        each.push(answers(file, "", Interpretation::Unpacked, None).await);
    }
    let number = |outcomes: &[Outcome], row: usize| match outcomes[row].value(0).unwrap() {
        rangefold_reduce::Value::Float(value) => value,
        other => panic!("{other:?}"),
    };
    let of_files = |row: usize| each.iter().map(move |outcomes| number(outcomes, row));
    assert_eq!(number(&whole, 0), of_files(0).fold(f64::INFINITY, f64::min));
    assert_eq!(number(&whole, 1), of_files(1).fold(f64::NEG_INFINITY, f64::max));
    // As netCDF4-python reads the files: see fixtures/stack_rescaled/stack.json.
    assert_eq!((number(&whole, 0), number(&whole, 1)), (2e-06, 0.095_982));
    assert_eq!(whole[0].count, [4450]);
    assert!((number(&whole, 2) - 142.263_893).abs() < 1e-12);
}
