//! Many references at once: concurrent, bounded, in order.
//!
//! References are taken from the caller a window at a time, so that neighbours which are not asked for one right
//! after the other are still read together, while what waits for an earlier reference stays within bounds. A read counts
//! whole, gaps included, from the request until nobody holds a part of it any more.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, FuturesUnordered};
use futures::{FutureExt, StreamExt};
use rangefold_array::ByteRange;
use rangefold_refs::Reference;

use crate::buffers::Buffers;
use crate::coalesce::{Read, Served, Wanted, coalesce};
use crate::store::Shared;
use crate::{FetchError, FetchOptions, FetchProblem, ReferenceStore};

/// Most references that are planned together.
const WINDOW_MAX: usize = 4096;
/// Reads are put together only as long as so many of them fit into the bound on bytes.
const READS_MIN: u64 = 4;

impl ReferenceStore {
    /// The bytes of many references, in the order they are asked for, each with its place in that order.
    ///
    /// Neighbouring ranges of an object are read together and reads run concurrently, both within the bounds of
    /// [`FetchOptions`]. References are taken from the iterator as they are needed. A reference
    /// that fails is an item like the others; the stream goes on.
    ///
    /// Requests are made while the stream is polled. Chunks of one read share its memory, which counts as in flight until
    /// the last of them is dropped: a caller who keeps many is served by one read at a time.
    pub fn fetch<I>(&self, references: I) -> BoxStream<'static, (usize, Result<Bytes, FetchError>)>
    where
        I: IntoIterator<Item = Reference>,
        I::IntoIter: Send + 'static,
    {
        self.fetch_within(references, u64::MAX)
    }

    /// As [`ReferenceStore::fetch`], with no more than `bytes_in_flight` if that is less than the store's own bound.
    pub fn fetch_within<I>(
        &self,
        references: I,
        bytes_in_flight: u64,
    ) -> BoxStream<'static, (usize, Result<Bytes, FetchError>)>
    where
        I: IntoIterator<Item = Reference>,
        I::IntoIter: Send + 'static,
    {
        self.fetch_counted(references, bytes_in_flight, Arc::default())
    }

    /// As [`ReferenceStore::fetch_within`]; the bytes that come for it, gaps included, are added to `fetched`. Other
    /// fetches through the same store are not counted in it.
    pub fn fetch_counted<I>(
        &self,
        references: I,
        bytes_in_flight: u64,
        fetched: Arc<AtomicU64>,
    ) -> BoxStream<'static, (usize, Result<Bytes, FetchError>)>
    where
        I: IntoIterator<Item = Reference>,
        I::IntoIter: Send + 'static,
    {
        let options = self.options().within(bytes_in_flight);
        let fetch = Fetch {
            fetched,
            shared: Arc::clone(&self.shared),
            buffers: Buffers::new(options.bytes_in_flight),
            windows: Windows {
                references: Box::new(references.into_iter()),
                taken: 0,
                options: options.clone(),
            },
            options,
            given: 0,
            planned: VecDeque::new(),
            running: FuturesUnordered::new(),
            expected: 0,
            held: Arc::default(),
            ready: BTreeMap::new(),
            waiting: 0,
        };
        stream::unfold(fetch, |mut fetch| async move { fetch.next().await.map(|item| (item, fetch)) }).boxed()
    }

    /// What [`ReferenceStore::fetch_within`] will ask for. Nothing is read.
    pub fn reads_within(
        &self,
        references: impl IntoIterator<Item = Reference>,
        bytes_in_flight: u64,
    ) -> Reads {
        let options = self.options().within(bytes_in_flight);
        let mut windows = Windows { references: references.into_iter(), taken: 0, options };
        let mut reads = Reads { requests: 0, bytes: Some(0) };
        loop {
            let before = windows.taken;
            for read in windows.next(&self.shared, |_, _| {}) {
                reads.requests += 1;
                let length = self.shared.known_len(&read.url, read.range);
                reads.bytes = reads.bytes.zip(length).map(|(sum, length)| sum.saturating_add(length));
            }
            if windows.taken == before {
                return reads;
            }
        }
    }

    /// The bytes of one reference.
    ///
    /// # Errors
    ///
    /// [`FetchError`] with the object, the range, and what is wrong.
    pub async fn get(&self, reference: &Reference) -> Result<Bytes, FetchError> {
        let (url, range) = match reference {
            Reference::Inline(bytes) => return Ok(bytes.clone()),
            Reference::Range { range, .. } if range.is_empty() => return Ok(Bytes::new()),
            Reference::Whole { url } => (url, None),
            Reference::Range { url, range } => (url, Some(*range)),
        };
        let outcome = self.shared.read(url, range, &Buffers::new(0)).await.map_err(Arc::new);
        cut(url, range, Served { index: 0, range }, &outcome)
    }

