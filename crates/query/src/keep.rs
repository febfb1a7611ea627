//! Partial answers kept in an object store, so that a question that is asked again reads only what is new or has changed.
//!
//! ```text
//!  s3://bucket/kept/4a0c…/1-0-512-99e1….node     what some chunks have merged to
//!                        /question.json          what was asked, written anew when it is asked again: its age is that of the
//!                                                last use
//! ```
//! Names are hashes of all that a node depends on, see `rangefold_active::Keeping`. Two that keep the same write the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use rangefold_active::{Keeping, KeptNode, Outcomes, Progress, RunError};
use rangefold_array::size_text;
use rangefold_reduce::Node;
use rangefold_refs::Source;
use rangefold_storage::{Existing, Storage, StorageError, WriteError};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::prepare::Prepared;
use crate::view::View;

/// Objects that are asked for, read, written or removed at a time.
const REQUESTS: usize = 16;
/// Nodes that are written at a time, while chunks are read.
const WRITES: usize = 4;
/// The name that tells when a question was asked last.
const QUESTION: &str = "question.json";
/// A node longer than this is not read back.
const NODE_LEN_MAX: u64 = 1 << 32;

/// Where partial answers are kept, and how many bytes of them.
#[derive(Clone, Debug)]
pub struct Keep {
    storage: Storage,
    url: String,
    /// Bytes of all that is kept; questions that were not asked for the longest time go first.
    pub limit: u64,
}

/// What is kept cannot be listed or removed.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The URL leads to no store.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The store does not answer.
    #[error("cannot reach what is kept")]
    Store(#[from] object_store::Error),
}

/// What is kept of one question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptQuestion {
    /// Its folder.
    pub folder: String,
    /// The dataset, the variable and what was asked; `None` if that cannot be read.
    pub question: Option<AskedQuestion>,
    /// Nodes that are kept.
    pub nodes: u64,
    /// Bytes that are kept.
    pub bytes: u64,
    /// When it was asked last, RFC 3339.
    pub used: String,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedQuestion {
    /// Where the references are.
    pub store: String,
    /// Path of the variable.
    pub variable: String,
    /// Names of the reductions.
    pub op: Vec<String>,
}

impl fmt::Display for KeptQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { folder, question, nodes, bytes, used } = self;
        write!(f, "{folder}  {used}  {:>10} in {nodes} nodes", size_text(*bytes))?;
        match question {
            Some(AskedQuestion { store, variable, op }) => {
                write!(f, "  {variable} {} of {store}", op.join(","))
            }
            None => f.write_str("  (a question that cannot be read)"),
        }
    }
}

/// What is kept of a question that is about to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptShare {
    /// Nodes that will be used.
    pub nodes: usize,
    /// Stored chunks that they stand in for.
    pub kept: u64,
    /// Stored chunks that will be read.
    pub read: u64,
}

/// The folder of one question, opened.
struct Folder {
    store: Arc<dyn ObjectStore>,
    path: Path,
    keeping: Keeping,
    names: BTreeSet<String>,
}

impl Keep {
    /// Keeps partial answers below `url`, `limit` bytes of them.
    #[must_use]
    pub fn new(storage: &Storage, url: &str, limit: u64) -> Self {
        Self { storage: storage.clone(), url: url.trim_end_matches('/').to_owned(), limit }
    }

