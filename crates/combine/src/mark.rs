//! What stands where a joined variable has no data, so that no reader takes it for data.
//!
//! The variable's own `_FillValue` or `missing_value`, else netCDF's default fill of its type, which is
//! then declared: as the Zarr `fill_value` and as `_FillValue`. netCDF takes the default of one-byte types for data, and
//! texts and truth values have none: such variables are refused.

use rangefold_array::{ElementType, FillValue, Number, Values};
use rangefold_cf::{Meaning, netcdf_default_fill};
use rangefold_refs::{AttributeValue, Attributes, ManifestArray};

use crate::attributes::printed;
use crate::encode;
use crate::input_array::InputArray;
use crate::numbers;

/// A value that marks missing data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mark {
    /// One element in little-endian order.
    pub(crate) fill: FillValue,
    /// The same as an attribute.
    attribute: AttributeValue,
}

impl Mark {
    /// Declares it, where no other attribute does.
    pub(crate) fn declare(&self, attributes: &mut Attributes) {
        if attributes.get("missing_value") != Some(&self.attribute) {
            attributes.insert("_FillValue", self.attribute.clone());
        }
    }

    fn of(attribute: AttributeValue, element: &ElementType) -> Option<Self> {
        let bytes = encode::element(&attribute, element)?;
        Some(Self { fill: FillValue(bytes), attribute })
    }

    /// Marks for dates that are not there: what lies at the ends of the type, or is no number.
    pub(crate) fn of_times(element: &ElementType) -> Vec<Self> {
        let numbers = match element {
            ElementType::Float32 | ElementType::Float64 => vec![AttributeValue::Float(f64::NAN)],
            ElementType::UInt8 | ElementType::UInt16 | ElementType::UInt32 | ElementType::UInt64 => {
                [u64::MAX.into(), u32::MAX.into(), u16::MAX.into(), u8::MAX.into()]
                    .map(AttributeValue::Integer)
                    .into()
            }
            _ => [i64::MIN.into(), i32::MIN.into(), i16::MIN.into(), i8::MIN.into()]
                .map(AttributeValue::Integer)
                .into(),
        };
        numbers.into_iter().filter_map(|number| Self::of(number, element)).collect()
    }

    /// netCDF's default fill of a type, as a mark that netCDF's readers know without being told.
    pub(crate) fn by_default(array: &ManifestArray) -> Option<Self> {
        let element = &array.meta.data_type.element;
        // netCDF takes the defaults of one-byte types for data.
        if element.size() == Some(1) {
            return None;
        }
        let is_unsigned = Meaning::of(array).is_ok_and(|meaning| meaning.unsigned);
        let attribute = match (netcdf_default_fill(element)?, element) {
            // The defaults of unsigned types, which are stored as if they were signed.
            (_, ElementType::Int16 | ElementType::Int32) if is_unsigned => AttributeValue::Integer(-1),
            (_, ElementType::Int64) if is_unsigned => AttributeValue::Integer(-2),
            (Number::Integer(number), _) => AttributeValue::Integer(number),
            (Number::Float(number), _) => AttributeValue::Float(number),
        };
        Self::of(attribute, element)
    }

    /// The mark that a variable declares.
    pub(crate) fn declared(array: &ManifestArray) -> Option<Self> {
        let element = &array.meta.data_type.element;
        let attributes = ["_FillValue", "missing_value"].iter();
        let said = attributes.filter_map(|name| array.attributes.get(name)?.elements().first());
        said.filter_map(|value| Self::of(value.clone(), element)).next()
    }

