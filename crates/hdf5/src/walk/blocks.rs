//! The bytes of a file that are in memory, and the needs of everyone who waits for more.
//!
//! Reading here does no I/O. A read that is not in memory notes its need and is pending; a driver polls the whole walk
//! until nothing can go on, fetches the union of all needs in one round of parallel requests, and polls again:
//!
//! ```text
//!  walk ──read──► Blocks ──pending──► needs ─┐
//!    ▲                                       ▼ minus what is held, rounded, merged
//!    └──wake── bytes ◄── one round of ranged reads
//! ```
//! So `walk` reads like the specification, every round serves the whole file, and no runtime is assumed.

use std::collections::{BTreeMap, HashSet};
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};

use crate::error::{Error, Problem};
use crate::format::cursor::widen;
use crate::limits::{BLOCK_LEN_MAX, PARSED_FILES_MAX, PARSED_LEN_MAX, PARSED_LEN_MIN};
use crate::range::ByteRange;

/// How needs become requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Merge {
    /// Requests begin and end at multiples of this many bytes.
    pub(crate) alignment: u64,
    /// Two requests with at most this many bytes between them become one.
    pub(crate) gap: u64,
    /// Longer requests are split, to be fetched in parallel.
    pub(crate) length_max: u64,
    /// Bytes that a whole walk may fetch without need, for the sake of fewer requests. Where more is needed than that
    /// and the head of the file, as many as are needed beyond the head.
    pub(crate) waste: u64,
}

/// The bytes of one file that are in memory.
pub(crate) struct Blocks {
    state: Mutex<State>,
}

/// Among what a structure lies in a file with paged aggregation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pages {
    /// Other metadata: nearly all structures.
    Metadata,
    /// Raw data: global heaps.
    Raw,
}

struct State {
    /// Bytes in memory by their offset; entries do not overlap.
    held: BTreeMap<u64, Bytes>,
    size: u64,
    /// Of metadata.
    needs: Vec<ByteRange>,
    /// Of what lies among raw data.
    raw_needs: Vec<ByteRange>,
    waiting: Vec<Waker>,
    /// Bytes handed out so far.
    parsed: u64,
    /// Bytes of the beginning of the file that were in memory before anyone asked.
    head: u64,
    /// Bytes that were asked for so far, not counting what was in memory already.
    asked: u64,
    /// Bytes in memory that nobody had asked for when they were fetched.
    wasted: u64,
    /// Page size of a file with paged aggregation.
    page_size: Option<u64>,
}

impl Blocks {
    /// Nothing is in memory yet of a file of `size` bytes.
    pub(crate) fn new(size: u64) -> Self {
        Self {
            state: Mutex::new(State {
                held: BTreeMap::new(),
                size,
                needs: Vec::new(),
                raw_needs: Vec::new(),
                waiting: Vec::new(),
                parsed: 0,
                head: 0,
                asked: 0,
                wasted: 0,
                page_size: None,
            }),
        }
    }

    /// The beginning of a file of `size` bytes is in memory.
    pub(crate) fn with_head(size: u64, head: Bytes) -> Self {
        let blocks = Self::new(size);
        blocks.state().head = length(&head);
        blocks.insert(0, head);
        blocks
    }

    /// The same bytes, to be read on from without keeping what is read.
    pub(crate) fn detached(&self) -> Self {
        let state = self.state();
        let blocks = Self::new(state.size);
        blocks.state().held.clone_from(&state.held);
        blocks
    }

