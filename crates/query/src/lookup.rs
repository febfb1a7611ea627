//! Looking up what is selected in the coordinate of an axis.
//!
//! Numbers are compared in the type of the coordinate. Along longitudes they are compared modulo 360 as long as the axis
//! spans at most one turn; what lies across the seam of the grid then comes in two runs.

use std::cmp::Ordering;

use rangefold_array::{AxisRange, Number, Value, Values};
use rangefold_cf::{Coordinate, Instant, Role};

use crate::positions::Positions;
use crate::select::{AxisSelector, Far, PartialDate, SelectError};

impl AxisSelector {
    /// The positions on the axis number `axis`, of `length`, that this selects.
    ///
    /// `coordinate` is that of the axis, or why there is none. With `nearest` a single value takes the nearest cell
    /// however far away.
    ///
    /// # Errors
    ///
    /// [`SelectError`] if a position, value or date does not fit the axis or there is no `coordinate` to look it up in.
    pub fn resolve(
        &self,
        axis: usize,
        dimension: &str,
        length: u64,
        coordinate: Result<&Coordinate, &str>,
        nearest: bool,
    ) -> Result<Positions, SelectError> {
        if let Self::Index(slice) = self {
            let range = slice
                .resolve(axis, length)
                .map_err(|problem| SelectError::Position { dimension: dimension.to_owned(), problem })?;
            return Ok(Positions(vec![range]));
        }
        let coordinate = coordinate.map_err(|reason| SelectError::NoCoordinate {
            dimension: dimension.to_owned(),
            wanted: self.to_string(),
            reason: reason.to_owned(),
        })?;
        let lookup = Lookup::new(dimension, self.to_string(), coordinate, length);
        if let Values::Text(_) = coordinate.column.values {
            return lookup.label(&lookup.wanted);
        }
        match self {
            Self::Index(_) => Ok(Positions(Vec::new())),
            Self::Value { value, .. } => lookup.cell(*value, nearest),
            Self::Values(low, high) => lookup.between(*low, *high),
            Self::Dates(first, last) => match self.as_numbers() {
                Some((low, high)) if coordinate.time.is_none() => lookup.between(low, high),
                _ => lookup.dates(*first, *last),
            },
            Self::Label(_) => Err(lookup.other_kind()),
        }
    }
}

/// One look-up in a coordinate, with what an error message needs.
struct Lookup<'a> {
    dimension: &'a str,
    wanted: String,
    coordinate: &'a Coordinate,
    length: u64,
    /// Smallest and largest value.
    ends: (f64, f64),
    /// Whether the axis is longitude in degrees and spans at most one turn.
    goes_around: bool,
}

/// A half of a cell may be wider by this part of itself: halves of decimal fractions are not exact.
const ROUNDING: f64 = 1e-9;

impl<'a> Lookup<'a> {
    fn new(dimension: &'a str, wanted: String, coordinate: &'a Coordinate, length: u64) -> Self {
        let numbers = (0..coordinate.len()).map(|i| coordinate.number(i));
        let (low, high) =
            numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        let units = coordinate.attributes.units.as_deref();
        let in_degrees = units.is_none_or(|units| {
            let units = units.trim().to_ascii_lowercase();
            units.is_empty() || units.starts_with("deg") || units.starts_with('°')
        });
        let role = match (coordinate.role, units) {
            (Role::Other, None) => Role::of_name(dimension),
            (role, _) => role,
        };
        let goes_around = role == Role::Longitude && in_degrees && high - low <= 360.0;
        Self { dimension, wanted, coordinate, length, ends: (low, high), goes_around }
    }

    fn outside(&self) -> SelectError {
        SelectError::Outside {
            dimension: self.dimension.to_owned(),
            wanted: self.wanted.clone(),
            ends: format!("{} to {}", self.printed(0), self.printed(self.coordinate.len().saturating_sub(1))),
        }
    }

