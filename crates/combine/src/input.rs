//! What is combined.

use rangefold_refs::ReferenceSet;

/// One reference set to combine.
#[derive(Clone, Debug)]
pub struct Input {
    /// What messages call it: its path or URL. Names are what [`crate::Selector::Regex`] looks at.
    pub name: String,
    /// Its references.
    pub references: ReferenceSet,
    /// Whether it was combined before. Its labels are then those of its coordinate variables, whatever the selectors.
    pub combined: bool,
}

impl Input {
    /// A set as it was scanned.
    #[must_use]
    pub fn new(name: impl Into<String>, references: ReferenceSet) -> Self {
        Self { name: name.into(), references, combined: false }
    }

    /// A set that was combined before, to which others are to be added.
    #[must_use]
    pub fn combined(name: impl Into<String>, references: ReferenceSet) -> Self {
        Self { name: name.into(), references, combined: true }
    }
}
