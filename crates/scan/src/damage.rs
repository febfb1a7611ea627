//! What a damaged file could not give, as opposed to what references cannot say.

use std::collections::{BTreeMap, HashSet};

use rangefold_hdf5::model::{Dataset, File, Layout};
use rangefold_hdf5::{ByteRange, Error, Problem};
use rangefold_refs::NodePath;

use crate::ScanOptions;
use crate::shown::shown_path;
use crate::tree::Tree;

/// What is lost, by path, with why. The empty path is the file itself.
pub(crate) fn lost(file: &File, tree: &Tree<'_>, options: &ScanOptions) -> BTreeMap<NodePath, String> {
    let mut lost = BTreeMap::new();
    if let Some(reason) = cut_off(file) {
        lost.insert(NodePath::new(), reason);
    }
    let datasets: HashSet<&str> = file.datasets().into_iter().map(|dataset| dataset.path.as_str()).collect();
    for error in file.errors.iter().filter(|error| is_damage(&error.error)) {
        let path = shown_path(&error.path);
        if datasets.contains(error.path.as_str()) && !options.selects(&path) {
            continue;
        }
        let reason = match &error.attribute {
            Some(name) => format!("attribute {name:?}: {}", error.error),
            None => error.error.to_string(),
        };
        lost.entry(path).or_insert(reason);
    }
    for (_, path, dataset) in tree.variables().filter(|(_, path, _)| options.selects(path)) {
        if let Some(reason) = past_end(dataset, file.size) {
            lost.entry(path).or_insert(reason);
        }
    }
    lost
}

/// Why a file is known to be cut off.
pub(crate) fn cut_off(file: &File) -> Option<String> {
    let end = file.superblock.end_of_file.filter(|&end| end > file.size)?;
    Some(format!("the file is cut off: it says that it has {end} bytes, and there are {}", file.size))
}

/// Whether an error means that bytes are not those that were written.
fn is_damage(error: &Error) -> bool {
    match error.problem {
        Problem::Truncated { .. } | Problem::Malformed(_) | Problem::Checksum { .. } => true,
        // What this reader does not read may be whole.
        _ => false,
    }
}

/// The first chunk of a dataset that lies past the end of the file.
fn past_end(dataset: &Dataset, size: u64) -> Option<String> {
    let is_past = |range: &ByteRange| range.offset.checked_add(range.length).is_none_or(|end| end > size);
    let range = match &dataset.layout {
        Layout::Contiguous { range } => range.filter(is_past)?,
        Layout::Chunked(layout) => {
            let chunks = layout.chunks.as_ref()?;
            chunks.iter().map(|chunk| chunk.range).find(is_past)?
        }
        Layout::Compact { .. } | Layout::External { .. } | Layout::Virtual { .. } => return None,
    };
    Some(format!("bytes {}..{} are past the end of the file, which has {size}", range.offset, range.end()))
}
