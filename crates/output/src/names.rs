//! Names and attributes of variables in an output that holds many, by the CF conventions.

use std::collections::BTreeMap;

use crate::error::{Result, bail};
use serde_json::{Map, Value, json};

use rangefold_query::field::{Coordinate, Dim, Field};
use rangefold_query::number;
use rangefold_query::wording;

/// A name for each field: its last name, with its groups where that is not enough, and its operation; with the condition or
/// the edges where two answers differ in nothing else.
///
/// # Errors
///
/// Two fields have the same variable and operation, or a field is called as a dimension or count of another.
pub(super) fn of(fields: &[Field]) -> Result<Vec<String>> {
    let shared = |field: &Field| {
        fields.iter().any(|other| other.variable != field.variable && other.leaf() == field.leaf())
    };
    let names = fields.iter().map(|field| {
        let name = if shared(field) { field.variable.replace('/', "_") } else { field.leaf().to_owned() };
        let Some(operation) = &field.operation else { return name };
        let alike = |other: &&Field| {
            other.variable == field.variable
                && other.operation.as_ref().is_some_and(|o| o.name() == operation.name())
        };
        let alone = fields.iter().filter(alike).count() == 1;
        format!("{name}_{}", slug(&if alone { operation.name() } else { operation.expression() }))
    });
    let names: Vec<String> = names.collect();
    let mut taken = BTreeMap::new();
    let counts =
        fields.iter().zip(&names).filter(|(field, _)| field.counts_apart()).map(|(_, name)| count(name));
    for name in names.iter().cloned().chain(counts) {
        *taken.entry(name).or_insert(0) += 1;
    }
    if let Some((name, times)) = taken.iter().find(|(_, times)| **times > 1) {
        bail!("{times} variables of the output would be called {name:?}");
    }
    Ok(names)
}

/// An operation as part of a name: `quantile_0.9`, `count_where_gt_5.5`.
fn slug(operation: &str) -> String {
    const SIGNS: [(&str, &str); 6] =
        [("<=", "le_"), (">=", "ge_"), ("==", "eq_"), ("!=", "ne_"), ("<", "lt_"), (">", "gt_")];
    let spelt = SIGNS.iter().fold(operation.to_owned(), |text, (sign, word)| text.replace(sign, word));
    let parts = spelt.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '+')));
    let parts: Vec<&str> = parts.map(|part| part.trim_matches('_')).filter(|part| !part.is_empty()).collect();
    parts.join("_")
}

/// Name of the bounds of a dimension's coordinate.
pub(super) fn bounds(name: &str) -> String {
    format!("{name}_bnds")
}

/// The dimension of the two bounds of a cell.
pub(super) fn two() -> Dim {
    Dim { name: "bnds".to_owned(), length: 2, coordinate: None }
}

/// Whether the bounds of `dim` can stand beside `fields` that are called `names`: nothing else has their names.
pub(super) fn has_bounds(dim: &Dim, names: &[String], dims: &BTreeMap<&str, &Dim>) -> bool {
    let free =
        dims.get(two().name.as_str()).is_none_or(|other| other.length == 2 && other.coordinate.is_none());
    let bounds = |coordinate: &Coordinate| coordinate.bounds.is_some();
    free && !names.contains(&bounds_name(dim)) && dim.coordinate.as_ref().is_some_and(bounds)
}

fn bounds_name(dim: &Dim) -> String {
    bounds(&dim.name)
}

/// Name of the counts beside a variable.
pub(super) fn count(name: &str) -> String {
    format!("{name}_count")
}

/// The dimensions of all fields, by name.
///
/// # Errors
///
/// Two of one name differ, or one has coordinates and the name of a variable.
pub(super) fn dims<'a>(fields: &'a [Field], names: &[String]) -> Result<BTreeMap<&'a str, &'a Dim>> {
    let mut dims: BTreeMap<&str, &Dim> = BTreeMap::new();
    for dim in fields.iter().flat_map(|field| &field.dims) {
        let known = *dims.entry(&dim.name).or_insert(dim);
        if known.length != dim.length {
            bail!(
                "dimension {:?} is {} long in one answer and {} in another",
                dim.name,
                known.length,
                dim.length
            );
        }
        if known.coordinate != dim.coordinate {
            bail!("the coordinates of dimension {:?} differ between answers", dim.name);
        }
    }
    for field in fields {
        if let Some(dim) = twice(field) {
            bail!("{} has the dimension {dim:?} twice", field.title());
        }
    }
    for (field, name) in fields.iter().zip(names) {
        let itself = field.dims.len() == 1 && field.operation.is_none();
        if dims.get(name.as_str()).is_some_and(|dim| dim.coordinate.is_some()) && !itself {
            bail!("the output would hold {} and a coordinate, both called {name:?}", field.title());
        }
    }
    Ok(dims)
}

