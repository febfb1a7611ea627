//! One group of many, complete groups, anomalies, trends and covariances; the right answers are those of xarray, NumPy and
//! SciPy.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::{array, done, foreign, refused, stack};
use tempfile::TempDir;

const ANOMALIES: [[f64; 3]; 4] = [
    [22.969179598440707, 22.81388209008299, 25.307685545228406],
    [34.193328857421875, 33.33000691731769, 48.11000061035156],
    [13.909993489583314, 1.4600067138671875, 13.909998575846373],
    [18.0, 17.0, 19.0],
];
const ANOMALIES_FROM_A_BASE: [[f64; 3]; 4] = [
    [24.73065629193208, 24.526611688125183, 28.654166719651446],
    [26.54498291015625, 48.709983825683594, 48.70500946044922],
    [1.4650039672851562, 1.4600067138671875, 1.464996337890625],
    [16.0, 17.0, 15.0],
];
const YEARS: [f64; 3] = [0.5707812779449121, -0.5714510268763359, 0.5495510136808069];
const JULY: (f64, u64) = (25.663141511177102, 61);
const VALUES: [f64; 3] = [33.336675008138, 14.769989013671875, 33.336664835612];

const TRENDS: [[f64; 3]; 2] = [
    [-0.002410840974417849, -0.0007531473788087985, 0.013075380495095722],
    [0.016444758359595503, 0.014784507913842731, 0.015302021711929466],
];
const TRENDS_OF_SUMMERS: [[f64; 3]; 2] = [
    [0.01440391402703167, -0.006401435801649283, 0.010173275946064844],
    [0.039025670450176284, 0.03521086140630054, 0.03384095781984013],
];
const TRENDS_OF_ANOMALIES: [[f64; 3]; 2] = [
    [0.003759314123422367, -0.0014700247065322749, 0.016039342567379114],
    [0.013095206467830765, 0.012939364299326982, 0.012676871887662403],
];

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

/// The numbers of an answer, row by row; NaN where there are none.
fn numbers(answer: &Value) -> Vec<f64> {
    fn flat(value: &Value, out: &mut Vec<f64>) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| flat(value, out)),
            value => out.push(value.as_f64().unwrap_or(f64::NAN)),
        }
    }
    let mut out = Vec::new();
    flat(&answer["values"], &mut out);
    out
}

