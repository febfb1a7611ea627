//! A store that remembers what it was asked.
//!
//! ```text
//! round 1
//!   HEAD a.nc -> 4096 bytes
//! round 2
//!   GET a.nc 0..512 -> 512 bytes
//!   GET a.nc 3072..4096 -> 1024 bytes
//! 2 rounds, 3 requests, 1536 bytes
//! ```
//!
//! A *round* holds the requests that were started before any answer of that round came back: no request of a round can depend on
//! another one of it, so the number of rounds is the number of network latencies the caller waits for. To make that visible over stores
//! that answer at once, every request first lets the executor run everything else that is ready.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

/// How often a request steps aside before it is passed on. A request that is started in answer to none of the others of its round needs
/// a few polls to get here (a task to be spawned, a permit to be taken), never this many.
const POLLS_TO_SETTLE: usize = 32;

/// What kind of request it was. The order is the order of lines within a round.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Method {
    /// Metadata of one object, no body.
    Head,
    /// The bytes of one object, or of a range of it.
    Get,
    /// All keys below a prefix.
    List,
    /// The keys and folders directly below a prefix.
    ListDir,
    /// One object written in one request.
    Put,
    /// One object written only if there is none.
    PutNew,
    /// An upload in parts was begun.
    PutParts,
    /// One object removed.
    Delete,
    /// One object copied.
    Copy,
    /// One object renamed.
    Rename,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Head => "HEAD",
            Self::Get => "GET",
            Self::List => "LIST",
            Self::ListDir => "LISTDIR",
            Self::Put => "PUT",
            Self::PutNew => "PUT-NEW",
            Self::PutParts => "PUT-PARTS",
            Self::Delete => "DELETE",
            Self::Copy => "COPY",
            Self::Rename => "RENAME",
        })
    }
}

/// One request as it was made, and how it ended.
#[derive(Clone, Debug)]
pub struct RecordedRequest {
    /// Which round it was part of, counted from 1.
    pub round: usize,
    /// The kind of request.
    pub method: Method,
    /// The key, or the prefix of a listing.
    pub path: String,
    /// The bytes asked for; `None` is the whole object.
    pub range: Option<GetRange>,
    /// The ETag the object had to have.
    pub if_match: Option<String>,
    /// How it ended; `None` while it is in flight or when it was abandoned.
    pub outcome: Option<Outcome>,
}

/// How a request ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Bytes of the body; for [`Method::Head`] the size of the object, for a put the bytes written.
    Bytes(u64),
    /// Objects and folders listed.
    Entries(usize),
    /// Done, nothing to count.
    Done,
    /// The name of the error variant. Messages are left out: they differ between stores and machines.
    Failed(&'static str),
}

impl fmt::Display for RecordedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        match &self.range {
            None => {}
            Some(GetRange::Bounded(range)) => write!(f, " {}..{}", range.start, range.end)?,
            Some(GetRange::Offset(start)) => write!(f, " {start}..")?,
            Some(GetRange::Suffix(count)) => write!(f, " last {count}")?,
        }
        if self.if_match.is_some() {
            write!(f, " if-match")?;
        }
        match &self.outcome {
            None => write!(f, " -> abandoned"),
            Some(Outcome::Bytes(count)) => write!(f, " -> {count} bytes"),
            Some(Outcome::Entries(count)) => write!(f, " -> {count} entries"),
            Some(Outcome::Done) => Ok(()),
            Some(Outcome::Failed(error)) => write!(f, " -> {error}"),
        }
    }
}

impl RecordedRequest {
    fn start(&self) -> u64 {
        match &self.range {
            None => 0,
            Some(GetRange::Bounded(range)) => range.start,
            Some(GetRange::Offset(start)) => *start,
            Some(GetRange::Suffix(_)) => u64::MAX,
        }
    }
}

/// Wraps a store and records every request made through it. Clones share one record.
///
/// `get_ranges` is recorded as the requests a network store would make of it: close ranges are merged, the rest is fetched in parallel.
#[derive(Clone, Debug)]
pub struct RecordingStore {
    inner: Arc<dyn ObjectStore>,
    log: Arc<Mutex<Log>>,
}

#[derive(Debug, Default)]
struct Log {
    requests: Vec<RecordedRequest>,
    round: usize,
    /// Whether a request that starts now still belongs to `round`.
    open: bool,
}

impl RecordingStore {
    /// Records what is asked of `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, log: Arc::default() }
    }

    /// The requests so far, in the order they were started.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.log().requests.clone()
    }

    /// How many rounds there were so far.
    #[must_use]
    pub fn rounds(&self) -> usize {
        self.log().round
    }

    /// Bytes that came back in bodies so far.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.log().bytes_read()
    }

    /// The record as text, the same on every run: rounds in order, the requests of a round sorted by kind, path and range. See the head
    /// of this module for an example.
    #[must_use]
    pub fn trace(&self) -> String {
        self.log().to_string()
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn begin(&self, method: Method, path: &str, options: Option<&GetOptions>) -> usize {
        let index = {
            let mut log = self.log();
            if !log.open {
                log.open = true;
                log.round += 1;
            }
            let round = log.round;
            log.requests.push(RecordedRequest {
                round,
                method,
                path: path.to_owned(),
                range: options.and_then(|options| options.range.clone()),
                if_match: options.and_then(|options| options.if_match.clone()),
                outcome: None,
            });
            log.requests.len() - 1
        };
        for _ in 0..POLLS_TO_SETTLE {
            step_aside().await;
        }
        index
    }

    fn end<T>(&self, index: usize, result: Result<T>, outcome: impl FnOnce(&T) -> Outcome) -> Result<T> {
        let outcome = match &result {
            Ok(value) => outcome(value),
            Err(error) => Outcome::Failed(variant(error)),
        };
        let mut log = self.log();
        log.requests[index].outcome = Some(outcome);
        if log.requests[index].round == log.round {
            log.open = false;
        }
        result
    }
}

