//! `cargo xtask fixtures`: writes `fixtures/` with the scripts of `xtask/fixtures`, and checks it without them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::workspace::{Outcome, metadata, report, root, run};

/// The scripts in the order they run. Each gets the folder to work on.
///
/// h5py and netCDF4 bring an HDF5 library each, so no script loads both.
const SCRIPTS: &[&str] = &[
    "write_storage.py",
    "write_model.py",
    "write_netcdf.py",
    "forget_times.py",
    "oracle_hdf5.py",
    "oracle_netcdf.py",
    "reductions.py",
    "windows.py",
    "kerchunk_goldens.py",
];

/// What the writer scripts leave behind: path → `{shows, written_by}`.
const CATALOGUES: &[&str] =
    &[".write_storage.catalogue.json", ".write_model.catalogue.json", ".write_netcdf.catalogue.json"];

const MANIFEST: &str = "MANIFEST.json";

/// Kept by hand, so neither written nor listed.
const README: &str = "README.md";

/// Endings of the answers beside a fixture, and what they hold. The longest come first.
const ANSWERS: &[(&str, &str)] = &[
    (".reductions.json", "NumPy's reductions over chosen axes and selections"),
    (".windows.json", "xarray's resampling and rolling windows"),
    (".kerchunk.json", "kerchunk's references, checked against the values"),
    (".json", "what h5py and netCDF4-python find"),
];

/// Writes every fixture anew and replaces `fixtures/` with them.
///
/// # Errors
///
/// If Python or one of its packages is not to be had, or a script fails; `fixtures/` is then as before.
pub(crate) fn write() -> Outcome {
    let work = target()?.join("fixtures");
    let fresh = work.join("fresh");
    match fs::remove_dir_all(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => fs::create_dir_all(&fresh)?,
    }
    let python = environment(&work.join("python"))?;
    for script in SCRIPTS {
        println!("{script}");
        run(Command::new(&python).arg("-B").arg(scripts().join(script)).arg(&fresh))?;
    }
    let manifest = manifest(&fresh)?;
    fs::write(fresh.join(MANIFEST), manifest)?;
    fs::copy(fixtures().join(README), fresh.join(README))?;
    replace(&fresh, &fixtures())
}

/// Compares `fixtures/` with its manifest: every file listed, no file missing, every digest right.
///
/// # Errors
///
/// If anything differs.
pub(crate) fn verify() -> Outcome {
    let text = fs::read_to_string(fixtures().join(MANIFEST))
        .map_err(|error| format!("fixtures/{MANIFEST}: {error}"))?;
    let manifest: Value = serde_json::from_str(&text)?;
    let entries = manifest.as_object().ok_or("the manifest is not an object")?;
    let mut problems = Vec::new();
    let present: BTreeSet<String> = listing(&fixtures())?.into_iter().collect();
    for path in &present {
        let Some(entry) = entries.get(path) else {
            problems.push(format!("{path} is not in {MANIFEST}"));
            continue;
        };
        let found = digest(&fs::read(fixtures().join(path))?);
        let listed = entry["sha256"].as_str().unwrap_or_default();
        if found != listed {
            problems.push(format!("{path}: sha256 is {found} but {MANIFEST} says {listed}"));
        }
    }
    problems.extend(
        entries.keys().filter(|path| !present.contains(*path)).map(|path| format!("{path} is missing")),
    );
    report("fixtures", &problems)
}

fn fixtures() -> PathBuf {
    root().join("fixtures")
}

fn scripts() -> PathBuf {
    root().join("xtask").join("fixtures")
}

/// Where cargo puts what it builds.
fn target() -> Outcome<PathBuf> {
    let metadata = metadata()?;
    Ok(metadata["target_directory"].as_str().ok_or("cargo names no target directory")?.into())
}

/// A Python environment with the pinned packages, made if it is missing or its pins have changed. Returns its Python.
fn environment(home: &Path) -> Outcome<PathBuf> {
    let requirements = scripts().join("requirements.txt");
    let pins = fs::read(&requirements)?;
    let stamp = home.join("requirements.installed");
    let python = home.join("bin").join("python");
    if fs::read(&stamp).is_ok_and(|installed| installed == pins) {
        return Ok(python);
    }
    println!("installing the packages of {}", requirements.display());
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(home))?;
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r"])
        .arg(&requirements))?;
    fs::write(stamp, pins)?;
    Ok(python)
}

/// The manifest of a folder of fixtures: path → what it shows, what wrote it, size, digest. Removes the catalogues.
fn manifest(folder: &Path) -> Outcome<String> {
    let mut catalogue = Map::new();
    for name in CATALOGUES {
        let path = folder.join(name);
        let written: Map<String, Value> = serde_json::from_str(&fs::read_to_string(&path)?)?;
        catalogue.extend(written);
        fs::remove_file(path)?;
    }
    let mut lines = Vec::new();
    for path in listing(folder)? {
        let bytes = fs::read(folder.join(&path))?;
        let mut entry = match catalogue.get(&path) {
            Some(entry) => entry.clone(),
            None => json!({"shows": answer(&path).ok_or_else(|| format!("{path} is in no catalogue"))?}),
        };
        entry["size"] = bytes.len().into();
        entry["sha256"] = digest(&bytes).into();
        lines.push(format!("{}: {entry}", Value::from(path)));
    }
    Ok(format!("{{\n{}\n}}\n", lines.join(",\n")))
}

/// What a file of answers holds, and for which fixture.
fn answer(path: &str) -> Option<String> {
    ANSWERS.iter().find_map(|(ending, holds)| Some(format!("{}: {holds}", path.strip_suffix(ending)?)))
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The files under `folder`, relative to it with `/` between names, in order; the manifest and the notes left out.
fn listing(folder: &Path) -> Outcome<Vec<String>> {
    let mut found = Vec::new();
    let mut waiting = vec![(folder.to_path_buf(), String::new())];
    while let Some((path, prefix)) = waiting.pop() {
        for entry in fs::read_dir(&path)? {
            let entry = entry?;
            let name = entry.file_name().into_string().map_err(|name| format!("{name:?} is not UTF-8"))?;
            if entry.file_type()?.is_dir() {
                waiting.push((entry.path(), format!("{prefix}{name}/")));
            } else if !(prefix.is_empty() && [MANIFEST, README].contains(&name.as_str())) {
                found.push(format!("{prefix}{name}"));
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Puts the files of `fresh` in the place of those of `old`. The two may be on different file systems.
fn replace(fresh: &Path, old: &Path) -> Outcome {
    fs::remove_dir_all(old)?;
    fs::create_dir_all(old)?;
    for path in listing(fresh)?.iter().map(String::as_str).chain([MANIFEST, README]) {
        let to = old.join(path);
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::copy(fresh.join(path), to)?;
    }
    println!("{} files written", listing(old)?.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_known_by_its_longest_ending() {
        let expected = "stack/a.nc: NumPy's reductions over chosen axes and selections";
        assert_eq!(answer("stack/a.nc.reductions.json").as_deref(), Some(expected));
        assert_eq!(
            answer("stack/a.nc.json").as_deref(),
            Some("stack/a.nc: what h5py and netCDF4-python find")
        );
        assert_eq!(answer("stack/a.nc"), None);
    }

    #[test]
    fn digests_are_lower_case_sha_256() {
        assert_eq!(digest(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
