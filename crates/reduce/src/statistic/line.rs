//! What a straight line through the values of a cell is made from, beside their count, sum and squared deviations.
//!
//! With `x` the coordinate of each value `y`: the sum of `x`, and the sums of `(x - mean x)²` and of
//! `(x - mean x) (y - mean y)`. Two parts join by Chan, Golub and LeVeque's rule, as variances do.

use std::ops::Range;

use crate::meaning::sum::{Compensated, FloatSums, SumColumn};

/// Co-moments of cells with a coordinate.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    /// Sums of the coordinates.
    pub(crate) x: FloatSums,
    /// Sums of their squared deviations.
    pub(crate) xx: FloatSums,
    /// Sums of the products of deviations.
    pub(crate) xy: FloatSums,
}

impl Line {
    pub(crate) fn zeros(cells: usize) -> Self {
        Self { x: FloatSums::zeros(cells), xx: FloatSums::zeros(cells), xy: FloatSums::zeros(cells) }
    }

    /// Puts cells `from` of `other` in the place of as many from `at` on.
    pub(crate) fn put(&mut self, at: usize, other: &Self, from: &Range<usize>) {
        let Self { x, xx, xy } = other;
        self.x.put(at, x, from.clone());
        self.xx.put(at, xx, from.clone());
        self.xy.put(at, xy, from.clone());
    }

    /// Adds cell `source` of `other`, of `n` values, to `cell`, which has `m`; `dy` is how much larger the mean of the others' values is.
    pub(crate) fn merge(&mut self, cell: usize, other: &Self, source: usize, (m, n): (u64, u64), dy: f64) {
        let Self { x, xx, xy } = other;
        if n == 0 {
            return;
        }
        self.xx.add(cell, xx.get(source));
        self.xy.add(cell, xy.get(source));
        if m > 0 {
            let dx = x.get(source).mean(n).minus(self.x.get(cell).mean(m));
            let (m, n) = (m as f64, n as f64);
            let share = m * (n / (m + n));
            self.xx.add(cell, Compensated { hi: dx * dx * share, lo: 0.0 });
            self.xy.add(cell, Compensated { hi: dx * dy * share, lo: 0.0 });
        }
        self.x.add(cell, x.get(source));
    }
}
