//! Writing references by the output's ending: JSON, compressed JSON, Parquet.

use anyhow::{Result, bail};
use rangefold::combine::Joined;
use rangefold::refs::ReferenceSet;
use rangefold::store::{Form, References, SaveError, SaveOptions, check_savable, save, save_records};

use crate::WrongArguments;
use crate::context::{Context, told};

/// Checks an output before work begins: its ending is a form of references, it is none of the inputs, and it can be
/// written.
///
/// # Errors
///
/// [`WrongArguments`] for the first two, else why it cannot be written.
pub(crate) async fn check<'a>(
    context: &Context,
    output: &str,
    inputs: impl IntoIterator<Item = &'a str>,
) -> Result<Form> {
    let form = Form::of(output).map_err(WrongArguments::of)?;
    context.check_distinct(output, inputs)?;
    check_savable(&context.storage, output, context.existing()).await.map_err(saved)?;
    Ok(form)
}

/// Writes `set` to `output` in the form its ending asks for.
pub(crate) async fn write(
    context: &Context,
    output: &str,
    set: &ReferenceSet,
    record_size: u64,
) -> Result<()> {
    let options = SaveOptions { existing: context.existing(), record_size };
    save(&context.storage, output, set, options).await.map_err(saved)
}

/// Writes a joined set. As Parquet it is written while its references still stand in the inputs, which are borrowed: here
/// and now, on this thread. An interruption is noticed in between.
pub(crate) fn write_joined(
    context: &Context,
    output: &str,
    joined: Joined<'_>,
    record_size: u64,
) -> Result<()> {
    let written = async {
        if Form::of(output)? != Form::Parquet {
            return write(context, output, &joined.into_set()?, record_size).await;
        }
        let arrays = joined.arrays.iter().map(|(path, array)| {
            let references: References<'_> = array.references();
            (path.as_str(), array.meta.grid.chunk_count(), references)
        });
        let options = SaveOptions { existing: context.existing(), record_size };
        save_records(&context.storage, output, &joined.metadata(), arrays, options).await.map_err(saved)
    };
    let interruptible = async {
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                bail!("interrupted")
            }
            written = written => written,
        }
    };
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(interruptible))
}

fn saved(error: SaveError) -> anyhow::Error {
    match error {
        SaveError::Write(error) => told(error),
        SaveError::Form(_) | SaveError::Refs { .. } => error.into(),
    }
}

/// The output of one of several pieces: `stack.json` becomes `stack.2.json`.
pub(crate) fn numbered(output: &str, piece: usize) -> String {
    let name = output.trim_end_matches('/');
    let start = name.rfind('/').map_or(0, |slash| slash + 1);
    let dot = name
        .get(start..)
        .and_then(|last| last.find(".json").or_else(|| last.rfind('.')))
        .map_or(name.len(), |dot| start + dot);
    let (stem, ending) = name.split_at(dot);
    format!("{stem}.{piece}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_numbered_before_the_ending() {
        assert_eq!(numbered("a.b/stack.json.gz", 2), "a.b/stack.2.json.gz");
        assert_eq!(numbered("s3://b/stack.parq/", 1), "s3://b/stack.1.parq");
    }
}
