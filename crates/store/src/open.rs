//! Opening reference stores where they lie: kerchunk JSON, plain or compressed, and Parquet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use rangefold_refs::{Manifest, ManifestBuilder, NodePath, ReferenceSet, RefsError, json, parquet};
use rangefold_storage::{Storage, StorageError, explain};

use crate::Extent;

/// References decompress to at most this many bytes: some hundred million references as JSON.
const REFERENCES_MAX: u64 = 16 << 30;

/// Records of a Parquet store fetched at once.
const RECORDS_IN_FLIGHT: usize = 16;

/// Why a reference store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL leads to no store.
    #[error("cannot open references at {url}")]
    Storage {
        /// The URL.
        url: String,
        /// Why.
        source: StorageError,
    },
    /// There is nothing there, or it cannot be fetched.
    #[error("cannot open references at {url}: {reason}")]
    Fetch {
        /// The URL.
        url: String,
        /// What the store said.
        reason: String,
    },
    /// What is there is known to be something else.
    #[error("{url} holds no references: it is {what}")]
    Foreign {
        /// The URL.
        url: String,
        /// What it is.
        what: &'static str,
    },
    /// What is there are no references, or a part of them is lost.
    #[error("cannot read the references at {url}")]
    Refs {
        /// The URL.
        url: String,
        /// Why.
        source: RefsError,
    },
}

/// Reference stores read at the same time.
const STORES_IN_FLIGHT: usize = 16;

/// The sets at `urls` with all their references, in this order, some read at once.
///
/// Items are errors for stores that cannot be opened.
pub fn read_sets<'a>(
    storage: &'a Storage,
    urls: &'a [String],
) -> impl Stream<Item = Result<(String, ReferenceSet), OpenError>> + Send + 'a {
    stream::iter(urls)
        .map(move |url| async move {
            tracing::info!("reading {url}");
            Ok((url.clone(), Opened::open(storage, url).await?.into_set().await?))
        })
        .buffered(STORES_IN_FLIGHT)
}

/// A reference store that was opened. Of a Parquet store only the metadata have been read.
pub struct Opened {
    set: ReferenceSet,
    records: Option<Records>,
    /// References of each array when it was written, if a JSON document says so.
    references: Option<BTreeMap<NodePath, u64>>,
    /// Arrays of a Parquet store some of whose references are in the set.
    loaded: BTreeMap<NodePath, Loaded>,
    url: String,
}

/// How many references of an array are in the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loaded {
    All,
    Some,
}

/// Where the references of a Parquet store are.
struct Records {
    store: Arc<dyn ObjectStore>,
    folder: Path,
    /// What the index says, without the set.
    index: parquet::Index,
}

