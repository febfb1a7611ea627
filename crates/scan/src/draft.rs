//! The mapping as pure functions: a file's metadata in, a reference set out, and in between the list of bytes that are
//! still to be fetched.
//!
//! ```text
//! File ── Draft::new ──► Draft ── ranges() ──► bytes ── Draft::decode ──► Decoded ── heap_objects() ──► objects ── finish ──► Scan
//! ```

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use rangefold_array::ElementType;
use rangefold_codec::Decoder;
use rangefold_hdf5::model::{Dataset, File, GlobalHeapId, Layout, Superblock};
use rangefold_hdf5::range::ByteRange;
use rangefold_hdf5::trace::Trace;
use rangefold_refs::{Group, ManifestArray, Reference, ReferenceSet, Source as ObjectSource};

use crate::attributes::{attributes, enumeration, no_fill};
use crate::budget::Budget;
use crate::damage;
use crate::dimensions::{Axis, Dimensions};
use crate::external_link::ExternalLink;
use crate::external_links;
use crate::neighbours::Externals;
use crate::report::{Skipped, Warning};
use crate::storage::{Source, push, reference};
use crate::strings::{self, StringId};
use crate::time::rfc3339;
use crate::tree::Tree;
use crate::variable::{self, Context, Rework, Variable};
use crate::virtual_dataset::{SourceFiles, VirtualDataset};
use crate::{Scan, ScanOptions};

/// Bytes of strings that absent chunks of one variable are written out with.
const ABSENT_STRINGS_LEN_MAX: usize = 256 << 10;

/// A reference set that lacks the bytes of some chunks.
#[derive(Debug)]
pub struct Draft {
    references: ReferenceSet,
    variables: Vec<Variable>,
    virtual_datasets: Vec<VirtualDataset>,
    external_links: Vec<ExternalLink>,
    skipped: Vec<Skipped>,
    warnings: Vec<Warning>,
    superblock: Superblock,
    url: Arc<str>,
    budget: Budget,
    trace: Trace,
}

impl Draft {
    /// Maps a file. `url` is what references point at.
    ///
    /// Nothing is known of other files, so what lies in them is skipped.
    #[must_use]
    pub fn new(file: &File, url: &str, options: &ScanOptions) -> Self {
        Self::with_externals(file, url, options, &Externals::new())
    }

    /// As [`Draft::new`], with what is known of the files with raw data.
    pub(crate) fn with_externals(
        file: &File,
        url: &str,
        options: &ScanOptions,
        externals: &Externals,
    ) -> Self {
        let url: Arc<str> = url.into();
        let tree = Tree::new(file);
        let dimensions = Dimensions::new(file, &tree);
        let mut draft = Self {
            references: ReferenceSet::new(),
            variables: Vec::new(),
            virtual_datasets: Vec::new(),
            external_links: tree
                .external
                .iter()
                .map(|link| ExternalLink { selected: options.selects(&link.path), ..link.clone() })
                .collect(),
            skipped: tree.skipped.iter().filter(|skipped| options.selects(&skipped.path)).cloned().collect(),
            warnings: dimensions
                .warnings
                .iter()
                .filter(|warning| options.selects(&warning.path))
                .cloned()
                .collect(),
            superblock: file.superblock.clone(),
            url: Arc::clone(&url),
            budget: Budget::default(),
            trace: file.trace.clone(),
        };
        draft.references.lost = damage::lost(file, &tree, options);
        if let Some(message) = damage::cut_off(file) {
            draft.warnings.insert(0, Warning { path: "/".to_owned(), message });
        }
        let source = ObjectSource {
            size: Some(file.size),
            etag: file.etag.clone(),
            last_modified: file.last_modified.map(rfc3339),
        };
        draft.references.sources.insert(Arc::clone(&url), source);
        let known = externals.values().flatten();
        draft.references.sources.extend(known.map(|file| (Arc::clone(&file.url), file.source.clone())));
        let budget = Budget::default();
        let inline_threshold = options.inline_threshold;
        let context = Context { file, url: &url, inline_threshold, externals, budget: &budget };
        let errors = draft.errors(file, options);
        for node in &tree.groups {
            let group = Group {
                attributes: attributes(&shown(&node.path), &node.group.attributes, &mut draft.warnings),
                dimensions: dimensions.hiding(&node.path),
            };
            draft.references.groups.insert(node.path.clone(), group);
        }
        for (group, path, dataset) in tree.variables().filter(|(_, path, _)| options.selects(path)) {
            let error = errors.get(dataset.path.as_str()).map(String::as_str);
            draft.variable(context, path, dataset, dimensions.axes(group, dataset), error);
        }
        draft.budget = budget;
        draft
    }

