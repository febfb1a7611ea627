//! Texts: how many there are, the smallest and the largest, the first and the last.
//!
//! A text is a run of bytes: UTF-8 for types of Unicode characters, and what is stored for others, without the zeros that
//! pad it. Texts are compared byte by byte; for UTF-8 that is the order of code points, in which Python compares them.

use std::{borrow::Cow, ops::Range};

use rangefold_array::{ByteOrder, DataType, ElementType, text_of_bytes};

use crate::{
    ChunkTask, Outcome, Partial, ReduceError, Reduction, ReductionPlan, Values,
    chunk::{partial, populations},
    columns::{Prefer, Wanted},
    partial::Cells,
    plan::FILL_ORDER,
    walk::{Run, RunSink, Walk},
    windows::Joined,
};

/// Whether values of this type are texts.
pub(crate) fn is_text(element: &ElementType) -> bool {
    matches!(element, ElementType::FixedBytes(1..) | ElementType::FixedUtf32(1..) | ElementType::VlenString)
}

/// A text, and the place where it stands.
#[derive(Clone, Debug, PartialEq)]
struct LocatedText {
    text: Vec<u8>,
    place: u64,
}

/// A text of each cell that has one; empty if it is not wanted.
#[derive(Clone, Debug, PartialEq)]
struct TextColumn {
    prefer: Prefer,
    texts: Vec<Option<LocatedText>>,
}

impl TextColumn {
    fn new(prefer: Prefer, wanted: bool, cells: usize) -> Self {
        Self { prefer, texts: vec![None; if wanted { cells } else { 0 }] }
    }

    /// Takes a text if the column is wanted, and the cell is empty or the text is preferred.
    fn offer(&mut self, cell: usize, text: &[u8], place: u64) {
        let Some(slot) = self.texts.get_mut(cell) else { return };
        let better = slot.as_ref().is_none_or(|old| match self.prefer {
            Prefer::Smaller => text < old.text.as_slice(),
            Prefer::Larger => text > old.text.as_slice(),
            Prefer::Earlier => place < old.place,
            Prefer::Later => place > old.place,
        });
        if better {
            *slot = Some(LocatedText { text: text.to_vec(), place });
        }
    }
}

/// The statistics of the texts of some cells.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Texts {
    count: Vec<u64>,
    columns: [TextColumn; 4],
}

impl Texts {
    /// Cells without texts.
    pub(crate) fn new(wanted: &Wanted, cells: usize) -> Self {
        Self {
            count: vec![0; cells],
            columns: [
                TextColumn::new(Prefer::Smaller, wanted.min, cells),
                TextColumn::new(Prefer::Larger, wanted.max, cells),
                TextColumn::new(Prefer::Earlier, wanted.first, cells),
                TextColumn::new(Prefer::Later, wanted.last, cells),
            ],
        }
    }

    /// Whether these are `cells` cells with the wanted columns.
    pub(crate) fn have(&self, wanted: &Wanted, cells: usize) -> bool {
        let lengths =
            [wanted.min, wanted.max, wanted.first, wanted.last].map(|wanted| usize::from(wanted) * cells);
        self.count.len() == cells && self.columns.iter().map(|column| column.texts.len()).eq(lengths)
    }

    /// Adds one text taken `population` times, its places between `first` and `last`.
    fn add(&mut self, cell: usize, text: &[u8], population: u64, (first, last): (u64, u64)) {
        self.count[cell] += population;
        for column in &mut self.columns {
            column.offer(cell, text, if column.prefer == Prefer::Later { last } else { first });
        }
    }

    /// Adds cells `from` of `other`, made for the same plan, to as many from `at` on.
    pub(crate) fn merge(&mut self, at: usize, other: &Self, from: Range<usize>) {
        for (cell, source) in (at..).zip(from) {
            self.count[cell] += other.count[source];
            for (mine, theirs) in self.columns.iter_mut().zip(&other.columns) {
                if let Some(Some(LocatedText { text, place })) = theirs.texts.get(source) {
                    mine.offer(cell, text, *place);
                }
            }
        }
    }

