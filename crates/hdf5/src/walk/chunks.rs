//! Reading the chunk index of a dataset, whichever of the six kinds it is.

use bytes::Bytes;

use super::{Context, btree2, pause};
use crate::chunk_table::{Chunk, ChunkGrid, ChunkTable, ChunkTableBuilder};
use crate::error::{Error, Problem};
use crate::format::chunk_index::btree1::ChunkNodes;
use crate::format::chunk_index::btree2::ChunkRecords;
use crate::format::chunk_index::extensible_array::{ExtensibleArrayHeader, Group};
use crate::format::chunk_index::fixed_array::FixedArrayHeader;
use crate::format::chunk_index::slots::{SlotGrid, SlotTable};
use crate::format::chunk_index::{Entry, Pages, StoredChunk, page_bit};
use crate::format::cursor::widen;
use crate::format::layout::{ChunkIndexing, ChunkedStorage};
use crate::limits::BTREE_LEVELS_MAX;
use crate::range::ByteRange;

const INDEX: &str = "chunk index";
const BTREE1_NODE: &str = "version 1 B-tree node";
const FA_HEADER: &str = "fixed array header";
const FA_BLOCK: &str = "fixed array data block";
const FA_PAGE: &str = "fixed array data block page";
const EA_HEADER: &str = "extensible array header";
const EA_INDEX_BLOCK: &str = "extensible array index block";
const EA_SECONDARY_BLOCK: &str = "extensible array secondary block";
const EA_BLOCK: &str = "extensible array data block";
const EA_PAGE: &str = "extensible array data block page";

/// Paged blocks up to this length are asked for whole, before it is known which of their pages were ever written. It
/// saves a round, and pages of a block that exists are mostly written.
const WHOLE_BLOCK_LEN_MAX: u64 = 8 << 20;

/// Slots of an implicit index that are added at once: as many as lie on a page of the other positional indexes.
const SLOTS_AT_ONCE: usize = 1024;

/// Reads the whole chunk index of a dataset.
///
/// `extent` and `max_extent` are those of the dataspace; `filtered` says whether the dataset has a filter pipeline.
///
/// # Errors
///
/// Whatever is wrong with any structure of the index: a table is complete or it is not returned.
pub(crate) async fn read(
    cx: &Context<'_>,
    storage: &ChunkedStorage,
    extent: &[u64],
    max_extent: &[Option<u64>],
    filtered: bool,
) -> Result<ChunkTable, Error> {
    let at_index = |problem: Problem| problem.at(INDEX, storage.address.unwrap_or(0));
    let grid = ChunkGrid::new(extent, &storage.chunk_shape).map_err(at_index)?;
    let Some(address) = storage.address.filter(|_| grid.chunk_count() > 0) else {
        return ChunkTableBuilder::new(grid).finish().map_err(at_index);
    };
    let chunk_len = chunk_len(storage).ok_or_else(|| {
        let shape = &storage.chunk_shape;
        at_index(Problem::malformed(format!(
            "a chunk of {shape:?} elements of {} bytes is longer than 64 bits can say",
            storage.element_size
        )))
    })?;
    let index = Index { cx, address, chunk_shape: &storage.chunk_shape, chunk_len, filtered };
    let slots = |grid: ChunkGrid| {
        let slots = SlotGrid::new(&grid, max_extent, &storage.chunk_shape).map_err(at_index)?;
        Ok::<_, Error>(SlotTable::new(grid, slots))
    };
    match storage.index {
        ChunkIndexing::BTree1 => index.btree1(grid).await,
        ChunkIndexing::Single { filtered } => {
            index.single(grid, filtered, storage.unfiltered_partial_edge_chunks).map_err(at_index)
        }
        ChunkIndexing::Implicit => index.implicit(slots(grid)?).await.map_err(at_index),
        ChunkIndexing::FixedArray { .. } => index.fixed_array(slots(grid)?).await,
        ChunkIndexing::ExtensibleArray { .. } => index.extensible_array(slots(grid)?).await,
        ChunkIndexing::BTree2 { .. } => index.btree2(grid).await,
    }
}

