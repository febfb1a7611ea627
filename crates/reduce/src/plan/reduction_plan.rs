//! What a reduction will do, before anything is fetched.

use std::ops::Range;

use rangefold_array::{
    ArrayMeta, AxisPart, ChunkSelection, DataType, ElementType, FillValue, Hyperslab, MemoryOrder, Number,
    Packing, Touching,
};

use super::{
    check::{check_reductions, is_defined},
    chunk_task::ChunkTask,
    extent::{answer_axes, chunks, decoded_lens, output_shape, places, selected_count},
    needs::wanted,
    order::block_rows,
    plan_error::PlanError,
};
use crate::{
    meaning::{
        kind::Kind,
        stored::{effective_element, fills, missing_texts, reinterpret},
        text::is_text,
    },
    question::{
        axis_map::AxisMap, condition::Condition, fold::Fold, reduction::Reduction, spec::ReduceSpec,
        windows::Windows,
    },
    statistic::{cells::Cells, wanted::Wanted},
};

/// Reductions of a selection of an array: which chunks are needed, and how each is reduced.
#[derive(Clone, Debug)]
pub struct ReductionPlan {
    pub(crate) data_type: DataType,
    pub(crate) order: MemoryOrder,
    pub(crate) fill_value: Option<FillValue>,
    pub(crate) reductions: Vec<Reduction>,
    pub(crate) axes: Vec<AxisMap>,
    pub(crate) fold: Option<Fold>,
    /// For each axis of the array, its axis of the answer; `None` if it is reduced or folded.
    pub(crate) answer_axes: Vec<Option<usize>>,
    pub(crate) fills: Vec<Number>,
    pub(crate) bounds: (Option<Number>, Option<Number>),
    /// Texts that are missing.
    pub(crate) missing_texts: Vec<Vec<u8>>,
    pub(crate) packing: Option<Packing>,
    pub(crate) condition: Option<Condition>,
    pub(crate) windows: Option<Windows>,
    pub(crate) wanted: Wanted,
    /// Row-major strides of the reduced, grouped and folded axes of the selection, and of one with windows; 0 for kept ones.
    pub(crate) places: Vec<u64>,
    /// Number of positions selected along each axis.
    pub(crate) selected: Vec<u64>,
    pub(crate) output_shape: Vec<u64>,
    pub(crate) output_cells: usize,
    /// The chunks that hold a selected element which belongs to a cell.
    pub(crate) chunks: Touching,
    /// Chunks along the first axis of the array that make a block, see [`crate::plan::order`].
    pub(crate) block_rows: u64,
    pub(super) selected_count: u64,
    pub(super) decoded_len: u64,
    pub(super) decoded_len_max: u64,
}

impl ReductionPlan {
    /// Plans a reduction of `selection` of an array.
    ///
    /// # Errors
    ///
    /// [`PlanError`] if the selection or the specification does not fit the array, or a reduction is not defined for
    /// its type.
    pub fn new(meta: &ArrayMeta, selection: &Hyperslab, spec: &ReduceSpec) -> Result<Self, PlanError> {
        let ReduceSpec { reductions, axes, fold, missing, packing, unsigned, condition, along: _, windows } =
            spec;
        let shape = meta.shape();
        if axes.len() != shape.len() {
            return Err(PlanError::Rank { maps: axes.len(), rank: shape.len() });
        }
        let fits = |(range, &length): (&rangefold_array::AxisRange, &u64)| {
            let last =
                range.count().saturating_sub(1).saturating_mul(range.stride()).saturating_add(range.start());
            range.count() == 0 || last < length
        };
        if selection.axes().len() != shape.len() || !selection.axes().iter().zip(shape).all(fits) {
            return Err(PlanError::Selection { selection: selection.to_string(), shape: shape.to_vec() });
        }
        let element = effective_element(&meta.data_type.element, *unsigned);
        check_reductions(&element, spec)?;
        let value = packing.map_or_else(|| element.clone(), |packing| packing.element());
        let round = |condition: &Condition| condition.rounded_to(&value);
        let wanted = wanted(spec, &element, round)?;
        let output_shape = output_shape(selection, spec)?;
        let output_cells = output_shape
            .iter()
            .try_fold(1_u64, |n, &length| n.checked_mul(length))
            .filter(|cells| {
                cells.checked_mul(wanted.cell_len()).is_some_and(|bytes| isize::try_from(bytes).is_ok())
            })
            .and_then(|cells| usize::try_from(cells).ok())
            .ok_or_else(|| PlanError::TooLarge { what: "an answer", shape: output_shape.clone() })?;
        if let Some(Windows { axis, length, before, least }) = *windows
            && (axis >= output_shape.len() || before >= length || !(1..=length).contains(&least))
        {
            return Err(PlanError::Windows { length, before, least, axis, rank: output_shape.len() });
        }
        let answer_axes = answer_axes(spec);
        let places = places(selection, axes, &answer_axes, *windows);
        if let Some(along) = &wanted.along {
            let counted = places.iter().zip(selection.axes()).filter(|(stride, _)| **stride > 0);
            let counts: Vec<u64> = counted.map(|(_, range)| range.count()).collect();
            let (coordinates, is_one) = (along.len(), counts.len() == 1);
            let places = counts.first().copied().filter(|_| is_one).unwrap_or(0);
            if !is_one || places != coordinates as u64 {
                return Err(PlanError::Along { places, coordinates });
            }
        }
        let chunks = chunks(meta, selection, spec);
        let (decoded_len, decoded_len_max) = decoded_lens(&chunks, &meta.data_type)?;
        Ok(Self {
            fills: fills(&meta.data_type.element, missing, *unsigned),
            bounds: (
                missing.valid_min.and_then(|n| reinterpret(&meta.data_type.element, n, *unsigned)),
                missing.valid_max.and_then(|n| reinterpret(&meta.data_type.element, n, *unsigned)),
            ),
            missing_texts: missing_texts(&element, missing),
            data_type: DataType { element, order: meta.data_type.order },
            order: meta.order,
            fill_value: meta.fill_value.clone(),
            reductions: reductions.clone(),
            axes: axes.clone(),
            fold: fold.clone(),
            packing: *packing,
            condition: condition.as_ref().map(round),
            windows: *windows,
            places,
            answer_axes,
            selected: selection.shape(),
            wanted,
            output_shape,
            output_cells,
            chunks,
            block_rows: block_rows(&meta.grid),
            selected_count: selected_count(selection, spec),
            decoded_len,
            decoded_len_max,
        })
    }

