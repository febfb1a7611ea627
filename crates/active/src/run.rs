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
//! canvas. A node that is known stands in the place of its tasks, and nodes are handed on as they are completed, for runs
//! that are split or kept ([`Relay`]). Dropping the future stops it: nothing runs on but the jobs that have begun.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::future::{Either, ready};
use futures::stream::{self, Stream, StreamExt as _};
use rangefold_array::CodecSpec;
use rangefold_codec::{DecodeError, Decoder};
use rangefold_reduce::{Answered, Handing, Node, Partial, ReduceError, Sieve, Sifted};
use rangefold_store::ReferenceStore;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::budget::Budget;
use crate::canvas::{Canvas, Drawn, Elements};
use crate::chunk_request::{ChunkError, ChunkRequest, Reduced};
use crate::limits::{Progress, Statistics};
use crate::plans::PlansByPart;
use crate::relay::{Course, Relay};
use crate::resources::Share;
use crate::run_error::RunError;
use crate::tasks::{Stored, Tasks, Visit};
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
    let Course { ordinals, .. } = Course::all(&plans.main);
    let take = &mut |_| {};
    let relay = Relay { ordinals, known: Vec::new(), handing: Handing::Nothing, take };
    run_relay(store, variable, plans, share, progress, relay).await
}

/// As [`run_plans`], with nodes in the place of some chunks, and nodes handed on. There are no answers if the largest nodes
/// are handed on.
pub(crate) async fn run_relay(
    store: &ReferenceStore,
    variable: &str,
    plans: &PlansByPart,
    share: &Share,
    progress: Progress<'_>,
    relay: Relay<'_>,
) -> Result<(Vec<Answered>, Statistics), RunError> {
    let plan = &plans.main;
    let Relay { ordinals, known, handing, take } = relay;
    let reduce_error = |source| RunError::Reduce { variable: variable.to_owned(), source };
    let to = Canvas::new(plan, ordinals.start, &handing).map_or(Destination::Partials, Destination::Canvas);
    let worker = Worker::new(store, variable, plans, to)?;
    let is_handed_on = handing != Handing::Nothing;
    let is_answered = !matches!(handing, Handing::Largest(_));
    let mut accumulator =
        matches!(worker.to, Destination::Partials).then(|| plan.accumulator().handing_on(handing));
    let merge = |merged: u64, chunks: u64, given: Option<Given>| {
        if let Destination::Canvas(canvas) = &worker.to {
            if let Some(error) = canvas.failure(merged) {
                return Err(error);
            }
            if is_handed_on {
                canvas.take_nodes(plan, merged + chunks)?.into_iter().for_each(&mut *take);
            }
        }
        if let Some(accumulator) = &mut accumulator {
            match given {
                Some(Given::Partial(partial)) => accumulator.merge(&partial)?,
                Some(Given::Node(node)) => accumulator.merge_node(&node)?,
                None => {}
            }
            if is_handed_on {
                accumulator.take_nodes()?.into_iter().for_each(&mut *take);
            }
        }
        Ok(())
    };
    let end = ordinals.end;
    let course = Course { ordinals, known: known.into() };
    let statistics = each_chunk(store, &worker, share, progress, course, merge).await?;
    let to = Arc::into_inner(worker).map(|worker| worker.to);
    let outcomes = match (accumulator, to) {
        (Some(accumulator), _) if is_answered => {
            if is_handed_on {
                accumulator.open_nodes().into_iter().for_each(&mut *take);
            }
            accumulator.finish().map_err(reduce_error)?
        }
        (Some(accumulator), _) => {
            accumulator.into_nodes().map_err(reduce_error)?.into_iter().for_each(&mut *take);
            Vec::new()
        }
        (None, Some(Destination::Canvas(canvas))) if is_answered => {
            if is_handed_on {
                canvas.open_nodes(plan, end).into_iter().for_each(&mut *take);
            }
            canvas.finish(plan).map_err(reduce_error)?
        }
        (None, Some(Destination::Canvas(canvas))) => {
            canvas.into_nodes(plan).map_err(reduce_error)?.into_iter().for_each(&mut *take);
            Vec::new()
        }
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
    let course = Course::all(&worker.plans.main);
    each_chunk(store, &worker, share, progress, course, |_, _, _| Ok(())).await
}

/// Fetches the chunks of the worker's plans, has them worked on in threads, and hands on, in task order, what is to be
/// merged, with the ordinal of its first chunk and the number of its chunks.
async fn each_chunk(
    store: &ReferenceStore,
    worker: &Arc<Worker>,
    share: &Share,
    progress: Progress<'_>,
    course: Course,
    mut merge: impl FnMut(u64, u64, Option<Given>) -> Result<(), ReduceError>,
) -> Result<Statistics, RunError> {
    let (plan, variable) = (&worker.plans.main, &worker.variable);
    let budget = Budget::new(&worker.plans, !worker.codecs.is_empty(), share.limits, store.options());
    let reducer = Arc::clone(worker);
    let lane = Lane::new(&share.pool, budget.threads, move |chunks| reducer.reduce(chunks));
    let came = Arc::new(AtomicU64::new(0));
    let first = course.ordinals.start;
    let (producer, chunks) = fetched(store, worker, budget, Arc::clone(&came), course);
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
    let mut merged = first;
    while let Some(job) = jobs.next().await {
        let job = job.map_err(|_| RunError::Lost { variable: variable.clone(), what: "a thread" })?;
        for done in job {
            let done = done?;
            merge(merged, done.chunks, done.given)
                .map_err(|source| RunError::Reduce { variable: variable.clone(), source })?;
            merged += done.chunks;
            match (done.is_node, done.encoded) {
                (true, _) => statistics.known += done.chunks,
                (false, None) => statistics.missing += done.chunks,
                (false, Some(_)) => {}
            }
            statistics.referenced += done.encoded.unwrap_or(0);
            statistics.decoded += done.decoded;
        }
        statistics.fetched = came.load(Ordering::Relaxed);
        progress(merged - first, &statistics);
    }
    drop((producer, jobs));
    lane.end().await;
    Ok(statistics)
}

/// What is visited, and the encoded bytes of a chunk that is stored.
type Fetched = (Visit, Option<Bytes>);

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
    course: Course,
) -> (Producer, impl Stream<Item = Result<Fetched, RunError>> + use<>) {
    let Worker { variable, codecs, plans, .. } = worker;
    let references = Stored::new(store, variable, &plans.main, &course).map(|(_, reference)| reference);
    let mut bytes = store.fetch_counted(references, budget.fetched, came);
    let (sender, receiver) = mpsc::channel(budget.job_chunks);
    let (tasks, variable) =
        (Tasks::new(store, variable, plans, Arc::clone(codecs), course), variable.clone());
    let producer = tokio::spawn(async move {
        for visit in tasks {
            let chunk = match &visit {
                Visit::Chunk(request) if request.reference.is_some() => match bytes.next().await {
                    Some((_, Ok(encoded))) => Ok((visit, Some(encoded))),
                    Some((_, Err(source))) => {
                        Err(RunError::Fetch { variable: variable.clone(), chunk: request.key(), source })
                    }
                    None => Err(RunError::Lost { variable: variable.clone(), what: "the store" }),
                },
                Visit::Chunk(_) | Visit::Node(_) => Ok((visit, None)),
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

/// What is merged.
enum Given {
    Partial(Box<Partial>),
    Node(Arc<Node>),
}

/// One chunk done with, or a node in the place of several.
struct Done {
    /// To be merged, if partials are.
    given: Option<Given>,
    /// Whether this is a node.
    is_node: bool,
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

    fn reduce_one(&self, decoder: &mut Decoder, (visit, encoded): Fetched) -> Result<Done, RunError> {
        let request = match visit {
            Visit::Chunk(request) => request,
            Visit::Node(node) => {
                let ordinals = node.ordinals();
                let chunks = ordinals.end.saturating_sub(ordinals.start);
                let given = match &self.to {
                    Destination::Partials => Some(Given::Node(node)),
                    Destination::Canvas(canvas) => {
                        canvas.add(&self.plans, Drawn::Node(node));
                        None
                    }
                    Destination::Sifting(_) => None,
                };
                return Ok(Done { given, is_node: true, encoded: None, decoded: 0, chunks });
            }
        };
        let chunks = request.task.chunks;
        let stored = encoded.as_ref().map(|encoded| encoded.len() as u64);
        let chunk_len = || encoded.as_ref().map_or(0, |_| request.plan.chunk_len(&request.task));
        let (given, decoded) = match &self.to {
            Destination::Partials => {
                let reduced = request.reduce(decoder, encoded.as_deref());
                let Reduced { partial, decoded } =
                    reduced.map_err(|error| self.chunk_error(&request, error))?;
                (Some(Given::Partial(Box::new(partial))), decoded)
            }
            Destination::Canvas(canvas) => {
                let decoded = chunk_len();
                let elements = match encoded {
                    None => Elements::Absent,
                    Some(encoded) => self.elements(canvas, decoder, &request, encoded)?,
                };
                canvas.add(&self.plans, Drawn::Chunk(request.task, elements));
                (None, decoded)
            }
            Destination::Sifting(Sifting { sieve, take }) => {
                let elements = encoded.as_ref().map(|encoded| request.elements(decoder, encoded)).transpose();
                let elements = elements.map_err(|error| self.chunk_error(&request, error))?;
                let elements = elements.as_deref();
                let sifted =
                    request.plan.sift_chunk(&request.task, elements, sieve, &mut |values| take(values));
                sifted.map_err(|source| self.reduce_error(source))?;
                (None, chunk_len())
            }
        };
        Ok(Done { given, is_node: false, encoded: stored, decoded, chunks })
    }

    /// The elements of a chunk, decoded into a buffer that outlives this job.
    fn elements(
        &self,
        canvas: &Canvas,
        decoder: &mut Decoder,
        request: &ChunkRequest,
        encoded: Bytes,
    ) -> Result<Elements, RunError> {
        if request.anomaly.is_some() {
            let elements = request.elements(decoder, &encoded);
            let elements = elements.map_err(|error| self.chunk_error(request, error))?;
            return Ok(Elements::Decoded(elements.into_owned()));
        }
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

    fn chunk_error(&self, request: &ChunkRequest, error: ChunkError) -> RunError {
        match error {
            ChunkError::Decode(source) => self.decode_error(request, source),
            ChunkError::Reduce(source) => self.reduce_error(source),
        }
    }

    fn decode_error(&self, request: &ChunkRequest, source: DecodeError) -> RunError {
        RunError::Decode { variable: self.variable.clone(), chunk: request.key(), source }
    }
}
