//! Fractal heaps: objects of any size, in blocks that double.
//!
//! ```text
//! header (FRHP) ──► root: a direct block (FHDB), or an indirect block (FHIB) of rows of blocks
//!
//!   row 0   [ s ][ s ][ s ][ s ]        s = starting size, four columns
//!   row 1   [ s ][ s ][ s ][ s ]        rows 0 and 1 are alike
//!   row 2   [  2s  ][  2s  ] …          each further row doubles; beyond the largest direct block,
//!   …                                   a row holds indirect blocks that begin again at s
//! ```
//! An object in these blocks is *managed*: its ID is an offset in the heap and a length. Larger ones are *huge*, outside
//! the heap; *tiny* ones are in the ID itself.
//!
//! Spec: HDF5 File Format 3.0, III.G, "Fractal Heap".

use super::cursor::{Cursor, Sizes, widen};
use super::datatype::width;
use super::superblock::expect_version;
use crate::error::Problem;
use crate::model::Filter;

/// The header of a heap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes of an ID.
    pub id_len: u16,
    /// Whether direct blocks have a checksum.
    pub checksummed: bool,
    /// Bytes of the largest managed object.
    pub managed_object_max: u32,
    /// B-tree of huge objects; `None` if there are none.
    pub huge_btree: Option<u64>,
    /// Blocks in a row.
    pub width: u16,
    /// Bytes of a block in the first two rows.
    pub starting_block_size: u64,
    /// Bytes of the largest direct block.
    pub direct_block_max: u64,
    /// Bits of an offset in the heap.
    pub heap_bits: u16,
    /// Root block; `None` if there are no managed objects.
    pub root: Option<u64>,
    /// Rows of the root block; 0 if it is a direct block.
    pub root_rows: u16,
    /// Filters of direct blocks and huge objects.
    pub filters: Vec<Filter>,
    /// Size as stored, and filter mask, of a filtered root direct block.
    pub root_filtered: Option<(u64, u32)>,
}

/// A block, as its parent describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Where the block is.
    pub address: u64,
    /// Offset of its first byte in the heap.
    pub offset: u64,
    /// What it holds.
    pub kind: BlockKind,
}

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockKind {
    /// Objects.
    Direct {
        /// Bytes, without filters.
        size: u64,
        /// Size as stored, and filter mask, if it is filtered.
        filtered: Option<(u64, u32)>,
    },
    /// Blocks.
    Indirect {
        /// Rows.
        rows: u64,
    },
}

/// What an ID says about its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeapId<'a> {
    /// In a direct block.
    Managed {
        /// Offset in the heap.
        offset: u64,
        /// Bytes.
        length: u64,
    },
    /// Outside the heap; the ID says where.
    HugeDirect(HugeObject),
    /// Outside the heap; the B-tree of huge objects says where.
    HugeIndirect {
        /// Key in the B-tree.
        key: u64,
    },
    /// In the ID.
    Tiny(&'a [u8]),
}

/// Where a huge object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HugeObject {
    /// First byte.
    pub address: u64,
    /// Bytes as stored.
    pub length: u64,
    /// Filter mask and bytes without filters, if it is filtered.
    pub filtered: Option<(u32, u64)>,
}

/// Bytes of a header without filters; the length of the filters is in the first 16.
#[must_use]
pub fn header_len(sizes: Sizes) -> u64 {
    let (offset, length) = (sizes.offset(), sizes.length());
    widen(offset.saturating_mul(3).saturating_add(length.saturating_mul(12)).saturating_add(26))
}

/// Bytes that the filters add to a header.
///
/// # Errors
///
/// [`Problem::Truncated`], [`Problem::Malformed`] if this is no fractal heap.
pub fn header_filters_len(header: &[u8], sizes: Sizes) -> Result<u64, Problem> {
    let mut cursor = Cursor::new(header);
    cursor.signature(b"FRHP")?;
    cursor.skip(3)?;
    let filters_len = u64::from(cursor.u16()?);
    Ok(match filters_len {
        0 => 0,
        _ => filters_len.saturating_add(widen(sizes.length())).saturating_add(4),
    })
}

