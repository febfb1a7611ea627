//! The width of `scale_factor` and `add_offset`, which JSON does not tell.
//!
//! Packed integers become floats of the width of these attributes: `0.5` as float32 unpacks to other numbers than `0.5` as
//! float64. Those that are float32 in the file are listed beside the references, in the member `rangefold` that other
//! readers pass over:
//!
//! ```json
//! {"float32":{"tas":["scale_factor","add_offset"],
//!             "pr":["attributes_by_part/scale_factor","attributes_by_part/add_offset/2"]}}
//! ```
//! The second array is packed differently in each part ([`crate::by_part`]): `scale_factor` is float32 in all of them,
//! `add_offset` in the part number 2. All others are float64, and so are those of stores that other programs wrote:
//! Python reads every JSON number as one, and xarray unpacks accordingly.

use std::collections::BTreeSet;

use crate::by_part::TABLE;
use crate::{AttributeValue, Attributes, ReferenceSet};

/// The attributes whose width matters.
pub const NAMES: [&str; 2] = ["scale_factor", "add_offset"];

/// Which of an array's attributes are float32; none for most arrays.
pub(crate) fn narrow(attributes: &Attributes) -> Vec<String> {
    let is_narrow = |value: &AttributeValue| matches!(value, AttributeValue::Float32(_));
    let mut found: Vec<String> = Vec::new();
    for name in NAMES {
        if attributes.get(name).is_some_and(is_narrow) {
            found.push(name.to_owned());
        }
        let Some(AttributeValue::List(column)) = attributes.get(TABLE).and_then(|table| table.get(name))
        else {
            continue;
        };
        let is_wide = |value: &AttributeValue| matches!(value, AttributeValue::Float(_));
        if column.iter().any(is_narrow) && !column.iter().any(is_wide) {
            found.push(format!("{TABLE}/{name}"));
        } else {
            let rows = (0..).zip(column).filter(|(_, value)| is_narrow(value));
            found.extend(rows.map(|(row, _): (usize, _)| format!("{TABLE}/{name}/{row}")));
        }
    }
    found
}

/// Makes attributes float32 that are listed so; a number that float32 cannot hold stays what it is.
///
/// Looks once at each attribute and each part, however many names are listed.
pub(crate) fn apply(set: &mut ReferenceSet, table: &[(String, AttributeValue)]) {
    for (path, names) in table {
        let Some(array) = set.arrays.get_mut(path) else { continue };
        let listed: BTreeSet<&str> = names.elements().iter().filter_map(AttributeValue::as_text).collect();
        for name in NAMES.into_iter().filter(|name| listed.contains(name)) {
            if let Some(value) = array.attributes.get_mut(name) {
                narrow_one(value);
            }
        }
        let Some(AttributeValue::Map(columns)) = array.attributes.get_mut(TABLE) else { continue };
        for (name, column) in columns.iter_mut().filter(|(name, _)| NAMES.contains(&name.as_str())) {
            let AttributeValue::List(column) = column else { continue };
            let all = listed.contains(format!("{TABLE}/{name}").as_str());
            for (row, value) in column.iter_mut().enumerate() {
                if all || listed.contains(format!("{TABLE}/{name}/{row}").as_str()) {
                    narrow_one(value);
                }
            }
        }
    }
}

/// Makes a number float32 if that loses nothing.
fn narrow_one(value: &mut AttributeValue) {
    let Some(wide) = value.as_f64() else { return };
    #[expect(clippy::cast_possible_truncation, reason = "checked by widening it again")]
    let narrow = wide as f32;
    if f64::from(narrow).to_bits() == wide.to_bits() || wide.is_nan() {
        *value = AttributeValue::Float32(narrow);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ManifestArray;

    #[test]
    fn what_is_narrow_is_narrow_again_and_nothing_else() {
        let float32 = |x: f32| AttributeValue::Float32(x);
        let float64 = AttributeValue::Float(0.5);
        let column = AttributeValue::List(vec![float32(0.5), float64.clone(), AttributeValue::Null]);
        let table = AttributeValue::Map(vec![
            ("ends".to_owned(), AttributeValue::Integer(3)),
            ("scale_factor".to_owned(), column),
            ("add_offset".to_owned(), AttributeValue::List(vec![float32(1.5); 3])),
        ]);
        let attributes: Attributes = [
            ("scale_factor".to_owned(), float64),
            ("add_offset".to_owned(), float32(0.1)),
            (TABLE.to_owned(), table),
        ]
        .into_iter()
        .collect();
        let names = narrow(&attributes);
        assert_eq!(
            names,
            ["attributes_by_part/scale_factor/0", "add_offset", "attributes_by_part/add_offset"]
        );
        // As JSON gives them back: every float is wide.
        let text = crate::zarr_v2::group_zattrs(&attributes);
        let read = crate::zarr_v2::parse_attributes("", &text).unwrap();
        let meta = crate::zarr_v2::parse_array(
            "v",
            r#"{"zarr_format":2,"shape":[],"chunks":[],"dtype":"<i2","fill_value":null,"order":"C","filters":null,"compressor":null}"#,
            None,
        );
        let mut set = ReferenceSet::new();
        set.arrays.insert("v".to_owned(), ManifestArray { attributes: read, ..meta.unwrap() });
        let listed = AttributeValue::List(names.into_iter().map(AttributeValue::Text).collect());
        apply(&mut set, &[("v".to_owned(), listed)]);
        assert_eq!(set.arrays["v"].attributes, attributes);
    }
}
