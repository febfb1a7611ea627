//! A labelled array: the answer to one reduction, or one decoded selection.

use std::fmt;

use ndarray::ArrayD;
use rangefold_array::{ElementType, Number, Value, Values};
use rangefold_reduce::Reduction;

use crate::number;
use crate::reductions::{self, AnswerUnits};

/// An array with names: values on labelled dimensions.
#[derive(Clone, Debug)]
pub struct Field {
    /// Path of the variable, without the leading `/`.
    pub variable: String,
    /// What was asked; `None` for a decoded selection.
    pub operation: Option<Operation>,
    /// What was selected, as it was typed; `None` for everything.
    pub selection: Option<String>,
    /// The groups whose means were taken from the values, as they were typed: `time.month:1981..2010`.
    pub anomaly: Option<String>,
    /// Whether the values are as they are stored, neither unpacked nor masked.
    pub raw: bool,
    /// Units of the values.
    pub units: Option<String>,
    /// Calendar of the values, where they are times.
    pub calendar: Option<String>,
    /// The variable in words.
    pub long_name: Option<String>,
    /// Dimensions that are left, slowest first.
    pub dims: Vec<Dim>,
    /// Type of the values: what the array formats store.
    pub element: ElementType,
    /// Values in row-major order; anything where missing.
    pub values: Values,
    /// The values as dates, where the variable is a time.
    pub dates: Option<Vec<String>>,
    /// What values are called, where the variable says it: members of an enumeration, or flags.
    pub flags: Vec<(i128, String)>,
    /// Whether each cell has a value.
    pub valid: Vec<bool>,
    /// Valid elements behind each cell of an answer; without the last dimension where that is a histogram's bins.
    pub count: Option<Vec<u64>>,
    /// Where each cell's value stands along dimensions that are gone, if the operation asks that.
    pub at: Vec<At>,
    /// What the answer took.
    pub effort: Option<Effort>,
}

/// Where the values of cells stand along one dimension.
#[derive(Clone, Debug, PartialEq)]
pub struct At {
    /// The dimension, with its labels where some value stands; positions if it has none.
    pub dim: Dim,
    /// Which of them is that of each cell; `None` if it is missing.
    pub index: Vec<Option<usize>>,
}

/// A reduction, and what it was made over.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// What was computed.
    pub reduction: Reduction,
    /// The dimensions that were reduced.
    pub over: Vec<String>,
    /// The dimensions whose positions were gathered in groups.
    pub gathered: Vec<String>,
    /// The groups, as they were typed: `time.month`.
    pub by: Vec<String>,
    /// The windows that were reduced: `time=30`.
    pub rolling: Option<String>,
    /// What weighed the values, as it was typed.
    pub weights: Vec<String>,
    /// The mask, as it was typed: `sftlf > 50`.
    pub mask: Option<String>,
    /// The condition that values had to meet, as it was typed: `> 273.15`.
    pub condition: Option<String>,
}

/// A dimension.
#[derive(Clone, Debug, PartialEq)]
pub struct Dim {
    /// Its name.
    pub name: String,
    /// Its length.
    pub length: usize,
    /// Its labels, one per index.
    pub coordinate: Option<Coordinate>,
}

/// A coordinate variable.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coordinate {
    /// Its values.
    pub values: Values,
    /// The values as dates (`2001-01-31`, `2001-01-31T12:00:00`), where they are times.
    pub dates: Option<Vec<String>>,
    /// Attribute `units`.
    pub units: Option<String>,
    /// Attribute `calendar`.
    pub calendar: Option<String>,
    /// Attribute `standard_name`.
    pub standard_name: Option<String>,
    /// Attribute `long_name`.
    pub long_name: Option<String>,
    /// Attribute `axis`.
    pub axis: Option<String>,
    /// Attribute `positive`.
    pub positive: Option<String>,
    /// Where the cell of each value begins and ends, one pair after the other; periods and bins have them.
    pub bounds: Option<Values>,
}

/// What an answer took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Effort {
    /// Chunks the selection touches.
    pub chunks_total: u64,
    /// Of those, chunks that are not stored.
    pub chunks_missing: u64,
    /// Of those, chunks that were read.
    pub chunks_read: u64,
    /// Encoded bytes the references point at.
    pub bytes_referenced: u64,
    /// Bytes requested, gaps between neighbours included.
    pub bytes_fetched: u64,
    /// Bytes after decoding.
    pub bytes_decoded: u64,
    /// Wall-clock time.
    pub seconds: f64,
}

