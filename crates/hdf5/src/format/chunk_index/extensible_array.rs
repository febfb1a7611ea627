//! The extensible array index: slots in blocks that double in size, so that one dimension can grow for ever.
//!
//! ```text
//! header ─► index block │ EAIB … │ first slots │ data block addresses │ secondary block addresses │
//!                                                      │                          │
//!             data block │ EADB … │ slots │ ◄──────────┘                          │
//!                                                                                 ▼
//!             data block │ EADB … │ slots or pages │ ◄─ secondary block │ EASB … │ page bitmap │ addresses │
//! ```
//!
//! Slots after those in the index block are grouped: group `g` has `2^(g/2)` data blocks of `2^((g+1)/2)` times the
//! smallest number of slots (divisions round down). The data blocks of the first groups are addressed by the index
//! block, those of each later group by a secondary block of their own. Nothing is stored before it is needed.
//!
//! Spec: HDF5 File Format 3.0, VII.D, "The Extensible Array Index". A group is its "super block".

use crate::error::Problem;
use crate::format::checksum::CHECKSUM_LEN;
use crate::format::chunk_index::{Entry, Pages, array_block_head, array_block_head_len, page_bit};
use crate::format::cursor::{Cursor, Sizes, widen};

/// The header of an extensible array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtensibleArrayHeader {
    /// 0: chunks without filters, 1: with.
    pub client: u8,
    /// Bytes of a slot.
    pub entry_len: u8,
    /// Binary logarithm of the number of slots there can be.
    pub max_slot_bits: u8,
    /// Slots in the index block.
    pub index_block_slots: u8,
    /// Slots in the smallest data block; a power of two.
    pub data_block_min_slots: u8,
    /// Addresses in the smallest secondary block; a power of two.
    pub secondary_block_min_addresses: u8,
    /// Binary logarithm of the number of slots on a page.
    pub page_bits: u8,
    /// One more than the highest slot that was ever used.
    pub max_slot_used: u64,
    /// The index block; `None` if no chunk was ever stored.
    pub index_block: Option<u64>,
}

/// A run of data blocks of equal size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// Number of data blocks.
    pub data_blocks: u64,
    /// Slots in each.
    pub data_block_slots: u64,
    /// First slot of the first data block, not counting the slots in the index block.
    pub first_slot: u64,
}

impl Group {
    /// First slot of data block `number` of the group, not counting the slots in the index block; `None` beyond 64 bits.
    #[must_use]
    pub fn data_block_first_slot(&self, number: u64) -> Option<u64> {
        number.checked_mul(self.data_block_slots)?.checked_add(self.first_slot)
    }
}

/// The index block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexBlock<'a> {
    /// Entries of the first slots.
    pub entries: &'a [u8],
    /// The data blocks of the first groups, in slot order.
    pub data_blocks: Vec<Option<u64>>,
    /// One secondary block for each later group.
    pub secondary_blocks: Vec<Option<u64>>,
}

/// A secondary block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondaryBlock<'a> {
    /// The data blocks of the group, in slot order.
    pub data_blocks: Vec<Option<u64>>,
    page_bitmap: &'a [u8],
}

impl SecondaryBlock<'_> {
    /// Whether page `page` of data block `block` was ever written, where each block has `page_count` of them.
    ///
    /// Bits of neighbouring blocks are packed without gaps, although the bitmap has room for gaps up to whole bytes.
    #[must_use]
    pub fn has_page(&self, block: u64, page: u64, page_count: u64) -> bool {
        let bit = block.checked_mul(page_count).and_then(|first| first.checked_add(page));
        bit.and_then(|bit| page_bit(self.page_bitmap, bit)).unwrap_or(false)
    }
}

impl ExtensibleArrayHeader {
    /// Bytes of a header.
    #[must_use]
    pub fn len(sizes: Sizes) -> u64 {
        let statistics = widen(sizes.length()).saturating_mul(6);
        16_u64.saturating_add(statistics).saturating_add(widen(sizes.offset()))
    }

