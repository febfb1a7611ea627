//! The codecs, one page each, and which page undoes which.
//!
//! A new codec is a page here, a line in [`decode`] and one in [`encode`].

mod bitshuffle;
mod blosc;
mod blosc_lz;
mod bzip2;
mod checksum;
mod deflate;
mod integer_bits;
mod lz4;
mod lzf;
mod nbit;
mod scale_offset;
mod shuffle;
mod szip;
pub(crate) mod vlen;
mod zstandard;

use rangefold_array::CodecSpec;

use crate::Problem;
use crate::want::Want;

/// What decompressors keep from one chunk to the next.
#[derive(Default)]
pub(crate) struct State {
    blosc: blosc::Blosc,
    inflate: deflate::Inflate,
    zstd: zstandard::Zstd,
}

/// Where the output of a stage is.
pub(crate) enum Undone {
    /// The first so many bytes of its input.
    InPlace(usize),
    /// In the buffer that it was given.
    Written,
}

/// Undoes one codec on `input`. What is in `out` is lost.
///
/// # Errors
///
/// What is wrong with the input, or with the parameters of the codec.
pub(crate) fn decode(
    codec: &CodecSpec,
    input: &[u8],
    want: Want,
    state: &mut State,
    out: &mut Vec<u8>,
) -> Result<Undone, Problem> {
    match codec {
        CodecSpec::Shuffle { element_size } => {
            want.check(input.len())?;
            if !shuffle::moves_bytes(*element_size, input.len())? {
                return Ok(Undone::InPlace(input.len()));
            }
            shuffle::decode(input, *element_size, out)?;
        }
        CodecSpec::Zlib { .. } => state.inflate.zlib(input, want, out)?,
        CodecSpec::Gzip { .. } => deflate::gzip(input, want, out)?,
        CodecSpec::Fletcher32 => {
            let kept = checksum::fletcher32(input)?;
            want.check(kept)?;
            return Ok(Undone::InPlace(kept));
        }
        CodecSpec::Crc32c => {
            let kept = checksum::crc32c(input)?;
            want.check(kept)?;
            return Ok(Undone::InPlace(kept));
        }
        CodecSpec::Blosc { .. } => {
            state.blosc.decode(input, &mut state.inflate, &mut state.zstd, want, out)?
        }
        CodecSpec::Zstd { .. } => state.zstd.decode(input, want, out)?,
        CodecSpec::Lzf => lzf::decode(input, want, out)?,
        CodecSpec::Bzip2 { .. } => bzip2::decode(input, want, out)?,
        CodecSpec::Lz4 { .. } => lz4::decode(input, want, out)?,
        CodecSpec::Lz4Hdf5 { .. } => lz4::decode_hdf5(input, want, out)?,
        CodecSpec::BitshuffleHdf5 { element_size, block_size, compression } => {
            let layout = bitshuffle::Layout::new(*element_size, *block_size, *compression)?;
            bitshuffle::decode(input, layout, &mut state.zstd, want, out)?;
        }
        CodecSpec::ScaleOffsetHdf5 { element_count, element_size, order, decimals, fill } => {
            let elements = scale_offset::Elements::new(*element_size, *order, *decimals, *fill)?;
            scale_offset::decode(input, elements, *element_count, want, out)?;
        }
        CodecSpec::NbitHdf5 { values } => nbit::decode(input, &nbit::Chunk::parse(values)?, want, out)?,
        CodecSpec::SzipHdf5 { options, pixels_per_block, bits_per_pixel, pixels_per_scanline } => {
            let layout =
                szip::Layout::new(*options, *pixels_per_block, *bits_per_pixel, *pixels_per_scanline)?;
            szip::decode(input, layout, want, out)?;
        }
        CodecSpec::IntegerBitsHdf5 { element_size, order, bit_offset, precision, signed } => {
            want.check(input.len())?;
            let layout = integer_bits::Layout::new(*element_size, *order, *bit_offset, *precision, *signed)?;
            integer_bits::decode(input, layout, out)?;
        }
        CodecSpec::VlenUtf8 | CodecSpec::VlenBytes => {
            want.check(input.len())?;
            return Ok(Undone::InPlace(input.len()));
        }
        CodecSpec::AttributesByPart { .. } => {
            return Err(Problem::Malformed(
                "its elements mean something else in each part of an axis, and are asked for without saying where",
            ));
        }
    }
    Ok(Undone::Written)
}

/// Encodes `input` such that the same codec decodes it. `None` if the codec cannot hold it, or is only decoded.
pub(crate) fn encode(codec: &CodecSpec, input: &[u8]) -> Option<Vec<u8>> {
    match codec {
        CodecSpec::Shuffle { element_size } => shuffle::encode(input, *element_size).ok(),
        CodecSpec::Zlib { level } => deflate::encode_zlib(*level, input),
        CodecSpec::Gzip { level } => deflate::encode_gzip(*level, input),
        CodecSpec::Fletcher32 => Some(checksum::with_suffix(input, checksum::fletcher32_of(input))),
        CodecSpec::Crc32c => Some(checksum::with_suffix(input, ::crc32c::crc32c(input))),
        CodecSpec::Blosc { .. } => blosc::store(input),
        CodecSpec::Zstd { level, .. } => zstd::bulk::compress(input, *level).ok(),
        CodecSpec::Lzf => Some(lzf::store(input)),
        CodecSpec::Bzip2 { .. } => bzip2::encode(input),
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
