//! Where the labels of each input come from.

use rangefold_array::node_path;
use std::collections::BTreeSet;

use rangefold_refs::Attributes;

use crate::describing::describing;
use crate::input::Input;
use crate::labelling::{Found, Reading, typed};
use crate::planned_axis::{LabelSource, PlannedAxis};
use crate::scopes::is_coordinate;
use crate::{CombineError, CombineSpec, Selector};

/// Where the labels of each input on one axis come from.
pub(crate) fn label_sources(
    inputs: &[&Input],
    axis: &PlannedAxis,
    selector: Option<&Selector>,
    spec: &CombineSpec,
) -> Result<Vec<LabelSource>, CombineError> {
    let no_labels = |input: &str, reason: String| CombineError::NoLabels {
        dimension: axis.dimension.clone(),
        input: input.to_owned(),
        reason,
    };
    let mut sources = Vec::with_capacity(inputs.len());
    // What was found on inputs, to be given a kind all together.
    let mut found: Vec<(usize, Vec<Found>)> = Vec::new();
    // Positions of the inputs that were not combined before: of a dimension that an input lacks there is one.
    let counts = || inputs.iter().zip(&axis.lengths).filter(|(input, _)| !input.combined);
    let total: u64 = counts().map(|(_, length)| length.unwrap_or(1)).sum();
    let mut first = 0;
    for (number, input) in inputs.iter().enumerate() {
        let arrays = &input.references.arrays;
        let length = axis.lengths.get(number).copied().flatten();
        let Some(selector) = selector.filter(|_| !input.combined) else {
            let coordinate = arrays.get(&axis.path).filter(|array| is_coordinate(&axis.path, array));
            sources.push(match (coordinate, length) {
                (Some(_), _) => LabelSource::Variable { path: axis.path.clone(), reading: Reading::Auto },
                (None, None) => LabelSource::None,
                (None, _) => {
                    let reason = "it has no coordinate variable, and no selector, such as index, says where labels come from";
                    return Err(no_labels(&input.name, reason.to_owned()));
                }
            });
            continue;
        };
        match selector {
            Selector::Data(variable) | Selector::Cf(variable) => {
                let nearby = node_path::join(node_path::parent(&axis.path), variable);
                let path = if arrays.contains_key(&nearby) { &nearby } else { variable };
                match arrays.get(path) {
                    None => return Err(no_labels(&input.name, format!("there is no variable {variable:?}"))),
                    Some(array) if array.meta.grid.rank() > 1 => {
                        let reason = format!("variable {variable:?} has {} axes", array.meta.grid.rank());
                        return Err(no_labels(&input.name, reason));
                    }
                    Some(_) => {}
                }
                let reading = if matches!(selector, Selector::Data(_)) { Reading::Data } else { Reading::Cf };
                sources.push(LabelSource::Variable { path: path.clone(), reading });
            }
            _ => {
                let positions = Positions { first, count: length.unwrap_or(1), total };
                let labels = found_on(input, positions, selector, spec, inputs)
                    .map_err(|reason| no_labels(&input.name, reason))?;
                found.push((number, labels));
                sources.push(LabelSource::None);
            }
        }
        first += length.unwrap_or(1);
    }
    let (numbers, labels): (Vec<usize>, Vec<Vec<Found>>) = found.into_iter().unzip();
    for (number, labels) in numbers.into_iter().zip(typed(&labels)) {
        if let Some(source) = sources.get_mut(number) {
            *source = LabelSource::Given(labels);
        }
    }
    if sources.iter().all(|source| *source == LabelSource::None) {
        let reason = "no input has the dimension, and no selector says where labels come from";
        return Err(no_labels(inputs.first().map_or("", |input| &input.name), reason.to_owned()));
    }
    Ok(sources)
}

/// The positions of one input among those of all.
#[derive(Clone, Copy, Debug)]
struct Positions {
    first: u64,
    count: u64,
    total: u64,
}

