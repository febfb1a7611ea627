//! Dimensions without coordinate variables, scalars that belong to the labels, and files that are issued again.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must stop")]

mod support;

use rangefold_combine::{CombineSpec, Input, Overlap, Selector};
use rangefold_refs::{Reference, ReferenceSet, Source};
use support::{along, input, join, numbers, refusal, text_attribute, var};

fn selected(dimension: &str, selector: &str, list: &[&str]) -> CombineSpec {
    let mut spec = along(&[dimension]);
    let list: Vec<String> = list.iter().map(|&value| value.to_owned()).collect();
    spec.selectors.insert(dimension.into(), Selector::parse(selector, |_| Ok(list)).unwrap());
    spec
}

fn profiles() -> [Input; 3] {
    let file = |name: &str, first: f64, count: u64| {
        let values: Vec<f64> = (0..count).map(|k| first + k as f64).collect();
        let wide: Vec<f64> = values.iter().flat_map(|v| std::iter::repeat_n(*v, 20)).collect();
        let v = var(&format!("v(profile={count})")).values(&values).chunks(&[3]);
        let w = var(&format!("w(profile={count},z=20)")).values(&wide).chunks(&[3, 20]);
        input(name, [v, w])
    };
    [file("a", 0.0, 3), file("b", 10.0, 3), file("c", 20.0, 2)]
}

