//! One stored chunk to its partial.

use rangefold_array::DataType;

use super::{kernel::Kernel, line::Lines, partial::Partial, reduce_error::ReduceError, texts, walk::Walk};
use crate::{
    meaning::{
        element::Element,
        load::{Component, Loader, Visitor, visit},
        mask::Mask,
        stage::{AsStored, Stage},
        text::TextElements,
    },
    plan::{chunk_task::ChunkTask, reduction_plan::ReductionPlan},
    question::region::Region,
    statistic::{
        cells::{Cells, CellsMut},
        texts::Texts,
    },
};

impl ReductionPlan {
    /// Reduces one chunk. `decoded` is the whole chunk in stored byte order.
    ///
    /// # Errors
    ///
    /// [`ReduceError::Length`] unless `decoded` has just the chunk's length, [`ReduceError::Texts`] if the elements are
    /// texts of any length, and [`ReduceError::Character`].
    pub fn reduce_chunk(&self, task: &ChunkTask, decoded: &[u8]) -> Result<Partial, ReduceError> {
        self.check_len(task, decoded)?;
        reduce(self, task, decoded)
    }

    /// Reduces one chunk of texts, one for each element of the whole chunk, in stored order.
    ///
    /// # Errors
    ///
    /// [`ReduceError::Texts`] unless there are just as many, or if the plan is not one of texts of any length.
    pub fn reduce_texts(&self, task: &ChunkTask, texts: &[&[u8]]) -> Result<Partial, ReduceError> {
        let (expected, len) = (task.elements(), texts.len() as u64);
        if len != expected || !self.has_texts_of_any_length() {
            return Err(ReduceError::Texts { chunk: task.selection.index(), expected, len });
        }
        reduce_texts(self, task, texts)
    }

    pub(crate) fn check_len(&self, task: &ChunkTask, decoded: &[u8]) -> Result<(), ReduceError> {
        if self.has_texts_of_any_length() {
            return Err(ReduceError::Texts {
                chunk: task.selection.index(),
                expected: task.elements(),
                len: 0,
            });
        }
        let (expected, len) = (self.chunk_len(task), decoded.len() as u64);
        if len == expected {
            return Ok(());
        }
        Err(ReduceError::Length { chunk: task.selection.index(), expected, len })
    }
}

/// Reduces a decoded chunk whose length has been checked.
fn reduce(plan: &ReductionPlan, task: &ChunkTask, decoded: &[u8]) -> Result<Partial, ReduceError> {
    let walk = plan.walk(task, None)?;
    let mut cells = plan.empty_cells(walk.region().cells());
    add(plan, task, &walk, decoded, &mut cells)?;
    Ok(Partial::of_cells(plan, task, walk.into_region(), cells))
}

/// Reduces the texts of a chunk, whose number has been checked.
fn reduce_texts(plan: &ReductionPlan, task: &ChunkTask, texts: &[&[u8]]) -> Result<Partial, ReduceError> {
    let walk = plan.walk(task, None)?;
    let mut cells = Texts::new(&plan.wanted, walk.region().cells());
    texts::reduce(plan, task, &walk, TextElements::Any(texts), &mut cells)?;
    Ok(Partial::of_cells(plan, task, walk.into_region(), Cells::Text(cells)))
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
        return texts::reduce(plan, task, walk, TextElements::Fixed(&plan.data_type, decoded), texts);
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

/// Visits the elements, or both parts of complex ones, each with its own cells.
pub(crate) fn by_component<'c, V: Visitor<Output = ()>>(
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
        let Some(columns) = cells.columns::<<S::Value as Element>::Wide>() else { return };
        let mask = mask(plan, stage);
        let mut kernel = Kernel::new(decoded, loader, &mask, stage, &plan.wanted, columns);
        walk.visit(&mut kernel);
        if plan.wanted.deviations {
            let mut deviations = kernel.deviations();
            walk.visit(&mut deviations);
            deviations.finish();
        }
        if let Some(along) = &plan.wanted.along {
            let mut lines = Lines::new(&mut kernel, along);
            walk.visit(&mut lines);
            lines.find_means();
            walk.visit(&mut lines);
            lines.finish();
        }
    }
}
