//! What is asked of a variable.

use rangefold_active::Interpretation;
use rangefold_reduce::{Condition, Reduction};

use crate::anomaly::Anomaly;
use crate::group::GroupBy;
use crate::rolling::Rolling;
use crate::select::AxisSelector;
use crate::weight_source::WeightSource;

/// What is asked of a variable.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// The questions; they share one pass.
    pub reductions: Vec<Reduction>,
    /// Dimensions to reduce; `None` for all.
    pub over: Option<Vec<String>>,
    /// What to take along each dimension; all of those that are not named.
    pub select: Vec<(String, AxisSelector)>,
    /// Whether a single coordinate value takes the nearest cell however far away.
    pub nearest: bool,
    /// What positions are gathered by; each leaves an axis of groups in the place of its first dimension.
    pub by: Vec<GroupBy>,
    /// Windows that move along one dimension, which stays; what is reduced is then all that lies in a window.
    pub rolling: Option<Rolling>,
    /// Means of groups that are taken from the values before anything else is done with these.
    pub anomaly: Option<Anomaly>,
    /// What values weigh and which of them take part, by position; several are multiplied.
    pub weights: Vec<WeightSource>,
    /// What the stored elements are taken for.
    pub interpretation: Interpretation,
    /// Values that do not meet this are left out.
    pub condition: Option<Condition>,
    /// Bytes that the answer, and weights and masks, may take; 256 MiB are always allowed.
    pub memory: Option<u64>,
    /// Whether the values themselves are asked for, and no reduction of them: the answers have no operation.
    pub is_selection: bool,
    /// How this was written, for the labels of the answer.
    pub written: Written,
}

/// What was asked, in the words it was asked in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The selection: `time=2001..2010`.
    pub select: Option<String>,
    /// The anomalies: `time.month:1981..2010`.
    pub anomaly: Option<String>,
    /// The groups: `time.month`.
    pub by: Vec<String>,
    /// The weights: `coslat`.
    pub weights: Vec<String>,
    /// The mask: `sftlf > 50`.
    pub mask: Option<String>,
    /// The condition: `> 273.15`.
    pub condition: Option<String>,
}
