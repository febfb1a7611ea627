//! Undo a codec pipeline on one chunk, exact-size output.
//!
//! ```text
//! encoded bytes ── codecs[n-1] ── … ── codecs[1] ── codecs[0] ──► decoded_len bytes
//!                  (the last to encode is the first to decode)
//! ```
//!
//! A [`Decoder`] owns the buffers between the stages and the state of the decompressors; each thread keeps one. The
//! length of the decoded chunk is an argument, so every stage knows what it must yield and no input can make the
//! output grow: a stage that yields more or fewer bytes is an error with the codec's name and both numbers.
//!
//! | function | does |
//! |---|---|
//! | [`Decoder::decode`], [`Decoder::decode_into`] | undo a pipeline that ends in elements of fixed size |
//! | [`Decoder::decode_strings`], [`strings`] | undo a pipeline that ends in framed strings, and cut the frame up |
//! | [`to_native`] | turn elements into the machine's byte order |
//! | [`encode()`] | encode a chunk again, for the few that a file stores differently from the others |
//!
//! Trailing bytes after a complete zlib stream, LZ4 frame or bitshuffle frame are ignored, as HDF5 and numcodecs do;
//! gzip, bzip2 and Zstandard data may consist of several members.

mod bits;
mod byte_order;
mod codecs;
mod copies;
mod decoder;
mod encode;
mod error;
mod want;

pub use byte_order::to_native;
pub use codecs::vlen::strings;
pub use decoder::Decoder;
pub use encode::{EncodeError, encode};
pub use error::{DecodeError, Problem};
