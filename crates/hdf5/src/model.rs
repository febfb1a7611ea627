//! What a file says: an object graph of groups, datasets and committed datatypes.
//!
//! Every address is absolute in the file (the superblock's base address is added once, by the
//! parsers), and an undefined address is `None`. Objects are keyed by the address of their object
//! header, because that is what hard links and object references name; an object reached by
//! several hard links is listed once, under the first path found, with the others as aliases.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use bytes::Bytes;

use crate::chunk_table::ChunkTable;
use crate::dump::Structure;
use crate::error::Error;
use crate::range::ByteRange;
use crate::trace::Trace;

pub use crate::datatype::{
    BitRange, ByteOrder, Charset, Class, Datatype, EnumMember, FloatLayout, IntegerLayout, Member,
    Normalization, ReferenceKind, StringPadding,
};
pub use crate::value::{Field, GlobalHeapId, Reference, ReferencePart, Text, Value};

/// The metadata of one HDF5 file.
#[derive(Clone, Debug)]
pub struct File {
    /// What the superblock and its extension say.
    pub superblock: Superblock,
    /// Length of the object, in bytes.
    pub size: u64,
    /// The entity tag of the version that was read, where the store gives one.
    pub etag: Option<String>,
    /// When the object was last modified, where the store says so.
    pub last_modified: Option<SystemTime>,
    /// Address of the root group's object header.
    pub root: u64,
    /// Every object reached by hard links from the root, by object header address.
    ///
    /// Objects that could not be read are not here; they are in [`File::errors`].
    pub objects: BTreeMap<u64, Object>,
    /// What could not be read, in path order. The rest of the file is not affected.
    pub errors: Vec<ObjectError>,
    /// Every structure that was parsed, by address; empty unless [`Options::dump`](crate::Options::dump) asked for it.
    pub structures: Vec<Structure>,
    /// The requests that were made.
    pub trace: Trace,
}

impl File {
    /// The root group, unless it could not be read (then [`File::errors`] says why).
    #[must_use]
    pub fn root(&self) -> Option<&Group> {
        match self.objects.get(&self.root) {
            Some(Object::Group(group)) => Some(group),
            _ => None,
        }
    }

    /// The object whose header is at `address`.
    #[must_use]
    pub fn object(&self, address: u64) -> Option<&Object> {
        self.objects.get(&address)
    }

    /// The object at an absolute path such as `/group/name`, following hard and soft links.
    ///
    /// `None` if a component is missing, or a soft link leads nowhere, in a circle or out of the file.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Object> {
        let mut hops = SOFT_LINK_HOPS_MAX;
        self.resolve(self.root, path, &mut hops)
    }

    fn resolve(&self, from: u64, path: &str, hops: &mut usize) -> Option<&Object> {
        let start = if path.starts_with('/') { self.root } else { from };
        let mut object = self.objects.get(&start)?;
        for name in path.split('/').filter(|name| !name.is_empty() && *name != ".") {
            let Object::Group(group) = object else {
                return None;
            };
            object = match &group.link(name)?.target {
                LinkTarget::Hard { address } => self.objects.get(address)?,
                LinkTarget::Soft { path } => {
                    *hops = hops.checked_sub(1)?;
                    self.resolve(group.address, path, hops)?
                }
                LinkTarget::External { .. } | LinkTarget::UserDefined { .. } => return None,
            };
        }
        Some(object)
    }

    /// Every group, in path order.
    #[must_use]
    pub fn groups(&self) -> Vec<&Group> {
        let mut groups: Vec<_> = self.objects.values().filter_map(Object::as_group).collect();
        groups.sort_by(|a, b| a.path.cmp(&b.path));
        groups
    }

    /// Every dataset, in path order.
    #[must_use]
    pub fn datasets(&self) -> Vec<&Dataset> {
        let mut datasets: Vec<_> = self.objects.values().filter_map(Object::as_dataset).collect();
        datasets.sort_by(|a, b| a.path.cmp(&b.path));
        datasets
    }
}

/// Soft links followed for one path. The library stops at 16 by default as well.
const SOFT_LINK_HOPS_MAX: usize = 16;

