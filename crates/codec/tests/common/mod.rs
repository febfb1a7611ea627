//! Chunks encoded by other implementations; `data/generate.py` says how they were made.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    dead_code,
    reason = "shared by test crates that each use a part of it; a broken vector must stop them"
)]

use std::collections::BTreeMap;

use rangefold_array::{BloscCompressor, BloscShuffle, ByteOrder, CodecSpec};

/// A chunk as another implementation encoded it.
pub(crate) struct Vector {
    /// Who encoded what.
    pub(crate) name: String,
    /// In the order of encoding.
    pub(crate) codecs: Vec<CodecSpec>,
    /// The chunk.
    pub(crate) encoded: Vec<u8>,
    /// What it decodes to.
    pub(crate) decoded: Vec<u8>,
}

/// All of them.
pub(crate) fn vectors() -> Vec<Vector> {
    let mut data = BTreeMap::new();
    let mut vectors = Vec::new();
    for line in include_str!("../data/vectors.txt").lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["data", name, hex] => {
                data.insert(name, bytes(hex));
            }
            ["vector", name, decoded, codecs, hex] => vectors.push(Vector {
                name: name.to_owned(),
                codecs: codecs.split(',').map(codec).collect(),
                encoded: bytes(hex),
                decoded: data[decoded].clone(),
            }),
            _ => panic!("{line}"),
        }
    }
    vectors
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes().chunks(2).map(|d| u8::from_str_radix(str::from_utf8(d).unwrap(), 16).unwrap()).collect()
}

fn codec(text: &str) -> CodecSpec {
    let words: Vec<&str> = text.split(':').collect();
    let number = |i: usize| words[i].parse::<usize>().unwrap();
    let level = 1;
    match words[0] {
        "shuffle" => CodecSpec::Shuffle { element_size: number(1) },
        "zlib" => CodecSpec::Zlib { level },
        "gzip" => CodecSpec::Gzip { level },
        "fletcher32" => CodecSpec::Fletcher32,
        "blosc" => blosc(),
        "zstd" => CodecSpec::Zstd { level, checksum: false },
        "lzf" => CodecSpec::Lzf,
        "bz2" => CodecSpec::Bzip2 { level },
        "lz4" => CodecSpec::Lz4 { acceleration: 1 },
        "lz4h5" => CodecSpec::Lz4Hdf5 { block_size: number(1) },
        "bitshuffle" => CodecSpec::BitshuffleHdf5 {
            element_size: number(1),
            block_size: number(2),
            compression: u32::try_from(number(3)).unwrap(),
        },
        "scaleoffset" => CodecSpec::ScaleOffsetHdf5 {
            element_count: number(1),
            element_size: number(2),
            order: order(words[3]),
            decimals: words[4].parse().ok(),
            fill: words[5].parse().ok(),
        },
        "nbit" => {
            CodecSpec::NbitHdf5 { values: words[1..].iter().map(|word| word.parse().unwrap()).collect() }
        }
        "szip" => CodecSpec::SzipHdf5 {
            options: words[1].parse().unwrap(),
            pixels_per_block: words[2].parse().unwrap(),
            bits_per_pixel: words[3].parse().unwrap(),
            pixels_per_scanline: words[4].parse().unwrap(),
        },
        "integer" => CodecSpec::IntegerBitsHdf5 {
            element_size: number(1),
            order: order(words[2]),
            bit_offset: words[3].parse().unwrap(),
            precision: words[4].parse().unwrap(),
            signed: words[5] == "signed",
        },
        "crc32c" => CodecSpec::Crc32c,
        "vlen-utf8" => CodecSpec::VlenUtf8,
        "vlen-bytes" => CodecSpec::VlenBytes,
        other => panic!("{other}"),
    }
}

fn order(word: &str) -> ByteOrder {
    if word == "big" { ByteOrder::Big } else { ByteOrder::Little }
}

/// Blosc with parameters that decoding does not look at.
pub(crate) fn blosc() -> CodecSpec {
    CodecSpec::Blosc {
        compressor: BloscCompressor::Lz4,
        level: 5,
        shuffle: BloscShuffle::Byte,
        block_size: 0,
    }
}
