//! Pictures: a map of two dimensions or a series of one, as PNG.
//!
//! ```text
//!  air temperature: mean over time            headline: long name, operation
//!  tas · 3 of 64800 cells without data        what else must be said
//!  ┌──────────────────────────┐ ┌┐
//!  │ north up, time across,   │ ││ units      colour bar, over all finite values
//!  │ pressure falling upwards │ ││
//!  └──────────────────────────┘ └┘
//! ```
//! A histogram is drawn as bars, flags in a colour for each of their names, and the places of extremes by their labels. A
//! pixel shows the mean of the cells whose centres it covers, of flags and places one of them, or the cell it lies in. Grey is "no data". Colours are
//! viridis; red and blue about zero where the field is named a difference and has both signs.
//!
//! Drawn by `plotters` with a font that is part of the program: DejaVu Sans, cut down to Latin, Greek and Cyrillic.

mod bars;
mod canvas;
mod map;
mod palette;
mod series;
mod shown;
mod words;

use crate::error::{Result, bail};

use super::axes::{Axis, MapLayout};
use rangefold_array::Values;
use rangefold_cf::Role;
use rangefold_query::field::{Dim, Field};

pub(super) use palette::Palette;
pub(super) use series::runs;
pub(super) use shown::{Shown, bar_axes, bars};

/// The field as a PNG file.
///
/// # Errors
///
/// More or fewer than one or two dimensions of more than one index are left, the values are no numbers, or none of
/// them is finite.
pub(super) fn png(field: &Field) -> Result<Vec<u8>> {
    let dims = plotted_dims(field)?;
    if let Some(bars) = bars(field) {
        return bars::png(field, &bars);
    }
    let shown = Shown::new(field);
    let Some(range) = super::axes::range(&shown.field) else { bail!("there is no finite value to draw") };
    match dims.as_slice() {
        [outer, inner] => map::png(&shown, &MapLayout::new([outer, inner]), range),
        [dim] => series::png(&shown, &Axis::new(dim), range),
        _ => Ok(Vec::new()),
    }
}

/// The one or two dimensions of more than one index; one of a single index if there is no other.
///
/// # Errors
///
/// There are fewer or more, or one has no index, or the values are no real numbers.
pub(super) fn plotted_dims(field: &Field) -> Result<Vec<&Dim>> {
    if let Some(dim) = field.dims.iter().find(|dim| dim.length == 0) {
        bail!("{} has no cells: dimension {:?} has length 0", field.title(), dim.name);
    }
    if let Values::Text(_) | Values::Complex(_) = field.values {
        bail!("{} is of type {}, which has no picture", field.title(), field.element.name());
    }
    let mut dims: Vec<&Dim> = field.dims.iter().filter(|dim| dim.length > 1).collect();
    if dims.is_empty() {
        dims.extend(field.dims.last());
    }
    match dims.len() {
        1 | 2 => Ok(dims),
        0 => bail!("a picture shows one or two dimensions, and {} has none", field.title()),
        n => {
            let names: Vec<&str> = dims.iter().map(|dim| dim.name.as_str()).collect();
            bail!(
                "a picture shows one or two dimensions, and {} has {n}: {}; reduce some or select one index",
                field.title(),
                names.join(", ")
            )
        }
    }
}

/// Whether both axes are distances on the ground, so that both have one scale.
fn geographic(layout: &MapLayout) -> bool {
    let horizontal = |role| matches!(role, Role::Longitude | Role::Latitude | Role::X | Role::Y);
    horizontal(layout.x.role) && horizontal(layout.y.role)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rangefold_query::samples;

    /// A picture read back.
    pub(super) struct Decoded {
        pub(super) width: usize,
        pub(super) height: usize,
        bytes: Vec<u8>,
    }

    impl Decoded {
        pub(super) fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
            let start = (y * self.width + x) * 3;
            self.bytes[start..start + 3].try_into().unwrap()
        }
    }

    pub(super) fn decode(file: &[u8]) -> Decoded {
        let mut reader = ::png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut bytes).unwrap();
        assert_eq!((frame.color_type, frame.bit_depth), (::png::ColorType::Rgb, ::png::BitDepth::Eight));
        Decoded { width: frame.width as usize, height: frame.height as usize, bytes }
    }

    #[test]
    fn dimensions_of_one_index_do_not_count() {
        let mut field = samples::map();
        field.dims.insert(0, samples::months(1));
        assert_eq!(plotted_dims(&field).unwrap().len(), 2);
    }

    #[test]
    fn a_cube_has_no_picture() {
        let dims = vec![samples::months(2), samples::dim("lat", &[0.0, 1.0], "1"), samples::months(2)];
        let error = png(&samples::floats("tas", dims, vec![0.0; 8])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a picture shows one or two dimensions, and tas has 3: time, lat, time; reduce some or select one index"
        );
    }

    #[test]
    fn nothing_to_draw_is_an_error() {
        let dims = || vec![samples::months(2)];
        let error = png(&samples::floats("tas", dims(), vec![f64::NAN; 2])).unwrap_err();
        assert_eq!(error.to_string(), "there is no finite value to draw");
        assert!(png(&samples::integers(vec![], vec![])).is_err());
    }
}
