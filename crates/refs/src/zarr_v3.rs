//! Zarr v3 metadata: `zarr.json`.
//!
//! Written for sets that Zarr v2 cannot describe, which is so as soon as one array has a rectilinear grid:
//! ```json
//! {"zarr_format":3,"node_type":"array","shape":[59],"data_type":"float32",
//!  "chunk_grid":{"name":"rectilinear","configuration":{"kind":"inline","chunk_shapes":[[31,28]]}},
//!  "chunk_key_encoding":{"name":"default","configuration":{"separator":"/"}},"fill_value":"NaN",
//!  "codecs":[{"name":"bytes","configuration":{"endian":"little"}},
//!            {"name":"numcodecs.zlib","configuration":{"level":4}}],
//!  "attributes":{},"dimension_names":["time"]}
//! ```
//! Runs of equal chunks are written as `[length, count]`, an axis of equal chunks as one number.
//!
//! v3 has no undefined fill value: it is written as zero, with a member `rangefold` beside it that tells (and that
//! other readers must pass over). A `_FillValue` of a float array is base64 of a little-endian binary64 in v3, by
//! xarray's convention; it is turned into a number on reading and back on writing.
//!
//! Compatible implementations: zarrs 0.23 (`rectilinear` and `numcodecs.*` with their features), zarr-python 3.4
//! (`zarr.config.set({"array.rectilinear_chunks": True})`), xarray (`zarr_format=3`). Codecs of imagecodecs are
//! written by their numcodecs id, which no v3 reader knows.
//!
//! Spec: <https://zarr-specs.readthedocs.io/en/latest/v3/core/>;
//! <https://github.com/zarr-developers/zarr-extensions/tree/main/chunk-grids/rectilinear>

use base64::Engine as _;
use rangefold_array::{
    ArrayMeta, AxisChunks, BloscCompressor, BloscShuffle, ByteOrder, ChunkGrid, ChunkKey, CodecKind,
    CodecSpec, DataType, ElementType, Field, FillValue, MemoryOrder, TimeUnit,
};

use crate::AttributeValue::{self, Bool, Integer, List, Map, Null, Text};
use crate::assemble::{KeyEncoding, PendingArray};
use crate::element::{BASE64, check_size, fill_from_value, fill_to_value};
use crate::error::Problem;
use crate::json_text::{self, write_value};
use crate::zarr_v2::{FILL_VALUE, decode_fill_attribute, key, lengths, phony_names};
use crate::{Attributes, Group, ManifestArray, ReferenceSet, RefsError, by_part, numcodecs, sources};

/// More listed chunks on one axis are refused; `[1, n]` asks for any number in a few bytes.
const LISTED_CHUNKS_MAX: u64 = 1 << 20;

/// Whether Zarr v2 cannot describe the set.
#[must_use]
pub fn is_needed(set: &ReferenceSet) -> bool {
    set.arrays.values().any(|array| array.meta.grid.regular_chunk_shape().is_none())
}

/// The part of a chunk's key after the array's path and a slash: `c/0/1`, `c` for a scalar.
#[must_use]
pub fn chunk_key(index: &ChunkKey) -> String {
    if index.index().is_empty() { "c".to_owned() } else { format!("c/{}", index.to_v2('/')) }
}

/// The text of a group's `zarr.json`.
#[must_use]
pub fn group_json(attributes: &Attributes) -> String {
    text(&object([
        ("zarr_format", Integer(3)),
        ("node_type", Text("group".to_owned())),
        ("attributes", Map(attributes.clone().into_iter().collect())),
    ]))
}

/// The text of an array's `zarr.json`; `None` if v3 cannot say it, which is so for a structure whose fields differ in
/// byte order.
#[must_use]
pub fn array_json(meta: &ArrayMeta, attributes: &Attributes) -> Option<String> {
    let order = stored_order(&meta.data_type)?;
    let integers = |numbers: &[u64]| List(numbers.iter().map(|&n| Integer(n.into())).collect());
    let mut members = vec![
        ("zarr_format", Integer(3)),
        ("node_type", Text("array".to_owned())),
        ("shape", integers(meta.shape())),
        ("data_type", data_type_to_value(&meta.data_type)),
        ("chunk_grid", grid_to_value(&meta.grid)),
        ("chunk_key_encoding", named("default", [("separator", Text("/".to_owned()))])),
        ("fill_value", v3_fill_to_value(meta)),
        ("codecs", List(codecs_to_values(meta, order))),
        ("attributes", attributes_to_value(attributes, &meta.data_type)),
        ("dimension_names", List(meta.dimension_names.iter().cloned().map(Text).collect())),
    ];
    if meta.fill_value.is_none() {
        members.push((sources::MEMBER, object([("must_understand", Bool(false)), ("fill_value", Null)])));
    }
    Some(text(&object(members)))
}

