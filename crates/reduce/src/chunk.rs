//! One chunk to its partial.

use rangefold_array::DataType;

use crate::{
    AxisMap, ChunkTask, Partial, ReduceError, ReductionPlan,
    columns::bin_of,
    condition::Matches,
    element::{Component, Element, Loader, Visitor, Wide, visit},
    kernel::{AsStored, Kernel, Stage},
    mask::Mask,
    partial::{Cells, CellsMut},
    plan::FILL_ORDER,
    text::{self, TextElements, Texts},
    walk::{Region, Walk},
};

/// Reduces a decoded chunk whose length has been checked.
pub(crate) fn reduce(plan: &ReductionPlan, task: &ChunkTask, decoded: &[u8]) -> Result<Partial, ReduceError> {
    let walk = plan.walk(task, None)?;
    let mut cells = Cells::empty(plan, walk.region().cells());
    add(plan, task, &walk, decoded, &mut cells)?;
    Ok(partial(plan, task, walk.into_region(), cells))
}

/// The partial that cells for `region` make, folded if the plan has a fold.
pub(crate) fn partial(plan: &ReductionPlan, task: &ChunkTask, region: Region, cells: Cells) -> Partial {
    let (region, cells) = match &plan.fold {
        None => (region, cells),
        Some(fold) => {
            let (within, to) = fold.fold_region(&region);
            let cells = cells.folded(&plan.wanted, within.cells(), &to);
            (within, cells)
        }
    };
    Partial { ordinal: task.ordinal, chunks: task.chunks, region, cells }
}

/// Reduces the texts of a chunk, whose number has been checked.
pub(crate) fn reduce_texts(
    plan: &ReductionPlan,
    task: &ChunkTask,
    texts: &[&[u8]],
) -> Result<Partial, ReduceError> {
    let walk = plan.walk(task, None)?;
    let mut cells = Texts::new(&plan.wanted, walk.region().cells());
    text::reduce(plan, task, &walk, TextElements::Any(texts), &mut cells)?;
    Ok(partial(plan, task, walk.into_region(), Cells::Text(cells)))
}

/// Adds a decoded chunk to the cells of a walk.
fn add(
    plan: &ReductionPlan,
    task: &ChunkTask,
    walk: &Walk<'_>,
    decoded: &[u8],
    cells: &mut Cells,
) -> Result<(), ReduceError> {
    if let Cells::Text(texts) = cells {
        return text::reduce(plan, task, walk, TextElements::Fixed(&plan.data_type, decoded), texts);
    }
    by_component(&plan.data_type, cells, |cells| Chunk { plan, walk, decoded, cells });
    Ok(())
}

/// Adds a decoded chunk whose length has been checked to the cells of `frame`.
pub(crate) fn reduce_into(
    plan: &ReductionPlan,
    task: &ChunkTask,
    decoded: &[u8],
    frame: &Region,
    cells: &mut Cells,
) -> Result<(), ReduceError> {
    let walk = plan.walk(task, Some(frame))?;
    add(plan, task, &walk, decoded, cells)
}

/// The partial of a chunk that holds nothing but the fill value, in closed form.
pub(crate) fn absent(plan: &ReductionPlan, task: &ChunkTask) -> Result<Partial, ReduceError> {
    if plan.has_texts() {
        return text::absent(plan, task);
    }
    let missing = Partial::missing(task);
    let Some(fill) = &plan.fill_value else { return Ok(missing) };
    let expected = plan.data_type.size().unwrap_or(0);
    if fill.0.len() != expected {
        return Err(ReduceError::FillValue { expected, len: fill.0.len() });
    }
    if !absent_counts(plan) {
        return Ok(missing);
    }
    let stored = DataType { element: plan.data_type.element.clone(), order: FILL_ORDER };
    let region = plan.walk(task, None)?.into_region();
    let populations = populations(plan, task, &region);
    let mut cells = Cells::empty(plan, populations.len());
    by_component(&stored, &mut cells, |cells| Absent {
        plan,
        fill: &fill.0,
        populations: &populations,
        cells,
    });
    Ok(partial(plan, task, region, cells))
}

