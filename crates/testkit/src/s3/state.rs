//! What the server knows, shared between the handle and the connections.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::hash::{DefaultHasher, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

/// What goes wrong with a request over HTTP.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HttpFault {
    /// This status with an S3 error body; 503 is `SlowDown`.
    Status(u16),
    /// This status, with an S3 error body of this code.
    Refuse(u16, &'static str),
    /// The request is never answered.
    Hang,
    /// The answer announces its whole length, and the connection closes after this many bytes of the body.
    Truncate(usize),
    /// A request for a range is answered with 200 and the whole object.
    IgnoreRange,
}

/// One request as the server saw it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LoggedRequest {
    /// The HTTP method.
    pub method: String,
    /// The `Host` header.
    pub host: String,
    /// The path as sent, percent-encoded: `/bucket/key`, or `/key` for a virtual-hosted request.
    pub path: String,
    /// The query as sent.
    pub query: Option<String>,
    /// The `Range` header.
    pub range: Option<String>,
    /// The key it was signed with; `None` is anonymous.
    pub access_key: Option<String>,
    /// Whether it carried `Authorization: Bearer`.
    pub bearer: bool,
    /// Whether it accepts to be charged.
    pub requester_pays: bool,
    /// The status of the answer.
    pub status: u16,
}

impl fmt::Display for LoggedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        if let Some(query) = &self.query {
            write!(f, "?{query}")?;
        }
        if let Some(range) = &self.range {
            write!(f, " {range}")?;
        }
        write!(f, " -> {}", self.status)
    }
}

#[derive(Debug, Default)]
pub(super) struct State(Mutex<Inner>);

impl State {
    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) buckets: BTreeMap<String, Bucket>,
    pub(super) credentials: BTreeMap<String, Credential>,
    pub(super) uploads: BTreeMap<String, BTreeMap<i32, Bytes>>,
    pub(super) redirects: BTreeMap<String, String>,
    pub(super) faults: VecDeque<HttpFault>,
    pub(super) fault_always: Option<HttpFault>,
    pub(super) latency: Duration,
    pub(super) page_size: usize,
    pub(super) log: Vec<LoggedRequest>,
    pub(super) in_flight: usize,
    pub(super) most_in_flight: usize,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            buckets: BTreeMap::new(),
            credentials: BTreeMap::new(),
            uploads: BTreeMap::new(),
            redirects: BTreeMap::new(),
            faults: VecDeque::new(),
            fault_always: None,
            latency: Duration::ZERO,
            page_size: 1000,
            log: Vec::new(),
            in_flight: 0,
            most_in_flight: 0,
        }
    }
}

impl Inner {
    pub(super) fn bucket_mut(&mut self, name: &str) -> &mut Bucket {
        self.buckets.entry(name.to_owned()).or_default()
    }
}

#[derive(Debug, Default)]
pub(super) struct Bucket {
    pub(super) objects: BTreeMap<String, Object>,
    pub(super) public: bool,
    pub(super) owners: Option<BTreeSet<String>>,
    pub(super) bearer: Option<String>,
    pub(super) requester_pays: bool,
    pub(super) region: Option<String>,
}

#[derive(Debug)]
pub(super) struct Credential {
    pub(super) secret: String,
    pub(super) session_token: Option<String>,
    pub(super) expired: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) content: Bytes,
    /// Without the quotes.
    pub(super) etag: String,
    /// Whole seconds: conditional headers cannot say more.
    pub(super) modified: SystemTime,
}

impl Object {
    pub(super) fn new(content: Bytes, modified: SystemTime) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(&content);
        let etag = format!("{:016x}", hasher.finish());
        let seconds = modified.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self { content, etag, modified: UNIX_EPOCH + Duration::from_secs(seconds) }
    }
}
