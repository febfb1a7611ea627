//! What is to be joined: axes, where their labels come from, and the part each variable has in it.

use rangefold_array::node_path;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rangefold_refs::{ManifestArray, NodePath};

use crate::content::Contents;
use crate::describing::{Describes, describing};
use crate::input::Input;
use crate::input_array::InputArray;
use crate::meaning::same_meaning;
use crate::objects::Objects;
use crate::planned_axis::{LabelSource, PlannedAxis};
use crate::scopes::Scopes;
use crate::times::Spelling;
use crate::{CombineError, CombineSpec, MissingVariable};

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
pub(crate) struct Roles<'a> {
    /// All inputs, of which some are joined here.
    pub(crate) all: &'a Arc<[Input]>,
    /// Which of them, ascending.
    pub(crate) members: Vec<usize>,
    pub(crate) inputs: Vec<&'a Input>,
    pub(crate) spec: &'a CombineSpec,
    pub(crate) axes: Vec<PlannedAxis>,
    pub(crate) variables: BTreeMap<&'a str, Role>,
    /// Variables that describe others.
    pub(crate) describing: BTreeMap<NodePath, Describes>,
    /// Those of them that gain the dimensions that their inputs lack.
    companions: BTreeSet<NodePath>,
    scopes: Scopes<'a>,
    /// The objects of all inputs.
    pub(crate) objects: Objects,
}

/// Companions of more bytes than this gain no dimension for the sake of their values.
const COMPANION_MAX: u64 = 64;