    /// Length of the file in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.state().size
    }

    /// Says that metadata lies together in pages of that many bytes.
    pub(crate) fn set_page_size(&self, page_size: u64) {
        self.state().page_size = Some(page_size);
    }

    /// The bytes of `range`, which belong to a `structure`.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`] if the file ends before the range does, [`Problem::Limit`] if the range is longer than any
    /// structure should be, or if structures were read over and over.
    pub(crate) async fn read(&self, structure: &'static str, range: ByteRange) -> Result<Bytes, Error> {
        self.state().admit(structure, range)?;
        Ok(poll_fn(|cx| {
            let mut state = self.state();
            match state.held(range) {
                Some(bytes) => Poll::Ready(bytes),
                None => state.pend(&[range], Pages::Metadata, cx),
            }
        })
        .await)
    }

    /// The bytes of every range, in order; all are asked for at once.
    ///
    /// # Errors
    ///
    /// As [`Blocks::read`], for the first range that fails.
    pub(crate) async fn read_many(
        &self,
        structure: &'static str,
        ranges: &[ByteRange],
    ) -> Result<Vec<Bytes>, Error> {
        {
            let mut state = self.state();
            ranges.iter().try_for_each(|range| state.admit(structure, *range))?;
        }
        let mut found = Vec::with_capacity(ranges.len());
        Ok(poll_fn(|cx| {
            let mut state = self.state();
            while let Some(range) = ranges.get(found.len()) {
                let Some(bytes) = state.held(*range) else {
                    let missing = ranges.get(found.len()..).unwrap_or_default();
                    return state.pend(missing, Pages::Metadata, cx);
                };
                found.push(bytes);
            }
            Poll::Ready(std::mem::take(&mut found))
        })
        .await)
    }

    /// The bytes of `least`, and up to `guess` bytes where that costs no request of its own.
    ///
    /// For a structure whose length is not known yet: what is in memory is taken as it is, and otherwise the guess is
    /// asked for, as far as the file reaches.
    ///
    /// # Errors
    ///
    /// As [`Blocks::read`], for the least range.
    pub(crate) async fn read_guess(
        &self,
        structure: &'static str,
        least: ByteRange,
        guess: u64,
        pages: Pages,
    ) -> Result<Bytes, Error> {
        self.state().admit(structure, least)?;
        let guess = self.up_to(least.offset, guess.max(least.length));
        Ok(poll_fn(|cx| {
            let mut state = self.state();
            match state.held_prefix(guess) {
                Some(bytes) if length(&bytes) >= least.length => Poll::Ready(bytes),
                _ => state.pend(&[guess], pages, cx),
            }
        })
        .await)
    }

    /// `length` bytes from `offset`, as far as the file reaches.
    pub(crate) fn up_to(&self, offset: u64, length: u64) -> ByteRange {
        ByteRange::new(offset, length.min(self.size().saturating_sub(offset)))
    }

    /// Asks for ranges in the next round without waiting for them. What lies outside the file is ignored.
    pub(crate) fn hint(&self, ranges: &[ByteRange]) {
        let mut state = self.state();
        for range in ranges {
            if range.end() <= state.size && state.held(*range).is_none() {
                state.needs.push(*range);
            }
        }
    }

    /// What must be fetched before anyone can go on; empty if nobody waits.
    pub(crate) fn take_needs(&self, merge: Merge) -> Vec<ByteRange> {
        let mut state = self.state();
        let needs = std::mem::take(&mut state.needs);
        if state.waiting.is_empty() {
            return Vec::new();
        }
        let mut needs = match state.page_size {
            Some(page_size) if (merge.alignment..=merge.length_max).contains(&page_size) => {
                state.read_pages(needs, page_size)
            }
            _ => needs,
        };
        needs.append(&mut state.raw_needs);
        let needs = missing(needs, &state.held);
        let asked = total(&needs);
        state.asked = state.asked.saturating_add(asked);
        // The head was fetched before anyone asked for it: that many bytes are not allowed again.
        let allowed = state.asked.saturating_sub(state.head).max(merge.waste).saturating_sub(state.wasted);
        let requests = plan(&needs, &state.held, state.size, Merge { waste: allowed, ..merge });
        state.wasted = state.wasted.saturating_add(total(&requests).saturating_sub(asked));
        requests
    }

    /// Everything that is not in memory yet.
    pub(crate) fn take_rest(&self, merge: Merge) -> Vec<ByteRange> {
        let mut state = self.state();
        state.needs.clear();
        state.raw_needs.clear();
        plan(&missing(vec![ByteRange::new(0, state.size)], &state.held), &state.held, state.size, merge)
    }

    /// Takes in fetched bytes. Bytes already held stay as they are.
    pub(crate) fn insert(&self, offset: u64, bytes: Bytes) {
        let mut state = self.state();
        for hole in holes(ByteRange::new(offset, length(&bytes)), &state.held) {
            let start = usize::try_from(hole.offset.saturating_sub(offset)).unwrap_or(usize::MAX);
            let len = usize::try_from(hole.length).unwrap_or(usize::MAX);
            let piece = bytes.slice(start..start.saturating_add(len));
            state.held.insert(hole.offset, piece);
        }
    }

    /// Lets everyone who waits look again.
    pub(crate) fn wake(&self) {
        let waiting = std::mem::take(&mut self.state().waiting);
        for waker in waiting {
            waker.wake();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is consistent between any two statements, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Refuses what cannot or should not be read.
    fn admit(&mut self, structure: &'static str, range: ByteRange) -> Result<(), Error> {
        let problem = if range.length > BLOCK_LEN_MAX {
            Problem::Limit { what: "the length", limit: BLOCK_LEN_MAX, found: range.length }
        } else if range.offset.checked_add(range.length).is_none_or(|end| end > self.size) {
            Problem::Truncated { needed: range.end(), available: self.size }
        } else {
            self.parsed = self.parsed.saturating_add(range.length);
            let limit = self.size.saturating_mul(PARSED_FILES_MAX).clamp(PARSED_LEN_MIN, PARSED_LEN_MAX);
            if self.parsed <= limit {
                return Ok(());
            }
            Problem::Limit { what: "the sum of all structures read", limit, found: self.parsed }
        };
        Err(problem.at(structure, range.offset))
    }

    /// Widens needs for metadata within their pages.
    ///
    /// A page is filled from its beginning, so what lies before a need is metadata too, and is asked for with it. What
    /// lies behind may be free: of that, as much is read ahead in all pages together as half of all that was asked for.
    fn read_pages(&self, mut needs: Vec<ByteRange>, page_size: u64) -> Vec<ByteRange> {
        needs.retain(|need| need.length > 0 && self.held(*need).is_none());
        needs.sort_unstable_by_key(|need| need.end());
        let mut pages: Vec<ByteRange> = Vec::new();
        for need in needs {
            let start = need.offset.saturating_sub(need.offset.checked_rem(page_size).unwrap_or(0));
            match pages.last_mut() {
                Some(last) if last.end() > start => {
                    let start = last.offset.min(start);
                    *last = ByteRange::new(start, need.end().saturating_sub(start));
                }
                _ => pages.push(ByteRange::new(start, need.end().saturating_sub(start))),
            }
        }
        let held = self.held.values().map(length);
        let missing = pages.iter().flat_map(|page| holes(*page, &self.held)).map(|hole| hole.length);
        let all = held.chain(missing).fold(0, u64::saturating_add);
        let ahead = (all / 2).checked_div(widen(pages.len())).unwrap_or(0);
        for page in &mut pages {
            let page_end = page.end().checked_next_multiple_of(page_size).unwrap_or(u64::MAX);
            let end = page.end().saturating_add(ahead).min(page_end).min(self.size.max(page.end()));
            page.length = end.saturating_sub(page.offset);
        }
        pages
    }

    /// The bytes of `range`, if all of them are in memory.
    fn held(&self, range: ByteRange) -> Option<Bytes> {
        if range.length == 0 {
            return Some(Bytes::new());
        }
        self.held_prefix(range).filter(|bytes| length(bytes) == range.length)
    }

    /// As many bytes from the beginning of `range` as are in memory without a hole.
    fn held_prefix(&self, range: ByteRange) -> Option<Bytes> {
        let (&offset, first) = self.held.range(..=range.offset).next_back()?;
        let skip = usize::try_from(range.offset.checked_sub(offset)?).ok()?;
        let want = usize::try_from(range.length).ok()?;
        if skip > first.len() || (skip == first.len() && want > 0) {
            return None;
        }
        let available = first.len().saturating_sub(skip);
        if want <= available {
            return Some(first.slice(skip..skip.saturating_add(want)));
        }
        let mut end = offset.saturating_add(length(first));
        let mut joined = BytesMut::from(first.get(skip..)?);
        for (&next, piece) in self.held.range(end..) {
            let missing = want.saturating_sub(joined.len());
            if next != end || missing == 0 {
                break;
            }
            joined.extend_from_slice(piece.get(..missing.min(piece.len()))?);
            end = end.saturating_add(length(piece));
        }
        Some(joined.freeze())
    }

    fn pend<T>(&mut self, ranges: &[ByteRange], pages: Pages, cx: &Context<'_>) -> Poll<T> {
        let needs = match pages {
            Pages::Metadata => &mut self.needs,
            Pages::Raw => &mut self.raw_needs,
        };
        needs.extend_from_slice(ranges);
        self.waiting.push(cx.waker().clone());
        Poll::Pending
    }
}

/// The parts of `needs` that are not in memory: in order, apart from each other.
fn missing(mut needs: Vec<ByteRange>, held: &BTreeMap<u64, Bytes>) -> Vec<ByteRange> {
    needs.sort_unstable();
    needs.dedup();
    let mut missing = needs.into_iter().flat_map(|need| holes(need, held)).collect::<Vec<_>>();
    missing.sort_unstable();
    joined(missing, |_| false)
}

fn total(ranges: &[ByteRange]) -> u64 {
    ranges.iter().fold(0, |total, range| total.saturating_add(range.length))
}

/// Turns needs that are missing into few requests, split where they are long.
///
/// Needs are rounded and holes up to [`Merge::gap`] are read through, as long as that fetches no more than
/// [`Merge::waste`] in vain. Where it would, as for the thousands of nodes of a large B-tree that lie among raw data, needs
/// stay as they are and the shortest holes are read through as far as that goes.
fn plan(needs: &[ByteRange], held: &BTreeMap<u64, Bytes>, size: u64, merge: Merge) -> Vec<ByteRange> {
    let rounded = needs.iter().map(|need| {
        let start = need.offset.saturating_sub(need.offset.checked_rem(merge.alignment).unwrap_or(0));
        let end = need.end().checked_next_multiple_of(merge.alignment).unwrap_or(u64::MAX).min(size);
        ByteRange::new(start, end.saturating_sub(start))
    });
    let trimmed = |requests: Vec<ByteRange>| -> Vec<ByteRange> {
        requests.into_iter().filter_map(|request| trim(request, held)).collect()
    };
    let mut requests = trimmed(joined(rounded, |hole| hole.length <= merge.gap));
    if total(&requests).saturating_sub(total(needs)) > merge.waste {
        let affordable = affordable(needs, merge);
        requests = trimmed(joined(needs.iter().copied(), |hole| affordable.contains(&hole.offset)));
    }
    requests.into_iter().flat_map(|request| split(request, merge.length_max)).collect()
}
/// Joins ranges in order of their offsets where they touch, overlap or have a hole between them that is to be read through.
fn joined(
    ranges: impl IntoIterator<Item = ByteRange>,
    read_through: impl Fn(ByteRange) -> bool,
) -> Vec<ByteRange> {
    let mut joined: Vec<ByteRange> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if hole(*last, range).is_none_or(&read_through) => {
                last.length = last.length.max(range.end().saturating_sub(last.offset));
            }
            _ => joined.push(range),
        }
    }
    joined
}

