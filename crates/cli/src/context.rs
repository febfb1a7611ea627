//! What every verb needs: storage, reading references, writing outputs.

use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use rangefold::refs::ReferenceSet;
use rangefold::storage::{
    Environment, Existing, ListError, Location, Rules, Storage, StorageOptions, WriteError, WriteProblem,
};
use rangefold::{
    Answer, AnswerError, Dataset, Field, Limits, Query, Resources, SaveError, check_fields_savable,
    save_fields, save_selection,
};

use rangefold::store::{FetchOptions, Opened, ReferenceStore, is_same_store};

use crate::WrongArguments;
use crate::args::Shared;

/// Storage and the shared options.
pub(crate) struct Context {
    pub(crate) storage: Storage,
    pub(crate) resources: Resources,
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
        let defaults = Limits::default();
        let resources = Resources::new(Limits {
            threads: shared.threads.unwrap_or(defaults.threads),
            memory: shared.memory,
            requests: shared.concurrency,
        });
        Ok(Self { storage: Storage::new(options, Environment::of_process())?, resources, shared })
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
    pub(crate) async fn check_fields_output(&self, url: &str, input: &str) -> Result<()> {
        self.check_distinct(url, [input])?;
        check_fields_savable(&self.storage, url, self.existing()).await.map(drop).map_err(saved)
    }

    /// Opens the dataset at `url`.
    pub(crate) async fn dataset(&self, url: &str) -> Result<Dataset> {
        self.check_url(url)?;
        Ok(Dataset::open_with(&self.storage, url, &self.resources).await?)
    }

    /// An answer; `cannot` says what failed where the data are to blame and not the question.
    pub(crate) fn answered(&self, answer: Result<Answer, AnswerError>, cannot: &str) -> Result<Answer> {
        answer.map_err(|error| match error.is_about_the_question() {
            true => error.into(),
            false => anyhow::Error::new(error).context(cannot.to_owned()),
        })
    }

    /// All bytes of an object.
    pub(crate) async fn read(&self, url: &str) -> Result<Bytes> {
        let (store, path) = self.resolve(url)?;
        let cannot = || format!("cannot read {url}");
        store.get(&path).await.with_context(cannot)?.bytes().await.with_context(cannot)
    }

    /// Checks that an object can be written.
    pub(crate) async fn check_writable(&self, url: &str) -> Result<()> {
        self.storage.check_writable(url, self.existing()).await.map_err(told)
    }

    /// Writes an object whole or not at all; refuses to replace one unless `--overwrite` was given.
    pub(crate) async fn write(&self, url: &str, bytes: impl Into<Bytes>) -> Result<()> {
        self.storage.write(url, bytes, self.existing()).await.map_err(told)
    }

    /// Writes fields in the form that the ending of `url` asks for.
    pub(crate) async fn write_fields(&self, url: &str, fields: &[Field]) -> Result<()> {
        save_fields(&self.storage, url, fields, self.existing()).await.map_err(saved)
    }

    /// Writes the values that `query` selects.
    pub(crate) async fn write_selection(
        &self,
        dataset: &Dataset,
        variable: &str,
        query: &Query,
        url: &str,
    ) -> Result<Vec<String>> {
        save_selection(dataset, variable, query, url, self.existing()).await.map_err(|error| match error {
            SaveError::Answer(error) if !error.is_about_the_question() => {
                anyhow::Error::new(*error).context(format!("cannot read {variable}"))
            }
            error => saved(error),
        })
    }
}

/// An answer that could not be written, with what the command can do about it.
fn saved(error: SaveError) -> anyhow::Error {
    match error {
        SaveError::Write(error) => told(error),
        error => error.into(),
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
