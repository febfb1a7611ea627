//! Bounds of a run, and what it took.

/// Bounds of a run. They change how long it takes, never the answer.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Threads that decode and reduce; fewer run where memory would not suffice for all.
    pub threads: usize,
    /// Bytes held at one time: fetched, decoded, partials and the answer. An answer, one read and one chunk with its
    /// partial are always allowed. What the set of references takes is not counted.
    pub memory: u64,
    /// Requests in flight, over everything that is fetched with these limits; at least 1.
    pub requests: usize,
}

impl Default for Limits {
    /// One thread per core, 1 GiB, 32 requests.
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { threads, memory: 1 << 30, requests: 32 }
    }
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Chunks the selection touches.
    pub chunks: u64,
    /// Of those, chunks that are not stored.
    pub missing: u64,
    /// Of those, chunks that were not visited, because what they give was known.
    pub known: u64,
    /// Encoded bytes of the chunks that are.
    pub referenced: u64,
    /// Bytes fetched for them, those between neighbours that were read together included; inline chunks need none.
    pub fetched: u64,
    /// Bytes those decoded to.
    pub decoded: u64,
}

impl Statistics {
    /// Adds the bytes of a pass over chunks that are counted already.
    pub(crate) fn add_pass(&mut self, pass: Self) {
        let Self { chunks: _, missing: _, known: _, referenced, fetched, decoded } = pass;
        self.referenced += referenced;
        self.fetched += fetched;
        self.decoded += decoded;
    }
}

/// Told how far a pass over the chunks has come: how many are merged, and what it has taken so far.
pub type Progress<'a> = &'a (dyn Fn(u64, &Statistics) + Send + Sync);
