//! An answer that grows where it is.
//!
//! Where many cells are kept, the partial of a chunk is larger than the chunk, and merging it costs more than reducing
//! it. Chunks are then added to the answer itself. It is cut into slabs along one axis:
//!
//! ```text
//!           slab 0   slab 1   slab 2
//! task 0   ████████████████                 each slab takes the tasks that touch it in task order;
//! task 1                   ██████████       slabs share nothing, so several threads add to them at once
//! task 2   ████████████████
//! ```
//! Every cell meets its chunks in task order, so the answers have the same bits whoever adds them.

use std::ops::Range;

use rangefold_array::{AxisRange, ChunkSelection};

use super::{
    accumulator::{self, whole},
    node::Node,
    tree::{Handing, Tree},
};
use crate::{
    chunk::{reduce::reduce_into, reduce_error::ReduceError},
    plan::{chunk_task::ChunkTask, reduction_plan::ReductionPlan},
    question::axis_map::AxisMap,
    statistic::cells::Cells,
};

/// Fewer cells than this are not worth cutting.
const CELLS_MIN: usize = 16 << 10;
/// Slabs of one answer at the most.
const SLABS_MAX: usize = 64;
/// Partials shorter than their chunk by this factor are cheaper to merge than answers are to share.
const SMALL_PARTIAL: u64 = 4;

/// A part of the answer of a plan, to which chunks are added in task order.
#[derive(Clone, Debug)]
pub struct Slab {
    /// The axis of the array along which the answer is cut.
    pub(crate) axis: usize,
    /// Selected positions of that axis.
    pub(crate) positions: Range<u64>,
    pub(crate) tree: Tree,
    /// Ordinal of the task that was added last.
    pub(crate) last: Option<u64>,
    /// Tasks added.
    pub(crate) added: u64,
}

impl Slab {
    /// Whether a chunk has anything to add to this slab.
    #[must_use]
    pub fn touches(&self, task: &ChunkTask) -> bool {
        task.selection.axes.get(self.axis).is_some_and(|part| {
            part.output_start < self.positions.end
                && self.positions.start < part.output_start.saturating_add(part.within.count())
        })
    }

    /// What of the task lies in this slab; `None` if nothing does.
    fn cut(&self, task: &ChunkTask) -> Option<ChunkTask> {
        let mut axes = task.selection.axes.clone();
        let part = axes.get_mut(self.axis)?;
        let end = part.output_start.saturating_add(part.within.count()).min(self.positions.end);
        let start = part.output_start.max(self.positions.start);
        let skipped = (start - part.output_start) * part.within.stride();
        part.within = AxisRange::new(
            part.within.start() + skipped,
            part.within.stride(),
            end.checked_sub(start).filter(|&count| count > 0)?,
            part.chunk_length,
        )?;
        part.output_start = start;
        let selection = ChunkSelection { number: task.selection.number, axes };
        Some(ChunkTask { ordinal: task.ordinal, selection, chunks: task.chunks })
    }
}

impl ReductionPlan {
    /// How many slabs the answer is best cut into; 0 where partials are small and merging them is cheaper. It depends on the
    /// plan alone.
    #[must_use]
    pub fn slab_count(&self) -> u64 {
        if self.has_texts()
            || self.cuttable().next().is_none()
            || self.partial_len_max().saturating_mul(SMALL_PARTIAL) < self.decoded_len_max()
        {
            return 0;
        }
        (self.output_cells / CELLS_MIN).min(SLABS_MAX) as u64
    }

    /// The empty answer, cut into `count` slabs or fewer; empty if `count` is 0 or no axis is kept, so that there is no
    /// axis to cut.
    #[must_use]
    pub fn slabs(&self, count: u64) -> Vec<Slab> {
        self.cut(count).unwrap_or_default()
    }

    /// The axes along which the answer can be cut: of the array, and of the answer.
    fn cuttable(&self) -> impl Iterator<Item = (usize, usize)> {
        let axes = self.axes.iter().zip(&self.answer_axes).enumerate();
        axes.filter_map(|(axis, (map, answer))| (*map == AxisMap::Keep).then_some((axis, (*answer)?)))
    }

    fn cut(&self, count: u64) -> Option<Vec<Slab>> {
        // The outermost axis that is long enough, for long runs within a slab; else the longest.
        let whole = whole(self);
        let length = |(axis, output): (usize, usize)| (axis, output, whole.shape[output] as u64);
        let lengths: Vec<(usize, usize, u64)> = self.cuttable().map(length).collect();
        let long = lengths.iter().find(|(.., length)| *length >= count);
        let &(axis, output, length) = long.or_else(|| lengths.iter().max_by_key(|(.., length)| *length))?;
        let step = length.div_ceil(Some(count).filter(|&count| count > 0)?).max(1);
        let slab = |i: u64| {
            let positions = i * step..length.min((i + 1) * step);
            let mut region = whole.clone();
            if let (Some(start), Some(shape)) = (region.start.get_mut(output), region.shape.get_mut(output)) {
                *start = positions.start;
                *shape = usize::try_from(positions.end - positions.start).unwrap_or(*shape);
            }
            Slab { axis, positions, tree: Tree::new(region), last: None, added: 0 }
        };
        Some((0..length.div_ceil(step)).map(slab).collect())
    }

