//! Numbers of any number of bits, one after another, the most significant bit first.

use crate::Problem;

/// Bits of a byte.
pub(crate) const BYTE: u32 = 8;

/// Zero bits that are certainly in the window, wherever in a byte it begins.
const RUN: u32 = u128::BITS - BYTE;

/// Reads bits from the front of a slice.
#[derive(Debug)]
pub(crate) struct Bits<'a> {
    bytes: &'a [u8],
    /// Bits read so far.
    position: usize,
}

impl<'a> Bits<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// The next `count` bits, at most 64, as a number.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`] if there are fewer.
    pub(crate) fn take(&mut self, count: u32) -> Result<u64, Problem> {
        let value = self.window().checked_shr(u128::BITS.saturating_sub(count)).unwrap_or(0);
        self.advance(count)?;
        #[expect(clippy::cast_possible_truncation, reason = "the value has at most 64 bits")]
        Ok(value as u64)
    }

    /// The number of zeros before the next one; passes over that too.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`] if there is no one.
    pub(crate) fn unary(&mut self) -> Result<u32, Problem> {
        let mut zeros = 0_u32;
        loop {
            let here = self.window().leading_zeros();
            if here < RUN {
                self.advance(here + 1)?;
                return Ok(zeros.saturating_add(here));
            }
            self.advance(RUN)?;
            zeros = zeros.saturating_add(RUN);
        }
    }

    /// The next bits at the top of a word, of which the lowest seven may be missing; zeros past the end.
    fn window(&self) -> u128 {
        let rest = self.bytes.get(self.position / 8..).unwrap_or_default();
        let word = rest.first_chunk::<16>().copied().unwrap_or_else(|| {
            let mut word = [0; 16];
            word.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            word
        });
        u128::from_be_bytes(word) << (self.position % 8)
    }

    fn advance(&mut self, count: u32) -> Result<(), Problem> {
        let position = usize::try_from(count).ok().and_then(|count| self.position.checked_add(count));
        let position = position.unwrap_or(usize::MAX);
        let (needed, available) = (position.div_ceil(8), self.bytes.len());
        if needed > available {
            return Err(Problem::Truncated { needed, available });
        }
        self.position = position;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_width_follow_each_other() {
        let mut bits = Bits::new(&[0b1010_0111, 0xff, 0, 1, 2, 3, 4, 5, 6, 7, 0b1000_0000]);
        assert_eq!([bits.take(3).unwrap(), bits.take(0).unwrap(), bits.take(2).unwrap()], [5, 0, 0]);
        assert_eq!(bits.take(3).unwrap(), 7);
        assert_eq!(bits.take(64).unwrap(), 0xff00_0102_0304_0506);
        assert_eq!((bits.take(9).unwrap(), bits.take(7).unwrap()), (15, 0));
        assert!(matches!(bits.take(1), Err(Problem::Truncated { needed: 12, available: 11 })));
    }

    #[test]
    fn long_runs_of_zeros_are_counted_across_words() {
        let mut bytes = vec![0x80];
        bytes.extend([0; 40]);
        bytes.push(0x10);
        let mut bits = Bits::new(&bytes);
        assert_eq!((bits.unary().unwrap(), bits.unary().unwrap()), (0, 7 + 320 + 3));
        assert!(matches!(bits.unary(), Err(Problem::Truncated { .. })));
    }
}
