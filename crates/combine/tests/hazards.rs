//! Every case in which kerchunk's MultiZarrToZarr or VirtualiZarr combine to something wrong without a word, each with
//! the right answer or a refusal.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must stop")]

mod support;

use rangefold_combine::{
    ChunkRule, CombineSpec, Input, MissingVariable, Overlap, Selector, Sort, combine_split,
};
use rangefold_store::FetchOptions;
use support::{along, input, join, json, numbers, refusal, shape, text_attribute, try_join, var};

/// A file with `tas` over the given times, cut into chunks of `chunk` steps; step `t` holds `100 t` and `100 t + 1`.
fn file(name: &str, times: &[f64], chunk: u64) -> Input {
    let n = times.len();
    let values: Vec<f64> = times.iter().flat_map(|t| [100.0 * t, 100.0 * t + 1.0]).collect();
    // 80 bytes a step, so that it is never joined by value.
    let wide: Vec<f64> = values.chunks(2).flat_map(|pair| pair.iter().copied().cycle().take(20)).collect();
    input(
        name,
        [
            var(&format!("time(time={n})")).values(times),
            var("x(x=20)"),
            var(&format!("tas(time={n},x=20)")).chunks(&[chunk, 20]).values(&wide).fill(-9.0),
        ],
    )
}

/// The first value of every step of `tas`.
fn steps(set: &rangefold_refs::ReferenceSet) -> Vec<f64> {
    numbers(set, "tas").chunks(20).map(|step| step[0]).collect()
}

fn days(first: usize, count: usize) -> Vec<f64> {
    (first..first + count).map(|day| day as f64).collect()
}

#[test]
fn aligned_inputs_in_any_order_are_joined() {
    let inputs = [file("b", &[2.0, 3.0], 2), file("a", &[0.0, 1.0], 2), file("c", &[4.0], 2)];
    let set = join(&inputs, &along(&["time"]));
    assert_eq!(numbers(&set, "time"), [0.0, 1.0, 2.0, 3.0, 4.0]);
    assert_eq!(steps(&set), [0.0, 100.0, 200.0, 300.0, 400.0]);
    assert_eq!(shape(&set, "tas"), (vec![5, 20], Some(vec![2, 20])));
}

#[test]
fn months_of_one_chunk_each_are_refused_or_listed() {
    let months =
        [file("jan", &days(0, 31), 31), file("feb", &days(31, 28), 28), file("mar", &days(59, 31), 31)];
    assert_eq!(
        refusal(&months, &along(&["time"])),
        "variable \"tas\" has chunk shape [31, 20] in 2 inputs (jan, ...) but [28, 20] in feb"
    );
    let spec = CombineSpec { chunks: ChunkRule::Rectilinear, ..along(&["time"]) };
    let set = join(&months, &spec);
    assert_eq!(shape(&set, "tas"), (vec![90, 20], None));
    assert_eq!(steps(&set), days(0, 90).iter().map(|day| day * 100.0).collect::<Vec<_>>());
}

#[test]
fn months_in_equal_chunks_that_do_not_fill_them_are_refused() {
    for chunk in [31, 10] {
        let months = [
            file("jan", &days(0, 31), chunk),
            file("feb", &days(31, 28), chunk),
            file("mar", &days(59, 31), chunk),
        ];
        for chunks in [ChunkRule::Regular, ChunkRule::Rectilinear] {
            let message = refusal(&months, &CombineSpec { chunks, ..along(&["time"]) });
            assert!(message.starts_with("variable \"tas\" cannot be joined along \"time\" at "), "{message}");
        }
    }
}

#[test]
fn a_first_file_that_is_shorter_is_refused() {
    let inputs = [file("a", &[0.0], 2), file("b", &[1.0, 2.0], 2)];
    assert_eq!(
        refusal(&inputs, &along(&["time"])),
        "variable \"tas\" cannot be joined along \"time\" at a: its chunk of 2 steps (1 of them used) begins at \
         position 0, which is no chunk of a regular grid of 2 over 3 positions"
    );
}

