//! Attribute messages, and where an object keeps attributes that are not in its header.
//!
//! ```text
//! version 1, 2                                            version 3
//! ┌───┬───────┬─────────────┬──────┬──────┬───────┬──────┐
//! │ v │ flags │ three sizes │ name │ type │ space │ data │  the character set of the name follows the sizes
//! └───┴───────┴─────────────┴──────┴──────┴───────┴──────┘
//! ```
//! Version 1 pads name, type and space to multiples of eight bytes.
//!
//! Spec: HDF5 File Format 3.0, IV.A.2.m, "The Attribute Message", and IV.A.2.v, "The Attribute Info Message".

use super::cursor::{Cursor, Sizes};
use super::superblock::expect_version;
use super::text::{name, until_nul};
use crate::error::Problem;

/// An attribute message, cut into its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeMessage<'a> {
    /// Name.
    pub name: String,
    /// Datatype message, or where it is.
    pub datatype: Part<'a>,
    /// Dataspace message, or where it is.
    pub dataspace: Part<'a>,
    /// The elements, and possibly padding.
    pub data: &'a [u8],
}

/// A message inside an attribute message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// Whether `body` only says where the message is.
    pub shared: bool,
    /// What it says.
    pub body: &'a [u8],
}

impl<'a> AttributeMessage<'a> {
    /// Cuts an attribute message, version 1 to 3.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`], [`Problem::Unsupported`] for another version.
    pub fn parse(message: &'a [u8]) -> Result<Self, Problem> {
        let mut cursor = Cursor::new(message);
        let version = cursor.u8()?;
        if !(1..=3).contains(&version) {
            return Err(Problem::unsupported(format!("attribute version {version}")));
        }
        let flags = match (version, cursor.u8()?) {
            // Reserved.
            (1, _) => 0,
            (_, flags) => flags,
        };
        let lens = [cursor.u16()?, cursor.u16()?, cursor.u16()?].map(usize::from);
        // The character set of the name, which its bytes show.
        cursor.skip(if version == 3 { 1 } else { 0 })?;
        let alignment = if version == 1 { 8 } else { 1 };
        let [name_len, datatype_len, dataspace_len] = lens;
        let stored_name = padded(&mut cursor, name_len, alignment)?;
        let datatype = Part { shared: flags & 1 != 0, body: padded(&mut cursor, datatype_len, alignment)? };
        let dataspace = Part { shared: flags & 2 != 0, body: padded(&mut cursor, dataspace_len, alignment)? };
        Ok(Self { name: name(until_nul(stored_name)), datatype, dataspace, data: cursor.rest() })
    }
}

/// Takes `len` bytes and their padding; returns the bytes.
fn padded<'a>(cursor: &mut Cursor<'a>, len: usize, alignment: usize) -> Result<&'a [u8], Problem> {
    let bytes = cursor.take(len)?;
    let stored = len.checked_next_multiple_of(alignment).unwrap_or(len);
    cursor.skip(stored.saturating_sub(len))?;
    Ok(bytes)
}

/// Where an object keeps its attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributeInfo {
    /// Whether the order of creation is tracked.
    pub creation_order_tracked: bool,
    /// Heap of attribute messages; `None` if all are in the header.
    pub heap: Option<u64>,
    /// Names, as a version 2 B-tree.
    pub name_index: Option<u64>,
}

impl AttributeInfo {
    /// Cuts an attribute info message.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`], [`Problem::Unsupported`] for a version other than 0.
    pub fn parse(message: &[u8], sizes: Sizes) -> Result<Self, Problem> {
        let mut cursor = Cursor::new(message);
        expect_version(cursor.u8()?, 0, "attribute info message")?;
        let flags = cursor.u8()?;
        // The highest creation order so far.
        cursor.skip(if flags & 1 == 0 { 0 } else { 2 })?;
        Ok(Self {
            creation_order_tracked: flags & 1 != 0,
            heap: cursor.offset(sizes)?,
            name_index: cursor.offset(sizes)?,
        })
    }
}

/// A record of the index of attribute names.
///
/// Spec: HDF5 File Format 3.0, III.A.2, "Version 2 B-tree, Type 8 Record Layout".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameRecord {
    /// Where the message is in the heap.
    pub heap_id: [u8; 8],
    /// Message flags; bit 1: the heap is that of shared messages.
    pub flags: u8,
    /// Creation order.
    pub creation_order: u32,
}

impl NameRecord {
    /// Cuts a record.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`]
    pub fn parse(record: &[u8]) -> Result<Self, Problem> {
        let mut cursor = Cursor::new(record);
        Ok(Self { heap_id: cursor.array()?, flags: cursor.u8()?, creation_order: cursor.u32()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1_pads_its_parts_and_version_3_does_not() {
        let mut old = vec![1, 0xff, 3, 0, 2, 0, 1, 0];
        old.extend(b"ab\0\0\0\0\0\0TT\0\0\0\0\0\0S\0\0\0\0\0\0\0data");
        let new = [&[3, 1, 3, 0, 2, 0, 1, 0, 1][..], b"ab\0TTSdata"].concat();
        for (message, shared) in [(&old, false), (&new, true)] {
            let attribute = AttributeMessage::parse(message).unwrap();
            assert_eq!(attribute.name, "ab");
            assert_eq!(attribute.datatype, Part { shared, body: b"TT" });
            assert_eq!(attribute.dataspace, Part { shared: false, body: b"S" });
            assert_eq!(attribute.data, b"data");
        }
        assert!(AttributeMessage::parse(&new[..11]).is_err());
    }
}
