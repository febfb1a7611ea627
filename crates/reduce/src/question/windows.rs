//! Moving windows along one axis of the answer, and the memory that joining them takes.

/// How many cells of ends of blocks are held beside the answer, unless one row has more.
pub(crate) const ENDS: usize = 1 << 16;

/// Moving windows along one axis of the answer, cut short near its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// The axis of the answer.
    pub axis: usize,
    /// Positions of a window.
    pub length: u32,
    /// How many of them stand before the position that the answer is for; fewer than `length`.
    pub before: u32,
    /// How many positions of a window need a value for an answer: 1 to `length`.
    pub least: u32,
}

impl Windows {
    /// Cells held beside those of an answer of `shape`.
    #[must_use]
    pub fn cells_beside(&self, shape: &[u64]) -> u64 {
        let (_, positions, inner) = self.lengths(shape);
        let rows = (self.block(positions) as u64).saturating_mul(2).saturating_add(2);
        rows.saturating_mul(self.width(positions, inner) as u64)
    }

    /// Cells along the axes before the one of the windows, along it, and along those after it.
    pub(crate) fn lengths(&self, shape: &[u64]) -> (usize, usize, usize) {
        let product = |lengths: &[u64]| {
            let lengths = lengths.iter().map(|&length| usize::try_from(length).unwrap_or(usize::MAX));
            lengths.fold(1, usize::saturating_mul)
        };
        let (outer, rest) = shape.split_at(self.axis.min(shape.len()));
        let (axis, inner) = rest.split_at(rest.len().min(1));
        (product(outer), product(axis), product(inner))
    }

    /// Positions of a block; a single one holds all where they fit in a window.
    pub(crate) fn block(&self, positions: usize) -> usize {
        positions.min(whole(self.length)).max(1)
    }

    /// Neighbouring cells that are rolled at a time.
    pub(crate) fn width(&self, positions: usize, inner: usize) -> usize {
        (ENDS / self.block(positions)).clamp(1, inner.max(1))
    }
}

/// A number of positions.
pub(crate) fn whole(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}
