//! Weighted sums, means and variances per cell; two can be merged, which windows need.

use std::ops::Range;

use rangefold_array::ElementType;
use rangefold_reduce::{Joined, Outcome, Reduction, Values, Weighted};

/// Weighted statistics of some cells. Columns that no reduction needs are empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Folded {
    /// Values taken.
    count: Vec<u64>,
    /// Sum of the weights of the values.
    weight: Vec<Sum>,
    /// Weighted sum of the values.
    sum: Vec<Sum>,
    /// Weighted sum of squared deviations from the mean.
    deviation: Vec<Sum>,
}

/// What a plan has answered for the cells that are folded.
#[derive(Clone, Copy)]
pub(crate) struct Sources<'a> {
    pub(crate) count: &'a Outcome,
    pub(crate) mean: Option<&'a Outcome>,
    pub(crate) variance: Option<&'a Outcome>,
}

impl<'a> Sources<'a> {
    /// The answers among `answers`, the first of which is the count.
    pub(crate) fn new(answers: &'a [Outcome]) -> Option<Self> {
        let find = |reduction| answers.iter().find(|outcome| outcome.reduction == reduction);
        Some(Self {
            count: answers.first()?,
            mean: find(Reduction::Mean),
            variance: find(Reduction::Var { ddof: 0 }),
        })
    }
}

impl Sources<'_> {
    /// What has values and weighs: the cell of the answer, that of the output, how many values, and their weight.
    fn taken(
        &self,
        weighed: impl Iterator<Item = (usize, usize, f64)>,
    ) -> impl Iterator<Item = (usize, usize, u64, f64)> {
        weighed.filter_map(|(cell, source, weight)| {
            let n = self.count.count.get(source).copied().unwrap_or(0);
            (n > 0 && weight > 0.0).then_some((cell, source, n, weight))
        })
    }
}

/// A value of an output that may not be wanted.
fn at(from: Option<&Outcome>, source: usize) -> f64 {
    from.map_or(0.0, |from| number(&from.values, source))
}

impl Folded {
    /// `cells` cells without values, with the columns that the sources can fill.
    pub(crate) fn new(sources: Sources<'_>, cells: usize) -> Self {
        let some = |source: Option<&Outcome>| if source.is_some() { cells } else { 0 };
        Self {
            count: vec![0; cells],
            weight: vec![Sum::default(); cells],
            sum: vec![Sum::default(); some(sources.mean)],
            deviation: vec![Sum::default(); some(sources.variance)],
        }
    }

    /// Bytes of the columns of one cell at the most.
    pub(crate) fn cell_len() -> u64 {
        (size_of::<u64>() + 3 * size_of::<Sum>()) as u64
    }

    /// Adds values of the plan's output, each with its weight. `weighed` gives the cell of the answer, that of the output
    /// and the weight.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    pub(crate) fn add_values(
        &mut self,
        sources: Sources<'_>,
        weighed: impl Iterator<Item = (usize, usize, f64)>,
    ) {
        for (cell, source, n, weight) in sources.taken(weighed) {
            if let Some(count) = self.count.get_mut(cell) {
                *count += n;
            }
            add(&mut self.weight, cell, weight * n as f64);
            add(&mut self.sum, cell, weight * n as f64 * at(sources.mean, source));
        }
    }

    /// Whether deviations are wanted.
    pub(crate) fn has_deviations(&self) -> bool {
        !self.deviation.is_empty()
    }

    /// Adds the deviations of values, all of which have been added: the means are known.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    pub(crate) fn add_deviations(
        &mut self,
        sources: Sources<'_>,
        weighed: impl Iterator<Item = (usize, usize, f64)>,
    ) {
        if !self.has_deviations() {
            return;
        }
        for (cell, source, n, weight) in sources.taken(weighed) {
            let distance = at(sources.mean, source) - self.mean(cell);
            let squares = distance * distance + at(sources.variance, source);
            add(&mut self.deviation, cell, weight * n as f64 * squares);
        }
    }

    /// The weighted mean of a cell.
    fn mean(&self, cell: usize) -> f64 {
        value(&self.sum, cell) / value(&self.weight, cell)
    }

    /// The answer to a reduction; `shape` is that of the cells.
    pub(crate) fn answer(&self, reduction: &Reduction, shape: &[u64], lacking: &[bool]) -> Outcome {
        let floats = |of_cell: &dyn Fn(usize) -> f64| {
            (ElementType::Float64, Values::Float((0..self.count.len()).map(of_cell).collect()))
        };
        let variance = |cell| value(&self.deviation, cell) / value(&self.weight, cell);
        let (element, values) = match reduction.weighted() {
            Some(Weighted::Count) => {
                let counts = self.count.iter().map(|&n| i64::try_from(n).unwrap_or(i64::MAX));
                (ElementType::Int64, Values::Signed(counts.collect()))
            }
            Some(Weighted::Sum) => floats(&|cell| value(&self.sum, cell)),
            Some(Weighted::Mean) => floats(&|cell| self.mean(cell)),
            Some(Weighted::Var) => floats(&variance),
            Some(Weighted::Std) => floats(&|cell| variance(cell).sqrt()),
            // `Weights::needed` refuses what weights do not define.
            None => floats(&|_| f64::NAN),
        };
        Outcome {
            reduction: reduction.clone(),
            shape: shape.to_vec(),
            element,
            values,
            count: self.count.clone(),
            lacking: lacking.to_vec(),
        }
    }
}

