//! Why a URL could not be turned into a store.

use std::path::PathBuf;

use crate::secret::redact;

/// Why a URL could not be turned into a store. No request has been made when one of these is returned.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The URL cannot be addressed.
    #[error("cannot use {url:?}: {reason}")]
    Url {
        /// The URL, without query and password.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A local path leads nowhere.
    #[error("cannot find {}", path.display())]
    Local {
        /// The path as given.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The rules contradict themselves or cannot be read.
    #[error("storage rules {file}: {reason}")]
    Rules {
        /// The file, or what the rules were read from.
        file: String,
        /// What is wrong, with line and column where there is one.
        reason: String,
    },
    /// No credentials, or ones that cannot be used.
    #[error("no usable credentials for {url}: {reason}")]
    Credentials {
        /// The URL, without query and password.
        url: String,
        /// What was looked for, and what to do.
        reason: String,
    },
    /// The client cannot be built from these settings.
    #[error("cannot connect to the store of {url}")]
    Client {
        /// The URL, without query and password.
        url: String,
        /// What the client says.
        source: object_store::Error,
    },
}

impl StorageError {
    pub(crate) fn url(url: &str, reason: impl Into<String>) -> Self {
        Self::Url { url: redact(url), reason: reason.into() }
    }
}
