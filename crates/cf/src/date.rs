//! Dates and instants.

use std::fmt;

use crate::Calendar;

pub(crate) const DAY: i128 = 86_400_000_000_000;
const HOUR: i128 = 3_600_000_000_000;
const MINUTE: i128 = 60_000_000_000;
const SECOND: i128 = 1_000_000_000;

/// Nanoseconds on one calendar's time line; its origin is the calendar's own affair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub i128);

/// A date and a time of day, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Year, counted astronomically.
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    /// 0 to 23.
    pub hour: u32,
    /// 0 to 59.
    pub minute: u32,
    /// 0 to 59.
    pub second: u32,
    /// 0 to 999,999,999.
    pub nanosecond: u32,
}

/// A text is no date, or the calendar has no such date.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// Not of the form `year[-month[-day]][ or T hour:minute[:second[.fraction]]][zone]`.
    #[error("{text:?} is not a date like 1850-01-31T12:00:00")]
    Syntax {
        /// The text.
        text: String,
    },
    /// The calendar has no such day.
    #[error("the {calendar} calendar has no {date}")]
    NoSuchDay {
        /// The calendar.
        calendar: Calendar,
        /// The date.
        date: Date,
    },
    /// The instant lies outside the years that can be told.
    #[error("{nanoseconds} ns on the {calendar} calendar is too far from the year 0 to have a date")]
    OutOfRange {
        /// The calendar.
        calendar: Calendar,
        /// The instant.
        nanoseconds: i128,
    },
}

impl Date {
    /// Midnight of a day; not checked against any calendar.
    #[must_use]
    pub const fn day(year: i64, month: u32, day: u32) -> Self {
        Self { year, month, day, hour: 0, minute: 0, second: 0, nanosecond: 0 }
    }

    /// Reads an ISO 8601 or CF/UDUNITS date: `1850-1-1`, `1850-01-01 00:00:0.0`, `1850-01-01T12:30Z`,
    /// `2000-01-01 00:00 -6:00`. Missing parts are the smallest; a zone is returned as minutes east of UTC.
    ///
    /// # Errors
    ///
    /// [`DateError::Syntax`].
    pub fn parse(text: &str) -> Result<(Self, i64), DateError> {
        parse(text.trim()).ok_or_else(|| DateError::Syntax { text: text.to_owned() })
    }

    /// The instant of this date on `calendar`.
    ///
    /// # Errors
    ///
    /// [`DateError::NoSuchDay`].
    pub fn instant(self, calendar: Calendar) -> Result<Instant, DateError> {
        let error = DateError::NoSuchDay { calendar, date: self };
        let number = calendar.day_number(self.year, self.month, self.day).ok_or_else(|| error.clone())?;
        if self.hour > 23 || self.minute > 59 || self.second > 59 || self.nanosecond > 999_999_999 {
            return Err(error);
        }
        Ok(Instant(
            i128::from(number) * DAY
                + i128::from(self.hour) * HOUR
                + i128::from(self.minute) * MINUTE
                + i128::from(self.second) * SECOND
                + i128::from(self.nanosecond),
        ))
    }
}

impl Instant {
    /// The date of this instant on `calendar`.
    ///
    /// # Errors
    ///
    /// [`DateError::OutOfRange`].
    pub fn date(self, calendar: Calendar) -> Result<Date, DateError> {
        let out_of_range = || DateError::OutOfRange { calendar, nanoseconds: self.0 };
        let number = i64::try_from(self.0.div_euclid(DAY))
            .ok()
            .filter(|number| number.abs() < crate::calendar::YEAR_LIMIT * 366)
            .ok_or_else(out_of_range)?;
        let (year, month, day) = calendar.date(number);
        let rest = self.0.rem_euclid(DAY);
        let part = |value: i128| u32::try_from(value).unwrap_or(0);
        Ok(Date {
            year,
            month,
            day,
            hour: part(rest / HOUR),
            minute: part(rest % HOUR / MINUTE),
            second: part(rest % MINUTE / SECOND),
            nanosecond: part(rest % SECOND),
        })
    }

    /// The midnight that begins its day.
    #[must_use]
    pub const fn midnight(self) -> Self {
        Self(self.0 - self.0.rem_euclid(DAY))
    }

    /// Day of the week, 0 for Monday; `None` in calendars whose days are not those of any week (`noleap`, `all_leap`,
    /// `360_day`).
    #[must_use]
    pub fn weekday(self, calendar: Calendar) -> Option<u32> {
        match calendar {
            // The days of these calendars are counted from 0000-03-01 Gregorian, a Wednesday.
            Calendar::Standard | Calendar::ProlepticGregorian | Calendar::Julian => {
                u32::try_from((self.0.div_euclid(DAY) + 2).rem_euclid(7)).ok()
            }
            Calendar::NoLeap | Calendar::AllLeap | Calendar::Days360 => None,
        }
    }

    /// Day of the year, 1 for its first day.
    ///
    /// # Errors
    ///
    /// [`DateError::OutOfRange`].
    pub fn day_of_year(self, calendar: Calendar) -> Result<u32, DateError> {
        let date = self.date(calendar)?;
        let first = Date::day(date.year, 1, 1).instant(calendar)?;
        Ok(u32::try_from((self.0 - first.0).div_euclid(DAY) + 1).unwrap_or(0))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            self.year, self.month, self.day, self.hour, self.minute, self.second
        )?;
        if self.nanosecond > 0 {
            let fraction = format!("{:09}", self.nanosecond);
            write!(f, ".{}", fraction.trim_end_matches('0'))?;
        }
        Ok(())
    }
}

