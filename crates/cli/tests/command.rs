//! The command as a person types it: outputs, messages, exit codes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a helper that fails fails the test"
)]

mod support;

use std::process::Command;

use rangefold_testkit::S3Server;
use serde_json::{Value, json};
use support::{done, fixture, rangefold, refused, stack, stderr, stdout};
use tempfile::TempDir;

#[test]
fn a_stack_is_scanned_combined_and_reduced_to_what_numpy_finds() {
    let folder = stack();
    let answer =
        done(folder.path(), &["reduce", "stack.json", "tas", "--op", "min,max,sum,count,mean", "--json"]);
    let oracle: Value = serde_json::from_slice(&std::fs::read(fixture("stack/stack.json")).unwrap()).unwrap();
    let expected = &oracle["variables"]["tas"]["unscaled"];
    for line in answer.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let op = line["op"].as_str().unwrap();
        let wanted = match op {
            "mean" => expected["sum"].as_f64().unwrap() / expected["count"].as_f64().unwrap(),
            op => expected[op].as_f64().unwrap(),
        };
        let found = line["values"].as_f64().unwrap();
        assert!((found - wanted).abs() <= 1e-12 * wanted.abs(), "{op}: {found} for {wanted}");
        assert_eq!(line["count"], expected["count"], "{op}");
        assert_eq!(line["units"].as_str(), (op != "count").then_some("K"));
    }
    assert_eq!(answer.lines().count(), 5);
}

#[test]
fn parquet_and_compressed_references_give_the_same_answers() {
    let folder = stack();
    let select = ["tas", "--op", "mean", "--over", "lat,lon", "--select", "time=2002-03..2002-05", "--json"];
    let answers: Vec<Value> = ["stack.json", "stack.parq", "stack.json.zst", "stack.json.gz"]
        .into_iter()
        .map(|store| {
            if store != "stack.json" {
                done(folder.path(), &["convert", "stack.json", "-o", store]);
            }
            let args: Vec<&str> = ["reduce", store].into_iter().chain(select).collect();
            let mut answer: Value = serde_json::from_str(&done(folder.path(), &args)).unwrap();
            assert_eq!(answer["shape"], serde_json::json!([3]));
            answer["seconds"] = Value::Null;
            answer
        })
        .collect();
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:#?}");
    assert!(done(folder.path(), &["check", "stack.parq", "--all"]).contains("all is well"));
}

#[test]
fn large_weights_of_a_parquet_store_are_read_before_they_weigh() {
    // A megacell: more bytes than are taken for a coordinate.
    let folder = TempDir::new().unwrap();
    let file = |name: &str, value: fn(usize) -> f64| {
        let bytes: Vec<u8> = (0..1 << 20).flat_map(|i| value(i).to_le_bytes()).collect();
        std::fs::write(folder.path().join(name), bytes).unwrap();
    };
    file("area.bin", |i| if i < 1 << 18 { 3.0 } else { 0.0 });
    file("t.bin", |i| if i < 1 << 18 { 7.0 } else { 1.0 });
    let array = json!({"zarr_format": 2, "shape": [1 << 20], "chunks": [1 << 20], "dtype": "<f8",
        "compressor": null, "filters": null, "fill_value": 5.0, "order": "C"});
    let mut refs = json!({".zgroup": {"zarr_format": 2}});
    for name in ["area", "t"] {
        refs[format!("{name}/.zarray")] = array.clone();
        refs[format!("{name}/.zattrs")] = json!({"_ARRAY_DIMENSIONS": ["cell"]});
        let url = folder.path().join(format!("{name}.bin"));
        refs[format!("{name}/0")] = json!([url, 0, 8 << 20]);
    }
    let refs = json!({"version": 1, "refs": refs}).to_string();
    std::fs::write(folder.path().join("r.json"), refs).unwrap();
    done(folder.path(), &["convert", "r.json", "-o", "r.parq"]);
    for store in ["r.json", "r.parq"] {
        let answer =
            done(folder.path(), &["reduce", store, "t", "--op", "mean", "--weights", "area", "--json"]);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["values"], 7.0, "{store}");
    }
}

