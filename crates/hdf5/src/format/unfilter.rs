//! Undoing the filters of metadata: fractal heaps can be compressed.

use std::io::Read;

use bytes::Bytes;

use crate::error::Problem;
use crate::format::cursor::widen;
use crate::limits::INFLATED_LEN_MAX;
use crate::model::Filter;

/// Undoes every filter that `mask` does not exclude, last first. The result has `len` bytes.
///
/// # Errors
///
/// [`Problem::Unsupported`] for another filter than deflate, shuffle and Fletcher-32, [`Problem::Limit`] if the result
/// would be too long, [`Problem::Malformed`] if it has another length or the data are damaged.
pub fn unfilter(filters: &[Filter], mask: u32, stored: &Bytes, len: u64) -> Result<Bytes, Problem> {
    let limit = widen(INFLATED_LEN_MAX);
    let expected = usize::try_from(len).ok().filter(|len| *len <= INFLATED_LEN_MAX);
    let expected =
        expected.ok_or(Problem::Limit { what: "the length without filters", limit, found: len })?;
    let mut bytes = stored.clone();
    for (position, filter) in filters.iter().enumerate().rev() {
        let bit = u32::try_from(position).ok().and_then(|position| 1u32.checked_shl(position)).unwrap_or(0);
        if mask & bit == 0 {
            bytes = undo(filter, &bytes, expected)?;
        }
    }
    if bytes.len() == expected {
        Ok(bytes)
    } else {
        Err(Problem::malformed(format!("{} bytes without filters but must be {expected}", bytes.len())))
    }
}

fn undo(filter: &Filter, bytes: &Bytes, expected: usize) -> Result<Bytes, Problem> {
    match filter.id {
        1 => inflate(bytes, expected),
        2 => Ok(unshuffle(bytes, filter.values.first().copied().unwrap_or(1))),
        3 => without_fletcher32(bytes),
        id => Err(Problem::unsupported(format!("filter {id} on metadata"))),
    }
}

fn inflate(bytes: &[u8], expected: usize) -> Result<Bytes, Problem> {
    let mut inflated = Vec::new();
    // A checksum may follow what was compressed, and one byte more shows that there is too much.
    let limit = widen(expected).saturating_add(5);
    flate2::read::ZlibDecoder::new(bytes)
        .take(limit)
        .read_to_end(&mut inflated)
        .map_err(|error| Problem::malformed(format!("compressed bytes are damaged: {error}")))?;
    Ok(Bytes::from(inflated))
}

/// All first bytes of the elements, then all second ones, and so on. Bytes behind the last whole element stay.
fn unshuffle(bytes: &Bytes, element_size: u32) -> Bytes {
    let size = usize::try_from(element_size).unwrap_or(usize::MAX);
    let count = bytes.len().checked_div(size).unwrap_or(0);
    if size < 2 || count < 2 {
        return bytes.clone();
    }
    let whole = count.saturating_mul(size);
    let mut plain = Vec::with_capacity(bytes.len());
    for element in 0..count {
        plain.extend(bytes.iter().take(whole).skip(element).step_by(count));
    }
    plain.extend(bytes.iter().skip(whole));
    Bytes::from(plain)
}

fn without_fletcher32(bytes: &Bytes) -> Result<Bytes, Problem> {
    let Some((body, stored)) = bytes.split_last_chunk::<4>() else {
        return Err(Problem::Truncated { needed: 4, available: widen(bytes.len()) });
    };
    let stored = u32::from_le_bytes(*stored);
    let computed = fletcher32(body);
    if stored == computed || stored == swapped_halves(computed) {
        Ok(bytes.slice_ref(body))
    } else {
        Err(Problem::Checksum { computed, stored })
    }
}

/// What libhdf5 up to 1.6.2 stored on little-endian machines: each half in the other byte order. Later versions accept
/// both.
fn swapped_halves(sum: u32) -> u32 {
    sum.rotate_left(16).swap_bytes()
}

