//! The mapping without I/O: files made by hand, for what real files show too rarely.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::collections::BTreeMap;

use bytes::Bytes;
use rangefold_array::{CodecSpec, FillValue};
use rangefold_hdf5::chunk_table::{Chunk, ChunkGrid, ChunkTableBuilder};
use rangefold_hdf5::model::{
    AllocationTime, Attribute, ByteOrder, Charset, ChunkIndexKind, ChunkedLayout, Class, Dataset, Dataspace,
    Datatype, File, Fill, FillTime, FillValue as Hdf5Fill, Filter, GlobalHeapId, Group, IntegerLayout,
    Layout, Link, LinkTarget, Object, Reference as ObjectReference, ReferenceKind, ReferencePart,
    StringPadding, Superblock, Text, Value,
};
use rangefold_hdf5::range::ByteRange;
use rangefold_hdf5::trace::Trace;
use rangefold_refs::{AttributeValue, Reference};
use rangefold_scan::{Draft, Scan, ScanOptions};

/// A file of datasets in the root group; addresses are 1, 2, … in that order.
fn file(datasets: Vec<(&str, Dataset)>) -> File {
    let mut objects = BTreeMap::new();
    let mut links = Vec::new();
    for (address, (name, mut dataset)) in (1..).zip(datasets) {
        dataset.path = format!("/{name}");
        dataset.address = address;
        objects.insert(address, Object::Dataset(Box::new(dataset)));
        links.push(link(name, LinkTarget::Hard { address }));
    }
    objects.insert(100, Object::Group(group("/", 100, links)));
    File {
        superblock: Superblock {
            version: 2,
            base_address: 0,
            offset_size: 8,
            length_size: 8,
            end_of_file: None,
            open_for_writing: false,
            page_size: None,
        },
        size: 1_000_000,
        etag: None,
        last_modified: None,
        root: 100,
        objects,
        errors: Vec::new(),
        structures: Vec::new(),
        trace: Trace::default(),
    }
}

fn group(path: &str, address: u64, mut links: Vec<Link>) -> Group {
    links.sort_by(|a, b| a.name.cmp(&b.name));
    Group {
        path: path.to_owned(),
        aliases: Vec::new(),
        address,
        links,
        creation_order: false,
        attributes: Vec::new(),
    }
}

fn link(name: &str, target: LinkTarget) -> Link {
    Link { name: name.to_owned(), creation_order: None, target }
}

fn int32() -> Datatype {
    let layout = IntegerLayout {
        byte_order: ByteOrder::Little,
        signed: true,
        bit_offset: 0,
        precision: 32,
        low_padding: false,
        high_padding: false,
    };
    Datatype { size: 4, class: Class::Integer(layout), committed: None }
}

fn text_type() -> Datatype {
    let class = Class::String { padding: StringPadding::NullTerminated, charset: Charset::Ascii };
    Datatype { size: 16, class, committed: None }
}

fn space(shape: &[u64], max_shape: &[Option<u64>]) -> Dataspace {
    if shape.is_empty() {
        Dataspace::Scalar
    } else {
        Dataspace::Simple { shape: shape.to_vec(), max_shape: max_shape.to_vec() }
    }
}

fn fixed(shape: &[u64]) -> Dataspace {
    space(shape, &shape.iter().copied().map(Some).collect::<Vec<_>>())
}

fn dataset(space: Dataspace, layout: Layout, fill: Fill) -> Dataset {
    Dataset {
        path: String::new(),
        aliases: Vec::new(),
        address: 0,
        space,
        datatype: int32(),
        layout,
        filters: Vec::new(),
        fill: Hdf5Fill {
            value: fill,
            write_time: FillTime::IfSet,
            allocation_time: AllocationTime::Incremental,
        },
        attributes: Vec::new(),
    }
}

fn contiguous(shape: &[u64], offset: Option<u64>) -> Dataset {
    let length = 4 * shape.iter().product::<u64>();
    let range = offset.map(|offset| ByteRange::new(offset, length));
    dataset(fixed(shape), Layout::Contiguous { range }, Fill::Default)
}

