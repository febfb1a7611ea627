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
//! | `r1i1p1f1`, `"3"` | the positions with this label, on coordinates of texts; quotes keep a number from being a position |
//!
//! Numbers are compared in the type of the coordinate, after unpacking: 0.1 is the float32 nearest to 0.1 where the
//! coordinate is float32. On a longitude axis that goes once around, values are taken modulo 360, and a range may cross
//! the seam of the grid: `350.0..10.0`. Its positions then come in the order of the range.

use rangefold_array::Slice;
use rangefold_cf::{Date, Instant, TimeUnits};

/// What to take along one named dimension.
#[derive(Clone, Debug, PartialEq)]
pub enum AxisSelector {
    /// By position.
    Index(Slice),
    /// The cell that holds this coordinate value.
    Value {
        /// The value.
        value: f64,
        /// How it is written, which is what a coordinate of texts is asked for.
        written: String,
    },
    /// Coordinate values between two numbers, both included; an absent end is open.
    Values(Option<f64>, Option<f64>),
    /// Dates from the beginning of the first period to the end of the last; an absent end is open. A single
    /// period is both ends.
    Dates(Option<PartialDate>, Option<PartialDate>),
    /// A label of a coordinate of texts.
    Label(String),
}

/// A year, month, day, hour, minute or second: a date as far as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartialDate {
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

/// Units after a number.
fn spaced(units: &str) -> String {
    if units.is_empty() { String::new() } else { format!(" {units}") }
}

