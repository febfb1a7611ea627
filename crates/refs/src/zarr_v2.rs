//! Zarr v2 metadata: `.zgroup`, `.zattrs`, `.zarray`, in the form kerchunk gives them.
//!
//! ```json
//! {"shape":[5,3,4],"chunks":[2,2,4],"dtype":"<i2","fill_value":-999,"order":"C",
//!  "filters":[{"id":"shuffle","elementsize":2},{"id":"zlib","level":4}],
//!  "dimension_separator":".","compressor":null,"zarr_format":2}
//! ```
//! Every codec stands in `filters` in the order of encoding and `compressor` is null. Dimension names are the
//! attribute `_ARRAY_DIMENSIONS`, which comes first. Any order of members, any separator and a compressor are read.
//!
//! # `fill_value` and `_FillValue`
//! Neither is made from the other. xarray takes `fill_value` of a v2 array for the missing-value mark whatever
//! `_FillValue` says, unless it is null (`use_zarr_fill_value_as_mask`, on by default for v2 and off for v3); kerchunk
//! therefore moves `_FillValue` into `fill_value`. zarr-python reads absent chunks of an array with a null fill value as
//! zeros, so zeros are written as null, unless `_FillValue` is 0 too and they are meant to be missing.
//!
//! Compatible implementations: zarr-python 2 and 3, xarray, kerchunk 0.2.10.
//!
//! Spec: <https://zarr-specs.readthedocs.io/en/latest/v2/v2.0.html>; `_ARRAY_DIMENSIONS`: xarray's "Zarr encoding
//! specification".

use base64::Engine as _;
use rangefold_array::{ArrayMeta, ChunkGrid, DataType, ElementType, FillValue, MemoryOrder};

use crate::AttributeValue::{self, Integer, List, Map, Null, Text};
use crate::element::{BASE64, data_type_from_value, data_type_to_value, fill_from_value, fill_to_value};
use crate::error::Problem;
use crate::json_text::{self, write_members, write_value};
use crate::{Attributes, ManifestArray, RefsError, by_part, numcodecs};

/// The text of every `.zgroup`.
pub const ZGROUP: &str = r#"{"zarr_format":2}"#;

/// The attribute that holds the dimension names.
const ARRAY_DIMENSIONS: &str = "_ARRAY_DIMENSIONS";

/// The attribute that marks missing values.
pub(crate) const FILL_VALUE: &str = "_FillValue";

/// More axes are refused: NumPy's own limit.
const RANK_MAX: usize = 64;

/// The text of an array's `.zarray`; `None` if Zarr v2 cannot say it, which is so for a rectilinear grid.
#[must_use]
pub fn zarray(meta: &ArrayMeta, attributes: &Attributes) -> Option<String> {
    zarray_value(meta, attributes).map(|value| {
        let mut out = String::new();
        write_value(&mut out, &value);
        out
    })
}

/// The text of an array's `.zattrs`, the dimension names first.
#[must_use]
pub fn array_zattrs(meta: &ArrayMeta, attributes: &Attributes) -> String {
    let mut out = String::new();
    write_value(&mut out, &array_attributes_value(meta, attributes));
    out
}

/// The text of a group's `.zattrs`.
#[must_use]
pub fn group_zattrs(attributes: &Attributes) -> String {
    let mut out = String::new();
    write_members(&mut out, attributes.iter());
    out
}

/// Reads an array from the texts of its `.zarray` and, if there is one, its `.zattrs`.
///
/// `path` is the array's, for errors. Without `_ARRAY_DIMENSIONS` axis `i` is called `phony_dim_<i>`, as kerchunk
/// calls axes without a name. The manifest is empty.
///
/// # Errors
///
/// [`RefsError::Key`] if a text is not what it should be, [`RefsError::Unsupported`] for a codec or a data type that
/// is not known here; both name the key.
pub fn parse_array(path: &str, zarray: &str, zattrs: Option<&str>) -> Result<ManifestArray, RefsError> {
    let zarray_key = key(path, ".zarray");
    let value = json_text::parse(zarray).map_err(|e| RefsError::key(&*zarray_key, e.to_string()))?;
    let zattrs = zattrs.map(|text| parse_attributes(path, text)).transpose()?;
    array_from_values(path, &value, zattrs.unwrap_or_default()).map(|(array, _)| array)
}