#[test]
fn values_are_gathered_by_the_values_of_another_variable() {
    // t = 0 1 2 | 3 4 5 by time and cell; basins "b", none, "a"; both files of raw numbers.
    let folder = TempDir::new().unwrap();
    let numbers: Vec<u8> = (0..6).flat_map(|i| f64::from(i).to_le_bytes()).collect();
    std::fs::write(folder.path().join("t.bin"), numbers).unwrap();
    std::fs::write(folder.path().join("basin.bin"), [2_u8, 9, 1]).unwrap();
    let array = |shape: &[u64], dtype: &str| {
        json!({"zarr_format": 2, "shape": shape, "chunks": shape, "dtype": dtype, "compressor": null,
            "filters": null, "fill_value": null, "order": "C"})
    };
    let basin = json!({"_ARRAY_DIMENSIONS": ["y", "x"], "_FillValue": 9, "flag_values": [1, 2],
        "flag_meanings": "a b"});
    let refs = json!({".zgroup": {"zarr_format": 2},
        "t/.zarray": array(&[2, 1, 3], "<f8"), "t/.zattrs": {"_ARRAY_DIMENSIONS": ["time", "y", "x"]},
        "t/0.0.0": [folder.path().join("t.bin"), 0, 48],
        "basin/.zarray": array(&[1, 3], "|u1"), "basin/.zattrs": basin,
        "basin/0.0": [folder.path().join("basin.bin"), 0, 3]});
    std::fs::write(folder.path().join("r.json"), json!({"version": 1, "refs": refs}).to_string()).unwrap();
    done(folder.path(), &["convert", "r.json", "-o", "r.parq"]);
    let answer = |store: &str, options: &[&str]| -> Value {
        let command = [&["reduce", store, "t", "--json", "--op"], options].concat();
        serde_json::from_str(&done(folder.path(), &command)).unwrap()
    };
    for store in ["r.json", "r.parq"] {
        let mean = answer(store, &["mean", "--by", "basin"]);
        assert_eq!((&mean["dims"], &mean["values"]), (&json!(["basin"]), &json!([3.5, 1.5])), "{store}");
        let max = answer(store, &["max", "--by", "basin", "--over", "y,x"]);
        assert_eq!(
            (&max["dims"], &max["values"]),
            (&json!(["time", "basin"]), &json!([[2.0, 0.0], [5.0, 3.0]]))
        );
        let selected = answer(store, &["std", "--by", "basin", "--select", "x=0:2"]);
        assert_eq!((&selected["values"], &selected["count"]), (&json!([1.5]), &json!([2])));
    }
    let kept = ["reduce", "r.json", "t", "--op", "mean", "--by", "basin", "--over", "time"];
    let error = refused(folder.path(), 1, &kept);
    assert!(error.contains("its dimension \"y\" is not reduced"), "{error}");
}

#[test]
fn periods_and_windows_have_the_answers_of_xarray() {
    let folder = stack();
    let oracle = std::fs::read(fixture("stack/stack.windows.json")).unwrap();
    let oracle: Value = serde_json::from_slice(&oracle).unwrap();
    let text = |name: &str| oracle[name].as_str().unwrap();
    let common = [text("variable"), "--select", text("select"), "--where", text("where"), "--json", "--op"];
    for case in oracle["cases"].as_object().unwrap().values() {
        let expected = case["values"].as_object().unwrap();
        let operations = expected.keys().cloned().collect::<Vec<_>>().join(",");
        let options: Vec<&str> =
            case["options"].as_array().unwrap().iter().map(|option| option.as_str().unwrap()).collect();
        let answer =
            done(folder.path(), &[&["reduce", "stack.json"], &common[..], &[&operations], &options].concat());
        for (line, (operation, expected)) in answer.lines().zip(expected) {
            let line: Value = serde_json::from_str(line).unwrap();
            let about = format!("{options:?} {operation}");
            assert_eq!((&line["dims"], &line["shape"]), (&case["dims"], &case["shape"]), "{about}");
            if case["time"].is_array() {
                assert_eq!(line["coords"]["time"], case["time"], "{about}");
            }
            let (mut found, mut expected) = (Vec::new(), expected.clone());
            flatten(&line["values"], &mut found);
            if operation == "count" {
                // xarray has no count where it has no values; ours is 0, and missing where a window lacks values.
                let counts = found.iter().zip(expected.as_array_mut().unwrap());
                counts
                    .filter(|(_, x)| x.is_null())
                    .for_each(|(found, x)| *x = found.map_or(json!(null), |_| json!(0.0)));
            }
            let expected = expected.as_array().unwrap();
            assert_eq!(found.len(), expected.len(), "{about}");
            for (place, (found, expected)) in found.into_iter().zip(expected).enumerate() {
                let near = match (found, expected.as_f64()) {
                    (Some(x), Some(y)) => (x - y).abs() <= 1e-10 * y.abs().max(1.0),
                    (found, expected) => found == expected,
                };
                assert!(near, "{about}: value {place} is {found:?} instead of {expected}");
            }
        }
        assert_eq!(answer.lines().count(), expected.len());
    }
}

