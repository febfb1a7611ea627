//! Undoing the filters of fractal heap blocks and huge objects.
//!
//! A group may be created with filters for its links, as a dataset may with filters for its chunks. Of all filters
//! only those that the library itself ships without plugins are undone.
//!
//! Spec: HDF5 File Format 3.0, III.G, "Fractal Heap" (I/O filters), and IV.A.2.l, "The Data Storage - Filter Pipeline
//! Message".

use std::io::Read;

use crate::error::Problem;
use crate::format::cursor::widen;
use crate::limits::INFLATED_LEN_MAX;
use crate::model::Filter;

/// Deflate, in a zlib frame.
const DEFLATE: u16 = 1;
/// Bytes of all elements regrouped by their place in the element.
const SHUFFLE: u16 = 2;
/// A checksum behind the bytes.
const FLETCHER32: u16 = 3;

/// Bytes of a Fletcher checksum.
const FLETCHER32_LEN: usize = 4;

/// Undoes `filters`, last first, except those whose bit in `mask` is set.
///
/// `len` is the length without filters, in bytes.
///
/// # Errors
///
/// [`Problem::Limit`] if `len` is more than a block or attribute needs, [`Problem::Malformed`] if the bytes do not
/// decode to exactly `len` bytes, [`Problem::Unsupported`] for any other filter.
pub fn undo(filters: &[Filter], mask: u32, stored: &[u8], len: u64) -> Result<Vec<u8>, Problem> {
    let limit = widen(INFLATED_LEN_MAX);
    let len = usize::try_from(len).ok().filter(|len| *len <= INFLATED_LEN_MAX).ok_or(Problem::Limit {
        what: "the length without filters",
        limit,
        found: len,
    })?;
    let mut bytes = stored.to_vec();
    for (index, filter) in filters.iter().enumerate().rev() {
        let skipped =
            u32::try_from(index).ok().and_then(|index| mask.checked_shr(index)).unwrap_or(0) & 1 != 0;
        if skipped {
            continue;
        }
        bytes = match filter.id {
            // A checksum may be under the compression, so a few bytes more than the result are possible.
            DEFLATE => inflate(&bytes, len.saturating_add(FLETCHER32_LEN.saturating_mul(filters.len())))?,
            SHUFFLE => unshuffle(&bytes, filter.values.first().copied().unwrap_or(1)),
            FLETCHER32 => without_fletcher32(bytes)?,
            id => return Err(Problem::unsupported(format!("filter {id} in a fractal heap"))),
        };
    }
    if bytes.len() != len {
        return Err(Problem::malformed(format!(
            "{} bytes without filters where {len} are expected",
            bytes.len()
        )));
    }
    Ok(bytes)
}

/// Inflates to at most `len_max` bytes.
fn inflate(bytes: &[u8], len_max: usize) -> Result<Vec<u8>, Problem> {
    let mut inflated = Vec::new();
    // One more than is allowed, to notice when there is more.
    let cap = widen(len_max).saturating_add(1);
    flate2::read::ZlibDecoder::new(bytes)
        .take(cap)
        .read_to_end(&mut inflated)
        .map_err(|error| Problem::malformed(format!("the deflated bytes do not inflate: {error}")))?;
    if inflated.len() > len_max {
        return Err(Problem::malformed(format!("the deflated bytes inflate to more than {len_max}")));
    }
    Ok(inflated)
}

/// Puts the bytes of each element together again. Bytes that do not fill an element stay where they are.
fn unshuffle(bytes: &[u8], element_len: u32) -> Vec<u8> {
    let element_len = usize::try_from(element_len).unwrap_or(usize::MAX).max(1);
    let count = bytes.len().checked_div(element_len).unwrap_or(0);
    let (shuffled, rest) = bytes.split_at_checked(count.saturating_mul(element_len)).unwrap_or((bytes, &[]));
    let mut whole = Vec::with_capacity(bytes.len());
    for element in 0..count {
        whole.extend(shuffled.iter().skip(element).step_by(count));
    }
    whole.extend(rest);
    whole
}

