//! What is to be joined: axes, where their labels come from, and the part each variable has in it.

use std::collections::{BTreeMap, BTreeSet};

use rangefold_refs::{AttributeValue, Attributes, ManifestArray, NodePath, ReferenceSet};

use crate::labels::Labels;
use crate::place::Part;
use crate::selector::{Found, Reading, typed};
use crate::{CombineError, CombineSpec, MissingVariable, Selector};

/// One reference set to combine.
#[derive(Clone, Debug)]
pub struct Input {
    /// What messages call it: its path or URL. Names are what [`Selector::Regex`] looks at.
    pub name: String,
    /// Its references.
    pub references: ReferenceSet,
    /// Whether it was combined before. Its labels are then those of its coordinate variables, whatever the selectors.
    pub combined: bool,
}

impl Input {
    /// A set as it was scanned.
    #[must_use]
    pub fn new(name: impl Into<String>, references: ReferenceSet) -> Self {
        Self { name: name.into(), references, combined: false }
    }

    /// A set that was combined before, to which others are to be added.
    #[must_use]
    pub fn combined(name: impl Into<String>, references: ReferenceSet) -> Self {
        Self { name: name.into(), references, combined: true }
    }
}

/// Where the labels of one input on one axis come from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum LabelSource {
    /// The axis does not concern the input.
    None,
    /// The values of a variable.
    Variable { path: NodePath, reading: Reading },
    /// They are known already.
    Given(Labels),
}

/// A joined axis before its labels are known.
#[derive(Clone, Debug)]
pub(crate) struct PlannedAxis {
    /// Path of its coordinate variable, there or not.
    pub(crate) path: String,
    /// Name of the dimension.
    pub(crate) dimension: String,
    /// For each input.
    pub(crate) sources: Vec<LabelSource>,
    /// For each input, whether a variable of it has the dimension.
    present: Vec<bool>,
}

/// What a variable has to do with the joined axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It is the coordinate variable of this axis.
    Coordinate(usize),
    /// It lies on these axes, in the order of the specification.
    Joined(Vec<usize>),
    /// It lies on none, and must be the same in every input.
    Shared,
}

/// Inputs whose axes and variables are known, from their metadata alone.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) inputs: Vec<&'a Input>,
    pub(crate) spec: &'a CombineSpec,
    pub(crate) axes: Vec<PlannedAxis>,
    pub(crate) roles: BTreeMap<&'a str, Role>,
    /// Variables that describe others, and whose bounds they are where they are bounds.
    pub(crate) describing: BTreeMap<NodePath, Option<NodePath>>,
}

/// Attributes that name variables which describe and hold no data of their own.
const DESCRIBING: [&str; 5] = ["bounds", "climatology", "coordinates", "grid_mapping", "cell_measures"];

/// The part of a path before the last slash.
fn group_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(group, _)| group)
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn in_group(group: &str, name: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{group}/{name}") }
}

impl<'a> Plan<'a> {
    pub(crate) fn new(inputs: Vec<&'a Input>, spec: &'a CombineSpec) -> Result<Self, CombineError> {
        if inputs.is_empty() {
            return Err(CombineError::NoInputs);
        }
        for input in &inputs {
            if let Some((path, error)) = input.references.unreadable.iter().next() {
                return Err(CombineError::Variable {
                    variable: path.clone(),
                    input: input.name.clone(),
                    reason: error.to_string(),
                });
            }
        }
        let describing = describing(&inputs);
        let scopes = Scopes::new(&inputs);
        let axes = scopes.axes(&inputs, spec)?;
        let mut plan = Self { inputs, spec, axes, roles: BTreeMap::new(), describing };
        plan.check_selectors()?;
        plan.find_roles(&scopes);
        plan.check_shared()?;
        Ok(plan)
    }

    /// Every dimension of a selector must be joined.
    fn check_selectors(&self) -> Result<(), CombineError> {
        let unknown = self.spec.selectors.keys().find(|name| !self.spec.concat.contains(name));
        match unknown {
            None => Ok(()),
            Some(name) => Err(CombineError::NoLabels {
                dimension: name.clone(),
                input: "every input".to_owned(),
                reason: "it has a selector but is not among the dimensions to join".to_owned(),
            }),
        }
    }