#[test]
fn an_overlap_is_refused_or_decided_by_the_policy() {
    let mut other = file("b", &[1.0, 2.0], 1);
    let tas = var("tas(time=2,x=20)").chunks(&[1, 20]).all(7.0).fill(-9.0);
    other.references.arrays.extend(support::set([tas]).arrays);
    let inputs = [file("a", &[0.0, 1.0], 1), other];
    let with = |overlap| CombineSpec { overlap, ..along(&["time"]) };
    let message = "variable \"tas\" has data at time 1 in both a and b, and they are not the same";
    assert_eq!(refusal(&inputs, &with(Overlap::Error)), message);
    assert_eq!(refusal(&inputs, &with(Overlap::Identical)), message);
    assert_eq!(steps(&join(&inputs, &with(Overlap::First))), [0.0, 100.0, 7.0]);
    assert_eq!(steps(&join(&inputs, &with(Overlap::Last))), [0.0, 7.0, 7.0]);
}

#[test]
fn an_overlap_inside_a_chunk_is_refused() {
    let inputs = [file("a", &[0.0, 1.0], 2), file("b", &[1.0, 2.0], 2)];
    for overlap in [Overlap::Error, Overlap::Identical, Overlap::First, Overlap::Last] {
        let message = refusal(&inputs, &CombineSpec { overlap, ..along(&["time"]) });
        assert!(
            message.contains("at b: its chunk of 2 steps (2 of them used) begins at position 1"),
            "{message}"
        );
    }
}

#[test]
fn the_same_data_twice_is_once() {
    let inputs = [file("a", &[0.0, 1.0], 2), file("again", &[0.0, 1.0], 2), file("b", &[2.0], 2)];
    assert_eq!(steps(&join(&inputs, &along(&["time"]))), [0.0, 100.0, 200.0]);
}

#[test]
fn equal_values_in_different_bytes_are_accepted_only_by_the_policy_that_decodes_them() {
    let mut compressed = file("b", &[0.0, 1.0], 1);
    let array = compressed.references.arrays.get_mut("tas").unwrap();
    let recode = |array: &mut rangefold_refs::ManifestArray, level| {
        let codecs = vec![rangefold_array::CodecSpec::Zlib { level }];
        let mut builder = rangefold_refs::ManifestBuilder::new();
        for (number, reference) in array.manifest.iter() {
            let rangefold_refs::Reference::Inline(bytes) = reference else { unreachable!() };
            let bytes = rangefold_codec::encode(&codecs, &bytes).unwrap();
            builder.push(number, rangefold_refs::Reference::Inline(bytes.into())).unwrap();
        }
        array.manifest = builder.build(array.meta.grid.chunk_count()).unwrap();
        array.meta.codecs = codecs;
    };
    recode(array, 9);
    let mut first = file("a", &[0.0, 1.0], 1);
    recode(first.references.arrays.get_mut("tas").unwrap(), 0);
    let inputs = [first, compressed];
    assert!(refusal(&inputs, &along(&["time"])).contains("not the same"));
    let set = join(&inputs, &CombineSpec { overlap: Overlap::Identical, ..along(&["time"]) });
    assert_eq!(steps(&set), [0.0, 100.0]);
}

#[test]
fn interleaved_steps_are_placed_one_by_one_and_refused_in_larger_chunks() {
    let inputs = |chunk| [file("even", &[0.0, 2.0], chunk), file("odd", &[1.0, 3.0], chunk)];
    assert_eq!(steps(&join(&inputs(1), &along(&["time"]))), [0.0, 100.0, 200.0, 300.0]);
    let message = refusal(&inputs(2), &along(&["time"]));
    assert!(message.contains("at even: the labels inside one of its chunks do not follow"), "{message}");
}

#[test]
fn descending_coordinates_are_placed_or_refused_or_kept() {
    let inputs = |chunk| [file("a", &[3.0, 2.0], chunk), file("b", &[1.0, 0.0], chunk)];
    assert_eq!(steps(&join(&inputs(1), &along(&["time"]))), [0.0, 100.0, 200.0, 300.0]);
    assert!(refusal(&inputs(2), &along(&["time"])).contains("do not follow one another"));
    let descending = CombineSpec { sort: Sort::Descending, ..along(&["time"]) };
    let set = join(&inputs(2), &descending);
    assert_eq!(numbers(&set, "time"), [3.0, 2.0, 1.0, 0.0]);
    assert_eq!(steps(&set), [300.0, 200.0, 100.0, 0.0]);
    let given = CombineSpec { sort: Sort::Given, ..along(&["time"]) };
    assert_eq!(
        steps(&join(&[file("a", &[5.0, 1.0], 2), file("b", &[3.0], 2)], &given)),
        [500.0, 100.0, 300.0]
    );
}

