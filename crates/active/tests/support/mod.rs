//! Stores of one array, `v`, made by hand, whose chunks lie in memory.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "shared by test crates that each use a part of it; what cannot be set up must stop the test"
)]

use std::error::Error;
use std::sync::Arc;

use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use rangefold_array::{
    ArrayMeta, ByteRange, ChunkGrid, CodecSpec, DataType, ElementType, FillValue, MemoryOrder,
};
use rangefold_refs::{Attributes, ManifestArray, ManifestBuilder, Reference, ReferenceSet};
use rangefold_store::{FetchOptions, ReferenceStore, Resolve};

/// The object that holds all chunks.
pub(crate) const OBJECT: &str = "chunks";

/// A float32 array with dimensions `d0`, `d1`, …, whose absent chunks are full of `fill`.
pub(crate) fn floats(shape: &[u64], chunks: &[u64], codecs: &[CodecSpec], fill: f32) -> ArrayMeta {
    ArrayMeta {
        data_type: DataType::little(ElementType::Float32),
        grid: ChunkGrid::regular(shape, chunks).unwrap(),
        order: MemoryOrder::RowMajor,
        codecs: codecs.to_vec(),
        fill_value: Some(FillValue(fill.to_le_bytes().to_vec())),
        dimension_names: (0..shape.len()).map(|axis| format!("d{axis}")).collect(),
    }
}

/// Where chunk `number` of the array lies: from `range.offset` on in the object, or nowhere.
pub(crate) type Place = Option<(u64, u64)>;

/// A set of the array `v`, of whose chunks `place` tells offset and length; `None` is absent.
pub(crate) fn set(meta: ArrayMeta, place: impl Fn(u64) -> Place) -> ReferenceSet {
    let url: Arc<str> = OBJECT.into();
    let count = meta.grid.chunk_count();
    let mut builder = ManifestBuilder::new();
    for number in 0..count {
        if let Some((offset, length)) = place(number) {
            let range = ByteRange::new(offset, length).unwrap();
            builder.push(number, Reference::Range { url: Arc::clone(&url), range }).unwrap();
        }
    }
    let manifest = builder.build(count).unwrap();
    let mut set = ReferenceSet::new();
    set.arrays.insert("v".to_owned(), ManifestArray { meta, attributes: Attributes::new(), manifest });
    set
}

/// An object store in memory whose only object is `bytes`.
pub(crate) async fn memory(bytes: Vec<u8>) -> Arc<dyn ObjectStore> {
    let store = InMemory::new();
    store.put(&Path::from(OBJECT), bytes.into()).await.unwrap();
    Arc::new(store)
}

fn resolver(store: Arc<dyn ObjectStore>) -> impl Resolve {
    move |url: &str| -> Result<(Arc<dyn ObjectStore>, Path), Box<dyn Error + Send + Sync>> {
        Ok((Arc::clone(&store), Path::parse(url)?))
    }
}

/// The way to the chunks of `set` in `store`.
pub(crate) fn references(
    set: &Arc<ReferenceSet>,
    store: &Arc<dyn ObjectStore>,
    options: FetchOptions,
) -> ReferenceStore {
    ReferenceStore::with_options(Arc::clone(set), resolver(Arc::clone(store)), options)
}
