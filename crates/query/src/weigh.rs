//! Where weights and masks come from, read through the view.

use rangefold_active::{check_count, numbers};
use rangefold_array::{ElementType, Number, Value, chain};
use rangefold_cf::{AxisVariable, Role, RoleAttributes, axis_variable, bounded_variable};
use rangefold_reduce::{Comparison, Condition, Reduction};

use crate::axis::Axis;
use crate::coordinate::{coordinate, read, texts};
use crate::query_error::QueryError;
use crate::spread::{own_axes, picked, spread};
use crate::view::View;
use crate::weight_source::WeightSource;

/// Weights over named dimensions, in the order of the variable's axes.
#[derive(Clone, Debug)]
pub(crate) struct Weighing {
    pub(crate) dimensions: Vec<String>,
    pub(crate) values: Vec<f64>,
    pub(crate) is_mask: bool,
}

/// Reads all sources and multiplies them; `None` if there are none.
pub(crate) async fn weights(
    view: &View,
    variable: &str,
    sources: &[WeightSource],
    axes: &[Axis<'_>],
    memory: u64,
) -> Result<Option<Weighing>, QueryError> {
    let mut product: Option<Weighing> = None;
    for source in sources {
        let error = |reason: String| QueryError::Weights {
            variable: variable.to_owned(),
            weights: source.to_string(),
            reason,
        };
        let weighing = match source {
            WeightSource::CosLatitude => cos_latitude(view, variable, axes).await,
            WeightSource::Variable(path) => of_variable(view, variable, path, axes, None, memory).await,
            WeightSource::Mask { variable: path, condition } => {
                of_variable(view, variable, path, axes, Some(*condition), memory).await
            }
            WeightSource::Label { variable: path, label, equal, number } => {
                of_label(view, variable, path, axes, (label, *equal), *number, memory).await
            }
        };
        let weighing = weighing.map_err(&error)?;
        if let Some(kept) = weighing
            .dimensions
            .iter()
            .find(|d| !axes.iter().any(|a| a.name == **d && (a.reduced || a.rolled || a.is_grouped())))
        {
            return Err(error(format!("its dimension {kept:?} is not reduced")));
        }
        product = Some(match product {
            None => weighing,
            Some(other) => multiplied(&other, &weighing, axes).map_err(error)?,
        });
    }
    Ok(product)
}

async fn cos_latitude(view: &View, variable: &str, axes: &[Axis<'_>]) -> Result<Weighing, String> {
    let set = view.references();
    let found = |axis: &Axis<'_>| axis_variable(set, variable, axis.name, axis.length);
    let is_latitude = |axis: &&Axis<'_>| {
        let array = found(axis).path().and_then(|path| set.arrays.get(path));
        array.is_some_and(|array| Role::of_attributes(RoleAttributes::of(array)) == Role::Latitude)
    };
    let Some(axis) = axes.iter().find(is_latitude) else {
        let reasons = axes.iter().map(|axis| (axis.name, found(axis)));
        let hidden =
            reasons.filter(|(_, found)| !matches!(found, AxisVariable::Found { .. } | AxisVariable::Absent));
        let reasons: Vec<String> =
            hidden.map(|(name, found)| format!("; of {name:?}, {}", found.reason())).collect();
        let names: Vec<&str> = axes.iter().map(|axis| axis.name).collect();
        return Err(format!(
            "none of its dimensions {} has a coordinate of latitude{}",
            names.join(", "),
            reasons.concat()
        ));
    };
    let latitude = coordinate(view, variable, axis.name, axis.length).await;
    let latitude = latitude.map_err(|error| chain(&error))??;
    let units = latitude.attributes.units.as_deref().unwrap_or_default();
    let in_radians = units.trim().to_ascii_lowercase().starts_with("rad");
    let cosine = |position: u64| {
        let degrees = usize::try_from(position).map_or(f64::NAN, |p| latitude.number(p));
        let radians = if in_radians { degrees } else { degrees.to_radians() };
        // The cosine of 90 degrees is a rounding error, of either sign.
        radians.cos().max(0.0)
    };
    let positions = axis.positions();
    Ok(Weighing {
        dimensions: vec![axis.name.to_owned()],
        values: positions.into_iter().map(cosine).collect(),
        is_mask: false,
    })
}

async fn of_variable(
    view: &View,
    variable: &str,
    path: &str,
    axes: &[Axis<'_>],
    mask: Option<Condition>,
    memory: u64,
) -> Result<Weighing, String> {
    let path = path.trim_matches('/');
    let array = view.references().arrays.get(path).ok_or("there is no such variable")?;
    let element = &array.meta.data_type.element;
    if !(element.is_integer() || element.is_float() || *element == ElementType::Bool) {
        return Err(format!("its values are of type {}", element.name()));
    }
    let mut dimensions = array.meta.dimension_names.clone();
    let mut shape = array.meta.shape().to_vec();
    let is_bounds = mask.is_none()
        && shape.last() == Some(&2)
        && dimensions.last().is_some_and(|last| !axes.iter().any(|axis| axis.name == last));
    if is_bounds {
        dimensions.pop();
        shape.pop();
    }
    let own = own_axes(axes, &dimensions, &shape)?;
    let cells = match own.as_slice() {
        [axis] if is_bounds => cells(view, variable, path, axis).await?,
        _ => None,
    };
    let mut values: Vec<f64> = if let Some(cells) = cells {
        cells.into_iter().map(|(from, to)| (to - from).abs()).collect()
    } else {
        let reduction = mask.map_or(Reduction::Min, Reduction::CountWhere);
        let values = numbers(view.store(), path, array, reduction, memory, view.resources()).await?;
        if is_bounds {
            values.as_chunks::<2>().0.iter().map(|[from, to]| (to - from).abs()).collect()
        } else {
            values
        }
    };
    // What is missing weighs nothing.
    values.iter_mut().filter(|value| value.is_nan()).for_each(|value| *value = 0.0);
    Ok(weighing(values, &dimensions, &shape, &own, mask.is_some()))
}

/// The weights at the selected positions of their own axes.
fn weighing(
    values: Vec<f64>,
    dimensions: &[String],
    shape: &[u64],
    own: &[&Axis<'_>],
    is_mask: bool,
) -> Weighing {
    let is_whole = own.iter().all(|axis| axis.is_whole(axis.length));
    let in_order = own.iter().map(|axis| axis.name).eq(dimensions.iter().map(String::as_str));
    // Nothing is copied where nothing is left out or moved.
    let values = if is_whole && in_order { values } else { picked(&values, dimensions, shape, own) };
    Weighing { dimensions: own.iter().map(|axis| axis.name.to_owned()).collect(), values, is_mask }
}

/// The cells between the bounds at `path` along an axis: those of the coordinate that names them, which tells where a cell
/// across the meridian lies. `None` if they are the bounds of no coordinate.
async fn cells(
    view: &View,
    variable: &str,
    path: &str,
    axis: &Axis<'_>,
) -> Result<Option<Vec<(f64, f64)>>, String> {
    let Some((owner, _)) = bounded_variable(view.references(), variable, path) else { return Ok(None) };
    let owner = read(view, &owner).await.map_err(|error| chain(&error))?;
    let cells = owner.ok().and_then(|owner| owner.cells());
    Ok(cells.filter(|cells| cells.len() as u64 == axis.length))
}

/// A mask by the label that a variable has, or does not have.
async fn of_label(
    view: &View,
    variable: &str,
    path: &str,
    axes: &[Axis<'_>],
    (label, equal): (&str, bool),
    number: Option<Condition>,
    memory: u64,
) -> Result<Weighing, String> {
    let path = path.trim_matches('/');
    let array = view.references().arrays.get(path).ok_or("there is no such variable")?;
    if let Some(texts) = texts(view, path, array, axes).await? {
        let own = own_axes(axes, &texts.dimensions, &texts.shape)?;
        let weight = |(text, valid): (Value<'_>, &bool)| {
            f64::from(u8::from(*valid && (text == Value::Text(label)) == equal))
        };
        let values: Vec<f64> = texts.column.values.iter().zip(&texts.column.valid).map(weight).collect();
        return Ok(weighing(values, &texts.dimensions, &texts.shape, &own, true));
    }
    let flag = || {
        let flags = rangefold_cf::flags(array);
        let (value, _) = flags.into_iter().find(|(_, meaning)| *meaning == label)?;
        let comparison = if equal { Comparison::Equal } else { Comparison::NotEqual };
        Some(Condition { comparison, threshold: Number::Integer(value) })
    };
    let condition = number.or_else(flag).ok_or_else(|| {
        let element = array.meta.data_type.element.name();
        format!("its values, of type {element}, have no label {label:?}")
    })?;
    of_variable(view, variable, path, axes, Some(condition), memory).await
}

/// As [`spread`]; nothing is copied where the dimensions are those of `axes`.
pub(crate) fn spread_whole(weighing: Weighing, axes: &[&Axis<'_>]) -> Vec<f64> {
    if weighing.dimensions.iter().map(String::as_str).eq(axes.iter().map(|axis| axis.name)) {
        return weighing.values;
    }
    spread(&weighing.values, &weighing.dimensions, axes)
}

/// The product of two weights over the union of their dimensions.
fn multiplied(a: &Weighing, b: &Weighing, axes: &[Axis<'_>]) -> Result<Weighing, String> {
    let has = |w: &Weighing, axis: &Axis<'_>| w.dimensions.iter().any(|d| d == axis.name);
    let union: Vec<&Axis<'_>> = axes.iter().filter(|axis| has(a, axis) || has(b, axis)).collect();
    check_count(union.iter().map(|axis| axis.count()))?;
    let (left, right) = (spread(&a.values, &a.dimensions, &union), spread(&b.values, &b.dimensions, &union));
    // What is negative stays so, and is refused, but where something else does not weigh.
    let product = |(a, b): (&f64, &f64)| if *a < 0.0 || *b < 0.0 { -(a * b).abs() } else { a * b };
    Ok(Weighing {
        values: left.iter().zip(&right).map(product).collect(),
        dimensions: union.iter().map(|axis| axis.name.to_owned()).collect(),
        is_mask: a.is_mask && b.is_mask,
    })
}
