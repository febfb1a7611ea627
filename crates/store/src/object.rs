//! One request to one object, and whether the object is still the one that is known.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use object_store::{GetOptions, GetRange, GetResult, GetResultPayload, ObjectMeta, ObjectStoreExt};
use rangefold_array::ByteRange;
use rangefold_refs::Source;

use crate::FetchProblem;
use crate::buffers::Buffers;
use crate::store::Shared;

/// What tells two states of an object apart.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    size: u64,
    etag: Option<String>,
}

impl Shared {
    /// Reads `range` of the object, or all of it; one in a file into one of `buffers`. Fewer bytes than asked for come
    /// back only where the object ends.
    pub(crate) async fn read(
        &self,
        url: &Arc<str>,
        range: Option<ByteRange>,
        buffers: &Arc<Buffers>,
    ) -> Result<Bytes, FetchProblem> {
        let (store, path) = self.resolver.resolve(url).map_err(FetchProblem::Resolve)?;
        // The semaphore is never closed.
        let _permit = self.requests.acquire().await;
        let options = GetOptions {
            range: range.map(|range| GetRange::Bounded(range.offset()..range.end())),
            ..GetOptions::default()
        };
        let answer = store.get_opts(&path, options).await?;
        self.check(url, &answer.meta)?;
        let announced =
            ByteRange::new(answer.range.start, answer.range.end.saturating_sub(answer.range.start));
        if let (Some(expected), Some(found)) = (range, announced) {
            let end = expected.end().min(answer.meta.size);
            if found.offset() != expected.offset() || found.end() != end {
                return Err(FetchProblem::OtherRange { expected, found });
            }
        }
        let bytes = match answer.payload {
            GetResultPayload::File(file, _) => buffers.read(file, answer.range).await.map_err(|source| {
                object_store::Error::Generic { store: "LocalFileSystem", source: source.into() }
            })?,
            payload => GetResult { payload, ..answer }.bytes().await?,
        };
        let (expected, found) = (announced.map_or(0, ByteRange::length), bytes.len() as u64);
        self.fetched.fetch_add(found, Ordering::Relaxed);
        if found == expected { Ok(bytes) } else { Err(FetchProblem::Body { expected, found }) }
    }

    /// Size of the object, from the set if it says so.
    pub(crate) async fn size(&self, url: &Arc<str>) -> Result<u64, FetchProblem> {
        if let Some(size) = self.set.sources.get(url).and_then(|source| source.size) {
            return Ok(size);
        }
        self.head(url).await
    }

    /// Size of the object as it is now, if it is the one that is known.
    pub(crate) async fn head(&self, url: &Arc<str>) -> Result<u64, FetchProblem> {
        let (store, path) = self.resolver.resolve(url).map_err(FetchProblem::Resolve)?;
        let _permit = self.requests.acquire().await;
        let meta = store.head(&path).await?;
        self.check(url, &meta)?;
        Ok(meta.size)
    }

    /// Compares a response with what is known of the object.
    fn check(&self, url: &Arc<str>, meta: &ObjectMeta) -> Result<(), FetchProblem> {
        if let Some(source) = self.set.sources.get(url) {
            unchanged_since_scan(source, meta)?;
        }
        let found = Identity { size: meta.size, etag: meta.e_tag.clone() };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.get(url) {
            Some(known) => {
                same("first read", "size", Some(known.size), Some(found.size))?;
                same(
                    "first read",
                    "ETag",
                    known.etag.as_deref().map(strong),
                    found.etag.as_deref().map(strong),
                )
            }
            None => {
                seen.insert(Arc::clone(url), found);
                Ok(())
            }
        }
    }
}

fn unchanged_since_scan(known: &Source, found: &ObjectMeta) -> Result<(), FetchProblem> {
    same("scanned", "size", known.size, Some(found.size))?;
    let (known_etag, etag) = (known.etag.as_deref().map(strong), found.e_tag.as_deref().map(strong));
    if known_etag.is_some() && etag.is_some() {
        return same("scanned", "ETag", known_etag, etag);
    }
    let mut known_time = found.last_modified;
    if let Some(time) = known.last_modified.as_deref().and_then(|time| time.parse().ok()) {
        known_time = time;
    }
    // Stores give the time in seconds here and in nanoseconds there, so only whole seconds are compared.
    if known_time.timestamp() == found.last_modified.timestamp() {
        return Ok(());
    }
    let (known, found) = (known_time.to_rfc3339(), found.last_modified.to_rfc3339());
    Err(FetchProblem::Changed { since: "scanned", property: "time of change", known, found })
}

/// An ETag without the mark of a weak one: servers add it when they compress on the way.
fn strong(etag: &str) -> &str {
    etag.strip_prefix("W/").unwrap_or(etag)
}

/// What one of the two does not know cannot differ.
fn same<T: PartialEq + ToString>(
    since: &'static str,
    property: &'static str,
    known: Option<T>,
    found: Option<T>,
) -> Result<(), FetchProblem> {
    match (known, found) {
        (Some(known), Some(found)) if known != found => {
            Err(FetchProblem::Changed { since, property, known: known.to_string(), found: found.to_string() })
        }
        _ => Ok(()),
    }
}
