//! The values themselves, cell by cell: what quantiles are made from, since they do not merge as sums do.
//!
//! Values are handed out as their ranks among all numbers of their type, whose order is that of the numbers: integers of
//! 64 bits are told apart, and infinities stand at the ends. What is gathered is bounded by a [`Sieve`]: some cells of the
//! answer, and of these some ranges of ranks.
//!
//! ```text
//!  chunk ─ sift_chunk(sieve) ─► (cell, rank) ─┬─► Gathering   where all of them fit in memory
//!                                             └─► Tally       where they do not: how many lie in which range of ranks
//! ```

use std::ops::{Range, RangeInclusive};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rangefold_array::{DataType, ElementType};

use crate::{
    AxisMap, ChunkTask, Fold, Number, ReduceError, ReductionPlan,
    chunk::mask,
    element::{BLOCK, Component, Element, Loader, Visitor, Wide, visit},
    kernel::{AsStored, Stage},
    mask::{Mask, Verdict},
    plan::FILL_ORDER,
    walk::{Region, Run, RunSink, Walk},
};

/// Values handed over at a time.
const BATCH: usize = 4096;
/// Elements of chunks that are not stored, and of one task, that are gathered one by one.
const ABSENT_VALUES_MAX: u64 = 1 << 32;

/// Which values are gathered, and for which cell.
#[derive(Clone, Debug)]
pub struct Sieve {
    /// How the cells of a plan are folded to those of an answer. The plan may be one of a part of the answer.
    pub fold: Fold,
    /// The number in the answer of the plan's first cell.
    pub origin: u64,
    /// The cells that are wanted.
    pub cells: Range<u64>,
    /// The ranks that are wanted, ascending and apart. With several, each is gathered as a cell of its own.
    pub windows: Vec<RangeInclusive<u64>>,
}

/// A value of a wanted cell: the number of the cell among those wanted, times the number of windows, plus the number of the
/// value's window; and the value's rank.
pub type Sifted = (u32, u64);

impl Sieve {
    /// Number of cells that values are gathered for.
    #[must_use]
    pub fn cell_count(&self) -> u64 {
        self.cells.end.saturating_sub(self.cells.start).saturating_mul(self.windows.len() as u64)
    }

    /// The wanted cell that each cell of a region goes to.
    fn numbers(&self, region: &Region) -> Vec<Option<u32>> {
        let number = |cell: Option<u64>| {
            let cell = cell.filter(|cell| self.cells.contains(cell))?;
            u32::try_from((cell - self.cells.start) * self.windows.len() as u64).ok()
        };
        self.fold.of_region(region, self.origin).map(number).collect()
    }
}

impl ReductionPlan {
    /// Hands the values of one chunk that pass `sieve` to `take`, in batches; `decoded` is the whole chunk in stored byte
    /// order, `None` if it is not stored.
    ///
    /// # Errors
    ///
    /// As [`reduce_chunk`](Self::reduce_chunk) and [`absent_chunk`](Self::absent_chunk); [`ReduceError::TooLarge`] if more
    /// than 2^32 cells are wanted at a time.
    pub fn sift_chunk(
        &self,
        task: &ChunkTask,
        decoded: Option<&[u8]>,
        sieve: &Sieve,
        take: &mut dyn FnMut(&[Sifted]),
    ) -> Result<(), ReduceError> {
        let chunk = || task.selection.index();
        let mut data_type = self.data_type.clone();
        let source = match (decoded, &self.fill_value) {
            (Some(decoded), _) => {
                let (expected, len) = (self.chunk_len(task), decoded.len() as u64);
                if len != expected {
                    return Err(ReduceError::Length { chunk: chunk(), expected, len });
                }
                Elements::Chunk(decoded)
            }
            (None, None) => return Ok(()),
            (None, Some(fill)) => {
                let expected = data_type.size().unwrap_or(0);
                if fill.0.len() != expected {
                    return Err(ReduceError::FillValue { expected, len: fill.0.len() });
                }
                if !self.absent_counts() {
                    return Ok(());
                }
                if task.selection.len() > ABSENT_VALUES_MAX {
                    return Err(ReduceError::Absent { elements: task.selection.len() });
                }
                data_type.order = FILL_ORDER;
                Elements::Fill(&fill.0)
            }
        };
        if u32::try_from(sieve.cell_count()).is_err() {
            return Err(ReduceError::TooLarge { chunk: chunk() });
        }
        let walk = self.walk(task, None)?;
        let cells = sieve.numbers(walk.region());
        visit(
            &data_type,
            Component::Real,
            Sift { plan: self, source, walk: &walk, cells: &cells, sieve, take },
        );
        Ok(())
    }

