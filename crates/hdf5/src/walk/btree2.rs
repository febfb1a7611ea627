//! Reading version 2 B-trees, level by level.

use std::collections::HashSet;

use bytes::Bytes;

use super::Context;
use crate::error::{Error, Problem};
use crate::format::btree2::{self, Child};
use crate::range::ByteRange;

const HEADER: &str = "version 2 B-tree header";
const NODE: &str = "version 2 B-tree node";

/// All records of a tree. Their order is not that of their keys: those of inner nodes come first.
pub(crate) struct Records {
    /// What the records are.
    pub(crate) record_type: u8,
    /// Bytes of a record.
    pub(crate) record_len: usize,
    /// The records of each node, one after another.
    runs: Vec<Bytes>,
}

impl Records {
    /// The records.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.runs.iter().flat_map(|run| run.chunks_exact(self.record_len))
    }
}

/// Reads every record of the tree whose header is at `address`.
///
/// # Errors
///
/// Whatever is wrong with any node; [`Problem::Malformed`] if the records are not of one of the types `expected`, or
/// not as many as the header says.
pub(crate) async fn records(cx: &Context<'_>, address: u64, expected: &[u8]) -> Result<Records, Error> {
    let sizes = cx.sizes;
    let range = ByteRange::new(address, btree2::header_len(sizes));
    let bytes = cx.blocks.read(HEADER, range).await?;
    let at = |problem: Problem| problem.at(HEADER, address);
    let header = btree2::Header::parse(cx.verified(HEADER, address, &bytes)?, sizes).map_err(at)?;
    cx.saw(HEADER, address, &header);
    if !expected.contains(&header.record_type) {
        return Err(at(Problem::malformed(format!(
            "record type is {} but must be one of {expected:?}",
            header.record_type
        ))));
    }
    let mut records = Records {
        record_type: header.record_type,
        record_len: usize::from(header.record_len),
        runs: Vec::new(),
    };
    let mut nodes: Vec<Child> = header.root.into_iter().filter(|_| header.record_count > 0).collect();
    let mut seen = HashSet::new();
    let mut found = 0u64;
    for level in (0..=header.depth).rev() {
        let mut ranges = Vec::new();
        for node in &nodes {
            if !seen.insert(node.address) {
                return Err(at(Problem::malformed(format!("node at byte {} comes twice", node.address))));
            }
            let len = btree2::node_len(&header, level, node.count, sizes)
                .map_err(|problem| problem.at(NODE, node.address))?;
            ranges.push(ByteRange::new(node.address, len));
        }
        let blocks = cx.blocks.read_many(NODE, &ranges).await?;
        let mut below = Vec::new();
        for (node, block) in nodes.iter().zip(&blocks) {
            let body = cx.verified(NODE, node.address, block)?;
            let (run, children) = btree2::node(&header, body, level, node.count, sizes)
                .map_err(|problem| problem.at(NODE, node.address))?;
            cx.saw(NODE, node.address, &(level, node.count, &children));
            found = found.saturating_add(node.count);
            records.runs.push(block.slice_ref(run));
            below.extend(children);
        }
        nodes = below;
    }
    if found != header.record_count {
        return Err(at(Problem::malformed(format!(
            "{found} records were found but the header says {}",
            header.record_count
        ))));
    }
    Ok(records)
}
