//! Joining variables whose numbers each input packs in its own way.
//!
//! Where they differ, the attributes that say what stored numbers mean are told for each part of one joined axis
//! ([`by_part`]). Parts are found position by position, so that neither the order nor the grouping of the inputs makes
//! a difference.

use std::collections::BTreeMap;

use rangefold_array::FillValue;
use rangefold_refs::{Attributes, ManifestArray, by_part};

use crate::CombineError;
use crate::input_array::InputArray;
use crate::joined_axis::JoinedAxis;

/// What stored numbers mean.
#[derive(Clone, Debug)]
struct Meaning {
    fill_value: Option<FillValue>,
    attributes: Attributes,
}

/// The number of each meaning, and for each part of the variable where which of them ends.
#[derive(Default)]
struct Meanings {
    known: BTreeMap<String, usize>,
    list: Vec<Meaning>,
}

impl Meanings {
    /// The number of the meaning that holds for all of `array`.
    fn number(&mut self, array: &ManifestArray) -> usize {
        let named = by_part::NAMES.iter().filter_map(|&name| {
            let value = array.attributes.get(name)?;
            Some((name.to_owned(), value.clone()))
        });
        let meaning = Meaning { fill_value: array.meta.fill_value.clone(), attributes: named.collect() };
        let number = *self.known.entry(format!("{meaning:?}")).or_insert(self.list.len());
        if number == self.list.len() {
            self.list.push(meaning);
        }
        number
    }
}

/// The meanings of one input's numbers: the axis along which they change, and the position after the last of each with
/// its number.
struct Run {
    axis: Option<usize>,
    ends: Vec<(u64, usize)>,
}

/// Two inputs that pack the numbers at one label differently.
struct Conflict {
    rows: (usize, usize),
    label: String,
}

/// The joined axis, by its number among `axes`, along which the meaning of numbers changes, and the parts of it; `None`
/// if it does not change.
///
/// # Errors
///
/// [`CombineError::Variable`] if it changes along no single axis; [`CombineError::Hole`] if there are labels at which
/// no input says what numbers mean.
pub(crate) fn parts_of(
    variable: &str,
    arrays: &[InputArray<'_>],
    axes: &[&JoinedAxis],
    input_count: usize,
) -> Result<Option<(usize, Vec<by_part::Part>)>, CombineError> {
    let mut meanings = Meanings::default();
    let runs: Vec<Run> = arrays
        .iter()
        .map(|array| match by_part::parts(array.stored) {
            None => Run { axis: None, ends: vec![(u64::MAX, meanings.number(array.stored))] },
            Some((axis, own)) => {
                let ends = own.iter().map(|own| (own.end, meanings.number(&own.of(array.stored))));
                Run { axis: Some(axis), ends: ends.collect() }
            }
        })
        .collect();
    if meanings.list.len() < 2 {
        return Ok(None);
    }
    let mut conflict = None;
    for (number, axis) in axes.iter().enumerate() {
        let numbers = match along(arrays, &runs, axis, number) {
            Ok(Some(numbers)) => numbers,
            Ok(None) => continue,
            Err(found) => {
                conflict.get_or_insert(found);
                continue;
            }
        };
        if let Some(hole) = numbers.iter().position(Option::is_none) {
            return Err(CombineError::Hole {
                variable: variable.to_owned(),
                label: u32::try_from(hole).map(|hole| axis.printed(hole)).unwrap_or_default(),
                present: arrays.len(),
                inputs: input_count,
                no_fill_value: true,
            });
        }
        let mut found: Vec<by_part::Part> = Vec::new();
        let mut end = 0;
        for same in numbers.chunk_by(|a, b| a == b) {
            end += same.len() as u64;
            let meaning = same.first().copied().flatten().and_then(|number| meanings.list.get(number));
            found.extend(meaning.map(|Meaning { fill_value, attributes }| by_part::Part {
                end,
                fill_value: fill_value.clone(),
                attributes: attributes.clone(),
            }));
        }
        return Ok(Some((number, found)));
    }
    let name = |row: usize| arrays.get(row).map_or("", |array| array.name).to_owned();
    let (input, other) = conflict.map_or_else(
        || (name(0), "along an axis that is not joined".to_owned()),
        |Conflict { rows, label }| (name(rows.1), format!("than in {} at {label}", name(rows.0))),
    );
    Err(CombineError::Variable {
        variable: variable.to_owned(),
        input,
        reason: format!(
            "its numbers are packed differently {other}: packing may change along one joined axis only"
        ),
    })
}

/// The number of the meaning at each position of a joined axis. `None` if the meaning changes along another axis of
/// some input.
fn along(
    arrays: &[InputArray<'_>],
    runs: &[Run],
    axis: &JoinedAxis,
    number: usize,
) -> Result<Option<Vec<Option<usize>>>, Conflict> {
    let length = usize::try_from(axis.len()).unwrap_or(0);
    let mut found: Vec<Option<(usize, usize)>> = vec![None; length];
    for (row, (array, run)) in arrays.iter().zip(runs).enumerate() {
        let own = array.own_axes.get(number).copied().flatten();
        if run.axis.is_some() && run.axis != own {
            return Ok(None);
        }
        let Some(places) = axis.places.get(array.input).and_then(Option::as_ref) else { continue };
        let mut ends = run.ends.iter().peekable();
        for (position, place) in (0..).zip(places.iter()) {
            while ends.peek().is_some_and(|(end, _)| *end <= position) {
                ends.next();
            }
            let Some(&&(_, meaning)) = ends.peek() else { continue };
            let Some(slot) = usize::try_from(place).ok().and_then(|place| found.get_mut(place)) else {
                continue;
            };
            match *slot {
                Some((there, first)) if there != meaning => {
                    let label = u32::try_from(place).map(|place| axis.printed(place)).unwrap_or_default();
                    return Err(Conflict { rows: (first, row), label });
                }
                Some(_) => {}
                None => *slot = Some((meaning, row)),
            }
        }
    }
    Ok(Some(found.into_iter().map(|slot| slot.map(|(meaning, _)| meaning)).collect()))
}
