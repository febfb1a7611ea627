//! The pipeline: which stage reads which buffer.

use rangefold_array::CodecSpec;

use crate::codecs::{self, Undone};
use crate::want::Want;
use crate::{DecodeError, Problem};

/// Undoes codec pipelines, one chunk at a time.
///
/// Keeps its buffers and the state of its decompressors from one chunk to the next. It is cheap to make and meant
/// to be kept by one thread.
#[derive(Default)]
pub struct Decoder {
    /// Output of the latest stage that moved bytes.
    front: Vec<u8>,
    /// Where the next one writes.
    back: Vec<u8>,
    state: codecs::State,
}

/// Where the bytes are between two stages.
#[derive(Clone, Copy)]
enum Place {
    /// Still in the input.
    Encoded,
    /// In `front`.
    Front,
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("scratch", &(self.front.capacity() + self.back.capacity())).finish()
    }
}

impl Decoder {
    /// A decoder without buffers; the first chunk makes them.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Undoes `codecs` (in the order of encoding) on `encoded`, which must yield `decoded_len` bytes.
    ///
    /// The bytes are in the element type's own byte order. They lie in the decoder until its next use, or in
    /// `encoded` where nothing had to be moved.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Length`] or [`DecodeError::Stage`] if the input is not an encoding of `decoded_len` bytes,
    /// [`DecodeError::Strings`] if the pipeline ends in strings.
    pub fn decode<'a>(
        &'a mut self,
        codecs: &[CodecSpec],
        encoded: &'a [u8],
        decoded_len: usize,
    ) -> Result<&'a [u8], DecodeError> {
        let (place, length) = self.run_elements(codecs, encoded, decoded_len)?;
        Ok(self.bytes(place, length, encoded))
    }

    /// As [`Decoder::decode`], into a vector that is given up to the caller. What was in `out` is lost.
    ///
    /// # Errors
    ///
    /// As [`Decoder::decode`].
    pub fn decode_into(
        &mut self,
        codecs: &[CodecSpec],
        encoded: &[u8],
        decoded_len: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        let (place, length) = self.run_elements(codecs, encoded, decoded_len)?;
        match place {
            Place::Front => {
                std::mem::swap(&mut self.front, out);
                out.truncate(length);
            }
            Place::Encoded => {
                out.clear();
                out.extend_from_slice(self.bytes(place, length, encoded));
            }
        }
        Ok(())
    }

    /// Undoes a pipeline that begins with [`CodecSpec::VlenUtf8`] or [`CodecSpec::VlenBytes`], up to that frame,
    /// which may be `limit` bytes long; [`strings`](crate::strings) cuts it up.
    ///
    /// # Errors
    ///
    /// As [`Decoder::decode`]; [`DecodeError::Strings`] if the pipeline does not end in strings.
    pub fn decode_strings<'a>(
        &'a mut self,
        codecs: &[CodecSpec],
        encoded: &'a [u8],
        limit: usize,
    ) -> Result<&'a [u8], DecodeError> {
        if !matches!(codecs.first(), Some(CodecSpec::VlenUtf8 | CodecSpec::VlenBytes)) {
            return Err(DecodeError::Strings { codecs: "the codecs do not end in strings of any length" });
        }
        let (place, length) = self.run(codecs, encoded, Want::AtMost(limit))?;
        Ok(self.bytes(place, length, encoded))
    }

    fn run_elements(
        &mut self,
        codecs: &[CodecSpec],
        encoded: &[u8],
        decoded_len: usize,
    ) -> Result<(Place, usize), DecodeError> {
        if matches!(codecs.first(), Some(CodecSpec::VlenUtf8 | CodecSpec::VlenBytes)) {
            return Err(DecodeError::Strings { codecs: "the codecs end in strings of any length" });
        }
        if codecs.is_empty() && encoded.len() != decoded_len {
            return Err(DecodeError::Length { expected: decoded_len, found: encoded.len() });
        }
        self.run(codecs, encoded, Want::Exactly(decoded_len))
    }

    fn run(
        &mut self,
        codecs: &[CodecSpec],
        encoded: &[u8],
        want: Want,
    ) -> Result<(Place, usize), DecodeError> {
        let mut place = Place::Encoded;
        let mut length = encoded.len();
        for (position, codec) in codecs.iter().enumerate().rev() {
            let want = codecs.iter().take(position).fold(want, |want, below| want.encoded_by(below));
            (place, length) = self
                .stage(codec, encoded, place, length, want)
                .map_err(|problem| DecodeError::Stage { position, codec: codec.name(), problem })?;
        }
        Ok((place, length))
    }

    /// Undoes one codec on the `length` bytes at `place`.
    fn stage(
        &mut self,
        codec: &CodecSpec,
        encoded: &[u8],
        place: Place,
        length: usize,
        want: Want,
    ) -> Result<(Place, usize), Problem> {
        let Self { front, back, state } = self;
        let input = match place {
            Place::Encoded => encoded,
            Place::Front => front.as_slice(),
        };
        let input = input.get(..length).unwrap_or_default();
        match codecs::decode(codec, input, want, state, back)? {
            Undone::InPlace(kept) => Ok((place, kept)),
            Undone::Written => {
                std::mem::swap(front, back);
                Ok((Place::Front, front.len()))
            }
        }
    }

    fn bytes<'a>(&'a self, place: Place, length: usize, encoded: &'a [u8]) -> &'a [u8] {
        let all = match place {
            Place::Encoded => encoded,
            Place::Front => self.front.as_slice(),
        };
        all.get(..length).unwrap_or_default()
    }
}
