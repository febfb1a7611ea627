//! What the documentation of `rangefold-reduce` says of NaN, infinities, zeros, nothing and overflow, row by row: by the
//! command and by the library.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper that fails fails the test")]

mod support;

use std::path::Path;
use std::sync::Arc;

use rangefold::active::Limits;
use rangefold::query::{Query, View, prepare, select};
use rangefold::reduce::{Answered, Comparison, Condition, Number, Outcome, Reduction, Value as Cell};
use rangefold::refs::json as references;
use rangefold::storage::{Environment, Storage, StorageOptions};
use rangefold::store::ReferenceStore;
use serde_json::{Value, json};
use support::rangefold;
use tempfile::TempDir;

/// Elements, and what each operation answers, as `--json` prints it; errors as `{"error": "part of the message"}`.
const CASES: &str = include_str!("data/edges.json");

/// References to one variable `v` along `x`, in chunks of two elements of a file beside them.
fn write(folder: &Path, case: &Value) {
    let element = case["dtype"].as_str().unwrap();
    let values = case["values"].as_array().unwrap();
    let bytes: Vec<u8> = values.iter().flat_map(|value| bytes(element, value)).collect();
    let size = bytes.len().checked_div(values.len()).unwrap();
    let shape = [values.len()];
    let array = json!({"zarr_format": 2, "shape": shape, "chunks": [2], "dtype": element, "order": "C",
        "compressor": null, "filters": null, "fill_value": null});
    let mut attributes = case["attributes"].as_object().cloned().unwrap_or_default();
    attributes.insert("_ARRAY_DIMENSIONS".to_owned(), json!(["x"]));
    let mut refs = json!({".zgroup": "{\"zarr_format\":2}", "v/.zarray": array.to_string(),
        "v/.zattrs": Value::Object(attributes).to_string()});
    let url = folder.join("elements").display().to_string();
    for number in 0..values.len().div_ceil(2) {
        refs[format!("v/{number}")] = json!([url, number * 2 * size, 2 * size]);
    }
    // The last chunk is whole, whatever the shape.
    let padding = vec![0; values.len() % 2 * size];
    std::fs::write(folder.join("elements"), [bytes, padding].concat()).unwrap();
    std::fs::write(folder.join("refs.json"), json!({"version": 1, "refs": refs}).to_string()).unwrap();
}

fn bytes(element: &str, value: &Value) -> Vec<u8> {
    let float = || match value.as_str() {
        None => value.as_f64().unwrap(),
        Some(text) => text.parse().unwrap(),
    };
    match element {
        "|b1" | "|i1" => i8::try_from(value.as_i64().unwrap()).unwrap().to_le_bytes().to_vec(),
        "<i8" => value.as_i64().unwrap().to_le_bytes().to_vec(),
        "<u8" => value.as_u64().unwrap().to_le_bytes().to_vec(),
        "<f8" => float().to_le_bytes().to_vec(),
        other => panic!("no element of type {other} can be made"),
    }
}

/// What the command answers to operations that share a pass; to each of them the error if there is one.
fn by_command(folder: &Path, selection: &str, operations: &[&str]) -> Vec<Value> {
    let asked = operations.join(",");
    let command = ["reduce", "refs.json", "v", "--json", "--select", selection, "--op", &asked];
    let output = rangefold(folder, &command);
    let stdout = support::stdout(&output);
    let lines: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    if lines.len() != operations.len() {
        return vec![json!({ "error": support::stderr(&output) }); operations.len()];
    }
    let failed = lines.iter().any(|line| line.get("error").is_some());
    assert_eq!(output.status.code(), Some(i32::from(failed)), "{stdout}");
    let answer = |line: &Value| match line.get("error") {
        Some(error) => json!({ "error": error }),
        None => line["values"].clone(),
    };
    lines.iter().map(answer).collect()
}

