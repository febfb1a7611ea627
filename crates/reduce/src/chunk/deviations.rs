//! The second pass over a chunk: squared deviations from the means that the first has found.

use pulp::{Simd, WithSimd};

use super::{
    kernel::Kernel,
    walk::{Run, RunSink},
};
use crate::meaning::{
    block::BLOCK,
    element::Element,
    mask::Verdict,
    stage::Stage,
    sum::{Compensated, FloatSums, SumColumn},
};

impl<'a, T: Element, S: Stage<T>> Kernel<'a, T, S> {
    /// The second pass over the same chunk: squared deviations from the means the first has found.
    pub(crate) fn deviations(&mut self) -> Deviations<'_, 'a, T, S> {
        let cells = self.columns.count.len();
        let mean = |cell| {
            let sum: Compensated =
                self.columns.sum.as_ref().map_or(Compensated::default(), |s| s.get(cell).into());
            sum.mean(self.columns.count[cell].max(1)).hi
        };
        let means = (0..cells).map(mean).collect();
        Deviations { kernel: self, means, first: FloatSums::zeros(cells), second: FloatSums::zeros(cells) }
    }
}

/// Takes the runs of a chunk a second time.
pub(crate) struct Deviations<'k, 'a, T: Element, S: Stage<T>> {
    kernel: &'k mut Kernel<'a, T, S>,
    means: Vec<f64>,
    /// Sums of deviations: not quite zero, because the means are rounded.
    first: FloatSums,
    /// Sums of their squares.
    second: FloatSums,
}

impl<T: Element, S: Stage<T>> Deviations<'_, '_, T, S> {
    /// Writes the sums of squares into the kernel's columns.
    pub(crate) fn finish(mut self) {
        for (cell, &count) in self.kernel.columns.count.iter().enumerate() {
            if count > 0 {
                let first = self.first.get(cell).value();
                let correction = first * (first / count as f64);
                // Where it is infinite, so are the squares, and the difference of infinities would be none of the data's.
                if correction.is_finite() {
                    self.second.add(cell, Compensated { hi: -correction, lo: 0.0 });
                }
            }
        }
        self.kernel.columns.deviations = Some(self.second);
    }

    /// Loads a block; `None` if nothing in it is valid.
    fn load(&mut self, run: Run) -> Option<Differences<'_, S::Value>> {
        let Kernel { source, stage, values, .. } = &mut *self.kernel;
        let arch = source.arch;
        let (block, valid, verdict) = source.load(run);
        let values = stage.apply(arch, block, values);
        let valid = match verdict {
            Verdict::Empty => return None,
            Verdict::Full => None,
            Verdict::Mixed => Some(valid),
        };
        let (means, first, second) = (&self.means, &mut self.first, &mut self.second);
        Some(Differences { values, valid, means, first, second, cell: run.cell, one_cell: true })
    }

    fn add(&mut self, run: Run, one_cell: bool) {
        let arch = self.kernel.source.arch;
        if let Some(differences) = self.load(run) {
            arch.dispatch(Differences { one_cell, ..differences });
        }
    }
}

impl<T: Element, S: Stage<T>> RunSink for Deviations<'_, '_, T, S> {
    fn to_one_cell(&mut self, run: Run) {
        for start in (0..run.len).step_by(BLOCK) {
            self.add(run.part(start, BLOCK.min(run.len - start), 0), true);
        }
    }

    fn to_cells(&mut self, run: Run) {
        self.add(run, false);
    }
}

/// Adds a block's deviations from the means, and their squares, to one cell or to one each.
struct Differences<'b, V> {
    values: &'b [V],
    valid: Option<&'b [bool]>,
    means: &'b [f64],
    first: &'b mut FloatSums,
    second: &'b mut FloatSums,
    cell: usize,
    one_cell: bool,
}

impl<V: Element> WithSimd for Differences<'_, V> {
    type Output = ();

    #[inline(always)]
    fn with_simd<I: Simd>(self, _: I) {
        let Self { values, valid, means, first, second, cell, one_cell } = self;
        let mut block = [0.0; BLOCK];
        let block = &mut block[..values.len()];
        if one_cell {
            let mean = means[cell];
            block.iter_mut().zip(values).for_each(|(out, x)| *out = x.to_f64() - mean);
        } else {
            let pairs = values.iter().zip(&means[cell..]);
            block.iter_mut().zip(pairs).for_each(|(out, (x, mean))| *out = x.to_f64() - mean);
        }
        if let Some(valid) = valid {
            block.iter_mut().zip(valid).for_each(|(out, &valid)| *out = if valid { *out } else { 0.0 });
        }
        if one_cell {
            first.add(cell, f64::sum(block, true));
            block.iter_mut().for_each(|x| *x *= *x);
            second.add(cell, f64::sum(block, true));
        } else {
            first.add_terms(cell, block);
            block.iter_mut().for_each(|x| *x *= *x);
            second.add_terms(cell, block);
        }
    }
}
