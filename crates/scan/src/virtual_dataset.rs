//! Virtual datasets: arrays put together from the references of other datasets.
//!
//! ```text
//! source a    ┌──┬──┐          virtual    ┌──┬──┬──┬──┐
//!             └──┴──┘  ───────►           │a │a │b │b │      whole chunks keep their references
//! source b    ┌──┬──┐  ───────►           └──┴──┴──┴──┘
//! ```
//! That works where every mapping takes whole chunks to whole chunks, and all sources have the same element type, codecs
//! and chunk shape. Everything else is left out with the reason: selections of points, mappings that grow with their
//! sources (unlimited counts, `%b` in names), sources that are virtual themselves.
//!
//! Spec: HDF5 File Format 3.0, III.F, "Global Heap Block for Virtual Datasets", and VIII.A, "Dataspace Encoding".

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rangefold_array::{ArrayMeta, ChunkGrid, CodecSpec, DataType, MemoryOrder};
use rangefold_hdf5::model::{Dataset, HyperslabDimension, Selection, VirtualMapping};
use rangefold_refs::{Attributes, ManifestArray, ManifestBuilder, Reference, ReferenceSet, Source};

use crate::Scan;
use crate::absent::{Chunk, say};
use crate::budget::Budget;
use crate::dimensions::Axis;
use crate::element::element;
use crate::fill::Fills;
use crate::shown::shown_path;
use crate::storage::push;

/// Chunks that the mappings of one virtual dataset take. Many mappings can name the same ones, so they are counted before
/// they are listed.
const CHUNKS_MAX: u64 = 1 << 20;

/// What became of a file that holds sources.
#[derive(Debug)]
pub(crate) enum SourceFile {
    /// It was scanned.
    Scanned(Box<Scan>),
    /// There is none at this URL: its part of a virtual dataset reads as the fill value.
    Missing(String),
    /// It cannot be used, and why.
    Unusable(String),
}

/// Files that hold sources, by the names they are called.
pub(crate) type SourceFiles = BTreeMap<String, SourceFile>;

/// A dataset whose elements are those of others.
#[derive(Debug)]
pub(crate) struct VirtualDataset {
    /// Path without leading slash.
    pub(crate) path: String,
    attributes: Attributes,
    data_type: DataType,
    shape: Vec<u64>,
    dimension_names: Vec<String>,
    fills: Fills,
    mappings: Vec<VirtualMapping>,
}

impl VirtualDataset {
    /// Takes a dataset to be put together.
    ///
    /// # Errors
    ///
    /// The reason, if it cannot be whatever its sources are.
    pub(crate) fn new(
        path: String,
        dataset: &Dataset,
        mappings: &[VirtualMapping],
        axes: &[Axis],
        attributes: Attributes,
    ) -> Result<Self, String> {
        let shape = dataset.shape().ok_or("it has a null dataspace: no elements at all")?.to_vec();
        let element = element(&dataset.datatype).map_err(|reason| format!("it holds {reason}"))?;
        if !element.inner_shape.is_empty() || element.conversion.is_some() {
            return Err("it is a virtual dataset of elements that are not plain".to_owned());
        }
        if axes.iter().map(|axis| axis.length).ne(shape.iter().copied()) {
            return Err("it is a virtual dataset shorter than its unlimited dimension".to_owned());
        }
        Ok(Self {
            path,
            attributes,
            fills: Fills::new(dataset, &element)?,
            data_type: element.data_type,
            shape,
            dimension_names: axes.iter().map(|axis| axis.name.clone()).collect(),
            mappings: mappings.to_vec(),
        })
    }

