//! From the statistics of all cells to answers.

use std::ops::Range;

use rangefold_array::{ElementType, Values};

use super::{
    outcome::{Answered, Outcome},
    texts,
};
use crate::{
    chunk::reduce_error::ReduceError,
    meaning::{
        element::Wide,
        sum::{Compensated, SumColumn},
    },
    merge::{
        accumulator::{Accumulator, merge, whole},
        roll::Joined,
        slab::Slab,
    },
    plan::reduction_plan::ReductionPlan,
    question::reduction::{AnswerElement, Reduction},
    statistic::{cells::Cells, columns::Columns, wanted::Wanted},
};

impl Accumulator<'_> {
    /// The answers, in the order of the reductions.
    ///
    /// # Errors
    ///
    /// [`ReduceError::Incomplete`] unless all chunks were merged.
    pub fn finish(self) -> Result<Vec<Answered>, ReduceError> {
        let Self { plan, merged, tree } = self;
        let chunks = plan.chunk_count();
        if merged == chunks {
            Ok(of_cells(plan, tree.finish(plan)?))
        } else {
            Err(ReduceError::Incomplete { merged, chunks })
        }
    }
}

impl ReductionPlan {
    /// The answers, in the order of the reductions, from all slabs of [`ReductionPlan::slabs`].
    ///
    /// # Errors
    ///
    /// [`ReduceError::Incomplete`] unless every chunk was added to every slab that it touches.
    pub fn answers(&self, mut slabs: Vec<Slab>) -> Result<Vec<Answered>, ReduceError> {
        let frame = whole(self);
        let covered: usize = slabs.iter().map(|slab| slab.tree.frame.cells()).sum();
        if covered != self.output_cells {
            return Err(ReduceError::Incomplete { merged: 0, chunks: self.chunk_count() });
        }
        for slab in &slabs {
            let chunks = self.chunks_in(slab.axis, &slab.positions);
            if slab.added != chunks {
                return Err(ReduceError::Incomplete { merged: slab.added, chunks });
            }
        }
        slabs.iter_mut().try_for_each(|slab| slab.tree.close_all(self))?;
        if slabs.len() == 1
            && let Some(slab) = slabs.pop()
        {
            return Ok(of_cells(self, slab.tree.finish(self)?));
        }
        let mut cells = self.empty_cells(self.output_cells);
        for slab in slabs {
            let Slab { tree, last, .. } = slab;
            let region = tree.frame.clone();
            if !merge(self, &frame, &mut cells, &tree.finish(self)?, &region) {
                return Err(ReduceError::Foreign { ordinal: last.unwrap_or(0) });
            }
        }
        Ok(of_cells(self, cells))
    }
}

/// Extremes and sums as values of an answer.
trait Answer: Wide {
    fn values(values: Vec<Self>) -> Values;
    /// Largest minus smallest.
    fn ranges(min: &[Self], max: &[Self]) -> Values;
    /// Sums, and the name of their type.
    fn sums(sums: &Self::Sums, cells: usize) -> Result<Values, ReduceError>;
}

impl Answer for i64 {
    fn values(values: Vec<Self>) -> Values {
        Values::Signed(values)
    }

    fn ranges(min: &[Self], max: &[Self]) -> Values {
        Values::Unsigned(min.iter().zip(max).map(|(min, max)| max.abs_diff(*min)).collect())
    }

    fn sums(sums: &Vec<i128>, _: usize) -> Result<Values, ReduceError> {
        integer_sums(sums, "int64").map(Values::Signed)
    }
}

impl Answer for u64 {
    fn values(values: Vec<Self>) -> Values {
        Values::Unsigned(values)
    }

    fn ranges(min: &[Self], max: &[Self]) -> Values {
        Values::Unsigned(min.iter().zip(max).map(|(min, max)| max.abs_diff(*min)).collect())
    }

    fn sums(sums: &Vec<i128>, _: usize) -> Result<Values, ReduceError> {
        integer_sums(sums, "uint64").map(Values::Unsigned)
    }
}

impl Answer for f64 {
    // Zeros are answered without a sign: which of the two stands first must not matter.
    fn values(values: Vec<Self>) -> Values {
        Values::Float(values.into_iter().map(|x| x + 0.0).collect())
    }

    fn ranges(min: &[Self], max: &[Self]) -> Values {
        Values::Float(min.iter().zip(max).map(|(min, max)| max - min).collect())
    }

    fn sums(sums: &Self::Sums, cells: usize) -> Result<Values, ReduceError> {
        Ok(Values::Float((0..cells).map(|cell| sums.get(cell).value()).collect()))
    }
}

