//! What is written, where, and what is not: endings, outputs that exist or are inputs, damaged files, lost records.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::{done, fixture, refused, stack};
use tempfile::TempDir;

fn sum(folder: &Path, refs: &str) -> Value {
    let line = done(folder, &["reduce", refs, "tas", "--op", "sum,count", "--json"]);
    let lines = line.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["values"].clone());
    lines.collect()
}

#[test]
fn scan_writes_the_form_that_the_ending_names_and_no_other() {
    let folder = TempDir::new().unwrap();
    let (at, file) = (folder.path(), fixture("stack/tas_2001.nc"));
    for output in ["a.json", "a.json.gz", "a.json.zst", "a.parq"] {
        done(at, &["scan", &file, "-o", output]);
    }
    assert!(at.join("a.parq/.zmetadata").is_file());
    assert_eq!(fs::read(at.join("a.json.gz")).unwrap()[..2], [0x1f, 0x8b]);
    assert_eq!(fs::read(at.join("a.json.zst")).unwrap()[..4], [0x28, 0xb5, 0x2f, 0xfd]);
    for output in ["a.json.gz", "a.json.zst", "a.parq"] {
        assert_eq!(sum(at, output), sum(at, "a.json"), "{output}");
    }
    assert!(refused(at, 2, &["scan", &file, "-o", "a.nc"]).contains("a.nc"));
    assert!(!at.join("a.nc").exists());
}

#[test]
fn an_input_is_never_replaced_by_an_output() {
    let folder = stack();
    let at = folder.path();
    fs::copy(fixture("stack/tas_2001.nc"), at.join("data.json")).unwrap();
    let before = fs::read(at.join("data.json")).unwrap();
    refused(at, 2, &["scan", "data.json", "-o", "./data.json", "--overwrite"]);
    refused(at, 2, &["scan", "data.json", "-o", "x.json", "--report", "data.json", "--overwrite"]);
    assert_eq!(fs::read(at.join("data.json")).unwrap(), before);
    let before = fs::read(at.join("stack.json")).unwrap();
    for verb in [
        &["reduce", "stack.json", "tas", "--op", "sum"][..],
        &["get", "stack.json", "tas"],
        &["convert", "stack.json"],
        &["combine", "stack.json", "--concat", "time"],
    ] {
        let error = refused(at, 2, &[verb, &["-o", "stack.json", "--overwrite"]].concat());
        assert!(error.contains("it is an input"), "{error}");
    }
    assert_eq!(fs::read(at.join("stack.json")).unwrap(), before);
}

#[test]
fn a_report_replaces_nothing_unless_it_may() {
    let folder = TempDir::new().unwrap();
    let (at, file) = (folder.path(), fixture("stack/tas_2001.nc"));
    fs::write(at.join("notes.json"), "mine").unwrap();
    let error = refused(at, 1, &["scan", &file, "-o", "a.json", "--report", "notes.json"]);
    assert!(error.contains("notes.json") && error.contains("--overwrite"), "{error}");
    assert!(!at.join("a.json").exists());
    assert_eq!(fs::read_to_string(at.join("notes.json")).unwrap(), "mine");
    refused(at, 2, &["scan", &file, "-o", "a.json", "--report", "a.json"]);
    done(at, &["scan", &file, "-o", "a.json", "--report", "notes.json", "--overwrite"]);
    let report: Value = serde_json::from_slice(&fs::read(at.join("notes.json")).unwrap()).unwrap();
    assert_eq!(report[0]["lost"], serde_json::json!([]));
}

