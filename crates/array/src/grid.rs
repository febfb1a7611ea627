//! How an array is cut into chunks.
//!
//! Chunks are numbered in row-major order of their index. A regular grid's last chunk along an axis is stored
//! whole even where it reaches past the array, so its decoded length never depends on its position; the chunks of
//! a rectilinear grid have just the lengths that are listed.

use std::ops::Range;
use std::sync::Arc;

use crate::{AxisRange, Hyperslab};

/// An array's shape and its cutting into chunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkGrid {
    shape: Vec<u64>,
    axes: Vec<AxisChunks>,
    counts: Vec<u64>,
    total: u64,
}

/// How one axis is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AxisChunks {
    /// Every `length` elements, the last chunk stored whole.
    Regular {
        /// Elements of one chunk, at least 1.
        length: u64,
    },
    /// At the listed positions: chunk `i` covers `bounds[i]..bounds[i + 1]`; strictly ascending from 0 to the axis length.
    Listed {
        /// Positions of the cuts, both ends included.
        bounds: Arc<[u64]>,
    },
}

/// A shape cannot be cut so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GridError {
    /// The chunk shape has another rank.
    #[error("the chunk shape has {chunks} axes but the array has {axes}")]
    Rank {
        /// Axes of the array.
        axes: usize,
        /// Axes of the chunk shape.
        chunks: usize,
    },
    /// A chunk length of zero.
    #[error("chunks have length 0 along axis {axis}")]
    ZeroChunk {
        /// The axis.
        axis: usize,
    },
    /// Listed chunks do not add up.
    #[error("the chunks listed for axis {axis} cover {covered} elements but the axis has {length}")]
    Cover {
        /// The axis.
        axis: usize,
        /// Sum of the listed lengths.
        covered: u64,
        /// Length of the axis.
        length: u64,
    },
    /// More chunks or elements than 64 bits can count.
    #[error("an array of shape {shape:?} has more chunks or elements than 64 bits can count")]
    TooLarge {
        /// Shape of the array.
        shape: Vec<u64>,
    },
}

impl AxisChunks {
    /// Chunks of the given lengths, one after the other.
    ///
    /// # Errors
    ///
    /// [`GridError::ZeroChunk`] for a length of 0, [`GridError::TooLarge`] if the sum overflows.
    pub fn listed(axis: usize, lengths: &[u64]) -> Result<Self, GridError> {
        let mut bounds = Vec::with_capacity(lengths.len() + 1);
        let mut end = 0_u64;
        bounds.push(end);
        for &length in lengths {
            if length == 0 {
                return Err(GridError::ZeroChunk { axis });
            }
            end = end.checked_add(length).ok_or_else(|| GridError::TooLarge { shape: lengths.to_vec() })?;
            bounds.push(end);
        }
        Ok(Self::Listed { bounds: bounds.into() })
    }

    /// Start and stored length of chunk `index`.
    fn extent(&self, index: u64) -> (u64, u64) {
        match self {
            Self::Regular { length } => (index * length, *length),
            Self::Listed { bounds } => {
                let i = usize::try_from(index).unwrap_or(usize::MAX);
                match (bounds.get(i), bounds.get(i.saturating_add(1))) {
                    (Some(&start), Some(&end)) => (start, end - start),
                    _ => (bounds.last().copied().unwrap_or(0), 0),
                }
            }
        }
    }

    /// Index of the chunk that holds `position`, which must lie inside the axis.
    fn holding(&self, position: u64) -> u64 {
        match self {
            Self::Regular { length } => position / length,
            Self::Listed { bounds } => bounds.partition_point(|&b| b <= position).saturating_sub(1) as u64,
        }
    }

    fn count(&self, length: u64) -> u64 {
        match self {
            Self::Regular { length: chunk } => length.div_ceil(*chunk),
            Self::Listed { bounds } => bounds.len().saturating_sub(1) as u64,
        }
    }
}

