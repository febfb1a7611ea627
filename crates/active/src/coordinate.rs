//! Coordinates of dimensions, read through the store; what they mean is told by [`rangefold_cf`].

use rangefold_array::{ElementType, Hyperslab};
use rangefold_cf::{
    Column, Coordinate, Meaning, MeaningError, auxiliaries_along, axis_variable, bounds_path,
};
use rangefold_refs::ManifestArray;
use rangefold_store::{ReferenceStore, Values, ValuesError};

use crate::whole::check_count;

/// A coordinate cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CoordinateError {
    /// Its elements cannot be read.
    #[error("the values of {path:?} cannot be read")]
    Values {
        /// Path of the variable.
        path: String,
        /// Why.
        source: Box<ValuesError>,
    },
    /// Its attributes cannot be applied.
    #[error("the attributes of {path:?} cannot be applied")]
    Meaning {
        /// Path of the variable.
        path: String,
        /// Why.
        source: MeaningError,
    },
    /// It has more elements than are held.
    #[error("{path:?} is too large: {reason}")]
    TooLarge {
        /// Path of the variable.
        path: String,
        /// Both numbers.
        reason: String,
    },
}

/// The coordinate of a dimension, or why there is none to be used: `it has no coordinate variable`.
pub type Found = Result<Coordinate, String>;

/// Reads the coordinate of `dimension`, of `length` positions, as the variable at `variable` sees it.
///
/// # Errors
///
/// [`CoordinateError`] if its values, or those of its bounds, cannot be read.
pub async fn coordinate(
    store: &ReferenceStore,
    variable: &str,
    dimension: &str,
    length: u64,
) -> Result<Found, CoordinateError> {
    let found = axis_variable(store.references(), variable, dimension, length);
    match found.path() {
        Some(path) => read(store, path).await,
        None => Ok(Err(found.reason())),
    }
}

/// Reads the coordinate of times along the axis number `axis` of the variable at `variable`: that of its dimension, or
/// where the dimension has none the only one that `coordinates` names.
///
/// # Errors
///
/// As [`coordinate`].
pub(crate) async fn times(
    store: &ReferenceStore,
    variable: &str,
    axis: usize,
    dimension: &str,
    length: u64,
) -> Result<Found, CoordinateError> {
    let own = coordinate(store, variable, dimension, length).await?;
    let Err(reason) = own else { return Ok(own) };
    let set = store.references();
    let is_time = |path: &String| {
        set.arrays.get(path).and_then(rangefold_cf::time_units).is_some_and(|units| units.is_ok())
    };
    let times: Vec<String> = auxiliaries_along(set, variable, axis).into_iter().filter(is_time).collect();
    match times.as_slice() {
        [path] => read(store, path).await,
        [] => Ok(Err(reason)),
        several => Ok(Err(format!("{reason}, and its coordinates {} are several", several.join(", ")))),
    }
}

/// Reads the variable at `path` as a coordinate.
///
/// # Errors
///
/// As [`coordinate`].
pub async fn read(store: &ReferenceStore, path: &str) -> Result<Found, CoordinateError> {
    let set = store.references();
    let Some(array) = set.arrays.get(path) else { return Ok(Err(format!("there is no variable {path:?}"))) };
    let column = match column(store, path, array).await? {
        Ok(column) => column,
        Err(reason) => return Ok(Err(reason)),
    };
    let column = match array.meta.shape() {
        &[_, length] => {
            rangefold_cf::joined_characters(&column, usize::try_from(length).unwrap_or(usize::MAX))
        }
        _ => column,
    };
    let mut coordinate = Coordinate::new(array, column);
    if let Some(bounds) = bounds_path(path, array) {
        coordinate.bounds = pairs(store, &bounds, array, coordinate.len()).await?;
    }
    Ok(Ok(coordinate))
}

/// Lower and upper bound of each of `count` cells of the coordinate `of`, whose packing bounds share if they have none.
async fn pairs(
    store: &ReferenceStore,
    path: &str,
    of: &ManifestArray,
    count: usize,
) -> Result<Option<Vec<(f64, f64)>>, CoordinateError> {
    let Some(array) = store.references().arrays.get(path) else { return Ok(None) };
    if array.meta.shape() != [count as u64, 2] {
        return Ok(None);
    }
    let own = rangefold_refs::packing_types::NAMES.iter().any(|name| array.attributes.get(name).is_some());
    let mut described = array.clone();
    if !own && array.meta.data_type == of.meta.data_type {
        for name in rangefold_refs::packing_types::NAMES.into_iter().chain(["_Unsigned"]) {
            if let Some(value) = of.attributes.get(name) {
                described.attributes.insert(name, value.clone());
            }
        }
    }
    let Ok(column) = column(store, path, &described).await? else { return Ok(None) };
    let number = |i: usize| {
        let valid = column.valid.get(i).copied().unwrap_or(false);
        let value = valid.then(|| column.values.get(i).and_then(rangefold_array::Value::to_f64)).flatten();
        value.unwrap_or(f64::NAN)
    };
    Ok(Some((0..count).map(|cell| (number(2 * cell), number(2 * cell + 1))).collect()))
}

/// All elements of the array at `path` as `array` describes them, or why they are no values.
async fn column(
    store: &ReferenceStore,
    path: &str,
    array: &ManifestArray,
) -> Result<Result<Column, String>, CoordinateError> {
    let element = &array.meta.data_type.element;
    if matches!(element, ElementType::Raw(_) | ElementType::Structured(_)) {
        return Ok(Err(format!("{path:?} is of type {}", element.name())));
    }
    let path = || path.to_owned();
    check_count(array.meta.shape().iter().copied())
        .map_err(|reason| CoordinateError::TooLarge { path: path(), reason })?;
    let meaning = Meaning::of(array).map_err(|source| CoordinateError::Meaning { path: path(), source })?;
    let values = store.values(&path(), &Hyperslab::all(array.meta.shape())).await;
    let values =
        values.map_err(|source| CoordinateError::Values { path: path(), source: Box::new(source) })?;
    Ok(match values {
        Values::Elements(bytes) => {
            meaning.column(&array.meta.data_type, &bytes).map_err(|error| error.to_string())
        }
        Values::Texts(texts) => Ok(meaning.texts(texts)),
    })
}
