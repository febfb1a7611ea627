//! The wide types that values are kept in.

use rangefold_array::ElementType;

/// In which of the wide types the values of an element type are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Signed,
    Unsigned,
    Float,
    Complex,
    Text,
}

impl Kind {
    pub(crate) fn of(element: &ElementType) -> Self {
        match element {
            ElementType::Float16 | ElementType::Float32 | ElementType::Float64 => Self::Float,
            ElementType::Complex64 | ElementType::Complex128 => Self::Complex,
            ElementType::Int8
            | ElementType::Int16
            | ElementType::Int32
            | ElementType::Int64
            | ElementType::DateTime64(_)
            | ElementType::TimeDelta64(_) => Self::Signed,
            ElementType::FixedBytes(_) | ElementType::FixedUtf32(_) | ElementType::VlenString => Self::Text,
            // Truth values are read as 0 and 1.
            ElementType::Bool
            | ElementType::UInt8
            | ElementType::UInt16
            | ElementType::UInt32
            | ElementType::UInt64 => Self::Unsigned,
            // No plan is made for them.
            ElementType::Raw(_) | ElementType::Structured(_) => Self::Unsigned,
        }
    }

    /// Whether NaN is among the values.
    pub(crate) fn has_nan(self) -> bool {
        matches!(self, Self::Float | Self::Complex)
    }
}