/// The part of a selection that lies in one chunk, along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AxisPart {
    /// Index of the chunk on this axis.
    pub chunk: u64,
    /// Stored length of the chunk on this axis.
    pub chunk_length: u64,
    /// Positions inside the chunk.
    pub within: AxisRange,
    /// Where the first of them stands in the selection; the others follow one by one.
    pub output_start: u64,
}

/// The part of a selection that lies in one chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkSelection {
    /// Row-major number of the chunk.
    pub number: u64,
    /// One part per axis; empty for a scalar.
    pub axes: Vec<AxisPart>,
}

impl ChunkSelection {
    /// Elements selected in this chunk; saturates.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.axes.iter().fold(1_u64, |n, part| n.saturating_mul(part.within.count()))
    }

    /// Whether nothing is selected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Index of the chunk along each axis.
    #[must_use]
    pub fn index(&self) -> Vec<u64> {
        self.axes.iter().map(|part| part.chunk).collect()
    }

    /// Stored shape of the chunk.
    #[must_use]
    pub fn chunk_shape(&self) -> Vec<u64> {
        self.axes.iter().map(|part| part.chunk_length).collect()
    }
}

impl ChunkGrid {
    /// A regular grid. Both lists are empty for a scalar, which has one chunk.
    ///
    /// # Errors
    ///
    /// [`GridError`] if the ranks differ, a chunk length is 0, or chunks or elements cannot be counted in 64 bits.
    pub fn regular(shape: &[u64], chunk_shape: &[u64]) -> Result<Self, GridError> {
        Self::new(shape, chunk_shape.iter().map(|&length| AxisChunks::Regular { length }).collect())
    }

    /// A grid with its own cutting for each axis.
    ///
    /// # Errors
    ///
    /// As [`ChunkGrid::regular`]; also [`GridError::Cover`] if listed chunks do not add up to their axis.
    pub fn new(shape: &[u64], axes: Vec<AxisChunks>) -> Result<Self, GridError> {
        if shape.len() != axes.len() {
            return Err(GridError::Rank { axes: shape.len(), chunks: axes.len() });
        }
        for (axis, (chunks, &length)) in axes.iter().zip(shape).enumerate() {
            match chunks {
                AxisChunks::Regular { length: 0 } => return Err(GridError::ZeroChunk { axis }),
                AxisChunks::Regular { .. } => {}
                AxisChunks::Listed { bounds } => {
                    let covered = bounds.last().copied().unwrap_or(0);
                    if covered != length {
                        return Err(GridError::Cover { axis, covered, length });
                    }
                }
            }
        }
        let too_large = || GridError::TooLarge { shape: shape.to_vec() };
        let counts: Vec<u64> = axes.iter().zip(shape).map(|(chunks, &length)| chunks.count(length)).collect();
        let total = counts.iter().try_fold(1_u64, |n, &count| n.checked_mul(count)).ok_or_else(too_large)?;
        // Regular edge chunks reach past the array: the padded extent must be countable too.
        for ((chunks, &length), &count) in axes.iter().zip(shape).zip(&counts) {
            if let AxisChunks::Regular { length: chunk } = chunks {
                count.checked_mul(*chunk).filter(|&padded| padded >= length).ok_or_else(too_large)?;
            }
        }
        shape
            .iter()
            .filter(|&&n| n > 0)
            .try_fold(1_u64, |n, &length| n.checked_mul(length))
            .ok_or_else(too_large)?;
        Ok(Self { shape: shape.to_vec(), axes, counts, total })
    }

    /// Shape of the array.
    #[must_use]
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// How each axis is cut.
    #[must_use]
    pub fn axes(&self) -> &[AxisChunks] {
        &self.axes
    }

    /// Number of axes.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Number of chunks along each axis.
    #[must_use]
    pub fn chunk_counts(&self) -> &[u64] {
        &self.counts
    }

