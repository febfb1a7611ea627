//! Reading version 2 B-trees, level by level.

use std::collections::HashSet;
use std::slice::ChunksExact;
use std::vec;

use bytes::Bytes;

use super::{Context, pause};
use crate::error::{Error, Problem};
use crate::format::btree2::{self, Child};
use crate::range::ByteRange;

const HEADER: &str = "version 2 B-tree header";
const NODE: &str = "version 2 B-tree node";

/// All records of a tree, in the order of their keys.
pub(crate) struct Records {
    /// What the records are.
    pub(crate) record_type: u8,
    /// Bytes of a record.
    pub(crate) record_len: usize,
    /// Records that lie one after another.
    runs: Vec<Bytes>,
}

impl Records {
    /// The records.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.runs().flatten()
    }

    /// The records, in pieces that are never longer than a node.
    pub(crate) fn runs(&self) -> impl Iterator<Item = ChunksExact<'_, u8>> {
        self.runs.iter().map(|run| run.chunks_exact(self.record_len))
    }

    /// Appends the records of a subtree: those of its root lie between those of its children.
    ///
    /// `levels` are the records of the nodes that are not appended yet, from the level of the root down.
    fn append(&mut self, levels: &mut [vec::IntoIter<Bytes>]) {
        let Some((own, below)) = levels.split_first_mut() else { return };
        let Some(mut run) = own.next() else { return };
        if below.is_empty() {
            self.runs.push(run);
            return;
        }
        self.append(below);
        while run.len() >= self.record_len {
            self.runs.push(run.split_to(self.record_len));
            self.append(below);
        }
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
    let mut levels = Vec::new();
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
        let mut runs = Vec::with_capacity(blocks.len());
        for (turn, (node, block)) in nodes.iter().zip(&blocks).enumerate() {
            pause(turn).await;
            let body = cx.verified(NODE, node.address, block)?;
            let (run, children) = btree2::node(&header, body, level, node.count, sizes)
                .map_err(|problem| problem.at(NODE, node.address))?;
            let count = node.count;
            cx.saw(
                NODE,
                node.address,
                &format_args!("level: {level}, records: {count}, children: {children:?}"),
            );
            found = found.saturating_add(node.count);
            runs.push(block.slice_ref(run));
            below.extend(children);
        }
        levels.push(runs.into_iter());
        nodes = below;
    }
    if found != header.record_count {
        return Err(at(Problem::malformed(format!(
            "{found} records were found but the header says {}",
            header.record_count
        ))));
    }
    records.append(&mut levels);
    Ok(records)
}
