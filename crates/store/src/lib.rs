//! Follow references; serve a reference set as a read-only Zarr store.
//!
//! ```text
//! References ─coalesce─► reads of neighbouring ranges ─► ObjectStore ─check─► bytes, in the order they were asked for
//! ```
//!
//! | piece | is |
//! |---|---|
//! | [`ReferenceStore`] | a reference set and the way to its objects |
//! | [`ReferenceStore::fetch`] | the bytes of many references: coalesced, concurrent, bounded, in order |
//! | its implementation of zarrs' storage traits | a Zarr v3 hierarchy that any `zarrs` reader opens |
//! | [`Resolve`] | from a URL to an object store; [`rangefold_storage::Storage`] is the usual one |
//!
//! An object that is not the one that was scanned is never read: size, ETag or time of change of every response are
//! compared with what the set knows of it, and with what the first response said.

mod aside;
mod assemble;
mod buffers;
mod check;
mod coalesce;
mod error;
mod fetch;
mod object;
mod open;

mod resolve;
mod save;
mod store;
mod values;
mod zarr;

pub use aside::{Stopped, aside, aside_async};
pub use assemble::{Assembled, Assembler, ChunkProblem, TooLarge};
pub use check::{Extent, Finding, Report, STRINGS_MAX, Sample};
pub use error::{FetchError, FetchProblem};
pub use fetch::Reads;
pub use open::{OpenError, Opened, read_sets};
pub use resolve::Resolve;
pub use save::{
    Form, References, Savable, SaveError, SaveOptions, UnknownForm, check_savable, is_same_store, numbered,
    save,
};
pub use store::{FetchOptions, ReferenceStore, RequestSlots};
pub use values::ValuesError;
pub use zarr::CODEC_NAME;