    /// Number of chunks, stored or not; 1 for a scalar, 0 if an axis has length 0.
    #[must_use]
    pub fn chunk_count(&self) -> u64 {
        self.total
    }

    /// The chunk shape of a regular grid; `None` if an axis lists its chunks.
    #[must_use]
    pub fn regular_chunk_shape(&self) -> Option<Vec<u64>> {
        self.axes
            .iter()
            .map(|axis| match axis {
                AxisChunks::Regular { length } => Some(*length),
                AxisChunks::Listed { .. } => None,
            })
            .collect()
    }

    /// Row-major number of the chunk at `index`; `None` outside the grid.
    #[must_use]
    pub fn number(&self, index: &[u64]) -> Option<u64> {
        if index.len() != self.counts.len() {
            return None;
        }
        index
            .iter()
            .zip(&self.counts)
            .try_fold(0_u64, |number, (&i, &count)| (i < count).then(|| number * count + i))
    }

    /// Index of chunk `number` along each axis; `None` outside the grid.
    #[must_use]
    pub fn index(&self, number: u64) -> Option<Vec<u64>> {
        if number >= self.total {
            return None;
        }
        let mut rest = number;
        let mut index = vec![0; self.counts.len()];
        for (slot, &count) in index.iter_mut().zip(&self.counts).rev() {
            *slot = rest % count;
            rest /= count;
        }
        Some(index)
    }

    /// Position of the first element of the chunk at `index`, which must be inside the grid.
    #[must_use]
    pub fn chunk_origin(&self, index: &[u64]) -> Vec<u64> {
        self.axes.iter().zip(index).map(|(axis, &i)| axis.extent(i).0).collect()
    }

    /// Stored shape of the chunk at `index`, which must be inside the grid.
    #[must_use]
    pub fn chunk_shape(&self, index: &[u64]) -> Vec<u64> {
        self.axes.iter().zip(index).map(|(axis, &i)| axis.extent(i).1).collect()
    }

    /// Elements of the chunk at `index` as stored; `None` if 64 bits cannot count them.
    #[must_use]
    pub fn chunk_len(&self, index: &[u64]) -> Option<u64> {
        self.axes.iter().zip(index).try_fold(1_u64, |n, (axis, &i)| n.checked_mul(axis.extent(i).1))
    }

    /// The chunks that `selection` touches, in row-major order, each with its part of the selection.
    ///
    /// `selection` must have been made for this shape.
    #[must_use]
    pub fn touching(&self, selection: &Hyperslab) -> Touching {
        let axes: Vec<TouchedAxis> = self
            .axes
            .iter()
            .zip(&self.counts)
            .zip(selection.axes())
            .map(|((chunks, &chunk_count), &range)| TouchedAxis::new(chunks.clone(), chunk_count, range))
            .collect();
        let fits = selection.axes().len() == self.axes.len();
        let cursor = axes.iter().map(|axis| axis.first()).collect::<Option<Vec<_>>>().filter(|_| fits);
        Touching { axes, cursor }
    }
}

/// Iterator of [`ChunkGrid::touching`]. It makes one chunk after the other: a billion of them take no memory.
#[derive(Clone, Debug)]
pub struct Touching {
    axes: Vec<TouchedAxis>,
    /// The next chunk: for each axis, the part it is in. `None` at the end.
    cursor: Option<Vec<(u64, AxisPart)>>,
}

/// The chunks along one axis that a selection touches.
#[derive(Clone, Debug)]
struct TouchedAxis {
    chunks: AxisChunks,
    /// Chunks along the whole axis, touched or not.
    chunk_count: u64,
    range: AxisRange,
    /// Where in the selection each part begins; `None` for a regular axis of which nothing was left out.
    starts: Option<Arc<[u64]>>,
}

impl Touching {
    /// Number of chunks the selection touches in all; saturates.
    #[must_use]
    pub fn chunk_count(&self) -> u64 {
        if self.cursor.is_none() {
            return 0;
        }
        self.axes.iter().fold(1_u64, |n, axis| n.saturating_mul(axis.len()))
    }