impl<'a> Roles<'a> {
    pub(crate) fn new(
        all: &'a Arc<[Input]>,
        members: Vec<usize>,
        spec: &'a CombineSpec,
    ) -> Result<Self, CombineError> {
        let inputs: Vec<&Input> = members.iter().filter_map(|&member| all.get(member)).collect();
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
        let unknown = spec.identical.keys().find(|path| {
            let holds = |input: &&Input| input.references.arrays.contains_key(*path);
            !inputs.iter().any(holds)
        });
        if let Some(variable) = unknown {
            return Err(CombineError::NoSuchVariable { variable: variable.clone() });
        }
        let describing = describing(&inputs);
        let scopes = Scopes::new(&inputs);
        let axes = scopes.axes(&inputs, spec)?;
        let objects = Objects::new(&inputs, spec.overlap)?;
        let (variables, companions) = (BTreeMap::new(), BTreeSet::new());
        let mut roles =
            Self { all, members, inputs, spec, axes, variables, describing, companions, scopes, objects };
        roles.check_selectors()?;
        roles.find_companions();
        roles.find_roles();
        roles.check_shared()?;
        Ok(roles)
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

    fn find_roles(&mut self) {
        let mut joined_axes: BTreeMap<&'a str, BTreeSet<usize>> = BTreeMap::new();
        for (number, input) in self.inputs.iter().enumerate() {
            for (path, array) in &input.references.arrays {
                let joined = joined_axes.entry(path).or_default();
                if self.spec.identical.contains_key(path) {
                    continue;
                }
                for (axis, planned) in self.axes.iter().enumerate() {
                    if self.scopes.own_axis(path, array, planned).is_some()
                        || self.stretches(number, path, array, axis)
                    {
                        joined.insert(axis);
                    }
                }
            }
        }
        self.variables = joined_axes
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

    /// Variables that describe others and belong to a dimension that inputs lack: bounds of its labels, and what lies
    /// on it in other inputs.
    fn find_companions(&mut self) {
        let mut found = BTreeSet::new();
        for axis in &self.axes {
            let of_labels = |parent: &NodePath| {
                let is_label = |source: &LabelSource| matches!(source, LabelSource::Variable { path, .. } if path == parent);
                *parent == axis.path || axis.label_sources.iter().any(is_label)
            };
            for (path, describes) in &self.describing {
                let on_axis = |input: &&Input| {
                    let array = input.references.arrays.get(path);
                    array.is_some_and(|array| self.scopes.own_axis(path, array, axis).is_some())
                };
                if describes.bounds_of.as_ref().is_some_and(of_labels) || self.inputs.iter().any(on_axis) {
                    found.insert(path.clone());
                }
            }
        }
        self.companions = found;
    }

    /// Variables that describe others, that inputs hold which lack a joined dimension, and that gain it if their values
    /// are not the same in every input.
    fn candidates(&self) -> Vec<&'a str> {
        let may_gain = |path: &str| {
            (0..self.axes.len()).any(|axis| {
                self.inputs.iter().enumerate().any(|(number, input)| {
                    let array = input.references.arrays.get(path);
                    array.is_some_and(|array| {
                        // Strings of any length: some eight characters are assumed.
                        let size = array.meta.data_type.size().unwrap_or(8) as u64;
                        let size = array.meta.shape().iter().fold(size, |size, &n| size.saturating_mul(n));
                        size <= COMPANION_MAX && self.could_stretch(number, path, array, axis)
                    })
                })
            })
        };
        self.variables
            .iter()
            .filter(|(_, role)| **role == Role::Shared)
            .map(|(path, _)| *path)
            .filter(|path| !self.spec.identical.contains_key(*path))
            .filter(|path| {
                let describes = self.describing.get(*path);
                describes.is_some_and(|describes| describes.is_coordinate || describes.bounds_of.is_some())
            })
            .filter(|path| may_gain(path))
            .collect()
    }

    /// Lets variables gain dimensions whose values, now read, are not the same in every input, and bounds with them.
    pub(crate) fn settle(&mut self, contents: &Contents) {
        let candidates = self.candidates();
        let differs = |path: &&&'a str| {
            let arrays = self.arrays(path, &[]);
            let content = |array: &InputArray<'_>| contents.get(&(array.input, (**path).to_owned()));
            let Some((first, others)) = arrays.split_first() else { return false };
            others.iter().any(|other| !same_meaning((first, content(first)), (other, content(other))))
        };
        let mut gaining: BTreeSet<&str> = candidates.iter().filter(differs).copied().collect();
        for &path in &candidates {
            let parent = self.describing.get(path).and_then(|describes| describes.bounds_of.as_deref());
            let parent = parent.and_then(|parent| candidates.iter().find(|candidate| **candidate == parent));
            if let Some(parent) = parent
                && (gaining.contains(path) || gaining.contains(parent))
            {
                gaining.extend([path, parent]);
            }
        }
        self.companions.extend(gaining.iter().map(|path| (*path).to_owned()));
        for path in gaining {
            let gains = |axis: &usize| {
                self.inputs.iter().enumerate().any(|(number, input)| {
                    let array = input.references.arrays.get(path);
                    array.is_some_and(|array| self.could_stretch(number, path, array, *axis))
                })
            };
            let axes: Vec<usize> = (0..self.axes.len()).filter(gains).collect();
            self.variables.insert(path, Role::Joined(axes));
        }
    }

    /// Whether the variable gains the axis, because its input as a whole lacks it and the variable holds data, or has
    /// data on it in other inputs.
    fn stretches(&self, input: usize, path: &str, array: &ManifestArray, axis: usize) -> bool {
        let is_companion = self.companions.contains(path);
        self.could_stretch(input, path, array, axis)
            && (is_companion || !self.describing.contains_key(path) || self.is_label(input, path, axis))
    }

    /// Whether the labels of an input on the axis are the values of this variable.
    fn is_label(&self, input: usize, path: &str, axis: usize) -> bool {
        let source = self.axes.get(axis).and_then(|axis| axis.label_sources.get(input));
        matches!(source, Some(LabelSource::Variable { path: variable, .. }) if variable == path)
    }

