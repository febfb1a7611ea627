//! Values that are more than numbers: flags and enumerations, times, complex numbers, truth values, half precision.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::{done, fixture, refused, stack};
use tempfile::TempDir;

/// A folder with the references of a fixture.
fn scanned(path: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    done(folder.path(), &["scan", &fixture(path), "-o", "refs.json"]);
    folder
}

/// What `reduce` answers for a variable of `refs.json`: one document for each operation.
fn reduce(folder: &Path, variable: &str, operations: &str) -> Vec<Value> {
    let answer = done(folder, &["reduce", "refs.json", variable, "--op", operations, "--json"]);
    answer.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn members_of_enumerations_and_flags_are_told_by_name() {
    let folder = scanned("types/booleans_enums.h5");
    let text = done(folder.path(), &["reduce", "refs.json", "enum", "--op", "min,max,first,last,mean"]);
    let expected = "enum min = RED (-1) (count 5)\nenum max = BLUE (7) (count 5)\nenum first = RED (-1) (count 5)\n\
                    enum last = GREEN (0) (count 5)\nenum mean = 2.6 (count 5)\n";
    assert_eq!(text, expected);
    let lines = reduce(folder.path(), "enum", "max,mean");
    assert_eq!((&lines[0]["values"], &lines[0]["meanings"]), (&json!(7), &json!("BLUE")));
    assert_eq!(lines[1].get("meanings"), None);
    let folder = scanned("netcdf/user_types.nc");
    let grouped = ["reduce", "refs.json", "cloud", "--op", "max", "--by", "cloud", "--json"];
    let line: Value = serde_json::from_str(&done(folder.path(), &grouped)).unwrap();
    assert_eq!(line["meanings"], json!(["clear", "cirrus", "stratus"]));
    done(folder.path(), &["get", "refs.json", "cloud", "-o", "cloud.csv"]);
    let table = std::fs::read_to_string(folder.path().join("cloud.csv")).unwrap();
    assert_eq!(
        table,
        "x,cloud,cloud meaning\n0,0,clear\n1,1,cirrus\n2,2,stratus\n3,2,stratus\n4,0,clear\n5,,\n"
    );
    done(folder.path(), &["reduce", "refs.json", "cloud", "--op", "max", "-o", "cloud.nc.json"]);
    let document = std::fs::read_to_string(folder.path().join("cloud.nc.json")).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let attributes = &document["variables"]["cloud_max"]["attributes"];
    assert_eq!(attributes["flag_meanings"], "clear cirrus stratus missing");
    assert_eq!(attributes["flag_values"], json!([0, 1, 2, 255]));
}

#[test]
fn truth_values_are_compared_and_counted() {
    let folder = scanned("types/booleans_enums.h5");
    let lines = reduce(folder.path(), "bool", "min,max,any(>0),all(>0),sum,mean,first");
    let answers: Vec<(&Value, &Value)> = lines.iter().map(|line| (&line["values"], &line["dtype"])).collect();
    let (truth, lie) = (json!(true), json!(false));
    let (bool, int64, float64) = (json!("bool"), json!("int64"), json!("float64"));
    let expected = [(&lie, &bool), (&truth, &bool), (&truth, &bool), (&lie, &bool), (&json!(3), &int64)];
    assert_eq!(answers[..5], expected);
    assert_eq!(answers[5..], [(&json!(0.75), &float64), (&truth, &bool)]);
}

#[test]
fn times_answer_with_dates_and_what_lies_between_them_with_durations() {
    let folder = stack();
    let reduce = |options: &[&str]| {
        done(folder.path(), &[&["reduce", "stack.json", "time", "--op"], options].concat())
    };
    assert_eq!(
        reduce(&["min,max,mean,median,quantile(0.25),first,last,range,std,var"]),
        "time min = 2001-01-16T12:00:00 (count 36)\n\
         time max = 2003-12-16T12:00:00 (count 36)\n\
         time mean = 2002-07-01T17:00:00 (count 36)\n\
         time median = 2002-07-01T06:00:00 (count 36)\n\
         time quantile(0.25) = 2001-10-08T21:00:00 (count 36)\n\
         time first = 2001-01-16T12:00:00 (count 36)\n\
         time last = 2003-12-16T12:00:00 (count 36)\n\
         time range = 1064 days (count 36)\n\
         time std = 316.01921475951775 days (count 36)\n\
         time var = 99868.14409722222 days2 (count 36)\n"
    );
    let line: Value = serde_json::from_str(&reduce(&["mean", "--by", "time.year", "--json"])).unwrap();
    assert_eq!((&line["values"][0], &line["calendar"]), (&json!("2001-07-01T17:00:00"), &json!("standard")));
    reduce(&["max", "-o", "time.nc.json"]);
    let document = std::fs::read_to_string(folder.path().join("time.nc.json")).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let time = &document["variables"]["time_max"];
    assert_eq!(
        (&time["data"], &time["attributes"]["units"]),
        (&json!(1445.5), &json!("days since 2000-01-01 00:00:00"))
    );
    assert_eq!(reduce(&["sum"]), "time sum = 32857.5 (count 36)\n");
    assert_eq!(reduce(&["sum", "--raw"]), "time sum (as stored) = 32857.5 (count 36)\n");
}

#[test]
fn times_by_their_type_answer_with_dates_too() {
    let folder = TempDir::new().unwrap();
    let array = json!({"shape": [3], "chunks": [3], "dtype": "<M8[s]", "fill_value": null, "order": "C", "filters": null,
        "compressor": null, "zarr_format": 2});
    let seconds = [1_000_000_000_i64, i64::MIN, 0].map(i64::to_le_bytes).concat();
    std::fs::write(folder.path().join("seconds"), seconds).unwrap();
    let url = folder.path().join("seconds").display().to_string();
    let refs = json!({".zgroup": "{\"zarr_format\":2}", "t/.zarray": array.to_string(),
        "t/.zattrs": "{\"_ARRAY_DIMENSIONS\":[\"x\"]}", "t/0": [url, 0, 24]});
    std::fs::write(folder.path().join("refs.json"), json!({"version": 1, "refs": refs}).to_string()).unwrap();
    let lines = reduce(folder.path(), "t", "min,max,median,count");
    let answers: Vec<&Value> = lines.iter().map(|line| &line["values"]).collect();
    let dates = ["1970-01-01T00:00:00", "2001-09-09T01:46:40", "1985-11-05T00:53:20"].map(Value::from);
    assert_eq!(answers[..3], dates.iter().collect::<Vec<_>>());
    // "Not a time" is missing.
    assert_eq!(*answers[3], json!(2));
    let error = refused(folder.path(), 1, &["reduce", "refs.json", "t", "--op", "sum"]);
    assert!(error.contains("sum of datetime64[s] values is not defined"), "{error}");
}

#[test]
fn complex_numbers_are_added_and_found_but_not_compared() {
    let folder = scanned("types/complex.h5");
    for (variable, width) in [("lec8", "complex64"), ("bec8", "complex64"), ("lec16", "complex128")] {
        let lines = reduce(folder.path(), variable, "sum,mean,count,first,last");
        let answers: Vec<&Value> = lines.iter().map(|line| &line["values"]).collect();
        let expected =
            [json!([4.0, 1.5]), json!([4.0 / 3.0, 0.5]), json!(3), json!([1.0, 2.0]), json!([3.0, 0.0])];
        assert_eq!(answers, expected.iter().collect::<Vec<_>>(), "{variable}");
        let types: Vec<&Value> = lines.iter().map(|line| &line["dtype"]).collect();
        assert_eq!(types, ["complex128", "complex128", "int64", width, width], "{variable}");
    }
    // Masks fold complex numbers too; weights only real ones.
    let refs = std::fs::read_to_string(folder.path().join("refs.json")).unwrap();
    let mut refs: Value = serde_json::from_str(&refs).unwrap();
    refs["refs"]["real/.zarray"] =
        json!({"shape": [3], "chunks": [3], "dtype": "|u1", "fill_value": null, "order": "C",
        "filters": null, "compressor": null, "zarr_format": 2})
        .to_string()
        .into();
    refs["refs"]["real/.zattrs"] = refs["refs"]["lec8/.zattrs"].clone();
    refs["refs"]["real/0"] = json!("abc");
    std::fs::write(folder.path().join("weighed.json"), refs.to_string()).unwrap();
    let command = ["reduce", "weighed.json", "lec8", "--json", "--op", "sum", "--mask", "real > 97"];
    let answer: Value = serde_json::from_str(&done(folder.path(), &command)).unwrap();
    assert_eq!((&answer["values"], &answer["count"]), (&json!([3.0, -0.5]), &json!(2)));
    let error =
        refused(folder.path(), 1, &["reduce", "weighed.json", "lec8", "--op", "mean", "--weights", "real"]);
    assert!(error.contains("mean of complex64 values is not defined with weights"), "{error}");
    for operation in
        ["min", "max", "range", "var", "std", "argmin", "argmax", "median", "any(>0)", "histogram(0,1)"]
    {
        let error = refused(folder.path(), 1, &["reduce", "refs.json", "lec8", "--op", operation]);
        let name = operation.split('(').next().unwrap();
        assert!(error.contains(&format!("{name} of complex64 values is not defined")), "{error}");
    }
}

#[test]
fn half_precision_keeps_its_type_and_is_added_in_double() {
    let folder = scanned("types/floats.h5");
    for variable in ["le_f2", "be_f2"] {
        let lines = reduce(folder.path(), variable, "min,max,first,mean,sum,count");
        let types: Vec<&Value> = lines.iter().map(|line| &line["dtype"]).collect();
        assert_eq!(types, ["float16", "float16", "float16", "float64", "float64", "int64"]);
        let answers: Vec<&Value> = lines.iter().map(|line| &line["values"]).collect();
        // Infinities of both signs are among the values, and a NaN, which is missing.
        let expected =
            [json!("-Infinity"), json!("Infinity"), json!(1.5), json!("NaN"), json!("NaN"), json!(7)];
        assert_eq!(answers, expected.iter().collect::<Vec<_>>());
    }
}

#[test]
fn texts_are_counted_and_compared_and_nothing_else() {
    let folder = scanned("types/strings.h5");
    let answers = |variable, operations| -> Vec<Value> {
        reduce(folder.path(), variable, operations).into_iter().map(|line| line["values"].clone()).collect()
    };
    assert_eq!(
        answers("variable", "count,min,max,first,last"),
        [json!(4), json!(""), json!("γ"), json!("x"), json!("γ")]
    );
    assert_eq!(answers("variable_chunked", "min,last"), ["a", "ccc"]);
    // A text of fixed length that is nothing but padding is missing; one of any length that was never written is empty.
    assert_eq!(answers("fixed", "count,min,last"), [json!(2), json!("alpha"), json!("be")]);
    assert_eq!(answers("variable_unwritten", "count,max"), [json!(3), json!("")]);
    // Bytes that are no UTF-8 are told apart.
    assert_eq!(answers("fixed_not_utf8", "min,max"), ["caf\\xe9", "\\xff\\xfe"]);
    let text = done(folder.path(), &["get", "refs.json", "variable_chunked"]);
    assert_eq!(
        text,
        "phony_dim_0  variable_chunked\n0                           a\n1                          bb\n2                         ccc\n"
    );
    for operation in ["sum", "mean", "range", "var", "argmax", "median", "any(>0)"] {
        let error = refused(folder.path(), 1, &["reduce", "refs.json", "variable", "--op", operation]);
        let name = operation.split('(').next().unwrap();
        assert!(error.contains(&format!("{name} of string values is not defined")), "{error}");
    }
}

#[test]
fn characters_and_texts_go_along_dimensions_groups_and_windows() {
    let folder = scanned("netcdf/strings.nc");
    let values = |options: &[&str]| {
        let answer = done(folder.path(), &[&["reduce", "refs.json"], options, &["--json"]].concat());
        serde_json::from_str::<Value>(&answer).unwrap()["values"].clone()
    };
    assert_eq!(values(&["code", "--op", "first", "--over", "len"]), json!(["1", " ", "a", null, "x"]));
    assert_eq!(values(&["code", "--op", "count", "--over", "len"]), json!([4, 4, 4, 0, 2]));
    assert_eq!(values(&["name", "--op", "max", "--select", "x=0:4"]), json!("γάμμα"));
    let windows = values(&["name", "--op", "max", "--rolling", "x=2"]);
    assert_eq!(windows, json!([null, "alpha", "γάμμα", "γάμμα", "日本語"]));
    let refs = std::fs::read_to_string(folder.path().join("refs.json")).unwrap();
    let mut refs: Value = serde_json::from_str(&refs).unwrap();
    let attributes = refs["refs"]["name/.zattrs"].as_str().unwrap();
    let mut attributes: Value = serde_json::from_str(attributes).unwrap();
    attributes["_FillValue"] = json!("alpha");
    refs["refs"]["name/.zattrs"] = json!(attributes.to_string());
    std::fs::write(folder.path().join("refs.json"), refs.to_string()).unwrap();
    assert_eq!(values(&["name", "--op", "first"]), json!(""));
    assert_eq!(values(&["name", "--op", "count"]), json!(4));
}
