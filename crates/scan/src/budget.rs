//! How many bytes of a file may be stored in its references.

use std::cell::Cell;

/// Bytes of chunks that are stored in the references of one file, all variables together. References are read as a
/// whole, so they should stay smaller than the data they stand for.
const INLINED_LEN_MAX: u64 = 64 << 20;

/// What is left of the bytes that may be stored.
#[derive(Debug)]
pub(crate) struct Budget(Cell<u64>);

impl Default for Budget {
    fn default() -> Self {
        Self(Cell::new(INLINED_LEN_MAX))
    }
}

impl Budget {
    /// Whether `length` bytes are left.
    pub(crate) fn has(&self, length: u64) -> bool {
        length <= self.0.get()
    }

    /// Does something that takes bytes; if it fails, none were taken.
    pub(crate) fn attempt<T, E>(&self, attempt: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let before = self.0.get();
        attempt().inspect_err(|_| self.0.set(before))
    }

    /// Takes `length` bytes if they are left; says whether they were.
    pub(crate) fn take(&self, length: u64) -> bool {
        let left = self.0.get().checked_sub(length);
        left.is_some_and(|left| {
            self.0.set(left);
            true
        })
    }

    /// Takes `length` bytes that no reference can stand for.
    ///
    /// # Errors
    ///
    /// The reason for leaving out what needs them, if they are not left.
    pub(crate) fn require(&self, length: u64) -> Result<(), String> {
        if self.take(length) {
            return Ok(());
        }
        Err(format!(
            "it would have to be stored in the references, which already hold nearly {INLINED_LEN_MAX} bytes of this file"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_gone_and_what_is_refused_is_not() {
        let budget = Budget::default();
        assert!(budget.take(INLINED_LEN_MAX - 10) && !budget.take(11) && budget.has(10));
        let failed: Result<(), ()> = budget.attempt(|| if budget.take(10) { Err(()) } else { Ok(()) });
        assert!(failed.is_err() && budget.has(10));
        assert!(budget.require(11).is_err() && budget.require(10).is_ok() && !budget.has(1));
    }
}
