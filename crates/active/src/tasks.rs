//! The chunk requests of a plan, in task order, with the references of what is stored.
//!
//! An array may have far more chunks than are stored: 10^12 that were never written. What it takes to go through the
//! tasks follows what is stored and what is asked, whichever is less: the stored chunks are found by going through the
//! references, and those between two of them are one task, or a few.

use std::ops::Range;
use std::sync::Arc;

use rangefold_array::CodecSpec;
use rangefold_reduce::{ChunkTask, Node, ReductionPlan};
use rangefold_refs::{Manifest, Reference};
use rangefold_store::ReferenceStore;

use crate::chunk_request::ChunkRequest;
use crate::plans::PlansByPart;
use crate::relay::Course;

/// What is visited next.
pub(crate) enum Visit {
    /// A chunk, or several that are not stored.
    Chunk(ChunkRequest),
    /// A node in the place of its tasks.
    Node(Arc<Node>),
}

/// The chunks to visit, in task order.
pub(crate) struct Tasks {
    plan: Arc<ReductionPlan>,
    stored: Stored,
    plans: PlansByPart,
    codecs: Arc<[CodecSpec]>,
    course: Course,
    /// Ordinal of the next task.
    next: u64,
    /// The next task whose chunk is stored; `None` if it has to be looked for.
    ahead: Option<(ChunkTask, Reference)>,
    /// Tasks for chunks that are not stored.
    absent: std::vec::IntoIter<ChunkTask>,
}

impl Tasks {
    /// The tasks of `plans` for the array at `path`.
    pub(crate) fn new(
        store: &ReferenceStore,
        path: &str,
        plans: &PlansByPart,
        codecs: Arc<[CodecSpec]>,
        course: Course,
    ) -> Self {
        Self {
            plan: Arc::clone(&plans.main),
            stored: Stored::new(store, path, &plans.main, &course),
            plans: plans.clone(),
            codecs,
            next: course.ordinals.start,
            course,
            ahead: None,
            absent: Vec::new().into_iter(),
        }
    }

    fn request(&self, task: ChunkTask, reference: Option<Reference>) -> Visit {
        let (plan, codecs) = (Arc::clone(self.plans.of(&task)), Arc::clone(&self.codecs));
        let anomaly = self.plans.anomaly(&task);
        Visit::Chunk(ChunkRequest { plan, codecs, task, reference, anomaly })
    }

    /// Tasks for chunks that are not stored. Where each part of the array has a plan of its own, no two share one.
    fn absent(&self, ordinals: Range<u64>) -> std::vec::IntoIter<ChunkTask> {
        let end = if self.plans.is_single() { ordinals.end } else { ordinals.end.min(ordinals.start + 1) };
        self.plan.absent_tasks(ordinals.start..end).take(ABSENT_AT_ONCE).collect::<Vec<_>>().into_iter()
    }
}

/// Tasks for absent chunks that are made at a time.
const ABSENT_AT_ONCE: usize = 64;

impl Iterator for Tasks {
    type Item = Visit;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(task) = self.absent.next() {
            self.next = task.ordinal.saturating_add(task.chunks);
            return Some(self.request(task, None));
        }
        if self.course.known.front().is_some_and(|node| node.ordinals().start <= self.next)
            && let Some(node) = self.course.known.pop_front()
        {
            self.next = node.ordinals().end.max(self.next);
            return Some(Visit::Node(node));
        }
        if self.ahead.is_none() {
            self.ahead = self.stored.next();
        }
        let due = self.ahead.as_ref().map_or(self.course.ordinals.end, |(task, _)| task.ordinal);
        let due = self.course.known.front().map_or(due, |node| due.min(node.ordinals().start));
        if self.next < due {
            self.absent = self.absent(self.next..due);
            let task = self.absent.next()?;
            self.next = task.ordinal.saturating_add(task.chunks);
            return Some(self.request(task, None));
        }
        let (task, reference) = self.ahead.take()?;
        self.next = task.ordinal.saturating_add(1);
        Some(self.request(task, Some(reference)))
    }
}

/// The tasks whose chunks are stored, in their order, with their references.
pub(crate) struct Stored {
    plan: Arc<ReductionPlan>,
    store: ReferenceStore,
    path: String,
    course: Course,
    by: By,
}

/// How stored chunks are found.
enum By {
    /// Each chunk that is needed is looked up.
    Chunks(Box<dyn Iterator<Item = ChunkTask> + Send>),
    /// Each reference is asked whether its chunk is needed.
    References(Range<usize>),
}

impl Stored {
    pub(crate) fn new(
        store: &ReferenceStore,
        path: &str,
        plan: &Arc<ReductionPlan>,
        course: &Course,
    ) -> Self {
        let len = store.references().arrays.get(path).map_or(0, |array| array.manifest.len());
        let by = if plan.chunk_count() <= len as u64 {
            By::Chunks(Box::new(plan.tasks()))
        } else {
            By::References(0..len)
        };
        let (plan, course) = (Arc::clone(plan), course.clone());
        Self { plan, store: store.clone(), path: path.to_owned(), course, by }
    }
}

impl Iterator for Stored {
    type Item = (ChunkTask, Reference);

    fn next(&mut self) -> Option<Self::Item> {
        let manifest: &Manifest = &self.store.references().arrays.get(&self.path)?.manifest;
        match &mut self.by {
            By::Chunks(tasks) => {
                let mut tasks = tasks.filter(|task| self.course.reads(task.ordinal));
                tasks.find_map(|task| manifest.get(task.selection.number).map(|reference| (task, reference)))
            }
            By::References(rows) => rows.find_map(|row| {
                let (number, reference) = manifest.row(row)?;
                let task = self.plan.task(number).filter(|task| self.course.reads(task.ordinal))?;
                Some((task, reference))
            }),
        }
    }
}
