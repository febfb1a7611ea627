//! Whether references hold: every object is there and unchanged, every range lies in it, chunks decode.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt as _;
use rangefold_array::ChunkKey;
use rangefold_codec::{Decoder, strings};
use rangefold_refs::{ManifestArray, NodePath, Reference};

use crate::ReferenceStore;

/// Decoded strings of one chunk may take this many bytes: their frame does not say how long it should be.
pub const STRINGS_MAX: usize = 1 << 30;

/// Which chunks are fetched and decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sample {
    /// None: only the objects and the ranges are looked at.
    Nothing,
    /// The first, the middle and the last chunk of each array.
    #[default]
    Some,
    /// Every chunk.
    All,
}

/// What a store says of how much there was when it was written.
#[derive(Clone, Copy, Debug)]
pub enum Extent<'a> {
    /// References of each array.
    Each(&'a BTreeMap<NodePath, u64>),
    /// It says so, and has been held against it while it was read.
    Told,
    /// Nothing.
    Unknown,
}

/// What was looked at, and what was found wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// References looked at.
    pub references: u64,
    /// Distinct objects they refer to.
    pub objects: u64,
    /// Chunks fetched and decoded.
    pub decoded: u64,
    /// Arrays that have chunks of which none is stored, as the store says: all of them is the fill value.
    pub unstored: Vec<NodePath>,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The array or the object.
    pub subject: String,
    /// What is wrong with it.
    pub problem: String,
}

impl ReferenceStore {
    /// Looks at all references. `extent` is what the store says of how much there was when it was written.
    pub async fn check(&self, sample: Sample, extent: Extent<'_>) -> Report {
        let mut report = Report::default();
        self.compare(extent, &mut report);
        let sizes = self.sizes(&mut report).await;
        for (path, array) in &self.references().arrays {
            for (number, reference) in array.manifest.iter() {
                report.references += 1;
                let Reference::Range { url, range } = reference else { continue };
                if let Some(&size) = sizes.get(&url).filter(|&&size| range.end() > size) {
                    let chunk = key(array, number);
                    let problem = format!("chunk {chunk} is bytes {range} of {url}, which has only {size}");
                    report.findings.push(Finding { subject: path.clone(), problem });
                }
            }
            self.decode(path, array, sample, &mut report).await;
        }
        for (path, error) in &self.references().unreadable {
            report.findings.push(Finding { subject: path.clone(), problem: error.to_string() });
        }
        report
    }

    /// Compares what is there with what there was.
    fn compare(&self, extent: Extent<'_>, report: &mut Report) {
        let set = self.references();
        if set.arrays.is_empty() && set.unreadable.is_empty() {
            let problem = "there is no array: there is nothing to check".to_owned();
            report.findings.push(Finding { subject: "/".to_owned(), problem });
        }
        for (path, reason) in &set.lost {
            let subject = if path.is_empty() { "/".to_owned() } else { path.clone() };
            let problem = format!("lost when a damaged file was scanned: {reason}");
            report.findings.push(Finding { subject, problem });
        }
        for (path, array) in &set.arrays {
            let found = array.manifest.len() as u64;
            let none = found == 0 && array.meta.grid.chunk_count() > 0;
            let problem = match extent {
                Extent::Each(counts) => match counts.get(path) {
                    Some(&written) if written != found => {
                        Some(format!("{written} references were written, and {found} are there"))
                    }
                    Some(_) => None,
                    None => Some("it was not in the store when that was written".to_owned()),
                },
                Extent::Told => None,
                Extent::Unknown => none.then(|| {
                    "none of its chunks is there, so that all of it reads as its fill value: never written, or lost".to_owned()
                }),
            };
            match problem {
                Some(problem) => report.findings.push(Finding { subject: path.clone(), problem }),
                None if none => report.unstored.push(path.clone()),
                None => {}
            }
        }
        if let Extent::Each(counts) = extent {
            for path in counts
                .keys()
                .filter(|path| !set.arrays.contains_key(*path) && !set.unreadable.contains_key(*path))
            {
                let problem = "it was in the store when that was written, and is gone".to_owned();
                report.findings.push(Finding { subject: path.clone(), problem });
            }
        }
    }

    /// The size of every object; one that cannot be reached or has changed is a finding.
    async fn sizes(&self, report: &mut Report) -> BTreeMap<Arc<str>, u64> {
        let arrays = self.references().arrays.values();
        let mut urls: Vec<Arc<str>> = arrays.flat_map(|array| array.manifest.urls()).cloned().collect();
        urls.sort_unstable();
        urls.dedup();
        report.objects = urls.len() as u64;
        let concurrency = self.shared.options.concurrency.max(1);
        let mut heads = futures::stream::iter(urls)
            .map(|url| async move { (self.shared.head(&url).await, url) })
            .buffered(concurrency);
        let mut sizes = BTreeMap::new();
        while let Some((size, url)) = heads.next().await {
            match size {
                Ok(size) => {
                    sizes.insert(url, size);
                }
                Err(problem) => {
                    report.findings.push(Finding { subject: url.to_string(), problem: problem.to_string() });
                }
            }
        }
        sizes
    }

    async fn decode(&self, path: &str, array: &ManifestArray, sample: Sample, report: &mut Report) {
        let count = array.manifest.len();
        let rows: Vec<usize> = match sample {
            Sample::Nothing => Vec::new(),
            Sample::All => (0..count).collect(),
            Sample::Some => {
                let mut rows: Vec<usize> =
                    [0, count / 2, count.saturating_sub(1)].into_iter().filter(|&r| r < count).collect();
                rows.dedup();
                rows
            }
        };
        let chosen: Vec<(u64, Reference)> = array
            .manifest
            .iter()
            .enumerate()
            .filter(|(row, _)| rows.binary_search(row).is_ok())
            .map(|(_, r)| r)
            .collect();
        let references: Vec<Reference> = chosen.iter().map(|(_, reference)| reference.clone()).collect();
        let mut fetched = self.fetch(references);
        let mut decoder = Decoder::new();
        for (number, _) in &chosen {
            let Some((_, bytes)) = fetched.next().await else { break };
            let problem = match bytes {
                Ok(bytes) => undecodable(array, *number, &bytes, &mut decoder),
                Err(error) => Some(format!("{error}: {}", error.problem)),
            };
            match problem {
                None => report.decoded += 1,
                Some(problem) => {
                    let problem = format!("chunk {}: {problem}", key(array, *number));
                    report.findings.push(Finding { subject: path.to_owned(), problem });
                }
            }
        }
    }
}

/// Why a chunk does not decode to what its array says.
fn undecodable(array: &ManifestArray, number: u64, bytes: &[u8], decoder: &mut Decoder) -> Option<String> {
    let meta = &array.meta;
    let index = meta.grid.index(number)?;
    if meta.data_type.size().is_none() {
        let elements = meta.grid.chunk_len(&index)?;
        let texts = match decoder.decode_strings(&meta.codecs, bytes, STRINGS_MAX).and_then(strings) {
            Ok(texts) => texts.len() as u64,
            Err(error) => return Some(error.to_string()),
        };
        return (texts != elements).then(|| format!("{texts} strings for {elements} elements"));
    }
    let length = meta.decoded_chunk_len(&index).and_then(|n| usize::try_from(n).ok())?;
    decoder.decode(meta.element_codecs(), bytes, length).err().map(|error| error.to_string())
}

fn key(array: &ManifestArray, number: u64) -> String {
    array.meta.grid.index(number).map_or_else(|| number.to_string(), |index| ChunkKey::new(index).to_string())
}
