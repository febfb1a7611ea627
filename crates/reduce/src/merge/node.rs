//! What several chunks have merged to, as a value: kept, sent, and merged with others later.

use std::ops::Range;

use super::accumulator::{cut, merge};
use crate::{plan::reduction_plan::ReductionPlan, question::region::Region, statistic::cells::Cells};

/// A node of the [order](crate::ReductionPlan::blocks) in which partials merge, or its beginning: what its tasks have
/// merged to. Made and taken by [`Accumulator`](crate::Accumulator) and [`Slab`](crate::Slab); two with the same plan have
/// the same bits whoever made them.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub(crate) level: u32,
    pub(crate) ordinals: Range<u64>,
    pub(crate) region: Region,
    pub(crate) cells: Cells,
}

impl Node {
    /// The level of the node: 0 for a block.
    #[must_use]
    pub fn level(&self) -> u32 {
        self.level
    }

    /// The tasks that were merged, by their ordinals.
    #[must_use]
    pub fn ordinals(&self) -> &Range<u64> {
        &self.ordinals
    }

    /// The cells of `frame`, of which only those near some with a value are taken.
    pub(crate) fn new(
        plan: &ReductionPlan,
        level: u32,
        ordinals: Range<u64>,
        frame: &Region,
        cells: Cells,
    ) -> Self {
        let region = occupied(frame, &cells);
        let cells = if region == *frame { cells } else { cut(plan, frame, &cells, &region) };
        Self { level, ordinals, region, cells }
    }

    /// What of the node lies in `frame`; `None` if nothing does.
    pub(crate) fn within(&self, plan: &ReductionPlan, frame: &Region) -> Option<Self> {
        let region = self.region.intersection(frame)?;
        let cells = cut(plan, &self.region, &self.cells, &region);
        Some(Self { level: self.level, ordinals: self.ordinals.clone(), region, cells })
    }
}

impl ReductionPlan {
    /// One node of the pieces that several slabs have of it; `None` if there are none, or they do not belong together.
    #[must_use]
    pub fn join_nodes(&self, pieces: Vec<Node>) -> Option<Node> {
        let (level, ordinals) = pieces.first().map(|piece| (piece.level, piece.ordinals.clone()))?;
        if pieces.iter().any(|piece| piece.level != level || piece.ordinals != ordinals) {
            return None;
        }
        if let [_] = pieces.as_slice() {
            return pieces.into_iter().next();
        }
        let region = pieces.iter().map(|piece| piece.region.clone()).reduce(|a, b| a.around(&b))?;
        let mut cells = self.empty_cells(region.cells());
        let fits = pieces.iter().all(|piece| merge(self, &region, &mut cells, &piece.cells, &piece.region));
        fits.then_some(Node { level, ordinals, region, cells })
    }
}

/// The part of `frame` along its first axis that has values.
fn occupied(frame: &Region, cells: &Cells) -> Region {
    let mut region = frame.clone();
    let (Some(start), Some(length)) = (region.start.first_mut(), region.shape.first_mut()) else {
        return region;
    };
    let width = frame.cells().checked_div(*length).unwrap_or(0);
    if width == 0 {
        return region;
    }
    let is_empty = |position: &usize| cells.are_empty(position * width..(position + 1) * width);
    let before = (0..*length).take_while(is_empty).count();
    let after = (before..*length).rev().take_while(is_empty).count();
    *start += before as u64;
    *length -= before + after;
    region
}