/// The values of a field do not make an array of floats.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoArray {
    /// Texts, or complex numbers.
    #[error("{title}: values of type {element} are no real numbers")]
    Element {
        /// What the field is.
        title: String,
        /// Name of its type.
        element: String,
    },
    /// An integer that would be rounded.
    #[error("{title}: {value} is no float of 64 bits; the exact values are in the field")]
    Inexact {
        /// What the field is.
        title: String,
        /// The integer.
        value: i128,
    },
    /// Lists that contradict each other.
    #[error(transparent)]
    Inconsistent(#[from] Inconsistent),
}

/// Lists of a field that should have the same length have not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Inconsistent(String);

/// The value in full: integers exactly, floats with as many digits as identify them.
#[must_use]
pub fn text_of(value: Value<'_>) -> String {
    match value {
        Value::Signed(x) => x.to_string(),
        Value::Unsigned(x) => x.to_string(),
        Value::Float(x) => float_text(x),
        Value::Bool(x) => x.to_string(),
        Value::Complex([re, im]) if im.is_sign_negative() => {
            format!("{}{}i", float_text(re), float_text(im))
        }
        Value::Complex([re, im]) => format!("{}+{}i", float_text(re), float_text(im)),
        Value::Text(text) => text.to_owned(),
    }
}

/// A float with as many digits as identify it: `280.1`, `1e20`, `NaN`, `-Infinity`.
fn float_text(x: f64) -> String {
    match number::float(x) {
        serde_json::Value::String(name) => name,
        number => {
            let text = number.to_string();
            text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
        }
    }
}

impl Operation {
    /// Its name, and the fraction of a quantile: `mean`, `quantile(0.9)`, `count_where`.
    #[must_use]
    pub fn name(&self) -> String {
        reductions::name(&self.reduction)
    }

    /// The name with the condition or the edges: `count_where(> 273.15)`.
    #[must_use]
    pub fn expression(&self) -> String {
        self.reduction.to_string()
    }
}

impl Field {
    /// The variable, the operation if there is one, and what they are of: `tas mean`, `tas mean (weighted by coslat)`.
    #[must_use]
    pub fn title(&self) -> String {
        let notes = crate::wording::notes(self).join(", ");
        let notes = if notes.is_empty() { notes } else { format!(" ({notes})") };
        match &self.operation {
            Some(operation) => format!("{} {}{notes}", self.variable, operation.expression()),
            None => format!("{}{notes}", self.variable),
        }
    }

    /// The variable's name without its groups.
    #[must_use]
    pub fn leaf(&self) -> &str {
        rangefold_array::node_path::leaf(&self.variable)
    }

    /// Whether this is a histogram, whose last dimension are its bins.
    #[must_use]
    pub fn is_histogram(&self) -> bool {
        self.operation.as_ref().is_some_and(|operation| operation.reduction.edges().is_some())
    }

