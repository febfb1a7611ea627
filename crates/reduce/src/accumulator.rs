//! Merging partials.

use crate::{
    Outcome, Partial, ReduceError, ReductionPlan,
    columns::Columns,
    outcome::{self, Answer},
    partial::{Cells, Kind},
    walk::Region,
};

/// Merges the partials of a plan's tasks, in their order.
///
/// Because the order is fixed, the answers have the same bits however the partials were made.
#[derive(Clone, Debug)]
pub struct Accumulator<'p> {
    plan: &'p ReductionPlan,
    merged: u64,
    cells: Cells,
}

impl<'p> Accumulator<'p> {
    pub(crate) fn new(plan: &'p ReductionPlan) -> Self {
        let (wanted, cells) = (&plan.wanted, plan.output_cells);
        let cells = match Kind::of(&plan.value_element()) {
            Kind::Signed => Cells::Signed(Columns::new(wanted, cells)),
            Kind::Unsigned => Cells::Unsigned(Columns::new(wanted, cells)),
            Kind::Float => Cells::Float(Columns::new(wanted, cells)),
            Kind::Complex => {
                Cells::Complex(Columns::new(wanted, cells), Box::new(Columns::new(wanted, cells)))
            }
        };
        Self { plan, merged: 0, cells }
    }

    /// Adds the partial of the next task.
    ///
    /// # Errors
    ///
    /// [`ReduceError::Order`] if it belongs to another task, [`ReduceError::Foreign`] to another plan.
    pub fn merge(&mut self, partial: &Partial) -> Result<(), ReduceError> {
        let Partial { ordinal, region, cells } = partial;
        if *ordinal != self.merged {
            return Err(ReduceError::Order { expected: self.merged, ordinal: *ordinal });
        }
        let plan = self.plan;
        let fits = match (&mut self.cells, cells) {
            (_, Cells::Missing) => true,
            (Cells::Signed(mine), Cells::Signed(theirs)) => merge(plan, mine, theirs, region),
            (Cells::Unsigned(mine), Cells::Unsigned(theirs)) => merge(plan, mine, theirs, region),
            (Cells::Float(mine), Cells::Float(theirs)) => merge(plan, mine, theirs, region),
            (Cells::Complex(mine, my_imaginary), Cells::Complex(theirs, their_imaginary)) => {
                merge(plan, mine, theirs, region) && merge(plan, my_imaginary, their_imaginary, region)
            }
            _ => false,
        };
        if !fits {
            return Err(ReduceError::Foreign { ordinal: *ordinal });
        }
        self.merged += 1;
        Ok(())
    }

    /// The answers, in the order of the reductions.
    ///
    /// # Errors
    ///
    /// [`ReduceError::Incomplete`] unless all chunks were merged, [`ReduceError::Overflow`] if an integer sum does not
    /// fit its type.
    pub fn finish(self) -> Result<Vec<Outcome>, ReduceError> {
        let Self { plan, merged, cells } = self;
        let chunks = plan.chunk_count();
        if merged != chunks {
            return Err(ReduceError::Incomplete { merged, chunks });
        }
        match cells {
            Cells::Missing => Ok(Vec::new()),
            Cells::Signed(columns) => outcome::all(plan, &columns),
            Cells::Unsigned(columns) => outcome::all(plan, &columns),
            Cells::Float(columns) => outcome::all(plan, &columns),
            Cells::Complex(real, imaginary) => {
                let (real, imaginary) = (outcome::all(plan, &real)?, outcome::all(plan, &imaginary)?);
                Ok(real
                    .into_iter()
                    .zip(imaginary)
                    .map(|(real, imaginary)| real.with_imaginary(imaginary))
                    .collect())
            }
        }
    }
}

/// Adds the cells of `region` to those of the answer; `false`, and nothing added, if they do not fit.
fn merge<X: Answer>(
    plan: &ReductionPlan,
    mine: &mut Columns<X>,
    theirs: &Columns<X>,
    region: &Region,
) -> bool {
    let shape = &plan.output_shape;
    let inside =
        region.start.len() == shape.len()
            && region.shape.len() == shape.len()
            && region.start.iter().zip(&region.shape).zip(shape).all(|((&start, &len), &whole)| {
                start.checked_add(len as u64).is_some_and(|end| end <= whole)
            });
    if !inside || !theirs.have(&plan.wanted, region.cells()) {
        return false;
    }
    // One row of neighbouring cells at a time: the last axis is contiguous in the answer and in the partial.
    let row_len = region.shape.last().copied().unwrap_or(1);
    if row_len == 0 {
        return true;
    }
    for (row, source) in (0..region.cells()).step_by(row_len).enumerate() {
        let mut rest = row;
        let mut at = 0_u64;
        let mut stride = 1_u64;
        for (axis, (&start, &whole)) in region.start.iter().zip(shape).enumerate().rev() {
            let mut position = start;
            if axis + 1 < shape.len() {
                position += (rest % region.shape[axis]) as u64;
                rest /= region.shape[axis];
            }
            at += position * stride;
            stride *= whole;
        }
        // The plan has checked that the answer's cells can be addressed.
        let Ok(at) = usize::try_from(at) else { return false };
        mine.merge(at, theirs, source..source + row_len);
    }
    true
}
