//! BloscLZ, the compressor of Blosc's own: byte pairs and copies, close to FastLZ.
//!
//! ```text
//! 000LLLLL                             L + 1 literal bytes follow
//! LLLooooo oooooooo                    copy L + 2 bytes from o + 1 bytes back (L = 1..=6)
//! 111ooooo n… oooooooo                 copy 9 + the sum of n bytes; another n follows each n of 255
//! LLL11111 [n…] 11111111 far u16 BE    the distance is far + 8192
//! ```
//!
//! The first byte always begins literals: its upper three bits say nothing.

use crate::Problem;
use crate::copies::Output;
use crate::want::{take, take_array};

/// The longest distance of the short form; what the far form adds its number to, less one.
const DISTANCE_MAX: usize = 8191;
/// Most literal bytes of one run.
const LITERALS_MAX: usize = 32;
/// A copy moves this many bytes at least.
const COPY_MIN: usize = 3;

/// Decodes into the front of `out`, and says how many bytes that were.
pub(crate) fn decode(input: &[u8], out: &mut [u8]) -> Result<usize, Problem> {
    let mut out = Output::new(out);
    let mut rest = input;
    let mut control_mask = 0x1f;
    while let Some((&control, tail)) = rest.split_first() {
        rest = tail;
        let control = control & control_mask;
        control_mask = 0xff;
        let low = usize::from(control & 0x1f);
        if control < 0x20 {
            let whole = rest.first_chunk::<LITERALS_MAX>();
            if whole.is_some_and(|literals| out.append_front(literals, low + 1)) {
                rest = rest.get(low + 1..).unwrap_or_default();
            } else {
                out.append(take(&mut rest, low + 1)?)?;
            }
        } else {
            let (length, distance) = copy(control, low, &mut rest)?;
            out.copy_back(distance, length)?;
        }
    }
    Ok(out.filled())
}

/// Length and distance of the copy that `control` begins.
fn copy(control: u8, low: usize, rest: &mut &[u8]) -> Result<(usize, usize), Problem> {
    let mut length = usize::from(control >> 5) - 1 + COPY_MIN;
    if control >> 5 == 7 {
        loop {
            let [more] = take_array(rest)?;
            length = length.saturating_add(more.into());
            if more != u8::MAX {
                break;
            }
        }
    }
    let [near] = take_array(rest)?;
    let near = low << 8 | usize::from(near);
    if near < DISTANCE_MAX {
        return Ok((length, near + 1));
    }
    let far = u16::from_be_bytes(take_array(rest)?);
    Ok((length, usize::from(far) + DISTANCE_MAX + 1))
}
