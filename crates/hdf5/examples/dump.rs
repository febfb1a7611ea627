//! Prints every structure of a local HDF5 file.

use rangefold_hdf5::dump::Dump;
use rangefold_hdf5::{Options, read_slice};

#[allow(clippy::print_stdout, reason = "printing is all this does")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("which file?")?;
    let file = read_slice(&std::fs::read(path)?, &Options { dump: true, ..Options::default() })?;
    print!("{}", Dump(&file));
    Ok(())
}
