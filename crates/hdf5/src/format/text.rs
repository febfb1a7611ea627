//! Names in a file.

use super::cursor::Cursor;
use crate::error::Problem;

/// A name as text. Bytes that are not UTF-8 are written `\xNN`, so different names stay different.
#[must_use]
pub fn name(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02X}"));
        }
    }
    text
}

/// The bytes before the first zero byte, or all of them.
#[must_use]
pub fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Takes a name that ends with a zero byte, and its padding to a multiple of `alignment` bytes.
///
/// # Errors
///
/// [`Problem::Malformed`] if there is no zero byte, [`Problem::Truncated`] if the padding is cut off.
pub fn take_name(cursor: &mut Cursor<'_>, alignment: usize) -> Result<String, Problem> {
    let rest = cursor.rest();
    let len = rest
        .iter()
        .position(|byte| *byte == 0)
        .ok_or_else(|| Problem::malformed("name does not end with a zero byte"))?;
    let stored = len.saturating_add(1).checked_next_multiple_of(alignment).unwrap_or(usize::MAX);
    let taken = cursor.take(stored)?;
    Ok(name(until_nul(taken)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_their_bytes_differ_as_text() {
        assert_eq!(name("temp\u{e9}rature".as_bytes()), "temp\u{e9}rature");
        assert_eq!(name(b"temp\xe9"), "temp\\xE9");
        assert_ne!(name(b"\xe9"), name(b"\xe8"));
    }

    #[test]
    fn a_name_is_taken_with_its_padding() {
        let mut cursor = Cursor::new(b"abc\0\0\0\0\0x");
        assert_eq!(take_name(&mut cursor, 8).unwrap(), "abc");
        assert_eq!(cursor.rest(), b"x");
        assert!(take_name(&mut cursor, 1).is_err());
    }
}