    /// Reads a header. `body` is the whole header without its checksum.
    ///
    /// Spec: HDF5 File Format 3.0, VII.D, "Extensible Array Header".
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`], [`Problem::Unsupported`] for any version but 0,
    /// [`Problem::Malformed`] if the signature is wrong or the numbers cannot describe an array.
    pub fn parse(body: &[u8], sizes: Sizes) -> Result<Self, Problem> {
        let mut cursor = Cursor::new(body);
        cursor.signature(b"EAHD")?;
        let version = cursor.u8()?;
        if version != 0 {
            return Err(Problem::unsupported(format!("version {version}")));
        }
        let client = cursor.u8()?;
        let entry_len = cursor.u8()?;
        let max_slot_bits = cursor.u8()?;
        let index_block_slots = cursor.u8()?;
        let data_block_min_slots = cursor.u8()?;
        let secondary_block_min_addresses = cursor.u8()?;
        let page_bits = cursor.u8()?;
        // How many blocks of either kind there are, and their bytes, which follow from the rest.
        cursor.skip(sizes.length().saturating_mul(4))?;
        let max_slot_used = cursor.length(sizes)?;
        cursor.length(sizes)?;
        let index_block = cursor.offset(sizes)?;

        if max_slot_bits > 64 {
            return Err(Problem::malformed(format!(
                "slot numbers have {max_slot_bits} bits but at most 64 fit"
            )));
        }
        for (what, number, least) in [
            ("slots in a data block", data_block_min_slots, 1),
            ("addresses in a secondary block", secondary_block_min_addresses, 2),
        ] {
            if !number.is_power_of_two() || number < least {
                return Err(Problem::malformed(format!(
                    "the least number of {what} is {number} but must be a power of two from {least}"
                )));
            }
        }
        Ok(Self {
            client,
            entry_len,
            max_slot_bits,
            index_block_slots,
            data_block_min_slots,
            secondary_block_min_addresses,
            page_bits,
            max_slot_used,
            index_block,
        })
    }

    /// How a slot is stored.
    ///
    /// # Errors
    ///
    /// As [`Entry::new`].
    pub fn entry(&self, sizes: Sizes, chunk_len: u64, filtered: bool) -> Result<Entry, Problem> {
        Entry::new(self.client, usize::from(self.entry_len), sizes, chunk_len, filtered)
    }

    /// Number of groups of the whole array.
    fn group_count(&self) -> u32 {
        let smallest = self.data_block_min_slots.checked_ilog2().unwrap_or(0);
        u32::from(self.max_slot_bits).saturating_sub(smallest).saturating_add(1)
    }

    /// Number of groups whose data blocks the index block addresses.
    #[must_use]
    pub fn index_block_groups(&self) -> u32 {
        self.secondary_block_min_addresses.checked_ilog2().unwrap_or(0).saturating_mul(2)
    }

    /// Group `index`; `None` if its slots cannot be numbered with 64 bits.
    #[must_use]
    pub fn group(&self, index: u32) -> Option<Group> {
        let smallest = u64::from(self.data_block_min_slots);
        let data_blocks = 1_u64.checked_shl(index >> 1)?;
        let data_block_slots = 1_u64.checked_shl(index.checked_add(1)? >> 1)?.checked_mul(smallest)?;
        let first_slot = 1_u64.checked_shl(index)?.checked_sub(1)?.checked_mul(smallest)?;
        Some(Group { data_blocks, data_block_slots, first_slot })
    }

    /// How the slots of a data block are cut into pages; `None` if they are not.
    #[must_use]
    pub fn pages(&self, group: &Group) -> Option<Pages> {
        Pages::new(group.data_block_slots, self.page_bits, u64::from(self.entry_len))
    }

    /// Bytes of a slot number in the head of a block.
    fn slot_number_len(&self) -> usize {
        usize::from(self.max_slot_bits.div_ceil(8))
    }

    fn index_block_data_addresses(&self) -> u64 {
        u64::from(self.secondary_block_min_addresses).saturating_sub(1).saturating_mul(2)
    }

    fn index_block_secondary_addresses(&self) -> u64 {
        u64::from(self.group_count().saturating_sub(self.index_block_groups()))
    }

    /// Bytes of the index block.
    #[must_use]
    pub fn index_block_len(&self, sizes: Sizes) -> u64 {
        let slots = u64::from(self.index_block_slots).saturating_mul(u64::from(self.entry_len));
        let addresses =
            self.index_block_data_addresses().saturating_add(self.index_block_secondary_addresses());
        array_block_head_len(sizes)
            .saturating_add(slots)
            .saturating_add(addresses.saturating_mul(widen(sizes.offset())))
            .saturating_add(widen(CHECKSUM_LEN))
    }

    /// Reads the index block. `body` is the whole block without its checksum; `header` is the address of this header.
    ///
    /// Spec: HDF5 File Format 3.0, VII.D, "Extensible Array Index Block".
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`], [`Problem::Unsupported`] for any version but 0,
    /// [`Problem::Malformed`] if the block belongs to another array.
    pub fn index_block<'a>(
        &self,
        body: &'a [u8],
        header: u64,
        sizes: Sizes,
    ) -> Result<IndexBlock<'a>, Problem> {
        let mut cursor = Cursor::new(body);
        array_block_head(&mut cursor, b"EAIB", self.client, header, sizes)?;
        let entries =
            cursor.take(usize::from(self.index_block_slots).saturating_mul(usize::from(self.entry_len)))?;
        let data_blocks = addresses(&mut cursor, self.index_block_data_addresses(), sizes)?;
        let secondary_blocks = addresses(&mut cursor, self.index_block_secondary_addresses(), sizes)?;
        Ok(IndexBlock { entries, data_blocks, secondary_blocks })
    }

    /// Bytes of the page bitmap of a secondary block: whole bytes for every data block.
    fn page_bitmap_len(&self, group: &Group) -> Option<u64> {
        self.pages(group).map_or(Some(0), |pages| pages.bitmap_len().checked_mul(group.data_blocks))
    }

    /// Bytes of the secondary block of `group`; `None` beyond 64 bits.
    #[must_use]
    pub fn secondary_block_len(&self, group: &Group, sizes: Sizes) -> Option<u64> {
        array_block_head_len(sizes)
            .checked_add(widen(self.slot_number_len()))?
            .checked_add(self.page_bitmap_len(group)?)?
            .checked_add(group.data_blocks.checked_mul(widen(sizes.offset()))?)?
            .checked_add(widen(CHECKSUM_LEN))
    }

    /// Reads the secondary block of `group`. `body` is the whole block without its checksum; `header` is the address of this header.
    ///
    /// Spec: HDF5 File Format 3.0, VII.D, "Extensible Array Secondary Block".
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`], [`Problem::Unsupported`] for any version but 0,
    /// [`Problem::Malformed`] if the block belongs to another array or place.
    pub fn secondary_block<'a>(
        &self,
        body: &'a [u8],
        group: &Group,
        header: u64,
        sizes: Sizes,
    ) -> Result<SecondaryBlock<'a>, Problem> {
        let mut cursor = Cursor::new(body);
        array_block_head(&mut cursor, b"EASB", self.client, header, sizes)?;
        self.expect_first_slot(&mut cursor, &[group.first_slot])?;
        let bitmap_len = self.page_bitmap_len(group).and_then(|len| usize::try_from(len).ok());
        let page_bitmap = cursor.take(bitmap_len.unwrap_or(usize::MAX))?;
        let data_blocks = addresses(&mut cursor, group.data_blocks, sizes)?;
        Ok(SecondaryBlock { data_blocks, page_bitmap })
    }

    /// Bytes of a data block of `group` up to its own checksum, that included: all of it without pages, else what is
    /// before the first page. `None` beyond 64 bits.
    #[must_use]
    pub fn data_block_len(&self, group: &Group, sizes: Sizes) -> Option<u64> {
        let content = match self.pages(group) {
            Some(_) => 0,
            None => group.data_block_slots.checked_mul(u64::from(self.entry_len))?,
        };
        array_block_head_len(sizes)
            .checked_add(widen(self.slot_number_len()))?
            .checked_add(content)?
            .checked_add(widen(CHECKSUM_LEN))
    }

    /// The entries of a data block; empty if they are on pages.
    ///
    /// `first_slots` are the numbers that the block may give for its first slot. `body` has the length that [`Self::data_block_len`] says, less the checksum; `header` is the address of this header.
    ///
    /// Spec: HDF5 File Format 3.0, VII.D, "Extensible Array Data Block".
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`], [`Problem::Unsupported`] for any version but 0,
    /// [`Problem::Malformed`] if the block belongs to another array or place.
    pub fn data_block<'a>(
        &self,
        body: &'a [u8],
        first_slots: &[u64],
        header: u64,
        sizes: Sizes,
    ) -> Result<&'a [u8], Problem> {
        let mut cursor = Cursor::new(body);
        array_block_head(&mut cursor, b"EADB", self.client, header, sizes)?;
        self.expect_first_slot(&mut cursor, first_slots)?;
        Ok(cursor.rest())
    }

    fn expect_first_slot(&self, cursor: &mut Cursor<'_>, expected: &[u64]) -> Result<(), Problem> {
        let found = cursor.uint(self.slot_number_len())?;
        if !expected.contains(&found) {
            return Err(Problem::malformed(format!(
                "the block starts with slot {found} but is addressed as that of slot {}",
                expected.first().copied().unwrap_or_default()
            )));
        }
        Ok(())
    }
}

