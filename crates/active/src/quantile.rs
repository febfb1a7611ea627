//! Exact quantiles in bounded memory.
//!
//! A quantile is made from all values of its cell at a time, so values are gathered: half of [`Limits::memory`] is for
//! them, the other half for the chunks they come from.
//!
//! - Where the values of all cells fit, one pass over the chunks gathers them.
//! - Else the answer is cut into tiles whose values fit, and each tile takes a pass over the chunks it needs.
//! - A cell whose values alone do not fit is narrowed: a pass counts how many of its values lie in each of up to 2^20 ranges, in
//!   the order of the numbers themselves and not of their distance. Further passes count within the ranges that hold a
//!   quantile, until what lies in these fits and is gathered, or each is a single number. Values of 16 bits need one pass,
//!   of 32 bits two, of 64 bits four at the most; little memory means fewer ranges and more passes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Range, RangeInclusive};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::try_join_all;
use rangefold_array::{AxisRange, ElementType, Hyperslab};
use rangefold_reduce::{
    AxisMap, Fold, Gathering, Grouping, Number, Outcome, Reduction, ReductionPlan, Sieve, Sifted, Tally,
    Value, Values, interpolate, interpolate_integer, quantile_place, strides,
};
use rangefold_refs::ManifestArray;
use rangefold_store::ReferenceStore;

use crate::budget::Budget;
use crate::execution::Execution;
use crate::limits::{Limits, Progress, Statistics};
use crate::plans::PlansByPart;
use crate::resources::Share;
use crate::run::{Sifting, sift_plans};
use crate::run_error::RunError;
use crate::threads::Lane;

/// Ranges that values are counted in at the least, whatever the memory.
const BINS_MIN: u64 = 1 << 10;
/// Ranges at the most: 8 MiB of counters for each thread.
const BINS_MAX: u64 = 1 << 20;

/// Cells that a thread finds the quantiles of at once.
const CELLS_AT_ONCE: usize = 1024;

/// What the quantiles of a query will take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passes {
    /// Passes over the chunks of the answer, or of a part of it.
    pub passes: u64,
    /// Cells whose values do not fit in memory: each takes one to three further passes.
    pub narrowed: u64,
    /// Bytes held at a time, at the most: values, and the chunks they come from.
    pub memory: u64,
    /// Decoded bytes of the chunks of all passes.
    pub decoded: u64,
}

/// How many values each cell of an answer has at the most.
struct Populations {
    shape: Vec<u64>,
    /// Of each axis of the answer, how many elements go to each position; `None` for groups over several dimensions.
    axes: Vec<Option<Vec<u64>>>,
    /// What each combination of groups adds to the number of a cell, and how many places are in it.
    groups: BTreeMap<u64, u64>,
    /// Elements along the reduced axes.
    reduced: u64,
    /// The largest rank that a value may have.
    rank_max: u64,
}

impl Populations {
    fn new(plan: &ReductionPlan, fold: &Fold) -> Self {
        let (axes, reduced) = plan.populations();
        let mut groups = BTreeMap::new();
        for cell in fold.added() {
            *groups.entry(cell).or_insert(0) += 1;
        }
        let axes = fold.kept().iter().map(|kept| axes.get((*kept)?).cloned()).collect();
        let rank_max = *plan.rank_bounds().end();
        Self { shape: fold.shape().to_vec(), axes, groups, reduced, rank_max }
    }

    fn of(&self, cell: u64) -> u64 {
        let (mut rest, mut stride, mut offset, mut count) = (cell, 1_u64, 0, self.reduced);
        for (&length, axis) in self.shape.iter().zip(&self.axes).rev() {
            let position = rest % length.max(1);
            rest /= length.max(1);
            match axis {
                Some(members) => {
                    let members = usize::try_from(position).ok().and_then(|place| members.get(place));
                    count = count.saturating_mul(members.copied().unwrap_or(0));
                }
                None => offset += position * stride,
            }
            stride = stride.saturating_mul(length);
        }
        count.saturating_mul(self.groups.get(&offset).copied().unwrap_or(0))
    }

    /// Ranges of cells whose values fit in `memory`, or of a single cell.
    fn tiles(&self, memory: u64) -> Vec<Range<u64>> {
        let cells: u64 = self.shape.iter().product();
        let strides = strides(&self.shape);
        let mut tiles = Vec::new();
        let mut first = 0;
        while first < cells {
            let (mut end, mut values) = (first, 0_u64);
            while end < cells {
                values = values.saturating_add(self.of(end));
                if end > first && Gathering::len_of(end + 1 - first, values, self.rank_max) > memory {
                    break;
                }
                end += 1;
            }
            if end < cells {
                // Tiles end where an outer axis takes a step, if they can: then fewer chunks are part of two.
                let whole = strides.iter().map(|stride| end - end % (*stride).max(1)).find(|&e| e > first);
                end = whole.unwrap_or(end);
            }
            tiles.push(first..end);
            first = end;
        }
        tiles
    }
}

