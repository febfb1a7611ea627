//! Sketches for a terminal: maps in shades or colours, series as lines.
//!
//! ```text
//! tas mean [K]                          tas [K]
//!  90°N ┤ ░░▒▒▓▓██  ▓▓▒▒                300 ┤      ⢀⡠⠤⢄⡀
//!       │ ░▒▒▓███████▓▒                     │  ⢀⡠⠊⠁   ⠈⠢
//!  90°S ┤ ░░░▒▒▓▓▓▓▒▒▒░                 280 ┤⡠⠊
//!       0°         180°                     2001-01    2001-12
//! ```
//! Without UTF-8 everything is ASCII; with 24-bit colour a character cell holds two pixels.

use std::fmt::Write as _;

use crate::error::{Result, bail};

use super::axes::{Axis, MapLayout, range};
use super::picture::{Palette, Shown, bar_axes, bars, plotted_dims, runs};
use rangefold_query::field::{Dim, Field, heading};

/// What the terminal can show.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// Columns.
    pub width: usize,
    /// Lines.
    pub height: usize,
    /// Whether it takes UTF-8.
    pub unicode: bool,
    /// Whether it takes 24-bit colours.
    pub colour: bool,
}

/// Lines of a sketch at the most.
const LINES_MAX: usize = 40;
const SHADES: [char; 5] = ['·', '░', '▒', '▓', '█'];
const ASCII_SHADES: [char; 9] = ['.', ':', '-', '=', '+', '*', '#', '%', '@'];
const MISSING: char = ' ';
const RESET: &str = "\u{1b}[0m";

impl Terminal {
    /// The text without what an ASCII terminal cannot show.
    fn plain(self, text: &str) -> String {
        if self.unicode {
            return text.to_owned();
        }
        let spell = |c: char| match c {
            '°' => String::new(),
            '−' | '⁻' => "-".to_owned(),
            '×' => "x".to_owned(),
            '┤' | '│' => "|".to_owned(),
            c if c.is_ascii() => c.to_string(),
            _ => "?".to_owned(),
        };
        text.chars().map(spell).collect()
    }
}

/// The field as a sketch of at most the terminal's size.
///
/// # Errors
///
/// More or fewer than one or two dimensions of more than one index are left, or the values are no numbers.
pub fn sketch(field: &Field, terminal: Terminal) -> Result<String> {
    let terminal = Terminal { unicode: terminal.unicode || terminal.colour, ..terminal };
    let (width, height) = (terminal.width.max(20), terminal.height.saturating_sub(4).clamp(4, LINES_MAX));
    let dims = plotted_dims(field)?;
    let title = heading(&field.title(), field.units.as_deref());
    if let Some(bars) = bars(field) {
        let (x, y) = bar_axes(field, &bars);
        let body = histogram(&bars, (&x, &y), width, height, terminal);
        return Ok(format!("{}\n{body}", terminal.plain(&title)));
    }
    let shown = Shown::new(field);
    let Some(range) = range(&shown.field) else { bail!("{} has no data to sketch", field.title()) };
    let body = match dims.as_slice() {
        [dim] => series(&shown, dim, range, width, height, terminal),
        [outer, inner] => map(&shown, &MapLayout::new([outer, inner]), range, width, height, terminal),
        _ => String::new(),
    };
    Ok(format!("{}\n{body}", terminal.plain(&title)))
}

fn map(
    shown: &Shown<'_>,
    layout: &MapLayout,
    range: (f64, f64),
    width: usize,
    height: usize,
    terminal: Terminal,
) -> String {
    let (field, (low, high)) = (&*shown.field, shown.ends(range));
    let gutter = gutter(&layout.y, height, terminal);
    let columns = width.saturating_sub(gutter + 2).max(1);
    let palette = Palette::new(field, low, high);
    let (low, high) = (palette.low, palette.high);
    let mut lines = Vec::with_capacity(height);
    if terminal.colour {
        let pixels = layout.sample(field, columns, height * 2);
        for pair in pixels.chunks(columns * 2) {
            let (upper, lower) = pair.split_at(columns);
            let mut line = String::new();
            for (upper, lower) in upper.iter().zip(lower) {
                let ([r, g, b], [s, h, c]) = (palette.colour(*upper), palette.colour(*lower));
                let _ = write!(line, "\u{1b}[38;2;{r};{g};{b};48;2;{s};{h};{c}m▀");
            }
            lines.push(line + RESET);
        }
    } else {
        let shades: &[char] = if terminal.unicode { &SHADES } else { &ASCII_SHADES };
        let pixels = layout.sample(field, columns, height);
        let shade = |pixel: &Option<f64>| pixel.map_or(MISSING, |x| shade(shades, (x - low) / (high - low)));
        lines.extend(pixels.chunks(columns).map(|row| row.iter().map(shade).collect()));
    }
    let mut out = frame(&lines, (&layout.x, &layout.y), columns, gutter, terminal);
    let (scale, scale_width) = scale(&palette, shown, terminal);
    let indent = (gutter + 2).min(width.saturating_sub(scale_width));
    let _ = writeln!(out, "{:indent$}{scale}", "");
    out
}

