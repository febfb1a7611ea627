//! Weights and masks: folding axes that a plan has kept.
//!
//! Weights are constant along all axes but their own. A plan therefore keeps the axes of the weights and reduces the
//! others; what it gives for each position is folded here: `mean = Σ w·sum / Σ w·count`, and
//! `var = Σ w·count·(var + (mean - μ)²) / Σ w·count` around the weighted mean μ. A mask is a weight of 0 or 1.
//! Sums are compensated, so that many small weights lose nothing.

use rangefold_reduce::{Outcome, Reduction, Windows};

use crate::fold::{Folded, Sources};

use crate::quantile::{Layout, strides};

/// Weights over some of the axes of a plan's output.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Axes of the output that the weights belong to, ascending.
    pub axes: Vec<usize>,
    /// Lengths of these axes.
    pub shape: Vec<u64>,
    /// One weight per combination of their positions, row-major; finite and not negative.
    pub values: Vec<f64>,
    /// Whether they only say what takes part: 0 or 1.
    pub is_mask: bool,
    /// Groups that the positions are gathered in; each is an axis of the answer.
    groups: Vec<FoldedGroups>,
    /// Windows along an axis of the answer.
    windows: Option<Windows>,
}

/// Groups of the positions of folded axes.
#[derive(Clone, Debug, PartialEq)]
pub struct FoldedGroups {
    /// The folded axis in whose place the axis of groups stands.
    pub axis: usize,
    /// The group of each combination of folded positions, row-major, below `count`; those without are left out.
    pub labels: Vec<Option<u32>>,
    /// Number of groups.
    pub count: usize,
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
        "{reduction} is not defined with weights, a mask or groups over several dimensions; mean, sum, count, and var and std of the population are, and without weights min, max, median and quantile"
    )]
    Reduction {
        /// Name of the reduction.
        reduction: &'static str,
    },
    /// A reduction that weights do not define for the type of the values.
    #[error(
        "{reduction} of {element} values is not defined with weights, a mask or groups over several dimensions"
    )]
    Element {
        /// Name of the reduction.
        reduction: &'static str,
        /// Name of the type.
        element: String,
    },
    /// Another number of weights than positions.
    #[error("{weights} weights were given for positions of shape {shape:?}")]
    Count {
        /// Number of weights.
        weights: usize,
        /// Lengths of their axes.
        shape: Vec<u64>,
    },
}

impl Weights {
    /// Checks the weights.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Value`] or [`WeightsError::Count`].
    pub fn new(
        axes: Vec<usize>,
        shape: Vec<u64>,
        values: Vec<f64>,
        is_mask: bool,
    ) -> Result<Self, WeightsError> {
        if shape.iter().product::<u64>() != values.len() as u64 {
            return Err(WeightsError::Count { weights: values.len(), shape });
        }
        match values.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
            Some(position) => Err(WeightsError::Value {
                position,
                value: values.get(position).copied().unwrap_or(f64::NAN),
            }),
            None => Ok(Self { axes, shape, values, is_mask, groups: Vec::new(), windows: None }),
        }
    }

    /// These weights, with positions gathered in `groups`, in the order of their axes.
    #[must_use]
    pub fn grouped(self, groups: Vec<FoldedGroups>) -> Self {
        Self { groups, ..self }
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
    pub fn needed(&self, asked: &[Reduction]) -> Result<Vec<Reduction>, WeightsError> {
        let mut needed = vec![Reduction::Count];
        for reduction in asked {
            let kernels = match reduction {
                Reduction::Count => Vec::new(),
                Reduction::Mean | Reduction::Sum => vec![Reduction::Sum],
                Reduction::Var { ddof } | Reduction::Std { ddof } if *ddof == 0 || self.is_mask => {
                    vec![Reduction::Mean, Reduction::Var { ddof: 0 }]
                }
                Reduction::Min | Reduction::Max if self.is_mask => vec![reduction.clone()],
                Reduction::Median | Reduction::Quantile(_) if self.is_mask => Vec::new(),
                other => return Err(WeightsError::Reduction { reduction: other.name() }),
            };
            for kernel in kernels {
                if !needed.contains(&kernel) {
                    needed.push(kernel);
                }
            }
        }
        Ok(needed)
    }

    /// The answer that a plan's output of `shape` is folded to, weights of 0 left out.
    pub(crate) fn layout(&self, shape: &[u64]) -> Layout {
        let mut answer = Vec::new();
        let mut kept = Vec::new();
        let mut of_group = vec![0; self.groups.len()];
        for (axis, &length) in shape.iter().enumerate() {
            if !self.axes.contains(&axis) {
                answer.push(length);
                kept.push(Some(axis));
                continue;
            }
            for (number, groups) in self.groups.iter().enumerate().filter(|(_, g)| g.axis == axis) {
                if let Some(place) = of_group.get_mut(number) {
                    *place = answer.len();
                }
                answer.push(groups.count as u64);
                kept.push(None);
            }
        }
        let cells = strides(&answer);
        let mut places = strides(&self.shape).into_iter();
        let steps = (0..shape.len()).map(|axis| match kept.iter().position(|&k| k == Some(axis)) {
            Some(place) => (cells.get(place).copied().unwrap_or(0), 0),
            None => (0, places.next().unwrap_or(0)),
        });
        let steps = steps.collect();
        let group = |(place, &weight): (usize, &f64)| {
            let step = |(by, &axis): (&FoldedGroups, &usize)| {
                Some(u64::from((*by.labels.get(place)?)?) * cells.get(axis).copied()?)
            };
            if weight > 0.0 { self.groups.iter().zip(&of_group).map(step).sum() } else { None }
        };
        let table = self.values.iter().enumerate().map(group).collect();
        Layout { shape: answer, steps, table, kept }
    }

    /// Folds the plan's answers to [`Weights::needed`] into answers to `asked`.
    #[must_use]
    pub fn fold(&self, asked: &[Reduction], answers: &[Outcome]) -> Vec<Outcome> {
        let Some(sources) = Sources::new(answers) else { return Vec::new() };
        let cells = Cells::new(&sources.count.shape, self);
        let mut folded = Folded::new(sources, cells.len());
        for (cell, (base, group)) in cells.of_answer().enumerate() {
            folded.fold(cell, sources, group.iter().map(|&(offset, weight)| (base + offset, weight)));
        }
        let (folded, lacking) = match &self.windows {
            Some(windows) => windows.roll(&cells.shape, folded),
            None => (folded, Vec::new()),
        };
        asked.iter().map(|reduction| folded.answer(reduction, &cells.shape, &lacking)).collect()
    }

    /// Bytes that are held while the output of a plan, of `shape`, is folded.
    pub(crate) fn folded_len(&self, shape: &[u64]) -> u64 {
        let answer = Cells::new(shape, self).shape;
        let cells = answer.iter().fold(1, |n: u64, &length| n.saturating_mul(length));
        let beside = self.windows.map_or(0, |windows| windows.cells_beside(&answer));
        cells.saturating_add(beside).saturating_mul(Folded::cell_len())
    }
}

