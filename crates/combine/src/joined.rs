//! Writing the joined set: coordinates, what is joined by value, attributes.

use std::collections::{BTreeMap, BTreeSet};

use rangefold_cf::TimeUnits;
use rangefold_refs::fill_mark::NO_FILL;
use rangefold_refs::{AttributeValue, Attributes, Group, ManifestArray, NodePath};

use crate::attributes::{MEANING, merge};
use crate::combine::lost;
use crate::compare::{Scope, require_same};
use crate::content::{Content, Contents};
use crate::draw::Drawn;
use crate::encode::{self, Template};
use crate::input_array::InputArray;
use crate::join_plan::{JoinPlan, Method, kept};
use crate::joined_axis::JoinedAxis;
use crate::labels::Labels;
use crate::mark::is_lost;
use crate::place::{Placement, needed_mark};
use crate::planned_axis::LabelSource;
use crate::result::{Joined, JoinedArray, JoinedReferences};
use crate::roles::Role;
use crate::times::Spelling;
use crate::values::Joining;
use crate::{CombineError, MissingVariable};

impl<'a> JoinPlan<'a> {
    /// Joins what was read, and writes coordinates. What is joined by reference stays where it is until it is drawn.
    pub(crate) fn join(mut self, contents: &Contents) -> Result<Joined, CombineError> {
        let mut joined = Joined {
            groups: BTreeMap::new(),
            sources: self.roles.objects.known.clone(),
            arrays: BTreeMap::new(),
            lost: lost(&self.roles.inputs),
            dropped_attributes: BTreeSet::new(),
        };
        self.join_groups(&mut joined);
        for (path, method) in std::mem::take(&mut self.methods) {
            let array = match method {
                Method::Coordinate { axis } => {
                    JoinedArray::ready(self.coordinate(path, axis, contents, &mut joined)?)
                }
                Method::Values { axes, arrays } => {
                    match self.values(path, &axes, &arrays, contents, &mut joined) {
                        Err(CombineError::Hole { .. })
                            if self.roles.spec.missing_variable == MissingVariable::Drop =>
                        {
                            continue;
                        }
                        values => JoinedArray::ready(values?),
                    }
                }
                Method::Placed { placement, .. } => {
                    let mut attributes = self.merged(path, &placement.arrays, &mut joined);
                    let spelled = placement.arrays.iter().filter_map(|array| array.times.as_ref());
                    if let Some(spelling) = spelled.min_by_key(ToString::to_string) {
                        self.say_units(path, &placement.arrays, spelling, &mut attributes);
                    }
                    let (meta, attributes) = placement.described(attributes);
                    JoinedArray { meta, attributes, chunks: self.drawn(*placement) }
                }
                Method::Shared { arrays, inline } => {
                    JoinedArray::ready(self.shared(path, &arrays, inline, contents, &mut joined)?)
                }
            };
            joined.arrays.insert(path.to_owned(), array);
        }
        for (number, axis) in self.axes.iter().enumerate() {
            if !joined.arrays.contains_key(&axis.path) {
                let array = self.coordinate(&axis.path, number, contents, &mut joined)?;
                joined.arrays.insert(axis.path.clone(), JoinedArray::ready(array));
            }
        }
        for array in joined.arrays.values_mut() {
            array.attributes = sorted(std::mem::take(&mut array.attributes));
        }
        Ok(joined)
    }

    /// The references of a placed array, to be drawn from the inputs.
    fn drawn(&self, placement: Placement<'_>) -> JoinedReferences {
        let Placement { variable, arrays, order, .. } = placement;
        let number = |array: &InputArray<'_>| self.roles.members.get(array.input).copied();
        let rows = arrays.iter().filter_map(|array| Some((number(array)?, array.stale.cloned()))).collect();
        JoinedReferences::Drawn(Box::new(Drawn::new(self.roles.all, variable, rows, order)))
    }

