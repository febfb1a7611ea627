//! What the command says when a server refuses, is busy, hangs or has nothing, verb by verb, and what it tells of requests.

#![allow(clippy::unwrap_used, reason = "what cannot be set up must stop the test")]

mod support;

use std::process::{Command, Output};

use rangefold_testkit::{HttpFault, S3Server};
use support::{fixture, stderr, stdout};
use tempfile::TempDir;

/// A server with two files and references of one in a bucket, and a folder with `a.json` and `b.json`, scanned from them.
fn scanned() -> (S3Server, TempDir) {
    let server = S3Server::start();
    let folder = TempDir::new().unwrap();
    // No patience: an answer is final.
    std::fs::write(folder.path().join("rules.yaml"), "version: 1\ndefaults: {retries: 0}\n").unwrap();
    for (name, year) in [("a", 2001), ("b", 2002)] {
        let file = std::fs::read(fixture(&format!("stack/tas_{year}.nc"))).unwrap();
        server.put("climate", &format!("daily/{name}.nc"), file);
        let scan = [
            "scan",
            &format!("s3://climate/daily/{name}.nc"),
            "-o",
            &format!("{name}.json"),
            "--inline-threshold",
            "0",
        ];
        let output = rangefold(&server, &folder, &scan);
        assert!(output.status.success(), "{}", stderr(&output));
    }
    server.put("climate", "refs.json", std::fs::read(folder.path().join("a.json")).unwrap());
    server.clear_requests();
    (server, folder)
}

fn rangefold(server: &S3Server, folder: &TempDir, args: &[&str]) -> Output {
    rangefold_as(server, folder, server.secret_key(), args)
}

fn rangefold_as(server: &S3Server, folder: &TempDir, secret: &str, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rangefold"))
        .current_dir(folder.path())
        .args(["--endpoint-url", &server.endpoint(), "--storage", "rules.yaml"])
        .env("AWS_ACCESS_KEY_ID", server.access_key())
        .env("AWS_SECRET_ACCESS_KEY", secret)
        .args(args)
        .output()
        .unwrap()
}

const VERBS: [&[&str]; 8] = [
    &["scan", "s3://climate/daily/a.nc", "-o", "x.json"],
    &["reduce", "a.json", "tas", "--op", "mean"],
    &["reduce", "a.json", "tas", "--op", "mean", "--weights", "lat"],
    &["reduce", "a.json", "tas", "--op", "mean", "--by", "time.month", "--json"],
    &["get", "a.json", "tas", "--select", "time=0"],
    &["combine", "a.json", "b.json", "--concat", "time", "-o", "x.json"],
    &["check", "a.json"],
    &["info", "s3://climate/refs.json"],
];

#[test]
fn every_verb_says_what_the_server_means() {
    let (server, folder) = scanned();
    for (fault, expected) in [
        (HttpFault::Refuse(400, "ExpiredToken"), "the temporary credentials have expired"),
        (HttpFault::Refuse(503, "SlowDown"), "the server is busy"),
        (HttpFault::Refuse(403, "RequestTimeTooSkewed"), "the clock of this machine is wrong"),
        (HttpFault::Refuse(403, "InvalidAccessKeyId"), "does not know the access key (InvalidAccessKeyId)"),
        (HttpFault::Refuse(403, "SignatureDoesNotMatch"), "(SignatureDoesNotMatch)"),
        (HttpFault::Refuse(400, "AuthorizationHeaderMalformed"), "the region or the endpoint of the bucket"),
        (HttpFault::Refuse(404, "NoSuchKey"), "there is no object at"),
        (HttpFault::Refuse(404, "NoSuchBucket"), "there is no such bucket"),
    ] {
        server.fail_always(Some(fault));
        for verb in VERBS {
            let output = rangefold(&server, &folder, verb);
            let said = stderr(&output) + &stdout(&output);
            assert_eq!(output.status.code(), Some(1), "{fault:?} {verb:?}: {said}");
            // The answer to a HEAD has no body, so no code.
            let vague = verb[0] == "check" && !said.contains(expected);
            assert!(said.contains(expected) || vague, "{fault:?} {verb:?}: {said}");
            assert!(!said.contains('<') && !said.contains("made to fail"), "{fault:?} {verb:?}: {said}");
        }
    }
    server.fail_always(None);
    server.remove("climate", "daily/a.nc");
    for verb in VERBS.iter().filter(|verb| verb[0] != "info") {
        let output = rangefold(&server, &folder, verb);
        let said = stderr(&output) + &stdout(&output);
        assert!(said.contains("there is no object at daily/a.nc") && !said.contains('<'), "{verb:?}: {said}");
    }
}

#[test]
fn a_check_of_storage_with_a_wrong_key_says_so() {
    let (server, folder) = scanned();
    let check = ["storage", "check", "s3://climate/daily/a.nc"];
    let output = rangefold_as(&server, &folder, "another-secret", &check);
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("GET of one byte: the secret key does not belong to the access key"), "{said}");
    assert!(rangefold(&server, &folder, &check).status.success());
}

#[test]
fn a_server_that_hangs_is_left_after_the_timeout() {
    let (server, folder) = scanned();
    server.fail_always(Some(HttpFault::Hang));
    let output = rangefold(&server, &folder, &["info", "s3://climate/refs.json", "--timeout", "200ms"]);
    let said = stderr(&output);
    assert!(said.contains("does not answer in time") && said.contains("--timeout"), "{said}");
}

