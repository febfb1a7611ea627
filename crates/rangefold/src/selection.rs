//! A selection written part by part: never more of it in memory than a part.
//!
//! ```text
//! selection   ┌──────┬──────┬────┐   boxes, at chunk boundaries where memory allows
//!             │ box  │ box  │    │   each is read, masked and unpacked by itself,
//!             ├──────┼──────┼────┤   and goes to its place in a .npy file or becomes a chunk of a .zarr
//! ```

use std::io::{Seek as _, SeekFrom, Write as _};

use rangefold_array::{AxisChunks, AxisRange, ElementType, Hyperslab, Slice, Values};
use rangefold_cf::axis_variable;
use rangefold_output::{ArrayFile, Format, InParts, Stored, ZarrArray};
use rangefold_query::field::Dim;
use rangefold_query::select::AxisSelector;
use rangefold_query::{Dataset, Field, Interpretation, KeptDimension, Query, dimension};
use rangefold_refs::ManifestArray;
use rangefold_storage::FileWriter;

use crate::save::{SaveError, Target};

type Result<T, E = SaveError> = std::result::Result<T, E>;

/// Bytes that are held for each cell of a box while it is masked and unpacked.
const CELL_BYTES: u64 = 48;
/// Cells of a box at the least, and at the most.
const CELLS: std::ops::RangeInclusive<u64> = (1 << 16)..=(1 << 22);
/// An output may be so many times as long as the memory that may be used.
const OUTPUT_FACTOR: u64 = 16;

/// How a selection of `array` can be written part by part in `format`, `raw` or as values; `None` if it is written whole.
pub(crate) fn in_parts(array: &ManifestArray, format: Format, raw: bool) -> Option<InParts> {
    let element = &array.meta.data_type.element;
    let is_text = matches!(element, ElementType::FixedBytes(_) | ElementType::FixedUtf32(_));
    let has_elements = !matches!(
        element,
        ElementType::VlenString
            | ElementType::Structured(_)
            | ElementType::Raw(_)
            | ElementType::FixedBytes(0)
            | ElementType::FixedUtf32(0)
    );
    let form = format.in_parts()?;
    let is_array = match form {
        InParts::Npy => raw || !is_text,
        InParts::Zarr => !is_text,
    };
    (has_elements && is_array && (raw || array.meta.parted_axis().is_none())).then_some(form)
}

/// Writes what `query` selects of the variable at path `variable`, a box at a time.
///
/// # Errors
///
/// [`SaveError`]: it cannot be read or written, or is longer than the memory allows.
pub(crate) async fn write(
    dataset: &Dataset,
    variable: &str,
    query: &Query,
    form: InParts,
    target: Target<'_>,
) -> Result<Vec<String>> {
    let (view, selected) = dataset.select(variable, query).await?;
    let absent = || SaveError::Gone { variable: variable.to_owned() };
    let array = view.references().arrays.get(variable).ok_or_else(absent)?;
    let runs = selected.runs;
    let shape: Vec<u64> = runs.iter().map(|runs| runs.iter().map(|run| run.count()).sum()).collect();
    let size = array.meta.data_type.size().unwrap_or(8) as u64;
    let memory = dataset.resources().limits().memory;
    let bytes = shape.iter().fold(u128::from(size), |n, &length| n.saturating_mul(length.into()));
    let most = u128::from(memory).saturating_mul(OUTPUT_FACTOR.into());
    if bytes > most {
        let needed = bytes.div_ceil(OUTPUT_FACTOR.into());
        return Err(SaveError::TooLong { variable: variable.to_owned(), shape, bytes, memory, most, needed });
    }
    let is_raw = query.interpretation == Interpretation::Raw;
    let cells = (memory / CELL_BYTES).clamp(*CELLS.start(), *CELLS.end());
    let boxes = Boxes::new(array, &runs, &shape, cells);
    let reader = Reader { dataset, variable, query, runs: &runs, is_raw };
    let (outline, mut warnings) = reader.outline(form == InParts::Zarr).await?;
    match form {
        InParts::Npy => npy(&reader, &outline, &boxes, memory, target).await?,
        InParts::Zarr => zarr(&reader, &outline, &boxes, target).await?,
    }
    warnings.splice(0..0, selected.warnings);
    Ok(warnings)
}

