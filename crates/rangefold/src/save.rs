//! Writing answers and selections to files and objects, in the form that the ending asks for.

use rangefold_output::{Encoded, Format, OutputError, Tree, UnknownEnding, encode};
use rangefold_query::{Answer, AnswerError, Dataset, Field, Query, Question};
use rangefold_storage::{Existing, FileWriter, Storage, TreeKind, TreeWriter, WriteError};
use rangefold_store::ValuesError;

use crate::selection;

/// An answer or a selection cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// No form has this ending.
    #[error(transparent)]
    Ending(#[from] UnknownEnding),
    /// The form cannot say it.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// It cannot be written there.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// There is no answer.
    #[error(transparent)]
    Answer(Box<AnswerError>),
    /// The stored elements cannot be read.
    #[error(transparent)]
    Values(#[from] ValuesError),
    /// The file cannot be written.
    #[error("cannot write {url}")]
    File {
        /// Where.
        url: String,
        /// Why.
        source: std::io::Error,
    },
    /// A selection that is longer than the memory allows.
    #[error(
        "variable {variable:?}: a selection of shape {shape:?} has {bytes} bytes, and with {memory} bytes of memory at most \
         {most} are written; --memory {needed} would do"
    )]
    TooLong {
        /// The variable.
        variable: String,
        /// Shape of the selection.
        shape: Vec<u64>,
        /// Its bytes.
        bytes: u128,
        /// Bytes of memory that may be used.
        memory: u64,
        /// Bytes that are written at the most.
        most: u128,
        /// Bytes of memory that it needs.
        needed: u128,
    },
    /// An object that is held in memory and does not fit.
    #[error("cannot write {url}: an object of {total} bytes is held in memory, and --memory allows {memory}")]
    Held {
        /// Where.
        url: String,
        /// Its bytes.
        total: u64,
        /// Bytes of memory that may be used.
        memory: u64,
    },
    /// A part of a selection is too large for this machine.
    #[error("a part of shape {shape:?} is too large")]
    Part {
        /// Shape of the part.
        shape: Vec<u64>,
    },
    /// Missing integers that no integer can stand for.
    #[error(
        "values are missing, and the fill value, the smallest and the largest number of type {element} are all values of \
         others: nothing is left to mark them"
    )]
    NoFill {
        /// Name of the type.
        element: String,
    },
    /// A selection of nothing.
    #[error("variable {variable:?}: nothing is selected")]
    Nothing {
        /// The variable.
        variable: String,
    },
    /// A variable that the dataset has no more.
    #[error("variable {variable:?} is gone")]
    Gone {
        /// The variable.
        variable: String,
    },
}

impl From<AnswerError> for SaveError {
    fn from(error: AnswerError) -> Self {
        Self::Answer(Box::new(error))
    }
}

/// Where an output goes.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) storage: &'a Storage,
    pub(crate) url: &'a str,
    pub(crate) existing: Existing,
}

impl Target<'_> {
    pub(crate) async fn write(&self, bytes: Vec<u8>) -> Result<(), SaveError> {
        Ok(self.storage.write(self.url, bytes, self.existing).await?)
    }

    /// Begins a Zarr store.
    pub(crate) async fn tree(&self) -> Result<TreeWriter, SaveError> {
        Ok(self.storage.tree(self.url, &TreeKind::ZARR, self.existing).await?)
    }

    /// Begins a file, if the output is local.
    pub(crate) fn local_file(&self) -> Result<Option<FileWriter>, SaveError> {
        Ok(self.storage.local_file(self.url, self.existing)?)
    }

    pub(crate) fn failed(&self, source: std::io::Error) -> SaveError {
        SaveError::File { url: self.url.to_owned(), source }
    }
}

/// Checks that an output of values can be written to `url`, before work begins.
///
/// # Errors
///
/// [`SaveError::Ending`] or [`SaveError::Write`].
pub async fn check_fields_savable(
    storage: &Storage,
    url: &str,
    existing: Existing,
) -> Result<Format, SaveError> {
    let format = Format::of(url)?;
    if format.is_folder() {
        storage.check_tree_writable(url, &TreeKind::ZARR, existing).await?;
    } else {
        storage.check_writable(url, existing).await?;
    }
    Ok(format)
}

/// Writes labelled arrays to `url`, whole or not at all, in the form its ending asks for: `.json`, `.npy`, `.csv`,
/// `.nc.json`, `.zarr` or `.png`.
///
/// # Errors
///
/// [`SaveError`]: the form cannot say it, there is something already and `existing` keeps it, or it cannot be written.
pub async fn save_fields(
    storage: &Storage,
    url: &str,
    fields: &[Field],
    existing: Existing,
) -> Result<(), SaveError> {
    let target = Target { storage, url, existing };
    match encode(fields, Format::of(url)?)? {
        Encoded::Object(bytes) => target.write(bytes).await,
        Encoded::Tree(Tree { mut objects }) => {
            let mut tree = target.tree().await?;
            let last = objects.pop();
            for (path, bytes) in objects {
                tree.put(&path, bytes).await?;
            }
            // The index makes the others visible.
            match last {
                Some((index, bytes)) => Ok(tree.finish(&index, bytes).await?),
                None => {
                    tree.abandon().await;
                    Ok(())
                }
            }
        }
    }
}

/// Writes the values that `query` selects of the variable at path `variable` to `url`: as `.npy` and `.zarr` part by part,
/// with little memory however many they are. Gives what the question may not have meant.
///
/// # Errors
///
/// [`SaveError`].
pub async fn save_selection(
    dataset: &Dataset,
    variable: &str,
    query: &Query,
    url: &str,
    existing: Existing,
) -> Result<Vec<String>, SaveError> {
    let format = Format::of(url)?;
    let storage = dataset.storage();
    let raw = query.interpretation == rangefold_query::Interpretation::Raw;
    let array = dataset.metadata().arrays.get(variable);
    let form = array.and_then(|array| selection::in_parts(array, format, raw));
    if let Some(form) = form
        && !dataset.select(variable, query).await?.1.is_empty()
    {
        let target = Target { storage, url, existing };
        return selection::write(dataset, variable, query, form, target).await;
    }
    let Answer { fields, warnings, .. } = dataset.ask(variable, query, &|_, _| {}).await?;
    save_fields(storage, url, &fields, existing).await?;
    Ok(warnings)
}

/// Answers and questions that can be written to a file or an object.
pub trait Save {
    /// Writes to `url`, whole or not at all, in the form its ending asks for: `.json`, `.npy`, `.csv`, `.nc.json`, `.zarr`
    /// or `.png`. What is there already stays, and is an error.
    ///
    /// # Errors
    ///
    /// [`SaveError`].
    fn save(&self, storage: &Storage, url: &str) -> impl Future<Output = Result<(), SaveError>> + Send;
}

impl Save for Answer {
    async fn save(&self, storage: &Storage, url: &str) -> Result<(), SaveError> {
        save_fields(storage, url, &self.fields, Existing::Keep).await
    }
}

impl Save for Question {
    /// Runs the question and writes its answer; selections as `.npy` and `.zarr` part by part.
    async fn save(&self, storage: &Storage, url: &str) -> Result<(), SaveError> {
        if self.is_selection() {
            let query = self.query().map_err(AnswerError::from)?;
            let saved = save_selection(self.dataset(), self.path(), &query, url, Existing::Keep).await;
            return saved.map(drop);
        }
        self.run().await?.save(storage, url).await
    }
}