    /// Number of bytes of a reference; a request is made for a whole object of which the set does not know the size.
    ///
    /// # Errors
    ///
    /// [`FetchError`] with the object and what is wrong.
    pub async fn size(&self, reference: &Reference) -> Result<u64, FetchError> {
        match reference {
            Reference::Inline(bytes) => Ok(bytes.len() as u64),
            Reference::Range { range, .. } => Ok(range.length()),
            Reference::Whole { url } => {
                let failed =
                    |problem| FetchError { url: Arc::clone(url), range: None, problem: Arc::new(problem) };
                self.shared.size(url).await.map_err(failed)
            }
        }
    }
}

/// What is asked of stores for many references.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reads {
    /// Requests.
    pub requests: u64,
    /// Bytes, those between neighbours that are read together included; `None` if a whole object is read of which the
    /// set does not know the size.
    pub bytes: Option<u64>,
}

/// Bytes of a read, or why there are none.
type Outcome = Result<Bytes, Arc<FetchProblem>>;

struct Fetch {
    shared: Arc<Shared>,
    /// Bytes that came.
    fetched: Arc<AtomicU64>,
    buffers: Arc<Buffers>,
    options: FetchOptions,
    windows: Windows<Box<dyn Iterator<Item = Reference> + Send>>,
    /// References given to the caller.
    given: usize,
    /// Reads not yet begun, in the order of the first reference they serve.
    planned: VecDeque<Read>,
    running: FuturesUnordered<BoxFuture<'static, (Read, Outcome)>>,
    /// Bytes of running reads.
    expected: u64,
    /// Bytes of the reads of which a part is in `ready` or with the caller.
    held: Arc<AtomicU64>,
    /// What has come before its turn.
    ready: BTreeMap<usize, Result<Bytes, FetchError>>,
    /// Bytes of that.
    waiting: u64,
}

impl Fetch {
    async fn next(&mut self) -> Option<(usize, Result<Bytes, FetchError>)> {
        loop {
            self.begin_reads();
            if let Some(result) = self.ready.remove(&self.given) {
                self.given += 1;
                self.waiting = self.waiting.saturating_sub(len(&result));
                return Some((self.given - 1, result));
            }
            let (read, outcome) = self.running.next().await?;
            self.expected = self.expected.saturating_sub(self.expected_len(&read));
            if let Ok(bytes) = &outcome {
                self.fetched.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            }
            let outcome = outcome.map(|bytes| Held::counted(bytes, &self.held));
            for served in &read.served {
                let result = cut(&read.url, read.range, *served, &outcome);
                self.waiting = self.waiting.saturating_add(len(&result));
                self.ready.insert(served.index, result);
            }
        }
    }

    /// Begins as many reads as the bounds allow. One is begun in any case if nothing else can bring the next
    /// reference, so a full buffer never waits for itself.
    fn begin_reads(&mut self) {
        let FetchOptions { concurrency, read_max, ahead, bytes_in_flight, .. } = self.options;
        let concurrency = concurrency.max(1);
        // Room is left for the one read that is begun in any case.
        let bytes_in_flight = bytes_in_flight.saturating_sub(read_max);
        while self.running.len() < concurrency {
            if self.planned.is_empty() {
                self.take_window();
            }
            let Some(read) = self.planned.front() else { return };
            let length = self.expected_len(read);
            let stuck = self.running.is_empty() && !self.ready.contains_key(&self.given);
            let in_flight = self.expected.saturating_add(self.held.load(Ordering::Relaxed));
            let before_asked = self.expected.saturating_add(self.waiting);
            let is_full = in_flight.saturating_add(length) > bytes_in_flight
                || before_asked.saturating_add(length) > ahead;
            if is_full && !stuck {
                return;
            }
            let Some(read) = self.planned.pop_front() else { return };
            self.expected = self.expected.saturating_add(length);
            let (shared, buffers) = (Arc::clone(&self.shared), Arc::clone(&self.buffers));
            self.running.push(
                async move {
                    let outcome = shared.read(&read.url, read.range, &buffers).await.map_err(Arc::new);
                    (read, outcome)
                }
                .boxed(),
            );
        }
    }

