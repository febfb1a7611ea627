//! What is drawn of a field: its numbers, or where its names and places stand along an axis of their own.

use std::borrow::Cow;

use rangefold_array::{ElementType, Values};

use crate::axes::Axis;
use rangefold_query::field::{Coordinate, Dim, Field};

/// A field as it is drawn.
pub(crate) struct Shown<'a> {
    /// The field, with positions on [`Shown::scale`] as its values where there is one.
    pub(crate) field: Cow<'a, Field>,
    /// What the values stand on, where they are no plain numbers: names of flags, or labels of where extremes stand.
    pub(crate) scale: Option<Axis>,
}

impl<'a> Shown<'a> {
    /// Flags and truth values are drawn by their names, places along one dimension by its labels, all else as it is.
    pub(crate) fn new(field: &'a Field) -> Self {
        if let [at] = field.at.as_slice() {
            return Self::placed(field, &at.dim, &at.index, "at ");
        }
        let names: Vec<(i128, String)> = match field.element {
            ElementType::Bool => vec![(0, "false".to_owned()), (1, "true".to_owned())],
            _ => field.flags.clone(),
        };
        if names.is_empty() {
            return Self { field: Cow::Borrowed(field), scale: None };
        }
        let place = |cell| {
            let value = field.value(cell)?.to_integer()?;
            names.iter().position(|(flag, _)| *flag == value)
        };
        let index: Vec<Option<usize>> = (0..field.cells()).map(place).collect();
        let texts = names.into_iter().map(|(_, name)| name).collect::<Vec<_>>();
        let coordinate = Coordinate { values: Values::Text(texts.clone()), ..Coordinate::default() };
        let dim = Dim { name: field.leaf().to_owned(), length: texts.len(), coordinate: Some(coordinate) };
        Self::placed(field, &dim, &index, "")
    }

    /// The field with the position along `dim` as the value of each cell.
    fn placed(field: &Field, dim: &Dim, index: &[Option<usize>], before: &str) -> Self {
        if dim.length == 0 {
            return Self { field: Cow::Owned(field.clone()), scale: None };
        }
        let mut scale = Axis::new(dim);
        scale.title = format!("{before}{}", scale.title);
        let position = |place: &Option<usize>| scale.centres.get((*place)?).copied();
        let positions: Vec<Option<f64>> = index.iter().map(position).collect();
        let shown = Field {
            valid: positions.iter().map(Option::is_some).collect(),
            values: Values::Float(
                positions.into_iter().map(|position| position.unwrap_or(f64::NAN)).collect(),
            ),
            ..field.clone()
        };
        Self { field: Cow::Owned(shown), scale: Some(scale) }
    }

    /// First and last value that has a colour; `range` where the values are plain numbers.
    pub(crate) fn ends(&self, range: (f64, f64)) -> (f64, f64) {
        let Some(scale) = &self.scale else { return range };
        let first = scale.centres.first().copied().unwrap_or(range.0);
        let last = scale.centres.last().copied().unwrap_or(range.1);
        (first.min(last), first.max(last))
    }

    /// Whether the values are names, with nothing between one and the next.
    pub(crate) fn is_named(&self) -> bool {
        self.scale.is_some() && self.field.at.is_empty()
    }
}

/// Edges and numbers of the bins of a histogram that is nothing but bins.
pub(crate) fn bars(field: &Field) -> Option<Vec<(f64, f64, f64)>> {
    let (bins, others) = field.dims.split_last()?;
    if !field.is_histogram() || others.iter().any(|dim| dim.length != 1) {
        return None;
    }
    let Some(Values::Float(edges)) = &bins.coordinate.as_ref()?.bounds else { return None };
    let bar = |(pair, cell): (&[f64; 2], usize)| Some((pair[0], pair[1], crate::axes::number(field, cell)?));
    edges.as_chunks::<2>().0.iter().zip(0..).map(bar).collect()
}

/// The axes that bars stand between: of the values that were counted, and of their numbers.
pub(crate) fn bar_axes(field: &Field, bars: &[(f64, f64, f64)]) -> (Axis, Axis) {
    let (first, last) = (bars.first().map_or(0.0, |bar| bar.0), bars.last().map_or(1.0, |bar| bar.1));
    let most = bars.iter().map(|bar| bar.2).fold(0.0, f64::max);
    let units = field.dims.last().and_then(|bins| bins.coordinate.as_ref()?.units.clone());
    let mut x = Axis::between(first, last);
    x.title = crate::numerals::labelled(field.leaf(), &units.unwrap_or_default());
    let mut y = Axis::between(0.0, if most > 0.0 { most * 1.05 } else { 1.0 });
    y.title = super::words::value_title(field);
    (x, y)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rangefold_query::field::At;
    use rangefold_query::samples;

    #[test]
    fn flags_are_drawn_by_the_place_of_their_names() {
        let mut field = samples::integers(vec![4, 1, 9, 4], vec![true, true, true, false]);
        field.flags = vec![(1, "clear".to_owned()), (4, "cloudy".to_owned())];
        let shown = Shown::new(&field);
        assert_eq!(shown.field.valid, [true, true, false, false]);
        assert_eq!(
            (shown.field.value(0).and_then(|v| v.to_f64()), shown.ends((1.0, 9.0))),
            (Some(1.0), (0.0, 1.0))
        );
        let marks: Vec<String> = shown.scale.unwrap().ticks(5).into_iter().map(|(_, text)| text).collect();
        assert_eq!(marks, ["clear", "cloudy"]);
    }

    #[test]
    fn places_are_drawn_by_the_labels_along_their_dimension() {
        let mut field = samples::integers(vec![0, 2], vec![true, true]);
        field.at = vec![At { dim: samples::months(3), index: vec![Some(0), Some(2)] }];
        let shown = Shown::new(&field);
        let scale = shown.scale.unwrap();
        assert_eq!(
            (scale.title.as_str(), shown.field.values.clone()),
            ("at time", Values::Float(vec![0.0, 59.0]))
        );
        assert_eq!(scale.ticks(5)[0].1, "2001-01-01");
    }

    #[test]
    fn bins_are_bars_between_their_edges() {
        let mut field = samples::integers(vec![3, 5], vec![true, true]);
        field.operation = Some(samples::operation("histogram(250,260,270)", &["time"]));
        assert_eq!(bars(&field), None);
        let bins = field.dims[0].coordinate.as_mut().unwrap();
        (bins.values, bins.bounds) =
            (Values::Float(vec![1.0, 2.0]), Some(Values::Float(vec![1.0, 2.0, 2.0, 4.0])));
        let found = bars(&field).unwrap();
        assert_eq!(found, [(1.0, 2.0, 3.0), (2.0, 4.0, 5.0)]);
        let (x, y) = bar_axes(&field, &found);
        assert_eq!((x.begin, x.end, y.begin, y.title.as_str()), (1.0, 4.0, 0.0, "number of values"));
    }
}