async fn npy(
    reader: &Reader<'_>,
    outline: &Field,
    boxes: &Boxes,
    memory: u64,
    target: Target<'_>,
) -> Result<()> {
    let header = ArrayFile::header(outline, &boxes.shape)?;
    let size = outline.element.size().unwrap_or(1);
    let mut output = Output::begin(target, header, &boxes.shape, size, memory)?;
    for at in 0..boxes.count() {
        let (origin, lengths) = boxes.get(at);
        let mut bytes = vec![0; len(&lengths, size)?];
        reader
            .fill(&origin, &lengths, &lengths, &mut bytes, size, &|field| {
                Ok(ArrayFile::elements(field).map(Some)?)
            })
            .await?;
        output.put(&origin, &lengths, &bytes).map_err(|error| target.failed(error))?;
    }
    output.finish(target).await
}

async fn zarr(reader: &Reader<'_>, outline: &Field, boxes: &Boxes, target: Target<'_>) -> Result<()> {
    // What stands for missing integers must be none of the values, which are known only once all were read.
    let mut stored = vec![Stored::described(outline, None)?];
    for fill in Stored::fills(&outline.element) {
        stored.push(Stored::described(outline, Some(fill))?);
    }
    for stored in stored {
        let mut tree = target.tree().await?;
        let array = ZarrArray::new(outline, &stored, &boxes.shape, &boxes.lengths)?;
        let size = stored.element.size().unwrap_or(1);
        let mut is_fit = true;
        for at in 0..boxes.count() {
            let (origin, lengths) = boxes.get(at);
            let mut bytes = array.empty(len(&boxes.lengths, size)?);
            let is_right = |field: &Field| Ok(stored.elements(field)?);
            if !reader.fill(&origin, &lengths, &boxes.lengths, &mut bytes, size, &is_right).await? {
                is_fit = false;
                break;
            }
            for (name, content) in array.chunk(&boxes.index(at), bytes)? {
                tree.put(&name, content).await?;
            }
        }
        if !is_fit {
            tree.abandon().await;
            continue;
        }
        let mut objects: Vec<_> = array.finish()?.into_iter().collect();
        let Some((index, last)) = objects.pop() else { continue };
        for (name, content) in objects {
            tree.put(&name, content).await?;
        }
        return Ok(tree.finish(&index, last).await?);
    }
    Err(SaveError::NoFill { element: outline.element.name() })
}

/// Reads parts of a selection.
struct Reader<'a> {
    dataset: &'a Dataset,
    variable: &'a str,
    query: &'a Query,
    runs: &'a [Vec<AxisRange>],
    is_raw: bool,
}

/// What becomes of the values of a part; `None` if they cannot be held so.
type Elements<'a> = dyn Fn(&Field) -> Result<Option<Vec<u8>>> + Sync + 'a;

