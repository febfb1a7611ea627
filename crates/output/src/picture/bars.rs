//! A histogram as bars between the edges of its bins.

use crate::error::Result;
use plotters::style::RGBColor;

use super::canvas::{Frame, left_margin, paint};
use super::{shown, words};
use rangefold_query::field::Field;
use rangefold_query::wording;

const WIDTH: usize = 1600;
const HEIGHT: usize = 900;
const TOP: usize = 140;
const BOTTOM: usize = 120;
const RIGHT: usize = 60;
const BAR: RGBColor = RGBColor(49, 104, 142);

pub(super) fn png(field: &Field, bars: &[(f64, f64, f64)]) -> Result<Vec<u8>> {
    let (x, y) = shown::bar_axes(field, bars);
    let height = HEIGHT - TOP - BOTTOM;
    let left = left_margin(&y, height);
    let frame = Frame { left, top: TOP, width: WIDTH.saturating_sub(left + RIGHT), height };
    paint(WIDTH, HEIGHT, |canvas| {
        canvas.grid(frame, &x, &y)?;
        for &(low, high, count) in bars {
            let upper_left = (frame.x(&x, low) + 1.0, frame.y(&y, count));
            let lower_right = (frame.x(&x, high) - 1.0, frame.y(&y, 0.0));
            canvas.filled(upper_left, lower_right, BAR)?;
        }
        canvas.border(frame)?;
        canvas.axes(frame, &x, &y)?;
        canvas.headlines(frame, &wording::headline(field), &words::subline(field))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rangefold_query::samples;

    #[test]
    fn a_bar_is_as_high_as_its_bin_has_values() {
        let field = samples::integers(vec![2, 4], vec![true, true]);
        let picture = super::super::tests::decode(&png(&field, &[(0.0, 1.0, 2.0), (1.0, 2.0, 4.0)]).unwrap());
        assert_eq!((picture.width, picture.height), (WIDTH, HEIGHT));
        let colour = [BAR.0, BAR.1, BAR.2];
        let (low, middle) = (HEIGHT - BOTTOM - 20, TOP + 200);
        assert_eq!((picture.pixel(500, low), picture.pixel(1300, low)), (colour, colour));
        assert_eq!(picture.pixel(1300, middle), colour);
        assert_ne!(picture.pixel(500, middle), colour);
    }
}
