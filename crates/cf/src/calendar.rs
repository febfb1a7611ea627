//! Calendars and their day numbers.

use std::fmt;
use std::str::FromStr;

use crate::Instant;
use crate::date::DAY;

/// A CF calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Calendar {
    /// Julian before 1582-10-15, Gregorian from then on. `standard`, `gregorian`.
    Standard,
    /// Gregorian for all times. `proleptic_gregorian`.
    ProlepticGregorian,
    /// Julian for all times. `julian`.
    Julian,
    /// No leap years. `noleap`, `365_day`.
    NoLeap,
    /// Every year is a leap year. `all_leap`, `366_day`.
    AllLeap,
    /// Twelve months of 30 days. `360_day`.
    Days360,
}

/// A name that is no CF calendar with dates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a calendar of the CF conventions that has dates")]
pub struct CalendarError {
    /// The name.
    pub name: String,
}

impl FromStr for Calendar {
    type Err = CalendarError;

    fn from_str(name: &str) -> Result<Self, CalendarError> {
        Ok(match name.trim().to_ascii_lowercase().as_str() {
            "standard" | "gregorian" => Self::Standard,
            "proleptic_gregorian" => Self::ProlepticGregorian,
            "julian" => Self::Julian,
            "noleap" | "365_day" => Self::NoLeap,
            "all_leap" | "366_day" => Self::AllLeap,
            "360_day" => Self::Days360,
            _ => return Err(CalendarError { name: name.to_owned() }),
        })
    }
}

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Standard => "standard",
            Self::ProlepticGregorian => "proleptic_gregorian",
            Self::Julian => "julian",
            Self::NoLeap => "noleap",
            Self::AllLeap => "all_leap",
            Self::Days360 => "360_day",
        })
    }
}

/// Years further from 0 than this are refused, so that no day number overflows.
pub(crate) const YEAR_LIMIT: i64 = 10_000_000;

/// Day number of 1582-10-15 in the Gregorian count, the first Gregorian day of the standard calendar.
const FIRST_GREGORIAN_DAY: i64 = gregorian_day(1582, 10, 15);

/// Days before each month of a year that starts in March, so that the leap day comes last.
const fn day_of_march_year(month: i64, day: i64) -> i64 {
    (153 * ((month + 9) % 12) + 2) / 5 + day - 1
}

/// Days since 0000-03-01 Gregorian.
const fn gregorian_day(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + day_of_march_year(month, day)
}

/// Days since 0000-03-01 Gregorian of a Julian date.
const fn julian_day(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    // 0000-03-01 Julian is two days before 0000-03-01 Gregorian.
    365 * y + y.div_euclid(4) + day_of_march_year(month, day) - 2
}

/// Year, month and day from a year that starts in March and a day in it.
fn from_march_year(year: i64, day: i64) -> (i64, i64, i64) {
    let m = (5 * day + 2) / 153;
    let month = if m < 10 { m + 3 } else { m - 9 };
    (if month <= 2 { year + 1 } else { year }, month, day - (153 * m + 2) / 5 + 1)
}

fn gregorian_date(day: i64) -> (i64, i64, i64) {
    let era = day.div_euclid(146_097);
    let in_era = day.rem_euclid(146_097);
    let year = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    from_march_year(year + era * 400, in_era - (365 * year + year / 4 - year / 100))
}

fn julian_date(day: i64) -> (i64, i64, i64) {
    let day = day + 2;
    let era = day.div_euclid(1_461);
    let in_era = day.rem_euclid(1_461);
    let year = (in_era - in_era / 1_460) / 365;
    from_march_year(year + era * 4, in_era - 365 * year)
}

const NOLEAP_MONTHS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

impl Calendar {
    /// Whether an instant of this calendar is the same date on `other`: on the same calendar, and from 1582-10-15 on in
    /// `standard` and `proleptic_gregorian`.
    #[must_use]
    pub fn agrees_with(self, other: Self, instant: Instant) -> bool {
        let gregorian = |calendar| matches!(calendar, Self::Standard | Self::ProlepticGregorian);
        let first = i128::from(FIRST_GREGORIAN_DAY) * DAY;
        self == other || (gregorian(self) && gregorian(other) && instant.0 >= first)
    }

    /// Days of `month` (1 to 12) of `year`; in October 1582 of the standard calendar the number of its last day.
    #[must_use]
    pub fn month_length(self, year: i64, month: u32) -> u32 {
        match month {
            1..=12 if self == Self::Days360 => 30,
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if self.is_leap_year(year) => 29,
            2 => 28,
            _ => 0,
        }
    }