    /// All questions of which something is kept, those that were asked last first.
    ///
    /// # Errors
    ///
    /// [`KeepError`].
    pub async fn list(&self) -> Result<Vec<KeptQuestion>, KeepError> {
        let (store, root) = self.storage.resolve(&self.url)?;
        let mut questions: BTreeMap<String, (KeptQuestion, bool)> = BTreeMap::new();
        let objects = all(&*store, &root).await?;
        for object in &objects {
            let Some((folder, name)) = split(&root, &object.location) else { continue };
            let used = object.last_modified.to_rfc3339();
            let new = || {
                let question = KeptQuestion {
                    folder: folder.clone(),
                    question: None,
                    nodes: 0,
                    bytes: 0,
                    used: String::new(),
                };
                (question, false)
            };
            let (question, is_told) = questions.entry(folder.clone()).or_insert_with(new);
            question.bytes += object.size;
            if name == QUESTION {
                (question.used, *is_told) = (used, true);
            } else {
                question.nodes += 1;
                // Without the object that tells it, the youngest node does.
                if !*is_told && question.used < used {
                    question.used = used;
                }
            }
        }
        let mut questions: Vec<KeptQuestion> =
            questions.into_values().map(|(question, _)| question).collect();
        for question in &mut questions {
            let path = root.clone().join(question.folder.as_str()).join(QUESTION);
            if let Ok(found) = store.get(&path).await
                && let Ok(bytes) = found.bytes().await
            {
                question.question = serde_json::from_slice(&bytes).ok();
            }
        }
        questions.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.folder.cmp(&b.folder)));
        Ok(questions)
    }

    /// Removes the questions that were not asked for the longest time, until the others have no more bytes than the limit.
    /// Returns how many questions and bytes were removed.
    ///
    /// # Errors
    ///
    /// [`KeepError`].
    pub async fn prune(&self) -> Result<(u64, u64), KeepError> {
        let (mut kept, mut removed, mut bytes) = (0_u64, 0, 0);
        let (store, root) = self.storage.resolve(&self.url)?;
        for question in self.list().await? {
            if kept.saturating_add(question.bytes) <= self.limit {
                kept += question.bytes;
                continue;
            }
            let folder = root.clone().join(question.folder.as_str());
            // Nodes before what tells of them: what is left of an interrupted removal is still listed.
            let (told, nodes): (Vec<_>, Vec<_>) = all(&*store, &folder)
                .await?
                .into_iter()
                .map(|object| object.location)
                .partition(|path| path.filename() == Some(QUESTION));
            for path in nodes.into_iter().chain(told) {
                remove(&*store, &path).await?;
            }
            removed += 1;
            bytes += question.bytes;
        }
        Ok((removed, bytes))
    }

    /// The folder of a question, with the names in it.
    async fn open(&self, view: &View, prepared: &Prepared) -> Result<Folder, KeepError> {
        let (store, execution) = (view.store(), &prepared.execution);
        let unknown = execution.unknown_objects(store);
        let known: BTreeMap<Arc<str>, Source> = futures::stream::iter(unknown)
            .map(|url| async move {
                let (store, path) = self.storage.resolve(&url)?;
                let meta = store.head(&path).await?;
                let source = Source {
                    size: Some(meta.size),
                    etag: meta.e_tag,
                    last_modified: Some(meta.last_modified.to_rfc3339()),
                };
                Ok::<_, KeepError>((url, source))
            })
            .buffer_unordered(REQUESTS)
            .try_collect()
            .await?;
        let keeping = execution.keeping(store, &known);
        let (store, root) = self.storage.resolve(&self.url)?;
        let path = root.join(keeping.folder());
        let objects = all(&*store, &path).await?;
        let sized = objects.iter().filter(|object| object.size <= NODE_LEN_MAX);
        let names = sized.filter_map(|object| object.location.filename().map(str::to_owned)).collect();
        Ok(Folder { store, path, keeping, names })
    }

    /// What is kept of a question, and what will be read.
    ///
    /// # Errors
    ///
    /// [`KeepError`].
    pub(crate) async fn share(&self, view: &View, prepared: &Prepared) -> Result<KeptShare, KeepError> {
        let folder = self.open(view, prepared).await?;
        let cover = folder.keeping.cover(&folder.names);
        let read = prepared.execution.not_kept(view.store(), &cover);
        let stored = prepared.execution.stored(view.store()).count() as u64;
        Ok(KeptShare { nodes: cover.len(), kept: stored.saturating_sub(read), read })
    }

    /// Runs a question with what is kept of it, and keeps what it gives. What goes wrong with keeping is a warning.
    pub(crate) async fn run(
        &self,
        view: &View,
        prepared: &Prepared,
        asked: &AskedQuestion,
        progress: Progress<'_>,
        warnings: &mut Vec<String>,
    ) -> Result<Outcomes, RunError> {
        let (store, resources, execution) = (view.store(), view.resources(), &prepared.execution);
        if let Err(error) = execution.check_kept(store, resources.limits()) {
            warnings.push(format!("nothing is kept: {error}"));
            return execution.run(store, resources, progress).await;
        }
        let mut folder = match self.open(view, prepared).await {
            Ok(folder) => folder,
            Err(error) => {
                warnings.push(format!("nothing is kept in {}: {}", self.url, rangefold_array::chain(&error)));
                return execution.run(store, resources, progress).await;
            }
        };
        let (cover, nodes) = folder.read(warnings).await;
        let (sender, mut receiver) = mpsc::unbounded_channel::<Node>();
        let writing = {
            let (storage, url) = (self.storage.clone(), format!("{}/{}", self.url, folder.keeping.folder()));
            let (keeping, names) = (folder.keeping.clone(), folder.names.clone());
            // Dropped with the run: what was not written is not kept.
            async move {
                let nodes = futures::stream::poll_fn(move |context| receiver.poll_recv(context));
                let write = |node: Node| {
                    let (storage, kept) = (&storage, keeping.named(&node));
                    let is_new = !names.contains(&kept.name);
                    let (name, bytes) = (format!("{url}/{}", kept.name), keeping.to_bytes(&node));
                    async move {
                        if is_new {
                            storage.write(&name, bytes, Existing::Replace).await?;
                        }
                        Ok::<_, WriteError>(is_new.then_some(kept))
                    }
                };
                let written: Vec<_> = nodes.map(write).buffer_unordered(WRITES).collect().await;
                let mut failed = None;
                let mut kept = Vec::new();
                for written in written {
                    match written {
                        Ok(written) => kept.extend(written),
                        Err(error) => failed = Some(rangefold_array::chain(&error)),
                    }
                }
                (kept, failed)
            }
        };
        let mut take = move |node| {
            // Nobody receives any more once the run is over.
            let _ = sender.send(node);
        };
        let running = async move {
            let ran = execution.run_keeping(store, resources, progress, nodes, &mut take).await;
            drop(take);
            ran
        };
        let (ran, (written, failed)) = futures::join!(running, writing);
        if let Some(failed) = failed {
            warnings.push(format!("not all is kept in {}: {failed}", self.url));
        } else if let Err(error) = self.tidy(&folder, &cover, &written, asked).await {
            warnings.push(format!("{} cannot be tidied: {error}", self.url));
        }
        ran
    }

    /// Tells that the question was asked, and removes what has become superfluous or too much.
    async fn tidy(
        &self,
        folder: &Folder,
        used: &[KeptNode],
        written: &[KeptNode],
        asked: &AskedQuestion,
    ) -> Result<(), String> {
        let url = format!("{}/{}/{QUESTION}", self.url, folder.keeping.folder());
        let text = serde_json::to_vec(asked).unwrap_or_default();
        let told = self.storage.write(&url, text, Existing::Replace).await;
        told.map_err(|error| rangefold_array::chain(&error))?;
        for kept in used {
            if written.iter().any(|longer| kept.is_extended_by(longer)) {
                let path = folder.path.clone().join(kept.name.as_str());
                remove(&*folder.store, &path).await.map_err(|error| rangefold_array::chain(&error))?;
            }
        }
        // Only what has grown can have become too much.
        if !written.is_empty() {
            self.prune().await.map_err(|error| rangefold_array::chain(&error))?;
        }
        Ok(())
    }
}

