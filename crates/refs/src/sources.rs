//! What only this project writes next to the references.
//!
//! ```json
//! {"sources":{"s3://bucket/a.nc":{"size":1000,"etag":"\"abc\"","last_modified":"2026-01-31T12:00:00Z"}},
//!  "undefined_fill":["scratch"],"float32":{"tas":["scale_factor"]},
//!  "hiding_dimensions":{"coarse":["lat"]},
//!  "references":{"tas":365},
//!  "lost":{"pr":"checksum is 0x1c2f09aa but the file says 0x99ab3e01"}}
//! ```
//! It stands as the member `rangefold` next to `refs` (JSON) or next to `metadata` (Parquet), where fsspec, kerchunk,
//! xarray and VirtualiZarr pass it over. `sources` is what was known of each object when it was scanned.
//!
//! `hiding_dimensions` are the dimensions of groups
//! that hide those of groups above, which Zarr does not tell ([`crate::Group::dimensions`]). `float32` is the width of packing attributes ([`crate::packing_types`]). Where the member is there, a null `fill_value` means zeros, except for the arrays that `undefined_fill` lists: null is
//! the only way to say zeros without xarray taking them for missing. Without the member null says nothing: kerchunk
//! writes it for variables that netCDF fills with other values.
//!
//! `references` says how many references each array had when it was written, in JSON; Parquet has `records` in its place:
//! per array, the number, references, length and CRC-32 of each record file that there is. What the member does not list was
//! never there; what it lists and cannot be found was lost since. `lost` tells what a damaged file could not give, and
//! stands only where there is any.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::AttributeValue::{self, Integer, List, Map, Text};
use rangefold_array::FillValue;

use crate::parquet::{RecordInfo, RecordTable};
use crate::{Manifest, NodePath, ReferenceSet, RefsError, Source, packing_types};

/// Name of the member.
pub(crate) const MEMBER: &str = "rangefold";

/// The member, read.
#[derive(Debug, Default)]
pub(crate) struct Own {
    sources: BTreeMap<Arc<str>, Source>,
    undefined_fill: BTreeSet<String>,
    float32: Vec<(String, AttributeValue)>,
    hiding_dimensions: Vec<(String, AttributeValue)>,
    lost: BTreeMap<NodePath, String>,
    /// References of each array when it was written.
    pub(crate) references: Option<BTreeMap<NodePath, u64>>,
    /// Records of a Parquet store.
    pub(crate) records: Option<RecordTable>,
}

/// What tells how much there was when a set was written.
pub(crate) enum Extent<'a> {
    /// The manifests of the set.
    Manifests,
    /// Records written beside it.
    Records(&'a RecordTable),
}

impl Own {
    /// Puts into `set` what the member says of it.
    pub(crate) fn apply(self, set: &mut ReferenceSet) {
        packing_types::apply(set, &self.float32);
        for (path, names) in &self.hiding_dimensions {
            if let Some(group) = set.groups.get_mut(path) {
                let names = names.elements().iter().filter_map(AttributeValue::as_text);
                group.dimensions = names.map(str::to_owned).collect();
            }
        }
        set.sources = self.sources;
        set.lost = self.lost;
        for (path, array) in &mut set.arrays {
            if array.meta.fill_value.is_none() && !self.undefined_fill.contains(path) {
                array.meta.fill_value = Some(FillValue(vec![0; array.meta.data_type.size().unwrap_or(0)]));
            }
        }
    }
}

