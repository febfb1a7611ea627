//! One chunk to be reduced.

use rangefold_array::ChunkSelection;

/// One chunk a plan touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkTask {
    /// Place among the plan's tasks, from 0; partials are merged in this order.
    pub ordinal: u64,
    /// The chunk, and what of it is selected.
    pub selection: ChunkSelection,
    /// How many chunks it stands for: 1, or several neighbouring chunks none of which is stored.
    pub chunks: u64,
}

impl ChunkTask {
    /// Elements of the whole chunk; saturates.
    pub(crate) fn elements(&self) -> u64 {
        self.selection.axes.iter().fold(1, |n, part| n.saturating_mul(part.chunk_length))
    }
}