/// Reads an array from the text of its `zarr.json`. The manifest is empty.
///
/// # Errors
///
/// [`RefsError::Key`] if the text is not what it should be or is a group's, [`RefsError::Unsupported`] for a codec, a
/// data type or a grid that is not known here.
pub fn parse_array(path: &str, zarr_json: &str) -> Result<ManifestArray, RefsError> {
    let key = key(path, "zarr.json");
    let value = json_text::parse(zarr_json).map_err(|e| RefsError::key(&*key, e.to_string()))?;
    match node_from_value(path, value)? {
        Node::Array(pending) => Ok(pending.array),
        Node::Group(_) => Err(RefsError::key(key, "is a group's")),
    }
}

/// What a `zarr.json` describes.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it is taken apart where it is made")]
pub(crate) enum Node {
    Group(Group),
    Array(PendingArray),
}

/// Reads a `zarr.json`.
pub(crate) fn node_from_value(path: &str, value: AttributeValue) -> Result<Node, RefsError> {
    node(&value).map_err(|problem| problem.at(key(path, "zarr.json")))
}

fn text(value: &AttributeValue) -> String {
    let mut out = String::new();
    write_value(&mut out, value);
    out
}

fn object<'n>(members: impl IntoIterator<Item = (&'n str, AttributeValue)>) -> AttributeValue {
    Map(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn named<'n>(
    name: &str,
    configuration: impl IntoIterator<Item = (&'n str, AttributeValue)>,
) -> AttributeValue {
    object([("name", Text(name.to_owned())), ("configuration", object(configuration))])
}

/// The name and configuration of an extension point; a bare name has no configuration.
fn unnamed<'v>(
    value: Option<&'v AttributeValue>,
    what: &str,
) -> Result<(&'v str, &'v AttributeValue), Problem> {
    let wrong = || Problem::Wrong(format!("{what:?} is missing or has no name"));
    match value.ok_or_else(wrong)? {
        Text(name) => Ok((name, &Null)),
        value => {
            let name = value.get("name").and_then(AttributeValue::as_text).ok_or_else(wrong)?;
            Ok((name, value.get("configuration").unwrap_or(&Null)))
        }
    }
}

fn node(value: &AttributeValue) -> Result<Node, Problem> {
    if value.get("zarr_format").and_then(AttributeValue::as_integer) != Some(3) {
        return Err(Problem::Wrong("\"zarr_format\" is not 3".to_owned()));
    }
    let attributes: Attributes = match value.get("attributes") {
        None => Attributes::new(),
        Some(Map(members)) => members.iter().cloned().collect(),
        Some(_) => return Err(Problem::Wrong("\"attributes\" is not an object".to_owned())),
    };
    match value.get("node_type").and_then(AttributeValue::as_text) {
        Some("group") => Ok(Node::Group(Group { attributes, ..Group::default() })),
        Some("array") => array(value, attributes).map(Node::Array),
        _ => Err(Problem::Wrong("\"node_type\" is neither group nor array".to_owned())),
    }
}

fn array(value: &AttributeValue, mut attributes: Attributes) -> Result<PendingArray, Problem> {
    let shape = lengths(value.get("shape"), "shape")?;
    let grid = grid_from_value(value.get("chunk_grid"), &shape)?;
    let keys = match unnamed(value.get("chunk_key_encoding"), "chunk_key_encoding")? {
        ("default", configuration) => KeyEncoding::V3(separator(configuration, '/')?),
        ("v2", configuration) => KeyEncoding::V2(separator(configuration, '.')?),
        (name, _) => return Err(Problem::Unsupported(format!("chunk key encoding {name:?}"))),
    };
    let mut data_type = data_type_from_value(value.get("data_type"))?;
    let Some(List(stages)) = value.get("codecs") else {
        return Err(Problem::Wrong("\"codecs\" is not a list".to_owned()));
    };
    let Codecs { order, byte_order, codecs } = codecs_from_values(stages, grid.rank())?;
    set_order(&mut data_type, byte_order);
    let undefined = value.get(sources::MEMBER).is_some_and(|own| own.get("fill_value") == Some(&Null));
    let fill_value = match value.get("fill_value") {
        _ if undefined => None,
        None | Some(Null) => return Err(Problem::Wrong("\"fill_value\" is missing".to_owned())),
        Some(fill) => v3_fill_from_value(fill, &data_type)?,
    };
    let phony = phony_names(grid.rank());
    let dimension_names = match value.get("dimension_names") {
        None | Some(Null) => phony,
        Some(List(names)) if names.len() == phony.len() => {
            let name = |(name, phony): (&AttributeValue, String)| match name {
                Null => Some(phony),
                name => name.as_text().map(str::to_owned),
            };
            let names = names.iter().zip(phony).map(name).collect::<Option<_>>();
            names.ok_or_else(|| Problem::Wrong("a dimension name is not a text".to_owned()))?
        }
        Some(_) => return Err(Problem::Wrong("\"dimension_names\" is not one name per axis".to_owned())),
    };
    decode_fill_attribute(&mut attributes, &data_type);
    let meta = ArrayMeta { data_type, grid, order, codecs, fill_value, dimension_names };
    let array = ManifestArray { meta, attributes, manifest: Default::default() };
    by_part::check(&array)?;
    Ok(PendingArray { array, keys })
}

fn separator(configuration: &AttributeValue, default: char) -> Result<char, Problem> {
    match configuration.get("separator").map(AttributeValue::as_text) {
        None => Ok(default),
        Some(Some("/")) => Ok('/'),
        Some(Some(".")) => Ok('.'),
        Some(_) => Err(Problem::Wrong("\"separator\" is neither \"/\" nor \".\"".to_owned())),
    }
}

// Attributes

fn attributes_to_value(attributes: &Attributes, data_type: &DataType) -> AttributeValue {
    let encoded = |name: &str, value: &AttributeValue| match value.as_f64() {
        Some(number) if name == FILL_VALUE && data_type.element.is_float() => {
            Text(BASE64.encode(number.to_le_bytes()))
        }
        _ => value.clone(),
    };
    Map(attributes.iter().map(|(name, value)| (name.to_owned(), encoded(name, value))).collect())
}

// Grids

fn grid_to_value(grid: &ChunkGrid) -> AttributeValue {
    if let Some(chunks) = grid.regular_chunk_shape() {
        let shape = List(chunks.iter().map(|&n| Integer(n.into())).collect());
        return named("regular", [("chunk_shape", shape)]);
    }
    let axes = grid.axes().iter().zip(grid.shape()).map(|(axis, &length)| match axis {
        AxisChunks::Regular { length } => Integer((*length).into()),
        // A list must not be empty; on an axis without elements any chunk length says the same.
        AxisChunks::Listed { .. } if length == 0 => Integer(1),
        AxisChunks::Listed { bounds } => List(run_lengths(bounds)),
    });
    named("rectilinear", [("kind", Text("inline".to_owned())), ("chunk_shapes", List(axes.collect()))])
}

fn run_lengths(bounds: &[u64]) -> Vec<AttributeValue> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for pair in bounds.windows(2) {
        let [start, end] = pair else { continue };
        let length = end.saturating_sub(*start);
        match runs.last_mut() {
            Some((last, count)) if *last == length => *count += 1,
            _ => runs.push((length, 1)),
        }
    }
    let run = |(length, count): (u64, u64)| match count {
        1 => Integer(length.into()),
        _ => List(vec![Integer(length.into()), Integer(count.into())]),
    };
    runs.into_iter().map(run).collect()
}