    /// File and dataset of each source.
    pub(crate) fn sources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.mappings.iter().map(|mapping| (mapping.source_file.as_str(), mapping.source_dataset.as_str()))
    }

    /// The array, and what a reader should know of it. What is known of the objects it refers to is added to `known`.
    ///
    /// # Errors
    ///
    /// The reason, if references cannot say what it holds.
    pub(crate) fn resolve(
        self,
        files: &SourceFiles,
        known: &mut BTreeMap<Arc<str>, Source>,
        budget: &Budget,
    ) -> Result<(ManifestArray, Vec<String>), String> {
        let mut notes = Vec::new();
        let mut parts = Vec::new();
        let mut left = CHUNKS_MAX;
        for mapping in &self.mappings {
            let part = self.part(mapping, files, known, &mut left, &mut notes);
            let part = part.map_err(|reason| {
                let VirtualMapping { source_file, source_dataset, .. } = mapping;
                format!(
                    "it is a virtual dataset, and its part {source_dataset:?} of {source_file:?} {reason}"
                )
            });
            parts.extend(part?);
        }
        let array = self
            .assemble(&parts, budget, &mut notes)
            .map_err(|reason| format!("it is a virtual dataset, and {reason}"))?;
        Ok((array, notes))
    }

    /// One mapping, chunk by chunk. `None` if it takes nothing.
    fn part<'a>(
        &self,
        mapping: &VirtualMapping,
        files: &'a SourceFiles,
        known: &mut BTreeMap<Arc<str>, Source>,
        left: &mut u64,
        notes: &mut Vec<String>,
    ) -> Result<Option<Part<'a>>, String> {
        if mapping.source_file.contains('%') || mapping.source_dataset.contains('%') {
            return Err("is one of a numbered series".to_owned());
        }
        let scan = match files.get(&mapping.source_file) {
            None => return Err("was not read".to_owned()),
            Some(SourceFile::Unusable(reason)) => return Err(format!("cannot be read: {reason}")),
            Some(SourceFile::Missing(_)) => {
                let name = &mapping.source_file;
                notes.push(format!(
                    "its source file {name:?} is not there; that part reads as the fill value"
                ));
                return Ok(None);
            }
            Some(SourceFile::Scanned(scan)) => scan,
        };
        let array = source(scan, &mapping.source_dataset)?;
        let Some(source) = runs(&mapping.source_selection, array.meta.shape())? else { return Ok(None) };
        let Some(target) = runs(&mapping.virtual_selection, &self.shape)? else { return Ok(None) };
        if array.meta.data_type != self.data_type {
            return Err(format!("holds {} where it holds {}", array.meta.data_type, self.data_type));
        }
        merge_sources(&scan.references, known)?;
        let part = Part::new(array, &source, &target, &self.shape)?;
        *left = left.checked_sub(part.chunk_count()).ok_or_else(too_many)?;
        Ok(Some(part))
    }

    fn assemble(
        self,
        parts: &[Part<'_>],
        budget: &Budget,
        notes: &mut Vec<String>,
    ) -> Result<ManifestArray, String> {
        let first = parts.first().ok_or("none of its sources is there")?;
        let codecs = &first.array.meta.codecs;
        if parts.iter().any(|part| part.chunk_shape != first.chunk_shape || part.array.meta.codecs != *codecs)
        {
            return Err("its sources differ in chunk shape or filters".to_owned());
        }
        let grid = ChunkGrid::regular(&self.shape, &first.chunk_shape).map_err(|error| error.to_string())?;
        let mut chunks = BTreeMap::new();
        for part in parts {
            part.place(&grid, &self.fills, &mut chunks)?;
        }
        chunks.retain(|_, chunk| chunk.is_some());
        let stored = u64::try_from(chunks.len()).unwrap_or(u64::MAX);
        let missing = grid.chunk_count().saturating_sub(stored);
        let absent = (missing > 0).then_some(self.fills.unwritten.as_slice());
        let said =
            say(&self.fills, absent, missing, chunk(&self.data_type, codecs, &first.chunk_shape), budget)?;
        notes.extend(said.note.map(str::to_owned));
        if let Some(bytes) = said.chunk {
            for number in 0..grid.chunk_count() {
                chunks.entry(number).or_insert_with(|| Some(Reference::Inline(bytes.clone())));
            }
        }
        let mut manifest = ManifestBuilder::new();
        for (number, chunk) in chunks {
            if let Some(reference) = chunk {
                push(&mut manifest, number, reference)?;
            }
        }
        let manifest = manifest.build(grid.chunk_count()).map_err(|error| error.to_string())?;
        let meta = ArrayMeta {
            data_type: self.data_type,
            grid,
            order: MemoryOrder::RowMajor,
            codecs: codecs.clone(),
            fill_value: said.fill_value,
            dimension_names: self.dimension_names,
        };
        Ok(ManifestArray { meta, attributes: self.attributes, manifest })
    }
}

