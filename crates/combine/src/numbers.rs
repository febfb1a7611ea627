//! Elements as numbers, in the byte order of the machine or of their type.

use rangefold_array::{ByteOrder, DataType, ElementType, Values};

/// Turns an element in little-endian order into the order of its type. Swapping bytes is its own inverse, so that it
/// is the same as making it native where the machine is little-endian.
pub(crate) fn from_little(element: &mut [u8], data_type: &DataType) {
    match (ByteOrder::native(), data_type.order) {
        (ByteOrder::Little, _) => rangefold_codec::to_native(element, data_type),
        (ByteOrder::Big, ByteOrder::Big) => {
            rangefold_codec::to_native(element, &DataType::little(data_type.element.clone()));
        }
        (ByteOrder::Big, ByteOrder::Little) => {}
    }
}

/// Elements in little-endian order as values; `None` if they are not numbers.
pub(crate) fn little(element: &ElementType, bytes: &[u8]) -> Option<Values> {
    numbers(&DataType::little(element.clone()), bytes)
}

/// The elements as integers or floats; `None` if they are neither. Packing is not undone.
pub(crate) fn numbers(data_type: &DataType, bytes: &[u8]) -> Option<Values> {
    let mut native = bytes.to_vec();
    rangefold_codec::to_native(&mut native, data_type);
    match Values::of_elements(data_type, &native).ok()? {
        values @ (Values::Signed(_) | Values::Unsigned(_) | Values::Float(_)) => Some(values),
        Values::Bool(_) | Values::Complex(_) | Values::Text(_) => None,
    }
}
