//! The core: from inputs, labels and the values that were read to one reference set.

use std::collections::{BTreeMap, BTreeSet};

use rangefold_array::ElementType;
use rangefold_refs::{AttributeValue, Attributes, Group, ManifestArray, NodePath, ReferenceSet};

use crate::axis::Axis;
use crate::compare::{self, merge_attributes, require_equal};
use crate::labels::Labels;
use crate::place::{self, JoinedAxis, Part, Verify};
use crate::{Chunks, CombineError, CombineSpec, MissingVariable, encode};

/// Variables on a joined dimension that are coordinates or bounds are read and written inline up to this many decoded
/// bytes an input: their chunks are often longer than the file and could not be joined by reference.
pub(crate) const READ_MAX: u64 = 1 << 20;

/// One reference set to combine.
#[derive(Clone, Debug)]
pub struct Input {
    /// What messages call it: its path or URL.
    pub name: String,
    /// Its references.
    pub references: ReferenceSet,
}

/// Decoded values of a whole variable, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Elements in the array's own type and byte order.
    Bytes(Vec<u8>),
    /// Strings of any length.
    Texts(Vec<String>),
}

/// What a variable's place in the result is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The coordinate of a joined dimension: written anew from the labels.
    Coordinate(String),
    /// Read, joined and written inline.
    Read,
    /// Joined by reference.
    Placed,
    /// The same in every input, and kept from the first.
    Shared,
}

/// The result of combining.
#[derive(Clone, Debug)]
pub struct Combined {
    /// The joined set.
    pub references: ReferenceSet,
    /// Chunks that two inputs hold in different bytes, to be accepted only if they decode to the same.
    pub verify: Vec<Verify>,
    /// Attributes left out because inputs differ: variable (or `/`) and attribute.
    pub dropped_attributes: BTreeSet<(String, String)>,
}

/// Inputs whose variables have been given their roles.
#[derive(Debug)]
pub struct Plan<'a> {
    inputs: &'a [Input],
    spec: &'a CombineSpec,
    roles: BTreeMap<NodePath, Role>,
    /// Joined dimensions that no input has.
    new_dimensions: BTreeSet<String>,
}

/// Attributes whose values name other variables, which describe and do not hold data.
const DESCRIBING: [&str; 5] = ["bounds", "climatology", "coordinates", "grid_mapping", "cell_measures"];

impl<'a> Plan<'a> {
    /// Gives every variable of the inputs its role.
    ///
    /// # Errors
    ///
    /// [`CombineError::NoInputs`], or [`CombineError::MissingVariable`] if a variable is not everywhere and that is not
    /// allowed.
    pub fn new(inputs: &'a [Input], spec: &'a CombineSpec) -> Result<Self, CombineError> {
        if inputs.is_empty() {
            return Err(CombineError::NoInputs);
        }
        let arrays = || inputs.iter().flat_map(|input| &input.references.arrays);
        let has_dimension = |d: &String| arrays().any(|(_, array)| array.meta.dimension_names.contains(d));
        let new_dimensions: BTreeSet<String> =
            spec.concat.iter().filter(|d| !has_dimension(d)).cloned().collect();
        let describing: BTreeSet<NodePath> =
            arrays().flat_map(|(path, array)| described_by(path, &array.attributes)).collect();
        let mut roles = BTreeMap::new();
        for (path, array) in arrays() {
            if roles.contains_key(path) {
                continue;
            }
            let missing: Vec<&Input> =
                inputs.iter().filter(|i| !i.references.arrays.contains_key(path)).collect();
            if let Some(first) = missing.first() {
                match spec.missing_variable {
                    MissingVariable::Fill => {}
                    MissingVariable::Drop => continue,
                    MissingVariable::Error => {
                        return Err(CombineError::MissingVariable {
                            variable: path.clone(),
                            missing: missing.len(),
                            inputs: inputs.len(),
                            first: first.name.clone(),
                        });
                    }
                }
            }
            roles.insert(path.clone(), role(path, array, spec, &new_dimensions, describing.contains(path)));
        }
        Ok(Self { inputs, spec, roles, new_dimensions })
    }

