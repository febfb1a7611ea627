//! Two more passes over a chunk, where a straight line is asked for: the coordinates of its values, and the co-moments.

use super::{
    kernel::Kernel,
    walk::{Run, RunSink},
};
use crate::{
    meaning::{
        block::BLOCK,
        element::Element,
        mask::Verdict,
        stage::Stage,
        sum::{Compensated, SumColumn},
    },
    statistic::line::Line,
};

/// Takes the runs of a chunk: once for the coordinates, and with means once more for deviations from these.
pub(crate) struct Lines<'k, 'a, T: Element, S: Stage<T>> {
    kernel: &'k mut Kernel<'a, T, S>,
    /// The coordinate of each place.
    along: &'k [f64],
    /// Means of coordinates and values, cell by cell.
    means: Option<Vec<(f64, f64)>>,
    line: Line,
}

impl<'k, 'a, T: Element, S: Stage<T>> Lines<'k, 'a, T, S> {
    /// `kernel` has seen the chunk: the counts and sums of its cells are known.
    pub(crate) fn new(kernel: &'k mut Kernel<'a, T, S>, along: &'k [f64]) -> Self {
        let line = Line::zeros(kernel.columns.count.len());
        Self { kernel, along, means: None, line }
    }

    /// Readies the pass over deviations, once the coordinates have been added.
    pub(crate) fn find_means(&mut self) {
        let columns = &*self.kernel.columns;
        let mean = |(cell, &count): (usize, &u64)| {
            let y: Compensated =
                columns.sum.as_ref().map_or(Compensated::default(), |sums| sums.get(cell).into());
            (self.line.x.get(cell).mean(count.max(1)).hi, y.mean(count.max(1)).hi)
        };
        self.means = Some(columns.count.iter().enumerate().map(mean).collect());
    }

    /// Writes what was found into the kernel's columns.
    pub(crate) fn finish(self) {
        self.kernel.columns.line = Some(self.line);
    }

    /// Adds a block whose elements belong to cells `step` apart.
    fn add(&mut self, run: Run, step: usize) {
        let Kernel { source, stage, .. } = &mut *self.kernel;
        let (block, valid, verdict) = source.load(run);
        if verdict == Verdict::Empty {
            return;
        }
        let term = |hi: f64| Compensated { hi, lo: 0.0 };
        for (k, (&stored, &valid)) in block.iter().zip(valid).enumerate() {
            if verdict == Verdict::Mixed && !valid {
                continue;
            }
            let place = run.place + k as u64 * run.place_stride;
            let Some(&x) = usize::try_from(place).ok().and_then(|place| self.along.get(place)) else {
                continue;
            };
            let cell = run.cell + k * step;
            match &self.means {
                None => self.line.x.add(cell, term(x)),
                Some(means) => {
                    let (mean_x, mean_y) = means[cell];
                    let (dx, dy) = (x - mean_x, stage.one(stored).to_f64() - mean_y);
                    self.line.xx.add(cell, term(dx * dx));
                    self.line.xy.add(cell, term(dx * dy));
                }
            }
        }
    }
}

impl<T: Element, S: Stage<T>> RunSink for Lines<'_, '_, T, S> {
    fn to_one_cell(&mut self, run: Run) {
        for start in (0..run.len).step_by(BLOCK) {
            self.add(run.part(start, BLOCK.min(run.len - start), 0), 0);
        }
    }

    fn to_cells(&mut self, run: Run) {
        self.add(run, 1);
    }
}
