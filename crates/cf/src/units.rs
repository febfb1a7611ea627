//! Units of time coordinates: `days since 1850-01-01 00:00:00`.

use std::fmt;

use crate::{Calendar, CalendarError, Date, DateError, Instant};

/// The unit that a time coordinate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// 86,400 s times seven.
    Week,
    /// 86,400 s.
    Day,
    /// 3,600 s.
    Hour,
    /// 60 s.
    Minute,
    /// 1 s.
    Second,
    /// 10⁻³ s.
    Millisecond,
    /// 10⁻⁶ s.
    Microsecond,
    /// 10⁻⁹ s.
    Nanosecond,
    /// 30 days; only in the `360_day` calendar, where months are equal.
    Month,
    /// 360 days in the `360_day` calendar, 365 in `noleap`, 366 in `all_leap`; nowhere else.
    Year,
}

/// A time coordinate's units and calendar: what turns its numbers into instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeUnits {
    step: Step,
    calendar: Calendar,
    reference: Date,
    origin: Instant,
    step_ns: i128,
}

/// Units that do not make a time coordinate.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum UnitsError {
    /// Not of the form `unit since date`.
    #[error("{text:?} are not units of time like \"days since 1850-01-01\"")]
    Syntax {
        /// The units.
        text: String,
    },
    /// A unit whose length varies in the calendar.
    #[error("{step} have no fixed length in the {calendar} calendar")]
    VariableStep {
        /// The unit.
        step: Step,
        /// The calendar.
        calendar: Calendar,
    },
    /// The reference date.
    #[error(transparent)]
    Date(#[from] DateError),
    /// The calendar.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    /// Whether there was a year 0 is not agreed upon in this calendar, so the numbers could be off by a year.
    #[error(
        "the reference year {year} of {text:?} lies before the year 1, which the {calendar} calendar does not settle"
    )]
    BeforeYearOne {
        /// The units.
        text: String,
        /// The reference year.
        year: i64,
        /// The calendar.
        calendar: Calendar,
    },
    /// A value that is no instant.
    #[error("{value} {units} is not an instant that can be told")]
    Value {
        /// The value.
        value: f64,
        /// The units.
        units: String,
    },
}

impl Step {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "week" | "weeks" => Self::Week,
            "day" | "days" | "d" => Self::Day,
            "hour" | "hours" | "hr" | "hrs" | "h" => Self::Hour,
            "minute" | "minutes" | "min" | "mins" => Self::Minute,
            "second" | "seconds" | "sec" | "secs" | "s" => Self::Second,
            "millisecond" | "milliseconds" | "millisec" | "millisecs" | "msec" | "msecs" | "ms" => {
                Self::Millisecond
            }
            "microsecond" | "microseconds" | "microsec" | "microsecs" | "us" => Self::Microsecond,
            "nanosecond" | "nanoseconds" | "ns" => Self::Nanosecond,
            "month" | "months" => Self::Month,
            "year" | "years" | "common_year" | "common_years" => Self::Year,
            _ => return None,
        })
    }

    fn nanoseconds(self, calendar: Calendar) -> Option<i128> {
        const SECOND: i128 = 1_000_000_000;
        const DAY: i128 = 86_400 * SECOND;
        Some(match (self, calendar) {
            (Self::Week, _) => 7 * DAY,
            (Self::Day, _) => DAY,
            (Self::Hour, _) => 3_600 * SECOND,
            (Self::Minute, _) => 60 * SECOND,
            (Self::Second, _) => SECOND,
            (Self::Millisecond, _) => 1_000_000,
            (Self::Microsecond, _) => 1_000,
            (Self::Nanosecond, _) => 1,
            (Self::Month, Calendar::Days360) => 30 * DAY,
            (Self::Year, Calendar::Days360) => 360 * DAY,
            (Self::Year, Calendar::NoLeap) => 365 * DAY,
            (Self::Year, Calendar::AllLeap) => 366 * DAY,
            (Self::Month | Self::Year, _) => return None,
        })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Week => "weeks",
            Self::Day => "days",
            Self::Hour => "hours",
            Self::Minute => "minutes",
            Self::Second => "seconds",
            Self::Millisecond => "milliseconds",
            Self::Microsecond => "microseconds",
            Self::Nanosecond => "nanoseconds",
            Self::Month => "months",
            Self::Year => "years",
        })
    }
}