/// Takes off a Fletcher checksum, which must match.
fn without_fletcher32(mut bytes: Vec<u8>) -> Result<Vec<u8>, Problem> {
    let Some((body, stored)) = bytes.split_last_chunk::<FLETCHER32_LEN>() else {
        return Err(Problem::Truncated { needed: widen(FLETCHER32_LEN), available: widen(bytes.len()) });
    };
    let (stored, computed) = (u32::from_le_bytes(*stored), fletcher32(body));
    // Releases before 1.6.3 stored the bytes of each half the other way round.
    let swapped = (computed & 0x00ff_00ff) << 8 | (computed & 0xff00_ff00) >> 8;
    if stored != computed && stored != swapped {
        return Err(Problem::Checksum { computed, stored });
    }
    let len = body.len();
    bytes.truncate(len);
    Ok(bytes)
}

/// Fletcher's checksum over big-endian 16-bit words; an odd last byte is the high half of a word.
fn fletcher32(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (0_u64, 0_u64);
    for pair in bytes.chunks(2) {
        let word = match *pair {
            [first, second] => u16::from_be_bytes([first, second]),
            [first] => u16::from_be_bytes([first, 0]),
            _ => 0,
        };
        // Congruent sums are kept below 65,536, where zero and 65,535 differ as in the library.
        low = fold(low.saturating_add(u64::from(word)));
        high = fold(high.saturating_add(low));
    }
    u32::try_from(high << 16 | low).unwrap_or(0)
}

/// The sum of the two halves, as often as it takes to fit 16 bits.
fn fold(sum: u64) -> u64 {
    let folded = (sum & 0xffff).saturating_add(sum >> 16);
    (folded & 0xffff).saturating_add(folded >> 16)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn filter(id: u16, values: &[u32]) -> Filter {
        Filter { id, name: None, flags: 0, values: values.to_vec() }
    }

    fn deflated(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn filters_are_undone_from_the_last_to_the_first() {
        let shuffled = [1, 3, 5, 2, 4, 6, 7];
        let filters = [filter(SHUFFLE, &[2]), filter(DEFLATE, &[6])];
        assert_eq!(undo(&filters, 0, &deflated(&shuffled), 7).unwrap(), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(undo(&filters, 0b10, &shuffled, 7).unwrap(), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(undo(&filters, 0b11, &shuffled, 7).unwrap(), shuffled);
    }

    #[test]
    fn a_bomb_is_cut_off_at_the_expected_length() {
        let bomb = deflated(&vec![0; 10 << 20]);
        let problem = undo(&[filter(DEFLATE, &[6])], 0, &bomb, 512).unwrap_err();
        assert!(matches!(problem, Problem::Malformed(_)), "{problem}");
        assert!(matches!(undo(&[], 0, &[], u64::MAX), Err(Problem::Limit { .. })));
        assert!(undo(&[], 0, &[1, 2], 3).is_err());
        assert!(undo(&[filter(DEFLATE, &[6])], 0, &[1, 2, 3], 3).is_err());
    }

    #[test]
    fn the_checksum_is_that_of_the_library() {
        let filters = [filter(FLETCHER32, &[])];
        let ramp: Vec<u8> = (0..200).collect::<Vec<u8>>().repeat(3);
        let ones = [vec![0xff; 1000], vec![1]].concat();
        // What the library stored behind these bytes.
        for (bytes, stored) in [
            (vec![1, 2, 3, 4, 5], [0x06, 0x09, 0x0e, 0x0e]),
            (ramp, [0xa4, 0x79, 0x9a, 0xec]),
            (ones, [0x00, 0x01, 0x00, 0x01]),
        ] {
            let mut stored = [bytes.as_slice(), &stored].concat();
            assert_eq!(undo(&filters, 0, &stored, widen(bytes.len())).unwrap(), bytes);
            stored[2] ^= 1;
            assert!(matches!(undo(&filters, 0, &stored, widen(bytes.len())), Err(Problem::Checksum { .. })));
        }
    }

    #[test]
    fn an_unknown_filter_is_refused() {
        assert!(matches!(undo(&[filter(32015, &[])], 0, &[1], 1), Err(Problem::Unsupported(_))));
    }
}
