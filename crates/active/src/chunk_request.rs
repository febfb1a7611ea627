//! One chunk to be reduced, as a value.

use std::borrow::Cow;
use std::sync::Arc;

use rangefold_array::CodecSpec;
use rangefold_codec::{DecodeError, Decoder, strings};
use rangefold_reduce::{ChunkTask, Partial, ReduceError, ReductionPlan};
use rangefold_refs::Reference;
use rangefold_store::STRINGS_MAX;

use crate::anomaly::Anomaly;

/// Everything that is needed to reduce one chunk, or a run of chunks that are not stored: here, or by whoever is nearer to
/// its bytes.
#[derive(Clone, Debug)]
pub struct ChunkRequest {
    /// What is asked of every chunk: array, selection, reductions, what is missing and packed.
    pub plan: Arc<ReductionPlan>,
    /// The codecs that lead from the encoded bytes to elements, in the order of encoding.
    pub codecs: Arc<[CodecSpec]>,
    /// Which chunk, and which of its elements.
    pub task: ChunkTask,
    /// Where its bytes are; `None` if it is not stored, and reads as fill.
    pub reference: Option<Reference>,
    /// How its elements become those that the plan takes, if these are anomalies; `None` if they are the plan's own.
    pub anomaly: Option<Anomaly>,
}

/// What a chunk gives.
#[derive(Clone, Debug)]
pub struct Reduced {
    /// Merges with those of the other chunks, in task order.
    pub partial: Partial,
    /// Bytes that were decoded.
    pub decoded: u64,
}

/// A chunk cannot be reduced.
#[derive(Debug, thiserror::Error)]
pub enum ChunkError {
    /// Its bytes cannot be decoded.
    #[error("the chunk cannot be decoded")]
    Decode(#[from] DecodeError),
    /// Its elements cannot be reduced.
    #[error("the chunk cannot be reduced")]
    Reduce(#[from] ReduceError),
}

impl ChunkRequest {
    /// Key of the chunk, as in a store: `0.3.1`.
    #[must_use]
    pub fn key(&self) -> String {
        rangefold_array::ChunkKey::new(self.task.selection.index()).to_string()
    }

    /// Reduces the chunk. `encoded` are the bytes that the reference leads to, `None` if the chunk is not stored.
    ///
    /// # Errors
    ///
    /// [`ChunkError`]: the bytes are not an encoding of the chunk, or its elements cannot be reduced.
    pub fn reduce(&self, decoder: &mut Decoder, encoded: Option<&[u8]>) -> Result<Reduced, ChunkError> {
        let Self { plan, codecs, task, reference: _, anomaly: _ } = self;
        let Some(encoded) = encoded else {
            return Ok(Reduced { partial: plan.absent_chunk(task)?, decoded: 0 });
        };
        if plan.has_texts_of_any_length() {
            let frame = decoder.decode_strings(codecs, encoded, STRINGS_MAX)?;
            let partial = plan.reduce_texts(task, &strings(frame)?)?;
            return Ok(Reduced { partial, decoded: frame.len() as u64 });
        }
        let partial = plan.reduce_chunk(task, &self.elements(decoder, encoded)?)?;
        Ok(Reduced { partial, decoded: plan.chunk_len(task) })
    }

    /// The elements of the chunk as the plan takes them, decoded into the buffer of `decoder`.
    pub(crate) fn elements<'d>(
        &self,
        decoder: &'d mut Decoder,
        encoded: &'d [u8],
    ) -> Result<Cow<'d, [u8]>, ChunkError> {
        let decoded = decoder.decode(&self.codecs, encoded, self.decoded_len())?;
        match &self.anomaly {
            None => Ok(Cow::Borrowed(decoded)),
            Some(anomaly) => Ok(anomaly.elements(&self.task, decoded)?),
        }
    }

    /// Decoded bytes of the chunk; one that is too long for the machine has no encoding.
    pub(crate) fn decoded_len(&self) -> usize {
        let plan = self.anomaly.as_ref().map_or(&self.plan, |anomaly| &anomaly.source);
        usize::try_from(plan.chunk_len(&self.task)).unwrap_or(usize::MAX)
    }
}
