//! What cannot be reduced or answered.

/// A chunk cannot be reduced, or an answer cannot be given.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReduceError {
    /// A chunk that is not stored stands for values, through which no straight line is drawn.
    #[error("chunk {chunk:?} is not stored and stands for values of its own, of which no trend is made")]
    AbsentLine {
        /// Index of the chunk.
        chunk: Vec<u64>,
    },
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
    /// The number of texts is not that of the elements.
    #[error("chunk {chunk:?} has {len} texts but its shape needs {expected}")]
    Texts {
        /// Index of the chunk.
        chunk: Vec<u64>,
        /// Elements of its shape.
        expected: u64,
        /// Texts given.
        len: u64,
    },
    /// A text with a number in it that is not a Unicode character.
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
    /// Partials were merged out of order or one was left out, so the answer would depend on chance.
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
    /// A statistic that a server made is missing, or is not of the kind that the plan needs.
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
