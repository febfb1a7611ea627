//! A short run of every fuzz target with the ordinary toolchain: mutations of the seeds, always the same ones in the same
//! order, as many as fit in a few seconds. `tests/fuzz/README.md` says how the targets are fuzzed for long.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a target that panics is what is looked for"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use rangefold_array::CodecKind;

#[path = "fuzz/bodies/codecs.rs"]
mod codecs;
#[path = "fuzz/bodies/hdf5_chunk_index.rs"]
mod hdf5_chunk_index;
#[path = "fuzz/bodies/hdf5_file.rs"]
mod hdf5_file;
#[path = "fuzz/bodies/hdf5_heaps.rs"]
mod hdf5_heaps;
#[path = "fuzz/bodies/hdf5_messages.rs"]
mod hdf5_messages;
#[path = "fuzz/bodies/nodes.rs"]
mod nodes;
#[path = "fuzz/bodies/query.rs"]
mod query;
#[path = "fuzz/bodies/references.rs"]
mod references;

/// Most mutations of one target.
const MUTATIONS: usize = 20_000;
/// And the longest that they may take; all targets together stay under a minute.
const TIME: Duration = Duration::from_secs(7);

/// Numbers that look like chance and are always the same.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % end.max(1)
    }

    /// Changes a few bytes of `seed`, leaves some out, repeats some, or joins it to `other`.
    fn mutate(&mut self, seed: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=self.below(4) {
            let (place, length) = (self.below(bytes.len()), 1 + self.below(8));
            let end = (place + length).min(bytes.len());
            match self.below(8) {
                0 => drop(bytes.drain(place.min(end)..end)),
                1 => bytes.extend_from_within(place.min(end)..end),
                2 => bytes.truncate(place.max(1)),
                3 => bytes.extend_from_slice(other.get(self.below(other.len())..).unwrap_or_default()),
                4 => bytes.get_mut(place..end).unwrap_or_default().fill([0, 0xff, 0x7f, 0x80][self.below(4)]),
                _ => {
                    let value = self.below(256) as u8;
                    bytes.get_mut(place..=place).unwrap_or_default().fill(value);
                }
            }
        }
        bytes
    }
}

/// The committed seeds of a target.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus").join(target);
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn smoke(run: fn(&[u8]), seeds: &[Vec<u8>]) {
    let began = Instant::now();
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    for number in 0..MUTATIONS {
        let seed = &seeds[number % seeds.len()];
        let other = &seeds[chance.below(seeds.len())];
        let bytes = if number < seeds.len() { seed.clone() } else { chance.mutate(seed, other) };
        let outcome = catch_unwind(AssertUnwindSafe(|| run(&bytes)));
        assert!(outcome.is_ok(), "input {number} of {} bytes: {:02x?}", bytes.len(), bytes);
        if began.elapsed() > TIME {
            break;
        }
    }
}

#[test]
fn files_and_their_structures_never_panic() {
    smoke(hdf5_file::run, &seeds("hdf5_file"));
    smoke(hdf5_messages::run, &seeds("hdf5_messages"));
    smoke(hdf5_heaps::run, &seeds("hdf5_heaps"));
    smoke(hdf5_chunk_index::run, &seeds("hdf5_chunk_index"));
}

#[test]
fn references_never_panic() {
    let seeds = [
        br#"{"version":1,"refs":{".zgroup":"{\"zarr_format\":2}","a/.zarray":"{\"chunks\":[2],\"compressor\":{\"id\":\"zlib\",\"level\":4},\"dtype\":\"<f4\",\"fill_value\":\"NaN\",\"filters\":null,\"order\":\"C\",\"shape\":[4],\"zarr_format\":2}","a/.zattrs":"{\"_ARRAY_DIMENSIONS\":[\"x\"]}","a/0":["a.nc",100,8],"a/1":"base64:AAAAAA=="}}"#.to_vec(),
        br#"{"metadata":{".zgroup":{"zarr_format":2}},"record_size":10000}"#.to_vec(),
    ];
    smoke(references::run, &seeds);
}

#[test]
fn chunks_of_every_codec_never_panic() {
    let seeds = (0..CodecKind::ALL.len()).flat_map(|kind| {
        let head = [kind as u8, 64, 0, 4, 2, 3, 7];
        let blosc =
            [2, 1, 0x11, 4, 64, 0, 0, 0, 64, 0, 0, 0, 28, 0, 0, 0, 20, 0, 0, 0, 4, 0, 0, 0, 0x1f, 0, 1, 0];
        let lz4 = [0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 64, 0, 0, 0, 5, 0x1f, 7, 1, 0, 40];
        let zlib = [0x78, 1, 0x4b, 4, 2, 0, 0, 0x55, 0, 0x61];
        [&blosc[..], &lz4, &zlib, &[7; 80]].map(|encoded| [&head, encoded].concat())
    });
    smoke(codecs::run, &seeds.collect::<Vec<_>>());
}

#[test]
fn words_of_questions_never_panic() {
    let seeds = [
        "\u{0}time=2001-01..2002,lat=-30..30,lon=@5,plev=50000,height=1..10:2,station=\"a,b\"",
        "\u{1}mean,std:1,quantile:0.9,count>273.15,sum,min,max,percentile:50",
        "\u{2}6h",
        "\u{2}1mo",
        "\u{3}time=12,centre",
        "\u{4}{\"variable\":\"tas\",\"select\":{\"time\":\"2001\"},\"reduce\":[\"mean\"],\"by\":\"month\",\"over\":[\"time\"]}",
    ];
    smoke(query::run, &seeds.map(|seed| seed.as_bytes().to_vec()));
}

#[test]
fn partial_answers_that_lie_never_panic() {
    smoke(nodes::run, &nodes::seeds());
}
