//! Datatype messages.
//!
//! ```text
//! ┌─────────────────┬──────────────┬──────┬────────────────────────────────┐
//! │ version │ class │ 24 flag bits │ size │ properties: depend on class    │
//! └─────────────────┴──────────────┴──────┴────────────────────────────────┘
//! ```
//!
//! Spec: HDF5 File Format 3.0, IV.A.2.d, "The Datatype Message"; version 5 and class 11 are in 4.0.

use bytes::Bytes;

use super::cursor::{Cursor, widen};
use super::text::{name, take_name, until_nul};
use crate::datatype::{
    BitRange, ByteOrder, Charset, Class, Datatype, EnumMember, FloatLayout, IntegerLayout, Member,
    Normalization, ReferenceKind, StringPadding,
};
use crate::error::Problem;
use crate::limits::{DATATYPE_DEPTH_MAX, RANK_MAX};

/// Cuts a datatype message, version 1 to 5.
///
/// # Errors
///
/// [`Problem::Truncated`], [`Problem::Limit`] for types nested too deep, [`Problem::Malformed`] for flags that
/// mean nothing, [`Problem::Unsupported`] for another version or class.
pub fn parse(message: &[u8]) -> Result<Datatype, Problem> {
    datatype(&mut Cursor::new(message), 0)
}

/// The class and flag bits of a datatype, with its version.
#[derive(Clone, Copy)]
struct Head {
    version: u8,
    flags: u32,
    size: u64,
}

impl Head {
    fn bit(self, bit: u32) -> bool {
        self.bits(bit, 1) != 0
    }

    fn bits(self, first: u32, count: u32) -> u32 {
        self.flags.checked_shr(first).unwrap_or(0) & 1u32.checked_shl(count).unwrap_or(0).wrapping_sub(1)
    }

    /// Names were padded to eight bytes before version 3.
    fn name_alignment(self) -> usize {
        if self.version < 3 { 8 } else { 1 }
    }
}

fn datatype(cursor: &mut Cursor<'_>, depth: usize) -> Result<Datatype, Problem> {
    if depth > DATATYPE_DEPTH_MAX {
        return Err(Problem::Limit {
            what: "the nesting of a datatype",
            limit: widen(DATATYPE_DEPTH_MAX),
            found: widen(depth),
        });
    }
    let [class_and_version, low, middle, high] = cursor.array()?;
    let head = Head {
        version: class_and_version >> 4,
        flags: u32::from_le_bytes([low, middle, high, 0]),
        size: u64::from(cursor.u32()?),
    };
    if !(1..=5).contains(&head.version) {
        return Err(Problem::unsupported(format!("datatype version {}", head.version)));
    }
    let class = match class_and_version & 0x0f {
        0 => Class::Integer(integer(cursor, head, head.bit(3))?),
        1 => Class::Float(float(cursor, head)?),
        2 => Class::Time { byte_order: byte_order(head.bit(0)), precision: cursor.u16()? },
        3 => Class::String { padding: padding(head.bits(0, 4))?, charset: charset(head.bits(4, 4))? },
        4 => Class::BitField(integer(cursor, head, false)?),
        5 => {
            let len = usize::try_from(head.bits(0, 8)).unwrap_or(usize::MAX);
            Class::Opaque { tag: name(until_nul(cursor.take(len)?)) }
        }
        6 => Class::Compound { members: members(cursor, head, depth)? },
        7 => Class::Reference(reference(head)?),
        8 => enumeration(cursor, head, depth)?,
        9 => match head.bits(0, 4) {
            0 => Class::VarLen { base: base(cursor, depth)? },
            1 => {
                base(cursor, depth)?;
                Class::VarLenString { padding: padding(head.bits(4, 4))?, charset: charset(head.bits(8, 4))? }
            }
            kind => {
                return Err(Problem::malformed(format!("variable-length kind is {kind} but must be 0 or 1")));
            }
        },
        10 => array(cursor, head, depth)?,
        11 => Class::Complex { base: base(cursor, depth)? },
        class => return Err(Problem::unsupported(format!("datatype class {class}"))),
    };
    if head.size == 0 {
        return Err(Problem::malformed("size of a datatype is 0"));
    }
    Ok(Datatype { size: head.size, class, committed: None })
}

fn base(cursor: &mut Cursor<'_>, depth: usize) -> Result<Box<Datatype>, Problem> {
    datatype(cursor, depth.saturating_add(1)).map(Box::new)
}

