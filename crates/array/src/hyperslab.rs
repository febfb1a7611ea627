//! Selections: start, stride and count along each axis.

use std::fmt;

/// An unchecked slice of one axis in NumPy's terms; becomes an [`AxisRange`] by [`Slice::resolve`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slice {
    /// The whole axis.
    All,
    /// One position; negative counts from the end. The axis is kept, with length 1.
    Index(i64),
    /// `start:stop:step`; negative ends count from the end, ends outside the axis are clamped.
    Range {
        /// First position.
        start: Option<i64>,
        /// One past the last position.
        stop: Option<i64>,
        /// Distance between positions, at least 1.
        step: Option<i64>,
    },
}

/// Positions `start, start + stride, …` on one axis, all of them inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AxisRange {
    start: u64,
    stride: u64,
    count: u64,
}

/// A selection of an array: one [`AxisRange`] per axis, in bounds by construction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Hyperslab(Vec<AxisRange>);

/// A selection does not fit an array.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// Another number of slices than axes.
    #[error("{slices} slices were given for an array of rank {rank}")]
    Rank {
        /// Number of slices given.
        slices: usize,
        /// Number of axes.
        rank: usize,
    },
    /// A single position outside its axis.
    #[error("index {index} is outside axis {axis} of length {length}")]
    OutOfBounds {
        /// The axis.
        axis: usize,
        /// The index asked for.
        index: i64,
        /// Length of the axis.
        length: u64,
    },
    /// Zero or negative step.
    #[error("step {step} on axis {axis}: only positive steps select something to reduce")]
    Step {
        /// The axis.
        axis: usize,
        /// The step asked for.
        step: i64,
    },
}

/// Position `index` of an axis of `length`, where negatives count from the end; may lie outside.
fn from_end(index: i64, length: u64) -> i128 {
    let index = i128::from(index);
    if index < 0 { index + i128::from(length) } else { index }
}

/// `position` clamped to `0..=length`.
fn clamp(position: i128, length: u64) -> u64 {
    u64::try_from(position.max(0)).map_or(length, |p| p.min(length))
}

impl Slice {
    /// The positions of axis number `axis`, `length` long, that this slice selects.
    ///
    /// # Errors
    ///
    /// [`SelectionError::OutOfBounds`] for a single position outside the axis, [`SelectionError::Step`] for a step below 1.
    pub fn resolve(self, axis: usize, length: u64) -> Result<AxisRange, SelectionError> {
        match self {
            Self::All => Ok(AxisRange::all(length)),
            Self::Index(index) => match u64::try_from(from_end(index, length)) {
                Ok(start) if start < length => Ok(AxisRange { start, stride: 1, count: 1 }),
                _ => Err(SelectionError::OutOfBounds { axis, index, length }),
            },
            Self::Range { start, stop, step } => {
                let step = step.unwrap_or(1);
                let stride = u64::try_from(step)
                    .ok()
                    .filter(|&stride| stride > 0)
                    .ok_or(SelectionError::Step { axis, step })?;
                let start = start.map_or(0, |s| clamp(from_end(s, length), length));
                let stop = stop.map_or(length, |s| clamp(from_end(s, length), length));
                let count = stop.saturating_sub(start).div_ceil(stride);
                Ok(if count == 0 {
                    AxisRange { start: 0, stride: 1, count: 0 }
                } else {
                    AxisRange { start, stride, count }
                })
            }
        }
    }
}

impl AxisRange {
    /// Every position of an axis of `length`.
    #[must_use]
    pub fn all(length: u64) -> Self {
        Self { start: 0, stride: 1, count: length }
    }

    /// `count` positions from `start`, `stride` apart, on an axis of `length`; `None` if the last lies outside or the stride is 0.
    #[must_use]
    pub fn new(start: u64, stride: u64, count: u64, length: u64) -> Option<Self> {
        if stride == 0 {
            return None;
        }
        let Some(steps) = count.checked_sub(1) else { return Some(Self { start: 0, stride: 1, count: 0 }) };
        let last = steps.checked_mul(stride)?.checked_add(start)?;
        (last < length).then_some(Self { start, stride, count })
    }

    /// First position.
    #[must_use]
    pub fn start(self) -> u64 {
        self.start
    }

