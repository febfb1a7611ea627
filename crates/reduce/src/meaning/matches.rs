//! Conditions as ranges of stored elements.
//!
//! Unpacking is monotone, rounding included. The elements that meet a comparison are therefore a range of the stored
//! type's values, or all but a range. Its two ends are found by bisection once, so the kernels never unpack to compare.

use std::{cmp::Ordering, ops::Range};

use rangefold_array::Number;

use super::element::Element;
use crate::question::condition::{Comparison, Condition};

/// A value after unpacking: of the stored type, or a float.
pub(crate) enum Unpacked<T> {
    Stored(T),
    Float(f64),
}

/// The stored elements that meet a condition. Ranges are closed and not empty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Matches<T> {
    Everything,
    Nothing,
    Inside(T, T),
    Outside(T, T),
}

impl<T: Element> Matches<T> {
    /// The elements whose value after `unpack` meets `condition`.
    pub(crate) fn of(condition: &Condition, unpack: impl Fn(T) -> Unpacked<T>) -> Self {
        if matches!(condition.threshold, Number::Float(x) if x.is_nan()) {
            return if condition.comparison == Comparison::NotEqual {
                Self::Everything
            } else {
                Self::Nothing
            };
        }
        let ordering = |rank: u64| {
            let ordering = match unpack(T::from_rank(rank)) {
                Unpacked::Stored(x) => x.compare(condition.threshold),
                Unpacked::Float(x) => x.compare(condition.threshold),
            };
            ordering.unwrap_or(Ordering::Equal)
        };
        let (first, last) = (u128::from(T::LOWEST.rank()), u128::from(T::HIGHEST.rank()));
        let at = |rank: u128| ordering(u64::try_from(rank).unwrap_or(u64::MAX));
        let ascending = at(first) <= at(last);
        let along = |rank: u128| if ascending { at(rank) } else { at(rank).reverse() };
        // Three runs of ranks, each possibly empty: before the constant, equal to it, after it.
        let equal = partition(first..last + 1, |rank| along(rank) < Ordering::Equal);
        let after = partition(equal..last + 1, |rank| along(rank) == Ordering::Equal);
        let meets = |along: Ordering| condition.holds(if ascending { along } else { along.reverse() });
        let value = |rank: u128| T::from_rank(u64::try_from(rank).unwrap_or(u64::MAX));
        let range = |ranks: Range<u128>| match ranks.is_empty() {
            true => Self::Nothing,
            false => Self::Inside(value(ranks.start), value(ranks.end - 1)),
        };
        match (meets(Ordering::Less), meets(Ordering::Equal), meets(Ordering::Greater)) {
            (true, false, true) if equal == after => Self::Everything,
            (true, false, true) => Self::Outside(value(equal), value(after - 1)),
            (less, equals, greater) => {
                let start = if less {
                    first
                } else if equals {
                    equal
                } else {
                    after
                };
                let end = if greater {
                    last + 1
                } else if equals {
                    after
                } else {
                    equal
                };
                range(start..end)
            }
        }
    }
}

/// The first of `ranks`, or their end, where `before`, true and then false along them, is false.
fn partition(ranks: Range<u128>, before: impl Fn(u128) -> bool) -> u128 {
    let (mut low, mut high) = (ranks.start, ranks.end);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

impl<T: Element> Matches<T> {
    /// Whether `x` meets the condition; NaN never does.
    #[inline(always)]
    pub(crate) fn contains(&self, x: T) -> bool {
        match *self {
            Self::Inside(low, high) => (x >= low) & (x <= high),
            Self::Outside(low, high) => (x < low) | (x > high),
            Self::Everything => !x.is_nan(),
            Self::Nothing => false,
        }
    }
}