impl TimeUnits {
    /// Reads a `units` and a `calendar` attribute; without the latter the calendar is `standard`.
    ///
    /// # Errors
    ///
    /// [`UnitsError`] if the text is not of the form `unit since date`, the unit has no fixed length in the calendar,
    /// the calendar is unknown or lacks the reference date.
    pub fn parse(units: &str, calendar: Option<&str>) -> Result<Self, UnitsError> {
        let syntax = || UnitsError::Syntax { text: units.to_owned() };
        let calendar = calendar.map_or(Ok(Calendar::Standard), str::parse)?;
        let mut words = units.split_whitespace();
        let step = words.next().and_then(Step::from_name).ok_or_else(syntax)?;
        if !words.next().is_some_and(|word| word.eq_ignore_ascii_case("since")) {
            return Err(syntax());
        }
        let date_text = words.collect::<Vec<_>>().join(" ");
        let step_ns = step.nanoseconds(calendar).ok_or(UnitsError::VariableStep { step, calendar })?;
        let (reference, zone) = Date::parse(&date_text)?;
        if reference.year < 1 && matches!(calendar, Calendar::Standard | Calendar::Julian) {
            return Err(UnitsError::BeforeYearOne { text: units.to_owned(), year: reference.year, calendar });
        }
        let origin = Instant(reference.instant(calendar)?.0 - i128::from(zone) * 60_000_000_000);
        // Told in UTC, so that the units say the same wherever they are printed.
        let reference = if zone == 0 { reference } else { origin.date(calendar)? };
        Ok(Self { step, calendar, reference, origin, step_ns })
    }

    /// The same reference date counted in each finer unit, down to nanoseconds.
    pub fn finer(&self) -> impl Iterator<Item = Self> + use<> {
        let coarse = *self;
        let steps = [
            Step::Day,
            Step::Hour,
            Step::Minute,
            Step::Second,
            Step::Millisecond,
            Step::Microsecond,
            Step::Nanosecond,
        ];
        steps
            .into_iter()
            .filter_map(move |step| {
                Some(Self { step, step_ns: step.nanoseconds(coarse.calendar)?, ..coarse })
            })
            .filter(move |finer| finer.step_ns < coarse.step_ns)
    }

    /// Whether a `units` attribute is one of a time coordinate.
    #[must_use]
    pub fn is_time(units: &str) -> bool {
        let mut words = units.split_whitespace();
        words.next().and_then(Step::from_name).is_some()
            && words.next().is_some_and(|word| word.eq_ignore_ascii_case("since"))
    }

    /// The calendar.
    #[must_use]
    pub fn calendar(&self) -> Calendar {
        self.calendar
    }

    /// The unit that is counted.
    #[must_use]
    pub fn step(&self) -> Step {
        self.step
    }

    /// Length of the unit in nanoseconds.
    #[must_use]
    pub fn step_nanoseconds(&self) -> i128 {
        self.step_ns
    }

    /// The instant of an integer value: exact. `None` past the range of instants.
    #[must_use]
    pub fn instant_of_integer(&self, value: i128) -> Option<Instant> {
        Some(Instant(value.checked_mul(self.step_ns)?.checked_add(self.origin.0)?))
    }

    /// The instant of a floating-point value, rounded to a nanosecond; a value whose own precision is coarser than a
    /// microsecond is rounded to that precision, so that 0.1 days is 02:24:00 and not 02:23:59.999999.
    ///
    /// # Errors
    ///
    /// [`UnitsError::Value`] for NaN, infinities and values past the range.
    pub fn instant(&self, value: f64) -> Result<Instant, UnitsError> {
        let error = || UnitsError::Value { value, units: self.to_string() };
        if !value.is_finite() || value.abs() >= 1e17 {
            return Err(error());
        }
        let whole = value.trunc();
        #[expect(clippy::cast_possible_truncation, reason = "finite and below 1e17 in size")]
        let units = whole as i128;
        #[expect(
            clippy::cast_precision_loss,
            reason = "a step is at most 366 days of nanoseconds; the fraction is rounded anyway"
        )]
        let fraction_ns = (value - whole) * self.step_ns as f64;
        #[expect(clippy::cast_precision_loss, reason = "only the order of magnitude counts")]
        let resolution = value.abs().max(f64::MIN_POSITIVE) * f64::EPSILON * self.step_ns as f64;
        let mut grain = 1.0;
        while grain < resolution && grain < 1e9 {
            grain *= 10.0;
        }
        #[expect(clippy::cast_possible_truncation, reason = "less than one step, which fits")]
        let rounded = ((fraction_ns / grain).round() * grain) as i128;
        let base = self.instant_of_integer(units).ok_or_else(error)?;
        base.0.checked_add(rounded).map(Instant).ok_or_else(error)
    }

    /// The integer value of an instant; `None` if it is not a whole number of units.
    #[must_use]
    pub fn integer_value(&self, instant: Instant) -> Option<i128> {
        let elapsed = instant.0.checked_sub(self.origin.0)?;
        (elapsed.rem_euclid(self.step_ns) == 0).then(|| elapsed.div_euclid(self.step_ns))
    }

    /// The value of an instant, rounded to the nearest floating-point number.
    #[must_use]
    pub fn value(&self, instant: Instant) -> f64 {
        let elapsed = instant.0 - self.origin.0;
        let whole = elapsed.div_euclid(self.step_ns);
        let rest = elapsed.rem_euclid(self.step_ns);
        #[expect(clippy::cast_precision_loss, reason = "documented: rounded to the nearest")]
        {
            whole as f64 + rest as f64 / self.step_ns as f64
        }
    }
}

