//! zlib (RFC 1950) and gzip (RFC 1952).

use libdeflater::{CompressionError, CompressionLvl, Compressor, DecompressionError, Decompressor};

use crate::Problem;
use crate::want::{Want, decode_into_room, read_to_end};

/// A match of 258 bytes takes two bits at least.
const EXPANSION_MAX: usize = 1032;

/// libdeflate's decompressor, made once.
pub(crate) struct Inflate(Decompressor);

impl Default for Inflate {
    fn default() -> Self {
        Self(Decompressor::new())
    }
}

impl Inflate {
    /// Decodes one zlib stream and verifies its Adler-32.
    pub(crate) fn zlib(&mut self, input: &[u8], want: Want, out: &mut Vec<u8>) -> Result<(), Problem> {
        want.check_plausible(input.len(), EXPANSION_MAX)?;
        decode_into_room(want, input.len(), out, |buffer| self.zlib_slice(input, buffer))
    }

    /// Decodes one zlib stream into the front of `out`, and says how many bytes that were.
    pub(crate) fn zlib_slice(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize, Problem> {
        let limit = out.len();
        self.0.zlib_decompress(input, out).map_err(|error| match error {
            DecompressionError::InsufficientSpace => Problem::Overflow { limit },
            DecompressionError::BadData => Problem::corrupt(error),
        })
    }
}

/// Decodes gzip members up to the end of `input`. libdeflate does not tell where a member ends, so this is flate2's work.
pub(crate) fn gzip(input: &[u8], want: Want, out: &mut Vec<u8>) -> Result<(), Problem> {
    want.check_plausible(input.len(), EXPANSION_MAX)?;
    read_to_end(flate2::bufread::MultiGzDecoder::new(input), input.len(), want, out)
}

/// Encodes one zlib stream.
pub(crate) fn encode_zlib(level: i32, input: &[u8]) -> Option<Vec<u8>> {
    compress(level, input, Compressor::zlib_compress_bound, Compressor::zlib_compress)
}

/// Encodes one gzip member.
pub(crate) fn encode_gzip(level: i32, input: &[u8]) -> Option<Vec<u8>> {
    compress(level, input, Compressor::gzip_compress_bound, Compressor::gzip_compress)
}

/// libdeflate behind either header. Levels libdeflate does not know, such as zlib's -1, become its default.
fn compress(
    level: i32,
    input: &[u8],
    bound: fn(&mut Compressor, usize) -> usize,
    run: impl Fn(&mut Compressor, &[u8], &mut [u8]) -> Result<usize, CompressionError>,
) -> Option<Vec<u8>> {
    let mut compressor = Compressor::new(CompressionLvl::new(level).unwrap_or_default());
    let mut out = vec![0; bound(&mut compressor, input.len())];
    let length = run(&mut compressor, input, &mut out).ok()?;
    out.truncate(length);
    Some(out)
}
