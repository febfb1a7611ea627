//! Pointing a set at copies of its objects.

use std::sync::Arc;

use crate::ReferenceSet;

impl ReferenceSet {
    /// Replaces the beginning of URLs, and returns of how many. An object of which several arrays have references is
    /// counted for each.
    ///
    /// The copies have times of change and entity tags of their own, so those of the originals are forgotten; their
    /// sizes are kept.
    pub fn rewrite_urls(&mut self, from: &str, to: &str) -> usize {
        let mut changed = 0;
        let mut renamed = |url: &str| -> Arc<str> {
            match url.strip_prefix(from) {
                Some(rest) => {
                    changed += 1;
                    format!("{to}{rest}").into()
                }
                None => url.into(),
            }
        };
        for array in self.arrays.values_mut() {
            array.manifest = std::mem::take(&mut array.manifest).with_urls(&mut renamed);
        }
        self.sources = std::mem::take(&mut self.sources)
            .into_iter()
            .map(|(url, mut source)| {
                let new = renamed(&url);
                if new != url {
                    (source.etag, source.last_modified) = (None, None);
                }
                (new, source)
            })
            .collect();
        changed
    }
}
