//! Whatever units the inputs spell, the joined set tells the dates that each input tells by itself.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test that cannot go on must stop"
)]

mod support;

use std::collections::BTreeMap;

use proptest::prelude::*;
use rangefold_combine::{CombineSpec, Input, Overlap, Selector};
use rangefold_refs::ReferenceSet;
use support::{Var, along, input, join, json, numbers, refusal, text_attribute, var};

/// Reference dates as files spell them, and as they are written plainly, in minutes since 2000-01-01.
const REFERENCES: [(&str, &str, i64); 8] = [
    ("2000-01-01", "2000-01-01T00:00:00", 0),
    ("2000-1-1 00:00:0.0", "2000-01-01T00:00:00", 0),
    ("2000-9-1", "2000-09-01T00:00:00", 244 * 1440),
    ("2000-10-1", "2000-10-01T00:00:00", 274 * 1440),
    ("1850-1-1", "1850-01-01T00:00:00", -54_786 * 1440),
    ("1850-01-02", "1850-01-02T00:00:00", -54_785 * 1440),
    ("1999-12-31 12:00", "1999-12-31T12:00:00", -720),
    ("2000-01-01 06:00 +06:00", "2000-01-01T00:00:00", 0),
];

/// Units of time and their lengths in minutes.
const STEPS: [(&str, f64); 7] = [
    ("days", 1440.0),
    ("day", 1440.0),
    ("Days", 1440.0),
    ("hours", 60.0),
    ("minutes", 1.0),
    ("seconds", 1.0 / 60.0),
    ("milliseconds", 1.0 / 60_000.0),
];

/// One way to count.
#[derive(Clone, Copy, Debug)]
struct Units {
    reference: usize,
    step: usize,
    calendar: usize,
}

impl Units {
    /// The number of an instant, in minutes since 2000-01-01.
    fn number(self, minute: i64) -> f64 {
        (minute - REFERENCES[self.reference].2) as f64 / STEPS[self.step].1
    }

