//! A tree of groups and arrays.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rangefold_array::{ArrayMeta, ChunkGrid, Hyperslab};

use crate::{Attributes, Manifest, RefsError};

/// A node's path without leading or trailing slash; the root group is the empty string.
pub type NodePath = String;

/// One array: what it is, its attributes, and where its chunks are.
#[derive(Clone, Debug, PartialEq)]
pub struct ManifestArray {
    /// Element type, shape, chunks, codecs, fill value, dimension names.
    pub meta: ArrayMeta,
    /// Attributes, `_ARRAY_DIMENSIONS` left out: the names stand in `meta`.
    pub attributes: Attributes,
    /// References of the chunks that are there.
    pub manifest: Manifest,
}

/// A group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Its attributes.
    pub attributes: Attributes,
    /// The dimensions that the group defines and that a group above has too: they hide the outer ones and their
    /// coordinates. Known only of sets that rangefold scanned; Zarr does not tell.
    pub dimensions: BTreeSet<String>,
}

/// What was known of an object when it was scanned; a read that finds another one refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Size in bytes.
    pub size: Option<u64>,
    /// Entity tag, as the store gave it.
    pub etag: Option<String>,
    /// Time of the last change, RFC 3339.
    pub last_modified: Option<String>,
}

/// A tree of groups and arrays, with what is known of the objects they refer to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReferenceSet {
    /// Groups by path. The root is always there in a set that was read or scanned.
    pub groups: BTreeMap<NodePath, Group>,
    /// Arrays by path.
    pub arrays: BTreeMap<NodePath, ManifestArray>,
    /// What is known of each object, by URL.
    pub sources: BTreeMap<Arc<str>, Source>,
    /// Arrays that a store holds but that cannot be read here, by path, with why. They are never taken for absent:
    /// [`ReferenceSet::array`] tells the reason, and writing a set that has any is refused.
    pub unreadable: BTreeMap<NodePath, RefsError>,
    /// What a damaged file could not give, by path, with why; the empty path is the file itself. Such a set is written
    /// and read like others, and says so wherever it goes.
    pub lost: BTreeMap<NodePath, String>,
    /// The chunks of arrays as they are stored, where the set is one for reading that takes each for many parts
    /// ([`ReferenceSet::in_parts`]).
    pub stored_chunks: BTreeMap<NodePath, Arc<StoredChunks>>,
}

/// The chunks of an array that is read in parts.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredChunks {
    /// Shape and chunks.
    pub grid: ChunkGrid,
    /// References of the chunks that are there.
    pub manifest: Manifest,
}

impl StoredChunks {
    /// How many chunks a selection touches, and how many of them are there.
    #[must_use]
    pub fn counts(&self, selection: &Hyperslab) -> (u64, u64) {
        let touching = self.grid.touching(selection);
        let stored = self.manifest.iter().filter(|(number, _)| touching.find(*number).is_some()).count();
        (touching.chunk_count(), stored as u64)
    }
}

impl ReferenceSet {
    /// A set with an empty root group.
    #[must_use]
    pub fn new() -> Self {
        Self { groups: BTreeMap::from([(NodePath::new(), Group::default())]), ..Self::default() }
    }

    /// The array at `path`; `None` if there is none.
    ///
    /// # Errors
    ///
    /// The reason, if there is one that cannot be read.
    pub fn array(&self, path: &str) -> Result<Option<&ManifestArray>, RefsError> {
        match self.unreadable.get(path) {
            Some(error) => Err(error.clone()),
            None => Ok(self.arrays.get(path)),
        }
    }

    /// Checks that every array can be read.
    ///
    /// # Errors
    ///
    /// The reason why the first one in order of path cannot.
    pub fn check_readable(&self) -> Result<(), RefsError> {
        self.unreadable.values().next().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// What was lost when damaged files were scanned, a line for each path.
    pub fn lost_lines(&self) -> impl Iterator<Item = String> + '_ {
        self.lost.iter().map(
            |(path, reason)| {
                if path.is_empty() { reason.clone() } else { format!("{path}: {reason}") }
            },
        )
    }

    /// Number of references over all arrays.
    #[must_use]
    pub fn reference_count(&self) -> usize {
        self.arrays.values().map(|array| array.manifest.len()).sum()
    }
}