    /// A variable that is the same in every input, as one of them has it.
    fn shared(
        &self,
        path: &str,
        arrays: &[InputArray<'_>],
        inline: bool,
        contents: &Contents,
        joined: &mut Joined,
    ) -> Result<ManifestArray, CombineError> {
        let Some(taken) = kept(arrays).next() else { return Err(CombineError::NoInputs) };
        let mut array = taken.stored.clone();
        if inline && let Some(content) = contents.get(&(taken.input, path.to_owned())) {
            let meta = array.meta;
            let names = meta.dimension_names.clone();
            let shape = meta.shape().to_vec();
            array = encode::inline(
                path,
                &shape,
                names,
                meta.data_type,
                meta.fill_value,
                Attributes::new(),
                content,
            )?;
        }
        array.attributes = self.merged(path, arrays, joined);
        // The numbers are those of one input, and so is what they mean.
        for name in MEANING {
            match taken.stored.attributes.get(name) {
                Some(value) => array.attributes.insert(name, value.clone()),
                None => {
                    array.attributes.remove(name);
                }
            }
        }
        if let Some(spelling) = &taken.times {
            self.say_units(path, std::slice::from_ref(taken), spelling, &mut array.attributes);
        }
        if is_lost(taken.stored)
            && let Some(mark) = needed_mark(path, std::slice::from_ref(taken), false)?
        {
            mark.declare(&mut array.attributes);
            array.meta.fill_value = Some(mark.fill);
        }
        Ok(array)
    }

    /// A variable joined by value.
    fn values(
        &self,
        path: &str,
        axes: &[usize],
        arrays: &[InputArray<'_>],
        contents: &Contents,
        joined: &mut Joined,
    ) -> Result<ManifestArray, CombineError> {
        let joining = Joining {
            path,
            arrays,
            axes: self.axes_of(axes),
            contents: contents_of(path, arrays, contents)?,
            spec: self.roles.spec,
        };
        let mut attributes = self.merged(path, arrays, joined);
        let Some((like, target)) = self.times_like(path, &joining) else {
            return joining.values(attributes);
        };
        let in_target =
            |array: &InputArray<'_>| array.times.as_ref().is_some_and(|times| times.units == target.units);
        if arrays.iter().all(in_target) && require_same(path, arrays, Scope::Values).is_ok() {
            self.say_units(path, arrays, &target, &mut attributes);
            return joining.values(attributes);
        }
        // What the stored numbers meant says nothing about what is written.
        for name in MEANING {
            attributes.remove(name);
        }
        let (mut array, units) = joining.times(like, target.units, attributes)?;
        self.say_units(path, arrays, &target.in_units(units), &mut array.attributes);
        Ok(array)
    }

    /// The array that joined times are written like, and how they are spelled: bounds as the axis whose cells they bound,
    /// others as one of the inputs that hold the earliest label, which is the same whatever the order of the inputs.
    /// `None` if the values are not times in every input.
    fn times_like<'p>(&self, path: &str, joining: &Joining<'p>) -> Option<(&'p ManifestArray, Spelling)> {
        let bounded = self.bounded_axis(path).and_then(|number| {
            let axis = self.axes.get(number)?;
            joining.axes.iter().any(|other| other.path == axis.path).then_some((number, axis))
        });
        let axis = bounded.map(|(_, axis)| axis).or_else(|| joining.axes.first().copied());
        let spelled: Option<Vec<(&'p InputArray<'p>, &'p Spelling)>> =
            joining.arrays.iter().map(|array| Some((array, array.times.as_ref()?))).collect();
        let key = |(array, spelling): &(&InputArray<'_>, &Spelling)| {
            (spelling.to_string(), array.stored.meta.data_type.to_string())
        };
        let holds = |array: &InputArray<'_>| axis.is_some_and(|axis| axis.earliest.contains(&array.input));
        let spelled = spelled?;
        let earliest = spelled.iter().filter(|(array, _)| holds(array)).min_by_key(|found| key(found));
        let (array, spelling) = earliest.or_else(|| spelled.iter().min_by_key(|found| key(found)))?;
        let of_axis = bounded.and_then(|(number, _)| self.written.get(number)?.spelling.clone());
        Some((array.stored, of_axis.unwrap_or_else(|| (*spelling).clone())))
    }

    /// The joined axis whose coordinate variable has the variable as its bounds, and its own values as labels.
    fn bounded_axis(&self, path: &str) -> Option<usize> {
        let parent = self.roles.describing.get(path)?.bounds_of.as_ref()?;
        let number = self.axes.iter().position(|axis| axis.path == *parent)?;
        self.is_own_label(number).then_some(number)
    }

    /// Sets `units` and `calendar`, unless all inputs leave them to the variable whose bounds these are, and the joined
    /// one says the same.
    fn say_units(
        &self,
        path: &str,
        arrays: &[InputArray<'_>],
        spelling: &Spelling,
        attributes: &mut Attributes,
    ) {
        let is_said = arrays.iter().any(|array| array.times.as_ref().is_some_and(|times| times.is_own));
        if is_said || self.inherited_units(path) != Some(spelling.units) {
            spelling.stamp(attributes);
        }
    }

    /// The units that bounds have if they say none.
    fn inherited_units(&self, path: &str) -> Option<TimeUnits> {
        if let Some(number) = self.bounded_axis(path) {
            return self.written.get(number)?.spelling.as_ref().map(|spelling| spelling.units);
        }
        let parent = self.roles.describing.get(path)?.bounds_of.as_ref()?;
        match self.roles.variables.get(parent.as_str())? {
            Role::Shared => {
                let arrays = self.roles.arrays(parent, &[]);
                let spelling = kept(&arrays).next().and_then(|array| array.times.as_ref())?;
                Some(spelling.units)
            }
            Role::Coordinate(_) | Role::Joined(_) => None,
        }
    }

    /// The coordinate variable of an axis.
    fn coordinate(
        &self,
        path: &str,
        number: usize,
        contents: &Contents,
        joined: &mut Joined,
    ) -> Result<ManifestArray, CombineError> {
        let (Some(axis), Some(written)) = (self.axes.get(number), self.written.get(number)) else {
            return Err(CombineError::NoInputs);
        };
        let arrays = self.roles.arrays(path, &[number]);
        let mut attributes = self.merged(path, &arrays, joined);
        if written.as_stored {
            if let Some(spelling) = &written.spelling {
                spelling.stamp(&mut attributes);
            }
            return self.stored_coordinate(path, axis, arrays, contents, attributes);
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
        let units = written.like.and_then(|array| array.attributes.get("units"));
        if let Some(units) = units.filter(|_| !matches!(axis.labels, Labels::Texts(_))) {
            attributes.insert("units", units.clone());
        }
        if let Some(spelling) = &written.spelling {
            spelling.stamp(&mut attributes);
        }
        let plain = written.plain();
        let template = Template {
            data_type: plain.map(|array| array.meta.data_type.clone()),
            fill_value: plain.and_then(|array| array.meta.fill_value.clone()),
            attributes: &attributes,
        };
        encode::coordinate(&axis.dimension, path, &axis.labels, written.times.as_ref(), &template)
    }

    /// The coordinate variable of an axis whose values are gathered as they are stored.
    fn stored_coordinate(
        &self,
        path: &str,
        axis: &JoinedAxis,
        arrays: Vec<InputArray<'_>>,
        contents: &Contents,
        attributes: Attributes,
    ) -> Result<ManifestArray, CombineError> {
        let has_labels = |array: &InputArray<'_>| axis.places.get(array.input).is_some_and(Option::is_some);
        let with_labels: Vec<InputArray<'_>> = arrays.into_iter().filter(has_labels).collect();
        let joining = Joining {
            path,
            arrays: &with_labels,
            axes: vec![axis],
            contents: contents_of(path, &with_labels, contents)?,
            spec: self.roles.spec,
        };
        joining.values(attributes)
    }

    /// Whether the labels of an axis come from its own coordinate variable, wherever there are any.
    fn is_own_label(&self, number: usize) -> bool {
        self.roles.axes.get(number).is_some_and(|axis| {
            axis.label_sources.iter().all(|source| match source {
                LabelSource::None => true,
                LabelSource::Variable { path, .. } => *path == axis.path,
                LabelSource::Given(_) => false,
            })
        })
    }

    /// Attributes by the rules; those that give numbers their meaning have been found to be the same.
    fn merged(&self, path: &str, arrays: &[InputArray<'_>], joined: &mut Joined) -> Attributes {
        let all: Vec<&Attributes> = arrays.iter().map(|array| &array.stored.attributes).collect();
        let mut merged = merge(&all, &self.roles.spec.attributes, |name| {
            if !MEANING.contains(&name) || name == NO_FILL {
                joined.dropped_attributes.insert((path.to_owned(), name.to_owned()));
            }
        });
        // Known of some inputs and not contradicted by any.
        if merged.get(NO_FILL).is_none() && all.iter().all(|attributes| attributes.get(NO_FILL).is_some()) {
            merged.insert(NO_FILL, AttributeValue::Text("true".to_owned()));
            joined.dropped_attributes.remove(&(path.to_owned(), NO_FILL.to_owned()));
        }
        merged
    }

    fn join_groups(&self, joined: &mut Joined) {
        let inputs = || self.roles.inputs.iter().map(|input| &input.references.groups);
        let paths: BTreeSet<&NodePath> = inputs().flat_map(BTreeMap::keys).collect();
        for path in paths {
            let all: Vec<&Attributes> =
                inputs().filter_map(|groups| groups.get(path)).map(|group| &group.attributes).collect();
            let attributes = merge(&all, &self.roles.spec.attributes, |name| {
                joined.dropped_attributes.insert((format!("{path}/"), name.to_owned()));
            });
            let dimensions = inputs().filter_map(|groups| groups.get(path));
            let dimensions = dimensions.flat_map(|group| group.dimensions.iter().cloned()).collect();
            joined.groups.insert(path.clone(), Group { attributes, dimensions });
        }
    }
}

/// Attributes in order of name, wherever each came from.
fn sorted(attributes: Attributes) -> Attributes {
    attributes.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect()
}

fn contents_of<'c>(
    path: &str,
    arrays: &[InputArray<'_>],
    contents: &'c Contents,
) -> Result<Vec<&'c Content>, CombineError> {
    let content = |array: &InputArray<'_>| {
        contents.get(&(array.input, path.to_owned())).ok_or_else(|| CombineError::Variable {
            variable: path.to_owned(),
            input: array.name.to_owned(),
            reason: "its values are needed but were not read".to_owned(),
        })
    };
    arrays.iter().map(content).collect()
}
