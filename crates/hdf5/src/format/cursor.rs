//! Reading little-endian fields one after the other, always within bounds.

use std::fmt;

use crate::error::Problem;

/// How addresses and lengths are stored in one file: their widths in bytes, and what addresses count from.
///
/// Spec: HDF5 File Format 3.0, II.A, "Size of Offsets", "Size of Lengths" and "Base Address".
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    offset: u8,
    length: u8,
    base: u64,
}

impl Sizes {
    /// The sizes of nearly every file: eight bytes each.
    pub const EIGHT: Self = Self { offset: 8, length: 8, base: 0 };

    /// Checks the two sizes of a superblock.
    ///
    /// # Errors
    ///
    /// [`Problem::Unsupported`] for 16 and 32, which the library can write but nothing can address;
    /// [`Problem::Malformed`] for everything that is not a power of two from 2 to 32.
    pub fn new(offset: u8, length: u8) -> Result<Self, Problem> {
        for (name, size) in [("offsets", offset), ("lengths", length)] {
            match size {
                2 | 4 | 8 => {}
                16 | 32 => return Err(Problem::unsupported(format!("size of {name} {size}"))),
                _ => {
                    return Err(Problem::malformed(format!(
                        "size of {name} is {size} but must be 2, 4 or 8"
                    )));
                }
            }
        }
        Ok(Self { offset, length, base: 0 })
    }

    /// The same widths in a file whose addresses count from byte `base`, behind a user block.
    #[must_use]
    pub fn with_base(self, base: u64) -> Self {
        Self { base, ..self }
    }

    /// The byte of the file that addresses count from.
    #[must_use]
    pub fn base(self) -> u64 {
        self.base
    }

    /// The width of an address in bytes: 2, 4 or 8.
    #[must_use]
    pub fn offset(self) -> usize {
        usize::from(self.offset)
    }

    /// The width of a length in bytes: 2, 4 or 8.
    #[must_use]
    pub fn length(self) -> usize {
        usize::from(self.length)
    }
}

/// Width of offsets / width of lengths, and the base address where it is not zero.
impl fmt::Debug for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.offset, self.length)?;
        if self.base == 0 { Ok(()) } else { write!(f, " from {}", self.base) }
    }
}

/// A position in the bytes of one structure.
///
/// Every method checks that the bytes exist; none can panic. After an error the position is unchanged.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    /// Starts at the first of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// Bytes read so far.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// Bytes not yet read.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.position)
    }

    /// Whether every byte has been read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.remaining() == 0
    }

    /// Everything not yet read, without moving.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`] if there are fewer.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], Problem> {
        let taken = self.rest().get(..len).ok_or_else(|| self.truncated(len))?;
        self.position = self.position.saturating_add(len);
        Ok(taken)
    }

    #[cold]
    fn truncated(&self, len: usize) -> Problem {
        Problem::Truncated {
            needed: widen(self.position).saturating_add(widen(len)),
            available: widen(self.bytes.len()),
        }
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`] if there are fewer.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let Some((array, _)) = self.rest().split_first_chunk::<N>() else {
            return Err(self.truncated(N));
        };
        self.position = self.position.saturating_add(N);
        Ok(*array)
    }

    /// Passes over `len` bytes.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`] if there are fewer.
    pub fn skip(&mut self, len: usize) -> Result<(), Problem> {
        self.take(len).map(|_| ())
    }

    /// Passes over the padding up to the next multiple of `alignment` bytes from the start.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`] if the padding is cut off.
    pub fn align(&mut self, alignment: usize) -> Result<(), Problem> {
        let over = self.position.checked_rem(alignment).unwrap_or(0);
        self.skip(if over == 0 { 0 } else { alignment.saturating_sub(over) })
    }

    /// Expects the four letters that start a structure.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`] if they are cut off, [`Problem::Malformed`] if they are others.
    pub fn signature(&mut self, expected: &[u8; 4]) -> Result<(), Problem> {
        let mut ahead = *self;
        let found = ahead.take(4)?;
        if found != expected {
            return Err(Problem::malformed(format!(
                "signature is \"{}\" but must be \"{}\"",
                found.escape_ascii(),
                expected.escape_ascii()
            )));
        }
        *self = ahead;
        Ok(())
    }

    /// One byte.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`] at the end.
    pub fn u8(&mut self) -> Result<u8, Problem> {
        self.array().map(u8::from_le_bytes)
    }

    /// A 16-bit little-endian number.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`] if it is cut off.
    pub fn u16(&mut self) -> Result<u16, Problem> {
        self.array().map(u16::from_le_bytes)
    }

    /// A 32-bit little-endian number.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`] if it is cut off.
    pub fn u32(&mut self) -> Result<u32, Problem> {
        self.array().map(u32::from_le_bytes)
    }

    /// A 64-bit little-endian number.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`] if it is cut off.
    pub fn u64(&mut self) -> Result<u64, Problem> {
        self.array().map(u64::from_le_bytes)
    }

    /// A little-endian number of `width` bytes, from 0 (always zero) to 8.
    ///
    /// # Errors
    ///
    /// [`Problem::Malformed`] if `width` is more than 8, [`Problem::Truncated`] if the number is cut off.
    pub fn uint(&mut self, width: usize) -> Result<u64, Problem> {
        match width {
            8 => self.u64(),
            4 => self.u32().map(u64::from),
            0..8 => Ok(self.take(width)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))),
            _ => Err(Problem::malformed(format!("a number is {width} bytes wide but at most 8 is possible"))),
        }
    }

    /// An address, made absolute by adding the base address: the only place where that is done.
    ///
    /// All ones is the undefined address: `None`.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`] if it is cut off, [`Problem::Malformed`] if the sum has more than 64 bits.
    pub fn offset(&mut self, sizes: Sizes) -> Result<Option<u64>, Problem> {
        let width = sizes.offset();
        let stored = self.uint(width)?;
        if stored == all_ones(width) {
            return Ok(None);
        }
        let absolute = stored.checked_add(sizes.base).ok_or_else(|| {
            Problem::malformed(format!(
                "address {stored} from base address {} is more than 64 bits",
                sizes.base
            ))
        })?;
        Ok(Some(absolute))
    }

    /// A length in bytes.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`] if it is cut off.
    pub fn length(&mut self, sizes: Sizes) -> Result<u64, Problem> {
        self.uint(sizes.length())
    }
}