    /// Leaves out the chunks whose part along `axis` is not wanted. To be called before the first chunk is taken.
    #[must_use]
    pub fn retain(mut self, axis: usize, mut wanted: impl FnMut(&AxisPart) -> bool) -> Self {
        if let Some(touched) = self.axes.get_mut(axis) {
            let parts = (0..touched.len()).map_while(|i| touched.part(i));
            let starts = parts.filter(|part| wanted(part)).map(|part| part.output_start).collect();
            touched.starts = Some(starts);
        }
        self.cursor = self.cursor.and_then(|_| self.axes.iter().map(TouchedAxis::first).collect());
        self
    }

    /// For each axis, the sum of the stored lengths of the chunks along it and the length of the longest; saturates.
    pub fn chunk_lengths(&self) -> impl Iterator<Item = (u64, u64)> {
        self.axes.iter().map(|axis| match axis.chunks {
            AxisChunks::Regular { length } => {
                let count = axis.len();
                (count.saturating_mul(length), if count == 0 { 0 } else { length })
            }
            AxisChunks::Listed { .. } => (0..axis.len())
                .map_while(|i| axis.part(i))
                .fold((0, 0), |(sum, max), part| (sum + part.chunk_length, max.max(part.chunk_length))),
        })
    }

    /// For each axis, the most selected positions that one chunk has along it, or one more.
    pub fn part_counts_max(&self) -> impl Iterator<Item = u64> {
        self.axes.iter().map(|axis| match (&axis.starts, &axis.chunks) {
            // Some chunk lies between others, and nothing is cut off it.
            (None, AxisChunks::Regular { length }) if axis.len() > 2 => {
                axis.range.count().min(length.div_ceil(axis.range.stride()))
            }
            _ => {
                (0..axis.len()).map_while(|i| axis.part(i)).map(|part| part.within.count()).max().unwrap_or(0)
            }
        })
    }

