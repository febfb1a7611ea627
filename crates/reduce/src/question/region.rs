//! A box of cells.

/// The output positions that a chunk contributes to: start and length along each axis of the output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) start: Vec<u64>,
    pub(crate) shape: Vec<usize>,
}

impl Region {
    /// Number of cells.
    pub(crate) fn cells(&self) -> usize {
        self.shape.iter().product()
    }
}
