//! Following addresses from structure to structure. Only here is anything awaited.
//!
//! Everything that can go on at once does: a level of a tree, the blocks of a heap, the children of a group are read
//! together, so the number of rounds is the length of the longest chain of addresses and not their number.

mod attributes;
pub(crate) mod blocks;
mod btree2;
mod chunks;
mod fractal_heap;
mod graph;
mod header;
mod links;
mod object;
mod sohm;
mod superblock;
pub(crate) mod values;

use std::collections::HashMap;
use std::fmt::Debug;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use bytes::Bytes;

use crate::dump::Structure;
use crate::error::{Error, Problem};
use crate::format::checksum;
use crate::format::cursor::Sizes;
use crate::model::{File, ObjectError, Superblock};
use crate::reader::Options;
use crate::trace::Trace;
use blocks::Blocks;
use graph::Graph;

pub(crate) use superblock::open;

/// Reads all metadata of a file.
///
/// # Errors
///
/// Whatever is wrong with the superblock or its extension. What is wrong with a single object is in [`File::errors`].
pub(crate) async fn file(blocks: &Blocks, options: &Options, memory: &Memory) -> Result<File, Error> {
    let cx = open(blocks, options, memory).await?;
    let Graph { objects, mut errors } = graph::read(&cx).await;
    // A wrong checksum that was accepted belongs to a structure, not to one object.
    let accepted = memory.take_accepted().into_iter();
    errors.extend(accepted.map(|error| ObjectError { path: String::new(), attribute: None, error }));
    Ok(File {
        superblock: cx.superblock,
        size: blocks.size(),
        etag: None,
        last_modified: None,
        root: cx.root,
        objects,
        errors,
        structures: memory.take_seen(),
        trace: Trace::default(),
    })
}

/// What every part of a walk needs to know about the file.
pub(crate) struct Context<'a> {
    /// The bytes.
    pub(crate) blocks: &'a Blocks,
    /// What the caller wants.
    pub(crate) options: &'a Options,
    /// How addresses and lengths are stored.
    pub(crate) sizes: Sizes,
    /// What the superblock says, for the model.
    pub(crate) superblock: Superblock,
    /// Object header of the root group.
    pub(crate) root: u64,
    /// Half the entries of a full symbol table node.
    pub(crate) group_leaf_k: u16,
    /// Half the children of a full group B-tree node.
    pub(crate) group_internal_k: u16,
    /// Half the children of a full chunk B-tree node.
    pub(crate) indexed_storage_k: u16,
    /// The messages that objects share.
    pub(crate) shared_messages: sohm::SharedMessages,
    /// What was found on the way.
    pub(crate) memory: &'a Memory,
}

/// What is found on the way and is needed again.
#[derive(Default)]
pub(crate) struct Memory {
    /// Parsed structures, for the dump.
    seen: Mutex<Vec<Structure>>,
    /// Wrong checksums that a lenient reader accepted.
    accepted: Mutex<Vec<Error>>,
    /// Messages of committed datatypes, by kind and object header.
    committed: Mutex<HashMap<(u16, u64), Bytes>>,
    /// Global heap collections by address.
    collections: Mutex<HashMap<u64, Arc<Collection>>>,
}

/// The objects of a global heap collection by index.
pub(crate) type Collection = HashMap<u16, Bytes>;

impl Memory {
    /// Every structure that was parsed, by address.
    fn take_seen(&self) -> Vec<Structure> {
        let mut seen = std::mem::take(&mut *lock(&self.seen));
        seen.sort();
        seen.dedup();
        seen
    }

    /// The wrong checksums that were accepted, by address.
    fn take_accepted(&self) -> Vec<Error> {
        let mut accepted = std::mem::take(&mut *lock(&self.accepted));
        accepted.sort_by_key(|error| error.address);
        accepted.dedup_by_key(|error| error.address);
        accepted
    }
}

impl Context<'_> {
    /// Takes the checksum off `bytes`, the whole of a `structure`, and verifies it.
    ///
    /// # Errors
    ///
    /// [`Problem::Checksum`] if it differs; a lenient reader notes the error and goes on.
    pub(crate) fn verified<'b>(
        &self,
        structure: &'static str,
        address: u64,
        bytes: &'b [u8],
    ) -> Result<&'b [u8], Error> {
        match checksum::verified(bytes) {
            Err(problem @ Problem::Checksum { .. }) if self.options.lenient => {
                lock(&self.memory.accepted).push(problem.at(structure, address));
                Ok(bytes.split_last_chunk::<{ checksum::CHECKSUM_LEN }>().map_or(bytes, |(body, _)| body))
            }
            result => result.map_err(|problem| problem.at(structure, address)),
        }
    }

    /// Notes a parsed structure for the dump, if there is to be one.
    pub(crate) fn saw(&self, structure: &'static str, address: u64, fields: &impl Debug) {
        if self.options.dump {
            let fields = format!("{fields:?}");
            lock(&self.memory.seen).push(Structure { address, name: structure, fields });
        }
    }

    /// The message of a committed datatype, if it was read before.
    pub(crate) fn committed(&self, kind: u16, address: u64) -> Option<Bytes> {
        lock(&self.memory.committed).get(&(kind, address)).cloned()
    }

    /// Keeps the message of a committed datatype.
    pub(crate) fn remember_committed(&self, kind: u16, address: u64, body: &Bytes) {
        lock(&self.memory.committed).insert((kind, address), body.clone());
    }

    /// A global heap collection, if it was read before.
    pub(crate) fn collection(&self, address: u64) -> Option<Arc<Collection>> {
        lock(&self.memory.collections).get(&address).cloned()
    }

    /// Keeps a global heap collection.
    pub(crate) fn remember_collection(&self, address: u64, collection: Collection) -> Arc<Collection> {
        Arc::clone(lock(&self.memory.collections).entry(address).or_insert_with(|| Arc::new(collection)))
    }
}

/// Nodes, or blocks of about their size, that are parsed before others may run: less than a millisecond of work.
const NODES_PER_TURN: usize = 128;

/// Lets others run before every [`NODES_PER_TURN`]th node, so that a million chunks do not block a runtime.
pub(crate) async fn pause(node: usize) {
    let mut paused = node == 0 || !node.is_multiple_of(NODES_PER_TURN);
    poll_fn(|cx| {
        if std::mem::replace(&mut paused, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Locks what is consistent between any two statements, so a panic elsewhere does not spoil it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn many_nodes_are_parsed_in_many_turns() {
        let mut walk = pin!(async {
            for node in 0..10 * NODES_PER_TURN {
                pause(node).await;
            }
        });
        let mut cx = Context::from_waker(Waker::noop());
        let mut turns = 1;
        while walk.as_mut().poll(&mut cx).is_pending() {
            turns += 1;
        }
        assert_eq!(turns, 10);
    }
}
