//! What a question comes to once it is planned: chunks to visit, statistics to merge, weights to fold by.
//!
//! An [`Execution`] is a plain value. How it is run stands in [`answer`](crate::Execution::run), which has two special
//! cases: quantiles, which gather values in passes of their own, and weights whose cells do not fit in memory.

use std::sync::Arc;

use rangefold_array::Hyperslab;
use rangefold_reduce::{AxisMap, Baseline, Fold, Outcome, ReduceSpec, Reduction, ReductionPlan};
use rangefold_refs::{ManifestArray, Reference};
use rangefold_store::ReferenceStore;

use crate::anomaly::Means;
use crate::interpretation::Interpretation;
use crate::plans::{PlansByPart, Refusal};
use crate::relay::Course;
use crate::tasks::Stored;
use crate::weights::Weights;

/// A planned question about one variable.
#[derive(Clone, Debug)]
pub struct Execution {
    /// Path of the variable.
    pub(crate) variable: String,
    pub(crate) plans: PlansByPart,
    /// Weights that fold what the plan gives.
    pub(crate) weights: Option<Weights>,
    /// What was asked, in order.
    pub(crate) asked: Vec<Reduction>,
    /// What the plans were made from.
    pub(crate) selection: Hyperslab,
    pub(crate) spec: ReduceSpec,
    pub(crate) interpretation: Interpretation,
    /// The means that values are taken from, until they are known.
    pub(crate) means: Option<Means>,
    /// What is taken from values; without means while these are not known.
    pub(crate) baseline: Option<Arc<Baseline>>,
}

/// What an [`Execution`] is made from.
#[derive(Clone, Debug)]
pub struct Question {
    /// What was asked, in order.
    pub asked: Vec<Reduction>,
    /// The elements that take part.
    pub selection: Hyperslab,
    /// What the plan makes of them. It answers the merged ones of `asked`, or what `weights` need; what it says of missing
    /// values and packing plays no part.
    pub spec: ReduceSpec,
    /// What the stored elements are taken for.
    pub interpretation: Interpretation,
    /// Weights that fold what the plan gives.
    pub weights: Option<Weights>,
    /// Means that are taken from the values, each of which is then reduced as a float of 64 bits.
    pub means: Option<Means>,
}

impl Execution {
    /// Plans `question` on `array`, which stands at path `variable`.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if the attributes of the array cannot be applied, or a reduction is not defined for it.
    pub fn new(variable: &str, array: &ManifestArray, question: Question) -> Result<Self, Refusal> {
        let Question { asked, selection, spec, interpretation, weights, means } = question;
        let baseline = means.as_ref().map(|means| {
            let (grid, axes) = (array.meta.grid.clone(), Arc::clone(&means.axes));
            Arc::new(Baseline { grid, axes, means: Vec::new() })
        });
        let plans = match &baseline {
            None => PlansByPart::new(array, &selection, &spec, interpretation)?,
            Some(baseline) => PlansByPart::of_anomalies(array, &selection, &spec, interpretation, baseline)?,
        };
        let (gathered, _) = split(&asked);
        plans.main.check_gathered(&gathered).map_err(Refusal::Plan)?;
        let variable = variable.to_owned();
        Ok(Self { variable, plans, weights, asked, selection, spec, interpretation, means, baseline })
    }

    /// The plan: of an array that is packed differently in parts, the one whose task list all parts share. With weights
    /// it keeps the axes that these belong to; masks and groups it folds itself.
    #[must_use]
    pub fn plan(&self) -> &Arc<ReductionPlan> {
        &self.plans.main
    }

    /// What was asked, in order.
    #[must_use]
    pub fn asked(&self) -> &[Reduction] {
        &self.asked
    }

    /// How many chunks of the array are touched, and how many of them are there.
    #[must_use]
    pub fn chunk_counts(&self, store: &ReferenceStore) -> (u64, u64) {
        let of_plan = || (self.plan().chunk_count(), self.stored(store).count() as u64);
        self.stored_chunks(store).unwrap_or_else(of_plan)
    }

    /// The references of the chunks that are needed and stored, in task order.
    pub fn stored(&self, store: &ReferenceStore) -> impl Iterator<Item = Reference> + Send + use<> {
        Stored::new(store, &self.variable, self.plan(), &Course::all(self.plan()))
            .map(|(_, reference)| reference)
    }

    /// How many chunks of the array are touched, and how many of them are there, if it is read in parts of chunks.
    pub(crate) fn stored_chunks(&self, store: &ReferenceStore) -> Option<(u64, u64)> {
        let chunks = store.references().stored_chunks.get(&self.variable)?;
        Some(chunks.counts(&self.selection))
    }

    /// Shape of the answers before positions in several runs are told apart: without the bins of histograms.
    #[must_use]
    pub fn shape(&self) -> &[u64] {
        self.weights.as_ref().map_or_else(|| self.plan().output_shape(), Weights::shape)
    }

    /// Whether chunks have to be decoded.
    pub(crate) fn moves_bytes(&self, store: &ReferenceStore) -> bool {
        let array = store.references().arrays.get(&self.variable);
        array.is_none_or(|array| !self.plans.codecs(array).is_empty())
    }

    /// Chunks that are not stored.
    pub(crate) fn missing(&self, store: &ReferenceStore) -> u64 {
        self.plan().chunk_count().saturating_sub(self.stored(store).count() as u64)
    }

    /// How the cells of the plan make those of the answer.
    pub(crate) fn fold(&self) -> Fold {
        self.spec.fold.clone().unwrap_or_else(|| Fold::same(self.plan().output_shape()))
    }

    /// The plans of a part of the selection, whose cells are not folded, or of all of it.
    pub(crate) fn planned(
        &self,
        array: &ManifestArray,
        selection: &Hyperslab,
        axes: Vec<AxisMap>,
    ) -> Option<PlansByPart> {
        let fold = self.spec.fold.clone().filter(|_| *selection == self.selection);
        let spec = ReduceSpec { axes, fold, reductions: Vec::new(), ..self.spec.clone() };
        self.plans_of(array, selection, &spec).ok()
    }

    /// The plans of what `spec` asks of a selection of the values.
    pub(crate) fn plans_of(
        &self,
        array: &ManifestArray,
        selection: &Hyperslab,
        spec: &ReduceSpec,
    ) -> Result<PlansByPart, Refusal> {
        match &self.baseline {
            None => PlansByPart::new(array, selection, spec, self.interpretation),
            Some(baseline) => {
                PlansByPart::of_anomalies(array, selection, spec, self.interpretation, baseline)
            }
        }
    }

    /// The means that are taken from values, in a pass before the others.
    #[must_use]
    pub fn means(&self) -> Option<&Means> {
        self.means.as_ref()
    }

    /// This question once the means that are taken from values are known.
    pub(crate) fn with_means(&self, array: &ManifestArray, answer: &Outcome) -> Result<Self, Refusal> {
        let Some(means) = &self.means else { return Ok(self.clone()) };
        let baseline = Some(Arc::new(means.baseline(array, answer)));
        let unplanned = Self { means: None, baseline, ..self.clone() };
        let plans = unplanned.plans_of(array, &self.selection, &self.spec)?;
        Ok(Self { plans, ..unplanned })
    }
}

/// The questions that are answered from gathered values, and those that partials answer.
pub(crate) fn split(asked: &[Reduction]) -> (Vec<Reduction>, Vec<Reduction>) {
    asked.iter().cloned().partition(Reduction::is_gathered)
}
