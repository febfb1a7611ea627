//! Two dimensions in colours.

use crate::error::Result;

use super::canvas::{Canvas, Frame, float, left_margin, paint, right_margin, up_marks, whole};
use super::{Palette, Shown, geographic, words};
use crate::axes::{Axis, MapLayout};
use crate::numerals::short;
use rangefold_query::wording;

const TOP: usize = 140;
const BOTTOM: usize = 120;
/// Between the map and its colour bar.
const GAP: usize = 36;
/// Width of the colour bar.
const BAR: usize = 34;
const WIDTH: usize = 1140;
const HEIGHT_USUAL: usize = 720;
const HEIGHT_MIN: f64 = 320.0;
const HEIGHT_MAX: f64 = 1000.0;
const WIDTH_MIN: f64 = 300.0;
/// Room for the headline of a narrow map.
const PICTURE_WIDTH_MIN: usize = 900;

pub(super) fn png(shown: &Shown<'_>, layout: &MapLayout, range: (f64, f64)) -> Result<Vec<u8>> {
    let field = &*shown.field;
    let (low, high) = shown.ends(range);
    let palette = Palette::new(field, low, high);
    let (width, height) = size(layout);
    let map = Frame { left: left_margin(&layout.y, height), top: TOP, width, height };
    let bar = Frame { left: map.left + map.width + GAP, width: BAR, ..map };
    let (axis, marks) = match &shown.scale {
        Some(scale) => (
            scale.clone(),
            scale.ticks(up_marks(bar).max(if shown.is_named() { scale.centres.len() } else { 0 })),
        ),
        None => scale(&palette, bar),
    };
    let title = shown.scale.as_ref().map_or_else(|| words::value_title(field), |scale| scale.title.clone());
    let picture_width = (bar.left + bar.width + right_margin(&marks)).max(PICTURE_WIDTH_MIN);
    paint(picture_width, TOP + height + BOTTOM, |canvas| {
        let colours = layout.sample(field, width, height).into_iter().map(|value| palette.colour(value));
        canvas.pixels(map, &colours.collect::<Vec<_>>())?;
        canvas.border(map)?;
        canvas.axes(map, &layout.x, &layout.y)?;
        canvas.headlines(map, &wording::headline(field), &words::subline(field))?;
        colours_up(canvas, bar, &axis, &palette, shown.is_named())?;
        canvas.right_axis(bar, &axis, &marks, &title)
    })
}

/// Width and height of the map: to scale where both axes are on the ground.
fn size(layout: &MapLayout) -> (usize, usize) {
    if !geographic(layout) {
        return (WIDTH, HEIGHT_USUAL);
    }
    let span = |axis: &Axis| (axis.end - axis.begin).abs();
    let ratio = span(&layout.y) / span(&layout.x);
    let height = float(WIDTH) * ratio;
    if height > HEIGHT_MAX {
        return (whole((HEIGHT_MAX / ratio).max(WIDTH_MIN)), whole(HEIGHT_MAX));
    }
    (WIDTH, whole(height.max(HEIGHT_MIN)))
}

/// The axis of the colour bar and its marks; a single value is marked in the middle.
fn scale(palette: &Palette, bar: Frame) -> (Axis, Vec<(f64, String)>) {
    if palette.low == palette.high {
        let air = (palette.low.abs() * 0.1).max(1.0);
        let axis = Axis::between(palette.low - air, palette.high + air);
        return (axis, vec![(palette.low, short(palette.low))]);
    }
    let axis = Axis::between(palette.low, palette.high);
    let marks = axis.ticks(up_marks(bar));
    (axis, marks)
}

/// Fills the colour bar; names have a block of one colour each.
fn colours_up(canvas: &Canvas<'_>, bar: Frame, axis: &Axis, palette: &Palette, named: bool) -> Result<()> {
    let step = (axis.end - axis.begin) / float(bar.height);
    let rows = (0..bar.height).map(|row| axis.end - step * (float(row) + 0.5));
    let rows = rows.map(|value| if named { value.round() } else { value });
    let colours: Vec<[u8; 3]> = rows.flat_map(|value| [palette.colour(Some(value)); BAR]).collect();
    canvas.pixels(bar, &colours)?;
    canvas.border(bar)
}

#[cfg(test)]
mod tests {
    use super::super::tests::decode;
    use super::*;
    use rangefold_query::field::Field;
    use rangefold_query::samples;

    fn layout(field: &Field) -> MapLayout {
        MapLayout::new([&field.dims[0], &field.dims[1]])
    }

    #[test]
    fn a_map_shows_each_cell_in_its_place_and_colour() {
        let field = samples::map();
        let layout = layout(&field);
        let palette = Palette::new(&field, 279.4, 300.0);
        let picture = decode(&png(&Shown::new(&field), &layout, (279.4, 300.0)).unwrap());
        let (width, height) = size(&layout);
        assert_eq!(picture.height, TOP + height + BOTTOM);
        let left = left_margin(&layout.y, height);
        let cell = |column: usize, row: usize| {
            picture.pixel(left + width * (2 * column + 1) / 6, TOP + height * (2 * row + 1) / 4)
        };
        assert_eq!(cell(2, 0), palette.colour(Some(300.0)));
        assert_eq!(cell(0, 0), palette.colour(Some(279.4)));
        assert_eq!(cell(0, 1), palette.colour(Some(280.1)));
        assert_eq!(cell(1, 1), palette.colour(None));
        let bar = left + width + GAP + BAR / 2;
        let top = palette.high - (palette.high - palette.low) * 0.5 / float(height);
        assert_eq!(picture.pixel(bar, TOP), palette.colour(Some(top)));
        assert_eq!(picture.pixel(5, 5), [255; 3]);
    }

    #[test]
    fn degrees_have_one_length_on_both_axes() {
        let globe = [
            samples::dim("lat", &[-45.0, 45.0], "degrees_north"),
            samples::dim("lon", &[0.0, 180.0], "degrees_east"),
        ];
        assert_eq!(size(&MapLayout::new([&globe[0], &globe[1]])), (WIDTH, WIDTH / 2));
    }

    #[test]
    fn one_value_everywhere_is_one_colour() {
        let mut field = samples::map();
        field.values = rangefold_array::Values::Float(vec![7.0; 6]);
        let (axis, marks) =
            scale(&Palette::new(&field, 7.0, 7.0), Frame { left: 0, top: 0, width: BAR, height: 500 });
        assert_eq!((axis.begin, axis.end, marks), (6.0, 8.0, vec![(7.0, "7".to_owned())]));
        let picture = decode(&png(&Shown::new(&field), &layout(&field), (7.0, 7.0)).unwrap());
        let bar =
            left_margin(&layout(&field).y, picture.height - TOP - BOTTOM) + size(&layout(&field)).0 + GAP + 5;
        assert_eq!(picture.pixel(bar, TOP + 5), picture.pixel(bar, picture.height - BOTTOM - 5));
    }
}
