//! What is written: one answer of a reduction, or one decoded selection.

use anyhow::{Result, bail};
use rangefold::array::{ElementType, Value, Values};

/// An array with names: values on labelled dimensions.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Path of the variable, without the leading `/`.
    pub(crate) variable: String,
    /// What was asked; `None` for a decoded selection.
    pub(crate) operation: Option<Operation>,
    /// What was selected, as it was typed; `None` for everything.
    pub(crate) selection: Option<String>,
    /// Whether the values are as they are stored, neither unpacked nor masked.
    pub(crate) raw: bool,
    /// Units of the values.
    pub(crate) units: Option<String>,
    /// Calendar of the values, where they are times.
    pub(crate) calendar: Option<String>,
    /// The variable in words.
    pub(crate) long_name: Option<String>,
    /// Dimensions that are left, slowest first.
    pub(crate) dims: Vec<Dim>,
    /// Type of the values: what the array formats store.
    pub(crate) element: ElementType,
    /// Values in row-major order; anything where missing.
    pub(crate) values: Values,
    /// The values as dates, where the variable is a time.
    pub(crate) dates: Option<Vec<String>>,
    /// What values are called, where the variable says it: members of an enumeration, or flags.
    pub(crate) flags: Vec<(i128, String)>,
    /// Whether each cell has a value.
    pub(crate) valid: Vec<bool>,
    /// Valid elements behind each cell of an answer; without the last dimension where that is a histogram's bins.
    pub(crate) count: Option<Vec<u64>>,
    /// Where each cell's value stands along dimensions that are gone, if the operation asks that.
    pub(crate) at: Vec<At>,
    /// What the answer took.
    pub(crate) effort: Option<Effort>,
}

/// Where the values of cells stand along one dimension.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct At {
    /// The dimension, with its labels where some value stands; positions if it has none.
    pub(crate) dim: Dim,
    /// Which of them is that of each cell; `None` if it is missing.
    pub(crate) index: Vec<Option<usize>>,
}

/// A reduction.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Operation {
    /// Its name, and the fraction of a quantile: `mean`, `quantile(0.9)`, `count_where`.
    pub(crate) name: String,
    /// The name with the condition or the edges: `count_where(> 273.15)`.
    pub(crate) expression: String,
    /// The dimensions that were reduced.
    pub(crate) over: Vec<String>,
    /// The dimensions whose positions were gathered in groups.
    pub(crate) gathered: Vec<String>,
    /// The groups, as they were typed: `time.month`.
    pub(crate) by: Vec<String>,
    /// The windows that were reduced: `time=30`.
    pub(crate) rolling: Option<String>,
    /// What weighed the values, as it was typed.
    pub(crate) weights: Vec<String>,
    /// The mask, as it was typed: `sftlf > 50`.
    pub(crate) mask: Option<String>,
    /// The condition that values had to meet, as it was typed: `> 273.15`.
    pub(crate) condition: Option<String>,
}

/// A dimension.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dim {
    /// Its name.
    pub(crate) name: String,
    /// Its length.
    pub(crate) length: usize,
    /// Its labels, one per index.
    pub(crate) coordinate: Option<Coordinate>,
}

/// A coordinate variable.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Coordinate {
    /// Its values.
    pub(crate) values: Values,
    /// The values as dates (`2001-01-31`, `2001-01-31T12:00:00`), where they are times.
    pub(crate) dates: Option<Vec<String>>,
    /// Attribute `units`.
    pub(crate) units: Option<String>,
    /// Attribute `calendar`.
    pub(crate) calendar: Option<String>,
    /// Attribute `standard_name`.
    pub(crate) standard_name: Option<String>,
    /// Attribute `long_name`.
    pub(crate) long_name: Option<String>,
    /// Attribute `axis`.
    pub(crate) axis: Option<String>,
    /// Attribute `positive`.
    pub(crate) positive: Option<String>,
    /// Where the cell of each value begins and ends, one pair after the other; periods and bins have them.
    pub(crate) bounds: Option<Values>,
}

