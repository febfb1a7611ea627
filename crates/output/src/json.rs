//! JSON: the contract of `--json`, one document per line.
//!
//! ```json
//! {"variable":"tas","op":"mean","over":["time"],"dims":["lat"],"shape":[2],"dtype":"float64","values":[280.1,null],
//!  "count":[365,0],"units":"K","coords":{"lat":[-30.0,30.0]},"chunks":{"total":1,"missing":0,"read":1},"bytes":{...},"seconds":0.12}
//! ```
//! `expression` is the operation with its condition or edges, where it has some; `anomaly`, `by`, `rolling`, `weights`, `mask`, `where`,
//! `select` and `raw` stand there as they were asked, if they were. `coords` has the labels of each dimension that has some, times as dates; `at`, for argmin and argmax, where each value
//! stands: `"at":{"time":["2001-07-03",null]}`, by position where a dimension has no labels.
//! `meanings` names values that are flags or members of an enumeration; times are dates in `calendar`, if that is given.
//! Integers are exact, NaN and infinities are strings, missing values are `null`, complex numbers are pairs. Decoded
//! selections have no `op`, `over` and `count`. Floats of 32 bits are printed as the 64-bit number they equal.

use std::fmt::Write as _;

use serde_json::json;

use rangefold_array::Value;

use rangefold_query::field::{Dim, Field, Operation};
use rangefold_query::number;

/// One line for each field.
pub fn lines(fields: &[Field]) -> String {
    let mut out = String::new();
    for field in fields {
        write_document(&mut out, field);
        out.push('\n');
    }
    out
}

fn write_document(out: &mut String, field: &Field) {
    let _ = write!(out, "{{\"variable\":{}", json!(field.variable));
    if let Some(operation) = &field.operation {
        let _ = write!(out, ",\"op\":{},\"over\":{}", json!(operation.name()), json!(operation.over));
        write_asked(out, operation);
    }
    if let Some(anomaly) = &field.anomaly {
        let _ = write!(out, ",\"anomaly\":{}", json!(anomaly));
    }
    if let Some(selection) = &field.selection {
        let _ = write!(out, ",\"select\":{}", json!(selection));
    }
    if field.raw {
        out.push_str(",\"raw\":true");
    }
    let dims: Vec<&str> = field.dims.iter().map(|dim| dim.name.as_str()).collect();
    let shape = field.shape();
    let _ = write!(
        out,
        ",\"dims\":{},\"shape\":{},\"dtype\":{},\"values\":",
        json!(dims),
        json!(shape),
        json!(field.element.name())
    );
    nested(out, &shape, &mut |out, i| write_value(out, field.shown(i)));
    if !field.flags.is_empty() {
        out.push_str(",\"meanings\":");
        nested(out, &shape, &mut |out, i| write_value(out, field.meaning(i).map(Value::Text)));
    }
    if let Some(count) = &field.count {
        out.push_str(",\"count\":");
        nested(out, shape.get(..field.count_dims().len()).unwrap_or(&shape), &mut |out, i| {
            let _ = write!(out, "{}", count.get(i).copied().unwrap_or(0));
        });
    }
    write_places(out, field);
    if let Some(units) = &field.units {
        let _ = write!(out, ",\"units\":{}", json!(units));
    }
    if let Some(calendar) = &field.calendar {
        let _ = write!(out, ",\"calendar\":{}", json!(calendar));
    }
    write_coords(out, &field.dims);
    if let Some(effort) = &field.effort {
        let chunks = json!({"total": effort.chunks_total, "missing": effort.chunks_missing, "read": effort.chunks_read});
        let bytes = json!({"referenced": effort.bytes_referenced, "fetched": effort.bytes_fetched, "decoded": effort.bytes_decoded});
        let seconds = number::float(effort.seconds);
        let _ = write!(out, ",\"chunks\":{chunks},\"bytes\":{bytes},\"seconds\":{seconds}");
    }
    out.push('}');
}

/// Writes what was asked beside the operation's name, where there is something.
fn write_asked(out: &mut String, operation: &Operation) {
    let Operation { reduction: _, over: _, gathered: _, by, rolling, weights, mask, condition } = operation;
    let (name, expression) = (operation.name(), operation.expression());
    let texts = [
        ("expression", Some(&expression).filter(|expression| **expression != name)),
        ("rolling", rolling.as_ref()),
        ("mask", mask.as_ref()),
        ("where", condition.as_ref()),
    ];
    for (member, text) in texts {
        if let Some(text) = text {
            let _ = write!(out, ",\"{member}\":{}", json!(text));
        }
    }
    for (member, list) in [("by", by), ("weights", weights)] {
        if !list.is_empty() {
            let _ = write!(out, ",\"{member}\":{}", json!(list));
        }
    }
}

/// Writes where the values of cells stand: a label for each along each dimension, nested as the values are.
fn write_places(out: &mut String, field: &Field) {
    let shape = field.shape();
    for (place, at) in field.at.iter().enumerate() {
        out.push_str(if place == 0 { ",\"at\":{" } else { "," });
        let _ = write!(out, "{}:", json!(at.dim.name));
        nested(out, &shape, &mut |out, i| write_value(out, at.label(i)));
    }
    if !field.at.is_empty() {
        out.push('}');
    }
}

