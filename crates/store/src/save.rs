//! Writing reference sets in the form that the output's name asks for, whole or not at all.

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;

use futures::channel::mpsc;
use futures::{SinkExt as _, StreamExt as _, executor};
use rangefold_refs::{Compression, Reference, ReferenceSet, compress, json, parquet};
use rangefold_storage::{Existing, Location, Storage, TreeKind, WriteError};

use crate::aside::{Stopped, aside};

/// How references are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// kerchunk JSON.
    Json,
    /// JSON in a gzip member.
    Gzip,
    /// JSON in a Zstandard frame.
    Zstandard,
    /// A folder of Parquet records.
    Parquet,
}

/// A name that says no form of references.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot tell how to write references to {output:?}: the ending must be .json, .json.gz, .json.zst or .parq"
)]
pub struct UnknownForm {
    /// The name.
    pub output: String,
}

/// References cannot be saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The name says no form.
    #[error(transparent)]
    Form(#[from] UnknownForm),
    /// The form cannot say the references.
    #[error("cannot write {output}")]
    Refs {
        /// The output.
        output: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The output cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// How references are saved.
#[derive(Clone, Copy, Debug)]
pub struct SaveOptions {
    /// What becomes of an output that is there.
    pub existing: Existing,
    /// Rows of a Parquet record.
    pub record_size: u64,
}

/// Whether two URLs lead to one reference store, however they are spelt: the index of a Parquet store stands for it.
#[must_use]
pub fn is_same_store(a: &str, b: &str) -> bool {
    let store = |url: &str| url.strip_suffix("/.zmetadata").unwrap_or(url).to_owned();
    Location::is_same_place(&store(a), &store(b))
}

/// A Parquet reference store.
const PARQUET_TREE: TreeKind = TreeKind {
    what: "Parquet reference store",
    indexes: &[INDEX],
    is_part: |name| {
        let last = name.rsplit('/').next().unwrap_or(name);
        let number = last.strip_prefix("refs.").and_then(|rest| rest.strip_suffix(".parq"));
        name == INDEX || number.is_some_and(|n| !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit()))
    },
};

const INDEX: &str = ".zmetadata";

impl Form {
    /// The form that the ending of an output asks for.
    ///
    /// # Errors
    ///
    /// [`UnknownForm`].
    pub fn of(output: &str) -> Result<Self, UnknownForm> {
        let name = output.trim_end_matches('/').to_ascii_lowercase();
        let endings = [
            (".json.gz", Self::Gzip),
            (".json.zst", Self::Zstandard),
            (".json", Self::Json),
            (".parq", Self::Parquet),
            (".parquet", Self::Parquet),
        ];
        let found = endings.iter().find(|(ending, _)| name.ends_with(ending));
        found.map(|(_, form)| *form).ok_or_else(|| UnknownForm { output: output.to_owned() })
    }
}

/// Whether references can be saved at `output`, as far as that can be known before they are.
///
/// # Errors
///
/// [`SaveError`].
pub async fn check_savable(storage: &Storage, output: &str, existing: Existing) -> Result<(), SaveError> {
    match Form::of(output)? {
        Form::Parquet => storage.check_tree_writable(output, &PARQUET_TREE, existing).await?,
        Form::Json | Form::Gzip | Form::Zstandard => storage.check_writable(output, existing).await?,
    }
    Ok(())
}

/// The references of one array: chunk numbers, ascending, with where the chunk is.
pub type References<'a> = Box<dyn Iterator<Item = (u64, Reference)> + 'a>;

/// What stood in the way of encoding a set.
type Problem = Box<dyn Error + Send + Sync>;

/// A reference set, or what one is drawn from piece by piece.
pub trait Savable: Send + Sync + 'static {
    /// The set without its references: only groups, metadata and attributes count.
    fn metadata(&self) -> Cow<'_, ReferenceSet>;

    /// For each array its path, the number of its chunks, and the references.
    fn arrays(&self) -> Box<dyn Iterator<Item = (&str, u64, References<'_>)> + '_>;

    /// The set as kerchunk JSON.
    ///
    /// # Errors
    ///
    /// Why JSON cannot say it.
    fn into_json(self) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>>;
}

impl Savable for Arc<ReferenceSet> {
    fn metadata(&self) -> Cow<'_, ReferenceSet> {
        Cow::Borrowed(self)
    }

    fn arrays(&self) -> Box<dyn Iterator<Item = (&str, u64, References<'_>)> + '_> {
        Box::new(self.arrays.iter().map(|(path, array)| {
            let references: References<'_> = Box::new(array.manifest.iter());
            (path.as_str(), array.meta.grid.chunk_count(), references)
        }))
    }

    fn into_json(self) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
        Ok(json::write(&self)?)
    }
}

