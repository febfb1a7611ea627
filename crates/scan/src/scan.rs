//! The thin shell of I/O around the mapping.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use rangefold_hdf5::model::GlobalHeapId;
use rangefold_hdf5::{ByteRange, Options, ReadError, Reader};

use crate::sniff::{PREFIX_LEN, looks_like};
use crate::{Draft, Scan, ScanOptions, Skipped};

/// The first bytes of HDF5.
const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";

/// Why a file gave no references at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// The object is something else.
    #[error("{url} is not a netCDF-4 or HDF5 file: it looks like {looks_like}")]
    NotHdf5 {
        /// What was scanned.
        url: String,
        /// What it seems to be.
        looks_like: &'static str,
    },
    /// The object could not be read.
    #[error("cannot scan {url}")]
    Read {
        /// What was scanned.
        url: String,
        /// Why.
        #[source]
        source: ReadError,
    },
    /// Something would have been skipped, and the options say that this is an error.
    #[error("{url}: {} left out: {}", skipped.len(), list(skipped))]
    Strict {
        /// What was scanned.
        url: String,
        /// What would have been skipped.
        skipped: Vec<Skipped>,
    },
}

fn list(skipped: &[Skipped]) -> String {
    skipped.iter().map(Skipped::to_string).collect::<Vec<_>>().join("; ")
}

/// Scans the object at `path` in `store`. `url` names it, in errors and in the references.
///
/// # Errors
///
/// [`ScanError`]. What is wrong with a single variable is in [`Scan::skipped`] instead.
pub async fn scan(
    store: Arc<dyn ObjectStore>,
    path: &Path,
    url: &str,
    options: &ScanOptions,
) -> Result<Scan, ScanError> {
    scan_tuned(store, path, url, options, Options::default()).await
}

/// As [`scan`], with requests as `tuning` says. Its `include` is replaced by what `options` select.
///
/// # Errors
///
/// As [`scan`].
pub async fn scan_tuned(
    store: Arc<dyn ObjectStore>,
    path: &Path,
    url: &str,
    options: &ScanOptions,
    tuning: Options,
) -> Result<Scan, ScanError> {
    let read = |source| ScanError::Read { url: url.to_owned(), source };
    let include = options
        .select
        .clone()
        .map(|select| -> rangefold_hdf5::Include { Arc::new(move |path: &str| select(&shown_path(path))) });
    let reader = match Reader::open(Arc::clone(&store), path.clone(), Options { include, ..tuning }).await {
        Ok(reader) => reader,
        // Stores refuse a range of an object without bytes.
        Err(ReadError::Store { .. }) if store.head(path).await.is_ok_and(|meta| meta.size == 0) => {
            return Err(ScanError::NotHdf5 { url: url.to_owned(), looks_like: looks_like(&[]) });
        }
        Err(source) => return Err(read(source)),
    };
    let file = match reader.file().await {
        Ok(file) => file,
        Err(source) => return Err(not_hdf5(&reader, url, source).await),
    };
    let draft = Draft::new(&file, options.final_url.as_deref().unwrap_or(url), options);
    let bytes = reader.bytes(&draft.ranges()).await.map_err(read)?;
    let decoded = draft.decode(&bytes);
    let objects = heap_objects(&reader, &decoded.heap_objects()).await.map_err(read)?;
    let mut scan = decoded.finish(&objects);
    scan.trace = reader.trace();
    if options.strict && !scan.skipped.is_empty() {
        return Err(ScanError::Strict { url: url.to_owned(), skipped: scan.skipped });
    }
    Ok(scan)
}

/// The path by which a caller knows the dataset at `path` of the file.
fn shown_path(path: &str) -> String {
    let path = path.trim_start_matches('/');
    let (group, name) = path.rsplit_once('/').unwrap_or(("", path));
    crate::tree::join(group, name.strip_prefix(crate::draft::NON_COORDINATE).unwrap_or(name))
}

/// Says what the file is, if the reader did not even find a signature.
async fn not_hdf5(reader: &Reader, url: &str, source: ReadError) -> ScanError {
    let at_signature = matches!(&source, ReadError::Format { source, .. } if source.address == 0);
    let prefix = ByteRange::new(0, PREFIX_LEN.min(reader.size()));
    if at_signature
        && let Ok(bytes) = reader.bytes(&[prefix]).await
        && let Some(prefix) = bytes.first()
        && !prefix.starts_with(SIGNATURE)
    {
        return ScanError::NotHdf5 { url: url.to_owned(), looks_like: looks_like(prefix) };
    }
    ScanError::Read { url: url.to_owned(), source }
}

/// The objects that can be read. One that cannot costs only the variables that need it.
async fn heap_objects(
    reader: &Reader,
    ids: &[GlobalHeapId],
) -> Result<BTreeMap<GlobalHeapId, Bytes>, ReadError> {
    match reader.heap_objects(ids).await {
        Ok(objects) => return Ok(ids.iter().copied().zip(objects).collect()),
        Err(ReadError::Format { .. }) => {}
        Err(error) => return Err(error),
    }
    let mut found = BTreeMap::new();
    let collections: BTreeSet<u64> = ids.iter().map(|id| id.collection).collect();
    for collection in collections {
        let of_collection: Vec<_> = ids.iter().copied().filter(|id| id.collection == collection).collect();
        match reader.heap_objects(&of_collection).await {
            Ok(objects) => found.extend(of_collection.into_iter().zip(objects)),
            Err(ReadError::Format { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}