/// The largest number of `width` bytes.
pub(crate) fn all_ones(width: usize) -> u64 {
    let unused_bits = u32::try_from(width).unwrap_or(8).saturating_mul(8);
    u64::MAX.checked_shr(64_u32.saturating_sub(unused_bits)).unwrap_or(0)
}

/// A length in memory as a length in a file. Lossless wherever this crate can be compiled.
pub(crate) fn widen(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_little_endian_and_follow_each_other() {
        let mut cursor = Cursor::new(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]);
        assert_eq!(cursor.u8().unwrap(), 1);
        assert_eq!(cursor.u16().unwrap(), 0x0302);
        assert_eq!(cursor.u32().unwrap(), 0x0706_0504);
        assert_eq!(cursor.u64().unwrap(), 0x0f0e_0d0c_0b0a_0908);
        assert_eq!(cursor.uint(3).unwrap(), 0x12_1110);
        assert_eq!(cursor.uint(0).unwrap(), 0);
        assert!(cursor.is_empty());
    }

    #[test]
    fn a_cut_field_says_how_much_was_needed_and_leaves_the_position() {
        let mut cursor = Cursor::new(&[1, 2, 3]);
        cursor.skip(1).unwrap();
        let problem = cursor.u32().unwrap_err();
        assert!(matches!(problem, Problem::Truncated { needed: 5, available: 3 }));
        assert_eq!(cursor.position(), 1);
        assert!(cursor.take(usize::MAX).is_err());
        assert_eq!(cursor.u16().unwrap(), 0x0302);
    }

    #[test]
    fn all_ones_is_the_undefined_address_at_every_width() {
        for width in [2, 4, 8] {
            let sizes = Sizes::new(width, 8).unwrap();
            let mut bytes = vec![0xff; usize::from(width)];
            assert_eq!(Cursor::new(&bytes).offset(sizes).unwrap(), None);
            bytes[0] = 0xfe;
            assert!(Cursor::new(&bytes).offset(sizes).unwrap().is_some());
        }
    }

    #[test]
    fn the_base_address_is_added_to_every_address() {
        let sizes = Sizes::EIGHT.with_base(512);
        let mut cursor = Cursor::new(&[8, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(cursor.offset(sizes).unwrap(), Some(520));
        let bytes = (u64::MAX - 1).to_le_bytes();
        assert!(Cursor::new(&bytes).offset(sizes).is_err());
    }

    #[test]
    fn a_number_wider_than_eight_bytes_is_refused() {
        assert!(matches!(Cursor::new(&[0; 16]).uint(9), Err(Problem::Malformed(_))));
    }

    #[test]
    fn alignment_counts_from_the_start_of_the_structure() {
        let mut cursor = Cursor::new(&[0; 10]);
        cursor.align(8).unwrap();
        assert_eq!(cursor.position(), 0);
        cursor.skip(3).unwrap();
        cursor.align(8).unwrap();
        assert_eq!(cursor.position(), 8);
        cursor.skip(1).unwrap();
        assert!(cursor.align(8).is_err());
    }

    #[test]
    fn a_wrong_signature_is_shown_beside_the_right_one() {
        let problem = Cursor::new(b"FR\0Px").signature(b"FRHP").unwrap_err();
        assert_eq!(problem.to_string(), r#"signature is "FR\x00P" but must be "FRHP""#);
    }

    #[test]
    fn only_sizes_that_fit_a_64_bit_address_are_accepted() {
        assert_eq!(Sizes::new(8, 8).unwrap(), Sizes::EIGHT);
        assert!(matches!(Sizes::new(16, 8), Err(Problem::Unsupported(_))));
        assert!(matches!(Sizes::new(8, 3), Err(Problem::Malformed(_))));
        assert!(matches!(Sizes::new(0, 8), Err(Problem::Malformed(_))));
    }
}
