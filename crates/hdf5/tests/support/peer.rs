//! The chunk table of a dataset as `hdf5-reader` finds it: another reader, by other people, to be compared with.

use hdf5_reader::messages::HdfMessage;
use hdf5_reader::messages::layout::{ChunkIndexing, DataLayout};
use hdf5_reader::{Dataset, Hdf5File, btree_v1, chunk_index, extensible_array, fixed_array};

/// An address that says that nothing is stored.
const UNDEFINED: u64 = u64::MAX;

/// One chunk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PeerChunk {
    /// First element, in every dimension.
    pub(crate) offset: Vec<u64>,
    /// Where the encoded bytes are.
    pub(crate) address: u64,
    /// Bytes.
    pub(crate) length: u64,
    /// Filters that were not applied.
    pub(crate) filter_mask: u32,
}

/// All chunks in the order of the index; `None` if the dataset is not chunked.
pub(crate) fn chunks(
    file: &Hdf5File,
    dataset: &Dataset,
) -> Result<Option<Vec<PeerChunk>>, hdf5_reader::error::Error> {
    let header = file.get_or_parse_header(dataset.address())?;
    let layout = header.messages.iter().find_map(|message| match message {
        HdfMessage::DataLayout(message) => Some(&message.layout),
        _ => None,
    });
    let Some(DataLayout::Chunked { address, dims, chunk_indexing, .. }) = layout else {
        return Ok(None);
    };
    if *address == UNDEFINED {
        return Ok(Some(Vec::new()));
    }
    let storage = file.storage();
    let (offset_size, length_size) = (file.superblock().offset_size, file.superblock().length_size);
    let shape = dataset.shape();
    let rank = u32::try_from(shape.len()).unwrap_or(u32::MAX);
    // Some versions of the layout message count the element as one more dimension.
    let dims = dims.get(..shape.len()).unwrap_or(dims);
    let element_len = u64::try_from(dataset.raw_element_size()?).unwrap_or(u64::MAX);
    let chunk_len = dims.iter().fold(element_len, |len, dim| len * u64::from(*dim));
    // Zero where the index has no length of its own: the chunk is not filtered.
    let length = |stored: u64| if stored == 0 { chunk_len } else { stored };
    let entries = match chunk_indexing {
        None => {
            let leaves = btree_v1::collect_btree_v1_leaves_storage(
                storage,
                *address,
                offset_size,
                length_size,
                Some(rank),
                dims,
                None,
            )?;
            let leaf = |(key, address)| match key {
                btree_v1::BTreeV1Key::RawData { chunk_size, filter_mask, mut offsets } => {
                    offsets.truncate(shape.len());
                    Some(chunk_index::ChunkEntry {
                        address,
                        size: u64::from(chunk_size),
                        filter_mask,
                        offsets,
                    })
                }
                btree_v1::BTreeV1Key::Group { .. } => None,
            };
            leaves.into_iter().filter_map(leaf).collect()
        }
        Some(ChunkIndexing::SingleChunk { filtered_size, filters }) => {
            vec![chunk_index::single_chunk_entry(*address, *filtered_size, *filters, shape.len())]
        }
        Some(ChunkIndexing::Implicit) => chunk_index::collect_implicit_chunk_entries(
            *address,
            shape,
            dims,
            dataset.raw_element_size()?,
            None,
            storage.len(),
        )?,
        Some(ChunkIndexing::FixedArray { .. }) => fixed_array::collect_fixed_array_chunk_entries_storage(
            storage,
            *address,
            offset_size,
            length_size,
            shape,
            dims,
            None,
        )?,
        Some(ChunkIndexing::ExtensibleArray { .. }) => {
            extensible_array::collect_extensible_array_chunk_entries_storage(
                storage,
                *address,
                offset_size,
                length_size,
                shape,
                dataset.max_dims(),
                dims,
                None,
            )?
        }
        Some(ChunkIndexing::BTreeV2) => chunk_index::collect_v2_chunk_entries_storage(
            storage,
            *address,
            offset_size,
            length_size,
            rank,
            dims,
            None,
        )?,
    };
    let chunk = |entry: chunk_index::ChunkEntry| PeerChunk {
        length: length(entry.size),
        offset: entry.offsets,
        address: entry.address,
        filter_mask: entry.filter_mask,
    };
    Ok(Some(entries.into_iter().map(chunk).collect()))
}
