//! The loops over the elements of a chunk.
//!
//! A run passes through in blocks of [`BLOCK`] elements: copied into native byte order, tested for missing elements,
//! those dropped, the rest unpacked, then one loop per statistic. Every step is a simple loop over a buffer in the
//! first-level cache, which the compiler turns into vector instructions; the buffers are read several times, memory
//! once. A block without missing elements, the usual case, is never tested element by element again.

use pulp::{Arch, Simd, WithSimd};

use crate::{
    Packing,
    columns::{Columns, Located, Prefer, Wanted, bin_of},
    condition::Matches,
    element::{BLOCK, Element, Loader},
    mask::{Mask, Unpacked, Verdict},
    sum::{Compensated, FloatSums, SumColumn},
    walk::{Run, RunSink},
};

/// What is between a stored element and a value.
pub(crate) trait Stage<T: Element>: Copy {
    type Value: Element;
    /// Whether values have at most 32 significant bits more often than not.
    const SHORT: bool;
    fn apply<'a>(&self, arch: Arch, stored: &'a [T], out: &'a mut [Self::Value; BLOCK]) -> &'a [Self::Value];
    fn one(&self, stored: T) -> Self::Value;
    fn unpacked(&self, stored: T) -> Unpacked<T>;
}

/// Elements are the values.
#[derive(Clone, Copy)]
pub(crate) struct AsStored;

impl<T: Element> Stage<T> for AsStored {
    type Value = T;
    const SHORT: bool = false;

    fn apply<'a>(&self, _: Arch, stored: &'a [T], _: &'a mut [T; BLOCK]) -> &'a [T] {
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

    fn apply<'a>(&self, arch: Arch, stored: &'a [T], out: &'a mut [f64; BLOCK]) -> &'a [f64] {
        arch.dispatch(Unpack { packing: *self, stored, out });
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
    source: BlockReader<'a, T>,
    stage: S,
    wanted: &'a Wanted,
    hits: Vec<Matches<T>>,
    columns: &'a mut Columns<<S::Value as Element>::Wide>,
    values: [S::Value; BLOCK],
    /// The valid elements of a block, one after the other.
    compacted: [T; BLOCK],
    /// Where the elements that were kept stood in the block.
    kept: [u16; BLOCK],
}

/// Where blocks come from.
struct BlockReader<'a, T> {
    chunk: &'a [u8],
    /// The chunk where its bytes are elements already: it is then read in place.
    elements: Option<&'a [T]>,
    loader: Loader<T>,
    mask: &'a Mask<T>,
    arch: Arch,
    /// A block that was copied.
    copied: [T; BLOCK],
    /// Which elements of the last block are valid, if some are and some are not.
    valid: [bool; BLOCK],
}

impl<'a, T: Element> BlockReader<'a, T> {
    fn new(chunk: &'a [u8], loader: Loader<T>, mask: &'a Mask<T>) -> Self {
        Self {
            chunk,
            elements: loader.borrow(chunk),
            loader,
            mask,
            arch: Arch::new(),
            copied: [T::default(); BLOCK],
            valid: [false; BLOCK],
        }
    }

    /// The elements of `run`, which is at most a block long, and what they hold.
    fn load(&mut self, run: Run) -> (&[T], &[bool], Verdict) {
        let block = match self.elements {
            Some(elements) if run.stride == 1 => &elements[run.first..run.first + run.len],
            _ => {
                let copied = &mut self.copied[..run.len];
                self.loader.load(self.chunk, run.first, run.stride, copied);
                copied
            }
        };
        let verdict = self.arch.dispatch(Examine { mask: self.mask, block, valid: &mut self.valid });
        (block, &self.valid[..run.len], verdict)
    }
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
            locate(self.columns, values, run.cell, place);
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

/// The test for missing elements, compiled for the machine.
struct Examine<'b, T> {
    mask: &'b Mask<T>,
    block: &'b [T],
    valid: &'b mut [bool; BLOCK],
}

impl<T: Element> WithSimd for Examine<'_, T> {
    type Output = Verdict;

    #[inline(always)]
    fn with_simd<V: Simd>(self, _: V) -> Verdict {
        self.mask.examine(self.block, self.valid)
    }
}

/// Unpacking, compiled for the machine.
struct Unpack<'b, T> {
    packing: Packing,
    stored: &'b [T],
    out: &'b mut [f64; BLOCK],
}

impl<T: Element> WithSimd for Unpack<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<V: Simd>(self, _: V) {
        self.packing.unpack_block(self.stored, T::to_f64, self.out);
    }
}

/// The valid elements of a block, one after the other. Where few are missing, most are copied in rows.
#[inline(always)]
fn compact<'a, T: Copy>(block: &[T], valid: &[bool], out: &'a mut [T; BLOCK]) -> &'a [T] {
    const ROW: usize = 16;
    let (rows, rest) = block.as_chunks::<ROW>();
    let (valid_rows, valid_rest) = valid.as_chunks::<ROW>();
    let mut kept = 0;
    for (row, valid) in rows.iter().zip(valid_rows) {
        if *valid == [true; ROW]
            && let Some(place) = out[kept..].first_chunk_mut()
        {
            *place = *row;
            kept += ROW;
        } else {
            kept = compact_each(row, valid, out, kept);
        }
    }
    kept = compact_each(rest, valid_rest, out, kept);
    &out[..kept]
}

/// Puts the valid elements behind the `kept` first ones, and returns how many there are then.
#[inline(always)]
fn compact_each<T: Copy>(block: &[T], valid: &[bool], out: &mut [T; BLOCK], mut kept: usize) -> usize {
    for (&x, &valid) in block.iter().zip(valid) {
        // The remainder is no change; it tells the compiler that the place exists.
        out[kept % BLOCK] = x;
        kept += usize::from(valid);
    }
    kept
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
        let min = V::smallest(block);
        offer(&mut columns.arg_min, block.iter().position(|&x| x == min).unwrap_or(0), Prefer::Smaller);
    }
    if !columns.arg_max.value.is_empty() {
        let max = V::largest(block);
        offer(&mut columns.arg_max, block.iter().position(|&x| x == max).unwrap_or(0), Prefer::Larger);
    }
    offer(&mut columns.first, 0, Prefer::Earlier);
    offer(&mut columns.last, block.len().saturating_sub(1), Prefer::Later);
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