    /// Adds to `slab` what lies in it of the next chunk that touches it: `decoded`, the whole chunk in stored byte order,
    /// or `None` if the chunk is not stored.
    ///
    /// # Errors
    ///
    /// [`ReduceError::Order`] if a later task was added before, and those of [`ReductionPlan::reduce_chunk`] and
    /// [`ReductionPlan::absent_chunk`].
    pub fn add_chunk(
        &self,
        slab: &mut Slab,
        task: &ChunkTask,
        decoded: Option<&[u8]>,
    ) -> Result<(), ReduceError> {
        if let Some(last) = slab.last.filter(|&last| last >= task.ordinal) {
            return Err(ReduceError::Order { expected: last + 1, ordinal: task.ordinal });
        }
        slab.last = Some(task.ordinal);
        let Some(task) = slab.cut(task) else { return Ok(()) };
        slab.added += if task.chunks == 1 { 1 } else { self.chunks_of(&task.selection) };
        let partial = match decoded {
            // Deviations need the mean of the chunk's own values before they are added, and what is folded is so chunk by
            // chunk.
            Some(decoded) if self.wanted.deviations || self.fold.is_some() => {
                self.reduce_chunk(&task, decoded)?
            }
            Some(decoded) => {
                self.check_len(&task, decoded)?;
                return slab
                    .tree
                    .add(self, task.ordinal, |frame, cells| reduce_into(self, &task, decoded, frame, cells));
            }
            None => self.absent_chunk(&task)?,
        };
        if matches!(partial.cells, Cells::Missing) {
            return Ok(());
        }
        slab.tree.add(self, task.ordinal, |frame, cells| {
            let fits = accumulator::merge(self, frame, cells, &partial.cells, &partial.region);
            if fits { Ok(()) } else { Err(ReduceError::Foreign { ordinal: task.ordinal }) }
        })
    }

    /// Adds to `slab` what lies in it of a node that was handed on elsewhere, in the place of its tasks.
    ///
    /// # Errors
    ///
    /// [`ReduceError::Order`] if a later task was added before, [`ReduceError::Foreign`] if the node belongs to another plan.
    pub fn add_node(&self, slab: &mut Slab, node: &Node) -> Result<(), ReduceError> {
        let ordinals = &node.ordinals;
        if let Some(last) = slab.last.filter(|&last| last >= ordinals.start) {
            return Err(ReduceError::Order { expected: last + 1, ordinal: ordinals.start });
        }
        slab.last = ordinals.end.checked_sub(1);
        // As many chunks of each row lie in the slab.
        let rows = (ordinals.end - ordinals.start) / self.chunks.row_len().max(1);
        let all = self.chunks.row_count().max(1);
        slab.added += match slab.axis {
            0 => self.chunks_in_rows(&slab.positions, ordinals),
            axis => self.chunks_in(axis, &slab.positions) / all * rows,
        };
        match node.within(self, &slab.tree.frame) {
            Some(node) => slab.tree.add_node(self, &node),
            None => Ok(()),
        }
    }
}

impl Slab {
    /// Hands nodes on while chunks are added; see [`Slab::take_nodes`].
    #[must_use]
    pub fn handing_on(mut self, handing: Handing) -> Self {
        self.tree.handing = handing;
        self
    }

    /// The pieces of nodes that were handed on since the last call, once all tasks before `ordinal` were added.
    ///
    /// # Errors
    ///
    /// [`ReduceError::Foreign`] if chunks of several plans were added.
    pub fn take_nodes(&mut self, plan: &ReductionPlan, ordinal: u64) -> Result<Vec<Node>, ReduceError> {
        self.tree.settle(plan, ordinal)?;
        Ok(std::mem::take(&mut self.tree.nodes))
    }

    /// Copies of the nodes that have begun and are not complete, once all tasks before `ordinal` were added.
    #[must_use]
    pub fn open_nodes(&self, plan: &ReductionPlan, ordinal: u64) -> Vec<Node> {
        self.tree.open_nodes(plan, ordinal)
    }

    /// The pieces of nodes that are handed on, once all tasks in their blocks were added.
    ///
    /// # Errors
    ///
    /// As [`Slab::take_nodes`].
    pub fn into_nodes(self, plan: &ReductionPlan) -> Result<Vec<Node>, ReduceError> {
        self.tree.into_nodes(plan)
    }
}
