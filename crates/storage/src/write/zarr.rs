//! How a Zarr store is recognised where one is to be replaced.

use super::tree::TreeKind;

impl TreeKind {
    /// A Zarr store, of version 2 or 3.
    pub const ZARR: Self =
        Self { what: "Zarr store", indexes: &["zarr.json", ".zgroup", ".zarray"], is_part };
}

/// Whether an object of this name is metadata or a chunk.
fn is_part(name: &str) -> bool {
    const METADATA: [&str; 5] = ["zarr.json", ".zgroup", ".zarray", ".zattrs", ".zmetadata"];
    let last = name.rsplit('/').next().unwrap_or(name);
    let index = last.strip_prefix("c.").unwrap_or(last);
    let is_index = index.split('.').all(|n| !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit()));
    METADATA.contains(&last) || last == "c" || is_index
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_and_chunks_are_parts_of_a_store_and_nothing_else_is() {
        for name in ["zarr.json", "a/zarr.json", "a/c/0/1", "a/c", "a/0.1", "a/c.0.1", "a/.zattrs"] {
            assert!(is_part(name), "{name}");
        }
        for name in ["thesis.tex", "a/c/0x", "notes", "a/1..2"] {
            assert!(!is_part(name), "{name}");
        }
    }
}
