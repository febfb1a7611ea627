//! The plans of one reduction: a single one, or one for each packing of an array whose files are packed differently.
//!
//! All of them visit the same chunks in the same order and answer the same questions; they differ in what a stored
//! number is taken for. Each chunk lies in one part and is reduced by the plan of that part, to a partial of unpacked
//! values, so that the partials of all plans merge.

use std::collections::BTreeMap;
use std::sync::Arc;

use rangefold_array::{AxisChunks, CodecSpec, ElementType, Hyperslab};
use rangefold_cf::{Meaning, MeaningError};
use rangefold_reduce::{Baseline, ChunkTask, Packing, PlanError, ReduceSpec, ReductionPlan};
use rangefold_refs::{ManifestArray, by_part};

use crate::anomaly::{Anomaly, Derived};
use crate::interpretation::Interpretation;

/// The plans of one reduction.
#[derive(Clone, Debug)]
pub struct PlansByPart {
    /// The plan whose task list all parts share and whose accumulator merges their partials.
    pub(crate) main: Arc<ReductionPlan>,
    parts: Parts,
}

/// What stored numbers are taken for.
#[derive(Clone, Debug)]
enum Parts {
    /// The same everywhere; an array whose attributes hold by parts is refused when a chunk of it is decoded.
    Same,
    /// Themselves.
    Stored,
    /// Values less the means of their groups.
    Derived(Derived),
    /// Something of its own in each part.
    ByPart {
        axis: usize,
        /// Of each part that is touched: its first chunk, the chunk after its last, and its plan.
        parts: Vec<(u64, u64, Arc<ReductionPlan>)>,
    },
}

