//! Version 2 B-trees: records of any kind, in nodes of equal size.
//!
//! ```text
//! header (BTHD): type, node size, record size, depth, root ──► node of depth levels
//! internal (BTIN): n records, n + 1 children (address, records, records below)    leaf (BTLF): n records
//! ```
//! A node does not say how many records it has; its parent does.
//!
//! Spec: HDF5 File Format 3.0, III.A.2, "Version 2 B-trees".

use super::cursor::{Cursor, Sizes, widen};
use super::datatype::width;
use super::superblock::expect_version;
use crate::error::Problem;
use crate::limits::BTREE_LEVELS_MAX;

/// Signature, version, type and checksum of a node.
const NODE_OVERHEAD: u64 = 10;

/// The header of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the records are.
    pub record_type: u8,
    /// Bytes of a node.
    pub node_size: u32,
    /// Bytes of a record.
    pub record_len: u16,
    /// Levels above the leaves.
    pub depth: u16,
    /// Root node; `None` if the tree is empty.
    pub root: Option<Child>,
    /// Records in the whole tree.
    pub record_count: u64,
}

/// A node, as its parent describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Child {
    /// Where the node is.
    pub address: u64,
    /// Records in the node itself.
    pub count: u64,
}

/// Bytes of the header of a tree.
#[must_use]
pub fn header_len(sizes: Sizes) -> u64 {
    widen(sizes.offset().saturating_add(sizes.length()).saturating_add(22))
}

impl Header {
    /// Cuts a header whose checksum has been taken off.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`], [`Problem::Malformed`] for a wrong signature or a size of zero, [`Problem::Limit`] for
    /// a deeper tree than a file can hold, [`Problem::Unsupported`] for another version.
    pub fn parse(header: &[u8], sizes: Sizes) -> Result<Self, Problem> {
        let mut cursor = Cursor::new(header);
        cursor.signature(b"BTHD")?;
        expect_version(cursor.u8()?, 0, "version 2 B-tree header")?;
        let record_type = cursor.u8()?;
        let node_size = cursor.u32()?;
        let record_len = cursor.u16()?;
        let depth = cursor.u16()?;
        // The split and merge percentages matter to writers only.
        cursor.skip(2)?;
        let root = cursor.offset(sizes)?;
        let root_count = cursor.u16()?;
        let record_count = cursor.length(sizes)?;
        if record_len == 0 {
            return Err(Problem::malformed("record size is 0"));
        }
        if usize::from(depth) > BTREE_LEVELS_MAX {
            return Err(Problem::Limit {
                what: "the depth",
                limit: widen(BTREE_LEVELS_MAX),
                found: u64::from(depth),
            });
        }
        let root = root.map(|address| Child { address, count: u64::from(root_count) });
        Ok(Self { record_type, node_size, record_len, depth, root, record_count })
    }

    /// Bytes of the fields of a pointer to a node `level` levels above the leaves: records in the node, records in and
    /// below it.
    ///
    /// # Errors
    ///
    /// [`Problem::Malformed`] if not even one record fits a node.
    pub fn count_widths(&self, level: u16, sizes: Sizes) -> Result<(usize, usize), Problem> {
        let node_size = u64::from(self.node_size);
        let record_len = u64::from(self.record_len);
        let too_small =
            || Problem::malformed(format!("no record of {record_len} bytes fits a node of {node_size}"));
        let leaf_max = node_size
            .checked_sub(NODE_OVERHEAD)
            .and_then(|room| room.checked_div(record_len))
            .filter(|count| *count > 0)
            .ok_or_else(too_small)?;
        let own_width = width(leaf_max);
        let (mut below_max, mut below_width) = (leaf_max, 0);
        for _ in 0..level {
            let pointer_len = widen(sizes.offset().saturating_add(own_width).saturating_add(below_width));
            let count_max = node_size
                .checked_sub(NODE_OVERHEAD.saturating_add(pointer_len))
                .and_then(|room| room.checked_div(record_len.saturating_add(pointer_len)))
                .filter(|count| *count > 0)
                .ok_or_else(too_small)?;
            below_max = count_max.saturating_add(1).saturating_mul(below_max).saturating_add(count_max);
            below_width = width(below_max);
        }
        Ok((own_width, below_width))
    }
}

