//! Blosc frames of C-Blosc, which zarrs carries, decode to the bytes they were made of, and lying ones are refused.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a frame that cannot be made must stop the test")]

mod common;

use common::blosc;
use proptest::prelude::*;
use rangefold_array::CodecSpec;
use rangefold_codec::{DecodeError, Decoder, Problem, encode};
use zarrs::array::codec::bytes_to_bytes::blosc::{
    BloscCompressor, BloscShuffleMode, blosc_compress_bytes, blosc_decompress_bytes, blosc_validate,
};

const COMPRESSORS: [BloscCompressor; 6] = [
    BloscCompressor::BloscLZ,
    BloscCompressor::LZ4,
    BloscCompressor::LZ4HC,
    BloscCompressor::Snappy,
    BloscCompressor::Zlib,
    BloscCompressor::Zstd,
];
const SHUFFLES: [BloscShuffleMode; 3] =
    [BloscShuffleMode::NoShuffle, BloscShuffleMode::Shuffle, BloscShuffleMode::BitShuffle];

/// How a frame is made.
#[derive(Clone, Copy, Debug)]
struct Making {
    compressor: BloscCompressor,
    shuffle: BloscShuffleMode,
    level: u8,
    type_size: usize,
    block_size: usize,
}

impl Making {
    fn frame(self, bytes: &[u8]) -> Vec<u8> {
        let level = self.level.try_into().unwrap();
        blosc_compress_bytes(bytes, level, self.shuffle, self.type_size, self.compressor, self.block_size, 1)
            .unwrap_or_else(|_| panic!("{self:?} of {} bytes", bytes.len()))
    }
}

/// Numbers that rise slowly and jitter: all compressors find something in them, none everything.
fn field(length: usize) -> Vec<u8> {
    let mut noise = 1_u32;
    let values = (0_u32..).map(|i| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (i / 3).wrapping_mul(257) + (noise >> 28)
    });
    values.flat_map(u32::to_le_bytes).take(length).collect()
}

#[track_caller]
fn check(making: Making, bytes: &[u8]) {
    let frame = making.frame(bytes);
    let length = blosc_validate(&frame).unwrap();
    assert_eq!(length, bytes.len());
    assert_eq!(blosc_decompress_bytes(&frame, length, 1).unwrap(), bytes);
    let mut decoder = Decoder::new();
    let ours = decoder.decode(&[blosc()], &frame, bytes.len());
    assert!(ours.as_ref().is_ok_and(|ours| *ours == bytes), "{making:?} of {length} bytes: {:?}", ours.err());
}

#[test]
fn frames_of_every_compressor_shuffle_element_size_and_length_decode() {
    for compressor in COMPRESSORS {
        for shuffle in SHUFFLES {
            for type_size in [1, 2, 3, 4, 5, 7, 8, 12, 16, 17, 255] {
                for length in [1, 2, 7, 15, 16, 17, 127, 128, 1000, 1023, 4096, 65_537] {
                    check(Making { compressor, shuffle, level: 5, type_size, block_size: 0 }, &field(length));
                }
            }
        }
    }
}

#[test]
fn frames_of_many_blocks_of_every_size_decode() {
    for compressor in COMPRESSORS {
        for shuffle in SHUFFLES {
            for (type_size, block_size) in [
                (1, 128),
                (2, 256),
                (4, 512),
                (4, 1000),
                (4, 4096),
                (8, 1 << 14),
                (3, 999),
                (16, 2048),
                (255, 300),
            ] {
                for length in [5000, 16_384, 40_001] {
                    check(Making { compressor, shuffle, level: 9, type_size, block_size }, &field(length));
                }
            }
        }
    }
}

#[test]
fn frames_of_bytes_that_cannot_be_compressed_decode() {
    let mut noise = 1_u64;
    let bytes: Vec<u8> = std::iter::repeat_with(|| {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        noise.to_le_bytes()[3]
    })
    .take(50_000)
    .collect();
    for compressor in COMPRESSORS {
        for level in [0, 5] {
            let making =
                Making { compressor, shuffle: BloscShuffleMode::Shuffle, level, type_size: 4, block_size: 0 };
            check(making, &bytes);
            // The first half is stored as it is, part by part.
            check(making, &[bytes.as_slice(), &field(50_000)].concat());
        }
    }
}

