//! Strings of variable length: where a dataset says they are, and how Zarr frames them.
//!
//! ```text
//! element    length u32 | address of a heap collection (2 to 8 bytes) | index u32
//! frame      count u32 | ( length u32 | UTF-8 )…                        numcodecs vlen-utf8, little-endian
//! ```
//! Spec: HDF5 File Format 3.0, IV.A.2.d, class 9, and III.E, "Global Heap".

use bytes::Bytes;
use rangefold_hdf5::model::{Dataset, Fill, GlobalHeapId, Superblock};

/// A string of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StringId {
    /// Bytes.
    length: u32,
    /// Where they are; `None` for the empty string.
    pub(crate) object: Option<GlobalHeapId>,
}

impl StringId {
    /// Reads one element.
    ///
    /// # Errors
    ///
    /// The reason, if it has another length than elements of this file have, or no possible address.
    pub(crate) fn parse(element: &[u8], superblock: &Superblock) -> Result<Self, String> {
        let wrong = || format!("strings whose descriptors have {} bytes", element.len());
        let (length, rest) = element.split_first_chunk::<4>().ok_or_else(wrong)?;
        let (address, index) =
            rest.split_at_checked(usize::from(superblock.offset_size)).ok_or_else(wrong)?;
        let index = u32::from_le_bytes(index.try_into().map_err(|_| wrong())?);
        let length = u32::from_le_bytes(*length);
        let undefined = address.iter().all(|byte| *byte == 0xff);
        let mut wide = [0; 8];
        wide.get_mut(..address.len()).ok_or_else(wrong)?.copy_from_slice(address);
        let address = u64::from_le_bytes(wide);
        if length == 0 || address == 0 || undefined {
            return Ok(Self { length: 0, object: None });
        }
        let collection = superblock.base_address.checked_add(address);
        let collection =
            collection.ok_or_else(|| format!("a string in a heap at {address}, beyond 64 bits"))?;
        Ok(Self { length, object: Some(GlobalHeapId { collection, index }) })
    }

    /// The text; `object` is what the heap holds.
    ///
    /// A string ends at its first zero byte, as it does for every reader in C.
    ///
    /// # Errors
    ///
    /// The reason, if the object is too short or not UTF-8.
    pub(crate) fn text(self, object: Option<&Bytes>) -> Result<&str, String> {
        let Some(id) = self.object else { return Ok("") };
        let object = object.ok_or_else(|| {
            format!("object {} of the heap at byte {} could not be read", id.index, id.collection)
        })?;
        let bytes = usize::try_from(self.length).ok().and_then(|length| object.get(..length));
        let bytes = bytes.ok_or_else(|| {
            format!(
                "a string of {} bytes, but object {} of the heap at byte {} has {}",
                self.length,
                id.index,
                id.collection,
                object.len()
            )
        })?;
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        std::str::from_utf8(bytes.get(..end).unwrap_or_default())
            .map_err(|error| format!("a string that is not UTF-8 from its byte {}", error.valid_up_to()))
    }
}

/// The descriptor of the fill value of a dataset of strings, if the writer set one.
pub(crate) fn fill(dataset: &Dataset) -> Option<Bytes> {
    match &dataset.fill.value {
        Fill::User(bytes) if bytes.iter().any(|byte| *byte != 0) => Some(bytes.clone()),
        _ => None,
    }
}

/// Frames `texts` as numcodecs' `vlen-utf8`.
///
/// # Errors
///
/// The reason, if a count does not fit 32 bits.
pub(crate) fn frame<T: AsRef<str>>(texts: &[T]) -> Result<Bytes, String> {
    let word = |length: usize| {
        u32::try_from(length)
            .map(u32::to_le_bytes)
            .map_err(|_| format!("{length} strings or bytes in one chunk"))
    };
    let mut out = word(texts.len())?.to_vec();
    for text in texts {
        let text = text.as_ref();
        out.extend(word(text.len())?);
        out.extend(text.as_bytes());
    }
    Ok(out.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn superblock(offset_size: u8, base_address: u64) -> Superblock {
        Superblock {
            version: 2,
            base_address,
            offset_size,
            length_size: 8,
            end_of_file: None,
            open_for_writing: false,
            page_size: None,
        }
    }

    #[test]
    fn descriptors_follow_the_files_address_size_and_user_block() {
        let element = [5, 0, 0, 0, 0x10, 0x20, 0, 0, 3, 0, 0, 0];
        let id = StringId::parse(&element, &superblock(4, 512)).unwrap();
        assert_eq!(id.object, Some(GlobalHeapId { collection: 0x2010 + 512, index: 3 }));
        assert_eq!(id.text(Some(&Bytes::from_static(b"abc\0dtail"))).unwrap(), "abc");
        assert!(StringId::parse(&element, &superblock(8, 0)).is_err());
        assert_eq!(StringId::parse(&[0; 16], &superblock(8, 0)).unwrap().object, None);
    }

    #[test]
    fn what_the_heap_does_not_hold_is_never_made_up() {
        let id = StringId::parse(&[5, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0], &superblock(4, 0)).unwrap();
        assert!(id.text(None).unwrap_err().contains("could not be read"));
        assert!(id.text(Some(&Bytes::from_static(b"abc"))).unwrap_err().contains("has 3"));
        assert!(
            id.text(Some(&Bytes::from_static(b"ab\xffde")))
                .unwrap_err()
                .contains("not UTF-8 from its byte 2")
        );
    }
}
