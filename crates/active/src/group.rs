//! Grouping positions of a time axis by parts of their dates: `time.month`, `time.season`, `time.yearmonth`.

use rangefold_cf::{Date, DateError};

use crate::select::Coordinate;

/// Positions of one dimension, grouped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupBy {
    /// The dimension.
    pub dimension: String,
    /// What positions of one group have in common.
    pub part: DatePart,
}

/// A part of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatePart {
    /// The year.
    Year,
    /// The month of the year, 1 to 12.
    Month,
    /// The meteorological season: DJF, MAM, JJA or SON, whatever the year.
    Season,
    /// The day of the month.
    Day,
    /// The day of the year, from 1.
    DayOfYear,
    /// The hour of the day.
    Hour,
    /// The month of one year, as `2001-07`: what resampling to months is.
    YearMonth,
    /// One day, as `2001-07-15`: what resampling to days is.
    Date,
}

/// What the groups are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupLabels {
    /// Numbers, ascending.
    Integers(Vec<i64>),
    /// Texts; seasons in the order of the year, dates ascending.
    Texts(Vec<String>),
}

impl GroupLabels {
    /// Number of groups.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Integers(labels) => labels.len(),
            Self::Texts(labels) => labels.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Positions cannot be grouped.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GroupError {
    /// Not of the form `dimension.part`.
    #[error(
        "{text:?} is not a grouping like time.month; parts are year, month, season, day, dayofyear, hour, yearmonth and date"
    )]
    Syntax {
        /// The text.
        text: String,
    },
    /// The dimension has no coordinate of times.
    #[error("dimension {dimension:?} has no coordinate of times to group by")]
    NotTime {
        /// The dimension.
        dimension: String,
    },
    /// A coordinate value that is no time.
    #[error("position {position} of dimension {dimension:?} has no date: its coordinate is {value}")]
    NoDate {
        /// The dimension.
        dimension: String,
        /// The position.
        position: u64,
        /// Its coordinate value.
        value: f64,
    },
}

const PARTS: [(&str, DatePart); 8] = [
    ("year", DatePart::Year),
    ("month", DatePart::Month),
    ("season", DatePart::Season),
    ("day", DatePart::Day),
    ("dayofyear", DatePart::DayOfYear),
    ("hour", DatePart::Hour),
    ("yearmonth", DatePart::YearMonth),
    ("date", DatePart::Date),
];
const SEASONS: [&str; 4] = ["DJF", "MAM", "JJA", "SON"];

impl GroupBy {
    /// Reads `dimension.part`.
    ///
    /// # Errors
    ///
    /// [`GroupError::Syntax`].
    pub fn parse(text: &str) -> Result<Self, GroupError> {
        let syntax = || GroupError::Syntax { text: text.to_owned() };
        let (dimension, part) = text.rsplit_once('.').filter(|(d, _)| !d.is_empty()).ok_or_else(syntax)?;
        let part = PARTS.iter().find(|(name, _)| *name == part).map(|(_, part)| *part).ok_or_else(syntax)?;
        Ok(Self { dimension: dimension.to_owned(), part })
    }

