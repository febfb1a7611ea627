//! bzip2 streams.

use bzip2::bufread::MultiBzDecoder;

use crate::Problem;
use crate::want::{Want, read_to_end};

/// Decodes bzip2 streams up to the end of `input`.
pub(crate) fn decode(input: &[u8], want: Want, out: &mut Vec<u8>) -> Result<(), Problem> {
    read_to_end(MultiBzDecoder::new(input), input.len(), want, out)
}
