//! Chunk indexes: the structures that say where the chunks of a dataset lie.
//!
//! | index | when the library picks it | module |
//! |---|---|---|
//! | version 1 B-tree | layout message before version 4 | [`btree1`] |
//! | single chunk | the dataset is one chunk | none: it is in the layout message |
//! | implicit | fixed shape, no filters, allocated early | none: chunks lie one after another |
//! | fixed array | no unlimited dimension | [`fixed_array`] |
//! | extensible array | one unlimited dimension | [`extensible_array`] |
//! | version 2 B-tree | several unlimited dimensions | [`btree2`] |
//!
//! The implicit index and the arrays are positional: a chunk's place is its slot number, and [`slots`] says which
//! chunk that is.
//!
//! Spec: HDF5 File Format 3.0, VII, "Appendix C: Types of Indexes for Dataset Chunks".

pub mod btree1;
pub mod btree2;
pub mod extensible_array;
pub mod fixed_array;
pub mod slots;

use crate::error::Problem;
use crate::format::checksum::CHECKSUM_LEN;
use crate::format::cursor::{Cursor, Sizes, widen};
use crate::range::ByteRange;

/// A chunk as an index stores it, before anyone knows its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredChunk {
    /// Where the encoded bytes are.
    pub range: ByteRange,
    /// Bit `i` is set if filter `i` was not applied.
    pub filter_mask: u32,
}

/// How the entries of one index say where a chunk lies.
///
/// ```text
/// not filtered: │ address │                       every chunk has the length of a decoded one
/// filtered:     │ address │ length │ filter mask │  the width of the length depends on the chunk shape
/// ```
///
/// Spec: HDF5 File Format 3.0, VII.C, "Fixed Array Data Block Element" (the extensible array's are the same), and
/// III.A.2, "Version 2 B-tree, Type 10 Record Layout" and "Type 11".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    sizes: Sizes,
    length: EntryLength,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EntryLength {
    /// Not stored: the length of an unfiltered chunk, in bytes.
    Unfiltered(u64),
    /// Stored in so many bytes.
    Filtered { width: u8 },
}

/// Bytes of a filter mask.
const FILTER_MASK_LEN: usize = 4;

impl Entry {
    /// The entries of an index whose client is `client` (0: not filtered, 1: filtered) and whose entries, without a
    /// chunk position, are `len` bytes. `chunk_len` is the length of a decoded chunk in bytes.
    ///
    /// The width of a stored length follows from `len`: the library derives it from the chunk's size in one way for
    /// version 4 layout messages and in another for version 5, and other writers in ways of their own.
    ///
    /// # Errors
    ///
    /// [`Problem::Malformed`] if `len` cannot be or the index and the dataset disagree on whether there are filters.
    pub fn new(
        client: u8,
        len: usize,
        sizes: Sizes,
        chunk_len: u64,
        filtered: bool,
    ) -> Result<Self, Problem> {
        if client != u8::from(filtered) {
            return Err(Problem::malformed(format!(
                "client id is {client} (0: not filtered, 1: filtered) but the dataset {} filters",
                if filtered { "has" } else { "has no" }
            )));
        }
        let bad_len = || Problem::malformed(format!("an index entry of {len} bytes is impossible"));
        let length = if filtered {
            let fixed = sizes.offset().saturating_add(FILTER_MASK_LEN);
            let width = len.checked_sub(fixed).and_then(|width| u8::try_from(width).ok());
            let width = width.filter(|width| (1..=8).contains(width)).ok_or_else(bad_len)?;
            EntryLength::Filtered { width }
        } else {
            if len != sizes.offset() {
                return Err(bad_len());
            }
            EntryLength::Unfiltered(chunk_len)
        };
        Ok(Self { sizes, length })
    }

    /// Bytes of an entry.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "no entry is empty")]
    pub fn len(&self) -> usize {
        let rest = match self.length {
            EntryLength::Unfiltered(_) => 0,
            EntryLength::Filtered { width } => FILTER_MASK_LEN.saturating_add(usize::from(width)),
        };
        self.sizes.offset().saturating_add(rest)
    }

