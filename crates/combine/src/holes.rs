//! Finding combinations of labels at which no input holds a variable.

use std::collections::HashSet;

use rangefold_array::{AxisChunks, ChunkGrid};
use rangefold_refs::by_part;

use crate::input_array::InputArray;
use crate::joined_axis::JoinedAxis;
use crate::place::printed_label;
use crate::places::Places;
use crate::{CombineError, CombineSpec, MissingVariable};

/// More cells than this are not marked one by one in a table.
const CELLS_MAX: u64 = 1 << 32;

/// Whether there are combinations of chunks along the joined axes that no array fills, which `spec` must allow.
#[expect(clippy::too_many_arguments, reason = "one call, which has all the facts at hand")]
pub(crate) fn check_holes(
    variable: &str,
    arrays: &[InputArray<'_>],
    axes: &[&JoinedAxis],
    targets: &[usize],
    grid: &ChunkGrid,
    places: &[Vec<Places>],
    input_count: usize,
    spec: &CombineSpec,
) -> Result<bool, CombineError> {
    let counts: Vec<u64> =
        targets.iter().map(|&target| grid.chunk_counts().get(target).copied().unwrap_or(0)).collect();
    let Some(cell) = first_hole(&counts, arrays.len(), places) else { return Ok(false) };
    if spec.missing_variable == MissingVariable::Fill && arrays.iter().all(parted_fill) {
        return Ok(true);
    }
    let labels = cell.iter().zip(axes).zip(targets).filter_map(|((&chunk, axis), &target)| {
        let start = match grid.axes().get(target)? {
            AxisChunks::Regular { length } => chunk * length,
            AxisChunks::Listed { bounds } => *bounds.get(usize::try_from(chunk).ok()?)?,
        };
        printed_label(axis, start)
    });
    Err(CombineError::Hole {
        variable: variable.to_owned(),
        label: labels.collect::<Vec<_>>().join(", "),
        present: arrays.len(),
        inputs: input_count,
        no_fill_value: spec.missing_variable == MissingVariable::Fill,
    })
}

/// Whether a fill value is known in each part of an array whose numbers mean something else in each.
fn parted_fill(array: &InputArray<'_>) -> bool {
    by_part::parts(array.stored).is_none_or(|(_, parts)| parts.iter().all(|part| part.fill_value.is_some()))
}

/// The first combination of chunks along the joined axes, of which there are `counts`, that no array fills.
fn first_hole(counts: &[u64], arrays: usize, places: &[Vec<Places>]) -> Option<Vec<u64>> {
    let total = counts.iter().try_fold(1_u64, |n, &count| n.checked_mul(count));
    let index_of = |number: u64| {
        let mut rest = number;
        let mut index: Vec<u64> = counts
            .iter()
            .rev()
            .map(|&count| {
                let here = rest % count.max(1);
                rest /= count.max(1);
                here
            })
            .collect();
        index.reverse();
        index
    };
    let cells = |row: usize| -> Vec<&Places> { places.iter().filter_map(|axis| axis.get(row)).collect() };
    let filled: u64 = (0..arrays)
        .map(|row| cells(row).iter().fold(1_u64, |n, places| n.saturating_mul(places.len())))
        .fold(0, u64::saturating_add);
    match total.filter(|&total| total <= filled && total <= CELLS_MAX) {
        // Each cell is filled at least once only if there are no more cells than fillings.
        Some(total) => {
            let mut marks = vec![false; usize::try_from(total).ok()?];
            for row in 0..arrays {
                for_each_cell(&cells(row), counts, |number| {
                    if let Some(mark) = usize::try_from(number).ok().and_then(|n| marks.get_mut(n)) {
                        *mark = true;
                    }
                });
            }
            marks.iter().position(|&mark| !mark).map(|number| index_of(number as u64))
        }
        // There is a hole, and the first is found among as many cells as were filled and one more.
        None => {
            let mut marks = HashSet::new();
            for row in 0..arrays {
                for_each_cell(&cells(row), counts, |number| {
                    if number <= filled {
                        marks.insert(number);
                    }
                });
            }
            (0..=filled).find(|number| !marks.contains(number)).map(index_of)
        }
    }
}

/// Visits the numbers of the product of `places` in a table of `counts`.
fn for_each_cell(places: &[&Places], counts: &[u64], mut visit: impl FnMut(u64)) {
    fn descend(places: &[&Places], counts: &[u64], number: u64, visit: &mut dyn FnMut(u64)) {
        match (places.split_first(), counts.split_first()) {
            (Some((here, places)), Some((&count, counts))) => {
                for place in here.iter() {
                    let number = number.saturating_mul(count).saturating_add(place);
                    descend(places, counts, number, visit);
                }
            }
            _ => visit(number),
        }
    }
    descend(places, counts, 0, &mut visit);
}
