//! How many bytes a stage must yield, and the room for them.

use std::io::Read;

use rangefold_array::{CodecSpec, EncodedLength};

use crate::Problem;

/// How many bytes a stage must yield.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Just as many.
    Exactly(usize),
    /// No more; how many is only known to the writer, because another compressor or strings lie below.
    AtMost(usize),
}

/// No compressor makes data longer than this factor ...
const EXPANSION_FACTOR: usize = 2;
/// ... and this many bytes for headers.
const EXPANSION_BYTES: usize = 64 * 1024;

impl Want {
    /// The most bytes that are acceptable.
    pub(crate) fn limit(self) -> usize {
        match self {
            Self::Exactly(length) | Self::AtMost(length) => length,
        }
    }

    /// Room to begin with for what `input_len` bytes decode to: all of it if it is known, else a usual ratio.
    pub(crate) fn first_guess(self, input_len: usize) -> usize {
        match self {
            Self::Exactly(length) => length,
            Self::AtMost(limit) => limit.min(input_len.saturating_mul(4).max(EXPANSION_BYTES)),
        }
    }

    /// Before memory is taken: whether `input_len` bytes can decode to what is wanted, if one encoded byte stands for
    /// `expansion_max` bytes at the most.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`] if not.
    pub(crate) fn check_plausible(self, input_len: usize, expansion_max: usize) -> Result<(), Problem> {
        match self {
            Self::Exactly(length) if length / expansion_max > input_len => {
                Err(Problem::Truncated { needed: length / expansion_max, available: input_len })
            }
            _ => Ok(()),
        }
    }

    /// # Errors
    ///
    /// [`Problem::Length`] or [`Problem::Overflow`] if `found` bytes are not what is wanted.
    pub(crate) fn check(self, found: usize) -> Result<(), Problem> {
        match self {
            Self::Exactly(expected) if found != expected => Err(Problem::Length { expected, found }),
            Self::AtMost(limit) if found > limit => Err(Problem::Overflow { limit }),
            _ => Ok(()),
        }
    }

    /// What the stages after `codec` yield, if it is fed as many bytes as this.
    pub(crate) fn encoded_by(self, codec: &CodecSpec) -> Self {
        let encoded = match codec {
            CodecSpec::BitshuffleHdf5 { compression: 0, .. } => EncodedLength::Same,
            codec => codec.facts().encoded,
        };
        match (encoded, self) {
            (EncodedLength::Same, want) => want,
            (EncodedLength::Longer(more), Self::Exactly(length)) => {
                Self::Exactly(length.saturating_add(more))
            }
            (EncodedLength::Longer(more), Self::AtMost(length)) => Self::AtMost(length.saturating_add(more)),
            // The limit of a pipeline that ends in strings is that of their frame.
            (EncodedLength::Strings, want) => Self::AtMost(want.limit()),
            (EncodedLength::Bounded, want) => {
                Self::AtMost(want.limit().saturating_mul(EXPANSION_FACTOR).saturating_add(EXPANSION_BYTES))
            }
        }
    }
}

/// Gives `out` a length without caring what is in it.
pub(crate) fn room(out: &mut Vec<u8>, length: usize) -> Result<&mut [u8], Problem> {
    out.try_reserve_exact(length.saturating_sub(out.len())).map_err(|_| Problem::Memory { length })?;
    out.resize(length, 0);
    Ok(out)
}

/// Empties `out` and makes room to append `length` bytes.
pub(crate) fn emptied(out: &mut Vec<u8>, length: usize) -> Result<(), Problem> {
    out.clear();
    out.try_reserve_exact(length).map_err(|_| Problem::Memory { length })
}

/// Calls `decode` with as much room as is wanted. Where that is not known, the room doubles while it overflows.
///
/// # Errors
///
/// Those of `decode` and of [`Want::check`].
pub(crate) fn decode_into_room(
    want: Want,
    input_len: usize,
    out: &mut Vec<u8>,
    mut decode: impl FnMut(&mut [u8]) -> Result<usize, Problem>,
) -> Result<(), Problem> {
    let mut length = want.first_guess(input_len);
    loop {
        match decode(room(out, length)?) {
            Err(Problem::Overflow { .. }) if length < want.limit() => {
                length = length.saturating_mul(2).min(want.limit());
            }
            found => {
                let found = found?;
                want.check(found)?;
                out.truncate(found);
                return Ok(());
            }
        }
    }
}

/// Reads a decompressing `stream` to its end; `input_len` is its encoded length.
///
/// # Errors
///
/// [`Problem::Corrupt`] with the stream's own error, and those of [`Want::check`].
pub(crate) fn read_to_end(
    mut stream: impl Read,
    input_len: usize,
    want: Want,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let mut filled = 0;
    let mut length = want.first_guess(input_len);
    loop {
        let free = room(out, length)?.get_mut(filled..).unwrap_or_default();
        if free.is_empty() {
            if length == want.limit() {
                break;
            }
            length = length.saturating_mul(2).min(want.limit());
            continue;
        }
        match stream.read(free).map_err(Problem::corrupt)? {
            0 => break,
            n => filled += n,
        }
    }
    if filled == want.limit() && stream.read(&mut [0]).map_err(Problem::corrupt)? > 0 {
        return Err(Problem::Overflow { limit: want.limit() });
    }
    want.check(filled)?;
    out.truncate(filled);
    Ok(())
}

/// Cuts `length` bytes off the front of `rest`.
pub(crate) fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Problem> {
    let (head, tail) =
        rest.split_at_checked(length).ok_or(Problem::Truncated { needed: length, available: rest.len() })?;
    *rest = tail;
    Ok(head)
}

/// Cuts an array off the front of `rest`.
pub(crate) fn take_array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Problem> {
    let (head, tail) =
        rest.split_first_chunk::<N>().ok_or(Problem::Truncated { needed: N, available: rest.len() })?;
    *rest = tail;
    Ok(*head)
}
