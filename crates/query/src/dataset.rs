//! A dataset: references opened where they lie, with everything that questions to it share.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use rangefold_active::{Outcomes, PartError, PartialAnswer, Progress, Resources, Statistics};
use rangefold_refs::{ManifestArray, ReferenceSet, RefsError, suggestions};
use rangefold_storage::Storage;
use rangefold_store::{FetchOptions, OpenError, Opened, ReferenceStore};
use tokio::sync::Mutex;

use crate::answer::{Answer, Reason, Unanswered};
use crate::answer_error::AnswerError;
use crate::beside::read_beside;
use crate::explanation::Explanation;
use crate::field::Field;
use crate::keep::{AskedQuestion, Keep, KeepError, KeptShare};
use crate::label;
use crate::prepare::{Prepared, prepare};
use crate::query::Query;
use crate::reductions;
use crate::selected::{Selected, selected};
use crate::view::{Coordinates, View};

/// Arrays of at most this many bytes may be scalar coordinates or bounds, and their references are always read.
const COORDINATE_MAX: u64 = 4 << 20;

/// The records of more chunks than this are not picked one by one: all that there are are read.
const TASKS_MAX: u64 = 1 << 20;

/// References, opened; of a Parquet store only those are read that questions need. Cheap to clone; clones share
/// resources, references and coordinates, and may be asked at the same time.
#[derive(Clone)]
pub struct Dataset {
    shared: Arc<Shared>,
    keep: Option<Keep>,
}

struct Shared {
    /// Where the references are.
    url: String,
    storage: Storage,
    resources: Resources,
    coordinates: Coordinates,
    references: References,
}

enum References {
    /// All references are known.
    Complete(ReferenceStore),
    /// Those of small arrays are, and those that were loaded since.
    Indexed {
        /// Groups, arrays and attributes as they were when the dataset was opened.
        metadata: Box<ReferenceSet>,
        opened: Box<Mutex<Opened>>,
    },
}

/// A dataset has no variable of a name.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NoVariable {
    /// Its metadata cannot be used.
    #[error("variable {variable:?} of {url} cannot be read")]
    Unreadable {
        /// Where the references are.
        url: String,
        /// The path asked for.
        variable: String,
        /// Why not.
        source: RefsError,
    },
    /// There is none.
    #[error("{url} has no variable {variable:?}{near}")]
    Absent {
        /// Where the references are.
        url: String,
        /// The path asked for.
        variable: String,
        /// Names that come near, as the end of the sentence; may be empty.
        near: String,
    },
}

impl Dataset {
    /// Opens the references at `url`: kerchunk JSON, compressed or not, or Parquet.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if there is nothing, or something else.
    pub async fn open(storage: &Storage, url: &str) -> Result<Self, OpenError> {
        Self::open_with(storage, url, &Resources::default()).await
    }

    /// As [`Dataset::open`], with threads, memory and requests that it shares with other datasets.
    ///
    /// # Errors
    ///
    /// As [`Dataset::open`].
    pub async fn open_with(storage: &Storage, url: &str, resources: &Resources) -> Result<Self, OpenError> {
        let mut opened = Opened::open(storage, url).await?;
        if opened.is_complete() {
            return Ok(Self::of_references(opened.into_set().await?, url, storage, resources));
        }
        let small = |array: &ManifestArray| array.meta.nbytes().is_some_and(|n| n <= COORDINATE_MAX);
        let paths = |(path, array): (&String, &ManifestArray)| small(array).then(|| path.clone());
        let loaded: BTreeSet<String> = opened.metadata().arrays.iter().filter_map(paths).collect();
        opened.load_arrays(|path| loaded.contains(path)).await?;
        let metadata = Box::new(opened.metadata().clone());
        Ok(Self::new(
            References::Indexed { metadata, opened: Box::new(Mutex::new(opened)) },
            url,
            storage,
            resources,
        ))
    }

    /// A dataset of references that are in memory: scanned or combined just now. `url` is what messages call them.
    #[must_use]
    pub fn of_references(set: ReferenceSet, url: &str, storage: &Storage, resources: &Resources) -> Self {
        let store = reference_store(set.in_parts(), storage, resources);
        Self::new(References::Complete(store), url, storage, resources)
    }

    fn new(references: References, url: &str, storage: &Storage, resources: &Resources) -> Self {
        let (url, storage, resources) = (url.to_owned(), storage.clone(), resources.clone());
        let coordinates = Coordinates::default();
        Self { shared: Arc::new(Shared { url, storage, resources, coordinates, references }), keep: None }
    }