    fn take_window(&mut self) {
        let Self { ready, waiting, .. } = self;
        let reads = self.windows.next(&self.shared, |index, bytes| {
            // The bytes are in memory already, whether they wait here or in the set.
            *waiting = waiting.saturating_add(bytes.len() as u64);
            ready.insert(index, Ok(bytes));
        });
        self.planned.extend(reads);
    }

    fn expected_len(&self, read: &Read) -> u64 {
        self.shared.expected_len(&read.url, read.range)
    }
}

/// References that are taken from a caller and planned, a window at a time.
struct Windows<I> {
    references: I,
    /// References taken.
    taken: usize,
    options: FetchOptions,
}

impl<I: Iterator<Item = Reference>> Windows<I> {
    /// The reads of the next window; what needs none is given to `at_hand`, with its place in the order of asking. A
    /// window is half of the bound on bytes, so that it is fetched while the one before it is still being taken away.
    fn next(&mut self, shared: &Shared, mut at_hand: impl FnMut(usize, Bytes)) -> Vec<Read> {
        let bytes_max = self.options.bytes_in_flight / 2;
        let mut bytes = 0_u64;
        let mut wanted = Vec::new();
        while wanted.len() < WINDOW_MAX && bytes < bytes_max.max(1) {
            let Some(reference) = self.references.next() else { break };
            let index = self.taken;
            self.taken += 1;
            let (url, range) = match reference {
                Reference::Inline(inline) => {
                    at_hand(index, inline);
                    continue;
                }
                Reference::Range { range, .. } if range.is_empty() => {
                    at_hand(index, Bytes::new());
                    continue;
                }
                Reference::Whole { url } => (url, None),
                Reference::Range { url, range } => (url, Some(range)),
            };
            bytes = bytes.saturating_add(shared.expected_len(&url, range));
            wanted.push(Wanted { index, url, range });
        }
        coalesce(wanted, &self.options)
    }
}

impl Shared {
    /// Bytes a read will bring; `None` for a whole object of which the set does not know the size.
    fn known_len(&self, url: &Arc<str>, range: Option<ByteRange>) -> Option<u64> {
        let known = || self.set.sources.get(url).and_then(|source| source.size);
        range.map_or_else(known, |range| Some(range.length()))
    }

    /// Bytes a read will bring, as far as that is known before.
    fn expected_len(&self, url: &Arc<str>, range: Option<ByteRange>) -> u64 {
        self.known_len(url, range).unwrap_or(self.options.read_max)
    }
}

/// Bytes of what came.
fn len(result: &Result<Bytes, FetchError>) -> u64 {
    result.as_ref().map_or(0, |bytes| bytes.len() as u64)
}

/// The bytes of one reference out of those of the read that serves it.
fn cut(
    url: &Arc<str>,
    read: Option<ByteRange>,
    served: Served,
    outcome: &Outcome,
) -> Result<Bytes, FetchError> {
    let failed = |problem| FetchError { url: Arc::clone(url), range: served.range, problem };
    let bytes = outcome.as_ref().map_err(|problem| failed(Arc::clone(problem)))?;
    let (Some(read), Some(range)) = (read, served.range) else { return Ok(bytes.clone()) };
    // A read is only shorter than it was to be where the object ends.
    let size = read.offset().saturating_add(bytes.len() as u64);
    let start = usize::try_from(range.offset().saturating_sub(read.offset())).ok();
    let end = usize::try_from(range.end().saturating_sub(read.offset())).ok();
    match (start, end) {
        (Some(start), Some(end)) if end <= bytes.len() => Ok(bytes.slice(start..end)),
        _ => Err(failed(Arc::new(FetchProblem::PastEnd { size }))),
    }
}

/// The bytes of a read, counted for as long as they are in memory.
struct Held {
    bytes: Bytes,
    count: Arc<AtomicU64>,
}

impl Held {
    fn counted(bytes: Bytes, count: &Arc<AtomicU64>) -> Bytes {
        count.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Bytes::from_owner(Self { bytes, count: Arc::clone(count) })
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.count.fetch_sub(self.bytes.len() as u64, Ordering::Relaxed);
    }
}

impl FetchOptions {
    /// These options with no more than `bytes_in_flight`.
    fn within(&self, bytes_in_flight: u64) -> Self {
        let bytes_in_flight = self.bytes_in_flight.min(bytes_in_flight);
        Self { bytes_in_flight, read_max: self.read_max.min(bytes_in_flight / READS_MIN), ..self.clone() }
    }
}