    /// Takes over what the reader could not read. Returns the errors of datasets that are there all the same.
    fn errors<'a>(&mut self, file: &'a File, options: &ScanOptions) -> BTreeMap<&'a str, String> {
        let datasets: HashSet<&str> =
            file.datasets().into_iter().map(|dataset| dataset.path.as_str()).collect();
        let mut of_datasets = BTreeMap::new();
        for error in &file.errors {
            let path = shown(error.path.trim_start_matches('/'));
            match &error.attribute {
                Some(name) if !datasets.contains(error.path.as_str()) || options.selects(&path) => {
                    let message = format!("attribute {name:?} is left out: {}", error.error);
                    self.warnings.push(Warning { path, message });
                }
                Some(_) => {}
                None if datasets.contains(error.path.as_str()) => {
                    of_datasets.insert(error.path.as_str(), error.error.to_string());
                }
                None => self.skipped.push(Skipped { path, reason: error.error.to_string() }),
            }
        }
        of_datasets
    }

    fn variable(
        &mut self,
        context: Context<'_>,
        path: String,
        dataset: &Dataset,
        axes: &[Axis],
        error: Option<&str>,
    ) {
        if let Some(error) = error {
            self.skipped.push(Skipped { path, reason: error.to_owned() });
            return;
        }
        let mut kept = attributes(&path, &dataset.attributes, &mut self.warnings);
        enumeration(&dataset.datatype, &mut kept);
        no_fill(dataset, &mut kept);
        if let Layout::Virtual { mappings } = &dataset.layout {
            match VirtualDataset::new(path.clone(), dataset, mappings, axes, kept) {
                Ok(dataset) => self.virtual_datasets.push(dataset),
                Err(reason) => self.skipped.push(Skipped { path, reason }),
            }
            return;
        }
        let mapped = || variable::variable(context, path.clone(), dataset, axes, kept);
        match context.budget.attempt(mapped) {
            Ok(mut variable) => {
                let notes = std::mem::take(&mut variable.notes).into_iter();
                self.warnings.extend(notes.map(|message| Warning { path: path.clone(), message }));
                self.variables.push(variable);
            }
            Err(reason) => self.skipped.push(Skipped { path, reason }),
        }
    }

    /// The bytes that [`Draft::decode`] needs.
    #[must_use]
    pub fn ranges(&self) -> Vec<ByteRange> {
        self.variables.iter().flat_map(wanted).collect()
    }

    /// Takes the bytes of [`Draft::ranges`], in that order, and decodes what needs decoding.
    ///
    /// A variable whose bytes cannot be decoded is skipped.
    #[must_use]
    pub fn decode(self, bytes: &[Bytes]) -> Decoded {
        let mut decoded = Decoded {
            references: self.references,
            variables: Vec::with_capacity(self.variables.len()),
            virtual_datasets: self.virtual_datasets,
            external_links: self.external_links,
            skipped: self.skipped,
            warnings: self.warnings,
            trace: self.trace,
        };
        let damaged = Cell::new(false);
        let origin =
            Origin { superblock: &self.superblock, url: &self.url, budget: &self.budget, damaged: &damaged };
        let mut rest = bytes;
        let mut decoder = Decoder::new();
        for variable in self.variables {
            let path = variable.path.clone();
            let (mine, others) = rest.split_at_checked(wanted(&variable).count()).unwrap_or((rest, &[]));
            rest = others;
            let decode = || decode(variable, mine, &mut decoder, origin);
            match self.budget.attempt(decode) {
                Ok(variable) => decoded.variables.push(variable),
                Err(reason) => {
                    if damaged.take() {
                        decoded.references.lost.entry(path.clone()).or_insert_with(|| reason.clone());
                    }
                    decoded.skipped.push(Skipped { path, reason });
                }
            }
        }
        decoded
    }
}

