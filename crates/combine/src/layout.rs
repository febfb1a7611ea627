//! From a plan and labels to the joined set.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rangefold_array::ElementType;
use rangefold_cf::TimeUnits;
use rangefold_refs::{AttributeValue, Attributes, Group, ManifestArray, NodePath, Reference, Source};

use crate::attributes::{MEANING, merge, printed};
use crate::axis::Axis;
use crate::compare::{self, Scope, require_same};
use crate::content::Content;
use crate::encode::{self, Template};
use crate::labels::Labels;
use crate::place::{Part, Placement, Verify, compare_references};
use crate::plan::{Input, LabelSource, Plan, PlannedAxis, Role};
use crate::result::{Chunks as JoinedChunks, Joined, JoinedArray};
use crate::selector::{Reading, labels_of, time_units};
use crate::values::Joining;
use crate::{CombineError, MissingVariable, Packing};

/// Variables of no more bytes than this for each label are joined by value where their chunks cannot be joined by
/// reference: time series and bounds, whose chunks are often longer than the file.
const VALUE_LEN_MAX: u64 = 64;

/// Variables of no more bytes than this are coordinates that are worth inlining.
const INLINE_MAX: u64 = 1 << 20;

/// Values that were read: by input and path.
pub(crate) type Contents = BTreeMap<(usize, NodePath), Content>;

/// How one variable is joined.
#[derive(Debug)]
pub(crate) enum Method<'a> {
    /// Written from the labels of an axis.
    Coordinate {
        axis: usize,
        /// Whether its values are gathered as they are stored, which keeps every bit of them.
        as_stored: bool,
    },
    /// By value.
    Values { axes: Vec<usize>, parts: Vec<Part<'a>> },
    /// By reference.
    Placed { axes: Vec<usize>, placement: Box<Placement<'a>> },
    /// The same in every input.
    Shared {
        parts: Vec<Part<'a>>,
        /// Whether its values are written inline.
        inline: bool,
    },
}

/// A plan whose labels are known.
#[derive(Debug)]
pub(crate) struct Layout<'a> {
    plan: &'a Plan<'a>,
    axes: Vec<Axis>,
    pub(crate) methods: BTreeMap<&'a str, Method<'a>>,
}

impl<'a> Layout<'a> {
    /// Joins the labels and decides how each variable is joined.
    pub(crate) fn new(plan: &'a Plan<'a>, contents: &Contents) -> Result<Self, CombineError> {
        let axes = join_axes(plan, contents)?;
        let mut layout = Self { plan, axes, methods: BTreeMap::new() };
        for (&path, role) in &plan.roles {
            let method = match role {
                Role::Coordinate(axis) => Some(layout.coordinate_method(path, *axis)?),
                Role::Joined(axes) => layout.joined_method(path, axes)?,
                Role::Shared => Some(layout.shared_method(path)?),
            };
            layout.methods.extend(method.map(|method| (path, method)));
        }
        Ok(layout)
    }

