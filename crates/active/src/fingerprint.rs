//! What chunks of an array depend on, row by row: the references of what is stored, and what is asked of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use rangefold_reduce::{Fingerprint, ReductionPlan};
use rangefold_refs::{Reference, Source};
use rangefold_store::ReferenceStore;
use sha2::{Digest as _, Sha256};

use crate::execution::Execution;
use crate::relay::Course;
use crate::tasks::Stored;

impl Execution {
    /// For each row of chunks of which some are stored, what tells it from a row of other bytes: the references, what is
    /// known of the objects that they lead to, and what is selected. Objects that the references say nothing of may be in
    /// `known`.
    pub(crate) fn row_fingerprints(
        &self,
        store: &ReferenceStore,
        known: &BTreeMap<Arc<str>, Source>,
    ) -> BTreeMap<u64, Fingerprint> {
        let plan = self.plan();
        let sources = &store.references().sources;
        let mut rows: BTreeMap<u64, Sha256> = BTreeMap::new();
        // A plan is hashed once, not once for each of its chunks.
        let mut plans: Vec<(Arc<ReductionPlan>, Fingerprint)> = Vec::new();
        for (task, reference) in Stored::new(store, &self.variable, plan, &Course::all(plan)) {
            let row = plan.rows_of_tasks(&(task.ordinal..task.ordinal)).start;
            let hash = rows.entry(row).or_insert_with(|| {
                let mut hash = Sha256::new();
                hash.update(plan.row_fingerprint(row));
                hash
            });
            let of = self.plans.of(&task);
            if !plans.last().is_some_and(|(last, _)| Arc::ptr_eq(last, of)) {
                plans.push((Arc::clone(of), of.fingerprint()));
            }
            if let Some((_, fingerprint)) = plans.last() {
                hash.update(fingerprint);
            }
            hash.update(task.selection.number.to_le_bytes());
            let mut text = |text: &str| {
                hash.update((text.len() as u64).to_le_bytes());
                hash.update(text);
            };
            let url = match &reference {
                Reference::Inline(bytes) => {
                    hash.update((bytes.len() as u64).to_le_bytes());
                    hash.update(bytes);
                    continue;
                }
                Reference::Whole { url } => {
                    text("whole");
                    url
                }
                Reference::Range { url, range } => {
                    text(&format!("{} {}", range.offset(), range.length()));
                    url
                }
            };
            text(url);
            if let Some(Source { size, etag, last_modified }) = sources.get(url).or_else(|| known.get(url)) {
                text(&format!("{size:?} {etag:?} {last_modified:?}"));
            }
        }
        rows.into_iter().map(|(row, hash)| (row, hash.finalize().into())).collect()
    }
}
