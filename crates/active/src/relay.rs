//! What a run does beside reading: nodes that stand in for chunks, and nodes that it hands on.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use rangefold_reduce::{Handing, Node, ReductionPlan};

/// Takes the nodes of a run as they are completed.
pub(crate) type TakeNode<'a> = dyn FnMut(Node) + Send + 'a;

/// What a run does beside reading.
pub(crate) struct Relay<'a> {
    /// The tasks of the run, by their ordinals.
    pub(crate) ordinals: Range<u64>,
    /// Nodes in the place of their tasks, in task order and without overlap.
    pub(crate) known: Vec<Arc<Node>>,
    /// Which nodes are handed on.
    pub(crate) handing: Handing,
    /// Takes them.
    pub(crate) take: &'a mut TakeNode<'a>,
}

/// The tasks that a run visits.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    /// The tasks of the run, by their ordinals.
    pub(crate) ordinals: Range<u64>,
    /// Nodes in the place of their tasks.
    pub(crate) known: VecDeque<Arc<Node>>,
}

impl Course {
    /// All tasks of a plan.
    pub(crate) fn all(plan: &ReductionPlan) -> Self {
        Self { ordinals: 0..plan.chunk_count(), known: VecDeque::new() }
    }

    /// Whether the chunk of the task with this ordinal is read.
    pub(crate) fn reads(&self, ordinal: u64) -> bool {
        let after = self.known.partition_point(|node| node.ordinals().end <= ordinal);
        self.ordinals.contains(&ordinal)
            && self.known.get(after).is_none_or(|node| ordinal < node.ordinals().start)
    }
}
