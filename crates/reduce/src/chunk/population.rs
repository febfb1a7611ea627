//! How many elements of a chunk belong to each cell, counted without looking at them.

use crate::{
    plan::{chunk_task::ChunkTask, reduction_plan::ReductionPlan},
    question::{axis_map::AxisMap, region::Region},
};

/// How many elements of a chunk belong to a cell, and the places of the first and the last.
#[derive(Clone, Copy)]
pub(crate) struct Population {
    pub(crate) count: u64,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// The population of every cell of a partial. It is a product over the axes.
pub(crate) fn populations(plan: &ReductionPlan, task: &ChunkTask, region: &Region) -> Vec<Population> {
    let mut cells = vec![Population { count: 1, first: 0, last: 0 }];
    let mut starts = region.start.iter().zip(&region.shape);
    for ((part, map), &place) in task.selection.axes.iter().zip(&plan.axes).zip(&plan.places) {
        let count = part.within.count();
        let from = part.output_start * place;
        let along: Vec<Population> = match map {
            AxisMap::Reduce => {
                vec![Population { count, first: from, last: from + count.saturating_sub(1) * place }]
            }
            AxisMap::Keep => {
                let (_, &len) = starts.next().unwrap_or((&0, &0));
                let at = |position: u64| position.saturating_mul(place);
                let one = |position| Population { count: 1, first: at(position), last: at(position) };
                (part.output_start..).take(len).map(one).collect()
            }
            AxisMap::Group(grouping) => {
                let (&base, &len) = starts.next().unwrap_or((&0, &0));
                let mut groups = vec![Population { count: 0, first: 0, last: 0 }; len];
                for position in part.output_start..part.output_start + count {
                    let index = usize::try_from(position).unwrap_or(usize::MAX);
                    let label = grouping.labels.get(index).copied().flatten();
                    let group = label.and_then(|label| usize::try_from(u64::from(label) - base).ok());
                    let Some(group) = group.and_then(|group| groups.get_mut(group)) else { continue };
                    let places = grouping.places.as_deref();
                    let at = places.map_or(Some(position), |places| places.get(index).copied());
                    let at = at.unwrap_or(0) * place;
                    group.first = if group.count == 0 { at } else { group.first.min(at) };
                    group.last = group.last.max(at);
                    group.count += 1;
                }
                groups
            }
        };
        cells = cells
            .iter()
            .flat_map(|cell| {
                along.iter().map(|next| Population {
                    count: cell.count * next.count,
                    first: cell.first + next.first,
                    last: cell.last + next.last,
                })
            })
            .collect();
    }
    cells
}
