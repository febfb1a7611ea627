//! Where the elements of a dataset are: its layout as chunks.

use std::sync::Arc;

use bytes::Bytes;
use rangefold_hdf5::chunk_table::ChunkTable;
use rangefold_hdf5::model::{Dataset, ExternalSegment, Layout};
use rangefold_hdf5::range::ByteRange;
use rangefold_refs::{ManifestBuilder, Reference};

use crate::filters::FilterMask;
use crate::neighbours::Externals;

/// Chunks that an array in other files is cut into. HDF5 writers use a handful of files.
const EXTERNAL_CHUNKS_MAX: u64 = 1 << 16;

/// Where encoded bytes are.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// In the file.
    Range(ByteRange),
    /// In another file.
    Elsewhere(Arc<str>, ByteRange),
    /// Read already.
    Bytes(Bytes),
}

/// How the elements of a dataset are stored.
pub(crate) struct Storage<'a> {
    /// Shape of a chunk.
    pub(crate) chunk_shape: Vec<u64>,
    /// The chunks that are stored.
    pub(crate) chunks: Chunks<'a>,
    /// Whether chunks that reach over the edge of the extent are stored without filters.
    pub(crate) unfiltered_edges: bool,
}

/// The chunks of a dataset that are stored.
pub(crate) enum Chunks<'a> {
    /// All of them, one after another.
    All(Vec<Source>),
    /// Those of a chunk index.
    Table(&'a ChunkTable),
}

impl Chunks<'_> {
    /// How many are stored.
    pub(crate) fn count(&self) -> u64 {
        match self {
            Self::All(sources) => u64::try_from(sources.len()).unwrap_or(u64::MAX),
            Self::Table(table) => u64::try_from(table.len()).unwrap_or(u64::MAX),
        }
    }

    /// Number in the grid of the dataset's own extent, source, filter mask.
    pub(crate) fn iter(&self) -> Box<dyn Iterator<Item = (u64, Source, FilterMask)> + '_> {
        match self {
            Self::All(sources) => {
                Box::new((0..).zip(sources).map(|(number, source)| (number, source.clone(), FilterMask(0))))
            }
            Self::Table(table) => Box::new(
                table
                    .iter()
                    .map(|chunk| (chunk.number, Source::Range(chunk.range), FilterMask(chunk.filter_mask))),
            ),
        }
    }
}

/// Where the elements of a dataset of extent `own_shape` are.
///
/// # Errors
///
/// The reason, if no reference can say where.
pub(crate) fn storage<'a>(
    dataset: &'a Dataset,
    own_shape: &[u64],
    externals: &Externals,
) -> Result<Storage<'a>, String> {
    let whole: Vec<u64> = own_shape.iter().map(|extent| (*extent).max(1)).collect();
    let needed = || {
        let count = dataset.space.element_count().ok_or("it has more elements than 64 bits can count")?;
        count.checked_mul(dataset.datatype.size).ok_or("it has more bytes than 64 bits can count")
    };
    let (chunk_shape, chunks, unfiltered_edges) = match &dataset.layout {
        Layout::Compact { bytes } => {
            let needed = needed()?;
            let length = usize::try_from(needed).map_err(|_| "it has more bytes than memory")?;
            if bytes.len() < length {
                return Err(format!("its object header holds {} bytes but it has {needed}", bytes.len()));
            }
            let source = (needed > 0).then(|| Source::Bytes(bytes.slice(..length)));
            (whole, Chunks::All(source.into_iter().collect()), false)
        }
        Layout::Contiguous { range: None } => (whole, Chunks::All(Vec::new()), false),
        Layout::Contiguous { range: Some(range) } => {
            let needed = needed()?;
            if range.length < needed {
                return Err(format!("{} bytes are stored but it has {needed}", range.length));
            }
            let source = (needed > 0).then(|| Source::Range(ByteRange::new(range.offset, needed)));
            (whole, Chunks::All(source.into_iter().collect()), false)
        }
        Layout::Chunked(layout) => {
            let table = layout.chunks.as_ref().ok_or("its chunk index was not read")?;
            (layout.chunk_shape.clone(), Chunks::Table(table), layout.unfiltered_partial_edge_chunks)
        }
        Layout::External { segments } => {
            let (chunk_shape, sources) = external(segments, needed()?, whole, externals)?;
            (chunk_shape, Chunks::All(sources), false)
        }
        Layout::Virtual { .. } => return Err("it is a virtual dataset".to_owned()),
    };
    if matches!(&chunks, Chunks::All(sources) if !sources.is_empty()) && !dataset.filters.is_empty() {
        return Err("it has filters although it is not chunked".to_owned());
    }
    Ok(Storage { chunk_shape, chunks, unfiltered_edges })
}

