//! A joined axis before its labels are known.

use rangefold_refs::NodePath;

use crate::labelling::Reading;
use crate::labels::Labels;

/// Where the labels of one input on one axis come from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum LabelSource {
    /// The axis does not concern the input.
    None,
    /// The values of a variable.
    Variable { path: NodePath, reading: Reading },
    /// They are known already.
    Given(Labels),
}

/// A joined axis before its labels are known.
#[derive(Clone, Debug)]
pub(crate) struct PlannedAxis {
    /// Path of its coordinate variable, there or not.
    pub(crate) path: String,
    /// Name of the dimension.
    pub(crate) dimension: String,
    /// For each input.
    pub(crate) label_sources: Vec<LabelSource>,
    /// For each input, how long the dimension is; `None` if no variable of it has the dimension.
    pub(crate) lengths: Vec<Option<u64>>,
}
