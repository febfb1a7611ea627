//! From the byte order elements are stored in to the machine's.

use rangefold_array::{ByteOrder, DataType, ElementType};

/// Turns the elements in `bytes` into the machine's byte order, in place.
///
/// Fields of structured elements have byte orders of their own. Bytes after the last whole element stay as they are.
pub fn to_native(bytes: &mut [u8], data_type: &DataType) {
    if let ElementType::Structured(fields) = &data_type.element {
        let Some(size) = data_type.size().filter(|&size| size > 0) else { return };
        for mut element in bytes.chunks_exact_mut(size) {
            for field in fields {
                let Some((head, tail)) = element.split_at_mut_checked(field.size().unwrap_or(0)) else {
                    return;
                };
                to_native(head, &field.data_type);
                element = tail;
            }
        }
    } else if data_type.order != ByteOrder::native() {
        reverse_each(bytes, ordered_unit(&data_type.element));
    }
}

/// Bytes of the numbers an element is made of.
fn ordered_unit(element: &ElementType) -> usize {
    match element {
        ElementType::Bool
        | ElementType::Int8
        | ElementType::UInt8
        | ElementType::FixedBytes(_)
        | ElementType::Raw(_)
        | ElementType::VlenString
        | ElementType::Structured(_) => 1,
        ElementType::Int16 | ElementType::UInt16 | ElementType::Float16 => 2,
        ElementType::Int32
        | ElementType::UInt32
        | ElementType::Float32
        | ElementType::Complex64
        | ElementType::FixedUtf32(_) => 4,
        ElementType::Int64
        | ElementType::UInt64
        | ElementType::Float64
        | ElementType::Complex128
        | ElementType::DateTime64(_)
        | ElementType::TimeDelta64(_) => 8,
    }
}

fn reverse_each(bytes: &mut [u8], unit: usize) {
    // Known sizes let the compiler swap a register at a time.
    match unit {
        2 => bytes.as_chunks_mut::<2>().0.iter_mut().for_each(|word| word.reverse()),
        4 => bytes.as_chunks_mut::<4>().0.iter_mut().for_each(|word| word.reverse()),
        8 => bytes.as_chunks_mut::<8>().0.iter_mut().for_each(|word| word.reverse()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rangefold_array::Field;

    fn foreign(element: ElementType) -> DataType {
        let order = match ByteOrder::native() {
            ByteOrder::Little => ByteOrder::Big,
            ByteOrder::Big => ByteOrder::Little,
        };
        DataType { element, order }
    }

    #[test]
    fn a_complex_number_is_two_numbers() {
        let mut bytes = [1, 2, 3, 4, 5, 6, 7, 8];
        to_native(&mut bytes, &foreign(ElementType::Complex64));
        assert_eq!(bytes, [4, 3, 2, 1, 8, 7, 6, 5]);
    }

    #[test]
    fn native_elements_and_strings_of_bytes_stay() {
        for data_type in [
            DataType { element: ElementType::Float64, order: ByteOrder::native() },
            foreign(ElementType::FixedBytes(4)),
            foreign(ElementType::Int8),
        ] {
            let mut bytes = [1, 2, 3, 4, 5, 6, 7, 8];
            to_native(&mut bytes, &data_type);
            assert_eq!(bytes, [1, 2, 3, 4, 5, 6, 7, 8]);
        }
    }

    #[test]
    fn each_field_has_its_own_order() {
        let field = |name: &str, data_type, shape: &[u64]| Field {
            name: name.into(),
            data_type,
            shape: shape.into(),
        };
        let native = DataType { element: ElementType::Int16, order: ByteOrder::native() };
        let data_type = DataType::little(ElementType::Structured(vec![
            field("a", foreign(ElementType::Int16), &[2]),
            field("b", native, &[]),
        ]));
        let mut bytes = [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16];
        to_native(&mut bytes, &data_type);
        assert_eq!(bytes, [2, 1, 4, 3, 5, 6, 12, 11, 14, 13, 15, 16]);
    }
}
