//! Bit shuffle as HDF5 filter 32008 writes it.
//!
//! The elements are cut into blocks of a multiple of eight elements. Inside a block of `n` elements, row
//! `8 * byte + bit` holds that bit of every element, eight elements to a byte, lowest bit first: `n / 8` bytes.
//!
//! ```text
//! none:       block … | shorter block | fewer than eight elements, as they are
//! LZ4, zstd:  decoded length u64 BE | block bytes u32 BE
//!             | ( encoded length u32 BE | compressed block )… | fewer than eight elements, as they are
//! ```

use super::lz4;
use super::shuffle::interleave;
use super::zstandard::Zstd;
use crate::Problem;
use crate::want::{Want, room, take, take_array};

/// A block has a multiple of this many elements.
pub(crate) const BLOCK_MULTIPLE: usize = 8;
/// Bytes of a block the writer aims at when it may choose.
const BLOCK_BYTES: usize = 8192;
/// Elements of a block when the writer may choose, at least.
const BLOCK_ELEMENTS_MIN: usize = 128;

/// How a chunk was shuffled and compressed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    element_size: usize,
    /// Elements of one block; only used without a compressor, which writes its own.
    block_elements: usize,
    compressor: Compressor,
}

#[derive(Clone, Copy, Debug)]
enum Compressor {
    None,
    Lz4,
    Zstd,
}

impl Layout {
    /// Checks the parameters of the filter.
    ///
    /// # Errors
    ///
    /// [`Problem::Malformed`] for elements of no bytes, odd block sizes and unknown compressors.
    pub(crate) fn new(element_size: usize, block_size: usize, compression: u32) -> Result<Self, Problem> {
        if element_size == 0 {
            return Err(Problem::Malformed("the element size is 0"));
        }
        if !block_size.is_multiple_of(BLOCK_MULTIPLE) {
            return Err(Problem::Malformed("the block size is not a multiple of 8 elements"));
        }
        let compressor = match compression {
            0 => Compressor::None,
            2 => Compressor::Lz4,
            3 => Compressor::Zstd,
            _ => {
                return Err(Problem::Malformed(
                    "the compressor inside is neither 0 (none), 2 (LZ4) nor 3 (zstd)",
                ));
            }
        };
        let automatic = BLOCK_BYTES / element_size;
        let automatic = (automatic - automatic % BLOCK_MULTIPLE).max(BLOCK_ELEMENTS_MIN);
        let block_elements = if block_size == 0 { automatic } else { block_size };
        Ok(Self { element_size, block_elements, compressor })
    }

    /// Lengths of the blocks, in bytes, that `length` bytes are cut into; what is left over is not shuffled.
    fn blocks(self, length: usize, block_len: usize) -> impl Iterator<Item = usize> {
        let granule = self.element_size.saturating_mul(BLOCK_MULTIPLE);
        let shuffled = length - length % granule;
        let whole = shuffled / block_len;
        let last = shuffled - whole * block_len;
        std::iter::repeat_n(block_len, whole).chain((last > 0).then_some(last))
    }
}

/// Undoes the shuffle, and the compression inside if there is one.
pub(crate) fn decode(
    mut input: &[u8],
    layout: Layout,
    zstd: &mut Zstd,
    want: Want,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let (length, block_len) = match layout.compressor {
        Compressor::None => (input.len(), layout.block_elements.saturating_mul(layout.element_size)),
        Compressor::Lz4 | Compressor::Zstd => (
            usize::try_from(u64::from_be_bytes(take_array(&mut input)?)).unwrap_or(usize::MAX),
            usize::try_from(u32::from_be_bytes(take_array(&mut input)?)).unwrap_or(usize::MAX),
        ),
    };
    want.check(length)?;
    if !length.is_multiple_of(layout.element_size) {
        return Err(Problem::Malformed("the length is not a whole number of elements"));
    }
    let granule = layout.element_size.saturating_mul(BLOCK_MULTIPLE);
    if block_len == 0 || !block_len.is_multiple_of(granule) {
        return Err(Problem::Malformed("the block length is not a multiple of 8 elements"));
    }

    let mut rest = room(out, length)?;
    let mut rows = Vec::new();
    let mut planes = Vec::new();
    for block_len in layout.blocks(length, block_len) {
        let (target, tail) = rest
            .split_at_mut_checked(block_len)
            .ok_or(Problem::Malformed("the blocks are longer than the data"))?;
        rest = tail;
        let rows: &[u8] = if matches!(layout.compressor, Compressor::None) {
            take(&mut input, block_len)?
        } else {
            let encoded_len =
                usize::try_from(u32::from_be_bytes(take_array(&mut input)?)).unwrap_or(usize::MAX);
            let encoded = take(&mut input, encoded_len)?;
            let rows = room(&mut rows, block_len)?;
            match layout.compressor {
                Compressor::Zstd => Want::Exactly(block_len).check(zstd.decode_slice(encoded, rows)?)?,
                Compressor::None | Compressor::Lz4 => lz4::block(encoded, rows)?,
            }
            rows
        };
        unshuffle(rows, layout.element_size, room(&mut planes, block_len)?, target);
    }
    rest.copy_from_slice(take(&mut input, rest.len())?);
    Ok(())
}

