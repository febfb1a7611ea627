//! netCDF in JSON, as NCO's `ncks --json` writes it.
//!
//! ```json
//! {"dimensions": {"lat": 2},
//!  "variables": {"lat": {"shape": ["lat"], "type": "double", "attributes": {"units": "degrees_north"}, "data": [-30.0, 30.0]},
//!                "tas": {"shape": ["lat"], "type": "double", "attributes": {"_FillValue": 9.969209968386869e36}, "data": [280.1, 281.0]}},
//!  "attributes": {"Conventions": "CF-1.11"}}
//! ```
//! A scalar has no `shape`. Missing values are `_FillValue`, which netCDF's default is unless a value equals it. NaN is
//! `null`, as in NCO; what netCDF has no type for (complex numbers) and JSON no number for (infinities) is refused.
//!
//! Spec: NCO User Guide, "JSON" (section on filters for `ncks`); format level 2.

use std::fmt::Write as _;

use crate::error::{Result, Within as _, bail};
use rangefold_array::ElementType;
use serde_json::{Map, Value as Json, json};

use super::{json::nested, names, stored};
use rangefold_array::{Value, Values};
use rangefold_query::field::{Coordinate, Dim, Field, text_of};
use rangefold_query::number;

/// `NC_FILL_DOUBLE` and `NC_FILL_FLOAT`: 15 · 2^119.
const FILL_FLOAT: f64 = 9.969_209_968_386_869e36;

/// The fields as one document.
///
/// # Errors
///
/// Their dimensions contradict each other, or a value has no netCDF counterpart.
pub(super) fn encode(fields: &[Field]) -> Result<String> {
    let names = names::of(fields)?;
    let dims = names::dims(fields, &names)?;
    let two = names::two();
    let mut lengths: Map<String, Json> =
        dims.values().map(|dim| (dim.name.clone(), json!(dim.length))).collect();
    let mut variables = Vec::new();
    for dim in dims.values().filter(|dim| !names.contains(&dim.name)) {
        if let Some(coordinate) = &dim.coordinate {
            let bounded = names::has_bounds(dim, &names, &dims);
            variables.push(coordinate_variable(dim, coordinate, bounded));
            if let Some(bounds) = coordinate.bounds.as_ref().filter(|_| bounded) {
                lengths.insert(two.name.clone(), json!(two.length));
                variables.push(bounds_variable(&[dim, &two], bounds));
            }
        }
    }
    for (field, name) in fields.iter().zip(&names) {
        variables.push(variable(field, name).within(|| field.title())?);
        if field.counts_apart() {
            variables.push(counts(field, name));
        }
    }
    Ok(format!(
        "{{\n  \"dimensions\": {},\n  \"variables\": {{\n{}\n  }},\n  \"attributes\": {}\n}}\n",
        Json::Object(lengths),
        variables.join(",\n"),
        json!({"Conventions": "CF-1.11"}),
    ))
}

fn variable(field: &Field, name: &str) -> Result<String> {
    let stored = stored::of(field)?;
    let kind = type_name(&stored.element)?;
    let mut attributes = names::attributes(field, name);
    attributes.extend(stored.attributes);
    let mut fill = stored.fill.map_or(Json::Null, number::integer);
    if field.missing() > 0 && stored.element.is_float() {
        fill = number::float(float_fill(field)?);
        attributes.insert("_FillValue".into(), fill.clone());
    }
    let mut problem = None;
    let data = data(&field.shape(), |i| match field.value(i) {
        None => fill.clone(),
        Some(value) => value_json(value).unwrap_or_else(|| {
            problem.get_or_insert(text_of(value));
            Json::Null
        }),
    });
    if let Some(value) = problem {
        bail!("{value} is no number of JSON; .zarr, .npy, .csv and .json hold it");
    }
    Ok(render(name, field.dims.iter(), kind, attributes, &data))
}

fn counts(field: &Field, name: &str) -> String {
    let dims = field.count_dims();
    let shape: Vec<usize> = dims.iter().map(|dim| dim.length).collect();
    let count = field.count.as_deref().unwrap_or_default();
    let data = data(&shape, |i| count.get(i).copied().into());
    render(&names::count(name), dims.iter(), "uint64", names::count_attributes(field), &data)
}

fn coordinate_variable(dim: &Dim, coordinate: &Coordinate, bounded: bool) -> String {
    let data = labels(&[dim.length], &coordinate.values);
    let attributes = names::coordinate_attributes(dim, coordinate, bounded);
    render(&dim.name, std::iter::once(dim), label_type(&coordinate.values), attributes, &data)
}

fn bounds_variable(dims: &[&Dim; 2], bounds: &Values) -> String {
    let data = labels(&dims.map(|dim| dim.length), bounds);
    render(&names::bounds(&dims[0].name), dims.iter().copied(), label_type(bounds), Map::new(), &data)
}

fn labels(shape: &[usize], values: &Values) -> String {
    data(shape, |i| values.get(i).and_then(value_json).unwrap_or(Json::Null))
}

fn label_type(values: &Values) -> &'static str {
    match values {
        Values::Signed(_) => "int64",
        Values::Unsigned(_) => "uint64",
        Values::Text(_) => "string",
        Values::Bool(_) => "byte",
        Values::Float(_) | Values::Complex(_) => "double",
    }
}

