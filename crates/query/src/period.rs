//! Periods that follow one another without a gap: what resampling to `6h`, `5D`, `MS` or `QS-DEC` gives.
//!
//! | written | periods | the first begins with |
//! |---|---|---|
//! | `30s`, `90min`, `6h`, `5d` | of that length | the midnight of the first selected day, or whole lengths after it |
//! | `week`, `2weeks`, `W`, `W-SAT` | of whole weeks, from Monday to Sunday, or to the day that is named | the first selected week |
//! | `3months`, `MS`, `2MS` | of whole months | the first selected month |
//! | `2years`, `YS`, `YS-JUL` | of whole years, from January or from the month that is named | the first selected year |
//! | `QS`, `QS-DEC` | of quarters of a year that begins with January or the month that is named | the first selected quarter |
//!
//! A number may stand before each. Short forms are those of pandas, and `QS-DEC` are the seasons of each year, with
//! December in the winter it begins. A period without values is there, and has none; each is labelled by its beginning.

use std::fmt;
use std::ops::Range;

use rangefold_cf::{Calendar, Date, Instant, TimeUnits};

use crate::group_error::GroupError;
use crate::labels::GroupLabels;

/// More periods are refused: a century of hours has fewer, and one wrong date would make any number of them.
const PERIODS_MAX: i128 = 1 << 20;

const SECOND: i128 = 1_000_000_000;
const DAY: i128 = 86_400 * SECOND;

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];

/// The length of periods, and where they may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    count: u32,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    /// Weeks that begin with this day, 0 for Monday.
    Week {
        first: u32,
    },
    Month,
    /// Quarters, one of which begins with this month, 0 for January.
    Quarter {
        first: u32,
    },
    /// Years that begin with this month, 0 for January.
    Year {
        first: u32,
    },
}

impl Period {
    /// Reads a length such as `6h`, `week`, `3months` or `QS-DEC`; `None` if `text` is none.
    ///
    /// # Errors
    ///
    /// [`GroupError::Period`] if it is one that cannot be used: of no length, or one that pandas labels by its end.
    pub fn parse(text: &str) -> Option<Result<Self, GroupError>> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, name) = text.split_at(digits);
        let refused = |reason: String| Some(Err(GroupError::Period { text: text.to_owned(), reason }));
        if let Some(begin) = labelled_by_end(name) {
            return refused(format!(
                "periods are labelled by their beginning, and {name} by its end; {begin} is the same from the beginning"
            ));
        }
        let unit = alias(name).or_else(|| word(name, !number.is_empty()))?;
        match number {
            "" => Some(Ok(Self { count: 1, unit })),
            _ => match number.parse() {
                Ok(0) => refused("it has no length".to_owned()),
                Ok(count) => Some(Ok(Self { count, unit })),
                Err(_) => refused(format!("{number} is more than {}", u32::MAX)),
            },
        }
    }

    /// The period of each of `instants`, and all periods from that of the earliest to that of the latest.
    ///
    /// # Errors
    ///
    /// [`GroupError::Period`] for weeks in a calendar without weekdays, and for more periods than are allowed.
    pub(crate) fn groups(
        self,
        units: &TimeUnits,
        instants: &[Instant],
    ) -> Result<(Vec<Option<u32>>, GroupLabels), GroupError> {
        let calendar = units.calendar();
        let refused = |reason: String| GroupError::Period { text: self.to_string(), reason };
        let (Some(&first), Some(&last)) = (instants.iter().min(), instants.iter().max()) else {
            return Ok((
                Vec::new(),
                GroupLabels::Periods { starts: Vec::new(), ends: Vec::new(), units: *units },
            ));
        };
        let grid = Grid::new(self, calendar, first)
            .ok_or_else(|| refused(format!("the {calendar} calendar has no weekdays; 7d is seven days")))?;
        let far = || refused(format!("{} has no date in the {calendar} calendar", last.0));
        let begin = grid.number(first).ok_or_else(far)?;
        let count = grid.number(last).ok_or_else(far)? - begin + 1;
        if count > PERIODS_MAX {
            let date =
                |instant: Instant| instant.date(calendar).map_or_else(|e| e.to_string(), |d| d.to_string());
            let (first, last) = (date(first), date(last));
            return Err(refused(format!(
                "from {first} to {last} there are {count} of them, and at most {PERIODS_MAX} are allowed"
            )));
        }
        let label = |&instant: &Instant| u32::try_from(grid.number(instant)? - begin).ok();
        let labels = instants.iter().map(label).collect();
        let starts =
            |numbers: Range<i128>| numbers.map(|number| grid.start(number)).collect::<Option<Vec<Instant>>>();
        let (ends, starts) = (starts(begin + 1..begin + count + 1), starts(begin..begin + count));
        let (starts, ends) = starts.zip(ends).ok_or_else(far)?;
        Ok((labels, GroupLabels::Periods { starts, ends, units: *units }))
    }
}