/// Fletcher's checksum over big-endian pairs of bytes; an odd last byte is the high one of a pair.
///
/// The sums are folded, not taken modulo 65535: one that is a multiple of it is 0xffff, and 0 only if nothing was added.
fn fletcher32(bytes: &[u8]) -> u32 {
    /// The most pairs whose sums, folded before, cannot overflow 32 bits.
    const PAIRS_PER_FOLD: usize = 360;
    let fold = |sum: u32| (sum & 0xffff).wrapping_add(sum >> 16);
    let (mut first, mut second) = (0u32, 0u32);
    for pairs in bytes.chunks(PAIRS_PER_FOLD.saturating_mul(2)) {
        for pair in pairs.chunks(2) {
            let high = pair.first().copied().unwrap_or(0);
            let low = pair.get(1).copied().unwrap_or(0);
            first = first.wrapping_add(u32::from(u16::from_be_bytes([high, low])));
            second = second.wrapping_add(first);
        }
        (first, second) = (fold(first), fold(second));
    }
    (fold(second) << 16) | fold(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(id: u16, values: &[u32]) -> Filter {
        Filter { id, name: None, flags: 0, values: values.to_vec() }
    }

    #[test]
    fn shuffled_bytes_come_back_in_order_with_their_rest() {
        let shuffled = Bytes::from_static(&[1, 3, 5, 2, 4, 6, 7]);
        let plain = unfilter(&[filter(2, &[2])], 0, &shuffled, 7).unwrap();
        assert_eq!(&plain[..], [1, 2, 3, 4, 5, 6, 7]);
        let masked = unfilter(&[filter(2, &[2])], 1, &shuffled, 7).unwrap();
        assert_eq!(masked, shuffled);
    }

    #[test]
    fn a_bomb_does_not_grow_beyond_what_was_announced() {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, &[0; 1 << 20]).unwrap();
        let bomb = Bytes::from(encoder.finish().unwrap());
        assert!(matches!(unfilter(&[filter(1, &[9])], 0, &bomb, 100), Err(Problem::Malformed(_))));
        assert_eq!(unfilter(&[filter(1, &[9])], 0, &bomb, 1 << 20).unwrap().len(), 1 << 20);
        assert!(matches!(unfilter(&[], 0, &bomb, u64::MAX), Err(Problem::Limit { .. })));
    }

    #[test]
    fn fletcher_sums_are_those_of_the_library() {
        let stored = |bytes: &[u8]| fletcher32(bytes).to_le_bytes();
        assert_eq!(stored(&[1, 2, 3, 4, 5]), [0x06, 0x09, 0x0e, 0x0e]);
        let thrice: Vec<u8> = (0..200).cycle().take(600).collect();
        assert_eq!(stored(&thrice), [0xa4, 0x79, 0x9a, 0xec]);
        let mut ones = vec![0xff; 1000];
        assert_eq!(stored(&ones), [0xff; 4]);
        ones.push(1);
        assert_eq!(stored(&ones), [0x00, 0x01, 0x00, 0x01]);
        assert_eq!(stored(&[0; 1000]), [0; 4]);
        assert_eq!(stored(&[0xff; 100_000]), [0xff; 4]);
    }

    #[test]
    fn a_fletcher_checksum_with_swapped_halves_is_accepted() {
        let swapped = Bytes::from_static(&[1, 2, 3, 4, 5, 0x09, 0x06, 0x0e, 0x0e]);
        assert_eq!(unfilter(&[filter(3, &[])], 0, &swapped, 5).unwrap().len(), 5);
    }

    #[test]
    fn a_fletcher_checksum_is_verified_and_taken_off() {
        let mut bytes = b"abcde".to_vec();
        bytes.extend(fletcher32(b"abcde").to_le_bytes());
        assert_eq!(unfilter(&[filter(3, &[])], 0, &Bytes::from(bytes.clone()), 5).unwrap(), "abcde");
        bytes[0] ^= 1;
        assert!(matches!(
            unfilter(&[filter(3, &[])], 0, &Bytes::from(bytes), 5),
            Err(Problem::Checksum { .. })
        ));
    }
}
