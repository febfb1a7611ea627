//! Paper, pen and letters.
//!
//! Everything is drawn at twice its size and averaged down, which smooths slanted lines and letters; straight edges on
//! whole pixels stay sharp.

use std::sync::OnceLock;

use crate::error::{Result, bail, refused};
use plotters::backend::BitMapBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea as _};
use plotters::element::{BitMapElement, Circle, PathElement, Rectangle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color as _, FontStyle, FontTransform, IntoFont as _, RGBColor, TextStyle, register_font,
};

use crate::axes::Axis;

/// Text, frames and axes.
pub(super) const INK: RGBColor = RGBColor(38, 38, 38);
/// What is said in passing.
pub(super) const FAINT: RGBColor = RGBColor(110, 110, 110);
/// Lines to guide the eye.
const GRID: RGBColor = RGBColor(225, 225, 225);

/// Sizes of letters.
pub(super) const LARGE: f64 = 38.0;
pub(super) const NORMAL: f64 = 28.0;
pub(super) const SMALL: f64 = 25.0;

/// Drawn this many times as large as shown.
const SCALE: usize = 2;
const TICK: f64 = 8.0;
const FONT: &str = "DejaVu Sans";
const FONT_FILE: &[u8] = include_bytes!("DejaVuSans.ttf");
/// A longer label is cut.
const LABEL_CHARS_MAX: usize = 28;

/// A rectangle, in pixels from the upper left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Frame {
    /// Where a position on a horizontal axis lies.
    pub(super) fn x(&self, axis: &Axis, position: f64) -> f64 {
        float(self.left) + (position - axis.begin) / (axis.end - axis.begin) * float(self.width)
    }

    /// Where a position on a vertical axis lies.
    pub(super) fn y(&self, axis: &Axis, position: f64) -> f64 {
        float(self.top) + (1.0 - (position - axis.begin) / (axis.end - axis.begin)) * float(self.height)
    }
}

/// Where a text is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Left,
    Right,
    Top,
    /// Turned to read upwards, at its middle.
    Upwards,
}

/// A picture being drawn. Positions are in pixels of the picture as it is shown.
pub(super) struct Canvas<'a> {
    area: DrawingArea<BitMapBackend<'a>, Shift>,
}

/// Draws a picture of `width` × `height` pixels and encodes it.
pub(super) fn paint(
    width: usize,
    height: usize,
    draw: impl FnOnce(&Canvas<'_>) -> Result<()>,
) -> Result<Vec<u8>> {
    if !registered() {
        bail!("the font cannot be read");
    }
    let mut large = vec![255; width * height * SCALE * SCALE * 3];
    {
        let size = (u32::try_from(width * SCALE)?, u32::try_from(height * SCALE)?);
        let area = BitMapBackend::with_buffer(&mut large, size).into_drawing_area();
        draw(&Canvas { area: area.clone() })?;
        area.present()?;
    }
    encode(&averaged(&large, width), width, height)
}

/// Each pixel as the mean of the square it was drawn as.
fn averaged(large: &[u8], width: usize) -> Vec<u8> {
    let row = width * SCALE * 3;
    let mut small = Vec::with_capacity(large.len() / (SCALE * SCALE));
    for rows in large.chunks_exact(row * SCALE) {
        let (upper, lower) = rows.split_at(row);
        for (a, b) in upper.chunks_exact(3 * SCALE).zip(lower.chunks_exact(3 * SCALE)) {
            for channel in 0..3 {
                let sum: u16 =
                    [a[channel], a[channel + 3], b[channel], b[channel + 3]].map(u16::from).iter().sum();
                small.push(u8::try_from((sum + 2) / 4).unwrap_or(u8::MAX));
            }
        }
    }
    small
}

fn encode(pixels: &[u8], width: usize, height: usize) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, u32::try_from(width)?, u32::try_from(height)?);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(file)
}

