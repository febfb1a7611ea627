//! Partial answers that outlive a run: what they are called, and which of them stand in for chunks.
//!
//! A name is a hash of all that a node depends on: the question, the rows of chunks, the references of what is stored in
//! them and what is known of the objects these lead to. What has changed in any way has another name, so nothing that is
//! kept can be wrong; at worst it is not found and its chunks are read.
//!
//! ```text
//!  4a0c…/1-0-512-99e1….node        a folder for each question; level, first task, task after the last, hash
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use rangefold_reduce::{Fingerprint, Handing, Node, NodeError, ReductionPlan};
use rangefold_refs::{Reference, Source};
use rangefold_store::ReferenceStore;
use sha2::{Digest as _, Sha256};

use crate::answer::Outcomes;
use crate::execution::Execution;
use crate::limits::{Limits, Progress, Statistics};
use crate::part::PartError;
use crate::relay::{Course, Relay};
use crate::resources::Resources;
use crate::run::run_relay;
use crate::run_error::RunError;
use crate::tasks::Stored;

/// The ending of names of nodes.
const ENDING: &str = ".node";
/// Nodes longer than this part of what their chunks decode to are not kept while a run goes on…
const KEPT_PART: u64 = 8;
/// …unless they have no more bytes than this.
const KEPT_LEN: u64 = 64 << 10;
/// Each level has so many nodes of the one below.
const FANOUT: u64 = 16;

/// The names of the partial answers of one question.
#[derive(Clone, Debug)]
pub struct Keeping {
    plan: Arc<ReductionPlan>,
    question: Fingerprint,
    rows: BTreeMap<u64, Fingerprint>,
}

/// A node that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptNode {
    /// Its name in the folder of the question.
    pub name: String,
    level: u32,
    ordinals: Range<u64>,
    fingerprint: Fingerprint,
}

impl KeptNode {
    /// The tasks it stands in for, by their ordinals.
    #[must_use]
    pub fn ordinals(&self) -> &Range<u64> {
        &self.ordinals
    }

    /// Whether `other` goes on where this one ends.
    #[must_use]
    pub fn is_extended_by(&self, other: &Self) -> bool {
        (self.level, self.ordinals.start) == (other.level, other.ordinals.start)
            && self.ordinals.end < other.ordinals.end
    }
}

impl Keeping {
    /// The folder of the question.
    #[must_use]
    pub fn folder(&self) -> String {
        hex(&self.question)
    }

    /// What a node of this question is called.
    #[must_use]
    pub fn named(&self, node: &Node) -> KeptNode {
        self.kept(node.level(), node.ordinals().clone())
    }

    /// The node as bytes that carry what it depends on.
    #[must_use]
    pub fn to_bytes(&self, node: &Node) -> Vec<u8> {
        node.to_bytes(&self.named(node).fingerprint)
    }

    /// Reads a node.
    ///
    /// # Errors
    ///
    /// [`NodeError`]: the bytes are damaged, or of something else.
    pub fn read(&self, kept: &KeptNode, bytes: &[u8]) -> Result<Node, NodeError> {
        let node = self.plan.node_from_bytes(&kept.fingerprint, bytes)?;
        let is_it = (node.level(), node.ordinals()) == (kept.level, &kept.ordinals);
        if is_it { Ok(node) } else { Err(NodeError::Foreign) }
    }

    fn kept(&self, level: u32, ordinals: Range<u64>) -> KeptNode {
        let rows = self.plan.rows_of_tasks(&ordinals);
        let mut hash = Sha256::new();
        hash.update(self.question);
        hash.update(level.to_le_bytes());
        hash.update(ordinals.start.to_le_bytes());
        hash.update(ordinals.end.to_le_bytes());
        for (row, fingerprint) in self.rows.range(rows.clone()) {
            hash.update(row.to_le_bytes());
            hash.update(fingerprint);
        }
        // Rows of which nothing is stored have no fingerprint above, but may have groups of their own; the last one may have
        // been longer.
        let named = if self.plan.groups_rows() { rows.clone() } else { rows.end.saturating_sub(1)..rows.end };
        for row in named {
            hash.update(self.plan.row_fingerprint(row));
        }
        let fingerprint: Fingerprint = hash.finalize().into();
        let name = format!("{level}-{}-{}-{}{ENDING}", ordinals.start, ordinals.end, hex(&fingerprint));
        KeptNode { name, level, ordinals, fingerprint }
    }

    /// Of the names in the folder, those that stand in for chunks: in task order, without overlap, and as few as there are.
    #[must_use]
    pub fn cover(&self, names: &BTreeSet<String>) -> Vec<KeptNode> {
        let mut by_start: BTreeMap<u64, Vec<(u64, u32, &str)>> = BTreeMap::new();
        let (end, top) = (self.plan.chunk_count(), self.plan.top_level());
        for name in names {
            // A longer selection has more levels.
            if let Some((level, ordinals)) = parse(name)
                && level <= top
                && ordinals.start < ordinals.end
                && ordinals.end <= end
            {
                by_start.entry(ordinals.start).or_default().push((ordinals.end, level, name));
            }
        }
        by_start.values_mut().for_each(|nodes| nodes.sort_by(|a, b| b.cmp(a)));
        let mut cover = Vec::new();
        let mut at = 0;
        while at < end {
            let here = by_start.get(&at).into_iter().flatten();
            let mut fitting = here.filter_map(|(end, level, name)| {
                let kept = self.kept(*level, at..*end);
                (kept.name == **name).then_some(kept)
            });
            match fitting.next() {
                Some(kept) => {
                    at = kept.ordinals.end;
                    cover.push(kept);
                }
                // Nothing begins within a block but at its beginning, or where a node that was taken has ended.
                None => {
                    let block = self.plan.block_of(at);
                    let next = self.plan.tasks_of_blocks(&(block..block.saturating_add(1))).end;
                    let next = by_start.range(at + 1..).next().map_or(end, |(start, _)| next.max(*start));
                    at = next.max(at + 1);
                }
            }
        }
        cover
    }
}

