//! The loops over the elements of a chunk.
//!
//! A run passes through in blocks of [`BLOCK`] elements: copied into native byte order, tested for missing elements,
//! those dropped, the rest unpacked, then one loop per statistic. Every step is a simple loop over a buffer in the
//! first-level cache, which the compiler turns into vector instructions; the buffers are read several times, memory
//! once. A block without missing elements, the usual case, is never tested element by element again.

use crate::{
    Packing,
    columns::{Columns, Located, Prefer, Wanted, bin_of},
    condition::Matches,
    element::{BLOCK, Element, Loader, SumOf},
    mask::{Mask, Unpacked, Verdict},
    sum::{Compensated, FloatSums, SumColumn},
    walk::{Run, RunSink},
};

/// What is between a stored element and a value.
pub(crate) trait Stage<T: Element>: Copy {
    type Value: Element;
    /// Whether values have at most 32 significant bits more often than not.
    const SHORT: bool;
    fn apply<'a>(&self, stored: &'a [T], out: &'a mut [Self::Value; BLOCK]) -> &'a [Self::Value];
    fn one(&self, stored: T) -> Self::Value;
    fn unpacked(&self, stored: T) -> Unpacked<T>;
}

/// Elements are the values.
#[derive(Clone, Copy)]
pub(crate) struct AsStored;

impl<T: Element> Stage<T> for AsStored {
    type Value = T;
    const SHORT: bool = false;

    #[inline(always)]
    fn apply<'a>(&self, stored: &'a [T], _: &'a mut [T; BLOCK]) -> &'a [T] {
        stored
    }

    fn one(&self, stored: T) -> T {
        stored
    }

    fn unpacked(&self, stored: T) -> Unpacked<T> {
        Unpacked::Stored(stored)
    }
}

impl<T: Element> Stage<T> for Packing {
    type Value = f64;
    const SHORT: bool = size_of::<T>() < 8;

    #[inline(always)]
    fn apply<'a>(&self, stored: &'a [T], out: &'a mut [f64; BLOCK]) -> &'a [f64] {
        self.unpack_block(stored, T::to_f64, out);
        &out[..stored.len()]
    }

    fn one(&self, stored: T) -> f64 {
        self.unpack(stored.to_f64())
    }

    fn unpacked(&self, stored: T) -> Unpacked<T> {
        Unpacked::Float(self.unpack(stored.to_f64()))
    }
}

/// The statistics of a chunk of elements of type `T`, while its runs pass.
pub(crate) struct Kernel<'a, T: Element, S: Stage<T>> {
    chunk: &'a [u8],
    loader: Loader<T>,
    mask: &'a Mask<T>,
    stage: S,
    wanted: &'a Wanted,
    hits: Vec<Matches<T>>,
    columns: Columns<<S::Value as Element>::Wide>,
    buffers: Buffers<T, S::Value>,
}

struct Buffers<T, V> {
    stored: [T; BLOCK],
    values: [V; BLOCK],
    valid: [bool; BLOCK],
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
        cells: usize,
    ) -> Self {
        Self {
            chunk,
            loader,
            mask,
            stage,
            wanted,
            hits: wanted.conditions.iter().map(|c| Matches::of(c, |x| stage.unpacked(x))).collect(),
            columns: Columns::new(wanted, cells),
            buffers: Buffers {
                stored: [T::default(); BLOCK],
                values: [S::Value::default(); BLOCK],
                valid: [false; BLOCK],
                kept: [0; BLOCK],
            },
        }
    }

    pub(crate) fn into_columns(self) -> Columns<<S::Value as Element>::Wide> {
        self.columns
    }

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

impl<T: Element, S: Stage<T>> RunSink for Kernel<'_, T, S> {
    #[inline(always)]
    fn to_one_cell(&mut self, run: Run) {
        for start in (0..run.len).step_by(BLOCK) {
            self.block_to_one_cell(run.part(start, BLOCK.min(run.len - start), 0));
        }
    }

    #[inline(always)]
    fn to_cells(&mut self, run: Run) {
        let Buffers { stored, values, valid, .. } = &mut self.buffers;
        let stored = &mut stored[..run.len];
        self.loader.load(self.chunk, run.first, run.stride, stored);
        let verdict = self.mask.examine(stored, valid);
        let columns = &mut self.columns;
        if verdict != Verdict::Full && !columns.nan.is_empty() {
            let nan = columns.nan[run.cell..].iter_mut().zip(stored.iter());
            nan.for_each(|(nan, &x)| *nan += u64::from(x.is_nan()));
        }
        let valid = match verdict {
            Verdict::Empty => return,
            Verdict::Full => None,
            Verdict::Mixed => Some(&valid[..run.len]),
        };
        for (hits, matches) in columns.hits.iter_mut().zip(&self.hits) {
            for (k, (hits, &x)) in hits[run.cell..].iter_mut().zip(stored.iter()).enumerate() {
                *hits += u64::from(matches.contains(x) & valid.is_none_or(|valid| valid[k]));
            }
        }
        let values = self.stage.apply(stored, values);
        add_to_cells(columns, self.wanted, values, valid, run);
    }
}