/// What an answer took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Effort {
    /// Chunks the selection touches.
    pub(crate) chunks_total: u64,
    /// Of those, chunks that are not stored.
    pub(crate) chunks_missing: u64,
    /// Of those, chunks that were read.
    pub(crate) chunks_read: u64,
    /// Encoded bytes the references point at.
    pub(crate) bytes_referenced: u64,
    /// Bytes requested, gaps between neighbours included.
    pub(crate) bytes_fetched: u64,
    /// Bytes after decoding.
    pub(crate) bytes_decoded: u64,
    /// Wall-clock time.
    pub(crate) seconds: f64,
}

/// The value in full: integers exactly, floats with as many digits as identify them.
pub(crate) fn text_of(value: Value<'_>) -> String {
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
    match crate::number::float(x) {
        serde_json::Value::String(name) => name,
        number => {
            let text = number.to_string();
            text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
        }
    }
}

impl Field {
    /// The variable, the operation if there is one, and what they are of: `tas mean`, `tas mean (weighted by coslat)`.
    pub(crate) fn title(&self) -> String {
        let notes = super::wording::notes(self).join(", ");
        let notes = if notes.is_empty() { notes } else { format!(" ({notes})") };
        match &self.operation {
            Some(operation) => format!("{} {}{notes}", self.variable, operation.expression),
            None => format!("{}{notes}", self.variable),
        }
    }

    /// The variable's name without its groups.
    pub(crate) fn leaf(&self) -> &str {
        self.variable.rsplit('/').next().unwrap_or_default()
    }

    /// Whether the operation is called `name`.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.operation.as_ref().is_some_and(|operation| operation.name == name)
    }

    /// Whether the values are numbers of something, positions or truth values, whatever the units of the variable.
    pub(crate) fn counts(&self) -> bool {
        const COUNTS: [&str; 7] = ["count", "count_where", "histogram", "argmin", "argmax", "any", "all"];
        COUNTS.iter().any(|name| self.is(name))
    }

    /// Lengths of the dimensions.
    pub(crate) fn shape(&self) -> Vec<usize> {
        self.dims.iter().map(|dim| dim.length).collect()
    }

    /// Number of cells.
    pub(crate) fn cells(&self) -> usize {
        self.valid.len()
    }

    /// Value of cell `i`, a date if the variable is a time; `None` if it is missing.
    pub(crate) fn shown(&self, i: usize) -> Option<Value<'_>> {
        let value = self.value(i)?;
        Some(date(&self.dates, i).unwrap_or(value))
    }

    /// What the value of cell `i` is called; `None` if it has no name or is missing.
    pub(crate) fn meaning(&self, i: usize) -> Option<&str> {
        let value = self.value(i).filter(|_| !self.flags.is_empty())?.to_integer()?;
        self.flags.iter().find(|(flag, _)| *flag == value).map(|(_, meaning)| meaning.as_str())
    }

    /// Value of cell `i`; `None` if it is missing.
    pub(crate) fn value(&self, i: usize) -> Option<Value<'_>> {
        self.valid.get(i).copied().unwrap_or(false).then(|| self.values.get(i)).flatten()
    }

    /// Number of missing cells.
    pub(crate) fn missing(&self) -> usize {
        self.valid.iter().filter(|valid| !**valid).count()
    }

    /// The dimensions of the counts: all but the bins of a histogram.
    pub(crate) fn count_dims(&self) -> &[Dim] {
        match self.dims.split_last() {
            Some((_, dims)) if self.is("histogram") => dims,
            _ => &self.dims,
        }
    }

    /// Cells of the answer for each count: the bins of a histogram, else 1.
    fn cells_per_count(&self) -> usize {
        self.dims.iter().skip(self.count_dims().len()).map(|dim| dim.length).product()
    }

    /// Valid elements behind cell `i` of an answer.
    pub(crate) fn count(&self, i: usize) -> Option<u64> {
        self.count.as_ref()?.get(i / self.cells_per_count().max(1)).copied()
    }

    /// Whether counts say more than the values do.
    pub(crate) fn counts_apart(&self) -> bool {
        self.count.is_some() && self.operation.is_some() && !self.is("count")
    }

    /// The row-major index of cell `i` along each dimension.
    pub(crate) fn index(&self, mut i: usize) -> Vec<usize> {
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
    pub(crate) fn check(&self) -> Result<()> {
        let cells: usize = self.dims.iter().map(|dim| dim.length).product();
        let (values, valid) = (self.values.len(), self.valid.len());
        if values != cells {
            bail!("{values} values for {cells} cells");
        }
        if valid != cells {
            bail!("{valid} validities for {cells} cells");
        }
        if let Some(dates) = self.dates.as_ref().map(Vec::len).filter(|&dates| dates != cells) {
            bail!("{dates} dates for {cells} cells");
        }
        let expected = self.count_dims().iter().map(|dim| dim.length).product::<usize>();
        if let Some(counts) = self.count.as_ref().map(Vec::len).filter(|&counts| counts != expected) {
            bail!("{counts} counts for {cells} cells");
        }
        if let Some(at) = self.at.iter().find(|at| at.index.len() != cells) {
            bail!("{} places along {:?} for {cells} cells", at.index.len(), at.dim.name);
        }
        self.dims.iter().chain(self.at.iter().map(|at| &at.dim)).try_for_each(Dim::check)
    }
}