/// The numbers of nested lists, row by row.
fn flatten(values: &Value, into: &mut Vec<Option<f64>>) {
    match values {
        Value::Array(values) => values.iter().for_each(|values| flatten(values, into)),
        value => into.push(value.as_f64()),
    }
}

#[test]
fn periods_are_labelled_by_their_beginnings_in_every_output() {
    let folder = stack();
    let reduce = |options: &[&str]| {
        let command = ["reduce", "stack.json", "tas", "--op", "mean,count", "--select", "time=0:14"];
        done(folder.path(), &[&command, options].concat())
    };
    let seasons = reduce(&["--by", "time.QS-DEC", "--over", "time,lat,lon", "-o", "seasons.csv"]);
    assert_eq!(seasons, "");
    let table = std::fs::read_to_string(folder.path().join("seasons.csv")).unwrap();
    let column = |number: usize| -> Vec<&str> {
        table.lines().skip(1).map(|row| row.split(',').nth(number).unwrap()).collect()
    };
    let starts = ["2000-12-01", "2001-03-01", "2001-06-01", "2001-09-01", "2001-12-01"];
    let starts: Vec<String> = starts.iter().map(|day| format!("{day}T00:00:00")).collect();
    assert_eq!(column(0), starts, "{table}");
    assert_eq!(column(2).len(), 5);
    // The time of the stack is in the middle of each month, so periods of ten days are empty now and then.
    let days = reduce(&["--by", "time.10d", "--json"]);
    let days: Value = serde_json::from_str(days.lines().next().unwrap()).unwrap();
    assert_eq!(days["coords"]["time"][1], "2001-01-26T00:00:00");
    assert_eq!((&days["values"][1], &days["count"][1]), (&Value::Null, &json!(0)));
    assert_eq!(days["shape"], json!([days["coords"]["time"].as_array().unwrap().len()]));
    reduce(&["--by", "time.MS", "--over", "time", "-o", "months.zarr"]);
    let time = std::fs::read_to_string(folder.path().join("months.zarr/time/zarr.json")).unwrap();
    let time: Value = serde_json::from_str(&time).unwrap();
    assert_eq!((&time["shape"], &time["attributes"]["axis"]), (&json!([14]), &json!("T")), "{time}");
    assert_eq!(time["attributes"]["bounds"], "time_bnds", "{time}");
    reduce(&["--by", "time.QS-DEC", "--over", "time,lat,lon", "-o", "seasons.nc.json"]);
    let text = std::fs::read_to_string(folder.path().join("seasons.nc.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let (time, bounds) = (&document["variables"]["time"], &document["variables"]["time_bnds"]);
    assert_eq!(
        (&time["attributes"]["bounds"], &bounds["shape"]),
        (&json!("time_bnds"), &json!(["time", "bnds"]))
    );
    for (begin, both) in time["data"].as_array().unwrap().iter().zip(bounds["data"].as_array().unwrap()) {
        let days = both[1].as_i64().unwrap() - both[0].as_i64().unwrap();
        assert!(*begin == both[0] && (90..=92).contains(&days), "{document}");
    }
    let methods = &document["variables"]["tas_mean"]["attributes"]["cell_methods"];
    assert_eq!(methods, "lat: lon: time: mean (by time.QS-DEC, at time=0:14)");
    let error = refused(
        folder.path(),
        1,
        &["reduce", "stack.json", "tas", "--op", "mean", "--by", "time.6h", "--by", "time.MS"],
    );
    assert!(error.contains("\"time\" is gathered in periods twice"), "{error}");
}

#[test]
fn positions_over_a_seam_are_in_the_order_of_the_selection() {
    let folder = stack();
    let asked = |op, lon| {
        let select = format!("time=0,lat=0,lon={lon}");
        let command = ["reduce", "stack.json", "tas", "--json", "--op", op, "--select", &select];
        let answer: Value = serde_json::from_str(&done(folder.path(), &command)).unwrap();
        answer["values"].as_f64().unwrap()
    };
    assert_eq!(asked("first", "-50.0..50.0"), asked("first", "-45.0"));
    assert_eq!(asked("last", "-50.0..50.0"), asked("last", "45.0"));
    // Of 315 to 45 degrees, those of 22.5 are the warmest.
    assert_eq!(asked("argmax", "-50.0..50.0"), 3.0);
    let command = |op| ["reduce", "stack.json", "tas", "--op", op, "--select", "lon=-50.0..50.0", "--over"];
    // Windows go on over the seam, in the order of the selection.
    let rolled = [&command("max")[..], &["lat,time", "--rolling", "lon=2", "--json"]].concat();
    let rolled: Value = serde_json::from_str(&done(folder.path(), &rolled)).unwrap();
    let single = [&command("max")[..], &["lat,time", "--json"]].concat();
    let single: Value = serde_json::from_str(&done(folder.path(), &single)).unwrap();
    let single: Vec<f64> = single["values"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
    let pairs: Vec<Option<f64>> = single.windows(2).map(|pair| Some(pair[0].max(pair[1]))).collect();
    assert_eq!(rolled["values"], json!([vec![None], pairs].concat()));
}

#[test]
fn extremes_stand_where_argmin_and_argmax_say() {
    let folder = stack();
    let reduce = |options: &[&str]| {
        let answer = done(folder.path(), &[&["reduce", "stack.json", "tas", "--json"], options].concat());
        answer.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>()
    };
    // Each case keeps one dimension at the most, so that answers are numbers or lists of them.
    for options in [
        &[][..],
        &["--select", "time=1:30:3,lat=-30.0..60.0"],
        &["--select", "lon=-50.0..50.0"],
        &["--select", "lon=-50.0..50.0,time=2:20:5", "--over", "lat,lon"],
        &["--select", "lon=-50.0..50.0", "--over", "lat,time"],
        &["--by", "time.season"],
        &["--by", "time.QS-DEC", "--select", "lon=-50.0..50.0"],
        &["--rolling", "time=12:min=1", "--select", "lon=-50.0..50.0"],
        &["--rolling", "lon=3", "--select", "lon=-50.0..50.0"],
    ] {
        for (op, place) in [("min", "argmin"), ("max", "argmax")] {
            let lines = reduce(&[options, &["--op", &format!("{op},{place}")]].concat());
            let of_cell = |values: &Value, cell: usize| values.get(cell).unwrap_or(values).clone();
            let at = &lines[1]["at"];
            for cell in 0..lines[0]["values"].as_array().map_or(1, Vec::len) {
                let extreme = of_cell(&lines[0]["values"], cell);
                let text = |label: &Value| label.to_string().replace('"', "");
                let mut place = Vec::new();
                for (name, labels) in at.as_object().unwrap() {
                    let label = of_cell(labels, cell);
                    assert_eq!(label.is_null(), extreme.is_null(), "{options:?} {op} of cell {cell}");
                    place.push(format!("{name}={}", text(&label)));
                }
                let kept =
                    ["lon", "lat", "time"].into_iter().find(|&name| lines[1]["coords"][name].is_array());
                if let Some(name) = kept.filter(|&name| at[name].is_null()) {
                    place.push(format!("{name}={}", text(&lines[1]["coords"][name][cell])));
                }
                if !extreme.is_null() {
                    let there = reduce(&["--op", "first", "--select", &place.join(",")]);
                    assert_eq!(there[0]["values"], extreme, "{options:?} {op} of cell {cell} at {place:?}");
                }
            }
        }
    }
}

#[test]
fn places_are_told_by_coordinates_and_positions_in_every_output() {
    let folder = stack();
    let reduce = |options: &[&str]| {
        let command = ["reduce", "stack.json", "tas", "--op", "argmax", "--select", "lon=-50.0..50.0"];
        done(folder.path(), &[&command, options].concat())
    };
    assert_eq!(
        reduce(&[]),
        "tas argmax (at lon=-50.0..50.0) = 582 at time 2002-03-16T12:00:00, lat 11.25, lon 0 (count 1364)\n"
    );
    reduce(&["--over", "time,lat", "-o", "places.csv"]);
    let table = std::fs::read_to_string(folder.path().join("places.csv")).unwrap();
    let heading = "lon [degrees_east],tas argmax (at lon=-50.0..50.0),tas argmax (at lon=-50.0..50.0) at time,tas argmax (at lon=-50.0..50.0) at lat [degrees_north],count\n";
    assert!(table.starts_with(heading), "{table}");
    reduce(&["--over", "time", "-o", "places.zarr"]);
    let array = std::fs::read_to_string(folder.path().join("places.zarr/tas_argmax/zarr.json")).unwrap();
    let array: Value = serde_json::from_str(&array).unwrap();
    let comment = "places counted from 0 in the row-major order of the selected positions along time";
    assert_eq!((&array["attributes"]["comment"], &array["data_type"]), (&json!(comment), &json!("int64")));
    let none: Value = serde_json::from_str(&reduce(&["--where", "> 1e9", "--json"])).unwrap();
    let nowhere = json!({"time": null, "lat": null, "lon": null});
    assert_eq!((&none["values"], &none["at"]), (&Value::Null, &nowhere));
    // Dimensions without coordinates of their own, as those of curvilinear grids are, have positions.
    done(folder.path(), &["scan", &fixture("netcdf/multidimensional_coordinate.nc"), "-o", "plain.json"]);
    let line =
        done(folder.path(), &["reduce", "plain.json", "level", "--op", "argmax", "--select", "station=1:"]);
    assert_eq!(line, "level argmax (at station=1:) = 3 at station gamma, time 1 (count 4)\n");
}

#[test]
fn windows_move_along_a_dimension_and_say_so_in_every_output() {
    let folder = stack();
    let reduce = |options: &[&str]| {
        let command = ["reduce", "stack.json", "tas", "--op", "max,count", "--select", "time=0:6"];
        done(folder.path(), &[&command, options].concat())
    };
    let answer = reduce(&["--rolling", "time=3", "--json"]);
    let lines: Vec<Value> = answer.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["dims"], &lines[0]["rolling"]), (&json!(["time"]), &json!("time=3")));
    assert_eq!(lines[0]["over"], json!(["lat", "lon"]));
    assert_eq!(lines[0]["coords"]["time"][5], "2001-06-16T00:00:00");
    for line in &lines {
        let missing: Vec<bool> = line["values"].as_array().unwrap().iter().map(Value::is_null).collect();
        assert_eq!(missing, [true, true, false, false, false, false], "{line}");
    }
    // The first window is cut short: it has an answer only where fewer positions are asked for.
    let first = |rolling| {
        let line = reduce(&["--rolling", rolling, "--json"]);
        serde_json::from_str::<Value>(line.lines().next().unwrap()).unwrap()["values"][0].clone()
    };
    assert_eq!((first("time=3:center"), first("time=3:center:min=3")), (Value::Null, Value::Null));
    assert!(first("time=3:center:min=2").is_number());
    reduce(&["--rolling", "lat=2:min=1", "--over", "time", "-o", "maps.zarr"]);
    let max = std::fs::read_to_string(folder.path().join("maps.zarr/tas_max/zarr.json")).unwrap();
    let max: Value = serde_json::from_str(&max).unwrap();
    let methods = &max["attributes"]["cell_methods"];
    assert_eq!(methods, "time: lat: maximum (windows lat=2:min=1, at time=0:6)");
    let grouped =
        ["reduce", "stack.json", "tas", "--op", "mean", "--rolling", "time=3", "--by", "time.month"];
    let error = refused(folder.path(), 2, &grouped);
    assert!(error.contains("windows time=3 cannot be made: dimension \"time\" is grouped"), "{error}");
}

#[test]
fn what_is_missing_or_no_hdf5_is_named_with_the_reason() {
    let folder = TempDir::new().unwrap();
    let error = refused(folder.path(), 1, &["scan", "nowhere.nc"]);
    assert!(error.contains("nowhere.nc") && error.contains("no object"), "{error}");
    let error = refused(folder.path(), 1, &["scan", "."]);
    assert!(error.contains(". is a folder"), "{error}");
    let error = refused(folder.path(), 1, &["info", &fixture("stack/tas_2001.nc")]);
    assert!(error.contains("holds no references: it is an HDF5 file"), "{error}");
    std::fs::write(folder.path().join("page.json"), "\n<!DOCTYPE html><html></html>").unwrap();
    let error = refused(folder.path(), 1, &["info", "page.json"]);
    assert!(error.contains("page.json holds no references: it is a page of HTML or XML"), "{error}");
    let error = refused(folder.path(), 1, &["info", "."]);
    assert!(error.contains("references at .: it is a folder without .zmetadata"), "{error}");
    std::fs::write(folder.path().join("notes.nc"), "just text\n").unwrap();
    let error = refused(folder.path(), 1, &["scan", "notes.nc"]);
    assert!(error.contains("not a netCDF-4 or HDF5 file"), "{error}");
    let whole = std::fs::read(fixture("stack/tas_2001.nc")).unwrap();
    std::fs::write(folder.path().join("cut.nc"), &whole[..whole.len() / 3]).unwrap();
    let output = rangefold(folder.path(), &["scan", "--strict", "cut.nc"]);
    assert_ne!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn a_wrong_variable_suggests_near_ones_and_wrong_arguments_are_another_exit_code() {
    let folder = stack();
    let error = refused(folder.path(), 1, &["reduce", "stack.json", "tsa", "--op", "mean"]);
    assert!(error.contains("has no variable \"tsa\"; did you mean \"tas\"?"), "{error}");
    let error = refused(folder.path(), 2, &["reduce", "stack.json", "tas", "--op", "maen"]);
    assert!(error.contains("\"maen\" is not an operation; did you mean \"mean\""), "{error}");
    let error =
        refused(folder.path(), 1, &["reduce", "stack.json", "tas", "--op", "mean", "--over", "level"]);
    assert!(error.contains("no dimension \"level\"; it has time, lat, lon"), "{error}");
    let north = ["reduce", "stack.json", "tas", "--op", "mean", "--select", "lat=500.0"];
    let error = refused(folder.path(), 1, &north);
    assert_eq!(error.matches("500.0 lies outside coordinate").count(), 1, "a cause is told once: {error}");
    refused(folder.path(), 2, &["reduce", "stack.json", "tas"]);
    for wrong in [
        ["--select", "lat"],
        ["--where", "warm"],
        ["--by", "time."],
        ["--by", "time.ME"],
        ["--rolling", "time=0"],
        ["--mask", "pr"],
    ] {
        refused(folder.path(), 2, &[&["reduce", "stack.json", "tas", "--op", "mean"], &wrong[..]].concat());
    }
    refused(folder.path(), 2, &["nonsense"]);
}

#[test]
fn nothing_existing_is_overwritten_unless_asked() {
    let folder = stack();
    let scan = ["scan", &fixture("stack/tas_2001.nc"), "-o", "stack.json"];
    let error = refused(folder.path(), 1, &scan);
    assert!(error.contains("--overwrite"), "{error}");
    done(folder.path(), &[&scan[..], &["--overwrite"]].concat());
}

#[test]
fn references_to_files_that_do_not_fit_together_are_not_combined() {
    let folder = TempDir::new().unwrap();
    for year in ["2001", "2002"] {
        let file = fixture(&format!("stack_rescaled/tas_{year}.nc"));
        done(folder.path(), &["scan", &file, "-o", &format!("{year}.json")]);
    }
    let combine = ["combine", "2001.json", "2002.json", "-o", "out.json", "--concat", "time"];
    let error = refused(folder.path(), 1, &combine);
    assert!(error.contains("scale_factor"), "{error}");
    assert!(!folder.path().join("out.json").exists());
}

#[test]
fn a_glob_answers_for_every_variable_it_can_and_says_which_it_cannot() {
    let folder = TempDir::new().unwrap();
    let lines = {
        done(folder.path(), &["scan", &fixture("stack/tas_2001.nc"), "-o", "a.json"]);
        done(folder.path(), &["reduce", "a.json", "**", "--op", "max", "--json"])
    };
    let variables: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["variable"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(variables, ["crs", "lat", "lon", "pr", "tas", "time"]);
}

#[test]
fn a_bucket_is_scanned_and_reduced_with_the_credentials_of_the_environment() {
    let server = S3Server::start();
    server.create_bucket("climate");
    server.put("climate", "tas.nc", std::fs::read(fixture("stack/tas_2001.nc")).unwrap());
    let folder = TempDir::new().unwrap();
    let endpoint = server.endpoint();
    let run = |secret: &str, args: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_rangefold"))
            .current_dir(folder.path())
            .env("AWS_ACCESS_KEY_ID", server.access_key())
            .env("AWS_SECRET_ACCESS_KEY", secret)
            .args(["--endpoint-url", &endpoint])
            .args(args)
            .output()
            .unwrap()
    };
    let scanned =
        run(server.secret_key(), &["scan", "s3://climate/tas.nc", "-o", "s3://climate/refs/tas.json"]);
    assert!(scanned.status.success(), "{}", stderr(&scanned));
    let reduced =
        run(server.secret_key(), &["reduce", "s3://climate/refs/tas.json", "tas", "--op", "count", "--json"]);
    assert!(reduced.status.success(), "{}", stderr(&reduced));
    assert_eq!(serde_json::from_str::<Value>(&stdout(&reduced)).unwrap()["values"], 1487);
    let wrong = run("wrong-secret", &["scan", "s3://climate/tas.nc"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(
        stderr(&wrong).contains("secret") && !stderr(&wrong).contains("wrong-secret"),
        "{}",
        stderr(&wrong)
    );
}

#[test]
fn info_and_dump_tell_what_is_inside() {
    let folder = TempDir::new().unwrap();
    done(folder.path(), &["scan", &fixture("stack/tas_2001.nc"), "-o", "a.json"]);
    let info = done(folder.path(), &["info", "a.json", "tas"]);
    assert!(info.starts_with("float32 tas(time=12, lat=8, lon=16)\n"), "{info}");
    let json: Value = serde_json::from_str(&done(folder.path(), &["info", "a.json", "--json"])).unwrap();
    assert_eq!(json["variables"]["pr"]["codecs"], serde_json::json!(["shuffle", "zlib"]));
    assert!(done(folder.path(), &["dump", &fixture("stack/tas_2001.nc")]).contains("superblock"));
}

#[test]
fn values_of_a_selection_are_written_for_numpy() {
    let folder = stack();
    done(folder.path(), &["get", "stack.json", "tas", "--select", "time=0,lat=0:2", "-o", "a.npy"]);
    let bytes = std::fs::read(folder.path().join("a.npy")).unwrap();
    assert!(bytes.starts_with(b"\x93NUMPY"));
    let header = String::from_utf8_lossy(&bytes[10..128]).into_owned();
    assert!(header.contains("'descr': '<f4'") && header.contains("(1, 2, 16)"), "{header}");
}
