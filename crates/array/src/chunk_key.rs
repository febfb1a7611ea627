//! Names of chunks in a store.
//!
//! Zarr v2: `<array path>/<i>.<j>.<k>`; a scalar's only chunk is `<array path>/0`. Zarr v3 with the default key encoding: `<array path>/c/<i>/<j>/<k>`.

use std::fmt;

/// The indexes of a chunk along each axis, as written in a store's key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChunkKey(Vec<u64>);

/// A key's last part does not name a chunk of an array of this rank.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a chunk key of a rank {rank} array")]
pub struct ChunkKeyError {
    /// The part of the key after the array path.
    pub text: String,
    /// Number of axes of the array.
    pub rank: usize,
}

impl ChunkKey {
    /// A key from the chunk's index along each axis; empty for a scalar.
    #[must_use]
    pub fn new(index: Vec<u64>) -> Self {
        Self(index)
    }

    /// Index of the chunk along each axis; empty for a scalar.
    #[must_use]
    pub fn index(&self) -> &[u64] {
        &self.0
    }

    /// Reads the part of a Zarr v2 key after the array path. `separator` is `.` or `/`.
    ///
    /// # Errors
    ///
    /// [`ChunkKeyError`] unless there are `rank` plain decimal numbers (`0` alone for a scalar).
    pub fn parse(text: &str, rank: usize, separator: char) -> Result<Self, ChunkKeyError> {
        let error = || ChunkKeyError { text: text.to_owned(), rank };
        if rank == 0 {
            return if text == "0" { Ok(Self(Vec::new())) } else { Err(error()) };
        }
        let index = text
            .split(separator)
            .map(|part| {
                let canonical = !part.is_empty()
                    && part.bytes().all(|b| b.is_ascii_digit())
                    && (part.len() == 1 || !part.starts_with('0'));
                if canonical { part.parse().ok() } else { None }
            })
            .collect::<Option<Vec<u64>>>()
            .ok_or_else(error)?;
        if index.len() == rank { Ok(Self(index)) } else { Err(error()) }
    }

    /// The Zarr v2 form with the given separator.
    #[must_use]
    pub fn to_v2(&self, separator: char) -> String {
        if self.0.is_empty() {
            return "0".to_owned();
        }
        let mut out = String::new();
        for (axis, index) in self.0.iter().enumerate() {
            if axis > 0 {
                out.push(separator);
            }
            out.push_str(&index.to_string());
        }
        out
    }
}

impl fmt::Display for ChunkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_v2('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        for (text, rank) in [("0", 0), ("7", 1), ("0.10.3", 3)] {
            assert_eq!(ChunkKey::parse(text, rank, '.').unwrap().to_string(), text);
        }
        assert_eq!(ChunkKey::parse("1/2", 2, '/').unwrap().index(), [1, 2]);
    }

    #[test]
    fn anything_else_is_refused() {
        for (text, rank) in [
            ("", 1),
            ("0.0", 1),
            ("0", 2),
            ("01", 1),
            ("-1", 1),
            ("1", 0),
            ("+1", 1),
            ("99999999999999999999", 1),
        ] {
            assert!(ChunkKey::parse(text, rank, '.').is_err(), "{text} at rank {rank}");
        }
    }
}
