//! A reference set and the way to its objects.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use rangefold_refs::ReferenceSet;
use rangefold_storage::{Location, Scheme};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::object::Identity;
use crate::{Resolve, zarr};

/// How references are fetched. The defaults suit an object store some tens of milliseconds away, see also
/// [`FetchOptions::suited_to`].
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// Requests in flight, over everything that is fetched through one store; at least 1.
    pub concurrency: usize,
    /// Ranges of one object that lie no further apart than this many bytes are read together: reading the gap then
    /// costs less than another request.
    pub gap: u64,
    /// No read is made longer than this many bytes by putting ranges together, so that long runs of chunks are still
    /// read concurrently.
    pub read_max: u64,
    /// Bytes of one fetch that may be under way or come already before the caller asks for them: many, to make up for a
    /// long way, or few, so that they stay in the caches of the processor.
    pub ahead: u64,
    /// Bytes of one fetch that may be in flight, waiting for an earlier reference, or with the caller. A longer single
    /// read is still made, but alone.
    pub bytes_in_flight: u64,
}

impl Default for FetchOptions {
    fn default() -> Self {
        let bytes_in_flight = 256 << 20;
        Self { concurrency: 32, gap: 256 << 10, read_max: 8 << 20, ahead: bytes_in_flight, bytes_in_flight }
    }
}

impl FetchOptions {
    /// What suits files, which are near.
    #[must_use]
    pub fn files() -> Self {
        Self { gap: 64 << 10, read_max: 1 << 20, ahead: 16 << 20, ..Self::default() }
    }

    /// What suits the objects that `set` refers to: [`FetchOptions::files`] if all of them are, else the defaults.
    #[must_use]
    pub fn suited_to(set: &ReferenceSet) -> Self {
        let is_file =
            |url: &str| Location::parse(url).is_ok_and(|location| location.scheme() == Scheme::File);
        let mut urls = set.arrays.values().flat_map(|array| array.manifest.urls());
        if urls.all(|url| is_file(url)) { Self::files() } else { Self::default() }
    }
}

/// Requests that may be in flight at a time, over all stores that share them. Clones share the slots.
#[derive(Clone, Debug)]
pub struct RequestSlots(Arc<Semaphore>);

impl RequestSlots {
    /// `count` slots, at least one.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self(Arc::new(Semaphore::new(count.clamp(1, Semaphore::MAX_PERMITS))))
    }

    /// Waits for a slot, which is free again when what this returns is dropped.
    pub(crate) async fn acquire(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed.
        self.0.acquire().await.ok()
    }
}

/// Follows the references of a set. Clones share everything.
#[derive(Clone)]
pub struct ReferenceStore {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) set: Arc<ReferenceSet>,
    pub(crate) resolver: Box<dyn Resolve>,
    pub(crate) options: FetchOptions,
    pub(crate) requests: RequestSlots,
    /// What the first response of each object said it was.
    pub(crate) seen: Mutex<HashMap<Arc<str>, Identity>>,
    /// Bytes that came, gaps between neighbours included.
    pub(crate) fetched: AtomicU64,
}

impl ReferenceStore {
    /// A store over `set`, whose URLs `resolver` leads to their objects, with options that suit those.
    #[must_use]
    pub fn new(set: Arc<ReferenceSet>, resolver: impl Resolve + 'static) -> Self {
        let options = FetchOptions::suited_to(&set);
        Self::with_options(set, resolver, options)
    }

    /// As [`ReferenceStore::new`], with other options.
    #[must_use]
    pub fn with_options(
        set: Arc<ReferenceSet>,
        resolver: impl Resolve + 'static,
        options: FetchOptions,
    ) -> Self {
        let requests = RequestSlots::new(options.concurrency);
        Self::sharing(set, resolver, options, requests)
    }

    /// As [`ReferenceStore::with_options`], its requests taking slots that it shares with other stores.
    #[must_use]
    pub fn sharing(
        set: Arc<ReferenceSet>,
        resolver: impl Resolve + 'static,
        options: FetchOptions,
        requests: RequestSlots,
    ) -> Self {
        zarr::register_codec();
        let resolver = Box::new(resolver);
        Self {
            shared: Arc::new(Shared {
                set,
                resolver,
                options,
                requests,
                seen: Mutex::default(),
                fetched: AtomicU64::new(0),
            }),
        }
    }

    /// Bytes fetched so far, those between neighbours that were read together included.
    #[must_use]
    pub fn bytes_fetched(&self) -> u64 {
        self.shared.fetched.load(Ordering::Relaxed)
    }

    /// The bounds of what is fetched.
    #[must_use]
    pub fn options(&self) -> &FetchOptions {
        &self.shared.options
    }

    /// The references that are followed.
    #[must_use]
    pub fn references(&self) -> &ReferenceSet {
        &self.shared.set
    }
}

impl fmt::Debug for ReferenceStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReferenceStore")
            .field("arrays", &self.shared.set.arrays.len())
            .field("options", &self.shared.options)
            .finish_non_exhaustive()
    }
}