    /// The ranks of the smallest and the largest number of the type of the values.
    #[must_use]
    pub fn rank_bounds(&self) -> RangeInclusive<u64> {
        let bounds = |element: ElementType| {
            visit(&DataType::little(element), Component::Real, Bounds).unwrap_or(0..=u64::MAX)
        };
        bounds(self.rank_element())
    }

    /// The number with this rank.
    #[must_use]
    pub fn number_of_rank(&self, rank: u64) -> Number {
        visit(&DataType::little(self.rank_element()), Component::Real, FromRank(rank))
            .unwrap_or(Number::Float(f64::NAN))
    }

    /// The type whose ranks are handed out: unpacked values are 64-bit floats, whatever they were rounded to.
    fn rank_element(&self) -> ElementType {
        if self.packing.is_some() { ElementType::Float64 } else { self.data_type.element.clone() }
    }

    /// How many elements at most go to each position of the output axis by axis, in the order of the output's axes, and how
    /// many of the reduced axes go to each of them.
    #[must_use]
    pub fn populations(&self) -> (Vec<Vec<u64>>, u64) {
        let mut reduced = 1_u64;
        let mut axes = Vec::new();
        for (&count, map) in self.selected.iter().zip(&self.axes) {
            match map {
                AxisMap::Reduce => reduced = reduced.saturating_mul(count),
                AxisMap::Keep => axes.push(vec![1; usize::try_from(count).unwrap_or(usize::MAX)]),
                AxisMap::Group(grouping) => {
                    let mut members = vec![0_u64; grouping.groups as usize];
                    for label in grouping.labels.iter().flatten() {
                        if let Some(members) = members.get_mut(*label as usize) {
                            *members += 1;
                        }
                    }
                    axes.push(members);
                }
            }
        }
        (axes, reduced)
    }
}

/// Parts of a [`Gathering`] that are added to at the same time.
const SHARDS: usize = 64;

/// The values of some cells, all of them in memory, at 4 bytes each if their type has no more, else at 8.
#[derive(Debug)]
pub struct Gathering {
    /// Consecutive cells.
    shards: Vec<Mutex<Shard>>,
    /// Cells in each but the last.
    shard_len: usize,
}

/// The values of some consecutive cells.
#[derive(Debug)]
struct Shard {
    /// The first cell.
    first: usize,
    /// Where the values of each cell begin.
    starts: Vec<usize>,
    /// How many each cell has.
    counts: Vec<usize>,
    ranks: Ranks,
    /// Values that had no room.
    lost: u64,
}

#[derive(Debug)]
enum Ranks {
    Narrow(Vec<u32>),
    Wide(Vec<u64>),
}

impl Gathering {
    /// Room for at most so many values of each cell, whose ranks are not above `rank_max`.
    #[must_use]
    pub fn new(capacities: &[u64], rank_max: u64) -> Self {
        let shard_len = capacities.len().div_ceil(SHARDS).max(1);
        let shards = capacities.chunks(shard_len).enumerate();
        let shard = |(number, capacities)| Mutex::new(Shard::new(number * shard_len, capacities, rank_max));
        Self { shards: shards.map(shard).collect(), shard_len }
    }

    /// Bytes for so many cells and values, whose ranks are not above `rank_max`.
    #[must_use]
    pub fn len_of(cells: u64, values: u64, rank_max: u64) -> u64 {
        let rank_len = if u32::try_from(rank_max).is_ok() { size_of::<u32>() } else { size_of::<u64>() };
        cells.saturating_mul(16).saturating_add(values.saturating_mul(rank_len as u64))
    }

    /// Adds values; their order plays no part.
    pub fn add(&self, values: &[Sifted]) {
        let mut rest = values;
        while let Some(&(cell, _)) = rest.first() {
            let number = cell as usize / self.shard_len;
            let here = rest.iter().take_while(|(cell, _)| *cell as usize / self.shard_len == number).count();
            let (values, others) = rest.split_at(here);
            // What belongs to no cell is lost in the last shard.
            if let Some(shard) = self.shards.get(number).or(self.shards.last()) {
                lock(shard).add(values);
            }
            rest = others;
        }
    }

