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
