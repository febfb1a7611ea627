//! A reference document, JSON or the index of Parquet references: reading it may fail, but nothing may panic or
//! allocate out of proportion, and what was read must be read alike after it was written.

#![no_main]

#[path = "../bodies/references.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::run(bytes));
