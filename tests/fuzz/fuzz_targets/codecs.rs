//! An encoded chunk: undoing a codec may fail, but must not panic, and yields the wanted length or nothing.

#![no_main]

#[path = "../bodies/codecs.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::run(bytes));
