//! From a plan and labels to the joined set.

use std::collections::{BTreeMap, BTreeSet};

use rangefold_array::ElementType;
use rangefold_refs::{NodePath, Reference};

use crate::attributes::printed;
use crate::axis::Axis;
use crate::compare::{self, Scope, require_same, require_same_description};
use crate::content::Contents;
use crate::labels::Labels;
use crate::place::{Part, Placement, Verify, compare_references};
use crate::places::Places;
use crate::plan::{Input, LabelSource, Plan, PlannedAxis, Role};
use crate::selector::{Reading, labels_of};
use crate::sources::check_replaced;
use crate::written::Written;
use crate::{CombineError, MissingVariable, Packing};

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
    pub(crate) plan: &'a Plan<'a>,
    pub(crate) axes: Vec<Axis>,
    /// How the coordinate variable of each axis is written.
    pub(crate) written: Vec<Written<'a>>,
    pub(crate) methods: BTreeMap<&'a str, Method<'a>>,
}

impl<'a> Layout<'a> {
    /// Joins the labels and decides how each variable is joined.
    pub(crate) fn new(plan: &'a Plan<'a>, contents: &Contents) -> Result<Self, CombineError> {
        let (axes, written) = join_axes(plan, contents)?;
        let mut layout = Self { plan, axes, written, methods: BTreeMap::new() };
        for (&path, role) in &plan.roles {
            let described: &[usize] = if let Role::Joined(axes) = role { axes } else { &[] };
            require_same_description(path, &plan.parts(path, described), &plan.spec.attributes)?;
            let method = match role {
                Role::Coordinate(axis) => Some(Method::Coordinate { axis: *axis }),
                Role::Joined(axes) => layout.joined_method(path, axes)?,
                Role::Shared => Some(layout.shared_method(path)?),
            };
            layout.methods.extend(method.map(|method| (path, method)));
        }
        Ok(layout)
    }

    /// By reference if that is possible, else by value if the variable is small; `None` if it is to be left out.
    fn joined_method(&self, path: &'a str, axes: &[usize]) -> Result<Option<Method<'a>>, CombineError> {
        let parts = self.plan.parts(path, axes);
        let spec = self.plan.spec;
        let joined = self.axes_of(axes);
        if let Some(axis) =
            joined.iter().find(|axis| parts.iter().any(|part| part.has_twice(&axis.dimension)))
        {
            return self.square_method(path, &parts, axis).map(Some);
        }
        let by_value = |parts: Vec<Part<'a>>| -> Result<_, CombineError> {
            require_same(path, &parts, values_scope(&parts))?;
            check_replaced(path, &parts, &joined)?;
            Ok(Some(Method::Values { axes: axes.to_vec(), parts }))
        };
        let is_small = parts.iter().all(is_small);
        let describes = self.plan.describing.contains_key(path);
        // Chunks of parts that may be packed differently, now or by what is appended later, stay as they are.
        let may_differ = spec.packing == Packing::ByPart;
        if is_small && (describes || (parts.iter().any(is_inline) && !may_differ)) {
            return by_value(parts);
        }
        let scope = Scope::Chunks { lengths: spec.chunks, packing: spec.packing };
        let placement = require_same(path, &parts, scope)
            .and_then(|()| Placement::new(path, parts.clone(), &joined, self.plan.inputs.len(), spec));
        match placement {
            Ok(placement) => Ok(Some(Method::Placed { axes: axes.to_vec(), placement: Box::new(placement) })),
            Err(CombineError::Hole { .. }) if spec.missing_variable == MissingVariable::Drop => Ok(None),
            Err(CombineError::Uneven { .. } | CombineError::Mismatch { .. })
                if is_small && !(may_differ && require_same(path, &parts, Scope::Values).is_err()) =>
            {
                by_value(parts)
            }
            Err(error) => Err(error),
        }
    }

