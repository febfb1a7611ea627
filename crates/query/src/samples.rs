//! Small labelled fields, for tests of what writes them.

use rangefold_array::{ElementType, Values};
use rangefold_reduce::Reduction;

use crate::field::{Coordinate, Dim, Effort, Field, Operation};
use crate::operations;

/// An operation over dimensions, as it is asked for: `mean`, `quantile(0.9)`; a mean, if it cannot be read.
#[must_use]
pub fn operation(text: &str, over: &[&str]) -> Operation {
    let read = operations::parse(text).ok().and_then(|reductions| reductions.into_iter().next());
    Operation {
        reduction: read.unwrap_or(Reduction::Mean),
        over: over.iter().map(|&dim| dim.to_owned()).collect(),
        gathered: Vec::new(),
        by: Vec::new(),
        rolling: None,
        weights: Vec::new(),
        mask: None,
        condition: None,
    }
}

/// A coordinate with units.
#[must_use]
pub fn dim(name: &str, values: &[f64], units: &str) -> Dim {
    Dim {
        name: name.to_owned(),
        length: values.len(),
        coordinate: Some(Coordinate {
            values: Values::Float(values.to_vec()),
            units: Some(units.to_owned()),
            ..Coordinate::default()
        }),
    }
}

/// Monthly times in days, with their dates.
#[must_use]
pub fn months(count: usize) -> Dim {
    let days = [31.0, 28.0, 31.0, 30.0, 31.0, 30.0, 31.0, 31.0, 30.0, 31.0, 30.0, 31.0];
    let starts = (0..count).scan(0.0, |day, month| {
        let start = *day;
        *day += days[month % 12];
        Some(start)
    });
    let dates =
        (0..count).map(|month| format!("{:04}-{:02}-01", 2001 + month / 12, month % 12 + 1)).collect();
    Dim {
        name: "time".into(),
        length: count,
        coordinate: Some(Coordinate {
            values: Values::Float(starts.collect()),
            dates: Some(dates),
            units: Some("days since 2001-01-01".into()),
            calendar: Some("noleap".into()),
            standard_name: Some("time".into()),
            ..Coordinate::default()
        }),
    }
}

/// Floats on dimensions; NaN is missing.
#[must_use]
pub fn floats(variable: &str, dims: Vec<Dim>, values: Vec<f64>) -> Field {
    Field {
        variable: variable.to_owned(),
        operation: None,
        selection: None,
        anomaly: None,
        raw: false,
        units: Some("K".into()),
        calendar: None,
        long_name: Some("air temperature".into()),
        dims,
        element: ElementType::Float64,
        valid: values.iter().map(|x| !x.is_nan()).collect(),
        values: Values::Float(values),
        dates: None,
        flags: Vec::new(),
        count: None,
        at: Vec::new(),
        effort: None,
    }
}

/// The mean over time of two latitudes and three longitudes; one cell has no data.
#[must_use]
pub fn map() -> Field {
    let dims =
        vec![dim("lat", &[-30.0, 30.0], "degrees_north"), dim("lon", &[0.0, 120.0, 240.0], "degrees_east")];
    let values = vec![280.1, f64::NAN, 281.0, 279.4, 290.25, 300.0];
    Field {
        operation: Some(operation("mean", &["time"])),
        count: Some(vec![365, 0, 365, 365, 364, 365]),
        effort: Some(Effort {
            chunks_total: 365,
            chunks_missing: 0,
            chunks_read: 365,
            bytes_referenced: 123_456,
            bytes_fetched: 130_000,
            bytes_decoded: 999_999,
            seconds: 0.12,
        }),
        ..floats("tas", dims, values)
    }
}

/// One number.
#[must_use]
pub fn scalar() -> Field {
    Field {
        operation: Some(operation("mean", &["time", "lat"])),
        count: Some(vec![365]),
        ..floats("tas", Vec::new(), vec![280.1])
    }
}

/// Integers on two stations.
#[must_use]
pub fn integers(values: Vec<i64>, valid: Vec<bool>) -> Field {
    let stations = Dim {
        name: "station".into(),
        length: values.len(),
        coordinate: Some(Coordinate {
            values: Values::Text((0..values.len()).map(|i| format!("St. \"{i}\", N")).collect()),
            ..Coordinate::default()
        }),
    };
    Field {
        units: None,
        element: ElementType::Int64,
        values: Values::Signed(values),
        valid,
        ..floats("obs/n", vec![stations], Vec::new())
    }
}
