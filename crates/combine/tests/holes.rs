//! What stands where no input holds data: never a number that readers take for data.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must stop")]

mod support;

use rangefold_combine::{CombineSpec, Input, MissingVariable};
use rangefold_refs::{AttributeValue, ReferenceSet};
use support::{along, input, join, numbers, refusal, try_join, var};

fn fill() -> CombineSpec {
    CombineSpec { missing_variable: MissingVariable::Fill, ..along(&["time"]) }
}

/// A file with `n` at one time, of 2 or 20 values: joined by value and by reference.
fn with_n(time: f64, dtype: &str, width: u64, attributes: &str) -> Input {
    let n = var(&format!("n(time=1,x={width})")).all(7.0).dtype(dtype).attrs(attributes);
    input("with", [var("time(time=1)").values(&[time]), n])
}

fn without(time: f64) -> Input {
    input("without", [var("time(time=1)").values(&[time]), var("v(time=1,x=20)")])
}

fn declared(set: &ReferenceSet) -> Option<AttributeValue> {
    set.arrays["n"].attributes.get("_FillValue").cloned()
}

/// The answers are the `NC_FILL_*` of netCDF's `netcdf.h`.
#[test]
fn where_nothing_is_declared_netcdfs_default_fill_is_declared() {
    let cases = [
        ("<i2", "{}", -32_767.0),
        (">i2", "{}", -32_767.0),
        ("<i4", "{}", -2_147_483_647.0),
        ("<i8", "{}", -9_223_372_036_854_775_806.0),
        ("<f4", "{}", f64::from(9.969_21e36_f32)),
        ("<f8", "{}", 9.969_209_968_386_869e36),
        // 65535, which an unsigned type of 16 bits has for it, as it is stored.
        ("<i2", r#"{"_Unsigned":"true"}"#, -1.0),
        ("<i2", r#"{"scale_factor":0.5}"#, -32_767.0),
        ("<i4", r#"{"missing_value":-5}"#, -5.0),
        ("<i4", r#"{"_FillValue":-6}"#, -6.0),
        ("|i1", r#"{"_FillValue":-7}"#, -7.0),
    ];
    for width in [2, 20] {
        for (dtype, attributes, expected) in cases {
            let set = join(&[with_n(1.0, dtype, width, attributes), without(2.0)], &fill());
            let values = numbers(&set, "n");
            let (there, hole) = values.split_at(values.len() / 2);
            assert!(there.iter().all(|value| *value == 7.0), "{dtype} {attributes}");
            assert!(hole.iter().all(|value| *value == expected), "{dtype} {attributes}: {hole:?}");
            let array = &set.arrays["n"];
            let said = declared(&set).or_else(|| array.attributes.get("missing_value").cloned()).unwrap();
            let said = said.as_f64().unwrap();
            assert!(said == expected || dtype == "<f4", "{dtype} {attributes}: {said}");
            assert!(array.meta.fill_value.is_some());
        }
    }
}

#[test]
fn one_byte_types_have_no_default_and_are_refused_by_name() {
    for width in [2, 20] {
        let inputs = [with_n(1.0, "|i1", width, "{}"), without(2.0)];
        let message = refusal(&inputs, &fill());
        assert!(message.starts_with("variable \"n\" has no fill value, and there is none"), "{message}");
    }
}

#[test]
fn what_is_appended_after_a_hole_joins_what_declares_it() {
    for width in [2, 20] {
        let before = join(&[with_n(1.0, "<i4", width, "{}"), without(2.0)], &fill());
        let inputs = [Input::combined("before", before), with_n(3.0, "<i4", width, "{}")];
        let set = join(&inputs, &fill());
        assert_eq!(declared(&set), Some(AttributeValue::Integer(-2_147_483_647)));
        assert_eq!(numbers(&set, "n").iter().filter(|value| **value == 7.0).count() as u64, 2 * width);
    }
}

/// Removes the last chunk.
fn lose(input: &mut Input, fill: Option<i32>) {
    let array = input.references.arrays.get_mut("n").unwrap();
    array.meta.fill_value = fill.map(|fill| rangefold_array::FillValue(fill.to_le_bytes().to_vec()));
    array.manifest = rangefold_refs::Manifest::default();
}

#[test]
fn chunks_that_are_lost_are_missing_in_the_joined_set() {
    for width in [2, 20] {
        let mut lost = with_n(2.0, "<i4", width, "{}");
        lose(&mut lost, None);
        let set = join(&[with_n(1.0, "<i4", width, "{}"), lost], &along(&["time"]));
        assert_eq!(declared(&set), Some(AttributeValue::Integer(-2_147_483_647)));
        assert_eq!(numbers(&set, "n").last(), Some(&-2_147_483_647.0));
    }
}

#[test]
fn zeros_of_chunks_that_were_never_written_do_not_become_missing() {
    // Zeros there are data, so they cannot stand beside a declared fill value.
    let mut zeros = with_n(2.0, "<i4", 20, "{}");
    lose(&mut zeros, Some(0));
    let set = join(&[with_n(1.0, "<i4", 20, "{}"), zeros.clone()], &along(&["time"]));
    assert_eq!((declared(&set), numbers(&set, "n").last().copied()), (None, Some(0.0)));
    let message = refusal(&[zeros, without(3.0)], &fill());
    assert!(message.contains("chunks that are absent in with are 0, and not missing"), "{message}");
}

#[test]
fn differences_of_what_a_variable_is_are_refused_and_what_only_some_say_is_told() {
    let file = |time: f64, attributes: &str| {
        let tas = var("tas(time=1,x=20)").attrs(attributes);
        let crs =
            var("crs()").attrs(r#"{"grid_mapping_name":"latitude_longitude","earth_radius":6371000.0}"#);
        input("f", [var("time(time=1)").values(&[time]), tas, crs])
    };
    let cases = [
        ("positive", "up", "down"),
        ("standard_name", "air_temperature", "sea_surface_temperature"),
        ("cell_methods", "time: mean", "time: maximum"),
        ("formula_terms", "a: a ps: ps", "a: a ps: p0"),
        ("grid_mapping", "crs", "crs2"),
    ];
    for (name, one, other) in cases {
        let said = |value: &str| format!(r#"{{"{name}":"{value}"}}"#);
        let inputs = [file(0.0, &said(one)), file(1.0, &said(other))];
        let message = refusal(&inputs, &along(&["time"]));
        assert_eq!(message, format!("variable \"tas\" has {name} {one:?} in f but {other:?} in f"));
        // The rule of an attribute is obeyed.
        let mut spec = along(&["time"]);
        spec.attributes.insert(name.into(), rangefold_combine::AttributeRule::Drop);
        assert!(try_join(&inputs, &spec).is_ok());
        let combined = try_join(&[file(0.0, &said(one)), file(1.0, "{}")], &along(&["time"])).unwrap();
        assert!(combined.dropped_attributes.contains(&("tas".into(), name.into())));
        assert!(rangefold_combine::is_description(name));
    }
    let mut other = file(1.0, "{}");
    let crs = &mut other.references.arrays.get_mut("crs").unwrap().attributes;
    crs.insert("earth_radius", AttributeValue::Float(6_371_229.0));
    assert_eq!(
        refusal(&[file(0.0, "{}"), other], &along(&["time"])),
        "variable \"crs\" has earth_radius 6371000 in f but 6371229 in f"
    );
}