/// Which cells of a plan's output, and with what weight, make which cell of the answer.
struct Cells {
    /// Shape of the answer.
    shape: Vec<u64>,
    /// Along each axis of the answer, what a step adds: to the number of a cell of the output, or to that of a group.
    steps: Vec<Step>,
    /// For each combination of groups, what to add to a cell's number, and the weight.
    groups: Vec<Vec<(usize, f64)>>,
}

#[derive(Clone, Copy)]
enum Step {
    Cell(usize),
    Group(usize),
}

impl Cells {
    fn new(shape: &[u64], weights: &Weights) -> Self {
        let mut strides = vec![1_usize; shape.len()];
        for axis in (0..shape.len().saturating_sub(1)).rev() {
            let next = strides.get(axis + 1).copied().unwrap_or(1);
            let length = shape.get(axis + 1).and_then(|&l| usize::try_from(l).ok()).unwrap_or(0);
            if let Some(stride) = strides.get_mut(axis) {
                *stride = next.saturating_mul(length);
            }
        }
        let mut answer = Vec::new();
        let mut steps = Vec::new();
        let mut folded = vec![0];
        for (axis, (&length, &stride)) in shape.iter().zip(&strides).enumerate() {
            if weights.axes.contains(&axis) {
                let length = usize::try_from(length).unwrap_or(0);
                folded = folded.iter().flat_map(|&n| (0..length).map(move |k| n + k * stride)).collect();
                for (number, groups) in weights.groups.iter().enumerate().filter(|(_, g)| g.axis == axis) {
                    answer.push(groups.count as u64);
                    steps.push(Step::Group(group_stride(&weights.groups, number)));
                }
            } else {
                answer.push(length);
                steps.push(Step::Cell(stride));
            }
        }
        let mut groups = vec![Vec::new(); weights.groups.iter().map(|g| g.count).product()];
        for (place, (&offset, &weight)) in folded.iter().zip(&weights.values).enumerate() {
            let number = weights.groups.iter().enumerate().try_fold(0, |sum, (number, by)| {
                let label = usize::try_from((*by.labels.get(place)?)?).ok()?;
                Some(sum + label * group_stride(&weights.groups, number))
            });
            if let Some(group) = number.and_then(|number: usize| groups.get_mut(number)) {
                group.push((offset, weight));
            }
        }
        Self { shape: answer, steps, groups }
    }

    /// Number of cells of the answer.
    fn len(&self) -> usize {
        self.shape.iter().map(|&length| usize::try_from(length).unwrap_or(0)).product()
    }

