//! Strings of any length in one buffer, as numcodecs frames them.
//!
//! ```text
//! count u32 LE | ( length u32 LE | bytes )…
//! ```

use crate::want::{take, take_array};
use crate::{DecodeError, Problem};

/// Bytes of a count or a length.
const WORD_LEN: usize = 4;

/// Cuts the frame of `vlen-utf8` or `vlen-bytes` into its strings; whether they are UTF-8 is for the caller to ask.
///
/// # Errors
///
/// [`DecodeError::Stage`] if the frame ends early or goes on after the last string.
pub fn strings(frame: &[u8]) -> Result<Vec<&[u8]>, DecodeError> {
    cut(frame).map_err(|problem| DecodeError::Stage { position: 0, codec: "vlen", problem })
}

fn cut(mut rest: &[u8]) -> Result<Vec<&[u8]>, Problem> {
    let count = word(&mut rest)?;
    let needed = count.saturating_mul(WORD_LEN);
    if needed > rest.len() {
        return Err(Problem::Truncated { needed, available: rest.len() });
    }
    let mut strings = Vec::with_capacity(count);
    for _ in 0..count {
        let length = word(&mut rest)?;
        strings.push(take(&mut rest, length)?);
    }
    if rest.is_empty() { Ok(strings) } else { Err(Problem::Malformed("bytes follow the last string")) }
}

fn word(rest: &mut &[u8]) -> Result<usize, Problem> {
    Ok(usize::try_from(u32::from_le_bytes(take_array(rest)?)).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_come_back_in_order_empty_ones_too() {
        let frame = b"\x03\0\0\0\x02\0\0\0ab\0\0\0\0\x01\0\0\0c";
        assert_eq!(strings(frame).unwrap(), [b"ab".as_slice(), b"", b"c"]);
    }

    #[test]
    fn a_count_or_length_past_the_end_is_refused_before_memory_is_taken() {
        for frame in [b"\xff\xff\xff\xff".as_slice(), b"\x01\0\0\0\xff\xff\xff\xffa", b"\x01\0", b"\0\0\0\0x"]
        {
            assert!(strings(frame).is_err(), "{frame:?}");
        }
    }
}
