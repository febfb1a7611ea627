//! What a query selects along one axis, and what it may have meant instead.

use rangefold_array::{AxisRange, ElementType, Slice, Value};
use rangefold_cf::{Coordinate, auxiliary_variable, axis_variable};

use crate::checks::check_dimensions;
use crate::coordinate::{axis_of_name, coordinate, named, times};
use crate::positions::Positions;
use crate::query::Query;
use crate::query_error::{QueryError, found};
use crate::select::{AxisSelector, SelectError};
use crate::view::View;

/// The positions that are selected along a dimension, and a warning if something else may have been meant.
pub(crate) async fn positions(
    view: &View,
    variable: &str,
    axis: usize,
    dimension: &str,
    length: u64,
    query: &Query,
) -> Result<(Positions, Option<String>), QueryError> {
    let all = AxisSelector::Index(Slice::All);
    let along = |name: &str| {
        let array = view.references().arrays.get(variable);
        match array.is_some_and(|array| array.meta.dimension_names.iter().any(|own| own == name)) {
            true => name == dimension,
            false => axis_of_name(view.references(), variable, name) == Some(axis),
        }
    };
    let mut asked = query.select.iter().filter(|(name, _)| along(name));
    let (name, selector) =
        asked.next().map_or((dimension, &all), |(name, selector)| (name.as_str(), selector));
    if let Some((second, _)) = asked.next() {
        let source = SelectError::SameAxis {
            dimension: dimension.to_owned(),
            first: name.to_owned(),
            second: second.clone(),
        };
        return Err(QueryError::Select { variable: variable.to_owned(), problem: Box::new(source) });
    }
    let years = selector.year().map(|year| (year, year)).or_else(|| selector.years());
    let number = match selector {
        AxisSelector::Index(Slice::Index(number)) => Some(*number),
        _ => None,
    };
    let has_labels = number.is_some() && is_of_texts(view, variable, dimension, length, name);
    let coordinate = match (name == dimension, selector) {
        (_, AxisSelector::Index(_)) if years.is_none() && !has_labels => Err(String::new()),
        (false, _) => match found(variable, named(view, variable, name)).await? {
            Some((_, named)) => named,
            None => Err(format!("there is no variable {name:?}")),
        },
        (true, AxisSelector::Index(_)) => times(view, variable, axis, dimension, length)
            .await
            .unwrap_or_else(|error| Err(error.to_string())),
        (true, AxisSelector::Dates(..)) => {
            found(variable, times(view, variable, axis, dimension, length)).await?
        }
        (true, _) => found(variable, coordinate(view, variable, dimension, length)).await?,
    };
    let coordinate = coordinate.as_deref().map_err(String::as_str);
    let years = years.filter(|&(first, last)| {
        AxisSelector::of_years(first, last).resolve(axis, name, length, coordinate, false).is_ok()
    });
    let what = if coordinate.is_ok_and(|found| found.time.is_some()) { "year" } else { "value" };
    let label = number.filter(|number| {
        let text = number.to_string();
        let is_it =
            |found: &&Coordinate| (0..found.len()).any(|i| found.value(i) == Some(Value::Text(&text)));
        has_labels && coordinate.ok().filter(is_it).is_some()
    });
    let refused = |source| match (source, label, selector.year().and(years)) {
        (SelectError::Position { dimension, problem }, Some(label), _) => {
            SelectError::LabelledPosition { dimension, label, problem: Box::new(problem) }
        }
        (SelectError::Position { dimension, problem }, None, Some((year, _))) => {
            SelectError::Year { what, dimension, year, problem: Box::new(problem) }
        }
        (source, ..) => source,
    };
    let positions = selector.resolve(axis, name, length, coordinate, query.nearest).map_err(|source| {
        QueryError::Select { variable: variable.to_owned(), problem: Box::new(refused(source)) }
    })?;
    let warning = match (label, years, selector.year()) {
        (Some(label), ..) => {
            Some(format!("{name}={label} is position {label}; the label is {name}=\"{label}\""))
        }
        (None, Some(_), Some(year)) => {
            Some(format!("{name}={year} is position {year}; the {what} {year} is {name}={year}..{year}"))
        }
        (None, Some((first, last)), None) => Some(format!(
            "{name}={first}:{last} are positions {first} to {last}; the {what}s {first} to {last} are {name}={first}..{last}"
        )),
        (None, None, _) => coordinate.ok().and_then(|found| {
            let middles = by_middles(found, selector)?;
            let middles = selector.resolve(axis, name, length, Ok(&middles), query.nearest).ok();
            let bounds = found.attributes.bounds.as_deref().unwrap_or_default();
            (middles.as_ref() != Some(&positions)).then(|| format!(
                "times of {name:?} are the ends of their bounds, so that {name}={selector} takes others than those whose middles lie in it; these are {bounds}={selector}"
            ))
        }),
    };
    Ok((positions, warning))
}

/// The middles of the bounds of a coordinate, if dates are looked up in it and some stand at the end of their bounds.
fn by_middles(coordinate: &Coordinate, selector: &AxisSelector) -> Option<Coordinate> {
    let at_end = || (0..coordinate.len()).any(|i| coordinate.is_at_end(i));
    (matches!(selector, AxisSelector::Dates(..)) && coordinate.time.is_some() && at_end())
        .then(|| coordinate.middles())?
}

/// Whether what `name` stands for along a dimension has texts as labels.
fn is_of_texts(view: &View, variable: &str, dimension: &str, length: u64, name: &str) -> bool {
    let set = view.references();
    let own = || axis_variable(set, variable, dimension, length).path().map(str::to_owned);
    let other = || auxiliary_variable(set, variable, name).map(|(path, _)| path);
    let path = if name == dimension { own() } else { other() };
    path.and_then(|path| set.arrays.get(&path)).is_some_and(|array| {
        let element = &array.meta.data_type.element;
        matches!(element, ElementType::FixedBytes(_) | ElementType::FixedUtf32(_) | ElementType::VlenString)
    })
}

/// What a query selects of a variable, before anything of it is read.
#[derive(Clone, Debug)]
pub struct Selected {
    /// Of each dimension, the runs of positions that are selected.
    pub runs: Vec<Vec<AxisRange>>,
    /// What the query may not have meant.
    pub warnings: Vec<String>,
}

impl Selected {
    /// Whether nothing is selected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.iter().any(|runs| runs.iter().all(|run| run.count() == 0))
    }
}

/// The positions that `query` selects along each dimension of the variable at path `variable`.
///
/// # Errors
///
/// [`QueryError`] if the selection does not fit.
pub async fn selected(view: &View, variable: &str, query: &Query) -> Result<Selected, QueryError> {
    let array = view
        .references()
        .arrays
        .get(variable)
        .ok_or_else(|| QueryError::NoVariable { variable: variable.to_owned() })?;
    check_dimensions(view, variable, array, query)?;
    let mut selected = Selected { runs: Vec::new(), warnings: Vec::new() };
    for (axis, (name, &length)) in array.meta.dimension_names.iter().zip(array.meta.shape()).enumerate() {
        let (positions, warning) = positions(view, variable, axis, name, length, query).await?;
        selected.runs.push(positions.0);
        selected.warnings.extend(warning);
    }
    Ok(selected)
}
