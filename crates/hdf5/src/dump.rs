//! Every structure of a file with its address and fields, for people who debug files.
//!
//! ```text
//! 96  object header
//!     Prefix {
//!         version: V1,
//!         …
//! ```

use std::fmt;

use crate::model::File;

/// A structure that was parsed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Structure {
    /// Absolute address.
    pub address: u64,
    /// Name in the specification, in lower case.
    pub name: &'static str,
    /// Its fields, one per line.
    pub fields: String,
}

/// Prints the structures of a file that was read with [`Options::dump`](crate::Options::dump), by address, then what
/// could not be read.
#[derive(Clone, Copy, Debug)]
pub struct Dump<'a>(pub &'a File);

impl fmt::Display for Dump<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let File { superblock, size, structures, errors, .. } = self.0;
        writeln!(f, "file of {size} bytes, superblock version {}", superblock.version)?;
        for Structure { address, name, fields } in structures {
            writeln!(f, "{address}  {name}")?;
            for line in fields.lines() {
                writeln!(f, "    {line}")?;
            }
        }
        for error in errors {
            writeln!(f, "error: {error}")?;
        }
        Ok(())
    }
}
