//! Reading the links of a group: in its header, in a heap, or in an old-style symbol table.

use std::collections::HashSet;

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt as _, Shared, try_join, try_join_all};

use super::fractal_heap::FractalHeap;
use super::header::{self, Header};
use super::{Context, btree2};
use crate::error::{Error, Problem};
use crate::format::cursor::widen;
use crate::format::group::{self, Cache, GroupNode, SymbolTable, SymbolTableEntry};
use crate::format::link::{self, LinkInfo};
use crate::format::object_header::kind;
use crate::format::text;
use crate::limits::{BTREE_LEVELS_MAX, HINT_LEN_MAX, LINKS_MAX};
use crate::model::{Link, LinkTarget};
use crate::range::ByteRange;

const LINK: &str = "link message";
const LINK_INFO: &str = "link info message";
const SYMBOL_TABLE: &str = "symbol table message";
const NODE: &str = "version 1 B-tree node";
const SYMBOL_NODE: &str = "symbol table node";
const LOCAL_HEAP: &str = "local heap";
const NAMES: &str = "local heap data segment";

/// B-tree record type of the index of link names.
const NAME_RECORD: [u8; 1] = [5];

/// The links of a group.
pub(crate) struct Links {
    /// In creation order where the group tracks it, else by name.
    pub(crate) found: Vec<Link>,
    /// Whether they are in creation order.
    pub(crate) creation_order: bool,
}

/// Told of each link as soon as it is known, so that what it leads to is read while others are still missing.
pub(crate) type OnLink<'a> = &'a (dyn Fn(&Link) + Sync);

/// Reads every link of the group with that header.
///
/// # Errors
///
/// Whatever is wrong with any structure that holds links: a group is listed whole or not at all.
pub(crate) async fn read(cx: &Context<'_>, header: &Header, on_link: OnLink<'_>) -> Result<Links, Error> {
    let (mut found, creation_order) = match header.first(kind::SYMBOL_TABLE) {
        Some(message) => {
            let table = SymbolTable::parse(&message.body, cx.sizes)
                .map_err(|problem| problem.at(SYMBOL_TABLE, message.address))?;
            cx.saw(SYMBOL_TABLE, message.address, &table);
            (old_style(cx, table, message.address, on_link).await?, false)
        }
        None => new_style(cx, header, on_link).await?,
    };
    if found.len() > LINKS_MAX {
        let problem = Problem::Limit {
            what: "the number of links",
            limit: widen(LINKS_MAX),
            found: widen(found.len()),
        };
        return Err(problem.at("group", header.address));
    }
    if creation_order {
        found.sort_by_key(|link| link.creation_order);
    } else {
        found.sort_by(|a, b| a.name.cmp(&b.name));
    }
    Ok(Links { found, creation_order })
}

async fn new_style(
    cx: &Context<'_>,
    header: &Header,
    on_link: OnLink<'_>,
) -> Result<(Vec<Link>, bool), Error> {
    let compact = try_join_all(header.all(kind::LINK).map(|message| async {
        let resolved =
            header::resolve(cx, kind::LINK, message.shared, &message.body, message.address).await?;
        parse(cx, &resolved.body, message.address, on_link)
    }));
    let info = match header.first(kind::LINK_INFO) {
        Some(message) => {
            let info = LinkInfo::parse(&message.body, cx.sizes)
                .map_err(|problem| problem.at(LINK_INFO, message.address))?;
            cx.saw(LINK_INFO, message.address, &info);
            Some(info)
        }
        None => None,
    };
    let (mut links, dense) = try_join(compact, dense(cx, info, header.address, on_link)).await?;
    links.extend(dense);
    let tracked = info.is_some_and(|info| info.creation_order_tracked);
    Ok((links, tracked))
}

fn parse(cx: &Context<'_>, body: &[u8], address: u64, on_link: OnLink<'_>) -> Result<Link, Error> {
    let link = link::parse(body, cx.sizes).map_err(|problem| problem.at(LINK, address))?;
    cx.saw(LINK, address, &link);
    on_link(&link);
    Ok(link)
}

async fn dense(
    cx: &Context<'_>,
    info: Option<LinkInfo>,
    address: u64,
    on_link: OnLink<'_>,
) -> Result<Vec<Link>, Error> {
    let Some((heap, index)) = info.and_then(|info| info.heap.zip(info.name_index)) else {
        return Ok(Vec::new());
    };
    let (heap, records) =
        try_join(FractalHeap::load(cx, heap), btree2::records(cx, index, &NAME_RECORD)).await?;
    let ids = records
        .iter()
        .map(|record| {
            link::name_record(record).map_err(|problem| problem.at("version 2 B-tree record", index))
        })
        .collect::<Result<Vec<_>, _>>()?;
    try_join_all(ids.iter().map(|id| async { parse(cx, &heap.object(cx, id).await?, address, on_link) }))
        .await
}

/// Bytes behind the B-tree of a group that are asked for with it. Most writers put the first symbol table node there.
const READ_AHEAD: u64 = 4 << 10;

/// Asks for the first structures of a symbol table that will be needed soon.
pub(crate) fn hint(cx: &Context<'_>, table: SymbolTable) {
    let node_len = GroupNode::len(cx.group_internal_k, cx.sizes);
    if node_len > HINT_LEN_MAX {
        return;
    }
    let ranges = [
        table.btree.map(|address| cx.blocks.up_to(address, node_len.saturating_add(READ_AHEAD))),
        table.heap.map(|address| ByteRange::new(address, group::local_heap_len(cx.sizes))),
    ];
    cx.blocks.hint(&ranges.into_iter().flatten().collect::<Vec<_>>());
}

