//! Why a question has no answer.

use rangefold_active::{PartError, RunError};
use rangefold_store::OpenError;

use crate::coordinate::CoordinateError;
use crate::field::NoArray;
use crate::query_error::QueryError;
use crate::words::WordsError;

/// A question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The question says nothing, whatever the data are.
    #[error(transparent)]
    Words(#[from] WordsError),
    /// The question does not fit the variable.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// References that the question needs cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A chunk cannot be fetched, decoded or reduced.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Parts of an answer cannot be made, read or merged.
    #[error(transparent)]
    Part(#[from] PartError),
    /// The labels of a dimension cannot be read.
    #[error(transparent)]
    Coordinate(#[from] CoordinateError),
    /// No reduction has an answer.
    #[error("variable {variable:?} has no answer to any of what was asked")]
    NoFields {
        /// The variable.
        variable: String,
    },
    /// A part of a selection has no values.
    #[error(transparent)]
    Reduce(#[from] rangefold_reduce::ReduceError),
    /// The values do not make an array of floats.
    #[error(transparent)]
    Array(#[from] NoArray),
}

impl AnswerError {
    /// Whether another question may have an answer where this one has none: a person can correct it. Else something is
    /// wrong with the data, or with the way to them.
    #[must_use]
    pub fn is_about_the_question(&self) -> bool {
        match self {
            Self::Words(_) | Self::Query(_) => true,
            Self::Open(_)
            | Self::Run(_)
            | Self::Part(_)
            | Self::Coordinate(_)
            | Self::NoFields { .. }
            | Self::Reduce(_)
            | Self::Array(_) => false,
        }
    }
}
