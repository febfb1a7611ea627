//! Element types as the kernels see them.

use std::cmp::Ordering;

use pulp::bytemuck::Pod;
use rangefold_array::{Number, compare_integer};

use super::{
    block::BLOCK,
    layout::{Fixed, Written},
    sum::{Compensated, FloatSums, SumColumn, sum_compensated, sum_in_trees},
};

/// What the extremes of an element type are kept in: `i64`, `u64` or `f64`.
pub(crate) trait Wide: Fixed + PartialOrd + Default + Send + Sync + 'static {
    type Sums: Written;
    const LOWEST: Self;
    const HIGHEST: Self;
    fn number(self) -> Number;
}

impl Wide for i64 {
    type Sums = Vec<i128>;
    const LOWEST: Self = Self::MIN;
    const HIGHEST: Self = Self::MAX;
    fn number(self) -> Number {
        Number::Integer(self.into())
    }
}

impl Wide for u64 {
    type Sums = Vec<i128>;
    const LOWEST: Self = Self::MIN;
    const HIGHEST: Self = Self::MAX;
    fn number(self) -> Number {
        Number::Integer(self.into())
    }
}

impl Wide for f64 {
    type Sums = FloatSums;
    const LOWEST: Self = Self::NEG_INFINITY;
    const HIGHEST: Self = Self::INFINITY;
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
