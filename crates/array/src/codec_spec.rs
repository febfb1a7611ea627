//! Descriptions of the stages of a chunk's encoding, and the table of what is known of each codec.
//!
//! Whoever asks what a codec is called elsewhere, or who can undo it, asks here. A new codec is a variant of
//! [`CodecSpec`] and a kind; the compiler names the other places, here, in `refs` and in `codec`.

use crate::{BloscCompressor, BloscShuffle, ByteOrder, hdf5_values};

/// One stage of a chunk's encoding. An array's codecs are listed in the order of *encoding*; decoding runs backwards.
///
/// Each variant names the numcodecs (or imagecodecs) codec that decodes the same bytes, as it stands in kerchunk references.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CodecSpec {
    /// Byte shuffle of elements of `element_size` bytes; a tail shorter than one element stays in place. numcodecs `shuffle`, HDF5 filter 2.
    Shuffle {
        /// Bytes of one element.
        element_size: usize,
    },
    /// zlib stream (RFC 1950). numcodecs `zlib`, HDF5 filter 1.
    Zlib {
        /// Compression level; of no consequence for decoding.
        level: i32,
    },
    /// gzip member (RFC 1952). numcodecs `gzip`.
    Gzip {
        /// Compression level; of no consequence for decoding.
        level: i32,
    },
    /// HDF5's Fletcher-32 checksum: four bytes after the data. numcodecs `fletcher32`, HDF5 filter 3.
    Fletcher32,
    /// Blosc 1 frame. numcodecs `blosc`, HDF5 filter 32001.
    Blosc {
        /// Inner compressor.
        compressor: BloscCompressor,
        /// Compression level; of no consequence for decoding.
        level: i32,
        /// Which shuffle was applied inside the frame.
        shuffle: BloscShuffle,
        /// Block size in bytes, 0 for automatic.
        block_size: usize,
    },
    /// Zstandard frame. numcodecs `zstd`, HDF5 filter 32015.
    Zstd {
        /// Compression level; of no consequence for decoding.
        level: i32,
        /// Whether frames carry a checksum.
        checksum: bool,
    },
    /// LZF block as h5py writes it. imagecodecs `imagecodecs_lzf`, HDF5 filter 32000.
    Lzf,
    /// bzip2 stream. numcodecs `bz2`, HDF5 filter 307.
    Bzip2 {
        /// Compression level; of no consequence for decoding.
        level: i32,
    },
    /// LZ4 block behind a little-endian 32-bit decoded length. numcodecs `lz4`.
    Lz4 {
        /// Acceleration factor; of no consequence for decoding.
        acceleration: i32,
    },
    /// LZ4 blocks behind HDF5's big-endian headers. imagecodecs `imagecodecs_lz4h5`, HDF5 filter 32004.
    Lz4Hdf5 {
        /// Block size in bytes, 0 for the default of 1 GiB.
        block_size: usize,
    },
    /// Bit shuffle, with or without a compressor inside, as HDF5 filter 32008 writes it.
    BitshuffleHdf5 {
        /// Bytes of one element.
        element_size: usize,
        /// Elements of one block, 0 for automatic.
        block_size: usize,
        /// 0 none, 2 LZ4, 3 Zstandard.
        compression: u32,
    },
    /// Integers, or floating-point numbers rounded to decimals, as their distance from the smallest in as few bits as
    /// the chunk needs. HDF5 filter 6; numcodecs has none.
    ScaleOffsetHdf5 {
        /// Elements of one chunk.
        element_count: usize,
        /// Bytes of one element: 1, 2, 4 or 8.
        element_size: usize,
        /// Byte order of the elements.
        order: ByteOrder,
        /// Digits kept after the decimal point of floating-point numbers; `None` for integers.
        decimals: Option<i32>,
        /// The bits of the fill value, which has a code of its own, if the dataset has one.
        fill: Option<u64>,
    },
    /// The significant bits of every number, and no others. HDF5 filter 5; numcodecs has none.
    NbitHdf5 {
        /// The values of the filter as the file has them; they describe the datatype as a tree.
        values: Vec<u32>,
    },
    /// Adaptive entropy coding (CCSDS 121.0-B) as the szip library frames it. HDF5 filter 4; numcodecs has none.
    SzipHdf5 {
        /// The library's options, one to a bit.
        options: u32,
        /// Samples coded together.
        pixels_per_block: u32,
        /// Bits of one sample.
        bits_per_pixel: u32,
        /// Samples between two reference samples.
        pixels_per_scanline: u32,
    },
    /// Integers of which only some bits count: HDF5's precision and bit offset. Decoding moves those bits to the low end
    /// and extends the sign. numcodecs has none.
    IntegerBitsHdf5 {
        /// Bytes of one element, at most 8.
        element_size: usize,
        /// Byte order of the elements.
        order: ByteOrder,
        /// Number of the lowest bit that counts.
        bit_offset: u32,
        /// Number of bits that count.
        precision: u32,
        /// Whether the highest of them is a sign.
        signed: bool,
    },
    /// CRC-32C in the last four bytes. numcodecs `crc32c`, Zarr v3 `crc32c`.
    Crc32c,
    /// Variable-length UTF-8 strings in one buffer: element count, then length and bytes of each. numcodecs `vlen-utf8`.
    VlenUtf8,
    /// Variable-length byte strings in the same framing. numcodecs `vlen-bytes`.
    VlenBytes,
    /// Changes no byte, and stands before all others: a reader has to know that the attributes which say what the
    /// elements mean (packing, missing values) hold each for a part of one axis. Files of different packing are joined
    /// so. numcodecs has none, so that other readers refuse what they would read wrong.
    AttributesByPart {
        /// The axis.
        axis: usize,
    },
}

