//! The statistics of some cells, in the widest type of their kind.

use std::{any::Any, ops::Range};

use rangefold_array::ElementType;

use super::{columns::Columns, texts::Texts, wanted::Wanted};
use crate::meaning::{element::Wide, kind::Kind};

/// Statistics in the widest type of their kind.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cells {
    /// Nothing valid in the whole chunk.
    Missing,
    Signed(Columns<i64>),
    Unsigned(Columns<u64>),
    Float(Columns<f64>),
    /// Real and imaginary components.
    Complex(Columns<f64>, Box<Columns<f64>>),
    Text(Texts),
}

/// The columns that one pass over a chunk fills: those of the values, or of one component of complex values.
pub(crate) enum CellsMut<'a> {
    Signed(&'a mut Columns<i64>),
    Unsigned(&'a mut Columns<u64>),
    Float(&'a mut Columns<f64>),
}

impl Cells {
    /// Cells without values.
    pub(crate) fn empty(element: &ElementType, wanted: &Wanted, cells: usize) -> Self {
        match Kind::of(element) {
            Kind::Signed => Self::Signed(Columns::new(wanted, cells)),
            Kind::Unsigned => Self::Unsigned(Columns::new(wanted, cells)),
            Kind::Float => Self::Float(Columns::new(wanted, cells)),
            Kind::Complex => {
                Self::Complex(Columns::new(wanted, cells), Box::new(Columns::new(wanted, cells)))
            }
            Kind::Text => Self::Text(Texts::new(wanted, cells)),
        }
    }

    /// Whether none of these cells has a value.
    pub(crate) fn are_empty(&self, cells: Range<usize>) -> bool {
        let (count, nan): (&[u64], &[u64]) = match self {
            Self::Missing => (&[], &[]),
            Self::Signed(columns) => (&columns.count, &columns.nan),
            Self::Unsigned(columns) => (&columns.count, &columns.nan),
            Self::Float(columns) | Self::Complex(columns, _) => (&columns.count, &columns.nan),
            Self::Text(texts) => (&texts.count, &[]),
        };
        [count, nan].iter().all(|column| column.get(cells.clone()).is_none_or(|n| n.iter().all(|&n| n == 0)))
    }

    /// The columns that count values.
    pub(crate) fn counts(&self) -> impl Iterator<Item = &[u64]> {
        let (one, other): (Vec<&[u64]>, Vec<&[u64]>) = match self {
            Self::Missing => (Vec::new(), Vec::new()),
            Self::Signed(columns) => (columns.counts(), Vec::new()),
            Self::Unsigned(columns) => (columns.counts(), Vec::new()),
            Self::Float(columns) => (columns.counts(), Vec::new()),
            Self::Complex(real, imaginary) => (real.counts(), imaginary.counts()),
            Self::Text(texts) => (vec![&texts.count], Vec::new()),
        };
        one.into_iter().chain(other)
    }

    /// `count` new cells with these merged into them: cell `i` goes to cell `to[i]`, or nowhere if that is `None`.
    pub(crate) fn folded(&self, wanted: &Wanted, count: usize, to: &[Option<usize>]) -> Self {
        match self {
            Self::Missing => Self::Missing,
            Self::Text(texts) => Self::Text(texts.folded(wanted, count, to)),
            Self::Signed(columns) => Self::Signed(columns.folded(wanted, count, to)),
            Self::Unsigned(columns) => Self::Unsigned(columns.folded(wanted, count, to)),
            Self::Float(columns) => Self::Float(columns.folded(wanted, count, to)),
            Self::Complex(real, imaginary) => {
                Self::Complex(real.folded(wanted, count, to), Box::new(imaginary.folded(wanted, count, to)))
            }
        }
    }
}

impl<'a> CellsMut<'a> {
    /// The columns, if they are of this type.
    pub(crate) fn columns<X: Wide>(self) -> Option<&'a mut Columns<X>> {
        let columns: &mut dyn Any = match self {
            Self::Signed(columns) => columns,
            Self::Unsigned(columns) => columns,
            Self::Float(columns) => columns,
        };
        columns.downcast_mut()
    }
}
