//! What can be wrong with an encoded chunk.

/// A chunk cannot be decoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// There are no codecs and the chunk has another length than its array says.
    #[error("the chunk holds {found} bytes where {expected} are expected")]
    Length {
        /// Bytes of a decoded chunk of this array.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// One stage failed.
    #[error("codec {position} ({codec}) cannot be undone")]
    Stage {
        /// Place of the codec in the order of encoding, from 0.
        position: usize,
        /// Name of the codec, as numcodecs spells it.
        codec: &'static str,
        /// What is wrong.
        #[source]
        problem: Problem,
    },
    /// A pipeline that ends in strings was to be decoded as elements of fixed size, or the other way round.
    #[error("{codecs}")]
    Strings {
        /// Which of the two.
        codecs: &'static str,
    },
}

/// What is wrong with the bytes of one stage.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The stage yields another number of bytes than the stages before it put in.
    #[error("yields {found} bytes where {expected} are expected")]
    Length {
        /// Bytes the stage must yield.
        expected: usize,
        /// Bytes it yields.
        found: usize,
    },
    /// The stage yields more bytes than there is any use for; how many is not known.
    #[error("yields more than {limit} bytes")]
    Overflow {
        /// Bytes the stage may yield.
        limit: usize,
    },
    /// The input ends inside a structure, or cannot hold what it must yield.
    #[error("ends early: {needed} bytes are needed but {available} are there")]
    Truncated {
        /// Bytes the structure needs.
        needed: usize,
        /// Bytes that are there.
        available: usize,
    },
    /// A checksum does not agree with the data.
    #[error("stored checksum {stored:#010x} is not that of the data, {computed:#010x}")]
    Checksum {
        /// Checksum in the chunk.
        stored: u32,
        /// Checksum of the data.
        computed: u32,
    },
    /// The input breaks a rule of its format.
    #[error("{0}")]
    Malformed(&'static str),
    /// The decompressor refused the input.
    #[error("the stream is corrupt")]
    Corrupt(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The output would not fit in memory.
    #[error("{length} bytes of memory cannot be had")]
    Memory {
        /// Bytes asked for.
        length: usize,
    },
}

impl Problem {
    pub(crate) fn corrupt(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Corrupt(source.into())
    }
}
