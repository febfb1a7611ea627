//! One netCDF-4 or HDF5 file to one kerchunk reference set.
//!
//! ```text
//! object ─ rangefold-hdf5 ─► File ─ Draft ─► bytes of small and odd chunks ─► Scan { references, skipped, warnings }
//! ```
//! The rule: nothing ever reads back as fill that is not. A variable that cannot be referenced faithfully is left out and
//! listed in [`Scan::skipped`] with the reason.
//!
//! | module | decides |
//! |---|---|
//! | `tree` | which paths there are: hard and soft links, groups, cycles |
//! | `dimensions` | which dimension an axis lies on, its name and length |
//! | `element` | the element type |
//! | `filters` | the codecs |
//! | `fill` | what absent chunks hold, and what marks missing values |
//! | `absent` | whether a fill value says so, or the chunks are written out |
//! | `storage` | which bytes hold the chunks, in this file or in others |
//! | `geometry` | the chunk grid, of the dataset and of the longer dimensions it lies on |
//! | `variable` | which chunks can be references and which must be looked at |
//! | `virtual_dataset` | which chunks of other datasets a virtual one is made of |
//! | `external_links` | what links into other files lead to, under names of this one |
//! | `neighbours` | where the files are that this one names |
//! | `budget` | how much may be stored in the references |
//! | `attributes` | attributes as JSON |
//! | `strings` | strings of variable length |
//! | `draft` | the order of it all, without I/O |
//! | `scan` | fetching |
//! | `many` | many files at once |

mod absent;
mod attributes;
mod budget;
mod damage;
mod dimensions;
mod draft;
mod element;
mod external_link;
mod external_links;
mod fill;
mod filters;
mod geometry;
mod many;
mod neighbours;
mod options;
mod report;
mod scale;
mod scan;
mod shown;
mod sniff;
mod storage;
mod strings;
mod time;
mod tree;
mod variable;
mod virtual_dataset;

pub use draft::{Decoded, Draft};
pub use many::{ScanFile, ScanLimits, Scanned, scan_many};
pub use options::{ScanOptions, Select};
pub use report::{Skipped, Warning};
pub use scan::{ScanError, scan, scan_tuned};
pub use sniff::looks_like;

use std::collections::BTreeSet;

use rangefold_hdf5::trace::Trace;
use rangefold_refs::ReferenceSet;

/// What a file gave.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The references.
    pub references: ReferenceSet,
    /// What is not in them, in order of path.
    pub skipped: Vec<Skipped>,
    /// What a reader of the references should know, in order of path.
    pub warnings: Vec<Warning>,
    /// The requests that were made.
    pub trace: Trace,
    /// Arrays that are longer than their datasets, because their dimensions are.
    pub(crate) extended: BTreeSet<String>,
}
