//! Every heap, group node and version 2 B-tree node, on the same bytes: none may panic, loop for ever or allocate out
//! of proportion. A header comes first where a structure needs one, and the structure behind it.

#![no_main]

#[path = "../bodies/hdf5_heaps.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::run(bytes));
