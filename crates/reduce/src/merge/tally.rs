//! How many values of a cell lie in which range of ranks, where the values themselves do not fit in memory.

use std::ops::RangeInclusive;

use crate::chunk::sift::Sifted;

/// How many values of one cell lie in each of many ranges of ranks.
#[derive(Clone, Debug)]
pub struct Tally {
    windows: Vec<RankWindow>,
}

/// A window of ranks in equal parts.
#[derive(Clone, Debug)]
struct RankWindow {
    low: u64,
    high: u64,
    /// Two to the power of this is the width of a part.
    shift: u32,
    counts: Vec<u64>,
    /// The smallest and the largest rank that was seen.
    seen: Option<(u64, u64)>,
}

/// A part of a window, and what is known of the values in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bin {
    /// Ranks.
    pub ranks: RangeInclusive<u64>,
    /// Values of the window that rank below.
    pub below: u64,
    /// Values in it.
    pub count: u64,
}

impl Tally {
    /// Nothing counted yet in these windows, with `bins` counters of 8 bytes for all of them together, but two for each at
    /// least.
    #[must_use]
    pub fn new(windows: &[RangeInclusive<u64>], bins: u64) -> Self {
        let parts = (bins / (windows.len() as u64).max(1)).max(2);
        let window = |ranks: &RangeInclusive<u64>| {
            let (low, high) = (*ranks.start(), *ranks.end());
            let shift = (0..u64::BITS).find(|&s| (high.saturating_sub(low) >> s) < parts).unwrap_or(63);
            let last = usize::try_from(high.saturating_sub(low) >> shift).unwrap_or(0);
            RankWindow { low, high, shift, counts: vec![0; last + 1], seen: None }
        };
        Self { windows: windows.iter().map(window).collect() }
    }

    /// Counts values; those of cell `i` are in window `i`.
    pub fn add(&mut self, values: &[Sifted]) {
        for &(number, rank) in values {
            let Some(window) = self.windows.get_mut(number as usize) else { continue };
            let part = rank.saturating_sub(window.low) >> window.shift;
            if let Some(count) = usize::try_from(part).ok().and_then(|part| window.counts.get_mut(part)) {
                *count += 1;
                let (low, high) = window.seen.unwrap_or((rank, rank));
                window.seen = Some((low.min(rank), high.max(rank)));
            }
        }
    }

    /// Adds what was counted in the same windows elsewhere.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.windows.iter_mut().zip(&other.windows) {
            mine.counts.iter_mut().zip(&theirs.counts).for_each(|(mine, n)| *mine += n);
            let ends = mine.seen.into_iter().chain(theirs.seen);
            mine.seen = ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        }
    }

    /// Values in a window.
    #[must_use]
    pub fn count(&self, window: usize) -> u64 {
        self.windows.get(window).map_or(0, |window| window.counts.iter().sum())
    }

    /// The part of a window that holds the value at `place` of its values in ascending order.
    #[must_use]
    pub fn bin(&self, window: usize, place: u64) -> Option<Bin> {
        let window = self.windows.get(window)?;
        let (smallest, largest) = window.seen?;
        let mut below = 0;
        for (part, &count) in (0_u64..).zip(&window.counts) {
            if place < below + count {
                let low = window.low + (part << window.shift);
                let high = low.saturating_add((1 << window.shift) - 1).min(window.high);
                return Some(Bin { ranks: low.max(smallest)..=high.min(largest), below, count });
            }
            below += count;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_leads_to_ever_narrower_ranges_that_hold_the_value() {
        let ranks: Vec<u64> = (0..1000).map(|k| (1 << 63) + k * k * 1_000_003).collect();
        let mut window = 0..=u64::MAX;
        let mut place = 700;
        let mut passes = 0;
        while window.start() < window.end() {
            let inside = ranks.iter().filter(|rank| window.contains(rank));
            let values: Vec<Sifted> = inside.map(|&rank| (0, rank)).collect();
            let windows = [window.clone()];
            let (mut tally, mut other) = (Tally::new(&windows, 1 << 20), Tally::new(&windows, 1 << 20));
            let (some, others) = values.split_at(values.len() / 3);
            tally.add(some);
            other.add(others);
            tally.merge(&other);
            let bin = tally.bin(0, place).unwrap();
            assert!(bin.ranks.contains(&ranks[700]) && bin.count <= tally.count(0));
            place -= bin.below;
            window = bin.ranks;
            passes += 1;
        }
        assert_eq!((*window.start(), passes), (ranks[700], 3));
    }
}
