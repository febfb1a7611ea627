//! Which axes of a selection stay, go, or are grouped.

use std::sync::Arc;

/// Where the positions of one axis of the selection go.
#[derive(Clone, Debug, PartialEq)]
pub enum AxisMap {
    /// Each to a position of its own: the axis stays.
    Keep,
    /// All to one: the axis goes.
    Reduce,
    /// To groups: the axis stays, with one position per group.
    Group(Grouping),
}

/// Which group each selected position of an axis belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Grouping {
    /// One label per selected position, below `groups`; positions without are left out.
    pub labels: Arc<[Option<u32>]>,
    /// Number of groups.
    pub groups: u32,
    /// Where each selected position stands among those of the axis, which is what first, last, argmin and argmax go by: a
    /// range of longitudes may begin in the middle of the grid. `None` if in the order of the array; all 0 if the axis
    /// counts as kept.
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
