//! Anomalies: each value less the mean of its group at the same place, before it is reduced, kept or grouped again.
//!
//! | written | what is taken from a value |
//! |---|---|
//! | `time.month` | the mean of its month, over all years that the variable has |
//! | `time.month:1981..2010` | the mean of its month over the years 1981 to 2010 |
//! | `time.QS-DEC` | the mean of its own season |
//!
//! The means are over all positions along the dimension of the groups, whatever is selected along it; of the other
//! dimensions over nothing: each place has means of its own. Weights, masks and conditions have no part in them; conditions
//! are then held against the anomalies. A value whose group has no mean is missing.

use std::sync::Arc;

use rangefold_active::{Interpretation, Means, check_count};
use rangefold_array::{AxisRange, ElementType};
use rangefold_cf::time_units;
use rangefold_reduce::{Reduction, strides};
use rangefold_refs::ManifestArray;

use crate::axis::Axis;
use crate::checks::{ANSWER_MAX, check_dimensions, check_once};
use crate::coordinate::axis_of_name;
use crate::group::{GroupBy, GroupKey};
use crate::group_error::GroupError;
use crate::grouping::group;
use crate::labels::KeptDimension;
use crate::positions::Positions;
use crate::prepare::prepare;
use crate::query::Query;
use crate::query_error::QueryError;
use crate::select::{self, AxisSelector};
use crate::view::View;

/// What is taken from each value.
#[derive(Clone, Debug, PartialEq)]
pub struct Anomaly {
    /// The groups whose means are taken from their values.
    pub key: GroupKey,
    /// What the means are over, as a selection along the dimension of the groups; all of it if `None`.
    pub base: Option<(String, AxisSelector)>,
}

impl Anomaly {
    /// Reads `dimension.part`, `dimension.period` or the path of a variable, with a base period behind a colon or not.
    ///
    /// # Errors
    ///
    /// [`GroupError`], as for groups.
    pub fn parse(text: &str) -> Result<Self, GroupError> {
        let refused = |reason: String| GroupError::Option { text: text.to_owned(), reason };
        let (groups, base) = match text.split_once(':') {
            Some((groups, base)) => (groups, Some(base.trim())),
            None => (text, None),
        };
        if groups.contains('=') {
            return Err(refused("anomalies are from the means of all groups".to_owned()));
        }
        let by = GroupBy::from(GroupKey::parse(groups.trim())?);
        let base = match (base, by.dimension()) {
            (None, _) => None,
            (Some(_), None) => {
                return Err(refused("a base period belongs to groups of dates".to_owned()));
            }
            (Some(base), Some(dimension)) => {
                let read = select::parse(&format!("{dimension}={base}"));
                let read = read.map_err(|error| refused(rangefold_array::chain(&error)))?;
                match <[_; 1]>::try_from(read) {
                    Ok([base]) => Some(base),
                    Err(_) => return Err(refused(format!("{base:?} is not one base period"))),
                }
            }
        };
        Ok(Self { key: by.key, base })
    }
}