#[test]
fn a_gap_stays_a_gap() {
    let set = join(&[file("a", &[0.0], 1), file("b", &[9.0], 1)], &along(&["time"]));
    assert_eq!((numbers(&set, "time"), steps(&set)), (vec![0.0, 9.0], vec![0.0, 900.0]));
}

/// A file whose times count from `reference`; each holds its bounds.
fn dated(name: &str, reference: &str, times: &[f64], calendar: &str, value: f64) -> Input {
    let n = times.len();
    let bounds: Vec<f64> = times.iter().flat_map(|t| [*t, t + 1.0]).collect();
    let units =
        format!(r#"{{"units":"days since {reference}","calendar":"{calendar}","bounds":"time_bnds"}}"#);
    input(
        name,
        [
            var(&format!("time(time={n})")).values(times).dtype("<f8").attrs(&units),
            var(&format!("time_bnds(time={n},nv=2)")).values(&bounds).dtype("<f8"),
            var(&format!("tas(time={n},x=20)")).chunks(&[1, 20]).all(value),
        ],
    )
}

#[test]
fn times_in_different_units_are_expressed_in_those_of_the_earliest() {
    let inputs = [
        dated("b", "2001-02-01", &[0.0, 1.0], "standard", 2.0),
        dated("a", "2001-01-01", &[0.0, 30.5], "standard", 1.0),
    ];
    let set = join(&inputs, &along(&["time"]));
    assert_eq!(numbers(&set, "time"), [0.0, 30.5, 31.0, 32.0]);
    assert_eq!(text_attribute(&set, "time", "units").unwrap(), "days since 2001-01-01");
    assert_eq!(numbers(&set, "time_bnds"), [0.0, 1.0, 30.5, 31.5, 31.0, 32.0, 32.0, 33.0]);
    assert_eq!(steps(&set), [1.0, 1.0, 2.0, 2.0]);
}

#[test]
fn plain_numbers_of_times_in_different_units_are_refused() {
    let inputs = [
        dated("a", "2001-01-01", &[0.0], "standard", 1.0),
        dated("b", "2001-02-01", &[0.0], "standard", 2.0),
    ];
    let mut spec = along(&["time"]);
    spec.selectors.insert("time".into(), Selector::Data("time".into()));
    assert_eq!(
        refusal(&inputs, &spec),
        "variable \"time\" has units \"days since 2001-01-01\" in a but \"days since 2001-02-01\" in b"
    );
}

#[test]
fn different_calendars_are_refused() {
    let inputs =
        [dated("a", "2001-01-01", &[0.0], "noleap", 1.0), dated("b", "2001-02-01", &[0.0], "360_day", 2.0)];
    assert_eq!(
        refusal(&inputs, &along(&["time"])),
        "dimension \"time\" has times in the noleap calendar as labels in a but times in the 360_day calendar in b"
    );
}

#[test]
fn two_names_of_one_calendar_are_one() {
    let inputs =
        [dated("a", "2001-01-01", &[0.0], "365_day", 1.0), dated("b", "2001-01-01", &[1.0], "noleap", 2.0)];
    assert_eq!(numbers(&join(&inputs, &along(&["time"])), "time"), [0.0, 1.0]);
}

/// Two files that differ in one thing.
fn differing(change: impl Fn(rangefold_refs::ManifestArray) -> rangefold_refs::ManifestArray) -> [Input; 2] {
    let mut b = file("b", &[1.0], 1);
    let array = b.references.arrays.remove("tas").unwrap();
    b.references.arrays.insert("tas".into(), change(array));
    [file("a", &[0.0], 1), b]
}

#[test]
fn packing_fill_units_types_and_codecs_that_differ_are_refused() {
    let attribute = |name: &'static str, value: f64| {
        differing(move |mut array| {
            array.attributes.insert(name, rangefold_refs::AttributeValue::Float(value));
            array
        })
    };
    for name in ["scale_factor", "add_offset", "missing_value", "valid_max"] {
        assert_eq!(
            refusal(&attribute(name, 0.5), &along(&["time"])),
            format!("variable \"tas\" has {name} none in a but 0.5 in b")
        );
    }
    let fill = refusal(&attribute("_FillValue", 0.5), &along(&["time"]));
    assert_eq!(fill, "variable \"tas\" has fill value -9 in a but 0.5 that is no value of the type in b");
    let units = differing(|mut array| {
        array.attributes.insert("units", rangefold_refs::AttributeValue::Text("degC".into()));
        array
    });
    assert_eq!(refusal(&units, &along(&["time"])), "variable \"tas\" has units none in a but \"degC\" in b");
    for dtype in ["<u4", "<f4", ">i4"] {
        let types = differing(|mut array| {
            array.meta.data_type = rangefold_array::DataType::from_numpy(dtype).unwrap();
            array
        });
        assert_eq!(
            refusal(&types, &along(&["time"])),
            format!("variable \"tas\" has data type <i4 in a but {dtype} in b")
        );
    }
    let codecs = differing(|mut array| {
        array.meta.codecs = vec![rangefold_array::CodecSpec::Shuffle { element_size: 4 }];
        array
    });
    assert_eq!(
        refusal(&codecs, &along(&["time"])),
        "variable \"tas\" has codecs none in a but shuffle of 4 bytes in b"
    );
    let order = differing(|mut array| {
        array.meta.order = rangefold_array::MemoryOrder::ColumnMajor;
        array
    });
    assert!(refusal(&order, &along(&["time"])).contains("element order RowMajor in a but ColumnMajor in b"));
    let fill = differing(|mut array| {
        array.meta.fill_value = None;
        array.attributes.remove("_FillValue");
        array
    });
    assert!(refusal(&fill, &along(&["time"])).contains("fill value -9 in a but none in b"));
}

