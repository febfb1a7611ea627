//! One dataset as one array: shape, chunks, codecs, fill value, and which bytes must be looked at.
//!
//! Most chunks become references as they are. Some cannot:
//!
//! | chunk | becomes |
//! |---|---|
//! | smaller than the threshold | its encoded bytes, inline |
//! | in the object header (compact layout) | inline |
//! | encoded with other filters than most | decoded, encoded as the others are, inline |
//! | encoded in a way that Python's readers do not undo | decoded, encoded without that, inline, if it is little |
//! | reaching past the variable's own extent on a longer dimension | checked: bytes past the extent must be fill |
//! | of null-terminated strings of fixed length, few of them | checked: bytes behind the first zero byte must be zero |
//! | of strings of variable length | decoded, the strings fetched from their heap, inline |
//! | not stored, and no fill value says what it holds | written out, inline |
//!
//! All of that is bounded; a variable beyond a bound is skipped with the reason.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use rangefold_array::{ArrayMeta, CodecSpec, ElementType, MemoryOrder, Readers};
use rangefold_hdf5::model::{Dataset, File};
use rangefold_hdf5::range::ByteRange;
use rangefold_refs::{Attributes, ManifestBuilder, Reference};

use crate::absent::{Chunk, say};
use crate::budget::Budget;
use crate::dimensions::Axis;
use crate::element::{self, element, to_little_endian};
use crate::fill::Fills;
use crate::filters::{FilterMask, Pipeline};
use crate::geometry::Geometry;
use crate::neighbours::Externals;
use crate::storage::{Chunks, Source, Storage, push, reference, storage};
use crate::strings;

/// Decoded bytes of the chunks of one variable that are decoded and encoded again.
const REWORK_LEN_MAX: u64 = 16 << 20;

/// Decoded bytes of a variable that may be encoded anew for readers in Python, which could not decode it or would show what
/// stands behind the end of its strings.
const PORTABLE_LEN_MAX: u64 = 1 << 20;

/// Decoded bytes of the chunks of one variable of strings: 16 for each string, and the text comes on top.
const STRINGS_LEN_MAX: u64 = 64 << 20;

/// What the mapping of a variable needs to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    /// The file.
    pub(crate) file: &'a File,
    /// What references point at.
    pub(crate) url: &'a Arc<str>,
    /// Chunks of fewer encoded bytes are inlined.
    pub(crate) inline_threshold: u64,
    /// What is known of files with raw data.
    pub(crate) externals: &'a Externals,
    /// What may still be stored in the references.
    pub(crate) budget: &'a Budget,
}

/// An array whose last bytes are still to be fetched.
#[derive(Debug)]
pub(crate) struct Variable {
    /// Path without leading slash.
    pub(crate) path: String,
    /// Everything but the manifest.
    pub(crate) meta: ArrayMeta,
    /// Attributes.
    pub(crate) attributes: Attributes,
    /// The references that are known.
    pub(crate) manifest: ManifestBuilder,
    /// Chunks to be inlined as they are.
    pub(crate) inline: Vec<(u64, ByteRange)>,
    /// Chunks to be decoded.
    pub(crate) rework: Vec<Rework>,
    /// The fill value of a heap string, if absent chunks hold one.
    pub(crate) fill_string: Option<Bytes>,
    /// Whether it is longer than its dataset, because its dimensions are.
    pub(crate) extended: bool,
    /// What a reader should know.
    pub(crate) notes: Vec<String>,
}

/// A chunk that must be decoded.
#[derive(Clone, Debug)]
pub(crate) struct Rework {
    /// Row-major number in the array's grid.
    pub(crate) number: u64,
    /// The encoded bytes.
    pub(crate) source: Source,
    /// How they are encoded.
    pub(crate) codecs: Vec<CodecSpec>,
    /// Bytes of the decoded chunk.
    pub(crate) decoded_len: usize,
    /// Shape of the chunk.
    pub(crate) chunk_shape: Vec<u64>,
    /// The part of it, from its first corner, that holds the variable's elements.
    pub(crate) valid: Vec<u64>,
    /// One element for the rest, as stored.
    pub(crate) fill: Vec<u8>,
    /// Whether its elements are strings that end at their first zero byte.
    pub(crate) null_terminated: bool,
    /// Whether a chunk that needs no change stays where it is.
    pub(crate) keep: bool,
}

