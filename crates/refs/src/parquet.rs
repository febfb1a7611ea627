//! kerchunk references as Parquet: the layout of fsspec's `LazyReferenceMapper`.
//!
//! ```text
//! out.parq/.zmetadata                  {"metadata":{"tas/.zarray":{…},…},"record_size":100000}
//! out.parq/tas/refs.0.parq             references of chunks 0..100000 of tas, one row each
//! out.parq/tas/refs.1.parq             references of chunks 100000..200000
//! ```
//! Chunks are numbered in row-major order. A record that no chunk of it refers to anything is left out. Which records there
//! are, and what is in them, stands in the member `rangefold` of `.zmetadata`, so that one which is not there, or is
//! another one, is told from one without references. kerchunk leaves records out too, and does not say which: of its
//! stores, a record that is not there is an error unless the caller says that it had none.
//!
//! | column | type | |
//! |---|---|---|
//! | `path` | UTF-8, optional | the object |
//! | `offset`, `size` | 64-bit, required | the byte range; both 0 for a whole object |
//! | `raw` | bytes, optional | the bytes themselves; then the other columns mean nothing |
//!
//! A row without `path` and `raw` is an absent chunk. This module has no network: the caller reads and writes the
//! files, one record at a time, so that memory does not grow with the number of references.
//!
//! Two traps are avoided in what is written. `path` is always dictionary-encoded, since pandas 3 reads the nulls of a
//! plain column as NaN, and fsspec takes NaN for a path. And the dictionary never overflows, since fastparquet
//! 2026.9 loses every row after a fallback to plain pages. Zarr v3 has no place in this layout.
//!
//! Compatible implementations: fsspec 2025.2 to 2026.9 with fastparquet and pandas 2 and 3, kerchunk, VirtualiZarr.

mod read;
mod table;
mod write;

pub use read::{Index, parse_record, parse_zmetadata, read};
pub use table::{RecordInfo, RecordTable};
pub use write::{Record, Records, records, zmetadata};

/// Rows of a record unless told otherwise, as kerchunk's `refs_to_dataframe` has it.
pub const RECORD_SIZE: u64 = 100_000;

/// More rows in one record are refused.
pub const RECORD_SIZE_MAX: u64 = 1 << 22;

/// The path of record `number` of an array, relative to the folder of `.zmetadata`.
#[must_use]
pub fn record_path(array: &str, number: u64) -> String {
    crate::zarr_v2::key(array, &format!("refs.{number}.parq"))
}
