//! Sets made by hand, and the way from their URLs to a store in memory.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    dead_code,
    reason = "shared by test crates that each use a part of it; what cannot be set up must stop the test"
)]

use std::error::Error;
use std::sync::Arc;

use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use rangefold_array::{
    ArrayMeta, ByteRange, ChunkGrid, CodecSpec, DataType, ElementType, FillValue, MemoryOrder,
};
use rangefold_refs::{Attributes, Manifest, ManifestArray, ManifestBuilder, Reference, ReferenceSet};
use rangefold_store::Resolve;

/// Leads every URL to `store`, under the path after `memory://`.
pub(crate) fn all_in(store: Arc<dyn ObjectStore>) -> impl Resolve {
    move |url: &str| -> Result<(Arc<dyn ObjectStore>, Path), Box<dyn Error + Send + Sync>> {
        Ok((Arc::clone(&store), Path::parse(url.trim_start_matches("memory://"))?))
    }
}

/// A store in memory with these objects.
pub(crate) async fn memory(objects: &[(&str, &[u8])]) -> Arc<InMemory> {
    let store = Arc::new(InMemory::new());
    for (path, bytes) in objects {
        store.put(&Path::from(*path), bytes.to_vec().into()).await.unwrap();
    }
    store
}

/// Bytes 0, 1, … 255, 0, 1, ….
pub(crate) fn counting(length: usize) -> Vec<u8> {
    (0..=255).cycle().take(length).collect()
}

/// A reference to part of an object.
pub(crate) fn range(url: &str, offset: u64, length: u64) -> Reference {
    Reference::Range { url: url.into(), range: ByteRange::new(offset, length).unwrap() }
}

/// A manifest of chunks 0, 1, …; `None` is absent.
pub(crate) fn manifest(references: impl IntoIterator<Item = Option<Reference>>) -> Manifest {
    let mut builder = ManifestBuilder::new();
    let mut count = 0;
    for (number, reference) in references.into_iter().enumerate() {
        count = number as u64 + 1;
        if let Some(reference) = reference {
            builder.push(number as u64, reference).unwrap();
        }
    }
    builder.build(count).unwrap()
}

/// An array's description with a regular grid.
pub(crate) fn meta(dtype: &str, shape: &[u64], chunks: &[u64], codecs: &[CodecSpec]) -> ArrayMeta {
    let data_type = DataType::from_numpy(dtype).unwrap();
    let fill_value = data_type.size().map(|size| FillValue(vec![0; size]));
    ArrayMeta {
        data_type,
        grid: ChunkGrid::regular(shape, chunks).unwrap(),
        order: MemoryOrder::RowMajor,
        codecs: codecs.to_vec(),
        fill_value,
        dimension_names: shape.iter().enumerate().map(|(axis, _)| format!("d{axis}")).collect(),
    }
}

/// A structured element type with these fields.
pub(crate) fn structured(fields: &[(&str, &str)]) -> DataType {
    let field = |&(name, dtype): &(&str, &str)| rangefold_array::Field {
        name: name.to_owned(),
        data_type: DataType::from_numpy(dtype).unwrap(),
        shape: Vec::new(),
    };
    DataType::little(ElementType::Structured(fields.iter().map(field).collect()))
}

/// A set of one array, `v`.
pub(crate) fn set_of(meta: ArrayMeta, manifest: Manifest) -> ReferenceSet {
    let mut set = ReferenceSet::new();
    set.arrays.insert("v".to_owned(), ManifestArray { meta, attributes: Attributes::new(), manifest });
    set
}
