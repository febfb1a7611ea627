//! The coordinate that a trend is along: that of the one dimension that is reduced, grouped or has windows.

use std::sync::Arc;

use rangefold_refs::ManifestArray;

use crate::axis::Axis;
use crate::coordinate::{coordinate, times};
use crate::query::Query;
use crate::query_error::{QueryError, found};
use crate::view::View;

/// The coordinates of positions, and what one of them is a unit of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Along {
    /// The coordinate of each selected position, less the middle of their range: a trend does not depend on it, and numbers
    /// of days since long ago would take digits from the answer.
    pub(crate) coordinates: Option<Arc<[f64]>>,
    /// `day`, `degrees_north`; `None` if the coordinate has no units.
    pub(crate) unit: Option<String>,
}

/// Reads the coordinate that the trends of `query` are along; nothing if there are none.
///
/// # Errors
///
/// [`QueryError::Trend`] if several dimensions are reduced, or none, or there is no number for each position.
pub(crate) async fn along(
    view: &View,
    variable: &str,
    array: &ManifestArray,
    query: &Query,
    axes: &[Axis<'_>],
) -> Result<Along, QueryError> {
    let Some(reduction) = query.reductions.iter().find(|reduction| reduction.is_along()) else {
        return Ok(Along::default());
    };
    let refused = |reason: String| QueryError::Trend {
        variable: variable.to_owned(),
        reduction: reduction.name(),
        reason,
    };
    if array.meta.dimension_names.is_empty() {
        return Err(refused("it has no dimensions".to_owned()));
    }
    let goes = |(_, axis): &(usize, &Axis<'_>)| axis.reduced || axis.rolled || axis.is_grouped();
    let counted: Vec<(usize, &Axis<'_>)> = axes.iter().enumerate().filter(goes).collect();
    let [(place, axis)] = counted.as_slice() else {
        let names: Vec<&str> = counted.iter().map(|(_, axis)| axis.name).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return Err(refused(format!("it is along one dimension that is reduced, and these are: {names}")));
    };
    if axis.is_in_runs() {
        return Err(refused(format!("the selection of {:?} is not one range", axis.name)));
    }
    let of_times = found(variable, times(view, variable, *place, axis.name, axis.length)).await?;
    let read = match of_times {
        Ok(found) => Ok(found),
        Err(_) => found(variable, coordinate(view, variable, axis.name, axis.length)).await?,
    };
    let read = read.map_err(|reason| refused(format!("of {:?}, {reason}", axis.name)))?;
    let positions = axis.positions();
    let number = |&position: &u64| usize::try_from(position).map_or(f64::NAN, |p| read.number(p));
    let numbers: Vec<f64> = positions.iter().map(number).collect();
    if let Some(place) = numbers.iter().position(|number| !number.is_finite()) {
        let position = positions.get(place).copied().unwrap_or(0);
        return Err(refused(format!("position {position} of {:?} has no number as coordinate", axis.name)));
    }
    let (low, high) = numbers
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &number| (low.min(number), high.max(number)));
    let middle = if numbers.is_empty() { 0.0 } else { low + (high - low) / 2.0 };
    let unit = match read.units_of_time() {
        Some(units) => Some(units.step().to_string().trim_end_matches('s').to_owned()),
        None => read.attributes.units.clone(),
    };
    Ok(Along { coordinates: Some(numbers.iter().map(|number| number - middle).collect()), unit })
}