#[test]
fn compression_levels_may_differ() {
    let level = |level| vec![rangefold_array::CodecSpec::Zlib { level }];
    let mut inputs = differing(|mut array| {
        array.meta.codecs = level(9);
        array
    });
    inputs[0].references.arrays.get_mut("tas").unwrap().meta.codecs = level(1);
    assert_eq!(join(&inputs, &along(&["time"])).arrays["tas"].meta.codecs, level(1));
}

#[test]
fn the_majority_and_the_offenders_are_named() {
    let files: Vec<Input> = (0..7).map(|n| file(&format!("f{n}"), &[f64::from(n)], 1)).collect();
    let mut files = files;
    for odd in [1, 2, 4, 5] {
        let array = files[odd].references.arrays.get_mut("tas").unwrap();
        array.attributes.insert("scale_factor", rangefold_refs::AttributeValue::Integer(odd as i128));
    }
    assert_eq!(
        refusal(&files, &along(&["time"])),
        "variable \"tas\" has scale_factor none in 3 inputs (f0, ...) but 1 in f1, 2 in f2, 4 in f4 and 1 more"
    );
}

#[test]
fn other_coordinates_must_be_the_same() {
    let mut b = file("b", &[1.0], 1);
    b.references.arrays.extend(support::set([var("x(x=20)").all(3.0)]).arrays);
    assert_eq!(
        refusal(&[file("a", &[0.0], 1), b], &along(&["time"])),
        "variable \"x\" is not the same in a and b: element 0 is 0 in the one and 3 in the other"
    );
    let mut fewer = file("b", &[1.0], 1);
    fewer.references.arrays.extend(support::set([var("x(x=19)")]).arrays);
    assert_eq!(
        refusal(&[file("a", &[0.0], 1), fewer], &along(&["time"])),
        "variable \"x\" has lengths of the other dimensions [20] in a but [19] in b"
    );
}

