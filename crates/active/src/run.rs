//! Running a plan: fetch, decode, reduce, merge in task order.
//!
//! ```text
//!  tasks ─ references ─ fetch (requests in flight) ─► encoded chunks, in task order
//!                                                       │ jobs of one or several chunks
//!                                     threads: decode ─ reduce ─► partials, in task order ─► accumulator
//!                                                     └ or, where much is kept, add to the answer in place: canvas
//! ```
//! Every stage is bounded: requests by the store, encoded bytes, threads, decoded bytes and partials by a share of
//! [`Limits::memory`]. Partials merge in task order, so the answer has the same bits whatever the bounds are; so does the
//! canvas. Dropping the future stops it: nothing runs on but the jobs that have begun.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::future::{Either, ready};
use futures::stream::{self, Stream, StreamExt as _};
use rangefold_array::CodecSpec;
use rangefold_codec::{DecodeError, Decoder, strings};
use rangefold_reduce::{Answered, ChunkTask, Outcome, Partial, ReduceError, ReductionPlan, Sieve, Sifted};
use rangefold_store::{FetchError, ReferenceStore, STRINGS_MAX};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::budget::Budget;
use crate::canvas::{Canvas, Drawn, Elements};
use crate::plans::Plans;
use crate::tasks::{Stored, Tasks};
use crate::threads::Threads;

/// Bounds of a run. They change how long it takes, never the answer.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Threads that decode and reduce; fewer run where memory would not suffice for all.
    pub threads: usize,
    /// Bytes held at one time: fetched, decoded, partials and the answer. An answer, one read and one chunk with its
    /// partial are always allowed. What the set of references takes is not counted.
    pub memory: u64,
}

impl Default for Limits {
    /// One thread per core, 1 GiB.
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { threads, memory: 1 << 30 }
    }
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Chunks the selection touches.
    pub chunks: u64,
    /// Of those, chunks that are not stored.
    pub missing: u64,
    /// Encoded bytes of the chunks that are.
    pub referenced: u64,
    /// Bytes fetched for them, those between neighbours that were read together included; inline chunks need none.
    pub fetched: u64,
    /// Bytes those decoded to.
    pub decoded: u64,
}

/// The answers of a run, one per reduction of its plan.
#[derive(Clone, Debug)]
pub struct Answer {
    /// In the order of the plan's reductions. One that has no answer leaves the others theirs.
    pub outcomes: Vec<Answered>,
    /// What it took.
    pub statistics: Statistics,
}

impl Answer {
    /// The outcomes, where every reduction has one.
    ///
    /// # Errors
    ///
    /// Why the first that has none has none.
    pub fn complete(self) -> Result<Vec<Outcome>, ReduceError> {
        self.outcomes.into_iter().collect()
    }
}

/// A run failed at a chunk.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no such array.
    #[error("there is no variable {variable:?}")]
    NoVariable {
        /// The path asked for.
        variable: String,
    },
    /// Its bytes could not be fetched.
    #[error("chunk {chunk} of {variable:?}: its bytes cannot be fetched")]
    Fetch {
        /// The variable.
        variable: String,
        /// Key of the chunk.
        chunk: String,
        /// Why.
        source: FetchError,
    },
    /// Its bytes could not be decoded.
    #[error("chunk {chunk} of {variable:?}: its bytes cannot be decoded")]
    Decode {
        /// The variable.
        variable: String,
        /// Key of the chunk.
        chunk: String,
        /// Why.
        source: DecodeError,
    },
    /// It could not be reduced.
    #[error("variable {variable:?} cannot be reduced")]
    Reduce {
        /// The variable.
        variable: String,
        /// Why.
        source: ReduceError,
    },
    /// Something ended before it had answered.
    #[error("variable {variable:?}: {what} ended without an answer")]
    Lost {
        /// The variable.
        variable: String,
        /// What ended.
        what: &'static str,
    },
}

/// Told how far a pass over the chunks has come: how many are merged, and what it has taken so far.
pub type Progress<'a> = &'a (dyn Fn(u64, &Statistics) + Send + Sync);

