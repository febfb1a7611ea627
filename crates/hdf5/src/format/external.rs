//! The external file list message: raw data in other files.
//!
//! ```text
//! │ 1 │ reserved │ allocated │ used │ name heap │ (│ name │ offset │ size │) × used │
//! ```
//!
//! Names are offsets in the data segment of a local heap. The segments are taken in order, each to its size, until the
//! dataset is full.
//!
//! Spec: HDF5 File Format 3.0, IV.A.2.h, "The Data Storage - External Data Files Message".

use crate::error::Problem;
use crate::format::cursor::{Cursor, Sizes, all_ones};
use crate::format::text::{name, until_nul};
use crate::model::ExternalSegment;

/// An external file list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalFileList {
    /// The local heap with the names of the files.
    pub heap: u64,
    /// The segments, in storage order.
    pub slots: Vec<Slot>,
}

/// One segment of raw data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Where the name of the file begins in the data segment of the heap.
    pub name_offset: u64,
    /// Where the segment begins in the file.
    pub offset: u64,
    /// Bytes; `None` is unlimited.
    pub size: Option<u64>,
}

impl ExternalFileList {
    /// Cuts an external file list message.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`], [`Problem::Malformed`] if the heap has no address, [`Problem::Unsupported`] for any
    /// version but 1.
    pub fn parse(message: &[u8], sizes: Sizes) -> Result<Self, Problem> {
        let mut cursor = Cursor::new(message);
        let version = cursor.u8()?;
        if version != 1 {
            return Err(Problem::unsupported(format!("version {version}")));
        }
        cursor.skip(3)?;
        let allocated = cursor.u16()?;
        let used = cursor.u16()?;
        if used > allocated {
            return Err(Problem::malformed(format!("{used} slots are used but {allocated} are allocated")));
        }
        let heap = cursor.offset(sizes)?;
        let heap =
            heap.ok_or_else(|| Problem::malformed("the heap of file names has an undefined address"))?;
        let unlimited = all_ones(sizes.length());
        let slots = (0..used)
            .map(|_| {
                let name_offset = cursor.length(sizes)?;
                let offset = cursor.length(sizes)?;
                let size = cursor.length(sizes)?;
                Ok(Slot { name_offset, offset, size: (size != unlimited).then_some(size) })
            })
            .collect::<Result<_, Problem>>()?;
        Ok(Self { heap, slots })
    }

    /// The segments with the names of their files, from the data segment of the heap.
    ///
    /// # Errors
    ///
    /// [`Problem::Malformed`] if a name is outside the data segment or does not end in it.
    pub fn segments(&self, heap_data: &[u8]) -> Result<Vec<ExternalSegment>, Problem> {
        self.slots
            .iter()
            .map(|slot| {
                let from = usize::try_from(slot.name_offset).ok().and_then(|start| heap_data.get(start..));
                let from = from.filter(|bytes| bytes.contains(&0)).ok_or_else(|| {
                    Problem::malformed(format!(
                        "a file name at {} does not end within the {} bytes of its heap",
                        slot.name_offset,
                        heap_data.len()
                    ))
                })?;
                Ok(ExternalSegment { file: name(until_nul(from)), offset: slot.offset, length: slot.size })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Vec<u8> {
        let mut bytes = vec![1, 0, 0, 0, 4, 0, 2, 0];
        for number in [800, 8, 0, 100, 14, 512, u64::MAX] {
            bytes.extend(number.to_le_bytes());
        }
        bytes
    }

    #[test]
    fn segments_have_the_names_of_the_heap() {
        let list = ExternalFileList::parse(&message(), Sizes::EIGHT).unwrap();
        assert_eq!(list.heap, 800);
        let segment = |file: &str, offset, length| ExternalSegment { file: file.to_owned(), offset, length };
        let found = list.segments(b"\0\0\0\0\0\0\0\0a.raw\0b.raw\0").unwrap();
        assert_eq!(found, [segment("a.raw", 0, Some(100)), segment("b.raw", 512, None)]);
    }

    #[test]
    fn lying_bytes_are_errors() {
        let good = message();
        for len in 0..good.len() {
            assert!(ExternalFileList::parse(&good[..len], Sizes::EIGHT).is_err());
        }
        let list = ExternalFileList::parse(&good, Sizes::EIGHT).unwrap();
        assert!(list.segments(b"\0\0\0\0\0\0\0\0a.raw\0b.raw").is_err());
        assert!(list.segments(b"short").is_err());
        let mut crowded = good.clone();
        crowded[6] = 5;
        assert!(matches!(ExternalFileList::parse(&crowded, Sizes::EIGHT), Err(Problem::Malformed(_))));
        let mut newer = good;
        newer[0] = 2;
        assert!(matches!(ExternalFileList::parse(&newer, Sizes::EIGHT), Err(Problem::Unsupported(_))));
    }
}
