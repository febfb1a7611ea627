//! What stored elements mean is the same wherever they are used: as values, labels, places, dates, in selections and groups.
//!
//! The right answers are those of netCDF4-python 1.7 and xarray 2026.9 for the same attributes.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::{array, done, foreign, refused};
use tempfile::TempDir;

/// A store of `v(x)` = 1, 2, 4, 8 (float64) with the coordinate `x`.
fn labelled(dtype: &str, bytes: &[u8], attributes: Value) -> TempDir {
    let folder = TempDir::new().unwrap();
    let values: Vec<u8> = [1.0_f64, 2.0, 4.0, 8.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let dims = [("x", 4)];
    let arrays = [
        array("x", dtype, &dims, bytes, &Value::Null, attributes),
        array("v", "<f8", &dims, &values, &Value::Null, json!({})),
    ];
    foreign(folder.path(), "r.json", &arrays);
    folder
}

fn bytes<const N: usize>(numbers: &[[u8; N]]) -> Vec<u8> {
    numbers.concat()
}

/// The one line that a command prints as JSON.
fn line(folder: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&done(folder, arguments)).unwrap()
}

/// Labels, the place of the largest value, and the sum over a selection of the first three cells.
fn check_labels(folder: &Path, labels: &Value, range: &str, case: &str) {
    assert_eq!(line(folder, &["get", "r.json", "v", "--json"])["coords"]["x"], *labels, "{case}: get");
    let all = line(folder, &["reduce", "r.json", "v", "--op", "argmax", "--json"]);
    assert_eq!(all["at"]["x"], labels[3], "{case}: argmax");
    let select = format!("x={range}");
    let sum = line(folder, &["reduce", "r.json", "v", "--op", "sum", "--select", &select, "--json"]);
    assert_eq!(sum["values"], 7.0, "{case}: {select}");
    let kept = line(folder, &["reduce", "r.json", "v", "--op", "max", "--rolling", "x=1", "--json"]);
    assert_eq!(kept["coords"]["x"], *labels, "{case}: reduce");
    done(folder, &["get", "r.json", "v", "-o", "v.csv", "--overwrite"]);
    let table = std::fs::read_to_string(folder.join("v.csv")).unwrap();
    let column: Vec<&str> = table.lines().skip(1).map(|row| row.split(',').next().unwrap()).collect();
    for (text, label) in column.iter().zip(labels.as_array().unwrap()) {
        let same = match label.as_f64() {
            Some(number) => text.parse::<f64>().unwrap() == number,
            None => *text == label.as_str().unwrap(),
        };
        assert!(same, "{case}: {text} in the table, {label} expected");
    }
}

#[test]
fn packed_coordinates_of_every_type_are_unpacked_wherever_a_label_stands() {
    let packed = json!({"scale_factor": 0.5, "add_offset": 10.0, "units": "m"});
    let labels = json!([10.0, 10.5, 11.0, 11.5]);
    let numbers = [0_u8, 1, 2, 3];
    let cases: [(&str, Vec<u8>); 10] = [
        ("|i1", numbers.to_vec()),
        ("|u1", numbers.to_vec()),
        ("<i2", bytes(&numbers.map(|x| i16::from(x).to_le_bytes()))),
        (">i2", bytes(&numbers.map(|x| i16::from(x).to_be_bytes()))),
        ("<u2", bytes(&numbers.map(|x| u16::from(x).to_le_bytes()))),
        ("<i4", bytes(&numbers.map(|x| i32::from(x).to_le_bytes()))),
        ("<u4", bytes(&numbers.map(|x| u32::from(x).to_le_bytes()))),
        ("<i8", bytes(&numbers.map(|x| i64::from(x).to_le_bytes()))),
        ("<u8", bytes(&numbers.map(|x| u64::from(x).to_le_bytes()))),
        ("<f4", bytes(&numbers.map(|x| f32::from(x).to_le_bytes()))),
    ];
    for (dtype, bytes) in cases {
        let folder = labelled(dtype, &bytes, packed.clone());
        check_labels(folder.path(), &labels, "10.0..11.0", dtype);
        let one = ["reduce", "r.json", "v", "--op", "sum", "--select", "x=10.5", "--json"];
        assert_eq!(line(folder.path(), &one)["values"], 2.0, "{dtype}");
    }
}

