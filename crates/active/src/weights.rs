//! Weights: folding axes that a plan has kept.
//!
//! Weights are constant along all axes but their own. A plan therefore keeps the axes of the weights and reduces the
//! others; what it gives for each position is folded here: `μ = Σ w·count·mean / Σ w·count`, and
//! `var = Σ w·count·(var + (mean - μ)²) / Σ w·count` around the weighted mean μ. Sums are
//! compensated, so that many small weights lose nothing. A mask beside weights makes weights of 0; masks alone, and groups
//! over several dimensions, need no weights: the plan folds them itself ([`Fold`]).

use std::ops::Range;

use rangefold_reduce::{Fold, FoldError, Outcome, Reduction, Windows};

use crate::fold::{Folded, Sources};

/// Weights over some of the axes of a plan's output.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// How these axes are folded; a place is a combination of their positions.
    fold: Fold,
    /// One weight per place; finite and not negative.
    values: Vec<f64>,
    /// Windows along an axis of the answer.
    windows: Option<Windows>,
}

/// Weights cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum WeightsError {
    /// Negative, infinite or NaN.
    #[error("weight {position} is {value}; weights are finite and not negative")]
    Value {
        /// Row-major number of the weight.
        position: usize,
        /// The weight.
        value: f64,
    },
    /// A reduction that weights do not define.
    #[error(
        "{reduction} is not defined with weights; mean, sum, count, and var and std of the population are"
    )]
    Reduction {
        /// Name of the reduction.
        reduction: &'static str,
    },
    /// A reduction that weights do not define for the type of the values.
    #[error("{reduction} of {element} values is not defined with weights")]
    Element {
        /// Name of the reduction.
        reduction: &'static str,
        /// Name of the type.
        element: String,
    },
    /// Weights, a mask or groups that do not fit their axes.
    #[error(transparent)]
    Fold(#[from] FoldError),
}

impl Weights {
    /// Checks the weights of the places that `fold` folds.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Value`], and [`WeightsError::Fold`] if there is another number of places.
    pub fn new(fold: Fold, values: Vec<f64>) -> Result<Self, WeightsError> {
        if fold.place_count() != values.len() {
            let lengths = vec![fold.place_count() as u64];
            return Err(FoldError::Places { given: values.len(), lengths }.into());
        }
        match values.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
            Some(position) => Err(WeightsError::Value {
                position,
                value: values.get(position).copied().unwrap_or(f64::NAN),
            }),
            None => Ok(Self { fold, values, windows: None }),
        }
    }

    /// These weights, what they fold joined in windows along an axis of the answer.
    #[must_use]
    pub fn rolled(self, windows: Option<Windows>) -> Self {
        Self { windows, ..self }
    }

    /// The reductions a plan must answer so that `asked` can be folded from them.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Reduction`].
    pub fn needed(asked: &[Reduction]) -> Result<Vec<Reduction>, WeightsError> {
        let mut needed = vec![Reduction::Count];
        for reduction in asked {
            let weighted = reduction
                .weighted()
                .ok_or_else(|| WeightsError::Reduction { reduction: reduction.name() })?;
            for unweighted in weighted.needs() {
                if !needed.contains(unweighted) {
                    needed.push(unweighted.clone());
                }
            }
        }
        Ok(needed)
    }

    /// Shape of the answer.
    #[must_use]
    pub fn shape(&self) -> &[u64] {
        self.fold.shape()
    }

    /// Folds the plan's answers to [`Weights::needed`] into answers to `asked`.
    #[must_use]
    pub fn fold(&self, asked: &[Reduction], answers: &[Outcome]) -> Vec<Outcome> {
        let mut folding = self.folding();
        let all = 0..self.fold.cells().first().copied().unwrap_or(0);
        folding.add_values(answers, 0, all.clone());
        folding.add_deviations(answers, 0, all);
        folding.finish(asked)
    }

    /// Begins a fold of answers that come part by part.
    pub(crate) fn folding(&self) -> Folding<'_> {
        Folding { weights: self, folded: None }
    }

    /// The axes that are folded, among those that the plan keeps.
    pub(crate) fn folded_axes(&self) -> impl Iterator<Item = usize> + '_ {
        let kept = self.fold.kept();
        (0..self.fold.cells().len()).filter(|axis| !kept.contains(&Some(*axis)))
    }
}

/// A fold of the answers of a plan, of some positions of one axis at a time: as long as this is the first that is folded,
/// every cell meets its values in the order that it meets them in without parts, and the answers have the same bits.
pub(crate) struct Folding<'a> {
    weights: &'a Weights,
    folded: Option<Folded>,
}

impl Folding<'_> {
    /// Adds the values of `answers`, which are those of `positions` along `axis`.
    pub(crate) fn add_values(&mut self, answers: &[Outcome], axis: usize, positions: Range<u64>) {
        let Some(sources) = Sources::new(answers) else { return };
        let shape = self.weights.shape();
        let cells = shape.iter().map(|&length| usize::try_from(length).unwrap_or(0)).product();
        let folded = self.folded.get_or_insert_with(|| Folded::new(sources, cells));
        folded.add_values(sources, self.weights.weighed(axis, positions));
    }

    /// Whether the values are needed once more, for [`Folding::add_deviations`].
    pub(crate) fn has_deviations(&self) -> bool {
        self.folded.as_ref().is_some_and(Folded::has_deviations)
    }

    /// Adds the deviations of the same answers, once the values of all of them have been added.
    pub(crate) fn add_deviations(&mut self, answers: &[Outcome], axis: usize, positions: Range<u64>) {
        if let (Some(sources), Some(folded)) = (Sources::new(answers), &mut self.folded) {
            folded.add_deviations(sources, self.weights.weighed(axis, positions));
        }
    }

    /// The answers.
    pub(crate) fn finish(self, asked: &[Reduction]) -> Vec<Outcome> {
        let Self { weights, folded } = self;
        let Some(folded) = folded else { return Vec::new() };
        let shape = weights.shape();
        let (folded, lacking) = match &weights.windows {
            Some(windows) => windows.roll(shape, folded),
            None => (folded, Vec::new()),
        };
        asked.iter().map(|reduction| folded.answer(reduction, shape, &lacking)).collect()
    }
}

