//! What the values of a variable mean to joining: as [`rangefold_cf`] tells.

use rangefold_array::Value;
use rangefold_cf::{Column, Instant, Meaning, TimeUnits};
use rangefold_refs::ManifestArray;

use crate::content::Content;
use crate::input_array::InputArray;

/// The values of a variable, unpacked, and which of them are there.
pub(crate) fn column(array: &ManifestArray, content: &Content) -> Result<Column, String> {
    let meaning = Meaning::of(array).map_err(|error| error.to_string())?;
    match content {
        Content::Texts(texts) => Ok(meaning.texts(texts.clone())),
        Content::Bytes(bytes) => {
            let mut bytes = bytes.clone();
            rangefold_codec::to_native(&mut bytes, &array.meta.data_type);
            meaning.column(&array.meta.data_type, &bytes).map_err(|error| error.to_string())
        }
    }
}

/// Values as instants; `None` where they are missing.
pub(crate) fn instants(units: &TimeUnits, column: &Column) -> Result<Vec<Option<Instant>>, String> {
    let one = |(value, valid): (Value<'_>, &bool)| {
        let told = |instant: Option<Instant>| {
            instant.ok_or_else(|| match (value.to_integer(), value.to_f64()) {
                (Some(value), _) => format!("{value} {units} is not an instant that can be told"),
                (None, Some(value)) => format!("{value} {units} is not an instant that can be told"),
                (None, None) => "its values are not numbers".to_owned(),
            })
        };
        valid.then(|| told(rangefold_cf::instant(units, value))).transpose()
    };
    column.values.iter().zip(&column.valid).map(one).collect()
}

/// The times of one input's variable.
pub(crate) fn times_of(array: &InputArray<'_>, content: &Content) -> Result<Vec<Option<Instant>>, String> {
    let Some(spelling) = &array.times else { return Err("its values are no times".to_owned()) };
    instants(&spelling.units, &column(array.stored, content)?)
}

/// Whether the values of two inputs are the same; those that are times as times, all others as they are stored.
pub(crate) fn same_meaning(
    (a, left): (&InputArray<'_>, Option<&Content>),
    (b, right): (&InputArray<'_>, Option<&Content>),
) -> bool {
    let (Some(left), Some(right)) = (left, right) else { return true };
    if a.stale.is_some() || b.stale.is_some() {
        return true;
    }
    match (&a.times, &b.times) {
        (Some(one), Some(other)) if one.units != other.units || left != right => {
            let (left, right) = (times_of(a, left), times_of(b, right));
            let (calendar, other) = (one.units.calendar(), other.units.calendar());
            let told = |times: &Vec<Option<Instant>>| {
                times.iter().flatten().all(|instant| other.agrees_with(calendar, *instant))
            };
            left == right && left.is_ok_and(|times| told(&times))
        }
        _ => left == right,
    }
}
