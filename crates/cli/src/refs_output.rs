//! Writing references by the output's ending: JSON, compressed JSON, Parquet.

use std::io::Write as _;

use anyhow::{Context as _, Result, bail};
use flate2::{Compression, write::GzEncoder};
use rangefold::combine::Joined;
use rangefold::refs::{Reference, ReferenceSet, json, parquet};

use crate::context::Context;

/// Level of Zstandard: its default.
const ZSTD_LEVEL: i32 = 3;

/// How references are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Gzip,
    Zstd,
    Parquet,
}

impl Form {
    /// The form that an output's ending asks for.
    ///
    /// # Errors
    ///
    /// An ending that is none of the known ones.
    pub(crate) fn of(output: &str) -> Result<Self> {
        let name = output.trim_end_matches('/').to_ascii_lowercase();
        let endings = [
            (".json.gz", Self::Gzip),
            (".json.zst", Self::Zstd),
            (".json", Self::Json),
            (".parq", Self::Parquet),
            (".parquet", Self::Parquet),
        ];
        match endings.iter().find(|(ending, _)| name.ends_with(ending)) {
            Some((_, form)) => Ok(*form),
            None => bail!(
                "cannot tell how to write references to {output:?}: the ending must be .json, .json.gz, .json.zst or .parq"
            ),
        }
    }
}

/// Whether references may be written to `output`, as far as its name tells.
///
/// # Errors
///
/// [`WrongArguments`](crate::WrongArguments): an ending that is none of the known ones, or a URL that cannot be used.
pub(crate) fn check(context: &Context, output: &str) -> Result<()> {
    Form::of(output).map_err(crate::WrongArguments::of)?;
    context.check_url(output)
}

/// Writes `set` to `output` in the form its ending asks for. A Parquet store gets its index last: without it there is
/// no store.
pub(crate) async fn write(
    context: &Context,
    output: &str,
    set: &ReferenceSet,
    record_size: u64,
) -> Result<()> {
    let form = Form::of(output)?;
    if form == Form::Parquet {
        let arrays = set.arrays.iter().map(|(path, array)| {
            let references: References<'_> = Box::new(array.manifest.iter());
            (path.as_str(), array.meta.grid.chunk_count(), references)
        });
        return write_parquet(context, output, set, arrays, record_size).await;
    }
    let plain = json::write(set)?;
    let bytes = match form {
        Form::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(&plain)?;
            encoder.finish()?
        }
        Form::Zstd => zstd::encode_all(plain.as_slice(), ZSTD_LEVEL)?,
        Form::Json | Form::Parquet => plain,
    };
    context.write(output, bytes).await
}

/// Chunk numbers and references of one array, ascending.
type References<'a> = Box<dyn Iterator<Item = (u64, Reference)> + 'a>;

/// Writes a joined set as Parquet while its references still stand in the inputs.
pub(crate) async fn write_joined(
    context: &Context,
    output: &str,
    joined: &Joined<'_>,
    record_size: u64,
) -> Result<()> {
    let arrays = joined
        .arrays
        .iter()
        .map(|(path, array)| (path.as_str(), array.meta.grid.chunk_count(), array.references()));
    write_parquet(context, output, &joined.metadata(), arrays, record_size).await
}

async fn write_parquet<'a>(
    context: &Context,
    output: &str,
    metadata: &ReferenceSet,
    arrays: impl Iterator<Item = (&'a str, u64, References<'a>)>,
    record_size: u64,
) -> Result<()> {
    let output = output.trim_end_matches('/');
    let cannot = || format!("cannot write {output}");
    let index = format!("{output}/.zmetadata");
    let zmetadata = parquet::zmetadata(metadata, record_size).with_context(cannot)?;
    if !context.shared.overwrite && context.exists(&index).await? {
        bail!("cannot write {output}: it exists already; --overwrite replaces it");
    }
    for (path, count, references) in arrays {
        for record in parquet::records(path, count, record_size, references) {
            let record = record.with_context(cannot)?;
            context.replace(&format!("{output}/{}", record.path), record.bytes).await?;
        }
    }
    context.replace(&index, zmetadata).await
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
    fn the_ending_decides_the_form() {
        assert_eq!(Form::of("a/refs.JSON").unwrap(), Form::Json);
        assert_eq!(Form::of("s3://b/refs.json.zst").unwrap(), Form::Zstd);
        assert_eq!(Form::of("refs.parq/").unwrap(), Form::Parquet);
        assert!(Form::of("refs.txt").is_err());
    }

    #[test]
    fn pieces_are_numbered_before_the_ending() {
        assert_eq!(numbered("a.b/stack.json.gz", 2), "a.b/stack.2.json.gz");
        assert_eq!(numbered("s3://b/stack.parq/", 1), "s3://b/stack.1.parq");
    }
}