impl Reader<'_> {
    /// What is known of the whole selection but its values, and what is to be told of the variable; with the labels of its dimensions if it is `labelled`.
    async fn outline(&self, labelled: bool) -> Result<(Field, Vec<String>)> {
        // One element tells as much of the attributes and the type as all do.
        let one: Option<Vec<AxisRange>> = self
            .runs
            .iter()
            .map(|runs| {
                let first = runs.iter().find(|run| run.count() > 0)?;
                AxisRange::new(first.start(), 1, 1, first.start().saturating_add(1))
            })
            .collect();
        let one = one.ok_or_else(|| SaveError::Nothing { variable: self.variable.to_owned() })?;
        let query = Query { select: self.selection(&one), ..self.query.clone() };
        let planned = self.dataset.plan(self.variable, &query).await?;
        let mut field = planned.run_unlabelled().await?;
        let (view, _) = self.dataset.select(self.variable, self.query).await?;
        let set = view.references();
        let gone = || SaveError::Gone { variable: self.variable.to_owned() };
        let meta = set.arrays.get(self.variable).map(|array| &array.meta).ok_or_else(gone)?;
        if self.is_raw {
            field.element = meta.data_type.element.clone();
        }
        let mut dims = Vec::with_capacity(self.runs.len());
        for ((name, &length), runs) in meta.dimension_names.iter().zip(meta.shape()).zip(self.runs) {
            let name = name.clone();
            let is_labelled = labelled && axis_variable(set, self.variable, &name, length).path().is_some();
            dims.push(if is_labelled {
                let positions = runs.iter().flat_map(|run| run.positions()).collect();
                let kept = KeptDimension::Selected { name, positions };
                dimension(&view, self.variable, &kept).await.map_err(rangefold_query::AnswerError::from)?
            } else {
                let count = runs.iter().map(|run| run.count()).sum::<u64>();
                Dim { name, length: usize::try_from(count).map_err(|_| gone())?, coordinate: None }
            });
        }
        let field = Field { dims, values: Values::default(), valid: Vec::new(), dates: None, ..field };
        Ok((field, planned.warnings().to_vec()))
    }

    /// The values at `ranges`.
    async fn part(&self, ranges: &[AxisRange]) -> Result<Field> {
        let query = Query { select: self.selection(ranges), ..self.query.clone() };
        let planned = self.dataset.plan(self.variable, &query).await?;
        Ok(planned.run_unlabelled().await?)
    }

    fn selection(&self, ranges: &[AxisRange]) -> Vec<(String, AxisSelector)> {
        let names = self
            .dataset
            .metadata()
            .arrays
            .get(self.variable)
            .map(|array| array.meta.dimension_names.as_slice());
        let end = |n: u64| i64::try_from(n).ok();
        let slice = |range: &AxisRange| Slice::Range {
            start: end(range.start()),
            stop: end(range
                .start()
                .saturating_add(range.count().saturating_sub(1).saturating_mul(range.stride()))
                .saturating_add(1)),
            step: end(range.stride()),
        };
        let selectors = ranges.iter().map(|range| AxisSelector::Index(slice(range)));
        names.unwrap_or_default().iter().cloned().zip(selectors).collect()
    }

    /// Puts the elements of a box into `bytes`, an array of shape `within`; `false` if they cannot be held so.
    async fn fill(
        &self,
        origin: &[u64],
        lengths: &[u64],
        within: &[u64],
        bytes: &mut [u8],
        size: usize,
        elements: &Elements<'_>,
    ) -> Result<bool> {
        let pieces: Vec<Vec<(u64, AxisRange)>> = self
            .runs
            .iter()
            .zip(origin.iter().zip(lengths))
            .map(|(runs, (&o, &n))| cut(runs, o, n))
            .collect();
        let counts: Vec<u64> = pieces.iter().map(|pieces| pieces.len() as u64).collect();
        for number in 0..counts.iter().product() {
            let chosen = index(&counts, number).into_iter().zip(&pieces);
            let chosen = chosen.filter_map(|(i, pieces)| pieces.get(usize::try_from(i).ok()?).copied());
            let (at, ranges): (Vec<u64>, Vec<AxisRange>) = chosen.unzip();
            let shape: Vec<u64> = ranges.iter().map(|range| range.count()).collect();
            let part = if self.is_raw {
                let query = Query { select: self.selection(&ranges), ..self.query.clone() };
                let planned = self.dataset.plan(self.variable, &query).await?;
                let (store, memory) = (planned.view().store(), self.dataset.resources().limits().memory);
                store.elements(self.variable, &Hyperslab::from_axes(ranges), memory).await?
            } else {
                match elements(&self.part(&ranges).await?)? {
                    Some(part) => part,
                    None => return Ok(false),
                }
            };
            for (to, from, count) in rows(within, &at, &shape) {
                let (to, from, count) = (to * size, from * size, count * size);
                if let (Some(to), Some(from)) = (bytes.get_mut(to..to + count), part.get(from..from + count))
                {
                    to.copy_from_slice(from);
                }
            }
        }
        Ok(true)
    }
}