/// A chunk of `shape`.
fn chunk<'a>(data_type: &'a DataType, codecs: &'a [CodecSpec], shape: &[u64]) -> Chunk<'a> {
    let size = data_type.size().and_then(|size| u64::try_from(size).ok()).unwrap_or(u64::MAX);
    let len = shape.iter().fold(size, |len, length| len.saturating_mul(*length));
    Chunk { data_type, codecs, len }
}

/// The array that a file calls `dataset`.
fn source<'a>(scan: &'a Scan, dataset: &str) -> Result<&'a ManifestArray, String> {
    let path = shown_path(dataset);
    if scan.extended.contains(&path) {
        return Err("is shorter than its unlimited dimension".to_owned());
    }
    scan.references.arrays.get(&path).ok_or_else(|| {
        let skipped = scan.skipped.iter().find(|skipped| skipped.path == path);
        skipped
            .map_or("is not there".to_owned(), |skipped| format!("cannot be referenced: {}", skipped.reason))
    })
}

/// Adds what is known of the objects of a source.
pub(crate) fn merge_sources(
    references: &ReferenceSet,
    known: &mut BTreeMap<Arc<str>, Source>,
) -> Result<(), String> {
    for (url, source) in &references.sources {
        if known.get(url).is_some_and(|known| known != source) {
            return Err(format!("is in {url}, which changed while it was read"));
        }
        known.insert(Arc::clone(url), source.clone());
    }
    Ok(())
}

/// The elements of a selection along one axis: `count` runs of `block` elements, `stride` apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    start: u64,
    stride: u64,
    block: u64,
    count: u64,
    /// Elements of the axis.
    extent: u64,
}

impl Run {
    fn whole(extent: u64) -> Self {
        Self { start: 0, stride: extent, block: extent, count: 1, extent }
    }

    /// A run that lies within its axis. `None` is an empty selection.
    ///
    /// # Errors
    ///
    /// The reason, if the run has no end or one beyond the axis.
    fn new(dimension: &HyperslabDimension, extent: u64) -> Result<Option<Self>, String> {
        let HyperslabDimension { start, stride, count, block } = *dimension;
        let (Some(count), Some(block)) = (count, block) else {
            return Err("grows with its source".to_owned());
        };
        let (Some(last), true) = (count.checked_sub(1), block > 0) else { return Ok(None) };
        let end = last.checked_mul(stride).and_then(|last| last.checked_add(start)?.checked_add(block));
        if end.is_none_or(|end| end > extent) || (last > 0 && stride < block) {
            return Err(format!("selects elements beyond {extent}, or twice"));
        }
        Ok(Some(Self { start, stride, block, count, extent }))
    }

    fn len(self) -> u64 {
        self.count.saturating_mul(self.block)
    }

    /// Where element `index` of the selection is; it must be one.
    fn position(self, index: u64) -> u64 {
        let (run, within) = (index / self.block, index % self.block);
        self.start.saturating_add(run.saturating_mul(self.stride)).saturating_add(within)
    }

    /// Where `length` elements from `index` on are, if they are next to each other.
    fn piece(self, index: u64, length: u64) -> Option<u64> {
        let (first, last) = (self.position(index), self.position(index.saturating_add(length - 1)));
        (last - first == length - 1).then_some(first)
    }
}

