//! Nodes as bytes: what is kept between questions and sent between processes. The same on every machine.
//!
//! All numbers are little-endian.
//!
//! ```text
//!  offset  bytes
//!       0      8  "RFNODE\r\n"
//!       8      4  version: 1
//!      12      4  level
//!      16     32  fingerprint of what the node answers, chosen by whoever writes it
//!      48      8  ordinal of the first task
//!      56      8  ordinal after the last
//!      64      4  kind of the values: 1 signed, 2 unsigned, 3 float, 4 complex, 5 text
//!      68      4  rank of the answer
//!      72   16·r  for each axis of the answer, the first cell and the number of cells
//!              …  columns, in the order of `Columns` or `Texts`; a column has one number per cell if the plan needs it
//!     end-32  32  SHA-256 of all before
//! ```
//! Counts, places, hits and bins are `u64`; extremes and located values `i64`, `u64` or `f64`; sums of integers `i128`, those
//! of floats and deviations all high parts `f64` and then all low parts. Complex values have two sets of columns. A text is a
//! byte that tells whether there is one, its place, its length and its bytes.
//!
//! A reader knows the plan, so it knows how long each column is: a length that is written down twice could lie.

use std::{ops::Range, sync::Arc};

use sha2::{Digest as _, Sha256};

use super::{accumulator::whole, node::Node};
use crate::{
    meaning::{
        element::Wide,
        layout::{Fixed as _, Input, Written as _},
        sum::FloatSums,
    },
    plan::{
        order::{blocks_of_node, node_of},
        reduction_plan::ReductionPlan,
    },
    question::region::Region,
    statistic::{
        cells::Cells,
        columns::Columns,
        line::Line,
        located::Located,
        texts::{LocatedText, Texts},
        wanted::Wanted,
    },
};

const MAGIC: [u8; 8] = *b"RFNODE\r\n";
const VERSION: u32 = 1;
/// Bytes of a fingerprint and of the checksum.
const HASH_LEN: usize = 32;

/// What tells one question from another: a hash.
pub type Fingerprint = [u8; HASH_LEN];

/// Bytes that are not those of a node, or of another one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// They are cut short, or something follows.
    #[error("a partial answer cannot have {len} bytes")]
    Length {
        /// Bytes given.
        len: usize,
    },
    /// They do not begin as a node does, or are of a version that is not known.
    #[error("these bytes are not a partial answer of version {VERSION}")]
    Format,
    /// They were damaged.
    #[error("a partial answer is damaged: its checksum does not fit its bytes")]
    Checksum,
    /// They answer something else.
    #[error("a partial answer belongs to another question, or to other data")]
    Foreign,
    /// What they say cannot be.
    #[error("a partial answer is malformed: {what}")]
    Malformed {
        /// What is wrong.
        what: &'static str,
    },
}

impl Node {
    /// The node as bytes that carry `fingerprint`.
    #[must_use]
    pub fn to_bytes(&self, fingerprint: &Fingerprint) -> Vec<u8> {
        let Self { level, ordinals, region, cells } = self;
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&level.to_le_bytes());
        bytes.extend_from_slice(fingerprint);
        bytes.extend_from_slice(&ordinals.start.to_le_bytes());
        bytes.extend_from_slice(&ordinals.end.to_le_bytes());
        bytes.extend_from_slice(&kind_of(cells).to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(region.start.len()).unwrap_or(u32::MAX).to_le_bytes());
        for (&start, &length) in region.start.iter().zip(&region.shape) {
            bytes.extend_from_slice(&start.to_le_bytes());
            bytes.extend_from_slice(&(length as u64).to_le_bytes());
        }
        match cells {
            Cells::Missing => {}
            Cells::Signed(columns) => write_columns(&mut bytes, columns),
            Cells::Unsigned(columns) => write_columns(&mut bytes, columns),
            Cells::Float(columns) => write_columns(&mut bytes, columns),
            Cells::Complex(real, imaginary) => {
                write_columns(&mut bytes, real);
                write_columns(&mut bytes, imaginary);
            }
            Cells::Text(texts) => write_texts(&mut bytes, texts),
        }
        let checksum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&checksum);
        bytes
    }
}

