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

    /// What two regions have in common; `None` if nothing, or if they are not of the same answer.
    pub(crate) fn intersection(&self, other: &Self) -> Option<Self> {
        let mut both = self.clone();
        if self.start.len() != other.start.len() {
            return None;
        }
        let axes = both.start.iter_mut().zip(&mut both.shape);
        for ((start, shape), (&other_start, &other_shape)) in axes.zip(other.start.iter().zip(&other.shape)) {
            let end = (*start + *shape as u64).min(other_start + other_shape as u64);
            *start = (*start).max(other_start);
            *shape = usize::try_from(end.checked_sub(*start)?).ok().filter(|&length| length > 0)?;
        }
        Some(both)
    }

    /// The smallest region that holds two of the same answer.
    pub(crate) fn around(&self, other: &Self) -> Self {
        let mut both = self.clone();
        let axes = both.start.iter_mut().zip(&mut both.shape);
        for ((start, shape), (&other_start, &other_shape)) in axes.zip(other.start.iter().zip(&other.shape)) {
            let end = (*start + *shape as u64).max(other_start + other_shape as u64);
            *start = (*start).min(other_start);
            *shape = usize::try_from(end - *start).unwrap_or(usize::MAX);
        }
        both
    }
}