/// The member's value.
pub(crate) fn to_value(set: &ReferenceSet, extent: &Extent<'_>) -> AttributeValue {
    let source = |source: &Source| {
        let members = [
            ("size", source.size.map(|size| Integer(size.into()))),
            ("etag", source.etag.clone().map(Text)),
            ("last_modified", source.last_modified.clone().map(Text)),
        ];
        Map(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
    };
    let table = set.sources.iter().map(|(url, known)| (url.to_string(), source(known))).collect();
    let undefined = set.arrays.iter().filter(|(_, array)| array.meta.fill_value.is_none());
    let undefined = undefined.map(|(path, _)| Text(path.clone())).collect();
    let mut members =
        vec![("sources".to_owned(), Map(table)), ("undefined_fill".to_owned(), List(undefined))];
    let narrow = set.arrays.iter().map(|(path, array)| (path, packing_types::narrow(&array.attributes)));
    let narrow = narrow.filter(|(_, names)| !names.is_empty());
    let narrow: Vec<_> =
        narrow.map(|(path, names)| (path.clone(), List(names.into_iter().map(Text).collect()))).collect();
    if !narrow.is_empty() {
        members.push(("float32".to_owned(), Map(narrow)));
    }
    let names = |names: &BTreeSet<String>| List(names.iter().cloned().map(Text).collect());
    let hiding = set.groups.iter().filter(|(_, group)| !group.dimensions.is_empty());
    let hiding: Vec<_> = hiding.map(|(path, group)| (path.clone(), names(&group.dimensions))).collect();
    if !hiding.is_empty() {
        members.push(("hiding_dimensions".to_owned(), Map(hiding)));
    }
    members.push(match extent {
        Extent::Manifests => {
            let count = |manifest: &Manifest| Integer(i128::try_from(manifest.len()).unwrap_or(i128::MAX));
            let counts = set.arrays.iter().map(|(path, array)| (path.clone(), count(&array.manifest)));
            ("references".to_owned(), Map(counts.collect()))
        }
        Extent::Records(table) => ("records".to_owned(), records_value(table)),
    });
    if !set.lost.is_empty() {
        let lost = set.lost.iter().map(|(path, reason)| (path.clone(), Text(reason.clone())));
        members.push(("lost".to_owned(), Map(lost.collect())));
    }
    Map(members)
}

fn records_value(table: &RecordTable) -> AttributeValue {
    let array = |path: &NodePath, records: &BTreeMap<u64, RecordInfo>| {
        let rows = records.iter().map(|(&number, info)| {
            let RecordInfo { references, length, checksum } = *info;
            List([number, references, length, checksum.into()].map(|n| Integer(n.into())).to_vec())
        });
        (path.clone(), List(rows.collect()))
    };
    Map(table.arrays().map(|(path, records)| array(path, records)).collect())
}

fn records_from_value(value: &AttributeValue) -> Option<RecordTable> {
    let Map(arrays) = value else { return None };
    let mut table = RecordTable::default();
    for (path, rows) in arrays {
        let List(rows) = rows else { return None };
        for row in rows {
            let whole = |value: &AttributeValue| u64::try_from(value.as_integer()?).ok();
            let [number, references, length, checksum] = row.elements() else { return None };
            let checksum = u32::try_from(whole(checksum)?).ok()?;
            let info = RecordInfo { references: whole(references)?, length: whole(length)?, checksum };
            table.insert(path, whole(number)?, info);
        }
    }
    Some(table)
}

/// A member that is an object whose values are what `each` takes.
fn members_of<T>(
    value: &AttributeValue,
    name: &str,
    each: impl Fn(&AttributeValue) -> Option<T>,
) -> Result<Option<BTreeMap<NodePath, T>>, RefsError> {
    let wrong = || RefsError::key(MEMBER, format!("{name:?} is not as it should be"));
    match value.get(name) {
        None => Ok(None),
        Some(Map(members)) => {
            let pair = |(path, value): &(String, AttributeValue)| Some((path.clone(), each(value)?));
            members.iter().map(pair).collect::<Option<_>>().map(Some).ok_or_else(wrong)
        }
        Some(_) => Err(wrong()),
    }
}

/// Reads the member's value.
pub(crate) fn from_value(value: &AttributeValue) -> Result<Own, RefsError> {
    let wrong =
        |url: &str| RefsError::key(MEMBER, format!("the source {url:?} is not described as it should be"));
    let table = match value.get("sources") {
        None => &Vec::new(),
        Some(Map(table)) => table,
        Some(_) => return Err(RefsError::key(MEMBER, "\"sources\" is not an object")),
    };
    let mut sources = BTreeMap::new();
    for (url, known) in table {
        let text = |name: &str| match known.get(name) {
            None => Ok(None),
            Some(Text(text)) => Ok(Some(text.clone())),
            Some(_) => Err(wrong(url)),
        };
        let size = match known.get("size") {
            None => None,
            Some(Integer(size)) => Some(u64::try_from(*size).map_err(|_| wrong(url))?),
            Some(_) => return Err(wrong(url)),
        };
        let source = Source { size, etag: text("etag")?, last_modified: text("last_modified")? };
        sources.insert(Arc::from(url.as_str()), source);
    }
    let paths = value.get("undefined_fill").map(AttributeValue::elements).unwrap_or_default();
    let undefined_fill = paths.iter().filter_map(AttributeValue::as_text).map(str::to_owned).collect();
    let table = |name: &str| match value.get(name) {
        None => Ok(Vec::new()),
        Some(Map(table)) => Ok(table.clone()),
        Some(_) => Err(RefsError::key(MEMBER, format!("{name:?} is not an object"))),
    };
    let (float32, hiding_dimensions) = (table("float32")?, table("hiding_dimensions")?);
    let lost = members_of(value, "lost", |reason| reason.as_text().map(str::to_owned))?.unwrap_or_default();
    let references = members_of(value, "references", |count| u64::try_from(count.as_integer()?).ok())?;
    let wrong = || RefsError::key(MEMBER, "\"records\" is not as it should be");
    let records =
        value.get("records").map(|value| records_from_value(value).ok_or_else(wrong)).transpose()?;
    Ok(Own { sources, undefined_fill, float32, hiding_dimensions, lost, references, records })
}
