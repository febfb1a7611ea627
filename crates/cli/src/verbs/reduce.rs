//! `rangefold reduce`: active reductions.

use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, bail};
use rangefold::active::{Answer, Limits, Prepared, Query, prepare, query::Values, run as run_plan, select};
use rangefold::reduce::{Outcome, Reduction, Value as Cell};
use rangefold::refs::{AttributeValue, ReferenceSet};
use rangefold::store::ReferenceStore;
use serde_json::{Value, json};

use crate::args::Reduce;
use crate::context::Context;
use crate::{Done, names, number, output, progress};

/// What `--op` takes.
const OPERATIONS: [&str; 12] =
    ["min", "max", "range", "sum", "count", "mean", "var", "std", "argmin", "argmax", "first", "last"];

pub(crate) async fn run(context: &Context, args: &Reduce) -> Result<Done> {
    let query = query(args)?;
    let set = context.references(&args.refs).await?;
    let variables = variables(&set, args)?;
    let store = context.reference_store(set);
    let mut failed = false;
    for variable in &variables {
        match reduce(context, &store, variable, &query).await {
            Ok(lines) => output::print(&lines)?,
            Err(error) if variables.len() > 1 => {
                failed = true;
                if context.shared.json {
                    output::print(&format!("{}\n", json!({ "variable": variable, "error": chain(&error) })))?;
                } else {
                    output::complain(&format!("error: {}", chain(&error)));
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(if failed { Done::Failed } else { Done::All })
}

/// An error and its causes in one line.
fn chain(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn query(args: &Reduce) -> Result<Query> {
    let reductions = args
        .op
        .iter()
        .map(|name| {
            Reduction::from_name(name).ok_or_else(|| {
                let near = names::suggestions(name, OPERATIONS.into_iter());
                anyhow!("{name:?} is not an operation{near}")
            })
        })
        .collect::<Result<_>>()?;
    let values = if args.raw { Values::Raw } else { Values::Unpacked };
    let select = args.select.as_deref().map_or(Ok(Vec::new()), select::parse)?;
    Ok(Query { reductions, over: args.over.clone(), select, values, condition: None })
}

/// The variables that were asked for: one path, or every numeric variable that a glob matches.
fn variables(set: &ReferenceSet, args: &Reduce) -> Result<Vec<String>> {
    let wanted = args.variable.trim_matches('/');
    if set.arrays.contains_key(wanted) {
        return Ok(vec![wanted.to_owned()]);
    }
    if let Some(error) = set.unreadable.get(wanted) {
        bail!("variable {wanted:?} of {} cannot be read: {error}", args.refs);
    }
    if names::is_glob(wanted) {
        let glob = names::glob(wanted)?;
        let matching = set.arrays.iter().filter(|(path, _)| glob.is_match(path));
        let numeric: Vec<String> = matching
            .filter(|(_, array)| array.meta.data_type.element.is_numeric())
            .map(|(path, _)| path.clone())
            .collect();
        if numeric.is_empty() {
            bail!("{} has no numeric variable that matches {wanted:?}", args.refs);
        }
        return Ok(numeric);
    }
    let near = names::suggestions(wanted, set.arrays.keys().map(String::as_str));
    bail!("{} has no variable {wanted:?}{near}", args.refs)
}

async fn reduce(context: &Context, store: &ReferenceStore, variable: &str, query: &Query) -> Result<String> {
    let started = Instant::now();
    let prepared = prepare(store, variable, query).await?;
    let bar = progress::bar(&context.shared, prepared.plan.chunk_count(), "chunks");
    let defaults = Limits::default();
    let limits =
        Limits { threads: context.shared.threads.unwrap_or(defaults.threads), memory: context.shared.memory };
    let answer =
        run_plan(store, variable, prepared.plan.clone(), limits, &|done, _| bar.set_position(done)).await;
    bar.finish_and_clear();
    let answer = answer.with_context(|| format!("cannot reduce {variable}"))?;
    let units = store.references().arrays.get(variable).and_then(|array| array.attributes.get("units"));
    let units = units.and_then(AttributeValue::as_text);
    let seconds = started.elapsed().as_secs_f64();
    let lines = answer.outcomes.iter().map(|outcome| {
        let document = document(variable, &prepared, outcome, units, &answer, seconds);
        if context.shared.json { format!("{document}\n") } else { text(variable, outcome, units, &document) }
    });
    Ok(lines.collect())
}

/// The answer as `--json` prints it.
fn document(
    variable: &str,
    prepared: &Prepared,
    outcome: &Outcome,
    units: Option<&str>,
    answer: &Answer,
    seconds: f64,
) -> Value {
    let shape: Vec<usize> = prepared.dims.iter().map(|dim| dim.positions.len()).collect();
    let dims: Vec<&str> = prepared.dims.iter().map(|dim| dim.name.as_str()).collect();
    let cells = shape.iter().product();
    let values = (0..cells).map(|i| outcome.value(i).map_or(Value::Null, cell)).collect();
    let counts = outcome.count.iter().map(|&count| json!(count)).collect();
    let statistics = &answer.statistics;
    json!({
        "variable": variable,
        "op": outcome.reduction.name(),
        "over": prepared.over,
        "dims": dims,
        "shape": shape,
        "dtype": outcome.element.name(),
        "values": nested(&shape, values),
        "count": nested(&shape, counts),
        "units": units,
        "chunks": {
            "total": statistics.chunks,
            "missing": statistics.missing,
            "read": statistics.chunks - statistics.missing,
        },
        "bytes": { "referenced": statistics.referenced, "decoded": statistics.decoded },
        "seconds": seconds,
    })
}

fn cell(value: Cell) -> Value {
    match value {
        Cell::Signed(value) => json!(value),
        Cell::Unsigned(value) => json!(value),
        Cell::Float(value) => number::float(value),
        Cell::Bool(value) => json!(value),
        Cell::Complex([re, im]) => json!([number::float(re), number::float(im)]),
    }
}

/// A flat list as nested lists of the given shape; the value itself for a scalar.
fn nested(shape: &[usize], mut values: Vec<Value>) -> Value {
    for &length in shape.iter().skip(1).rev() {
        values = values.chunks(length.max(1)).map(|row| Value::Array(row.to_vec())).collect();
    }
    if shape.is_empty() { values.into_iter().next().unwrap_or(Value::Null) } else { Value::Array(values) }
}

/// The answer for a person.
fn text(variable: &str, outcome: &Outcome, units: Option<&str>, document: &Value) -> String {
    let op = outcome.reduction.name();
    let units = units.map_or_else(String::new, |units| format!(" {units}"));
    let value = document.get("values").map(ToString::to_string).unwrap_or_default();
    let count = document.get("count").map(ToString::to_string).unwrap_or_default();
    format!("{variable} {op} = {value}{units} (count {count})\n")
}
