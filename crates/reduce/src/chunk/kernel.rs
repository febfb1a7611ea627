//! The loops over the elements of a chunk.
//!
//! A run passes through in blocks of [`BLOCK`] elements: copied into native byte order, tested for missing elements,
//! those dropped, the rest unpacked, then one loop per statistic. Every step is a simple loop over a buffer in the
//! first-level cache, which the compiler turns into vector instructions; the buffers are read several times, memory
//! once. A block without missing elements, the usual case, is never tested element by element again.

use pulp::{Arch, Simd, WithSimd};

use super::{
    blocks::{BlockReader, compact, keep_places},
    walk::{Run, RunSink},
};
use crate::{
    meaning::{
        block::BLOCK,
        element::Element,
        load::Loader,
        mask::{Mask, Verdict},
        matches::Matches,
        stage::Stage,
        sum::SumColumn,
    },
    statistic::{
        columns::{Columns, bin_of},
        located::{Located, Prefer},
        wanted::Wanted,
    },
};

/// The statistics of a chunk of elements of type `T`, while its runs pass.
pub(crate) struct Kernel<'a, T: Element, S: Stage<T>> {
    pub(super) source: BlockReader<'a, T>,
    pub(super) stage: S,
    wanted: &'a Wanted,
    hits: Vec<Matches<T>>,
    pub(super) columns: &'a mut Columns<<S::Value as Element>::Wide>,
    pub(super) values: [S::Value; BLOCK],
    /// The valid elements of a block, one after the other.
    compacted: [T; BLOCK],
    /// Where the elements that were kept stood in the block.
    kept: [u16; BLOCK],
}

impl<'a, T: Element, S: Stage<T>> Kernel<'a, T, S> {
    pub(crate) fn new(
        chunk: &'a [u8],
        loader: Loader<T>,
        mask: &'a Mask<T>,
        stage: S,
        wanted: &'a Wanted,
        columns: &'a mut Columns<<S::Value as Element>::Wide>,
    ) -> Self {
        Self {
            source: BlockReader::new(chunk, loader, mask),
            stage,
            wanted,
            hits: wanted.conditions.iter().map(|c| Matches::of(c, |x| stage.unpacked(x))).collect(),
            columns,
            values: [S::Value::default(); BLOCK],
            compacted: [T::default(); BLOCK],
            kept: [0; BLOCK],
        }
    }

    fn block_to_one_cell(&mut self, run: Run) {
        let arch = self.source.arch;
        let (block, valid, verdict) = self.source.load(run);
        if verdict != Verdict::Full && !self.columns.nan.is_empty() {
            self.columns.nan[run.cell] += block.iter().map(|&x| u64::from(x.is_nan())).sum::<u64>();
        }
        let stored: &[T] = match verdict {
            Verdict::Empty => return,
            Verdict::Full => block,
            Verdict::Mixed => {
                if self.wanted.places() {
                    keep_places(&mut self.kept, valid);
                }
                compact(block, valid, &mut self.compacted)
            }
        };
        for (hits, matches) in self.columns.hits.iter_mut().zip(&self.hits) {
            hits[run.cell] += stored.iter().map(|&x| u64::from(matches.contains(x))).sum::<u64>();
        }
        let values = self.stage.apply(arch, stored, &mut self.values);
        if self.wanted.places() {
            let place = |k: usize| {
                let k = if verdict == Verdict::Full { k } else { self.kept[k].into() };
                run.place + k as u64 * run.place_stride
            };
            locate(arch, self.columns, values, run.cell, place);
        }
        let (columns, wanted, cell) = (&mut *self.columns, self.wanted, run.cell);
        arch.dispatch(ToOneCell { columns, wanted, values, short: S::SHORT, cell });
    }
}

impl<T: Element, S: Stage<T>> RunSink for Kernel<'_, T, S> {
    fn to_one_cell(&mut self, run: Run) {
        for start in (0..run.len).step_by(BLOCK) {
            self.block_to_one_cell(run.part(start, BLOCK.min(run.len - start), 0));
        }
    }

    fn to_cells(&mut self, run: Run) {
        let arch = self.source.arch;
        let (stored, valid, verdict) = self.source.load(run);
        let columns = &mut *self.columns;
        if verdict != Verdict::Full && !columns.nan.is_empty() {
            let nan = columns.nan[run.cell..].iter_mut().zip(stored);
            nan.for_each(|(nan, &x)| *nan += u64::from(x.is_nan()));
        }
        let valid = match verdict {
            Verdict::Empty => return,
            Verdict::Full => None,
            Verdict::Mixed => Some(valid),
        };
        for (hits, matches) in columns.hits.iter_mut().zip(&self.hits) {
            for (k, (hits, &x)) in hits[run.cell..].iter_mut().zip(stored).enumerate() {
                *hits += u64::from(matches.contains(x) & valid.is_none_or(|valid| valid[k]));
            }
        }
        let values = self.stage.apply(arch, stored, &mut self.values);
        locate_each(columns, values, valid, run);
        arch.dispatch(ToCells { columns, wanted: self.wanted, values, valid, cell: run.cell });
    }
}

