//! A tree of objects that appears whole or not at all.

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutOptions};

use super::local::Folder;
use super::{Existing, WriteError, WriteProblem};

/// A kind of tree: how a complete one is recognised, and what may belong to one.
#[derive(Clone, Copy, Debug)]
pub struct TreeKind {
    /// In words.
    pub what: &'static str,
    /// Objects at the root that only a complete tree has; one of them is enough.
    pub indexes: &'static [&'static str],
    /// Whether an object of this name, relative to the root, belongs to such a tree. Nothing else is ever removed.
    pub is_part: fn(&str) -> bool,
}

/// A tree that is being written.
pub struct TreeWriter {
    url: String,
    target: Target,
}

enum Target {
    Folder(Folder),
    Prefix {
        store: Arc<dyn ObjectStore>,
        root: Path,
        /// What was written, to be taken back if the rest fails.
        written: Vec<Path>,
    },
}

impl TreeWriter {
    pub(super) fn local(
        url: &str,
        path: &std::path::Path,
        kind: &TreeKind,
        existing: Existing,
    ) -> Result<Self, WriteProblem> {
        Ok(Self { url: url.to_owned(), target: Target::Folder(Folder::new(path, kind, existing)?) })
    }

    pub(super) async fn remote(
        url: &str,
        store: Arc<dyn ObjectStore>,
        root: Path,
        kind: &TreeKind,
        existing: Existing,
    ) -> Result<Self, WriteProblem> {
        // No reader sees a tree without an index, so what is left of one can go.
        for path in leftovers(&*store, &root, kind, existing).await? {
            store.delete(&path).await?;
        }
        Ok(Self { url: url.to_owned(), target: Target::Prefix { store, root, written: Vec::new() } })
    }

    /// Writes one object; `name` is relative to the root, with `/`.
    ///
    /// # Errors
    ///
    /// [`WriteError`]. The tree cannot be finished then.
    pub async fn put(&mut self, name: &str, bytes: impl Into<Bytes>) -> Result<(), WriteError> {
        self.put_object(name, bytes.into()).await.map_err(|problem| problem.at(&self.url))
    }

    async fn put_object(&mut self, name: &str, bytes: Bytes) -> Result<(), WriteProblem> {
        check_name(name)?;
        match &mut self.target {
            Target::Folder(folder) => folder.put(name, &bytes).await,
            Target::Prefix { store, root, written } => {
                let path = below(root, name)?;
                // Another one who writes the same tree is noticed, so that the two are never mixed.
                let put = store.put_opts(&path, bytes.into(), PutOptions::from(PutMode::Create)).await;
                match put {
                    Ok(_) => {
                        written.push(path);
                        Ok(())
                    }
                    Err(error) => {
                        take_back(&**store, std::mem::take(written)).await;
                        Err(match error {
                            object_store::Error::AlreadyExists { .. } => WriteProblem::refused(format!(
                                "{name} is there already: another process writes the same output"
                            )),
                            other => other.into(),
                        })
                    }
                }
            }
        }
    }

    /// Takes back what was written.
    pub async fn abandon(self) {
        if let Target::Prefix { store, written, .. } = self.target {
            take_back(&*store, written).await;
        }
    }

    /// Writes the index, the last object, and makes the tree appear.
    ///
    /// # Errors
    ///
    /// [`WriteError`]; what was there is as it was.
    pub async fn finish(mut self, index: &str, bytes: impl Into<Bytes>) -> Result<(), WriteError> {
        self.put(index, bytes).await?;
        let Self { url, target } = self;
        match target {
            Target::Folder(folder) => folder.finish().map_err(|problem| problem.at(&url)),
            Target::Prefix { .. } => Ok(()),
        }
    }
}

impl std::fmt::Debug for TreeWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TreeWriter").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Removes objects of a tree that has no index, as far as that can be done: no reader sees one that stays.
async fn take_back(store: &dyn ObjectStore, written: Vec<Path>) {
    for path in written {
        let _ = store.delete(&path).await;
    }
}

/// What a write that did not end has left below `root`.
///
/// # Errors
///
/// A complete tree is there, something that does not belong to one, or leftovers that may not be removed.
pub(super) async fn leftovers(
    store: &dyn ObjectStore,
    root: &Path,
    kind: &TreeKind,
    existing: Existing,
) -> Result<Vec<Path>, WriteProblem> {
    for index in kind.indexes {
        match (store.head(&below(root, index)?).await, existing) {
            (Ok(_), Existing::Keep) => return Err(WriteProblem::Exists),
            (Ok(_), Existing::Replace) => {
                return Err(WriteProblem::refused(
                    "it exists already, and objects under a prefix cannot be replaced all at once: a reader would find \
                     old and new ones mixed. Write to another name, or remove it first",
                ));
            }
            (Err(object_store::Error::NotFound { .. }), _) => {}
            (Err(error), _) => return Err(error.into()),
        }
    }
    let mut found = Vec::new();
    let mut listing = store.list(Some(root));
    loop {
        match listing.try_next().await {
            Ok(Some(object)) => found.push(object.location),
            Ok(None) => break,
            // Nothing can be known of a place that cannot be listed; objects in the way are found when they are written.
            Err(_) => return Ok(Vec::new()),
        }
    }
    for path in &found {
        let name = path.as_ref().strip_prefix(root.as_ref()).unwrap_or(path.as_ref()).trim_start_matches('/');
        if !(kind.is_part)(name) {
            return Err(WriteProblem::refused(format!(
                "{name:?} is there, which is not part of a {}; write to another name",
                kind.what
            )));
        }
        if existing == Existing::Keep {
            return Err(WriteProblem::refused(format!(
                "{name:?} is there, of a {} that was not written to its end; replace it, or write to another name",
                kind.what
            )));
        }
    }
    Ok(found)
}

/// The object `name` below `root`, to the letter.
fn below(root: &Path, name: &str) -> Result<Path, WriteProblem> {
    let text = if root.as_ref().is_empty() { name.to_owned() } else { format!("{root}/{name}") };
    Path::parse(text).map_err(|error| WriteProblem::refused(error.to_string()))
}

/// Whether `name` leads to an object below the root.
fn check_name(name: &str) -> Result<(), WriteProblem> {
    let bad = |part: &str| matches!(part, "" | "." | "..") || (cfg!(windows) && part.contains('\\'));
    if name.split('/').any(bad) || name.contains(|c: char| c.is_ascii_control()) {
        return Err(WriteProblem::refused(format!("{name:?} cannot be the name of an object")));
    }
    Ok(())
}
