//! A link into another file.

use rangefold_array::node_path;

use crate::report::Skipped;
use crate::shown::shown_path;

/// A link into another file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ExternalLink {
    /// Path of the link, without leading slash.
    pub(crate) path: String,
    /// What this file calls the other.
    pub(crate) file: String,
    /// Path of the object there, without leading slash; the root is empty.
    pub(crate) target: String,
    /// Whether the link itself is wanted, as a variable would be.
    pub(crate) selected: bool,
}

impl ExternalLink {
    /// The link at `path` to the object at `target` of `file`, both as the file says them.
    pub(crate) fn new(path: String, file: &str, target: &str) -> Self {
        Self { path, file: file.to_owned(), target: shown_path(target.trim_end_matches('/')), selected: true }
    }

    /// What a link is that was not followed.
    pub(crate) fn skipped(&self, reason: &str) -> Skipped {
        let Self { path, file, target, selected: _ } = self;
        Skipped {
            path: path.clone(),
            reason: format!("an external link to {:?} in the file {file:?}, {reason}", format!("/{target}")),
        }
    }

    /// The name under this link of the object at `path` of the other file; `None` if the link does not lead there.
    pub(crate) fn name_of(&self, path: &str) -> Option<String> {
        node_path::below(&self.target, path).map(|rest| match rest {
            "" => self.path.clone(),
            rest => node_path::join(&self.path, rest),
        })
    }

    /// Whether the link leads to the object at `path` of the other file, into it, or past it.
    pub(crate) fn meets(&self, path: &str) -> bool {
        node_path::below(&self.target, path).or_else(|| node_path::below(path, &self.target)).is_some()
    }
}
