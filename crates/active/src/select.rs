//! Selections as people write them: `time=2001-06..2001-08,lat=-30.0..30.0,lev=0:10:2`.
//!
//! | written | means |
//! |---|---|
//! | `3`, `-1` | one position |
//! | `2:10`, `::2` | positions, as NumPy slices them |
//! | `50000.0`, `1e5` | the coordinate cell that holds the value: by bounds where there are some, else the nearest, never further away than its neighbours are |
//! | `-30.0..30.0`, `..0.0` | all coordinate values between the two, both included |
//! | `2001-07`, `2001-07-15T12:00` | all dates in that month, day, hour, … |
//! | `2001..2010` | all dates from the beginning of 2001 to the end of 2010 |
//!
//! On a longitude axis that goes once around, values are taken modulo 360, and a range may cross the seam of the
//! grid; its positions then come in the order of the range.

use rangefold_array::{AxisRange, Slice};
use rangefold_cf::{Date, Instant, TimeUnits};

/// What to take along one named dimension.
#[derive(Clone, Debug, PartialEq)]
pub enum AxisSelector {
    /// By position.
    Index(Slice),
    /// The cell that holds this coordinate value.
    Value(f64),
    /// Coordinate values between two numbers, both included; an absent end is open.
    Values(Option<f64>, Option<f64>),
    /// Dates from the beginning of the first period to the end of the last; an absent end is open. A single
    /// period is both ends.
    Dates(Option<Period>, Option<Period>),
}

/// A year, month, day, hour, minute or second: a date as far as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    date: Date,
    parts: Parts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parts {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

/// A selection cannot be read or does not fit its array.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SelectError {
    /// Not of the form `dimension=what`.
    #[error("{text:?} is not a selection like time=0:12 or lat=-30.0..30.0")]
    Syntax {
        /// The part that cannot be read.
        text: String,
    },
    /// A dimension was named twice.
    #[error("dimension {dimension:?} is selected twice")]
    Twice {
        /// The dimension.
        dimension: String,
    },
    /// No coordinate to look a value up in.
    #[error("dimension {dimension:?} has no coordinate variable to look up {wanted} in")]
    NoCoordinate {
        /// The dimension.
        dimension: String,
        /// What was asked for.
        wanted: String,
    },
    /// Dates were asked of a coordinate that is not time, or numbers cannot be compared with it.
    #[error("coordinate {dimension:?} ({units}) cannot be compared with {wanted}")]
    Kind {
        /// The dimension.
        dimension: String,
        /// Units of the coordinate.
        units: String,
        /// What was asked for.
        wanted: String,
    },
    /// A value outside the coordinate.
    #[error("{wanted} lies outside coordinate {dimension:?}, which runs from {first} to {last}")]
    Outside {
        /// The dimension.
        dimension: String,
        /// What was asked for.
        wanted: String,
        /// First coordinate value.
        first: String,
        /// Last coordinate value.
        last: String,
    },
    /// A coordinate that neither rises nor falls throughout.
    #[error(
        "coordinate {dimension:?} neither rises nor falls throughout, so {wanted} is no range of positions"
    )]
    NotMonotonic {
        /// The dimension.
        dimension: String,
        /// What was asked for.
        wanted: String,
    },
    /// A position past the end that is a year of the coordinate.
    #[error("{dimension}={year} is a position, and the year is {dimension}={year}..{year}: {source}")]
    Year {
        /// The dimension.
        dimension: String,
        /// What was written.
        year: i64,
        /// Why it is no position.
        source: rangefold_array::SelectionError,
    },
    /// A position or slice that does not fit.
    #[error("dimension {dimension:?}: {source}")]
    Position {
        /// The dimension.
        dimension: String,
        /// Why.
        source: rangefold_array::SelectionError,
    },
    /// A date that the calendar lacks.
    #[error("dimension {dimension:?}: {source}")]
    Date {
        /// The dimension.
        dimension: String,
        /// Why.
        source: rangefold_cf::DateError,
    },
}

/// Reads a comma-separated list of `dimension=what`.
///
/// # Errors
///
/// [`SelectError::Syntax`] or [`SelectError::Twice`].
pub fn parse(text: &str) -> Result<Vec<(String, AxisSelector)>, SelectError> {
    let mut selectors: Vec<(String, AxisSelector)> = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let syntax = || SelectError::Syntax { text: part.to_owned() };
        let (dimension, what) = part.split_once('=').ok_or_else(syntax)?;
        let dimension = dimension.trim().to_owned();
        if selectors.iter().any(|(name, _)| *name == dimension) {
            return Err(SelectError::Twice { dimension });
        }
        selectors.push((dimension, selector(what.trim()).ok_or_else(syntax)?));
    }
    Ok(selectors)
}

