//! Numbers as attributes and arguments give them, before it is known which element type they meet.

use std::cmp::Ordering;

use crate::ElementType;

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
    #[expect(clippy::cast_precision_loss, reason = "documented: the nearest float")]
    #[must_use]
    pub fn to_f64(self) -> f64 {
        match self {
            Self::Integer(n) => n as f64,
            Self::Float(x) => x,
        }
    }

    /// The integer this is; `None` for fractions, NaN, infinities and floats past 128 bits.
    #[must_use]
    pub fn to_integer(self) -> Option<i128> {
        match self {
            Self::Integer(n) => Some(n),
            Self::Float(x) => float_to_integer(x),
        }
    }

    /// The float this is; `None` if an integer needs more than 53 bits.
    #[must_use]
    pub fn to_exact_float(self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "compared with what it was rounded from")]
            Self::Integer(n) => {
                let x = n as f64;
                (float_to_integer(x) == Some(n)).then_some(x)
            }
            Self::Float(x) => Some(x),
        }
    }

    /// This number rounded to the width of a float type; as it is for every other type.
    #[must_use]
    pub fn rounded_to(self, element: &ElementType) -> Self {
        let x = self.to_f64();
        match element {
            ElementType::Float16 => Self::Float(half::f16::from_f64(x).to_f64()),
            #[expect(clippy::cast_possible_truncation, reason = "rounding to float32 is what is asked for")]
            ElementType::Float32 => Self::Float(f64::from(x as f32)),
            ElementType::Bool
            | ElementType::Int8
            | ElementType::Int16
            | ElementType::Int32
            | ElementType::Int64
            | ElementType::UInt8
            | ElementType::UInt16
            | ElementType::UInt32
            | ElementType::UInt64
            | ElementType::Float64
            | ElementType::Complex64
            | ElementType::Complex128
            | ElementType::FixedBytes(_)
            | ElementType::FixedUtf32(_)
            | ElementType::Raw(_)
            | ElementType::DateTime64(_)
            | ElementType::TimeDelta64(_)
            | ElementType::VlenString
            | ElementType::Structured(_) => self,
        }
    }

    /// Whether an element of this type can be this number without loss; complex numbers by their parts.
    #[must_use]
    pub fn fits(self, element: &ElementType) -> bool {
        let integer = |bits: u32, signed: bool| {
            let low = if signed { -(1_i128 << (bits - 1)) } else { 0 };
            let high = (1_i128 << (bits - u32::from(signed))) - 1;
            self.to_integer().is_some_and(|n| low <= n && n <= high)
        };
        let float = |narrow: fn(f64) -> f64| {
            self.to_exact_float().is_some_and(|x| x.is_nan() || narrow(x).to_bits() == x.to_bits())
        };
        match element {
            ElementType::Bool | ElementType::UInt8 => integer(8, false),
            ElementType::Int8 => integer(8, true),
            ElementType::Int16 => integer(16, true),
            ElementType::UInt16 => integer(16, false),
            ElementType::Int32 => integer(32, true),
            ElementType::UInt32 => integer(32, false),
            ElementType::Int64 | ElementType::DateTime64(_) | ElementType::TimeDelta64(_) => {
                integer(64, true)
            }
            ElementType::UInt64 => integer(64, false),
            ElementType::Float16 => float(|x| half::f16::from_f64(x).to_f64()),
            #[expect(clippy::cast_possible_truncation, reason = "compared with what it was rounded from")]
            ElementType::Float32 | ElementType::Complex64 => float(|x| f64::from(x as f32)),
            ElementType::Float64 | ElementType::Complex128 => float(|x| x),
            ElementType::FixedBytes(_)
            | ElementType::FixedUtf32(_)
            | ElementType::Raw(_)
            | ElementType::VlenString
            | ElementType::Structured(_) => false,
        }
    }
}

/// Exact conversion; `None` unless `x` is an integer below 2^126 in magnitude.
#[expect(clippy::cast_possible_truncation, reason = "checked to be an integer in range")]
fn float_to_integer(x: f64) -> Option<i128> {
    const LIMIT: f64 = 85_070_591_730_234_615_865_843_651_857_942_052_864.0;
    (x.trunc() == x && x.abs() < LIMIT).then_some(x as i128)
}

/// Compares an integer with a float exactly; `None` for NaN.
///
/// ```
/// use std::cmp::Ordering;
/// assert_eq!(rangefold_array::compare_integer(273, 273.15), Some(Ordering::Less));
/// ```
#[must_use]
pub fn compare_integer(n: i128, x: f64) -> Option<Ordering> {
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
