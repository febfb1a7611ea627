//! zarrs' storage traits.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::ops::Bound;

use futures::{StreamExt, TryStreamExt, stream};
use rangefold_array::{ByteRange, ChunkKey};
use rangefold_refs::{ManifestArray, NodePath, Reference};
use zarrs::storage::byte_range::{ByteRange as ZarrByteRange, ByteRangeIterator};
use zarrs::storage::{
    AsyncListableStorageTraits, AsyncMaybeBytesIterator, AsyncReadableStorageTraits, MaybeBytes,
    StorageError, StoreKey, StoreKeys, StoreKeysPrefixes, StorePrefix,
};

use super::metadata;
use crate::ReferenceStore;

/// Name of a node's metadata.
const METADATA: &str = "zarr.json";

fn failed(error: &(dyn Error + 'static)) -> StorageError {
    StorageError::Other(rangefold_array::chain(error))
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}

impl ReferenceStore {
    /// What a key stands for; metadata are an inline reference to their text.
    fn entry(&self, key: &StoreKey) -> Result<Option<Reference>, StorageError> {
        let (path, name) = key.as_str().rsplit_once('/').unwrap_or(("", key.as_str()));
        if name == METADATA {
            let text =
                self.node(path).map_err(|problem| StorageError::InvalidMetadata(key.clone(), problem))?;
            return Ok(text.map(|text| Reference::Inline(text.into())));
        }
        let Some(array) = self.references().arrays.get(path) else { return Ok(None) };
        let grid = &array.meta.grid;
        let Ok(chunk) = ChunkKey::parse(name, grid.rank(), '.') else { return Ok(None) };
        let Some(number) = grid.number(chunk.index()) else { return Ok(None) };
        match array.manifest.get(number) {
            None if !metadata::absent_is_defined(&array.meta) => {
                Err(StorageError::Other(format!("chunk {key} is absent and its array has no fill value")))
            }
            reference => Ok(reference),
        }
    }

    /// The `zarr.json` of the node at `path`; `None` if there is no such node.
    fn node(&self, path: &str) -> Result<Option<String>, String> {
        let set = self.references();
        if let Some(array) = set.arrays.get(path) {
            return metadata::array(array).map(Some);
        }
        if let Some(reason) = set.unreadable.get(path) {
            return Err(reason.to_string());
        }
        if let Some(group) = set.groups.get(path) {
            return Ok(Some(metadata::group(&group.attributes)));
        }
        // Groups that nobody described are there all the same.
        let implied = path.is_empty() || self.below(path).next().is_some();
        Ok(implied.then(|| metadata::group(&Default::default())))
    }

    /// Paths of all groups and arrays below the group at `path`. What is listed can be opened; an array that zarrs
    /// cannot be told of says why when it is asked for.
    fn below<'a>(&'a self, path: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let set = self.references();
        let start = if path.is_empty() { String::new() } else { format!("{path}/") };
        let groups = starting_with(&set.groups, start.clone()).map(|(node, _)| node);
        let arrays = starting_with(&set.arrays, start).filter(|(_, array)| metadata::array(array).is_ok());
        groups.chain(arrays.map(|(node, _)| node)).filter(|node| !node.is_empty())
    }

    /// Paths of the nodes under a prefix, the one it stands for included.
    fn nodes_under(&self, prefix: &StorePrefix) -> BTreeSet<&str> {
        let path = prefix.as_str().trim_end_matches('/');
        let mut nodes: BTreeSet<&str> = self.below(path).collect();
        let set = self.references();
        let own = set.arrays.get_key_value(path).map(|(path, _)| path);
        nodes
            .extend(own.or_else(|| set.groups.get_key_value(path).map(|(path, _)| path)).map(String::as_str));
        if path.is_empty() {
            nodes.insert("");
        }
        nodes
    }

    /// Keys of a node: its metadata, and the chunks that are there.
    fn keys_of<'a>(
        &'a self,
        path: &'a str,
    ) -> impl Iterator<Item = Result<StoreKey, StorageError>> + use<'a> {
        let array = self.references().arrays.get(path);
        let chunks = array.into_iter().flat_map(move |array| {
            let names = array.manifest.iter().filter_map(|(number, _)| chunk_name(array, number));
            names.map(move |name| joined(path, &name))
        });
        std::iter::once(joined(path, METADATA)).chain(chunks).map(|key| Ok(StoreKey::new(key)?))
    }
}

/// The nodes whose path starts with `start`.
fn starting_with<T>(nodes: &BTreeMap<NodePath, T>, start: String) -> impl Iterator<Item = (&str, &T)> {
    let from = nodes.range::<str, _>((Bound::Included(start.as_str()), Bound::Unbounded));
    from.map(|(path, node)| (path.as_str(), node)).take_while(move |(path, _)| path.starts_with(&start))
}

