//! Weighted reductions whose cells do not fit in memory before they are folded.
//!
//! A plan keeps the axes of the weights. Where what it keeps is more than the memory allows, it is run for some positions of
//! the first of these axes at a time, at chunk boundaries, and what each run gives is folded before the next. Variances need the
//! means of all first, and so a second turn. The bits of the answers are those of a single run.

use std::ops::Range;

use rangefold_array::{AxisChunks, AxisRange, Hyperslab};
use rangefold_reduce::{AxisMap, Outcome};
use rangefold_store::ReferenceStore;

use crate::execution::Execution;
use crate::limits::{Limits, Progress, Statistics};
use crate::resources::Share;
use crate::run::run_plans;
use crate::run_error::RunError;
use crate::weights::Weights;

/// The share of the memory that the cells of a block may take.
const BLOCK_SHARE: u64 = 2;

/// Positions of one axis, some at a time.
pub(crate) struct Blocks {
    /// The axis of the array.
    axis: usize,
    /// That axis among those that the plan keeps.
    kept: usize,
    positions: Vec<Range<u64>>,
}

impl Execution {
    /// The blocks that a weighted reduction is run in; `None` if there is one at most.
    pub(crate) fn blocks(&self, store: &ReferenceStore, limits: Limits) -> Option<Blocks> {
        let needed = self.plan().accumulator_len().saturating_add(self.plan().answers_len());
        if needed <= limits.memory {
            return None;
        }
        let kept = self.weights.as_ref()?.folded_axes().next()?;
        let mut axes = self.spec.axes.iter().enumerate().filter(|(_, map)| **map != AxisMap::Reduce);
        let (axis, map) = axes.nth(kept)?;
        let range = *self.selection.axes().get(axis)?;
        let array = store.references().arrays.get(&self.variable)?;
        if *map != AxisMap::Keep || range.count() < 2 {
            return None;
        }
        let row = (needed / range.count()).max(1);
        let most = (limits.memory / BLOCK_SHARE / row).max(1);
        // The position before which a block that begins at `start` ends: where a chunk does, if one does.
        let end = |start: u64| {
            let chunk_end = |n: u64| {
                let position = range.start() + (n - 1) * range.stride();
                let end = match array.meta.grid.axes().get(axis) {
                    Some(AxisChunks::Regular { length }) => (position / length + 1).saturating_mul(*length),
                    Some(AxisChunks::Listed { bounds }) => {
                        let next = bounds.partition_point(|&bound| bound <= position);
                        bounds.get(next).copied().unwrap_or(u64::MAX)
                    }
                    None => u64::MAX,
                };
                end.saturating_sub(range.start()).div_ceil(range.stride()).min(range.count())
            };
            let mut end = chunk_end(start + 1);
            while end < range.count() && chunk_end(end + 1) - start <= most {
                end = chunk_end(end + 1);
            }
            end
        };
        let mut positions = Vec::new();
        let mut start = 0;
        while start < range.count() {
            positions.push(start..end(start));
            start = end(start);
        }
        (positions.len() > 1).then_some(Blocks { axis, kept, positions })
    }

    /// Runs the plan block by block and folds what it gives by the weights.
    pub(crate) async fn run_blocks(
        &self,
        store: &ReferenceStore,
        weights: &Weights,
        blocks: &Blocks,
        share: &Share,
        progress: Progress<'_>,
    ) -> Result<(Vec<Outcome>, Statistics), RunError> {
        let mut folding = weights.folding();
        let mut statistics = Statistics { chunks: self.plan().chunk_count(), ..Statistics::default() };
        for positions in &blocks.positions {
            let (outcomes, took) = self.run_block(store, blocks, positions, share).await?;
            folding.add_values(&outcomes, blocks.kept, positions.clone());
            statistics.missing += took.missing;
            statistics.add_pass(took);
            progress(positions.end.min(statistics.chunks), &statistics);
        }
        if folding.has_deviations() {
            for positions in &blocks.positions {
                let (outcomes, took) = self.run_block(store, blocks, positions, share).await?;
                folding.add_deviations(&outcomes, blocks.kept, positions.clone());
                statistics.add_pass(took);
            }
        }
        Ok((folding.finish(&self.asked), statistics))
    }

    async fn run_block(
        &self,
        store: &ReferenceStore,
        blocks: &Blocks,
        positions: &Range<u64>,
        share: &Share,
    ) -> Result<(Vec<Outcome>, Statistics), RunError> {
        let lost = || RunError::Lost { variable: self.variable.clone(), what: "a block" };
        let mut axes = self.selection.axes().to_vec();
        if let Some(range) = axes.get_mut(blocks.axis) {
            let start = range.start() + positions.start * range.stride();
            let last = range.start() + (positions.end - 1) * range.stride();
            let block = AxisRange::new(start, range.stride(), positions.end - positions.start, last + 1);
            *range = block.ok_or_else(lost)?;
        }
        let array = store.references().arrays.get(&self.variable).ok_or_else(lost)?;
        let plans = self.plans_of(array, &Hyperslab::from_axes(axes), &self.spec);
        let plans = plans.map_err(|_| lost())?;
        let (answers, statistics) = run_plans(store, &self.variable, &plans, share, &|_, _| {}).await?;
        let reduce_error = |source| RunError::Reduce { variable: self.variable.clone(), source };
        let outcomes = answers.into_iter().collect::<Result<_, _>>().map_err(reduce_error)?;
        Ok((outcomes, statistics))
    }
}
