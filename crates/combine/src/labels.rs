//! Coordinate values along a dimension that is joined.

use std::cmp::Ordering;

use rangefold_array::Values;
use rangefold_cf::{Instant, TimeUnits};

/// The coordinate values of one input along one dimension, one per position.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Labels {
    /// Integers.
    Integers(Vec<i128>),
    /// Floating-point numbers.
    Floats(Vec<f64>),
    /// Texts.
    Texts(Vec<String>),
    /// Instants, and the units they were written in.
    Times {
        /// One per position.
        instants: Vec<Instant>,
        /// Units and calendar of the coordinate they come from.
        units: TimeUnits,
    },
}

impl Labels {
    /// Values as labels; `None` if they are neither numbers nor texts.
    pub(crate) fn of_values(values: Values) -> Option<Self> {
        Some(match values {
            Values::Signed(values) => Self::Integers(values.into_iter().map(i128::from).collect()),
            Values::Unsigned(values) => Self::Integers(values.into_iter().map(i128::from).collect()),
            Values::Float(values) => Self::Floats(values),
            Values::Text(texts) => Self::Texts(texts),
            Values::Bool(_) | Values::Complex(_) => return None,
        })
    }

    /// Number of positions.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Integers(values) => values.len(),
            Self::Floats(values) => values.len(),
            Self::Texts(values) => values.len(),
            Self::Times { instants, .. } => instants.len(),
        }
    }

    /// What kind of label these are, for messages.
    pub(crate) fn kind(&self) -> String {
        match self {
            Self::Integers(_) => "integers".to_owned(),
            Self::Floats(_) => "floats".to_owned(),
            Self::Texts(_) => "texts".to_owned(),
            Self::Times { units, .. } => format!("times in the {} calendar", units.calendar()),
        }
    }

    /// Whether labels of both lists can stand on one axis, calendars aside.
    pub(crate) fn same_kind(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// Whether one of them is NaN, which has no place among the others.
    pub(crate) fn has_nan(&self) -> bool {
        matches!(self, Self::Floats(values) if values.iter().any(|value| value.is_nan()))
    }

    /// Compares the label at `position` with one of `other`, which is of the same kind. Both zeros are one label.
    pub(crate) fn compare(&self, position: u32, other: &Self, other_position: u32) -> Ordering {
        let (Ok(a), Ok(b)) = (usize::try_from(position), usize::try_from(other_position)) else {
            return Ordering::Equal;
        };
        match (self, other) {
            (Self::Integers(left), Self::Integers(right)) => left.get(a).cmp(&right.get(b)),
            (Self::Texts(left), Self::Texts(right)) => left.get(a).cmp(&right.get(b)),
            (Self::Times { instants: left, .. }, Self::Times { instants: right, .. }) => {
                left.get(a).cmp(&right.get(b))
            }
            (Self::Floats(left), Self::Floats(right)) => match (left.get(a), right.get(b)) {
                (Some(left), Some(right)) => (left + 0.0).total_cmp(&(right + 0.0)),
                _ => Ordering::Equal,
            },
            _ => Ordering::Equal,
        }
    }

    /// The label at `position`, printed.
    pub(crate) fn printed(&self, position: u32) -> String {
        let Ok(position) = usize::try_from(position) else { return String::new() };
        let text = match self {
            Self::Integers(values) => values.get(position).map(ToString::to_string),
            Self::Floats(values) => values.get(position).map(ToString::to_string),
            Self::Texts(values) => values.get(position).map(|v| format!("{v:?}")),
            Self::Times { instants, units } => instants
                .get(position)
                .map(|t| t.date(units.calendar()).map_or_else(|_| t.0.to_string(), |d| d.to_string())),
        };
        text.unwrap_or_default()
    }

    /// An empty list of the same kind.
    pub(crate) fn empty_like(&self) -> Self {
        match self {
            Self::Integers(_) => Self::Integers(Vec::new()),
            Self::Floats(_) => Self::Floats(Vec::new()),
            Self::Texts(_) => Self::Texts(Vec::new()),
            Self::Times { units, .. } => Self::Times { instants: Vec::new(), units: *units },
        }
    }

    /// Appends the label at `position` of `other`, which is of the same kind.
    pub(crate) fn push_from(&mut self, other: &Self, position: u32) {
        let Ok(position) = usize::try_from(position) else { return };
        match (self, other) {
            (Self::Integers(to), Self::Integers(from)) => to.extend(from.get(position)),
            (Self::Floats(to), Self::Floats(from)) => to.extend(from.get(position)),
            (Self::Texts(to), Self::Texts(from)) => to.extend(from.get(position).cloned()),
            (Self::Times { instants: to, .. }, Self::Times { instants: from, .. }) => {
                to.extend(from.get(position));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_ordered_as_numbers_and_both_zeros_are_one() {
        let values = Labels::Floats(vec![f64::NEG_INFINITY, -2.5, -0.0, 1e-300, f64::INFINITY]);
        for (a, b) in [(0, 1), (1, 2), (2, 3), (3, 4)] {
            assert_eq!(values.compare(a, &values, b), Ordering::Less);
        }
        assert_eq!(values.compare(2, &Labels::Floats(vec![0.0]), 0), Ordering::Equal);
    }
}
