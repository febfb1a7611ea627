//! Reading the attributes of an object, compact and dense.

use bytes::Bytes;
use futures::future::{join_all, try_join};

use super::fractal_heap::FractalHeap;
use super::header::{self, Header, Message};
use super::{Context, btree2, values};
use crate::datatype::{Class, Datatype};
use crate::error::{Error, Problem};
use crate::format::attribute::{AttributeInfo, AttributeMessage, NameRecord};
use crate::format::cursor::widen;
use crate::format::object_header::kind;
use crate::format::{dataspace, datatype, global_heap};
use crate::model::{Attribute, Dataspace};
use crate::value::Value;

const MESSAGE: &str = "attribute message";
const INFO: &str = "attribute info message";

/// B-tree record type of the index of attribute names.
const NAME_RECORD: [u8; 1] = [8];

/// The attributes of an object, and what could not be read of them.
#[derive(Default)]
pub(crate) struct Attributes {
    /// In creation order where the object tracks it, else by name.
    pub(crate) found: Vec<Attribute>,
    /// Name of the attribute, if it is known, and what is wrong.
    pub(crate) errors: Vec<(Option<String>, Error)>,
}

/// An attribute message, wherever it is.
struct Stored {
    creation_order: Option<u32>,
    body: Result<Bytes, Error>,
    address: u64,
}

/// Which attributes to read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of them.
    All,
    /// Those that are small, and those that refer to other objects.
    Near,
}

/// Sequences and strings of more bytes than this lie apart from everything else: that is the length of a typical heap
/// collection.
const NEAR_LEN_MAX: u64 = global_heap::LEN_TYPICAL;

/// Whether elements are sequences or strings that are worth leaving out. References never are.
fn is_far(datatype: &Datatype, raw: &Bytes) -> bool {
    let base_len = match &datatype.class {
        Class::VarLenString { .. } => 1,
        Class::VarLen { base } if !base.has_references() => base.size,
        _ => return false,
    };
    // Each element begins with its count.
    let size = usize::try_from(datatype.size).unwrap_or(usize::MAX).max(1);
    let counts = raw.chunks_exact(size).filter_map(<[u8]>::first_chunk);
    let count = counts.fold(0_u64, |sum, count| sum.saturating_add(u64::from(u32::from_le_bytes(*count))));
    count.saturating_mul(base_len) > NEAR_LEN_MAX
}

/// Reads the attributes of the object with that header.
pub(crate) async fn read(cx: &Context<'_>, header: &Header, wanted: Wanted) -> Attributes {
    let mut attributes = Attributes::default();
    let compact = join_all(
        header
            .all(kind::ATTRIBUTE)
            .map(|message| async move { attribute(cx, compact(cx, header, message).await, wanted).await }),
    );
    let dense = async {
        let stored = dense(cx, header, wanted).await?;
        Ok::<_, Error>(join_all(stored.into_iter().map(|stored| attribute(cx, stored, wanted))).await)
    };
    let (mut read, dense) = futures::join!(compact, dense);
    match dense {
        Ok(dense) => read.extend(dense),
        Err(error) => attributes.errors.push((None, error)),
    }
    for result in read {
        match result {
            Ok(attribute) => attributes.found.extend(attribute),
            Err(error) => attributes.errors.push(error),
        }
    }
    if attributes.found.iter().all(|attribute| attribute.creation_order.is_some()) {
        attributes.found.sort_by_key(|attribute| attribute.creation_order);
    } else {
        attributes.found.sort_by(|a, b| a.name.cmp(&b.name));
    }
    attributes
}

async fn compact(cx: &Context<'_>, header: &Header, message: &Message) -> Stored {
    let resolved = header::resolve(cx, kind::ATTRIBUTE, message.shared, &message.body, message.address).await;
    Stored {
        creation_order: message.creation_order.filter(|_| header.creation_order).map(u32::from),
        body: resolved.map(|resolved| resolved.body),
        address: message.address,
    }
}