/// What lies between two ranges, the second of which begins no sooner than the first.
fn hole(first: ByteRange, second: ByteRange) -> Option<ByteRange> {
    let length = second.offset.checked_sub(first.end()).filter(|length| *length > 0)?;
    Some(ByteRange::new(first.end(), length))
}

/// Offsets of the shortest holes between `needs`: as many as can be read through within [`Merge::waste`].
fn affordable(needs: &[ByteRange], merge: Merge) -> HashSet<u64> {
    let pairs = needs.iter().zip(needs.iter().skip(1));
    let mut holes: Vec<_> = pairs.filter_map(|(first, second)| hole(*first, *second)).collect();
    holes.retain(|hole| hole.length <= merge.gap);
    holes.sort_unstable_by_key(|hole| (hole.length, hole.offset));
    let mut left = merge.waste;
    let affordable = holes.into_iter().map_while(|hole| {
        left = left.checked_sub(hole.length)?;
        Some(hole.offset)
    });
    affordable.collect()
}

/// Takes off both ends of `request` what is in memory. Holes in its middle are fetched through.
fn trim(request: ByteRange, held: &BTreeMap<u64, Bytes>) -> Option<ByteRange> {
    let holes = holes(request, held);
    let (first, last) = (holes.first()?, holes.last()?);
    Some(ByteRange::new(first.offset, last.end().saturating_sub(first.offset)))
}

