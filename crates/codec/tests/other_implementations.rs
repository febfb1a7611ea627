//! What h5py, hdf5plugin and numcodecs encoded decodes to the bytes they were given.

mod common;

use common::vectors;
use rangefold_array::CodecSpec;
use rangefold_codec::{Decoder, strings};

#[test]
fn chunks_of_other_implementations_decode_to_their_bytes() {
    let mut decoder = Decoder::new();
    let mut count = 0;
    for vector in vectors() {
        if matches!(vector.codecs[0], CodecSpec::VlenUtf8 | CodecSpec::VlenBytes) {
            continue;
        }
        let decoded = decoder.decode(&vector.codecs, &vector.encoded, vector.decoded.len());
        assert_eq!(decoded.unwrap(), vector.decoded, "{}", vector.name);
        count += 1;
    }
    assert!(count >= 110, "only {count} vectors");
}

#[test]
fn decoding_into_a_vector_of_any_length_gives_the_same_bytes() {
    let mut decoder = Decoder::new();
    let mut out = vec![7; 5000];
    for vector in vectors() {
        if matches!(vector.codecs[0], CodecSpec::VlenUtf8 | CodecSpec::VlenBytes) {
            continue;
        }
        decoder.decode_into(&vector.codecs, &vector.encoded, vector.decoded.len(), &mut out).unwrap();
        assert_eq!(out, vector.decoded, "{}", vector.name);
    }
}

#[test]
fn strings_of_numcodecs_come_back_one_by_one() {
    let mut decoder = Decoder::new();
    let mut count = 0;
    for vector in vectors() {
        if !matches!(vector.codecs[0], CodecSpec::VlenUtf8 | CodecSpec::VlenBytes) {
            continue;
        }
        let frame = decoder.decode_strings(&vector.codecs, &vector.encoded, 1000).unwrap();
        assert_eq!(strings(frame).unwrap().join(b"\n".as_slice()), vector.decoded, "{}", vector.name);
        count += 1;
    }
    assert_eq!(count, 2);
}

#[test]
fn a_chunk_of_another_length_than_expected_is_refused_by_every_codec() {
    let mut decoder = Decoder::new();
    for vector in vectors() {
        if matches!(vector.codecs[0], CodecSpec::VlenUtf8 | CodecSpec::VlenBytes) {
            continue;
        }
        let length = vector.decoded.len();
        for wrong in [0, 1, length - 1, length + 1, length + 8, 3 * length] {
            let decoded = decoder.decode(&vector.codecs, &vector.encoded, wrong);
            assert!(decoded.is_err(), "{} as {wrong} bytes", vector.name);
        }
    }
}

#[test]
fn a_chunk_that_ends_early_is_refused_by_every_codec() {
    let mut decoder = Decoder::new();
    for vector in vectors() {
        if matches!(vector.codecs[0], CodecSpec::VlenUtf8 | CodecSpec::VlenBytes) {
            continue;
        }
        let length = vector.encoded.len();
        // HDF5 writes a byte more after numbers of bits.
        let spare = matches!(
            vector.codecs.last(),
            Some(CodecSpec::ScaleOffsetHdf5 { .. } | CodecSpec::NbitHdf5 { .. })
        );
        for kept in [0, 1, 3, 4, length / 2, length - 1 - usize::from(spare)] {
            let decoded = decoder.decode(&vector.codecs, &vector.encoded[..kept], vector.decoded.len());
            assert!(decoded.is_err(), "{} cut to {kept} bytes", vector.name);
        }
    }
}