fn selector(text: &str) -> Option<AxisSelector> {
    if let Some((low, high)) = text.split_once("..") {
        let (low, high) = (low.trim(), high.trim());
        let number =
            |text: &str| if text.is_empty() { Some(None) } else { text.parse::<f64>().ok().map(Some) };
        let is_year = |text: &str| text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit());
        // Four digits and nothing else on a given end are a year: `2001..2010`.
        let years = [low, high].iter().all(|end| end.is_empty() || is_year(end))
            && !(low.is_empty() && high.is_empty());
        return match (number(low), number(high)) {
            (Some(low), Some(high)) if !years => Some(AxisSelector::Values(low, high)),
            _ => {
                let period =
                    |text: &str| if text.is_empty() { Some(None) } else { Period::parse(text).map(Some) };
                Some(AxisSelector::Dates(period(low)?, period(high)?))
            }
        };
    }
    if let Ok(index) = text.parse::<i64>() {
        return Some(AxisSelector::Index(Slice::Index(index)));
    }
    if let Some(slice) = slice(text) {
        return Some(AxisSelector::Index(slice));
    }
    if let Ok(value) = text.parse::<f64>() {
        return Some(AxisSelector::Value(value));
    }
    let period = Period::parse(text)?;
    Some(AxisSelector::Dates(Some(period), Some(period)))
}

fn slice(text: &str) -> Option<Slice> {
    let parts: Vec<&str> = text.split(':').map(str::trim).collect();
    if !(2..=3).contains(&parts.len()) {
        return None;
    }
    let number = |i: usize| match parts.get(i) {
        None | Some(&"") => Some(None),
        Some(part) => part.parse::<i64>().ok().map(Some),
    };
    Some(Slice::Range { start: number(0)?, stop: number(1)?, step: number(2)? })
}

impl Period {
    /// A date written to the year, month, day, hour, minute or second.
    fn parse(text: &str) -> Option<Self> {
        let (date, zone) = Date::parse(text).ok()?;
        if zone != 0 {
            return None;
        }
        let separators = |c: char| text.trim_start_matches('-').matches(c).count();
        let has_time = text.contains(['T', 't', ' ']);
        let parts = match (separators('-'), has_time, separators(':')) {
            (0, false, 0) => Parts::Year,
            (1, false, 0) => Parts::Month,
            (2, false, 0) => Parts::Day,
            (2, true, 0) => Parts::Hour,
            (2, true, 1) => Parts::Minute,
            (2, true, 2) => Parts::Second,
            _ => return None,
        };
        Some(Self { date, parts })
    }

    fn start(self, units: &TimeUnits) -> Result<Instant, rangefold_cf::DateError> {
        self.date.instant(units.calendar())
    }

    /// The first instant after the period.
    fn end(self, units: &TimeUnits) -> Result<Instant, rangefold_cf::DateError> {
        const SECOND: i128 = 1_000_000_000;
        let later = |ns: i128| Ok(Instant(self.start(units)?.0 + ns));
        let date = self.date;
        match self.parts {
            Parts::Year => Date::day(date.year + 1, 1, 1).instant(units.calendar()),
            Parts::Month if date.month == 12 => Date::day(date.year + 1, 1, 1).instant(units.calendar()),
            Parts::Month => Date::day(date.year, date.month + 1, 1).instant(units.calendar()),
            Parts::Day => later(86_400 * SECOND),
            Parts::Hour => later(3_600 * SECOND),
            Parts::Minute => later(60 * SECOND),
            Parts::Second if date.nanosecond == 0 => later(SECOND),
            Parts::Second => later(1),
        }
    }
}

impl AxisSelector {
    /// What was written, if a position may have been meant as a year.
    pub(crate) fn year(&self) -> Option<i64> {
        match *self {
            Self::Index(Slice::Index(year)) => Some(year).filter(|year| (1000..=9999).contains(year)),
            _ => None,
        }
    }

    /// All dates of a year.
    pub(crate) fn of_year(year: i64) -> Self {
        let period = Period { date: Date::day(year, 1, 1), parts: Parts::Year };
        Self::Dates(Some(period), Some(period))
    }
}

