//! Filter pipelines.
//!
//! Spec: HDF5 File Format 3.0, IV.A.2.l, "The Data Storage - Filter Pipeline Message".

use super::cursor::{Cursor, widen};
use super::text::{name, until_nul};
use crate::error::Problem;
use crate::limits::FILTERS_MAX;
use crate::model::Filter;

/// Filters below this number are the library's own and have no name in version 2.
const FIRST_REGISTERED: u16 = 256;

/// Cuts a filter pipeline message, version 1 or 2, in the order in which a writer applies the filters.
///
/// # Errors
///
/// [`Problem::Truncated`], [`Problem::Limit`] for more than [`FILTERS_MAX`] filters, [`Problem::Unsupported`] for
/// another version.
pub fn parse(message: &[u8]) -> Result<Vec<Filter>, Problem> {
    let mut cursor = Cursor::new(message);
    let version = cursor.u8()?;
    if !(1..=2).contains(&version) {
        return Err(Problem::unsupported(format!("filter pipeline version {version}")));
    }
    let count = usize::from(cursor.u8()?);
    if count > FILTERS_MAX {
        return Err(Problem::Limit {
            what: "the number of filters",
            limit: widen(FILTERS_MAX),
            found: widen(count),
        });
    }
    cursor.skip(if version == 1 { 6 } else { 0 })?;
    (0..count).map(|_| filter(&mut cursor, version)).collect()
}

fn filter(cursor: &mut Cursor<'_>, version: u8) -> Result<Filter, Problem> {
    let id = cursor.u16()?;
    let name_len = if version == 1 || id >= FIRST_REGISTERED { usize::from(cursor.u16()?) } else { 0 };
    let flags = cursor.u16()?;
    let count = cursor.u16()?;
    let stored_len =
        if version == 1 { name_len.checked_next_multiple_of(8).unwrap_or(usize::MAX) } else { name_len };
    let stored = until_nul(cursor.take(stored_len)?);
    let values = (0..count).map(|_| cursor.u32()).collect::<Result<Vec<_>, _>>()?;
    // Version 1 pads an odd number of values; the last filter's padding is missing in some files.
    if version == 1 && count & 1 == 1 {
        cursor.skip(cursor.remaining().min(4))?;
    }
    Ok(Filter { id, name: (!stored.is_empty()).then(|| name(stored)), flags, values })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1_pads_names_and_values() {
        let mut message = vec![1, 2, 0, 0, 0, 0, 0, 0];
        message.extend([1, 0, 8, 0, 1, 0, 1, 0]);
        message.extend(b"deflate\0");
        message.extend([4, 0, 0, 0, 0, 0, 0, 0]);
        message.extend([3, 0, 0, 0, 0, 0, 0, 0]);
        let filters = parse(&message).unwrap();
        assert_eq!(filters[0].name.as_deref(), Some("deflate"));
        assert_eq!(filters[0].values, [4]);
        assert!(filters[0].optional());
        assert_eq!((filters[1].id, filters[1].flags), (3, 0));
    }

    #[test]
    fn version_2_names_registered_filters_only() {
        let message = [2, 2, 2, 0, 0, 0, 1, 0, 4, 0, 0, 0, 0, 125, 3, 0, 1, 0, 0, 0, b'l', b'z', b'f'];
        let filters = parse(&message).unwrap();
        assert_eq!((filters[0].id, filters[0].name.as_deref()), (2, None));
        assert_eq!((filters[1].id, filters[1].name.as_deref()), (32000, Some("lzf")));
        assert!(parse(&[2, 33]).is_err());
    }
}
