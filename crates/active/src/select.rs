//! Selections as people write them: `time=2001-06..2001-08,lat=-30.0..30.0,lev=0:10:2`.
//!
//! | written | means |
//! |---|---|
//! | `3`, `-1` | one position |
//! | `2:10`, `::2` | positions, as NumPy slices them |
//! | `50000.0`, `1e5` | the coordinate cell that holds the value: by bounds where there are some, else the nearest within half a cell; with `--nearest` the nearest at any distance |
//! | `-30.0..30.0`, `30.0..-30.0`, `..0.0` | all coordinate values between the two, both included, in either order |
//! | `2001-07`, `2001-07-15T12:00` | all dates in that month, day, hour, … |
//! | `2001-07-15T12:00:00` | all dates in that second; on coordinates of integers that instant |
//! | `2001..2010` | all dates from the beginning of 2001 to the end of 2010 |
//! | `r1i1p1f1`, `\"3\"` | the positions with this label, on coordinates of texts; quotes keep a number from being a position |
//!
//! Numbers are compared in the type of the coordinate, after unpacking: 0.1 is the float32 nearest to 0.1 where the
//! coordinate is float32. On a longitude axis that goes once around, values are taken modulo 360, and a range may cross
//! the seam of the grid: `350.0..10.0`. Its positions then come in the order of the range.

use std::cmp::Ordering;

