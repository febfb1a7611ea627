//! What elements read as that were never written, and what marks a value as missing.
//!
//! A chunk that is not stored reads as HDF5's fill value. A record past a variable's own extent, on an unlimited
//! dimension that is longer, reads as netCDF's: the same value if the writer set one, else the default of the type.
//! Zarr has one `fill_value` for both, and xarray takes it for the missing-value mark besides; so it is set only to a
//! value that means all of that, and otherwise the absent chunks are written out (see [`crate::variable`]).

use rangefold_array::{ByteOrder, DataType, ElementType, FillValue, Number};
use rangefold_cf::netcdf_default_fill;
use rangefold_codec::Decoder;
use rangefold_hdf5::model::{Dataset, Fill, FillTime, Value};

use crate::element::{Element, to_little_endian};

/// The fill values of a dataset, each one element in little-endian order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fills {
    /// Elements of the dataset's extent that are not stored.
    pub(crate) unwritten: Vec<u8>,
    /// Elements past the extent.
    pub(crate) beyond: Vec<u8>,
    /// The `_FillValue` attribute, where it is one value of the variable's type.
    pub(crate) attribute: Option<Vec<u8>>,
    /// Whether the content of elements that are not stored is undefined; `unwritten` is then a choice.
    pub(crate) undefined: bool,
}

impl Fills {
    /// The fill values of `dataset`, whose elements become `element`, of fixed length.
    ///
    /// # Errors
    ///
    /// The reason, if the fill value is not one element.
    pub(crate) fn new(dataset: &Dataset, element: &Element) -> Result<Self, String> {
        let data_type = &element.data_type;
        let size = data_type.size().ok_or("elements of variable length")?;
        let zero = vec![0; size];
        let attribute = attribute(dataset, data_type);
        let user = match &dataset.fill.value {
            Fill::User(bytes) => Some(user(bytes, element, size)?),
            Fill::Default | Fill::Undefined => None,
        };
        let undefined =
            dataset.fill.write_time == FillTime::Never || matches!(dataset.fill.value, Fill::Undefined);
        // Undefined content is shown as missing where the variable has a mark for that.
        let unwritten = match (undefined, &attribute) {
            (true, Some(mark)) => mark.clone(),
            _ => user.clone().unwrap_or_else(|| zero.clone()),
        };
        let beyond = user.or_else(|| default(&data_type.element)).unwrap_or(zero);
        Ok(Self { unwritten, beyond, attribute, undefined })
    }

    /// The Zarr fill value of an array without absent chunks, or whose absent chunks hold `absent`.
    ///
    /// # Errors
    ///
    /// If no Zarr fill value says `absent` without marking values as missing that are not: those chunks must be
    /// written out.
    pub(crate) fn zarr(
        &self,
        data_type: &DataType,
        absent: Option<&[u8]>,
    ) -> Result<Option<FillValue>, NeedsChunks> {
        let mark = self.attribute.as_deref();
        // Zeros are written as null, which readers take for zeros and for no mark. In structures zarr-python makes texts
        // of null that read "0".
        let structure = matches!(data_type.element, ElementType::Structured(_));
        let Some(absent) = absent else {
            let unused = self.unwritten.iter().map(|_| 0).collect();
            return Ok((!structure).then(|| FillValue(mark.map_or(unused, <[u8]>::to_vec))));
        };
        let element = &data_type.element;
        let means =
            mark.is_some_and(|mark| mark == absent || (is_nan(mark, element) && is_nan(absent, element)));
        let zero = !structure && absent.iter().all(|byte| *byte == 0);
        // xarray finds the mark of strings of fixed length nowhere but in the fill value.
        if zero && !means && mark.is_some() && matches!(element, ElementType::FixedBytes(_)) {
            return Err(NeedsChunks::OrHidesMark);
        }
        if zero || (means && (!is_nan(absent, element) || Some(absent) == json_nan(element))) {
            return Ok(Some(FillValue(absent.to_vec())));
        }
        Err(match (means, mark.is_none() && !structure) {
            (true, _) => NeedsChunks::OrLosesBits,
            (false, true) => NeedsChunks::OrMasks,
            (false, false) => NeedsChunks::Always,
        })
    }
}

