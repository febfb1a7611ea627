//! The thin shell of I/O around the mapping.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use rangefold_hdf5::model::{GlobalHeapId, Layout};
use rangefold_hdf5::{ByteRange, File, Options, ReadError, Reader};

use crate::draft::chain;
use crate::neighbours::{self, Place};
use crate::sniff::{PREFIX_LEN, looks_like};
use crate::tree::Tree;
use crate::virtual_dataset::{SourceFile, SourceFiles};
use crate::{Decoded, Draft, Scan, ScanOptions, Skipped};

/// The name by which a virtual dataset calls the file it is in.
const SAME_FILE: &str = ".";

/// Files that hold sources of the virtual datasets of one file.
const SOURCE_FILES_MAX: usize = 4096;

/// Of those, how many are scanned at once; each has its own requests in flight.
const SOURCE_FILES_IN_FLIGHT: usize = 8;

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
    /// The store failed at a file that this one takes elements from.
    #[error("cannot scan {url}: cannot look at {neighbour}, which it names")]
    Neighbour {
        /// What was scanned.
        url: String,
        /// What it names.
        neighbour: String,
        /// Why.
        #[source]
        source: object_store::Error,
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
    let place =
        Place { url: options.final_url.clone().unwrap_or_else(|| url.to_owned()), path: path.clone() };
    let (reader, mut decoded) = read(Arc::clone(&store), &place, url, options, tuning.clone()).await?;
    let files = source_files(&store, &place, decoded.virtual_sources(), options, &tuning).await?;
    decoded.resolve(&files);
    let scan = finish(&reader, url, decoded).await?;
    if options.strict && !scan.skipped.is_empty() {
        return Err(ScanError::Strict { url: url.to_owned(), skipped: scan.skipped });
    }
    Ok(scan)
}

/// Scans as far as other files do not matter.
async fn read(
    store: Arc<dyn ObjectStore>,
    place: &Place,
    url: &str,
    options: &ScanOptions,
    tuning: Options,
) -> Result<(Reader, Decoded), ScanError> {
    let (mut reader, mut file) =
        metadata(&store, place, url, options, tuning.clone(), BTreeSet::new()).await?;
    // A dataset with several names is read under the first: its chunk index too, if another name was asked for.
    let unread = unread_aliases(&file, options);
    if !unread.is_empty() {
        (reader, file) = metadata(&store, place, url, options, tuning, unread).await?;
    }
    let names = external_names(&file, options);
    let externals = neighbours::externals(&*store, place, names).await?;
    let draft = Draft::with_externals(&file, &place.url, options, &externals);
    let bytes = reader.bytes(&draft.ranges()).await;
    let bytes = bytes.map_err(|source| ScanError::Read { url: url.to_owned(), source })?;
    Ok((reader, draft.decode(&bytes)))
}

/// Reads the metadata, with the chunk indexes of what `options` select and of the datasets at `also`.
async fn metadata(
    store: &Arc<dyn ObjectStore>,
    place: &Place,
    url: &str,
    options: &ScanOptions,
    tuning: Options,
    also: BTreeSet<String>,
) -> Result<(Reader, File), ScanError> {
    let read = |source| ScanError::Read { url: url.to_owned(), source };
    let path = &place.path;
    let include = options.select.clone().map(|select| -> rangefold_hdf5::Include {
        Arc::new(move |path: &str| select(&shown_path(path)) || also.contains(path))
    });
    let reader = match Reader::open(Arc::clone(store), path.clone(), Options { include, ..tuning }).await {
        Ok(reader) => reader,
        // Stores refuse a range of an object without bytes.
        Err(ReadError::Store { .. }) if store.head(path).await.is_ok_and(|meta| meta.size == 0) => {
            return Err(ScanError::NotHdf5 { url: url.to_owned(), looks_like: looks_like(&[]) });
        }
        Err(source) => return Err(read(source)),
    };
    match reader.file().await {
        Ok(file) => Ok((reader, file)),
        Err(source) => Err(not_hdf5(&reader, url, source).await),
    }
}

