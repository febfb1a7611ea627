//! Every heap, group node and version 2 B-tree node, on the same bytes: none may panic, loop for ever or allocate out
//! of proportion. A header comes first where a structure needs one, and the structure behind it.

use bytes::Bytes;
use rangefold_hdf5::format::cursor::Sizes;
use rangefold_hdf5::format::fractal_heap::{self, HeapId};
use rangefold_hdf5::format::group::{self, GroupNode};
use rangefold_hdf5::format::unfilter::unfilter;
use rangefold_hdf5::format::{btree2, global_heap};
use rangefold_hdf5::model::Filter;

pub(crate) fn run(bytes: &[u8]) {
    for width in [2, 4, 8] {
        let Ok(sizes) = Sizes::new(width, width) else { continue };
        let _ = fractal(bytes, sizes);
        let _ = tree(bytes, sizes);
        let _ = (global_heap::collection_len(bytes, sizes), global_heap::objects(bytes, sizes));
        let _ = (
            GroupNode::parse(bytes, sizes),
            group::symbol_node(bytes, sizes),
            group::local_heap(bytes, sizes),
        );
    }
    let _ = group::local_heap_name(bytes, 8);
    let _ = filters(bytes);
}

fn fractal(bytes: &[u8], sizes: Sizes) -> Option<()> {
    let len = fractal_heap::header_len(sizes);
    let len = len.saturating_add(fractal_heap::header_filters_len(bytes, sizes).ok()?);
    let (header, rest) = bytes.split_at_checked(usize::try_from(len).ok()?)?;
    let header = fractal_heap::Header::parse(header, sizes).ok()?;
    let _ = (header.root_block(), header.direct_header_len(sizes));
    for rows in [1, 4, 40] {
        let _ = (header.indirect_len(rows, sizes), header.children(rest, rows, 0, sizes));
    }
    if let Ok(HeapId::Managed { offset, length }) = header.id(rest, sizes) {
        let _ = offset.checked_add(length);
    }
    for filtered in [false, true] {
        let _ = fractal_heap::huge_record(rest, filtered, sizes);
    }
    Some(())
}

fn tree(bytes: &[u8], sizes: Sizes) -> Option<()> {
    let len = usize::try_from(btree2::header_len(sizes)).ok()?;
    let (header, node) = bytes.split_at_checked(len)?;
    let header = btree2::Header::parse(header, sizes).ok()?;
    for level in [0, 1, 2, header.depth] {
        let count = header.root.map_or(0, |root| root.count);
        let _ = btree2::node_len(&header, level, count, sizes);
        let _ = btree2::node(&header, node, level, count, sizes);
    }
    Some(())
}

/// A pipeline of the filters that the first three bytes name.
fn filters(bytes: &[u8]) -> Option<()> {
    let (ids, rest) = bytes.split_first_chunk::<3>()?;
    let filters =
        ids.map(|id| Filter { id: u16::from(id % 4), name: None, flags: 0, values: vec![u32::from(id)] });
    let _ = unfilter(&filters, 0, &Bytes::copy_from_slice(rest), 4096);
    Some(())
}
