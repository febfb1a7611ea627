//! A folder of objects that appears whole or not at all.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// Objects by relative path. The last one makes the others visible: a Zarr store without it is no store.
#[derive(Debug)]
pub(crate) struct Tree {
    /// Paths with `/`, and contents; the metadata of the root is last.
    pub(crate) objects: Vec<(String, Vec<u8>)>,
}

/// What the root of a Zarr store holds: only a folder with one of them is ever replaced.
const STORE_MARKS: [&str; 3] = ["zarr.json", ".zgroup", ".zarray"];

impl Tree {
    /// Writes the objects below the folder `path`: aside first, then under its name in one step.
    ///
    /// # Errors
    ///
    /// `path` exists and `overwrite` is false, it is there but no Zarr store, or the disk refuses. What was there
    /// stays as it was.
    pub(crate) fn save(&self, path: &Path, overwrite: bool) -> Result<()> {
        self.save_inner(path, overwrite).with_context(|| format!("cannot write {}", path.display()))
    }

    fn save_inner(&self, path: &Path, overwrite: bool) -> Result<()> {
        let mut folder = Folder::begin(path, overwrite)?;
        for (name, content) in &self.objects {
            folder.put(name, content)?;
        }
        folder.publish()
    }
}

/// A folder that is being written beside its place.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    existing: bool,
    /// Removed when dropped, with whatever is still in it.
    aside: tempfile::TempDir,
}

impl Folder {
    /// An empty folder that will stand at `path`.
    ///
    /// # Errors
    ///
    /// As [`Tree::save`].
    pub(crate) fn begin(path: &Path, overwrite: bool) -> Result<Self> {
        let existing = match fs::symlink_metadata(path) {
            Ok(_) if !overwrite => bail!("it exists already; --overwrite replaces it"),
            Ok(_) if !STORE_MARKS.iter().any(|mark| path.join(mark).is_file()) => {
                bail!("it exists and is no Zarr store, so it is not replaced");
            }
            Ok(_) => true,
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(error) => return Err(error.into()),
        };
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent)?;
        let aside = tempfile::Builder::new().prefix(".rangefold-").tempdir_in(parent)?;
        fs::create_dir(aside.path().join("new"))?;
        Ok(Self { path: path.to_owned(), existing, aside })
    }

    /// Adds an object.
    ///
    /// # Errors
    ///
    /// Its name leads out of the folder, or the disk refuses.
    pub(crate) fn put(&mut self, name: &str, content: &[u8]) -> Result<()> {
        let target = join(&self.aside.path().join("new"), name)?;
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(fs::write(target, content)?)
    }

    /// Puts the folder in its place, in one step.
    ///
    /// # Errors
    ///
    /// The disk refuses; what was there stays as it was.
    pub(crate) fn publish(self) -> Result<()> {
        let Self { path, existing, aside } = self;
        let (fresh, old) = (aside.path().join("new"), aside.path().join("old"));
        if existing {
            fs::rename(&path, &old)?;
        }
        if let Err(error) = fs::rename(&fresh, &path) {
            if existing {
                fs::rename(&old, &path).context("what was there could not be put back")?;
            }
            return Err(error.into());
        }
        Ok(())
    }
}

/// `root` and the parts of `name`, none of which may lead out of it.
fn join(root: &Path, name: &str) -> Result<PathBuf> {
    if name.split('/').any(|part| part.is_empty() || part == "." || part == ".." || part.contains('\\')) {
        bail!("{name:?} is no name of an object in a folder");
    }
    Ok(root.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Tree {
        let objects = [("a/c/0", text), ("zarr.json", "{}")];
        Tree { objects: objects.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).into() }
    }

    #[test]
    fn a_folder_appears_with_everything_in_it_and_nothing_beside_it() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("deep/out.zarr");
        tree("one").save(&path, false).unwrap();
        assert_eq!(fs::read_to_string(path.join("a/c/0")).unwrap(), "one");
        assert_eq!(fs::read_dir(root.path().join("deep")).unwrap().count(), 1);
    }

    #[test]
    fn what_exists_stays_unless_it_may_be_replaced() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("out.zarr");
        tree("one").save(&path, false).unwrap();
        let error = tree("two").save(&path, false).unwrap_err();
        assert!(format!("{error:#}").ends_with("it exists already; --overwrite replaces it"));
        assert_eq!(fs::read_to_string(path.join("a/c/0")).unwrap(), "one");
        tree("two").save(&path, true).unwrap();
        assert_eq!(fs::read_to_string(path.join("a/c/0")).unwrap(), "two");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_of_something_else_is_never_replaced() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("thesis.tex"), "words").unwrap();
        let error = tree("one").save(root.path(), true).unwrap_err();
        assert!(format!("{error:#}").ends_with("it exists and is no Zarr store, so it is not replaced"));
        assert!(root.path().join("thesis.tex").exists());
    }

    #[test]
    fn a_failure_leaves_nothing_behind() {
        let root = tempfile::tempdir().unwrap();
        let mut bad = tree("one");
        bad.objects.push(("../out".into(), Vec::new()));
        assert!(bad.save(&root.path().join("out.zarr"), false).is_err());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }
}
