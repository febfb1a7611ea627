//! Client data of HDF5 filters that have many of them.

use crate::{BloscCompressor, BloscShuffle, ByteOrder, CodecSpec};

/// The values of the scale-offset filter: scale type (0 decimals, 2 integer), decimals or bits, elements of a chunk,
/// class (0 integer, 1 float), element size, sign, order (0 little, 1 big), whether there is a fill value, and that.
pub(crate) fn scale_offset(values: &[u32]) -> Result<Option<CodecSpec>, String> {
    let refused = |what: &str, value: u32| Err(format!("with {what} {value}"));
    let [scale, factor, count, class, size, _, order, has_fill, ref fill @ ..] = *values else {
        return Err(format!("with only {} values", values.len()));
    };
    let decimals = match (scale, class) {
        (2, 0) => None,
        (0, 1) => Some(factor.cast_signed()),
        _ => return refused("scale type", scale),
    };
    // As many bits as an element has: HDF5 leaves the bytes as they are.
    if decimals.is_none() && size.checked_mul(8) == Some(factor) {
        return Ok(None);
    }
    let order = match order {
        0 => ByteOrder::Little,
        1 => ByteOrder::Big,
        _ => return refused("byte order", order),
    };
    let word = |index: usize| u64::from(fill.get(index).copied().unwrap_or(0));
    let bits = word(0) | word(1) << 32;
    let fill = match (has_fill, size) {
        (0, _) => None,
        (1, 8) => Some(bits),
        // The bytes above a short fill value are not its own.
        (1, 1 | 2 | 4) => Some(bits & ((1 << (8 * size)) - 1)),
        (1, _) => return refused("element size", size),
        _ => return refused("fill value flag", has_fill),
    };
    let length = |value: u32| usize::try_from(value).map_err(|_| "with chunks larger than memory");
    let (element_count, element_size) = (length(count)?, length(size)?);
    Ok(Some(CodecSpec::ScaleOffsetHdf5 { element_count, element_size, order, decimals, fill }))
}

/// The values of the Blosc filter: revision, format, element size, chunk length, level, shuffle, compressor.
pub(crate) fn blosc(values: &[u32]) -> Result<CodecSpec, String> {
    let value = |index: usize, default: u32| values.get(index).copied().unwrap_or(default);
    let compressor = match value(6, 0) {
        0 => BloscCompressor::BloscLz,
        1 => BloscCompressor::Lz4,
        2 => BloscCompressor::Lz4Hc,
        3 => BloscCompressor::Snappy,
        4 => BloscCompressor::Zlib,
        5 => BloscCompressor::Zstd,
        other => return Err(format!("with compressor {other}")),
    };
    let shuffle = match value(5, 1) {
        0 => BloscShuffle::None,
        1 => BloscShuffle::Byte,
        2 => BloscShuffle::Bit,
        other => return Err(format!("with shuffle {other}")),
    };
    let level = i32::try_from(value(4, 5)).unwrap_or(5);
    Ok(CodecSpec::Blosc { compressor, level, shuffle, block_size: 0 })
}
