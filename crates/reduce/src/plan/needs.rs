//! Which statistics the reductions of a plan are made from.

use rangefold_array::{ElementType, NanPolicy, Number};

use super::plan_error::PlanError;
use crate::{
    meaning::{kind::Kind, text::is_text},
    question::{
        condition::Condition,
        reduction::{Made, Statistic, are_edges},
        spec::ReduceSpec,
    },
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
        text_len: if is_text(element) { element.size().map_or(TEXT_LEN, |size| size as u64) } else { 0 },
        ..Wanted::default()
    };
    for reduction in &spec.reductions {
        let Made::Of(statistics) = reduction.facts().made else { continue };
        for statistic in statistics {
            match statistic {
                Statistic::Min => wanted.min = true,
                Statistic::Max => wanted.max = true,
                Statistic::Sum => wanted.sum = true,
                Statistic::Deviations => wanted.deviations = true,
                Statistic::Line => {
                    let along = spec.along.clone();
                    wanted.along = Some(along.ok_or(PlanError::Along { places: 0, coordinates: 0 })?);
                }
                Statistic::ArgMin => wanted.arg_min = true,
                Statistic::ArgMax => wanted.arg_max = true,
                Statistic::First => wanted.first = true,
                Statistic::Last => wanted.last = true,
                Statistic::Hits => wanted.conditions.extend(reduction.condition().map(&round)),
                Statistic::Bins => {
                    let edges = reduction.edges().unwrap_or_default();
                    if !are_edges(edges) {
                        return Err(PlanError::Edges { edges: edges.to_vec() });
                    }
                    wanted.edges.push(edges.into());
                }
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
