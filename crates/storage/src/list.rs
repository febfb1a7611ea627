//! What a typed text names: a path or URL, a glob of them, or a prefix that stands for all files below it.

use futures::TryStreamExt as _;
use globset::GlobBuilder;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;

use crate::{Location, Scheme, Storage, StorageError};

/// How files that hold netCDF-4 or HDF5 are called.
pub const HDF5_ENDINGS: [&str; 7] = [".nc", ".nc4", ".cdf", ".h5", ".hdf5", ".he5", ".hdf"];

/// Globs and prefixes that match more than this are refused.
const LISTED_MAX: usize = 1_000_000;

/// A text names nothing.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The text is not a URL or path that can be used.
    #[error(transparent)]
    Location(#[from] StorageError),
    /// The text is not a glob.
    #[error("{glob:?} is not a glob")]
    Glob {
        /// The text.
        glob: String,
        /// What is wrong with it.
        source: globset::Error,
    },
    /// No object below the folder matches the glob.
    #[error("nothing matches {glob}: none of the {found} objects below {folder} does")]
    NoMatch {
        /// The glob.
        glob: String,
        /// Where was looked.
        folder: String,
        /// How many objects are there.
        found: usize,
    },
    /// No object below the prefix is called as the files that are wanted.
    #[error(
        "{prefix} is a prefix, not a file, and none of the {found} objects below it ends in {}; a glob such as \
         '{folder}**' takes others",
        endings.join(", ")
    )]
    NoneBelow {
        /// The prefix.
        prefix: String,
        /// The prefix with a slash at its end.
        folder: String,
        /// How the wanted files end.
        endings: Vec<String>,
        /// How many objects are there.
        found: usize,
    },
    /// There are too many objects.
    #[error("there are more than {LISTED_MAX} objects below {folder}")]
    TooMany {
        /// Where was looked.
        folder: String,
    },
    /// The folder leads to no store.
    #[error("cannot list {folder}")]
    Resolve {
        /// The folder.
        folder: String,
        /// Why.
        source: StorageError,
    },
    /// The store does not list the folder.
    #[error("cannot list {folder}")]
    List {
        /// The folder.
        folder: String,
        /// Why.
        source: object_store::Error,
    },
}

impl ListError {
    /// Whether the text itself is at fault, whatever is stored.
    #[must_use]
    pub fn is_malformed(&self) -> bool {
        match self {
            Self::Location(_) | Self::Glob { .. } => true,
            Self::NoMatch { .. }
            | Self::NoneBelow { .. }
            | Self::TooMany { .. }
            | Self::Resolve { .. }
            | Self::List { .. } => false,
        }
    }
}

/// How far below a folder is looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    One,
    All,
}

impl Storage {
    /// The objects that `texts` name, in the order of the texts and then of the names.
    ///
    /// A glob (`*`, `**`, `?`, `[ab]`, `{a,b}`) stands for what it matches, and a plain path or URL for itself, whether
    /// or not there is anything. So does a text of which an object is called, special characters or not.
    ///
    /// # Errors
    ///
    /// [`ListError`] for the first text that names nothing.
    pub async fn matching(&self, texts: &[String]) -> Result<Vec<String>, ListError> {
        let mut names = Vec::new();
        for text in texts {
            let location = Location::parse(text)?;
            names.extend(self.matching_one(text, &location).await?);
        }
        Ok(names)
    }

    /// As [`Storage::matching`], but a remote bucket or prefix (`s3://bucket/daily/`) stands for the objects below it whose
    /// names end in one of `endings`, such as [`HDF5_ENDINGS`].
    ///
    /// # Errors
    ///
    /// [`ListError`] for the first text that names nothing.
    pub async fn files(&self, texts: &[String], endings: &[&str]) -> Result<Vec<String>, ListError> {
        let mut names = Vec::new();
        for text in texts {
            let location = Location::parse(text)?;
            let is_remote = !matches!(location.scheme(), Scheme::File | Scheme::Http | Scheme::Https);
            if is_remote && (location.key().is_empty() || text.ends_with('/')) {
                names.extend(self.below(text, endings).await?);
            } else {
                names.extend(self.matching_one(text, &location).await?);
            }
        }
        Ok(names)
    }

