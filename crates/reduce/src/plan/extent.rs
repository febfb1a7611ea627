//! What a plan makes of its selection: the shape of the answer, the places of elements, and the chunks they are in.

use rangefold_array::{ArrayMeta, AxisPart, DataType, Hyperslab, Touching};

use super::plan_error::PlanError;
use crate::question::{
    axis_map::{AxisMap, Grouping},
    fold::Fold,
    spec::ReduceSpec,
    windows::Windows,
};

/// The shape of the answer, if labels and fold fit.
pub(crate) fn output_shape(selection: &Hyperslab, spec: &ReduceSpec) -> Result<Vec<u64>, PlanError> {
    let mut shape = Vec::new();
    for (axis, (range, map)) in selection.axes().iter().zip(&spec.axes).enumerate() {
        shape.extend(map.cells(range.count()));
        if let AxisMap::Group(grouping) = map {
            let (labels, positions) = (grouping.labels.len(), range.count());
            let places = grouping.places.as_ref().map_or(labels, |places| places.len());
            for labels in [labels, places] {
                if labels as u64 != positions {
                    return Err(PlanError::Labels { axis, labels, positions });
                }
            }
            let groups = grouping.groups;
            if let Some(&label) = grouping.labels.iter().flatten().find(|&&label| label >= groups) {
                return Err(PlanError::Label { axis, label, groups });
            }
        }
    }
    match &spec.fold {
        None => Ok(shape),
        Some(fold) if fold.cells() == shape => Ok(fold.shape().to_vec()),
        Some(fold) => Err(PlanError::Fold { fold: fold.cells().to_vec(), cells: shape }),
    }
}

/// For each axis of the array, its axis of the cells before folding; `None` if it is reduced.
fn cell_axes(maps: &[AxisMap]) -> impl Iterator<Item = Option<usize>> {
    let mut next = 0..;
    maps.iter().map(move |map| if *map == AxisMap::Reduce { None } else { next.next() })
}

/// For each axis of the array, its axis of the answer; `None` if it is reduced or folded.
pub(crate) fn answer_axes(spec: &ReduceSpec) -> Vec<Option<usize>> {
    let answer = |axis: usize| spec.fold.as_ref().map_or(Some(axis), |fold| fold.answer_axis(axis));
    cell_axes(&spec.axes).map(|axis| axis.and_then(answer)).collect()
}

/// Row-major strides of the axes that places count; 0 for kept ones.
pub(crate) fn places(
    selection: &Hyperslab,
    maps: &[AxisMap],
    answer_axes: &[Option<usize>],
    windows: Option<Windows>,
) -> Vec<u64> {
    let mut places = vec![0; maps.len()];
    let mut stride = 1_u64;
    let rolled = windows.map(|windows| windows.axis);
    let axes = selection.axes().iter().zip(maps.iter().zip(answer_axes));
    for (place, (range, (map, answer))) in places.iter_mut().zip(axes).rev() {
        let extent = match map {
            AxisMap::Keep if answer.is_some() && rolled != *answer => continue,
            AxisMap::Group(Grouping { places: Some(places), .. }) => {
                places.iter().max().map_or(1, |last| last.saturating_add(1))
            }
            AxisMap::Keep | AxisMap::Reduce | AxisMap::Group(_) => range.count().max(1),
        };
        *place = stride;
        stride = stride.saturating_mul(extent);
    }
    places
}

/// The chunks that hold a selected element which belongs to a cell.
pub(crate) fn chunks(meta: &ArrayMeta, selection: &Hyperslab, spec: &ReduceSpec) -> Touching {
    let touching = meta.grid.touching(selection);
    let chunks = spec.axes.iter().enumerate().fold(touching, |chunks, (axis, map)| match map {
        AxisMap::Reduce | AxisMap::Keep => chunks,
        AxisMap::Group(grouping) => chunks.retain(axis, |part| has(part, &grouping.labels, Option::is_some)),
    });
    let Some(fold) = &spec.fold else { return chunks };
    if fold.taken_count() == 0 {
        return chunks.retain(0, |_| false);
    }
    // A mask that is no product of its axes may leave chunks of which nothing is taken.
    (0..).zip(cell_axes(&spec.axes)).fold(chunks, |chunks, (axis, cells)| match (cells, &spec.axes[axis]) {
        (Some(cells), AxisMap::Keep) if fold.is_folded(cells) => {
            let taken = fold.taken(cells);
            chunks.retain(axis, |part| has(part, &taken, |&taken| taken))
        }
        _ => chunks,
    })
}

/// Elements that belong to a cell.
pub(crate) fn selected_count(selection: &Hyperslab, spec: &ReduceSpec) -> u64 {
    let folded =
        |cells: Option<usize>| spec.fold.as_ref().zip(cells).is_some_and(|(fold, axis)| fold.is_folded(axis));
    let taken = spec.fold.as_ref().map_or(1, Fold::taken_count);
    let axes = selection.axes().iter().zip(&spec.axes).zip(cell_axes(&spec.axes));
    axes.filter(|(_, cells)| !folded(*cells)).fold(taken, |n: u64, ((range, map), _)| {
        n.saturating_mul(match map {
            AxisMap::Reduce | AxisMap::Keep => range.count(),
            AxisMap::Group(grouping) => grouping.labels.iter().flatten().count() as u64,
        })
    })
}

/// Whether one of the positions of `part` is wanted, by what `positions` say of each that is selected.
fn has<T>(part: &AxisPart, positions: &[T], is_wanted: impl Fn(&T) -> bool) -> bool {
    let start = usize::try_from(part.output_start).unwrap_or(usize::MAX);
    let count = usize::try_from(part.within.count()).unwrap_or(usize::MAX);
    positions.iter().skip(start).take(count).any(is_wanted)
}

/// Decoded bytes of all chunks, and of the largest.
pub(crate) fn decoded_lens(chunks: &Touching, data_type: &DataType) -> Result<(u64, u64), PlanError> {
    let size = data_type.size().unwrap_or(0) as u64;
    if chunks.chunk_count() == 0 {
        return Ok((0, 0));
    }
    let all = chunks.chunk_lengths().fold(size, |n, (sum, _)| n.saturating_mul(sum));
    let largest = chunks
        .chunk_lengths()
        .try_fold(size, |n, (_, max)| n.checked_mul(max))
        .filter(|&n| isize::try_from(n).is_ok())
        .ok_or_else(|| PlanError::TooLarge {
            what: "a chunk",
            shape: chunks.chunk_lengths().map(|(_, max)| max).collect(),
        })?;
    Ok((all, largest))
}