    /// Whether the values are numbers of something, positions or truth values, whatever the units of the variable.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.operation.as_ref().is_some_and(|operation| {
            matches!(operation.reduction.units(), AnswerUnits::Place | AnswerUnits::Nothing)
        })
    }

    /// The values as an array of the field's dimensions, NaN where they are missing; truth values are 0 and 1, times
    /// numbers in [`Field::units`].
    ///
    /// # Errors
    ///
    /// [`NoArray`] for texts and complex numbers, and for integers past 2^53 that a float would round.
    pub fn array(&self) -> Result<ArrayD<f64>, NoArray> {
        self.check()?;
        let number = |i: usize| {
            let Some(value) = self.value(i) else { return Ok(f64::NAN) };
            let element = || NoArray::Element { title: self.title(), element: self.element.name() };
            let number = value.to_f64().ok_or_else(element)?;
            match value.to_integer() {
                Some(integer) if Number::Integer(integer).to_exact_float().is_none() => {
                    Err(NoArray::Inexact { title: self.title(), value: integer })
                }
                Some(_) | None => Ok(number),
            }
        };
        let values: Vec<f64> = (0..self.cells()).map(number).collect::<Result<_, _>>()?;
        let count = values.len();
        let inconsistent =
            |_| Inconsistent(format!("{count} values for dimensions {:?}", self.shape())).into();
        ArrayD::from_shape_vec(self.shape(), values).map_err(inconsistent)
    }

    /// Lengths of the dimensions.
    #[must_use]
    pub fn shape(&self) -> Vec<usize> {
        self.dims.iter().map(|dim| dim.length).collect()
    }

    /// Number of cells.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.valid.len()
    }

    /// Value of cell `i`, a date if the variable is a time; `None` if it is missing.
    #[must_use]
    pub fn shown(&self, i: usize) -> Option<Value<'_>> {
        let value = self.value(i)?;
        Some(date(&self.dates, i).unwrap_or(value))
    }

    /// What the value of cell `i` is called; `None` if it has no name or is missing.
    #[must_use]
    pub fn meaning(&self, i: usize) -> Option<&str> {
        let value = self.value(i).filter(|_| !self.flags.is_empty())?.to_integer()?;
        self.flags.iter().find(|(flag, _)| *flag == value).map(|(_, meaning)| meaning.as_str())
    }

    /// Value of cell `i`; `None` if it is missing.
    #[must_use]
    pub fn value(&self, i: usize) -> Option<Value<'_>> {
        self.valid.get(i).copied().unwrap_or(false).then(|| self.values.get(i)).flatten()
    }

    /// Number of missing cells.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.valid.iter().filter(|valid| !**valid).count()
    }

    /// The dimensions of the counts: all but the bins of a histogram.
    #[must_use]
    pub fn count_dims(&self) -> &[Dim] {
        match self.dims.split_last() {
            Some((_, dims)) if self.is_histogram() => dims,
            _ => &self.dims,
        }
    }

    /// Cells of the answer for each count: the bins of a histogram, else 1.
    fn cells_per_count(&self) -> usize {
        self.dims.iter().skip(self.count_dims().len()).map(|dim| dim.length).product()
    }

    /// Valid elements behind cell `i` of an answer.
    #[must_use]
    pub fn count(&self, i: usize) -> Option<u64> {
        self.count.as_ref()?.get(i / self.cells_per_count().max(1)).copied()
    }

    /// Whether counts say more than the values do.
    #[must_use]
    pub fn counts_apart(&self) -> bool {
        self.count.is_some()
            && self.operation.as_ref().is_some_and(|operation| operation.reduction != Reduction::Count)
    }

    /// The row-major index of cell `i` along each dimension.
    #[must_use]
    pub fn index(&self, mut i: usize) -> Vec<usize> {
        let mut index = vec![0; self.dims.len()];
        for (place, dim) in index.iter_mut().zip(&self.dims).rev() {
            *place = i % dim.length.max(1);
            i /= dim.length.max(1);
        }
        index
    }

    /// Whether every list has the length the dimensions ask for.
    ///
    /// # Errors
    ///
    /// One has not.
    pub fn check(&self) -> Result<(), Inconsistent> {
        let cells: usize = self.dims.iter().map(|dim| dim.length).product();
        let (values, valid) = (self.values.len(), self.valid.len());
        if values != cells {
            return Err(Inconsistent(format!("{values} values for {cells} cells")));
        }
        if valid != cells {
            return Err(Inconsistent(format!("{valid} validities for {cells} cells")));
        }
        if let Some(dates) = self.dates.as_ref().map(Vec::len).filter(|&dates| dates != cells) {
            return Err(Inconsistent(format!("{dates} dates for {cells} cells")));
        }
        let expected = self.count_dims().iter().map(|dim| dim.length).product::<usize>();
        if let Some(counts) = self.count.as_ref().map(Vec::len).filter(|&counts| counts != expected) {
            return Err(Inconsistent(format!("{counts} counts for {cells} cells")));
        }
        if let Some(at) = self.at.iter().find(|at| at.index.len() != cells) {
            return Err(Inconsistent(format!(
                "{} places along {:?} for {cells} cells",
                at.index.len(),
                at.dim.name
            )));
        }
        self.dims.iter().chain(self.at.iter().map(|at| &at.dim)).try_for_each(Dim::check)
    }
}

impl fmt::Display for Field {
    /// `tas mean = 287.9 K`, or the dimensions of what is more than one value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.dims.is_empty() {
            let value = self.shown(0).map_or_else(|| "missing".to_owned(), text_of);
            write!(f, "{} = {value}", self.title())?;
            return self
                .units
                .iter()
                .filter(|_| self.dates.is_none())
                .try_for_each(|units| write!(f, " {units}"));
        }
        let dims: Vec<String> = self.dims.iter().map(|dim| format!("{}: {}", dim.name, dim.length)).collect();
        write!(f, "{} ({})", heading(&self.title(), self.units.as_deref()), dims.join(", "))
    }
}

