//! Dimension scales.
//!
//! Spec: HDF5 Dimension Scale Specification; netCDF-4 file format.

use rangefold_hdf5::model::Dataset;

/// What netCDF writes into `NAME` of a scale that holds no variable; the length follows.
const NO_VARIABLE: &str = "This is a netCDF dimension but not a netCDF variable";

/// Whether `dataset` is a dimension scale.
pub(crate) fn is_scale(dataset: &Dataset) -> bool {
    text(dataset, "CLASS").is_some_and(|class| class == "DIMENSION_SCALE")
}

/// Whether `dataset` is a dimension only: a scale without values, which netCDF does not show as a variable.
pub(crate) fn is_dimension_only(dataset: &Dataset) -> bool {
    is_scale(dataset) && text(dataset, "NAME").is_some_and(|name| name.starts_with(NO_VARIABLE))
}

fn text<'a>(dataset: &'a Dataset, name: &str) -> Option<&'a str> {
    dataset.attribute(name)?.value.as_str()
}