/// What the superblock and its extension say about the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Superblock {
    /// Version of the superblock, 0 to 3.
    pub version: u8,
    /// Where the HDF5 data begins: the length of the user block.
    pub base_address: u64,
    /// Bytes in an address.
    pub offset_size: u8,
    /// Bytes in a length.
    pub length_size: u8,
    /// Absolute end of the file as the writer recorded it.
    pub end_of_file: Option<u64>,
    /// Whether a writer had the file open, or did not close it cleanly (version 3).
    pub open_for_writing: bool,
    /// Page size of a file with paged aggregation, in bytes.
    pub page_size: Option<u64>,
}

/// Something that could not be read, and why.
#[derive(Clone, Debug)]
pub struct ObjectError {
    /// Path of the object; empty if the structure belongs to no single object.
    pub path: String,
    /// Name of the attribute, if only one attribute of the object is affected.
    pub attribute: Option<String>,
    /// What is wrong, and where in the file.
    pub error: Error,
}

impl fmt::Display for ObjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            // Names come from the file, and this may go to a terminal.
            write!(f, "{}: ", self.path.replace(char::is_control, "\u{fffd}"))?;
        }
        if let Some(name) = &self.attribute {
            write!(f, "attribute {name:?}: ")?;
        }
        self.error.fmt(f)
    }
}

/// An object with a header of its own.
#[derive(Clone, Debug)]
pub enum Object {
    /// A group.
    Group(Group),
    /// A dataset.
    Dataset(Box<Dataset>),
    /// A committed (named) datatype.
    Datatype(CommittedDatatype),
}

impl Object {
    /// Absolute path: the first one found, breadth first.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Group(group) => &group.path,
            Self::Dataset(dataset) => &dataset.path,
            Self::Datatype(datatype) => &datatype.path,
        }
    }

    /// The attributes of the object.
    #[must_use]
    pub fn attributes(&self) -> &[Attribute] {
        match self {
            Self::Group(group) => &group.attributes,
            Self::Dataset(dataset) => &dataset.attributes,
            Self::Datatype(datatype) => &datatype.attributes,
        }
    }

    /// The group, if it is one.
    #[must_use]
    pub fn as_group(&self) -> Option<&Group> {
        match self {
            Self::Group(group) => Some(group),
            _ => None,
        }
    }

    /// The dataset, if it is one.
    #[must_use]
    pub fn as_dataset(&self) -> Option<&Dataset> {
        match self {
            Self::Dataset(dataset) => Some(dataset),
            _ => None,
        }
    }
}

/// A group.
#[derive(Clone, Debug)]
pub struct Group {
    /// Absolute path; `/` for the root.
    pub path: String,
    /// Further paths by which hard links reach the same object.
    pub aliases: Vec<String>,
    /// Address of the object header.
    pub address: u64,
    /// Links: in creation order where the file tracks it, else by name.
    pub links: Vec<Link>,
    /// Whether `links` is in creation order.
    pub creation_order: bool,
    /// Attributes: in creation order where the file tracks it, else by name.
    pub attributes: Vec<Attribute>,
}

impl Group {
    /// The link of that name.
    #[must_use]
    pub fn link(&self, name: &str) -> Option<&Link> {
        if self.creation_order {
            return self.links.iter().find(|link| link.name == name);
        }
        let place = self.links.binary_search_by(|link| link.name.as_str().cmp(name)).ok()?;
        self.links.get(place)
    }

    /// The attribute of that name.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        find_attribute(&self.attributes, name)
    }
}

/// A link of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Name of the link. Bytes that are not UTF-8 are written `\xNN`.
    pub name: String,
    /// Creation order, where the group tracks it.
    pub creation_order: Option<i64>,
    /// What the link points at.
    pub target: LinkTarget,
}

/// What a link points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkTarget {
    /// An object in this file.
    Hard {
        /// Address of its object header.
        address: u64,
    },
    /// A path in this file, which may not exist.
    Soft {
        /// Absolute, or relative to the group.
        path: String,
    },
    /// A path in another file.
    External {
        /// Name of the file, as stored.
        file: String,
        /// Path in that file.
        path: String,
    },
    /// A link of a class registered by an application.
    UserDefined {
        /// Link class, 65 to 255.
        class: u8,
        /// What the application stored.
        data: Bytes,
    },
}

