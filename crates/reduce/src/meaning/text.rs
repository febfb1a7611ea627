//! Texts as bytes: UTF-8 for types of Unicode characters, and what is stored for others, without the zeros that pad it.

use std::borrow::Cow;

use rangefold_array::{ByteOrder, DataType, ElementType};

/// The texts of a chunk.
#[derive(Clone, Copy)]
pub(crate) enum TextElements<'a> {
    /// Elements of fixed size, in the order their type says.
    Fixed(&'a DataType, &'a [u8]),
    /// One for each element.
    Any(&'a [&'a [u8]]),
}

impl<'a> TextElements<'a> {
    /// The text of an element; as an error the first number in it that is no character.
    pub(crate) fn text(self, element: usize) -> Result<Cow<'a, [u8]>, u32> {
        let (data_type, bytes) = match self {
            TextElements::Any(texts) => return Ok(Cow::Borrowed(texts[element])),
            TextElements::Fixed(data_type, bytes) => (data_type, bytes),
        };
        let size = data_type.size().unwrap_or(0);
        let bytes = &bytes[element * size..(element + 1) * size];
        if let ElementType::FixedBytes(_) = data_type.element {
            return Ok(Cow::Borrowed(unpadded(bytes)));
        }
        let number = match data_type.order {
            ByteOrder::Little => u32::from_le_bytes,
            ByteOrder::Big => u32::from_be_bytes,
        };
        let numbers = bytes.as_chunks::<4>().0.iter().map(|&unit| number(unit));
        let text: String = numbers.map(|n| char::from_u32(n).ok_or(n)).collect::<Result<_, _>>()?;
        Ok(Cow::Owned(unpadded(text.as_bytes()).to_vec()))
    }
}

/// Bytes without the zeros at their end.
pub(crate) fn unpadded(bytes: &[u8]) -> &[u8] {
    let len = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    &bytes[..len]
}

/// Whether values of this type are texts.
pub(crate) fn is_text(element: &ElementType) -> bool {
    matches!(element, ElementType::FixedBytes(1..) | ElementType::FixedUtf32(1..) | ElementType::VlenString)
}
