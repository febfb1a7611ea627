//! HDF5 attributes as JSON values.

use std::collections::BTreeSet;

use rangefold_hdf5::model::{
    Attribute, ByteOrder, Class, Dataset, Dataspace, Datatype, Fill, IntegerLayout, Reference, ReferencePart,
    Text, Value,
};
use rangefold_refs::{AttributeValue, Attributes, packing_types};

use crate::element::is_boolean;
use crate::report::Warning;

/// Attributes in which netCDF and the HDF5 dimension scales keep their books; no netCDF reader shows them.
const INTERNAL: [&str; 8] = [
    "CLASS",
    "NAME",
    "DIMENSION_LIST",
    "REFERENCE_LIST",
    "_Netcdf4Dimid",
    "_Netcdf4Coordinates",
    "_nc3_strict",
    "_NCProperties",
];

/// Values nested deeper than this are left out: JSON readers have their limits.
const DEPTH_MAX: usize = 16;

/// The attributes of the object at `path`, internal ones left out.
pub(crate) fn attributes(path: &str, attributes: &[Attribute], warnings: &mut Vec<Warning>) -> Attributes {
    let mut warn = |message| warnings.push(Warning { path: path.to_owned(), message });
    let mut names = BTreeSet::new();
    let mut kept = Vec::new();
    for attribute in attributes.iter().filter(|attribute| !INTERNAL.contains(&attribute.name.as_str())) {
        if !names.insert(attribute.name.as_str()) {
            warn(format!("attribute {:?} is there twice: the first is kept", attribute.name));
            continue;
        }
        match value(attribute) {
            Ok((value, None)) => kept.push((attribute.name.clone(), narrowed(attribute, value))),
            Ok((value, Some(note))) => {
                warn(format!("attribute {:?} {note}", attribute.name));
                kept.push((attribute.name.clone(), value));
            }
            Err(reason) => warn(format!("attribute {:?} is left out: it holds {reason}", attribute.name)),
        }
    }
    kept.into_iter().collect()
}

/// A packing attribute with its width, which decides what the packed integers become.
fn narrowed(attribute: &Attribute, value: AttributeValue) -> AttributeValue {
    #[expect(clippy::cast_possible_truncation, reason = "the file holds no more than 32 bits")]
    match value {
        AttributeValue::Float(value)
            if attribute.datatype.size <= 4 && packing_types::NAMES.contains(&attribute.name.as_str()) =>
        {
            AttributeValue::Float32(value as f32)
        }
        value => value,
    }
}

/// Says what the values of an enumeration mean as CF does, which is how it is known without its HDF5 type.
pub(crate) fn enumeration(datatype: &Datatype, attributes: &mut Attributes) {
    let Class::Enum { base, members } = &datatype.class else { return };
    let Class::Integer(layout) = &base.class else { return };
    if is_boolean(members)
        || attributes.get("flag_values").is_some()
        || attributes.get("flag_meanings").is_some()
    {
        return;
    }
    let values: Option<Vec<_>> = members.iter().map(|member| integer(&member.value, layout)).collect();
    let Some(values) = values else { return };
    let words: Vec<_> =
        members.iter().map(|member| member.name.split_whitespace().collect::<Vec<_>>().join("_")).collect();
    attributes.insert("flag_values", AttributeValue::List(values));
    attributes.insert("flag_meanings", AttributeValue::Text(words.join(" ")));
}

/// Marks variables of one-byte integers whose filling is off with netCDF's special attribute `_NoFill`: netCDF takes the
/// default fill value of their type for a value, where it masks it in all others.
pub(crate) fn no_fill(dataset: &Dataset, attributes: &mut Attributes) {
    let Class::Integer(layout) = &dataset.datatype.class else { return };
    let range = if layout.signed { -128..=127 } else { 0..=255_i128 };
    // A fill value that the type cannot hold is none.
    let declared = attributes.get("_FillValue").is_some_and(|value| match value.elements() {
        [AttributeValue::Integer(value)] => range.contains(value),
        [value] => value.as_f64().is_some_and(|x| x.fract() == 0.0 && (-128.0..=255.0).contains(&x)),
        _ => false,
    });
    if dataset.datatype.size == 1 && !matches!(dataset.fill.value, Fill::User(_)) && !declared {
        attributes.insert("_NoFill", AttributeValue::Text("true".to_owned()));
    }
}

fn integer(bytes: &[u8], layout: &IntegerLayout) -> Option<AttributeValue> {
    let mut little = bytes.to_vec();
    if layout.byte_order == ByteOrder::Big {
        little.reverse();
    }
    let negative = layout.signed && little.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut wide = [if negative { 0xff } else { 0 }; 16];
    wide.get_mut(..little.len())?.copy_from_slice(&little);
    Some(AttributeValue::Integer(i128::from_le_bytes(wide)))
}

