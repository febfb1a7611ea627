//! Reading one object: what its header says, its attributes, and its links or its chunk index.

use bytes::Bytes;

use super::attributes::{self, Attributes, Wanted};
use super::header::{self, Header};
use super::links::{self, Links, OnLink};
use super::{Context, chunks, values};
use crate::datatype::Datatype;
use crate::error::{Error, Problem};
use crate::format::cursor::widen;
use crate::format::external::ExternalFileList;
use crate::format::layout::{ChunkIndexing, ChunkedStorage, DataLayout};
use crate::format::object_header::kind;
use crate::format::{dataspace, datatype, fill, filter, virtual_dataset};
use crate::model::{
    ChunkIndexKind, ChunkedLayout, CommittedDatatype, Dataset, Dataspace, ExternalSegment, Fill, FillValue,
    Filter, Group, Layout, Object,
};
use crate::range::ByteRange;
use crate::value::GlobalHeapId;

const DATASPACE: &str = "dataspace message";
const DATATYPE: &str = "datatype message";
const LAYOUT: &str = "data layout message";
const FILL: &str = "fill value message";
const FILTERS: &str = "filter pipeline message";
const EXTERNAL: &str = "external file list message";
const VIRTUAL: &str = "virtual dataset mappings";

/// An object, and what could not be read of it.
pub(crate) struct Found {
    /// The object; its paths are not known yet.
    pub(crate) object: Object,
    /// Name of the attribute, if only one is affected, and what is wrong.
    pub(crate) errors: Vec<(Option<String>, Error)>,
}

/// Reads the object whose header is at `address`; its chunk index and far attributes only if it is `wanted`.
///
/// `on_link` is told of the links of a group one by one, before it is known whether the group can be listed whole.
///
/// # Errors
///
/// Whatever is wrong with the header or with a message that the object cannot be understood without.
pub(crate) async fn read(
    cx: &Context<'_>,
    address: u64,
    wanted: bool,
    on_link: OnLink<'_>,
) -> Result<Found, Error> {
    let header = header::read(cx, address).await?;
    let has = |kind| header.first(kind).is_some();
    if has(kind::DATASPACE) && has(kind::DATATYPE) {
        dataset(cx, &header, wanted).await
    } else if has(kind::SYMBOL_TABLE) || has(kind::LINK_INFO) || has(kind::LINK) {
        group(cx, &header, on_link).await
    } else if has(kind::DATATYPE) {
        committed_datatype(cx, &header).await
    } else {
        let problem = Problem::malformed("no message says whether it is a group, a dataset or a datatype");
        Err(problem.at("object header", address))
    }
}

async fn group(cx: &Context<'_>, header: &Header, on_link: OnLink<'_>) -> Result<Found, Error> {
    let (links, attributes) =
        futures::join!(links::read(cx, header, on_link), attributes::read(cx, header, Wanted::All));
    let Attributes { found, mut errors } = attributes;
    let Links { found: links, creation_order } = match links {
        Ok(links) => links,
        Err(error) => {
            errors.push((None, error));
            Links { found: Vec::new(), creation_order: false }
        }
    };
    let object = Object::Group(Group {
        path: String::new(),
        aliases: Vec::new(),
        address: header.address,
        links,
        creation_order,
        attributes: found,
    });
    Ok(Found { object, errors })
}

async fn committed_datatype(cx: &Context<'_>, header: &Header) -> Result<Found, Error> {
    let attributes = attributes::read(cx, header, Wanted::All).await;
    let mut datatype = element_type(cx, header).await?;
    datatype.committed = Some(header.address);
    let object = Object::Datatype(CommittedDatatype {
        path: String::new(),
        aliases: Vec::new(),
        address: header.address,
        datatype,
        attributes: attributes.found,
    });
    Ok(Found { object, errors: attributes.errors })
}

async fn dataset(cx: &Context<'_>, header: &Header, wanted: bool) -> Result<Found, Error> {
    let near = if wanted { Wanted::All } else { Wanted::Near };
    let (storage, attributes) =
        futures::join!(storage(cx, header, wanted), attributes::read(cx, header, near));
    let Storage { space, datatype, layout, filters, fill, index_error } = storage?;
    let mut errors = attributes.errors;
    errors.extend(index_error.map(|error| (None, error)));
    let object = Object::Dataset(Box::new(Dataset {
        path: String::new(),
        aliases: Vec::new(),
        address: header.address,
        space,
        datatype,
        layout,
        filters,
        fill,
        attributes: attributes.found,
    }));
    Ok(Found { object, errors })
}

