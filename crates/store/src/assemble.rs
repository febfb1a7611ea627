//! Chunks to one array.

use rangefold_array::{
    ArrayMeta, AxisPart, ChunkSelection, CodecSpec, DataType, ElementType, Hyperslab, MemoryOrder,
};
use rangefold_codec::{DecodeError, Decoder, strings, to_native};

use crate::check::STRINGS_MAX;

/// Bytes, or strings, that are held at once at the most.
pub(crate) const VALUES_MAX: usize = 1 << 30;

/// Decoded values in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub enum Assembled {
    /// Elements of fixed size, in native byte order.
    Elements(Vec<u8>),
    /// Strings of any length.
    Texts(Vec<String>),
}

/// A selection of more elements than are held at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{elements} elements are too many to be held in memory: at most {VALUES_MAX} bytes are read at once")]
pub struct TooLarge {
    /// Elements selected.
    pub elements: u64,
}

/// A chunk has no values.
#[derive(Debug, thiserror::Error)]
pub enum ChunkProblem {
    /// Its bytes cannot be decoded.
    #[error("its bytes cannot be decoded")]
    Decode(#[from] DecodeError),
    /// It holds another number of strings than elements, or strings that are not UTF-8.
    #[error("{0}")]
    Strings(String),
}

/// Collects the values of a selection chunk by chunk. Chunks that never come hold the fill value.
#[derive(Debug)]
pub struct Assembler<'a> {
    meta: &'a ArrayMeta,
    codecs: &'a [CodecSpec],
    values: Assembled,
    shape: Vec<u64>,
    element_size: usize,
}

impl<'a> Assembler<'a> {
    /// Room for a selection of an array, filled with `fill`: an element in little-endian order, a text, or zeros and empty
    /// texts if `None`. Chunks are decoded by `codecs`.
    ///
    /// # Errors
    ///
    /// [`TooLarge`].
    pub fn new(
        meta: &'a ArrayMeta,
        codecs: &'a [CodecSpec],
        selection: &Hyperslab,
        fill: Option<&[u8]>,
    ) -> Result<Self, TooLarge> {
        let elements = selection.len();
        let too_large = || TooLarge { elements };
        let count = usize::try_from(elements).ok().filter(|&n| n <= VALUES_MAX).ok_or_else(too_large)?;
        let shape = selection.shape();
        let Some(element_size) = meta.data_type.size() else {
            let fill = fill.map_or_else(String::new, |fill| String::from_utf8_lossy(fill).into_owned());
            return Ok(Self {
                meta,
                codecs,
                values: Assembled::Texts(vec![fill; count]),
                shape,
                element_size: 0,
            });
        };
        let length =
            count.checked_mul(element_size).filter(|&length| length <= VALUES_MAX).ok_or_else(too_large)?;
        let mut elements = vec![0; length];
        if let Some(fill) =
            fill.filter(|fill| fill.len() == element_size && fill.iter().any(|&byte| byte != 0))
        {
            let mut native = fill.to_vec();
            to_native(&mut native, &DataType::little(meta.data_type.element.clone()));
            elements.chunks_exact_mut(element_size).for_each(|slot| slot.copy_from_slice(&native));
        }
        Ok(Self { meta, codecs, values: Assembled::Elements(elements), shape, element_size })
    }

    /// Makes every element NaN; `None` if it is not a float.
    pub(crate) fn fill_with_nan(&mut self, element: &ElementType) -> Option<()> {
        let nan: Vec<u8> = match element {
            ElementType::Float16 => 0x7e00_u16.to_ne_bytes().to_vec(),
            ElementType::Float32 => f32::NAN.to_ne_bytes().to_vec(),
            ElementType::Float64 => f64::NAN.to_ne_bytes().to_vec(),
            ElementType::Complex64 => f32::NAN.to_ne_bytes().repeat(2),
            ElementType::Complex128 => f64::NAN.to_ne_bytes().repeat(2),
            _ => return None,
        };
        let Assembled::Elements(elements) = &mut self.values else { return None };
        elements.chunks_exact_mut(nan.len()).for_each(|slot| slot.copy_from_slice(&nan));
        Some(())
    }

    /// Decodes a chunk and puts the selected part of it in its place.
    ///
    /// # Errors
    ///
    /// [`ChunkProblem`].
    pub fn put(
        &mut self,
        chunk: &ChunkSelection,
        encoded: &[u8],
        decoder: &mut Decoder,
    ) -> Result<(), ChunkProblem> {
        let Self { meta, codecs, values, shape, element_size: size } = self;
        let size = *size;
        let elements = chunk.axes.iter().try_fold(1_u64, |n, part| n.checked_mul(part.chunk_length));
        let elements = elements.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
        let runs = Runs::new(&chunk.axes, shape, meta.order);
        match values {
            Assembled::Elements(target) => {
                let mut decoded = Vec::new();
                decoder.decode_into(codecs, encoded, elements.saturating_mul(size), &mut decoded)?;
                to_native(&mut decoded, &meta.data_type);
                runs.for_each(|from, to, count| {
                    let slots = target
                        .get_mut(to * size..(to + count) * size)
                        .zip(decoded.get(from * size..(from + count) * size));
                    if let Some((slot, value)) = slots {
                        slot.copy_from_slice(value);
                    }
                });
            }
            Assembled::Texts(target) => {
                let frame = decoder.decode_strings(codecs, encoded, STRINGS_MAX)?;
                let texts = strings(frame)?;
                if texts.len() != elements {
                    let reason = format!("{} strings for {elements} elements", texts.len());
                    return Err(ChunkProblem::Strings(reason));
                }
                let mut broken = None;
                runs.for_each(|from, to, count| {
                    for (from, to) in (from..).zip(to..).take(count) {
                        match texts.get(from).map(|text| std::str::from_utf8(text)) {
                            Some(Ok(text)) => {
                                if let Some(slot) = target.get_mut(to) {
                                    text.clone_into(slot);
                                }
                            }
                            _ => broken = Some(from),
                        }
                    }
                });
                if let Some(element) = broken {
                    return Err(ChunkProblem::Strings(format!("string {element} is not UTF-8")));
                }
            }
        }
        Ok(())
    }

    /// The values.
    #[must_use]
    pub fn finish(self) -> Assembled {
        self.values
    }
}

/// Runs of elements that follow one another in the chunk and in the selection.
struct Runs {
    /// Per axis: (number in the chunk, number in the selection) of each position, already multiplied by the strides.
    axes: Vec<Vec<(usize, usize)>>,
}

impl Runs {
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

    /// Calls `visit` with the first element of each run in the chunk and in the selection, and its length.
    fn for_each(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let Some((last, outer)) = self.axes.split_last() else {
            visit(0, 0, 1);
            return;
        };
        let mut bases = vec![(0, 0)];
        for axis in outer {
            bases = bases
                .iter()
                .flat_map(|&(f, t)| axis.iter().map(move |&(from, to)| (f + from, t + to)))
                .collect();
        }
        let follows = |a: &(usize, usize), b: &(usize, usize)| a.0 + 1 == b.0 && a.1 + 1 == b.1;
        let runs: Vec<(usize, usize, usize)> = last
            .chunk_by(follows)
            .filter_map(|run| run.first().map(|&(from, to)| (from, to, run.len())))
            .collect();
        for (f, t) in bases {
            for &(from, to, count) in &runs {
                visit(f + from, t + to, count);
            }
        }
    }
}
