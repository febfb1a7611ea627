//! `zarr.json` of the nodes of a set, in the form zarrs accepts.

use rangefold_array::{ArrayMeta, ByteOrder, CodecSpec, DataType, ElementType, FillValue};
use rangefold_refs::{AttributeValue, Attributes, ManifestArray, zarr_v3};
use serde_json::{Value, json};

use super::CODEC_NAME;

/// A group's `zarr.json`.
pub(super) fn group(attributes: &Attributes) -> String {
    zarr_v3::group_json(&strict(attributes))
}

/// An array's `zarr.json`.
///
/// # Errors
///
/// Why Zarr v3 cannot describe the array.
pub(super) fn array(array: &ManifestArray) -> Result<String, String> {
    let meta = &array.meta;
    if meta.parted_axis().is_some() {
        return Err("its packing differs from part to part, which no Zarr array can say".to_owned());
    }
    let described = described_as_bytes(meta)?;
    let text = zarr_v3::array_json(described.as_ref().unwrap_or(meta), &strict(&array.attributes))
        .ok_or_else(|| format!("Zarr v3 has no data type for {}", meta.data_type))?;
    let mut document: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    if let Some(key_encoding) = document.get_mut("chunk_key_encoding") {
        *key_encoding = json!({ "name": "v2", "configuration": { "separator": "." } });
    }
    if matches!(meta.codecs.first(), Some(CodecSpec::VlenBytes))
        && let Some(data_type) = document.get_mut("data_type")
    {
        *data_type = json!("bytes");
    }
    if let Some(codecs) = document.get_mut("codecs").and_then(Value::as_array_mut) {
        // What comes before is a transposition and what turns elements into bytes.
        let framed = matches!(meta.codecs.first(), Some(CodecSpec::VlenUtf8 | CodecSpec::VlenBytes));
        let filters = codecs.len().saturating_sub(meta.codecs.len().saturating_sub(usize::from(framed)));
        let filters = codecs.split_off(filters);
        if !filters.is_empty() {
            codecs.push(json!({ "name": CODEC_NAME, "configuration": { "codecs": filters } }));
        }
    }
    Ok(document.to_string())
}

/// Whether a chunk that is absent has a value: the fill value, or an empty text.
pub(super) fn absent_is_defined(meta: &ArrayMeta) -> bool {
    meta.fill_value.is_some() || meta.data_type.element == ElementType::VlenString
}

/// Attributes without bare NaN and infinities, which JSON does not have: they become the texts Zarr v3 uses for them.
fn strict(attributes: &Attributes) -> Attributes {
    attributes.iter().map(|(name, value)| (name.to_owned(), strict_value(value))).collect()
}

fn strict_value(value: &AttributeValue) -> AttributeValue {
    match value {
        AttributeValue::Float(number) if !number.is_finite() => AttributeValue::Text(
            match number {
                number if number.is_nan() => "NaN",
                number if number.is_sign_positive() => "Infinity",
                _ => "-Infinity",
            }
            .to_owned(),
        ),
        AttributeValue::List(items) => AttributeValue::List(items.iter().map(strict_value).collect()),
        AttributeValue::Map(members) => AttributeValue::Map(
            members.iter().map(|(name, value)| (name.clone(), strict_value(value))).collect(),
        ),
        other => other.clone(),
    }
}

/// Byte strings and structures as raw bytes, which is the only fixed-size data type of that kind zarrs knows. `None`
/// for all others.
fn described_as_bytes(meta: &ArrayMeta) -> Result<Option<ArrayMeta>, String> {
    let size = match &meta.data_type.element {
        ElementType::FixedBytes(size) => Some(*size),
        ElementType::Structured(_) => meta.data_type.size(),
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
        | ElementType::VlenString => return Ok(None),
    };
    let size = size
        .filter(|&size| size > 0)
        .ok_or_else(|| format!("elements of type {} have no bytes", meta.data_type))?;
    // A fill value is kept in little-endian order, raw bytes are served as they are stored.
    if has_big_endian(&meta.data_type)
        && meta.fill_value.as_ref().is_some_and(|fill| fill.0.iter().any(|&b| b > 0))
    {
        return Err(format!("the fill value of big-endian {} cannot be given as bytes", meta.data_type));
    }
    let fill_value = meta.fill_value.as_ref().map(|fill| {
        let mut bytes = fill.0.clone();
        bytes.resize(size, 0);
        FillValue(bytes)
    });
    Ok(Some(ArrayMeta { data_type: DataType::little(ElementType::Raw(size)), fill_value, ..meta.clone() }))
}

fn has_big_endian(data_type: &DataType) -> bool {
    match &data_type.element {
        ElementType::Structured(fields) => fields.iter().any(|field| has_big_endian(&field.data_type)),
        ElementType::FixedBytes(_) | ElementType::Raw(_) => false,
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
        | ElementType::DateTime64(_)
        | ElementType::TimeDelta64(_)
        | ElementType::VlenString => data_type.order == ByteOrder::Big && data_type.size() != Some(1),
    }
}