/// What a name of pandas means: `h`, `D`, `W-SUN`, `MS`, `QS-DEC`, `YS-JUL`.
fn alias(name: &str) -> Option<Unit> {
    let (name, anchor) = name.split_once('-').map_or((name, None), |(name, anchor)| (name, Some(anchor)));
    let place = |names: &[&str], default: u32| match anchor {
        None => Some(default),
        Some(anchor) => u32::try_from(names.iter().position(|name| name.eq_ignore_ascii_case(anchor))?).ok(),
    };
    Some(match name {
        "W" => Unit::Week { first: (place(&WEEKDAYS, 6)? + 1) % 7 },
        "QS" => Unit::Quarter { first: place(&MONTHS, 0)? % 3 },
        "YS" | "AS" => Unit::Year { first: place(&MONTHS, 0)? },
        _ if anchor.is_some() => return None,
        "s" | "S" => Unit::Second,
        "min" | "T" => Unit::Minute,
        "h" | "H" => Unit::Hour,
        "D" => Unit::Day,
        "MS" => Unit::Month,
        _ => return None,
    })
}

/// What a word means: `days`. Without a number most of them are parts of a date.
fn word(name: &str, numbered: bool) -> Option<Unit> {
    let week = Unit::Week { first: 0 };
    Some(match name {
        "week" => week,
        _ if !numbered => return None,
        "second" | "seconds" | "sec" => Unit::Second,
        "minute" | "minutes" => Unit::Minute,
        "hour" | "hours" => Unit::Hour,
        "d" | "day" | "days" => Unit::Day,
        "w" | "weeks" => week,
        "month" | "months" => Unit::Month,
        "y" | "year" | "years" => Unit::Year { first: 0 },
        _ => return None,
    })
}

/// The name that begins where `name` ends, if pandas labels it by its end: `MS` for `ME`.
fn labelled_by_end(name: &str) -> Option<String> {
    let (name, anchor) = name.split_once('-').map_or((name, None), |(name, anchor)| (name, Some(anchor)));
    let begin = match name {
        "M" | "ME" if anchor.is_none() => return Some("MS".to_owned()),
        "Q" | "QE" => "QS",
        "A" | "Y" | "YE" => "YS",
        _ => return None,
    };
    let end = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(anchor.unwrap_or("DEC")))?;
    Some(format!("{begin}-{}", MONTHS.get((end + 1) % 12)?))
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.count != 1 {
            write!(f, "{}", self.count)?;
        }
        let name = |names: &[&'static str], place: u32| {
            usize::try_from(place).ok().and_then(|place| names.get(place).copied()).unwrap_or_default()
        };
        match self.unit {
            Unit::Second => f.write_str("s"),
            Unit::Minute => f.write_str("min"),
            Unit::Hour => f.write_str("h"),
            Unit::Day => f.write_str("D"),
            Unit::Week { first } => write!(f, "W-{}", name(&WEEKDAYS, (first + 6) % 7)),
            Unit::Month => f.write_str("MS"),
            Unit::Quarter { first } => write!(f, "QS-{}", name(&MONTHS, first)),
            Unit::Year { first } => write!(f, "YS-{}", name(&MONTHS, first)),
        }
    }
}

/// Periods numbered one after the other.
enum Grid {
    /// Of `length` nanoseconds, number 0 from `origin` on.
    Time { origin: Instant, length: i128 },
    /// Of `length` calendar months, number 0 from month `origin` on, counted from the beginning of the year 0.
    Months { origin: i128, length: i128, calendar: Calendar },
}