    /// The objects below a prefix whose names end as they should.
    async fn below(&self, prefix: &str, endings: &[&str]) -> Result<Vec<String>, ListError> {
        let folder = format!("{}/", prefix.trim_end_matches('/'));
        let folder = if folder.ends_with(":/") { prefix.to_owned() } else { folder };
        let mut names = self.list(&folder, Depth::All).await?;
        let found = names.len();
        names.retain(|name| endings.iter().any(|ending| name.to_ascii_lowercase().ends_with(ending)));
        if names.is_empty() {
            let endings = endings.iter().map(|&ending| ending.to_owned()).collect();
            return Err(ListError::NoneBelow { prefix: prefix.to_owned(), folder, endings, found });
        }
        Ok(names)
    }

    /// What a glob matches; anything else, and what is there under just that name, as it is.
    async fn matching_one(&self, text: &str, location: &Location) -> Result<Vec<String>, ListError> {
        let special = |c: char| matches!(c, '*' | '?' | '[' | '{');
        // A web server tells nobody what it has, and a question mark begins a query there.
        if location.scheme().is_web() || !text.contains(special) || self.is_there(text).await {
            return Ok(vec![text.to_owned()]);
        }
        let plain = text.find(special).and_then(|at| text.get(..at)).unwrap_or(text);
        let folder = plain.rfind('/').and_then(|slash| plain.get(..=slash)).unwrap_or_default();
        let glob = GlobBuilder::new(text.trim_start_matches('/'))
            .literal_separator(true)
            .build()
            .map_err(|source| ListError::Glob { glob: text.to_owned(), source })?
            .compile_matcher();
        let folder = if folder.is_empty() { "./" } else { folder };
        let beyond = text.get(plain.rfind('/').map_or(0, |slash| slash + 1)..).unwrap_or_default();
        let deep = text.contains("**") || beyond.contains('/');
        let keys = self.list(folder, if deep { Depth::All } else { Depth::One }).await?;
        let relative = text.starts_with("./") || folder != "./";
        let named = keys.iter().map(|key| match key.strip_prefix("./") {
            Some(name) if !relative => name.to_owned(),
            _ => key.clone(),
        });
        let matching: Vec<String> = named.filter(|key| glob.is_match(key.trim_start_matches('/'))).collect();
        if matching.is_empty() {
            let (glob, folder) = (text.to_owned(), folder.to_owned());
            return Err(ListError::NoMatch { glob, folder, found: keys.len() });
        }
        Ok(matching)
    }

    async fn is_there(&self, url: &str) -> bool {
        match self.resolve(url) {
            Ok((store, path)) => store.head(&path).await.is_ok(),
            Err(_) => false,
        }
    }

    /// What is below `folder`, which ends in a slash, in order, each as a URL that begins as `folder` does.
    async fn list(&self, folder: &str, depth: Depth) -> Result<Vec<String>, ListError> {
        let unresolved = |source| ListError::Resolve { folder: folder.to_owned(), source };
        let unlisted = |source| ListError::List { folder: folder.to_owned(), source };
        let (store, prefix) = self.resolve(folder).map_err(unresolved)?;
        let below = |path: &Path| {
            let segments: Vec<_> =
                path.prefix_match(&prefix)?.map(|segment| segment.as_ref().to_owned()).collect();
            (!segments.is_empty()).then(|| format!("{folder}{}", segments.join("/")))
        };
        let mut names = Vec::new();
        match depth {
            Depth::One => {
                let found = store.list_with_delimiter(Some(&prefix)).await.map_err(unlisted)?;
                names.extend(found.objects.iter().filter_map(|object| below(&object.location)));
            }
            Depth::All => {
                let mut objects = store.list(Some(&prefix));
                while let Some(object) = objects.try_next().await.map_err(unlisted)? {
                    names.extend(below(&object.location));
                    if names.len() > LISTED_MAX {
                        return Err(ListError::TooMany { folder: folder.to_owned() });
                    }
                }
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}