/// A selection as a run for each axis. `None` is an empty one.
fn runs(selection: &Selection, shape: &[u64]) -> Result<Option<Vec<Run>>, String> {
    match selection {
        Selection::None => Ok(None),
        Selection::All if shape.contains(&0) => Ok(None),
        Selection::All => Ok(Some(shape.iter().map(|extent| Run::whole(*extent)).collect())),
        Selection::Hyperslab(dimensions) => regular_runs(dimensions, shape),
        // Older formats list the boxes of a regular selection.
        Selection::Blocks(blocks) if blocks.is_empty() => Ok(None),
        Selection::Blocks(blocks) => match regular(blocks, shape.len()) {
            Some(dimensions) => regular_runs(&dimensions, shape),
            None => Err(format!("is selected by {} boxes without a pattern", blocks.len())),
        },
        Selection::Points(points) => Err(format!("is selected by {} points", points.len())),
    }
}

fn regular_runs(dimensions: &[HyperslabDimension], shape: &[u64]) -> Result<Option<Vec<Run>>, String> {
    if dimensions.len() != shape.len() {
        return Err(format!("has {} axes where {} are selected", shape.len(), dimensions.len()));
    }
    dimensions.iter().zip(shape).map(|(dimension, extent)| Run::new(dimension, *extent)).collect()
}

/// The regular selection that consists of these boxes, if there is one.
fn regular(blocks: &[(Vec<u64>, Vec<u64>)], rank: usize) -> Option<Vec<HyperslabDimension>> {
    let distinct: BTreeSet<_> = blocks.iter().collect();
    let mut boxes = 1_usize;
    let mut dimensions = Vec::with_capacity(rank);
    for axis in 0..rank {
        let edges = blocks.iter().map(|(first, last)| Some((*first.get(axis)?, *last.get(axis)?)));
        let edges: Vec<(u64, u64)> = edges.collect::<Option<BTreeSet<_>>>()?.into_iter().collect();
        let (start, last) = *edges.first()?;
        let block = last.checked_sub(start)?.checked_add(1)?;
        let stride = edges.get(1).map_or(Some(block), |(second, _)| second.checked_sub(start))?;
        let even = edges.windows(2).all(|pair| match pair {
            [(first, _), (second, _)] => first.checked_add(stride) == Some(*second),
            _ => false,
        });
        let alike = edges.iter().all(|(first, last)| first.checked_add(block - 1) == Some(*last));
        if !even || !alike {
            return None;
        }
        boxes = boxes.checked_mul(edges.len())?;
        dimensions.push(HyperslabDimension {
            start,
            stride,
            count: Some(u64::try_from(edges.len()).ok()?),
            block: Some(block),
        });
    }
    // As many boxes as the axes make, all of them different: every one is there.
    (boxes == blocks.len() && distinct.len() == blocks.len()).then_some(dimensions)
}

/// What a mapping takes where along one axis of the virtual dataset.
struct PartAxis {
    /// The axis of the source, if it has one for it.
    source: Option<usize>,
    /// Chunk indexes in source and target.
    pairs: Vec<(u64, u64)>,
}

/// What a mapping takes where, in chunks.
struct Part<'a> {
    array: &'a ManifestArray,
    /// Shape of a chunk in the virtual dataset.
    chunk_shape: Vec<u64>,
    /// Axes of the virtual dataset.
    axes: Vec<PartAxis>,
    /// Chunk indexes of the source on axes that the virtual dataset does not have.
    fixed: Vec<(usize, u64)>,
}

