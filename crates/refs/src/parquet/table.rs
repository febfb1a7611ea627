//! Which records a Parquet store has.

use std::collections::BTreeMap;

use super::Record;
use crate::NodePath;

/// What is known of a record file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordInfo {
    /// References in it.
    pub references: u64,
    /// Bytes of the file.
    pub length: u64,
    /// CRC-32 of the file, as gzip has it.
    pub checksum: u32,
}

impl RecordInfo {
    /// Why `bytes`, found where this record should be, are something else.
    #[must_use]
    pub fn mismatch(&self, bytes: &[u8]) -> Option<String> {
        let Self { references: _, length, checksum } = self;
        let found = bytes.len() as u64;
        if found != *length {
            return Some(format!("has {found} bytes, and .zmetadata tells of a file of {length}"));
        }
        (checksum_of(bytes) != *checksum).then(|| {
            "is not the file that .zmetadata tells of: it was damaged, or replaced without its index"
                .to_owned()
        })
    }
}

fn checksum_of(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// The records of a store, by array and number. An array that has none need not be in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordTable {
    arrays: BTreeMap<NodePath, BTreeMap<u64, RecordInfo>>,
}

impl RecordTable {
    /// Adds a record that was written.
    pub fn add(&mut self, array: &str, record: &Record) {
        let Record { path: _, number, references, bytes } = record;
        let info =
            RecordInfo { references: *references, length: bytes.len() as u64, checksum: checksum_of(bytes) };
        self.insert(array, *number, info);
    }

    pub(crate) fn insert(&mut self, array: &str, number: u64, info: RecordInfo) {
        match self.arrays.get_mut(array) {
            Some(records) => {
                records.insert(number, info);
            }
            None => {
                self.arrays.insert(array.to_owned(), BTreeMap::from([(number, info)]));
            }
        }
    }

    /// Record `number` of an array; `None` if it has no such record.
    #[must_use]
    pub fn get(&self, array: &str, number: u64) -> Option<RecordInfo> {
        self.arrays.get(array)?.get(&number).copied()
    }

    /// The numbers of the records of an array, ascending.
    pub fn numbers(&self, array: &str) -> impl Iterator<Item = u64> + '_ {
        self.arrays.get(array).into_iter().flat_map(|records| records.keys().copied())
    }

    /// The arrays that have records.
    pub(crate) fn arrays(&self) -> impl Iterator<Item = (&NodePath, &BTreeMap<u64, RecordInfo>)> {
        self.arrays.iter()
    }
}