    /// Reads one entry. `None`: the chunk is not stored.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`] if it is cut off.
    pub fn read(&self, cursor: &mut Cursor<'_>) -> Result<Option<StoredChunk>, Problem> {
        let address = cursor.offset(self.sizes)?;
        let (length, filter_mask) = match self.length {
            EntryLength::Unfiltered(length) => (length, 0),
            EntryLength::Filtered { width } => (cursor.uint(usize::from(width))?, cursor.u32()?),
        };
        Ok(address.map(|offset| StoredChunk { range: ByteRange::new(offset, length), filter_mask }))
    }
}

/// Expects the head that every block of an array has: signature, version 0, client, address of the array's header.
pub(crate) fn array_block_head(
    cursor: &mut Cursor<'_>,
    signature: &[u8; 4],
    client: u8,
    header: u64,
    sizes: Sizes,
) -> Result<(), Problem> {
    cursor.signature(signature)?;
    let version = cursor.u8()?;
    if version != 0 {
        return Err(Problem::unsupported(format!("version {version}")));
    }
    let found = cursor.u8()?;
    if found != client {
        return Err(Problem::malformed(format!("client id is {found} but the header says {client}")));
    }
    let found = cursor.offset(sizes)?;
    if found != Some(header) {
        return Err(Problem::malformed(format!(
            "the block belongs to the header at {} but the one at {header} points to it",
            found.map_or("an undefined address".to_owned(), |address| address.to_string())
        )));
    }
    Ok(())
}

/// Bytes of the head of an array's block.
pub(crate) fn array_block_head_len(sizes: Sizes) -> u64 {
    6_u64.saturating_add(widen(sizes.offset()))
}

/// Bit `index` of a page bitmap, where the first page is the highest bit of the first byte.
pub(crate) fn page_bit(bitmap: &[u8], index: u64) -> Option<bool> {
    let byte = bitmap.get(usize::try_from(index >> 3).ok()?)?;
    Some(byte & (0x80 >> (index & 7)) != 0)
}

/// Elements cut into pages, each followed by a checksum; the last one may be short.
///
/// ```text
/// │ element … element │ checksum │ element … element │ checksum │ element │ checksum │
/// └────────── page 0 ────────────┴────────── page 1 ────────────┴───── page 2 ───────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pages {
    /// Elements on all pages.
    pub element_count: u64,
    /// Elements on every page but the last.
    pub page_element_count: u64,
    /// Bytes of an element.
    pub element_len: u64,
}

/// One page: which elements it has, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Index of its first element.
    pub first_element: u64,
    /// Where it lies, checksum included, counted from the first page.
    pub range: ByteRange,
}

impl Pages {
    /// Pages of at most `2^page_bits` elements; `None` if all elements fit one page, since then nothing is paged.
    #[must_use]
    pub fn new(element_count: u64, page_bits: u8, element_len: u64) -> Option<Self> {
        let page_element_count = 1_u64.checked_shl(u32::from(page_bits))?;
        (element_count > page_element_count).then_some(Self {
            element_count,
            page_element_count,
            element_len,
        })
    }