/// The shade of a value from 0 to 1; NaN, which a constant field gives, is in the middle.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the shades there are"
)]
fn shade(shades: &[char], part: f64) -> char {
    let count = super::numerals::index_position(shades.len());
    let part = if part.is_nan() { 0.5 } else { part };
    let index = (part * count).floor().clamp(0.0, count - 1.0);
    shades.get(index as usize).copied().unwrap_or(MISSING)
}

/// What shades and colours mean, and the columns that takes.
fn scale(palette: &Palette, shown: &Shown<'_>, terminal: Terminal) -> (String, usize) {
    // The first and the last name or label, where there are some.
    let ends = shown.scale.as_ref().map(|scale| scale.ticks(scale.centres.len().max(2)));
    let text = |end: Option<&(f64, String)>, value| {
        end.map_or_else(|| super::numerals::short(value), |(_, text)| terminal.plain(text))
    };
    let low = text(ends.as_ref().and_then(|ends| ends.first()), palette.low);
    let high = text(ends.as_ref().and_then(|ends| ends.last()), palette.high);
    let colour = |i| palette.colour(Some(palette.low + (palette.high - palette.low) * f64::from(i) / 15.0));
    let (bar, bar_width): (String, usize) = if terminal.colour {
        let cells = (0..16).map(colour).map(|[r, g, b]| format!("\u{1b}[38;2;{r};{g};{b}m█"));
        (cells.chain([RESET.to_owned()]).collect(), 16)
    } else {
        let shades: &[char] = if terminal.unicode { &SHADES } else { &ASCII_SHADES };
        (shades.iter().collect(), shades.len())
    };
    let width = low.chars().count() + bar_width + high.chars().count() + 2;
    (format!("{low} {bar} {high}"), width)
}

/// Dots of a braille character, in rows of two.
const DOTS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// Filled columns between the edges of bins.
fn histogram(
    bars: &[(f64, f64, f64)],
    (x, y): (&Axis, &Axis),
    width: usize,
    height: usize,
    terminal: Terminal,
) -> String {
    let gutter = gutter(y, height, terminal);
    let columns = width.saturating_sub(gutter + 2).max(1);
    let step = (x.end - x.begin) / super::numerals::index_position(columns);
    let full = if terminal.unicode { '█' } else { '#' };
    let tops: Vec<usize> = (0..columns)
        .map(|column| {
            let position = x.begin + step * (super::numerals::index_position(column) + 0.5);
            let bar =
                bars.iter().find(|(low, high, count)| *low <= position && position < *high && *count > 0.0);
            bar.map_or(height, |(.., count)| nearest(*count, (y.begin, y.end), height))
        })
        .collect();
    let line = |row| tops.iter().map(|&top| if row >= top { full } else { ' ' }).collect();
    let lines: Vec<String> = (0..height).map(line).collect();
    frame(&lines, (x, y), columns, gutter, terminal)
}

