//! Answers for a person: a line for a number, a table where it fits, a summary where it does not.

use std::fmt::Write as _;

use super::axes;
use super::numerals::{index_position, short};
use rangefold_array::Value;

use rangefold_query::field::{At, Field, heading, text_of};

/// A longer table is a summary.
const ROWS_MAX: usize = 50;

/// The fields as text; tables are at most `width` columns wide.
pub fn text(fields: &[Field], width: usize) -> String {
    let mut out = String::new();
    for (i, field) in fields.iter().enumerate() {
        let apart = !field.dims.is_empty() || i.checked_sub(1).is_some_and(|i| !fields[i].dims.is_empty());
        if i > 0 && apart {
            out.push('\n');
        }
        write_field(&mut out, field, width);
    }
    out
}

fn write_field(out: &mut String, field: &Field, width: usize) {
    if field.dims.is_empty() {
        return write_scalar(out, field);
    }
    let table = match field.dims.as_slice() {
        [dim] if dim.length <= ROWS_MAX => Some(series(field)),
        [rows, _] if rows.length <= ROWS_MAX => matrix(field, width),
        _ => None,
    };
    match table.map(|rows| align(&rows)) {
        Some(table) if table.lines().all(|line| line.chars().count() <= width) => {
            if field.dims.len() == 2 {
                let along = alone(field).map(|at| format!(" at {}", at.dim.name)).unwrap_or_default();
                let title = heading(&field.title(), field.units.as_deref());
                let _ = writeln!(out, "{title}{along}{}", count_note(field));
            }
            out.push_str(&table);
        }
        _ => write_summary(out, field),
    }
}

fn write_scalar(out: &mut String, field: &Field) {
    let value = field.shown(0).map_or_else(|| "no data".to_owned(), |value| named(field, 0, in_full(value)));
    let units = field.units.as_deref().filter(|_| field.value(0).is_some() && field.dates.is_none());
    let units = units.map(|units| format!(" {units}")).unwrap_or_default();
    let _ = writeln!(out, "{} = {value}{units}{}{}", field.title(), place_note(field), count_note(field));
}

/// ` at time 2001-07-03, lat 30`: where a single value stands.
fn place_note(field: &Field) -> String {
    let places = field.at.iter().filter_map(|at| Some(format!("{} {}", at.dim.name, in_full(at.label(0)?))));
    let places = places.collect::<Vec<_>>().join(", ");
    if places.is_empty() { places } else { format!(" at {places}") }
}

/// ` (count 365)`, or the range of counts; nothing where the values are the counts.
fn count_note(field: &Field) -> String {
    let counts = field.count.iter().filter(|_| field.counts_apart()).flatten();
    match (counts.clone().min(), counts.max()) {
        (Some(min), Some(max)) if min == max => format!(" (count {min})"),
        (Some(min), Some(max)) => format!(" (counts {min} to {max})"),
        _ => String::new(),
    }
}

/// Rows of label, value and count.
fn series(field: &Field) -> Vec<Vec<String>> {
    let Some(dim) = field.dims.first() else { return Vec::new() };
    let units = field.units.as_deref().filter(|_| field.dates.is_none());
    let mut rows = vec![vec![dim.heading(), heading(&field.title(), units)]];
    rows[0].extend(field.at.iter().map(|at| format!("at {}", at.dim.name)));
    if field.counts_apart() {
        rows[0].push("count".to_owned());
    }
    for i in 0..field.cells() {
        let mut row = vec![readable(&dim.label(i)), cell(field, i)];
        row.extend(field.at.iter().map(|at| printed(at.label(i))));
        if field.counts_apart() {
            row.push(field.count(i).unwrap_or(0).to_string());
        }
        rows.push(row);
    }
    rows
}

/// What a place is told by in a matrix: its label, if it lies along a single dimension.
fn alone(field: &Field) -> Option<&At> {
    if let [at] = field.at.as_slice() { Some(at) } else { None }
}

/// Rows of the first dimension, columns of the second; `None` if there are more columns than fit.
fn matrix(field: &Field, width: usize) -> Option<Vec<Vec<String>>> {
    let [outer, inner] = field.dims.as_slice() else { return None };
    if inner.length > width / 2 {
        return None;
    }
    let corner = format!("{} \\ {}", outer.name, inner.name);
    let mut rows =
        vec![std::iter::once(corner).chain((0..inner.length).map(|i| readable(&inner.label(i)))).collect()];
    for row in 0..outer.length {
        let shown = |i| alone(field).map_or_else(|| cell(field, i), |at| printed(at.label(i)));
        let cells = (0..inner.length).map(|column| shown(row * inner.length + column));
        rows.push(std::iter::once(readable(&outer.label(row))).chain(cells).collect());
    }
    Some(rows)
}

fn cell(field: &Field, i: usize) -> String {
    named(field, i, printed(field.shown(i)))
}

/// `clear (1)`: a value behind its name, if it has one.
fn named(field: &Field, i: usize, value: String) -> String {
    match field.meaning(i) {
        Some(meaning) => format!("{meaning} ({value})"),
        None => value,
    }
}

/// A value in seven digits, `-` if missing.
fn printed(value: Option<Value<'_>>) -> String {
    match value {
        None => "-".to_owned(),
        Some(Value::Float(x)) => short(x),
        Some(value) => in_full(value),
    }
}

/// A value in all its digits; an empty text as `""`.
fn in_full(value: Value<'_>) -> String {
    if value == Value::Text("") { "\"\"".to_owned() } else { readable(&text_of(value)) }
}

