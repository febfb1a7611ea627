//! From outcomes to labelled fields: dimensions with coordinates, units, dates, and what was asked in words.

use std::collections::BTreeSet;
use std::time::Duration;

use rangefold_active::{Outcomes, Statistics};
use rangefold_array::{Value, Values};
use rangefold_cf::{Instant, TimeUnits, axis_variable, flags};
use rangefold_reduce::{Outcome, ReduceError};
use rangefold_refs::{AttributeValue, ManifestArray};

use crate::coordinate::{CoordinateError, coordinate};
use crate::field::{At, Coordinate, Dim, Effort, Field, Operation};
use crate::labels::{GroupLabels, KeptDimension};
use crate::prepare::Prepared;
use crate::query::Written;
use crate::reductions::{self, AnswerElement, AnswerUnits};
use crate::view::View;

/// One field per outcome, with the labels of its dimensions, or why there is none.
pub(crate) async fn labelled(
    view: &View,
    prepared: &Prepared,
    outcomes: &Outcomes,
    elapsed: Duration,
) -> Result<Vec<Result<Field, ReduceError>>, CoordinateError> {
    let mut dims = Vec::with_capacity(prepared.dims.len());
    for dim in &prepared.dims {
        dims.push(dimension(view, &prepared.variable, dim).await?);
    }
    let array = view.references().arrays.get(&prepared.variable);
    let effort = effort(&outcomes.statistics, elapsed);
    let mut fields = Vec::with_capacity(outcomes.outcomes.len());
    for answered in &outcomes.outcomes {
        fields.push(match answered {
            Ok(outcome) => {
                let at = places(view, prepared, outcome).await?;
                Ok(Field { at, ..of_outcome(array, prepared, &dims, outcome, effort) })
            }
            Err(error) => Err(error.clone()),
        });
    }
    Ok(fields)
}

/// The fields of outcomes without the labels of their dimensions.
///
/// # Errors
///
/// Why the first that has no answer has none.
pub(crate) fn unlabelled(
    view: &View,
    prepared: &Prepared,
    outcomes: Outcomes,
) -> Result<Vec<Field>, ReduceError> {
    let array = view.references().arrays.get(&prepared.variable);
    let effort = effort(&outcomes.statistics, Duration::ZERO);
    let field = |outcome: &Outcome| of_outcome(array, prepared, &[], outcome, effort);
    Ok(outcomes.complete()?.iter().map(field).collect())
}

/// Where the answers to `argmin` and `argmax` stand, along each dimension that their places count; nothing for others.
async fn places(view: &View, prepared: &Prepared, outcome: &Outcome) -> Result<Vec<At>, CoordinateError> {
    if outcome.reduction.units() != AnswerUnits::Place {
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
        let mut dim = dimension(view, &prepared.variable, &dimension_of).await?;
        dim.coordinate.get_or_insert(unlabelled);
        found.push(At { dim, index });
    }
    Ok(found)
}

fn effort(statistics: &Statistics, elapsed: Duration) -> Effort {
    Effort {
        chunks_total: statistics.chunks,
        chunks_missing: statistics.missing,
        chunks_read: statistics.chunks.saturating_sub(statistics.missing + statistics.known),
        bytes_referenced: statistics.referenced,
        bytes_fetched: statistics.fetched,
        bytes_decoded: statistics.decoded,
        seconds: elapsed.as_secs_f64(),
    }
}

fn of_outcome(
    array: Option<&ManifestArray>,
    prepared: &Prepared,
    dims: &[Dim],
    outcome: &Outcome,
    effort: Effort,
) -> Field {
    let Outcome { reduction, shape: _, element, values, count, lacking: _ } = outcome;
    let Written { select, anomaly, by, weights, mask, condition } = &prepared.written;
    let mut dims = dims.to_vec();
    let own_units = array.and_then(|array| text(array, "units"));
    if let Some(edges) = reduction.edges() {
        dims.push(bins(edges, own_units.clone()));
    }
    let valid = (0..values.len()).map(|i| outcome.value(i).is_some()).collect();
    let time = array.and_then(value_units);
    let units = reductions::units(reduction, own_units.as_deref(), time.as_ref(), prepared.along.as_deref());
    let time = time.filter(|_| reduction.units() == AnswerUnits::OfValues);
    // An anomaly is none of the values that have names.
    let is_own = reduction.element() == AnswerElement::OfValues && anomaly.is_none();
    let flags = array.filter(|_| is_own).map(flags).unwrap_or_default();
    // What is raw is a number, also of a time.
    let dated = time.as_ref().filter(|_| !(prepared.is_selection && prepared.is_raw()));
    let operation = Operation {
        reduction: reduction.clone(),
        over: prepared.over.clone(),
        gathered: gathered(array, prepared),
        rolling: prepared.rolling.as_ref().map(ToString::to_string),
        by: by.clone(),
        weights: weights.clone(),
        mask: mask.clone(),
        condition: condition.clone(),
    };
    Field {
        variable: prepared.variable.clone(),
        operation: Some(operation).filter(|_| !prepared.is_selection),
        selection: select.clone(),
        anomaly: anomaly.clone(),
        raw: prepared.is_raw(),
        units,
        calendar: time.as_ref().and_then(|time| {
            let own = array.and_then(|array| text(array, "calendar"));
            let typed = own_units.is_none();
            own.or_else(|| typed.then(|| time.calendar().to_string()))
        }),
        long_name: array.and_then(|a| text(a, "long_name").or_else(|| text(a, "standard_name"))),
        dims,
        element: element.clone(),
        dates: dated.map(|units| dates(units, values)),
        values: values.clone(),
        flags: flags.into_iter().map(|(value, meaning)| (value, meaning.to_owned())).collect(),
        valid,
        count: Some(count.clone()).filter(|_| !prepared.is_selection),
        at: Vec::new(),
        effort: Some(effort).filter(|_| !prepared.is_selection),
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
///
/// # Errors
///
/// [`CoordinateError`] if the coordinate of the dimension cannot be read.
pub async fn dimension(view: &View, variable: &str, dim: &KeptDimension) -> Result<Dim, CoordinateError> {
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
                    let set = view.references();
                    let length = set.arrays.get(variable).and_then(length_of).unwrap_or_default();
                    let found = axis_variable(set, variable, &name, length);
                    periods(starts, ends, units, found.path().and_then(|path| set.arrays.get(path)))
                }
            };
            return Ok(Dim { name, length, coordinate: Some(coordinate) });
        }
    };
    let axis_length = view.references().arrays.get(variable).and_then(length_of).unwrap_or_default();
    let found = coordinate(view, variable, &name, axis_length).await?;
    Ok(Dim { name, length, coordinate: found.ok().map(|found| labels(&found.picked(positions))) })
}

/// The labels that a coordinate gives; numbers that are missing are NaN.
fn labels(found: &rangefold_cf::Coordinate) -> Coordinate {
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
    rangefold_cf::time_units(array)?.ok()
}

/// Dates of values; empty for one that has none.
fn dates(units: &TimeUnits, values: &Values) -> Vec<String> {
    let date = |value| Some(rangefold_cf::instant(units, value)?.date(units.calendar()).ok()?.to_string());
    values.iter().map(|value| date(value).unwrap_or_default()).collect()
}
