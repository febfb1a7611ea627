//! Turning the bytes of elements into values.
//!
//! Elements of variable length hold only where their bytes are:
//!
//! ```text
//! ┌────────┬────────────────────┬───────┐      ┌────────────────┬───────┐
//! │ length │ address of a global heap  │      │ address        │ index │  region reference
//! │        │ collection         │ index │      └────────────────┴───────┘
//! └────────┴────────────────────┴───────┘
//! ```
//! Decoding is pure, so it cannot fetch them. It is given what is in memory, says what is missing, and is run again.
//!
//! Spec: HDF5 File Format 3.0, IV.A.2.d, and VIII.B and VIII.C for references.

use std::collections::HashMap;
use std::slice::ChunksExact;

use bytes::Bytes;

use super::cursor::{Cursor, Sizes, widen};
use super::text::{name, until_nul};
use crate::datatype::{
    ByteOrder, Class, Datatype, FloatLayout, IntegerLayout, Member, Normalization, ReferenceKind,
    StringPadding,
};
use crate::error::Problem;
use crate::limits::VALUE_LEN_MAX;
use crate::value::{Field, GlobalHeapId, Reference, ReferencePart, Text, Value};

/// Decodes elements with what is known of the global heap.
pub struct Decoder<'a> {
    sizes: Sizes,
    heap: &'a HashMap<GlobalHeapId, Bytes>,
    missing: Vec<GlobalHeapId>,
    /// Bytes decoded so far.
    decoded: usize,
}

impl<'a> Decoder<'a> {
    /// A decoder that knows these objects of the global heap.
    #[must_use]
    pub fn new(sizes: Sizes, heap: &'a HashMap<GlobalHeapId, Bytes>) -> Self {
        Self { sizes, heap, missing: Vec::new(), decoded: 0 }
    }

    /// Heap objects that were needed but are not known. The values decoded so far are incomplete if there are any.
    #[must_use]
    pub fn into_missing(self) -> Vec<GlobalHeapId> {
        self.missing
    }

    /// Decodes `raw`, which must hold a whole number of elements.
    ///
    /// # Errors
    ///
    /// [`Problem::Malformed`] if the datatype contradicts itself or `raw` ends within an element,
    /// [`Problem::Limit`] for more than [`VALUE_LEN_MAX`] bytes, [`Problem::Unsupported`] for references into other
    /// files.
    pub fn decode(&mut self, datatype: &Datatype, raw: &Bytes) -> Result<Value, Problem> {
        self.decoded = self.decoded.saturating_add(raw.len());
        if self.decoded > VALUE_LEN_MAX {
            return Err(Problem::Limit {
                what: "the length of a value",
                limit: widen(VALUE_LEN_MAX),
                found: widen(self.decoded),
            });
        }
        let elements = elements(datatype, raw)?;
        match &datatype.class {
            Class::Integer(layout) | Class::BitField(layout) => Ok(integers(*layout, elements, raw)),
            Class::Float(layout) => Ok(floats(*layout, elements, raw)),
            Class::Time { .. } | Class::Opaque { .. } => Ok(opaque(elements, raw)),
            Class::String { padding, .. } => Ok(Value::Text(
                elements.map(|element| Text::new(raw.slice_ref(unpadded(*padding, element)))).collect(),
            )),
            Class::Enum { base, .. } => self.decode(base, raw),
            Class::Complex { base } => complex(base, elements, raw),
            Class::Compound { members } => self.compound(members, elements),
            Class::Array { base, .. } => {
                self.sequences(base, elements.map(|element| raw.slice_ref(element)).collect())
            }
            Class::VarLen { base } => {
                let sequences =
                    elements.map(|element| self.sequence(base, element)).collect::<Result<Vec<_>, _>>()?;
                self.sequences(base, sequences)
            }
            Class::VarLenString { .. } => {
                let texts = elements.map(|element| self.string(element)).collect::<Result<Vec<_>, _>>()?;
                Ok(Value::Text(texts))
            }
            Class::Reference(kind) => {
                let references =
                    elements.map(|element| self.reference(*kind, element)).collect::<Result<Vec<_>, _>>()?;
                Ok(Value::References(references))
            }
        }
    }

