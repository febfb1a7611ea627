//! Cells that grow in the order of the [tree](crate::plan::order) of blocks.

use std::ops::Range;

use super::{
    accumulator::{cut, merge},
    node::Node,
};
use crate::{
    chunk::reduce_error::ReduceError,
    plan::{
        order::{blocks_of_node, node_of},
        reduction_plan::ReductionPlan,
    },
    question::region::Region,
    statistic::cells::Cells,
};

/// Which nodes are handed on while tasks are added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Handing {
    /// None: all of them merge to the answer.
    #[default]
    Nothing,
    /// A copy of each that is complete, from this level on.
    Copies(u32),
    /// The largest ones that lie in these blocks with all their tasks. There is no answer then.
    Largest(Range<u64>),
}

/// The cells of a region of an answer, while tasks are added in their order: one open node at each level.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    pub(crate) frame: Region,
    /// For each level the node that holds the block which is added to, if anything was added to it.
    open: Vec<Option<Cells>>,
    /// The block that is added to.
    block: Option<u64>,
    pub(crate) handing: Handing,
    /// Nodes that are handed on.
    pub(crate) nodes: Vec<Node>,
}

impl Tree {
    /// Nothing yet of `frame`.
    pub(crate) fn new(frame: Region) -> Self {
        Self { frame, open: Vec::new(), block: None, handing: Handing::Nothing, nodes: Vec::new() }
    }

    /// Has `add` add something of the task with this ordinal to the cells of its block, after nodes that have ended were
    /// closed.
    pub(crate) fn add<T>(
        &mut self,
        plan: &ReductionPlan,
        ordinal: u64,
        add: impl FnOnce(&Region, &mut Cells) -> Result<T, ReduceError>,
    ) -> Result<T, ReduceError> {
        self.enter(plan, plan.block_of(ordinal))?;
        if self.open.is_empty() {
            self.open.push(None);
        }
        let Self { frame, open, .. } = self;
        let count = frame.cells();
        match open.first_mut() {
            Some(cells) => add(frame, cells.get_or_insert_with(|| plan.empty_cells(count))),
            None => Err(ReduceError::Foreign { ordinal }),
        }
    }

    /// Adds a node, of which nothing has been added.
    pub(crate) fn add_node(&mut self, plan: &ReductionPlan, node: &Node) -> Result<(), ReduceError> {
        let Node { level, ordinals, region, cells } = node;
        let foreign = || ReduceError::Foreign { ordinal: ordinals.start };
        let last = ordinals.end.checked_sub(1).filter(|_| !ordinals.is_empty()).ok_or_else(foreign)?;
        let (first, last) = (plan.block_of(ordinals.start), plan.block_of(last));
        if !plan.keeps_rows()
            && (*level > plan.top_level() || node_of(*level, first) != node_of(*level, last))
        {
            return Err(foreign());
        }
        self.enter(plan, first)?;
        let level = if plan.keeps_rows() { 0 } else { *level as usize };
        let is_begun = self.open.iter().take(level + 1).any(Option::is_some);
        if is_begun && !plan.keeps_rows() {
            return Err(foreign());
        }
        if self.open.len() <= level {
            self.open.resize_with(level + 1, || None);
        }
        let count = self.frame.cells();
        let Some(open) = self.open.get_mut(level) else { return Err(foreign()) };
        let mine = open.get_or_insert_with(|| plan.empty_cells(count));
        self.block = Some(last);
        if merge(plan, &self.frame, mine, cells, region) { Ok(()) } else { Err(foreign()) }
    }

    /// Closes the nodes that end before the task with this ordinal, which may be one past the last.
    pub(crate) fn settle(&mut self, plan: &ReductionPlan, ordinal: u64) -> Result<(), ReduceError> {
        let Some(last) = ordinal.checked_sub(1) else { return Ok(()) };
        let block = plan.block_of(last);
        let is_over = plan.tasks_of_blocks(&(block..block + 1)).end <= ordinal;
        let next = if is_over { block + 1 } else { block };
        if self.block.is_some_and(|block| block < next) && ordinal < plan.chunk_count() {
            self.enter(plan, next)?;
        }
        Ok(())
    }

    /// Closes the nodes that do not hold this block.
    fn enter(&mut self, plan: &ReductionPlan, block: u64) -> Result<(), ReduceError> {
        if self.block == Some(block) {
            return Ok(());
        }
        if let Some(last) = self.block.replace(block) {
            if plan.keeps_rows() {
                if self.handing == Handing::Copies(0) {
                    self.nodes.extend(self.rows(plan, plan.tasks_of_blocks(&(last..last + 1))));
                }
                return Ok(());
            }
            let top = plan.top_level();
            for level in (0..top).take_while(|&level| node_of(level, last) != node_of(level, block)) {
                self.close(plan, level, last, top)?;
            }
        }
        Ok(())
    }