    fn coordinate_method(&self, path: &str, axis: usize) -> Result<Method<'a>, CombineError> {
        let parts = self.plan.parts(path, &[axis]);
        if let Some(part) = parts.iter().find(|part| part.array.meta.grid.rank() > 1) {
            return Err(CombineError::Variable {
                variable: path.to_owned(),
                input: part.name.to_owned(),
                reason: "it has the name of a joined dimension but more axes than that one".to_owned(),
            });
        }
        let labels = self.axes.get(axis).map(|axis| &axis.labels);
        let sources = self.plan.axes.get(axis).map(|axis| axis.sources.as_slice()).unwrap_or_default();
        let own = |source: &LabelSource| matches!(source, LabelSource::Variable { path: p, .. } if p == path);
        let as_stored = match labels {
            _ if !sources.iter().all(|source| own(source) || *source == LabelSource::None) => false,
            Some(Labels::Integers(_) | Labels::Floats(_)) => {
                require_same(path, &parts, Scope::Values)?;
                true
            }
            // Equal units say the same of equal numbers, however they are spelled.
            Some(Labels::Times { .. }) => {
                let units = |part: &Part<'_>| time_units(part.array).and_then(Result::ok);
                let first = parts.first().and_then(units);
                parts.iter().all(|part| units(part) == first)
                    && require_same(path, &parts, Scope::TimeValues).is_ok()
            }
            _ => require_same(path, &parts, Scope::Values).is_ok(),
        };
        Ok(Method::Coordinate { axis, as_stored })
    }

    /// By reference if that is possible, else by value if the variable is small; `None` if it is to be left out.
    fn joined_method(&self, path: &'a str, axes: &[usize]) -> Result<Option<Method<'a>>, CombineError> {
        let parts = self.plan.parts(path, axes);
        let spec = self.plan.spec;
        let by_value = |parts: Vec<Part<'a>>| -> Result<_, CombineError> {
            let times = parts.iter().all(|part| self.units_of(path, part).is_some());
            require_same(path, &parts, if times { Scope::TimeValues } else { Scope::Values })?;
            Ok(Some(Method::Values { axes: axes.to_vec(), parts }))
        };
        let is_small = parts.iter().all(is_small);
        let describes = self.plan.describing.contains_key(path);
        let by_part = spec.packing == Packing::ByPart && require_same(path, &parts, Scope::Values).is_err();
        if is_small && (describes || (parts.iter().any(is_inline) && !by_part)) {
            return by_value(parts);
        }
        let scope = Scope::Chunks { lengths: spec.chunks, packing: spec.packing };
        let joined: Vec<&Axis> = axes.iter().filter_map(|&axis| self.axes.get(axis)).collect();
        let placement = require_same(path, &parts, scope)
            .and_then(|()| Placement::new(path, parts.clone(), &joined, self.plan.inputs.len(), spec));
        match placement {
            Ok(placement) => Ok(Some(Method::Placed { axes: axes.to_vec(), placement: Box::new(placement) })),
            Err(CombineError::Hole { .. }) if spec.missing_variable == MissingVariable::Drop => Ok(None),
            Err(CombineError::Uneven { .. } | CombineError::Mismatch { .. }) if is_small => by_value(parts),
            Err(error) => Err(error),
        }
    }

    fn shared_method(&self, path: &'a str) -> Result<Method<'a>, CombineError> {
        let parts = self.plan.parts(path, &[]);
        require_same(path, &parts, Scope::Values)?;
        let inline = self.plan.spec.inline_coordinates
            && (self.plan.describing.contains_key(path)
                || parts.iter().any(|part| is_own_dimension(path, part)))
            && parts.iter().all(|part| part.array.meta.nbytes().is_none_or(|n| n <= INLINE_MAX));
        Ok(Method::Shared { parts, inline })
    }

    /// The units in which the values of a variable are times: its own, or those of the variable whose bounds it is.
    fn units_of(&self, path: &str, part: &Part<'_>) -> Option<TimeUnits> {
        let owner = match part.array.attributes.get("units") {
            Some(_) => part.array,
            None => {
                let parent = self.plan.describing.get(path)?.as_ref()?;
                self.plan.inputs.get(part.input)?.references.arrays.get(parent)?
            }
        };
        time_units(owner)?.ok()
    }

    fn axes_of(&self, axes: &[usize]) -> Vec<&Axis> {
        axes.iter().filter_map(|&axis| self.axes.get(axis)).collect()
    }

    /// Inputs and variables whose values are needed to be joined.
    pub(crate) fn reads(&self) -> BTreeSet<(usize, NodePath)> {
        let mut reads = BTreeSet::new();
        for (&path, method) in &self.methods {
            match method {
                Method::Values { parts, .. } => {
                    reads.extend(parts.iter().map(|part| (part.input, path.to_owned())));
                }
                Method::Shared { parts, inline: true } => {
                    reads.extend(kept(parts).map(|part| (part.input, path.to_owned())));
                }
                _ => {}
            }
        }
        reads
    }

    /// What must be found to decode to the same before the result may be used.
    pub(crate) fn collisions(&self) -> Result<Vec<(&Placement<'a>, Vec<Verify>)>, CombineError> {
        let mut collisions = Vec::new();
        for method in self.methods.values() {
            if let Method::Placed { axes, placement } = method {
                let verify = placement.collisions(&self.axes_of(axes))?;
                if !verify.is_empty() {
                    collisions.push((&**placement, verify));
                }
            }
        }
        Ok(collisions)
    }

    /// The error of a collision that does not decode to the same.
    pub(crate) fn overlapping(&self, placement: &Placement<'_>, verify: &Verify) -> CombineError {
        let axes = match self.methods.get(placement.variable) {
            Some(Method::Placed { axes, .. }) => self.axes_of(axes),
            _ => Vec::new(),
        };
        placement.overlapping(verify.number, verify.kept.0, verify.other.0, &axes)
    }

    /// Joins what was read, and writes coordinates. What is joined by reference stays where it is until it is drawn.
    pub(crate) fn join(mut self, contents: &Contents) -> Result<Joined<'a>, CombineError> {
        let mut joined = Joined {
            groups: BTreeMap::new(),
            sources: sources(&self.plan.inputs)?,
            arrays: BTreeMap::new(),
            dropped_attributes: BTreeSet::new(),
        };
        self.join_groups(&mut joined);
        for (path, method) in std::mem::take(&mut self.methods) {
            let array = match method {
                Method::Coordinate { axis, as_stored } => {
                    JoinedArray::ready(self.coordinate(path, axis, as_stored, contents, &mut joined)?)
                }
                Method::Values { axes, parts } => {
                    let mut array = match self.values(path, &axes, &parts, contents) {
                        Err(CombineError::Hole { .. })
                            if self.plan.spec.missing_variable == MissingVariable::Drop =>
                        {
                            continue;
                        }
                        values => values?,
                    };
                    let written =
                        std::mem::replace(&mut array.attributes, self.merged(path, &parts, &mut joined));
                    keep_time_units(&mut array.attributes, &written);
                    JoinedArray::ready(array)
                }
                Method::Placed { placement, .. } => {
                    let attributes = self.merged(path, &placement.parts, &mut joined);
                    let (meta, attributes) = placement.described(attributes);
                    JoinedArray { meta, attributes, chunks: JoinedChunks::Placed(placement) }
                }
                Method::Shared { parts, .. } => {
                    let mut array = shared(path, &parts, contents)?;
                    array.attributes = self.merged(path, &parts, &mut joined);
                    JoinedArray::ready(array)
                }
            };
            joined.arrays.insert(path.to_owned(), array);
        }
        for (number, axis) in self.axes.iter().enumerate() {
            if !joined.arrays.contains_key(&axis.path) {
                let array = self.coordinate(&axis.path, number, false, contents, &mut joined)?;
                joined.arrays.insert(axis.path.clone(), JoinedArray::ready(array));
            }
        }
        for array in joined.arrays.values_mut() {
            array.attributes = sorted(std::mem::take(&mut array.attributes));
        }
        Ok(joined)
    }

    fn values(
        &self,
        path: &str,
        axes: &[usize],
        parts: &[Part<'_>],
        contents: &Contents,
    ) -> Result<ManifestArray, CombineError> {
        let joining = Joining {
            path,
            parts,
            axes: self.axes_of(axes),
            contents: contents_of(path, parts, contents)?,
            spec: self.plan.spec,
        };
        let units: Option<Vec<TimeUnits>> = parts.iter().map(|part| self.units_of(path, part)).collect();
        let Some(units) = units else { return joining.values() };
        let Some(&first) = units.first() else { return Err(CombineError::NoInputs) };
        // Bounds are in the units of what they are the bounds of, which the joined axis has.
        let parent = self.plan.describing.get(path).and_then(Option::as_ref);
        let of_axis = joining.axes.iter().find(|axis| Some(&axis.path) == parent);
        let earliest = joining.axes.first().and_then(|axis| {
            let held = parts.iter().zip(&units).filter(|(part, _)| axis.earliest.contains(&part.input));
            held.map(|(_, units)| *units).min_by_key(ToString::to_string)
        });
        let target = match of_axis.map(|axis| &axis.labels) {
            Some(Labels::Times { units, .. }) => Some(*units),
            _ => earliest,
        };
        let target = target.unwrap_or(first);
        let mut array = if units.iter().all(|units| *units == target) {
            joining.values()?
        } else {
            joining.times(&units, target)?
        };
        // Units that are inherited from the axis are not said again, and those that all inputs spell alike are kept so.
        let own = array.attributes.get("units").is_some();
        let spelled =
            |part: &Part<'_>| ["units", "calendar"].map(|name| part.array.attributes.get(name).map(printed));
        let alike = parts.windows(2).all(|pair| pair.first().map(spelled) == pair.last().map(spelled));
        let inherited = matches!(of_axis.map(|axis| &axis.labels), Some(Labels::Times { .. }));
        let must_say = if own { !alike } else { !inherited };
        if must_say {
            array.attributes.insert("units", AttributeValue::Text(target.to_string()));
            array.attributes.insert("calendar", AttributeValue::Text(target.calendar().to_string()));
        }
        Ok(array)
    }

    /// The coordinate variable of an axis.
    fn coordinate(
        &self,
        path: &str,
        number: usize,
        as_stored: bool,
        contents: &Contents,
        joined: &mut Joined<'a>,
    ) -> Result<ManifestArray, CombineError> {
        let Some(axis) = self.axes.get(number) else { return Err(CombineError::NoInputs) };
        let parts = self.plan.parts(path, &[number]);
        let mut attributes = self.merged(path, &parts, joined);
        if as_stored {
            let with_labels: Vec<Part<'_>> = parts
                .into_iter()
                .filter(|part| axis.places.get(part.input).is_some_and(Option::is_some))
                .collect();
            let joining = Joining {
                path,
                parts: &with_labels,
                axes: vec![axis],
                contents: contents_of(path, &with_labels, contents)?,
                spec: self.plan.spec,
            };
            let mut array = joining.values()?;
            if let Some(written) = self.written_like(number) {
                keep_time_units(&mut attributes, &written.attributes);
            }
            array.attributes = attributes;
            return Ok(array);
        }
        // What the stored numbers meant says nothing about the labels.
        for name in MEANING {
            attributes.remove(name);
        }
        if !self.is_own_label(number) {
            for name in ["bounds", "climatology"] {
                if attributes.remove(name).is_some() {
                    joined.dropped_attributes.insert((path.to_owned(), name.to_owned()));
                }
            }
        }
        let like = self.written_like(number);
        if let Some(written) = like {
            let units = written.attributes.get("units").filter(|_| !matches!(axis.labels, Labels::Texts(_)));
            if let Some(units) = units {
                attributes.insert("units", units.clone());
            }
            keep_time_units(&mut attributes, &written.attributes);
        }
        if let Labels::Times { units, .. } = &axis.labels
            && like.is_none()
        {
            attributes.insert("units", AttributeValue::Text(units.to_string()));
            attributes.insert("calendar", AttributeValue::Text(units.calendar().to_string()));
        }
        // Packed numbers are unpacked to be labels, and are not packed again.
        let plain = like.filter(|array| {
            ["scale_factor", "add_offset"].iter().all(|name| array.attributes.get(name).is_none())
        });
        let template = Template {
            data_type: plain.map(|array| array.meta.data_type.clone()),
            fill_value: plain.and_then(|array| array.meta.fill_value.clone()),
            attributes: &attributes,
        };
        encode::coordinate(&axis.dimension, path, &axis.labels, &template)
    }

    /// Whether the labels of an axis come from its own coordinate variable, wherever there are any.
    fn is_own_label(&self, number: usize) -> bool {
        self.plan.axes.get(number).is_some_and(|axis| {
            axis.sources.iter().all(|source| match source {
                LabelSource::None => true,
                LabelSource::Variable { path, .. } => *path == axis.path,
                LabelSource::Given(_) => false,
            })
        })
    }

    /// The variable that the labels of an axis are written like: of those that hold the earliest label one that is the
    /// same whatever the order of the inputs.
    fn written_like(&self, number: usize) -> Option<&'a ManifestArray> {
        let axis = self.axes.get(number)?;
        let planned = self.plan.axes.get(number)?;
        let candidates = axis.earliest.iter().filter_map(|&input| match planned.sources.get(input)? {
            LabelSource::Variable { path, .. } => {
                let array = self.plan.inputs.get(input)?.references.arrays.get(path)?;
                let units = array.attributes.get("units").map(printed).unwrap_or_default();
                Some((format!("{units} {}", array.meta.data_type), array))
            }
            _ => None,
        });
        candidates.min_by(|a, b| a.0.cmp(&b.0)).map(|(_, array)| array)
    }

    /// Attributes by the rules; those that give numbers their meaning have been found to be the same.
    fn merged(&self, path: &str, parts: &[Part<'_>], joined: &mut Joined<'a>) -> Attributes {
        let all: Vec<&Attributes> = parts.iter().map(|part| &part.array.attributes).collect();
        merge(&all, &self.plan.spec.attributes, |name| {
            if !MEANING.contains(&name) {
                joined.dropped_attributes.insert((path.to_owned(), name.to_owned()));
            }
        })
    }

    fn join_groups(&self, joined: &mut Joined<'a>) {
        let inputs = || self.plan.inputs.iter().map(|input| &input.references.groups);
        let paths: BTreeSet<&NodePath> = inputs().flat_map(BTreeMap::keys).collect();
        for path in paths {
            let all: Vec<&Attributes> =
                inputs().filter_map(|groups| groups.get(path)).map(|group| &group.attributes).collect();
            let attributes = merge(&all, &self.plan.spec.attributes, |name| {
                joined.dropped_attributes.insert((format!("{path}/"), name.to_owned()));
            });
            let dimensions = inputs().filter_map(|groups| groups.get(path));
            let dimensions = dimensions.flat_map(|group| group.dimensions.iter().cloned()).collect();
            joined.groups.insert(path.clone(), Group { attributes, dimensions });
        }
    }
}

