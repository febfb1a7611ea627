//! How the selected elements of one chunk are visited.
//!
//! Every element has a place in the chunk, a cell of the partial it belongs to, and a place in the row-major order of
//! the reduced axes. All three are sums over the axes, so the elements are visited as runs along one axis: either all of
//! a run goes to one cell, or each element of it to the next cell.

use rangefold_array::{ChunkSelection, MemoryOrder};

use super::reduce_error::ReduceError;
use crate::{
    meaning::block::BLOCK,
    plan::{chunk_task::ChunkTask, reduction_plan::ReductionPlan},
    question::{
        axis_map::{AxisMap, Grouping},
        region::Region,
    },
};

impl ReductionPlan {
    /// The visit of one chunk, whose cells are numbered within `frame` or, without one, within the chunk's own region.
    pub(crate) fn walk<'a>(
        &'a self,
        task: &'a ChunkTask,
        frame: Option<&Region>,
    ) -> Result<Walk<'a>, ReduceError> {
        Walk::new(&task.selection, &self.axes, &self.places, self.order, self.wanted.places(), frame)
            .ok_or_else(|| ReduceError::TooLarge { chunk: task.selection.index() })
    }
}

/// Where one run of elements lies and goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// Number of the first element in the chunk.
    pub(crate) first: usize,
    /// Distance between elements.
    pub(crate) stride: usize,
    /// Number of elements.
    pub(crate) len: usize,
    /// Cell of the first element.
    pub(crate) cell: usize,
    /// Place of the first element in the row-major order of the reduced axes.
    pub(crate) place: u64,
    /// Distance of the elements' places.
    pub(crate) place_stride: u64,
}

/// What takes the runs.
pub(crate) trait RunSink {
    /// A run whose elements all belong to one cell.
    fn to_one_cell(&mut self, run: Run);
    /// A run of at most [`BLOCK`] elements, each of which belongs to the cell after its predecessor's.
    fn to_cells(&mut self, run: Run);
}

/// One axis of the selection in a chunk.
#[derive(Clone, Debug)]
struct WalkAxis<'a> {
    len: usize,
    stride: usize,
    place_stride: u64,
    /// The place of each position, where it is not in the order of the array.
    places: Option<&'a [u64]>,
    to: Move<'a>,
}

impl WalkAxis<'_> {
    /// What position `k` adds to an element's place.
    #[inline(always)]
    fn place(&self, k: usize) -> u64 {
        self.places.map_or(k as u64, |places| places[k]) * self.place_stride
    }

    /// How many positions from `start` on have one label, and places that follow one another.
    #[inline(always)]
    fn alike(&self, labels: &[Option<u32>], start: usize) -> usize {
        let goes_on = |k: usize| {
            labels[k] == labels[k - 1] && self.places.is_none_or(|places| places[k] == places[k - 1] + 1)
        };
        (start + 1..labels.len()).take_while(|&k| goes_on(k)).count() + 1
    }
}

/// How an axis moves through the cells.
#[derive(Clone, Copy, Debug)]
enum Move<'a> {
    /// Not at all.
    Stay,
    /// By this many cells for each position.
    Step(usize),
    /// To the cell of the position's label, `step` cells for each label above `base`.
    Labels { labels: &'a [Option<u32>], base: u32, step: usize },
}

/// The visit of one chunk, planned.
#[derive(Clone, Debug)]
pub(crate) struct Walk<'a> {
    outer: Vec<WalkAxis<'a>>,
    inner: WalkAxis<'a>,
    first: usize,
    cell: usize,
    place: u64,
    region: Region,
}

