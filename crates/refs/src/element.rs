//! Element types and fill values in Zarr v2 metadata.
//!
//! | element type | `dtype` | `fill_value` |
//! |---|---|---|
//! | integers, bool | `"<i2"`, `"\|b1"` | a number, `true` |
//! | floats | `"<f4"` | a number, `"NaN"`, `"Infinity"`, `"-Infinity"` |
//! | complex | `"<c8"` | a list of two floats |
//! | byte strings, raw bytes, structures | `"\|S5"`, `"\|V7"`, `[["a","<i4"]]` | base64 of the bytes |
//! | strings | `"<U3"`, `"\|O"` | the text |
//! | dates, durations | `"<M8[ns]"` | the count, or `"NaT"` |
//!
//! Spec: Zarr v2, "Data type encoding" and "Fill value encoding".

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use half::f16;
use rangefold_array::{ByteOrder, DataType, ElementType, Field, FillValue};

use crate::AttributeValue::{self, Bool, Float, Integer, List, Null, Text};
use crate::error::Problem;

/// Standard base64; padding may be left out on reading.
pub(crate) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Longer elements are refused: a fill value is kept at full length, and a text of a few bytes can ask for any.
const ELEMENT_LEN_MAX: usize = 1 << 16;

/// Deeper structures are refused.
const STRUCTURE_DEPTH_MAX: usize = 8;

/// The `dtype` of an array.
pub(crate) fn data_type_to_value(data_type: &DataType) -> AttributeValue {
    let ElementType::Structured(fields) = &data_type.element else {
        return Text(data_type.to_string());
    };
    let field = |field: &Field| {
        let mut parts = vec![Text(field.name.clone()), data_type_to_value(&field.data_type)];
        if !field.shape.is_empty() {
            parts.push(List(field.shape.iter().map(|&n| Integer(n.into())).collect()));
        }
        List(parts)
    };
    List(fields.iter().map(field).collect())
}

/// Reads a `dtype`.
pub(crate) fn data_type_from_value(value: &AttributeValue) -> Result<DataType, Problem> {
    check_size(nested_data_type(value, 0)?)
}

/// Refuses elements that are too long, and structures without a size.
pub(crate) fn check_size(data_type: DataType) -> Result<DataType, Problem> {
    match data_type.size() {
        Some(size) if size > ELEMENT_LEN_MAX => {
            Err(Problem::Unsupported(format!("an element of {size} bytes (more than {ELEMENT_LEN_MAX})")))
        }
        None if data_type.element != ElementType::VlenString => {
            Err(Problem::Unsupported("a structure with strings of any length".to_owned()))
        }
        _ => Ok(data_type),
    }
}

fn nested_data_type(value: &AttributeValue, depth: usize) -> Result<DataType, Problem> {
    let fields = match value {
        Text(text) => {
            return DataType::from_numpy(text)
                .ok_or_else(|| Problem::Unsupported(format!("data type {text:?}")));
        }
        List(fields) if depth < STRUCTURE_DEPTH_MAX => fields,
        _ => {
            return Err(Problem::Unsupported(
                "a data type that is neither a text nor a list of fields".to_owned(),
            ));
        }
    };
    let field = |field: &AttributeValue| {
        let wrong = || Problem::Wrong("a field is not a list of name, type and shape".to_owned());
        let (name, data_type, shape) = match field.elements() {
            [Text(name), data_type] => (name, data_type, &[][..]),
            [Text(name), data_type, shape] => (name, data_type, shape.elements()),
            _ => return Err(wrong()),
        };
        let length = |n: &AttributeValue| n.as_integer().and_then(|n| u64::try_from(n).ok());
        let shape = shape.iter().map(length).collect::<Option<_>>().ok_or_else(wrong)?;
        Ok(Field { name: name.clone(), data_type: nested_data_type(data_type, depth + 1)?, shape })
    };
    Ok(DataType::little(ElementType::Structured(fields.iter().map(field).collect::<Result<_, Problem>>()?)))
}

