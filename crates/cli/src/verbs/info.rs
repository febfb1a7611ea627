//! `rangefold info`: what is in a reference store.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::Result;
use rangefold::array::{ArrayMeta, CodecSpec, ElementType, Number, node_path, size_text};
use rangefold::cf::Meaning;
use rangefold::query::number;
use rangefold::refs::{AttributeValue, Attributes, ManifestArray, Reference, ReferenceSet};
use serde_json::{Value, json};

use crate::args::Info;
use crate::context::Context;
use crate::{Done, names, output};

pub(crate) async fn run(context: &Context, args: &Info) -> Result<Done> {
    let set = context.references(&args.refs).await?;
    let variable = args.variable.as_deref().map(|path| path.trim_matches('/'));
    if let Some(path) = variable
        && !set.arrays.contains_key(path)
    {
        return Err(names::no_variable(&set, &args.refs, path));
    }
    for (path, error) in &set.unreadable {
        output::complain(&format!("{}: variable {path:?} cannot be read: {error}", args.refs));
    }
    if context.shared.json {
        output::print(&format!("{:#}\n", json(&set, variable)))?;
    } else {
        output::print(&text(&set, variable))?;
    }
    Ok(Done::All)
}

/// The store as text, in the order and indentation of `ncdump -h`; only `variable` if one is named.
fn text(set: &ReferenceSet, variable: Option<&str>) -> String {
    let mut out = String::new();
    if let Some(path) = variable {
        if let Some(array) = set.arrays.get(path) {
            write_array(&mut out, path, array, 0);
        }
        return out;
    }
    for (path, group) in &set.groups {
        let arrays: Vec<(&str, &ManifestArray)> = set
            .arrays
            .iter()
            .filter(|(array, _)| node_path::parent(array) == path)
            .map(|(p, a)| (p.as_str(), a))
            .collect();
        let _ = writeln!(out, "group: /{path}");
        let dimensions = dimensions(&arrays);
        if !dimensions.is_empty() {
            let _ = writeln!(out, "  dimensions:");
            for (name, length) in dimensions {
                let _ = writeln!(out, "    {name} = {length}");
            }
        }
        if !arrays.is_empty() {
            let _ = writeln!(out, "  variables:");
            for (path, array) in arrays {
                write_array(&mut out, path, array, 4);
            }
        }
        if !group.attributes.is_empty() {
            let _ = writeln!(out, "  attributes:");
            write_attributes(&mut out, &group.attributes, 4);
        }
    }
    out
}

/// The store as one JSON document.
fn json(set: &ReferenceSet, variable: Option<&str>) -> Value {
    let arrays: serde_json::Map<String, Value> = set
        .arrays
        .iter()
        .filter(|(path, _)| variable.is_none_or(|wanted| wanted == path.as_str()))
        .map(|(path, array)| (path.clone(), array_json(array)))
        .collect();
    if variable.is_some() {
        return json!({ "variables": arrays });
    }
    let groups: serde_json::Map<String, Value> = set
        .groups
        .iter()
        .map(|(path, group)| {
            (format!("/{path}"), json!({ "attributes": attributes_json(&group.attributes) }))
        })
        .collect();
    json!({ "groups": groups, "variables": arrays })
}

/// The dimensions and their lengths; one that has several lengths is there with each of them.
fn dimensions(arrays: &[(&str, &ManifestArray)]) -> BTreeSet<(String, u64)> {
    arrays
        .iter()
        .flat_map(|(_, array)| {
            array.meta.dimension_names.iter().cloned().zip(array.meta.shape().iter().copied())
        })
        .collect()
}

/// Encoded bytes of all chunks whose length is known.
fn encoded_bytes(array: &ManifestArray) -> u64 {
    array
        .manifest
        .iter()
        .map(|(_, reference)| match reference {
            Reference::Inline(bytes) => bytes.len() as u64,
            Reference::Range { range, .. } => range.length(),
            Reference::Whole { .. } => 0,
        })
        .fold(0, u64::saturating_add)
}

fn write_array(out: &mut String, path: &str, array: &ManifestArray, indent: usize) {
    let meta = &array.meta;
    let axes: Vec<String> = meta
        .dimension_names
        .iter()
        .zip(meta.shape())
        .map(|(name, length)| format!("{name}={length}"))
        .collect();
    let name = node_path::leaf(path);
    let pad = " ".repeat(indent);
    let _ = writeln!(out, "{pad}{} {name}({})", meta.data_type.element.name(), axes.join(", "));
    let decoded = meta.nbytes().map_or_else(String::new, |n| format!(" of {}", size_text(n)));
    let _ = writeln!(
        out,
        "{pad}  {}: {} of {} stored, {}{decoded}; {}",
        chunks(meta),
        array.manifest.len(),
        meta.grid.chunk_count(),
        size_text(encoded_bytes(array)),
        codecs(&meta.codecs),
    );
    let _ = writeln!(out, "{pad}  missing: {}", missing_text(array));
    write_attributes(out, &array.attributes, indent + 2);
}