#[test]
fn other_coordinates_may_differ_within_a_tolerance_that_is_asked_for() {
    let lat = |name, shift: f64, t| {
        let values = [10.0 + shift, 20.0, f64::NAN];
        input(name, [var("time(time=1)").values(&[t]), var("lat(lat=3)").dtype("<f8").values(&values)])
    };
    let inputs = [lat("a", 0.0, 0.0), lat("b", 1e-9, 1.0)];
    assert!(refusal(&inputs, &along(&["time"])).contains("element 0 is 10 in the one and 10.000000001"));
    let mut spec = along(&["time"]);
    spec.identical.insert("lat".into(), rangefold_combine::Tolerance::Absolute(1e-6));
    assert_eq!(numbers(&join(&inputs, &spec), "lat")[0], 10.0);
    spec.identical.insert("lat".into(), rangefold_combine::Tolerance::Absolute(1e-12));
    assert!(try_join(&inputs, &spec).is_err());
}

#[test]
fn a_variable_absent_at_some_labels_is_refused_filled_or_dropped() {
    let with_pr = |t: f64, fill: Option<f64>| {
        let mut input = file("with", &[t], 1);
        let pr = var("pr(time=1,x=20)").all(5.0);
        let pr = match fill {
            Some(fill) => pr.fill(fill),
            None => pr,
        };
        input.references.arrays.extend(support::set([pr]).arrays);
        input
    };
    let policy = |missing_variable| CombineSpec { missing_variable, ..along(&["time"]) };
    let inputs = [file("without", &[0.0], 1), with_pr(1.0, Some(-9.0))];
    assert_eq!(
        refusal(&inputs, &policy(MissingVariable::Error)),
        "variable \"pr\", which is in 1 of 2 inputs, is in none of them at time 0"
    );
    let set = join(&inputs, &policy(MissingVariable::Fill));
    let pr: Vec<f64> = numbers(&set, "pr").chunks(20).map(|step| step[0]).collect();
    assert_eq!(pr, [-9.0, 5.0]);
    let set = join(&inputs, &policy(MissingVariable::Drop));
    assert!(!set.arrays.contains_key("pr") && set.arrays.contains_key("tas"));
    let no_fill = [file("without", &[0.0], 1), with_pr(1.0, None)];
    // netCDF's default fill of the type, declared for readers that do not know it.
    let set = join(&no_fill, &policy(MissingVariable::Fill));
    let pr: Vec<f64> = numbers(&set, "pr").chunks(20).map(|step| step[0]).collect();
    assert_eq!(pr, [-2_147_483_647.0, 5.0]);
    let declared = set.arrays["pr"].attributes.get("_FillValue");
    assert_eq!(declared, Some(&rangefold_refs::AttributeValue::Integer(-2_147_483_647)));
}

#[test]
fn attributes_that_differ_are_left_out_and_told() {
    let with = |name, t, history: &str| {
        let mut input = file(name, &[t], 1);
        let root = input.references.groups.get_mut("").unwrap();
        root.attributes.insert("history", rangefold_refs::AttributeValue::Text(history.into()));
        root.attributes.insert("title", rangefold_refs::AttributeValue::Text("T".into()));
        input
    };
    let combined = try_join(&[with("a", 0.0, "x"), with("b", 1.0, "y")], &along(&["time"])).unwrap();
    assert_eq!(combined.dropped_attributes.into_iter().collect::<Vec<_>>(), [("/".into(), "history".into())]);
    let root = &combined.references.groups[""].attributes;
    assert_eq!(root.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["title"]);
}

#[test]
fn variables_without_the_joined_dimension_stay_as_they_are() {
    let with_crs = |name, t, crs: f64| {
        let mut input = file(name, &[t], 1);
        input.references.arrays.extend(support::set([var("crs").values(&[crs])]).arrays);
        input
    };
    let set = join(&[with_crs("a", 0.0, 5.0), with_crs("b", 1.0, 5.0)], &along(&["time"]));
    assert_eq!((shape(&set, "crs").0, numbers(&set, "crs")), (vec![], vec![5.0]));
    assert_eq!(
        refusal(&[with_crs("a", 0.0, 5.0), with_crs("b", 1.0, 6.0)], &along(&["time"])),
        "variable \"crs\" is not the same in a and b: element 0 is 5 in the one and 6 in the other"
    );
}

