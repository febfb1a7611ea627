//! Nodes of the version 1 B-tree that indexes chunks.
//!
//! ```text
//! │ TREE │ 1 │ level │ used │ left │ right │ key 0 │ child 0 │ key 1 │ child 1 │ … │ key 2K │
//!                                           └── chunk length, filter mask, element offset × (rank + 1)
//! ```
//!
//! The children of a node at level 0 are chunks, and each one's key is that before it. Nodes are always stored at
//! full length, whatever part of them is used.
//!
//! Spec: HDF5 File Format 3.0, III.A.1, "Version 1 B-trees".

use std::fmt;

use crate::error::Problem;
use crate::format::chunk_index::StoredChunk;
use crate::format::cursor::{Cursor, Sizes, widen};
use crate::range::ByteRange;

/// Half the children of a node at most, unless the superblock or its extension says otherwise.
pub const K_DEFAULT: u16 = 32;

/// Bytes of a chunk's length and filter mask in a key, and of one offset.
const KEY_FIELD_LEN: usize = 8;

/// The fixed lengths of the nodes of one tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkNodes {
    sizes: Sizes,
    rank: usize,
    k: u16,
}

/// A node.
#[derive(Clone, Copy)]
pub struct ChunkNode<'a> {
    /// 0 for a leaf.
    pub level: u8,
    /// Number of children.
    pub child_count: u16,
    nodes: ChunkNodes,
    entries: &'a [u8],
}

impl ChunkNodes {
    /// Nodes of a tree over chunks of `rank` dimensions (that of the dataset) with at most `2 * k` children each.
    #[must_use]
    pub fn new(sizes: Sizes, rank: usize, k: u16) -> Self {
        Self { sizes, rank, k }
    }

    fn key_len(self) -> usize {
        // The offset within an element, always zero, counts as one more dimension.
        KEY_FIELD_LEN.saturating_mul(self.rank.saturating_add(2))
    }

    fn head_len(self) -> u64 {
        8_u64.saturating_add(widen(self.sizes.offset()).saturating_mul(2))
    }

    /// Bytes of a key and its child.
    #[must_use]
    pub fn entry_len(self) -> usize {
        self.key_len().saturating_add(self.sizes.offset())
    }

    /// Bytes of a node.
    #[must_use]
    pub fn node_len(self) -> u64 {
        let children = u64::from(self.k).saturating_mul(2);
        let entries_len = children.saturating_mul(widen(self.entry_len()));
        self.head_len().saturating_add(entries_len).saturating_add(widen(self.key_len()))
    }

    /// Reads a node. `bytes` is the whole node; its unused tail may be missing.
    ///
    /// Spec: HDF5 File Format 3.0, III.A.1, "Version 1 B-tree Node Layout".
    ///
    /// # Errors
    ///
    /// [`Problem::Malformed`] if the signature is wrong, the node is of a group's tree or has more children than
    /// fit; [`Problem::Truncated`] if a used entry is cut off.
    pub fn parse(self, bytes: &[u8]) -> Result<ChunkNode<'_>, Problem> {
        let mut cursor = Cursor::new(bytes);
        cursor.signature(b"TREE")?;
        let kind = cursor.u8()?;
        if kind != 1 {
            return Err(Problem::malformed(format!("node type is {kind} but a chunk index has type 1")));
        }
        let level = cursor.u8()?;
        let child_count = cursor.u16()?;
        if u32::from(child_count) > u32::from(self.k).saturating_mul(2) {
            return Err(Problem::malformed(format!(
                "{child_count} children are used but a node has at most {}",
                u32::from(self.k).saturating_mul(2)
            )));
        }
        cursor.skip(self.sizes.offset().saturating_mul(2))?;
        Ok(ChunkNode { level, child_count, nodes: self, entries: cursor.rest() })
    }
}

