//! From files to one reference set, in few words.

use std::sync::Arc;

use futures::StreamExt as _;
use rangefold_combine::{CombineSpec, Combined, Input};
use rangefold_refs::{ReferenceSet, parquet};
use rangefold_scan::{ScanError, ScanFile, ScanLimits, ScanOptions, Scanned, Skipped, scan_many};
use rangefold_storage::{Existing, HDF5_ENDINGS, ListError, Storage, StorageError};
use rangefold_store::{FetchOptions, SaveError, SaveOptions};

/// Files cannot be scanned.
#[derive(Debug, thiserror::Error)]
pub enum ScanFilesError {
    /// A glob or a prefix matches nothing or cannot be listed.
    #[error(transparent)]
    List(#[from] ListError),
    /// A URL leads to no store.
    #[error("cannot scan {file}")]
    Storage {
        /// The file.
        file: String,
        /// Why.
        source: StorageError,
    },
    /// A file is no HDF5 file, or is damaged.
    #[error("cannot scan {file}")]
    Scan {
        /// The file.
        file: String,
        /// Why.
        source: Box<ScanError>,
    },
    /// Parts of a file are lost: it was cut off, or bytes in it are damaged.
    #[error("{file} is damaged: {}", lost.join("; "))]
    Damaged {
        /// The file.
        file: String,
        /// What is lost, in words.
        lost: Vec<String>,
    },
}

/// What files gave.
#[derive(Debug)]
pub struct ScannedFiles {
    /// One reference set for each file, in the order of the files.
    pub inputs: Vec<Input>,
    /// Variables that no reference can say faithfully, with the name of their file and the reason. They are in no set.
    pub skipped: Vec<(String, Skipped)>,
}

/// Scans every file that `files` name: paths, URLs, globs (`s3://bucket/2001/*.nc`), and remote prefixes
/// (`s3://bucket/2001/`), which stand for the netCDF and HDF5 files below them.
///
/// # Errors
///
/// [`ScanFilesError`] for the first file, in their order, that cannot be scanned as a whole. To go on after one, use
/// [`scan_many`].
pub async fn scan<S: Into<String>>(
    storage: &Storage,
    files: impl IntoIterator<Item = S>,
) -> Result<ScannedFiles, ScanFilesError> {
    let named: Vec<String> = files.into_iter().map(Into::into).collect();
    let urls = storage.files(&named, &HDF5_ENDINGS).await?;
    let file = |url: &String| {
        let cannot = |source| ScanFilesError::Storage { file: url.clone(), source };
        let (store, path) = storage.resolve(url).map_err(cannot)?;
        Ok(ScanFile { store, path, url: url.clone(), options: ScanOptions::default() })
    };
    let wanted = urls.iter().map(file).collect::<Result<Vec<_>, ScanFilesError>>()?;
    let mut scans = std::pin::pin!(scan_many(wanted, ScanLimits::default()));
    let mut scanned = ScannedFiles { inputs: Vec::new(), skipped: Vec::new() };
    while let Some(Scanned { url, outcome }) = scans.next().await {
        let scan =
            outcome.map_err(|source| ScanFilesError::Scan { file: url.clone(), source: Box::new(source) })?;
        if !scan.references.lost.is_empty() {
            return Err(ScanFilesError::Damaged { file: url, lost: scan.references.lost_lines().collect() });
        }
        scanned.skipped.extend(scan.skipped.into_iter().map(|skipped| (url.clone(), skipped)));
        scanned.inputs.push(Input::new(url, scan.references));
    }
    Ok(scanned)
}

/// Combines reference sets to one, as `spec` says: `CombineSpec::along(["time"])`.
///
/// # Errors
///
/// [`rangefold_combine::Error`] wherever joining would be wrong, with the inputs at fault, and where coordinates cannot be
/// read.
pub async fn combine(
    storage: &Storage,
    inputs: Vec<Input>,
    spec: &CombineSpec,
) -> Result<Combined, rangefold_combine::Error> {
    rangefold_combine::combine(inputs, spec, storage.clone(), FetchOptions::default()).await
}

/// Writes references to `url`, whole or not at all, in the form its ending asks for: `.json`, `.json.gz`, `.json.zst` or
/// `.parq`.
///
/// # Errors
///
/// [`SaveError`]: there is something already and `existing` keeps it, or it cannot be written.
pub async fn save_references(
    storage: &Storage,
    url: &str,
    references: ReferenceSet,
    existing: Existing,
) -> Result<(), SaveError> {
    let options = SaveOptions { existing, record_size: parquet::RECORD_SIZE };
    rangefold_store::save(storage, url, Arc::new(references), options).await
}