    /// For each cell of the answer, in row-major order, the first cell of the output and what is folded there.
    fn of_answer(&self) -> impl Iterator<Item = (usize, &[(usize, f64)])> {
        (0..self.len()).map(|number| {
            let (mut rest, mut cell, mut group) = (number, 0, 0);
            for (&length, step) in self.shape.iter().zip(&self.steps).rev() {
                let length = usize::try_from(length).unwrap_or(1).max(1);
                match step {
                    Step::Cell(stride) => cell += rest % length * stride,
                    Step::Group(stride) => group += rest % length * stride,
                }
                rest /= length;
            }
            (cell, self.groups.get(group).map_or(&[][..], Vec::as_slice))
        })
    }
}

/// Distance of the groups of one grouping in the row-major order of all combinations.
fn group_stride(groups: &[FoldedGroups], number: usize) -> usize {
    groups.iter().skip(number + 1).map(|g| g.count).product()
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

    #[test]
    fn a_weighted_mean_is_the_weighted_sum_over_the_weights_of_what_is_there() {
        // Two times, three latitudes; one cell has nothing.
        let count =
            outcome(Reduction::Count, &[2, 3], Values::Signed(vec![2, 2, 2, 1, 0, 1]), &[2, 2, 2, 1, 0, 1]);
        let sums = vec![2.0, 4.0, 6.0, 10.0, 0.0, 20.0];
        let sum = outcome(Reduction::Sum, &[2, 3], Values::Float(sums), &[2, 2, 2, 1, 0, 1]);
        let weights = Weights::new(vec![1], vec![3], vec![0.5, 1.0, 0.5], false).unwrap();
        let asked = [Reduction::Mean, Reduction::Count];
        assert_eq!(weights.needed(&asked).unwrap(), [Reduction::Count, Reduction::Sum]);
        let answers = weights.fold(&asked, &[count, sum]);
        // (0.5·2 + 4 + 0.5·6) / (0.5·2 + 2 + 0.5·2) and (0.5·10 + 0.5·20) / (0.5 + 0.5)
        assert_eq!(answers[0].values, Values::Float(vec![2.0, 15.0]));
        assert_eq!(answers[1].values, Values::Signed(vec![6, 2]));
        assert_eq!(answers[0].shape, [2]);
    }

    #[test]
    fn a_mask_picks_what_takes_part() {
        let count = outcome(Reduction::Count, &[3], Values::Signed(vec![1, 1, 1]), &[1, 1, 1]);
        let min = outcome(Reduction::Min, &[3], Values::Float(vec![5.0, -7.0, 3.0]), &[1, 1, 1]);
        let mask = Weights::new(vec![0], vec![3], vec![1.0, 0.0, 1.0], true).unwrap();
        let answers = mask.fold(&[Reduction::Min], &[count, min]);
        assert_eq!(
            (answers[0].values.clone(), answers[0].count.clone()),
            (Values::Float(vec![3.0]), vec![2])
        );
    }

    #[test]
    fn a_weighted_variance_is_that_of_the_values_taken_as_often_as_they_weigh() {
        // Cells {1, 3}, {} and {8}, weights 1, 5 and 2: the values 1, 3, 8, 8.
        let count = outcome(Reduction::Count, &[3], Values::Signed(vec![2, 0, 1]), &[2, 0, 1]);
        let mean = outcome(Reduction::Mean, &[3], Values::Float(vec![2.0, 0.0, 8.0]), &[2, 0, 1]);
        let var = outcome(Reduction::Var { ddof: 0 }, &[3], Values::Float(vec![1.0, 0.0, 0.0]), &[2, 0, 1]);
        let weights = Weights::new(vec![0], vec![3], vec![1.0, 5.0, 2.0], false).unwrap();
        let asked = [Reduction::Var { ddof: 0 }, Reduction::Std { ddof: 0 }];
        assert_eq!(
            weights.needed(&asked).unwrap(),
            [Reduction::Count, Reduction::Mean, Reduction::Var { ddof: 0 }]
        );
        let answers = weights.fold(&asked, &[count, mean, var]);
        assert_eq!(answers[0].values, Values::Float(vec![9.5]));
        assert_eq!(answers[1].values, Values::Float(vec![9.5_f64.sqrt()]));
        assert_eq!(answers[0].count, [3]);
    }

    #[test]
    fn weights_that_weigh_nothing_sensible_are_refused() {
        assert!(Weights::new(vec![0], vec![2], vec![1.0, -1.0], false).is_err());
        assert!(Weights::new(vec![0], vec![2], vec![1.0, f64::NAN], false).is_err());
        assert!(Weights::new(vec![0], vec![3], vec![1.0], false).is_err());
        let weights = Weights::new(vec![0], vec![1], vec![1.0], false).unwrap();
        assert!(weights.needed(&[Reduction::Std { ddof: 1 }]).is_err());
    }
}