impl<'a> Walk<'a> {
    /// Move are numbered within `frame`, which holds the chunk's region, or within the region itself. `places` are the
    /// row-major strides of the reduced axes over the whole selection, 0 for kept ones. `None` if the chunk has more
    /// elements than the machine can address.
    pub(crate) fn new(
        selection: &ChunkSelection,
        maps: &'a [AxisMap],
        places: &[u64],
        order: MemoryOrder,
        need_places: bool,
        frame: Option<&Region>,
    ) -> Option<Self> {
        let strides = element_strides(selection, order)?;
        let mut region = Region::default();
        let mut first = 0_usize;
        let mut place = 0_u64;
        let mut labels = Vec::new();
        for ((part, map), (&stride, &place_stride)) in
            selection.axes.iter().zip(maps).zip(strides.iter().zip(places))
        {
            first += usize::try_from(part.within.start()).ok()? * stride;
            if !matches!(map, AxisMap::Group(Grouping { places: Some(_), .. })) {
                place += part.output_start * place_stride;
            }
            let count = usize::try_from(part.within.count()).ok()?;
            match map {
                AxisMap::Reduce => {}
                AxisMap::Keep => {
                    region.start.push(part.output_start);
                    region.shape.push(count);
                }
                AxisMap::Group(grouping) => {
                    let start = usize::try_from(part.output_start).ok()?;
                    let here = grouping.labels.get(start..start + count)?;
                    let lowest = here.iter().flatten().min().copied().unwrap_or(0);
                    let highest = here.iter().flatten().max().copied();
                    let there = match &grouping.places {
                        Some(places) => Some(places.get(start..start + count)?),
                        None => None,
                    };
                    labels.push((here, lowest, there));
                    region.start.push(lowest.into());
                    region.shape.push(highest.map_or(0, |highest| (highest - lowest) as usize + 1));
                }
            }
        }
        let frame = frame.unwrap_or(&region);
        let cell_strides = row_major_strides(&frame.shape);
        let mut cell = 0;
        for ((start, from), stride) in region.start.iter().zip(&frame.start).zip(&cell_strides) {
            cell += usize::try_from(start.checked_sub(*from)?).ok()? * stride;
        }
        let mut cell_strides = cell_strides.into_iter();
        let mut labels = labels.into_iter();
        let mut axes = Vec::with_capacity(maps.len());
        for ((part, map), (&stride, &place_stride)) in
            selection.axes.iter().zip(maps).zip(strides.iter().zip(places))
        {
            let (to, places) = match map {
                AxisMap::Reduce => (Move::Stay, None),
                AxisMap::Keep => (Move::Step(cell_strides.next()?), None),
                AxisMap::Group(_) => {
                    let (labels, base, places) = labels.next()?;
                    (Move::Labels { labels, base, step: cell_strides.next()? }, places)
                }
            };
            axes.push(WalkAxis {
                len: usize::try_from(part.within.count()).ok()?,
                stride: stride.checked_mul(usize::try_from(part.within.stride()).ok()?)?,
                place_stride,
                places,
                to,
            });
        }
        let (outer, inner) = arrange(axes, need_places);
        Some(Self { outer, inner, first, cell, place, region })
    }

    pub(crate) fn region(&self) -> &Region {
        &self.region
    }

    pub(crate) fn into_region(self) -> Region {
        self.region
    }

    /// Hands every run to `sink`, always in the same order.
    pub(crate) fn visit(&self, sink: &mut impl RunSink) {
        let whole = Run {
            first: self.first,
            stride: self.inner.stride,
            len: self.inner.len,
            cell: self.cell,
            place: self.place,
            place_stride: self.inner.place_stride,
        };
        match self.inner.to {
            Move::Stay => self.each_outer(whole, |run| sink.to_one_cell(run)),
            // A tile of columns is visited through all outer positions, so that its cells stay in a near cache.
            Move::Step(1) => {
                for start in (0..whole.len).step_by(BLOCK) {
                    let tile = whole.part(start, BLOCK.min(whole.len - start), start);
                    self.each_outer(tile, |run| sink.to_cells(run));
                }
            }
            Move::Step(step) => self.each_outer(whole, |run| {
                for k in 0..run.len {
                    sink.to_one_cell(run.part(k, 1, k * step));
                }
            }),
            Move::Labels { labels, base, step } => self.each_outer(whole, |run| {
                let mut start = 0;
                while start < run.len {
                    let len = self.inner.alike(labels, start);
                    if let Some(label) = labels[start] {
                        let part = run.part(start, len, (label - base) as usize * step);
                        sink.to_one_cell(Run { place: run.place + self.inner.place(start), ..part });
                    }
                    start += len;
                }
            }),
        }
    }

