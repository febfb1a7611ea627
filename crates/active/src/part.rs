//! An execution split by hand: cut into parts, each run anywhere and any time, then merged to the answer.
//!
//! A part is some blocks of the plan ([`ReductionPlan::blocks`]), so the answer has the bits of one run. As bytes, all
//! numbers little-endian:
//!
//! ```text
//!  offset  bytes
//!       0      8  "RFPART\r\n"
//!       8      4  version: 1
//!      12      4  number of the part, from 1
//!      16      4  how many parts there are
//!      20     32  fingerprint of the question and its references
//!      52      4  length of a text
//!              …  that text: what was asked, for whoever merges
//!              4  how many nodes follow
//!              …  each its length (8 bytes) and its bytes, see `Node::to_bytes`
//!     end-32  32  SHA-256 of all before
//! ```
//!
//! [`ReductionPlan::blocks`]: rangefold_reduce::ReductionPlan::blocks

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use rangefold_reduce::{Fingerprint, Handing, Node, NodeError, Outcome};
use rangefold_store::ReferenceStore;
use sha2::{Digest as _, Sha256};

use crate::answer::Outcomes;
use crate::execution::{Execution, split};
use crate::limits::{Limits, Progress, Statistics};
use crate::relay::{Course, Relay};
use crate::resources::Resources;
use crate::run::run_relay;
use crate::run_error::RunError;
use crate::tasks::Stored;

const MAGIC: [u8; 8] = *b"RFPART\r\n";
const VERSION: u32 = 1;
/// Parts that one question is cut into, at the most.
pub const PARTS_MAX: u32 = 1 << 16;
/// A part may be so much longer or shorter than its share, if it then ends where a larger node does.
const SLACK_PART: u64 = 8;

/// What one part of a question has given.
#[derive(Clone, Debug, PartialEq)]
pub struct PartialAnswer {
    /// Number of the part, from 1.
    pub part: u32,
    /// How many parts there are.
    pub of: u32,
    /// What was asked, in words of whoever asks.
    pub about: String,
    fingerprint: Fingerprint,
    nodes: Vec<Node>,
}

/// What is known of a part before its question is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartHead {
    /// Number of the part, from 1.
    pub part: u32,
    /// How many parts there are.
    pub of: u32,
    /// What was asked, in words of whoever asked.
    pub about: String,
    fingerprint: Fingerprint,
}

/// Parts that cannot be made, read or merged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// A number of parts that makes no sense.
    #[error("part {part} of {of}: parts are numbered from 1, and there are at most {PARTS_MAX}")]
    Number {
        /// Number of the part.
        part: u32,
        /// How many parts there are.
        of: u32,
    },
    /// The question has no partial answers.
    #[error("{what} cannot be split into parts: it needs all values at once")]
    Whole {
        /// What is asked.
        what: &'static str,
    },
    /// Weights whose cells do not fit in memory.
    #[error("the weights need {needed} bytes of memory to be split into parts, and {memory} may be used")]
    Memory {
        /// Bytes needed.
        needed: u64,
        /// Bytes that may be used.
        memory: u64,
    },
    /// The bytes are not those of a part.
    #[error("these bytes are not a part of an answer, or of a version that is not known")]
    Format,
    /// They were damaged or cut short.
    #[error("a part of an answer is damaged: its checksum does not fit its bytes")]
    Damaged,
    /// The part is of another question, or its references have changed.
    #[error("part {part} of {of} answers another question, or the references have changed since")]
    Foreign {
        /// Number of the part.
        part: u32,
        /// How many parts there are.
        of: u32,
    },
    /// What was cut differently.
    #[error("part {part} of {of} was cut differently from the others, which are {others}")]
    Cut {
        /// Number of the part.
        part: u32,
        /// How many parts it says there are.
        of: u32,
        /// How many the others say.
        others: u32,
    },
    /// A part is there twice.
    #[error("part {part} of {of} is given twice")]
    Doubled {
        /// Number of the part.
        part: u32,
        /// How many parts there are.
        of: u32,
    },
    /// A part is not there.
    #[error("part {part} of {of} is missing")]
    Missing {
        /// Number of the part.
        part: u32,
        /// How many parts there are.
        of: u32,
    },
    /// What a part holds is not what its plan makes.
    #[error(transparent)]
    Node(#[from] NodeError),
}