impl At {
    /// Where the value of cell `i` stands; `None` if it is missing.
    #[must_use]
    pub fn label(&self, i: usize) -> Option<Value<'_>> {
        let index = self.index.get(i).copied().flatten()?;
        self.dim.coordinate.as_ref()?.label(index)
    }
}

impl Dim {
    fn check(&self) -> Result<(), Inconsistent> {
        let Some(coordinate) = &self.coordinate else { return Ok(()) };
        let dates = coordinate.dates.as_ref().map_or(self.length, Vec::len);
        if let Some(bounds) = coordinate.bounds.as_ref().map(Values::len).filter(|&n| n != 2 * self.length) {
            return Err(Inconsistent(format!(
                "{bounds} bounds for dimension {:?} of length {}",
                self.name, self.length
            )));
        }
        for labels in [coordinate.values.len(), dates] {
            if labels != self.length {
                return Err(Inconsistent(format!(
                    "{labels} coordinates for dimension {:?} of length {}",
                    self.name, self.length
                )));
            }
        }
        Ok(())
    }

    /// The label of index `i`: its date, else its coordinate, else the index itself.
    #[must_use]
    pub fn label(&self, i: usize) -> String {
        let index = || i.to_string();
        let label = self.coordinate.as_ref().and_then(|coordinate| coordinate.label(i));
        label.map_or_else(index, text_of)
    }

    /// The name, with units in brackets where the labels are numbers that have some: `lat [degrees_north]`.
    #[must_use]
    pub fn heading(&self) -> String {
        let dated = self.coordinate.as_ref().is_some_and(|coordinate| coordinate.dates.is_some());
        let units = self.coordinate.as_ref().and_then(|coordinate| coordinate.units.as_deref());
        heading(&self.name, units.filter(|_| !dated))
    }
}

impl Coordinate {
    /// The label of index `i`: its date if it is a time, else its value.
    #[must_use]
    pub fn label(&self, i: usize) -> Option<Value<'_>> {
        date(&self.dates, i).or_else(|| self.values.get(i))
    }
}

/// Date number `i`; `None` also where the calendar has none for the value, whose text is empty.
fn date(dates: &Option<Vec<String>>, i: usize) -> Option<Value<'_>> {
    dates.as_ref()?.get(i).filter(|date| !date.is_empty()).map(|date| Value::Text(date))
}

/// A name with units in brackets.
#[must_use]
pub fn heading(name: &str, units: Option<&str>) -> String {
    match units {
        Some(units) if !units.is_empty() && units != "1" => format!("{name} [{units}]"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn cells_know_their_index_and_count() {
        let map = samples::map();
        assert_eq!(map.index(5), [1, 2]);
        assert_eq!(map.value(1), None);
        assert_eq!(map.count(5), Some(365));
        assert_eq!(map.missing(), 1);
    }

    #[test]
    fn a_histogram_counts_once_for_all_its_bins() {
        let mut field = samples::map();
        field.operation.as_mut().unwrap().reduction = Reduction::Histogram([0.0, 1.0, 2.0, 3.0].into());
        field.count = Some(vec![7, 9]);
        assert!(field.check().is_ok());
        assert_eq!((field.count(2), field.count(3)), (Some(7), Some(9)));
        field.count = Some(vec![7, 9, 11]);
        assert_eq!(field.check().unwrap_err().to_string(), "3 counts for 6 cells");
    }

    #[test]
    fn labels_that_do_not_fit_are_refused() {
        let mut field = samples::map();
        field.dims[0].coordinate.as_mut().unwrap().values = Values::Float(vec![0.0]);
        assert_eq!(field.check().unwrap_err().to_string(), "1 coordinates for dimension \"lat\" of length 2");
    }

    #[test]
    fn values_are_printed_in_full() {
        assert_eq!(text_of(Value::Unsigned(u64::MAX)), "18446744073709551615");
        assert_eq!(text_of(Value::Float(0.1 + 0.2)), "0.30000000000000004");
        assert_eq!(text_of(Value::Float(280.0)), "280");
        assert_eq!(text_of(Value::Complex([1.0, -2.5])), "1-2.5i");
        assert_eq!(text_of(Value::Float(f64::INFINITY)), "Infinity");
    }
}
