//! Every parser of a chunk index, on the same bytes: none may panic, loop for ever or allocate out of proportion.

#![no_main]

#[path = "../bodies/hdf5_chunk_index.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::run(bytes));
