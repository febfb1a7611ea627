//! Every well-formed file of the corpus of real files, compared with what h5py says about it; every hostile one, for an
//! end.
//!
//! The corpus is large and not part of this repository: `RANGEFOLD_CORPUS` names its folder, and by default it is looked
//! for beside the workspace. Its README says what the records mean. The fixtures have records of the same form.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test reports, and ends where it fails")]

#[path = "support/folders.rs"]
mod folders;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use folders::files;
use rangefold_hdf5::datatype::{ByteOrder, Class, Datatype};
use rangefold_hdf5::model::{
    Attribute, ChunkIndexKind, Dataset, Dataspace, Fill, FillTime, Layout, Link, LinkTarget, Object,
};
use rangefold_hdf5::value::{Text, Value};
use rangefold_hdf5::{File, Options, read_slice};
use rangefold_testkit::{corpus, fixtures};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

/// Chunk maps up to this length are written out in the records.
const CHUNK_LIST_MAX: u64 = 64;

#[test]
fn every_file_of_the_corpus_says_what_h5py_says() {
    let Some(corpus) = corpus() else { return };
    let record = |file: &Path| {
        let relative = file.strip_prefix(corpus.join("files")).unwrap();
        corpus.join("oracle").join(format!("{}.json", relative.display()))
    };
    compare(&corpus.join("files"), record);
}

#[test]
fn every_fixture_says_what_h5py_says() {
    compare(&fixtures(), |file| file.with_added_extension("json"));
}

/// Compares every file that has a record.
fn compare(folder: &Path, record: impl Fn(&Path) -> PathBuf) {
    let (mut compared, mut datasets, mut attributes, mut chunks) = (0, 0, 0, 0);
    let mut wrong = String::new();
    for path in files(folder) {
        let Ok(record) = std::fs::read(record(&path)) else { continue };
        let record: Json = serde_json::from_slice(&record).unwrap();
        let h5py = &record["h5py"];
        if h5py["status"] != "ok" {
            continue;
        }
        compared += 1;
        let name = path.strip_prefix(folder).unwrap().display();
        let file = match read_slice(&std::fs::read(&path).unwrap(), &Options::default()) {
            Ok(file) => file,
            Err(error) => {
                writeln!(wrong, "{name}: {error}").unwrap();
                continue;
            }
        };
        let mut comparison = Comparison { file: &file, differences: Vec::new(), attributes: 0, chunks: 0 };
        comparison.file(h5py);
        datasets += file.datasets().len();
        attributes += comparison.attributes;
        chunks += comparison.chunks;
        for difference in comparison.differences {
            writeln!(wrong, "{name}: {difference}").unwrap();
        }
    }
    println!("{compared} files, {datasets} datasets, {attributes} attributes, {chunks} chunks compared");
    assert!(compared > 0, "no file has a record");
    assert!(wrong.is_empty(), "{} differences:\n{wrong}", wrong.lines().count());
}

#[test]
fn every_hostile_file_comes_to_an_end() {
    let Some(corpus) = corpus() else { return };
    let (mut read, mut refused) = (0, 0);
    for path in files(&corpus.join("hostile")) {
        let bytes = std::fs::read(&path).unwrap();
        let started = std::time::Instant::now();
        let outcome = match read_slice(&bytes, &Options::default()) {
            Ok(file) => {
                read += 1;
                format!("{} objects, {} errors", file.objects.len(), file.errors.len())
            }
            Err(error) => {
                refused += 1;
                error.to_string()
            }
        };
        println!("{:>8.3} s  {}: {outcome}", started.elapsed().as_secs_f64(), path.display());
    }
    println!("{read} read in part or whole, {refused} refused");
    assert!(read + refused > 0, "no hostile file was found");
}

/// What differs between a file and its record.
struct Comparison<'a> {
    file: &'a File,
    differences: Vec<String>,
    attributes: usize,
    chunks: usize,
}

