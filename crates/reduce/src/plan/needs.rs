//! Which statistics the reductions of a plan are made from.

use rangefold_array::{ElementType, NanPolicy, Number};

use super::plan_error::PlanError;
use crate::{
    meaning::{kind::Kind, text::is_text},
    question::{condition::Condition, reduction::Reduction, spec::ReduceSpec},
    statistic::wanted::Wanted,
};

/// The statistics that the reductions are made from.
pub(crate) fn wanted(
    spec: &ReduceSpec,
    element: &ElementType,
    round: impl Fn(&Condition) -> Condition,
) -> Result<Wanted, PlanError> {
    let nan_is_missing = |n: &Number| matches!(n, Number::Float(x) if x.is_nan());
    let mut wanted = Wanted {
        nan: spec.missing.nan == NanPolicy::Value
            && Kind::of(element).has_nan()
            && spec.condition.is_none()
            && !spec.missing.fill_values.iter().any(nan_is_missing),
        text_len: match element {
            ElementType::VlenString => TEXT_LEN,
            element if is_text(element) => element.size().unwrap_or(0) as u64,
            _ => 0,
        },
        ..Wanted::default()
    };
    for reduction in &spec.reductions {
        match reduction {
            Reduction::Min => wanted.min = true,
            Reduction::Max => wanted.max = true,
            Reduction::Range => (wanted.min, wanted.max) = (true, true),
            Reduction::Sum | Reduction::Mean => wanted.sum = true,
            Reduction::Count | Reduction::Median | Reduction::Quantile(_) => {}
            Reduction::Var { .. } | Reduction::Std { .. } => (wanted.sum, wanted.deviations) = (true, true),
            Reduction::ArgMin => wanted.arg_min = true,
            Reduction::ArgMax => wanted.arg_max = true,
            Reduction::First => wanted.first = true,
            Reduction::Last => wanted.last = true,
            Reduction::Any(condition) | Reduction::All(condition) | Reduction::CountWhere(condition) => {
                wanted.conditions.push(round(condition));
            }
            Reduction::Histogram(edges) => {
                let ascending = edges.len() >= 2 && edges.is_sorted_by(|a, b| a < b);
                if !ascending || edges.iter().any(|edge| edge.is_nan()) {
                    return Err(PlanError::Edges { edges: edges.to_vec() });
                }
                wanted.edges.push(edges.clone());
            }
        }
    }
    if wanted.nan && wanted.places() {
        return Err(PlanError::NanPlace);
    }
    Ok(wanted)
}

/// What a text of any length is taken to be long, in bytes, where memory is reckoned.
const TEXT_LEN: u64 = 64;