impl Header {
    /// Cuts a header whose checksum has been taken off.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`], [`Problem::Malformed`] for a wrong signature or an impossible geometry,
    /// [`Problem::Unsupported`] for another version.
    pub fn parse(header: &[u8], sizes: Sizes) -> Result<Self, Problem> {
        let mut cursor = Cursor::new(header);
        cursor.signature(b"FRHP")?;
        expect_version(cursor.u8()?, 0, "fractal heap")?;
        let id_len = cursor.u16()?;
        let filters_len = usize::from(cursor.u16()?);
        let flags = cursor.u8()?;
        let managed_object_max = cursor.u32()?;
        cursor.length(sizes)?;
        let huge_btree = cursor.offset(sizes)?;
        // Free space, and counts of objects that their IDs show.
        cursor.length(sizes)?;
        cursor.offset(sizes)?;
        cursor.skip(sizes.length().saturating_mul(8))?;
        let width = cursor.u16()?;
        let starting_block_size = cursor.length(sizes)?;
        let direct_block_max = cursor.length(sizes)?;
        let heap_bits = cursor.u16()?;
        // Rows of a root indirect block when it was created.
        cursor.skip(2)?;
        let root = cursor.offset(sizes)?;
        let root_rows = cursor.u16()?;
        let (root_filtered, filters) = if filters_len == 0 {
            (None, Vec::new())
        } else {
            let filtered = (cursor.length(sizes)?, cursor.u32()?);
            (Some(filtered), super::filter::parse(cursor.take(filters_len)?)?)
        };
        let geometry = starting_block_size.is_power_of_two()
            && direct_block_max.is_power_of_two()
            && starting_block_size <= direct_block_max
            && width.is_power_of_two()
            && (1..=64).contains(&heap_bits)
            && id_len > 0;
        if !geometry {
            return Err(Problem::malformed(format!(
                "geometry is impossible: {width} columns, blocks of {starting_block_size} to {direct_block_max} bytes, \
                 {heap_bits} bits, IDs of {id_len} bytes"
            )));
        }
        Ok(Self {
            id_len,
            checksummed: flags & 2 != 0,
            managed_object_max,
            huge_btree,
            width,
            starting_block_size,
            direct_block_max,
            heap_bits,
            root,
            root_rows,
            filters,
            root_filtered,
        })
    }

    /// The root block, unless the heap is empty.
    #[must_use]
    pub fn root_block(&self) -> Option<Block> {
        let kind = match self.root_rows {
            0 => BlockKind::Direct { size: self.starting_block_size, filtered: self.root_filtered },
            rows => BlockKind::Indirect { rows: u64::from(rows) },
        };
        Some(Block { address: self.root?, offset: 0, kind })
    }

    /// Bytes of the offset in the header of a block and in the ID of a managed object.
    #[must_use]
    pub fn offset_width(&self) -> usize {
        usize::from(self.heap_bits.div_ceil(8))
    }

    /// Bytes of the length in the ID of a managed object.
    fn length_width(&self) -> usize {
        let by_block =
            usize::try_from(self.direct_block_max.checked_ilog2().unwrap_or(0).div_ceil(8)).unwrap_or(8);
        by_block.min(width(u64::from(self.managed_object_max)))
    }

    /// Bytes before the first object of a direct block.
    #[must_use]
    pub fn direct_header_len(&self, sizes: Sizes) -> usize {
        let checksum = if self.checksummed { super::checksum::CHECKSUM_LEN } else { 0 };
        self.offset_width().saturating_add(sizes.offset()).saturating_add(5).saturating_add(checksum)
    }

    /// Bytes of a block of `row`.
    fn row_block_size(&self, row: u64) -> Option<u64> {
        let doublings = u32::try_from(row.saturating_sub(1)).ok()?;
        self.starting_block_size.checked_mul(1u64.checked_shl(doublings)?)
    }

    /// Rows of direct blocks in an indirect block.
    fn direct_rows(&self) -> u64 {
        let doublings = self
            .direct_block_max
            .checked_ilog2()
            .zip(self.starting_block_size.checked_ilog2())
            .map_or(0, |(max, start)| max.saturating_sub(start));
        u64::from(doublings).saturating_add(2)
    }

