//! Old-style groups: a version 1 B-tree of symbol table nodes, with the names in a local heap.
//!
//! ```text
//! symbol table message ──► B-tree node (TREE) ──► … ──► symbol table node (SNOD): name offset, header address, cache
//!                     └──► local heap (HEAP) ──► data segment: names
//! ```
//!
//! Spec: HDF5 File Format 3.0, III.A.1 to III.D, and IV.A.2.r, "Group Symbol Table Message".

use super::cursor::{Cursor, Sizes, widen};
use super::superblock::expect_version;
use super::text::until_nul;
use crate::error::Problem;
use crate::range::ByteRange;

/// Half the children of a full group B-tree node, where the superblock does not say.
pub const INTERNAL_K_DEFAULT: u16 = 16;

/// Half the entries of a full symbol table node, where the superblock does not say.
pub const LEAF_K_DEFAULT: u16 = 4;

/// A symbol table message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SymbolTable {
    /// Root of the B-tree.
    pub btree: Option<u64>,
    /// Local heap with the names.
    pub heap: Option<u64>,
}

impl SymbolTable {
    /// Bytes of the message, and of the scratch space that repeats it.
    #[must_use]
    pub fn len(sizes: Sizes) -> usize {
        sizes.offset().saturating_mul(2)
    }

    /// Cuts the message.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`]
    pub fn parse(message: &[u8], sizes: Sizes) -> Result<Self, Problem> {
        let mut cursor = Cursor::new(message);
        Ok(Self { btree: cursor.offset(sizes)?, heap: cursor.offset(sizes)? })
    }
}

/// An entry of a symbol table: a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SymbolTableEntry {
    /// Where the name begins in the heap's data segment.
    pub name_offset: u64,
    /// Object header.
    pub address: Option<u64>,
    /// What the entry says about the object.
    pub cache: Cache,
}

/// What a symbol table entry says about its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// Nothing.
    Nothing,
    /// It is a group, and this is its symbol table.
    Group(SymbolTable),
    /// The entry is a soft link; its value begins here in the heap's data segment.
    SoftLink {
        /// Offset in the data segment.
        value_offset: u32,
    },
}

impl SymbolTableEntry {
    /// Bytes of an entry.
    #[must_use]
    pub fn len(sizes: Sizes) -> usize {
        sizes.length().saturating_add(sizes.offset()).saturating_add(24)
    }

    /// Takes an entry.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`]
    pub fn parse(cursor: &mut Cursor<'_>, sizes: Sizes) -> Result<Self, Problem> {
        let name_offset = cursor.length(sizes)?;
        let address = cursor.offset(sizes)?;
        let kind = cursor.u32()?;
        cursor.skip(4)?;
        let scratch = cursor.take(16)?;
        let cache = match kind {
            1 => Cache::Group(SymbolTable::parse(scratch, sizes)?),
            2 => Cache::SoftLink { value_offset: Cursor::new(scratch).u32()? },
            _ => Cache::Nothing,
        };
        Ok(Self { name_offset, address, cache })
    }
}

/// A node of a group B-tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupNode {
    /// Levels above the leaves, whose children are symbol table nodes.
    pub level: u8,
    /// Addresses of the children.
    pub children: Vec<u64>,
}

impl GroupNode {
    /// Bytes of a full node, which every node takes.
    #[must_use]
    pub fn len(internal_k: u16, sizes: Sizes) -> u64 {
        let (offset, length) = (widen(sizes.offset()), widen(sizes.length()));
        let children = u64::from(internal_k).saturating_mul(2);
        children
            .saturating_mul(offset.saturating_add(length))
            .saturating_add(length)
            .saturating_add(offset.saturating_mul(2))
            .saturating_add(8)
    }

