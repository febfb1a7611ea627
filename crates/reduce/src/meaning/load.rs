//! Stored bytes as elements in native byte order.

use half::slice::HalfFloatSliceExt;
use pulp::bytemuck::{Pod, try_cast_slice};
use rangefold_array::{ByteOrder, DataType, ElementType};

use super::{block::BLOCK, element::Element};

/// Copies elements out of a chunk into native order.
#[derive(Clone, Copy)]
pub(crate) struct Loader<T> {
    /// Bytes of one stored element.
    size: usize,
    /// Whether stored bytes are those of a `T` in memory.
    native: bool,
    read: fn(bytes: &[u8], size: usize, stride: usize, out: &mut [T]),
}

impl<T> Loader<T> {
    /// Fills `out` with elements `first`, `first + stride`, … of the chunk, which must have them.
    #[inline(always)]
    pub(crate) fn load(&self, chunk: &[u8], first: usize, stride: usize, out: &mut [T]) {
        let end = (first + out.len().saturating_sub(1) * stride + 1) * self.size;
        (self.read)(&chunk[first * self.size..end], self.size, stride, out);
    }

    /// The chunk as elements, where nothing needs to be changed; `None` also if it is not aligned to them.
    pub(crate) fn borrow<'a>(&self, chunk: &'a [u8]) -> Option<&'a [T]>
    where
        T: Pod,
    {
        if self.native { try_cast_slice(chunk).ok() } else { None }
    }

    /// The element that `bytes` are.
    pub(crate) fn one(&self, bytes: &[u8]) -> T
    where
        T: Element,
    {
        let mut out = [T::default()];
        self.load(bytes, 0, 1, &mut out);
        out[0]
    }
}

#[inline(always)]
fn load<T, const SIZE: usize>(bytes: &[u8], stride: usize, out: &mut [T], from: impl Fn([u8; SIZE]) -> T) {
    if stride == 1 {
        // Copies of a page and more are done by an instruction that is slow to start and stops the prefetcher.
        const PIECE: usize = 64;
        let (elements, _) = bytes.as_chunks::<SIZE>();
        for (out, elements) in out.chunks_mut(PIECE).zip(elements.chunks(PIECE)) {
            out.iter_mut().zip(elements).for_each(|(out, &bytes)| *out = from(bytes));
        }
    } else {
        for (out, bytes) in out.iter_mut().zip(bytes.chunks(stride * SIZE)) {
            if let Some(&bytes) = bytes.first_chunk::<SIZE>() {
                *out = from(bytes);
            }
        }
    }
}

fn load_half(bytes: &[u8], stride: usize, out: &mut [f32], from: fn([u8; 2]) -> half::f16) {
    let mut halves = [half::f16::ZERO; BLOCK];
    let halves = &mut halves[..out.len()];
    load(bytes, stride, halves, from);
    halves.convert_to_f32_slice(out);
}

/// Both components of a complex number; NaN twice if either is NaN, so that both have the same missing elements.
fn components<T: Element>(real: T, imaginary: T) -> (T, T) {
    if real.is_nan() {
        (real, real)
    } else if imaginary.is_nan() {
        (imaginary, imaginary)
    } else {
        (real, imaginary)
    }
}

/// Something that is done once the element type is known.
pub(crate) trait Visitor {
    type Output;
    fn visit<T: Element>(self, loader: Loader<T>) -> Self::Output;
}

/// Which of the numbers of an element is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Component {
    /// The element itself, or the real component of a complex number.
    Real,
    /// The imaginary component of a complex number.
    Imaginary,
}

/// Calls `visitor` with the type and the loader for `component` of the elements of `data_type`; `None` for types that
/// cannot be reduced.
///
/// Half precision is read as float32; dates as the integers they are.
pub(crate) fn visit<V: Visitor>(data_type: &DataType, component: Component, visitor: V) -> Option<V::Output> {
    let size = data_type.size()?;
    macro_rules! plain {
        ($type:ty) => {
            visitor.visit::<$type>(Loader {
                size,
                native: data_type.order == ByteOrder::native(),
                read: match data_type.order {
                    ByteOrder::Little => {
                        |bytes, _, stride, out| load(bytes, stride, out, <$type>::from_le_bytes)
                    }
                    ByteOrder::Big => {
                        |bytes, _, stride, out| load(bytes, stride, out, <$type>::from_be_bytes)
                    }
                },
            })
        };
    }
    macro_rules! complex {
        ($type:ty, $size:literal, $from_le:path, $from_be:path) => {{
            macro_rules! read {
                ($from:path, $part:tt) => {
                    |bytes, _, stride, out| {
                        load(bytes, stride, out, |pair: [u8; $size]| {
                            let (halves, _) = pair.as_chunks();
                            components($from(halves[0]), $from(halves[1])).$part
                        });
                    }
                };
            }
            visitor.visit::<$type>(Loader {
                size,
                native: false,
                read: match (component, data_type.order) {
                    (Component::Real, ByteOrder::Little) => read!($from_le, 0),
                    (Component::Real, ByteOrder::Big) => read!($from_be, 0),
                    (Component::Imaginary, ByteOrder::Little) => read!($from_le, 1),
                    (Component::Imaginary, ByteOrder::Big) => read!($from_be, 1),
                },
            })
        }};
    }
    Some(match &data_type.element {
        ElementType::Bool => visitor.visit::<u8>(Loader {
            size,
            native: false,
            read: |bytes, _, stride, out| load(bytes, stride, out, |[b]| u8::from(b != 0)),
        }),
        ElementType::Int8 => plain!(i8),
        ElementType::Int16 => plain!(i16),
        ElementType::Int32 => plain!(i32),
        ElementType::Int64 | ElementType::DateTime64(_) | ElementType::TimeDelta64(_) => plain!(i64),
        ElementType::UInt8 => plain!(u8),
        ElementType::UInt16 => plain!(u16),
        ElementType::UInt32 => plain!(u32),
        ElementType::UInt64 => plain!(u64),
        ElementType::Float16 => visitor.visit::<f32>(Loader {
            size,
            native: false,
            read: match data_type.order {
                ByteOrder::Little => {
                    |bytes, _, stride, out| load_half(bytes, stride, out, half::f16::from_le_bytes)
                }
                ByteOrder::Big => {
                    |bytes, _, stride, out| load_half(bytes, stride, out, half::f16::from_be_bytes)
                }
            },
        }),
        ElementType::Float32 => plain!(f32),
        ElementType::Float64 => plain!(f64),
        ElementType::Complex64 => complex!(f32, 8, f32::from_le_bytes, f32::from_be_bytes),
        ElementType::Complex128 => complex!(f64, 16, f64::from_le_bytes, f64::from_be_bytes),
        ElementType::FixedBytes(_)
        | ElementType::FixedUtf32(_)
        | ElementType::Raw(_)
        | ElementType::VlenString
        | ElementType::Structured(_) => return None,
    })
}
