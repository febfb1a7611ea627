//! What is left of dimensions, and what groups of positions are called.

use rangefold_cf::{Instant, TimeUnits};

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

/// The number of each key among the distinct ones, and these in ascending order.
pub(crate) fn numbered<K: Ord + Clone>(keys: &[Option<K>]) -> (Vec<Option<u32>>, Vec<K>) {
    let mut groups: Vec<K> = keys.iter().flatten().cloned().collect();
    groups.sort_unstable();
    groups.dedup();
    let number = |key: &K| groups.binary_search(key).ok().and_then(|number| u32::try_from(number).ok());
    (keys.iter().map(|key| key.as_ref().and_then(number)).collect(), groups)
}
