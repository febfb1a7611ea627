//! What every verb needs: storage, reading references, writing outputs.

use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use rangefold::refs::ReferenceSet;
use rangefold::storage::{Environment, Location, Rules, Scheme, Storage, StorageOptions, explain};

use rangefold::store::{FetchOptions, ReferenceStore};

use crate::args::Shared;

/// References decompress to at most this many bytes: a hundred million references as JSON.
const REFERENCES_MAX: u64 = 16 << 30;

/// Storage and the shared options.
pub(crate) struct Context {
    pub(crate) storage: Storage,
    pub(crate) shared: Shared,
}

impl Context {
    /// # Errors
    ///
    /// The storage rules cannot be read or contradict the options.
    pub(crate) fn new(shared: Shared) -> Result<Self> {
        let rules = match &shared.storage {
            Some(file) => {
                Rules::read(file).with_context(|| format!("cannot use the storage rules {}", file.display()))?
            }
            None => Rules::default(),
        };
        let options = StorageOptions {
            rules,
            endpoint_url: shared.endpoint_url.clone(),
            region: shared.region.clone(),
            anonymous: shared.anonymous,
            profile: shared.profile.clone(),
        };
        Ok(Self { storage: Storage::new(options, Environment::of_process())?, shared })
    }

    /// The store and path of a URL or local path.
    pub(crate) fn resolve(&self, url: &str) -> Result<(Arc<dyn ObjectStore>, Path)> {
        Ok(self.storage.resolve(url)?)
    }

    /// How references name an object: the URL as it was given, a local path made absolute.
    pub(crate) fn canonical(&self, url: &str) -> Result<String> {
        let location = Location::parse(url)?;
        Ok(match location.scheme() {
            Scheme::File => location.key().to_owned(),
            // A query often holds a signature, which has no place in references.
            Scheme::Http | Scheme::Https => location.to_string(),
            _ => url.to_owned(),
        })
    }

    /// All bytes of an object.
    pub(crate) async fn read(&self, url: &str) -> Result<Bytes> {
        let (store, path) = self.resolve(url)?;
        let read = async { store.get(&path).await?.bytes().await };
        read.await.map_err(|error| anyhow!("{}", explain(&error)))
    }

    /// A reference store: kerchunk JSON, plain or compressed.
    pub(crate) async fn references(&self, url: &str) -> Result<ReferenceSet> {
        let cannot = || format!("cannot read references from {url}");
        let bytes = self.read(url).await.with_context(cannot)?;
        let plain = rangefold::refs::decompress(&bytes, REFERENCES_MAX).with_context(cannot)?;
        rangefold::refs::json::read(&plain).with_context(cannot)
    }

    /// What follows the references of `set`.
    pub(crate) fn reference_store(&self, set: ReferenceSet) -> ReferenceStore {
        let options = FetchOptions { concurrency: self.shared.concurrency, ..FetchOptions::default() };
        ReferenceStore::with_options(Arc::new(set), self.storage.clone(), options)
    }

    /// Writes an object whole or not at all; refuses to replace one unless `--overwrite` was given.
    pub(crate) async fn write(&self, url: &str, bytes: Vec<u8>) -> Result<()> {
        let cannot = || format!("cannot write {url}");
        let (store, path) = self.resolve_output(url).with_context(cannot)?;
        let mode = if self.shared.overwrite { PutMode::Overwrite } else { PutMode::Create };
        match store.put_opts(&path, PutPayload::from(bytes), PutOptions::from(mode)).await {
            Ok(_) => Ok(()),
            Err(object_store::Error::AlreadyExists { .. }) => {
                Err(anyhow!("it exists already; --overwrite replaces it")).with_context(cannot)
            }
            Err(error) => Err(anyhow!("{}", explain(&error))).with_context(cannot),
        }
    }

    fn resolve_output(&self, url: &str) -> Result<(Arc<dyn ObjectStore>, Path)> {
        if url.ends_with('/') {
            bail!("it is a folder, and one file is to be written");
        }
        self.resolve(url)
    }
}
