//! Selecting, grouping, weighting and masking by coordinates of every kind; the right answers are those of xarray.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::{array, done, foreign, rangefold, refused, stderr};
use tempfile::TempDir;

fn f64s(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// The keys of an array without a fill value.
fn made(
    path: &str,
    dtype: &str,
    dims: &[(&str, u64)],
    attributes: Value,
    bytes: &[u8],
) -> Vec<(String, Value)> {
    array(path, dtype, dims, bytes, &Value::Null, attributes)
}

/// What a command with `--json` prints of the values.
fn values(folder: &Path, args: &[&str]) -> Value {
    let text = done(folder, &[args, &["--json"]].concat());
    serde_json::from_str::<Value>(text.trim()).unwrap()["values"].clone()
}

/// What `reduce` answers with more options, from the JSON store and from the same one as Parquet.
fn answer(folder: &Path, variable: &str, operation: &str, options: &[&str]) -> Value {
    let asked =
        |store: &str| values(folder, &[&["reduce", store, variable, "--op", operation], options].concat());
    let answer = asked("refs.json");
    assert_eq!(asked("refs.parq"), answer, "{variable} {options:?} of the Parquet store");
    answer
}

fn also_as_parquet(folder: &Path) {
    done(folder, &["convert", "refs.json", "-o", "refs.parq"]);
}

/// `v(y, x)` = 1 to 12, with stations of four characters, a table of characters, and things whose dimensions are turned.
fn labelled() -> TempDir {
    let folder = TempDir::new().unwrap();
    let (x, y) = (("x", 4), ("y", 3));
    let v: Vec<f64> = (1..=12).map(f64::from).collect();
    let w: Vec<f64> = (0..12).map(|i| f64::from(i) / 2.0).collect();
    let basins: Vec<u8> =
        [0_i32, 1, 0, 1, 1, 0, 2, 0, 2, 0, 0, 1].iter().flat_map(|b| b.to_le_bytes()).collect();
    let kinds = b"pqpp\0qrrqqqp";
    let flags = json!({ "flag_values": [0, 1, 2], "flag_meanings": "atlantic pacific indian" });
    let arrays = [
        made("v", "<f8", &[y, x], json!({}), &f64s(&v)),
        made("x", "|S4", &[x], json!({}), b"m1\x00\x00m2\x00\x003\x00\x00\x00a,b\x00"),
        made("st", "|S4", &[x], json!({}), b"a\0\0\0b\0\0\0a\0\0\0c\0\0\0"),
        made("table", "|S1", &[x, ("length", 2)], json!({}), b"a\0b\0a \xc3\xa9"),
        made("kind", "|S1", &[x, y], json!({}), kinds),
        made("w", "<f8", &[x, y], json!({}), &f64s(&w)),
        made("basin", "<i4", &[x, y], flags, &basins),
    ];
    foreign(folder.path(), "refs.json", &arrays);
    also_as_parquet(folder.path());
    folder
}

#[test]
fn labels_of_texts_select() {
    let folder = labelled();
    let sum = |select: &str| answer(folder.path(), "v", "sum", &["--select", select]);
    assert_eq!(sum("x=m1"), json!(15.0));
    assert_eq!(sum("x=\"3\""), json!(21.0));
    assert_eq!(sum("x='a,b',y=0"), json!(4.0));
    assert_eq!(sum("st=a"), json!(36.0));
    assert_eq!(sum("table=é"), json!(24.0));
    let got = values(folder.path(), &["get", "refs.json", "v", "--select", "st=a,y=1"]);
    assert_eq!(got, json!([[5.0, 7.0]]));
    let error = refused(folder.path(), 1, &["reduce", "refs.json", "v", "--op", "sum", "--select", "x=m9"]);
    assert!(error.contains("coordinate \"x\" has no label \"m9\"; it has m1, m2, 3, a,b"), "{error}");
}

#[test]
fn a_position_that_is_a_label_is_told_of() {
    let folder = labelled();
    let output = rangefold(folder.path(), &["reduce", "refs.json", "v", "--op", "sum", "--select", "x=3"]);
    assert!(stderr(&output).contains("x=3 is position 3; the label is x=\"3\""), "{}", stderr(&output));
}

#[test]
fn labels_of_texts_make_groups_and_masks() {
    let folder = labelled();
    let sum = |options: &[&str]| answer(folder.path(), "v", "sum", options);
    assert_eq!(sum(&["--by", "st"]), json!([36.0, 18.0, 24.0]));
    assert_eq!(sum(&["--by", "table"]), json!([36.0, 18.0, 24.0]));
    for mask in ["st == a", "st == \"a\"", "st=='a'"] {
        assert_eq!(sum(&["--mask", mask]), json!(36.0), "{mask}");
    }
    assert_eq!(sum(&["--mask", "st != a"]), json!(42.0));
    assert_eq!(sum(&["--mask", "x == \"3\""]), json!(21.0));
    assert_eq!(sum(&["--mask", "x == 3"]), json!(21.0));
    let error = refused(folder.path(), 1, &["reduce", "refs.json", "v", "--op", "sum", "--mask", "w == a"]);
    assert!(error.contains("its values, of type float64, have no label \"a\""), "{error}");
}

#[test]
fn weights_masks_and_labels_whose_dimensions_are_turned_are_turned_back() {
    let folder = labelled();
    let reduce = |operation: &str, options: &[&str]| answer(folder.path(), "v", operation, options);
    // numpy.average(v, weights=w.T) = 253 / 33
    assert_eq!(reduce("mean", &["--weights", "w"]), json!(253.0 / 33.0));
    // numpy.average(v[::2, 1:], weights=w.T[::2, 1:]) = 165 / 21
    assert_eq!(reduce("mean", &["--weights", "w", "--select", "x=1:4,y=::2"]), json!(165.0 / 21.0));
    assert_eq!(reduce("sum", &["--by", "basin"]), json!([39.0, 25.0, 14.0]));
    assert_eq!(reduce("sum", &["--mask", "basin == 1"]), json!(25.0));
    assert_eq!(reduce("sum", &["--mask", "basin == pacific"]), json!(25.0));
    // v.where(kind.T == k).sum() of p, q and r; one place has no kind.
    assert_eq!(reduce("sum", &["--by", "kind"]), json!([24.0, 38.0, 10.0]));
    assert_eq!(reduce("sum", &["--mask", "kind != p"]), json!(48.0));
}

#[test]
fn what_belongs_to_an_axis_of_another_length_is_refused_with_both_lengths() {
    let folder = TempDir::new().unwrap();
    let arrays = [
        made("v", "<f8", &[("x", 3)], json!({}), &f64s(&[1.0, 2.0, 3.0])),
        made("x", "<f8", &[("x", 2)], json!({}), &f64s(&[0.5, 1.5])),
        made("w", "<f8", &[("x", 2)], json!({}), &f64s(&[1.0, 1.0])),
    ];
    foreign(folder.path(), "refs.json", &arrays);
    let reduce = |options: &[&str]| {
        refused(folder.path(), 1, &[&["reduce", "refs.json", "v", "--op", "sum"], options].concat())
    };
    for options in [["--weights", "w"], ["--mask", "w > 0"], ["--by", "w"]] {
        let error = reduce(&options);
        assert!(error.contains("its dimension \"x\" has 2 positions and the variable's 3"), "{error}");
    }
    let error = reduce(&["--select", "x=0.5"]);
    assert!(error.contains("the variable \"x\" has 2 values and the dimension 3"), "{error}");
    let checked = rangefold(folder.path(), &["check", "refs.json"]);
    let said = support::stdout(&checked);
    assert_eq!(checked.status.code(), Some(1));
    assert!(said.contains("w: dimension \"x\" has 3 positions in \"v\" and 2 here"), "{said}");
}

/// Longitudes with bounds across the meridian and the date line; months whose times are the ends of their bounds; steps
/// whose times stand in an auxiliary coordinate.
fn bounded() -> TempDir {
    let folder = TempDir::new().unwrap();
    let (lon, time, step) = (("lon", 4), ("time", 4), ("Time", 6));
    let pair = ("nv", 2);
    let days = json!({ "units": "days since 2000-01-01", "bounds": "time_bnds" });
    let minutes = json!({ "units": "minutes since 2000-01-31 00:00:00", "bounds": "XTIME_bnds" });
    let steps: Vec<f32> = (0..6_u8).map(|i| f32::from(i) * 720.0).collect();
    let step_bounds: Vec<f32> =
        steps.iter().flat_map(|&t| [t, t + if t == 2160.0 { 1440.0 } else { 720.0 }]).collect();
    let arrays = [
        made("v", "<f8", &[lon], json!({}), &f64s(&[1.0, 2.0, 3.0, 4.0])),
        made(
            "lon",
            "<f8",
            &[lon],
            json!({ "units": "degrees_east", "bounds": "lon_bnds" }),
            &f64s(&[0.0, 90.0, 180.0, 270.0]),
        ),
        made(
            "lon_bnds",
            "<f8",
            &[lon, pair],
            json!({}),
            &f64s(&[315.0, 45.0, 45.0, 135.0, 135.0, -135.0, -135.0, -45.0]),
        ),
        made("w", "<f8", &[time], json!({}), &f64s(&[1.0, 2.0, 3.0, 4.0])),
        made("time", "<f8", &[time], days, &f64s(&[31.0, 60.0, 91.0, 121.0])),
        made(
            "time_bnds",
            "<f8",
            &[time, pair],
            json!({}),
            &f64s(&[0.0, 31.0, 31.0, 60.0, 60.0, 91.0, 91.0, 121.0]),
        ),
        made("u", "<f8", &[step], json!({ "coordinates": "XTIME" }), &f64s(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])),
        made("XTIME", "<f4", &[step], minutes, &f32s(&steps)),
        made("XTIME_bnds", "<f4", &[step, pair], json!({}), &f32s(&step_bounds)),
    ];
    foreign(folder.path(), "refs.json", &arrays);
    also_as_parquet(folder.path());
    folder
}

