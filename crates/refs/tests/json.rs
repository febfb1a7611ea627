//! kerchunk JSON: what is written, what is read, what is refused.

mod common;

use std::fs;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use rangefold_array::CodecSpec;
use rangefold_refs::{Reference, ReferenceSet, json};

const TAS: &str = r#"".zgroup":"{\"zarr_format\":2}","tas/.zarray":"{\"zarr_format\":2,\"shape\":[4],\"chunks\":[2],\"dtype\":\"<i2\",\"fill_value\":null,\"order\":\"C\",\"filters\":null,\"compressor\":null}","tas/.zattrs":"{\"_ARRAY_DIMENSIONS\":[\"time\"]}""#;

/// One line for each reference, then one for each array that cannot be read.
fn describe(set: &ReferenceSet) -> String {
    let mut out = String::new();
    for (path, array) in &set.arrays {
        for (number, reference) in array.manifest.iter() {
            let what = match reference {
                Reference::Inline(bytes) => format!("inline {bytes:?}"),
                Reference::Whole { url } => url.to_string(),
                Reference::Range { url, range } => format!("{url} {range}"),
            };
            out += &format!("{path} {number}: {what}\n");
        }
    }
    for (path, error) in &set.unreadable {
        out += &format!("{path} is unreadable: {error}\n");
    }
    out
}

fn check(text: &str, expected: Expect) {
    let outcome = match json::read(text.as_bytes()) {
        Ok(set) => describe(&set),
        Err(error) => format!("error: {error}\n"),
    };
    expected.assert_eq(&outcome);
}