    fn attributes(self) -> String {
        let calendar = ["", r#","calendar":"gregorian""#, r#","calendar":"standard""#][self.calendar];
        format!(r#""units":"{} since {}"{calendar}"#, STEPS[self.step].0, REFERENCES[self.reference].0)
    }
}

/// The dates of a variable of the result by the attributes it has, or those of `parent`; `None` where missing.
fn dates(set: &ReferenceSet, path: &str, parent: &str) -> Vec<Option<i64>> {
    let units = text_attribute(set, path, "units").or_else(|| text_attribute(set, parent, "units")).unwrap();
    let (step, reference) = units.split_once(" since ").unwrap();
    let step = STEPS.iter().find(|(name, _)| *name == step).unwrap_or_else(|| panic!("{units}")).1;
    let reference = REFERENCES.iter().find(|(spelled, plain, _)| [*spelled, *plain].contains(&reference));
    let reference = reference.unwrap_or_else(|| panic!("{units}")).2;
    let array = &set.arrays[path];
    let mark = array.attributes.get("_FillValue").and_then(|mark| mark.as_f64());
    let date = |value: f64| {
        let minutes = value * step + reference as f64;
        assert!((minutes - minutes.round()).abs() < 1e-4, "{path}: {value} {units}");
        minutes.round() as i64
    };
    numbers(set, path).into_iter().map(|value| (Some(value) != mark).then(|| date(value))).collect()
}

/// What one file holds of times.
#[derive(Clone, Debug)]
struct File {
    units: Units,
    bounds: Option<Units>,
    issued: Units,
    is_integer: bool,
    misses_first: bool,
}

fn units() -> impl Strategy<Value = Units> {
    (0..REFERENCES.len(), 0..STEPS.len(), 0..3_usize).prop_map(|(reference, step, calendar)| Units {
        reference,
        step,
        calendar,
    })
}

fn file() -> impl Strategy<Value = File> {
    (units(), proptest::option::of(units()), units(), any::<bool>(), any::<bool>()).prop_map(
        |(units, bounds, issued, is_integer, misses_first)| File {
            units,
            bounds,
            issued,
            is_integer,
            misses_first,
        },
    )
}

fn times(signature: &str, values: Vec<f64>, is_integer: bool, attributes: &str) -> Var {
    let whole = values.iter().all(|value| value.fract() == 0.0);
    let dtype = if is_integer && whole { "<i8" } else { "<f8" };
    var(signature).values(&values).dtype(dtype).attrs(&format!("{{{attributes}}}"))
}

/// A file over these minutes since 2000-01-01.
fn made(name: &str, file: &File, minutes: &[i64], x: &[f64], misses: bool) -> Input {
    let (n, m) = (minutes.len(), x.len());
    let of = |units: Units, shift: i64| minutes.iter().map(move |t| units.number(t + shift));
    let bounds_units = file.bounds.unwrap_or(file.units);
    let bounds: Vec<f64> =
        of(bounds_units, 0).zip(of(bounds_units, 30)).flat_map(|(low, high)| [low, high]).collect();
    let said = file.bounds.map(Units::attributes).unwrap_or_default();
    let mut issued: Vec<f64> = of(file.issued, -90).collect();
    if misses {
        issued[0] = 1e20;
    }
    let own = format!(r#"{},"bounds":"time_bnds""#, file.units.attributes());
    let data: Vec<f64> = minutes.iter().flat_map(|t| x.iter().map(move |x| *t as f64 + x)).collect();
    input(
        name,
        [
            times(&format!("time(time={n})"), of(file.units, 0).collect(), file.is_integer, &own),
            times(&format!("time_bnds(time={n},nv=2)"), bounds, false, &said),
            times(&format!("issued(time={n})"), issued, false, &file.issued.attributes()).fill(1e20),
            var(&format!("x(x={m})")).values(x),
            var(&format!("v(time={n},x={m})")).values(&data).dtype("<f8").chunks(&[1, m as u64]),
        ],
    )
}

/// Checks the joined set against what each file says, worked out before joining.
fn check(inputs: &[Input], spec: &CombineSpec, expected: &BTreeMap<i64, Option<i64>>) {
    let set = join(inputs, spec);
    let some = |minutes: &mut dyn Iterator<Item = i64>| -> Vec<Option<i64>> { minutes.map(Some).collect() };
    assert_eq!(dates(&set, "time", "time"), some(&mut expected.keys().copied()));
    assert_eq!(dates(&set, "time_bnds", "time"), some(&mut expected.keys().flat_map(|t| [*t, t + 30])));
    assert_eq!(dates(&set, "issued", "issued"), expected.values().copied().collect::<Vec<_>>());
    let x = numbers(&set, "x");
    let data: Vec<f64> = expected.keys().flat_map(|t| x.iter().map(move |x| *t as f64 + x)).collect();
    assert_eq!(numbers(&set, "v"), data);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn dates_stay_what_they_are_one_after_the_other(
        files in proptest::collection::vec((file(), 1..4_i64), 1..5),
        grain in prop::sample::select(vec![1_440_i64, 720, 180, 60, 7]),
    ) {
        let mut expected = BTreeMap::new();
        let mut inputs = Vec::new();
        for (number, (file, count)) in (0..).zip(&files) {
            let minutes: Vec<i64> = (0..*count).map(|k| (number * 4 + k) * grain).collect();
            expected.extend(minutes.iter().map(|t| (*t, Some(t - 90))));
            if file.misses_first {
                expected.insert(minutes[0], None);
            }
            inputs.push(made(&format!("{number}.nc"), file, &minutes, &[0.0, 1.0], file.misses_first));
        }
        check(&inputs, &along(&["time"]), &expected);
        let forwards = json(&join(&inputs, &along(&["time"])));
        inputs.reverse();
        prop_assert_eq!(forwards, json(&join(&inputs, &along(&["time"]))));
        // Added to what was combined before.
        let (first, others) = inputs.split_first().unwrap();
        let before = join(std::slice::from_ref(first), &along(&["time"]));
        let mut appended = vec![Input::combined("before", before)];
        appended.extend(others.iter().cloned());
        check(&appended, &along(&["time"]), &expected);
    }

    #[test]
    fn dates_that_files_share_stay_what_they_are(
        files in proptest::collection::vec(file(), 2..4),
        grain in prop::sample::select(vec![1_440_i64, 720, 60, 7]),
        misses in any::<bool>(),
    ) {
        let minutes: Vec<i64> = (0..3).map(|k| 4_000 + k * grain).collect();
        let mut expected: BTreeMap<i64, Option<i64>> = minutes.iter().map(|t| (*t, Some(t - 90))).collect();
        if misses {
            expected.insert(4_000, None);
        }
        // Tiles of x.
        let tile = |(number, file): (usize, &File)| {
            let x = [2.0 * number as f64, 2.0 * number as f64 + 1.0];
            made(&format!("{number}.nc"), file, &minutes, &x, misses)
        };
        let tiles: Vec<Input> = files.iter().enumerate().map(tile).collect();
        check(&tiles, &along(&["time", "x"]), &expected);
        // Members of a new dimension: the times are those of all of them.
        let same: Vec<Input> =
            files.iter().map(|file| made("m.nc", file, &minutes, &[0.0, 1.0], misses)).collect();
        let mut spec = along(&["member"]);
        spec.selectors.insert("member".into(), Selector::Index);
        let set = join(&same, &spec);
        prop_assert_eq!(dates(&set, "time", "time"), minutes.iter().map(|t| Some(*t)).collect::<Vec<_>>());
        let bounds: Vec<_> = minutes.iter().flat_map(|t| [Some(*t), Some(t + 30)]).collect();
        prop_assert_eq!(dates(&set, "time_bnds", "time"), bounds);
        // Files over the same dates, whoever wins.
        for overlap in [Overlap::Identical, Overlap::First, Overlap::Last] {
            check(&same, &CombineSpec { overlap, ..along(&["time"]) }, &expected);
        }
    }
}

#[test]
fn standard_and_proleptic_gregorian_dates_join_after_1582_and_not_before() {
    let dated = |name, units: &str, value: f64| {
        let time = var("time(time=1)").values(&[value]).dtype("<f8").attrs(units);
        input(name, [time, var("v(time=1,x=20)")])
    };
    let after = [
        dated("a", r#"{"units":"days since 2000-01-01","calendar":"standard"}"#, 0.0),
        dated("b", r#"{"units":"days since 2000-01-01","calendar":"proleptic_gregorian"}"#, 1.0),
    ];
    assert_eq!(numbers(&join(&after, &along(&["time"])), "time"), [0.0, 1.0]);
    let before = [
        dated("a", r#"{"units":"days since 1500-01-01","calendar":"standard"}"#, 0.0),
        dated("b", r#"{"units":"days since 2000-01-01","calendar":"proleptic_gregorian"}"#, 1.0),
    ];
    // The result is in the calendar that can say both.
    let set = join(&before, &along(&["time"]));
    assert_eq!(text_attribute(&set, "time", "calendar").unwrap(), "standard");
    let both = [
        dated("a", r#"{"units":"days since 1500-01-01","calendar":"standard"}"#, 0.0),
        dated("b", r#"{"units":"days since 1400-01-01","calendar":"proleptic_gregorian"}"#, 1.0),
    ];
    assert_eq!(
        refusal(&both, &along(&["time"])),
        "dimension \"time\" has times in the proleptic_gregorian calendar as labels in b but times in the standard \
         calendar in a"
    );
}

#[test]
fn a_date_does_not_land_on_what_marks_a_missing_one() {
    // -1 day from 2000-01-02 is the mark of the input whose units are taken.
    let dated = |name, day: f64, units: &str, values: &[f64]| {
        let time = var("time(time=1)").values(&[day]).attrs(r#"{"units":"days since 2000-01-01"}"#);
        let seen =
            var("seen(time=1,k=2)").values(values).attrs(&format!(r#"{{"units":"{units}"}}"#)).fill(-1.0);
        input(name, [time, seen, var("v(time=1,x=20)")])
    };
    let inputs = [
        dated("a", 0.0, "days since 2000-01-02", &[3.0, -1.0]),
        dated("b", 1.0, "days since 2000-01-01", &[0.0, 5.0]),
    ];
    let set = join(&inputs, &along(&["time"]));
    let day = |d: i64| Some(d * 1440);
    let found: Vec<Option<i64>> = {
        let units = text_attribute(&set, "seen", "units").unwrap();
        assert_eq!(units, "days since 2000-01-02");
        let mark = set.arrays["seen"].attributes.get("_FillValue").and_then(|mark| mark.as_f64()).unwrap();
        let date = |value: f64| (value != mark).then(|| (value as i64 + 1) * 1440);
        numbers(&set, "seen").into_iter().map(date).collect()
    };
    assert_eq!(found, [day(4), None, day(0), day(5)]);
}