#[test]
fn unsigned_coordinates_are_what_they_stand_for() {
    let narrow: Vec<u8> = [100_u8, 120, 140, 200].to_vec();
    let folder = labelled("|i1", &narrow, json!({"_Unsigned": "true"}));
    check_labels(folder.path(), &json!([100, 120, 140, 200]), "100.0..140.0", "int8");
    let wide = bytes(&[100_u16, 40_000, 50_000, 65_535].map(u16::to_le_bytes));
    let folder = labelled("<i2", &wide, json!({"_Unsigned": "true"}));
    check_labels(folder.path(), &json!([100, 40_000, 50_000, 65_535]), "50.0..50000.0", "int16");
    let folder = labelled("<i2", &wide, json!({"_Unsigned": "true", "scale_factor": 0.5}));
    check_labels(folder.path(), &json!([50.0, 20_000.0, 25_000.0, 32_767.5]), "50.0..25000.0", "packed");
}

#[test]
fn a_missing_label_is_no_label() {
    let stored = bytes(&[10_i16, 20, 200, 40].map(i16::to_le_bytes));
    let marks = [
        json!({"_FillValue": 200}),
        json!({"missing_value": [7, 200]}),
        json!({"valid_range": [0, 100]}),
        json!({"valid_max": 100}),
    ];
    for attributes in marks {
        let folder = labelled("<i2", &stored, attributes.clone());
        let coords = &line(folder.path(), &["get", "r.json", "v", "--json"])["coords"]["x"];
        assert_eq!(*coords, json!([10.0, 20.0, "NaN", 40.0]), "{attributes}");
    }
}

#[test]
fn dates_are_dates_in_every_integer_type_and_to_the_nanosecond() {
    let day = 86_400_000_000_000_i64;
    let dates =
        json!(["2001-01-01T00:00:00", "2001-01-02T00:00:00", "2001-01-31T00:00:00", "2001-02-01T00:00:00"]);
    let days = [0_i16, 1, 30, 31];
    let nanoseconds = days.map(|d| 978_307_200_000_000_000 + i64::from(d) * day);
    let cases: [(&str, Vec<u8>, Value); 5] = [
        ("<i2", bytes(&days.map(i16::to_le_bytes)), json!({"units": "days since 2001-01-01"})),
        ("|u1", days.iter().map(|d| d.to_le_bytes()[0]).collect(), json!({"units": "days since 2001-01-01"})),
        (
            "<i2",
            bytes(&days.map(|d| (4 * d).to_le_bytes())),
            json!({"units": "days since 2001-01-01", "scale_factor": 0.25}),
        ),
        ("<i8", bytes(&nanoseconds.map(i64::to_le_bytes)), json!({"units": "nanoseconds since 1970-01-01"})),
        ("<M8[ns]", bytes(&nanoseconds.map(i64::to_le_bytes)), json!({})),
    ];
    for (dtype, bytes, attributes) in cases {
        let case = format!("{dtype} {attributes}");
        let folder = labelled(dtype, &bytes, attributes);
        check_labels(folder.path(), &dates, "2001-01", &case);
        let months = ["reduce", "r.json", "v", "--op", "sum", "--by", "x.month", "--json"];
        assert_eq!(line(folder.path(), &months)["values"], json!([7.0, 8.0]), "{case}");
    }
    let exact = [978_307_200_000_000_000_i64, 978_307_200_000_000_001].map(i64::to_le_bytes);
    let last = [978_393_600_000_000_007_i64, 978_393_600_000_000_008].map(i64::to_le_bytes);
    let stored = [exact, last].concat().concat();
    let folder = labelled("<i8", &stored, json!({"units": "nanoseconds since 1970-01-01"}));
    let coords = &line(folder.path(), &["get", "r.json", "v", "--json"])["coords"]["x"];
    assert_eq!(coords[1], "2001-01-01T00:00:00.000000001");
    assert_eq!(coords[3], "2001-01-02T00:00:00.000000008");
}

/// The sum, count and least value of an array of four elements.
fn told(folder: &Path, name: &str) -> (Value, Value, Value) {
    let lines = done(folder, &["reduce", name, "v", "--op", "sum,count,min", "--json"]);
    let values: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["values"].clone()).collect();
    (values[0].clone(), values[1].clone(), values[2].clone())
}