    fn find_roles(&mut self, scopes: &Scopes<'a>) {
        let mut roles: BTreeMap<&'a str, BTreeSet<usize>> = BTreeMap::new();
        for (number, input) in self.inputs.iter().enumerate() {
            for (path, array) in &input.references.arrays {
                let joined = roles.entry(path).or_default();
                if self.spec.identical.contains_key(path) {
                    continue;
                }
                for (axis, planned) in self.axes.iter().enumerate() {
                    if scopes.own_axis(path, array, planned).is_some()
                        || self.stretches(number, path, array, axis)
                    {
                        joined.insert(axis);
                    }
                }
            }
        }
        self.roles = roles
            .into_iter()
            .map(|(path, joined)| {
                let coordinate = self.axes.iter().position(|axis| axis.path == path);
                let role = match coordinate {
                    Some(axis) => Role::Coordinate(axis),
                    None if joined.is_empty() => Role::Shared,
                    None => Role::Joined(joined.into_iter().collect()),
                };
                (path, role)
            })
            .collect();
    }

    /// Whether the variable gains the axis, because its input as a whole lacks it and the variable holds data.
    fn stretches(&self, input: usize, path: &str, array: &ManifestArray, axis: usize) -> bool {
        let Some(axis) = self.axes.get(axis) else { return false };
        let lacks = axis.present.get(input) == Some(&false)
            && axis.sources.get(input).is_some_and(|source| *source != LabelSource::None);
        if !lacks {
            return false;
        }
        let group = group_of(&axis.path);
        let inside = group.is_empty() || path.starts_with(&format!("{group}/"));
        let labels = axis.sources.get(input);
        let is_label =
            matches!(labels, Some(LabelSource::Variable { path: variable, .. }) if variable == path);
        let name = name_of(path);
        let is_coordinate = array.meta.dimension_names.iter().any(|d| d == name || d == path);
        let is_grid_mapping = array.attributes.get("grid_mapping_name").is_some();
        let is_axis = self.axes.iter().any(|axis| axis.path == path);
        inside
            && !is_label
            && !is_coordinate
            && !is_grid_mapping
            && !is_axis
            && !self.describing.contains_key(path)
    }

    /// The arrays of a variable that lies on the given axes, in the order of the inputs.
    pub(crate) fn parts<'p>(&'p self, path: &str, axes: &[usize]) -> Vec<Part<'p>> {
        let arrays = self.inputs.iter().enumerate();
        arrays
            .filter_map(|(number, input)| {
                let array = input.references.arrays.get(path)?;
                let mut part = Part {
                    input: number,
                    name: &input.name,
                    array,
                    sources: Vec::with_capacity(axes.len()),
                    stretched: Vec::new(),
                };
                for &axis in axes {
                    let planned = self.axes.get(axis)?;
                    let names = &array.meta.dimension_names;
                    let own = names.iter().position(|name| *name == planned.dimension);
                    part.sources.push(own);
                    let gains = planned.path == path || self.stretches(number, path, array, axis);
                    if own.is_none() && gains {
                        part.stretched.push(&planned.dimension);
                    }
                }
                Some(part)
            })
            .collect()
    }

    /// A variable that is not joined may be missing only where nothing of what it belongs to is there.
    fn check_shared(&mut self) -> Result<(), CombineError> {
        let holders = |path: &str| -> Vec<bool> {
            self.inputs.iter().map(|input| input.references.arrays.contains_key(path)).collect()
        };
        let shared: Vec<&str> =
            self.roles.iter().filter(|(_, role)| **role == Role::Shared).map(|(path, _)| *path).collect();
        let mut dropped = Vec::new();
        for path in shared {
            let has = holders(path);
            if has.iter().all(|&has| has) || self.spec.missing_variable == MissingVariable::Fill {
                continue;
            }
            if self.spec.missing_variable == MissingVariable::Drop {
                dropped.push(path);
                continue;
            }
            let joined = self.roles.iter().filter(|(_, role)| matches!(role, Role::Joined(_)));
            for (other, _) in joined {
                let both = holders(other);
                let with = both.iter().zip(&has).any(|(&other, &has)| other && has);
                let without = both.iter().zip(&has).position(|(&other, &has)| other && !has);
                if let Some(missing) = without.filter(|_| with) {
                    return Err(CombineError::MissingVariable {
                        variable: path.to_owned(),
                        present: has.iter().filter(|&&has| has).count(),
                        inputs: has.len(),
                        missing: self.inputs.get(missing).map_or("", |input| &input.name).to_owned(),
                        other: (*other).to_owned(),
                    });
                }
            }
        }
        self.roles.retain(|path, _| !dropped.contains(path));
        Ok(())
    }

    /// Inputs and variables whose values are needed for the labels.
    pub(crate) fn label_reads(&self) -> BTreeSet<(usize, NodePath)> {
        let mut reads = BTreeSet::new();
        for axis in &self.axes {
            for (input, source) in axis.sources.iter().enumerate() {
                if let LabelSource::Variable { path, .. } = source {
                    reads.insert((input, path.clone()));
                }
            }
        }
        reads
    }
}

