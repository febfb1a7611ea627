//! Links of new-style groups.
//!
//! Spec: HDF5 File Format 3.0, IV.A.2.c, "The Link Info Message", and IV.A.2.g, "The Link Message".

use bytes::Bytes;

use super::cursor::{Cursor, Sizes};
use super::superblock::expect_version;
use super::text::{name, take_name};
use crate::error::Problem;
use crate::model::{Link, LinkTarget};

/// Where a group keeps its links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkInfo {
    /// Whether the order of creation is tracked.
    pub creation_order_tracked: bool,
    /// Heap of link messages; `None` if all are in the header.
    pub heap: Option<u64>,
    /// Names, as a version 2 B-tree.
    pub name_index: Option<u64>,
}

impl LinkInfo {
    /// Cuts a link info message.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`], [`Problem::Unsupported`] for a version other than 0.
    pub fn parse(message: &[u8], sizes: Sizes) -> Result<Self, Problem> {
        let mut cursor = Cursor::new(message);
        expect_version(cursor.u8()?, 0, "link info message")?;
        let flags = cursor.u8()?;
        // The highest creation order so far.
        cursor.skip(if flags & 1 == 0 { 0 } else { 8 })?;
        Ok(Self {
            creation_order_tracked: flags & 1 != 0,
            heap: cursor.offset(sizes)?,
            name_index: cursor.offset(sizes)?,
        })
    }
}

/// The heap ID in a record of the index of link names.
///
/// Spec: HDF5 File Format 3.0, III.A.2, "Version 2 B-tree, Type 5 Record Layout".
///
/// # Errors
///
/// [`Problem::Truncated`]
pub fn name_record(record: &[u8]) -> Result<[u8; 7], Problem> {
    let mut cursor = Cursor::new(record);
    cursor.u32()?;
    cursor.array()
}

/// Cuts a link message.
///
/// # Errors
///
/// [`Problem::Truncated`], [`Problem::Malformed`] for a hard link to the undefined address,
/// [`Problem::Unsupported`] for another version or a link class below 64.
pub fn parse(message: &[u8], sizes: Sizes) -> Result<Link, Problem> {
    let mut cursor = Cursor::new(message);
    expect_version(cursor.u8()?, 1, "link message")?;
    let flags = cursor.u8()?;
    let class = if flags & 0x08 == 0 { 0 } else { cursor.u8()? };
    let creation_order = if flags & 0x04 == 0 { None } else { Some(cursor.u64()?.cast_signed()) };
    // The character set of the name, which its bytes show.
    cursor.skip(if flags & 0x10 == 0 { 0 } else { 1 })?;
    let name_len = cursor.uint(1 << (flags & 0b11))?;
    let link_name = name(cursor.take(usize::try_from(name_len).unwrap_or(usize::MAX))?);
    let target = match class {
        0 => LinkTarget::Hard {
            address: cursor
                .offset(sizes)?
                .ok_or_else(|| Problem::malformed("hard link to the undefined address"))?,
        },
        1 => LinkTarget::Soft { path: name(value(&mut cursor)?) },
        64 => external(value(&mut cursor)?)?,
        65.. => LinkTarget::UserDefined { class, data: Bytes::copy_from_slice(value(&mut cursor)?) },
        _ => return Err(Problem::unsupported(format!("link class {class}"))),
    };
    Ok(Link { name: link_name, creation_order, target })
}

fn value<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], Problem> {
    let len = usize::from(cursor.u16()?);
    cursor.take(len)
}

fn external(value: &[u8]) -> Result<LinkTarget, Problem> {
    let mut cursor = Cursor::new(value);
    // Version and flags, both zero.
    cursor.skip(1)?;
    Ok(LinkTarget::External { file: take_name(&mut cursor, 1)?, path: take_name(&mut cursor, 1)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_link_is_read() {
        let check = |message: &[u8], expected: LinkTarget| {
            assert_eq!(parse(message, Sizes::EIGHT).unwrap().target, expected);
        };
        check(&[1, 0, 1, b'a', 96, 0, 0, 0, 0, 0, 0, 0], LinkTarget::Hard { address: 96 });
        check(&[1, 8, 1, 1, b'a', 2, 0, b'/', b'b'], LinkTarget::Soft { path: "/b".into() });
        check(
            &[1, 8, 64, 1, b'a', 6, 0, 0, b'f', 0, b'/', b'b', 0],
            LinkTarget::External { file: "f".into(), path: "/b".into() },
        );
        check(
            &[1, 8, 65, 1, b'a', 1, 0, 9],
            LinkTarget::UserDefined { class: 65, data: Bytes::from_static(&[9]) },
        );
    }

    #[test]
    fn creation_order_and_wide_names_are_read() {
        let mut message = vec![1, 0x15];
        message.extend(5u64.to_le_bytes());
        message.extend([1, 2, 0]);
        message.extend("é".as_bytes());
        message.extend(96u64.to_le_bytes());
        let link = parse(&message, Sizes::EIGHT).unwrap();
        assert_eq!((link.name.as_str(), link.creation_order), ("é", Some(5)));
        assert!(parse(&message[..14], Sizes::EIGHT).is_err());
    }
}