impl Comparison<'_> {
    fn check(&mut self, what: &str, found: &Json, expected: &Json) {
        if !same(found, expected) {
            let (found, expected) = (found.to_string(), expected.to_string());
            let shown = |text: &str| text.chars().take(200).collect::<String>();
            self.differences.push(format!(
                "{what}: found {} but should be {}",
                shown(&found),
                shown(&expected)
            ));
        }
    }

    fn file(&mut self, record: &Json) {
        for error in &self.file.errors {
            self.differences.push(format!("error: {error}"));
        }
        let superblock = &self.file.superblock;
        let found = json!({
            "version": superblock.version, "base": superblock.base_address,
            "offset_size": superblock.offset_size, "length_size": superblock.length_size,
        });
        self.check("superblock", &found, &record["superblock"]);
        self.paths(record);
        for (path, expected) in record["datasets"].as_object().unwrap() {
            match self.file.get(path) {
                Some(Object::Dataset(dataset)) => {
                    self.dataset(path, dataset, expected);
                    self.attributes(path, &dataset.attributes, &expected["attributes"]);
                }
                _ => self.differences.push(format!("{path} is missing")),
            }
        }
        for (path, expected) in record["groups"].as_object().unwrap() {
            match self.file.get(path) {
                Some(Object::Group(group)) => {
                    self.attributes(path, &group.attributes, &expected["attributes"])
                }
                _ => self.differences.push(format!("{path} is missing")),
            }
        }
        for (path, expected) in record["named_types"].as_object().into_iter().flatten() {
            match self.file.get(path) {
                Some(Object::Datatype(datatype)) => {
                    self.attributes(path, &datatype.attributes, &expected["attributes"]);
                    self.datatype(path, &datatype.datatype, &expected["type"]);
                }
                _ => self.differences.push(format!("{path} is missing")),
            }
        }
    }

    /// The paths of all objects, and all links that are not the first hard link to an object.
    fn paths(&mut self, record: &Json) {
        let paths = |json: &Json| {
            let mut paths: Vec<_> =
                json.as_object().into_iter().flatten().map(|(path, _)| path.clone()).collect();
            paths.sort();
            json!(paths)
        };
        let found: Vec<_> = self.file.datasets().iter().map(|dataset| dataset.path.clone()).collect();
        self.check("datasets", &json!(found), &paths(&record["datasets"]));
        let found: Vec<_> = self.file.groups().iter().map(|group| group.path.clone()).collect();
        self.check("groups", &json!(found), &paths(&record["groups"]));
        let mut found = serde_json::Map::new();
        for group in self.file.groups() {
            for link in &group.links {
                let path = format!("{}/{}", group.path.trim_end_matches('/'), link.name);
                if let Some(link) = self.link(&path, link) {
                    found.insert(path, link);
                }
            }
        }
        let expected = record.get("links").cloned().unwrap_or_else(|| json!({}));
        self.check("links", &Json::Object(found), &expected);
    }

    fn link(&self, path: &str, link: &Link) -> Option<Json> {
        match &link.target {
            LinkTarget::Hard { address } => {
                let first = self.file.object(*address).map_or("", Object::path);
                (first != path).then(|| json!({ "same_object_as": first }))
            }
            LinkTarget::Soft { path } => Some(json!({ "soft": path })),
            LinkTarget::External { file, path } => Some(json!({ "external": [file, path] })),
            LinkTarget::UserDefined { class, .. } => Some(json!({ "user_defined": class })),
        }
    }

    fn datatype(&mut self, path: &str, datatype: &Datatype, record: &Json) {
        let (mut found, mut expected) = (datatype_json(datatype), record.clone());
        // Some records leave out what says nothing.
        if let Json::Object(fields) = &mut found {
            fields.retain(|key, value| record.get(key).is_some() || !(key == "byte_order" || *value == ""));
        }
        if datatype.has_heap_data() {
            forget_sizes(&mut found);
            forget_sizes(&mut expected);
        }
        self.check(&format!("{path} type"), &found, &expected);
    }

    fn dataset(&mut self, path: &str, dataset: &Dataset, record: &Json) {
        self.datatype(path, &dataset.datatype, &record["type"]);
        let mut check =
            |what: &str, found: Json| self.check(&format!("{path} {what}"), &found, &record[what]);
        let unlimited_virtual = matches!(dataset.layout, Layout::Virtual { .. })
            && matches!(&dataset.space, Dataspace::Simple { max_shape, .. } if max_shape.contains(&None));
        let (space, shape, max_shape) = match &dataset.space {
            Dataspace::Null => ("null", Json::Null, Json::Null),
            Dataspace::Scalar => ("scalar", json!([]), Json::Null),
            Dataspace::Simple { shape, max_shape } => {
                let fixed = shape.iter().zip(max_shape).all(|(extent, max)| *max == Some(*extent));
                ("simple", json!(shape), if fixed { Json::Null } else { json!(max_shape) })
            }
        };
        check("space", json!(space));
        // The library extends a virtual dataset to what its sources hold today; a file alone cannot say that.
        if !unlimited_virtual {
            check("shape", shape);
        }
        check("maxshape", max_shape);
        check("layout", layout_json(dataset, record));
        let filters: Vec<_> = dataset
            .filters
            .iter()
            .map(|filter| json!([filter.id, filter.optional(), filter.values]))
            .collect();
        let expected: Vec<_> = record["filters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|filter| json!([filter["id"], filter["optional"], filter["values"]]))
            .collect();
        let fill_time = match dataset.fill.write_time {
            FillTime::OnAllocation => "alloc",
            FillTime::Never => "never",
            FillTime::IfSet => "ifset",
        };
        check("fill_time", json!(fill_time));
        let defined = match dataset.fill.value {
            Fill::Undefined => "undefined",
            Fill::Default => "default",
            Fill::User(_) => "user",
        };
        check("fill_defined", json!(defined));
        if let (Fill::User(bytes), Some(_)) = (&dataset.fill.value, record.get("fill_value")) {
            let raw = bytes.clone();
            let decoded = rangefold_hdf5::format::value::Decoder::new(
                rangefold_hdf5::format::cursor::Sizes::EIGHT,
                &std::collections::HashMap::new(),
            )
            .decode(&dataset.datatype, &raw)
            .unwrap();
            let scalar = value_json(&decoded).as_array().and_then(|values| values.first().cloned());
            check("fill_value", scalar.unwrap_or_default());
        }
        self.check(&format!("{path} filters"), &json!(filters), &json!(expected));
        match &dataset.layout {
            Layout::Contiguous { range } => {
                let found = range.map(|range| range.offset);
                // The library adds the length of a user block even to the undefined address.
                let undefined = self.file.superblock.base_address.checked_sub(1);
                if found.is_some() || record["offset"].as_u64().is_none_or(|offset| Some(offset) != undefined)
                {
                    self.check(&format!("{path} offset"), &json!(found), &record["offset"]);
                }
            }
            Layout::Chunked(_) => self.chunks(path, dataset, record),
            Layout::Virtual { mappings } => {
                let found: Vec<_> =
                    mappings.iter().map(|mapping| [&mapping.source_file, &mapping.source_dataset]).collect();
                self.check(&format!("{path} virtual_sources"), &json!(found), &record["virtual_sources"]);
            }
            Layout::Compact { .. } | Layout::External { .. } => {}
        }
    }

    fn chunks(&mut self, path: &str, dataset: &Dataset, record: &Json) {
        let Layout::Chunked(chunked) = &dataset.layout else { return };
        let index = match chunked.index {
            ChunkIndexKind::BTree1 => "btree_v1",
            ChunkIndexKind::Single => "single",
            ChunkIndexKind::Implicit => "implicit",
            ChunkIndexKind::FixedArray => "fixed_array",
            ChunkIndexKind::ExtensibleArray => "extensible_array",
            ChunkIndexKind::BTree2 => "btree_v2",
        };
        self.check(&format!("{path} chunk_index"), &json!(index), &record["chunk_index"]);
        self.check(&format!("{path} chunk_shape"), &json!(chunked.chunk_shape), &record["chunk_shape"]);
        let Some(table) = &chunked.chunks else {
            self.differences.push(format!("{path} has no chunk table"));
            return;
        };
        let shape = dataset.shape().unwrap();
        let grid: Vec<u64> = shape.iter().zip(&chunked.chunk_shape).map(|(n, c)| n.div_ceil(*c)).collect();
        let mut rows = Vec::new();
        for chunk in table.iter() {
            let mut number = chunk.number;
            let mut offset = vec![0; grid.len()];
            for dimension in (0..grid.len()).rev() {
                offset[dimension] = number % grid[dimension] * chunked.chunk_shape[dimension];
                number /= grid[dimension];
            }
            rows.push((offset, chunk.range.offset, chunk.range.length, chunk.filter_mask));
        }
        self.chunks += rows.len();
        let mut hash = Sha256::new();
        for (offset, address, size, mask) in &rows {
            let offset: Vec<_> = offset.iter().map(u64::to_string).collect();
            hash.update(format!("{}:{address}:{size}:{mask}\n", offset.join(",")));
        }
        if record["chunks_in_grid"].as_u64().unwrap_or(u64::MAX) <= CHUNK_LIST_MAX {
            self.check(&format!("{path} chunk_map"), &json!(rows), &record["chunk_map"]);
        }
        self.check(
            &format!("{path} chunk_map_sha256"),
            &json!(hex(&hash.finalize())),
            &record["chunk_map_sha256"],
        );
    }

    fn attributes(&mut self, path: &str, attributes: &[Attribute], record: &Json) {
        let mut names: Vec<_> = attributes.iter().map(|attribute| attribute.name.as_str()).collect();
        names.sort_unstable();
        let mut expected: Vec<_> = record.as_object().unwrap().keys().map(String::as_str).collect();
        expected.sort_unstable();
        self.check(&format!("{path} attribute names"), &json!(names), &json!(expected));
        for attribute in attributes {
            let Some(expected) = record.get(&attribute.name) else { continue };
            if expected.get("error").is_some() {
                continue;
            }
            self.attributes += 1;
            let what = format!("{path} attribute {:?}", attribute.name);
            let shape = attribute.space.shape().map_or(Json::Null, |shape| json!(shape));
            self.check(&format!("{what} shape"), &shape, &expected["shape"]);
            let as_text = expected.get("value").is_some_and(|value| value.to_string().contains("array("));
            if as_text || beyond_record(&attribute.datatype) {
                continue;
            }
            if let Some(value) = expected.get("value").filter(|value| **value != "reference") {
                self.check(&what, &value_json(&attribute.value), &json!(flat(value)));
            } else if let Some(sha256) = expected.get("sha256") {
                let raw = little_endian(&attribute.datatype, &attribute.raw);
                self.check(&what, &json!(hex(&Sha256::digest(raw))), sha256);
            }
        }
    }
}

