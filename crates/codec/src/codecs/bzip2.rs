//! bzip2 streams.

use std::io::Write as _;

use bzip2::Compression;
use bzip2::bufread::MultiBzDecoder;
use bzip2::write::BzEncoder;

use crate::Problem;
use crate::want::{Want, read_to_end};

/// Decodes bzip2 streams up to the end of `input`.
pub(crate) fn decode(input: &[u8], want: Want, out: &mut Vec<u8>) -> Result<(), Problem> {
    read_to_end(MultiBzDecoder::new(input), input.len(), want, out)
}

/// Encodes one stream.
pub(crate) fn encode(input: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = BzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(input).ok()?;
    encoder.finish().ok()
}
