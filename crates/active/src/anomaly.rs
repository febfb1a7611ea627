//! Anomalies: a pass over the means of groups, and plans of values less these means.
//!
//! ```text
//!  Means ─ run ─► Baseline ─┐
//!  chunk ─ decode ──────────┴─► float64 less means ─► any reduction, as of an array that is stored so
//! ```

use std::borrow::Cow;
use std::sync::Arc;

use rangefold_array::{DataType, ElementType, Hyperslab};
use rangefold_cf::Meaning;
use rangefold_reduce::{AxisMap, Baseline, ChunkTask, Outcome, ReduceError, ReduceSpec, ReductionPlan};
use rangefold_refs::ManifestArray;

use crate::execution::Execution;
use crate::fold::number;
use crate::interpretation::Interpretation;
use crate::plans::{PlansByPart, Refusal};

/// The means that values are taken from, as a question of its own.
#[derive(Clone, Debug)]
pub struct Means {
    /// Answers the means, and nothing else.
    pub execution: Box<Execution>,
    /// For each axis of the array, what each of its positions adds to the row-major number of a mean; `None` where there is
    /// none.
    pub axes: Arc<[Vec<Option<usize>>]>,
}

impl Means {
    /// Bytes of the means once they are known.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let cells = self.execution.shape().iter().fold(1_u64, |n, &length| n.saturating_mul(length));
        cells.saturating_mul(size_of::<f64>() as u64)
    }

    /// What is taken from the values of `array`, once the means are known.
    pub(crate) fn baseline(&self, array: &ManifestArray, means: &Outcome) -> Baseline {
        let mean = |i: usize| match means.value(i) {
            Some(_) => number(&means.values, i),
            None => f64::NAN,
        };
        let means = (0..means.count.len()).map(mean).collect();
        Baseline { grid: array.meta.grid.clone(), axes: Arc::clone(&self.axes), means }
    }
}

/// How the elements of one chunk become anomalies.
#[derive(Clone, Debug)]
pub struct Anomaly {
    /// What stored elements mean.
    pub(crate) source: Arc<ReductionPlan>,
    pub(crate) baseline: Arc<Baseline>,
}

impl Anomaly {
    /// The elements of a decoded chunk less their means.
    pub(crate) fn elements<'d>(
        &self,
        task: &ChunkTask,
        decoded: &[u8],
    ) -> Result<Cow<'d, [u8]>, ReduceError> {
        Ok(Cow::Owned(self.source.anomalies(task, decoded, &self.baseline)?))
    }
}

/// Of what plans of anomalies are made.
#[derive(Clone, Debug)]
pub(crate) struct Derived {
    /// The plans of the array as it is stored.
    pub(crate) source: Box<PlansByPart>,
    pub(crate) baseline: Arc<Baseline>,
}

impl Derived {
    /// The plan of what `spec` asks of a selection of the anomalies of `array`, and how these are made.
    pub(crate) fn new(
        array: &ManifestArray,
        selection: &Hyperslab,
        spec: &ReduceSpec,
        interpretation: Interpretation,
        baseline: &Arc<Baseline>,
    ) -> Result<(Arc<ReductionPlan>, Self), Refusal> {
        let stored = ReduceSpec::new(Vec::new(), AxisMap::reduce_all(array.meta.shape().len()));
        let source = Box::new(PlansByPart::new(array, selection, &stored, interpretation)?);
        let mut meta = array.meta.clone();
        meta.data_type = DataType::little(ElementType::Float64);
        meta.codecs = Vec::new();
        meta.fill_value = None;
        let Meaning { missing, packing, unsigned, notes: _ } = Meaning::raw();
        let spec = ReduceSpec { missing, packing, unsigned, ..spec.clone() };
        let plan = Arc::new(ReductionPlan::new(&meta, selection, &spec)?);
        Ok((plan, Self { source, baseline: Arc::clone(baseline) }))
    }
}