/// Whether an element is not a number.
fn is_nan(bytes: &[u8], element: &ElementType) -> bool {
    match element {
        ElementType::Float32 => bytes.try_into().is_ok_and(|bytes| f32::from_le_bytes(bytes).is_nan()),
        ElementType::Float64 => bytes.try_into().is_ok_and(|bytes| f64::from_le_bytes(bytes).is_nan()),
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
        | ElementType::Complex64
        | ElementType::Complex128
        | ElementType::FixedBytes(_)
        | ElementType::FixedUtf32(_)
        | ElementType::Raw(_)
        | ElementType::DateTime64(_)
        | ElementType::TimeDelta64(_)
        | ElementType::VlenString
        | ElementType::Structured(_) => false,
    }
}

/// The one NaN that Zarr's metadata can say: its text has no place for a sign or a payload.
fn json_nan(element: &ElementType) -> Option<&'static [u8]> {
    match element {
        ElementType::Float32 => Some(&[0, 0, 0xc0, 0x7f]),
        ElementType::Float64 => Some(&[0, 0, 0, 0, 0, 0, 0xf8, 0x7f]),
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
        | ElementType::Complex64
        | ElementType::Complex128
        | ElementType::FixedBytes(_)
        | ElementType::FixedUtf32(_)
        | ElementType::Raw(_)
        | ElementType::DateTime64(_)
        | ElementType::TimeDelta64(_)
        | ElementType::VlenString
        | ElementType::Structured(_) => None,
    }
}

/// Absent chunks must be written out to say exactly what they hold. What a fill value does if they are too many:
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NeedsChunks {
    /// It gives wrong values.
    Always,
    /// It gives the right values, at the price that readers take it for a mark.
    OrMasks,
    /// It gives NaN, which is right, but with other bits.
    OrLosesBits,
    /// It gives the right values, at the price that xarray does not see the mark.
    OrHidesMark,
}

fn user(bytes: &[u8], element: &Element, size: usize) -> Result<Vec<u8>, String> {
    let mut decoder = Decoder::new();
    let bytes = decoder
        .decode(element.conversion.as_slice(), bytes, bytes.len())
        .map_err(|error| format!("its fill value is no element: {error}"))?;
    // An array datatype has a fill value of several elements, which can be said only if they are all alike.
    let mut elements = bytes.chunks(size);
    let first = elements.next().unwrap_or_default();
    if first.len() != size || elements.any(|element| element != first) {
        return Err(format!("a fill value of {} bytes for elements of {size}", bytes.len()));
    }
    let mut value = first.to_vec();
    to_little_endian(&mut value, &element.data_type);
    Ok(value)
}

fn default(element: &ElementType) -> Option<Vec<u8>> {
    match netcdf_default_fill(element)? {
        Number::Integer(value) => integer(element, value),
        // The default of both widths is one number, which float32 rounds.
        Number::Float(value) => float(element, Number::Float(value).rounded_to(element).to_f64()),
    }
}

/// The `_FillValue` attribute as one element, if it is one without loss.
fn attribute(dataset: &Dataset, data_type: &DataType) -> Option<Vec<u8>> {
    let value = &dataset.attribute("_FillValue")?.value;
    let little = DataType { element: data_type.element.clone(), order: ByteOrder::Little };
    match value {
        Value::Signed(values) => integer(&little.element, i128::from(*single(values)?)),
        Value::Unsigned(values) => integer(&little.element, i128::from(*single(values)?)),
        Value::Float(values) => float(&little.element, *single(values)?),
        Value::Text(texts) => text(&little.element, single(texts)?.as_bytes()),
        _ => None,
    }
}

