//! Attributes that hold by parts: the same in every form, and refused where they do not fit their array.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use rangefold_array::{ArrayMeta, AxisChunks, ChunkGrid, CodecSpec, DataType, FillValue, MemoryOrder};
use rangefold_refs::{
    AttributeValue, Attributes, Manifest, ManifestArray, ReferenceSet, by_part, json, parquet, zarr_v2,
    zarr_v3,
};

fn part(end: u64, fill: Option<i16>, attributes: &str) -> by_part::Part {
    by_part::Part {
        end,
        fill_value: fill.map(|fill| FillValue(fill.to_le_bytes().to_vec())),
        attributes: zarr_v2::parse_attributes("", attributes).unwrap(),
    }
}

/// `tas(time=6, x=2)` in chunks of two steps, or of one, two and three.
fn array(uneven: bool) -> ManifestArray {
    let time =
        if uneven { AxisChunks::listed(0, &[1, 2, 3]).unwrap() } else { AxisChunks::Regular { length: 2 } };
    let meta = ArrayMeta {
        data_type: DataType::from_numpy("<i2").unwrap(),
        grid: ChunkGrid::new(&[6, 2], vec![time, AxisChunks::Regular { length: 2 }]).unwrap(),
        order: MemoryOrder::RowMajor,
        codecs: vec![CodecSpec::Zlib { level: 4 }],
        fill_value: None,
        dimension_names: vec!["time".to_owned(), "x".to_owned()],
    };
    let attributes: Attributes =
        [("units".to_owned(), AttributeValue::Text("K".to_owned()))].into_iter().collect();
    ManifestArray { meta, attributes, manifest: Manifest::default() }
}

fn parts(ends: [u64; 2]) -> Vec<by_part::Part> {
    vec![
        part(
            ends[0],
            Some(-1),
            r#"{"scale_factor":0.5,"add_offset":1.0,"_FillValue":-1,"valid_range":[0,9]}"#,
        ),
        part(ends[1], Some(0), r#"{"scale_factor":0.25,"add_offset":1.0,"_Unsigned":"true"}"#),
        part(6, None, r#"{"add_offset":1.0,"missing_value":[-3,-4]}"#),
    ]
}

#[test]
fn parts_come_back_from_every_form() {
    for (uneven, ends) in [(false, [2, 4]), (true, [1, 3])] {
        let mut parted = array(uneven);
        by_part::set_parts(&mut parted, 0, &parts(ends));
        // What all parts have alike is not told by part.
        assert_eq!(parted.attributes.get("add_offset"), Some(&AttributeValue::Float(1.0)));
        let mut set = ReferenceSet::new();
        set.arrays.insert("tas".to_owned(), parted.clone());
        let mut found = vec![json::read(&json::write(&set).unwrap()).unwrap()];
        if !uneven {
            let zmetadata = parquet::zmetadata(&set, 100, &parquet::RecordTable::default()).unwrap();
            found.push(parquet::parse_zmetadata(&zmetadata).unwrap().set);
        }
        for set in found {
            assert!(set.unreadable.is_empty(), "{:?}", set.unreadable);
            let (axis, found) = by_part::parts(&set.arrays["tas"]).unwrap();
            assert_eq!(axis, 0);
            let plain = |parts: &[by_part::Part]| -> Vec<ManifestArray> {
                parts.iter().map(|part| part.of(&parted)).collect()
            };
            assert_eq!(plain(&found), plain(&parts(ends)));
        }
        let text = zarr_v3::array_json(&parted.meta, &parted.attributes).unwrap();
        let read = zarr_v3::parse_array("tas", &text).unwrap();
        assert_eq!(read.meta.codecs, parted.meta.codecs);
        assert_eq!(by_part::parts(&read).unwrap().1.len(), 3);
    }
}

#[test]
fn what_a_part_says_takes_the_place_of_what_all_do_not() {
    let mut parted = array(false);
    by_part::set_parts(&mut parted, 0, &parts([2, 4]));
    let (_, found) = by_part::parts(&parted).unwrap();
    let second = found[1].of(&parted);
    assert_eq!(second.meta.codecs, [CodecSpec::Zlib { level: 4 }]);
    assert_eq!(second.meta.fill_value, Some(FillValue(vec![0, 0])));
    let text = zarr_v2::group_zattrs(&second.attributes);
    assert_eq!(text, r#"{"units":"K","add_offset":1.0,"scale_factor":0.25,"_Unsigned":"true"}"#);
}

#[test]
fn tables_that_do_not_fit_are_refused_with_the_reason() {
    let mut parted = array(false);
    by_part::set_parts(&mut parted, 0, &parts([2, 4]));
    let zarray = zarr_v2::zarray(&parted.meta, &parted.attributes).unwrap();
    let refused = |zarray: &str, table: &str| {
        let zattrs = format!(r#"{{"_ARRAY_DIMENSIONS":["time","x"]{table}}}"#);
        zarr_v2::parse_array("tas", zarray, Some(&zattrs)).unwrap_err().to_string()
    };
    let table = |members: &str| format!(r#","attributes_by_part":{{{members}}}"#);
    for (members, reason) in [
        (r#""ends":[2,6]"#, "there must be ends and fill values"),
        (r#""ends":[3,6],"fill_value":[null,null]"#, "a part ends inside a chunk"),
        (r#""ends":[2,4],"fill_value":[null,null]"#, "parts do not reach the end of the axis"),
        (r#""ends":[],"fill_value":[]"#, "parts do not reach the end of the axis"),
        (r#""ends":[4,2,6],"fill_value":[null,null,null]"#, "parts do not end one after the other"),
        (r#""ends":[2,8],"fill_value":[null,null]"#, "parts do not end one after the other"),
        (r#""ends":[-1,6],"fill_value":[null,null]"#, "parts do not end one after the other"),
        (r#""ends":[2,6],"fill_value":[null]"#, "a member has not one value for each part"),
        (r#""ends":[2,6],"fill_value":0"#, "a member is not a list"),
        (r#""ends":[2,6],"fill_value":[1,99999]"#, "fill value 99999 is not a value of data type <i2"),
        (
            r#""ends":[2,6],"fill_value":[1,2],"units":["K","C"]"#,
            "attribute \"units\" by part is not supported",
        ),
    ] {
        let message = refused(&zarray, &table(members));
        assert!(message.contains(reason), "{members}: {message}");
    }
    assert!(refused(&zarray, "").contains("it is missing"));
    let elsewhere = zarray.replace(r#""axis":0"#, r#""axis":2"#);
    assert!(refused(&elsewhere, &table(r#""ends":[6],"fill_value":[0]"#)).contains("there is no such axis"));
}