impl<T: Element, S: Stage<T>> Kernel<'_, T, S> {
    #[inline(always)]
    fn block_to_one_cell(&mut self, run: Run) {
        let Buffers { stored, values, valid, kept } = &mut self.buffers;
        let stored = &mut stored[..run.len];
        self.loader.load(self.chunk, run.first, run.stride, stored);
        let verdict = self.mask.examine(stored, valid);
        if verdict != Verdict::Full && !self.columns.nan.is_empty() {
            self.columns.nan[run.cell] += stored.iter().map(|&x| u64::from(x.is_nan())).sum::<u64>();
        }
        let stored: &[T] = match verdict {
            Verdict::Empty => return,
            Verdict::Full => stored,
            Verdict::Mixed => {
                if self.wanted.places() {
                    keep_places(kept, &valid[..run.len]);
                }
                compact(stored, valid)
            }
        };
        for (hits, matches) in self.columns.hits.iter_mut().zip(&self.hits) {
            hits[run.cell] += stored.iter().map(|&x| u64::from(matches.contains(x))).sum::<u64>();
        }
        let block = self.stage.apply(stored, values);
        if self.wanted.places() {
            let place = |k: usize| {
                let k = if verdict == Verdict::Full { k } else { kept[k].into() };
                run.place + k as u64 * run.place_stride
            };
            locate(&mut self.columns, block, run.cell, place);
        }
        add_to_one_cell::<S::Value>(&mut self.columns, self.wanted, block, S::SHORT, run.cell);
    }
}

/// Moves the valid elements to the front.
#[inline(always)]
fn compact<'a, T: Copy>(stored: &'a mut [T], valid: &[bool; BLOCK]) -> &'a [T] {
    let mut kept = 0;
    for k in 0..stored.len().min(BLOCK) {
        stored[kept] = stored[k];
        kept += usize::from(valid[k]);
    }
    &stored[..kept]
}

/// Writes down where the valid elements stand.
#[expect(clippy::cast_possible_truncation, reason = "a block is shorter than 2^16")]
fn keep_places(kept: &mut [u16; BLOCK], valid: &[bool]) {
    let places = valid.iter().enumerate().filter(|(_, valid)| **valid);
    kept.iter_mut().zip(places).for_each(|(kept, (k, _))| *kept = k as u16);
}

/// Offers the values of a block for the places one cell asks for. Counts are those before the block.
fn locate<V: Element>(
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
        let min = smallest(block);
        offer(&mut columns.arg_min, block.iter().position(|&x| x == min).unwrap_or(0), Prefer::Smaller);
    }
    if !columns.arg_max.value.is_empty() {
        let max = largest(block);
        offer(&mut columns.arg_max, block.iter().position(|&x| x == max).unwrap_or(0), Prefer::Larger);
    }
    offer(&mut columns.first, 0, Prefer::Earlier);
    offer(&mut columns.last, block.len().saturating_sub(1), Prefer::Later);
}

/// Adds a block of valid values to one cell.
#[inline(always)]
fn add_to_one_cell<V: Element>(
    columns: &mut Columns<V::Wide>,
    wanted: &Wanted,
    block: &[V],
    short: bool,
    cell: usize,
) {
    columns.count[cell] += block.len() as u64;
    if wanted.min {
        let (min, x) = (&mut columns.min[cell], smallest(block).widen());
        *min = if x < *min { x } else { *min };
    }
    if wanted.max {
        let (max, x) = (&mut columns.max[cell], largest(block).widen());
        *max = if x > *max { x } else { *max };
    }
    if let Some(sums) = &mut columns.sum {
        let sum: SumOf<V> = V::sum(block, short);
        sums.add(cell, sum);
    }
    for (bins, edges) in columns.bins.iter_mut().zip(&wanted.edges) {
        let bins = &mut bins[cell * (edges.len() - 1)..];
        for bin in block.iter().filter_map(|x| bin_of(edges, x.to_f64())) {
            bins[bin] += 1;
        }
    }
}

