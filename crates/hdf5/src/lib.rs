//! HDF5 metadata through ranged reads: where every object, attribute and chunk lies, in a few parallel rounds.
//!
//! ```text
//! Reader ──rounds of ranged reads──► walk ──slices──► format ──structs──► walk ──► File
//! ```
//! [`mod@format`] cuts structures out of slices and never waits; only the private module `walk` follows addresses. A
//! [`File`] is plain data: what it says can be printed, compared and kept.
//!
//! ```no_run
//! # async fn example(store: std::sync::Arc<dyn object_store::ObjectStore>) -> Result<(), rangefold_hdf5::ReadError> {
//! use rangefold_hdf5::{Options, Reader};
//!
//! let reader = Reader::open(store, "cmip/tas_day.nc".into(), Options::default()).await?;
//! let file = reader.file().await?;
//! for dataset in file.datasets() {
//!     println!("{} {:?}", dataset.path, dataset.shape());
//! }
//! print!("{}", file.trace);
//! # Ok(())
//! # }
//! ```
//!
//! Nothing is ever made up: what cannot be read is an error that says where and why. An error in one object is an entry
//! in [`File::errors`], and the rest of the file is there.

pub mod chunk_table;
pub mod datatype;
pub mod dump;
pub mod error;
pub mod format;
pub mod limits;
pub mod model;
pub mod range;
mod reader;
pub mod trace;
pub mod value;
mod walk;

pub use error::{Error, Problem};
pub use model::File;
pub use range::ByteRange;
pub use reader::{Include, Options, ReadError, Reader, read_bytes, read_slice};