impl fmt::Display for TimeUnits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} since {}", self.step, self.reference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(units: &str, calendar: &str, value: f64) -> String {
        let units = TimeUnits::parse(units, Some(calendar)).unwrap();
        units.instant(value).unwrap().date(units.calendar()).unwrap().to_string()
    }

    /// Answers of cftime 1.6.
    #[test]
    fn values_become_the_dates_that_cftime_tells() {
        let cases = [
            ("days since 1850-01-01", "standard", 0.0, "1850-01-01T00:00:00"),
            ("days since 1850-01-01", "noleap", 59.5, "1850-03-01T12:00:00"),
            ("days since 1850-01-01", "360_day", 359.0, "1850-12-30T00:00:00"),
            ("hours since 1900-01-01 00:00:0.0", "gregorian", 1_051_896.0, "2020-01-01T00:00:00"),
            ("seconds since 1970-01-01 00:00:00 UTC", "standard", 1_700_000_000.0, "2023-11-14T22:13:20"),
            ("days since 1-1-1", "standard", 730_500.0, "2001-01-14T00:00:00"),
            ("days since 0001-01-01", "proleptic_gregorian", 730_000.0, "1999-09-04T00:00:00"),
            ("days since 1000-06-15", "julian", 400_000.25, "2095-08-06T06:00:00"),
            ("days since 1582-10-04", "standard", 1.0, "1582-10-15T00:00:00"),
            ("months since 2000-01-01", "360_day", 13.0, "2001-02-01T00:00:00"),
            ("days since 2000-01-01", "standard", 0.1, "2000-01-01T02:24:00"),
            ("hours since 2000-01-01 12:00 +02:00", "standard", 0.0, "2000-01-01T10:00:00"),
            ("days since 2000-03-01", "all_leap", -1.0, "2000-02-29T00:00:00"),
        ];
        for (units, calendar, value, expected) in cases {
            assert_eq!(date(units, calendar, value), expected, "{value} {units} {calendar}");
        }
    }

    #[test]
    fn a_value_can_be_said_in_other_units_exactly_or_not_at_all() {
        let days = TimeUnits::parse("days since 2000-01-01", None).unwrap();
        let hours = TimeUnits::parse("hours since 1999-12-31", None).unwrap();
        let noon = days.instant(0.5).unwrap();
        assert_eq!(hours.integer_value(noon), Some(36));
        assert_eq!(days.integer_value(noon), None);
        assert_eq!(days.value(noon).to_bits(), 0.5_f64.to_bits());
        let exact = days.finer().find(|finer| finer.integer_value(noon).is_some()).unwrap();
        assert_eq!(exact.to_string(), "hours since 2000-01-01T00:00:00");
        assert_eq!(exact.integer_value(noon), Some(12));
        assert_eq!(exact.finer().next().unwrap().step(), Step::Minute);
    }

    #[test]
    fn a_zone_is_told_in_utc() {
        let east = TimeUnits::parse("hours since 2000-01-01 12:00 +02:00", None).unwrap();
        assert_eq!(east.to_string(), "hours since 2000-01-01T10:00:00");
        assert_eq!(Ok(east), TimeUnits::parse("hours since 2000-01-01 10:00", None));
    }

    #[test]
    fn units_without_a_fixed_length_or_a_date_are_refused() {
        let refused = |units, calendar| TimeUnits::parse(units, calendar).unwrap_err().to_string();
        assert_eq!(
            refused("months since 2000-01-01", None),
            "months have no fixed length in the standard calendar"
        );
        assert_eq!(refused("K", None), "\"K\" are not units of time like \"days since 1850-01-01\"");
        assert_eq!(
            refused("days since 2001-02-29", Some("noleap")),
            "the noleap calendar has no 2001-02-29T00:00:00"
        );
        assert!(TimeUnits::parse("days since 0000-01-01", None).is_err());
        assert!(TimeUnits::parse("days since 0000-01-01", Some("noleap")).is_ok());
        assert!(TimeUnits::parse("days since 1850-01-01", None).unwrap().instant(f64::NAN).is_err());
        assert!(!TimeUnits::is_time("degrees_north") && TimeUnits::is_time("Days Since 2000-01-01"));
    }
}
