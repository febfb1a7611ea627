//! Which axis a dimension's name means.

use rangefold_array::node_path;
use std::collections::BTreeSet;

use rangefold_refs::ManifestArray;

use crate::found::label_sources;
use crate::input::Input;
use crate::planned_axis::PlannedAxis;
use crate::{CombineError, CombineSpec};

/// Which coordinate variable a dimension's name means: the nearest one, seen from a variable's group to the root.
#[derive(Debug)]
pub(crate) struct Scopes<'a> {
    /// Paths of all arrays that can be coordinate variables.
    coordinates: BTreeSet<&'a str>,
}

impl<'a> Scopes<'a> {
    pub(crate) fn new(inputs: &[&'a Input]) -> Self {
        let arrays = inputs.iter().flat_map(|input| &input.references.arrays);
        let coordinates = arrays.filter(|(path, array)| is_coordinate(path, array));
        Self { coordinates: coordinates.map(|(path, _)| path.as_str()).collect() }
    }

    /// Path of the coordinate variable of `dimension` as seen from `group`; the name itself if there is none.
    fn axis_path(&self, group: &str, dimension: &str) -> String {
        let mut group = group;
        while !group.is_empty() && !dimension.contains('/') {
            let candidate = node_path::join(group, dimension);
            if self.coordinates.contains(candidate.as_str()) {
                return candidate;
            }
            group = node_path::parent(group);
        }
        dimension.to_owned()
    }

    /// Which axis of an array is the joined one.
    pub(crate) fn own_axis(&self, path: &str, array: &ManifestArray, axis: &PlannedAxis) -> Option<usize> {
        let own = array.meta.dimension_names.iter().position(|name| *name == axis.dimension)?;
        (self.axis_path(node_path::parent(path), &axis.dimension) == axis.path).then_some(own)
    }

    pub(crate) fn axes(
        &self,
        inputs: &[&'a Input],
        spec: &CombineSpec,
    ) -> Result<Vec<PlannedAxis>, CombineError> {
        let mut axes: Vec<PlannedAxis> = Vec::new();
        for wanted in &spec.concat {
            // Path of the coordinate variable, and name of the dimension.
            let mut found: BTreeSet<(String, String)> = BTreeSet::new();
            for (path, array) in inputs.iter().flat_map(|input| &input.references.arrays) {
                for dimension in &array.meta.dimension_names {
                    if dimension != wanted && dimension != node_path::leaf(wanted) {
                        continue;
                    }
                    let axis = self.axis_path(node_path::parent(path), dimension);
                    if dimension == wanted || axis == *wanted {
                        found.insert((axis, dimension.clone()));
                    }
                }
                let is_scalar = array.meta.shape().is_empty();
                if is_scalar && (path == wanted || node_path::leaf(path) == wanted) {
                    found.insert((path.clone(), node_path::leaf(path).to_owned()));
                }
            }
            if found.is_empty() {
                found.insert((wanted.clone(), node_path::leaf(wanted).to_owned()));
            }
            for (path, dimension) in found {
                if axes.iter().any(|axis| axis.path == path) {
                    continue;
                }
                let mut axis =
                    PlannedAxis { path, dimension, label_sources: Vec::new(), lengths: Vec::new() };
                axis.lengths = inputs.iter().map(|input| self.length(input, &axis)).collect();
                axis.label_sources = label_sources(inputs, &axis, spec.selectors.get(wanted), spec)?;
                axes.push(axis);
            }
        }
        Ok(axes)
    }

    /// How long the axis is in one input; `None` if no variable of it has the dimension.
    fn length(&self, input: &Input, axis: &PlannedAxis) -> Option<u64> {
        input.references.arrays.iter().find_map(|(path, array)| {
            let own = self.own_axis(path, array, axis)?;
            array.meta.shape().get(own).copied()
        })
    }
}

/// Whether an array can be a coordinate variable: it has just the dimension of its own name, or none.
pub(crate) fn is_coordinate(path: &str, array: &ManifestArray) -> bool {
    match array.meta.dimension_names.as_slice() {
        [] => true,
        [name] => name == node_path::leaf(path) || name == path,
        _ => false,
    }
}
