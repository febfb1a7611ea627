//! Element types as the kernels see them.

use std::cmp::Ordering;

use half::slice::HalfFloatSliceExt;
use pulp::bytemuck::{Pod, try_cast_slice};
use rangefold_array::{ByteOrder, DataType, ElementType, compare_integer};

use crate::{
    Number,
    columns::Columns,
    partial::CellsMut,
    sum::{Compensated, FloatSums, SumColumn, sum_compensated, sum_in_trees},
};

/// Elements that pass through the kernels at once; all their buffers together stay in a first-level cache.
pub(crate) const BLOCK: usize = 1024;

/// What the extremes of an element type are kept in: `i64`, `u64` or `f64`.
pub(crate) trait Wide: Copy + PartialOrd + Default + Send + Sync + 'static {
    type Sums: SumColumn;
    const LOWEST: Self;
    const HIGHEST: Self;
    /// The columns, if `cells` are of this kind.
    fn columns(cells: CellsMut<'_>) -> Option<&mut Columns<Self>>;
    fn number(self) -> Number;
}

impl Wide for i64 {
    type Sums = Vec<i128>;
    const LOWEST: Self = Self::MIN;
    const HIGHEST: Self = Self::MAX;
    fn columns(cells: CellsMut<'_>) -> Option<&mut Columns<Self>> {
        if let CellsMut::Signed(columns) = cells { Some(columns) } else { None }
    }
    fn number(self) -> Number {
        Number::Integer(self.into())
    }
}

impl Wide for u64 {
    type Sums = Vec<i128>;
    const LOWEST: Self = Self::MIN;
    const HIGHEST: Self = Self::MAX;
    fn columns(cells: CellsMut<'_>) -> Option<&mut Columns<Self>> {
        if let CellsMut::Unsigned(columns) = cells { Some(columns) } else { None }
    }
    fn number(self) -> Number {
        Number::Integer(self.into())
    }
}

impl Wide for f64 {
    type Sums = FloatSums;
    const LOWEST: Self = Self::NEG_INFINITY;
    const HIGHEST: Self = Self::INFINITY;
    fn columns(cells: CellsMut<'_>) -> Option<&mut Columns<Self>> {
        if let CellsMut::Float(columns) = cells { Some(columns) } else { None }
    }
    fn number(self) -> Number {
        Number::Float(self)
    }
}

/// Sum of one cell of elements of type `T`.
pub(crate) type SumOf<T> = <<<T as Element>::Wide as Wide>::Sums as SumColumn>::One;

/// A type the kernels run on, in native byte order.
pub(crate) trait Element: Pod + PartialOrd + Default + Send + Sync {
    type Wide: Wide;
    const IS_FLOAT: bool;
    const LOWEST: Self;
    const HIGHEST: Self;

    fn widen(self) -> Self::Wide;
    fn to_f64(self) -> f64;
    /// NaN is the value that does not equal itself.
    #[inline(always)]
    #[expect(clippy::eq_op, reason = "only NaN differs from itself")]
    fn is_nan(self) -> bool {
        self != self
    }
    /// The same number; `None` if this type cannot hold it.
    fn from_number(number: Number) -> Option<Self>;
    /// Compares with a number of any type, exactly; `None` if either is NaN.
    fn compare(self, number: Number) -> Option<Ordering>;
    /// The place of this value among all of the type, NaN left out.
    fn rank(self) -> u64;
    /// The value at a rank between those of `LOWEST` and `HIGHEST`.
    fn from_rank(rank: u64) -> Self;

    /// Smallest of a block without NaN; the highest value for an empty one.
    fn smallest(block: &[Self]) -> Self;
    /// Largest of a block without NaN; the lowest value for an empty one.
    fn largest(block: &[Self]) -> Self;
    /// The sum of this value taken `count` times.
    fn times(self, count: u64) -> SumOf<Self>;
    /// Sum of a block. `short`: the values have at most 32 significant bits.
    fn sum(block: &[Self], short: bool) -> SumOf<Self>;
    /// Adds each value to its own cell, from cell `at` on; those not valid are left out.
    fn sum_columns(block: &[Self], valid: Option<&[bool]>, sums: &mut <Self::Wide as Wide>::Sums, at: usize);
}

