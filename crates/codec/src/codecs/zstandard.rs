//! Zstandard frames (RFC 8878).

use zstd::zstd_safe::{DCtx, get_error_name};

use crate::Problem;
use crate::want::{Want, decode_into_room};

/// libzstd's code for "destination buffer is too small", as `ZSTD_getErrorCode` numbers it.
const DESTINATION_TOO_SMALL: usize = 0_usize.wrapping_sub(70);

/// A decompression context, made when first needed.
#[derive(Default)]
pub(crate) struct Zstd(Option<DCtx<'static>>);

impl Zstd {
    /// Decodes the frames of `input`, one after the other, and verifies their checksums where they carry one.
    pub(crate) fn decode(&mut self, input: &[u8], want: Want, out: &mut Vec<u8>) -> Result<(), Problem> {
        decode_into_room(want, input.len(), out, |buffer| self.decode_slice(input, buffer))
    }

    /// Decodes into the front of `out`, and says how many bytes that were.
    pub(crate) fn decode_slice(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize, Problem> {
        let context = match &mut self.0 {
            Some(context) => context,
            none => none
                .insert(DCtx::try_create().ok_or(Problem::Malformed("no memory for a Zstandard context"))?),
        };
        let limit = out.len();
        context.decompress(out, input).map_err(|code| match code {
            DESTINATION_TOO_SMALL => Problem::Overflow { limit },
            code => Problem::corrupt(get_error_name(code)),
        })
    }
}
