//! The side table of what was known of each object when it was scanned.
//!
//! ```json
//! {"sources":{"s3://bucket/a.nc":{"size":1000,"etag":"\"abc\"","last_modified":"2026-01-31T12:00:00Z"}}}
//! ```
//! It stands as the member `rangefold` next to `refs` (JSON) or next to `metadata` (Parquet), where fsspec, kerchunk,
//! xarray and VirtualiZarr pass it over.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::AttributeValue::{self, Integer, Map, Text};
use crate::{RefsError, Source};

/// Name of the member.
pub(crate) const MEMBER: &str = "rangefold";

/// The member's value; `None` if nothing is known.
pub(crate) fn to_value(sources: &BTreeMap<Arc<str>, Source>) -> Option<AttributeValue> {
    if sources.is_empty() {
        return None;
    }
    let source = |source: &Source| {
        let members = [
            ("size", source.size.map(|size| Integer(size.into()))),
            ("etag", source.etag.clone().map(Text)),
            ("last_modified", source.last_modified.clone().map(Text)),
        ];
        Map(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
    };
    let table = sources.iter().map(|(url, known)| (url.to_string(), source(known))).collect();
    Some(Map(vec![("sources".to_owned(), Map(table))]))
}

/// Reads the member's value.
pub(crate) fn from_value(value: &AttributeValue) -> Result<BTreeMap<Arc<str>, Source>, RefsError> {
    let wrong =
        |url: &str| RefsError::key(MEMBER, format!("the source {url:?} is not described as it should be"));
    let table = match value.get("sources") {
        None => return Ok(BTreeMap::new()),
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
    Ok(sources)
}
