//! Compressed documents, recognised by their first bytes.

use std::borrow::Cow;
use std::io::{Read, Write as _};

use crate::RefsError;

/// The text behind `bytes`: themselves unless they start as a gzip member or a Zstandard frame does.
///
/// # Errors
///
/// [`RefsError::Syntax`] if they do but cannot be decompressed, [`RefsError::Limit`] if there are more than `limit`
/// bytes behind them.
pub fn decompress(bytes: &[u8], limit: u64) -> Result<Cow<'_, [u8]>, RefsError> {
    match bytes {
        [0x1f, 0x8b, ..] => bounded("gzip", flate2::read::MultiGzDecoder::new(bytes), limit),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let decoder = zstd::stream::read::Decoder::with_buffer(bytes);
            bounded("Zstandard", decoder.map_err(|error| syntax("Zstandard", &error))?, limit)
        }
        _ => Ok(Cow::Borrowed(bytes)),
    }
}

/// How a document is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// A gzip member.
    Gzip,
    /// A Zstandard frame.
    Zstandard,
}

/// Level of Zstandard: its default.
const ZSTANDARD_LEVEL: i32 = 3;

/// `bytes`, compressed.
///
/// # Errors
///
/// [`RefsError::Syntax`] with what the encoder said.
pub fn compress(bytes: &[u8], compression: Compression) -> Result<Vec<u8>, RefsError> {
    match compression {
        Compression::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            let encoded = encoder.write_all(bytes).and_then(|()| encoder.finish());
            encoded.map_err(|error| syntax("gzip", &error))
        }
        Compression::Zstandard => {
            zstd::stream::encode_all(bytes, ZSTANDARD_LEVEL).map_err(|error| syntax("Zstandard", &error))
        }
    }
}

fn bounded(expected: &'static str, decoder: impl Read, limit: u64) -> Result<Cow<'static, [u8]>, RefsError> {
    let mut out = Vec::new();
    decoder.take(limit.saturating_add(1)).read_to_end(&mut out).map_err(|error| syntax(expected, &error))?;
    if out.len() as u64 > limit {
        return Err(RefsError::Limit { what: "the decompressed length", limit });
    }
    Ok(Cow::Owned(out))
}

fn syntax(expected: &'static str, error: &std::io::Error) -> RefsError {
    RefsError::Syntax { expected, problem: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compressed(text: &[u8]) -> [Vec<u8>; 2] {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text).unwrap();
        [gzip.finish().unwrap(), zstd::stream::encode_all(text, 1).unwrap()]
    }

    #[test]
    fn gzip_and_zstandard_are_recognised_and_other_bytes_are_left_alone() {
        for bytes in compressed(b"{\"version\":1}") {
            assert_eq!(&*decompress(&bytes, 100).unwrap(), b"{\"version\":1}");
        }
        assert!(matches!(decompress(b"{}", 100), Ok(Cow::Borrowed(b"{}"))));
    }

    #[test]
    fn more_bytes_than_the_limit_and_broken_streams_are_refused() {
        for bytes in compressed(&[0; 100_000]) {
            assert_eq!(decompress(&bytes, 100_000).unwrap().len(), 100_000);
            assert_eq!(
                decompress(&bytes, 99_999),
                Err(RefsError::Limit { what: "the decompressed length", limit: 99_999 })
            );
            let cut = bytes.get(..bytes.len() / 2).unwrap();
            assert!(matches!(decompress(cut, 100_000), Err(RefsError::Syntax { .. })));
        }
    }
}
