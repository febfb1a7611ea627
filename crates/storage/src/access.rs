//! Rights that a rule gives.

use std::fmt;

/// What may be done with the objects of a rule.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Access {
    /// Objects may be read.
    pub read: bool,
    /// Keys may be listed.
    pub list: bool,
    /// Objects may be written, replaced and removed.
    pub write: bool,
}

impl Access {
    /// Everything; what holds where no rule says less.
    pub const ALL: Self = Self { read: true, list: true, write: true };
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rights = [(self.read, "read"), (self.list, "list"), (self.write, "write")];
        let given: Vec<_> = rights.into_iter().filter_map(|(given, name)| given.then_some(name)).collect();
        f.write_str(if given.is_empty() { "none" } else { "" })?;
        f.write_str(&given.join(", "))
    }
}