#[test]
fn cells_across_the_meridian_weigh_as_much_as_they_are_wide() {
    let folder = bounded();
    assert_eq!(answer(folder.path(), "v", "mean", &["--weights", "lon_bnds"]), json!(2.5));
    assert_eq!(answer(folder.path(), "v", "sum", &["--select", "lon=350.0"]), json!(1.0));
    assert_eq!(answer(folder.path(), "v", "sum", &["--select", "lon=-170.0"]), json!(3.0));
    assert_eq!(answer(folder.path(), "v", "sum", &["--select", "lon=260.0..10.0"]), json!(5.0));
}

#[test]
fn times_at_the_end_of_their_bounds_are_warned_of_and_the_middles_can_be_asked_for() {
    let folder = bounded();
    let reduce = |by: &str| {
        let output =
            rangefold(folder.path(), &["reduce", "refs.json", "w", "--op", "sum", "--by", by, "--json"]);
        let line: Value = serde_json::from_slice(&output.stdout).unwrap();
        (line["values"].clone(), stderr(&output))
    };
    let (values, warning) = reduce("time.season");
    assert_eq!(values, json!([1.0, 9.0]));
    assert!(warning.contains("1 of 4 times of \"time\" are the ends of their bounds"), "{warning}");
    assert!(warning.contains("write \"time_bnds\""), "{warning}");
    let (values, warning) = reduce("time_bnds.season");
    assert_eq!((values, warning), (json!([3.0, 7.0]), String::new()));
    assert_eq!(answer(folder.path(), "w", "sum", &["--select", "time_bnds=2000-02..2000-03"]), json!(5.0));
    let shifted = ["reduce", "refs.json", "w", "--op", "sum", "--select", "time=2000-02..2000-03"];
    let warning = stderr(&rangefold(folder.path(), &shifted));
    assert!(warning.contains("these are time_bnds=2000-02..2000-03"), "{warning}");
    // A value that is a label is that label, though the next cell begins there.
    assert_eq!(answer(folder.path(), "w", "sum", &["--select", "time=31.0"]), json!(1.0));
}

