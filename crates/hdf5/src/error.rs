//! What can be wrong with the bytes of an HDF5 file.
//!
//! A parser in [`crate::format`] knows only the bytes it was given, so it answers with a [`Problem`]. Whoever knows
//! which structure was read and where it lies turns that into an [`Error`] with [`Problem::at`].

use std::borrow::Cow;
use std::fmt;

/// A structure of the file that cannot be used: what it is, where it lies, what is wrong.
#[derive(Clone, Debug)]
pub struct Error {
    /// The name of the structure in the HDF5 File Format Specification, in lower case.
    pub structure: &'static str,
    /// The absolute byte address of the structure in the file.
    pub address: u64,
    /// What is wrong with it.
    pub problem: Problem,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { structure, address, problem } = self;
        write!(f, "{structure} at byte {address}: {problem}")
    }
}

// The problem is part of the message, so it is not a source as well.
impl std::error::Error for Error {}

/// What is wrong with a structure.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The structure needs more bytes than there are.
    #[error("{needed} bytes are needed but {available} are there")]
    Truncated {
        /// Bytes from the start of the structure (or of the file) that must exist.
        needed: u64,
        /// Bytes that do exist.
        available: u64,
    },
    /// The bytes contradict the specification or each other.
    #[error("{0}")]
    Malformed(Cow<'static, str>),
    /// The bytes are not those that were written.
    #[error("checksum is {computed:#010x} but the file says {stored:#010x}")]
    Checksum {
        /// Jenkins' lookup3 over the bytes as they are.
        computed: u32,
        /// The checksum stored beside them.
        stored: u32,
    },
    /// Valid HDF5 that this reader does not read.
    #[error("{0} is not supported")]
    Unsupported(Cow<'static, str>),
    /// Possibly valid HDF5, but larger than this reader is willing to follow; see [`crate::limits`].
    #[error("{what} is {found} but at most {limit} is read")]
    Limit {
        /// What is limited.
        what: &'static str,
        /// The largest value that is accepted.
        limit: u64,
        /// The value in the file.
        found: u64,
    },
}

impl Problem {
    /// A [`Problem::Malformed`]; `what` names the thing and both numbers.
    pub fn malformed(what: impl Into<Cow<'static, str>>) -> Self {
        Self::Malformed(what.into())
    }

    /// A [`Problem::Unsupported`]; `what` is the subject of the sentence "… is not supported".
    pub fn unsupported(what: impl Into<Cow<'static, str>>) -> Self {
        Self::Unsupported(what.into())
    }

    /// Says where the problem is: in `structure`, which starts at byte `address` of the file.
    #[must_use]
    pub fn at(self, structure: &'static str, address: u64) -> Error {
        Error { structure, address, problem: self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_structure_the_address_and_both_numbers() {
        let error = Problem::Checksum { computed: 0x1c2f_09aa, stored: 0x99ab_3e01 }
            .at("version 2 b-tree header", 16160);
        assert_eq!(
            error.to_string(),
            "version 2 b-tree header at byte 16160: checksum is 0x1c2f09aa but the file says 0x99ab3e01"
        );
        let error = Problem::Truncated { needed: 12, available: 5 }.at("superblock", 0);
        assert_eq!(error.to_string(), "superblock at byte 0: 12 bytes are needed but 5 are there");
        let error =
            Problem::Limit { what: "the dimensionality", limit: 32, found: 40 }.at("dataspace message", 7);
        assert_eq!(
            error.to_string(),
            "dataspace message at byte 7: the dimensionality is 40 but at most 32 is read"
        );
    }
}
