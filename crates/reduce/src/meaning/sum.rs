//! Sums: exact for integers, compensated for floats.
//!
//! A float sum is kept as `hi + lo`, the running sum and the sum of what each addition rounded away (Ogita, Rump,
//! Oishi: Accurate Sum and Dot Product, 2005, "Sum2"). Its relative error against the sum of absolute values is about
//! 1e-16 whatever the number of terms. Bulk data of at most 32 significant bits is first added in trees of eight, which
//! costs three more roundings of 1.1e-16 in the worst case and none in the usual one.

use std::ops::Range;

use super::block::BLOCK;

/// Independent accumulators of a block: what keeps the adders of the processor busy.
const LANES: usize = 32;

/// A float sum and what it lost to rounding.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Compensated {
    pub(crate) hi: f64,
    pub(crate) lo: f64,
}

/// `a + b` and its rounding error, exactly (Knuth). The error is not finite if the sum is not.
#[inline(always)]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_part = sum - a;
    let a_part = sum - b_part;
    (sum, (a - a_part) + (b - b_part))
}

/// `a * b` and its rounding error, exactly unless it over- or underflows (Dekker).
fn two_product(a: f64, b: f64) -> (f64, f64) {
    /// 2^27 + 1 cuts 53 bits in halves.
    const SPLIT: f64 = 134_217_729.0;
    let halves = |x: f64| {
        let carried = SPLIT * x;
        let high = carried - (carried - x);
        (high, x - high)
    };
    let product = a * b;
    let ((a_high, a_low), (b_high, b_low)) = (halves(a), halves(b));
    let error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low;
    (product, if error.is_finite() { error } else { 0.0 })
}

impl Compensated {
    #[inline(always)]
    pub(crate) fn add(&mut self, x: f64) {
        let (hi, error) = two_sum(self.hi, x);
        self.hi = hi;
        self.lo += error;
    }

    #[inline(always)]
    pub(crate) fn merge(&mut self, other: Self) {
        self.add(other.hi);
        self.lo += other.lo;
    }

    /// `x` taken `count` times.
    pub(crate) fn product(x: f64, count: u64) -> Self {
        let (hi, lo) = two_product(x, count as f64);
        Self { hi, lo }
    }

    /// The sum rounded once. Infinite and NaN sums are those of the terms.
    pub(crate) fn value(self) -> f64 {
        if self.hi.is_finite() { self.hi + self.lo } else { self.hi }
    }

    /// Divided by a count, with what the quotient lost to rounding.
    pub(crate) fn mean(self, count: u64) -> Self {
        let n = count as f64;
        let hi = self.value() / n;
        let (product, error) = two_product(hi, n);
        let lo = (((self.hi - product) - error) + self.lo) / n;
        Self { hi, lo: if lo.is_finite() { lo } else { 0.0 } }
    }

    /// The difference rounded once.
    pub(crate) fn minus(self, other: Self) -> f64 {
        (self.hi - other.hi) + (self.lo - other.lo)
    }
}

/// Exact integers as compensated floats: for the moments of integer data.
impl From<i128> for Compensated {
    #[expect(clippy::cast_possible_truncation, reason = "a float nearest to an i128 is below 2^127")]
    fn from(sum: i128) -> Self {
        let hi = sum as f64;
        Self { hi, lo: sum.saturating_sub(hi as i128) as f64 }
    }
}

/// Sum of a block, every addition compensated.
#[inline(always)]
pub(crate) fn sum_compensated(block: &[f64]) -> Compensated {
    let mut lanes = Lanes::default();
    lanes.add(block);
    lanes.total()
}

/// Sum of a block of values with at most 32 significant bits, eight at a time without compensation.
#[inline(always)]
pub(crate) fn sum_in_trees<T: Copy>(block: &[T], to_f64: impl Fn(T) -> f64) -> Compensated {
    let mut sums = [0.0; BLOCK / 8];
    let len = block.len() / 8;
    let (parts, rest) = block.split_at(8 * len);
    let part = |i: usize| &parts[i * len..][..len];
    let (a, b, c, d) = (part(0), part(1), part(2), part(3));
    let (e, f, g, h) = (part(4), part(5), part(6), part(7));
    let sums = &mut sums[..len];
    for (i, sum) in sums.iter_mut().enumerate() {
        let left = (to_f64(a[i]) + to_f64(b[i])) + (to_f64(c[i]) + to_f64(d[i]));
        let right = (to_f64(e[i]) + to_f64(f[i])) + (to_f64(g[i]) + to_f64(h[i]));
        *sum = left + right;
    }
    let mut lanes = Lanes::default();
    lanes.add(sums);
    let mut total = lanes.total();
    rest.iter().for_each(|&x| total.add(to_f64(x)));
    total
}

/// Accumulators for neighbouring terms.
struct Lanes {
    hi: [f64; LANES],
    lo: [f64; LANES],
}

impl Default for Lanes {
    fn default() -> Self {
        Self { hi: [0.0; LANES], lo: [0.0; LANES] }
    }
}

impl Lanes {
    #[inline(always)]
    fn add(&mut self, terms: &[f64]) {
        for row in terms.chunks(LANES) {
            for ((hi, lo), &x) in self.hi.iter_mut().zip(&mut self.lo).zip(row) {
                let (sum, error) = two_sum(*hi, x);
                *hi = sum;
                *lo += error;
            }
        }
    }