#[test]
fn a_dimension_without_labels_is_joined_by_position() {
    let set = join(&profiles(), &selected("profile", "index", &[]));
    let expected = [0.0, 1.0, 2.0, 10.0, 11.0, 12.0, 20.0, 21.0];
    assert_eq!(numbers(&set, "v"), expected);
    let first: Vec<f64> = numbers(&set, "w").chunks(20).map(|row| row[0]).collect();
    assert_eq!(first, expected);
    assert_eq!(numbers(&set, "profile"), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    let labels = ["8", "7", "6", "5", "4", "3", "2", "1"];
    let list = selected("profile", "list:l.txt", &labels);
    let list = CombineSpec { sort: rangefold_combine::Sort::Given, ..list };
    assert_eq!(numbers(&join(&profiles(), &list), "profile"), [8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0]);
    assert!(
        refusal(&profiles(), &selected("profile", "list:l.txt", &["1", "2", "3"]))
            .ends_with("the list has 3 values for 8 positions in all inputs")
    );
    assert!(refusal(&profiles(), &selected("profile", "name", &[])).ends_with(
        "the selector gives one label where there are 3 positions; index and list label each position"
    ));
}

#[test]
fn a_variable_with_a_joined_dimension_twice_is_refused_unless_it_is_the_same_over_all_labels() {
    let file = |name: &str, first: f64, x: f64| {
        let time = var("time(time=2)").values(&[first, first + 1.0]);
        let x = var("x(x=1)").values(&[x]);
        input(name, [time, x, var("cov(time=2,time=2)"), var("v(time=2,x=1)").chunks(&[1, 1])])
    };
    let message = refusal(&[file("a", 0.0, 0.0), file("b", 2.0, 0.0)], &along(&["time"]));
    assert!(message.contains("\"cov\"") && message.contains("dimension \"time\" twice"), "{message}");
    let tiles = [file("a", 0.0, 0.0), file("b", 0.0, 1.0)];
    assert_eq!(numbers(&join(&tiles, &along(&["time", "x"])), "cov"), [0.0, 1.0, 2.0, 3.0]);
}

/// A file of one date, as scalars.
fn step(name: &str, day: f64, lead: f64) -> Input {
    let data = r#"{"coordinates":"time lead height","grid_mapping":"crs"}"#;
    input(
        name,
        [
            var("time()").values(&[day]).attrs(r#"{"units":"days since 2000-01-01","bounds":"time_bnds"}"#),
            var("time_bnds(nv=2)").values(&[day, day + 1.0]),
            var("lead()").values(&[lead]).attrs(r#"{"bounds":"lead_bnds"}"#),
            var("lead_bnds(nv=2)").values(&[lead, lead + 6.0]),
            var("height()").values(&[2.0]),
            var("crs()").attrs(r#"{"grid_mapping_name":"latitude_longitude"}"#),
            var("v(x=20)").attrs(data),
        ],
    )
}

#[test]
fn scalars_that_belong_to_the_labels_are_joined_with_them() {
    let set = join(&[step("b", 1.0, 6.0), step("a", 0.0, 0.0)], &along(&["time"]));
    assert_eq!(numbers(&set, "time"), [0.0, 1.0]);
    assert_eq!(numbers(&set, "time_bnds"), [0.0, 1.0, 1.0, 2.0]);
    assert_eq!(set.arrays["time_bnds"].meta.dimension_names, ["time", "nv"]);
    assert_eq!(numbers(&set, "lead"), [0.0, 6.0]);
    assert_eq!(numbers(&set, "lead_bnds"), [0.0, 6.0, 6.0, 12.0]);
    // What is the same everywhere stays a scalar.
    for scalar in ["height", "crs"] {
        assert!(set.arrays[scalar].meta.shape().is_empty(), "{scalar}");
    }
    assert_eq!(text_attribute(&set, "time", "bounds").unwrap(), "time_bnds");
    // Members of a new dimension: the dates differ, and lie along it.
    let set = join(&[step("a", 0.0, 0.0), step("b", 1.0, 0.0)], &selected("member", "index", &[]));
    assert_eq!((numbers(&set, "time"), numbers(&set, "lead")), (vec![0.0, 1.0], vec![0.0]));
}

#[test]
fn a_scalar_that_was_the_same_gains_the_dimension_with_what_is_added() {
    let before = join(&[step("a", 0.0, 6.0), step("b", 1.0, 6.0)], &along(&["time"]));
    assert!(before.arrays["lead"].meta.shape().is_empty());
    let set = join(&[Input::combined("before", before), step("c", 2.0, 12.0)], &along(&["time"]));
    assert_eq!(numbers(&set, "lead"), [6.0, 6.0, 12.0]);
    assert_eq!(numbers(&set, "lead_bnds"), [6.0, 12.0, 6.0, 12.0, 12.0, 18.0]);
}

#[test]
fn a_file_that_stands_in_its_references_is_known_by_its_url_and_size() {
    let file = |url: &str, size: u64| {
        let mut input = input(url, [var("v(x=2)")]);
        let source = Source { size: Some(size), etag: None, last_modified: None };
        input.references.sources.insert(url.into(), source);
        input
    };
    let files = [file("s3://b/b.nc", 20), file("s3://b/a.nc", 10)];
    assert_eq!(numbers(&join(&files, &selected("run", "size", &[])), "run"), [10.0, 20.0]);
    let labels = join(&files, &selected("run", "url", &[])).arrays["run"].meta.shape().to_vec();
    assert_eq!(labels, [2]);
}

/// Days of an object in one state.
fn issued(url: &str, days: &[f64], size: u64, lat: f64) -> Input {
    let n = days.len();
    let mut input = input(
        &format!("{url}.json"),
        [
            var(&format!("time(time={n})")).values(days),
            var("lat(lat=1)").all(lat),
            var(&format!("v(time={n},x=20)")).chunks(&[1, 20]).at(url),
        ],
    );
    let source = Source { size: Some(size), etag: None, last_modified: None };
    input.references.sources.insert(url.into(), source);
    input
}

/// The object of each step of `v`.
fn objects(set: &ReferenceSet) -> Vec<String> {
    let url = |reference| match reference {
        Reference::Range { url, .. } | Reference::Whole { url } => url.to_string(),
        Reference::Inline(_) => String::new(),
    };
    set.arrays["v"].manifest.iter().map(|(_, reference)| url(reference)).collect()
}

#[test]
fn a_file_that_is_issued_again_takes_the_place_of_what_it_was() {
    let last = CombineSpec { overlap: Overlap::Last, ..along(&["time"]) };
    let stack = join(
        &[issued("s3://b/a", &[0.0, 1.0], 10, 5.0), issued("s3://b/b", &[2.0, 3.0], 20, 5.0)],
        &along(&["time"]),
    );
    let with = |new: Input| [Input::combined("stack", stack.clone()), new];
    let set = join(&with(issued("s3://b/a", &[0.0, 1.0], 11, 5.0)), &last);
    assert_eq!(objects(&set), ["s3://b/a", "s3://b/a", "s3://b/b", "s3://b/b"]);
    assert_eq!(set.sources["s3://b/a"].size, Some(11));
    // A chunk that the new file does not have is absent, and not that of the old.
    let mut absent = issued("s3://b/a", &[0.0, 1.0], 11, 5.0);
    let array = absent.references.arrays.get_mut("v").unwrap();
    array.manifest = rangefold_refs::Manifest::default();
    array.meta.fill_value = Some(rangefold_array::FillValue(vec![0; 4]));
    assert_eq!(objects(&join(&with(absent), &last)), ["s3://b/b", "s3://b/b"]);
    // Nothing of the old may be left, and all that is shared must be the same.
    let message = refusal(&with(issued("s3://b/a", &[0.0], 11, 5.0)), &last);
    assert!(message.contains("has data at time 1 that stack takes from s3://b/a as it was"), "{message}");
    let message = refusal(&with(issued("s3://b/a", &[0.0, 1.0], 11, 6.0)), &last);
    assert!(message.contains("variable \"lat\" is not the same"), "{message}");
    let message = refusal(&with(issued("s3://b/a", &[0.0, 1.0], 11, 5.0)), &along(&["time"]));
    assert!(
        message.contains("s3://b/a has changed between the scans of stack and s3://b/a.json"),
        "{message}"
    );
    assert!(message.contains("(10 bytes and then 11 bytes)"), "{message}");
}

#[test]
fn names_that_no_input_has_cannot_be_found_to_be_identical() {
    let mut spec = along(&["time"]);
    spec.identical.insert("nosuch".into(), rangefold_combine::Tolerance::Exact);
    assert!(refusal(&[step("a", 0.0, 0.0)], &spec).contains("there is no variable \"nosuch\" in any input"));
}
