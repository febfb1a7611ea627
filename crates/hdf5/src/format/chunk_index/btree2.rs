//! Records of the version 2 B-tree that indexes chunks.
//!
//! ```text
//! type 10: │ address │ position × rank │                        no filters
//! type 11: │ address │ length │ filter mask │ position × rank │  filters
//! ```
//!
//! Positions are counted in chunks, not in elements.
//!
//! Spec: HDF5 File Format 3.0, III.A.2, "Version 2 B-tree, Type 10 Record Layout - Non-filtered Dataset Chunks" and
//! "Type 11 … Filtered Dataset Chunks"; VII.E, "The Version 2 B-trees Index".

use crate::error::Problem;
use crate::format::chunk_index::{Entry, StoredChunk};
use crate::format::cursor::{Cursor, Sizes};

/// How the records of one tree are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkRecords {
    entry: Entry,
    rank: usize,
}

impl ChunkRecords {
    /// Record types of chunks without and with filters.
    pub const TYPES: [u8; 2] = [10, 11];

    /// The records of a tree of type `record_type` with `record_len` bytes each, over chunks of `rank` dimensions
    /// that are `chunk_len` bytes when decoded.
    ///
    /// # Errors
    ///
    /// [`Problem::Malformed`] if the type is not that of a chunk index with or without filters, or the length is
    /// impossible.
    pub fn new(
        record_type: u8,
        record_len: usize,
        sizes: Sizes,
        rank: usize,
        chunk_len: u64,
        filtered: bool,
    ) -> Result<Self, Problem> {
        let [unfiltered_type, filtered_type] = Self::TYPES;
        let expected = if filtered { filtered_type } else { unfiltered_type };
        if record_type != expected {
            return Err(Problem::malformed(format!(
                "record type is {record_type} but the index of this dataset must have type {expected}"
            )));
        }
        let entry_len = record_len.checked_sub(rank.saturating_mul(8)).ok_or_else(|| {
            Problem::malformed(format!("a record of {record_len} bytes cannot hold {rank} chunk positions"))
        })?;
        Ok(Self { entry: Entry::new(u8::from(filtered), entry_len, sizes, chunk_len, filtered)?, rank })
    }

    /// Reads one record into `position`, which must be as long as the rank.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`] if it is cut off, [`Problem::Malformed`] if the chunk has no address or `position`
    /// another rank.
    pub fn read(&self, record: &[u8], position: &mut [u64]) -> Result<StoredChunk, Problem> {
        if position.len() != self.rank {
            return Err(Problem::malformed(format!(
                "a record has {} chunk positions but {} are expected",
                self.rank,
                position.len()
            )));
        }
        let mut cursor = Cursor::new(record);
        let stored = self.entry.read(&mut cursor)?;
        for index in position {
            *index = cursor.u64()?;
        }
        stored.ok_or_else(|| Problem::malformed("a chunk has an undefined address"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::range::ByteRange;

    #[test]
    fn a_filtered_record_has_a_length_and_a_mask_before_the_position() {
        let records = ChunkRecords::new(11, 8 + 3 + 4 + 16, Sizes::EIGHT, 2, 4096, true).unwrap();
        let mut record = 7000_u64.to_le_bytes().to_vec();
        record.extend([0x34, 0x12, 0]);
        record.extend(1_u32.to_le_bytes());
        record.extend(5_u64.to_le_bytes());
        record.extend(6_u64.to_le_bytes());
        let mut position = [0; 2];
        let stored = records.read(&record, &mut position).unwrap();
        assert_eq!(stored, StoredChunk { range: ByteRange::new(7000, 0x1234), filter_mask: 1 });
        assert_eq!(position, [5, 6]);
        for len in 0..record.len() {
            assert!(records.read(&record[..len], &mut position).is_err());
        }
        assert!(records.read(&record, &mut [0; 3]).is_err());
    }

    #[test]
    fn a_tree_of_something_else_is_refused() {
        let new = |record_type, record_len, filtered| {
            ChunkRecords::new(record_type, record_len, Sizes::EIGHT, 2, 4096, filtered)
        };
        assert!(new(10, 24, false).is_ok());
        assert!(new(5, 24, false).is_err());
        assert!(new(11, 24, false).is_err());
        assert!(new(10, 24, true).is_err());
        assert!(new(10, 25, false).is_err());
        assert!(new(10, 15, false).is_err());
        assert!(new(11, 28, true).is_err());
    }
}
