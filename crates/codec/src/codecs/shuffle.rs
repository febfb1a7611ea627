//! Byte shuffle.
//!
//! ```text
//! elements  a0 a1 a2 a3 | b0 b1 b2 b3 | c0 … | tail
//! shuffled  a0 b0 c0 … | a1 b1 c1 … | a2 … | a3 … | tail
//! ```
//!
//! A tail shorter than one element stays where it is, as in HDF5.

use crate::Problem;
use crate::want::room;

/// Whether undoing the shuffle of `length` bytes moves any.
///
/// # Errors
///
/// [`Problem::Malformed`] for elements of no bytes.
pub(crate) fn moves_bytes(element_size: usize, length: usize) -> Result<bool, Problem> {
    if element_size == 0 {
        return Err(Problem::Malformed("the element size is 0"));
    }
    Ok(element_size > 1 && length / element_size > 1)
}

/// Puts the bytes of each element together again.
pub(crate) fn decode(input: &[u8], element_size: usize, out: &mut Vec<u8>) -> Result<(), Problem> {
    interleave(input, element_size, room(out, input.len())?);
    Ok(())
}

/// Puts the bytes of each element together; both buffers have the same length.
pub(crate) fn interleave(planes: &[u8], element_size: usize, elements: &mut [u8]) {
    let count = elements.len() / element_size;
    let (planes, rest) = planes.split_at(count * element_size);
    let (elements, tail) = elements.split_at_mut(count * element_size);
    tail.copy_from_slice(rest);
    let mut planes = planes.chunks_exact(count.max(1));
    let mut next = || planes.next().unwrap_or_default();
    match element_size {
        1 => elements.copy_from_slice(next()),
        2 => zip(next(), next(), elements),
        4 => interleave_4(std::array::from_fn(|_| next()), elements),
        8 => interleave_8(std::array::from_fn(|_| next()), elements),
        _ => interleave_any(planes, element_size, elements),
    }
}

/// As [`interleave`], of planes that lie apart. All have the same length, together that of `elements`.
pub(crate) fn interleave_apart(planes: &[&[u8]], elements: &mut [u8]) {
    match *planes {
        [plane] => elements.copy_from_slice(plane),
        [a, b] => zip(a, b, elements),
        [a, b, c, d] => interleave_4([a, b, c, d], elements),
        [a, b, c, d, e, f, g, h] => interleave_8([a, b, c, d, e, f, g, h], elements),
        _ => interleave_any(planes.iter().copied(), planes.len(), elements),
    }
}

/// More than two planes at once are too many for the compiler's shuffles. Passes over pairs, inside the nearest cache,
/// give the same: planes 0 and 2, 1 and 3 make pairs, and those make elements.
fn interleave_4(planes: [&[u8]; 4], elements: &mut [u8]) {
    const BLOCK: usize = 512;
    let mut pairs = [0; 4 * BLOCK];
    for (block, elements) in elements.chunks_mut(4 * BLOCK).enumerate() {
        let (start, length) = (block * BLOCK, elements.len() / 4);
        let [a, b, c, d] = planes.map(|plane| &plane[start..][..length]);
        let (even, odd) = pairs[..4 * length].split_at_mut(2 * length);
        zip(a, c, even);
        zip(b, d, odd);
        zip(even, odd, elements);
    }
}

/// Three passes: planes 0 and 4, 1 and 5, … make pairs, pairs of 0 and 2, 1 and 3 make fours, and those make elements.
fn interleave_8(planes: [&[u8]; 8], elements: &mut [u8]) {
    const BLOCK: usize = 256;
    let (mut pairs, mut fours) = ([0; 8 * BLOCK], [0; 8 * BLOCK]);
    for (block, elements) in elements.chunks_mut(8 * BLOCK).enumerate() {
        let (start, length) = (block * BLOCK, elements.len() / 8);
        let plane = planes.map(|plane| &plane[start..][..length]);
        let (pairs, fours) = (&mut pairs[..8 * length], &mut fours[..8 * length]);
        for (byte, pair) in pairs.chunks_exact_mut(2 * length).enumerate() {
            zip(plane[byte], plane[byte + 4], pair);
        }
        let (low, high) = pairs.split_at(4 * length);
        let (even, odd) = fours.split_at_mut(4 * length);
        zip(&low[..2 * length], &high[..2 * length], even);
        zip(&low[2 * length..], &high[2 * length..], odd);
        zip(even, odd, elements);
    }
}

/// Takes bytes of `even` and `odd` in turn.
fn zip(even: &[u8], odd: &[u8], out: &mut [u8]) {
    for ((pair, &even), &odd) in out.as_chunks_mut::<2>().0.iter_mut().zip(even).zip(odd) {
        *pair = [even, odd];
    }
}

fn interleave_any<'a>(planes: impl Iterator<Item = &'a [u8]>, element_size: usize, elements: &mut [u8]) {
    for (byte, plane) in planes.enumerate() {
        let places = elements.iter_mut().skip(byte).step_by(element_size);
        for (place, &value) in places.zip(plane) {
            *place = value;
        }
    }
}

/// Sorts the bytes of the elements by their place in the element.
pub(crate) fn encode(input: &[u8], element_size: usize) -> Result<Vec<u8>, Problem> {
    if !moves_bytes(element_size, input.len())? {
        return Ok(input.to_vec());
    }
    let (whole, tail) = input.split_at(input.len() - input.len() % element_size);
    let mut out = Vec::with_capacity(input.len());
    for byte in 0..element_size {
        out.extend(whole.iter().skip(byte).step_by(element_size));
    }
    out.extend_from_slice(tail);
    Ok(out)
}
