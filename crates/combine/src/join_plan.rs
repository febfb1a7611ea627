//! How each variable is joined, decided once the labels are known.

use std::collections::{BTreeMap, BTreeSet};

use rangefold_array::{ElementType, node_path};
use rangefold_refs::{NodePath, Reference};

use crate::attributes::printed;
use crate::compare::{self, Scope, require_same, require_same_description};
use crate::content::Contents;
use crate::draw::compare_references;
use crate::input::Input;
use crate::input_array::InputArray;
use crate::joined_axis::JoinedAxis;
use crate::labelling::{Reading, labels_of};
use crate::labels::Labels;
use crate::place::{Placement, Verify};
use crate::places::Places;
use crate::planned_axis::{LabelSource, PlannedAxis};
use crate::replaced::check_replaced;
use crate::roles::{Role, Roles};
use crate::written::Written;
use crate::{CombineError, MissingVariable, PackingRule};

/// Variables of no more bytes than this for each label are joined by value where their chunks cannot be joined by
/// reference: time series and bounds, whose chunks are often longer than the file.
const VALUE_LEN_MAX: u64 = 64;

/// Variables of no more bytes than this are coordinates that are worth inlining.
const INLINE_MAX: u64 = 1 << 20;

/// How one variable is joined.
#[derive(Debug)]
pub(crate) enum Method<'a> {
    /// Written from the labels of an axis.
    Coordinate { axis: usize },
    /// By value.
    Values { axes: Vec<usize>, arrays: Vec<InputArray<'a>> },
    /// By reference.
    Placed { axes: Vec<usize>, placement: Box<Placement<'a>> },
    /// The same in every input.
    Shared {
        arrays: Vec<InputArray<'a>>,
        /// Whether its values are written inline.
        inline: bool,
    },
}

/// Roles whose labels are known, and how each variable is joined.
#[derive(Debug)]
pub(crate) struct JoinPlan<'a> {
    pub(crate) roles: &'a Roles<'a>,
    pub(crate) axes: Vec<JoinedAxis>,
    /// How the coordinate variable of each axis is written.
    pub(crate) written: Vec<Written<'a>>,
    pub(crate) methods: BTreeMap<&'a str, Method<'a>>,
}

impl<'a> JoinPlan<'a> {
    /// Joins the labels and decides how each variable is joined.
    pub(crate) fn new(roles: &'a Roles<'a>, contents: &Contents) -> Result<Self, CombineError> {
        let (axes, written) = join_axes(roles, contents)?;
        let mut plan = Self { roles, axes, written, methods: BTreeMap::new() };
        for (&path, role) in &roles.variables {
            let described: &[usize] = if let Role::Joined(axes) = role { axes } else { &[] };
            require_same_description(path, &roles.arrays(path, described), &roles.spec.attributes)?;
            let method = match role {
                Role::Coordinate(axis) => Some(Method::Coordinate { axis: *axis }),
                Role::Joined(axes) => plan.joined_method(path, axes)?,
                Role::Shared => Some(plan.shared_method(path)?),
            };
            plan.methods.extend(method.map(|method| (path, method)));
        }
        Ok(plan)
    }

    /// By reference if that is possible, else by value if the variable is small; `None` if it is to be left out.
    fn joined_method(&self, path: &'a str, axes: &[usize]) -> Result<Option<Method<'a>>, CombineError> {
        let arrays = self.roles.arrays(path, axes);
        let spec = self.roles.spec;
        let joined = self.axes_of(axes);
        if let Some(axis) =
            joined.iter().find(|axis| arrays.iter().any(|array| array.has_twice(&axis.dimension)))
        {
            return self.square_method(path, &arrays, axis).map(Some);
        }
        let by_value = |arrays: Vec<InputArray<'a>>| -> Result<_, CombineError> {
            require_same(path, &arrays, values_scope(&arrays))?;
            check_replaced(path, &arrays, &joined)?;
            Ok(Some(Method::Values { axes: axes.to_vec(), arrays }))
        };
        let is_small = arrays.iter().all(is_small);
        let describes = self.roles.describing.contains_key(path);
        // Chunks of arrays that may be packed differently, now or by what is appended later, stay as they are.
        let may_differ = spec.packing == PackingRule::ByPart;
        if is_small && (describes || (arrays.iter().any(is_inline) && !may_differ)) {
            return by_value(arrays);
        }
        let scope = Scope::Chunks { lengths: spec.chunks, packing: spec.packing };
        let placement = require_same(path, &arrays, scope)
            .and_then(|()| Placement::new(path, arrays.clone(), &joined, self.roles.inputs.len(), spec));
        match placement {
            Ok(placement) => Ok(Some(Method::Placed { axes: axes.to_vec(), placement: Box::new(placement) })),
            Err(CombineError::Hole { .. }) if spec.missing_variable == MissingVariable::Drop => Ok(None),
            Err(CombineError::Uneven { .. } | CombineError::Mismatch { .. })
                if is_small && !(may_differ && require_same(path, &arrays, Scope::Values).is_err()) =>
            {
                by_value(arrays)
            }
            Err(error) => Err(error),
        }
    }

