//! Exact quantiles in bounded memory: histograms that are refined until each bin is one value.
//!
//! The first pass finds the smallest and the largest value. Each further pass counts values in 65,536 bins between two
//! neighbouring numbers of the last one, in the order of the numbers themselves and not of their distance, so a float32
//! needs two of them, an integer of 16 bits one, a float64 four at the most. Between two values quantiles are linear,
//! which is NumPy's default.

use std::collections::BTreeSet;

use rangefold_array::ElementType;
use rangefold_reduce::{Reduction, Value, Values};
use rangefold_store::ReferenceStore;

use crate::query::{Query, QueryError, prepare};
use crate::run::{Limits, Progress, RunError, Statistics};

/// Bins of one pass.
const BINS: i64 = 1 << 16;

/// Integers beyond this are not all told apart by the edges of a histogram.
const INTEGER_MAX: f64 = 9_007_199_254_740_992.0;

/// Quantiles of everything that a query selects.
#[derive(Clone, Debug)]
pub struct Quantiles {
    /// One per fraction; `None` if nothing is valid.
    pub values: Vec<Option<f64>>,
    /// Valid elements.
    pub count: u64,
    /// What all passes took together.
    pub statistics: Statistics,
}

/// Quantiles cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum QuantileError {
    /// A fraction outside 0 to 1.
    #[error("{fraction} is no fraction between 0 and 1")]
    Fraction {
        /// The fraction.
        fraction: f64,
    },
    /// Dimensions that stay, groups or weights.
    #[error(
        "quantiles are of everything that is selected: they keep no dimension, and know neither groups nor weights"
    )]
    NotEverything,
    /// Values whose order a histogram cannot tell.
    #[error("variable {variable:?} reaches from {min} to {max}: {reason}")]
    Range {
        /// The variable.
        variable: String,
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
        /// Why not.
        reason: &'static str,
    },
    /// The query does not fit.
    #[error(transparent)]
    Query(Box<QueryError>),
    /// A pass failed.
    #[error(transparent)]
    Run(Box<RunError>),
}

impl From<QueryError> for QuantileError {
    fn from(error: QueryError) -> Self {
        Self::Query(Box::new(error))
    }
}

impl From<RunError> for QuantileError {
    fn from(error: RunError) -> Self {
        Self::Run(Box::new(error))
    }
}

/// The numbers of a type in ascending order, one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    Integer,
    Single,
    Double,
}

impl Scale {
    /// Place of a number among all of them.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "integers are below 2^53, and single values come from float32"
    )]
    fn place(self, value: f64) -> i64 {
        match self {
            Self::Integer => value as i64,
            Self::Single => {
                let bits = (value as f32 + 0.0).to_bits().cast_signed();
                i64::from(bits ^ ((bits >> 31) & i32::MAX))
            }
            Self::Double => {
                let bits = (value + 0.0).to_bits().cast_signed();
                bits ^ ((bits >> 63) & i64::MAX)
            }
        }
    }

    /// The number at a place.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "places come from `place`, which is exact"
    )]
    fn number(self, place: i64) -> f64 {
        match self {
            Self::Integer => place as f64,
            Self::Single => {
                let bits = place as i32;
                f64::from(f32::from_bits((bits ^ ((bits >> 31) & i32::MAX)).cast_unsigned()))
            }
            Self::Double => f64::from_bits((place ^ ((place >> 63) & i64::MAX)).cast_unsigned()),
        }
    }
}

/// What is known of the value of one rank: it lies in `low..high`, and `below` values are smaller than `low`.
#[derive(Clone, Copy, Debug)]
struct Bracket {
    rank: u64,
    low: i64,
    high: i64,
    below: u64,
}