impl<'a> Part<'a> {
    /// Cuts a mapping into chunks.
    ///
    /// # Errors
    ///
    /// The reason, if it does not take whole chunks to whole chunks.
    fn new(array: &'a ManifestArray, source: &[Run], target: &[Run], shape: &[u64]) -> Result<Self, String> {
        let lengths = array.meta.grid.regular_chunk_shape().ok_or("has chunks of different shapes")?;
        let mut part = Self { array, chunk_shape: Vec::new(), axes: Vec::new(), fixed: Vec::new() };
        let mut sources = source.iter().zip(&lengths).enumerate().peekable();
        for (run, extent) in target.iter().zip(shape) {
            // Axes of one element may be there on one side only.
            while let Some((axis, (unmatched, length))) =
                sources.next_if(|(_, (source, _))| source.len() != run.len() && source.len() == 1)
            {
                part.fix(axis, *unmatched, *length)?;
            }
            match sources.next_if(|(_, (source, _))| source.len() == run.len()) {
                Some((axis, (source, length))) => {
                    part.chunk_shape.push(*length);
                    let pairs = pairs(*source, *run, *length, *extent)?;
                    part.axes.push(PartAxis { source: Some(axis), pairs });
                }
                None if run.len() == 1 => {
                    part.chunk_shape.push(1);
                    part.axes.push(PartAxis { source: None, pairs: vec![(0, run.start)] });
                }
                None => return Err("has another shape than what it is taken to".to_owned()),
            }
        }
        for (axis, (unmatched, length)) in sources {
            part.fix(axis, *unmatched, *length)?;
        }
        Ok(part)
    }

    fn fix(&mut self, axis: usize, run: Run, chunk_length: u64) -> Result<(), String> {
        if run.len() != 1 {
            return Err("has another shape than what it is taken to".to_owned());
        }
        if chunk_length != 1 {
            return Err(format!("takes one element of chunks of {chunk_length}"));
        }
        self.fixed.push((axis, run.start));
        Ok(())
    }

    /// Chunks it takes.
    fn chunk_count(&self) -> u64 {
        let lengths = self.axes.iter().map(|axis| u64::try_from(axis.pairs.len()).unwrap_or(u64::MAX));
        lengths.fold(1, u64::saturating_mul)
    }

    /// Adds the chunks by their number in `grid`; `None` is one that reads as the fill value.
    fn place(
        &self,
        grid: &ChunkGrid,
        fills: &Fills,
        chunks: &mut BTreeMap<u64, Option<Reference>>,
    ) -> Result<(), String> {
        let mut places = vec![0_usize; self.axes.len()];
        loop {
            let mut source = vec![0; self.array.meta.grid.rank()];
            let mut target = Vec::with_capacity(places.len());
            for (place, axis) in places.iter().zip(&self.axes) {
                let (from, to) = axis.pairs.get(*place).copied().unwrap_or_default();
                if let Some(index) = axis.source.and_then(|axis| source.get_mut(axis)) {
                    *index = from;
                }
                target.push(to);
            }
            for (axis, from) in &self.fixed {
                if let Some(index) = source.get_mut(*axis) {
                    *index = *from;
                }
            }
            let numbers = self.array.meta.grid.number(&source).zip(grid.number(&target));
            let (from, to) = numbers.ok_or("a chunk of it is outside its grid")?;
            let chunk = self.array.manifest.get(from);
            let fill = self.array.meta.fill_value.as_ref().map(|fill| &fill.0);
            if chunk.is_none() && fill != Some(&fills.unwritten) {
                return Err("parts of its sources are not stored and have another fill value".to_owned());
            }
            if chunks.insert(to, chunk).is_some() {
                return Err("its parts overlap".to_owned());
            }
            let mut axes = places.iter_mut().zip(&self.axes).rev();
            let moved = axes.find_map(|(place, axis)| {
                *place += 1;
                if *place < axis.pairs.len() {
                    return Some(());
                }
                *place = 0;
                None
            });
            if moved.is_none() {
                return Ok(());
            }
        }
    }
}

fn too_many() -> String {
    format!("makes it more than {CHUNKS_MAX} chunks")
}