    /// A variable with a joined dimension twice, such as a covariance, whose arrays would lie along a diagonal with
    /// nothing beside it: it can only be the same in every input, over all labels.
    fn square_method(
        &self,
        path: &'a str,
        arrays: &[InputArray<'_>],
        axis: &JoinedAxis,
    ) -> Result<Method<'a>, CombineError> {
        let whole = Places::Run { first: 0, count: axis.len() };
        let partial = arrays.iter().find(|array| axis.places.get(array.input) != Some(&Some(whole.clone())));
        match partial {
            None => self.shared_method(path),
            Some(array) => Err(CombineError::Variable {
                variable: path.to_owned(),
                input: array.name.to_owned(),
                reason: format!(
                    "it has the joined dimension {:?} twice, and no input holds it for labels of different inputs; leave \
                     it out",
                    axis.dimension
                ),
            }),
        }
    }

    fn shared_method(&self, path: &'a str) -> Result<Method<'a>, CombineError> {
        let arrays = current(path, self.roles.arrays(path, &[]), &self.roles.inputs)?;
        require_same(path, &arrays, values_scope(&arrays))?;
        let inline = self.roles.spec.inline_coordinates
            && (self.roles.describing.contains_key(path)
                || arrays.iter().any(|array| is_own_dimension(path, array)))
            && arrays.iter().all(|array| array.stored.meta.nbytes().is_none_or(|n| n <= INLINE_MAX));
        Ok(Method::Shared { arrays, inline })
    }

    pub(crate) fn axes_of(&self, axes: &[usize]) -> Vec<&JoinedAxis> {
        axes.iter().filter_map(|&axis| self.axes.get(axis)).collect()
    }

    /// Inputs and variables whose values are needed to be joined.
    pub(crate) fn reads(&self) -> BTreeSet<(usize, NodePath)> {
        let mut reads = BTreeSet::new();
        for (&path, method) in &self.methods {
            match method {
                Method::Values { arrays, .. } => {
                    reads.extend(arrays.iter().map(|array| (array.input, path.to_owned())));
                }
                Method::Shared { arrays, inline: true } => {
                    reads.extend(kept(arrays).map(|array| (array.input, path.to_owned())));
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
}

/// What must be the same where values are joined or compared: those that are times in all inputs are converted.
pub(crate) fn values_scope(arrays: &[InputArray<'_>]) -> Scope {
    let are_times = arrays.iter().all(|array| array.times.is_some());
    if are_times { Scope::TimeValues } else { Scope::Values }
}

/// The arrays of a shared variable without those that stand in objects which have changed since: the others take their
/// place, if one of them is of a file that the same input refers to, and so has been found to hold the same.
fn current<'p>(
    path: &str,
    arrays: Vec<InputArray<'p>>,
    inputs: &[&Input],
) -> Result<Vec<InputArray<'p>>, CombineError> {
    let known = |number: usize| inputs.get(number).map(|input| &input.references.sources);
    for array in &arrays {
        let Some(stale) = array.stale else { continue };
        let is_witness = |other: &InputArray<'_>| {
            other.stale.is_none()
                && known(other.input).zip(known(array.input)).is_some_and(|(new, old)| {
                    new.iter().any(|(url, source)| !stale.contains_key(url) && old.get(url) == Some(source))
                })
        };
        if !arrays.iter().any(is_witness) {
            let url = stale.keys().next().map_or("", AsRef::as_ref);
            let other =
                known(array.input).and_then(|known| known.keys().find(|url| !stale.contains_key(*url)));
            return Err(CombineError::Variable {
                variable: path.to_owned(),
                input: array.name.to_owned(),
                reason: format!(
                    "it stands in {url} as it was before it changed, so what is new cannot be compared with it; give the \
                     references of another file of the same set too, such as those of {}",
                    other.map_or("any that has not changed", AsRef::as_ref)
                ),
            });
        }
    }
    Ok(arrays.into_iter().filter(|array| array.stale.is_none()).collect())
}

/// Whether the variable needs no more bytes for each label than a few numbers.
pub(crate) fn is_small(array: &InputArray<'_>) -> bool {
    let size = match array.stored.meta.data_type.element {
        // Strings of any length: some eight characters are assumed.
        ElementType::VlenString => 8,
        _ => array.stored.meta.data_type.size().unwrap_or(usize::MAX) as u64,
    };
    array.other_lengths().into_iter().fold(size, u64::saturating_mul) <= VALUE_LEN_MAX
}

/// Whether the whole variable is inline, and not nothing.
fn is_inline(array: &InputArray<'_>) -> bool {
    let manifest = &array.stored.manifest;
    !manifest.is_empty() && manifest.iter().all(|(_, reference)| matches!(reference, Reference::Inline(_)))
}

fn is_own_dimension(path: &str, array: &InputArray<'_>) -> bool {
    let name = node_path::leaf(path);
    array.stored.meta.dimension_names.iter().any(|dimension| dimension == name || dimension == path)
}

/// The array that a shared variable is taken from: the one whose references sort first, so that the order of the inputs
/// makes no difference.
pub(crate) fn kept<'p, 'a>(arrays: &'p [InputArray<'a>]) -> std::option::IntoIter<&'p InputArray<'a>> {
    let references = |array: &InputArray<'a>| array.stored.manifest.iter();
    let order = |a: &&InputArray<'a>, b: &&InputArray<'a>| {
        let (left, right) = (references(a), references(b));
        let codecs = |array: &InputArray<'a>| format!("{:?}", array.stored.meta.codecs);
        left.map(|(n, r)| (n, Ordered(r)))
            .cmp(right.map(|(n, r)| (n, Ordered(r))))
            .then_with(|| codecs(a).cmp(&codecs(b)))
    };
    arrays.iter().min_by(order).into_iter()
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

fn join_axes<'a>(
    roles: &'a Roles<'a>,
    contents: &Contents,
) -> Result<(Vec<JoinedAxis>, Vec<Written<'a>>), CombineError> {
    let mut axes = Vec::with_capacity(roles.axes.len());
    let mut written = Vec::with_capacity(roles.axes.len());
    for (number, planned) in roles.axes.iter().enumerate() {
        let mut labels: Vec<Option<Labels>> = Vec::with_capacity(roles.inputs.len());
        for (input_number, (input, source)) in roles.inputs.iter().zip(&planned.label_sources).enumerate() {
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
                    let urls = array.map(|array| array.manifest.urls()).unwrap_or_default();
                    if let Some((url, _)) =
                        roles.objects.stale(input_number, urls).and_then(|stale| stale.first_key_value())
                    {
                        let reason = format!("variable {path:?} stands in {url} as it was before it changed");
                        return Err(no_labels(reason));
                    }
                    let read = array.zip(contents.get(&(input_number, path.clone())));
                    let (array, content) = read.ok_or_else(|| no_labels(format!("{path:?} was not read")))?;
                    let reason = |reason| no_labels(format!("variable {path:?}: {reason}"));
                    Some(labels_of(array, content, *reading).map_err(reason)?)
                }
            });
        }
        require_same_units(roles, planned, &labels)?;
        let inputs: Vec<(&str, Option<&Labels>)> = roles
            .inputs
            .iter()
            .map(|input| input.name.as_str())
            .zip(labels.iter().map(Option::as_ref))
            .collect();
        let mut axis = JoinedAxis::join(&planned.path, &planned.dimension, &inputs, roles.spec.sort)?;
        written.push(Written::new(roles, number, planned, &mut axis, &labels)?);
        axes.push(axis);
    }
    Ok((axes, written))
}

/// Numbers that are no times can stand on one axis only if they are in the same units.
fn require_same_units(
    roles: &Roles<'_>,
    axis: &PlannedAxis,
    labels: &[Option<Labels>],
) -> Result<(), CombineError> {
    for property in ["units", "calendar"] {
        let mut values: Vec<(&str, String)> = Vec::new();
        for ((input, source), labels) in roles.inputs.iter().zip(&axis.label_sources).zip(labels) {
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
