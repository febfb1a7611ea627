//! Windows that move along an axis of the answer.
//!
//! The answer at each position is that of a window around it, as in a running mean. The axis is kept while chunks are
//! reduced; then the cells of each window are joined. Nothing is ever subtracted, so NaN, an infinity or a rounding error
//! leaves with the position that brought it. The axis is cut into blocks as long as a window (van Herk, Gil and Werman), and
//! a window is the end of one block and the beginning of the next, whatever its length:
//!
//! ```text
//!  positions   0  1  2  3 │ 4  5  6  7 │ 8 …          length 4
//!  ends        ◄──────────│ 6: ◄───────│              joined from the right, once for each block
//!  beginnings             │            │──► 9         joined from the left, as the window moves on
//!  window of 9                   6  7    8  9         = end from 6 on + beginning up to 9
//! ```

use std::ops::{Range, RangeInclusive};

use crate::question::windows::{Windows, whole};

/// Cells that can be joined.
pub trait Joined {
    /// As many cells without values.
    #[must_use]
    fn empty(&self, cells: usize) -> Self;

    /// Puts cells `from` of `other` in the place of as many from `at` on.
    fn put(&mut self, at: usize, other: &Self, from: Range<usize>);

    /// Adds cells `from` of `other` to as many from `at` on.
    fn join(&mut self, at: usize, other: &Self, from: Range<usize>);

    /// Whether a cell has a value.
    fn has_value(&self, cell: usize) -> bool;
}

impl Windows {
    /// Joins the cells of each window of `cells`, which are those of an answer of `shape` in row-major order. Also
    /// tells for each cell whether too few positions of its window have a value.
    pub fn roll<C: Joined>(&self, shape: &[u64], cells: C) -> (C, Vec<bool>) {
        let (outer, positions, inner) = self.lengths(shape);
        let count = outer.saturating_mul(positions).saturating_mul(inner);
        if count == 0 {
            return (cells, Vec::new());
        }
        let filled = (0..count).map(|cell| u32::from(cells.has_value(cell))).collect();
        let mut all = Rows { cells, filled };
        let width = self.width(positions, inner);
        let mut blocks = Blocks::new(&all, self.block(positions), width);
        for first in 0..outer {
            for start in (0..inner).step_by(width) {
                let tile = Tile {
                    at: first * positions * inner + start,
                    stride: inner,
                    width: width.min(inner - start),
                };
                self.roll_tile(&mut all, positions, tile, &mut blocks);
            }
        }
        let lacks = |filled: u32| filled < self.least;
        (all.cells, all.filled.into_iter().map(lacks).collect())
    }

    fn roll_tile<C: Joined>(&self, all: &mut Rows<C>, positions: usize, tile: Tile, blocks: &mut Blocks<C>) {
        // Further than the axis is long makes no difference.
        let before = whole(self.before).min(positions);
        let after = whole(self.length.saturating_sub(1).saturating_sub(self.before)).min(positions);
        for last in 0..positions {
            blocks.move_on(all, positions, tile, last);
            if let Some(own) = last.checked_sub(after) {
                blocks.answer(all, tile, own, own.saturating_sub(before)..=last);
            }
        }
        // Windows that reach over the end.
        for own in positions.saturating_sub(after)..positions {
            blocks.answer(all, tile, own, own.saturating_sub(before)..=positions - 1);
        }
    }
}

/// Neighbouring cells at each position.
#[derive(Clone, Copy)]
struct Tile {
    /// The first cell at position 0.
    at: usize,
    /// Cells from a position to the next.
    stride: usize,
    /// Cells at a position.
    width: usize,
}

impl Tile {
    fn row(self, position: usize) -> Range<usize> {
        let at = self.at + position * self.stride;
        at..at + self.width
    }
}

/// Cells, and how many positions with a value were joined to each.
struct Rows<C> {
    cells: C,
    filled: Vec<u32>,
}

impl<C: Joined> Rows<C> {
    fn empty(&self, cells: usize) -> Self {
        Self { cells: self.cells.empty(cells), filled: vec![0; cells] }
    }

    fn put(&mut self, at: usize, other: &Self, from: Range<usize>) {
        self.filled[at..at + from.len()].copy_from_slice(&other.filled[from.clone()]);
        self.cells.put(at, &other.cells, from);
    }

    fn join(&mut self, at: usize, other: &Self, from: Range<usize>) {
        let pairs = self.filled[at..at + from.len()].iter_mut().zip(&other.filled[from.clone()]);
        pairs.for_each(|(mine, theirs)| *mine += theirs);
        self.cells.join(at, &other.cells, from);
    }
}

/// The ends of the block that a window ends in and of the one before it, and the beginning of the first up to that end.
struct Blocks<C> {
    length: usize,
    earlier: Rows<C>,
    ends: Rows<C>,
    beginning: Rows<C>,
    spare: Rows<C>,
}

impl<C: Joined> Blocks<C> {
    fn new(all: &Rows<C>, length: usize, width: usize) -> Self {
        Self {
            length,
            earlier: all.empty(length * width),
            ends: all.empty(length * width),
            beginning: all.empty(width),
            spare: all.empty(width),
        }
    }

