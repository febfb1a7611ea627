//! From what a person asks of a variable to a plan.

use std::sync::Arc;

use rangefold_array::{AxisRange, Hyperslab};
use rangefold_reduce::{
    AxisMap, Condition, Grouping, PackingError, PlanError, ReduceSpec, Reduction, ReductionPlan,
};
use rangefold_refs::ManifestArray;
use rangefold_store::{ReferenceStore, ValuesError};

use crate::coordinate::coordinate;
use crate::select::{AxisSelector, Positions, SelectError};
use crate::variable::Interpretation;

/// What is asked of a variable.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// The questions; they share one pass.
    pub reductions: Vec<Reduction>,
    /// Dimensions to reduce; `None` for all.
    pub over: Option<Vec<String>>,
    /// What to take along each dimension; all of those that are not named.
    pub select: Vec<(String, AxisSelector)>,
    /// What the stored elements are taken for.
    pub values: Values,
    /// Values that do not meet this are left out.
    pub condition: Option<Condition>,
}

/// What stored elements are taken for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Values {
    /// As netCDF4-python reads them: missing ones masked, packed ones unpacked.
    #[default]
    Unpacked,
    /// Missing ones masked, packed ones left packed.
    Masked,
    /// As they are stored; nothing but NaN is missing.
    Raw,
}

/// A plan, and what its output axes are.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The plan.
    pub plan: Arc<ReductionPlan>,
    /// The dimensions that stay, in order.
    pub dims: Vec<KeptDimension>,
    /// The dimensions that were reduced, in order.
    pub over: Vec<String>,
}

/// A dimension that stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptDimension {
    /// Its name.
    pub name: String,
    /// The positions that were selected, in the order of the output.
    pub positions: Vec<u64>,
}

/// A query does not fit its variable.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// There is no such variable.
    #[error("there is no variable {variable:?}")]
    NoVariable {
        /// The path asked for.
        variable: String,
    },
    /// A dimension that the variable does not have.
    #[error("variable {variable:?} has no dimension {dimension:?}; it has {}", dimensions.join(", "))]
    NoDimension {
        /// The variable.
        variable: String,
        /// The dimension asked for.
        dimension: String,
        /// Its dimensions.
        dimensions: Vec<String>,
    },
    /// A selection that does not fit.
    #[error("variable {variable:?}: {source}")]
    Select {
        /// The variable.
        variable: String,
        /// Why.
        source: SelectError,
    },
    /// A coordinate that cannot be read.
    #[error("variable {variable:?}: a coordinate cannot be read")]
    Coordinate {
        /// The variable.
        variable: String,
        /// Why.
        source: ValuesError,
    },
    /// Packing attributes that cannot be used.
    #[error("variable {variable:?}: {source}")]
    Packing {
        /// The variable.
        variable: String,
        /// Why.
        source: PackingError,
    },
    /// A reduction that is not defined for the variable.
    #[error("variable {variable:?}: {source}")]
    Plan {
        /// The variable.
        variable: String,
        /// Why.
        source: PlanError,
    },
}

/// Plans `query` on the variable at path `variable`. Reads coordinates only if a value or date is to be looked up.
///
/// # Errors
///
/// [`QueryError`].
pub async fn prepare(store: &ReferenceStore, variable: &str, query: &Query) -> Result<Prepared, QueryError> {
    let array = store
        .references()
        .arrays
        .get(variable)
        .ok_or_else(|| QueryError::NoVariable { variable: variable.to_owned() })?;
    let names = &array.meta.dimension_names;
    check_dimensions(variable, array, query)?;
    let mut ranges = Vec::with_capacity(names.len());
    let mut maps = Vec::with_capacity(names.len());
    let mut dims = Vec::new();
    let mut over = Vec::new();
    for (name, &length) in names.iter().zip(array.meta.shape()) {
        let positions = positions(store, variable, name, length, query).await?;
        let reduced = query.over.as_ref().is_none_or(|over| over.contains(name));
        let (range, map) = axis(&positions, reduced, length);
        ranges.push(range);
        maps.push(map);
        if reduced {
            over.push(name.clone());
        } else {
            let positions = positions.0.iter().flat_map(|range| range.positions()).collect();
            dims.push(KeptDimension { name: name.clone(), positions });
        }
    }
    let interpretation = match query.values {
        Values::Unpacked => Interpretation::of(array)
            .map_err(|source| QueryError::Packing { variable: variable.to_owned(), source })?,
        Values::Masked => Interpretation::masked(array),
        Values::Raw => Interpretation::raw(),
    };
    let spec = ReduceSpec {
        missing: interpretation.missing,
        packing: interpretation.packing,
        unsigned: interpretation.unsigned,
        condition: query.condition.clone(),
        ..ReduceSpec::new(query.reductions.clone(), maps)
    };
    let plan = ReductionPlan::new(&array.meta, &Hyperslab::from_axes(ranges), &spec)
        .map_err(|source| QueryError::Plan { variable: variable.to_owned(), source })?;
    Ok(Prepared { plan: Arc::new(plan), dims, over })
}

fn check_dimensions(variable: &str, array: &ManifestArray, query: &Query) -> Result<(), QueryError> {
    let names = &array.meta.dimension_names;
    let asked = query.over.iter().flatten().chain(query.select.iter().map(|(dimension, _)| dimension));
    match asked.into_iter().find(|dimension| !names.contains(dimension)) {
        Some(dimension) => Err(QueryError::NoDimension {
            variable: variable.to_owned(),
            dimension: dimension.clone(),
            dimensions: names.clone(),
        }),
        None => Ok(()),
    }
}

async fn positions(
    store: &ReferenceStore,
    variable: &str,
    dimension: &str,
    length: u64,
    query: &Query,
) -> Result<Positions, QueryError> {
    let all = AxisSelector::Index(rangefold_array::Slice::All);
    let selector =
        query.select.iter().find(|(name, _)| name == dimension).map_or(&all, |(_, selector)| selector);
    let coordinate = match selector {
        AxisSelector::Index(_) => None,
        _ => coordinate(store, variable, dimension)
            .await
            .map_err(|source| QueryError::Coordinate { variable: variable.to_owned(), source })?,
    };
    selector
        .resolve(dimension, length, coordinate.as_ref())
        .map_err(|source| QueryError::Select { variable: variable.to_owned(), source })
}

/// The range that covers all positions, and where each of them goes.
fn axis(positions: &Positions, reduced: bool, length: u64) -> (AxisRange, AxisMap) {
    if let [range] = positions.0.as_slice() {
        return (*range, if reduced { AxisMap::Reduce } else { AxisMap::Keep });
    }
    // Several runs (a range across a seam): the positions are picked from all of the axis. A reduced axis becomes a
    // single group, which adds a length of 1 to the plan's shape and nothing to the order of its values.
    let mut labels = vec![None; usize::try_from(length).unwrap_or(0)];
    let mut count = 0;
    for position in positions.0.iter().flat_map(|range| range.positions()) {
        if let Some(slot) = usize::try_from(position).ok().and_then(|p| labels.get_mut(p)) {
            *slot = Some(if reduced { 0 } else { count });
            count += 1;
        }
    }
    let groups = if reduced { 1 } else { count };
    (AxisRange::all(length), AxisMap::Group(Grouping { labels: labels.into(), groups }))
}