fn grid_from_value(value: Option<&AttributeValue>, shape: &[u64]) -> Result<ChunkGrid, Problem> {
    let grid = match unnamed(value, "chunk_grid")? {
        ("regular", configuration) => {
            ChunkGrid::regular(shape, &lengths(configuration.get("chunk_shape"), "chunk_shape")?)
        }
        ("rectilinear", configuration) => {
            let wrong = || Problem::Wrong("\"chunk_shapes\" is not one entry per axis".to_owned());
            let Some(List(axes)) = configuration.get("chunk_shapes") else { return Err(wrong()) };
            if axes.len() != shape.len() {
                return Err(wrong());
            }
            let axes = axes.iter().zip(shape).enumerate();
            let axes = axes.map(|(axis, (chunks, &length))| axis_from_value(axis, chunks, length));
            ChunkGrid::new(shape, axes.collect::<Result<_, _>>()?)
        }
        (name, _) => return Err(Problem::Unsupported(format!("chunk grid {name:?}"))),
    };
    grid.map_err(|error| Problem::Wrong(error.to_string()))
}

fn axis_from_value(axis: usize, value: &AttributeValue, axis_length: u64) -> Result<AxisChunks, Problem> {
    let wrong = || Problem::Wrong(format!("the chunks of axis {axis} are not listed as lengths and counts"));
    let whole = |number: &AttributeValue| number.as_integer().and_then(|n| u64::try_from(n).ok());
    if let Some(length) = whole(value) {
        return Ok(AxisChunks::Regular { length });
    }
    let List(items) = value else { return Err(wrong()) };
    let mut runs = Vec::new();
    for item in items {
        runs.push(match item {
            List(pair) => match pair.as_slice() {
                [length, count] => (whole(length).ok_or_else(wrong)?, whole(count).ok_or_else(wrong)?),
                _ => return Err(wrong()),
            },
            length => (whole(length).ok_or_else(wrong)?, 1),
        });
    }
    // Equal chunks that end with the axis are a regular axis, however many there are.
    if let [(length, count)] = runs.as_slice()
        && *length > 0
        && length.checked_mul(*count) == Some(axis_length)
    {
        return Ok(AxisChunks::Regular { length: *length });
    }
    let count = runs.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
    if count > LISTED_CHUNKS_MAX {
        let what = format!("an axis of {count} listed chunks (more than {LISTED_CHUNKS_MAX})");
        return Err(Problem::Unsupported(what));
    }
    let each = |(length, count): (u64, u64)| (0..count).map(move |_| length);
    let lengths: Vec<u64> = runs.into_iter().flat_map(each).collect();
    AxisChunks::listed(axis, &lengths).map_err(|error| Problem::Wrong(error.to_string()))
}