fn integer_sums<T: TryFrom<i128>>(sums: &[i128], data_type: &'static str) -> Result<Vec<T>, ReduceError> {
    let fit = |(cell, &sum)| T::try_from(sum).map_err(|_| ReduceError::Overflow { sum, cell, data_type });
    sums.iter().enumerate().map(fit).collect()
}

/// The answers to all reductions of a plan, from the cells of the whole answer.
fn of_cells(plan: &ReductionPlan, cells: Cells) -> Vec<Answered> {
    match cells {
        Cells::Missing => Vec::new(),
        Cells::Text(texts) => texts::outcomes(plan, texts).into_iter().map(Ok).collect(),
        Cells::Signed(columns) => all(plan, columns),
        Cells::Unsigned(columns) => all(plan, columns),
        Cells::Float(columns) => all(plan, columns),
        Cells::Complex(real, imaginary) => {
            let parts = all(plan, real).into_iter().zip(all(plan, *imaginary));
            parts.map(|(real, imaginary)| Ok(real?.with_imaginary(imaginary?))).collect()
        }
    }
}

/// The answers to all reductions of a plan.
fn all<X: Answer>(plan: &ReductionPlan, columns: Columns<X>) -> Vec<Answered> {
    let Some(windows) = plan.windows else { return of_columns(plan, &columns, &[]) };
    let statistics = Statistics { columns, wanted: &plan.wanted };
    let (Statistics { columns, .. }, lacking) = windows.roll(&plan.output_shape, statistics);
    of_columns(plan, &columns, &lacking)
}

fn of_columns<X: Answer>(plan: &ReductionPlan, columns: &Columns<X>, lacking: &[bool]) -> Vec<Answered> {
    let mut hits = columns.hits.iter();
    let mut bins = columns.bins.iter();
    let cells = columns.count.len();
    let nan = |cell: usize| columns.nan.get(cell).copied().unwrap_or(0);
    let count: Vec<u64> = columns.count.iter().enumerate().map(|(cell, n)| n + nan(cell)).collect();
    let value = plan.value_element();
    let mut outcomes = Vec::with_capacity(plan.reductions.len());
    for reduction in &plan.reductions {
        let mut shape = plan.output_shape.clone();
        let values = match reduction {
            Reduction::Min => X::values(columns.min.clone()),
            Reduction::Max => X::values(columns.max.clone()),
            Reduction::First => X::values(columns.first.value.clone()),
            Reduction::Last => X::values(columns.last.value.clone()),
            Reduction::ArgMin => signed(&columns.arg_min.place),
            Reduction::ArgMax => signed(&columns.arg_max.place),
            Reduction::Count => signed(&count),
            Reduction::Range => X::ranges(&columns.min, &columns.max),
            Reduction::Sum => {
                let sums = columns.sum.as_ref().map_or(Ok(Values::Float(Vec::new())), |s| X::sums(s, cells));
                match sums {
                    Ok(sums) => sums,
                    Err(error) => {
                        outcomes.push(Err(error));
                        continue;
                    }
                }
            }
            Reduction::Mean => floats(cells, |cell| mean(columns, cell)),
            Reduction::Var { ddof } => floats(cells, |cell| variance(columns, cell, *ddof)),
            Reduction::Std { ddof } => floats(cells, |cell| variance(columns, cell, *ddof).sqrt()),
            Reduction::CountWhere(_) => signed(hits.next().map_or(&[], Vec::as_slice)),
            Reduction::Any(_) => {
                Values::Bool(hits.next().into_iter().flatten().map(|&hits| hits > 0).collect())
            }
            Reduction::All(_) => {
                let pairs = hits.next().into_iter().flatten().zip(&count);
                Values::Bool(pairs.map(|(hits, count)| hits == count).collect())
            }
            Reduction::Histogram(edges) => {
                shape.push(edges.len() as u64 - 1);
                signed(bins.next().map_or(&[], Vec::as_slice))
            }
            Reduction::Trend => floats(cells, |cell| trend(columns, cell).0),
            Reduction::TrendError => floats(cells, |cell| trend(columns, cell).1),
            // No plan is made for them.
            Reduction::Median | Reduction::Quantile(_) => floats(cells, |_| f64::NAN),
        };
        let element = answer_element(reduction, &value, &values);
        let values = match values {
            Values::Unsigned(values) if element == ElementType::Bool => {
                Values::Bool(values.into_iter().map(|x| x != 0).collect())
            }
            Values::Unsigned(values) if element == ElementType::Int64 => signed(&values),
            Values::Float(mut values) if reduction.facts().nan_of_nan => {
                let cells = values.iter_mut().zip(&columns.nan).filter(|(_, nan)| **nan > 0);
                cells.for_each(|(value, _)| *value = f64::NAN);
                Values::Float(values)
            }
            values => values,
        };
        let (reduction, count) = (reduction.clone(), count.clone());
        outcomes.push(Ok(Outcome { reduction, shape, element, values, count, lacking: lacking.to_vec() }));
    }
    outcomes
}