impl ReductionPlan {
    /// Reads what [`Node::to_bytes`] wrote for the same plan and fingerprint.
    ///
    /// # Errors
    ///
    /// [`NodeError`]. Bytes that were forged are an error, or a node of this plan: there is no other outcome.
    pub fn node_from_bytes(&self, fingerprint: &Fingerprint, bytes: &[u8]) -> Result<Node, NodeError> {
        let short = || NodeError::Length { len: bytes.len() };
        let body = bytes.len().checked_sub(HASH_LEN).and_then(|end| bytes.split_at_checked(end));
        let (body, checksum) = body.ok_or_else(short)?;
        let mut input = Input(body);
        if input.array() != Some(MAGIC) || input.u32() != Some(VERSION) {
            return Err(NodeError::Format);
        }
        if *Sha256::digest(body) != *checksum {
            return Err(NodeError::Checksum);
        }
        let level = input.u32().ok_or_else(short)?;
        if input.array().as_ref() != Some(fingerprint) {
            return Err(NodeError::Foreign);
        }
        let (start, end) = input.u64().zip(input.u64()).ok_or_else(short)?;
        let ordinals = start..end;
        self.check_node(level, &ordinals)?;
        let (kind, rank) = input.u32().zip(input.u32()).ok_or_else(short)?;
        let frame = whole(self);
        if frame.start.len() as u64 != u64::from(rank) {
            return Err(NodeError::Malformed { what: "it has another number of axes" });
        }
        let mut region = Region::default();
        let mut cells = 1_usize;
        for &length in &frame.shape {
            let (start, count) = input.u64().zip(input.u64()).ok_or_else(short)?;
            let fits = start.checked_add(count).is_some_and(|end| end <= length as u64);
            let count = usize::try_from(count).ok().filter(|_| fits);
            let count = count.ok_or(NodeError::Malformed { what: "its cells are outside the answer" })?;
            region.start.push(start);
            region.shape.push(count);
            // No overflow: there are no more than in the answer.
            cells = cells.saturating_mul(count);
        }
        let empty = self.empty_cells(0);
        if kind != kind_of(&empty) {
            return Err(NodeError::Malformed { what: "its values are of another kind" });
        }
        let wanted = &self.wanted;
        let cells = match empty {
            Cells::Missing => Some(Cells::Missing),
            Cells::Signed(_) => read_columns(&mut input, wanted, cells).map(Cells::Signed),
            Cells::Unsigned(_) => read_columns(&mut input, wanted, cells).map(Cells::Unsigned),
            Cells::Float(_) => read_columns(&mut input, wanted, cells).map(Cells::Float),
            Cells::Complex(..) => {
                let parts =
                    read_columns(&mut input, wanted, cells).zip(read_columns(&mut input, wanted, cells));
                parts.map(|(real, imaginary)| Cells::Complex(real, Box::new(imaginary)))
            }
            Cells::Text(_) => read_texts(&mut input, wanted, cells)?.map(Cells::Text),
        };
        let cells = cells.filter(|_| input.0.is_empty()).ok_or_else(short)?;
        let most = self.selected_count();
        if !cells.counts().all(|counts| counts.iter().all(|&n| n <= most)) {
            return Err(NodeError::Malformed { what: "it counts more values than there are" });
        }
        Ok(Node { level, ordinals, region, cells })
    }

    /// Refuses tasks that are not those of a node of this level, or its first rows.
    fn check_node(&self, level: u32, ordinals: &Range<u64>) -> Result<(), NodeError> {
        let malformed = NodeError::Malformed { what: "its tasks are not those of a part of the array" };
        let row_len = self.chunks.row_len().max(1);
        if ordinals.is_empty()
            || ordinals.end > self.chunk_count()
            || !ordinals.start.is_multiple_of(row_len)
            || !ordinals.end.is_multiple_of(row_len)
        {
            return Err(malformed);
        }
        if self.keeps_rows() {
            return if level == 0 { Ok(()) } else { Err(malformed) };
        }
        let (first, last) = (self.block_of(ordinals.start), self.block_of(ordinals.end - 1));
        let all = self.tasks_of_blocks(&blocks_of_node(level, first));
        let is_one = level <= self.top_level() && node_of(level, first) == node_of(level, last);
        if is_one && all.start == ordinals.start { Ok(()) } else { Err(malformed) }
    }
}

