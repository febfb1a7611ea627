//! Every well-formed file of the corpus, read by this crate and by `hdf5-reader`. Where the two contradict each other,
//! one of them is wrong: a known fault of the other explains it, or the test fails.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

#[path = "support/folders.rs"]
mod folders;
#[path = "support/peer.rs"]
mod peer;

use std::collections::{BTreeMap, HashSet};

use folders::files;
use hdf5_reader::Hdf5File;
use hdf5_reader::group::Group;
use rangefold_hdf5::model::{ChunkIndexKind, Dataset, Dataspace, Layout};
use rangefold_hdf5::{Options, read_slice};
use rangefold_testkit::corpus;

use peer::PeerChunk;

/// A fault of `hdf5-reader` 0.12.1, and which datasets it touches.
struct Fault {
    name: &'static str,
    touches: fn(&Dataset) -> bool,
}

const FAULTS: [Fault; 1] = [Fault {
    name: "fixed arrays are numbered over the current extent instead of the maximum",
    touches: |dataset| index(dataset) == Some(ChunkIndexKind::FixedArray) && can_grow(dataset),
}];

fn index(dataset: &Dataset) -> Option<ChunkIndexKind> {
    match &dataset.layout {
        Layout::Chunked(chunked) => Some(chunked.index),
        _ => None,
    }
}

/// Whether a dimension has a limit that it has not reached.
fn can_grow(dataset: &Dataset) -> bool {
    match &dataset.space {
        Dataspace::Simple { shape, max_shape } => {
            shape.iter().zip(max_shape).any(|(extent, max)| max.is_some_and(|max| max > *extent))
        }
        _ => false,
    }
}

/// The datasets of the groups that the other reader can list, by path. Each group is entered once: links make circles.
fn peer_datasets(file: &Hdf5File) -> BTreeMap<String, hdf5_reader::Dataset> {
    let mut found = BTreeMap::new();
    let mut entered = HashSet::new();
    let mut waiting: Vec<(String, Group)> =
        file.root_group().map(|root| (String::new(), root)).into_iter().collect();
    while let Some((path, group)) = waiting.pop() {
        if !entered.insert(group.address()) {
            continue;
        }
        let Ok((groups, datasets)) = group.members() else { continue };
        let below = |name: &str| format!("{path}/{name}");
        found.extend(datasets.into_iter().map(|dataset| (below(dataset.name()), dataset)));
        waiting.extend(groups.into_iter().map(|group| (below(group.name()), group)));
    }
    found
}

/// The table of this crate in the words of the other, without an order.
fn our_chunks(dataset: &Dataset) -> Option<Vec<PeerChunk>> {
    let Layout::Chunked(chunked) = &dataset.layout else { return None };
    let table = chunked.chunks.as_ref()?;
    let chunk = |chunk: rangefold_hdf5::chunk_table::Chunk| PeerChunk {
        offset: table
            .grid()
            .position(chunk.number)
            .unwrap()
            .iter()
            .zip(&chunked.chunk_shape)
            .map(|(index, extent)| index * extent)
            .collect(),
        address: chunk.range.offset,
        length: chunk.range.length,
        filter_mask: chunk.filter_mask,
    };
    Some(table.iter().map(chunk).collect())
}

#[test]
fn another_reader_finds_the_same_chunks() {
    let Some(corpus) = corpus() else { return };
    let (mut compared, mut refused, mut unexplained) = (0, 0, Vec::new());
    let mut explained: BTreeMap<&str, usize> = BTreeMap::new();
    for path in files(&corpus.join("files")) {
        let bytes = std::fs::read(&path).unwrap();
        let Ok(ours) = read_slice(&bytes, &Options::default()) else { continue };
        let Ok(theirs) = Hdf5File::from_bytes(&bytes) else {
            refused += 1;
            continue;
        };
        for (name, peer_dataset) in &peer_datasets(&theirs) {
            let Some(dataset) = ours.get(name).and_then(|object| object.as_dataset()) else { continue };
            let Some(our_chunks) = our_chunks(dataset) else { continue };
            let Ok(Some(mut their_chunks)) = peer::chunks(&theirs, peer_dataset) else {
                refused += 1;
                continue;
            };
            let shape = dataset.shape().unwrap_or_default();
            // The low-level functions of the other reader leave it to the caller to drop what a shrunk dataset left.
            their_chunks
                .retain(|chunk| chunk.offset.iter().zip(shape).all(|(offset, extent)| offset < extent));
            their_chunks.sort();
            compared += 1;
            if our_chunks == their_chunks && shape == peer_dataset.shape() {
                continue;
            }
            match FAULTS.iter().find(|fault| (fault.touches)(dataset)) {
                Some(fault) => *explained.entry(fault.name).or_default() += 1,
                None => {
                    let (path, kind) = (path.display(), index(dataset));
                    unexplained.push(format!(
                        "{path} {name} {kind:?}: {our_chunks:?} but theirs are {their_chunks:?}"
                    ));
                }
            }
        }
    }
    println!("{compared} tables compared, {refused} files or tables the other reader refuses");
    for (fault, count) in explained {
        println!("{count} times: {fault}");
    }
    assert!(compared > 0, "no table was compared");
    assert!(unexplained.is_empty(), "{} contradictions:\n{}", unexplained.len(), unexplained.join("\n"));
}