/// How many entries of `entry_len` bytes are in blocks of those lengths, at most.
fn rows(block_lens: impl Iterator<Item = usize>, entry_len: usize) -> usize {
    block_lens.fold(0_usize, usize::saturating_add).checked_div(entry_len).unwrap_or(0)
}

/// Bytes of a decoded chunk; `None` beyond 64 bits.
fn chunk_len(storage: &ChunkedStorage) -> Option<u64> {
    storage.chunk_shape.iter().try_fold(storage.element_size, |length, extent| length.checked_mul(*extent))
}

/// The index of one dataset.
struct Index<'a> {
    cx: &'a Context<'a>,
    /// Where the index begins.
    address: u64,
    chunk_shape: &'a [u64],
    /// Bytes of a decoded chunk.
    chunk_len: u64,
    filtered: bool,
}

impl Index<'_> {
    fn single(
        &self,
        grid: ChunkGrid,
        stored: Option<(u64, u32)>,
        unfiltered_edges: bool,
    ) -> Result<ChunkTable, Problem> {
        if grid.chunk_count() != 1 {
            return Err(Problem::malformed(format!(
                "the index is for a single chunk but the grid has {}",
                grid.chunk_count()
            )));
        }
        let (length, filter_mask) = match stored {
            Some(stored) if self.filtered => stored,
            // The one chunk may reach over the edge, and then it may be stored without filters.
            None if !self.filtered || unfiltered_edges => (self.chunk_len, 0),
            _ => {
                return Err(Problem::malformed(format!(
                    "the single chunk is {}filtered but the dataset has {} filters",
                    if stored.is_some() { "" } else { "not " },
                    if self.filtered { "" } else { "no" }
                )));
            }
        };
        let mut table = ChunkTableBuilder::new(grid);
        table.push(Chunk { number: 0, range: ByteRange::new(self.address, length), filter_mask })?;
        table.finish()
    }

    async fn implicit(&self, mut table: SlotTable) -> Result<ChunkTable, Problem> {
        if self.filtered {
            return Err(Problem::malformed("an implicit index cannot hold filtered chunks"));
        }
        let count = table.slots().count().ok_or_else(|| {
            Problem::malformed("an implicit index needs a fixed extent but a dimension is unlimited")
        })?;
        // Checked before the first row is made, so that a table is never longer than the file that vouches for it.
        let end = count.checked_mul(self.chunk_len).and_then(|length| length.checked_add(self.address));
        let size = self.cx.blocks.size();
        if end.is_none_or(|end| end > size) {
            return Err(Problem::Truncated { needed: end.unwrap_or(u64::MAX), available: size });
        }
        table.reserve(usize::try_from(table.slots().end()).unwrap_or(0));
        for (turn, first) in (0..table.slots().end()).step_by(SLOTS_AT_ONCE).enumerate() {
            pause(turn).await;
            for slot in (first..table.slots().end()).take(SLOTS_AT_ONCE) {
                let offset = self.address.saturating_add(slot.saturating_mul(self.chunk_len));
                let range = ByteRange::new(offset, self.chunk_len);
                table.add(slot, StoredChunk { range, filter_mask: 0 })?;
            }
        }
        table.finish()
    }

    /// Level by level from the root, each in one read.
    async fn btree1(&self, grid: ChunkGrid) -> Result<ChunkTable, Error> {
        let nodes = ChunkNodes::new(self.cx.sizes, self.chunk_shape.len(), self.cx.indexed_storage_k);
        let mut table = ChunkTableBuilder::new(grid);
        let mut position = vec![0; self.chunk_shape.len()];
        let mut level = vec![self.address];
        let mut expected_level = None;
        for _ in 0..BTREE_LEVELS_MAX {
            self.refuse_repeated(&level)?;
            // A last node whose unused tail the writer left out is still good.
            let size = self.cx.blocks.size();
            let ranges: Vec<_> = level
                .iter()
                .map(|address| ByteRange::new(*address, nodes.node_len().min(size.saturating_sub(*address))))
                .collect();
            let read = self.cx.blocks.read_many(BTREE1_NODE, &ranges).await?;
            table.reserve(rows(read.iter().map(Bytes::len), nodes.entry_len()));
            let mut children = Vec::new();
            for (turn, (address, bytes)) in level.iter().zip(&read).enumerate() {
                pause(turn).await;
                let at_node = |problem: Problem| problem.at(BTREE1_NODE, *address);
                let node = nodes.parse(bytes).map_err(at_node)?;
                self.cx.saw(BTREE1_NODE, *address, &node);
                let expected = *expected_level.get_or_insert(node.level);
                if node.level != expected {
                    return Err(at_node(Problem::malformed(format!(
                        "the node is at level {} but its place is at level {expected}",
                        node.level
                    ))));
                }
                if node.level > 0 {
                    for child in node.children() {
                        children.push(child.map_err(at_node)?);
                    }
                    continue;
                }
                let visit = |offset: &[u64], stored: StoredChunk| {
                    self.position(offset, &mut position)?;
                    self.push(&mut table, &position, stored)
                };
                node.chunks(visit).map_err(at_node)?;
            }
            expected_level = expected_level.and_then(|level: u8| level.checked_sub(1));
            if children.is_empty() {
                return table.finish().map_err(|problem| problem.at(INDEX, self.address));
            }
            level = children;
        }
        let problem = Problem::Limit {
            what: "the number of levels",
            limit: widen(BTREE_LEVELS_MAX),
            found: widen(BTREE_LEVELS_MAX.saturating_add(1)),
        };
        Err(problem.at(INDEX, self.address))
    }

    /// A node with two parents is a loop or a lie, and would multiply the work with every level.
    fn refuse_repeated(&self, level: &[u64]) -> Result<(), Error> {
        let mut sorted = level.to_vec();
        sorted.sort_unstable();
        match sorted.iter().zip(sorted.iter().skip(1)).find(|(node, next)| node == next) {
            None => Ok(()),
            Some((node, _)) => {
                Err(Problem::malformed("two parents point to the node").at(BTREE1_NODE, *node))
            }
        }
    }

    /// Turns an offset in elements into one in chunks.
    fn position(&self, offset: &[u64], position: &mut [u64]) -> Result<(), Problem> {
        for ((index, offset), extent) in position.iter_mut().zip(offset).zip(self.chunk_shape) {
            let (quotient, remainder) = (offset.checked_div(*extent), offset.checked_rem(*extent));
            match (quotient, remainder) {
                (Some(quotient), Some(0)) => *index = quotient,
                _ => {
                    return Err(Problem::malformed(format!(
                        "a chunk starts at element {offset} but chunks start at multiples of {extent}"
                    )));
                }
            }
        }
        Ok(())
    }

    /// Adds the chunk at `position`, unless that is outside the current extent.
    fn push(
        &self,
        table: &mut ChunkTableBuilder,
        position: &[u64],
        stored: StoredChunk,
    ) -> Result<(), Problem> {
        let StoredChunk { range, filter_mask } = stored;
        if !self.filtered && range.length != self.chunk_len {
            return Err(Problem::malformed(format!(
                "a chunk without filters has {} bytes but its shape needs {}",
                range.length, self.chunk_len
            )));
        }
        match table.grid().number(position) {
            None => Ok(()),
            Some(number) => table.push(Chunk { number, range, filter_mask }),
        }
    }

    async fn fixed_array(&self, mut table: SlotTable) -> Result<ChunkTable, Error> {
        let (cx, sizes) = (self.cx, self.cx.sizes);
        let at_header = |problem: Problem| problem.at(FA_HEADER, self.address);
        let bytes =
            cx.blocks.read(FA_HEADER, ByteRange::new(self.address, FixedArrayHeader::len(sizes))).await?;
        let body = cx.verified(FA_HEADER, self.address, &bytes)?;
        let header = FixedArrayHeader::parse(body, sizes).map_err(at_header)?;
        cx.saw(FA_HEADER, self.address, &header);
        if table.slots().count() != Some(header.slot_count) {
            return Err(at_header(Problem::malformed(format!(
                "the array has {} slots but the maximum extent has {}",
                header.slot_count,
                table
                    .slots()
                    .count()
                    .map_or("unlimited chunks".to_owned(), |count| format!("{count} chunks"))
            ))));
        }
        let entry = header.entry(sizes, self.chunk_len, self.filtered).map_err(at_header)?;
        if let Some(block) = header.data_block {
            self.fixed_array_block(&mut table, &header, &entry, block).await?;
        }
        table.finish().map_err(|problem| problem.at(INDEX, self.address))
    }

    async fn fixed_array_block(
        &self,
        table: &mut SlotTable,
        header: &FixedArrayHeader,
        entry: &Entry,
        block: u64,
    ) -> Result<(), Error> {
        let cx = self.cx;
        let at_block = |problem: Problem| problem.at(FA_BLOCK, block);
        let head_len = header.data_block_len(cx.sizes).ok_or_else(|| at_block(too_long()))?;
        let pages = header.pages();
        let pages_len =
            pages.map_or(Some(0), |pages| pages.total_len()).ok_or_else(|| at_block(too_long()))?;
        if head_len.saturating_add(pages_len) <= WHOLE_BLOCK_LEN_MAX {
            cx.blocks.hint(&[ByteRange::new(block, head_len.saturating_add(pages_len))]);
        }
        let bytes = cx.blocks.read(FA_BLOCK, ByteRange::new(block, head_len)).await?;
        let body = cx.verified(FA_BLOCK, block, &bytes)?;
        let content = header.data_block(body, self.address, cx.sizes).map_err(at_block)?;
        let Some(pages) = pages else {
            return table.add_entries(0, content, entry).map_err(at_block);
        };
        let first_page = block.checked_add(head_len).ok_or_else(|| at_block(too_long()))?;
        let has_page = |page| page_bit(content, page).unwrap_or(false);
        let mut written = Vec::new();
        written_pages(&pages, first_page, 0, table.slots().end(), has_page, &mut written)
            .map_err(at_block)?;
        self.pages(table, entry, FA_PAGE, &written).await
    }

    /// Reads written pages, all at once, into the table.
    async fn pages(
        &self,
        table: &mut SlotTable,
        entry: &Entry,
        structure: &'static str,
        written: &[WrittenPage],
    ) -> Result<(), Error> {
        let ranges: Vec<_> = written.iter().map(|page| page.range).collect();
        let read = self.cx.blocks.read_many(structure, &ranges).await?;
        table.reserve(rows(read.iter().map(Bytes::len), entry.len()));
        for (turn, (page, bytes)) in written.iter().zip(&read).enumerate() {
            pause(turn).await;
            let address = page.range.offset;
            let entries = self.cx.verified(structure, address, bytes)?;
            table
                .add_entries(page.first_slot, entries, entry)
                .map_err(|problem| problem.at(structure, address))?;
        }
        Ok(())
    }

    async fn extensible_array(&self, mut table: SlotTable) -> Result<ChunkTable, Error> {
        let (cx, sizes) = (self.cx, self.cx.sizes);
        let at_header = |problem: Problem| problem.at(EA_HEADER, self.address);
        let bytes = cx
            .blocks
            .read(EA_HEADER, ByteRange::new(self.address, ExtensibleArrayHeader::len(sizes)))
            .await?;
        let body = cx.verified(EA_HEADER, self.address, &bytes)?;
        let header = ExtensibleArrayHeader::parse(body, sizes).map_err(at_header)?;
        cx.saw(EA_HEADER, self.address, &header);
        if table.slots().count().is_some() {
            return Err(at_header(Problem::malformed(
                "an extensible array needs an unlimited dimension but none is",
            )));
        }
        let entry = header.entry(sizes, self.chunk_len, self.filtered).map_err(at_header)?;
        if let Some(address) = header.index_block {
            let array = ExtensibleArray { index: self, header, entry };
            array.index_block(&mut table, address).await?;
        }
        table.finish().map_err(|problem| problem.at(INDEX, self.address))
    }

    async fn btree2(&self, grid: ChunkGrid) -> Result<ChunkTable, Error> {
        let rank = self.chunk_shape.len();
        let at_index = |problem: Problem| problem.at(INDEX, self.address);
        let records = btree2::records(self.cx, self.address, &ChunkRecords::TYPES).await?;
        let layout = ChunkRecords::new(
            records.record_type,
            records.record_len,
            self.cx.sizes,
            rank,
            self.chunk_len,
            self.filtered,
        )
        .map_err(at_index)?;
        let mut table = ChunkTableBuilder::new(grid);
        table.reserve(records.runs().map(|run| run.len()).sum());
        let mut position = vec![0; rank];
        for (turn, run) in records.runs().enumerate() {
            pause(turn).await;
            for record in run {
                let stored = layout.read(record, &mut position).map_err(at_index)?;
                self.push(&mut table, &position, stored).map_err(at_index)?;
            }
        }
        table.finish().map_err(at_index)
    }
}

