//! LZF blocks, as h5py writes them (HDF5 filter 32000).
//!
//! ```text
//! 000LLLLL                    L + 1 literal bytes follow
//! LLLooooo oooooooo           copy L + 2 bytes from o + 1 bytes back (L = 1..=6)
//! 111ooooo LLLLLLLL oooooooo  copy L + 9 bytes from o + 1 bytes back
//! ```

use crate::Problem;
use crate::want::{Want, emptied, take, take_array};

/// The longest copy is of 264 bytes and takes three.
const EXPANSION_MAX: usize = 88;
/// Most literal bytes of one run.
const LITERALS_MAX: usize = 32;

/// Decodes one block.
pub(crate) fn decode(input: &[u8], want: Want, out: &mut Vec<u8>) -> Result<(), Problem> {
    want.check_plausible(input.len(), EXPANSION_MAX)?;
    emptied(out, want.first_guess(input.len()))?;
    let mut rest = input;
    while let Some((&control, tail)) = rest.split_first() {
        rest = tail;
        let high = usize::from(control & 0x1f);
        let length = match control >> 5 {
            0 => {
                let literals = take(&mut rest, high + 1)?;
                fits(out, literals.len(), want)?;
                out.extend_from_slice(literals);
                continue;
            }
            7 => {
                let [more] = take_array(&mut rest)?;
                usize::from(more) + 9
            }
            short => usize::from(short) + 2,
        };
        let [low] = take_array(&mut rest)?;
        fits(out, length, want)?;
        copy_back(out, (high << 8 | usize::from(low)) + 1, length)?;
    }
    want.check(out.len())
}

fn fits(out: &[u8], more: usize, want: Want) -> Result<(), Problem> {
    if out.len() + more > want.limit() { Err(Problem::Overflow { limit: want.limit() }) } else { Ok(()) }
}

/// Appends `length` bytes from `distance` bytes back; they repeat where the distance is the smaller number.
fn copy_back(out: &mut Vec<u8>, distance: usize, length: usize) -> Result<(), Problem> {
    let start = out
        .len()
        .checked_sub(distance)
        .ok_or(Problem::Malformed("a copy reaches back before the beginning of the data"))?;
    let end = out.len() + length;
    while out.len() < end {
        // What lies between `start` and the end is a whole number of periods, so each pass starts in phase.
        let available = (out.len() - start).min(end - out.len());
        out.extend_from_within(start..start + available);
    }
    Ok(())
}

/// A block of literals alone: valid, not shorter than `input`.
pub(crate) fn store(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(input.len() + input.len().div_ceil(LITERALS_MAX));
    for run in input.chunks(LITERALS_MAX) {
        out.extend(u8::try_from(run.len() - 1));
        out.extend_from_slice(run);
    }
    out
}
