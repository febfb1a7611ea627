//! Placing the chunks of many inputs in one array.

use std::collections::HashMap;

use rangefold_array::{ArrayMeta, AxisChunks, ChunkGrid};
use rangefold_refs::{Manifest, ManifestArray, ManifestBuilder, Reference};

use crate::axis::Axis;
use crate::{Chunks, CombineError, Overlap};

/// One input's array, with the number of the input.
pub(crate) struct Part<'a> {
    pub(crate) input: usize,
    pub(crate) name: &'a str,
    pub(crate) array: &'a ManifestArray,
}

/// An axis of the result that is joined: which one, and which axis of the inputs it is (`None` for a new axis).
#[derive(Clone, Copy)]
pub(crate) struct JoinedAxis<'a> {
    pub(crate) axis: &'a Axis,
    pub(crate) source: Option<usize>,
}

/// Two references of different bytes for one chunk, to be accepted only if they decode to the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Verify {
    /// The variable.
    pub variable: String,
    /// Row-major number of the chunk in the result.
    pub chunk: u64,
    /// Elements of the chunk.
    pub elements: u64,
    /// The reference that was taken, and its input.
    pub kept: (String, Reference),
    /// The other, and its input.
    pub other: (String, Reference),
}

/// Where the chunks of one axis of one input go.
struct AxisPlan {
    /// Place of each chunk in the joined axis: first position and number of valid positions.
    segments: Vec<(u64, u64)>,
    /// Index of each chunk in the joined grid.
    chunks: Vec<u64>,
}

