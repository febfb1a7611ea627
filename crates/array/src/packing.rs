//! `scale_factor` and `add_offset`.
//!
//! Elements are unpacked one by one, in the precision netCDF4-python (NumPy 2) computes in: a 16-bit integer times a
//! float32 `scale_factor` is a float32, a 32-bit integer times the same is a float64. Every reduction is then one of the
//! unpacked values, exactly as a reader that unpacks first would see them; nothing is mapped after the fact, so
//! partials of chunks with different packing merge.

use crate::{ElementType, Number};

/// How stored elements become values: `stored * scale + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Packing {
    scale: f64,
    offset: f64,
    product: Precision,
    result: Precision,
}

/// The width an operation rounds to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// float32.
    Single,
    /// float64.
    Double,
}

/// A packing cannot be undone.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PackingError {
    /// Neither a real number nor an integer.
    #[error("elements of type {element} cannot be unpacked with scale_factor and add_offset")]
    Element {
        /// Name of the element type.
        element: String,
    },
    /// NaN, an infinity, or an attribute that is not a number of a known width.
    #[error("{attribute} = {value} of type {data_type} cannot unpack anything")]
    Value {
        /// `scale_factor` or `add_offset`.
        attribute: &'static str,
        /// Its value.
        value: f64,
        /// Name of its type.
        data_type: String,
    },
}

impl Packing {
    /// The packing of a variable of type `element`, each attribute with the type it is stored in.
    ///
    /// `None` if there is nothing to undo: no attribute, or `scale_factor = 1` or `add_offset = 0` alone. Both
    /// together, even as 1 and 0, make a float of the width of `scale_factor`. An attribute of an integer type
    /// counts as float64, where NumPy would wrap around.
    ///
    /// # Errors
    ///
    /// [`PackingError`] for elements that are not real numbers, and for attributes that are not finite numbers.
    pub fn from_attributes(
        element: &ElementType,
        scale_factor: Option<(Number, &ElementType)>,
        add_offset: Option<(Number, &ElementType)>,
    ) -> Result<Option<Self>, PackingError> {
        let alone = scale_factor.is_none() != add_offset.is_none();
        let scale_factor = scale_factor.filter(|(n, _)| !(alone && n.to_f64() == 1.0));
        let add_offset = add_offset.filter(|(n, _)| !(alone && n.to_f64() == 0.0));
        if scale_factor.is_none() && add_offset.is_none() {
            return Ok(None);
        }
        let stored =
            width_of_element(element).ok_or_else(|| PackingError::Element { element: element.name() })?;
        let scale = scale_factor.map(|(n, t)| finite("scale_factor", n, t)).transpose()?;
        let offset = add_offset.map(|(n, t)| finite("add_offset", n, t)).transpose()?;
        let scale_width = scale_factor.map(|(_, t)| width_of_attribute(t));
        let offset_width = add_offset.map(|(_, t)| width_of_attribute(t));
        let (product, result) = match (scale_width, offset_width) {
            (Some(width), Some(_)) if scale == Some(1.0) && offset == Some(0.0) => (width, width),
            (Some(scale), offset) => {
                let product = stored.wider(scale);
                (product, offset.map_or(product, |offset| product.wider(offset)))
            }
            (None, offset) => {
                let sum = offset.map_or(stored, |offset| stored.wider(offset));
                (sum, sum)
            }
        };
        Ok(Some(Self { scale: scale.unwrap_or(1.0), offset: offset.unwrap_or(0.0), product, result }))
    }

    /// A float64 packing, whatever the width of the attributes.
    ///
    /// # Errors
    ///
    /// [`PackingError::Value`] unless both are finite.
    pub fn linear(scale: f64, offset: f64) -> Result<Self, PackingError> {
        let double = ElementType::Float64;
        Ok(Self {
            scale: finite("scale_factor", Number::Float(scale), &double)?,
            offset: finite("add_offset", Number::Float(offset), &double)?,
            product: Precision::Double,
            result: Precision::Double,
        })
    }

    /// Factor.
    #[must_use]
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Term.
    #[must_use]
    pub fn offset(&self) -> f64 {
        self.offset
    }

    /// Type of the unpacked values: float32 or float64.
    #[must_use]
    pub fn element(&self) -> ElementType {
        match self.result {
            Precision::Single => ElementType::Float32,
            Precision::Double => ElementType::Float64,
        }
    }

    /// Unpacks one value.
    #[must_use]
    pub fn unpack(&self, stored: f64) -> f64 {
        match (self.product, self.result) {
            (Precision::Double, _) => stored * self.scale + self.offset,
            (Precision::Single, Precision::Double) => {
                f64::from(single(stored) * single(self.scale)) + self.offset
            }
            (Precision::Single, Precision::Single) => {
                f64::from(single(stored) * single(self.scale) + single(self.offset))
            }
        }
    }

    /// Unpacks a block; as many of `out` as there are `stored`.
    #[inline(always)]
    pub fn unpack_block<T: Copy>(&self, stored: &[T], to_f64: impl Fn(T) -> f64, out: &mut [f64]) {
        let pairs = stored.iter().zip(out);
        let (scale, offset) = (self.scale, self.offset);
        match (self.product, self.result) {
            (Precision::Double, _) => pairs.for_each(|(&x, out)| *out = to_f64(x) * scale + offset),
            (Precision::Single, Precision::Double) => {
                let scale = single(scale);
                pairs.for_each(|(&x, out)| *out = f64::from(single(to_f64(x)) * scale) + offset);
            }
            (Precision::Single, Precision::Single) => {
                let (scale, offset) = (single(scale), single(offset));
                pairs.for_each(|(&x, out)| *out = f64::from(single(to_f64(x)) * scale + offset));
            }
        }
    }
}