/// Cuts a node, whose checksum has been taken off, `level` levels above the leaves: its records in one piece, and its
/// children.
///
/// The bytes of a node behind its last record are not covered by the checksum; see [`node_len`].
///
/// # Errors
///
/// [`Problem::Truncated`], [`Problem::Malformed`] for a wrong signature or type or a child at the undefined address.
pub fn node<'a>(
    header: &Header,
    node: &'a [u8],
    level: u16,
    count: u64,
    sizes: Sizes,
) -> Result<(&'a [u8], Vec<Child>), Problem> {
    let mut cursor = Cursor::new(node);
    cursor.signature(if level == 0 { b"BTLF" } else { b"BTIN" })?;
    expect_version(cursor.u8()?, 0, "version 2 B-tree node")?;
    let record_type = cursor.u8()?;
    if record_type != header.record_type {
        return Err(Problem::malformed(format!(
            "record type is {record_type} but that of the tree is {}",
            header.record_type
        )));
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let records = cursor.take(count.saturating_mul(usize::from(header.record_len)))?;
    let Some(below) = level.checked_sub(1) else { return Ok((records, Vec::new())) };
    let (own_width, below_width) = header.count_widths(below, sizes)?;
    let children = (0..=count)
        .map(|_| {
            let address = cursor.offset(sizes)?;
            let count = cursor.uint(own_width)?;
            cursor.skip(below_width)?;
            let address = address.ok_or_else(|| Problem::malformed("child at the undefined address"))?;
            Ok(Child { address, count })
        })
        .collect::<Result<Vec<_>, Problem>>()?;
    Ok((records, children))
}

/// Bytes of a node up to the end of its checksum.
///
/// # Errors
///
/// [`Problem::Malformed`] if that is more than a node has.
pub fn node_len(header: &Header, level: u16, count: u64, sizes: Sizes) -> Result<u64, Problem> {
    let mut len = u64::from(header.record_len).saturating_mul(count).saturating_add(NODE_OVERHEAD);
    if let Some(below) = level.checked_sub(1) {
        let (own_width, below_width) = header.count_widths(below, sizes)?;
        let pointer_len = widen(sizes.offset().saturating_add(own_width).saturating_add(below_width));
        len = len.saturating_add(count.saturating_add(1).saturating_mul(pointer_len));
    }
    if len > u64::from(header.node_size) {
        return Err(Problem::malformed(format!(
            "{count} records take {len} bytes of a node of {}",
            header.node_size
        )));
    }
    Ok(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(node_size: u32, record_len: u16) -> Header {
        Header { record_type: 8, node_size, record_len, depth: 2, root: None, record_count: 0 }
    }

    #[test]
    fn the_width_of_a_count_follows_from_what_a_node_can_hold() {
        // 512-byte nodes of 17-byte records: 29 in a leaf; a pointer to a leaf has 9 bytes, so 18 above it.
        let header = header(512, 17);
        assert_eq!(header.count_widths(0, Sizes::EIGHT).unwrap(), (1, 0));
        assert_eq!(header.count_widths(1, Sizes::EIGHT).unwrap(), (1, 2));
    }

    #[test]
    fn more_records_than_fit_are_refused() {
        let header = header(64, 17);
        assert_eq!(node_len(&header, 0, 3, Sizes::EIGHT).unwrap(), 61);
        assert!(node_len(&header, 0, 4, Sizes::EIGHT).is_err());
        assert!(node(&header, b"BTLF\x00\x08", 0, u64::MAX, Sizes::EIGHT).is_err());
    }
}
