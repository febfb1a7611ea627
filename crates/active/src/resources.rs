//! What runs share: threads, memory, requests in flight, and counters of what they took.
//!
//! A process has one [`Resources`] for everything it runs at the same time. A run asks for a [`Share`] before it begins:
//! alone it gets all the memory it can use, beside others what is left, and it waits while that is too little to work
//! with. The answer is the same whatever the share is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rangefold_store::RequestSlots;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::{Limits, Statistics};
use crate::threads::Pool;

/// Memory is shared out in units of so many bytes.
const UNIT: u64 = 64 << 10;
/// A run begins once this part of the memory is free, or all that it needs.
const LEAST_PART: u64 = 8;

/// Threads, memory and requests in flight that any number of runs share. Clones share everything.
#[derive(Clone)]
pub struct Resources {
    shared: Arc<Shared>,
}

struct Shared {
    limits: Limits,
    pool: Pool,
    /// A permit for each unit of memory.
    memory: Arc<Semaphore>,
    units: u32,
    requests: RequestSlots,
    totals: Counters,
}

/// What all runs took since the beginning.
#[derive(Default)]
struct Counters {
    runs: AtomicU64,
    chunks: AtomicU64,
    fetched: AtomicU64,
    decoded: AtomicU64,
}

/// What all runs that have ended took together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Runs that have ended with an answer.
    pub runs: u64,
    /// Chunks that they visited.
    pub chunks: u64,
    /// Bytes that they fetched.
    pub fetched: u64,
    /// Bytes that those decoded to.
    pub decoded: u64,
}

impl Resources {
    /// Resources within `limits`. Threads begin when the first run needs them, and end with the last clone.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let units = u32::try_from(limits.memory / UNIT).unwrap_or(u32::MAX).max(1);
        let memory = Arc::new(Semaphore::new(units as usize));
        let pool = Pool::new(limits.threads.max(1));
        let requests = RequestSlots::new(limits.requests);
        Self {
            shared: Arc::new(Shared { limits, pool, memory, units, requests, totals: Counters::default() }),
        }
    }

    /// The bounds of all runs together.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.shared.limits
    }

    /// The requests in flight, for the stores that are read with these resources.
    #[must_use]
    pub fn requests(&self) -> &RequestSlots {
        &self.shared.requests
    }

    /// What all runs that have ended took.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let Counters { runs, chunks, fetched, decoded } = &self.shared.totals;
        let [runs, chunks, fetched, decoded] =
            [runs, chunks, fetched, decoded].map(|counter| counter.load(Ordering::Relaxed));
        Totals { runs, chunks, fetched, decoded }
    }

    /// Counts a run that has ended.
    pub(crate) fn count(&self, statistics: &Statistics) {
        let Counters { runs, chunks, fetched, decoded } = &self.shared.totals;
        runs.fetch_add(1, Ordering::Relaxed);
        chunks.fetch_add(statistics.chunks, Ordering::Relaxed);
        fetched.fetch_add(statistics.fetched, Ordering::Relaxed);
        decoded.fetch_add(statistics.decoded, Ordering::Relaxed);
    }

    /// A share for a run that holds `needed` bytes at the most if it has everything. Waits for memory, never for threads.
    pub(crate) async fn share(&self, needed: u64) -> Share {
        let Shared { limits, pool, memory, units, .. } = &*self.shared;
        let needed = u32::try_from(needed.div_ceil(UNIT)).unwrap_or(u32::MAX).clamp(1, *units);
        let least = needed.min((u64::from(*units) / LEAST_PART).max(1).try_into().unwrap_or(u32::MAX));
        let free = u32::try_from(memory.available_permits()).unwrap_or(u32::MAX);
        let taken = needed.min(free.max(least));
        // The semaphore is never closed.
        let permit = Arc::clone(memory).acquire_many_owned(taken).await.ok().map(Arc::new);
        let memory = if taken == needed { limits.memory } else { u64::from(taken) * UNIT };
        Share { limits: Limits { memory, ..*limits }, pool: pool.clone(), _permit: permit }
    }
}

impl Default for Resources {
    /// [`Limits::default`].
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl std::fmt::Debug for Resources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resources").field("limits", &self.shared.limits).finish_non_exhaustive()
    }
}

/// What one run may use. Its memory is free again when all clones are dropped.
#[derive(Clone)]
pub(crate) struct Share {
    /// The bounds of the run.
    pub(crate) limits: Limits,
    /// The threads that it shares with others.
    pub(crate) pool: Pool,
    _permit: Option<Arc<OwnedSemaphorePermit>>,
}

impl Share {
    /// The same share, of whose memory only so much is planned with.
    pub(crate) fn within(&self, memory: u64) -> Self {
        Self { limits: Limits { memory, ..self.limits }, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_run_takes_what_it_needs_or_what_is_left_and_waits_for_an_eighth() {
        let memory = 64 * UNIT;
        let resources = Resources::new(Limits { memory, ..Limits::default() });
        // Alone and small: all the memory may be planned with, and little is taken.
        let small = resources.share(4 * UNIT).await;
        assert_eq!(small.limits.memory, memory);
        // A large one gets the rest.
        let large = resources.share(1000 * UNIT).await;
        assert_eq!(large.limits.memory, 60 * UNIT);
        // Nothing is left: the next waits until an eighth is free.
        let mut third = Box::pin(resources.share(1000 * UNIT));
        assert!(third.as_mut().now_or_never().is_none());
        drop(small);
        assert!(third.as_mut().now_or_never().is_none());
        drop(large);
        assert_eq!(third.await.limits.memory, 8 * UNIT);
        // Everything is free again.
        assert_eq!(resources.share(u64::MAX).await.limits.memory, memory);
    }
}