    /// Cuts a node.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`], [`Problem::Malformed`] for a wrong signature, a node of another tree or a child at the
    /// undefined address.
    pub fn parse(node: &[u8], sizes: Sizes) -> Result<Self, Problem> {
        let mut cursor = Cursor::new(node);
        cursor.signature(b"TREE")?;
        let kind = cursor.u8()?;
        if kind != 0 {
            return Err(Problem::malformed(format!("node type is {kind} but must be 0 for a group")));
        }
        let level = cursor.u8()?;
        let count = cursor.u16()?;
        // Siblings are not needed: every node is reached from its parent.
        cursor.skip(sizes.offset().saturating_mul(2))?;
        let children = (0..count)
            .map(|_| {
                cursor.skip(sizes.length())?;
                cursor.offset(sizes)?.ok_or_else(|| Problem::malformed("child at the undefined address"))
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { level, children })
    }
}

/// Bytes of a full symbol table node, which every node takes.
#[must_use]
pub fn symbol_node_len(leaf_k: u16, sizes: Sizes) -> u64 {
    u64::from(leaf_k).saturating_mul(2).saturating_mul(widen(SymbolTableEntry::len(sizes))).saturating_add(8)
}

/// Cuts a symbol table node into its entries.
///
/// # Errors
///
/// [`Problem::Truncated`], [`Problem::Malformed`] for a wrong signature, [`Problem::Unsupported`] for another version.
pub fn symbol_node(node: &[u8], sizes: Sizes) -> Result<Vec<SymbolTableEntry>, Problem> {
    let mut cursor = Cursor::new(node);
    cursor.signature(b"SNOD")?;
    expect_version(cursor.u8()?, 1, "symbol table node")?;
    cursor.skip(1)?;
    let count = cursor.u16()?;
    (0..count).map(|_| SymbolTableEntry::parse(&mut cursor, sizes)).collect()
}

/// Bytes of the header of a local heap.
#[must_use]
pub fn local_heap_len(sizes: Sizes) -> u64 {
    widen(sizes.length().saturating_mul(2).saturating_add(sizes.offset()).saturating_add(8))
}

/// Cuts the header of a local heap: where its data segment is.
///
/// # Errors
///
/// [`Problem::Truncated`], [`Problem::Malformed`] for a wrong signature or an undefined address,
/// [`Problem::Unsupported`] for another version.
pub fn local_heap(header: &[u8], sizes: Sizes) -> Result<ByteRange, Problem> {
    let mut cursor = Cursor::new(header);
    cursor.signature(b"HEAP")?;
    expect_version(cursor.u8()?, 0, "local heap")?;
    cursor.skip(3)?;
    let length = cursor.length(sizes)?;
    cursor.length(sizes)?;
    let offset = cursor.offset(sizes)?;
    let offset = offset.ok_or_else(|| Problem::malformed("data segment at the undefined address"))?;
    Ok(ByteRange::new(offset, length))
}

/// The bytes of the name that begins at `offset` of a local heap's data segment.
///
/// # Errors
///
/// [`Problem::Malformed`] if the segment ends before the name does.
pub fn local_heap_name(segment: &[u8], offset: u64) -> Result<&[u8], Problem> {
    let rest = usize::try_from(offset)
        .ok()
        .and_then(|offset| segment.get(offset..))
        .filter(|rest| rest.contains(&0))
        .ok_or_else(|| {
            Problem::malformed(format!(
                "no name at offset {offset} of a local heap of {} bytes",
                segment.len()
            ))
        })?;
    Ok(until_nul(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_begins_with_a_length_and_not_with_an_address() {
        let sizes = Sizes::new(4, 8).unwrap();
        let mut bytes = 16u64.to_le_bytes().to_vec();
        bytes.extend(96u32.to_le_bytes());
        bytes.extend(2u32.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(24u32.to_le_bytes());
        bytes.extend([0; 12]);
        let entry = SymbolTableEntry::parse(&mut Cursor::new(&bytes), sizes).unwrap();
        assert_eq!(bytes.len(), SymbolTableEntry::len(sizes));
        assert_eq!((entry.name_offset, entry.address), (16, Some(96)));
        assert_eq!(entry.cache, Cache::SoftLink { value_offset: 24 });
    }

    #[test]
    fn a_name_outside_its_heap_is_refused() {
        assert_eq!(local_heap_name(b"\0\0abc\0", 2).unwrap(), b"abc");
        assert!(local_heap_name(b"\0\0abc", 2).is_err());
        assert!(local_heap_name(b"abc\0", 4).is_err());
    }
}
