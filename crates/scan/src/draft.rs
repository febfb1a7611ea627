//! The mapping as pure functions: a file's metadata in, a reference set out, and in between the list of bytes that are
//! still to be fetched.
//!
//! ```text
//! File ── Draft::new ──► Draft ── ranges() ──► bytes ── Draft::decode ──► Decoded ── heap_objects() ──► objects ── finish ──► Scan
//! ```

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use rangefold_array::ElementType;
use rangefold_codec::Decoder;
use rangefold_hdf5::model::{Dataset, File, GlobalHeapId, Superblock};
use rangefold_hdf5::range::ByteRange;
use rangefold_hdf5::trace::Trace;
use rangefold_refs::{Group, ManifestArray, Reference, ReferenceSet, Source as ObjectSource};

use crate::attributes::{attributes, enumeration, no_fill};
use crate::dimensions::{Axis, Dimensions, is_dimension_only};
use crate::report::{Skipped, Warning};
use crate::strings::{self, StringId};
use crate::tree::{Tree, join};
use crate::variable::{self, Context, Rework, Source, Variable, push, reference};
use crate::{Scan, ScanOptions};

/// What netCDF puts before the name of a variable that has the name of a dimension but does not lie on it.
pub(crate) const NON_COORDINATE: &str = "_nc4_non_coord_";

/// Bytes of strings that absent chunks of one variable are written out with.
const ABSENT_STRINGS_LEN_MAX: usize = 256 << 10;

/// A reference set that lacks the bytes of some chunks.
#[derive(Debug)]
pub struct Draft {
    references: ReferenceSet,
    variables: Vec<Variable>,
    skipped: Vec<Skipped>,
    warnings: Vec<Warning>,
    superblock: Superblock,
    url: Arc<str>,
    trace: Trace,
}

impl Draft {
    /// Maps a file. `url` is what references point at.
    #[must_use]
    pub fn new(file: &File, url: &str, options: &ScanOptions) -> Self {
        let url: Arc<str> = url.into();
        let tree = Tree::new(file);
        let dimensions = Dimensions::new(file, &tree);
        let mut draft = Self {
            references: ReferenceSet::new(),
            variables: Vec::new(),
            skipped: tree.skipped.iter().filter(|skipped| options.selects(&skipped.path)).cloned().collect(),
            warnings: dimensions
                .warnings
                .iter()
                .filter(|warning| options.selects(&warning.path))
                .cloned()
                .collect(),
            superblock: file.superblock.clone(),
            url: Arc::clone(&url),
            trace: file.trace.clone(),
        };
        let source = ObjectSource {
            size: Some(file.size),
            etag: file.etag.clone(),
            last_modified: file.last_modified.map(rfc3339),
        };
        draft.references.sources.insert(Arc::clone(&url), source);
        let context = Context { file, url: &url, inline_threshold: options.inline_threshold };
        let errors = draft.errors(file, options);
        for node in &tree.groups {
            let group =
                Group { attributes: attributes(&node.path, &node.group.attributes, &mut draft.warnings) };
            draft.references.groups.insert(node.path.clone(), group);
            for (name, dataset) in &node.datasets {
                if is_dimension_only(dataset) {
                    continue;
                }
                let path = join(&node.path, shown_name(name, &node.datasets));
                if options.selects(&path) {
                    let error = errors.get(dataset.path.as_str()).map(String::as_str);
                    draft.variable(context, path, dataset, dimensions.axes(&node.path, dataset), error);
                }
            }
        }
        draft
    }

    /// Takes over what the reader could not read. Returns the errors of datasets that are there all the same.
    fn errors<'a>(&mut self, file: &'a File, options: &ScanOptions) -> BTreeMap<&'a str, String> {
        let datasets: HashSet<&str> =
            file.datasets().into_iter().map(|dataset| dataset.path.as_str()).collect();
        let mut of_datasets = BTreeMap::new();
        for error in &file.errors {
            let path = error.path.trim_start_matches('/').to_owned();
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
        match variable::variable(context, path.clone(), dataset, axes, kept) {
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
            skipped: self.skipped,
            warnings: self.warnings,
            trace: self.trace,
        };
        let mut rest = bytes;
        let mut decoder = Decoder::new();
        for variable in self.variables {
            let path = variable.path.clone();
            let (mine, others) = rest.split_at_checked(wanted(&variable).count()).unwrap_or((rest, &[]));
            rest = others;
            match decode(variable, mine, &mut decoder, &self.superblock, &self.url) {
                Ok(variable) => decoded.variables.push(variable),
                Err(reason) => decoded.skipped.push(Skipped { path, reason }),
            }
        }
        decoded
    }
}

