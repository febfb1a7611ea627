//! The result of combining.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::Arc;

use rangefold_array::ArrayMeta;
use rangefold_refs::{
    Attributes, Group, Manifest, ManifestArray, ManifestBuilder, NodePath, Reference, ReferenceSet, Source,
    json,
};
use rangefold_store::{References, Savable};

use crate::CombineError;
use crate::draw::Drawn;

/// The joined set. All that had to be read and compared has been. What is joined by reference still stands in the inputs,
/// which it shares, and is drawn from there in order without being in memory a second time.
#[derive(Debug)]
pub struct Joined {
    /// Groups by path.
    pub groups: BTreeMap<NodePath, Group>,
    /// What is known of each object, by URL.
    pub sources: BTreeMap<Arc<str>, Source>,
    /// Arrays by path.
    pub arrays: BTreeMap<NodePath, JoinedArray>,
    /// What inputs have lost, by path, with who has lost it and why.
    pub lost: BTreeMap<NodePath, String>,
    /// Attributes left out because inputs differ: path of the variable, or of the group with a slash after it, and
    /// name of the attribute.
    pub dropped_attributes: BTreeSet<(String, String)>,
}

/// One array of the joined set.
#[derive(Debug)]
pub struct JoinedArray {
    /// Element type, shape, chunks, codecs, fill value, dimension names.
    pub meta: ArrayMeta,
    /// Attributes.
    pub attributes: Attributes,
    pub(crate) chunks: JoinedReferences,
}

/// Where the references of an array are.
#[derive(Debug)]
pub(crate) enum JoinedReferences {
    /// In a manifest of its own.
    Ready(Manifest),
    /// In those of the inputs.
    Drawn(Box<Drawn>),
}

impl JoinedArray {
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
            JoinedReferences::Drawn(drawn) => Box::new(drawn.references()),
        }
    }
}

impl Joined {
    /// The set without any references: groups, and arrays with empty manifests.
    #[must_use]
    pub fn metadata(&self) -> ReferenceSet {
        let array = |array: &JoinedArray| ManifestArray {
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
                JoinedReferences::Drawn(drawn) => {
                    let failed = |problem| CombineError::Manifest { variable: path.clone(), problem };
                    let mut builder = ManifestBuilder::new();
                    for (number, reference) in drawn.references() {
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

impl Savable for Joined {
    fn metadata(&self) -> Cow<'_, ReferenceSet> {
        Cow::Owned(Self::metadata(self))
    }

    fn arrays(&self) -> Box<dyn Iterator<Item = (&str, u64, References<'_>)> + '_> {
        Box::new(
            self.arrays
                .iter()
                .map(|(path, array)| (path.as_str(), array.meta.grid.chunk_count(), array.references())),
        )
    }

    fn into_json(self) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
        Ok(json::write(&self.into_set()?)?)
    }
}
