//! Partials of many chunks joined, in one fixed order; cells of the answer joined in windows; values gathered.
//!
//! No element of a chunk is looked at here.

pub(crate) mod accumulator;
pub(crate) mod bytes;
pub(crate) mod gathering;
pub(crate) mod node;
pub(crate) mod roll;
pub(crate) mod slab;
pub(crate) mod tally;
pub(crate) mod tree;