/// Whether records hold no comparable value: h5py prints floats wider than 64 bits as text, and does not swap the bytes
/// of sequences that are not in the byte order of the machine.
fn beyond_record(datatype: &Datatype) -> bool {
    match &datatype.class {
        Class::Float(_) => datatype.size > 8,
        Class::VarLen { base } => {
            matches!(&base.class, Class::Integer(layout) if layout.byte_order == ByteOrder::Big)
        }
        _ => false,
    }
}

/// Records have the sizes that elements of variable length take in memory, which are not those in the file.
fn forget_sizes(json: &mut Json) {
    let Json::Object(fields) = json else { return };
    fields.remove("size");
    if let Some(base) = fields.get_mut("base") {
        forget_sizes(base);
    }
    for member in fields.get_mut("members").and_then(Json::as_array_mut).into_iter().flatten() {
        member[1] = Json::Null;
        forget_sizes(&mut member[2]);
    }
}

fn layout_json(dataset: &Dataset, record: &Json) -> Json {
    json!(match &dataset.layout {
        Layout::Compact { .. } => "compact",
        Layout::Contiguous { .. } => "contiguous",
        Layout::Chunked(_) => "chunked",
        // The record calls the layout contiguous and lists the files beside it.
        Layout::External { .. } if record.get("external").is_some() => return record["layout"].clone(),
        Layout::External { .. } => "external",
        Layout::Virtual { .. } => "virtual",
    })
}