/// The answers to `asked`, which are all quantiles.
pub(crate) async fn quantiles(
    store: &ReferenceStore,
    execution: &Execution,
    asked: &[Reduction],
    share: &Share,
    progress: Progress<'_>,
) -> Result<(Vec<Outcome>, Statistics), RunError> {
    let fold = execution.fold();
    let populations = Populations::new(execution.plan(), &fold);
    let half = share.limits.memory / 2;
    let share = share.within(share.limits.memory - half);
    let mut search =
        Search { store, execution, fold: &fold, asked, share, progress, statistics: Statistics::default() };
    let mut cells = Vec::new();
    for tile in populations.tiles(half) {
        let capacities: Vec<u64> = tile.clone().map(|cell| populations.of(cell)).collect();
        let values = capacities.iter().fold(0_u64, |n, &capacity| n.saturating_add(capacity));
        let plans = search.plans(&tile);
        let Some((plans, origin)) = plans else { return Err(search.lost()) };
        let cells_len = tile.end - tile.start;
        if cells_len == 1 && Gathering::len_of(cells_len, values, populations.rank_max) > half {
            cells.push(search.narrow(&plans, origin, tile, half).await?);
        } else {
            cells.extend(search.gather(&plans, origin, tile, &capacities).await?);
        }
    }
    let statistics = search.statistics;
    Ok((outcomes(execution, &fold, asked, &cells), statistics))
}

/// What quantiles of `execution` will take.
pub(crate) fn passes(
    execution: &Execution,
    store: &ReferenceStore,
    array: &ManifestArray,
    limits: Limits,
) -> Passes {
    let fold = execution.fold();
    let populations = Populations::new(execution.plan(), &fold);
    let half = limits.memory / 2;
    let limits = Limits { memory: limits.memory - half, ..limits };
    let mut passes = Passes::default();
    for tile in populations.tiles(half) {
        let values = tile.clone().fold(0_u64, |n, cell| n.saturating_add(populations.of(cell)));
        let len = Gathering::len_of(tile.end - tile.start, values, populations.rank_max);
        passes.passes += 1;
        passes.narrowed += u64::from(len > half);
        let Some((plans, _)) = narrowed(execution, array, &fold, &tile) else { continue };
        let run = Budget::new(&plans, execution.moves_bytes(store), limits, store.options());
        passes.memory = passes.memory.max(len.min(half).saturating_add(run.memory));
        passes.decoded = passes.decoded.saturating_add(plans.main.decoded_len());
    }
    passes
}

/// One cell: how many values it has, and the answers.
struct Cell {
    count: u64,
    answers: Vec<Option<Value<'static>>>,
}

fn outcomes(execution: &Execution, fold: &Fold, asked: &[Reduction], cells: &[Cell]) -> Vec<Outcome> {
    let element = execution.plan().value_element();
    let is_time = is_time(&element);
    let outcome = |(number, reduction): (usize, &Reduction)| {
        let answers = cells.iter().map(|cell| cell.answers.get(number).copied().flatten());
        let values = if is_time {
            let integer = |answer| if let Some(Value::Signed(n)) = answer { n } else { i64::MIN };
            Values::Signed(answers.map(integer).collect())
        } else {
            let float = |answer| if let Some(Value::Float(x)) = answer { x } else { f64::NAN };
            Values::Float(answers.map(float).collect())
        };
        Outcome {
            reduction: reduction.clone(),
            shape: fold.shape().to_vec(),
            element: if is_time { element.clone() } else { ElementType::Float64 },
            values,
            count: cells.iter().map(|cell| cell.count).collect(),
            lacking: Vec::new(),
        }
    };
    asked.iter().enumerate().map(outcome).collect()
}

fn is_time(element: &ElementType) -> bool {
    matches!(element, ElementType::DateTime64(_) | ElementType::TimeDelta64(_))
}

