//! What the command asks of a server: as much as it tells before, and nothing more once it is interrupted.

#![allow(clippy::unwrap_used, reason = "what cannot be set up must stop the test")]

use std::process::{Command, Stdio};
use std::time::Duration;

use rangefold_testkit::{S3Server, fixtures};
use serde_json::Value;
use tempfile::TempDir;

/// A server with a file in a bucket, and a folder with `refs.json`, scanned from it.
fn scanned() -> (S3Server, TempDir) {
    let server = S3Server::start();
    server.create_bucket("climate");
    server.put("climate", "tas.nc", std::fs::read(fixtures().join("stack/tas_2001.nc")).unwrap());
    let folder = TempDir::new().unwrap();
    let output =
        rangefold(&server, &folder, &["scan", "s3://climate/tas.nc", "-o", "refs.json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    server.clear_requests();
    (server, folder)
}

fn rangefold(server: &S3Server, folder: &TempDir, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rangefold"));
    command
        .current_dir(folder.path())
        .args(["--endpoint-url", &server.endpoint()])
        .env("AWS_ACCESS_KEY_ID", server.access_key())
        .env("AWS_SECRET_ACCESS_KEY", server.secret_key())
        .args(args);
    command
}

fn reduced(server: &S3Server, folder: &TempDir, args: &[&str]) -> Value {
    let args = [&["reduce", "refs.json", "tas", "--op", "mean", "--json"], args].concat();
    let output = rangefold(server, folder, &args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn explain_tells_the_requests_and_bytes_that_a_reduction_then_takes() {
    let (server, folder) = scanned();
    for selection in ["time=:", "time=0:1", "time=::2"] {
        let args = ["--select", selection];
        let told = reduced(&server, &folder, &[&args[..], &["--explain"]].concat());
        assert_eq!(server.requests().len(), 0, "nothing is read to explain");
        let made = reduced(&server, &folder, &args);
        assert_eq!(told["requests"], server.requests().len() as u64, "{selection}");
        assert_eq!(told["bytes"], made["bytes"], "{selection}");
        assert_eq!(told["chunks"]["total"], made["chunks"]["total"], "{selection}");
        server.clear_requests();
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_reduction_ends_at_once_though_the_server_has_not_answered() {
    let (server, folder) = scanned();
    server.set_latency(Duration::from_secs(3600));
    let reducing = rangefold(&server, &folder, &["reduce", "refs.json", "tas", "--op", "mean"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while server.requests().is_empty() {
        std::thread::yield_now();
    }
    let killed = Command::new("kill").args(["-INT", &reducing.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = reducing.wait_with_output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("interrupted"), "{errors}");
    assert_eq!(output.stdout, b"");
}
