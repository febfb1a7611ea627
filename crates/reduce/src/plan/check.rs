//! Which reductions are defined for which types.

use rangefold_array::ElementType;

use super::plan_error::PlanError;
use crate::question::{
    reduction::{Reduction, ValueKind},
    spec::ReduceSpec,
};

/// Refuses what is not defined for the element type.
pub(crate) fn check_reductions(element: &ElementType, spec: &ReduceSpec) -> Result<(), PlanError> {
    let unsupported = |reduction| Err(PlanError::Unsupported { reduction, element: element.name() });
    let kind = value_kind(element);
    if spec.packing.is_some() && kind != Some(ValueKind::Real) {
        return unsupported("unpacking");
    }
    if spec.condition.is_some() && !matches!(kind, Some(ValueKind::Real | ValueKind::Time)) {
        return unsupported("a condition");
    }
    if kind == Some(ValueKind::Complex)
        && !(spec.missing.fill_values.is_empty()
            && spec.missing.valid_min.is_none()
            && spec.missing.valid_max.is_none())
    {
        return unsupported("a missing value");
    }
    if kind.is_none() {
        return unsupported("a reduction");
    }
    for reduction in &spec.reductions {
        if reduction.is_gathered() {
            return Err(PlanError::Gathered { reduction: reduction.name() });
        }
        if !is_defined(reduction, element) {
            return unsupported(reduction.name());
        }
    }
    Ok(())
}

/// Whether a reduction is defined for values of a type.
pub(crate) fn is_defined(reduction: &Reduction, element: &ElementType) -> bool {
    value_kind(element).is_some_and(|kind| reduction.facts().defined.contains(&kind))
}

/// What values of a type are; `None` if nothing is defined for them.
fn value_kind(element: &ElementType) -> Option<ValueKind> {
    match element {
        ElementType::Bool
        | ElementType::Int8
        | ElementType::Int16
        | ElementType::Int32
        | ElementType::Int64
        | ElementType::UInt8
        | ElementType::UInt16
        | ElementType::UInt32
        | ElementType::UInt64
        | ElementType::Float16
        | ElementType::Float32
        | ElementType::Float64 => Some(ValueKind::Real),
        ElementType::Complex64 | ElementType::Complex128 => Some(ValueKind::Complex),
        ElementType::DateTime64(_) | ElementType::TimeDelta64(_) => Some(ValueKind::Time),
        // Without bytes there is no text.
        ElementType::FixedBytes(0) | ElementType::FixedUtf32(0) => None,
        ElementType::FixedBytes(_) | ElementType::FixedUtf32(_) | ElementType::VlenString => {
            Some(ValueKind::Text)
        }
        ElementType::Raw(_) | ElementType::Structured(_) => None,
    }
}
