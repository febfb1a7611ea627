//! What every verb needs: storage, reading references, writing outputs.

use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload};
use rangefold::refs::ReferenceSet;
use rangefold::storage::{Environment, Location, Rules, Scheme, Storage, StorageOptions, explain};

use rangefold::store::{FetchOptions, Opened, ReferenceStore};

use crate::WrongArguments;
use crate::args::Shared;
use crate::result::{self, Encoded, Field, Format, Tree};

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
            Some(file) => Rules::read(file)
                .with_context(|| format!("cannot use the storage rules {}", file.display()))
                .map_err(WrongArguments::of)?,
            None => Rules::default(),
        };
        let options = StorageOptions {
            rules,
            endpoint_url: shared.endpoint_url.clone(),
            region: shared.region.clone(),
            anonymous: shared.anonymous,
            profile: shared.profile.clone(),
            timeout: shared.timeout,
        };
        if let Some(endpoint) = &options.endpoint_url {
            Location::endpoint(endpoint).map_err(WrongArguments::of)?;
        }
        Ok(Self { storage: Storage::new(options, Environment::of_process())?, shared })
    }

    /// Whether a URL or local path that was typed can be used at all.
    ///
    /// # Errors
    ///
    /// [`WrongArguments`]: it is empty, or of a scheme that is not known.
    pub(crate) fn check_url(&self, url: &str) -> Result<()> {
        Location::parse(url).map(drop).map_err(WrongArguments::of)
    }

    /// The store and path of a URL or local path.
    pub(crate) fn resolve(&self, url: &str) -> Result<(Arc<dyn ObjectStore>, Path)> {
        self.check_url(url)?;
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

    /// A reference store, of which only the metadata are read if it is Parquet.
    pub(crate) async fn open(&self, url: &str) -> Result<Opened> {
        self.check_url(url)?;
        Ok(Opened::open(&self.storage, url).await?)
    }

    /// A reference store with all its references.
    pub(crate) async fn references(&self, url: &str) -> Result<ReferenceSet> {
        Ok(self.open(url).await?.into_set().await?)
    }

    /// How the references of any set are fetched.
    pub(crate) fn fetch_options(&self) -> FetchOptions {
        FetchOptions { concurrency: self.shared.concurrency, ..FetchOptions::default() }
    }

    /// What follows the references of `set`.
    pub(crate) fn reference_store(&self, set: ReferenceSet) -> ReferenceStore {
        let options = FetchOptions { concurrency: self.shared.concurrency, ..FetchOptions::suited_to(&set) };
        ReferenceStore::with_options(Arc::new(set), self.storage.clone(), options)
    }

    /// Writes an object whole or not at all; refuses to replace one unless `--overwrite` was given.
    pub(crate) async fn write(&self, url: &str, bytes: impl Into<PutPayload>) -> Result<()> {
        let cannot = || format!("cannot write {url}");
        let (store, path) = self.resolve_output(url).with_context(cannot)?;
        let mode = if self.shared.overwrite { PutMode::Overwrite } else { PutMode::Create };
        match store.put_opts(&path, bytes.into(), PutOptions::from(mode)).await {
            Ok(_) => Ok(()),
            Err(object_store::Error::AlreadyExists { .. }) => {
                Err(anyhow!("it exists already; --overwrite replaces it")).with_context(cannot)
            }
            Err(error) => Err(anyhow!("{}", explain(&error))).with_context(cannot),
        }
    }

    /// Writes an object, in place of one that may be there.
    pub(crate) async fn replace(&self, url: &str, bytes: impl Into<PutPayload>) -> Result<()> {
        let cannot = || format!("cannot write {url}");
        let (store, path) = self.resolve_output(url).with_context(cannot)?;
        store
            .put(&path, bytes.into())
            .await
            .map_err(|error| anyhow!("{}", explain(&error)))
            .with_context(cannot)?;
        Ok(())
    }

    /// Whether there is an object.
    pub(crate) async fn exists(&self, url: &str) -> Result<bool> {
        let (store, path) = self.resolve(url)?;
        match store.head(&path).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => {
                Err(anyhow!("{}", explain(&error))).with_context(|| format!("cannot look at {url}"))
            }
        }
    }

    /// Writes fields in a format.
    pub(crate) async fn write_fields(&self, url: &str, fields: &[Field], format: Format) -> Result<()> {
        match result::encode(fields, format)? {
            Encoded::Object(bytes) => self.write(url, bytes).await,
            Encoded::Tree(tree) => self.write_tree(url, tree).await,
        }
    }

    /// Writes the objects of a folder.
    pub(crate) async fn write_tree(&self, url: &str, tree: Tree) -> Result<()> {
        let location = Location::parse(url)?;
        if location.scheme() == Scheme::File {
            return tree.save(std::path::Path::new(location.key()), self.shared.overwrite);
        }
        let folder = url.trim_end_matches('/');
        if !self.shared.overwrite && self.exists(&format!("{folder}/zarr.json")).await? {
            bail!("cannot write {url}: it exists already; --overwrite replaces it");
        }
        // The root's metadata stands last in the tree: without it there is no store.
        for (path, bytes) in tree.objects {
            self.replace(&format!("{folder}/{path}"), bytes).await?;
        }
        Ok(())
    }

    fn resolve_output(&self, url: &str) -> Result<(Arc<dyn ObjectStore>, Path)> {
        if url.ends_with('/') {
            bail!("it is a folder, and one file is to be written");
        }
        self.resolve(url)
    }
}
