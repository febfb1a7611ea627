//! The labelled answer to a question.

use std::fmt;

use ndarray::ArrayD;
use rangefold_active::Statistics;
use rangefold_reduce::{ReduceError, Reduction};

use crate::answer_error::AnswerError;
use crate::field::Field;
use crate::query_error::QueryError;
use crate::reductions;

/// The answer to a question about one variable: a labelled array for each reduction that was asked for.
#[derive(Debug)]
pub struct Answer {
    /// Path of the variable.
    pub variable: String,
    /// The labelled arrays of the reductions that have an answer, in the order they were asked in; the selected values
    /// themselves where no reduction was asked for.
    pub fields: Vec<Field>,
    /// The reductions that have none, with their place in the order. They leave the others their answers.
    pub unanswered: Vec<(usize, Unanswered)>,
    /// What the question may not have meant.
    pub warnings: Vec<String>,
    /// What it took.
    pub statistics: Statistics,
}

/// One reduction that has no answer.
#[derive(Debug)]
pub struct Unanswered {
    /// The reduction.
    pub reduction: Reduction,
    /// Why there is none.
    pub reason: Reason,
}

/// Why a reduction has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// It is not defined for the variable.
    #[error(transparent)]
    Undefined(#[from] QueryError),
    /// It has no value: a sum of integers that is too large.
    #[error(transparent)]
    Failed(#[from] ReduceError),
}

impl Answer {
    /// The one labelled array there is where one reduction, or the values themselves, were asked for; of several the first.
    ///
    /// # Errors
    ///
    /// [`AnswerError::NoFields`] if the reduction has no answer; [`Answer::unanswered`] says why.
    pub fn field(&self) -> Result<&Field, AnswerError> {
        let missing = || AnswerError::NoFields { variable: self.variable.clone() };
        self.fields.first().ok_or_else(missing)
    }

    /// The values of [`Answer::field`], NaN where they are missing. Of shape `[]` if all dimensions were reduced.
    ///
    /// # Errors
    ///
    /// As [`Answer::field`]; [`AnswerError::Array`] if the values are texts or complex numbers, or integers that a float
    /// of 64 bits does not hold.
    pub fn values(&self) -> Result<ArrayD<f64>, AnswerError> {
        Ok(self.field()?.array()?)
    }

    /// The labelled array of the reduction called `name`: `max`, `quantile(0.9)`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Field> {
        let is_it = |field: &&Field| {
            field.operation.as_ref().is_some_and(|operation| reductions::name(&operation.reduction) == name)
        };
        self.fields.iter().find(is_it)
    }
}

impl fmt::Display for Answer {
    /// One line for each reduction: `tas mean = 287.9 K`, or its dimensions.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, field) in self.fields.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{field}")?;
        }
        Ok(())
    }
}