    fn other_kind(&self) -> SelectError {
        SelectError::Kind {
            dimension: self.dimension.to_owned(),
            units: self.coordinate.attributes.units.clone(),
            wanted: self.wanted.clone(),
            reason: match &self.coordinate.time {
                Some(Err(error)) => format!(": {error}"),
                Some(Ok(_)) | None => String::new(),
            },
        }
    }

    fn not_monotonic(&self) -> SelectError {
        SelectError::NotMonotonic { dimension: self.dimension.to_owned(), wanted: self.wanted.clone() }
    }

    fn lies_between(&self, below: usize, above: usize) -> SelectError {
        SelectError::Between {
            dimension: self.dimension.to_owned(),
            wanted: self.wanted.clone(),
            neighbours: format!("{} and {}", self.printed(below), self.printed(above)),
        }
    }

    /// Label number `i`: its date, else its value.
    fn printed(&self, i: usize) -> String {
        let number = |x: f64| match self.coordinate.column.element {
            #[expect(clippy::cast_possible_truncation, reason = "the value is that of a float32")]
            Some(rangefold_array::ElementType::Float32) => (x as f32).to_string(),
            _ => x.to_string(),
        };
        let value = || match self.coordinate.value(i) {
            Some(Value::Text(text)) => text.to_owned(),
            Some(value) => match (value.to_integer(), value.to_f64()) {
                (Some(integer), _) => integer.to_string(),
                (None, Some(x)) => number(x),
                (None, None) => "nothing".to_owned(),
            },
            None => "nothing".to_owned(),
        };
        self.coordinate.date(i).unwrap_or_else(value)
    }

    /// The positions `hits`, which must follow one another; `None` if there are none.
    fn run(&self, hits: &[usize]) -> Result<Option<Positions>, SelectError> {
        let (Some(&first), Some(&last)) = (hits.first(), hits.last()) else { return Ok(None) };
        if last - first + 1 != hits.len() {
            return Err(self.not_monotonic());
        }
        self.runs(hits, &[(0, hits.len())]).map(Some)
    }

    /// All positions `hits`, which ascend, in as few runs as there can be.
    fn scattered(&self, hits: &[usize]) -> Result<Positions, SelectError> {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for (k, hit) in hits.iter().enumerate() {
            match runs.last_mut() {
                Some((_, end)) if hits.get(k.wrapping_sub(1)).is_some_and(|last| last + 1 == *hit) => {
                    *end = k + 1;
                }
                _ => runs.push((k, k + 1)),
            }
        }
        self.runs(hits, &runs)
    }

    /// The runs of `hits` from the first of each pair to before the second.
    fn runs(&self, hits: &[usize], runs: &[(usize, usize)]) -> Result<Positions, SelectError> {
        let range = |&(from, to): &(usize, usize)| {
            AxisRange::new(*hits.get(from)? as u64, 1, (to - from) as u64, self.length)
        };
        runs.iter().map(range).collect::<Option<_>>().map(Positions).ok_or_else(|| self.outside())
    }

