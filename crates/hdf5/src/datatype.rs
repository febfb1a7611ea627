//! What an element is, kept as the file says it.
//!
//! Spec: HDF5 File Format 3.0, IV.A.2.d, "The Datatype Message"; classes beyond 10 are in 4.0.

use bytes::Bytes;

/// The type of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datatype {
    /// Bytes in an element as stored.
    pub size: u64,
    /// What the bytes mean.
    pub class: Class,
    /// Address of the object header of the committed datatype, if it is one.
    pub committed: Option<u64>,
}

impl Datatype {
    /// Whether decoding an element needs bytes from elsewhere (a global heap).
    #[must_use]
    pub fn has_heap_data(&self) -> bool {
        match &self.class {
            Class::VarLen { .. } | Class::VarLenString { .. } => true,
            Class::Reference(kind) => !matches!(kind, ReferenceKind::Object),
            Class::Compound { members } => members.iter().any(|m| m.datatype.has_heap_data()),
            Class::Array { base, .. } => base.has_heap_data(),
            _ => false,
        }
    }

    /// Whether an element is, or contains, a reference to an object.
    #[must_use]
    pub fn has_references(&self) -> bool {
        match &self.class {
            Class::Reference(_) => true,
            Class::Compound { members } => members.iter().any(|m| m.datatype.has_references()),
            Class::VarLen { base } | Class::Array { base, .. } => base.has_references(),
            _ => false,
        }
    }
}

/// The datatype classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Class {
    /// Class 0: integers.
    Integer(IntegerLayout),
    /// Class 1: floating-point numbers.
    Float(FloatLayout),
    /// Class 2: times. Never used by the library; the bits are not defined further.
    Time {
        /// Order of the bytes.
        byte_order: ByteOrder,
        /// Significant bits.
        precision: u16,
    },
    /// Class 3: strings of fixed length.
    String {
        /// How short strings are filled up.
        padding: StringPadding,
        /// Encoding the writer stated.
        charset: Charset,
    },
    /// Class 4: bit fields; `signed` is false.
    BitField(IntegerLayout),
    /// Class 5: uninterpreted bytes.
    Opaque {
        /// What the writer calls them.
        tag: String,
    },
    /// Class 6: structures.
    Compound {
        /// Members in file order.
        members: Vec<Member>,
    },
    /// Class 7: references.
    Reference(ReferenceKind),
    /// Class 8: enumerations.
    Enum {
        /// The integer type of the values.
        base: Box<Datatype>,
        /// Names and values, in file order.
        members: Vec<EnumMember>,
    },
    /// Class 9: sequences of variable length, in a global heap.
    VarLen {
        /// Type of an element of the sequence.
        base: Box<Datatype>,
    },
    /// Class 9: strings of variable length, in a global heap.
    VarLenString {
        /// How the writer ends strings.
        padding: StringPadding,
        /// Encoding the writer stated.
        charset: Charset,
    },
    /// Class 10: arrays.
    Array {
        /// Extent, slowest dimension first.
        dims: Vec<u64>,
        /// Type of an element.
        base: Box<Datatype>,
    },
    /// Class 11: complex numbers, real part first.
    Complex {
        /// Type of each part.
        base: Box<Datatype>,
    },
}

/// The bits of an integer or bit field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntegerLayout {
    /// Order of the bytes.
    pub byte_order: ByteOrder,
    /// Two's complement.
    pub signed: bool,
    /// First significant bit, from the least significant.
    pub bit_offset: u16,
    /// Significant bits.
    pub precision: u16,
    /// Padding below the significant bits is ones.
    pub low_padding: bool,
    /// Padding above the significant bits is ones.
    pub high_padding: bool,
}

