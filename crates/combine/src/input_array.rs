//! One input's array of a variable.

use rangefold_refs::ManifestArray;

use crate::objects::Stale;
use crate::times::Spelling;

/// One input's array of a variable, and which of its axes are joined.
#[derive(Clone, Debug)]
pub(crate) struct InputArray<'a> {
    /// Number of the input.
    pub(crate) input: usize,
    /// Name of the input.
    pub(crate) name: &'a str,
    /// Its array.
    pub(crate) stored: &'a ManifestArray,
    /// For each joined axis of the variable, which axis of the array it is; `None` if the array lacks it.
    pub(crate) own_axes: Vec<Option<usize>>,
    /// How its times are spelled; `None` if its numbers are no times.
    pub(crate) times: Option<Spelling>,
    /// The objects it refers to that have changed since.
    pub(crate) stale: Option<&'a Stale>,
    /// Dimensions that the array gains, in front of its own.
    pub(crate) stretched: Vec<&'a str>,
}

impl InputArray<'_> {
    /// Names of all dimensions, those it gains included.
    pub(crate) fn dimensions(&self) -> Vec<&str> {
        let own = self.stored.meta.dimension_names.iter().map(String::as_str);
        self.stretched.iter().copied().chain(own).collect()
    }

    /// Whether a dimension stands twice among its own.
    pub(crate) fn has_twice(&self, dimension: &str) -> bool {
        self.stored.meta.dimension_names.iter().filter(|name| *name == dimension).count() > 1
    }

    /// Lengths along the axes that are not joined.
    pub(crate) fn other_lengths(&self) -> Vec<u64> {
        let lengths = self.stored.meta.shape().iter().enumerate();
        lengths.filter(|(axis, _)| !self.own_axes.contains(&Some(*axis))).map(|(_, &length)| length).collect()
    }
}
