//! `rangefold dump`: the HDF5 structures of a file, with their addresses.

use anyhow::{Context as _, Result};
use rangefold::hdf5::{Options, Reader, dump};

use crate::args::Dump;
use crate::context::Context;
use crate::{Done, output};

pub(crate) async fn run(context: &Context, args: &Dump) -> Result<Done> {
    let (store, path) = context.resolve(&args.file)?;
    let options =
        Options { dump: true, lenient: true, concurrency: context.shared.concurrency, ..Options::default() };
    let cannot = || format!("cannot dump {}", args.file);
    let reader = Reader::open(store, path, options).await.with_context(cannot)?;
    let file = reader.file().await.with_context(cannot)?;
    output::print(&dump::Dump(&file).to_string())?;
    Ok(Done::All)
}