/// Whether numbers are those expected but for rounding, and missing where these are.
fn near(found: &[f64], expected: &[f64]) -> bool {
    let mut pairs = found.iter().zip(expected);
    let same = |(a, b): (&f64, &f64)| (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * (1.0 + b.abs());
    found.len() == expected.len() && pairs.all(same)
}

#[test]
fn anomalies_are_from_the_means_of_all_years_or_of_a_base_period() {
    let folder = stack();
    done(folder.path(), &["convert", "stack.json", "-o", "stack.parq"]);
    let part = ["--select", "lat=0,lon=0:3"];
    // Those of xarray: tas.groupby("time.month") - base.groupby("time.month").mean("time"), then the reduction.
    for (anomaly, expected) in [("time.month", ANOMALIES), ("time.month:2001..2002", ANOMALIES_FROM_A_BASE)] {
        for store in ["stack.json", "stack.parq"] {
            let ops = ["--op", "std,max,median,count_where(> 5)", "--over", "time", "--anomaly", anomaly];
            let answers = asked(folder.path(), store, "tas", &[&ops[..], &part].concat());
            for (answer, expected) in answers.iter().zip(expected) {
                assert_eq!(answer["anomaly"], anomaly);
                assert!(near(&numbers(answer), &expected), "{store} {anomaly}: {answer}");
            }
        }
    }
    // What is selected along time has no part in the means; groups, weights and conditions are of the anomalies.
    let whole =
        ["--op", "mean", "--anomaly", "time.month:2001..2002", "--weights", "coslat", "--by", "time.year"];
    let years = asked(folder.path(), "stack.json", "tas", &whole);
    assert!(near(&numbers(&years[0]), &YEARS), "{}", years[0]);
    let one = ["--op", "mean", "--anomaly", "time.month", "--select", "time=2002-07", "--where", "> 0"];
    let july = asked(folder.path(), "stack.json", "tas", &one);
    assert!(near(&numbers(&july[0]), &[JULY.0]), "{}", july[0]);
    assert_eq!(july[0]["count"], JULY.1);
    let get = [
        "get",
        "stack.json",
        "tas",
        "--anomaly",
        "time.month",
        "--select",
        "time=18,lat=0,lon=0:3",
        "--json",
    ];
    let values: Value = serde_json::from_str(&done(folder.path(), &get)).unwrap();
    assert!(near(&numbers(&values), &VALUES), "{values}");
    assert_eq!((&values["dtype"], &values["units"]), (&json!("float64"), &json!("K")));
}

#[test]
fn anomalies_that_cannot_be_made_are_refused_with_the_reason() {
    let folder = basins();
    let reduce = ["reduce", "refs.json", "v", "--op", "mean", "--anomaly"];
    let error = refused(folder.path(), 1, &[&reduce[..], &["basin"]].concat());
    assert!(error.contains("anomalies cannot be made: its groups lie over several dimensions"), "{error}");
    refused(folder.path(), 2, &[&reduce[..], &["time.month=7"]].concat());
    let folder = stack();
    let reduce = ["reduce", "stack.json", "tas", "--op", "mean", "--anomaly", "time.month"];
    let error = refused(folder.path(), 1, &[&reduce[..], &["--part", "1/2", "-o", "a.part"]].concat());
    assert!(error.contains("what is asked of anomalies cannot be split into parts"), "{error}");
    let explained = done(folder.path(), &[&reduce[..], &["--explain"]].concat());
    assert!(explained.contains("the means take a pass over 24 chunks before"), "{explained}");
    let error = refused(
        folder.path(),
        1,
        &["reduce", "stack.json", "time", "--op", "count", "--anomaly", "time.month"],
    );
    assert!(error.contains("its values are times"), "{error}");
}

#[test]
fn trends_and_their_errors_are_those_of_scipy() {
    let folder = stack();
    let ops = ["--op", "trend,trend_error", "--over", "time", "--select", "lat=1,lon=0:3"];
    let told = |more: &[&str]| asked(folder.path(), "stack.json", "tas", &[&ops[..], more].concat());
    // scipy.stats.linregress of the valid values against the times in days.
    for (more, expected) in [
        (&[][..], TRENDS),
        (&["--by", "time.season=JJA"], TRENDS_OF_SUMMERS),
        (&["--anomaly", "time.month"], TRENDS_OF_ANOMALIES),
    ] {
        let answers = told(more);
        for (answer, expected) in answers.iter().zip(expected) {
            assert!(near(&numbers(answer), &expected), "{more:?}: {answer}");
            assert_eq!(answer["units"], "K day-1");
        }
    }
    // Two values have a trend and no error, one has neither.
    let few = |count: &str| {
        let select = format!("time={count},lat=1,lon=1");
        let few = ["--op", "trend,trend_error", "--over", "time", "--select", &select];
        asked(folder.path(), "stack.json", "tas", &few)
            .iter()
            .map(|answer| numbers(answer)[0].is_nan())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (few("0:1"), few("0:2"), few("0:3")),
        (vec![true, true], vec![false, true], vec![false, false])
    );
    let across = ["--op", "trend", "--over", "lat", "--select", "time=0,lon=0"];
    assert_eq!(asked(folder.path(), "stack.json", "tas", &across)[0]["units"], "K degrees_north-1");
}

#[test]
fn a_trend_has_the_same_bits_in_parts() {
    let folder = stack();
    let trend = ["reduce", "stack.json", "tas", "--op", "trend,trend_error", "--over", "time"];
    let parts: Vec<String> = (1..=3).map(|part| format!("{part}.part")).collect();
    for (part, name) in (1..).zip(&parts) {
        done(folder.path(), &[&trend[..], &["--part", &format!("{part}/3"), "-o", name]].concat());
    }
    let merge: Vec<&str> = ["merge", "--json"].into_iter().chain(parts.iter().map(String::as_str)).collect();
    let merged = done(folder.path(), &merge);
    let whole = asked(folder.path(), "stack.json", "tas", &trend[3..]);
    for (merged, whole) in merged.lines().zip(&whole) {
        let merged: Value = serde_json::from_str(merged).unwrap();
        assert_eq!(merged["values"], whole["values"]);
    }
}

#[test]
fn a_trend_along_several_dimensions_or_none_is_refused() {
    let folder = stack();
    for (asked, reason) in [
        (&["--over", "time,lat"][..], "it is along one dimension that is reduced, and these are: time, lat"),
        (&["--over", "lon", "--select", "lon=300.0..90.0"], "the selection of \"lon\" is not one range"),
    ] {
        let trend = [&["reduce", "stack.json", "tas", "--op", "trend"], asked].concat();
        let error = refused(folder.path(), 1, &trend);
        assert!(error.contains(reason), "{error}");
    }
    let folder = basins();
    let error = refused(folder.path(), 1, &["reduce", "refs.json", "v", "--op", "trend", "--over", "x"]);
    assert!(error.contains("\"v\" has no trend: of \"x\", "), "{error}");
}
