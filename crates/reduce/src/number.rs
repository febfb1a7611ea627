//! Numbers as attributes and arguments give them, before it is known which element type they meet.

use std::cmp::Ordering;

/// A number without a width: what an attribute, a JSON literal or a command line holds.
///
/// `Float(x)` stands for every float width: a narrower float is widened without loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// An integer of any width and sign.
    Integer(i128),
    /// A floating-point number, NaN and infinities included.
    Float(f64),
}

impl Number {
    /// The nearest 64-bit float.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        match self {
            Self::Integer(n) => n as f64,
            Self::Float(x) => x,
        }
    }

    /// The integer this is; `None` for fractions, NaN, infinities and floats past 128 bits.
    #[must_use]
    pub(crate) fn to_integer(self) -> Option<i128> {
        match self {
            Self::Integer(n) => Some(n),
            Self::Float(x) => float_to_integer(x),
        }
    }

    /// The float this is; `None` if an integer needs more than 53 bits.
    #[must_use]
    pub(crate) fn to_exact_float(self) -> Option<f64> {
        match self {
            Self::Integer(n) => {
                let x = n as f64;
                (float_to_integer(x) == Some(n)).then_some(x)
            }
            Self::Float(x) => Some(x),
        }
    }
}

/// Exact conversion; `None` unless `x` is an integer below 2^126 in magnitude.
#[expect(clippy::cast_possible_truncation, reason = "checked to be an integer in range")]
fn float_to_integer(x: f64) -> Option<i128> {
    const LIMIT: f64 = (1_i128 << 126) as f64;
    (x.trunc() == x && x.abs() < LIMIT).then_some(x as i128)
}

/// Compares an integer with a float exactly; `None` for NaN.
pub(crate) fn compare_integer(n: i128, x: f64) -> Option<Ordering> {
    if x.is_nan() {
        return None;
    }
    let floor = x.floor();
    match float_to_integer(floor) {
        Some(whole) => Some(n.cmp(&whole).then(if floor < x { Ordering::Less } else { Ordering::Equal })),
        None => Some(if x > 0.0 { Ordering::Less } else { Ordering::Greater }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_floats_compare_exactly() {
        let big = (1_i128 << 53) + 1;
        assert_eq!(compare_integer(big, (1_u64 << 53) as f64), Some(Ordering::Greater));
        assert_eq!(compare_integer(273, 273.15), Some(Ordering::Less));
        assert_eq!(compare_integer(-274, -273.15), Some(Ordering::Less));
        assert_eq!(compare_integer(-273, -273.15), Some(Ordering::Greater));
        assert_eq!(compare_integer(5, 5.0), Some(Ordering::Equal));
        assert_eq!(compare_integer(5, f64::INFINITY), Some(Ordering::Less));
        assert_eq!(compare_integer(5, f64::NEG_INFINITY), Some(Ordering::Greater));
        assert_eq!(compare_integer(5, f64::NAN), None);
    }

    #[test]
    fn only_lossless_conversions_succeed() {
        assert_eq!(Number::Float(2.5).to_integer(), None);
        assert_eq!(Number::Float(-7.0).to_integer(), Some(-7));
        assert_eq!(Number::Float(f64::NAN).to_integer(), None);
        assert_eq!(Number::Integer((1 << 53) + 1).to_exact_float(), None);
        assert_eq!(Number::Integer(1 << 60).to_exact_float(), Some((1_u64 << 60) as f64));
    }
}
