//! What a reference set is: references, manifests, attributes, and their forms on disk.
//!
//! | type | is |
//! |---|---|
//! | [`Reference`] | where one chunk's bytes are: inline, a whole object, or a byte range of one |
//! | [`Manifest`] | one array's references by column, sorted by row-major chunk number |
//! | [`ManifestArray`] | array metadata, attributes and manifest |
//! | [`ReferenceSet`] | a tree of groups and arrays |
//! | [`Attributes`] | a node's attributes in their written order, NaN and infinities included |
//!
//! | module | holds |
//! |---|---|
//! | [`json`] | kerchunk JSON, versions 0 and 1, in and out |
//! | [`parquet`] | kerchunk Parquet, record by record, in and out |
//! | [`by_part`] | attributes that hold for parts of an axis: files of different packing, joined |
//! | [`zarr_v2`], [`zarr_v3`] | the texts of `.zarray`, `.zattrs` and `zarr.json` |
//!
//! Nothing here touches a network or a file: bytes come in and bytes go out.

mod assemble;
mod attributes;
pub mod by_part;
mod choice;
mod decompress;
mod element;
mod error;
pub mod fill_mark;
mod in_parts;
pub mod json;
mod json_text;
mod manifest;
mod near;
mod numcodecs;
pub mod packing_types;
pub mod parquet;
mod rewrite;
mod set;
mod sources;
mod template;
pub mod zarr_v2;
pub mod zarr_v3;

pub use attributes::{AttributeValue, Attributes};
pub use choice::{Choice, GlobError, NothingChosen, Unmatched, glob, is_glob};
pub use decompress::{Compression, compress, decompress};
pub use error::RefsError;
pub use manifest::{Manifest, ManifestBuilder, ManifestError, Reference};
pub use near::suggestions;
pub use set::{Group, ManifestArray, NodePath, ReferenceSet, Source, StoredChunks};
