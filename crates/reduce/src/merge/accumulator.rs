//! Merging partials.

use std::ops::Range;

use crate::{
    chunk::{partial::Partial, reduce_error::ReduceError},
    meaning::element::Wide,
    plan::reduction_plan::ReductionPlan,
    question::region::Region,
    statistic::{cells::Cells, columns::Columns, texts::Texts},
};

use super::{
    node::Node,
    tree::{Handing, Tree},
};

impl ReductionPlan {
    /// Where the partials of all tasks are merged, in order.
    #[must_use]
    pub fn accumulator(&self) -> Accumulator<'_> {
        Accumulator::new(self)
    }
}

/// Merges the partials of a plan's tasks, in their order.
///
/// Because the order is fixed, the answers have the same bits however the partials were made.
#[derive(Clone, Debug)]
pub struct Accumulator<'p> {
    pub(crate) plan: &'p ReductionPlan,
    pub(crate) merged: u64,
    pub(crate) tree: Tree,
}

impl<'p> Accumulator<'p> {
    fn new(plan: &'p ReductionPlan) -> Self {
        Self { plan, merged: 0, tree: Tree::new(whole(plan)) }
    }

    /// Hands nodes on while partials are merged; see [`Accumulator::take_nodes`].
    #[must_use]
    pub fn handing_on(mut self, handing: Handing) -> Self {
        if let Handing::Largest(blocks) = &handing {
            self.merged = self.plan.tasks_of_blocks(blocks).start;
        }
        self.tree.handing = handing;
        self
    }

    /// Adds the partial of the next task.
    ///
    /// # Errors
    ///
    /// [`ReduceError::Order`] if it belongs to another task, [`ReduceError::Foreign`] to another plan.
    pub fn merge(&mut self, partial: &Partial) -> Result<(), ReduceError> {
        let Partial { ordinal, chunks, region, cells } = partial;
        self.expect(*ordinal)?;
        let plan = self.plan;
        if !matches!(cells, Cells::Missing) {
            self.tree.add(plan, *ordinal, |frame, mine| {
                let fits = merge(plan, frame, mine, cells, region);
                if fits { Ok(()) } else { Err(ReduceError::Foreign { ordinal: *ordinal }) }
            })?;
        }
        self.merged += chunks;
        Ok(())
    }

    /// Adds a node that was handed on elsewhere, in the place of its tasks.
    ///
    /// # Errors
    ///
    /// [`ReduceError::Order`] if the next task is not its first, [`ReduceError::Foreign`] if it belongs to another plan.
    pub fn merge_node(&mut self, node: &Node) -> Result<(), ReduceError> {
        self.expect(node.ordinals.start)?;
        self.tree.add_node(self.plan, node)?;
        self.merged = node.ordinals.end;
        Ok(())
    }

    fn expect(&self, ordinal: u64) -> Result<(), ReduceError> {
        if ordinal == self.merged {
            Ok(())
        } else {
            Err(ReduceError::Order { expected: self.merged, ordinal })
        }
    }

    /// The nodes that were handed on since the last call.
    ///
    /// # Errors
    ///
    /// [`ReduceError::Foreign`] if partials of several plans were merged.
    pub fn take_nodes(&mut self) -> Result<Vec<Node>, ReduceError> {
        self.tree.settle(self.plan, self.merged)?;
        Ok(std::mem::take(&mut self.tree.nodes))
    }

    /// Copies of the nodes that have begun and are not complete.
    #[must_use]
    pub fn open_nodes(&self) -> Vec<Node> {
        self.tree.open_nodes(self.plan, self.merged)
    }

    /// The nodes that are handed on, once the partials of all tasks in their blocks were merged.
    ///
    /// # Errors
    ///
    /// As [`Accumulator::take_nodes`].
    pub fn into_nodes(self) -> Result<Vec<Node>, ReduceError> {
        self.tree.into_nodes(self.plan)
    }
}