/// A text without control characters, which a terminal would obey: they are escaped.
fn readable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// Columns as wide as they need to be; the first to the left, numbers to the right.
fn align(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        for (i, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = if i == 0 { write!(out, "{cell:<width$}") } else { write!(out, "  {cell:>width$}") };
        }
        out.push('\n');
    }
    out
}

fn write_summary(out: &mut String, field: &Field) {
    let shape: Vec<String> = field.dims.iter().map(|dim| format!("{}={}", dim.name, dim.length)).collect();
    let title = heading(&field.title(), field.units.as_deref());
    let _ = writeln!(out, "{title}: {} ({}){}", field.element.name(), shape.join(", "), count_note(field));
    for dim in field.dims.iter().filter(|dim| dim.length > 0) {
        let (first, last) = (dim.label(0), dim.label(dim.length - 1));
        let _ = writeln!(out, "  {}: {first} to {last}", dim.heading());
    }
    for at in field.at.iter().filter(|at| at.dim.length > 0) {
        let (first, last) = (at.dim.label(0), at.dim.label(at.dim.length - 1));
        let _ = writeln!(out, "  at {}: {first} to {last}", at.dim.heading());
    }
    let numbers = (0..field.cells()).filter_map(|i| axes::number(field, i));
    let (sum, count) = numbers.fold((0.0, 0_usize), |(sum, count), x| (sum + x, count + 1));
    // The mean of places says nothing.
    if let Some((low, high)) = axes::range(field).filter(|_| field.at.is_empty()) {
        let mean = short(sum / index_position(count));
        let _ = writeln!(out, "  cells: {} to {}, mean of the cells {mean}", short(low), short(high));
    }
    if field.missing() > 0 {
        let _ = writeln!(out, "  missing: {} of {} cells", field.missing(), field.cells());
    }
    let _ = writeln!(out, "  -o FILE.nc.json, .zarr, .npy, .csv or .png writes all of it; --json prints it");
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use rangefold_array::Values;
    use rangefold_query::samples;

    #[test]
    fn a_number_is_a_sentence() {
        let mut nothing = samples::scalar();
        (nothing.valid, nothing.count) = (vec![false], Some(vec![0]));
        expect![[r#"
            tas mean = 280.1 K (count 365)
            tas mean = no data (count 0)
        "#]]
        .assert_eq(&text(&[samples::scalar(), nothing], 80));
    }

    #[test]
    fn one_dimension_is_a_table() {
        let mut field =
            samples::floats("tas", vec![samples::months(3)], vec![280.123_456_789, f64::NAN, -1e-7]);
        field.operation = samples::map().operation;
        field.count = Some(vec![31, 0, 1]);
        expect![[r#"
            time        tas mean [K]  count
            2001-01-01      280.1235     31
            2001-02-01             -      0
            2001-03-01         -1e-7      1
        "#]]
        .assert_eq(&text(&[field], 80));
    }

    #[test]
    fn two_dimensions_are_a_matrix() {
        expect![[r#"
            tas mean [K] (counts 0 to 365)
            lat \ lon      0     120  240
            -30        280.1       -  281
            30         279.4  290.25  300
        "#]]
        .assert_eq(&text(&[samples::map()], 80));
    }

    #[test]
    fn places_are_told_by_where_they_are() {
        let (mut map, at) = (samples::map(), samples::months(3));
        map.units = None;
        (map.values, map.at) = (Values::Signed(vec![0, 0, 7, 2, 2, 0]), Vec::new());
        let index = vec![Some(0), None, Some(2), Some(1), Some(1), Some(0)];
        map.at.push(At { dim: at, index });
        expect![[r#"
            tas mean at time (counts 0 to 365)
            lat \ lon           0         120         240
            -30        2001-01-01           -  2001-03-01
            30         2001-02-01  2001-02-01  2001-01-01
        "#]]
        .assert_eq(&text(&[map.clone()], 80));
        expect![[r#"
            tas mean: float64 (lat=2, lon=3) (counts 0 to 365)
              lat [degrees_north]: -30 to 30
              lon [degrees_east]: 0 to 240
              at time: 2001-01-01 to 2001-03-01
              missing: 1 of 6 cells
              -o FILE.nc.json, .zarr, .npy, .csv or .png writes all of it; --json prints it
        "#]]
        .assert_eq(&text(&[map], 20));
    }

    #[test]
    fn texts_do_not_command_the_terminal() {
        let mut field = samples::integers(Vec::new(), vec![true, true]);
        field.values = Values::Text(vec!["a\tb\u{1b}[2J".into(), String::new()]);
        field.dims[0].coordinate = None;
        expect![[r#"
            station          obs/n
            0        a\tb\u{1b}[2J
            1                   ""
        "#]]
        .assert_eq(&text(&[field], 80));
    }

    #[test]
    fn what_does_not_fit_is_summarised() {
        expect![[r#"
            tas mean [K]: float64 (lat=2, lon=3) (counts 0 to 365)
              lat [degrees_north]: -30 to 30
              lon [degrees_east]: 0 to 240
              cells: 279.4 to 300, mean of the cells 286.15
              missing: 1 of 6 cells
              -o FILE.nc.json, .zarr, .npy, .csv or .png writes all of it; --json prints it
        "#]]
        .assert_eq(&text(&[samples::map()], 20));
    }

    #[test]
    fn integers_are_never_rounded() {
        let mut field = samples::integers(vec![i64::MAX], vec![true]);
        expect![[r#"
            station                   obs/n
            St. "0", N  9223372036854775807
        "#]]
        .assert_eq(&text(&[field.clone()], 80));
        field.values = Values::Signed(vec![12]);
        field.dims.clear();
        assert_eq!(text(&[field], 80), "obs/n = 12\n");
    }
}
