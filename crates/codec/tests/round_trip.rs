//! What is encoded decodes to the same bytes.

use proptest::prelude::*;
use rangefold_array::{BloscCompressor, BloscShuffle, ByteOrder, CodecSpec};
use rangefold_codec::{Decoder, encode};

fn codec() -> impl Strategy<Value = CodecSpec> {
    prop_oneof![
        (1_usize..20).prop_map(|element_size| CodecSpec::Shuffle { element_size }),
        prop::sample::select(vec![2, 4, 8]).prop_map(|element_size| CodecSpec::Shuffle { element_size }),
        (-1_i32..13).prop_map(|level| CodecSpec::Zlib { level }),
        Just(CodecSpec::Gzip { level: 5 }),
        Just(CodecSpec::Fletcher32),
        Just(CodecSpec::Crc32c),
        Just(CodecSpec::Zstd { level: 1, checksum: false }),
        Just(CodecSpec::Lzf),
        Just(CodecSpec::Bzip2 { level: 5 }),
        Just(CodecSpec::Lz4 { acceleration: 1 }),
        Just(CodecSpec::Lz4Hdf5 { block_size: 0 }),
        Just(CodecSpec::Blosc {
            compressor: BloscCompressor::Zstd,
            level: 5,
            shuffle: BloscShuffle::Byte,
            block_size: 0,
        }),
    ]
}

proptest! {
    #[test]
    fn pipelines_of_any_codecs_in_any_order_are_undone(
        codecs in prop::collection::vec(codec(), 0..4),
        bytes in prop::collection::vec(prop_oneof![Just(0_u8), any::<u8>()], 0..600),
    ) {
        let encoded = encode(&codecs, &bytes).unwrap();
        let mut decoder = Decoder::new();
        prop_assert_eq!(decoder.decode(&codecs, &encoded, bytes.len()).unwrap(), &bytes);
    }

    #[test]
    fn elements_framed_by_scale_offset_are_undone(
        element_size in prop::sample::select(vec![1_usize, 2, 4, 8]),
        order in prop::sample::select(vec![ByteOrder::Little, ByteOrder::Big]),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let element_count = bytes.len() / element_size;
        let whole = &bytes[..element_count * element_size];
        let fill = Some(7);
        let codecs = [CodecSpec::ScaleOffsetHdf5 { element_count, element_size, order, decimals: None, fill }];
        let encoded = encode(&codecs, whole).unwrap();
        let mut decoder = Decoder::new();
        prop_assert_eq!(decoder.decode(&codecs, &encoded, whole.len()).unwrap(), whole);
        prop_assert!(encode(&codecs, &[whole, &[0]].concat()).is_err());
    }

    #[test]
    fn bits_of_integers_are_moved_there_and_back(
        order in prop::sample::select(vec![ByteOrder::Little, ByteOrder::Big]),
        (bit_offset, precision) in (0_u32..32).prop_flat_map(|offset| (Just(offset), 1..=32 - offset)),
        signed in any::<bool>(),
        stored in prop::collection::vec(any::<u8>(), 64..=64),
    ) {
        let codecs = [CodecSpec::IntegerBitsHdf5 { element_size: 4, order, bit_offset, precision, signed }];
        let mut decoder = Decoder::new();
        let values = decoder.decode(&codecs, &stored, 64).unwrap().to_vec();
        let encoded = encode(&codecs, &values).unwrap();
        prop_assert_eq!(decoder.decode(&codecs, &encoded, 64).unwrap(), values);
    }

    #[test]
    fn any_bytes_are_an_error_or_a_chunk_of_the_right_length(
        bytes in prop::collection::vec(prop_oneof![Just(0_u8), any::<u8>()], 0..400),
        bits_per_pixel in prop::sample::select(vec![1_u32, 8, 12, 16, 24, 32, 64]),
        options in prop::sample::select(vec![0_u32, 16, 32, 48]),
    ) {
        let mut decoder = Decoder::new();
        let szip = CodecSpec::SzipHdf5 { options, pixels_per_block: 8, bits_per_pixel, pixels_per_scanline: 20 };
        let framed = [&640_u32.to_le_bytes()[..], &bytes].concat();
        if let Ok(decoded) = decoder.decode(&[szip], &framed, 640) {
            prop_assert_eq!(decoded.len(), 640);
        }
        let nbit = CodecSpec::NbitHdf5 { values: vec![8, 0, 80, 1, 8, 0, 37, 5] };
        if let Ok(decoded) = decoder.decode(&[nbit], &bytes, 640) {
            prop_assert_eq!(decoded.len(), 640);
        }
    }

    #[test]
    fn bit_shuffled_elements_of_any_size_in_blocks_of_any_size_are_undone(
        element_size in 1_usize..18,
        block_size in 0_usize..5,
        compression in prop::sample::select(vec![0_u32, 2, 3]),
        bytes in prop::collection::vec(any::<u8>(), 0..3000),
    ) {
        let whole = &bytes[..bytes.len() - bytes.len() % element_size];
        let codecs = [CodecSpec::BitshuffleHdf5 { element_size, block_size: block_size * 8, compression }];
        let encoded = encode(&codecs, whole).unwrap();
        let mut decoder = Decoder::new();
        prop_assert_eq!(decoder.decode(&codecs, &encoded, whole.len()).unwrap(), whole);
    }

    #[test]
    fn one_decoder_serves_chunks_of_all_lengths(lengths in prop::collection::vec(0_usize..2000, 1..8)) {
        let codecs = [CodecSpec::Shuffle { element_size: 4 }, CodecSpec::Zlib { level: 1 }, CodecSpec::Fletcher32];
        let mut decoder = Decoder::new();
        for length in lengths {
            let bytes: Vec<u8> = (0..=255).cycle().take(length).collect();
            let encoded = encode(&codecs, &bytes).unwrap();
            prop_assert_eq!(decoder.decode(&codecs, &encoded, length).unwrap(), &bytes);
        }
    }
}
