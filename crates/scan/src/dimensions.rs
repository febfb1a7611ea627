//! Which dimension each axis lies on, what it is called and how long it is.
//!
//! netCDF-4 keeps dimensions as HDF5 dimension scales: datasets with `CLASS = "DIMENSION_SCALE"`. A variable names the
//! scale of each axis by reference in `DIMENSION_LIST`; a scale of one axis lies on itself; a coordinate variable
//! of more axes names its dimensions by number in `_Netcdf4Coordinates`, and each scale says its own number in
//! `_Netcdf4Dimid`. An axis without any of these gets a name made up the way netCDF makes it up: `phony_dim_0`, …,
//! one per length in each group. An axis with several scales lies on the last of its length.
//!
//! An unlimited dimension is as long as the longest variable on it. A variable that was written less far is as long
//! all the same; what is missing reads as fill values.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rangefold_array::node_path;
use rangefold_hdf5::model::{Class, Dataset, Dataspace, File, Value};

use crate::report::Warning;
use crate::scale::{is_dimension_only, is_scale};
use crate::tree::{Node, Tree};

/// A dimension: what a scale defines.
#[derive(Clone, Debug)]
struct Dimension {
    /// Group of the scale, without leading slash.
    group: String,
    name: String,
    length: u64,
    unlimited: bool,
}

/// One axis of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    /// Name of the dimension.
    pub(crate) name: String,
    /// Length of the dimension: at least the variable's own extent.
    pub(crate) length: u64,
}

/// The dimensions of a file.
#[derive(Debug)]
pub(crate) struct Dimensions {
    axes: HashMap<(String, u64), Vec<Axis>>,
    /// By group the names of its dimensions that hide those of a group above.
    hiding: BTreeMap<String, BTreeSet<String>>,
    /// What was noticed on the way.
    pub(crate) warnings: Vec<Warning>,
}

impl Dimensions {
    /// Places every axis of every dataset of `file`.
    pub(crate) fn new(file: &File, tree: &Tree<'_>) -> Self {
        let mut builder = Builder::new(file, tree);
        builder.measure(file);
        builder.warn_of_two_lengths();
        builder.place(tree)
    }

    /// The axes of `dataset` as it is seen in `group`, those of its datatype left out.
    pub(crate) fn axes(&self, group: &str, dataset: &Dataset) -> &[Axis] {
        self.axes.get(&(group.to_owned(), dataset.address)).map_or(&[], Vec::as_slice)
    }

    /// Names of the dimensions of `group` that hide those of a group above.
    pub(crate) fn hiding(&self, group: &str) -> BTreeSet<String> {
        self.hiding.get(group).cloned().unwrap_or_default()
    }
}

struct Builder {
    /// By address of the scale.
    dimensions: BTreeMap<u64, Dimension>,
    /// Names of scales that are scalars, or nothing at all, by address.
    without_axis: HashMap<u64, String>,
    /// The scale of each axis of a dataset, by the dataset's address.
    attached: HashMap<u64, Vec<Option<u64>>>,
    warnings: Vec<Warning>,
}

impl Builder {
    fn new(file: &File, tree: &Tree<'_>) -> Self {
        let mut dimensions = BTreeMap::new();
        let mut without_axis = HashMap::new();
        let mut by_number = HashMap::new();
        for node in &tree.groups {
            for (name, dataset) in &node.datasets {
                if !is_scale(dataset) {
                    continue;
                }
                let Some(length) = dataset.shape().and_then(<[u64]>::first).copied() else {
                    without_axis.entry(dataset.address).or_insert((*name).to_owned());
                    continue;
                };
                let unlimited = max_extent(dataset, 0).is_none();
                let dimension =
                    Dimension { group: node.path.clone(), name: (*name).to_owned(), length, unlimited };
                dimensions.entry(dataset.address).or_insert(dimension);
                if let Some([number]) = integers(dataset, "_Netcdf4Dimid").as_deref() {
                    by_number.entry(*number).or_insert(dataset.address);
                }
            }
        }
        let mut builder = Self { dimensions, without_axis, attached: HashMap::new(), warnings: Vec::new() };
        for dataset in file.datasets() {
            let scales = builder.scales(dataset, &by_number);
            builder.attached.insert(dataset.address, scales);
        }
        builder
    }

