//! The result of combining.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rangefold_array::ArrayMeta;
use rangefold_refs::{
    Attributes, Group, Manifest, ManifestArray, ManifestBuilder, NodePath, Reference, ReferenceSet, Source,
};

use crate::CombineError;
use crate::place::Placement;

/// The joined set. All that had to be read and compared has been; what is joined by reference still stands in the
/// inputs, from where it can be drawn in order without being in memory a second time.
#[derive(Debug)]
pub struct Joined<'a> {
    /// Groups by path.
    pub groups: BTreeMap<NodePath, Group>,
    /// What is known of each object, by URL.
    pub sources: BTreeMap<Arc<str>, Source>,
    /// Arrays by path.
    pub arrays: BTreeMap<NodePath, JoinedArray<'a>>,
    /// What inputs have lost, by path, with who has lost it and why.
    pub lost: BTreeMap<NodePath, String>,
    /// Attributes left out because inputs differ: path of the variable, or of the group with a slash after it, and
    /// name of the attribute.
    pub dropped_attributes: BTreeSet<(String, String)>,
}

/// One array of the joined set.
#[derive(Debug)]
pub struct JoinedArray<'a> {
    /// Element type, shape, chunks, codecs, fill value, dimension names.
    pub meta: ArrayMeta,
    /// Attributes.
    pub attributes: Attributes,
    pub(crate) chunks: JoinedReferences<'a>,
}

/// Where the references of an array are.
#[derive(Debug)]
pub(crate) enum JoinedReferences<'a> {
    /// In a manifest of its own.
    Ready(Manifest),
    /// In those of the inputs.
    Placed(Box<Placement<'a>>),
}

impl JoinedArray<'_> {
    pub(crate) fn ready(array: ManifestArray) -> Self {
        Self {
            meta: array.meta,
            attributes: array.attributes,
            chunks: JoinedReferences::Ready(array.manifest),
        }
    }

    /// Chunk numbers and references in ascending order of number.
    #[must_use]
    pub fn references(&self) -> Box<dyn Iterator<Item = (u64, Reference)> + '_> {
        match &self.chunks {
            JoinedReferences::Ready(manifest) => Box::new(manifest.iter()),
            JoinedReferences::Placed(placement) => Box::new(placement.references()),
        }
    }
}

impl Joined<'_> {
    /// The set without any references: groups, and arrays with empty manifests.
    #[must_use]
    pub fn metadata(&self) -> ReferenceSet {
        let array = |array: &JoinedArray<'_>| ManifestArray {
            meta: array.meta.clone(),
            attributes: array.attributes.clone(),
            manifest: Manifest::default(),
        };
        ReferenceSet {
            groups: self.groups.clone(),
            arrays: self.arrays.iter().map(|(path, joined)| (path.clone(), array(joined))).collect(),
            sources: self.sources.clone(),
            lost: self.lost.clone(),
            ..ReferenceSet::default()
        }
    }

    /// The set with all references.
    ///
    /// # Errors
    ///
    /// [`CombineError::Manifest`] for more distinct objects in one array than a manifest can name.
    pub fn into_set(self) -> Result<ReferenceSet, CombineError> {
        let mut set = ReferenceSet {
            groups: self.groups,
            sources: self.sources,
            lost: self.lost,
            ..ReferenceSet::default()
        };
        for (path, JoinedArray { meta, attributes, chunks }) in self.arrays {
            let manifest = match chunks {
                JoinedReferences::Ready(manifest) => manifest,
                JoinedReferences::Placed(placement) => {
                    let failed = |source| CombineError::Manifest { variable: path.clone(), source };
                    let mut builder = ManifestBuilder::new();
                    for (number, reference) in placement.references() {
                        builder.push(number, reference).map_err(failed)?;
                    }
                    builder.build(meta.grid.chunk_count()).map_err(failed)?
                }
            };
            set.arrays.insert(path, ManifestArray { meta, attributes, manifest });
        }
        Ok(set)
    }
}
