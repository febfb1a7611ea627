//! Attributes in the type that the elements are stored in.

use rangefold_array::{ByteOrder, ElementType, MissingSpec, Number};

use super::text::unpadded;

/// The byte order fill values are kept in.
pub(crate) const FILL_ORDER: ByteOrder = ByteOrder::Little;

/// The unsigned type that a signed integer type stands for, and its bits; `None` for other types.
fn unsigned_twin(element: &ElementType) -> Option<(ElementType, u32)> {
    match element {
        ElementType::Int8 => Some((ElementType::UInt8, 8)),
        ElementType::Int16 => Some((ElementType::UInt16, 16)),
        ElementType::Int32 => Some((ElementType::UInt32, 32)),
        ElementType::Int64 => Some((ElementType::UInt64, 64)),
        ElementType::Bool
        | ElementType::UInt8
        | ElementType::UInt16
        | ElementType::UInt32
        | ElementType::UInt64
        | ElementType::Float16
        | ElementType::Float32
        | ElementType::Float64
        | ElementType::Complex64
        | ElementType::Complex128
        | ElementType::FixedBytes(_)
        | ElementType::FixedUtf32(_)
        | ElementType::Raw(_)
        | ElementType::DateTime64(_)
        | ElementType::TimeDelta64(_)
        | ElementType::VlenString
        | ElementType::Structured(_) => None,
    }
}

/// The element type with its sign reinterpreted.
pub(crate) fn effective_element(element: &ElementType, unsigned: bool) -> ElementType {
    let twin = unsigned_twin(element).filter(|_| unsigned);
    twin.map_or_else(|| element.clone(), |(twin, _)| twin)
}

/// A number of the stored type after reinterpretation; `None` if the stored type cannot hold it.
pub(crate) fn reinterpret(stored: &ElementType, number: Number, unsigned: bool) -> Option<Number> {
    if !number.fits(stored) {
        return None;
    }
    match unsigned_twin(stored).filter(|_| unsigned) {
        Some((_, bits)) => number.to_integer().map(|n| Number::Integer(n & ((1 << bits) - 1))),
        None => Some(number),
    }
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
    let is_time = matches!(stored, ElementType::DateTime64(_) | ElementType::TimeDelta64(_));
    let always = is_time.then_some(Number::Integer(i64::MIN.into()));
    let mut fills: Vec<Number> = Vec::new();
    for fill in given.chain(always) {
        if !fills.contains(&fill) {
            fills.push(fill);
        }
    }
    fills
}