    /// Whether every value found room. If not, there were more than the plan selects.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.shards.iter().all(|shard| lock(shard).lost == 0)
    }

    /// Number of values of a cell.
    #[must_use]
    pub fn count(&self, cell: usize) -> u64 {
        let shard = self.shards.get(cell / self.shard_len).map(lock);
        shard.and_then(|shard| shard.counts.get(cell - shard.first).copied()).unwrap_or(0) as u64
    }

    /// The rank at `place` of the values of a cell in ascending order, and the one after it: itself if it is the last.
    #[must_use]
    pub fn pair(&self, cell: usize, place: u64) -> Option<(u64, u64)> {
        fn select<R: Copy + Ord + Into<u64>>(ranks: &mut [R], place: usize) -> (u64, u64) {
            let (_, &mut low, above) = ranks.select_nth_unstable(place);
            (low.into(), above.iter().min().copied().unwrap_or(low).into())
        }
        let mut shard = self.shards.get(cell / self.shard_len).map(lock)?;
        let shard = &mut *shard;
        let cell = cell - shard.first;
        let (&start, &count) = (shard.starts.get(cell)?, shard.counts.get(cell)?);
        let place = usize::try_from(place).ok().filter(|place| *place < count)?;
        let values = start..start.checked_add(count)?;
        Some(match &mut shard.ranks {
            Ranks::Narrow(ranks) => select(ranks.get_mut(values)?, place),
            Ranks::Wide(ranks) => select(ranks.get_mut(values)?, place),
        })
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shard {
    fn new(first: usize, capacities: &[u64], rank_max: u64) -> Self {
        let mut end = 0_usize;
        let mut starts = Vec::with_capacity(capacities.len());
        for &capacity in capacities {
            starts.push(end);
            end = end.saturating_add(usize::try_from(capacity).unwrap_or(usize::MAX));
        }
        let ranks = match u32::try_from(rank_max) {
            Ok(_) => Ranks::Narrow(vec![0; end]),
            Err(_) => Ranks::Wide(vec![0; end]),
        };
        Self { first, starts, counts: vec![0; capacities.len()], ranks, lost: 0 }
    }

    fn add(&mut self, values: &[Sifted]) {
        match &mut self.ranks {
            Ranks::Narrow(ranks) => {
                let narrow = |rank| u32::try_from(rank).ok();
                self.lost += put(values, narrow, self.first, &self.starts, &mut self.counts, ranks);
            }
            Ranks::Wide(ranks) => {
                self.lost += put(values, Some, self.first, &self.starts, &mut self.counts, ranks);
            }
        }
    }
}

/// Puts each value behind those that its cell has, and tells how many had no room.
fn put<R: Copy>(
    values: &[Sifted],
    stored: impl Fn(u64) -> Option<R>,
    first: usize,
    starts: &[usize],
    counts: &mut [usize],
    ranks: &mut [R],
) -> u64 {
    let mut lost = 0;
    for &(cell, rank) in values {
        let cell = cell as usize - first;
        let end = starts.get(cell + 1).copied().unwrap_or(ranks.len());
        let place = starts.get(cell).zip(counts.get_mut(cell)).and_then(|(start, count)| {
            let place = start + *count;
            *count += 1;
            (place < end).then(|| ranks.get_mut(place)).flatten()
        });
        match (place, stored(rank)) {
            (Some(place), Some(rank)) => *place = rank,
            _ => lost += 1,
        }
    }
    lost
}

/// How many values of one cell lie in each of many ranges of ranks.
#[derive(Clone, Debug)]
pub struct Tally {
    windows: Vec<RankWindow>,
}

/// A window of ranks in equal parts.
#[derive(Clone, Debug)]
struct RankWindow {
    low: u64,
    high: u64,
    /// Two to the power of this is the width of a part.
    shift: u32,
    counts: Vec<u64>,
    /// The smallest and the largest rank that was seen.
    seen: Option<(u64, u64)>,
}

/// A part of a window, and what is known of the values in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bin {
    /// Ranks.
    pub ranks: RangeInclusive<u64>,
    /// Values of the window that rank below.
    pub below: u64,
    /// Values in it.
    pub count: u64,
}

