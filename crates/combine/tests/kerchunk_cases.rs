//! The cases that kerchunk tests its combination with, built anew: the same inputs, the same answers, and refusals
//! where its answer would say something that the inputs do not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must stop")]

mod support;

use rangefold_array::DataType;
use rangefold_combine::{CombineSpec, Input, MissingVariable, Selector};
use rangefold_refs::{AttributeValue, ReferenceSet};
use support::{Var, along, input, join, json, numbers, refusal, shape, text_attribute, var};

/// `data` over `time`, `x` and `y`: a single step at `time`, and `static` without a time.
fn single(number: i64, time: f64, root: i128, own: i128) -> Input {
    let data = var("data(time=1,x=10,y=10)").dtype("<f8").attrs(&format!(r#"{{"attr0":{own}}}"#));
    let fixed = var("static(x=10,y=10)").dtype("<f8");
    let mut input = input(
        &format!("memory://single{number}.json"),
        [data, fixed, var("time(time=1)").dtype("<i8").values(&[time])],
    );
    let attributes = &mut input.references.groups.get_mut("").unwrap().attributes;
    attributes.insert("attr1", AttributeValue::Integer(root));
    input
}

fn singles() -> [Input; 2] {
    [single(1, 1.0, 5, 3), single(2, 2.0, 6, 4)]
}

fn selected(dimension: &str, selector: &str) -> CombineSpec {
    let mut spec = along(&[dimension]);
    let list = |_: &str| Ok(vec!["9".to_owned(), "10".to_owned()]);
    spec.selectors.insert(dimension.to_owned(), Selector::parse(selector, list).unwrap());
    spec
}

#[test]
fn every_selector_finds_the_labels() {
    for (selector, expected) in [
        ("data:time", [1.0, 2.0]),
        ("list:values.txt", [9.0, 10.0]),
        ("index", [0.0, 1.0]),
        ("attr:attr1", [5.0, 6.0]),
        ("vattr:data:attr0", [3.0, 4.0]),
        (r"regex:single(\d)", [1.0, 2.0]),
    ] {
        let set = join(&singles(), &selected("time", selector));
        assert_eq!(numbers(&set, "time"), expected, "{selector}");
        assert_eq!(shape(&set, "data").0, [2, 10, 10]);
        assert_eq!(shape(&set, "static").0, [10, 10]);
    }
}

#[test]
fn a_selector_that_finds_nothing_is_refused() {
    for (selector, reason) in [
        ("data:when", "there is no variable \"when\""),
        ("data:static", "variable \"static\" has 2 axes"),
        ("cf:time", "variable \"time\": it has no units of time"),
        ("attr:nothing", "there is no attribute \"nothing\""),
        ("vattr:none:attr0", "there is no variable \"none\""),
        ("regex:double", "\"double\" does not match its name"),
        ("varname", "it holds 2 variables with data, not one"),
        ("url", "it refers to 0 objects, not to one"),
    ] {
        let message = refusal(&singles(), &selected("time", selector));
        assert_eq!(
            message,
            format!("no labels are known for dimension \"time\" of memory://single1.json: {reason}")
        );
    }
    let three = [single(1, 1.0, 5, 3), single(2, 2.0, 6, 4), single(3, 3.0, 6, 4)];
    let message = refusal(&three, &selected("time", "list:values.txt"));
    assert!(message.ends_with("the list has 2 values for 3 positions in all inputs"), "{message}");
}

#[test]
fn url_size_and_name_label_inputs_too() {
    let file = |n: u64| {
        let url = format!("s3://bucket/{n}.nc");
        let mut input = input(&format!("{n}.json"), [var("data(x=10,y=10)").at(&url)]);
        let source = rangefold_refs::Source { size: Some(100 * n), etag: None, last_modified: None };
        input.references.sources.insert(url.as_str().into(), source);
        input
    };
    let inputs = [file(2), file(1)];
    assert_eq!(numbers(&join(&inputs, &selected("run", "size")), "run"), [100.0, 200.0]);
    for (selector, expected) in [("url", "s3://bucket/1.nc"), ("name", "1.json")] {
        let set = join(&inputs, &selected("run", selector));
        assert_eq!(shape(&set, "data").0, [2, 10, 10]);
        assert_eq!(set.arrays["run"].meta.data_type, DataType::from_numpy("|O").unwrap());
        assert!(json(&set).contains("run/0"));
        let inline = set.arrays["run"].manifest.get(0).unwrap();
        let rangefold_refs::Reference::Inline(bytes) = inline else { panic!("{inline:?}") };
        let texts = rangefold_codec::strings(&bytes).unwrap();
        assert_eq!(texts[0], expected.as_bytes());
    }
}

#[test]
fn an_element_type_is_kept_where_it_can_say_the_labels() {
    let small =
        |t: f64| input("x", [var("time(time=1)").dtype("<i2").values(&[t]), var("data(time=1,x=10,y=10)")]);
    let set = join(&[small(1.0), small(2.0)], &along(&["time"]));
    assert_eq!(set.arrays["time"].meta.data_type, DataType::from_numpy("<i2").unwrap());
    assert_eq!(numbers(&set, "time"), [1.0, 2.0]);
}

#[test]
fn a_third_file_is_appended_to_two() {
    let first = join(&singles(), &along(&["time"]));
    let inputs = [Input::combined("first", first), single(3, 3.0, 6, 4)];
    let set = join(&inputs, &along(&["time"]));
    assert_eq!((numbers(&set, "time"), shape(&set, "data").0), (vec![1.0, 2.0, 3.0], vec![3, 10, 10]));
    let all = [single(3, 3.0, 6, 4), single(1, 1.0, 5, 3), single(2, 2.0, 6, 4)];
    assert_eq!(json(&set), json(&join(&all, &along(&["time"]))));
    let again = [Input::combined("all", set.clone()), single(2, 2.0, 6, 4)];
    assert_eq!(json(&join(&again, &along(&["time"]))), json(&set));
}

#[test]
fn labels_that_were_not_in_the_file_are_appended_to() {
    let spec = selected("run", r"regex:single(\d)");
    let all = [single(1, 1.0, 5, 3), single(2, 1.0, 6, 4), single(3, 1.0, 6, 4)];
    let whole = join(&all, &spec);
    assert_eq!(shape(&whole, "data").0, [3, 1, 10, 10]);
    let first = Input::combined("first", join(&all[..2], &spec));
    assert_eq!(json(&join(&[first.clone(), all[2].clone()], &spec)), json(&whole));
    assert!(refusal(&[first, all[2].clone()], &selected("run", "index")).contains("mean nothing"));
}

/// `data` with one time in some units.
fn timed(time: f64, attributes: &str) -> Input {
    let data = var("data(time=1,x=10,y=10)").dtype("<f8");
    input("timed", [data, var("time(time=1)").dtype("<i8").values(&[time]).attrs(attributes)])
}

#[test]
fn times_are_joined_with_and_without_being_told() {
    let seconds = r#"{"units":"seconds since 1970-01-01T00:00:00"}"#;
    let inputs = [timed(1.0, seconds), timed(2.0, seconds)];
    for spec in [along(&["time"]), selected("time", "cf:time")] {
        let first = Input::combined("first", join(&inputs, &spec));
        let set = join(&[first, timed(3.0, seconds)], &spec);
        assert_eq!(numbers(&set, "time"), [1.0, 2.0, 3.0]);
        assert_eq!(text_attribute(&set, "time", "units").unwrap(), "seconds since 1970-01-01T00:00:00");
    }
}

#[test]
fn months_count_in_the_calendar_whose_months_are_equal() {
    let months = r#"{"units":"months since 1970-01-01","calendar":"360_day"}"#;
    let set = join(&[timed(2.0, months), timed(1.0, months)], &along(&["time"]));
    assert_eq!(numbers(&set, "time"), [1.0, 2.0]);
    let vague = r#"{"units":"months since 1970-01-01"}"#;
    let message = refusal(&[timed(2.0, vague), timed(1.0, vague)], &along(&["time"]));
    assert!(message.ends_with("months have no fixed length in the standard calendar"), "{message}");
}

#[test]
fn numpy_dates_are_labels() {
    let dated = |t: f64| {
        let mut input = timed(t, "{}");
        let time = input.references.arrays.get_mut("time").unwrap();
        time.meta.data_type = DataType::from_numpy("<M8[s]").unwrap();
        input
    };
    let set = join(&[dated(2.0), dated(1.0)], &along(&["time"]));
    assert_eq!(set.arrays["time"].meta.data_type, DataType::from_numpy("<M8[s]").unwrap());
    let bytes = support::bytes_of(&set.arrays["time"], |reference| match reference {
        rangefold_refs::Reference::Inline(bytes) => bytes.to_vec(),
        other => panic!("{other:?}"),
    });
    assert_eq!(bytes, [1_i64.to_le_bytes(), 2_i64.to_le_bytes()].concat());
}

fn quad(group: &str, first: f64, chunk: u64) -> Input {
    let path = |name: &str| if group.is_empty() { name.to_owned() } else { format!("{group}/{name}") };
    let times: Vec<f64> = (0..4).map(|n| first + f64::from(n)).collect();
    let values: Vec<f64> = times.iter().flat_map(|t| vec![*t; 100]).collect();
    let data: Var = var(&path("data(time=4,x=10,y=10)")).dtype("<f8").chunks(&[chunk, 10, 10]);
    input("quad", [data.values(&values), var(&path("time(time=4)")).dtype("<i8").values(&times)])
}

#[test]
fn files_of_several_steps_are_joined_whatever_their_chunks_and_in_groups() {
    for (group, chunk) in [("", 4), ("", 1), ("", 2), ("group", 4)] {
        let path = |name: &str| if group.is_empty() { name.to_owned() } else { format!("{group}/{name}") };
        let set = join(&[quad(group, 5.0, chunk), quad(group, 1.0, chunk)], &along(&["time"]));
        assert_eq!(numbers(&set, &path("time")), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
        assert_eq!(shape(&set, &path("data")), (vec![8, 10, 10], Some(vec![chunk, 10, 10])));
        let steps: Vec<f64> = numbers(&set, &path("data")).chunks(100).map(|step| step[99]).collect();
        assert_eq!(steps, numbers(&set, &path("time")));
    }
}

/// One variable without any joined dimension, and a number for its file.
fn simple(name: &str, number: i128, values: f64) -> Input {
    let mut input = input(name, [var(&format!("{name}(x=10,y=10)")).dtype("<f8").all(values)]);
    let attributes = &mut input.references.groups.get_mut("").unwrap().attributes;
    attributes.insert("attr0", AttributeValue::Integer(number));
    input
}

#[test]
fn different_variables_are_merged_without_joining_anything() {
    let set = join(&[simple("datum", 3, 2.0), simple("data", 3, 1.0)], &CombineSpec::default());
    assert_eq!(set.arrays.keys().collect::<Vec<_>>(), ["data", "datum"]);
    assert_eq!((numbers(&set, "data")[99], numbers(&set, "datum")[99]), (1.0, 2.0));
}

#[test]
fn different_variables_are_each_joined_along_the_same_dimension() {
    let inputs =
        [simple("data", 3, 1.0), simple("data", 4, 2.0), simple("datum", 3, 3.0), simple("datum", 4, 4.0)];
    let set = join(&inputs, &selected("dim", "attr:attr0"));
    assert_eq!(numbers(&set, "dim"), [3.0, 4.0]);
    let halves = |set: &ReferenceSet, path| -> Vec<f64> {
        numbers(set, path).chunks(100).map(|half| half[0]).collect()
    };
    assert_eq!((halves(&set, "data"), halves(&set, "datum")), (vec![1.0, 2.0], vec![3.0, 4.0]));
}

#[test]
fn names_of_variables_label_what_is_then_there_once_each() {
    let filled = |name| {
        let mut input = simple(name, 0, 1.0);
        let array = input.references.arrays.get_mut(name).unwrap();
        array.meta.fill_value = Some(rangefold_array::FillValue((-1.0_f64).to_le_bytes().to_vec()));
        array.attributes.insert("_FillValue", AttributeValue::Float(-1.0));
        input
    };
    let spec = selected("varname", "varname");
    let inputs = [filled("data"), filled("datum")];
    assert!(refusal(&inputs, &spec).contains("is in none of them at varname"));
    let set = join(&inputs, &CombineSpec { missing_variable: MissingVariable::Fill, ..spec });
    assert_eq!(shape(&set, "datum").0, [2, 10, 10]);
    assert_eq!((numbers(&set, "datum")[0], numbers(&set, "datum")[100]), (-1.0, 1.0));
}

#[test]
fn other_chunk_shapes_are_refused() {
    let mut other = single(2, 2.0, 6, 4);
    let data = var("data(time=1,x=10,y=10)").dtype("<f8").chunks(&[2, 3, 3]);
    other.references.arrays.extend(support::set([data]).arrays);
    assert_eq!(
        refusal(&[single(1, 1.0, 5, 3), other], &along(&["time"])),
        "variable \"data\" has chunk shape [1, 10, 10] in memory://single1.json but [2, 3, 3] in \
         memory://single2.json"
    );
}