/// A dimension's coordinate: its values, in its own units.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coordinate {
    /// One value per position.
    pub values: Vec<f64>,
    /// Lower and upper bound per position, where the file has them.
    pub bounds: Option<Vec<(f64, f64)>>,
    /// The `units` attribute; empty if there is none.
    pub units: String,
    /// What turns values into dates, if they are times.
    pub time: Option<TimeUnits>,
    /// Whether values go around: degrees east.
    pub is_longitude: bool,
}

/// Positions along one axis: runs one after the other, more than one only where a range crosses a seam.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Positions(pub Vec<AxisRange>);

impl AxisSelector {
    /// The positions on the axis number `axis`, of `length`, that this selects.
    ///
    /// # Errors
    ///
    /// [`SelectError`] if a position, value or date does not fit the axis or there is no `coordinate` to look it up in.
    pub fn resolve(
        &self,
        axis: usize,
        dimension: &str,
        length: u64,
        coordinate: Option<&Coordinate>,
    ) -> Result<Positions, SelectError> {
        if let Self::Index(slice) = self {
            let range = slice
                .resolve(axis, length)
                .map_err(|source| SelectError::Position { dimension: dimension.to_owned(), source })?;
            return Ok(Positions(vec![range]));
        }
        let coordinate = coordinate.ok_or_else(|| SelectError::NoCoordinate {
            dimension: dimension.to_owned(),
            wanted: self.to_string(),
        })?;
        let lookup = Lookup { dimension, wanted: self.to_string(), coordinate, length };
        match *self {
            Self::Index(_) => Ok(Positions(Vec::new())),
            Self::Value(value) => lookup.cell(value),
            Self::Values(low, high) => lookup.between(low, high),
            Self::Dates(first, last) => lookup.dates(first, last),
        }
    }
}

/// One look-up in a coordinate, with what an error message needs.
struct Lookup<'a> {
    dimension: &'a str,
    wanted: String,
    coordinate: &'a Coordinate,
    length: u64,
}

