//! `reduce --keep`: what is asked again reads only what is new or has changed, and is never wrong.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on must stop")]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rangefold_testkit::S3Server;
use serde_json::Value;
use support::{QUESTIONS, done, is_stored, maps, rangefold, stderr, stdout, values, values_of_time, wide};
use tempfile::TempDir;

const REDUCE: [&str; 6] = ["reduce", "refs.json", "v", "--json", "--select", "y=0:4,x=0:4"];

/// The answer without what is kept, and that with it and how many chunks were read for it.
fn both(folder: &Path, question: &[&str]) -> (u64, String) {
    let args = [&REDUCE, question].concat();
    let plain = done(folder, &args);
    let output = rangefold(folder, &[&args[..], &["--keep", "kept"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let kept = stdout(&output);
    assert_eq!(values(&kept), values(&plain), "{question:?}");
    let line: Value = serde_json::from_str(kept.lines().next().unwrap()).unwrap();
    (line["chunks"]["read"].as_u64().unwrap(), stderr(&output))
}

fn stored(times: std::ops::Range<u64>) -> u64 {
    times.filter(|&time| is_stored(time)).count() as u64
}

/// Files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        if entry.path().is_dir() {
            files.extend(self::files(&entry.path()))
        } else {
            files.push(entry.path())
        }
    }
    files.sort();
    files
}

#[test]
fn asked_again_nothing_is_read_and_after_an_append_only_what_is_new() {
    let folder = TempDir::new().unwrap();
    for question in QUESTIONS {
        let _ = std::fs::remove_dir_all(folder.path().join("kept"));
        let mut before = 0;
        for times in [20, 21, 40, 47] {
            wide(folder.path(), times, "");
            let (read, warnings) = both(folder.path(), question);
            assert_eq!((read, warnings.as_str()), (stored(before..times), ""), "{question:?} {times}");
            assert_eq!(both(folder.path(), question).0, 0, "{question:?} {times}");
            before = times;
        }
    }
}

#[test]
fn what_has_changed_in_the_middle_is_read_anew() {
    let folder = TempDir::new().unwrap();
    wide(folder.path(), 40, "");
    for question in QUESTIONS {
        both(folder.path(), question);
    }
    // Other values of another length of the object: the chunk is the first of them.
    let other = [values_of_time(1000), values_of_time(1001)].concat();
    std::fs::write(folder.path().join("data/18.bin"), other).unwrap();
    for question in QUESTIONS {
        let (read, _) = both(folder.path(), question);
        assert_eq!(read, 1, "{question:?}");
        assert_eq!(both(folder.path(), question).0, 0, "{question:?}");
    }
}

#[test]
fn what_is_damaged_or_foreign_is_read_anew_with_a_warning() {
    let folder = TempDir::new().unwrap();
    wide(folder.path(), 40, "");
    let question = QUESTIONS[1];
    both(folder.path(), question);
    let kept = files(&folder.path().join("kept"));
    let nodes: Vec<&PathBuf> =
        kept.iter().filter(|path| path.extension().is_some_and(|e| e == "node")).collect();
    assert!(nodes.len() > 3, "{kept:?}");
    for (number, path) in nodes.iter().enumerate() {
        let mut bytes = std::fs::read(path).unwrap();
        match number % 4 {
            0 => bytes.truncate(bytes.len() / 2),
            1 => bytes.clear(),
            2 => bytes = b"something else".to_vec(),
            _ => *bytes.last_mut().unwrap() ^= 1,
        }
        std::fs::write(path, bytes).unwrap();
    }
    std::fs::write(nodes[0].with_file_name("notes.txt"), "mine").unwrap();
    std::fs::write(nodes[0].with_file_name("0-0-40-0123.node"), "mine").unwrap();
    let (read, warnings) = both(folder.path(), question);
    assert_eq!(read, stored(0..40));
    assert!(warnings.contains("is read anew") && warnings.starts_with("warning: "), "{warnings}");
    let (read, warnings) = both(folder.path(), question);
    assert_eq!((read, warnings.as_str()), (0, ""));
    // One node in the place of another.
    std::fs::copy(nodes[0], nodes[1]).unwrap();
    both(folder.path(), question);
}

