//! HDF5 filters as codecs.

use rangefold_array::{CodecKind, CodecSpec};
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
fn codec(filter: &Filter, element_size: u64) -> Result<Option<CodecSpec>, String> {
    let refused = |why: &str| format!("the filter {}{why}", name(filter));
    let kind = CodecKind::of_hdf5_filter(filter.id).ok_or_else(|| refused(""))?;
    CodecSpec::of_hdf5_filter(kind, &filter.values, element_size).map_err(|why| refused(&format!(" {why}")))
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
    use rangefold_array::{BloscCompressor, BloscShuffle, ByteOrder};

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