impl Opened {
    /// Opens the reference store at `url`. What it is is told by what is there, not by its name.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub async fn open(storage: &Storage, url: &str) -> Result<Self, OpenError> {
        // The index of a Parquet store stands for the store.
        let url = url.strip_suffix("/.zmetadata").unwrap_or(url);
        let (store, path) =
            storage.resolve(url).map_err(|source| OpenError::Storage { url: url.to_owned(), source })?;
        let refs_error = |source| OpenError::Refs { url: url.to_owned(), source };
        let index = path.clone().join(".zmetadata");
        let by_name = url.trim_end_matches('/').ends_with(".parq") || url.ends_with('/');
        let first = if by_name { &index } else { &path };
        let (bytes, indexed) = match get(&store, first).await {
            Ok(bytes) => (bytes, by_name),
            Err(error) => {
                // A Parquet store is a folder, which some stores know as such and others not at all.
                let second = if by_name { &path } else { &index };
                let reason = || match std::path::Path::new(url).is_dir() {
                    true => "it is a folder without .zmetadata, the index of a Parquet store".to_owned(),
                    false => explain(&error),
                };
                let fetch_error = |_| OpenError::Fetch { url: url.to_owned(), reason: reason() };
                (get(&store, second).await.map_err(fetch_error)?, !by_name)
            }
        };
        if indexed {
            let mut index = parquet::parse_zmetadata(&bytes).map_err(refs_error)?;
            let set = std::mem::take(&mut index.set);
            let records = Some(Records { store, folder: path, index });
            return Ok(Self { set, records, references: None, loaded: BTreeMap::new(), url: url.to_owned() });
        }
        if let Some(what) = foreign(&bytes) {
            return Err(OpenError::Foreign { url: url.to_owned(), what });
        }
        let plain = rangefold_refs::decompress(&bytes, REFERENCES_MAX).map_err(refs_error)?;
        let json::Stored { set, references } =
            json::read_stored(&plain, &json::ReadOptions::default()).map_err(refs_error)?;
        Ok(Self { set, records: None, references, loaded: BTreeMap::new(), url: url.to_owned() })
    }

    /// Takes record files that a Parquet store lacks for records without references, if the store does not say which it
    /// has: kerchunk leaves such files out.
    #[must_use]
    pub fn with_absent_records_empty(mut self) -> Self {
        if let Some(records) = &mut self.records {
            records.index.absent_is_empty = true;
        }
        self
    }

    /// What the store says of how much there was when it was written. A Parquet store says it record by record, which is
    /// compared whenever one is read.
    #[must_use]
    pub fn extent(&self) -> Extent<'_> {
        match (&self.references, &self.records) {
            (Some(references), _) => Extent::Each(references),
            (None, Some(records)) if records.index.records.is_some() => Extent::Told,
            (None, _) => Extent::Unknown,
        }
    }

    /// Groups, arrays and attributes. Not to be read from: of a Parquet store, references are missing that were not
    /// loaded.
    #[must_use]
    pub fn metadata(&self) -> &ReferenceSet {
        &self.set
    }

    /// What may be read from: the arrays whose references were loaded, by [`load_arrays`](Self::load_arrays) or, the
    /// chunks that were named, by [`load`](Self::load). Others would read as if nothing was stored. All of a JSON store.
    #[must_use]
    pub fn known(&self) -> ReferenceSet {
        let mut set = self.set.clone();
        if self.records.is_some() {
            set.arrays.retain(|path, _| self.loaded.contains_key(path));
        }
        set
    }

    /// Whether all references are known already, which is so for JSON.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.records.is_none()
    }

    /// Loads the references of these chunks of the array at `path`, in place of those loaded before unless those
    /// were all.
    /// Of a Parquet store only the records that hold them are read; a JSON store holds them already.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub async fn load(&mut self, path: &str, chunks: impl Iterator<Item = u64>) -> Result<(), OpenError> {
        if self.loaded.get(path) == Some(&Loaded::All) {
            return Ok(());
        }
        let (Some(records), Some(array)) = (&self.records, self.set.arrays.get(path)) else { return Ok(()) };
        let numbers: BTreeSet<u64> = chunks.map(|chunk| chunk / records.index.record_size).collect();
        let manifest = records.manifest(&self.url, path, array.meta.grid.chunk_count(), numbers).await?;
        self.take(path, manifest, Loaded::Some);
        Ok(())
    }

    fn take(&mut self, path: &str, manifest: Manifest, loaded: Loaded) {
        if let Some(array) = self.set.arrays.get_mut(path) {
            array.manifest = manifest;
            self.loaded.insert(path.to_owned(), loaded);
        }
    }

    /// Loads all references of the arrays that `wanted` picks and that are not loaded yet. An array whose references are
    /// lost or damaged becomes [unreadable](ReferenceSet::unreadable), and leaves the others alone.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub async fn load_arrays(&mut self, wanted: impl Fn(&str) -> bool) -> Result<(), OpenError> {
        let Some(records) = &self.records else { return Ok(()) };
        let arrays: Vec<(NodePath, u64)> = self
            .set
            .arrays
            .iter()
            .filter(|(path, _)| wanted(path) && self.loaded.get(*path) != Some(&Loaded::All))
            .map(|(path, array)| (path.clone(), array.meta.grid.chunk_count()))
            .collect();
        let mut manifests = Vec::with_capacity(arrays.len());
        for (path, count) in arrays {
            let manifest = match records.index.record_numbers(&path, count) {
                Ok(numbers) => match records.manifest(&self.url, &path, count, numbers).await {
                    Ok(manifest) => Ok(manifest),
                    Err(OpenError::Refs { url: _, source }) => Err(source),
                    Err(error) => return Err(error),
                },
                Err(error) => Err(error),
            };
            manifests.push((path, manifest));
        }
        for (path, manifest) in manifests {
            match manifest {
                Ok(manifest) => self.take(&path, manifest, Loaded::All),
                Err(error) => {
                    self.set.arrays.remove(&path);
                    self.set.unreadable.insert(path, error);
                }
            }
        }
        Ok(())
    }

    /// The set, with all its references.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub async fn into_set(mut self) -> Result<ReferenceSet, OpenError> {
        self.load_arrays(|_| true).await?;
        Ok(self.set)
    }
}

