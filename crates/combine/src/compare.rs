//! Comparing what must be the same in every input.

use std::collections::BTreeMap;

use rangefold_array::CodecSpec;
use rangefold_refs::{AttributeValue, Attributes, ManifestArray};

use crate::error::Offender;
use crate::{AttributeRule, CombineError};

/// Attributes that change what a variable's stored numbers mean.
const MEANING: [&str; 13] = [
    "units",
    "calendar",
    "scale_factor",
    "add_offset",
    "_FillValue",
    "missing_value",
    "_Unsigned",
    "valid_min",
    "valid_max",
    "valid_range",
    "flag_values",
    "flag_meanings",
    "flag_masks",
];

/// The properties of a variable that must not differ, by name, printed. `skip` are axes that are joined: their lengths
/// may differ, and with `any_chunks` their chunk lengths too.
pub(crate) fn properties(
    array: &ManifestArray,
    joined: &[usize],
    any_chunks: bool,
) -> Vec<(&'static str, String)> {
    let meta = &array.meta;
    let keep = |axis: &usize| !joined.contains(axis);
    let lengths: Vec<u64> =
        (0..meta.grid.rank()).filter(keep).filter_map(|axis| meta.shape().get(axis).copied()).collect();
    let chunk_shape = meta.grid.regular_chunk_shape();
    let chunks = match &chunk_shape {
        Some(shape) if any_chunks => {
            format!(
                "{:?}",
                (0..shape.len()).filter(keep).filter_map(|axis| shape.get(axis)).collect::<Vec<_>>()
            )
        }
        Some(shape) => format!("{shape:?}"),
        None => "uneven".to_owned(),
    };
    let mut properties = vec![
        ("dimensions", format!("({})", meta.dimension_names.join(", "))),
        ("data type", meta.data_type.to_string()),
        ("lengths of the other dimensions", format!("{lengths:?}")),
        ("chunk shape", chunks),
        ("element order", format!("{:?}", meta.order)),
        ("codecs", meta.codecs.iter().map(codec_identity).collect::<Vec<_>>().join(" + ")),
        (
            "fill value",
            meta.fill_value.as_ref().map_or_else(|| "none".to_owned(), |fill| format!("{:02x?}", fill.0)),
        ),
    ];
    for name in MEANING {
        let value = array.attributes.get(name).map_or_else(|| "none".to_owned(), printed);
        properties.push((name, value));
    }
    properties
}

/// What a decoder must know of a codec: levels and block sizes do not matter to it.
fn codec_identity(codec: &CodecSpec) -> String {
    match codec {
        CodecSpec::Shuffle { element_size } => format!("shuffle of {element_size} bytes"),
        CodecSpec::Zlib { .. } => "zlib".to_owned(),
        CodecSpec::Gzip { .. } => "gzip".to_owned(),
        CodecSpec::Blosc { .. } => "blosc".to_owned(),
        CodecSpec::Zstd { .. } => "zstd".to_owned(),
        CodecSpec::Bzip2 { .. } => "bzip2".to_owned(),
        CodecSpec::Lz4 { .. } => "lz4".to_owned(),
        CodecSpec::Lz4Hdf5 { .. } => "lz4 (HDF5)".to_owned(),
        CodecSpec::BitshuffleHdf5 { element_size, compression, .. } => {
            format!("bitshuffle of {element_size} bytes, compression {compression}")
        }
        CodecSpec::Fletcher32 => "fletcher32".to_owned(),
        CodecSpec::Lzf => "lzf".to_owned(),
        CodecSpec::Crc32c => "crc32c".to_owned(),
        CodecSpec::VlenUtf8 => "vlen-utf8".to_owned(),
        CodecSpec::VlenBytes => "vlen-bytes".to_owned(),
    }
}

/// An attribute value in one line.
pub(crate) fn printed(value: &AttributeValue) -> String {
    match value {
        AttributeValue::Null => "null".to_owned(),
        AttributeValue::Bool(value) => value.to_string(),
        AttributeValue::Integer(value) => value.to_string(),
        AttributeValue::Float(value) => value.to_string(),
        AttributeValue::Text(text) => format!("{text:?}"),
        AttributeValue::List(items) => {
            format!("[{}]", items.iter().map(printed).collect::<Vec<_>>().join(", "))
        }
        AttributeValue::Map(items) => {
            format!(
                "{{{}}}",
                items.iter().map(|(k, v)| format!("{k}: {}", printed(v))).collect::<Vec<_>>().join(", ")
            )
        }
    }
}

