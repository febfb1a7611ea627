//! Names and attributes of variables in an output that holds many, by the CF conventions.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

use super::field::{Coordinate, Dim, Field, Operation};
use crate::number;

/// A name for each field: its last name; with its groups where that is not enough; with its operation where two
/// answers are about one variable.
///
/// # Errors
///
/// Two fields have the same variable and operation, or a field is called as a dimension or count of another.
pub(super) fn of(fields: &[Field]) -> Result<Vec<String>> {
    let leaf = |field: &Field| field.variable.rsplit('/').next().unwrap_or_default().to_owned();
    let shared = |field: &Field| {
        fields.iter().any(|other| other.variable != field.variable && leaf(other) == leaf(field))
    };
    let names = fields.iter().map(|field| {
        let name = if shared(field) { field.variable.replace('/', "_") } else { leaf(field) };
        let alone = fields.iter().filter(|other| other.variable == field.variable).count() == 1;
        match &field.operation {
            // A coordinate that was reduced is not the coordinate any more.
            Some(operation) if !alone || field.dims.iter().any(|dim| dim.name == name) => {
                format!("{name}_{}", operation.name)
            }
            _ => name,
        }
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
    put("units", field.units.clone());
    put("calendar", field.calendar.clone());
    put("long_name", field.long_name.clone());
    put("cell_methods", field.operation.as_ref().and_then(cell_methods));
    let meanings: Vec<&str> = field.flags.iter().map(|(_, meaning)| meaning.as_str()).collect();
    put("flag_meanings", (!meanings.is_empty()).then(|| meanings.join(" ")));
    put("comment", places(field));
    put("ancillary_variables", field.counts_apart().then(|| count(name)));
    if !field.flags.is_empty() {
        let values = field.flags.iter().map(|(value, _)| number::integer(*value)).collect();
        attributes.insert("flag_values".to_owned(), Value::Array(values));
    }
    attributes
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

/// CF names a few operations; others have no word.
fn cell_methods(operation: &Operation) -> Option<String> {
    let method = match operation.name.as_str() {
        "min" => "minimum",
        "max" => "maximum",
        "mean" => "mean",
        "sum" => "sum",
        "var" => "variance",
        "std" => "standard_deviation",
        "range" => "range",
        "median" => "median",
        _ => return None,
    };
    let rolled = operation.rolling.as_deref().and_then(|rolling| rolling.split_once('='));
    let rolled = rolled.map(|(dim, _)| dim);
    let over: String =
        operation.over.iter().map(String::as_str).chain(rolled).map(|dim| format!("{dim}: ")).collect();
    let comment = operation.rolling.iter().map(|rolling| format!(" (comment: windows {rolling})"));
    (!over.is_empty()).then(|| format!("{over}{method}{}", comment.collect::<String>()))
}

/// Attributes of the counts beside a field.
pub(super) fn count_attributes(field: &Field) -> Map<String, Value> {
    let mut attributes = Map::new();
    attributes.insert("standard_name".into(), json!("number_of_observations"));
    attributes.insert("long_name".into(), json!(format!("number of values behind {}", field.title())));
    attributes.insert("units".into(), json!("1"));
    attributes
}

/// Attributes of a coordinate variable.
pub(super) fn coordinate_attributes(coordinate: &Coordinate) -> Map<String, Value> {
    let known = [
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
    use crate::result::samples;

    fn field(variable: &str, operation: &str) -> Field {
        Field {
            variable: variable.into(),
            operation: Some(Operation { name: operation.into(), over: vec!["time".into()], rolling: None }),
            ..samples::map()
        }
    }

    #[test]
    fn a_name_is_as_long_as_it_must_be() {
        assert_eq!(of(&[field("a/tas", "mean")]).unwrap(), ["tas"]);
        assert_eq!(of(&[field("tas", "mean"), field("tas", "max")]).unwrap(), ["tas_mean", "tas_max"]);
        assert_eq!(of(&[field("a/tas", "mean"), field("b/tas", "mean")]).unwrap(), ["a_tas", "b_tas"]);
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
        let rolling = Some("lat=3:center".into());
        map.operation = Some(Operation { name: "max".into(), over: vec!["time".into()], rolling });
        let expected = "time: lat: maximum (comment: windows lat=3:center)";
        assert_eq!(attributes(&map, "tas")["cell_methods"], expected);
    }
}
