//! A whole file, with the checksums of mutated structures made right again: reading it may fail, and so may parts of
//! it, but nothing may panic, loop for ever or allocate out of proportion.

#![no_main]

#[path = "../bodies/hdf5_file.rs"]
mod body;
#[path = "../../../crates/hdf5/tests/support/seals.rs"]
mod seals;

use std::cell::RefCell;
use std::collections::HashMap;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use rangefold_hdf5::format::checksum::lookup3;
use seals::Seal;

fuzz_target!(|bytes: &[u8]| body::run(bytes));

thread_local! {
    /// Where the seals of inputs are, by the checksum of the input: the search takes longer than a thousand mutations.
    static SEALS: RefCell<HashMap<u32, Vec<Seal>>> = RefCell::default();
}

/// Inputs whose seals are remembered.
const REMEMBERED_MAX: usize = 10_000;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let known = SEALS.with_borrow(|known| known.get(&lookup3(&data[..size])).cloned());
    let seals = known.unwrap_or_else(|| seals::find(&data[..size]));
    // Every fourth mutation may be caught by a checksum: that way is to be walked as well.
    let reseal = !seed.is_multiple_of(4);
    // Bytes that move take the structures away from their addresses, so mostly they stay.
    let max_size = if seed % 8 < 6 { size } else { max_size };
    let size = fuzzer_mutate(data, size, max_size);
    let mutated = &mut data[..size];
    if reseal {
        seals::restore(mutated, &seals);
    }
    SEALS.with_borrow_mut(|known| {
        if known.len() >= REMEMBERED_MAX {
            known.clear();
        }
        known.insert(lookup3(mutated), seals);
    });
    size
});
