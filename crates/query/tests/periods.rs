//! Periods of times in every calendar: their beginnings, means and counts are those of xarray's `resample`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must stop")]

use std::sync::Arc;

use object_store::{ObjectStoreExt as _, memory::InMemory, path::Path};
use rangefold_active::Limits;
use rangefold_query::GroupLabels;
use rangefold_query::select::parse;
use rangefold_query::{GroupBy, KeptDimension, Prepared, Query, QueryError, View, prepare};
use rangefold_reduce::{Outcome, Reduction, Value};
use rangefold_refs::json;
use rangefold_store::ReferenceStore;
use serde_json::Value as Json;

/// A variable `v` of the numbers `values` along times in `units` of `calendar`.
async fn store(units: &str, calendar: &str, times: &[f64], values: &[f64]) -> ReferenceStore {
    let memory = InMemory::new();
    for (name, numbers) in [("time", times), ("v", values)] {
        let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        memory.put(&Path::from(name), bytes.into()).await.unwrap();
    }
    let length = times.len();
    let array = serde_json::json!({"zarr_format": 2, "shape": [length], "chunks": [length], "dtype": "<f8",
        "compressor": null, "filters": null, "fill_value": null, "order": "C"});
    let dimensions = ["time"];
    let refs = serde_json::json!({"version": 1, "refs": {".zgroup": {"zarr_format": 2},
        "v/.zarray": array, "v/.zattrs": {"_ARRAY_DIMENSIONS": dimensions}, "v/0": ["v", 0, 8 * length],
        "time/.zarray": array, "time/0": ["time", 0, 8 * length],
        "time/.zattrs": {"_ARRAY_DIMENSIONS": dimensions, "units": units, "calendar": calendar, "_FillValue": -1.0}}});
    let set = json::read(refs.to_string().as_bytes()).unwrap();
    let memory: Arc<dyn object_store::ObjectStore> = Arc::new(memory);
    ReferenceStore::new(Arc::new(set), move |url: &str| Ok((Arc::clone(&memory), Path::parse(url)?)))
}

async fn by(store: &ReferenceStore, text: &str) -> Result<Prepared, QueryError> {
    let by = vec![GroupBy::parse(text).unwrap()];
    let query = Query { reductions: vec![Reduction::Mean, Reduction::Count], by, ..Query::default() };
    prepare(&View::new(store.clone()), "v", &query).await
}

/// The beginnings of periods, and what is answered for each.
async fn answered(store: &ReferenceStore, text: &str) -> (Vec<String>, Vec<Outcome>) {
    let prepared = by(store, text).await.unwrap();
    let [KeptDimension::Grouped { name, labels: GroupLabels::Periods { starts, units, .. } }] =
        prepared.dims.as_slice()
    else {
        panic!("{:?}", prepared.dims)
    };
    assert_eq!(name, "time");
    let date = |start: &rangefold_cf::Instant| start.date(units.calendar()).unwrap().to_string();
    let starts = starts.iter().map(date).collect();
    (
        starts,
        prepared
            .run(&View::within(store.clone(), Limits::default()), &|_, _| {})
            .await
            .unwrap()
            .complete()
            .unwrap(),
    )
}

fn numbers(values: &Json) -> Vec<f64> {
    values.as_array().unwrap().iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect()
}

