//! NumPy's `.npy`, versions 1.0 and 2.0: one array in C order and the byte order of this machine.
//!
//! ```text
//! 93 4E 55 4D 50 59 | version 01 00 | header length, 2 bytes (4 in version 2.0)
//! {'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }   padded with spaces to a multiple of 64, then 0A
//! elements
//! ```
//! The type is that of the answer. Missing floats are NaN and missing dates NaT; the other types have nothing that
//! says "missing", and arrays of them with gaps are refused rather than written as another type.
//!
//! Spec: NumPy Enhancement Proposal 1, "A Simple File Format for NumPy Arrays".

use crate::error::{Result, Within as _, bail, refused};
use rangefold_array::{ByteOrder, DataType, ElementType};

use super::stored;
use rangefold_array::{Value, Values};
use rangefold_query::field::Field;

/// The header fills a multiple of this many bytes.
const ALIGNMENT: usize = 64;

/// The field as a file.
///
/// # Errors
///
/// Cells are missing that are neither floats nor dates, or the type has no NumPy array.
pub(super) fn encode(field: &Field) -> Result<Vec<u8>> {
    let (descr, elements) = elements(field).within(|| OTHERS.to_owned())?;
    let shape: Vec<u64> = field.shape().into_iter().map(|length| length as u64).collect();
    let mut out = header(&dictionary(&descr, &shape))?;
    out.extend(elements);
    Ok(out)
}

/// What holds fields that an array cannot.
const OTHERS: &str = "use .zarr, .nc.json, .csv or .json";

/// The pieces of a file that is written part by part.
pub struct ArrayFile;

impl ArrayFile {
    /// Everything before the elements of an array of shape `shape` of the type of `field`.
    ///
    /// # Errors
    ///
    /// The shape is too long for a header.
    pub fn header(field: &Field, shape: &[u64]) -> Result<Vec<u8>> {
        let data_type = DataType { element: field.element.clone(), order: ByteOrder::native() };
        header(&dictionary(&data_type.to_string(), shape))
    }

    /// The elements of a part, in row-major order.
    ///
    /// # Errors
    ///
    /// Some are missing, and their type cannot say so.
    pub fn elements(part: &Field) -> Result<Vec<u8>> {
        stored::native(part, &part.element, None).within(|| OTHERS.to_owned()).within(|| part.title())
    }
}

/// The dictionary of the header.
fn dictionary(descr: &str, shape: &[u64]) -> String {
    let is_one = shape.len() == 1;
    let shape: String = shape.iter().map(|length| format!("{length}, ")).collect();
    let shape = if is_one { shape.trim_end() } else { shape.trim_end_matches(", ") };
    format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}")
}

/// Everything before the elements.
fn header(dictionary: &str) -> Result<Vec<u8>> {
    let padded = |before: usize| (before + dictionary.len() + 1).next_multiple_of(ALIGNMENT) - before;
    let mut out = b"\x93NUMPY".to_vec();
    if let Ok(length) = u16::try_from(padded(10)) {
        out.extend([1, 0]);
        out.extend(length.to_le_bytes());
    } else {
        out.extend([2, 0]);
        out.extend(
            u32::try_from(padded(12)).map_err(|_| refused!("the shape does not fit a header"))?.to_le_bytes(),
        );
    }
    let length = out.len() + padded(out.len());
    out.extend(dictionary.bytes());
    out.resize(length - 1, b' ');
    out.push(b'\n');
    Ok(out)
}

/// The NumPy type string and the elements.
fn elements(field: &Field) -> Result<(String, Vec<u8>)> {
    if let Values::Text(_) = field.values {
        return texts(field);
    }
    if let ElementType::Structured(_) | ElementType::Raw(_) = field.element {
        bail!("values of type {} cannot be written", field.element.name());
    }
    let data_type = DataType { element: field.element.clone(), order: ByteOrder::native() };
    Ok((data_type.to_string(), stored::native(field, &field.element, None)?))
}

/// Texts as UTF-32, as wide as the longest.
fn texts(field: &Field) -> Result<(String, Vec<u8>)> {
    let mut texts = Vec::with_capacity(field.cells());
    for i in 0..field.cells() {
        match field.value(i) {
            // NumPy strips zeros from the end of a text.
            Some(Value::Text(text)) if text.ends_with('\0') => bail!("{text:?} ends in a zero"),
            Some(Value::Text(text)) => texts.push(text),
            _ => bail!(
                "{} of {} texts are missing, and an array cannot say so",
                field.missing(),
                field.cells()
            ),
        }
    }
    let width = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
    let padded = texts.iter().flat_map(|text| text.chars().chain(std::iter::repeat('\0')).take(width));
    Ok((format!("<U{width}"), padded.flat_map(|c| u32::from(c).to_le_bytes()).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rangefold_query::samples;

    /// Splits a file into its header dictionary and its elements.
    fn parts(file: &[u8]) -> (String, &[u8]) {
        assert_eq!(&file[..8], b"\x93NUMPY\x01\x00");
        let length = usize::from(u16::from_le_bytes([file[8], file[9]]));
        assert_eq!((10 + length) % ALIGNMENT, 0);
        let (header, elements) = file[10..].split_at(length);
        assert_eq!(header.last(), Some(&b'\n'));
        (String::from_utf8(header.to_vec()).unwrap().trim_end().to_owned(), elements)
    }

    #[test]
    fn floats_keep_their_width_and_missing_is_nan() {
        let mut field = samples::map();
        field.values = Values::Float(vec![0.5, 0.0, 1.5, 2.0, -1.0, 4.0]);
        field.element = ElementType::Float32;
        let file = encode(&field).unwrap();
        let (header, elements) = parts(&file);
        assert_eq!(header, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
        let floats: Vec<f32> =
            elements.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        assert!(floats[1].is_nan());
        assert_eq!((floats[0], floats[4]), (0.5, -1.0));
    }

    #[test]
    fn one_dimension_and_none_are_tuples_too() {
        let file = encode(&samples::integers(vec![1, -2], vec![true, true])).unwrap();
        assert_eq!(parts(&file).0, "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }");
        assert_eq!(parts(&file).1[8..], (-2_i64).to_le_bytes());
        let file = encode(&samples::scalar()).unwrap();
        assert_eq!(parts(&file).0, "{'descr': '<f8', 'fortran_order': False, 'shape': (), }");
    }

    #[test]
    fn missing_integers_are_refused() {
        let error = encode(&samples::integers(vec![1, 0], vec![true, false])).unwrap_err();
        assert_eq!(
            rangefold_array::chain(&error),
            "use .zarr, .nc.json, .csv or .json: 1 of 2 cells are missing, and an array of type int64 cannot say so"
        );
    }

    #[test]
    fn texts_are_as_wide_as_the_longest() {
        let mut field = samples::integers(Vec::new(), vec![true, true]);
        field.values = Values::Text(vec!["é".into(), "ab".into()]);
        let file = encode(&field).unwrap();
        let (header, elements) = parts(&file);
        assert!(header.contains("'<U2'"));
        assert_eq!(elements, [0xe9, 0, 0, 0, 0, 0, 0, 0, 0x61, 0, 0, 0, 0x62, 0, 0, 0]);
    }

    #[test]
    fn a_header_too_long_for_version_1_is_version_2() {
        let long = header(&"x".repeat(70_000)).unwrap();
        assert_eq!(&long[6..8], [2, 0]);
        assert_eq!(long.len() % ALIGNMENT, 0);
    }
}
