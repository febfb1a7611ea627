//! What every verb needs: storage, reading references, writing outputs.

use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use bytes::Bytes;
use object_store::ObjectStore;
use object_store::path::Path;
use rangefold::refs::ReferenceSet;
use rangefold::storage::{
    Environment, Existing, ListError, Location, Rules, Storage, StorageOptions, TreeWriter, WriteError,
    WriteProblem,
};

use rangefold::store::{FetchOptions, Opened, ReferenceStore, is_same_store};

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

    /// What becomes of outputs that exist.
    pub(crate) fn existing(&self) -> Existing {
        if self.shared.overwrite { Existing::Replace } else { Existing::Keep }
    }

    /// Checks that an output is none of the inputs, whatever their spelling.
    ///
    /// # Errors
    ///
    /// [`WrongArguments`] naming both.
    pub(crate) fn check_distinct<'a>(
        &self,
        output: &str,
        inputs: impl IntoIterator<Item = &'a str>,
    ) -> Result<()> {
        self.check_url(output)?;
        for input in inputs {
            // An input that cannot be understood is told when it is read.
            if is_same_store(output, input) {
                let same = if input == output { String::new() } else { format!(", which is {input}") };
                return Err(WrongArguments::of(anyhow!(
                    "cannot write {output}{same}: it is an input, and would be gone"
                )));
            }
        }
        Ok(())
    }

    /// Checks an output of values before work begins: it is none of the inputs, and it can be written.
    ///
    /// # Errors
    ///
    /// [`WrongArguments`] for the first, else why it cannot be written.
    pub(crate) async fn check_fields_output(&self, url: &str, format: Format, input: &str) -> Result<()> {
        self.check_distinct(url, [input])?;
        let checked = match format {
            Format::Zarr => self.storage.check_tree_writable(url, &Tree::KIND, self.existing()).await,
            Format::Json | Format::Npy | Format::Csv | Format::NcJson | Format::Png => {
                self.storage.check_writable(url, self.existing()).await
            }
        };
        checked.map_err(told)
    }

    /// Checks that an object can be written.
    pub(crate) async fn check_writable(&self, url: &str) -> Result<()> {
        self.storage.check_writable(url, self.existing()).await.map_err(told)
    }

    /// Writes an object whole or not at all; refuses to replace one unless `--overwrite` was given.
    pub(crate) async fn write(&self, url: &str, bytes: impl Into<Bytes>) -> Result<()> {
        self.storage.write(url, bytes, self.existing()).await.map_err(told)
    }

    /// Writes fields in a format.
    pub(crate) async fn write_fields(&self, url: &str, fields: &[Field], format: Format) -> Result<()> {
        match result::encode(fields, format)? {
            Encoded::Object(bytes) => self.write(url, bytes).await,
            Encoded::Tree(Tree { mut objects }) => {
                let (index, last) = objects.pop().context("a Zarr store without objects")?;
                let mut tree = self.tree(url).await?;
                for (path, bytes) in objects {
                    tree.put(&path, bytes).await.map_err(told)?;
                }
                tree.finish(&index, last).await.map_err(told)
            }
        }
    }

    /// Begins to write a Zarr store.
    pub(crate) async fn tree(&self, url: &str) -> Result<TreeWriter> {
        self.storage.tree(url, &Tree::KIND, self.existing()).await.map_err(told)
    }
}

/// An output that could not be written, with what the command can do about it.
pub(crate) fn told(error: WriteError) -> anyhow::Error {
    let WriteError { url, problem } = error;
    let cause = match problem {
        WriteProblem::Exists => anyhow!("it exists already; --overwrite replaces it"),
        other => other.into(),
    };
    cause.context(format!("cannot write {url}"))
}

/// Texts that name nothing: wrong arguments if that can be told from the texts alone.
pub(crate) fn unlisted(error: ListError) -> anyhow::Error {
    if error.is_malformed() { WrongArguments::of(error) } else { error.into() }
}
