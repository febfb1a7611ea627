//! The reductions there are.

use std::sync::Arc;

use super::condition::Condition;

/// One question about the values of each cell.
#[derive(Clone, Debug, PartialEq)]
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
