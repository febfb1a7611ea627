//! Values that are kept with the place where they stand.

use crate::meaning::element::Wide;

/// A value and where it stands, for each cell with a count above 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Located<X> {
    pub(crate) value: Vec<X>,
    pub(crate) place: Vec<u64>,
}

/// Which of two located values stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prefer {
    Smaller,
    Larger,
    Earlier,
    Later,
}

impl<X: Wide> Located<X> {
    pub(crate) fn new(wanted: bool, cells: usize) -> Self {
        let cells = if wanted { cells } else { 0 };
        Self { value: vec![X::default(); cells], place: vec![0; cells] }
    }

    /// Takes `value` at `place` if the cell is empty or it is the preferred one.
    #[inline(always)]
    pub(crate) fn offer(&mut self, cell: usize, empty: bool, value: X, place: u64, prefer: Prefer) {
        let (old, old_place) = (self.value[cell], self.place[cell]);
        let better = match prefer {
            Prefer::Smaller => value < old || (value == old && place < old_place),
            Prefer::Larger => value > old || (value == old && place < old_place),
            Prefer::Earlier => place < old_place,
            Prefer::Later => place > old_place,
        };
        if empty || better {
            self.value[cell] = value;
            self.place[cell] = place;
        }
    }
}
