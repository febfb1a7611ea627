//! The thin shell of I/O around the mapping.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use rangefold_hdf5::model::{GlobalHeapId, Layout};
use rangefold_hdf5::{ByteRange, File, Options, ReadError, Reader};

use crate::external_link::ExternalLink;
use crate::neighbours::{self, Place};
use crate::shown::shown_path;
use crate::sniff::{PREFIX_LEN, looks_like};
use crate::tree::Tree;
use crate::virtual_dataset::{SourceFile, SourceFiles};
use crate::{Decoded, Draft, Scan, ScanOptions, Select, Skipped};

/// The name by which a virtual dataset calls the file it is in.
const SAME_FILE: &str = ".";

/// Files that hold sources of the virtual datasets of one file, and files that are linked from it, directly or through
/// others.
const OTHER_FILES_MAX: usize = 4096;

/// Of those, how many are scanned at once; each has its own requests in flight.
const OTHER_FILES_IN_FLIGHT: usize = 8;

/// Files that the sources of a virtual dataset may be linked from, for each file with sources.
const SOURCE_LINKS_MAX: usize = 64;

/// External links that are followed one after the other, from file to file.
const LINK_DEPTH_MAX: usize = 8;

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
    let visit = Visit {
        url: url.to_owned(),
        options: options.clone(),
        reaches: Arc::new(|_| true),
        trail: vec![(place.url.clone(), String::new())],
        depth: 0,
        in_virtual: false,
        files_max: OTHER_FILES_MAX,
        place,
    };
    let mut scan = visit.scan(&store, &tuning).await?;
    if options.final_url.is_some() {
        // The objects that references point at are copies of those that were scanned: of another time, with ETags of
        // another store.
        for source in scan.references.sources.values_mut() {
            (source.etag, source.last_modified) = (None, None);
        }
    }
    if options.strict && !scan.skipped.is_empty() {
        return Err(ScanError::Strict { url: url.to_owned(), skipped: scan.skipped });
    }
    Ok(scan)
}

/// A file that is scanned, and how the scan came to it.
struct Visit {
    place: Place,
    /// Its name in errors.
    url: String,
    options: ScanOptions,
    /// Whether something at a path, or below it, can be wanted.
    reaches: Select,
    /// The files and objects from which external links led here.
    trail: Vec<(String, String)>,
    /// How many external links led here, one after the other.
    depth: usize,
    /// Whether its datasets are sources of a virtual one.
    in_virtual: bool,
    /// How many other files may be scanned for this one.
    files_max: usize,
}

