//! What to compute.

use std::sync::Arc;

use crate::{Condition, Fold, MissingSpec, Packing, Windows};

/// One question about the values of each cell.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reduction {
    /// Smallest value.
    Min,
    /// Largest value.
    Max,
    /// Largest minus smallest value.
    Range,
    /// Sum.
    Sum,
    /// Number of values.
    Count,
    /// Sum divided by count.
    Mean,
    /// Mean squared deviation from the mean: the sum of squares over `count - ddof`.
    Var {
        /// Degrees of freedom to take off the count; 0 in NumPy unless told otherwise.
        ddof: u64,
    },
    /// Square root of the variance.
    Std {
        /// As for the variance.
        ddof: u64,
    },
    /// Where the smallest value stands first.
    ArgMin,
    /// Where the largest value stands first.
    ArgMax,
    /// First value, in row-major order of the selection.
    First,
    /// Last value, in row-major order of the selection.
    Last,
    /// Whether any value meets the condition.
    Any(Condition),
    /// Whether every value meets the condition.
    All(Condition),
    /// How many values meet the condition.
    CountWhere(Condition),
    /// How many values lie between each pair of neighbouring edges; as in NumPy, only the last bin holds its upper edge.
    Histogram(Arc<[f64]>),
    /// The value in the middle, or the mean of the two there. Made from gathered values, as quantiles are: a plan's
    /// partials do not answer it.
    Median,
    /// The value below which this fraction of the others lies, between 0 and 1; between two values linear, as in NumPy.
    Quantile(f64),
}

impl Reduction {
    /// The word for it: `min`, `argmax`, `count_where`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Min => "min",
            Self::Max => "max",
            Self::Range => "range",
            Self::Sum => "sum",
            Self::Count => "count",
            Self::Mean => "mean",
            Self::Var { .. } => "var",
            Self::Std { .. } => "std",
            Self::ArgMin => "argmin",
            Self::ArgMax => "argmax",
            Self::First => "first",
            Self::Last => "last",
            Self::Any(_) => "any",
            Self::All(_) => "all",
            Self::CountWhere(_) => "count_where",
            Self::Histogram(_) => "histogram",
            Self::Median => "median",
            Self::Quantile(_) => "quantile",
        }
    }

    /// Whether it is made from all values at a time ([`sift_chunk`](crate::ReductionPlan::sift_chunk)), not from partials.
    #[must_use]
    pub fn is_gathered(&self) -> bool {
        self.fraction().is_some()
    }

    /// The fraction of a quantile.
    #[must_use]
    pub fn fraction(&self) -> Option<f64> {
        match self {
            Self::Median => Some(0.5),
            Self::Quantile(fraction) => Some(*fraction),
            _ => None,
        }
    }

    /// The reduction of this name, if it needs nothing but its name; variances are those of the population.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Min,
            Self::Max,
            Self::Range,
            Self::Sum,
            Self::Count,
            Self::Mean,
            Self::Var { ddof: 0 },
            Self::Std { ddof: 0 },
            Self::ArgMin,
            Self::ArgMax,
            Self::First,
            Self::Last,
            Self::Median,
        ]
        .into_iter()
        .find(|reduction| reduction.name() == name)
    }
}

/// Where the positions of one axis of the selection go.
#[derive(Clone, Debug, PartialEq)]
pub enum AxisMap {
    /// Each to a position of its own: the axis stays.
    Keep,
    /// All to one: the axis goes.
    Reduce,
    /// To groups: the axis stays, with one position per group.
    Group(Grouping),
}

/// Which group each selected position of an axis belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Grouping {
    /// One label per selected position, below `groups`; positions without are left out.
    pub labels: Arc<[Option<u32>]>,
    /// Number of groups.
    pub groups: u32,
    /// Where each selected position stands among those of the axis, which is what first, last, argmin and argmax go by: a
    /// range of longitudes may begin in the middle of the grid. `None` if in the order of the array; all 0 if the axis
    /// counts as kept.
    pub places: Option<Arc<[u64]>>,
}

/// What to compute of an array: several questions, answered in one pass.
#[derive(Clone, Debug, PartialEq)]
pub struct ReduceSpec {
    /// The questions.
    pub reductions: Vec<Reduction>,
    /// One map per axis.
    pub axes: Vec<AxisMap>,
    /// How the cells that these maps make are folded to those of the answer; `None` if they are the answer's. Places count
    /// the folded axes, and they are kept or grouped here.
    pub fold: Option<Fold>,
    /// Which elements are missing.
    pub missing: MissingSpec,
    /// How stored elements become values; `None` if they are the values.
    pub packing: Option<Packing>,
    /// Whether signed integers stand for unsigned ones (`_Unsigned = "true"`); of no consequence for other types.
    pub unsigned: bool,
    /// Values that do not meet this are left out as if they were missing; NaN never meets it.
    pub condition: Option<Condition>,
    /// Windows along one axis of the answer; `None` if every position answers for itself.
    pub windows: Option<Windows>,
}

impl ReduceSpec {
    /// These questions over these axes; nothing is missing but NaN, nothing is packed.
    #[must_use]
    pub fn new(reductions: Vec<Reduction>, axes: Vec<AxisMap>) -> Self {
        Self {
            reductions,
            axes,
            fold: None,
            missing: MissingSpec::default(),
            packing: None,
            unsigned: false,
            condition: None,
            windows: None,
        }
    }
}

impl AxisMap {
    /// Cells along an axis of so many selected positions; `None` if it goes.
    #[must_use]
    pub fn cells(&self, positions: u64) -> Option<u64> {
        match self {
            Self::Keep => Some(positions),
            Self::Reduce => None,
            Self::Group(grouping) => Some(grouping.groups.into()),
        }
    }

    /// Reduces all of `rank` axes.
    #[must_use]
    pub fn reduce_all(rank: usize) -> Vec<Self> {
        vec![Self::Reduce; rank]
    }

    /// Reduces the listed axes of `rank` and keeps the others; numbers past the rank are ignored.
    #[must_use]
    pub fn reduce_over(rank: usize, axes: &[usize]) -> Vec<Self> {
        (0..rank).map(|axis| if axes.contains(&axis) { Self::Reduce } else { Self::Keep }).collect()
    }
}