/// Whether a chunk that is not stored may contribute anything.
pub(crate) fn absent_counts(plan: &ReductionPlan) -> bool {
    if plan.has_texts() {
        return true;
    }
    let Some(fill) = &plan.fill_value else { return false };
    // One of another length is an error that the chunk itself tells.
    if plan.data_type.size() != Some(fill.0.len()) {
        return true;
    }
    let stored = DataType { element: plan.data_type.element.clone(), order: FILL_ORDER };
    visit(&stored, Component::Real, Counts { plan, fill: &fill.0 }).unwrap_or(false)
}

/// Visits the elements, or both parts of complex ones, each with its own cells.
fn by_component<'c, V: Visitor<Output = ()>>(
    data_type: &DataType,
    cells: &'c mut Cells,
    visitor: impl Fn(CellsMut<'c>) -> V,
) {
    match cells {
        Cells::Complex(real, imaginary) => {
            visit(data_type, Component::Real, visitor(CellsMut::Float(real)));
            visit(data_type, Component::Imaginary, visitor(CellsMut::Float(imaginary)));
        }
        Cells::Float(columns) => {
            visit(data_type, Component::Real, visitor(CellsMut::Float(columns)));
        }
        Cells::Signed(columns) => {
            visit(data_type, Component::Real, visitor(CellsMut::Signed(columns)));
        }
        Cells::Unsigned(columns) => {
            visit(data_type, Component::Real, visitor(CellsMut::Unsigned(columns)));
        }
        Cells::Text(_) | Cells::Missing => {}
    }
}

/// The test for valid elements, for a plan's missing values and condition.
pub(crate) fn mask<T: Element, S: Stage<T>>(plan: &ReductionPlan, stage: S) -> Mask<T> {
    let condition = plan.condition.as_ref().map(|condition| (condition, move |x| stage.unpacked(x)));
    Mask::new(&plan.fills, plan.bounds, condition)
}

/// A decoded chunk.
struct Chunk<'a> {
    plan: &'a ReductionPlan,
    walk: &'a Walk<'a>,
    decoded: &'a [u8],
    cells: CellsMut<'a>,
}

impl Visitor for Chunk<'_> {
    type Output = ();

    fn visit<T: Element>(self, loader: Loader<T>) {
        match self.plan.packing {
            Some(packing) => self.run(loader, packing),
            None => self.run(loader, AsStored),
        }
    }
}

impl Chunk<'_> {
    fn run<T: Element, S: Stage<T>>(self, loader: Loader<T>, stage: S) {
        let Self { plan, walk, decoded, cells } = self;
        let Some(columns) = Wide::columns(cells) else { return };
        let mask = mask(plan, stage);
        let mut kernel = Kernel::new(decoded, loader, &mask, stage, &plan.wanted, columns);
        walk.visit(&mut kernel);
        if plan.wanted.deviations {
            let mut deviations = kernel.deviations();
            walk.visit(&mut deviations);
            deviations.finish();
        }
    }
}

/// Whether the fill value contributes anything.
struct Counts<'a> {
    plan: &'a ReductionPlan,
    fill: &'a [u8],
}

impl Visitor for Counts<'_> {
    type Output = bool;

    fn visit<T: Element>(self, loader: Loader<T>) -> bool {
        let x = loader.one(self.fill);
        let valid = match self.plan.packing {
            Some(packing) => mask(self.plan, packing).admits(x),
            None => mask(self.plan, AsStored).admits(x),
        };
        valid || (self.plan.wanted.nan && x.is_nan())
    }
}

/// A chunk full of the fill value.
struct Absent<'a> {
    plan: &'a ReductionPlan,
    fill: &'a [u8],
    populations: &'a [Population],
    cells: CellsMut<'a>,
}