// Data types and fill values

fn data_type_to_value(data_type: &DataType) -> AttributeValue {
    let length = |n: usize| [("length_bytes", Integer(n as i128))];
    let time = |unit: TimeUnit| [("unit", Text(unit.code().to_owned())), ("scale_factor", Integer(1))];
    match &data_type.element {
        ElementType::FixedBytes(n) => named("null_terminated_bytes", length(*n)),
        ElementType::FixedUtf32(n) => named("fixed_length_utf32", length(n.saturating_mul(4))),
        ElementType::Raw(n) => Text(format!("r{}", n.saturating_mul(8))),
        ElementType::DateTime64(unit) => named("numpy.datetime64", time(*unit)),
        ElementType::TimeDelta64(unit) => named("numpy.timedelta64", time(*unit)),
        ElementType::Structured(fields) => {
            let field = |field: &Field| {
                let mut parts = vec![Text(field.name.clone()), data_type_to_value(&field.data_type)];
                if !field.shape.is_empty() {
                    parts.push(List(field.shape.iter().map(|&n| Integer(n.into())).collect()));
                }
                List(parts)
            };
            named("structured", [("fields", List(fields.iter().map(field).collect()))])
        }
        element => Text(element.name()),
    }
}

fn data_type_from_value(value: Option<&AttributeValue>) -> Result<DataType, Problem> {
    check_size(DataType::little(element_from_value(value, 0)?))
}

