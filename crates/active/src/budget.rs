//! How a run shares out its memory.
//!
//! ```text
//! |   answer   | fetched |  a decoder for each thread  |  jobs: chunks, or partials, that wait for their turn  |
//! ```
//! The answer takes what it takes. Of what is left a quarter may hold fetched bytes; the rest says how many threads
//! decode at once and how many jobs may be begun before the first of them is merged.

use rangefold_reduce::ReductionPlan;
use rangefold_store::FetchOptions;

use crate::limits::Limits;
use crate::plans::PlansByPart;

/// Small chunks are handed to a thread together, up to about this many bytes.
const JOB_BYTES: u64 = 1 << 20;
/// Chunks in one job at the most.
const JOB_CHUNKS: u64 = 64;
/// Jobs queued for each thread: while one waits for an earlier job to be merged, the thread has others.
const QUEUE: u64 = 4;
/// One job takes no more than this part of the memory, if it has several chunks.
const JOB_PART: u64 = 32;
/// Of what the answer leaves, the part that may hold fetched bytes.
const FETCHED_PART: u64 = 4;
/// While jobs run and wait, one more is being put together and another being merged.
const JOBS_BESIDE: u64 = 2;
/// A decoder has a buffer to read and one to write.
const DECODER_BUFFERS: u64 = 2;
/// Anomalies are made of the elements as numbers, in two more.
const ANOMALY_BUFFERS: u64 = 2;
/// Partials that a thread needs room for while it makes one: deviations and absent chunks take more than they leave.
const PARTIALS_IN_WORK: u64 = 3;

/// Bounds of a run that together keep to [`Limits::memory`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    /// Threads that decode and reduce.
    pub(crate) threads: usize,
    /// Jobs that run or wait for an earlier one to be merged.
    pub(crate) jobs: usize,
    /// Chunks that one job takes, if so many are ready.
    pub(crate) job_chunks: usize,
    /// Fetched bytes that may be held.
    pub(crate) fetched: u64,
    /// Bytes that all of it takes, at the most.
    pub(crate) memory: u64,
}

impl Budget {
    /// `moves_bytes` tells whether chunks have to be decoded.
    pub(crate) fn new(plans: &PlansByPart, moves_bytes: bool, limits: Limits, fetch: &FetchOptions) -> Self {
        let plan = &*plans.main;
        let chunk = plan.decoded_len_max();
        let slabs = plan.slab_count();
        // Anomalies are made in a buffer of their own.
        let decoded = if moves_bytes || plans.baseline_len().is_some() { chunk } else { 0 };
        let partial = plan.partial_len_max().min(plan.grown_len() / slabs.max(1));
        let waiting = if slabs > 0 { decoded } else { partial };
        let chunks = plan.chunk_count().max(1);
        let job_bytes = JOB_BYTES.min(limits.memory / JOB_PART);
        let job_chunks = (job_bytes / chunk.max(waiting).max(1)).clamp(1, JOB_CHUNKS).min(chunks);
        // Before a chunk is decoded, its job holds the encoded bytes, which are hardly ever longer.
        let job = waiting.saturating_add(chunk).saturating_mul(job_chunks);
        let in_work = partial.saturating_add(plan.unfolded_len_max()).saturating_mul(PARTIALS_IN_WORK);
        let buffers = DECODER_BUFFERS + u64::from(plans.baseline_len().is_some()) * ANOMALY_BUFFERS;
        let thread = decoded.saturating_mul(buffers).saturating_add(in_work);

        let answer = answer_len(plan, slabs).saturating_add(plans.baseline_len().unwrap_or(0));
        let free = limits.memory.saturating_sub(answer);
        let fetched = (free / FETCHED_PART).min(fetch.bytes_in_flight);
        let work = free - fetched;
        let threads = (work / thread.saturating_add(job).max(1)).clamp(1, limits.threads.max(1) as u64);
        let threads = threads.min(chunks);
        let left = work.saturating_sub(threads.saturating_mul(thread));
        let jobs = (left / job.max(1))
            .saturating_sub(JOBS_BESIDE)
            .clamp(1, threads.saturating_mul(QUEUE))
            .min(chunks);

        let terms = [
            answer,
            fetched.min(plan.decoded_len()),
            threads.saturating_mul(thread),
            (jobs + JOBS_BESIDE).saturating_mul(job),
        ];
        let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        Self {
            threads: count(threads),
            jobs: count(jobs),
            job_chunks: count(job_chunks),
            fetched,
            memory: terms.into_iter().fold(0, u64::saturating_add),
        }
    }
}

/// What the answer takes, growing or finished: once for each level of the order of merging, then slabs are put together,
/// and answers made of their sums, one after the other.
fn answer_len(plan: &ReductionPlan, slabs: u64) -> u64 {
    let grown = plan.grown_len();
    let joined = if slabs > 1 { grown } else { 0 };
    plan.accumulator_len().max(grown.saturating_add(plan.answers_len().max(joined)))
}