#[test]
fn labels_from_elsewhere_do_not_keep_the_units_of_the_numbers_they_replace() {
    let inputs = [
        dated("tas_2001.nc", "2001-01-01", &[0.0], "standard", 1.0),
        dated("tas_2002.nc", "2002-01-01", &[0.0], "standard", 2.0),
    ];
    let mut spec = along(&["time"]);
    spec.selectors.insert("time".into(), Selector::parse(r"regex:_(\d{4})", |_| Ok(vec![])).unwrap());
    let set = join(&inputs, &spec);
    assert_eq!(numbers(&set, "time"), [2001.0, 2002.0]);
    assert_eq!(text_attribute(&set, "time", "units"), None);
    // The bounds are times still, and no longer bounds of the labels.
    assert_eq!(text_attribute(&set, "time", "bounds"), None);
    assert_eq!(numbers(&set, "time_bnds"), [0.0, 1.0, 365.0, 366.0]);
    assert_eq!(text_attribute(&set, "time_bnds", "units").unwrap(), "days since 2001-01-01");
}

#[test]
fn coordinates_inside_groups_count() {
    let grouped = |name, g: &[f64], h: &[f64]| {
        let (n, m) = (g.len(), h.len());
        let values: Vec<f64> = g.iter().flat_map(|t| vec![*t; 20]).collect();
        let other: Vec<f64> = h.iter().flat_map(|t| vec![*t; 20]).collect();
        input(
            name,
            [
                var(&format!("G/time(time={n})")).values(g),
                var(&format!("G/sub/q(time={n},x=20)")).chunks(&[1, 20]).values(&values),
                var(&format!("H/time(time={m})")).values(h),
                var(&format!("H/q(time={m},x=20)")).chunks(&[1, 20]).values(&other),
            ],
        )
    };
    let inputs = [grouped("a", &[3.0, 1.0], &[7.0]), grouped("b", &[2.0], &[5.0, 6.0])];
    let first = |set: &rangefold_refs::ReferenceSet, path: &str| -> Vec<f64> {
        numbers(set, path).chunks(20).map(|step| step[0]).collect()
    };
    let set = join(&inputs, &along(&["time"]));
    assert_eq!(numbers(&set, "G/time"), [1.0, 2.0, 3.0]);
    assert_eq!(first(&set, "G/sub/q"), [1.0, 2.0, 3.0]);
    assert_eq!(numbers(&set, "H/time"), [5.0, 6.0, 7.0]);
    assert_eq!(first(&set, "H/q"), [5.0, 6.0, 7.0]);
    // One group alone: what lies on the other's time must then be the same.
    assert!(refusal(&inputs, &along(&["G/time"])).contains("\"H/q\" has lengths of the other dimensions"));
}

#[test]
fn several_dimensions_are_joined_at_once() {
    let member = |t: f64, m: f64| {
        let name = format!("t{t}_m{m}");
        let value = 10.0 * t + m;
        input(&name, [var("time(time=1)").values(&[t]), var("tas(time=1,x=20)").all(value).fill(-1.0)])
    };
    let mut spec = along(&["member", "time"]);
    spec.selectors.insert("member".into(), Selector::parse(r"regex:_m(\d+)", |_| Ok(vec![])).unwrap());
    let all: Vec<Input> = [(1., 2.), (0., 2.), (0., 1.), (1., 1.)].map(|(t, m)| member(t, m)).into();
    let set = join(&all, &spec);
    assert_eq!(shape(&set, "tas"), (vec![2, 2, 20], Some(vec![1, 1, 20])));
    assert_eq!(steps(&set), [1.0, 11.0, 2.0, 12.0]);
    assert_eq!(numbers(&set, "member"), [1.0, 2.0]);
    assert_eq!(
        refusal(&all[..3], &spec),
        "variable \"tas\", which is in 3 of 3 inputs, is in none of them at member 1, time 1"
    );
    let fill = CombineSpec { missing_variable: MissingVariable::Fill, ..spec };
    assert_eq!(steps(&join(&all[..3], &fill)), [1.0, -1.0, 2.0, 12.0]);
}

