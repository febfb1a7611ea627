//! Reading the chunk index of a dataset, whichever of the six kinds it is.

use super::Context;
use crate::chunk_table::ChunkTable;
use crate::error::{Error, Problem};
use crate::format::layout::ChunkedStorage;

/// Reads the whole chunk index of a dataset.
///
/// `extent` and `max_extent` are those of the dataspace; `filtered` says whether the dataset has a filter pipeline.
///
/// # Errors
///
/// Whatever is wrong with any structure of the index: a table is complete or it is not returned.
pub(crate) async fn read(
    _cx: &Context<'_>,
    _storage: &ChunkedStorage,
    _extent: &[u64],
    _max_extent: &[Option<u64>],
    _filtered: bool,
) -> Result<ChunkTable, Error> {
    Err(Problem::unsupported("this chunk index").at("data layout message", 0))
}