    fn sequences(&mut self, base: &Datatype, sequences: Vec<Bytes>) -> Result<Value, Problem> {
        let values =
            sequences.iter().map(|sequence| self.decode(base, sequence)).collect::<Result<Vec<_>, _>>()?;
        Ok(Value::Sequences(values))
    }

    fn compound(&mut self, members: &[Member], elements: ChunksExact<'_, u8>) -> Result<Value, Problem> {
        let fields = members.iter().map(|member| {
            let start = usize::try_from(member.offset).unwrap_or(usize::MAX);
            let len = usize::try_from(member.datatype.size).unwrap_or(usize::MAX);
            let mut column = Vec::new();
            for element in elements.clone() {
                let part = element.get(start..start.saturating_add(len)).ok_or_else(|| {
                    Problem::malformed(format!(
                        "member {:?} of {len} bytes at offset {start} reaches over a compound of {} bytes",
                        member.name,
                        element.len()
                    ))
                })?;
                column.extend_from_slice(part);
            }
            let value = self.decode(&member.datatype, &Bytes::from(column))?;
            Ok(Field { name: member.name.clone(), value })
        });
        Ok(Value::Compound(fields.collect::<Result<Vec<_>, Problem>>()?))
    }

    /// The bytes of a sequence of variable length.
    fn sequence(&mut self, base: &Datatype, element: &[u8]) -> Result<Bytes, Problem> {
        let mut cursor = Cursor::new(element);
        let count = u64::from(cursor.u32()?);
        let Some(bytes) = self.object(&mut cursor, count > 0)? else { return Ok(Bytes::new()) };
        let len = count.checked_mul(base.size).and_then(|len| usize::try_from(len).ok());
        len.filter(|len| *len <= bytes.len()).map(|len| bytes.slice(..len)).ok_or_else(|| {
            Problem::malformed(format!(
                "sequence of {count} elements of {} bytes is in a heap object of {} bytes",
                base.size,
                bytes.len()
            ))
        })
    }

    fn string(&mut self, element: &[u8]) -> Result<Text, Problem> {
        let mut cursor = Cursor::new(element);
        let count = usize::try_from(cursor.u32()?).unwrap_or(usize::MAX);
        let bytes = self.object(&mut cursor, count > 0)?.unwrap_or_default();
        // Some writers count the zero byte at the end, and some pad the object.
        let len = until_nul(bytes.get(..count).unwrap_or(&bytes)).len();
        Ok(Text::new(bytes.slice(..len)))
    }

    /// The heap object whose ID is next, if it is `wanted` and known; notes it if it is not known.
    fn object(&mut self, cursor: &mut Cursor<'_>, wanted: bool) -> Result<Option<Bytes>, Problem> {
        let id = heap_id(cursor, self.sizes)?;
        let Some(id) = id.filter(|_| wanted) else { return Ok(None) };
        let known = self.heap.get(&id).cloned();
        if known.is_none() {
            self.missing.push(id);
        }
        Ok(known)
    }

    fn reference(&mut self, kind: ReferenceKind, element: &[u8]) -> Result<Option<Reference>, Problem> {
        let mut cursor = Cursor::new(element);
        match kind {
            ReferenceKind::Object => Ok(stored_address(&mut cursor, self.sizes)?.map(|address| Reference {
                address,
                path: None,
                part: ReferencePart::Whole,
            })),
            ReferenceKind::Region => {
                let Some(object) = self.object(&mut cursor, true)? else { return Ok(None) };
                let mut cursor = Cursor::new(&object);
                let address = stored_address(&mut cursor, self.sizes)?;
                let selection = object.slice(cursor.position()..);
                Ok(address.map(|address| Reference {
                    address,
                    path: None,
                    part: ReferencePart::Region(selection),
                }))
            }
            ReferenceKind::RevisedObject | ReferenceKind::RevisedRegion | ReferenceKind::RevisedAttribute => {
                self.revised(&mut cursor)
            }
        }
    }

