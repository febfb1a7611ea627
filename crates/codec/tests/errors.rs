//! What is refused, and what the refusal says.

mod common;

use std::error::Error;
use std::sync::LazyLock;

use common::blosc;
use proptest::prelude::*;
use rangefold_array::CodecSpec;
use rangefold_codec::{DecodeError, Decoder, Problem, encode};

const ZLIB: CodecSpec = CodecSpec::Zlib { level: 6 };
const SHUFFLE: CodecSpec = CodecSpec::Shuffle { element_size: 4 };

/// The error and its causes, as the shell prints them.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[allow(clippy::unwrap_used, reason = "what is not refused must stop the test")]
fn refusal(codecs: &[CodecSpec], encoded: &[u8], decoded_len: usize) -> String {
    chain(&Decoder::new().decode(codecs, encoded, decoded_len).unwrap_err())
}

#[test]
fn a_refusal_names_the_codec_its_place_and_both_numbers() {
    let encoded = encode(&[SHUFFLE, ZLIB], &[7; 40]).unwrap();
    assert_eq!(
        refusal(&[SHUFFLE, ZLIB], &encoded, 48),
        "codec 1 (zlib) cannot be undone: yields 40 bytes where 48 are expected"
    );
    assert_eq!(
        refusal(&[SHUFFLE, ZLIB], &encoded, 36),
        "codec 1 (zlib) cannot be undone: yields more than 36 bytes"
    );
    assert_eq!(refusal(&[], &encoded[..8], 9), "the chunk holds 8 bytes where 9 are expected");
    assert_eq!(
        refusal(&[CodecSpec::Crc32c], &encoded[..2], 9),
        "codec 0 (crc32c) cannot be undone: ends early: 4 bytes are needed but 2 are there"
    );
}

#[test]
fn a_checksum_that_does_not_agree_is_refused_with_both_values() {
    for codec in [CodecSpec::Fletcher32, CodecSpec::Crc32c] {
        let codecs = [codec];
        let mut encoded = encode(&codecs, b"0123456789").unwrap();
        encoded[3] ^= 1;
        let error = Decoder::new().decode(&codecs, &encoded, 10).unwrap_err();
        let DecodeError::Stage { problem: Problem::Checksum { stored, computed }, .. } = error else {
            panic!("{error:?}");
        };
        assert_ne!(stored, computed);
    }
}

#[test]
fn a_second_gzip_member_counts_toward_the_length() {
    let gzip = [CodecSpec::Gzip { level: 6 }];
    let member = encode(&gzip, b"abc").unwrap();
    let two = [member.as_slice(), &member].concat();
    let mut decoder = Decoder::new();
    assert_eq!(decoder.decode(&gzip, &two, 6).unwrap(), b"abcabc");
    assert_eq!(refusal(&gzip, &two, 3), "codec 0 (gzip) cannot be undone: yields more than 3 bytes");
}

#[test]
fn a_small_chunk_cannot_grow_past_the_length_of_its_array() {
    let bombs = [
        encode(&[ZLIB], &[0; 1 << 20]).unwrap(),
        encode(&[CodecSpec::Zstd { level: 3, checksum: false }], &[0; 1 << 20]).unwrap(),
        encode(&[CodecSpec::Bzip2 { level: 9 }], &[0; 1 << 20]).unwrap(),
    ];
    let codecs = [ZLIB, CodecSpec::Zstd { level: 3, checksum: false }, CodecSpec::Bzip2 { level: 9 }];
    for (codec, bomb) in codecs.into_iter().zip(bombs) {
        let text = refusal(&[codec], &bomb, 100);
        assert!(text.ends_with("yields more than 100 bytes"), "{text}");
    }
}

#[test]
fn lengths_in_headers_are_not_believed() {
    // Each header promises close to as much as its field can hold.
    let lz4 = b"\xff\xff\xff\x7f\x00";
    let lz4_hdf5 = b"\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x01\xff\xff\xff\xff";
    let blosc_frame = b"\x02\x01\x02\x01\xff\xff\xff\x6f\xff\xff\xff\x6f\x10\x00\x00\x00";
    let bitshuffle = b"\xff\xff\xff\xff\xff\xff\xff\xf8\xff\xff\xff\xe0\xff\xff\xff\xff";
    let bits = |compression| CodecSpec::BitshuffleHdf5 { element_size: 4, block_size: 0, compression };
    for (codec, frame) in [
        (CodecSpec::Lz4 { acceleration: 1 }, lz4.as_slice()),
        (CodecSpec::Lz4Hdf5 { block_size: 0 }, lz4_hdf5),
        (blosc(), blosc_frame),
        (bits(2), bitshuffle),
        (bits(3), bitshuffle),
    ] {
        let text = refusal(std::slice::from_ref(&codec), frame, 16);
        assert!(text.contains("where 16 are expected"), "{codec:?}: {text}");
    }
}