/// Finds the quantiles of all that `query` selects of a variable; its reductions play no part.
///
/// # Errors
///
/// [`QuantileError`].
pub async fn quantiles(
    store: &ReferenceStore,
    variable: &str,
    query: &Query,
    fractions: &[f64],
    limits: Limits,
    progress: Progress<'_>,
) -> Result<Quantiles, QuantileError> {
    if let Some(&fraction) = fractions.iter().find(|q| !(0.0..=1.0).contains(*q)) {
        return Err(QuantileError::Fraction { fraction });
    }
    let mut passes = Passes { store, variable, query, limits, progress, statistics: Statistics::default() };
    let (outcomes, element) = passes.run(vec![Reduction::Min, Reduction::Max, Reduction::Count]).await?;
    let number = |i: usize| outcomes.get(i).and_then(|outcome| outcome.value(0)).and_then(to_f64);
    let count = outcomes.first().and_then(|outcome| outcome.count.first()).copied().unwrap_or(0);
    let (Some(min), Some(max)) = (number(0), number(1)) else {
        return Ok(Quantiles {
            values: vec![None; fractions.len()],
            count: 0,
            statistics: passes.statistics,
        });
    };
    let scale = scale(variable, &element, min, max)?;
    let wanted: Vec<(u64, f64)> = fractions.iter().map(|&q| rank(q, count)).collect();
    let ranks: BTreeSet<u64> =
        wanted.iter().flat_map(|&(rank, _)| [rank, (rank + 1).min(count - 1)]).collect();
    let (low, high) = (scale.place(min), scale.place(max) + 1);
    let mut brackets: Vec<Bracket> =
        ranks.into_iter().map(|rank| Bracket { rank, low, high, below: 0 }).collect();
    while brackets.iter().any(|bracket| bracket.high.abs_diff(bracket.low) > 1) {
        refine(&mut passes, scale, &mut brackets).await?;
    }
    let of_rank = |rank: u64| {
        brackets
            .iter()
            .find(|bracket| bracket.rank == rank)
            .map_or(f64::NAN, |bracket| scale.number(bracket.low))
    };
    let values = wanted.iter().map(|&(rank, part)| {
        let (a, b) = (of_rank(rank), of_rank((rank + 1).min(count - 1)));
        // As NumPy does, from the nearer end, so that the ends themselves are exact.
        Some(if part >= 0.5 { b - (b - a) * (1.0 - part) } else { a + (b - a) * part })
    });
    Ok(Quantiles { values: values.collect(), count, statistics: passes.statistics })
}

/// One pass that narrows every bracket to one bin.
async fn refine(
    passes: &mut Passes<'_>,
    scale: Scale,
    brackets: &mut [Bracket],
) -> Result<(), QuantileError> {
    let open: BTreeSet<(i64, i64)> =
        brackets.iter().filter(|b| b.high.abs_diff(b.low) > 1).map(|b| (b.low, b.high)).collect();
    let edges: Vec<((i64, i64), Vec<i64>)> =
        open.into_iter().map(|(low, high)| ((low, high), cut(low, high))).collect();
    let histogram =
        |edges: &Vec<i64>| Reduction::Histogram(edges.iter().map(|&place| scale.number(place)).collect());
    let (outcomes, _) = passes.run(edges.iter().map(|(_, edges)| histogram(edges)).collect()).await?;
    for bracket in brackets.iter_mut().filter(|b| b.high.abs_diff(b.low) > 1) {
        let Some(of) = edges.iter().position(|(range, _)| *range == (bracket.low, bracket.high)) else {
            continue;
        };
        let (Some((_, edges)), Some(outcome)) = (edges.get(of), outcomes.get(of)) else { continue };
        let Values::Signed(counts) = &outcome.values else { continue };
        // The last bin also counts values at its upper edge, which belong above it: they rank after all others.
        let mut below = bracket.below;
        for (pair, &n) in edges.windows(2).zip(counts) {
            let n = u64::try_from(n).unwrap_or(0);
            if let (true, &[low, high]) = (bracket.rank < below + n, pair) {
                (bracket.low, bracket.high, bracket.below) = (low, high, below);
                break;
            }
            below += n;
        }
    }
    Ok(())
}

/// Edges of at most [`BINS`] bins of equal width, in places.
fn cut(low: i64, high: i64) -> Vec<i64> {
    let width = i128::from(high) - i128::from(low);
    let step = i64::try_from((width + i128::from(BINS) - 1) / i128::from(BINS)).unwrap_or(i64::MAX);
    let mut edges: Vec<i64> = Vec::new();
    let mut edge = low;
    while edge < high {
        edges.push(edge);
        edge = edge.saturating_add(step);
    }
    edges.push(high);
    edges
}

