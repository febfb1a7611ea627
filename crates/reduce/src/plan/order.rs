//! The order in which partials are merged: a tree that is fixed by where chunks stand in the array.
//!
//! Additions of floats round, so their order decides the last bits of an answer. It must not depend on how the work was
//! split, on how long the array was when a part of the answer was made, or on the machine. Chunks that share their place
//! along the first axis are a row; rows are counted from the beginning of the array, not of the selection:
//!
//! ```text
//!  rows      0 … R-1 │ R … 2R-1 │ …          R rows make a block; their partials are merged one after the other
//!  level 0   block 0 │ block 1  │ … │ block 15 │ block 16 │ …
//!  level 1   node 0: blocks 0 to 15            │ node 1: blocks 16 to 31 │ …
//!  level 2   node 0: nodes 0 to 15 of level 1, blocks 0 to 255                │ …
//! ```
//! A node is what its children merge to, one after the other; blocks outside of the selection are not there. R is a power
//! of two and follows from the chunk grid alone, without the length of the first axis. So a block means the same whoever
//! reduces it and however the array grows at its end, and a node can be kept, sent, and merged later.
//!
//! Where the first axis is kept by itself, each cell has chunks of one row only. Rows then share no cell, and the answer is
//! the same bits without a tree: there is a single level.

use std::ops::Range;

use rangefold_array::{AxisChunks, AxisPart, ChunkGrid};

use super::reduction_plan::ReductionPlan;
use crate::{
    merge::accumulator::whole,
    question::{axis_map::AxisMap, region::Region},
};

/// Elements of a block, unless one row has more: 64 MiB of float32.
const BLOCK_ELEMENTS: u64 = 1 << 24;
/// Positions of a block along the first axis, at the least: adding up blocks must cost little beside adding up chunks.
const BLOCK_POSITIONS: u64 = 16;
/// Elements of a block that has more than [`BLOCK_ELEMENTS`] for the sake of its positions.
const BLOCK_ELEMENTS_MAX: u64 = 1 << 28;
/// A node has two to the power of this children.
const FANOUT_BITS: u32 = 4;
/// Blocks that chunks which are not stored are told apart by, at the most. Past that, 4 TiB of nothing, they are reduced at
/// one go, and the last bits of the sum of so many fill values follow the selection.
const ABSENT_BLOCKS: u64 = 1 << 16;

/// Chunks along the first axis that make a block.
pub(super) fn block_rows(grid: &ChunkGrid) -> u64 {
    let positions = match grid.axes().first() {
        Some(AxisChunks::Regular { length }) => *length,
        Some(AxisChunks::Listed { bounds }) => bounds.get(1).copied().unwrap_or(1),
        None => 1,
    };
    let others = grid.axes().iter().zip(grid.chunk_counts()).zip(grid.shape()).skip(1);
    let row = others.fold(positions.max(1), |n, ((chunks, &count), &length)| {
        n.saturating_mul(match chunks {
            AxisChunks::Regular { length } => length.saturating_mul(count),
            AxisChunks::Listed { .. } => length,
        })
    });
    let rows = |elements: u64| (elements / row.max(1)).max(1);
    let wanted = rows(BLOCK_ELEMENTS).max(BLOCK_POSITIONS.div_ceil(positions.max(1)));
    let rows = wanted.min(rows(BLOCK_ELEMENTS_MAX));
    1 << rows.ilog2()
}

impl ReductionPlan {
    /// The block that the row of the task with this ordinal belongs to.
    #[must_use]
    pub fn block_of(&self, ordinal: u64) -> u64 {
        let row = ordinal / self.chunks.row_len().max(1);
        self.chunks.row(row).map_or(0, |part| part.chunk / self.block_rows)
    }

    /// The blocks that have a task, and those between.
    #[must_use]
    pub fn blocks(&self) -> Range<u64> {
        match self.chunk_count().checked_sub(1) {
            Some(last) => self.block_of(0)..self.block_of(last) + 1,
            None => 0..0,
        }
    }

    /// The tasks of some blocks, by their ordinals.
    #[must_use]
    pub fn tasks_of_blocks(&self, blocks: &Range<u64>) -> Range<u64> {
        let rows = self.rows_of_blocks(blocks);
        let len = self.chunks.row_len();
        rows.start.saturating_mul(len)..rows.end.saturating_mul(len)
    }