    /// The touched chunks with these places among all that are, put together to a few boxes in row-major order: the place
    /// of the first chunk, how many chunks there are, and what they cover as if they were one. A box of several chunks
    /// is none larger than `fits` allows. Positions between chunks that are left out are covered, too.
    pub fn boxes<'a>(
        &'a self,
        places: Range<u64>,
        fits: impl Fn(&[AxisPart]) -> bool + 'a,
    ) -> impl Iterator<Item = (u64, u64, ChunkSelection)> + 'a {
        let mut at = places.start;
        std::iter::from_fn(move || {
            let left = places.end.checked_sub(at).filter(|&left| left > 0)?;
            let (count, selection) = self.first_box(at, left, &fits)?;
            let place = at;
            at = at.saturating_add(count);
            Some((place, count, selection))
        })
    }

    /// The largest box that begins at the chunk with this place and has no more than `left` chunks, and how many it has.
    fn first_box(
        &self,
        place: u64,
        left: u64,
        fits: &impl Fn(&[AxisPart]) -> bool,
    ) -> Option<(u64, ChunkSelection)> {
        let lens: Vec<u64> = self.axes.iter().map(TouchedAxis::len).collect();
        let mut index = vec![0; lens.len()];
        let mut rest = place;
        for (slot, &len) in index.iter_mut().zip(&lens).rev() {
            *slot = rest % len.max(1);
            rest /= len.max(1);
        }
        let chunks = |index: &[u64], counts: &[u64]| {
            let axes = self.axes.iter().zip(index.iter().zip(counts));
            axes.map(|(axis, (&i, &count))| axis.span(i, count)).collect::<Option<Vec<_>>>()
        };
        let numbered = |axes: Vec<AxisPart>| {
            let parts = axes.iter().zip(&self.axes);
            let number = parts.fold(0_u64, |n, (part, axis)| n * axis.chunk_count + part.chunk);
            ChunkSelection { number, axes }
        };
        for axis in 0..lens.len() {
            let inner = lens.iter().skip(axis + 1).fold(1_u64, |n, &len| n.saturating_mul(len));
            if !place.is_multiple_of(inner.max(1)) || inner > left {
                continue;
            }
            let here = lens.get(axis)?.saturating_sub(*index.get(axis)?);
            let mut most = here.min(left / inner.max(1));
            while most > 0 {
                let mut counts = vec![1; lens.len()];
                counts.get_mut(axis + 1..)?.copy_from_slice(lens.get(axis + 1..)?);
                *counts.get_mut(axis)? = most;
                let axes = chunks(&index, &counts)?;
                if fits(&axes) {
                    return Some((inner.saturating_mul(most), numbered(axes)));
                }
                most /= 2;
            }
        }
        Some((1, numbered(chunks(&index, &vec![1; lens.len()])?)))
    }

    /// How many chunks along the first axis are touched: 1 for an array without axes, 0 for an empty selection.
    #[must_use]
    pub fn row_count(&self) -> u64 {
        if self.cursor.is_none() { 0 } else { self.axes.first().map_or(1, TouchedAxis::len) }
    }

    /// How many touched chunks each row has: those that share their place along the first axis.
    #[must_use]
    pub fn row_len(&self) -> u64 {
        self.axes.iter().skip(1).fold(1, |n: u64, axis| n.saturating_mul(axis.len()))
    }

    /// What is selected along the first axis in row number `row` of those that are touched; `None` past the last, and for
    /// an array without axes.
    #[must_use]
    pub fn row(&self, row: u64) -> Option<AxisPart> {
        self.axes.first()?.part(row)
    }

    /// What is selected along each axis, and how the axis is cut.
    pub fn spans(&self) -> impl Iterator<Item = (&AxisRange, &AxisChunks, Option<&[u64]>)> {
        self.axes.iter().map(|axis| (&axis.range, &axis.chunks, axis.starts.as_deref()))
    }

    /// How many touched chunks have a position of what `axes` covers.
    #[must_use]
    pub fn count_in(&self, axes: &[AxisPart]) -> u64 {
        self.axes.iter().zip(axes).fold(1, |n: u64, (axis, part)| n.saturating_mul(axis.count_in(part)))
    }

    /// The chunk of this row-major number and its place among all that are touched; `None` if it is not among them.
    #[must_use]
    pub fn find(&self, number: u64) -> Option<(u64, ChunkSelection)> {
        self.cursor.as_ref()?;
        let mut rest = number;
        let (mut place, mut places) = (0, 1);
        let mut axes = Vec::with_capacity(self.axes.len());
        for axis in self.axes.iter().rev() {
            let (i, part) = axis.find(rest % axis.chunk_count)?;
            rest /= axis.chunk_count;
            place += i * places;
            places *= axis.len();
            axes.push(part);
        }
        axes.reverse();
        (rest == 0).then_some((place, ChunkSelection { number, axes }))
    }
}

impl Iterator for Touching {
    type Item = ChunkSelection;

    fn next(&mut self) -> Option<ChunkSelection> {
        let cursor = self.cursor.as_mut()?;
        let axes: Vec<AxisPart> = cursor.iter().map(|(_, part)| *part).collect();
        let number = axes
            .iter()
            .zip(&self.axes)
            .fold(0_u64, |number, (part, axis)| number * axis.chunk_count + part.chunk);
        let mut done = true;
        for (slot, axis) in cursor.iter_mut().zip(&self.axes).rev() {
            if let Some(part) = axis.part(slot.0 + 1) {
                *slot = (slot.0 + 1, part);
                done = false;
                break;
            }
            if let Some(first) = axis.first() {
                *slot = first;
            }
        }
        if done {
            self.cursor = None;
        }
        Some(ChunkSelection { number, axes })
    }
}

