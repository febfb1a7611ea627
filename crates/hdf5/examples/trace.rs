//! Reads a local HDF5 file through an object store and prints the requests that took.

use std::sync::Arc;

use rangefold_hdf5::{Options, Reader};

#[allow(clippy::print_stdout, reason = "printing is all this does")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("which file?")?;
    let path = std::fs::canonicalize(path)?;
    let store = Arc::new(object_store::local::LocalFileSystem::new());
    let runtime = tokio::runtime::Runtime::new()?;
    let started = std::time::Instant::now();
    let file = runtime.block_on(async {
        let path = object_store::path::Path::from_absolute_path(path)?;
        let reader = Reader::open(store, path, Options::default()).await?;
        Ok::<_, Box<dyn std::error::Error>>(reader.file().await?)
    })?;
    let chunks: usize = file
        .datasets()
        .iter()
        .filter_map(|dataset| match &dataset.layout {
            rangefold_hdf5::model::Layout::Chunked(chunked) => Some(chunked.chunks.as_ref()?.len()),
            _ => None,
        })
        .sum();
    print!("{}", file.trace);
    let attributes: usize = file.objects.values().map(|object| object.attributes().len()).sum();
    println!(
        "{} objects, {attributes} attributes, {chunks} chunks, {} errors, {:.3} s",
        file.objects.len(),
        file.errors.len(),
        started.elapsed().as_secs_f64()
    );
    for error in &file.errors {
        println!("{error}");
    }
    Ok(())
}
