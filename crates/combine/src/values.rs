//! Joining variables by value: those too small or too badly cut to be joined by reference.

use rangefold_array::DataType;
use rangefold_cf::{Instant, TimeUnits};
use rangefold_refs::ManifestArray;

use crate::axis::Axis;
use crate::content::{self, Content};
use crate::labels::Labels;
use crate::place::Part;
use crate::selector::instants;
use crate::{CombineError, CombineSpec, MissingVariable, Overlap, encode};

/// More elements than this are not joined by value.
const ELEMENTS_MAX: usize = 1 << 26;

/// A variable to join by value.
pub(crate) struct Joining<'a> {
    pub(crate) path: &'a str,
    pub(crate) parts: &'a [Part<'a>],
    /// Joined axes, in the order of [`Part::sources`].
    pub(crate) axes: Vec<&'a Axis>,
    /// The values of each part.
    pub(crate) contents: Vec<&'a Content>,
    pub(crate) spec: &'a CombineSpec,
}

impl Joining<'_> {
    /// Joins the values as they are.
    pub(crate) fn values(&self) -> Result<ManifestArray, CombineError> {
        let Some(first) = self.parts.first() else { return Err(CombineError::NoInputs) };
        let meta = &first.array.meta;
        let shape = self.shape()?;
        let content = if let Some(size) = meta.data_type.size() {
            let fill = meta.fill_value.as_ref().map(|fill| {
                let mut element = fill.0.clone();
                content::from_little(&mut element, &meta.data_type);
                element
            });
            let elements = self.contents.iter().map(|content| match content {
                Content::Bytes(bytes) => bytes.chunks_exact(size.max(1)).collect(),
                Content::Texts(_) => Vec::new(),
            });
            Content::Bytes(self.gather(&shape, elements.collect(), fill.as_deref())?.concat())
        } else {
            let fill = meta.fill_value.as_ref().and_then(|fill| std::str::from_utf8(&fill.0).ok());
            let elements = self.contents.iter().map(|content| match content {
                Content::Texts(texts) => texts.iter().map(String::as_str).collect(),
                Content::Bytes(_) => Vec::new(),
            });
            let texts = self.gather(&shape, elements.collect(), Some(fill.unwrap_or_default()))?;
            Content::Texts(texts.into_iter().map(str::to_owned).collect())
        };
        self.written(&shape, meta.data_type.clone(), &content)
    }

    /// Joins times that are in the units `from`, one of each part, and writes them in the units `to`.
    pub(crate) fn times(&self, from: &[TimeUnits], to: TimeUnits) -> Result<ManifestArray, CombineError> {
        let Some(first) = self.parts.first() else { return Err(CombineError::NoInputs) };
        let data_type = first.array.meta.data_type.clone();
        let mut elements: Vec<Vec<Instant>> = Vec::with_capacity(self.parts.len());
        for ((part, content), units) in self.parts.iter().zip(&self.contents).zip(from) {
            let numbers = match content {
                Content::Bytes(bytes) => content::numbers(&part.array.meta.data_type, bytes),
                Content::Texts(_) => None,
            };
            let found = numbers.ok_or_else(|| "its values are no numbers".to_owned());
            elements.push(found.and_then(|numbers| instants(units, numbers)).map_err(|reason| {
                CombineError::Variable { variable: self.path.to_owned(), input: part.name.to_owned(), reason }
            })?);
        }
        let shape = self.shape()?;
        let instants = self.gather(&shape, elements, None)?;
        let labels = Labels::Times { instants, units: to };
        let (data_type, content) = encode::times(self.path, &labels, Some(data_type))?;
        self.written(&shape, data_type, &content)
    }

    fn written(
        &self,
        shape: &[u64],
        data_type: DataType,
        content: &Content,
    ) -> Result<ManifestArray, CombineError> {
        let Some(first) = self.parts.first() else { return Err(CombineError::NoInputs) };
        let meta = &first.array.meta;
        let fill_value = meta.fill_value.clone().filter(|_| meta.data_type == data_type);
        let names = first.dimensions().into_iter().map(str::to_owned).collect();
        let attributes = first.array.attributes.clone();
        encode::inline(self.path, shape, names, data_type, fill_value, attributes, content)
    }

    /// The shape of the result: the same from every part, since joined axes have the length of the axis.
    fn shape(&self) -> Result<Vec<u64>, CombineError> {
        let Some(first) = self.parts.first() else { return Err(CombineError::NoInputs) };
        let mut shape = vec![0; first.stretched.len()];
        shape.extend_from_slice(first.array.meta.shape());
        for (axis, source) in self.axes.iter().zip(&first.sources) {
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

    /// All elements in their places. Where two parts hold elements for one place, the policy decides, or they must be
    /// equal.
    fn gather<T: Clone + PartialEq>(
        &self,
        shape: &[u64],
        elements: Vec<Vec<T>>,
        fill: Option<T>,
    ) -> Result<Vec<T>, CombineError> {
        let total = shape.iter().try_fold(1_usize, |n, &l| n.checked_mul(usize::try_from(l).ok()?));
        let total = total.filter(|&n| n <= ELEMENTS_MAX).ok_or_else(|| CombineError::Variable {
            variable: self.path.to_owned(),
            input: self.parts.first().map_or("", |part| part.name).to_owned(),
            reason: format!("shape {shape:?} is too large to be joined by value (limit {ELEMENTS_MAX})"),
        })?;
        let mut joined: Vec<Option<T>> = vec![None; total];
        for (row, (part, elements)) in self.parts.iter().zip(elements).enumerate() {
            for (element, to) in elements.into_iter().zip(self.targets(part, shape)?) {
                let Some(slot) = joined.get_mut(to) else { continue };
                match (&*slot, self.spec.overlap) {
                    (None, _) | (Some(_), Overlap::Last) => *slot = Some(element),
                    (Some(_), Overlap::First) => {}
                    (Some(there), Overlap::Error | Overlap::Identical) if *there == element => {}
                    (Some(_), Overlap::Error | Overlap::Identical) => {
                        return Err(self.overlapping(row, to, shape));
                    }
                }
            }
        }
        let fill = fill.filter(|_| self.spec.missing_variable == MissingVariable::Fill);
        if let Some(hole) = joined.iter().position(Option::is_none)
            && fill.is_none()
        {
            return Err(CombineError::Hole {
                variable: self.path.to_owned(),
                label: self.label(hole, shape),
                present: self.parts.len(),
                inputs: self.axes.first().map_or(0, |axis| axis.places.len()),
                no_fill_value: self.spec.missing_variable == MissingVariable::Fill,
            });
        }
        Ok(joined.into_iter().filter_map(|element| element.or_else(|| fill.clone())).collect())
    }

    fn overlapping(&self, second: usize, element: usize, shape: &[u64]) -> CombineError {
        let name = |row: usize| self.parts.get(row).map_or("", |part| part.name).to_owned();
        let holds = |part: &Part<'_>| self.targets(part, shape).is_ok_and(|t| t.contains(&element));
        CombineError::Overlap {
            variable: self.path.to_owned(),
            label: self.label(element, shape),
            first: name(self.parts.iter().position(holds).unwrap_or(0)),
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
        let names = self.parts.first().map(Part::dimensions).unwrap_or_default();
        let labels = self.axes.iter().filter_map(|axis| {
            let place = *index.get(names.iter().position(|name| *name == axis.dimension)?)?;
            let label = axis.labels.printed(u32::try_from(place).ok()?);
            Some(format!("{} {label}", axis.dimension))
        });
        labels.collect::<Vec<_>>().join(", ")
    }

    /// For each element of a part in row-major order, its number in the result.
    fn targets(&self, part: &Part<'_>, shape: &[u64]) -> Result<Vec<usize>, CombineError> {
        let small = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let mut targets = vec![0_usize];
        for (target, &total) in shape.iter().enumerate() {
            let own = target.checked_sub(part.stretched.len());
            let length = own.map_or(Some(1), |own| part.array.meta.shape().get(own).copied()).unwrap_or(0);
            let joined = self.axes.iter().zip(&part.sources).find(|(axis, source)| match own {
                Some(own) => **source == Some(own),
                None => part.stretched.get(target).is_some_and(|name| *name == axis.dimension),
            });
            let places = joined.and_then(|(axis, _)| axis.places.get(part.input)?.as_ref());
            if let Some((axis, _)) = joined {
                let labels = places.map_or(0, |places| places.len());
                if labels != length {
                    return Err(CombineError::LabelCount {
                        dimension: axis.dimension.clone(),
                        input: part.name.to_owned(),
                        labels,
                        variable: self.path.to_owned(),
                        length,
                    });
                }
            }
            let place = |k: u64| small(places.map_or(Some(k), |places| places.get(k)).unwrap_or(0));
            targets = targets
                .iter()
                .flat_map(|&base| (0..length).map(move |k| (base, k)))
                .map(|(base, k)| base.saturating_mul(small(total)).saturating_add(place(k)))
                .collect();
        }
        Ok(targets)
    }
}
