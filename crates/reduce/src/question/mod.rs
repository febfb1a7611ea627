//! What is asked: reductions, which axes stay or go, conditions, folds, windows.
//!
//! Plain values without an array: nothing here knows a chunk, and nothing is computed.

pub(crate) mod axis_map;
pub(crate) mod condition;
pub(crate) mod fold;
pub(crate) mod reduction;
pub(crate) mod region;
pub(crate) mod spec;
pub(crate) mod windows;