#[test]
fn different_variables_from_different_files_are_merged() {
    let one = |name: &str, variable: &str, times: &[f64], height: Option<f64>| {
        let n = times.len();
        let mut variables = vec![
            var(&format!("time(time={n})")).values(times),
            var(&format!("{variable}(time={n},x=20)")).chunks(&[1, 20]),
        ];
        variables.extend(height.map(|height| var("height").values(&[height])));
        input(name, variables)
    };
    let inputs = [
        one("tas_0", "tas", &[0.0], Some(2.0)),
        one("tas_1", "tas", &[1.0], Some(2.0)),
        one("pr", "pr", &[0.0, 1.0], None),
    ];
    let set = join(&inputs, &along(&["time"]));
    assert_eq!((shape(&set, "tas").0, shape(&set, "pr").0), (vec![2, 20], vec![2, 20]));
    assert_eq!(numbers(&set, "height"), [2.0]);
    let inputs = [
        one("tas_0", "tas", &[0.0], Some(2.0)),
        one("tas_1", "tas", &[1.0], None),
        one("pr", "pr", &[0.0, 1.0], None),
    ];
    assert_eq!(
        refusal(&inputs, &along(&["time"])),
        "variable \"height\" is in 1 of 3 inputs, but tas_1 holds \"tas\" without it"
    );
}

#[test]
fn an_input_without_the_dimension_adds_what_does_not_lie_on_it() {
    let fixed = input("orog", [var("orog(x=20)"), var("x(x=20)")]);
    let set = join(&[file("a", &[0.0], 1), fixed, file("b", &[1.0], 1)], &along(&["time"]));
    assert_eq!((steps(&set), shape(&set, "orog").0), (vec![0.0, 100.0], vec![20]));
}

#[test]
fn a_scalar_coordinate_becomes_a_dimension() {
    let scalar = |name, t: f64| {
        let attrs = r#"{"units":"hours since 2001-01-01"}"#;
        input(name, [var("time").values(&[t]).attrs(attrs), var("tas(x=20)").all(t), var("x(x=20)")])
    };
    let set = join(&[scalar("b", 6.0), scalar("a", 0.0)], &along(&["time"]));
    assert_eq!((numbers(&set, "time"), steps(&set)), (vec![0.0, 6.0], vec![0.0, 6.0]));
    assert_eq!(set.arrays["tas"].meta.dimension_names, ["time", "x"]);
    assert_eq!(set.arrays["x"].meta.dimension_names, ["x"]);
}

#[test]
fn an_empty_input_adds_nothing() {
    let inputs = [file("a", &[0.0], 1), file("empty", &[], 1)];
    let set = join(&inputs, &along(&["time"]));
    assert_eq!((numbers(&set, "time"), steps(&set)), (vec![0.0], vec![0.0]));
    assert_eq!(json(&set), json(&join(&[inputs[1].clone(), inputs[0].clone()], &along(&["time"]))));
}

#[test]
fn time_series_in_chunks_longer_than_the_file_are_joined_by_value() {
    let series = |name, times: &[f64]| {
        let n = times.len();
        input(
            name,
            [
                var(&format!("time(time={n})")).chunks(&[512]).values(times),
                var(&format!("p(time={n})")).chunks(&[1024]).values(times).dtype(">f4"),
            ],
        )
    };
    let set = join(&[series("b", &[5.0]), series("a", &[1.0, 2.0])], &along(&["time"]));
    assert_eq!(numbers(&set, "p"), [1.0, 2.0, 5.0]);
}

