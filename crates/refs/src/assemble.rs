//! From the entries of a store to a tree of groups and arrays.
//!
//! Both forms on disk come down to the same: metadata by key, and references by key. Here they are sorted to the
//! arrays they belong to. What is wrong with one array makes that array unreadable and leaves the others alone.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use rangefold_array::ChunkKey;

use crate::error::RefsError;
use crate::zarr_v2::{array_from_values, attributes_from_value, key};
use crate::zarr_v3;
use crate::{
    AttributeValue, Attributes, Group, ManifestArray, ManifestBuilder, NodePath, Reference, ReferenceSet,
    fill_mark, json_text,
};

/// The value of a metadata key.
#[derive(Clone, Debug)]
pub(crate) enum Metadata<'a> {
    /// A text that is yet to be parsed.
    Text(Cow<'a, str>),
    /// A parsed value.
    Value(AttributeValue),
    /// Something that cannot be used, with why.
    Unusable(String),
}

/// One data key: the reference, or why it is not one.
pub(crate) type ChunkEntry<'a> = (Cow<'a, str>, Result<Reference, String>);

/// Names of metadata keys, without the path before them.
const ZARRAY: &str = ".zarray";
const ZGROUP: &str = ".zgroup";
const ZATTRS: &str = ".zattrs";
const ZMETADATA: &str = ".zmetadata";
const ZARR_JSON: &str = "zarr.json";

/// Splits a key into the node's path and what comes after it.
fn split(key: &str) -> (&str, &str) {
    key.rsplit_once('/').unwrap_or(("", key))
}

/// Whether `key` holds metadata rather than data.
pub(crate) fn is_metadata(key: &str) -> bool {
    let name = split(key).1;
    name.starts_with('.') || name == ZARR_JSON
}

/// An array that waits for its references.
#[derive(Debug)]
pub(crate) struct PendingArray {
    pub(crate) array: ManifestArray,
    /// How its chunk keys are written.
    pub(crate) keys: KeyEncoding,
}

/// How the part of a chunk key after the array's path is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyEncoding {
    /// `0.1.2` or `0/1/2`; `0` for a scalar.
    V2(char),
    /// `c/0/1/2` or `c.0.1.2`; `c` for a scalar.
    V3(char),
}

impl KeyEncoding {
    /// Row-major number of the chunk whose key ends in `text`.
    fn number(self, text: &str, array: &ManifestArray) -> Result<u64, String> {
        let grid = &array.meta.grid;
        let rank = grid.rank();
        let key = match (self, rank, text) {
            // VirtualiZarr 2.5 to 2.8 write a scalar's only key without its `0`.
            (Self::V2(_), 0, "") | (Self::V3(_), 0, "c") => Ok(ChunkKey::new(Vec::new())),
            (Self::V2(separator), ..) => ChunkKey::parse(text, rank, separator),
            (Self::V3(separator), ..) => {
                let index = text.strip_prefix('c').and_then(|rest| rest.strip_prefix(separator));
                ChunkKey::parse(index.filter(|_| rank > 0).unwrap_or(""), rank, separator)
            }
        };
        let key = key.map_err(|error| error.to_string())?;
        grid.number(key.index())
            .ok_or_else(|| format!("is outside a grid of {:?} chunks", grid.chunk_counts()))
    }
}

/// The nodes that `metadata` tells of, and the keys of arrays that cannot be read with why.
#[derive(Debug, Default)]
pub(crate) struct Nodes {
    pub(crate) groups: BTreeMap<NodePath, Group>,
    pub(crate) arrays: BTreeMap<NodePath, PendingArray>,
    pub(crate) unreadable: BTreeMap<NodePath, RefsError>,
}

impl Metadata<'_> {
    fn into_value(self, key: &str) -> Result<AttributeValue, RefsError> {
        match self {
            Self::Value(value) => Ok(value),
            Self::Text(text) => json_text::parse(&text).map_err(|e| RefsError::key(key, e.to_string())),
            Self::Unusable(problem) => Err(RefsError::key(key, problem)),
        }
    }
}

