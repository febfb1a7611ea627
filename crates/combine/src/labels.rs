//! Coordinate values along a dimension that is joined.

use rangefold_cf::{Instant, TimeUnits};

/// The coordinate values of one input along one dimension, one per position.
#[derive(Clone, Debug, PartialEq)]
pub enum Labels {
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

/// A label that can be sorted and compared exactly.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    Integer(i128),
    /// Bits of a float in the order of the numbers.
    Float(i64),
    Text(String),
}

impl Labels {
    /// Number of positions.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Integers(values) => values.len(),
            Self::Floats(values) => values.len(),
            Self::Texts(values) => values.len(),
            Self::Times { instants, .. } => instants.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What kind of label these are, for messages.
    #[must_use]
    pub fn kind(&self) -> String {
        match self {
            Self::Integers(_) => "integers".to_owned(),
            Self::Floats(_) => "floats".to_owned(),
            Self::Texts(_) => "texts".to_owned(),
            Self::Times { units, .. } => format!("times in the {} calendar", units.calendar()),
        }
    }

    /// Keys in order of position; `None` if one of the labels is NaN, which has no place.
    pub(crate) fn keys(&self) -> Option<Vec<Key>> {
        Some(match self {
            Self::Integers(values) => values.iter().map(|&v| Key::Integer(v)).collect(),
            Self::Floats(values) => values.iter().map(|&v| float_key(v)).collect::<Option<_>>()?,
            Self::Texts(values) => values.iter().map(|v| Key::Text(v.clone())).collect(),
            Self::Times { instants, .. } => instants.iter().map(|t| Key::Integer(t.0)).collect(),
        })
    }

    /// The label at `position`, printed.
    #[must_use]
    pub fn printed(&self, position: usize) -> String {
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

    /// Appends the label at `position` of `other`, which must be of the same kind.
    pub(crate) fn push_from(&mut self, other: &Self, position: usize) {
        match (self, other) {
            (Self::Integers(to), Self::Integers(from)) => to.extend(from.get(position)),
            (Self::Floats(to), Self::Floats(from)) => to.extend(from.get(position)),
            (Self::Texts(to), Self::Texts(from)) => to.extend(from.get(position).cloned()),
            (Self::Times { instants: to, .. }, Self::Times { instants: from, .. }) => {
                to.extend(from.get(position))
            }
            _ => {}
        }
    }

    /// Whether labels of both lists can stand on one axis.
    pub(crate) fn same_kind(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Times { units: a, .. }, Self::Times { units: b, .. }) => a.calendar() == b.calendar(),
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

/// The total order of floats; both zeros are one label, NaN is none.
fn float_key(value: f64) -> Option<Key> {
    if value.is_nan() {
        return None;
    }
    let bits = (value + 0.0).to_bits().cast_signed();
    Some(Key::Float(bits ^ ((bits >> 63) & i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn float_keys_sort_like_the_numbers() {
        let mut values = [3.0, -1.0, 0.0, f64::NEG_INFINITY, 1e-300, f64::INFINITY, -2.5];
        values.sort_by_key(|&v| float_key(v));
        assert_eq!(values, [f64::NEG_INFINITY, -2.5, -1.0, 0.0, 1e-300, 3.0, f64::INFINITY]);
        assert_eq!(float_key(-0.0), float_key(0.0));
        assert_eq!(float_key(f64::NAN), None);
    }
}
