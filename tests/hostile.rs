//! Damaged, truncated and foreign files: each ends in an error or an answer, soon and in bounded memory.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a helper that fails fails the test"
)]

use std::time::{Duration, Instant};

use rangefold::scan::{ScanOptions, scan};
use rangefold::storage::{Environment, Storage, StorageOptions};
use rangefold_testkit::files_below;

/// A file that has not ended by then is said to hang. It is no measure of speed: the slowest takes a fraction of a second.
const HANGS_AFTER: Duration = Duration::from_secs(10);

#[tokio::test]
async fn every_hostile_file_ends_in_an_error_or_an_answer() {
    let Some(corpus) = rangefold_testkit::corpus() else { return };
    let storage = Storage::new(StorageOptions::default(), Environment::default()).unwrap();
    let (mut answered, mut refused, mut slowest) = (0, 0, Duration::ZERO);
    let files = files_below(&corpus.join("hostile"));
    for file in &files {
        let url = file.to_str().unwrap();
        let (store, path) = storage.resolve(url).unwrap();
        let started = Instant::now();
        let scanned =
            tokio::time::timeout(HANGS_AFTER, scan(store, &path, url, &ScanOptions::default())).await;
        slowest = slowest.max(started.elapsed());
        let Ok(scanned) = scanned else { panic!("{url} hangs") };
        match scanned {
            Ok(scanned) => {
                answered += 1;
                rangefold::refs::json::write(&scanned.references).unwrap();
            }
            Err(error) => {
                refused += 1;
                assert!(!error.to_string().is_empty());
            }
        }
    }
    println!(
        "{} hostile files: {answered} answered in whole or part, {refused} refused, slowest {slowest:?}",
        files.len()
    );
    assert!(refused > 0 || files.is_empty(), "some of them are not HDF5 at all");
}
