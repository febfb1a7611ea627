//! One chunk of texts.

use std::borrow::Cow;

use rangefold_array::DataType;

use super::{
    partial::Partial,
    population::populations,
    reduce_error::ReduceError,
    walk::{Run, RunSink, Walk},
};
use crate::{
    meaning::{stored::FILL_ORDER, text::TextElements},
    plan::{chunk_task::ChunkTask, reduction_plan::ReductionPlan},
    statistic::{cells::Cells, texts::Texts},
};

/// Takes the texts of a chunk.
struct TextSink<'a> {
    source: TextElements<'a>,
    missing: &'a [Vec<u8>],
    texts: &'a mut Texts,
    /// The first number that is no character.
    broken: Option<u32>,
}

impl TextSink<'_> {
    fn take(&mut self, run: Run, cell_step: usize) {
        for k in 0..run.len {
            match self.source.text(run.first + k * run.stride) {
                Ok(text) if self.missing.iter().any(|missing| **missing == *text) => {}
                Ok(text) => {
                    let place = run.place + k as u64 * run.place_stride;
                    self.texts.add(run.cell + k * cell_step, &text, 1, (place, place));
                }
                Err(number) => self.broken = self.broken.or(Some(number)),
            }
        }
    }
}

impl RunSink for TextSink<'_> {
    fn to_one_cell(&mut self, run: Run) {
        self.take(run, 0);
    }

    fn to_cells(&mut self, run: Run) {
        self.take(run, 1);
    }
}

/// Adds the texts of a chunk, as many as it has elements.
///
/// # Errors
///
/// [`ReduceError::Character`].
pub(crate) fn reduce(
    plan: &ReductionPlan,
    task: &ChunkTask,
    walk: &Walk<'_>,
    source: TextElements<'_>,
    texts: &mut Texts,
) -> Result<(), ReduceError> {
    let mut sink = TextSink { source, missing: &plan.missing_texts, texts, broken: None };
    walk.visit(&mut sink);
    match sink.broken {
        Some(number) => Err(ReduceError::Character { chunk: task.selection.index(), number }),
        None => Ok(()),
    }
}

/// The partial of a chunk that holds nothing but the fill value; without one, texts of any length are empty.
///
/// # Errors
///
/// [`ReduceError::FillValue`] if the fill value has not the length of an element, and [`ReduceError::Character`].
pub(crate) fn absent(plan: &ReductionPlan, task: &ChunkTask) -> Result<Partial, ReduceError> {
    let missing = Partial::missing(task);
    let fill = plan.fill_value.as_ref().map(|fill| fill.0.as_slice());
    // HDF5 and netCDF read texts of any length that were never written as empty ones.
    let unwritten = plan.has_texts_of_any_length().then_some(&[][..]);
    let Some(fill) = fill.or(unwritten) else { return Ok(missing) };
    let stored = DataType { element: plan.data_type.element.clone(), order: FILL_ORDER };
    let text = match stored.size() {
        None => Ok(Cow::Borrowed(fill)),
        Some(expected) if expected != fill.len() => {
            return Err(ReduceError::FillValue { expected, len: fill.len() });
        }
        Some(_) => TextElements::Fixed(&stored, fill).text(0),
    };
    let text = text.map_err(|number| ReduceError::Character { chunk: task.selection.index(), number })?;
    if plan.missing_texts.iter().any(|missing| **missing == *text) {
        return Ok(missing);
    }
    let region = plan.walk(task, None)?.into_region();
    let populations = populations(plan, task, &region);
    let mut texts = Texts::new(&plan.wanted, populations.len());
    for (cell, population) in populations.iter().enumerate().filter(|(_, population)| population.count > 0) {
        texts.add(cell, &text, population.count, (population.first, population.last));
    }
    Ok(Partial::of_cells(plan, task, region, Cells::Text(texts)))
}