/// Runs `plan`, which was made for the array at path `variable` of the store.
///
/// # Errors
///
/// [`RunError`] for the first chunk, in task order, that fails; [`RunError::NoVariable`] if there is no such array.
pub async fn run(
    store: &ReferenceStore,
    variable: &str,
    plan: Arc<ReductionPlan>,
    limits: Limits,
    progress: Progress<'_>,
) -> Result<Answer, RunError> {
    run_plans(store, variable, &Plans::single(plan), limits, progress).await
}

/// As [`run`], with a plan for each part.
pub(crate) async fn run_plans(
    store: &ReferenceStore,
    variable: &str,
    plans: &Plans,
    limits: Limits,
    progress: Progress<'_>,
) -> Result<Answer, RunError> {
    let plan = &plans.main;
    let reduce_error = |source| RunError::Reduce { variable: variable.to_owned(), source };
    let to = Canvas::new(plan).map_or(Destination::Partials, Destination::Canvas);
    let worker = Worker::new(store, variable, plans, to)?;
    let mut accumulator = matches!(worker.to, Destination::Partials).then(|| plan.accumulator());
    let merge = |merged: u64, partial: Option<Partial>| {
        if let Destination::Canvas(canvas) = &worker.to
            && let Some(error) = canvas.failure(merged)
        {
            return Err(error);
        }
        match (&mut accumulator, partial) {
            (Some(accumulator), Some(partial)) => accumulator.merge(&partial),
            _ => Ok(()),
        }
    };
    let statistics = each_chunk(store, &worker, limits, progress, merge).await?;
    let outcomes = match (accumulator, Arc::into_inner(worker).map(|worker| worker.to)) {
        (Some(accumulator), _) => accumulator.finish().map_err(reduce_error)?,
        (None, Some(Destination::Canvas(canvas))) => canvas.finish(plan).map_err(reduce_error)?,
        (None, _) => return Err(RunError::Lost { variable: variable.to_owned(), what: "a thread" }),
    };
    Ok(Answer { outcomes, statistics })
}

/// Values that are looked for, and what takes them, on all threads at once and in any order.
pub(crate) struct Sifting {
    pub(crate) sieve: Sieve,
    pub(crate) take: Box<Take>,
}

/// Takes values, batch by batch.
pub(crate) type Take = dyn Fn(&[Sifted]) + Send + Sync;

/// Hands the values of all chunks that pass a sieve on.
pub(crate) async fn sift_plans(
    store: &ReferenceStore,
    variable: &str,
    plans: &Plans,
    limits: Limits,
    progress: Progress<'_>,
    sifting: Sifting,
) -> Result<Statistics, RunError> {
    let worker = Worker::new(store, variable, plans, Destination::Sifting(sifting))?;
    each_chunk(store, &worker, limits, progress, |_, _| Ok(())).await
}

/// Fetches the chunks of the worker's plans, has them worked on in threads, and hands on, in task order, what is to be
/// merged, with the number of chunks before it.
async fn each_chunk(
    store: &ReferenceStore,
    worker: &Arc<Worker>,
    limits: Limits,
    progress: Progress<'_>,
    mut merge: impl FnMut(u64, Option<Partial>) -> Result<(), ReduceError>,
) -> Result<Statistics, RunError> {
    let (plan, variable) = (&worker.plans.main, &worker.variable);
    let budget = Budget::new(&worker.plans, !worker.codecs.is_empty(), limits, store.options());
    let reducer = Arc::clone(worker);
    let threads = Threads::new(budget.threads, move |chunks| reducer.reduce(chunks));
    let came = Arc::new(AtomicU64::new(0));
    let (producer, chunks) = fetched(store, variable, &worker.plans, budget, Arc::clone(&came));
    let jobs = chunks.ready_chunks(budget.job_chunks).map(|chunks| match chunks.first() {
        // What could not be fetched needs no thread.
        Some(Err(_)) => {
            let failed = chunks.into_iter().take(1).filter_map(Result::err).map(Err).collect();
            Either::Left(ready(Ok(failed)))
        }
        _ => Either::Right(threads.hand(chunks)),
    });
    let mut jobs = Box::pin(jobs.buffered(budget.jobs));
    let mut statistics = Statistics { chunks: plan.chunk_count(), ..Statistics::default() };
    let mut merged = 0;
    while let Some(job) = jobs.next().await {
        let job = job.map_err(|_| RunError::Lost { variable: variable.clone(), what: "a thread" })?;
        for done in job {
            let done = done?;
            merge(merged, done.partial)
                .map_err(|source| RunError::Reduce { variable: variable.clone(), source })?;
            merged += done.chunks;
            statistics.missing += if done.encoded.is_none() { done.chunks } else { 0 };
            statistics.referenced += done.encoded.unwrap_or(0);
            statistics.decoded += done.decoded;
        }
        statistics.fetched = came.load(Ordering::Relaxed);
        progress(merged, &statistics);
    }
    drop((producer, jobs));
    threads.end().await;
    Ok(statistics)
}

