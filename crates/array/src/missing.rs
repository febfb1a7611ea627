//! Which stored elements are missing, as plain numbers.

use crate::Number;

/// Which elements are missing besides those absent for other reasons.
///
/// Numbers are compared with elements as they are stored, before unpacking. A number the element type cannot represent
/// matches nothing, and bounds nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MissingSpec {
    /// An element equal to one of these is missing.
    pub fill_values: Vec<Number>,
    /// Elements below this are missing.
    pub valid_min: Option<Number>,
    /// Elements above this are missing.
    pub valid_max: Option<Number>,
    /// What NaN in the data is.
    pub nan: NanPolicy,
    /// A text equal to one of these is missing, and so is an empty one of fixed length.
    pub texts: Vec<String>,
}

/// What NaN in floating-point data is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NanPolicy {
    /// A missing value.
    #[default]
    Missing,
    /// A value: it is counted, and sums, means, minima and maxima that meet it are NaN.
    Value,
}
