//! Whole-or-nothing writing, in folders and in object stores.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::fs;
use std::path::Path;

use futures::TryStreamExt as _;
use object_store::ObjectStoreExt as _;
use rangefold_storage::{Environment, Existing, Storage, StorageOptions, TreeKind, WriteError, WriteProblem};

const KIND: TreeKind = TreeKind {
    what: "test store",
    indexes: &["index"],
    is_part: |name| name == "index" || name.ends_with(".part"),
};

fn storage() -> Storage {
    Storage::new(StorageOptions::default(), Environment::default()).unwrap()
}

/// Writes a tree of these parts and an index.
async fn tree(
    storage: &Storage,
    url: &str,
    existing: Existing,
    parts: &[(&str, &str)],
) -> Result<(), WriteError> {
    let mut tree = storage.tree(url, &KIND, existing).await?;
    for (name, text) in parts {
        tree.put(name, text.to_string()).await?;
    }
    tree.finish("index", "complete").await
}

/// Every file below a folder with its text, hidden ones too.
fn files(folder: &Path) -> Vec<(String, String)> {
    fn collect(root: &Path, folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(root, &path, found);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    collect(folder, folder, &mut found);
    found.sort();
    found
}

fn said(error: &WriteError) -> String {
    format!("{error}: {}", error.problem).replace(&error.url, "URL")
}

fn owned(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect()
}

#[tokio::test]
async fn a_file_appears_whole_and_is_replaced_only_when_it_may_be() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("deep/a.json");
    let url = path.to_str().unwrap();
    let storage = storage();
    storage.write(url, "one", Existing::Keep).await.unwrap();
    let error = storage.write(url, "two", Existing::Keep).await.unwrap_err();
    assert!(matches!(error.problem, WriteProblem::Exists));
    assert!(storage.check_writable(url, Existing::Keep).await.is_err());
    assert_eq!(files(root.path()), owned(&[("deep/a.json", "one")]));
    storage.write(url, "two", Existing::Replace).await.unwrap();
    assert_eq!(files(root.path()), owned(&[("deep/a.json", "two")]));
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_is_written_with_the_usual_rights_and_through_a_link() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("plain"), "").unwrap();
    fs::write(root.path().join("target"), "old").unwrap();
    symlink("target", root.path().join("link")).unwrap();
    let link = root.path().join("link");
    storage().write(link.to_str().unwrap(), "new", Existing::Replace).await.unwrap();
    assert_eq!(fs::read_to_string(root.path().join("target")).unwrap(), "new");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let mode = |name: &str| fs::metadata(root.path().join(name)).unwrap().permissions().mode();
    assert_eq!(mode("target"), mode("plain"));
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_no_place_for_a_file_is_refused_with_the_reason_before_anything_is_written() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
    fs::create_dir(at("folder")).unwrap();
    fs::write(at("file"), "mine").unwrap();
    std::os::unix::fs::symlink("nowhere", at("dangling")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    let storage = storage();
    for (url, reason) in [
        (at("folder"), "it is a folder, and one file is to be written".to_owned()),
        (at("new/"), "it is a folder, and one file is to be written".to_owned()),
        (at("socket"), "it is a socket, not a regular file".to_owned()),
        (at("dangling"), "it is a symbolic link that leads nowhere".to_owned()),
        (at("file/a.json"), format!("{} is not a folder", at("file"))),
        ("/dev/null".to_owned(), "it is a device, not a regular file".to_owned()),
    ] {
        for error in [
            storage.check_writable(&url, Existing::Replace).await.unwrap_err(),
            storage.write(&url, "new", Existing::Replace).await.unwrap_err(),
        ] {
            assert_eq!(said(&error), format!("cannot write URL: {reason}"), "{url}");
        }
    }
    assert_eq!(fs::read_to_string(at("file")).unwrap(), "mine");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_output_below_proc_is_refused_at_once() {
    let storage = storage();
    let error = storage.write("/proc/a.json", "new", Existing::Replace).await.unwrap_err();
    assert!(
        said(&error).starts_with("cannot write URL: no file can be created in /proc: "),
        "{}",
        said(&error)
    );
    let error = storage.tree("/proc/a/b.zarr", &KIND, Existing::Replace).await.unwrap_err();
    assert!(
        said(&error).starts_with("cannot write URL: no file can be created in /proc: "),
        "{}",
        said(&error)
    );
}

#[tokio::test]
async fn a_folder_is_replaced_by_another_and_nothing_of_the_old_one_stays() {
    let root = tempfile::tempdir().unwrap();
    let url = root.path().join("a.store");
    let url = url.to_str().unwrap();
    let storage = storage();
    tree(&storage, url, Existing::Keep, &[("x/1.part", "old"), ("y.part", "old")]).await.unwrap();
    let error = tree(&storage, url, Existing::Keep, &[]).await.unwrap_err();
    assert!(matches!(error.problem, WriteProblem::Exists));
    let names = [("x/2.part", "new"), ("odd %23 #?[ö]'\"/1.part", "new")];
    tree(&storage, &format!("{url}/"), Existing::Replace, &names).await.unwrap();
    let expected = [
        ("a.store/index", "complete"),
        ("a.store/odd %23 #?[ö]'\"/1.part", "new"),
        ("a.store/x/2.part", "new"),
    ];
    assert_eq!(files(root.path()), owned(&expected));
}

#[tokio::test]
async fn a_folder_that_is_not_finished_changes_nothing_and_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let url = root.path().join("a.store");
    let url = url.to_str().unwrap();
    let storage = storage();
    tree(&storage, url, Existing::Keep, &[("x.part", "old")]).await.unwrap();
    let mut half = storage.tree(url, &KIND, Existing::Replace).await.unwrap();
    half.put("x.part", "new").await.unwrap();
    assert_eq!(fs::read_to_string(format!("{url}/x.part")).unwrap(), "old");
    drop(half);
    assert!(tree(&storage, url, Existing::Replace, &[("../x.part", "new")]).await.is_err());
    assert_eq!(files(root.path()), owned(&[("a.store/index", "complete"), ("a.store/x.part", "old")]));
}

