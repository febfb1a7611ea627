//! Many files at once.

use std::sync::Arc;

use futures::stream::{self, Stream, StreamExt as _};
use object_store::ObjectStore;
use object_store::path::Path;
use rangefold_hdf5::Options;

use crate::scan::{ScanError, scan_tuned};
use crate::{Scan, ScanOptions};

/// One file of many.
#[derive(Clone, Debug)]
pub struct ScanFile {
    /// The store that holds it.
    pub store: Arc<dyn ObjectStore>,
    /// Its path in there.
    pub path: Path,
    /// Its name, in errors and in the references.
    pub url: String,
    /// How it is scanned.
    pub options: ScanOptions,
}

/// How much is done at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanLimits {
    /// Files scanned at the same time.
    pub files: usize,
    /// Requests in flight for all those files.
    pub requests: usize,
}

impl Default for ScanLimits {
    /// 16 files, and 1024 requests: systems let a program have about as many connections.
    fn default() -> Self {
        Self { files: 16, requests: 1024 }
    }
}

/// What one of many files gave.
#[derive(Debug)]
pub struct Scanned {
    /// Its name.
    pub url: String,
    /// Its references, or why there are none.
    pub outcome: Result<Scan, ScanError>,
}

/// Scans files, and gives one outcome for each in the order of the files. A file that fails stops none of the others.
///
/// ```
/// # use std::sync::Arc;
/// # use futures::StreamExt as _;
/// # use object_store::local::LocalFileSystem;
/// # use rangefold_scan::{ScanFile, ScanLimits, ScanOptions, scan_many};
/// # use rangefold_testkit::fixtures;
/// # futures::executor::block_on(async {
/// let store = Arc::new(LocalFileSystem::new_with_prefix(fixtures())?);
/// let file = |url: &str| ScanFile {
///     store: store.clone(),
///     path: url.into(),
///     url: url.to_owned(),
///     options: ScanOptions::default(),
/// };
/// let files = vec![file("stack/tas_2001.nc"), file("stack/gone.nc"), file("stack/tas_2002.nc")];
/// let mut scans = std::pin::pin!(scan_many(files, ScanLimits::default()));
/// let mut failed = Vec::new();
/// while let Some(scanned) = scans.next().await {
///     if scanned.outcome.is_err() {
///         failed.push(scanned.url);
///     }
/// }
/// assert_eq!(failed, ["stack/gone.nc"]);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn scan_many(files: Vec<ScanFile>, limits: ScanLimits) -> impl Stream<Item = Scanned> + Send {
    let at_once = limits.files.max(1);
    let tuning = Options::default();
    let share = limits.requests.checked_div(at_once.min(files.len())).unwrap_or(limits.requests).max(1);
    let tuning = Options { concurrency: tuning.concurrency.min(share), ..tuning };
    stream::iter(files)
        .map(move |file| {
            let tuning = tuning.clone();
            async move {
                let ScanFile { store, path, url, options } = file;
                tracing::info!("scanning {url}");
                let outcome = scan_tuned(store, &path, &url, &options, tuning).await;
                Scanned { url, outcome }
            }
        })
        .buffered(at_once)
}
