//! From answers and decoded selections to what is printed and written.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rangefold::active::{Outcomes, Statistics};
use rangefold::array::Values;
use rangefold::cf::{Instant, TimeUnits, axis_variable, flags};
use rangefold::query::GroupLabels;
use rangefold::query::coordinate::coordinate;
use rangefold::query::{KeptDimension, Prepared};
use rangefold::reduce::{Outcome, Reduction, Value};
use rangefold::refs::{AttributeValue, ManifestArray};
use rangefold::store::ReferenceStore;

use crate::result::{At, Coordinate, Dim, Effort, Field, Operation};

/// What was asked of a variable and has no answer.
#[derive(Debug)]
pub(crate) struct Unanswered {
    /// The operation, as it is typed.
    pub(crate) operation: String,
    /// Why there is none.
    pub(crate) error: anyhow::Error,
}

/// What was asked, as it was typed, beside the operations.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked<'a> {
    pub(crate) selection: Option<&'a str>,
    pub(crate) by: &'a [String],
    pub(crate) weights: &'a [String],
    pub(crate) mask: Option<&'a str>,
    pub(crate) condition: Option<&'a str>,
    pub(crate) raw: bool,
}

/// One field per outcome of a reduction, or why it has none.
pub(crate) async fn of_answer(
    store: &ReferenceStore,
    variable: &str,
    prepared: &Prepared,
    asked: Asked<'_>,
    answer: &Outcomes,
    elapsed: Duration,
) -> Result<Vec<Result<Field, Unanswered>>> {
    let mut dims = Vec::with_capacity(prepared.dims.len());
    for dim in &prepared.dims {
        dims.push(dimension(store, variable, dim).await?);
    }
    let effort = effort(&answer.statistics, elapsed);
    let array = store.references().arrays.get(variable);
    let mut fields = Vec::with_capacity(answer.outcomes.len());
    for (reduction, answered) in prepared.asked().iter().zip(&answer.outcomes) {
        let outcome = match answered {
            Ok(outcome) => outcome,
            Err(error) => {
                fields.push(Err(Unanswered { operation: operation(reduction), error: error.clone().into() }));
                continue;
            }
        };
        let at = places(store, variable, prepared, outcome).await?;
        fields.push(Ok(Field { at, ..of_outcome(variable, array, prepared, asked, &dims, outcome, effort) }));
    }
    Ok(fields)
}

/// The values of a part of a selection, without labels; `None` if there are none.
pub(crate) fn of_part(
    store: &ReferenceStore,
    variable: &str,
    prepared: &Prepared,
    asked: Asked<'_>,
    answer: Outcomes,
) -> Result<Field> {
    let array = store.references().arrays.get(variable);
    let outcome = answer.outcomes.into_iter().next().context("there are no values")??;
    let field = of_outcome(
        variable,
        array,
        prepared,
        asked,
        &[],
        &outcome,
        effort(&answer.statistics, Duration::ZERO),
    );
    Ok(Field { operation: None, count: None, effort: None, ..field })
}

/// Where the answers to `argmin` and `argmax` stand, along each dimension that their places count; nothing for others.
async fn places(
    store: &ReferenceStore,
    variable: &str,
    prepared: &Prepared,
    outcome: &Outcome,
) -> Result<Vec<At>> {
    if !matches!(outcome.reduction, Reduction::ArgMin | Reduction::ArgMax) {
        return Ok(Vec::new());
    }
    let place = |i| match outcome.value(i)? {
        Value::Signed(place) => prepared.place(place),
        _ => None,
    };
    let places: Vec<Option<Vec<u64>>> = (0..outcome.values.len()).map(place).collect();
    let mut found = Vec::new();
    for (axis, name) in prepared.place_dimensions().enumerate() {
        let of_cell = |place: &Option<Vec<u64>>| place.as_ref()?.get(axis).copied();
        let positions: BTreeSet<u64> = places.iter().filter_map(of_cell).collect();
        let positions: Vec<u64> = positions.into_iter().collect();
        let index = places.iter().map(|place| positions.binary_search(&of_cell(place)?).ok()).collect();
        let unlabelled = Coordinate { values: Values::Unsigned(positions.clone()), ..Coordinate::default() };
        let dimension_of = KeptDimension::Selected { name: name.to_owned(), positions };
        let mut dim = dimension(store, variable, &dimension_of).await?;
        dim.coordinate.get_or_insert(unlabelled);
        found.push(At { dim, index });
    }
    Ok(found)
}

