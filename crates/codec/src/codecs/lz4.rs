//! LZ4 blocks in two framings.
//!
//! ```text
//! numcodecs:  decoded length u32 LE | block
//! HDF5:       decoded length u64 BE | block size u32 BE | ( encoded length u32 BE | block )…
//!             a block as long as what it decodes to is stored as it is
//! block:      ( LLLLCCCC | [n…] | L literal bytes | distance u16 LE | [n…] )…, the last without a copy
//!             copies are of C + 4 bytes; an L or C of 15 is followed by bytes n to add, up to one that is not 255
//! ```

use crate::Problem;
use crate::copies::Output;
use crate::want::{Want, room, take, take_array};

/// Each further byte of a length adds up to 255.
const EXPANSION_MAX: usize = 255;
/// Four bits of a length that more bytes belong to.
const LENGTH_MORE: usize = 15;
/// A token, up to 14 literals with room for 16, and a distance.
const SEQUENCE: usize = 17;
/// A copy moves this many bytes at least.
const COPY_MIN: usize = 4;

/// Decodes numcodecs' framing.
pub(crate) fn decode(mut input: &[u8], want: Want, out: &mut Vec<u8>) -> Result<(), Problem> {
    let length = usize::try_from(u32::from_le_bytes(take_array(&mut input)?)).unwrap_or(usize::MAX);
    want.check(length)?;
    Want::Exactly(length).check_plausible(input.len(), EXPANSION_MAX)?;
    block(input, room(out, length)?)
}

/// Decodes the framing of HDF5 filter 32004.
pub(crate) fn decode_hdf5(mut input: &[u8], want: Want, out: &mut Vec<u8>) -> Result<(), Problem> {
    let length = usize::try_from(u64::from_be_bytes(take_array(&mut input)?)).unwrap_or(usize::MAX);
    want.check(length)?;
    let block_size = usize::try_from(u32::from_be_bytes(take_array(&mut input)?)).unwrap_or(usize::MAX);
    if block_size == 0 && length > 0 {
        return Err(Problem::Malformed("the block size is 0"));
    }
    Want::Exactly(length).check_plausible(input.len(), EXPANSION_MAX)?;
    for target in room(out, length)?.chunks_mut(block_size.max(1)) {
        let encoded_len = usize::try_from(u32::from_be_bytes(take_array(&mut input)?)).unwrap_or(usize::MAX);
        let encoded = take(&mut input, encoded_len)?;
        if encoded.len() == target.len() {
            target.copy_from_slice(encoded);
        } else {
            block(encoded, target)?;
        }
    }
    Ok(())
}

/// Decodes one bare block, which must fill `out`.
///
/// This is done here because `lz4_flex` copies byte by byte where a copy repeats, which is most of a shuffled chunk.
pub(crate) fn block(input: &[u8], out: &mut [u8]) -> Result<(), Problem> {
    let expected = out.len();
    let mut out = Output::new(out);
    let mut rest = input;
    loop {
        let token;
        let distance;
        // Most sequences have few literals and a short copy, and are not near the end.
        if let Some([first, literals @ ..]) = rest.first_chunk::<SEQUENCE>()
            && let count = usize::from(first >> 4)
            && count < LENGTH_MORE
            && out.append_front(literals, count)
        {
            token = *first;
            distance = [literals[count], literals[count + 1]];
            rest = rest.get(count + 3..).unwrap_or_default();
        } else {
            [token] = take_array(&mut rest)?;
            let literals = length(token >> 4, &mut rest)?;
            out.append(take(&mut rest, literals)?)?;
            if rest.is_empty() {
                break;
            }
            distance = take_array(&mut rest)?;
        }
        let length = length(token & 0xf, &mut rest)?;
        out.copy_back(u16::from_le_bytes(distance).into(), length.saturating_add(COPY_MIN))?;
    }
    Want::Exactly(expected).check(out.filled())
}

/// A length whose first four bits are `bits`: if all are set, bytes are added up to the first that is not 255.
#[inline(always)]
fn length(bits: u8, rest: &mut &[u8]) -> Result<usize, Problem> {
    let bits = bits.into();
    if bits < LENGTH_MORE { Ok(bits) } else { long(rest) }
}

#[inline(never)]
fn long(rest: &mut &[u8]) -> Result<usize, Problem> {
    let mut length = LENGTH_MORE;
    loop {
        let [more] = take_array(rest)?;
        length = length.saturating_add(more.into());
        if more != u8::MAX {
            return Ok(length);
        }
    }
}

/// Encodes numcodecs' framing. `None` if the input is too long for it.
pub(crate) fn encode(input: &[u8]) -> Option<Vec<u8>> {
    let mut out = u32::try_from(input.len()).ok()?.to_le_bytes().to_vec();
    out.extend_from_slice(&lz4_flex::block::compress(input));
    Some(out)
}

/// A frame of HDF5 filter 32004 with one stored block. `None` if the input is too long for that.
pub(crate) fn store_hdf5(input: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(input.len()).ok()?;
    let mut out = u64::from(length).to_be_bytes().to_vec();
    out.extend_from_slice(&length.to_be_bytes());
    if length > 0 {
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(input);
    }
    Some(out)
}