/// The question for the means that `anomaly` takes from the values that `query` asks of, and which mean belongs to which
/// position.
pub(crate) async fn means(
    view: &View,
    variable: &str,
    array: &ManifestArray,
    query: &Query,
    anomaly: &Anomaly,
) -> Result<Means, QueryError> {
    let refused = |reason: String| QueryError::Anomaly { variable: variable.to_owned(), reason };
    let Anomaly { key, base } = anomaly;
    let grouped = Query { by: vec![key.clone().into()], ..Query::default() };
    check_dimensions(view, variable, array, &grouped)?;
    check_once(view, variable, array, &grouped)?;
    if query.interpretation != Interpretation::Raw && time_units(array).is_some() {
        return Err(refused("its values are times".to_owned()));
    }
    let lengths = array.meta.shape();
    for &length in lengths {
        check_count(std::iter::once(length)).map_err(refused)?;
    }
    let whole = |(name, &length): (_, &u64)| Axis {
        name,
        length,
        positions: Positions(vec![AxisRange::all(length)]),
        reduced: true,
        rolled: false,
        groups: Vec::new(),
    };
    let names = array.meta.dimension_names.iter().map(String::as_str);
    let mut axes: Vec<Axis<'_>> = names.zip(lengths).map(whole).collect();
    let over_several = group(view, variable, &grouped, &mut axes, &mut Vec::new()).await?;
    let found = axes.iter().enumerate().find_map(|(place, axis)| Some((place, axis, axis.groups.first()?)));
    let (Some((place, axis, groups)), true) = (found, over_several.is_empty()) else {
        return Err(refused("its groups lie over several dimensions".to_owned()));
    };
    let is_along = |name: &str| match axes.iter().any(|axis| axis.name == name) {
        true => name == axis.name,
        false => axis_of_name(view.references(), variable, name) == Some(place),
    };
    let elsewhere = query.select.iter().filter(|(name, _)| !is_along(name)).cloned();
    let asked = Query {
        reductions: vec![Reduction::Mean],
        over: Some(Vec::new()),
        select: elsewhere.chain(base.clone()).collect(),
        nearest: query.nearest,
        by: grouped.by.clone(),
        interpretation: query.interpretation,
        memory: query.memory,
        ..Query::default()
    };
    let prepared = Box::pin(prepare(view, variable, &asked)).await?;
    let element = prepared.execution.plan().value_element();
    if !(element.is_integer() || element.is_float() || element == ElementType::Bool) {
        return Err(refused(format!("its values are of type {}", element.name())));
    }
    let plan = prepared.execution.plan();
    let needed = plan.accumulator_len().saturating_add(plan.answers_len());
    let memory = query.memory.unwrap_or(0).max(ANSWER_MAX);
    if needed > memory {
        return Err(refused(format!("the means take {needed} bytes of memory, and {memory} may be used")));
    }
    let shape: Vec<u64> = prepared.dims.iter().map(|dim| dim.len() as u64).collect();
    let mut numbers = Vec::with_capacity(axes.len());
    for ((dim, stride), axis) in prepared.dims.iter().zip(strides(&shape)).zip(&axes) {
        let stride = usize::try_from(stride).unwrap_or(usize::MAX);
        let mut of_axis = vec![None; usize::try_from(axis.length).unwrap_or(0)];
        match dim {
            KeptDimension::Selected { name: _, positions } => {
                for (number, &position) in positions.iter().enumerate() {
                    let slot = usize::try_from(position).ok().and_then(|position| of_axis.get_mut(position));
                    if let Some(slot) = slot {
                        *slot = number.checked_mul(stride);
                    }
                }
            }
            KeptDimension::Grouped { name: _, labels } => {
                // The base period may lack some of the groups, and number them otherwise.
                let number = |group: usize| {
                    let text = groups.groups.text(group)?;
                    (0..labels.len()).find(|&number| labels.text(number).as_ref() == Some(&text))
                };
                let numbers: Vec<Option<usize>> = (0..groups.groups.len()).map(number).collect();
                for (slot, label) in of_axis.iter_mut().zip(&groups.labels) {
                    let number = label.and_then(|label| *numbers.get(usize::try_from(label).ok()?)?);
                    *slot = number.and_then(|number| number.checked_mul(stride));
                }
            }
        }
        numbers.push(of_axis);
    }
    Ok(Means { execution: Box::new(prepared.execution), axes: Arc::from(numbers) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_a_base_period_are_read() {
        let read = |text: &str| Anomaly::parse(text).unwrap();
        assert_eq!(read("time.month").base, None);
        let (dimension, base) = read("time.month:1981..2010").base.unwrap();
        assert_eq!(dimension, "time");
        assert_eq!(base.to_string(), "1981..2010");
        assert_eq!(read("basin").key, GroupKey::Variable("basin".into()));
        for (text, reason) in [
            ("basin:1..2", "a base period belongs to groups of dates"),
            ("time.month=7", "anomalies are from the means of all groups"),
            ("time.month:0:1,lat=3", "\"0:1,lat=3\" is not one base period"),
        ] {
            let error = Anomaly::parse(text).unwrap_err().to_string();
            assert!(error.ends_with(reason), "{error}");
        }
    }
}