fn effort(statistics: &Statistics, elapsed: Duration) -> Effort {
    Effort {
        chunks_total: statistics.chunks,
        chunks_missing: statistics.missing,
        chunks_read: statistics.chunks - statistics.missing,
        bytes_referenced: statistics.referenced,
        bytes_fetched: statistics.fetched,
        bytes_decoded: statistics.decoded,
        seconds: elapsed.as_secs_f64(),
    }
}

fn of_outcome(
    variable: &str,
    array: Option<&ManifestArray>,
    prepared: &Prepared,
    asked: Asked<'_>,
    dims: &[Dim],
    outcome: &Outcome,
    effort: Effort,
) -> Field {
    let mut dims = dims.to_vec();
    if let Reduction::Histogram(edges) = &outcome.reduction {
        dims.push(bins(edges, array.and_then(|array| text(array, "units"))));
    }
    let values = outcome.values.clone();
    let valid = (0..values.len()).map(|i| outcome.value(i).is_some()).collect();
    let time = array.and_then(value_units);
    let units = array.and_then(|array| units(array, &outcome.reduction, time.as_ref()));
    let time = time.filter(|_| gives_a_value(&outcome.reduction));
    let flags = array.filter(|_| is_a_value(&outcome.reduction)).map(flags).unwrap_or_default();
    Field {
        variable: variable.to_owned(),
        operation: Some(Operation {
            name: operation(&outcome.reduction),
            expression: expression(&outcome.reduction),
            over: prepared.over.clone(),
            gathered: gathered(array, prepared),
            rolling: prepared.rolling.as_ref().map(ToString::to_string),
            by: asked.by.to_vec(),
            weights: asked.weights.to_vec(),
            mask: asked.mask.map(str::to_owned),
            condition: asked.condition.map(str::to_owned),
        }),
        selection: asked.selection.map(str::to_owned),
        raw: asked.raw,
        units,
        calendar: time.as_ref().and_then(|time| {
            let own = array.and_then(|array| text(array, "calendar"));
            let typed = array.is_some_and(|array| text(array, "units").is_none());
            own.or_else(|| typed.then(|| time.calendar().to_string()))
        }),
        long_name: array.and_then(|a| text(a, "long_name").or_else(|| text(a, "standard_name"))),
        dims,
        element: outcome.element.clone(),
        dates: time.map(|units| dates(&units, &values)),
        values,
        flags: flags.into_iter().map(|(value, meaning)| (value, meaning.to_owned())).collect(),
        valid,
        count: Some(outcome.count.clone()),
        at: Vec::new(),
        effort: Some(effort),
    }
}

/// A reduction as it is typed, quantiles with their fraction.
pub(crate) fn operation(reduction: &Reduction) -> String {
    match reduction {
        Reduction::Quantile(fraction) => format!("quantile({fraction})"),
        reduction => reduction.name().to_owned(),
    }
}

/// A reduction as it is typed, with everything that belongs to it.
fn expression(reduction: &Reduction) -> String {
    match reduction {
        Reduction::Any(condition) | Reduction::All(condition) | Reduction::CountWhere(condition) => {
            format!("{}({condition})", reduction.name())
        }
        Reduction::Histogram(edges) => {
            let edges: Vec<String> = edges.iter().map(f64::to_string).collect();
            format!("histogram({})", edges.join(","))
        }
        reduction => operation(reduction),
    }
}

