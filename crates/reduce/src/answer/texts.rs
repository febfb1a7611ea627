//! Answers of texts.

use std::ops::Range;

use rangefold_array::{ElementType, Values, text_of_bytes};

use super::outcome::Outcome;
use crate::{
    merge::roll::Joined,
    plan::reduction_plan::ReductionPlan,
    question::reduction::Reduction,
    statistic::{
        texts::{LocatedText, TextColumn, Texts},
        wanted::Wanted,
    },
};

/// Texts that windows join.
struct Rolled<'w> {
    texts: Texts,
    wanted: &'w Wanted,
}

impl Joined for Rolled<'_> {
    fn empty(&self, cells: usize) -> Self {
        Self { texts: Texts::new(self.wanted, cells), wanted: self.wanted }
    }

    fn put(&mut self, at: usize, other: &Self, from: Range<usize>) {
        let Texts { count, columns } = &other.texts;
        self.texts.count[at..at + from.len()].copy_from_slice(&count[from.clone()]);
        for (mine, theirs) in self.texts.columns.iter_mut().zip(columns) {
            if !mine.texts.is_empty() {
                mine.texts[at..at + from.len()].clone_from_slice(&theirs.texts[from.clone()]);
            }
        }
    }

    fn join(&mut self, at: usize, other: &Self, from: Range<usize>) {
        self.texts.merge(at, &other.texts, from);
    }

    fn has_value(&self, cell: usize) -> bool {
        self.texts.count[cell] > 0
    }
}

/// The answers to all reductions of a plan of texts.
pub(crate) fn outcomes(plan: &ReductionPlan, texts: Texts) -> Vec<Outcome> {
    let (texts, lacking) = match plan.windows {
        None => (texts, Vec::new()),
        Some(windows) => {
            let (rolled, lacking) = windows.roll(&plan.output_shape, Rolled { texts, wanted: &plan.wanted });
            (rolled.texts, lacking)
        }
    };
    let [min, max, first, last] = &texts.columns;
    let of = |column: &TextColumn| {
        let text = |located: &Option<LocatedText>| {
            located.as_ref().map(|located| text_of_bytes(&located.text)).unwrap_or_default()
        };
        Values::Text(column.texts.iter().map(text).collect())
    };
    let answer = |reduction: &Reduction| {
        let values = match reduction {
            Reduction::Min => of(min),
            Reduction::Max => of(max),
            Reduction::First => of(first),
            Reduction::Last => of(last),
            // The count. Nothing else is defined for texts, so no plan asks for it.
            Reduction::Count
            | Reduction::Range
            | Reduction::Sum
            | Reduction::Mean
            | Reduction::Var { .. }
            | Reduction::Std { .. }
            | Reduction::ArgMin
            | Reduction::ArgMax
            | Reduction::Any(_)
            | Reduction::All(_)
            | Reduction::CountWhere(_)
            | Reduction::Histogram(_)
            | Reduction::Trend
            | Reduction::TrendError
            | Reduction::Median
            | Reduction::Quantile(_) => {
                Values::Signed(texts.count.iter().map(|&n| i64::try_from(n).unwrap_or(i64::MAX)).collect())
            }
        };
        let element = match values {
            Values::Text(_) => plan.value_element(),
            _ => ElementType::Int64,
        };
        let (reduction, shape) = (reduction.clone(), plan.output_shape.clone());
        Outcome { reduction, shape, element, values, count: texts.count.clone(), lacking: lacking.clone() }
    };
    plan.reductions.iter().map(answer).collect()
}