impl Weights {
    /// The cell of the answer, the cell of the plan's answer, and the weight, of what is at `positions` along `axis`.
    fn weighed(
        &self,
        axis: usize,
        positions: Range<u64>,
    ) -> impl Iterator<Item = (usize, usize, f64)> + Clone + '_ {
        (0..).zip(self.fold.folded_within(axis, positions)).filter_map(|(source, (cell, place))| {
            let weight = self.values.get(usize::try_from(place).ok()?)?;
            Some((usize::try_from(cell?).ok()?, source, *weight))
        })
    }

    /// Bytes that are held while the output of the plan is folded.
    pub(crate) fn folded_len(&self) -> u64 {
        let cells = self.shape().iter().fold(1, |n: u64, &length| n.saturating_mul(length));
        let beside = self.windows.map_or(0, |windows| windows.cells_beside(self.shape()));
        let held = cells.saturating_add(beside).saturating_mul(Folded::cell_len());
        held.saturating_add(self.fold.folded_len())
    }
}

#[cfg(test)]
mod tests {
    use rangefold_array::ElementType;
    use rangefold_reduce::Values;

    use super::*;

    fn outcome(reduction: Reduction, shape: &[u64], values: Values, count: &[u64]) -> Outcome {
        Outcome {
            reduction,
            shape: shape.to_vec(),
            element: ElementType::Float64,
            values,
            count: count.to_vec(),
            lacking: Vec::new(),
        }
    }

    fn weights(cells: &[u64], axis: usize, values: Vec<f64>) -> Result<Weights, WeightsError> {
        let taken: Vec<bool> = values.iter().map(|&weight| weight > 0.0).collect();
        Weights::new(Fold::new(cells, &[axis], &taken, &[])?, values)
    }

    #[test]
    fn a_weighted_mean_is_the_weighted_sum_over_the_weights_of_what_is_there() {
        // Two times, three latitudes; one cell has nothing.
        let count =
            outcome(Reduction::Count, &[2, 3], Values::Signed(vec![2, 2, 2, 1, 0, 1]), &[2, 2, 2, 1, 0, 1]);
        let means = vec![1.0, 2.0, 3.0, 10.0, 0.0, 20.0];
        let mean = outcome(Reduction::Mean, &[2, 3], Values::Float(means), &[2, 2, 2, 1, 0, 1]);
        let weights = weights(&[2, 3], 1, vec![0.5, 1.0, 0.5]).unwrap();
        let asked = [Reduction::Mean, Reduction::Count];
        assert_eq!(Weights::needed(&asked).unwrap(), [Reduction::Count, Reduction::Mean]);
        let answers = weights.fold(&asked, &[count, mean]);
        // (0.5·2 + 4 + 0.5·6) / (0.5·2 + 2 + 0.5·2) and (0.5·10 + 0.5·20) / (0.5 + 0.5)
        assert_eq!(answers[0].values, Values::Float(vec![2.0, 15.0]));
        assert_eq!(answers[1].values, Values::Signed(vec![6, 2]));
        assert_eq!(answers[0].shape, [2]);
    }

    #[test]
    fn a_weighted_variance_is_that_of_the_values_taken_as_often_as_they_weigh() {
        // Cells {1, 3}, {} and {8}, weights 1, 5 and 2: the values 1, 3, 8, 8.
        let count = outcome(Reduction::Count, &[3], Values::Signed(vec![2, 0, 1]), &[2, 0, 1]);
        let mean = outcome(Reduction::Mean, &[3], Values::Float(vec![2.0, 0.0, 8.0]), &[2, 0, 1]);
        let var = outcome(Reduction::Var { ddof: 0 }, &[3], Values::Float(vec![1.0, 0.0, 0.0]), &[2, 0, 1]);
        let weights = weights(&[3], 0, vec![1.0, 5.0, 2.0]).unwrap();
        let asked = [Reduction::Var { ddof: 0 }, Reduction::Std { ddof: 0 }];
        assert_eq!(
            Weights::needed(&asked).unwrap(),
            [Reduction::Count, Reduction::Mean, Reduction::Var { ddof: 0 }]
        );
        let answers = weights.fold(&asked, &[count, mean, var]);
        assert_eq!(answers[0].values, Values::Float(vec![9.5]));
        assert_eq!(answers[1].values, Values::Float(vec![9.5_f64.sqrt()]));
        assert_eq!(answers[0].count, [3]);
    }

    #[test]
    fn weights_that_weigh_nothing_sensible_are_refused() {
        assert!(weights(&[2], 0, vec![1.0, -1.0]).is_err());
        assert!(weights(&[2], 0, vec![1.0, f64::NAN]).is_err());
        assert!(weights(&[3], 0, vec![1.0]).is_err());
        assert!(Weights::needed(&[Reduction::Std { ddof: 1 }]).is_err());
        assert!(Weights::needed(&[Reduction::Min]).is_err());
    }
}
