//! A whole file, with the checksums of mutated structures made right again: reading it may fail, and so may parts of
//! it, but nothing may panic, loop for ever or allocate out of proportion.

#![no_main]

#[path = "../../../crates/hdf5/tests/support/seals.rs"]
mod seals;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use rangefold_hdf5::{Options, read_slice};

fuzz_target!(|bytes: &[u8]| {
    let options = Options { lenient: bytes.len() % 4 == 0, dump: bytes.len() % 8 == 1, ..Options::default() };
    let _ = read_slice(bytes, &options);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let seals = seals::find(&data[..size]);
    // Every fourth mutation may be caught by a checksum: that way is to be walked as well.
    let reseal = seed % 4 != 0;
    // Bytes that move take the structures away from their addresses, so mostly they stay.
    let max_size = if seed % 8 < 6 { size } else { max_size };
    let size = fuzzer_mutate(data, size, max_size);
    if reseal {
        seals::restore(&mut data[..size], &seals);
    }
    size
});
