//! Decoded values of a whole variable.

use std::collections::BTreeMap;

use rangefold_array::DataType;
use rangefold_refs::NodePath;

/// Values that were read: by input and path.
pub(crate) type Contents = BTreeMap<(usize, NodePath), Content>;

/// Decoded values of a whole variable, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    /// Elements in the array's own type and byte order.
    Bytes(Vec<u8>),
    /// Strings of any length.
    Texts(Vec<String>),
}

impl Content {
    /// What was assembled of an array of this type.
    pub(crate) fn of(values: rangefold_store::Assembled, data_type: &DataType) -> Self {
        match values {
            rangefold_store::Assembled::Texts(texts) => Self::Texts(texts),
            rangefold_store::Assembled::Elements(mut bytes) => {
                // Swapping bytes is its own inverse.
                rangefold_codec::to_native(&mut bytes, data_type);
                Self::Bytes(bytes)
            }
        }
    }
}