fn check_refs(refs: &str, expected: Expect) {
    check(&format!(r#"{{"version":1,"refs":{{{TAS},{refs}}}}}"#), expected);
}

#[test]
fn every_form_of_a_value_is_read() {
    check_refs(
        r#""tas/0":["s3://b/k",10,20],"tas/1":["s3://b/whole"]"#,
        expect![[r#"
        tas 0: s3://b/k 10..30
        tas 1: s3://b/whole
    "#]],
    );
    check_refs(
        r#""tas/0":"base64:AAE=","tas/1":"\u00e9""#,
        expect![[r#"
        tas 0: inline b"\0\x01"
        tas 1: inline b"\xc3\xa9"
    "#]],
    );
    check_refs(
        r#""tas/1":{"a":[1,NaN]}"#,
        expect![[r#"
        tas 1: inline b"{\"a\":[1,NaN]}"
    "#]],
    );
}

#[test]
fn version_0_is_the_flat_object() {
    check(
        &format!(r#"{{{TAS},"tas/0":["k",0,4]}}"#),
        expect![[r#"
        tas 0: k 0..4
    "#]],
    );
}

#[test]
fn metadata_may_be_objects_or_base64() {
    check(
        r#"{".zgroup":{"zarr_format":2},"a/.zarray":{"zarr_format":2,"shape":[],"chunks":[],"dtype":"|u1","fill_value":0,"order":"C","filters":null,"compressor":null},"a/.zattrs":"base64:e30=","a/0":"x"}"#,
        expect![[r#"
            a 0: inline b"x"
        "#]],
    );
}

#[test]
fn templates_and_generators_are_expanded() {
    let text = format!(
        r#"{{"version":1,"templates":{{"u":"s3://b","f":"{{{{c}}}}.nc"}},
            "gen":[{{"key":"tas/{{{{i}}}}","url":"{{{{u}}}}/{{{{f(c='y')}}}}","offset":"{{{{(i + 1) * 1000}}}}","length":"1000",
                    "dimensions":{{"i":{{"start":1,"stop":2}}}}}}],
            "refs":{{{TAS},"tas/0":["{{{{u}}}}/a.nc",0,4]}}}}"#
    );
    check(
        &text,
        expect![[r#"
        tas 0: s3://b/a.nc 0..4
        tas 1: s3://b/y.nc 2000..3000
    "#]],
    );
}

#[test]
fn generators_that_ask_for_too_much_or_too_little_are_refused() {
    let generator = |body: &str| format!(r#"{{"version":1,"refs":{{}},"gen":[{body}]}}"#);
    check(
        &generator(r#"{"key":"a/{{i}}","url":"u","dimensions":{"i":{"stop":1000000000000}}}"#),
        expect![[r#"
        error: key "gen[0]": dimension "i" has more than 1000000 values
    "#]],
    );
    check(
        &generator(r#"{"key":"a/{{i}}","url":"u","dimensions":{"i":{"stop":10000},"j":{"stop":10000}}}"#),
        expect![[r#"
            error: the number of generated references is more than the limit of 1000000
        "#]],
    );
    check(
        &generator(r#"{"key":"a/0","url":"u","offset":"1","dimensions":{"i":[1]}}"#),
        expect![[r#"
        error: key "gen[0]": has only one of offset and length
    "#]],
    );
    check(
        &generator(r#"{"key":"a/0","url":"u","offset":"{{i/2}}","length":1,"dimensions":{"i":[2]}}"#),
        expect![[r#"
        error: key "gen[0]": "offset" is "1.0", which is no number of bytes
    "#]],
    );
    check(
        &generator(r#"{"key":"{{'%02d'|format(i)}}","url":"u","dimensions":{"i":[1]}}"#),
        expect![[r#"
        error: key "gen[0]": the filter "|format(i)" is not supported in "{{'%02d'|format(i)}}"
    "#]],
    );
}

#[test]
fn a_reference_without_url_means_the_target() {
    let text = format!(r#"{{"version":1,"refs":{{{TAS},"tas/0":[null,0,4]}}}}"#);
    check(
        &text,
        expect![[r#"
        tas is unreadable: key "tas/0": has no URL, and no target is given
    "#]],
    );
    let set = json::read_with(text.as_bytes(), &json::ReadOptions { target: Some("s3://b/t") }).unwrap();
    expect![[r#"
        tas 0: s3://b/t 0..4
    "#]]
    .assert_eq(&describe(&set));
}

#[test]
fn documents_that_are_none_are_refused() {
    check(
        "",
        expect![[r#"
            error: not JSON: it is empty: 0 bytes
        "#]],
    );
    check(
        r#"{"version":2,"refs":{}}"#,
        expect![[r#"
        error: key "version": version 2 is not supported
    "#]],
    );
    check(
        r#"{"refs":{}}"#,
        expect![[r#"
        error: key "version": is missing though there are "refs"
    "#]],
    );
    check(
        r#"{"version":1,"refs":{".zgroup":"{}",".zgroup":"{}"}}"#,
        expect![[r#"
        error: key ".zgroup": stands twice
    "#]],
    );
    check(
        r#"{"version":1,"refs":{"../a/.zgroup":"{}"}}"#,
        expect![[r#"
        error: key "../a/.zgroup": has an empty, "." or ".." part
    "#]],
    );
    check(
        r#"{"version":1,"refs":{},"templates":[]}"#,
        expect![[r#"
        error: key "templates": is not an object of texts
    "#]],
    );
}

#[test]
fn what_is_wrong_with_one_array_is_told_with_its_key() {
    for (refs, expected) in [
        (
            r#""tas/0":["k",-1,4]"#,
            expect![[r#"
            tas is unreadable: key "tas/0": refers to 4 bytes from -1, which is no range of bytes
        "#]],
        ),
        (
            r#""tas/0":["k",18446744073709551615,1]"#,
            expect![[r#"
            tas is unreadable: key "tas/0": refers to 1 bytes from 18446744073709551615, which is no range of bytes
        "#]],
        ),
        (
            r#""tas/0":["k",1]"#,
            expect![[r#"
            tas is unreadable: key "tas/0": is neither a text, an object, [url] nor [url, offset, length]
        "#]],
        ),
        (
            r#""tas/2":["k"]"#,
            expect![[r#"
            tas is unreadable: key "tas/2": is outside a grid of [2] chunks
        "#]],
        ),
        (
            r#""tas/0.0":["k"]"#,
            expect![[r#"
            tas is unreadable: key "tas/0.0": "0.0" is not a chunk key of a rank 1 array
        "#]],
        ),
        (
            r#""tas/0":["k"],"tas/0":["l"]"#,
            expect![[r#"
            tas is unreadable: key "tas": chunk 0 has two references
        "#]],
        ),
        (
            r#""tas/0":"base64:*""#,
            expect![[r#"
            tas is unreadable: key "tas/0": is not base64: Invalid symbol 42, offset 0.
        "#]],
        ),
        (
            r#""pr/0":["k"]"#,
            expect![[r#"
            pr is unreadable: key "pr/0": refers to data of an array without metadata
        "#]],
        ),
        (
            r#""pr/.zarray":"{""#,
            expect![[r#"
                pr is unreadable: key "pr/.zarray": cut off after 1 bytes: expected a string at byte 1
            "#]],
        ),
        (
            r#""pr/.zarray":["url",0,1]"#,
            expect![[r#"
            pr is unreadable: key "pr/.zarray": refers to metadata instead of holding them
        "#]],
        ),
    ] {
        check_refs(refs, expected);
    }
}

#[test]
fn an_array_that_is_a_group_or_holds_nodes_is_unreadable() {
    let expected = "key \"tas\": is an array and a group, or an array that holds other nodes";
    let inner = r#""tas/in/.zarray":"{\"zarr_format\":2,\"shape\":[],\"chunks\":[],\"dtype\":\"|u1\"}""#;
    for refs in [r#""tas/.zgroup":"{\"zarr_format\":2}""#, inner] {
        let set = json::read(format!("{{{TAS},{refs}}}").as_bytes()).unwrap();
        assert_eq!(set.array("tas").unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_set_with_an_unreadable_array_is_not_written_without_it() {
    let set = json::read(format!(r#"{{{TAS},"tas/0":["k",-1,4]}}"#).as_bytes()).unwrap();
    assert!(set.array("tas").is_err());
    assert_eq!(json::write(&set).unwrap_err(), set.array("tas").unwrap_err());
}

#[test]
fn bit_shuffling_is_read_under_its_old_id_and_written_under_our_own() {
    let codec = r#"{\"id\":\"imagecodecs_bitshuffle\",\"itemsize\":2,\"blocksize\":64}"#;
    let tas = TAS.replace(r#"\"filters\":null"#, &format!(r#"\"filters\":[{codec}]"#));
    let set = json::read(format!(r#"{{"version":1,"refs":{{{tas}}}}}"#).as_bytes()).unwrap();
    let codecs = &set.arrays["tas"].meta.codecs;
    assert_eq!(codecs, &[CodecSpec::BitshuffleHdf5 { element_size: 2, block_size: 64, compression: 0 }]);
    let written = String::from_utf8(json::write(&set).unwrap()).unwrap();
    assert!(written.contains("rangefold_bitshuffle_hdf5") && !written.contains("imagecodecs"), "{written}");
    assert_eq!(json::read(written.as_bytes()).unwrap().arrays["tas"].meta.codecs, *codecs);
}

#[test]
fn keys_of_no_concern_are_passed_over() {
    check_refs(r#"".zmetadata":"{\"metadata\":{}}","README.md":"hello","tas/.other":"x""#, expect![""]);
}

#[test]
fn consolidated_metadata_count_where_there_are_no_others() {
    check(
        r#"{".zmetadata":{"metadata":{".zgroup":{"zarr_format":2},"a/.zarray":{"zarr_format":2,"shape":[2],"chunks":[1],"dtype":"<f4","fill_value":"NaN","order":"C","filters":null,"compressor":{"id":"zlib","level":1},"dimension_separator":"/"}}},"a/1":["k"]}"#,
        expect![[r#"
            a 1: k
        "#]],
    );
}

#[test]
fn chunk_keys_with_slashes_find_their_array() {
    let zarray = r#"{"zarr_format":2,"shape":[2,2],"chunks":[1,1],"dtype":"<f4","fill_value":0.0,"order":"F","filters":[],"compressor":null,"dimension_separator":"/"}"#;
    check(
        &format!(r#"{{"g/a/.zarray":{zarray},"g/a/1/0":["k"]}}"#),
        expect![[r#"
        g/a 2: k
    "#]],
    );
}

#[test]
fn what_kerchunk_wrote_is_read() {
    let set = json::read(&fs::read(common::sample("kerchunk.json")).unwrap()).unwrap();
    expect![[r#"
        crs 0: inline b"\x07\0\0\0"
        grp/q 0: inline b"\x01\x02\x03"
        name 0: inline b"hello"
        pr 0: s3://bucket/small.nc 12615..12855
        tas 0: s3://bucket/small.nc 12466..12492
        tas 1: s3://bucket/small.nc 12492..12519
        tas 2: s3://bucket/small.nc 12519..12545
        tas 3: s3://bucket/small.nc 12545..12572
        tas 4: s3://bucket/small.nc 12572..12595
        tas 5: s3://bucket/small.nc 12595..12615
        time 0: s3://bucket/small.nc 12855..12895
    "#]]
    .assert_eq(&describe(&set));
    assert_eq!(set.arrays["grp/q"].meta.dimension_names, ["lat"]);
    assert!(set.groups[""].attributes.get("nothing").unwrap().as_f64().unwrap().is_nan());
}

#[test]
fn what_virtualizarr_wrote_is_read_its_scalar_keys_included() {
    let set = json::read(&fs::read(common::sample("virtualizarr.json")).unwrap()).unwrap();
    assert_eq!(set.unreadable.len(), 0, "{:?}", set.unreadable);
    assert!(set.arrays["crs"].manifest.get(0).is_some());
    let fill = set.arrays["pr"].attributes.get("_FillValue").unwrap().as_f64();
    assert_eq!(fill, Some(f64::from(1e20_f32)));
}

#[test]
fn the_bytes_written_are_these() {
    let set = json::read(&fs::read(common::sample("kerchunk.json")).unwrap()).unwrap();
    let text = String::from_utf8(json::write(&set).unwrap()).unwrap();
    expect![[r#"
        {"version":1,"rangefold":{"sources":{},"undefined_fill":["time"],
        "references":{"crs":1,"grp/q":1,"name":1,"pr":1,"tas":6,"time":1}},"refs":{".zgroup":"{\"zarr_format\":2}",
        ".zattrs":"{\"title\":\"søme / title\",\"nothing\":NaN}",
        "grp/.zgroup":"{\"zarr_format\":2}",
        "grp/.zattrs":"{}",
        "crs/.zarray":"{\"shape\":[],\"chunks\":[],\"dtype\":\"<i4\",\"fill_value\":-2147483647,\"order\":\"C\",\"filters\":null,\"dimension_separator\":\".\",\"compressor\":null,\"zarr_format\":2}",
        "crs/.zattrs":"{\"_ARRAY_DIMENSIONS\":[],\"_FillValue\":-2147483647}",
        "crs/0":"base64:BwAAAA==",
        "grp/q/.zarray":"{\"shape\":[3],\"chunks\":[3],\"dtype\":\"|u1\",\"fill_value\":255,\"order\":\"C\",\"filters\":null,\"dimension_separator\":\".\",\"compressor\":null,\"zarr_format\":2}",
        "grp/q/.zattrs":"{\"_ARRAY_DIMENSIONS\":[\"lat\"],\"_FillValue\":255}",
        "grp/q/0":"base64:AQID",
        "name/.zarray":"{\"shape\":[5],\"chunks\":[5],\"dtype\":\"|S1\",\"fill_value\":\"IA==\",\"order\":\"C\",\"filters\":null,\"dimension_separator\":\".\",\"compressor\":null,\"zarr_format\":2}",
        "name/.zattrs":"{\"_ARRAY_DIMENSIONS\":[\"n\"],\"_FillValue\":\" \"}",
        "name/0":"base64:aGVsbG8=",
        "pr/.zarray":"{\"shape\":[5,3,4],\"chunks\":[5,3,4],\"dtype\":\"<f4\",\"fill_value\":1.0000000200408773e+20,\"order\":\"C\",\"filters\":null,\"dimension_separator\":\".\",\"compressor\":null,\"zarr_format\":2}",
        "pr/.zattrs":"{\"_ARRAY_DIMENSIONS\":[\"time\",\"lat\",\"lon\"],\"_FillValue\":1.0000000200408773e+20}",
        "pr/0.0.0":["s3://bucket/small.nc",12615,240],
        "tas/.zarray":"{\"shape\":[5,3,4],\"chunks\":[2,2,4],\"dtype\":\"<i2\",\"fill_value\":-999,\"order\":\"C\",\"filters\":[{\"id\":\"shuffle\",\"elementsize\":2},{\"id\":\"zlib\",\"level\":4}],\"dimension_separator\":\".\",\"compressor\":null,\"zarr_format\":2}",
        "tas/.zattrs":"{\"_ARRAY_DIMENSIONS\":[\"time\",\"lat\",\"lon\"],\"scale_factor\":0.5,\"_FillValue\":-999}",
        "tas/0.0.0":["s3://bucket/small.nc",12466,26],
        "tas/0.1.0":["s3://bucket/small.nc",12492,27],
        "tas/1.0.0":["s3://bucket/small.nc",12519,26],
        "tas/1.1.0":["s3://bucket/small.nc",12545,27],
        "tas/2.0.0":["s3://bucket/small.nc",12572,23],
        "tas/2.1.0":["s3://bucket/small.nc",12595,20],
        "time/.zarray":"{\"shape\":[5],\"chunks\":[5],\"dtype\":\"<f8\",\"fill_value\":null,\"order\":\"C\",\"filters\":null,\"dimension_separator\":\".\",\"compressor\":null,\"zarr_format\":2}",
        "time/.zattrs":"{\"_ARRAY_DIMENSIONS\":[\"time\"],\"units\":\"days since 2000-01-01\",\"valid_range\":[0.0,Infinity],\"_NoFill\":\"unknown\"}",
        "time/0":["s3://bucket/small.nc",12855,40]}}"#]].assert_eq(&text.replace("\",\"", "\",\n\"").replace("],\"", "],\n\""));
}

proptest! {
    #[test]
    fn sets_are_read_as_they_are_written(set in common::reference_set(false)) {
        let bytes = json::write(&set).unwrap();
        prop_assert_eq!(json::read(&bytes).unwrap(), set);
    }

    #[test]
    fn sets_with_rectilinear_grids_are_read_as_they_are_written_in_version_3(set in common::reference_set(true)) {
        let bytes = json::write(&set).unwrap();
        prop_assert_eq!(json::read(&bytes).unwrap(), set);
    }

    #[test]
    fn damaged_documents_never_panic(
        set in common::reference_set(true),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = json::write(&set).unwrap();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let _ = json::read(&bytes);
    }
}
