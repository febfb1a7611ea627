//! Which elements of a block are valid.

use rangefold_array::Number;

use super::{
    block::BLOCK,
    element::Element,
    matches::{Matches, Unpacked},
};
use crate::question::condition::Condition;

/// The test for valid elements, in the type they are stored in.
pub(crate) struct Mask<T> {
    /// Values that are missing; never NaN.
    fills: Vec<T>,
    /// Valid values lie in this closed range.
    range: Option<(T, T)>,
    /// Values in this closed range are not valid.
    hole: Option<(T, T)>,
    /// Nothing is valid.
    nothing: bool,
}

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Only valid elements.
    Full,
    /// No valid element.
    Empty,
    /// Both; the flags are set.
    Mixed,
}

impl<T: Element> Mask<T> {
    /// `fills` and bounds that `T` cannot hold are ignored; `condition` is met by valid elements, after `unpack`.
    pub(crate) fn new(
        fills: &[Number],
        bounds: (Option<Number>, Option<Number>),
        condition: Option<(&Condition, impl Fn(T) -> Unpacked<T>)>,
    ) -> Self {
        let number = |bound: Option<Number>| bound.and_then(T::from_number).filter(|x| !x.is_nan());
        let fills = fills.iter().filter_map(|&n| T::from_number(n)).filter(|x| !x.is_nan()).collect();
        let (low, high) = (number(bounds.0), number(bounds.1));
        let range =
            (low.is_some() || high.is_some()).then(|| (low.unwrap_or(T::LOWEST), high.unwrap_or(T::HIGHEST)));
        let mut mask = Self { fills, range, hole: None, nothing: false };
        if let Some((condition, unpack)) = condition {
            mask.require(&Matches::of(condition, unpack));
        }
        mask
    }

    /// Leaves out elements outside `wanted`.
    fn require(&mut self, wanted: &Matches<T>) {
        match *wanted {
            Matches::Inside(low, high) => {
                let (old_low, old_high) = self.range.unwrap_or((T::LOWEST, T::HIGHEST));
                let low = if low > old_low { low } else { old_low };
                let high = if high < old_high { high } else { old_high };
                self.range = Some((low, high));
            }
            Matches::Outside(low, high) => self.hole = Some((low, high)),
            Matches::Nothing => self.nothing = true,
            Matches::Everything => {}
        }
    }

    /// Whether one element is valid.
    pub(crate) fn admits(&self, x: T) -> bool {
        let mut valid = [false; BLOCK];
        self.examine(&[x], &mut valid) == Verdict::Full
    }

    /// Tests a block; sets `valid` for its elements only if some are valid and some are not.
    #[inline(always)]
    pub(crate) fn examine(&self, block: &[T], valid: &mut [bool; BLOCK]) -> Verdict {
        if self.nothing {
            return Verdict::Empty;
        }
        match (self.fills.as_slice(), self.range, self.hole) {
            ([], None, None) if !T::IS_FLOAT => Verdict::Full,
            ([], None, None) => test(block, valid, |x| !x.is_nan()),
            (&[fill], None, None) => test(block, valid, |x| (x != fill) & !x.is_nan()),
            (&[a, b], None, None) => test(block, valid, |x| (x != a) & (x != b) & !x.is_nan()),
            ([], Some((low, high)), None) => test(block, valid, |x| (x >= low) & (x <= high)),
            (&[fill], Some((low, high)), None) => {
                test(block, valid, |x| (x >= low) & (x <= high) & (x != fill))
            }
            (fills, range, hole) => {
                let (low, high) = range.unwrap_or((T::LOWEST, T::HIGHEST));
                let flags = &mut valid[..block.len()];
                flags.iter_mut().zip(block).for_each(|(valid, &x)| *valid = (x >= low) & (x <= high));
                for &fill in fills {
                    flags.iter_mut().zip(block).for_each(|(valid, &x)| *valid &= x != fill);
                }
                if let Some((low, high)) = hole {
                    flags.iter_mut().zip(block).for_each(|(valid, &x)| *valid &= (x < low) | (x > high));
                }
                let count = flags.iter().map(|&valid| u32::from(valid)).sum::<u32>();
                verdict(count, block.len())
            }
        }
    }
}

#[inline(always)]
fn verdict(count: u32, len: usize) -> Verdict {
    if count as usize == len {
        Verdict::Full
    } else if count == 0 {
        Verdict::Empty
    } else {
        Verdict::Mixed
    }
}

/// Counts first, which is quick, because most blocks turn out not to need the flags.
#[inline(always)]
fn test<T: Element>(block: &[T], valid: &mut [bool; BLOCK], admits: impl Fn(T) -> bool) -> Verdict {
    let count = block.iter().map(|&x| u32::from(admits(x))).sum::<u32>();
    let verdict = verdict(count, block.len());
    if verdict == Verdict::Mixed {
        valid.iter_mut().zip(block).for_each(|(valid, &x)| *valid = admits(x));
    }
    verdict
}