/// Checks that every property is the same in all inputs, each given with its name.
pub(crate) fn require_equal(
    variable: &str,
    inputs: &[(&str, Vec<(&'static str, String)>)],
) -> Result<(), CombineError> {
    let Some((_, first)) = inputs.first() else { return Ok(()) };
    if inputs.iter().all(|(_, properties)| properties == first) {
        return Ok(());
    }
    for (row, (property, _)) in first.iter().enumerate() {
        let values: Vec<(&str, &str)> =
            inputs.iter().filter_map(|(name, p)| Some((*name, p.get(row)?.1.as_str()))).collect();
        if let Some(error) = disagreement(variable, property, &values) {
            return Err(error);
        }
    }
    Ok(())
}

/// An error with the majority and the others, if the values are not all the same.
pub(crate) fn disagreement(
    variable: &str,
    property: &'static str,
    values: &[(&str, &str)],
) -> Option<CombineError> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, value) in values {
        *counts.entry(value).or_default() += 1;
    }
    if counts.len() < 2 {
        return None;
    }
    // The value that most inputs have; of equally many, the one that stands first.
    let most = counts.values().max().copied().unwrap_or(0);
    let expected = values.iter().map(|(_, value)| *value).find(|value| counts.get(value) == Some(&most))?;
    let offenders = values
        .iter()
        .filter(|(_, value)| *value != expected)
        .map(|(name, value)| Offender { input: (*name).to_owned(), value: (*value).to_owned() })
        .collect();
    Some(CombineError::Mismatch {
        variable: variable.to_owned(),
        property,
        expected: expected.to_owned(),
        agreeing: most,
        offenders,
    })
}

/// Merges attributes by the rules; order is the first input's. Names of attributes left out are added to `dropped`.
pub(crate) fn merge_attributes(
    inputs: &[&Attributes],
    rules: &BTreeMap<String, AttributeRule>,
    mut dropped: impl FnMut(&str),
) -> Attributes {
    let Some(first) = inputs.first() else { return Attributes::new() };
    let mut merged = Attributes::new();
    let absent_from_first =
        inputs.iter().skip(1).flat_map(|a| a.iter()).filter(|(name, _)| first.get(name).is_none());
    let mut seen_absent: Vec<&str> = Vec::new();
    for (name, _) in absent_from_first {
        if !seen_absent.contains(&name) {
            seen_absent.push(name);
            dropped(name);
        }
    }
    for (name, value) in first.iter() {
        let values: Vec<&AttributeValue> = inputs.iter().filter_map(|a| a.get(name)).collect();
        let kept = match rules.get(name).copied().unwrap_or(AttributeRule::KeepIfEqual) {
            AttributeRule::Drop => None,
            AttributeRule::KeepIfEqual => {
                (values.len() == inputs.len() && values.iter().all(|v| same(v, value))).then_some(value)
            }
            AttributeRule::Min => extreme(&values, std::cmp::Ordering::Less),
            AttributeRule::Max => extreme(&values, std::cmp::Ordering::Greater),
        };
        match kept {
            Some(value) => merged.insert(name, value.clone()),
            None => dropped(name),
        }
    }
    merged
}

/// Equality in which NaN equals NaN.
fn same(a: &AttributeValue, b: &AttributeValue) -> bool {
    match (a, b) {
        (AttributeValue::Float(a), AttributeValue::Float(b)) => a.to_bits() == b.to_bits() || a == b,
        (AttributeValue::List(a), AttributeValue::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        _ => a == b,
    }
}

/// The smallest or largest of comparable values; `None` if they are not all numbers or all texts.
fn extreme<'a>(values: &[&'a AttributeValue], wanted: std::cmp::Ordering) -> Option<&'a AttributeValue> {
    let mut values = values.iter().copied();
    let mut best = values.next()?;
    for value in values {
        let ordering = match (value, best) {
            (AttributeValue::Text(a), AttributeValue::Text(b)) => a.cmp(b),
            (a, b) => a.as_f64()?.partial_cmp(&b.as_f64()?)?,
        };
        if ordering == wanted {
            best = value;
        }
    }
    Some(best)
}
