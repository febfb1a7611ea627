//! A Zarr store as objects.

/// Objects by relative path. The last one makes the others visible: a Zarr store without it is no store.
#[derive(Debug)]
pub struct Tree {
    /// Paths with `/`, and contents; the metadata of the root is last.
    pub objects: Vec<(String, Vec<u8>)>,
}
