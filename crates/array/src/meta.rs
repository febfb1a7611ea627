//! Everything a reader must know of an array besides where its bytes are.

use crate::{ChunkGrid, CodecSpec, DataType};

/// An array without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrayMeta {
    /// Element type.
    pub data_type: DataType,
    /// Shape and chunks.
    pub grid: ChunkGrid,
    /// Order of elements inside a chunk.
    pub order: MemoryOrder,
    /// Stages of a chunk's encoding, in the order of encoding.
    pub codecs: Vec<CodecSpec>,
    /// What an absent chunk holds; `None` if that is undefined.
    pub fill_value: Option<FillValue>,
    /// One name per axis.
    pub dimension_names: Vec<String>,
}

/// One element as bytes: in little-endian order whatever the array's, a text's UTF-8 for strings of any length.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FillValue(pub Vec<u8>);

/// Order of elements inside a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemoryOrder {
    /// Last axis fastest.
    RowMajor,
    /// First axis fastest.
    ColumnMajor,
}

impl ArrayMeta {
    /// Shape of the array.
    #[must_use]
    pub fn shape(&self) -> &[u64] {
        self.grid.shape()
    }

    /// The axis along which attributes hold by parts, if they do.
    #[must_use]
    pub fn parted_axis(&self) -> Option<usize> {
        match self.codecs.first() {
            Some(CodecSpec::AttributesByPart { axis }) => Some(*axis),
            _ => None,
        }
    }

    /// The codecs that lead from a chunk to its elements, for those who know what the elements of each part mean.
    #[must_use]
    pub fn element_codecs(&self) -> &[CodecSpec] {
        self.codecs.get(usize::from(self.parted_axis().is_some())..).unwrap_or_default()
    }

    /// Decoded bytes of the chunk at `index`; `None` for strings of any length and past 64 bits.
    #[must_use]
    pub fn decoded_chunk_len(&self, index: &[u64]) -> Option<u64> {
        self.grid.chunk_len(index)?.checked_mul(u64::try_from(self.data_type.size()?).ok()?)
    }

    /// Decoded bytes of the whole array, padding of edge chunks left out; `None` for strings of any length and past 64 bits.
    #[must_use]
    pub fn nbytes(&self) -> Option<u64> {
        let elements = self.shape().iter().try_fold(1_u64, |n, &length| n.checked_mul(length))?;
        elements.checked_mul(u64::try_from(self.data_type.size()?).ok()?)
    }
}