    /// Where the references are.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// Threads, memory and requests.
    #[must_use]
    pub fn resources(&self) -> &Resources {
        &self.shared.resources
    }

    /// The way to its objects.
    #[must_use]
    pub fn storage(&self) -> &Storage {
        &self.shared.storage
    }

    /// Groups, arrays and attributes. Not to be read from: of a Parquet store, references are missing.
    #[must_use]
    pub fn metadata(&self) -> &ReferenceSet {
        match &self.shared.references {
            References::Complete(store) => store.references(),
            References::Indexed { metadata, .. } => metadata,
        }
    }

    /// The array at `path`.
    ///
    /// # Errors
    ///
    /// [`NoVariable`], with names that come near.
    pub fn array(&self, path: &str) -> Result<&ManifestArray, NoVariable> {
        let set = self.metadata();
        let path = path.trim_matches('/');
        let absent = || match set.unreadable.get(path) {
            Some(source) => NoVariable::Unreadable {
                url: self.url().to_owned(),
                variable: path.to_owned(),
                source: source.clone(),
            },
            None => NoVariable::Absent {
                url: self.url().to_owned(),
                variable: path.to_owned(),
                near: suggestions(path, set.arrays.keys().map(String::as_str)),
            },
        };
        set.arrays.get(path).ok_or_else(absent)
    }

    /// Plans a question about the variable at path `variable`. Coordinates, weights and masks are read, nothing of the
    /// variable itself.
    ///
    /// # Errors
    ///
    /// [`AnswerError::Query`] if the question does not fit the variable, [`AnswerError::Open`] if references cannot be read.
    pub async fn plan(&self, variable: &str, query: &Query) -> Result<Planned, AnswerError> {
        let memory = query.memory.unwrap_or(self.resources().limits().memory);
        let query = &Query { memory: Some(memory), ..query.clone() };
        let opened = match &self.shared.references {
            References::Complete(store) => {
                let view = self.view(store.clone());
                let prepared = prepare(&view, variable, query).await?;
                return Ok(self.planned(view, prepared));
            }
            References::Indexed { opened, .. } => opened,
        };
        let mut opened = opened.lock().await;
        let view = self.view_beside(&mut opened, variable, query).await?;
        let prepared = prepare(&view, variable, query).await?;
        let plan = prepared.execution.plan();
        let means = prepared.execution.means().map(|means| means.execution.plan());
        let chunks = means.map_or(0, |means| means.chunk_count()).saturating_add(plan.chunk_count());
        if chunks <= TASKS_MAX {
            let tasks = plan.tasks().chain(means.into_iter().flat_map(|means| means.tasks()));
            opened.load(variable, tasks.map(|task| task.selection.number)).await?;
        } else {
            opened.load_arrays(|path| path == variable).await?;
        }
        let known = opened.known();
        drop(opened);
        let view = self.view(reference_store(known.in_parts(), self.storage(), self.resources()));
        let prepared = prepare(&view, variable, query).await?;
        Ok(self.planned(view, prepared))
    }

    /// The same dataset, whose partial answers are kept in `keep` and used again.
    #[must_use]
    pub fn keeping(self, keep: Keep) -> Self {
        Self { keep: Some(keep), ..self }
    }

    /// A planned question.
    fn planned(&self, view: View, prepared: Prepared) -> Planned {
        let keep = self.keep.clone().map(|keep| {
            let op = prepared.asked().iter().map(reductions::name).collect();
            let variable = prepared.variable.clone();
            (keep, AskedQuestion { store: self.shared.url.clone(), variable, op })
        });
        Planned { keep, ..Planned::new(view, prepared) }
    }

    /// What a question selects of the variable at path `variable`, and a view with the coordinates it is looked up in.
    ///
    /// # Errors
    ///
    /// As [`Dataset::plan`].
    pub async fn select(&self, variable: &str, query: &Query) -> Result<(View, Selected), AnswerError> {
        let view = match &self.shared.references {
            References::Complete(store) => self.view(store.clone()),
            References::Indexed { opened, .. } => {
                self.view_beside(&mut *opened.lock().await, variable, query).await?
            }
        };
        let selected = selected(&view, variable, query).await?;
        Ok((view, selected))
    }

