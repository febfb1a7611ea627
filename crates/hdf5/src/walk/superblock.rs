//! Opening a file: the superblock, and what its extension adds.

use super::blocks::Blocks;
use super::sohm::SharedMessages;
use super::{Context, Memory, header};
use crate::error::{Error, Problem};
use crate::format::cursor::widen;
use crate::format::group::{INTERNAL_K_DEFAULT, LEAF_K_DEFAULT};
use crate::format::object_header::kind;
use crate::format::sohm::SharedMessageTableMessage;
use crate::format::superblock::{
    self, BTreeK, FileSpaceInfo, INDEXED_STORAGE_K_DEFAULT, LEN_MAX, SIGNATURE, Superblock,
};
use crate::model;
use crate::range::ByteRange;
use crate::reader::Options;

const SUPERBLOCK: &str = "superblock";
const EXTENSION: &str = "superblock extension";
const DRIVER_INFO: &str = "driver information block";

/// Finds and reads the superblock and its extension.
///
/// # Errors
///
/// [`Problem::Malformed`] if there is no HDF5 signature; whatever is wrong with the superblock or its extension;
/// [`Problem::Unsupported`] for a file spread over several files.
pub(crate) async fn open<'a>(
    blocks: &'a Blocks,
    options: &'a Options,
    memory: &'a Memory,
) -> Result<Context<'a>, Error> {
    let base = find_signature(blocks).await?;
    let at = |problem: Problem| problem.at(SUPERBLOCK, base);
    let length = LEN_MAX.min(blocks.size().saturating_sub(base));
    let bytes = blocks.read(SUPERBLOCK, ByteRange::new(base, length)).await?;
    let parsed = Superblock::parse(&bytes, base).map_err(at)?;
    let root = parsed.root.ok_or_else(|| at(Problem::malformed("root group at the undefined address")))?;
    let sizes = parsed.sizes;
    let mut cx = Context {
        blocks,
        options,
        sizes,
        superblock: model::Superblock {
            version: parsed.version,
            base_address: base,
            offset_size: u8::try_from(sizes.offset()).unwrap_or(u8::MAX),
            length_size: u8::try_from(sizes.length()).unwrap_or(u8::MAX),
            end_of_file: parsed.end_of_file,
            open_for_writing: parsed.open_for_writing,
            page_size: None,
        },
        root,
        group_leaf_k: parsed.group_leaf_k.unwrap_or(LEAF_K_DEFAULT),
        group_internal_k: parsed.group_internal_k.unwrap_or(INTERNAL_K_DEFAULT),
        indexed_storage_k: parsed.indexed_storage_k.unwrap_or(INDEXED_STORAGE_K_DEFAULT),
        shared_messages: SharedMessages::new(None),
        memory,
    };
    if let Some(len) = parsed.checksummed_len {
        let checked = bytes.get(..len).unwrap_or(&bytes);
        cx.verified(SUPERBLOCK, base, checked)?;
    }
    cx.saw(SUPERBLOCK, base, &parsed);
    if let Some(address) = parsed.driver_info {
        // Version, three reserved bytes, a size, and the name of the driver.
        let block = blocks.read(DRIVER_INFO, ByteRange::new(address, 16)).await?;
        let name = block.get(8..16).unwrap_or_default();
        superblock::check_driver(name).map_err(|problem| problem.at(DRIVER_INFO, address))?;
    }
    if let Some(address) = parsed.extension {
        read_extension(&mut cx, address).await?;
    }
    Ok(cx)
}

/// The signature is at byte 0, or at 512 or any doubling of it, behind a user block.
async fn find_signature(blocks: &Blocks) -> Result<u64, Error> {
    /// A user block longer than this was never seen, and each doubling is one more request.
    const USER_BLOCK_MAX: u64 = 1 << 40;
    let len = widen(SIGNATURE.len());
    let size = blocks.size();
    let first = blocks.read(SUPERBLOCK, ByteRange::new(0, len.min(size))).await?;
    if *first == SIGNATURE {
        return Ok(0);
    }
    let ranges = std::iter::successors(Some(512u64), |offset| offset.checked_mul(2))
        .take_while(|offset| *offset <= USER_BLOCK_MAX && offset.saturating_add(len) <= size)
        .map(|offset| ByteRange::new(offset, len))
        .collect::<Vec<_>>();
    let found = blocks.read_many(SUPERBLOCK, &ranges).await?;
    let place = ranges.iter().zip(&found).find(|(_, bytes)| ***bytes == SIGNATURE);
    let place = place.ok_or_else(|| Problem::malformed("no HDF5 signature was found").at(SUPERBLOCK, 0))?;
    Ok(place.0.offset)
}

async fn read_extension(cx: &mut Context<'_>, address: u64) -> Result<(), Error> {
    let extension = header::read(cx, address).await?;
    for message in &extension.messages {
        let at = |problem: Problem| problem.at(EXTENSION, message.address);
        match message.kind {
            kind::BTREE_K => {
                let k = BTreeK::parse(&message.body).map_err(at)?;
                cx.saw("B-tree K values message", message.address, &k);
                cx.indexed_storage_k = k.indexed_storage;
                cx.group_internal_k = k.group_internal;
                cx.group_leaf_k = k.group_leaf;
            }
            kind::FILE_SPACE_INFO => {
                let info = FileSpaceInfo::parse(&message.body, cx.sizes).map_err(at)?;
                cx.saw("file space info message", message.address, &info);
                cx.superblock.page_size = info.page_size;
                if let Some(page_size) = info.page_size {
                    cx.blocks.set_page_size(page_size);
                }
            }
            kind::SHARED_MESSAGE_TABLE => {
                let table = SharedMessageTableMessage::parse(&message.body, cx.sizes).map_err(at)?;
                cx.saw("shared message table message", message.address, &table);
                cx.shared_messages = SharedMessages::new(Some(table));
            }
            kind::DRIVER_INFO => {
                // A version comes before the name of the driver.
                superblock::check_driver(message.body.get(1..9).unwrap_or_default()).map_err(at)?;
            }
            kind::CACHE_IMAGE if superblock::cache_image(&message.body, cx.sizes).map_err(at)?.is_some() => {
                return Err(at(Problem::unsupported("a file whose metadata is in a cache image")));
            }
            _ => {}
        }
    }
    Ok(())
}