/// A path as reports show it: the root group has a name too.
fn shown(path: &str) -> String {
    if path.is_empty() { "/".to_owned() } else { path.to_owned() }
}

/// The ranges of one variable: first what is inlined as it is, then what is decoded.
fn wanted(variable: &Variable) -> impl Iterator<Item = ByteRange> + '_ {
    let reworked = variable.rework.iter().filter_map(|rework| match &rework.source {
        Source::Range(range) => Some(*range),
        Source::Elsewhere(..) | Source::Bytes(_) => None,
    });
    variable.inline.iter().map(|(_, range)| *range).chain(reworked)
}

/// A reference set that lacks at most strings.
#[derive(Debug)]
pub struct Decoded {
    references: ReferenceSet,
    variables: Vec<DecodedVariable>,
    virtual_datasets: Vec<VirtualDataset>,
    external_links: Vec<ExternalLink>,
    skipped: Vec<Skipped>,
    warnings: Vec<Warning>,
    trace: Trace,
}

#[derive(Debug)]
struct DecodedVariable {
    variable: Variable,
    /// Chunk number and strings.
    strings: Vec<(u64, Vec<StringId>)>,
    fill_string: Option<StringId>,
}

impl DecodedVariable {
    fn objects(&self) -> impl Iterator<Item = GlobalHeapId> + '_ {
        let of_chunks = self.strings.iter().flat_map(|(_, strings)| strings);
        of_chunks.chain(&self.fill_string).filter_map(|string| string.object)
    }
}

impl Decoded {
    /// The heap objects that [`Decoded::finish`] needs, each once, in order.
    #[must_use]
    pub fn heap_objects(&self) -> Vec<GlobalHeapId> {
        let unique: BTreeSet<_> = self.variables.iter().flat_map(DecodedVariable::objects).collect();
        unique.into_iter().collect()
    }

    /// The datasets of other files, or of this one, that virtual datasets take their elements from.
    pub(crate) fn virtual_sources(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut wanted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (file, dataset) in self.virtual_datasets.iter().flat_map(VirtualDataset::sources) {
            wanted.entry(file.to_owned()).or_default().insert(dataset.to_owned());
        }
        wanted
    }

    /// Puts virtual datasets together from the references of their sources; those that cannot be are skipped.
    pub(crate) fn resolve(&mut self, files: &SourceFiles) {
        let budget = Budget::default();
        for dataset in std::mem::take(&mut self.virtual_datasets) {
            let path = dataset.path.clone();
            match dataset.resolve(files, &mut self.references.sources, &budget) {
                Ok((array, notes)) => {
                    self.warnings
                        .extend(notes.into_iter().map(|message| Warning { path: path.clone(), message }));
                    self.references.arrays.insert(path, array);
                }
                Err(reason) => self.skipped.push(Skipped { path, reason }),
            }
        }
    }

    /// The links into other files.
    pub(crate) fn external_links(&self) -> &[ExternalLink] {
        &self.external_links
    }

    /// Leaves out links into other files that are not to be followed, for the reason that `judge` gives, or for none if
    /// they are not wanted.
    pub(crate) fn judge_links(&mut self, judge: impl Fn(&ExternalLink) -> Result<(), Option<&'static str>>) {
        let skipped = &mut self.skipped;
        self.external_links.retain(|link| {
            let judged = judge(link);
            if let Err(Some(reason)) = judged
                && link.selected
            {
                skipped.push(link.skipped(reason));
            }
            judged.is_ok()
        });
    }

    /// Puts the strings in. `objects` holds what could be read of [`Decoded::heap_objects`].
    #[must_use]
    pub fn finish(self, objects: &BTreeMap<GlobalHeapId, Bytes>) -> Scan {
        self.finish_with(objects, &SourceFiles::new())
    }