/// The bits of a floating-point number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloatLayout {
    /// Order of the bytes.
    pub byte_order: ByteOrder,
    /// First significant bit.
    pub bit_offset: u16,
    /// Significant bits.
    pub precision: u16,
    /// Bit number of the sign.
    pub sign: u8,
    /// Bits of the exponent.
    pub exponent: BitRange,
    /// Bits of the mantissa.
    pub mantissa: BitRange,
    /// What the mantissa leaves out.
    pub normalization: Normalization,
    /// Bias of the exponent.
    pub exponent_bias: u32,
    /// Padding below the significant bits is ones.
    pub low_padding: bool,
    /// Padding above the significant bits is ones.
    pub high_padding: bool,
    /// Padding between the parts is ones.
    pub internal_padding: bool,
}

impl FloatLayout {
    /// The IEEE 754 layout of `size` bytes (2, 4 or 8) in that byte order.
    #[must_use]
    pub const fn ieee(size: u64, byte_order: ByteOrder) -> Option<Self> {
        let (precision, sign, exponent, mantissa, exponent_bias) = match size {
            2 => (16, 15, BitRange::new(10, 5), BitRange::new(0, 10), 15),
            4 => (32, 31, BitRange::new(23, 8), BitRange::new(0, 23), 127),
            8 => (64, 63, BitRange::new(52, 11), BitRange::new(0, 52), 1023),
            _ => return None,
        };
        Some(Self {
            byte_order,
            bit_offset: 0,
            precision,
            sign,
            exponent,
            mantissa,
            normalization: Normalization::Implied,
            exponent_bias,
            low_padding: false,
            high_padding: false,
            internal_padding: false,
        })
    }

    /// Whether this is the IEEE 754 layout of a number of `size` bytes.
    #[must_use]
    pub fn is_ieee(&self, size: u64) -> bool {
        Self::ieee(size, self.byte_order).is_some_and(|ieee| {
            (
                self.bit_offset,
                self.precision,
                self.sign,
                self.exponent,
                self.mantissa,
                self.normalization,
                self.exponent_bias,
            ) == (
                ieee.bit_offset,
                ieee.precision,
                ieee.sign,
                ieee.exponent,
                ieee.mantissa,
                ieee.normalization,
                ieee.exponent_bias,
            )
        })
    }
}

/// A run of bits, from the least significant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BitRange {
    /// First bit.
    pub location: u8,
    /// Number of bits.
    pub size: u8,
}

impl BitRange {
    /// `size` bits from bit `location`.
    #[must_use]
    pub const fn new(location: u8, size: u8) -> Self {
        Self { location, size }
    }
}

/// What a mantissa leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalization {
    /// Nothing; not normalized.
    None,
    /// The highest bit is always set, and stored.
    MsbSet,
    /// The highest bit is always set, and not stored.
    Implied,
}

/// Order of the bytes of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// Least significant first.
    Little,
    /// Most significant first.
    Big,
    /// VAX: pairs of bytes, most significant pair first.
    Vax,
}

/// How a string of fixed length is filled up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StringPadding {
    /// Ends at the first zero byte.
    NullTerminated,
    /// Filled up with zero bytes.
    NullPadded,
    /// Filled up with spaces.
    SpacePadded,
}

/// The encoding a writer stated. Many files state ASCII and hold something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// US ASCII.
    Ascii,
    /// UTF-8.
    Utf8,
}

/// A member of a compound datatype.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Name.
    pub name: String,
    /// Byte offset in the compound.
    pub offset: u64,
    /// Type.
    pub datatype: Datatype,
}

/// A name of an enumeration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnumMember {
    /// Name.
    pub name: String,
    /// Value, in the base type.
    pub value: Bytes,
}

/// What a reference points at, and how it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceKind {
    /// The address of an object header.
    Object,
    /// An object and a selection in it, in a global heap.
    Region,
    /// HDF5 1.12: an object.
    RevisedObject,
    /// HDF5 1.12: an object and a selection in it.
    RevisedRegion,
    /// HDF5 1.12: an attribute.
    RevisedAttribute,
}
