//! The mappings of a virtual dataset: an object of a global heap.
//!
//! ```text
//! │ version │ count │ (│ flags │ source file │ source dataset │ source selection │ virtual selection │) × count │ checksum │
//!                        └ version 1 only: names may be left out if an earlier mapping has the same
//! ```
//!
//! Spec: HDF5 File Format 3.0, III.F, "Global Heap Block for Virtual Datasets". Version 1 is of HDF5 2.0.

use crate::error::Problem;
use crate::format::cursor::{Cursor, Sizes};
use crate::format::text::take_name;
use crate::limits::VIRTUAL_MAPPINGS_MAX;
use crate::model::{Selection, VirtualMapping};

/// The source file has the name that an earlier mapping gives.
const FLAG_FILE_SHARED: u8 = 1;
/// The source dataset has the name that an earlier mapping gives.
const FLAG_DATASET_SHARED: u8 = 2;
/// The source is in the file of the virtual dataset.
const FLAG_SAME_FILE: u8 = 4;

/// Reads the mappings from a heap object whose checksum has been taken off.
///
/// # Errors
///
/// [`Problem::Truncated`]; [`Problem::Malformed`] if a name does not end, or refers to a mapping that does not come
/// before it; [`Problem::Limit`] for more mappings than are followed; [`Problem::Unsupported`] for another version or
/// selection.
pub fn mappings(body: &[u8], sizes: Sizes) -> Result<Vec<VirtualMapping>, Problem> {
    let mut cursor = Cursor::new(body);
    let version = cursor.u8()?;
    if version > 1 {
        return Err(Problem::unsupported(format!("version {version}")));
    }
    let count = cursor.length(sizes)?;
    if count > VIRTUAL_MAPPINGS_MAX {
        return Err(Problem::Limit {
            what: "the number of virtual mappings",
            limit: VIRTUAL_MAPPINGS_MAX,
            found: count,
        });
    }
    let mut mappings: Vec<VirtualMapping> = Vec::new();
    for _ in 0..count {
        let flags = if version == 0 { 0 } else { cursor.u8()? };
        let source_file = if flags & FLAG_SAME_FILE != 0 {
            ".".to_owned()
        } else if flags & FLAG_FILE_SHARED != 0 {
            earlier(&mut cursor, &mappings, sizes)?.source_file.clone()
        } else {
            take_name(&mut cursor, 1)?
        };
        let source_dataset = if flags & FLAG_DATASET_SHARED != 0 {
            earlier(&mut cursor, &mappings, sizes)?.source_dataset.clone()
        } else {
            take_name(&mut cursor, 1)?
        };
        let source_selection = Selection::read(&mut cursor)?;
        let virtual_selection = Selection::read(&mut cursor)?;
        mappings.push(VirtualMapping { source_file, source_dataset, source_selection, virtual_selection });
    }
    Ok(mappings)
}

/// The earlier mapping that the next number names.
fn earlier<'m>(
    cursor: &mut Cursor<'_>,
    mappings: &'m [VirtualMapping],
    sizes: Sizes,
) -> Result<&'m VirtualMapping, Problem> {
    let index = cursor.length(sizes)?;
    usize::try_from(index).ok().and_then(|index| mappings.get(index)).ok_or_else(|| {
        Problem::malformed(format!(
            "mapping {} takes a name from mapping {index}, which does not come before it",
            mappings.len()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<u8> {
        [3_u32, 1, 0, 0].iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn block(version: u8, count: u64, entries: &[&[u8]]) -> Vec<u8> {
        let mut bytes = vec![version];
        bytes.extend(count.to_le_bytes());
        for entry in entries {
            bytes.extend(*entry);
            bytes.extend(all());
            bytes.extend(all());
        }
        bytes
    }

    fn names(bytes: &[u8]) -> Result<Vec<(String, String)>, Problem> {
        let names = |mapping: VirtualMapping| (mapping.source_file, mapping.source_dataset);
        mappings(bytes, Sizes::EIGHT).map(|mappings| mappings.into_iter().map(names).collect())
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(file, dataset)| ((*file).to_owned(), (*dataset).to_owned())).collect()
    }

    #[test]
    fn version_0_names_every_source() {
        let bytes = block(0, 2, &[b"a.h5\0x\0", b".\0y\0"]);
        assert_eq!(names(&bytes).unwrap(), pairs(&[("a.h5", "x"), (".", "y")]));
        for len in 0..bytes.len() {
            assert!(names(&bytes[..len]).is_err());
        }
    }

    #[test]
    fn version_1_takes_names_from_earlier_mappings() {
        let zero = 0_u64.to_le_bytes();
        let shared = [&[3][..], &zero, &zero].concat();
        let dataset = [&[2][..], b"b.h5\0", &zero].concat();
        let bytes = block(1, 4, &[b"\0a.h5\0x\0", &shared, b"\x04y\0", &dataset]);
        assert_eq!(names(&bytes).unwrap(), pairs(&[("a.h5", "x"), ("a.h5", "x"), (".", "y"), ("b.h5", "x")]));
        assert!(names(&block(1, 1, &[&shared])).is_err());
    }

    #[test]
    fn a_hostile_count_is_refused() {
        assert!(matches!(names(&block(0, u64::MAX, &[])), Err(Problem::Limit { .. })));
        assert!(matches!(names(&block(0, 9, &[])), Err(Problem::Malformed(_) | Problem::Truncated { .. })));
        assert!(matches!(names(&block(2, 0, &[])), Err(Problem::Unsupported(_))));
    }
}
