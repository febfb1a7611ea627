//! Values of one kind: typed elements of arrays, coordinates, answers.

use std::cmp::Ordering;

use crate::{DataType, ElementType, Number, compare_integer};

/// Values of one kind, whatever the width they were stored in.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Signed integers, and dates and durations as counts of their unit.
    Signed(Vec<i64>),
    /// Unsigned integers.
    Unsigned(Vec<u64>),
    /// Floats of every width.
    Float(Vec<f64>),
    /// Truth values.
    Bool(Vec<bool>),
    /// Real and imaginary parts.
    Complex(Vec<[f64; 2]>),
    /// Texts.
    Text(Vec<String>),
}

impl Default for Values {
    fn default() -> Self {
        Self::Float(Vec::new())
    }
}

/// One value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A signed integer.
    Signed(i64),
    /// An unsigned integer.
    Unsigned(u64),
    /// A float.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// Real and imaginary part.
    Complex([f64; 2]),
    /// A text.
    Text(&'a str),
}

/// Values of a type that is neither a number nor a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("values of type {element} are neither numbers nor texts")]
pub struct NotValues {
    /// Name of the element type.
    pub element: String,
}

impl Values {
    /// The elements of type `data_type.element` in `bytes`, which are in the machine's byte order.
    ///
    /// Bytes after the last whole element are passed over. Texts of fixed length end before the zeros that pad them;
    /// one that is not UTF-8 has an escape for each byte that is not ASCII: `caf\xe9`.
    ///
    /// # Errors
    ///
    /// [`NotValues`] for raw bytes, structures, texts of no length and strings of any length, which have no bytes of
    /// their own.
    pub fn of_elements(data_type: &DataType, bytes: &[u8]) -> Result<Self, NotValues> {
        fn each<const N: usize, T>(bytes: &[u8], value: impl Fn([u8; N]) -> T) -> Vec<T> {
            bytes.as_chunks::<N>().0.iter().map(|&element| value(element)).collect()
        }
        let element = &data_type.element;
        Ok(match element {
            ElementType::Int8 => Self::Signed(each(bytes, |b| i8::from_ne_bytes(b).into())),
            ElementType::Int16 => Self::Signed(each(bytes, |b| i16::from_ne_bytes(b).into())),
            ElementType::Int32 => Self::Signed(each(bytes, |b| i32::from_ne_bytes(b).into())),
            ElementType::Int64 | ElementType::DateTime64(_) | ElementType::TimeDelta64(_) => {
                Self::Signed(each(bytes, i64::from_ne_bytes))
            }
            ElementType::UInt8 => Self::Unsigned(each(bytes, |b| u8::from_ne_bytes(b).into())),
            ElementType::UInt16 => Self::Unsigned(each(bytes, |b| u16::from_ne_bytes(b).into())),
            ElementType::UInt32 => Self::Unsigned(each(bytes, |b| u32::from_ne_bytes(b).into())),
            ElementType::UInt64 => Self::Unsigned(each(bytes, u64::from_ne_bytes)),
            ElementType::Bool => Self::Bool(bytes.iter().map(|&b| b != 0).collect()),
            ElementType::Float16 => Self::Float(each(bytes, |b| half::f16::from_ne_bytes(b).to_f64())),
            ElementType::Float32 => Self::Float(each(bytes, |b| f64::from(f32::from_ne_bytes(b)))),
            ElementType::Float64 => Self::Float(each(bytes, f64::from_ne_bytes)),
            ElementType::Complex64 => Self::Complex(each::<8, _>(bytes, |[a, b, c, d, e, f, g, h]| {
                [f32::from_ne_bytes([a, b, c, d]).into(), f32::from_ne_bytes([e, f, g, h]).into()]
            })),
            ElementType::Complex128 => {
                let parts = each(bytes, f64::from_ne_bytes);
                Self::Complex(parts.as_chunks::<2>().0.to_vec())
            }
            ElementType::FixedBytes(size @ 1..) => {
                let text = |element: &[u8]| {
                    let end = element.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
                    text_of_bytes(element.get(..end).unwrap_or_default())
                };
                Self::Text(bytes.chunks_exact(*size).map(text).collect())
            }
            ElementType::FixedUtf32(size @ 1..) => {
                let text = |element: &[u8]| {
                    let units = each(element, u32::from_ne_bytes);
                    let text: String = units.into_iter().filter_map(char::from_u32).collect();
                    text.trim_end_matches('\0').to_owned()
                };
                Self::Text(bytes.chunks_exact(size.saturating_mul(4)).map(text).collect())
            }
            ElementType::FixedBytes(0)
            | ElementType::FixedUtf32(0)
            | ElementType::Raw(_)
            | ElementType::VlenString
            | ElementType::Structured(_) => return Err(NotValues { element: element.name() }),
        })
    }

    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Signed(values) => values.len(),
            Self::Unsigned(values) => values.len(),
            Self::Float(values) => values.len(),
            Self::Bool(values) => values.len(),
            Self::Complex(values) => values.len(),
            Self::Text(values) => values.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Value number `i`; `None` past the end.
    #[must_use]
    pub fn get(&self, i: usize) -> Option<Value<'_>> {
        Some(match self {
            Self::Signed(values) => Value::Signed(*values.get(i)?),
            Self::Unsigned(values) => Value::Unsigned(*values.get(i)?),
            Self::Float(values) => Value::Float(*values.get(i)?),
            Self::Bool(values) => Value::Bool(*values.get(i)?),
            Self::Complex(values) => Value::Complex(*values.get(i)?),
            Self::Text(values) => Value::Text(values.get(i)?),
        })
    }

    /// All values in order.
    pub fn iter(&self) -> impl Iterator<Item = Value<'_>> {
        (0..self.len()).filter_map(|i| self.get(i))
    }

    /// The values at `positions`, in that order; those past the end are left out.
    #[must_use]
    pub fn picked(&self, positions: &[u64]) -> Self {
        fn picked<T: Clone>(values: &[T], positions: &[u64]) -> Vec<T> {
            positions.iter().filter_map(|&p| values.get(usize::try_from(p).ok()?)).cloned().collect()
        }
        match self {
            Self::Signed(values) => Self::Signed(picked(values, positions)),
            Self::Unsigned(values) => Self::Unsigned(picked(values, positions)),
            Self::Float(values) => Self::Float(picked(values, positions)),
            Self::Bool(values) => Self::Bool(picked(values, positions)),
            Self::Complex(values) => Self::Complex(picked(values, positions)),
            Self::Text(values) => Self::Text(picked(values, positions)),
        }
    }
}