    /// Bytes of an indirect block of `rows` rows, with its checksum.
    #[must_use]
    pub fn indirect_len(&self, rows: u64, sizes: Sizes) -> u64 {
        let direct_rows = rows.min(self.direct_rows());
        let indirect_rows = rows.saturating_sub(direct_rows);
        let address = widen(sizes.offset());
        let filtered = if self.filters.is_empty() { 0 } else { widen(sizes.length()).saturating_add(4) };
        let entries = direct_rows
            .saturating_mul(address.saturating_add(filtered))
            .saturating_add(indirect_rows.saturating_mul(address))
            .saturating_mul(u64::from(self.width));
        entries.saturating_add(widen(self.offset_width())).saturating_add(address).saturating_add(9)
    }

    /// Cuts an indirect block, whose checksum has been taken off, into the blocks that exist.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`], [`Problem::Malformed`] for a wrong signature or a block outside the heap.
    pub fn children(
        &self,
        block: &[u8],
        rows: u64,
        offset: u64,
        sizes: Sizes,
    ) -> Result<Vec<Block>, Problem> {
        let mut cursor = Cursor::new(block);
        cursor.signature(b"FHIB")?;
        expect_version(cursor.u8()?, 0, "fractal heap indirect block")?;
        cursor.skip(sizes.offset().saturating_add(self.offset_width()))?;
        let mut children = Vec::new();
        let mut child_offset = offset;
        let outside = || Problem::malformed("block lies outside the heap");
        for row in 0..rows {
            let size = self.row_block_size(row).ok_or_else(outside)?;
            for _ in 0..self.width {
                let address = cursor.offset(sizes)?;
                let kind = if row < self.direct_rows() {
                    let filtered = if self.filters.is_empty() {
                        None
                    } else {
                        Some((cursor.length(sizes)?, cursor.u32()?))
                    };
                    BlockKind::Direct { size, filtered }
                } else {
                    BlockKind::Indirect { rows: self.rows_of(size).ok_or_else(outside)? }
                };
                if let Some(address) = address {
                    children.push(Block { address, offset: child_offset, kind });
                }
                child_offset = child_offset.checked_add(size).ok_or_else(outside)?;
            }
        }
        Ok(children)
    }

    /// Rows of an indirect block that stands for `size` bytes of the heap.
    fn rows_of(&self, size: u64) -> Option<u64> {
        let first_row = self.starting_block_size.checked_mul(u64::from(self.width))?.checked_ilog2()?;
        Some(u64::from(size.checked_ilog2()?.checked_sub(first_row)?.checked_add(1)?))
    }

    /// Whether the ID of a huge object has room to say where it is. Else it is a key.
    #[must_use]
    pub fn huge_ids_direct(&self, sizes: Sizes) -> bool {
        let direct = sizes.offset().saturating_add(sizes.length());
        let filtered = direct.saturating_add(sizes.length()).saturating_add(4);
        let room = usize::from(self.id_len).saturating_sub(1);
        room >= if self.filters.is_empty() { direct } else { filtered }
    }

    /// Cuts an ID.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`], [`Problem::Malformed`] for another version or kind.
    pub fn id<'a>(&self, id: &'a [u8], sizes: Sizes) -> Result<HeapId<'a>, Problem> {
        /// IDs of tiny objects are longer than this only if their length needs two bytes.
        const TINY_SHORT_MAX: u16 = 17;
        let mut cursor = Cursor::new(id);
        let first = cursor.u8()?;
        match (first >> 6, (first >> 4) & 0b11) {
            (0, 0) => Ok(HeapId::Managed {
                offset: cursor.uint(self.offset_width())?,
                length: cursor.uint(self.length_width())?,
            }),
            (0, 1) => {
                if self.huge_ids_direct(sizes) {
                    huge_object(&mut cursor, !self.filters.is_empty(), sizes).map(HeapId::HugeDirect)
                } else {
                    let room = usize::from(self.id_len).saturating_sub(1);
                    Ok(HeapId::HugeIndirect { key: cursor.uint(room.min(sizes.length()))? })
                }
            }
            (0, 2) => {
                let low = usize::from(first & 0x0f);
                let length = if self.id_len <= TINY_SHORT_MAX {
                    low.saturating_add(1)
                } else {
                    (low << 8).saturating_add(usize::from(cursor.u8()?)).saturating_add(1)
                };
                Ok(HeapId::Tiny(cursor.take(length)?))
            }
            (version, kind) => Err(Problem::malformed(format!(
                "heap ID has version {version} and type {kind}, which mean nothing"
            ))),
        }
    }
}

