//! Answers that keep axes grow in place, on all threads: they have the bits that one thread gives them, and a chunk that
//! fails is named as if chunks were taken one by one.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on must stop")]

mod support;

use std::sync::Arc;

use rangefold_active::{Limits, RunError};
use rangefold_array::{ArrayMeta, CodecSpec};
use rangefold_codec::encode;
use rangefold_query::select::parse;
use rangefold_query::{Query, View, prepare};
use rangefold_reduce::{Outcome, Reduction, Value};
use rangefold_refs::{Reference, ReferenceSet};
use rangefold_store::{FetchOptions, ReferenceStore};
use support::{floats, memory, references, set};

const SHAPE: [u64; 3] = [13, 180, 250];
const CHUNKS: [u64; 3] = [2, 70, 250];

/// Element number `i` of the array: no two orders of addition give the same bits.
fn element(i: u64) -> f32 {
    let mixed = i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    (mixed as f32).mul_add(1e-3, -7000.0) / (1.0 + (i % 11) as f32)
}

/// The array's decoded chunks; edge chunks are whole.
fn chunks(meta: &ArrayMeta) -> Vec<Vec<u8>> {
    let shape = meta.shape();
    let chunk = |number| {
        let index = meta.grid.index(number).unwrap();
        let (origin, lengths) = (meta.grid.chunk_origin(&index), meta.grid.chunk_shape(&index));
        let mut bytes = Vec::new();
        for t in 0..lengths[0] {
            for y in 0..lengths[1] {
                for x in 0..lengths[2] {
                    let (t, y, x) = (t + origin[0], y + origin[1], x + origin[2]);
                    bytes.extend(element((t * shape[1] + y) * shape[2] + x).to_le_bytes());
                }
            }
        }
        bytes
    };
    (0..meta.grid.chunk_count()).map(chunk).collect()
}

/// The array, with each chunk that `is_absent` left out, and its encoded bytes.
fn stored(codecs: &[CodecSpec], is_absent: impl Fn(u64) -> bool) -> (ReferenceSet, Vec<u8>) {
    let meta = floats(&SHAPE, &CHUNKS, codecs, -3.5);
    let mut object = Vec::new();
    let mut places = Vec::new();
    for (number, chunk) in (0..).zip(chunks(&meta)) {
        if is_absent(number) {
            places.push(None);
            continue;
        }
        let encoded = encode(codecs, &chunk).unwrap();
        places.push(Some((object.len() as u64, encoded.len() as u64)));
        object.extend(encoded);
    }
    (set(meta, |number| places[usize::try_from(number).unwrap()]), object)
}

async fn run(store: &ReferenceStore, query: &Query, limits: Limits) -> Result<Vec<Outcome>, RunError> {
    let prepared = prepare(&View::new(store.clone()), "v", query).await.unwrap();
    prepared
        .run(&View::within(store.clone(), limits), &|_, _| {})
        .await
        .map(|answer| answer.complete().unwrap())
}

fn query(over: &[&str], select: &str) -> Query {
    let reductions =
        [Reduction::Sum, Reduction::Min, Reduction::Std { ddof: 0 }, Reduction::ArgMax, Reduction::Count];
    Query {
        reductions: reductions.into(),
        over: Some(over.iter().map(|&name| name.to_owned()).collect()),
        select: if select.is_empty() { Vec::new() } else { parse(select).unwrap() },
        ..Query::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn kept_axes_have_the_same_bits_at_any_concurrency() {
    let deflate = [CodecSpec::Shuffle { element_size: 4 }, CodecSpec::Zlib { level: 1 }];
    for codecs in [&deflate[..], &[]] {
        let (set, object) = stored(codecs, |number| number % 5 == 3);
        let (set, memory) = (Arc::new(set), memory(object).await);
        for (over, select) in [(&["d0"][..], ""), (&["d0"], "d0=1::2"), (&["d1"], ""), (&[], "d2=::3")] {
            let mut first: Option<Vec<Outcome>> = None;
            for (concurrency, memory_limit) in
                [(1, 1), (1, 1 << 30), (2, 1 << 30), (7, 4 << 20), (64, 1 << 30)]
            {
                let options = FetchOptions { concurrency, ..FetchOptions::default() };
                let store = references(&set, &memory, options);
                let limits = Limits { threads: concurrency, memory: memory_limit, ..Limits::default() };
                let outcomes = run(&store, &query(over, select), limits).await.unwrap();
                let first = first.get_or_insert(outcomes.clone());
                assert!(*first == outcomes, "over {over:?} of {select:?}, {concurrency} at once");
            }
        }
    }
}

#[tokio::test]
async fn sums_that_keep_axes_are_those_of_the_elements() {
    let (set, object) = stored(&[], |number| number == 4);
    let (set, memory) = (Arc::new(set), memory(object).await);
    let store = references(&set, &memory, FetchOptions::default());
    let outcomes = run(&store, &query(&["d0"], ""), Limits::default()).await.unwrap();
    // Chunk 4 is the second of times 2 and 3: rows 70 to 139.
    for (y, x) in [(0, 0), (69, 249), (70, 0), (139, 7), (140, 249), (179, 249)] {
        let value = |t: u64| {
            if (2..4).contains(&t) && (70..140).contains(&y) {
                -3.5
            } else {
                element((t * 180 + y) * 250 + x)
            }
        };
        let exact: f64 = (0..13).map(|t| f64::from(value(t))).sum();
        let Some(Value::Float(sum)) = outcomes[0].value(usize::try_from(y * 250 + x).unwrap()) else {
            panic!("no sum at {y}, {x}");
        };
        assert!((sum - exact).abs() <= 1e-9, "{sum} is not {exact} at {y}, {x}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_first_chunk_that_fails_is_named_at_any_concurrency() {
    let codecs = [CodecSpec::Zlib { level: 1 }];
    let (mut set, mut object) = stored(&codecs, |number| number == 9);
    // Chunk 11 cannot be decoded, nor can chunk 16; before them chunk 9 is absent and the fill value makes no element.
    let damaged = set.arrays["v"].manifest.iter().filter(|(number, _)| [11, 16].contains(number));
    for (_, reference) in damaged {
        let Reference::Range { range, .. } = reference else { panic!("no range") };
        object[usize::try_from(range.offset()).unwrap()..][..40].fill(0xff);
    }
    let memory = memory(object).await;
    let failure = async |set: &ReferenceSet| {
        let set = Arc::new(set.clone());
        let mut errors = Vec::new();
        for threads in [1, 2, 7, 64] {
            let store = references(&set, &memory, FetchOptions::default());
            let limits = Limits { threads, ..Limits::default() };
            for over in [&[][..], &["d0"], &["d0", "d1", "d2"]] {
                errors.push(run(&store, &query(over, ""), limits).await.unwrap_err().to_string());
            }
        }
        errors.dedup();
        errors
    };
    assert_eq!(failure(&set).await, [r#"chunk 3.2.0 of "v": its bytes cannot be decoded"#]);
    set.arrays.get_mut("v").unwrap().meta.fill_value.as_mut().unwrap().0.pop();
    assert_eq!(failure(&set).await, [r#"variable "v" cannot be reduced"#]);
}