impl<'a> ChunkNode<'a> {
    /// The addresses of the child nodes of a node above level 0.
    pub fn children(&self) -> impl Iterator<Item = Result<u64, Problem>> + use<'a> {
        let nodes = self.nodes;
        let mut cursor = Cursor::new(self.entries);
        (0..self.child_count).map(move |child| {
            cursor.skip(nodes.key_len())?;
            cursor
                .offset(nodes.sizes)?
                .ok_or_else(|| Problem::malformed(format!("child {child} has an undefined address")))
        })
    }

    /// Calls `visit` for every chunk of a node at level 0 with its offset in elements, one number per dimension.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`] if an entry is cut off, [`Problem::Malformed`] if a chunk has no address, and what
    /// `visit` returns.
    pub fn chunks(
        &self,
        mut visit: impl FnMut(&[u64], StoredChunk) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let mut cursor = Cursor::new(self.entries);
        let mut offset = vec![0; self.nodes.rank];
        for child in 0..self.child_count {
            let length = u64::from(cursor.u32()?);
            let filter_mask = cursor.u32()?;
            for dimension in &mut offset {
                *dimension = cursor.u64()?;
            }
            cursor.skip(8)?;
            let address = cursor.offset(self.nodes.sizes)?.ok_or_else(|| {
                Problem::malformed(format!("child {child}, a chunk, has an undefined address"))
            })?;
            visit(&offset, StoredChunk { range: ByteRange::new(address, length), filter_mask })?;
        }
        Ok(())
    }
}

/// The level and where the children are, as far as they can be read.
impl fmt::Debug for ChunkNode<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let children: Vec<_> = self.children().map_while(Result::ok).collect();
        f.debug_struct("ChunkNode").field("level", &self.level).field("children", &children).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A leaf over one dimension with two of at most two children.
    fn leaf() -> Vec<u8> {
        let mut bytes = b"TREE\x01\0\x02\0".to_vec();
        bytes.extend([0xff; 16]);
        for (length, mask, offset, address) in [(30_u32, 0_u32, 0_u64, 1000_u64), (40, 1, 10, 2000)] {
            bytes.extend(length.to_le_bytes());
            bytes.extend(mask.to_le_bytes());
            bytes.extend(offset.to_le_bytes());
            bytes.extend([0; 8]);
            bytes.extend(address.to_le_bytes());
        }
        bytes.extend([0; 24]);
        bytes
    }

    #[test]
    fn a_leaf_lists_chunks_with_their_offset_in_elements() {
        let nodes = ChunkNodes::new(Sizes::EIGHT, 1, 1);
        let bytes = leaf();
        assert_eq!(nodes.node_len(), widen(bytes.len()));
        let node = nodes.parse(&bytes).unwrap();
        let mut found = Vec::new();
        node.chunks(|offset, chunk| {
            found.push((offset.to_vec(), chunk));
            Ok(())
        })
        .unwrap();
        let chunk =
            |offset, length, filter_mask| StoredChunk { range: ByteRange::new(offset, length), filter_mask };
        assert_eq!(found, [(vec![0], chunk(1000, 30, 0)), (vec![10], chunk(2000, 40, 1))]);
        assert_eq!(node.children().collect::<Result<Vec<_>, _>>().unwrap(), [1000, 2000]);
    }

    #[test]
    fn the_length_of_a_node_is_that_of_the_library() {
        // Rank 3, K = 32, 8-byte addresses: 24 + 64 * (40 + 8) + 40.
        assert_eq!(ChunkNodes::new(Sizes::EIGHT, 3, K_DEFAULT).node_len(), 3136);
    }

    #[test]
    fn lying_bytes_are_errors() {
        let nodes = ChunkNodes::new(Sizes::EIGHT, 1, 1);
        let good = leaf();
        for len in 0..good.len() - 24 {
            let read = nodes.parse(&good[..len]).and_then(|node| node.chunks(|_, _| Ok(())));
            assert!(matches!(read, Err(Problem::Truncated { .. })), "{len} bytes");
        }
        let mut group = good.clone();
        group[4] = 0;
        assert!(matches!(nodes.parse(&group), Err(Problem::Malformed(_))));
        let mut crowded = good.clone();
        crowded[6] = 3;
        assert!(matches!(nodes.parse(&crowded), Err(Problem::Malformed(_))));
        let mut nowhere = good;
        nowhere[48..56].fill(0xff);
        let node = nodes.parse(&nowhere).unwrap();
        assert!(node.chunks(|_, _| Ok(())).is_err());
        assert!(node.children().any(|child| child.is_err()));
    }
}