/// Reads a `.zattrs`.
///
/// # Errors
///
/// [`RefsError::Key`] unless it is a JSON object, `NaN` and `Infinity` accepted.
pub fn parse_attributes(path: &str, zattrs: &str) -> Result<Attributes, RefsError> {
    let value = json_text::parse(zattrs).map_err(|e| RefsError::key(key(path, ".zattrs"), e.to_string()))?;
    attributes_from_value(path, value)
}

/// The key `name` of the node at `path`.
pub(crate) fn key(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}

pub(crate) fn attributes_from_value(path: &str, value: AttributeValue) -> Result<Attributes, RefsError> {
    match value {
        Map(members) => Ok(members.into_iter().collect()),
        _ => Err(RefsError::key(key(path, ".zattrs"), "is not an object")),
    }
}

pub(crate) fn array_attributes_value(meta: &ArrayMeta, attributes: &Attributes) -> AttributeValue {
    let names = meta.dimension_names.iter().map(|name| Text(name.clone())).collect();
    let others = attributes.iter().filter(|(name, _)| *name != ARRAY_DIMENSIONS);
    let others = others.map(|(name, value)| (name.to_owned(), value.clone()));
    Map(std::iter::once((ARRAY_DIMENSIONS.to_owned(), List(names))).chain(others).collect())
}

pub(crate) fn zarray_value(meta: &ArrayMeta, attributes: &Attributes) -> Option<AttributeValue> {
    let integers = |numbers: &[u64]| List(numbers.iter().map(|&n| Integer(n.into())).collect());
    let filters: Vec<_> = meta.codecs.iter().map(numcodecs::to_value).collect();
    let order = match meta.order {
        MemoryOrder::RowMajor => "C",
        MemoryOrder::ColumnMajor => "F",
    };
    let members = [
        ("shape", integers(meta.shape())),
        ("chunks", integers(&meta.grid.regular_chunk_shape()?)),
        ("dtype", data_type_to_value(&meta.data_type)),
        ("fill_value", fill_to_value(written_fill(meta, attributes), &meta.data_type)),
        ("order", Text(order.to_owned())),
        ("filters", if filters.is_empty() { Null } else { List(filters) }),
        ("dimension_separator", Text(".".to_owned())),
        ("compressor", Null),
        ("zarr_format", Integer(2)),
    ];
    Some(Map(members.map(|(name, value)| (name.to_owned(), value)).into()))
}

/// The fill value as it is written: none for zeros that are not meant to be missing.
fn written_fill<'a>(meta: &'a ArrayMeta, attributes: &Attributes) -> Option<&'a FillValue> {
    let fill = meta.fill_value.as_ref()?;
    let marks_zero = attributes.get(FILL_VALUE).is_some_and(|mark| match &meta.data_type.element {
        ElementType::FixedBytes(_) => mark.as_text().is_some_and(|mark| mark.bytes().all(|byte| byte == 0)),
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
        | ElementType::FixedUtf32(_)
        | ElementType::Raw(_)
        | ElementType::DateTime64(_)
        | ElementType::TimeDelta64(_)
        | ElementType::VlenString
        | ElementType::Structured(_) => mark.as_f64() == Some(0.0),
    });
    (marks_zero || fill.0.iter().any(|&byte| byte != 0)).then_some(fill)
}

/// Reads an array; also gives the separator of its chunk keys.
pub(crate) fn array_from_values(
    path: &str,
    zarray: &AttributeValue,
    mut attributes: Attributes,
) -> Result<(ManifestArray, char), RefsError> {
    let (mut meta, separator) =
        meta_from_value(zarray).map_err(|problem| problem.at(key(path, ".zarray")))?;
    meta.dimension_names = match attributes.remove(ARRAY_DIMENSIONS) {
        None => phony_names(meta.grid.rank()),
        Some(names) => {
            dimension_names(&names, meta.grid.rank()).map_err(|problem| problem.at(key(path, ".zattrs")))?
        }
    };
    decode_fill_attribute(&mut attributes, &meta.data_type);
    let array = ManifestArray { meta, attributes, manifest: Default::default() };
    by_part::check(&array).map_err(|problem| problem.at(key(path, ".zattrs")))?;
    Ok((array, separator))
}