/// Adds each value of a block to its own cell; those not valid are left out.
#[inline(always)]
fn add_to_cells<V: Element>(
    columns: &mut Columns<V::Wide>,
    wanted: &Wanted,
    block: &[V],
    valid: Option<&[bool]>,
    run: Run,
) {
    let cells = run.cell..run.cell + block.len();
    for (located, prefer) in [
        (&mut columns.arg_min, Prefer::Smaller),
        (&mut columns.arg_max, Prefer::Larger),
        (&mut columns.first, Prefer::Earlier),
        (&mut columns.last, Prefer::Later),
    ] {
        if located.value.is_empty() {
            continue;
        }
        for (k, &x) in block.iter().enumerate().filter(|&(k, _)| valid.is_none_or(|valid| valid[k])) {
            let cell = run.cell + k;
            located.offer(cell, columns.count[cell] == 0, x.widen(), run.place, prefer);
        }
    }
    let update = |extremes: &mut [V::Wide], better: fn(V::Wide, V::Wide) -> bool| match valid {
        None => extremes.iter_mut().zip(block).for_each(|(old, &x)| {
            let x = x.widen();
            *old = if better(x, *old) { x } else { *old };
        }),
        Some(valid) => extremes.iter_mut().zip(block).zip(valid).for_each(|((old, &x), &valid)| {
            let x = x.widen();
            *old = if valid & better(x, *old) { x } else { *old };
        }),
    };
    if wanted.min {
        update(&mut columns.min[cells.clone()], |x, old| x < old);
    }
    if wanted.max {
        update(&mut columns.max[cells.clone()], |x, old| x > old);
    }
    if let Some(sums) = &mut columns.sum {
        V::sum_columns(block, valid, sums, run.cell);
    }
    for (bins, edges) in columns.bins.iter_mut().zip(&wanted.edges) {
        let width = edges.len() - 1;
        for (k, &x) in block.iter().enumerate().filter(|&(k, _)| valid.is_none_or(|valid| valid[k])) {
            if let Some(bin) = bin_of(edges, x.to_f64()) {
                bins[(run.cell + k) * width + bin] += 1;
            }
        }
    }
    let counts = columns.count[cells].iter_mut();
    match valid {
        None => counts.for_each(|count| *count += 1),
        Some(valid) => counts.zip(valid).for_each(|(count, &valid)| *count += u64::from(valid)),
    }
}

/// Smallest of a block without NaN; the type's highest for an empty one.
#[inline(always)]
fn smallest<V: Element>(block: &[V]) -> V {
    fold(block, V::HIGHEST, |x, min| if x < min { x } else { min })
}

/// Largest of a block without NaN; the type's lowest for an empty one.
#[inline(always)]
fn largest<V: Element>(block: &[V]) -> V {
    fold(block, V::LOWEST, |x, max| if x > max { x } else { max })
}

/// A fold in independent lanes, for operations whose result does not depend on the order.
#[inline(always)]
fn fold<V: Element>(block: &[V], start: V, better: impl Fn(V, V) -> V) -> V {
    const LANES: usize = 32;
    let mut lanes = [start; LANES];
    let (rows, rest) = block.as_chunks::<LANES>();
    for row in rows {
        lanes.iter_mut().zip(row).for_each(|(lane, &x)| *lane = better(x, *lane));
    }
    lanes.iter_mut().zip(rest).for_each(|(lane, &x)| *lane = better(x, *lane));
    lanes.into_iter().fold(start, |best, x| better(x, best))
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
                self.second.add(cell, Compensated { hi: -(first * (first / count as f64)), lo: 0.0 });
            }
        }
        self.kernel.columns.deviations = Some(self.second);
    }

    /// Deviations of a block's valid values from `mean`.
    #[inline(always)]
    fn block(&mut self, run: Run, mean: impl Fn(usize) -> f64) -> ([f64; BLOCK], usize, Verdict) {
        let mut deviations = [0.0; BLOCK];
        let Buffers { stored, values, valid, .. } = &mut self.kernel.buffers;
        let stored = &mut stored[..run.len];
        self.kernel.loader.load(self.kernel.chunk, run.first, run.stride, stored);
        let verdict = self.kernel.mask.examine(stored, valid);
        let values = self.kernel.stage.apply(stored, values);
        for (k, (deviation, x)) in deviations.iter_mut().zip(values).enumerate() {
            *deviation = x.to_f64() - mean(k);
        }
        match verdict {
            Verdict::Full => {}
            Verdict::Empty => deviations = [0.0; BLOCK],
            Verdict::Mixed => {
                let pairs = deviations.iter_mut().zip(valid.iter());
                pairs.for_each(|(deviation, &valid)| *deviation = if valid { *deviation } else { 0.0 });
            }
        }
        (deviations, run.len, verdict)
    }
}

impl<T: Element, S: Stage<T>> RunSink for Deviations<'_, '_, T, S> {
    #[inline(always)]
    fn to_one_cell(&mut self, run: Run) {
        let mean = self.means[run.cell];
        for start in (0..run.len).step_by(BLOCK) {
            let (mut block, len, verdict) =
                self.block(run.part(start, BLOCK.min(run.len - start), 0), |_| mean);
            if verdict == Verdict::Empty {
                continue;
            }
            let block = &mut block[..len];
            self.first.add(run.cell, f64::sum(block, true));
            block.iter_mut().for_each(|x| *x *= *x);
            self.second.add(run.cell, f64::sum(block, true));
        }
    }

    #[inline(always)]
    fn to_cells(&mut self, run: Run) {
        let means = std::mem::take(&mut self.means);
        let here = &means[run.cell..run.cell + run.len];
        let (mut block, len, verdict) = self.block(run, |k| here.get(k).copied().unwrap_or(0.0));
        if verdict != Verdict::Empty {
            let block = &mut block[..len];
            self.first.add_terms(run.cell, block);
            block.iter_mut().for_each(|x| *x *= *x);
            self.second.add_terms(run.cell, block);
        }
        self.means = means;
    }
}
