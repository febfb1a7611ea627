//! An S3 server in the test process: real sockets, real signatures, objects in memory.
//!
//! The server runs on a thread of its own, so tests that block (a child process, a paused tokio clock) can use it as well, and it ends
//! when the handle is dropped. Every server has its own port.

mod backend;
mod serve;
mod state;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use state::{Credential, Object, State};
pub use state::{HttpFault, LoggedRequest};

/// Buckets at `http://BUCKET.s3.test` when the server is used as an HTTP proxy: the way to test virtual-hosted requests without DNS.
const VIRTUAL_HOST_SUFFIX: &str = ".s3.test";

/// A running server; dropping it stops it.
///
/// Signatures (version 4) are checked. Buckets appear with their first object, and every known key may use them until
/// [`restrict`](Self::restrict) or [`make_public`](Self::make_public) says otherwise.
///
/// ```
/// use rangefold_testkit::S3Server;
/// let server = S3Server::start();
/// server.put("data", "a/b.nc", "content");
/// assert_eq!(server.object("data", "a/b.nc").unwrap(), "content");
/// ```
#[derive(Debug)]
pub struct S3Server {
    address: SocketAddr,
    state: Arc<State>,
    running: Option<serve::Running>,
}

impl S3Server {
    /// Starts a server on a free port of the loopback interface.
    #[must_use]
    pub fn start() -> Self {
        Self::start_on(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// Starts a server on `address`; for trying things by hand. Tests use [`start`](Self::start).
    ///
    /// # Panics
    ///
    /// If the address is taken.
    #[must_use]
    pub fn start_on(address: SocketAddr) -> Self {
        let state = Arc::new(State::default());
        let (address, running) = serve::start(address, Arc::clone(&state));
        let server = Self { address, state, running: Some(running) };
        server.add_key(server.access_key(), server.secret_key());
        server
    }

    /// The endpoint for path-style requests, `http://127.0.0.1:PORT`, without a slash at the end. As the HTTP proxy of a client the same
    /// address serves virtual-hosted requests for `http://BUCKET.s3.test/KEY`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The key every server knows.
    #[must_use]
    pub fn access_key(&self) -> &'static str {
        "RANGEFOLDTESTKEY"
    }

    /// The secret of [`access_key`](Self::access_key).
    #[must_use]
    pub fn secret_key(&self) -> &'static str {
        "not-a-secret-just-a-test-value"
    }

    /// Makes another key known.
    pub fn add_key(&self, access_key: &str, secret_key: &str) {
        let credential = Credential { secret: secret_key.to_owned(), session_token: None, expired: false };
        self.state.lock().credentials.insert(access_key.to_owned(), credential);
    }

    /// Makes a temporary key known: requests must carry `session_token`, and after [`expire`](Self::expire) they are refused.
    pub fn add_session(&self, access_key: &str, secret_key: &str, session_token: &str) {
        let credential = Credential {
            secret: secret_key.to_owned(),
            session_token: Some(session_token.to_owned()),
            expired: false,
        };
        self.state.lock().credentials.insert(access_key.to_owned(), credential);
    }

    /// From now on requests signed with `access_key` are answered with `ExpiredToken`.
    pub fn expire(&self, access_key: &str) {
        if let Some(credential) = self.state.lock().credentials.get_mut(access_key) {
            credential.expired = true;
        }
    }

    /// Creates an empty bucket.
    pub fn create_bucket(&self, bucket: &str) {
        self.state.lock().bucket_mut(bucket);
    }

    /// Anybody may read and list the bucket, unsigned.
    pub fn make_public(&self, bucket: &str) {
        self.state.lock().bucket_mut(bucket).public = true;
    }

    /// Only these keys may use the bucket.
    pub fn restrict(&self, bucket: &str, access_keys: &[&str]) {
        self.state.lock().bucket_mut(bucket).owners =
            Some(access_keys.iter().map(|&key| key.to_owned()).collect());
    }

    /// The bucket is read unsigned, with this token in `Authorization: Bearer`; without it the answer is 401. For plain HTTP clients.
    pub fn require_bearer(&self, bucket: &str, token: &str) {
        self.state.lock().bucket_mut(bucket).bearer = Some(token.to_owned());
    }

    /// The bucket answers only requests that accept to be charged.
    pub fn require_requester_pays(&self, bucket: &str) {
        self.state.lock().bucket_mut(bucket).requester_pays = true;
    }

    /// The bucket lives in another region: every request is answered with a redirect there, as Amazon does.
    pub fn move_to_region(&self, bucket: &str, region: &str) {
        self.state.lock().bucket_mut(bucket).region = Some(region.to_owned());
    }

    /// A read of this object is answered with a redirect to `url`.
    pub fn redirect(&self, bucket: &str, key: &str, url: &str) {
        self.state.lock().redirects.insert(format!("/{bucket}/{key}"), url.to_owned());
    }

    /// Writes an object, modified now. Its ETag depends on the content alone.
    pub fn put(&self, bucket: &str, key: &str, content: impl Into<Bytes>) {
        self.put_modified(bucket, key, content, SystemTime::now());
    }

    /// Writes an object with a given time of modification (kept to whole seconds, as S3 does).
    pub fn put_modified(&self, bucket: &str, key: &str, content: impl Into<Bytes>, modified: SystemTime) {
        self.state
            .lock()
            .bucket_mut(bucket)
            .objects
            .insert(key.to_owned(), Object::new(content.into(), modified));
    }

    /// The content of an object, however it was written.
    #[must_use]
    pub fn object(&self, bucket: &str, key: &str) -> Option<Bytes> {
        Some(self.state.lock().buckets.get(bucket)?.objects.get(key)?.content.clone())
    }

    /// The keys of a bucket, sorted.
    #[must_use]
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        self.state
            .lock()
            .buckets
            .get(bucket)
            .map(|bucket| bucket.objects.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// Removes an object.
    pub fn remove(&self, bucket: &str, key: &str) {
        self.state.lock().bucket_mut(bucket).objects.remove(key);
    }

    /// The next `count` requests meet `fault`, after those already planned.
    pub fn fail_next(&self, count: usize, fault: HttpFault) {
        self.state.lock().faults.extend(std::iter::repeat_n(fault, count));
    }

    /// Every request meets `fault` once those planned with [`fail_next`](Self::fail_next) are used up; `None` ends it.
    pub fn fail_always(&self, fault: Option<HttpFault>) {
        self.state.lock().fault_always = fault;
    }

    /// Every request waits this long before it is answered; requests wait side by side.
    pub fn set_latency(&self, latency: Duration) {
        self.state.lock().latency = latency;
    }

    /// A listing is cut into pages of at most this many entries. S3 has 1000.
    pub fn set_page_size(&self, entries: usize) {
        self.state.lock().page_size = entries;
    }

    /// The requests answered so far, in the order they arrived, failed ones included.
    #[must_use]
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.state.lock().log.clone()
    }

    /// How many requests were being answered at once at most. Set a latency first: without one, an answer hardly takes time.
    #[must_use]
    pub fn most_in_flight(&self) -> usize {
        self.state.lock().most_in_flight
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.state.lock().log.clear();
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop();
        }
    }
}
