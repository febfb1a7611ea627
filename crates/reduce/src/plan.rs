//! What a reduction will do, before anything is fetched.

use std::ops::Range;

use rangefold_array::{
    ArrayMeta, AxisPart, ByteOrder, ChunkSelection, DataType, ElementType, FillValue, Hyperslab, MemoryOrder,
    Touching,
};

use crate::{
    AxisMap, Condition, Fold, MissingSpec, NanPolicy, Number, Packing, PackingError, Partial, ReduceError,
    ReduceSpec, Reduction, Windows,
    accumulator::Accumulator,
    chunk,
    columns::Wanted,
    extent::{answer_axes, chunks, decoded_lens, output_shape, places, selected_count},
    gather::has_quantiles,
    partial::Kind,
    text::{is_text, unpadded},
    walk::{Region, Walk},
};

/// A reduction of a selection of an array: which chunks it needs and what becomes of them.
#[derive(Clone, Debug)]
pub struct ReductionPlan {
    pub(crate) data_type: DataType,
    pub(crate) order: MemoryOrder,
    pub(crate) fill_value: Option<FillValue>,
    pub(crate) reductions: Vec<Reduction>,
    pub(crate) axes: Vec<AxisMap>,
    pub(crate) fold: Option<Fold>,
    /// The axis of the answer that each axis is by itself; `None` for those that are reduced or folded.
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
    chunks: Touching,
    selected_count: u64,
    decoded_len: u64,
    decoded_len_max: u64,
}

/// One chunk a plan touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkTask {
    /// Place among the plan's tasks, from 0; partials are merged in this order.
    pub ordinal: u64,
    /// The chunk, and what of it is selected.
    pub selection: ChunkSelection,
    /// How many chunks it stands for: 1, or more that follow one another and none of which is stored.
    pub chunks: u64,
}

/// Cells that a task for several absent chunks may have, unless one of the chunks alone has more.
const ABSENT_CELLS: u64 = 1 << 16;

/// A reduction that makes no sense or does not fit the array.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Another number of axis maps than axes.
    #[error("{maps} axes were given for an array of rank {rank}")]
    Rank {
        /// Axis maps given.
        maps: usize,
        /// Axes of the array.
        rank: usize,
    },
    /// A selection made for another array.
    #[error("the selection {selection} does not fit an array of shape {shape:?}")]
    Selection {
        /// The selection.
        selection: String,
        /// Shape of the array.
        shape: Vec<u64>,
    },
    /// A question that has no answer for this type.
    #[error("{reduction} of {element} values is not defined")]
    Unsupported {
        /// Name of the reduction, or of what is asked with it.
        reduction: &'static str,
        /// Name of the element type.
        element: String,
    },
    /// Another number of labels than selected positions.
    #[error("{labels} labels were given for the {positions} selected positions of axis {axis}")]
    Labels {
        /// The axis.
        axis: usize,
        /// Labels given.
        labels: usize,
        /// Positions selected.
        positions: u64,
    },
    /// A fold made for other cells.
    #[error("a fold of cells of shape {fold:?} was given for cells of shape {cells:?}")]
    Fold {
        /// Shape that the fold folds.
        fold: Vec<u64>,
        /// Shape of the cells that there are.
        cells: Vec<u64>,
    },
    /// A label that is no group.
    #[error("label {label} on axis {axis} is outside the {groups} groups")]
    Label {
        /// The axis.
        axis: usize,
        /// The label.
        label: u32,
        /// Number of groups.
        groups: u32,
    },
    /// A question that partials do not answer.
    #[error("{reduction} is made from all values at a time, not from what each chunk gives")]
    Gathered {
        /// Name of the reduction.
        reduction: &'static str,
    },
    /// A fraction outside 0 to 1.
    #[error("{fraction} is not between 0 and 1")]
    Fraction {
        /// The fraction.
        fraction: f64,
    },
    /// Edges that bound no bins.
    #[error("a histogram needs at least two edges in ascending order, not {edges:?}")]
    Edges {
        /// The edges given.
        edges: Vec<f64>,
    },
    /// NaN as a value stands nowhere: it is neither smaller nor larger than anything, nor kept in its place.
    #[error("first, last, argmin, argmax, median and quantile are not defined with NaN as a value")]
    NanPlace,
    /// An answer or a chunk that the machine cannot address.
    #[error("{what} of shape {shape:?} is too large to be held in memory")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its shape.
        shape: Vec<u64>,
    },
    /// Windows that fit no axis of the answer, or make no sense.
    #[error(
        "windows of {length} positions, {before} of them before their own and {least} with a value, make no sense along axis {axis} of an answer of rank {rank}"
    )]
    Windows {
        /// Positions of a window.
        length: u32,
        /// Positions before its own.
        before: u32,
        /// Positions that need a value.
        least: u32,
        /// The axis of the answer.
        axis: usize,
        /// Axes of the answer.
        rank: usize,
    },
    /// A packing that does not belong to the element type.
    #[error(transparent)]
    Packing(#[from] PackingError),
}

