//! Running a plan: fetch, decode, reduce, merge in task order.
//!
//! ```text
//!  tasks ─ references ─ fetch (requests in flight) ─► encoded chunks, in task order
//!                                                       │ jobs of one or several chunks
//!                                     threads: decode ─ reduce ─► partials, in task order ─► accumulator
//!                                                     └ or, where much is kept, add to the answer in place: canvas
//! ```
//! Every stage is bounded: requests by the store, encoded bytes, threads, decoded bytes and partials by a share of
//! [`Limits::memory`](crate::Limits). Partials merge in task order, so the answer has the same bits whatever the bounds are; so does the
//! canvas. Dropping the future stops it: nothing runs on but the jobs that have begun.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::future::{Either, ready};
use futures::stream::{self, Stream, StreamExt as _};
use rangefold_array::CodecSpec;
use rangefold_codec::{DecodeError, Decoder};
use rangefold_reduce::{Answered, Partial, ReduceError, Sieve, Sifted};
use rangefold_store::ReferenceStore;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::budget::Budget;
use crate::canvas::{Canvas, Drawn, Elements};
use crate::chunk_request::{ChunkError, ChunkRequest, Reduced};
use crate::limits::{Progress, Statistics};
use crate::plans::PlansByPart;
use crate::resources::Share;
use crate::run_error::RunError;
use crate::tasks::{Stored, Tasks};
use crate::threads::Lane;

/// Visits the chunks that `plans` touch and merges what they give, in task order.
///
/// # Errors
///
/// [`RunError`] for the first chunk, in task order, that fails; [`RunError::NoVariable`] if there is no such array.
pub(crate) async fn run_plans(
    store: &ReferenceStore,
    variable: &str,
    plans: &PlansByPart,
    share: &Share,
    progress: Progress<'_>,
) -> Result<(Vec<Answered>, Statistics), RunError> {
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
    let statistics = each_chunk(store, &worker, share, progress, merge).await?;
    let outcomes = match (accumulator, Arc::into_inner(worker).map(|worker| worker.to)) {
        (Some(accumulator), _) => accumulator.finish().map_err(reduce_error)?,
        (None, Some(Destination::Canvas(canvas))) => canvas.finish(plan).map_err(reduce_error)?,
        (None, _) => return Err(RunError::Lost { variable: variable.to_owned(), what: "a thread" }),
    };
    Ok((outcomes, statistics))
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
    plans: &PlansByPart,
    share: &Share,
    progress: Progress<'_>,
    sifting: Sifting,
) -> Result<Statistics, RunError> {
    let worker = Worker::new(store, variable, plans, Destination::Sifting(sifting))?;
    each_chunk(store, &worker, share, progress, |_, _| Ok(())).await
}