    #[inline(always)]
    fn total(mut self) -> Compensated {
        let mut width = LANES;
        while width > 1 {
            width /= 2;
            let (hi, other_hi) = self.hi.split_at_mut(width);
            let (lo, other_lo) = self.lo.split_at_mut(width);
            let pairs = hi.iter_mut().zip(other_hi).zip(lo.iter_mut().zip(other_lo));
            for ((hi, &mut other_hi), (lo, &mut other_lo)) in pairs {
                let (sum, error) = two_sum(*hi, other_hi);
                *hi = sum;
                *lo += other_lo + error;
            }
        }
        Compensated { hi: self.hi[0], lo: self.lo[0] }
    }
}

/// One sum per cell.
pub(crate) trait SumColumn: Sized + Send {
    /// One of the sums.
    type One: Copy + Into<Compensated>;

    fn zeros(cells: usize) -> Self;
    fn get(&self, cell: usize) -> Self::One;
    fn add(&mut self, cell: usize, sum: Self::One);
    /// Adds cells `from` of `other` to as many cells from `at`.
    fn merge(&mut self, at: usize, other: &Self, from: Range<usize>);
    /// Puts cells `from` of `other` in the place of as many from `at`.
    fn put(&mut self, at: usize, other: &Self, from: Range<usize>);
}

/// Compensated float sums, by column so that neighbouring cells are added to at once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FloatSums {
    pub(crate) hi: Vec<f64>,
    pub(crate) lo: Vec<f64>,
}

impl FloatSums {
    /// Adds one term to each cell from `at` on.
    #[inline(always)]
    pub(crate) fn add_terms(&mut self, at: usize, terms: &[f64]) {
        let end = at + terms.len();
        for ((hi, lo), &x) in self.hi[at..end].iter_mut().zip(&mut self.lo[at..end]).zip(terms) {
            let (sum, error) = two_sum(*hi, x);
            *hi = sum;
            *lo += error;
        }
    }
}

impl SumColumn for FloatSums {
    type One = Compensated;

    fn zeros(cells: usize) -> Self {
        Self { hi: vec![0.0; cells], lo: vec![0.0; cells] }
    }

    fn get(&self, cell: usize) -> Compensated {
        Compensated { hi: self.hi[cell], lo: self.lo[cell] }
    }

    fn add(&mut self, cell: usize, sum: Compensated) {
        let mut total = self.get(cell);
        total.merge(sum);
        self.hi[cell] = total.hi;
        self.lo[cell] = total.lo;
    }

    fn merge(&mut self, at: usize, other: &Self, from: Range<usize>) {
        self.add_terms(at, &other.hi[from.clone()]);
        let end = at + from.len();
        for (lo, &x) in self.lo[at..end].iter_mut().zip(&other.lo[from]) {
            *lo += x;
        }
    }

    fn put(&mut self, at: usize, other: &Self, from: Range<usize>) {
        let here = at..at + from.len();
        self.hi[here.clone()].copy_from_slice(&other.hi[from.clone()]);
        self.lo[here].copy_from_slice(&other.lo[from]);
    }
}

/// Exact integer sums: 2^63 elements of 64 bits fit.
impl SumColumn for Vec<i128> {
    type One = i128;

    fn zeros(cells: usize) -> Self {
        vec![0; cells]
    }

    fn get(&self, cell: usize) -> i128 {
        self[cell]
    }

    fn add(&mut self, cell: usize, sum: i128) {
        self[cell] = self[cell].saturating_add(sum);
    }

    fn merge(&mut self, at: usize, other: &Self, from: Range<usize>) {
        for (total, &x) in self[at..at + from.len()].iter_mut().zip(&other[from]) {
            *total = total.saturating_add(x);
        }
    }

    fn put(&mut self, at: usize, other: &Self, from: Range<usize>) {
        self[at..at + from.len()].copy_from_slice(&other[from]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_naive_addition_loses_is_kept() {
        let block: Vec<f64> = [1e16, 1.0, -1e16].repeat(1000);
        assert_eq!(sum_compensated(&block).value(), 1000.0);
        let mut total = Compensated::default();
        for &x in &block {
            total.add(x);
        }
        assert_eq!(total.value(), 1000.0);
    }

    #[test]
    fn infinities_are_values_and_opposite_ones_are_nan() {
        assert_eq!(sum_compensated(&[1.0, f64::INFINITY, 2.0]).value(), f64::INFINITY);
        assert!(sum_compensated(&[f64::NEG_INFINITY, f64::INFINITY]).value().is_nan());
        assert_eq!(sum_in_trees(&[f32::NEG_INFINITY; 100], f64::from).value(), f64::NEG_INFINITY);
    }

    #[test]
    fn a_mean_keeps_what_division_rounds_away() {
        let third = Compensated { hi: 1.0, lo: 0.0 }.mean(3);
        assert_eq!(third.hi, 1.0 / 3.0);
        let (product, error) = two_product(third.hi, 3.0);
        assert!((1.0 - product - error - third.lo * 3.0).abs() < 1e-32);
    }

    #[test]
    fn products_with_a_count_are_exact() {
        let sum = Compensated::product(0.1, 10);
        let exact = Compensated { hi: 1.0, lo: 5.551_115_123_125_783e-17 };
        assert_eq!(sum, exact);
    }
}