fn huge_object(cursor: &mut Cursor<'_>, filtered: bool, sizes: Sizes) -> Result<HugeObject, Problem> {
    let address = cursor.offset(sizes)?;
    let length = cursor.length(sizes)?;
    let filtered = if filtered { Some((cursor.u32()?, cursor.length(sizes)?)) } else { None };
    let address = address.ok_or_else(|| Problem::malformed("huge object at the undefined address"))?;
    Ok(HugeObject { address, length, filtered })
}

/// Cuts a record of the B-tree of indirectly accessed huge objects: its key, and where the object is.
///
/// Spec: HDF5 File Format 3.0, III.A.2, "Version 2 B-tree, Type 1 Record Layout" and "Type 2".
///
/// # Errors
///
/// [`Problem::Truncated`], [`Problem::Malformed`] for the undefined address.
pub fn huge_record(record: &[u8], filtered: bool, sizes: Sizes) -> Result<(u64, HugeObject), Problem> {
    let mut cursor = Cursor::new(record);
    let object = huge_object(&mut cursor, filtered, sizes)?;
    Ok((cursor.length(sizes)?, object))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            id_len: 8,
            checksummed: true,
            managed_object_max: 4096,
            huge_btree: None,
            width: 4,
            starting_block_size: 1024,
            direct_block_max: 65536,
            heap_bits: 40,
            root: Some(100),
            root_rows: 2,
            filters: Vec::new(),
            root_filtered: None,
        }
    }

    #[test]
    fn the_first_two_rows_are_alike_and_then_blocks_double() {
        let header = header();
        let sizes: Vec<_> = (0..5).map(|row| header.row_block_size(row).unwrap()).collect();
        assert_eq!(sizes, [1024, 1024, 2048, 4096, 8192]);
        assert_eq!(header.direct_rows(), 8);
        // The first indirect row stands for 128 KiB per block: rows of 4, 4, 8, 16, 32 and 64 KiB.
        assert_eq!(header.rows_of(131_072), Some(6));
    }

    #[test]
    fn a_managed_id_is_an_offset_and_a_length() {
        let id = [0, 0x16, 0, 0, 0, 0, 0x40, 0];
        assert_eq!(header().id(&id, Sizes::EIGHT).unwrap(), HeapId::Managed { offset: 22, length: 64 });
        let id = [0x10, 1, 0, 0, 0, 0, 0, 0];
        assert_eq!(header().id(&id, Sizes::EIGHT).unwrap(), HeapId::HugeIndirect { key: 1 });
        let id = [0x22, b'a', b'b', b'c', 0, 0, 0, 0];
        assert_eq!(header().id(&id, Sizes::EIGHT).unwrap(), HeapId::Tiny(b"abc"));
        assert!(header().id(&[0x40; 8], Sizes::EIGHT).is_err());
    }

    #[test]
    fn only_blocks_that_exist_are_children() {
        let header = header();
        let mut block = b"FHIB\0".to_vec();
        block.extend([0; 13]);
        for column in 0..8u64 {
            let address = if column == 5 { u64::MAX } else { 4096 + column };
            block.extend(address.to_le_bytes());
        }
        assert_eq!(header.indirect_len(2, Sizes::EIGHT), block.len() as u64 + 4);
        let children = header.children(&block, 2, 0, Sizes::EIGHT).unwrap();
        assert_eq!(children.len(), 7);
        assert_eq!((children[5].address, children[5].offset), (4102, 6144));
    }
}
