//! LZ4 blocks in two framings.
//!
//! ```text
//! numcodecs:  decoded length u32 LE | block
//! HDF5:       decoded length u64 BE | block size u32 BE | ( encoded length u32 BE | block )…
//!             a block as long as what it decodes to is stored as it is
//! ```

use crate::Problem;
use crate::want::{Want, room, take, take_array};

/// Each further byte of a length adds up to 255.
const EXPANSION_MAX: usize = 255;

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
pub(crate) fn block(input: &[u8], out: &mut [u8]) -> Result<(), Problem> {
    use lz4_flex::block::DecompressError::OutputTooSmall;
    let expected = out.len();
    let found = lz4_flex::block::decompress_into(input, out).map_err(|error| match error {
        OutputTooSmall { .. } => Problem::Overflow { limit: expected },
        error => Problem::corrupt(error),
    })?;
    Want::Exactly(expected).check(found)
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
