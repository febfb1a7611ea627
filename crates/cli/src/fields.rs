//! From answers and decoded selections to what is printed and written.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, bail};
use rangefold::active::coordinate::{coordinate_path, to_f64};
use rangefold::active::group::GroupLabels;
use rangefold::active::variable::flags;
use rangefold::active::{Answer, KeptDimension, Prepared, Statistics};
use rangefold::array::{AxisRange, DataType, ElementType, Hyperslab, TimeUnit};
use rangefold::cf::{Instant, TimeUnits};
use rangefold::reduce::{Outcome, Reduction, Value, Values as Outcomes};
use rangefold::refs::{AttributeValue, ManifestArray};
use rangefold::store::{ReferenceStore, Values as Decoded};

use crate::result::{At, Coordinate, Dim, Effort, Field, Operation, Value as Shown, Values};

/// One field per outcome of a reduction.
pub(crate) async fn of_answer(
    store: &ReferenceStore,
    variable: &str,
    prepared: &Prepared,
    answer: &Answer,
    elapsed: Duration,
) -> Result<Vec<Field>> {
    let mut dims = Vec::with_capacity(prepared.dims.len());
    for dim in &prepared.dims {
        dims.push(dimension(store, variable, dim).await?);
    }
    let effort = effort(&answer.statistics, elapsed);
    let array = store.references().arrays.get(variable);
    let mut fields = Vec::with_capacity(answer.outcomes.len());
    for outcome in &answer.outcomes {
        let at = places(store, variable, prepared, outcome).await?;
        fields.push(Field { at, ..of_outcome(variable, array, prepared, &dims, outcome, effort) });
    }
    Ok(fields)
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
    dims: &[Dim],
    outcome: &Outcome,
    effort: Effort,
) -> Field {
    let mut dims = dims.to_vec();
    if let Reduction::Histogram(edges) = &outcome.reduction {
        dims.push(bins(edges));
    }
    let values = match &outcome.values {
        Outcomes::Signed(values) => Values::Signed(values.clone()),
        Outcomes::Unsigned(values) => Values::Unsigned(values.clone()),
        Outcomes::Float(values) => Values::Float(values.clone()),
        Outcomes::Bool(values) => Values::Bool(values.clone()),
        Outcomes::Complex(values) => Values::Complex(values.clone()),
        Outcomes::Text(values) => Values::Text(values.iter().map(|bytes| string(bytes)).collect()),
    };
    let valid = (0..values.len()).map(|i| outcome.value(i).is_some()).collect();
    let time = array.and_then(value_units);
    let units = array.and_then(|array| units(array, &outcome.reduction, time.as_ref()));
    let time = time.filter(|_| gives_a_value(&outcome.reduction));
    let flags = array.filter(|_| is_a_value(&outcome.reduction)).map(flags).unwrap_or_default();
    Field {
        variable: variable.to_owned(),
        operation: Some(Operation {
            name: operation(&outcome.reduction),
            over: prepared.over.clone(),
            rolling: prepared.rolling.as_ref().map(ToString::to_string),
        }),
        units,
        calendar: array.and_then(|a| text(a, "calendar")).filter(|_| time.is_some()),
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
fn operation(reduction: &Reduction) -> String {
    match reduction {
        Reduction::Quantile(fraction) => format!("quantile({fraction})"),
        reduction => reduction.name().to_owned(),
    }
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
        (reduction, _) => text(array, "units").filter(|_| gives_a_value(reduction)),
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

/// The bins of a histogram, labelled by their lower edges.
fn bins(edges: &[f64]) -> Dim {
    let lower: Vec<f64> = edges.iter().copied().take(edges.len().saturating_sub(1)).collect();
    let long_name = Some("lower edge of the bin".to_owned());
    Dim {
        name: "bin".to_owned(),
        length: lower.len(),
        coordinate: Some(Coordinate { values: Values::Float(lower), long_name, ..Coordinate::default() }),
    }
}

/// A dimension with the labels of the selected positions.
pub(crate) async fn dimension(store: &ReferenceStore, variable: &str, dim: &KeptDimension) -> Result<Dim> {
    let name = dim.name().to_owned();
    let length = dim.len();
    let positions = match dim {
        KeptDimension::Selected { positions, .. } => positions,
        KeptDimension::Grouped { labels, .. } => {
            let of = |values| Coordinate { values, ..Coordinate::default() };
            let coordinate = match labels {
                GroupLabels::Integers(labels) => of(Values::Signed(labels.clone())),
                GroupLabels::Texts(labels) => of(Values::Text(labels.clone())),
                GroupLabels::Periods { starts, units } => {
                    let set = store.references();
                    let path = coordinate_path(set, variable, &name);
                    beginnings(starts, units, path.and_then(|path| set.arrays.get(&path)))
                }
            };
            return Ok(Dim { name, length, coordinate: Some(coordinate) });
        }
    };
    let set = store.references();
    let path = coordinate_path(set, variable, &name);
    let Some((path, array)) = path.and_then(|path| Some((path.clone(), set.arrays.get(&path)?))) else {
        return Ok(Dim { name, length, coordinate: None });
    };
    let all = Hyperslab::from_axes(vec![AxisRange::all(array.meta.shape().first().copied().unwrap_or(0))]);
    let values = match store.values(&path, &all).await? {
        Decoded::Texts(texts) => Values::Text(picked(&texts, positions)),
        Decoded::Elements(bytes) => match of_elements(&array.meta.data_type, &bytes)? {
            Values::Signed(values) => Values::Signed(picked(&values, positions)),
            Values::Unsigned(values) => Values::Unsigned(picked(&values, positions)),
            Values::Float(values) => Values::Float(picked(&values, positions)),
            Values::Bool(values) => Values::Bool(picked(&values, positions)),
            Values::Complex(values) => Values::Complex(picked(&values, positions)),
            Values::Text(values) => Values::Text(picked(&values, positions)),
        },
    };
    let coordinate = Coordinate {
        dates: value_units(array).map(|units| dates(&units, &values)),
        values,
        units: text(array, "units"),
        calendar: text(array, "calendar"),
        standard_name: text(array, "standard_name"),
        long_name: text(array, "long_name"),
        axis: text(array, "axis"),
        positive: text(array, "positive"),
    };
    Ok(Dim { name, length, coordinate: Some(coordinate) })
}

/// Beginnings of periods as a coordinate of times: in the units of the coordinate that was gathered where they are whole
/// numbers of these, else in seconds.
fn beginnings(starts: &[Instant], units: &TimeUnits, gathered: Option<&ManifestArray>) -> Coordinate {
    const SECONDS: &str = "seconds since 1970-01-01";
    let calendar = units.calendar();
    let whole = |units: &TimeUnits| {
        let value = |&start: &Instant| i64::try_from(units.integer_value(start)?).ok();
        starts.iter().map(value).collect::<Option<Vec<i64>>>()
    };
    let attribute = |name: &str| gathered.and_then(|array| text(array, name));
    let own = attribute("units").zip(whole(units));
    let in_seconds = || {
        let units = TimeUnits::parse(SECONDS, Some(&calendar.to_string())).ok()?;
        Some((SECONDS.to_owned(), whole(&units)?))
    };
    let (units, values) = own.or_else(in_seconds).unwrap_or_default();
    let date = |start: &Instant| start.date(calendar).map(|date| date.to_string()).unwrap_or_default();
    Coordinate {
        dates: Some(starts.iter().map(date).collect()),
        values: Values::Signed(values),
        units: Some(units),
        calendar: Some(calendar.to_string()),
        standard_name: attribute("standard_name"),
        long_name: attribute("long_name"),
        axis: attribute("axis"),
        positive: None,
    }
}

fn picked<T: Clone>(values: &[T], positions: &[u64]) -> Vec<T> {
    positions.iter().filter_map(|&p| values.get(usize::try_from(p).ok()?)).cloned().collect()
}

fn text(array: &ManifestArray, name: &str) -> Option<String> {
    array.attributes.get(name).and_then(AttributeValue::as_text).map(str::to_owned)
}

/// What turns the values of a variable into dates, if they are times by their attributes or by their type.
fn value_units(array: &ManifestArray) -> Option<TimeUnits> {
    let ElementType::DateTime64(unit) = array.meta.data_type.element else { return time_units(array) };
    let unit = match unit {
        TimeUnit::Week => "weeks",
        TimeUnit::Day => "days",
        TimeUnit::Hour => "hours",
        TimeUnit::Minute => "minutes",
        TimeUnit::Second => "seconds",
        TimeUnit::Millisecond => "milliseconds",
        TimeUnit::Microsecond => "microseconds",
        TimeUnit::Nanosecond => "nanoseconds",
        TimeUnit::Year | TimeUnit::Month => return None,
    };
    TimeUnits::parse(&format!("{unit} since 1970-01-01"), Some("proleptic_gregorian")).ok()
}

/// What turns the values of a variable into dates, if its attributes say that they are times.
pub(crate) fn time_units(array: &ManifestArray) -> Option<TimeUnits> {
    TimeUnits::parse(&text(array, "units")?, text(array, "calendar").as_deref()).ok()
}

/// Dates of values; empty for one that has none.
pub(crate) fn dates(units: &TimeUnits, values: &Values) -> Vec<String> {
    let date = |value: Shown<'_>| {
        let instant = match value.to_integer() {
            Some(value) => units.instant_of_integer(value),
            None => units.instant(value.to_f64()?).ok(),
        };
        Some(instant?.date(units.calendar()).ok()?.to_string())
    };
    (0..values.len()).map(|i| values.get(i).and_then(date).unwrap_or_default()).collect()
}

/// A text; one that is not UTF-8 has an escape for each byte that is not ASCII: `caf\\xe9`.
fn string(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.escape_ascii().to_string(), str::to_owned)
}

/// Elements in native byte order as values.
///
/// # Errors
///
/// A type that is neither a number nor a text.
pub(crate) fn of_elements(data_type: &DataType, bytes: &[u8]) -> Result<Values> {
    fn each<const N: usize, T>(bytes: &[u8], value: impl Fn([u8; N]) -> T) -> Vec<T> {
        bytes.as_chunks::<N>().0.iter().map(|&element| value(element)).collect()
    }
    let element = &data_type.element;
    Ok(match element {
        ElementType::Int8 => Values::Signed(each(bytes, |b| i8::from_ne_bytes(b).into())),
        ElementType::Int16 => Values::Signed(each(bytes, |b| i16::from_ne_bytes(b).into())),
        ElementType::Int32 => Values::Signed(each(bytes, |b| i32::from_ne_bytes(b).into())),
        ElementType::Int64 | ElementType::DateTime64(_) | ElementType::TimeDelta64(_) => {
            Values::Signed(each(bytes, i64::from_ne_bytes))
        }
        ElementType::UInt8 => Values::Unsigned(each(bytes, |b| u8::from_ne_bytes(b).into())),
        ElementType::UInt16 => Values::Unsigned(each(bytes, |b| u16::from_ne_bytes(b).into())),
        ElementType::UInt32 => Values::Unsigned(each(bytes, |b| u32::from_ne_bytes(b).into())),
        ElementType::UInt64 => Values::Unsigned(each(bytes, u64::from_ne_bytes)),
        ElementType::Bool => Values::Bool(bytes.iter().map(|&b| b != 0).collect()),
        ElementType::Float16 | ElementType::Float32 | ElementType::Float64 => {
            Values::Float(to_f64(element, bytes))
        }
        ElementType::Complex64 => Values::Complex(each::<8, _>(bytes, |[a, b, c, d, e, f, g, h]| {
            [f32::from_ne_bytes([a, b, c, d]).into(), f32::from_ne_bytes([e, f, g, h]).into()]
        })),
        ElementType::Complex128 => {
            let parts = each(bytes, f64::from_ne_bytes);
            Values::Complex(parts.as_chunks::<2>().0.to_vec())
        }
        ElementType::FixedBytes(size @ 1..) => {
            let text = |element: &[u8]| {
                let end = element.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
                string(element.get(..end).unwrap_or_default())
            };
            Values::Text(bytes.chunks_exact(*size).map(text).collect())
        }
        ElementType::FixedUtf32(size @ 1..) => {
            let text = |element: &[u8]| {
                let units = each(element, u32::from_ne_bytes);
                let text: String = units.into_iter().filter_map(char::from_u32).collect();
                text.trim_end_matches('\0').to_owned()
            };
            Values::Text(bytes.chunks_exact(size.saturating_mul(4)).map(text).collect())
        }
        other => bail!("values of type {} cannot be shown", other.name()),
    })
}
