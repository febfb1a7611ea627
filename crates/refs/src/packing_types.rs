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
pub(crate) fn apply(set: &mut ReferenceSet, table: &[(String, AttributeValue)]) {
    for (path, names) in table {
        let Some(array) = set.arrays.get_mut(path) else { continue };
        for listed in names.elements().iter().filter_map(AttributeValue::as_text) {
            let mut steps = listed.split('/');
            let Some(first) = steps.next() else { continue };
            if let Some(value) = array.attributes.get_mut(first) {
                narrow_at(value, &mut steps);
            }
        }
    }
}

/// Follows the steps into maps and lists, and narrows what is there.
fn narrow_at<'a>(value: &mut AttributeValue, steps: &mut impl Iterator<Item = &'a str>) {
    match (value, steps.next()) {
        (AttributeValue::Map(members), Some(step)) => {
            if let Some((_, member)) = members.iter_mut().find(|(name, _)| name == step) {
                narrow_at(member, steps);
            }
        }
        (AttributeValue::List(items), Some(step)) => {
            if let Some(item) = step.parse::<usize>().ok().and_then(|row| items.get_mut(row)) {
                narrow_at(item, steps);
            }
        }
        (AttributeValue::List(items), None) => items.iter_mut().for_each(|item| narrow_at(item, steps)),
        (value, None) => {
            #[expect(clippy::cast_possible_truncation, reason = "checked by widening it again")]
            let narrowed = value.as_f64().map(|wide| (wide, wide as f32));
            if let Some((wide, narrow)) = narrowed
                && (f64::from(narrow).to_bits() == wide.to_bits() || wide.is_nan())
            {
                *value = AttributeValue::Float32(narrow);
            }
        }
        (_, Some(_)) => {}
    }
}
