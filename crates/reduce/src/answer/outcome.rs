//! The answer to one reduction.

use rangefold_array::{ElementType, Value, Values};

use crate::{chunk::reduce_error::ReduceError, question::reduction::Reduction};

/// The answer to one reduction.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The question.
    pub reduction: Reduction,
    /// Shape of the answer; a histogram's bins are one more axis at the end.
    pub shape: Vec<u64>,
    /// Type of the values.
    pub element: ElementType,
    /// The values, in row-major order of `shape`. Where a cell has no answer, the value here has no meaning; see
    /// [`Outcome::value`].
    pub values: Values,
    /// Valid elements of each cell, in row-major order without the axis of bins.
    pub count: Vec<u64>,
    /// Cells, counted as in `count`, that have no answer because too few positions of their window have a value; empty
    /// without windows.
    pub lacking: Vec<bool>,
}

impl Outcome {
    /// Value number `i` in row-major order of `shape`. `None` if the cell had no values, if its window lacks values, and past
    /// the end.
    ///
    /// Counts and histograms of no values are 0, not `None`.
    #[must_use]
    pub fn value(&self, i: usize) -> Option<Value<'_>> {
        let per_cell = self.values.len().checked_div(self.count.len()).unwrap_or(1).max(1);
        if self.lacking.get(i / per_cell).copied().unwrap_or(false) {
            return None;
        }
        let freedom = self.reduction.freedom();
        let has_values = || self.count.get(i).is_some_and(|&count| count > freedom);
        if self.reduction.is_zero_of_nothing() || has_values() { self.values.get(i) } else { None }
    }
}

impl Outcome {
    /// Joins the answers for real and imaginary parts; counts stay as they are.
    pub(crate) fn with_imaginary(self, imaginary: Self) -> Self {
        match (&self.values, &imaginary.values) {
            (Values::Float(real), Values::Float(imaginary)) => Self {
                element: if self.element == ElementType::Complex64 {
                    ElementType::Complex64
                } else {
                    ElementType::Complex128
                },
                values: Values::Complex(real.iter().zip(imaginary).map(|(&re, &im)| [re, im]).collect()),
                ..self
            },
            _ => self,
        }
    }
}

/// The answer to one reduction, or the error of this one alone: [`ReduceError::Overflow`] if an integer sum does not fit its
/// type.
pub type Answered = Result<Outcome, ReduceError>;
