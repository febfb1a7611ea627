//! Decoding values, with what they point at in global heaps.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;

use super::Context;
use super::blocks::Pages;
use crate::datatype::Datatype;
use crate::error::{Error, Problem};
use crate::format::global_heap;
use crate::format::value::Decoder;
use crate::limits::DATATYPE_DEPTH_MAX;
use crate::range::ByteRange;
use crate::value::{GlobalHeapId, Value};

const COLLECTION: &str = "global heap collection";

/// Decodes elements; `address` is where they are, for errors.
///
/// # Errors
///
/// Whatever is wrong with the elements, or with a heap collection they point into.
pub(crate) async fn decode(
    cx: &Context<'_>,
    structure: &'static str,
    address: u64,
    datatype: &Datatype,
    raw: &Bytes,
) -> Result<Value, Error> {
    let at = |problem: Problem| problem.at(structure, address);
    let mut heap = HashMap::new();
    // Each pass finds one more level of sequences in sequences.
    for _ in 0..=DATATYPE_DEPTH_MAX {
        let mut decoder = Decoder::new(cx.sizes, &heap);
        let value = decoder.decode(datatype, raw).map_err(at)?;
        let missing = decoder.into_missing();
        if missing.is_empty() {
            return Ok(value);
        }
        let objects = objects(cx, &missing).await?;
        heap.extend(missing.into_iter().zip(objects));
    }
    Err(at(Problem::malformed("sequences are nested deeper than their datatype")))
}

/// The objects of those IDs, in order; all collections are read at once.
///
/// # Errors
///
/// Whatever is wrong with a collection; [`Problem::Malformed`] if an ID names nothing.
pub(crate) async fn objects(cx: &Context<'_>, ids: &[GlobalHeapId]) -> Result<Vec<Bytes>, Error> {
    let addresses: BTreeSet<u64> = ids.iter().map(|id| id.collection).collect();
    let collections = addresses.into_iter().map(|address| async move {
        let collection = match cx.collection(address) {
            Some(collection) => collection,
            None => cx.remember_collection(address, collection(cx, address).await?),
        };
        Ok::<_, Error>((address, collection))
    });
    let collections: HashMap<_, _> = futures::future::try_join_all(collections).await?.into_iter().collect();
    ids.iter()
        .map(|id| {
            let index = u16::try_from(id.index).ok();
            let object =
                collections.get(&id.collection).zip(index).and_then(|(objects, index)| objects.get(&index));
            object.cloned().ok_or_else(|| {
                Problem::malformed(format!("object {} is not there", id.index)).at(COLLECTION, id.collection)
            })
        })
        .collect()
}

async fn collection(cx: &Context<'_>, address: u64) -> Result<HashMap<u16, Bytes>, Error> {
    let at = |problem: Problem| problem.at(COLLECTION, address);
    let least = ByteRange::new(address, global_heap::header_len(cx.sizes));
    let mut bytes = cx.blocks.read_guess(COLLECTION, least, global_heap::LEN_TYPICAL, Pages::Raw).await?;
    let length = global_heap::collection_len(&bytes, cx.sizes).map_err(at)?;
    match usize::try_from(length) {
        Ok(len) if len <= bytes.len() => bytes.truncate(len),
        _ => {
            let whole = ByteRange::new(address, length);
            bytes = cx.blocks.read_guess(COLLECTION, whole, length, Pages::Raw).await?;
        }
    }
    let objects = global_heap::objects(&bytes, cx.sizes).map_err(at)?;
    cx.saw(COLLECTION, address, &format_args!("length: {length}, objects: {objects:?}"));
    Ok(objects.into_iter().map(|(index, range)| (index, bytes.slice(range))).collect())
}