    /// Why nothing was found between two ends: outside of the coordinate, or between two of its labels. `below` and
    /// `above` tell whether a position lies before the first end and after the last.
    fn nothing(&self, below: impl Fn(usize) -> bool, above: impl Fn(usize) -> bool) -> SelectError {
        let all = || 0..self.coordinate.len();
        let key = |&i: &usize| (self.coordinate.instant(i), self.coordinate.number(i));
        let order = |a: &usize, b: &usize| {
            let (a, b) = (key(a), key(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        };
        let nearest = (all().filter(|&i| below(i)).max_by(order), all().filter(|&i| above(i)).min_by(order));
        match nearest {
            (Some(below), Some(above)) => self.lies_between(below, above),
            _ => self.outside(),
        }
    }

    /// The positions that have a label.
    fn label(&self, wanted: &str) -> Result<Positions, SelectError> {
        const SHOWN: usize = 10;
        let is_it = |i: &usize| self.coordinate.value(*i) == Some(Value::Text(wanted));
        let hits: Vec<usize> = (0..self.coordinate.len()).filter(is_it).collect();
        if hits.is_empty() {
            let count = self.coordinate.len();
            let mut labels: Vec<String> = (0..count.min(SHOWN)).map(|i| self.printed(i)).collect();
            if count > SHOWN {
                labels.push("…".to_owned());
            }
            return Err(SelectError::NoLabel {
                dimension: self.dimension.to_owned(),
                wanted: wanted.to_owned(),
                labels: labels.join(", "),
            });
        }
        self.scattered(&hits)
    }

    /// The cell of a single value: the label that it is, else the bounds that it lies in, else the nearest label.
    fn cell(&self, wanted: f64, nearest: bool) -> Result<Positions, SelectError> {
        let coordinate = self.coordinate;
        if !coordinate.is_numeric() {
            return Err(self.other_kind());
        }
        let all = || 0..coordinate.len();
        let same: Vec<usize> = all().filter(|&i| self.is_at(i, wanted)).collect();
        if !same.is_empty() {
            return self.scattered(&same);
        }
        let cells = coordinate.cells();
        if let Some(cells) = &cells {
            let around = if self.goes_around { 360.0 } else { 0.0 };
            let wanted = if self.goes_around { self.unwrapped(wanted) } else { wanted };
            let holds = |&(a, b): &(f64, f64)| {
                let (low, high) = (a.min(b), a.max(b));
                let inside = |x: f64| low <= x && x < high || x == high;
                [wanted, wanted - around, wanted + around].into_iter().any(inside)
            };
            // A value on a border belongs to the cell it opens, so later cells come first.
            if let Some(place) = cells.iter().rposition(holds) {
                return self.scattered(&[place]);
            }
        }
        let distance = |i: usize| self.distance(i, wanted);
        // Of two that are as near the larger one, as pandas takes it.
        let order = |&a: &usize, &b: &usize| {
            let larger = || coordinate.number(b).total_cmp(&coordinate.number(a));
            distance(a).total_cmp(&distance(b)).then_with(larger)
        };
        let at = all().filter(|&i| distance(i).is_finite()).min_by(order).ok_or_else(|| self.outside())?;
        let bounded =
            cells.as_ref().and_then(|cells| cells.get(at)).is_some_and(|(a, b)| (a - b).is_finite());
        // Bounds have told where the cell ends; without neighbours only the value itself is near.
        let half = if bounded { 0.0 } else { self.spacing(at) / 2.0 * (1.0 + ROUNDING) };
        if distance(at) <= half || nearest {
            let as_near: Vec<usize> =
                all().filter(|&i| coordinate.value(i) == coordinate.value(at)).collect();
            return self.scattered(&as_near);
        }
        Err(SelectError::Far(Box::new(Far {
            dimension: self.dimension.to_owned(),
            wanted: self.wanted.clone(),
            nearest: self.printed(at),
            distance: distance(at),
            outside: !self.goes_around && !self.covers(wanted),
            first: self.printed(0),
            last: self.printed(coordinate.len().saturating_sub(1)),
            units: match (coordinate.units_of_time(), &coordinate.attributes.units) {
                (Some(units), _) => units.step().to_string(),
                (None, units) => units.clone().unwrap_or_default(),
            },
        })))
    }

    /// Whether value number `i` is `wanted`, in the type of the coordinate, on longitudes but for whole turns.
    fn is_at(&self, i: usize, wanted: f64) -> bool {
        let turns =
            if self.goes_around { ((self.coordinate.number(i) - wanted) / 360.0).round() } else { 0.0 };
        turns.is_finite() && self.compare(i, wanted + turns * 360.0) == Some(Ordering::Equal)
    }

    /// How far value number `i` is from `wanted`, on longitudes the shorter way around.
    fn distance(&self, i: usize, wanted: f64) -> f64 {
        let apart = (self.coordinate.number(i) - wanted).abs();
        if !self.goes_around {
            return apart;
        }
        let eastwards = apart.rem_euclid(360.0);
        eastwards.min(360.0 - eastwards)
    }

    /// The larger of the distances from value number `at` to the nearest other values before and after it; 0 if there are
    /// none.
    fn spacing(&self, at: usize) -> f64 {
        let count = self.coordinate.len();
        // Along a circle the last value stands before the first one.
        let turns = usize::from(self.is_cyclic()) * count;
        let before = (0..at).rev().chain((0..turns).rev());
        let after = (at + 1..count).chain(0..turns);
        let distance = |i: usize| Some(self.distance(i, self.coordinate.number(at))).filter(|d| *d > 0.0);
        let (before, after) = (before.into_iter().find_map(distance), after.into_iter().find_map(distance));
        before.unwrap_or(0.0).max(after.unwrap_or(0.0))
    }

    /// How value number `i` compares with `bound`, in the type of the coordinate.
    fn compare(&self, i: usize, bound: f64) -> Option<Ordering> {
        let element = self.coordinate.column.element.as_ref();
        let bound = element.map_or(Number::Float(bound), |element| Number::Float(bound).rounded_to(element));
        self.coordinate.value(i)?.compare(bound)
    }

    fn between(&self, low: Option<f64>, high: Option<f64>) -> Result<Positions, SelectError> {
        if !self.coordinate.is_numeric() {
            return Err(self.other_kind());
        }
        if let (Some(low), Some(high), true) = (low, high, self.goes_around)
            && (low <= high || self.is_cyclic() || !self.covers(low) || !self.covers(high))
        {
            return self.around(low, high);
        }
        let (low, high) = match (low, high) {
            (Some(low), Some(high)) => (Some(low.min(high)), Some(low.max(high))),
            open => open,
        };
        let below = |i: usize| low.is_some_and(|low| self.compare(i, low) == Some(Ordering::Less));
        let above = |i: usize| high.is_some_and(|high| self.compare(i, high) == Some(Ordering::Greater));
        let there = |i: usize| self.coordinate.value(i).and_then(Value::to_f64).is_some_and(|x| !x.is_nan());
        let hits: Vec<usize> =
            (0..self.coordinate.len()).filter(|&i| there(i) && !below(i) && !above(i)).collect();
        self.run(&hits)?.ok_or_else(|| self.nothing(below, above))
    }

    /// A longitude range, which may cross the seam of the grid.
    fn around(&self, low: f64, high: f64) -> Result<Positions, SelectError> {
        // Eastwards from the one to the other, however many turns apart they are written.
        let high = if high < low { high + ((low - high) / 360.0).ceil() * 360.0 } else { high };
        let span = high - low;
        let inside = |&i: &usize| {
            let turns = ((low - self.coordinate.number(i)) / 360.0).ceil();
            let within = |turns: f64| {
                let (low, high) = (low - turns * 360.0, high - turns * 360.0);
                self.compare(i, low).is_some_and(Ordering::is_ge)
                    && self.compare(i, high).is_some_and(Ordering::is_le)
            };
            turns.is_finite()
                && (span >= 360.0 - ROUNDING || [turns - 1.0, turns, turns + 1.0].into_iter().any(within))
        };
        let hits: Vec<usize> = (0..self.coordinate.len()).filter(inside).collect();
        if hits.is_empty() {
            let eastwards = |i: usize, from: f64| (self.coordinate.number(i) - from).rem_euclid(360.0);
            let there = || (0..self.coordinate.len()).filter(|&i| self.coordinate.number(i).is_finite());
            let nearest = |key: &dyn Fn(usize) -> f64| there().min_by(|&a, &b| key(a).total_cmp(&key(b)));
            let below = nearest(&|i| 360.0 - eastwards(i, low));
            let above = nearest(&|i| eastwards(i, high));
            return Err(match (below, above) {
                (Some(below), Some(above))
                    if self.is_cyclic() || below + 1 == above || above + 1 == below =>
                {
                    self.lies_between(below, above)
                }
                _ => self.outside(),
            });
        }
        let gaps: Vec<usize> = (1..hits.len())
            .filter(|&k| hits.get(k).zip(hits.get(k - 1)).is_some_and(|(a, b)| *a != b + 1))
            .collect();
        let seam = match *gaps.as_slice() {
            [] => self.turn(&hits, low, span),
            [k] if hits.first() == Some(&0) && hits.last() == Some(&(self.coordinate.len() - 1)) => Some(k),
            _ => return Err(self.not_monotonic()),
        };
        // Two runs, one at each end of the grid: the range begins in the second.
        let runs = seam.map_or_else(|| vec![(0, hits.len())], |k| vec![(k, hits.len()), (0, k)]);
        self.runs(&hits, &runs)
    }

    /// Where a range of all `hits`, which follow one another, begins within the grid and ends just before.
    fn turn(&self, hits: &[usize], low: f64, span: f64) -> Option<usize> {
        let count = self.coordinate.len();
        let pairs = (1..count).map(|i| (self.coordinate.number(i - 1), self.coordinate.number(i)));
        let rising = pairs.filter(|(a, b)| a < b).count();
        let along = |a: f64, b: f64| if 2 * rising >= count { a < b } else { a > b };
        let from_low: Vec<f64> = hits
            .iter()
            .map(|&i| {
                let east = (self.coordinate.number(i) - low).rem_euclid(360.0);
                // The first of the range may lie a rounding error before it.
                if east > span && span < 360.0 { east - 360.0 } else { east }
            })
            .collect();
        let turns: Vec<usize> = (1..from_low.len())
            .filter(|&k| matches!(from_low.get(k - 1..=k), Some(&[a, b]) if !along(a, b)))
            .collect();
        match (turns.as_slice(), from_low.first(), from_low.last()) {
            // An axis that has its first meridian twice may still begin elsewhere.
            (&[k], Some(&first), Some(&last)) if along(last, first) || last == first && first != 0.0 => {
                Some(k)
            }
            _ => None,
        }
    }

    /// Whether the axis goes all the way around.
    fn is_cyclic(&self) -> bool {
        let (low, high) = self.ends;
        let steps = u32::try_from(self.coordinate.len().saturating_sub(1).max(1)).unwrap_or(u32::MAX);
        self.goes_around && high - low + 1.5 * (high - low) / f64::from(steps) >= 360.0
    }

    /// Whether a value lies on the axis as it is written, without whole turns.
    fn covers(&self, wanted: f64) -> bool {
        let (low, high) = self.ends;
        (low..=high).contains(&wanted)
    }

    /// `wanted` moved by whole turns to where the axis is.
    fn unwrapped(&self, wanted: f64) -> f64 {
        let (low, high) = self.ends;
        let middle = high / 2.0 + low / 2.0;
        wanted + ((middle - wanted) / 360.0).round() * 360.0
    }

    fn dates(&self, first: Option<PartialDate>, last: Option<PartialDate>) -> Result<Positions, SelectError> {
        let units = *self.coordinate.units_of_time().ok_or_else(|| self.other_kind())?;
        let date_error = |problem| SelectError::Date { dimension: self.dimension.to_owned(), problem };
        let exact = !matches!(self.coordinate.column.values, Values::Float(_));
        let start = first.map(|period| period.start(&units)).transpose().map_err(date_error)?;
        let end = last.map(|period| period.end(&units, exact)).transpose().map_err(date_error)?;
        if let (Some(start), Some(end)) = (start, end)
            && end <= start
        {
            let (dimension, wanted) = (self.dimension.to_owned(), self.wanted.clone());
            return Err(SelectError::Reversed { dimension, wanted });
        }
        let instants: Vec<Option<Instant>> =
            (0..self.coordinate.len()).map(|i| self.coordinate.instant(i)).collect();
        let at = |i: usize| instants.get(i).copied().flatten();
        let below = |i: usize| at(i).zip(start).is_some_and(|(t, start)| t < start);
        let above = |i: usize| at(i).zip(end).is_some_and(|(t, end)| t >= end);
        let hits: Vec<usize> =
            (0..instants.len()).filter(|&i| at(i).is_some() && !below(i) && !above(i)).collect();
        self.run(&hits)?.ok_or_else(|| self.nothing(below, above))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::parse;
    use rangefold_array::ElementType;
    use rangefold_cf::{Column, TimeUnits};

    fn positions(text: &str, coordinate: &Coordinate) -> Result<Vec<u64>, String> {
        let (dimension, selector) = parse(text).map_err(|e| e.to_string())?.remove(0);
        let found = selector.resolve(0, &dimension, coordinate.len() as u64, Ok(coordinate), false);
        found.map(|p| p.0.iter().flat_map(|r| r.positions()).collect()).map_err(|e| e.to_string())
    }

    fn of(values: Values, element: ElementType) -> Coordinate {
        let valid = values.iter().map(|x| !x.to_f64().is_some_and(f64::is_nan)).collect();
        let column = Column { values, valid, element: Some(element) };
        Coordinate { column, ..Coordinate::default() }
    }

    fn numbers(values: &[f64]) -> Coordinate {
        of(Values::Float(values.to_vec()), ElementType::Float64)
    }

    fn longitudes(values: &[f64]) -> Coordinate {
        Coordinate { role: Role::Longitude, ..numbers(values) }
    }

    #[test]
    fn integers_and_slices_are_positions() {
        let x = numbers(&[10.0, 20.0, 30.0, 40.0]);
        assert_eq!(positions("x=-1", &x).unwrap(), [3]);
        assert_eq!(positions("x=1:", &x).unwrap(), [1, 2, 3]);
        assert_eq!(positions("x=::2", &x).unwrap(), [0, 2]);
        assert_eq!(
            positions("x=4", &x).unwrap_err(),
            "dimension \"x\": index 4 is outside axis 0 of length 4"
        );
    }

    #[test]
    fn values_find_the_nearest_cell_on_rising_and_falling_axes_but_nothing_outside() {
        for values in [[10.0, 20.0, 30.0], [30.0, 20.0, 10.0]] {
            let x = numbers(&values);
            assert_eq!(positions("x=21.0", &x).unwrap(), [1]);
            assert_eq!(positions("x=15.0..35.0", &x).unwrap().len(), 2);
            assert!(positions("x=36.0", &x).is_err());
            assert!(positions("x=21.0..29.0", &x).is_err());
        }
        let error = positions("x=99.0", &numbers(&[10.0, 20.0])).unwrap_err();
        assert_eq!(
            error,
            "99.0 lies outside coordinate \"x\", which runs from 10 to 20: the nearest value is 20, 79 away; --nearest takes it"
        );
        let error = positions("x=50.0..99.0", &numbers(&[10.0, 20.0])).unwrap_err();
        assert_eq!(error, "50..99 lies outside coordinate \"x\", which runs from 10 to 20");
    }

    #[test]
    fn bounds_decide_where_there_are_some() {
        let x = Coordinate { bounds: Some(vec![(0.0, 1.0), (1.0, 10.0)]), ..numbers(&[0.5, 5.5]) };
        assert_eq!(positions("x=1.2", &x).unwrap(), [1]);
        assert_eq!(positions("x=1.0", &x).unwrap(), [1]);
        assert_eq!(positions("x=10.0", &x).unwrap(), [1]);
        assert!(positions("x=10.5", &x).is_err());
    }

    #[test]
    fn longitudes_go_around() {
        let lon = longitudes(&[0.0, 90.0, 180.0, 270.0]);
        assert_eq!(positions("lon=-100.0..10.0", &lon).unwrap(), [3, 0]);
        assert_eq!(positions("lon=80.0..190.0", &lon).unwrap(), [1, 2]);
        assert_eq!(positions("lon=-90.0", &lon).unwrap(), [3]);
        assert_eq!(positions("lon=-180.0..180.0", &lon).unwrap(), [2, 3, 0, 1]);
        assert_eq!(positions("lon=0.0..360.0", &lon).unwrap(), [0, 1, 2, 3]);
        let falling = longitudes(&[270.0, 180.0, 90.0, 0.0]);
        assert_eq!(positions("lon=-100.0..10.0", &falling).unwrap(), [3, 0]);
        assert_eq!(positions("lon=-180.0..180.0", &falling).unwrap(), [2, 3, 0, 1]);
        let pivoted = longitudes(&[0.0, 90.0, 180.0, -90.0]);
        assert_eq!(positions("lon=170.0..280.0", &pivoted).unwrap(), [2, 3]);
        assert_eq!(positions("lon=0.0..359.0", &pivoted).unwrap(), [0, 1, 2, 3]);
    }

    #[test]
    fn dates_select_the_period_they_name_in_the_calendar_of_the_axis() {
        let units = TimeUnits::parse("days since 2000-01-01", Some("noleap")).unwrap();
        let time = Coordinate { time: Some(Ok(units)), ..numbers(&[0.0, 30.5, 31.0, 58.0, 59.0, 365.0]) };
        assert_eq!(positions("time=2000-02", &time).unwrap(), [2, 3]);
        let months = Some(TimeUnits::parse("months since 2000-01-01", None));
        let error = positions("time=2000-02", &Coordinate { time: months, ..numbers(&[0.0]) }).unwrap_err();
        let reason = "cannot be compared with 2000-02: months have no fixed length in the standard calendar";
        assert!(error.ends_with(reason), "{error}");
        assert_eq!(positions("time=2000-03-01", &time).unwrap(), [4]);
        assert_eq!(positions("time=2000..2001", &time).unwrap().len(), 6);
        assert_eq!(positions("time=2000-01-31T12..2000-02-01", &time).unwrap(), [1, 2]);
        assert_eq!(positions("time=..2000-01", &time).unwrap(), [0, 1]);
        let error = positions("time=1999-12", &time).unwrap_err();
        assert_eq!(
            error,
            "1999-12 lies outside coordinate \"time\", which runs from 2000-01-01T00:00:00 to 2001-01-01T00:00:00"
        );
        assert!(positions("lat=2000-12", &numbers(&[1.0])).is_err());
    }

    #[test]
    fn a_label_is_itself_also_on_the_border_of_another_cell() {
        let cells = vec![(0.0, 31.0), (31.0, 60.0)];
        let ends = Coordinate { bounds: Some(cells), ..numbers(&[31.0, 60.0]) };
        assert_eq!(positions("x=31.0", &ends).unwrap(), [0]);
        assert_eq!(positions("x=30.0", &ends).unwrap(), [0]);
        assert_eq!(positions("x=31.5", &ends).unwrap(), [1]);
    }

    #[test]
    fn numbers_are_compared_in_the_type_of_the_coordinate() {
        let tenths: Vec<f64> = (1..5_u8).map(|i| f64::from(f32::from(i) / 10.0)).collect();
        let x = of(Values::Float(tenths), ElementType::Float32);
        assert_eq!(positions("x=0.1..0.3", &x).unwrap(), [0, 1, 2]);
        assert_eq!(positions("x=0.3..0.1", &x).unwrap(), [0, 1, 2]);
        assert_eq!(positions("x=0.2", &x).unwrap(), [1]);
        let error = positions("x=0.32..0.38", &x).unwrap_err();
        assert_eq!(error, "no value of coordinate \"x\" lies in 0.32..0.38: the nearest are 0.3 and 0.4");
    }

    #[test]
    fn of_two_as_near_the_larger_is_taken_and_of_equal_ones_all() {
        assert_eq!(positions("x=1.5", &numbers(&[1.0, 2.0])).unwrap(), [1]);
        assert_eq!(positions("x=1.5", &numbers(&[2.0, 1.0])).unwrap(), [0]);
        assert_eq!(positions("x=1.0", &numbers(&[1.0, 1.0, 2.0])).unwrap(), [0, 1]);
        assert_eq!(positions("x=1.4", &numbers(&[1.0, 1.0, 2.0])).unwrap(), [0, 1]);
        assert_eq!(positions("x=1.0", &numbers(&[1.0, f64::NAN, 2.0])).unwrap(), [0]);
    }

    #[test]
    fn grids_that_hold_their_first_meridian_twice_go_around_too() {
        let lon = longitudes(&[-180.0, -90.0, 0.0, 90.0, 180.0]);
        assert_eq!(positions("lon=80.0..-80.0", &lon).unwrap(), [3, 4, 0, 1]);
        assert_eq!(positions("lon=-180.0..180.0", &lon).unwrap(), [0, 1, 2, 3, 4]);
        assert_eq!(positions("lon=270.0", &lon).unwrap(), [1]);
    }

    #[test]
    fn on_part_of_the_circle_a_reversed_range_is_the_same_range() {
        for values in [[10.0, 20.0, 30.0, 40.0], [40.0, 30.0, 20.0, 10.0]] {
            let lon = longitudes(&values);
            assert_eq!(positions("lon=30.0..10.0", &lon).unwrap().len(), 3);
            assert_eq!(positions("lon=370.0..380.0", &lon).unwrap().len(), 2);
        }
        let dateline = longitudes(&[170.0, 180.0, 190.0]);
        assert_eq!(positions("lon=175.0..-175.0", &dateline).unwrap(), [1]);
    }

    #[test]
    fn longitudes_are_told_by_name_where_nothing_else_tells_and_radians_do_not_turn() {
        let named = numbers(&[0.0, 90.0, 180.0, 270.0]);
        assert_eq!(positions("lon=260.0..10.0", &named).unwrap(), [3, 0]);
        assert_eq!(positions("x=260.0..10.0", &named).unwrap(), [1, 2]);
        let mut radians = longitudes(&[0.0, 1.5, 3.0, 4.5]);
        radians.attributes.units = Some("radians".to_owned());
        assert_eq!(positions("lon=4.0..1.0", &radians).unwrap(), [1, 2]);
    }

    #[test]
    fn labels_of_texts_stand_wherever_they_stand() {
        let texts = Values::Text(["a", "b", "a", "1.0"].map(str::to_owned).to_vec());
        let column = Column { values: texts, valid: vec![true; 4], element: Some(ElementType::VlenString) };
        let kind = Coordinate { column, ..Coordinate::default() };
        assert_eq!(positions("kind=a", &kind).unwrap(), [0, 2]);
        assert_eq!(positions("kind=1.0", &kind).unwrap(), [3]);
        assert_eq!(positions("kind='1.0'", &kind).unwrap(), [3]);
        let error = positions("kind=c", &kind).unwrap_err();
        assert_eq!(error, "coordinate \"kind\" has no label \"c\"; it has a, b, a, 1.0");
    }

    #[test]
    fn four_digits_are_numbers_where_there_are_no_dates() {
        let depth = numbers(&[500.0, 1000.0, 1500.0, 2000.0]);
        assert_eq!(positions("depth=1000..2000", &depth).unwrap(), [1, 2, 3]);
        assert_eq!(positions("depth=2000..1000", &depth).unwrap(), [1, 2, 3]);
        assert_eq!(positions("depth=..1000", &depth).unwrap(), [0, 1]);
    }
}