impl Lookup<'_> {
    fn outside(&self) -> SelectError {
        let value = |v: Option<&f64>| v.map_or_else(|| "nothing".to_owned(), |&v| self.printed(v));
        SelectError::Outside {
            dimension: self.dimension.to_owned(),
            wanted: self.wanted.clone(),
            first: value(self.coordinate.values.first()),
            last: value(self.coordinate.values.last()),
        }
    }

    fn printed(&self, value: f64) -> String {
        let date =
            self.coordinate.time.and_then(|units| units.instant(value).ok()?.date(units.calendar()).ok());
        date.map_or_else(|| value.to_string(), |date| date.to_string())
    }

    /// Positions whose coordinate satisfies `inside`; they must follow one another.
    fn run(&self, inside: impl Fn(usize) -> bool) -> Result<Positions, SelectError> {
        let hits: Vec<usize> = (0..self.coordinate.values.len()).filter(|&i| inside(i)).collect();
        let (Some(&first), Some(&last)) = (hits.first(), hits.last()) else {
            return Err(self.outside());
        };
        if last - first + 1 != hits.len() {
            return Err(SelectError::NotMonotonic {
                dimension: self.dimension.to_owned(),
                wanted: self.wanted.clone(),
            });
        }
        self.range(first, hits.len())
    }

    fn range(&self, first: usize, count: usize) -> Result<Positions, SelectError> {
        AxisRange::new(first as u64, 1, count as u64, self.length)
            .map(|range| Positions(vec![range]))
            .ok_or_else(|| self.outside())
    }

    fn cell(&self, wanted: f64) -> Result<Positions, SelectError> {
        let Coordinate { values, bounds, .. } = self.coordinate;
        let wanted = if self.goes_around() { self.unwrapped(wanted) } else { wanted };
        if let Some(bounds) = bounds {
            let holds = |&(a, b): &(f64, f64)| a.min(b) <= wanted && wanted < a.max(b) || wanted == a.max(b);
            // A value on a border belongs to the cell it opens, so later cells come first.
            let place = bounds.iter().rposition(holds).ok_or_else(|| self.outside())?;
            return self.range(place, 1);
        }
        let distance = |i: usize| values.get(i).map_or(f64::INFINITY, |v| (v - wanted).abs());
        let nearest = (0..values.len())
            .min_by(|&a, &b| distance(a).total_cmp(&distance(b)))
            .ok_or_else(|| self.outside())?;
        let spacing = [nearest.checked_sub(1), Some(nearest + 1)]
            .into_iter()
            .flatten()
            .filter_map(|i| Some((values.get(i)? - values.get(nearest)?).abs()))
            .fold(0.0_f64, f64::max);
        // Without neighbours only the value itself is near.
        if distance(nearest) > spacing / 2.0 * (1.0 + 1e-9) || !distance(nearest).is_finite() {
            return Err(self.outside());
        }
        self.range(nearest, 1)
    }

    fn between(&self, low: Option<f64>, high: Option<f64>) -> Result<Positions, SelectError> {
        if let (Some(low), Some(high), true) = (low, high, self.goes_around()) {
            return self.around(low, high);
        }
        let (low, high) = (low.unwrap_or(f64::NEG_INFINITY), high.unwrap_or(f64::INFINITY));
        if low > high {
            return Err(self.outside());
        }
        self.run(|i| self.coordinate.values.get(i).is_some_and(|&v| low <= v && v <= high))
    }

    /// A longitude range, which may cross the seam of the grid.
    fn around(&self, low: f64, high: f64) -> Result<Positions, SelectError> {
        let span = high - low;
        if !(0.0..=360.0).contains(&span) {
            return Err(self.outside());
        }
        let values = &self.coordinate.values;
        let hits: Vec<usize> = (0..values.len())
            .filter(|&i| {
                values
                    .get(i)
                    .is_some_and(|v| (v - low).rem_euclid(360.0) <= span || (span - 360.0).abs() < 1e-12)
            })
            .collect();
        if hits.is_empty() {
            return Err(self.outside());
        }
        let gaps: Vec<usize> = (1..hits.len())
            .filter(|&k| hits.get(k).zip(hits.get(k - 1)).is_some_and(|(a, b)| *a != b + 1))
            .collect();
        let seam = match *gaps.as_slice() {
            [] => self.turn(&hits, low),
            [k] if hits.first() == Some(&0) && hits.last() == Some(&(values.len() - 1)) => Some(k),
            _ => {
                return Err(SelectError::NotMonotonic {
                    dimension: self.dimension.to_owned(),
                    wanted: self.wanted.clone(),
                });
            }
        };
        // Two runs, one at each end of the grid: the range begins in the second.
        let runs = seam.map_or_else(|| vec![(0, hits.len())], |k| vec![(k, hits.len()), (0, k)]);
        let ranges = runs.into_iter().filter_map(|(from, to)| {
            AxisRange::new(*hits.get(from)? as u64, 1, (to - from) as u64, self.length)
        });
        Ok(Positions(ranges.collect()))
    }

    /// Where a range of all `hits`, which follow one another, begins within the grid and ends just before.
    fn turn(&self, hits: &[usize], low: f64) -> Option<usize> {
        let values = &self.coordinate.values;
        let rising = values.windows(2).filter(|pair| matches!(pair, [a, b] if a < b)).count();
        let along = |a: f64, b: f64| if 2 * rising >= values.len() { a < b } else { a > b };
        let from_low: Vec<f64> =
            hits.iter().filter_map(|&i| values.get(i)).map(|v| (v - low).rem_euclid(360.0)).collect();
        let turns: Vec<usize> = (1..from_low.len())
            .filter(|&k| matches!(from_low.get(k - 1..=k), Some(&[a, b]) if !along(a, b)))
            .collect();
        match (turns.as_slice(), from_low.first(), from_low.last()) {
            (&[k], Some(&first), Some(&last)) if along(last, first) => Some(k),
            _ => None,
        }
    }

    /// Whether the axis is longitude, rises or falls throughout, and spans at most one turn.
    fn goes_around(&self) -> bool {
        let values = &self.coordinate.values;
        let span = values.iter().fold(f64::NEG_INFINITY, |m, &v| m.max(v))
            - values.iter().fold(f64::INFINITY, |m, &v| m.min(v));
        self.coordinate.is_longitude && span < 360.0
    }

    /// `wanted` moved by whole turns to where the axis is.
    fn unwrapped(&self, wanted: f64) -> f64 {
        let values = &self.coordinate.values;
        let middle = values.iter().fold(f64::NEG_INFINITY, |m, &v| m.max(v)) / 2.0
            + values.iter().fold(f64::INFINITY, |m, &v| m.min(v)) / 2.0;
        wanted + ((middle - wanted) / 360.0).round() * 360.0
    }

    fn dates(&self, first: Option<Period>, last: Option<Period>) -> Result<Positions, SelectError> {
        let units = self.coordinate.time.ok_or_else(|| SelectError::Kind {
            dimension: self.dimension.to_owned(),
            units: self.coordinate.units.clone(),
            wanted: self.wanted.clone(),
        })?;
        let date_error = |source| SelectError::Date { dimension: self.dimension.to_owned(), source };
        let start = first.map(|period| period.start(&units)).transpose().map_err(date_error)?;
        let end = last.map(|period| period.end(&units)).transpose().map_err(date_error)?;
        self.run(|i| {
            let instant = self.coordinate.values.get(i).and_then(|&value| units.instant(value).ok());
            instant.is_some_and(|t| start.is_none_or(|start| start <= t) && end.is_none_or(|end| t < end))
        })
    }
}

