//! Grouping positions by parts of their dates (`time.month`, `time.season`), by periods (`time.6h`, `time.QS-DEC`) or by
//! the values of a variable.
//!
//! | written | groups |
//! |---|---|
//! | `time.month` | all months |
//! | `time.month=7` | July alone; nothing else is read, and the dimension of groups has one position |
//! | `basin="Black Sea"` | one value of a variable; quotes where it has a colon in it |
//! | `time.month:min=28` | months of at least 28 positions and 28 values; others have no answer |

use rangefold_cf::{Coordinate, Date, DateError, Instant, TimeUnits};

use crate::group_error::GroupError;
use crate::labels::{GroupLabels, numbered};
use crate::period::Period;

/// How positions are gathered in groups, and which groups have an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupBy {
    /// What positions of one group have in common.
    pub key: GroupKey,
    /// The label of the only group that is asked for; all groups if `None`.
    pub only: Option<String>,
    /// The positions that a group needs, and the values that a cell of it needs, to have an answer; one value if `None`.
    pub least: Option<u64>,
}

/// What positions of one group have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupKey {
    /// A part of the dates along a dimension.
    Date {
        /// The dimension.
        dimension: String,
        /// The part.
        part: DatePart,
    },
    /// The period that the dates along a dimension lie in; the dimension stays, with one position for each period from
    /// the first to the last.
    Period {
        /// The dimension.
        dimension: String,
        /// The periods.
        period: Period,
    },
    /// The value of a variable over one or several dimensions, such as the basins of an ocean; positions where it is
    /// missing belong to no group.
    Variable(String),
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

impl From<GroupKey> for GroupBy {
    fn from(key: GroupKey) -> Self {
        Self { key, only: None, least: None }
    }
}

impl GroupBy {
    /// Reads `dimension.part`, `dimension.period` or the path of a variable, with `=group` and `:min=count` behind it or
    /// not.
    ///
    /// # Errors
    ///
    /// [`GroupError::Syntax`], [`GroupError::Option`], or [`GroupError::Period`] as [`Period::parse`].
    pub fn parse(text: &str) -> Result<Self, GroupError> {
        let (key, rest) = match text.find(['=', ':']) {
            Some(place) => text.split_at(place),
            None => (text, ""),
        };
        let key = GroupKey::parse(key.trim())?;
        let refused = |reason: String| GroupError::Option { text: text.to_owned(), reason };
        let (only, options) = match rest.strip_prefix('=') {
            None => (None, rest),
            Some(rest) => {
                let (only, options) = label(rest.trim());
                if only.is_empty() {
                    return Err(refused("it names no group after =".to_owned()));
                }
                (Some(only.to_owned()), options)
            }
        };
        let mut least = None;
        for option in options.split(':').map(str::trim).skip(1) {
            let Some(("min", count)) = option.split_once('=') else {
                return Err(refused(format!("{option:?} is not min=count")));
            };
            let count = count.trim().parse::<u64>().ok().filter(|&count| count > 0);
            least = Some(count.ok_or_else(|| refused(format!("{option:?} gives no count from 1")))?);
        }
        if !options.is_empty() && !options.trim_start().starts_with(':') {
            return Err(refused(format!("{options:?} follows the group")));
        }
        Ok(Self { key, only, least })
    }

    /// The dimension whose dates are grouped; `None` if a variable says the groups.
    #[must_use]
    pub fn dimension(&self) -> Option<&String> {
        match &self.key {
            GroupKey::Date { dimension, .. } | GroupKey::Period { dimension, .. } => Some(dimension),
            GroupKey::Variable(_) => None,
        }
    }
}

/// The label at the beginning of a text, in quotes or up to a colon, and what follows it.
fn label(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some((label, rest)) = text.strip_prefix(quote).and_then(|rest| rest.split_once(quote)) {
            return (label, rest);
        }
    }
    // A colon inside of a time of day is part of the label: options begin with a letter.
    let is_option = |place: &usize| {
        text.get(place + 1..).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let end = text.match_indices(':').map(|(place, _)| place).find(is_option).unwrap_or(text.len());
    let (label, rest) = text.split_at(end);
    (label.trim_end(), rest)
}

impl GroupKey {
    /// Reads `dimension.part`, `dimension.period` or the path of a variable.
    ///
    /// # Errors
    ///
    /// [`GroupError::Syntax`], or [`GroupError::Period`] as [`Period::parse`].
    pub fn parse(text: &str) -> Result<Self, GroupError> {
        if let Some((dimension, part)) = text.rsplit_once('.')
            && !dimension.is_empty()
        {
            let dimension = dimension.to_owned();
            if let Some((_, part)) = PARTS.iter().find(|(name, _)| *name == part) {
                return Ok(Self::Date { dimension, part: *part });
            }
            if let Some(period) = Period::parse(part) {
                return Ok(Self::Period { dimension, period: period? });
            }
        }
        let path = text.trim_matches('/');
        if path.is_empty() || path.ends_with('.') {
            return Err(GroupError::Syntax { text: text.to_owned() });
        }
        Ok(Self::Variable(path.to_owned()))
    }
}