impl PartHead {
    /// Reads what a part says of itself, once its checksum is found right.
    ///
    /// # Errors
    ///
    /// [`PartError::Format`] and [`PartError::Damaged`].
    pub fn read(bytes: &[u8]) -> Result<Self, PartError> {
        Ok(read(bytes)?.0)
    }
}

impl PartialAnswer {
    /// The part as bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { part, of, about, fingerprint, nodes } = self;
        let mut bytes = MAGIC.to_vec();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        for number in [VERSION, *part, *of] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(fingerprint);
        bytes.extend_from_slice(&count(about.len()).to_le_bytes());
        bytes.extend_from_slice(about.as_bytes());
        bytes.extend_from_slice(&count(nodes.len()).to_le_bytes());
        for node in nodes {
            let node = node.to_bytes(fingerprint);
            bytes.extend_from_slice(&(node.len() as u64).to_le_bytes());
            bytes.extend_from_slice(&node);
        }
        let checksum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&checksum);
        bytes
    }
}

/// The head of a part, and the bytes of its nodes.
fn read(bytes: &[u8]) -> Result<(PartHead, Vec<&[u8]>), PartError> {
    let (body, checksum) = bytes.split_last_chunk::<32>().ok_or(PartError::Format)?;
    if !body.starts_with(&MAGIC) {
        return Err(PartError::Format);
    }
    if *Sha256::digest(body) != *checksum {
        return Err(PartError::Damaged);
    }
    parse(body).ok_or(PartError::Format)
}