/// The answer to a quantile, from the two numbers it lies between and how far it is from the first to the second.
fn answer(reduction: &Reduction, is_time: bool, low: Number, high: Number, part: f64) -> Value<'static> {
    if let (true, Some(low), Some(high)) = (is_time, integer(low), integer(high)) {
        return Value::Signed(interpolate_integer(low, high, part));
    }
    let is_median = *reduction == Reduction::Median;
    Value::Float(if is_median && part > 0.0 { middle(low, high) } else { interpolate(low, high, part) })
}

fn integer(number: Number) -> Option<i64> {
    match number {
        Number::Integer(n) => i64::try_from(n).ok(),
        Number::Float(_) => None,
    }
}

/// The mean of two numbers, as `numpy.median` takes it.
fn middle(low: Number, high: Number) -> f64 {
    match (low, high) {
        #[expect(clippy::cast_precision_loss, reason = "the one rounding there is")]
        (Number::Integer(a), Number::Integer(b)) => (a + b) as f64 / 2.0,
        _ => f64::midpoint(low.to_f64(), high.to_f64()) + 0.0,
    }
}

/// A part of the answer, planned; and the cell that the first of its output is.
fn narrowed(
    execution: &Execution,
    array: &ManifestArray,
    fold: &Fold,
    tile: &Range<u64>,
) -> Option<(PlansByPart, u64)> {
    if tile.end - tile.start == fold.shape().iter().product::<u64>() {
        return Some((execution.planned(array, &execution.selection, execution.spec.axes.clone())?, 0));
    }
    let bounds = bounding_box(fold.shape(), tile);
    let mut origin = 0;
    let mut output = 0;
    let mut ranges = Vec::new();
    let mut maps = Vec::new();
    for (range, map) in execution.selection.axes().iter().zip(&execution.spec.axes) {
        let axis = fold.kept().iter().position(|&kept| kept == Some(output));
        let within = axis.and_then(|axis| bounds.get(axis)).cloned();
        let (mut range, mut map) = (*range, map.clone());
        match (&map, within) {
            (AxisMap::Reduce, _) => {}
            (AxisMap::Keep, Some(within)) => {
                let start = range.start() + within.start * range.stride();
                origin += within.start * fold.steps().get(output)?.cell;
                range = AxisRange::new(start, range.stride(), within.end - within.start, u64::MAX)?;
            }
            (AxisMap::Group(grouping), Some(within)) => {
                let inside = |label: &Option<u32>| label.filter(|&l| within.contains(&u64::from(l)));
                let labels = grouping.labels.iter().map(inside).collect();
                map = AxisMap::Group(Grouping { labels, ..grouping.clone() });
            }
            (_, None) => {}
        }
        output += usize::from(map != AxisMap::Reduce);
        ranges.push(range);
        maps.push(map);
    }
    let plans = execution.planned(array, &Hyperslab::from_axes(ranges), maps)?;
    Some((plans, origin))
}

/// The positions on each axis that a range of cells touches.
fn bounding_box(shape: &[u64], cells: &Range<u64>) -> Vec<Range<u64>> {
    let last = cells.end.saturating_sub(1);
    let mut same = true;
    let bounds = shape.iter().zip(strides(shape)).map(|(&length, stride)| {
        let position = |cell: u64| cell / stride.max(1) % length.max(1);
        let (first, last) = (position(cells.start), position(last));
        let bound = if same { first..last + 1 } else { 0..length };
        same &= first == last;
        bound
    });
    bounds.collect()
}

/// Searches the quantiles of tiles.
struct Search<'a> {
    store: &'a ReferenceStore,
    execution: &'a Execution,
    fold: &'a Fold,
    asked: &'a [Reduction],
    share: Share,
    progress: Progress<'a>,
    statistics: Statistics,
}

/// What is known of the value at one place in ascending order.
struct Bracket {
    place: u64,
    /// Its rank lies in here.
    ranks: RangeInclusive<u64>,
    /// Its place among the values in there.
    inner: u64,
    /// Number of these.
    count: u64,
}

impl Bracket {
    fn is_open(&self) -> bool {
        self.ranks.start() < self.ranks.end()
    }
}