/// A text; one that is not UTF-8 has an escape for each byte that is not ASCII: `caf\xe9`.
#[must_use]
pub fn text_of_bytes(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.escape_ascii().to_string(), str::to_owned)
}

impl Value<'_> {
    /// The nearest 64-bit float; `None` for what has no place on a line.
    #[expect(clippy::cast_precision_loss, reason = "documented: the nearest float")]
    #[must_use]
    pub fn to_f64(self) -> Option<f64> {
        match self {
            Self::Signed(x) => Some(x as f64),
            Self::Unsigned(x) => Some(x as f64),
            Self::Float(x) => Some(x),
            Self::Bool(x) => Some(f64::from(u8::from(x))),
            Self::Complex(_) | Self::Text(_) => None,
        }
    }

    /// The integer that this is; truth values are 0 and 1.
    #[must_use]
    pub fn to_integer(self) -> Option<i128> {
        match self {
            Self::Signed(x) => Some(x.into()),
            Self::Unsigned(x) => Some(x.into()),
            Self::Bool(x) => Some(x.into()),
            Self::Float(_) | Self::Complex(_) | Self::Text(_) => None,
        }
    }

    /// How this compares with `number`, exactly; `None` for NaN and for what is not a real number.
    #[must_use]
    pub fn compare(self, number: Number) -> Option<Ordering> {
        let (own, number) = match (self, number) {
            (Self::Float(own), Number::Float(number)) => return own.partial_cmp(&number),
            (Self::Float(own), Number::Integer(number)) => {
                return compare_integer(number, own).map(Ordering::reverse);
            }
            (own, number) => (own.to_integer()?, number),
        };
        match number {
            Number::Integer(number) => Some(own.cmp(&number)),
            Number::Float(number) => compare_integer(own, number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_of_every_type_are_read() {
        let values = |element, bytes: &[u8]| Values::of_elements(&DataType::little(element), bytes);
        assert_eq!(values(ElementType::Int16, &(-2_i16).to_ne_bytes()), Ok(Values::Signed(vec![-2])));
        assert_eq!(values(ElementType::UInt64, &[255; 8]), Ok(Values::Unsigned(vec![u64::MAX])));
        assert_eq!(
            values(ElementType::Float32, &0.1_f32.to_ne_bytes()).unwrap().get(0),
            Some(Value::Float(0.1_f32.into()))
        );
        assert_eq!(values(ElementType::Bool, &[0, 2]), Ok(Values::Bool(vec![false, true])));
        assert_eq!(
            values(ElementType::FixedBytes(3), b"ab\0\xe9b\0").unwrap(),
            Values::Text(vec!["ab".into(), "\\xe9b".into()])
        );
        assert!(values(ElementType::Raw(2), &[0, 0]).is_err());
    }

    #[test]
    fn values_compare_exactly_with_numbers() {
        let big = (1_i64 << 53) + 1;
        assert_eq!(Value::Signed(big).compare(Number::Float(big as f64)), Some(Ordering::Greater));
        assert_eq!(Value::Float(0.5).compare(Number::Integer(1)), Some(Ordering::Less));
        assert_eq!(Value::Unsigned(3).compare(Number::Integer(3)), Some(Ordering::Equal));
        assert_eq!(Value::Float(f64::NAN).compare(Number::Integer(3)), None);
        assert_eq!(Value::Text("3").compare(Number::Integer(3)), None);
    }
}