fn series(
    shown: &Shown<'_>,
    dim: &Dim,
    (low, high): (f64, f64),
    width: usize,
    height: usize,
    terminal: Terminal,
) -> String {
    let x = Axis::new(dim);
    let y = shown.scale.clone().unwrap_or_else(|| Axis::of_values(low, high));
    let gutter = gutter(&y, height, terminal);
    let columns = width.saturating_sub(gutter + 2).max(1);
    let (across, up) = if terminal.unicode { (2, 4) } else { (1, 1) };
    let (dots_x, dots_y) = (columns * across, height * up);
    let mut dots = vec![false; dots_x * dots_y];
    let place = |(position, value)| {
        let column = (dots_x - 1) - nearest(position, (x.begin, x.end), dots_x);
        (column, nearest(value, (y.begin, y.end), dots_y))
    };
    for run in runs(&shown.field, &x, dots_x) {
        let places: Vec<(usize, usize)> = run.into_iter().map(place).collect();
        for pair in places.windows(2).chain([&places[..1].repeat(2)[..]]) {
            join(pair[0], pair[1], |(column, row)| dots[row * dots_x + column] = true);
        }
    }
    let lines: Vec<String> = (0..height)
        .map(|line| {
            let cell = |column: usize| {
                let dot = |dx: usize, dy: usize| dots[(line * up + dy) * dots_x + column * across + dx];
                if !terminal.unicode {
                    return if dot(0, 0) { '*' } else { ' ' };
                }
                let bits = DOTS.iter().enumerate().flat_map(|(dy, bits)| {
                    bits.iter().enumerate().filter(move |(dx, _)| dot(*dx, dy)).map(|(_, bit)| *bit)
                });
                char::from_u32(0x2800 + bits.sum::<u32>()).unwrap_or(' ')
            };
            (0..columns).map(cell).collect()
        })
        .collect();
    frame(&lines, (&x, &y), columns, gutter, terminal)
}

/// Dots of a straight line.
fn join(from: (usize, usize), to: (usize, usize), mut dot: impl FnMut((usize, usize))) {
    let steps = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1)).max(1);
    let along = |a: usize, b: usize, step: usize| (a * (steps - step) + b * step + steps / 2) / steps;
    (0..=steps).for_each(|step| dot((along(from.0, to.0, step), along(from.1, to.1, step))));
}

/// The place, from the end of the axis, of a position.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the rows there are")]
fn nearest(value: f64, (low, high): (f64, f64), rows: usize) -> usize {
    let last = super::numerals::index_position(rows.saturating_sub(1));
    ((1.0 - (value - low) / (high - low)) * last).round().clamp(0.0, last) as usize
}

/// Columns that the marks of an upward axis need.
fn gutter(axis: &Axis, height: usize, terminal: Terminal) -> usize {
    axis.ticks(height / 3 + 1).iter().map(|(_, text)| terminal.plain(text).chars().count()).max().unwrap_or(0)
}