    /// The scale of each axis, by address.
    fn scales(&mut self, dataset: &Dataset, by_number: &HashMap<i64, u64>) -> Vec<Option<u64>> {
        let rank = dataset.shape().map_or(0, <[u64]>::len);
        let numbered = || -> Option<Vec<Option<u64>>> {
            let numbers = integers(dataset, "_Netcdf4Coordinates")?;
            let scales: Vec<_> = numbers.iter().map(|number| by_number.get(number).copied()).collect();
            (scales.len() == rank && scales.iter().all(Option::is_some)).then_some(scales)
        };
        if self.dimensions.contains_key(&dataset.address) {
            if rank > 1
                && let Some(scales) = numbered()
            {
                return scales;
            }
            let mut scales = vec![None; rank];
            if let Some(first) = scales.first_mut() {
                *first = Some(dataset.address);
            }
            return scales;
        }
        let Some(list) = dataset.attribute("DIMENSION_LIST") else {
            return numbered().unwrap_or_else(|| vec![None; rank]);
        };
        let Value::Sequences(lists) = &list.value else { return vec![None; rank] };
        let mut scales = Vec::with_capacity(rank);
        for axis in 0..rank {
            let references = match lists.get(axis) {
                Some(Value::References(references)) => references.as_slice(),
                _ => &[],
            };
            let addresses = || references.iter().flatten().map(|reference| reference.address);
            let known: Vec<(u64, &Dimension)> =
                addresses().filter_map(|scale| Some((scale, self.dimensions.get(&scale)?))).collect();
            let extent = dataset.shape().and_then(|shape| shape.get(axis)).copied();
            let fits = |dimension: &Dimension| dimension.unlimited || Some(dimension.length) == extent;
            // netCDF looks at all scales of an axis and stays with the last.
            let taken = known.iter().rfind(|(_, dimension)| fits(dimension)).or(known.last());
            let taken = taken.map(|(scale, dimension)| (*scale, dimension.name.clone()));
            if known.len() > 1
                && let Some((_, name)) = &taken
            {
                let names: Vec<_> = known.iter().map(|(_, dimension)| &dimension.name).collect();
                let message = format!(
                    "axis {axis} has several dimension scales, {names:?}: {name:?} is taken, the last that is as long as the axis, as netCDF does"
                );
                self.warn(dataset, message);
            } else if known.is_empty() && !references.is_empty() {
                let scalar = addresses().find_map(|scale| self.without_axis.get(&scale));
                let message = match scalar {
                    Some(name) => format!(
                        "the dimension scale of axis {axis}, {name:?}, is a scalar and has no length: the axis gets a name of its own"
                    ),
                    None => format!(
                        "the dimension scale of axis {axis} could not be read: the axis gets a name of its own"
                    ),
                };
                self.warn(dataset, message);
            }
            scales.push(taken.map(|(scale, _)| scale));
        }
        scales
    }

    /// Warns of dimensions that hide one of the same name and another length in a group above.
    fn warn_of_two_lengths(&mut self) {
        let place = |dimension: &Dimension| (dimension.group.clone(), dimension.name.clone());
        let lengths: HashMap<_, _> =
            self.dimensions.values().map(|dimension| (place(dimension), dimension.length)).collect();
        let mut warnings = Vec::new();
        for inner in self.dimensions.values() {
            let groups = std::iter::successors(above(&inner.group), |group| above(group));
            let mut found = groups
                .filter_map(|group| Some((group, *lengths.get(&(group.to_owned(), inner.name.clone()))?)));
            if let Some((group, length)) = found.next().filter(|(_, length)| *length != inner.length) {
                let Dimension { name, length: own, .. } = inner;
                let message = format!(
                    "dimension {name:?} has length {own} here and {length} in group \"/{group}\" above"
                );
                warnings.push(Warning { path: node_path::join(&inner.group, name), message });
            }
        }
        self.warnings.append(&mut warnings);
    }

    /// Makes every unlimited dimension as long as the longest dataset on it, and takes datasets off dimensions
    /// they do not fit.
    fn measure(&mut self, file: &File) {
        let datasets = file.datasets();
        for dataset in &datasets {
            let extents = dataset.shape().unwrap_or_default();
            for (scale, extent) in self.attached.get(&dataset.address).into_iter().flatten().zip(extents) {
                if let Some(dimension) = scale.and_then(|scale| self.dimensions.get_mut(&scale))
                    && dimension.unlimited
                {
                    dimension.length = dimension.length.max(*extent);
                }
            }
        }
        for dataset in &datasets {
            let extents = dataset.shape().unwrap_or_default();
            let Some(scales) = self.attached.get_mut(&dataset.address) else { continue };
            let mut misfits = Vec::new();
            for (axis, (slot, extent)) in scales.iter_mut().zip(extents).enumerate() {
                let Some(dimension) = slot.and_then(|scale| self.dimensions.get(&scale)) else { continue };
                if !dimension.unlimited && dimension.length != *extent {
                    misfits.push(format!(
                        "axis {axis} has length {extent} but its dimension {:?} has {}: the axis gets a name of its own",
                        dimension.name, dimension.length
                    ));
                    *slot = None;
                }
            }
            for misfit in misfits {
                self.warn(dataset, misfit);
            }
        }
    }

