//! From what is asked of a variable to what will be read and how the answer is laid out.

use std::collections::BTreeSet;

use rangefold_active::weights::{Weights, WeightsError};
use rangefold_active::{
    Execution, Interpretation, Outcomes, PartError, PartialAnswer, Progress, Question, Refusal, RunError,
    check_count,
};
use rangefold_array::{AxisRange, ElementType, Hyperslab};
use rangefold_cf::Meaning;
use rangefold_reduce::{Answered, AxisMap, Fold, ReduceSpec, Reduction};

use crate::along::{Along, along};
use crate::anomaly::means;
use crate::axis::Axis;
use crate::checks::{ANSWER_MAX, check_answer, check_dimensions, check_once};
use crate::complete::Complete;
use crate::grouping::group;
use crate::labels::KeptDimension;
use crate::outline::Outline;
use crate::positions::Places;
use crate::query::{Query, Written};
use crate::query_error::QueryError;
use crate::rolling::Rolling;
use crate::selected::positions;
use crate::view::View;
use crate::weigh::{spread_whole, weights};

/// A planned question, and what the axes of its answer are.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Path of the variable.
    pub variable: String,
    /// What is run.
    pub execution: Execution,
    /// The dimensions of the answer, in order.
    pub dims: Vec<KeptDimension>,
    /// The dimensions that were reduced, in order.
    pub over: Vec<String>,
    /// Windows that move along one of the dimensions.
    pub rolling: Option<Rolling>,
    /// What the query may not have meant.
    pub warnings: Vec<String>,
    /// Whether the values themselves are asked for, and no reduction of them.
    pub is_selection: bool,
    /// How the question was written.
    pub written: Written,
    interpretation: Interpretation,
    /// What the coordinate that trends are along is in units of.
    pub(crate) along: Option<String>,
    /// What groups need for an answer.
    complete: Vec<Complete>,
    /// What the answers to `argmin` and `argmax` are numbers of.
    places: Places,
}

impl Prepared {
    /// Runs the plan; the shapes of the outcomes are those of [`Prepared::dims`], with the bins of histograms behind them.
    ///
    /// # Errors
    ///
    /// As [`Execution::run`].
    pub async fn run(&self, view: &View, progress: Progress<'_>) -> Result<Outcomes, RunError> {
        let mut answer = self.execution.run(view.store(), view.resources(), progress).await?;
        self.reshape(&mut answer.outcomes);
        Ok(answer)
    }

    /// As [`Prepared::run`], from parts of the answer; no chunk is read.
    ///
    /// # Errors
    ///
    /// As [`Execution::merge_parts`].
    pub async fn merge(
        &self,
        view: &View,
        parts: Vec<PartialAnswer>,
    ) -> Result<Result<Outcomes, RunError>, PartError> {
        let answer = self.execution.merge_parts(view.store(), view.resources(), parts).await?;
        Ok(answer.map(|mut answer| {
            self.reshape(&mut answer.outcomes);
            answer
        }))
    }

    /// Whether stored elements are taken as they are, neither unpacked nor masked.
    #[must_use]
    pub fn is_raw(&self) -> bool {
        self.interpretation == Interpretation::Raw
    }

    /// What was asked, in order.
    #[must_use]
    pub fn asked(&self) -> &[Reduction] {
        self.execution.asked()
    }

    /// The dimensions along which the answers to `argmin` and `argmax` are counted, in order: the reduced ones, the
    /// gathered ones and the one that windows move along.
    pub fn place_dimensions(&self) -> impl Iterator<Item = &str> {
        self.places.dimensions()
    }

    /// Where `place`, an answer to `argmin` or `argmax`, is: its position along each of
    /// [`Prepared::place_dimensions`], in the whole variable. `None` if it is no such answer.
    #[must_use]
    pub fn place(&self, place: i64) -> Option<Vec<u64>> {
        self.places.positions(u64::try_from(place).ok()?)
    }

