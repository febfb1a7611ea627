//! Which statistics a plan keeps of each cell.

use std::sync::Arc;

use crate::question::condition::Condition;

/// Bytes that go with each text: where it is, how long it is and where it stands.
const TEXT_OVERHEAD: u64 = 48;

/// Which statistics a plan's reductions are made from; the count is always kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) min: bool,
    pub(crate) max: bool,
    pub(crate) sum: bool,
    pub(crate) deviations: bool,
    pub(crate) arg_min: bool,
    pub(crate) arg_max: bool,
    pub(crate) first: bool,
    pub(crate) last: bool,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) edges: Vec<Arc<[f64]>>,
    /// The coordinate of each place, where a straight line is asked for; it needs deviations too.
    pub(crate) along: Option<Arc<[f64]>>,
    /// NaN is a value, and counted apart.
    pub(crate) nan: bool,
    /// Bytes of a text; 0 if the values are none.
    pub(crate) text_len: u64,
}

impl Wanted {
    /// Whether the places of elements matter.
    pub(crate) fn places(&self) -> bool {
        self.arg_min || self.arg_max || self.first || self.last || self.along.is_some()
    }

    /// Bytes of the statistics of one cell.
    pub(crate) fn cell_len(&self) -> u64 {
        let &Self {
            min,
            max,
            sum,
            deviations,
            arg_min,
            arg_max,
            first,
            last,
            ref conditions,
            ref edges,
            ref along,
            nan,
            text_len,
        } = self;
        let words = 1
            + u64::from(min)
            + u64::from(max)
            + 2 * u64::from(sum)
            + 2 * u64::from(deviations)
            + 2 * [arg_min, arg_max, first, last].into_iter().map(u64::from).sum::<u64>()
            + conditions.len() as u64
            + edges.iter().map(|edges| edges.len() as u64 - 1).sum::<u64>()
            + 6 * u64::from(along.is_some())
            + u64::from(nan);
        let texts = [min, max, first, last].into_iter().map(u64::from).sum::<u64>();
        8 * words + if text_len > 0 { texts * (TEXT_OVERHEAD + text_len) } else { 0 }
    }
}
