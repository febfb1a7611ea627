//! Large chunks that are stored as they are, taken for many small ones.
//!
//! A chunk without codecs is nothing but its elements, so any run of them can be read by itself. A contiguous variable of a
//! terabyte is then read in parts like every other, and one element of it costs one part:
//!
//! ```text
//! chunk 0      ████████████████████████   one range
//! parts        █████ █████ █████ █████    rows of the first axis that is long enough, a range each
//! ```

use std::sync::Arc;

use rangefold_array::{AxisChunks, ByteRange, ChunkGrid, MemoryOrder};

use crate::{Manifest, ManifestArray, ManifestBuilder, Reference, ReferenceSet, StoredChunks};

/// Chunks up to this length are read whole.
const CHUNK_MAX: u64 = 1 << 20;
/// Parts are no longer than this, unless there would be more than [`PARTS_MAX`].
const PART_MAX: u64 = 256 << 10;
/// Parts of one array at the most.
const PARTS_MAX: u64 = 1 << 20;

impl ReferenceSet {
    /// The same set for reading, with chunks of more than a mebibyte that are stored without codecs cut into parts: the
    /// arrays have other chunks, and the same elements. Chunks whose reference has another length than their elements are
    /// left as they are.
    #[must_use]
    pub fn in_parts(mut self) -> Self {
        for (path, array) in &mut self.arrays {
            if let Some(parts) = in_parts(array) {
                let whole = std::mem::replace(array, parts);
                let stored = StoredChunks { grid: whole.meta.grid, manifest: whole.manifest };
                self.stored_chunks.insert(path.clone(), Arc::new(stored));
            }
        }
        self
    }
}

/// How the chunks of an array are cut.
struct Cut {
    /// The axis that is cut; those before it have one position in each part.
    axis: usize,
    /// Positions of a part along that axis.
    length: u64,
    /// Number of the first part of each chunk along that axis; empty if all chunks have this many.
    firsts: Vec<u64>,
    per_chunk: u64,
    grid: ChunkGrid,
}

fn in_parts(array: &ManifestArray) -> Option<ManifestArray> {
    let meta = &array.meta;
    if !meta.codecs.is_empty() || meta.order != MemoryOrder::RowMajor || array.manifest.is_empty() {
        return None;
    }
    let size = u64::try_from(meta.data_type.size()?).ok()?;
    let longest: Vec<u64> = meta
        .grid
        .axes()
        .iter()
        .map(|axis| match axis {
            AxisChunks::Regular { length } => *length,
            AxisChunks::Listed { bounds } => bounds
                .windows(2)
                .map(|pair| pair.last().copied().unwrap_or(0) - pair.first().copied().unwrap_or(0))
                .max()
                .unwrap_or(0),
        })
        .collect();
    let chunk_len = longest.iter().try_fold(size, |n, &length| n.checked_mul(length))?;
    if chunk_len <= CHUNK_MAX {
        return None;
    }
    let total = array.manifest.iter().fold(0_u64, |sum, (_, reference)| match reference {
        Reference::Range { range, .. } => sum.saturating_add(range.length()),
        Reference::Inline(_) | Reference::Whole { .. } => sum,
    });
    let cut = cut(&meta.grid, &longest, size, PART_MAX.max(total / PARTS_MAX))?;
    let manifest = cut.manifest(array, size)?;
    let mut parts = array.clone();
    (parts.meta.grid, parts.manifest) = (cut.grid, manifest);
    Some(parts)
}