/// The value and a note, if it is not quite what the file says.
fn value(attribute: &Attribute) -> Result<(AttributeValue, Option<&'static str>), String> {
    let mut latin1 = false;
    let elements = elements(&attribute.value, &attribute.datatype, &mut latin1, DEPTH_MAX)?;
    let note = latin1.then_some("is not UTF-8: its bytes are taken for Latin-1");
    let value = match &attribute.space {
        Dataspace::Null if is_text(&attribute.datatype) => AttributeValue::Text(String::new()),
        Dataspace::Null => AttributeValue::List(Vec::new()),
        Dataspace::Scalar => single(elements)?,
        Dataspace::Simple { shape, .. } => match elements.len() {
            1 => single(elements)?,
            _ => nested(&mut elements.into_iter(), shape)?,
        },
    };
    Ok((value, note))
}

fn is_text(datatype: &Datatype) -> bool {
    matches!(datatype.class, Class::String { .. } | Class::VarLenString { .. })
}

fn single(elements: Vec<AttributeValue>) -> Result<AttributeValue, String> {
    elements.into_iter().next().ok_or_else(|| "no element where one is expected".to_owned())
}

/// Lists in lists, one level per dimension.
fn nested(
    elements: &mut impl Iterator<Item = AttributeValue>,
    shape: &[u64],
) -> Result<AttributeValue, String> {
    let too_few = || "fewer elements than its shape says".to_owned();
    match shape {
        [] => elements.next().ok_or_else(too_few),
        [length] => {
            let length = usize::try_from(*length).map_err(|_| too_few())?;
            let list: Vec<_> = elements.take(length).collect();
            if list.len() == length { Ok(AttributeValue::List(list)) } else { Err(too_few()) }
        }
        [_, inner @ ..] if inner.contains(&0) => Ok(AttributeValue::List(Vec::new())),
        [length, inner @ ..] => {
            (0..*length).map(|_| nested(elements, inner)).collect::<Result<_, _>>().map(AttributeValue::List)
        }
    }
}

/// The elements, one value each.
fn elements(
    value: &Value,
    datatype: &Datatype,
    latin1: &mut bool,
    depth: usize,
) -> Result<Vec<AttributeValue>, String> {
    let depth = depth.checked_sub(1).ok_or_else(|| format!("values nested deeper than {DEPTH_MAX}"))?;
    let boolean = matches!(&datatype.class, Class::Enum { members, .. } if is_boolean(members));
    let integer =
        |value: i128| if boolean { AttributeValue::Bool(value != 0) } else { AttributeValue::Integer(value) };
    Ok(match value {
        Value::Null => Vec::new(),
        Value::Signed(values) => values.iter().map(|value| integer((*value).into())).collect(),
        Value::Unsigned(values) => values.iter().map(|value| integer((*value).into())).collect(),
        Value::Float(_) if datatype.size > 8 => {
            return Err(format!("floating-point numbers of {} bytes", datatype.size));
        }
        Value::Float(values) => values.iter().map(|value| AttributeValue::Float(*value)).collect(),
        Value::Complex(values) => {
            let pair = |parts: &[f64; 2]| AttributeValue::List(parts.map(AttributeValue::Float).to_vec());
            values.iter().map(pair).collect()
        }
        Value::Text(texts) => texts.iter().map(|text| AttributeValue::Text(decoded(text, latin1))).collect(),
        Value::Opaque(_) => return Err("opaque bytes".to_owned()),
        Value::References(references) => {
            references.iter().map(|reference| reference_path(reference.as_ref())).collect::<Result<_, _>>()?
        }
        Value::Sequences(sequences) => {
            let inner = match &datatype.class {
                Class::VarLen { base } | Class::Array { base, .. } => base,
                _ => return Err("sequences of an odd type".to_owned()),
            };
            let list = |value| elements(value, inner, latin1, depth).map(AttributeValue::List);
            sequences.iter().map(list).collect::<Result<_, _>>()?
        }
        Value::Compound(fields) => {
            let Class::Compound { members } = &datatype.class else {
                return Err("structures of an odd type".to_owned());
            };
            let mut rows: Vec<Vec<(String, AttributeValue)>> = vec![Vec::new(); value.len()];
            for (field, member) in fields.iter().zip(members) {
                let column = elements(&field.value, &member.datatype, latin1, depth)?;
                for (row, value) in rows.iter_mut().zip(column) {
                    row.push((field.name.clone(), value));
                }
            }
            rows.into_iter().map(AttributeValue::Map).collect()
        }
    })
}

