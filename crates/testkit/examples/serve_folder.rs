//! Serves a folder as a bucket, for trying commands and other clients by hand.
//!
//! ```text
//! cargo run -p rangefold-testkit --example serve_folder -- FOLDER [PORT] [BUCKET]
//! ```
//!
//! The bucket, `data` unless named, is read into memory once. It can be read without a key; the printed key may write as well.
#![allow(clippy::print_stderr, clippy::expect_used, reason = "an example for the terminal")]

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use rangefold_testkit::S3Server;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(folder) = arguments.first() else {
        eprintln!("usage: serve_folder FOLDER [PORT] [BUCKET]");
        std::process::exit(2);
    };
    let port = arguments.get(1).map_or(9000, |port| port.parse().expect("PORT is a number below 65536"));
    let bucket = arguments.get(2).map_or("data", String::as_str);
    let server = S3Server::start_on(SocketAddr::from(([127, 0, 0, 1], port)));
    server.create_bucket(bucket);
    server.make_public(bucket);
    let count = put_folder(&server, bucket, Path::new(folder), "");
    eprintln!("{count} objects in s3://{bucket}/");
    eprintln!("export AWS_ENDPOINT_URL={} AWS_REGION=us-east-1", server.endpoint());
    eprintln!(
        "export AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={}",
        server.access_key(),
        server.secret_key()
    );
    loop {
        std::thread::park();
    }
}

/// Puts every file below `folder` into the bucket, and counts them.
fn put_folder(server: &S3Server, bucket: &str, folder: &Path, prefix: &str) -> usize {
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let entry = entry.expect("the folder can be read");
        let key = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            count += put_folder(server, bucket, &entry.path(), &format!("{key}/"));
        } else {
            server.put(bucket, &key, fs::read(entry.path()).expect("the file can be read"));
            count += 1;
        }
    }
    count
}
