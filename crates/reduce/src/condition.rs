//! Conditions on values, and their translation into ranges of stored elements.
//!
//! Unpacking is monotone, rounding included. The elements that meet a comparison are therefore a range of the stored
//! type's values, or all but a range; its ends are found by bisection once, and the kernels never unpack to compare.

use std::{cmp::Ordering, fmt, ops::Range};

use rangefold_array::ElementType;

use crate::{Number, element::Element, mask::Unpacked};

/// A comparison of every value with a constant; NaN meets none.
///
/// Integers are compared exactly, also with fractions. The constant is rounded to the width of float16 and float32
/// values, as NumPy does, so that `== 0.1` can hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Condition {
    /// How values are compared with it.
    pub comparison: Comparison,
    /// The constant, in the units of unpacked values.
    pub threshold: Number,
}

/// As it is typed: `> 273.15`.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.comparison {
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
            Comparison::Equal => "==",
            Comparison::NotEqual => "!=",
        };
        match self.threshold {
            Number::Integer(integer) => write!(f, "{sign} {integer}"),
            Number::Float(float) => write!(f, "{sign} {float}"),
        }
    }
}

/// A relation of a value to a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

impl Condition {
    /// The condition with its constant rounded to the width of `element`.
    pub(crate) fn rounded_to(&self, element: &ElementType) -> Self {
        let threshold = self.threshold.rounded_to(element);
        Self { threshold, ..*self }
    }

    /// Whether a value that stands so to the constant meets the condition.
    fn holds(self, ordering: Ordering) -> bool {
        match self.comparison {
            Comparison::Less => ordering.is_lt(),
            Comparison::LessOrEqual => ordering.is_le(),
            Comparison::Greater => ordering.is_gt(),
            Comparison::GreaterOrEqual => ordering.is_ge(),
            Comparison::Equal => ordering.is_eq(),
            Comparison::NotEqual => ordering.is_ne(),
        }
    }
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
