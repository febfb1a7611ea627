//! What to join, and what to do where inputs differ.

use std::collections::BTreeMap;

use crate::Selector;

/// How inputs are combined.
#[derive(Clone, Debug, Default)]
pub struct CombineSpec {
    /// Dimensions to join, by name or by path of their coordinate variable, outermost first. One that an input lacks
    /// is added to its data variables, in front.
    pub concat: Vec<String>,
    /// Where labels come from, by dimension; else from coordinate variables.
    pub selectors: BTreeMap<String, Selector>,
    /// Variables that must be the same in every input, with the tolerance of the comparison.
    pub identical: BTreeMap<String, Tolerance>,
    /// Order of the joined labels.
    pub sort: Sort,
    /// Two inputs with data at the same labels.
    pub overlap: Overlap,
    /// Labels at which no input holds a variable, and variables that some inputs lack.
    pub missing_variable: MissingVariable,
    /// Chunks that do not meet at the borders of a regular grid.
    pub chunks: ChunkRule,
    /// Numbers that inputs pack differently.
    pub packing: PackingRule,
    /// Whether coordinates that are not joined are read and written inline.
    pub inline_coordinates: bool,
    /// Rules for attributes that differ, by name; the others are kept if equal everywhere.
    pub attributes: BTreeMap<String, AttributeRule>,
    /// Whether sets that were scanned from damaged files are joined, without what was lost. The joined set says so too.
    pub allow_damaged: bool,
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

/// What to do where two inputs hold data at the same labels. References to the same bytes are never an overlap, and a
/// chunk that is absent from one input never hides that of another.
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

/// What to do where no input holds a variable at some labels, or some inputs lack one that is not joined.
///
/// Different variables in different inputs are no such case, as long as each is there at all labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingVariable {
    /// Refuse.
    #[default]
    Error,
    /// Leave its chunks absent there: they read as the fill value that the variable declares, or else as netCDF's
    /// default, which is then declared. Refused for types that have none.
    Fill,
    /// Leave the variable out.
    Drop,
}

/// What to do with chunks that do not meet at the borders of a regular grid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChunkRule {
    /// Refuse.
    #[default]
    Regular,
    /// Write a rectilinear grid, which only Zarr v3 can say.
    Rectilinear,
}

/// What to do where inputs say different things of the stored numbers of a variable: `scale_factor`, `add_offset`,
/// `_FillValue` and what else [`rangefold_refs::by_part::NAMES`] lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PackingRule {
    /// Refuse.
    #[default]
    Same,
    /// Tell it for each part of the joined axis, in a form that rangefold alone reads and other readers refuse.
    ByPart,
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
