//! Why references cannot be read or written.

/// References cannot be read or written.
///
/// Problems are told in words and kept as plain values, so that an array that cannot be read can stand in a
/// [`ReferenceSet`](crate::ReferenceSet) beside those that can.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefsError {
    /// The bytes are not what they are said to be.
    #[error("not {expected}: {problem}")]
    Syntax {
        /// What was expected: `JSON`, `Parquet`, `gzip`, `Zstandard`.
        expected: &'static str,
        /// What is wrong, and where.
        problem: String,
    },
    /// One key of the store is wrong.
    #[error("key {key:?}: {problem}")]
    Key {
        /// The key, for example `tas/.zarray` or `tas/0.0.1`.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// One key of the store asks for something that is not supported.
    #[error("key {key:?}: {what} is not supported")]
    Unsupported {
        /// The key, for example `tas/.zarray`.
        key: String,
        /// What is asked for, by its name.
        what: String,
    },
    /// More of something than is accepted.
    #[error("{what} is more than the limit of {limit}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The most that is accepted.
        limit: u64,
    },
}

impl RefsError {
    /// A problem with `key`.
    pub(crate) fn key(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Key { key: key.into(), problem: problem.into() }
    }
}

/// What is wrong with one value, before it is known under which key it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// It is wrong.
    Wrong(String),
    /// It is right but not supported.
    Unsupported(String),
}

impl Problem {
    /// The same with its key.
    pub(crate) fn at(self, key: impl Into<String>) -> RefsError {
        match self {
            Self::Wrong(problem) => RefsError::Key { key: key.into(), problem },
            Self::Unsupported(what) => RefsError::Unsupported { key: key.into(), what },
        }
    }
}
