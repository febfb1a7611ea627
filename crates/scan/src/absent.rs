//! Chunks that are not stored: by a fill value, or written out where none says what they hold.

use bytes::Bytes;
use rangefold_array::{CodecSpec, DataType, FillValue};

use crate::budget::Budget;
use crate::element::to_little_endian;
use crate::fill::{Fills, NeedsChunks};

/// Encoded bytes of the chunks of one variable that are written out because no fill value says what they hold.
const ABSENT_LEN_MAX: u64 = 256 << 10;

/// Decoded bytes of one such chunk.
const CHUNK_LEN_MAX: u64 = 16 << 20;

/// What a chunk is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chunk<'a> {
    /// Type of its elements.
    pub(crate) data_type: &'a DataType,
    /// How it is encoded.
    pub(crate) codecs: &'a [CodecSpec],
    /// Decoded bytes.
    pub(crate) len: u64,
}

/// How chunks are said that are not stored.
#[derive(Debug)]
pub(crate) struct Said {
    /// The fill value of the array.
    pub(crate) fill_value: Option<FillValue>,
    /// The bytes of each of the chunks, if they must be written out.
    pub(crate) chunk: Option<Bytes>,
    /// What a reader should know.
    pub(crate) note: Option<&'static str>,
}

/// Says that `count` chunks hold nothing but `absent`, an element in little-endian order. `None` if there is no such chunk.
///
/// # Errors
///
/// The reason, if that can be said in no way.
pub(crate) fn say(
    fills: &Fills,
    absent: Option<&[u8]>,
    count: u64,
    chunk: Chunk<'_>,
    budget: &Budget,
) -> Result<Said, String> {
    let needs = match fills.zarr(chunk.data_type, absent) {
        Ok(fill_value) => return Ok(Said { fill_value, chunk: None, note: None }),
        Err(needs) => needs,
    };
    let element = absent.unwrap_or_default();
    if let Some(bytes) = written_out(element, count, chunk, budget) {
        let fill_value = fills.zarr(chunk.data_type, None).ok().flatten();
        return Ok(Said { fill_value, chunk: Some(bytes), note: None });
    }
    let note = match needs {
        NeedsChunks::OrMasks => {
            "it has no _FillValue, but readers take the fill value of its absent chunks for one"
        }
        NeedsChunks::OrLosesBits => {
            "its absent chunks hold NaN with bits that Zarr's metadata cannot say; they read as another NaN"
        }
        NeedsChunks::OrHidesMark => {
            "xarray does not see its _FillValue, because its absent chunks hold something else"
        }
        NeedsChunks::Always => {
            return Err(format!(
                "{count} chunks are not stored, and their fill value differs from its _FillValue"
            ));
        }
    };
    Ok(Said { fill_value: Some(FillValue(element.to_vec())), chunk: None, note: Some(note) })
}

/// An absent chunk, encoded, if `count` of them are little enough.
fn written_out(element: &[u8], count: u64, chunk: Chunk<'_>, budget: &Budget) -> Option<Bytes> {
    if chunk.len > CHUNK_LEN_MAX || count > ABSENT_LEN_MAX {
        return None;
    }
    let mut element = element.to_vec();
    to_little_endian(&mut element, chunk.data_type);
    let decoded = element.repeat(usize::try_from(chunk.len).ok()?.checked_div(element.len())?);
    let encoded = rangefold_codec::encode(chunk.codecs, &decoded).ok()?;
    let total = u64::try_from(encoded.len()).ok()?.checked_mul(count)?;
    (total <= ABSENT_LEN_MAX && budget.take(total)).then(|| encoded.into())
}
