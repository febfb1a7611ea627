//! Outputs in a local folder.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempDir};

use super::{Existing, TreeKind, WriteProblem};

/// How the names of files and folders begin that are not complete yet.
const ASIDE: &str = ".rangefold-";

/// What a folder of that kind holds while somebody writes it.
const LOCK: &str = "lock";

/// Bytes written between two moments at which a caller can give up.
const PIECE_LEN: usize = 8 << 20;

/// The file that `path` means: itself, or what a symbolic link at `path` leads to.
///
/// # Errors
///
/// It exists and may not be replaced, is something other than a file, or nothing can be created beside it.
pub(super) fn file_target(path: &Path, existing: Existing) -> Result<PathBuf, WriteProblem> {
    let Some(found) = look(path)? else { return absent(path) };
    if found.is_dir() {
        return Err(WriteProblem::refused("it is a folder, and one file is to be written"));
    }
    if !found.is_file() {
        return Err(WriteProblem::refused(format!("it is {}, not a regular file", special(found))));
    }
    match existing {
        Existing::Keep => Err(WriteProblem::Exists),
        Existing::Replace => {
            let target = path.canonicalize()?;
            probe(parent(&target))?;
            Ok(target)
        }
    }
}

/// The folder that `path` means, and whether it exists.
///
/// # Errors
///
/// It exists and may not be replaced, holds something that does not belong to a tree of this kind, is a file, or
/// nothing can be created beside it.
pub(super) fn folder_target(
    path: &Path,
    kind: &TreeKind,
    existing: Existing,
) -> Result<(PathBuf, bool), WriteProblem> {
    let Some(found) = look(path)? else { return Ok((absent(path)?, false)) };
    if !found.is_dir() {
        let what = if found.is_file() { "a file" } else { special(found) };
        return Err(WriteProblem::refused(format!("it is {what}, and a folder is to be written")));
    }
    if existing == Existing::Keep && fs::read_dir(path)?.next().is_some() {
        return Err(WriteProblem::Exists);
    }
    let target = path.canonicalize()?;
    if let Some(stranger) = stranger(&target, "", kind)? {
        return Err(WriteProblem::refused(format!(
            "it exists and holds {stranger:?}, which is not part of a {}, so it is not replaced",
            kind.what
        )));
    }
    probe(parent(&target))?;
    Ok((target, true))
}

/// What is at `path`, symbolic links followed; `None` if nothing is.
fn look(path: &Path) -> Result<Option<fs::FileType>, WriteProblem> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.file_type())),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            match fs::symlink_metadata(path) {
                Ok(_) => Err(WriteProblem::refused("it is a symbolic link that leads nowhere")),
                Err(_) => Ok(None),
            }
        }
        Err(error) => Err(error.into()),
    }
}

/// `path`, if something can be created in the folder above it, or in the nearest one above that exists.
fn absent(path: &Path) -> Result<PathBuf, WriteProblem> {
    let nearest = path.ancestors().skip(1).find(|above| fs::symlink_metadata(above).is_ok());
    let nearest = nearest.unwrap_or(Path::new("/"));
    if !nearest.is_dir() {
        return Err(WriteProblem::refused(format!("{} is not a folder", nearest.display())));
    }
    probe(nearest)?;
    Ok(path.to_owned())
}

/// Whether files can be created in `folder`.
fn probe(folder: &Path) -> Result<(), WriteProblem> {
    match tempfile::tempfile_in(folder) {
        Ok(_) => Ok(()),
        Err(error) => {
            let cause = error.to_string();
            let cause = cause.split(" at path").next().unwrap_or(&cause);
            Err(WriteProblem::refused(format!("no file can be created in {}: {cause}", folder.display())))
        }
    }
}

fn special(found: fs::FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if found.is_char_device() || found.is_block_device() {
            return "a device";
        }
        if found.is_fifo() {
            return "a pipe";
        }
        if found.is_socket() {
            return "a socket";
        }
    }
    let _ = found;
    "a special file"
}

/// The name of a file below `folder` that does not belong to a tree of this kind.
fn stranger(folder: &Path, name: &str, kind: &TreeKind) -> Result<Option<String>, WriteProblem> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let own = entry.file_name();
        let own = own.to_string_lossy();
        let full = if name.is_empty() { own.clone().into_owned() } else { format!("{name}/{own}") };
        let found = entry.file_type()?;
        if found.is_dir() {
            if let Some(stranger) = stranger(&entry.path(), &full, kind)? {
                return Ok(Some(stranger));
            }
        } else if !found.is_file() || !(kind.is_part)(&full) {
            return Ok(Some(full));
        }
    }
    Ok(None)
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Locks what was just created, so that nobody takes it for left behind; `false` if somebody has.
fn claim(file: &fs::File, path: &Path) -> bool {
    // Where the file system knows no locks nothing is ever taken for left behind.
    let _ = file.try_lock();
    path.exists()
}