/// A text that strings of fixed length are compared with, filled up with zero bytes.
fn text(element: &ElementType, text: &[u8]) -> Option<Vec<u8>> {
    let ElementType::FixedBytes(size) = *element else { return None };
    let mut bytes = text.to_vec();
    (bytes.len() <= size).then(|| {
        bytes.resize(size, 0);
        bytes
    })
}

fn single<T>(values: &[T]) -> Option<&T> {
    match values {
        [value] => Some(value),
        _ => None,
    }
}

fn integer(element: &ElementType, value: i128) -> Option<Vec<u8>> {
    Some(match element {
        ElementType::Int8 => i8::try_from(value).ok()?.to_le_bytes().to_vec(),
        ElementType::Int16 => i16::try_from(value).ok()?.to_le_bytes().to_vec(),
        ElementType::Int32 => i32::try_from(value).ok()?.to_le_bytes().to_vec(),
        ElementType::Int64 => i64::try_from(value).ok()?.to_le_bytes().to_vec(),
        ElementType::UInt8 => u8::try_from(value).ok()?.to_le_bytes().to_vec(),
        ElementType::UInt16 => u16::try_from(value).ok()?.to_le_bytes().to_vec(),
        ElementType::UInt32 => u32::try_from(value).ok()?.to_le_bytes().to_vec(),
        ElementType::UInt64 => u64::try_from(value).ok()?.to_le_bytes().to_vec(),
        ElementType::Float32 | ElementType::Float64 => float(element, exact(value)?)?,
        ElementType::Bool
        | ElementType::Float16
        | ElementType::Complex64
        | ElementType::Complex128
        | ElementType::FixedBytes(_)
        | ElementType::FixedUtf32(_)
        | ElementType::Raw(_)
        | ElementType::DateTime64(_)
        | ElementType::TimeDelta64(_)
        | ElementType::VlenString
        | ElementType::Structured(_) => return None,
    })
}

fn float(element: &ElementType, value: f64) -> Option<Vec<u8>> {
    Some(match element {
        ElementType::Float64 => value.to_le_bytes().to_vec(),
        ElementType::Float32 => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the next line asks whether anything was lost"
            )]
            let narrow = value as f32;
            if f64::from(narrow).to_bits() != value.to_bits() && !value.is_nan() {
                return None;
            }
            narrow.to_le_bytes().to_vec()
        }
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
        | ElementType::Complex64
        | ElementType::Complex128
        | ElementType::FixedBytes(_)
        | ElementType::FixedUtf32(_)
        | ElementType::Raw(_)
        | ElementType::DateTime64(_)
        | ElementType::TimeDelta64(_)
        | ElementType::VlenString
        | ElementType::Structured(_) => return None,
    })
}

/// Integers up to this are exact as `f64`.
const EXACT_MAX: i128 = 1 << 53;

fn exact(value: i128) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "the range is checked in the same expression")]
    (-EXACT_MAX..=EXACT_MAX).contains(&value).then_some(value as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_is_a_fill_value_only_with_the_bits_that_json_can_say() {
        let data_type = DataType::little(ElementType::Float32);
        let zarr = |attribute: Option<f32>, absent: u32| {
            let attribute = attribute.map(|mark| mark.to_le_bytes().to_vec());
            let unwritten = absent.to_le_bytes().to_vec();
            let fills = Fills {
                beyond: unwritten.clone(),
                unwritten: unwritten.clone(),
                attribute,
                undefined: false,
            };
            fills.zarr(&data_type, Some(&unwritten))
        };
        let canonical = f32::NAN.to_bits();
        let value = FillValue(f32::NAN.to_le_bytes().to_vec());
        assert_eq!(zarr(Some(f32::NAN), canonical), Ok(Some(value)));
        for other in [0xffc0_0000, 0x7fa0_0000, 0x7fff_ffff] {
            assert_eq!(zarr(Some(f32::NAN), other), Err(NeedsChunks::OrLosesBits));
        }
        assert_eq!(zarr(None, canonical), Err(NeedsChunks::OrMasks));
        assert_eq!(zarr(Some(1.0), canonical), Err(NeedsChunks::Always));
    }
}