    /// Answers a question about the variable at path `variable`. A reduction that is not defined for it, or has no value,
    /// leaves the others their answers.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] if there is no answer to any of them.
    pub async fn ask(
        &self,
        variable: &str,
        query: &Query,
        progress: Progress<'_>,
    ) -> Result<Answer, AnswerError> {
        let refused = match self.plan(variable, query).await {
            Ok(planned) => return planned.run(progress).await,
            Err(AnswerError::Query(refused)) => refused,
            Err(error) => return Err(error),
        };
        let (mut defined, mut undefined) = (Vec::new(), Vec::new());
        for (place, reduction) in query.reductions.iter().enumerate() {
            let alone = Query { reductions: vec![reduction.clone()], ..query.clone() };
            match self.plan(variable, &alone).await {
                Ok(_) => defined.push(reduction.clone()),
                Err(AnswerError::Query(error)) => {
                    undefined
                        .push((place, Unanswered { reduction: reduction.clone(), reason: error.into() }));
                }
                Err(error) => return Err(error),
            }
        }
        if defined.is_empty() || undefined.is_empty() {
            return Err(refused.into());
        }
        let planned = self.plan(variable, &Query { reductions: defined, ..query.clone() }).await?;
        let mut answer = planned.run(progress).await?;
        // Places among those that are defined become places among all.
        for (place, _) in &mut answer.unanswered {
            let before = |n: &usize| undefined.iter().all(|(undefined, _)| undefined != n);
            *place = (0..query.reductions.len()).filter(before).nth(*place).unwrap_or(*place);
        }
        answer.unanswered.extend(undefined);
        answer.unanswered.sort_by_key(|(place, _)| *place);
        Ok(answer)
    }

    fn view(&self, store: ReferenceStore) -> View {
        View::sharing(store, self.resources().clone(), self.shared.coordinates.clone())
    }

    /// A view of what is read beside the variable. Nothing of the variable itself is in it.
    async fn view_beside(
        &self,
        opened: &mut Opened,
        variable: &str,
        query: &Query,
    ) -> Result<View, OpenError> {
        let beside = read_beside(opened.metadata(), variable, query);
        opened.load_arrays(|path| beside.contains(path)).await?;
        opened.load(variable, std::iter::empty()).await?;
        Ok(self.view(reference_store(opened.known(), self.storage(), self.resources())))
    }
}

impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrays = self.metadata().arrays.len();
        f.debug_struct("Dataset")
            .field("url", &self.shared.url)
            .field("arrays", &arrays)
            .finish_non_exhaustive()
    }
}

/// What follows the references of `set`, its requests being some of all.
fn reference_store(set: ReferenceSet, storage: &Storage, resources: &Resources) -> ReferenceStore {
    let options = FetchOptions { concurrency: resources.limits().requests, ..FetchOptions::suited_to(&set) };
    ReferenceStore::sharing(Arc::new(set), storage.clone(), options, resources.requests().clone())
}

/// A question that was planned, with the references it needs.
#[derive(Clone, Debug)]
pub struct Planned {
    view: View,
    prepared: Prepared,
    /// Where partial answers are kept, and what is told of the question there.
    keep: Option<(Keep, AskedQuestion)>,
}

impl Planned {
    fn new(view: View, mut prepared: Prepared) -> Self {
        let unreadable = unreadable_coordinates(view.references(), &prepared.variable);
        let warnings = unreadable.map(|(path, error)| format!("coordinate {path:?} cannot be read: {error}"));
        prepared.warnings = warnings.chain(std::mem::take(&mut prepared.warnings)).collect();
        Self { view, prepared, keep: None }
    }

    /// The references and coordinates that the question needs.
    #[must_use]
    pub fn view(&self) -> &View {
        &self.view
    }