impl TouchedAxis {
    fn new(chunks: AxisChunks, chunk_count: u64, range: AxisRange) -> Self {
        let mut axis = Self { chunks, chunk_count, range, starts: None };
        if let AxisChunks::Listed { .. } = axis.chunks {
            let first = axis.part_from(0);
            let after = |part: &AxisPart| axis.part_from(part.output_start + part.within.count());
            axis.starts = Some(std::iter::successors(first, after).map(|part| part.output_start).collect());
        }
        axis
    }

    /// Number of parts.
    fn len(&self) -> u64 {
        match (&self.starts, &self.chunks) {
            (Some(starts), _) => starts.len() as u64,
            (None, AxisChunks::Regular { length }) if self.range.stride() <= *length => {
                let last = self.range.start() + self.range.count().saturating_sub(1) * self.range.stride();
                let chunks = self.chunks.holding(last) - self.chunks.holding(self.range.start()) + 1;
                if self.range.count() == 0 { 0 } else { chunks }
            }
            // Each position is in a chunk of its own.
            (None, _) => self.range.count(),
        }
    }

    fn first(&self) -> Option<(u64, AxisPart)> {
        Some((0, self.part(0)?))
    }

    /// Part number `i`; chunks between strides have none.
    fn part(&self, i: u64) -> Option<AxisPart> {
        let start = match (&self.starts, &self.chunks) {
            (Some(starts), _) => *starts.get(usize::try_from(i).ok()?)?,
            _ if i >= self.len() => return None,
            (None, AxisChunks::Regular { length }) if self.range.stride() <= *length => {
                self.first_from((self.chunks.holding(self.range.start()) + i) * length)
            }
            (None, _) => i,
        };
        self.part_from(start)
    }

    /// The part in chunk `chunk` of the axis, and its number.
    fn find(&self, chunk: u64) -> Option<(u64, AxisPart)> {
        let start = self.first_from(self.chunks.extent(chunk).0);
        let part = self.part_from(start).filter(|part| part.chunk == chunk)?;
        let i = match (&self.starts, &self.chunks) {
            (Some(starts), _) => starts.binary_search(&start).ok()? as u64,
            (None, AxisChunks::Regular { length }) if self.range.stride() <= *length => {
                chunk - self.chunks.holding(self.range.start())
            }
            (None, _) => start,
        };
        Some((i, part))
    }

    /// What `count` parts from part number `i` on cover, as if they were one whose chunk ends with the last position.
    fn span(&self, i: u64, count: u64) -> Option<AxisPart> {
        let first = self.part(i)?;
        if count == 1 {
            return Some(first);
        }
        let last = self.part(i.checked_add(count)?.checked_sub(1)?)?;
        let positions =
            last.output_start.checked_add(last.within.count())?.checked_sub(first.output_start)?;
        let reach = positions.checked_sub(1)?.checked_mul(self.range.stride())?;
        let chunk_length = first.within.start().checked_add(reach)?.checked_add(1)?;
        let within = AxisRange::new(first.within.start(), self.range.stride(), positions, chunk_length)?;
        Some(AxisPart { chunk_length, within, ..first })
    }

    /// How many parts have one of the selected positions of `part`.
    fn count_in(&self, part: &AxisPart) -> u64 {
        let Some(last) = part.within.count().checked_sub(1) else { return 0 };
        let (first, last) = (part.output_start, part.output_start.saturating_add(last));
        match (&self.starts, &self.chunks) {
            (Some(starts), _) => {
                // The part that holds the first position begins with it or before.
                let before = starts.partition_point(|&start| start <= first).saturating_sub(1);
                let end = starts.partition_point(|&start| start <= last);
                let is_in = |start: &u64| {
                    self.part_from(*start).is_some_and(|part| part.output_start + part.within.count() > first)
                };
                let reaches = starts.get(before).is_some_and(is_in);
                (end.saturating_sub(before) as u64).saturating_sub(u64::from(!reaches))
            }
            (None, AxisChunks::Regular { length }) if self.range.stride() <= *length => {
                let chunk = |n: u64| self.chunks.holding(self.range.start() + n * self.range.stride());
                chunk(last) - chunk(first) + 1
            }
            (None, _) => part.within.count(),
        }
    }

