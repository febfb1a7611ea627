//! How the elements of a dataset are stored.
//!
//! ```text
//! version 3, chunked          version 4 and 5, chunked
//! ┌───┬───┬──────┬─────────┬──────┐  ┌───┬───┬───────┬──────┬───────┬──────┬───────┬────────────┬─────────┐
//! │ 3 │ 2 │ rank │ address │ dims │  │ 4 │ 2 │ flags │ rank │ width │ dims │ index │ parameters │ address │
//! └───┴───┴──────┴─────────┴──────┘  └───┴───┴───────┴──────┴───────┴──────┴───────┴────────────┴─────────┘
//! ```
//! The rank of chunked storage is one more than that of the dataset: the last "dimension" is the element size.
//!
//! Spec: HDF5 File Format 3.0, IV.A.2.i, "The Data Layout Message"; version 5 is in 4.0.

use super::cursor::{Cursor, Sizes};
use crate::error::Problem;
use crate::limits::RANK_MAX;

/// A data layout message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataLayout<'a> {
    /// Class 0: in the message itself.
    Compact {
        /// All elements.
        bytes: &'a [u8],
    },
    /// Class 1: in one piece.
    Contiguous {
        /// First byte; `None` if nothing is allocated.
        address: Option<u64>,
        /// Bytes; `None` in versions 1 and 2, where the extent of the dataset says it.
        length: Option<u64>,
    },
    /// Class 2: in chunks.
    Chunked(ChunkedStorage),
    /// Class 3: assembled from other datasets.
    Virtual {
        /// Global heap collection that holds the mappings; `None` if there are none yet.
        collection: Option<u64>,
        /// Object in the collection.
        index: u32,
    },
}

/// Chunked storage: the shape of the chunks and how they are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkedStorage {
    /// Version of the message: 5 stores chunk sizes wider than 4 does.
    pub version: u8,
    /// Extent of a chunk in elements; one entry per dimension of the dataset.
    pub chunk_shape: Vec<u64>,
    /// Bytes in an element.
    pub element_size: u64,
    /// Whether chunks that reach over the edge of the extent are stored without filters.
    pub unfiltered_partial_edge_chunks: bool,
    /// The kind of index and its creation parameters.
    pub index: ChunkIndexing,
    /// Where the index (or the single chunk) begins; `None` if nothing is allocated.
    pub address: Option<u64>,
}

/// The kind of a chunk index, with the parameters stored in the layout message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkIndexing {
    /// Version 1 B-tree.
    BTree1,
    /// The dataset is one chunk.
    Single {
        /// Size in bytes and filter mask of the chunk, if it is filtered.
        filtered: Option<(u64, u32)>,
    },
    /// All chunks one after another.
    Implicit,
    /// Fixed array.
    FixedArray {
        /// Elements in a data block page, as a power of two.
        page_bits: u8,
    },
    /// Extensible array.
    ExtensibleArray {
        /// Bits needed for the number of elements.
        max_bits: u8,
        /// Elements in the index block.
        index_elements: u8,
        /// Least number of data block pointers in a secondary block.
        min_pointers: u8,
        /// Least number of elements in a data block.
        min_elements: u8,
        /// Elements in a data block page, as a power of two.
        page_bits: u8,
    },
    /// Version 2 B-tree.
    BTree2 {
        /// Bytes in a node.
        node_size: u32,
    },
}

impl<'a> DataLayout<'a> {
    /// Cuts a data layout message, version 1 to 5.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`], [`Problem::Malformed`] for an impossible rank or an extent of zero,
    /// [`Problem::Unsupported`] for a version, class or index that is not known.
    pub fn parse(message: &'a [u8], sizes: Sizes) -> Result<Self, Problem> {
        let mut cursor = Cursor::new(message);
        match cursor.u8()? {
            1 | 2 => Self::parse_v1(&mut cursor, sizes),
            version @ 3..=5 => Self::parse_v3(&mut cursor, sizes, version),
            version => Err(Problem::unsupported(format!("data layout version {version}"))),
        }
    }

    fn parse_v1(cursor: &mut Cursor<'a>, sizes: Sizes) -> Result<Self, Problem> {
        let rank = usize::from(cursor.u8()?);
        let class = cursor.u8()?;
        cursor.skip(5)?;
        let address = if class == 0 { None } else { cursor.offset(sizes)? };
        match class {
            0 => {
                cursor.skip(rank.saturating_mul(4))?;
                let length = to_len(cursor.u32()?)?;
                Ok(Self::Compact { bytes: cursor.take(length)? })
            }
            1 => Ok(Self::Contiguous { address, length: None }),
            2 => {
                let (chunk_shape, element_size) = chunk_shape(cursor, rank, 4)?;
                Ok(Self::Chunked(ChunkedStorage {
                    version: 1,
                    chunk_shape,
                    element_size,
                    unfiltered_partial_edge_chunks: false,
                    index: ChunkIndexing::BTree1,
                    address,
                }))
            }
            _ => Err(Problem::unsupported(format!("data layout class {class}"))),
        }
    }

