//! Scans the three files of `fixtures/stack`, joins them in time, writes the references, and prints the mean temperature
//! of all three years.
//!
//! ```sh
//! cargo run --example stack
//! ```
#![allow(clippy::print_stdout, reason = "an example prints what it finds")]

use rangefold::{CombineSpec, Dataset, Existing, Storage};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let storage = Storage::of_process()?;
    let files = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/stack/*.nc");

    // The metadata of each file are read once; the sets of references become one.
    let scanned = rangefold::scan(&storage, [files]).await?;
    println!("scanned {} files, {} variables left out", scanned.inputs.len(), scanned.skipped.len());
    let stack = rangefold::combine(&storage, scanned.inputs, &CombineSpec::along(["time"])?).await?;
    let output = std::env::temp_dir().join("rangefold-stack.json").display().to_string();
    rangefold::save_references(&storage, &output, stack.references, Existing::Replace).await?;

    // From here on no HDF5 is read: only the byte ranges that hold the chunks.
    let dataset = Dataset::open(&storage, &output).await?;
    let answer = dataset.variable("tas")?.reduce("mean,count").run().await?;
    println!("{answer}\nread {} chunks, {} bytes", answer.statistics.chunks, answer.statistics.fetched);
    Ok(())
}