/// A page that was written.
struct WrittenPage {
    range: ByteRange,
    first_slot: u64,
}

/// Lists the pages of one block that were written and have slots before `end`.
///
/// `first_page` is the address of the first page and `first_slot` its first slot.
fn written_pages(
    pages: &Pages,
    first_page: u64,
    first_slot: u64,
    end: u64,
    has_page: impl Fn(u64) -> bool,
    written: &mut Vec<WrittenPage>,
) -> Result<(), Problem> {
    for index in (0..pages.count()).filter(|index| has_page(*index)) {
        let page = pages.page(index).ok_or_else(too_long)?;
        let slot = first_slot.checked_add(page.first_element).ok_or_else(too_long)?;
        if slot >= end {
            break;
        }
        let offset = first_page.checked_add(page.range.offset).ok_or_else(too_long)?;
        written.push(WrittenPage { range: ByteRange::new(offset, page.range.length), first_slot: slot });
    }
    Ok(())
}

fn too_long() -> Problem {
    Problem::malformed("the block is longer than 64 bits can say")
}

/// An extensible array whose header is known.
struct ExtensibleArray<'a> {
    index: &'a Index<'a>,
    header: ExtensibleArrayHeader,
    entry: Entry,
}

/// A data block: where its head is, and the slot it begins with, not counting those of the index block.
struct DataBlock {
    range: ByteRange,
    first_slot: u64,
    /// The first slot that the block itself may give instead.
    misstated: Option<u64>,
}

