//! What only this project writes next to the references.
//!
//! ```json
//! {"sources":{"s3://bucket/a.nc":{"size":1000,"etag":"\"abc\"","last_modified":"2026-01-31T12:00:00Z"}},
//!  "undefined_fill":["scratch"],"float32":{"tas":["scale_factor"]},
//!  "hiding_dimensions":{"coarse":["lat"]}}
//! ```
//! It stands as the member `rangefold` next to `refs` (JSON) or next to `metadata` (Parquet), where fsspec, kerchunk,
//! xarray and VirtualiZarr pass it over. `sources` is what was known of each object when it was scanned.
//!
//! `hiding_dimensions` are the dimensions of groups
//! that hide those of groups above, which Zarr does not tell ([`crate::Group::dimensions`]). `float32` is the width of packing attributes ([`crate::packing_types`]). Where the member is there, a null `fill_value` means zeros, except for the arrays that `undefined_fill` lists: null is
//! the only way to say zeros without xarray taking them for missing. Without the member null says nothing: kerchunk
//! writes it for variables that netCDF fills with other values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::AttributeValue::{self, Integer, List, Map, Text};
use rangefold_array::FillValue;

use crate::{ReferenceSet, RefsError, Source, packing_types};

/// Name of the member.
pub(crate) const MEMBER: &str = "rangefold";

/// The member, read.
#[derive(Debug, Default)]
pub(crate) struct Own {
    sources: BTreeMap<Arc<str>, Source>,
    undefined_fill: BTreeSet<String>,
    float32: Vec<(String, AttributeValue)>,
    hiding_dimensions: Vec<(String, AttributeValue)>,
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
        for (path, array) in &mut set.arrays {
            if array.meta.fill_value.is_none() && !self.undefined_fill.contains(path) {
                array.meta.fill_value = Some(FillValue(vec![0; array.meta.data_type.size().unwrap_or(0)]));
            }
        }
    }
}

/// The member's value.
pub(crate) fn to_value(set: &ReferenceSet) -> AttributeValue {
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
    Map(members)
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
    Ok(Own { sources, undefined_fill, float32, hiding_dimensions })
}