/// Makes a number of xarray's text form of a float `_FillValue`: base64 of a little-endian binary64.
///
/// VirtualiZarr writes it into v2 metadata too. Any other text is left as it is.
pub(crate) fn decode_fill_attribute(attributes: &mut Attributes, data_type: &DataType) {
    if let Some(Text(code)) = attributes.get(FILL_VALUE)
        && data_type.element.is_float()
        && let Some(bytes) = BASE64.decode(code).ok().and_then(|bytes| <[u8; 8]>::try_from(bytes).ok())
    {
        attributes.insert(FILL_VALUE, AttributeValue::Float(f64::from_le_bytes(bytes)));
    }
}

/// Names of the axes of an array that names none.
pub(crate) fn phony_names(rank: usize) -> Vec<String> {
    (0..rank).map(|axis| format!("phony_dim_{axis}")).collect()
}

fn dimension_names(value: &AttributeValue, rank: usize) -> Result<Vec<String>, Problem> {
    let List(names) = value else {
        return Err(Problem::Wrong(format!("{ARRAY_DIMENSIONS} is not a list")));
    };
    if names.len() != rank {
        let count = names.len();
        return Err(Problem::Wrong(format!(
            "{ARRAY_DIMENSIONS} has {count} names but the array has {rank} axes"
        )));
    }
    let names = names.iter().map(|name| name.as_text().map(str::to_owned)).collect::<Option<_>>();
    names.ok_or_else(|| Problem::Wrong(format!("{ARRAY_DIMENSIONS} has a name that is not a text")))
}

/// Reads a list of whole numbers of no more than [`RANK_MAX`] axes.
pub(crate) fn lengths(value: Option<&AttributeValue>, name: &str) -> Result<Vec<u64>, Problem> {
    let wrong = || Problem::Wrong(format!("{name:?} is not a list of lengths"));
    let Some(List(items)) = value else { return Err(wrong()) };
    if items.len() > RANK_MAX {
        return Err(Problem::Unsupported(format!("an array of {} axes (more than {RANK_MAX})", items.len())));
    }
    let length = |item: &AttributeValue| item.as_integer().and_then(|n| u64::try_from(n).ok());
    items.iter().map(length).collect::<Option<_>>().ok_or_else(wrong)
}

fn meta_from_value(value: &AttributeValue) -> Result<(ArrayMeta, char), Problem> {
    let wrong = |name: &str| Problem::Wrong(format!("{name:?} is missing or of no use"));
    if value.get("zarr_format").and_then(AttributeValue::as_integer) != Some(2) {
        return Err(Problem::Wrong("\"zarr_format\" is not 2".to_owned()));
    }
    let shape = lengths(value.get("shape"), "shape")?;
    let chunks = lengths(value.get("chunks"), "chunks")?;
    let grid = ChunkGrid::regular(&shape, &chunks).map_err(|e| Problem::Wrong(e.to_string()))?;
    let data_type = data_type_from_value(value.get("dtype").ok_or_else(|| wrong("dtype"))?)?;
    let order = match value.get("order").map(AttributeValue::as_text) {
        None | Some(Some("C")) => MemoryOrder::RowMajor,
        Some(Some("F")) => MemoryOrder::ColumnMajor,
        Some(_) => return Err(wrong("order")),
    };
    let separator = match value.get("dimension_separator").map(AttributeValue::as_text) {
        None | Some(Some(".")) => '.',
        Some(Some("/")) => '/',
        Some(_) if value.get("dimension_separator") == Some(&Null) => '.',
        Some(_) => return Err(wrong("dimension_separator")),
    };
    let filters = match value.get("filters") {
        None | Some(Null) => &[],
        Some(List(filters)) => filters.as_slice(),
        Some(_) => return Err(wrong("filters")),
    };
    let compressor = value.get("compressor").filter(|value| **value != Null);
    let codecs = filters.iter().chain(compressor).map(numcodecs::from_value).collect::<Result<_, _>>()?;
    let fill_value = fill_from_value(value.get("fill_value").unwrap_or(&Null), &data_type)?;
    Ok((ArrayMeta { data_type, grid, order, codecs, fill_value, dimension_names: Vec::new() }, separator))
}