fn chunk_name(array: &ManifestArray, number: u64) -> Option<String> {
    Some(ChunkKey::new(array.meta.grid.index(number)?).to_v2('.'))
}

/// The bytes of an entry that `part` asks for.
fn part_of(part: ZarrByteRange, size: u64) -> Option<ByteRange> {
    let (offset, length) = match part {
        ZarrByteRange::FromStart(offset, None) => (offset, size.checked_sub(offset)?),
        ZarrByteRange::FromStart(offset, Some(length)) => (offset, length),
        ZarrByteRange::Suffix(length) => (size.checked_sub(length)?, length),
    };
    ByteRange::new(offset, length).filter(|range| range.end() <= size)
}

/// The reference to a part of what `reference` refers to.
fn narrowed(reference: &Reference, part: ByteRange) -> Option<Reference> {
    Some(match reference {
        Reference::Inline(bytes) => {
            let (start, end) = (usize::try_from(part.offset()).ok()?, usize::try_from(part.end()).ok()?);
            Reference::Inline(if end <= bytes.len() { bytes.slice(start..end) } else { return None })
        }
        Reference::Whole { url } => Reference::Range { url: url.clone(), range: part },
        Reference::Range { url, range } => {
            let offset = range.offset().checked_add(part.offset())?;
            Reference::Range { url: url.clone(), range: ByteRange::new(offset, part.length())? }
        }
    })
}

#[async_trait::async_trait]
impl AsyncReadableStorageTraits for ReferenceStore {
    async fn get(&self, key: &StoreKey) -> Result<MaybeBytes, StorageError> {
        match self.entry(key)? {
            Some(reference) => Ok(Some(ReferenceStore::get(self, &reference).await.map_err(|e| failed(&e))?)),
            None => Ok(None),
        }
    }

    async fn get_partial_many<'a>(
        &'a self,
        key: &StoreKey,
        byte_ranges: ByteRangeIterator<'a>,
    ) -> Result<AsyncMaybeBytesIterator<'a>, StorageError> {
        let Some(reference) = self.entry(key)? else { return Ok(None) };
        let size = self.size(&reference).await.map_err(|error| failed(&error))?;
        let parts = byte_ranges.map(|part| {
            part_of(part, size)
                .and_then(|part| narrowed(&reference, part))
                .ok_or_else(|| StorageError::Other(format!("{key} has {size} bytes, not those of {part}")))
        });
        let parts: Vec<Reference> = parts.collect::<Result<_, _>>()?;
        let bytes = self.fetch(parts).map(|(_, bytes)| bytes.map_err(|error| failed(&error)));
        Ok(Some(bytes.boxed()))
    }

    async fn size_key(&self, key: &StoreKey) -> Result<Option<u64>, StorageError> {
        match self.entry(key)? {
            Some(reference) => Ok(Some(self.size(&reference).await.map_err(|error| failed(&error))?)),
            None => Ok(None),
        }
    }

    fn supports_get_partial(&self) -> bool {
        true
    }
}

#[async_trait::async_trait]
impl AsyncListableStorageTraits for ReferenceStore {
    async fn list(&self) -> Result<StoreKeys, StorageError> {
        self.list_prefix(&StorePrefix::root()).await
    }

    async fn list_prefix(&self, prefix: &StorePrefix) -> Result<StoreKeys, StorageError> {
        let mut keys = self
            .nodes_under(prefix)
            .into_iter()
            .flat_map(|path| self.keys_of(path))
            .collect::<Result<StoreKeys, _>>()?;
        keys.sort();
        Ok(keys)
    }

    async fn list_dir(&self, prefix: &StorePrefix) -> Result<StoreKeysPrefixes, StorageError> {
        let path = prefix.as_str().trim_end_matches('/');
        let skip = if path.is_empty() { 0 } else { path.len() + 1 };
        let below: Vec<&str> = self.below(path).collect();
        let names: BTreeSet<&str> =
            below.iter().filter_map(|node| node.get(skip..)?.split('/').next()).collect();
        let prefixes = names.into_iter().map(|name| StorePrefix::new(format!("{}/", joined(path, name))));
        let set = self.references();
        let there = path.is_empty()
            || !below.is_empty()
            || set.groups.contains_key(path)
            || set.arrays.contains_key(path);
        let mut keys = if there { self.keys_of(path).collect::<Result<StoreKeys, _>>()? } else { Vec::new() };
        keys.sort();
        Ok(StoreKeysPrefixes::new(keys, prefixes.collect::<Result<_, _>>()?))
    }

    async fn size_prefix(&self, prefix: &StorePrefix) -> Result<u64, StorageError> {
        let concurrency = self.shared.options.concurrency.max(1);
        stream::iter(self.list_prefix(prefix).await?)
            .map(|key| async move { self.size_key(&key).await })
            .buffer_unordered(concurrency)
            .try_fold(0_u64, |sum, size| async move { Ok(sum.saturating_add(size.unwrap_or(0))) })
            .await
    }
}