impl Joined for Folded {
    fn empty(&self, cells: usize) -> Self {
        fn some<T>(column: &[T], cells: usize) -> usize {
            if column.is_empty() { 0 } else { cells }
        }
        Self {
            count: vec![0; cells],
            weight: vec![Sum::default(); cells],
            sum: vec![Sum::default(); some(&self.sum, cells)],
            deviation: vec![Sum::default(); some(&self.deviation, cells)],
        }
    }

    fn put(&mut self, at: usize, other: &Self, from: Range<usize>) {
        let one = |_, theirs| theirs;
        let Self { count, weight, sum, deviation } = other;
        each(&mut self.count, at, count, &from, |_, n| n);
        each(&mut self.weight, at, weight, &from, one);
        each(&mut self.sum, at, sum, &from, one);
        each(&mut self.deviation, at, deviation, &from, one);
    }

    fn join(&mut self, at: usize, other: &Self, from: Range<usize>) {
        if !self.deviation.is_empty() {
            // Chan, Golub and LeVeque's rule.
            for (cell, theirs) in (at..).zip(from.clone()) {
                let (m, n) = (value(&self.weight, cell), value(&other.weight, theirs));
                if m > 0.0 && n > 0.0 {
                    let distance = other.mean(theirs) - self.mean(cell);
                    add(&mut self.deviation, cell, distance * distance * (m * (n / (m + n))));
                }
            }
        }
        let Self { count, weight, sum, deviation } = other;
        each(&mut self.count, at, count, &from, |mine, theirs| mine + theirs);
        each(&mut self.weight, at, weight, &from, Sum::joined);
        each(&mut self.sum, at, sum, &from, Sum::joined);
        each(&mut self.deviation, at, deviation, &from, Sum::joined);
    }

    fn has_value(&self, cell: usize) -> bool {
        self.count.get(cell).is_some_and(|&count| count > 0)
    }
}

/// Replaces numbers of a column from `at` on by what `joined` makes of them and those of `theirs`; both may be empty.
fn each<T: Copy>(mine: &mut [T], at: usize, theirs: &[T], from: &Range<usize>, joined: impl Fn(T, T) -> T) {
    let theirs = theirs.iter().skip(from.start).take(from.len());
    mine.iter_mut().skip(at).zip(theirs).for_each(|(mine, &theirs)| *mine = joined(*mine, theirs));
}

fn add(column: &mut [Sum], cell: usize, x: f64) {
    if let Some(sum) = column.get_mut(cell) {
        sum.add(x);
    }
}

fn value(column: &[Sum], cell: usize) -> f64 {
    column.get(cell).map_or(0.0, |sum| sum.value())
}

/// A value as a float; integers past 2^53 are rounded.
#[expect(clippy::cast_precision_loss, reason = "documented: rounded")]
pub(crate) fn number(values: &Values, i: usize) -> f64 {
    match values {
        Values::Signed(values) => values.get(i).map_or(0.0, |&v| v as f64),
        Values::Unsigned(values) => values.get(i).map_or(0.0, |&v| v as f64),
        Values::Float(values) => values.get(i).copied().unwrap_or(0.0),
        Values::Bool(values) => values.get(i).map_or(0.0, |&v| f64::from(u8::from(v))),
        Values::Complex(_) | Values::Text(_) => f64::NAN,
    }
}

/// A compensated sum (Neumaier).
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    high: f64,
    low: f64,
}

impl Sum {
    fn add(&mut self, x: f64) {
        let sum = self.high + x;
        if sum.is_finite() {
            self.low +=
                if self.high.abs() >= x.abs() { (self.high - sum) + x } else { (x - sum) + self.high };
        }
        self.high = sum;
    }

    fn joined(mut self, other: Self) -> Self {
        self.add(other.high);
        self.low += other.low;
        self
    }

    fn value(self) -> f64 {
        self.high + self.low
    }
}
