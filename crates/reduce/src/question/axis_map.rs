//! Which axes of a selection stay, go, or are grouped.

use std::sync::Arc;

/// What becomes of one axis of the selection.
#[derive(Clone, Debug, PartialEq)]
pub enum AxisMap {
    /// The axis stays, with one position per selected position.
    Keep,
    /// All positions are reduced to one, and the axis goes.
    Reduce,
    /// The axis stays, with one position per group.
    Group(Grouping),
}

/// Which group each selected position of an axis belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Grouping {
    /// One label per selected position, below `groups`; positions with `None` are left out.
    pub labels: Arc<[Option<u32>]>,
    /// Number of groups.
    pub groups: u32,
    /// The order of the selected positions for first, last, argmin and argmax, one number per position. A range of
    /// longitudes may begin in the middle of the grid. `None` for the order of the array; all 0 if the axis counts as kept.
    pub places: Option<Arc<[u64]>>,
}

impl AxisMap {
    /// Cells along an axis of so many selected positions; `None` if it goes.
    #[must_use]
    pub fn cells(&self, positions: u64) -> Option<u64> {
        match self {
            Self::Keep => Some(positions),
            Self::Reduce => None,
            Self::Group(grouping) => Some(grouping.groups.into()),
        }
    }

    /// Reduces all of `rank` axes.
    #[must_use]
    pub fn reduce_all(rank: usize) -> Vec<Self> {
        vec![Self::Reduce; rank]
    }

    /// Reduces the listed axes of `rank` and keeps the others; numbers past the rank are ignored.
    #[must_use]
    pub fn reduce_over(rank: usize, axes: &[usize]) -> Vec<Self> {
        (0..rank).map(|axis| if axes.contains(&axis) { Self::Reduce } else { Self::Keep }).collect()
    }
}
