//! Arrays a hundred times as large as the memory they may take: no reduction holds more, nor more than is told before it
//! begins, nor much less than that.
//!
//! Each case is measured by the allocator of a process of its own, which the test starts.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on must stop")]

mod support;

use std::fs::File;
use std::io::Write as _;
use std::process::Command;
use std::sync::Arc;

use cap::Cap;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use rangefold_active::Limits;
use rangefold_array::{ArrayMeta, ChunkGrid, CodecSpec, DataType, ElementType};
use rangefold_codec::encode;
use rangefold_query::{GroupKey, Query, View, WeightSource, prepare};
use rangefold_reduce::Reduction;
use rangefold_refs::{Attributes, ManifestArray, ManifestBuilder, Reference, ReferenceSet};
use rangefold_store::{FetchOptions, ReferenceStore};
use support::{OBJECT, floats, references, set};

#[global_allocator]
static ALLOCATOR: Cap<std::alloc::System> = Cap::new(std::alloc::System, usize::MAX);

/// What a reduction may take.
const MEMORY: u64 = 8 << 20;
/// 6400 times 128 KiB: 100 times that.
const SHAPE: [u64; 3] = [6400, 128, 256];
/// Chunks that are stored; all others are one of these once more.
const STORED: u64 = 50;
/// What is told is no more than so many times what is taken.
const TOLD_MAX: u64 = 4;

/// Tells a test that it is alone in its process.
const ALONE: &str = "RANGEFOLD_TEST_ALONE";

/// Runs `case` in a process in which nothing else takes memory.
fn alone(test: &str, case: impl AsyncFnOnce()) {
    if std::env::var(ALONE).is_ok_and(|name| name == test) {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap().block_on(case());
        return;
    }
    let program = std::env::current_exe().unwrap();
    let output =
        Command::new(program).args([test, "--exact", "--nocapture"]).env(ALONE, test).output().unwrap();
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "{text}{errors}");
}

/// The array in chunks of this shape, in a file of this folder.
fn stored(folder: &std::path::Path, chunks: [u64; 3], codecs: &[CodecSpec]) -> ReferenceSet {
    let meta = floats(&SHAPE, &chunks, codecs, 0.0);
    let elements = chunks.iter().product::<u64>();
    let mut file = File::create(folder.join(OBJECT)).unwrap();
    let mut places = Vec::new();
    let mut offset = 0;
    for chunk in 0..STORED {
        let element =
            |i: u64| (((i + chunk * elements).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 50) as f32).sqrt();
        let decoded: Vec<u8> = (0..elements).flat_map(|i| element(i).to_le_bytes()).collect();
        let encoded = encode(codecs, &decoded).unwrap();
        file.write_all(&encoded).unwrap();
        places.push((offset, encoded.len() as u64));
        offset += encoded.len() as u64;
    }
    let mut set = set(meta, |number| Some(places[usize::try_from(number % STORED).unwrap()]));
    let months: Vec<u8> = (0..SHAPE[0]).map(|t| (t / 30 % 12) as u8).collect();
    let heights: Vec<u8> = (0..SHAPE[1]).map(|y| 1 + (y % 7) as u8).collect();
    for (path, dimension, values) in [("month", "d0", months), ("height", "d1", heights)] {
        let length = values.len() as u64;
        let mut builder = ManifestBuilder::new();
        builder.push(0, Reference::Inline(values.into())).unwrap();
        let meta = ArrayMeta {
            data_type: DataType::little(ElementType::UInt8),
            grid: ChunkGrid::regular(&[length], &[length]).unwrap(),
            codecs: Vec::new(),
            dimension_names: vec![dimension.to_owned()],
            fill_value: None,
            ..floats(&[length], &[length], &[], 0.0)
        };
        let manifest = builder.build(1).unwrap();
        set.arrays.insert(path.to_owned(), ManifestArray { meta, attributes: Attributes::new(), manifest });
    }
    set
}

/// A store of that file.
fn opened(folder: &std::path::Path, chunks: [u64; 3], codecs: &[CodecSpec]) -> ReferenceStore {
    let set = Arc::new(stored(folder, chunks, codecs));
    let local: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new_with_prefix(folder).unwrap());
    references(&set, &local, FetchOptions::default())
}

const LIMITS: Limits = Limits { threads: 2, memory: MEMORY, requests: 32 };

/// Compares what `query` takes with what it may take and what is told.
async fn check(query: &Query, chunks: [u64; 3], codecs: &[CodecSpec]) {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path(), chunks, codecs);
    let prepared = prepare(&View::new(store.clone()), "v", query).await.unwrap();
    let before = ALLOCATOR.allocated();
    let answer = prepared.run(&View::within(store.clone(), LIMITS), &|_, _| {}).await.unwrap();
    let taken = (ALLOCATOR.max_allocated() - before) as u64;
    let told = prepared.execution.memory(&store, LIMITS);
    assert!(answer.statistics.decoded >= 100 * MEMORY);
    assert!(taken <= told && told <= MEMORY, "{taken} bytes taken, {told} told");
    assert!(told <= TOLD_MAX * taken, "{taken} bytes taken, {told} told");
}

/// As [`check`], in chunks of one time each, deflated.
async fn check_maps(query: &Query) {
    let codecs = [CodecSpec::Shuffle { element_size: 4 }, CodecSpec::Zlib { level: 1 }];
    check(query, [1, 128, 256], &codecs).await;
}

fn mean(over: Option<&[&str]>) -> Query {
    let over = over.map(|names| names.iter().map(|&name| name.to_owned()).collect());
    Query { reductions: vec![Reduction::Mean], over, ..Query::default() }
}

#[test]
fn a_mean_over_everything() {
    alone("a_mean_over_everything", async || check_maps(&mean(None)).await);
}

#[test]
fn a_mean_that_keeps_a_map() {
    alone("a_mean_that_keeps_a_map", async || check_maps(&mean(Some(&["d0"]))).await);
}

#[test]
fn a_deviation_that_keeps_times() {
    let query = Query { reductions: vec![Reduction::Std { ddof: 1 }], ..mean(Some(&["d1", "d2"])) };
    alone("a_deviation_that_keeps_times", async || check_maps(&query).await);
}

#[test]
fn means_of_groups() {
    let query = Query { by: vec![GroupKey::Variable("month".into()).into()], ..mean(Some(&["d1", "d2"])) };
    alone("means_of_groups", async || check_maps(&query).await);
}

#[test]
fn a_weighted_mean() {
    let query = Query { weights: vec![WeightSource::Variable("height".into())], ..mean(None) };
    alone("a_weighted_mean", async || check_maps(&query).await);
}

#[test]
fn small_chunks_as_they_are_stored() {
    alone("small_chunks_as_they_are_stored", async || check(&mean(Some(&["d0"])), [4, 32, 64], &[]).await);
}

#[test]
fn a_median() {
    let query = Query { reductions: vec![Reduction::Median], ..Query::default() };
    alone("a_median", async || check_maps(&query).await);
}

#[test]
fn medians_of_times_and_their_means() {
    let query = Query { reductions: vec![Reduction::Median, Reduction::Mean], ..mean(Some(&["d1", "d2"])) };
    alone("medians_of_times_and_their_means", async || check_maps(&query).await);
}