    /// Whether the variable can gain the axis, if it holds data.
    fn could_stretch(&self, input: usize, path: &str, array: &ManifestArray, axis: usize) -> bool {
        let Some(planned) = self.axes.get(axis) else { return false };
        let has_labels = planned.label_sources.get(input).is_some_and(|source| *source != LabelSource::None);
        if !has_labels || planned.lengths.get(input) != Some(&None) {
            return false;
        }
        let group = node_path::parent(&planned.path);
        let inside = group.is_empty() || path.starts_with(&format!("{group}/"));
        let name = node_path::leaf(path);
        let is_coordinate = array.meta.dimension_names.iter().any(|d| d == name || d == path);
        let is_grid_mapping = array.attributes.get("grid_mapping_name").is_some();
        let is_axis = self.axes.iter().any(|axis| axis.path == path);
        // A scalar that labels a dimension of another name is kept beside it.
        let is_lost_label = self.is_label(input, path, axis) && !array.meta.shape().is_empty();
        inside && !is_lost_label && !is_coordinate && !is_grid_mapping && !is_axis
    }

    /// The arrays of a variable that lies on the given axes, in the order of the inputs.
    pub(crate) fn arrays<'p>(&'p self, path: &str, axes: &[usize]) -> Vec<InputArray<'p>> {
        let arrays = self.inputs.iter().enumerate();
        arrays
            .filter_map(|(number, input)| {
                let stored = input.references.arrays.get(path)?;
                let mut array = InputArray {
                    input: number,
                    name: &input.name,
                    stored,
                    times: self.spelling(number, path).and_then(Result::ok),
                    stale: self.objects.stale(number, stored.manifest.urls()),
                    own_axes: Vec::with_capacity(axes.len()),
                    stretched: Vec::new(),
                };
                for &axis in axes {
                    let planned = self.axes.get(axis)?;
                    let names = &stored.meta.dimension_names;
                    let own = names.iter().position(|name| *name == planned.dimension);
                    array.own_axes.push(own);
                    let has_labels =
                        planned.label_sources.get(number).is_some_and(|source| *source != LabelSource::None);
                    let gains = planned.path == path
                        || self.stretches(number, path, stored, axis)
                        || (has_labels && self.companions.contains(path));
                    if own.is_none() && gains {
                        array.stretched.push(&planned.dimension);
                    }
                }
                Some(array)
            })
            .collect()
    }

    /// How the times of a variable are spelled in one input; `None` if its numbers are no times.
    pub(crate) fn spelling(&self, input: usize, path: &str) -> Option<Result<Spelling, String>> {
        let arrays = &self.inputs.get(input)?.references.arrays;
        let parent = self.describing.get(path).and_then(|describes| describes.bounds_of.as_ref());
        Spelling::of(arrays.get(path)?, parent.and_then(|parent| arrays.get(parent)))
    }

    /// A variable that is not joined may be missing only where nothing of what it belongs to is there.
    fn check_shared(&mut self) -> Result<(), CombineError> {
        let holders = |path: &str| -> Vec<bool> {
            self.inputs.iter().map(|input| input.references.arrays.contains_key(path)).collect()
        };
        let shared: Vec<&str> =
            self.variables.iter().filter(|(_, role)| **role == Role::Shared).map(|(path, _)| *path).collect();
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
            let joined = self.variables.iter().filter(|(_, role)| matches!(role, Role::Joined(_)));
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
        self.variables.retain(|path, _| !dropped.contains(path));
        Ok(())
    }

    /// Inputs and variables whose values are needed for the labels.
    pub(crate) fn label_reads(&self) -> BTreeSet<(usize, NodePath)> {
        let mut reads = BTreeSet::new();
        for axis in &self.axes {
            for (input, source) in axis.label_sources.iter().enumerate() {
                if let LabelSource::Variable { path, .. } = source {
                    reads.insert((input, path.clone()));
                }
            }
        }
        for path in self.candidates() {
            let held = self.inputs.iter().enumerate();
            let held = held.filter(|(_, input)| input.references.arrays.contains_key(path));
            reads.extend(held.map(|(input, _)| (input, path.to_owned())));
        }
        reads
    }
}
