//! Global heap collections: what attributes and datasets of variable length point into.
//!
//! ```text
//! ┌──────┬───┬──────┬───────────────────────────────────┬─────┬────────────────┐
//! │ GCOL │ 1 │ size │ index │ links │ size │ data │ pad │  …  │ 0: free space  │
//! └──────┴───┴──────┴───────────────────────────────────┴─────┴────────────────┘
//! ```
//!
//! Spec: HDF5 File Format 3.0, III.E, "Global Heap".

use std::ops::Range;

use super::cursor::{Cursor, Sizes, widen};
use super::superblock::expect_version;
use crate::error::Problem;

/// Bytes of a collection as writers make them, unless one object needs more.
pub const LEN_TYPICAL: u64 = 4096;

/// Everything in a collection begins at a multiple of this many bytes.
const ALIGNMENT: usize = 8;

/// Bytes of the header of a collection, and of the header of an object, with their padding.
#[must_use]
pub fn header_len(sizes: Sizes) -> u64 {
    widen(padded_header_len(sizes))
}

fn padded_header_len(sizes: Sizes) -> usize {
    let len = sizes.length().saturating_add(8);
    len.checked_next_multiple_of(ALIGNMENT).unwrap_or(len)
}

/// Cuts the header of a collection: bytes of all of it.
///
/// # Errors
///
/// [`Problem::Truncated`], [`Problem::Malformed`] for a wrong signature, [`Problem::Unsupported`] for another version.
pub fn collection_len(header: &[u8], sizes: Sizes) -> Result<u64, Problem> {
    let mut cursor = Cursor::new(header);
    cursor.signature(b"GCOL")?;
    expect_version(cursor.u8()?, 1, "global heap collection")?;
    cursor.skip(3)?;
    cursor.length(sizes)
}

/// Cuts a collection into its objects: index, and place in the collection.
///
/// # Errors
///
/// [`Problem::Truncated`] if an object is longer than what is left of the collection.
pub fn objects(collection: &[u8], sizes: Sizes) -> Result<Vec<(u16, Range<usize>)>, Problem> {
    let mut cursor = Cursor::new(collection);
    let header_len = padded_header_len(sizes);
    cursor.skip(header_len)?;
    let mut objects = Vec::new();
    while cursor.remaining() >= header_len {
        let index = cursor.u16()?;
        if index == 0 {
            // Free space is the last object, and its size counts its own header.
            break;
        }
        cursor.skip(6)?;
        let len = usize::try_from(cursor.length(sizes)?).unwrap_or(usize::MAX);
        cursor.align(ALIGNMENT)?;
        let start = cursor.position();
        cursor.skip(len)?;
        objects.push((index, start..cursor.position()));
        // The padding of the last object may be cut off.
        let padding = len.checked_next_multiple_of(ALIGNMENT).unwrap_or(len).saturating_sub(len);
        cursor.skip(padding.min(cursor.remaining()))?;
    }
    Ok(objects)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collection() -> Vec<u8> {
        let mut bytes = b"GCOL\x01\0\0\0".to_vec();
        bytes.extend(80u64.to_le_bytes());
        for (index, data) in [(1u16, &b"hello"[..]), (3, b"12345678")] {
            bytes.extend(index.to_le_bytes());
            bytes.extend([0; 6]);
            bytes.extend((data.len() as u64).to_le_bytes());
            bytes.extend(data);
            bytes.resize(bytes.len().next_multiple_of(8), 0);
        }
        bytes.extend([0; 16]);
        bytes
    }

    #[test]
    fn objects_are_padded_and_free_space_ends_them() {
        let bytes = collection();
        assert_eq!(collection_len(&bytes, Sizes::EIGHT).unwrap(), 80);
        let objects = objects(&bytes, Sizes::EIGHT).unwrap();
        let objects: Vec<_> =
            objects.into_iter().map(|(index, range)| (index, bytes[range].to_vec())).collect();
        assert_eq!(objects, [(1, b"hello".to_vec()), (3, b"12345678".to_vec())]);
    }

    #[test]
    fn headers_are_padded_where_lengths_are_short() {
        let sizes = Sizes::new(4, 4).unwrap();
        let mut bytes = b"GCOL\x01\0\0\0".to_vec();
        bytes.extend([48, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend([1, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(b"hello\0\0\0");
        bytes.extend([0; 8]);
        assert_eq!(objects(&bytes, sizes).unwrap(), [(1, 32..37)]);
    }

    #[test]
    fn an_object_longer_than_its_collection_is_refused() {
        let mut bytes = collection();
        bytes[24] = 200;
        assert!(matches!(objects(&bytes, Sizes::EIGHT), Err(Problem::Truncated { .. })));
    }
}