impl ExtensibleArray<'_> {
    async fn index_block(&self, table: &mut SlotTable, address: u64) -> Result<(), Error> {
        let (cx, header) = (self.index.cx, &self.header);
        let at_block = |problem: Problem| problem.at(EA_INDEX_BLOCK, address);
        let range = ByteRange::new(address, header.index_block_len(cx.sizes));
        let bytes = cx.blocks.read(EA_INDEX_BLOCK, range).await?;
        let body = cx.verified(EA_INDEX_BLOCK, address, &bytes)?;
        let block = header.index_block(body, self.index.address, cx.sizes).map_err(at_block)?;
        cx.saw(
            EA_INDEX_BLOCK,
            address,
            &format_args!(
                "entries: {} bytes, data blocks: {:?}, secondary blocks: {:?}",
                block.entries.len(),
                block.data_blocks,
                block.secondary_blocks
            ),
        );
        table.add_entries(0, block.entries, &self.entry).map_err(at_block)?;

        let mut data_blocks = Vec::new();
        let mut addresses = (0_u64..).zip(&block.data_blocks);
        for index in 0..header.index_block_groups() {
            let group = header.group(index).ok_or_else(|| at_block(too_long()))?;
            if header.pages(&group).is_some() {
                return Err(at_block(Problem::unsupported("a paged data block without a secondary block")));
            }
            for number in 0..group.data_blocks {
                let Some((position, address)) = addresses.next() else { break };
                let added = self.data_block(table, &group, number, *address, &mut data_blocks);
                if let Some(data_block) = added.map_err(at_block)? {
                    // The library counts from the first block of the array where it means that of the group.
                    data_block.misstated = group.data_block_first_slot(position);
                }
            }
        }
        let ranges: Vec<_> = data_blocks.iter().map(|block| block.range).collect();
        cx.blocks.hint(&ranges);

        let mut secondary_blocks = Vec::new();
        for (index, address) in (header.index_block_groups()..).zip(&block.secondary_blocks) {
            let Some(group) = header.group(index) else { break };
            if self.slot(group.first_slot).is_none_or(|slot| slot >= table.slots().end()) {
                break;
            }
            if let Some(address) = address {
                let length =
                    header.secondary_block_len(&group, cx.sizes).ok_or_else(|| at_block(too_long()))?;
                secondary_blocks.push((group, ByteRange::new(*address, length)));
            }
        }
        self.blocks(table, secondary_blocks, data_blocks).await
    }

    /// Reads the secondary blocks, then all data blocks, then all pages that were written.
    async fn blocks(
        &self,
        table: &mut SlotTable,
        secondary_blocks: Vec<(Group, ByteRange)>,
        mut data_blocks: Vec<DataBlock>,
    ) -> Result<(), Error> {
        let (cx, header) = (self.index.cx, &self.header);
        let mut pages = Vec::new();
        let ranges: Vec<_> = secondary_blocks.iter().map(|(_, range)| *range).collect();
        let read = cx.blocks.read_many(EA_SECONDARY_BLOCK, &ranges).await?;
        for ((group, range), bytes) in secondary_blocks.iter().zip(&read) {
            let at_block = |problem: Problem| problem.at(EA_SECONDARY_BLOCK, range.offset);
            let body = cx.verified(EA_SECONDARY_BLOCK, range.offset, bytes)?;
            let block =
                header.secondary_block(body, group, self.index.address, cx.sizes).map_err(at_block)?;
            cx.saw(EA_SECONDARY_BLOCK, range.offset, &block);
            for (number, address) in (0_u64..).zip(&block.data_blocks) {
                let added = self.data_block(table, group, number, *address, &mut data_blocks);
                let Some((data_block, paging)) = added.map_err(at_block)?.zip(header.pages(group)) else {
                    continue;
                };
                let first_page = data_block.range.end();
                let first_slot = self.slot(data_block.first_slot).ok_or_else(|| at_block(too_long()))?;
                let has_page = |page| block.has_page(number, page, paging.count());
                written_pages(&paging, first_page, first_slot, table.slots().end(), has_page, &mut pages)
                    .map_err(at_block)?;
            }
        }

        let ranges: Vec<_> = pages.iter().map(|page| page.range).collect();
        cx.blocks.hint(&ranges);
        let ranges: Vec<_> = data_blocks.iter().map(|block| block.range).collect();
        let read = cx.blocks.read_many(EA_BLOCK, &ranges).await?;
        for (turn, (block, bytes)) in data_blocks.iter().zip(&read).enumerate() {
            pause(turn).await;
            let address = block.range.offset;
            let at_block = |problem: Problem| problem.at(EA_BLOCK, address);
            let body = cx.verified(EA_BLOCK, address, bytes)?;
            let first_slots = [block.first_slot, block.misstated.unwrap_or(block.first_slot)];
            let entries =
                header.data_block(body, &first_slots, self.index.address, cx.sizes).map_err(at_block)?;
            let first_slot = self.slot(block.first_slot).ok_or_else(|| at_block(too_long()))?;
            table.add_entries(first_slot, entries, &self.entry).map_err(at_block)?;
        }
        self.index.pages(table, &self.entry, EA_PAGE, &pages).await
    }

    /// Lists data block `number` of `group`, unless it was never stored or the extent does not reach it.
    fn data_block<'b>(
        &self,
        table: &SlotTable,
        group: &Group,
        number: u64,
        address: Option<u64>,
        listed: &'b mut Vec<DataBlock>,
    ) -> Result<Option<&'b mut DataBlock>, Problem> {
        let first_slot = group.data_block_first_slot(number).ok_or_else(too_long)?;
        let reached = self.slot(first_slot).is_some_and(|slot| slot < table.slots().end());
        let Some(address) = address.filter(|_| reached) else { return Ok(None) };
        let length = self.header.data_block_len(group, self.index.cx.sizes).ok_or_else(too_long)?;
        address.checked_add(length).ok_or_else(too_long)?;
        listed.push(DataBlock { range: ByteRange::new(address, length), first_slot, misstated: None });
        Ok(listed.last_mut())
    }

    /// The slot of the whole array: those in the index block come first.
    fn slot(&self, slot: u64) -> Option<u64> {
        slot.checked_add(u64::from(self.header.index_block_slots))
    }
}
