//! Attributes in the type that the elements are stored in.

use rangefold_array::{ByteOrder, ElementType, MissingSpec, Number};

use super::text::unpadded;

/// The byte order fill values are kept in.
pub(crate) const FILL_ORDER: ByteOrder = ByteOrder::Little;

/// The element type with its sign reinterpreted.
pub(crate) fn effective_element(element: &ElementType, unsigned: bool) -> ElementType {
    match (unsigned, element) {
        (true, ElementType::Int8) => ElementType::UInt8,
        (true, ElementType::Int16) => ElementType::UInt16,
        (true, ElementType::Int32) => ElementType::UInt32,
        (true, ElementType::Int64) => ElementType::UInt64,
        _ => element.clone(),
    }
}

/// A number of the stored type after reinterpretation; `None` if the stored type cannot hold it.
pub(crate) fn reinterpret(stored: &ElementType, number: Number, unsigned: bool) -> Option<Number> {
    if !number.fits(stored) {
        return None;
    }
    let bits = match (unsigned, stored) {
        (true, ElementType::Int8) => 8,
        (true, ElementType::Int16) => 16,
        (true, ElementType::Int32) => 32,
        (true, ElementType::Int64) => 64,
        _ => return Some(number),
    };
    number.to_integer().map(|n| Number::Integer(n & ((1 << bits) - 1)))
}

/// The texts that are missing; of those of fixed length the empty one always is, for it may be nothing but padding.
pub(crate) fn missing_texts(element: &ElementType, missing: &MissingSpec) -> Vec<Vec<u8>> {
    let given = missing.texts.iter().map(|text| text.as_bytes());
    if *element == ElementType::VlenString {
        return given.map(<[u8]>::to_vec).collect();
    }
    given.map(unpadded).chain([&[][..]]).map(<[u8]>::to_vec).collect()
}

/// The values that are missing, reinterpreted; "not a time" among them.
pub(crate) fn fills(stored: &ElementType, missing: &MissingSpec, unsigned: bool) -> Vec<Number> {
    let given = missing.fill_values.iter().filter_map(|&n| reinterpret(stored, n, unsigned));
    let always = match stored {
        ElementType::DateTime64(_) | ElementType::TimeDelta64(_) => Some(Number::Integer(i64::MIN.into())),
        _ => None,
    };
    let mut fills: Vec<Number> = Vec::new();
    for fill in given.chain(always) {
        if !fills.contains(&fill) {
            fills.push(fill);
        }
    }
    fills
}