    /// Number of pages.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.element_count.div_ceil(self.page_element_count.max(1))
    }

    /// Bytes of a bitmap with one bit for every page.
    #[must_use]
    pub fn bitmap_len(&self) -> u64 {
        self.count().div_ceil(8)
    }

    /// Bytes of all pages, checksums included; `None` beyond 64 bits.
    #[must_use]
    pub fn total_len(&self) -> Option<u64> {
        let checksums = self.count().checked_mul(widen(CHECKSUM_LEN))?;
        self.element_count.checked_mul(self.element_len)?.checked_add(checksums)
    }

    /// Page `index`; `None` past the last or if it would lie beyond 64 bits.
    #[must_use]
    pub fn page(&self, index: u64) -> Option<Page> {
        let first_element = index.checked_mul(self.page_element_count)?;
        let elements = self.element_count.checked_sub(first_element)?.min(self.page_element_count);
        if elements == 0 {
            return None;
        }
        let full = self.page_element_count.checked_mul(self.element_len)?.checked_add(widen(CHECKSUM_LEN))?;
        let length = elements.checked_mul(self.element_len)?.checked_add(widen(CHECKSUM_LEN))?;
        Some(Page { first_element, range: ByteRange::new(index.checked_mul(full)?, length) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_without_filters_is_an_address() {
        let entry = Entry::new(0, 8, Sizes::EIGHT, 40, false).unwrap();
        let mut bytes = 4096_u64.to_le_bytes().to_vec();
        bytes.extend([0xff; 8]);
        let mut cursor = Cursor::new(&bytes);
        let stored = StoredChunk { range: ByteRange::new(4096, 40), filter_mask: 0 };
        assert_eq!(entry.read(&mut cursor).unwrap(), Some(stored));
        assert_eq!(entry.read(&mut cursor).unwrap(), None);
        assert!(entry.read(&mut cursor).is_err());
    }

    #[test]
    fn a_filtered_entry_has_a_length_of_any_width() {
        for width in 1..=8 {
            let entry = Entry::new(1, 12 + width, Sizes::EIGHT, 40, true).unwrap();
            let mut bytes = 4096_u64.to_le_bytes().to_vec();
            bytes.extend(&33_u64.to_le_bytes()[..width]);
            bytes.extend(2_u32.to_le_bytes());
            let stored = StoredChunk { range: ByteRange::new(4096, 33), filter_mask: 2 };
            let mut cursor = Cursor::new(&bytes);
            assert_eq!(entry.read(&mut cursor).unwrap(), Some(stored));
            assert!(cursor.is_empty());
        }
    }

    #[test]
    fn an_entry_that_contradicts_the_dataset_is_refused() {
        assert!(Entry::new(1, 13, Sizes::EIGHT, 40, false).is_err());
        assert!(Entry::new(0, 8, Sizes::EIGHT, 40, true).is_err());
        assert!(Entry::new(0, 9, Sizes::EIGHT, 40, false).is_err());
        assert!(Entry::new(1, 12, Sizes::EIGHT, 40, true).is_err());
        assert!(Entry::new(1, 21, Sizes::EIGHT, 40, true).is_err());
        assert!(Entry::new(1, 3, Sizes::EIGHT, 40, true).is_err());
    }

    #[test]
    fn the_last_page_is_as_short_as_what_is_left() {
        let pages = Pages::new(10, 2, 8).unwrap();
        assert_eq!(pages.count(), 3);
        assert_eq!(pages.page(0), Some(Page { first_element: 0, range: ByteRange::new(0, 36) }));
        assert_eq!(pages.page(2), Some(Page { first_element: 8, range: ByteRange::new(72, 20) }));
        assert_eq!(pages.page(3), None);
        assert_eq!(pages.total_len(), Some(72 + 20));
        assert_eq!(Pages::new(4, 2, 8), None);
        assert_eq!(Pages::new(u64::MAX, 64, 8), None);
        assert_eq!(Pages::new(u64::MAX, 63, 8).unwrap().page(1), None);
    }

    #[test]
    fn the_first_page_is_the_highest_bit() {
        assert_eq!(page_bit(&[0b1000_0001, 0b0100_0000], 0), Some(true));
        assert_eq!(page_bit(&[0b1000_0001, 0b0100_0000], 1), Some(false));
        assert_eq!(page_bit(&[0b1000_0001, 0b0100_0000], 7), Some(true));
        assert_eq!(page_bit(&[0b1000_0001, 0b0100_0000], 9), Some(true));
        assert_eq!(page_bit(&[0b1000_0001, 0b0100_0000], 16), None);
    }
}
