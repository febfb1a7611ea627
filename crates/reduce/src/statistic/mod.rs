//! What is kept of each cell: one column for each statistic, and how two cells are merged.
//!
//! Nothing here reads a chunk, and nothing here is an answer.

pub(crate) mod cells;
pub(crate) mod columns;
pub(crate) mod line;
pub(crate) mod located;
pub(crate) mod texts;
pub(crate) mod wanted;