fn split(request: ByteRange, length_max: u64) -> impl Iterator<Item = ByteRange> {
    let mut rest = request;
    std::iter::from_fn(move || {
        if rest.length == 0 {
            return None;
        }
        let piece = ByteRange::new(rest.offset, rest.length.min(length_max.max(1)));
        rest = ByteRange::new(piece.end(), rest.length.saturating_sub(piece.length));
        Some(piece)
    })
}

/// The parts of `range` that are not in memory, in order.
fn holes(range: ByteRange, held: &BTreeMap<u64, Bytes>) -> Vec<ByteRange> {
    let mut holes = Vec::new();
    let mut at = range.offset;
    let first = held.range(..=range.offset).next_back().map_or(range.offset, |(&offset, _)| offset);
    for (&offset, piece) in held.range(first..range.end().max(first)) {
        if offset > at {
            holes.push(ByteRange::new(at, offset.saturating_sub(at)));
        }
        at = at.max(offset.saturating_add(length(piece)));
    }
    if at < range.end() {
        holes.push(ByteRange::new(at, range.end().saturating_sub(at)));
    }
    holes
}

/// A length in memory as a length in a file.
fn length(bytes: &Bytes) -> u64 {
    widen(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXACT: Merge = Merge { alignment: 1, gap: 0, length_max: u64::MAX, waste: u64::MAX };

    fn held(ranges: &[(u64, u64)]) -> BTreeMap<u64, Bytes> {
        ranges
            .iter()
            .map(|&(offset, length)| (offset, Bytes::from(vec![0; usize::try_from(length).unwrap()])))
            .collect()
    }

    fn check(needs: &[(u64, u64)], held_ranges: &[(u64, u64)], merge: Merge, expected: &[(u64, u64)]) {
        let held = held(held_ranges);
        let needs = needs.iter().map(|&(offset, length)| ByteRange::new(offset, length)).collect();
        let requests = plan(&missing(needs, &held), &held, 1000, merge);
        let requests: Vec<_> = requests.iter().map(|request| (request.offset, request.length)).collect();
        assert_eq!(requests, expected);
    }

    #[test]
    fn only_what_is_not_held_is_asked_for() {
        check(&[(10, 20)], &[(0, 15)], EXACT, &[(15, 15)]);
        check(&[(10, 20)], &[(0, 15), (15, 15)], EXACT, &[]);
        check(&[(10, 20)], &[(12, 3)], EXACT, &[(10, 2), (15, 15)]);
        check(&[(10, 20)], &[(12, 3)], Merge { gap: 3, ..EXACT }, &[(10, 20)]);
    }

    #[test]
    fn needs_close_to_each_other_become_one_request() {
        let merge = Merge { alignment: 10, gap: 20, ..EXACT };
        check(&[(11, 5), (38, 4), (90, 1)], &[], merge, &[(10, 40), (90, 10)]);
    }

    #[test]
    fn the_shortest_holes_are_read_through_as_far_as_the_waste_goes() {
        let needs = [(0, 10), (30, 10), (50, 10), (90, 10), (120, 10)];
        let merge = Merge { alignment: 8, gap: 30, ..EXACT };
        check(&needs, &[], merge, &[(0, 136)]);
        check(&needs, &[], Merge { waste: 86, ..merge }, &[(0, 136)]);
        check(&needs, &[], Merge { waste: 85, ..merge }, &[(0, 130)]);
        check(&needs, &[], Merge { waste: 79, ..merge }, &[(0, 60), (90, 40)]);
        check(&needs, &[], Merge { waste: 29, ..merge }, &[(0, 10), (30, 30), (90, 10), (120, 10)]);
        check(&needs, &[], Merge { waste: 9, ..merge }, &needs);
        check(&needs, &[(58, 2)], Merge { waste: 80, ..merge }, &[(0, 58), (90, 40)]);
    }

    #[test]
    fn a_walk_wastes_no_more_than_it_needs_beyond_the_head_or_a_little() {
        let requests = |blocks: &Blocks, offset: u64| {
            let waiting = Context::from_waker(Waker::noop());
            let needs = [ByteRange::new(offset, 100), ByteRange::new(offset + 150, 100)];
            let _: Poll<()> = blocks.state().pend(&needs, Pages::Metadata, &waiting);
            let requests = blocks.take_needs(Merge { gap: 50, waste: 60, ..EXACT });
            requests.iter().map(|request| request.length).collect::<Vec<_>>()
        };
        let blocks = Blocks::with_head(10_000, Bytes::from(vec![0; 500]));
        assert_eq!(requests(&blocks, 1000), [250], "50 of 60 bytes");
        assert_eq!(requests(&blocks, 2000), [100, 100], "none is left");
        assert_eq!(requests(&blocks, 3000), [250], "600 were asked for, 100 more than the head has");
        assert_eq!(requests(&blocks, 4000), [250]);
        assert!(requests(&blocks, 100).is_empty(), "what is held is not asked for");
        assert_eq!(requests(&blocks, 5000), [250]);
    }

    #[test]
    fn rounding_stops_at_the_end_of_the_file_and_long_requests_are_split() {
        let merge = Merge { alignment: 64, length_max: 100, ..EXACT };
        check(&[(800, 190)], &[], merge, &[(768, 100), (868, 100), (968, 32)]);
    }

    #[test]
    fn a_page_is_read_from_its_beginning_and_a_little_beyond_the_need() {
        let blocks = Blocks::new(1000);
        blocks.insert(0, Bytes::from(vec![0; 40]));
        let read = |needs: &[(u64, u64)]| {
            let needs = needs.iter().map(|&(offset, length)| ByteRange::new(offset, length)).collect();
            let pages = blocks.state().read_pages(needs, 100);
            pages.iter().map(|page| (page.offset, page.length)).collect::<Vec<_>>()
        };
        assert_eq!(read(&[(10, 20)]), [], "what is held is not asked for");
        assert_eq!(read(&[(250, 10), (230, 10)]), [(200, 100)], "60 bytes, and as many as the page has");
        assert_eq!(read(&[(210, 10), (410, 10)]), [(200, 40), (400, 40)], "the reading ahead is shared");
        assert_eq!(read(&[(290, 20)]), [(200, 185)], "a need may reach into the next page");
        assert_eq!(read(&[(990, 20)]), [(900, 110)], "nothing is read ahead behind the end of the file");
    }

    #[test]
    fn what_lies_among_raw_data_and_in_huge_pages_is_read_alone() {
        let merge = Merge { alignment: 10, length_max: 500, ..EXACT };
        for (page_size, expected) in [(100, [(200, 70), (450, 10)]), (501, [(240, 10), (450, 10)])] {
            let blocks = Blocks::new(1000);
            blocks.set_page_size(page_size);
            let waiting = Context::from_waker(Waker::noop());
            let _: Poll<()> = blocks.state().pend(&[ByteRange::new(240, 5)], Pages::Metadata, &waiting);
            let _: Poll<()> = blocks.state().pend(&[ByteRange::new(450, 5)], Pages::Raw, &waiting);
            let requests = blocks.take_needs(merge);
            let requests: Vec<_> = requests.iter().map(|request| (request.offset, request.length)).collect();
            assert_eq!(requests, expected);
        }
    }

    #[test]
    fn a_read_over_several_pieces_is_joined() {
        let blocks = Blocks::new(100);
        blocks.insert(0, Bytes::from_static(b"abc"));
        blocks.insert(3, Bytes::from_static(b"def"));
        blocks.insert(2, Bytes::from_static(b"XXXXXX"));
        let state = blocks.state();
        assert_eq!(state.held(ByteRange::new(1, 6)).unwrap(), "bcdefX");
        assert_eq!(state.held_prefix(ByteRange::new(5, 50)).unwrap(), "fXX");
        assert!(state.held(ByteRange::new(5, 4)).is_none());
    }
}
