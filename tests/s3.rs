//! Scan and reduce over a real S3 server, with credentials and a path-style endpoint.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a helper that fails fails the test"
)]

use std::sync::Arc;

use rangefold::active::Limits;
use rangefold::query::{Query, View, prepare};
use rangefold::reduce::{Reduction, Value};
use rangefold::refs::json;
use rangefold::scan::{ScanOptions, scan};
use rangefold::storage::{Environment, Storage, StorageOptions};
use rangefold::store::ReferenceStore;
use rangefold_testkit::{S3Server, fixtures};

/// A server that holds one file of the fixture stack.
fn server() -> S3Server {
    let server = S3Server::start();
    server.create_bucket("climate");
    server.put("climate", "cmip/tas 2001.nc", std::fs::read(fixtures().join("stack/tas_2001.nc")).unwrap());
    server
}

fn storage(server: &S3Server, secret: &str) -> Storage {
    let environment = Environment::default()
        .with("AWS_ACCESS_KEY_ID", server.access_key())
        .with("AWS_SECRET_ACCESS_KEY", secret);
    let options = StorageOptions { endpoint_url: Some(server.endpoint()), ..StorageOptions::default() };
    Storage::new(options, environment).unwrap()
}

const URL: &str = "s3://climate/cmip/tas 2001.nc";

#[tokio::test]
async fn a_file_in_a_bucket_is_scanned_in_one_round_and_reduced_by_its_byte_ranges() {
    let server = server();
    let storage = storage(&server, server.secret_key());
    let (store, path) = storage.resolve(URL).unwrap();
    let scanned = scan(store, &path, URL, &ScanOptions::default()).await.unwrap();
    assert_eq!(scanned.skipped, []);
    assert_eq!(server.requests().len(), 1, "one GET reads all metadata of a small file");

    server.clear_requests();
    let set = json::read(&json::write(&scanned.references).unwrap()).unwrap();
    let store = ReferenceStore::new(Arc::new(set), storage);
    let query = Query { reductions: vec![Reduction::Mean], ..Query::default() };
    let prepared = prepare(&View::new(store.clone()), "tas", &query).await.unwrap();
    let answer = prepared.run(&View::within(store.clone(), Limits::default()), &|_, _| {}).await.unwrap();
    let oracle: serde_json::Value =
        serde_json::from_slice(&std::fs::read(fixtures().join("stack/tas_2001.nc.json")).unwrap()).unwrap();
    let expected = &oracle["netcdf4"]["variables"]["/tas"]["unscaled"];
    let mean = expected["sum"].as_f64().unwrap() / expected["count"].as_f64().unwrap();
    let outcomes = answer.complete().unwrap();
    let Some(Value::Float(found)) = outcomes[0].value(0) else { panic!("no mean: {outcomes:?}") };
    assert!((found - mean).abs() <= 1e-12 * mean.abs(), "{found} for {mean}");
    assert!(server.requests().iter().all(|request| request.range.is_some()), "only ranges are fetched");
}

#[tokio::test]
async fn a_wrong_secret_is_said_to_be_one() {
    let server = server();
    let storage = storage(&server, "wrong");
    let (store, path) = storage.resolve(URL).unwrap();
    let error = scan(store, &path, URL, &ScanOptions::default()).await.unwrap_err();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        if let Some(cause) = cause.downcast_ref::<object_store::Error>() {
            text = format!("{text}: {}", rangefold::storage::explain(cause));
        }
        source = cause.source();
    }
    assert!(text.contains("secret"), "{text}");
    assert!(!text.contains("wrong"), "the secret itself is not printed: {text}");
}

#[tokio::test]
async fn an_object_that_changed_since_it_was_scanned_is_refused() {
    let server = server();
    let storage = storage(&server, server.secret_key());
    let (store, path) = storage.resolve(URL).unwrap();
    let scanned = scan(store, &path, URL, &ScanOptions::default()).await.unwrap();
    server.put("climate", "cmip/tas 2001.nc", std::fs::read(fixtures().join("stack/tas_2002.nc")).unwrap());
    let store = ReferenceStore::new(Arc::new(scanned.references), storage);
    let query = Query { reductions: vec![Reduction::Mean], ..Query::default() };
    let prepared = prepare(&View::new(store.clone()), "tas", &query).await.unwrap();
    let error = prepared.run(&View::within(store.clone(), Limits::default()), &|_, _| {}).await.unwrap_err();
    let cause = std::error::Error::source(&error).and_then(std::error::Error::source).unwrap().to_string();
    assert!(cause.contains("changed since it was scanned"), "{cause}");
}
