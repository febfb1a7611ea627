//! Anomalies: the elements of a chunk as values, each less the mean of its group at the same place.
//!
//! ```text
//!  chunk ─ unpacked, masked ─ less the means ─► float64, NaN where missing ─ reduced by a plan of such an array
//! ```

use std::sync::Arc;

use rangefold_array::ChunkGrid;

use super::{reduce::mask, reduce_error::ReduceError, walk::element_strides};
use crate::{
    meaning::{
        block::BLOCK,
        element::Element,
        load::{Component, Loader, Visitor, visit},
        mask::Verdict,
        stage::{AsStored, Stage},
    },
    plan::{chunk_task::ChunkTask, reduction_plan::ReductionPlan},
};

/// What is taken from each value of an array.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// How the array is cut into chunks.
    pub grid: ChunkGrid,
    /// For each axis of the array, what each of its positions adds to the number of a mean; `None` where there is no mean.
    pub axes: Arc<[Vec<Option<usize>>]>,
    /// The means; NaN where there is none.
    pub means: Vec<f64>,
}

impl Baseline {
    /// Bytes of the means and of the numbers of positions.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let positions: usize = self.axes.iter().map(Vec::len).sum();
        let bytes = positions * size_of::<Option<usize>>() + self.means.len() * size_of::<f64>();
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

impl ReductionPlan {
    /// The selected elements of a chunk less their means, as little-endian float64 in stored order; NaN where an element is
    /// missing, is not selected or has no mean. Of the plan only the meaning of elements counts.
    ///
    /// # Errors
    ///
    /// [`ReduceError::Length`] unless `decoded` has just the chunk's length, [`ReduceError::Texts`] if the elements are texts,
    /// and [`ReduceError::TooLarge`].
    pub fn anomalies(
        &self,
        task: &ChunkTask,
        decoded: &[u8],
        baseline: &Baseline,
    ) -> Result<Vec<u8>, ReduceError> {
        self.check_len(task, decoded)?;
        let chunk = || task.selection.index();
        let values = visit(&self.data_type, Component::Real, Numbers { plan: self, decoded });
        let values =
            values.ok_or_else(|| ReduceError::Texts { chunk: chunk(), expected: task.elements(), len: 0 })?;
        let mut out = vec![f64::NAN; values.len()];
        less_means(task, self, &values, baseline, &mut out)
            .ok_or_else(|| ReduceError::TooLarge { chunk: chunk() })?;
        Ok(out.into_iter().flat_map(f64::to_le_bytes).collect())
    }
}

/// Writes the selected elements less their means. `None` if the chunk is larger than the machine can address.
fn less_means(
    task: &ChunkTask,
    plan: &ReductionPlan,
    values: &[f64],
    baseline: &Baseline,
    out: &mut [f64],
) -> Option<()> {
    let strides = element_strides(&task.selection, plan.order)?;
    let origin = baseline.grid.chunk_origin(&task.selection.index());
    // Of each axis, the place in the chunk and the number of the mean that each selected position adds.
    let mut axes: Vec<Vec<(usize, Option<usize>)>> = Vec::with_capacity(strides.len());
    let all = task.selection.axes.iter().zip(&strides).zip(&origin).zip(baseline.axes.iter());
    for (((part, stride), origin), numbers) in all {
        let position = |within: u64| {
            let number = usize::try_from(origin.checked_add(within)?).ok()?;
            let place = usize::try_from(within).ok()?.checked_mul(*stride)?;
            Some((place, numbers.get(number).copied().flatten()))
        };
        axes.push(part.within.positions().map(position).collect::<Option<_>>()?);
    }
    let Some((inner, outer)) = axes.split_last() else {
        take(out, values, 0, baseline.means.first().copied());
        return Some(());
    };
    if axes.iter().any(Vec::is_empty) {
        return Some(());
    }
    let mut at = vec![0_usize; outer.len()];
    loop {
        let sum = outer.iter().zip(&at).try_fold((0, 0), |(place, number), (axis, &k)| {
            let (more, mean) = axis.get(k)?;
            Some((place + more, number + (*mean)?))
        });
        if let Some((place, number)) = sum {
            for (more, mean) in inner {
                let mean = mean.and_then(|mean| baseline.means.get(number + mean).copied());
                take(out, values, place + more, mean);
            }
        }
        let Some(axis) = (0..outer.len())
            .rev()
            .find(|&axis| at.get(axis).zip(outer.get(axis)).is_some_and(|(k, axis)| k + 1 < axis.len()))
        else {
            return Some(());
        };
        at.iter_mut().skip(axis + 1).for_each(|k| *k = 0);
        if let Some(k) = at.get_mut(axis) {
            *k += 1;
        }
    }
}

fn take(out: &mut [f64], values: &[f64], place: usize, mean: Option<f64>) {
    if let (Some(out), Some(value), Some(mean)) = (out.get_mut(place), values.get(place), mean) {
        *out = value - mean;
    }
}

/// All elements of a chunk as numbers, NaN where they are missing.
struct Numbers<'a> {
    plan: &'a ReductionPlan,
    decoded: &'a [u8],
}

impl Visitor for Numbers<'_> {
    type Output = Vec<f64>;

    fn visit<T: Element>(self, loader: Loader<T>) -> Vec<f64> {
        match self.plan.packing {
            Some(packing) => self.run(loader, packing),
            None => self.run(loader, AsStored),
        }
    }
}

impl Numbers<'_> {
    fn run<T: Element, S: Stage<T>>(self, loader: Loader<T>, stage: S) -> Vec<f64> {
        let Self { plan, decoded } = self;
        let mask = mask(plan, stage);
        let count = decoded.len() / plan.data_type.size().unwrap_or(1).max(1);
        let mut values = Vec::with_capacity(count);
        let (mut block, mut valid) = ([T::default(); BLOCK], [false; BLOCK]);
        for start in (0..count).step_by(BLOCK) {
            let block = &mut block[..BLOCK.min(count - start)];
            loader.load(decoded, start, 1, block);
            let verdict = mask.examine(block, &mut valid);
            values.extend(block.iter().zip(&valid).map(|(&x, &valid)| match verdict {
                Verdict::Full => stage.one(x).to_f64(),
                Verdict::Mixed if valid => stage.one(x).to_f64(),
                Verdict::Mixed | Verdict::Empty => f64::NAN,
            }));
        }
        values
    }
}