#[test]
fn copies_from_far_back_and_long_runs_decode() {
    let far: Vec<u8> = field(70_000).iter().rev().copied().collect();
    for distance in [8190, 8191, 8192, 8193, 8194, 9000, 65_000] {
        let bytes = far[..distance].repeat(3);
        for compressor in COMPRESSORS {
            let making = Making {
                compressor,
                shuffle: BloscShuffleMode::NoShuffle,
                level: 9,
                type_size: 1,
                block_size: 1 << 18,
            };
            check(making, &bytes);
            check(making, &[&[7; 3000], far[..100].repeat(40).as_slice(), &[0; 100_000]].concat());
        }
    }
}

#[test]
fn stored_and_empty_frames_of_our_own_are_read_by_c_blosc() {
    for bytes in [&[] as &[u8], b"a", &field(1000)] {
        let frame = encode(&[blosc()], bytes).unwrap();
        let length = blosc_validate(&frame).unwrap();
        assert_eq!(length, bytes.len());
        assert_eq!(Decoder::new().decode(&[blosc()], &frame, length).unwrap(), bytes);
        if length > 0 {
            assert_eq!(blosc_decompress_bytes(&frame, length, 1).unwrap(), bytes);
        }
    }
}

/// What is wrong with a frame that should decode to `decoded_len` bytes.
fn refusal(frame: &[u8], decoded_len: usize) -> String {
    let error = Decoder::new().decode(&[blosc()], frame, decoded_len).unwrap_err();
    let DecodeError::Stage { problem, .. } = error else { panic!("{error}") };
    problem.to_string()
}

#[test]
fn a_header_that_lies_is_refused() {
    let making = Making {
        compressor: BloscCompressor::LZ4,
        shuffle: BloscShuffleMode::Shuffle,
        level: 5,
        type_size: 4,
        block_size: 0,
    };
    let bytes = field(1000);
    let frame = making.frame(&bytes);
    let with = |place: usize, patch: &[u8]| {
        let mut frame = frame.clone();
        frame[place..place + patch.len()].copy_from_slice(patch);
        refusal(&frame, 1000)
    };
    let version = "the frame is not of Blosc format version 2";
    assert_eq!((with(0, &[1]), with(0, &[5])), (version.into(), version.into()));
    assert_eq!(with(1, &[2]), "the compressor's data are not of format version 1");
    assert_eq!(with(2, &[0x29]), "a flag is set that Blosc 1 does not have");
    assert_eq!(with(2, &[0xa1]), "Blosc 1 does not have the compressor inside");
    assert!(with(2, &[0x23]).starts_with("ends early: 1000 bytes are needed"));
    assert_eq!(with(3, &[0]), "the element size is 0");
    assert_eq!(with(4, &[0xe9]), "yields 1001 bytes where 1000 are expected");
    let block_size = "the block size is 0 or more than the decoded length";
    assert_eq!((with(8, &[0; 4]), with(8, &[0xff; 4])), (block_size.into(), block_size.into()));
    assert_eq!(with(8, &[0xe7, 3]), "a block is split, but is not a whole number of elements");
    assert_eq!(with(12, &[0]), "the header does not agree with the length of the frame");
    assert_eq!(with(16, &[0xff; 4]), "a block starts before its frame");
    assert!(with(16, &[0xff, 0xff, 0, 0]).starts_with("ends early: 65535 bytes are needed"));
    assert_eq!(with(20, &[0xff; 4]), "the length of a part is negative");
    assert!(with(20, &[0xff, 0xff, 0, 0]).starts_with("ends early: 65535 bytes are needed"));
    for length in 0..16 {
        assert!(refusal(&frame[..length], 1000).starts_with("ends early"), "{length}");
    }
    // Blocks of one byte: their starts alone would be longer than the frame.
    assert!(with(8, &[1, 0, 0, 0]).starts_with("ends early: 4000 bytes are needed"));
}

