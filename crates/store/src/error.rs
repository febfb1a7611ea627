//! Bytes that cannot be had.

use std::fmt;
use std::sync::Arc;

use rangefold_array::ByteRange;
use rangefold_storage::Location;

/// The bytes of a reference cannot be had.
#[derive(Clone, Debug)]
pub struct FetchError {
    /// The object.
    pub url: Arc<str>,
    /// Which bytes of it; `None` for all.
    pub range: Option<ByteRange>,
    /// What is wrong; shared by the references that one read was to serve.
    pub problem: Arc<FetchProblem>,
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchProblem {
    /// The URL leads to no store.
    #[error(transparent)]
    Resolve(Box<dyn std::error::Error + Send + Sync>),
    /// The store refused or failed; what it answered is told in one sentence, which ends the chain of causes.
    #[error("{}", rangefold_storage::explain(.0))]
    Store(object_store::Error),
    /// The range reaches past the end of the object.
    #[error("the object has only {size} bytes")]
    PastEnd {
        /// Size of the object.
        size: u64,
    },
    /// The store answered with other bytes than it was asked for.
    #[error("the store answered with bytes {found} where {expected} were asked for")]
    OtherRange {
        /// What was asked for.
        expected: ByteRange,
        /// What came.
        found: ByteRange,
    },
    /// The body was shorter or longer than the store had said.
    #[error("{found} bytes came where the store had announced {expected}")]
    Body {
        /// Bytes announced.
        expected: u64,
        /// Bytes that came.
        found: u64,
    },
    /// The object is not the one that is known.
    #[error("the object changed since it was {since}: its {property} was {known} and is {found}")]
    Changed {
        /// What was done with the object that is known: `scanned` or `first read`.
        since: &'static str,
        /// What differs.
        property: &'static str,
        /// What is known.
        known: String,
        /// What was found.
        found: String,
    },
}

impl From<object_store::Error> for FetchProblem {
    fn from(error: object_store::Error) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A location prints no credentials. What is none has failed to resolve for being none; its query stays unsaid.
        let url = Location::parse(&self.url).map_or_else(
            |_| self.url.split('?').next().unwrap_or_default().to_owned(),
            |url| url.to_string(),
        );
        match self.range {
            Some(range) => write!(f, "cannot read bytes {range} of {url}"),
            None => write!(f, "cannot read {url}"),
        }
    }
}

impl std::error::Error for FetchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.problem)
    }
}