    /// The plan.
    #[must_use]
    pub fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// What the question may not have meant.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.prepared.warnings
    }

    /// What will be read, decoded and held.
    #[must_use]
    pub fn explain(&self) -> Explanation {
        Explanation::new(&self.view, &self.prepared)
    }

    /// Fetches, decodes and reduces, and labels what comes out.
    ///
    /// # Errors
    ///
    /// [`AnswerError::Run`] if a chunk fails, [`AnswerError::Coordinate`] if labels cannot be read.
    pub async fn run(&self, progress: Progress<'_>) -> Result<Answer, AnswerError> {
        let started = Instant::now();
        let Some((keep, asked)) = &self.keep else {
            let outcomes = self.prepared.run(&self.view, progress).await?;
            return self.answer(outcomes, started).await;
        };
        let mut warnings = Vec::new();
        let mut outcomes = keep.run(&self.view, &self.prepared, asked, progress, &mut warnings).await?;
        self.prepared.reshape(&mut outcomes.outcomes);
        let mut answer = self.answer(outcomes, started).await?;
        answer.warnings.append(&mut warnings);
        Ok(answer)
    }

    /// What is kept of the answer and what will be read; `None` if nothing is kept of such a question.
    ///
    /// # Errors
    ///
    /// [`KeepError`]: what is kept cannot be reached.
    pub async fn kept(&self) -> Result<Option<KeptShare>, KeepError> {
        let Some((keep, _)) = &self.keep else { return Ok(None) };
        let (store, limits) = (self.view.store(), self.view.resources().limits());
        if self.prepared.execution.check_kept(store, limits).is_err() {
            return Ok(None);
        }
        keep.share(&self.view, &self.prepared).await.map(Some)
    }

    /// Runs part number `part`, from 1, of `of` parts that have about equally many bytes to decode. `about` is kept in what
    /// it gives, for whoever merges.
    ///
    /// # Errors
    ///
    /// [`AnswerError::Part`] if the question cannot be split or there is no such part, [`AnswerError::Run`] if a chunk
    /// fails.
    pub async fn run_part(
        &self,
        part: u32,
        of: u32,
        about: String,
        progress: Progress<'_>,
    ) -> Result<(PartialAnswer, Statistics), AnswerError> {
        if part == 0 || part > of {
            return Err(PartError::Number { part, of }.into());
        }
        let (store, execution) = (self.view.store(), &self.prepared.execution);
        let resources = self.view.resources();
        let parts = execution.cut(store, resources.limits(), of)?;
        Ok(execution.run_part(store, resources, progress, (part, &parts), about).await?)
    }

    /// Reads what [`Planned::run_part`] gave for the same question, as bytes.
    ///
    /// # Errors
    ///
    /// [`PartError`]: it is damaged, or of another question.
    pub fn read_part(&self, bytes: &[u8]) -> Result<PartialAnswer, PartError> {
        self.prepared.execution.read_part(self.view.store(), bytes)
    }

    /// Merges all parts to the answer, whose values are those of [`Planned::run`] bit for bit. No chunk is read.
    ///
    /// # Errors
    ///
    /// [`AnswerError::Part`] for a part that is missing, doubled or of something else; else as [`Planned::run`].
    pub async fn merge(&self, parts: Vec<PartialAnswer>) -> Result<Answer, AnswerError> {
        let started = Instant::now();
        let outcomes = self.prepared.merge(&self.view, parts).await??;
        self.answer(outcomes, started).await
    }

    /// Labels outcomes.
    async fn answer(&self, outcomes: Outcomes, started: Instant) -> Result<Answer, AnswerError> {
        let statistics: Statistics = outcomes.statistics;
        let labelled = label::labelled(&self.view, &self.prepared, &outcomes, started.elapsed()).await?;
        let (mut fields, mut unanswered) = (Vec::new(), Vec::new());
        for (place, (reduction, answered)) in self.prepared.asked().iter().zip(labelled).enumerate() {
            match answered {
                Ok(field) => fields.push(field),
                Err(error) => {
                    let reason = Reason::Failed(error);
                    unanswered.push((place, Unanswered { reduction: reduction.clone(), reason }));
                }
            }
        }
        let (variable, warnings) = (self.prepared.variable.clone(), self.prepared.warnings.clone());
        Ok(Answer { variable, fields, unanswered, warnings, statistics })
    }

    /// As [`Planned::run`], of the first reduction and without labels of its dimensions: for parts of a selection.
    ///
    /// # Errors
    ///
    /// As [`Planned::run`]; [`AnswerError::Reduce`] if the reduction has no answer.
    pub async fn run_unlabelled(&self) -> Result<Field, AnswerError> {
        let outcomes = self.prepared.run(&self.view, &|_, _| {}).await?;
        let fields = label::unlabelled(&self.view, &self.prepared, outcomes)?;
        let variable = || self.prepared.variable.clone();
        fields.into_iter().next().ok_or_else(|| AnswerError::NoFields { variable: variable() })
    }
}

/// The coordinates of a variable's dimensions that cannot be read, so that positions stand in the place of labels.
fn unreadable_coordinates<'a>(
    set: &'a ReferenceSet,
    variable: &'a str,
) -> impl Iterator<Item = (&'a String, &'a RefsError)> {
    let dimensions = set.arrays.get(variable).map(|array| array.meta.dimension_names.as_slice());
    let in_scope = move |path: &str, dimension: &str| {
        let group = path.strip_suffix(dimension).filter(|group| group.is_empty() || group.ends_with('/'));
        group.is_some_and(|group| variable.starts_with(group))
    };
    let concerns = move |path: &str| dimensions.unwrap_or_default().iter().any(|name| in_scope(path, name));
    set.unreadable.iter().filter(move |(path, _)| concerns(path))
}
