//! Decoding speed, in decoded bytes per second. `BENCH.md` keeps figures and says how to reproduce them.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use rangefold_array::CodecSpec;
use rangefold_codec::{Decoder, encode};

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
