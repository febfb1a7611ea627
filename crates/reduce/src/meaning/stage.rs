//! From stored elements to values: unpacking, or nothing at all.

use pulp::{Arch, Simd, WithSimd};
use rangefold_array::Packing;

use super::{block::BLOCK, element::Element, matches::Unpacked};

/// What is between a stored element and a value.
pub(crate) trait Stage<T: Element>: Copy {
    type Value: Element;
    /// Whether values have at most 32 significant bits more often than not.
    const SHORT: bool;
    fn apply<'a>(&self, arch: Arch, stored: &'a [T], out: &'a mut [Self::Value; BLOCK]) -> &'a [Self::Value];
    fn one(&self, stored: T) -> Self::Value;
    fn unpacked(&self, stored: T) -> Unpacked<T>;
}

/// Elements are the values.
#[derive(Clone, Copy)]
pub(crate) struct AsStored;

impl<T: Element> Stage<T> for AsStored {
    type Value = T;
    const SHORT: bool = false;

    fn apply<'a>(&self, _: Arch, stored: &'a [T], _: &'a mut [T; BLOCK]) -> &'a [T] {
        stored
    }

    fn one(&self, stored: T) -> T {
        stored
    }

    fn unpacked(&self, stored: T) -> Unpacked<T> {
        Unpacked::Stored(stored)
    }
}

impl<T: Element> Stage<T> for Packing {
    type Value = f64;
    const SHORT: bool = size_of::<T>() < 8;

    fn apply<'a>(&self, arch: Arch, stored: &'a [T], out: &'a mut [f64; BLOCK]) -> &'a [f64] {
        arch.dispatch(Unpack { packing: *self, stored, out });
        &out[..stored.len()]
    }

    fn one(&self, stored: T) -> f64 {
        self.unpack(stored.to_f64())
    }

    fn unpacked(&self, stored: T) -> Unpacked<T> {
        Unpacked::Float(self.unpack(stored.to_f64()))
    }
}

/// Unpacking, compiled for the machine.
struct Unpack<'b, T> {
    packing: Packing,
    stored: &'b [T],
    out: &'b mut [f64; BLOCK],
}

impl<T: Element> WithSimd for Unpack<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<V: Simd>(self, _: V) {
        self.packing.unpack_block(self.stored, T::to_f64, self.out);
    }
}
