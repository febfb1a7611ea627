//! Scan netCDF-4/HDF5 files into kerchunk references, combine them, and reduce over the referenced byte ranges.
//!
//! This crate is the library's face: it re-exports the workspace's crates under short names and holds nothing of its own.

#[doc(inline)]
pub use rangefold_active as active;
#[doc(inline)]
pub use rangefold_array as array;
#[doc(inline)]
pub use rangefold_cf as cf;
#[doc(inline)]
pub use rangefold_codec as codec;
#[doc(inline)]
pub use rangefold_combine as combine;
#[doc(inline)]
pub use rangefold_hdf5 as hdf5;
#[doc(inline)]
pub use rangefold_reduce as reduce;
#[doc(inline)]
pub use rangefold_refs as refs;
#[doc(inline)]
pub use rangefold_scan as scan;
#[doc(inline)]
pub use rangefold_storage as storage;
#[doc(inline)]
pub use rangefold_store as store;
