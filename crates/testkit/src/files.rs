//! Where test files are.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The root of the workspace this crate was built in.
fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("crates/testkit lies two levels below the workspace")
}

/// The folder of committed fixtures, `fixtures/` of the workspace.
#[must_use]
pub fn fixtures() -> PathBuf {
    workspace().join("fixtures")
}

/// The folder of real files that are too large to commit: `RANGEFOLD_CORPUS`, or else `../shared/corpus` beside the workspace.
///
/// `None` when it is not there; the caller returns early, and stderr says which test did, also without `--nocapture`.
#[must_use]
pub fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("RANGEFOLD_CORPUS")
        .map_or_else(|| workspace().join("../shared/corpus"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // Written past the macros, whose output the test runner holds back from tests that pass.
    let line = format!("SKIPPED {test}: no corpus at {} (set RANGEFOLD_CORPUS)\n", folder.display());
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
    None
}
/// All files below a folder, sorted by path.
///
/// # Panics
///
/// If the folder cannot be read.
#[must_use]
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries =
            std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}
