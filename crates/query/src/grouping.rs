//! Gathers the positions of a variable's axes in groups.

use rangefold_cf::Coordinate;

use crate::axis::{Axis, AxisGroups};
use crate::coordinate::{named, times};
use crate::group::{GroupBy, GroupKey, instants, shifted};
use crate::group_error::GroupError;
use crate::labelling::{Labelling, labelling};
use crate::labels::narrowed;
use crate::query::Query;
use crate::query_error::{QueryError, found};
use crate::spread::own_axes;
use crate::view::View;

/// Gathers the positions of axes by what the query says; gives the labels that lie over several dimensions.
pub(crate) async fn group(
    view: &View,
    variable: &str,
    query: &Query,
    axes: &mut [Axis<'_>],
    warnings: &mut Vec<String>,
) -> Result<Vec<Labelling>, QueryError> {
    let group_error = |problem| QueryError::Group { variable: variable.to_owned(), problem };
    let mut over_several = Vec::new();
    for by in &query.by {
        match &by.key {
            GroupKey::Date { dimension, .. } | GroupKey::Period { dimension, .. } => {
                let own = axes.iter().position(|axis| axis.name == dimension);
                let (place, coordinate) = match own {
                    Some(place) => {
                        let length = axes.get(place).map_or(0, |axis| axis.length);
                        (place, found(variable, times(view, variable, place, dimension, length)).await?)
                    }
                    None => match found(variable, named(view, variable, dimension)).await? {
                        Some(named) => named,
                        None => continue,
                    },
                };
                let Some(axis) = axes.get_mut(place) else { continue };
                by_date(axis, by, coordinate.as_deref().map_err(String::as_str)).map_err(group_error)?;
                let shifted =
                    coordinate.as_ref().map_or(0, |found| shifted(&by.key, found, &axis.positions()));
                if let (Ok(found), 1..) = (&coordinate, shifted) {
                    let bounds = found.attributes.bounds.as_deref().unwrap_or_default();
                    warnings.push(format!(
                        "{shifted} of {} times of {dimension:?} are the ends of their bounds and lie in another group than the middles of these; to group by the middles, write {bounds:?} in the place of {dimension:?}",
                        axis.count()
                    ));
                }
            }
            GroupKey::Variable(path) => {
                let labels = labelling(view, path, axes).await.map_err(group_error)?;
                let refused = |reason| group_error(GroupError::Label { label: path.clone(), reason });
                let own = own_axes(axes, &labels.dimensions, &labels.shape).map_err(refused)?;
                let selected = labels.selected(&own);
                let Labelling { name, dimensions, shape, labels, groups, .. } = selected;
                let (labels, groups) =
                    narrowed(&name, labels, groups, by.only.as_deref()).map_err(group_error)?;
                let labels = Labelling { name, dimensions, shape, labels, groups, least: by.least };
                match labels.dimensions.as_slice() {
                    [] => return Err(refused("it has no dimensions".to_owned())),
                    [dimension] => {
                        if let Some(axis) = axes.iter_mut().find(|axis| axis.name == dimension) {
                            let Labelling { name, labels, groups, least, .. } = labels;
                            axis.gather(AxisGroups { name, labels, groups, least });
                        }
                    }
                    _ => over_several.push(labels),
                }
            }
        }
    }
    for labels in &over_several {
        let rolled = query.rolling.as_ref().map(|rolling| rolling.dimension.as_str());
        let kept = |axis: &&Axis<'_>| {
            let goes = axis.reduced || axis.is_grouped() || rolled == Some(axis.name);
            labels.dimensions.iter().any(|d| d == axis.name) && !goes
        };
        if let Some(axis) = axes.iter().find(kept) {
            let reason = format!("its dimension {:?} is not reduced", axis.name);
            return Err(group_error(GroupError::Label { label: labels.name.clone(), reason }));
        }
    }
    Ok(over_several)
}

/// Gathers the positions of an axis by parts of their dates, or in periods.
fn by_date(
    axis: &mut Axis<'_>,
    by: &GroupBy,
    coordinate: Result<&Coordinate, &str>,
) -> Result<(), GroupError> {
    let (dimension, positions) = (axis.name, axis.positions());
    let (name, labels, groups) = match &by.key {
        GroupKey::Date { part, .. } => {
            let (labels, groups) = part.groups(dimension, coordinate, &positions)?;
            (part.name().to_owned(), labels, groups)
        }
        GroupKey::Period { period, .. } => {
            if axis.groups.iter().any(|by| by.name == dimension) {
                return Err(GroupError::Twice { dimension: dimension.to_owned() });
            }
            let (units, instants) = instants(dimension, coordinate, &positions)?;
            let (labels, groups) = period.groups(&units, &instants)?;
            (dimension.to_owned(), labels, groups)
        }
        GroupKey::Variable(_) => return Ok(()),
    };
    let (labels, groups) = narrowed(&name, labels, groups, by.only.as_deref())?;
    axis.gather(AxisGroups { name, labels, groups, least: by.least });
    Ok(())
}
