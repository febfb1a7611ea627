//! Chunks that are not stored: full of the fill value, and reduced without making their elements.

use std::ops::Range;

use rangefold_array::{AxisPart, DataType};

use super::{
    partial::Partial,
    population::{Population, populations},
    reduce::{by_component, mask},
    reduce_error::ReduceError,
    texts,
};
use crate::{
    meaning::{
        element::Element,
        load::{Component, Loader, Visitor, visit},
        matches::Matches,
        stage::{AsStored, Stage},
        stored::FILL_ORDER,
    },
    plan::{chunk_task::ChunkTask, reduction_plan::ReductionPlan},
    question::axis_map::AxisMap,
    statistic::{cells::CellsMut, columns::bin_of},
};

/// Cells that a task for several absent chunks may have, unless one of the chunks alone has more.
const ABSENT_CELLS: u64 = 1 << 16;

impl ReductionPlan {
    /// What a chunk that is not stored contributes: its elements are the fill value, or missing if there is none.
    ///
    /// # Errors
    ///
    /// [`ReduceError::FillValue`] if the fill value has not the length of an element.
    pub fn absent_chunk(&self, task: &ChunkTask) -> Result<Partial, ReduceError> {
        absent(self, task)
    }

    /// Whether a chunk that is not stored contributes anything: not if its elements are missing.
    #[must_use]
    pub fn absent_counts(&self) -> bool {
        absent_counts(self)
    }

    /// Tasks for the chunks with these ordinals, none of which is stored: as few as their shape and memory allow, so that
    /// they take no time of their own however many they are. Where they contribute something, none has chunks of two blocks.
    pub fn absent_tasks(&self, ordinals: Range<u64>) -> impl Iterator<Item = ChunkTask> + '_ {
        let is_nothing = !self.absent_counts();
        let fits = move |axes: &[AxisPart]| {
            is_nothing
                || axes.iter().zip(&self.axes).fold(1, |n: u64, (part, map)| {
                    let count = part.within.count();
                    n.saturating_mul(match map {
                        AxisMap::Reduce => 1,
                        AxisMap::Keep => count,
                        AxisMap::Group(grouping) => count.min(grouping.groups.into()),
                    })
                }) <= ABSENT_CELLS
        };
        let is_told_apart = !is_nothing;
        let blocks = self.by_block(ordinals, is_told_apart);
        let boxes = blocks.flat_map(move |ordinals| self.chunks.boxes(ordinals, fits));
        boxes.map(|(ordinal, chunks, selection)| ChunkTask { ordinal, selection, chunks })
    }
}

/// The partial of a chunk that holds nothing but the fill value, in closed form.
fn absent(plan: &ReductionPlan, task: &ChunkTask) -> Result<Partial, ReduceError> {
    if plan.has_texts() {
        return texts::absent(plan, task);
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
    if plan.wanted.along.is_some() {
        return Err(ReduceError::AbsentLine { chunk: task.selection.index() });
    }
    let stored = DataType { element: plan.data_type.element.clone(), order: FILL_ORDER };
    let region = plan.walk(task, None)?.into_region();
    let populations = populations(plan, task, &region);
    let mut cells = plan.empty_cells(populations.len());
    by_component(&stored, &mut cells, |cells| Absent {
        plan,
        fill: &fill.0,
        populations: &populations,
        cells,
    });
    Ok(Partial::of_cells(plan, task, region, cells))
}

/// Whether a chunk that is not stored may contribute anything.
fn absent_counts(plan: &ReductionPlan) -> bool {
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
        let Some(columns) = self.cells.columns::<<S::Value as Element>::Wide>() else { return };
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