use rangefold_array::{AxisRange, Number, Slice, Value, Values};
use rangefold_cf::{Coordinate, Date, Instant, Role, TimeUnits};

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
    /// A label of a coordinate of texts.
    Label(String),
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
    #[error("dimension {dimension:?} has no coordinate to look up {wanted} in: {reason}")]
    NoCoordinate {
        /// The dimension.
        dimension: String,
        /// What was asked for.
        wanted: String,
        /// Why not.
        reason: String,
    },
    /// Two selections of one axis.
    #[error("{first:?} and {second:?} both select along dimension {dimension:?}")]
    SameAxis {
        /// The dimension.
        dimension: String,
        /// What was named first.
        first: String,
        /// What was named second.
        second: String,
    },
    /// Dates from a later one to an earlier one.
    #[error("{wanted} is reversed: the first date lies after the last; write {}", written_around(wanted))]
    Reversed {
        /// The dimension.
        dimension: String,
        /// What was asked for.
        wanted: String,
    },
    /// Nothing lies in a range that itself lies inside the coordinate.
    #[error("no value of coordinate {dimension:?} lies in {wanted}: the nearest are {below} and {above}")]
    Between {
        /// The dimension.
        dimension: String,
        /// What was asked for.
        wanted: String,
        /// The nearest label on one side.
        below: String,
        /// The nearest label on the other side.
        above: String,
    },
    /// A single value that no cell holds.
    #[error(
        "{wanted} lies {} coordinate {dimension:?}, which runs from {first} to {last}: the nearest value is {nearest}, {distance} away; --nearest takes it",
        if *outside { "outside" } else { "in no cell of" }
    )]
    Far {
        /// The dimension.
        dimension: String,
        /// What was asked for.
        wanted: String,
        /// The nearest value.
        nearest: String,
        /// How far away that is.
        distance: f64,
        /// Whether it lies beyond an end of the coordinate.
        outside: bool,
        /// First coordinate value.
        first: String,
        /// Last coordinate value.
        last: String,
    },
    /// A label that the coordinate does not have.
    #[error("coordinate {dimension:?} has no label {wanted:?}; it has {labels}")]
    NoLabel {
        /// The dimension.
        dimension: String,
        /// What was asked for.
        wanted: String,
        /// Some of its labels.
        labels: String,
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
    /// A step that goes nowhere or back.
    #[error("dimension {dimension:?}: steps go forward by at least 1, not by {step}")]
    Step {
        /// The dimension.
        dimension: String,
        /// The step.
        step: i64,
    },
    /// A date that no calendar has.
    #[error("dimension {dimension:?}: no calendar has the date {date}")]
    NoDate {
        /// The dimension.
        dimension: String,
        /// The date.
        date: String,
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
/// What is wrong whatever the array is: [`SelectError::Syntax`], [`SelectError::Twice`], [`SelectError::Step`] or
/// [`SelectError::NoDate`].
pub fn parse(text: &str) -> Result<Vec<(String, AxisSelector)>, SelectError> {
    let mut selectors: Vec<(String, AxisSelector)> = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let syntax = || SelectError::Syntax { text: part.to_owned() };
        let (dimension, what) = part.split_once('=').ok_or_else(syntax)?;
        let dimension = dimension.trim().to_owned();
        if selectors.iter().any(|(name, _)| *name == dimension) {
            return Err(SelectError::Twice { dimension });
        }
        let selector = selector(what.trim()).ok_or_else(syntax)?;
        check(&dimension, &selector)?;
        selectors.push((dimension, selector));
    }
    Ok(selectors)
}

/// Refuses what selects nothing from any array.
fn check(dimension: &str, selector: &AxisSelector) -> Result<(), SelectError> {
    match selector {
        AxisSelector::Index(Slice::Range { step: Some(step), .. }) if *step < 1 => {
            Err(SelectError::Step { dimension: dimension.to_owned(), step: *step })
        }
        AxisSelector::Dates(first, last) => {
            let impossible = [first, last].into_iter().flatten().find(|period| !period.is_possible());
            impossible.map_or(Ok(()), |period| {
                Err(SelectError::NoDate { dimension: dimension.to_owned(), date: period.date.to_string() })
            })
        }
        _ => Ok(()),
    }
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
    if let Some(quoted) = unquoted(text) {
        return Some(AxisSelector::Label(quoted.to_owned()));
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
    if let Some(period) = Period::parse(text) {
        return Some(AxisSelector::Dates(Some(period), Some(period)));
    }
    (!text.is_empty() && !text.contains(':')).then(|| AxisSelector::Label(text.to_owned()))
}

/// What stands between quotes of one kind.
fn unquoted(text: &str) -> Option<&str> {
    let between = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    between('"').or_else(|| between('\''))
}

/// A range the other way round.
fn written_around(range: &str) -> String {
    range.split_once("..").map_or_else(|| range.to_owned(), |(first, last)| format!("{last}..{first}"))
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

    /// Whether any calendar has its first day. That of 360 days has a 30th of February.
    fn is_possible(self) -> bool {
        let last = match self.date.month {
            2 | 4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return false,
        };
        (1..=last).contains(&self.date.day)
    }

    fn start(self, units: &TimeUnits) -> Result<Instant, rangefold_cf::DateError> {
        self.date.instant(units.calendar())
    }

    /// The first instant after the period; where values are `exact`, a second is the instant it begins with.
    fn end(self, units: &TimeUnits, exact: bool) -> Result<Instant, rangefold_cf::DateError> {
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
            Parts::Second if date.nanosecond == 0 && !exact => later(SECOND),
            Parts::Second => later(1),
        }
    }
}

impl AxisSelector {
    /// What was written, if a position may have been meant as a year.
    pub(crate) fn year(&self) -> Option<i64> {
        match *self {
            Self::Index(Slice::Index(year)) => Some(year).filter(|year| is_like_a_year(*year)),
            _ => None,
        }
    }

    /// First and last year, if a range of positions may have been meant as years.
    pub(crate) fn years(&self) -> Option<(i64, i64)> {
        match *self {
            Self::Index(Slice::Range { start: Some(first), stop: Some(last), step: None }) => {
                Some((first, last)).filter(|_| is_like_a_year(first) && is_like_a_year(last))
            }
            _ => None,
        }
    }

    /// All dates from the beginning of a year to the end of another.
    pub(crate) fn of_years(first: i64, last: i64) -> Self {
        let year = |year| Some(Period { date: Date::day(year, 1, 1), parts: Parts::Year });
        Self::Dates(year(first), year(last))
    }
}

fn is_like_a_year(number: i64) -> bool {
    (1000..=9999).contains(&number)
}

/// Positions along one axis: runs one after the other, more than one only where a range crosses a seam.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Positions(pub Vec<AxisRange>);

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
                .map_err(|source| SelectError::Position { dimension: dimension.to_owned(), source })?;
            return Ok(Positions(vec![range]));
        }
        let coordinate = coordinate.map_err(|reason| SelectError::NoCoordinate {
            dimension: dimension.to_owned(),
            wanted: self.to_string(),
            reason: reason.to_owned(),
        })?;
        let lookup = Lookup { dimension, wanted: self.to_string(), coordinate, length };
        if let Values::Text(_) = coordinate.column.values {
            return lookup.label(&lookup.wanted);
        }
        match *self {
            Self::Index(_) => Ok(Positions(Vec::new())),
            Self::Value(value) => lookup.cell(value, nearest),
            Self::Values(low, high) => lookup.between(low, high),
            Self::Dates(first, last) => lookup.dates(first, last),
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
}