#[test]
fn a_few_bytes_are_not_taken_for_a_terabyte() {
    let terabyte = 1 << 40;
    for codec in [ZLIB, CodecSpec::Gzip { level: 1 }, CodecSpec::Lzf] {
        let encoded = encode(std::slice::from_ref(&codec), b"abc").unwrap();
        let text = refusal(&[codec], &encoded, terabyte);
        assert!(text.contains("ends early"), "{text}");
    }
    let frame = [&u64::to_be_bytes(1 << 40), [0xff; 4].as_slice(), &[0; 4]].concat();
    let text = refusal(&[CodecSpec::Lz4Hdf5 { block_size: 0 }], &frame, terabyte);
    assert!(text.contains("ends early"), "{text}");
}

#[test]
fn a_frame_of_strings_grows_as_far_as_it_must() {
    let frame = [&u32::to_le_bytes(1), u32::to_le_bytes(1 << 20).as_slice(), &[b'a'; 1 << 20]].concat();
    let mut decoder = Decoder::new();
    for codec in [
        ZLIB,
        CodecSpec::Gzip { level: 1 },
        CodecSpec::Bzip2 { level: 9 },
        CodecSpec::Zstd { level: 1, checksum: false },
        CodecSpec::Lz4 { acceleration: 1 },
        CodecSpec::Lzf,
    ] {
        let encoded = encode(std::slice::from_ref(&codec), &frame).unwrap();
        let codecs = [CodecSpec::VlenUtf8, codec];
        assert_eq!(decoder.decode_strings(&codecs, &encoded, 1 << 30).unwrap(), frame, "{codecs:?}");
        assert_eq!(decoder.decode_strings(&codecs, &encoded, frame.len()).unwrap().len(), frame.len());
        assert!(decoder.decode_strings(&codecs, &encoded, frame.len() - 1).is_err(), "{codecs:?}");
    }
}

#[test]
fn parameters_without_meaning_are_refused() {
    let bits = |element_size, block_size, compression| CodecSpec::BitshuffleHdf5 {
        element_size,
        block_size,
        compression,
    };
    for codec in [
        CodecSpec::Shuffle { element_size: 0 },
        bits(0, 0, 0),
        bits(4, 12, 0),
        bits(4, 0, 1),
        bits(usize::MAX, usize::MAX - 7, 0),
    ] {
        assert!(Decoder::new().decode(std::slice::from_ref(&codec), &[0; 16], 16).is_err(), "{codec:?}");
    }
}

#[test]
fn strings_and_elements_are_not_taken_for_each_other() {
    let mut decoder = Decoder::new();
    assert!(matches!(decoder.decode(&[CodecSpec::VlenUtf8], &[0; 4], 4), Err(DecodeError::Strings { .. })));
    assert!(matches!(decoder.decode_strings(&[ZLIB], &[0; 4], 4), Err(DecodeError::Strings { .. })));
    assert!(encode(&[CodecSpec::VlenBytes], &[0; 4]).is_err());
}

#[test]
fn a_frame_of_strings_may_not_be_longer_than_the_limit() {
    let frame = b"\x01\0\0\0\x04\0\0\0abcd";
    let codecs = [CodecSpec::VlenUtf8, ZLIB];
    let encoded = encode(&[ZLIB], frame).unwrap();
    let mut decoder = Decoder::new();
    assert_eq!(decoder.decode_strings(&codecs, &encoded, 12).unwrap(), frame);
    assert!(decoder.decode_strings(&codecs, &encoded, 11).is_err());
}

/// Those that decode to elements of fixed size.
static VECTORS: LazyLock<Vec<common::Vector>> = LazyLock::new(|| {
    let framed = |codecs: &[CodecSpec]| matches!(codecs[0], CodecSpec::VlenUtf8 | CodecSpec::VlenBytes);
    common::vectors().into_iter().filter(|vector| !framed(&vector.codecs)).collect()
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the bytes, decoding ends with an error or with exactly the wanted length.
    #[test]
    fn damaged_chunks_give_an_error_or_the_wanted_length(
        which in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        flip in 1_u8..=255,
    ) {
        let vector = &VECTORS[which.index(VECTORS.len())];
        let mut encoded = vector.encoded.clone();
        let place = place.index(encoded.len());
        encoded[place] ^= flip;
        if let Ok(decoded) = Decoder::new().decode(&vector.codecs, &encoded, vector.decoded.len()) {
            prop_assert_eq!(decoded.len(), vector.decoded.len());
        }
    }

    #[test]
    fn noise_gives_an_error_or_the_wanted_length(noise in prop::collection::vec(any::<u8>(), 0..200)) {
        let bits = |compression| CodecSpec::BitshuffleHdf5 { element_size: 4, block_size: 0, compression };
        for codec in [
            ZLIB, SHUFFLE, CodecSpec::Gzip { level: 1 }, CodecSpec::Lzf, CodecSpec::Bzip2 { level: 1 },
            CodecSpec::Zstd { level: 1, checksum: false }, CodecSpec::Lz4 { acceleration: 1 },
            CodecSpec::Lz4Hdf5 { block_size: 0 }, bits(0), bits(2), bits(3), blosc(),
        ] {
            if let Ok(decoded) = Decoder::new().decode(&[codec], &noise, 64) {
                prop_assert_eq!(decoded.len(), 64);
            }
        }
    }
}
