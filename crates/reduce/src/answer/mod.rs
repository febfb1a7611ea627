//! Statistics of all cells to answers.
//!
//! Nothing here knows a chunk. An answer has no labels and no units: those belong to the dataset.

mod numbers;
pub(crate) mod outcome;
pub(crate) mod quantile;
mod texts;