/// `chunks`: number, offset, length, filter mask.
fn chunked(space: Dataspace, chunk_shape: &[u64], chunks: &[(u64, u64, u64, u32)], fill: Fill) -> Dataset {
    let grid = ChunkGrid::new(space.shape().unwrap(), chunk_shape).unwrap();
    let mut builder = ChunkTableBuilder::new(grid);
    for &(number, offset, length, filter_mask) in chunks {
        builder.push(Chunk { number, range: ByteRange::new(offset, length), filter_mask }).unwrap();
    }
    let layout = ChunkedLayout {
        chunk_shape: chunk_shape.to_vec(),
        index: ChunkIndexKind::BTree1,
        unfiltered_partial_edge_chunks: false,
        chunks: Some(builder.finish().unwrap()),
    };
    dataset(space, Layout::Chunked(layout), fill)
}

fn attribute(name: &str, datatype: Datatype, space: Dataspace, value: Value) -> Attribute {
    Attribute { name: name.to_owned(), creation_order: None, datatype, space, raw: Bytes::new(), value }
}

fn text(name: &str, value: &str) -> Attribute {
    attribute(name, text_type(), Dataspace::Scalar, Value::Text(vec![Text::Utf8(value.to_owned())]))
}

fn number(name: &str, value: i64) -> Attribute {
    attribute(name, int32(), Dataspace::Scalar, Value::Signed(vec![value]))
}

fn scale(mut dataset: Dataset) -> Dataset {
    dataset.attributes.push(text("CLASS", "DIMENSION_SCALE"));
    dataset
}

/// Attaches scales, by address, to the axes.
fn on(mut dataset: Dataset, scales: &[u64]) -> Dataset {
    let reference =
        |address: &u64| ObjectReference { address: *address, path: None, part: ReferencePart::Whole };
    let lists = scales.iter().map(|scale| Value::References(vec![Some(reference(scale))])).collect();
    let base = Datatype { size: 8, class: Class::Reference(ReferenceKind::Object), committed: None };
    let datatype = Datatype { size: 16, class: Class::VarLen { base: Box::new(base) }, committed: None };
    let rank = u64::try_from(scales.len()).unwrap();
    dataset.attributes.push(attribute("DIMENSION_LIST", datatype, fixed(&[rank]), Value::Sequences(lists)));
    dataset
}

fn filter(id: u16, values: &[u32]) -> Filter {
    Filter { id, name: None, flags: 1, values: values.to_vec() }
}

fn fill(value: i32) -> Fill {
    Fill::User(Bytes::copy_from_slice(&value.to_le_bytes()))
}