    fn warn(&mut self, dataset: &Dataset, message: String) {
        self.warnings.push(Warning { path: dataset.path.trim_start_matches('/').to_owned(), message });
    }

    /// Names every axis.
    fn place(mut self, tree: &Tree<'_>) -> Dimensions {
        let mut phony = Phony::new(&self.dimensions);
        let mut axes = HashMap::new();
        let groups = children_first(&tree.groups);
        // netCDF gives no numbers to the axes of datasets that it does not show, so those come last.
        for shown in [true, false] {
            for node in &groups {
                let datasets = node.datasets.iter().map(|(_, dataset)| *dataset);
                // A dimension that is no variable needs no name for axes of its own.
                let datasets = datasets.filter(|dataset| !is_dimension_only(dataset));
                for dataset in datasets.filter(|dataset| has_netcdf_type(dataset) == shown) {
                    let placed = self.axes(node, dataset, &mut phony);
                    axes.insert((node.path.clone(), dataset.address), placed);
                }
            }
        }
        Dimensions { axes, hiding: self.hiding(), warnings: self.warnings }
    }

    fn axes(&mut self, node: &Node<'_>, dataset: &Dataset, phony: &mut Phony) -> Vec<Axis> {
        let extents = dataset.shape().unwrap_or_default();
        let scales = self.attached.get(&dataset.address).cloned().unwrap_or_default();
        let labels = labels(dataset);
        let mut placed: Vec<Axis> = Vec::with_capacity(extents.len());
        for (axis, extent) in extents.iter().enumerate() {
            let scale = scales.get(axis).copied().flatten();
            let place = match scale.and_then(|scale| self.dimensions.get(&scale)) {
                Some(dimension) => {
                    let (name, length) = (self.visible_name(&node.path, dimension), dimension.length);
                    if name != dimension.name {
                        let message = format!(
                            "dimension {:?} of group {:?} is called {name:?} here: a nearer one of that name has another length",
                            dimension.name, dimension.group
                        );
                        self.warn(dataset, message);
                    }
                    Axis { name, length }
                }
                None => {
                    let unlimited = max_extent(dataset, axis).is_none();
                    let label = labels.get(axis).map(String::as_str).filter(|label| !label.is_empty());
                    let name = phony.name(&node.path, *extent, unlimited, label, &placed);
                    if let Some(label) = label.filter(|label| *label != name) {
                        let message = format!(
                            "axis {axis} of length {extent} is labelled {label:?}, which is another dimension's name: it is called {name:?}"
                        );
                        self.warn(dataset, message);
                    }
                    Axis { name, length: *extent }
                }
            };
            placed.push(place);
        }
        placed
    }

    /// By group the names of its dimensions that hide those of a group above.
    fn hiding(&self) -> BTreeMap<String, BTreeSet<String>> {
        let all: BTreeSet<(&str, &str)> =
            self.dimensions.values().map(|own| (own.group.as_str(), own.name.as_str())).collect();
        let mut hiding: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for &(group, name) in &all {
            let above = std::iter::successors(Some(group), |group| match group.rsplit_once('/') {
                Some((above, _)) => Some(above),
                None => (!group.is_empty()).then_some(""),
            });
            if above.skip(1).any(|above| all.contains(&(above, name))) {
                hiding.entry(group.to_owned()).or_default().insert(name.to_owned());
            }
        }
        hiding
    }

    /// What a variable in `group` calls `dimension`.
    ///
    /// The name alone, as netCDF resolves it from the inside out; the whole path where that would find a dimension of
    /// another length.
    fn visible_name(&self, group: &str, dimension: &Dimension) -> String {
        let nearest = self
            .dimensions
            .values()
            .filter(|other| other.name == dimension.name && contains(&other.group, group))
            .max_by_key(|other| other.group.len());
        match nearest {
            Some(other) if other.length != dimension.length => {
                node_path::join(&dimension.group, &dimension.name)
            }
            _ => dimension.name.clone(),
        }
    }
}

