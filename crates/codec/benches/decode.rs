//! Decoding speed, in decoded bytes per second. `BENCH.md` keeps figures and says how to reproduce them.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use rangefold_array::{BloscCompressor, BloscShuffle, CodecSpec};
use rangefold_codec::{Decoder, encode};
use zarrs::array::codec::bytes_to_bytes::blosc as c_blosc;

/// Bytes of one decoded chunk: 1 MiB, a common size of chunks.
const CHUNK_LEN: usize = 1 << 20;

const ZLIB: CodecSpec = CodecSpec::Zlib { level: 4 };

fn main() {
    divan::main();
}

/// A smooth field with noise, rounded to hundredths as archives often are, as little-endian float32.
fn chunk() -> Vec<u8> {
    let mut noise = 1_u32;
    let values = (0..CHUNK_LEN / 4).map(|i| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        #[expect(clippy::cast_precision_loss, reason = "any value does")]
        let (place, noise) = (i as f32, (noise >> 24) as f32);
        ((280.0 + 10.0 * (place / 500.0).sin() + noise / 1000.0) * 100.0).round() / 100.0
    });
    values.flat_map(f32::to_le_bytes).collect()
}

fn decode(bencher: Bencher, codecs: &[CodecSpec]) {
    let bytes = chunk();
    let encoded = encode(codecs, &bytes).unwrap_or_default();
    let mut decoder = Decoder::new();
    bencher
        .counter(BytesCount::new(bytes.len()))
        .bench_local(|| decoder.decode(codecs, black_box(&encoded), CHUNK_LEN).map(<[u8]>::len).is_ok());
}

#[divan::bench(args = [1, 2, 4, 8, 12])]
fn shuffle(bencher: Bencher, element_size: usize) {
    decode(bencher, &[CodecSpec::Shuffle { element_size }]);
}

#[divan::bench]
fn zlib_of_shuffled(bencher: Bencher) {
    let shuffled = encode(&[CodecSpec::Shuffle { element_size: 4 }], &chunk()).unwrap_or_default();
    let encoded = encode(&[ZLIB], &shuffled).unwrap_or_default();
    let mut decoder = Decoder::new();
    bencher
        .counter(BytesCount::new(CHUNK_LEN))
        .bench_local(|| decoder.decode(&[ZLIB], black_box(&encoded), CHUNK_LEN).map(<[u8]>::len).is_ok());
}

#[divan::bench]
fn libdeflate_alone(bencher: Bencher) {
    let shuffled = encode(&[CodecSpec::Shuffle { element_size: 4 }], &chunk()).unwrap_or_default();
    let encoded = encode(&[ZLIB], &shuffled).unwrap_or_default();
    let mut decompressor = libdeflater::Decompressor::new();
    let mut out = vec![0; CHUNK_LEN];
    bencher
        .counter(BytesCount::new(CHUNK_LEN))
        .bench_local(|| decompressor.zlib_decompress(black_box(&encoded), &mut out).is_ok());
}

#[divan::bench]
fn flate2_alone(bencher: Bencher) {
    let shuffled = encode(&[CodecSpec::Shuffle { element_size: 4 }], &chunk()).unwrap_or_default();
    let encoded = encode(&[ZLIB], &shuffled).unwrap_or_default();
    let mut out = vec![0; CHUNK_LEN];
    bencher.counter(BytesCount::new(CHUNK_LEN)).bench_local(|| {
        flate2::Decompress::new(true)
            .decompress(black_box(&encoded), &mut out, flate2::FlushDecompress::Finish)
            .is_ok()
    });
}

#[divan::bench]
fn shuffle_zlib(bencher: Bencher) {
    decode(bencher, &[CodecSpec::Shuffle { element_size: 4 }, ZLIB]);
}

#[divan::bench]
fn shuffle_zlib_fletcher32(bencher: Bencher) {
    decode(bencher, &[CodecSpec::Shuffle { element_size: 4 }, ZLIB, CodecSpec::Fletcher32]);
}

#[divan::bench]
fn fletcher32(bencher: Bencher) {
    decode(bencher, &[CodecSpec::Fletcher32]);
}

#[divan::bench]
fn shuffle_gzip(bencher: Bencher) {
    decode(bencher, &[CodecSpec::Shuffle { element_size: 4 }, CodecSpec::Gzip { level: 4 }]);
}

#[divan::bench]
fn shuffle_zstd(bencher: Bencher) {
    decode(bencher, &[CodecSpec::Shuffle { element_size: 4 }, CodecSpec::Zstd { level: 3, checksum: false }]);
}

#[divan::bench]
fn shuffle_lz4(bencher: Bencher) {
    decode(bencher, &[CodecSpec::Shuffle { element_size: 4 }, CodecSpec::Lz4 { acceleration: 1 }]);
}

#[divan::bench(args = [0, 2, 3])]
fn bitshuffle(bencher: Bencher, compression: u32) {
    decode(bencher, &[CodecSpec::BitshuffleHdf5 { element_size: 4, block_size: 0, compression }]);
}

/// What is inside the frames of the benchmarks of Blosc.
const INSIDE: [&str; 8] = [
    "lz4 shuffle",
    "zstd shuffle",
    "blosclz shuffle",
    "zlib shuffle",
    "snappy shuffle",
    "lz4 none",
    "lz4 bitshuffle",
    "zstd bitshuffle",
];

/// A frame of C-Blosc, with blocks of the size that it chooses.
fn frame(inside: &str) -> Vec<u8> {
    use c_blosc::{BloscCompressor as Inner, BloscShuffleMode as Shuffle};
    let (inner, shuffle) = inside.split_once(' ').unwrap_or_default();
    let inner = match inner {
        "blosclz" => Inner::BloscLZ,
        "zlib" => Inner::Zlib,
        "snappy" => Inner::Snappy,
        "zstd" => Inner::Zstd,
        _ => Inner::LZ4,
    };
    let shuffle = match shuffle {
        "bitshuffle" => Shuffle::BitShuffle,
        "none" => Shuffle::NoShuffle,
        _ => Shuffle::Shuffle,
    };
    let frame = 5_u8
        .try_into()
        .ok()
        .and_then(|level| c_blosc::blosc_compress_bytes(&chunk(), level, shuffle, 4, inner, 0, 1).ok());
    frame.unwrap_or_default()
}

#[divan::bench(args = INSIDE)]
fn blosc(bencher: Bencher, inside: &str) {
    let encoded = frame(inside);
    let codecs = [CodecSpec::Blosc {
        compressor: BloscCompressor::Lz4,
        level: 5,
        shuffle: BloscShuffle::Byte,
        block_size: 0,
    }];
    let mut decoder = Decoder::new();
    bencher
        .counter(BytesCount::new(CHUNK_LEN))
        .bench_local(|| decoder.decode(&codecs, black_box(&encoded), CHUNK_LEN).map(<[u8]>::len).is_ok());
}

#[divan::bench(args = INSIDE)]
fn blosc_of_zarrs(bencher: Bencher, inside: &str) {
    let encoded = frame(inside);
    bencher
        .counter(BytesCount::new(CHUNK_LEN))
        .bench_local(|| c_blosc::blosc_decompress_bytes(black_box(&encoded), CHUNK_LEN, 1).is_ok());
}