#[test]
fn times_in_an_auxiliary_coordinate_select_group_and_weigh() {
    let folder = bounded();
    let reduce = |operation: &str, options: &[&str]| answer(folder.path(), "u", operation, options);
    assert_eq!(reduce("sum", &["--select", "XTIME=2000-02"]), json!(18.0));
    assert_eq!(reduce("sum", &["--select", "Time=2000-02"]), json!(18.0));
    assert_eq!(reduce("sum", &["--select", "XTIME=0.0..1000.0"]), json!(3.0));
    assert_eq!(reduce("sum", &["--by", "XTIME.month"]), json!([3.0, 18.0]));
    assert_eq!(reduce("sum", &["--by", "XTIME.12h"]), json!([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
    // numpy.average([1, …, 6], weights=[720, 720, 720, 1440, 720, 720]) = 25 / 7
    assert_eq!(reduce("mean", &["--weights", "XTIME_bnds"]), json!(25.0 / 7.0));
    let got = values(folder.path(), &["get", "refs.parq", "u", "--select", "XTIME=2000-02"]);
    assert_eq!(got, json!([3.0, 4.0, 5.0, 6.0]));
    let far = ["reduce", "refs.json", "u", "--op", "sum", "--select", "XTIME=99999.0", "--explain"];
    let error = refused(folder.path(), 1, &far);
    assert!(error.contains("the nearest value is 2000-02-02T12:00:00, 96399 minutes away"), "{error}");
    done(folder.path(), &[&far[..], &["--nearest"]].concat());
}
