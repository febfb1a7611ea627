//! What is known of each cell: one vector per statistic.

use std::ops::Range;

use super::{
    located::{Located, Prefer},
    wanted::Wanted,
};
use crate::meaning::{
    element::Wide,
    sum::{Compensated, FloatSums, SumColumn},
};

/// The statistics of some cells. Columns that are not wanted are empty.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Columns<X: Wide> {
    /// Valid values.
    pub(crate) count: Vec<u64>,
    /// NaN that count as values.
    pub(crate) nan: Vec<u64>,
    pub(crate) min: Vec<X>,
    pub(crate) max: Vec<X>,
    pub(crate) sum: Option<X::Sums>,
    /// Sums of squared deviations from the mean of the cell.
    pub(crate) deviations: Option<FloatSums>,
    pub(crate) arg_min: Located<X>,
    pub(crate) arg_max: Located<X>,
    pub(crate) first: Located<X>,
    pub(crate) last: Located<X>,
    /// For each condition, values that meet it.
    pub(crate) hits: Vec<Vec<u64>>,
    /// For each histogram, its bins cell by cell.
    pub(crate) bins: Vec<Vec<u64>>,
}

impl<X: Wide> Columns<X> {
    /// Cells without values.
    pub(crate) fn new(wanted: &Wanted, cells: usize) -> Self {
        let some = |wanted: bool| if wanted { cells } else { 0 };
        Self {
            count: vec![0; cells],
            nan: vec![0; some(wanted.nan)],
            min: vec![X::HIGHEST; some(wanted.min)],
            max: vec![X::LOWEST; some(wanted.max)],
            sum: wanted.sum.then(|| X::Sums::zeros(cells)),
            deviations: wanted.deviations.then(|| FloatSums::zeros(cells)),
            arg_min: Located::new(wanted.arg_min, cells),
            arg_max: Located::new(wanted.arg_max, cells),
            first: Located::new(wanted.first, cells),
            last: Located::new(wanted.last, cells),
            hits: wanted.conditions.iter().map(|_| vec![0; cells]).collect(),
            bins: wanted.edges.iter().map(|edges| vec![0; cells * (edges.len() - 1)]).collect(),
        }
    }

    /// Whether these are `cells` cells with the wanted columns.
    pub(crate) fn have(&self, wanted: &Wanted, cells: usize) -> bool {
        let some = |wanted: bool| if wanted { cells } else { 0 };
        self.count.len() == cells
            && self.nan.len() == some(wanted.nan)
            && self.min.len() == some(wanted.min)
            && self.max.len() == some(wanted.max)
            && self.sum.is_some() == wanted.sum
            && self.deviations.is_some() == wanted.deviations
            && self.arg_min.place.len() == some(wanted.arg_min)
            && self.arg_max.place.len() == some(wanted.arg_max)
            && self.first.place.len() == some(wanted.first)
            && self.last.place.len() == some(wanted.last)
            && self.hits.len() == wanted.conditions.len()
            && self.bins.len() == wanted.edges.len()
            && self
                .bins
                .iter()
                .zip(&wanted.edges)
                .all(|(bins, edges)| bins.len() == cells * (edges.len() - 1))
    }