    /// A variable with a joined dimension twice, such as a covariance, whose parts would lie along a diagonal with
    /// nothing beside it: it can only be the same in every input, over all labels.
    fn square_method(
        &self,
        path: &'a str,
        parts: &[Part<'_>],
        axis: &Axis,
    ) -> Result<Method<'a>, CombineError> {
        let whole = Places::Run { first: 0, count: axis.len() };
        let partial = parts.iter().find(|part| axis.places.get(part.input) != Some(&Some(whole.clone())));
        match partial {
            None => self.shared_method(path),
            Some(part) => Err(CombineError::Variable {
                variable: path.to_owned(),
                input: part.name.to_owned(),
                reason: format!(
                    "it has the joined dimension {:?} twice, and no input holds it for labels of different inputs; leave \
                     it out",
                    axis.dimension
                ),
            }),
        }
    }

    fn shared_method(&self, path: &'a str) -> Result<Method<'a>, CombineError> {
        let parts = current(path, self.plan.parts(path, &[]), &self.plan.inputs)?;
        require_same(path, &parts, values_scope(&parts))?;
        let inline = self.plan.spec.inline_coordinates
            && (self.plan.describing.contains_key(path)
                || parts.iter().any(|part| is_own_dimension(path, part)))
            && parts.iter().all(|part| part.array.meta.nbytes().is_none_or(|n| n <= INLINE_MAX));
        Ok(Method::Shared { parts, inline })
    }

    pub(crate) fn axes_of(&self, axes: &[usize]) -> Vec<&Axis> {
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
}

/// What must be the same where values are joined or compared: those that are times in all inputs are converted.
pub(crate) fn values_scope(parts: &[Part<'_>]) -> Scope {
    let are_times = parts.iter().all(|part| part.times.is_some());
    if are_times { Scope::TimeValues } else { Scope::Values }
}

/// The parts of a shared variable without those that stand in objects which have changed since: the others take their
/// place, if one of them is of a file that the same input refers to, and so has been found to hold the same.
fn current<'p>(path: &str, parts: Vec<Part<'p>>, inputs: &[&Input]) -> Result<Vec<Part<'p>>, CombineError> {
    let known = |number: usize| inputs.get(number).map(|input| &input.references.sources);
    for part in &parts {
        let Some(stale) = part.stale else { continue };
        let is_witness = |other: &Part<'_>| {
            other.stale.is_none()
                && known(other.input).zip(known(part.input)).is_some_and(|(new, old)| {
                    new.iter().any(|(url, source)| !stale.contains_key(url) && old.get(url) == Some(source))
                })
        };
        if !parts.iter().any(is_witness) {
            let url = stale.keys().next().map_or("", AsRef::as_ref);
            let other =
                known(part.input).and_then(|known| known.keys().find(|url| !stale.contains_key(*url)));
            return Err(CombineError::Variable {
                variable: path.to_owned(),
                input: part.name.to_owned(),
                reason: format!(
                    "it stands in {url} as it was before it changed, so what is new cannot be compared with it; give the \
                     references of another file of the same set too, such as those of {}",
                    other.map_or("any that has not changed", AsRef::as_ref)
                ),
            });
        }
    }
    Ok(parts.into_iter().filter(|part| part.stale.is_none()).collect())
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

fn join_axes<'a>(
    plan: &'a Plan<'a>,
    contents: &Contents,
) -> Result<(Vec<Axis>, Vec<Written<'a>>), CombineError> {
    let mut axes = Vec::with_capacity(plan.axes.len());
    let mut written = Vec::with_capacity(plan.axes.len());
    for (number, planned) in plan.axes.iter().enumerate() {
        let mut labels: Vec<Option<Labels>> = Vec::with_capacity(plan.inputs.len());
        for (input_number, (input, source)) in plan.inputs.iter().zip(&planned.sources).enumerate() {
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
                        plan.sources.stale(input_number, urls).and_then(|stale| stale.first_key_value())
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
        require_same_units(plan, planned, &labels)?;
        let inputs: Vec<(&str, Option<&Labels>)> = plan
            .inputs
            .iter()
            .map(|input| input.name.as_str())
            .zip(labels.iter().map(Option::as_ref))
            .collect();
        let mut axis = Axis::join(&planned.path, &planned.dimension, &inputs, plan.spec.sort)?;
        written.push(Written::new(plan, number, planned, &mut axis, &labels)?);
        axes.push(axis);
    }
    Ok((axes, written))
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
