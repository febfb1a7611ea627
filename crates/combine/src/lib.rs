//! Many reference sets to one, refusing what would be silently wrong.
//!
//! ```text
//! inputs ─metadata─► axes, roles ─read─► labels ─plan─► by reference | by value | shared ─compare, read─► Joined
//! ```
//! Everything between the two reads is a pure function of the inputs. A [`Joined`] still holds no reference of its own:
//! they are drawn from the inputs in order, into a manifest ([`combine()`]) or while they are saved ([`join()`]).
//!
//! # What becomes of a variable
//!
//! | it | becomes |
//! |---|---|
//! | is the coordinate of a joined dimension | the sorted union of all labels, inline; bit for bit where all inputs agree on type and units; else times are numbers of one input's units, with its attributes, or whole numbers of a finer unit where those cannot say all of them |
//! | lies on a joined dimension | joined by reference: each chunk of an input is one chunk of the result |
//! | so, with up to 64 bytes a label, and describes others (bounds) or cannot be joined by reference | joined by value, inline; times in the units of the joined axis |
//! | holds data in an input that lacks a joined dimension but has a label for it | gains the dimension, in front |
//! | describes others there: bounds of the labels; small coordinates and bounds that are not the same in every input | gains the dimension too |
//! | lies on no joined dimension | kept once, after its values in all inputs have been compared; times as dates, whatever their units |
//! | has a joined dimension twice | refused, unless every input holds it whole |
//!
//! A dimension means the nearest coordinate variable of its name, from a variable's group to the root, so that groups
//! with times of their own are joined each along its own.
//!
//! # What is decided how
//!
//! | question | default | instead |
//! |---|---|---|
//! | where labels come from | the coordinate variable, as times if its units are | [`Selector`] |
//! | order of labels | ascending | [`Sort`] |
//! | data of two inputs at the same labels | refused, unless the references are the same | [`Overlap`]: decode and compare, first, last |
//! | labels at which no input holds a variable; shared variables that inputs lack | refused | [`MissingVariable`]: fill (the declared fill value, else netCDF's default, which is then declared; refused where there is none), drop |
//! | chunks that do not meet at the borders of one regular grid | refused | [`ChunkRule::Rectilinear`]; [`combine_split`] |
//! | packing and missing values that differ | refused, with the majority and who is not of it | [`PackingRule::ByPart`]; [`combine_split`] |
//! | data type, codecs, chunk shape, dimensions, units that differ | refused likewise | [`combine_split`] |
//! | shared variables whose values differ | refused | [`Tolerance`] |
//! | standard names, cell methods and what else says what a variable is ([`is_description`]); parameters of grid mappings | refused | [`AttributeRule`] |
//! | other attributes that differ | left out, and told | [`AttributeRule`] |
//! | an object that has changed between two scans | refused | [`Overlap::Last`]: what is new takes the place of all that is old |
//! | different calendars, but for `standard` and `proleptic_gregorian` from 1582-10-15 on; labels twice in an input; NaN or missing labels | refused | – |
//!
//! An absent chunk makes no claim: it gives way to a chunk that another input has there, under every policy. That is
//! what makes sets with holes grow by [`Input::combined`] to the same set, whatever the order.
//!
//! # Rectilinear grids
//!
//! Months of 31, 28 and 31 days in a chunk each are no regular grid. Zarr v2 and kerchunk's Parquet layout cannot say
//! them; with [`ChunkRule::Rectilinear`] the set is written as Zarr v3 JSON with the extension `rectilinear`:
//!
//! | reader | what it does with it |
//! |---|---|
//! | rangefold, `zarrs` 0.23 | reads it |
//! | zarr-python 3.4 | reads it after `zarr.config.set({"array.rectilinear_chunks": True})`, else refuses |
//! | xarray 2026.9 | as zarr-python, with `xr.open_zarr(store, zarr_format=3, consolidated=False)`; `engine="kerchunk"` asks for v2 and finds no group |
//! | VirtualiZarr 2.8 | as zarr-python: refuses unless that option is set |
//! | zarr-python before 3.2 | refuses: an unknown chunk grid |
//!
//! Checked with Python 3.13, zarr-python 3.4.2, xarray 2026.9.0 and VirtualiZarr 2.8.0 on months of 31, 28, 31 and 30 days
//! in a chunk each: the values are those of `xarray.concat` over the files.
//!
//! A chunk that the file pads, such as the last of a length that its chunk shape does not divide, decodes to more than
//! its part of the axis. No grid can say that inside an axis, so it is refused here too.
//!
//! # Packing by file
//!
//! Files of one archive are often packed each with its own `scale_factor`, `add_offset` and `_FillValue`. No Zarr array
//! can say that. With [`PackingRule::ByPart`] these attributes are told for each part of the joined axis
//! ([`rangefold_refs::by_part`]), in JSON, Parquet and Zarr v3 alike. rangefold unpacks and reduces each part as the file
//! alone would be; every other reader refuses the array, because of a filter it does not know, instead of unpacking
//! all files as the first one. Only what says which stored numbers are missing and what the others mean may differ so;
//! types, units and codecs may not.
//!
//! | reader | what it does with it |
//! |---|---|
//! | rangefold: `get`, `reduce` and what else unpacks | reads it |
//! | rangefold with values as they are stored | gives the packed numbers |
//! | `zarrs` over a rangefold store | lists all variables but that one, and says why when it is asked for |
//! | zarr-python 3.1.6 and 3.4.2, VirtualiZarr 2.8, on Zarr v2 and v3 | refuse: an unknown codec |
//! | xarray, `engine="kerchunk"` and `"zarr"` | refuses the whole set, whatever `drop_variables` says; give such variables a set of their own |

mod attributes;

mod combine;
mod compare;
mod content;
mod cut;
mod describing;
mod draw;
mod encode;
mod error;
mod found;
mod holes;
mod input;
mod input_array;
mod join_plan;
mod joined;
mod joined_axis;
mod labelling;
mod labels;
mod mark;
mod meaning;
mod numbers;
mod objects;
mod packing;
mod place;
mod places;
mod planned_axis;
mod read;
mod replaced;
mod result;
mod roles;
mod room;
mod scopes;
mod selector;

mod spec;
mod split;
mod times;
mod values;
mod words;
mod written;

pub use combine::{Combined, combine, join};
pub use compare::is_description;
pub use error::{CombineError, Error, Offender};
pub use input::Input;
pub use result::{Joined, JoinedArray};
pub use selector::{Selector, SelectorError};
pub use spec::{
    AttributeRule, ChunkRule, CombineSpec, MissingVariable, Overlap, PackingRule, Sort, Tolerance,
};
pub use split::{Piece, combine_split};
pub use words::{Mismatch, SpecError, UnknownWord, Word};
