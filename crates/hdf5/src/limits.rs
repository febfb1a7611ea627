//! How far a hostile or damaged file is followed before it is refused.
//!
//! Every limit is far above what real writers produce. No allocation is made from a length field before the bytes
//! exist, so most lengths need no limit of their own: the size of the file is one.

/// Dimensions of a dataspace. The library itself stops here (`H5S_MAX_RANK`).
pub const RANK_MAX: usize = 32;

/// Deeper groups are refused. netCDF writers nest a handful; a cycle would nest forever.
pub const GROUP_DEPTH_MAX: usize = 64;

/// Nested datatypes (compound of array of variable-length of …). Real ones stay below five.
pub const DATATYPE_DEPTH_MAX: usize = 32;

/// Members of a compound or enumeration: their count is a 16-bit field.
pub const MEMBERS_MAX: usize = 65_535;

/// Bytes of one object header over all its chunks. Compact attributes are at most 64 KiB each and the 65,536th goes
/// to dense storage, but no writer was ever seen past a few megabytes.
pub const OBJECT_HEADER_LEN_MAX: u64 = 64 << 20;

/// Continuation blocks of one object header. A file appended to 200 times was seen with 200.
pub const CONTINUATIONS_MAX: usize = 65_536;

/// Links of one group. A directory of simulation steps reached one million.
pub const LINKS_MAX: usize = 16_000_000;

/// Attributes of one object.
pub const ATTRIBUTES_MAX: usize = 1_000_000;

/// Filters of one pipeline. The library itself stops here (`H5Z_MAX_NFILTERS`).
pub const FILTERS_MAX: usize = 32;

/// Levels of a B-tree above its leaves. With a fan-out of two, 32 levels hold more records than a file has bytes.
pub const BTREE_LEVELS_MAX: usize = 32;

/// Chunks of one dataset that are tabled: at 16 bytes each this is 4 GiB of table.
pub const CHUNKS_MAX: usize = 1 << 28;

/// Bytes of one tree node, heap block or index block. The largest seen is an unpaged array block of 64 MiB.
pub const BLOCK_LEN_MAX: u64 = 1 << 30;

/// Bytes a compressed fractal heap block may inflate to. Direct blocks are at most 64 KiB by default and huge objects
/// are attributes.
pub const INFLATED_LEN_MAX: usize = 256 << 20;

/// Source datasets of one virtual dataset. Detectors write one a second for a day.
pub const VIRTUAL_MAPPINGS_MAX: u64 = 1_000_000;

/// Hyperslab blocks of one irregular selection, and points of a point selection.
pub const SELECTION_PARTS_MAX: u64 = 16_000_000;

/// Files of one external file list. The slots name an offset and a size each.
pub const EXTERNAL_FILES_MAX: usize = 65_535;

/// Bytes of structures that are read in all, as a multiple of the file: every structure lies in the file once, and a few
/// are read twice because their length was guessed.
pub const PARSED_FILES_MAX: u64 = 4;

/// Bytes that may be read in all from however small a file.
pub const PARSED_LEN_MIN: u64 = 64 << 20;

/// Bytes that may be read in all from however large a file. The metadata of a file with ten million chunks is one tenth
/// of this.
pub const PARSED_LEN_MAX: u64 = 4 << 30;

/// Nodes of old-style groups that are asked for before it is known that they are needed. They are 544 bytes by default.
pub const HINT_LEN_MAX: u64 = 64 << 10;

/// Bytes of the elements of one value, with everything they point at. Attributes are at most a few megabytes; many
/// sequences in one place could otherwise multiply a small file beyond any memory.
pub const VALUE_LEN_MAX: usize = 64 << 20;
