//! Decoded values of a whole variable.

use std::collections::BTreeMap;

use rangefold_array::{ArrayMeta, ByteOrder, DataType, ElementType, MemoryOrder};
use rangefold_codec::{DecodeError, Decoder, strings};
use rangefold_refs::{ManifestArray, NodePath};

use crate::mark::{Mark, is_lost};

/// More elements or bytes than this are not read as a whole.
pub(crate) const CONTENT_MAX: usize = 1 << 30;

/// A frame of strings may be this long for each byte of its encoded form.
const FRAME_FACTOR: usize = 1 << 10;

/// Values that were read: by input and path.
pub(crate) type Contents = BTreeMap<(usize, NodePath), Content>;

/// Decoded values of a whole variable, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    /// Elements in the array's own type and byte order.
    Bytes(Vec<u8>),
    /// Strings of any length.
    Texts(Vec<String>),
}

/// Elements as numbers.
pub(crate) enum Numbers {
    Integers(Vec<i128>),
    Floats(Vec<f64>),
}

/// Why a chunk has no values.
pub(crate) enum ChunkProblem {
    Decode(DecodeError),
    Other(String),
}

/// Collects a variable's values chunk by chunk. Chunks that never come hold the fill value.
pub(crate) struct Assembler<'a> {
    meta: &'a ArrayMeta,
    content: Content,
}

impl<'a> Assembler<'a> {
    /// An array of nothing but fill values, or why it cannot be held.
    pub(crate) fn new(array: &'a ManifestArray) -> Result<Self, String> {
        let meta = &array.meta;
        let size = meta.data_type.size();
        let count = meta.shape().iter().try_fold(1_usize, |n, &l| n.checked_mul(usize::try_from(l).ok()?));
        let count = count.filter(|n| n.checked_mul(size.unwrap_or(1)).is_some_and(|n| n <= CONTENT_MAX));
        let count = count.ok_or_else(|| {
            format!("its shape {:?} is too large to be read as a whole (limit {CONTENT_MAX})", meta.shape())
        })?;
        // Where nothing says what absent chunks hold, they hold what the joined variable declares as missing.
        let default = is_lost(array).then(|| Mark::by_default(array));
        let default = default
            .map(|mark| {
                mark.ok_or("chunks of it are absent, and nothing says what they hold".to_owned())
                    .map(|mark| mark.fill)
            })
            .transpose()?;
        let fill = meta.fill_value.as_ref().or(default.as_ref()).map(|fill| fill.0.as_slice());
        let content = match size {
            None => {
                let text = String::from_utf8_lossy(fill.unwrap_or_default()).into_owned();
                Content::Texts(vec![text; count])
            }
            Some(size) => {
                let mut element = fill.map_or_else(|| vec![0; size], <[u8]>::to_vec);
                from_little(&mut element, &meta.data_type);
                Content::Bytes(element.repeat(count))
            }
        };
        Ok(Self { meta, content })
    }