/// Sets `units` and `calendar` as they are spelled where the labels come from.
fn keep_time_units(attributes: &mut Attributes, written: &Attributes) {
    let is_time = written.get("units").and_then(AttributeValue::as_text).is_some_and(TimeUnits::is_time);
    for name in ["units", "calendar"] {
        match written.get(name) {
            Some(value) if is_time => attributes.insert(name, value.clone()),
            _ => {}
        }
    }
}

/// Attributes in order of name, wherever each came from.
fn sorted(attributes: Attributes) -> Attributes {
    attributes.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect()
}

/// Whether the variable needs no more bytes for each label than a few numbers.
pub(crate) fn is_small(part: &Part<'_>) -> bool {
    let size = match part.array.meta.data_type.element {
        // Strings of any length: some eight characters are assumed.
        ElementType::VlenString => 8,
        _ => part.array.meta.data_type.size().unwrap_or(usize::MAX) as u64,
    };
    part.other_lengths().into_iter().fold(size, u64::saturating_mul) <= VALUE_LEN_MAX
}

/// Whether the whole variable is inline, and not nothing.
fn is_inline(part: &Part<'_>) -> bool {
    let manifest = &part.array.manifest;
    !manifest.is_empty() && manifest.iter().all(|(_, reference)| matches!(reference, Reference::Inline(_)))
}

