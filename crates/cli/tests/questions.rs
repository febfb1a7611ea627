//! One group of many, complete groups, anomalies, trends and covariances; the right answers are those of xarray, NumPy and
//! SciPy.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::{array, done, foreign, refused, stack};
use tempfile::TempDir;

/// What a command with `--json` prints, line by line.
fn asked(folder: &Path, store: &str, variable: &str, options: &[&str]) -> Vec<Value> {
    let text = done(folder, &[&["reduce", store, variable, "--json"], options].concat());
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// `v(y, x)` = 1 to 12 with a map of basins, and the basins' names.
fn basins() -> TempDir {
    let folder = TempDir::new().unwrap();
    let dims = [("y", 3), ("x", 4)];
    let v: Vec<u8> = (1..=12).flat_map(|x| f64::from(x).to_le_bytes()).collect();
    let basins: Vec<u8> = [0_u8, 1, 0, 1, 1, 0, 2, 0, 2, 0, 0, 1].to_vec();
    let flags = json!({ "flag_values": [0, 1, 2], "flag_meanings": "atlantic pacific indian" });
    let arrays = [
        array("v", "<f8", &dims, &v, &Value::Null, json!({})),
        array("basin", "|i1", &dims, &basins, &Value::Null, flags),
    ];
    foreign(folder.path(), "refs.json", &arrays);
    folder
}

#[test]
fn one_group_alone_is_answered_and_no_chunk_of_the_others_is_read() {
    let folder = stack();
    let winter = asked(folder.path(), "stack.json", "tas", &["--op", "mean", "--by", "time.season=DJF"]);
    assert_eq!(winter[0]["coords"], json!({"season": ["DJF"]}));
    assert_eq!(winter[0]["count"], json!([1117]));
    assert!((winter[0]["values"][0].as_f64().unwrap() - 269.334_296_777_190_73).abs() < 1e-10);
    let july = asked(folder.path(), "stack.json", "tas", &["--op", "mean", "--by", "time.month=7"]);
    assert_eq!((&july[0]["by"], &july[0]["coords"]), (&json!(["time.month=7"]), &json!({"month": [7]})));
    // Half of the chunks hold the first half of a year.
    assert_eq!(july[0]["chunks"]["total"], 12);
    let year = ["--op", "mean,count", "--by", "time.QS-DEC=2001-12"];
    let year = asked(folder.path(), "stack.json", "tas", &year);
    assert_eq!(year[0]["coords"]["time"], json!(["2001-12-01T00:00:00"]));
    assert_eq!(year[1]["values"], json!([372]));
    assert!((year[0]["values"][0].as_f64().unwrap() - 269.479_166_420_557_2).abs() < 1e-10);
    let error =
        refused(folder.path(), 1, &["reduce", "stack.json", "tas", "--op", "mean", "--by", "time.season=D"]);
    assert!(error.contains("there is no group \"D\" of \"season\"; there are DJF, MAM, JJA, SON"), "{error}");
}

#[test]
fn a_group_over_several_dimensions_is_told_by_its_label() {
    let folder = basins();
    let sum = |by: &str| asked(folder.path(), "refs.json", "v", &["--op", "sum", "--by", by])[0].clone();
    let pacific = sum("basin=pacific");
    assert_eq!((&pacific["values"], &pacific["coords"]), (&json!([23.0]), &json!({"basin": ["pacific"]})));
    assert_eq!(sum("basin:min=3")["values"], json!([39.0, 23.0, null]));
    assert_eq!(sum("basin:min=3")["count"], json!([6, 4, 2]));
    let error =
        refused(folder.path(), 1, &["reduce", "refs.json", "v", "--op", "sum", "--by", "basin=arctic"]);
    assert!(error.contains("there are atlantic, pacific, indian"), "{error}");
    refused(folder.path(), 2, &["reduce", "refs.json", "v", "--op", "sum", "--by", "basin:max=2"]);
}

#[test]
fn incomplete_groups_have_no_answer_but_a_count() {
    let folder = stack();
    let by = ["--op", "mean,median", "--over", "time", "--by", "time.QS-DEC:min=3"];
    let seasons =
        asked(folder.path(), "stack.json", "tas", &[&by[..], &["--select", "lat=0:1,lon=0:3"]].concat());
    let counts = [[2, 2, 2], [3, 3, 3], [2, 3, 2], [3, 2, 3], [1, 1, 1]];
    for (place, counts) in [0, 1, 9, 10, 12].into_iter().zip(counts) {
        for answer in &seasons {
            assert_eq!(answer["count"][place][0], json!(counts));
            let complete: Vec<bool> =
                answer["values"][place][0].as_array().unwrap().iter().map(Value::is_number).collect();
            assert_eq!(complete, counts.map(|count| count >= 3), "{place}: {answer}");
        }
    }
    assert!((seasons[0]["values"][1][0][0].as_f64().unwrap() - 256.363_332_112_630_2).abs() < 1e-10);
    // With the map reduced too, a season of too few months is told by its positions, not by its many values.
    let whole = asked(folder.path(), "stack.json", "tas", &["--op", "mean", "--by", "time.QS-DEC:min=3"]);
    let values = whole[0]["values"].as_array().unwrap();
    let missing: Vec<usize> = (0..13).filter(|&i| values[i].is_null()).collect();
    assert_eq!((missing, &whole[0]["count"][0]), (vec![0, 12], &json!(247)));
    // Of the groups of two groupings each pair counts.
    let pairs = ["--op", "count", "--by", "time.year", "--by", "time.season:min=3"];
    let pairs = asked(folder.path(), "stack.json", "tas", &pairs);
    assert_eq!(pairs[0]["values"][0][1], pairs[0]["count"][0][1]);
    let file =
        ["reduce", "stack.json", "tas", "--op", "mean", "--by", "time.QS-DEC:min=3", "-o", "a.nc.json"];
    done(folder.path(), &file);
    let document = std::fs::read_to_string(folder.path().join("a.nc.json")).unwrap();
    assert!(document.contains("\"lat: lon: time: mean (by time.QS-DEC:min=3)\""), "{document}");
}