fn byte_order(big: bool) -> ByteOrder {
    if big { ByteOrder::Big } else { ByteOrder::Little }
}

fn integer(cursor: &mut Cursor<'_>, head: Head, signed: bool) -> Result<IntegerLayout, Problem> {
    Ok(IntegerLayout {
        byte_order: byte_order(head.bit(0)),
        signed,
        bit_offset: cursor.u16()?,
        precision: cursor.u16()?,
        low_padding: head.bit(1),
        high_padding: head.bit(2),
    })
}

fn float(cursor: &mut Cursor<'_>, head: Head) -> Result<FloatLayout, Problem> {
    let byte_order = match (head.bit(0), head.bit(6)) {
        (false, false) => ByteOrder::Little,
        (true, false) => ByteOrder::Big,
        (true, true) => ByteOrder::Vax,
        (false, true) => return Err(Problem::malformed("byte order of a float has a reserved value")),
    };
    let normalization = match head.bits(4, 2) {
        0 => Normalization::None,
        1 => Normalization::MsbSet,
        2 => Normalization::Implied,
        _ => return Err(Problem::malformed("mantissa normalization has a reserved value")),
    };
    let bit_offset = cursor.u16()?;
    let precision = cursor.u16()?;
    let [exponent, exponent_size, mantissa, mantissa_size] = cursor.array()?;
    Ok(FloatLayout {
        byte_order,
        bit_offset,
        precision,
        sign: u8::try_from(head.bits(8, 8)).unwrap_or(u8::MAX),
        exponent: BitRange::new(exponent, exponent_size),
        mantissa: BitRange::new(mantissa, mantissa_size),
        normalization,
        exponent_bias: cursor.u32()?,
        low_padding: head.bit(1),
        high_padding: head.bit(2),
        internal_padding: head.bit(3),
    })
}

fn padding(bits: u32) -> Result<StringPadding, Problem> {
    match bits {
        0 => Ok(StringPadding::NullTerminated),
        1 => Ok(StringPadding::NullPadded),
        2 => Ok(StringPadding::SpacePadded),
        _ => Err(Problem::malformed(format!("string padding is {bits} but must be 0, 1 or 2"))),
    }
}

fn charset(bits: u32) -> Result<Charset, Problem> {
    match bits {
        0 => Ok(Charset::Ascii),
        1 => Ok(Charset::Utf8),
        _ => Err(Problem::malformed(format!("character set is {bits} but must be 0 or 1"))),
    }
}

fn reference(head: Head) -> Result<ReferenceKind, Problem> {
    match head.bits(0, 4) {
        0 => Ok(ReferenceKind::Object),
        1 => Ok(ReferenceKind::Region),
        2 if head.version >= 4 => Ok(ReferenceKind::RevisedObject),
        3 if head.version >= 4 => Ok(ReferenceKind::RevisedRegion),
        4 if head.version >= 4 => Ok(ReferenceKind::RevisedAttribute),
        kind => {
            Err(Problem::malformed(format!("reference kind is {kind} in datatype version {}", head.version)))
        }
    }
}

fn members(cursor: &mut Cursor<'_>, head: Head, depth: usize) -> Result<Vec<Member>, Problem> {
    let mut members = Vec::new();
    for _ in 0..head.bits(0, 16) {
        let name = take_name(cursor, head.name_alignment())?;
        let offset = match head.version {
            1 | 2 => u64::from(cursor.u32()?),
            _ => cursor.uint(width(head.size))?,
        };
        let dims = if head.version == 1 { member_dims(cursor)? } else { Vec::new() };
        let mut member = datatype(cursor, depth.saturating_add(1))?;
        if !dims.is_empty() {
            member = array_of(dims, Box::new(member))?;
        }
        members.push(Member { name, offset, datatype: member });
    }
    Ok(members)
}

/// Version 1: a member could be an array of up to four dimensions without an array datatype.
fn member_dims(cursor: &mut Cursor<'_>) -> Result<Vec<u64>, Problem> {
    let rank = usize::from(cursor.u8()?);
    if rank > 4 {
        return Err(Problem::malformed(format!(
            "rank of a compound member is {rank} but at most 4 is possible"
        )));
    }
    // Reserved bytes and an index permutation that was never used.
    cursor.skip(11)?;
    let mut dims = (0..4).map(|_| cursor.u32().map(u64::from)).collect::<Result<Vec<_>, _>>()?;
    dims.truncate(rank);
    Ok(dims)
}

