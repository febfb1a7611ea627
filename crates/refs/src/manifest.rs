//! One array's references.
//!
//! References are kept by column and sorted by row-major chunk number, so that a million of them cost some 28 bytes
//! each and looking one up is a binary search (or plain indexing where every chunk is there).

use std::sync::Arc;

use bytes::Bytes;
use rangefold_array::ByteRange;

/// Where one chunk's encoded bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// The bytes themselves.
    Inline(Bytes),
    /// All of an object.
    Whole {
        /// The object.
        url: Arc<str>,
    },
    /// Part of an object.
    Range {
        /// The object.
        url: Arc<str>,
        /// Which bytes of it.
        range: ByteRange,
    },
}

/// What a row points at. The column's own encoding keeps a row small; it never leaves this module.
const INLINE: u32 = u32::MAX;
/// Marks a row that takes a whole object.
const WHOLE: u64 = u64::MAX;

/// One array's references, sorted by row-major chunk number. An absent chunk is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Chunk numbers, strictly ascending; empty where row `i` is chunk `i`.
    numbers: Vec<u64>,
    /// Index into `urls`, or [`INLINE`].
    sources: Vec<u32>,
    /// First byte, or index into `inline`.
    offsets: Vec<u64>,
    /// Number of bytes, or [`WHOLE`].
    lengths: Vec<u64>,
    urls: Vec<Arc<str>>,
    inline: Vec<Bytes>,
}

/// A manifest cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// A chunk was given twice.
    #[error("chunk {number} has two references")]
    Duplicate {
        /// Row-major number of the chunk.
        number: u64,
    },
    /// A chunk lies outside the grid.
    #[error("chunk {number} is outside a grid of {count} chunks")]
    OutsideGrid {
        /// Row-major number of the chunk.
        number: u64,
        /// Number of chunks of the grid.
        count: u64,
    },
    /// More distinct objects than a manifest can name.
    #[error("more than {limit} distinct objects in one array")]
    TooManyObjects {
        /// The limit.
        limit: u32,
    },
}

/// Collects references in any order.
#[derive(Clone, Debug, Default)]
pub struct ManifestBuilder {
    manifest: Manifest,
    known: std::collections::HashMap<Arc<str>, u32>,
    last_url: Option<(Arc<str>, u32)>,
}

impl ManifestBuilder {
    /// An empty builder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the reference of chunk `number`.
    ///
    /// # Errors
    ///
    /// [`ManifestError::TooManyObjects`].
    pub fn push(&mut self, number: u64, reference: Reference) -> Result<(), ManifestError> {
        let (source, offset, length) = match reference {
            Reference::Inline(bytes) => {
                self.manifest.inline.push(bytes);
                (INLINE, (self.manifest.inline.len() - 1) as u64, 0)
            }
            Reference::Whole { url } => (self.url(&url)?, 0, WHOLE),
            Reference::Range { url, range } => (self.url(&url)?, range.offset(), range.length()),
        };
        self.manifest.numbers.push(number);
        self.manifest.sources.push(source);
        self.manifest.offsets.push(offset);
        self.manifest.lengths.push(length);
        Ok(())
    }

    fn url(&mut self, url: &Arc<str>) -> Result<u32, ManifestError> {
        if let Some((last, id)) = &self.last_url
            && (Arc::ptr_eq(last, url) || last == url)
        {
            return Ok(*id);
        }
        let id = match self.known.get(url) {
            Some(&id) => id,
            None => {
                let id = u32::try_from(self.manifest.urls.len())
                    .ok()
                    .filter(|&id| id != INLINE)
                    .ok_or(ManifestError::TooManyObjects { limit: INLINE })?;
                self.manifest.urls.push(Arc::clone(url));
                self.known.insert(Arc::clone(url), id);
                id
            }
        };
        self.last_url = Some((Arc::clone(url), id));
        Ok(id)
    }

    /// Sorts and checks what was collected, for a grid of `chunk_count` chunks.
    ///
    /// # Errors
    ///
    /// [`ManifestError::Duplicate`] or [`ManifestError::OutsideGrid`].
    pub fn build(self, chunk_count: u64) -> Result<Manifest, ManifestError> {
        let mut manifest = self.manifest;
        if !manifest.numbers.is_sorted() {
            let mut order: Vec<usize> = (0..manifest.numbers.len()).collect();
            order.sort_by_key(|&row| manifest.numbers.get(row).copied());
            manifest.numbers = permuted(&manifest.numbers, &order);
            manifest.sources = permuted(&manifest.sources, &order);
            manifest.offsets = permuted(&manifest.offsets, &order);
            manifest.lengths = permuted(&manifest.lengths, &order);
        }
        if let Some(pair) = manifest.numbers.windows(2).find(|pair| pair.first() == pair.last()) {
            return Err(ManifestError::Duplicate { number: pair.first().copied().unwrap_or_default() });
        }
        if let Some(&number) = manifest.numbers.last().filter(|&&number| number >= chunk_count) {
            return Err(ManifestError::OutsideGrid { number, count: chunk_count });
        }
        // Strictly ascending from 0 with the last equal to the row: nothing is absent in between.
        if manifest.numbers.last().is_none_or(|&last| last + 1 == manifest.numbers.len() as u64) {
            manifest.numbers = Vec::new();
        }
        Ok(manifest)
    }
}