impl Visit {
    /// Scans the file, and others as far as it takes objects or elements from them.
    fn scan<'a>(
        &'a self,
        store: &'a Arc<dyn ObjectStore>,
        tuning: &'a Options,
    ) -> BoxFuture<'a, Result<Scan, ScanError>> {
        async move {
            let Self { place, url, options, .. } = self;
            let (reader, mut decoded) = read(Arc::clone(store), place, url, options, tuning.clone()).await?;
            if !self.in_virtual {
                let wanted = decoded.virtual_sources();
                let visits =
                    wanted.iter().map(|(name, datasets)| (name.clone(), self.to_sources(name, datasets)));
                let files = other_files(store, tuning, visits.collect()).await?;
                decoded.resolve(&files);
            }
            decoded.judge_links(|link| self.judge(link));
            let mut links: BTreeMap<String, Vec<ExternalLink>> = BTreeMap::new();
            for link in decoded.external_links() {
                links.entry(link.file.clone()).or_default().push(link.clone());
            }
            let share = self.files_max.saturating_sub(links.len()).checked_div(links.len()).unwrap_or(0);
            let visits = links.iter().enumerate().map(|(count, (name, links))| {
                let visit = if count < self.files_max {
                    self.to_linked(name, links, share)
                } else {
                    Err("too many files are linked".to_owned())
                };
                (name.clone(), visit)
            });
            let files = other_files(store, tuning, visits.collect()).await?;
            finish(&reader, url, decoded, &files).await
        }
        .boxed()
    }

    /// Whether `link` is to be followed.
    fn judge(&self, link: &ExternalLink) -> Result<(), Option<&'static str>> {
        if !(self.reaches)(&link.path) {
            return Err(None);
        }
        let there = self.place.linked(&link.file);
        let leads_back = there.is_ok_and(|there| {
            self.trail.iter().any(|(url, target)| *url == there.url && *target == link.target)
        });
        if leads_back { Err(Some("which was not followed: it leads back to where it is")) } else { Ok(()) }
    }

    /// The visit to the file called `name` for the sources of virtual datasets.
    fn to_sources(&self, name: &str, datasets: &BTreeSet<String>) -> Result<Self, String> {
        let place = if name == SAME_FILE { self.place.clone() } else { self.place.beside(name)? };
        let datasets: Arc<BTreeSet<String>> =
            Arc::new(datasets.iter().map(|path| shown_path(path)).collect());
        let all = Arc::clone(&datasets);
        Ok(Self {
            url: place.url.clone(),
            options: self.options_for(move |path| datasets.contains(path)),
            reaches: Arc::new(move |path| {
                all.iter().any(|dataset| rangefold_array::node_path::below(path, dataset).is_some())
            }),
            trail: vec![(place.url.clone(), String::new())],
            depth: 0,
            in_virtual: true,
            files_max: SOURCE_LINKS_MAX,
            place,
        })
    }

    /// The visit to the file called `name` for what `links` lead to.
    fn to_linked(&self, name: &str, links: &[ExternalLink], files_max: usize) -> Result<Self, String> {
        if self.depth >= LINK_DEPTH_MAX {
            return Err(format!("it is the end of more than {LINK_DEPTH_MAX} links from file to file"));
        }
        let place = self.place.linked(name)?;
        let mut trail = self.trail.clone();
        trail.extend(links.iter().map(|link| (place.url.clone(), link.target.clone())));
        let links: Arc<[ExternalLink]> = links.into();
        let (all, outer) = (Arc::clone(&links), self.options.clone());
        let selects = move |path: &str| {
            links.iter().any(|link| link.name_of(path).is_some_and(|name| outer.selects(&name)))
        };
        Ok(Self {
            url: place.url.clone(),
            options: self.options_for(selects),
            reaches: Arc::new(move |path| all.iter().any(|link| link.meets(path))),
            trail,
            depth: self.depth.saturating_add(1),
            in_virtual: self.in_virtual,
            files_max,
            place,
        })
    }

    /// The options for another file.
    fn options_for(&self, selects: impl Fn(&str) -> bool + Send + Sync + 'static) -> ScanOptions {
        ScanOptions {
            select: Some(Arc::new(selects)),
            inline_threshold: self.options.inline_threshold,
            strict: false,
            final_url: None,
        }
    }
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
async fn finish(
    reader: &Reader,
    url: &str,
    decoded: Decoded,
    files: &SourceFiles,
) -> Result<Scan, ScanError> {
    let objects = heap_objects(reader, &decoded.heap_objects()).await;
    let objects = objects.map_err(|source| ScanError::Read { url: url.to_owned(), source })?;
    let mut scan = decoded.finish_with(&objects, files);
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

/// Scans other files, by the names they are called; a visit that cannot be made has a reason instead.
async fn other_files(
    store: &Arc<dyn ObjectStore>,
    tuning: &Options,
    visits: Vec<(String, Result<Visit, String>)>,
) -> Result<SourceFiles, ScanError> {
    let scans = visits.into_iter().enumerate().map(|(count, (name, visit))| async move {
        let file = match visit {
            Ok(visit) if count < OTHER_FILES_MAX => other_file(store, tuning, &visit).await?,
            Ok(_) => SourceFile::Unusable(format!("it takes from more than {OTHER_FILES_MAX} files")),
            Err(reason) => SourceFile::Unusable(reason),
        };
        Ok((name, file))
    });
    stream::iter(scans).buffered(OTHER_FILES_IN_FLIGHT).try_collect().await
}

async fn other_file(
    store: &Arc<dyn ObjectStore>,
    tuning: &Options,
    visit: &Visit,
) -> Result<SourceFile, ScanError> {
    let error = match visit.scan(store, tuning).await {
        Ok(scan) => return Ok(SourceFile::Scanned(Box::new(scan))),
        Err(error) => error,
    };
    match &error {
        ScanError::Read { source: ReadError::Store { source, .. }, .. } => match source {
            object_store::Error::NotFound { .. } => Ok(SourceFile::Missing(visit.place.url.clone())),
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                Ok(SourceFile::Unusable(format!("access to {} is denied", visit.place.url)))
            }
            _ => Err(error),
        },
        ScanError::NotHdf5 { .. } | ScanError::Read { source: ReadError::Format { .. }, .. } => {
            Ok(SourceFile::Unusable(rangefold_array::chain(&error)))
        }
        _ => Err(error),
    }
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