    /// The mark for all arrays of a variable, or why there is none.
    pub(crate) fn for_all(arrays: &[InputArray<'_>]) -> Result<Self, String> {
        let Some(first) = arrays.first() else { return Err("no input has it".to_owned()) };
        let declared = arrays.iter().find_map(|array| Self::declared(array.stored));
        let Some(mark) = declared.or_else(|| Self::by_default(first.stored)) else {
            let name = first.stored.meta.data_type.element.name();
            return Err(format!(
                "has no fill value, and there is none for values of type {name} that all readers know"
            ));
        };
        let other = arrays.iter().find(|array| {
            let fill = array.stored.meta.fill_value.as_ref();
            has_absent(array.stored)
                && fill.is_some_and(|fill| *fill != mark.fill && !is_nan(array.stored, fill))
        });
        match other {
            None => Ok(mark),
            Some(array) => Err(format!(
                "has no fill value of its own: chunks that are absent in {} are {}, and not missing",
                array.name,
                fill_text(array.stored)
            )),
        }
    }
}

/// The Zarr fill value of a variable whose inputs differ at most in that some say none.
pub(crate) fn common_fill(arrays: &[InputArray<'_>]) -> Option<FillValue> {
    let said = arrays.iter().filter_map(|array| array.stored.meta.fill_value.as_ref());
    said.min_by(|a, b| a.0.cmp(&b.0)).cloned()
}

/// Whether a fill value is no number, which is missing in any case.
fn is_nan(array: &ManifestArray, fill: &FillValue) -> bool {
    match numbers::little(&array.meta.data_type.element, &fill.0) {
        Some(Values::Float(values)) => values.iter().all(|value| value.is_nan()),
        _ => false,
    }
}

/// Whether some chunks of the array are not stored.
pub(crate) fn has_absent(array: &ManifestArray) -> bool {
    (array.manifest.len() as u64) < array.meta.grid.chunk_count()
}

/// Whether chunks of the array are not stored and nothing says what they hold. Texts that are not stored are empty.
pub(crate) fn is_lost(array: &ManifestArray) -> bool {
    array.meta.fill_value.is_none()
        && array.meta.parted_axis().is_none()
        && array.meta.data_type.element != ElementType::VlenString
        && has_absent(array)
}

/// The mark that the joined variable must declare: because it has holes, chunks are lost, or only some of the inputs
/// declare it. `None` if it is as all inputs have it.
///
/// # Errors
///
/// Why there is no mark.
pub(crate) fn needed(arrays: &[InputArray<'_>], has_holes: bool) -> Result<Option<Mark>, String> {
    let fills = |array: &InputArray<'_>| {
        (array.stored.meta.fill_value.clone(), array.stored.attributes.get("_FillValue").cloned())
    };
    let Some(first) = arrays.first().map(fills) else { return Ok(None) };
    let differ = arrays.iter().any(|array| fills(array) != first);
    let declared = || arrays.iter().any(|array| Mark::declared(array.stored).is_some());
    if has_holes || arrays.iter().any(|array| is_lost(array.stored)) || (differ && declared()) {
        Mark::for_all(arrays).map(Some)
    } else {
        Ok(None)
    }
}

/// Whether an array declares nothing and its absent chunks, if there are any, are zeros.
pub(crate) fn is_zero(array: &ManifestArray) -> bool {
    let fill = array.meta.fill_value.as_ref();
    let is_zero = fill.map_or(!has_absent(array), |fill| fill.0.iter().all(|byte| *byte == 0));
    is_zero && Mark::declared(array).is_none() && array.attributes.get("_FillValue").is_none()
}

/// What an array says of missing data, as it is compared between inputs: netCDF's default fill need not be said, and
/// zeros that nothing is filled with say nothing.
pub(crate) fn identity(array: &ManifestArray) -> String {
    let fill = array.meta.fill_value.as_ref();
    let is_zero = fill.is_none_or(|fill| fill.0.iter().all(|byte| *byte == 0));
    let is_unused = is_zero && !has_absent(array);
    let default = Mark::by_default(array).map(|mark| mark.fill);
    let declared = Mark::declared(array);
    match (declared, array.attributes.get("_FillValue")) {
        (Some(mark), _) if Some(&mark.fill) == fill || is_unused => {
            if default == Some(mark.fill) {
                "none".to_owned()
            } else {
                printed(&mark.attribute)
            }
        }
        (Some(mark), _) => {
            format!("{}, and {} in absent chunks", printed_fill(array, &mark.fill), fill_text(array))
        }
        (None, None) if is_unused || fill.is_none() => "none".to_owned(),
        (None, None) => fill_text(array),
        (None, Some(other)) => format!("{} that is no value of the type", printed(other)),
    }
}

/// The Zarr fill value, printed as a value of the type.
fn fill_text(array: &ManifestArray) -> String {
    array.meta.fill_value.as_ref().map_or_else(|| "none".to_owned(), |fill| printed_fill(array, fill))
}

/// A value of an array's type, printed.
fn printed_fill(array: &ManifestArray, fill: &FillValue) -> String {
    let element = &array.meta.data_type.element;
    match numbers::little(element, &fill.0) {
        Some(Values::Signed(values)) => values.first().map(ToString::to_string).unwrap_or_default(),
        Some(Values::Unsigned(values)) => values.first().map(ToString::to_string).unwrap_or_default(),
        Some(Values::Float(values)) => match (values.first(), element) {
            // As short as the type allows: 0.1 and not 0.10000000149011612.
            #[expect(clippy::cast_possible_truncation, reason = "it was widened from this type")]
            (Some(value), ElementType::Float32) => (*value as f32).to_string(),
            (Some(value), _) => value.to_string(),
            (None, _) => String::new(),
        },
        Some(Values::Bool(_) | Values::Complex(_) | Values::Text(_)) | None => {
            match (element, std::str::from_utf8(&fill.0)) {
                (ElementType::VlenString | ElementType::FixedBytes(_), Ok(text)) => {
                    format!("{:?}", text.trim_end_matches('\0'))
                }
                (ElementType::Bool, _) => (fill.0.first() != Some(&0)).to_string(),
                _ => format!("bytes {}", fill.0.escape_ascii()),
            }
        }
    }
}