    /// The inputs.
    #[must_use]
    pub fn inputs(&self) -> &'a [Input] {
        self.inputs
    }

    /// Variables whose values are needed from every input that has them.
    pub fn read_from_all(&self) -> impl Iterator<Item = &NodePath> {
        self.roles.iter().filter(|(_, role)| **role == Role::Read).map(|(path, _)| path)
    }

    /// Variables that must hold the same values in every input that has them.
    pub fn same_in_all(&self) -> impl Iterator<Item = &NodePath> {
        self.roles.iter().filter(|(_, role)| **role == Role::Shared).map(|(path, _)| path)
    }

    /// Joins the inputs. `labels` are one map per input from joined dimension to labels; `contents` one map per input
    /// with the values of [`Plan::read_from_all`], and in the first that has them of [`Plan::same_in_all`] where those
    /// are to be written inline.
    ///
    /// # Errors
    ///
    /// [`CombineError`] wherever joining would be wrong.
    pub fn join(
        &self,
        labels: &[BTreeMap<String, Labels>],
        contents: &[BTreeMap<NodePath, Content>],
    ) -> Result<Combined, CombineError> {
        let axes = self.axes(labels)?;
        let mut combined = Combined {
            references: ReferenceSet::new(),
            verify: Vec::new(),
            dropped_attributes: BTreeSet::new(),
        };
        self.join_groups(&mut combined);
        self.join_sources(&mut combined)?;
        for (path, role) in &self.roles {
            let parts = self.parts(path);
            let joined = self.joined_axes(role, &parts, &axes);
            let compared: Vec<usize> = joined.iter().filter_map(|j| j.source).collect();
            let any_chunks = *role != Role::Placed || self.spec.chunks == Chunks::Rectilinear;
            let ignore_units = matches!(role, Role::Coordinate(_));
            if !ignore_units {
                let properties: Vec<_> = parts
                    .iter()
                    .map(|p| (p.name, compare::properties(p.array, &compared, any_chunks)))
                    .collect();
                require_equal(path, &properties)?;
            }
            let mut array = match role {
                Role::Coordinate(dimension) => self.coordinate(path, dimension, &axes, &parts)?,
                Role::Placed => place::join(
                    path,
                    &parts,
                    &joined,
                    self.spec.chunks,
                    self.spec.overlap,
                    &mut combined.verify,
                )?,
                Role::Read => self.read_variable(path, &parts, &joined, contents)?,
                Role::Shared => self.shared_variable(path, &parts, contents)?,
            };
            array.attributes = self.merged(path, &parts, &array.attributes, ignore_units, &mut combined);
            combined.references.arrays.insert(path.clone(), array);
        }
        for axis in axes.values().filter(|axis| self.new_dimensions.contains(&axis.dimension)) {
            if !combined.references.arrays.contains_key(&axis.dimension) {
                let array = encode::coordinate(&axis.dimension, &axis.dimension, &axis.labels, None)?;
                combined.references.arrays.insert(axis.dimension.clone(), array);
            }
        }
        Ok(combined)
    }

    fn axes(&self, labels: &[BTreeMap<String, Labels>]) -> Result<BTreeMap<String, Axis>, CombineError> {
        let mut axes = BTreeMap::new();
        for dimension in &self.spec.concat {
            let mut inputs = Vec::with_capacity(self.inputs.len());
            for (input, labels) in self.inputs.iter().zip(labels) {
                let labels = labels.get(dimension).ok_or_else(|| CombineError::NoLabels {
                    dimension: dimension.clone(),
                    input: input.name.clone(),
                    reason: "nothing was read".to_owned(),
                })?;
                inputs.push((input.name.as_str(), labels));
            }
            axes.insert(dimension.clone(), Axis::join(dimension, &inputs, self.spec.sort)?);
        }
        Ok(axes)
    }

    fn parts(&self, path: &str) -> Vec<Part<'a>> {
        self.inputs
            .iter()
            .enumerate()
            .filter_map(|(input, i)| {
                Some(Part { input, name: &i.name, array: i.references.arrays.get(path)? })
            })
            .collect()
    }

    /// The joined axes of a variable, in the order of the specification; new ones only for variables that hold data.
    fn joined_axes<'x>(
        &self,
        role: &Role,
        parts: &[Part<'_>],
        axes: &'x BTreeMap<String, Axis>,
    ) -> Vec<JoinedAxis<'x>> {
        let names = parts.first().map(|p| p.array.meta.dimension_names.as_slice()).unwrap_or_default();
        self.spec
            .concat
            .iter()
            .filter_map(|dimension| {
                let source = names.iter().position(|name| name == dimension);
                let takes_part =
                    source.is_some() || (*role == Role::Placed && self.new_dimensions.contains(dimension));
                takes_part.then(|| axes.get(dimension)).flatten().map(|axis| JoinedAxis { axis, source })
            })
            .collect()
    }

    fn coordinate(
        &self,
        path: &str,
        dimension: &str,
        axes: &BTreeMap<String, Axis>,
        parts: &[Part<'_>],
    ) -> Result<ManifestArray, CombineError> {
        let Some(axis) = axes.get(dimension) else { return Err(CombineError::NoInputs) };
        // The template is the input that holds the earliest label, so that the order of inputs makes no difference.
        let template = parts
            .iter()
            .min_by_key(|part| axis.places.get(part.input).and_then(|places| places.iter().min().copied()))
            .map(|part| part.array);
        let mut array = encode::coordinate(dimension, path, &axis.labels, template)?;
        if let Labels::Times { units, .. } = &axis.labels
            && let Some(AttributeValue::Text(text)) = template.and_then(|t| t.attributes.get("units"))
        {
            // The labels are in the units of the earliest input; keep its own spelling of them.
            debug_assert!(rangefold_cf::TimeUnits::parse(text, Some(&units.calendar().to_string())).is_ok());
            array.attributes.insert("units", AttributeValue::Text(text.clone()));
        }
        Ok(array)
    }

    fn read_variable(
        &self,
        path: &str,
        parts: &[Part<'_>],
        joined: &[JoinedAxis<'_>],
        contents: &[BTreeMap<NodePath, Content>],
    ) -> Result<ManifestArray, CombineError> {
        crate::values::join(path, parts, joined, |part| self.content(path, part, contents))
    }

    fn content<'c>(
        &self,
        path: &str,
        part: &Part<'_>,
        contents: &'c [BTreeMap<NodePath, Content>],
    ) -> Result<&'c Content, CombineError> {
        contents.get(part.input).and_then(|c| c.get(path)).ok_or_else(|| CombineError::MissingContent {
            variable: path.to_owned(),
            input: part.name.to_owned(),
        })
    }

    /// The first input's array, inline if its values were read.
    fn shared_variable(
        &self,
        path: &str,
        parts: &[Part<'_>],
        contents: &[BTreeMap<NodePath, Content>],
    ) -> Result<ManifestArray, CombineError> {
        let Some(first) = parts.first() else { return Err(CombineError::NoInputs) };
        let Some(content) = contents.get(first.input).and_then(|c| c.get(path)) else {
            return Ok(first.array.clone());
        };
        let meta = &first.array.meta;
        encode::inline(
            path,
            meta.shape(),
            meta.dimension_names.clone(),
            meta.data_type.clone(),
            meta.fill_value.clone(),
            first.array.attributes.clone(),
            content,
        )
    }

    /// Attributes by the rules; those that give numbers their meaning have been compared already. A coordinate keeps the
    /// units and calendar it was written in.
    fn merged(
        &self,
        path: &str,
        parts: &[Part<'_>],
        written: &Attributes,
        is_coordinate: bool,
        combined: &mut Combined,
    ) -> Attributes {
        let all: Vec<&Attributes> = parts.iter().map(|p| &p.array.attributes).collect();
        let mut merged = merge_attributes(&all, &self.spec.attributes, |name| {
            if !(is_coordinate && name == "units") {
                combined.dropped_attributes.insert((path.to_owned(), name.to_owned()));
            }
        });
        if is_coordinate && let Some(units) = written.get("units") {
            merged.insert("units", units.clone());
        }
        merged
    }

    fn join_groups(&self, combined: &mut Combined) {
        let paths: BTreeSet<&NodePath> =
            self.inputs.iter().flat_map(|i| i.references.groups.keys()).collect();
        for path in paths {
            let all: Vec<&Attributes> = self
                .inputs
                .iter()
                .filter_map(|i| i.references.groups.get(path))
                .map(|g| &g.attributes)
                .collect();
            let attributes = merge_attributes(&all, &self.spec.attributes, |name| {
                combined.dropped_attributes.insert((format!("{path}/"), name.to_owned()));
            });
            combined.references.groups.insert(path.clone(), Group { attributes });
        }
    }

    fn join_sources(&self, combined: &mut Combined) -> Result<(), CombineError> {
        let mut known: BTreeMap<&str, (&str, String)> = BTreeMap::new();
        for input in self.inputs {
            for (url, source) in &input.references.sources {
                let state = format!("{source:?}");
                match known.get(url.as_ref()) {
                    Some((first, before)) if *before != state => {
                        let values = [(*first, before.as_str()), (input.name.as_str(), state.as_str())];
                        let error = compare::disagreement(url, "state when scanned", &values);
                        return Err(error.unwrap_or(CombineError::NoInputs));
                    }
                    Some(_) => {}
                    None => {
                        known.insert(url, (&input.name, state));
                        combined.references.sources.insert(url.clone(), source.clone());
                    }
                }
            }
        }
        Ok(())
    }
}

fn role(
    path: &str,
    array: &ManifestArray,
    spec: &CombineSpec,
    new_dimensions: &BTreeSet<String>,
    describing: bool,
) -> Role {
    let name = path.rsplit('/').next().unwrap_or(path);
    let dimensions = &array.meta.dimension_names;
    let is_coordinate = dimensions.iter().any(|d| d == name);
    if spec.identical.contains_key(path) {
        return Role::Shared;
    }
    if spec.concat.iter().any(|d| dimensions.contains(d)) {
        if dimensions.len() == 1 && is_coordinate {
            return Role::Coordinate(name.to_owned());
        }
        let small = array.meta.nbytes().is_none_or(|n| n <= READ_MAX);
        let texts = array.meta.data_type.element == ElementType::VlenString;
        return if (describing && small) || texts { Role::Read } else { Role::Placed };
    }
    if new_dimensions.is_empty() || describing || is_coordinate { Role::Shared } else { Role::Placed }
}

/// Paths of the variables that the attributes of the variable at `path` name as describing it.
fn described_by(path: &str, attributes: &Attributes) -> Vec<NodePath> {
    let group = path.rsplit_once('/').map_or("", |(group, _)| group);
    DESCRIBING
        .iter()
        .filter_map(|name| attributes.get(name)?.as_text())
        .flat_map(str::split_whitespace)
        .filter(|word| !word.ends_with(':'))
        .map(|word| match word.strip_prefix('/') {
            Some(absolute) => absolute.to_owned(),
            None if group.is_empty() => word.to_owned(),
            None => format!("{group}/{word}"),
        })
        .collect()
}