    /// Takes away the axes of one cell that positions in several runs have made, and the answers of incomplete groups.
    pub(crate) fn reshape(&self, outcomes: &mut [Answered]) {
        let shape = self.execution.shape();
        let lengths: Vec<usize> = self.dims.iter().map(KeptDimension::len).collect();
        for outcome in outcomes.iter_mut().flatten() {
            let beyond = outcome.shape.split_off(shape.len());
            outcome.shape = self.dims.iter().map(|dim| dim.len() as u64).chain(beyond).collect();
            self.complete.iter().for_each(|complete| complete.apply(&lengths, outcome));
        }
    }
}

/// Plans `query` on the variable at path `variable`. Reads coordinates only if a value or date is to be looked up, and
/// the variables that weigh or mask.
///
/// # Errors
///
/// [`QueryError`].
pub async fn prepare(view: &View, variable: &str, query: &Query) -> Result<Prepared, QueryError> {
    let array = view
        .references()
        .arrays
        .get(variable)
        .ok_or_else(|| QueryError::NoVariable { variable: variable.to_owned() })?;
    let names = &array.meta.dimension_names;
    check_dimensions(view, variable, array, query)?;
    check_once(view, variable, array, query)?;
    let mut warnings = match query.interpretation {
        // What cannot be applied is refused when the plan is made.
        Interpretation::Unpacked => Meaning::of(array).map(|meaning| meaning.notes).unwrap_or_default(),
        Interpretation::Masked | Interpretation::Raw => Vec::new(),
    };
    let mut axes = Vec::with_capacity(names.len());
    for (axis, (name, &length)) in names.iter().zip(array.meta.shape()).enumerate() {
        let (positions, warning) = positions(view, variable, axis, name, length, query).await?;
        warnings.extend(warning);
        let reduced = query.over.as_ref().is_none_or(|over| over.contains(name));
        axes.push(Axis { name, length, positions, reduced, rolled: false, groups: Vec::new() });
    }
    check_answer(variable, query, &axes)?;
    let labellings = group(view, variable, query, &mut axes, &mut warnings).await?;
    if let Some(rolling) = &query.rolling {
        let gathered = query.reductions.iter().find(|reduction| reduction.is_gathered());
        let rolled = match gathered {
            Some(reduction) => Err(format!("{} is not made of windows that overlap", reduction.name())),
            None => roll(rolling, &mut axes),
        };
        let (variable, text) = (variable.to_owned(), rolling.to_string());
        rolled.map_err(|reason| QueryError::Rolling { variable, rolling: text, reason })?;
    }
    let counted = axes.iter().filter(|axis| axis.reduced || axis.rolled || axis.is_grouped());
    let places = Places::new(counted.map(|axis| (axis.name.to_owned(), axis.positions.clone())).collect());
    let Along { coordinates, unit } = along(view, variable, array, query, &axes).await?;
    let memory = query.memory.unwrap_or(0).max(ANSWER_MAX);
    let weights = weights(view, variable, &query.weights, &axes, memory).await?;
    let weighted = weights.iter().flat_map(|w| &w.dimensions);
    let folded: BTreeSet<&str> =
        weighted.chain(labellings.iter().flat_map(|labels| &labels.dimensions)).map(String::as_str).collect();
    let folded_axes: Vec<&Axis<'_>> = axes.iter().filter(|axis| folded.contains(axis.name)).collect();
    check_count(folded_axes.iter().map(|axis| axis.count()))
        .map_err(|reason| QueryError::Folded { variable: variable.to_owned(), reason })?;
    let Outline { dims, folded_places, groups, rolled, complete } =
        Outline::of(&axes, &labellings, &folded_axes);
    let windows = query.rolling.as_ref().zip(rolled).map(|(rolling, axis)| rolling.along(axis));
    let (ranges, maps): (Vec<AxisRange>, Vec<AxisMap>) =
        axes.iter().map(|axis| axis.map(folded.contains(axis.name))).unzip();
    let weighted_error = |problem| QueryError::Weighted { variable: variable.to_owned(), problem };
    let (mut fold, mut weighing) = (None, None);
    // A weight without dimensions folds no axis, but still weighs.
    if !folded.is_empty() || weights.is_some() {
        let places = folded_axes.iter().map(|axis| axis.positions().len()).product();
        let is_mask = weights.as_ref().is_none_or(|weights| weights.is_mask);
        let values = weights.map(|weights| spread_whole(weights, &folded_axes));
        let cells: Vec<u64> =
            ranges.iter().zip(&maps).filter_map(|(range, map)| map.cells(range.count())).collect();
        let taken: Vec<bool> = match &values {
            Some(values) => values.iter().map(|&weight| weight > 0.0).collect(),
            None => vec![true; places],
        };
        let folding = Fold::new(&cells, &folded_places, &taken, &groups);
        let folding = folding.map_err(|source| weighted_error(source.into()))?;
        match values.filter(|_| !is_mask) {
            None => fold = Some(folding),
            Some(values) => {
                weighing = Some(Weights::new(folding, values).map_err(weighted_error)?.rolled(windows));
            }
        }
    }
    let reductions = match &weighing {
        None => query.reductions.iter().filter(|asked| !asked.is_gathered()).cloned().collect(),
        Some(_) => Weights::needed(&query.reductions).map_err(weighted_error)?,
    };
    let windows = windows.filter(|_| weighing.is_none());
    let condition = query.condition;
    let spec =
        ReduceSpec { condition, windows, fold, along: coordinates, ..ReduceSpec::new(reductions, maps) };
    let selection = Hyperslab::from_axes(ranges);
    let is_weighted = weighing.is_some();
    let question = Question {
        asked: query.reductions.clone(),
        selection,
        spec,
        interpretation: query.interpretation,
        weights: weighing,
        means: match &query.anomaly {
            Some(anomaly) => Some(means(view, variable, array, query, anomaly).await?),
            None => None,
        },
    };
    let execution = Execution::new(variable, array, question).map_err(|refusal| {
        let variable = variable.to_owned();
        match refusal {
            Refusal::Meaning(problem) => QueryError::Meaning { variable, problem },
            Refusal::Plan(problem) => QueryError::Plan { variable, problem },
        }
    })?;
    // What is folded is folded as real numbers.
    let element = execution.plan().value_element();
    let is_real = element.is_integer() || element.is_float() || element == ElementType::Bool;
    let unfit =
        query.reductions.iter().find(|reduction| is_weighted && !is_real && **reduction != Reduction::Count);
    if let Some(reduction) = unfit {
        let (reduction, element) = (reduction.name(), element.name());
        return Err(weighted_error(WeightsError::Element { reduction, element }));
    }
    let over = axes.iter().filter(|axis| axis.reduced).map(|axis| axis.name.to_owned()).collect();
    let rolling = query.rolling.clone();
    Ok(Prepared {
        variable: variable.to_owned(),
        execution,
        dims,
        over,
        rolling,
        warnings,
        is_selection: query.is_selection,
        written: query.written.clone(),
        interpretation: query.interpretation,
        along: unit,
        complete,
        places,
    })
}

/// Makes the axis of `rolling` one with windows.
fn roll(rolling: &Rolling, axes: &mut [Axis<'_>]) -> Result<(), String> {
    let Rolling { dimension, length, min_periods, .. } = rolling;
    let least = min_periods.unwrap_or(*length);
    if !(1..=*length).contains(&least) {
        return Err(format!("{least} of {length} positions cannot have a value"));
    }
    let axis = axes.iter_mut().find(|axis| axis.name == dimension);
    let axis = axis.ok_or_else(|| format!("there is no dimension {dimension:?}"))?;
    if axis.is_grouped() {
        return Err(format!("dimension {dimension:?} is grouped"));
    }
    (axis.reduced, axis.rolled) = (false, true);
    Ok(())
}
