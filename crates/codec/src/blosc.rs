//! Blosc 1 frames.
//!
//! ```text
//! version u8 | inner version u8 | flags u8 | type size u8 | decoded u32 LE | block size u32 LE | encoded u32 LE | …
//! ```

use zarrs::array::codec::bytes_to_bytes::blosc::{blosc_decompress_bytes, blosc_validate};

use crate::Problem;
use crate::want::Want;

/// Frame format this decodes.
const VERSION: u8 = 2;
/// Flag of a frame whose data are stored as they are.
const FLAG_STORED: u8 = 2;
/// Bytes of the header.
const HEADER_LEN: u32 = 16;

/// Decodes one frame, on this thread.
pub(crate) fn decode(input: &[u8], want: Want, out: &mut Vec<u8>) -> Result<(), Problem> {
    if input.first().is_some_and(|&version| version != VERSION) {
        return Err(Problem::Malformed("the frame is not of Blosc format version 2"));
    }
    let length = blosc_validate(input)
        .ok_or(Problem::Malformed("the header does not agree with the length of the frame"))?;
    want.check(length)?;
    if length == 0 {
        out.clear();
        return Ok(());
    }
    *out = blosc_decompress_bytes(input, length, 1).map_err(Problem::corrupt)?;
    want.check(out.len())
}

/// A frame whose data are stored as they are. `None` if the input is too long for one.
pub(crate) fn store(input: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(input.len()).ok()?;
    let encoded = length.checked_add(HEADER_LEN).filter(|&encoded| encoded <= i32::MAX.cast_unsigned())?;
    let mut out = vec![VERSION, 1, FLAG_STORED, 1];
    for word in [length, length.max(1), encoded] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    out.extend_from_slice(input);
    Some(out)
}