/// Offers the values of a block for the places one cell asks for. Counts are those before the block.
fn locate<V: Element>(
    arch: Arch,
    columns: &mut Columns<V::Wide>,
    block: &[V],
    cell: usize,
    place: impl Fn(usize) -> u64,
) {
    let empty = columns.count[cell] == 0;
    let offer = |located: &mut Located<V::Wide>, k: usize, prefer| {
        if let (false, Some(&x)) = (located.value.is_empty(), block.get(k)) {
            located.offer(cell, empty, x.widen(), place(k), prefer);
        }
    };
    if !columns.arg_min.value.is_empty() {
        let first = arch.dispatch(FirstExtreme { block, smallest: true });
        offer(&mut columns.arg_min, first, Prefer::Smaller);
    }
    if !columns.arg_max.value.is_empty() {
        let first = arch.dispatch(FirstExtreme { block, smallest: false });
        offer(&mut columns.arg_max, first, Prefer::Larger);
    }
    offer(&mut columns.first, 0, Prefer::Earlier);
    offer(&mut columns.last, block.len().saturating_sub(1), Prefer::Later);
}

/// Where the smallest or the largest value of a block stands first; compiled for the machine.
struct FirstExtreme<'b, V> {
    block: &'b [V],
    smallest: bool,
}

impl<V: Element> WithSimd for FirstExtreme<'_, V> {
    type Output = usize;

    #[inline(always)]
    fn with_simd<I: Simd>(self, _: I) -> usize {
        let Self { block, smallest } = self;
        let extreme = if smallest { V::smallest(block) } else { V::largest(block) };
        block.iter().position(|&x| x == extreme).unwrap_or(0)
    }
}

/// Offers each value of a block for the places its own cell asks for. Counts are those before the block.
fn locate_each<V: Element>(columns: &mut Columns<V::Wide>, values: &[V], valid: Option<&[bool]>, run: Run) {
    for (located, prefer) in [
        (&mut columns.arg_min, Prefer::Smaller),
        (&mut columns.arg_max, Prefer::Larger),
        (&mut columns.first, Prefer::Earlier),
        (&mut columns.last, Prefer::Later),
    ] {
        if located.value.is_empty() {
            continue;
        }
        for (k, &x) in values.iter().enumerate().filter(|&(k, _)| valid.is_none_or(|valid| valid[k])) {
            let cell = run.cell + k;
            let place = run.place + k as u64 * run.place_stride;
            located.offer(cell, columns.count[cell] == 0, x.widen(), place, prefer);
        }
    }
}

/// Adds a block of valid values to one cell.
struct ToOneCell<'b, V: Element> {
    columns: &'b mut Columns<V::Wide>,
    wanted: &'b Wanted,
    values: &'b [V],
    /// The values have at most 32 significant bits more often than not.
    short: bool,
    cell: usize,
}

impl<V: Element> WithSimd for ToOneCell<'_, V> {
    type Output = ();

    #[inline(always)]
    fn with_simd<I: Simd>(self, _: I) {
        let Self { columns, wanted, values, short, cell } = self;
        columns.count[cell] += values.len() as u64;
        if wanted.min {
            let (min, x) = (&mut columns.min[cell], V::smallest(values).widen());
            *min = if x < *min { x } else { *min };
        }
        if wanted.max {
            let (max, x) = (&mut columns.max[cell], V::largest(values).widen());
            *max = if x > *max { x } else { *max };
        }
        if let Some(sums) = &mut columns.sum {
            sums.add(cell, V::sum(values, short));
        }
        for (bins, edges) in columns.bins.iter_mut().zip(&wanted.edges) {
            let bins = &mut bins[cell * (edges.len() - 1)..];
            for bin in values.iter().filter_map(|x| bin_of(edges, x.to_f64())) {
                bins[bin] += 1;
            }
        }
    }
}

/// Adds each value of a block to its own cell, from `cell` on; those not valid are left out.
struct ToCells<'b, V: Element> {
    columns: &'b mut Columns<V::Wide>,
    wanted: &'b Wanted,
    values: &'b [V],
    valid: Option<&'b [bool]>,
    cell: usize,
}

impl<V: Element> WithSimd for ToCells<'_, V> {
    type Output = ();

    #[inline(always)]
    fn with_simd<I: Simd>(self, _: I) {
        let Self { columns, wanted, values, valid, cell } = self;
        let cells = cell..cell + values.len();
        if wanted.min {
            update(&mut columns.min[cells.clone()], values, valid, |x, old| x < old);
        }
        if wanted.max {
            update(&mut columns.max[cells.clone()], values, valid, |x, old| x > old);
        }
        if let Some(sums) = &mut columns.sum {
            V::sum_columns(values, valid, sums, cell);
        }
        for (bins, edges) in columns.bins.iter_mut().zip(&wanted.edges) {
            let bins = bins[cell * (edges.len() - 1)..].chunks_mut(edges.len() - 1);
            for (k, (bins, x)) in bins.zip(values).enumerate() {
                if let (true, Some(bin)) = (valid.is_none_or(|valid| valid[k]), bin_of(edges, x.to_f64())) {
                    bins[bin] += 1;
                }
            }
        }
        let counts = columns.count[cells].iter_mut();
        match valid {
            None => counts.for_each(|count| *count += 1),
            Some(valid) => counts.zip(valid).for_each(|(count, &valid)| *count += u64::from(valid)),
        }
    }
}

/// Replaces each extreme by a valid value that is better.
#[inline(always)]
fn update<V: Element>(
    extremes: &mut [V::Wide],
    values: &[V],
    valid: Option<&[bool]>,
    better: impl Fn(V::Wide, V::Wide) -> bool,
) {
    match valid {
        None => extremes.iter_mut().zip(values).for_each(|(old, &x)| {
            let x = x.widen();
            *old = if better(x, *old) { x } else { *old };
        }),
        Some(valid) => extremes.iter_mut().zip(values).zip(valid).for_each(|((old, &x), &valid)| {
            let x = x.widen();
            *old = if valid & better(x, *old) { x } else { *old };
        }),
    }
}
