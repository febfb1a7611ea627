//! What cannot be planned.

use rangefold_array::PackingError;

/// Why a question cannot be planned for an array.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A trend without the coordinate of each position of the one axis that is reduced, grouped or has windows.
    #[error(
        "a trend is along one axis that is reduced, with a coordinate for each position: it has {places} and {coordinates} are given"
    )]
    Along {
        /// Positions of the axis; 0 if it is not one axis.
        places: u64,
        /// Coordinates.
        coordinates: usize,
    },
    /// The number of axis maps is not the rank.
    #[error("{maps} axes were given for an array of rank {rank}")]
    Rank {
        /// Axis maps given.
        maps: usize,
        /// Axes of the array.
        rank: usize,
    },
    /// A selection made for another array.
    #[error("the selection {selection} does not fit an array of shape {shape:?}")]
    Selection {
        /// The selection.
        selection: String,
        /// Shape of the array.
        shape: Vec<u64>,
    },
    /// A question that has no answer for this type.
    #[error("{reduction} of {element} values is not defined")]
    Unsupported {
        /// Name of the reduction, or of what is asked with it.
        reduction: &'static str,
        /// Name of the element type.
        element: String,
    },
    /// The number of labels is not that of the selected positions.
    #[error("{labels} labels were given for the {positions} selected positions of axis {axis}")]
    Labels {
        /// The axis.
        axis: usize,
        /// Labels given.
        labels: usize,
        /// Positions selected.
        positions: u64,
    },
    /// A fold made for other cells.
    #[error("a fold of cells of shape {fold:?} was given for cells of shape {cells:?}")]
    Fold {
        /// Shape that the fold folds.
        fold: Vec<u64>,
        /// Shape of the cells that there are.
        cells: Vec<u64>,
    },
    /// A label that is no group.
    #[error("label {label} on axis {axis} is outside the {groups} groups")]
    Label {
        /// The axis.
        axis: usize,
        /// The label.
        label: u32,
        /// Number of groups.
        groups: u32,
    },
    /// A reduction that is made from all values, not from partials.
    #[error("{reduction} is made from all values at a time, not from what each chunk gives")]
    Gathered {
        /// Name of the reduction.
        reduction: &'static str,
    },
    /// A fraction outside 0 to 1.
    #[error("{fraction} is not between 0 and 1")]
    Fraction {
        /// The fraction.
        fraction: f64,
    },
    /// Edges that bound no bins.
    #[error("a histogram needs at least two edges in ascending order, not {edges:?}")]
    Edges {
        /// The edges given.
        edges: Vec<f64>,
    },
    /// NaN counts as a value, but a reduction needs an order of values or their places, and NaN has neither.
    #[error("first, last, argmin, argmax, median and quantile are not defined with NaN as a value")]
    NanPlace,
    /// An answer or a chunk that the machine cannot address.
    #[error("{what} of shape {shape:?} is too large to be held in memory")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its shape.
        shape: Vec<u64>,
    },
    /// The axis of the windows is past the rank, or their lengths contradict each other.
    #[error(
        "windows of {length} positions, {before} of them before their own and {least} with a value, make no sense along axis {axis} of an answer of rank {rank}"
    )]
    Windows {
        /// Positions of a window.
        length: u32,
        /// Positions before its own.
        before: u32,
        /// Positions that need a value.
        least: u32,
        /// The axis of the answer.
        axis: usize,
        /// Axes of the answer.
        rank: usize,
    },
    /// A packing that does not belong to the element type.
    #[error(transparent)]
    Packing(#[from] PackingError),
}
