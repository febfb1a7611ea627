//! Files whose numbers are packed differently: refused, or joined with the packing of each told by part.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must stop")]

mod support;

use rangefold_combine::{CombineSpec, Input, MissingVariable, Overlap, PackingRule};
use support::{along, input, join, json, numbers, refusal, var};

/// A file of one step whose numbers are packed with `scale`.
fn packed(name: &str, time: f64, scale: f64, missing: f64) -> Input {
    let attributes = format!(r#"{{"scale_factor":{scale},"_FillValue":{missing}}}"#);
    let tas = var("tas(time=1,x=20)").dtype("<i2").all(7.0).fill(missing).attrs(&attributes);
    input(name, [var("time(time=1)").values(&[time]), tas])
}

/// Where each part ends, with its scale and missing value.
fn told(set: &rangefold_refs::ReferenceSet) -> Vec<(u64, f64, f64)> {
    let (axis, parts) = rangefold_refs::by_part::parts(&set.arrays["tas"]).unwrap();
    assert_eq!(axis, 0);
    let told = parts.iter().map(|part| {
        let array = part.of(&set.arrays["tas"]);
        let number = |name| array.attributes.get(name).and_then(|value| value.as_f64()).unwrap();
        (part.end, number("scale_factor"), number("_FillValue"))
    });
    told.collect()
}

#[test]
fn packing_of_each_file_is_told_by_part_where_that_is_asked_for() {
    let inputs = [
        packed("a", 0.0, 0.5, -1.0),
        packed("b", 1.0, 0.5, -1.0),
        packed("c", 2.0, 0.25, -2.0),
        packed("d", 3.0, 0.5, -1.0),
    ];
    assert!(refusal(&inputs, &along(&["time"])).contains("fill value -1 in 3 inputs (a, ...) but -2 in c"));
    let spec = CombineSpec { packing: PackingRule::ByPart, ..along(&["time"]) };
    let set = join(&inputs, &spec);
    assert_eq!(told(&set), [(2, 0.5, -1.0), (3, 0.25, -2.0), (4, 0.5, -1.0)]);
    // Read back, in another order, in batches and once more: the same.
    let expected = json(&set);
    let read = rangefold_refs::json::read(expected.as_bytes()).unwrap();
    assert_eq!(told(&read), told(&set));
    let [a, b, c, d] = inputs.clone();
    let batch = |inputs: &[Input]| Input::combined("batch", join(inputs, &spec));
    let left = batch(&[c, a]);
    assert_eq!(json(&join(&[d, left.clone(), b], &spec)), expected);
    assert_eq!(json(&join(&[Input::combined("read", read), left], &spec)), expected);
    // Where all are packed alike, nothing is told by part.
    let alike = join(&inputs[..2], &spec);
    assert!(rangefold_refs::by_part::parts(&alike.arrays["tas"]).is_none());
    assert_eq!(numbers(&alike, "tas"), numbers(&join(&inputs[..2], &along(&["time"])), "tas"));
}

#[test]
fn files_packed_alike_are_joined_so_that_one_packed_differently_can_be_appended() {
    let [a, b, c] = [packed("a", 0.0, 0.5, -1.0), packed("b", 1.0, 0.5, -1.0), packed("c", 2.0, 0.25, -2.0)];
    let spec = CombineSpec { packing: PackingRule::ByPart, ..along(&["time"]) };
    let store = Input::combined("store", join(&[a.clone(), b.clone()], &spec));
    let appended = join(&[store, c.clone()], &spec);
    assert_eq!(json(&appended), json(&join(&[a.clone(), b.clone(), c.clone()], &spec)));
    // Small ones that were joined by value lie in other chunks: that is the reason, not their packing.
    let store = Input::combined("store", join(&[a, b], &along(&["time"])));
    assert_eq!(
        refusal(&[store, c], &spec),
        "variable \"tas\" has chunk shape [2, 20] in store but [1, 20] in c"
    );
}

#[test]
fn packing_that_differs_at_one_label_or_where_no_file_is_is_refused() {
    let spec = CombineSpec { packing: PackingRule::ByPart, overlap: Overlap::Last, ..along(&["time"]) };
    let twice = [packed("a", 0.0, 0.5, -1.0), packed("b", 0.0, 0.25, -1.0)];
    assert_eq!(
        refusal(&twice, &spec),
        "variable \"tas\" of b: its numbers are packed differently than in a at time 0: packing may change along one \
         joined axis only"
    );
    let empty = input("empty", [var("time(time=1)").values(&[2.0])]);
    let spec = CombineSpec { missing_variable: MissingVariable::Fill, ..spec };
    let gap = [packed("a", 0.0, 0.5, -1.0), packed("b", 1.0, 0.25, -1.0), empty];
    assert!(refusal(&gap, &spec).contains("is in none of them at time 2"));
}

#[test]
fn numbers_that_mean_something_else_in_each_part_are_not_read_without_saying_where() {
    let inputs = [packed("a", 0.0, 0.5, -1.0), packed("b", 1.0, 0.25, -1.0)];
    let set = join(&inputs, &CombineSpec { packing: PackingRule::ByPart, ..along(&["time"]) });
    let array = &set.arrays["tas"];
    let error = rangefold_codec::Decoder::new().decode(&array.meta.codecs, &[0; 40], 40).unwrap_err();
    assert!(error.to_string().contains("attributes by part"), "{error}");
    // What one part says is never taken for all, whether or not parts are asked for.
    let again = [Input::combined("set", set), packed("c", 2.0, 0.5, -1.0)];
    let message = refusal(&again, &along(&["time"]));
    assert!(message.starts_with("variable \"tas\" has attributes_by_part {ends: [1, 2]"), "{message}");
    assert!(message.ends_with(" in set but none in c"), "{message}");
}