/// Variables that attributes of others name as describing them.
fn describing(inputs: &[&Input]) -> BTreeMap<NodePath, Option<NodePath>> {
    let mut described: BTreeMap<NodePath, Option<NodePath>> = BTreeMap::new();
    let mut last: BTreeMap<&str, &Attributes> = BTreeMap::new();
    for input in inputs {
        for (path, array) in &input.references.arrays {
            // Inputs are much alike: what was looked through is not looked through again.
            if last.insert(path, &array.attributes) == Some(&array.attributes) {
                continue;
            }
            for name in DESCRIBING {
                let Some(text) = array.attributes.get(name).and_then(AttributeValue::as_text) else {
                    continue;
                };
                let bounds_of = matches!(name, "bounds" | "climatology").then(|| path.clone());
                for word in text.split_whitespace().filter(|word| !word.ends_with(':')) {
                    let variable = match word.strip_prefix('/') {
                        Some(absolute) => absolute.to_owned(),
                        None => in_group(group_of(path), word),
                    };
                    let slot = described.entry(variable).or_default();
                    *slot = slot.take().or_else(|| bounds_of.clone());
                }
            }
        }
    }
    described
}

/// Which coordinate variable a dimension's name means: the nearest one, seen from a variable's group to the root.
struct Scopes<'a> {
    /// Paths of all arrays that can be coordinate variables.
    coordinates: BTreeSet<&'a str>,
}

