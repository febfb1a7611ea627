//! Scan netCDF-4/HDF5 files into kerchunk references, combine them, and reduce over the referenced byte ranges.
//!
//! | you want to | use |
//! |---|---|
//! | reach files and objects, with credentials | [`Storage`] |
//! | make references from files | [`scan()`](fn@scan), [`combine()`](fn@combine), [`save_references`] |
//! | ask references | [`Dataset`], [`Variable`], [`Question`] |
//! | read only what is new, or split a question over processes | [`Dataset::keeping`], [`Planned::run_part`], [`Planned::merge`] |
//! | use answers | [`Answer`], [`Field`], [`Save`] |
//! | bound threads, memory and requests of a whole program | [`Resources`], [`Limits`] |
//! | do without `async` | [`Blocking`] |
//!
//! From three files to a labelled answer:
//! ```
//! use rangefold::{CombineSpec, Dataset, Environment, Resources, Storage, StorageOptions};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let storage = Storage::new(StorageOptions::default(), Environment::default())?;
//! let files = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/stack/*.nc");
//! let scanned = rangefold::scan(&storage, [files]).await?;
//! assert!(scanned.skipped.is_empty());
//! let stack = rangefold::combine(&storage, scanned.inputs, &CombineSpec::along(["time"])?).await?;
//!
//! let dataset = Dataset::of_references(stack.references, "the stack", &storage, &Resources::default());
//! let tas = dataset.variable("tas")?;
//! let means = tas.mean().over(["lat", "lon"]).weights("coslat").select("time=2001-11..2002-02").run().await?;
//! assert_eq!(means.values()?.shape(), [4]);
//! let field = means.field()?;
//! assert_eq!((field.units.as_deref(), field.dims[0].label(0).as_str()), (Some("K"), "2001-11-16T00:00:00"));
//!
//! // Words that make no sense, and names that are not there, are errors that say what was meant.
//! let error = tas.reduce("maen").run().await.unwrap_err();
//! assert_eq!(error.to_string(), "\"maen\" is not an operation; did you mean \"mean\"?");
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//! The programs in `examples` are short and whole: `stack`, `monthly_means`, `series`, `explain`, `script`.
//!
//! # The crates
//!
//! Everything stands on values that can be used by themselves; each crate is a module here.
//!
//! ## Arrays
//!
//! An [`array::ChunkGrid`] cuts a shape into chunks and numbers them in row-major order; an [`array::Hyperslab`] selects
//! from it; an [`array::ChunkKey`] is a chunk's name in a store:
//! ```
//! use rangefold::array::{ChunkGrid, ChunkKey, Hyperslab, Slice};
//!
//! let grid = ChunkGrid::regular(&[365, 180, 360], &[31, 90, 90])?;
//! assert_eq!(grid.chunk_counts(), [12, 2, 4]);
//! let july = Slice::Range { start: Some(181), stop: Some(212), step: None };
//! let selection = Hyperslab::resolve(&[july, Slice::All, Slice::Index(-1)], grid.shape())?;
//! let keys: Vec<String> = grid.touching(&selection).map(|chunk| ChunkKey::new(chunk.index()).to_string()).collect();
//! assert_eq!(keys, ["5.0.3", "5.1.3", "6.0.3", "6.1.3"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! An [`array::DataType`] is read and printed as NumPy does; an [`array::CodecSpec`] describes one stage of a chunk's
//! encoding, and a [`codec::Decoder`] undoes all of them:
//! ```
//! use rangefold::array::{CodecSpec, DataType};
//! use rangefold::codec::{Decoder, encode};
//!
//! let data_type = DataType::from_numpy(">f4").ok_or("no type")?;
//! assert_eq!((data_type.size(), data_type.to_string().as_str()), (Some(4), ">f4"));
//! let codecs = [CodecSpec::Shuffle { element_size: 4 }, CodecSpec::Zlib { level: 4 }];
//! let encoded = encode(&codecs, &[7; 400])?;
//! assert_eq!(Decoder::new().decode(&codecs, &encoded, 400)?, [7; 400]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ## References
//!
//! A [`refs::ReferenceSet`] holds groups and arrays; each array's [`refs::Manifest`] says where its chunks are, by
//! [`refs::Reference`] and [`array::ByteRange`]. It is read from kerchunk JSON and written as such:
//! ```
//! use rangefold::refs::{Reference, json};
//!
//! let text = r#"{"version":1,"refs":{".zgroup":"{\"zarr_format\":2}",
//!   "tas/.zarray":"{\"shape\":[4],\"chunks\":[2],\"dtype\":\"<f4\",\"fill_value\":null,\"order\":\"C\",\"filters\":null,\"compressor\":null,\"zarr_format\":2}",
//!   "tas/.zattrs":"{\"_ARRAY_DIMENSIONS\":[\"time\"],\"units\":\"K\"}",
//!   "tas/1":["s3://bucket/tas.nc",4096,8]}}"#;
//! let set = json::read(text.as_bytes())?;
//! let tas = set.array("tas")?.ok_or("no tas")?;
//! assert_eq!(tas.meta.dimension_names, ["time"]);
//! assert_eq!(tas.manifest.get(0), None);
//! let Some(Reference::Range { url, range }) = tas.manifest.get(1) else { return Err("no range".into()) };
//! assert_eq!((&*url, range.offset(), range.length()), ("s3://bucket/tas.nc", 4096, 8));
//! assert_eq!(json::read(&json::write(&set)?)?.reference_count(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ## Dates
//!
//! [`cf::TimeUnits`] turn numbers into dates and back, exactly:
//! ```
//! use rangefold::cf::TimeUnits;
//!
//! let units = TimeUnits::parse("days since 1850-01-01", Some("noleap"))?;
//! let instant = units.instant(59.5)?;
//! assert_eq!(instant.date(units.calendar())?.to_string(), "1850-03-01T12:00:00");
//! assert_eq!(units.integer_value(instant), None);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod blocking;
mod save;
mod selection;
mod stack;

pub use blocking::Blocking;
pub use rangefold_combine::CombineSpec;
pub use rangefold_output::Format;
pub use rangefold_query::{
    Answer, AnswerError, Dataset, Explanation, Field, Keep, Limits, NoVariable, PartialAnswer, Planned,
    Query, Question, Resources, Variable, Words,
};
pub use rangefold_storage::{Environment, Existing, Storage, StorageOptions};
pub use save::{Save, SaveError, check_fields_savable, save_fields, save_selection};
pub use stack::{ScanFilesError, ScannedFiles, combine, save_references, scan};

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
pub use rangefold_output as output;
#[doc(inline)]
pub use rangefold_query as query;
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
