//! What one chunk contributes.

use rangefold_array::ElementType;

use crate::{
    ChunkTask, ReductionPlan,
    columns::{Columns, Wanted},
    text::{Texts, is_text},
    walk::Region,
};

/// The statistics of one chunk, for the cells it contributes to.
///
/// Partials of one plan are merged in task order by [`Accumulator::merge`](crate::Accumulator::merge).
#[derive(Clone, Debug, PartialEq)]
pub struct Partial {
    pub(crate) ordinal: u64,
    /// Chunks it stands for.
    pub(crate) chunks: u64,
    pub(crate) region: Region,
    pub(crate) cells: Cells,
}

/// Statistics in the widest type of their kind.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cells {
    /// Nothing valid in the whole chunk.
    Missing,
    Signed(Columns<i64>),
    Unsigned(Columns<u64>),
    Float(Columns<f64>),
    /// Real and imaginary parts.
    Complex(Columns<f64>, Box<Columns<f64>>),
    Text(Texts),
}

/// The columns that one pass over a chunk fills: those of the values, or of one part of complex ones.
pub(crate) enum CellsMut<'a> {
    Signed(&'a mut Columns<i64>),
    Unsigned(&'a mut Columns<u64>),
    Float(&'a mut Columns<f64>),
}

impl Cells {
    /// Cells without values.
    pub(crate) fn empty(plan: &ReductionPlan, cells: usize) -> Self {
        let wanted = &plan.wanted;
        match Kind::of(&plan.value_element()) {
            Kind::Signed => Self::Signed(Columns::new(wanted, cells)),
            Kind::Unsigned => Self::Unsigned(Columns::new(wanted, cells)),
            Kind::Float => Self::Float(Columns::new(wanted, cells)),
            Kind::Complex => {
                Self::Complex(Columns::new(wanted, cells), Box::new(Columns::new(wanted, cells)))
            }
            Kind::Text => Self::Text(Texts::new(wanted, cells)),
        }
    }
}

impl Cells {
    /// As many as `count` cells, to which these are joined: each to the one of the number `to` gives, if any.
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

/// In which of the wide types the values of an element type are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Signed,
    Unsigned,
    Float,
    Complex,
    Text,
}

impl Kind {
    pub(crate) fn of(element: &ElementType) -> Self {
        match element {
            ElementType::Float16 | ElementType::Float32 | ElementType::Float64 => Self::Float,
            ElementType::Complex64 | ElementType::Complex128 => Self::Complex,
            ElementType::Int8
            | ElementType::Int16
            | ElementType::Int32
            | ElementType::Int64
            | ElementType::DateTime64(_)
            | ElementType::TimeDelta64(_) => Self::Signed,
            element if is_text(element) => Self::Text,
            // Truth values are read as 0 and 1.
            _ => Self::Unsigned,
        }
    }

    /// Whether NaN is among the values.
    pub(crate) fn has_nan(self) -> bool {
        matches!(self, Self::Float | Self::Complex)
    }
}

impl Partial {
    /// That of a task whose chunks have nothing valid in them.
    pub(crate) fn missing(task: &ChunkTask) -> Self {
        let ChunkTask { ordinal, selection: _, chunks } = task;
        Self { ordinal: *ordinal, chunks: *chunks, region: Region::default(), cells: Cells::Missing }
    }

    /// Ordinal of the task this comes from.
    #[must_use]
    pub fn ordinal(&self) -> u64 {
        self.ordinal
    }
}

/// A chunk cannot be reduced, or an answer cannot be given.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReduceError {
    /// A decoded chunk of another length than its shape says.
    #[error("chunk {chunk:?} has {len} decoded bytes but its shape needs {expected}")]
    Length {
        /// Index of the chunk.
        chunk: Vec<u64>,
        /// Bytes its shape needs.
        expected: u64,
        /// Bytes given.
        len: u64,
    },
    /// Another number of texts than elements.
    #[error("chunk {chunk:?} has {len} texts but its shape needs {expected}")]
    Texts {
        /// Index of the chunk.
        chunk: Vec<u64>,
        /// Elements of its shape.
        expected: u64,
        /// Texts given.
        len: u64,
    },
    /// A text that holds what is no character.
    #[error("chunk {chunk:?} holds a text with the number {number:#x}, which is no Unicode character")]
    Character {
        /// Index of the chunk.
        chunk: Vec<u64>,
        /// The number.
        number: u32,
    },
    /// A fill value of another length than an element.
    #[error("the fill value has {len} bytes but an element has {expected}")]
    FillValue {
        /// Bytes of an element.
        expected: usize,
        /// Bytes of the fill value.
        len: usize,
    },
    /// A chunk that the machine cannot address.
    #[error("chunk {chunk:?} is too large to be held in memory")]
    TooLarge {
        /// Index of the chunk.
        chunk: Vec<u64>,
    },
    /// More values of chunks that are not stored than can be gone through one by one.
    #[error(
        "{elements} elements of chunks that are not stored have the fill value, which is not missing: too many to gather"
    )]
    Absent {
        /// Elements of one run of such chunks.
        elements: u64,
    },
    /// Partials merged out of order, or one left out: the answer would depend on chance.
    #[error("the partial of task {ordinal} was given where that of task {expected} was due")]
    Order {
        /// Ordinal due.
        expected: u64,
        /// Ordinal given.
        ordinal: u64,
    },
    /// An answer asked for before all chunks were merged.
    #[error("{merged} of {chunks} chunks were merged")]
    Incomplete {
        /// Chunks merged.
        merged: u64,
        /// Chunks of the plan.
        chunks: u64,
    },
    /// A partial made for another plan.
    #[error("the partial of task {ordinal} was made for another reduction")]
    Foreign {
        /// Ordinal of the partial.
        ordinal: u64,
    },
    /// A statistic from elsewhere that is not what the plan needs.
    #[error("the reduction needs {name} for every cell of the chunk")]
    Statistic {
        /// What is needed.
        name: &'static str,
    },
    /// An integer sum that its type cannot hold.
    #[error("the sum {sum} of cell {cell} does not fit {data_type}")]
    Overflow {
        /// The exact sum.
        sum: i128,
        /// Row-major number of the cell in the answer.
        cell: usize,
        /// Name of the type.
        data_type: &'static str,
    },
}
