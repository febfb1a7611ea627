//! Every parser of a chunk index, on the same bytes: none may panic, loop for ever or allocate out of proportion.

use rangefold_hdf5::chunk_table::{Chunk, ChunkGrid, ChunkTableBuilder};
use rangefold_hdf5::format::chunk_index::Entry;
use rangefold_hdf5::format::chunk_index::btree1::ChunkNodes;
use rangefold_hdf5::format::chunk_index::btree2::ChunkRecords;
use rangefold_hdf5::format::chunk_index::extensible_array::ExtensibleArrayHeader;
use rangefold_hdf5::format::chunk_index::fixed_array::FixedArrayHeader;
use rangefold_hdf5::format::chunk_index::slots::{SlotGrid, SlotTable};
use rangefold_hdf5::format::cursor::{Cursor, Sizes};

pub(crate) fn run(bytes: &[u8]) {
    let sizes = Sizes::EIGHT;
    if let Ok(header) = FixedArrayHeader::parse(bytes, sizes) {
        let _ = (header.data_block_len(sizes), header.entry(sizes, 8, bytes.len().is_multiple_of(2)));
        let _ = header.data_block(bytes, 0, sizes);
        if let Some(pages) = header.pages() {
            let _ = (pages.total_len(), pages.bitmap_len(), pages.page(0), pages.page(pages.count()));
        }
    }
    if let Ok(header) = ExtensibleArrayHeader::parse(bytes, sizes) {
        let _ = header.index_block(bytes, 0, sizes);
        for group in (0..70).filter_map(|index| header.group(index)) {
            let _ = (header.data_block_len(&group, sizes), header.secondary_block_len(&group, sizes));
            let _ = header.secondary_block(bytes, &group, 0, sizes);
        }
    }
    for rank in [0, 1, 3, 32] {
        if let Ok(node) = ChunkNodes::new(sizes, rank, 32).parse(bytes) {
            let _ = node.chunks(|_, _| Ok(()));
            let _ = node.children().count();
        }
        if let Ok(records) = ChunkRecords::new(11, bytes.len(), sizes, rank, 8, true) {
            let _ = records.read(bytes, &mut vec![0; rank]);
        }
    }
    let _ = slots(bytes);
}

/// A table over a grid and from entries that the bytes make up.
fn slots(bytes: &[u8]) -> Option<()> {
    let mut cursor = Cursor::new(bytes);
    let rank = usize::from(cursor.u8().ok()? % 5);
    let mut numbers = |_| cursor.uint(2).ok();
    let shape: Vec<u64> = (0..rank).map(&mut numbers).collect::<Option<_>>()?;
    let chunk_shape: Vec<u64> = (0..rank).map(&mut numbers).collect::<Option<_>>()?;
    let max_shape: Vec<Option<u64>> = (0..rank)
        .map(&mut numbers)
        .map(|max| max.map(|max| (max > 0).then_some(max << 40)))
        .collect::<Option<_>>()?;
    let grid = ChunkGrid::new(&shape, &chunk_shape).ok()?;
    let mut table = ChunkTableBuilder::new(grid.clone());
    for (number, byte) in (0_u64..).zip(cursor.rest()) {
        let range = rangefold_hdf5::range::ByteRange::new(number, u64::from(*byte));
        if grid.position(number).is_some() {
            assert_eq!(grid.number(&grid.position(number)?), Some(number));
            table.push(Chunk { number, range, filter_mask: 0 }).ok()?;
        }
    }
    let table = table.finish().ok()?;
    assert!(table.iter().all(|chunk| table.get(chunk.number) == Some(chunk)));

    let slots = SlotGrid::new(&grid, &max_shape, &chunk_shape).ok()?;
    let mut table = SlotTable::new(grid, slots);
    let entry = Entry::new(1, 15, Sizes::EIGHT, 8, true).ok()?;
    table.add_entries(0, cursor.rest(), &entry).ok()?;
    table.finish().ok()?;
    Some(())
}
