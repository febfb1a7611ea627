//! Where the chunks of one dataset lie: a table by column.
//!
//! ```text
//! number   address   size   filter mask
//!      0      4096   1 310            0     rows are sorted by chunk number: row-major over the
//!      1      5406   1 287            0     grid of the current extent
//!      3      6693   1 299            0     chunk 2 was never stored: it reads as the fill value
//! ```
//!
//! A million chunks take 8 to 28 MB: a column whose values are all alike, or all implied, is not stored, and one whose
//! values fit 32 bits takes 32 bits.

use crate::error::Problem;
use crate::format::cursor::widen;
use crate::limits;
use crate::range::ByteRange;

/// The stored chunks of one dataset, in row-major order of the current extent.
///
/// Chunks that were never stored are absent. So are stale ones: chunks outside the extent, which stay in the index
/// when a dataset is shrunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkTable {
    grid: ChunkGrid,
    /// `None` if row `i` is chunk `i`.
    numbers: Option<Column>,
    addresses: Vec<u64>,
    sizes: Column,
    /// `None` if every mask is zero.
    filter_masks: Option<Vec<u32>>,
}

/// One stored chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Row-major position in the grid of the current extent.
    pub number: u64,
    /// Where the encoded bytes are; absolute in the file.
    pub range: ByteRange,
    /// Bit `i` is set if filter `i` of the pipeline was not applied to this chunk.
    pub filter_mask: u32,
}

impl ChunkTable {
    /// Number of stored chunks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.addresses.len()
    }

    /// Whether no chunk is stored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty()
    }

    /// The grid in which chunks are numbered.
    #[must_use]
    pub fn grid(&self) -> &ChunkGrid {
        &self.grid
    }

    /// The chunk with that number, unless it was never stored or there is no such chunk.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<Chunk> {
        let row = match &self.numbers {
            None => usize::try_from(number).ok()?,
            Some(numbers) => numbers.binary_search(number)?,
        };
        self.row(row)
    }

    /// The stored chunks by rising number.
    pub fn iter(&self) -> impl Iterator<Item = Chunk> + '_ {
        (0..self.len()).filter_map(|row| self.row(row))
    }

    /// Gives back the room that was reserved for chunks outside the extent.
    fn shrink_to_fit(&mut self) {
        self.addresses.shrink_to_fit();
        self.sizes.shrink_to_fit();
        self.numbers.iter_mut().for_each(Column::shrink_to_fit);
        self.filter_masks.iter_mut().for_each(Vec::shrink_to_fit);
    }

    fn row(&self, row: usize) -> Option<Chunk> {
        let address = *self.addresses.get(row)?;
        let number = match &self.numbers {
            None => u64::try_from(row).ok()?,
            Some(numbers) => numbers.get(row)?,
        };
        let filter_mask = match &self.filter_masks {
            None => 0,
            Some(masks) => *masks.get(row)?,
        };
        Some(Chunk { number, range: ByteRange::new(address, self.sizes.get(row)?), filter_mask })
    }
}

/// How many chunks cover an extent, and how they are numbered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkGrid {
    counts: Vec<u64>,
    chunk_count: u64,
}

impl ChunkGrid {
    /// Covers `shape` with chunks of `chunk_shape`, both in elements.
    ///
    /// # Errors
    ///
    /// [`Problem::Malformed`] if the ranks differ or are zero, or a chunk has an extent of zero;
    /// [`Problem::Unsupported`] if chunk numbers do not fit 64 bits.
    pub fn new(shape: &[u64], chunk_shape: &[u64]) -> Result<Self, Problem> {
        if shape.len() != chunk_shape.len() || shape.is_empty() {
            return Err(Problem::malformed(format!(
                "chunks have {} dimensions but the dataspace has {}",
                chunk_shape.len(),
                shape.len()
            )));
        }
        if chunk_shape.contains(&0) {
            return Err(Problem::malformed(format!("chunk shape {chunk_shape:?} has an extent of zero")));
        }
        let counts: Vec<u64> =
            shape.iter().zip(chunk_shape).map(|(extent, chunk)| extent.div_ceil(*chunk)).collect();
        let chunk_count = if counts.contains(&0) {
            0
        } else {
            counts.iter().try_fold(1_u64, |product, count| product.checked_mul(*count)).ok_or_else(|| {
                Problem::unsupported(format!("a grid of {counts:?} chunks, more than 64 bits can number,"))
            })?
        };
        Ok(Self { counts, chunk_count })
    }