/// The cells of `region`, which lies in `frame`.
pub(crate) fn cut(plan: &ReductionPlan, frame: &Region, cells: &Cells, region: &Region) -> Cells {
    fn columns<X: Wide>(
        plan: &ReductionPlan,
        frame: &Region,
        columns: &Columns<X>,
        region: &Region,
    ) -> Columns<X> {
        let mut taken = Columns::new(&plan.wanted, region.cells());
        merge_rows(frame, region, |_| true, |at, from| taken.put(from.start, columns, at..at + from.len()));
        taken
    }
    match cells {
        Cells::Missing => Cells::Missing,
        Cells::Signed(signed) => Cells::Signed(columns(plan, frame, signed, region)),
        Cells::Unsigned(unsigned) => Cells::Unsigned(columns(plan, frame, unsigned, region)),
        Cells::Float(float) => Cells::Float(columns(plan, frame, float, region)),
        Cells::Complex(real, imaginary) => Cells::Complex(
            columns(plan, frame, real, region),
            Box::new(columns(plan, frame, imaginary, region)),
        ),
        Cells::Text(texts) => {
            let mut taken = Texts::new(&plan.wanted, region.cells());
            let mut put = |at: usize, from: Range<usize>| taken.merge(from.start, texts, at..at + from.len());
            merge_rows(frame, region, |_| true, &mut put);
            Cells::Text(taken)
        }
    }
}

/// The region of all cells of the answer.
pub(crate) fn whole(plan: &ReductionPlan) -> Region {
    // The plan has checked that the answer's cells can be addressed; an answer without cells may have longer axes.
    let shape =
        plan.output_shape.iter().map(|&length| usize::try_from(length).unwrap_or(usize::MAX)).collect();
    Region { start: vec![0; plan.output_shape.len()], shape }
}

/// Merges the cells of `region` into those of `frame`. Returns `false` and merges nothing if they do not fit.
pub(crate) fn merge(
    plan: &ReductionPlan,
    frame: &Region,
    mine: &mut Cells,
    theirs: &Cells,
    region: &Region,
) -> bool {
    match (mine, theirs) {
        (_, Cells::Missing) => true,
        (Cells::Signed(mine), Cells::Signed(theirs)) => merge_columns(plan, frame, mine, theirs, region),
        (Cells::Unsigned(mine), Cells::Unsigned(theirs)) => merge_columns(plan, frame, mine, theirs, region),
        (Cells::Float(mine), Cells::Float(theirs)) => merge_columns(plan, frame, mine, theirs, region),
        (Cells::Complex(mine, my_imaginary), Cells::Complex(theirs, their_imaginary)) => {
            merge_columns(plan, frame, mine, theirs, region)
                && merge_columns(plan, frame, my_imaginary, their_imaginary, region)
        }
        (Cells::Text(mine), Cells::Text(theirs)) => {
            let have = |cells| theirs.have(&plan.wanted, cells);
            merge_rows(frame, region, have, |at, from| mine.merge(at, theirs, from))
        }
        _ => false,
    }
}

fn merge_columns<X: Wide>(
    plan: &ReductionPlan,
    frame: &Region,
    mine: &mut Columns<X>,
    theirs: &Columns<X>,
    region: &Region,
) -> bool {
    let have = |cells| theirs.have(&plan.wanted, cells);
    merge_rows(frame, region, have, |at, from| mine.merge(at, theirs, from))
}

/// Calls `merge` with each row of neighbouring cells of `region`: where it begins in `frame`, and its range in `region`.
/// Returns `false` and merges nothing if the region does not fit. `have` tells whether there are this many cells.
fn merge_rows(
    frame: &Region,
    region: &Region,
    have: impl Fn(usize) -> bool,
    mut merge: impl FnMut(usize, Range<usize>),
) -> bool {
    let rank = frame.shape.len();
    if region.start.len() != rank
        || region.shape.len() != rank
        || !have(region.cells())
        || region.cells() == 0
    {
        return region.cells() == 0 && have(0);
    }
    // Where the region begins within the frame, along each axis.
    let starts: Option<Vec<usize>> = (0..rank)
        .map(|axis| {
            let start = usize::try_from(region.start[axis].checked_sub(frame.start[axis])?).ok()?;
            (start.checked_add(region.shape[axis])? <= frame.shape[axis]).then_some(start)
        })
        .collect();
    let Some(starts) = starts else { return false };
    // One row of neighbouring cells at a time: the last axis is contiguous in both.
    let row_len = region.shape.last().copied().unwrap_or(1);
    for (row, source) in (0..region.cells()).step_by(row_len).enumerate() {
        let mut rest = row;
        let mut at = 0;
        let mut stride = 1;
        for axis in (0..rank).rev() {
            let mut position = starts[axis];
            if axis + 1 < rank {
                position += rest % region.shape[axis];
                rest /= region.shape[axis];
            }
            at += position * stride;
            stride *= frame.shape[axis];
        }
        merge(at, source..source + row_len);
    }
    true
}
