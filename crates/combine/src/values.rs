//! Joining variables by value: those too small or too badly cut to be joined by reference.

use rangefold_array::{DataType, FillValue};
use rangefold_cf::{Calendar, Instant, TimeUnits};
use rangefold_refs::{Attributes, ManifestArray};

use crate::content::Content;
use crate::input_array::InputArray;
use crate::joined_axis::JoinedAxis;
use crate::mark::{Mark, common_fill};
use crate::meaning::times_of;
use crate::numbers;
use crate::place::needed_mark;
use crate::places::Places;
use crate::written::is_plain;
use crate::{CombineError, CombineSpec, MissingVariable, Overlap, encode};

/// More elements than this are not joined by value.
const ELEMENTS_MAX: usize = 1 << 26;

/// A variable to join by value.
pub(crate) struct Joining<'a> {
    pub(crate) path: &'a str,
    pub(crate) arrays: &'a [InputArray<'a>],
    /// Joined axes, in the order of [`InputArray::own_axes`].
    pub(crate) axes: Vec<&'a JoinedAxis>,
    /// The values of each array.
    pub(crate) contents: Vec<&'a Content>,
    pub(crate) spec: &'a CombineSpec,
}

impl Joining<'_> {
    /// Joins the values as they are stored.
    pub(crate) fn values(&self, mut attributes: Attributes) -> Result<ManifestArray, CombineError> {
        let Some(first) = self.arrays.first() else { return Err(CombineError::NoInputs) };
        let data_type = &first.stored.meta.data_type;
        let shape = self.shape()?;
        let mut fill_value = common_fill(self.arrays);
        let mut marked = |has_holes: bool| -> Result<(), CombineError> {
            if let Some(mark) = needed_mark(self.path, self.arrays, has_holes)? {
                mark.declare(&mut attributes);
                fill_value = Some(mark.fill);
            }
            Ok(())
        };
        let content = if let Some(size) = data_type.size() {
            let elements = self.contents.iter().map(|content| match content {
                Content::Bytes(bytes) => bytes.chunks_exact(size.max(1)).collect(),
                Content::Texts(_) => Vec::new(),
            });
            let gathered = self.gather(&shape, elements.collect())?;
            marked(gathered.contains(&None))?;
            let mut hole = fill_value.as_ref().map_or_else(|| vec![0; size], |fill| fill.0.clone());
            numbers::from_little(&mut hole, data_type);
            let elements: Vec<&[u8]> = gathered.into_iter().map(|element| element.unwrap_or(&hole)).collect();
            Content::Bytes(elements.concat())
        } else {
            let elements = self.contents.iter().map(|content| match content {
                Content::Texts(texts) => texts.iter().map(String::as_str).collect(),
                Content::Bytes(_) => Vec::new(),
            });
            let gathered = self.gather(&shape, elements.collect())?;
            marked(gathered.contains(&None))?;
            let hole =
                fill_value.as_ref().and_then(|fill| std::str::from_utf8(&fill.0).ok()).unwrap_or_default();
            Content::Texts(gathered.into_iter().map(|text| text.unwrap_or(hole).to_owned()).collect())
        };
        self.written(&shape, data_type.clone(), fill_value, attributes, &content)
    }

    /// Joins times, each array's in its own units, and writes them in `units`, or in a finer unit where those cannot say
    /// all of them, and in the element type of `like` if it can. What is missing stays so.
    pub(crate) fn times(
        &self,
        like: &ManifestArray,
        units: TimeUnits,
        mut attributes: Attributes,
    ) -> Result<(ManifestArray, TimeUnits), CombineError> {
        let mut elements: Vec<Vec<Option<Instant>>> = Vec::with_capacity(self.arrays.len());
        for (array, content) in self.arrays.iter().zip(&self.contents) {
            let found =
                times_of(array, content).and_then(|found| in_calendar(array, found, units.calendar()));
            elements.push(found.map_err(|reason| CombineError::Variable {
                variable: self.path.to_owned(),
                input: array.name.to_owned(),
                reason,
            })?);
        }
        let shape = self.shape()?;
        let joined: Vec<Option<Instant>> =
            self.gather(&shape, elements)?.into_iter().map(Option::flatten).collect();
        let there: Vec<Instant> = joined.iter().copied().flatten().collect();
        let wanted = Some(like).filter(|like| is_plain(like)).map(|like| like.meta.data_type.clone());
        let has_missing = there.len() < joined.len();
        let times = encode::times(self.path, &there, units, wanted, has_missing)?;
        let content = Content::Bytes(times.bytes);
        let mark = self.mark_beside(like, &times.data_type, &content, has_missing)?;
        let size = times.data_type.size().unwrap_or(1);
        let mut hole = mark.as_ref().map_or_else(|| vec![0; size], |mark| mark.fill.0.clone());
        numbers::from_little(&mut hole, &times.data_type);
        let Content::Bytes(bytes) = &content else { return Err(CombineError::NoInputs) };
        let mut numbers = bytes.chunks_exact(size.max(1));
        let elements: Vec<&[u8]> =
            joined.iter().map(|time| time.and_then(|_| numbers.next()).unwrap_or(&hole)).collect();
        if let Some(mark) = &mark {
            mark.declare(&mut attributes);
        }
        let fill_value = mark.map(|mark| mark.fill);
        let content = Content::Bytes(elements.concat());
        Ok((self.written(&shape, times.data_type, fill_value, attributes, &content)?, times.units))
    }

    /// A mark for missing times that none of the numbers is; `None` if none is missing and no input declares one.
    fn mark_beside(
        &self,
        like: &ManifestArray,
        data_type: &DataType,
        numbers: &Content,
        is_needed: bool,
    ) -> Result<Option<Mark>, CombineError> {
        let declared = Mark::declared(like).filter(|_| like.meta.data_type.element == data_type.element);
        if !is_needed && declared.is_none() {
            return Ok(None);
        }
        let candidates = declared.into_iter().chain(Mark::of_times(&data_type.element));
        let free = candidates.into_iter().find(|mark| !encode::holds(numbers, &mark.fill, data_type));
        match free {
            None if is_needed => Err(CombineError::NoMark {
                variable: self.path.to_owned(),
                problem: format!(
                    "has a date at every number of type {data_type} that could mark a missing one"
                ),
            }),
            free => Ok(free),
        }
    }

    fn written(
        &self,
        shape: &[u64],
        data_type: DataType,
        fill_value: Option<FillValue>,
        attributes: Attributes,
        content: &Content,
    ) -> Result<ManifestArray, CombineError> {
        let Some(first) = self.arrays.first() else { return Err(CombineError::NoInputs) };
        let names = first.dimensions().into_iter().map(str::to_owned).collect();
        encode::inline(self.path, shape, names, data_type, fill_value, attributes, content)
    }

    /// The shape of the result: the same from every array, since joined axes have the length of the axis.
    fn shape(&self) -> Result<Vec<u64>, CombineError> {
        let Some(first) = self.arrays.first() else { return Err(CombineError::NoInputs) };
        let mut shape = vec![0; first.stretched.len()];
        shape.extend_from_slice(first.stored.meta.shape());
        for (axis, source) in self.axes.iter().zip(&first.own_axes) {
            let target = match source {
                Some(own) => Some(first.stretched.len() + own),
                None => first.stretched.iter().position(|name| *name == axis.dimension),
            };
            if let Some(length) = target.and_then(|target| shape.get_mut(target)) {
                *length = axis.len();
            }
        }
        Ok(shape)
    }

    /// All elements in their places. Where two arrays hold elements for one place, the policy decides, or they must be
    /// equal.
    /// `None` at labels at which no array holds an element, which the specification must allow.
    fn gather<T: Clone + PartialEq>(
        &self,
        shape: &[u64],
        elements: Vec<Vec<T>>,
    ) -> Result<Vec<Option<T>>, CombineError> {
        let total = shape.iter().try_fold(1_usize, |n, &l| n.checked_mul(usize::try_from(l).ok()?));
        let total = total.filter(|&n| n <= ELEMENTS_MAX).ok_or_else(|| CombineError::Variable {
            variable: self.path.to_owned(),
            input: self.arrays.first().map_or("", |array| array.name).to_owned(),
            reason: format!("shape {shape:?} is too large to be joined by value (limit {ELEMENTS_MAX})"),
        })?;
        let mut joined: Vec<Option<T>> = vec![None; total];
        for (row, (array, elements)) in self.arrays.iter().zip(elements).enumerate() {
            for (from, to) in self.targets(array, shape)? {
                let (Some(element), Some(slot)) = (elements.get(from), joined.get_mut(to)) else { continue };
                match (&*slot, self.spec.overlap) {
                    (None, _) | (Some(_), Overlap::Last) => *slot = Some(element.clone()),
                    (Some(_), Overlap::First) => {}
                    (Some(there), Overlap::Error | Overlap::Identical) if there == element => {}
                    (Some(_), Overlap::Error | Overlap::Identical) => {
                        return Err(self.overlapping(row, to, shape));
                    }
                }
            }
        }
        let hole = joined.iter().position(Option::is_none);
        if let Some(hole) = hole.filter(|_| self.spec.missing_variable != MissingVariable::Fill) {
            return Err(CombineError::Hole {
                variable: self.path.to_owned(),
                label: self.label(hole, shape),
                present: self.arrays.len(),
                inputs: self.axes.first().map_or(0, |axis| axis.places.len()),
                no_fill_value: false,
            });
        }
        Ok(joined)
    }

    fn overlapping(&self, second: usize, element: usize, shape: &[u64]) -> CombineError {
        let name = |row: usize| self.arrays.get(row).map_or("", |array| array.name).to_owned();
        let holds = |array: &InputArray<'_>| {
            self.targets(array, shape).is_ok_and(|targets| targets.iter().any(|(_, to)| *to == element))
        };
        CombineError::Overlap {
            variable: self.path.to_owned(),
            label: self.label(element, shape),
            first: name(self.arrays.iter().position(holds).unwrap_or(0)),
            second: name(second),
        }
    }

    /// The labels of an element of the result.
    fn label(&self, element: usize, shape: &[u64]) -> String {
        let mut rest = element as u64;
        let mut index: Vec<u64> = Vec::with_capacity(shape.len());
        for &length in shape.iter().rev() {
            index.push(rest % length.max(1));
            rest /= length.max(1);
        }
        index.reverse();
        let names = self.arrays.first().map(InputArray::dimensions).unwrap_or_default();
        let labels = self.axes.iter().filter_map(|axis| {
            let place = *index.get(names.iter().position(|name| *name == axis.dimension)?)?;
            let label = axis.labels.printed(u32::try_from(place).ok()?);
            Some(format!("{} {label}", axis.dimension))
        });
        labels.collect::<Vec<_>>().join(", ")
    }

    /// The elements of an array and their numbers in the result. Along a dimension that the array gains each stands at all
    /// labels of its input.
    fn targets(&self, array: &InputArray<'_>, shape: &[u64]) -> Result<Vec<(usize, usize)>, CombineError> {
        let small = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let mut targets = vec![(0_usize, 0_usize)];
        for (target, &total) in shape.iter().enumerate() {
            let own = target.checked_sub(array.stretched.len());
            let joined = self.axes.iter().zip(&array.own_axes).find(|(axis, source)| match own {
                Some(own) => **source == Some(own),
                None => array.stretched.get(target).is_some_and(|name| *name == axis.dimension),
            });
            let places = joined.and_then(|(axis, _)| axis.places.get(array.input)?.as_ref());
            let labels = places.map_or(0, Places::len);
            let length = match own {
                Some(own) => array.stored.meta.shape().get(own).copied().unwrap_or(0),
                None => labels,
            };
            if let Some((axis, _)) = joined.filter(|_| labels != length) {
                return Err(CombineError::LabelCount {
                    dimension: axis.dimension.clone(),
                    input: array.name.to_owned(),
                    labels,
                    variable: self.path.to_owned(),
                    length,
                });
            }
            let place = |k: u64| small(places.map_or(Some(k), |places| places.get(k)).unwrap_or(0));
            // Which element it is depends on the array's own axes alone.
            let (own_length, step) = if own.is_some() { (small(length), 1) } else { (1, 0) };
            targets = targets
                .iter()
                .flat_map(|&base| (0..length).map(move |k| (base, k)))
                .map(|((from, to), k)| {
                    let from = from.saturating_mul(own_length).saturating_add(small(k).saturating_mul(step));
                    (from, to.saturating_mul(small(total)).saturating_add(place(k)))
                })
                .collect();
        }
        Ok(targets)
    }
}

/// The times, if all of them are the same dates in the calendar.
fn in_calendar(
    array: &InputArray<'_>,
    times: Vec<Option<Instant>>,
    calendar: Calendar,
) -> Result<Vec<Option<Instant>>, String> {
    let own = array.times.as_ref().map_or(calendar, |times| times.units.calendar());
    let agrees = |instant: &Instant| own.agrees_with(calendar, *instant);
    if (times.is_empty() || own.agrees_with(calendar, Instant(i128::MAX)))
        && times.iter().flatten().all(agrees)
    {
        return Ok(times);
    }
    Err(format!(
        "its dates are in the {own} calendar, where those of other inputs are in the {calendar} calendar"
    ))
}