    /// Chunks along each dimension.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Chunks in the whole grid, stored or not.
    #[must_use]
    pub fn chunk_count(&self) -> u64 {
        self.chunk_count
    }

    /// The number of the chunk at `position`, counted in chunks; `None` outside the grid.
    #[must_use]
    pub fn number(&self, position: &[u64]) -> Option<u64> {
        if position.len() != self.counts.len() {
            return None;
        }
        self.counts.iter().zip(position).try_fold(0_u64, |number, (count, index)| {
            if index >= count {
                return None;
            }
            number.checked_mul(*count)?.checked_add(*index)
        })
    }

    /// The position of chunk `number`, counted in chunks; `None` outside the grid.
    #[must_use]
    pub fn position(&self, number: u64) -> Option<Vec<u64>> {
        if number >= self.chunk_count {
            return None;
        }
        let mut rest = number;
        let mut position = vec![0; self.counts.len()];
        for (index, count) in position.iter_mut().zip(&self.counts).rev() {
            *index = rest.checked_rem(*count)?;
            rest = rest.checked_div(*count)?;
        }
        Some(position)
    }
}

/// Collects chunks in any order; those that come by rising number cost no sorting.
#[derive(Debug)]
pub struct ChunkTableBuilder {
    /// The chunks in the order they came.
    table: ChunkTable,
    /// Number of the last chunk.
    last: Option<u64>,
    /// Whether every chunk came after those with smaller numbers.
    rising: bool,
}

impl ChunkTableBuilder {
    /// A table without chunks.
    #[must_use]
    pub fn new(grid: ChunkGrid) -> Self {
        let table = ChunkTable {
            grid,
            numbers: None,
            addresses: Vec::new(),
            sizes: Column::Constant(0),
            filter_masks: None,
        };
        Self { table, last: None, rising: true }
    }

    /// Makes room for `rows` more chunks: as many as the bytes already read vouch for.
    pub fn reserve(&mut self, rows: usize) {
        self.table.addresses.reserve_exact(rows);
    }

    /// The grid in which chunks are numbered.
    #[must_use]
    pub fn grid(&self) -> &ChunkGrid {
        &self.table.grid
    }

    /// Adds a chunk.
    ///
    /// # Errors
    ///
    /// [`Problem::Malformed`] if the grid has no such chunk or the bytes end beyond 64 bits; [`Problem::Limit`] if
    /// there are too many.
    pub fn push(&mut self, chunk: Chunk) -> Result<(), Problem> {
        let Chunk { number, range, filter_mask } = chunk;
        let table = &mut self.table;
        if number >= table.grid.chunk_count {
            return Err(Problem::malformed(format!(
                "chunk {number} is indexed but the grid ends at {}",
                table.grid.chunk_count
            )));
        }
        if range.offset.checked_add(range.length).is_none() {
            return Err(Problem::malformed(format!(
                "chunk {number} has {} bytes at address {}, beyond 64 bits",
                range.length, range.offset
            )));
        }
        let row = table.addresses.len();
        if row >= limits::CHUNKS_MAX {
            return Err(Problem::Limit {
                what: "the number of stored chunks",
                limit: widen(limits::CHUNKS_MAX),
                found: table.grid.chunk_count,
            });
        }
        let room = table.addresses.capacity();
        match &mut table.numbers {
            None if number == widen(row) => {}
            None => {
                let mut numbers = Column::counting(row, room);
                numbers.push(row, room, number);
                table.numbers = Some(numbers);
            }
            Some(numbers) => numbers.push(row, room, number),
        }
        match &mut table.filter_masks {
            None if filter_mask == 0 => {}
            None => {
                let mut masks = Vec::with_capacity(room);
                masks.resize(row, 0);
                masks.push(filter_mask);
                table.filter_masks = Some(masks);
            }
            Some(masks) => masks.push(filter_mask),
        }
        table.sizes.push(row, room, range.length);
        table.addresses.push(range.offset);
        self.rising &= self.last.is_none_or(|last| last < number);
        self.last = Some(number);
        Ok(())
    }