fn enumeration(cursor: &mut Cursor<'_>, head: Head, depth: usize) -> Result<Class, Problem> {
    let base = base(cursor, depth)?;
    let count = head.bits(0, 16);
    let names =
        (0..count).map(|_| take_name(cursor, head.name_alignment())).collect::<Result<Vec<_>, _>>()?;
    let value_len = usize::try_from(base.size).unwrap_or(usize::MAX);
    let members = names
        .into_iter()
        .map(|name| Ok(EnumMember { name, value: Bytes::copy_from_slice(cursor.take(value_len)?) }))
        .collect::<Result<Vec<_>, Problem>>()?;
    Ok(Class::Enum { base, members })
}

fn array(cursor: &mut Cursor<'_>, head: Head, depth: usize) -> Result<Class, Problem> {
    let rank = usize::from(cursor.u8()?);
    if rank > RANK_MAX {
        return Err(Problem::malformed(format!(
            "rank of an array datatype is {rank} but at most {RANK_MAX} is possible"
        )));
    }
    let old = head.version < 3;
    cursor.skip(if old { 3 } else { 0 })?;
    let dims = (0..rank).map(|_| cursor.u32().map(u64::from)).collect::<Result<Vec<_>, _>>()?;
    // An index permutation that was never used.
    cursor.skip(if old { rank.saturating_mul(4) } else { 0 })?;
    Ok(Class::Array { dims, base: base(cursor, depth)? })
}

fn array_of(dims: Vec<u64>, base: Box<Datatype>) -> Result<Datatype, Problem> {
    let size = dims
        .iter()
        .try_fold(base.size, |size, extent| size.checked_mul(*extent))
        .ok_or_else(|| Problem::malformed("size of an array member is more than 64 bits"))?;
    Ok(Datatype { size, class: Class::Array { dims, base }, committed: None })
}

/// Bytes that a number up to `limit` takes in the file.
#[must_use]
pub fn width(limit: u64) -> usize {
    let bits = limit.checked_ilog2().unwrap_or(0);
    usize::try_from(bits / 8).unwrap_or(0).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int32() -> Vec<u8> {
        vec![0x10, 8, 0, 0, 4, 0, 0, 0, 0, 0, 32, 0]
    }

    #[test]
    fn the_width_of_a_number_is_that_of_the_largest_possible() {
        assert_eq!([0, 1, 255, 256, 65535, 65536].map(width), [1, 1, 1, 2, 2, 3]);
        assert_eq!(width(u64::MAX), 8);
    }

    #[test]
    fn a_version_1_compound_member_keeps_its_dimensions() {
        let mut message = vec![0x16, 1, 0, 0, 24, 0, 0, 0];
        message.extend(b"m\0\0\0\0\0\0\0");
        message.extend(0u32.to_le_bytes());
        message.extend([2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for extent in [2u32, 3, 0, 0] {
            message.extend(extent.to_le_bytes());
        }
        message.extend(int32());
        let Class::Compound { members } = parse(&message).unwrap().class else { panic!("no compound") };
        assert!(matches!(&members[0].datatype.class, Class::Array { dims, .. } if dims == &[2, 3]));
        assert_eq!(members[0].datatype.size, 24);
    }

    #[test]
    fn enumeration_names_are_padded_before_version_3_only() {
        for (version, names) in [(0x18u8, &b"a\0\0\0\0\0\0\0bc\0\0\0\0\0\0"[..]), (0x38, b"a\0bc\0")] {
            let mut message = vec![version, 2, 0, 0, 4, 0, 0, 0];
            message.extend(int32());
            message.extend(names);
            message.extend([1, 0, 0, 0, 2, 0, 0, 0]);
            let Class::Enum { members, .. } = parse(&message).unwrap().class else {
                panic!("no enumeration")
            };
            assert_eq!(members[1].name, "bc");
            assert_eq!(&members[1].value[..], [2, 0, 0, 0]);
        }
    }

    #[test]
    fn types_nested_without_end_are_refused() {
        let message = [0x19, 0, 0, 0, 16, 0, 0, 0].repeat(100);
        assert!(matches!(parse(&message), Err(Problem::Limit { .. })));
    }
}