/// Numbers are the same if their values are; everything else as JSON has it.
fn same(found: &Json, expected: &Json) -> bool {
    match (found, expected) {
        (Json::Array(found), Json::Array(expected)) => {
            found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| same(a, b))
        }
        (Json::Object(found), Json::Object(expected)) => {
            found.len() == expected.len()
                && found.iter().all(|(key, value)| expected.get(key).is_some_and(|other| same(value, other)))
        }
        (Json::Number(found), Json::Number(expected)) => {
            found == expected || found.as_f64() == expected.as_f64()
        }
        // A string of the record is in hexadecimal digits where it was inside a compound.
        (Json::String(found), Json::Object(expected)) => {
            expected.get("hex") == Some(&json!(hex(found.as_bytes())))
        }
        (Json::String(found), Json::String(expected)) if found == "reference" => {
            expected.contains("eference")
        }
        (Json::Number(found), Json::Bool(expected)) => found.as_u64() == Some(u64::from(*expected)),
        _ => found == expected,
    }
}

/// The scalars of a record's value, in order.
fn flat(value: &Json) -> Vec<Json> {
    match value {
        Json::Array(values) => values.iter().flat_map(flat).collect(),
        scalar => vec![scalar.clone()],
    }
}

/// The scalars of a value, element by element.
fn value_json(value: &Value) -> Json {
    let mut scalars = Vec::new();
    for element in 0..value.len() {
        element_json(value, element, &mut scalars);
    }
    Json::Array(scalars)
}