    /// The table, sorted by number.
    ///
    /// # Errors
    ///
    /// [`Problem::Malformed`] if a chunk was added twice.
    pub fn finish(self) -> Result<ChunkTable, Problem> {
        if self.rising {
            let mut table = self.table;
            table.shrink_to_fit();
            return Ok(table);
        }
        // The stable sort is the faster one here: indexes give a few long runs that are sorted already.
        let mut rows: Vec<Chunk> = self.table.iter().collect();
        rows.sort_by_key(|chunk| chunk.number);
        let twice = rows.iter().zip(rows.iter().skip(1)).find(|(chunk, next)| chunk.number == next.number);
        if let Some((chunk, next)) = twice {
            return Err(Problem::malformed(format!(
                "chunk {} is indexed twice, at addresses {} and {}",
                chunk.number, chunk.range.offset, next.range.offset
            )));
        }
        let mut sorted = Self::new(self.table.grid);
        sorted.reserve(rows.len());
        rows.into_iter().try_for_each(|chunk| sorted.push(chunk))?;
        Ok(sorted.table)
    }
}

/// Numbers, as narrow as they allow.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Column {
    Constant(u64),
    Narrow(Vec<u32>),
    Wide(Vec<u64>),
}

impl Column {
    /// The numbers from 0 to `rows`, without it; `room` rows will be needed.
    fn counting(rows: usize, room: usize) -> Self {
        let mut column = Self::Constant(0);
        (0..rows).for_each(|row| column.push(row, room, widen(row)));
        column
    }

    /// Adds the value of `row`, the next one; `room` rows will be needed.
    fn push(&mut self, row: usize, room: usize, value: u64) {
        match self {
            Self::Constant(constant) if row == 0 => *constant = value,
            Self::Constant(constant) if *constant == value => {}
            Self::Constant(constant) => {
                let constant = *constant;
                *self = Self::Narrow(Vec::with_capacity(room));
                (0..row).for_each(|row| self.push(row, room, constant));
                self.push(row, room, value);
            }
            Self::Narrow(values) => match u32::try_from(value) {
                Ok(value) => values.push(value),
                Err(_) => {
                    let mut wide = Vec::with_capacity(room.max(values.len().saturating_add(1)));
                    wide.extend(values.iter().copied().map(u64::from));
                    wide.push(value);
                    *self = Self::Wide(wide);
                }
            },
            Self::Wide(values) => values.push(value),
        }
    }

    fn shrink_to_fit(&mut self) {
        match self {
            Self::Constant(_) => {}
            Self::Narrow(values) => values.shrink_to_fit(),
            Self::Wide(values) => values.shrink_to_fit(),
        }
    }

    fn get(&self, row: usize) -> Option<u64> {
        match self {
            Self::Constant(value) => Some(*value),
            Self::Narrow(values) => values.get(row).map(|value| u64::from(*value)),
            Self::Wide(values) => values.get(row).copied(),
        }
    }