/// A chunk's task, and its encoded bytes if it is stored.
type Fetched = (ChunkTask, Option<Bytes>);

/// A task that fetches; it ends when this is dropped.
struct Producer(JoinHandle<()>);

impl Drop for Producer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The chunks of a plan in task order, fetched ahead by a task of its own. The bytes that come are added to `came`.
fn fetched(
    store: &ReferenceStore,
    variable: &str,
    plans: &Plans,
    budget: Budget,
    came: Arc<AtomicU64>,
) -> (Producer, impl Stream<Item = Result<Fetched, RunError>> + use<>) {
    let references = Stored::new(store, variable, &plans.main).map(|(_, reference)| reference);
    let mut bytes = store.fetch_counted(references, budget.fetched, came);
    let (sender, receiver) = mpsc::channel(budget.job_chunks);
    let (tasks, variable) = (Tasks::new(store, variable, plans), variable.to_owned());
    let producer = tokio::spawn(async move {
        for (task, reference) in tasks {
            let chunk = if reference.is_none() {
                Ok((task, None))
            } else {
                match bytes.next().await {
                    Some((_, Ok(encoded))) => Ok((task, Some(encoded))),
                    Some((_, Err(source))) => {
                        Err(RunError::Fetch { variable: variable.clone(), chunk: key(&task), source })
                    }
                    None => Err(RunError::Lost { variable: variable.clone(), what: "the store" }),
                }
            };
            // Nobody receives any more once the run has failed or was dropped.
            if sender.send(chunk).await.is_err() {
                break;
            }
        }
    });
    let chunks =
        stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) });
    (Producer(producer), chunks)
}

/// The chunk's key, as in a store: `0.3.1`.
fn key(task: &ChunkTask) -> String {
    rangefold_array::ChunkKey::new(task.selection.index()).to_string()
}

/// What the threads share.
struct Worker {
    variable: String,
    codecs: Vec<CodecSpec>,
    plans: Plans,
    to: Destination,
    /// Decoders that no thread is using; each keeps its buffers from job to job.
    decoders: Mutex<Vec<Decoder>>,
}

/// What becomes of chunks.
enum Destination {
    /// Their partials are merged.
    Partials,
    /// They are added to a canvas.
    Canvas(Canvas),
    /// Their values are handed on.
    Sifting(Sifting),
}

/// One chunk done with.
struct Done {
    /// To be merged, if partials are.
    partial: Option<Partial>,
    /// Encoded bytes; `None` if the chunk is not stored.
    encoded: Option<u64>,
    decoded: u64,
    /// Chunks: one, or several that are not stored.
    chunks: u64,
}

impl Worker {
    fn new(
        store: &ReferenceStore,
        variable: &str,
        plans: &Plans,
        to: Destination,
    ) -> Result<Arc<Self>, RunError> {
        let array = store.references().arrays.get(variable);
        let array = array.ok_or_else(|| RunError::NoVariable { variable: variable.to_owned() })?;
        Ok(Arc::new(Self {
            variable: variable.to_owned(),
            codecs: plans.codecs(array),
            plans: plans.clone(),
            to,
            decoders: Mutex::default(),
        }))
    }