/// The group that holds `group`; none for the root.
fn above(group: &str) -> Option<&str> {
    (!group.is_empty()).then(|| node_path::parent(group))
}

/// Whether netCDF has a type for the elements of `dataset`. It leaves out variables of others.
fn has_netcdf_type(dataset: &Dataset) -> bool {
    !matches!(
        dataset.datatype.class,
        Class::BitField(_) | Class::Reference(_) | Class::Array { .. } | Class::Time { .. }
    )
}

/// Whether `inner` is `outer` or a group inside it.
fn contains(outer: &str, inner: &str) -> bool {
    outer.is_empty() || inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Groups in the order in which netCDF looks for dimensions: children before their parent.
fn children_first<'a, 'b>(groups: &'b [Node<'a>]) -> Vec<&'b Node<'a>> {
    let mut ordered = Vec::with_capacity(groups.len());
    let mut open: Vec<&Node<'_>> = Vec::new();
    for node in groups {
        while let Some(last) = open.pop_if(|last| !contains(&last.path, &node.path)) {
            ordered.push(last);
        }
        open.push(node);
    }
    ordered.extend(open.into_iter().rev());
    ordered
}

/// What netCDF puts before the number of a dimension that it makes up.
const PHONY: &str = "phony_dim_";

/// The name of a dimension that is made up.
pub(crate) fn phony_name(number: usize) -> String {
    format!("{PHONY}{number}")
}

/// The number of a dimension that was made up; `None` for a name that the file gives.
pub(crate) fn phony_number(name: &str) -> Option<usize> {
    name.strip_prefix(PHONY)?.parse().ok()
}

/// Names for axes without a dimension.
struct Phony {
    next: usize,
    taken: BTreeSet<String>,
    /// By group: length, whether unlimited, name.
    known: HashMap<String, Vec<(u64, bool, String)>>,
}

impl Phony {
    fn new(dimensions: &BTreeMap<u64, Dimension>) -> Self {
        let taken = dimensions.values().map(|dimension| dimension.name.clone()).collect();
        Self { next: dimensions.len(), taken, known: HashMap::new() }
    }

    /// The name for an axis of `length` in `group`; `placed` are the axes before it, none of which is taken again.
    fn name(
        &mut self,
        group: &str,
        length: u64,
        unlimited: bool,
        label: Option<&str>,
        placed: &[Axis],
    ) -> String {
        let known = self.known.entry(group.to_owned()).or_default();
        let free = |name: &str| placed.iter().all(|axis| axis.name != name);
        if let Some(label) = label
            && free(label)
            && !self.taken.contains(label)
            && known.iter().all(|(len, _, name)| name != label || *len == length)
        {
            if known.iter().all(|(_, _, name)| name != label) {
                known.push((length, unlimited, label.to_owned()));
            }
            return label.to_owned();
        }
        let same = known.iter().find(|(len, open, name)| {
            (*len, *open) == (length, unlimited) && name.starts_with(PHONY) && free(name)
        });
        if let Some((_, _, name)) = same {
            return name.clone();
        }
        let name = loop {
            let name = phony_name(self.next);
            self.next += 1;
            if !self.taken.contains(&name) {
                break name;
            }
        };
        known.push((length, unlimited, name.clone()));
        name
    }
}

/// How far axis `axis` may grow; `None` is unlimited.
fn max_extent(dataset: &Dataset, axis: usize) -> Option<u64> {
    match &dataset.space {
        Dataspace::Simple { shape, max_shape } => {
            max_shape.get(axis).copied().unwrap_or_else(|| shape.get(axis).copied())
        }
        Dataspace::Null | Dataspace::Scalar => Some(1),
    }
}

fn integers(dataset: &Dataset, name: &str) -> Option<Vec<i64>> {
    match &dataset.attribute(name)?.value {
        Value::Signed(values) => Some(values.clone()),
        Value::Unsigned(values) => values.iter().map(|value| i64::try_from(*value).ok()).collect(),
        _ => None,
    }
}

/// The texts of `DIMENSION_LABELS`, one per axis; empty where there is none.
fn labels(dataset: &Dataset) -> Vec<String> {
    match dataset.attribute("DIMENSION_LABELS").map(|attribute| &attribute.value) {
        Some(Value::Text(texts)) => {
            texts.iter().map(|text| String::from_utf8_lossy(text.as_bytes()).into_owned()).collect()
        }
        _ => Vec::new(),
    }
}
