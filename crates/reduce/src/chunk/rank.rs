//! Values as their ranks among all numbers of their type.

use std::ops::RangeInclusive;

use rangefold_array::{DataType, ElementType, Number};

use crate::{
    meaning::{
        element::{Element, Wide},
        load::{Component, Loader, Visitor, visit},
    },
    plan::reduction_plan::ReductionPlan,
};

impl ReductionPlan {
    /// The ranks of the smallest and the largest number of the type of the values.
    #[must_use]
    pub fn rank_bounds(&self) -> RangeInclusive<u64> {
        let bounds = |element: ElementType| {
            visit(&DataType::little(element), Component::Real, Bounds).unwrap_or(0..=u64::MAX)
        };
        bounds(self.rank_element())
    }

    /// The number with this rank.
    #[must_use]
    pub fn number_of_rank(&self, rank: u64) -> Number {
        visit(&DataType::little(self.rank_element()), Component::Real, FromRank(rank))
            .unwrap_or(Number::Float(f64::NAN))
    }

    /// The type whose ranks are handed out: unpacked values are 64-bit floats, whatever they were rounded to.
    fn rank_element(&self) -> ElementType {
        if self.packing.is_some() { ElementType::Float64 } else { self.data_type.element.clone() }
    }
}

/// The ranks at both ends of a type.
struct Bounds;

impl Visitor for Bounds {
    type Output = RangeInclusive<u64>;

    fn visit<T: Element>(self, _: Loader<T>) -> Self::Output {
        T::LOWEST.rank()..=T::HIGHEST.rank()
    }
}

/// A rank as the number it stands for.
struct FromRank(u64);

impl Visitor for FromRank {
    type Output = Number;

    fn visit<T: Element>(self, _: Loader<T>) -> Number {
        T::from_rank(self.0).widen().number()
    }
}
