//! The elements of a chunk, a block at a time: loaded, and tested for missing ones.

use pulp::{Arch, Simd, WithSimd};

use super::walk::Run;
use crate::meaning::{
    block::BLOCK,
    element::Element,
    load::Loader,
    mask::{Mask, Verdict},
};

/// Where blocks come from.
pub(super) struct BlockReader<'a, T> {
    pub(super) chunk: &'a [u8],
    /// The chunk where its bytes are elements already: it is then read in place.
    pub(super) elements: Option<&'a [T]>,
    pub(super) loader: Loader<T>,
    pub(super) mask: &'a Mask<T>,
    pub(super) arch: Arch,
    /// A block that was copied.
    pub(super) copied: [T; BLOCK],
    /// Which elements of the last block are valid, if some are and some are not.
    pub(super) valid: [bool; BLOCK],
}

impl<'a, T: Element> BlockReader<'a, T> {
    pub(super) fn new(chunk: &'a [u8], loader: Loader<T>, mask: &'a Mask<T>) -> Self {
        Self {
            chunk,
            elements: loader.borrow(chunk),
            loader,
            mask,
            arch: Arch::new(),
            copied: [T::default(); BLOCK],
            valid: [false; BLOCK],
        }
    }

    /// The elements of `run`, which is at most a block long, and what they hold.
    pub(super) fn load(&mut self, run: Run) -> (&[T], &[bool], Verdict) {
        let block = match self.elements {
            Some(elements) if run.stride == 1 => &elements[run.first..run.first + run.len],
            _ => {
                let copied = &mut self.copied[..run.len];
                self.loader.load(self.chunk, run.first, run.stride, copied);
                copied
            }
        };
        let verdict = self.arch.dispatch(Examine { mask: self.mask, block, valid: &mut self.valid });
        (block, &self.valid[..run.len], verdict)
    }
}

/// The test for missing elements, compiled for the machine.
struct Examine<'b, T> {
    mask: &'b Mask<T>,
    block: &'b [T],
    valid: &'b mut [bool; BLOCK],
}

impl<T: Element> WithSimd for Examine<'_, T> {
    type Output = Verdict;

    #[inline(always)]
    fn with_simd<V: Simd>(self, _: V) -> Verdict {
        self.mask.examine(self.block, self.valid)
    }
}

/// The valid elements of a block, one after the other. Where few are missing, most are copied in rows.
#[inline(always)]
pub(super) fn compact<'a, T: Copy>(block: &[T], valid: &[bool], out: &'a mut [T; BLOCK]) -> &'a [T] {
    const ROW: usize = 16;
    let (rows, rest) = block.as_chunks::<ROW>();
    let (valid_rows, valid_rest) = valid.as_chunks::<ROW>();
    let mut kept = 0;
    for (row, valid) in rows.iter().zip(valid_rows) {
        if *valid == [true; ROW]
            && let Some(place) = out[kept..].first_chunk_mut()
        {
            *place = *row;
            kept += ROW;
        } else {
            kept = compact_each(row, valid, out, kept);
        }
    }
    kept = compact_each(rest, valid_rest, out, kept);
    &out[..kept]
}

/// Puts the valid elements behind the `kept` first ones, and returns how many there are then.
#[inline(always)]
fn compact_each<T: Copy>(block: &[T], valid: &[bool], out: &mut [T; BLOCK], mut kept: usize) -> usize {
    for (&x, &valid) in block.iter().zip(valid) {
        // The remainder is no change; it tells the compiler that the place exists.
        out[kept % BLOCK] = x;
        kept += usize::from(valid);
    }
    kept
}

/// Writes down where the valid elements stand.
#[expect(clippy::cast_possible_truncation, reason = "a block is shorter than 2^16")]
pub(super) fn keep_places(kept: &mut [u16; BLOCK], valid: &[bool]) {
    let places = valid.iter().enumerate().filter(|(_, valid)| **valid);
    kept.iter_mut().zip(places).for_each(|(kept, (k, _))| *kept = k as u16);
}
