//! Decoded values of part of an array.

use futures::StreamExt as _;
use rangefold_array::{AxisPart, ChunkKey, ChunkSelection, Hyperslab, MemoryOrder};
use rangefold_codec::{DecodeError, Decoder, strings, to_native};
use rangefold_refs::ManifestArray;

use crate::check::STRINGS_MAX;
use crate::{FetchError, ReferenceStore};

/// Decoded values in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Elements of fixed size, in native byte order.
    Elements(Vec<u8>),
    /// Strings of any length.
    Texts(Vec<String>),
}

/// Values cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ValuesError {
    /// There is no such array.
    #[error("there is no variable {path:?}")]
    NoArray {
        /// The path.
        path: String,
    },
    /// A chunk's bytes cannot be fetched.
    #[error("chunk {chunk} of {path:?}: its bytes cannot be fetched")]
    Fetch {
        /// Path of the array.
        path: String,
        /// Key of the chunk.
        chunk: String,
        /// Why.
        source: FetchError,
    },
    /// A chunk's bytes cannot be decoded.
    #[error("chunk {chunk} of {path:?}: its bytes cannot be decoded")]
    Decode {
        /// Path of the array.
        path: String,
        /// Key of the chunk.
        chunk: String,
        /// Why.
        source: DecodeError,
    },
    /// A chunk holds another number of strings than elements, or strings that are not UTF-8.
    #[error("chunk {chunk} of {path:?}: {reason}")]
    Strings {
        /// Path of the array.
        path: String,
        /// Key of the chunk.
        chunk: String,
        /// What is wrong.
        reason: String,
    },
    /// A chunk is not stored, and nothing says what it holds.
    #[error("chunk {chunk} of {path:?} is absent and its array has no fill value")]
    NoFillValue {
        /// Path of the array.
        path: String,
        /// Key of the chunk.
        chunk: String,
    },
    /// The selection is more than memory can address.
    #[error("{elements} elements of {path:?} are too many to be held in memory")]
    TooLarge {
        /// Path of the array.
        path: String,
        /// Elements selected.
        elements: u64,
    },
}

impl ReferenceStore {
    /// Reads and decodes `selection` of the array at `path`, all of it at once: for coordinates and other small arrays.
    ///
    /// Chunks that are not stored are the fill value; strings without one are empty.
    ///
    /// # Errors
    ///
    /// [`ValuesError`].
    pub async fn values(&self, path: &str, selection: &Hyperslab) -> Result<Values, ValuesError> {
        let array = self
            .references()
            .arrays
            .get(path)
            .ok_or_else(|| ValuesError::NoArray { path: path.to_owned() })?;
        let mut target = Target::new(path, array, selection)?;
        let chunks: Vec<ChunkSelection> = array.meta.grid.touching(selection).collect();
        let stored: Vec<_> =
            chunks.iter().filter_map(|chunk| Some((chunk, array.manifest.get(chunk.number)?))).collect();
        let references: Vec<_> = stored.iter().map(|(_, reference)| reference.clone()).collect();
        let mut encoded = std::pin::pin!(self.fetch(references));
        let mut decoder = Decoder::new();
        for (chunk, _) in &stored {
            let Some((_, bytes)) = encoded.next().await else { break };
            let key = || ChunkKey::new(chunk.index()).to_string();
            let bytes =
                bytes.map_err(|source| ValuesError::Fetch { path: path.to_owned(), chunk: key(), source })?;
            target.put(array, chunk, &bytes, &mut decoder).map_err(|problem| problem.at(path, key()))?;
        }
        Ok(target.values)
    }
}

/// Where values are put.
struct Target {
    values: Values,
    shape: Vec<u64>,
    element_size: usize,
}

enum Problem {
    Decode(DecodeError),
    Strings(String),
}

impl Problem {
    fn at(self, path: &str, chunk: String) -> ValuesError {
        let path = path.to_owned();
        match self {
            Self::Decode(source) => ValuesError::Decode { path, chunk, source },
            Self::Strings(reason) => ValuesError::Strings { path, chunk, reason },
        }
    }
}