/// Fetches the chunks of the worker's plans, has them worked on in threads, and hands on, in task order, what is to be
/// merged, with the number of chunks before it.
async fn each_chunk(
    store: &ReferenceStore,
    worker: &Arc<Worker>,
    share: &Share,
    progress: Progress<'_>,
    mut merge: impl FnMut(u64, Option<Partial>) -> Result<(), ReduceError>,
) -> Result<Statistics, RunError> {
    let (plan, variable) = (&worker.plans.main, &worker.variable);
    let budget = Budget::new(&worker.plans, !worker.codecs.is_empty(), share.limits, store.options());
    let reducer = Arc::clone(worker);
    let lane = Lane::new(&share.pool, budget.threads, move |chunks| reducer.reduce(chunks));
    let came = Arc::new(AtomicU64::new(0));
    let (producer, chunks) = fetched(store, worker, budget, Arc::clone(&came));
    let jobs = chunks.ready_chunks(budget.job_chunks).map(|chunks| match chunks.first() {
        // What could not be fetched needs no thread.
        Some(Err(_)) => {
            let failed = chunks.into_iter().take(1).filter_map(Result::err).map(Err).collect();
            Either::Left(ready(Ok(failed)))
        }
        _ => Either::Right(lane.hand(chunks)),
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
    lane.end().await;
    Ok(statistics)
}

/// A chunk to reduce, and its encoded bytes if it is stored.
type Fetched = (ChunkRequest, Option<Bytes>);

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
    worker: &Worker,
    budget: Budget,
    came: Arc<AtomicU64>,
) -> (Producer, impl Stream<Item = Result<Fetched, RunError>> + use<>) {
    let Worker { variable, codecs, plans, .. } = worker;
    let references = Stored::new(store, variable, &plans.main).map(|(_, reference)| reference);
    let mut bytes = store.fetch_counted(references, budget.fetched, came);
    let (sender, receiver) = mpsc::channel(budget.job_chunks);
    let (tasks, variable) = (Tasks::new(store, variable, plans, Arc::clone(codecs)), variable.clone());
    let producer = tokio::spawn(async move {
        for request in tasks {
            let chunk = if request.reference.is_none() {
                Ok((request, None))
            } else {
                match bytes.next().await {
                    Some((_, Ok(encoded))) => Ok((request, Some(encoded))),
                    Some((_, Err(source))) => {
                        Err(RunError::Fetch { variable: variable.clone(), chunk: request.key(), source })
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

/// What the threads share.
struct Worker {
    variable: String,
    codecs: Arc<[CodecSpec]>,
    plans: PlansByPart,
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
        plans: &PlansByPart,
        to: Destination,
    ) -> Result<Arc<Self>, RunError> {
        let array = store.references().arrays.get(variable);
        let array = array.ok_or_else(|| RunError::NoVariable { variable: variable.to_owned() })?;
        Ok(Arc::new(Self {
            variable: variable.to_owned(),
            codecs: plans.codecs(array).into(),
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

    fn reduce_one(&self, decoder: &mut Decoder, (request, encoded): Fetched) -> Result<Done, RunError> {
        let chunks = request.task.chunks;
        let stored = encoded.as_ref().map(|encoded| encoded.len() as u64);
        let chunk_len = || encoded.as_ref().map_or(0, |_| request.plan.chunk_len(&request.task));
        let (partial, decoded) = match &self.to {
            Destination::Partials => {
                let reduced = request.reduce(decoder, encoded.as_deref());
                let Reduced { partial, decoded } = reduced.map_err(|error| match error {
                    ChunkError::Decode(source) => self.decode_error(&request, source),
                    ChunkError::Reduce(source) => self.reduce_error(source),
                })?;
                (Some(partial), decoded)
            }
            Destination::Canvas(canvas) => {
                let decoded = chunk_len();
                let elements = match encoded {
                    None => Elements::Absent,
                    Some(encoded) => self.elements(canvas, decoder, &request, encoded)?,
                };
                canvas.add(&self.plans, Drawn { task: request.task, elements });
                (None, decoded)
            }
            Destination::Sifting(Sifting { sieve, take }) => {
                let elements = encoded.as_ref().map(|encoded| request.elements(decoder, encoded)).transpose();
                let elements = elements.map_err(|source| self.decode_error(&request, source))?;
                let sifted =
                    request.plan.sift_chunk(&request.task, elements, sieve, &mut |values| take(values));
                sifted.map_err(|source| self.reduce_error(source))?;
                (None, chunk_len())
            }
        };
        Ok(Done { partial, encoded: stored, decoded, chunks })
    }

    /// The elements of a chunk, decoded into a buffer that outlives this job.
    fn elements(
        &self,
        canvas: &Canvas,
        decoder: &mut Decoder,
        request: &ChunkRequest,
        encoded: Bytes,
    ) -> Result<Elements, RunError> {
        let length = request.decoded_len();
        if self.codecs.is_empty() && encoded.len() == length {
            return Ok(Elements::Stored(encoded));
        }
        let mut buffer = canvas.buffer();
        decoder
            .decode_into(&self.codecs, &encoded, length, &mut buffer)
            .map_err(|source| self.decode_error(request, source))?;
        Ok(Elements::Decoded(buffer))
    }

    fn reduce_error(&self, source: ReduceError) -> RunError {
        RunError::Reduce { variable: self.variable.clone(), source }
    }

    fn decode_error(&self, request: &ChunkRequest, source: DecodeError) -> RunError {
        RunError::Decode { variable: self.variable.clone(), chunk: request.key(), source }
    }
}
