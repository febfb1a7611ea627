//! The superblock and every message of an object header, on the same bytes: none may panic, loop for ever or allocate
//! out of proportion.

#![no_main]

#[path = "../bodies/hdf5_messages.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::run(bytes));
