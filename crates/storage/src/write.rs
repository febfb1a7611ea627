//! Whole-or-nothing writing: an output appears complete or not at all, and what it replaces stays until then.
//!
//! | output | in a local folder | in an object store |
//! |---|---|---|
//! | one object ([`Storage::write`]) | a hidden file beside it, renamed | one request, conditional unless it may replace |
//! | a tree of objects ([`Storage::tree`]) | a hidden folder beside it, renamed; an old one is exchanged for it in one step | all objects but the index first, the index last |
//!
//! Objects under a prefix cannot be replaced all at once: a reader that knows the old index would find new objects. A
//! complete tree in an object store is therefore never replaced, whatever was asked for.

mod local;
mod tree;
mod zarr;

use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutOptions};

use crate::location::Scheme;
use crate::{Storage, StorageError};

pub use tree::{TreeKind, TreeWriter};

/// What becomes of an output that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and the new one is refused.
    Keep,
    /// It is replaced.
    Replace,
}

/// An output could not be written. What was there is as it was.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {url}")]
pub struct WriteError {
    /// The output.
    pub url: String,
    /// Why.
    #[source]
    pub problem: WriteProblem,
}

/// Why an output could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteProblem {
    /// Something is there, and may not be replaced.
    #[error("it exists already")]
    Exists,
    /// Nothing can be written there, whatever is allowed.
    #[error("{0}")]
    Refused(String),
    /// The URL leads to no store.
    #[error(transparent)]
    Location(#[from] StorageError),
    /// The local file system refused.
    #[error(transparent)]
    Local(#[from] std::io::Error),
    /// The object store refused.
    #[error(transparent)]
    Store(object_store::Error),
}

impl From<object_store::Error> for WriteProblem {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::AlreadyExists { .. } => Self::Exists,
            other => Self::Store(other),
        }
    }
}

impl WriteProblem {
    fn refused(reason: impl Into<String>) -> Self {
        Self::Refused(reason.into())
    }

    fn at(self, url: &str) -> WriteError {
        WriteError { url: url.to_owned(), problem: self }
    }
}

/// A local file that is being written. Nothing of it is to be seen before [`FileWriter::finish`].
#[derive(Debug)]
pub struct FileWriter {
    url: String,
    aside: tempfile::NamedTempFile,
    target: std::path::PathBuf,
    existing: Existing,
}

impl FileWriter {
    /// The file, to be written to.
    pub fn file(&mut self) -> &mut std::fs::File {
        self.aside.as_file_mut()
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    ///
    /// [`WriteError`]; what was there is as it was.
    pub fn finish(self) -> Result<(), WriteError> {
        let Self { url, aside, target, existing } = self;
        local::finish(aside, &target, existing).map_err(|problem| problem.at(&url))
    }
}

/// Where an output goes.
enum Place {
    Local(std::path::PathBuf),
    Remote(Arc<dyn ObjectStore>, Path),
}

impl Storage {
    /// Whether one object can be written at `url`, as far as that can be known before it is.
    ///
    /// # Errors
    ///
    /// [`WriteError`].
    pub async fn check_writable(&self, url: &str, existing: Existing) -> Result<(), WriteError> {
        self.check_object(url, existing).await.map_err(|problem| problem.at(url))
    }

    async fn check_object(&self, url: &str, existing: Existing) -> Result<(), WriteProblem> {
        match self.object_place(url)? {
            Place::Local(path) => local::file_target(&path, existing).map(|_| ()),
            Place::Remote(store, path) if existing == Existing::Keep => match store.head(&path).await {
                Ok(_) => Err(WriteProblem::Exists),
                // A store that does not let us look is asked again when the object is written.
                Err(_) => Ok(()),
            },
            Place::Remote(..) => Ok(()),
        }
    }

    /// Writes one object, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`WriteError`]; what was there is as it was.
    pub async fn write(
        &self,
        url: &str,
        bytes: impl Into<Bytes>,
        existing: Existing,
    ) -> Result<(), WriteError> {
        self.write_object(url, bytes.into(), existing).await.map_err(|problem| problem.at(url))
    }

    async fn write_object(&self, url: &str, bytes: Bytes, existing: Existing) -> Result<(), WriteProblem> {
        match self.object_place(url)? {
            Place::Local(path) => local::write(&path, &bytes, existing).await,
            Place::Remote(store, path) => {
                let mode = match existing {
                    Existing::Keep => PutMode::Create,
                    Existing::Replace => PutMode::Overwrite,
                };
                store.put_opts(&path, bytes.into(), PutOptions::from(mode)).await?;
                Ok(())
            }
        }
    }

    /// Begins to write a local file piece by piece, at any place; `None` if `url` is elsewhere, where an object is written
    /// at once.
    ///
    /// # Errors
    ///
    /// [`WriteError`].
    pub fn local_file(&self, url: &str, existing: Existing) -> Result<Option<FileWriter>, WriteError> {
        let begun = self.object_place(url).and_then(|place| match place {
            Place::Remote(..) => Ok(None),
            Place::Local(path) => local::begin(&path, existing).map(Some),
        });
        let begun = begun.map_err(|problem| problem.at(url))?;
        Ok(begun.map(|(aside, target)| FileWriter { url: url.to_owned(), aside, target, existing }))
    }

    /// Whether a tree can be written at `url`, as far as that can be known before it is.
    ///
    /// # Errors
    ///
    /// [`WriteError`].
    pub async fn check_tree_writable(
        &self,
        url: &str,
        kind: &TreeKind,
        existing: Existing,
    ) -> Result<(), WriteError> {
        let checked = async {
            match self.place(url.trim_end_matches('/'))? {
                Place::Local(path) => local::folder_target(&path, kind, existing).map(|_| ()),
                Place::Remote(store, path) => {
                    tree::leftovers(&*store, &path, kind, existing).await.map(|_| ())
                }
            }
        };
        checked.await.map_err(|problem: WriteProblem| problem.at(url))
    }

    /// Begins to write a tree of objects at `url`. Nothing of it is to be seen before [`TreeWriter::finish`]; a writer
    /// that is dropped takes what it wrote away from a local folder.
    ///
    /// # Errors
    ///
    /// [`WriteError`].
    pub async fn tree(
        &self,
        url: &str,
        kind: &TreeKind,
        existing: Existing,
    ) -> Result<TreeWriter, WriteError> {
        let begun = async {
            match self.place(url.trim_end_matches('/'))? {
                Place::Local(path) => TreeWriter::local(url, &path, kind, existing),
                Place::Remote(store, path) => TreeWriter::remote(url, store, path, kind, existing).await,
            }
        };
        begun.await.map_err(|problem| problem.at(url))
    }

    fn object_place(&self, url: &str) -> Result<Place, WriteProblem> {
        if url.ends_with('/') {
            return Err(WriteProblem::refused("it is a folder, and one file is to be written"));
        }
        self.place(url)
    }

    fn place(&self, url: &str) -> Result<Place, WriteProblem> {
        let (store, path) = self.resolve(url)?;
        let connection = self.connection(url)?;
        if connection.location.scheme() != Scheme::File {
            return Ok(Place::Remote(store, path));
        }
        connection.check_write()?;
        Ok(Place::Local(connection.location.key().into()))
    }
}