impl Lookup<'_> {
    fn outside(&self) -> SelectError {
        SelectError::Outside {
            dimension: self.dimension.to_owned(),
            wanted: self.wanted.clone(),
            first: self.printed(0),
            last: self.printed(self.coordinate.len().saturating_sub(1)),
        }
    }

    fn other_kind(&self) -> SelectError {
        SelectError::Kind {
            dimension: self.dimension.to_owned(),
            units: self.coordinate.attributes.units.clone().unwrap_or_default(),
            wanted: self.wanted.clone(),
        }
    }

    fn not_monotonic(&self) -> SelectError {
        SelectError::NotMonotonic { dimension: self.dimension.to_owned(), wanted: self.wanted.clone() }
    }

    /// Label number `i`: its date, else its value.
    fn printed(&self, i: usize) -> String {
        let value = || match self.coordinate.value(i) {
            Some(Value::Text(text)) => text.to_owned(),
            Some(value) => match (value.to_integer(), value.to_f64()) {
                (Some(integer), _) => integer.to_string(),
                (None, Some(x)) => x.to_string(),
                (None, None) => "nothing".to_owned(),
            },
            None => "nothing".to_owned(),
        };
        self.coordinate.date(i).unwrap_or_else(value)
    }

    /// The positions `hits`, which must follow one another.
    fn run(&self, hits: &[usize]) -> Result<Option<Positions>, SelectError> {
        let (Some(&first), Some(&last)) = (hits.first(), hits.last()) else { return Ok(None) };
        if last - first + 1 != hits.len() {
            return Err(self.not_monotonic());
        }
        self.range(first, hits.len()).map(Some)
    }

    fn range(&self, first: usize, count: usize) -> Result<Positions, SelectError> {
        AxisRange::new(first as u64, 1, count as u64, self.length)
            .map(|range| Positions(vec![range]))
            .ok_or_else(|| self.outside())
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
            (Some(below), Some(above)) => SelectError::Between {
                dimension: self.dimension.to_owned(),
                wanted: self.wanted.clone(),
                below: self.printed(below),
                above: self.printed(above),
            },
            _ => self.outside(),
        }
    }

    /// The positions that have a label.
    fn label(&self, wanted: &str) -> Result<Positions, SelectError> {
        const SHOWN: usize = 10;
        let is_it = |i: &usize| self.coordinate.value(*i) == Some(Value::Text(wanted));
        let hits: Vec<usize> = (0..self.coordinate.len()).filter(is_it).collect();
        let none = || {
            let count = self.coordinate.len();
            let mut labels: Vec<String> = (0..count.min(SHOWN)).map(|i| self.printed(i)).collect();
            if count > SHOWN {
                labels.push("…".to_owned());
            }
            SelectError::NoLabel {
                dimension: self.dimension.to_owned(),
                wanted: wanted.to_owned(),
                labels: labels.join(", "),
            }
        };
        self.run(&hits)?.ok_or_else(none)
    }

    fn cell(&self, wanted: f64, nearest: bool) -> Result<Positions, SelectError> {
        let coordinate = self.coordinate;
        if !coordinate.is_numeric() {
            return Err(self.other_kind());
        }
        let wanted = if self.goes_around() { self.unwrapped(wanted) } else { wanted };
        if let Some(cells) = coordinate.cells() {
            let around = if self.goes_around() { 360.0 } else { 0.0 };
            let holds = |&(a, b): &(f64, f64)| {
                let (low, high) = (a.min(b), a.max(b));
                [wanted, wanted - around, wanted + around]
                    .into_iter()
                    .any(|x| low <= x && x < high || x == high)
            };
            // A value on a border belongs to the cell it opens, so later cells come first.
            if let Some(place) = cells.iter().rposition(holds) {
                return self.range(place, 1);
            }
        }
        let element = coordinate.column.element.as_ref();
        let rounded = element.map_or(wanted, |element| Number::Float(wanted).rounded_to(element).to_f64());
        let distance = |i: usize| (coordinate.number(i) - rounded).abs();
        let at = (0..coordinate.len())
            .filter(|&i| distance(i).is_finite())
            .min_by(|&a, &b| distance(a).total_cmp(&distance(b)))
            .ok_or_else(|| self.outside())?;
        let spacing = [at.checked_sub(1), Some(at + 1)]
            .into_iter()
            .flatten()
            .map(|i| (coordinate.number(i) - coordinate.number(at)).abs())
            .fold(0.0_f64, f64::max);
        // Without neighbours only the value itself is near, and bounds have told where cells end.
        let half = if coordinate.bounds.is_some() { 0.0 } else { spacing / 2.0 * (1.0 + 1e-9) };
        if distance(at) <= half || nearest {
            return self.range(at, 1);
        }
        let (low, high) = self.ends();
        Err(SelectError::Far {
            dimension: self.dimension.to_owned(),
            wanted: self.wanted.clone(),
            nearest: self.printed(at),
            distance: distance(at),
            outside: !(low..=high).contains(&wanted),
            first: self.printed(0),
            last: self.printed(coordinate.len().saturating_sub(1)),
        })
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
        if let (Some(low), Some(high), true) = (low, high, self.goes_around()) {
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
        if span > 360.0 {
            return Err(self.outside());
        }
        let inside = |&i: &usize| {
            let turns = ((low - self.coordinate.number(i)) / 360.0).ceil();
            let within = |turns: f64| {
                let (low, high) = (low - turns * 360.0, high - turns * 360.0);
                self.compare(i, low).is_some_and(Ordering::is_ge)
                    && self.compare(i, high).is_some_and(Ordering::is_le)
            };
            (span - 360.0).abs() < 1e-12 && turns.is_finite()
                || [turns - 1.0, turns, turns + 1.0].into_iter().any(within)
        };
        let hits: Vec<usize> = (0..self.coordinate.len()).filter(inside).collect();
        if hits.is_empty() {
            let eastwards = |i: usize, from: f64| (self.coordinate.number(i) - from).rem_euclid(360.0);
            let all = || 0..self.coordinate.len();
            let nearest = |key: &dyn Fn(usize) -> f64| all().min_by(|&a, &b| key(a).total_cmp(&key(b)));
            let below = nearest(&|i| 360.0 - eastwards(i, low));
            let above = nearest(&|i| eastwards(i, high));
            return Err(match (below, above) {
                (Some(below), Some(above)) => SelectError::Between {
                    dimension: self.dimension.to_owned(),
                    wanted: self.wanted.clone(),
                    below: self.printed(below),
                    above: self.printed(above),
                },
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
        let ranges = runs.into_iter().filter_map(|(from, to)| {
            AxisRange::new(*hits.get(from)? as u64, 1, (to - from) as u64, self.length)
        });
        Ok(Positions(ranges.collect()))
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
            (&[k], Some(&first), Some(&last)) if along(last, first) => Some(k),
            _ => None,
        }
    }

    /// Whether the axis is longitude, rises or falls throughout, and spans at most one turn.
    fn goes_around(&self) -> bool {
        let (low, high) = self.ends();
        self.coordinate.role == Role::Longitude && high - low < 360.0
    }

    /// Smallest and largest value.
    fn ends(&self) -> (f64, f64) {
        let numbers = (0..self.coordinate.len()).map(|i| self.coordinate.number(i));
        numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)))
    }

    /// `wanted` moved by whole turns to where the axis is.
    fn unwrapped(&self, wanted: f64) -> f64 {
        let (low, high) = self.ends();
        let middle = high / 2.0 + low / 2.0;
        wanted + ((middle - wanted) / 360.0).round() * 360.0
    }

    fn dates(&self, first: Option<Period>, last: Option<Period>) -> Result<Positions, SelectError> {
        let units = *self.coordinate.units_of_time().ok_or_else(|| self.other_kind())?;
        let date_error = |source| SelectError::Date { dimension: self.dimension.to_owned(), source };
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

impl std::fmt::Display for AxisSelector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let end = |value: &Option<f64>| value.map_or_else(String::new, |v| v.to_string());
        match self {
            Self::Index(slice) => write!(f, "{slice:?}"),
            Self::Value(value) => write!(f, "{value}"),
            Self::Label(label) => f.write_str(label),
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
    use rangefold_array::ElementType;
    use rangefold_cf::Column;

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
            "99 lies outside coordinate \"x\", which runs from 10 to 20: the nearest value is 20, 79 away; --nearest takes it"
        );
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
        for text in ["x", "x=", "x=a:b", "x=1:2:3:4", "x=1..b"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("x=1,x=2").unwrap_err().to_string(), "dimension \"x\" is selected twice");
    }
}
