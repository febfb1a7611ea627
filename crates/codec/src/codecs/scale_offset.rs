//! Scale-offset as HDF5 filter 6 writes it.
//!
//! ```text
//! │ bits u32 LE │ 8 │ minimum u64 LE │ 8 bytes of no use │ code of `bits` bits … │
//! ```
//! An integer is the minimum plus its code. A floating-point number is the minimum plus its code divided by a power of
//! ten; its minimum is stored as the bits of the number. Where the dataset has a fill value, the code of all ones stands
//! for it. Without a bit to a code all elements are alike; with as many as an element has, the elements stand as they
//! are, little-endian.

use rangefold_array::ByteOrder;

use super::integer_bits::write;
use crate::Problem;
use crate::bits::Bits;
use crate::want::{Want, room, take, take_array};

/// Bytes before the codes.
const HEADER_LEN: usize = 21;
/// Bytes of the minimum.
const MINIMUM_LEN: u8 = 8;

/// What the elements are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elements {
    kind: Kind,
    /// Bytes of an element.
    size: usize,
    /// Bits of an element.
    width: u32,
    order: ByteOrder,
    fill: Option<u64>,
}

/// What a code means.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// A distance from the minimum.
    Integer,
    /// One that was multiplied by `scale`, a power of ten.
    Float32 { scale: f32 },
    /// As above.
    Float64 { scale: f64 },
}

impl Elements {
    /// Checks the parameters of the filter.
    ///
    /// # Errors
    ///
    /// [`Problem::Malformed`] for elements that the filter does not take.
    pub(crate) fn new(
        size: usize,
        order: ByteOrder,
        decimals: Option<i32>,
        fill: Option<u64>,
    ) -> Result<Self, Problem> {
        let (kind, width) = match (size, decimals) {
            (1, None) => (Kind::Integer, 8),
            (2, None) => (Kind::Integer, 16),
            (4, None) => (Kind::Integer, 32),
            (8, None) => (Kind::Integer, 64),
            #[expect(clippy::cast_precision_loss, reason = "no power of ten has so large an exponent")]
            (4, Some(decimals)) => (Kind::Float32 { scale: 10_f32.powf(decimals as f32) }, 32),
            (8, Some(decimals)) => (Kind::Float64 { scale: 10_f64.powf(f64::from(decimals)) }, 64),
            _ => return Err(Problem::Malformed("no number has elements of this size")),
        };
        Ok(Self { kind, size, width, order, fill })
    }

    /// The bits of the element with this code.
    ///
    /// The arithmetic is that of HDF5, in the precision of the element, so that the bits are the same.
    fn element(self, code: u64, minimum: u64) -> u64 {
        match self.kind {
            Kind::Integer => code.wrapping_add(minimum),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_precision_loss,
                reason = "a minimum has 32 bits here, and HDF5 rounds codes like this"
            )]
            Kind::Float32 { scale } => {
                (code as f32 / scale + f32::from_bits(minimum as u32)).to_bits().into()
            }
            #[expect(clippy::cast_precision_loss, reason = "HDF5 rounds codes like this")]
            Kind::Float64 { scale } => (code as f64 / scale + f64::from_bits(minimum)).to_bits(),
        }
    }
}

/// Puts the elements together again.
pub(crate) fn decode(
    mut input: &[u8],
    elements: Elements,
    count: usize,
    want: Want,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let length = count.saturating_mul(elements.size);
    want.check(length)?;
    let mut header = take(&mut input, HEADER_LEN)?;
    let bits = u32::from_le_bytes(take_array(&mut header)?);
    let [minimum_len] = take_array(&mut header)?;
    if minimum_len != MINIMUM_LEN {
        return Err(Problem::Malformed("the minimum is not of 8 bytes"));
    }
    let minimum = u64::from_le_bytes(take_array(&mut header)?);
    if bits > elements.width {
        return Err(Problem::Malformed("a code has more bits than an element"));
    }
    if bits == elements.width {
        room(out, length)?.copy_from_slice(take(&mut input, length)?);
        if elements.order == ByteOrder::Big {
            out.chunks_exact_mut(elements.size).for_each(<[u8]>::reverse);
        }
        return Ok(());
    }
    let needed = usize::try_from(bits).ok().and_then(|bits| bits.checked_mul(count));
    let needed = needed.unwrap_or(usize::MAX).div_ceil(8);
    if needed > input.len() {
        return Err(Problem::Truncated { needed, available: input.len() });
    }
    let fill = elements.fill.map(|fill| ((1_u64 << bits) - 1, fill));
    let mut codes = Bits::new(input);
    for target in room(out, length)?.chunks_exact_mut(elements.size) {
        let code = codes.take(bits)?;
        let value = match fill {
            Some((mark, fill)) if code == mark => fill,
            _ => elements.element(code, minimum),
        };
        write(value, elements.order, target);
    }
    Ok(())
}

/// Frames elements as they are. `None` if the input is not `count` elements.
pub(crate) fn store(input: &[u8], elements: Elements, count: usize) -> Option<Vec<u8>> {
    if count.checked_mul(elements.size) != Some(input.len()) {
        return None;
    }
    let mut out = vec![0; HEADER_LEN];
    let (bits, rest) = out.split_first_chunk_mut::<4>()?;
    *bits = elements.width.to_le_bytes();
    *rest.first_mut()? = MINIMUM_LEN;
    for element in input.chunks_exact(elements.size) {
        match elements.order {
            ByteOrder::Little => out.extend(element),
            ByteOrder::Big => out.extend(element.iter().rev()),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(bits: u32, minimum: u64, codes: &[u8]) -> Vec<u8> {
        [&bits.to_le_bytes()[..], &[8], &minimum.to_le_bytes(), &[0; 8], codes].concat()
    }

    #[test]
    fn the_code_of_all_ones_is_the_fill_value_even_without_bits() {
        let elements = Elements::new(2, ByteOrder::Big, None, Some(7)).unwrap();
        let mut out = Vec::new();
        decode(&chunk(4, 0x100, &[0x0f, 0xe0]), elements, 3, Want::Exactly(6), &mut out).unwrap();
        assert_eq!(out, [1, 0, 0, 7, 1, 14]);
        decode(&chunk(0, 0x100, &[]), elements, 2, Want::Exactly(4), &mut out).unwrap();
        assert_eq!(out, [0, 7, 0, 7]);
        let without = Elements::new(2, ByteOrder::Little, None, None).unwrap();
        decode(&chunk(0, 0x100, &[]), without, 2, Want::Exactly(4), &mut out).unwrap();
        assert_eq!(out, [0, 1, 0, 1]);
    }

    #[test]
    fn more_bits_than_an_element_has_and_missing_codes_are_refused() {
        let elements = Elements::new(4, ByteOrder::Little, Some(2), None).unwrap();
        let mut out = Vec::new();
        for bad in [chunk(33, 0, &[0; 64]), chunk(31, 0, &[0; 7]), chunk(32, 0, &[0; 7]), vec![0; 20]] {
            assert!(decode(&bad, elements, 2, Want::Exactly(8), &mut out).is_err());
        }
        for length in [4, 12] {
            assert!(decode(&chunk(1, 0, &[0]), elements, 2, Want::Exactly(length), &mut out).is_err());
        }
        assert!(Elements::new(2, ByteOrder::Little, Some(2), None).is_err(), "half-precision numbers");
    }
}