/// A dataset.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Absolute path: the first one found, breadth first.
    pub path: String,
    /// Further paths by which hard links reach the same object.
    pub aliases: Vec<String>,
    /// Address of the object header.
    pub address: u64,
    /// Extent.
    pub space: Dataspace,
    /// Type of an element, as stored.
    pub datatype: Datatype,
    /// Where the elements are.
    pub layout: Layout,
    /// Filters, in the order in which the writer applied them.
    pub filters: Vec<Filter>,
    /// What elements that were never written read as.
    pub fill: FillValue,
    /// Attributes: in creation order where the file tracks it, else by name.
    pub attributes: Vec<Attribute>,
}

impl Dataset {
    /// The attribute of that name.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        find_attribute(&self.attributes, name)
    }

    /// Current extent; empty for a scalar, `None` for a null dataspace.
    #[must_use]
    pub fn shape(&self) -> Option<&[u64]> {
        self.space.shape()
    }
}

/// A committed (named) datatype.
#[derive(Clone, Debug)]
pub struct CommittedDatatype {
    /// Absolute path.
    pub path: String,
    /// Further paths by which hard links reach the same object.
    pub aliases: Vec<String>,
    /// Address of the object header.
    pub address: u64,
    /// The type.
    pub datatype: Datatype,
    /// Attributes: in creation order where the file tracks it, else by name.
    pub attributes: Vec<Attribute>,
}

fn find_attribute<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|attribute| attribute.name == name)
}

/// The extent of a dataset or attribute.
///
/// Spec: HDF5 File Format 3.0, IV.A.2.b, "The Dataspace Message".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dataspace {
    /// No elements at all.
    Null,
    /// One element, no dimensions.
    Scalar,
    /// A regular array.
    Simple {
        /// Current extent, slowest dimension first.
        shape: Vec<u64>,
        /// How far each dimension may grow; `None` is unlimited.
        max_shape: Vec<Option<u64>>,
    },
}

impl Dataspace {
    /// Current extent; empty for a scalar, `None` for a null dataspace.
    #[must_use]
    pub fn shape(&self) -> Option<&[u64]> {
        match self {
            Self::Null => None,
            Self::Scalar => Some(&[]),
            Self::Simple { shape, .. } => Some(shape),
        }
    }

    /// Number of elements; `None` if it does not fit 64 bits.
    #[must_use]
    pub fn element_count(&self) -> Option<u64> {
        match self {
            Self::Null => Some(0),
            Self::Scalar => Some(1),
            // An empty dimension makes the product zero, however large the others are.
            Self::Simple { shape, .. } if shape.contains(&0) => Some(0),
            Self::Simple { shape, .. } => {
                shape.iter().try_fold(1u64, |product, extent| product.checked_mul(*extent))
            }
        }
    }
}

/// Where the elements of a dataset are.
#[derive(Clone, Debug)]
pub enum Layout {
    /// In the object header.
    Compact {
        /// All elements, unfiltered.
        bytes: Bytes,
    },
    /// In one piece.
    Contiguous {
        /// Where; `None` if no storage was allocated, so every element is the fill value.
        range: Option<ByteRange>,
    },
    /// In chunks of equal shape.
    Chunked(ChunkedLayout),
    /// In one piece, spread over other files.
    External {
        /// Segments in storage order.
        segments: Vec<ExternalSegment>,
    },
    /// Assembled from other datasets.
    Virtual {
        /// Which part comes from where.
        mappings: Vec<VirtualMapping>,
    },
}

/// Chunked storage.
#[derive(Clone, Debug)]
pub struct ChunkedLayout {
    /// Shape of a chunk, in elements. Edge chunks are stored whole.
    pub chunk_shape: Vec<u64>,
    /// How the chunks are indexed.
    pub index: ChunkIndexKind,
    /// Whether chunks that reach over the edge of the extent are stored without filters.
    pub unfiltered_partial_edge_chunks: bool,
    /// Stored chunks inside the current extent; a chunk that is not listed reads as the fill value.
    ///
    /// `None` if the index was not read: the dataset was not included, or the index is damaged
    /// (then the dataset's path is in [`File::errors`]).
    pub chunks: Option<ChunkTable>,
}