    /// Closes the node of a level that holds a block: it merges with those before it, or is handed on.
    fn close(&mut self, plan: &ReductionPlan, level: u32, block: u64, top: u32) -> Result<(), ReduceError> {
        let at = level as usize;
        let Some(cells) = self.open.get_mut(at).and_then(Option::take) else { return Ok(()) };
        let ordinals = plan.tasks_of_blocks(&blocks_of_node(level, block));
        let first = ordinals.start;
        match &self.handing {
            Handing::Nothing => {}
            Handing::Copies(least) => {
                if level >= *least {
                    self.nodes.push(Node::new(plan, level, ordinals, &self.frame, cells.clone()));
                }
            }
            Handing::Largest(within) => {
                let (all, parent) = (plan.blocks(), blocks_of_node(level + 1, block));
                let parent = parent.start.max(all.start)..parent.end.min(all.end);
                if level == top || parent.start < within.start || within.end < parent.end {
                    self.nodes.push(Node::new(plan, level, ordinals, &self.frame, cells));
                    return Ok(());
                }
            }
        }
        if self.open.len() <= at + 1 {
            self.open.resize_with(at + 2, || None);
        }
        let fits = match self.open.get_mut(at + 1) {
            Some(Some(parent)) => merge(plan, &self.frame, parent, &cells, &self.frame),
            Some(parent) => {
                *parent = Some(cells);
                true
            }
            None => false,
        };
        if fits { Ok(()) } else { Err(ReduceError::Foreign { ordinal: first }) }
    }

    /// A copy of the cells of whole rows, where rows share none.
    fn rows(&self, plan: &ReductionPlan, ordinals: Range<u64>) -> Option<Node> {
        let region = plan.region_of_rows(&ordinals)?.intersection(&self.frame)?;
        let cells = cut(plan, &self.frame, self.open.first()?.as_ref()?, &region);
        Some(Node { level: 0, ordinals, region, cells })
    }

    /// Copies what is open: nodes that have begun, before the task with this ordinal.
    pub(crate) fn open_nodes(&self, plan: &ReductionPlan, ordinal: u64) -> Vec<Node> {
        let Some(block) = self.block else { return Vec::new() };
        let mut end = ordinal;
        let mut nodes = Vec::new();
        if plan.keeps_rows() {
            // Of blocks that were not copied when they were complete, all are open.
            let first = if self.handing == Handing::Copies(0) { block } else { plan.blocks().start };
            let ordinals = plan.tasks_of_blocks(&(first..block + 1));
            return self.rows(plan, ordinals.start..ordinals.end.min(end)).into_iter().collect();
        }
        for (level, cells) in (0..).zip(&self.open) {
            let Some(cells) = cells else { continue };
            let ordinals = plan.tasks_of_blocks(&blocks_of_node(level, block));
            let ordinals = ordinals.start..ordinals.end.min(end);
            end = ordinals.start;
            nodes.push(Node::new(plan, level, ordinals, &self.frame, cells.clone()));
        }
        nodes
    }

    /// Closes all nodes below the top, and hands on the largest ones if that is what is done with them.
    pub(crate) fn close_all(&mut self, plan: &ReductionPlan) -> Result<(), ReduceError> {
        let (Some(block), top) = (self.block, plan.top_level()) else { return Ok(()) };
        if let (Handing::Largest(within), true) = (&self.handing, plan.keeps_rows()) {
            self.nodes.extend(self.rows(plan, plan.tasks_of_blocks(within)));
            return Ok(());
        }
        for level in 0..top {
            self.close(plan, level, block, top)?;
        }
        if matches!(self.handing, Handing::Largest(_)) {
            self.close(plan, top, block, top)?;
        }
        Ok(())
    }

    /// The cells of the answer.
    pub(crate) fn finish(mut self, plan: &ReductionPlan) -> Result<Cells, ReduceError> {
        self.close_all(plan)?;
        let top = self.open.into_iter().nth(plan.top_level() as usize).flatten();
        Ok(top.unwrap_or_else(|| plan.empty_cells(self.frame.cells())))
    }

    /// The nodes that are handed on, once all tasks that are to be added were.
    pub(crate) fn into_nodes(mut self, plan: &ReductionPlan) -> Result<Vec<Node>, ReduceError> {
        self.close_all(plan)?;
        Ok(self.nodes)
    }
}
