//! Links into other files: loops, long chains, soft links onto them, and what they cost over an object store.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports, and ends where it fails")]

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use expect_test::{Expect, expect};
use object_store::ObjectStoreExt as _;
use object_store::memory::InMemory;
use object_store::path::Path as Key;
use rangefold_scan::{Scan, ScanOptions, scan};
use rangefold_testkit::RecordingStore;
use support::{Objects, elements, files};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/links")
}

/// Scans a file of the folder, all of whose files lie in a bucket. References say [`support::URL`] for it.
async fn scan_in_bucket(name: &str) -> (Scan, RecordingStore) {
    let bucket = InMemory::new();
    for path in files(&folder()) {
        let key = Key::from(path.file_name().unwrap().to_str().unwrap());
        bucket.put(&key, std::fs::read(&path).unwrap().into()).await.unwrap();
    }
    let store = RecordingStore::new(Arc::new(bucket));
    let options = ScanOptions { inline_threshold: 0, ..ScanOptions::default() };
    let url = format!("s3://bucket/{name}");
    let scan = scan(Arc::new(store.clone()), &Key::from(name), &url, &options).await.unwrap();
    (scan, store)
}

fn values(scan: &Scan, name: &str, path: &str) -> Vec<i32> {
    let array = &scan.references.arrays[path];
    let bytes = elements(array, &Objects::new(&folder().join(name)), array.meta.shape()).unwrap();
    bytes.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect()
}

fn skipped(scan: &Scan, expected: Expect) {
    let lines: Vec<String> = scan.skipped.iter().map(ToString::to_string).collect();
    expected.assert_eq(&lines.join("\n"));
}

#[tokio::test]
async fn soft_links_onto_external_ones_lead_as_far_as_those() {
    let (scan, store) = scan_in_bucket("master.h5").await;
    assert_eq!(
        scan.references.arrays.keys().collect::<Vec<_>>(),
        ["linked", "soft", "soft_twice", "through", "whole/d"]
    );
    for path in scan.references.arrays.keys() {
        assert_eq!(values(&scan, "master.h5", path), [7, 8, 9], "{path}");
    }
    skipped(
        &scan,
        expect![[r#"
        gone: an external link to "/d" in the file "gone.h5", which is missing: s3://bucket/gone.h5 is not there
        no_such_name: an external link to "/e" in the file "chain_10.h5", which has no group or dataset of that name"#]],
    );
    // One file is read once, however many links lead to it.
    expect![[r#"
        round 1
          GET master.h5 0..1048576 -> 284 bytes
        round 2
          GET chain_10.h5 0..1048576 -> 2060 bytes
          GET gone.h5 0..1048576 -> NotFound
        round 3
          HEAD gone.h5 -> NotFound
        3 rounds, 4 requests, 2344 bytes
    "#]]
    .assert_eq(&store.trace());
}

#[tokio::test]
async fn links_that_lead_in_circles_end() {
    let (scan, store) = scan_in_bucket("circle_a.h5").await;
    assert_eq!(scan.references.arrays.keys().collect::<Vec<_>>(), ["b/two", "one"]);
    assert_eq!(values(&scan, "circle_a.h5", "b/two"), [2, 3]);
    skipped(
        &scan,
        expect![[r#"
        b/a: an external link to "/" in the file "circle_a.h5", which was not followed: it leads back to where it is
        itself: an external link to "/" in the file "circle_a.h5", which was not followed: it leads back to where it is"#]],
    );
    assert_eq!(store.requests().len(), 2, "{}", store.trace());
}

#[tokio::test]
async fn chains_of_links_are_followed_so_far() {
    let (eight, _) = scan_in_bucket("chain_02.h5").await;
    assert_eq!(values(&eight, "chain_02.h5", "d"), [7, 8, 9]);
    skipped(&eight, expect![[r#""#]]);
    let (nine, store) = scan_in_bucket("chain_01.h5").await;
    assert!(nine.references.arrays.is_empty());
    skipped(
        &nine,
        expect![[
            r#"d: an external link to "/d" in the file "chain_10.h5", which was not followed: it is the end of more than 8 links from file to file"#
        ]],
    );
    assert!(store.requests().iter().all(|request| request.path != "chain_10.h5"));
}
