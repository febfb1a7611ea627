//! Why an answer cannot be written in a form.

use std::error::Error;

use plotters::backend::DrawingBackend;
use rangefold_query::field::Inconsistent;

type BitMapBackendError = <plotters::prelude::BitMapBackend<'static> as DrawingBackend>::ErrorType;

/// An answer cannot be written: its form cannot say it, or it contradicts itself.
#[derive(Debug)]
pub struct OutputError {
    reason: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

pub(crate) type Result<T, E = OutputError> = std::result::Result<T, E>;

impl OutputError {
    pub(crate) fn new(reason: String) -> Self {
        Self { reason, source: None }
    }

    /// The same error, said of something.
    pub(crate) fn of(self, what: String) -> Self {
        Self { reason: what, source: Some(Box::new(self)) }
    }
}

impl std::fmt::Display for OutputError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reason)
    }
}

impl Error for OutputError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

impl From<Inconsistent> for OutputError {
    fn from(error: Inconsistent) -> Self {
        Self::new(error.to_string())
    }
}

/// Errors of libraries, which say what a writer could not do.
macro_rules! from {
    ($($error:ty),* $(,)?) => {$(
        impl From<$error> for OutputError {
            fn from(error: $error) -> Self {
                Self::new(rangefold_array::chain(&error))
            }
        }
    )*};
}
from!(
    std::num::TryFromIntError,
    serde_json::Error,
    png::EncodingError,
    plotters::drawing::DrawingAreaErrorKind<BitMapBackendError>,
    zarrs::array::ArrayError,
    zarrs::array::ArrayCreateError,
    zarrs::array::ArrayBytesRawOffsetsCreateError,
    zarrs::array::ArrayBytesRawOffsetsOutOfBoundsError,
    zarrs::storage::StorageError,
);

/// An error with a message, as a value and as the end of a function.
macro_rules! refused {
    ($($message:tt)*) => { $crate::error::OutputError::new(format!($($message)*)) };
}
macro_rules! bail {
    ($($message:tt)*) => { return Err($crate::error::refused!($($message)*)) };
}
pub(crate) use {bail, refused};

/// Says of what a failure is.
pub(crate) trait Within<T> {
    /// The failure, said of `what`.
    fn within(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T> Within<T> for Result<T> {
    fn within(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| error.of(what()))
    }
}