impl Precision {
    fn wider(self, other: Self) -> Self {
        if self == Self::Double { self } else { other }
    }
}

/// Rounds to float32.
#[expect(clippy::cast_possible_truncation, reason = "rounding to float32 is what is asked for")]
fn single(x: f64) -> f32 {
    x as f32
}

/// The float width NumPy promotes elements of this type to when they meet a float32.
fn width_of_element(element: &ElementType) -> Option<Precision> {
    match element {
        ElementType::Bool
        | ElementType::Int8
        | ElementType::UInt8
        | ElementType::Int16
        | ElementType::UInt16
        | ElementType::Float16
        | ElementType::Float32 => Some(Precision::Single),
        ElementType::Int32
        | ElementType::UInt32
        | ElementType::Int64
        | ElementType::UInt64
        | ElementType::Float64 => Some(Precision::Double),
        ElementType::Complex64
        | ElementType::Complex128
        | ElementType::FixedBytes(_)
        | ElementType::FixedUtf32(_)
        | ElementType::Raw(_)
        | ElementType::DateTime64(_)
        | ElementType::TimeDelta64(_)
        | ElementType::VlenString
        | ElementType::Structured(_) => None,
    }
}

fn width_of_attribute(data_type: &ElementType) -> Precision {
    match data_type {
        ElementType::Float16 | ElementType::Float32 => Precision::Single,
        ElementType::Bool
        | ElementType::Int8
        | ElementType::Int16
        | ElementType::Int32
        | ElementType::Int64
        | ElementType::UInt8
        | ElementType::UInt16
        | ElementType::UInt32
        | ElementType::UInt64
        | ElementType::Float64
        | ElementType::Complex64
        | ElementType::Complex128
        | ElementType::FixedBytes(_)
        | ElementType::FixedUtf32(_)
        | ElementType::Raw(_)
        | ElementType::DateTime64(_)
        | ElementType::TimeDelta64(_)
        | ElementType::VlenString
        | ElementType::Structured(_) => Precision::Double,
    }
}

fn finite(attribute: &'static str, number: Number, data_type: &ElementType) -> Result<f64, PackingError> {
    let value = number.to_f64();
    if value.is_finite() {
        Ok(value)
    } else {
        Err(PackingError::Value { attribute, value, data_type: data_type.name() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(
        element: ElementType,
        scale: Option<ElementType>,
        offset: Option<ElementType>,
    ) -> Option<ElementType> {
        let scale = scale.as_ref().map(|t| (Number::Float(0.5), t));
        let offset = offset.as_ref().map(|t| (Number::Float(2.0), t));
        Packing::from_attributes(&element, scale, offset).unwrap().map(|p| p.element())
    }

    #[test]
    fn unpacked_types_are_those_numpy_promotes_to() {
        use ElementType::{Float32, Float64, Int16, Int32};
        assert_eq!(result(Int16, Some(Float32), None), Some(Float32));
        assert_eq!(result(Int16, Some(Float32), Some(Float64)), Some(Float64));
        assert_eq!(result(Int32, Some(Float32), Some(Float32)), Some(Float64));
        assert_eq!(result(Float32, Some(Float64), None), Some(Float64));
        assert_eq!(result(Int16, None, Some(Float32)), Some(Float32));
        assert_eq!(result(Int16, None, None), None);
    }

    #[test]
    fn one_trivial_attribute_alone_changes_nothing() {
        let one = (Number::Integer(1), &ElementType::Float64);
        assert_eq!(Packing::from_attributes(&ElementType::Int16, Some(one), None), Ok(None));
        let zero = (Number::Float(0.0), &ElementType::Float32);
        assert_eq!(Packing::from_attributes(&ElementType::Int16, None, Some(zero)), Ok(None));
        let both = Packing::from_attributes(&ElementType::Int16, Some(one), Some(zero)).unwrap().unwrap();
        assert_eq!(both.element(), ElementType::Float64);
    }

    #[test]
    fn values_are_rounded_as_often_as_numpy_rounds_them() {
        let scale = (Number::Float(f64::from(0.1_f32)), &ElementType::Float32);
        let offset = (Number::Float(f64::from(0.7_f32)), &ElementType::Float32);
        let packing =
            Packing::from_attributes(&ElementType::Int16, Some(scale), Some(offset)).unwrap().unwrap();
        let mut out = [0.0; 3];
        packing.unpack_block(&[-5_i16, 0, 32_000], f64::from, &mut out);
        for (stored, value) in [-5_i16, 0, 32_000].into_iter().zip(out) {
            assert_eq!(value, f64::from(f32::from(stored) * 0.1_f32 + 0.7_f32));
            assert_eq!(value, packing.unpack(f64::from(stored)));
        }
    }

    #[test]
    fn what_cannot_be_undone_is_refused() {
        let nan = (Number::Float(f64::NAN), &ElementType::Float32);
        let error = Packing::from_attributes(&ElementType::Int16, Some(nan), None).unwrap_err();
        assert_eq!(error.to_string(), "scale_factor = NaN of type float32 cannot unpack anything");
        let half = (Number::Float(0.5), &ElementType::Float32);
        assert!(Packing::from_attributes(&ElementType::FixedBytes(3), Some(half), None).is_err());
    }
}