    /// A reference of HDF5 1.12: kind, flags, then either the token of an object or where the rest is in a global heap.
    ///
    /// Spec: HDF5 File Format 3.0, VIII.C, "Reference Encoding (Revised)".
    fn revised(&mut self, cursor: &mut Cursor<'_>) -> Result<Option<Reference>, Problem> {
        /// The reference names a file.
        const EXTERNAL: u8 = 1;
        let kind = cursor.u8()?;
        let flags = cursor.u8()?;
        if kind == 0 {
            return Ok(None);
        }
        if flags & EXTERNAL != 0 {
            return Err(Problem::unsupported("a reference into another file"));
        }
        // Only a reference to a whole object is short enough to stay here.
        if kind == 2 {
            let Some(address) = token(cursor, self.sizes)? else { return Ok(None) };
            return Ok(Some(Reference { address, path: None, part: ReferencePart::Whole }));
        }
        let count = cursor.u32()?;
        let Some(object) = self.object(cursor, count > 0)? else { return Ok(None) };
        let mut cursor = Cursor::new(&object);
        let Some(address) = token(&mut cursor, self.sizes)? else { return Ok(None) };
        let part = match kind {
            3 => {
                // The length of the encoded selection, and its rank.
                cursor.skip(8)?;
                ReferencePart::Region(object.slice(cursor.position()..))
            }
            4 => {
                let len = usize::from(cursor.u16()?);
                ReferencePart::Attribute(name(until_nul(cursor.take(len)?)))
            }
            _ => return Err(Problem::malformed(format!("reference has kind {kind}"))),
        };
        Ok(Some(Reference { address, path: None, part }))
    }
}

/// An object token: its length and, in a file, the address of an object header.
fn token(cursor: &mut Cursor<'_>, sizes: Sizes) -> Result<Option<u64>, Problem> {
    let len = usize::from(cursor.u8()?);
    let bytes = cursor.take(len)?;
    stored_address(&mut Cursor::new(bytes), sizes)
}

/// The address of an object; a stored zero is the null reference as well, because no header can be there.
fn stored_address(cursor: &mut Cursor<'_>, sizes: Sizes) -> Result<Option<u64>, Problem> {
    Ok(cursor.offset(sizes)?.filter(|address| *address != sizes.base()))
}

/// Takes the ID of a global heap object; a stored address of zero means that there is none.
///
/// # Errors
///
/// [`Problem::Truncated`]
pub fn heap_id(cursor: &mut Cursor<'_>, sizes: Sizes) -> Result<Option<GlobalHeapId>, Problem> {
    let collection = stored_address(cursor, sizes)?;
    let index = cursor.u32()?;
    Ok(collection.map(|collection| GlobalHeapId { collection, index }))
}

/// Cuts `raw` into elements.
fn elements<'b>(datatype: &Datatype, raw: &'b Bytes) -> Result<ChunksExact<'b, u8>, Problem> {
    let size = usize::try_from(datatype.size).unwrap_or(usize::MAX);
    if size == 0 || raw.len().checked_rem(size) != Some(0) {
        return Err(Problem::malformed(format!(
            "{} bytes are no whole number of elements of {size}",
            raw.len()
        )));
    }
    Ok(raw.chunks_exact(size))
}

/// Elements as they are stored.
fn opaque(elements: ChunksExact<'_, u8>, raw: &Bytes) -> Value {
    Value::Opaque(elements.map(|element| raw.slice_ref(element)).collect())
}

/// A number as an integer of at most 128 bits, least significant byte first whatever the file says.
fn bits(byte_order: ByteOrder, element: &[u8]) -> Option<u128> {
    let mut wide = [0; 16];
    let low = wide.get_mut(..element.len())?;
    low.copy_from_slice(element);
    match byte_order {
        ByteOrder::Little => {}
        ByteOrder::Big => low.reverse(),
        ByteOrder::Vax => {
            // Pairs of bytes, the most significant pair first, each pair little-endian.
            low.reverse();
            low.as_chunks_mut::<2>().0.iter_mut().for_each(|pair| pair.reverse());
        }
    }
    Some(u128::from_le_bytes(wide))
}

/// `size` bits from bit `location`.
fn field(bits: u128, location: u32, size: u32) -> Option<u128> {
    let mask = match size {
        128 => u128::MAX,
        _ => 1u128.checked_shl(size)?.wrapping_sub(1),
    };
    Some(bits.checked_shr(location).unwrap_or(0) & mask)
}

