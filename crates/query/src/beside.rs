//! What is read beside a variable.

use std::collections::BTreeSet;

use rangefold_cf::{auxiliaries_along, auxiliary_variable, axis_variable, bounded_variable, bounds_path};
use rangefold_refs::ReferenceSet;

use crate::group::{GroupBy, GroupKey};
use crate::query::Query;
use crate::weight_source::WeightSource;

/// The arrays that [`prepare`](crate::prepare()) reads beside the variable itself: coordinates with their bounds, weights, masks, labels of
/// groups. Some of them may not be there.
#[must_use]
pub fn read_beside(set: &ReferenceSet, variable: &str, query: &Query) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    let Some(array) = set.arrays.get(variable) else { return paths };
    for (axis, (dimension, &length)) in array.meta.dimension_names.iter().zip(array.meta.shape()).enumerate()
    {
        paths.extend(axis_variable(set, variable, dimension, length).path().map(str::to_owned));
        paths.extend(auxiliaries_along(set, variable, axis));
    }
    let selected = query.select.iter().map(|(name, _)| name);
    let anomaly = query.anomaly.iter().map(|anomaly| GroupBy::from(anomaly.key.clone()));
    let groups: Vec<GroupBy> = query.by.iter().cloned().chain(anomaly).collect();
    let grouped = groups.iter().filter_map(GroupBy::dimension);
    for name in selected.chain(grouped) {
        paths.extend(auxiliary_variable(set, variable, name).map(|(path, _)| path));
        paths.extend(bounded_variable(set, variable, name).map(|(path, _)| path));
    }
    let bounds = |path: &String| bounds_path(path, set.arrays.get(path)?);
    let bounds: Vec<String> = paths.iter().filter_map(bounds).collect();
    paths.extend(bounds);
    paths.extend(query.weights.iter().filter_map(|source| match source {
        WeightSource::CosLatitude => None,
        WeightSource::Variable(path)
        | WeightSource::Mask { variable: path, .. }
        | WeightSource::Label { variable: path, .. } => Some(path.trim_matches('/').to_owned()),
    }));
    paths.extend(groups.iter().filter_map(|by| match &by.key {
        GroupKey::Date { .. } | GroupKey::Period { .. } => None,
        GroupKey::Variable(path) => Some(path.clone()),
    }));
    paths
}
