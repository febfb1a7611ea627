//! Following addresses from structure to structure. Only here is anything awaited.
//!
//! Everything that can go on at once does: a level of a tree, the blocks of a heap, the children of a group are read
//! together, so the number of rounds is the length of the longest chain of addresses and not their number.

pub(crate) mod blocks;
pub(crate) mod chunks;
pub(crate) mod sohm;

use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Problem};
use crate::format::checksum;
use crate::format::cursor::Sizes;
use crate::reader::Options;
use blocks::Blocks;

/// What every part of a walk needs to know about the file.
pub(crate) struct Context<'a> {
    /// The bytes.
    pub(crate) blocks: &'a Blocks,
    /// How addresses and lengths are stored.
    pub(crate) sizes: Sizes,
    /// Half the children of a version 1 B-tree node of a chunk index: 32 unless the superblock (version 1) or the
    /// B-tree 'K' values message says otherwise.
    pub(crate) indexed_storage_k: u16,
    /// Messages that objects share.
    pub(crate) shared_messages: sohm::SharedMessages,
    /// What the caller wants.
    pub(crate) options: &'a Options,
    seen: Mutex<Vec<Seen>>,
    lenient: Mutex<Vec<Error>>,
}

/// A structure that was parsed, for the dump.
pub(crate) struct Seen {
    /// Absolute address.
    pub(crate) address: u64,
    /// Name of the structure in the specification.
    pub(crate) structure: &'static str,
    /// Its fields.
    pub(crate) fields: String,
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
                self.lenient.lock().unwrap_or_else(PoisonError::into_inner).push(problem.at(structure, address));
                Ok(bytes.split_last_chunk::<{ checksum::CHECKSUM_LEN }>().map_or(bytes, |(body, _)| body))
            }
            result => result.map_err(|problem| problem.at(structure, address)),
        }
    }

    /// Notes a parsed structure for the dump, if there is to be one.
    pub(crate) fn saw(&self, structure: &'static str, address: u64, fields: &impl Debug) {
        if self.options.dump {
            let fields = format!("{fields:#?}");
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(Seen { address, structure, fields });
        }
    }
}
