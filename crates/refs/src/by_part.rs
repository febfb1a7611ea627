//! Attributes that hold each for a part of one axis: files whose numbers are packed differently, joined.
//!
//! ```text
//! tas/.zarray  {… "filters":[{"id":"rangefold_attributes_by_part","axis":0},{"id":"zlib","level":4}] …}
//! tas/.zattrs  {… "attributes_by_part":{"ends":[31,59],"scale_factor":[0.001,0.002],"add_offset":[273.15,270.5],
//!               "_FillValue":[-32767,null],"fill_value":[-32767,-32767]} …}
//! ```
//! `ends` are the positions at which parts end, ascending, the last being the length of the axis. Every other member
//! is an attribute with its value in each part, null where the part does not have it; `fill_value` is no attribute but
//! what absent chunks hold. No chunk lies in two parts.
//!
//! The filter changes no byte. It is there because a reader that does not know it refuses the array, where without it
//! the reader would take one file's packing for that of all, or none.
//!
//! Compatible implementations: none; zarr-python, xarray, kerchunk, VirtualiZarr and zarrs refuse the filter by name.

use rangefold_array::{AxisChunks, CodecSpec, FillValue};

use crate::AttributeValue::{self, Integer, List, Map, Null};
use crate::element::{fill_from_value, fill_to_value};
use crate::error::Problem;
use crate::{Attributes, Manifest, ManifestArray};

/// Attributes that may hold by parts: those that say which stored numbers are missing, and what the others mean.
pub const NAMES: [&str; 8] = [
    "scale_factor",
    "add_offset",
    "_FillValue",
    "missing_value",
    "_Unsigned",
    "valid_min",
    "valid_max",
    "valid_range",
];

/// The attribute that holds the table.
pub const TABLE: &str = "attributes_by_part";
/// Where parts end.
const ENDS: &str = "ends";
/// What absent chunks hold.
const FILL: &str = "fill_value";

/// More parts are refused.
const PARTS_MAX: usize = 1 << 24;

/// What holds in one part of the axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The position after its last.
    pub end: u64,
    /// What its absent chunks hold; `None` if that is undefined.
    pub fill_value: Option<FillValue>,
    /// Its attributes, of those in [`NAMES`]; all others hold for the whole array.
    pub attributes: Attributes,
}

impl Part {
    /// `array` without references, as it would be if all of it were like this part.
    #[must_use]
    pub fn of(&self, array: &ManifestArray) -> ManifestArray {
        let mut meta = array.meta.clone();
        meta.codecs = array.meta.element_codecs().to_vec();
        meta.fill_value.clone_from(&self.fill_value);
        let mut attributes = array.attributes.clone();
        attributes.remove(TABLE);
        for (name, value) in self.attributes.iter() {
            attributes.insert(name, value.clone());
        }
        ManifestArray { meta, attributes, manifest: Manifest::default() }
    }
}

/// The axis along which attributes hold by parts, and the parts in order; `None` if they hold for the whole array.
#[must_use]
pub fn parts(array: &ManifestArray) -> Option<(usize, Vec<Part>)> {
    read(array).ok().flatten()
}

/// Makes attributes hold by parts of `axis`. Those that all parts have alike stay attributes of the whole array.
///
/// The parts must end where chunks end, and the last where the axis does; else the array cannot be read again.
pub fn set_parts(array: &mut ManifestArray, axis: usize, parts: &[Part]) {
    let value = |part: &Part, name: &str| part.attributes.get(name).cloned().unwrap_or(Null);
    let mut table =
        vec![(ENDS.to_owned(), List(parts.iter().map(|part| Integer(part.end.into())).collect()))];
    for name in NAMES {
        let column: Vec<AttributeValue> = parts.iter().map(|part| value(part, name)).collect();
        array.attributes.remove(name);
        match column.first() {
            Some(first) if column.iter().all(|value| value == first) => {
                if *first != Null {
                    array.attributes.insert(name, first.clone());
                }
            }
            _ => table.push((name.to_owned(), List(column))),
        }
    }
    let data_type = &array.meta.data_type;
    let fills = parts.iter().map(|part| fill_to_value(part.fill_value.as_ref(), data_type));
    table.push((FILL.to_owned(), List(fills.collect())));
    array.attributes.insert(TABLE, Map(table));
    array.meta.fill_value = None;
    array.meta.codecs = array.meta.element_codecs().to_vec();
    array.meta.codecs.insert(0, CodecSpec::AttributesByPart { axis });
}

/// Checks that an array whose attributes hold by parts says which, and for which.
pub(crate) fn check(array: &ManifestArray) -> Result<(), Problem> {
    read(array).map(|_| ())
}

fn read(array: &ManifestArray) -> Result<Option<(usize, Vec<Part>)>, Problem> {
    let Some(axis) = array.meta.parted_axis() else { return Ok(None) };
    let wrong = |what: &str| Problem::Wrong(format!("{TABLE:?}: {what}"));
    let (Some(&length), Some(chunks)) = (array.meta.shape().get(axis), array.meta.grid.axes().get(axis))
    else {
        return Err(wrong("there is no such axis"));
    };
    let Some(Map(table)) = array.attributes.get(TABLE) else { return Err(wrong("it is missing")) };
    let columns: Vec<(&str, &[AttributeValue])> = table
        .iter()
        .map(|(name, column)| match column {
            List(values) => Ok((name.as_str(), values.as_slice())),
            _ => Err(wrong("a member is not a list")),
        })
        .collect::<Result<_, _>>()?;
    let column = |wanted: &str| columns.iter().find(|(name, _)| *name == wanted).map(|(_, column)| *column);
    let (Some(ends), Some(fills)) = (column(ENDS), column(FILL)) else {
        return Err(wrong("there must be ends and fill values"));
    };
    if ends.len() > PARTS_MAX {
        return Err(Problem::Unsupported(format!("an axis of {} parts (more than {PARTS_MAX})", ends.len())));
    }
    if let Some((name, _)) =
        columns.iter().find(|(name, _)| ![ENDS, FILL].contains(name) && !NAMES.contains(name))
    {
        return Err(Problem::Unsupported(format!("attribute {name:?} by part")));
    }
    if columns.iter().any(|(_, column)| column.len() != ends.len()) {
        return Err(wrong("a member has not one value for each part"));
    }
    let mut parts = Vec::with_capacity(ends.len());
    let mut start = 0;
    for (row, (end, fill)) in ends.iter().zip(fills).enumerate() {
        let end = end.as_integer().and_then(|end| u64::try_from(end).ok());
        let end = end.filter(|&end| end > start && end <= length);
        let end = end.ok_or_else(|| wrong("parts do not end one after the other"))?;
        if end < length && !ends_a_chunk(chunks, end) {
            return Err(wrong("a part ends inside a chunk"));
        }
        let values = columns.iter().filter(|(name, _)| NAMES.contains(name));
        let values = values.filter_map(|(name, column)| Some(((*name).to_owned(), column.get(row)?.clone())));
        let attributes = values.filter(|(_, value)| *value != Null).collect();
        parts.push(Part { end, fill_value: fill_from_value(fill, &array.meta.data_type)?, attributes });
        start = end;
    }
    if start == length {
        Ok(Some((axis, parts)))
    } else {
        Err(wrong("parts do not reach the end of the axis"))
    }
}

fn ends_a_chunk(chunks: &AxisChunks, end: u64) -> bool {
    match chunks {
        AxisChunks::Regular { length } => end.checked_rem(*length) == Some(0),
        AxisChunks::Listed { bounds } => bounds.binary_search(&end).is_ok(),
    }
}
