//! Scanning a file on disk, and reading arrays back through their references.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use object_store::local::LocalFileSystem;
use rangefold_array::{ByteOrder, ElementType};
use rangefold_codec::Decoder;
use rangefold_refs::{ManifestArray, Reference};
use rangefold_scan::{Scan, ScanError, ScanOptions, scan};

/// What references point at.
pub(crate) const URL: &str = "s3://bucket/file.nc";

/// Scans a file on disk.
pub(crate) async fn scan_file(path: &Path, options: &ScanOptions) -> Result<Scan, ScanError> {
    let store = Arc::new(LocalFileSystem::new_with_prefix(path.parent().unwrap()).unwrap());
    let name = path.file_name().unwrap().to_str().unwrap();
    scan(store, &object_store::path::Path::parse(name).unwrap(), URL, options).await
}

/// Every file under `folder`, in order.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// The bytes of a file on disk and of those beside it, by what references say.
pub(crate) struct Objects {
    folder: PathBuf,
    name: String,
    read: RefCell<BTreeMap<String, Rc<Vec<u8>>>>,
}

impl Objects {
    /// The file at `path` is what [`URL`] means.
    pub(crate) fn new(path: &Path) -> Self {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        Self { folder: path.parent().unwrap().to_owned(), name, read: RefCell::default() }
    }

    fn get(&self, url: &str) -> Rc<Vec<u8>> {
        let read = || {
            let name = if url == URL { &self.name } else { url.strip_prefix("s3://bucket/").unwrap() };
            Rc::new(std::fs::read(self.folder.join(name)).unwrap())
        };
        Rc::clone(self.read.borrow_mut().entry(url.to_owned()).or_insert_with(read))
    }
}

/// The first `shape` elements along each axis of `array`, row-major and little-endian, read as any reader of references
/// would: absent chunks are the fill value, or zeros if that is null. `None` for strings of variable length.
pub(crate) fn elements(array: &ManifestArray, objects: &Objects, shape: &[u64]) -> Option<Vec<u8>> {
    let element_len = array.meta.data_type.size()?;
    let grid = &array.meta.grid;
    let chunk_shape = grid.regular_chunk_shape().unwrap();
    let chunk_len = element_len * usize::try_from(chunk_shape.iter().product::<u64>()).unwrap();
    let count = usize::try_from(shape.iter().product::<u64>()).unwrap();
    let mut out = vec![0; count * element_len];
    if out.is_empty() {
        return Some(out);
    }
    let mut decoder = Decoder::new();
    for number in 0..grid.chunk_count() {
        let index = grid.index(number).unwrap();
        let origin: Vec<u64> = index.iter().zip(&chunk_shape).map(|(index, length)| index * length).collect();
        if origin.iter().zip(shape).any(|(origin, length)| origin >= length) {
            continue;
        }
        let chunk = match array.manifest.get(number) {
            None => {
                let fill = array.meta.fill_value.as_ref();
                fill.map_or_else(|| vec![0; chunk_len], |fill| fill.0.repeat(chunk_len / element_len))
            }
            Some(reference) => {
                let encoded = match &reference {
                    Reference::Inline(bytes) => bytes.to_vec(),
                    Reference::Range { url, range } => {
                        let range = range.offset()..range.end();
                        let place = |n| usize::try_from(n).unwrap();
                        objects.get(url)[place(range.start)..place(range.end)].to_vec()
                    }
                    Reference::Whole { url } => objects.get(url).to_vec(),
                };
                let decoded = decoder.decode(&array.meta.codecs, &encoded, chunk_len);
                let mut decoded =
                    decoded.unwrap_or_else(|error| panic!("chunk {number}: {error:?}")).to_vec();
                little_endian(&mut decoded, element_len, array);
                decoded
            }
        };
        place(&chunk, &chunk_shape, &origin, shape, element_len, &mut out);
    }
    Some(out)
}

/// Copies the part of `chunk` that lies in `shape`, one element at a time.
fn place(
    chunk: &[u8],
    chunk_shape: &[u64],
    origin: &[u64],
    shape: &[u64],
    element_len: usize,
    out: &mut [u8],
) {
    let mut position = vec![0; shape.len()];
    for element in chunk.chunks_exact(element_len) {
        let target: Vec<u64> = origin.iter().zip(&position).map(|(origin, within)| origin + within).collect();
        if target.iter().zip(shape).all(|(target, length)| target < length) {
            let number =
                target.iter().zip(shape).fold(0, |number, (target, length)| number * length + target);
            let at = usize::try_from(number).unwrap() * element_len;
            out[at..at + element_len].copy_from_slice(element);
        }
        for (index, length) in position.iter_mut().zip(chunk_shape).rev() {
            *index += 1;
            if *index < *length {
                break;
            }
            *index = 0;
        }
    }
}

fn little_endian(bytes: &mut [u8], element_len: usize, array: &ManifestArray) {
    let data_type = &array.meta.data_type;
    if data_type.order == ByteOrder::Big {
        let complex = matches!(data_type.element, ElementType::Complex64 | ElementType::Complex128);
        bytes.chunks_mut(if complex { element_len / 2 } else { element_len }).for_each(<[u8]>::reverse);
    }
}