/// A single coordinate value that no cell holds, and how far the nearest is.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error(
    "{wanted} lies {} coordinate {dimension:?}, which runs from {first} to {last}: the nearest value is {nearest}, {distance}{} away; --nearest takes it",
    if *outside { "outside" } else { "in no cell of" }, spaced(units)
)]
pub struct Far {
    /// The dimension.
    pub dimension: String,
    /// What was asked for.
    pub wanted: String,
    /// The nearest value.
    pub nearest: String,
    /// How far away that is.
    pub distance: f64,
    /// Units of the distance, empty if they are not known.
    pub units: String,
    /// Whether it lies beyond an end of the coordinate.
    pub outside: bool,
    /// First coordinate value.
    pub first: String,
    /// Last coordinate value.
    pub last: String,
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
    #[error("no value of coordinate {dimension:?} lies in {wanted}: the nearest are {neighbours}")]
    Between {
        /// The dimension.
        dimension: String,
        /// What was asked for.
        wanted: String,
        /// The nearest labels on both sides: `10 and 20`.
        neighbours: String,
    },
    /// A single value that no cell holds.
    #[error(transparent)]
    Far(Box<Far>),
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
    #[error("coordinate {dimension:?}{} cannot be compared with {wanted}{reason}", in_units(units))]
    Kind {
        /// The dimension.
        dimension: String,
        /// Units of the coordinate, if it has any.
        units: Option<String>,
        /// What was asked for.
        wanted: String,
        /// Why its units are not those of a time though they look so, after a colon; empty if they do not.
        reason: String,
    },
    /// A value outside the coordinate.
    #[error("{wanted} lies outside coordinate {dimension:?}, which runs from {ends}")]
    Outside {
        /// The dimension.
        dimension: String,
        /// What was asked for.
        wanted: String,
        /// First and last value: `10 to 20`.
        ends: String,
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
    /// A position past the end that is a year or a value of the coordinate.
    #[error("{dimension}={year} is a position, and the {what} is {dimension}={year}..{year}: {}", rangefold_array::chain(.problem.as_ref()))]
    Year {
        /// `year` or `value`.
        what: &'static str,
        /// The dimension.
        dimension: String,
        /// What was written.
        year: i64,
        /// Why it is no position.
        problem: Box<rangefold_array::SelectionError>,
    },
    /// A position past the end that is a label of the coordinate.
    #[error("{dimension}={label} is a position, and the label is {dimension}=\"{label}\": {}", rangefold_array::chain(.problem.as_ref()))]
    LabelledPosition {
        /// The dimension.
        dimension: String,
        /// What was written.
        label: i64,
        /// Why it is no position.
        problem: Box<rangefold_array::SelectionError>,
    },
    /// A position or slice that does not fit.
    #[error("dimension {dimension:?}: {}", rangefold_array::chain(.problem))]
    Position {
        /// The dimension.
        dimension: String,
        /// Why.
        problem: rangefold_array::SelectionError,
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
    #[error("dimension {dimension:?}: {}", rangefold_array::chain(.problem))]
    Date {
        /// The dimension.
        dimension: String,
        /// Why.
        problem: rangefold_cf::DateError,
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
    for part in parts(text).into_iter().map(str::trim).filter(|part| !part.is_empty()) {
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

/// The parts between commas; a comma in quotes, which open where a value begins, is one of the value.
fn parts(text: &str) -> Vec<&str> {
    let (mut start, mut open, mut may_open) = (0, None, false);
    let mut parts = Vec::new();
    for (at, c) in text.char_indices() {
        match (open, c) {
            (Some(quote), _) => open = Some(quote).filter(|quote| *quote != c),
            (None, ',') => {
                parts.extend(text.get(start..at));
                (start, may_open) = (at + 1, false);
            }
            (None, '"' | '\'') if may_open => (open, may_open) = (Some(c), false),
            (None, '=') => may_open = true,
            (None, _) => may_open = may_open && c.is_whitespace(),
        }
    }
    parts.extend(text.get(start..));
    parts
}

fn selector(text: &str) -> Option<AxisSelector> {
    if let Some(quoted) = unquoted(text) {
        return Some(AxisSelector::Label(quoted.to_owned()));
    }
    if let Some((low, high)) = text.split_once("..") {
        let (low, high) = (low.trim(), high.trim());
        let number = |text: &str| if text.is_empty() { Some(None) } else { number(text).map(Some) };
        let is_year = |text: &str| text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit());
        // Four digits and nothing else on a given end are a year: `2001..2010`.
        let years = [low, high].iter().all(|end| end.is_empty() || is_year(end))
            && !(low.is_empty() && high.is_empty());
        return match (number(low), number(high)) {
            (Some(low), Some(high)) if !years => Some(AxisSelector::Values(low, high)),
            _ => {
                let period = |text: &str| {
                    if text.is_empty() { Some(None) } else { PartialDate::parse(text).map(Some) }
                };
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
    if let Some(value) = number(text) {
        return Some(AxisSelector::Value { value, written: text.to_owned() });
    }
    if let Some(period) = PartialDate::parse(text) {
        return Some(AxisSelector::Dates(Some(period), Some(period)));
    }
    (!text.is_empty() && !text.contains(':')).then(|| AxisSelector::Label(text.to_owned()))
}

/// A number that has a place among others.
fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| !number.is_nan())
}

/// What stands between quotes of one kind.
#[must_use]
pub fn unquoted(text: &str) -> Option<&str> {
    let between = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    between('"').or_else(|| between('\''))
}

/// Units as a message names them: ` in K`.
fn in_units(units: &Option<String>) -> String {
    units.as_ref().map_or_else(|| ", which has no units,".to_owned(), |units| format!(" in {units:?}"))
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

impl PartialDate {
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

    pub(crate) fn start(self, units: &TimeUnits) -> Result<Instant, rangefold_cf::DateError> {
        self.date.instant(units.calendar())
    }

    /// The first instant after the period; where values are `exact`, a second is the instant it begins with.
    pub(crate) fn end(self, units: &TimeUnits, exact: bool) -> Result<Instant, rangefold_cf::DateError> {
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

    /// The ends of a range of dates that were written as bare years, as the numbers that they are where a coordinate is
    /// not one of times.
    pub(crate) fn as_numbers(&self) -> Option<(Option<f64>, Option<f64>)> {
        let Self::Dates(first, last) = self else { return None };
        let number = |date: &PartialDate| {
            let year = i32::try_from(date.date.year).ok().filter(|_| date.parts == Parts::Year);
            year.map(f64::from)
        };
        let first = first.as_ref().map(number);
        let last = last.as_ref().map(number);
        (first != Some(None) && last != Some(None)).then_some((first.flatten(), last.flatten()))
    }

    /// All dates from the beginning of a year to the end of another.
    pub(crate) fn of_years(first: i64, last: i64) -> Self {
        let year = |year| Some(PartialDate { date: Date::day(year, 1, 1), parts: Parts::Year });
        Self::Dates(year(first), year(last))
    }
}

fn is_like_a_year(number: i64) -> bool {
    (1000..=9999).contains(&number)
}

impl std::fmt::Display for AxisSelector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let end = |value: &Option<f64>| value.map_or_else(String::new, |v| v.to_string());
        match self {
            Self::Index(slice) => write!(f, "{slice:?}"),
            Self::Value { written: text, .. } | Self::Label(text) => f.write_str(text),
            Self::Values(low, high) => write!(f, "{}..{}", end(low), end(high)),
            Self::Dates(first, last) if first == last => first.map_or(Ok(()), |period| write!(f, "{period}")),
            Self::Dates(first, last) => {
                let text = |period: &Option<PartialDate>| period.map_or_else(String::new, |p| p.to_string());
                write!(f, "{}..{}", text(first), text(last))
            }
        }
    }
}

impl std::fmt::Display for PartialDate {
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

    #[test]
    fn what_cannot_be_read_is_refused() {
        for text in ["x", "x=", "x=a:b", "x=1:2:3:4", "x=1..b", "x=nan..1.0"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("x=1,x=2").unwrap_err().to_string(), "dimension \"x\" is selected twice");
    }

    #[test]
    fn commas_and_numbers_in_quotes_are_labels() {
        let label = |text: &str| AxisSelector::Label(text.to_owned());
        let parsed = parse("a=\"x, y\", b = '3' ,c=O'Hare,d=2").unwrap();
        let names: Vec<&str> = parsed.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c", "d"]);
        let what: Vec<AxisSelector> = parsed.into_iter().map(|(_, what)| what).collect();
        let position = AxisSelector::Index(Slice::Index(2));
        assert_eq!(what, [label("x, y"), label("3"), label("O'Hare"), position]);
    }

    #[test]
    fn numbers_are_read_in_every_way_of_writing_them() {
        for (text, value) in [("1e3", 1000.0), (".5", 0.5), ("5.", 5.0), ("+2.0", 2.0), ("-0.0", 0.0)] {
            let expected = AxisSelector::Value { value, written: text.to_owned() };
            assert_eq!(parse(&format!("x={text}")).unwrap(), [("x".to_owned(), expected)]);
        }
        let range = AxisSelector::Values(Some(-1000.0), Some(0.5));
        assert_eq!(parse(" x = -1e3 .. +.5 ").unwrap(), [("x".to_owned(), range)]);
    }
}