    /// As many as `count` cells, to which these are joined: each to the one of the number `to` gives, if any.
    pub(crate) fn folded(&self, wanted: &Wanted, count: usize, to: &[Option<usize>]) -> Self {
        let mut folded = Self::new(wanted, count);
        let taken = to.iter().enumerate().filter_map(|(source, to)| Some(((*to)?, source)));
        taken.for_each(|(cell, source)| folded.merge(cell, self, source..source + 1));
        folded
    }
}

/// Texts that windows join.
struct Rolled<'w> {
    texts: Texts,
    wanted: &'w Wanted,
}

impl Joined for Rolled<'_> {
    fn empty(&self, cells: usize) -> Self {
        Self { texts: Texts::new(self.wanted, cells), wanted: self.wanted }
    }

    fn put(&mut self, at: usize, other: &Self, from: Range<usize>) {
        let (mine, theirs) = (&mut self.texts, &other.texts);
        mine.count[at..at + from.len()].copy_from_slice(&theirs.count[from.clone()]);
        for (mine, theirs) in mine.columns.iter_mut().zip(&theirs.columns) {
            if !mine.texts.is_empty() {
                mine.texts[at..at + from.len()].clone_from_slice(&theirs.texts[from.clone()]);
            }
        }
    }

    fn join(&mut self, at: usize, other: &Self, from: Range<usize>) {
        self.texts.merge(at, &other.texts, from);
    }

    fn has_value(&self, cell: usize) -> bool {
        self.texts.count[cell] > 0
    }
}

/// The answers to all reductions of a plan of texts.
pub(crate) fn outcomes(plan: &ReductionPlan, texts: Texts) -> Vec<Outcome> {
    let (texts, lacking) = match plan.windows {
        None => (texts, Vec::new()),
        Some(windows) => {
            let (rolled, lacking) = windows.roll(&plan.output_shape, Rolled { texts, wanted: &plan.wanted });
            (rolled.texts, lacking)
        }
    };
    let [min, max, first, last] = &texts.columns;
    let of = |column: &TextColumn| {
        let text = |located: &Option<LocatedText>| {
            located.as_ref().map(|located| text_of_bytes(&located.text)).unwrap_or_default()
        };
        Values::Text(column.texts.iter().map(text).collect())
    };
    let answer = |reduction: &Reduction| {
        let values = match reduction {
            Reduction::Min => of(min),
            Reduction::Max => of(max),
            Reduction::First => of(first),
            Reduction::Last => of(last),
            // No plan asks anything else of texts.
            _ => Values::Signed(texts.count.iter().map(|&n| i64::try_from(n).unwrap_or(i64::MAX)).collect()),
        };
        let element = match values {
            Values::Text(_) => plan.value_element(),
            _ => ElementType::Int64,
        };
        let (reduction, shape) = (reduction.clone(), plan.output_shape.clone());
        Outcome { reduction, shape, element, values, count: texts.count.clone(), lacking: lacking.clone() }
    };
    plan.reductions.iter().map(answer).collect()
}

/// The texts of a chunk.
#[derive(Clone, Copy)]
pub(crate) enum TextElements<'a> {
    /// Elements of fixed size, in the order their type says.
    Fixed(&'a DataType, &'a [u8]),
    /// One for each element.
    Any(&'a [&'a [u8]]),
}

impl<'a> TextElements<'a> {
    /// The text of an element; as an error the first number in it that is no character.
    fn text(self, element: usize) -> Result<Cow<'a, [u8]>, u32> {
        let (data_type, bytes) = match self {
            TextElements::Any(texts) => return Ok(Cow::Borrowed(texts[element])),
            TextElements::Fixed(data_type, bytes) => (data_type, bytes),
        };
        let size = data_type.size().unwrap_or(0);
        let bytes = &bytes[element * size..(element + 1) * size];
        if let ElementType::FixedBytes(_) = data_type.element {
            return Ok(Cow::Borrowed(unpadded(bytes)));
        }
        let number = match data_type.order {
            ByteOrder::Little => u32::from_le_bytes,
            ByteOrder::Big => u32::from_be_bytes,
        };
        let numbers = bytes.as_chunks::<4>().0.iter().map(|&unit| number(unit));
        let text: String = numbers.map(|n| char::from_u32(n).ok_or(n)).collect::<Result<_, _>>()?;
        Ok(Cow::Owned(unpadded(text.as_bytes()).to_vec()))
    }
}

