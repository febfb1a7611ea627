//! Cutting a joined axis into chunks, such that every chunk of every input is a chunk of the result.

use rangefold_array::{AxisChunks, ChunkGrid};

use crate::input_array::InputArray;
use crate::joined_axis::JoinedAxis;
use crate::places::Places;
use crate::{ChunkRule, CombineError};

/// A joined axis of one variable.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    /// How the axis of the result is cut.
    pub(crate) chunks: AxisChunks,
    /// For each array, the chunks of the result that its own chunks are.
    pub(crate) targets: Vec<Places>,
}

/// One chunk of one array along a joined axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Segment {
    /// First place on the joined axis.
    start: u64,
    /// Positions that are used.
    valid: u64,
    /// Positions that are stored.
    stored: u64,
    /// Number of the array.
    row: usize,
}

/// Cuts `axis` for the arrays of `variable`; `number` is the place of the axis among the joined ones of the variable.
pub(crate) fn cut(
    variable: &str,
    arrays: &[InputArray<'_>],
    axis: &JoinedAxis,
    number: usize,
    chunks: ChunkRule,
) -> Result<Cut, CombineError> {
    let cutter = Cutter { variable, arrays, axis, number };
    let chunks = cutter.chunks(chunks)?;
    let targets = (0..arrays.len())
        .map(|row| cutter.segments(row).map(|segment| Ok(chunk_at(&chunks, segment?.start))).collect())
        .collect::<Result<_, CombineError>>()?;
    Ok(Cut { chunks, targets })
}

/// Index of the chunk that begins at `start`.
fn chunk_at(chunks: &AxisChunks, start: u64) -> u64 {
    match chunks {
        AxisChunks::Regular { length } => start / length,
        AxisChunks::Listed { bounds } => bounds.partition_point(|&b| b < start) as u64,
    }
}

struct Cutter<'a> {
    variable: &'a str,
    arrays: &'a [InputArray<'a>],
    axis: &'a JoinedAxis,
    number: usize,
}

impl Cutter<'_> {
    /// A regular cutting whose borders are those of all segments, or a listed one if that is allowed and possible.
    fn chunks(&self, chunks: ChunkRule) -> Result<AxisChunks, CombineError> {
        for row in 0..self.arrays.len() {
            self.check_label_count(row)?;
        }
        let total = self.axis.len();
        let mut length = None;
        let mut misfit = None;
        'arrays: for row in 0..self.arrays.len() {
            for segment in self.segments(row) {
                let segment = segment?;
                let length = *length.get_or_insert(segment.stored);
                let fits = segment.stored == length
                    && segment.start % length == 0
                    && segment.valid == segment.stored.min(total - segment.start);
                if !fits {
                    misfit = Some((segment, length));
                    break 'arrays;
                }
            }
        }
        match (misfit, chunks) {
            (None, _) => Ok(AxisChunks::Regular { length: length.unwrap_or(1) }),
            (Some((segment, length)), ChunkRule::Regular) => Err(self.uneven(
                segment.row,
                format!(
                    "its chunk of {} steps ({} of them used) begins at position {}, which is no chunk of a regular \
                     grid of {length} over {total} positions",
                    segment.stored, segment.valid, segment.start
                ),
            )),
            (Some(_), ChunkRule::Rectilinear) => self.listed(),
        }
    }

    /// A listed chunk decodes to just its length, so a padded one cannot be listed, nor may segments overlap or leave
    /// anything out.
    fn listed(&self) -> Result<AxisChunks, CombineError> {
        let mut segments = Vec::new();
        for row in 0..self.arrays.len() {
            for segment in self.segments(row) {
                segments.push(segment?);
            }
        }
        segments.sort_unstable();
        segments.dedup_by_key(|segment| (segment.start, segment.valid, segment.stored));
        let mut end = 0;
        let mut lengths = Vec::with_capacity(segments.len());
        for &Segment { start, valid, stored, row } in &segments {
            if valid != stored {
                let reason =
                    format!("only {valid} of the {stored} steps of its chunk at position {start} are used");
                return Err(self.uneven(row, reason + ", which no Zarr grid can say inside an axis"));
            }
            if start != end {
                let reason = format!("its chunk begins at position {start} but the one before ends at {end}");
                return Err(self.uneven(row, reason));
            }
            end = start + valid;
            lengths.push(valid);
        }
        if end != self.axis.len() {
            let row = segments.last().map_or(0, |segment| segment.row);
            let reason = format!("its last chunk ends at position {end} of {}", self.axis.len());
            return Err(self.uneven(row, reason));
        }
        AxisChunks::listed(0, &lengths)
            .map_err(|problem| CombineError::Grid { variable: self.variable.to_owned(), problem })
    }

    fn places(&self, row: usize) -> Option<&Places> {
        self.axis.places.get(self.arrays.get(row)?.input)?.as_ref()
    }

    fn source(&self, row: usize) -> Option<usize> {
        self.arrays.get(row).and_then(|array| array.own_axes.get(self.number).copied().flatten())
    }

    fn check_label_count(&self, row: usize) -> Result<(), CombineError> {
        let Some(array) = self.arrays.get(row) else { return Ok(()) };
        let length = self
            .source(row)
            .map_or(Some(1), |axis| array.stored.meta.shape().get(axis).copied())
            .unwrap_or(0);
        let labels = self.places(row).map_or(0, Places::len);
        if labels == length {
            return Ok(());
        }
        Err(CombineError::LabelCount {
            dimension: self.axis.dimension.clone(),
            input: array.name.to_owned(),
            labels,
            variable: self.variable.to_owned(),
            length,
        })
    }

    /// The chunks of one array along the axis, in order.
    fn segments(&self, row: usize) -> impl Iterator<Item = Result<Segment, CombineError>> + '_ {
        let grid = self.arrays.get(row).map(|array| &array.stored.meta.grid);
        let source = self.source(row);
        let count = match (source, grid) {
            (Some(axis), Some(grid)) => grid.chunk_counts().get(axis).copied().unwrap_or(0),
            _ => 1,
        };
        let places = self.places(row);
        (0..count).filter_map(move |chunk| {
            let places = places?;
            let (position, stored) = match source {
                Some(axis) => extent(grid?, axis, chunk)?,
                None => (0, 1),
            };
            let valid = stored.min(places.len().checked_sub(position)?);
            let start = places.get(position)?;
            if !places.is_run(position, valid) {
                let reason = "the labels inside one of its chunks do not follow one another on the joined axis; \
                              sort the other way or keep the given order, if all inputs agree on it";
                return Some(Err(self.uneven(row, reason.to_owned())));
            }
            Some(Ok(Segment { start, valid, stored, row }))
        })
    }

    fn uneven(&self, row: usize, reason: String) -> CombineError {
        CombineError::Uneven {
            variable: self.variable.to_owned(),
            dimension: self.axis.dimension.clone(),
            input: self.arrays.get(row).map_or("", |array| array.name).to_owned(),
            reason,
        }
    }
}

/// First position and stored length of chunk `chunk` along `axis`.
fn extent(grid: &ChunkGrid, axis: usize, chunk: u64) -> Option<(u64, u64)> {
    match grid.axes().get(axis)? {
        AxisChunks::Regular { length } => Some((chunk.checked_mul(*length)?, *length)),
        AxisChunks::Listed { bounds } => {
            let chunk = usize::try_from(chunk).ok()?;
            let (start, end) = (*bounds.get(chunk)?, *bounds.get(chunk.checked_add(1)?)?);
            Some((start, end - start))
        }
    }
}