/// The part of `runs` from number `origin` on, `count` of them: where each piece begins, and its positions.
fn cut(runs: &[AxisRange], origin: u64, count: u64) -> Vec<(u64, AxisRange)> {
    let (mut before, mut pieces) = (0_u64, Vec::new());
    for run in runs {
        let (start, end) = (origin.max(before), (origin + count).min(before + run.count()));
        if start < end {
            let first = run.start() + (start - before) * run.stride();
            let last = first + (end - start - 1) * run.stride();
            pieces.extend(
                AxisRange::new(first, run.stride(), end - start, last + 1)
                    .map(|range| (start - origin, range)),
            );
        }
        before += run.count();
    }
    pieces
}

/// The row-major index of `number`.
fn index(counts: &[u64], mut number: u64) -> Vec<u64> {
    let mut index = vec![0; counts.len()];
    for (slot, &count) in index.iter_mut().zip(counts).rev() {
        *slot = number % count.max(1);
        number /= count.max(1);
    }
    index
}

/// Elements that follow one another in an array of shape `full` and in one of shape `shape` that stands at `origin` in it:
/// where they begin in both, and how many.
fn rows(full: &[u64], origin: &[u64], shape: &[u64]) -> impl Iterator<Item = (usize, usize, usize)> {
    let small = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    // Axes that are whole join the row of the one before.
    let whole = (0..shape.len()).rev().take_while(|&axis| shape.get(axis) == full.get(axis)).count();
    let outer = shape.len().saturating_sub(whole + 1);
    let row: u64 = shape.iter().skip(outer).product();
    let counts = shape.get(..outer).unwrap_or_default().to_vec();
    let (full, origin) = (full.to_vec(), origin.to_vec());
    let count = counts.iter().product::<u64>();
    (0..count).filter(move |_| row > 0).map(move |number| {
        let mut place = index(&counts, number);
        place.resize(full.len(), 0);
        let at =
            full.iter().zip(origin.iter().zip(&place)).fold(0_u64, |n, (&length, (o, p))| n * length + o + p);
        (small(at), small(number * row), small(row))
    })
}

/// Bytes of an array of elements of `size`.
fn len(shape: &[u64], size: usize) -> Result<usize> {
    let cells = shape.iter().try_fold(size, |n, &length| n.checked_mul(usize::try_from(length).ok()?));
    cells.ok_or_else(|| SaveError::Part { shape: shape.to_vec() })
}

/// How a selection is cut into boxes.
struct Boxes {
    shape: Vec<u64>,
    /// Of a box that is not cut short at the end of an axis.
    lengths: Vec<u64>,
    counts: Vec<u64>,
}

impl Boxes {
    /// Boxes of at most `cells` cells, which end where chunks do if these are not larger.
    fn new(array: &ManifestArray, runs: &[Vec<AxisRange>], shape: &[u64], cells: u64) -> Self {
        let mut units: Vec<u64> = array
            .meta
            .grid
            .axes()
            .iter()
            .zip(runs.iter().zip(shape))
            .map(|(chunks, (runs, &length))| {
                let stride = runs.first().map_or(1, |run| run.stride()).max(1);
                let chunk = match chunks {
                    AxisChunks::Regular { length } => *length,
                    AxisChunks::Listed { bounds } => bounds.get(1).copied().unwrap_or(1),
                };
                chunk.div_ceil(stride).clamp(1, length.max(1))
            })
            .collect();
        let mut lengths: Vec<u64> = shape.iter().map(|&length| length.max(1)).collect();
        let size = |lengths: &[u64]| lengths.iter().fold(1_u64, |n, &length| n.saturating_mul(length));
        while size(&lengths) > cells {
            let longer = lengths.iter_mut().zip(&units).find(|(length, unit)| **length > **unit);
            match longer {
                Some((length, unit)) => *length = length.div_ceil(*unit).div_ceil(2) * unit,
                // A chunk is larger than a box may be.
                None if units.iter().any(|&unit| unit > 1) => units.fill(1),
                None => break,
            }
        }
        let counts = shape.iter().zip(&lengths).map(|(shape, length)| shape.div_ceil(*length)).collect();
        Self { shape: shape.to_vec(), lengths, counts }
    }

