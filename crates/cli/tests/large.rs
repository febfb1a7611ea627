//! Selections that are written part by part, and arrays that are far larger than what is stored of them.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::{done, foreign, refused};
use tempfile::TempDir;

/// References of one array, whose `chunks` are inline.
fn references(
    folder: &Path,
    shape: &[u64],
    chunk: &[u64],
    dtype: &str,
    fill: Value,
    chunks: &[(&str, &[u8])],
) {
    use base64::Engine as _;
    let meta = json!({"zarr_format": 2, "shape": shape, "chunks": chunk, "dtype": dtype, "fill_value": fill,
        "compressor": null, "filters": null, "order": "C"});
    let names: Vec<String> = (0..shape.len()).map(|axis| format!("d{axis}")).collect();
    let mut array = vec![
        ("v/.zarray".to_owned(), Value::from(meta.to_string())),
        ("v/.zattrs".to_owned(), Value::from(json!({"_ARRAY_DIMENSIONS": names}).to_string())),
    ];
    for (key, bytes) in chunks {
        let text = format!("base64:{}", base64::engine::general_purpose::STANDARD.encode(bytes));
        array.push((format!("v/{key}"), Value::from(text)));
    }
    foreign(folder, "refs.json", &[array]);
}

/// The elements of a `.npy` file.
fn elements(folder: &Path, name: &str) -> Vec<u8> {
    let file = std::fs::read(folder.join(name)).unwrap();
    let header = usize::from(u16::from_le_bytes([file[8], file[9]]));
    file[10 + header..].to_vec()
}

#[test]
fn raw_elements_keep_every_bit() {
    let folder = TempDir::new().unwrap();
    // -0.0, NaN of both signs with payloads, a signalling NaN.
    let bits = [0x8000_0000_u32, 0xffc0_0001, 0x7fc1_2345, 0x7f80_0001];
    let big: Vec<u8> = bits.iter().flat_map(|bits| bits.to_be_bytes()).collect();
    references(folder.path(), &[4], &[4], ">f4", json!(null), &[("0", &big)]);
    done(folder.path(), &["get", "refs.json", "v", "--raw", "-o", "v.npy"]);
    let native: Vec<u8> = bits.iter().flat_map(|bits| bits.to_ne_bytes()).collect();
    assert_eq!(elements(folder.path(), "v.npy"), native);
    references(folder.path(), &[2], &[2], "|S3", json!(null), &[("0", b"a\0bc\0\0")]);
    done(folder.path(), &["get", "refs.json", "v", "--raw", "-o", "v.npy", "--overwrite"]);
    assert_eq!(elements(folder.path(), "v.npy"), b"a\0bc\0\0");
}

#[test]
fn what_is_written_part_by_part_is_what_was_selected() {
    let folder = TempDir::new().unwrap();
    let value = |i: u32, j: u32| (i * 1000 + j) as f32;
    let all = (0..600).flat_map(|i| (0..400).flat_map(move |j| value(i, j).to_le_bytes()));
    let all: Vec<u8> = all.collect();
    references(folder.path(), &[600, 400], &[600, 400], "<f4", json!(null), &[("0.0", &all)]);
    let get = ["get", "refs.json", "v", "--memory", "1MiB", "--overwrite", "-o", "v.npy"];
    done(folder.path(), &get);
    assert_eq!(elements(folder.path(), "v.npy"), all);
    done(folder.path(), &[&get[..], &["--raw", "--select", "d0=1::2,d1=10:390:3"]].concat());
    let rows = (1..600).step_by(2);
    let some: Vec<u8> =
        rows.flat_map(|i| (10..390).step_by(3).flat_map(move |j| value(i, j).to_le_bytes())).collect();
    assert_eq!(elements(folder.path(), "v.npy"), some);
}