fn kind_of(cells: &Cells) -> u32 {
    match cells {
        Cells::Missing => 0,
        Cells::Signed(_) => 1,
        Cells::Unsigned(_) => 2,
        Cells::Float(_) => 3,
        Cells::Complex(..) => 4,
        Cells::Text(_) => 5,
    }
}

fn write_columns<X: Wide>(to: &mut Vec<u8>, columns: &Columns<X>) {
    let Columns { count, nan, min, max, sum, deviations, line, arg_min, arg_max, first, last, hits, bins } =
        columns;
    count.iter().chain(nan).for_each(|&n| n.write(to));
    min.iter().chain(max).for_each(|&x| x.write(to));
    if let Some(sum) = sum {
        sum.write(to);
    }
    if let Some(deviations) = deviations {
        deviations.write(to);
    }
    if let Some(Line { x, xx, xy }) = line {
        [x, xx, xy].into_iter().for_each(|sums| sums.write(to));
    }
    for Located { value, place } in [arg_min, arg_max, first, last] {
        value.iter().for_each(|&x| x.write(to));
        place.iter().for_each(|&n| n.write(to));
    }
    hits.iter().chain(bins).flatten().for_each(|&n| n.write(to));
}

fn read_columns<X: Wide>(input: &mut Input<'_>, wanted: &Wanted, cells: usize) -> Option<Columns<X>> {
    let some = |wanted: bool| if wanted { cells } else { 0 };
    let (count, nan) = (input.column(cells)?, input.column(some(wanted.nan))?);
    let (min, max) = (input.column(some(wanted.min))?, input.column(some(wanted.max))?);
    let sum = if wanted.sum { Some(X::Sums::read(input, cells)?) } else { None };
    let deviations = if wanted.deviations { Some(FloatSums::read(input, cells)?) } else { None };
    let mut sums = || FloatSums::read(input, cells);
    let line =
        if wanted.along.is_some() { Some(Line { x: sums()?, xx: sums()?, xy: sums()? }) } else { None };
    let mut located = |wanted| -> Option<Located<X>> {
        Some(Located { value: input.column(some(wanted))?, place: input.column(some(wanted))? })
    };
    let (arg_min, arg_max) = (located(wanted.arg_min)?, located(wanted.arg_max)?);
    let (first, last) = (located(wanted.first)?, located(wanted.last)?);
    let hits = wanted.conditions.iter().map(|_| input.column(cells)).collect::<Option<_>>()?;
    let mut bins = |edges: &Arc<[f64]>| input.column(cells.checked_mul(edges.len().saturating_sub(1))?);
    let bins = wanted.edges.iter().map(&mut bins).collect::<Option<_>>()?;
    Some(Columns { count, nan, min, max, sum, deviations, line, arg_min, arg_max, first, last, hits, bins })
}

fn write_texts(to: &mut Vec<u8>, texts: &Texts) {
    let Texts { count, columns } = texts;
    count.iter().for_each(|&n| n.write(to));
    for text in columns.iter().flat_map(|column| &column.texts) {
        to.push(u8::from(text.is_some()));
        if let Some(LocatedText { text, place }) = text {
            place.write(to);
            (text.len() as u64).write(to);
            to.extend_from_slice(text);
        }
    }
}

/// `None` if bytes are lacking.
fn read_texts(input: &mut Input<'_>, wanted: &Wanted, cells: usize) -> Result<Option<Texts>, NodeError> {
    let Some(count) = input.column::<u64>(cells) else { return Ok(None) };
    // So many cells are there: their counts were.
    let mut texts = Texts::new(wanted, cells);
    for column in &mut texts.columns {
        for (slot, &count) in column.texts.iter_mut().zip(&count) {
            match input.array() {
                Some([0]) if count == 0 => {}
                Some([1]) if count > 0 => {
                    let Some((place, len)) = input.u64().zip(input.u64()) else { return Ok(None) };
                    let text = usize::try_from(len).ok().and_then(|len| input.take(len));
                    let Some(text) = text else { return Ok(None) };
                    *slot = Some(LocatedText { text: text.to_vec(), place });
                }
                Some(_) => {
                    return Err(NodeError::Malformed { what: "a text is there or not against its count" });
                }
                None => return Ok(None),
            }
        }
    }
    Ok(Some(Texts { count, ..texts }))
}