/// A variable cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Its attributes cannot be applied.
    #[error(transparent)]
    Meaning(#[from] MeaningError),
    /// What is asked is not defined for it.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl PlansByPart {
    /// One plan for all chunks.
    pub(crate) fn single(plan: Arc<ReductionPlan>) -> Self {
        Self { main: plan, parts: Parts::Same }
    }

    /// Plans what `spec` asks of a selection of `array`, its elements taken as `interpretation` says. What `spec` says of missing
    /// values and packing plays no part.
    pub(crate) fn new(
        array: &ManifestArray,
        selection: &Hyperslab,
        spec: &ReduceSpec,
        interpretation: Interpretation,
    ) -> Result<Self, Refusal> {
        let plan = |array: &ManifestArray, meaning: Meaning| {
            let Meaning { missing, packing, unsigned, notes: _ } = meaning;
            let spec = ReduceSpec { missing, packing, unsigned, ..spec.clone() };
            ReductionPlan::new(&array.meta, selection, &spec).map(Arc::new)
        };
        let interpreted = |array: &ManifestArray| match interpretation {
            Interpretation::Unpacked => Meaning::of(array),
            Interpretation::Masked => Ok(Meaning::masked(array)),
            Interpretation::Raw => Ok(Meaning::raw()),
        };
        let Some((axis, parts)) = by_part::parts(array) else {
            return Ok(Self::single(plan(array, interpreted(array)?)?));
        };
        if interpretation == Interpretation::Raw {
            return Ok(Self { main: plan(array, Meaning::raw())?, parts: Parts::Stored });
        }
        let mut touched: Vec<(u64, u64, ManifestArray, Meaning)> = Vec::new();
        let mut first = 0;
        for part in parts {
            let end = chunks_before(array, axis, part.end);
            if is_touched(array, axis, first, end, selection) {
                let array = part.of(array);
                let meaning = interpreted(&array)?;
                touched.push((first, end, array, meaning));
            }
            first = end;
        }
        // Packed numbers become floats, and so must those beside them that are not packed.
        let is_mixed = touched.iter().any(|part| part.3.packing.is_some())
            || touched.windows(2).any(|pair| matches!(pair, [a, b] if a.3.unsigned != b.3.unsigned));
        let mut known: BTreeMap<String, Arc<ReductionPlan>> = BTreeMap::new();
        let mut plans = Vec::with_capacity(touched.len());
        for (first, end, array, mut meaning) in touched {
            if is_mixed && meaning.packing.is_none() {
                meaning.packing = Some(Packing::linear(1.0, 0.0).map_err(MeaningError::from)?);
            }
            let key = format!("{meaning:?} {:?}", array.meta.fill_value);
            let plan = match known.get(&key) {
                Some(plan) => Arc::clone(plan),
                None => plan(&array, meaning)?,
            };
            known.insert(key, Arc::clone(&plan));
            plans.push((first, end, plan));
        }
        // Answers are in the widest of the types that parts unpack to.
        let widest = plans.iter().find(|(_, _, plan)| plan.value_element() == ElementType::Float64);
        let main = match widest.or(plans.first()) {
            Some((_, _, plan)) => Arc::clone(plan),
            None => plan(array, Meaning::raw())?,
        };
        Ok(Self { main, parts: Parts::ByPart { axis, parts: plans } })
    }

    /// Plans what `spec` asks of a selection of `array`, of its values less the means of `baseline`.
    pub(crate) fn of_anomalies(
        array: &ManifestArray,
        selection: &Hyperslab,
        spec: &ReduceSpec,
        interpretation: Interpretation,
        baseline: &Arc<Baseline>,
    ) -> Result<Self, Refusal> {
        let (main, derived) = Derived::new(array, selection, spec, interpretation, baseline)?;
        Ok(Self { main, parts: Parts::Derived(derived) })
    }

    /// How the elements of a chunk become those that the plans take, if they are anomalies.
    pub(crate) fn anomaly(&self, task: &ChunkTask) -> Option<Anomaly> {
        let Parts::Derived(Derived { source, baseline }) = &self.parts else { return None };
        Some(Anomaly { source: Arc::clone(source.of(task)), baseline: Arc::clone(baseline) })
    }

    /// What is held to make anomalies, in bytes; `None` if none are made.
    pub(crate) fn baseline_len(&self) -> Option<u64> {
        let Parts::Derived(Derived { source: _, baseline }) = &self.parts else { return None };
        Some(baseline.bytes())
    }

    /// Whether chunks that are not stored stand for values that anomalies would have to be made of.
    pub(crate) fn has_absent_values(&self) -> bool {
        match &self.parts {
            Parts::Same | Parts::Stored => self.main.absent_counts(),
            Parts::Derived(Derived { source, baseline: _ }) => source.has_absent_values(),
            Parts::ByPart { axis: _, parts } => parts.iter().any(|(_, _, plan)| plan.absent_counts()),
        }
    }

    /// Whether all chunks have the same plan.
    pub(crate) fn is_single(&self) -> bool {
        !matches!(self.parts, Parts::ByPart { .. })
    }

    /// The plan that reduces a chunk.
    pub(crate) fn of(&self, task: &ChunkTask) -> &Arc<ReductionPlan> {
        let Parts::ByPart { axis, parts } = &self.parts else { return &self.main };
        let chunk = task.selection.axes.get(*axis).map_or(0, |part| part.chunk);
        let part = parts.get(parts.partition_point(|(_, end, _)| *end <= chunk));
        part.map_or(&self.main, |(_, _, plan)| plan)
    }

    /// The codecs that lead from a chunk of `array` to elements as the plans take them.
    pub(crate) fn codecs(&self, array: &ManifestArray) -> Vec<CodecSpec> {
        match &self.parts {
            Parts::Derived(Derived { source, baseline: _ }) => source.codecs(array),
            Parts::Same => array.meta.codecs.clone(),
            Parts::Stored | Parts::ByPart { .. } => array.meta.element_codecs().to_vec(),
        }
    }
}

/// Chunks along the axis that begin before `position`.
fn chunks_before(array: &ManifestArray, axis: usize, position: u64) -> u64 {
    match array.meta.grid.axes().get(axis) {
        Some(AxisChunks::Regular { length }) => position.div_ceil((*length).max(1)),
        Some(AxisChunks::Listed { bounds }) => bounds.partition_point(|&bound| bound < position) as u64,
        None => 0,
    }
}

/// Whether the selection may touch a chunk from `first` to before `end`: all between its ends count.
fn is_touched(array: &ManifestArray, axis: usize, first: u64, end: u64, selection: &Hyperslab) -> bool {
    let Some(range) = selection.axes().get(axis).filter(|range| range.count() > 0) else { return false };
    let last = range.stride().saturating_mul(range.count() - 1).saturating_add(range.start());
    let (low, high) = (
        chunks_before(array, axis, range.start().saturating_add(1)),
        chunks_before(array, axis, last.saturating_add(1)),
    );
    // The chunk of a position is one less than the chunks that begin before the next.
    first < high && low <= end
}