    /// What the axis of groups is called: `month`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        PARTS.iter().find(|(_, part)| *part == self.part).map_or("group", |(name, _)| name)
    }

    /// The group of each of `positions`, and the groups that occur, in order.
    ///
    /// # Errors
    ///
    /// [`GroupError::NotTime`] and [`GroupError::NoDate`].
    pub fn groups(
        &self,
        coordinate: Option<&Coordinate>,
        positions: &[u64],
    ) -> Result<(Vec<u32>, GroupLabels), GroupError> {
        let not_time = || GroupError::NotTime { dimension: self.dimension.clone() };
        let coordinate = coordinate.ok_or_else(not_time)?;
        let units = coordinate.time.ok_or_else(not_time)?;
        let mut keys = Vec::with_capacity(positions.len());
        for &position in positions {
            let value = usize::try_from(position)
                .ok()
                .and_then(|p| coordinate.values.get(p))
                .copied()
                .unwrap_or(f64::NAN);
            let key = units.instant(value).ok().and_then(|instant| {
                let date = instant.date(units.calendar()).ok()?;
                self.key(date, || instant.day_of_year(units.calendar())).ok()
            });
            keys.push(key.ok_or_else(|| GroupError::NoDate {
                dimension: self.dimension.clone(),
                position,
                value,
            })?);
        }
        let mut groups = keys.clone();
        groups.sort_unstable();
        groups.dedup();
        let numbers =
            keys.iter().map(|key| u32::try_from(groups.binary_search(key).unwrap_or(0)).unwrap_or(u32::MAX));
        Ok((numbers.collect(), self.labels(&groups)))
    }

    /// A number that the dates of a group share, and that sorts the groups.
    fn key(&self, date: Date, day_of_year: impl Fn() -> Result<u32, DateError>) -> Result<i64, DateError> {
        let (month, day) = (i64::from(date.month), i64::from(date.day));
        Ok(match self.part {
            DatePart::Year => date.year,
            DatePart::Month => month,
            DatePart::Season => month % 12 / 3,
            DatePart::Day => day,
            DatePart::DayOfYear => day_of_year()?.into(),
            DatePart::Hour => date.hour.into(),
            DatePart::YearMonth => date.year * 12 + month - 1,
            DatePart::Date => (date.year * 12 + month - 1) * 31 + day - 1,
        })
    }

    fn labels(&self, groups: &[i64]) -> GroupLabels {
        let month = |key: i64| format!("{:04}-{:02}", key.div_euclid(12), key.rem_euclid(12) + 1);
        match self.part {
            DatePart::Season => {
                let season = |&key: &i64| {
                    usize::try_from(key).ok().and_then(|i| SEASONS.get(i)).copied().unwrap_or_default()
                };
                GroupLabels::Texts(groups.iter().map(|key| season(key).to_owned()).collect())
            }
            DatePart::YearMonth => GroupLabels::Texts(groups.iter().map(|&key| month(key)).collect()),
            DatePart::Date => {
                let date =
                    |&key: &i64| format!("{}-{:02}", month(key.div_euclid(31)), key.rem_euclid(31) + 1);
                GroupLabels::Texts(groups.iter().map(date).collect())
            }
            _ => GroupLabels::Integers(groups.to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rangefold_cf::TimeUnits;

    fn days(values: &[f64]) -> Coordinate {
        let time = TimeUnits::parse("days since 2000-12-01", Some("noleap")).ok();
        Coordinate { values: values.to_vec(), time, ..Coordinate::default() }
    }

    fn groups(text: &str, values: &[f64]) -> (Vec<u32>, GroupLabels) {
        let positions: Vec<u64> = (0..values.len() as u64).collect();
        GroupBy::parse(text).unwrap().groups(Some(&days(values)), &positions).unwrap()
    }

    #[test]
    fn dates_are_grouped_by_what_they_share() {
        // 2000-12-01, 2001-01-01, 2001-03-01, 2001-12-01
        let values = [0.0, 31.0, 90.0, 365.0];
        let texts = |labels: &[&str]| GroupLabels::Texts(labels.iter().map(|&l| l.to_owned()).collect());
        assert_eq!(groups("time.month", &values), (vec![2, 0, 1, 2], GroupLabels::Integers(vec![1, 3, 12])));
        assert_eq!(groups("time.season", &values), (vec![0, 0, 1, 0], texts(&["DJF", "MAM"])));
        assert_eq!(groups("time.year", &values), (vec![0, 1, 1, 1], GroupLabels::Integers(vec![2000, 2001])));
        assert_eq!(groups("time.yearmonth", &values[..2]), (vec![0, 1], texts(&["2000-12", "2001-01"])));
        assert_eq!(groups("time.date", &[30.0, 31.5]), (vec![0, 1], texts(&["2000-12-31", "2001-01-01"])));
        assert_eq!(groups("time.dayofyear", &values).1, GroupLabels::Integers(vec![1, 60, 335]));
    }

    #[test]
    fn what_has_no_dates_cannot_be_grouped() {
        assert!(GroupBy::parse("time").is_err() && GroupBy::parse("time.week").is_err());
        let by = GroupBy::parse("lat.month").unwrap();
        assert_eq!(
            by.groups(None, &[0]).unwrap_err().to_string(),
            "dimension \"lat\" has no coordinate of times to group by"
        );
        assert!(by.groups(Some(&days(&[f64::NAN])), &[0]).is_err());
    }
}
