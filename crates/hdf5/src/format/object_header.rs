//! Object headers: a list of messages, in one or more chunks.
//!
//! ```text
//! version 1                                         version 2
//! ┌───┬─────────┬───────┬──────┬─────┬──────────┐   ┌──────┬───┬───────┬──────┬──────────┬─────┬──────────┐
//! │ 1 │ count   │ links │ size │ pad │ messages │   │ OHDR │ 2 │ flags │ size │ messages │ gap │ checksum │
//! └───┴─────────┴───────┴──────┴─────┴──────────┘   └──────┴───┴───────┴──────┴──────────┴─────┴──────────┘
//!                                       │ continuation          ┌──────┬──────────┬─────┬──────────┐
//!                                       └─► messages            │ OCHK │ messages │ gap │ checksum │
//!                                                               └──────┴──────────┴─────┴──────────┘
//! ```
//!
//! Spec: HDF5 File Format 3.0, IV.A.1, "Data Object Header Prefix".

use super::cursor::{Cursor, Sizes, widen};
use super::superblock::expect_version;
use crate::error::Problem;
use crate::range::ByteRange;

/// Bytes that hold the prefix of any header, up to its first message.
pub const PREFIX_LEN_MAX: u64 = 34;

/// Bytes of the shortest header.
pub const LEN_MIN: u64 = 12;

/// What comes before the messages of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Format of the header, which its continuations share.
    pub version: Version,
    /// Bytes before the first message.
    pub len: usize,
    /// Bytes of the messages in the first chunk.
    pub messages_len: u64,
}

/// The format of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Version 1.
    V1,
    /// Version 2.
    V2 {
        /// Whether every message has a creation order field.
        creation_order: bool,
    },
}

impl Prefix {
    /// Cuts the prefix.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`], [`Problem::Malformed`] if this is no header at all,
    /// [`Problem::Unsupported`] for another version.
    pub fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let mut cursor = Cursor::new(bytes);
        if bytes.first() == Some(&1) {
            // A reserved byte, the number of messages, which the messages themselves show, and of hard links.
            cursor.skip(8)?;
            let messages_len = u64::from(cursor.u32()?);
            return Ok(Self { version: Version::V1, len: 16, messages_len });
        }
        cursor.signature(b"OHDR")?;
        expect_version(cursor.u8()?, 2, "object header")?;
        let flags = cursor.u8()?;
        // Access, modification, change and birth time.
        cursor.skip(if flags & 0x20 == 0 { 0 } else { 16 })?;
        // When attributes change between compact and dense storage.
        cursor.skip(if flags & 0x10 == 0 { 0 } else { 4 })?;
        let messages_len = cursor.uint(1 << (flags & 0b11))?;
        Ok(Self {
            version: Version::V2 { creation_order: flags & 0x04 != 0 },
            len: cursor.position(),
            messages_len,
        })
    }

    /// Bytes of the first chunk, with prefix and checksum.
    #[must_use]
    pub fn chunk_len(&self) -> u64 {
        let around = match self.version {
            Version::V1 => self.len,
            Version::V2 { .. } => self.len.saturating_add(super::checksum::CHECKSUM_LEN),
        };
        self.messages_len.saturating_add(widen(around))
    }
}

/// A message of an object header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Which message it is.
    pub kind: u16,
    /// Flags; see [`Message::shared`].
    pub flags: u8,
    /// Creation order, where the header has it. It means something for attributes only.
    pub creation_order: Option<u16>,
    /// What it says.
    pub body: &'a [u8],
}

impl Message<'_> {
    /// Whether the body only says where the message is.
    #[must_use]
    pub fn shared(&self) -> bool {
        self.flags & 0x02 != 0
    }

    /// Whether a reader that does not know the message must not use the object.
    #[must_use]
    pub fn essential(&self) -> bool {
        self.flags & 0x80 != 0
    }
}

/// The kinds of message.
///
/// Spec: HDF5 File Format 3.0, IV.A.2, "Data Object Header Messages".
pub mod kind {
    /// Nothing.
    pub const NIL: u16 = 0x00;
    /// Extent.
    pub const DATASPACE: u16 = 0x01;
    /// Where the links of a group are.
    pub const LINK_INFO: u16 = 0x02;
    /// Type of an element.
    pub const DATATYPE: u16 = 0x03;
    /// Fill value, as written before 1.6.
    pub const FILL_VALUE_OLD: u16 = 0x04;
    /// Fill value.
    pub const FILL_VALUE: u16 = 0x05;
    /// A link.
    pub const LINK: u16 = 0x06;
    /// Raw data in other files.
    pub const EXTERNAL_FILES: u16 = 0x07;
    /// Where the elements are.
    pub const LAYOUT: u16 = 0x08;
    /// Filters.
    pub const FILTERS: u16 = 0x0b;
    /// An attribute.
    pub const ATTRIBUTE: u16 = 0x0c;
    /// Where the shared message table is.
    pub const SHARED_MESSAGE_TABLE: u16 = 0x0f;
    /// More messages elsewhere.
    pub const CONTINUATION: u16 = 0x10;
    /// Links of an old-style group.
    pub const SYMBOL_TABLE: u16 = 0x11;
    /// Sizes of B-tree nodes.
    pub const BTREE_K: u16 = 0x13;
    /// The driver that wrote the file.
    pub const DRIVER_INFO: u16 = 0x14;
    /// Where the attributes are.
    pub const ATTRIBUTE_INFO: u16 = 0x15;
    /// How file space is managed.
    pub const FILE_SPACE_INFO: u16 = 0x17;
    /// A copy of the metadata cache.
    pub const CACHE_IMAGE: u16 = 0x18;
    /// The last kind that the specification names.
    pub const LAST: u16 = 0x18;
}