impl Canvas<'_> {
    /// A line through points, with round corners.
    pub(super) fn line(&self, points: &[(f64, f64)], colour: RGBColor, width: f64) -> Result<()> {
        let style = colour.stroke_width(large(width).unsigned_abs());
        for pair in points.windows(2) {
            let ends: Vec<_> = pair.iter().map(|&(x, y)| (large(x), large(y))).collect();
            self.area.draw(&PathElement::new(ends, style))?;
        }
        let corners = points.get(1..points.len().saturating_sub(1)).unwrap_or_default();
        corners.iter().try_for_each(|&corner| self.dot(corner, width / 2.0, colour))
    }

    /// A disc.
    pub(super) fn dot(&self, (x, y): (f64, f64), radius: f64, colour: RGBColor) -> Result<()> {
        Ok(self.area.draw(&Circle::new((large(x), large(y)), large(radius), colour.filled()))?)
    }

    /// A filled rectangle between two corners.
    pub(super) fn filled(
        &self,
        (left, top): (f64, f64),
        (right, bottom): (f64, f64),
        colour: RGBColor,
    ) -> Result<()> {
        let corners = [(large(left), large(top)), (large(right) - 1, large(bottom) - 1)];
        if corners[0].1 > corners[1].1 {
            return Ok(());
        }
        Ok(self.area.draw(&Rectangle::new(corners, colour.filled()))?)
    }

    /// The border of a frame, just outside it.
    pub(super) fn border(&self, frame: Frame) -> Result<()> {
        let (left, top) = (large(float(frame.left)), large(float(frame.top)));
        let (right, bottom) =
            (large(float(frame.left + frame.width)), large(float(frame.top + frame.height)));
        for width in 1..=2 {
            let corners = [(left - width, top - width), (right - 1 + width, bottom - 1 + width)];
            self.area.draw(&Rectangle::new(corners, INK))?;
        }
        Ok(())
    }

    /// Fills a frame with pixels in rows from the top.
    pub(super) fn pixels(&self, frame: Frame, pixels: &[[u8; 3]]) -> Result<()> {
        let mut bytes = Vec::with_capacity(pixels.len() * 3 * SCALE * SCALE);
        for row in pixels.chunks_exact(frame.width) {
            for _ in 0..SCALE {
                row.iter().for_each(|pixel| bytes.extend(pixel.repeat(SCALE)));
            }
        }
        let size = (u32::try_from(frame.width * SCALE)?, u32::try_from(frame.height * SCALE)?);
        let place = (large(float(frame.left)), large(float(frame.top)));
        let element = BitMapElement::with_owned_buffer(place, size, bytes);
        Ok(self.area.draw(&element.ok_or_else(|| refused!("pixels do not fill their frame"))?)?)
    }

    /// A text held at a point.
    pub(super) fn text(
        &self,
        text: &str,
        (x, y): (f64, f64),
        size: f64,
        colour: RGBColor,
        anchor: Anchor,
    ) -> Result<()> {
        let (horizontal, vertical) = match anchor {
            Anchor::Left => (HPos::Left, VPos::Center),
            Anchor::Right => (HPos::Right, VPos::Center),
            Anchor::Top => (HPos::Center, VPos::Top),
            Anchor::Upwards => (HPos::Center, VPos::Center),
        };
        // Letters stand a little above the middle of the box they are centred in.
        let y = if matches!(anchor, Anchor::Left | Anchor::Right) { y + size * 0.14 } else { y };
        let mut style = style(size).color(&colour).pos(Pos::new(horizontal, vertical));
        if anchor == Anchor::Upwards {
            style = style.transform(FontTransform::Rotate270);
        }
        Ok(self.area.draw_text(text, &style, (large(x), large(y)))?)
    }

    /// The two lines above a picture.
    pub(super) fn headlines(&self, frame: Frame, headline: &str, subline: &str) -> Result<()> {
        let left = float(frame.left);
        let room = self.width() - left - 20.0;
        self.text(&fitted(headline, LARGE, room), (left, 48.0), LARGE, INK, Anchor::Left)?;
        self.text(&fitted(subline, SMALL, room), (left, 98.0), SMALL, FAINT, Anchor::Left)
    }

    fn width(&self) -> f64 {
        f64::from(self.area.dim_in_pixel().0) / float(SCALE)
    }

    /// Lines across a frame at the marks of its axes.
    pub(super) fn grid(&self, frame: Frame, x: &Axis, y: &Axis) -> Result<()> {
        for (x, _) in marks_across(frame, x) {
            self.line(&[(x, float(frame.top)), (x, float(frame.top + frame.height))], GRID, 1.5)?;
        }
        for (y, _) in marks_up(frame, y) {
            self.line(&[(float(frame.left), y), (float(frame.left + frame.width), y)], GRID, 1.5)?;
        }
        Ok(())
    }

    /// Marks and titles of the axes, left of and below a frame.
    pub(super) fn axes(&self, frame: Frame, x: &Axis, y: &Axis) -> Result<()> {
        let (left, bottom) = (float(frame.left), float(frame.top + frame.height));
        let middle = (left + float(frame.width) / 2.0, float(frame.top) + float(frame.height) / 2.0);
        for (x, text) in marks_across(frame, x) {
            self.line(&[(x, bottom), (x, bottom + TICK)], INK, 1.5)?;
            self.text(&text, (x, bottom + TICK + 8.0), SMALL, INK, Anchor::Top)?;
        }
        let title = fitted(&x.title, NORMAL, float(frame.width));
        self.text(&title, (middle.0, bottom + 60.0), NORMAL, INK, Anchor::Top)?;
        for (y, text) in marks_up(frame, y) {
            self.line(&[(left - TICK, y), (left, y)], INK, 1.5)?;
            self.text(&text, (left - TICK - 8.0, y), SMALL, INK, Anchor::Right)?;
        }
        let title = fitted(&y.title, NORMAL, float(frame.height));
        self.text(&title, (34.0, middle.1), NORMAL, INK, Anchor::Upwards)
    }

    /// Marks of an axis on the right of a frame, and its title.
    pub(super) fn right_axis(
        &self,
        frame: Frame,
        y: &Axis,
        marks: &[(f64, String)],
        title: &str,
    ) -> Result<()> {
        let right = float(frame.left + frame.width);
        for (position, text) in marks {
            let y = frame.y(y, *position);
            self.line(&[(right, y), (right + TICK, y)], INK, 1.5)?;
            self.text(text, (right + TICK + 8.0, y), SMALL, INK, Anchor::Left)?;
        }
        let middle = float(frame.top) + float(frame.height) / 2.0;
        let place = (right + TICK + widest(marks) + 44.0, middle);
        self.text(&fitted(title, NORMAL, float(frame.height)), place, NORMAL, INK, Anchor::Upwards)
    }
}