impl Grid {
    /// The periods for times from `first` on; `None` for weeks in a calendar without weekdays.
    fn new(period: Period, calendar: Calendar, first: Instant) -> Option<Self> {
        let count = i128::from(period.count);
        let midnight = first.midnight();
        let time = |length: i128| Self::Time { origin: midnight, length: count * length };
        let months = |every: i128, begin: u32| {
            let month = month(first, calendar)?;
            let origin = month - (month - i128::from(begin)).rem_euclid(every);
            Some(Self::Months { origin, length: count * every, calendar })
        };
        match period.unit {
            Unit::Second => Some(time(SECOND)),
            Unit::Minute => Some(time(60 * SECOND)),
            Unit::Hour => Some(time(3_600 * SECOND)),
            Unit::Day => Some(time(DAY)),
            Unit::Week { first } => {
                let since = (midnight.weekday(calendar)? + 7 - first) % 7;
                let origin = Instant(midnight.0 - i128::from(since) * DAY);
                Some(Self::Time { origin, length: count * 7 * DAY })
            }
            Unit::Month => months(1, 0),
            Unit::Quarter { first } => months(3, first),
            Unit::Year { first } => months(12, first),
        }
    }

    /// The number of the period that an instant lies in; `None` if it has no date.
    fn number(&self, instant: Instant) -> Option<i128> {
        match self {
            Self::Time { origin, length } => Some((instant.0 - origin.0).div_euclid(*length)),
            Self::Months { origin, length, calendar } => {
                Some((month(instant, *calendar)? - origin).div_euclid(*length))
            }
        }
    }

    /// Where a period begins; `None` if that has no date.
    fn start(&self, number: i128) -> Option<Instant> {
        match self {
            Self::Time { origin, length } => Some(Instant(origin.0 + number * length)),
            Self::Months { origin, length, calendar } => {
                let month = i64::try_from(origin + number * length).ok()?;
                let in_year = u32::try_from(month.rem_euclid(12)).ok()? + 1;
                Date::day(month.div_euclid(12), in_year, 1).instant(*calendar).ok()
            }
        }
    }
}