fn permuted<T: Copy>(column: &[T], order: &[usize]) -> Vec<T> {
    order.iter().filter_map(|&row| column.get(row).copied()).collect()
}

impl Manifest {
    /// Number of chunks that are there.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Whether no chunk is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// The distinct objects referred to, in order of first use.
    #[must_use]
    pub fn urls(&self) -> &[Arc<str>] {
        &self.urls
    }

    /// The reference of chunk `number`; `None` if the chunk is absent.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<Reference> {
        let row = if self.numbers.is_empty() {
            usize::try_from(number).ok()?
        } else {
            self.numbers.binary_search(&number).ok()?
        };
        self.row(row).map(|(_, reference)| reference)
    }

    /// Chunk numbers and references in ascending order of number.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u64, Reference)> + '_ {
        (0..self.len()).map(|row| {
            // Every row below `len` exists in every column.
            self.row(row).unwrap_or_else(|| (row as u64, Reference::Inline(Bytes::new())))
        })
    }

    /// Chunk number and reference that stand at place `row` in the order of [`Manifest::iter`].
    #[must_use]
    pub fn row(&self, row: usize) -> Option<(u64, Reference)> {
        let number = if self.numbers.is_empty() { row as u64 } else { *self.numbers.get(row)? };
        let (&source, &offset, &length) =
            (self.sources.get(row)?, self.offsets.get(row)?, self.lengths.get(row)?);
        if source == INLINE {
            return Some((
                number,
                Reference::Inline(self.inline.get(usize::try_from(offset).ok()?)?.clone()),
            ));
        }
        let url = Arc::clone(self.urls.get(usize::try_from(source).ok()?)?);
        Some((
            number,
            if length == WHOLE {
                Reference::Whole { url }
            } else {
                Reference::Range { url, range: ByteRange::new(offset, length)? }
            },
        ))
    }

    /// The same references with every URL replaced by what `rewrite` makes of it.
    #[must_use]
    pub fn with_urls(mut self, mut rewrite: impl FnMut(&str) -> Arc<str>) -> Self {
        for url in &mut self.urls {
            *url = rewrite(url);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(url: &Arc<str>, offset: u64) -> Reference {
        Reference::Range { url: Arc::clone(url), range: ByteRange::new(offset, 10).unwrap() }
    }

    #[test]
    fn references_come_back_by_number_whatever_the_order_they_were_given_in() {
        let url: Arc<str> = "s3://b/k".into();
        let mut builder = ManifestBuilder::new();
        builder.push(5, range(&url, 50)).unwrap();
        builder.push(0, Reference::Inline(Bytes::from_static(b"abc"))).unwrap();
        builder.push(2, Reference::Whole { url: "s3://b/other".into() }).unwrap();
        let manifest = builder.build(6).unwrap();
        assert_eq!(manifest.get(5), Some(range(&url, 50)));
        assert_eq!(manifest.get(0), Some(Reference::Inline(Bytes::from_static(b"abc"))));
        assert_eq!(manifest.get(1), None);
        assert_eq!(manifest.get(6), None);
        assert_eq!(manifest.iter().map(|(n, _)| n).collect::<Vec<_>>(), [0, 2, 5]);
    }

    #[test]
    fn a_full_manifest_needs_no_numbers() {
        let url: Arc<str> = "f".into();
        let mut builder = ManifestBuilder::new();
        for number in 0..4 {
            builder.push(number, range(&url, number * 10)).unwrap();
        }
        let manifest = builder.build(4).unwrap();
        assert!(manifest.numbers.is_empty());
        assert_eq!(manifest.get(3), Some(range(&url, 30)));
        assert_eq!(manifest.get(4), None);
    }

    #[test]
    fn two_references_for_a_chunk_or_one_outside_the_grid_are_refused() {
        let url: Arc<str> = "f".into();
        let mut builder = ManifestBuilder::new();
        builder.push(1, range(&url, 0)).unwrap();
        builder.push(1, range(&url, 9)).unwrap();
        assert_eq!(builder.clone().build(4), Err(ManifestError::Duplicate { number: 1 }));
        let mut builder = ManifestBuilder::new();
        builder.push(4, range(&url, 0)).unwrap();
        assert_eq!(builder.build(4), Err(ManifestError::OutsideGrid { number: 4, count: 4 }));
    }
}