impl DatePart {
    /// What the axis of groups is called: `month`.
    #[must_use]
    pub fn name(self) -> &'static str {
        PARTS.iter().find(|(_, part)| *part == self).map_or("group", |(name, _)| name)
    }

    /// The group of each of `positions` of `dimension`, and the groups that occur, in order.
    ///
    /// # Errors
    ///
    /// [`GroupError::NotTime`] and [`GroupError::NoDate`].
    pub fn groups(
        self,
        dimension: &str,
        coordinate: Result<&Coordinate, &str>,
        positions: &[u64],
    ) -> Result<(Vec<Option<u32>>, GroupLabels), GroupError> {
        let (units, instants) = instants(dimension, coordinate, positions)?;
        let calendar = units.calendar();
        let mut keys = Vec::with_capacity(positions.len());
        for (instant, &position) in instants.into_iter().zip(positions) {
            let date = instant.date(calendar);
            let key = date.and_then(|date| self.key(date, || instant.day_of_year(calendar)));
            let no_date = |_| GroupError::NoDate {
                dimension: dimension.to_owned(),
                position,
                value: units.value(instant).to_string(),
            };
            keys.push(key.map_err(no_date)?);
        }
        let keys: Vec<Option<i64>> = keys.into_iter().map(Some).collect();
        let (numbers, groups) = numbered(&keys);
        Ok((numbers, self.labels(&groups)))
    }

    /// A number that the dates of a group share, and that sorts the groups.
    fn key(self, date: Date, day_of_year: impl Fn() -> Result<u32, DateError>) -> Result<i64, DateError> {
        let (month, day) = (i64::from(date.month), i64::from(date.day));
        Ok(match self {
            Self::Year => date.year,
            Self::Month => month,
            Self::Season => month % 12 / 3,
            Self::Day => day,
            Self::DayOfYear => day_of_year()?.into(),
            Self::Hour => date.hour.into(),
            Self::YearMonth => date.year * 12 + month - 1,
            Self::Date => (date.year * 12 + month - 1) * 31 + day - 1,
        })
    }

    fn labels(self, groups: &[i64]) -> GroupLabels {
        let month = |key: i64| format!("{:04}-{:02}", key.div_euclid(12), key.rem_euclid(12) + 1);
        match self {
            Self::Season => {
                let season = |&key: &i64| {
                    usize::try_from(key).ok().and_then(|i| SEASONS.get(i)).copied().unwrap_or_default()
                };
                GroupLabels::Texts(groups.iter().map(|key| season(key).to_owned()).collect())
            }
            Self::YearMonth => GroupLabels::Texts(groups.iter().map(|&key| month(key)).collect()),
            Self::Date => {
                let date =
                    |&key: &i64| format!("{}-{:02}", month(key.div_euclid(31)), key.rem_euclid(31) + 1);
                GroupLabels::Texts(groups.iter().map(date).collect())
            }
            Self::Year | Self::Month | Self::Day | Self::DayOfYear | Self::Hour => {
                GroupLabels::Integers(groups.to_vec())
            }
        }
    }
}

/// How many of `positions` have a time at the end of its bounds that lies in another group than the middle of the bounds.
pub(crate) fn shifted(by: &GroupKey, coordinate: &Coordinate, positions: &[u64]) -> usize {
    let at_end = |p: &&u64| usize::try_from(**p).is_ok_and(|p| coordinate.is_at_end(p));
    let ends: Vec<u64> = positions.iter().filter(at_end).copied().collect();
    let Some(middles) = coordinate.middles().filter(|_| !ends.is_empty()) else { return 0 };
    let grouped = |coordinate: &Coordinate| -> Option<Vec<String>> {
        let (numbers, labels) = match by {
            GroupKey::Date { dimension, part } => part.groups(dimension, Ok(coordinate), &ends).ok()?,
            GroupKey::Period { dimension, period } => {
                let (units, instants) = instants(dimension, Ok(coordinate), &ends).ok()?;
                period.groups(&units, &instants).ok()?
            }
            GroupKey::Variable(_) => return None,
        };
        let text = |number: u32| labels.text(usize::try_from(number).ok()?);
        Some(numbers.into_iter().map(|number| number.and_then(text).unwrap_or_default()).collect())
    };
    let (labels, middles) = (grouped(coordinate), grouped(&middles));
    let pairs = labels.iter().flatten().zip(middles.iter().flatten());
    pairs.filter(|(label, middle)| label != middle).count()
}