/// Joins the parts of `variable`. New axes stand first, in the order of `joined`.
pub(crate) fn join(
    variable: &str,
    parts: &[Part<'_>],
    joined: &[JoinedAxis<'_>],
    chunks: Chunks,
    overlap: Overlap,
    verify: &mut Vec<Verify>,
) -> Result<ManifestArray, CombineError> {
    let Some(first) = parts.first() else { return Err(CombineError::NoInputs) };
    let new: Vec<&JoinedAxis<'_>> = joined.iter().filter(|j| j.source.is_none()).collect();
    let mut plans: Vec<Vec<AxisPlan>> = Vec::with_capacity(joined.len());
    let mut cuts: Vec<AxisChunks> = Vec::with_capacity(joined.len());
    for joined in joined {
        let (plan, cut) = plan_axis(variable, parts, *joined, chunks)?;
        plans.push(plan);
        cuts.push(cut);
    }
    let grid = joined_grid(variable, first.array, joined, &cuts, new.len())?;
    let rows = Placer { variable, parts, joined, plans: &plans, grid: &grid, new_axes: new.len(), overlap };
    let manifest = rows.manifest(verify)?;
    let mut dimension_names: Vec<String> = new.iter().map(|j| j.axis.dimension.clone()).collect();
    dimension_names.extend(first.array.meta.dimension_names.iter().cloned());
    let meta = ArrayMeta { grid, dimension_names, ..first.array.meta.clone() };
    Ok(ManifestArray { meta, attributes: first.array.attributes.clone(), manifest })
}

/// The grid of the result: joined axes cut as planned, the others as in the first part.
fn joined_grid(
    variable: &str,
    first: &ManifestArray,
    joined: &[JoinedAxis<'_>],
    cuts: &[AxisChunks],
    new_axes: usize,
) -> Result<ChunkGrid, CombineError> {
    let mut shape = vec![0; new_axes];
    shape.extend_from_slice(first.meta.shape());
    let mut axes = vec![AxisChunks::Regular { length: 1 }; new_axes];
    axes.extend_from_slice(first.meta.grid.axes());
    let mut next_new = 0;
    for (joined, cut) in joined.iter().zip(cuts) {
        let target = match joined.source {
            Some(source) => new_axes + source,
            None => {
                next_new += 1;
                next_new - 1
            }
        };
        if let (Some(length), Some(axis)) = (shape.get_mut(target), axes.get_mut(target)) {
            *length = joined.axis.len();
            *axis = cut.clone();
        }
    }
    ChunkGrid::new(&shape, axes)
        .map_err(|source| CombineError::Grid { variable: variable.to_owned(), source })
}

/// Finds the segment of every chunk of every part on one joined axis, and a cutting of the joined axis at their borders.
fn plan_axis(
    variable: &str,
    parts: &[Part<'_>],
    joined: JoinedAxis<'_>,
    chunks: Chunks,
) -> Result<(Vec<AxisPlan>, AxisChunks), CombineError> {
    let axis = joined.axis;
    let uneven = |part: &Part<'_>, reason: String| CombineError::Uneven {
        variable: variable.to_owned(),
        dimension: axis.dimension.clone(),
        input: part.name.to_owned(),
        reason,
    };
    let mut plans = Vec::with_capacity(parts.len());
    // First position to valid and stored length of the segment there, and the part it was first seen in.
    let mut segments: HashMap<u64, (u64, u64, usize)> = HashMap::new();
    for (row, part) in parts.iter().enumerate() {
        let places = axis.places.get(part.input).map(Vec::as_slice).unwrap_or_default();
        let (length, stored) = match joined.source {
            None => (1, vec![1]),
            Some(source) => (
                part.array.meta.shape().get(source).copied().unwrap_or(0),
                stored_lengths(&part.array.meta.grid, source),
            ),
        };
        if places.len() as u64 != length {
            return Err(CombineError::LabelCount {
                dimension: axis.dimension.clone(),
                input: part.name.to_owned(),
                labels: places.len(),
                variable: variable.to_owned(),
                length,
            });
        }
        let mut own = Vec::with_capacity(stored.len());
        let mut rest = places;
        for stored in stored {
            let valid = usize::try_from(stored).unwrap_or(usize::MAX).min(rest.len());
            let (here, after) = rest.split_at(valid);
            rest = after;
            let Some(&start) = here.first() else { continue };
            if !here.windows(2).all(|pair| pair.first().map(|p| p + 1) == pair.last().copied()) {
                let reason = "the labels inside one chunk do not follow one another on the joined axis; \
                              sort the other way, keep the given order, or leave the input out";
                return Err(uneven(part, reason.to_owned()));
            }
            let valid = valid as u64;
            if let Some(&(other, _, seen)) = segments.get(&start)
                && other != valid
            {
                let other_name = parts.get(seen).map_or("", |p| p.name);
                return Err(uneven(
                    part,
                    format!(
                        "its chunk at position {start} holds {valid} steps but the one of {other_name} holds {other}"
                    ),
                ));
            }
            segments.entry(start).or_insert((valid, stored, row));
            own.push((start, valid));
        }
        plans.push(AxisPlan { segments: own, chunks: Vec::new() });
    }
    let cut = cut_axis(axis, &segments, chunks, |row, reason| match parts.get(row) {
        Some(part) => uneven(part, reason),
        None => CombineError::NoInputs,
    })?;
    for plan in &mut plans {
        plan.chunks = plan.segments.iter().map(|&(start, _)| chunk_at(&cut, start)).collect();
    }
    Ok((plans, cut))
}

/// Stored lengths of the chunks along one axis.
fn stored_lengths(grid: &ChunkGrid, axis: usize) -> Vec<u64> {
    let count = grid.chunk_counts().get(axis).copied().unwrap_or(0);
    match grid.axes().get(axis) {
        Some(AxisChunks::Regular { length }) => (0..count).map(|_| *length).collect(),
        Some(AxisChunks::Listed { bounds }) => {
            bounds.windows(2).filter_map(|pair| pair.last()?.checked_sub(*pair.first()?)).collect()
        }
        None => Vec::new(),
    }
}

/// Index of the chunk that begins at `start`.
fn chunk_at(cut: &AxisChunks, start: u64) -> u64 {
    match cut {
        AxisChunks::Regular { length } => start / length,
        AxisChunks::Listed { bounds } => bounds.partition_point(|&b| b < start) as u64,
    }
}

/// A regular cutting whose borders are those of all segments, or a listed one if that is allowed and possible.
fn cut_axis(
    axis: &Axis,
    segments: &HashMap<u64, (u64, u64, usize)>,
    chunks: Chunks,
    error: impl Fn(usize, String) -> CombineError,
) -> Result<AxisChunks, CombineError> {
    let total = axis.len();
    let mut sorted: Vec<(u64, u64, u64, usize)> =
        segments.iter().map(|(&start, &(valid, stored, row))| (start, valid, stored, row)).collect();
    sorted.sort_unstable();
    let Some(&(_, _, length, _)) = sorted.first() else { return Ok(AxisChunks::Regular { length: 1 }) };
    let misfit = sorted.iter().find(|&&(start, valid, stored, _)| {
        stored != length || start % length != 0 || valid != stored.min(total - start)
    });
    let Some(&(start, valid, stored, row)) = misfit else { return Ok(AxisChunks::Regular { length }) };
    if chunks == Chunks::Regular {
        return Err(error(
            row,
            format!(
                "its chunk of {stored} steps ({valid} of them used) begins at position {start}, \
                 which is no chunk of a regular grid with chunks of {length}; a rectilinear grid may say it"
            ),
        ));
    }
    // A listed chunk decodes to just its length, so a padded one cannot be listed, nor can segments leave holes or overlap.
    let mut end = 0;
    let mut lengths = Vec::with_capacity(sorted.len());
    for &(start, valid, stored, row) in &sorted {
        if valid != stored {
            return Err(error(
                row,
                format!(
                    "its chunk of {stored} steps holds only {valid}, which no Zarr grid can say inside an axis"
                ),
            ));
        }
        if start != end {
            return Err(error(
                row,
                format!("its chunk begins at position {start} but the one before ends at {end}"),
            ));
        }
        end = start + valid;
        lengths.push(valid);
    }
    if end != total {
        return Err(error(
            sorted.last().map_or(0, |s| s.3),
            format!("its chunk ends at position {end} of {total}"),
        ));
    }
    AxisChunks::listed(0, &lengths)
        .map_err(|source| CombineError::Grid { variable: axis.dimension.clone(), source })
}

struct Placer<'a> {
    variable: &'a str,
    parts: &'a [Part<'a>],
    joined: &'a [JoinedAxis<'a>],
    /// Per joined axis, per part.
    plans: &'a [Vec<AxisPlan>],
    grid: &'a ChunkGrid,
    new_axes: usize,
    overlap: Overlap,
}

