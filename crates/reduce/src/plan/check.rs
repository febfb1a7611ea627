//! Which reductions are defined for which types.

use rangefold_array::ElementType;

use super::plan_error::PlanError;
use crate::{
    meaning::text::is_text,
    question::{reduction::Reduction, spec::ReduceSpec},
};

/// Refuses what is not defined for the element type.
pub(crate) fn check_reductions(element: &ElementType, spec: &ReduceSpec) -> Result<(), PlanError> {
    let unsupported = |reduction| Err(PlanError::Unsupported { reduction, element: element.name() });
    let real = element.is_integer() || element.is_float() || *element == ElementType::Bool;
    if spec.packing.is_some() && !real {
        return unsupported("unpacking");
    }
    let complex = matches!(element, ElementType::Complex64 | ElementType::Complex128);
    let text = is_text(element);
    let time = matches!(element, ElementType::DateTime64(_) | ElementType::TimeDelta64(_));
    if spec.condition.is_some() && !real && !time {
        return unsupported("a condition");
    }
    if complex
        && !(spec.missing.fill_values.is_empty()
            && spec.missing.valid_min.is_none()
            && spec.missing.valid_max.is_none())
    {
        return unsupported("a missing value");
    }
    if !(real || complex || text || time) {
        return unsupported("a reduction");
    }
    for reduction in &spec.reductions {
        if reduction.is_gathered() {
            return Err(PlanError::Gathered { reduction: reduction.name() });
        }
        let defined = match reduction {
            Reduction::Count => real || complex || text || time,
            Reduction::Sum | Reduction::Mean => real || complex,
            Reduction::First | Reduction::Last => real || complex || text || time,
            Reduction::Min | Reduction::Max => real || text || time,
            Reduction::Var { .. } | Reduction::Std { .. } | Reduction::Histogram(_) | Reduction::Range => {
                real
            }
            _ => real || time,
        };
        if !defined {
            return unsupported(reduction.name());
        }
    }
    Ok(())
}

/// Whether values of a type have an order, so that quantiles are defined.
pub(crate) fn has_quantiles(element: &ElementType) -> bool {
    element.is_integer()
        || element.is_float()
        || matches!(element, ElementType::Bool | ElementType::DateTime64(_) | ElementType::TimeDelta64(_))
}