    /// Distance between positions.
    #[must_use]
    pub fn stride(self) -> u64 {
        self.stride
    }

    /// Number of positions.
    #[must_use]
    pub fn count(self) -> u64 {
        self.count
    }

    /// The positions in ascending order.
    pub fn positions(self) -> impl Iterator<Item = u64> {
        (0..self.count).map(move |k| self.start + k * self.stride)
    }
}

impl Hyperslab {
    /// All of an array of this shape.
    #[must_use]
    pub fn all(shape: &[u64]) -> Self {
        Self(shape.iter().map(|&length| AxisRange::all(length)).collect())
    }

    /// Resolves one slice per axis; negatives and clamping end here.
    ///
    /// # Errors
    ///
    /// [`SelectionError`] if a slice does not fit its axis, or there are more or fewer slices than axes.
    pub fn resolve(slices: &[Slice], shape: &[u64]) -> Result<Self, SelectionError> {
        if slices.len() != shape.len() {
            return Err(SelectionError::Rank { slices: slices.len(), rank: shape.len() });
        }
        let axes = slices.iter().zip(shape).enumerate();
        Ok(Self(axes.map(|(axis, (slice, &length))| slice.resolve(axis, length)).collect::<Result<_, _>>()?))
    }

    /// A selection from ranges that were checked against the axes they belong to.
    #[must_use]
    pub fn from_axes(axes: Vec<AxisRange>) -> Self {
        Self(axes)
    }

    /// One range per axis.
    #[must_use]
    pub fn axes(&self) -> &[AxisRange] {
        &self.0
    }

    /// Shape of what is selected.
    #[must_use]
    pub fn shape(&self) -> Vec<u64> {
        self.0.iter().map(|axis| axis.count).collect()
    }

    /// Number of elements selected; saturates.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.iter().fold(1_u64, |n, axis| n.saturating_mul(axis.count))
    }

    /// Whether nothing is selected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().any(|axis| axis.count == 0)
    }
}

impl fmt::Display for Hyperslab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (i, axis) in self.0.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            let end = axis.count.checked_sub(1).map_or(0, |steps| axis.start + steps * axis.stride + 1);
            write!(f, "{comma}{}:{end}", axis.start)?;
            if axis.stride > 1 {
                write!(f, ":{}", axis.stride)?;
            }
        }
        f.write_str("]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn range(start: Option<i64>, stop: Option<i64>, step: Option<i64>) -> Slice {
        Slice::Range { start, stop, step }
    }

    #[test]
    fn slices_mean_what_numpy_means() {
        let cases = [
            (Slice::All, 5, vec![0, 1, 2, 3, 4]),
            (Slice::Index(-1), 5, vec![4]),
            (range(Some(1), Some(4), None), 5, vec![1, 2, 3]),
            (range(Some(-2), None, None), 5, vec![3, 4]),
            (range(Some(-9), Some(99), Some(2)), 5, vec![0, 2, 4]),
            (range(Some(4), Some(1), None), 5, vec![]),
            (range(None, None, None), 0, vec![]),
        ];
        for (slice, length, expected) in cases {
            let positions: Vec<u64> = slice.resolve(0, length).unwrap().positions().collect();
            assert_eq!(positions, expected, "{slice:?} of {length}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_with_both_numbers() {
        let error = Slice::Index(5).resolve(2, 5).unwrap_err();
        assert_eq!(error.to_string(), "index 5 is outside axis 2 of length 5");
        assert!(Slice::Index(-6).resolve(0, 5).is_err());
        assert!(range(None, None, Some(0)).resolve(0, 5).is_err());
        assert!(range(None, None, Some(-1)).resolve(0, 5).is_err());
        assert!(Hyperslab::resolve(&[Slice::All], &[2, 3]).is_err());
    }

    proptest! {
        #[test]
        fn every_resolved_position_is_inside(start in -20_i64..20, stop in -20_i64..20, step in 1_i64..7, length in 0_u64..12) {
            let axis = range(Some(start), Some(stop), Some(step)).resolve(0, length).unwrap();
            prop_assert!(axis.positions().all(|p| p < length));
            prop_assert_eq!(AxisRange::new(axis.start(), axis.stride(), axis.count(), length), Some(axis));
        }
    }
}
