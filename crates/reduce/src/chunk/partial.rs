//! What one task contributes.

use crate::{
    plan::{chunk_task::ChunkTask, reduction_plan::ReductionPlan},
    question::region::Region,
    statistic::cells::Cells,
};

/// The statistics of the cells that one chunk contributes to.
///
/// Partials of one plan are merged in task order by [`Accumulator::merge`](crate::Accumulator::merge).
#[derive(Clone, Debug, PartialEq)]
pub struct Partial {
    pub(crate) ordinal: u64,
    /// How many chunks it stands for.
    pub(crate) chunks: u64,
    pub(crate) region: Region,
    pub(crate) cells: Cells,
}

impl Partial {
    /// The partial of a task whose chunks have no valid element.
    pub(crate) fn missing(task: &ChunkTask) -> Self {
        let ChunkTask { ordinal, selection: _, chunks } = task;
        Self { ordinal: *ordinal, chunks: *chunks, region: Region::default(), cells: Cells::Missing }
    }

    /// Ordinal of the task this comes from.
    #[must_use]
    pub fn ordinal(&self) -> u64 {
        self.ordinal
    }

    /// The partial that cells for `region` make, folded if the plan has a fold.
    pub(crate) fn of_cells(plan: &ReductionPlan, task: &ChunkTask, region: Region, cells: Cells) -> Self {
        let (region, cells) = match &plan.fold {
            None => (region, cells),
            Some(fold) => {
                let (within, to) = fold.fold_region(&region);
                let cells = cells.folded(&plan.wanted, within.cells(), &to);
                (within, cells)
            }
        };
        Self { ordinal: task.ordinal, chunks: task.chunks, region, cells }
    }
}
