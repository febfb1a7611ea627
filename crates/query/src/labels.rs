//! What is left of dimensions, and what groups of positions are called.

use rangefold_cf::{Instant, TimeUnits};

use crate::group_error::GroupError;

/// A dimension of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptDimension {
    /// One that stays.
    Selected {
        /// Its name.
        name: String,
        /// The positions that were selected, in the order of the output.
        positions: Vec<u64>,
    },
    /// One whose positions were gathered.
    Grouped {
        /// What the groups are groups of: `month`.
        name: String,
        /// What the groups are called.
        labels: GroupLabels,
    },
}

impl KeptDimension {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Selected { name, .. } | Self::Grouped { name, .. } => name,
        }
    }

    /// Its length.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Selected { positions, .. } => positions.len(),
            Self::Grouped { labels, .. } => labels.len(),
        }
    }

    /// Whether it has no positions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What the groups are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupLabels {
    /// Numbers, ascending.
    Integers(Vec<i64>),
    /// Texts; seasons in the order of the year, dates ascending.
    Texts(Vec<String>),
    /// Beginnings of periods, ascending.
    Periods {
        /// The beginnings.
        starts: Vec<Instant>,
        /// The ends: where the next periods begin.
        ends: Vec<Instant>,
        /// Units of the dates that were gathered; their calendar is that of the beginnings.
        units: TimeUnits,
    },
}

impl GroupLabels {
    /// Number of groups.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Integers(labels) => labels.len(),
            Self::Texts(labels) => labels.len(),
            Self::Periods { starts, .. } => starts.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Groups that an error lists.
const LISTED_MAX: usize = 20;

impl GroupLabels {
    /// What group `number` is called; a period by its beginning.
    #[must_use]
    pub fn text(&self, number: usize) -> Option<String> {
        match self {
            Self::Integers(labels) => labels.get(number).map(ToString::to_string),
            Self::Texts(labels) => labels.get(number).cloned(),
            Self::Periods { starts, units, .. } => {
                Some(starts.get(number)?.date(units.calendar()).ok()?.to_string())
            }
        }
    }

    /// The number of the group called `label`. A period may be called by the first parts of its beginning, `2001-12`, if
    /// no other begins with them.
    ///
    /// # Errors
    ///
    /// The groups that there are, as the end of a sentence.
    pub(crate) fn find(&self, label: &str) -> Result<usize, String> {
        let exact = (0..self.len()).find(|&number| match self {
            Self::Integers(labels) => {
                label.parse::<i64>().is_ok_and(|label| labels.get(number) == Some(&label))
            }
            Self::Texts(_) | Self::Periods { .. } => self.text(number).is_some_and(|text| text == label),
        });
        if let Some(number) = exact {
            return Ok(number);
        }
        let begins = |number: &usize| {
            let text = self.text(*number);
            text.and_then(|text| text.strip_prefix(label).map(|rest| rest.starts_with(['-', 'T', ':'])))
                == Some(true)
        };
        if let Self::Periods { .. } = self
            && let [number] = (0..self.len()).filter(begins).collect::<Vec<_>>().as_slice()
        {
            return Ok(*number);
        }
        let listed: Vec<String> = (0..self.len().min(LISTED_MAX)).filter_map(|i| self.text(i)).collect();
        let more = match self.len().saturating_sub(LISTED_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Err(match listed.is_empty() {
            true => "nothing is selected that has one".to_owned(),
            false => format!("there are {}{more}", listed.join(", ")),
        })
    }

    /// The group of this number alone.
    pub(crate) fn one(self, number: usize) -> Self {
        fn one<T>(all: Vec<T>, number: usize) -> Vec<T> {
            all.into_iter().skip(number).take(1).collect()
        }
        match self {
            Self::Integers(labels) => Self::Integers(one(labels, number)),
            Self::Texts(labels) => Self::Texts(one(labels, number)),
            Self::Periods { starts, ends, units } => {
                Self::Periods { starts: one(starts, number), ends: one(ends, number), units }
            }
        }
    }
}

/// Groups, and the group of each position: of all of them, or of the one called `only`.
///
/// # Errors
///
/// [`GroupError::NoGroup`] if there is none of that name.
pub(crate) fn narrowed(
    name: &str,
    labels: Vec<Option<u32>>,
    groups: GroupLabels,
    only: Option<&str>,
) -> Result<(Vec<Option<u32>>, GroupLabels), GroupError> {
    let Some(label) = only else { return Ok((labels, groups)) };
    let number = groups.find(label).map_err(|groups| GroupError::NoGroup {
        name: name.to_owned(),
        label: label.to_owned(),
        groups,
    })?;
    let wanted = u32::try_from(number).ok();
    let labels = labels.into_iter().map(|label| label.filter(|_| label == wanted).map(|_| 0)).collect();
    Ok((labels, groups.one(number)))
}

/// The number of each key among the distinct ones, and these in ascending order.
pub(crate) fn numbered<K: Ord + Clone>(keys: &[Option<K>]) -> (Vec<Option<u32>>, Vec<K>) {
    let mut groups: Vec<K> = keys.iter().flatten().cloned().collect();
    groups.sort_unstable();
    groups.dedup();
    let number = |key: &K| groups.binary_search(key).ok().and_then(|number| u32::try_from(number).ok());
    (keys.iter().map(|key| key.as_ref().and_then(number)).collect(), groups)
}