/// Bytes without the zeros at their end.
pub(crate) fn unpadded(bytes: &[u8]) -> &[u8] {
    let len = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    &bytes[..len]
}

/// Takes the texts of a chunk.
struct TextSink<'a> {
    source: TextElements<'a>,
    missing: &'a [Vec<u8>],
    texts: &'a mut Texts,
    /// The first number that is no character.
    broken: Option<u32>,
}

impl TextSink<'_> {
    fn take(&mut self, run: Run, cell_step: usize) {
        for k in 0..run.len {
            match self.source.text(run.first + k * run.stride) {
                Ok(text) if self.missing.iter().any(|missing| **missing == *text) => {}
                Ok(text) => {
                    let place = run.place + k as u64 * run.place_stride;
                    self.texts.add(run.cell + k * cell_step, &text, 1, (place, place));
                }
                Err(number) => self.broken = self.broken.or(Some(number)),
            }
        }
    }
}

impl RunSink for TextSink<'_> {
    fn to_one_cell(&mut self, run: Run) {
        self.take(run, 0);
    }

    fn to_cells(&mut self, run: Run) {
        self.take(run, 1);
    }
}

/// Adds the texts of a chunk, as many as it has elements.
///
/// # Errors
///
/// [`ReduceError::Character`].
pub(crate) fn reduce(
    plan: &ReductionPlan,
    task: &ChunkTask,
    walk: &Walk<'_>,
    source: TextElements<'_>,
    texts: &mut Texts,
) -> Result<(), ReduceError> {
    let mut sink = TextSink { source, missing: &plan.missing_texts, texts, broken: None };
    walk.visit(&mut sink);
    match sink.broken {
        Some(number) => Err(ReduceError::Character { chunk: task.selection.index(), number }),
        None => Ok(()),
    }
}

/// The partial of a chunk that holds nothing but the fill value; without one, texts of any length are empty.
///
/// # Errors
///
/// [`ReduceError::FillValue`] if the fill value has not the length of an element, and [`ReduceError::Character`].
pub(crate) fn absent(plan: &ReductionPlan, task: &ChunkTask) -> Result<Partial, ReduceError> {
    let missing = Partial::missing(task);
    let fill = plan.fill_value.as_ref().map(|fill| fill.0.as_slice());
    // HDF5 and netCDF read texts of any length that were never written as empty ones.
    let unwritten = plan.has_texts_of_any_length().then_some(&[][..]);
    let Some(fill) = fill.or(unwritten) else { return Ok(missing) };
    let stored = DataType { element: plan.data_type.element.clone(), order: FILL_ORDER };
    let text = match stored.size() {
        None => Ok(Cow::Borrowed(fill)),
        Some(expected) if expected != fill.len() => {
            return Err(ReduceError::FillValue { expected, len: fill.len() });
        }
        Some(_) => TextElements::Fixed(&stored, fill).text(0),
    };
    let text = text.map_err(|number| ReduceError::Character { chunk: task.selection.index(), number })?;
    if plan.missing_texts.iter().any(|missing| **missing == *text) {
        return Ok(missing);
    }
    let region = plan.walk(task, None)?.into_region();
    let populations = populations(plan, task, &region);
    let mut texts = Texts::new(&plan.wanted, populations.len());
    for (cell, population) in populations.iter().enumerate().filter(|(_, population)| population.count > 0) {
        texts.add(cell, &text, population.count, (population.first, population.last));
    }
    Ok(partial(plan, task, region, Cells::Text(texts)))
}
