//! Decoded values of a whole variable.

use std::collections::BTreeMap;

use rangefold_array::{ArrayMeta, ByteOrder, DataType, ElementType, Hyperslab, Values};
use rangefold_refs::{ManifestArray, NodePath};
use rangefold_store::{Assembler, STRINGS_MAX};

use crate::mark::{Mark, is_lost};

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
    pub(crate) fn of(values: rangefold_store::Values, data_type: &DataType) -> Self {
        match values {
            rangefold_store::Values::Texts(texts) => Self::Texts(texts),
            rangefold_store::Values::Elements(mut bytes) => {
                // Swapping bytes is its own inverse.
                rangefold_codec::to_native(&mut bytes, data_type);
                Self::Bytes(bytes)
            }
        }
    }
}

/// Room for a whole variable, or why it cannot be held. Where nothing says what absent chunks hold, they hold what the
/// joined variable declares as missing.
pub(crate) fn assembler<'a>(array: &'a ManifestArray, whole: &Hyperslab) -> Result<Assembler<'a>, String> {
    let meta: &ArrayMeta = &array.meta;
    let default = is_lost(array).then(|| Mark::by_default(array));
    let default = default
        .map(|mark| {
            mark.ok_or("chunks of it are absent, and nothing says what they hold".to_owned())
                .map(|mark| mark.fill)
        })
        .transpose()?;
    let fill = meta.fill_value.as_ref().or(default.as_ref()).map(|fill| fill.0.as_slice());
    Assembler::new(meta, &meta.codecs, whole, fill).map_err(|_| {
        format!("its shape {:?} is too large to be read as a whole (limit {STRINGS_MAX})", meta.shape())
    })
}

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
