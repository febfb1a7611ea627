//! Encoding, for the few chunks a file stores differently from the others of their array.
//!
//! HDF5 may leave out a filter of a single chunk (its filter mask says so). Such a chunk is decoded once by its own
//! pipeline, encoded by that of its array, and stored inline.

use rangefold_array::CodecSpec;

use crate::codecs;

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
        codecs::encode(codec, &input).ok_or(EncodeError::Refused { codec: codec.name(), length: input.len() })
    })
}
