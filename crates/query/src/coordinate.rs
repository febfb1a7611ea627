//! Coordinates of dimensions, read through the view; what they mean is told by [`rangefold_cf`].

use std::sync::Arc;

use rangefold_active::check_count;
use rangefold_array::{ElementType, Hyperslab, chain};
use rangefold_cf::{
    Column, Coordinate, Meaning, MeaningError, auxiliaries_along, auxiliary_variable, axis_variable,
    bounded_variable, bounds_path,
};
use rangefold_refs::{ManifestArray, ReferenceSet};
use rangefold_store::{Assembled, ValuesError};

use crate::axis::Axis;
use crate::view::View;

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
pub type Found = Result<Arc<Coordinate>, String>;

/// Reads the coordinate of `dimension`, of `length` positions, as the variable at `variable` sees it.
///
/// # Errors
///
/// [`CoordinateError`] if its values, or those of its bounds, cannot be read.
pub async fn coordinate(
    view: &View,
    variable: &str,
    dimension: &str,
    length: u64,
) -> Result<Found, CoordinateError> {
    let found = axis_variable(view.references(), variable, dimension, length);
    match found.path() {
        Some(path) => read(view, path).await,
        None => Ok(Err(found.reason())),
    }
}

/// Reads what `name` stands for where it is no dimension of the variable at `variable`: an auxiliary coordinate along
/// one of its axes, or the middles of bounds, `time_bnds`. `None` if it stands for nothing; else with the number of the
/// axis.
///
/// # Errors
///
/// As [`coordinate`].
pub(crate) async fn named(
    view: &View,
    variable: &str,
    name: &str,
) -> Result<Option<(usize, Found)>, CoordinateError> {
    let set = view.references();
    if let Some((path, axis)) = auxiliary_variable(set, variable, name) {
        return Ok(Some((axis, read(view, &path).await?)));
    }
    let Some((path, axis)) = bounded_variable(set, variable, name) else { return Ok(None) };
    let middles = |found: Arc<Coordinate>| {
        found
            .middles()
            .map(Arc::new)
            .ok_or_else(|| format!("{name:?} does not hold two bounds for each value of {path:?}"))
    };
    Ok(Some((axis, read(view, &path).await?.and_then(middles))))
}

/// Whether `name` stands for something along an axis of the variable at `variable`, and along which.
pub(crate) fn axis_of_name(set: &ReferenceSet, variable: &str, name: &str) -> Option<usize> {
    let found = auxiliary_variable(set, variable, name).or_else(|| bounded_variable(set, variable, name));
    found.map(|(_, axis)| axis)
}

/// Reads the coordinate of times along the axis number `axis` of the variable at `variable`: that of its dimension, or
/// where the dimension has none the only one that `coordinates` names.
///
/// # Errors
///
/// As [`coordinate`].
pub(crate) async fn times(
    view: &View,
    variable: &str,
    axis: usize,
    dimension: &str,
    length: u64,
) -> Result<Found, CoordinateError> {
    let own = coordinate(view, variable, dimension, length).await?;
    let Err(reason) = own else { return Ok(own) };
    let set = view.references();
    let is_time = |path: &String| {
        set.arrays.get(path).and_then(rangefold_cf::time_units).is_some_and(|units| units.is_ok())
    };
    let times: Vec<String> = auxiliaries_along(set, variable, axis).into_iter().filter(is_time).collect();
    match times.as_slice() {
        [path] => read(view, path).await,
        [] => Ok(Err(reason)),
        several => Ok(Err(format!("{reason}, and its coordinates {} are several", several.join(", ")))),
    }
}

/// Reads the variable at `path` as a coordinate; once for all questions to a dataset.
///
/// # Errors
///
/// As [`coordinate`].
pub async fn read(view: &View, path: &str) -> Result<Found, CoordinateError> {
    match view.known(path).get_or_try_init(|| fetched(view, path)).await {
        Ok(coordinate) => Ok(Ok(Arc::clone(coordinate))),
        Err(NotRead::Unfit(reason)) => Ok(Err(reason)),
        Err(NotRead::Failed(error)) => Err(error),
    }
}

/// Why a variable was not read as a coordinate.
enum NotRead {
    /// It is none.
    Unfit(String),
    Failed(CoordinateError),
}

