//! What is refused before anything of a question is planned.

use std::collections::BTreeSet;

use rangefold_refs::ManifestArray;

use crate::axis::Axis;
use crate::coordinate::axis_of_name;
use crate::group::{GroupBy, GroupKey};
use crate::query::Query;
use crate::query_error::QueryError;
use crate::view::View;
use crate::weight_source::WeightSource;

/// Bytes that an answer may take where nothing else is said, and always.
pub(crate) const ANSWER_MAX: u64 = 256 << 20;
/// Bytes of a cell of an answer: a value and a count.
const ANSWER_CELL: u64 = 16;

/// Refuses an answer that takes more memory than it may, before anything of its size is made.
pub(crate) fn check_answer(variable: &str, query: &Query, axes: &[Axis<'_>]) -> Result<(), QueryError> {
    let kept = axes.iter().filter(|axis| !axis.reduced);
    let grouped = |axis: &&Axis<'_>| {
        query.by.iter().any(|by| by.dimension().is_none_or(|dimension| dimension == axis.name))
    };
    let shape: Vec<u64> = kept.filter(|axis| !grouped(axis)).map(Axis::count).collect();
    let cells = shape.iter().fold(1_u128, |n, &length| n.saturating_mul(length.into()));
    let cell = query.reductions.iter().fold(0_u64, |n, reduction| {
        n.saturating_add(match reduction.edges() {
            // Bins are one fewer than their edges, and a cell has a count beside them.
            Some(edges) => (edges.len() as u64).saturating_mul(8),
            None => ANSWER_CELL,
        })
    });
    let (needed, memory) = (cells.saturating_mul(cell.into()), query.memory.unwrap_or(0).max(ANSWER_MAX));
    if needed <= memory.into() {
        return Ok(());
    }
    Err(QueryError::Answer { variable: variable.to_owned(), shape, needed, memory })
}

/// Refuses names that are neither a dimension nor, where that is enough, an auxiliary coordinate along one.
pub(crate) fn check_dimensions(
    view: &View,
    variable: &str,
    array: &ManifestArray,
    query: &Query,
) -> Result<(), QueryError> {
    let names = &array.meta.dimension_names;
    let selected = query.select.iter().map(|(dimension, _)| dimension);
    let grouped = query.by.iter().filter_map(GroupBy::dimension);
    let rolled = query.rolling.iter().map(|rolling| &rolling.dimension);
    let is_dimension = |name: &&String| names.contains(name);
    let is_auxiliary = |name: &&String| axis_of_name(view.references(), variable, name).is_some();
    let unknown = query.over.iter().flatten().chain(rolled).find(|name| !is_dimension(name));
    let unlabelled = || selected.chain(grouped).find(|name| !is_dimension(name) && !is_auxiliary(name));
    match unknown.or_else(unlabelled) {
        Some(dimension) => Err(QueryError::NoDimension {
            variable: variable.to_owned(),
            dimension: dimension.clone(),
            dimensions: names.clone(),
        }),
        None => Ok(()),
    }
}

/// Refuses weights, masks, groups and windows along a dimension that the variable has twice, as a covariance has.
pub(crate) fn check_once(
    view: &View,
    variable: &str,
    array: &ManifestArray,
    query: &Query,
) -> Result<(), QueryError> {
    let names = &array.meta.dimension_names;
    let mut seen = BTreeSet::new();
    let Some(repeated) = names.iter().find(|name| !seen.insert(name.as_str())) else { return Ok(()) };
    let has_it = |path: &str| {
        let other = view.references().arrays.get(path.trim_matches('/'));
        other.is_some_and(|other| other.meta.dimension_names.contains(repeated))
    };
    let weighted = query.weights.iter().any(|source| match source {
        WeightSource::CosLatitude => true,
        WeightSource::Variable(path)
        | WeightSource::Mask { variable: path, .. }
        | WeightSource::Label { variable: path, .. } => has_it(path),
    });
    let grouped = query.by.iter().any(|by| match &by.key {
        GroupKey::Date { dimension, .. } | GroupKey::Period { dimension, .. } => dimension == repeated,
        GroupKey::Variable(path) => has_it(path),
    });
    let rolled = query.rolling.as_ref().is_some_and(|rolling| rolling.dimension == *repeated);
    let refused = [(weighted, "weights and masks"), (grouped, "groups"), (rolled, "windows")];
    match refused.into_iter().find(|(asked, _)| *asked) {
        Some((_, what)) => {
            Err(QueryError::Repeated { variable: variable.to_owned(), dimension: repeated.clone(), what })
        }
        None => Ok(()),
    }
}
