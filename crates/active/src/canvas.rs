//! The answer of a plan that keeps much of every chunk, filled by all threads at once.
//!
//! Each slab takes the chunks in task order. A thread that has decoded a chunk before its turn leaves it at the slab, and
//! the thread whose turn it is adds it after its own; no thread ever waits for another chunk to be decoded. Once the jobs
//! of all chunks up to one have ended, all of these have been added: what waits at a slab belongs to jobs that have not
//! been taken off the queue, so it is bounded as they are.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rangefold_reduce::{Answered, ChunkTask, Handing, Node, ReduceError, ReductionPlan, Slab};

use crate::plans::PlansByPart;

/// What is drawn on.
#[derive(Debug)]
pub(crate) struct Canvas {
    slabs: Vec<Mutex<Turns>>,
    /// Buffers of chunks that have been added, for others.
    spare: Mutex<Vec<Vec<u8>>>,
    /// Of the chunks that could not be added, the first in task order, and why.
    failed: Mutex<Option<(u64, ReduceError)>>,
    /// Pieces of nodes that are handed on, by their last task and their level.
    pieces: Mutex<BTreeMap<(u64, u32), Vec<Node>>>,
}

/// A slab, and the chunks that were decoded before their turn.
#[derive(Debug)]
struct Turns {
    slab: Slab,
    /// Ordinal of the task whose turn it is.
    next: u64,
    waiting: BTreeMap<u64, Arc<Drawn>>,
}

/// What is to be added.
#[derive(Debug)]
pub(crate) enum Drawn {
    /// A chunk, and its elements.
    Chunk(ChunkTask, Elements),
    /// A node in the place of its tasks.
    Node(Arc<Node>),
}

impl Drawn {
    /// The tasks it stands for, by their ordinals.
    fn ordinals(&self) -> Range<u64> {
        match self {
            Self::Chunk(task, _) => task.ordinal..task.ordinal.saturating_add(task.chunks),
            Self::Node(node) => node.ordinals().clone(),
        }
    }
}

/// Elements of a chunk.
#[derive(Debug)]
pub(crate) enum Elements {
    /// The chunk is not stored.
    Absent,
    /// As they were stored.
    Stored(Bytes),
    /// Decoded into a buffer of the canvas.
    Decoded(Vec<u8>),
}

impl Elements {
    fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Absent => None,
            Self::Stored(bytes) => Some(bytes),
            Self::Decoded(bytes) => Some(bytes),
        }
    }
}

impl Canvas {
    /// `None` if the plan's partials are better merged.
    ///
    /// `first` is the ordinal of the first task that is added.
    pub(crate) fn new(plan: &ReductionPlan, first: u64, handing: &Handing) -> Option<Self> {
        let slabs = plan.slabs(plan.slab_count());
        if slabs.is_empty() {
            return None;
        }
        let turns = |slab: Slab| {
            let slab = slab.handing_on(handing.clone());
            Mutex::new(Turns { slab, next: first, waiting: BTreeMap::new() })
        };
        let slabs = slabs.into_iter().map(turns).collect();
        Some(Self { slabs, spare: Mutex::default(), failed: Mutex::default(), pieces: Mutex::default() })
    }

    /// A buffer to decode into; what is in it has no meaning.
    pub(crate) fn buffer(&self) -> Vec<u8> {
        lock(&self.spare).pop().unwrap_or_default()
    }

    /// Adds a chunk, now or when its turn comes, and those whose turn comes by it. A slab stops at the first chunk that
    /// cannot be added, see [`Canvas::failure`].
    pub(crate) fn add(&self, plans: &PlansByPart, drawn: Drawn) {
        let drawn = Arc::new(drawn);
        for turns in &self.slabs {
            let mut turns = lock(turns);
            turns.waiting.insert(drawn.ordinals().start, Arc::clone(&drawn));
            while let Some(drawn) = turns.due() {
                let ordinals = drawn.ordinals();
                let added = match &*drawn {
                    Drawn::Chunk(task, elements) => {
                        plans.of(task).add_chunk(&mut turns.slab, task, elements.bytes())
                    }
                    Drawn::Node(node) => plans.main.add_node(&mut turns.slab, node),
                };
                if let Err(error) = added {
                    self.fail(ordinals.start, error);
                    break;
                }
                turns.next = ordinals.end;
                self.reclaim(drawn);
            }
        }
        self.reclaim(drawn);
    }