/// Removes what writers have left in `folder` that were killed: nobody holds its lock any more.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if !entry.file_name().to_string_lossy().starts_with(ASIDE) {
            continue;
        }
        let is_folder = path.is_dir();
        let lock = if is_folder { path.join(LOCK) } else { path.clone() };
        if fs::File::open(lock).is_ok_and(|file| file.try_lock().is_ok()) {
            // What cannot be removed stays: it is in nobody's way.
            let _ = if is_folder { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        }
    }
}

/// Writes a file beside `path` and renames it.
pub(super) async fn write(path: &Path, bytes: &[u8], existing: Existing) -> Result<(), WriteProblem> {
    let (mut aside, target) = begin(path, existing)?;
    for piece in bytes.chunks(PIECE_LEN) {
        aside.write_all(piece)?;
        tokio::task::yield_now().await;
    }
    finish(aside, &target, existing)
}

/// Creates a hidden file beside the one that `path` means, which comes second.
pub(super) fn begin(path: &Path, existing: Existing) -> Result<(NamedTempFile, PathBuf), WriteProblem> {
    let target = file_target(path, existing)?;
    fs::create_dir_all(parent(&target))?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(ASIDE);
    #[cfg(unix)]
    let permissions = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666);
    #[cfg(unix)]
    builder.permissions(permissions);
    sweep(parent(&target));
    loop {
        let aside = builder.tempfile_in(parent(&target))?;
        if claim(aside.as_file(), aside.path()) {
            return Ok((aside, target));
        }
    }
}

/// Puts a file in its place.
pub(super) fn finish(aside: NamedTempFile, target: &Path, existing: Existing) -> Result<(), WriteProblem> {
    let renamed = match existing {
        Existing::Keep => aside.persist_noclobber(target),
        Existing::Replace => aside.persist(target),
    };
    match renamed {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Err(WriteProblem::Exists),
        Err(error) => Err(error.error.into()),
    }
}

/// A folder that is being filled beside the one it will become.
pub(super) struct Folder {
    /// Removed when dropped, with whatever is still in it.
    aside: TempDir,
    /// Tells that somebody is still writing.
    _lock: fs::File,
    target: PathBuf,
    replaces: bool,
}

impl Folder {
    pub(super) fn new(path: &Path, kind: &TreeKind, existing: Existing) -> Result<Self, WriteProblem> {
        let (target, replaces) = folder_target(path, kind, existing)?;
        fs::create_dir_all(parent(&target))?;
        sweep(parent(&target));
        let (aside, lock) = loop {
            let aside = tempfile::Builder::new().prefix(ASIDE).tempdir_in(parent(&target))?;
            let lock = fs::File::create_new(aside.path().join(LOCK))?;
            if claim(&lock, aside.path()) {
                break (aside, lock);
            }
        };
        let folder = Self { aside, _lock: lock, target, replaces };
        fs::create_dir(folder.fresh())?;
        Ok(folder)
    }

    fn fresh(&self) -> PathBuf {
        self.aside.path().join("new")
    }

    pub(super) async fn put(&self, name: &str, bytes: &[u8]) -> Result<(), WriteProblem> {
        let path = self.fresh().join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = fs::File::create_new(path)?;
        for piece in bytes.chunks(PIECE_LEN) {
            file.write_all(piece)?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Puts the new folder in the place of the old one, which goes with the folder aside.
    pub(super) fn finish(self) -> Result<(), WriteProblem> {
        let fresh = self.fresh();
        if !self.replaces {
            return Ok(fs::rename(fresh, &self.target)?);
        }
        if exchange(&fresh, &self.target)? {
            return Ok(());
        }
        let old = self.aside.path().join("old");
        fs::rename(&self.target, &old)?;
        if let Err(error) = fs::rename(&fresh, &self.target) {
            fs::rename(&old, &self.target)?;
            return Err(error.into());
        }
        Ok(())
    }
}

/// Exchanges two folders in one step; `false` if the file system cannot.
#[cfg(target_os = "linux")]
fn exchange(fresh: &Path, target: &Path) -> Result<bool, WriteProblem> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, fresh, CWD, target, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        Err(Errno::INVAL | Errno::NOSYS | Errno::XDEV | Errno::OPNOTSUPP) => Ok(false),
        Err(error) => Err(std::io::Error::from(error).into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn exchange(_: &Path, _: &Path) -> Result<bool, WriteProblem> {
    Ok(false)
}