impl ReductionPlan {
    /// Plans a reduction of `selection` of an array.
    ///
    /// # Errors
    ///
    /// [`PlanError`] if the selection or the specification does not fit the array, or a reduction is not defined for
    /// its type.
    pub fn new(meta: &ArrayMeta, selection: &Hyperslab, spec: &ReduceSpec) -> Result<Self, PlanError> {
        let shape = meta.shape();
        if spec.axes.len() != shape.len() {
            return Err(PlanError::Rank { maps: spec.axes.len(), rank: shape.len() });
        }
        let fits = |(range, &length): (&rangefold_array::AxisRange, &u64)| {
            let last =
                range.count().saturating_sub(1).saturating_mul(range.stride()).saturating_add(range.start());
            range.count() == 0 || last < length
        };
        if selection.axes().len() != shape.len() || !selection.axes().iter().zip(shape).all(fits) {
            return Err(PlanError::Selection { selection: selection.to_string(), shape: shape.to_vec() });
        }
        let element = effective_element(&meta.data_type.element, spec.unsigned);
        check_reductions(&element, spec)?;
        let value = spec.packing.map_or_else(|| element.clone(), |packing| packing.element());
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
        if let Some(Windows { axis, length, before, least }) = spec.windows
            && (axis >= output_shape.len() || before >= length || !(1..=length).contains(&least))
        {
            return Err(PlanError::Windows { length, before, least, axis, rank: output_shape.len() });
        }
        let answer_axes = answer_axes(spec);
        let chunks = chunks(meta, selection, spec);
        let (decoded_len, decoded_len_max) = decoded_lens(&chunks, &meta.data_type)?;
        Ok(Self {
            fills: fills(&meta.data_type.element, spec),
            bounds: (
                spec.missing.valid_min.and_then(|n| reinterpret(&meta.data_type.element, n, spec.unsigned)),
                spec.missing.valid_max.and_then(|n| reinterpret(&meta.data_type.element, n, spec.unsigned)),
            ),
            missing_texts: missing_texts(&element, &spec.missing),
            data_type: DataType { element, order: meta.data_type.order },
            order: meta.order,
            fill_value: meta.fill_value.clone(),
            reductions: spec.reductions.clone(),
            axes: spec.axes.clone(),
            fold: spec.fold.clone(),
            packing: spec.packing,
            condition: spec.condition.as_ref().map(round),
            windows: spec.windows,
            places: places(selection, &spec.axes, &answer_axes, spec.windows),
            answer_axes,
            selected: selection.shape(),
            wanted,
            output_shape,
            output_cells,
            chunks,
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
            if !has_quantiles(element) {
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

    /// Tasks for the chunks with these ordinals, none of which is stored: as few as their shape and memory allow, so that
    /// they take no time of their own however many they are.
    pub fn absent_tasks(&self, ordinals: Range<u64>) -> impl Iterator<Item = ChunkTask> + '_ {
        let is_nothing = !self.absent_counts();
        let fits = move |axes: &[AxisPart]| {
            is_nothing
                || axes.iter().zip(&self.axes).fold(1, |n: u64, (part, map)| {
                    let count = part.within.count();
                    n.saturating_mul(match map {
                        AxisMap::Reduce => 1,
                        AxisMap::Keep => count,
                        AxisMap::Group(grouping) => count.min(grouping.groups.into()),
                    })
                }) <= ABSENT_CELLS
        };
        let boxes = self.chunks.boxes(ordinals, fits);
        boxes.map(|(ordinal, chunks, selection)| ChunkTask { ordinal, selection, chunks })
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
        elements(task).saturating_mul(self.data_type.size().unwrap_or(0) as u64)
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

    /// Bytes of the accumulator, roughly: what the answer takes while it grows, and its windows while they are joined.
    #[must_use]
    pub fn accumulator_len(&self) -> u64 {
        let cells = self.output_cells as u64;
        let joined = self.windows.map_or(0, |windows| {
            let counters = cells.saturating_mul(size_of::<u32>() as u64);
            let beside = windows.cells_beside(&self.output_shape);
            counters.saturating_add(beside.saturating_mul(self.wanted.cell_len()))
        });
        cells.saturating_mul(self.wanted.cell_len()).saturating_add(joined)
    }

    /// Bytes of the answers, once the accumulator is finished.
    #[must_use]
    pub fn answers_len(&self) -> u64 {
        let words = self.reductions.iter().fold(0_u64, |words, reduction| {
            words.saturating_add(match reduction {
                Reduction::Histogram(edges) => edges.len() as u64,
                _ if matches!(self.data_type.element, ElementType::Complex64 | ElementType::Complex128) => 3,
                _ => 2,
            })
        });
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

    /// Whether the values are texts.
    pub(crate) fn has_texts(&self) -> bool {
        is_text(&self.data_type.element)
    }

    /// Whether the values are texts of any length, whose chunks [`ReductionPlan::reduce_texts`] takes.
    #[must_use]
    pub fn has_texts_of_any_length(&self) -> bool {
        self.data_type.element == ElementType::VlenString
    }

    /// Reduces one chunk. `decoded` is the whole chunk in stored byte order.
    ///
    /// # Errors
    ///
    /// [`ReduceError::Length`] unless `decoded` has just the chunk's length, [`ReduceError::Texts`] if the elements are
    /// texts of any length, and [`ReduceError::Character`].
    pub fn reduce_chunk(&self, task: &ChunkTask, decoded: &[u8]) -> Result<Partial, ReduceError> {
        self.check_len(task, decoded)?;
        chunk::reduce(self, task, decoded)
    }

    /// Reduces one chunk of texts, one for each element of the whole chunk, in stored order.
    ///
    /// # Errors
    ///
    /// [`ReduceError::Texts`] unless there are just as many, or if the plan is not one of texts of any length.
    pub fn reduce_texts(&self, task: &ChunkTask, texts: &[&[u8]]) -> Result<Partial, ReduceError> {
        let (expected, len) = (elements(task), texts.len() as u64);
        if len != expected || !self.has_texts_of_any_length() {
            return Err(ReduceError::Texts { chunk: task.selection.index(), expected, len });
        }
        chunk::reduce_texts(self, task, texts)
    }

    pub(crate) fn check_len(&self, task: &ChunkTask, decoded: &[u8]) -> Result<(), ReduceError> {
        if self.has_texts_of_any_length() {
            return Err(ReduceError::Texts {
                chunk: task.selection.index(),
                expected: elements(task),
                len: 0,
            });
        }
        let (expected, len) = (self.chunk_len(task), decoded.len() as u64);
        if len == expected {
            return Ok(());
        }
        Err(ReduceError::Length { chunk: task.selection.index(), expected, len })
    }

    /// What a chunk that is not stored contributes: its elements are the fill value, or missing if there is none.
    ///
    /// # Errors
    ///
    /// [`ReduceError::FillValue`] if the fill value has not the length of an element.
    pub fn absent_chunk(&self, task: &ChunkTask) -> Result<Partial, ReduceError> {
        chunk::absent(self, task)
    }

    /// Whether a chunk that is not stored contributes anything: not if its elements are missing.
    #[must_use]
    pub fn absent_counts(&self) -> bool {
        chunk::absent_counts(self)
    }

    /// How many needed chunks a part of a task stands for.
    pub(crate) fn chunks_of(&self, selection: &ChunkSelection) -> u64 {
        self.chunks.count_in(&selection.axes)
    }

    /// Where the partials of all tasks are merged, in order.
    #[must_use]
    pub fn accumulator(&self) -> Accumulator<'_> {
        Accumulator::new(self)
    }

    /// The visit of one chunk, whose cells are numbered within `frame` or, without one, within the chunk's own region.
    pub(crate) fn walk<'a>(
        &'a self,
        task: &'a ChunkTask,
        frame: Option<&Region>,
    ) -> Result<Walk<'a>, ReduceError> {
        Walk::new(&task.selection, &self.axes, &self.places, self.order, self.wanted.places(), frame)
            .ok_or_else(|| ReduceError::TooLarge { chunk: task.selection.index() })
    }

    /// Number of needed chunks that have one of the selected `positions` along `axis`.
    pub(crate) fn chunks_in(&self, axis: usize, positions: &Range<u64>) -> u64 {
        let within = |part: &AxisPart| {
            part.output_start < positions.end && positions.start < part.output_start + part.within.count()
        };
        self.chunks.clone().retain(axis, within).chunk_count()
    }
}

/// Elements of a whole chunk.
fn elements(task: &ChunkTask) -> u64 {
    task.selection.axes.iter().fold(1, |n, part| n.saturating_mul(part.chunk_length))
}

/// The element type with its sign reinterpreted.
fn effective_element(element: &ElementType, unsigned: bool) -> ElementType {
    match (unsigned, element) {
        (true, ElementType::Int8) => ElementType::UInt8,
        (true, ElementType::Int16) => ElementType::UInt16,
        (true, ElementType::Int32) => ElementType::UInt32,
        (true, ElementType::Int64) => ElementType::UInt64,
        _ => element.clone(),
    }
}

/// A number of the stored type after reinterpretation; `None` if the stored type cannot hold it.
fn reinterpret(stored: &ElementType, number: Number, unsigned: bool) -> Option<Number> {
    if !number.fits(stored) {
        return None;
    }
    let bits = match (unsigned, stored) {
        (true, ElementType::Int8) => 8,
        (true, ElementType::Int16) => 16,
        (true, ElementType::Int32) => 32,
        (true, ElementType::Int64) => 64,
        _ => return Some(number),
    };
    number.to_integer().map(|n| Number::Integer(n & ((1 << bits) - 1)))
}

/// The texts that are missing; of those of fixed length the empty one always is, for it may be nothing but padding.
fn missing_texts(element: &ElementType, missing: &MissingSpec) -> Vec<Vec<u8>> {
    let given = missing.texts.iter().map(|text| text.as_bytes());
    if *element == ElementType::VlenString {
        return given.map(<[u8]>::to_vec).collect();
    }
    given.map(unpadded).chain([&[][..]]).map(<[u8]>::to_vec).collect()
}

/// The values that are missing, reinterpreted; "not a time" among them.
fn fills(stored: &ElementType, spec: &ReduceSpec) -> Vec<Number> {
    let given = spec.missing.fill_values.iter().filter_map(|&n| reinterpret(stored, n, spec.unsigned));
    let always = match stored {
        ElementType::DateTime64(_) | ElementType::TimeDelta64(_) => Some(Number::Integer(i64::MIN.into())),
        _ => None,
    };
    let mut fills: Vec<Number> = Vec::new();
    for fill in given.chain(always) {
        if !fills.contains(&fill) {
            fills.push(fill);
        }
    }
    fills
}

/// Refuses what is not defined for the element type.
fn check_reductions(element: &ElementType, spec: &ReduceSpec) -> Result<(), PlanError> {
    let unsupported = |reduction| Err(PlanError::Unsupported { reduction, element: element.name() });
    let real = element.is_integer() || element.is_float() || *element == ElementType::Bool;
    if spec.packing.is_some() && !real {
        return unsupported("unpacking");
    }
    let complex = matches!(element, ElementType::Complex64 | ElementType::Complex128);
    let text = is_text(element);
    let time = matches!(element, ElementType::DateTime64(_) | ElementType::TimeDelta64(_));
    if spec.condition.is_some() && !real && !time {
        return unsupported("a condition");
    }
    if complex
        && !(spec.missing.fill_values.is_empty()
            && spec.missing.valid_min.is_none()
            && spec.missing.valid_max.is_none())
    {
        return unsupported("a missing value");
    }
    if !(real || complex || text || time) {
        return unsupported("a reduction");
    }
    for reduction in &spec.reductions {
        if reduction.is_gathered() {
            return Err(PlanError::Gathered { reduction: reduction.name() });
        }
        let defined = match reduction {
            Reduction::Count => real || complex || text || time,
            Reduction::Sum | Reduction::Mean => real || complex,
            Reduction::First | Reduction::Last => real || complex || text || time,
            Reduction::Min | Reduction::Max => real || text || time,
            Reduction::Var { .. } | Reduction::Std { .. } | Reduction::Histogram(_) | Reduction::Range => {
                real
            }
            _ => real || time,
        };
        if !defined {
            return unsupported(reduction.name());
        }
    }
    Ok(())
}

/// The statistics that the reductions are made from.
fn wanted(
    spec: &ReduceSpec,
    element: &ElementType,
    round: impl Fn(&Condition) -> Condition,
) -> Result<Wanted, PlanError> {
    let nan_is_missing = |n: &Number| matches!(n, Number::Float(x) if x.is_nan());
    let mut wanted = Wanted {
        nan: spec.missing.nan == NanPolicy::Value
            && Kind::of(element).has_nan()
            && spec.condition.is_none()
            && !spec.missing.fill_values.iter().any(nan_is_missing),
        text_len: match element {
            ElementType::VlenString => TEXT_LEN,
            element if is_text(element) => element.size().unwrap_or(0) as u64,
            _ => 0,
        },
        ..Wanted::default()
    };
    for reduction in &spec.reductions {
        match reduction {
            Reduction::Min => wanted.min = true,
            Reduction::Max => wanted.max = true,
            Reduction::Range => (wanted.min, wanted.max) = (true, true),
            Reduction::Sum | Reduction::Mean => wanted.sum = true,
            Reduction::Count | Reduction::Median | Reduction::Quantile(_) => {}
            Reduction::Var { .. } | Reduction::Std { .. } => (wanted.sum, wanted.deviations) = (true, true),
            Reduction::ArgMin => wanted.arg_min = true,
            Reduction::ArgMax => wanted.arg_max = true,
            Reduction::First => wanted.first = true,
            Reduction::Last => wanted.last = true,
            Reduction::Any(condition) | Reduction::All(condition) | Reduction::CountWhere(condition) => {
                wanted.conditions.push(round(condition));
            }
            Reduction::Histogram(edges) => {
                let ascending = edges.len() >= 2 && edges.is_sorted_by(|a, b| a < b);
                if !ascending || edges.iter().any(|edge| edge.is_nan()) {
                    return Err(PlanError::Edges { edges: edges.to_vec() });
                }
                wanted.edges.push(edges.clone());
            }
        }
    }
    if wanted.nan && wanted.places() {
        return Err(PlanError::NanPlace);
    }
    Ok(wanted)
}

/// What a text of any length is taken to be long, in bytes, where memory is reckoned.
const TEXT_LEN: u64 = 64;

/// The byte order fill values are kept in.
pub(crate) const FILL_ORDER: ByteOrder = ByteOrder::Little;
