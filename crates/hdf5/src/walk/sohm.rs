//! The messages that objects of a file share: found in a heap by their ID.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::lock::Mutex;

use super::Context;
use super::fractal_heap::FractalHeap;
use crate::error::{Error, Problem};
use crate::format::sohm::{SharedMessageTable, SharedMessageTableMessage};
use crate::range::ByteRange;

const TABLE: &str = "shared object header message table";
const MESSAGE: &str = "shared message";

/// The shared messages of a file. Table and heaps are read when the first message in them is asked for, and once.
pub(crate) struct SharedMessages {
    table: Option<SharedMessageTableMessage>,
    loaded: Mutex<Loaded>,
}

#[derive(Default)]
struct Loaded {
    table: Option<SharedMessageTable>,
    heaps: BTreeMap<u64, Arc<FractalHeap>>,
}

impl SharedMessages {
    /// The shared messages in the table that the superblock extension names, if it does.
    pub(crate) fn new(table: Option<SharedMessageTableMessage>) -> Self {
        Self { table, loaded: Mutex::default() }
    }

    /// The heap with the messages of a type.
    async fn heap(&self, cx: &Context<'_>, message_type: u16) -> Result<Arc<FractalHeap>, Error> {
        let place = self.table.ok_or_else(|| {
            Problem::malformed("a message is shared but the file has no table of shared messages")
                .at(MESSAGE, 0)
        })?;
        let at = |problem: Problem| problem.at(TABLE, place.address);
        // Held while waiting for bytes: everyone else who comes here needs the same bytes.
        let mut loaded = self.loaded.lock().await;
        if loaded.table.is_none() {
            let range = ByteRange::new(place.address, place.table_len(cx.sizes));
            let bytes = cx.blocks.read(TABLE, range).await?;
            let body = cx.verified(TABLE, place.address, &bytes)?;
            let table = SharedMessageTable::parse(body, place.index_count, cx.sizes).map_err(at)?;
            cx.saw(TABLE, place.address, &table);
            loaded.table = Some(table);
        }
        let table = loaded.table.clone().unwrap_or_default();
        let address = table.heap(message_type).map_err(at)?;
        if let Some(heap) = loaded.heaps.get(&address) {
            return Ok(Arc::clone(heap));
        }
        let heap = Arc::new(FractalHeap::load(cx, address).await?);
        loaded.heaps.insert(address, Arc::clone(&heap));
        Ok(heap)
    }
}

/// The body of the shared message with a heap ID.
///
/// # Errors
///
/// [`Problem::Malformed`] if there is no heap for the type, or no message of that ID; whatever is wrong with the table
/// or the heap.
pub(crate) async fn message(cx: &Context<'_>, message_type: u16, id: [u8; 8]) -> Result<Bytes, Error> {
    cx.shared_messages.heap(cx, message_type).await?.object(cx, &id).await
}