/// Finds the cut that makes parts of at most about `most` bytes.
fn cut(grid: &ChunkGrid, longest: &[u64], size: u64, most: u64) -> Option<Cut> {
    let row = |axis: usize| longest.iter().skip(axis + 1).fold(size, |n, &length| n.saturating_mul(length));
    let axis = (0..longest.len()).find(|&axis| row(axis) <= most)?;
    let whole = *longest.get(axis)?;
    let wanted = (most / row(axis).max(1)).clamp(1, whole);
    let parts = whole.div_ceil(wanted);
    let (length, chunks) = (whole.div_ceil(parts), grid.axes().get(axis)?);
    let positions = *grid.shape().get(axis)?;
    let (along, firsts, per_chunk) = match chunks {
        AxisChunks::Regular { .. } if whole.is_multiple_of(length) => {
            (AxisChunks::Regular { length }, Vec::new(), whole / length)
        }
        _ => {
            let count = *grid.chunk_counts().get(axis)?;
            if count.saturating_mul(parts) > PARTS_MAX {
                return None;
            }
            let (mut lengths, mut firsts) = (Vec::new(), Vec::new());
            let mut index = vec![0; longest.len()];
            for chunk in 0..count {
                *index.get_mut(axis)? = chunk;
                let start = *grid.chunk_origin(&index).get(axis)?;
                let stored = *grid.chunk_shape(&index).get(axis)?;
                let mut left = stored.min(positions.saturating_sub(start));
                firsts.push(lengths.len() as u64);
                while left > 0 {
                    lengths.push(left.min(length));
                    left -= left.min(length);
                }
            }
            (AxisChunks::listed(axis, &lengths).ok()?, firsts, 0)
        }
    };
    let axes = grid.axes().iter().enumerate().map(|(i, chunks)| match i.cmp(&axis) {
        std::cmp::Ordering::Less => AxisChunks::Regular { length: 1 },
        std::cmp::Ordering::Equal => along.clone(),
        std::cmp::Ordering::Greater => chunks.clone(),
    });
    let grid = ChunkGrid::new(grid.shape(), axes.collect()).ok()?;
    Some(Cut { axis, length, firsts, per_chunk, grid })
}

impl Cut {
    /// A reference for each part of the chunks that there are; `None` if one of them is not just as long as its chunk.
    fn manifest(&self, array: &ManifestArray, size: u64) -> Option<Manifest> {
        let grid = &array.meta.grid;
        let mut builder = ManifestBuilder::new();
        for (number, reference) in array.manifest.iter() {
            let Reference::Range { url, range } = reference else { return None };
            let index = grid.index(number)?;
            let (origin, shape) = (grid.chunk_origin(&index), grid.chunk_shape(&index));
            let stored = shape.iter().try_fold(size, |n, &length| n.checked_mul(length))?;
            if stored != range.length() {
                return None;
            }
            let row = shape.iter().skip(self.axis + 1).fold(size, |n, &length| n.saturating_mul(length));
            let first = match self.firsts.get(usize::try_from(*index.get(self.axis)?).ok()?) {
                Some(first) => *first,
                None => index.get(self.axis)?.checked_mul(self.per_chunk)?,
            };
            let along = *shape.get(self.axis)?;
            let inside = |axis: usize| Some(grid.shape().get(axis)?.saturating_sub(*origin.get(axis)?));
            // Positions of the axes before, row-major, those beyond the end of the array left out.
            let mut outer = vec![0; self.axis];
            loop {
                let before = outer.iter().zip(&shape).fold(0_u64, |n, (&at, &length)| n * length + at);
                let mut start = 0;
                for part in 0.. {
                    if start >= along.min(inside(self.axis)?) {
                        break;
                    }
                    let mut place: Vec<u64> =
                        outer.iter().zip(&origin).map(|(at, origin)| origin + at).collect();
                    place.push(first + part);
                    place.extend(index.get(self.axis + 1..)?);
                    let number = self.grid.number(&place)?;
                    let length = *self.grid.chunk_shape(&place).get(self.axis)?;
                    let offset = before.checked_mul(along)?.checked_add(start)?.checked_mul(row)?;
                    let bytes =
                        ByteRange::new(range.offset().checked_add(offset)?, length.checked_mul(row)?)?;
                    builder.push(number, Reference::Range { url: url.clone(), range: bytes }).ok()?;
                    start += self.length;
                }
                let next = (0..self.axis).rev().find(|&axis| {
                    let end = shape.get(axis).copied().unwrap_or(0).min(inside(axis).unwrap_or(0));
                    outer.get(axis).is_some_and(|at| at + 1 < end)
                });
                let Some(next) = next else { break };
                for (axis, at) in outer.iter_mut().enumerate().skip(next) {
                    *at = if axis == next { *at + 1 } else { 0 };
                }
            }
        }
        builder.build(self.grid.chunk_count()).ok()
    }
}

