//! Every kind of chunk index, against tables that were made by reading each chunk.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rangefold_hdf5::model::Layout;
use rangefold_hdf5::{File, Options, read_slice};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// A line for each chunked dataset: name, shape, chunk shape, and number, address, length and filter mask of each chunk.
fn tables(file: &File) -> String {
    let list = |numbers: &[u64]| numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
    let mut text = String::new();
    for dataset in file.datasets() {
        let Layout::Chunked(chunked) = &dataset.layout else { continue };
        let name = dataset.path.trim_start_matches('/');
        write!(text, "{name} {} {}", list(dataset.shape().unwrap()), list(&chunked.chunk_shape)).unwrap();
        for chunk in chunked.chunks.as_ref().unwrap().iter() {
            let (range, mask) = (chunk.range, chunk.filter_mask);
            write!(text, " {}:{}:{}:{mask}", chunk.number, range.offset, range.length).unwrap();
        }
        text.push('\n');
    }
    text
}

fn check(name: &str) {
    let bytes = std::fs::read(data(&format!("{name}.h5"))).unwrap();
    let file = read_slice(&bytes, &Options::default()).unwrap();
    let errors: Vec<_> = file.errors.iter().map(ToString::to_string).collect();
    assert_eq!(errors, Vec::<String>::new());
    let expected = std::fs::read_to_string(data(&format!("{name}.txt"))).unwrap();
    for (found, expected) in tables(&file).lines().zip(expected.lines()) {
        assert_eq!(found, expected, "{name}");
    }
    assert_eq!(tables(&file).lines().count(), expected.lines().count());
}

#[test]
fn chunks_are_where_they_read_with_a_version_1_btree() {
    check("chunk_indexes_v1");
}

#[test]
fn chunks_are_where_they_read_whichever_dimension_is_unlimited() {
    check("chunk_indexes_v4");
}

#[test]
fn chunks_are_where_they_read_with_a_version_5_layout_message() {
    check("chunk_indexes_v5");
}

#[test]
fn chunks_are_where_they_read_in_paged_arrays_with_pages_missing() {
    check("chunk_indexes_paged");
}