    /// The cells of a position among those of a block.
    fn row(&self, position: usize, tile: Tile) -> Range<usize> {
        let at = position % self.length * tile.width;
        at..at + tile.width
    }

    /// Joins the cells of the next position to the beginning; at the first of a block, makes its ends before.
    fn move_on(&mut self, all: &Rows<C>, positions: usize, tile: Tile, next: usize) {
        if !next.is_multiple_of(self.length) {
            return self.beginning.join(0, all, tile.row(next));
        }
        self.beginning.put(0, all, tile.row(next));
        std::mem::swap(&mut self.earlier, &mut self.ends);
        let end = positions.min(next + self.length);
        for position in (next..end).rev() {
            let here = self.row(position, tile);
            self.ends.put(here.start, all, tile.row(position));
            if position + 1 < end {
                self.spare.put(0, &self.ends, self.row(position + 1, tile));
                self.ends.join(here.start, &self.spare, 0..tile.width);
            }
        }
    }

    /// Puts what `window` joins to in the place of the cells of position `own`. The window ends where the beginning does.
    fn answer(&self, all: &mut Rows<C>, tile: Tile, own: usize, window: RangeInclusive<usize>) {
        let (first, last, at) = (*window.start(), *window.end(), tile.row(own).start);
        let end = self.row(first, tile);
        if first / self.length < last / self.length {
            all.put(at, &self.earlier, end);
            all.join(at, &self.beginning, 0..tile.width);
        } else if first.is_multiple_of(self.length) {
            all.put(at, &self.beginning, 0..tile.width);
        } else {
            // Windows that begin within a block reach its end, or the end of the axis.
            all.put(at, &self.ends, end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::windows::ENDS;

    /// Each cell is the list of what was joined to it.
    #[derive(Clone, Debug, PartialEq)]
    struct Lists(Vec<Vec<u32>>);

    impl Joined for Lists {
        fn empty(&self, cells: usize) -> Self {
            Self(vec![Vec::new(); cells])
        }

        fn put(&mut self, at: usize, other: &Self, from: Range<usize>) {
            self.0[at..at + from.len()].clone_from_slice(&other.0[from]);
        }

        fn join(&mut self, at: usize, other: &Self, from: Range<usize>) {
            let pairs = self.0[at..at + from.len()].iter_mut().zip(&other.0[from]);
            pairs.for_each(|(mine, theirs)| mine.extend(theirs));
        }

        fn has_value(&self, cell: usize) -> bool {
            !self.0[cell].is_empty()
        }
    }

    #[test]
    fn a_window_joins_its_positions_once_and_in_order_whatever_its_length() {
        for (outer, positions, inner) in [(1, 1, 1), (2, 7, 3), (1, 12, 1), (3, 5, 2)] {
            let cell = |o: u32, p: u32, i: u32| (o * positions + p) * inner + i;
            let missing = |p: u32| p % 4 == 1;
            let cells = (0..outer * positions * inner)
                .map(|n| if missing(n / inner % positions) { Vec::new() } else { vec![n] });
            let cells = Lists(cells.collect());
            for length in (1..16).chain([1000, u32::MAX]) {
                for before in [0, length / 2, length - 1] {
                    let windows = Windows { axis: 1, length, before, least: length.min(3) };
                    let shape = [outer, positions, inner].map(u64::from);
                    let (rolled, lacking) = windows.roll(&shape, cells.clone());
                    for (o, p, i) in indexes(outer, positions, inner) {
                        let first = p.saturating_sub(before);
                        let last = p.saturating_add(length - 1 - before).min(positions - 1);
                        let expected: Vec<u32> =
                            (first..=last).filter(|&p| !missing(p)).map(|p| cell(o, p, i)).collect();
                        let n = cell(o, p, i) as usize;
                        assert_eq!(rolled.0[n], expected, "{windows:?} of {shape:?} at {o} {p} {i}");
                        assert_eq!(lacking[n], expected.len() < length.min(3) as usize);
                    }
                }
            }
        }
    }

    fn indexes(outer: u32, positions: u32, inner: u32) -> impl Iterator<Item = (u32, u32, u32)> {
        (0..outer * positions * inner)
            .map(move |n| (n / (positions * inner), n / inner % positions, n % inner))
    }

    #[test]
    fn what_is_held_beside_an_answer_is_bounded() {
        let windows = |length| Windows { axis: 0, length, before: 0, least: 1 };
        assert_eq!(windows(4).cells_beside(&[100, 5]), 10 * 5);
        assert!(windows(30).cells_beside(&[3650, 64_800]) <= 3 * ENDS as u64);
        assert_eq!(windows(u32::MAX).cells_beside(&[1 << 20, 100]), 2 * (1 << 20) + 2);
        assert_eq!(
            windows(2).roll(&[u64::MAX, 0, u64::MAX], Lists(Vec::new())),
            (Lists(Vec::new()), Vec::new())
        );
    }
}