macro_rules! integer {
    ($type:ty, $wide:ty, $unsigned:ty, $bias:expr, $block:ty) => {
        impl Element for $type {
            type Wide = $wide;
            const IS_FLOAT: bool = false;
            const LOWEST: Self = Self::MIN;
            const HIGHEST: Self = Self::MAX;

            #[inline(always)]
            fn widen(self) -> $wide {
                self.into()
            }

            #[inline(always)]
            fn to_f64(self) -> f64 {
                self as f64
            }

            fn from_number(number: Number) -> Option<Self> {
                number.to_integer()?.try_into().ok()
            }

            fn compare(self, number: Number) -> Option<Ordering> {
                match number {
                    Number::Integer(n) => Some(i128::from(self).cmp(&n)),
                    Number::Float(x) => compare_integer(self.into(), x),
                }
            }

            fn rank(self) -> u64 {
                u64::from(<$unsigned>::from_ne_bytes(self.to_ne_bytes()) ^ $bias)
            }

            fn from_rank(rank: u64) -> Self {
                let low = <$unsigned>::try_from(rank).unwrap_or(<$unsigned>::MAX);
                Self::from_ne_bytes((low ^ $bias).to_ne_bytes())
            }

            #[inline(always)]
            fn smallest(block: &[Self]) -> Self {
                block.iter().fold(Self::MAX, |min, &x| min.min(x))
            }

            #[inline(always)]
            fn largest(block: &[Self]) -> Self {
                block.iter().fold(Self::MIN, |max, &x| max.max(x))
            }

            fn times(self, count: u64) -> i128 {
                i128::from(self) * i128::from(count)
            }

            #[inline(always)]
            fn sum(block: &[Self], _short: bool) -> i128 {
                <$block as BlockSum<Self>>::sum(block)
            }

            #[inline(always)]
            fn sum_columns(block: &[Self], valid: Option<&[bool]>, sums: &mut Vec<i128>, at: usize) {
                let sums = &mut sums[at..at + block.len()];
                match valid {
                    None => sums.iter_mut().zip(block).for_each(|(sum, &x)| *sum += i128::from(x)),
                    Some(valid) => {
                        for ((sum, &x), &valid) in sums.iter_mut().zip(block).zip(valid) {
                            *sum += if valid { i128::from(x) } else { 0 };
                        }
                    }
                }
            }
        }
    };
}

/// How a block of at most [`BLOCK`] integers is added without overflow.
trait BlockSum<T> {
    fn sum(block: &[T]) -> i128;
}

/// In 32 bits: [`BLOCK`] elements of 16 bits need 26.
struct In32;
/// In 64 bits: [`BLOCK`] elements of 32 bits need 42.
struct In64;
/// In two halves of 32 bits.
struct InHalves;

impl<T: Copy + Into<i32>> BlockSum<T> for In32 {
    #[inline(always)]
    fn sum(block: &[T]) -> i128 {
        debug_assert!(block.len() <= BLOCK);
        block.iter().map(|&x| x.into()).sum::<i32>().into()
    }
}

impl<T: Copy + Into<i64>> BlockSum<T> for In64 {
    #[inline(always)]
    fn sum(block: &[T]) -> i128 {
        debug_assert!(block.len() <= BLOCK);
        block.iter().map(|&x| x.into()).sum::<i64>().into()
    }
}

/// Low and high halves of unsigned 64-bit integers, added apart.
#[inline(always)]
fn sum_halves(block: impl Iterator<Item = u64>) -> i128 {
    let (high, low) =
        block.fold((0_u64, 0_u64), |(high, low), x| (high + (x >> 32), low + (x & 0xffff_ffff)));
    (i128::from(high) << 32) + i128::from(low)
}

impl BlockSum<u64> for InHalves {
    #[inline(always)]
    fn sum(block: &[u64]) -> i128 {
        sum_halves(block.iter().copied())
    }
}

impl BlockSum<i64> for InHalves {
    #[inline(always)]
    fn sum(block: &[i64]) -> i128 {
        const BIAS: u64 = 1 << 63;
        let biased = sum_halves(block.iter().map(|x| x.cast_unsigned() ^ BIAS));
        biased - i128::from(BIAS) * block.len() as i128
    }
}

