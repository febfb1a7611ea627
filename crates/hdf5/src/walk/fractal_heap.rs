//! Reading fractal heaps: all direct blocks at once, then objects out of memory.

use std::collections::{BTreeMap, HashMap, HashSet};

use bytes::{Bytes, BytesMut};

use super::{Context, btree2};
use crate::error::{Error, Problem};
use crate::format::checksum;
use crate::format::cursor::widen;
use crate::format::fractal_heap::{self, Block, BlockKind, Header, HeapId, HugeObject};
use crate::format::unfilter::unfilter;
use crate::range::ByteRange;

const HEADER: &str = "fractal heap header";
const DIRECT: &str = "fractal heap direct block";
const INDIRECT: &str = "fractal heap indirect block";
const HUGE: &str = "fractal heap huge object";

/// B-tree record types of huge objects whose IDs are keys: without and with filters.
const HUGE_INDIRECT: [u8; 2] = [1, 2];

/// A heap with its managed objects in memory.
pub(crate) struct FractalHeap {
    address: u64,
    header: Header,
    /// Direct blocks by their offset in the heap.
    blocks: BTreeMap<u64, Bytes>,
    /// Huge objects by their key, where IDs are keys.
    huge: HashMap<u64, HugeObject>,
}

impl FractalHeap {
    /// Reads the heap whose header is at `address`, with all its direct blocks.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the header, any block, or the B-tree of huge objects.
    pub(crate) async fn load(cx: &Context<'_>, address: u64) -> Result<Self, Error> {
        let header = read_header(cx, address).await?;
        let (blocks, huge) =
            futures::future::try_join(read_blocks(cx, &header, address), read_huge(cx, &header)).await?;
        Ok(Self { address, header, blocks, huge })
    }

    /// The object of an ID.
    ///
    /// # Errors
    ///
    /// [`Problem::Malformed`] if the ID names nothing; what is wrong with a huge object.
    pub(crate) async fn object(&self, cx: &Context<'_>, id: &[u8]) -> Result<Bytes, Error> {
        let at = |problem: Problem| problem.at(HEADER, self.address);
        let huge = match self.header.id(id, cx.sizes).map_err(at)? {
            HeapId::Managed { offset, length } => return self.managed(offset, length).map_err(at),
            HeapId::Tiny(bytes) => return Ok(Bytes::copy_from_slice(bytes)),
            HeapId::HugeDirect(object) => object,
            HeapId::HugeIndirect { key } => *self.huge.get(&key).ok_or_else(|| {
                at(Problem::malformed(format!(
                    "huge object {key} is not in the B-tree of {}",
                    self.huge.len()
                )))
            })?,
        };
        let stored = cx.blocks.read(HUGE, ByteRange::new(huge.address, huge.length)).await?;
        let Some((mask, len)) = huge.filtered else { return Ok(stored) };
        unfilter(&self.header.filters, mask, &stored, len).map_err(|problem| problem.at(HUGE, huge.address))
    }

    /// Whether the object of an ID lies outside the heap.
    pub(crate) fn is_huge(&self, cx: &Context<'_>, id: &[u8]) -> bool {
        let id = self.header.id(id, cx.sizes);
        matches!(id, Ok(HeapId::HugeDirect(_) | HeapId::HugeIndirect { .. }))
    }

    fn managed(&self, offset: u64, length: u64) -> Result<Bytes, Problem> {
        let found = self.blocks.range(..=offset).next_back().and_then(|(start, block)| {
            let first = usize::try_from(offset.checked_sub(*start)?).ok()?;
            let end = first.checked_add(usize::try_from(length).ok()?)?;
            (end <= block.len()).then(|| block.slice(first..end))
        });
        found.ok_or_else(|| {
            Problem::malformed(format!(
                "no direct block holds the {length} bytes at offset {offset} of the heap"
            ))
        })
    }
}

async fn read_header(cx: &Context<'_>, address: u64) -> Result<Header, Error> {
    let sizes = cx.sizes;
    let at = |problem: Problem| problem.at(HEADER, address);
    let len = fractal_heap::header_len(sizes);
    let mut bytes = cx.blocks.read(HEADER, ByteRange::new(address, len)).await?;
    let filters_len = fractal_heap::header_filters_len(&bytes, sizes).map_err(at)?;
    if filters_len > 0 {
        bytes = cx.blocks.read(HEADER, ByteRange::new(address, len.saturating_add(filters_len))).await?;
    }
    let header = Header::parse(cx.verified(HEADER, address, &bytes)?, sizes).map_err(at)?;
    cx.saw(HEADER, address, &header);
    Ok(header)
}