/// What the library answers, printed as the command prints it.
async fn by_library(folder: &Path, selection: &str, operations: &[&str]) -> Vec<Value> {
    let set = references::read(&std::fs::read(folder.join("refs.json")).unwrap()).unwrap();
    let storage = Storage::new(StorageOptions::default(), Environment::of_process()).unwrap();
    let store = ReferenceStore::new(Arc::new(set), storage);
    let reductions = operations.iter().map(|operation| reduction(operation)).collect();
    let query = Query { reductions, select: select::parse(selection).unwrap(), ..Query::default() };
    let failed = |error: &dyn std::error::Error| vec![json!({ "error": causes(error) }); operations.len()];
    let prepared = match prepare(&View::new(store.clone()), "v", &query).await {
        Ok(prepared) => prepared,
        Err(error) => return failed(&error),
    };
    match prepared.run(&View::within(store.clone(), Limits::default()), &|_, _| {}).await {
        Ok(answer) => {
            let one = |answered: &Answered| {
                answered.as_ref().map_or_else(|error| json!({ "error": causes(error) }), printed)
            };
            answer.outcomes.iter().map(one).collect()
        }
        Err(error) => failed(&error),
    }
}

/// An error and what it stems from.
fn causes(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn reduction(operation: &str) -> Reduction {
    let positive = Condition { comparison: Comparison::Greater, threshold: Number::Integer(0) };
    match operation {
        "any(> 0)" => Reduction::Any(positive),
        "all(> 0)" => Reduction::All(positive),
        "count_where(> 0)" => Reduction::CountWhere(positive),
        "histogram(-1,1)" => Reduction::Histogram([-1.0, 1.0].into()),
        "quantile(0.25)" => Reduction::Quantile(0.25),
        name => Reduction::from_name(name).unwrap(),
    }
}

fn printed(outcome: &Outcome) -> Value {
    let cell = match outcome.value(0) {
        None => Value::Null,
        Some(Cell::Signed(n)) => json!(n),
        Some(Cell::Unsigned(n)) => json!(n),
        Some(Cell::Bool(truth)) => json!(truth),
        Some(Cell::Float(x)) if x.is_nan() => json!("NaN"),
        Some(Cell::Float(x)) if x.is_infinite() => json!(if x > 0.0 { "Infinity" } else { "-Infinity" }),
        Some(Cell::Float(x)) => json!(x),
        Some(other) => panic!("{other:?} is not among the cases"),
    };
    if outcome.shape.is_empty() { cell } else { json!([cell]) }
}

#[tokio::test]
async fn command_and_library_answer_as_the_table_says() {
    let cases: Value = serde_json::from_str(CASES).unwrap();
    let mut compared = 0;
    for case in cases.as_array().unwrap() {
        let folder = TempDir::new().unwrap();
        write(folder.path(), case);
        let selection = case["select"].as_str().unwrap_or("x=:");
        let answers = case["answers"].as_object().unwrap();
        // An error is the only answer of its pass.
        let (failing, answering): (Vec<&str>, Vec<&str>) =
            answers.keys().map(String::as_str).partition(|operation| answers[*operation].is_object());
        for operations in failing.chunks(1).chain([answering.as_slice()]) {
            let command = by_command(folder.path(), selection, operations);
            let library = by_library(folder.path(), selection, operations).await;
            assert_eq!((command.len(), library.len()), (operations.len(), operations.len()));
            for ((operation, command), library) in operations.iter().zip(command).zip(library) {
                let expected = &answers[*operation];
                for (who, found) in [("command", command), ("library", library)] {
                    let about = format!("{}: {operation} by the {who}: {found}", case["case"]);
                    match (expected["error"].as_str(), found["error"].as_str()) {
                        (Some(expected), Some(found)) => assert!(found.contains(expected), "{about}"),
                        // As texts, in which a zero with a sign is not one without.
                        _ => assert_eq!(found.to_string(), expected.to_string(), "{about}"),
                    }
                }
                compared += 1;
            }
        }
    }
    assert!(compared > 250, "only {compared} answers were compared");
}
