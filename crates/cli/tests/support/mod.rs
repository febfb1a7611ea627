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