fn le(values: &[i32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Scans with the bytes of `content`, by offset.
fn scan_with(file: &File, options: &ScanOptions, content: &[(u64, Vec<u8>)]) -> Scan {
    let draft = Draft::new(file, "s3://b/k.nc", options);
    let bytes: Vec<Bytes> = draft
        .ranges()
        .iter()
        .map(|range| content.iter().find(|(offset, _)| *offset == range.offset).unwrap().1.clone().into())
        .collect();
    draft.decode(&bytes).finish(&BTreeMap::new())
}

fn scan(file: &File) -> Scan {
    scan_with(file, &ScanOptions { inline_threshold: 0, ..ScanOptions::default() }, &[])
}

/// Shape, dimension names and chunk references of an array.
fn show(scan: &Scan, path: &str) -> String {
    let Some(array) = scan.references.arrays.get(path) else {
        let skipped = scan.skipped.iter().find(|skipped| skipped.path == path);
        return skipped.map_or("absent".to_owned(), |skipped| format!("skipped: {}", skipped.reason));
    };
    let chunks: Vec<String> = array
        .manifest
        .iter()
        .map(|(number, reference)| match reference {
            Reference::Inline(bytes) => format!("{number}={bytes:?}"),
            Reference::Range { range, .. } => format!("{number}@{range}"),
            Reference::Whole { .. } => format!("{number}@all"),
        })
        .collect();
    format!("{:?} {:?} {}", array.meta.shape(), array.meta.dimension_names, chunks.join(" "))
}

fn fill_of(scan: &Scan, path: &str) -> Option<i32> {
    let FillValue(bytes) = scan.references.arrays[path].meta.fill_value.clone()?;
    Some(i32::from_le_bytes(bytes.try_into().unwrap()))
}

#[test]
fn a_scale_lies_on_itself_and_names_the_axes_of_others() {
    let scan = scan(&file(vec![
        ("x", scale(contiguous(&[3], Some(500)))),
        ("v", on(contiguous(&[3], Some(600)), &[1])),
    ]));
    assert_eq!(show(&scan, "x"), r#"[3] ["x"] 0@500..512"#);
    assert_eq!(show(&scan, "v"), r#"[3] ["x"] 0@600..612"#);
}

#[test]
fn of_several_scales_the_last_that_fits_is_taken_and_a_scalar_one_is_named() {
    let scales = |addresses: &[u64]| {
        let mut dataset = on(contiguous(&[3], Some(600)), &[1]);
        let reference = |address: &u64| {
            Some(ObjectReference { address: *address, path: None, part: ReferencePart::Whole })
        };
        dataset.attributes[0].value =
            Value::Sequences(vec![Value::References(addresses.iter().map(reference).collect())]);
        dataset
    };
    let mut scalar = scale(contiguous(&[3], Some(550)));
    scalar.space = Dataspace::Scalar;
    let scan = scan(&file(vec![
        ("x", scale(contiguous(&[3], Some(500)))),
        ("y", scale(contiguous(&[3], Some(520)))),
        ("z", scale(contiguous(&[4], Some(530)))),
        ("s", scalar),
        ("v", scales(&[1, 2, 3])),
        ("w", scales(&[2, 1])),
        ("u", scales(&[4])),
    ]));
    assert_eq!(show(&scan, "v"), r#"[3] ["y"] 0@600..612"#);
    assert_eq!(show(&scan, "w"), r#"[3] ["x"] 0@600..612"#);
    assert_eq!(show(&scan, "u"), r#"[3] ["phony_dim_3"] 0@600..612"#);
    let said =
        |path: &str| scan.warnings.iter().find(|warning| warning.path == path).unwrap().message.as_str();
    assert!(said("v").contains(r#"["x", "y", "z"]: "y" is taken"#), "{}", said("v"));
    assert!(said("u").contains(r#"axis 0, "s", is a scalar"#), "{}", said("u"));
}

#[test]
fn a_dimension_without_variable_is_no_array() {
    let mut x = scale(contiguous(&[3], None));
    x.attributes.push(text("NAME", "This is a netCDF dimension but not a netCDF variable.         3"));
    let scan = scan(&file(vec![("x", x), ("v", on(contiguous(&[3], Some(600)), &[1]))]));
    assert_eq!(show(&scan, "x"), "absent");
    assert_eq!(show(&scan, "v"), r#"[3] ["x"] 0@600..612"#);
}

#[test]
fn a_coordinate_of_two_axes_names_them_by_number() {
    let mut x = scale(contiguous(&[3], Some(500)));
    x.attributes.push(number("_Netcdf4Dimid", 7));
    let mut y = scale(contiguous(&[2, 3], Some(600)));
    y.attributes.push(number("_Netcdf4Dimid", 4));
    y.attributes.push(attribute("_Netcdf4Coordinates", int32(), fixed(&[2]), Value::Signed(vec![4, 7])));
    let scan = scan(&file(vec![("x", x), ("y", y)]));
    assert_eq!(show(&scan, "y"), r#"[2, 3] ["y", "x"] 0@600..624"#);
}

#[test]
fn axes_without_dimension_share_a_name_by_length_but_not_within_a_variable() {
    let scan = scan(&file(vec![
        ("a", contiguous(&[4, 4, 3], Some(0))),
        ("b", contiguous(&[3, 4], Some(0))),
        ("c", scale(contiguous(&[4], Some(0)))),
    ]));
    assert_eq!(show(&scan, "a"), r#"[4, 4, 3] ["phony_dim_1", "phony_dim_2", "phony_dim_3"] 0@0..192"#);
    assert_eq!(show(&scan, "b"), r#"[3, 4] ["phony_dim_3", "phony_dim_1"] 0@0..48"#);
}

#[test]
fn a_variable_that_does_not_fit_its_dimension_gets_one_of_its_own() {
    let scan = scan(&file(vec![
        ("x", scale(contiguous(&[3], Some(500)))),
        ("v", on(contiguous(&[4], Some(600)), &[1])),
    ]));
    assert_eq!(show(&scan, "v"), r#"[4] ["phony_dim_1"] 0@600..616"#);
    assert!(
        scan.warnings
            .iter()
            .any(|warning| warning.message.contains("has length 4 but its dimension \"x\" has 3"))
    );
}

/// time (unlimited, 5), x (3) and a variable written to time 3.
fn lagging(chunk_shape: &[u64], chunks: &[(u64, u64, u64, u32)], fill: Fill) -> File {
    let time = chunked(space(&[5], &[None]), &[8], &[(0, 900, 32, 0)], Fill::Default);
    let variable = chunked(space(&[3, 3], &[None, Some(3)]), chunk_shape, chunks, fill);
    file(vec![("time", scale(time)), ("x", scale(contiguous(&[3], Some(500)))), ("v", on(variable, &[1, 2]))])
}

#[test]
fn a_variable_behind_its_unlimited_dimension_is_as_long_and_reads_fill_there() {
    let chunks = [
        (0, 1000, 8, 0),
        (1, 1008, 8, 0),
        (2, 1016, 8, 0),
        (3, 1024, 8, 0),
        (4, 1032, 8, 0),
        (5, 1040, 8, 0),
    ];
    let mut file = lagging(&[1, 2], &chunks, fill(-9));
    let Some(Object::Dataset(variable)) = file.objects.get_mut(&3) else { unreachable!() };
    variable.attributes.push(number("_FillValue", -9));
    let scan = scan(&file);
    assert_eq!(
        show(&scan, "v"),
        r#"[5, 3] ["time", "x"] 0@1000..1008 1@1008..1016 2@1016..1024 3@1024..1032 4@1032..1040 5@1040..1048"#
    );
    assert_eq!(fill_of(&scan, "v"), Some(-9));
}

#[test]
fn chunks_are_numbered_anew_when_an_inner_dimension_grows() {
    let time = chunked(space(&[5], &[None]), &[8], &[(0, 900, 32, 0)], Fill::Default);
    let variable =
        chunked(space(&[2, 2], &[Some(2), None]), &[1, 2], &[(0, 1000, 8, 0), (1, 1008, 8, 0)], fill(-9));
    let mut variable = on(variable, &[2, 1]);
    variable.attributes.push(number("_FillValue", -9));
    let file = file(vec![("time", scale(time)), ("x", scale(contiguous(&[2], Some(500)))), ("v", variable)]);
    assert_eq!(show(&scan(&file), "v"), r#"[2, 5] ["x", "time"] 0@1000..1008 3@1008..1016"#);
}

#[test]
fn bytes_past_the_extent_that_are_not_fill_are_replaced() {
    // Chunks of two records; the second chunk holds record 2, and bytes where record 3 would be.
    let chunks = [(0, 1000, 24, 0), (1, 1024, 24, 0)];
    let good = le(&[7, 7, 7, -9, -9, -9]);
    let file = lagging(&[2, 3], &chunks, fill(-9));
    let options = ScanOptions { inline_threshold: 0, ..ScanOptions::default() };
    let kept = scan_with(&file, &options, &[(1024, good.clone())]);
    let array = &kept.references.arrays["v"];
    assert!(matches!(array.manifest.get(1), Some(Reference::Range { .. })), "{}", show(&kept, "v"));
    let stale = scan_with(&file, &options, &[(1024, le(&[7, 7, 7, 1, -9, 3]))]);
    let array = &stale.references.arrays["v"];
    assert_eq!(array.manifest.get(1), Some(Reference::Inline(good.into())));
    assert_eq!(array.manifest.get(2), Some(Reference::Inline(le(&[-9; 6]).into())));
}

#[test]
fn a_contiguous_variable_on_a_longer_dimension_is_one_chunk_of_it() {
    let time = chunked(space(&[5], &[None]), &[8], &[(0, 900, 32, 0)], Fill::Default);
    let file = file(vec![("time", scale(time)), ("v", on(contiguous(&[3], Some(600)), &[1]))]);
    let scan = scan(&file);
    // netCDF's default for the record that is missing, which no fill value may say: it is no mark of this variable.
    let expected = Reference::Inline(le(&[-2_147_483_647; 3]).into());
    assert_eq!(scan.references.arrays["v"].manifest.get(1), Some(expected));
    assert_eq!(fill_of(&scan, "v"), Some(0));
}

#[test]
fn what_was_never_written_reads_as_the_file_says_and_is_not_masked_by_accident() {
    let never = |fill| dataset(Dataspace::Scalar, Layout::Contiguous { range: None }, fill);
    let mut marked = never(fill(-9));
    marked.attributes.push(number("_FillValue", -9));
    let mut other = never(fill(-9));
    other.attributes.push(number("_FillValue", -1));
    let scan = scan(&file(vec![
        ("zero", never(Fill::Default)),
        ("crs", never(fill(-2_147_483_647))),
        ("marked", marked),
        ("other", other),
    ]));
    assert_eq!((show(&scan, "zero").as_str(), fill_of(&scan, "zero")), ("[] [] ", Some(0)));
    let array = &scan.references.arrays["crs"];
    assert_eq!(array.manifest.get(0), Some(Reference::Inline(le(&[-2_147_483_647]).into())));
    assert_eq!(fill_of(&scan, "crs"), Some(0));
    assert_eq!((show(&scan, "marked").as_str(), fill_of(&scan, "marked")), ("[] [] ", Some(-9)));
    assert_eq!(scan.references.arrays["other"].manifest.get(0), Some(Reference::Inline(le(&[-9]).into())));
    assert_eq!(fill_of(&scan, "other"), Some(-1));
    assert_eq!(
        scan.references.arrays["other"].attributes.get("_FillValue"),
        Some(&AttributeValue::Integer(-1))
    );
}

#[test]
fn too_many_absent_chunks_with_another_fill_value_than_the_mark_are_refused() {
    let mut variable = chunked(fixed(&[10_000_000]), &[10], &[], fill(-9));
    let unmarked = variable.clone();
    variable.attributes.push(number("_FillValue", -1));
    let scan = scan(&file(vec![("v", variable), ("u", unmarked)]));
    assert_eq!(
        show(&scan, "v"),
        "skipped: 1000000 chunks are not stored, and their fill value differs from its _FillValue"
    );
    assert_eq!(fill_of(&scan, "u"), Some(-9));
    assert!(scan.warnings.iter().any(|warning| warning.path == "u"));
}

#[test]
fn one_mask_for_all_drops_those_filters_and_odd_chunks_are_encoded_like_the_rest() {
    let filters = vec![filter(2, &[4]), filter(1, &[1])];
    let mut same = chunked(fixed(&[4]), &[2], &[(0, 10, 8, 2), (1, 18, 8, 2)], Fill::Default);
    same.filters.clone_from(&filters);
    let mut mixed = chunked(fixed(&[6]), &[2], &[(0, 30, 6, 0), (1, 36, 8, 3), (2, 44, 6, 0)], Fill::Default);
    mixed.filters = filters;
    let options = ScanOptions { inline_threshold: 0, ..ScanOptions::default() };
    let scan = scan_with(&file(vec![("same", same), ("mixed", mixed)]), &options, &[(36, le(&[5, 6]))]);
    assert_eq!(scan.references.arrays["same"].meta.codecs, [CodecSpec::Shuffle { element_size: 4 }]);
    assert_eq!(show(&scan, "same"), r#"[4] ["phony_dim_1"] 0@10..18 1@18..26"#);
    let array = &scan.references.arrays["mixed"];
    let Some(Reference::Inline(bytes)) = array.manifest.get(1) else { panic!("{}", show(&scan, "mixed")) };
    let mut decoder = rangefold_codec::Decoder::new();
    assert_eq!(decoder.decode(&array.meta.codecs, &bytes, 8).unwrap(), le(&[5, 6]));
    assert!(matches!(array.manifest.get(2), Some(Reference::Range { .. })));
}

#[test]
fn an_unfiltered_edge_chunk_is_encoded_like_the_rest() {
    let mut variable =
        chunked(fixed(&[5]), &[2], &[(0, 30, 6, 0), (1, 36, 6, 0), (2, 44, 8, 0)], Fill::Default);
    variable.filters = vec![filter(1, &[1])];
    if let Layout::Chunked(layout) = &mut variable.layout {
        layout.unfiltered_partial_edge_chunks = true;
    }
    let options = ScanOptions { inline_threshold: 0, ..ScanOptions::default() };
    let scan = scan_with(&file(vec![("v", variable)]), &options, &[(44, le(&[5, 0]))]);
    let array = &scan.references.arrays["v"];
    let Some(Reference::Inline(bytes)) = array.manifest.get(2) else { panic!("{}", show(&scan, "v")) };
    let mut decoder = rangefold_codec::Decoder::new();
    assert_eq!(decoder.decode(&array.meta.codecs, &bytes, 8).unwrap(), le(&[5, 0]));
}

#[test]
fn a_filter_without_codec_is_named_and_a_chunk_past_the_end_of_the_file_is_refused() {
    let mut zfp = chunked(fixed(&[4]), &[4], &[(0, 10, 8, 0)], Fill::Default);
    zfp.filters = vec![filter(32013, &[])];
    let mut unused = chunked(fixed(&[4]), &[4], &[(0, 10, 16, 1)], Fill::Default);
    unused.filters = vec![filter(32013, &[])];
    let beyond = contiguous(&[4], Some(999_990));
    let short = chunked(fixed(&[4]), &[4], &[(0, 10, 12, 0)], Fill::Default);
    let scan = scan(&file(vec![("zfp", zfp), ("unused", unused), ("beyond", beyond), ("short", short)]));
    assert_eq!(show(&scan, "zfp"), "skipped: it is encoded with the filter 32013 (zfp)");
    assert_eq!(show(&scan, "unused"), r#"[4] ["phony_dim_0"] 0@10..26"#);
    assert_eq!(
        show(&scan, "beyond"),
        "skipped: chunk 0 is at bytes 999990..1000006 but the file has 1000000"
    );
    assert_eq!(show(&scan, "short"), "skipped: chunk 0 is stored without filters in 12 bytes but has 16");
}

#[test]
fn links_are_followed_or_named_and_circles_end() {
    let mut file = file(vec![("v", contiguous(&[4], Some(0)))]);
    let links = vec![
        link("up", LinkTarget::Hard { address: 100 }),
        link("again", LinkTarget::Hard { address: 1 }),
        link("soft", LinkTarget::Soft { path: "../v".to_owned() }),
        link("absolute", LinkTarget::Soft { path: "/v".to_owned() }),
        link("away", LinkTarget::External { file: "other.nc".to_owned(), path: "/w".to_owned() }),
    ];
    file.objects.insert(50, Object::Group(group("/g", 50, links)));
    if let Some(Object::Group(root)) = file.objects.get_mut(&100) {
        root.links.insert(0, link("g", LinkTarget::Hard { address: 50 }));
    }
    let scan = scan(&file);
    assert_eq!(scan.references.arrays.keys().collect::<Vec<_>>(), ["g/absolute", "g/again", "v"]);
    assert_eq!(scan.references.groups.keys().collect::<Vec<_>>(), ["", "g"]);
    assert_eq!(
        show(&scan, "g/away"),
        r#"skipped: an external link to "/w" in the file "other.nc", which was not followed: nothing is known of other files"#
    );
    assert_eq!(show(&scan, "g/soft"), r#"skipped: a soft link to "../v", which leads nowhere"#);
}

#[test]
fn dimensions_of_one_name_and_two_lengths_are_told_apart() {
    let inner = |name: &str, scales: &[u64], shape: &[u64], address| {
        let mut dataset = on(contiguous(shape, Some(0)), scales);
        dataset.path = format!("/g/{name}");
        dataset.address = address;
        Object::Dataset(Box::new(dataset))
    };
    let mut x = scale(contiguous(&[3], Some(0)));
    x.path = "/g/x".to_owned();
    x.address = 51;
    let mut file = file(vec![("x", scale(contiguous(&[4], Some(0))))]);
    file.objects.insert(51, Object::Dataset(Box::new(x)));
    file.objects.insert(52, inner("near", &[51], &[3], 52));
    file.objects.insert(53, inner("both", &[51, 1], &[3, 4], 53));
    let links = [("x", 51), ("near", 52), ("both", 53)];
    let links = links.map(|(name, address)| link(name, LinkTarget::Hard { address })).to_vec();
    file.objects.insert(50, Object::Group(group("/g", 50, links)));
    if let Some(Object::Group(root)) = file.objects.get_mut(&100) {
        root.links.insert(0, link("g", LinkTarget::Hard { address: 50 }));
        root.links.insert(0, link("far", LinkTarget::Hard { address: 53 }));
    }
    let scan = scan(&file);
    assert_eq!(scan.references.arrays["g/near"].meta.dimension_names, ["x"]);
    assert_eq!(scan.references.arrays["far"].meta.dimension_names, ["g/x", "x"]);
    let said: Vec<String> = scan.warnings.iter().map(ToString::to_string).collect();
    let expected = [
        r#"g/both: dimension "x" of group "g" is called "g/x" here: a nearer one of that name has another length"#,
        r#"g/x: dimension "x" has length 3 here and 4 in group "/" above"#,
    ];
    assert_eq!(said, expected);
}

#[test]
fn strings_are_fetched_from_their_heap_or_the_variable_is_skipped() {
    let class = Class::VarLenString { padding: StringPadding::NullTerminated, charset: Charset::Utf8 };
    let datatype = Datatype { size: 16, class, committed: None };
    let mut elements = Vec::new();
    for (length, index) in [(3_u32, 1_u32), (0, 0)] {
        elements.extend(length.to_le_bytes());
        elements.extend(4096_u64.to_le_bytes());
        elements.extend(index.to_le_bytes());
    }
    let mut variable = dataset(fixed(&[2]), Layout::Compact { bytes: elements.into() }, Fill::Default);
    variable.datatype = datatype;
    let file = file(vec![("s", variable)]);
    let finish = |objects: &[(GlobalHeapId, Bytes)]| {
        let decoded = Draft::new(&file, "u", &ScanOptions::default()).decode(&[]);
        assert_eq!(decoded.heap_objects(), [GlobalHeapId { collection: 4096, index: 1 }]);
        decoded.finish(&objects.iter().cloned().collect())
    };
    let id = GlobalHeapId { collection: 4096, index: 1 };
    let scan = finish(&[(id, Bytes::from_static("aé".as_bytes()))]);
    let array = &scan.references.arrays["s"];
    assert_eq!(array.meta.codecs, [CodecSpec::VlenUtf8]);
    let frame = Bytes::from_static("\x02\0\0\0\x03\0\0\0aé\0\0\0\0".as_bytes());
    assert_eq!(array.manifest.get(0), Some(Reference::Inline(frame)));
    assert!(show(&finish(&[]), "s").contains("could not be read"));
    assert!(show(&finish(&[(id, Bytes::from_static(b"\xff\xff\xff"))]), "s").contains("not UTF-8"));
}
