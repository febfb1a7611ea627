//! Why a run has no answer.

use rangefold_codec::DecodeError;
use rangefold_reduce::ReduceError;
use rangefold_store::FetchError;

/// A run failed at a chunk.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no such array.
    #[error("there is no variable {variable:?}")]
    NoVariable {
        /// The path asked for.
        variable: String,
    },
    /// Its bytes could not be fetched.
    #[error("chunk {chunk} of {variable:?}: its bytes cannot be fetched")]
    Fetch {
        /// The variable.
        variable: String,
        /// Key of the chunk.
        chunk: String,
        /// Why.
        source: FetchError,
    },
    /// Its bytes could not be decoded.
    #[error("chunk {chunk} of {variable:?}: its bytes cannot be decoded")]
    Decode {
        /// The variable.
        variable: String,
        /// Key of the chunk.
        chunk: String,
        /// Why.
        source: DecodeError,
    },
    /// It could not be reduced.
    #[error("variable {variable:?} cannot be reduced")]
    Reduce {
        /// The variable.
        variable: String,
        /// Why.
        source: ReduceError,
    },
    /// Chunks are not stored, and stand for values that no anomalies are made of.
    #[error(
        "no anomalies of {variable:?} are made: some of its chunks are not stored, and its fill value is a value of its own"
    )]
    AbsentValues {
        /// The variable.
        variable: String,
    },
    /// Something ended before it had answered.
    #[error("variable {variable:?}: {what} ended without an answer")]
    Lost {
        /// The variable.
        variable: String,
        /// What ended.
        what: &'static str,
    },
}