impl CodecSpec {
    /// Which codec it is, without its parameters.
    #[must_use]
    pub fn kind(&self) -> CodecKind {
        match self {
            Self::Shuffle { .. } => CodecKind::Shuffle,
            Self::Zlib { .. } => CodecKind::Zlib,
            Self::Gzip { .. } => CodecKind::Gzip,
            Self::Fletcher32 => CodecKind::Fletcher32,
            Self::Blosc { .. } => CodecKind::Blosc,
            Self::Zstd { .. } => CodecKind::Zstd,
            Self::Lzf => CodecKind::Lzf,
            Self::Bzip2 { .. } => CodecKind::Bzip2,
            Self::Lz4 { .. } => CodecKind::Lz4,
            Self::Lz4Hdf5 { .. } => CodecKind::Lz4Hdf5,
            Self::BitshuffleHdf5 { .. } => CodecKind::BitshuffleHdf5,
            Self::ScaleOffsetHdf5 { .. } => CodecKind::ScaleOffsetHdf5,
            Self::NbitHdf5 { .. } => CodecKind::NbitHdf5,
            Self::SzipHdf5 { .. } => CodecKind::SzipHdf5,
            Self::IntegerBitsHdf5 { .. } => CodecKind::IntegerBitsHdf5,
            Self::Crc32c => CodecKind::Crc32c,
            Self::VlenUtf8 => CodecKind::VlenUtf8,
            Self::VlenBytes => CodecKind::VlenBytes,
            Self::AttributesByPart { .. } => CodecKind::AttributesByPart,
        }
    }

    /// What is known of the codec whatever its parameters.
    #[must_use]
    pub fn facts(&self) -> CodecFacts {
        self.kind().facts()
    }