#[test]
fn a_missing_label_is_refused() {
    let marked = input("a", [var("time(time=2)").values(&[0.0, -9.0]).attrs(r#"{"_FillValue":-9}"#)]);
    assert_eq!(
        refusal(&[marked], &along(&["time"])),
        "no labels are known for dimension \"time\" of a: variable \"time\": its value at position 1 is marked as \
         missing"
    );
}

#[test]
fn an_object_that_changed_between_two_scans_is_refused() {
    let scanned = |name, t, size| {
        let mut input = file(name, &[t], 1);
        let source = rangefold_refs::Source { size: Some(size), etag: None, last_modified: None };
        input.references.sources.insert("s3://b/x.nc".into(), source);
        input
    };
    let message = refusal(&[scanned("a", 0.0, 10), scanned("b", 1.0, 11)], &along(&["time"]));
    assert!(
        message.contains("s3://b/x.nc has changed between the scans of a and b (10 bytes and then 11 bytes)")
    );
}

#[test]
fn nothing_to_label_the_dimension_with_is_refused() {
    let bare = input("a", [var("tas(time=2,x=20)")]);
    assert!(refusal(&[bare], &along(&["time"])).contains("no coordinate variable, and no selector"));
    assert!(refusal(&[file("a", &[0.0], 1)], &along(&["run"])).contains("no input has the dimension"));
    assert_eq!(refusal(&[], &along(&["time"])), "there are no inputs to combine");
    let empty = [file("a", &[0.0], 1), input("b", [])];
    assert_eq!(refusal(&empty, &along(&["time"])), "b has no variables to combine");
}

/// The inputs of each piece, and its steps.
fn pieces(inputs: &[Input]) -> Vec<(Vec<usize>, Vec<f64>)> {
    let nowhere = |url: &str| Err(format!("{url} must not be read").into());
    let spec = along(&["time"]);
    let split = combine_split(inputs, &spec, nowhere, FetchOptions::default());
    let split = futures::executor::block_on(split).unwrap();
    split.into_iter().map(|piece| (piece.inputs, steps(&piece.combined.references))).collect()
}

#[test]
fn inputs_that_do_not_fit_together_are_split() {
    let months =
        [file("jan", &days(0, 31), 31), file("feb", &days(31, 28), 28), file("mar", &days(59, 31), 31)];
    let found: Vec<(Vec<usize>, usize)> =
        pieces(&months).into_iter().map(|(inputs, steps)| (inputs, steps.len())).collect();
    assert_eq!(found, [(vec![0, 2], 62), (vec![1], 28)]);

    let mut packed = [file("a", &[0.0], 1), file("b", &[1.0], 1), file("c", &[2.0], 1)];
    let array = packed[1].references.arrays.get_mut("tas").unwrap();
    array.attributes.insert("scale_factor", rangefold_refs::AttributeValue::Float(0.5));
    assert_eq!(pieces(&packed), [(vec![0, 2], vec![0.0, 200.0]), (vec![1], vec![100.0])]);

    let padded = [file("a", &[0.0], 2), file("b", &[1.0, 2.0], 2), file("c", &[3.0, 4.0], 2)];
    assert_eq!(pieces(&padded), [(vec![0], vec![0.0]), (vec![1, 2], vec![100.0, 200.0, 300.0, 400.0])]);
}

#[test]
fn a_variable_with_the_name_of_the_dimension_but_more_axes_is_refused() {
    let odd = input("a", [var("time(time=1,nv=2)")]);
    let mut spec = along(&["time"]);
    spec.selectors.insert("time".into(), Selector::Index);
    assert!(refusal(&[odd], &spec).ends_with("more axes than that one"));
}

#[test]
fn combining_can_be_sent_to_another_thread() {
    fn is_send<T: Send>(_: &T) {}
    let spec = along(&["time"]);
    let nowhere = |url: &str| Err(format!("{url} must not be read").into());
    is_send(&rangefold_combine::combine(Vec::new(), &spec, nowhere, FetchOptions::default()));
}

#[test]
fn whether_a_default_fill_value_is_data_is_known_of_files_and_unknown_of_stores_of_other_programs() {
    let part = |name: &str, t: f64, attrs: &str| {
        input(
            name,
            [
                var("time(time=1)").values(&[t]),
                var("b(time=1,x=20)").dtype("<i2").chunks(&[1, 20]).attrs(attrs),
            ],
        )
    };
    let joined = |first: &str, second: &str| {
        let set = join(&[part("a", 0.0, first), part("b", 1.0, second)], &along(&["time"]));
        set.arrays["b"].attributes.get("_NoFill").cloned()
    };
    let text = |text: &str| Some(rangefold_refs::AttributeValue::Text(text.to_owned()));
    let (known, unknown) = (r#"{"_NoFill":"true"}"#, r#"{"_NoFill":"unknown"}"#);
    assert_eq!(joined(unknown, unknown), text("unknown"));
    assert_eq!(joined(known, unknown), text("true"));
    assert_eq!(joined("{}", unknown), None);
    let error = refusal(&[part("a", 0.0, known), part("b", 1.0, "{}")], &along(&["time"]));
    assert!(error.contains("_NoFill"), "{error}");
}