/// The `fill_value` of an array.
pub(crate) fn fill_to_value(fill: Option<&FillValue>, data_type: &DataType) -> AttributeValue {
    let Some(FillValue(bytes)) = fill else { return Null };
    match &data_type.element {
        ElementType::Complex64 => {
            List(bytes.chunks(4).map(|b| float_to_value(b, &ElementType::Float32)).collect())
        }
        ElementType::Complex128 => {
            List(bytes.chunks(8).map(|b| float_to_value(b, &ElementType::Float64)).collect())
        }
        ElementType::Bool => Bool(bytes.iter().any(|&b| b != 0)),
        element if element.is_float() => float_to_value(bytes, element),
        ElementType::FixedBytes(_) => {
            let length = bytes.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
            Text(BASE64.encode(bytes.get(..length).unwrap_or(bytes)))
        }
        ElementType::FixedUtf32(_) => {
            let text: String = bytes
                .chunks(4)
                .filter_map(|unit| char::from_u32(u32::from_le_bytes(unit.try_into().ok()?)))
                .collect();
            Text(text.trim_end_matches('\0').to_owned())
        }
        ElementType::VlenString => Text(String::from_utf8_lossy(bytes).into_owned()),
        ElementType::Raw(_) => Text(BASE64.encode(bytes)),
        ElementType::Structured(_) => Text(BASE64.encode(reordered(bytes.clone(), data_type))),
        element => Integer(little_endian_integer(bytes, is_signed(element))),
    }
}

fn is_signed(element: &ElementType) -> bool {
    !matches!(element, ElementType::UInt8 | ElementType::UInt16 | ElementType::UInt32 | ElementType::UInt64)
}

fn little_endian_integer(bytes: &[u8], signed: bool) -> i128 {
    let negative = signed && bytes.last().is_some_and(|&b| b >= 0x80);
    let mut wide = if negative { [0xff; 16] } else { [0; 16] };
    wide.iter_mut().zip(bytes).for_each(|(slot, &byte)| *slot = byte);
    i128::from_le_bytes(wide)
}

fn float_to_value(bytes: &[u8], element: &ElementType) -> AttributeValue {
    let value = match element {
        ElementType::Float16 => bytes.try_into().map(|b| f16::from_le_bytes(b).to_f64()),
        ElementType::Float32 => bytes.try_into().map(|b| f64::from(f32::from_le_bytes(b))),
        _ => bytes.try_into().map(f64::from_le_bytes),
    };
    match value {
        Ok(value) if value.is_nan() => Text("NaN".to_owned()),
        Ok(f64::INFINITY) => Text("Infinity".to_owned()),
        Ok(f64::NEG_INFINITY) => Text("-Infinity".to_owned()),
        Ok(value) => Float(value),
        Err(_) => Null,
    }
}

/// Reads a `fill_value` of an array of elements that [`data_type_from_value`] accepted.
pub(crate) fn fill_from_value(
    value: &AttributeValue,
    data_type: &DataType,
) -> Result<Option<FillValue>, Problem> {
    if *value == Null {
        return Ok(None);
    }
    let element = &data_type.element;
    let size = data_type.size().unwrap_or(0);
    let bytes = match (element, value) {
        (ElementType::VlenString, Text(text)) => Some(text.clone().into_bytes()),
        // What zarr writes for "all zero" whatever the type.
        (ElementType::VlenString, Integer(0)) => Some(Vec::new()),
        (_, Integer(0)) => Some(vec![0; size]),
        (ElementType::Bool, Bool(value)) => Some(vec![u8::from(*value)]),
        (ElementType::Bool, Integer(1)) => Some(vec![1]),
        (ElementType::Complex64, List(parts)) => complex_to_bytes(parts, &ElementType::Float32),
        (ElementType::Complex128, List(parts)) => complex_to_bytes(parts, &ElementType::Float64),
        (ElementType::FixedUtf32(_), Text(text)) => {
            padded(text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(), size)
        }
        (ElementType::FixedBytes(_), Text(text)) => BASE64.decode(text).ok().and_then(|b| padded(b, size)),
        (ElementType::Raw(_) | ElementType::Structured(_), Text(text)) => BASE64
            .decode(text)
            .ok()
            .filter(|bytes| bytes.len() == size)
            .map(|bytes| reordered(bytes, data_type)),
        (ElementType::DateTime64(_) | ElementType::TimeDelta64(_), Text(text)) if text == "NaT" => {
            Some(i64::MIN.to_le_bytes().to_vec())
        }
        (element, value) if element.is_float() => float_to_bytes(value, element),
        (_, value) => integer_to_bytes(value, element, size),
    };
    bytes.map(|bytes| Some(FillValue(bytes))).ok_or_else(|| {
        let mut text = String::new();
        crate::json_text::write_value(&mut text, value);
        Problem::Wrong(format!("fill value {text} is not a value of data type {data_type}"))
    })
}

