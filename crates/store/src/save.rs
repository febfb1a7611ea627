//! Writing reference sets in the form that the output's name asks for, whole or not at all.

use rangefold_refs::{Compression, Reference, ReferenceSet, RefsError, compress, json, parquet};
use rangefold_storage::{Existing, Location, Storage, TreeKind, WriteError};

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
        source: RefsError,
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

/// Saves a set.
///
/// # Errors
///
/// [`SaveError`]; what was there is as it was.
pub async fn save(
    storage: &Storage,
    output: &str,
    set: &ReferenceSet,
    options: SaveOptions,
) -> Result<(), SaveError> {
    let refs = |source| SaveError::Refs { output: output.to_owned(), source };
    let compression = match Form::of(output)? {
        Form::Parquet => {
            let arrays = set.arrays.iter().map(|(path, array)| {
                let references: References<'_> = Box::new(array.manifest.iter());
                (path.as_str(), array.meta.grid.chunk_count(), references)
            });
            return save_records(storage, output, set, arrays, options).await;
        }
        Form::Json => None,
        Form::Gzip => Some(Compression::Gzip),
        Form::Zstandard => Some(Compression::Zstandard),
    };
    let plain = json::write(set).map_err(refs)?;
    let bytes = match compression {
        None => plain,
        Some(compression) => compress(&plain, compression).map_err(refs)?,
    };
    Ok(storage.write(output, bytes, options.existing).await?)
}

/// Chunk numbers and references of one array, ascending.
pub type References<'a> = Box<dyn Iterator<Item = (u64, Reference)> + 'a>;

/// Saves a set as Parquet whose references are drawn while they are written: for each array its path, the number of its
/// chunks, and the references. The manifests of `metadata` play no part.
///
/// # Errors
///
/// [`SaveError`]; what was there is as it was.
pub async fn save_records<'a>(
    storage: &Storage,
    output: &str,
    metadata: &ReferenceSet,
    arrays: impl Iterator<Item = (&'a str, u64, References<'a>)>,
    options: SaveOptions,
) -> Result<(), SaveError> {
    let refs = |source| SaveError::Refs { output: output.to_owned(), source };
    let SaveOptions { existing, record_size } = options;
    // What cannot be said is found before anything is written.
    parquet::zmetadata(metadata, record_size, &parquet::RecordTable::default()).map_err(refs)?;
    let mut tree = storage.tree(output, &PARQUET_TREE, existing).await?;
    let mut table = parquet::RecordTable::default();
    for (path, count, references) in arrays {
        for record in parquet::records(path, count, record_size, references) {
            let record = record.map_err(refs)?;
            table.add(path, &record);
            tree.put(&record.path, record.bytes).await?;
        }
    }
    let index = parquet::zmetadata(metadata, record_size, &table).map_err(refs)?;
    Ok(tree.finish(INDEX, index).await?)
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
    fn only_records_and_the_index_are_parts_of_a_parquet_store() {
        let is_part = PARQUET_TREE.is_part;
        assert!(is_part(".zmetadata") && is_part("a b/c#d/refs.10.parq") && is_part("refs.0.parq"));
        assert!(!is_part("notes.txt") && !is_part("a/.zmetadata") && !is_part("a/refs.x.parq"));
    }
}
