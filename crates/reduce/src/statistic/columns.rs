//! The statistics of cells of numbers: one vector per statistic.

use std::ops::Range;

use super::{
    line::Line,
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
    /// Co-moments with a coordinate.
    pub(crate) line: Option<Line>,
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
            line: wanted.along.is_some().then(|| Line::zeros(cells)),
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
        let Self { count, nan, min, max, sum, deviations, line, arg_min, arg_max, first, last, hits, bins } =
            self;
        let some = |wanted: bool| if wanted { cells } else { 0 };
        count.len() == cells
            && nan.len() == some(wanted.nan)
            && min.len() == some(wanted.min)
            && max.len() == some(wanted.max)
            && sum.is_some() == wanted.sum
            && deviations.is_some() == wanted.deviations
            && line.is_some() == wanted.along.is_some()
            && arg_min.place.len() == some(wanted.arg_min)
            && arg_max.place.len() == some(wanted.arg_max)
            && first.place.len() == some(wanted.first)
            && last.place.len() == some(wanted.last)
            && hits.len() == wanted.conditions.len()
            && bins.len() == wanted.edges.len()
            && bins.iter().zip(&wanted.edges).all(|(bins, edges)| bins.len() == cells * (edges.len() - 1))
    }

    /// The columns that count values.
    pub(crate) fn counts(&self) -> Vec<&[u64]> {
        let Self { count, nan, hits, bins, .. } = self;
        [count, nan].into_iter().chain(hits).chain(bins).map(Vec::as_slice).collect()
    }

    /// Adds cells `from` of `other`, made for the same plan, to as many cells from `at` on.
    pub(crate) fn merge(&mut self, at: usize, other: &Self, from: Range<usize>) {
        let Self {
            count: their_count,
            nan: their_nan,
            min: their_min,
            max: their_max,
            sum: their_sum,
            // Merged first, by the counts and sums from before.
            deviations: _,
            line: _,
            arg_min: their_arg_min,
            arg_max: their_arg_max,
            first: their_first,
            last: their_last,
            hits: their_hits,
            bins: their_bins,
        } = other;
        let here = at..at + from.len();
        self.merge_line(at, other, from.clone());
        self.merge_deviations(at, other, from.clone());
        for (mine, theirs, prefer) in [
            (&mut self.arg_min, their_arg_min, Prefer::Smaller),
            (&mut self.arg_max, their_arg_max, Prefer::Larger),
            (&mut self.first, their_first, Prefer::Earlier),
            (&mut self.last, their_last, Prefer::Later),
        ] {
            if mine.value.is_empty() {
                continue;
            }
            for (cell, source) in here.clone().zip(from.clone()) {
                if their_count[source] > 0 {
                    let empty = self.count[cell] == 0;
                    mine.offer(cell, empty, theirs.value[source], theirs.place[source], prefer);
                }
            }
        }
        if !self.min.is_empty() {
            let pairs = self.min[here.clone()].iter_mut().zip(&their_min[from.clone()]);
            pairs.for_each(|(min, &x)| *min = if x < *min { x } else { *min });
        }
        if !self.max.is_empty() {
            let pairs = self.max[here.clone()].iter_mut().zip(&their_max[from.clone()]);
            pairs.for_each(|(max, &x)| *max = if x > *max { x } else { *max });
        }
        if let (Some(mine), Some(theirs)) = (&mut self.sum, their_sum) {
            mine.merge(at, theirs, from.clone());
        }
        let cells = self.count.len();
        let counts = self.hits.iter_mut().zip(their_hits).chain(self.bins.iter_mut().zip(their_bins));
        for (mine, theirs) in counts {
            let width = mine.len().checked_div(cells).unwrap_or(0);
            add(
                &mut mine[here.start * width..here.end * width],
                &theirs[from.start * width..from.end * width],
            );
        }
        if !self.nan.is_empty() {
            add(&mut self.nan[here.clone()], &their_nan[from.clone()]);
        }
        add(&mut self.count[here], &their_count[from]);
    }

    /// `count` new cells with these merged into them, in order: cell `i` goes to cell `to[i]`, or nowhere if that is `None`.
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
        let Self {
            count: their_count,
            nan: their_nan,
            min: their_min,
            max: their_max,
            sum: their_sum,
            deviations: _,
            line: _,
            arg_min: _,
            arg_max: _,
            first: _,
            last: _,
            hits: their_hits,
            bins: their_bins,
        } = other;
        if let Some(min) = self.min.get_mut(cell) {
            their_min[from.clone()].iter().for_each(|&x| *min = if x < *min { x } else { *min });
        }
        if let Some(max) = self.max.get_mut(cell) {
            their_max[from.clone()].iter().for_each(|&x| *max = if x > *max { x } else { *max });
        }
        if let (Some(mine), Some(theirs)) = (&mut self.sum, their_sum) {
            from.clone().for_each(|source| mine.add(cell, theirs.get(source)));
        }
        let cells = self.count.len();
        let counts = self.hits.iter_mut().zip(their_hits).chain(self.bins.iter_mut().zip(their_bins));
        for (mine, theirs) in counts {
            let width = mine.len().checked_div(cells).unwrap_or(0);
            let mine = &mut mine[cell * width..(cell + 1) * width];
            from.clone().for_each(|source| add(mine, &theirs[source * width..(source + 1) * width]));
        }
        if let Some(nan) = self.nan.get_mut(cell) {
            *nan += their_nan[from.clone()].iter().sum::<u64>();
        }
        self.count[cell] += their_count[from].iter().sum::<u64>();
    }

    /// Puts cells `from` of `other`, made for the same plan, in the place of as many from `at` on.
    pub(crate) fn put(&mut self, at: usize, other: &Self, from: Range<usize>) {
        let Self {
            count: their_count,
            nan: their_nan,
            min: their_min,
            max: their_max,
            sum: their_sum,
            deviations: their_deviations,
            line: their_line,
            arg_min: their_arg_min,
            arg_max: their_arg_max,
            first: their_first,
            last: their_last,
            hits: their_hits,
            bins: their_bins,
        } = other;
        let cells = self.count.len();
        let wide = [(&mut self.min, their_min), (&mut self.max, their_max)];
        wide.into_iter().for_each(|(mine, theirs)| put(mine, cells, at, theirs, &from));
        for (mine, theirs) in [
            (&mut self.arg_min, their_arg_min),
            (&mut self.arg_max, their_arg_max),
            (&mut self.first, their_first),
            (&mut self.last, their_last),
        ] {
            put(&mut mine.value, cells, at, &theirs.value, &from);
            put(&mut mine.place, cells, at, &theirs.place, &from);
        }
        if let (Some(mine), Some(theirs)) = (&mut self.sum, their_sum) {
            mine.put(at, theirs, from.clone());
        }
        if let (Some(mine), Some(theirs)) = (&mut self.deviations, their_deviations) {
            mine.put(at, theirs, from.clone());
        }
        if let (Some(mine), Some(theirs)) = (&mut self.line, their_line) {
            mine.put(at, theirs, &from);
        }
        let counts = self.hits.iter_mut().zip(their_hits).chain(self.bins.iter_mut().zip(their_bins));
        let counts = counts.chain([(&mut self.nan, their_nan), (&mut self.count, their_count)]);
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

    /// As [`Columns::merge_deviations`], of co-moments.
    fn merge_line(&mut self, at: usize, other: &Self, from: Range<usize>) {
        let (Some(mine), Some(theirs)) = (&mut self.line, &other.line) else { return };
        let (Some(my_sums), Some(their_sums)) = (&self.sum, &other.sum) else { return };
        for (offset, source) in from.enumerate() {
            let cell = at + offset;
            let counts = (self.count[cell], other.count[source]);
            let my_mean: Compensated = my_sums.get(cell).into();
            let their_mean: Compensated = their_sums.get(source).into();
            let dy = their_mean.mean(counts.1.max(1)).minus(my_mean.mean(counts.0.max(1)));
            mine.merge(cell, theirs, source, counts, dy);
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
        // NaN, hits and bins are counted by the caller; one value deviates from nothing.
        let Self {
            count,
            nan: _,
            min,
            max,
            sum: sums,
            deviations: _,
            line: _,
            arg_min,
            arg_max,
            first,
            last,
            hits: _,
            bins: _,
        } = self;
        count[cell] = population;
        if let Some(min) = min.get_mut(cell) {
            *min = value;
        }
        if let Some(max) = max.get_mut(cell) {
            *max = value;
        }
        if let Some(sums) = sums {
            sums.add(cell, sum);
        }
        for (located, place) in
            [(arg_min, places.0), (arg_max, places.0), (first, places.0), (last, places.1)]
        {
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
