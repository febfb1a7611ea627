//! What a scan may be asked for.

use std::fmt;
use std::sync::Arc;

/// Decides by path whether a variable is wanted. Paths have no leading slash: `group/tas`.
pub type Select = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// How a file is scanned.
#[derive(Clone)]
pub struct ScanOptions {
    /// Which variables are wanted; `None` is all. Chunk indexes of others are not read.
    pub select: Option<Select>,
    /// Chunks of fewer encoded bytes are stored in the references themselves; 0 for none.
    pub inline_threshold: u64,
    /// Whether anything that would be skipped is an error.
    pub strict: bool,
    /// What references point at, if not the URL that was scanned.
    pub final_url: Option<String>,
}

impl ScanOptions {
    /// Whether the variable at `path` is wanted.
    #[must_use]
    pub fn selects(&self, path: &str) -> bool {
        self.select.as_ref().is_none_or(|select| select(path))
    }
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self { select: None, inline_threshold: 300, strict: false, final_url: None }
    }
}

impl fmt::Debug for ScanOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScanOptions")
            .field("select", &self.select.as_ref().map(|_| "…"))
            .field("inline_threshold", &self.inline_threshold)
            .field("strict", &self.strict)
            .field("final_url", &self.final_url)
            .finish()
    }
}