fn element_from_value(value: Option<&AttributeValue>, depth: usize) -> Result<ElementType, Problem> {
    let (name, configuration) = unnamed(value, "data_type")?;
    let unsupported = || Problem::Unsupported(format!("data type {name:?}"));
    let length = || {
        let bytes = configuration.get("length_bytes").and_then(AttributeValue::as_integer);
        bytes.and_then(|n| usize::try_from(n).ok()).ok_or_else(unsupported)
    };
    let unit = || match (configuration.get("unit"), configuration.get("scale_factor")) {
        (Some(Text(code)), Some(Integer(1))) => TimeUnit::from_code(code).ok_or_else(unsupported),
        _ => Err(unsupported()),
    };
    const PLAIN: [ElementType; 14] = [
        ElementType::Bool,
        ElementType::Int8,
        ElementType::Int16,
        ElementType::Int32,
        ElementType::Int64,
        ElementType::UInt8,
        ElementType::UInt16,
        ElementType::UInt32,
        ElementType::UInt64,
        ElementType::Float16,
        ElementType::Float32,
        ElementType::Float64,
        ElementType::Complex64,
        ElementType::Complex128,
    ];
    if let Some(element) = PLAIN.into_iter().find(|element| element.name() == name) {
        return Ok(element);
    }
    Ok(match name {
        "string" | "variable_length_utf8" | "bytes" | "variable_length_bytes" => ElementType::VlenString,
        "null_terminated_bytes" => ElementType::FixedBytes(length()?),
        "fixed_length_utf32" => ElementType::FixedUtf32(length()? / 4),
        "raw_bytes" => ElementType::Raw(length()?),
        "numpy.datetime64" => ElementType::DateTime64(unit()?),
        "numpy.timedelta64" => ElementType::TimeDelta64(unit()?),
        "structured" | "struct" if depth < 8 => {
            let Some(List(fields)) = configuration.get("fields") else { return Err(unsupported()) };
            ElementType::Structured(
                fields.iter().map(|field| field_from_value(field, depth)).collect::<Result<_, _>>()?,
            )
        }
        _ => match name.strip_prefix('r').and_then(|bits| bits.parse::<usize>().ok()) {
            Some(bits) if bits % 8 == 0 => ElementType::Raw(bits / 8),
            _ => return Err(unsupported()),
        },
    })
}

fn field_from_value(value: &AttributeValue, depth: usize) -> Result<Field, Problem> {
    let wrong = || Problem::Wrong("a field is not a list of name, type and shape".to_owned());
    let (name, data_type, shape) = match value.elements() {
        [Text(name), data_type] => (name, data_type, Vec::new()),
        [Text(name), data_type, shape] => (name, data_type, lengths(Some(shape), "field shape")?),
        _ => return Err(wrong()),
    };
    let data_type = DataType::little(element_from_value(Some(data_type), depth + 1)?);
    Ok(Field { name: name.clone(), data_type, shape })
}

/// The byte order of all parts that have one; `None` if they differ.
fn stored_order(data_type: &DataType) -> Option<ByteOrder> {
    let mut orders = Vec::new();
    collect_orders(data_type, &mut orders);
    let first = orders.first().copied().unwrap_or(ByteOrder::Little);
    orders.iter().all(|&order| order == first).then_some(first)
}

fn collect_orders(data_type: &DataType, orders: &mut Vec<ByteOrder>) {
    match &data_type.element {
        ElementType::Structured(fields) => {
            fields.iter().for_each(|field| collect_orders(&field.data_type, orders));
        }
        element if has_order(element) => orders.push(data_type.order),
        ElementType::Bool
        | ElementType::Int8
        | ElementType::Int16
        | ElementType::Int32
        | ElementType::Int64
        | ElementType::UInt8
        | ElementType::UInt16
        | ElementType::UInt32
        | ElementType::UInt64
        | ElementType::Float16
        | ElementType::Float32
        | ElementType::Float64
        | ElementType::Complex64
        | ElementType::Complex128
        | ElementType::FixedBytes(_)
        | ElementType::FixedUtf32(_)
        | ElementType::Raw(_)
        | ElementType::DateTime64(_)
        | ElementType::TimeDelta64(_)
        | ElementType::VlenString => {}
    }
}

