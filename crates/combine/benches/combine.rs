//! 1,000 files of 20 chunks in five variables: sets in memory, and from JSON text to JSON text.
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on must stop")]

mod files;

use std::sync::Arc;

use divan::Bencher;
use files::{files, join};
use rangefold_combine::Input;
use rangefold_refs::json;

fn main() {
    divan::main();
}

#[divan::bench]
fn sets_in_memory(bencher: Bencher<'_, '_>) {
    let inputs: Arc<[Input]> = files(1_000, 1, 20).into();
    bencher.bench(|| join(Arc::clone(&inputs)));
}

#[divan::bench]
fn json_to_json(bencher: Bencher<'_, '_>) {
    let texts: Vec<(String, Vec<u8>)> = files(1_000, 1, 20)
        .into_iter()
        .map(|input| (input.name, json::write(&input.references).unwrap()))
        .collect();
    bencher.bench(|| {
        let inputs: Arc<[Input]> =
            texts.iter().map(|(name, text)| Input::new(name, json::read(text).unwrap())).collect();
        json::write(&join(inputs)).unwrap()
    });
}