/// Reads `count` addresses, as far as the bytes go.
fn addresses(cursor: &mut Cursor<'_>, count: u64, sizes: Sizes) -> Result<Vec<Option<u64>>, Problem> {
    // Bytes first, so that a hostile count allocates nothing.
    let len = usize::try_from(count).ok().and_then(|count| count.checked_mul(sizes.offset()));
    let mut cursor = Cursor::new(cursor.take(len.unwrap_or(usize::MAX))?);
    (0..count).map(|_| cursor.offset(sizes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parameters that the library uses, except that pages have 32 slots.
    fn header_bytes() -> Vec<u8> {
        let mut bytes = b"EAHD\0\0".to_vec();
        bytes.extend([8, 32, 4, 16, 4, 5]);
        for number in [0_u64, 0, 0, 0, 77, 77, 900] {
            bytes.extend(number.to_le_bytes());
        }
        bytes
    }

    fn header() -> ExtensibleArrayHeader {
        ExtensibleArrayHeader::parse(&header_bytes(), Sizes::EIGHT).unwrap()
    }

    #[test]
    fn a_header_gives_the_sizes_of_all_blocks() {
        assert_eq!(widen(header_bytes().len() + CHECKSUM_LEN), ExtensibleArrayHeader::len(Sizes::EIGHT));
        let header = header();
        assert_eq!(header.index_block, Some(900));
        assert_eq!(header.max_slot_used, 77);
        assert_eq!(header.index_block_groups(), 4);
        // 14 head, 4 slots, 6 data blocks, 29 - 4 secondary blocks, checksum.
        assert_eq!(header.index_block_len(Sizes::EIGHT), 14 + 32 + 48 + 200 + 4);
    }

    #[test]
    fn groups_double_their_blocks_and_their_sizes_in_turn() {
        let header = header();
        let groups: Vec<_> = (0..6)
            .map(|index| header.group(index).unwrap())
            .map(|group| (group.data_blocks, group.data_block_slots, group.first_slot))
            .collect();
        assert_eq!(groups, [(1, 16, 0), (1, 32, 16), (2, 32, 48), (2, 64, 112), (4, 64, 240), (4, 128, 496)]);
        assert_eq!(header.group(64), None);
        assert_eq!(header.group(u32::MAX), None);
    }

    #[test]
    fn a_secondary_block_has_a_bitmap_only_where_data_blocks_have_pages() {
        let header = header();
        let group = header.group(4).unwrap();
        // Two pages each, four blocks: one byte for every block, but bits packed from the first byte on.
        assert_eq!(header.secondary_block_len(&group, Sizes::EIGHT), Some(14 + 4 + 4 + 32 + 4));
        let mut bytes = b"EASB\0\0".to_vec();
        bytes.extend(500_u64.to_le_bytes());
        bytes.extend(240_u32.to_le_bytes());
        bytes.extend([0b1011_0000, 0, 0, 0]);
        for address in [1000, 2000, u64::MAX, 4000] {
            bytes.extend(address.to_le_bytes());
        }
        let block = header.secondary_block(&bytes, &group, 500, Sizes::EIGHT).unwrap();
        assert_eq!(block.data_blocks, [Some(1000), Some(2000), None, Some(4000)]);
        let pages: Vec<_> = (0..4)
            .flat_map(|block| [(block, 0), (block, 1)])
            .filter(|(b, p)| block.has_page(*b, *p, 2))
            .collect();
        assert_eq!(pages, [(0, 0), (1, 0), (1, 1)]);
        assert!(!block.has_page(u64::MAX, 1, 2));

        assert!(header.secondary_block(&bytes, &header.group(3).unwrap(), 500, Sizes::EIGHT).is_err());
        assert!(header.secondary_block(&bytes, &group, 501, Sizes::EIGHT).is_err());
    }

    #[test]
    fn a_data_block_must_start_with_the_slot_it_is_addressed_by() {
        let header = header();
        let group = header.group(0).unwrap();
        let mut bytes = b"EADB\0\0".to_vec();
        bytes.extend(500_u64.to_le_bytes());
        bytes.extend(0_u32.to_le_bytes());
        bytes.extend([7; 16 * 8]);
        assert_eq!(header.data_block_len(&group, Sizes::EIGHT), Some(widen(bytes.len() + CHECKSUM_LEN)));
        assert_eq!(header.data_block(&bytes, &[0], 500, Sizes::EIGHT).unwrap(), [7; 128]);
        let problem = header.data_block(&bytes, &[16], 500, Sizes::EIGHT).unwrap_err();
        assert_eq!(problem.to_string(), "the block starts with slot 0 but is addressed as that of slot 16");
    }

    #[test]
    fn lying_bytes_are_errors() {
        let good = header_bytes();
        for len in 0..good.len() {
            assert!(ExtensibleArrayHeader::parse(&good[..len], Sizes::EIGHT).is_err());
        }
        for (field, value) in [(4, 1), (7, 65), (9, 0), (9, 3), (10, 0), (10, 1), (10, 6)] {
            let mut lying = good.clone();
            lying[field] = value;
            assert!(ExtensibleArrayHeader::parse(&lying, Sizes::EIGHT).is_err(), "byte {field}");
        }
    }
}