/// The labels that a selector finds on an input.
fn found_on(
    input: &Input,
    positions: Positions,
    selector: &Selector,
    spec: &CombineSpec,
    inputs: &[&Input],
) -> Result<Vec<Found>, String> {
    let attribute = |attributes: &Attributes, name: &str| {
        let value = attributes.get(name).ok_or_else(|| format!("there is no attribute {name:?}"))?;
        Found::in_attribute(value).ok_or_else(|| format!("attribute {name:?} is neither number nor text"))
    };
    let url = || {
        let urls: BTreeSet<&str> = input
            .references
            .arrays
            .values()
            .flat_map(|array| array.manifest.urls())
            .map(AsRef::as_ref)
            .collect();
        // A file that stands in its references as a whole is still known by where it was scanned.
        let recorded = input.references.sources.keys().map(AsRef::as_ref);
        let urls = if urls.is_empty() { recorded.collect() } else { urls };
        match urls.first() {
            Some(url) if urls.len() == 1 => Ok(*url),
            _ => Err(format!("it refers to {} objects, not to one", urls.len())),
        }
    };
    let count = usize::try_from(positions.count).unwrap_or(usize::MAX);
    let found = match selector {
        Selector::Attribute(name) => {
            let root = input.references.groups.get("").map(|group| &group.attributes);
            attribute(root.unwrap_or(&Attributes::new()), name)?
        }
        Selector::VariableAttribute { variable, attribute: name } => {
            let array = input.references.arrays.get(variable);
            attribute(&array.ok_or_else(|| format!("there is no variable {variable:?}"))?.attributes, name)?
        }
        Selector::Regex(pattern) => {
            let found = pattern.captures(&input.name).and_then(|groups| groups.get(1).or(groups.get(0)));
            let found = found.ok_or_else(|| format!("{:?} does not match its name", pattern.as_str()))?;
            vec![Found::Text(found.as_str().to_owned())]
        }
        Selector::List(values) if values.len() as u64 != positions.total => {
            return Err(format!(
                "the list has {} values for {} positions in all inputs",
                values.len(),
                positions.total
            ));
        }
        Selector::List(values) => {
            let skipped = usize::try_from(positions.first).unwrap_or(usize::MAX);
            values.iter().skip(skipped).take(count).cloned().map(Found::Text).collect()
        }
        Selector::Index if inputs.iter().any(|input| input.combined) => {
            return Err("numbers of positions mean nothing where inputs are added to others".to_owned());
        }
        Selector::Index => {
            if u32::try_from(positions.count).is_err() {
                return Err(format!("it has {count} positions, more than 32 bits can count"));
            }
            (positions.first..).take(count).map(|position| Found::Integer(position.into())).collect()
        }
        Selector::VariableName => {
            let data: Vec<&str> = input
                .references
                .arrays
                .iter()
                .filter(|(path, array)| !is_coordinate(path, array))
                .map(|(path, _)| path.as_str())
                .filter(|path| !spec.identical.contains_key(*path))
                .filter(|path| !describing(&[input]).contains_key(*path))
                .collect();
            match data.as_slice() {
                [name] => vec![Found::Text((*name).to_owned())],
                _ => return Err(format!("it holds {} variables with data, not one", data.len())),
            }
        }
        Selector::Size => {
            let url = url()?;
            let size = input.references.sources.get(url).and_then(|source| source.size);
            vec![Found::Integer(size.ok_or("the size of its object is not known")?.into())]
        }
        Selector::Url => vec![Found::Text(url()?.to_owned())],
        Selector::Name => vec![Found::Text(input.name.clone())],
        // Labels in a variable are read with the variable.
        Selector::Data(_) | Selector::Cf(_) => return Ok(Vec::new()),
    };
    if found.len() != count {
        return Err(format!(
            "the selector gives {} where there are {count} positions; index and list label each position",
            if found.len() == 1 { "one label".to_owned() } else { format!("{} labels", found.len()) }
        ));
    }
    Ok(found)
}
