//! A store that fails when told to.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

/// What goes wrong with one read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The object is gone.
    NotFound,
    /// The credentials may not read it.
    PermissionDenied,
    /// The server gives up, as after the last retry.
    Unavailable,
    /// The body ends after this many bytes, and nothing says that more were due.
    Short(usize),
    /// The body breaks off with an error after this many bytes.
    Broken(usize),
}

/// Wraps a store and makes chosen reads fail. Reads (`get_opts`, hence also `head` and `get_ranges`) are counted from 1 in the order they
/// are started, whatever they are for; everything else is passed on. Clones count together.
///
/// ```
/// use rangefold_testkit::{Fault, FaultyStore};
/// # let store = std::sync::Arc::new(object_store::memory::InMemory::new());
/// let store = FaultyStore::new(store).on(2, Fault::Short(10)).changed_after(5);
/// ```
#[derive(Clone, Debug)]
pub struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    faults: BTreeMap<usize, Fault>,
    always: Option<Fault>,
    changed_after: Option<usize>,
    reads: Arc<AtomicUsize>,
}

impl FaultyStore {
    /// Passes everything on to `inner` until told otherwise.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, faults: BTreeMap::new(), always: None, changed_after: None, reads: Arc::default() }
    }

    /// Read number `nth`, counted from 1, meets `fault`.
    #[must_use]
    pub fn on(mut self, nth: usize, fault: Fault) -> Self {
        self.faults.insert(nth, fault);
        self
    }

    /// Every read meets `fault`, except those given to [`on`](Self::on).
    #[must_use]
    pub fn always(mut self, fault: Fault) -> Self {
        self.always = Some(fault);
        self
    }

    /// After `count` reads every object has been replaced by another one of the same bytes: its ETag is a new one, and a read that insists
    /// on the old one ends with [`Error::Precondition`].
    #[must_use]
    pub fn changed_after(mut self, count: usize) -> Self {
        self.changed_after = Some(count);
        self
    }

    /// How many reads were started so far.
    #[must_use]
    pub fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faulty({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, mut options: GetOptions) -> Result<GetResult> {
        let nth = self.reads.fetch_add(1, Ordering::SeqCst) + 1;
        let fault = self.faults.get(&nth).copied().or(self.always);
        match fault {
            Some(Fault::NotFound) => {
                return Err(Error::NotFound { path: location.to_string(), source: "made to fail".into() });
            }
            Some(Fault::PermissionDenied) => {
                return Err(Error::PermissionDenied {
                    path: location.to_string(),
                    source: "made to fail".into(),
                });
            }
            Some(Fault::Unavailable) => {
                return Err(Error::Generic { store: "Faulty", source: "503 Service Unavailable".into() });
            }
            Some(Fault::Short(_) | Fault::Broken(_)) | None => {}
        }
        let changed = self.changed_after.is_some_and(|count| nth > count);
        if changed && let Some(wanted) = options.if_match.take() {
            let meta =
                self.inner.get_opts(location, GetOptions { head: true, ..GetOptions::default() }).await?.meta;
            let meta = ObjectMeta { e_tag: meta.e_tag.map(renewed), ..meta };
            GetOptions { if_match: Some(wanted), ..GetOptions::default() }.check_preconditions(&meta)?;
        }
        let mut result = self.inner.get_opts(location, options).await?;
        if changed {
            result.meta.e_tag = result.meta.e_tag.map(renewed);
        }
        match fault {
            Some(Fault::Short(length)) => cut(result, length, false).await,
            Some(Fault::Broken(length)) => cut(result, length, true).await,
            _ => Ok(result),
        }
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await
    }
}

/// The ETag of the object that took the place of the one with ETag `tag`.
fn renewed(tag: String) -> String {
    format!("\"changed-{}\"", tag.trim_matches('"'))
}

/// `result` with a body of at most `length` bytes, followed by an error if it is `broken`. The announced range stays what it was.
async fn cut(result: GetResult, length: usize, broken: bool) -> Result<GetResult> {
    let GetResult { payload, meta, range, attributes, extensions } = result;
    let whole = GetResult {
        payload,
        meta: meta.clone(),
        range: range.clone(),
        attributes: attributes.clone(),
        extensions: extensions.clone(),
    };
    let body = whole.bytes().await?;
    let mut items: Vec<Result<Bytes>> = vec![Ok(body.slice(..length.min(body.len())))];
    if broken {
        items.push(Err(Error::Generic { store: "Faulty", source: "connection reset by peer".into() }));
    }
    Ok(GetResult {
        payload: GetResultPayload::Stream(stream::iter(items).boxed()),
        meta,
        range,
        attributes,
        extensions,
    })
}