    /// A short name for people. It is not an identifier: several codecs share one with another framing in brackets.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.facts().name
    }

    /// What a decoder must know of the codec, as text: levels and block sizes do not matter to it.
    #[must_use]
    pub fn identity(&self) -> String {
        match self {
            Self::Shuffle { element_size } => format!("shuffle of {element_size} bytes"),
            Self::Zlib { .. } => "zlib".to_owned(),
            Self::Gzip { .. } => "gzip".to_owned(),
            Self::Blosc { .. } => "blosc".to_owned(),
            Self::Zstd { .. } => "zstd".to_owned(),
            Self::Bzip2 { .. } => "bzip2".to_owned(),
            Self::Lz4 { .. } => "lz4".to_owned(),
            Self::Lz4Hdf5 { .. } => "lz4 (HDF5)".to_owned(),
            Self::BitshuffleHdf5 { element_size, block_size, compression } => {
                format!(
                    "bitshuffle of {element_size} bytes in blocks of {block_size}, compression {compression}"
                )
            }
            Self::ScaleOffsetHdf5 { element_count, element_size, order, decimals, fill } => {
                let kind = decimals.map_or("integers".to_owned(), |decimals| format!("{decimals} decimals"));
                format!(
                    "scaleoffset of {element_count} × {element_size} bytes {order:?}, {kind}, fill value {fill:?}"
                )
            }
            Self::NbitHdf5 { values } => format!("nbit {values:?}"),
            Self::SzipHdf5 { options, pixels_per_block, bits_per_pixel, pixels_per_scanline } => format!(
                "szip of {bits_per_pixel} bits in blocks of {pixels_per_block} and lines of {pixels_per_scanline}, options {options}"
            ),
            Self::IntegerBitsHdf5 { element_size, order, bit_offset, precision, signed } => {
                let sign = if *signed { "signed" } else { "unsigned" };
                format!("{precision} bits from bit {bit_offset} of {element_size} bytes {order:?}, {sign}")
            }
            Self::Fletcher32 => "fletcher32".to_owned(),
            Self::Lzf => "lzf".to_owned(),
            Self::Crc32c => "crc32c".to_owned(),
            Self::VlenUtf8 => "vlen-utf8".to_owned(),
            Self::VlenBytes => "vlen-bytes".to_owned(),
            Self::AttributesByPart { axis } => format!("attributes by part of axis {axis}"),
        }
    }

    /// The codec that undoes the HDF5 filter `kind` with the client data `values`; `element_size` is that of a stored
    /// element. `None` if the filter leaves the bytes as they are.
    ///
    /// Spec: HDF5 File Format 3.0, IV.A.2.l, and the registry at
    /// <https://github.com/HDFGroup/hdf5_plugins/blob/master/docs/RegisteredFilterPlugins.md>.
    ///
    /// # Errors
    ///
    /// What is wrong with the values, as it follows the name of the filter in a sentence.
    pub fn of_hdf5_filter(
        kind: CodecKind,
        values: &[u32],
        element_size: u64,
    ) -> Result<Option<Self>, String> {
        let value = |index: usize| values.get(index).copied();
        let small = |index: usize, default: i32| {
            value(index).map_or(default, |value| i32::try_from(value).unwrap_or(default))
        };
        let size = |index: usize, default: u64| {
            usize::try_from(value(index).map_or(default, u64::from))
                .map_err(|_| "with an odd size".to_owned())
        };
        Ok(Some(match kind {
            CodecKind::Shuffle => Self::Shuffle { element_size: size(0, element_size)? },
            CodecKind::Zlib => Self::Zlib { level: small(0, 6) },
            CodecKind::Fletcher32 => Self::Fletcher32,
            CodecKind::Blosc => hdf5_values::blosc(values)?,
            CodecKind::Zstd => Self::Zstd { level: small(0, 3), checksum: false },
            CodecKind::Lzf => Self::Lzf,
            CodecKind::Bzip2 => Self::Bzip2 { level: small(0, 9) },
            CodecKind::Lz4Hdf5 => Self::Lz4Hdf5 { block_size: size(0, 0)? },
            // Two words of version, then element size, block size and compressor.
            CodecKind::BitshuffleHdf5 => Self::BitshuffleHdf5 {
                element_size: size(2, element_size)?,
                block_size: size(3, 0)?,
                compression: value(4).unwrap_or(0),
            },
            CodecKind::ScaleOffsetHdf5 => return hdf5_values::scale_offset(values),
            // The second value says that every bit counts.
            CodecKind::NbitHdf5 if value(1) == Some(1) => return Ok(None),
            CodecKind::NbitHdf5 => Self::NbitHdf5 { values: values.to_vec() },
            // Options, samples of a block, bits of a sample, samples of a scanline.
            CodecKind::SzipHdf5 => match *values {
                [options, pixels_per_block, bits_per_pixel, pixels_per_scanline, ..] => {
                    Self::SzipHdf5 { options, pixels_per_block, bits_per_pixel, pixels_per_scanline }
                }
                _ => return Err(format!("with {} values of 4", values.len())),
            },
            CodecKind::Gzip
            | CodecKind::Lz4
            | CodecKind::IntegerBitsHdf5
            | CodecKind::Crc32c
            | CodecKind::VlenUtf8
            | CodecKind::VlenBytes
            | CodecKind::AttributesByPart => return Err("that HDF5 does not have".to_owned()),
        }))
    }
}