/// Writes the labels of the dimensions that have some.
fn write_coords(out: &mut String, dims: &[Dim]) {
    let labelled = dims.iter().filter_map(|dim| Some((dim, dim.coordinate.as_ref()?)));
    for (place, (dim, coordinate)) in labelled.enumerate() {
        out.push_str(if place == 0 { ",\"coords\":{" } else { "," });
        let _ = write!(out, "{}:", json!(dim.name));
        nested(out, &[dim.length], &mut |out, i| write_value(out, coordinate.label(i)));
    }
    if dims.iter().any(|dim| dim.coordinate.is_some()) {
        out.push('}');
    }
}

/// Writes nested lists of `shape`; `leaf` writes the element of a row-major index.
pub(super) fn nested(out: &mut String, shape: &[usize], leaf: &mut dyn FnMut(&mut String, usize)) {
    write_level(out, shape, 0, leaf);
}

/// Writes the lists below one index; `first` is that index as a row-major number of lists.
fn write_level(out: &mut String, shape: &[usize], first: usize, leaf: &mut dyn FnMut(&mut String, usize)) {
    let Some((&length, inner)) = shape.split_first() else { return leaf(out, first) };
    out.push('[');
    for i in 0..length {
        if i > 0 {
            out.push(',');
        }
        write_level(out, inner, first * length + i, leaf);
    }
    out.push(']');
}

fn write_value(out: &mut String, value: Option<Value<'_>>) {
    let _ = match value {
        None => write!(out, "null"),
        Some(Value::Signed(x)) => write!(out, "{x}"),
        Some(Value::Unsigned(x)) => write!(out, "{x}"),
        Some(Value::Bool(x)) => write!(out, "{x}"),
        Some(Value::Float(x)) => write!(out, "{}", number::float(x)),
        Some(Value::Complex([re, im])) => write!(out, "[{},{}]", number::float(re), number::float(im)),
        Some(Value::Text(text)) => write!(out, "{}", json!(text)),
    };
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use rangefold_array::Values;
    use rangefold_query::field::Dim;
    use rangefold_query::samples;

    #[test]
    fn an_answer_is_one_line_in_the_order_of_the_contract() {
        expect![[r#"
            {"variable":"tas","op":"mean","over":["time"],"dims":["lat","lon"],"shape":[2,3],"dtype":"float64","values":[[280.1,null,281.0],[279.4,290.25,300.0]],"count":[[365,0,365],[365,364,365]],"units":"K","coords":{"lat":[-30.0,30.0],"lon":[0.0,120.0,240.0]},"chunks":{"total":365,"missing":0,"read":365},"bytes":{"referenced":123456,"fetched":130000,"decoded":999999},"seconds":0.12}
        "#]]
        .assert_eq(&lines(&[samples::map()]));
    }

    #[test]
    fn the_count_of_a_histogram_of_one_bin_is_a_number_too() {
        let mut field = samples::map();
        field.operation.as_mut().unwrap().reduction = samples::operation("histogram(0,1,2,3)", &[]).reduction;
        field.dims = vec![Dim { name: "bin".to_owned(), length: 1, coordinate: None }];
        (field.values, field.valid, field.count) = (Values::Signed(vec![3]), vec![true], Some(vec![7]));
        let line = lines(&[field]);
        assert!(line.contains(r#""values":[3],"count":7,"#), "{line}");
    }

    #[test]
    fn everything_reduced_is_a_number() {
        expect![[r#"
            {"variable":"tas","op":"mean","over":["time","lat"],"dims":[],"shape":[],"dtype":"float64","values":280.1,"count":365,"units":"K"}
        "#]]
        .assert_eq(&lines(&[samples::scalar()]));
    }

    #[test]
    fn integers_are_exact_and_what_json_cannot_say_is_a_string() {
        let integers = samples::integers(vec![i64::MAX, 0], vec![true, false]);
        let mut floats = samples::map();
        floats.values = Values::Float(vec![f64::NAN, 0.0, f64::INFINITY, f64::NEG_INFINITY, 0.1, 1e300]);
        (floats.operation, floats.count, floats.effort) = (None, None, None);
        expect![[r#"
            {"variable":"obs/n","dims":["station"],"shape":[2],"dtype":"int64","values":[9223372036854775807,null],"coords":{"station":["St. \"0\", N","St. \"1\", N"]}}
            {"variable":"tas","dims":["lat","lon"],"shape":[2,3],"dtype":"float64","values":[["NaN",null,"Infinity"],["-Infinity",0.1,1e+300]],"units":"K","coords":{"lat":[-30.0,30.0],"lon":[0.0,120.0,240.0]}}
        "#]]
        .assert_eq(&lines(&[integers, floats]));
    }

    #[test]
    fn lists_of_nothing_keep_their_depth() {
        let mut out = String::new();
        nested(&mut out, &[2, 0, 3], &mut |_, _| unreachable!("there is no element"));
        assert_eq!(out, "[[],[]]");
    }
}