fn parse(body: &[u8]) -> Option<(PartHead, Vec<&[u8]>)> {
    let number = |rest| {
        let (number, rest) = <[u8]>::split_first_chunk::<4>(rest)?;
        Some((u32::from_le_bytes(*number), rest))
    };
    let (version, rest) = number(body.strip_prefix(&MAGIC)?)?;
    let (part, rest) = number(rest)?;
    let (of, rest) = number(rest)?;
    let (fingerprint, rest) = rest.split_first_chunk::<32>()?;
    let (length, rest) = number(rest)?;
    let (about, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    let (count, mut rest) = number(rest)?;
    if version != VERSION || part == 0 || part > of || of > PARTS_MAX {
        return None;
    }
    let mut nodes = Vec::new();
    for _ in 0..count {
        let (length, after) = rest.split_first_chunk::<8>()?;
        let (node, after) = after.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        nodes.push(node);
        rest = after;
    }
    let about = String::from_utf8(about.to_vec()).ok()?;
    rest.is_empty().then_some((PartHead { part, of, about, fingerprint: *fingerprint }, nodes))
}

impl Execution {
    /// What tells this question, its data and their state from all others, as far as the references know.
    #[must_use]
    pub fn fingerprint(&self, store: &ReferenceStore) -> Fingerprint {
        let mut hash = Sha256::new();
        hash.update(self.plan().fingerprint());
        let rows = self.plan().rows_of_tasks(&(0..self.plan().chunk_count()));
        hash.update(rows.end.to_le_bytes());
        // The groups of rows of which nothing is stored count too, where the fill value does.
        hash.update(format!("{:?} {:?}", self.plan().output_shape(), self.spec.axes));
        for (row, fingerprint) in self.row_fingerprints(store, &BTreeMap::new()) {
            hash.update(row.to_le_bytes());
            hash.update(fingerprint);
        }
        hash.finalize().into()
    }

    /// Cuts the blocks of the plan in `of` parts of about equally many decoded bytes; some are empty if there are fewer
    /// blocks.
    ///
    /// # Errors
    ///
    /// [`PartError::Number`], and [`PartError::Whole`] and [`PartError::Memory`] if there are no partial answers.
    pub fn cut(&self, store: &ReferenceStore, limits: Limits, of: u32) -> Result<Vec<Range<u64>>, PartError> {
        if !(1..=PARTS_MAX).contains(&of) {
            return Err(PartError::Number { part: 1, of });
        }
        self.check_partial(store, limits)?;
        let plan = self.plan();
        let all = plan.blocks();
        let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
        for (task, _) in Stored::new(store, &self.variable, plan, &Course::all(plan)) {
            *counts.entry(plan.block_of(task.ordinal)).or_default() += 1;
        }
        let total: u64 = counts.values().sum();
        // Where a part may begin, and the chunks before it.
        let mut before = 0;
        let mut bounds: Vec<(u64, u64)> = Vec::new();
        for (&block, &count) in &counts {
            bounds.push((block, before));
            before += count;
        }
        bounds.push((all.end, total));
        let mut parts = Vec::new();
        let mut start = all.start;
        for part in 1..=u64::from(of) {
            let share = u128::from(total) * u128::from(part) / u128::from(of);
            let share = u64::try_from(share).unwrap_or(u64::MAX);
            let slack = total / u64::from(of) / SLACK_PART;
            let distance = |bound: &&(u64, u64)| bound.1.abs_diff(share);
            let near = bounds.iter().filter(|bound| distance(bound) <= slack);
            let largest = near.max_by_key(|bound| (bound.0.trailing_zeros() / 4, u64::MAX - distance(bound)));
            let bound = largest.or_else(|| bounds.iter().min_by_key(distance));
            let end = match (part == u64::from(of), bound) {
                (false, Some((block, _))) => (*block).max(start),
                (true, _) | (_, None) => all.end,
            };
            parts.push(start..end);
            start = end;
        }
        Ok(parts)
    }

    /// Whether there are partial answers to what is asked.
    pub(crate) fn check_partial(&self, store: &ReferenceStore, limits: Limits) -> Result<(), PartError> {
        if let Some(reduction) = split(&self.asked).0.first() {
            return Err(PartError::Whole { what: reduction.name() });
        }
        if self.means.is_some() || self.baseline.is_some() {
            return Err(PartError::Whole { what: "what is asked of anomalies" });
        }
        if self.blocks(store, limits).is_some() {
            let needed = self.plan().accumulator_len().saturating_add(self.plan().answers_len());
            return Err(PartError::Memory { needed, memory: limits.memory });
        }
        Ok(())
    }

    /// Runs one part of those that [`Execution::cut`] makes. `about` is kept in it for whoever merges.
    ///
    /// # Errors
    ///
    /// As [`Execution::run`].
    pub async fn run_part(
        &self,
        store: &ReferenceStore,
        resources: &Resources,
        progress: Progress<'_>,
        (part, parts): (u32, &[Range<u64>]),
        about: String,
    ) -> Result<(PartialAnswer, Statistics), RunError> {
        let number = usize::try_from(part.saturating_sub(1)).unwrap_or(usize::MAX);
        let blocks = parts.get(number).cloned().unwrap_or(0..0);
        let of = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        let (mut nodes, mut statistics) = (Vec::new(), Statistics::default());
        if !blocks.is_empty() {
            let share = resources.share(self.memory(store, resources.limits())).await;
            let ordinals = self.plan().tasks_of_blocks(&blocks);
            statistics.chunks = ordinals.end.saturating_sub(ordinals.start);
            let take = &mut |node| nodes.push(node);
            let relay = Relay { ordinals, known: Vec::new(), handing: Handing::Largest(blocks), take };
            let ran = run_relay(store, &self.variable, &self.plans, &share, progress, relay).await?;
            statistics = Statistics { chunks: statistics.chunks, ..ran.1 };
            resources.count(&statistics);
        }
        nodes.sort_by_key(|node| node.ordinals().start);
        Ok((PartialAnswer { part, of, about, fingerprint: self.fingerprint(store), nodes }, statistics))
    }

    /// Reads a part of this question.
    ///
    /// # Errors
    ///
    /// [`PartError`]: it is damaged, or of another question.
    pub fn read_part(&self, store: &ReferenceStore, bytes: &[u8]) -> Result<PartialAnswer, PartError> {
        let (head, nodes) = read(bytes)?;
        let PartHead { part, of, about, fingerprint } = head;
        if fingerprint != self.fingerprint(store) {
            return Err(PartError::Foreign { part, of });
        }
        let nodes: Result<Vec<Node>, NodeError> =
            nodes.into_iter().map(|bytes| self.plan().node_from_bytes(&fingerprint, bytes)).collect();
        Ok(PartialAnswer { part, of, about, fingerprint, nodes: nodes? })
    }

    /// Merges all parts to the answer, which has the bits of [`Execution::run`]. No chunk is read.
    ///
    /// # Errors
    ///
    /// [`PartError`] for a part that is missing, doubled or of something else; [`RunError`] as [`Execution::run`].
    pub async fn merge_parts(
        &self,
        store: &ReferenceStore,
        resources: &Resources,
        parts: Vec<PartialAnswer>,
    ) -> Result<Result<Outcomes, RunError>, PartError> {
        self.check_partial(store, resources.limits())?;
        check_parts(&parts)?;
        let of = parts.first().map_or(1, |part| part.of);
        let fingerprint = self.fingerprint(store);
        let mut known = Vec::new();
        for part in parts {
            if part.fingerprint != fingerprint {
                return Err(PartError::Foreign { part: part.part, of });
            }
            known.extend(part.nodes.into_iter().map(|node| (part.part, Arc::new(node))));
        }
        known.sort_by_key(|(_, node)| node.ordinals().start);
        let overlap = known.windows(2).find_map(|pair| match pair {
            [(_, a), (part, b)] => (b.ordinals().start < a.ordinals().end).then_some(*part),
            _ => None,
        });
        if let Some(part) = overlap {
            return Err(PartError::Cut { part, of, others: of });
        }
        let known: Vec<Arc<Node>> = known.into_iter().map(|(_, node)| node).collect();
        let course = Course { ordinals: 0..self.plan().chunk_count(), known: known.clone().into() };
        if let Some((task, _)) = Stored::new(store, &self.variable, self.plan(), &course).next() {
            let cut = self.cut(store, resources.limits(), of)?;
            let block = self.plan().block_of(task.ordinal);
            let part =
                (1..).zip(&cut).find(|(_, blocks)| blocks.contains(&block)).map_or(1, |(part, _)| part);
            return Err(PartError::Missing { part, of });
        }
        let share = resources.share(self.memory(store, resources.limits())).await;
        let relay = Relay { ordinals: course.ordinals, known, handing: Handing::Nothing, take: &mut |_| {} };
        let ran = run_relay(store, &self.variable, &self.plans, &share, &|_, _| {}, relay).await;
        Ok(ran.and_then(|(outcomes, statistics)| {
            Ok(Outcomes { outcomes: self.weighed(outcomes)?, statistics })
        }))
    }
}

/// Each part once, and all of them.
fn check_parts(parts: &[PartialAnswer]) -> Result<(), PartError> {
    let of = parts.first().map_or(1, |part| part.of);
    let mut numbers = std::collections::BTreeSet::new();
    for part in parts {
        if part.of != of {
            return Err(PartError::Cut { part: part.part, of: part.of, others: of });
        }
        if !numbers.insert(part.part) {
            return Err(PartError::Doubled { part: part.part, of });
        }
    }
    match (1..=of).find(|part| !numbers.contains(part)) {
        Some(part) => Err(PartError::Missing { part, of }),
        None => Ok(()),
    }
}

impl Execution {
    /// What the plan answers, folded by the weights if there are any.
    pub(crate) fn weighed(
        &self,
        outcomes: Vec<rangefold_reduce::Answered>,
    ) -> Result<Vec<rangefold_reduce::Answered>, RunError> {
        let Some(weights) = &self.weights else { return Ok(outcomes) };
        let reduce_error = |source| RunError::Reduce { variable: self.variable.clone(), source };
        let answers: Vec<Outcome> = outcomes.into_iter().collect::<Result<_, _>>().map_err(reduce_error)?;
        Ok(weights.fold(&split(&self.asked).1, &answers).into_iter().map(Ok).collect())
    }
}