#[test]
fn the_fill_value_of_a_store_that_another_program_wrote_marks_what_is_missing_unless_it_is_zero() {
    let folder = TempDir::new().unwrap();
    let check = |dtype: &str,
                 bytes: &[u8],
                 fill: Value,
                 attributes: Value,
                 expected: (Value, Value, Value)| {
        foreign(folder.path(), "r.json", &[array("v", dtype, &[("x", 4)], bytes, &fill, attributes.clone())]);
        let case = format!("{dtype}, fill_value {fill}, {attributes}");
        assert_eq!(told(folder.path(), "r.json"), expected, "{case}");
        // What is missing stays so in other forms of the store.
        for form in ["c.json", "c.parq"] {
            done(folder.path(), &["convert", "r.json", "-o", form, "--overwrite"]);
            assert_eq!(told(folder.path(), form), expected, "{case} as {form}");
        }
    };
    let shorts = bytes(&[1_i16, -999, 0, 4].map(i16::to_le_bytes));
    check("<i2", &shorts, json!(-999), json!({}), (json!(5), json!(3), json!(0)));
    check("<i2", &shorts, json!(0), json!({}), (json!(-994), json!(4), json!(-999)));
    check("<i2", &shorts, json!(0), json!({"missing_value": 0}), (json!(-994), json!(3), json!(-999)));
    check("<i2", &shorts, json!(0), json!({"_FillValue": -999}), (json!(5), json!(3), json!(0)));
    check("<i2", &shorts, Value::Null, json!({}), (json!(-994), json!(4), json!(-999)));
    check("<i2", &shorts, json!(4), json!({"_FillValue": -999}), (json!(-998), json!(3), json!(-999)));
    let floats = bytes(&[1.0_f32, -9999.0, 0.0, 4.0].map(f32::to_le_bytes));
    check("<f4", &floats, json!(-9999.0), json!({}), (json!(5.0), json!(3), json!(0.0)));
    check("<f4", &floats, json!("NaN"), json!({}), (json!(-9994.0), json!(4), json!(-9999.0)));
    let packed = json!({"scale_factor": 0.5});
    check("<i2", &shorts, json!(-999), packed, (json!(2.5), json!(3), json!(0.0)));
}

#[test]
fn attributes_that_are_float64_unpack_in_float64_and_float32_ones_in_float32() {
    let folder = TempDir::new().unwrap();
    let shorts = bytes(&[0_i16, 1, 30, 61].map(i16::to_le_bytes));
    let attributes = json!({"scale_factor": 1.0, "add_offset": 1.6e9});
    let v = array("v", "<i2", &[("x", 4)], &shorts, &Value::Null, attributes);
    foreign(folder.path(), "r.json", std::slice::from_ref(&v));
    let get = |name: &str| line(folder.path(), &["get", name, "v", "--json"]);
    let wide = get("r.json");
    assert_eq!((&wide["dtype"], &wide["values"][1]), (&json!("float64"), &json!(1_600_000_001.0)));
    // The same store says that the file has float32: 1600000001 is not one.
    let mut document: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("r.json")).unwrap()).unwrap();
    document["rangefold"] = json!({"sources": {}, "float32": {"v": ["scale_factor", "add_offset"]}});
    std::fs::write(folder.path().join("n.json"), document.to_string()).unwrap();
    for form in ["n.json", "n2.json", "n.parq"] {
        if form != "n.json" {
            done(folder.path(), &["convert", "n.json", "-o", form]);
        }
        let narrow = get(form);
        let expected = (&json!("float32"), &json!(1_600_000_000.0));
        assert_eq!((&narrow["dtype"], &narrow["values"][1]), expected, "{form}");
    }
}