fn set_order(data_type: &mut DataType, order: ByteOrder) {
    match &mut data_type.element {
        ElementType::Structured(fields) => {
            fields.iter_mut().for_each(|field| set_order(&mut field.data_type, order));
        }
        element if has_order(element) => data_type.order = order,
        ElementType::Bool
        | ElementType::Int8
        | ElementType::Int16
        | ElementType::Int32
        | ElementType::Int64
        | ElementType::UInt8
        | ElementType::UInt16
        | ElementType::UInt32
        | ElementType::UInt64
        | ElementType::Float16
        | ElementType::Float32
        | ElementType::Float64
        | ElementType::Complex64
        | ElementType::Complex128
        | ElementType::FixedBytes(_)
        | ElementType::FixedUtf32(_)
        | ElementType::Raw(_)
        | ElementType::DateTime64(_)
        | ElementType::TimeDelta64(_)
        | ElementType::VlenString => {}
    }
}

/// Whether the byte order of an element that is no structure means anything.
fn has_order(element: &ElementType) -> bool {
    let unordered =
        matches!(element, ElementType::FixedBytes(_) | ElementType::Raw(_) | ElementType::VlenString);
    !unordered && element.size() != Some(1)
}

fn v3_fill_to_value(meta: &ArrayMeta) -> AttributeValue {
    let zero = || FillValue(vec![0; meta.data_type.size().unwrap_or(0)]);
    let fill = meta.fill_value.clone().unwrap_or_else(zero);
    match &meta.data_type.element {
        ElementType::Raw(_) => List(fill.0.iter().map(|&byte| Integer(byte.into())).collect()),
        ElementType::Bool
        | ElementType::Int8
        | ElementType::Int16
        | ElementType::Int32
        | ElementType::Int64
        | ElementType::UInt8
        | ElementType::UInt16
        | ElementType::UInt32
        | ElementType::UInt64
        | ElementType::Float16
        | ElementType::Float32
        | ElementType::Float64
        | ElementType::Complex64
        | ElementType::Complex128
        | ElementType::FixedBytes(_)
        | ElementType::FixedUtf32(_)
        | ElementType::DateTime64(_)
        | ElementType::TimeDelta64(_)
        | ElementType::VlenString
        | ElementType::Structured(_) => fill_to_value(Some(&fill), &meta.data_type),
    }
}

fn v3_fill_from_value(value: &AttributeValue, data_type: &DataType) -> Result<Option<FillValue>, Problem> {
    let wrong = || Problem::Wrong("\"fill_value\" is not a value of the data type".to_owned());
    match (&data_type.element, value) {
        (ElementType::Raw(size), List(bytes)) => {
            let byte = |n: &AttributeValue| n.as_integer().and_then(|n| u8::try_from(n).ok());
            let bytes = bytes.iter().map(byte).collect::<Option<Vec<u8>>>();
            bytes.filter(|bytes| bytes.len() == *size).map(|bytes| Some(FillValue(bytes))).ok_or_else(wrong)
        }
        // The bits of a float, most significant first.
        (element, Text(bits)) if element.is_float() && bits.starts_with("0x") => {
            let digits = bits.get(2..).filter(|d| Some(d.len()) == element.size().map(|size| size * 2));
            let bits = digits.and_then(|d| u64::from_str_radix(d, 16).ok()).ok_or_else(wrong)?;
            let bytes = bits.to_le_bytes().get(..element.size().unwrap_or(0)).map(<[u8]>::to_vec);
            bytes.map(|bytes| Some(FillValue(bytes))).ok_or_else(wrong)
        }
        _ => fill_from_value(value, data_type),
    }
}

// Codecs

fn codecs_to_values(meta: &ArrayMeta, order: ByteOrder) -> Vec<AttributeValue> {
    let mut stages = Vec::new();
    let rank = meta.grid.rank();
    let size = meta.data_type.size().unwrap_or(1);
    if meta.parted_axis().is_some() {
        stages.extend(meta.codecs.first().map(|codec| codec_to_value(codec, size)));
    }
    let codecs = meta.element_codecs();
    if meta.order == MemoryOrder::ColumnMajor && rank > 1 {
        let axes = (0..rank).rev().map(|axis| Integer(axis as i128)).collect();
        stages.push(named("transpose", [("order", List(axes))]));
    }
    let framed = matches!(codecs.first(), Some(CodecSpec::VlenUtf8 | CodecSpec::VlenBytes));
    if !framed {
        let endian = match order {
            ByteOrder::Little => "little",
            ByteOrder::Big => "big",
        };
        stages.push(named("bytes", [("endian", Text(endian.to_owned()))]));
    }
    stages.extend(codecs.iter().map(|codec| codec_to_value(codec, size)));
    stages
}