/// What is taken as missing, and what packed elements become.
fn missing_text(array: &ManifestArray) -> String {
    let meaning = match Meaning::of(array) {
        Ok(meaning) => meaning,
        Err(error) => return error.to_string(),
    };
    let value = |value: &Number| number_json(*value).to_string();
    let mut parts: Vec<String> = meaning.missing.fill_values.iter().map(value).collect();
    parts.dedup();
    parts.extend(meaning.missing.texts.iter().map(|text| format!("{text:?}")));
    parts.extend(meaning.missing.valid_min.as_ref().map(|low| format!("below {}", value(low))));
    parts.extend(meaning.missing.valid_max.as_ref().map(|high| format!("above {}", value(high))));
    parts.extend(always_missing(&array.meta.data_type.element).map(str::to_owned));
    let mut text = if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") };
    if meaning.packing.is_some() || meaning.unsigned {
        let element = meaning.value_element(&array.meta.data_type.element);
        let _ = write!(text, "; the others become {}", element.name());
    }
    for note in &meaning.notes {
        let _ = write!(text, "; {note}");
    }
    text
}

/// What is missing in every array of a type, whatever its attributes say.
fn always_missing(element: &ElementType) -> Option<&'static str> {
    match element {
        ElementType::Complex64 | ElementType::Complex128 => Some("NaN"),
        ElementType::DateTime64(_) | ElementType::TimeDelta64(_) => Some("NaT"),
        ElementType::FixedBytes(_) | ElementType::FixedUtf32(_) => Some("empty texts"),
        element => element.is_float().then_some("NaN"),
    }
}

fn number_json(value: Number) -> Value {
    match value {
        Number::Integer(value) => number::integer(value),
        Number::Float(value) => number::float(value),
    }
}

/// What is taken as missing, for programs; null if the attributes cannot be applied.
fn missing_json(array: &ManifestArray) -> Value {
    let Ok(Meaning { missing, .. }) = Meaning::of(array) else { return Value::Null };
    let numbers = missing.fill_values.iter().map(|&value| number_json(value));
    let values: Vec<Value> = numbers.chain(missing.texts.iter().map(|text| json!(text))).collect();
    json!({
        "values": values,
        "valid_min": missing.valid_min.map(number_json),
        "valid_max": missing.valid_max.map(number_json),
    })
}

fn chunks(meta: &ArrayMeta) -> String {
    match meta.grid.regular_chunk_shape() {
        Some(shape) => format!("chunks {shape:?}"),
        None => format!("uneven chunks, {:?} along the axes", meta.grid.chunk_counts()),
    }
}

fn codecs(codecs: &[CodecSpec]) -> String {
    if codecs.is_empty() {
        return "not compressed".to_owned();
    }
    codecs.iter().map(CodecSpec::name).collect::<Vec<_>>().join(" + ")
}

fn write_attributes(out: &mut String, attributes: &Attributes, indent: usize) {
    for (name, value) in attributes.iter() {
        let _ = writeln!(out, "{}:{name} = {}", " ".repeat(indent), attribute_text(value));
    }
}

fn attribute_text(value: &AttributeValue) -> String {
    match value {
        AttributeValue::Text(text) => format!("{text:?}"),
        AttributeValue::List(items) => items.iter().map(attribute_text).collect::<Vec<_>>().join(", "),
        other => attribute_json(other).to_string(),
    }
}

fn array_json(array: &ManifestArray) -> Value {
    let meta = &array.meta;
    json!({
        "dims": meta.dimension_names,
        "shape": meta.shape(),
        "dtype": meta.data_type.element.name(),
        "byte_order": if meta.data_type.to_string().starts_with('>') { "big" } else { "little" },
        "chunks": meta.grid.regular_chunk_shape(),
        "codecs": meta.codecs.iter().map(CodecSpec::name).collect::<Vec<_>>(),
        "chunks_total": meta.grid.chunk_count(),
        "chunks_stored": array.manifest.len(),
        "bytes_encoded": encoded_bytes(array),
        "bytes_decoded": meta.nbytes(),
        "missing": missing_json(array),
        "attributes": attributes_json(&array.attributes),
    })
}

fn attributes_json(attributes: &Attributes) -> Value {
    Value::Object(attributes.iter().map(|(name, value)| (name.to_owned(), attribute_json(value))).collect())
}

fn attribute_json(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::Null => Value::Null,
        AttributeValue::Bool(value) => json!(value),
        AttributeValue::Integer(value) => number::integer(*value),
        AttributeValue::Float(value) => number::float(*value),
        AttributeValue::Float32(value) => number::float((*value).into()),
        AttributeValue::Text(text) => json!(text),
        AttributeValue::List(items) => items.iter().map(attribute_json).collect(),
        AttributeValue::Map(items) => {
            Value::Object(items.iter().map(|(k, v)| (k.clone(), attribute_json(v))).collect())
        }
    }
}