integer!(i8, i64, u8, 0x80, In32);
integer!(i16, i64, u16, 0x8000, In32);
integer!(i32, i64, u32, 0x8000_0000, In64);
integer!(i64, i64, u64, 1 << 63, InHalves);
integer!(u8, u64, u8, 0, In32);
integer!(u16, u64, u16, 0, In32);
integer!(u32, u64, u32, 0, In64);
integer!(u64, u64, u64, 0, InHalves);

macro_rules! float {
    ($type:ty, $bits:ty, $sign:expr, $narrow:expr, $sum:expr) => {
        impl Element for $type {
            type Wide = f64;
            const IS_FLOAT: bool = true;
            const LOWEST: Self = Self::NEG_INFINITY;
            const HIGHEST: Self = Self::INFINITY;

            #[inline(always)]
            fn widen(self) -> f64 {
                self.into()
            }

            #[inline(always)]
            fn to_f64(self) -> f64 {
                self.into()
            }

            fn from_number(number: Number) -> Option<Self> {
                let x = number.to_exact_float()?;
                let narrow: Self = $narrow(x);
                (f64::from(narrow) == x || x.is_nan()).then_some(narrow)
            }

            fn compare(self, number: Number) -> Option<Ordering> {
                let x = f64::from(self);
                match number {
                    Number::Integer(n) => compare_integer(n, x).map(Ordering::reverse),
                    Number::Float(y) => x.partial_cmp(&y),
                }
            }

            // Floats of one sign are ordered as their bits are; negative ones the other way round.
            fn rank(self) -> u64 {
                let bits = self.to_bits();
                u64::from(if bits & $sign == 0 { bits | $sign } else { !bits })
            }

            fn from_rank(rank: u64) -> Self {
                let bits = <$bits>::try_from(rank).unwrap_or(<$bits>::MAX);
                Self::from_bits(if bits & $sign == 0 { !bits } else { bits & !$sign })
            }

            #[inline(always)]
            fn smallest(block: &[Self]) -> Self {
                fold(block, Self::INFINITY, |x, min| if x < min { x } else { min })
            }

            #[inline(always)]
            fn largest(block: &[Self]) -> Self {
                fold(block, Self::NEG_INFINITY, |x, max| if x > max { x } else { max })
            }

            fn times(self, count: u64) -> Compensated {
                Compensated::product(self.into(), count)
            }

            #[inline(always)]
            fn sum(block: &[Self], short: bool) -> Compensated {
                $sum(block, short)
            }

            #[inline(always)]
            fn sum_columns(block: &[Self], valid: Option<&[bool]>, sums: &mut FloatSums, at: usize) {
                let mut terms = [0.0; BLOCK];
                let terms = &mut terms[..block.len()];
                match valid {
                    None => terms.iter_mut().zip(block).for_each(|(term, &x)| *term = x.into()),
                    Some(valid) => {
                        for ((term, &x), &valid) in terms.iter_mut().zip(block).zip(valid) {
                            *term = if valid { x.into() } else { 0.0 };
                        }
                    }
                }
                sums.add_terms(at, terms);
            }
        }
    };
}

/// The best of a block, in independent lanes: the compiler may not reorder comparisons of floats, we may.
#[inline(always)]
fn fold<T: Copy>(block: &[T], start: T, better: impl Fn(T, T) -> T) -> T {
    const LANES: usize = 32;
    let mut lanes = [start; LANES];
    let (rows, rest) = block.as_chunks::<LANES>();
    for row in rows {
        lanes.iter_mut().zip(row).for_each(|(lane, &x)| *lane = better(x, *lane));
    }
    lanes.iter_mut().zip(rest).for_each(|(lane, &x)| *lane = better(x, *lane));
    lanes.into_iter().fold(start, |best, x| better(x, best))
}

#[expect(clippy::cast_possible_truncation, reason = "the caller checks that nothing was lost")]
fn narrow(x: f64) -> f32 {
    x as f32
}

#[inline(always)]
fn sum_double(block: &[f64], short: bool) -> Compensated {
    if short { sum_in_trees(block, |x| x) } else { sum_compensated(block) }
}

float!(f32, u32, 1 << 31, narrow, |block, _| sum_in_trees(block, f64::from));
float!(f64, u64, 1 << 63, |x| x, sum_double);

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
        _ => return None,
    })
}
