//! HDF5 filters as codecs.

use rangefold_array::{BloscCompressor, BloscShuffle, ByteOrder, CodecSpec};
use rangefold_hdf5::model::Filter;

/// The pipeline of a dataset.
#[derive(Debug)]
pub(crate) struct Pipeline {
    /// What turns the elements of the datatype into those of the array; no filter mask turns it off.
    conversion: Option<CodecSpec>,
    /// A codec for each filter, or why there is none. `None` is a filter that leaves the bytes as they are.
    filters: Vec<Result<Option<CodecSpec>, String>>,
}

impl Pipeline {
    /// Translates `filters`; `element_size` is that of a stored element.
    pub(crate) fn new(conversion: Option<CodecSpec>, filters: &[Filter], element_size: u64) -> Self {
        Self { conversion, filters: filters.iter().map(|filter| codec(filter, element_size)).collect() }
    }

    /// The codecs of a chunk with this filter mask, in the order of encoding.
    ///
    /// # Errors
    ///
    /// The reason, if a filter that was applied has no codec.
    pub(crate) fn codecs(&self, mask: FilterMask) -> Result<Vec<CodecSpec>, String> {
        let applied = self.filters.iter().enumerate().filter(|(position, _)| mask.applies(*position));
        let applied = applied.filter_map(|(_, codec)| codec.clone().transpose());
        self.conversion.clone().map(Ok).into_iter().chain(applied).collect()
    }

    /// The mask with the bits of filters that do not exist taken out, so that equal masks mean equal pipelines.
    pub(crate) fn normalize(&self, mask: FilterMask) -> FilterMask {
        let known = (0..self.filters.len()).filter(|position| !mask.applies(*position));
        FilterMask(known.fold(0, |bits, position| bits | FilterMask::bit(position)))
    }

    /// The mask of a chunk that is stored without any filter.
    pub(crate) fn none_applied(&self) -> FilterMask {
        self.normalize(FilterMask(u32::MAX))
    }
}

/// Which filters were left out of a chunk: bit `i` is set if filter `i` was not applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FilterMask(pub(crate) u32);

impl FilterMask {
    fn bit(position: usize) -> u32 {
        u32::try_from(position).ok().and_then(|position| 1_u32.checked_shl(position)).unwrap_or(0)
    }

    fn applies(self, position: usize) -> bool {
        self.0 & Self::bit(position) == 0
    }
}

/// The codec that undoes `filter`.
///
/// Numbers of filters: the HDF5 File Format 3.0, IV.A.2.l, and the registry at
/// <https://github.com/HDFGroup/hdf5_plugins/blob/master/docs/RegisteredFilterPlugins.md>.
fn codec(filter: &Filter, element_size: u64) -> Result<Option<CodecSpec>, String> {
    let value = |index: usize| filter.values.get(index).copied();
    let small = |index: usize, default: i32| {
        value(index).map_or(default, |value| i32::try_from(value).unwrap_or(default))
    };
    let size = |index: usize, default: u64| {
        usize::try_from(value(index).map_or(default, u64::from))
            .map_err(|_| format!("a {} of odd size", name(filter)))
    };
    Ok(Some(match filter.id {
        1 => CodecSpec::Zlib { level: small(0, 6) },
        2 => CodecSpec::Shuffle { element_size: size(0, element_size)? },
        3 => CodecSpec::Fletcher32,
        // Options, samples of a block, bits of a sample, samples of a scanline.
        4 => match filter.values[..] {
            [options, pixels_per_block, bits_per_pixel, pixels_per_scanline, ..] => {
                CodecSpec::SzipHdf5 { options, pixels_per_block, bits_per_pixel, pixels_per_scanline }
            }
            _ => return Err(format!("the filter {} with {} values of 4", name(filter), filter.values.len())),
        },
        // The second value says that every bit counts.
        5 if value(1) == Some(1) => return Ok(None),
        5 => CodecSpec::NbitHdf5 { values: filter.values.clone() },
        6 => return scale_offset(filter),
        307 => CodecSpec::Bzip2 { level: small(0, 9) },
        32000 => CodecSpec::Lzf,
        32001 => blosc(filter)?,
        32004 => CodecSpec::Lz4Hdf5 { block_size: size(0, 0)? },
        // Two words of version, then element size, block size and compressor.
        32008 => CodecSpec::BitshuffleHdf5 {
            element_size: size(2, element_size)?,
            block_size: size(3, 0)?,
            compression: value(4).unwrap_or(0),
        },
        32015 => CodecSpec::Zstd { level: small(0, 3), checksum: false },
        _ => return Err(format!("the filter {}", name(filter))),
    }))
}

