//! Which elements are missing: netCDF4-python's rules.
//!
//! Everything is compared in the type the elements are stored in, before unpacking. An attribute whose value that type
//! cannot hold without loss is ignored, as netCDF4-python ignores it: `_FillValue = 1e20` stored as float64 never
//! matches the float32 nearest to it.

use rangefold_array::{ElementType, MissingSpec, NanPolicy, Number};

/// The attributes of a variable that say what is missing, as plain numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MissingAttributes {
    /// `_FillValue`.
    pub fill_value: Option<Number>,
    /// `missing_value`: one value or many; empty if absent.
    pub missing_value: Vec<Number>,
    /// `valid_min`.
    pub valid_min: Option<Number>,
    /// `valid_max`.
    pub valid_max: Option<Number>,
    /// `valid_range`; anything but two values is ignored. Empty if absent.
    pub valid_range: Vec<Number>,
    /// Those of `_FillValue` and `missing_value` that are texts.
    pub texts: Vec<String>,
    /// Whether elements that were never written hold no fill value (`_NoFill`): the default of the type is then a value.
    pub no_fill: bool,
    /// Whether signed integers will be reinterpreted (`_Unsigned = "true"`, and values are to be unpacked).
    pub unsigned: bool,
}

impl MissingAttributes {
    /// What netCDF4-python masks in a variable of type `element` that has these attributes.
    ///
    /// - Without a usable `_FillValue` the netCDF default fill of the type is missing too, except where nothing was filled
    ///   (`_NoFill`: one-byte types of files, and what other programs wrote as references without a fill value), and
    ///   except for reinterpreted integers, which never equal a negative default.
    /// - One value of `missing_value` that the type cannot hold makes the whole attribute void.
    /// - A usable `valid_range` hides `valid_min` and `valid_max`.
    #[must_use]
    pub fn spec(&self, element: &ElementType) -> MissingSpec {
        let fits = |number: &Number| number.fits(element);
        let attributes = self;
        let mut fill_values = Vec::new();
        if attributes.missing_value.iter().all(fits) {
            fill_values.extend_from_slice(&attributes.missing_value);
        }
        match attributes.fill_value.filter(fits) {
            Some(fill) => fill_values.push(fill),
            None if attributes.no_fill => {}
            None if attributes.unsigned && is_signed(element) => {}
            None => fill_values.extend(netcdf_default_fill(element)),
        }
        let (valid_min, valid_max) = match attributes.valid_range.as_slice() {
            [low, high] if fits(low) && fits(high) => (Some(*low), Some(*high)),
            _ => (attributes.valid_min.filter(fits), attributes.valid_max.filter(fits)),
        };
        let texts = attributes.texts.clone();
        MissingSpec { fill_values, valid_min, valid_max, nan: NanPolicy::Missing, texts }
    }
}

fn is_signed(element: &ElementType) -> bool {
    matches!(element, ElementType::Int8 | ElementType::Int16 | ElementType::Int32 | ElementType::Int64)
}

/// What netCDF writes where nothing was written: `NC_FILL_*` of `netcdf.h`; `None` for types netCDF does not have.
#[must_use]
pub fn netcdf_default_fill(element: &ElementType) -> Option<Number> {
    /// `NC_FILL_FLOAT`, which is `NC_FILL_DOUBLE` too.
    const FLOAT: f64 = 9.969_209_968_386_869e36;
    Some(match element {
        ElementType::Int8 => Number::Integer(-127),
        ElementType::Int16 => Number::Integer(-32_767),
        ElementType::Int32 => Number::Integer(-2_147_483_647),
        ElementType::Int64 => Number::Integer(-9_223_372_036_854_775_806),
        ElementType::UInt8 => Number::Integer(255),
        ElementType::UInt16 => Number::Integer(65_535),
        ElementType::UInt32 => Number::Integer(4_294_967_295),
        ElementType::UInt64 => Number::Integer(18_446_744_073_709_551_614),
        ElementType::Float32 | ElementType::Float64 => Number::Float(FLOAT),
        _ => return None,
    })
}
