//! One chunk to its partial.

use rangefold_array::{DataType, ElementType};

use crate::{
    AxisMap, ChunkTask, Partial, ReduceError, ReductionPlan,
    columns::{Columns, bin_of},
    condition::Matches,
    element::{Element, Loader, Part, Visitor, Wide, visit},
    kernel::{AsStored, Kernel, Stage},
    mask::Mask,
    partial::Cells,
    plan::FILL_ORDER,
    walk::{Region, Walk},
};

/// Reduces a decoded chunk whose length has been checked.
pub(crate) fn reduce(plan: &ReductionPlan, task: &ChunkTask, decoded: &[u8]) -> Result<Partial, ReduceError> {
    let walk = plan.walk(task)?;
    let cells = by_part(&plan.data_type, |_| Chunk { plan, walk: &walk, decoded });
    Ok(Partial { ordinal: task.ordinal, region: walk.into_region(), cells })
}

/// The partial of a chunk that holds nothing but the fill value, in closed form.
pub(crate) fn absent(plan: &ReductionPlan, task: &ChunkTask) -> Result<Partial, ReduceError> {
    let missing = Partial { ordinal: task.ordinal, region: Region::default(), cells: Cells::Missing };
    let Some(fill) = &plan.fill_value else { return Ok(missing) };
    let expected = plan.data_type.size().unwrap_or(0);
    if fill.0.len() != expected {
        return Err(ReduceError::FillValue { expected, len: fill.0.len() });
    }
    let stored = DataType { element: plan.data_type.element.clone(), order: FILL_ORDER };
    if !visit(&stored, Part::Real, Counts { plan, fill: &fill.0 }).unwrap_or(false) {
        return Ok(missing);
    }
    let region = plan.walk(task)?.into_region();
    let populations = populations(plan, task, &region);
    let cells = by_part(&stored, |_| Absent { plan, fill: &fill.0, populations: &populations });
    Ok(Partial { ordinal: task.ordinal, region, cells })
}

/// Visits the elements, or both parts of complex ones.
fn by_part<V: Visitor<Output = Cells>>(data_type: &DataType, visitor: impl Fn(Part) -> V) -> Cells {
    let cells = |part| visit(data_type, part, visitor(part)).unwrap_or(Cells::Missing);
    let real = cells(Part::Real);
    match (&data_type.element, real) {
        (ElementType::Complex64 | ElementType::Complex128, Cells::Float(real)) => {
            match cells(Part::Imaginary) {
                Cells::Float(imaginary) => Cells::Complex(real, Box::new(imaginary)),
                other => other,
            }
        }
        (_, real) => real,
    }
}

/// The test for valid elements, for a plan's missing values and condition.
fn mask<T: Element, S: Stage<T>>(plan: &ReductionPlan, stage: S) -> Mask<T> {
    let condition = plan.condition.as_ref().map(|condition| (condition, move |x| stage.unpacked(x)));
    Mask::new(&plan.fills, plan.bounds, condition)
}

/// A decoded chunk.
struct Chunk<'a> {
    plan: &'a ReductionPlan,
    walk: &'a Walk<'a>,
    decoded: &'a [u8],
}

impl Visitor for Chunk<'_> {
    type Output = Cells;

    fn visit<T: Element>(self, loader: Loader<T>) -> Cells {
        match self.plan.packing {
            Some(packing) => self.run(loader, packing),
            None => self.run(loader, AsStored),
        }
    }
}

impl Chunk<'_> {
    fn run<T: Element, S: Stage<T>>(self, loader: Loader<T>, stage: S) -> Cells {
        let Self { plan, walk, decoded } = self;
        let mask = mask(plan, stage);
        let mut kernel = Kernel::new(decoded, loader, &mask, stage, &plan.wanted, walk.region().cells());
        walk.visit(&mut kernel);
        if plan.wanted.deviations {
            let mut deviations = kernel.deviations();
            walk.visit(&mut deviations);
            deviations.finish();
        }
        Wide::into_cells(kernel.into_columns())
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
}

impl Visitor for Absent<'_> {
    type Output = Cells;

    fn visit<T: Element>(self, loader: Loader<T>) -> Cells {
        let x = loader.one(self.fill);
        match self.plan.packing {
            Some(packing) => self.fill(x, packing),
            None => self.fill(x, AsStored),
        }
    }
}

impl Absent<'_> {
    fn fill<T: Element, S: Stage<T>>(self, x: T, stage: S) -> Cells {
        let wanted = &self.plan.wanted;
        let mut columns = Columns::new(wanted, self.populations.len());
        if x.is_nan() {
            columns.nan.iter_mut().zip(self.populations).for_each(|(nan, cell)| *nan = cell.count);
            return Wide::into_cells(columns);
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
        Wide::into_cells(columns)
    }
}

/// How many elements of a chunk belong to a cell, and the places of the first and the last.
#[derive(Clone, Copy)]
struct Population {
    count: u64,
    first: u64,
    last: u64,
}

/// The population of every cell of a partial. It is a product over the axes.
fn populations(plan: &ReductionPlan, task: &ChunkTask, region: &Region) -> Vec<Population> {
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
                vec![Population { count: 1, first: 0, last: 0 }; len]
            }
            AxisMap::Group(grouping) => {
                let (&base, &len) = starts.next().unwrap_or((&0, &0));
                let mut groups = vec![Population { count: 0, first: 0, last: 0 }; len];
                for position in part.output_start..part.output_start + count {
                    let label = usize::try_from(position).ok().and_then(|i| *grouping.labels.get(i)?);
                    let group = label.and_then(|label| usize::try_from(u64::from(label) - base).ok());
                    let Some(group) = group.and_then(|group| groups.get_mut(group)) else { continue };
                    if group.count == 0 {
                        group.first = position * place;
                    }
                    group.last = position * place;
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