/// The values of the scale-offset filter: scale type (0 decimals, 2 integer), decimals or bits, elements of a chunk,
/// class (0 integer, 1 float), element size, sign, order (0 little, 1 big), whether there is a fill value, and that.
fn scale_offset(filter: &Filter) -> Result<Option<CodecSpec>, String> {
    let refused = |what: &str, value: u32| Err(format!("the filter {} with {what} {value}", name(filter)));
    let [scale, factor, count, class, size, _, order, has_fill, ref fill @ ..] = filter.values[..] else {
        return Err(format!("the filter {} with only {} values", name(filter), filter.values.len()));
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
    let length = |value: u32| usize::try_from(value).map_err(|_| "chunks larger than memory");
    let (element_count, element_size) = (length(count)?, length(size)?);
    Ok(Some(CodecSpec::ScaleOffsetHdf5 { element_count, element_size, order, decimals, fill }))
}

/// The values of the Blosc filter: revision, format, element size, chunk length, level, shuffle, compressor.
fn blosc(filter: &Filter) -> Result<CodecSpec, String> {
    let value = |index: usize, default: u32| filter.values.get(index).copied().unwrap_or(default);
    let compressor = match value(6, 0) {
        0 => BloscCompressor::BloscLz,
        1 => BloscCompressor::Lz4,
        2 => BloscCompressor::Lz4Hc,
        3 => BloscCompressor::Snappy,
        4 => BloscCompressor::Zlib,
        5 => BloscCompressor::Zstd,
        other => return Err(format!("the filter {} with compressor {other}", name(filter))),
    };
    let shuffle = match value(5, 1) {
        0 => BloscShuffle::None,
        1 => BloscShuffle::Byte,
        2 => BloscShuffle::Bit,
        other => return Err(format!("the filter {} with shuffle {other}", name(filter))),
    };
    let level = i32::try_from(value(4, 5)).unwrap_or(5);
    Ok(CodecSpec::Blosc { compressor, level, shuffle, block_size: 0 })
}

/// The number of a filter and what it is known as.
fn name(filter: &Filter) -> String {
    let known = match filter.id {
        4 => "szip",
        5 => "nbit",
        6 => "scaleoffset",
        305 => "lzo",
        307 => "bzip2",
        32001 => "blosc",
        32002 => "mafisc",
        32003 => "snappy",
        32004 => "lz4",
        32006 => "apax",
        32007 => "cbf",
        32008 => "bitshuffle",
        32009 => "spdp",
        32010 => "lpc-rice",
        32012 => "jpeg-xr",
        32013 => "zfp",
        32014 => "fpzip",
        32015 => "zstd",
        32016 => "b3d",
        32017 => "sz",
        32018 => "fcidecomp",
        32019 => "jpeg",
        32023 => "granular bit rounding",
        32024 => "sz3",
        32026 => "blosc2",
        32028 => "sperr",
        32029 => "ffmpeg",
        _ => {
            return filter
                .name
                .as_ref()
                .map_or_else(|| filter.id.to_string(), |name| format!("{} ({name})", filter.id));
        }
    };
    format!("{} ({known})", filter.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(id: u16, values: &[u32]) -> Filter {
        Filter { id, name: None, flags: 1, values: values.to_vec() }
    }

    #[test]
    fn the_order_of_the_file_is_the_order_of_encoding() {
        let pipeline = Pipeline::new(None, &[filter(1, &[4]), filter(2, &[8])], 4);
        let codecs = [CodecSpec::Zlib { level: 4 }, CodecSpec::Shuffle { element_size: 8 }];
        assert_eq!(pipeline.codecs(FilterMask(0)).unwrap(), codecs);
    }

    #[test]
    fn masked_filters_drop_out_one_by_one() {
        let pipeline = Pipeline::new(None, &[filter(2, &[]), filter(1, &[1]), filter(32013, &[])], 4);
        assert_eq!(pipeline.codecs(FilterMask(0b110)).unwrap(), [CodecSpec::Shuffle { element_size: 4 }]);
        assert_eq!(pipeline.codecs(FilterMask(0b101)).unwrap(), [CodecSpec::Zlib { level: 1 }]);
        assert_eq!(pipeline.codecs(FilterMask(0b111)).unwrap(), []);
        assert_eq!(pipeline.codecs(FilterMask(0b001)).unwrap_err(), "the filter 32013 (zfp)");
        assert_eq!(pipeline.normalize(FilterMask(0b1_0111)), pipeline.none_applied());
    }

    #[test]
    fn blosc_parameters_come_from_the_filter_values() {
        let pipeline = Pipeline::new(None, &[filter(32001, &[2, 2, 4, 4096, 9, 2, 5])], 4);
        let expected = CodecSpec::Blosc {
            compressor: BloscCompressor::Zstd,
            level: 9,
            shuffle: BloscShuffle::Bit,
            block_size: 0,
        };
        assert_eq!(pipeline.codecs(FilterMask(0)).unwrap(), [expected]);
    }

    #[test]
    fn a_filter_nobody_knows_is_named_by_its_number_and_the_files_word() {
        let unknown = Filter { id: 40000, name: Some("secret".to_owned()), flags: 0, values: Vec::new() };
        let pipeline = Pipeline::new(None, &[unknown], 4);
        assert_eq!(pipeline.codecs(FilterMask(0)).unwrap_err(), "the filter 40000 (secret)");
    }

    #[test]
    fn filters_that_leave_every_bit_in_its_place_have_no_codec() {
        let nbit = filter(5, &[8, 1, 8, 1, 2, 0, 16, 0]);
        let all_bits = filter(6, &[2, 32, 256, 0, 4, 1, 0, 0]);
        let pipeline = Pipeline::new(None, &[nbit, all_bits, filter(3, &[])], 4);
        assert_eq!(pipeline.codecs(FilterMask(0)).unwrap(), [CodecSpec::Fletcher32]);
    }

    #[test]
    fn scale_offset_takes_its_fill_value_word_by_word() {
        let codec = |values: &[u32]| Pipeline::new(None, &[filter(6, values)], 8).codecs(FilterMask(0));
        let expected = |decimals, fill| {
            let order = ByteOrder::Big;
            Ok(vec![CodecSpec::ScaleOffsetHdf5 { element_count: 9, element_size: 8, order, decimals, fill }])
        };
        assert_eq!(codec(&[0, 3, 9, 1, 8, 0, 1, 1, 5, 1, 0]), expected(Some(3), Some(0x1_0000_0005)));
        assert_eq!(codec(&[2, 0, 9, 0, 8, 1, 1, 0, 5, 1]), expected(None, None));
        assert_eq!(
            codec(&[1, 3, 9, 1, 8, 0, 0, 0]).unwrap_err(),
            "the filter 6 (scaleoffset) with scale type 1"
        );
        assert_eq!(codec(&[2, 3]).unwrap_err(), "the filter 6 (scaleoffset) with only 2 values");
    }
}