/// Cuts one chunk of a header, from the first message up to the checksum, into its messages.
///
/// A gap at the end that is too short for a message is skipped.
///
/// # Errors
///
/// [`Problem::Truncated`] if a message is longer than what is left of the chunk.
pub fn messages(version: Version, chunk: &[u8]) -> Result<Vec<Message<'_>>, Problem> {
    let header_len = match version {
        Version::V1 => 8,
        Version::V2 { creation_order: false } => 4,
        Version::V2 { creation_order: true } => 6,
    };
    let mut cursor = Cursor::new(chunk);
    let mut messages = Vec::new();
    while cursor.remaining() >= header_len {
        let kind = match version {
            Version::V1 => cursor.u16()?,
            Version::V2 { .. } => u16::from(cursor.u8()?),
        };
        let len = usize::from(cursor.u16()?);
        let flags = cursor.u8()?;
        let creation_order = match version {
            Version::V1 => {
                cursor.skip(3)?;
                None
            }
            Version::V2 { creation_order } => creation_order.then(|| cursor.u16()).transpose()?,
        };
        messages.push(Message { kind, flags, creation_order, body: cursor.take(len)? });
    }
    Ok(messages)
}

/// Cuts a continuation message: where more messages are.
///
/// # Errors
///
/// [`Problem::Truncated`], [`Problem::Malformed`] if the address is undefined.
pub fn continuation(message: &[u8], sizes: Sizes) -> Result<ByteRange, Problem> {
    let mut cursor = Cursor::new(message);
    let offset = cursor.offset(sizes)?;
    let length = cursor.length(sizes)?;
    let offset = offset.ok_or_else(|| Problem::malformed("continuation at the undefined address"))?;
    Ok(ByteRange::new(offset, length))
}

/// The messages of a continuation, whose checksum has been taken off.
///
/// # Errors
///
/// As [`messages`]; [`Problem::Malformed`] if the signature is missing.
pub fn continued(version: Version, chunk: &[u8]) -> Result<Vec<Message<'_>>, Problem> {
    let mut cursor = Cursor::new(chunk);
    if let Version::V2 { .. } = version {
        cursor.signature(b"OCHK")?;
    }
    messages(version, cursor.rest())
}

/// Where a shared message is.
///
/// Spec: HDF5 File Format 3.0, IV.A.2, "Shared Message".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    /// In the file's heap of shared messages.
    Heap {
        /// Fractal heap ID.
        id: [u8; 8],
    },
    /// In the header of another object, as the message of the same kind.
    Header {
        /// Address of the object header.
        address: u64,
    },
}

impl Shared {
    /// Cuts the body of a message that is shared, version 1 to 3.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`], [`Problem::Malformed`] for an undefined address, [`Problem::Unsupported`] for another version.
    pub fn parse(cursor: &mut Cursor<'_>, sizes: Sizes) -> Result<Self, Problem> {
        /// Version 3: the message is in the heap.
        const IN_HEAP: u8 = 1;
        let version = cursor.u8()?;
        let place = cursor.u8()?;
        match version {
            // Version 1 holds a symbol table entry, whose name means nothing here.
            1 => cursor.skip(sizes.length().saturating_add(6))?,
            2 => {}
            3 if place == IN_HEAP => return Ok(Self::Heap { id: cursor.array()? }),
            3 => {}
            _ => return Err(Problem::unsupported(format!("shared message version {version}"))),
        }
        let address = cursor.offset(sizes)?;
        let address = address.ok_or_else(|| Problem::malformed("shared message at the undefined address"))?;
        Ok(Self::Header { address })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_and_option_of_a_version_2_prefix_is_read() {
        for (flags, width) in [(0u8, 1usize), (1, 2), (2, 4), (3, 8)] {
            for (option, extra) in [(0x00, 0), (0x20, 16), (0x10, 4), (0x30, 20)] {
                let mut bytes = b"OHDR\x02".to_vec();
                bytes.push(flags | option);
                bytes.extend(vec![0xee; extra]);
                bytes.extend(&77u64.to_le_bytes()[..width]);
                let prefix = Prefix::parse(&bytes).unwrap();
                assert_eq!(prefix.len, 6 + extra + width);
                assert_eq!(prefix.messages_len, 77);
            }
        }
    }

    #[test]
    fn a_message_longer_than_its_chunk_is_refused_and_a_gap_is_skipped() {
        let version = Version::V2 { creation_order: true };
        let chunk = [12, 2, 0, 0, 7, 0, 0xaa, 0xbb, 0, 0, 0];
        let found = messages(version, &chunk).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].creation_order, Some(7));
        assert_eq!(found[0].body, [0xaa, 0xbb]);
        assert!(matches!(messages(version, &chunk[..7]), Err(Problem::Truncated { .. })));
    }
}
