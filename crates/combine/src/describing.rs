//! Variables that describe others: bounds, and coordinates that attributes name.

use rangefold_array::node_path;
use std::collections::BTreeMap;

use rangefold_refs::{AttributeValue, Attributes, NodePath};

use crate::input::Input;

/// What a variable describes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Describes {
    /// The variable whose bounds it is.
    pub(crate) bounds_of: Option<NodePath>,
    /// Whether it is named by a `coordinates` attribute.
    pub(crate) is_coordinate: bool,
}

/// Attributes that name variables which describe and hold no data of their own.
const DESCRIBING: [&str; 5] = ["bounds", "climatology", "coordinates", "grid_mapping", "cell_measures"];

/// Variables that attributes of others name as describing them.
pub(crate) fn describing(inputs: &[&Input]) -> BTreeMap<NodePath, Describes> {
    let mut described: BTreeMap<NodePath, Describes> = BTreeMap::new();
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
                let are_bounds = matches!(name, "bounds" | "climatology");
                for word in text.split_whitespace().filter(|word| !word.ends_with(':')) {
                    let variable = match word.strip_prefix('/') {
                        Some(absolute) => absolute.to_owned(),
                        None => node_path::join(node_path::parent(path), word),
                    };
                    let describes = described.entry(variable).or_default();
                    describes.is_coordinate |= name == "coordinates";
                    if are_bounds && describes.bounds_of.is_none() {
                        describes.bounds_of = Some(path.clone());
                    }
                }
            }
        }
    }
    described
}
