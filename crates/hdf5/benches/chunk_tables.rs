//! Seconds of processor time to a complete table of a million chunks, for each kind of index, beside `hdf5-reader`.
//!
//! `RANGEFOLD_MILLION` names a folder with HDF5 files of one large dataset each; see `BENCH.md`. Without it nothing is
//! measured. The files are in memory, so nothing but parsing is counted.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    reason = "a bench talks through its output, and has nobody to return an error to"
)]

#[path = "../tests/support/peer.rs"]
mod peer;

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use rangefold_hdf5::model::Layout;
use rangefold_hdf5::{Options, read_bytes};
use rustix::time::{ClockId, clock_gettime};

/// The best of so many runs counts: the others were disturbed.
const RUNS: usize = 7;

/// Processor time that this process has had, in it and in the system for it.
fn processor_time() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().expect("time is not negative")
}

fn best<T>(mut run: impl FnMut() -> T) -> (Duration, T) {
    let timed = |_| {
        let start = processor_time();
        let result = run();
        (processor_time() - start, result)
    };
    (0..RUNS).map(timed).min_by_key(|(time, _)| *time).expect("there is at least one run")
}

fn compare(path: &Path) {
    let bytes = Bytes::from(std::fs::read(path).expect("the file can be read"));
    let (ours, (kind, count)) = best(|| {
        let file = read_bytes(bytes.clone(), &Options::default()).expect("the file is HDF5");
        let dataset = file.datasets().into_iter().next().expect("the file has a dataset");
        let Layout::Chunked(chunked) = &dataset.layout else { panic!("the dataset is not chunked") };
        (chunked.index, chunked.chunks.as_ref().expect("the index can be read").len())
    });
    let (theirs, their_count) = best(|| {
        let file = hdf5_reader::Hdf5File::from_bytes(&bytes).expect("the file is HDF5");
        let dataset =
            file.root_group().and_then(|root| root.datasets()).expect("the group can be read").remove(0);
        peer::chunks(&file, &dataset).expect("the index can be read").expect("the dataset is chunked").len()
    });
    assert_eq!(count, their_count, "{}", path.display());
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
    println!(
        "{name:<10} {kind:<16?} {count:>9} chunks {ours:>9.1?} hdf5-reader {theirs:>9.1?} {ratio:>5.1} times"
    );
}

fn main() {
    let Some(folder) = std::env::var_os("RANGEFOLD_MILLION") else {
        println!("nothing is measured: RANGEFOLD_MILLION is not set");
        return;
    };
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder can be listed")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "h5"))
        .collect();
    paths.sort();
    for path in &paths {
        compare(path);
    }
}