    fn count(&self) -> u64 {
        self.counts.iter().product()
    }

    fn index(&self, number: u64) -> Vec<u64> {
        index(&self.counts, number)
    }

    /// Where box `number` begins, and its shape.
    fn get(&self, number: u64) -> (Vec<u64>, Vec<u64>) {
        let index = self.index(number);
        let origin: Vec<u64> = index.iter().zip(&self.lengths).map(|(i, length)| i * length).collect();
        let left = origin.iter().zip(self.shape.iter().zip(&self.lengths));
        let lengths = left.map(|(origin, (shape, length))| (shape - origin).min(*length)).collect();
        (origin, lengths)
    }
}

/// A `.npy` file that is being written: a file beside its place, or bytes that become an object.
enum Output {
    File { file: FileWriter, header: u64, shape: Vec<u64>, size: usize },
    Object { bytes: Vec<u8>, header: usize, shape: Vec<u64>, size: usize },
}

impl Output {
    fn begin(target: Target<'_>, header: Vec<u8>, shape: &[u64], size: usize, memory: u64) -> Result<Self> {
        let shape = shape.to_vec();
        let Some(mut file) = target.local_file()? else {
            let length = header.len();
            let part = || SaveError::Part { shape: shape.clone() };
            let total = length.checked_add(len(&shape, size)?).ok_or_else(part)?;
            if total as u64 > memory {
                return Err(SaveError::Held { url: target.url.to_owned(), total: total as u64, memory });
            }
            let mut bytes = header;
            bytes.resize(total, 0);
            return Ok(Self::Object { bytes, header: length, shape, size });
        };
        file.file().write_all(&header).map_err(|error| target.failed(error))?;
        Ok(Self::File { file, header: header.len() as u64, shape, size })
    }

    fn put(&mut self, origin: &[u64], lengths: &[u64], part: &[u8]) -> std::io::Result<()> {
        match self {
            Self::File { file, header, shape, size } => {
                let file = file.file();
                for (to, from, count) in rows(shape, origin, lengths) {
                    file.seek(SeekFrom::Start(*header + (to * *size) as u64))?;
                    file.write_all(part.get(from * *size..(from + count) * *size).unwrap_or_default())?;
                }
            }
            Self::Object { bytes, header, shape, size } => {
                for (to, from, count) in rows(shape, origin, lengths) {
                    let start = *header + to * *size;
                    let slot = bytes.get_mut(start..start + count * *size);
                    if let (Some(slot), Some(part)) = (slot, part.get(from * *size..(from + count) * *size)) {
                        slot.copy_from_slice(part);
                    }
                }
            }
        }
        Ok(())
    }

    async fn finish(self, target: Target<'_>) -> Result<()> {
        match self {
            Self::Object { bytes, .. } => target.write(bytes).await,
            Self::File { file, .. } => Ok(file.finish()?),
        }
    }
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_as_long_as_both_arrays_allow() {
        let all = |full: &[u64], origin: &[u64], shape: &[u64]| rows(full, origin, shape).collect::<Vec<_>>();
        assert_eq!(all(&[4, 3], &[1, 0], &[2, 3]), [(3, 0, 6)]);
        assert_eq!(all(&[4, 3], &[1, 1], &[2, 2]), [(4, 0, 2), (7, 2, 2)]);
        assert_eq!(all(&[2, 3, 2], &[0, 1, 0], &[2, 2, 2]), [(2, 0, 4), (8, 4, 4)]);
        assert_eq!(all(&[], &[], &[]), [(0, 0, 1)]);
        assert_eq!(all(&[3], &[1], &[0]), []);
    }

    #[test]
    fn pieces_follow_the_runs() {
        let run = |start, stride, count| AxisRange::new(start, stride, count, 100).unwrap();
        let runs = [run(90, 2, 3), run(0, 2, 4)];
        assert_eq!(cut(&runs, 1, 4), [(0, run(92, 2, 2)), (2, run(0, 2, 2))]);
        assert_eq!(cut(&runs, 5, 1), [(0, run(4, 2, 1))]);
    }
}
