//! Rights given by a rule, checked before any request is made.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetRange, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

use crate::access::Access;
use crate::connection::Connection;
use crate::location::Scheme;
use crate::secret::redact;

type Source = Box<dyn StdError + Send + Sync>;

/// A rule does not give this right. No request has been made.
#[derive(Debug, thiserror::Error)]
#[error("rule {rule:?} allows {access}, not {what}")]
pub(crate) struct NotAllowed {
    rule: String,
    access: Access,
    what: &'static str,
}

impl Connection {
    /// Whether its rule allows to write, for those who write without a store.
    pub(crate) fn check_write(&self) -> Result<()> {
        if self.access.write {
            return Ok(());
        }
        let rule = self.rule.clone().unwrap_or_default();
        Err(not_allowed(rule, self.access, "write", self.location.key().to_owned()))
    }
}

fn not_allowed(rule: String, access: Access, what: &'static str, path: String) -> Error {
    Error::PermissionDenied { path, source: Box::new(NotAllowed { rule, access, what }) }
}

/// A store that refuses what its rule does not allow, and that hides in its errors what may be a credential. It prints as the bucket it is
/// for, whatever the client inside would print.
pub(crate) struct GuardedStore {
    inner: Arc<dyn ObjectStore>,
    access: Access,
    rule: String,
    name: String,
    is_local: bool,
}

impl GuardedStore {
    pub(crate) fn new(inner: Arc<dyn ObjectStore>, connection: &Connection) -> Self {
        let location = &connection.location;
        let name = format!("{}://{}", location.scheme(), location.authority());
        let is_local = location.scheme() == Scheme::File;
        let rule = connection.rule.clone().unwrap_or_default();
        Self { inner, access: connection.access, rule, name, is_local }
    }

    fn check(&self, allowed: bool, what: &'static str, path: Option<&Path>) -> Result<()> {
        if allowed {
            return Ok(());
        }
        let path = path.map(Path::to_string).unwrap_or_default();
        Err(not_allowed(self.rule.clone(), self.access, what, path))
    }

    fn read(&self, path: &Path) -> Result<()> {
        self.check(self.access.read, "read", Some(path))
    }

    fn list_allowed(&self, prefix: Option<&Path>) -> Result<()> {
        self.check(self.access.list, "list", prefix)
    }

    /// Tells reads of local files at the level "debug"; those of servers are told by the client, attempt by attempt.
    fn tell(&self, path: &Path, range: Option<&GetRange>) {
        if self.is_local {
            let range = range.map_or_else(|| "all".to_owned(), ToString::to_string);
            tracing::debug!("read /{path} {range}");
        }
    }

    fn write(&self, path: &Path) -> Result<()> {
        self.check(self.access.write, "write", Some(path))
    }
}

/// Hides the queries of the URLs in an error. One that has none stays as it is.
fn redacted(error: Error) -> Error {
    let hidden = |source: Source| match redact(&source.to_string()) {
        text if text == source.to_string() => source,
        text => text.into(),
    };
    match error {
        Error::Generic { store, source } => Error::Generic { store, source: hidden(source) },
        Error::NotFound { path, source } => Error::NotFound { path, source: hidden(source) },
        Error::NotSupported { source } => Error::NotSupported { source: hidden(source) },
        Error::AlreadyExists { path, source } => Error::AlreadyExists { path, source: hidden(source) },
        Error::Precondition { path, source } => Error::Precondition { path, source: hidden(source) },
        Error::NotModified { path, source } => Error::NotModified { path, source: hidden(source) },
        Error::PermissionDenied { path, source } => Error::PermissionDenied { path, source: hidden(source) },
        Error::Unauthenticated { path, source } => Error::Unauthenticated { path, source: hidden(source) },
        other => other,
    }
}

impl fmt::Display for GuardedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Debug for GuardedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({self})")
    }
}

#[async_trait]
impl ObjectStore for GuardedStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.write(location)?;
        self.inner.put_opts(location, payload, options).await.map_err(redacted)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.write(location)?;
        self.inner.put_multipart_opts(location, options).await.map_err(redacted)
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.read(location)?;
        self.tell(location, options.range.as_ref());
        self.inner.get_opts(location, options).await.map_err(redacted)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[std::ops::Range<u64>]) -> Result<Vec<Bytes>> {
        self.read(location)?;
        ranges.iter().for_each(|range| self.tell(location, Some(&GetRange::Bounded(range.clone()))));
        self.inner.get_ranges(location, ranges).await.map_err(redacted)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        match self.check(self.access.write, "write", None) {
            Ok(()) => self.inner.delete_stream(locations).map_err(redacted).boxed(),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.list_allowed(prefix) {
            Ok(()) => self.inner.list(prefix).map_err(redacted).boxed(),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.list_allowed(prefix) {
            Ok(()) => self.inner.list_with_offset(prefix, offset).map_err(redacted).boxed(),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.list_allowed(prefix)?;
        self.inner.list_with_delimiter(prefix).await.map_err(redacted)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.read(from)?;
        self.write(to)?;
        self.inner.copy_opts(from, to, options).await.map_err(redacted)
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.read(from)?;
        self.write(to)?;
        self.inner.rename_opts(from, to, options).await.map_err(redacted)
    }
}