fn padded(mut bytes: Vec<u8>, size: usize) -> Option<Vec<u8>> {
    (bytes.len() <= size).then(|| {
        bytes.resize(size, 0);
        bytes
    })
}

fn complex_to_bytes(parts: &[AttributeValue], element: &ElementType) -> Option<Vec<u8>> {
    let [real, imaginary] = parts else { return None };
    Some([float_to_bytes(real, element)?, float_to_bytes(imaginary, element)?].concat())
}

fn float_to_bytes(value: &AttributeValue, element: &ElementType) -> Option<Vec<u8>> {
    let number = match value {
        Text(text) => match text.as_str() {
            "NaN" => f64::NAN,
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            _ => return None,
        },
        value => value.as_f64()?,
    };
    Some(match element {
        ElementType::Float16 => f16::from_f64(number).to_le_bytes().to_vec(),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "metadata print a binary32 with the digits of a binary64"
        )]
        ElementType::Float32 => (number as f32).to_le_bytes().to_vec(),
        _ => number.to_le_bytes().to_vec(),
    })
}

fn integer_to_bytes(value: &AttributeValue, element: &ElementType, size: usize) -> Option<Vec<u8>> {
    let plain =
        element.is_integer() || matches!(element, ElementType::DateTime64(_) | ElementType::TimeDelta64(_));
    let number = match value {
        Integer(number) if plain => *number,
        // Some writers print whole numbers as floats; beyond 2^53 the digits are no longer the number.
        #[expect(clippy::cast_possible_truncation, reason = "the guard admits whole numbers below 2^53 only")]
        Float(number) if plain && number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 => {
            *number as i128
        }
        _ => return None,
    };
    let bytes = number.to_le_bytes().get(..size)?.to_vec();
    (little_endian_integer(&bytes, is_signed(element)) == number).then_some(bytes)
}

/// Turns the bytes of big-endian fields round; its own inverse.
fn reordered(mut bytes: Vec<u8>, data_type: &DataType) -> Vec<u8> {
    reorder(&mut bytes, data_type);
    bytes
}

fn reorder(bytes: &mut [u8], data_type: &DataType) {
    match (&data_type.element, data_type.order) {
        (ElementType::Structured(fields), _) => {
            let mut rest = bytes;
            for field in fields {
                let length = field.size().unwrap_or(0).min(rest.len());
                let (part, after) = rest.split_at_mut(length);
                if let Some(size) = field.data_type.size().filter(|&size| size > 0) {
                    part.chunks_mut(size).for_each(|element| reorder(element, &field.data_type));
                }
                rest = after;
            }
        }
        (ElementType::Raw(_) | ElementType::FixedBytes(_), _) | (_, ByteOrder::Little) => {}
        (ElementType::FixedUtf32(_), ByteOrder::Big) => bytes.chunks_mut(4).for_each(<[u8]>::reverse),
        (ElementType::Complex64, ByteOrder::Big) => bytes.chunks_mut(4).for_each(<[u8]>::reverse),
        (ElementType::Complex128, ByteOrder::Big) => bytes.chunks_mut(8).for_each(<[u8]>::reverse),
        (_, ByteOrder::Big) => bytes.reverse(),
    }
}
