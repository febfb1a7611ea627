//! Element types.

use std::fmt;

/// Byte order of multi-byte elements as they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl ByteOrder {
    /// The byte order of the machine this runs on.
    #[must_use]
    pub fn native() -> Self {
        if cfg!(target_endian = "big") { Self::Big } else { Self::Little }
    }
}

/// An element type and the byte order it is stored in.
///
/// `Display` prints the NumPy type string: `<f4`, `|S5`, `<M8[ns]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DataType {
    /// What one element is.
    pub element: ElementType,
    /// How its bytes are ordered; without meaning for single bytes, strings of bytes and raw data.
    pub order: ByteOrder,
}

/// What one element is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ElementType {
    /// One byte, 0 or 1. NumPy `b1`.
    Bool,
    /// Two's complement, 8 bits.
    Int8,
    /// Two's complement, 16 bits.
    Int16,
    /// Two's complement, 32 bits.
    Int32,
    /// Two's complement, 64 bits.
    Int64,
    /// Unsigned, 8 bits.
    UInt8,
    /// Unsigned, 16 bits.
    UInt16,
    /// Unsigned, 32 bits.
    UInt32,
    /// Unsigned, 64 bits.
    UInt64,
    /// IEEE 754 binary16.
    Float16,
    /// IEEE 754 binary32.
    Float32,
    /// IEEE 754 binary64.
    Float64,
    /// Two binary32, real part first.
    Complex64,
    /// Two binary64, real part first.
    Complex128,
    /// Byte string padded with zeros to this many bytes. NumPy `S`.
    FixedBytes(usize),
    /// String padded with zeros to this many UTF-32 code units. NumPy `U`.
    FixedUtf32(usize),
    /// This many bytes without meaning. NumPy `V`.
    Raw(usize),
    /// 64-bit count of the unit since 1970-01-01; the smallest value is "not a time". NumPy `M8`.
    DateTime64(TimeUnit),
    /// 64-bit count of the unit; the smallest value is "not a time". NumPy `m8`.
    TimeDelta64(TimeUnit),
    /// Strings of any length, behind a codec that frames them. NumPy `O`.
    VlenString,
    /// Named fields one after the other, without padding.
    Structured(Vec<Field>),
}

/// One field of a structured element.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
    /// Shape of a sub-array; empty for a plain field.
    pub shape: Vec<u64>,
}

/// Unit of a date or a duration, as NumPy spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimeUnit {
    /// `Y`
    Year,
    /// `M`
    Month,
    /// `W`
    Week,
    /// `D`
    Day,
    /// `h`
    Hour,
    /// `m`
    Minute,
    /// `s`
    Second,
    /// `ms`
    Millisecond,
    /// `us`
    Microsecond,
    /// `ns`
    Nanosecond,
}

impl TimeUnit {
    const ALL: [(Self, &'static str); 10] = [
        (Self::Year, "Y"),
        (Self::Month, "M"),
        (Self::Week, "W"),
        (Self::Day, "D"),
        (Self::Hour, "h"),
        (Self::Minute, "m"),
        (Self::Second, "s"),
        (Self::Millisecond, "ms"),
        (Self::Microsecond, "us"),
        (Self::Nanosecond, "ns"),
    ];

    /// NumPy's code of the unit.
    #[must_use]
    pub fn code(self) -> &'static str {
        Self::ALL.iter().find(|(unit, _)| *unit == self).map_or("", |(_, code)| code)
    }

    /// The unit NumPy spells so.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, c)| *c == code).map(|(unit, _)| *unit)
    }
}

impl ElementType {
    /// Bytes of one element; `None` for strings of any length and for sizes past 64 bits.
    #[must_use]
    pub fn size(&self) -> Option<usize> {
        Some(match self {
            Self::Bool | Self::Int8 | Self::UInt8 => 1,
            Self::Int16 | Self::UInt16 | Self::Float16 => 2,
            Self::Int32 | Self::UInt32 | Self::Float32 => 4,
            Self::Int64
            | Self::UInt64
            | Self::Float64
            | Self::Complex64
            | Self::DateTime64(_)
            | Self::TimeDelta64(_) => 8,
            Self::Complex128 => 16,
            Self::FixedBytes(n) | Self::Raw(n) => *n,
            Self::FixedUtf32(n) => n.checked_mul(4)?,
            Self::VlenString => return None,
            Self::Structured(fields) => {
                fields.iter().try_fold(0_usize, |sum, field| sum.checked_add(field.size()?))?
            }
        })
    }

    /// Whether arithmetic reductions are defined on it: integers, floats, bool, complex.
    #[must_use]
    pub fn is_numeric(&self) -> bool {
        self.is_integer()
            || self.is_float()
            || matches!(self, Self::Bool | Self::Complex64 | Self::Complex128)
    }

    /// Whether it is a signed or unsigned integer.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        matches!(
            self,
            Self::Int8
                | Self::Int16
                | Self::Int32
                | Self::Int64
                | Self::UInt8
                | Self::UInt16
                | Self::UInt32
                | Self::UInt64
        )
    }

    /// Whether it is a real floating-point number.
    #[must_use]
    pub fn is_float(&self) -> bool {
        matches!(self, Self::Float16 | Self::Float32 | Self::Float64)
    }

    /// NumPy's long name of a numeric type (`float32`); the type string's body for the others.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Bool => "bool".into(),
            Self::Int8 => "int8".into(),
            Self::Int16 => "int16".into(),
            Self::Int32 => "int32".into(),
            Self::Int64 => "int64".into(),
            Self::UInt8 => "uint8".into(),
            Self::UInt16 => "uint16".into(),
            Self::UInt32 => "uint32".into(),
            Self::UInt64 => "uint64".into(),
            Self::Float16 => "float16".into(),
            Self::Float32 => "float32".into(),
            Self::Float64 => "float64".into(),
            Self::Complex64 => "complex64".into(),
            Self::Complex128 => "complex128".into(),
            Self::FixedBytes(n) => format!("S{n}"),
            Self::FixedUtf32(n) => format!("U{n}"),
            Self::Raw(n) => format!("V{n}"),
            Self::DateTime64(unit) => format!("datetime64[{}]", unit.code()),
            Self::TimeDelta64(unit) => format!("timedelta64[{}]", unit.code()),
            Self::VlenString => "string".into(),
            Self::Structured(fields) => {
                let fields: Vec<String> =
                    fields.iter().map(|f| format!("{} {}", f.name, f.data_type)).collect();
                format!("({})", fields.join(", "))
            }
        }
    }
}