    /// Decodes chunk `number` and puts its values in their places.
    pub(crate) fn put(
        &mut self,
        number: u64,
        encoded: &[u8],
        decoder: &mut Decoder,
    ) -> Result<(), ChunkProblem> {
        let grid = &self.meta.grid;
        let index = grid.index(number).unwrap_or_default();
        let chunk_shape = grid.chunk_shape(&index);
        let stored = grid.chunk_len(&index).and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
        let map = ChunkMap::new(self.meta, &grid.chunk_origin(&index), &chunk_shape);
        match &mut self.content {
            Content::Bytes(bytes) => {
                let size = self.meta.data_type.size().unwrap_or(0);
                let decoded_len = stored.saturating_mul(size);
                let decoded =
                    decoder.decode(&self.meta.codecs, encoded, decoded_len).map_err(ChunkProblem::Decode)?;
                map.for_each(|from, to| {
                    let source = decoded.get(from * size..(from + 1) * size);
                    let target = bytes.get_mut(to * size..(to + 1) * size);
                    if let (Some(source), Some(target)) = (source, target) {
                        target.copy_from_slice(source);
                    }
                });
            }
            Content::Texts(texts) => {
                let limit = encoded.len().saturating_mul(FRAME_FACTOR).min(CONTENT_MAX);
                let frame = decoder
                    .decode_strings(&self.meta.codecs, encoded, limit)
                    .map_err(ChunkProblem::Decode)?;
                let found = strings(frame).map_err(ChunkProblem::Decode)?;
                if found.len() != stored {
                    return Err(ChunkProblem::Other(format!(
                        "chunk {number} holds {} strings where {stored} are expected",
                        found.len()
                    )));
                }
                let found: Vec<&str> = found
                    .into_iter()
                    .map(|text| std::str::from_utf8(text))
                    .collect::<Result<_, _>>()
                    .map_err(|error| ChunkProblem::Other(format!("chunk {number} is no UTF-8: {error}")))?;
                map.for_each(|from, to| {
                    if let (Some(source), Some(target)) = (found.get(from), texts.get_mut(to)) {
                        (*source).clone_into(target);
                    }
                });
            }
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Content {
        self.content
    }
}

/// Turns an element in little-endian order into the order of its type. Swapping bytes is its own inverse, so that it
/// is the same as making it native where the machine is little-endian.
pub(crate) fn from_little(element: &mut [u8], data_type: &DataType) {
    match (ByteOrder::native(), data_type.order) {
        (ByteOrder::Little, _) => rangefold_codec::to_native(element, data_type),
        (ByteOrder::Big, ByteOrder::Big) => {
            rangefold_codec::to_native(element, &DataType::little(data_type.element.clone()));
        }
        (ByteOrder::Big, ByteOrder::Little) => {}
    }
}

/// Which element of a chunk is which element of its array; padding is left out.
struct ChunkMap {
    /// Per axis: valid length, step in the chunk, step in the array.
    axes: Vec<(usize, usize, usize)>,
    /// Element of the array where the chunk begins.
    origin: usize,
}

impl ChunkMap {
    /// The array has been found to be small enough for every number here to fit.
    fn new(meta: &ArrayMeta, origin: &[u64], chunk_shape: &[u64]) -> Self {
        let small = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let rank = chunk_shape.len();
        let steps = |lengths: &[u64], order: MemoryOrder| {
            let mut steps = vec![1_usize; rank];
            let mut step = 1_usize;
            for k in 0..rank {
                let axis = if order == MemoryOrder::RowMajor { rank - 1 - k } else { k };
                if let (Some(slot), Some(&length)) = (steps.get_mut(axis), lengths.get(axis)) {
                    *slot = step;
                    step = step.saturating_mul(small(length));
                }
            }
            steps
        };
        let in_chunk = steps(chunk_shape, meta.order);
        let in_array = steps(meta.shape(), MemoryOrder::RowMajor);
        let valid = meta.shape().iter().zip(origin).zip(chunk_shape);
        let valid = valid.map(|((&length, &start), &chunk)| small(chunk.min(length.saturating_sub(start))));
        let begin = origin.iter().zip(&in_array).map(|(&start, &step)| small(start).saturating_mul(step));
        Self {
            origin: begin.sum(),
            axes: valid.zip(in_chunk).zip(in_array).map(|((n, from), to)| (n, from, to)).collect(),
        }
    }

    fn for_each(&self, mut visit: impl FnMut(usize, usize)) {
        if self.axes.iter().any(|axis| axis.0 == 0) {
            return;
        }
        let mut cursor = vec![0_usize; self.axes.len()];
        let (mut from, mut to) = (0, self.origin);
        loop {
            visit(from, to);
            let mut done = true;
            for (slot, &(count, chunk_step, array_step)) in cursor.iter_mut().zip(&self.axes).rev() {
                *slot += 1;
                from += chunk_step;
                to += array_step;
                if *slot < count {
                    done = false;
                    break;
                }
                from -= chunk_step * count;
                to -= array_step * count;
                *slot = 0;
            }
            if done {
                return;
            }
        }
    }
}

/// Elements in little-endian order as numbers; `None` if they are none.
pub(crate) fn little(element: &ElementType, bytes: &[u8]) -> Option<Numbers> {
    numbers(&DataType::little(element.clone()), bytes)
}

/// The elements as numbers; `None` if they are none. Packing is not undone.
pub(crate) fn numbers(data_type: &DataType, bytes: &[u8]) -> Option<Numbers> {
    fn each<const N: usize, T>(bytes: &[u8], order: ByteOrder, number: impl Fn([u8; N]) -> T) -> Vec<T> {
        let words = bytes.as_chunks::<N>().0.iter().copied();
        words
            .map(|mut word| {
                if order == ByteOrder::Big {
                    word.reverse();
                }
                number(word)
            })
            .collect()
    }
    let order = data_type.order;
    Some(match data_type.element {
        ElementType::Int8 => Numbers::Integers(each(bytes, order, |b| i8::from_le_bytes(b).into())),
        ElementType::Int16 => Numbers::Integers(each(bytes, order, |b| i16::from_le_bytes(b).into())),
        ElementType::Int32 => Numbers::Integers(each(bytes, order, |b| i32::from_le_bytes(b).into())),
        ElementType::Int64 | ElementType::DateTime64(_) | ElementType::TimeDelta64(_) => {
            Numbers::Integers(each(bytes, order, |b| i64::from_le_bytes(b).into()))
        }
        ElementType::UInt8 => Numbers::Integers(each(bytes, order, |b| u8::from_le_bytes(b).into())),
        ElementType::UInt16 => Numbers::Integers(each(bytes, order, |b| u16::from_le_bytes(b).into())),
        ElementType::UInt32 => Numbers::Integers(each(bytes, order, |b| u32::from_le_bytes(b).into())),
        ElementType::UInt64 => Numbers::Integers(each(bytes, order, |b| u64::from_le_bytes(b).into())),
        ElementType::Float32 => Numbers::Floats(each(bytes, order, |b| f32::from_le_bytes(b).into())),
        ElementType::Float64 => Numbers::Floats(each(bytes, order, f64::from_le_bytes)),
        _ => return None,
    })
}