impl Log {
    fn bytes_read(&self) -> u64 {
        let got = self.requests.iter().filter(|request| request.method == Method::Get);
        got.map(|request| if let Some(Outcome::Bytes(count)) = request.outcome { count } else { 0 }).sum()
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for round in 1..=self.round {
            writeln!(f, "round {round}")?;
            let mut requests: Vec<_> =
                self.requests.iter().filter(|request| request.round == round).collect();
            requests.sort_by_key(|request| {
                (request.method, request.path.clone(), request.start(), request.to_string())
            });
            for request in requests {
                writeln!(f, "  {request}")?;
            }
        }
        writeln!(f, "{} rounds, {} requests, {} bytes", self.round, self.requests.len(), self.bytes_read())
    }
}

/// Lets everything else that is ready run once, in whatever executor this is.
async fn step_aside() {
    let mut polled = false;
    std::future::poll_fn(|context| {
        if polled {
            return std::task::Poll::Ready(());
        }
        polled = true;
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

/// The name of an error's variant.
fn variant(error: &object_store::Error) -> &'static str {
    use object_store::Error;
    match error {
        Error::NotFound { .. } => "NotFound",
        Error::AlreadyExists { .. } => "AlreadyExists",
        Error::Precondition { .. } => "Precondition",
        Error::NotModified { .. } => "NotModified",
        Error::PermissionDenied { .. } => "PermissionDenied",
        Error::Unauthenticated { .. } => "Unauthenticated",
        Error::NotSupported { .. } => "NotSupported",
        Error::InvalidPath { .. } => "InvalidPath",
        _ => "Generic",
    }
}

/// The whole body in memory, so that its length is known and a failure in the middle is seen.
async fn buffered(result: GetResult) -> Result<(GetResult, u64)> {
    let GetResult { payload, meta, range, attributes, extensions } = result;
    let result = GetResult {
        payload,
        meta: meta.clone(),
        range: range.clone(),
        attributes: attributes.clone(),
        extensions: extensions.clone(),
    };
    let body = result.bytes().await?;
    let length = body.len() as u64;
    let payload = GetResultPayload::Stream(stream::once(async { Ok(body) }).boxed());
    Ok((GetResult { payload, meta, range, attributes, extensions }, length))
}

impl fmt::Display for RecordingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recording({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for RecordingStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let method = if options.mode == PutMode::Create { Method::PutNew } else { Method::Put };
        let length = payload.content_length() as u64;
        let index = self.begin(method, location.as_ref(), None).await;
        self.end(index, self.inner.put_opts(location, payload, options).await, |_| Outcome::Bytes(length))
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let index = self.begin(Method::PutParts, location.as_ref(), None).await;
        self.end(index, self.inner.put_multipart_opts(location, options).await, |_| Outcome::Done)
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if options.head {
            let index = self.begin(Method::Head, location.as_ref(), Some(&options)).await;
            return self.end(index, self.inner.get_opts(location, options).await, |result| {
                Outcome::Bytes(result.meta.size)
            });
        }
        let index = self.begin(Method::Get, location.as_ref(), Some(&options)).await;
        let result = async { buffered(self.inner.get_opts(location, options).await?).await }.await;
        Ok(self.end(index, result, |(_, length)| Outcome::Bytes(*length))?.0)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        locations
            .and_then(move |location| {
                let store = store.clone();
                async move {
                    let index = store.begin(Method::Delete, location.as_ref(), None).await;
                    let one = stream::once(async { Ok(location) }).boxed();
                    let deleted = store.inner.delete_stream(one).try_collect::<Vec<_>>().await;
                    let mut deleted = store.end(index, deleted, |_| Outcome::Done)?;
                    Ok(deleted.remove(0))
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (store, prefix) = (self.clone(), prefix.cloned());
        stream::once(async move {
            let index = store.begin(Method::List, prefix.as_ref().map_or("", Path::as_ref), None).await;
            let listed = store.inner.list(prefix.as_ref()).try_collect::<Vec<_>>().await;
            let listed = store.end(index, listed, |listed| Outcome::Entries(listed.len()))?;
            Ok::<_, object_store::Error>(stream::iter(listed.into_iter().map(Ok)))
        })
        .try_flatten()
        .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let index = self.begin(Method::ListDir, prefix.map_or("", Path::as_ref), None).await;
        let listed = self.inner.list_with_delimiter(prefix).await;
        self.end(index, listed, |listed| {
            Outcome::Entries(listed.objects.len() + listed.common_prefixes.len())
        })
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let index = self.begin(Method::Copy, from.as_ref(), None).await;
        self.end(index, self.inner.copy_opts(from, to, options).await, |()| Outcome::Done)
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let index = self.begin(Method::Rename, from.as_ref(), None).await;
        self.end(index, self.inner.rename_opts(from, to, options).await, |()| Outcome::Done)
    }
}