impl Tally {
    /// Nothing counted yet in these windows, with `bins` counters of 8 bytes for all of them together, but two for each at
    /// least.
    #[must_use]
    pub fn new(windows: &[RangeInclusive<u64>], bins: u64) -> Self {
        let parts = (bins / (windows.len() as u64).max(1)).max(2);
        let window = |ranks: &RangeInclusive<u64>| {
            let (low, high) = (*ranks.start(), *ranks.end());
            let shift = (0..u64::BITS).find(|&s| (high.saturating_sub(low) >> s) < parts).unwrap_or(63);
            let last = usize::try_from(high.saturating_sub(low) >> shift).unwrap_or(0);
            RankWindow { low, high, shift, counts: vec![0; last + 1], seen: None }
        };
        Self { windows: windows.iter().map(window).collect() }
    }

    /// Counts values; those of cell `i` are in window `i`.
    pub fn add(&mut self, values: &[Sifted]) {
        for &(number, rank) in values {
            let Some(window) = self.windows.get_mut(number as usize) else { continue };
            let part = rank.saturating_sub(window.low) >> window.shift;
            if let Some(count) = usize::try_from(part).ok().and_then(|part| window.counts.get_mut(part)) {
                *count += 1;
                let (low, high) = window.seen.unwrap_or((rank, rank));
                window.seen = Some((low.min(rank), high.max(rank)));
            }
        }
    }

    /// Adds what was counted in the same windows elsewhere.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.windows.iter_mut().zip(&other.windows) {
            mine.counts.iter_mut().zip(&theirs.counts).for_each(|(mine, n)| *mine += n);
            let ends = mine.seen.into_iter().chain(theirs.seen);
            mine.seen = ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        }
    }

    /// Values in a window.
    #[must_use]
    pub fn count(&self, window: usize) -> u64 {
        self.windows.get(window).map_or(0, |window| window.counts.iter().sum())
    }

    /// The part of a window that holds the value at `place` of its values in ascending order.
    #[must_use]
    pub fn bin(&self, window: usize, place: u64) -> Option<Bin> {
        let window = self.windows.get(window)?;
        let (smallest, largest) = window.seen?;
        let mut below = 0;
        for (part, &count) in (0_u64..).zip(&window.counts) {
            if place < below + count {
                let low = window.low + (part << window.shift);
                let high = low.saturating_add((1 << window.shift) - 1).min(window.high);
                return Some(Bin { ranks: low.max(smallest)..=high.min(largest), below, count });
            }
            below += count;
        }
        None
    }
}

/// The place of a quantile among `count` values in ascending order, and how far it lies towards the next: NumPy's
/// default, `linear`.
#[must_use]
pub fn quantile_place(fraction: f64, count: u64) -> (u64, f64) {
    let last = count.saturating_sub(1);
    let exact = fraction * last as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the count")]
    let place = exact.floor() as u64;
    (place.min(last), exact - exact.floor())
}

/// The number at `part` of the way from `low` to `high`, as NumPy rounds it.
///
/// At a value, and between equal ones, it is that value; between a finite number and an infinite one it is infinite, as
/// in `numpy.median`, where `numpy.quantile` gives NaN; between the two infinities it is NaN.
#[must_use]
pub fn interpolate(low: Number, high: Number, part: f64) -> f64 {
    let (a, b) = (low.to_f64(), high.to_f64());
    if part == 0.0 || low == high {
        return a + 0.0;
    }
    if !(a.is_finite() && b.is_finite()) {
        return a + b;
    }
    let distance = match (low, high) {
        (Number::Integer(low), Number::Integer(high)) => (high - low) as f64,
        _ => b - a,
    };
    if !distance.is_finite() {
        return a * (1.0 - part) + b * part;
    }
    // From the nearer end, so that the ends themselves are exact.
    let value = if part >= 0.5 { b - distance * (1.0 - part) } else { a + distance * part };
    value + 0.0
}

/// The integer nearest to `part` of the way from `low` to `high`: a date between dates.
#[must_use]
pub fn interpolate_integer(low: i64, high: i64, part: f64) -> i64 {
    let distance = high.abs_diff(low);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most the distance")]
    let step = ((distance as f64 * part).round() as u64).min(distance);
    low.saturating_add_unsigned(step)
}