    /// The row that holds `value`, where the values rise.
    fn binary_search(&self, value: u64) -> Option<usize> {
        match self {
            Self::Constant(constant) => (*constant == value).then_some(0),
            Self::Narrow(values) => values.binary_search(&u32::try_from(value).ok()?).ok(),
            Self::Wide(values) => values.binary_search(&value).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(number: u64, offset: u64, length: u64, filter_mask: u32) -> Chunk {
        Chunk { number, range: ByteRange::new(offset, length), filter_mask }
    }

    fn table(counts: &[u64], chunks: &[Chunk]) -> Result<ChunkTable, Problem> {
        let grid = ChunkGrid::new(counts, &vec![1; counts.len()])?;
        let mut builder = ChunkTableBuilder::new(grid);
        for chunk in chunks {
            builder.push(*chunk)?;
        }
        builder.finish()
    }

    #[test]
    fn rows_come_out_sorted_whatever_the_order_they_went_in() {
        let rows = [chunk(4, 10, 5, 0), chunk(0, 20, 6, 1), chunk(2, 30, 7, 0)];
        let table = table(&[2, 3], &rows).unwrap();
        assert_eq!(table.iter().collect::<Vec<_>>(), [rows[1], rows[2], rows[0]]);
        assert_eq!(table.get(2), Some(rows[2]));
        assert_eq!(table.get(1), None);
        assert_eq!(table.get(6), None);
        assert_eq!(table.len(), 3);
    }

    #[test]
    fn columns_that_say_nothing_are_not_stored() {
        let dense = table(&[3], &[chunk(0, 100, 8, 0), chunk(1, 108, 8, 0), chunk(2, 116, 8, 0)]).unwrap();
        assert_eq!(dense.numbers, None);
        assert_eq!(dense.sizes, Column::Constant(8));
        assert_eq!(dense.filter_masks, None);
        assert_eq!(dense.get(2), Some(chunk(2, 116, 8, 0)));
        assert_eq!(dense.get(3), None);

        let one = table(&[9], &[chunk(7, 100, 8, 0)]).unwrap();
        assert_eq!(one.get(7), Some(chunk(7, 100, 8, 0)));
        assert_eq!(one.get(0), None);
    }

    #[test]
    fn sizes_beyond_32_bits_survive() {
        let rows = [chunk(0, 0, 5 << 32, 0), chunk(1, 1 << 40, 3, 0)];
        assert_eq!(table(&[2], &rows).unwrap().iter().collect::<Vec<_>>(), rows);
    }

    #[test]
    fn a_chunk_twice_or_outside_the_grid_is_an_error() {
        let twice = table(&[4], &[chunk(1, 10, 1, 0), chunk(1, 20, 1, 0)]).unwrap_err();
        assert!(twice.to_string().starts_with("chunk 1 is indexed twice"), "{twice}");
        let outside = table(&[4], &[chunk(4, 10, 1, 0)]).unwrap_err();
        assert_eq!(outside.to_string(), "chunk 4 is indexed but the grid ends at 4");
        assert!(table(&[4], &[chunk(0, u64::MAX, 2, 0)]).is_err());
    }

    #[test]
    fn numbers_and_positions_undo_each_other() {
        let grid = ChunkGrid::new(&[5, 7, 1], &[2, 3, 4]).unwrap();
        assert_eq!(grid.counts(), [3, 3, 1]);
        for number in 0..grid.chunk_count() {
            assert_eq!(grid.number(&grid.position(number).unwrap()), Some(number));
        }
        assert_eq!(grid.position(9), None);
        assert_eq!(grid.number(&[0, 3, 0]), None);
        assert_eq!(grid.number(&[0, 0]), None);
    }

    #[test]
    fn impossible_grids_are_refused_and_empty_ones_have_no_chunks() {
        assert!(ChunkGrid::new(&[], &[]).is_err());
        assert!(ChunkGrid::new(&[4], &[2, 2]).is_err());
        assert!(ChunkGrid::new(&[4], &[0]).is_err());
        assert!(matches!(ChunkGrid::new(&[1 << 40, 1 << 40], &[1, 1]), Err(Problem::Unsupported(_))));
        assert_eq!(ChunkGrid::new(&[1 << 40, 1 << 40, 0], &[1, 1, 1]).unwrap().chunk_count(), 0);
    }
}