/// Reads all metadata.
///
/// `foreign` are stores of other programs, whose Zarr v2 fill values mark missing elements ([`fill_mark`]).
pub(crate) fn nodes(
    mut metadata: BTreeMap<Cow<'_, str>, Metadata<'_>>,
    foreign: bool,
) -> Result<Nodes, RefsError> {
    add_consolidated(&mut metadata)?;
    let mut nodes = Nodes::default();
    let mut attributes: HashMap<String, Result<Attributes, RefsError>> = HashMap::new();
    let mut zarrays = Vec::new();
    for (full_key, value) in metadata {
        let (path, name) = split(&full_key);
        if name.starts_with('.') && ![ZARRAY, ZGROUP, ZATTRS].contains(&name) {
            continue;
        }
        check_path(&full_key, path)?;
        let value = value.into_value(&full_key);
        match name {
            ZATTRS => {
                let parsed = value.and_then(|value| attributes_from_value(path, value));
                attributes.insert(path.to_owned(), parsed);
            }
            ZGROUP => {
                value?;
                nodes.groups.insert(path.to_owned(), Group::default());
            }
            ZARRAY => zarrays.push((path.to_owned(), value)),
            _ => match value.and_then(|value| zarr_v3::node_from_value(path, value)) {
                Ok(zarr_v3::Node::Group(group)) => {
                    nodes.groups.insert(path.to_owned(), group);
                }
                Ok(zarr_v3::Node::Array(mut pending)) => {
                    if foreign {
                        fill_mark::no_default(&mut pending.array);
                    }
                    nodes.arrays.insert(path.to_owned(), pending);
                }
                Err(error) => {
                    nodes.unreadable.insert(path.to_owned(), error);
                }
            },
        }
    }
    for (path, zarray) in zarrays {
        let array = zarray.and_then(|zarray| {
            let attributes = attributes.remove(&path).unwrap_or_else(|| Ok(Attributes::new()))?;
            array_from_values(&path, &zarray, attributes)
        });
        match array {
            Ok(_) if nodes.arrays.remove(&path).is_some() => {
                let error = RefsError::key(key(&path, ZARRAY), "stands beside a zarr.json of the same array");
                nodes.unreadable.insert(path, error);
            }
            Ok((mut array, separator)) => {
                if foreign {
                    fill_mark::declare(&mut array);
                }
                nodes.arrays.insert(path, PendingArray { array, keys: KeyEncoding::V2(separator) });
            }
            Err(error) => {
                nodes.unreadable.insert(path, error);
            }
        }
    }
    add_implied_groups(&mut nodes);
    refuse_arrays_that_are_groups(&mut nodes);
    for (path, parsed) in attributes {
        if let Some(group) = nodes.groups.get_mut(&path) {
            group.attributes = parsed?;
        }
    }
    Ok(nodes)
}

/// What a `.zmetadata` repeats counts only where the key itself is absent.
fn add_consolidated(metadata: &mut BTreeMap<Cow<'_, str>, Metadata<'_>>) -> Result<(), RefsError> {
    let Some(consolidated) = metadata.remove(ZMETADATA) else { return Ok(()) };
    if let AttributeValue::Map(members) = consolidated.into_value(ZMETADATA)?
        && let Some((_, AttributeValue::Map(entries))) =
            members.into_iter().find(|(name, _)| name == "metadata")
    {
        for (key, value) in entries.into_iter().filter(|(key, _)| is_metadata(key)) {
            metadata.entry(Cow::Owned(key)).or_insert(Metadata::Value(value));
        }
    }
    Ok(())
}

fn check_path(full_key: &str, path: &str) -> Result<(), RefsError> {
    let bad = |part: &str| matches!(part, "" | "." | "..");
    if !path.is_empty() && path.split('/').any(bad) {
        return Err(RefsError::key(full_key, "has an empty, \".\" or \"..\" part"));
    }
    Ok(())
}

