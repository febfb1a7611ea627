//! What is left of dimensions.

use crate::group::GroupLabels;

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