    /// As [`Decoded::finish`], with what became of the files that external links name.
    pub(crate) fn finish_with(
        mut self,
        objects: &BTreeMap<GlobalHeapId, Bytes>,
        files: &SourceFiles,
    ) -> Scan {
        // What is still virtual has sources that nobody read.
        self.resolve(&SourceFiles::new());
        let Self {
            mut references,
            variables,
            virtual_datasets: _,
            external_links,
            mut skipped,
            warnings,
            trace,
        } = self;
        let extended = variables.iter().filter(|decoded| decoded.variable.extended);
        let extended = extended.map(|decoded| decoded.variable.path.clone()).collect();
        for variable in variables {
            let path = variable.variable.path.clone();
            match finish(variable, objects) {
                Ok(array) => {
                    references.arrays.insert(path, array);
                }
                Err(reason) => skipped.push(Skipped { path, reason }),
            }
        }
        let mut scan = Scan { references, skipped, warnings, trace, extended };
        external_links::graft(&mut scan, &external_links, files);
        scan
    }
}

/// What the chunks of a file share.
#[derive(Clone, Copy)]
struct Origin<'a> {
    superblock: &'a Superblock,
    url: &'a Arc<str>,
    budget: &'a Budget,
    /// Set if a chunk does not hold what was written.
    damaged: &'a Cell<bool>,
}

/// Decodes the chunks of one variable; `bytes` are those of its [`wanted`] ranges.
fn decode(
    mut variable: Variable,
    bytes: &[Bytes],
    decoder: &mut Decoder,
    origin: Origin<'_>,
) -> Result<DecodedVariable, String> {
    let mut bytes = bytes.iter();
    let mut next = |length: u64| {
        let found = bytes.next().filter(|bytes| u64::try_from(bytes.len()) == Ok(length));
        found.cloned().ok_or("its bytes could not be fetched")
    };
    for (number, range) in std::mem::take(&mut variable.inline) {
        let bytes = next(range.length)?;
        push(&mut variable.manifest, number, Reference::Inline(bytes))?;
    }
    let mut chunks = Vec::new();
    for rework in std::mem::take(&mut variable.rework) {
        let encoded = match &rework.source {
            Source::Range(range) => next(range.length)?,
            Source::Elsewhere(url, _) => {
                return Err(format!("its elements in {url} would have to be rewritten"));
            }
            Source::Bytes(bytes) => bytes.clone(),
        };
        let mut decoded = Vec::new();
        decoder.decode_into(&rework.codecs, &encoded, rework.decoded_len, &mut decoded).map_err(|error| {
            origin.damaged.set(true);
            format!("chunk {} cannot be decoded: {}", rework.number, rangefold_array::chain(&error))
        })?;
        let mut changed = clip(&mut decoded, &rework.chunk_shape, &rework.valid, &rework.fill);
        if rework.null_terminated {
            changed |= terminate(&mut decoded, rework.fill.len());
        }
        if variable.meta.data_type.element == ElementType::VlenString {
            let elements = decoded.chunks_exact(rework.fill.len().max(1));
            chunks.push((
                rework.number,
                elements
                    .map(|element| StringId::parse(element, origin.superblock))
                    .collect::<Result<_, _>>()?,
            ));
            continue;
        }
        let chunk = match (&rework.source, rework.keep && !changed) {
            (Source::Range(range), true) => reference(origin.url, *range)?,
            _ => {
                if rework.keep {
                    origin.budget.require(u64::try_from(decoded.len()).unwrap_or(u64::MAX))?;
                }
                Reference::Inline(encoded_again(&variable, &rework, &decoded)?)
            }
        };
        push(&mut variable.manifest, rework.number, chunk)?;
    }
    let fill_string = variable
        .fill_string
        .as_ref()
        .map(|element| StringId::parse(element, origin.superblock))
        .transpose()?;
    Ok(DecodedVariable { variable, strings: chunks, fill_string })
}

fn encoded_again(variable: &Variable, rework: &Rework, decoded: &[u8]) -> Result<Bytes, String> {
    let encoded = rangefold_codec::encode(&variable.meta.codecs, decoded);
    encoded
        .map(Bytes::from)
        .map_err(|error| format!("chunk {} cannot be encoded again: {error}", rework.number))
}

