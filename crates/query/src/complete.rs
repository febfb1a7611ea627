//! Groups that are complete enough for an answer: `--by time.month:min=28`.
//!
//! A group needs so many of the selected positions, and each of its cells so many values. The first drops a month that has
//! begun just now also where latitudes and longitudes are reduced with it; the second drops cells whose values are missing.
//! Counts of values stand beside the answers all the same.

use std::ops::Range;

use rangefold_reduce::Outcome;

/// What the groups along some neighbouring dimensions of an answer need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complete {
    /// The dimensions of the answer: one for each grouping of the same positions.
    pub(crate) dims: Range<usize>,
    /// Selected positions of each group, row-major along these dimensions.
    pub(crate) positions: Vec<u64>,
    /// Positions and values that an answer needs.
    pub(crate) least: u64,
}

impl Complete {
    /// What groups need of which each position has one of `labels`, or none.
    pub(crate) fn new(dims: Range<usize>, labels: &[Option<u32>], groups: usize, least: u64) -> Self {
        let mut positions = vec![0_u64; groups];
        for &label in labels.iter().flatten() {
            if let Some(count) = usize::try_from(label).ok().and_then(|label| positions.get_mut(label)) {
                *count += 1;
            }
        }
        Self { dims, positions, least }
    }

    /// Takes the answers from the cells of groups that lack positions or values. `lengths` are those of the dimensions of
    /// the answer without the bins of histograms.
    pub(crate) fn apply(&self, lengths: &[usize], outcome: &mut Outcome) {
        let Self { dims, positions, least } = self;
        let inner: usize = lengths.iter().skip(dims.end).product();
        let count = &outcome.count;
        outcome.lacking.resize(count.len(), false);
        let cells = outcome.lacking.iter_mut().zip(count).enumerate();
        for (cell, (lacking, values)) in cells {
            let group = (cell / inner.max(1)) % positions.len().max(1);
            let has_positions = positions.get(group).is_some_and(|positions| positions >= least);
            *lacking |= !has_positions || values < least;
        }
    }
}