    /// The rows of some blocks, by their numbers among those that have a task.
    pub(crate) fn rows_of_blocks(&self, blocks: &Range<u64>) -> Range<u64> {
        let first = |block: u64| {
            let (mut low, mut high) = (0, self.chunks.row_count());
            while low < high {
                let middle = low + (high - low) / 2;
                let before = self.chunks.row(middle).map_or(0, |part| part.chunk / self.block_rows) < block;
                (low, high) = if before { (middle + 1, high) } else { (low, middle) };
            }
            low
        };
        first(blocks.start)..first(blocks.end)
    }

    /// Whether the first axis is grouped, so that each row has groups of its own.
    #[must_use]
    pub fn groups_rows(&self) -> bool {
        matches!(self.axes.first(), Some(AxisMap::Group(_)))
    }

    /// The cells of whole rows, given by their tasks, where rows share none; `None` if there are none.
    pub(crate) fn region_of_rows(&self, ordinals: &Range<u64>) -> Option<Region> {
        let mut region = whole(self);
        let Some(Some(axis)) = self.answer_axes.first().copied() else { return Some(region) };
        let len = self.chunks.row_len().max(1);
        let last = self.chunks.row(ordinals.end.checked_sub(1)? / len)?;
        let start = self.chunks.row(ordinals.start / len)?.output_start;
        *region.start.get_mut(axis)? = start;
        let count = (last.output_start + last.within.count()).checked_sub(start)?;
        *region.shape.get_mut(axis)? = usize::try_from(count).ok()?;
        Some(region)
    }

    /// Number of needed chunks in whole rows, given by their tasks, that have one of the selected `positions` along the
    /// first axis.
    pub(crate) fn chunks_in_rows(&self, positions: &Range<u64>, ordinals: &Range<u64>) -> u64 {
        let len = self.chunks.row_len().max(1);
        let touches = |part: &AxisPart| {
            part.output_start < positions.end && positions.start < part.output_start + part.within.count()
        };
        let rows = (ordinals.start / len..ordinals.end / len).filter_map(|row| self.chunks.row(row));
        rows.filter(touches).count() as u64 * len
    }

    /// Whether rows share no cell of the answer, so that blocks need no order.
    #[must_use]
    pub fn keeps_rows(&self) -> bool {
        match (self.axes.first(), self.answer_axes.first()) {
            (Some(AxisMap::Keep), Some(answer)) => answer.is_some(),
            (Some(AxisMap::Reduce | AxisMap::Keep | AxisMap::Group(_)), _) => false,
            (None, _) => true,
        }
    }

    /// The level whose only node is the whole answer.
    #[must_use]
    pub fn top_level(&self) -> u32 {
        let blocks = self.blocks();
        if self.keeps_rows() || blocks.is_empty() {
            return 0;
        }
        (0..).find(|&level| node_of(level, blocks.start) == node_of(level, blocks.end - 1)).unwrap_or(0)
    }

    /// Ordinals of chunks that are not stored, told apart by their blocks where that is wanted and matters.
    pub(crate) fn by_block(
        &self,
        ordinals: Range<u64>,
        wanted: bool,
    ) -> impl Iterator<Item = Range<u64>> + '_ {
        let last = ordinals.end.saturating_sub(1).max(ordinals.start);
        let blocks = self.block_of(last).saturating_sub(self.block_of(ordinals.start));
        let is_cut = wanted && !self.keeps_rows() && blocks > 0 && blocks < ABSENT_BLOCKS;
        let mut at = ordinals.start;
        std::iter::from_fn(move || {
            let left = at..ordinals.end;
            if left.is_empty() {
                return None;
            }
            let block = self.block_of(at);
            let end = if is_cut { self.tasks_of_blocks(&(block..block + 1)).end } else { left.end };
            // An ordinal past the last task would never be reached.
            at = if end > at { end.min(left.end) } else { left.end };
            Some(left.start..at)
        })
    }
}

/// The node of `level` that holds a block.
pub(crate) fn node_of(level: u32, block: u64) -> u64 {
    block.checked_shr(level.saturating_mul(FANOUT_BITS)).unwrap_or(0)
}

/// The blocks of the node of `level` that holds a block.
pub(crate) fn blocks_of_node(level: u32, block: u64) -> Range<u64> {
    let bits = level.saturating_mul(FANOUT_BITS);
    let Some(len) = 1_u64.checked_shl(bits) else { return 0..u64::MAX };
    let start = block - block % len;
    start..start.saturating_add(len)
}
