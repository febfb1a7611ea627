//! A whole file: reading it may fail, and so may parts of it, but nothing may panic, loop for ever or allocate out of
//! proportion.

use rangefold_hdf5::{Options, read_slice};

pub(crate) fn run(bytes: &[u8]) {
    let options =
        Options { lenient: bytes.len().is_multiple_of(4), dump: bytes.len() % 8 == 1, ..Options::default() };
    let _ = read_slice(bytes, &options);
}