/// Rank of a quantile among `count` values, and how far it lies towards the next.
fn rank(fraction: f64, count: u64) -> (u64, f64) {
    #[expect(clippy::cast_precision_loss, reason = "as NumPy: a rank is a float64")]
    let exact = fraction * count.saturating_sub(1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the count")]
    let rank = exact.floor() as u64;
    (rank.min(count.saturating_sub(1)), exact - exact.floor())
}

fn scale(variable: &str, element: &ElementType, min: f64, max: f64) -> Result<Scale, QuantileError> {
    let refused = |reason| Err(QuantileError::Range { variable: variable.to_owned(), min, max, reason });
    if !(min.is_finite() && max.is_finite()) {
        return refused("infinities have no place among the others");
    }
    match element {
        ElementType::Float64 => Ok(Scale::Double),
        element if element.is_float() => Ok(Scale::Single),
        _ if min.abs() >= INTEGER_MAX || max.abs() >= INTEGER_MAX => {
            refused("integers past 2^53 are not all told apart")
        }
        _ => Ok(Scale::Integer),
    }
}

fn to_f64(value: Value) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "checked afterwards to be below 2^53")]
    match value {
        Value::Signed(n) => Some(n as f64),
        Value::Unsigned(n) => Some(n as f64),
        Value::Float(x) => Some(x),
        Value::Bool(_) | Value::Complex(_) => None,
    }
}

/// Runs the same selection again and again.
struct Passes<'a> {
    store: &'a ReferenceStore,
    variable: &'a str,
    query: &'a Query,
    limits: Limits,
    progress: Progress<'a>,
    statistics: Statistics,
}

impl Passes<'_> {
    async fn run(
        &mut self,
        reductions: Vec<Reduction>,
    ) -> Result<(Vec<rangefold_reduce::Outcome>, ElementType), QuantileError> {
        let query = Query { reductions, ..self.query.clone() };
        let prepared = prepare(self.store, self.variable, &query).await?;
        if !prepared.dims.is_empty() || !query.weights.is_empty() {
            return Err(QuantileError::NotEverything);
        }
        let answer = prepared.run(self.store, self.limits, self.progress).await?;
        let (sum, pass) = (&mut self.statistics, &answer.statistics);
        (sum.chunks, sum.missing) = (pass.chunks, pass.missing);
        sum.referenced += pass.referenced;
        sum.fetched += pass.fetched;
        sum.decoded += pass.decoded;
        Ok((answer.outcomes, prepared.plan.value_element()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_in_the_order_of_the_numbers_and_lead_back_to_them() {
        let single = [-1e30_f32, -2.5, -1e-40, 0.0, 1e-40, 1.0, 1.000_000_1, 3e38].map(f64::from);
        let double = [-1e300, -2.5, -1e-310, 0.0, 1e-310, 1.0, 1.000_000_000_000_1, 1e308];
        for (scale, numbers) in [(Scale::Single, single), (Scale::Double, double)] {
            assert!(numbers.windows(2).all(|pair| scale.place(pair[0]) < scale.place(pair[1])), "{scale:?}");
            assert!(numbers.iter().all(|&x| scale.number(scale.place(x)) == x), "{scale:?}");
        }
        assert_eq!(Scale::Single.place(1.0) + 1, Scale::Single.place(f64::from(1.000_000_1_f32)));
    }

    #[test]
    fn cuts_cover_their_range_and_end_in_single_values() {
        assert_eq!(cut(5, 8), [5, 6, 7, 8]);
        let edges = cut(i64::MIN / 2, i64::MAX / 2);
        assert!(
            edges.len() <= 65_538
                && edges.first() == Some(&(i64::MIN / 2))
                && edges.last() == Some(&(i64::MAX / 2))
        );
    }

    #[test]
    fn ranks_are_numpys() {
        assert_eq!(rank(0.5, 4), (1, 0.5));
        assert_eq!(rank(1.0, 4), (3, 0.0));
        assert_eq!(rank(0.0, 1), (0, 0.0));
    }
}
