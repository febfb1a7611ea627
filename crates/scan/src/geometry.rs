//! The grid of an array beside that of its dataset, which may be shorter than the dimensions it lies on.

use rangefold_array::ChunkGrid;

use crate::dimensions::Axis;
use crate::element::Element;

/// The grid of the array, beside that of the dataset.
pub(crate) struct Geometry {
    /// Extent of the dataset, axes of its datatype included.
    own_shape: Vec<u64>,
    /// Of the array: as long as its dimensions.
    pub(crate) grid: ChunkGrid,
    /// Of the dataset, where it is shorter.
    pub(crate) own_grid: Option<ChunkGrid>,
    /// Shape of a chunk, axes of the datatype included.
    pub(crate) chunk_shape: Vec<u64>,
    /// Names of the dimensions, made up for the axes of the datatype.
    pub(crate) dimension_names: Vec<String>,
    /// Bytes of a decoded chunk.
    pub(crate) chunk_len: u64,
    /// Bytes of one array element as stored.
    pub(crate) element_len: usize,
}

impl Geometry {
    /// The grid for a dataset of extent `own_shape` on `axes`; `stored_len` is the bytes of one element of its datatype.
    ///
    /// # Errors
    ///
    /// The reason, if shapes do not fit each other or 64 bits.
    pub(crate) fn new(
        own_shape: &[u64],
        axes: &[Axis],
        chunk_shape: &[u64],
        element: &Element,
        stored_len: u64,
    ) -> Result<Self, String> {
        if axes.len() != own_shape.len() || chunk_shape.len() != own_shape.len() {
            return Err(format!(
                "its extent has {} axes, its chunks {} and its dimensions {}",
                own_shape.len(),
                chunk_shape.len(),
                axes.len()
            ));
        }
        let with_inner =
            |outer: &[u64]| -> Vec<u64> { outer.iter().chain(&element.inner_shape).copied().collect() };
        let lengths: Vec<u64> = axes.iter().map(|axis| axis.length).collect();
        let (shape, own_shape, chunk_shape) =
            (with_inner(&lengths), with_inner(own_shape), with_inner(chunk_shape));
        let grid = ChunkGrid::regular(&shape, &chunk_shape).map_err(|error| error.to_string())?;
        let own_grid = if shape == own_shape {
            None
        } else {
            Some(ChunkGrid::regular(&own_shape, &chunk_shape).map_err(|error| error.to_string())?)
        };
        let mut dimension_names: Vec<String> = axes.iter().map(|axis| axis.name.clone()).collect();
        for (axis, length) in element.inner_shape.iter().enumerate() {
            dimension_names.push(format!("inner_dim_{axis}_{length}"));
        }
        let outer: u64 = chunk_shape
            .iter()
            .take(axes.len())
            .try_fold(1_u64, |product, length| product.checked_mul(*length))
            .ok_or("its chunks have more elements than 64 bits can count")?;
        let chunk_len =
            outer.checked_mul(stored_len).ok_or("its chunks have more bytes than 64 bits can count")?;
        let inner =
            element.inner_shape.iter().try_fold(1_u64, |product, length| product.checked_mul(*length));
        let element_len = inner.and_then(|inner| stored_len.checked_div(inner));
        let element_len = element_len.and_then(|length| usize::try_from(length).ok());
        let element_len = element_len.ok_or("its elements are arrays of no possible size")?;
        Ok(Self { own_shape, grid, own_grid, chunk_shape, dimension_names, chunk_len, element_len })
    }

    /// The index of the dataset's chunk `number`.
    pub(crate) fn index(&self, number: u64) -> Option<Vec<u64>> {
        self.own_grid.as_ref().unwrap_or(&self.grid).index(number)
    }

    /// The array's number for the dataset's chunk `number`.
    pub(crate) fn renumber(&self, number: u64) -> Option<u64> {
        match &self.own_grid {
            None => Some(number),
            Some(own) => self.grid.number(&own.index(number)?),
        }
    }

    /// Chunks of the dataset's own extent, stored or not.
    pub(crate) fn own_count(&self) -> u64 {
        self.own_grid.as_ref().unwrap_or(&self.grid).chunk_count()
    }

    /// Elements of the dataset in each axis of the chunk at `index`.
    pub(crate) fn valid(&self, index: &[u64]) -> Vec<u64> {
        let axes = index.iter().zip(&self.chunk_shape).zip(&self.own_shape);
        axes.map(|((index, chunk), own)| own.saturating_sub(index.saturating_mul(*chunk)).min(*chunk))
            .collect()
    }

    /// As [`Geometry::valid`], but only axes on which the array is longer than the dataset count: on the others no
    /// reader looks past the extent.
    pub(crate) fn valid_where_shorter(&self, index: &[u64]) -> Vec<u64> {
        let axes = self
            .valid(index)
            .into_iter()
            .zip(&self.chunk_shape)
            .zip(self.own_shape.iter().zip(self.grid.shape()));
        axes.map(|((valid, chunk), (own, length))| if own == length { *chunk } else { valid }).collect()
    }

    /// Bytes of a decoded chunk, if they fit memory.
    pub(crate) fn decoded_len(&self) -> Result<usize, String> {
        usize::try_from(self.chunk_len)
            .map_err(|_| format!("its chunks of {} bytes are larger than memory", self.chunk_len))
    }
}
