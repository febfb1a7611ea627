//! Coordinates of dimensions, read through the store.

use rangefold_array::{ElementType, Hyperslab};
use rangefold_cf::TimeUnits;
use rangefold_refs::{AttributeValue, ManifestArray, ReferenceSet};
use rangefold_store::{ReferenceStore, Values, ValuesError};

use crate::select::Coordinate;

/// The coordinate variable of `dimension` as `variable` sees it: in its own group or the nearest one above that has it.
#[must_use]
pub fn coordinate_path(set: &ReferenceSet, variable: &str, dimension: &str) -> Option<String> {
    let mut group = variable;
    loop {
        group = group.rsplit_once('/').map_or("", |(parent, _)| parent);
        let path = if group.is_empty() { dimension.to_owned() } else { format!("{group}/{dimension}") };
        let is_coordinate = |array: &ManifestArray| {
            array.meta.dimension_names.len() == 1
                && array.meta.dimension_names.contains(&dimension.to_owned())
        };
        if set.arrays.get(&path).is_some_and(is_coordinate) {
            return Some(path);
        }
        if group.is_empty() {
            return None;
        }
    }
}

/// Reads the coordinate of `dimension` as `variable` sees it; `None` if there is none, or it is not made of numbers.
///
/// # Errors
///
/// [`ValuesError`] if its values, or those of its bounds, cannot be read.
pub async fn coordinate(
    store: &ReferenceStore,
    variable: &str,
    dimension: &str,
) -> Result<Option<Coordinate>, ValuesError> {
    let set = store.references();
    let Some(path) = coordinate_path(set, variable, dimension) else { return Ok(None) };
    let Some(array) = set.arrays.get(&path) else { return Ok(None) };
    let Some(values) = numbers(store, &path, array).await? else { return Ok(None) };
    let text = |name: &str| array.attributes.get(name).and_then(AttributeValue::as_text);
    let units = text("units").unwrap_or_default().to_owned();
    let bounds = match bounds_path(&path, array) {
        Some(bounds) => pairs(store, &bounds, values.len()).await?,
        None => None,
    };
    let is_longitude = text("standard_name") == Some("longitude")
        || matches!(
            units.as_str(),
            "degrees_east" | "degree_east" | "degree_E" | "degrees_E" | "degreeE" | "degreesE"
        );
    Ok(Some(Coordinate {
        values,
        bounds,
        time: TimeUnits::parse(&units, text("calendar")).ok(),
        units,
        is_longitude,
    }))
}

/// The path of the bounds that the coordinate at `path` names.
#[must_use]
pub fn bounds_path(path: &str, coordinate: &ManifestArray) -> Option<String> {
    let name = coordinate.attributes.get("bounds").and_then(AttributeValue::as_text)?;
    Some(sibling(path, name))
}

/// `name` as the array at `path` means it.
fn sibling(path: &str, name: &str) -> String {
    match (name.strip_prefix('/'), path.rsplit_once('/')) {
        (Some(absolute), _) => absolute.to_owned(),
        (None, Some((group, _))) => format!("{group}/{name}"),
        (None, None) => name.to_owned(),
    }
}

/// Lower and upper bound of each of `count` cells.
async fn pairs(
    store: &ReferenceStore,
    path: &str,
    count: usize,
) -> Result<Option<Vec<(f64, f64)>>, ValuesError> {
    let Some(array) = store.references().arrays.get(path) else { return Ok(None) };
    if array.meta.shape() != [count as u64, 2] {
        return Ok(None);
    }
    let values = numbers(store, path, array).await?;
    Ok(values.map(|values| {
        values.chunks_exact(2).filter_map(|pair| Some((*pair.first()?, *pair.last()?))).collect()
    }))
}

/// All values of a real array, unpacked, missing ones as NaN; `None` for other types.
async fn numbers(
    store: &ReferenceStore,
    path: &str,
    array: &ManifestArray,
) -> Result<Option<Vec<f64>>, ValuesError> {
    let element = &array.meta.data_type.element;
    if !(element.is_integer() || element.is_float()) {
        return Ok(None);
    }
    let Values::Elements(bytes) = store.values(path, &Hyperslab::all(array.meta.shape())).await? else {
        return Ok(None);
    };
    let attribute = |name: &str| array.attributes.get(name).and_then(AttributeValue::as_f64);
    let (scale, offset) = (attribute("scale_factor").unwrap_or(1.0), attribute("add_offset").unwrap_or(0.0));
    let missing: Vec<f64> =
        ["_FillValue", "missing_value"].iter().filter_map(|name| attribute(name)).collect();
    let value = |stored: f64| if missing.contains(&stored) { f64::NAN } else { stored * scale + offset };
    Ok(Some(to_f64(element, &bytes).into_iter().map(value).collect()))
}

/// Real numbers in native byte order as 64-bit floats; integers past 2^53 are rounded. Empty for other types.
#[must_use]
pub fn to_f64(element: &ElementType, bytes: &[u8]) -> Vec<f64> {
    fn each<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        bytes.as_chunks::<N>().0.iter().map(|&chunk| number(chunk)).collect()
    }
    #[expect(clippy::cast_precision_loss, reason = "documented: integers past 2^53 are rounded")]
    match element {
        ElementType::Int8 => each(bytes, |b| f64::from(i8::from_ne_bytes(b))),
        ElementType::UInt8 => each(bytes, |b| f64::from(u8::from_ne_bytes(b))),
        ElementType::Int16 => each(bytes, |b| f64::from(i16::from_ne_bytes(b))),
        ElementType::UInt16 => each(bytes, |b| f64::from(u16::from_ne_bytes(b))),
        ElementType::Int32 => each(bytes, |b| f64::from(i32::from_ne_bytes(b))),
        ElementType::UInt32 => each(bytes, |b| f64::from(u32::from_ne_bytes(b))),
        ElementType::Int64 => each(bytes, |b| i64::from_ne_bytes(b) as f64),
        ElementType::UInt64 => each(bytes, |b| u64::from_ne_bytes(b) as f64),
        ElementType::Float16 => each(bytes, |b| half::f16::from_ne_bytes(b).to_f64()),
        ElementType::Float32 => each(bytes, |b| f64::from(f32::from_ne_bytes(b))),
        ElementType::Float64 => each(bytes, f64::from_ne_bytes),
        _ => Vec::new(),
    }
}