/// Sets every element of a chunk outside the box `valid` to `fill`; says whether that changed any.
fn clip(chunk: &mut [u8], shape: &[u64], valid: &[u64], fill: &[u8]) -> bool {
    if shape == valid || fill.is_empty() {
        return false;
    }
    let mut position = vec![0_u64; shape.len()];
    let mut changed = false;
    for element in chunk.chunks_exact_mut(fill.len()) {
        if position.iter().zip(valid).any(|(index, valid)| index >= valid) && element != fill {
            element.copy_from_slice(fill);
            changed = true;
        }
        for (index, length) in position.iter_mut().zip(shape).rev() {
            *index += 1;
            if *index < *length {
                break;
            }
            *index = 0;
        }
    }
    changed
}

/// Sets every byte behind the first zero byte of a string to zero; says whether that changed any.
fn terminate(chunk: &mut [u8], string_len: usize) -> bool {
    let mut changed = false;
    for string in chunk.chunks_mut(string_len.max(1)) {
        let behind = string.iter_mut().skip_while(|byte| **byte != 0);
        for byte in behind.filter(|byte| **byte != 0) {
            *byte = 0;
            changed = true;
        }
    }
    changed
}

fn finish(
    decoded: DecodedVariable,
    objects: &BTreeMap<GlobalHeapId, Bytes>,
) -> Result<ManifestArray, String> {
    let DecodedVariable { mut variable, strings, fill_string } = decoded;
    let chunk_count = variable.meta.grid.chunk_count();
    let text = |string: &StringId| {
        string.text(string.object.as_ref().and_then(|object| objects.get(object))).map(str::to_owned)
    };
    let fill = fill_string.as_ref().map(text).transpose()?.unwrap_or_default();
    let stored: BTreeSet<u64> = strings.iter().map(|(number, _)| *number).collect();
    for (number, strings) in &strings {
        let texts = strings.iter().map(text).collect::<Result<Vec<_>, _>>();
        let texts = texts.map_err(|reason| format!("chunk {number} holds {reason}"))?;
        push(&mut variable.manifest, *number, Reference::Inline(strings::frame(&texts)?))?;
    }
    if !fill.is_empty() {
        let absent = absent_strings(&variable, &fill, chunk_count, stored.len())?;
        for number in (0..chunk_count).filter(|number| !stored.contains(number)) {
            push(&mut variable.manifest, number, Reference::Inline(absent.clone()))?;
        }
    }
    let manifest = variable.manifest.build(chunk_count).map_err(|error| error.to_string())?;
    Ok(ManifestArray { meta: variable.meta, attributes: variable.attributes, manifest })
}

/// A chunk of nothing but `fill`.
fn absent_strings(variable: &Variable, fill: &str, chunk_count: u64, stored: usize) -> Result<Bytes, String> {
    let absent = usize::try_from(chunk_count).unwrap_or(usize::MAX).saturating_sub(stored);
    let shape = variable.meta.grid.regular_chunk_shape().unwrap_or_default();
    let count = shape.iter().try_fold(1_u64, |count, length| count.checked_mul(*length));
    let count = count.and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX);
    let total = count.saturating_mul(fill.len().saturating_add(4)).saturating_mul(absent);
    if total > ABSENT_STRINGS_LEN_MAX {
        return Err(format!("{absent} chunks of strings are not stored and hold the fill value {fill:?}"));
    }
    strings::frame(&vec![fill; count])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_ends_at_its_first_zero_byte() {
        let mut chunk = *b"ab\0junk!cdefghij";
        assert!(terminate(&mut chunk, 8));
        assert_eq!(&chunk, b"ab\0\0\0\0\0\0cdefghij");
        assert!(!terminate(&mut chunk, 8));
    }

    #[test]
    fn elements_outside_the_valid_box_become_fill_and_no_others() {
        let mut chunk: Vec<u8> = (1..=12).collect();
        assert!(clip(&mut chunk, &[2, 3], &[2, 2], &[0, 0]));
        assert_eq!(chunk, [1, 2, 3, 4, 0, 0, 7, 8, 9, 10, 0, 0]);
        assert!(!clip(&mut chunk, &[2, 3], &[2, 2], &[0, 0]));
        assert!(!clip(&mut chunk, &[2, 3], &[2, 3], &[9, 9]));
    }
}
