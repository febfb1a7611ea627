//! What an array is: element type, shape, chunk grid, hyperslab, codec descriptions.
//!
//! Arithmetic only: no bytes are read, decoded or fetched here. Every other crate of the workspace speaks
//! of arrays in these types.
//!
//! | type | is |
//! |---|---|
//! | [`DataType`] | an element type and its byte order, in NumPy's words |
//! | [`ChunkGrid`] | an array's shape and how it is cut into chunks, regular or rectilinear |
//! | [`ChunkKey`] | the name of one chunk in a store: `tas/0.1.2` |
//! | [`Hyperslab`] | a selection, start/stride/count along each axis, in bounds by construction |
//! | [`CodecSpec`] | one stage of a chunk's encoding |
//! | [`ArrayMeta`] | all of these together, with fill value and dimension names |
//! | [`ByteRange`] | a run of bytes in an object |
//! | [`node_path`] | paths of groups and variables |
//! | [`chain()`] | an error with its sources, as text |
//! | [`size_text()`] | a number of bytes for people |
//! | [`Values`] | typed values, decoded |
//! | [`MissingSpec`], [`Packing`] | which stored elements are missing, and how the others become values |

mod blosc;
mod byte_range;
mod chain;
mod chunk_key;
mod codec_spec;
mod data_type;
mod grid;
mod hdf5_values;
mod hyperslab;
mod meta;
mod missing;
pub mod node_path;
mod number;
mod packing;
mod size_text;
mod values;

pub use blosc::{BloscCompressor, BloscShuffle};
pub use byte_range::ByteRange;
pub use chain::chain;
pub use chunk_key::{ChunkKey, ChunkKeyError};
pub use codec_spec::{CodecFacts, CodecKind, CodecSpec, EncodedLength, Readers};
pub use data_type::{ByteOrder, DataType, ElementType, Field, TimeUnit};
pub use grid::{AxisChunks, AxisPart, ChunkGrid, ChunkSelection, GridError, Touching};
pub use hyperslab::{AxisRange, Hyperslab, SelectionError, Slice};
pub use meta::{ArrayMeta, FillValue, MemoryOrder};
pub use missing::{MissingSpec, NanPolicy};
pub use number::{Number, compare_integer};
pub use packing::{Packing, PackingError, Precision};
pub use size_text::size_text;
pub use values::{NotValues, Value, Values, text_of_bytes};
