//! The structures of the file format, each cut from a slice of bytes. Nothing here awaits.
// Tests may index and add as they like: a panic there is a failed test.
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

pub mod attribute;
pub mod btree2;
pub mod checksum;
pub mod chunk_index;
pub mod cursor;
pub mod dataspace;
pub mod datatype;
pub mod external;
pub mod fill;
pub mod filter;
pub mod fractal_heap;
pub mod global_heap;
pub mod group;
pub mod layout;
pub mod link;
pub mod object_header;
pub mod selection;
pub mod sohm;
pub mod superblock;
pub mod text;
pub mod unfilter;
pub mod value;
pub mod virtual_dataset;