    /// Calls `inner` with `run` moved to each position of the outer axes.
    fn each_outer(&self, run: Run, mut inner: impl FnMut(Run)) {
        let outer = self.outer.as_slice();
        if outer.iter().any(|axis| axis.len == 0) || run.len == 0 || self.region.cells() == 0 {
            return;
        }
        let mut position = vec![0_usize; outer.len()];
        loop {
            if let Some(run) = moved(run, outer, &position) {
                inner(run);
            }
            let Some(axis) = (0..outer.len()).rev().find(|&axis| position[axis] + 1 < outer[axis].len) else {
                return;
            };
            position[axis] += 1;
            position[axis + 1..].fill(0);
        }
    }
}

/// `run` at a position of the outer axes; `None` if the position has no group.
#[inline(always)]
fn moved(mut run: Run, outer: &[WalkAxis<'_>], position: &[usize]) -> Option<Run> {
    for (axis, &k) in outer.iter().zip(position) {
        run.first += k * axis.stride;
        run.place += axis.place(k);
        run.cell += match axis.to {
            Move::Stay => 0,
            Move::Step(step) => k * step,
            Move::Labels { labels, base, step } => (labels[k]? - base) as usize * step,
        };
    }
    Some(run)
}

impl Run {
    /// `len` elements from `start` on, whose cells begin `cells` after this run's.
    #[inline(always)]
    pub(crate) fn part(self, start: usize, len: usize, cells: usize) -> Self {
        Self {
            first: self.first + start * self.stride,
            len,
            cell: self.cell + cells,
            place: self.place + start as u64 * self.place_stride,
            ..self
        }
    }
}

/// Joins axes that continue each other and puts one that makes long runs innermost.
fn arrange<'a>(mut axes: Vec<WalkAxis<'a>>, need_places: bool) -> (Vec<WalkAxis<'a>>, WalkAxis<'a>) {
    /// Shorter runs cost more to begin than to add up.
    const SHORT: usize = 16;
    // Elements that lie near each other are visited one after the other, whatever the order they are stored in.
    axes.sort_by_key(|axis| std::cmp::Reverse(axis.stride));
    let mut joined: Vec<WalkAxis<'a>> = Vec::with_capacity(axes.len());
    for axis in axes {
        if axis.len == 1 && !matches!(axis.to, Move::Labels { .. }) {
            continue;
        }
        match joined.last_mut() {
            Some(before) if continues(before, &axis, need_places) => {
                *before = WalkAxis { len: before.len * axis.len, ..axis };
            }
            _ => joined.push(axis),
        }
    }
    let runs = |axis: &WalkAxis<'_>| matches!(axis.to, Move::Stay | Move::Step(1));
    let last = joined.len().saturating_sub(1);
    let short = joined.last().is_none_or(|axis| axis.len < SHORT || !runs(axis));
    let longest = (0..joined.len()).filter(|&i| runs(&joined[i])).max_by_key(|&i| joined[i].len);
    let inner = match longest {
        Some(i) if short && joined[i].len >= SHORT => i,
        _ => last,
    };
    let nowhere = WalkAxis { len: 1, stride: 1, place_stride: 0, places: None, to: Move::Stay };
    let inner = if joined.is_empty() { nowhere } else { joined.remove(inner) };
    (joined, inner)
}

/// Whether `inner` repeated along `outer` is one longer axis.
fn continues(outer: &WalkAxis<'_>, inner: &WalkAxis<'_>, need_places: bool) -> bool {
    let cells = match (outer.to, inner.to) {
        (Move::Stay, Move::Stay) => true,
        (Move::Step(outer), Move::Step(step)) => outer == step * inner.len,
        _ => false,
    };
    let places = !need_places || outer.place_stride == inner.place_stride * inner.len as u64;
    cells && places && outer.stride == inner.stride * inner.len
}

/// Distance of neighbours along each axis of a chunk, in elements; `None` if the chunk's length overflows.
pub(crate) fn element_strides(selection: &ChunkSelection, order: MemoryOrder) -> Option<Vec<usize>> {
    let shape: Vec<usize> =
        selection.axes.iter().map(|part| usize::try_from(part.chunk_length).ok()).collect::<Option<_>>()?;
    shape.iter().try_fold(1_usize, |n, &length| n.checked_mul(length))?;
    Some(match order {
        MemoryOrder::RowMajor => row_major_strides(&shape),
        MemoryOrder::ColumnMajor => {
            let reversed: Vec<usize> = shape.iter().rev().copied().collect();
            row_major_strides(&reversed).into_iter().rev().collect()
        }
    })
}

fn row_major_strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}
