//! Reading a file through an object store, round by round, or out of memory.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::SystemTime;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, GetResult, ObjectStore};

use crate::datatype::Datatype;
use crate::error::{Error, Problem};
use crate::format::cursor::widen;
use crate::model::File;
use crate::range::ByteRange;
use crate::trace::{Request, Trace};
use crate::value::{GlobalHeapId, Value};
use crate::walk::blocks::{Blocks, Merge};
use crate::walk::{self, Memory, lock};

/// Requests begin and end at multiples of this many bytes, unless the file says it has larger pages.
const ALIGNMENT: u64 = 4 << 10;

/// Longer requests are split, to be fetched in parallel.
const REQUEST_LEN_MAX: u64 = 8 << 20;

/// Bytes that a walk may fetch in vain to save requests, whatever it needs. Half of all that is fetched may be, if more.
const WASTE_LEN: u64 = 4 << 20;

/// Which paths of datasets to read whole.
pub type Include = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// How to read a file.
#[derive(Clone)]
pub struct Options {
    /// Bytes of the first request, from the beginning of the file.
    pub head: u64,
    /// A file that is not longer than this is fetched whole when its head was not enough.
    pub whole: u64,
    /// Two requests with at most this many bytes between them become one.
    pub gap: u64,
    /// Requests in flight at once.
    pub concurrency: usize,
    /// Accept structures whose checksum is wrong. They are listed in [`File::errors`].
    pub lenient: bool,
    /// Keep every parsed structure in [`File::structures`].
    pub dump: bool,
    /// Paths of the datasets to read whole; `None` for all.
    ///
    /// Of the others, chunk indexes are not read, nor are attributes of more than 4 KiB, unless they refer to objects.
    /// The rest is, because other objects refer to it.
    pub include: Option<Include>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            head: 1 << 20,
            whole: 8 << 20,
            gap: 64 << 10,
            concurrency: 128,
            lenient: false,
            dump: false,
            include: None,
        }
    }
}

impl Options {
    /// Whether the dataset at `path` is to be read whole.
    pub(crate) fn includes(&self, path: &str) -> bool {
        self.include.as_ref().is_none_or(|include| include(path))
    }

    fn merge(&self) -> Merge {
        Merge { alignment: ALIGNMENT, gap: self.gap, length_max: REQUEST_LEN_MAX, waste: WASTE_LEN }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("head", &self.head)
            .field("whole", &self.whole)
            .field("gap", &self.gap)
            .field("concurrency", &self.concurrency)
            .field("lenient", &self.lenient)
            .field("dump", &self.dump)
            .field("include", &self.include.is_some())
            .finish()
    }
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The store failed.
    #[error("cannot read bytes {range} of {path}")]
    Store {
        /// Path of the object.
        path: String,
        /// What was asked for.
        range: ByteRange,
        /// What the store says.
        #[source]
        source: object_store::Error,
    },
    /// The object is not the one that was opened any more.
    #[error("{path} changed while it was read: {what} was {before} and is {after}")]
    Changed {
        /// Path of the object.
        path: String,
        /// What differs.
        what: &'static str,
        /// As it was at first.
        before: String,
        /// As it is now.
        after: String,
    },
    /// The store gave another number of bytes than were asked for.
    #[error("{path} gave {found} bytes for {range}")]
    Short {
        /// Path of the object.
        path: String,
        /// What was asked for.
        range: ByteRange,
        /// Bytes that came.
        found: u64,
    },
    /// The file is not HDF5, or is damaged where nothing can be read without it.
    #[error("cannot read {path}")]
    Format {
        /// Path of the object.
        path: String,
        /// What is wrong, and where.
        #[source]
        source: Error,
    },
}

/// Reads one file of an object store.
///
/// All requests after the first are tied to the version of the object that the first one saw. What was read stays in
/// memory as long as the reader.
pub struct Reader {
    store: Arc<dyn ObjectStore>,
    path: Path,
    options: Options,
    pinned: Pinned,
    blocks: Blocks,
    memory: Memory,
    trace: Mutex<Trace>,
}

/// The version of an object that is read.
#[derive(Clone, Debug)]
struct Pinned {
    size: u64,
    etag: Option<String>,
    last_modified: SystemTime,
}

