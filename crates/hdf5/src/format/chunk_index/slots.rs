//! Which chunk is in which slot of a positional index.
//!
//! The implicit index, the fixed array and the extensible array number chunks row-major over the grid of the *maximum*
//! extent, so that chunks keep their slot when the dataset grows. If one dimension is unlimited it is moved to the
//! front first, since only the slowest dimension can grow without moving the others.
//!
//! ```text
//! chunks of shape (2, 2), maximum shape (4, 6), current shape (4, 3)
//!
//!   slots 0 1 2      chunks 0 1 ·     slot 3 is chunk 2; slots 2 and 5 are outside the current extent
//!         3 4 5             2 3 ·
//!
//! chunks of shape (2, 2), maximum shape (4, unlimited), current shape (4, 6)
//!
//!   slots 0 2 4 …    chunks 0 1 2     slot 2 is chunk 1: the second dimension was moved to the front
//!         1 3 5 …           3 4 5
//! ```
//!
//! Spec: HDF5 File Format 3.0, VII.B to VII.D. It does not state the numbering; the library's reads do.

use crate::chunk_table::{Chunk, ChunkGrid, ChunkTable, ChunkTableBuilder};
use crate::error::Problem;
use crate::format::chunk_index::{Entry, StoredChunk};
use crate::format::cursor::Cursor;

/// The numbering of slots.
#[derive(Clone, Debug)]
pub struct SlotGrid {
    /// Fastest first, in slot order. The slowest needs no count: it takes what is left.
    faster: Vec<Axis>,
    slowest: Axis,
    /// First slot that no chunk of the current extent has.
    end: u64,
    /// Slots of the maximum extent; `None` if it is unlimited.
    count: Option<u64>,
    /// Whether slot numbers are chunk numbers.
    identity: bool,
}

#[derive(Clone, Copy, Debug)]
struct Axis {
    /// Chunks over the maximum extent; 0 if it is unlimited.
    max_count: u64,
    /// Chunks over the current extent.
    count: u64,
    /// Distance of neighbours in the row-major order of the current extent.
    stride: u64,
}

impl SlotGrid {
    /// The slots of a dataset whose current grid is `grid`. `max_shape` and `chunk_shape` are in elements.
    ///
    /// # Errors
    ///
    /// [`Problem::Malformed`] if the ranks differ, the maximum extent is less than the current one or more than one
    /// dimension is unlimited; [`Problem::Unsupported`] if slot numbers do not fit 64 bits.
    pub fn new(grid: &ChunkGrid, max_shape: &[Option<u64>], chunk_shape: &[u64]) -> Result<Self, Problem> {
        let rank = grid.counts().len();
        if max_shape.len() != rank || chunk_shape.len() != rank {
            return Err(Problem::malformed(format!(
                "the maximum extent has {} dimensions and chunks have {} but the extent has {rank}",
                max_shape.len(),
                chunk_shape.len()
            )));
        }
        let too_many = || Problem::unsupported("a chunk array of more than 2^64 slots");

        let mut axes = Vec::with_capacity(rank);
        let mut stride = 1_u64;
        let dimensions = grid.counts().iter().zip(max_shape).zip(chunk_shape);
        for (dimension, ((count, max), chunk)) in dimensions.enumerate().rev() {
            let max_count = match max {
                None => 0,
                // The grid was made with this chunk shape, so no extent of a chunk is zero.
                Some(max) => max.div_ceil((*chunk).max(1)),
            };
            if max.is_some() && max_count < *count {
                return Err(Problem::malformed(format!(
                    "dimension {dimension} has {count} chunks but at most {max_count} over its maximum extent"
                )));
            }
            axes.push(Axis { max_count, count: *count, stride });
            // An empty dimension empties the grid, and then strides do not matter.
            stride = stride.checked_mul((*count).max(1)).ok_or_else(too_many)?;
        }

        let mut unlimited = max_shape.iter().rev().enumerate().filter(|(_, max)| max.is_none());
        let first_unlimited = unlimited.next().map(|(position, _)| position);
        if unlimited.next().is_some() {
            return Err(Problem::malformed(format!(
                "a chunk array has at most one unlimited dimension but the maximum extent is {max_shape:?}"
            )));
        }
        let slowest_at = first_unlimited.unwrap_or(rank.saturating_sub(1));
        let moved = slowest_at.saturating_add(1) != rank;
        if slowest_at >= axes.len() {
            return Err(Problem::malformed("chunks have no dimensions"));
        }
        let slowest = axes.remove(slowest_at);

        let mut per_step = 1_u64;
        for axis in &axes {
            per_step = per_step.checked_mul(axis.max_count).ok_or_else(too_many)?;
        }
        let end = if grid.chunk_count() == 0 {
            0
        } else {
            per_step.checked_mul(slowest.count).ok_or_else(too_many)?
        };
        let count = match first_unlimited {
            Some(_) => None,
            None => Some(per_step.checked_mul(slowest.max_count).ok_or_else(too_many)?),
        };
        let identity = !moved && axes.iter().all(|axis| axis.max_count == axis.count);
        Ok(Self { faster: axes, slowest, end, count, identity })
    }