fn is_own_dimension(path: &str, part: &Part<'_>) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    part.array.meta.dimension_names.iter().any(|dimension| dimension == name || dimension == path)
}

/// The part that a shared variable is taken from: the one whose references sort first, so that the order of the inputs
/// makes no difference.
pub(crate) fn kept<'p, 'a>(parts: &'p [Part<'a>]) -> std::option::IntoIter<&'p Part<'a>> {
    let references = |part: &Part<'a>| part.array.manifest.iter();
    let order = |a: &&Part<'a>, b: &&Part<'a>| {
        let (left, right) = (references(a), references(b));
        let codecs = |part: &Part<'a>| format!("{:?}", part.array.meta.codecs);
        left.map(|(n, r)| (n, Ordered(r)))
            .cmp(right.map(|(n, r)| (n, Ordered(r))))
            .then_with(|| codecs(a).cmp(&codecs(b)))
    };
    parts.iter().min_by(order).into_iter()
}

/// A reference in the order of [`compare_references`].
#[derive(PartialEq, Eq)]
struct Ordered(Reference);

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        compare_references(&self.0, &other.0)
    }
}

fn shared(path: &str, parts: &[Part<'_>], contents: &Contents) -> Result<ManifestArray, CombineError> {
    let Some(part) = kept(parts).next() else { return Err(CombineError::NoInputs) };
    let Some(content) = contents.get(&(part.input, path.to_owned())) else {
        return Ok(part.array.clone());
    };
    let meta = &part.array.meta;
    encode::inline(
        path,
        meta.shape(),
        meta.dimension_names.clone(),
        meta.data_type.clone(),
        meta.fill_value.clone(),
        Attributes::new(),
        content,
    )
}

fn contents_of<'c>(
    path: &str,
    parts: &[Part<'_>],
    contents: &'c Contents,
) -> Result<Vec<&'c Content>, CombineError> {
    let content = |part: &Part<'_>| {
        contents.get(&(part.input, path.to_owned())).ok_or_else(|| CombineError::Variable {
            variable: path.to_owned(),
            input: part.name.to_owned(),
            reason: "its values are needed but were not read".to_owned(),
        })
    };
    parts.iter().map(content).collect()
}

