//! The missing-value mark of stores that other programs wrote.
//!
//! kerchunk (for HDF5, netCDF-3 and GRIB, as JSON and as Parquet, joined or not) moves the attribute `_FillValue` into
//! `fill_value` of `.zarray`, and xarray takes it from there. When such a store is read, the attribute is put back, so that
//! everything after knows one place only:
//!
//! | `fill_value` | attribute | what is missing |
//! |---|---|---|
//! | null | any | what the attribute says |
//! | zero | any | what the attribute says: kerchunk writes 0 for HDF5 files that declare nothing |
//! | anything else | any | `fill_value`, as xarray reads the store |
//!
//! Zero is told from a mark by the attributes alone: a store in which zeros are missing has `_FillValue` or
//! `missing_value` 0 beside the zero `fill_value`. Zarr v3 arrays keep `_FillValue` as an attribute, and xarray does not
//! take their fill value for a mark; neither do we. netCDF's default fill values, which netCDF readers mask in files that
//! declare nothing, are data in such a store, as they are for xarray: an image may well hold 255 or 65535. That too is
//! put into the attributes, as netCDF's `_NoFill`, with the value `"unknown"`: it gives way where such a store is joined with
//! files that are known. Stores that rangefold wrote say so themselves (the member
//! `rangefold`), and their attributes mean what the file's attributes mean.

use rangefold_array::ElementType;

use crate::element::fill_to_value;
use crate::zarr_v2::FILL_VALUE;
use crate::{AttributeValue, ManifestArray};

/// netCDF's special attribute that says that nothing was filled, so that the default fill value is a value.
pub const NO_FILL: &str = "_NoFill";

/// The value of [`NO_FILL`] where nobody knows: in stores of other programs that declare no fill value.
pub const UNKNOWN: &str = "unknown";

/// Declares the fill value of a Zarr v2 array as `_FillValue`, if it marks missing elements.
pub(crate) fn declare(array: &mut ManifestArray) {
    let meta = &array.meta;
    let element = &meta.data_type.element;
    let Some(fill) = meta.fill_value.as_ref().filter(|fill| fill.0.iter().any(|&byte| byte != 0)) else {
        return no_default(array);
    };
    let mark = match element {
        // Written in base64, but meant as a text.
        ElementType::FixedBytes(_) => {
            let length = fill.0.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            let bytes = fill.0.get(..length).unwrap_or_default();
            AttributeValue::Text(rangefold_array::text_of_bytes(bytes))
        }
        _ if element.is_integer() || element.is_float() => match fill_to_value(Some(fill), &meta.data_type) {
            AttributeValue::Text(text) => match text.as_str() {
                "Infinity" => AttributeValue::Float(f64::INFINITY),
                "-Infinity" => AttributeValue::Float(f64::NEG_INFINITY),
                _ => AttributeValue::Float(f64::NAN),
            },
            number => number,
        },
        ElementType::FixedUtf32(_) | ElementType::VlenString => fill_to_value(Some(fill), &meta.data_type),
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
        | ElementType::Raw(_)
        | ElementType::DateTime64(_)
        | ElementType::TimeDelta64(_)
        | ElementType::Structured(_) => return,
    };
    array.attributes.insert(FILL_VALUE, mark);
}

/// Says that no default marks missing elements of a number, unless the attributes declare a mark.
pub(crate) fn no_default(array: &mut ManifestArray) {
    let element = &array.meta.data_type.element;
    if (element.is_integer() || element.is_float()) && array.attributes.get(FILL_VALUE).is_none() {
        array.attributes.insert(NO_FILL, AttributeValue::Text(UNKNOWN.to_owned()));
    }
}