    fn fail(&self, ordinal: u64, error: ReduceError) {
        let mut failed = lock(&self.failed);
        if failed.as_ref().is_none_or(|(first, _)| ordinal < *first) {
            *failed = Some((ordinal, error));
        }
    }

    /// Why the chunk of task `ordinal` could not be added, if it could not. The jobs of all tasks before it and its own
    /// must have ended.
    pub(crate) fn failure(&self, ordinal: u64) -> Option<ReduceError> {
        lock(&self.failed).take_if(|(first, _)| *first == ordinal).map(|(_, error)| error)
    }

    /// Keeps the buffer of a chunk if no slab needs it any more.
    fn reclaim(&self, drawn: Arc<Drawn>) {
        if let Some(Drawn::Chunk(_, Elements::Decoded(buffer))) = Arc::into_inner(drawn) {
            lock(&self.spare).push(buffer);
        }
    }

    /// The nodes that are handed on and complete, once the jobs of all tasks before `ordinal` have ended.
    ///
    /// # Errors
    ///
    /// Those of [`Slab::take_nodes`].
    pub(crate) fn take_nodes(&self, plan: &ReductionPlan, ordinal: u64) -> Result<Vec<Node>, ReduceError> {
        for turns in &self.slabs {
            let pieces = lock(turns).slab.take_nodes(plan, ordinal)?;
            self.gather(pieces);
        }
        let mut pieces = lock(&self.pieces);
        let later = pieces.split_off(&(ordinal.saturating_add(1), 0));
        let complete = std::mem::replace(&mut *pieces, later);
        Ok(complete.into_values().filter_map(|pieces| plan.join_nodes(pieces)).collect())
    }

    /// Copies of the nodes that have begun, once all tasks before `ordinal` were added.
    pub(crate) fn open_nodes(&self, plan: &ReductionPlan, ordinal: u64) -> Vec<Node> {
        for turns in &self.slabs {
            let pieces = lock(turns).slab.open_nodes(plan, ordinal);
            self.gather(pieces);
        }
        self.joined(plan)
    }

    /// The nodes that are handed on, once all tasks were added.
    ///
    /// # Errors
    ///
    /// Those of [`Slab::into_nodes`].
    pub(crate) fn into_nodes(mut self, plan: &ReductionPlan) -> Result<Vec<Node>, ReduceError> {
        for turns in std::mem::take(&mut self.slabs) {
            let slab = turns.into_inner().unwrap_or_else(PoisonError::into_inner).slab;
            self.gather(slab.into_nodes(plan)?);
        }
        Ok(self.joined(plan))
    }

    fn gather(&self, pieces: Vec<Node>) {
        let mut all = lock(&self.pieces);
        for piece in pieces {
            all.entry((piece.ordinals().end, piece.level())).or_default().push(piece);
        }
    }

    fn joined(&self, plan: &ReductionPlan) -> Vec<Node> {
        let pieces = std::mem::take(&mut *lock(&self.pieces));
        pieces.into_values().filter_map(|pieces| plan.join_nodes(pieces)).collect()
    }

    /// The answers, once every chunk was added.
    ///
    /// # Errors
    ///
    /// Those of [`ReductionPlan::answers`].
    pub(crate) fn finish(self, plan: &ReductionPlan) -> Result<Vec<Answered>, ReduceError> {
        let slab = |turns: Mutex<Turns>| turns.into_inner().unwrap_or_else(PoisonError::into_inner).slab;
        plan.answers(self.slabs.into_iter().map(slab).collect())
    }
}

impl Turns {
    fn due(&mut self) -> Option<Arc<Drawn>> {
        self.waiting.remove(&self.next)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
