//! The superblock and every message of an object header, on the same bytes: none may panic, loop for ever or allocate
//! out of proportion.

use std::collections::HashMap;

use bytes::Bytes;
use rangefold_hdf5::format::attribute::{AttributeInfo, AttributeMessage, NameRecord};
use rangefold_hdf5::format::cursor::{Cursor, Sizes};
use rangefold_hdf5::format::external::ExternalFileList;
use rangefold_hdf5::format::group::SymbolTable;
use rangefold_hdf5::format::layout::DataLayout;
use rangefold_hdf5::format::link::{self, LinkInfo};
use rangefold_hdf5::format::object_header::{self, Prefix, Shared, Version};
use rangefold_hdf5::format::sohm::{SharedMessageTable, SharedMessageTableMessage};
use rangefold_hdf5::format::superblock::{self, BTreeK, FileSpaceInfo, Superblock};
use rangefold_hdf5::format::value::Decoder;
use rangefold_hdf5::format::{dataspace, datatype, fill, filter, virtual_dataset};
use rangefold_hdf5::model::Selection;

pub(crate) fn run(bytes: &[u8]) {
    let _ = Superblock::parse(bytes, 0);
    if let Ok(prefix) = Prefix::parse(bytes) {
        let _ = prefix.chunk_len();
        let _ = object_header::messages(prefix.version, bytes.get(prefix.len..).unwrap_or_default());
    }
    for version in [Version::V1, Version::V2 { creation_order: true }, Version::V2 { creation_order: false }]
    {
        let _ = object_header::messages(version, bytes);
        let _ = object_header::continued(version, bytes);
    }
    let _ = (fill::parse(bytes), fill::parse_old(bytes), filter::parse(bytes), BTreeK::parse(bytes));
    let _ = (AttributeMessage::parse(bytes), NameRecord::parse(bytes), link::name_record(bytes));
    for width in [2, 4, 8] {
        let Ok(sizes) = Sizes::new(width, width) else { continue };
        let _ = DataLayout::parse(bytes, sizes);
        if let Ok(list) = ExternalFileList::parse(bytes, sizes) {
            let _ = list.segments(bytes);
        }
        let _ = SharedMessageTableMessage::parse(bytes, sizes);
        let _ = SharedMessageTable::parse(bytes, 255, sizes).map(|table| table.heap(3));
        let _ = virtual_dataset::mappings(bytes, sizes);
        let _ = dataspace::parse(bytes, sizes).map(|space| space.element_count());
        let _ = (LinkInfo::parse(bytes, sizes), link::parse(bytes, sizes), SymbolTable::parse(bytes, sizes));
        let _ = (AttributeInfo::parse(bytes, sizes), Shared::parse(&mut Cursor::new(bytes), sizes));
        let _ = (FileSpaceInfo::parse(bytes, sizes), superblock::cache_image(bytes, sizes));
        let _ = object_header::continuation(bytes, sizes);
    }
    let _ = Selection::read(&mut Cursor::new(bytes));
    elements(bytes);
}

/// A datatype and elements of it: its message has the length that the first byte says.
fn elements(bytes: &[u8]) -> Option<()> {
    let (len, rest) = bytes.split_first()?;
    let (message, raw) = rest.split_at_checked(usize::from(*len))?;
    let datatype = datatype::parse(message).ok()?;
    let mut heap = HashMap::new();
    for _ in 0..2 {
        let mut decoder = Decoder::new(Sizes::EIGHT, &heap);
        let _ = decoder.decode(&datatype, &Bytes::copy_from_slice(raw));
        let missing = decoder.into_missing();
        heap.extend(missing.into_iter().map(|id| (id, Bytes::copy_from_slice(raw))));
    }
    Some(())
}
