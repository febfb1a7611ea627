//! The command, run as a person runs it, and something to run it on.

#![allow(dead_code, reason = "each test file uses its part")]

use std::path::Path;
use std::process::{Command, Output};

use rangefold_testkit::fixtures;
use tempfile::TempDir;

/// Runs `rangefold` in `folder`.
pub(crate) fn rangefold(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rangefold")).current_dir(folder).args(args).output().unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Runs `rangefold`, which must succeed, and returns its stdout.
pub(crate) fn done(folder: &Path, args: &[&str]) -> String {
    let output = rangefold(folder, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", stderr(&output));
    stdout(&output)
}

/// Runs `rangefold`, which must end with `code`, and returns its stderr.
pub(crate) fn refused(folder: &Path, code: i32, args: &[&str]) -> String {
    let output = rangefold(folder, args);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}{}", stdout(&output), stderr(&output));
    stderr(&output)
}

pub(crate) fn fixture(path: &str) -> String {
    fixtures().join(path).to_str().unwrap().to_owned()
}

pub(crate) fn years() -> Vec<String> {
    [2001, 2002, 2003].iter().map(|year| fixture(&format!("stack/tas_{year}.nc"))).collect()
}

/// A folder with `stack.json`: three years, scanned and combined.
pub(crate) fn stack() -> TempDir {
    let folder = TempDir::new().unwrap();
    let years = years();
    let mut scan = vec!["scan", "-o", "refs/"];
    scan.extend(years.iter().map(String::as_str));
    done(folder.path(), &scan);
    done(
        folder.path(),
        &[
            "combine",
            "refs/tas_2003.json",
            "refs/tas_2001.json",
            "refs/tas_2002.json",
            "-o",
            "stack.json",
            "--concat",
            "time",
        ],
    );
    folder
}

/// References of arrays whose chunk is inlined, as other programs write them; each array from [`array`].
pub(crate) fn foreign(folder: &Path, name: &str, arrays: &[Vec<(String, serde_json::Value)>]) {
    let root = (".zgroup".to_owned(), serde_json::json!("{\"zarr_format\":2}"));
    let refs: serde_json::Map<String, serde_json::Value> =
        std::iter::once(root).chain(arrays.iter().flatten().cloned()).collect();
    let document = serde_json::json!({ "version": 1, "refs": refs });
    std::fs::write(folder.join(name), document.to_string()).unwrap();
}

/// The keys of an array in one inlined chunk of little-endian `bytes`: dimensions by name and length, attributes and the
/// Zarr fill value as JSON.
pub(crate) fn array(
    path: &str,
    dtype: &str,
    dims: &[(&str, u64)],
    bytes: &[u8],
    fill: &serde_json::Value,
    mut attributes: serde_json::Value,
) -> Vec<(String, serde_json::Value)> {
    use base64::Engine as _;
    let shape: Vec<u64> = dims.iter().map(|(_, length)| *length).collect();
    let names: Vec<&str> = dims.iter().map(|(name, _)| *name).collect();
    let zarray = serde_json::json!({
        "zarr_format": 2, "shape": shape, "chunks": shape, "dtype": dtype, "fill_value": fill, "order": "C",
        "filters": null, "compressor": null,
    });
    attributes["_ARRAY_DIMENSIONS"] = serde_json::json!(names);
    let chunk = if dims.is_empty() { "0".to_owned() } else { vec!["0"; dims.len()].join(".") };
    let data = base64::engine::general_purpose::STANDARD.encode(bytes);
    vec![
        (format!("{path}/.zarray"), serde_json::json!(zarray.to_string())),
        (format!("{path}/.zattrs"), serde_json::json!(attributes.to_string())),
        (format!("{path}/{chunk}"), serde_json::json!(format!("base64:{data}"))),
    ]
}

/// Questions of every shape about what [`wide`] makes, for `reduce refs.json v --select 'y=0:4,x=0:4'`.
pub(crate) const QUESTIONS: &[&[&str]] = &[
    &[
        "--op",
        "mean,sum,var,std,min,max,first,last,argmin,argmax,count,count_where(>0),histogram(-1e9,0,1e9)",
    ],
    &["--op", "mean,var,argmax", "--over", "t"],
    &["--op", "mean,last", "--over", "y,x"],
    &["--op", "mean,std", "--by", "month", "--over", "t,x"],
    &["--op", "mean,sum", "--over", "t,y", "--where", "> -1e6"],
    &["--op", "mean,var", "--over", "t,y", "--mask", "height > 1"],
    &["--op", "mean,std", "--weights", "height"],
    &["--op", "mean,max", "--over", "y,x", "--rolling", "t=5:center"],
];

/// Values and counts of each line that `reduce --json` prints.
pub(crate) fn values(text: &str) -> Vec<(serde_json::Value, serde_json::Value)> {
    let line = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    text.lines().map(line).map(|line| (line["values"].clone(), line["count"].clone())).collect()
}

/// The 4 times 4 values that are stored of each time of what [`wide`] makes, as bytes.
pub(crate) fn values_of_time(time: u64) -> Vec<u8> {
    let value = |i: u64| {
        let n = (time * 16 + i).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((n >> 40) as f64 - 8e6) * 10_f64.powi((n % 17) as i32 - 8)
    };
    (0..16).flat_map(|i| value(i).to_le_bytes()).collect()
}

/// Whether a time of what [`wide`] makes is stored.
pub(crate) fn is_stored(time: u64) -> bool {
    time % 7 != 3
}

/// `refs.json`: `v`, of which 4 times 4 values of each time are stored, out of a grid so large that each time is a block of
/// its own, and `month` and `height` to group, mask and weigh by. Every seventh time is not stored; the others have an object
/// each, `data/0.bin` below `prefix`, and are written there if that is empty.
pub(crate) fn wide(folder: &Path, times: u64, prefix: &str) {
    use serde_json::{Value, json};
    let meta = |shape: &[u64], chunks: &[u64], dtype: &str| {
        let meta = json!({"zarr_format": 2, "shape": shape, "chunks": chunks, "dtype": dtype,
            "fill_value": null, "compressor": null, "filters": null, "order": "C"});
        Value::from(meta.to_string())
    };
    let dims = |dims: &[&str]| Value::from(json!({"_ARRAY_DIMENSIONS": dims}).to_string());
    let mut v = vec![
        ("v/.zarray".to_owned(), meta(&[times, 1 << 14, 1 << 14], &[1, 4, 4], "<f8")),
        ("v/.zattrs".to_owned(), dims(&["t", "y", "x"])),
    ];
    std::fs::create_dir_all(folder.join("data")).unwrap();
    for time in (0..times).filter(|&time| is_stored(time)) {
        let name = format!("data/{time}.bin");
        if prefix.is_empty() && !folder.join(&name).exists() {
            std::fs::write(folder.join(&name), values_of_time(time)).unwrap();
        }
        v.push((format!("v/{time}.0.0"), json!([format!("{prefix}{name}"), 0, 128])));
    }
    let small = |name: &str, dim: &str, length: u64, of: &dyn Fn(u64) -> u8| {
        use base64::Engine as _;
        let bytes: Vec<u8> = (0..length).map(of).collect();
        let text = base64::engine::general_purpose::STANDARD.encode(bytes);
        vec![
            (format!("{name}/.zarray"), meta(&[length], &[length], "|u1")),
            (format!("{name}/.zattrs"), dims(&[dim])),
            (format!("{name}/0"), json!(format!("base64:{text}"))),
        ]
    };
    let month = small("month", "t", times, &|t| (t / 5 % 12) as u8);
    let height = small("height", "y", 1 << 14, &|y| (y % 5) as u8);
    foreign(folder, "refs.json", &[v, month, height]);
}

/// `refs.json`: `v` as [`wide`] makes it, each time an object of 128 times 256 values of 32 bits: maps of many cells.
pub(crate) fn maps(folder: &Path, times: u64) {
    use serde_json::{Value, json};
    let meta = json!({"zarr_format": 2, "shape": [times, 1 << 14, 1 << 14], "chunks": [1, 128, 256], "dtype": "<f4",
        "fill_value": null, "compressor": null, "filters": null, "order": "C"});
    let mut v = vec![
        ("v/.zarray".to_owned(), Value::from(meta.to_string())),
        ("v/.zattrs".to_owned(), Value::from(json!({"_ARRAY_DIMENSIONS": ["t", "y", "x"]}).to_string())),
    ];
    std::fs::create_dir_all(folder.join("maps")).unwrap();
    for time in 0..times {
        let name = format!("maps/{time}.bin");
        if !folder.join(&name).exists() {
            let value = |i: u64| {
                let n = (time * 32_768 + i).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                ((n >> 40) as f32 - 8e6) * 10_f32.powi((n % 17) as i32 - 8)
            };
            let bytes: Vec<u8> = (0..32_768).flat_map(|i| value(i).to_le_bytes()).collect();
            std::fs::write(folder.join(&name), bytes).unwrap();
        }
        v.push((format!("v/{time}.0.0"), json!([name, 0, 131_072])));
    }
    foreign(folder, "refs.json", &[v]);
}