impl Placer<'_> {
    /// All references in their places. Parts are visited in the order of their first place, so rows come nearly sorted.
    fn manifest(&self, verify: &mut Vec<Verify>) -> Result<Manifest, CombineError> {
        let mut order: Vec<usize> = (0..self.parts.len()).collect();
        order.sort_by_key(|&row| {
            self.plans
                .iter()
                .map(|plans| plans.get(row).and_then(|p| p.chunks.first().copied()))
                .collect::<Vec<_>>()
        });
        let owners = self.owners();
        let mut builder = ManifestBuilder::new();
        for row in order {
            self.place(row, &owners, &mut builder, verify)?;
        }
        builder
            .build(self.grid.chunk_count())
            .map_err(|source| CombineError::Manifest { variable: self.variable.to_owned(), source })
    }

    /// Cells (chunk indexes on the joined axes) that more than one part fills, with the part that wins.
    fn owners(&self) -> HashMap<Vec<u64>, usize> {
        let mut first_seen: HashMap<Vec<u64>, usize> = HashMap::new();
        let mut shared = HashMap::new();
        for row in 0..self.parts.len() {
            for cell in self.cells(row) {
                match first_seen.get(&cell) {
                    None => {
                        first_seen.insert(cell, row);
                    }
                    Some(&first) => {
                        let owner = if self.overlap == Overlap::Last { row } else { first };
                        shared.insert(cell, owner);
                    }
                }
            }
        }
        shared
    }

    /// The product of one part's chunk indexes over the joined axes.
    fn cells(&self, row: usize) -> Vec<Vec<u64>> {
        let mut cells: Vec<Vec<u64>> = vec![Vec::new()];
        for plans in self.plans {
            let chunks = plans.get(row).map(|plan| plan.chunks.as_slice()).unwrap_or_default();
            cells = cells
                .iter()
                .flat_map(|cell| {
                    chunks.iter().map(move |&chunk| cell.iter().copied().chain([chunk]).collect())
                })
                .collect();
        }
        cells
    }

    fn place(
        &self,
        row: usize,
        owners: &HashMap<Vec<u64>, usize>,
        builder: &mut ManifestBuilder,
        verify: &mut Vec<Verify>,
    ) -> Result<(), CombineError> {
        let Some(part) = self.parts.get(row) else { return Ok(()) };
        let manifest_error = |source| CombineError::Manifest { variable: self.variable.to_owned(), source };
        let mut cell = vec![0; self.joined.len()];
        for (number, reference) in part.array.manifest.iter() {
            let Some(local) = part.array.meta.grid.index(number) else { continue };
            let Some(index) = self.target(row, &local, &mut cell) else { continue };
            let Some(target) = self.grid.number(&index) else { continue };
            let owner = owners.get(&cell).copied().unwrap_or(row);
            if owner == row {
                builder.push(target, reference).map_err(manifest_error)?;
            } else {
                self.collide(part, owner, &cell, target, &index, reference, verify)?;
            }
        }
        Ok(())
    }

    /// Index in the result of a part's chunk; `cell` receives its indexes on the joined axes.
    fn target(&self, row: usize, local: &[u64], cell: &mut [u64]) -> Option<Vec<u64>> {
        let mut index = vec![0; self.new_axes];
        index.extend_from_slice(local);
        let mut next_new = 0;
        for ((joined, plans), slot) in self.joined.iter().zip(self.plans).zip(cell) {
            let plan = plans.get(row)?;
            let (axis, here) = match joined.source {
                Some(source) => (self.new_axes + source, usize::try_from(*local.get(source)?).ok()?),
                None => {
                    next_new += 1;
                    (next_new - 1, 0)
                }
            };
            *slot = *plan.chunks.get(here)?;
            *index.get_mut(axis)? = *slot;
        }
        Some(index)
    }

    /// A chunk that another part owns: fine if it is the same bytes, or the policy says so.
    #[expect(
        clippy::too_many_arguments,
        reason = "one call, whose arguments are all the facts of one collision"
    )]
    fn collide(
        &self,
        part: &Part<'_>,
        owner: usize,
        cell: &[u64],
        target: u64,
        index: &[u64],
        reference: Reference,
        verify: &mut Vec<Verify>,
    ) -> Result<(), CombineError> {
        let Some(winner) = self.parts.get(owner) else { return Ok(()) };
        let kept = self.reference_of(owner, cell, index);
        if kept.as_ref() == Some(&reference) || matches!(self.overlap, Overlap::First | Overlap::Last) {
            return Ok(());
        }
        if let (Overlap::Identical, Some(kept)) = (self.overlap, kept) {
            verify.push(Verify {
                variable: self.variable.to_owned(),
                chunk: target,
                elements: self.grid.chunk_len(index).unwrap_or(0),
                kept: (winner.name.to_owned(), kept),
                other: (part.name.to_owned(), reference),
            });
            return Ok(());
        }
        Err(CombineError::Overlap {
            variable: self.variable.to_owned(),
            label: self.label(index),
            first: winner.name.to_owned(),
            second: part.name.to_owned(),
        })
    }

    /// The reference by which the part in `row` fills the chunk at `index` of the result.
    fn reference_of(&self, row: usize, cell: &[u64], index: &[u64]) -> Option<Reference> {
        let part = self.parts.get(row)?;
        let mut local = index.get(self.new_axes..)?.to_vec();
        for ((joined, plans), &chunk) in self.joined.iter().zip(self.plans).zip(cell) {
            let own = plans.get(row)?.chunks.iter().position(|&c| c == chunk)? as u64;
            if let Some(source) = joined.source {
                *local.get_mut(source)? = own;
            }
        }
        part.array.manifest.get(part.array.meta.grid.number(&local)?)
    }

    /// The labels where the chunk at `index` begins: `time 2001-01-01T00:00:00`.
    fn label(&self, index: &[u64]) -> String {
        let origin = self.grid.chunk_origin(index);
        let mut next_new = 0;
        let labels = self.joined.iter().filter_map(|joined| {
            let axis = match joined.source {
                Some(source) => self.new_axes + source,
                None => {
                    next_new += 1;
                    next_new - 1
                }
            };
            let position = usize::try_from(*origin.get(axis)?).ok()?;
            Some(format!("{} {}", joined.axis.dimension, joined.axis.labels.printed(position)))
        });
        labels.collect::<Vec<_>>().join(", ")
    }
}