/// Whether values of a type have an order, so that quantiles are defined.
pub(crate) fn has_quantiles(element: &ElementType) -> bool {
    element.is_integer()
        || element.is_float()
        || matches!(element, ElementType::Bool | ElementType::DateTime64(_) | ElementType::TimeDelta64(_))
}

/// Where elements come from.
#[derive(Clone, Copy)]
enum Elements<'a> {
    /// A decoded chunk.
    Chunk(&'a [u8]),
    /// One element, which all of a chunk that is not stored are.
    Fill(&'a [u8]),
}

/// Sifts a chunk.
struct Sift<'a> {
    plan: &'a ReductionPlan,
    source: Elements<'a>,
    walk: &'a Walk<'a>,
    cells: &'a [Option<u32>],
    sieve: &'a Sieve,
    take: &'a mut dyn FnMut(&[Sifted]),
}

impl Visitor for Sift<'_> {
    type Output = ();

    fn visit<T: Element>(self, loader: Loader<T>) {
        match self.plan.packing {
            Some(packing) => self.run(loader, packing),
            None => self.run(loader, AsStored),
        }
    }
}

impl Sift<'_> {
    fn run<T: Element, S: Stage<T>>(self, loader: Loader<T>, stage: S) {
        let Self { plan, source, walk, cells, sieve, take } = self;
        let mask = mask(plan, stage);
        let mut block = [T::default(); BLOCK];
        let chunk = match source {
            Elements::Chunk(decoded) => Some(decoded),
            Elements::Fill(fill) => {
                block = [loader.one(fill); BLOCK];
                None
            }
        };
        let everything = plan.rank_bounds();
        let whole = matches!(sieve.windows.as_slice(), [window] if *window == everything);
        let windows = if whole { &[] } else { sieve.windows.as_slice() };
        let valid = [false; BLOCK];
        let batch = Vec::with_capacity(BATCH + BLOCK);
        let mut sink = Sifter { chunk, loader, mask, stage, cells, windows, block, valid, batch, take };
        walk.visit(&mut sink);
        (sink.take)(&sink.batch);
    }
}

struct Sifter<'a, T: Element, S> {
    /// The elements; all are those of `block` if there is none.
    chunk: Option<&'a [u8]>,
    loader: Loader<T>,
    mask: Mask<T>,
    stage: S,
    cells: &'a [Option<u32>],
    /// Windows of ranks; none for all.
    windows: &'a [RangeInclusive<u64>],
    block: [T; BLOCK],
    valid: [bool; BLOCK],
    batch: Vec<Sifted>,
    take: &'a mut dyn FnMut(&[Sifted]),
}

impl<T: Element, S: Stage<T>> Sifter<'_, T, S> {
    /// Takes a run of at most a block, whose cells are `step` apart.
    fn sift(&mut self, run: Run, step: usize) {
        let block = &mut self.block[..run.len];
        if let Some(chunk) = self.chunk {
            self.loader.load(chunk, run.first, run.stride, block);
        }
        let verdict = self.mask.examine(block, &mut self.valid);
        if verdict == Verdict::Empty {
            return;
        }
        for (k, &x) in block.iter().enumerate() {
            if verdict == Verdict::Mixed && !self.valid[k] {
                continue;
            }
            let Some(cell) = self.cells[run.cell + k * step] else { continue };
            let rank = self.stage.one(x).rank();
            let window = match self.windows {
                [] => Some(0),
                [window] => window.contains(&rank).then_some(0),
                // Few of many values lie in a window, and nearly all of these in one of the first.
                windows => (0..).zip(windows).find(|(_, window)| window.contains(&rank)).map(|(i, _)| i),
            };
            if let Some(window) = window {
                self.batch.push((cell + window, rank));
            }
        }
        if self.batch.len() >= BATCH {
            (self.take)(&self.batch);
            self.batch.clear();
        }
    }
}

impl<T: Element, S: Stage<T>> RunSink for Sifter<'_, T, S> {
    fn to_one_cell(&mut self, run: Run) {
        if self.cells[run.cell].is_none() {
            return;
        }
        for start in (0..run.len).step_by(BLOCK) {
            self.sift(run.part(start, BLOCK.min(run.len - start), 0), 0);
        }
    }

    fn to_cells(&mut self, run: Run) {
        self.sift(run, 1);
    }
}

/// The ranks at both ends of a type.
struct Bounds;

impl Visitor for Bounds {
    type Output = RangeInclusive<u64>;

