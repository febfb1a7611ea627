//! The words of a question: reading them may fail, but must not panic.

#![no_main]

#[path = "../bodies/query.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::run(bytes));
