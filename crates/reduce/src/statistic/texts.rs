//! Texts of some cells: how many there are, the smallest and the largest, the first and the last.
//!
//! Texts are compared byte by byte; for UTF-8 that is the order of code points, in which Python compares them.

use std::ops::Range;

use super::{located::Prefer, wanted::Wanted};

/// A text, and the place where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LocatedText {
    pub(crate) text: Vec<u8>,
    pub(crate) place: u64,
}

/// A text of each cell that has one; empty if it is not wanted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TextColumn {
    pub(crate) prefer: Prefer,
    pub(crate) texts: Vec<Option<LocatedText>>,
}

impl TextColumn {
    fn new(prefer: Prefer, wanted: bool, cells: usize) -> Self {
        Self { prefer, texts: vec![None; if wanted { cells } else { 0 }] }
    }

    /// Takes a text if the column is wanted, and the cell is empty or the text is preferred.
    fn offer(&mut self, cell: usize, text: &[u8], place: u64) {
        let Some(slot) = self.texts.get_mut(cell) else { return };
        let better = slot.as_ref().is_none_or(|old| match self.prefer {
            Prefer::Smaller => text < old.text.as_slice(),
            Prefer::Larger => text > old.text.as_slice(),
            Prefer::Earlier => place < old.place,
            Prefer::Later => place > old.place,
        });
        if better {
            *slot = Some(LocatedText { text: text.to_vec(), place });
        }
    }
}

/// The statistics of the texts of some cells.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Texts {
    pub(crate) count: Vec<u64>,
    pub(crate) columns: [TextColumn; 4],
}

impl Texts {
    /// Cells without texts.
    pub(crate) fn new(wanted: &Wanted, cells: usize) -> Self {
        Self {
            count: vec![0; cells],
            columns: [
                TextColumn::new(Prefer::Smaller, wanted.min, cells),
                TextColumn::new(Prefer::Larger, wanted.max, cells),
                TextColumn::new(Prefer::Earlier, wanted.first, cells),
                TextColumn::new(Prefer::Later, wanted.last, cells),
            ],
        }
    }

    /// Whether these are `cells` cells with the wanted columns.
    pub(crate) fn have(&self, wanted: &Wanted, cells: usize) -> bool {
        let lengths =
            [wanted.min, wanted.max, wanted.first, wanted.last].map(|wanted| usize::from(wanted) * cells);
        self.count.len() == cells && self.columns.iter().map(|column| column.texts.len()).eq(lengths)
    }

    /// Adds one text taken `population` times, its places between `first` and `last`.
    pub(crate) fn add(&mut self, cell: usize, text: &[u8], population: u64, (first, last): (u64, u64)) {
        self.count[cell] += population;
        for column in &mut self.columns {
            column.offer(cell, text, if column.prefer == Prefer::Later { last } else { first });
        }
    }

    /// Adds cells `from` of `other`, made for the same plan, to as many from `at` on.
    pub(crate) fn merge(&mut self, at: usize, other: &Self, from: Range<usize>) {
        let Self { count, columns } = other;
        for (cell, source) in (at..).zip(from) {
            self.count[cell] += count[source];
            for (mine, theirs) in self.columns.iter_mut().zip(columns) {
                if let Some(Some(LocatedText { text, place })) = theirs.texts.get(source) {
                    mine.offer(cell, text, *place);
                }
            }
        }
    }

    /// `count` new cells with these merged into them: cell `i` goes to cell `to[i]`, or nowhere if that is `None`.
    pub(crate) fn folded(&self, wanted: &Wanted, count: usize, to: &[Option<usize>]) -> Self {
        let mut folded = Self::new(wanted, count);
        let taken = to.iter().enumerate().filter_map(|(source, to)| Some(((*to)?, source)));
        taken.for_each(|(cell, source)| folded.merge(cell, self, source..source + 1));
        folded
    }
}
