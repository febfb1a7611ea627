//! Parameters of a Blosc frame.

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
