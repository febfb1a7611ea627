//! Descriptions of the stages of a chunk's encoding.

use crate::ByteOrder;

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
    /// A short name for people. It is no identifier: several codecs share one with another framing in brackets.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Shuffle { .. } => "shuffle",
            Self::Zlib { .. } => "zlib",
            Self::Gzip { .. } => "gzip",
            Self::Fletcher32 => "fletcher32",
            Self::Blosc { .. } => "blosc",
            Self::Zstd { .. } => "zstd",
            Self::Lzf => "lzf",
            Self::Bzip2 { .. } => "bz2",
            Self::Lz4 { .. } => "lz4",
            Self::Lz4Hdf5 { .. } => "lz4 (HDF5)",
            Self::BitshuffleHdf5 { .. } => "bitshuffle (HDF5)",
            Self::ScaleOffsetHdf5 { .. } => "scaleoffset (HDF5)",
            Self::NbitHdf5 { .. } => "nbit (HDF5)",
            Self::SzipHdf5 { .. } => "szip (HDF5)",
            Self::IntegerBitsHdf5 { .. } => "bits of integers (HDF5)",
            Self::Crc32c => "crc32c",
            Self::VlenUtf8 => "vlen-utf8",
            Self::VlenBytes => "vlen-bytes",
            Self::AttributesByPart { .. } => "attributes by part",
        }
    }
}

/// Compressor inside a Blosc frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BloscCompressor {
    /// BloscLZ.
    BloscLz,
    /// LZ4.
    Lz4,
    /// LZ4, high compression.
    Lz4Hc,
    /// Snappy.
    Snappy,
    /// zlib.
    Zlib,
    /// Zstandard.
    Zstd,
}

impl BloscCompressor {
    /// Blosc's own name, as in numcodecs' `cname`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BloscLz => "blosclz",
            Self::Lz4 => "lz4",
            Self::Lz4Hc => "lz4hc",
            Self::Snappy => "snappy",
            Self::Zlib => "zlib",
            Self::Zstd => "zstd",
        }
    }

    /// The compressor of this name, if it is one of Blosc's.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::BloscLz, Self::Lz4, Self::Lz4Hc, Self::Snappy, Self::Zlib, Self::Zstd]
            .into_iter()
            .find(|c| c.name() == name)
    }
}

/// Shuffle inside a Blosc frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BloscShuffle {
    /// None.
    None,
    /// Bytes.
    Byte,
    /// Bits.
    Bit,
    /// Bits for one-byte elements, bytes otherwise (numcodecs' -1).
    Auto,
}
