//! The result depends neither on the order of the inputs nor on how they are batched.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test that cannot go on must stop"
)]

mod support;

use proptest::prelude::*;
use rangefold_combine::{CombineSpec, Input, MissingVariable, Overlap, Selector};
use rangefold_refs::AttributeValue;
use support::{along, join, json, numbers, set, var};

/// What one file is like.
#[derive(Clone, Debug)]
struct File {
    /// Hours since the start of 2001.
    hours: Vec<u32>,
    /// Its times are in hours since this day of January, or in days if all are whole.
    day: u32,
    history: u8,
    has_extra: bool,
    inline_pr: bool,
}

fn files() -> impl Strategy<Value = Vec<File>> {
    let file = (0..3_usize, 1..20_u32, 0..2_u8, any::<bool>(), any::<bool>());
    proptest::collection::vec(
        (file, proptest::sample::subsequence((0..12_u32).collect::<Vec<_>>(), 1..3)),
        1..6,
    )
    .prop_map(|files| {
        // Hours are shared out so that no two files have one, in no order.
        let all =
            files.iter().enumerate().map(|(n, ((_, day, history, has_extra, inline_pr), hours))| File {
                hours: hours.iter().map(|h| h * 6 + n as u32).collect(),
                day: *day,
                history: *history,
                has_extra: *has_extra,
                inline_pr: *inline_pr,
            });
        all.collect()
    })
}

fn input(number: usize, file: &File) -> Input {
    let n = file.hours.len();
    let origin = f64::from((file.day - 1) * 24);
    let times: Vec<f64> = file.hours.iter().map(|&h| f64::from(h) - origin).collect();
    let bounds: Vec<f64> = times.iter().flat_map(|t| [*t, t + 1.0]).collect();
    let units = format!(r#"{{"units":"hours since 2001-01-{:02}","bounds":"time_bnds"}}"#, file.day);
    let url = format!("s3://bucket/{number}.nc");
    let mut variables = vec![
        var(&format!("time(time={n})")).values(&times).attrs(&units).dtype("<i4"),
        var(&format!("time_bnds(time={n},nv=2)")).values(&bounds).dtype("<f8"),
        var(&format!("tas(time={n},y=2,x=20)")).chunks(&[1, 1, 20]).at(&url).fill(-1.0),
        var("lat(lat=3)").dtype("<f4"),
        var(&format!("p(time={n})")).chunks(&[7]).values(&times),
    ];
    let pr = var(&format!("pr(time={n},x=20)")).chunks(&[1, 20]).fill(-1.0);
    variables.push(if file.inline_pr { pr } else { pr.at(&url) });
    if file.has_extra {
        variables.push(var(&format!("extra(x=20,time={n})")).chunks(&[10, 1]).fill(-1.0).at(&url));
    }
    let mut references = set(variables);
    let root = references.groups.get_mut("").unwrap();
    root.attributes.insert("history", AttributeValue::Integer(file.history.into()));
    root.attributes.insert("Conventions", AttributeValue::Text("CF-1.11".into()));
    Input::new(format!("{number}.nc"), references)
}

fn spec() -> CombineSpec {
    CombineSpec { missing_variable: MissingVariable::Fill, inline_coordinates: true, ..along(&["time"]) }
}

/// A list in another order.
fn permuted<T: Clone>(items: &[T], order: &[prop::sample::Index]) -> Vec<T> {
    let mut rest = items.to_vec();
    let picked = order.iter().map(|index| index.index(items.len()));
    let mut out = Vec::new();
    for index in picked {
        if !rest.is_empty() {
            out.push(rest.remove(index % rest.len()));
        }
    }
    out.extend(rest);
    out
}

proptest! {
    #[test]
    fn order_and_batches_make_no_difference(
        files in files(),
        order in prop::collection::vec(any::<prop::sample::Index>(), 6),
        cut in any::<prop::sample::Index>(),
    ) {
        let inputs: Vec<Input> = files.iter().enumerate().map(|(n, file)| input(n, file)).collect();
        let spec = spec();
        let whole = join(&inputs, &spec);
        let expected = json(&whole);

        let mut hours: Vec<u32> = files.iter().flat_map(|file| file.hours.clone()).collect();
        hours.sort_unstable();
        let first = numbers(&whole, "time")[0];
        let relative: Vec<f64> = numbers(&whole, "time").iter().map(|t| t - first).collect();
        let wanted: Vec<f64> = hours.iter().map(|h| f64::from(h - hours[0])).collect();
        prop_assert_eq!(relative, wanted);

        let shuffled = permuted(&inputs, &order);
        prop_assert_eq!(&json(&join(&shuffled, &spec)), &expected);

        let (left, right) = shuffled.split_at(cut.index(shuffled.len() + 1));
        let batch = |inputs: &[Input], name: &str| {
            (!inputs.is_empty()).then(|| Input::combined(name, join(inputs, &spec)))
        };
        let batches: Vec<Input> = [batch(right, "right"), batch(left, "left")].into_iter().flatten().collect();
        prop_assert_eq!(&json(&join(&batches, &spec)), &expected);

        // Appended one after the other, and once more what is there already.
        let mut grown = batch(&shuffled[..1], "grown").unwrap();
        for input in shuffled.iter().skip(1).chain(&shuffled) {
            grown = Input::combined("grown", join(&[grown, input.clone()], &spec));
        }
        prop_assert_eq!(&json(&grown.references), &expected);

        // Through the file and back.
        let read = rangefold_refs::json::read(expected.as_bytes()).unwrap();
        prop_assert_eq!(&json(&join(&[Input::combined("read", read)], &spec)), &expected);
    }

    #[test]
    fn a_grid_of_files_is_the_same_in_any_order_and_batches(
        cells in prop::collection::btree_set((0..4_u32, 0..3_u32), 1..9),
        order in prop::collection::vec(any::<prop::sample::Index>(), 9),
        cut in any::<prop::sample::Index>(),
        overlap in prop_oneof![Just(Overlap::Error), Just(Overlap::Identical)],
    ) {
        let inputs: Vec<Input> = cells.iter().map(|(time, member)| {
            let name = format!("t{time}_m{member}.nc");
            support::input(&name, [
                var("time(time=1)").values(&[f64::from(*time)]),
                var("tas(time=1,x=20)").all(f64::from(10 * time + member)).fill(-1.0),
            ])
        }).collect();
        let mut spec = CombineSpec { overlap, missing_variable: MissingVariable::Fill, ..along(&["member", "time"]) };
        spec.selectors.insert("member".into(), Selector::parse("regex:_m([0-9]+)", |_| Ok(vec![])).unwrap());
        let whole = join(&inputs, &spec);
        let (times, members) = (numbers(&whole, "time"), numbers(&whole, "member"));
        let tas = numbers(&whole, "tas");
        for (m, member) in members.iter().enumerate() {
            for (t, time) in times.iter().enumerate() {
                let found = tas[(m * times.len() + t) * 20];
                let is_there = cells.contains(&(*time as u32, *member as u32));
                prop_assert_eq!(found, if is_there { 10.0 * time + member } else { -1.0 });
            }
        }
        let shuffled = permuted(&inputs, &order);
        prop_assert_eq!(json(&join(&shuffled, &spec)), json(&whole));
        let (left, right) = shuffled.split_at(cut.index(shuffled.len()));
        let mut batches: Vec<Input> = left.to_vec();
        batches.push(Input::combined("right", join(right, &spec)));
        batches.push(right[0].clone());
        prop_assert_eq!(json(&join(&batches, &spec)), json(&whole));
    }
}