fn join_axes(plan: &Plan<'_>, contents: &Contents) -> Result<Vec<Axis>, CombineError> {
    let mut axes = Vec::with_capacity(plan.axes.len());
    for planned in &plan.axes {
        let mut labels: Vec<Option<Labels>> = Vec::with_capacity(plan.inputs.len());
        for (number, (input, source)) in plan.inputs.iter().zip(&planned.sources).enumerate() {
            let no_labels = |reason: String| CombineError::NoLabels {
                dimension: planned.dimension.clone(),
                input: input.name.clone(),
                reason,
            };
            labels.push(match source {
                LabelSource::None => None,
                LabelSource::Given(labels) => Some(labels.clone()),
                LabelSource::Variable { path, reading } => {
                    let array = input.references.arrays.get(path);
                    let read = array.zip(contents.get(&(number, path.clone())));
                    let (array, content) = read.ok_or_else(|| no_labels(format!("{path:?} was not read")))?;
                    let reason = |reason| no_labels(format!("variable {path:?}: {reason}"));
                    Some(labels_of(array, content, *reading).map_err(reason)?)
                }
            });
        }
        require_same_units(plan, planned, &labels)?;
        let inputs: Vec<(&str, Option<&Labels>)> = plan
            .inputs
            .iter()
            .map(|input| input.name.as_str())
            .zip(labels.iter().map(Option::as_ref))
            .collect();
        let mut axis = Axis::join(&planned.path, &planned.dimension, &inputs, plan.spec.sort)?;
        // Of several units for the same instant those are taken that sort first.
        let earliest = axis.earliest.iter().filter_map(|&input| match labels.get(input)? {
            Some(Labels::Times { units, .. }) => Some(*units),
            _ => None,
        });
        if let (Labels::Times { units, .. }, Some(first)) =
            (&mut axis.labels, earliest.min_by_key(ToString::to_string))
        {
            *units = first;
        }
        axes.push(axis);
    }
    Ok(axes)
}

