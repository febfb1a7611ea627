//! URLs taken apart, and local files read through them.
#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

use expect_test::{Expect, expect};
use futures::TryStreamExt;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode};
use proptest::prelude::*;
use rangefold_storage::{Environment, Location, Rules, Storage, StorageError, StorageOptions, explain};

fn storage() -> Storage {
    Storage::new(StorageOptions::default(), Environment::default()).unwrap()
}

/// Scheme, authority and key of a URL, and the path it is addressed by.
fn check(url: &str, parts: [&str; 3]) {
    let location = Location::parse(url).unwrap();
    assert_eq!([&location.scheme().to_string(), location.authority(), location.key()], parts, "{url}");
    assert_eq!(
        location.path().unwrap().as_ref(),
        parts[2].trim_end_matches('/').trim_start_matches('/'),
        "{url}"
    );
}

fn check_refused(url: &str, expected: Expect) {
    let error = match Location::parse(url) {
        Ok(location) => location.path().unwrap_err(),
        Err(error) => error,
    };
    expected.assert_eq(&error.to_string());
}

#[test]
fn keys_keep_every_character() {
    check("s3://bucket/a/b.nc", ["s3", "bucket", "a/b.nc"]);
    check("s3a://bucket/what?#100%/a%2Fb c.nc", ["s3", "bucket", "what?#100%/a%2Fb c.nc"]);
    check("S3://tenant:bucket/ä/日本.nc", ["s3", "tenant:bucket", "ä/日本.nc"]);
    check("gcs://bucket/a#b", ["gs", "bucket", "a#b"]);
    check(
        "abfs://container@account.dfs.core.windows.net/a?b",
        ["az", "container@account.dfs.core.windows.net", "a?b"],
    );
    check("s3://bucket/folder/", ["s3", "bucket", "folder/"]);
    check("s3://bucket", ["s3", "bucket", ""]);
    check("memory:///a/b", ["memory", "", "a/b"]);
    check("memory://a/b", ["memory", "", "a/b"]);
    check("file:///data/a b#c%20?.nc", ["file", "", "/data/a b#c%20?.nc"]);
    check("file://localhost/data", ["file", "", "/data"]);
    check("/data/odd:name/x://y", ["file", "", "/data/odd:name/x:/y"]);
}

#[test]
fn paths_of_web_urls_are_decoded_and_their_queries_kept_from_sight() {
    check("https://host:8080/a/b%20c.nc", ["https", "host:8080", "a/b c.nc"]);
    check("http://host/100%25/a#b", ["http", "host", "100%/a#b"]);
    check("https://host", ["https", "host", ""]);
    let signed = Location::parse("https://host/a b.nc?X-Amz-Signature=hush").unwrap();
    assert_eq!(signed.to_string(), "https://host/a%20b.nc?...");
    assert_eq!(format!("{signed:?}"), "Location(https://host/a%20b.nc?...)");
}

