//! The table of shared object header messages: which heap holds the shared messages of a type.
//!
//! ```text
//! message (in the superblock extension): │ 0 │ table │ index count │
//! table: │ SMTB │ (│ 0 │ kind │ types │ least size │ cutoffs │ messages │ index │ heap │) × count │ checksum │
//! ```
//!
//! A message that was moved to a heap is found by its heap ID alone. The indexes, a list or a B-tree from hashes to
//! heap IDs, only help writers to find equal messages, so they are not read.
//!
//! Spec: HDF5 File Format 3.0, III.I, "Shared Object Header Message Table", and IV.A.2.p, "The Shared Message Table
//! Message".

use crate::error::Problem;
use crate::format::checksum::CHECKSUM_LEN;
use crate::format::cursor::{Cursor, Sizes, widen};

/// Message type of an old fill value, which shares the heap of the new one.
const FILL_VALUE_OLD: u16 = 4;
/// Message type of a fill value.
const FILL_VALUE: u16 = 5;

/// Where the table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedMessageTableMessage {
    /// The table.
    pub address: u64,
    /// Number of indexes in it.
    pub index_count: u8,
}

impl SharedMessageTableMessage {
    /// Cuts a shared message table message.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`], [`Problem::Malformed`] if the table has no address, [`Problem::Unsupported`] for any
    /// version but 0.
    pub fn parse(message: &[u8], sizes: Sizes) -> Result<Self, Problem> {
        let mut cursor = Cursor::new(message);
        let version = cursor.u8()?;
        if version != 0 {
            return Err(Problem::unsupported(format!("version {version}")));
        }
        let address = cursor.offset(sizes)?;
        let address = address.ok_or_else(|| Problem::malformed("the table has an undefined address"))?;
        Ok(Self { address, index_count: cursor.u8()? })
    }

    /// Bytes of the table.
    #[must_use]
    pub fn table_len(&self, sizes: Sizes) -> u64 {
        let index_len = 14_u64.saturating_add(widen(sizes.offset()).saturating_mul(2));
        let overhead = widen(CHECKSUM_LEN).saturating_add(4);
        u64::from(self.index_count).saturating_mul(index_len).saturating_add(overhead)
    }
}

/// The table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SharedMessageTable {
    indexes: Vec<Index>,
}

/// The shared messages of some types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Index {
    /// Bit `t` is set for message type `t`.
    types: u16,
    heap: Option<u64>,
}

impl SharedMessageTable {
    /// Cuts a table of `index_count` indexes whose checksum has been taken off.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`], [`Problem::Malformed`] for a wrong signature, [`Problem::Unsupported`] for any version
    /// but 0.
    pub fn parse(table: &[u8], index_count: u8, sizes: Sizes) -> Result<Self, Problem> {
        let mut cursor = Cursor::new(table);
        cursor.signature(b"SMTB")?;
        let index = |_| {
            let version = cursor.u8()?;
            if version != 0 {
                return Err(Problem::unsupported(format!("version {version} of an index")));
            }
            // List or B-tree.
            cursor.skip(1)?;
            let types = cursor.u16()?;
            // Least size of a shared message, two cutoffs between list and B-tree, number of messages.
            cursor.skip(10)?;
            cursor.offset(sizes)?;
            Ok(Index { types, heap: cursor.offset(sizes)? })
        };
        Ok(Self { indexes: (0..index_count).map(index).collect::<Result<_, Problem>>()? })
    }

    /// The fractal heap with the shared messages of `message_type`.
    ///
    /// # Errors
    ///
    /// [`Problem::Malformed`] if there is none.
    pub fn heap(&self, message_type: u16) -> Result<u64, Problem> {
        let shared_as = if message_type == FILL_VALUE_OLD { FILL_VALUE } else { message_type };
        let bit = 1_u16.checked_shl(u32::from(shared_as)).unwrap_or(0);
        let heap = self.indexes.iter().find(|index| index.types & bit != 0).and_then(|index| index.heap);
        heap.ok_or_else(|| {
            Problem::malformed(format!(
                "a message of type {message_type} is shared but no heap holds that type"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Vec<u8> {
        let mut bytes = b"SMTB".to_vec();
        for (types, heap) in [(1_u16 << 1 | 1 << 5, 700_u64), (1 << 12, 900)] {
            bytes.extend([0, 1]);
            bytes.extend(types.to_le_bytes());
            bytes.extend([0; 10]);
            bytes.extend(600_u64.to_le_bytes());
            bytes.extend(heap.to_le_bytes());
        }
        bytes
    }

    #[test]
    fn every_message_type_has_its_heap() {
        let table = SharedMessageTable::parse(&table(), 2, Sizes::EIGHT).unwrap();
        assert_eq!(table.heap(1).unwrap(), 700);
        assert_eq!(table.heap(4).unwrap(), 700);
        assert_eq!(table.heap(5).unwrap(), 700);
        assert_eq!(table.heap(12).unwrap(), 900);
        assert!(table.heap(3).is_err());
        assert!(table.heap(16).is_err());
        assert!(table.heap(u16::MAX).is_err());
    }

    #[test]
    fn the_message_says_how_long_the_table_is() {
        let mut bytes = vec![0];
        bytes.extend(500_u64.to_le_bytes());
        bytes.push(2);
        let message = SharedMessageTableMessage::parse(&bytes, Sizes::EIGHT).unwrap();
        assert_eq!(message, SharedMessageTableMessage { address: 500, index_count: 2 });
        assert_eq!(message.table_len(Sizes::EIGHT), widen(table().len() + CHECKSUM_LEN));
        for len in 0..bytes.len() {
            assert!(SharedMessageTableMessage::parse(&bytes[..len], Sizes::EIGHT).is_err());
        }
    }

    #[test]
    fn lying_bytes_are_errors() {
        let good = table();
        for len in 0..good.len() {
            assert!(SharedMessageTable::parse(&good[..len], 2, Sizes::EIGHT).is_err());
        }
        let mut newer = good;
        newer[4] = 1;
        assert!(matches!(SharedMessageTable::parse(&newer, 2, Sizes::EIGHT), Err(Problem::Unsupported(_))));
    }
}