/// The ranges of one variable: first what is inlined as it is, then what is decoded.
fn wanted(variable: &Variable) -> impl Iterator<Item = ByteRange> + '_ {
    let reworked = variable.rework.iter().filter_map(|rework| match &rework.source {
        Source::Range(range) => Some(*range),
        Source::Bytes(_) => None,
    });
    variable.inline.iter().map(|(_, range)| *range).chain(reworked)
}

/// A reference set that lacks at most strings.
#[derive(Debug)]
pub struct Decoded {
    references: ReferenceSet,
    variables: Vec<DecodedVariable>,
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

    /// Puts the strings in. `objects` holds what could be read of [`Decoded::heap_objects`].
    #[must_use]
    pub fn finish(self, objects: &BTreeMap<GlobalHeapId, Bytes>) -> Scan {
        let Self { mut references, variables, mut skipped, mut warnings, trace } = self;
        for variable in variables {
            let path = variable.variable.path.clone();
            match finish(variable, objects) {
                Ok(array) => {
                    references.arrays.insert(path, array);
                }
                Err(reason) => skipped.push(Skipped { path, reason }),
            }
        }
        skipped.sort();
        skipped.dedup();
        warnings.sort();
        warnings.dedup();
        Scan { references, skipped, warnings, trace }
    }
}

/// Decodes the chunks of one variable; `bytes` are those of its [`wanted`] ranges.
fn decode(
    mut variable: Variable,
    bytes: &[Bytes],
    decoder: &mut Decoder,
    superblock: &Superblock,
    url: &Arc<str>,
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
            Source::Bytes(bytes) => bytes.clone(),
        };
        let mut decoded = Vec::new();
        decoder
            .decode_into(&rework.codecs, &encoded, rework.decoded_len, &mut decoded)
            .map_err(|error| format!("chunk {} cannot be decoded: {}", rework.number, chain(&error)))?;
        let changed = clip(&mut decoded, &rework.chunk_shape, &rework.valid, &rework.fill);
        if variable.meta.data_type.element == ElementType::VlenString {
            let elements = decoded.chunks_exact(rework.fill.len().max(1));
            chunks.push((
                rework.number,
                elements.map(|element| StringId::parse(element, superblock)).collect::<Result<_, _>>()?,
            ));
            continue;
        }
        let chunk = match (&rework.source, rework.keep && !changed) {
            (Source::Range(range), true) => reference(url, *range)?,
            _ => Reference::Inline(encoded_again(&variable, &rework, &decoded)?),
        };
        push(&mut variable.manifest, rework.number, chunk)?;
    }
    let fill_string =
        variable.fill_string.as_ref().map(|element| StringId::parse(element, superblock)).transpose()?;
    Ok(DecodedVariable { variable, strings: chunks, fill_string })
}

fn encoded_again(variable: &Variable, rework: &Rework, decoded: &[u8]) -> Result<Bytes, String> {
    let encoded = rangefold_codec::encode(&variable.meta.codecs, decoded);
    encoded
        .map(Bytes::from)
        .map_err(|error| format!("chunk {} cannot be encoded again: {error}", rework.number))
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
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

/// RFC 3339, in UTC, to the second.
fn rfc3339(time: SystemTime) -> String {
    const DAY: u64 = 86_400;
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (days, second) = (seconds / DAY, seconds % DAY);
    // Civil date from days since 1970, counted from 0000-03-01 in eras of 400 years.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The name of a variable as netCDF shows it.
fn shown_name<'a>(name: &'a str, siblings: &[(&str, &Dataset)]) -> &'a str {
    match name.strip_prefix(NON_COORDINATE) {
        Some(shown)
            if !shown.is_empty()
                && siblings.iter().all(|(other, dataset)| *other != shown || is_dimension_only(dataset)) =>
        {
            shown
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn times_are_written_in_utc() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_700_000_000, "2023-11-14T22:13:20Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
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
