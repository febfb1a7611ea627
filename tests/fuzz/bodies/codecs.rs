//! An encoded chunk: undoing a codec may fail, but must not panic, and yields the wanted length or nothing.
//!
//! The first byte names the codec, the next two the length of the chunk, four more the parameters of the codec.

use rangefold_array::{BloscCompressor, BloscShuffle, ByteOrder, CodecKind, CodecSpec};
use rangefold_codec::{Decoder, strings};

pub(crate) fn run(bytes: &[u8]) {
    let Some(([kind, low, high, parameters @ ..], encoded)) = bytes.split_first_chunk::<7>() else { return };
    let kind = CodecKind::ALL[usize::from(*kind) % CodecKind::ALL.len()];
    let length = usize::from(u16::from_le_bytes([*low, *high]));
    let codec = codec(kind, *parameters, length);
    let mut decoder = Decoder::new();
    if let Ok(decoded) = decoder.decode(std::slice::from_ref(&codec), encoded, length) {
        assert_eq!(decoded.len(), length, "{codec:?}");
    }
    if let Ok(frame) = decoder.decode_strings(&[CodecSpec::VlenUtf8, codec], encoded, length) {
        assert!(frame.len() <= length);
        let _ = strings(frame);
    }
}

fn codec(kind: CodecKind, [a, b, c, d]: [u8; 4], length: usize) -> CodecSpec {
    let element_size = usize::from(a);
    let order = if b & 1 == 0 { ByteOrder::Little } else { ByteOrder::Big };
    match kind {
        CodecKind::Shuffle => CodecSpec::Shuffle { element_size },
        CodecKind::Zlib => CodecSpec::Zlib { level: 1 },
        CodecKind::Gzip => CodecSpec::Gzip { level: 1 },
        CodecKind::Fletcher32 => CodecSpec::Fletcher32,
        CodecKind::Blosc => CodecSpec::Blosc {
            compressor: BloscCompressor::Lz4,
            level: 1,
            shuffle: BloscShuffle::Byte,
            block_size: 0,
        },
        CodecKind::Zstd => CodecSpec::Zstd { level: 1, checksum: false },
        CodecKind::Lzf => CodecSpec::Lzf,
        CodecKind::Bzip2 => CodecSpec::Bzip2 { level: 1 },
        CodecKind::Lz4 => CodecSpec::Lz4 { acceleration: 1 },
        CodecKind::Lz4Hdf5 => CodecSpec::Lz4Hdf5 { block_size: 0 },
        CodecKind::BitshuffleHdf5 => CodecSpec::BitshuffleHdf5 {
            element_size,
            block_size: usize::from(b) * 8,
            compression: u32::from(c % 4),
        },
        CodecKind::ScaleOffsetHdf5 => CodecSpec::ScaleOffsetHdf5 {
            element_count: length / element_size.max(1),
            element_size,
            order,
            decimals: (c & 1 == 0).then_some(i32::from(d.cast_signed())),
            fill: (c & 2 == 0).then_some(u64::from(d)),
        },
        CodecKind::NbitHdf5 => CodecSpec::NbitHdf5 {
            values: vec![
                8,
                0,
                u32::from(b) << 8 | u32::from(c),
                1,
                u32::from(a),
                0,
                u32::from(d),
                u32::from(b),
            ],
        },
        CodecKind::SzipHdf5 => CodecSpec::SzipHdf5 {
            options: a.into(),
            pixels_per_block: b.into(),
            bits_per_pixel: c.into(),
            pixels_per_scanline: d.into(),
        },
        CodecKind::IntegerBitsHdf5 => CodecSpec::IntegerBitsHdf5 {
            element_size,
            order,
            bit_offset: c.into(),
            precision: d.into(),
            signed: b & 2 == 0,
        },
        CodecKind::Crc32c => CodecSpec::Crc32c,
        CodecKind::VlenUtf8 => CodecSpec::VlenUtf8,
        CodecKind::VlenBytes => CodecSpec::VlenBytes,
        CodecKind::AttributesByPart => CodecSpec::AttributesByPart { axis: element_size },
    }
}
