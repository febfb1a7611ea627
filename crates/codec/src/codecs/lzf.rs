//! LZF blocks, as h5py writes them (HDF5 filter 32000).
//!
//! ```text
//! 000LLLLL                    L + 1 literal bytes follow
//! LLLooooo oooooooo           copy L + 2 bytes from o + 1 bytes back (L = 1..=6)
//! 111ooooo LLLLLLLL oooooooo  copy L + 9 bytes from o + 1 bytes back
//! ```

use crate::Problem;
use crate::copies::Output;
use crate::want::{Want, decode_into_room, take, take_array};

/// The longest copy is of 264 bytes and takes three.
const EXPANSION_MAX: usize = 88;
/// Most literal bytes of one run.
const LITERALS_MAX: usize = 32;

/// Decodes one block.
pub(crate) fn decode(input: &[u8], want: Want, out: &mut Vec<u8>) -> Result<(), Problem> {
    want.check_plausible(input.len(), EXPANSION_MAX)?;
    decode_into_room(want, input.len(), out, |buffer| decode_slice(input, buffer))
}

/// Decodes one block into the front of `out`, and says how many bytes that were.
fn decode_slice(input: &[u8], out: &mut [u8]) -> Result<usize, Problem> {
    let mut out = Output::new(out);
    let mut rest = input;
    while let Some((&control, tail)) = rest.split_first() {
        rest = tail;
        let high = usize::from(control & 0x1f);
        let length = match control >> 5 {
            0 => {
                out.append(take(&mut rest, high + 1)?)?;
                continue;
            }
            7 => {
                let [more] = take_array(&mut rest)?;
                usize::from(more) + 9
            }
            short => usize::from(short) + 2,
        };
        let [low] = take_array(&mut rest)?;
        out.copy_back((high << 8 | usize::from(low)) + 1, length)?;
    }
    Ok(out.filled())
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