/// The text; Latin-1 is what nearly all texts are that are not UTF-8.
fn decoded(text: &Text, latin1: &mut bool) -> String {
    match text {
        Text::Utf8(text) => text.clone(),
        Text::Bytes(bytes) => {
            *latin1 = true;
            bytes.iter().map(|byte| char::from(*byte)).collect()
        }
    }
}

fn reference_path(reference: Option<&Reference>) -> Result<AttributeValue, String> {
    match reference {
        None => Ok(AttributeValue::Null),
        Some(Reference { path: Some(path), part: ReferencePart::Whole, .. }) => {
            Ok(AttributeValue::Text(path.clone()))
        }
        Some(_) => Err("references to parts of objects, or to objects without a name".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rangefold_hdf5::model::{Charset, StringPadding};

    fn integers() -> Datatype {
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

    fn texts() -> Datatype {
        let class = Class::String { padding: StringPadding::NullTerminated, charset: Charset::Ascii };
        Datatype { size: 8, class, committed: None }
    }

    fn attribute(name: &str, datatype: Datatype, shape: Option<&[u64]>, value: Value) -> Attribute {
        let space = match shape {
            None => Dataspace::Null,
            Some([]) => Dataspace::Scalar,
            Some(shape) => Dataspace::Simple {
                shape: shape.to_vec(),
                max_shape: shape.iter().copied().map(Some).collect(),
            },
        };
        let name = name.to_owned();
        Attribute { name, creation_order: None, datatype, space, raw: bytes::Bytes::new(), value }
    }

    fn one(datatype: Datatype, shape: Option<&[u64]>, value: Value) -> (Option<AttributeValue>, Vec<String>) {
        let mut warnings = Vec::new();
        let kept = attributes("v", &[attribute("a", datatype, shape, value)], &mut warnings);
        (kept.get("a").cloned(), warnings.into_iter().map(|warning| warning.message).collect())
    }

    #[test]
    fn shapes_become_lists_in_lists_and_a_single_element_stands_alone() {
        let int = AttributeValue::Integer;
        let list = |values: &[i128]| AttributeValue::List(values.iter().map(|value| int(*value)).collect());
        assert_eq!(one(integers(), Some(&[1, 1]), Value::Signed(vec![7])).0, Some(int(7)));
        let two = AttributeValue::List(vec![list(&[0, 1]), list(&[2, 3])]);
        assert_eq!(one(integers(), Some(&[2, 2]), Value::Signed(vec![0, 1, 2, 3])).0, Some(two));
        assert_eq!(one(integers(), Some(&[0]), Value::Signed(vec![])).0, Some(list(&[])));
        assert_eq!(one(integers(), None, Value::Null).0, Some(list(&[])));
        assert_eq!(one(texts(), None, Value::Null).0, Some(AttributeValue::Text(String::new())));
    }

    #[test]
    fn text_that_is_not_utf8_is_kept_as_latin1_with_a_warning() {
        let value = Value::Text(vec![Text::Bytes(bytes::Bytes::from_static(b"23\xb0C"))]);
        let (value, warnings) = one(texts(), Some(&[]), value);
        assert_eq!(value, Some(AttributeValue::Text("23°C".to_owned())));
        assert_eq!(warnings, [r#"attribute "a" is not UTF-8: its bytes are taken for Latin-1"#]);
    }

    #[test]
    fn what_json_cannot_hold_is_left_out_with_a_warning() {
        let opaque = Datatype { size: 2, class: Class::Opaque { tag: String::new() }, committed: None };
        let (value, warnings) = one(opaque, Some(&[]), Value::Opaque(vec![bytes::Bytes::from_static(b"ab")]));
        assert_eq!(value, None);
        assert_eq!(warnings, [r#"attribute "a" is left out: it holds opaque bytes"#]);
        let (value, warnings) = one(integers(), Some(&[3]), Value::Signed(vec![1, 2]));
        assert_eq!(value, None);
        assert_eq!(warnings, [r#"attribute "a" is left out: it holds fewer elements than its shape says"#]);
    }

    #[test]
    fn the_books_of_netcdf_are_not_shown() {
        let text = |name| attribute(name, texts(), Some(&[]), Value::Text(vec![Text::Utf8("x".to_owned())]));
        let all = INTERNAL.map(text).into_iter().chain([text("units")]).collect::<Vec<_>>();
        let kept = attributes("v", &all, &mut Vec::new());
        assert_eq!(kept.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["units"]);
    }
}