/// What a dataset is without its attributes.
struct Storage {
    space: Dataspace,
    datatype: Datatype,
    layout: Layout,
    filters: Vec<Filter>,
    fill: FillValue,
    /// Why the chunk index could not be read.
    index_error: Option<Error>,
}

async fn storage(cx: &Context<'_>, header: &Header, wanted: bool) -> Result<Storage, Error> {
    let (space, datatype, fill, filters) = futures::future::try_join4(
        extent(cx, header),
        element_type(cx, header),
        fill_value(cx, header),
        filter_pipeline(cx, header),
    )
    .await?;
    check_fill(&fill, &datatype, header)?;
    let mut storage = Storage {
        space,
        datatype,
        layout: Layout::Compact { bytes: Bytes::new() },
        filters,
        fill,
        index_error: None,
    };
    storage.layout = layout(cx, header, &mut storage, wanted).await?;
    Ok(storage)
}

/// The body of the first message of a kind, wherever it is, and where it is named.
async fn message(
    cx: &Context<'_>,
    header: &Header,
    kind: u16,
) -> Result<Option<(header::Resolved, u64)>, Error> {
    let Some(message) = header.first(kind) else { return Ok(None) };
    let resolved = header::resolve(cx, kind, message.shared, &message.body, message.address).await?;
    Ok(Some((resolved, message.address)))
}

fn missing(structure: &'static str, header: &Header) -> Error {
    Problem::malformed("the object header has none").at(structure, header.address)
}

async fn extent(cx: &Context<'_>, header: &Header) -> Result<Dataspace, Error> {
    let (found, address) =
        message(cx, header, kind::DATASPACE).await?.ok_or_else(|| missing(DATASPACE, header))?;
    let space = dataspace::parse(&found.body, cx.sizes).map_err(|problem| problem.at(DATASPACE, address))?;
    cx.saw(DATASPACE, address, &space);
    Ok(space)
}

async fn element_type(cx: &Context<'_>, header: &Header) -> Result<Datatype, Error> {
    let (found, address) =
        message(cx, header, kind::DATATYPE).await?.ok_or_else(|| missing(DATATYPE, header))?;
    let mut datatype = datatype::parse(&found.body).map_err(|problem| problem.at(DATATYPE, address))?;
    datatype.committed = found.committed;
    cx.saw(DATATYPE, address, &datatype);
    Ok(datatype)
}

async fn fill_value(cx: &Context<'_>, header: &Header) -> Result<FillValue, Error> {
    let parsed = match message(cx, header, kind::FILL_VALUE).await? {
        Some((found, address)) => Some((fill::parse(&found.body), address)),
        None => message(cx, header, kind::FILL_VALUE_OLD)
            .await?
            .map(|(found, address)| (fill::parse_old(&found.body), address)),
    };
    let Some((fill, address)) = parsed else { return Ok(fill::ABSENT) };
    let fill = fill.map_err(|problem| problem.at(FILL, address))?;
    cx.saw(FILL, address, &fill);
    Ok(fill)
}

/// A fill value is one element.
fn check_fill(fill: &FillValue, datatype: &Datatype, header: &Header) -> Result<(), Error> {
    let Fill::User(bytes) = &fill.value else { return Ok(()) };
    if u64::try_from(bytes.len()).ok() == Some(datatype.size) {
        return Ok(());
    }
    let problem = Problem::malformed(format!(
        "fill value has {} bytes but an element has {}",
        bytes.len(),
        datatype.size
    ));
    Err(problem.at(FILL, header.address))
}

async fn filter_pipeline(cx: &Context<'_>, header: &Header) -> Result<Vec<Filter>, Error> {
    let Some((found, address)) = message(cx, header, kind::FILTERS).await? else { return Ok(Vec::new()) };
    let filters = filter::parse(&found.body).map_err(|problem| problem.at(FILTERS, address))?;
    cx.saw(FILTERS, address, &filters);
    Ok(filters)
}