/// The dimensions whose positions were gathered in groups: those that are gone without being reduced, and those that
/// became periods.
fn gathered(array: Option<&ManifestArray>, prepared: &Prepared) -> Vec<String> {
    let stays = |name: &String| {
        prepared
            .dims
            .iter()
            .any(|dim| matches!(dim, KeptDimension::Selected { name: kept, .. } if kept == name))
    };
    let names = array.map(|array| array.meta.dimension_names.as_slice()).unwrap_or_default();
    names.iter().filter(|name| !stays(name) && !prepared.over.contains(name)).cloned().collect()
}

/// The units of an answer: those of the values where these stay what they are. What lies between two times is a duration,
/// `days`, and its square has `days2`.
fn units(array: &ManifestArray, reduction: &Reduction, time: Option<&TimeUnits>) -> Option<String> {
    match (reduction, time) {
        (Reduction::Range | Reduction::Std { .. }, Some(time)) => Some(time.step().to_string()),
        (Reduction::Var { .. }, Some(time)) => Some(format!("{}2", time.step())),
        // A sum of numbers since a date is no time any more.
        (Reduction::Sum, Some(_)) => None,
        (Reduction::Range | Reduction::Std { .. } | Reduction::Sum, _) => text(array, "units"),
        (Reduction::Var { .. }, _) => text(array, "units").map(|units| squared(&units)),
        // Dates of NumPy have their units in their type.
        (reduction, time) => text(array, "units")
            .or_else(|| time.map(ToString::to_string))
            .filter(|_| gives_a_value(reduction)),
    }
}

/// The square of units: `K2`, `(W m-2)2`.
fn squared(units: &str) -> String {
    match units.trim() {
        units @ ("" | "1") => units.to_owned(),
        units if units.chars().all(char::is_alphabetic) => format!("{units}2"),
        units => format!("({units})2"),
    }
}

/// Whether the answer is itself a value of the variable, or lies between its values.
fn gives_a_value(reduction: &Reduction) -> bool {
    is_a_value(reduction) || matches!(reduction, Reduction::Mean | Reduction::Median | Reduction::Quantile(_))
}

/// Whether the answer is itself a value of the variable.
fn is_a_value(reduction: &Reduction) -> bool {
    matches!(reduction, Reduction::Min | Reduction::Max | Reduction::First | Reduction::Last)
}

/// The bins of a histogram, labelled by their lower edges, in the units of the values.
fn bins(edges: &[f64], units: Option<String>) -> Dim {
    let bounds = edges.windows(2).flatten().copied().collect();
    let lower: Vec<f64> = edges.iter().copied().take(edges.len().saturating_sub(1)).collect();
    let long_name = Some("lower edge of the bin".to_owned());
    Dim {
        name: "bin".to_owned(),
        length: lower.len(),
        coordinate: Some(Coordinate {
            values: Values::Float(lower),
            long_name,
            units,
            bounds: Some(Values::Float(bounds)),
            ..Coordinate::default()
        }),
    }
}

/// A dimension with the labels of the selected positions.
pub(crate) async fn dimension(store: &ReferenceStore, variable: &str, dim: &KeptDimension) -> Result<Dim> {
    let name = dim.name().to_owned();
    let length = dim.len();
    let length_of = |array: &ManifestArray| {
        let place = array.meta.dimension_names.iter().position(|own| *own == name)?;
        array.meta.shape().get(place).copied()
    };
    let positions = match dim {
        KeptDimension::Selected { positions, .. } => positions,
        KeptDimension::Grouped { labels, .. } => {
            let of = |values| Coordinate { values, ..Coordinate::default() };
            let coordinate = match labels {
                GroupLabels::Integers(labels) => of(Values::Signed(labels.clone())),
                GroupLabels::Texts(labels) => of(Values::Text(labels.clone())),
                GroupLabels::Periods { starts, ends, units } => {
                    let set = store.references();
                    let length = set.arrays.get(variable).and_then(length_of).unwrap_or_default();
                    let found = axis_variable(set, variable, &name, length);
                    periods(starts, ends, units, found.path().and_then(|path| set.arrays.get(path)))
                }
            };
            return Ok(Dim { name, length, coordinate: Some(coordinate) });
        }
    };
    let axis_length = store.references().arrays.get(variable).and_then(length_of).unwrap_or_default();
    let found = coordinate(store, variable, &name, axis_length).await?;
    Ok(Dim { name, length, coordinate: found.ok().map(|found| labels(&found.picked(positions))) })
}