fn integers(layout: IntegerLayout, elements: ChunksExact<'_, u8>, raw: &Bytes) -> Value {
    let precision = u32::from(layout.precision);
    let value = |element: &[u8]| -> Option<u128> {
        field(bits(layout.byte_order, element)?, u32::from(layout.bit_offset), precision)
    };
    let decoded = if layout.signed {
        elements
            .clone()
            .map(|element| {
                // Shifting the sign bit to the top and back copies it over all higher bits.
                let unused = 128u32.checked_sub(precision).filter(|unused| *unused < 128)?;
                i64::try_from((value(element)?.checked_shl(unused)?.cast_signed()).checked_shr(unused)?).ok()
            })
            .collect::<Option<Vec<_>>>()
            .map(Value::Signed)
    } else {
        elements
            .clone()
            .map(|element| u64::try_from(value(element)?).ok())
            .collect::<Option<Vec<_>>>()
            .map(Value::Unsigned)
    };
    // Integers wider than 64 bits have no other variant.
    decoded.unwrap_or_else(|| opaque(elements, raw))
}

fn floats(layout: FloatLayout, elements: ChunksExact<'_, u8>, raw: &Bytes) -> Value {
    let decoded = elements.clone().map(|element| float(layout, element)).collect::<Option<Vec<_>>>();
    decoded.map_or_else(|| opaque(elements, raw), Value::Float)
}

fn complex(base: &Datatype, elements: ChunksExact<'_, u8>, raw: &Bytes) -> Result<Value, Problem> {
    let Class::Float(layout) = base.class else {
        return Err(Problem::unsupported("a complex number that is not of floats"));
    };
    let half = usize::try_from(base.size).unwrap_or(usize::MAX);
    let parts = elements
        .clone()
        .map(|element| {
            let (real, imaginary) = element.split_at_checked(half)?;
            Some([float(layout, real)?, float(layout, imaginary)?])
        })
        .collect::<Option<Vec<_>>>();
    Ok(parts.map_or_else(|| opaque(elements, raw), Value::Complex))
}