    /// Reduces chunks up to the first that fails, which is the last of the answer.
    fn reduce(&self, chunks: Vec<Result<Fetched, RunError>>) -> Vec<Result<Done, RunError>> {
        let mut decoder = self.lock().pop().unwrap_or_default();
        let mut all = Vec::with_capacity(chunks.len());
        for chunk in chunks {
            let done = chunk.and_then(|chunk| self.reduce_one(&mut decoder, chunk));
            let failed = done.is_err();
            all.push(done);
            if failed {
                break;
            }
        }
        self.lock().push(decoder);
        all
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Decoder>> {
        self.decoders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reduce_one(&self, decoder: &mut Decoder, (task, encoded): Fetched) -> Result<Done, RunError> {
        let plan = self.plans.of(&task);
        let chunks = task.chunks;
        let mut length = encoded.as_ref().map_or(0, |_| plan.chunk_len(&task));
        let stored = encoded.as_ref().map(|encoded| encoded.len() as u64);
        let partial = match (&self.to, encoded) {
            (Destination::Canvas(canvas), encoded) => {
                let elements = match encoded {
                    None => Elements::Absent,
                    Some(encoded) => self.elements(canvas, decoder, &task, encoded)?,
                };
                canvas.add(&self.plans, Drawn { task, elements });
                Ok(None)
            }
            (Destination::Partials, None) => plan.absent_chunk(&task).map(Some),
            (Destination::Partials, Some(encoded)) if plan.has_texts_of_any_length() => {
                let frame = decoder.decode_strings(&self.codecs, &encoded, STRINGS_MAX);
                let texts = frame.and_then(|frame| {
                    length = frame.len() as u64;
                    strings(frame)
                });
                let texts = texts.map_err(|source| self.decode_error(&task, source))?;
                plan.reduce_texts(&task, &texts).map(Some)
            }
            (Destination::Partials, Some(encoded)) => {
                plan.reduce_chunk(&task, self.decoded(decoder, &task, &encoded)?).map(Some)
            }
            (Destination::Sifting(Sifting { sieve, take }), encoded) => {
                let decoded =
                    encoded.as_ref().map(|encoded| self.decoded(decoder, &task, encoded)).transpose()?;
                plan.sift_chunk(&task, decoded, sieve, &mut |values| take(values)).map(|()| None)
            }
        };
        let partial =
            partial.map_err(|source| RunError::Reduce { variable: self.variable.clone(), source })?;
        Ok(Done { partial, encoded: stored, decoded: length, chunks })
    }

    /// The elements of a chunk, decoded into the decoder's buffer.
    fn decoded<'d>(
        &self,
        decoder: &'d mut Decoder,
        task: &ChunkTask,
        encoded: &'d [u8],
    ) -> Result<&'d [u8], RunError> {
        let decoded = decoder.decode(&self.codecs, encoded, self.len(task));
        decoded.map_err(|source| self.decode_error(task, source))
    }

    /// The elements of a chunk, decoded into a buffer that outlives this job.
    fn elements(
        &self,
        canvas: &Canvas,
        decoder: &mut Decoder,
        task: &ChunkTask,
        encoded: Bytes,
    ) -> Result<Elements, RunError> {
        let length = self.len(task);
        if self.codecs.is_empty() && encoded.len() == length {
            return Ok(Elements::Stored(encoded));
        }
        let mut buffer = canvas.buffer();
        decoder
            .decode_into(&self.codecs, &encoded, length, &mut buffer)
            .map_err(|source| self.decode_error(task, source))?;
        Ok(Elements::Decoded(buffer))
    }

    /// Decoded bytes of a chunk; one too long for the machine has no encoding.
    fn len(&self, task: &ChunkTask) -> usize {
        usize::try_from(self.plans.main.chunk_len(task)).unwrap_or(usize::MAX)
    }

    fn decode_error(&self, task: &ChunkTask, source: DecodeError) -> RunError {
        RunError::Decode { variable: self.variable.clone(), chunk: key(task), source }
    }
}
