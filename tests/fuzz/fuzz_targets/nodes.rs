//! Bytes of a partial answer: reading them may fail, but must not panic, and what they give is merged or refused.

#![no_main]

#[path = "../bodies/nodes.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::run(bytes));