    /// Refuses quantiles that are not defined for the type of the values.
    ///
    /// # Errors
    ///
    /// [`PlanError::Unsupported`], [`PlanError::NanPlace`] and [`PlanError::Fraction`].
    pub fn check_gathered(&self, reductions: &[Reduction]) -> Result<(), PlanError> {
        for reduction in reductions {
            let Some(fraction) = reduction.fraction() else { continue };
            if self.wanted.nan {
                return Err(PlanError::NanPlace);
            }
            let element = &self.data_type.element;
            if !is_defined(reduction, element) {
                return Err(PlanError::Unsupported { reduction: reduction.name(), element: element.name() });
            }
            if !(0.0..=1.0).contains(&fraction) {
                return Err(PlanError::Fraction { fraction });
            }
        }
        Ok(())
    }

    /// The chunks that are needed, in row-major order; made one by one as they are asked for. Chunks of which no selected
    /// position of an axis belongs to a cell are not needed.
    pub fn tasks(&self) -> impl Iterator<Item = ChunkTask> + Send + use<> {
        (0..).zip(self.chunks.clone()).map(|(ordinal, selection)| ChunkTask { ordinal, selection, chunks: 1 })
    }

    /// The task of the chunk with this row-major number; `None` if the chunk is not needed.
    #[must_use]
    pub fn task(&self, number: u64) -> Option<ChunkTask> {
        self.chunks.find(number).map(|(ordinal, selection)| ChunkTask { ordinal, selection, chunks: 1 })
    }

    /// Number of chunks that are needed.
    #[must_use]
    pub fn chunk_count(&self) -> u64 {
        self.chunks.chunk_count()
    }

    /// Number of elements selected, those without a group left out; saturates.
    #[must_use]
    pub fn selected_count(&self) -> u64 {
        self.selected_count
    }

    /// Decoded bytes of all chunks that are needed, absent ones included; saturates.
    #[must_use]
    pub fn decoded_len(&self) -> u64 {
        self.decoded_len
    }

    /// Decoded bytes of the largest chunk that is needed.
    #[must_use]
    pub fn decoded_len_max(&self) -> u64 {
        self.decoded_len_max
    }

    /// Decoded bytes of one chunk.
    #[must_use]
    pub fn chunk_len(&self, task: &ChunkTask) -> u64 {
        task.elements().saturating_mul(self.data_type.size().unwrap_or(0) as u64)
    }

    /// Bytes of the partial of one chunk at the most, roughly.
    #[must_use]
    pub fn partial_len_max(&self) -> u64 {
        let Some(fold) = &self.fold else {
            return self.chunk_cells_max(|_| true).saturating_mul(self.wanted.cell_len());
        };
        let kept = self.chunk_cells_max(|axis| self.answer_axes[axis].is_some());
        let groups = fold.shape().iter().zip(fold.kept()).filter(|(_, kept)| kept.is_none());
        let cells = groups.fold(kept, |n, (&groups, _)| n.saturating_mul(groups));
        cells.saturating_mul(self.wanted.cell_len())
    }

    /// Bytes of what one chunk is reduced to before it is folded to a partial, at the most; 0 if nothing is folded.
    #[must_use]
    pub fn unfolded_len_max(&self) -> u64 {
        let cell_len = self.wanted.cell_len().saturating_add(size_of::<Option<usize>>() as u64);
        self.fold.as_ref().map_or(0, |_| self.chunk_cells_max(|_| true).saturating_mul(cell_len))
    }

