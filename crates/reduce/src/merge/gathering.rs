//! The values of some cells, all of them in memory.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::chunk::sift::Sifted;

/// Parts of a [`Gathering`] that are added to at the same time.
const SHARDS: usize = 64;

/// All values of some cells, in memory: 4 bytes each if their ranks fit, else 8.
#[derive(Debug)]
pub struct Gathering {
    /// Consecutive cells.
    shards: Vec<Mutex<Shard>>,
    /// Cells in each but the last.
    shard_len: usize,
}

/// The values of some consecutive cells.
#[derive(Debug)]
struct Shard {
    /// The first cell.
    first: usize,
    /// Where the values of each cell begin.
    starts: Vec<usize>,
    /// How many each cell has.
    counts: Vec<usize>,
    ranks: Ranks,
    /// Values that had no room.
    lost: u64,
}

#[derive(Debug)]
enum Ranks {
    Narrow(Vec<u32>),
    Wide(Vec<u64>),
}

impl Gathering {
    /// Room for at most so many values of each cell, whose ranks are not above `rank_max`.
    #[must_use]
    pub fn new(capacities: &[u64], rank_max: u64) -> Self {
        let shard_len = capacities.len().div_ceil(SHARDS).max(1);
        let shards = capacities.chunks(shard_len).enumerate();
        let shard = |(number, capacities)| Mutex::new(Shard::new(number * shard_len, capacities, rank_max));
        Self { shards: shards.map(shard).collect(), shard_len }
    }

    /// Bytes for so many cells and values, whose ranks are not above `rank_max`.
    #[must_use]
    pub fn len_of(cells: u64, values: u64, rank_max: u64) -> u64 {
        let rank_len = if u32::try_from(rank_max).is_ok() { size_of::<u32>() } else { size_of::<u64>() };
        cells.saturating_mul(16).saturating_add(values.saturating_mul(rank_len as u64))
    }

    /// Adds values, in any order.
    pub fn add(&self, values: &[Sifted]) {
        let mut rest = values;
        while let Some(&(cell, _)) = rest.first() {
            let number = cell as usize / self.shard_len;
            let here = rest.iter().take_while(|(cell, _)| *cell as usize / self.shard_len == number).count();
            let (values, others) = rest.split_at(here);
            // What belongs to no cell is lost in the last shard.
            if let Some(shard) = self.shards.get(number).or(self.shards.last()) {
                lock(shard).add(values);
            }
            rest = others;
        }
    }

    /// Whether every value found room. If not, there were more than the plan selects.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.shards.iter().all(|shard| lock(shard).lost == 0)
    }

    /// Number of values of a cell.
    #[must_use]
    pub fn count(&self, cell: usize) -> u64 {
        let shard = self.shards.get(cell / self.shard_len).map(lock);
        shard.and_then(|shard| shard.counts.get(cell - shard.first).copied()).unwrap_or(0) as u64
    }

    /// The rank at `place` of the values of a cell in ascending order, and the one after it: itself if it is the last.
    #[must_use]
    pub fn pair(&self, cell: usize, place: u64) -> Option<(u64, u64)> {
        fn select<R: Copy + Ord + Into<u64>>(ranks: &mut [R], place: usize) -> (u64, u64) {
            let (_, &mut low, above) = ranks.select_nth_unstable(place);
            (low.into(), above.iter().min().copied().unwrap_or(low).into())
        }
        let mut shard = self.shards.get(cell / self.shard_len).map(lock)?;
        let shard = &mut *shard;
        let cell = cell - shard.first;
        let (&start, &count) = (shard.starts.get(cell)?, shard.counts.get(cell)?);
        let place = usize::try_from(place).ok().filter(|place| *place < count)?;
        let values = start..start.checked_add(count)?;
        Some(match &mut shard.ranks {
            Ranks::Narrow(ranks) => select(ranks.get_mut(values)?, place),
            Ranks::Wide(ranks) => select(ranks.get_mut(values)?, place),
        })
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shard {
    fn new(first: usize, capacities: &[u64], rank_max: u64) -> Self {
        let mut end = 0_usize;
        let mut starts = Vec::with_capacity(capacities.len());
        for &capacity in capacities {
            starts.push(end);
            end = end.saturating_add(usize::try_from(capacity).unwrap_or(usize::MAX));
        }
        let ranks = match u32::try_from(rank_max) {
            Ok(_) => Ranks::Narrow(vec![0; end]),
            Err(_) => Ranks::Wide(vec![0; end]),
        };
        Self { first, starts, counts: vec![0; capacities.len()], ranks, lost: 0 }
    }

    fn add(&mut self, values: &[Sifted]) {
        match &mut self.ranks {
            Ranks::Narrow(ranks) => {
                let narrow = |rank| u32::try_from(rank).ok();
                self.lost += put(values, narrow, self.first, &self.starts, &mut self.counts, ranks);
            }
            Ranks::Wide(ranks) => {
                self.lost += put(values, Some, self.first, &self.starts, &mut self.counts, ranks);
            }
        }
    }
}

/// Puts each value behind those that its cell has, and tells how many had no room.
fn put<R: Copy>(
    values: &[Sifted],
    stored: impl Fn(u64) -> Option<R>,
    first: usize,
    starts: &[usize],
    counts: &mut [usize],
    ranks: &mut [R],
) -> u64 {
    let mut lost = 0;
    for &(cell, rank) in values {
        let cell = cell as usize - first;
        let end = starts.get(cell + 1).copied().unwrap_or(ranks.len());
        let place = starts.get(cell).zip(counts.get_mut(cell)).and_then(|(start, count)| {
            let place = start + *count;
            *count += 1;
            (place < end).then(|| ranks.get_mut(place)).flatten()
        });
        match (place, stored(rank)) {
            (Some(place), Some(rank)) => *place = rank,
            _ => lost += 1,
        }
    }
    lost
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gathering_finds_a_value_and_its_neighbour_and_tells_of_values_too_many() {
        for rank_max in [u64::from(u32::MAX), u64::MAX] {
            let gathering = Gathering::new(&[3, 0, 1], rank_max);
            gathering.add(&[(0, 9), (2, 4), (0, 1), (0, 5)]);
            assert_eq!((gathering.pair(0, 1), gathering.pair(0, 2)), (Some((5, 9)), Some((9, 9))));
            assert_eq!((gathering.pair(1, 0), gathering.count(2), gathering.is_whole()), (None, 1, true));
            gathering.add(&[(1, 7)]);
            assert!(!gathering.is_whole());
        }
        let wide = Gathering::new(&[1], u64::MAX);
        wide.add(&[(0, u64::MAX)]);
        assert_eq!(wide.pair(0, 0), Some((u64::MAX, u64::MAX)));
        let narrow = Gathering::new(&[1; 200], 7);
        narrow.add(&[(199, 3), (200, 3)]);
        assert_eq!(
            (narrow.pair(199, 0), narrow.pair(200, 0), narrow.is_whole()),
            (Some((3, 3)), None, false)
        );
        assert_eq!((Gathering::len_of(2, 10, 7), Gathering::len_of(2, 10, u64::MAX)), (72, 112));
    }
}