    /// Whether `year` has a 29 February (never in `360_day`, whose February has 30 days).
    #[must_use]
    pub fn is_leap_year(self, year: i64) -> bool {
        let julian = year.rem_euclid(4) == 0;
        let gregorian = julian && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0);
        match self {
            Self::Standard => {
                if year > 1582 {
                    gregorian
                } else {
                    julian
                }
            }
            Self::ProlepticGregorian => gregorian,
            Self::Julian => julian,
            Self::NoLeap | Self::Days360 => false,
            Self::AllLeap => true,
        }
    }

    /// Day number of a date on this calendar's own line; `None` if the date does not exist.
    pub(crate) fn day_number(self, year: i64, month: u32, day: u32) -> Option<i64> {
        if year.abs() > YEAR_LIMIT
            || !(1..=12).contains(&month)
            || day < 1
            || day > self.month_length(year, month)
        {
            return None;
        }
        let (m, d) = (i64::from(month), i64::from(day));
        Some(match self {
            Self::ProlepticGregorian => gregorian_day(year, m, d),
            Self::Julian => julian_day(year, m, d),
            Self::Standard if (year, m, d) >= (1582, 10, 15) => gregorian_day(year, m, d),
            Self::Standard if (year, m, d) <= (1582, 10, 4) => julian_day(year, m, d),
            Self::Standard => return None,
            Self::NoLeap => 365 * year + NOLEAP_MONTHS.iter().take(month as usize - 1).sum::<i64>() + d - 1,
            Self::AllLeap => {
                let leap_day = i64::from(month > 2);
                366 * year + NOLEAP_MONTHS.iter().take(month as usize - 1).sum::<i64>() + leap_day + d - 1
            }
            Self::Days360 => 360 * year + 30 * (m - 1) + d - 1,
        })
    }

    /// Year, month and day of a day number.
    pub(crate) fn date(self, number: i64) -> (i64, u32, u32) {
        let (year, month, day) = match self {
            Self::ProlepticGregorian => gregorian_date(number),
            Self::Julian => julian_date(number),
            Self::Standard if number >= FIRST_GREGORIAN_DAY => gregorian_date(number),
            Self::Standard => julian_date(number),
            Self::NoLeap => in_fixed_year(number, 365, 28),
            Self::AllLeap => in_fixed_year(number, 366, 29),
            Self::Days360 => {
                let in_year = number.rem_euclid(360);
                (number.div_euclid(360), in_year / 30 + 1, in_year % 30 + 1)
            }
        };
        // Months and days are small and positive by construction.
        (year, u32::try_from(month).unwrap_or(0), u32::try_from(day).unwrap_or(0))
    }
}

fn in_fixed_year(number: i64, year_length: i64, february: i64) -> (i64, i64, i64) {
    let mut day = number.rem_euclid(year_length);
    let mut month = 1;
    for (i, &length) in NOLEAP_MONTHS.iter().enumerate() {
        let length = if i == 1 { february } else { length };
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    (number.div_euclid(year_length), month, day + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Calendar; 6] = [
        Calendar::Standard,
        Calendar::ProlepticGregorian,
        Calendar::Julian,
        Calendar::NoLeap,
        Calendar::AllLeap,
        Calendar::Days360,
    ];

    #[test]
    fn day_numbers_and_dates_are_inverse_and_consecutive_in_every_calendar() {
        for calendar in ALL {
            let first = calendar.day_number(-5, 1, 1).unwrap();
            let last = calendar.day_number(2105, 12, 30).unwrap();
            for number in first..=last {
                let (year, month, day) = calendar.date(number);
                assert_eq!(
                    calendar.day_number(year, month, day),
                    Some(number),
                    "{calendar} {year}-{month}-{day}"
                );
            }
        }
    }

    #[test]
    fn the_standard_calendar_jumps_from_4_to_15_october_1582() {
        let before = Calendar::Standard.day_number(1582, 10, 4).unwrap();
        assert_eq!(Calendar::Standard.date(before + 1), (1582, 10, 15));
        assert_eq!(Calendar::Standard.day_number(1582, 10, 10), None);
    }

    #[test]
    fn days_that_a_calendar_lacks_are_refused() {
        assert_eq!(Calendar::NoLeap.day_number(2000, 2, 29), None);
        assert!(Calendar::AllLeap.day_number(2001, 2, 29).is_some());
        assert!(Calendar::Days360.day_number(2001, 2, 30).is_some());
        assert_eq!(Calendar::Days360.day_number(2001, 1, 31), None);
        assert!(Calendar::Standard.day_number(1500, 2, 29).is_some());
        assert_eq!(Calendar::ProlepticGregorian.day_number(1900, 2, 29), None);
    }

    #[test]
    fn standard_and_proleptic_gregorian_agree_from_the_first_gregorian_day_on() {
        let [first, before] = [(1582, 10, 15), (1582, 10, 4)].map(|(year, month, day)| {
            Instant(i128::from(Calendar::Standard.day_number(year, month, day).unwrap()) * DAY)
        });
        assert!(Calendar::Standard.agrees_with(Calendar::ProlepticGregorian, first));
        assert!(!Calendar::ProlepticGregorian.agrees_with(Calendar::Standard, before));
        assert!(Calendar::NoLeap.agrees_with(Calendar::NoLeap, before));
        assert!(!Calendar::NoLeap.agrees_with(Calendar::Standard, first));
    }

    #[test]
    fn names_are_read_in_either_case_and_by_either_name() {
        assert_eq!("gregorian".parse(), Ok(Calendar::Standard));
        assert_eq!("365_day".parse(), Ok(Calendar::NoLeap));
        assert_eq!("360_DAY".parse(), Ok(Calendar::Days360));
        assert_eq!(
            "none".parse::<Calendar>().unwrap_err().to_string(),
            "\"none\" is not a calendar of the CF conventions that has dates"
        );
    }
}