impl Folder {
    /// The nodes that stand in for chunks. What cannot be used is left out with a warning.
    async fn read(&mut self, warnings: &mut Vec<String>) -> (Vec<KeptNode>, Vec<Node>) {
        loop {
            let cover = self.keeping.cover(&self.names);
            let this = &*self;
            let nodes: Vec<(KeptNode, Result<Node, String>)> = futures::stream::iter(cover)
                .map(|kept| async move {
                    let node = this.node(&kept).await;
                    (kept, node)
                })
                .buffered(REQUESTS)
                .collect()
                .await;
            let mut is_whole = true;
            for (kept, node) in &nodes {
                if let Err(error) = node {
                    warnings.push(format!("{} is read anew: {error}", kept.name));
                    self.names.remove(&kept.name);
                    is_whole = false;
                }
            }
            if is_whole {
                return nodes.into_iter().filter_map(|(kept, node)| Some((kept, node.ok()?))).unzip();
            }
        }
    }

    async fn node(&self, kept: &KeptNode) -> Result<Node, String> {
        let path = self.path.clone().join(kept.name.as_str());
        let found = self.store.get(&path).await.map_err(|error| rangefold_array::chain(&error))?;
        let bytes = found.bytes().await.map_err(|error| rangefold_array::chain(&error))?;
        self.keeping.read(kept, &bytes).map_err(|error| rangefold_array::chain(&error))
    }
}

/// All objects below a path; none if there is no such folder.
async fn all(
    store: &dyn ObjectStore,
    path: &Path,
) -> Result<Vec<object_store::ObjectMeta>, object_store::Error> {
    let listed: Result<Vec<_>, _> = store.list(Some(path)).try_collect().await;
    match listed {
        Err(object_store::Error::NotFound { .. }) => Ok(Vec::new()),
        other => other,
    }
}

/// Removes an object, which somebody else may have removed.
async fn remove(store: &dyn ObjectStore, path: &Path) -> Result<(), object_store::Error> {
    match store.delete(path).await {
        Err(object_store::Error::NotFound { .. }) => Ok(()),
        other => other,
    }
}

/// The folder of a question and a name in it, of an object below `root`. Nothing else is ever touched.
fn split(root: &Path, location: &Path) -> Option<(String, String)> {
    let parts: Vec<String> = location.prefix_match(root)?.map(|part| part.as_ref().to_owned()).collect();
    let [folder, name] = parts.as_slice() else { return None };
    let is_folder = folder.len() == 32 && folder.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_ours = name == QUESTION || name.ends_with(".node");
    (is_folder && is_ours).then(|| (folder.clone(), name.clone()))
}
