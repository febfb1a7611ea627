//! Decoded values of part of an array.

use futures::StreamExt as _;
use rangefold_array::{AxisPart, ChunkKey, ChunkSelection, CodecSpec, ElementType, Hyperslab, MemoryOrder};
use rangefold_codec::{DecodeError, Decoder, strings, to_native};
use rangefold_refs::{ManifestArray, Reference};

use crate::check::STRINGS_MAX;
use crate::{FetchError, ReferenceStore};

/// Bytes, or strings, that are read at once at the most.
const VALUES_MAX: usize = 1 << 30;

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
    #[error(
        "{elements} elements of {path:?} are too many to be held in memory: at most {VALUES_MAX} bytes are read at once"
    )]
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
        let array = self.array(path)?;
        let target = Target::new(path, array, selection)?;
        self.fill(path, array, &array.meta.codecs, selection, target, u64::MAX).await
    }

    /// The elements of `selection` bit by bit as they are stored, in native byte order and whatever attributes say of them;
    /// fetched with at most `bytes_in_flight`. Floats that are not stored and have no fill value are NaN.
    ///
    /// # Errors
    ///
    /// [`ValuesError`]; [`ValuesError::NoFillValue`] if elements of another type are not stored and have no fill value, and
    /// [`ValuesError::Strings`] if the elements have no bytes of their own.
    pub async fn elements(
        &self,
        path: &str,
        selection: &Hyperslab,
        bytes_in_flight: u64,
    ) -> Result<Vec<u8>, ValuesError> {
        let array = self.array(path)?;
        let mut target = Target::new(path, array, selection)?;
        if array.meta.fill_value.is_none()
            && let mut chunks = array.meta.grid.touching(selection)
            && let Some(absent) =
                Iterator::find(&mut chunks, |chunk| array.manifest.get(chunk.number).is_none())
        {
            target.fill_with_nan(&array.meta.data_type.element).ok_or_else(|| ValuesError::NoFillValue {
                path: path.to_owned(),
                chunk: ChunkKey::new(absent.index()).to_string(),
            })?;
        }
        let codecs = array.meta.element_codecs();
        match self.fill(path, array, codecs, selection, target, bytes_in_flight).await? {
            Values::Elements(bytes) => Ok(bytes),
            Values::Texts(_) => Err(ValuesError::Strings {
                path: path.to_owned(),
                chunk: String::new(),
                reason: "strings of any length have no elements of fixed size".to_owned(),
            }),
        }
    }

    fn array(&self, path: &str) -> Result<&ManifestArray, ValuesError> {
        let array = self.references().arrays.get(path);
        array.ok_or_else(|| ValuesError::NoArray { path: path.to_owned() })
    }

    /// Puts what is stored of a selection where it belongs.
    async fn fill(
        &self,
        path: &str,
        array: &ManifestArray,
        codecs: &[CodecSpec],
        selection: &Hyperslab,
        mut target: Target,
        bytes_in_flight: u64,
    ) -> Result<Values, ValuesError> {
        let touching = array.meta.grid.touching(selection);
        let manifest = &array.manifest;
        // Whichever are fewer: the chunks that are touched, or those that are stored.
        let stored: Vec<(ChunkSelection, Reference)> = if touching.chunk_count() <= manifest.len() as u64 {
            touching.filter_map(|chunk| manifest.get(chunk.number).map(|found| (chunk, found))).collect()
        } else {
            manifest
                .iter()
                .filter_map(|(n, found)| touching.find(n).map(|(_, chunk)| (chunk, found)))
                .collect()
        };
        let references: Vec<_> = stored.iter().map(|(_, reference)| reference.clone()).collect();
        let mut encoded = std::pin::pin!(self.fetch_within(references, bytes_in_flight));
        let mut decoder = Decoder::new();
        for (chunk, _) in &stored {
            let Some((_, bytes)) = encoded.next().await else { break };
            let key = || ChunkKey::new(chunk.index()).to_string();
            let bytes =
                bytes.map_err(|source| ValuesError::Fetch { path: path.to_owned(), chunk: key(), source })?;
            target
                .put(array, codecs, chunk, &bytes, &mut decoder)
                .map_err(|problem| problem.at(path, key()))?;
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
        let count = usize::try_from(elements).ok().filter(|&n| n <= VALUES_MAX).ok_or_else(too_large)?;
        let shape = selection.shape();
        let fill = array.meta.fill_value.as_ref().map(|fill| fill.0.as_slice());
        let Some(element_size) = array.meta.data_type.size() else {
            let fill = fill.map_or_else(String::new, |fill| String::from_utf8_lossy(fill).into_owned());
            return Ok(Self { values: Values::Texts(vec![fill; count]), shape, element_size: 0 });
        };
        let length =
            count.checked_mul(element_size).filter(|&length| length <= VALUES_MAX).ok_or_else(too_large)?;
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

    /// Makes every element NaN; `None` if it is not a float.
    fn fill_with_nan(&mut self, element: &ElementType) -> Option<()> {
        let nan: Vec<u8> = match element {
            ElementType::Float16 => 0x7e00_u16.to_ne_bytes().to_vec(),
            ElementType::Float32 => f32::NAN.to_ne_bytes().to_vec(),
            ElementType::Float64 => f64::NAN.to_ne_bytes().to_vec(),
            ElementType::Complex64 => f32::NAN.to_ne_bytes().repeat(2),
            ElementType::Complex128 => f64::NAN.to_ne_bytes().repeat(2),
            _ => return None,
        };
        let Values::Elements(elements) = &mut self.values else { return None };
        elements.chunks_exact_mut(nan.len()).for_each(|slot| slot.copy_from_slice(&nan));
        Some(())
    }

    fn put(
        &mut self,
        array: &ManifestArray,
        codecs: &[CodecSpec],
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
                decoder.decode_into(codecs, encoded, length, &mut decoded).map_err(Problem::Decode)?;
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
                let frame = decoder.decode_strings(codecs, encoded, STRINGS_MAX).map_err(Problem::Decode)?;
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
