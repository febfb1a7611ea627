//! The Parquet layout: what is written, what is read, what is refused.

mod common;

use std::collections::BTreeMap;
use std::{fs, io};

use bytes::Bytes;
use expect_test::expect;
use proptest::prelude::*;
use rangefold_array::ByteRange;
use rangefold_refs::{Reference, ReferenceSet, RefsError, json, parquet};

type Files = BTreeMap<String, Bytes>;

fn write(set: &ReferenceSet, record_size: u64) -> Result<Files, RefsError> {
    let mut files = Files::new();
    let mut table = parquet::RecordTable::default();
    for (path, array) in &set.arrays {
        let chunk_count = array.meta.grid.chunk_count();
        for record in parquet::records(path, chunk_count, record_size, array.manifest.iter()) {
            let record = record?;
            table.add(path, &record);
            files.insert(record.path, record.bytes.into());
        }
    }
    files.insert(".zmetadata".to_owned(), parquet::zmetadata(set, record_size, &table)?.into());
    Ok(files)
}

fn read(files: &Files) -> Result<ReferenceSet, RefsError> {
    parquet::read(&files[".zmetadata"], |path| Ok(files.get(path).cloned()))
}

fn sample_folder(name: &str) -> Result<ReferenceSet, Box<dyn std::error::Error>> {
    let folder = common::sample(name);
    parquet::read(&fs::read(folder.join(".zmetadata"))?, |path| match fs::read(folder.join(path)) {
        Ok(bytes) => Ok(Some(bytes.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    })
}

#[test]
fn what_kerchunk_wrote_through_fastparquet_is_read() {
    let document = fs::read(common::sample("kerchunk.json")).unwrap();
    // NaN among the attributes is not equal to itself; texts are.
    let text = |set: &ReferenceSet| String::from_utf8(json::write(set).unwrap()).unwrap();
    assert_eq!(text(&sample_folder("kerchunk.parq").unwrap()), text(&json::read(&document).unwrap()));
}

#[test]
fn the_files_written_are_these() {
    let set = json::read(&fs::read(common::sample("kerchunk.json")).unwrap()).unwrap();
    let files = write(&set, 4).unwrap();
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    expect![[r#"
        [
            ".zmetadata",
            "crs/refs.0.parq",
            "grp/q/refs.0.parq",
            "name/refs.0.parq",
            "pr/refs.0.parq",
            "tas/refs.0.parq",
            "tas/refs.1.parq",
            "time/refs.0.parq",
        ]
    "#]]
    .assert_debug_eq(&names);
    assert!(String::from_utf8_lossy(&files[".zmetadata"]).contains(r#","record_size":4,"#));
}

#[test]
fn one_record_is_read_without_the_others() {
    let set = json::read(&fs::read(common::sample("kerchunk.json")).unwrap()).unwrap();
    let files = write(&set, 4).unwrap();
    let index = parquet::parse_zmetadata(&files[".zmetadata"]).unwrap();
    assert_eq!(index.record_size, 4);
    let chunk_count = index.set.arrays["tas"].meta.grid.chunk_count();
    let record =
        parquet::parse_record(files[&parquet::record_path("tas", 1)].clone(), 4, chunk_count).unwrap();
    assert_eq!(record.get(3), None);
    assert_eq!(record.get(5), set.arrays["tas"].manifest.get(5));
}

#[test]
fn paths_stay_dictionary_encoded_however_many_there_are() {
    let references = (0..60_000).map(|number| {
        let url =
            format!("s3://bucket/a/rather/long/path/so/that/one/mebibyte/is/exceeded/{number:09}.nc").into();
        (number, Reference::Range { url, range: ByteRange::new(number, 1).unwrap() })
    });
    let record = parquet::records("a", 60_000, 60_000, references).next().unwrap().unwrap();
    let manifest = parquet::parse_record(record.bytes.clone().into(), 0, 60_000).unwrap();
    assert_eq!(manifest.urls().len(), 60_000);

    use ::parquet::basic::{Encoding, PageType};
    use ::parquet::file::reader::{FileReader, SerializedFileReader};
    let file = SerializedFileReader::new(Bytes::from(record.bytes)).unwrap();
    let mut pages = file.get_row_group(0).unwrap().get_column_page_reader(0).unwrap();
    let mut encodings = Vec::new();
    while let Some(page) = pages.get_next_page().unwrap() {
        if page.page_type() != PageType::DICTIONARY_PAGE {
            encodings.push(page.encoding());
        }
    }
    encodings.dedup();
    assert_eq!(encodings, [Encoding::RLE_DICTIONARY]);
}

#[test]
fn references_out_of_order_or_outside_the_grid_are_refused() {
    let whole = |number| (number, Reference::Whole { url: "k".into() });
    let error = |numbers: &[u64]| {
        let records = parquet::records("a", 10, 4, numbers.iter().map(|&number| whole(number)));
        records.collect::<Result<Vec<_>, _>>().unwrap_err().to_string()
    };
    expect![[r#"key "a": chunk 1 is out of order or outside a grid of 10 chunks"#]]
        .assert_eq(&error(&[0, 5, 1]));
    expect![[r#"key "a": chunk 3 is out of order or outside a grid of 10 chunks"#]]
        .assert_eq(&error(&[3, 3]));
    expect![[r#"key "a": chunk 10 is out of order or outside a grid of 10 chunks"#]].assert_eq(&error(&[10]));
}

#[test]
fn lying_inputs_are_refused() {
    let error = |text: &str| parquet::parse_zmetadata(text.as_bytes()).unwrap_err().to_string();
    expect![[r#"key ".zmetadata": has no object "metadata""#]].assert_eq(&error("{}"));
    expect![[r#"key ".zmetadata": has no "record_size": it is that of a Zarr store, not of references"#]]
        .assert_eq(&error(r#"{"metadata":{},"zarr_consolidated_format":1}"#));
    expect![[r#"key ".zmetadata": has no "record_size" between 1 and 4194304"#]]
        .assert_eq(&error(r#"{"metadata":{},"record_size":0}"#));
    let error = parquet::parse_record(Bytes::from_static(b"PAR1 nothing PAR1"), 0, 1).unwrap_err();
    assert!(matches!(error, RefsError::Syntax { expected: "Parquet references", .. }), "{error}");

    let zarray = r#"{"zarr_format":2,"shape":[1000000000000000000],"chunks":[1],"dtype":"|u1","fill_value":0,"order":"C","filters":null,"compressor":null}"#;
    let zmetadata = format!(r#"{{"metadata":{{"a/.zarray":{zarray}}},"record_size":10}}"#);
    let set = parquet::read::<RefsError>(zmetadata.as_bytes(), |_| Ok(None)).unwrap();
    expect!["the number of records of one array is more than the limit of 1048576"]
        .assert_eq(&set.unreadable["a"].to_string());
}

#[test]
fn a_broken_record_makes_its_array_unreadable_and_no_other() {
    let set = json::read(&fs::read(common::sample("kerchunk.json")).unwrap()).unwrap();
    let mut files = write(&set, 4).unwrap();
    files.insert("tas/refs.1.parq".to_owned(), Bytes::from_static(b"not a record"));
    let damaged = read(&files).unwrap();
    assert!(damaged.array("tas").unwrap_err().to_string().contains("tas/refs.1.parq"));
    assert_eq!(damaged.arrays.len() + 1, set.arrays.len());
}

#[test]
fn a_lost_record_makes_its_array_unreadable_and_one_that_never_was_does_not() {
    let set = json::read(&fs::read(common::sample("kerchunk.json")).unwrap()).unwrap();
    let mut files = write(&set, 1).unwrap();
    assert!(read(&files).unwrap().unreadable.is_empty());
    files.remove("tas/refs.1.parq").unwrap();
    let lost = read(&files).unwrap();
    expect![[r#"key "tas/refs.1.parq": is not there, and .zmetadata tells of it: it was lost"#]]
        .assert_eq(&lost.unreadable["tas"].to_string());
    assert_eq!(lost.unreadable.len(), 1);
}

#[test]
fn a_record_of_another_store_is_not_taken_for_one_of_this() {
    let set = json::read(&fs::read(common::sample("kerchunk.json")).unwrap()).unwrap();
    let mut files = write(&set, 2).unwrap();
    let other = files["tas/refs.1.parq"].clone();
    files.insert("tas/refs.0.parq".to_owned(), other);
    let error = read(&files).unwrap().unreadable["tas"].to_string();
    assert!(error.starts_with("key \"tas/refs.0.parq\": "), "{error}");
}

#[test]
fn a_record_that_a_store_of_kerchunk_lacks_is_an_error_unless_the_caller_knows_better() {
    let folder = common::sample("kerchunk.parq");
    let mut index = parquet::parse_zmetadata(&fs::read(folder.join(".zmetadata")).unwrap()).unwrap();
    expect![[r#"key "tas/refs.1.parq": is not there, and the store does not say that "tas" has no references in it: kerchunk leaves such files out, and so does an interrupted copy"#]]
        .assert_eq(&index.record("tas", 1, None).unwrap_err().to_string());
    index.absent_is_empty = true;
    assert_eq!(index.record("tas", 1, None), Ok(None));
}

#[test]
fn a_rectilinear_grid_has_no_place_in_this_layout() {
    let zarr_json = r#"{"zarr_format":3,"node_type":"array","shape":[59],"data_type":"float32","chunk_grid":{"name":"rectilinear","configuration":{"kind":"inline","chunk_shapes":[[31,28]]}},"chunk_key_encoding":"default","fill_value":0.0,"codecs":["bytes"]}"#;
    let set = json::read(format!(r#"{{"tas/zarr.json":{zarr_json}}}"#).as_bytes()).unwrap();
    let error = parquet::zmetadata(&set, 10, &parquet::RecordTable::default()).unwrap_err();
    expect![[r#"key "tas/.zarray": a rectilinear grid in Parquet references is not supported"#]]
        .assert_eq(&error.to_string());
}

/// A range of no bytes is inlined: the layout takes offset 0 and size 0 for a whole object.
#[test]
fn a_range_of_no_bytes_never_becomes_a_whole_object() {
    let reference = Reference::Range { url: "k".into(), range: ByteRange::new(0, 0).unwrap() };
    let record = parquet::records("a", 1, 1, [(0, reference)]).next().unwrap().unwrap();
    let manifest = parquet::parse_record(record.bytes.into(), 0, 1).unwrap();
    assert_eq!(manifest.get(0), Some(Reference::Inline(Bytes::new())));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn sets_are_read_as_they_are_written(set in common::reference_set(false), record_size in 1_u64..7) {
        let files = write(&set, record_size).unwrap();
        prop_assert_eq!(read(&files).unwrap(), set);
    }

    #[test]
    fn damaged_files_are_errors(
        set in common::reference_set(false),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut files = write(&set, 5).unwrap();
        for bytes in files.values_mut() {
            let mut damaged = bytes.to_vec();
            damaged[place.index(bytes.len())] = byte;
            *bytes = damaged.into();
        }
        // Whatever comes of it, it is an answer.
        let _ = read(&files);
    }
}
