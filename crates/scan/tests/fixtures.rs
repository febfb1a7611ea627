//! What single fixtures show: requests, lagging records, skipped objects, kerchunk's references.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports, and ends where it fails")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use expect_test::{Expect, expect};
use object_store::local::LocalFileSystem;
use rangefold_hdf5::Options;
use rangefold_refs::{ManifestArray, Reference};
use rangefold_scan::{ScanError, ScanOptions, Select, scan_tuned};
use rangefold_testkit::fixtures;
use serde_json::Value as Json;
use support::{Objects, elements, files, scan_file};

async fn skipped(name: &str, expected: Expect) {
    let scan = scan_file(&fixtures().join(name), &ScanOptions::default()).await.unwrap();
    let lines: Vec<String> = scan.skipped.iter().map(ToString::to_string).collect();
    expected.assert_eq(&lines.join("\n"));
}

#[tokio::test]
async fn what_cannot_be_referenced_is_skipped_with_the_reason() {
    skipped(
        "links/soft_hard_external.h5",
        expect![[r#"dangling: a soft link to "/nowhere", which leads nowhere"#]],
    )
    .await;
    skipped("filters/blosc2.h5", expect!["v: it is encoded with the filter 32026 (blosc2)"]).await;
    skipped(
        "types/compound.h5",
        expect![[r#"
        ragged: it holds sequences of variable length
        references: it holds references"#]],
    )
    .await;
}

#[tokio::test]
async fn an_external_link_is_followed_and_its_array_has_names_of_this_file() {
    let path = fixtures().join("links/soft_hard_external.h5");
    let scan = scan_file(&path, &ScanOptions::default()).await.unwrap();
    let array = &scan.references.arrays["external"];
    let bytes = elements(array, &Objects::new(&path), array.meta.shape()).unwrap();
    let there = scan_file(&fixtures().join("links/target.h5"), &ScanOptions::default()).await.unwrap();
    let array = &there.references.arrays["remote"];
    let expected = elements(array, &Objects::new(&fixtures().join("links/target.h5")), array.meta.shape());
    assert_eq!(bytes, expected.unwrap());
    assert!(scan.references.sources.contains_key("s3://bucket/target.h5"), "{:?}", scan.references.sources);
}

#[tokio::test]
async fn what_readers_in_python_need_is_told() {
    for (name, filter) in [("filters/lzf.h5", "lzf"), ("filters/lz4.h5", "lz4 (HDF5)")] {
        let scan = scan_file(&fixtures().join(name), &ScanOptions::default()).await.unwrap();
        let told = scan.warnings.iter().any(|warning| {
            warning.message.contains("imagecodecs") && warning.message.ends_with(&format!("filter {filter}"))
        });
        assert!(told, "{name}: {:?}", scan.warnings);
    }
}

#[tokio::test]
async fn records_that_were_not_written_read_as_the_fill_value() {
    let path = fixtures().join("netcdf/lagging_unlimited.nc");
    let scan = scan_file(&path, &ScanOptions::default()).await.unwrap();
    let objects = Objects::new(&path);
    let array = &scan.references.arrays["short_filled"];
    let bytes = elements(array, &objects, array.meta.shape()).unwrap();
    let values: Vec<i16> = bytes.as_chunks().0.iter().map(|bytes| i16::from_le_bytes(*bytes)).collect();
    expect!["[5, 3] [0, 1, 2, 3, 4, 5, -7, -7, -7, -7, -7, -7, -7, -7, -7]"]
        .assert_eq(&format!("{:?} {values:?}", array.meta.shape()));
    let array = &scan.references.arrays["short"];
    let bytes = elements(array, &objects, array.meta.shape()).unwrap();
    let values: Vec<f32> = bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    expect!["[5, 3] [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.96921e36, 9.96921e36, 9.96921e36, 9.96921e36, 9.96921e36, 9.96921e36]"].assert_eq(&format!("{:?} {values:?}", array.meta.shape()));
}

#[tokio::test]
async fn a_file_takes_few_rounds_whatever_the_head() {
    let rounds = async |name: &str, head: u64| {
        let path = fixtures().join(name);
        let store = LocalFileSystem::new_with_prefix(path.parent().unwrap()).unwrap();
        let file = object_store::path::Path::parse(path.file_name().unwrap().to_str().unwrap()).unwrap();
        let tuning = Options { head, ..Options::default() };
        let scan = scan_tuned(Arc::new(store), &file, "u", &ScanOptions::default(), tuning).await.unwrap();
        scan.trace.to_string()
    };
    expect![[r#"
        round  1  offset              0  length      34615
        1 rounds, 1 requests, 34615 bytes
    "#]]
    .assert_eq(&rounds("stack/tas_2001.nc", 1 << 20).await);
    expect![[r#"
        round  1  offset              0  length       4096
        round  2  offset           4096  length      30519
        2 rounds, 2 requests, 34615 bytes
    "#]]
    .assert_eq(&rounds("stack/tas_2001.nc", 4096).await);
    expect![[r#"
        round  1  offset              0  length       4096
        round  2  offset           4096  length       4902
        2 rounds, 2 requests, 8998 bytes
    "#]]
    .assert_eq(&rounds("netcdf/strings.nc", 4096).await);
    expect![[r#"
        round  1  offset              0  length       4096
        round  2  offset           4096  length      14639
        2 rounds, 2 requests, 18735 bytes
    "#]]
    .assert_eq(&rounds("netcdf/groups.nc", 4096).await);
}

#[tokio::test]
async fn only_what_is_wanted_is_scanned_and_strict_refuses_to_leave_anything_out() {
    let path = fixtures().join("links/soft_hard_external.h5");
    let strict = ScanOptions { strict: true, ..ScanOptions::default() };
    assert!(matches!(scan_file(&path, &strict).await, Err(ScanError::Strict { .. })));
    let path = fixtures().join("stack/tas_2001.nc");
    let one = ScanOptions { select: Some(Arc::new(|path| path == "tas")), ..ScanOptions::default() };
    let scan = scan_file(&path, &one).await.unwrap();
    assert_eq!(scan.references.arrays.keys().collect::<Vec<_>>(), ["tas"]);
    assert_eq!(scan.skipped, []);
}

#[tokio::test]
async fn references_point_where_the_caller_says() {
    let options = ScanOptions {
        final_url: Some("https://example.org/a.nc".to_owned()),
        inline_threshold: 0,
        ..ScanOptions::default()
    };
    let scan = scan_file(&fixtures().join("layout/contiguous.h5"), &options).await.unwrap();
    assert_eq!(
        scan.references.sources.keys().map(|url| &**url).collect::<Vec<_>>(),
        ["https://example.org/a.nc"]
    );
    for array in scan.references.arrays.values() {
        assert!(array.manifest.urls().iter().all(|url| &**url == "https://example.org/a.nc"));
    }
}

/// Where kerchunk is right it refers to the same bytes, chunk by chunk.
#[tokio::test]
async fn chunks_are_where_kerchunk_says_they_are() {
    let mut compared = 0;
    for golden in files(&fixtures()) {
        let name = golden.to_str().unwrap();
        let Some(path) =
            name.strip_suffix(".kerchunk.json").filter(|path| std::path::Path::new(path).is_file())
        else {
            continue;
        };
        let golden: Json = serde_json::from_slice(&std::fs::read(&golden).unwrap()).unwrap();
        let options = ScanOptions { inline_threshold: 0, ..ScanOptions::default() };
        let scan = scan_file(path.as_ref(), &options).await.unwrap();
        for (key, value) in golden["refs"].as_object().unwrap() {
            let (Some((variable, chunk)), Some(place)) = (key.rsplit_once('/'), value.as_array()) else {
                continue;
            };
            // netCDF's own name for it; kerchunk shows HDF5's.
            let variable = variable.replace("_nc4_non_coord_", "");
            let Some(array) = scan.references.arrays.get(&variable) else {
                panic!("{path}: {variable} is missing")
            };
            let found = range(array, chunk);
            // Chunks that had to be encoded anew are inline here.
            if let Some(found) = found {
                let expected = (place[1].as_u64().unwrap(), place[2].as_u64().unwrap());
                assert_eq!(found, expected, "{path}: {key}");
                compared += 1;
            }
        }
    }
    assert!(compared > 100, "only {compared} references were compared");
}

/// Offset and length of a chunk; `None` if it is inline.
fn range(array: &ManifestArray, key: &str) -> Option<(u64, u64)> {
    let rank = array.meta.shape().len();
    let index = rangefold_array::ChunkKey::parse(key, rank, '.').unwrap();
    let number = array.meta.grid.number(index.index()).unwrap();
    match array.manifest.get(number).unwrap() {
        Reference::Range { range, .. } => Some((range.offset(), range.length())),
        Reference::Inline(_) => None,
        Reference::Whole { .. } => panic!("a whole file"),
    }
}

/// Fill value, dimensions and chunk count of each variable, as text.
#[tokio::test]
async fn fill_values_mark_missing_values_only_where_the_file_does() {
    let path = fixtures().join("netcdf/default_fill.nc");
    let scan = scan_file(&path, &ScanOptions::default()).await.unwrap();
    let show = |(name, array): (&String, &ManifestArray)| {
        let fill = array.meta.fill_value.as_ref().map(|fill| &fill.0);
        let count = array.meta.grid.chunk_count();
        (
            name.clone(),
            format!("{:?} {count} chunks, {} there, fill {fill:?}", array.meta.shape(), array.manifest.len()),
        )
    };
    let shown: BTreeMap<_, _> = scan.references.arrays.iter().map(show).collect();
    expect![[r#"
        {
            "contiguous_f4": "[4, 6] 1 chunks, 1 there, fill Some([0, 0, 0, 0])",
            "contiguous_f8": "[4, 6] 1 chunks, 1 there, fill Some([0, 0, 0, 0, 0, 0, 0, 0])",
            "contiguous_i1": "[4, 6] 1 chunks, 1 there, fill Some([0])",
            "contiguous_i2": "[4, 6] 1 chunks, 1 there, fill Some([0, 0])",
            "contiguous_i4": "[4, 6] 1 chunks, 1 there, fill Some([0, 0, 0, 0])",
            "contiguous_i8": "[4, 6] 1 chunks, 1 there, fill Some([0, 0, 0, 0, 0, 0, 0, 0])",
            "contiguous_u1": "[4, 6] 1 chunks, 1 there, fill Some([0])",
            "contiguous_u2": "[4, 6] 1 chunks, 1 there, fill Some([0, 0])",
            "contiguous_u4": "[4, 6] 1 chunks, 1 there, fill Some([0, 0, 0, 0])",
            "contiguous_u8": "[4, 6] 1 chunks, 1 there, fill Some([0, 0, 0, 0, 0, 0, 0, 0])",
            "no_fill": "[4, 6] 1 chunks, 1 there, fill Some([0, 0, 0, 0])",
            "partly_f4": "[4, 6] 4 chunks, 4 there, fill Some([0, 0, 0, 0])",
            "partly_f8": "[4, 6] 4 chunks, 4 there, fill Some([0, 0, 0, 0, 0, 0, 0, 0])",
            "partly_i1": "[4, 6] 4 chunks, 4 there, fill Some([0])",
            "partly_i2": "[4, 6] 4 chunks, 4 there, fill Some([0, 0])",
            "partly_i4": "[4, 6] 4 chunks, 4 there, fill Some([0, 0, 0, 0])",
            "partly_i8": "[4, 6] 4 chunks, 4 there, fill Some([0, 0, 0, 0, 0, 0, 0, 0])",
            "partly_u1": "[4, 6] 4 chunks, 4 there, fill Some([0])",
            "partly_u2": "[4, 6] 4 chunks, 4 there, fill Some([0, 0])",
            "partly_u4": "[4, 6] 4 chunks, 4 there, fill Some([0, 0, 0, 0])",
            "partly_u8": "[4, 6] 4 chunks, 4 there, fill Some([0, 0, 0, 0, 0, 0, 0, 0])",
            "scalar": "[] 1 chunks, 1 there, fill Some([0, 0, 0, 0])",
        }
    "#]]
    .assert_debug_eq(&shown);
}

#[tokio::test]
async fn elements_in_other_files_are_referenced_there_or_left_out() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let path = folder.join("elsewhere.h5");
    let answers: BTreeMap<String, Option<Vec<i32>>> =
        serde_json::from_slice(&std::fs::read(folder.join("elsewhere.json")).unwrap()).unwrap();
    let scan = scan_file(&path, &ScanOptions::default()).await.unwrap();
    let objects = Objects::new(&path);
    for (name, expected) in &answers {
        let found = scan.references.arrays.get(name).map(|array| {
            let bytes = elements(array, &objects, array.meta.shape()).unwrap();
            bytes.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect::<Vec<_>>()
        });
        assert_eq!(
            found,
            *expected,
            "{name}: {:?}",
            scan.skipped.iter().find(|skipped| skipped.path == *name)
        );
    }
    let lines: Vec<String> = scan.skipped.iter().map(ToString::to_string).collect();
    expect![[r#"
        absolute: it is a virtual dataset, and its part "row" of "/nowhere/source.h5" cannot be read: its name is an absolute path
        converted: it is a virtual dataset, and its part "wide" of "source.h5" holds <i8 where it holds <i4
        cut: it is a virtual dataset, and its part "deflated" of "source.h5" does not take whole chunks, of 4, to whole chunks
        divided_row: its elements are in other files (external storage), and a row of 16 bytes is divided between them
        mixed: it is a virtual dataset, and its sources differ in chunk shape or filters
        no_raw_file: its elements are in "gone.bin" (external storage), but s3://bucket/gone.bin is not there
        part_of_a_row: it is a virtual dataset, and its part "row" of "source.h5" does not take whole chunks, of 4, to whole chunks
        shifted: it is a virtual dataset, and its part "later" of "source.h5" does not take whole chunks, of 4, to whole chunks
        too_short: its elements are at bytes 0.. of "short.bin" (external storage), 40 bytes, but that file has 28
        zeros_in_holes: it is a virtual dataset, and parts of its sources are not stored and have another fill value"#]].assert_eq(&lines.join("\n"));
    let lines: Vec<String> = scan.warnings.iter().map(ToString::to_string).collect();
    expect![[r#"no_such_file: its source file "gone.h5" is not there; that part reads as the fill value"#]]
        .assert_eq(&lines.join("\n"));
    let urls: Vec<&str> = scan.references.sources.keys().map(|url| &**url).collect();
    expect!["s3://bucket/file.nc s3://bucket/long.bin s3://bucket/short.bin s3://bucket/source.h5"]
        .assert_eq(&urls.join(" "));
}

#[tokio::test]
async fn a_dataset_is_chosen_by_any_of_its_names() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/source.h5");
    for name in ["deflated", "second_name"] {
        let select: Select = Arc::new(move |path: &str| path == name);
        let scan =
            scan_file(&path, &ScanOptions { select: Some(select), ..ScanOptions::default() }).await.unwrap();
        assert_eq!(scan.references.arrays.keys().collect::<Vec<_>>(), [name]);
        assert_eq!(scan.references.arrays[name].manifest.len(), 6);
        assert!(scan.skipped.is_empty(), "{:?}", scan.skipped);
    }
}
