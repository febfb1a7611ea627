//! HDF5 metadata through ranged reads: where every object, attribute and chunk lies, in a few parallel rounds.

pub mod chunk_table;
pub mod error;
pub mod format;
pub mod limits;
pub mod range;