    /// Adds cells `from` of `other`, made for the same plan, to as many cells from `at` on.
    pub(crate) fn merge(&mut self, at: usize, other: &Self, from: Range<usize>) {
        let here = at..at + from.len();
        self.merge_deviations(at, other, from.clone());
        for (mine, theirs, prefer) in [
            (&mut self.arg_min, &other.arg_min, Prefer::Smaller),
            (&mut self.arg_max, &other.arg_max, Prefer::Larger),
            (&mut self.first, &other.first, Prefer::Earlier),
            (&mut self.last, &other.last, Prefer::Later),
        ] {
            if mine.value.is_empty() {
                continue;
            }
            for (cell, source) in here.clone().zip(from.clone()) {
                if other.count[source] > 0 {
                    let empty = self.count[cell] == 0;
                    mine.offer(cell, empty, theirs.value[source], theirs.place[source], prefer);
                }
            }
        }
        if !self.min.is_empty() {
            let pairs = self.min[here.clone()].iter_mut().zip(&other.min[from.clone()]);
            pairs.for_each(|(min, &x)| *min = if x < *min { x } else { *min });
        }
        if !self.max.is_empty() {
            let pairs = self.max[here.clone()].iter_mut().zip(&other.max[from.clone()]);
            pairs.for_each(|(max, &x)| *max = if x > *max { x } else { *max });
        }
        if let (Some(mine), Some(theirs)) = (&mut self.sum, &other.sum) {
            mine.merge(at, theirs, from.clone());
        }
        let cells = self.count.len();
        let counts = self.hits.iter_mut().zip(&other.hits).chain(self.bins.iter_mut().zip(&other.bins));
        for (mine, theirs) in counts {
            let width = mine.len().checked_div(cells).unwrap_or(0);
            add(
                &mut mine[here.start * width..here.end * width],
                &theirs[from.start * width..from.end * width],
            );
        }
        if !self.nan.is_empty() {
            add(&mut self.nan[here.clone()], &other.nan[from.clone()]);
        }
        add(&mut self.count[here], &other.count[from]);
    }

    /// As many as `count` cells, to which these are joined in order: each to the one of the number `to` gives, if any.
    pub(crate) fn folded(&self, wanted: &Wanted, count: usize, to: &[Option<usize>]) -> Self {
        let mut folded = Self::new(wanted, count);
        let has_order = wanted.deviations || wanted.places();
        let follows = |pair: &[Option<usize>]| matches!(pair, [Some(a), Some(b)] if *b == *a + 1);
        let mut from = 0;
        while let Some(rest) = to.get(from..).filter(|rest| !rest.is_empty()) {
            let alike = rest.iter().take_while(|to| **to == rest[0]).count();
            let len = match rest[0] {
                None => alike,
                Some(at) if alike > 1 && !has_order => {
                    folded.gather(at, self, from..from + alike);
                    alike
                }
                Some(at) => {
                    let neighbours = 1 + rest.windows(2).take_while(|pair| follows(pair)).count();
                    folded.merge(at, self, from..from + neighbours);
                    neighbours
                }
            };
            from += len;
        }
        folded
    }

    /// Adds cells `from` of `other`, made for the same plan without deviations and places, to one cell.
    fn gather(&mut self, cell: usize, other: &Self, from: Range<usize>) {
        if let Some(min) = self.min.get_mut(cell) {
            other.min[from.clone()].iter().for_each(|&x| *min = if x < *min { x } else { *min });
        }
        if let Some(max) = self.max.get_mut(cell) {
            other.max[from.clone()].iter().for_each(|&x| *max = if x > *max { x } else { *max });
        }
        if let (Some(mine), Some(theirs)) = (&mut self.sum, &other.sum) {
            from.clone().for_each(|source| mine.add(cell, theirs.get(source)));
        }
        let cells = self.count.len();
        let counts = self.hits.iter_mut().zip(&other.hits).chain(self.bins.iter_mut().zip(&other.bins));
        for (mine, theirs) in counts {
            let width = mine.len().checked_div(cells).unwrap_or(0);
            let mine = &mut mine[cell * width..(cell + 1) * width];
            from.clone().for_each(|source| add(mine, &theirs[source * width..(source + 1) * width]));
        }
        if let Some(nan) = self.nan.get_mut(cell) {
            *nan += other.nan[from.clone()].iter().sum::<u64>();
        }
        self.count[cell] += other.count[from].iter().sum::<u64>();
    }

