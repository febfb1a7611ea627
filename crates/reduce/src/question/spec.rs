//! Several questions about one array, answered in one pass.

use std::sync::Arc;

use rangefold_array::{MissingSpec, Packing};

use super::{axis_map::AxisMap, condition::Condition, fold::Fold, reduction::Reduction, windows::Windows};

/// What to compute of an array: several questions, answered in one pass.
#[derive(Clone, Debug, PartialEq)]
pub struct ReduceSpec {
    /// The questions.
    pub reductions: Vec<Reduction>,
    /// One map per axis.
    pub axes: Vec<AxisMap>,
    /// How the cells that the axis maps make are folded to the cells of the answer; `None` to fold nothing. The folded axes
    /// are kept or grouped in `axes`, and `argmin` and `argmax` count their positions as those of reduced axes.
    pub fold: Option<Fold>,
    /// Which elements are missing.
    pub missing: MissingSpec,
    /// How stored elements become values; `None` if they are the values.
    pub packing: Option<Packing>,
    /// Whether signed integers stand for unsigned ones (`_Unsigned = "true"`); other types ignore it.
    pub unsigned: bool,
    /// Values that do not meet this are left out as if they were missing; NaN never meets it.
    pub condition: Option<Condition>,
    /// The coordinate of each selected position of the one axis that is reduced, where a trend is asked for.
    pub along: Option<Arc<[f64]>>,
    /// Moving windows along one axis of the answer; `None` for none.
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
            along: None,
            windows: None,
        }
    }
}