#[test]
fn a_copy_from_before_the_first_byte_is_refused() {
    let frame = |data: &[u8]| {
        let mut frame = vec![2, 1, 0x10, 1, 40, 0, 0, 0, 40, 0, 0, 0];
        frame.extend(u32::try_from(24 + data.len()).unwrap().to_le_bytes());
        frame.extend(20_u32.to_le_bytes());
        frame.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        frame.extend(data);
        frame
    };
    // One literal, then 39 bytes from one byte back: 9 + 30 of them.
    let run = frame(&[0, b'x', 0xe0, 30, 0]);
    assert_eq!(Decoder::new().decode(&[blosc()], &run, 40).unwrap(), [b'x'; 40]);
    let cases: [(&[u8], &str); 6] = [
        (&[0, b'x', 0xe0, 30, 1], "a copy reaches back before the first byte"),
        (&[0, b'x', 0xff, 30, 0xff, 0, 0], "a copy reaches back before the first byte"),
        (&[0, b'x', 0xe0, 31, 0], "yields more than 40 bytes"),
        (&[0, b'x', 0xe0, 29, 0], "yields 39 bytes where 40 are expected"),
        (&[0, b'x', 0xe0, 255], "ends early: 1 bytes are needed but 0 are there"),
        (&[31, b'x'], "ends early: 32 bytes are needed but 1 are there"),
    ];
    for (data, expected) in cases {
        assert_eq!(refusal(&frame(data), 40), expected, "{data:?}");
    }
}

#[test]
fn a_frame_takes_no_more_memory_than_its_chunk() {
    // A gigabyte announced, where a kilobyte is wanted.
    let words = [1 << 30, 1 << 30, 24, 20, 0].map(u32::to_le_bytes).concat();
    let frame = [&[2, 1, 0x91, 4], words.as_slice()].concat();
    assert_eq!(refusal(&frame, 1024), "yields 1073741824 bytes where 1024 are expected");
    let mut decoder = Decoder::new();
    let strings = decoder.decode_strings(&[CodecSpec::VlenUtf8, blosc()], &frame, 1024);
    let Err(DecodeError::Stage { problem: Problem::Overflow { .. }, .. }) = strings else {
        panic!("{strings:?}")
    };
}

fn making() -> impl Strategy<Value = Making> {
    let (compressors, shuffles) =
        (prop::sample::select(&COMPRESSORS[..]), prop::sample::select(&SHUFFLES[..]));
    let type_size = prop_oneof![1_usize..20, 1_usize..256];
    let block_size = prop_oneof![Just(0), 1_usize..5000];
    (compressors, shuffles, 0_u8..10, type_size, block_size).prop_map(
        |(compressor, shuffle, level, type_size, block_size)| Making {
            compressor,
            shuffle,
            level,
            type_size,
            block_size,
        },
    )
}

/// Pieces of runs, repetitions and noise.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        (any::<u8>(), 1_usize..400).prop_map(|(byte, count)| vec![byte; count]),
        (prop::collection::vec(any::<u8>(), 1..40), 1_usize..30)
            .prop_map(|(bytes, count)| bytes.repeat(count)),
        prop::collection::vec(any::<u8>(), 1..200),
        (1_usize..3000).prop_map(field),
    ];
    prop::collection::vec(piece, 1..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_framed_in_any_way_decode(making in making(), bytes in bytes()) {
        check(making, &bytes);
    }

    /// Most flips hit the header, the starts of blocks and the lengths of parts.
    #[test]
    fn a_damaged_frame_gives_an_error_or_the_wanted_length(
        making in making(),
        bytes in bytes(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..80, any::<bool>(), any::<u8>()), 1..4),
    ) {
        let mut frame = making.frame(&bytes);
        for (anywhere, near, front, value) in flips {
            let place = if front { near.min(frame.len() - 1) } else { anywhere.index(frame.len()) };
            frame[place] = value;
        }
        if let Ok(decoded) = Decoder::new().decode(&[blosc()], &frame, bytes.len()) {
            prop_assert_eq!(decoded.len(), bytes.len());
        }
    }
}