/// The lines with both axes around them.
fn frame(
    lines: &[String],
    (x, y): (&Axis, &Axis),
    columns: usize,
    gutter: usize,
    terminal: Terminal,
) -> String {
    let mut marks = vec![String::new(); lines.len()];
    for (position, text) in y.ticks(lines.len() / 3 + 1) {
        if let Some(mark) = marks.get_mut(nearest(position, (y.begin, y.end), lines.len())) {
            *mark = terminal.plain(&text);
        }
    }
    let mut out = String::new();
    for (mark, line) in marks.iter().zip(lines) {
        let border = if mark.is_empty() { "│" } else { "┤" };
        let pad = " ".repeat(gutter.saturating_sub(mark.chars().count()));
        let _ = writeln!(out, "{pad}{mark} {}{line}", terminal.plain(border));
    }
    let mut below = vec![' '; columns];
    let mut free = 0;
    for (position, text) in x.ticks(columns / 14 + 1) {
        let middle = columns - 1 - nearest(position, (x.begin, x.end), columns);
        let text = terminal.plain(&text);
        let length = text.chars().count();
        let start = middle.saturating_sub(length / 2).min(columns.saturating_sub(length));
        if start >= free && length <= columns {
            below.iter_mut().skip(start).zip(text.chars()).for_each(|(place, c)| *place = c);
            free = start + length + 1;
        }
    }
    let below: String = below.into_iter().collect();
    let _ = writeln!(out, "{:gutter$}  {}", "", below.trim_end());
    out
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use rangefold_query::samples;

    const ASCII: Terminal = Terminal { width: 40, height: 12, unicode: false, colour: false };
    const UNICODE: Terminal = Terminal { unicode: true, ..ASCII };

    fn year() -> Field {
        let values =
            (0..12).map(|i| if i == 5 { f64::NAN } else { 280.0 - 10.0 * (f64::from(i) / 1.9).cos() });
        samples::floats("tas", vec![samples::months(12)], values.collect())
    }

    #[test]
    fn a_map_is_shaded() {
        expect![[r#"
            tas mean [K]
            60N |............+++++++++++@@@@@@@@@@@@
                |............+++++++++++@@@@@@@@@@@@
                |............+++++++++++@@@@@@@@@@@@
                |............+++++++++++@@@@@@@@@@@@
              0 |............           ............
                |............           ............
                |............           ............
            60S |............           ............
                       0      90E      180     90W
                 279.4 .:-=+*#%@ 300
        "#]]
        .assert_eq(&sketch(&samples::map(), ASCII).unwrap());
        expect![[r#"
            tas mean [K]
            60°N ┤···········▒▒▒▒▒▒▒▒▒▒▒▒███████████
                 │···········▒▒▒▒▒▒▒▒▒▒▒▒███████████
                 │···········▒▒▒▒▒▒▒▒▒▒▒▒███████████
                 │···········▒▒▒▒▒▒▒▒▒▒▒▒███████████
              0° ┤···········            ···········
                 │···········            ···········
                 │···········            ···········
            60°S ┤···········            ···········
                      0°      90°E    180°    90°W
                  279.4 ·░▒▓█ 300
        "#]]
        .assert_eq(&sketch(&samples::map(), UNICODE).unwrap());
    }

    #[test]
    fn a_series_is_a_line_with_gaps() {
        expect![[r#"
            tas [K]
            290 |                  **               
                |                    ***            
                |            **         **          
            280 |          **             **        
                |        **                 **      
                |      **                     ***   
                |   ***                          ** 
            270 | **                                
                 2001-01        2001-07
        "#]]
        .assert_eq(&sketch(&year(), ASCII).unwrap());
        expect![[r#"
            tas [K]
            290 ┤⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠐⠢⠤⣀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀
                │⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠑⢄⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀
                │⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⢀⠔⠁⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠑⢄⠀⠀⠀⠀⠀⠀⠀⠀⠀
            280 ┤⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⡠⠊⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠣⡀⠀⠀⠀⠀⠀⠀⠀
                │⠀⠀⠀⠀⠀⠀⠀⠀⢠⠊⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠈⢆⠀⠀⠀⠀⠀⠀
                │⠀⠀⠀⠀⠀⠀⢀⠔⠁⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠱⡀⠀⠀⠀⠀
                │⠀⠀⠀⠀⠀⡠⠃⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠈⠢⢄⠀⠀
            270 ┤⠀⠠⠔⠒⠉⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠁⠀
                 2001-01        2001-07
        "#]]
        .assert_eq(&sketch(&year(), UNICODE).unwrap());
    }

    #[test]
    fn a_histogram_is_bars_between_its_edges() {
        let mut field = samples::integers(vec![2, 8, 0, 4], vec![true; 4]);
        field.operation = Some(samples::operation("histogram(250,260,270)", &["time"]));
        field.count = Some(vec![14]);
        let bins = field.dims[0].coordinate.as_mut().unwrap();
        bins.bounds = Some(rangefold_array::Values::Float(vec![0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0]));
        expect![[r#"
            obs/n histogram(250,260,270)
              |         #########                   
              |         #########                   
              |         #########                   
            5 |         #########                   
              |         #########          #########
              |##################          #########
              |##################          #########
            0 |##################          #########
               0                 2                 4
        "#]]
        .assert_eq(&sketch(&field, ASCII).unwrap());
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in [20, 33, 80, 200] {
            let terminal = Terminal { width, ..UNICODE };
            for field in [samples::map(), year()] {
                let text = sketch(&field, terminal).unwrap();
                assert!(text.lines().all(|line| line.chars().count() <= width), "{width}: {text}");
            }
        }
    }

    #[test]
    fn colours_put_two_pixels_into_a_character() {
        let text = sketch(&samples::map(), Terminal { colour: true, ..UNICODE }).unwrap();
        assert!(text.contains("\u{1b}[38;2;"));
        assert!(text.lines().skip(1).take(8).all(|line| line.ends_with(RESET)));
    }

    #[test]
    fn numbers_and_nothing_are_not_sketched() {
        assert_eq!(
            sketch(&samples::scalar(), ASCII).unwrap_err().to_string(),
            "a picture shows one or two dimensions, and tas mean has none"
        );
    }
}