#[tokio::test]
async fn periods_of_every_calendar_are_those_of_xarray() {
    for calendar in ["standard", "proleptic_gregorian", "julian", "noleap", "all_leap", "360_day"] {
        let path = rangefold_testkit::fixtures().join(format!("periods/{calendar}.windows.json"));
        let oracle: Json = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let units = oracle["units"].as_str().unwrap();
        let store = store(units, calendar, &numbers(&oracle["times"]), &numbers(&oracle["values"])).await;
        for (length, expected) in oracle["periods"].as_object().unwrap() {
            let about = format!("{length} in {calendar}");
            let (starts, outcomes) = answered(&store, &format!("time.{length}")).await;
            assert_eq!(starts.len() as u64, expected["length"].as_u64().unwrap(), "{about}");
            assert_eq!(starts[0], expected["first"].as_str().unwrap(), "{about}");
            let filled: Vec<usize> = (0..starts.len()).filter(|&i| outcomes[0].count[i] > 0).collect();
            assert_eq!(serde_json::json!(filled), expected["filled"], "{about}");
            let filled_starts: Vec<&String> = filled.iter().map(|&i| &starts[i]).collect();
            assert_eq!(serde_json::json!(filled_starts), expected["time"], "{about}");
            for ((&i, mean), count) in
                filled.iter().zip(numbers(&expected["mean"])).zip(numbers(&expected["count"]))
            {
                let Some(Value::Float(found)) = outcomes[0].value(i) else { panic!("{about}: no mean {i}") };
                assert!((found - mean).abs() <= 1e-12 * mean.abs().max(1.0), "{about}: {found} for {mean}");
                assert_eq!(outcomes[1].count[i] as f64, count, "{about}");
            }
            assert!(
                (0..starts.len()).all(|i| outcomes[0].value(i).is_some() == filled.contains(&i)),
                "{about}"
            );
        }
    }
}

#[tokio::test]
async fn times_that_are_missing_are_refused_and_times_far_apart_make_no_periods() {
    let times = [0.0, 1.0, -1.0];
    let gap = store("days since 2000-01-01", "noleap", &times, &times).await;
    let error = by(&gap, "time.6h").await.unwrap_err().to_string();
    let missing = "variable \"v\": position 2 of dimension \"time\" has no date: its coordinate is NaN";
    assert_eq!(error, missing);
    let far = store("hours since 2000-01-01", "360_day", &[0.0, 9e9], &[1.0, 2.0]).await;
    let error = by(&far, "time.1h").await.unwrap_err().to_string();
    assert!(error.contains("there are 9000000001 of them, and at most 1048576 are allowed"), "{error}");
    assert_eq!(by(&far, "time.9000years").await.unwrap().execution.plan().output_shape(), [116]);
    let (by, select) = (vec![GroupBy::parse("time.1h").unwrap()], parse("time=0:0").unwrap());
    let nothing = Query { reductions: vec![Reduction::Mean], by, select, ..Query::default() };
    assert_eq!(
        prepare(&View::new(far.clone()), "v", &nothing).await.unwrap().execution.plan().output_shape(),
        [0]
    );
}

#[tokio::test]
async fn a_position_that_is_a_year_of_the_dates_is_warned_of() {
    let times: Vec<f64> = (0..1200_u16).map(f64::from).collect();
    let store = store("days since 1000-01-01", "noleap", &times, &times).await;
    let asked = async |select| {
        prepare(&View::new(store.clone()), "v", &Query { select: parse(select).unwrap(), ..Query::default() })
            .await
    };
    let warned = asked("time=1001").await.unwrap();
    assert_eq!(warned.execution.plan().selected_count(), 1);
    assert_eq!(warned.warnings, ["time=1001 is position 1001; the year 1001 is time=1001..1001"]);
    assert_eq!(asked("time=1001..1001").await.unwrap().execution.plan().selected_count(), 365);
    let range = asked("time=1001:1002").await.unwrap();
    assert_eq!(
        range.warnings,
        ["time=1001:1002 are positions 1001 to 1002; the years 1001 to 1002 are time=1001..1002"]
    );
    for plain in ["time=1100", "time=3", "time=3:1002", "time=1001:1002:1"] {
        assert!(asked(plain).await.unwrap().warnings.is_empty(), "{plain}");
    }
    let store = self::store("days since 2001-01-01", "noleap", &times, &times).await;
    let query = Query { select: parse("time=2002").unwrap(), ..Query::default() };
    let error = prepare(&View::new(store.clone()), "v", &query).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "variable \"v\": time=2002 is a position, and the year is time=2002..2002: index 2002 is outside axis 0 of length 1200"
    );
}