/// Maps `dataset` to an array at `path`.
///
/// # Errors
///
/// The reason why it cannot be referenced faithfully.
pub(crate) fn variable(
    context: Context<'_>,
    path: String,
    dataset: &Dataset,
    axes: &[Axis],
    attributes: Attributes,
) -> Result<Variable, String> {
    let own_shape = dataset.shape().ok_or("it has a null dataspace: no elements at all")?;
    let element = element(&dataset.datatype).map_err(|reason| format!("it holds {reason}"))?;
    let storage = storage(dataset, own_shape, context.externals)?;
    let layout = Geometry::new(own_shape, axes, &storage.chunk_shape, &element, dataset.datatype.size)?;
    let meta = |codecs, fill_value| ArrayMeta {
        data_type: element.data_type.clone(),
        grid: layout.grid.clone(),
        order: MemoryOrder::RowMajor,
        codecs,
        fill_value,
        dimension_names: layout.dimension_names.clone(),
    };
    let pipeline = Pipeline::new(element.conversion.clone(), &dataset.filters, dataset.datatype.size);
    let null_terminated = element.data_type.size().is_some_and(|size| size > 1)
        && element::is_null_terminated(&dataset.datatype);
    let mut mapping =
        Mapping { context, geometry: &layout, storage: &storage, pipeline: &pipeline, null_terminated };
    let mut variable = Variable {
        path,
        meta: meta(Vec::new(), None),
        attributes,
        manifest: ManifestBuilder::new(),
        inline: Vec::new(),
        rework: Vec::new(),
        fill_string: None,
        extended: layout.own_grid.is_some(),
        notes: Vec::new(),
    };
    if element.data_type.element == ElementType::VlenString {
        variable.meta.codecs = vec![CodecSpec::VlenUtf8];
        mapping.strings(dataset, &mut variable)?;
    } else {
        let fills = Fills::new(dataset, &element)?;
        mapping.elements(fills, &mut variable)?;
    }
    Ok(variable)
}

/// What readers in Python must install to undo `codec`, where numcodecs alone cannot.
fn python_package(codec: &CodecSpec) -> Option<String> {
    (codec.facts().readers == Readers::Imagecodecs).then(|| {
        format!(
            "readers in Python need imagecodecs, and imagecodecs.numcodecs.register_codecs() called first, for its filter {}",
            codec.name()
        )
    })
}

struct Mapping<'a> {
    context: Context<'a>,
    geometry: &'a Geometry,
    storage: &'a Storage<'a>,
    pipeline: &'a Pipeline,
    /// Whether elements are strings of several bytes that end at their first zero byte.
    null_terminated: bool,
}