#[test]
fn several_may_keep_at_once() {
    let folder = TempDir::new().unwrap();
    wide(folder.path(), 40, "");
    let args = [&REDUCE, QUESTIONS[1]].concat();
    let plain = done(folder.path(), &args);
    let start = |_| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rangefold"));
        command.current_dir(folder.path()).args(&args).args(["--keep", "kept"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let running: Vec<_> = (0..6).map(start).collect();
    for child in running {
        let output = child.wait_with_output().unwrap();
        assert_eq!(values(&stdout(&output)), values(&plain), "{}", stderr(&output));
    }
    assert_eq!(both(folder.path(), QUESTIONS[1]), (0, String::new()));
}

#[test]
fn what_is_kept_is_told_listed_and_removed() {
    let folder = TempDir::new().unwrap();
    wide(folder.path(), 40, "");
    let keep = ["--keep", "kept"];
    let explain = [&REDUCE[..], &["--op", "mean", "--explain"], &keep].concat();
    let told = |folder: &Path| -> Value { serde_json::from_str(&done(folder, &explain)).unwrap() };
    assert_eq!(
        told(folder.path())["kept"],
        serde_json::json!({"nodes": 0, "chunks": 0, "read": stored(0..40)})
    );
    both(folder.path(), &["--op", "mean"]);
    assert_eq!(told(folder.path())["kept"]["read"], 0);
    wide(folder.path(), 41, "");
    assert_eq!(told(folder.path())["kept"]["read"], stored(40..41));
    both(folder.path(), &["--op", "max", "--over", "t"]);
    let list = done(folder.path(), &[&["keep", "list"][..], &keep].concat());
    assert_eq!(list.lines().count(), 2, "{list}");
    let first = list.lines().next().unwrap();
    assert!(first.contains("v max of refs.json"), "{list}");
    let line: Value = serde_json::from_str(
        done(folder.path(), &[&["keep", "list", "--json"][..], &keep].concat()).lines().nth(1).unwrap(),
    )
    .unwrap();
    assert_eq!(line["question"]["op"], serde_json::json!(["mean"]));
    // The size of the one that was used last is enough for it alone.
    let limit = format!("{}", list_bytes(folder.path()));
    std::fs::write(folder.path().join("kept/mine.txt"), "left alone").unwrap();
    let prune = [&["keep", "prune", "--keep-size", &limit][..], &keep].concat();
    assert!(done(folder.path(), &prune).starts_with("1 questions removed"));
    let list = done(folder.path(), &[&["keep", "list"][..], &keep].concat());
    assert!(list.lines().count() == 1 && list.contains("v max of"), "{list}");
    done(folder.path(), &[&["keep", "prune", "--keep-size", "0"][..], &keep].concat());
    assert_eq!(files(&folder.path().join("kept")), [folder.path().join("kept/mine.txt")]);
    assert_eq!(both(folder.path(), &["--op", "mean"]).0, stored(0..41));
}

/// Bytes of the question that was asked last.
fn list_bytes(folder: &Path) -> u64 {
    let list = done(folder, &["keep", "list", "--json", "--keep", "kept"]);
    let line: Value = serde_json::from_str(list.lines().next().unwrap()).unwrap();
    line["bytes"].as_u64().unwrap()
}

#[test]
fn quantiles_say_that_they_are_not_kept() {
    let folder = TempDir::new().unwrap();
    wide(folder.path(), 10, "");
    let (read, warnings) = both(folder.path(), &["--op", "median,mean"]);
    assert_eq!(read, stored(0..10));
    assert!(warnings.contains("nothing is kept: median cannot be split"), "{warnings}");
    assert!(!folder.path().join("kept").exists());
}

#[test]
fn a_keep_that_cannot_be_reached_is_a_warning() {
    let folder = TempDir::new().unwrap();
    wide(folder.path(), 10, "");
    std::fs::write(folder.path().join("kept"), "a file").unwrap();
    let (read, warnings) = both(folder.path(), &["--op", "mean"]);
    assert_eq!(read, stored(0..10));
    assert!(warnings.starts_with("warning: "), "{warnings}");
}

#[test]
fn a_server_is_asked_for_no_chunk_that_is_known() {
    let server = S3Server::start();
    server.create_bucket("climate");
    for time in (0..41).filter(|&time| is_stored(time)) {
        server.put("climate", &format!("data/{time}.bin"), values_of_time(time));
    }
    let folder = TempDir::new().unwrap();
    let ask = |times| {
        wide(folder.path(), times, "s3://climate/");
        server.clear_requests();
        let output = Command::new(env!("CARGO_BIN_EXE_rangefold"))
            .current_dir(folder.path())
            .args(["--endpoint-url", &server.endpoint()])
            .env("AWS_ACCESS_KEY_ID", server.access_key())
            .env("AWS_SECRET_ACCESS_KEY", server.secret_key())
            .args(REDUCE)
            .args(["--op", "mean"])
            .env("RANGEFOLD_KEEP", "s3://climate/kept")
            .output()
            .unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{}", stderr(&output));
        let requests = server.requests();
        let chunks = requests.iter().filter(|request| {
            let text = format!("{request:?}");
            text.contains("data/") && text.contains("GET")
        });
        (stdout(&output), chunks.count() as u64)
    };
    let (first, read) = ask(40);
    assert_eq!(read, stored(0..40));
    let (second, read) = ask(40);
    assert_eq!((values(&first), read), (values(&second), 0));
    assert_eq!(ask(41).1, stored(40..41));
    // One object is written anew.
    server.put("climate", "data/18.bin", values_of_time(99));
    assert_eq!(ask(41).1, 1);
    assert_eq!(ask(41).1, 0);
}

#[test]
fn a_shorter_selection_uses_what_a_longer_one_has_kept() {
    let folder = TempDir::new().unwrap();
    wide(folder.path(), 40, "");
    for question in QUESTIONS.iter().filter(|question| !question.contains(&"--rolling")) {
        both(folder.path(), question);
        for times in [39, 33, 32, 17, 16, 15, 1] {
            let part = format!("t=:{times},y=0:4,x=0:4");
            let args = [&REDUCE[..4], &["--select", &part], *question].concat();
            let plain = done(folder.path(), &args);
            let output = rangefold(folder.path(), &[&args[..], &["--keep", "kept"]].concat());
            assert_eq!(
                (values(&stdout(&output)), stderr(&output).as_str()),
                (values(&plain), ""),
                "{question:?}"
            );
            let line: Value = serde_json::from_str(stdout(&output).lines().next().unwrap()).unwrap();
            assert_eq!(line["chunks"]["read"], 0, "{question:?} {times}");
        }
    }
}

#[test]
fn an_interrupted_question_goes_on_where_it_ended() {
    let server = S3Server::start();
    server.create_bucket("climate");
    for time in (0..60).filter(|&time| is_stored(time)) {
        server.put("climate", &format!("data/{time}.bin"), values_of_time(time));
    }
    let folder = TempDir::new().unwrap();
    wide(folder.path(), 60, "s3://climate/");
    let command = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rangefold"));
        command
            .current_dir(folder.path())
            .args(["--endpoint-url", &server.endpoint(), "--concurrency", "1"])
            .env("AWS_ACCESS_KEY_ID", server.access_key())
            .env("AWS_SECRET_ACCESS_KEY", server.secret_key())
            .args(REDUCE)
            .args(["--op", "mean,var", "--over", "t"])
            .args(more);
        command
    };
    let plain = command(&[]).output().unwrap();
    server.clear_requests();
    let mut running =
        command(&["--keep", "kept"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    server.set_latency(std::time::Duration::from_millis(10));
    let has_node = || {
        files(&folder.path().join("kept")).iter().any(|path| path.extension().is_some_and(|e| e == "node"))
    };
    while !has_node() && running.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    running.kill().unwrap();
    running.wait().unwrap();
    server.set_latency(std::time::Duration::ZERO);
    for _ in 0..2 {
        let again = command(&["--keep", "kept"]).output().unwrap();
        assert_eq!(values(&stdout(&again)), values(&stdout(&plain)), "{}", stderr(&again));
        let line: Value = serde_json::from_str(stdout(&again).lines().next().unwrap()).unwrap();
        assert!(line["chunks"]["read"].as_u64().unwrap() < stored(0..60), "{line}");
    }
}

#[test]
fn maps_of_many_cells_are_kept_and_split_with_the_bits_of_one_run() {
    let folder = TempDir::new().unwrap();
    let reduce = [
        "reduce",
        "refs.json",
        "v",
        "--select",
        "y=0:128,x=0:256",
        "--op",
        "mean",
        "--over",
        "t",
        "--overwrite",
    ];
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let run = |more: &[&str]| done(folder.path(), &[&reduce[..], more].concat());
    for times in [17, 19] {
        maps(folder.path(), times);
        run(&["-o", "plain.npy"]);
        run(&["-o", "kept.npy", "--keep", "kept"]);
        assert!(read("plain.npy") == read("kept.npy"), "kept, {times} times");
        let names = ["1.part", "2.part", "3.part"];
        for (part, name) in (1..).zip(names) {
            run(&["--part", &format!("{part}/3"), "-o", name]);
        }
        done(folder.path(), &[&["merge", "-o", "merged.npy", "--overwrite"][..], &names].concat());
        assert!(read("plain.npy") == read("merged.npy"), "merged, {times} times");
        let told = run(&["--keep", "kept", "--explain", "--json"]);
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["kept"]["read"], 0, "{told}");
    }
}
