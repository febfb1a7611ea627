//! How many elements are looked at together.

/// Elements that pass through the kernels at once; all their buffers together stay in a first-level cache.
pub(crate) const BLOCK: usize = 1024;
