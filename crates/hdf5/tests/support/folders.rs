//! The files of a folder.

use std::path::{Path, PathBuf};

/// Every file below `folder`, in order.
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

/// Whether a file's name says it is HDF5.
#[allow(dead_code, reason = "not every test that includes this needs it")]
pub(crate) fn is_hdf5(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "h5" || extension == "nc")
}
