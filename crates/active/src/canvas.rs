//! The answer of a plan that keeps much of every chunk, filled by all threads at once.
//!
//! Each slab takes the chunks in task order. A thread that has decoded a chunk before its turn leaves it at the slab, and
//! the thread whose turn it is adds it after its own; no thread ever waits for another chunk to be decoded. Once the jobs
//! of all chunks up to one have ended, all of these have been added: what waits at a slab belongs to jobs that have not
//! been taken off the queue, so it is bounded as they are.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rangefold_reduce::{Answered, ChunkTask, ReduceError, ReductionPlan, Slab};

use crate::plans::PlansByPart;

/// What is drawn on.
#[derive(Debug)]
pub(crate) struct Canvas {
    slabs: Vec<Mutex<Turns>>,
    /// Buffers of chunks that have been added, for others.
    spare: Mutex<Vec<Vec<u8>>>,
    /// Of the chunks that could not be added, the first in task order, and why.
    failed: Mutex<Option<(u64, ReduceError)>>,
}

/// A slab, and the chunks that were decoded before their turn.
#[derive(Debug)]
struct Turns {
    slab: Slab,
    /// Ordinal of the task whose turn it is.
    next: u64,
    waiting: BTreeMap<u64, Arc<Drawn>>,
}

/// A chunk to be added.
#[derive(Debug)]
pub(crate) struct Drawn {
    /// The chunk.
    pub(crate) task: ChunkTask,
    /// Its elements.
    pub(crate) elements: Elements,
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
    pub(crate) fn new(plan: &ReductionPlan) -> Option<Self> {
        let slabs = plan.slabs(plan.slab_count());
        if slabs.is_empty() {
            return None;
        }
        let turns = |slab| Mutex::new(Turns { slab, next: 0, waiting: BTreeMap::new() });
        let slabs = slabs.into_iter().map(turns).collect();
        Some(Self { slabs, spare: Mutex::default(), failed: Mutex::default() })
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
            turns.waiting.insert(drawn.task.ordinal, Arc::clone(&drawn));
            while let Some(drawn) = turns.due() {
                let plan = plans.of(&drawn.task);
                if let Err(error) = plan.add_chunk(&mut turns.slab, &drawn.task, drawn.elements.bytes()) {
                    self.fail(drawn.task.ordinal, error);
                    break;
                }
                turns.next += drawn.task.chunks;
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
        if let Some(Drawn { elements: Elements::Decoded(buffer), .. }) = Arc::into_inner(drawn) {
            lock(&self.spare).push(buffer);
        }
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