/// Turns the rows of one block into elements. All three buffers have the same length, a multiple of eight elements;
/// `planes` is only used in between.
pub(crate) fn unshuffle(rows: &[u8], element_size: usize, planes: &mut [u8], elements: &mut [u8]) {
    bits_to_bytes(rows, rows.len() / element_size.max(1), planes);
    interleave(planes, element_size, elements);
}

/// Turns rows of bits into planes of bytes, byte `k` of every one of `count` elements in plane `k`.
fn bits_to_bytes(rows: &[u8], count: usize, planes: &mut [u8]) {
    let row_len = (count / BLOCK_MULTIPLE).max(1);
    for (rows, plane) in rows.chunks_exact(count.max(1)).zip(planes.chunks_exact_mut(count.max(1))) {
        let mut row = rows.chunks_exact(row_len);
        let row: [&[u8]; 8] = std::array::from_fn(|_| row.next().unwrap_or_default());
        let row = row.map(|row| row.get(..row_len).unwrap_or_default());
        for (i, bytes) in plane.as_chunks_mut::<8>().0.iter_mut().take(row_len).enumerate() {
            *bytes = transpose(u64::from_le_bytes(std::array::from_fn(|bit| row[bit][i]))).to_le_bytes();
        }
    }
}

/// The inverse of [`bits_to_bytes`]; a bit matrix is its own transpose's transpose.
fn bytes_to_bits(planes: &[u8], count: usize, rows: &mut [u8]) {
    let row_len = (count / BLOCK_MULTIPLE).max(1);
    for (plane, rows) in planes.chunks_exact(count.max(1)).zip(rows.chunks_exact_mut(count.max(1))) {
        for (i, bytes) in plane.as_chunks::<8>().0.iter().enumerate() {
            let bits = transpose(u64::from_le_bytes(*bytes)).to_le_bytes();
            for (row, bits) in rows.chunks_exact_mut(row_len).zip(bits) {
                if let Some(place) = row.get_mut(i) {
                    *place = bits;
                }
            }
        }
    }
}

/// Transposes an 8 by 8 matrix of bits, one row to a byte, by swapping ever larger squares across the diagonal.
fn transpose(matrix: u64) -> u64 {
    let swap = |m: u64, shift: u32, mask: u64| {
        let difference = (m ^ (m >> shift)) & mask;
        m ^ difference ^ (difference << shift)
    };
    let matrix = swap(matrix, 7, 0x00aa_00aa_00aa_00aa);
    let matrix = swap(matrix, 14, 0x0000_cccc_0000_cccc);
    swap(matrix, 28, 0x0000_0000_f0f0_f0f0)
}

/// Shuffles and, with a compressor, frames. `None` if the input is not a whole number of elements.
pub(crate) fn encode(input: &[u8], layout: Layout) -> Option<Vec<u8>> {
    if !input.len().is_multiple_of(layout.element_size) {
        return None;
    }
    let block_len = layout.block_elements.checked_mul(layout.element_size)?;
    let mut out = Vec::with_capacity(input.len());
    if !matches!(layout.compressor, Compressor::None) {
        out.extend_from_slice(&u64::try_from(input.len()).ok()?.to_be_bytes());
        out.extend_from_slice(&u32::try_from(block_len).ok()?.to_be_bytes());
    }
    let mut rest = input;
    for block_len in layout.blocks(input.len(), block_len) {
        let elements = take(&mut rest, block_len).ok()?;
        let planes = super::shuffle::encode(elements, layout.element_size).ok()?;
        let mut rows = vec![0; block_len];
        bytes_to_bits(&planes, block_len / layout.element_size, &mut rows);
        let encoded = match layout.compressor {
            Compressor::None => {
                out.extend_from_slice(&rows);
                continue;
            }
            Compressor::Lz4 => lz4_flex::block::compress(&rows),
            Compressor::Zstd => zstd::bulk::compress(&rows, zstd::DEFAULT_COMPRESSION_LEVEL).ok()?,
        };
        out.extend_from_slice(&u32::try_from(encoded.len()).ok()?.to_be_bytes());
        out.extend_from_slice(&encoded);
    }
    out.extend_from_slice(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::transpose;

    #[test]
    fn transposing_moves_bit_j_of_byte_i_to_bit_i_of_byte_j() {
        for i in 0..8 {
            for j in 0..8 {
                assert_eq!(transpose(1 << (8 * i + j)), 1 << (8 * j + i), "byte {i}, bit {j}");
            }
        }
    }
}