/// Fetches the strings and ends the scan.
async fn finish(reader: &Reader, url: &str, decoded: Decoded) -> Result<Scan, ScanError> {
    let objects = heap_objects(reader, &decoded.heap_objects()).await;
    let objects = objects.map_err(|source| ScanError::Read { url: url.to_owned(), source })?;
    let mut scan = decoded.finish(&objects);
    scan.trace = reader.trace();
    Ok(scan)
}

/// Selected variables whose chunk index was not read, by the path of their dataset.
fn unread_aliases(file: &File, options: &ScanOptions) -> BTreeSet<String> {
    let failed: BTreeSet<&str> = file.errors.iter().map(|error| error.path.as_str()).collect();
    let tree = Tree::new(file);
    let unread = tree.variables().filter(|(_, path, dataset)| {
        let unread = matches!(&dataset.layout, Layout::Chunked(layout) if layout.chunks.is_none());
        unread && options.selects(path) && !failed.contains(dataset.path.as_str())
    });
    unread.map(|(_, _, dataset)| dataset.path.clone()).collect()
}

/// Names of the files that hold raw data of selected variables.
fn external_names(file: &File, options: &ScanOptions) -> BTreeSet<String> {
    let tree = Tree::new(file);
    let selected = tree.variables().filter(|(_, path, _)| options.selects(path));
    let segments = selected.flat_map(|(_, _, dataset)| match &dataset.layout {
        Layout::External { segments } => segments.as_slice(),
        _ => &[],
    });
    segments.map(|segment| segment.file.clone()).collect()
}

/// Scans the files that virtual datasets take their elements from, for just the datasets that are wanted.
async fn source_files(
    store: &Arc<dyn ObjectStore>,
    place: &Place,
    wanted: BTreeMap<String, BTreeSet<String>>,
    options: &ScanOptions,
    tuning: &Options,
) -> Result<SourceFiles, ScanError> {
    let scans = wanted.into_iter().enumerate().map(|(count, (name, datasets))| async move {
        let file = if count < SOURCE_FILES_MAX {
            source_file(store, place, &name, datasets, options, tuning.clone()).await?
        } else {
            SourceFile::Unusable(format!("it has sources in more than {SOURCE_FILES_MAX} files"))
        };
        Ok((name, file))
    });
    stream::iter(scans).buffered(SOURCE_FILES_IN_FLIGHT).try_collect().await
}

async fn source_file(
    store: &Arc<dyn ObjectStore>,
    place: &Place,
    name: &str,
    datasets: BTreeSet<String>,
    options: &ScanOptions,
    tuning: Options,
) -> Result<SourceFile, ScanError> {
    let there = if name == SAME_FILE { Ok(place.clone()) } else { place.beside(name) };
    let there = match there {
        Ok(there) => there,
        Err(reason) => return Ok(SourceFile::Unusable(reason)),
    };
    let datasets: BTreeSet<String> = datasets.iter().map(|path| shown_path(path)).collect();
    let options = ScanOptions {
        select: Some(Arc::new(move |path: &str| datasets.contains(path))),
        inline_threshold: options.inline_threshold,
        strict: false,
        final_url: None,
    };
    let scanned = match read(Arc::clone(store), &there, &there.url, &options, tuning).await {
        Ok((reader, decoded)) => finish(&reader, &there.url, decoded).await,
        Err(error) => Err(error),
    };
    match scanned {
        Ok(scan) => Ok(SourceFile::Scanned(scan)),
        Err(ScanError::Read {
            source: ReadError::Store { source: object_store::Error::NotFound { .. }, .. },
            ..
        }) => Ok(SourceFile::Missing),
        Err(
            error @ (ScanError::NotHdf5 { .. } | ScanError::Read { source: ReadError::Format { .. }, .. }),
        ) => Ok(SourceFile::Unusable(chain(&error))),
        Err(error) => Err(error),
    }
}

/// The path by which a caller knows the dataset at `path` of the file.
pub(crate) fn shown_path(path: &str) -> String {
    let path = path.trim_start_matches('/');
    let (group, name) = path.rsplit_once('/').unwrap_or(("", path));
    crate::tree::join(group, name.strip_prefix(crate::tree::NON_COORDINATE).unwrap_or(name))
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