async fn fetched(view: &View, path: &str) -> Result<Arc<Coordinate>, NotRead> {
    let array = view.references().arrays.get(path);
    let array = array.ok_or_else(|| NotRead::Unfit(format!("there is no variable {path:?}")))?;
    let column = match array.meta.shape() {
        [_, _] if is_of_characters(array) => rows_of_characters(view, path, array).await,
        _ => column(view, path, array).await,
    };
    let column = column.map_err(NotRead::Failed)?.map_err(NotRead::Unfit)?;
    let mut coordinate = Coordinate::new(array, column);
    if let Some(bounds) = bounds_path(path, array) {
        let bounds = pairs(view, &bounds, array, coordinate.len()).await;
        coordinate.bounds = bounds.map_err(NotRead::Failed)?;
    }
    Ok(Arc::new(coordinate))
}

/// Lower and upper bound of each of `count` cells of the coordinate `of`, whose packing bounds share if they have none.
async fn pairs(
    view: &View,
    path: &str,
    of: &ManifestArray,
    count: usize,
) -> Result<Option<Vec<(f64, f64)>>, CoordinateError> {
    let Some(array) = view.references().arrays.get(path) else { return Ok(None) };
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
    let Ok(column) = column(view, path, &described).await? else { return Ok(None) };
    let number = |i: usize| {
        let valid = column.valid.get(i).copied().unwrap_or(false);
        let value = valid.then(|| column.values.get(i).and_then(rangefold_array::Value::to_f64)).flatten();
        value.unwrap_or(f64::NAN)
    };
    Ok(Some((0..count).map(|cell| (number(2 * cell), number(2 * cell + 1))).collect()))
}

/// Whether the elements are single characters, of which the last dimension makes texts.
fn is_of_characters(array: &ManifestArray) -> bool {
    array.meta.data_type.element == ElementType::FixedBytes(1)
}

/// Texts along some dimensions of a variable.
pub(crate) struct Texts {
    /// The dimensions.
    pub(crate) dimensions: Vec<String>,
    /// Their lengths.
    pub(crate) shape: Vec<u64>,
    /// The texts, row-major.
    pub(crate) column: Column,
}

/// Reads the array at `path` as texts: strings of any length, texts of a fixed one, or characters along a last dimension
/// that is none of `axes`. `None` if its elements are no texts.
///
/// # Errors
///
/// Why it cannot be read, with all causes.
pub(crate) async fn texts(
    view: &View,
    path: &str,
    array: &ManifestArray,
    axes: &[Axis<'_>],
) -> Result<Option<Texts>, String> {
    let (mut dimensions, mut shape) = (array.meta.dimension_names.clone(), array.meta.shape().to_vec());
    match array.meta.data_type.element {
        ElementType::FixedBytes(_) | ElementType::FixedUtf32(_) | ElementType::VlenString => {}
        _ => return Ok(None),
    }
    let is_axis = |name: &String| axes.iter().any(|axis| axis.name == name);
    let column = if is_of_characters(array) && dimensions.last().is_some_and(|last| !is_axis(last)) {
        dimensions.pop();
        shape.pop();
        rows_of_characters(view, path, array).await
    } else {
        column(view, path, array).await
    };
    Ok(Some(Texts { dimensions, shape, column: column.map_err(|error| chain(&error))?? }))
}

/// The texts that characters make along the last dimension, without the blanks and zeros that pad them.
async fn rows_of_characters(
    view: &View,
    path: &str,
    array: &ManifestArray,
) -> Result<Result<Column, String>, CoordinateError> {
    let Some(length) = array.meta.shape().last().and_then(|&n| usize::try_from(n).ok()).filter(|&n| n > 0)
    else {
        return Ok(Err(format!("{path:?} has texts of no length")));
    };
    let mut rows = array.clone();
    rows.meta.data_type.element = ElementType::FixedBytes(length);
    let column = column(view, path, &rows).await?;
    let unpadded = |column: Column| match column.values {
        rangefold_array::Values::Text(texts) => {
            let texts: Vec<String> =
                texts.into_iter().map(|text| text.trim_end_matches(['\0', ' ']).to_owned()).collect();
            let valid =
                texts.iter().zip(column.valid).map(|(text, valid)| valid && !text.is_empty()).collect();
            Column { values: rangefold_array::Values::Text(texts), valid, element: column.element }
        }
        values => Column { values, ..column },
    };
    Ok(column.map(unpadded))
}

/// All elements of the array at `path` as `array` describes them, or why they are no values.
async fn column(
    view: &View,
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
    let values = view.store().values(&path(), &Hyperslab::all(array.meta.shape())).await;
    let values =
        values.map_err(|source| CoordinateError::Values { path: path(), source: Box::new(source) })?;
    Ok(match values {
        Assembled::Elements(bytes) => {
            meaning.column(&array.meta.data_type, &bytes).map_err(|error| error.to_string())
        }
        Assembled::Texts(texts) => Ok(meaning.texts(texts)),
    })
}