fn twice(field: &Field) -> Option<&str> {
    let mut names: Vec<&str> = field.dims.iter().map(|dim| dim.name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// Attributes of a field's variable.
pub(super) fn attributes(field: &Field, name: &str) -> Map<String, Value> {
    let mut attributes = Map::new();
    let mut put = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            attributes.insert(key.to_owned(), Value::from(value));
        }
    };
    // A count is no temperature.
    put("units", field.units.clone().or_else(|| field.counts().then(|| "1".to_owned())));
    put("calendar", field.calendar.clone());
    let described = field.operation.is_some().then(|| wording::description(field));
    put("long_name", described.or_else(|| field.long_name.clone()));
    put("cell_methods", wording::cell_methods(field));
    let meanings: Vec<&str> = field.flags.iter().map(|(_, meaning)| meaning.as_str()).collect();
    put("flag_meanings", (!meanings.is_empty()).then(|| meanings.join(" ")));
    put("comment", comment(field));
    put("ancillary_variables", field.counts_apart().then(|| count(name)));
    if !field.flags.is_empty() {
        let values = field.flags.iter().map(|(value, _)| number::integer(*value)).collect();
        attributes.insert("flag_values".to_owned(), Value::Array(values));
    }
    attributes
}

/// What was selected, and what the places of extremes are numbers of.
fn comment(field: &Field) -> Option<String> {
    let selected = field.operation.is_none().then(|| wording::notes(field).join(", "));
    let parts: Vec<String> =
        selected.into_iter().filter(|notes| !notes.is_empty()).chain(places(field)).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// What the places of extremes are numbers of.
fn places(field: &Field) -> Option<String> {
    let along: Vec<&str> = field.at.iter().map(|at| at.dim.name.as_str()).collect();
    (!along.is_empty()).then(|| {
        format!(
            "places counted from 0 in the row-major order of the selected positions along {}",
            along.join(", ")
        )
    })
}

/// Attributes of the counts beside a field.
pub(super) fn count_attributes(field: &Field) -> Map<String, Value> {
    let mut attributes = Map::new();
    attributes.insert("standard_name".into(), json!("number_of_observations"));
    attributes.insert("long_name".into(), json!(format!("number of values behind {}", field.title())));
    attributes.insert("units".into(), json!("1"));
    attributes
}

/// Attributes of the coordinate variable of `dim`, which name its bounds if they are written too.
pub(super) fn coordinate_attributes(dim: &Dim, coordinate: &Coordinate, bounded: bool) -> Map<String, Value> {
    let bounds = bounded.then(|| bounds_name(dim));
    let known = [
        ("bounds", &bounds),
        ("units", &coordinate.units),
        ("calendar", &coordinate.calendar),
        ("standard_name", &coordinate.standard_name),
        ("long_name", &coordinate.long_name),
        ("axis", &coordinate.axis),
        ("positive", &coordinate.positive),
    ];
    known.into_iter().filter_map(|(key, value)| Some((key.to_owned(), json!(value.as_ref()?)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rangefold_query::samples;

    fn field(variable: &str, operation: &str) -> Field {
        Field {
            variable: variable.into(),
            operation: Some(samples::operation(operation, &["time"])),
            ..samples::map()
        }
    }

    #[test]
    fn a_name_is_as_long_as_it_must_be() {
        assert_eq!(of(&[field("a/tas", "mean")]).unwrap(), ["tas_mean"]);
        assert_eq!(of(&[field("tas", "mean"), field("tas", "max")]).unwrap(), ["tas_mean", "tas_max"]);
        assert_eq!(
            of(&[field("a/tas", "mean"), field("b/tas", "mean")]).unwrap(),
            ["a_tas_mean", "b_tas_mean"]
        );
        assert_eq!(of(&[field("tas", "quantile(0.9)")]).unwrap(), ["tas_quantile_0.9"]);
        let hot = [field("tas", "count_where(> 5.5)"), field("tas", "count_where(> 5.5)")];
        assert!(of(&hot).is_err());
        let hot = [field("tas", "count_where(> 5.5)"), field("tas", "count_where(<= -1)")];
        assert_eq!(of(&hot).unwrap(), ["tas_count_where_gt_5.5", "tas_count_where_le_-1"]);
        assert_eq!(of(&[samples::floats("a/tas", vec![], vec![1.0])]).unwrap(), ["tas"]);
        assert_eq!(of(&[field("lat", "max")]).unwrap(), ["lat_max"]);
    }

    #[test]
    fn two_variables_never_share_a_name() {
        let error = of(&[field("tas", "max"), field("tas", "max")]).unwrap_err();
        assert_eq!(error.to_string(), "2 variables of the output would be called \"tas_max\"");
    }

    #[test]
    fn dimensions_of_one_name_must_agree() {
        let (one, mut other) = (samples::map(), samples::map());
        other.dims[1] = samples::dim("lon", &[0.0, 1.0, 2.0], "degrees_east");
        let error = dims(&[one, other], &["a".into(), "b".into()]).unwrap_err();
        assert_eq!(error.to_string(), "the coordinates of dimension \"lon\" differ between answers");
    }

    #[test]
    fn a_time_keeps_its_calendar() {
        let time = Field { calendar: Some("noleap".into()), ..samples::scalar() };
        assert_eq!(attributes(&time, "time")["calendar"], "noleap");
    }

    #[test]
    fn an_answer_says_how_it_was_made() {
        let mut map = samples::map();
        let of_map = attributes(&map, "tas");
        assert_eq!(of_map["cell_methods"], "time: mean");
        assert_eq!(of_map["ancillary_variables"], "tas_count");
        assert_eq!(of_map["long_name"], "air temperature: mean over time");
        map.operation = Some(samples::operation("max", &["time"]));
        map.operation.as_mut().unwrap().rolling = Some("lat=3:center".into());
        let expected = "time: lat: maximum (windows lat=3:center)";
        assert_eq!(attributes(&map, "tas")["cell_methods"], expected);
    }
}
