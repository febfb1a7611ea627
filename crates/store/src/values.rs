//! Decoded values of part of an array.

use futures::StreamExt as _;
use rangefold_array::{ChunkKey, ChunkSelection, Hyperslab};
use rangefold_codec::{DecodeError, Decoder};
use rangefold_refs::{ManifestArray, Reference};

use crate::assemble::{Assembled, Assembler, ChunkProblem, TooLarge, VALUES_MAX};
use crate::{FetchError, ReferenceStore};

/// Values cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ValuesError {
    /// There is no such array.
    #[error("there is no variable {path:?}")]
    NoArray {
        /// The path.
        path: String,
    },
    /// A chunk's bytes cannot be fetched.
    #[error("chunk {chunk} of {path:?}: its bytes cannot be fetched")]
    Fetch {
        /// Path of the array.
        path: String,
        /// Key of the chunk.
        chunk: String,
        /// Why.
        source: FetchError,
    },
    /// A chunk's bytes cannot be decoded.
    #[error("chunk {chunk} of {path:?}: its bytes cannot be decoded")]
    Decode {
        /// Path of the array.
        path: String,
        /// Key of the chunk.
        chunk: String,
        /// Why.
        source: DecodeError,
    },
    /// A chunk holds another number of strings than elements, or strings that are not UTF-8.
    #[error("chunk {chunk} of {path:?}: {reason}")]
    Strings {
        /// Path of the array.
        path: String,
        /// Key of the chunk.
        chunk: String,
        /// What is wrong.
        reason: String,
    },
    /// A chunk is not stored, and nothing says what it holds.
    #[error("chunk {chunk} of {path:?} is absent and its array has no fill value")]
    NoFillValue {
        /// Path of the array.
        path: String,
        /// Key of the chunk.
        chunk: String,
    },
    /// The selection is more than memory can address.
    #[error(
        "{elements} elements of {path:?} are too many to be held in memory: at most {VALUES_MAX} bytes are read at once"
    )]
    TooLarge {
        /// Path of the array.
        path: String,
        /// Elements selected.
        elements: u64,
    },
}

impl ReferenceStore {
    /// Reads and decodes `selection` of the array at `path`, all of it at once: for coordinates and other small arrays.
    ///
    /// Chunks that are not stored are the fill value; strings without one are empty.
    ///
    /// # Errors
    ///
    /// [`ValuesError`].
    pub async fn values(&self, path: &str, selection: &Hyperslab) -> Result<Assembled, ValuesError> {
        let array = self.array(path)?;
        let fill = array.meta.fill_value.as_ref().map(|fill| fill.0.as_slice());
        let assembler = Assembler::new(&array.meta, &array.meta.codecs, selection, fill);
        let assembler = assembler.map_err(|error| too_large(path, error))?;
        self.fill(path, array, selection, assembler, u64::MAX).await
    }

    /// The elements of `selection` bit by bit as they are stored, in native byte order and whatever attributes say of them;
    /// fetched with at most `bytes_in_flight`. Floats that are not stored and have no fill value are NaN.
    ///
    /// # Errors
    ///
    /// [`ValuesError`]; [`ValuesError::NoFillValue`] if elements of another type are not stored and have no fill value, and
    /// [`ValuesError::Strings`] if the elements have no bytes of their own.
    pub async fn elements(
        &self,
        path: &str,
        selection: &Hyperslab,
        bytes_in_flight: u64,
    ) -> Result<Vec<u8>, ValuesError> {
        let array = self.array(path)?;
        let fill = array.meta.fill_value.as_ref().map(|fill| fill.0.as_slice());
        let assembler = Assembler::new(&array.meta, array.meta.element_codecs(), selection, fill);
        let mut assembler = assembler.map_err(|error| too_large(path, error))?;
        if array.meta.fill_value.is_none()
            && let mut chunks = array.meta.grid.touching(selection)
            && let Some(absent) =
                Iterator::find(&mut chunks, |chunk| array.manifest.get(chunk.number).is_none())
        {
            assembler.fill_with_nan(&array.meta.data_type.element).ok_or_else(|| {
                ValuesError::NoFillValue {
                    path: path.to_owned(),
                    chunk: ChunkKey::new(absent.index()).to_string(),
                }
            })?;
        }
        match self.fill(path, array, selection, assembler, bytes_in_flight).await? {
            Assembled::Elements(bytes) => Ok(bytes),
            Assembled::Texts(_) => Err(ValuesError::Strings {
                path: path.to_owned(),
                chunk: String::new(),
                reason: "strings of any length have no elements of fixed size".to_owned(),
            }),
        }
    }

    fn array(&self, path: &str) -> Result<&ManifestArray, ValuesError> {
        let array = self.references().arrays.get(path);
        array.ok_or_else(|| ValuesError::NoArray { path: path.to_owned() })
    }

    /// Puts what is stored of a selection where it belongs.
    async fn fill(
        &self,
        path: &str,
        array: &ManifestArray,
        selection: &Hyperslab,
        mut assembler: Assembler<'_>,
        bytes_in_flight: u64,
    ) -> Result<Assembled, ValuesError> {
        let touching = array.meta.grid.touching(selection);
        let manifest = &array.manifest;
        // Whichever are fewer: the chunks that are touched, or those that are stored.
        let stored: Vec<(ChunkSelection, Reference)> = if touching.chunk_count() <= manifest.len() as u64 {
            touching.filter_map(|chunk| manifest.get(chunk.number).map(|found| (chunk, found))).collect()
        } else {
            manifest
                .iter()
                .filter_map(|(n, found)| touching.find(n).map(|(_, chunk)| (chunk, found)))
                .collect()
        };
        let references: Vec<_> = stored.iter().map(|(_, reference)| reference.clone()).collect();
        let mut encoded = std::pin::pin!(self.fetch_within(references, bytes_in_flight));
        let mut decoder = Decoder::new();
        for (chunk, _) in &stored {
            let Some((_, bytes)) = encoded.next().await else { break };
            let key = || ChunkKey::new(chunk.index()).to_string();
            let bytes =
                bytes.map_err(|source| ValuesError::Fetch { path: path.to_owned(), chunk: key(), source })?;
            assembler.put(chunk, &bytes, &mut decoder).map_err(|problem| at(problem, path, key()))?;
        }
        Ok(assembler.finish())
    }
}

fn too_large(path: &str, TooLarge { elements }: TooLarge) -> ValuesError {
    ValuesError::TooLarge { path: path.to_owned(), elements }
}

fn at(problem: ChunkProblem, path: &str, chunk: String) -> ValuesError {
    let path = path.to_owned();
    match problem {
        ChunkProblem::Decode(source) => ValuesError::Decode { path, chunk, source },
        ChunkProblem::Strings(reason) => ValuesError::Strings { path, chunk, reason },
    }
}
