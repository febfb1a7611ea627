//! CSV: one row per cell, coordinates first, as RFC 4180 quotes it; lines end in a line feed.
//!
//! ```csv
//! lat [degrees_north],lon [degrees_east],tas mean [K],count
//! -30,0,280.1,365
//! -30,120,,0
//! ```
//! Numbers are printed in full, missing values are empty, times are dates. Behind the places of extremes stand their
//! coordinates, in columns such as `tas argmax at time`; beside flags and members of enumerations what they mean, in
//! `cloud max meaning`.

use crate::error::{Result, bail};

use rangefold_query::field::{Field, heading, text_of};

/// The fields side by side.
///
/// # Errors
///
/// They are not on the same cells.
pub(super) fn encode(fields: &[Field]) -> Result<String> {
    let Some((first, others)) = fields.split_first() else { return Ok(String::new()) };
    if let Some(other) = others.iter().find(|other| other.dims != first.dims) {
        bail!(
            "one table cannot hold {} of shape {:?} beside {} of shape {:?}: their dimensions or coordinates differ; \
             .zarr, .nc.json and .json can",
            other.title(),
            other.shape(),
            first.title(),
            first.shape()
        );
    }
    let mut out = String::new();
    let dims = first.dims.iter().map(|dim| dim.heading());
    let columns = fields.iter().flat_map(|field| {
        let value = heading(&field.title(), field.units.as_deref().filter(|_| field.dates.is_none()));
        let count = if fields.len() == 1 { "count".to_owned() } else { format!("{} count", field.title()) };
        let at = field.at.iter().map(|at| format!("{} at {}", field.title(), at.dim.heading()));
        let meaning = (!field.flags.is_empty()).then(|| format!("{} meaning", field.title()));
        std::iter::once(value).chain(meaning).chain(at).chain(field.counts_apart().then_some(count))
    });
    write_row(&mut out, dims.chain(columns));
    for i in 0..first.cells() {
        let labels = first.index(i).into_iter().zip(&first.dims).map(|(i, dim)| dim.label(i));
        let values = fields.iter().flat_map(|field| {
            let value = field.shown(i).map(text_of).unwrap_or_default();
            let at = field.at.iter().map(move |at| at.label(i).map(text_of).unwrap_or_default());
            let count = field.counts_apart().then(|| field.count(i).unwrap_or(0).to_string());
            let meaning = (!field.flags.is_empty()).then(|| field.meaning(i).unwrap_or_default().to_owned());
            std::iter::once(value).chain(meaning).chain(at).chain(count)
        });
        write_row(&mut out, labels.chain(values));
    }
    Ok(out)
}

fn write_row(out: &mut String, cells: impl Iterator<Item = String>) {
    for (i, cell) in cells.enumerate() {
        if i > 0 {
            out.push(',');
        }
        if cell.contains(['"', ',', '\n', '\r']) {
            out.push('"');
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(&cell);
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use rangefold_query::samples;

    #[test]
    fn a_map_is_a_row_per_cell() {
        expect![[r#"
            lat [degrees_north],lon [degrees_east],tas mean [K],count
            -30,0,280.1,365
            -30,120,,0
            -30,240,281,365
            30,0,279.4,365
            30,120,290.25,364
            30,240,300,365
        "#]]
        .assert_eq(&encode(&[samples::map()]).unwrap());
    }

    #[test]
    fn dates_label_times_and_answers_stand_side_by_side() {
        let mean = samples::floats("tas", vec![samples::months(2)], vec![1.5, f64::NAN]);
        let mut max = mean.clone();
        max.operation = Some(samples::operation("max", &["lat"]));
        max.count = Some(vec![3, 0]);
        expect![[r#"
            time,tas [K],tas max [K],tas max count
            2001-01-01,1.5,1.5,3
            2001-02-01,,,0
        "#]]
        .assert_eq(&encode(&[mean, max]).unwrap());
    }

    #[test]
    fn texts_are_quoted() {
        expect![[r#"
            station,obs/n
            "St. ""0"", N",1
            "St. ""1"", N",
        "#]]
        .assert_eq(&encode(&[samples::integers(vec![1, 2], vec![true, false])]).unwrap());
    }

    #[test]
    fn a_scalar_is_a_row() {
        assert_eq!(encode(&[samples::scalar()]).unwrap(), "tas mean [K],count\n280.1,365\n");
    }

    #[test]
    fn different_cells_do_not_share_a_table() {
        let error = encode(&[samples::map(), samples::scalar()]).unwrap_err().to_string();
        assert!(
            error.starts_with("one table cannot hold tas mean of shape [] beside tas mean of shape [2, 3]")
        );
    }
}
