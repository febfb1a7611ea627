//! Encoding, for the few chunks a file stores differently from the others of their array.
//!
//! HDF5 may leave out a filter of a single chunk (its filter mask says so). Such a chunk is decoded once by its own
//! pipeline, encoded by that of its array, and stored inline.

use std::io::Write;

use libdeflater::{CompressionError, CompressionLvl, Compressor};
use rangefold_array::CodecSpec;

use crate::{bitshuffle, blosc, checksum, integer_bits, lz4, lzf, scale_offset, shuffle};

/// A chunk cannot be encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The codec does not take bytes.
    #[error("codec {codec} encodes strings, not bytes")]
    Strings {
        /// Name of the codec.
        codec: &'static str,
    },
    /// The codec's parameters or its limits forbid it.
    #[error("codec {codec} cannot encode {length} bytes with these parameters")]
    Refused {
        /// Name of the codec.
        codec: &'static str,
        /// Bytes it was given.
        length: usize,
    },
}

/// Encodes `bytes` by `codecs`, in this order, such that the same codecs decode them.
///
/// LZF, Blosc, HDF5's LZ4 framing and scale-offset can hold bytes as they are, and do: what is encoded here has no need
/// to be small.
///
/// # Errors
///
/// [`EncodeError::Strings`] for the codecs of strings, [`EncodeError::Refused`] if a codec cannot hold the bytes and for
/// szip and nbit, which are only decoded, and where elements mean something else in each part.
pub fn encode(codecs: &[CodecSpec], bytes: &[u8]) -> Result<Vec<u8>, EncodeError> {
    codecs.iter().try_fold(bytes.to_vec(), |input, codec| {
        if matches!(codec, CodecSpec::VlenUtf8 | CodecSpec::VlenBytes) {
            return Err(EncodeError::Strings { codec: codec.name() });
        }
        stage(codec, &input).ok_or(EncodeError::Refused { codec: codec.name(), length: input.len() })
    })
}

fn stage(codec: &CodecSpec, input: &[u8]) -> Option<Vec<u8>> {
    match codec {
        CodecSpec::Shuffle { element_size } => shuffle::encode(input, *element_size).ok(),
        CodecSpec::Zlib { level } => {
            deflate(*level, input, Compressor::zlib_compress_bound, Compressor::zlib_compress)
        }
        CodecSpec::Gzip { level } => {
            deflate(*level, input, Compressor::gzip_compress_bound, Compressor::gzip_compress)
        }
        CodecSpec::Fletcher32 => Some(with_suffix(input, checksum::fletcher32_of(input))),
        CodecSpec::Crc32c => Some(with_suffix(input, ::crc32c::crc32c(input))),
        CodecSpec::Blosc { .. } => blosc::store(input),
        CodecSpec::Zstd { level, .. } => zstd::bulk::compress(input, *level).ok(),
        CodecSpec::Lzf => Some(lzf::store(input)),
        CodecSpec::Bzip2 { .. } => {
            let mut encoder = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::best());
            encoder.write_all(input).ok()?;
            encoder.finish().ok()
        }
        CodecSpec::Lz4 { .. } => lz4::encode(input),
        CodecSpec::Lz4Hdf5 { .. } => lz4::store_hdf5(input),
        CodecSpec::BitshuffleHdf5 { element_size, block_size, compression } => {
            bitshuffle::encode(input, bitshuffle::Layout::new(*element_size, *block_size, *compression).ok()?)
        }
        CodecSpec::ScaleOffsetHdf5 { element_count, element_size, order, decimals, fill } => {
            let elements = scale_offset::Elements::new(*element_size, *order, *decimals, *fill).ok()?;
            scale_offset::store(input, elements, *element_count)
        }
        CodecSpec::IntegerBitsHdf5 { element_size, order, bit_offset, precision, signed } => {
            let layout =
                integer_bits::Layout::new(*element_size, *order, *bit_offset, *precision, *signed).ok()?;
            integer_bits::encode(input, layout)
        }
        CodecSpec::NbitHdf5 { .. }
        | CodecSpec::SzipHdf5 { .. }
        | CodecSpec::VlenUtf8
        | CodecSpec::VlenBytes
        | CodecSpec::AttributesByPart { .. } => None,
    }
}

/// libdeflate behind either header. Levels libdeflate does not know, such as zlib's -1, become its default.
fn deflate(
    level: i32,
    input: &[u8],
    bound: fn(&mut Compressor, usize) -> usize,
    compress: impl Fn(&mut Compressor, &[u8], &mut [u8]) -> Result<usize, CompressionError>,
) -> Option<Vec<u8>> {
    let mut compressor = Compressor::new(CompressionLvl::new(level).unwrap_or_default());
    let mut out = vec![0; bound(&mut compressor, input.len())];
    let length = compress(&mut compressor, input, &mut out).ok()?;
    out.truncate(length);
    Some(out)
}

fn with_suffix(input: &[u8], checksum: u32) -> Vec<u8> {
    [input, &checksum.to_le_bytes()].concat()
}
