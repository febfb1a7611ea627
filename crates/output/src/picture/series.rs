//! One dimension as a line; along the vertical as a profile.

use crate::error::Result;
use plotters::style::RGBColor;

use super::canvas::{Canvas, Frame, float, left_margin, paint};
use super::{Shown, words};
use rangefold_cf::Role;

use crate::axes::{Axis, number};
use rangefold_query::field::Field;
use rangefold_query::wording;

const WIDTH: usize = 1600;
const HEIGHT: usize = 900;
const PROFILE_WIDTH: usize = 1000;
const PROFILE_HEIGHT: usize = 1200;
const TOP: usize = 140;
const BOTTOM: usize = 120;
const RIGHT: usize = 60;
const LINE: RGBColor = RGBColor(49, 104, 142);
/// Of so many points each is marked.
const DOTS_MAX: usize = 60;

pub(super) fn png(shown: &Shown<'_>, along: &Axis, (low, high): (f64, f64)) -> Result<Vec<u8>> {
    let field = &*shown.field;
    let values = shown.scale.clone().unwrap_or_else(|| {
        let mut values = Axis::of_values(low, high);
        values.title = words::value_title(field);
        values
    });
    let profile = matches!(along.role, Role::Vertical { .. });
    let (width, height) = if profile { (PROFILE_WIDTH, PROFILE_HEIGHT) } else { (WIDTH, HEIGHT) };
    let (x, y) = if profile { (&values, along) } else { (along, &values) };
    let left = left_margin(y, height - TOP - BOTTOM);
    let frame =
        Frame { left, top: TOP, width: width.saturating_sub(left + RIGHT), height: height - TOP - BOTTOM };
    paint(width, height, |canvas| {
        canvas.grid(frame, x, y)?;
        for run in runs(field, along, if profile { frame.height } else { frame.width }) {
            let place = |(position, value): (f64, f64)| {
                if profile {
                    (frame.x(x, value), frame.y(y, position))
                } else {
                    (frame.x(x, position), frame.y(y, value))
                }
            };
            draw_run(canvas, &run.into_iter().map(place).collect::<Vec<_>>(), field.cells())?;
        }
        canvas.border(frame)?;
        canvas.axes(frame, x, y)?;
        canvas.headlines(frame, &wording::headline(field), &words::subline(field))
    })
}

/// A line without gaps; a point that has no neighbours is a dot.
fn draw_run(canvas: &Canvas<'_>, points: &[(f64, f64)], of: usize) -> Result<()> {
    canvas.line(points, LINE, 3.0)?;
    if of <= DOTS_MAX || points.len() == 1 {
        for &point in points {
            canvas.dot(point, 6.0, LINE)?;
        }
    }
    Ok(())
}

/// Points between gaps: position and value. Of many points under a pixel the first, smallest, largest and last stay.
pub(crate) fn runs(field: &Field, axis: &Axis, pixels: usize) -> Vec<Vec<(f64, f64)>> {
    let finite = |cell: usize| number(field, cell).filter(|value| value.is_finite());
    let cells: Vec<usize> = (0..field.cells()).collect();
    let runs = cells.split(|&cell| finite(cell).is_none()).filter(|run| !run.is_empty());
    let points = runs.map(|run| -> Vec<(f64, f64)> {
        run.iter().filter_map(|&cell| Some((*axis.centres.get(cell)?, finite(cell)?))).collect()
    });
    points.map(|run| if run.len() > 2 * pixels { thinned(&run, axis, pixels) } else { run }).collect()
}

fn thinned(run: &[(f64, f64)], axis: &Axis, pixels: usize) -> Vec<(f64, f64)> {
    let step = (axis.end - axis.begin) / float(pixels);
    let same_pixel = |a: &(f64, f64), b: &(f64, f64)| {
        ((a.0 - axis.begin) / step).floor() == ((b.0 - axis.begin) / step).floor()
    };
    let mut out = Vec::new();
    for pixel in run.chunk_by(same_pixel) {
        let by_value = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let kept =
            [pixel.first(), pixel.iter().min_by(by_value), pixel.iter().max_by(by_value), pixel.last()];
        let before = out.len();
        out.extend(kept.into_iter().flatten().copied());
        out[before..].sort_by(|a, b| ((a.0 - b.0) * step).total_cmp(&0.0));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use rangefold_query::samples;

    #[test]
    fn a_series_is_drawn_inside_its_frame() {
        let field = samples::floats("t", vec![samples::months(3)], vec![1.0, 1.0, 1.0]);
        let file = png(&Shown::new(&field), &Axis::new(&field.dims[0]), (1.0, 1.0)).unwrap();
        let picture = super::super::tests::decode(&file);
        assert_eq!((picture.width, picture.height), (WIDTH, HEIGHT));
        let middle = TOP + (HEIGHT - TOP - BOTTOM) / 2;
        assert_eq!(picture.pixel(WIDTH / 2, middle), [LINE.0, LINE.1, LINE.2]);
        assert_eq!(picture.pixel(WIDTH / 2 + 50, middle + 40), [255; 3]);
    }

    #[test]
    fn a_profile_stands_upright() {
        let levels = samples::dim("plev", &[1000.0, 500.0], "hPa");
        let field = samples::floats("t", vec![levels], vec![280.0, 250.0]);
        let picture = super::super::tests::decode(&super::super::png(&field).unwrap());
        assert_eq!((picture.width, picture.height), (PROFILE_WIDTH, PROFILE_HEIGHT));
    }

    #[test]
    fn a_gap_ends_the_line() {
        let field = samples::floats("t", vec![samples::months(4)], vec![1.0, 2.0, f64::NAN, 4.0]);
        let runs = runs(&field, &Axis::new(&field.dims[0]), 100);
        assert_eq!(runs, [vec![(0.0, 1.0), (31.0, 2.0)], vec![(90.0, 4.0)]]);
    }

    #[test]
    fn thinning_keeps_the_extremes() {
        let x: Vec<f64> = (0..10_000).map(f64::from).collect();
        let mut values = vec![0.0; 10_000];
        (values[4321], values[8765]) = (9.0, -9.0);
        let field = samples::floats("t", vec![samples::dim("n", &x, "1")], values);
        let runs = runs(&field, &Axis::new(&field.dims[0]), 100);
        assert!(runs[0].len() <= 400);
        assert!(runs[0].contains(&(4321.0, 9.0)) && runs[0].contains(&(8765.0, -9.0)));
        assert!(runs[0].windows(2).all(|pair| pair[0].0 <= pair[1].0));
    }
}