#[cfg(test)]
mod tests {
    use rangefold_array::{ArrayMeta, DataType, ElementType};

    use super::*;
    use crate::Attributes;

    fn array(shape: &[u64], chunks: Vec<AxisChunks>) -> ManifestArray {
        let grid = ChunkGrid::new(shape, chunks).unwrap();
        let mut builder = ManifestBuilder::new();
        let mut offset = 100;
        for number in 0..grid.chunk_count() {
            let length = 4 * grid.chunk_len(&grid.index(number).unwrap()).unwrap();
            let range = ByteRange::new(offset, length).unwrap();
            builder.push(number, Reference::Range { url: "f".into(), range }).unwrap();
            offset += length + 7;
        }
        ManifestArray {
            manifest: builder.build(grid.chunk_count()).unwrap(),
            attributes: Attributes::default(),
            meta: ArrayMeta {
                data_type: DataType::little(ElementType::Float32),
                dimension_names: vec!["d".into(); shape.len()],
                grid,
                order: MemoryOrder::RowMajor,
                codecs: Vec::new(),
                fill_value: None,
            },
        }
    }

    /// Where in the object the element at `place` is.
    fn offset(array: &ManifestArray, place: &[u64]) -> Option<u64> {
        let grid = &array.meta.grid;
        let chunk = (0..grid.chunk_count()).find(|&number| {
            let index = grid.index(number).unwrap();
            let (origin, shape) = (grid.chunk_origin(&index), grid.chunk_shape(&index));
            place.iter().zip(origin.iter().zip(&shape)).all(|(p, (o, n))| (*o..o + n).contains(p))
        })?;
        let index = grid.index(chunk).unwrap();
        let (origin, shape) = (grid.chunk_origin(&index), grid.chunk_shape(&index));
        let within =
            place.iter().zip(origin.iter().zip(&shape)).fold(0, |n, (p, (o, len))| n * len + (p - o));
        let Some(Reference::Range { range, .. }) = array.manifest.get(chunk) else { return None };
        assert!(4 * within < range.length());
        Some(range.offset() + 4 * within)
    }

    fn check(shape: &[u64], chunks: Vec<AxisChunks>) -> usize {
        let whole = array(shape, chunks);
        let parts = in_parts(&whole).unwrap();
        for i in 0..200_u64 {
            let place: Vec<u64> =
                shape.iter().enumerate().map(|(axis, n)| (i * 7919 * (axis as u64 + 3)) % n).collect();
            assert_eq!(offset(&parts, &place), offset(&whole, &place), "{place:?}");
        }
        parts.manifest.len()
    }

    fn regular(length: u64) -> AxisChunks {
        AxisChunks::Regular { length }
    }

    #[test]
    fn every_element_of_a_part_is_where_it_was_in_its_chunk() {
        assert_eq!(check(&[1_000_000], vec![regular(1_000_000)]), 16);
        assert_eq!(check(&[999_983], vec![regular(400_000)]), 18);
        assert_eq!(check(&[5, 700, 301], vec![regular(2), regular(700), regular(301)]), 5 * 4);
        assert_eq!(check(&[3, 100_000], vec![regular(3), regular(100_000)]), 6);
        let months = AxisChunks::listed(0, &[310, 280]).unwrap();
        assert_eq!(check(&[590, 1000], vec![months, regular(1000)]), 5 + 5);
    }

    #[test]
    fn what_is_small_compressed_or_of_another_length_stays() {
        assert!(in_parts(&array(&[1000], vec![regular(1000)])).is_none());
        let mut columns = array(&[1000, 1000], vec![regular(1000), regular(1000)]);
        columns.meta.order = MemoryOrder::ColumnMajor;
        assert!(in_parts(&columns).is_none());
        let mut other = array(&[1000, 1000], vec![regular(1000), regular(1000)]);
        other.meta.data_type = DataType::little(ElementType::Float64);
        assert!(in_parts(&other).is_none());
    }
}