/// The labels that a coordinate gives; numbers that are missing are NaN.
fn labels(found: &rangefold::cf::Coordinate) -> Coordinate {
    let attributes = found.attributes.clone();
    let dates =
        found.units_of_time().map(|_| (0..found.len()).map(|i| found.date(i).unwrap_or_default()).collect());
    let values = if found.is_numeric() && found.column.valid.contains(&false) {
        Values::Float((0..found.len()).map(|i| found.number(i)).collect())
    } else {
        found.column.values.clone()
    };
    let units = found.units_of_time();
    Coordinate {
        dates,
        values,
        units: attributes.units.or_else(|| units.map(ToString::to_string)),
        calendar: attributes.calendar.or_else(|| units.map(|units| units.calendar().to_string())),
        standard_name: attributes.standard_name,
        long_name: attributes.long_name,
        axis: attributes.axis,
        positive: attributes.positive,
        bounds: None,
    }
}

/// Beginnings of periods as a coordinate of times, with their ends as bounds: in the units of the coordinate that was gathered
/// where they are whole numbers of these, else in seconds.
fn periods(
    starts: &[Instant],
    ends: &[Instant],
    units: &TimeUnits,
    gathered: Option<&ManifestArray>,
) -> Coordinate {
    const SECONDS: &str = "seconds since 1970-01-01";
    let calendar = units.calendar();
    let whole = |units: &TimeUnits| {
        let value = |&start: &Instant| i64::try_from(units.integer_value(start)?).ok();
        let pairs = starts.iter().zip(ends).flat_map(|(start, end)| [start, end]);
        pairs.map(value).collect::<Option<Vec<i64>>>()
    };
    let attribute = |name: &str| gathered.and_then(|array| text(array, name));
    let own = attribute("units").zip(whole(units));
    let in_seconds = || {
        let units = TimeUnits::parse(SECONDS, Some(&calendar.to_string())).ok()?;
        Some((SECONDS.to_owned(), whole(&units)?))
    };
    let (units, bounds) = own.or_else(in_seconds).unwrap_or_default();
    let date = |start: &Instant| start.date(calendar).map(|date| date.to_string()).unwrap_or_default();
    Coordinate {
        dates: Some(starts.iter().map(date).collect()),
        values: Values::Signed(bounds.iter().copied().step_by(2).collect()),
        bounds: Some(Values::Signed(bounds)),
        units: Some(units),
        calendar: Some(calendar.to_string()),
        standard_name: attribute("standard_name"),
        long_name: attribute("long_name"),
        axis: attribute("axis"),
        positive: None,
    }
}

fn text(array: &ManifestArray, name: &str) -> Option<String> {
    array.attributes.get(name).and_then(AttributeValue::as_text).map(str::to_owned)
}

/// What turns the values of a variable into dates, if they are times by their attributes or by their type.
fn value_units(array: &ManifestArray) -> Option<TimeUnits> {
    rangefold::cf::time_units(array)?.ok()
}

/// Dates of values; empty for one that has none.
fn dates(units: &TimeUnits, values: &Values) -> Vec<String> {
    let date = |value| Some(rangefold::cf::instant(units, value)?.date(units.calendar()).ok()?.to_string());
    values.iter().map(|value| date(value).unwrap_or_default()).collect()
}