/// Declares the kinds together with the list of all of them, so that the list cannot miss one.
macro_rules! kinds {
    ($($kind:ident),* $(,)?) => {
        /// A codec without its parameters; [`CodecSpec`](crate::CodecSpec) has a variant of the same name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the variants of `CodecSpec` say what they are")]
        pub enum CodecKind {
            $($kind),*
        }

        impl CodecKind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];
        }
    };
}

kinds! {
    Shuffle, Zlib, Gzip, Fletcher32, Blosc, Zstd, Lzf, Bzip2, Lz4, Lz4Hdf5, BitshuffleHdf5, ScaleOffsetHdf5, NbitHdf5, SzipHdf5, IntegerBitsHdf5, Crc32c, VlenUtf8, VlenBytes, AttributesByPart,
}

/// What is known of a codec whatever its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodecFacts {
    /// A short name for people.
    pub name: &'static str,
    /// Number of the HDF5 filter that encodes so.
    pub hdf5_filter: Option<u16>,
    /// Id in kerchunk references and Zarr v2 metadata: of numcodecs, of imagecodecs, or our own.
    pub numcodecs: &'static str,
    /// Name in Zarr v3 metadata.
    pub zarr_v3: &'static str,
    /// Who can undo it.
    pub readers: Readers,
    /// How many bytes it yields.
    pub encoded: EncodedLength,
}

/// Who can undo a codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Whoever has numcodecs.
    Numcodecs,
    /// Whoever has imagecodecs.
    Imagecodecs,
    /// Only rangefold. The codec has an id of our own, which other readers refuse by name.
    Rangefold,
}

/// How many bytes a codec makes of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodedLength {
    /// As many.
    Same,
    /// So many more.
    Longer(usize),
    /// Any number, but not much more.
    Bounded,
    /// The input is strings; nothing is known of their length.
    Strings,
}

