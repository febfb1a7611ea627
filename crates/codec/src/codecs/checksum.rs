//! Checksums in the last four bytes.

use crate::Problem;

/// Words summed before the sums are folded; HDF5's number, the most that cannot overflow 32 bits.
const WORDS_PER_FOLD: usize = 360;

/// Verifies HDF5's Fletcher-32 and says how many bytes come before it.
///
/// libhdf5 up to 1.6.2 wrote each half of the checksum in the other byte order on little-endian machines; libhdf5
/// has accepted both since, and so does this.
pub(crate) fn fletcher32(input: &[u8]) -> Result<usize, Problem> {
    let (bytes, stored) = split(input)?;
    let computed = fletcher32_of(bytes);
    if stored == computed || stored == swapped_halves(computed) {
        Ok(bytes.len())
    } else {
        Err(Problem::Checksum { stored, computed })
    }
}

/// Verifies a CRC-32C and says how many bytes come before it.
pub(crate) fn crc32c(input: &[u8]) -> Result<usize, Problem> {
    let (bytes, stored) = split(input)?;
    let computed = ::crc32c::crc32c(bytes);
    if stored == computed { Ok(bytes.len()) } else { Err(Problem::Checksum { stored, computed }) }
}

fn split(input: &[u8]) -> Result<(&[u8], u32), Problem> {
    let (bytes, stored) =
        input.split_last_chunk::<4>().ok_or(Problem::Truncated { needed: 4, available: input.len() })?;
    Ok((bytes, u32::from_le_bytes(*stored)))
}

fn swapped_halves(sum: u32) -> u32 {
    (sum & 0x00ff_00ff) << 8 | (sum & 0xff00_ff00) >> 8
}

/// Fletcher-32 over big-endian 16-bit words, sums starting at 0; an odd last byte counts as the high half of a word.
pub(crate) fn fletcher32_of(bytes: &[u8]) -> u32 {
    let fold = |sum: u32| (sum & 0xffff) + (sum >> 16);
    let (words, odd) = bytes.as_chunks::<2>();
    let (mut sum1, mut sum2) = (0_u32, 0_u32);
    for block in words.chunks(WORDS_PER_FOLD) {
        for word in block {
            sum1 += u32::from(u16::from_be_bytes(*word));
            sum2 += sum1;
        }
        (sum1, sum2) = (fold(sum1), fold(sum2));
    }
    if let Some(&byte) = odd.first() {
        sum1 += u32::from(byte) << 8;
        sum2 += sum1;
        (sum1, sum2) = (fold(sum1), fold(sum2));
    }
    (sum1, sum2) = (fold(sum1), fold(sum2));
    sum2 << 16 | sum1
}

/// `input` with its checksum behind it.
pub(crate) fn with_suffix(input: &[u8], checksum: u32) -> Vec<u8> {
    [input, &checksum.to_le_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_byte_orders_libhdf5_ever_wrote_are_accepted() {
        let bytes = *b"abcdefg";
        let sum = fletcher32_of(&bytes);
        for stored in [sum, swapped_halves(sum)] {
            let input = [bytes.as_slice(), &stored.to_le_bytes()].concat();
            assert_eq!(fletcher32(&input).unwrap(), 7);
        }
        let input = [bytes.as_slice(), &(sum ^ 1).to_le_bytes()].concat();
        assert!(
            matches!(fletcher32(&input), Err(Problem::Checksum { stored, computed }) if stored ^ computed == 1)
        );
    }

    #[test]
    fn the_sums_do_not_overflow_on_all_ones() {
        // Every word is 0 modulo 65535, whose folded form is 0xffff once anything was added.
        assert_eq!(fletcher32_of(&[0xff; 100_000]), 0xffff_ffff);
        assert_eq!(fletcher32_of(&[0; 100_000]), 0);
    }
}