/// The chunks of `needed` bytes that lie in other files, one segment after another.
///
/// A chunk cannot span files, so the array is cut along its first axis into chunks that divide every segment.
fn external(
    segments: &[ExternalSegment],
    needed: u64,
    mut chunk_shape: Vec<u64>,
    externals: &Externals,
) -> Result<(Vec<u64>, Vec<Source>), String> {
    let rows = chunk_shape.first().copied().unwrap_or(1);
    let row_len = needed.checked_div(rows).filter(|length| *length > 0);
    let Some(row_len) = row_len else { return Ok((chunk_shape, Vec::new())) };
    let mut runs = Vec::new();
    let (mut left, mut unit) = (needed, rows);
    for segment in segments {
        let length = segment.length.unwrap_or(u64::MAX).min(left);
        if length == 0 {
            continue;
        }
        if length % row_len != 0 {
            return Err(format!(
                "its elements are in other files (external storage), and a row of {row_len} bytes is divided between them"
            ));
        }
        let known = externals.get(&segment.file);
        let known = known.ok_or_else(|| format!("its file {:?} was not looked at", segment.file))?;
        let file = known.as_ref().map_err(|reason| {
            format!("its elements are in {:?} (external storage), but {reason}", segment.file)
        })?;
        // HDF5 reads zeros past the end of a file; that more likely is a file cut off.
        if segment.offset.checked_add(length).is_none_or(|end| end > file.size) {
            return Err(format!(
                "its elements are at bytes {}.. of {:?} (external storage), {length} bytes, but that file has {}",
                segment.offset, segment.file, file.size
            ));
        }
        runs.push((Arc::clone(&file.url), ByteRange::new(segment.offset, length)));
        unit = greatest_common_divisor(unit, length / row_len);
        left -= length;
    }
    if left > 0 {
        return Err(format!("it has {needed} bytes but its segments in other files are {left} bytes short"));
    }
    if rows / unit > EXTERNAL_CHUNKS_MAX {
        return Err(format!(
            "its segments in other files divide it into more than {EXTERNAL_CHUNKS_MAX} chunks"
        ));
    }
    if let Some(first) = chunk_shape.first_mut() {
        *first = unit;
    }
    let chunk_len = unit * row_len;
    let chunks = runs.iter().flat_map(|(url, run)| {
        let offsets = (0..run.length / chunk_len).map(|index| run.offset + index * chunk_len);
        offsets.map(|offset| Source::Elsewhere(Arc::clone(url), ByteRange::new(offset, chunk_len)))
    });
    Ok((chunk_shape, chunks.collect()))
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// A reference to a range of the file.
pub(crate) fn reference(url: &Arc<str>, range: ByteRange) -> Result<Reference, String> {
    let range = rangefold_array::ByteRange::new(range.offset, range.length)
        .ok_or_else(|| format!("the range {range} ends beyond 64 bits"))?;
    Ok(Reference::Range { url: Arc::clone(url), range })
}

/// Adds a reference.
pub(crate) fn push(manifest: &mut ManifestBuilder, number: u64, reference: Reference) -> Result<(), String> {
    manifest.push(number, reference).map_err(|error| error.to_string())
}