async fn read_blocks(cx: &Context<'_>, header: &Header, address: u64) -> Result<BTreeMap<u64, Bytes>, Error> {
    let mut direct = BTreeMap::new();
    let mut level: Vec<Block> = header.root_block().into_iter().collect();
    let mut seen = HashSet::new();
    while !level.is_empty() {
        let mut ranges = Vec::new();
        for block in &level {
            if !seen.insert(block.address) {
                let problem = Problem::malformed(format!("block at byte {} comes twice", block.address));
                return Err(problem.at(HEADER, address));
            }
            ranges.push(ByteRange::new(block.address, stored_len(header, block, cx)));
        }
        let stored = cx.blocks.read_many(DIRECT, &ranges).await?;
        let mut below = Vec::new();
        for (block, bytes) in level.iter().zip(&stored) {
            match block.kind {
                BlockKind::Direct { size, filtered } => {
                    let bytes = direct_block(cx, header, block, bytes, size, filtered)?;
                    cx.saw(DIRECT, block.address, block);
                    direct.insert(block.offset, bytes);
                }
                BlockKind::Indirect { rows } => {
                    let body = cx.verified(INDIRECT, block.address, bytes)?;
                    let children = header
                        .children(body, rows, block.offset, cx.sizes)
                        .map_err(|problem| problem.at(INDIRECT, block.address))?;
                    cx.saw(INDIRECT, block.address, &children);
                    below.extend(children);
                }
            }
        }
        level = below;
    }
    Ok(direct)
}

fn stored_len(header: &Header, block: &Block, cx: &Context<'_>) -> u64 {
    match block.kind {
        BlockKind::Direct { filtered: Some((length, _)), .. } => length,
        BlockKind::Direct { size, .. } => size,
        BlockKind::Indirect { rows } => header.indirect_len(rows, cx.sizes),
    }
}

/// Undoes the filters of a direct block and verifies it.
fn direct_block(
    cx: &Context<'_>,
    header: &Header,
    block: &Block,
    stored: &Bytes,
    size: u64,
    filtered: Option<(u64, u32)>,
) -> Result<Bytes, Error> {
    let at = |problem: Problem| problem.at(DIRECT, block.address);
    let bytes = match filtered {
        Some((_, mask)) => unfilter(&header.filters, mask, stored, size).map_err(at)?,
        None => stored.clone(),
    };
    if !bytes.starts_with(b"FHDB") {
        return Err(at(Problem::malformed("signature is not \"FHDB\"")));
    }
    if !header.checksummed {
        return Ok(bytes);
    }
    // The checksum is in the middle, over the whole block with four zero bytes in its place.
    let end = header.direct_header_len(cx.sizes);
    let start = end.saturating_sub(checksum::CHECKSUM_LEN);
    let Some(field) = bytes.get(start..end) else {
        return Err(at(Problem::Truncated { needed: widen(end), available: widen(bytes.len()) }));
    };
    let mut whole = BytesMut::with_capacity(bytes.len().saturating_add(checksum::CHECKSUM_LEN));
    whole.extend_from_slice(bytes.get(..start).unwrap_or_default());
    whole.extend_from_slice(&[0; checksum::CHECKSUM_LEN]);
    whole.extend_from_slice(bytes.get(end..).unwrap_or_default());
    whole.extend_from_slice(field);
    cx.verified(DIRECT, block.address, &whole)?;
    Ok(bytes)
}

/// The huge objects by key, where an ID is a key and not an address.
async fn read_huge(cx: &Context<'_>, header: &Header) -> Result<HashMap<u64, HugeObject>, Error> {
    let mut huge = HashMap::new();
    let Some(address) = header.huge_btree.filter(|_| !header.huge_ids_direct(cx.sizes)) else {
        return Ok(huge);
    };
    let records = btree2::records(cx, address, &HUGE_INDIRECT).await?;
    for record in records.iter() {
        let (key, object) = fractal_heap::huge_record(record, records.record_type == 2, cx.sizes)
            .map_err(|problem| problem.at("version 2 B-tree record", address))?;
        huge.insert(key, object);
    }
    Ok(huge)
}