impl Search<'_> {
    fn lost(&self) -> RunError {
        RunError::Lost { variable: self.execution.variable.clone(), what: "the search for quantiles" }
    }

    fn plans(&self, tile: &Range<u64>) -> Option<(PlansByPart, u64)> {
        let array = self.store.references().arrays.get(&self.execution.variable)?;
        narrowed(self.execution, array, self.fold, tile)
    }

    fn sieve(&self, origin: u64, cells: Range<u64>, windows: Vec<RangeInclusive<u64>>) -> Sieve {
        Sieve { fold: self.fold.clone(), origin, cells, windows }
    }

    /// One pass over the chunks of `plans`.
    async fn pass(
        &mut self,
        plans: &PlansByPart,
        sieve: Sieve,
        take: impl Fn(&[Sifted]) + Send + Sync + 'static,
    ) -> Result<(), RunError> {
        let Self { store, execution, share, progress, .. } = &*self;
        let sifting = Sifting { sieve, take: Box::new(take) };
        let pass = sift_plans(store, &execution.variable, plans, share, *progress, sifting).await?;
        let sum = &mut self.statistics;
        (sum.chunks, sum.missing) = (pass.chunks, pass.missing);
        sum.add_pass(pass);
        Ok(())
    }

    /// Gathers what passes the sieve.
    async fn gathered(
        &mut self,
        plans: &PlansByPart,
        sieve: Sieve,
        capacities: &[u64],
    ) -> Result<Arc<Gathering>, RunError> {
        let gathering = Arc::new(Gathering::new(capacities, *plans.main.rank_bounds().end()));
        let taken = Arc::clone(&gathering);
        self.pass(plans, sieve, move |values| taken.add(values)).await?;
        if gathering.is_whole() { Ok(gathering) } else { Err(self.lost()) }
    }

    /// Counts what passes the sieve, window by window. Each thread counts for itself.
    async fn tallied(&mut self, plans: &PlansByPart, sieve: Sieve) -> Result<Tally, RunError> {
        let counters = self.share.limits.memory / 8 / (self.share.limits.threads.max(1) as u64 + 1);
        let bins = counters.clamp(BINS_MIN, BINS_MAX);
        let mut total = Tally::new(&sieve.windows, bins);
        let windows = sieve.windows.clone();
        let tallies: Arc<Mutex<Vec<Tally>>> = Arc::default();
        let idle = Arc::clone(&tallies);
        self.pass(plans, sieve, move |values| {
            let taken = lock(&idle).pop();
            let mut tally = taken.unwrap_or_else(|| Tally::new(&windows, bins));
            tally.add(values);
            lock(&idle).push(tally);
        })
        .await?;
        lock(&tallies).iter().for_each(|tally| total.merge(tally));
        Ok(total)
    }

    /// The answers of the cells of a tile whose values fit in memory.
    async fn gather(
        &mut self,
        plans: &PlansByPart,
        origin: u64,
        tile: Range<u64>,
        capacities: &[u64],
    ) -> Result<Vec<Cell>, RunError> {
        let sieve = self.sieve(origin, tile, vec![plans.main.rank_bounds()]);
        let gathering = self.gathered(plans, sieve, capacities).await?;
        let (plan, asked) = (Arc::clone(&plans.main), self.asked.to_vec());
        let is_time = is_time(&plan.value_element());
        let cell = move |cell| {
            let count = gathering.count(cell);
            let answer = |reduction: &Reduction| {
                let (place, part) = quantile_place(reduction.fraction()?, count);
                let (low, high) = gathering.pair(cell, place)?;
                let (low, high) = (plan.number_of_rank(low), plan.number_of_rank(high));
                Some(answer(reduction, is_time, low, high, part))
            };
            Cell { count, answers: asked.iter().map(answer).collect() }
        };
        let count = self.share.limits.threads.clamp(1, capacities.len().div_ceil(CELLS_AT_ONCE).max(1));
        let lane = Lane::new(&self.share.pool, count, move |cells: Range<usize>| {
            cells.map(&cell).collect::<Vec<Cell>>()
        });
        let starts = (0..capacities.len()).step_by(CELLS_AT_ONCE);
        let parts = starts.map(|start| lane.hand(start..(start + CELLS_AT_ONCE).min(capacities.len())));
        let found = try_join_all(parts).await.map_err(|_| self.lost())?;
        lane.end().await;
        Ok(found.into_iter().flatten().collect())
    }

    /// The answers of a cell whose values do not fit in `memory`.
    async fn narrow(
        &mut self,
        plans: &PlansByPart,
        origin: u64,
        tile: Range<u64>,
        memory: u64,
    ) -> Result<Cell, RunError> {
        let windows = vec![plans.main.rank_bounds()];
        let tally = self.tallied(plans, self.sieve(origin, tile.clone(), windows)).await?;
        let count = tally.count(0);
        let last = count.saturating_sub(1);
        let wanted: Vec<(u64, f64)> =
            self.asked.iter().filter_map(|r| Some(quantile_place(r.fraction()?, count))).collect();
        let places: BTreeSet<u64> =
            wanted.iter().flat_map(|&(place, _)| [place, (place + 1).min(last)]).collect();
        let mut brackets: Vec<Bracket> = places
            .into_iter()
            .filter_map(|place| {
                let bin = tally.bin(0, place)?;
                Some(Bracket { place, inner: place - bin.below, ranks: bin.ranks, count: bin.count })
            })
            .collect();
        loop {
            let open: BTreeMap<u64, (u64, u64)> = brackets
                .iter()
                .filter(|bracket| bracket.is_open())
                .map(|bracket| (*bracket.ranks.start(), (*bracket.ranks.end(), bracket.count)))
                .collect();
            if open.is_empty() {
                break;
            }
            let windows: Vec<RangeInclusive<u64>> =
                open.iter().map(|(&start, &(end, _))| start..=end).collect();
            let counts: Vec<u64> = open.values().map(|&(_, count)| count).collect();
            let values = counts.iter().fold(0_u64, |n, &count| n.saturating_add(count));
            let window_of = |bracket: &Bracket| windows.iter().position(|window| *window == bracket.ranks);
            let sieve = self.sieve(origin, tile.clone(), windows.clone());
            let rank_max = *plans.main.rank_bounds().end();
            if Gathering::len_of(counts.len() as u64, values, rank_max) <= memory {
                let gathering = self.gathered(plans, sieve, &counts).await?;
                for bracket in &mut brackets {
                    if let Some(window) = window_of(bracket) {
                        let (rank, _) = gathering.pair(window, bracket.inner).ok_or_else(|| self.lost())?;
                        bracket.ranks = rank..=rank;
                    }
                }
            } else {
                let tally = self.tallied(plans, sieve).await?;
                for bracket in &mut brackets {
                    if let Some(window) = window_of(bracket) {
                        let bin = tally.bin(window, bracket.inner).ok_or_else(|| self.lost())?;
                        bracket.inner -= bin.below;
                        (bracket.ranks, bracket.count) = (bin.ranks, bin.count);
                    }
                }
            }
        }
        let number = |place: u64| {
            let bracket = brackets.iter().find(|bracket| bracket.place == place)?;
            Some(plans.main.number_of_rank(*bracket.ranks.start()))
        };
        let is_time = is_time(&plans.main.value_element());
        let answers = self.asked.iter().zip(&wanted).map(|(reduction, &(place, part))| {
            Some(answer(reduction, is_time, number(place)?, number((place + 1).min(last))?, part))
        });
        Ok(Cell { count, answers: answers.collect() })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn populations(shape: &[u64], each: u64) -> Populations {
        let axes = shape.iter().map(|&length| Some((0..length).map(|_| 1).collect())).collect();
        Populations {
            shape: shape.to_vec(),
            axes,
            groups: BTreeMap::from([(0, 1)]),
            reduced: each,
            rank_max: u64::MAX,
        }
    }

    #[test]
    fn tiles_fit_in_memory_cover_the_answer_and_end_with_rows() {
        // Each cell needs 16 + 10 · 8 bytes.
        let rows = populations(&[4, 3], 10);
        assert_eq!(rows.tiles(96 * 12), vec![0..12_u64; 1]);
        assert_eq!(rows.tiles(96 * 8), [0..6, 6..12]);
        assert_eq!(rows.tiles(96 * 2), [0..2, 2..3, 3..5, 5..6, 6..8, 8..9, 9..11, 11..12]);
        assert_eq!(rows.tiles(1).len(), 12);
        assert_eq!(populations(&[], 10).tiles(1), vec![0..1_u64; 1]);
        assert!(populations(&[0, 3], 10).tiles(1).is_empty());
    }

    #[test]
    fn the_box_of_a_tile_is_no_larger_than_it_must_be() {
        assert_eq!(bounding_box(&[4, 3], &(4..6)), [1..2, 1..3]);
        assert_eq!(bounding_box(&[4, 3], &(3..9)), [1..3, 0..3]);
        assert_eq!(bounding_box(&[4, 3, 2], &(6..18)), [1..3, 0..3, 0..2]);
    }

    #[test]
    fn the_mean_of_two_integers_is_rounded_once() {
        let big = i128::from(i64::MAX);
        assert_eq!(middle(Number::Integer(big), Number::Integer(big - 2)), 9_223_372_036_854_775_806.0);
        assert_eq!(middle(Number::Float(1e308), Number::Float(1.5e308)), 1.25e308);
        assert_eq!(middle(Number::Float(2.0), Number::Float(f64::INFINITY)), f64::INFINITY);
    }
}