    /// The first slot that no chunk of the current extent has, nor any after it.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Slots of the maximum extent; `None` if that is unlimited.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        self.count
    }

    /// The number of the chunk in `slot`, in the grid of the current extent; `None` if it is outside of that.
    #[must_use]
    pub fn chunk_number(&self, slot: u64) -> Option<u64> {
        if slot >= self.end {
            return None;
        }
        if self.identity {
            return Some(slot);
        }
        let mut rest = slot;
        let mut number = 0_u64;
        for axis in &self.faster {
            let index = rest.checked_rem(axis.max_count)?;
            rest = rest.checked_div(axis.max_count)?;
            if index >= axis.count {
                return None;
            }
            number = number.checked_add(index.checked_mul(axis.stride)?)?;
        }
        number.checked_add(rest.checked_mul(self.slowest.stride)?)
    }
}

/// Fills a chunk table from runs of slots.
#[derive(Debug)]
pub struct SlotTable {
    slots: SlotGrid,
    table: ChunkTableBuilder,
}

impl SlotTable {
    /// An empty table.
    #[must_use]
    pub fn new(grid: ChunkGrid, slots: SlotGrid) -> Self {
        Self { slots, table: ChunkTableBuilder::new(grid) }
    }

    /// The numbering of slots.
    #[must_use]
    pub fn slots(&self) -> &SlotGrid {
        &self.slots
    }

    /// Makes room for `rows` more chunks: as many as the bytes already read vouch for.
    pub fn reserve(&mut self, rows: usize) {
        self.table.reserve(rows);
    }

    /// Adds the chunk in `slot`, unless it is outside the current extent.
    ///
    /// # Errors
    ///
    /// As [`ChunkTableBuilder::push`].
    pub fn add(&mut self, slot: u64, stored: StoredChunk) -> Result<(), Problem> {
        match self.slots.chunk_number(slot) {
            None => Ok(()),
            Some(number) => {
                let StoredChunk { range, filter_mask } = stored;
                self.table.push(Chunk { number, range, filter_mask })
            }
        }
    }

    /// Adds the chunks whose entries follow each other in `bytes`, the first of them in `first_slot`.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`] if the last entry is cut off, and as [`ChunkTableBuilder::push`].
    pub fn add_entries(&mut self, first_slot: u64, bytes: &[u8], entry: &Entry) -> Result<(), Problem> {
        let mut cursor = Cursor::new(bytes);
        let mut slot = first_slot;
        while !cursor.is_empty() && slot < self.slots.end {
            if let Some(stored) = entry.read(&mut cursor)? {
                self.add(slot, stored)?;
            }
            slot = slot.saturating_add(1);
        }
        Ok(())
    }

    /// The finished table.
    ///
    /// # Errors
    ///
    /// As [`ChunkTableBuilder::finish`].
    pub fn finish(self) -> Result<ChunkTable, Problem> {
        self.table.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(shape: &[u64], max_shape: &[Option<u64>], chunk_shape: &[u64]) -> Result<SlotGrid, Problem> {
        SlotGrid::new(&ChunkGrid::new(shape, chunk_shape).unwrap(), max_shape, chunk_shape)
    }

    fn chunk_numbers(slots: &SlotGrid, count: u64) -> Vec<Option<u64>> {
        (0..count).map(|slot| slots.chunk_number(slot)).collect()
    }

    #[test]
    fn slots_are_numbered_over_the_maximum_extent() {
        let slots = slots(&[4, 3], &[Some(4), Some(6)], &[2, 2]).unwrap();
        assert_eq!(chunk_numbers(&slots, 7), [Some(0), Some(1), None, Some(2), Some(3), None, None]);
        assert_eq!((slots.end(), slots.count()), (6, Some(6)));
    }

    #[test]
    fn the_unlimited_dimension_is_moved_to_the_front() {
        let slots = slots(&[4, 6], &[Some(4), None], &[2, 2]).unwrap();
        let expected = [Some(0), Some(3), Some(1), Some(4), Some(2), Some(5), None];
        assert_eq!(chunk_numbers(&slots, 7), expected);
        assert_eq!((slots.end(), slots.count()), (6, None));
    }

    #[test]
    fn the_other_dimensions_keep_their_order_behind_the_unlimited_one() {
        // Slot order is (dimension 1, dimension 0, dimension 2), with counts (2, 2, 3 of at most 4).
        let slots = slots(&[2, 2, 3], &[Some(2), None, Some(4)], &[1, 1, 1]).unwrap();
        for (a, b, c) in [(0, 0, 0), (0, 0, 2), (0, 1, 1), (1, 0, 2), (1, 1, 0), (1, 1, 2)] {
            let slot = (b * 2 + a) * 4 + c;
            let number = (a * 2 + b) * 3 + c;
            assert_eq!(slots.chunk_number(slot), Some(number), "chunk {:?}", (a, b, c));
        }
        assert_eq!(slots.chunk_number(3), None);
    }

    #[test]
    fn an_empty_extent_has_no_slots() {
        let slots = slots(&[0, 6], &[None, Some(6)], &[2, 2]).unwrap();
        assert_eq!(slots.end(), 0);
        assert_eq!(slots.chunk_number(0), None);
    }

    #[test]
    fn two_unlimited_dimensions_or_a_maximum_below_the_extent_are_refused() {
        assert!(slots(&[4, 4], &[None, None], &[2, 2]).is_err());
        assert!(slots(&[4], &[Some(2)], &[2]).is_err());
        assert!(slots(&[4], &[Some(4), None], &[2]).is_err());
        assert!(slots(&[1, 1], &[Some(u64::MAX), Some(u64::MAX)], &[1, 1]).is_err());
    }
}
