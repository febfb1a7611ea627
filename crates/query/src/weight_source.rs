//! What values weigh, and which of them take part, as a question says it.

use rangefold_reduce::Condition;

/// What values weigh, or which of them take part.
#[derive(Clone, Debug, PartialEq)]
pub enum WeightSource {
    /// The cosine of latitude.
    CosLatitude,
    /// The values of a variable, such as the areas of cells; what is missing in it weighs nothing. Of the bounds of a
    /// coordinate, such as `time_bnds`, the widths of the intervals: the lengths of months.
    Variable(String),
    /// 1 where the values of a variable meet a condition, 0 elsewhere, and 0 where they are missing.
    Mask {
        /// The variable.
        variable: String,
        /// What its values must meet.
        condition: Condition,
    },
    /// 1 where a variable has a label, or has another one, and 0 where it has none.
    Label {
        /// The variable.
        variable: String,
        /// The label: a text, or one of the `flag_meanings` of numbers.
        label: String,
        /// Whether those that have the label take part, or the others.
        equal: bool,
        /// What numbers must meet instead, if the label can be read as one.
        number: Option<Condition>,
    },
}

impl std::fmt::Display for WeightSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CosLatitude => f.write_str("coslat"),
            Self::Variable(variable) => write!(f, "{variable:?}"),
            Self::Mask { variable, .. } | Self::Label { variable, .. } => write!(f, "the mask {variable:?}"),
        }
    }
}