impl CodecKind {
    /// The row of the codec.
    #[must_use]
    pub fn facts(self) -> CodecFacts {
        use EncodedLength::{Bounded, Longer, Same, Strings};
        use Readers::{Imagecodecs, Numcodecs, Rangefold};
        let row = |name, hdf5_filter, numcodecs, zarr_v3, readers, encoded| CodecFacts {
            name,
            hdf5_filter,
            numcodecs,
            zarr_v3,
            readers,
            encoded,
        };
        match self {
            Self::Shuffle => row("shuffle", Some(2), "shuffle", "numcodecs.shuffle", Numcodecs, Same),
            Self::Zlib => row("zlib", Some(1), "zlib", "numcodecs.zlib", Numcodecs, Bounded),
            Self::Gzip => row("gzip", None, "gzip", "gzip", Numcodecs, Bounded),
            Self::Fletcher32 => {
                row("fletcher32", Some(3), "fletcher32", "numcodecs.fletcher32", Numcodecs, Longer(4))
            }
            Self::Blosc => row("blosc", Some(32001), "blosc", "blosc", Numcodecs, Bounded),
            Self::Zstd => row("zstd", Some(32015), "zstd", "zstd", Numcodecs, Bounded),
            Self::Lzf => row("lzf", Some(32000), "imagecodecs_lzf", "imagecodecs_lzf", Imagecodecs, Bounded),
            Self::Bzip2 => row("bz2", Some(307), "bz2", "numcodecs.bz2", Numcodecs, Bounded),
            Self::Lz4 => row("lz4", None, "lz4", "numcodecs.lz4", Numcodecs, Bounded),
            Self::Lz4Hdf5 => {
                row("lz4 (HDF5)", Some(32004), "imagecodecs_lz4h5", "imagecodecs_lz4h5", Imagecodecs, Bounded)
            }
            Self::BitshuffleHdf5 => row(
                "bitshuffle (HDF5)",
                Some(32008),
                "rangefold_bitshuffle_hdf5",
                "rangefold_bitshuffle_hdf5",
                Rangefold,
                Bounded,
            ),
            Self::ScaleOffsetHdf5 => row(
                "scaleoffset (HDF5)",
                Some(6),
                "rangefold_hdf5_scaleoffset",
                "rangefold_hdf5_scaleoffset",
                Rangefold,
                Bounded,
            ),
            Self::NbitHdf5 => {
                row("nbit (HDF5)", Some(5), "rangefold_hdf5_nbit", "rangefold_hdf5_nbit", Rangefold, Bounded)
            }
            Self::SzipHdf5 => {
                row("szip (HDF5)", Some(4), "rangefold_hdf5_szip", "rangefold_hdf5_szip", Rangefold, Bounded)
            }
            Self::IntegerBitsHdf5 => row(
                "bits of integers (HDF5)",
                None,
                "rangefold_hdf5_integer",
                "rangefold_hdf5_integer",
                Rangefold,
                Same,
            ),
            Self::Crc32c => row("crc32c", None, "crc32c", "crc32c", Numcodecs, Longer(4)),
            Self::VlenUtf8 => row("vlen-utf8", None, "vlen-utf8", "vlen-utf8", Numcodecs, Strings),
            Self::VlenBytes => row("vlen-bytes", None, "vlen-bytes", "vlen-bytes", Numcodecs, Strings),
            Self::AttributesByPart => row(
                "attributes by part",
                None,
                "rangefold_attributes_by_part",
                "rangefold_attributes_by_part",
                Rangefold,
                Same,
            ),
        }
    }

    /// The codec with this id in kerchunk references and Zarr v2 metadata. imagecodecs has some of numcodecs' under names
    /// of its own.
    #[must_use]
    pub fn of_numcodecs(id: &str) -> Option<Self> {
        let id = match id {
            "imagecodecs_zlib" => "zlib",
            "imagecodecs_zstd" => "zstd",
            "imagecodecs_bitshuffle" => Self::BitshuffleHdf5.facts().numcodecs,
            id => id,
        };
        Self::ALL.iter().copied().find(|kind| kind.facts().numcodecs == id)
    }

    /// The codec that undoes the HDF5 filter of this number.
    #[must_use]
    pub fn of_hdf5_filter(id: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.facts().hdf5_filter == Some(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_codecs_share_a_name_an_id_or_a_filter() {
        for (i, a) in CodecKind::ALL.iter().enumerate() {
            assert_eq!(CodecKind::of_numcodecs(a.facts().numcodecs), Some(*a));
            for b in &CodecKind::ALL[i + 1..] {
                let (a, b) = (a.facts(), b.facts());
                assert_ne!(a.name, b.name);
                assert_ne!(a.zarr_v3, b.zarr_v3);
                assert!(a.hdf5_filter.is_none() || a.hdf5_filter != b.hdf5_filter, "{a:?}, {b:?}");
            }
        }
    }

    #[test]
    fn codecs_that_only_rangefold_reads_have_an_id_of_its_own() {
        for facts in CodecKind::ALL.iter().map(|kind| kind.facts()) {
            let own = facts.numcodecs.starts_with("rangefold_");
            assert_eq!(own, facts.readers == Readers::Rangefold, "{facts:?}");
            let images = facts.numcodecs.starts_with("imagecodecs_");
            assert_eq!(images, facts.readers == Readers::Imagecodecs, "{facts:?}");
        }
    }
}