    /// Puts cells `from` of `other`, made for the same plan, in the place of as many from `at` on.
    pub(crate) fn put(&mut self, at: usize, other: &Self, from: Range<usize>) {
        let cells = self.count.len();
        let wide = [(&mut self.min, &other.min), (&mut self.max, &other.max)];
        wide.into_iter().for_each(|(mine, theirs)| put(mine, cells, at, theirs, &from));
        for (mine, theirs) in [
            (&mut self.arg_min, &other.arg_min),
            (&mut self.arg_max, &other.arg_max),
            (&mut self.first, &other.first),
            (&mut self.last, &other.last),
        ] {
            put(&mut mine.value, cells, at, &theirs.value, &from);
            put(&mut mine.place, cells, at, &theirs.place, &from);
        }
        if let (Some(mine), Some(theirs)) = (&mut self.sum, &other.sum) {
            mine.put(at, theirs, from.clone());
        }
        if let (Some(mine), Some(theirs)) = (&mut self.deviations, &other.deviations) {
            mine.put(at, theirs, from.clone());
        }
        let counts = self.hits.iter_mut().zip(&other.hits).chain(self.bins.iter_mut().zip(&other.bins));
        let counts = counts.chain([(&mut self.nan, &other.nan), (&mut self.count, &other.count)]);
        counts.for_each(|(mine, theirs)| put(mine, cells, at, theirs, &from));
    }

    /// Chan, Golub and LeVeque's rule, with the means taken from the compensated sums: they do not drift however many
    /// parts are joined.
    fn merge_deviations(&mut self, at: usize, other: &Self, from: Range<usize>) {
        let (Some(mine), Some(theirs)) = (&mut self.deviations, &other.deviations) else { return };
        let (Some(my_sums), Some(their_sums)) = (&self.sum, &other.sum) else { return };
        for (offset, source) in from.enumerate() {
            let cell = at + offset;
            let (m, n) = (self.count[cell], other.count[source]);
            if n == 0 {
                continue;
            }
            mine.add(cell, theirs.get(source));
            if m > 0 {
                let my_mean: Compensated = my_sums.get(cell).into();
                let their_mean: Compensated = their_sums.get(source).into();
                let delta = their_mean.mean(n).minus(my_mean.mean(m));
                // Of an infinite mean the deviations are infinite already, or NaN where a value is infinite.
                if delta.is_nan() {
                    continue;
                }
                let (m, n) = (m as f64, n as f64);
                mine.add(cell, Compensated { hi: delta * delta * (m * (n / (m + n))), lo: 0.0 });
            }
        }
    }

    /// Adds one value taken `population` times, its places between `first` and `last`, to an empty cell.
    pub(crate) fn fill(
        &mut self,
        cell: usize,
        value: X,
        sum: <X::Sums as SumColumn>::One,
        population: u64,
        places: (u64, u64),
    ) {
        self.count[cell] = population;
        if let Some(min) = self.min.get_mut(cell) {
            *min = value;
        }
        if let Some(max) = self.max.get_mut(cell) {
            *max = value;
        }
        if let Some(sums) = &mut self.sum {
            sums.add(cell, sum);
        }
        for (located, place) in [
            (&mut self.arg_min, places.0),
            (&mut self.arg_max, places.0),
            (&mut self.first, places.0),
            (&mut self.last, places.1),
        ] {
            if !located.value.is_empty() {
                located.value[cell] = value;
                located.place[cell] = place;
            }
        }
    }
}

/// Copies what `theirs` has for cells `from` to `mine`, which may have several numbers for each of its `cells`, or none.
fn put<T: Copy>(mine: &mut [T], cells: usize, at: usize, theirs: &[T], from: &Range<usize>) {
    let width = mine.len().checked_div(cells).unwrap_or(0);
    mine[at * width..(at + from.len()) * width]
        .copy_from_slice(&theirs[from.start * width..from.end * width]);
}

fn add(mine: &mut [u64], theirs: &[u64]) {
    mine.iter_mut().zip(theirs).for_each(|(mine, &n)| *mine += n);
}

/// The bin of a histogram that `x` falls into.
#[inline(always)]
pub(crate) fn bin_of(edges: &[f64], x: f64) -> Option<usize> {
    let last = edges.len() - 1;
    match edges.partition_point(|&edge| edge <= x) {
        0 => None,
        beyond if beyond > last => (x == edges[last]).then(|| last - 1),
        after => Some(after - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_bin_holds_its_upper_edge() {
        let edges = [0.0, 1.0, 2.0];
        let bins = [-0.1, 0.0, 0.9, 1.0, 2.0, 2.1].map(|x| bin_of(&edges, x));
        assert_eq!(bins, [None, Some(0), Some(0), Some(1), Some(1), None]);
    }
}