    fn visit<T: Element>(self, _: Loader<T>) -> Self::Output {
        T::LOWEST.rank()..=T::HIGHEST.rank()
    }
}

/// A rank as the number it stands for.
struct FromRank(u64);

impl Visitor for FromRank {
    type Output = Number;

    fn visit<T: Element>(self, _: Loader<T>) -> Number {
        T::from_rank(self.0).widen().number()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_numpys() {
        assert_eq!(quantile_place(0.5, 4), (1, 0.5));
        assert_eq!(quantile_place(1.0, 4), (3, 0.0));
        assert_eq!(quantile_place(0.0, 1), (0, 0.0));
    }

    #[test]
    fn infinities_are_reached_and_not_multiplied() {
        let float = Number::Float;
        assert_eq!(interpolate(float(2.0), float(f64::INFINITY), 0.0), 2.0);
        assert_eq!(interpolate(float(2.0), float(f64::INFINITY), 0.5), f64::INFINITY);
        assert_eq!(interpolate(float(f64::NEG_INFINITY), float(1.0), 0.25), f64::NEG_INFINITY);
        assert_eq!(interpolate(float(f64::INFINITY), float(f64::INFINITY), 0.9), f64::INFINITY);
        assert!(interpolate(float(f64::NEG_INFINITY), float(f64::INFINITY), 0.5).is_nan());
    }

    #[test]
    fn the_distance_of_integers_is_exact() {
        let big = i128::from(i64::MAX);
        assert_eq!(interpolate(Number::Integer(-big), Number::Integer(big), 0.5), 0.0);
        assert_eq!(interpolate(Number::Float(-1e308), Number::Float(1e308), 0.5), 0.0);
        assert_eq!(interpolate_integer(i64::MIN, i64::MAX, 1.0), i64::MAX);
        assert_eq!(interpolate_integer(10, 13, 0.5), 12);
    }

    #[test]
    fn a_tally_leads_to_ever_narrower_ranges_that_hold_the_value() {
        let ranks: Vec<u64> = (0..1000).map(|k| (1 << 63) + k * k * 1_000_003).collect();
        let mut window = 0..=u64::MAX;
        let mut place = 700;
        let mut passes = 0;
        while window.start() < window.end() {
            let inside = ranks.iter().filter(|rank| window.contains(rank));
            let values: Vec<Sifted> = inside.map(|&rank| (0, rank)).collect();
            let windows = [window.clone()];
            let (mut tally, mut other) = (Tally::new(&windows, 1 << 20), Tally::new(&windows, 1 << 20));
            let (some, others) = values.split_at(values.len() / 3);
            tally.add(some);
            other.add(others);
            tally.merge(&other);
            let bin = tally.bin(0, place).unwrap();
            assert!(bin.ranks.contains(&ranks[700]) && bin.count <= tally.count(0));
            place -= bin.below;
            window = bin.ranks;
            passes += 1;
        }
        assert_eq!((*window.start(), passes), (ranks[700], 3));
    }

    #[test]
    fn a_gathering_finds_a_value_and_its_neighbour_and_tells_of_values_too_many() {
        for rank_max in [u64::from(u32::MAX), u64::MAX] {
            let gathering = Gathering::new(&[3, 0, 1], rank_max);
            gathering.add(&[(0, 9), (2, 4), (0, 1), (0, 5)]);
            assert_eq!((gathering.pair(0, 1), gathering.pair(0, 2)), (Some((5, 9)), Some((9, 9))));
            assert_eq!((gathering.pair(1, 0), gathering.count(2), gathering.is_whole()), (None, 1, true));
            gathering.add(&[(1, 7)]);
            assert!(!gathering.is_whole());
        }
        let wide = Gathering::new(&[1], u64::MAX);
        wide.add(&[(0, u64::MAX)]);
        assert_eq!(wide.pair(0, 0), Some((u64::MAX, u64::MAX)));
        let narrow = Gathering::new(&[1; 200], 7);
        narrow.add(&[(199, 3), (200, 3)]);
        assert_eq!(
            (narrow.pair(199, 0), narrow.pair(200, 0), narrow.is_whole()),
            (Some((3, 3)), None, false)
        );
        assert_eq!((Gathering::len_of(2, 10, 7), Gathering::len_of(2, 10, u64::MAX)), (72, 112));
    }
}