    /// Number of the first selected position that is not before `position`.
    fn first_from(&self, position: u64) -> u64 {
        position.saturating_sub(self.range.start()).div_ceil(self.range.stride())
    }

    /// The part that begins with the selected position number `start`.
    fn part_from(&self, start: u64) -> Option<AxisPart> {
        let left = self.range.count().checked_sub(start).filter(|&left| left > 0)?;
        let stride = self.range.stride();
        let position = self.range.start() + start * stride;
        let chunk = self.chunks.holding(position);
        let (begin, chunk_length) = self.chunks.extent(chunk);
        let inside = (begin + chunk_length).checked_sub(position)?.div_ceil(stride).min(left);
        let within = AxisRange::new(position - begin, stride, inside, chunk_length)?;
        Some(AxisPart { chunk, chunk_length, within, output_start: start })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Slice;
    use proptest::prelude::*;

    #[test]
    fn numbers_and_indexes_are_inverse() {
        let grid = ChunkGrid::regular(&[5, 7, 3], &[2, 3, 3]).unwrap();
        assert_eq!(grid.chunk_counts(), [3, 3, 1]);
        for number in 0..grid.chunk_count() {
            assert_eq!(grid.number(&grid.index(number).unwrap()), Some(number));
        }
        assert_eq!(grid.index(9), None);
        assert_eq!(grid.number(&[0, 3, 0]), None);
    }

    #[test]
    fn a_scalar_has_one_chunk_and_an_empty_axis_none() {
        assert_eq!(ChunkGrid::regular(&[], &[]).unwrap().chunk_count(), 1);
        assert_eq!(ChunkGrid::regular(&[], &[]).unwrap().touching(&Hyperslab::all(&[])).count(), 1);
        let empty = ChunkGrid::regular(&[0, 4], &[1, 4]).unwrap();
        assert_eq!(empty.chunk_count(), 0);
        assert_eq!(empty.touching(&Hyperslab::all(&[0, 4])).count(), 0);
    }

    #[test]
    fn a_grid_of_a_billion_chunks_takes_no_memory() {
        let grid = ChunkGrid::regular(&[1 << 40], &[1 << 10]).unwrap();
        let mut touching = grid.touching(&Hyperslab::all(&[1 << 40]));
        assert_eq!(touching.chunk_count(), 1 << 30);
        assert_eq!(touching.find(1 << 29).map(|(place, _)| place), Some(1 << 29));
        assert_eq!(touching.next().map(|chunk| chunk.number), Some(0));
    }

    #[test]
    fn impossible_grids_are_refused() {
        assert_eq!(ChunkGrid::regular(&[5], &[0]), Err(GridError::ZeroChunk { axis: 0 }));
        assert!(ChunkGrid::regular(&[5], &[1, 1]).is_err());
        assert!(ChunkGrid::regular(&[u64::MAX, u64::MAX], &[1, 1]).is_err());
        assert!(ChunkGrid::regular(&[u64::MAX], &[u64::MAX - 1]).is_err());
        let months = AxisChunks::listed(0, &[31, 28]).unwrap();
        let error = ChunkGrid::new(&[60], vec![months]).unwrap_err();
        assert_eq!(error.to_string(), "the chunks listed for axis 0 cover 59 elements but the axis has 60");
    }

    fn cut() -> impl Strategy<Value = (u64, AxisChunks)> {
        let regular = (0_u64..20, 1_u64..7).prop_map(|(n, length)| (n, AxisChunks::Regular { length }));
        let listed = proptest::collection::vec(1_u64..6, 0..6)
            .prop_map(|lengths| (lengths.iter().sum(), AxisChunks::listed(0, &lengths).unwrap()));
        prop_oneof![regular, listed]
    }

    proptest! {
        #[test]
        fn every_selected_element_is_found_once_in_the_right_place(
            cuts in proptest::collection::vec(cut(), 1..4),
            starts in proptest::collection::vec((-22_i64..22, -22_i64..22, 1_i64..8), 3),
        ) {
            let shape: Vec<u64> = cuts.iter().map(|c| c.0).collect();
            let grid = ChunkGrid::new(&shape, cuts.into_iter().map(|c| c.1).collect()).unwrap();
            let slices: Vec<Slice> = starts.iter().take(shape.len())
                .map(|&(a, b, s)| Slice::Range { start: Some(a), stop: Some(b), step: Some(s) }).collect();
            let slab = Hyperslab::resolve(&slices, &shape).unwrap();
            let mut found = 0;
            let touching = grid.touching(&slab);
            prop_assert_eq!(touching.clone().count() as u64, touching.chunk_count());
            for (place, chunk) in (0..).zip(touching.clone()) {
                prop_assert_eq!(touching.find(chunk.number), Some((place, chunk.clone())));
                prop_assert_eq!(grid.number(&chunk.index()), Some(chunk.number));
                let origin = grid.chunk_origin(&chunk.index());
                for ((part, range), origin) in chunk.axes.iter().zip(slab.axes()).zip(origin) {
                    for (k, p) in part.within.positions().enumerate() {
                        let global = range.start() + (part.output_start + k as u64) * range.stride();
                        prop_assert_eq!(origin + p, global);
                    }
                }
                found += chunk.len();
            }
            prop_assert_eq!(found, slab.len());
            for (axis, most) in touching.part_counts_max().enumerate() {
                let longest = touching.clone().map(|chunk| chunk.axes[axis].within.count()).max().unwrap_or(most);
                prop_assert!(longest <= most && most <= longest + 1, "{longest} {most}");
            }
            let even = |part: &AxisPart| part.chunk.is_multiple_of(2);
            let left = grid.touching(&slab).retain(0, even);
            let expected: Vec<_> = grid.touching(&slab).filter(|chunk| even(&chunk.axes[0])).collect();
            prop_assert_eq!(left.chunk_count(), expected.len() as u64);
            let longest = expected.iter().map(|chunk| chunk.axes[0].chunk_length).max().unwrap_or(0);
            if let Some((_, max)) = left.chunk_lengths().next() && !expected.is_empty() {
                prop_assert_eq!(max, longest);
            }
            for number in 0..grid.chunk_count() {
                let place = (0..).zip(&expected).find(|(_, chunk)| chunk.number == number).map(|(place, _)| place);
                prop_assert_eq!(left.find(number).map(|(place, _)| place), place);
            }
            // Boxes cover what the chunks in them do, in their order.
            let all: Vec<_> = grid.touching(&slab).collect();
            let places = starts.first().map_or(0, |start| start.0.unsigned_abs()) % (all.len() as u64 + 1);
            for (range, most) in [(places..all.len() as u64, u64::MAX), (0..places, 20)] {
                let mut next = range.start;
                let whole = grid.touching(&slab);
                let fits = |axes: &[AxisPart]| axes.iter().map(|part| part.within.count()).product::<u64>() <= most;
                for (place, count, covered) in whole.boxes(range.clone(), fits) {
                    prop_assert_eq!(place, next);
                    next += count;
                    prop_assert_eq!(whole.count_in(&covered.axes), count);
                    let inside = &all[usize::try_from(place).unwrap()..usize::try_from(next).unwrap()];
                    prop_assert_eq!(covered.number, inside[0].number);
                    prop_assert_eq!(covered.len(), inside.iter().map(ChunkSelection::len).sum::<u64>());
                }
                prop_assert_eq!(next, range.end);
            }
            prop_assert_eq!(left.collect::<Vec<_>>(), expected);
        }
    }
}
