//! How many requests and rounds the fixtures cost to scan: a snapshot of every trace.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

use std::fmt::Write as _;

use expect_test::expect_file;
use rangefold::hdf5::Options;
use rangefold::scan::{ScanOptions, scan_tuned};
use rangefold::storage::{Environment, Storage, StorageOptions};
use rangefold_testkit::{files_below, fixtures};

/// With a small first request, so that the chain of addresses in each file shows; files are never fetched whole.
#[tokio::test]
async fn the_requests_of_a_scan_are_these() {
    let storage = Storage::new(StorageOptions::default(), Environment::default()).unwrap();
    let mut traces = String::new();
    for file in files_below(&fixtures()) {
        let name = file.strip_prefix(fixtures()).unwrap().to_str().unwrap().to_owned();
        if !name.ends_with(".nc") && !name.ends_with(".h5") {
            continue;
        }
        let url = file.to_str().unwrap();
        let (store, path) = storage.resolve(url).unwrap();
        let options = ScanOptions::default();
        let usual = scan_tuned(store.clone(), &path, url, &options, Options::default()).await.unwrap();
        assert!(usual.trace.rounds() <= 3, "{name} takes {} rounds", usual.trace.rounds());
        let small = Options { head: 4096, gap: 0, whole: 0, ..Options::default() };
        let scanned = scan_tuned(store, &path, url, &options, small).await.unwrap();
        writeln!(
            traces,
            "{name}: {} round(s) as a rule; with a head of 4 KiB:\n{}",
            usual.trace.rounds(),
            scanned.trace
        )
        .unwrap();
    }
    expect_file!["traces.txt"].assert_eq(&traces);
}