#[test]
fn globs_and_prefixes_of_a_bucket_are_what_they_match() {
    let (server, folder) = scanned();
    for typed in ["s3://climate/daily/", "s3://climate/daily/*.nc", "s3://climate/**/*.nc", "s3://climate/"] {
        let output = rangefold(&server, &folder, &["scan", typed, "-o", "found/", "--overwrite"]);
        assert!(output.status.success(), "{typed}: {}", stderr(&output));
        let found = std::fs::read_dir(folder.path().join("found")).unwrap().count();
        assert_eq!(found, 2, "{typed}");
        std::fs::remove_dir_all(folder.path().join("found")).unwrap();
    }
    for typed in ["s3://climate/daily/*.h5", "s3://climate/nothing/", "nothing/*.nc"] {
        let output = rangefold(&server, &folder, &["scan", typed, "-o", "found/"]);
        assert_eq!(output.status.code(), Some(1));
        let said = stderr(&output);
        assert!(said.contains(typed) && (said.contains("matches") || said.contains("prefix")), "{said}");
    }
    let output = rangefold(&server, &folder, &["combine", "[ab].json", "--concat", "time", "-o", "c.json"]);
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn requests_are_told_when_asked_for_and_hold_no_secret() {
    let (server, folder) = scanned();
    let scan = ["scan", "s3://climate/daily/a.nc", "-o", "x.json", "--overwrite"];
    assert_eq!(stderr(&rangefold(&server, &folder, &scan)), "");
    let said = stderr(&rangefold(&server, &folder, &[&scan[..], &["-v"]].concat()));
    assert!(said.contains("scanning s3://climate/daily/a.nc") && said.contains(" rounds"), "{said}");
    assert!(!said.contains("GET "), "{said}");
    server.clear_requests();
    let said = stderr(&rangefold(&server, &folder, &[&scan[..], &["-vv"]].concat()));
    let ranged = server.requests().iter().filter(|request| request.range.is_some()).count();
    let line = format!("GET {}/climate/daily/a.nc bytes=", server.endpoint());
    assert_eq!(said.matches(&line).count(), ranged, "{said}");
    assert!(said.contains(" 206 ") && said.contains(" ms"), "{said}");
    assert!(!said.contains(server.secret_key()) && !said.contains("Signature"), "{said}");
}

/// Sum of `variable` of a store.
fn sum(server: &S3Server, folder: &TempDir, refs: &str, variable: &str) -> serde_json::Value {
    let output = rangefold(server, folder, &["reduce", refs, variable, "--op", "sum", "--json"]);
    assert!(output.status.success(), "{refs} {variable}: {}", stderr(&output));
    serde_json::from_str::<serde_json::Value>(&stdout(&output)).unwrap()["values"].clone()
}

#[test]
fn stores_in_a_bucket_keep_names_of_any_character() {
    let (server, folder) = (S3Server::start(), TempDir::new().unwrap());
    std::fs::write(folder.path().join("rules.yaml"), "version: 1\n").unwrap();
    server.put("climate", "keep", Vec::new());
    let names = ["100%", "a#b", "a?b", "[x]", "{y}", "größe", "it's", "a b", "%41", "g+h/n&m=1"];
    let bytes: Vec<u8> = [1.0_f64, 2.0, 4.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let none = serde_json::Value::Null;
    let made = |name: &&str| support::array(name, "<f8", &[("x", 3)], &bytes, &none, serde_json::json!({}));
    support::foreign(folder.path(), "r.json", &names.iter().map(made).collect::<Vec<_>>());
    for store in ["s3://climate/odd names/r.parq", "s3://climate/r.json.zst"] {
        let output = rangefold(&server, &folder, &["convert", "r.json", "-o", store]);
        assert!(output.status.success(), "{store}: {}", stderr(&output));
        for name in names {
            assert_eq!(sum(&server, &folder, store, name), 7.0, "{store} {name}");
        }
        let output = rangefold(&server, &folder, &["check", store]);
        assert!(output.status.success(), "{store}: {}", stderr(&output));
    }
}

#[test]
fn a_complete_store_in_a_bucket_is_not_replaced_in_place_and_an_object_is() {
    let (server, folder) = scanned();
    let run = |args: &[&str]| rangefold(&server, &folder, args);
    for store in ["s3://climate/a.parq", "s3://climate/mean.zarr"] {
        let write: Vec<&str> = if store.ends_with(".parq") {
            vec!["convert", "a.json", "-o", store]
        } else {
            vec!["reduce", "a.json", "tas", "--op", "mean", "--over", "time", "-o", store]
        };
        let first = run(&write);
        assert!(first.status.success(), "{store}: {}", stderr(&first));
        for more in [&[][..], &["--overwrite"]] {
            let again = run(&[&write, more].concat());
            assert_eq!(again.status.code(), Some(1), "{store} {more:?}: {}", stderr(&again));
            assert!(stderr(&again).contains(store), "{}", stderr(&again));
        }
    }
    assert_eq!(sum(&server, &folder, "s3://climate/a.parq", "tas"), sum(&server, &folder, "a.json", "tas"));
    // One object is replaced whole by one request.
    let b = sum(&server, &folder, "b.json", "tas");
    for (refs, code) in [("a.json", 0), ("b.json", 1)] {
        assert_eq!(run(&["convert", refs, "-o", "s3://climate/one.json"]).status.code(), Some(code));
    }
    let replaced = run(&["convert", "b.json", "-o", "s3://climate/one.json", "--overwrite"]);
    assert!(replaced.status.success(), "{}", stderr(&replaced));
    assert_eq!(sum(&server, &folder, "s3://climate/one.json", "tas"), b);
}
