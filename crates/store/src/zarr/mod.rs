//! The set as a read-only Zarr v3 hierarchy for zarrs.
//!
//! ```text
//! zarr.json            group
//! tas/zarr.json        array, made from the set when it is asked for
//! tas/0.0.0            chunk, where it is referenced
//! ```
//!
//! Chunk keys are those of Zarr v2, as in kerchunk references. All stages that turn bytes into bytes stand as one codec
//! of our own, [`CODEC_NAME`], in the metadata: it knows the exact length of the decoded chunk, HDF5's own framings,
//! and HDF5's liberties that Zarr's codecs of the same name refuse.

mod codec;
mod metadata;
mod storage;

pub use codec::CODEC_NAME;
pub(crate) use codec::register as register_codec;