/// Level and tasks in a name.
fn parse(name: &str) -> Option<(u32, Range<u64>)> {
    let mut parts = name.strip_suffix(ENDING)?.split('-');
    let level = parts.next()?.parse().ok()?;
    let ordinals = parts.next()?.parse().ok()?..parts.next()?.parse().ok()?;
    (parts.next().is_some() && parts.next().is_none()).then_some((level, ordinals))
}

/// The first half of a hash in hexadecimal digits.
fn hex(hash: &Fingerprint) -> String {
    hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

impl Execution {
    /// Whether partial answers to what is asked can be kept.
    ///
    /// # Errors
    ///
    /// [`PartError::Whole`] and [`PartError::Memory`] if not.
    pub fn check_kept(&self, store: &ReferenceStore, limits: Limits) -> Result<(), PartError> {
        self.check_partial(store, limits)
    }

    /// The objects that chunks are in of which the references know neither size nor time nor tag.
    #[must_use]
    pub fn unknown_objects(&self, store: &ReferenceStore) -> BTreeSet<Arc<str>> {
        let sources = &store.references().sources;
        let mut unknown = BTreeSet::new();
        for reference in self.stored(store) {
            if let Reference::Whole { url } | Reference::Range { url, .. } = reference
                && !sources.contains_key(&url)
            {
                unknown.insert(url);
            }
        }
        unknown
    }

    /// The names of the partial answers to this question; `known` tells of the objects that the references do not know.
    #[must_use]
    pub fn keeping(&self, store: &ReferenceStore, known: &BTreeMap<Arc<str>, Source>) -> Keeping {
        let rows = self.row_fingerprints(store, known);
        Keeping { plan: Arc::clone(self.plan()), question: self.plan().fingerprint(), rows }
    }

    /// The chunks that are stored and not covered by `cover`, and their encoded bytes as far as references tell.
    #[must_use]
    pub fn not_kept(&self, store: &ReferenceStore, cover: &[KeptNode]) -> u64 {
        let is_kept = |ordinal: u64| {
            let after = cover.partition_point(|kept| kept.ordinals.end <= ordinal);
            cover.get(after).is_some_and(|kept| kept.ordinals.start <= ordinal)
        };
        let stored = Stored::new(store, &self.variable, self.plan(), &Course::all(self.plan()));
        stored.filter(|(task, _)| !is_kept(task.ordinal)).count() as u64
    }

    /// As [`Execution::run`], with nodes in the place of some chunks. What is worth keeping is handed to `take` as soon as it
    /// is complete.
    ///
    /// # Errors
    ///
    /// As [`Execution::run`].
    pub async fn run_keeping(
        &self,
        store: &ReferenceStore,
        resources: &Resources,
        progress: Progress<'_>,
        known: Vec<Node>,
        take: &mut (dyn FnMut(Node) + Send),
    ) -> Result<Outcomes, RunError> {
        // What is open at the end is copied.
        let needed = self.memory(store, resources.limits()).saturating_add(self.plan().accumulator_len());
        let share = resources.share(needed).await;
        let relay = Relay {
            ordinals: 0..self.plan().chunk_count(),
            known: known.into_iter().map(Arc::new).collect(),
            handing: Handing::Copies(self.kept_level()),
            take: &mut |node| take(node),
        };
        let ran = run_relay(store, &self.variable, &self.plans, &share, progress, relay).await;
        let (outcomes, mut statistics) = ran?;
        if let Some((chunks, stored)) = self.stored_chunks(store) {
            // What is read in parts of chunks is told in chunks.
            let known = if statistics.fetched == 0 { statistics.known.min(stored) } else { 0 };
            statistics = Statistics { chunks, missing: chunks.saturating_sub(stored), known, ..statistics };
        }
        resources.count(&statistics);
        Ok(Outcomes { outcomes: self.weighed(outcomes)?, statistics })
    }

    /// The level from which on nodes are small beside their chunks.
    fn kept_level(&self) -> u32 {
        let plan = self.plan();
        let blocks = plan.blocks();
        let count = blocks.end.saturating_sub(blocks.start).max(1);
        let mut decoded = plan.decoded_len() / count;
        let len = plan.grown_len().saturating_mul(KEPT_PART);
        // Where rows share no cell, a block has its share of them.
        let len = if plan.keeps_rows() { len / count } else { len };
        let mut level = 0;
        if len <= KEPT_LEN.saturating_mul(KEPT_PART) {
            return level;
        }
        while decoded < len && decoded > 0 && decoded < plan.decoded_len() {
            decoded = decoded.saturating_mul(FANOUT);
            level += 1;
        }
        level
    }
}