impl<'a> Scopes<'a> {
    fn new(inputs: &[&'a Input]) -> Self {
        let arrays = inputs.iter().flat_map(|input| &input.references.arrays);
        let coordinates = arrays.filter(|(path, array)| is_coordinate(path, array));
        Self { coordinates: coordinates.map(|(path, _)| path.as_str()).collect() }
    }

    /// Path of the coordinate variable of `dimension` as seen from `group`; the name itself if there is none.
    fn axis_path(&self, group: &str, dimension: &str) -> String {
        let mut group = group;
        while !group.is_empty() && !dimension.contains('/') {
            let candidate = in_group(group, dimension);
            if self.coordinates.contains(candidate.as_str()) {
                return candidate;
            }
            group = group_of(group);
        }
        dimension.to_owned()
    }

    /// Which axis of an array is the joined one.
    fn own_axis(&self, path: &str, array: &ManifestArray, axis: &PlannedAxis) -> Option<usize> {
        let own = array.meta.dimension_names.iter().position(|name| *name == axis.dimension)?;
        (self.axis_path(group_of(path), &axis.dimension) == axis.path).then_some(own)
    }

    fn axes(&self, inputs: &[&'a Input], spec: &CombineSpec) -> Result<Vec<PlannedAxis>, CombineError> {
        let mut axes: Vec<PlannedAxis> = Vec::new();
        for wanted in &spec.concat {
            // Path of the coordinate variable, and name of the dimension.
            let mut found: BTreeSet<(String, String)> = BTreeSet::new();
            for (path, array) in inputs.iter().flat_map(|input| &input.references.arrays) {
                for dimension in &array.meta.dimension_names {
                    if dimension != wanted && dimension != name_of(wanted) {
                        continue;
                    }
                    let axis = self.axis_path(group_of(path), dimension);
                    if dimension == wanted || axis == *wanted {
                        found.insert((axis, dimension.clone()));
                    }
                }
                let is_scalar = array.meta.shape().is_empty();
                if is_scalar && (path == wanted || name_of(path) == wanted) {
                    found.insert((path.clone(), name_of(path).to_owned()));
                }
            }
            if found.is_empty() {
                found.insert((wanted.clone(), name_of(wanted).to_owned()));
            }
            for (path, dimension) in found {
                if axes.iter().any(|axis| axis.path == path) {
                    continue;
                }
                let mut axis = PlannedAxis { path, dimension, sources: Vec::new(), present: Vec::new() };
                axis.present = inputs.iter().map(|input| self.is_present(input, &axis)).collect();
                axis.sources = label_sources(inputs, &axis, spec.selectors.get(wanted), spec)?;
                axes.push(axis);
            }
        }
        Ok(axes)
    }

    fn is_present(&self, input: &Input, axis: &PlannedAxis) -> bool {
        input.references.arrays.iter().any(|(path, array)| self.own_axis(path, array, axis).is_some())
    }
}

/// Whether an array can be a coordinate variable: it has just the dimension of its own name, or none.
fn is_coordinate(path: &str, array: &ManifestArray) -> bool {
    match array.meta.dimension_names.as_slice() {
        [] => true,
        [name] => name == name_of(path) || name == path,
        _ => false,
    }
}

/// Where the labels of each input on one axis come from.
fn label_sources(
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
    let fresh = inputs.iter().filter(|input| !input.combined).count();
    let mut ordinal = 0;
    for (number, input) in inputs.iter().enumerate() {
        let arrays = &input.references.arrays;
        let Some(selector) = selector.filter(|_| !input.combined) else {
            let coordinate = arrays.get(&axis.path).filter(|array| is_coordinate(&axis.path, array));
            sources.push(match (coordinate, axis.present.get(number)) {
                (Some(_), _) => LabelSource::Variable { path: axis.path.clone(), reading: Reading::Auto },
                (None, Some(false)) => LabelSource::None,
                (None, _) => {
                    let reason = "it has no coordinate variable, and no selector says where labels come from";
                    return Err(no_labels(&input.name, reason.to_owned()));
                }
            });
            continue;
        };
        match selector {
            Selector::Data(variable) | Selector::Cf(variable) => {
                let nearby = in_group(group_of(&axis.path), variable);
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
                let labels = found_on(input, ordinal, fresh, selector, spec, inputs)
                    .map_err(|reason| no_labels(&input.name, reason))?;
                found.push((number, labels));
                sources.push(LabelSource::None);
            }
        }
        ordinal += 1;
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

/// The labels that a selector finds on an input, which is number `ordinal` of the `fresh` ones.
fn found_on(
    input: &Input,
    ordinal: usize,
    fresh: usize,
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
        match urls.first() {
            Some(url) if urls.len() == 1 => Ok(*url),
            _ => Err(format!("it refers to {} objects, not to one", urls.len())),
        }
    };
    Ok(match selector {
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
        Selector::List(values) if values.len() != fresh => {
            return Err(format!("the list has {} values for {fresh} inputs", values.len()));
        }
        Selector::List(values) => values.get(ordinal).cloned().map(Found::Text).into_iter().collect(),
        Selector::Index if inputs.iter().any(|input| input.combined) => {
            return Err("numbers of inputs mean nothing where inputs are added to others".to_owned());
        }
        Selector::Index => vec![Found::Integer(i128::try_from(ordinal).unwrap_or(i128::MAX))],
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
        Selector::Data(_) | Selector::Cf(_) => Vec::new(),
    })
}