impl Target {
    /// Room for a selection, filled with the fill value.
    fn new(path: &str, array: &ManifestArray, selection: &Hyperslab) -> Result<Self, ValuesError> {
        let elements = selection.len();
        let too_large = || ValuesError::TooLarge { path: path.to_owned(), elements };
        let count = usize::try_from(elements).map_err(|_| too_large())?;
        let shape = selection.shape();
        let fill = array.meta.fill_value.as_ref().map(|fill| fill.0.as_slice());
        let Some(element_size) = array.meta.data_type.size() else {
            let fill = fill.map_or_else(String::new, |fill| String::from_utf8_lossy(fill).into_owned());
            return Ok(Self { values: Values::Texts(vec![fill; count]), shape, element_size: 0 });
        };
        let length = count
            .checked_mul(element_size)
            .filter(|&length| isize::try_from(length).is_ok())
            .ok_or_else(too_large)?;
        let mut elements = vec![0; length];
        if let Some(fill) =
            fill.filter(|fill| fill.len() == element_size && fill.iter().any(|&byte| byte != 0))
        {
            let little = rangefold_array::DataType::little(array.meta.data_type.element.clone());
            let mut native = fill.to_vec();
            to_native(&mut native, &little);
            elements.chunks_exact_mut(element_size).for_each(|slot| slot.copy_from_slice(&native));
        }
        Ok(Self { values: Values::Elements(elements), shape, element_size })
    }

    fn put(
        &mut self,
        array: &ManifestArray,
        chunk: &ChunkSelection,
        encoded: &[u8],
        decoder: &mut Decoder,
    ) -> Result<(), Problem> {
        let meta = &array.meta;
        let elements = chunk.axes.iter().try_fold(1_u64, |n, part| n.checked_mul(part.chunk_length));
        let elements = elements.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
        let places = Places::new(&chunk.axes, &self.shape, meta.order);
        match &mut self.values {
            Values::Elements(target) => {
                let length = elements.saturating_mul(self.element_size);
                let mut decoded = Vec::new();
                decoder.decode_into(&meta.codecs, encoded, length, &mut decoded).map_err(Problem::Decode)?;
                to_native(&mut decoded, &meta.data_type);
                let size = self.element_size;
                places.for_each(|from, to| {
                    let slots = target
                        .get_mut(to * size..(to + 1) * size)
                        .zip(decoded.get(from * size..(from + 1) * size));
                    if let Some((slot, value)) = slots {
                        slot.copy_from_slice(value);
                    }
                });
            }
            Values::Texts(target) => {
                let frame =
                    decoder.decode_strings(&meta.codecs, encoded, STRINGS_MAX).map_err(Problem::Decode)?;
                let texts = strings(frame).map_err(Problem::Decode)?;
                if texts.len() != elements {
                    return Err(Problem::Strings(format!("{} strings for {elements} elements", texts.len())));
                }
                let mut broken = None;
                places.for_each(|from, to| match texts.get(from).map(|text| std::str::from_utf8(text)) {
                    Some(Ok(text)) => {
                        if let Some(slot) = target.get_mut(to) {
                            text.clone_into(slot);
                        }
                    }
                    _ => broken = Some(from),
                });
                if let Some(element) = broken {
                    return Err(Problem::Strings(format!("string {element} is not UTF-8")));
                }
            }
        }
        Ok(())
    }
}

/// Pairs of element numbers: in the chunk, and in the selection.
struct Places {
    /// Per axis: (number in the chunk, number in the selection) of each position, already multiplied by the strides.
    axes: Vec<Vec<(usize, usize)>>,
}

impl Places {
    fn new(parts: &[AxisPart], shape: &[u64], order: MemoryOrder) -> Self {
        let small = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let mut axes = vec![Vec::new(); parts.len()];
        let mut to_stride = 1_usize;
        for (axis, (part, &length)) in parts.iter().zip(shape).enumerate().rev() {
            let before: u64 = match order {
                MemoryOrder::RowMajor => parts.iter().skip(axis + 1).map(|p| p.chunk_length).product(),
                MemoryOrder::ColumnMajor => parts.iter().take(axis).map(|p| p.chunk_length).product(),
            };
            if let Some(slot) = axes.get_mut(axis) {
                *slot = (part.output_start..)
                    .zip(part.within.positions())
                    .map(|(to, from)| {
                        (small(from).saturating_mul(small(before)), small(to).saturating_mul(to_stride))
                    })
                    .collect();
            }
            to_stride = to_stride.saturating_mul(small(length));
        }
        Self { axes }
    }

    fn for_each(&self, mut visit: impl FnMut(usize, usize)) {
        let Some((last, outer)) = self.axes.split_last() else {
            visit(0, 0);
            return;
        };
        let mut bases = vec![(0, 0)];
        for axis in outer {
            bases = bases
                .iter()
                .flat_map(|&(f, t)| axis.iter().map(move |&(from, to)| (f + from, t + to)))
                .collect();
        }
        for (f, t) in bases {
            for &(from, to) in last {
                visit(f + from, t + to);
            }
        }
    }
}