    fn parse_v3(cursor: &mut Cursor<'a>, sizes: Sizes, version: u8) -> Result<Self, Problem> {
        match cursor.u8()? {
            0 => {
                let length = usize::from(cursor.u16()?);
                Ok(Self::Compact { bytes: cursor.take(length)? })
            }
            1 => Ok(Self::Contiguous { address: cursor.offset(sizes)?, length: Some(cursor.length(sizes)?) }),
            2 if version == 3 => {
                let rank = usize::from(cursor.u8()?);
                let address = cursor.offset(sizes)?;
                let (chunk_shape, element_size) = chunk_shape(cursor, rank, 4)?;
                Ok(Self::Chunked(ChunkedStorage {
                    version,
                    chunk_shape,
                    element_size,
                    unfiltered_partial_edge_chunks: false,
                    index: ChunkIndexing::BTree1,
                    address,
                }))
            }
            2 => ChunkedStorage::parse_v4(cursor, sizes, version).map(Self::Chunked),
            3 if version >= 4 => {
                Ok(Self::Virtual { collection: cursor.offset(sizes)?, index: cursor.u32()? })
            }
            class => Err(Problem::unsupported(format!("data layout class {class} of version {version}"))),
        }
    }
}

/// Layout flag: chunks at the edge are stored without filters.
const FLAG_UNFILTERED_EDGES: u8 = 1;
/// Layout flag: the single chunk is filtered.
const FLAG_SINGLE_FILTERED: u8 = 2;

impl ChunkedStorage {
    fn parse_v4(cursor: &mut Cursor<'_>, sizes: Sizes, version: u8) -> Result<Self, Problem> {
        let flags = cursor.u8()?;
        let rank = usize::from(cursor.u8()?);
        let width = usize::from(cursor.u8()?);
        let (chunk_shape, element_size) = chunk_shape(cursor, rank, width)?;
        let index = match cursor.u8()? {
            1 => ChunkIndexing::Single {
                filtered: if flags & FLAG_SINGLE_FILTERED == 0 {
                    None
                } else {
                    Some((cursor.length(sizes)?, cursor.u32()?))
                },
            },
            2 => ChunkIndexing::Implicit,
            3 => ChunkIndexing::FixedArray { page_bits: cursor.u8()? },
            4 => ChunkIndexing::ExtensibleArray {
                max_bits: cursor.u8()?,
                index_elements: cursor.u8()?,
                min_pointers: cursor.u8()?,
                min_elements: cursor.u8()?,
                page_bits: cursor.u8()?,
            },
            5 => {
                let node_size = cursor.u32()?;
                // The split and merge percentages matter to writers only.
                cursor.skip(2)?;
                ChunkIndexing::BTree2 { node_size }
            }
            kind => return Err(Problem::unsupported(format!("chunk index type {kind}"))),
        };
        Ok(Self {
            version,
            chunk_shape,
            element_size,
            unfiltered_partial_edge_chunks: flags & FLAG_UNFILTERED_EDGES != 0,
            index,
            address: cursor.offset(sizes)?,
        })
    }
}

/// The extent of a chunk and the element size: `rank` numbers of `width` bytes.
fn chunk_shape(cursor: &mut Cursor<'_>, rank: usize, width: usize) -> Result<(Vec<u64>, u64), Problem> {
    if !(2..=RANK_MAX.saturating_add(1)).contains(&rank) {
        return Err(Problem::malformed(format!(
            "rank of chunked storage is {rank} but must be 2 to {}",
            RANK_MAX.saturating_add(1)
        )));
    }
    let mut shape = (0..rank).map(|_| cursor.uint(width)).collect::<Result<Vec<_>, _>>()?;
    if let Some(dimension) = shape.iter().position(|extent| *extent == 0) {
        return Err(Problem::malformed(format!("chunk extent in dimension {dimension} is 0")));
    }
    let element_size = shape.pop().unwrap_or_default();
    Ok((shape, element_size))
}

fn to_len(length: u32) -> Result<usize, Problem> {
    usize::try_from(length).map_err(|_| Problem::malformed(format!("length {length} is not addressable")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_2_has_five_reserved_bytes_before_its_address() {
        let mut message = vec![2, 1, 1, 0, 0, 0, 0, 0];
        message.extend(2200u64.to_le_bytes());
        message.extend(10u32.to_le_bytes());
        assert_eq!(
            DataLayout::parse(&message, Sizes::EIGHT).unwrap(),
            DataLayout::Contiguous { address: Some(2200), length: None }
        );
    }

    #[test]
    fn a_chunk_extent_of_zero_is_refused() {
        let mut message = vec![3, 2, 2];
        message.extend(100u64.to_le_bytes());
        message.extend([0, 0, 0, 0, 4, 0, 0, 0]);
        assert!(matches!(DataLayout::parse(&message, Sizes::EIGHT), Err(Problem::Malformed(_))));
    }

    #[test]
    fn the_element_size_is_not_a_dimension() {
        let mut message = vec![4, 2, 1, 3, 1, 10, 20, 8, 3, 10];
        message.extend(4096u64.to_le_bytes());
        let DataLayout::Chunked(chunked) = DataLayout::parse(&message, Sizes::EIGHT).unwrap() else {
            panic!("not chunked")
        };
        assert_eq!(chunked.chunk_shape, [10, 20]);
        assert_eq!(chunked.element_size, 8);
        assert!(chunked.unfiltered_partial_edge_chunks);
        assert_eq!(chunked.index, ChunkIndexing::FixedArray { page_bits: 10 });
    }
}