async fn layout(
    cx: &Context<'_>,
    header: &Header,
    storage: &mut Storage,
    wanted: bool,
) -> Result<Layout, Error> {
    let (found, address) = message(cx, header, kind::LAYOUT).await?.ok_or_else(|| missing(LAYOUT, header))?;
    let at = |problem: Problem| problem.at(LAYOUT, address);
    let parsed = DataLayout::parse(&found.body, cx.sizes).map_err(at)?;
    cx.saw(LAYOUT, address, &parsed);
    let length = storage.space.element_count().and_then(|count| count.checked_mul(storage.datatype.size));
    let length =
        length.ok_or_else(|| at(Problem::malformed("the elements take more than 64 bits can count")))?;
    match parsed {
        DataLayout::Compact { bytes } => {
            let len = usize::try_from(length).ok().filter(|len| *len <= bytes.len());
            let bytes =
                len.and_then(|len| bytes.get(..len)).ok_or_else(|| at(too_short(length, bytes.len())))?;
            Ok(Layout::Compact { bytes: found.body.slice_ref(bytes) })
        }
        DataLayout::Contiguous { address: data, length: stored } => match external(cx, header).await? {
            Some(segments) => Ok(Layout::External { segments }),
            None => {
                contiguous(cx, data, stored, length).map_err(at).map(|range| Layout::Contiguous { range })
            }
        },
        DataLayout::Chunked(chunked) => chunked_layout(cx, &chunked, storage, wanted, address).await,
        DataLayout::Virtual { collection: None, .. } => Ok(Layout::Virtual { mappings: Vec::new() }),
        DataLayout::Virtual { collection: Some(collection), index } => {
            let block = values::objects(cx, &[GlobalHeapId { collection, index }]).await?;
            let block = block.first().map(AsRef::as_ref).unwrap_or_default();
            let body = cx.verified(VIRTUAL, collection, block)?;
            let mappings = virtual_dataset::mappings(body, cx.sizes)
                .map_err(|problem| problem.at(VIRTUAL, collection))?;
            cx.saw(VIRTUAL, collection, &mappings);
            Ok(Layout::Virtual { mappings })
        }
    }
}

fn too_short(needed: u64, available: usize) -> Problem {
    Problem::Truncated { needed, available: widen(available) }
}

/// The bytes of contiguous storage, which must all be in the file.
fn contiguous(
    cx: &Context<'_>,
    address: Option<u64>,
    stored: Option<u64>,
    length: u64,
) -> Result<Option<ByteRange>, Problem> {
    let Some(address) = address.filter(|_| length > 0) else { return Ok(None) };
    if let Some(stored) = stored.filter(|stored| *stored < length) {
        return Err(Problem::malformed(format!("storage has {stored} bytes but the elements take {length}")));
    }
    let range = ByteRange::new(address, length);
    match address.checked_add(length) {
        Some(end) if end <= cx.blocks.size() => Ok(Some(range)),
        _ => Err(Problem::Truncated { needed: range.end(), available: cx.blocks.size() }),
    }
}

/// The external files of a dataset, if it has any.
async fn external(cx: &Context<'_>, header: &Header) -> Result<Option<Vec<ExternalSegment>>, Error> {
    let Some((found, address)) = message(cx, header, kind::EXTERNAL_FILES).await? else { return Ok(None) };
    let at = |problem: Problem| problem.at(EXTERNAL, address);
    let list = ExternalFileList::parse(&found.body, cx.sizes).map_err(at)?;
    cx.saw(EXTERNAL, address, &list);
    let names = links::local_heap(cx, list.heap).await?;
    list.segments(&names).map(Some).map_err(at)
}

async fn chunked_layout(
    cx: &Context<'_>,
    chunked: &ChunkedStorage,
    storage: &mut Storage,
    wanted: bool,
    address: u64,
) -> Result<Layout, Error> {
    let at = |problem: Problem| problem.at(LAYOUT, address);
    let Dataspace::Simple { shape, max_shape } = &storage.space else {
        return Err(at(Problem::malformed("chunked storage of a dataset without dimensions")));
    };
    if chunked.chunk_shape.len() != shape.len() {
        return Err(at(Problem::malformed(format!(
            "chunks have {} dimensions but the dataset has {}",
            chunked.chunk_shape.len(),
            shape.len()
        ))));
    }
    let table = if wanted {
        match chunks::read(cx, chunked, shape, max_shape, !storage.filters.is_empty()).await {
            Ok(table) => Some(table),
            Err(error) => {
                storage.index_error = Some(error);
                None
            }
        }
    } else {
        None
    };
    Ok(Layout::Chunked(ChunkedLayout {
        chunk_shape: chunked.chunk_shape.clone(),
        index: index_kind(chunked.index),
        unfiltered_partial_edge_chunks: chunked.unfiltered_partial_edge_chunks,
        chunks: table,
    }))
}

fn index_kind(index: ChunkIndexing) -> ChunkIndexKind {
    match index {
        ChunkIndexing::BTree1 => ChunkIndexKind::BTree1,
        ChunkIndexing::Single { .. } => ChunkIndexKind::Single,
        ChunkIndexing::Implicit => ChunkIndexKind::Implicit,
        ChunkIndexing::FixedArray { .. } => ChunkIndexKind::FixedArray,
        ChunkIndexing::ExtensibleArray { .. } => ChunkIndexKind::ExtensibleArray,
        ChunkIndexing::BTree2 { .. } => ChunkIndexKind::BTree2,
    }
}
