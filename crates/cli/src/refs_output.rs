//! Writing references by the output's ending: JSON, compressed JSON, Parquet.

use anyhow::Result;
use rangefold::store::{Form, Savable, SaveError, SaveOptions, check_savable, save};

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
    set: impl Savable,
    record_size: u64,
) -> Result<()> {
    let options = SaveOptions { existing: context.existing(), record_size };
    save(&context.storage, output, set, options).await.map_err(saved)
}

fn saved(error: SaveError) -> anyhow::Error {
    match error {
        SaveError::Write(error) => told(error),
        SaveError::Form(_) | SaveError::Refs { .. } => error.into(),
    }
}