#[test]
fn answers_that_no_memory_holds_are_refused_by_name_and_shape() {
    let folder = TempDir::new().unwrap();
    for (shape, chunk) in [(vec![1_u64 << 62], vec![1_u64 << 61]), (vec![1_000_000; 2], vec![1_000_000; 2])] {
        references(folder.path(), &shape, &chunk, "<i4", json!(-5), &[]);
        let number = shape[0].to_string();
        for more in [
            &[][..],
            &["--json"],
            &["-o", "x.npy"],
            &["--raw", "-o", "x.npy"],
            &["-o", "x.zarr"],
            &["-o", "x.csv"],
        ] {
            let message = refused(folder.path(), 1, &[&["get", "refs.json", "v"], more].concat());
            assert!(message.contains("\"v\"") && message.contains(&number), "{message}");
            assert!(!folder.path().join("x.npy").exists() && !folder.path().join("x.zarr").exists());
        }
    }
    references(folder.path(), &[1 << 40, 4], &[1 << 38, 4], "<i4", json!(-5), &[]);
    for op in ["max", "median"] {
        let message = refused(folder.path(), 1, &["reduce", "refs.json", "v", "--op", op, "--over", "d1"]);
        assert!(message.contains("\"v\"") && message.contains("1099511627776"), "{message}");
    }
}

#[test]
fn chunks_that_are_not_stored_take_no_time() {
    let folder = TempDir::new().unwrap();
    let bytes: Vec<u8> = (1..5_i32).flat_map(i32::to_le_bytes).collect();
    let chunks: &[(&str, &[u8])] = &[("3.5", &bytes), ("0.0", &bytes)];
    // A fill value of 0 that no attribute confirms is a value.
    let all = 64_000_000_000_000_u64;
    for (fill, sum, count) in [(json!(null), 20, 8), (json!(-5), 20, 8), (json!(0), 20, all)] {
        references(folder.path(), &[8_000_000; 2], &[2, 2], "<i4", fill, chunks);
        let answer = done(folder.path(), &["reduce", "refs.json", "v", "--op", "sum", "--json"]);
        let line: Value = serde_json::from_str(answer.lines().next().unwrap()).unwrap();
        assert_eq!(line["chunks"]["missing"], json!(15_999_999_999_998_u64));
        assert_eq!((&line["values"], &line["count"]), (&json!(sum), &json!(count)));
        done(folder.path(), &["reduce", "refs.json", "v", "--op", "mean", "--explain"]);
    }
}

#[test]
fn a_large_plain_chunk_is_read_in_parts_and_counts_as_one() {
    let folder = TempDir::new().unwrap();
    let rows: Vec<u8> =
        (0..1024_u32).flat_map(|i| (0..1024).flat_map(move |j| (i + j).to_le_bytes())).collect();
    std::fs::write(folder.path().join("plain.bin"), &rows).unwrap();
    let meta = json!({"zarr_format": 2, "shape": [1024, 1024], "chunks": [1024, 1024], "dtype": "<u4",
        "fill_value": null, "compressor": null, "filters": null, "order": "C"});
    let array = vec![
        ("v/.zarray".to_owned(), Value::from(meta.to_string())),
        ("v/.zattrs".to_owned(), Value::from(json!({"_ARRAY_DIMENSIONS": ["y", "x"]}).to_string())),
        ("v/0.0".to_owned(), json!(["plain.bin", 0, rows.len()])),
    ];
    foreign(folder.path(), "refs.json", &[array]);
    done(folder.path(), &["convert", "refs.json", "-o", "refs.parq", "--record-size", "10"]);
    for refs in ["refs.json", "refs.parq"] {
        let line = |select: &str| -> Value {
            let reduce = ["reduce", refs, "v", "--op", "sum", "--select", select, "--json"];
            serde_json::from_str(&done(folder.path(), &reduce)).unwrap()
        };
        let one = line("y=700,x=3");
        assert_eq!(one["values"], json!(703), "{refs}");
        assert_eq!(one["chunks"], json!({"total": 1, "missing": 0, "read": 1}), "{refs}");
        let fetched = one["bytes"]["fetched"].as_u64().unwrap();
        assert!((4..=512 << 10).contains(&fetched), "{refs}: {fetched} bytes for one element");
        let all = line("y=0:1024");
        assert_eq!(all["values"], json!(1024_u64 * 1024 * 1023), "{refs}");
        assert_eq!(all["chunks"]["total"], json!(1), "{refs}");
        let explained = done(folder.path(), &["reduce", refs, "v", "--op", "sum", "--explain"]);
        assert!(explained.contains("1048576 elements in 1 chunks, 1 of them stored"), "{explained}");
    }
}