/// Type of an answer with these values, to values of type `value`.
fn answer_element(reduction: &Reduction, value: &ElementType, values: &Values) -> ElementType {
    match reduction.element() {
        AnswerElement::OfValues => value.clone(),
        AnswerElement::OfSums if *value == ElementType::Bool => ElementType::Int64,
        AnswerElement::OfSums | AnswerElement::OfDifferences => match values {
            Values::Signed(_) => ElementType::Int64,
            Values::Unsigned(_) => ElementType::UInt64,
            Values::Bool(_) | Values::Float(_) | Values::Complex(_) | Values::Text(_) => ElementType::Float64,
        },
        AnswerElement::Float64 => ElementType::Float64,
        AnswerElement::Int64 => ElementType::Int64,
        AnswerElement::Bool => ElementType::Bool,
    }
}

fn signed(counts: &[u64]) -> Values {
    Values::Signed(counts.iter().map(|&n| i64::try_from(n).unwrap_or(i64::MAX)).collect())
}

fn floats(cells: usize, value: impl Fn(usize) -> f64) -> Values {
    Values::Float((0..cells).map(value).collect())
}

fn mean<X: Wide>(columns: &Columns<X>, cell: usize) -> f64 {
    let sum: Option<Compensated> = columns.sum.as_ref().map(|sums| sums.get(cell).into());
    match (sum, columns.count[cell]) {
        (None, _) | (_, 0) => f64::NAN,
        (Some(sum), count) => sum.mean(count).value(),
    }
}

/// As NumPy's: infinite where the sum of finite values is.
fn variance<X: Wide>(columns: &Columns<X>, cell: usize, ddof: u64) -> f64 {
    let sum: Option<Compensated> = columns.sum.as_ref().map(|sums| sums.get(cell).into());
    let overflows = sum.is_some_and(|sum| sum.value().is_infinite());
    let squares = columns.deviations.as_ref().map(|sums| sums.get(cell).value());
    match (squares, columns.count[cell].checked_sub(ddof)) {
        (None, _) | (_, None | Some(0)) => f64::NAN,
        // Rounding can make a variance of nothing negative; NaN stays NaN.
        (Some(squares), Some(n)) => {
            if overflows && squares.is_finite() {
                f64::INFINITY
            } else if squares < 0.0 {
                0.0
            } else {
                squares / n as f64
            }
        }
    }
}

/// The slope of the straight line through the values of a cell, and its standard error. NaN where all coordinates are equal.
fn trend<X: Wide>(columns: &Columns<X>, cell: usize) -> (f64, f64) {
    let (Some(line), Some(deviations)) = (&columns.line, &columns.deviations) else {
        return (f64::NAN, f64::NAN);
    };
    let (xx, xy, yy) = (line.xx.get(cell).value(), line.xy.get(cell).value(), deviations.get(cell).value());
    let slope = xy / xx;
    let left = (yy - slope * xy).max(0.0);
    let freedom = columns.count[cell].saturating_sub(2) as f64;
    // The larger of nothing and NaN is nothing.
    let error = if slope.is_nan() { f64::NAN } else { (left / freedom / xx).sqrt() };
    (slope, error)
}

/// The columns of an answer.
struct Statistics<'w, X: Wide> {
    columns: Columns<X>,
    wanted: &'w Wanted,
}

impl<X: Wide> Joined for Statistics<'_, X> {
    fn empty(&self, cells: usize) -> Self {
        Self { columns: Columns::new(self.wanted, cells), wanted: self.wanted }
    }

    fn put(&mut self, at: usize, other: &Self, from: Range<usize>) {
        self.columns.put(at, &other.columns, from);
    }

    fn join(&mut self, at: usize, other: &Self, from: Range<usize>) {
        self.columns.merge(at, &other.columns, from);
    }

    fn has_value(&self, cell: usize) -> bool {
        self.columns.count[cell] > 0 || self.columns.nan.get(cell).is_some_and(|&nan| nan > 0)
    }
}
