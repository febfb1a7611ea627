//! Scans the three files of `fixtures/stack`, joins them in time, writes the references, and prints the mean temperature
//! of all three years.
//!
//! ```sh
//! cargo run --example stack
//! ```

#![allow(clippy::print_stdout, reason = "an example prints what it finds")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use rangefold::active::Limits;
use rangefold::combine::{CombineSpec, Input, combine};
use rangefold::query::{Query, View, prepare};
use rangefold::reduce::{Reduction, Value};
use rangefold::refs::json;
use rangefold::scan::{ScanOptions, scan};
use rangefold::storage::{Environment, Storage, StorageOptions};
use rangefold::store::{FetchOptions, ReferenceStore};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/stack").canonicalize()?;
    let storage = Storage::new(StorageOptions::default(), Environment::of_process())?;

    // Each file's metadata is read once.
    let mut inputs = Vec::new();
    for year in [2001, 2002, 2003] {
        let url = folder.join(format!("tas_{year}.nc")).display().to_string();
        let (store, path) = storage.resolve(&url)?;
        let scanned = scan(store, &path, &url, &ScanOptions::default()).await?;
        let rounds = scanned.trace.rounds();
        println!(
            "scanned tas_{year}.nc in {rounds} round(s): {} references",
            scanned.references.reference_count()
        );
        inputs.push(Input::new(url, scanned.references));
    }

    // Three reference sets become one.
    let spec = CombineSpec { concat: vec!["time".into()], ..CombineSpec::default() };
    let combined = combine(inputs, &spec, storage.clone(), FetchOptions::default()).await?;
    let output = std::env::temp_dir().join("rangefold-stack.json");
    std::fs::write(&output, json::write(&combined.references)?)?;
    println!("combined {} references into {}", combined.references.reference_count(), output.display());

    // From here on no HDF5 is read: only the byte ranges that hold the chunks.
    let store = ReferenceStore::new(Arc::new(combined.references), storage);
    let query = Query { reductions: vec![Reduction::Mean, Reduction::Count], ..Query::default() };
    let prepared = prepare(&View::new(store.clone()), "tas", &query).await?;
    let answer = prepared.run(&View::within(store.clone(), Limits::default()), &|_, _| {}).await?;
    let chunks = answer.statistics.chunks;
    if let [mean, count] = answer.complete()?.as_slice()
        && let (Some(Value::Float(mean)), Some(Value::Signed(count))) = (mean.value(0), count.value(0))
    {
        println!("mean temperature: {mean:.3} K over {count} values in {chunks} chunks");
    }
    Ok(())
}
