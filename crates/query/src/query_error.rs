//! Why a query does not fit its variable.

use rangefold_active::weights::WeightsError;
use rangefold_cf::MeaningError;
use rangefold_reduce::PlanError;

use crate::coordinate::CoordinateError;
use crate::group_error::GroupError;
use crate::select::SelectError;

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
    /// A dimension that the variable has more than once, so that nobody can tell which is meant.
    #[error(
        "variable {variable:?} has the dimension {dimension:?} twice, so {what} along it have no meaning"
    )]
    Repeated {
        /// The variable.
        variable: String,
        /// The dimension.
        dimension: String,
        /// What was asked for along it.
        what: &'static str,
    },
    /// A selection that does not fit.
    #[error("variable {variable:?}: {}", rangefold_array::chain(.problem.as_ref()))]
    Select {
        /// The variable.
        variable: String,
        /// Why.
        problem: Box<SelectError>,
    },
    /// A coordinate that cannot be read.
    #[error("variable {variable:?}: a coordinate cannot be read")]
    Coordinate {
        /// The variable.
        variable: String,
        /// Why.
        source: CoordinateError,
    },
    /// Packing attributes that cannot be used.
    #[error("variable {variable:?}: {}", rangefold_array::chain(.problem))]
    Meaning {
        /// The variable.
        variable: String,
        /// Why.
        problem: MeaningError,
    },
    /// Positions that cannot be grouped.
    #[error("variable {variable:?}: {}", rangefold_array::chain(.problem))]
    Group {
        /// The variable.
        variable: String,
        /// Why.
        problem: GroupError,
    },
    /// Anomalies that cannot be made.
    #[error("variable {variable:?}: anomalies cannot be made: {reason}")]
    Anomaly {
        /// The variable.
        variable: String,
        /// Why not.
        reason: String,
    },
    /// A trend that is along no coordinate.
    #[error("variable {variable:?} has no {reduction}: {reason}")]
    Trend {
        /// The variable.
        variable: String,
        /// Name of the reduction.
        reduction: &'static str,
        /// Why not.
        reason: String,
    },
    /// Windows that make no sense.
    #[error("variable {variable:?}: windows {rolling} cannot be made: {reason}")]
    Rolling {
        /// The variable.
        variable: String,
        /// The windows.
        rolling: String,
        /// Why not.
        reason: String,
    },
    /// Weights that do not fit.
    #[error("variable {variable:?} cannot be weighted by {weights}: {reason}")]
    Weights {
        /// The variable.
        variable: String,
        /// What was to weigh it.
        weights: String,
        /// Why not.
        reason: String,
    },
    /// Weights, masks and groups that go together over too many positions.
    #[error(
        "variable {variable:?}: weights, masks and groups over several dimensions cannot go together: {reason}"
    )]
    Folded {
        /// The variable.
        variable: String,
        /// Why not.
        reason: String,
    },
    /// A weighted reduction that is not defined.
    #[error("variable {variable:?}: {}", rangefold_array::chain(.problem))]
    Weighted {
        /// The variable.
        variable: String,
        /// Why.
        problem: WeightsError,
    },
    /// An answer that takes more memory than it may.
    #[error(
        "variable {variable:?}: an answer of shape {shape:?} takes {needed} bytes of memory, and {memory} may be used"
    )]
    Answer {
        /// The variable.
        variable: String,
        /// Shape of the answer, as far as it is kept dimensions.
        shape: Vec<u64>,
        /// Bytes it takes.
        needed: u128,
        /// Bytes it may take.
        memory: u64,
    },
    /// A reduction that is not defined for the variable.
    #[error("variable {variable:?}: {}", rangefold_array::chain(.problem))]
    Plan {
        /// The variable.
        variable: String,
        /// Why.
        problem: PlanError,
    },
}

/// A coordinate as a query needs it, with errors that name the variable.
pub(crate) async fn found<T>(
    variable: &str,
    coordinate: impl Future<Output = Result<T, CoordinateError>>,
) -> Result<T, QueryError> {
    coordinate.await.map_err(|source| QueryError::Coordinate { variable: variable.to_owned(), source })
}