#[test]
fn packing_attributes_that_are_no_number_are_refused_or_both_left_out_and_told() {
    let folder = TempDir::new().unwrap();
    let shorts = bytes(&[1_i16, 2, 3, 4].map(i16::to_le_bytes));
    let sum = ["reduce", "r.json", "v", "--op", "sum"];
    for (attributes, bad) in [
        (json!({"scale_factor": "0.5"}), "scale_factor"),
        (json!({"scale_factor": 0.5, "add_offset": " 10 "}), "add_offset"),
    ] {
        let v = array("v", "<i2", &[("x", 4)], &shorts, &Value::Null, attributes);
        foreign(folder.path(), "r.json", &[v]);
        let said = refused(folder.path(), 1, &sum);
        assert!(said.contains(bad) && said.contains("is the text"), "{said}");
    }
    for (attributes, note) in [
        (json!({"scale_factor": "none", "add_offset": 10.0}), "scale_factor is not a number"),
        (json!({"scale_factor": 0.5, "add_offset": [1.0, 2.0]}), "add_offset is a list of 2"),
    ] {
        let v = array("v", "<i2", &[("x", 4)], &shorts, &Value::Null, attributes);
        foreign(folder.path(), "r.json", &[v]);
        let output = support::rangefold(folder.path(), &sum);
        assert_eq!(support::stdout(&output), "v sum = 10 (count 4)\n");
        assert!(support::stderr(&output).contains(note), "{}", support::stderr(&output));
    }
}

#[test]
fn a_dimension_of_a_group_hides_the_coordinate_of_the_group_above() {
    let folder = TempDir::new().unwrap();
    let latitudes = bytes(&[-60.0_f32, -20.0, 20.0, 60.0].map(f32::to_le_bytes));
    let units = json!({"units": "degrees_north"});
    let values = bytes(&[1.0_f32, 2.0, 4.0].map(f32::to_le_bytes));
    let more = bytes(&[1.0_f32, 2.0, 4.0, 8.0].map(f32::to_le_bytes));
    let arrays = [
        array("lat", "<f4", &[("lat", 4)], &latitudes, &Value::Null, units),
        array("coarse/v", "<f4", &[("lat", 3)], &values, &Value::Null, json!({})),
        array("fine/v", "<f4", &[("lat", 4)], &more, &Value::Null, json!({})),
    ];
    foreign(folder.path(), "r.json", &arrays);
    let coords = |variable: &str, name: &str| {
        line(folder.path(), &["get", name, variable, "--json"]).get("coords").cloned()
    };
    // Another length: another dimension.
    assert_eq!(coords("coarse/v", "r.json"), None);
    assert_eq!(coords("fine/v", "r.json"), Some(json!({"lat": [-60.0, -20.0, 20.0, 60.0]})));
    let mean = ["reduce", "r.json", "coarse/v", "--op", "mean", "--weights", "coslat"];
    let said = refused(folder.path(), 1, &mean);
    assert!(said.contains("\"lat\" has 4 values and the dimension 3"), "{said}");
    // The same length, and the store says that the group has a dimension of its own.
    let mut document: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("r.json")).unwrap()).unwrap();
    document["rangefold"] = json!({"sources": {}, "hiding_dimensions": {"fine": ["lat"]}});
    std::fs::write(folder.path().join("own.json"), document.to_string()).unwrap();
    assert_eq!(coords("fine/v", "own.json"), None);
    done(folder.path(), &["convert", "own.json", "-o", "own.parq"]);
    assert_eq!(coords("fine/v", "own.parq"), None);
}

#[test]
fn info_tells_what_is_missing_in_every_array_of_a_type() {
    let one = 1.0_f64.to_le_bytes();
    let cases = [
        ("|S2", b"ab".to_vec(), "empty texts", json!("ab"), b"\0\0".to_vec()),
        ("<c16", [one, one].concat(), "NaN", json!([1.0, 1.0]), [one, f64::NAN.to_le_bytes()].concat()),
        ("<f8", one.to_vec(), "NaN", json!(1.0), f64::NAN.to_le_bytes().to_vec()),
    ];
    for (dtype, there, said, value, missing) in cases {
        let folder = TempDir::new().unwrap();
        let stored = [there, missing].concat();
        foreign(folder.path(), "r.json", &[array("v", dtype, &[("x", 2)], &stored, &Value::Null, json!({}))]);
        let info = done(folder.path(), &["info", "r.json", "v"]);
        assert!(info.contains(&format!("missing: {said}\n")), "{dtype}: {info}");
        let got = line(folder.path(), &["get", "r.json", "v", "--json"]);
        assert_eq!(got["values"], json!([value, null]), "{dtype}");
    }
}
