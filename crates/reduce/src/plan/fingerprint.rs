//! What tells the partial answers of one plan from those of another: hashes of all that they depend on but the data.
//!
//! Two plans with equal fingerprints make equal partials of equal chunks, bit for bit. The length of the first axis is left
//! out, so that partials outlive that it grows: what is selected and grouped along it is told row by row.

use std::ops::Range;

use sha2::{Digest as _, Sha256};

use super::reduction_plan::ReductionPlan;
use crate::{
    merge::bytes::Fingerprint,
    question::axis_map::{AxisMap, Grouping},
};

/// Changes whenever a partial answer of the same plan would have other bits or another meaning.
const VERSION: &str = "rangefold partial answers 1";

impl ReductionPlan {
    /// What this plan asks, whatever the length of the first axis.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let Self {
            data_type,
            order,
            fill_value,
            // What the reductions need of partials is in `wanted`.
            reductions: _,
            axes,
            fold,
            answer_axes,
            fills,
            bounds,
            missing_texts,
            packing,
            condition,
            // Windows are joined once all is merged.
            windows: _,
            wanted,
            places,
            selected,
            output_shape,
            output_cells: _,
            chunks,
            block_rows,
            selected_count: _,
            decoded_len: _,
            decoded_len_max: _,
        } = self;
        let mut hash = Sha256::new();
        let mut tell = |name: &str, value: &dyn std::fmt::Debug| {
            // A value that is written in another way is another question: at worst it is answered anew.
            let text = format!("{value:?}");
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(name);
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        };
        tell("version", &VERSION);
        tell("type", &(data_type, order, fill_value));
        tell("missing", &(fills, bounds, missing_texts));
        tell("values", &(packing, condition));
        tell("wanted", wanted);
        tell("answer axes", answer_axes);
        tell("block", &(block_rows, self.slab_count() > 0, self.keeps_rows()));
        let grown = answer_axes.first().copied().flatten();
        let shape: Vec<_> =
            output_shape.iter().enumerate().filter(|(axis, _)| Some(*axis) != grown).collect();
        tell("shape", &shape);
        // The place along the first axis is what the others are counted beside; its own stride follows from theirs.
        tell("places", places);
        let first_row = chunks.row(0);
        let first = first_row.map(|part| (part.chunk, part.within, part.chunk_length));
        tell("first", &first);
        for (axis, map) in axes.iter().enumerate() {
            match map {
                AxisMap::Keep => tell("keep", &axis),
                AxisMap::Reduce => tell("reduce", &axis),
                AxisMap::Group(_) if axis == 0 => tell("group", &axis),
                AxisMap::Group(grouping) => tell("group", &(axis, grouping)),
            }
        }
        tell("selected", &selected.get(1..));
        for (axis, spans) in chunks.spans().enumerate().skip(1) {
            tell("span", &(axis, spans));
        }
        if let Some(fold) = fold {
            tell("fold", &fold.without_first(grown));
        }
        hash.finalize().into()
    }

    /// What is selected in some rows, given by their numbers, and the groups of what is.
    #[must_use]
    pub fn row_fingerprint(&self, row: u64) -> Fingerprint {
        let part = self.chunks.row(row);
        let mut hash = Sha256::new();
        hash.update(format!("{part:?}"));
        if let (Some(part), Some(AxisMap::Group(grouping))) = (part, self.axes.first()) {
            let Grouping { labels, groups: _, places } = grouping;
            let start = usize::try_from(part.output_start).unwrap_or(usize::MAX);
            let end = start.saturating_add(usize::try_from(part.within.count()).unwrap_or(usize::MAX));
            hash.update(format!("{:?}", labels.get(start..end)));
            hash.update(format!("{:?}", places.as_ref().map(|places| places.get(start..end))));
        }
        hash.finalize().into()
    }

    /// The rows of some tasks, given by their ordinals; and the tasks of one row.
    #[must_use]
    pub fn rows_of_tasks(&self, ordinals: &Range<u64>) -> Range<u64> {
        let len = self.chunks.row_len().max(1);
        ordinals.start / len..ordinals.end.div_ceil(len)
    }

    /// The tasks of some rows, by their ordinals.
    #[must_use]
    pub fn tasks_of_rows(&self, rows: &Range<u64>) -> Range<u64> {
        let len = self.chunks.row_len();
        rows.start.saturating_mul(len)..rows.end.saturating_mul(len)
    }
}