fn element_json(value: &Value, element: usize, scalars: &mut Vec<Json>) {
    match value {
        Value::Null => {}
        Value::Signed(values) => scalars.push(json!(values[element])),
        Value::Unsigned(values) => scalars.push(json!(values[element])),
        Value::Float(values) => scalars.push(number(values[element])),
        Value::Complex(values) => scalars.extend(values[element].map(number)),
        Value::Text(values) => scalars.push(text(&values[element])),
        Value::Opaque(values) => scalars.push(json!({ "hex": hex(&values[element]) })),
        Value::References(_) => scalars.push(json!("reference")),
        Value::Sequences(values) => scalars.extend(value_json(&values[element]).as_array().unwrap().clone()),
        Value::Compound(fields) => {
            for field in fields {
                element_json(&field.value, element, scalars);
            }
        }
    }
}

fn number(value: f64) -> Json {
    match value {
        value if value.is_nan() => json!("NaN"),
        f64::INFINITY => json!("Infinity"),
        f64::NEG_INFINITY => json!("-Infinity"),
        value => json!(value),
    }
}

fn text(text: &Text) -> Json {
    let bytes = text.as_bytes();
    match text {
        Text::Utf8(_) if bytes.len() > 1000 => {
            json!({ "sha256_utf8": hex(&Sha256::digest(bytes)), "bytes": bytes.len() })
        }
        Text::Utf8(text) => json!(text),
        Text::Bytes(bytes) => json!({ "hex": hex(bytes) }),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn little_endian(datatype: &Datatype, raw: &Bytes) -> Vec<u8> {
    let order = match &datatype.class {
        Class::Integer(layout) => layout.byte_order,
        Class::Float(layout) => layout.byte_order,
        _ => ByteOrder::Little,
    };
    let size = usize::try_from(datatype.size).unwrap();
    raw.chunks(size)
        .flat_map(|element| {
            let mut element = element.to_vec();
            if order == ByteOrder::Big {
                element.reverse();
            }
            element
        })
        .collect()
}

/// A datatype as the records write it.
fn datatype_json(datatype: &Datatype) -> Json {
    let mut json = serde_json::Map::new();
    let mut put = |key: &str, value: Json| json.insert(key.to_owned(), value);
    put("size", json!(datatype.size));
    let order = |order: ByteOrder| match order {
        ByteOrder::Little => "little",
        ByteOrder::Big => "big",
        ByteOrder::Vax => "vax",
    };
    let (class, byte_order, precision, bit_offset) = match &datatype.class {
        Class::Integer(layout) => {
            put("signed", json!(layout.signed));
            ("integer", Some(layout.byte_order), layout.precision, layout.bit_offset)
        }
        Class::BitField(layout) => ("bitfield", Some(layout.byte_order), layout.precision, layout.bit_offset),
        Class::Float(layout) => ("float", Some(layout.byte_order), layout.precision, layout.bit_offset),
        Class::Enum { base, members } => {
            let base_json = datatype_json(base);
            if let Some(order) = base_json.get("byte_order") {
                put("byte_order", order.clone());
            }
            if let Some(precision) = base_json.get("precision") {
                put("precision", precision.clone());
                put("bit_offset", base_json["bit_offset"].clone());
            }
            let decoder = |value: &Bytes| {
                let heap = std::collections::HashMap::new();
                let sizes = rangefold_hdf5::format::cursor::Sizes::EIGHT;
                let value = rangefold_hdf5::format::value::Decoder::new(sizes, &heap).decode(base, value);
                value_json(&value.unwrap())[0].clone()
            };
            let members = members.iter().take(64).map(|member| (member.name.clone(), decoder(&member.value)));
            put("members", Json::Object(members.collect()));
            ("enum", None, 0, 0)
        }
        Class::Time { .. } => ("time", None, 0, 0),
        Class::String { charset, .. } | Class::VarLenString { charset, .. } => {
            let vlen = matches!(datatype.class, Class::VarLenString { .. });
            put("string", json!(if vlen { "vlen" } else { "fixed" }));
            let utf8 = *charset == rangefold_hdf5::datatype::Charset::Utf8;
            put("cset", json!(if utf8 { "utf-8" } else { "ascii" }));
            ("string", None, 0, 0)
        }
        Class::Opaque { tag } => {
            put("tag", json!(tag));
            ("opaque", None, 0, 0)
        }
        Class::Compound { members } => {
            let members: Vec<_> = members
                .iter()
                .map(|member| json!([member.name, member.offset, datatype_json(&member.datatype)]))
                .collect();
            put("members", json!(members));
            ("compound", None, 0, 0)
        }
        Class::Reference(_) => ("reference", None, 0, 0),
        Class::VarLen { base } => {
            put("base", datatype_json(base));
            ("vlen", None, 0, 0)
        }
        Class::Array { dims, base } => {
            put("dims", json!(dims));
            put("base", datatype_json(base));
            ("array", None, 0, 0)
        }
        Class::Complex { .. } => ("complex", None, 0, 0),
    };
    put("class", json!(class));
    if let Some(byte_order) = byte_order {
        put("byte_order", json!(order(byte_order)));
        if u64::from(precision) != datatype.size * 8 {
            put("precision", json!(precision));
            put("bit_offset", json!(bit_offset));
        }
    }
    if datatype.committed.is_some() {
        put("committed", json!(true));
    }
    Json::Object(json)
}
