//! The fixed array index: one slot for every chunk of the maximum extent.
//!
//! ```text
//! header ──► data block │ FADB … │ slot 0 │ slot 1 │ … │ checksum │                        up to 2^bits slots
//!         or data block │ FADB … │ page bitmap │ checksum │ page 0 │ page 1 │ … │ last page │     more slots
//! ```
//!
//! Pages whose bit is not set were never written: their chunks are not stored.
//!
//! Spec: HDF5 File Format 3.0, VII.C, "The Fixed Array Index".

use crate::error::Problem;
use crate::format::checksum::CHECKSUM_LEN;
use crate::format::chunk_index::{Entry, Pages, array_block_head, array_block_head_len};
use crate::format::cursor::{Cursor, Sizes, widen};

/// The header of a fixed array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedArrayHeader {
    /// 0: chunks without filters, 1: with.
    pub client: u8,
    /// Bytes of a slot.
    pub entry_len: u8,
    /// Binary logarithm of the number of slots on a page.
    pub page_bits: u8,
    /// Number of slots.
    pub slot_count: u64,
    /// The data block; `None` if no chunk was ever stored.
    pub data_block: Option<u64>,
}

impl FixedArrayHeader {
    /// Bytes of a header.
    #[must_use]
    pub fn len(sizes: Sizes) -> u64 {
        12_u64.saturating_add(widen(sizes.offset())).saturating_add(widen(sizes.length()))
    }

    /// Reads a header. `body` is the whole header without its checksum.
    ///
    /// Spec: HDF5 File Format 3.0, VII.C, "Fixed Array Header".
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`], [`Problem::Malformed`] if the signature is wrong,
    /// [`Problem::Unsupported`] for any version but 0.
    pub fn parse(body: &[u8], sizes: Sizes) -> Result<Self, Problem> {
        let mut cursor = Cursor::new(body);
        cursor.signature(b"FAHD")?;
        let version = cursor.u8()?;
        if version != 0 {
            return Err(Problem::unsupported(format!("version {version}")));
        }
        Ok(Self {
            client: cursor.u8()?,
            entry_len: cursor.u8()?,
            page_bits: cursor.u8()?,
            slot_count: cursor.length(sizes)?,
            data_block: cursor.offset(sizes)?,
        })
    }

    /// How the slots are cut into pages; `None` if they are not.
    #[must_use]
    pub fn pages(&self) -> Option<Pages> {
        Pages::new(self.slot_count, self.page_bits, u64::from(self.entry_len))
    }

    /// Bytes of the data block up to its own checksum, that included: all of it without pages, else what is before
    /// the first page. `None` beyond 64 bits.
    #[must_use]
    pub fn data_block_len(&self, sizes: Sizes) -> Option<u64> {
        let content = match self.pages() {
            Some(pages) => pages.bitmap_len(),
            None => self.slot_count.checked_mul(u64::from(self.entry_len))?,
        };
        array_block_head_len(sizes).checked_add(content)?.checked_add(widen(CHECKSUM_LEN))
    }

    /// What is between the head and the checksum of a data block: the slots, or the bitmap if there are pages.
    ///
    /// `body` has the length that [`Self::data_block_len`] says, less the checksum; `header` is the address of this header.
    ///
    /// Spec: HDF5 File Format 3.0, VII.C, "Fixed Array Data Block".
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`], [`Problem::Unsupported`] for any version but 0,
    /// [`Problem::Malformed`] if the block belongs to another array.
    pub fn data_block<'a>(&self, body: &'a [u8], header: u64, sizes: Sizes) -> Result<&'a [u8], Problem> {
        let mut cursor = Cursor::new(body);
        array_block_head(&mut cursor, b"FADB", self.client, header, sizes)?;
        Ok(cursor.rest())
    }

    /// How a slot is stored.
    ///
    /// # Errors
    ///
    /// As [`Entry::new`].
    pub fn entry(&self, sizes: Sizes, chunk_len: u64, filtered: bool) -> Result<Entry, Problem> {
        Entry::new(self.client, usize::from(self.entry_len), sizes, chunk_len, filtered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(slot_count: u64, page_bits: u8) -> Vec<u8> {
        let mut bytes = b"FAHD\0\0\x08".to_vec();
        bytes.push(page_bits);
        bytes.extend(slot_count.to_le_bytes());
        bytes.extend(600_u64.to_le_bytes());
        bytes
    }

    #[test]
    fn a_header_says_how_long_its_data_block_is() {
        let bytes = header(10, 10);
        assert_eq!(widen(bytes.len() + CHECKSUM_LEN), FixedArrayHeader::len(Sizes::EIGHT));
        let unpaged = FixedArrayHeader::parse(&bytes, Sizes::EIGHT).unwrap();
        assert_eq!(unpaged.data_block, Some(600));
        assert_eq!(unpaged.data_block_len(Sizes::EIGHT), Some(14 + 80 + 4));
        let paged = FixedArrayHeader::parse(&header(10, 0), Sizes::EIGHT).unwrap();
        assert_eq!(paged.data_block_len(Sizes::EIGHT), Some(14 + 2 + 4));
        let absurd = FixedArrayHeader::parse(&header(u64::MAX / 4, 63), Sizes::EIGHT).unwrap();
        assert_eq!(absurd.data_block_len(Sizes::EIGHT), None);
    }

    #[test]
    fn a_data_block_must_name_the_header_it_belongs_to() {
        let header = FixedArrayHeader::parse(&header(1, 10), Sizes::EIGHT).unwrap();
        let mut bytes = b"FADB\0\0".to_vec();
        bytes.extend(500_u64.to_le_bytes());
        bytes.extend(7777_u64.to_le_bytes());
        assert_eq!(header.data_block(&bytes, 500, Sizes::EIGHT).unwrap(), 7777_u64.to_le_bytes());
        let problem = header.data_block(&bytes, 501, Sizes::EIGHT).unwrap_err();
        assert_eq!(
            problem.to_string(),
            "the block belongs to the header at 500 but the one at 501 points to it"
        );
    }

    #[test]
    fn lying_bytes_are_errors() {
        let good = header(10, 10);
        for len in 0..good.len() {
            assert!(FixedArrayHeader::parse(&good[..len], Sizes::EIGHT).is_err());
        }
        let mut newer = good;
        newer[4] = 1;
        assert!(matches!(FixedArrayHeader::parse(&newer, Sizes::EIGHT), Err(Problem::Unsupported(_))));
    }
}