#[test]
fn what_cannot_be_addressed_is_refused_with_the_reason() {
    check_refused("", expect![[r#"cannot use "": it is empty"#]]);
    check_refused(
        "ftp://host/a",
        expect![[
            r#"cannot use "ftp://host/a": the scheme "ftp" is not known; known are file, memory, s3, gs, az, http and https"#
        ]],
    );
    check_refused("s3:///key", expect![[r#"cannot use "s3:///key": it names no bucket"#]]);
    check_refused("s3://a?b/key", expect![[r#"cannot use "s3://a?b/key": a bucket name cannot hold '?'"#]]);
    check_refused(
        "https://user:secret@host/a",
        expect![[
            r#"cannot use "https://host/a": it holds a user name or password; credentials belong into rules or the environment"#
        ]],
    );
    check_refused(
        "simplecache::s3://bucket/a",
        expect![[
            r#"cannot use "simplecache::s3://bucket/a": chained URLs are not supported; name the file itself"#
        ]],
    );
    check_refused(
        "file://folder/a",
        expect![[
            r#"cannot use "file://folder/a": a file URL has three slashes and an absolute path: file:///folder/file"#
        ]],
    );
    check_refused(
        "s3://bucket/a//b",
        expect![[
            r#"cannot use "s3://bucket/a//b": its key has an empty segment (//), which cannot be addressed"#
        ]],
    );
    check_refused(
        "s3://bucket//b",
        expect![[r#"cannot use "s3://bucket//b": its key begins with a slash, which cannot be addressed"#]],
    );
    check_refused(
        "s3://bucket/a/../b",
        expect![[
            r#"cannot use "s3://bucket/a/../b": its key has a segment that cannot be addressed: Encountered illegal character sequence ".." whilst parsing path segment "..""#
        ]],
    );
    check_refused(
        "https://host/a%2Fb",
        expect![[
            r#"cannot use "https://host/a%2Fb": an encoded slash (%2F) in a path cannot be told from a slash"#
        ]],
    );
    check_refused(
        "https://host/a%FF",
        expect![[r#"cannot use "https://host/a%FF": its path is not UTF-8 when percent-decoded"#]],
    );
    check_refused(
        "/data/part#12",
        expect![[
            r#"cannot use "/data/part#12": names ending in # and digits are used for files being written; rename it"#
        ]],
    );
}

proptest! {
    #[test]
    fn a_key_comes_out_as_it_went_in_or_is_refused(key in "[^\u{0}]{1,12}") {
        let location = Location::parse(&format!("s3://bucket/{key}")).unwrap();
        prop_assert_eq!(location.key(), &key);
        if let Ok(path) = location.path() {
            prop_assert_eq!(path.as_ref(), key.strip_suffix('/').unwrap_or(&key));
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,20}", scheme in "(|s3|https|file|memory|x)(://|:|)") {
        if let Ok(location) = Location::parse(&format!("{scheme}{text}")) {
            let _ = location.path();
        }
    }
}

#[tokio::test]
async fn local_files_with_odd_names_are_read_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let storage = storage();
    for name in ["plain.nc", "a b#c.nc", "100%.nc", "a%20b", "ä日.nc", "q?x=1", "x#y12"] {
        let file = folder.path().join(name);
        let url = file.to_str().unwrap();
        let (store, path) = storage.resolve(url).unwrap();
        store.put(&path, "content".into()).await.unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"content", "{name}");
        let (store, path) = storage.resolve(&format!("file://{url}")).unwrap();
        assert_eq!(store.get_range(&path, 1..3).await.unwrap(), "on", "{name}");
    }
}

#[tokio::test]
async fn relative_paths_start_at_the_current_folder() {
    let (store, path) = storage().resolve("./Cargo.toml").unwrap();
    let text = store.get(&path).await.unwrap().bytes().await.unwrap();
    assert_eq!(text, std::fs::read("Cargo.toml").unwrap());
    let (store, path) = storage().resolve("src/../Cargo.toml").unwrap();
    assert_eq!(store.head(&path).await.unwrap().size, text.len() as u64);
    let lost = storage().resolve("no-such-folder/../Cargo.toml").unwrap_err();
    assert!(matches!(lost, StorageError::Local { .. }));
    assert_eq!(lost.to_string(), "cannot find no-such-folder/../Cargo.toml");
}

#[cfg(unix)]
#[tokio::test]
async fn a_way_back_behind_a_symbolic_link_is_followed_as_the_system_does() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir_all(root.join("real/inner")).unwrap();
    std::fs::write(root.join("real/file"), "right").unwrap();
    std::fs::write(root.join("file"), "wrong").unwrap();
    std::os::unix::fs::symlink(root.join("real/inner"), root.join("link")).unwrap();
    let (store, path) = storage().resolve(&format!("{}/link/../file", root.display())).unwrap();
    assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "right");
}

#[tokio::test]
async fn a_missing_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("missing.nc");
    let (store, path) = storage().resolve(file.to_str().unwrap()).unwrap();
    let error = store.head(&path).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }));
    assert_eq!(explain(&error), format!("there is no object at {}", file.display()));
}

#[tokio::test]
async fn memory_belongs_to_one_storage_and_its_clones() {
    let storage = storage();
    let (store, path) = storage.resolve("memory://a/b").unwrap();
    store.put(&path, "x".into()).await.unwrap();
    let (store, path) = storage.clone().resolve("memory:///a/b").unwrap();
    store.head(&path).await.unwrap();
    let (store, path) = self::storage().resolve("memory://a/b").unwrap();
    assert!(store.head(&path).await.is_err());
}

#[tokio::test]
async fn a_rule_for_a_part_of_memory_does_not_make_it_another_memory() {
    let rules =
        Rules::parse("version: 1\nrules:\n  - {match: 'memory://in', access: [read]}", "rules").unwrap();
    let storage =
        Storage::new(StorageOptions { rules, ..StorageOptions::default() }, Environment::default()).unwrap();
    let (all, _) = storage.resolve("memory://out").unwrap();
    let (part, path) = storage.resolve("memory://in/a").unwrap();
    all.put(&path, "x".into()).await.unwrap();
    part.head(&path).await.unwrap();
    assert!(part.put(&path, "y".into()).await.is_err());
}

#[tokio::test]
async fn local_files_can_be_listed_and_are_not_overwritten_when_only_new_ones_are_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let (store, path) = storage().resolve(folder.path().join("a b.nc").to_str().unwrap()).unwrap();
    store.put_opts(&path, "one".into(), PutMode::Create.into()).await.unwrap();
    let again = store.put_opts(&path, "two".into(), PutMode::Create.into()).await.unwrap_err();
    assert!(explain(&again).starts_with("there is an object at "), "{again}");
    let (store, prefix) = storage().resolve(&format!("{}/", folder.path().display())).unwrap();
    let listed: Vec<_> = store.list(Some(&prefix)).map_ok(|meta| meta.location).try_collect().await.unwrap();
    assert_eq!(listed, [path]);
}