fn codec_to_value(codec: &CodecSpec, element_size: usize) -> AttributeValue {
    let name = codec.facts().zarr_v3;
    if let CodecSpec::Blosc { compressor, level, shuffle, block_size } = codec {
        return named(name, blosc(*compressor, *level, *shuffle, *block_size, element_size));
    }
    named(name, numcodecs::members(codec))
}

fn blosc(
    compressor: BloscCompressor,
    level: i32,
    shuffle: BloscShuffle,
    block_size: usize,
    element_size: usize,
) -> [(&'static str, AttributeValue); 5] {
    let shuffle = match shuffle {
        BloscShuffle::None => "noshuffle",
        BloscShuffle::Bit => "bitshuffle",
        BloscShuffle::Auto if element_size == 1 => "bitshuffle",
        BloscShuffle::Byte | BloscShuffle::Auto => "shuffle",
    };
    [
        ("typesize", Integer(element_size.max(1) as i128)),
        ("cname", Text(compressor.name().to_owned())),
        ("clevel", Integer(level.into())),
        ("shuffle", Text(shuffle.to_owned())),
        ("blocksize", Integer(block_size as i128)),
    ]
}

/// What a v3 codec chain says.
struct Codecs {
    order: MemoryOrder,
    byte_order: ByteOrder,
    codecs: Vec<CodecSpec>,
}

/// Reads `rangefold_attributes_by_part? transpose? (bytes | vlen-utf8 | vlen-bytes) other*`.
fn codecs_from_values(stages: &[AttributeValue], rank: usize) -> Result<Codecs, Problem> {
    let mut chain =
        Codecs { order: MemoryOrder::RowMajor, byte_order: ByteOrder::Little, codecs: Vec::new() };
    let by_part = CodecKind::AttributesByPart.facts().zarr_v3;
    let mut in_bytes = false;
    for stage in stages {
        let (name, configuration) = unnamed(Some(stage), "codec")?;
        match name {
            name if name == by_part && chain.codecs.is_empty() && !in_bytes => {
                chain.codecs.push(numcodecs::from_configuration(name, configuration)?);
                continue;
            }
            "transpose" if !in_bytes => chain.order = transpose(configuration, rank, chain.order)?,
            "bytes" if !in_bytes => {
                chain.byte_order = match configuration.get("endian").map(AttributeValue::as_text) {
                    None | Some(Some("little")) => ByteOrder::Little,
                    Some(Some("big")) => ByteOrder::Big,
                    Some(_) => return Err(Problem::Wrong("\"endian\" is neither little nor big".to_owned())),
                };
            }
            "vlen-utf8" | "vlen-bytes" if !in_bytes => {
                chain.codecs.push(numcodecs::from_configuration(name, configuration)?);
            }
            _ if !in_bytes => return Err(Problem::Unsupported(format!("codec {name:?} in this place"))),
            _ => {
                let id = name.strip_prefix("numcodecs.").unwrap_or(name);
                chain.codecs.push(numcodecs::from_configuration(id, configuration)?);
            }
        }
        in_bytes |= name != "transpose";
    }
    if in_bytes { Ok(chain) } else { Err(Problem::Wrong("no codec turns elements into bytes".to_owned())) }
}

/// Only the identity and the full reversal, once, are an order of memory.
fn transpose(
    configuration: &AttributeValue,
    rank: usize,
    before: MemoryOrder,
) -> Result<MemoryOrder, Problem> {
    let order = lengths(configuration.get("order"), "order")?;
    let identity: Vec<u64> = (0..rank as u64).collect();
    if order == identity {
        Ok(before)
    } else if order.iter().rev().eq(&identity) && before == MemoryOrder::RowMajor {
        Ok(MemoryOrder::ColumnMajor)
    } else {
        Err(Problem::Unsupported(format!("a transposition to {order:?}")))
    }
}