impl Reader {
    /// Opens an object with one request for its head.
    ///
    /// # Errors
    ///
    /// [`ReadError::Store`] if the store fails, [`ReadError::Short`] if it gives fewer bytes than it should.
    pub async fn open(store: Arc<dyn ObjectStore>, path: Path, options: Options) -> Result<Self, ReadError> {
        let range = ByteRange::new(0, options.head.max(ALIGNMENT));
        let result = get(&*store, &path, range, None).await?;
        let meta = &result.meta;
        let pinned =
            Pinned { size: meta.size, etag: meta.e_tag.clone(), last_modified: meta.last_modified.into() };
        let asked = ByteRange::new(0, range.length.min(pinned.size));
        let bytes = body(&path, asked, result).await?;
        let blocks = Blocks::with_head(pinned.size, bytes);
        let trace = Trace { requests: vec![Request { round: 1, range: asked }] };
        Ok(Self { store, path, options, pinned, blocks, memory: Memory::default(), trace: Mutex::new(trace) })
    }

    /// Length of the object in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.pinned.size
    }

    /// The requests made so far.
    #[must_use]
    pub fn trace(&self) -> Trace {
        lock(&self.trace).clone()
    }

    /// Reads all metadata of the file.
    ///
    /// # Errors
    ///
    /// [`ReadError::Store`] and [`ReadError::Changed`]; [`ReadError::Format`] if the superblock or its extension cannot be
    /// read. What is wrong with a single object is in [`File::errors`] instead.
    pub async fn file(&self) -> Result<File, ReadError> {
        let walk = walk::file(&self.blocks, &self.options, &self.memory);
        let mut file = self.drive(&self.blocks, walk).await?.map_err(|source| self.format(source))?;
        file.etag.clone_from(&self.pinned.etag);
        file.last_modified = Some(self.pinned.last_modified);
        file.trace = self.trace();
        Ok(file)
    }

    /// Raw bytes of the file, one piece per range, in order; all are fetched in one round.
    ///
    /// What is in memory already is not fetched again; what is fetched is kept only of a small file, which is fetched whole.
    ///
    /// # Errors
    ///
    /// [`ReadError::Store`] and [`ReadError::Changed`]; [`ReadError::Format`] if a range reaches over the end of the file.
    pub async fn bytes(&self, ranges: &[ByteRange]) -> Result<Vec<Bytes>, ReadError> {
        let detached;
        let blocks = if self.small() {
            &self.blocks
        } else {
            detached = self.blocks.detached();
            &detached
        };
        let read = blocks.read_many("raw data", ranges);
        self.drive(blocks, read).await?.map_err(|source| self.format(source))
    }

    /// Objects of global heaps, in order.
    ///
    /// # Errors
    ///
    /// As [`Reader::bytes`]; [`ReadError::Format`] if a heap is damaged or has no such object.
    pub async fn heap_objects(&self, ids: &[GlobalHeapId]) -> Result<Vec<Bytes>, ReadError> {
        let read = async {
            let cx = walk::open(&self.blocks, &self.options, &self.memory).await?;
            walk::values::objects(&cx, ids).await
        };
        self.drive(&self.blocks, read).await?.map_err(|source| self.format(source))
    }

    /// Decodes elements of a dataset, such as those of a chunk whose filters were undone.
    ///
    /// `raw` is a whole number of elements; sequences and strings of variable length are fetched from their heaps.
    /// References have no path.
    ///
    /// # Errors
    ///
    /// As [`Reader::heap_objects`]; [`ReadError::Format`] if `raw` does not fit the datatype.
    pub async fn values(&self, datatype: &Datatype, raw: &Bytes) -> Result<Value, ReadError> {
        let read = async {
            let cx = walk::open(&self.blocks, &self.options, &self.memory).await?;
            walk::values::decode(&cx, "raw data", 0, datatype, raw).await
        };
        self.drive(&self.blocks, read).await?.map_err(|source| self.format(source))
    }

    /// Whether the file is fetched whole when its head was not enough.
    fn small(&self) -> bool {
        self.pinned.size <= self.options.whole
    }

    fn format(&self, source: Error) -> ReadError {
        ReadError::Format { path: self.path.to_string(), source }
    }

    /// Runs a walk to its end, fetching what it needs round by round.
    async fn drive<T>(&self, blocks: &Blocks, walk: impl Future<Output = T>) -> Result<T, ReadError> {
        let mut walk = pin!(walk);
        loop {
            if let Some(done) = advance(walk.as_mut()).await {
                return Ok(done);
            }
            let needs = if self.small() {
                blocks.take_rest(self.options.merge())
            } else {
                blocks.take_needs(self.options.merge())
            };
            if needs.is_empty() {
                let problem = Problem::malformed("the walk waits for bytes that it has");
                return Err(self.format(problem.at("file", 0)));
            }
            self.fetch(blocks, needs).await?;
            blocks.wake();
        }
    }

    /// One round of requests.
    async fn fetch(&self, blocks: &Blocks, needs: Vec<ByteRange>) -> Result<(), ReadError> {
        {
            let mut trace = lock(&self.trace);
            let round = trace.rounds().saturating_add(1);
            trace.requests.extend(needs.iter().map(|range| Request { round, range: *range }));
            tracing::debug!(path = %self.path, round, requests = needs.len(), "fetching");
        }
        futures::stream::iter(needs)
            .map(|range| async move { Ok::<_, ReadError>((range.offset, self.get(range).await?)) })
            .buffer_unordered(self.options.concurrency.max(1))
            .try_for_each(|(offset, bytes)| {
                blocks.insert(offset, bytes);
                futures::future::ready(Ok(()))
            })
            .await
    }

    async fn get(&self, range: ByteRange) -> Result<Bytes, ReadError> {
        let result = match get(&*self.store, &self.path, range, self.pinned.etag.clone()).await {
            Err(ReadError::Store { source: object_store::Error::Precondition { .. }, .. }) => {
                let before = self.pinned.etag.clone().unwrap_or_default();
                return Err(self.changed("entity tag", before, "another".to_owned()));
            }
            result => result?,
        };
        self.check_version(&result)?;
        body(&self.path, range, result).await
    }

    /// Compares what a response says about the object with what the first one said.
    fn check_version(&self, result: &GetResult) -> Result<(), ReadError> {
        let meta = &result.meta;
        let text = |etag: &Option<String>| etag.clone().unwrap_or_default();
        if meta.size != self.pinned.size {
            return Err(self.changed("length", self.pinned.size.to_string(), meta.size.to_string()));
        }
        match &self.pinned.etag {
            Some(_) if meta.e_tag.is_some() && meta.e_tag != self.pinned.etag => {
                Err(self.changed("entity tag", text(&self.pinned.etag), text(&meta.e_tag)))
            }
            None if SystemTime::from(meta.last_modified) != self.pinned.last_modified => {
                let seconds = |time: SystemTime| {
                    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                    format!("{} s after 1970", since.as_secs())
                };
                let after = seconds(meta.last_modified.into());
                Err(self.changed("time of last modification", seconds(self.pinned.last_modified), after))
            }
            _ => Ok(()),
        }
    }

    fn changed(&self, what: &'static str, before: String, after: String) -> ReadError {
        ReadError::Changed { path: self.path.to_string(), what, before, after }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("path", &self.path.as_ref())
            .field("pinned", &self.pinned)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

async fn get(
    store: &dyn ObjectStore,
    path: &Path,
    range: ByteRange,
    if_match: Option<String>,
) -> Result<GetResult, ReadError> {
    let options = GetOptions {
        range: Some(GetRange::Bounded(range.offset..range.end())),
        if_match,
        ..GetOptions::default()
    };
    let result = store.get_opts(path, options).await;
    result.map_err(|source| ReadError::Store { path: path.to_string(), range, source })
}

async fn body(path: &Path, range: ByteRange, result: GetResult) -> Result<Bytes, ReadError> {
    let bytes = result.bytes().await;
    let bytes = bytes.map_err(|source| ReadError::Store { path: path.to_string(), range, source })?;
    match u64::try_from(bytes.len()) {
        Ok(found) if found == range.length => Ok(bytes),
        found => Err(ReadError::Short { path: path.to_string(), range, found: found.unwrap_or(u64::MAX) }),
    }
}

/// Reads all metadata of a file that is in memory, from a copy of it. [`read_bytes`] needs none.
///
/// # Errors
///
/// As [`read_bytes`].
pub fn read_slice(file: &[u8], options: &Options) -> Result<File, Error> {
    read_bytes(Bytes::copy_from_slice(file), options)
}

/// Reads all metadata of a file that is in memory.
///
/// Raw attributes and compact data of the result share the memory of `file`.
///
/// # Errors
///
/// Whatever is wrong with the superblock or its extension. What is wrong with a single object is in [`File::errors`].
pub fn read_bytes(file: Bytes, options: &Options) -> Result<File, Error> {
    let blocks = Blocks::with_head(widen(file.len()), file);
    let memory = Memory::default();
    let mut walk = pin!(walk::file(&blocks, options, &memory));
    let waker = Arc::new(Woken::default());
    loop {
        if let Poll::Ready(file) =
            walk.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::clone(&waker))))
        {
            return file;
        }
        // Everything is in memory, so a walk that stops without having woken itself would never go on.
        if !waker.take() {
            return Err(Problem::malformed("the walk waits for bytes that it has").at("file", 0));
        }
    }
}

/// Polls `walk` until it is done or waits for bytes, and lets others run in between.
async fn advance<T>(mut walk: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    poll_fn(|cx| match walk.as_mut().poll(&mut Context::from_waker(&waker)) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if woken.take() => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Whether a walk asked to be polled again.
#[derive(Default)]
struct Woken(AtomicBool);

impl Woken {
    fn take(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}