/// A float of any layout up to 128 bits, rounded to the nearest 64-bit one.
fn float(layout: FloatLayout, element: &[u8]) -> Option<f64> {
    let bits = bits(layout.byte_order, element)?;
    match element.len() {
        4 if layout.is_ieee(4) => return Some(f64::from(f32::from_bits(u32::try_from(bits).ok()?))),
        8 if layout.is_ieee(8) => return Some(f64::from_bits(u64::try_from(bits).ok()?)),
        _ => {}
    }
    let exponent_size = u32::from(layout.exponent.size);
    let mantissa_size = u32::from(layout.mantissa.size);
    // More exponent bits than this would not fit the arithmetic below, and no machine ever had them.
    if !(1..=20).contains(&exponent_size) || !(1..=120).contains(&mantissa_size) {
        return None;
    }
    let negative = field(bits, u32::from(layout.sign), 1)? == 1;
    let exponent = i32::try_from(field(bits, u32::from(layout.exponent.location), exponent_size)?).ok()?;
    let mantissa = field(bits, u32::from(layout.mantissa.location), mantissa_size)?;
    let exponent_max = i32::try_from(field(u128::MAX, 0, exponent_size)?).ok()?;
    let implied = layout.normalization == Normalization::Implied;
    let stored_bits = if implied { mantissa_size } else { mantissa_size.saturating_sub(1) };
    let fraction = field(mantissa, 0, stored_bits)?;
    let bias = i32::try_from(layout.exponent_bias).ok()?;
    let magnitude = if layout.byte_order != ByteOrder::Vax && exponent == exponent_max {
        if fraction == 0 { f64::INFINITY } else { f64::NAN }
    } else if exponent == 0 && layout.byte_order == ByteOrder::Vax {
        0.0
    } else {
        let (significand, exponent) = match (implied, exponent) {
            (true, 0) => (mantissa, 1),
            (true, _) => (mantissa | 1u128.checked_shl(mantissa_size)?, exponent),
            (false, _) => (mantissa, exponent.max(1)),
        };
        let scale = exponent.checked_sub(bias)?.checked_sub(i32::try_from(stored_bits).ok()?)?;
        scaled(significand, scale)
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// `significand * 2^exponent`, rounded once.
fn scaled(significand: u128, exponent: i32) -> f64 {
    /// The least exponent of a 64-bit float: that of the last bit of a subnormal.
    const LAST_BIT: i32 = -1074;
    if significand == 0 {
        return 0.0;
    }
    // Keep 53 bits, or fewer where the result is subnormal, and round to nearest, ties to even.
    let significant = 128i32.saturating_sub(i32::try_from(significand.leading_zeros()).unwrap_or(0));
    let drop = significant.saturating_sub(53).max(LAST_BIT.saturating_sub(exponent)).max(0);
    let drop_bits = u32::try_from(drop).unwrap_or(u32::MAX);
    let kept = significand.checked_shr(drop_bits).unwrap_or(0);
    let below = significand.wrapping_sub(kept.checked_shl(drop_bits).unwrap_or(0));
    let half = drop_bits.checked_sub(1).and_then(|bits| 1u128.checked_shl(bits)).unwrap_or(0);
    let up = drop > 0 && half > 0 && (below > half || (below == half && kept & 1 == 1));
    let rounded = kept.saturating_add(u128::from(up));
    // Both steps are exact: at most 54 bits, and powers of two.
    let mut value = u64::try_from(rounded).unwrap_or(u64::MAX) as f64;
    let mut exponent = exponent.saturating_add(drop);
    while exponent > 0 && value.is_finite() {
        let step = exponent.min(1000);
        value *= 2f64.powi(step);
        exponent = exponent.saturating_sub(step);
    }
    while exponent < 0 && value != 0.0 {
        let step = exponent.max(-1000);
        value *= 2f64.powi(step);
        exponent = exponent.saturating_sub(step);
    }
    value
}

/// A string of fixed length without its padding.
fn unpadded(padding: StringPadding, element: &[u8]) -> &[u8] {
    let pad = match padding {
        StringPadding::NullTerminated => return until_nul(element),
        StringPadding::NullPadded => 0,
        StringPadding::SpacePadded => b' ',
    };
    // Zero bytes at the end are padding whatever the datatype says: that is how readers in C and NumPy take them.
    trimmed(trimmed(element, pad), 0)
}

/// `bytes` without `pad` at their end.
fn trimmed(bytes: &[u8], pad: u8) -> &[u8] {
    let len = bytes.iter().rposition(|byte| *byte != pad).map_or(0, |last| last.saturating_add(1));
    bytes.get(..len).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datatype::{BitRange, Charset};

    fn decode(class: Class, size: u64, raw: &[u8]) -> Value {
        let heap = HashMap::new();
        let datatype = Datatype { size, class, committed: None };
        Decoder::new(Sizes::EIGHT, &heap).decode(&datatype, &Bytes::copy_from_slice(raw)).unwrap()
    }

    fn integer(byte_order: ByteOrder, signed: bool, bit_offset: u16, precision: u16) -> Class {
        Class::Integer(IntegerLayout {
            byte_order,
            signed,
            bit_offset,
            precision,
            low_padding: false,
            high_padding: false,
        })
    }

    #[test]
    fn integers_of_every_sign_order_offset_and_precision_are_decoded() {
        let big = integer(ByteOrder::Big, true, 0, 16);
        assert_eq!(decode(big, 2, &[0xff, 0xfe, 0, 1]), Value::Signed(vec![-2, 1]));
        // 12 bits from bit 2, negative.
        let odd = integer(ByteOrder::Little, true, 2, 12);
        assert_eq!(decode(odd, 2, &(0xffeu16 << 2).to_le_bytes()), Value::Signed(vec![-2]));
        let unsigned = integer(ByteOrder::Little, false, 0, 64);
        assert_eq!(decode(unsigned, 8, &[0xff; 8]), Value::Unsigned(vec![u64::MAX]));
        assert!(matches!(
            decode(integer(ByteOrder::Little, false, 0, 128), 16, &[0xff; 16]),
            Value::Opaque(_)
        ));
    }

    #[test]
    fn floats_of_every_width_are_decoded_to_the_nearest() {
        let ieee = |size| Class::Float(FloatLayout::ieee(size, ByteOrder::Little).unwrap());
        assert_eq!(decode(ieee(2), 2, &[0x00, 0x3c, 0x01, 0x00]), Value::Float(vec![1.0, 2f64.powi(-24)]));
        assert_eq!(decode(ieee(2), 2, &[0x00, 0xfc]), Value::Float(vec![f64::NEG_INFINITY]));
        assert_eq!(decode(ieee(8), 8, &0.1f64.to_le_bytes()), Value::Float(vec![0.1]));
        // x87: 64 mantissa bits, the highest stored.
        let mut x87 = FloatLayout::ieee(8, ByteOrder::Little).unwrap();
        (x87.precision, x87.sign, x87.exponent_bias) = (80, 79, 16383);
        (x87.exponent, x87.mantissa) = (BitRange::new(64, 15), BitRange::new(0, 64));
        x87.normalization = Normalization::None;
        let one_and_a_half = [0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0x3f, 0, 0, 0, 0, 0, 0];
        assert_eq!(decode(Class::Float(x87), 16, &one_and_a_half), Value::Float(vec![1.5]));
    }

    #[test]
    fn wide_significands_are_rounded_once_and_to_even() {
        assert_eq!(scaled((1 << 53) + 1, 0), 9_007_199_254_740_992.0);
        assert_eq!(scaled((1 << 54) + 3, 0), 18_014_398_509_481_988.0);
        assert_eq!(scaled(3, -1075), 2.0 * f64::from_bits(1));
        assert_eq!(scaled(1, 5000), f64::INFINITY);
        assert_eq!(scaled(u128::MAX, -128), 1.0);
    }

    #[test]
    fn many_views_of_the_same_bytes_are_refused_before_they_fill_memory() {
        let whole = Datatype { size: 1000, class: Class::Opaque { tag: String::new() }, committed: None };
        let member = |_| Member { name: "m".into(), offset: 0, datatype: whole.clone() };
        let class = Class::Compound { members: (0..100).map(member).collect() };
        let datatype = Datatype { size: 1000, class, committed: None };
        let heap = HashMap::new();
        let result = Decoder::new(Sizes::EIGHT, &heap).decode(&datatype, &Bytes::from(vec![0; 1_000_000]));
        assert!(matches!(result, Err(Problem::Limit { .. })));
    }

    #[test]
    fn strings_lose_their_padding_and_only_that() {
        let string = |padding| Class::String { padding, charset: Charset::Ascii };
        let text = |text: &str| Value::Text(vec![Text::Utf8(text.into())]);
        assert_eq!(decode(string(StringPadding::NullTerminated), 4, b"a\0bc"), text("a"));
        assert_eq!(decode(string(StringPadding::NullPadded), 4, b"a\0b\0"), text("a\0b"));
        assert_eq!(decode(string(StringPadding::SpacePadded), 4, b" b  "), text(" b"));
        assert_eq!(
            decode(string(StringPadding::NullPadded), 2, b"\xe9\0"),
            Value::Text(vec![Text::Bytes(Bytes::from_static(b"\xe9"))])
        );
    }

    #[test]
    fn missing_heap_objects_are_named_and_a_null_sequence_needs_none() {
        let base =
            Box::new(Datatype { size: 1, class: integer(ByteOrder::Little, false, 0, 8), committed: None });
        let datatype = Datatype { size: 16, class: Class::VarLen { base }, committed: None };
        let mut raw = vec![2, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0];
        raw.extend([0; 16]);
        let raw = Bytes::from(raw);
        let id = GlobalHeapId { collection: 64, index: 3 };
        let mut heap = HashMap::new();
        let mut decoder = Decoder::new(Sizes::EIGHT, &heap);
        decoder.decode(&datatype, &raw).unwrap();
        assert_eq!(decoder.into_missing(), [id]);
        heap.insert(id, Bytes::from_static(&[7, 8]));
        let mut decoder = Decoder::new(Sizes::EIGHT, &heap);
        let value = decoder.decode(&datatype, &raw).unwrap();
        assert_eq!(value, Value::Sequences(vec![Value::Unsigned(vec![7, 8]), Value::Unsigned(vec![])]));
        heap.insert(id, Bytes::from_static(&[7]));
        assert!(Decoder::new(Sizes::EIGHT, &heap).decode(&datatype, &raw).is_err());
    }
}
