//! Running a planned question, and what that will take.

use rangefold_reduce::{Answered, Outcome, ReduceError, Reduction};
use rangefold_store::{Reads, ReferenceStore};

use crate::anomaly::Means;
use crate::budget::Budget;
use crate::execution::{Execution, split};
use crate::limits::{Limits, Progress, Statistics};
use crate::quantile::{Passes, passes, quantiles};
use crate::resources::{Resources, Share};
use crate::run::run_plans;
use crate::run_error::RunError;

/// The outcomes of a run, one per reduction that was asked for.
#[derive(Clone, Debug)]
pub struct Outcomes {
    /// In the order of the reductions. One that has no answer leaves the others theirs.
    pub outcomes: Vec<Answered>,
    /// What it took.
    pub statistics: Statistics,
}

impl Outcomes {
    /// The outcomes, where every reduction has one.
    ///
    /// # Errors
    ///
    /// Why the first that has none has none.
    pub fn complete(self) -> Result<Vec<Outcome>, ReduceError> {
        self.outcomes.into_iter().collect()
    }
}

impl Execution {
    /// Runs the plan and folds what it gives by the weights; quantiles take passes of their own.
    ///
    /// # Errors
    ///
    /// [`RunError`] for the first chunk, in task order, that fails; [`RunError::NoVariable`] if there is no such array.
    pub async fn run(
        &self,
        store: &ReferenceStore,
        resources: &Resources,
        progress: Progress<'_>,
    ) -> Result<Outcomes, RunError> {
        if let Some(means) = &self.means {
            return self.run_anomalies(means, store, resources, progress).await;
        }
        let share = resources.share(self.memory(store, resources.limits())).await;
        let mut answer = self.run_in_parts(store, &share, progress).await?;
        if let Some((chunks, stored)) = self.stored_chunks(store) {
            (answer.statistics.chunks, answer.statistics.missing) = (chunks, chunks.saturating_sub(stored));
        }
        resources.count(&answer.statistics);
        Ok(answer)
    }

    /// Runs the means first, and then the plan of values less these.
    async fn run_anomalies(
        &self,
        means: &Means,
        store: &ReferenceStore,
        resources: &Resources,
        progress: Progress<'_>,
    ) -> Result<Outcomes, RunError> {
        let variable = || self.variable.clone();
        let reduce_error = |source| RunError::Reduce { variable: variable(), source };
        let lost = || RunError::Lost { variable: variable(), what: "the pass over means" };
        let array = store.references().arrays.get(&self.variable);
        let array = array.ok_or_else(|| RunError::NoVariable { variable: variable() })?;
        if self.plans.has_absent_values() && self.missing(store) > 0 {
            return Err(RunError::AbsentValues { variable: variable() });
        }
        let answer = Box::pin(means.execution.run(store, resources, progress)).await?;
        let took = answer.statistics;
        let outcome = answer.complete().map_err(reduce_error)?.into_iter().next().ok_or_else(lost)?;
        let known = self.with_means(array, &outcome).map_err(|_| lost())?;
        drop(outcome);
        let mut answer = Box::pin(known.run(store, resources, progress)).await?;
        answer.statistics.add_pass(took);
        Ok(answer)
    }

    /// As [`Execution::run`], its statistics counting the parts in which chunks are read.
    async fn run_in_parts(
        &self,
        store: &ReferenceStore,
        share: &Share,
        progress: Progress<'_>,
    ) -> Result<Outcomes, RunError> {
        let (gathered, merged) = split(&self.asked);
        if let Some((weights, blocks)) = self.weights.as_ref().zip(self.blocks(store, share.limits)) {
            let (outcomes, statistics) = self.run_blocks(store, weights, &blocks, share, progress).await?;
            return Ok(Outcomes { outcomes: outcomes.into_iter().map(Ok).collect(), statistics });
        }
        let (mut outcomes, mut statistics) = if gathered.is_empty() || !merged.is_empty() {
            run_plans(store, &self.variable, &self.plans, share, progress).await?
        } else {
            (Vec::new(), Statistics::default())
        };
        outcomes = self.weighed(outcomes)?;
        if gathered.is_empty() {
            return Ok(Outcomes { outcomes, statistics });
        }
        let (quantiles, took) = quantiles(store, self, &gathered, share, progress).await?;
        let (mut gathered, mut merged) = (quantiles.into_iter().map(Ok), outcomes.into_iter());
        let next = |reduction: &Reduction| {
            if reduction.is_gathered() { gathered.next() } else { merged.next() }
        };
        let outcomes = self.asked.iter().filter_map(next).collect();
        (statistics.chunks, statistics.missing) = (self.plan().chunk_count(), self.missing(store));
        statistics.add_pass(took);
        Ok(Outcomes { outcomes, statistics })
    }

    /// Bytes that [`Execution::run`] holds at one time, at the most: fetched, decoded, partials and the answer, not the set
    /// of references and the weights. Known before anything is fetched.
    #[must_use]
    pub fn memory(&self, store: &ReferenceStore, limits: Limits) -> u64 {
        let (gathered, merged) = split(&self.asked);
        let running = if gathered.is_empty() || !merged.is_empty() {
            Budget::new(&self.plans, self.moves_bytes(store), limits, store.options()).memory
        } else {
            0
        };
        let folded = self.weights.as_ref().map_or(0, |weights| weights.folded_len());
        let gathering = self.passes(store, limits).map_or(0, |passes| passes.memory);
        let before = self
            .means
            .as_ref()
            .map_or(0, |means| means.execution.memory(store, limits).saturating_add(means.bytes()));
        let held = self.plans.baseline_len().unwrap_or(0);
        let here = running.max(self.plan().answers_len().saturating_add(folded)).max(gathering);
        here.saturating_add(held).max(before)
    }

    /// What quantiles will take; `None` if none are asked for.
    #[must_use]
    pub fn passes(&self, store: &ReferenceStore, limits: Limits) -> Option<Passes> {
        let array = store.references().arrays.get(&self.variable)?;
        self.asked.iter().any(Reduction::is_gathered).then(|| passes(self, store, array, limits))
    }

    /// What [`Execution::run`] asks for, in one pass over the selection; quantiles take [`Execution::passes`]. Nothing is
    /// read to know it.
    #[must_use]
    pub fn reads(&self, store: &ReferenceStore, limits: Limits) -> Reads {
        let budget = Budget::new(&self.plans, self.moves_bytes(store), limits, store.options());
        store.reads_within(self.stored(store), budget.fetched)
    }
}