impl Visitor for Absent<'_> {
    type Output = ();

    fn visit<T: Element>(self, loader: Loader<T>) {
        let x = loader.one(self.fill);
        match self.plan.packing {
            Some(packing) => self.fill(x, packing),
            None => self.fill(x, AsStored),
        }
    }
}

impl Absent<'_> {
    fn fill<T: Element, S: Stage<T>>(self, x: T, stage: S) {
        let wanted = &self.plan.wanted;
        let Some(columns) = <S::Value as Element>::Wide::columns(self.cells) else { return };
        if x.is_nan() {
            columns.nan.iter_mut().zip(self.populations).for_each(|(nan, cell)| *nan = cell.count);
            return;
        }
        let value = stage.one(x);
        for (cell, &Population { count, first, last }) in self.populations.iter().enumerate() {
            if count > 0 {
                columns.fill(cell, value.widen(), value.times(count), count, (first, last));
            }
        }
        for (hits, condition) in columns.hits.iter_mut().zip(&wanted.conditions) {
            if Matches::of(condition, |x| stage.unpacked(x)).contains(x) {
                hits.iter_mut().zip(self.populations).for_each(|(hits, cell)| *hits = cell.count);
            }
        }
        for (bins, edges) in columns.bins.iter_mut().zip(&wanted.edges) {
            if let Some(bin) = bin_of(edges, value.to_f64()) {
                let cells = bins.chunks_mut(edges.len() - 1).zip(self.populations);
                cells.for_each(|(bins, cell)| bins[bin] = cell.count);
            }
        }
    }
}

/// How many elements of a chunk belong to a cell, and the places of the first and the last.
#[derive(Clone, Copy)]
pub(crate) struct Population {
    pub(crate) count: u64,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// The population of every cell of a partial. It is a product over the axes.
pub(crate) fn populations(plan: &ReductionPlan, task: &ChunkTask, region: &Region) -> Vec<Population> {
    let mut cells = vec![Population { count: 1, first: 0, last: 0 }];
    let mut starts = region.start.iter().zip(&region.shape);
    for ((part, map), &place) in task.selection.axes.iter().zip(&plan.axes).zip(&plan.places) {
        let count = part.within.count();
        let from = part.output_start * place;
        let along: Vec<Population> = match map {
            AxisMap::Reduce => {
                vec![Population { count, first: from, last: from + count.saturating_sub(1) * place }]
            }
            AxisMap::Keep => {
                let (_, &len) = starts.next().unwrap_or((&0, &0));
                let at = |position: u64| position.saturating_mul(place);
                let one = |position| Population { count: 1, first: at(position), last: at(position) };
                (part.output_start..).take(len).map(one).collect()
            }
            AxisMap::Group(grouping) => {
                let (&base, &len) = starts.next().unwrap_or((&0, &0));
                let mut groups = vec![Population { count: 0, first: 0, last: 0 }; len];
                for position in part.output_start..part.output_start + count {
                    let index = usize::try_from(position).unwrap_or(usize::MAX);
                    let label = grouping.labels.get(index).copied().flatten();
                    let group = label.and_then(|label| usize::try_from(u64::from(label) - base).ok());
                    let Some(group) = group.and_then(|group| groups.get_mut(group)) else { continue };
                    let places = grouping.places.as_deref();
                    let at = places.map_or(Some(position), |places| places.get(index).copied());
                    let at = at.unwrap_or(0) * place;
                    group.first = if group.count == 0 { at } else { group.first.min(at) };
                    group.last = group.last.max(at);
                    group.count += 1;
                }
                groups
            }
        };
        cells = cells
            .iter()
            .flat_map(|cell| {
                along.iter().map(|next| Population {
                    count: cell.count * next.count,
                    first: cell.first + next.first,
                    last: cell.last + next.last,
                })
            })
            .collect();
    }
    cells
}