/// The instants at `positions` of `dimension`, and the units that its coordinate is in.
///
/// # Errors
///
/// [`GroupError::NotTime`], and [`GroupError::NoDate`] where the coordinate is missing or no instant.
pub(crate) fn instants(
    dimension: &str,
    coordinate: Result<&Coordinate, &str>,
    positions: &[u64],
) -> Result<(TimeUnits, Vec<Instant>), GroupError> {
    let not_time =
        |reason: &str| GroupError::NotTime { dimension: dimension.to_owned(), reason: reason.to_owned() };
    let coordinate = coordinate.map_err(not_time)?;
    let units = match &coordinate.time {
        Some(Ok(units)) => *units,
        Some(Err(error)) => return Err(not_time(&error.to_string())),
        None => {
            let units = coordinate.attributes.units.as_deref().unwrap_or_default();
            return Err(not_time(&format!("its units are {units:?}")));
        }
    };
    let instant = |&position: &u64| {
        let place = usize::try_from(position).unwrap_or(usize::MAX);
        coordinate.instant(place).ok_or_else(|| GroupError::NoDate {
            dimension: dimension.to_owned(),
            position,
            value: coordinate.number(place).to_string(),
        })
    };
    Ok((units, positions.iter().map(instant).collect::<Result<_, _>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rangefold_array::ElementType;
    use rangefold_cf::Column;

    fn days(values: &[f64]) -> Coordinate {
        let time = Some(TimeUnits::parse("days since 2000-12-01", Some("noleap")));
        let column = Column {
            values: rangefold_array::Values::Float(values.to_vec()),
            valid: values.iter().map(|x| !x.is_nan()).collect(),
            element: Some(ElementType::Float64),
        };
        Coordinate { column, time, ..Coordinate::default() }
    }

    fn groups(text: &str, values: &[f64]) -> (Vec<u32>, GroupLabels) {
        let positions: Vec<u64> = (0..values.len() as u64).collect();
        let (numbers, labels) = part(text).groups("time", Ok(&days(values)), &positions).unwrap();
        (numbers.into_iter().flatten().collect(), labels)
    }

    fn part(text: &str) -> DatePart {
        match GroupKey::parse(text).unwrap() {
            GroupKey::Date { part, .. } => part,
            other => panic!("{other:?} is no part of a date"),
        }
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
    fn one_group_and_least_counts_are_read_behind_the_groups() {
        let read = |text: &str| {
            let GroupBy { key: _, only, least } = GroupBy::parse(text).unwrap();
            (only, least)
        };
        let only = |label: &str| Some(label.to_owned());
        assert_eq!(read("time.season=DJF"), (only("DJF"), None));
        assert_eq!(read("time.month:min=28"), (None, Some(28)));
        assert_eq!(read("time.QS-DEC = 2001-12:min=80"), (only("2001-12"), Some(80)));
        assert_eq!(read("time.6h=2001-01-01T06:00:00:min=2"), (only("2001-01-01T06:00:00"), Some(2)));
        assert_eq!(read("basin=\"a:min=3\""), (only("a:min=3"), None));
        assert_eq!(read("basin=St. Lawrence"), (only("St. Lawrence"), None));
        for (text, reason) in [
            ("time.month=", "it names no group after ="),
            ("time.month:min=0", "\"min=0\" gives no count from 1"),
            ("time.month:max=3", "\"max=3\" is not min=count"),
            ("time.month:", "\"\" is not min=count"),
            ("basin=\"a\"b", "\"b\" follows the group"),
        ] {
            let error = GroupBy::parse(text).unwrap_err().to_string();
            assert_eq!(error, format!("the groups {text:?} cannot be read: {reason}"));
        }
    }

    #[test]
    fn what_has_no_dates_cannot_be_grouped() {
        assert!(GroupBy::parse("").is_err() && GroupBy::parse("time.").is_err());
        assert!(matches!(GroupKey::parse("time.QS-DEC"), Ok(GroupKey::Period { .. })));
        assert!(matches!(GroupBy::parse("time.ME"), Err(GroupError::Period { .. })));
        assert_eq!(GroupBy::parse("/ocean/basin"), Ok(GroupKey::Variable("ocean/basin".to_owned()).into()));
        assert_eq!(
            DatePart::Month
                .groups("lat", Err("it has no coordinate variable"), &[0])
                .unwrap_err()
                .to_string(),
            "dimension \"lat\" has no coordinate of times to group by: it has no coordinate variable"
        );
        assert!(DatePart::Month.groups("time", Ok(&days(&[f64::NAN])), &[0]).is_err());
    }
}
