//! Integers of which only some bits count, as HDF5 datatypes with a precision and a bit offset store them.
//!
//! ```text
//! stored   │ not looked at │ precision bits │ bit offset bits, not looked at │
//! decoded  │      sign or zeros             │ precision bits                 │
//! ```
//!
//! Spec: HDF5 File Format 3.0, IV.A.2.d, class 0.

use rangefold_array::ByteOrder;

use crate::Problem;
use crate::bits::BYTE;
use crate::want::room;

/// Which bits of an element count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    element_size: usize,
    order: ByteOrder,
    bit_offset: u32,
    precision: u32,
    signed: bool,
}

impl Layout {
    /// Checks that the bits are inside the element.
    ///
    /// # Errors
    ///
    /// [`Problem::Malformed`] if not, and for elements of other than 1 to 8 bytes.
    pub(crate) fn new(
        element_size: usize,
        order: ByteOrder,
        bit_offset: u32,
        precision: u32,
        signed: bool,
    ) -> Result<Self, Problem> {
        let width = u32::try_from(element_size).ok().filter(|size| (1..=8).contains(size));
        let width = width.ok_or(Problem::Malformed("the elements are not of 1 to 8 bytes"))? * BYTE;
        if precision == 0 || bit_offset.checked_add(precision).is_none_or(|end| end > width) {
            return Err(Problem::Malformed("the bits that count are not inside the element"));
        }
        Ok(Self { element_size, order, bit_offset, precision, signed })
    }

    /// The value in the low bits of the element as it is stored.
    fn widen(self, stored: u64) -> u64 {
        let unused = u64::BITS - self.precision;
        let high = (stored >> self.bit_offset) << unused;
        if self.signed { (high.cast_signed() >> unused).cast_unsigned() } else { high >> unused }
    }

    /// The element that [`Layout::widen`] makes `value` of, if the value fits.
    fn narrow(self, value: u64) -> Option<u64> {
        let unused = u64::BITS - self.precision;
        let stored = ((value << unused) >> unused) << self.bit_offset;
        let whole = u64::BITS - u32::try_from(self.element_size).ok()? * BYTE;
        (self.widen(stored) << whole == value << whole).then_some(stored)
    }
}

/// Moves the bits that count to the low end of each element.
pub(crate) fn decode(input: &[u8], layout: Layout, out: &mut Vec<u8>) -> Result<(), Problem> {
    if !input.len().is_multiple_of(layout.element_size) {
        return Err(Problem::Malformed("the length is not a whole number of elements"));
    }
    let out = room(out, input.len())?;
    let elements = input.chunks_exact(layout.element_size).zip(out.chunks_exact_mut(layout.element_size));
    for (stored, decoded) in elements {
        write(layout.widen(read(stored, layout.order)), layout.order, decoded);
    }
    Ok(())
}

/// The inverse of [`decode`]. `None` if a value does not fit the bits.
pub(crate) fn encode(input: &[u8], layout: Layout) -> Option<Vec<u8>> {
    let mut out = vec![0; input.len()];
    let elements = input.chunks_exact(layout.element_size).zip(out.chunks_exact_mut(layout.element_size));
    for (decoded, stored) in elements {
        write(layout.narrow(read(decoded, layout.order))?, layout.order, stored);
    }
    input.len().is_multiple_of(layout.element_size).then_some(out)
}

/// A number of up to eight bytes.
fn read(bytes: &[u8], order: ByteOrder) -> u64 {
    let push = |number: u64, byte: &u8| number << BYTE | u64::from(*byte);
    match order {
        ByteOrder::Little => bytes.iter().rev().fold(0, push),
        ByteOrder::Big => bytes.iter().fold(0, push),
    }
}

/// Writes the low bytes of `number`, as many as there is room for.
pub(crate) fn write(number: u64, order: ByteOrder, bytes: &mut [u8]) {
    let low = number.to_le_bytes();
    match order {
        ByteOrder::Little => bytes.iter_mut().zip(low).for_each(|(to, from)| *to = from),
        ByteOrder::Big => bytes.iter_mut().rev().zip(low).for_each(|(to, from)| *to = from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_bits_that_count_are_read_and_the_sign_is_extended() {
        let signed = Layout::new(2, ByteOrder::Little, 3, 10, true).unwrap();
        let unsigned = Layout::new(2, ByteOrder::Big, 0, 9, false).unwrap();
        let mut out = Vec::new();
        // -1 and 5 between bits that do not count.
        decode(&[0xff, 0xff, 0x2f, 0xe0], signed, &mut out).unwrap();
        assert_eq!(out, [0xff, 0xff, 5, 0]);
        decode(&[0xff, 0xff], unsigned, &mut out).unwrap();
        assert_eq!(out, [1, 0xff]);
    }

    #[test]
    fn a_value_too_large_for_its_bits_is_not_encoded() {
        let layout = Layout::new(2, ByteOrder::Little, 3, 10, true).unwrap();
        assert_eq!(encode(&[0, 0xfe], layout).unwrap(), [0, 0x10], "-512");
        assert_eq!(encode(&[0, 2], layout), None, "512");
        assert_eq!(encode(&[0, 0, 0], layout), None, "half an element");
    }

    #[test]
    fn bits_outside_the_element_are_refused() {
        for (size, offset, precision) in [(2, 9, 8), (0, 0, 1), (9, 0, 8), (4, 0, 0), (8, u32::MAX, 1)] {
            assert!(Layout::new(size, ByteOrder::Little, offset, precision, true).is_err());
        }
    }
}