impl At {
    /// Where the value of cell `i` stands; `None` if it is missing.
    pub(crate) fn label(&self, i: usize) -> Option<Value<'_>> {
        let index = self.index.get(i).copied().flatten()?;
        self.dim.coordinate.as_ref()?.label(index)
    }
}

impl Dim {
    fn check(&self) -> Result<()> {
        let Some(coordinate) = &self.coordinate else { return Ok(()) };
        let dates = coordinate.dates.as_ref().map_or(self.length, Vec::len);
        if let Some(bounds) = coordinate.bounds.as_ref().map(Values::len).filter(|&n| n != 2 * self.length) {
            bail!("{bounds} bounds for dimension {:?} of length {}", self.name, self.length);
        }
        for labels in [coordinate.values.len(), dates] {
            if labels != self.length {
                bail!("{labels} coordinates for dimension {:?} of length {}", self.name, self.length);
            }
        }
        Ok(())
    }

    /// The label of index `i`: its date, else its coordinate, else the index itself.
    pub(crate) fn label(&self, i: usize) -> String {
        let index = || i.to_string();
        let label = self.coordinate.as_ref().and_then(|coordinate| coordinate.label(i));
        label.map_or_else(index, text_of)
    }

    /// The name, with units in brackets where the labels are numbers that have some: `lat [degrees_north]`.
    pub(crate) fn heading(&self) -> String {
        let dated = self.coordinate.as_ref().is_some_and(|coordinate| coordinate.dates.is_some());
        let units = self.coordinate.as_ref().and_then(|coordinate| coordinate.units.as_deref());
        heading(&self.name, units.filter(|_| !dated))
    }
}

impl Coordinate {
    /// The label of index `i`: its date if it is a time, else its value.
    pub(crate) fn label(&self, i: usize) -> Option<Value<'_>> {
        date(&self.dates, i).or_else(|| self.values.get(i))
    }
}

/// Date number `i`; `None` also where the calendar has none for the value, whose text is empty.
fn date(dates: &Option<Vec<String>>, i: usize) -> Option<Value<'_>> {
    dates.as_ref()?.get(i).filter(|date| !date.is_empty()).map(|date| Value::Text(date))
}

/// A name with units in brackets.
pub(crate) fn heading(name: &str, units: Option<&str>) -> String {
    match units {
        Some(units) if !units.is_empty() && units != "1" => format!("{name} [{units}]"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::samples;

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
        field.operation.as_mut().unwrap().name = "histogram".to_owned();
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