/// Chunk indexes in source and target along one axis; `extent` is that of the target.
fn pairs(source: Run, target: Run, chunk: u64, extent: u64) -> Result<Vec<(u64, u64)>, String> {
    let length = source.len();
    if length.div_ceil(chunk) > CHUNKS_MAX {
        return Err(too_many());
    }
    let mut pairs = Vec::new();
    let mut index = 0;
    while index < length {
        let piece = chunk.min(length - index);
        let places = source.piece(index, piece).zip(target.piece(index, piece));
        let aligned = places.filter(|(from, to)| from % chunk == 0 && to % chunk == 0);
        // Less than a chunk is all there is of it only at the end of the target.
        let whole = aligned.filter(|(_, to)| piece == chunk || to.saturating_add(piece) == extent);
        let (from, to) =
            whole.ok_or_else(|| format!("does not take whole chunks, of {chunk}, to whole chunks"))?;
        pairs.push((from / chunk, to / chunk));
        index += piece;
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(start: u64, stride: u64, count: u64, block: u64, extent: u64) -> Run {
        let dimension = HyperslabDimension { start, stride, count: Some(count), block: Some(block) };
        Run::new(&dimension, extent).unwrap().unwrap()
    }

    #[test]
    fn whole_chunks_go_to_whole_chunks_next_to_each_other_or_apart() {
        let from = run(0, 1, 1, 10, 10);
        assert_eq!(pairs(from, run(20, 1, 1, 10, 30), 4, 30).unwrap(), [(0, 5), (1, 6), (2, 7)]);
        assert_eq!(pairs(run(0, 1, 1, 4, 4), run(4, 8, 2, 2, 20), 2, 20).unwrap(), [(0, 2), (1, 6)]);
    }

    #[test]
    fn chunks_that_are_cut_or_shifted_are_refused() {
        for (from, to, chunk) in [
            (run(0, 1, 1, 10, 10), run(0, 1, 1, 10, 20), 4),
            (run(0, 1, 1, 8, 10), run(2, 1, 1, 8, 20), 4),
            (run(2, 1, 1, 8, 10), run(4, 1, 1, 8, 20), 4),
            (run(0, 1, 1, 4, 4), run(0, 2, 4, 1, 20), 2),
        ] {
            assert!(pairs(from, to, chunk, 20).is_err(), "{from:?} {to:?} {chunk}");
        }
    }

    #[test]
    fn selections_beyond_their_axis_or_without_end_are_refused() {
        let of = |start, stride, count, block| {
            runs(&Selection::Hyperslab(vec![HyperslabDimension { start, stride, count, block }]), &[10])
        };
        assert_eq!(of(2, 4, Some(2), Some(2)), Ok(Some(vec![run(2, 4, 2, 2, 10)])));
        assert_eq!(of(2, 4, Some(0), Some(2)), Ok(None));
        for bad in [
            of(2, 4, Some(3), Some(2)),
            of(0, 1, None, Some(1)),
            of(0, 1, Some(1), None),
            of(0, 1, Some(3), Some(2)),
        ] {
            assert!(bad.is_err(), "{bad:?}");
        }
        assert!(of(1, u64::MAX, Some(u64::MAX), Some(u64::MAX)).is_err());
        assert!(runs(&Selection::Blocks(vec![(vec![3], vec![2])]), &[10]).is_err());
    }

    #[test]
    fn boxes_are_a_regular_selection_only_if_they_fill_its_pattern() {
        let square = |row: u64, column: u64| (vec![row, column], vec![row + 1, column]);
        let selected = |boxes: Vec<_>| runs(&Selection::Blocks(boxes), &[10, 10]);
        let expected = vec![run(0, 4, 2, 2, 10), run(1, 3, 2, 1, 10)];
        let all = vec![square(0, 1), square(0, 4), square(4, 1), square(4, 4)];
        assert_eq!(selected(all), Ok(Some(expected)));
        for bad in [
            vec![square(0, 1), square(4, 4)],
            vec![square(0, 1), square(0, 1)],
            vec![square(0, 1), square(0, 4), square(0, 5)],
            vec![(vec![0], vec![1])],
        ] {
            assert!(selected(bad).is_err());
        }
    }
}