/// Numbers that are no times can stand on one axis only if they are in the same units.
fn require_same_units(
    plan: &Plan<'_>,
    axis: &PlannedAxis,
    labels: &[Option<Labels>],
) -> Result<(), CombineError> {
    for property in ["units", "calendar"] {
        let mut values: Vec<(&str, String)> = Vec::new();
        for ((input, source), labels) in plan.inputs.iter().zip(&axis.sources).zip(labels) {
            if let (LabelSource::Variable { path, reading }, Some(labels)) = (source, labels)
                && let Some(array) = input.references.arrays.get(path)
                && (*reading == Reading::Data || !matches!(labels, Labels::Times { .. }))
            {
                let value = array.attributes.get(property);
                values.push((&input.name, value.map_or_else(|| "none".to_owned(), printed)));
            }
        }
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if let Some(error) = compare::disagreement(&axis.path, property, &values) {
            return Err(error);
        }
    }
    Ok(())
}

/// What is known of the objects of all inputs.
pub(crate) fn sources(inputs: &[&Input]) -> Result<BTreeMap<Arc<str>, Source>, CombineError> {
    let mut joined: BTreeMap<Arc<str>, Source> = BTreeMap::new();
    let mut known: BTreeMap<&str, &str> = BTreeMap::new();
    for input in inputs {
        for (url, source) in &input.references.sources {
            let before = joined.get(url);
            if let Some(before) = before.filter(|before| *before != source) {
                let (first, second) = (format!("{before:?}"), format!("{source:?}"));
                let first_name = known.get(url.as_ref()).copied().unwrap_or_default();
                let values = [(first_name, first.as_str()), (input.name.as_str(), second.as_str())];
                if let Some(error) = compare::disagreement(url, "state when scanned", &values) {
                    return Err(error);
                }
            }
            if before.is_none() {
                known.insert(url, &input.name);
                joined.insert(Arc::clone(url), source.clone());
            }
        }
    }
    Ok(joined)
}
