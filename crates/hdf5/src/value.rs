//! Values of attributes, decoded.

use bytes::Bytes;

/// The elements of an attribute, row-major, decoded by datatype class.
///
/// Numbers keep their value, not their width; the width is in the attribute's datatype.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// No elements: a null dataspace.
    Null,
    /// Signed integers, and enumerations over them.
    Signed(Vec<i64>),
    /// Unsigned integers, bit fields, and enumerations over them.
    Unsigned(Vec<u64>),
    /// Floating-point numbers; wider ones than 64 bits are rounded to the nearest.
    Float(Vec<f64>),
    /// Complex numbers: real and imaginary part.
    Complex(Vec<[f64; 2]>),
    /// Strings of fixed or variable length, without their padding.
    Text(Vec<Text>),
    /// Opaque elements, times, and numbers of layouts that no other variant can hold: as stored.
    Opaque(Vec<Bytes>),
    /// References; `None` is the null reference.
    References(Vec<Option<Reference>>),
    /// Arrays and sequences of variable length: the elements of each.
    Sequences(Vec<Value>),
    /// Structures, column by column: each field holds one entry per element.
    Compound(Vec<Field>),
}

impl Value {
    /// The text, if the value is one string.
    ///
    /// `None` if it is not UTF-8.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(texts) => match texts.as_slice() {
                [Text::Utf8(text)] => Some(text),
                _ => None,
            },
            _ => None,
        }
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Null => 0,
            Self::Signed(values) => values.len(),
            Self::Unsigned(values) => values.len(),
            Self::Float(values) => values.len(),
            Self::Complex(values) => values.len(),
            Self::Text(values) => values.len(),
            Self::Opaque(values) => values.len(),
            Self::References(values) => values.len(),
            Self::Sequences(values) => values.len(),
            Self::Compound(fields) => fields.first().map_or(0, |field| field.value.len()),
        }
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One member of a compound value.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Name of the member.
    pub name: String,
    /// The member of every element.
    pub value: Value,
}

/// A string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// Valid UTF-8, whatever the datatype says.
    Utf8(String),
    /// Anything else, as stored.
    Bytes(Bytes),
}

impl Text {
    /// UTF-8 where it is, bytes where it is not.
    #[must_use]
    pub fn new(bytes: Bytes) -> Self {
        match std::str::from_utf8(&bytes) {
            Ok(text) => Self::Utf8(text.to_owned()),
            Err(_) => Self::Bytes(bytes),
        }
    }

    /// The bytes of the string.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Utf8(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// A reference to an object or to a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Absolute address of the object header.
    pub address: u64,
    /// Path of the object, if hard links reach it.
    pub path: Option<String>,
    /// Which part of the object is meant.
    pub part: ReferencePart,
}

/// Which part of an object a reference means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReferencePart {
    /// All of it.
    Whole,
    /// A selection of elements, as stored: see the specification, VIII.A.
    Region(Bytes),
    /// An attribute, by name.
    Attribute(String),
}

/// Where an object lies in a global heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GlobalHeapId {
    /// Absolute address of the heap collection.
    pub collection: u64,
    /// Number of the object in the collection.
    pub index: u32,
}