/// Room that marks and title of an axis need left of a frame of some height.
pub(super) fn left_margin(y: &Axis, height: usize) -> usize {
    let frame = Frame { left: 0, top: 0, width: 0, height };
    whole(widest(&marks_up(frame, y)) + TICK + 80.0)
}

/// Room that marks and title need right of a frame.
pub(super) fn right_margin(marks: &[(f64, String)]) -> usize {
    whole(widest(marks) + TICK + 84.0)
}

fn widest(marks: &[(f64, String)]) -> f64 {
    marks.iter().map(|(_, text)| text_width(text, SMALL)).fold(0.0, f64::max)
}

/// Marks side by side below a frame: where and what.
fn marks_across(frame: Frame, x: &Axis) -> Vec<(f64, String)> {
    marks(x, 12, |position| frame.x(x, position), |text| text_width(text, SMALL) + 20.0)
}

/// Marks one above the other beside a frame.
fn marks_up(frame: Frame, y: &Axis) -> Vec<(f64, String)> {
    marks(y, up_marks(frame), |position| frame.y(y, position), |_| SMALL * 1.2)
}

/// The most marks, up to `most`, whose texts do not touch; of marks that always do, those that have room.
fn marks(
    axis: &Axis,
    most: usize,
    place: impl Fn(f64) -> f64,
    extent: impl Fn(&str) -> f64,
) -> Vec<(f64, String)> {
    let touch =
        |a: &(f64, String), b: &(f64, String)| (a.0 - b.0).abs() < (extent(&a.1) + extent(&b.1)) / 2.0;
    let mut marks = Vec::new();
    for most in (2..=most).rev() {
        let ticks = axis.ticks(most).into_iter();
        marks = ticks.map(|(position, text)| (place(position), cut(&text))).collect();
        if !marks.windows(2).any(|pair| touch(&pair[0], &pair[1])) {
            return marks;
        }
    }
    marks.dedup_by(|next, kept| touch(next, kept));
    marks
}

/// Width of a text.
fn text_width(text: &str, size: f64) -> f64 {
    if !registered() {
        return 0.0;
    }
    let width = style(size).font.box_size(text).map_or(0, |(width, _)| width);
    f64::from(width) / float(SCALE)
}

/// The text, cut to a width.
fn fitted(text: &str, size: f64, width: f64) -> String {
    if text_width(text, size) <= width {
        return text.to_owned();
    }
    let mut cut: Vec<char> = text.chars().collect();
    while !cut.is_empty() && text_width(&format!("{}…", String::from_iter(&cut)), size) > width {
        cut.pop();
    }
    String::from_iter(cut) + "…"
}

/// Whether the font can be used; `plotters` keeps fonts for the whole program.
fn registered() -> bool {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    *REGISTERED.get_or_init(|| register_font(FONT, FontStyle::Normal, FONT_FILE).is_ok())
}

fn style(size: f64) -> TextStyle<'static> {
    (FONT, size * float(SCALE)).into_font().into()
}

/// Marks that an upward axis has room for.
pub(super) fn up_marks(frame: Frame) -> usize {
    (frame.height / 75).clamp(3, 10)
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LABEL_CHARS_MAX {
        return text.to_owned();
    }
    text.chars().take(LABEL_CHARS_MAX - 1).chain(['…']).collect()
}

pub(super) fn float(pixels: usize) -> f64 {
    crate::numerals::index_position(pixels)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand pixels")]
pub(super) fn whole(pixels: f64) -> usize {
    pixels.max(0.0).round() as usize
}

/// A position as it is drawn.
#[expect(
    clippy::cast_possible_truncation,
    reason = "positions lie in the picture; others are cut to the type"
)]
fn large(pixels: f64) -> i32 {
    (pixels * float(SCALE)).round() as i32
}