async fn old_style(
    cx: &Context<'_>,
    table: SymbolTable,
    address: u64,
    on_link: OnLink<'_>,
) -> Result<Vec<Link>, Error> {
    let (Some(btree), Some(heap)) = (table.btree, table.heap) else {
        let problem = Problem::malformed("symbol table at the undefined address");
        return Err(problem.at(SYMBOL_TABLE, address));
    };
    hint(cx, table);
    let names = Names { heap, segment: local_heap(cx, heap).boxed().shared() };
    let (links, _) = try_join(tree(cx, btree, &names, on_link), names.segment.clone()).await?;
    Ok(links)
}

/// The names of an old-style group, which may still be on their way.
struct Names<'a> {
    /// Where the local heap is.
    heap: u64,
    /// Its data segment.
    segment: Shared<BoxFuture<'a, Result<Bytes, Error>>>,
}

/// The data segment of the local heap whose header is at `address`.
///
/// # Errors
///
/// Whatever is wrong with the heap.
pub(crate) async fn local_heap(cx: &Context<'_>, address: u64) -> Result<Bytes, Error> {
    let range = ByteRange::new(address, group::local_heap_len(cx.sizes));
    let header = cx.blocks.read(LOCAL_HEAP, range).await?;
    let segment = group::local_heap(&header, cx.sizes).map_err(|problem| problem.at(LOCAL_HEAP, address))?;
    cx.saw(LOCAL_HEAP, address, &segment);
    cx.blocks.read(NAMES, segment).await
}

/// The links of all symbol table nodes below a B-tree.
async fn tree(
    cx: &Context<'_>,
    root: u64,
    names: &Names<'_>,
    on_link: OnLink<'_>,
) -> Result<Vec<Link>, Error> {
    let node_len = GroupNode::len(cx.group_internal_k, cx.sizes);
    let mut seen = HashSet::new();
    let mut nodes = vec![root];
    let mut expected_level = None;
    for _ in 0..=BTREE_LEVELS_MAX {
        let ranges = node_ranges(cx, NODE, &nodes, node_len, &mut seen)?;
        let blocks = cx.blocks.read_many(NODE, &ranges).await?;
        let mut children = Vec::new();
        let mut level = None;
        for (address, block) in nodes.iter().zip(&blocks) {
            let at = |problem: Problem| problem.at(NODE, *address);
            let node = GroupNode::parse(block, cx.sizes).map_err(at)?;
            cx.saw(NODE, *address, &node);
            if expected_level.is_some_and(|expected| expected != node.level)
                || level.is_some_and(|level| level != node.level)
            {
                return Err(at(Problem::malformed(format!("level {} does not fall by one", node.level))));
            }
            level = Some(node.level);
            children.extend(node.children);
        }
        let Some(next) = level.and_then(|level| level.checked_sub(1)) else {
            return symbol_nodes(cx, &children, &mut seen, names, on_link).await;
        };
        expected_level = Some(next);
        nodes = children;
    }
    let limit = widen(BTREE_LEVELS_MAX);
    Err(Problem::Limit { what: "the depth", limit, found: limit.saturating_add(1) }.at(NODE, root))
}

async fn symbol_nodes(
    cx: &Context<'_>,
    addresses: &[u64],
    seen: &mut HashSet<u64>,
    names: &Names<'_>,
    on_link: OnLink<'_>,
) -> Result<Vec<Link>, Error> {
    let node_len = group::symbol_node_len(cx.group_leaf_k, cx.sizes);
    let ranges = node_ranges(cx, SYMBOL_NODE, addresses, node_len, seen)?;
    // One by one, so that what a node points at is read although others are still missing.
    let nodes = ranges.into_iter().map(|range| async move {
        let block = cx.blocks.read(SYMBOL_NODE, range).await?;
        let entries =
            group::symbol_node(&block, cx.sizes).map_err(|problem| problem.at(SYMBOL_NODE, range.offset))?;
        cx.saw(SYMBOL_NODE, range.offset, &entries);
        for entry in &entries {
            if let Cache::Group(table) = entry.cache {
                hint(cx, table);
            }
            if let Some(address) = entry.address {
                header::hint(cx, address);
            }
        }
        let segment = names.segment.clone().await?;
        let links =
            entries.iter().map(|entry| link(cx, entry, &segment, names.heap).inspect(|link| on_link(link)));
        links.collect::<Result<Vec<_>, Error>>()
    });
    Ok(try_join_all(nodes).await?.concat())
}

/// Where nodes of equal length are. The last one of a file may be cut off behind its last entry.
fn node_ranges(
    cx: &Context<'_>,
    structure: &'static str,
    addresses: &[u64],
    len: u64,
    seen: &mut HashSet<u64>,
) -> Result<Vec<ByteRange>, Error> {
    let range = |address: &u64| {
        if !seen.insert(*address) {
            return Err(Problem::malformed("node comes twice").at(structure, *address));
        }
        Ok(cx.blocks.up_to(*address, len))
    };
    addresses.iter().map(range).collect()
}

fn link(cx: &Context<'_>, entry: &SymbolTableEntry, names: &Bytes, heap: u64) -> Result<Link, Error> {
    let text = |offset| {
        group::local_heap_name(names, offset).map(text::name).map_err(|problem| problem.at(LOCAL_HEAP, heap))
    };
    let target = match (entry.cache, entry.address) {
        (Cache::SoftLink { value_offset }, _) => LinkTarget::Soft { path: text(u64::from(value_offset))? },
        (_, Some(address)) => LinkTarget::Hard { address },
        (_, None) => {
            let problem = Problem::malformed("entry at the undefined address");
            return Err(problem.at(SYMBOL_NODE, cx.sizes.base()));
        }
    };
    Ok(Link { name: text(entry.name_offset)?, creation_order: None, target })
}