impl Field {
    /// Bytes of the field in one element.
    #[must_use]
    pub fn size(&self) -> Option<usize> {
        self.shape
            .iter()
            .try_fold(self.data_type.size()?, |size, &len| size.checked_mul(usize::try_from(len).ok()?))
    }
}

impl DataType {
    /// A type in little-endian order.
    #[must_use]
    pub fn little(element: ElementType) -> Self {
        Self { element, order: ByteOrder::Little }
    }

    /// Bytes of one element; `None` for strings of any length.
    #[must_use]
    pub fn size(&self) -> Option<usize> {
        self.element.size()
    }

    /// Reads a NumPy type string such as `<f4`, `|S5`, `>i2`, `<M8[ns]`, `|O`.
    ///
    /// Structured types have no type string; `None` for them and for anything else NumPy would not write.
    #[must_use]
    pub fn from_numpy(text: &str) -> Option<Self> {
        let order = match text.chars().next()? {
            '<' | '|' | '=' => ByteOrder::Little,
            '>' => ByteOrder::Big,
            _ => return None,
        };
        let body = text.get(1..)?;
        let kind = body.chars().next()?;
        let rest = body.get(1..)?;
        let digits: &str = rest.split('[').next()?;
        let size: usize = if digits.is_empty() { 0 } else { digits.parse().ok()? };
        let unit = rest.strip_prefix("8[").and_then(|r| r.strip_suffix(']'));
        let element = match (kind, size) {
            ('b', 1) => ElementType::Bool,
            ('i', 1) => ElementType::Int8,
            ('i', 2) => ElementType::Int16,
            ('i', 4) => ElementType::Int32,
            ('i', 8) => ElementType::Int64,
            ('u', 1) => ElementType::UInt8,
            ('u', 2) => ElementType::UInt16,
            ('u', 4) => ElementType::UInt32,
            ('u', 8) => ElementType::UInt64,
            ('f', 2) => ElementType::Float16,
            ('f', 4) => ElementType::Float32,
            ('f', 8) => ElementType::Float64,
            ('c', 8) => ElementType::Complex64,
            ('c', 16) => ElementType::Complex128,
            ('S', n) => ElementType::FixedBytes(n),
            ('U', n) => ElementType::FixedUtf32(n),
            ('V', n) => ElementType::Raw(n),
            ('O', 0) => ElementType::VlenString,
            ('M', 8) => ElementType::DateTime64(TimeUnit::from_code(unit?)?),
            ('m', 8) => ElementType::TimeDelta64(TimeUnit::from_code(unit?)?),
            _ => return None,
        };
        let plain = !matches!(kind, 'M' | 'm');
        (!plain || rest == digits).then_some(Self { element, order })
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = match self.order {
            ByteOrder::Little => '<',
            ByteOrder::Big => '>',
        };
        match &self.element {
            ElementType::Bool => f.write_str("|b1"),
            ElementType::Int8 => f.write_str("|i1"),
            ElementType::UInt8 => f.write_str("|u1"),
            ElementType::Int16 => write!(f, "{order}i2"),
            ElementType::Int32 => write!(f, "{order}i4"),
            ElementType::Int64 => write!(f, "{order}i8"),
            ElementType::UInt16 => write!(f, "{order}u2"),
            ElementType::UInt32 => write!(f, "{order}u4"),
            ElementType::UInt64 => write!(f, "{order}u8"),
            ElementType::Float16 => write!(f, "{order}f2"),
            ElementType::Float32 => write!(f, "{order}f4"),
            ElementType::Float64 => write!(f, "{order}f8"),
            ElementType::Complex64 => write!(f, "{order}c8"),
            ElementType::Complex128 => write!(f, "{order}c16"),
            ElementType::FixedBytes(n) => write!(f, "|S{n}"),
            ElementType::FixedUtf32(n) => write!(f, "{order}U{n}"),
            ElementType::Raw(n) => write!(f, "|V{n}"),
            ElementType::DateTime64(unit) => write!(f, "{order}M8[{}]", unit.code()),
            ElementType::TimeDelta64(unit) => write!(f, "{order}m8[{}]", unit.code()),
            ElementType::VlenString => f.write_str("|O"),
            ElementType::Structured(_) => f.write_str(&self.element.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_strings_are_read_as_they_are_written() {
        for text in [
            "|b1", "|i1", "|u1", "<i2", ">i2", "<u8", "<f2", ">f4", "<f8", "<c8", ">c16", "|S0", "|S12",
            "<U3", "|V7", "<M8[ns]", ">m8[D]", "|O",
        ] {
            assert_eq!(DataType::from_numpy(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "f4", "<f3", "<q8", "<f4x", "<M8", "<M8[10ns]", "<M4[s]", "|O8[", "<i2[s]"] {
            assert_eq!(DataType::from_numpy(text), None, "{text}");
        }
    }
}