#[test]
fn a_cut_off_file_is_refused_and_what_is_written_of_it_says_so_wherever_it_goes() {
    let folder = stack();
    let at = folder.path();
    let whole = fs::read(fixture("stack/tas_2001.nc")).unwrap();
    fs::write(at.join("cut.nc"), &whole[..whole.len() - 1]).unwrap();
    let error = refused(at, 1, &["scan", "cut.nc", "-o", "cut.json"]);
    assert!(error.contains("cut.nc") && error.contains("cut off"), "{error}");
    assert!(!at.join("cut.json").exists());
    done(at, &["scan", "cut.nc", "-o", "cut.json", "--allow-damaged"]);
    refused(at, 3, &["scan", "cut.nc", "-o", "x.json", "--allow-damaged", "--strict"]);
    done(at, &["convert", "cut.json", "-o", "cut.parq"]);
    let join = ["combine", "cut.parq", "refs/tas_2002.json", "-o", "two.json", "--concat", "time"];
    let error = refused(at, 1, &join);
    assert!(error.contains("cut.parq was scanned from a damaged file"), "{error}");
    done(at, &[&join[..], &["--allow-damaged", "--missing-var", "drop"]].concat());
    let said = support::rangefold(at, &["check", "two.json"]);
    assert_eq!(said.status.code(), Some(1));
    assert!(
        support::stdout(&said).contains("lost when a damaged file was scanned"),
        "{}",
        support::stdout(&said)
    );
}

#[test]
fn a_store_that_replaces_another_leaves_nothing_of_it() {
    let folder = stack();
    let at = folder.path();
    done(at, &["convert", "stack.json", "-o", "s.parq", "--record-size", "1"]);
    let many = fs::read_dir(at.join("s.parq/tas")).unwrap().count();
    assert!(many > 1);
    refused(at, 1, &["convert", "refs/tas_2001.json", "-o", "s.parq"]);
    assert_eq!(sum(at, "s.parq"), sum(at, "stack.json"));
    done(at, &["convert", "refs/tas_2001.json", "-o", "s.parq", "--overwrite"]);
    assert_eq!(fs::read_dir(at.join("s.parq/tas")).unwrap().count(), 1);
    assert_eq!(sum(at, "s.parq"), sum(at, "refs/tas_2001.json"));
    assert!(
        fs::read_dir(at).unwrap().all(|entry| !entry.unwrap().file_name().to_string_lossy().starts_with('.'))
    );
}

#[test]
fn a_lost_record_is_named_by_every_verb() {
    let folder = stack();
    let at = folder.path();
    done(at, &["convert", "stack.json", "-o", "s.parq", "--record-size", "1"]);
    fs::remove_file(at.join("s.parq/tas/refs.1.parq")).unwrap();
    for verb in [
        &["reduce", "s.parq", "tas", "--op", "sum"][..],
        &["get", "s.parq", "tas", "-o", "x.npy"],
        &["convert", "s.parq", "-o", "x.json"],
        &["combine", "s.parq", "--concat", "time", "-o", "x.json"],
    ] {
        let error = refused(at, 1, verb);
        assert!(error.contains("tas/refs.1.parq"), "{error}");
    }
    let said = support::rangefold(at, &["check", "s.parq"]);
    assert_eq!(said.status.code(), Some(1));
    assert!(support::stdout(&said).contains("tas/refs.1.parq"), "{}", support::stdout(&said));
    assert!(!at.join("x.json").exists() && !at.join("x.npy").exists());
    done(at, &["convert", "stack.json", "-o", "t.parq", "--record-size", "100"]);
    fs::remove_file(at.join("t.parq/time/refs.0.parq")).unwrap();
    for more in [["--by", "time.month"], ["--select", "time=2001-07"]] {
        let error = refused(at, 1, &[&["reduce", "t.parq", "tas", "--op", "sum"][..], &more].concat());
        let error = error.lines().filter(|line| !line.starts_with("warning")).collect::<String>();
        assert!(
            error.contains("time/refs.0.parq") && !error.contains("has no coordinate variable"),
            "{error}"
        );
    }
}

#[test]
fn nothing_is_not_all_well() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    for (name, text) in [
        ("brackets.json", "{}"),
        ("geo.json", r#"{"type":"FeatureCollection","features":[]}"#),
        ("none.json", r#"{"version":1,"refs":{}}"#),
    ] {
        fs::write(at.join(name), text).unwrap();
        assert!(refused(at, 1, &["check", name]).contains(name));
        let error = refused(at, 1, &["combine", name, "-o", "x.json", "--concat", "time"]);
        assert!(error.contains(name), "{error}");
    }
}