impl Mapping<'_> {
    /// Maps a dataset of elements of fixed length.
    fn elements(&mut self, mut fills: Fills, variable: &mut Variable) -> Result<(), String> {
        let geometry = self.geometry;
        // Undefined content may be anything: best what the records past the extent are.
        if fills.undefined && geometry.own_grid.is_some() {
            fills.unwritten.clone_from(&fills.beyond);
        }
        let main = self.main_mask()?;
        let stored_as =
            self.pipeline.codecs(main).map_err(|reason| format!("it is encoded with {reason}"))?;
        let codecs = self.portable(&stored_as, variable);
        let mut beyond = fills.beyond.clone();
        to_little_endian(&mut beyond, &variable.meta.data_type);
        let looked_at = self.null_terminated && self.is_little();
        if self.null_terminated && !looked_at {
            variable.notes.push(
                "its strings end at their first zero byte, and readers of Zarr show what stands behind one"
                    .to_owned(),
            );
        }
        let mut reworked = 0_u64;
        for (own_number, source, mask) in self.storage.chunks.iter() {
            let number = geometry
                .renumber(own_number)
                .ok_or_else(|| format!("chunk {own_number} is outside its grid"))?;
            let mask = self.mask(own_number, mask);
            self.check(number, &source, mask)?;
            let straddles = geometry.own_grid.is_some()
                && geometry
                    .index(own_number)
                    .is_some_and(|index| geometry.valid_where_shorter(&index) != geometry.chunk_shape);
            if mask == main && !straddles && !looked_at && codecs == stored_as {
                self.reference(number, source, variable)?;
                continue;
            }
            // A chunk that may stay where it is counts only once it is known to change.
            let short =
                matches!(&source, Source::Range(range) if range.length < self.context.inline_threshold);
            let keep = mask == main && codecs == stored_as && !(looked_at && !straddles && short);
            if !keep {
                self.context.budget.require(geometry.chunk_len)?;
            }
            reworked = reworked.saturating_add(geometry.chunk_len);
            if reworked > REWORK_LEN_MAX {
                return Err(if straddles {
                    format!(
                        "it is shorter than its unlimited dimension, and more than {REWORK_LEN_MAX} bytes of chunks at its end would have to be decoded"
                    )
                } else {
                    format!(
                        "some of its chunks are stored with other filters than the rest, more than {REWORK_LEN_MAX} bytes"
                    )
                });
            }
            let index = geometry.index(own_number).unwrap_or_default();
            variable.rework.push(Rework {
                number,
                source,
                codecs: self
                    .pipeline
                    .codecs(mask)
                    .map_err(|reason| format!("a chunk is encoded with {reason}"))?,
                decoded_len: geometry.decoded_len()?,
                chunk_shape: geometry.chunk_shape.clone(),
                valid: geometry.valid_where_shorter(&index),
                fill: beyond.clone(),
                null_terminated: looked_at,
                keep,
            });
        }
        variable.notes.extend(codecs.iter().filter_map(python_package));
        variable.meta.codecs = codecs;
        self.absent(&fills, variable)
    }

    /// The codecs of the array: without those that only rangefold undoes, if the variable is so small that its chunks
    /// can be encoded anew.
    ///
    /// Those are the codecs that numcodecs does not have, and a shuffle of bytes that are no whole number of elements,
    /// which numcodecs refuses.
    fn portable(&self, codecs: &[CodecSpec], variable: &mut Variable) -> Vec<CodecSpec> {
        let whole = |size: usize| {
            u64::try_from(size).ok().and_then(|size| self.geometry.chunk_len.checked_rem(size)) == Some(0)
        };
        let undone = |(position, codec): &(usize, &CodecSpec)| match codec {
            CodecSpec::Shuffle { element_size } => *position == 0 && whole(*element_size),
            codec => codec.facts().readers != Readers::Rangefold,
        };
        let portable: Vec<_> =
            codecs.iter().enumerate().filter(undone).map(|(_, codec)| codec.clone()).collect();
        if portable.len() == codecs.len() {
            return portable;
        }
        if self.is_little() {
            return portable;
        }
        variable.notes.push("it is encoded in a way that numcodecs cannot undo, only rangefold".to_owned());
        codecs.to_vec()
    }

    /// Whether the variable is so small that all its chunks can be encoded anew.
    fn is_little(&self) -> bool {
        let decoded = self.storage.chunks.count().saturating_mul(self.geometry.chunk_len);
        let elsewhere =
            self.storage.chunks.iter().any(|(_, source, _)| matches!(source, Source::Elsewhere(..)));
        decoded <= PORTABLE_LEN_MAX && !elsewhere && self.context.budget.has(decoded)
    }

    /// Says what chunks hold that are not stored.
    fn absent(&self, fills: &Fills, variable: &mut Variable) -> Result<(), String> {
        let geometry = self.geometry;
        let inside = geometry.own_count().saturating_sub(self.storage.chunks.count());
        let outside = geometry.grid.chunk_count().saturating_sub(geometry.own_count());
        // A chunk that is not stored may reach past the extent as well.
        let absent = match (inside > 0, outside > 0 || geometry.own_grid.is_some()) {
            (true, true) if fills.unwritten != fills.beyond => {
                return Err(
                    "it is shorter than its unlimited dimension, and what was never written has another fill value than what is missing"
                        .to_owned(),
                );
            }
            (true, _) => Some(fills.unwritten.as_slice()),
            (false, _) if outside > 0 => Some(fills.beyond.as_slice()),
            (false, _) => None,
        };
        if inside > 0 && fills.undefined {
            variable.notes.push(format!("{inside} chunks were never written and their content is undefined"));
        }
        let count = inside.saturating_add(outside);
        let chunks = Chunk {
            data_type: &variable.meta.data_type,
            codecs: &variable.meta.codecs,
            len: geometry.chunk_len,
        };
        let said = say(fills, absent, count, chunks, self.context.budget)?;
        variable.meta.fill_value = said.fill_value;
        variable.notes.extend(said.note.map(str::to_owned));
        said.chunk.map_or(Ok(()), |bytes| self.write_absent(&bytes, variable))
    }

    fn write_absent(&self, bytes: &Bytes, variable: &mut Variable) -> Result<(), String> {
        let mut stored: Vec<u64> =
            self.storage.chunks.iter().filter_map(|(number, ..)| self.geometry.renumber(number)).collect();
        stored.sort_unstable();
        let mut stored = stored.into_iter().peekable();
        for number in 0..self.geometry.grid.chunk_count() {
            if stored.next_if_eq(&number).is_none() {
                push(&mut variable.manifest, number, Reference::Inline(bytes.clone()))?;
            }
        }
        Ok(())
    }

    /// Maps a dataset of strings of variable length: every chunk is decoded.
    fn strings(&mut self, dataset: &Dataset, variable: &mut Variable) -> Result<(), String> {
        let geometry = self.geometry;
        let mut decoded = 0_u64;
        for (own_number, source, mask) in self.storage.chunks.iter() {
            let number = geometry
                .renumber(own_number)
                .ok_or_else(|| format!("chunk {own_number} is outside its grid"))?;
            let mask = self.mask(own_number, mask);
            self.check(number, &source, mask)?;
            self.context.budget.require(geometry.chunk_len)?;
            decoded = decoded.saturating_add(geometry.chunk_len);
            if decoded > STRINGS_LEN_MAX {
                return Err(format!(
                    "it holds strings of variable length, more than {STRINGS_LEN_MAX} bytes"
                ));
            }
            variable.rework.push(Rework {
                number,
                source,
                codecs: self
                    .pipeline
                    .codecs(mask)
                    .map_err(|reason| format!("it is encoded with {reason}"))?,
                decoded_len: geometry.decoded_len()?,
                chunk_shape: geometry.chunk_shape.clone(),
                valid: geometry.valid(&geometry.index(own_number).unwrap_or_default()),
                fill: vec![0; geometry.element_len],
                null_terminated: false,
                keep: false,
            });
        }
        if geometry.grid.chunk_count() > self.storage.chunks.count() {
            variable.fill_string = strings::fill(dataset);
        }
        Ok(())
    }

    /// The mask of most chunks.
    fn main_mask(&self) -> Result<FilterMask, String> {
        if let (Chunks::Table(table), false) = (&self.storage.chunks, self.storage.unfiltered_edges)
            && table.iter().all(|chunk| chunk.filter_mask == 0)
        {
            // Without chunks the codecs do not matter, and there may be none.
            return Ok(if table.is_empty() && self.pipeline.codecs(FilterMask(0)).is_err() {
                self.pipeline.none_applied()
            } else {
                FilterMask(0)
            });
        }
        let mut counts = BTreeMap::new();
        for (number, _, mask) in self.storage.chunks.iter() {
            *counts.entry(self.mask(number, mask)).or_insert(0_u64) += 1;
        }
        let most = counts.iter().max_by_key(|(mask, count)| {
            (self.pipeline.codecs(**mask).is_ok(), **count, std::cmp::Reverse(**mask))
        });
        Ok(most.map_or(FilterMask(0), |(mask, _)| *mask))
    }

    /// Which filters were really left out of the dataset's chunk `number`.
    fn mask(&self, number: u64, mask: FilterMask) -> FilterMask {
        let unfiltered = self.storage.unfiltered_edges
            && self
                .geometry
                .index(number)
                .is_some_and(|index| self.geometry.valid(&index) != self.geometry.chunk_shape);
        if unfiltered { self.pipeline.none_applied() } else { self.pipeline.normalize(mask) }
    }

    /// Checks that the bytes of a chunk can be there.
    fn check(&self, number: u64, source: &Source, mask: FilterMask) -> Result<(), String> {
        let Source::Range(range) = source else { return Ok(()) };
        let size = self.context.file.size;
        if range.offset.checked_add(range.length).is_none_or(|end| end > size) {
            return Err(format!(
                "chunk {number} is at bytes {}..{} but the file has {size}",
                range.offset,
                range.end()
            ));
        }
        let plain = mask == self.pipeline.none_applied();
        if plain && range.length != self.geometry.chunk_len {
            return Err(format!(
                "chunk {number} is stored without filters in {} bytes but has {}",
                range.length, self.geometry.chunk_len
            ));
        }
        if range.length == 0 {
            return Err(format!("chunk {number} is stored in 0 bytes"));
        }
        Ok(())
    }

    /// Adds a chunk that stays as it is.
    fn reference(&self, number: u64, source: Source, variable: &mut Variable) -> Result<(), String> {
        match source {
            Source::Bytes(bytes) => push(&mut variable.manifest, number, Reference::Inline(bytes)),
            Source::Range(range)
                if range.length < self.context.inline_threshold && self.context.budget.take(range.length) =>
            {
                variable.inline.push((number, range));
                Ok(())
            }
            Source::Range(range) => push(&mut variable.manifest, number, reference(self.context.url, range)?),
            Source::Elsewhere(url, range) => push(&mut variable.manifest, number, reference(&url, range)?),
        }
    }
}
