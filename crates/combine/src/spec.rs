//! What to join, and what to do where inputs differ.

use std::collections::BTreeMap;

/// How inputs are combined.
#[derive(Clone, Debug, Default)]
pub struct CombineSpec {
    /// Dimensions to join, outermost first.
    pub concat: Vec<String>,
    /// Variables that must be the same in every input, with the tolerance of the comparison.
    pub identical: BTreeMap<String, Tolerance>,
    /// Order of the joined labels.
    pub sort: Sort,
    /// Two inputs with data at the same labels.
    pub overlap: Overlap,
    /// A variable that some inputs lack.
    pub missing_variable: MissingVariable,
    /// Chunks that do not meet at the borders of a regular grid.
    pub chunks: Chunks,
    /// Rules for attributes that differ, by name; the others are kept if equal everywhere.
    pub attributes: BTreeMap<String, AttributeRule>,
}

/// Order of labels on a joined axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Smallest first.
    #[default]
    Ascending,
    /// Largest first.
    Descending,
    /// In the order of the inputs.
    Given,
}

/// What to do where two inputs hold data at the same labels. References to the same bytes are never an overlap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlap {
    /// Refuse.
    #[default]
    Error,
    /// Accept if the decoded chunks are equal.
    Identical,
    /// The input given first wins.
    First,
    /// The input given last wins.
    Last,
}

/// What to do with a variable that some inputs lack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingVariable {
    /// Refuse.
    #[default]
    Error,
    /// Leave its chunks absent there: they read as the fill value.
    Fill,
    /// Leave the variable out.
    Drop,
}

/// What to do with chunks that do not meet at the borders of a regular grid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Chunks {
    /// Refuse.
    #[default]
    Regular,
    /// Write a rectilinear grid, which only Zarr v3 can say.
    Rectilinear,
}

/// What to do with an attribute that is not the same in every input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeRule {
    /// Keep it if it is the same everywhere.
    KeepIfEqual,
    /// Leave it out.
    Drop,
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
}

/// How near values must be to count as the same.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Tolerance {
    /// Bit for bit.
    #[default]
    Exact,
    /// No further apart than this.
    Absolute(f64),
}
