//! What answers say of themselves, what one operation without an answer leaves the others, and names that match nothing.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use serde_json::{Value, json};
use support::{done, fixture, rangefold, refused, stack, stderr, stdout};
use tempfile::TempDir;

/// References to `a`, four times 2^62, and `b`, the numbers from 0 to 3; `lost` has metadata that nobody understands.
fn sums() -> TempDir {
    let folder = TempDir::new().unwrap();
    let mut bytes: Vec<u8> = [1_i64 << 62; 4].iter().flat_map(|x| x.to_le_bytes()).collect();
    bytes.extend((0_i64..4).flat_map(i64::to_le_bytes));
    std::fs::write(folder.path().join("numbers"), bytes).unwrap();
    let url = folder.path().join("numbers").display().to_string();
    let array = json!({"zarr_format": 2, "shape": [4], "chunks": [4], "dtype": "<i8", "order": "C",
        "compressor": null, "filters": null, "fill_value": null});
    let mut lost = array.clone();
    lost["dtype"] = json!("<q99");
    let attributes = json!({"_ARRAY_DIMENSIONS": ["x"]}).to_string();
    let refs = json!({".zgroup": "{\"zarr_format\":2}", "a/.zarray": array.to_string(), "a/.zattrs": attributes,
        "a/0": [url, 0, 32], "b/.zarray": array.to_string(), "b/.zattrs": attributes, "b/0": [url, 32, 32],
        "lost/.zarray": lost.to_string(), "lost/.zattrs": attributes});
    std::fs::write(folder.path().join("refs.json"), json!({"version": 1, "refs": refs}).to_string()).unwrap();
    folder
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn an_operation_without_an_answer_leaves_the_others_theirs() {
    let folder = sums();
    let output = rangefold(folder.path(), &["reduce", "refs.json", "a", "--op", "max,sum,count", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let answers = lines(&stdout(&output));
    assert_eq!((&answers[0]["values"], &answers[2]["values"]), (&json!(1_i64 << 62), &json!(4)));
    assert_eq!((&answers[1]["op"], answers[1].get("values")), (&json!("sum"), None));
    assert!(answers[1]["error"].as_str().unwrap().contains("18446744073709551616"), "{answers:?}");
    // A table has what there is, and a file too.
    let output = rangefold(folder.path(), &["reduce", "refs.json", "a", "--op", "sum,max"]);
    assert_eq!(
        (output.status.code(), stdout(&output).trim_end()),
        (Some(1), "a max = 4611686018427387904 (count 4)")
    );
    assert!(stderr(&output).contains("does not fit int64"), "{}", stderr(&output));
    refused(folder.path(), 1, &["reduce", "refs.json", "a", "--op", "sum,max", "-o", "a.csv"]);
    assert_eq!(
        std::fs::read_to_string(folder.path().join("a.csv")).unwrap(),
        "a max,count\n4611686018427387904,4\n"
    );
    refused(folder.path(), 1, &["reduce", "refs.json", "a", "--op", "sum", "-o", "none.csv"]);
    assert!(!folder.path().join("none.csv").exists());
}

#[test]
fn what_cannot_be_read_is_named_and_the_other_variables_answer() {
    let folder = sums();
    let output = rangefold(folder.path(), &["reduce", "refs.json", "**", "--op", "sum", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let mut answers = lines(&stdout(&output));
    answers.sort_by_key(|line| line["variable"].to_string());
    assert_eq!(answers[1]["values"], 6, "{answers:?}");
    for (line, name) in [(&answers[0], "a"), (&answers[2], "lost")] {
        assert_eq!(line["variable"], name);
        assert!(line["error"].is_string(), "{line}");
    }
    assert!(answers[2]["error"].as_str().unwrap().contains("q99"), "{answers:?}");
}

#[test]
fn every_form_says_what_was_asked() {
    let folder = stack();
    let asked = ["reduce", "stack.json", "tas", "--op", "count_where(>273.15),mean", "--over", "time,lon"];
    let part = ["--select", "time=2001-01..2001-03", "--where", "> 200"];
    let reduce = |options: &[&str]| done(folder.path(), &[&asked[..], &part[..], options].concat());
    let answers = lines(&reduce(&["--json"]));
    let told = |name: &str| answers[0][name].clone();
    assert_eq!((told("op"), told("expression")), (json!("count_where"), json!("count_where(> 273.15)")));
    assert_eq!((told("select"), told("where")), (json!("time=2001-01..2001-03"), json!("> 200")));
    assert_eq!(answers[1].get("expression"), None);
    reduce(&["-o", "a.csv"]);
    let table = std::fs::read_to_string(folder.path().join("a.csv")).unwrap();
    assert!(
        table.contains("tas count_where(> 273.15) (of values > 200, at time=2001-01..2001-03)"),
        "{table}"
    );
    reduce(&["-o", "a.nc.json"]);
    let document = std::fs::read_to_string(folder.path().join("a.nc.json")).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let attributes = |name: &str| document["variables"][name]["attributes"].clone();
    assert_eq!(attributes("tas_count_where")["units"], "1");
    let long_name = attributes("tas_count_where")["long_name"].as_str().unwrap().to_owned();
    assert!(long_name.contains("count_where(> 273.15) over time, lon, of values > 200"), "{long_name}");
    let methods = "time: lon: mean (of values > 200, at time=2001-01..2001-03)";
    assert_eq!(attributes("tas_mean")["cell_methods"], methods);
    // Bins have their edges.
    let bins = ["reduce", "stack.json", "tas", "--op", "histogram(200,250,300)", "-o", "bins.nc.json"];
    done(folder.path(), &bins);
    let document = std::fs::read_to_string(folder.path().join("bins.nc.json")).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["variables"]["bin_bnds"]["data"], json!([[200.0, 250.0], [250.0, 300.0]]));
    assert_eq!(document["variables"]["bin"]["attributes"]["bounds"], "bin_bnds");
}

#[test]
fn names_that_match_nothing_are_told() {
    let folder = stack();
    let combine = ["combine", "refs/tas_2001.json", "refs/tas_2002.json", "--concat", "time", "-o", "c.json"];
    let error = refused(folder.path(), 1, &[&combine[..], &["--identical", "latt"]].concat());
    assert!(
        error.contains("no input has the variable \"latt\" of --identical; did you mean \"lat\""),
        "{error}"
    );
    let error = refused(folder.path(), 1, &[&combine[..], &["--include", "tass"]].concat());
    assert!(error.contains("--include \"tass\""), "{error}");
    let output =
        rangefold(folder.path(), &[&combine[..], &["--exclude", "tass", "--attr", "histroy=drop"]].concat());
    let told = stderr(&output);
    assert!(
        output.status.success() && told.contains("--exclude \"tass\"") && told.contains("\"histroy\""),
        "{told}"
    );
    let file = fixture("stack/tas_2001.nc");
    let error = refused(folder.path(), 1, &["scan", &file, "-o", "x.json", "--include", "tass"]);
    assert!(error.contains("--include \"tass\"") && !folder.path().join("x.json").exists(), "{error}");
}

#[test]
fn what_is_wrong_whatever_the_data_are_has_an_exit_code_of_its_own() {
    let folder = stack();
    let reduce = ["reduce", "stack.json", "tas", "--op", "mean"];
    let combine = ["combine", "refs/tas_2001.json", "--concat", "time", "-o", "c.json"];
    for wrong in [
        &[&reduce[..], &["--select", "time=2001-13"]].concat()[..],
        &[&reduce[..], &["--select", "time=2001-02-31"]].concat(),
        &[&reduce[..], &["--select", "time=::0"]].concat(),
        &[&reduce[..], &["-o", "ftp://host/x.csv"]].concat(),
        &[&reduce[..], &["--endpoint-url", "localhost:9000"]].concat(),
        &["reduce", "stack.json", "tas", "--op", "mean,max", "-o", "x.npy"],
        &["reduce", "stack.json", "[", "--op", "mean"],
        &["reduce", "ftp://host/refs.json", "tas", "--op", "mean"],
        &["reduce", "stack.json", "tas", "--op", "histogram(3,2,1)"],
        &["reduce", "stack.json", "tas", "--op", "max", "--weights", "coslat"],
        &["reduce", "stack.json", "tas", "--op", "median", "--rolling", "time=3"],
        &["storage", "check", "ftp://host"],
        &[&combine[..], &["--concat", "time"]].concat(),
        &[&combine[..], &["--coord", "lat=index"]].concat(),
        &[&combine[..], &["--coord", "time=index", "--coord", "time=url"]].concat(),
        &[&combine[..], &["--attr", "a=drop", "--attr", "a=keep"]].concat(),
        &[&combine[..], &["--coord", "time"]].concat(),
        &[&combine[..], &["--coord", "time=foo:bar"]].concat(),
        &[&combine[..], &["--identical", "lat=-1"]].concat(),
        &[&combine[..], &["--attr", "history=nuke"]].concat(),
        &[&combine[..], &["--record-size", "0"]].concat(),
        &["convert", "stack.json", "-o", "x.txt"],
        &["convert", "stack.json", "-o", "x.json", "--rewrite", "nope"],
        &["scan", "s3://", "-o", "x.json"],
        &["scan", "", "-o", "x.json"],
        &["info", "gopher://x"],
        &["check", "s3://"],
    ] {
        assert!(!refused(folder.path(), 2, wrong).is_empty());
    }
    refused(folder.path(), 1, &["scan", "nofile.nc", "-o", "x.json"]);
    refused(folder.path(), 1, &["info", "nofile.json"]);
    refused(folder.path(), 1, &[&combine[..], &["--coord", "time=list:nofile"]].concat());
}

#[test]
fn weights_and_groups_along_a_dimension_that_stands_twice_are_refused_by_its_name() {
    let folder = TempDir::new().unwrap();
    let array = |shape: Value| {
        json!({"zarr_format": 2, "shape": shape, "chunks": shape, "dtype": "|i1", "order": "C",
            "compressor": null, "filters": null, "fill_value": null})
        .to_string()
    };
    let dims = |names: Value| json!({ "_ARRAY_DIMENSIONS": names }).to_string();
    let refs = json!({".zgroup": "{\"zarr_format\":2}",
        "cov/.zarray": array(json!([2, 2])), "cov/.zattrs": dims(json!(["x", "x"])), "cov/0.0": "\u{1}\u{2}\u{3}\u{4}",
        "w/.zarray": array(json!([2])), "w/.zattrs": dims(json!(["x"])), "w/0": "\u{1}\u{2}"});
    std::fs::write(folder.path().join("refs.json"), json!({"version": 1, "refs": refs}).to_string()).unwrap();
    let reduce = ["reduce", "refs.json", "cov", "--op", "mean"];
    assert_eq!(done(folder.path(), &reduce), "cov mean = 2.5 (count 4)\n");
    for asked in [["--weights", "w"], ["--mask", "w > 1"], ["--by", "w"], ["--rolling", "x=2"]] {
        let error = refused(folder.path(), 1, &[&reduce[..], &asked[..]].concat());
        assert!(error.contains("has the dimension \"x\" twice"), "{error}");
    }
}

#[test]
fn operations_that_a_type_has_not_leave_the_others_theirs() {
    let folder = TempDir::new().unwrap();
    let array = json!({"zarr_format": 2, "shape": [2], "chunks": [2], "dtype": "|S1", "order": "C",
        "compressor": null, "filters": null, "fill_value": null});
    let refs = json!({".zgroup": "{\"zarr_format\":2}", "t/.zarray": array.to_string(),
        "t/.zattrs": json!({"_ARRAY_DIMENSIONS": ["x"]}).to_string(), "t/0": "ba"});
    std::fs::write(folder.path().join("refs.json"), json!({"version": 1, "refs": refs}).to_string()).unwrap();
    let output =
        rangefold(folder.path(), &["reduce", "refs.json", "t", "--op", "min,mean,count,median", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let answers = lines(&stdout(&output));
    let told: Vec<Value> = answers.iter().map(|line| json!([line["op"], line.get("values")])).collect();
    assert_eq!(
        told,
        [json!(["min", "a"]), json!(["mean", null]), json!(["count", 2]), json!(["median", null])]
    );
    assert!(answers[1]["error"].as_str().unwrap().contains("mean"), "{answers:?}");
}
