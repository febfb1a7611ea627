//! Joining variables by value.

use rangefold_refs::ManifestArray;

use crate::place::{JoinedAxis, Part};
use crate::{CombineError, Content, encode};

/// Joins the values of all parts along their joined axes. Where two parts hold values for the same place, these must
/// be equal; a place that none fills is an error.
pub(crate) fn join<'c>(
    path: &str,
    parts: &[Part<'_>],
    joined: &[JoinedAxis<'_>],
    content: impl Fn(&Part<'_>) -> Result<&'c Content, CombineError>,
) -> Result<ManifestArray, CombineError> {
    let Some(first) = parts.first() else { return Err(CombineError::NoInputs) };
    let mut shape = first.array.meta.shape().to_vec();
    for joined in joined {
        if let Some(length) = joined.source.and_then(|source| shape.get_mut(source)) {
            *length = joined.axis.len();
        }
    }
    let total = shape.iter().try_fold(1_usize, |n, &length| n.checked_mul(usize::try_from(length).ok()?));
    let total = total.ok_or_else(|| CombineError::Variable {
        variable: path.to_owned(),
        input: first.name.to_owned(),
        reason: format!("shape {shape:?} is too large to be joined by value"),
    })?;
    let size = first.array.meta.data_type.size().unwrap_or(0);
    let mut bytes = vec![0_u8; total.saturating_mul(size)];
    let mut texts = vec![String::new(); if size == 0 { total } else { 0 }];
    let mut filled_by: Vec<Option<usize>> = vec![None; total];
    for (row, part) in parts.iter().enumerate() {
        let values = content(part)?;
        let targets = targets(path, part, joined, &shape)?;
        for (from, to) in targets.into_iter().enumerate() {
            let Some(owner) = filled_by.get_mut(to) else { continue };
            let equal = match values {
                Content::Bytes(values) => {
                    let value = values.get(from * size..(from + 1) * size).unwrap_or_default();
                    let slot = bytes.get_mut(to * size..(to + 1) * size).unwrap_or_default();
                    put(owner.is_some(), slot, value)
                }
                Content::Texts(values) => match (values.get(from), texts.get_mut(to)) {
                    (Some(value), Some(slot)) if owner.is_none() => {
                        slot.clone_from(value);
                        true
                    }
                    (value, slot) => value.zip(slot).is_some_and(|(value, slot)| value == slot),
                },
            };
            if !equal {
                return Err(CombineError::Overlap {
                    variable: path.to_owned(),
                    label: format!("element {to}"),
                    first: owner.and_then(|o| parts.get(o)).map_or("", |p| p.name).to_owned(),
                    second: part.name.to_owned(),
                });
            }
            owner.get_or_insert(row);
        }
    }
    if let Some(hole) = filled_by.iter().position(Option::is_none) {
        return Err(CombineError::Variable {
            variable: path.to_owned(),
            input: first.name.to_owned(),
            reason: format!("no input holds element {hole} of the joined variable"),
        });
    }
    let content = if size == 0 { Content::Texts(texts) } else { Content::Bytes(bytes) };
    let meta = &first.array.meta;
    encode::inline(
        path,
        &shape,
        meta.dimension_names.clone(),
        meta.data_type.clone(),
        meta.fill_value.clone(),
        first.array.attributes.clone(),
        &content,
    )
}

/// Writes `value` into an empty slot, or compares it with a filled one.
fn put(filled: bool, slot: &mut [u8], value: &[u8]) -> bool {
    if slot.len() != value.len() {
        return false;
    }
    if filled {
        return slot == value;
    }
    slot.copy_from_slice(value);
    true
}

/// For each element of a part in row-major order, its number in the joined array.
fn targets(
    path: &str,
    part: &Part<'_>,
    joined: &[JoinedAxis<'_>],
    shape: &[u64],
) -> Result<Vec<usize>, CombineError> {
    let own = part.array.meta.shape();
    let mut targets = vec![0_usize];
    for (axis, (&length, &total)) in own.iter().zip(shape).enumerate() {
        let places = joined.iter().find(|j| j.source == Some(axis)).map(|j| {
            (j.axis.dimension.as_str(), j.axis.places.get(part.input).map(Vec::as_slice).unwrap_or_default())
        });
        if let Some((dimension, places)) = places
            && places.len() as u64 != length
        {
            return Err(CombineError::LabelCount {
                dimension: dimension.to_owned(),
                input: part.name.to_owned(),
                labels: places.len(),
                variable: path.to_owned(),
                length,
            });
        }
        let place = |k: u64| match places {
            Some((_, places)) => usize::try_from(k).ok().and_then(|k| places.get(k)).copied().unwrap_or(0),
            None => k,
        };
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        targets = targets
            .iter()
            .flat_map(|&base| (0..length).map(move |k| (base, k)))
            .map(|(base, k)| {
                base.saturating_mul(total).saturating_add(usize::try_from(place(k)).unwrap_or(usize::MAX))
            })
            .collect();
    }
    Ok(targets)
}
