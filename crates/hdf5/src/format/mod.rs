//! The structures of the file format, each cut from a slice of bytes. Nothing here awaits.
// Tests may index and add as they like: a panic there is a failed test.
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

pub mod checksum;
pub mod chunk_index;
pub mod cursor;
pub mod layout;