/// The attribute messages that are not in the header.
async fn dense(cx: &Context<'_>, header: &Header, wanted: Wanted) -> Result<Vec<Stored>, Error> {
    let Some(message) = header.first(kind::ATTRIBUTE_INFO) else { return Ok(Vec::new()) };
    let info =
        AttributeInfo::parse(&message.body, cx.sizes).map_err(|problem| problem.at(INFO, message.address))?;
    cx.saw(INFO, message.address, &info);
    let (Some(heap), Some(index)) = (info.heap, info.name_index) else { return Ok(Vec::new()) };
    let (heap, records) =
        try_join(FractalHeap::load(cx, heap), btree2::records(cx, index, &NAME_RECORD)).await?;
    let records = records
        .iter()
        .map(|record| {
            NameRecord::parse(record).map_err(|problem| problem.at("version 2 B-tree record", index))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let shared = |record: &NameRecord| record.flags & 2 != 0;
    let near = |record: &&NameRecord| shared(record) || !heap.is_huge(cx, &record.heap_id);
    let records = records.iter().filter(|record| wanted == Wanted::All || near(record));
    Ok(join_all(records.map(|record| async {
        let body = if shared(record) {
            super::sohm::message(cx, kind::ATTRIBUTE, record.heap_id).await
        } else {
            heap.object(cx, &record.heap_id).await
        };
        Stored {
            creation_order: info.creation_order_tracked.then_some(record.creation_order),
            body,
            address: message.address,
        }
    }))
    .await)
}

/// Reads an attribute, unless it is not `wanted`.
async fn attribute(
    cx: &Context<'_>,
    stored: Stored,
    wanted: Wanted,
) -> Result<Option<Attribute>, (Option<String>, Error)> {
    let Stored { creation_order, body, address } = stored;
    let body = body.map_err(|error| (None, error))?;
    let parts = AttributeMessage::parse(&body).map_err(|problem| (None, problem.at(MESSAGE, address)))?;
    let attribute = decoded(cx, address, &body, &parts, wanted).await;
    let attribute = attribute.map_err(|error| (Some(parts.name), error))?;
    Ok(attribute.map(|attribute| Attribute { creation_order, ..attribute }))
}

async fn decoded(
    cx: &Context<'_>,
    address: u64,
    body: &Bytes,
    parts: &AttributeMessage<'_>,
    wanted: Wanted,
) -> Result<Option<Attribute>, Error> {
    let at = |problem: Problem| problem.at(MESSAGE, address);
    let resolve = async |kind, part: crate::format::attribute::Part<'_>| {
        header::resolve(cx, kind, part.shared, &body.slice_ref(part.body), address).await
    };
    let datatype_message = resolve(kind::DATATYPE, parts.datatype).await?;
    let dataspace_message = resolve(kind::DATASPACE, parts.dataspace).await?;
    let mut datatype = datatype::parse(&datatype_message.body).map_err(at)?;
    datatype.committed = datatype_message.committed;
    let space = dataspace::parse(&dataspace_message.body, cx.sizes).map_err(at)?;
    let length = space.element_count().and_then(|count| count.checked_mul(datatype.size));
    let available = parts.data.len();
    let len = length.and_then(|length| usize::try_from(length).ok()).filter(|len| *len <= available);
    let raw = len.map(|len| body.slice_ref(parts.data.get(..len).unwrap_or_default()));
    let raw = raw.ok_or_else(|| {
        at(Problem::Truncated { needed: length.unwrap_or(u64::MAX), available: widen(available) })
    })?;
    if wanted == Wanted::Near && is_far(&datatype, &raw) {
        return Ok(None);
    }
    let value = match space {
        Dataspace::Null => Value::Null,
        _ => values::decode(cx, MESSAGE, address, &datatype, &raw).await?,
    };
    let attribute = Attribute { name: parts.name.clone(), creation_order: None, datatype, space, raw, value };
    cx.saw(MESSAGE, address, &attribute);
    Ok(Some(attribute))
}