/// Every node's ancestors are groups, whether the store says so or not.
fn add_implied_groups(nodes: &mut Nodes) {
    let paths: Vec<NodePath> = nodes.groups.keys().chain(nodes.arrays.keys()).cloned().collect();
    for path in paths {
        let mut parent = path.as_str();
        while let Some((above, _)) = parent.rsplit_once('/') {
            if nodes.groups.contains_key(above) {
                break;
            }
            nodes.groups.insert(above.to_owned(), Group::default());
            parent = above;
        }
    }
    if !nodes.arrays.contains_key("") {
        nodes.groups.entry(NodePath::new()).or_default();
    }
}

/// An array holds no other nodes, and is no group besides.
fn refuse_arrays_that_are_groups(nodes: &mut Nodes) {
    let both: Vec<NodePath> =
        nodes.arrays.keys().filter(|path| nodes.groups.contains_key(*path)).cloned().collect();
    for path in both {
        nodes.arrays.remove(&path);
        let error = RefsError::key(&*path, "is an array and a group, or an array that holds other nodes");
        nodes.unreadable.insert(path, error);
    }
}

/// Builds the set from everything a store holds: values of the keys that [`is_metadata`] accepts, and all other keys.
pub(crate) fn reference_set<'a>(
    metadata: BTreeMap<Cow<'a, str>, Metadata<'a>>,
    chunks: impl Iterator<Item = ChunkEntry<'a>>,
    foreign: bool,
) -> Result<ReferenceSet, RefsError> {
    let Nodes { groups, arrays, mut unreadable } = nodes(metadata, foreign)?;
    let paths: Vec<NodePath> = arrays.keys().cloned().collect();
    let places: HashMap<&str, usize> = paths.iter().map(String::as_str).zip(0..).collect();
    let mut pending: Vec<_> = arrays.into_values().map(|array| (array, ManifestBuilder::new())).collect();

    for (full_key, reference) in chunks {
        let Some((path, place)) = owner(&full_key, &places, &unreadable) else { continue };
        let Some((array, builder)) = place.and_then(|place| pending.get_mut(place)) else {
            unreadable
                .entry(path.to_owned())
                .or_insert_with(|| RefsError::key(&*full_key, "refers to data of an array without metadata"));
            continue;
        };
        let text = full_key.get(path.len()..).unwrap_or("");
        let text = text.strip_prefix('/').unwrap_or(text);
        let outcome = array.keys.number(text, &array.array).and_then(|number| {
            reference.and_then(|reference| builder.push(number, reference).map_err(|e| e.to_string()))
        });
        if let Err(problem) = outcome {
            unreadable.entry(path.to_owned()).or_insert_with(|| RefsError::key(&*full_key, problem));
        }
    }

    let mut set = ReferenceSet { groups, ..ReferenceSet::default() };
    for (path, (PendingArray { mut array, .. }, builder)) in paths.into_iter().zip(pending) {
        if unreadable.contains_key(&path) {
            continue;
        }
        match builder.build(array.meta.grid.chunk_count()) {
            Ok(manifest) => {
                array.manifest = manifest;
                set.arrays.insert(path, array);
            }
            Err(error) => {
                unreadable.insert(path.clone(), RefsError::key(path, error.to_string()));
            }
        }
    }
    set.unreadable = unreadable;
    Ok(set)
}

/// The path of the array that `key` belongs to, and its place among those that can be read; `None` if the key is
/// of no concern: it belongs to an array that is unreadable anyway, or lies outside every array.
fn owner<'k>(
    key: &'k str,
    places: &HashMap<&str, usize>,
    unreadable: &BTreeMap<NodePath, RefsError>,
) -> Option<(&'k str, Option<usize>)> {
    let mut path = split(key).0;
    loop {
        if let Some(&place) = places.get(path) {
            return Some((path, Some(place)));
        }
        if unreadable.contains_key(path) {
            return None;
        }
        match path.rsplit_once('/') {
            Some((above, _)) => path = above,
            None if path.is_empty() => break,
            None => path = "",
        }
    }
    let path = split(key).0;
    (!path.is_empty()).then_some((path, None))
}
