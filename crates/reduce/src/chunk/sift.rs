//! The values themselves, cell by cell. Quantiles are made from them, because quantiles of chunks do not merge.
//!
//! A value is handed out as its rank: its place among all numbers of its type. Ranks are ordered as the numbers are,
//! infinities stand at the ends, and all 64-bit integers are told apart. A [`Sieve`] bounds what is gathered: some cells of
//! the answer, and some ranges of ranks.
//!
//! ```text
//!  chunk ─ sift_chunk(sieve) ─► (cell, rank) ─┬─► Gathering   where all of them fit in memory
//!                                             └─► Tally       where they do not: how many lie in which range of ranks
//! ```

use std::ops::{Range, RangeInclusive};

use super::{
    reduce::mask,
    reduce_error::ReduceError,
    walk::{Run, RunSink, Walk},
};
use crate::{
    meaning::{
        block::BLOCK,
        element::Element,
        load::{Component, Loader, Visitor, visit},
        mask::{Mask, Verdict},
        stage::{AsStored, Stage},
        stored::FILL_ORDER,
    },
    plan::{chunk_task::ChunkTask, reduction_plan::ReductionPlan},
    question::{fold::Fold, region::Region},
};

/// Values handed over at a time.
const BATCH: usize = 4096;
/// Elements of chunks that are not stored, and of one task, that are gathered one by one.
const ABSENT_VALUES_MAX: u64 = 1 << 32;

/// Which values are gathered, and for which cell.
#[derive(Clone, Debug)]
pub struct Sieve {
    /// How the cells of the plan are folded to the cells of an answer. The plan may cover a part of that answer only.
    pub fold: Fold,
    /// The number, in that answer, of the first cell of the plan.
    pub origin: u64,
    /// The cells that are wanted.
    pub cells: Range<u64>,
    /// The ranges of ranks that are wanted, ascending and without overlap. Each is gathered as if it were a cell.
    pub windows: Vec<RangeInclusive<u64>>,
}

/// A value: the number of its cell and window, and its rank.
///
/// The first number is `cell * windows + window`, where `cell` counts from the first wanted cell, `windows` is the number of
/// windows of the sieve, and `window` is the one that holds the rank.
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
}

/// Where elements come from.
#[derive(Clone, Copy)]
enum Elements<'a> {
    /// A decoded chunk.
    Chunk(&'a [u8]),
    /// The fill value, for a chunk that is not stored.
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
    /// The decoded chunk; `None` if `block` holds the fill value for all elements.
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