impl std::fmt::Display for AxisSelector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let end = |value: &Option<f64>| value.map_or_else(String::new, |v| v.to_string());
        match self {
            Self::Index(slice) => write!(f, "{slice:?}"),
            Self::Value(value) => write!(f, "{value}"),
            Self::Values(low, high) => write!(f, "{}..{}", end(low), end(high)),
            Self::Dates(first, last) if first == last => first.map_or(Ok(()), |period| write!(f, "{period}")),
            Self::Dates(first, last) => {
                let text = |period: &Option<Period>| period.map_or_else(String::new, |p| p.to_string());
                write!(f, "{}..{}", text(first), text(last))
            }
        }
    }
}

impl std::fmt::Display for Period {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.date.to_string();
        let length = match self.parts {
            Parts::Year => text.len().saturating_sub("-01-01T00:00:00".len()),
            Parts::Month => text.len().saturating_sub("-01T00:00:00".len()),
            Parts::Day => text.len().saturating_sub("T00:00:00".len()),
            Parts::Hour => text.len().saturating_sub(":00:00".len()),
            Parts::Minute => text.len().saturating_sub(":00".len()),
            Parts::Second => text.len(),
        };
        f.write_str(text.get(..length).unwrap_or(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(text: &str, coordinate: &Coordinate) -> Result<Vec<u64>, String> {
        let (dimension, selector) = parse(text).map_err(|e| e.to_string())?.remove(0);
        let found = selector.resolve(0, &dimension, coordinate.values.len() as u64, Some(coordinate));
        found.map(|p| p.0.iter().flat_map(|r| r.positions()).collect()).map_err(|e| e.to_string())
    }

    fn numbers(values: &[f64]) -> Coordinate {
        Coordinate { values: values.to_vec(), ..Coordinate::default() }
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
        assert_eq!(error, "99 lies outside coordinate \"x\", which runs from 10 to 20");
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
        let lon = Coordinate { is_longitude: true, ..numbers(&[0.0, 90.0, 180.0, 270.0]) };
        assert_eq!(positions("lon=-100.0..10.0", &lon).unwrap(), [3, 0]);
        assert_eq!(positions("lon=80.0..190.0", &lon).unwrap(), [1, 2]);
        assert_eq!(positions("lon=-90.0", &lon).unwrap(), [3]);
        assert_eq!(positions("lon=-180.0..180.0", &lon).unwrap(), [2, 3, 0, 1]);
        assert_eq!(positions("lon=0.0..360.0", &lon).unwrap(), [0, 1, 2, 3]);
        let falling = Coordinate { is_longitude: true, ..numbers(&[270.0, 180.0, 90.0, 0.0]) };
        assert_eq!(positions("lon=-100.0..10.0", &falling).unwrap(), [3, 0]);
        assert_eq!(positions("lon=-180.0..180.0", &falling).unwrap(), [2, 3, 0, 1]);
        let pivoted = Coordinate { is_longitude: true, ..numbers(&[0.0, 90.0, 180.0, -90.0]) };
        assert_eq!(positions("lon=170.0..280.0", &pivoted).unwrap(), [2, 3]);
        assert_eq!(positions("lon=0.0..359.0", &pivoted).unwrap(), [0, 1, 2, 3]);
    }

    #[test]
    fn dates_select_the_period_they_name_in_the_calendar_of_the_axis() {
        let units = TimeUnits::parse("days since 2000-01-01", Some("noleap")).unwrap();
        let time = Coordinate { time: Some(units), ..numbers(&[0.0, 30.5, 31.0, 58.0, 59.0, 365.0]) };
        assert_eq!(positions("time=2000-02", &time).unwrap(), [2, 3]);
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
    fn what_cannot_be_read_is_refused() {
        for text in ["x", "x=", "x=a:b", "x=1:2:3:4", "x=1..b", "x=yesterday"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("x=1,x=2").unwrap_err().to_string(), "dimension \"x\" is selected twice");
    }
}