#[tokio::test]
async fn what_a_killed_writer_left_goes_with_the_next_one_and_what_others_write_stays() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
    fs::create_dir_all(at(".rangefold-killed/new")).unwrap();
    fs::write(at(".rangefold-killed/lock"), "").unwrap();
    fs::write(at(".rangefold-file"), "half").unwrap();
    fs::write(at(".other"), "mine").unwrap();
    let storage = storage();
    let mut first = storage.tree(&at("a.store"), &KIND, Existing::Keep).await.unwrap();
    first.put("1.part", "first").await.unwrap();
    storage.write(&at("b.json"), "b", Existing::Keep).await.unwrap();
    first.finish("index", "first").await.unwrap();
    let expected =
        [(".other", "mine"), ("a.store/1.part", "first"), ("a.store/index", "first"), ("b.json", "b")];
    assert_eq!(files(root.path()), owned(&expected));
}

#[tokio::test]
async fn a_folder_with_something_else_in_it_is_never_replaced() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("a.store");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("index"), "").unwrap();
    fs::write(folder.join("thesis.tex"), "words").unwrap();
    let url = folder.to_str().unwrap();
    let error = tree(&storage(), url, Existing::Replace, &[]).await.unwrap_err();
    let reason =
        "it exists and holds \"thesis.tex\", which is not part of a test store, so it is not replaced";
    assert_eq!(said(&error), format!("cannot write URL: {reason}"));
    // What an unfinished writer of another kind left is no reason to refuse.
    fs::remove_file(folder.join("thesis.tex")).unwrap();
    fs::rename(folder.join("index"), folder.join("1.part")).unwrap();
    tree(&storage(), url, Existing::Replace, &[]).await.unwrap();
    assert_eq!(files(root.path()), owned(&[("a.store/index", "complete")]));
}

#[tokio::test]
async fn objects_under_a_prefix_are_never_mixed_with_old_ones() {
    let storage = storage();
    let url = "memory://bucket/a.store";
    let (store, _) = storage.resolve(url).unwrap();
    tree(&storage, url, Existing::Keep, &[("odd %23/1.part", "old")]).await.unwrap();
    for existing in [Existing::Keep, Existing::Replace] {
        assert!(storage.check_tree_writable(url, &KIND, existing).await.is_err());
        assert!(tree(&storage, url, existing, &[]).await.is_err());
    }
    // What is left where there is no index is removed, if it may be.
    store.delete(&"bucket/a.store/index".into()).await.unwrap();
    let error = tree(&storage, url, Existing::Keep, &[]).await.unwrap_err();
    assert!(said(&error).contains("odd %23/1.part"), "{}", said(&error));
    tree(&storage, url, Existing::Replace, &[("2.part", "new")]).await.unwrap();
    let listed: Vec<_> = store.list(None).try_collect().await.unwrap();
    let mut names: Vec<_> = listed.into_iter().map(|object| object.location.to_string()).collect();
    names.sort();
    assert_eq!(names, ["bucket/a.store/2.part", "bucket/a.store/index"]);
}

#[tokio::test]
async fn two_writers_of_one_prefix_do_not_mix() {
    let storage = storage();
    let url = "memory://bucket/a.store";
    let mut first = storage.tree(url, &KIND, Existing::Keep).await.unwrap();
    let mut second = storage.tree(url, &KIND, Existing::Keep).await.unwrap();
    first.put("1.part", "first").await.unwrap();
    let error = second.put("1.part", "second").await.unwrap_err();
    assert!(said(&error).contains("another process"), "{}", said(&error));
    first.finish("index", "first").await.unwrap();
}