/// The kinds of chunk index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChunkIndexKind {
    /// Version 1 B-tree.
    BTree1,
    /// The dataset is one chunk.
    Single,
    /// All chunks one after another, no filters.
    Implicit,
    /// Fixed array: no unlimited dimension.
    FixedArray,
    /// Extensible array: one unlimited dimension.
    ExtensibleArray,
    /// Version 2 B-tree: more than one unlimited dimension.
    BTree2,
}

/// A run of raw data in another file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalSegment {
    /// Name of the file, as stored.
    pub file: String,
    /// Where the run begins in that file.
    pub offset: u64,
    /// Bytes; `None` is unlimited.
    pub length: Option<u64>,
}

/// One source of a virtual dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualMapping {
    /// Name of the file, as stored: `.` is this file, `%b` a block number.
    pub source_file: String,
    /// Path of the dataset in that file; may contain `%b`.
    pub source_dataset: String,
    /// Elements of the source.
    pub source_selection: Selection,
    /// Elements of the virtual dataset.
    pub virtual_selection: Selection,
}

/// A selection of elements.
///
/// Spec: HDF5 File Format 3.0, VIII.A, "Dataspace Encoding".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Nothing.
    None,
    /// Everything.
    All,
    /// Single elements, each with one coordinate per dimension.
    Points(Vec<Vec<u64>>),
    /// A regular hyperslab, one entry per dimension.
    Hyperslab(Vec<HyperslabDimension>),
    /// A list of boxes: first and last coordinate of each, both included.
    Blocks(Vec<(Vec<u64>, Vec<u64>)>),
}

/// One dimension of a regular hyperslab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HyperslabDimension {
    /// First element.
    pub start: u64,
    /// Distance between the beginnings of blocks.
    pub stride: u64,
    /// Number of blocks; `None` is unlimited.
    pub count: Option<u64>,
    /// Elements in a block; `None` is unlimited.
    pub block: Option<u64>,
}

/// One filter of a pipeline.
///
/// Spec: HDF5 File Format 3.0, IV.A.2.l, "The Data Storage - Filter Pipeline Message".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Registered number.
    pub id: u16,
    /// Name, where the file stores one.
    pub name: Option<String>,
    /// Flags; bit 0: the filter is optional.
    pub flags: u16,
    /// Values for the filter.
    pub values: Vec<u32>,
}

impl Filter {
    /// Whether a writer may leave the filter out for a chunk.
    #[must_use]
    pub const fn optional(&self) -> bool {
        self.flags & 1 != 0
    }
}

/// What elements that were never written read as.
///
/// Spec: HDF5 File Format 3.0, IV.A.2.f, "The Data Storage - Fill Value Message".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FillValue {
    /// The value.
    pub value: Fill,
    /// When fill values are written to storage.
    pub write_time: FillTime,
    /// When storage is allocated.
    pub allocation_time: AllocationTime,
}

/// A fill value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fill {
    /// Deliberately none: unwritten elements have no defined content.
    Undefined,
    /// The library's default: all bytes zero.
    Default,
    /// One element in the dataset's datatype.
    User(Bytes),
}

/// When fill values are written to storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FillTime {
    /// When storage is allocated.
    OnAllocation,
    /// Never: allocated storage that was not written has no defined content.
    Never,
    /// When storage is allocated, if the user set a value.
    IfSet,
}

/// When storage is allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllocationTime {
    /// Not stated.
    Unspecified,
    /// When the dataset is created.
    Early,
    /// When something is first written.
    Late,
    /// Chunk by chunk.
    Incremental,
}

/// An attribute.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Name. Bytes that are not UTF-8 are written `\xNN`.
    pub name: String,
    /// Creation order, where the object tracks it.
    pub creation_order: Option<u32>,
    /// Type of an element, as stored.
    pub datatype: Datatype,
    /// Extent.
    pub space: Dataspace,
    /// The elements as stored.
    pub raw: Bytes,
    /// The elements decoded: heap objects fetched, object references resolved.
    pub value: Value,
}