    /// Cells that one chunk has at the most along the axes that are `counted`.
    fn chunk_cells_max(&self, counted: impl Fn(usize) -> bool) -> u64 {
        let axes = self.chunks.part_counts_max().zip(&self.axes).enumerate();
        axes.filter(|(axis, _)| counted(*axis)).fold(1, |n, (_, (positions, map))| {
            n.saturating_mul(match map {
                AxisMap::Reduce => 1,
                AxisMap::Keep => positions,
                AxisMap::Group(grouping) => positions.min(grouping.groups.into()),
            })
        })
    }

    /// Bytes of the accumulator, roughly: what the answer takes while it grows, once for each level of the order in which
    /// partials are merged, or while its windows are joined.
    #[must_use]
    pub fn accumulator_len(&self) -> u64 {
        let levels = u64::from(self.top_level()) + 1;
        self.grown_len().max(self.cells_len().saturating_mul(levels))
    }

    /// Bytes of the answer's cells, roughly, once all chunks were merged, and of its windows while they are joined.
    #[must_use]
    pub fn grown_len(&self) -> u64 {
        let joined = self.windows.map_or(0, |windows| {
            let counters = (self.output_cells as u64).saturating_mul(size_of::<u32>() as u64);
            let beside = windows.cells_beside(&self.output_shape);
            counters.saturating_add(beside.saturating_mul(self.wanted.cell_len()))
        });
        self.cells_len().saturating_add(joined)
    }

    /// Bytes of the answer's cells.
    fn cells_len(&self) -> u64 {
        (self.output_cells as u64).saturating_mul(self.wanted.cell_len())
    }

    /// Bytes of the answers, once the accumulator is finished.
    #[must_use]
    pub fn answers_len(&self) -> u64 {
        let value = if Kind::of(&self.data_type.element) == Kind::Complex { 2 } else { 1 };
        // Bins are one fewer than their edges, and a cell has a count beside its values.
        let words = |reduction: &Reduction| reduction.edges().map_or(1 + value, |edges| edges.len() as u64);
        let words = self.reductions.iter().map(words).fold(0, u64::saturating_add);
        (self.output_cells as u64).saturating_mul(words.saturating_mul(8))
    }

    /// Shape of the answers: kept axes with their selected length, grouped ones with their number of groups, or what the
    /// fold folds them to.
    #[must_use]
    pub fn output_shape(&self) -> &[u64] {
        &self.output_shape
    }

    /// Type of the values that are reduced: after unpacking and reinterpretation.
    #[must_use]
    pub fn value_element(&self) -> ElementType {
        self.packing.map_or_else(|| self.data_type.element.clone(), |packing| packing.element())
    }

    /// So many cells without values, with the statistics of this plan.
    pub(crate) fn empty_cells(&self, count: usize) -> Cells {
        Cells::empty(&self.value_element(), &self.wanted, count)
    }

    /// Whether the values are texts.
    pub(crate) fn has_texts(&self) -> bool {
        is_text(&self.data_type.element)
    }

    /// Whether the values are texts of any length, whose chunks [`ReductionPlan::reduce_texts`] takes.
    #[must_use]
    pub fn has_texts_of_any_length(&self) -> bool {
        self.data_type.element == ElementType::VlenString
    }

    /// How many needed chunks a part of a task stands for.
    pub(crate) fn chunks_of(&self, selection: &ChunkSelection) -> u64 {
        self.chunks.count_in(&selection.axes)
    }

    /// Number of needed chunks that have one of the selected `positions` along `axis`.
    pub(crate) fn chunks_in(&self, axis: usize, positions: &Range<u64>) -> u64 {
        let within = |part: &AxisPart| {
            part.output_start < positions.end && positions.start < part.output_start + part.within.count()
        };
        self.chunks.clone().retain(axis, within).chunk_count()
    }

    /// The most elements that a cell can have, as factors: for each axis of the output one number per position, and one
    /// number for all reduced axes together.
    #[must_use]
    pub fn populations(&self) -> (Vec<Vec<u64>>, u64) {
        let mut reduced = 1_u64;
        let mut axes = Vec::new();
        for (&count, map) in self.selected.iter().zip(&self.axes) {
            match map {
                AxisMap::Reduce => reduced = reduced.saturating_mul(count),
                AxisMap::Keep => axes.push(vec![1; usize::try_from(count).unwrap_or(usize::MAX)]),
                AxisMap::Group(grouping) => {
                    let mut members = vec![0_u64; grouping.groups as usize];
                    for label in grouping.labels.iter().flatten() {
                        if let Some(members) = members.get_mut(*label as usize) {
                            *members += 1;
                        }
                    }
                    axes.push(members);
                }
            }
        }
        (axes, reduced)
    }
}