fn data(shape: &[usize], mut value: impl FnMut(usize) -> Json) -> String {
    let mut out = String::new();
    nested(&mut out, shape, &mut |out, i| {
        let _ = write!(out, "{}", value(i));
    });
    out
}

fn render<'a>(
    name: &str,
    dims: impl Iterator<Item = &'a Dim>,
    kind: &str,
    attributes: Map<String, Json>,
    data: &str,
) -> String {
    let dims: Vec<&str> = dims.map(|dim| dim.name.as_str()).collect();
    let shape = if dims.is_empty() { String::new() } else { format!("\"shape\": {}, ", json!(dims)) };
    let attributes = if attributes.is_empty() {
        String::new()
    } else {
        format!("\"attributes\": {}, ", Json::Object(attributes))
    };
    format!("    {}: {{{shape}\"type\": \"{kind}\", {attributes}\"data\": {data}}}", json!(name))
}

/// The netCDF type.
fn type_name(element: &ElementType) -> Result<&'static str> {
    Ok(match element {
        ElementType::Bool | ElementType::Int8 => "byte",
        ElementType::UInt8 => "ubyte",
        ElementType::Int16 => "short",
        ElementType::UInt16 => "ushort",
        ElementType::Int32 => "int",
        ElementType::UInt32 => "uint",
        ElementType::Int64 => "int64",
        ElementType::UInt64 => "uint64",
        ElementType::Float16 | ElementType::Float32 => "float",
        ElementType::Float64 => "double",
        ElementType::VlenString | ElementType::FixedBytes(_) | ElementType::FixedUtf32(_) => "string",
        other => bail!("netCDF has no type {}", other.name()),
    })
}

/// The default fill value, which must not be a value.
fn float_fill(field: &Field) -> Result<f64> {
    if (0..field.cells()).any(|i| field.value(i) == Some(Value::Float(FILL_FLOAT))) {
        bail!("cells are missing, and the fill value {FILL_FLOAT:e} is the value of another");
    }
    Ok(FILL_FLOAT)
}

/// A value as NCO writes it; `None` for what it cannot write.
fn value_json(value: Value<'_>) -> Option<Json> {
    match value {
        Value::Float(x) if x.is_nan() => Some(Json::Null),
        Value::Float(x) if x.is_infinite() => None,
        Value::Float(x) => Some(x.into()),
        Value::Complex(_) => None,
        Value::Text(text) => Some(text.into()),
        integer => integer.to_integer().map(number::integer),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use rangefold_query::samples;

    #[test]
    fn a_map_is_a_netcdf_dataset() {
        expect![[r#"
            {
              "dimensions": {"lat":2,"lon":3},
              "variables": {
                "lat": {"shape": ["lat"], "type": "double", "attributes": {"units":"degrees_north"}, "data": [-30.0,30.0]},
                "lon": {"shape": ["lon"], "type": "double", "attributes": {"units":"degrees_east"}, "data": [0.0,120.0,240.0]},
                "tas_mean": {"shape": ["lat","lon"], "type": "double", "attributes": {"units":"K","long_name":"air temperature: mean over time","cell_methods":"time: mean","ancillary_variables":"tas_mean_count","_FillValue":9.969209968386869e+36}, "data": [[280.1,9.969209968386869e+36,281.0],[279.4,290.25,300.0]]},
                "tas_mean_count": {"shape": ["lat","lon"], "type": "uint64", "attributes": {"standard_name":"number_of_observations","long_name":"number of values behind tas mean","units":"1"}, "data": [[365,0,365],[365,364,365]]}
              },
              "attributes": {"Conventions":"CF-1.11"}
            }
        "#]]
        .assert_eq(&encode(&[samples::map()]).unwrap());
    }

    #[test]
    fn scalars_have_no_shape_and_integers_a_fill_value() {
        let text = encode(&[samples::integers(vec![7, 0], vec![true, false])]).unwrap();
        let json: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(json["variables"]["n"]["data"], json!([7, -9_223_372_036_854_775_806_i64]));
        assert_eq!(json["variables"]["n"]["attributes"]["_FillValue"], json!(-9_223_372_036_854_775_806_i64));
        assert_eq!(json["variables"]["station"]["type"], "string");
        let json: Json = serde_json::from_str(&encode(&[samples::scalar()]).unwrap()).unwrap();
        assert_eq!(json["variables"]["tas_mean"].get("shape"), None);
        assert_eq!(json["variables"]["tas_mean"]["data"], json!(280.1));
    }

    #[test]
    fn infinities_and_complex_numbers_are_refused() {
        let field = samples::floats("x", Vec::new(), vec![f64::INFINITY]);
        let error = rangefold_array::chain(&encode(&[field]).unwrap_err());
        assert_eq!(error, "x: Infinity is no number of JSON; .zarr, .npy, .csv and .json hold it");
        let mut field = samples::floats("x", Vec::new(), vec![1.0]);
        (field.values, field.element) = (Values::Complex(vec![[1.0, 2.0]]), ElementType::Complex128);
        assert_eq!(
            rangefold_array::chain(&encode(&[field]).unwrap_err()),
            "x: netCDF has no type complex128"
        );
    }
}