fn parse(text: &str) -> Option<(Date, i64)> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let day_end = rest.find(|c: char| c == 'T' || c == 't' || c.is_whitespace()).unwrap_or(rest.len());
    let (day_text, time_text) = rest.split_at(day_end);
    let mut parts = day_text.strip_suffix('Z').unwrap_or(day_text).split('-').map(number);
    let year = parts.next()??;
    let month = parts.next().unwrap_or(Some(1))?;
    let day = parts.next().unwrap_or(Some(1))?;
    if parts.next().is_some() {
        return None;
    }
    let year = i64::from(year);
    let mut date = Date::day(if negative { -year } else { year }, month, day);
    let zone = time_of_day(time_text.trim_start_matches(['T', 't']).trim(), &mut date)?;
    Some((date, zone))
}

/// Reads `hour[:minute[:second[.fraction]]] [zone]` into `date` and returns the zone in minutes.
fn time_of_day(text: &str, date: &mut Date) -> Option<i64> {
    if text.is_empty() {
        return Some(0);
    }
    let clock_end = text.find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.')).unwrap_or(text.len());
    let (clock, zone) = text.split_at(clock_end);
    let mut parts = clock.split(':');
    date.hour = number(parts.next()?)?;
    date.minute = parts.next().map_or(Some(0), number)?;
    if let Some(seconds) = parts.next() {
        let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
        date.second = number(whole)?;
        if !fraction.is_empty() {
            if !fraction.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
            date.nanosecond = number(&digits)?;
        }
    }
    if parts.next().is_some() {
        return None;
    }
    zone_minutes(zone.trim())
}

fn zone_minutes(text: &str) -> Option<i64> {
    if text.is_empty()
        || text.eq_ignore_ascii_case("z")
        || text.eq_ignore_ascii_case("utc")
        || text.eq_ignore_ascii_case("gmt")
    {
        return Some(0);
    }
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (hours, minutes) = match rest.split_once(':') {
        Some((hours, minutes)) => (number(hours)?, number(minutes)?),
        None if rest.len() > 2 => {
            (number(rest.get(..rest.len() - 2)?)?, number(rest.get(rest.len() - 2..)?)?)
        }
        None => (number(rest)?, 0),
    };
    (hours <= 24 && minutes < 60).then(|| sign * (i64::from(hours) * 60 + i64::from(minutes)))
}

/// Plain decimal digits only: `parse` alone would also take a sign.
fn number(text: &str) -> Option<u32> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_the_forms_files_use() {
        let cases = [
            ("1850-01-01", "1850-01-01T00:00:00", 0),
            ("1850-1-1 00:00:0.0", "1850-01-01T00:00:00", 0),
            ("2000-01-01T12:30:05.25Z", "2000-01-01T12:30:05.25", 0),
            ("2000-06-15 6:00 -6:00", "2000-06-15T06:00:00", -360),
            ("2000-06-15 06:00:00 +0530", "2000-06-15T06:00:00", 330),
            ("2000", "2000-01-01T00:00:00", 0),
            ("-0004-03-01", "-004-03-01T00:00:00", 0),
            ("1970-01-01 00:00:00 UTC", "1970-01-01T00:00:00", 0),
        ];
        for (text, printed, zone) in cases {
            let (date, minutes) = Date::parse(text).unwrap();
            assert_eq!((date.to_string().as_str(), minutes), (printed, zone), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_dates() {
        for text in [
            "",
            "tomorrow",
            "1850/01/01",
            "1850-01-01-01",
            "1850-01-01 25h",
            "1850-+1-01",
            "2000-01-01 1:2:3:4",
        ] {
            assert!(Date::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn weeks_go_on_through_the_change_of_calendars_and_are_not_told_where_years_are_not_real() {
        let weekday = |year, month, day, calendar| {
            let instant = Date::day(year, month, day).instant(calendar).unwrap();
            Instant(instant.0 + HOUR).weekday(calendar)
        };
        assert_eq!(weekday(2001, 1, 1, Calendar::Standard), Some(0));
        assert_eq!(weekday(1582, 10, 4, Calendar::Standard), Some(3));
        assert_eq!(weekday(1582, 10, 15, Calendar::Standard), Some(4));
        assert_eq!(weekday(1582, 10, 5, Calendar::Julian), Some(4));
        assert_eq!(weekday(-10, 1, 1, Calendar::ProlepticGregorian), Some(0));
        assert_eq!(weekday(2001, 1, 1, Calendar::NoLeap), None);
    }

    #[test]
    fn an_instant_gives_back_its_date() {
        let (date, _) = Date::parse("1999-12-31 23:59:59.999999999").unwrap();
        for calendar in [Calendar::Standard, Calendar::NoLeap, Calendar::AllLeap, Calendar::Julian] {
            let instant = date.instant(calendar).unwrap();
            assert_eq!(instant.date(calendar).unwrap(), date);
            assert_eq!(instant.midnight().date(calendar).unwrap(), Date::day(1999, 12, 31));
        }
        assert_eq!(date.instant(Calendar::NoLeap).unwrap().day_of_year(Calendar::NoLeap).unwrap(), 365);
        let error = date.instant(Calendar::Days360).unwrap_err().to_string();
        assert_eq!(error, "the 360_day calendar has no 1999-12-31T23:59:59.999999999");
    }
}
