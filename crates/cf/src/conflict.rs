//! Dimensions of one name that have several lengths where there should be one, and coordinates that do not fit.

use rangefold_array::node_path;
use std::collections::BTreeMap;

use rangefold_refs::ReferenceSet;

use crate::coordinate::{AxisVariable, axis_variable};

/// A dimension that is not of one length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The array whose dimension it is.
    pub subject: String,
    /// What is wrong: `dimension "lat" has 3 positions in "lat" and 5 here`.
    pub problem: String,
    /// Whether the lengths differ in one scope, so that readers such as xarray refuse the group.
    pub in_one_scope: bool,
}

/// The dimensions that have two lengths in one scope, and those whose nearest coordinate variable has another length.
///
/// A scope is the group that has the dimension, as far as that is known, else the group of the array.
#[must_use]
pub fn dimension_conflicts(set: &ReferenceSet) -> Vec<Conflict> {
    let mut first: BTreeMap<(&str, &str), (&str, u64)> = BTreeMap::new();
    let mut conflicts = Vec::new();
    for (path, array) in &set.arrays {
        for (dimension, &length) in array.meta.dimension_names.iter().zip(array.meta.shape()) {
            let scope = scope(set, path, dimension);
            let &mut (other, found) = first.entry((scope, dimension)).or_insert((path, length));
            let (problem, in_one_scope) = if found != length {
                (
                    format!("dimension {dimension:?} has {found} positions in {other:?} and {length} here"),
                    true,
                )
            } else if let AxisVariable::OtherLength { path: other, found, .. } =
                axis_variable(set, path, dimension, length)
            {
                let problem = format!(
                    "dimension {dimension:?} has {length} positions and the variable {other:?} {found}, so that it is not used as its coordinate"
                );
                (problem, false)
            } else {
                continue;
            };
            conflicts.push(Conflict { subject: path.clone(), problem, in_one_scope });
        }
    }
    conflicts
}

/// The nearest group that is known to have the dimension, else that of the array at `path`.
fn scope<'a>(set: &ReferenceSet, path: &'a str, dimension: &str) -> &'a str {
    let own = node_path::parent(path);
    let up = |group: &&'a str| (!group.is_empty()).then(|| node_path::parent(group));
    std::iter::successors(Some(own), up)
        .find(|group| set.groups.get(*group).is_some_and(|group| group.dimensions.contains(dimension)))
        .unwrap_or(own)
}