/// Saves a set, whole or not at all, in the form that the ending of `output` asks for. Encoding takes place on another
/// thread; as Parquet, a few records are in memory at once.
///
/// # Errors
///
/// [`SaveError`]; what was there is as it was.
pub async fn save(
    storage: &Storage,
    output: &str,
    set: impl Savable,
    options: SaveOptions,
) -> Result<(), SaveError> {
    let compression = match Form::of(output)? {
        Form::Parquet => return save_records(storage, output, set, options).await,
        Form::Json => None,
        Form::Gzip => Some(Compression::Gzip),
        Form::Zstandard => Some(Compression::Zstandard),
    };
    let encode = move || -> Result<Vec<u8>, Problem> {
        let plain = set.into_json()?;
        Ok(match compression {
            None => plain,
            Some(compression) => compress(&plain, compression)?,
        })
    };
    let bytes = aside(encode).await.map_err(Problem::from).and_then(|bytes| bytes);
    let bytes = bytes.map_err(|source| SaveError::Refs { output: output.to_owned(), source })?;
    Ok(storage.write(output, bytes, options.existing).await?)
}

/// Records that are encoded and not yet written.
const RECORDS_WAITING: usize = 4;

/// Saves a set as Parquet, whose records are written while the next ones are drawn and encoded.
async fn save_records(
    storage: &Storage,
    output: &str,
    set: impl Savable,
    options: SaveOptions,
) -> Result<(), SaveError> {
    let refs = |source| SaveError::Refs { output: output.to_owned(), source };
    let SaveOptions { existing, record_size } = options;
    // What cannot be said is found before anything is written.
    let check = move || -> Result<_, Problem> {
        parquet::zmetadata(&set.metadata(), record_size, &parquet::RecordTable::default())?;
        Ok(set)
    };
    let set = aside(check).await.map_err(Problem::from).and_then(|set| set).map_err(refs)?;
    let mut tree = storage.tree(output, &PARQUET_TREE, existing).await?;
    let (mut sender, mut waiting) = mpsc::channel(RECORDS_WAITING);
    let encode = move || -> Result<Option<Vec<u8>>, Problem> {
        let mut table = parquet::RecordTable::default();
        for (path, count, references) in set.arrays() {
            for record in parquet::records(path, count, record_size, references) {
                let record = record?;
                table.add(path, &record);
                // Nobody takes records any more if one of them could not be written.
                if executor::block_on(sender.send((record.path, record.bytes))).is_err() {
                    return Ok(None);
                }
            }
        }
        Ok(Some(parquet::zmetadata(&set.metadata(), record_size, &table)?))
    };
    let write = async move {
        while let Some((path, bytes)) = waiting.next().await {
            tree.put(&path, bytes).await?;
        }
        Ok::<_, SaveError>(tree)
    };
    let (index, tree) = futures::join!(aside(encode), write);
    let tree = tree?;
    let index = index.map_err(Problem::from).and_then(|index| index).map_err(refs)?;
    let index = index.ok_or_else(|| refs(Stopped.into()))?;
    Ok(tree.finish(INDEX, index).await?)
}

/// The output of one of several pieces: `stack.json` becomes `stack.2.json`.
#[must_use]
pub fn numbered(output: &str, piece: usize) -> String {
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
        assert_eq!(Form::of("a/refs.JSON"), Ok(Form::Json));
        assert_eq!(Form::of("s3://b/refs.json.zst"), Ok(Form::Zstandard));
        assert_eq!(Form::of("refs.parq/"), Ok(Form::Parquet));
        assert!(Form::of("refs.txt").is_err());
    }

    #[test]
    fn pieces_are_numbered_before_the_ending() {
        assert_eq!(numbered("a.b/stack.json.gz", 2), "a.b/stack.2.json.gz");
        assert_eq!(numbered("s3://b/stack.parq/", 1), "s3://b/stack.1.parq");
    }

    #[test]
    fn only_records_and_the_index_are_parts_of_a_parquet_store() {
        let is_part = PARQUET_TREE.is_part;
        assert!(is_part(".zmetadata") && is_part("a b/c#d/refs.10.parq") && is_part("refs.0.parq"));
        assert!(!is_part("notes.txt") && !is_part("a/.zmetadata") && !is_part("a/refs.x.parq"));
    }
}