/// Months from the beginning of the year 0 to that of the month of an instant.
fn month(instant: Instant, calendar: Calendar) -> Option<i128> {
    let date = instant.date(calendar).ok()?;
    Some(i128::from(date.year) * 12 + i128::from(date.month) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(text: &str) -> Period {
        Period::parse(text).unwrap().unwrap()
    }

    /// The period of each value, and the beginnings of all periods.
    fn groups(text: &str, units: &str, calendar: &str, values: &[f64]) -> (Vec<u32>, Vec<String>) {
        let units = TimeUnits::parse(units, Some(calendar)).unwrap();
        let instants: Vec<Instant> = values.iter().map(|&value| units.instant(value).unwrap()).collect();
        let (labels, groups) = period(text).groups(&units, &instants).unwrap();
        let GroupLabels::Periods { starts, .. } = groups else { panic!("{groups:?}") };
        let date = |start: &Instant| start.date(units.calendar()).unwrap().to_string();
        let short = |date: String| date.strip_suffix("T00:00:00").map_or(date.clone(), str::to_owned);
        (labels.into_iter().flatten().collect(), starts.iter().map(date).map(short).collect())
    }

    #[test]
    fn hours_and_days_are_counted_from_the_midnight_of_the_first_day() {
        let hours = |text, values: &[f64]| groups(text, "hours since 2000-02-28", "standard", values);
        let six = ["2000-02-28T12:00:00", "2000-02-28T18:00:00", "2000-02-29", "2000-02-29T06:00:00"];
        assert_eq!(hours("6h", &[13.0, 18.0, 30.5]), (vec![0, 1, 3], six.map(str::to_owned).to_vec()));
        assert_eq!(hours("2d", &[13.0, 47.9, 48.0]).1, ["2000-02-28", "2000-03-01"]);
        assert_eq!(hours("90min", &[1.0, 1.5]).1, ["2000-02-28", "2000-02-28T01:30:00"]);
    }

    #[test]
    fn empty_periods_are_there_and_the_order_of_times_does_not_matter() {
        let days = |values: &[f64]| groups("MS", "days since 2000-01-15", "360_day", values);
        let months = ["2000-01-01", "2000-02-01", "2000-03-01", "2000-04-01"].map(str::to_owned).to_vec();
        assert_eq!(days(&[76.0, 0.0, 15.9, 16.0]), (vec![3, 0, 0, 1], months.clone()));
        assert_eq!(days(&[0.0, 76.0]), (vec![0, 3], months));
    }

    #[test]
    fn seasons_hold_the_december_that_begins_them() {
        let seasons = |calendar| groups("QS-DEC", "days since 1999-12-01", calendar, &[0.0, 62.0, 150.0]);
        let starts = ["1999-12-01", "2000-03-01"].map(str::to_owned).to_vec();
        for calendar in ["standard", "noleap", "all_leap", "360_day", "julian", "proleptic_gregorian"] {
            assert_eq!(seasons(calendar), (vec![0, 0, 1], starts.clone()), "{calendar}");
        }
    }

    #[test]
    fn months_quarters_and_years_begin_where_they_are_anchored() {
        let starts = |text, values: &[f64]| groups(text, "days since 1999-11-15", "noleap", values).1;
        assert_eq!(starts("3months", &[0.0, 90.0]), ["1999-11-01", "2000-02-01"]);
        assert_eq!(starts("QS", &[0.0, 90.0]), ["1999-10-01", "2000-01-01"]);
        assert_eq!(starts("2QS-DEC", &[0.0, 365.0]), ["1999-09-01", "2000-03-01", "2000-09-01"]);
        assert_eq!(starts("2years", &[0.0, 365.0, 800.0]), ["1999-01-01", "2001-01-01"]);
        assert_eq!(starts("YS-JUL", &[0.0, 365.0]), ["1999-07-01", "2000-07-01"]);
    }

    #[test]
    fn weeks_begin_on_monday_or_after_the_day_that_ends_them() {
        // 2001-01-03 is a Wednesday.
        let starts = |text| groups(text, "days since 2001-01-03", "standard", &[0.0, 6.0]).1;
        assert_eq!(starts("week"), ["2001-01-01", "2001-01-08"]);
        assert_eq!(starts("W"), starts("week"));
        assert_eq!(starts("W-SAT"), ["2000-12-31", "2001-01-07"]);
        assert_eq!(starts("2weeks"), ["2001-01-01"]);
        let units = TimeUnits::parse("days since 2001-01-03", Some("noleap")).unwrap();
        let error = period("week").groups(&units, &[units.instant(0.0).unwrap()]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "periods of W-SUN cannot be made: the noleap calendar has no weekdays; 7d is seven days"
        );
    }

    #[test]
    fn what_is_no_period_is_refused_with_the_reason() {
        let error = |text| Period::parse(text).unwrap().unwrap_err().to_string();
        assert_eq!(error("0h"), "periods of 0h cannot be made: it has no length");
        assert_eq!(
            error("QE-NOV"),
            "periods of QE-NOV cannot be made: periods are labelled by their beginning, and QE-NOV by its end; QS-DEC is the same from the beginning"
        );
        assert!(error("2ME").contains("MS is the same"));
        assert!(error("5000000000d").contains("is more than 4294967295"));
        for text in ["", "6", "month", "hour", "m", "3m", "QS-XYZ", "h-JAN", "-1h", "1.5h", "6 h"] {
            assert!(Period::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_wrong_date_does_not_make_any_number_of_periods() {
        let units = TimeUnits::parse("seconds since 2000-01-01", None).unwrap();
        let instants = [0.0, 1e9].map(|value| units.instant(value).unwrap());
        let error = period("1s").groups(&units, &instants).unwrap_err().to_string();
        assert_eq!(
            error,
            "periods of s cannot be made: from 2000-01-01T00:00:00 to 2031-09-09T01:46:40 there are 1000000001 of them, and at most 1048576 are allowed"
        );
        assert!(period("YS").groups(&units, &instants).is_ok());
    }
}