impl Records {
    /// The references that stand in these records of an array of `chunk_count` chunks.
    async fn manifest(
        &self,
        url: &str,
        path: &str,
        chunk_count: u64,
        numbers: impl IntoIterator<Item = u64>,
    ) -> Result<Manifest, OpenError> {
        // What the index does not tell of need not be asked for.
        let told =
            |number: &u64| self.index.records.as_ref().is_none_or(|table| table.get(path, *number).is_some());
        let numbers: Vec<u64> = numbers.into_iter().filter(told).collect();
        let manifests: Vec<_> = stream::iter(numbers)
            .map(|number| async move {
                let Some(bytes) = self.read(url, path, number).await? else { return Ok(None) };
                parquet::parse_record(bytes, number.saturating_mul(self.index.record_size), chunk_count)
                    .map(Some)
                    .map_err(|error| {
                        let key = parquet::record_path(path, number);
                        let source = RefsError::Key { key, problem: error.to_string() };
                        OpenError::Refs { url: url.to_owned(), source }
                    })
            })
            .buffered(RECORDS_IN_FLIGHT)
            .try_collect()
            .await?;
        let manifest_error = |error: rangefold_refs::ManifestError| {
            let source = RefsError::Key { key: path.to_owned(), problem: error.to_string() };
            OpenError::Refs { url: url.to_owned(), source }
        };
        let mut builder = ManifestBuilder::new();
        for (number, reference) in manifests.iter().flatten().flat_map(|manifest| manifest.iter()) {
            builder.push(number, reference).map_err(manifest_error)?;
        }
        builder.build(chunk_count).map_err(manifest_error)
    }

    /// The bytes of one record, checked; `None` if the array has no such record.
    async fn read(&self, url: &str, path: &str, number: u64) -> Result<Option<Bytes>, OpenError> {
        let fetch_error = |reason| OpenError::Fetch { url: record_url(url, path, number), reason };
        let record = parquet::record_path(path, number);
        // Names are taken to the letter, as they are when a record is written and as fsspec does.
        let at = if self.folder.as_ref().is_empty() { record } else { format!("{}/{record}", self.folder) };
        let at = Path::parse(at).map_err(|_| {
            let problem = "cannot be asked for: its name holds a control character".to_owned();
            let source = RefsError::Key { key: parquet::record_path(path, number), problem };
            OpenError::Refs { url: url.to_owned(), source }
        })?;
        let found = match get(&self.store, &at).await {
            Ok(bytes) => Some(bytes),
            Err(object_store::Error::NotFound { .. }) => None,
            Err(error) => return Err(fetch_error(explain(&error))),
        };
        let checked = self.index.record(path, number, found);
        checked.map_err(|source| OpenError::Refs { url: url.to_owned(), source })
    }
}

fn record_url(url: &str, path: &str, number: u64) -> String {
    format!("{}/{}", url.trim_end_matches('/'), parquet::record_path(path, number))
}

/// All bytes of an object; of something [`foreign`], which may be large, only the first part.
async fn get(store: &Arc<dyn ObjectStore>, path: &Path) -> object_store::Result<Bytes> {
    let mut parts = store.get(path).await?.into_stream();
    let mut bytes = BytesMut::new();
    while let Some(part) = parts.try_next().await? {
        bytes.extend_from_slice(&part);
        if foreign(&bytes).is_some() {
            break;
        }
    }
    Ok(bytes.freeze())
}

/// What else is easily taken for references, by its first bytes.
fn foreign(bytes: &[u8]) -> Option<&'static str> {
    const SIGNATURES: [(&[u8], &str); 7] = [
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file, which has to be scanned first"),
        (b"CDF", "a netCDF-3 file"),
        (b"GRIB", "a GRIB file"),
        (b"PAR1", "one Parquet file; a Parquet store is a folder with the index .zmetadata"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"<", "a page of HTML or XML"),
        (b"[", "a JSON list, and references are a JSON object"),
    ];
    let bytes = bytes.trim_ascii_start();
    SIGNATURES.iter().find(|(signature, _)| bytes.starts_with(signature)).map(|(_, what)| *what)
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened")
            .field("url", &self.url)
            .field("arrays", &self.set.arrays.len())
            .finish_non_exhaustive()
    }
}
