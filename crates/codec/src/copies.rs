//! Writing an output from its own past: what all compressors of the LZ77 family do.

use crate::Problem;

/// Copies of at most this many bytes are the most common, and made by moving as many at once.
const SHORT: usize = 16;
/// Repetitions of at most this many bytes are made byte by byte.
const FEW: usize = 24;

/// The front of a buffer that is being filled.
pub(crate) struct Output<'a> {
    all: &'a mut [u8],
    filled: usize,
}

impl<'a> Output<'a> {
    /// Nothing is filled yet.
    pub(crate) fn new(all: &'a mut [u8]) -> Self {
        Self { all, filled: 0 }
    }

    /// Bytes filled.
    pub(crate) fn filled(&self) -> usize {
        self.filled
    }

    /// Appends `bytes`.
    ///
    /// # Errors
    ///
    /// [`Problem::Overflow`] if they do not fit.
    #[inline]
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        self.free(bytes.len())?.copy_from_slice(bytes);
        self.filled += bytes.len();
        Ok(())
    }

    /// Appends the first `length` of `bytes`, and writes the others behind them. `false` if there is no room for all.
    #[inline(always)]
    pub(crate) fn append_front<const N: usize>(&mut self, bytes: &[u8; N], length: usize) -> bool {
        debug_assert!(length <= N);
        let Some(place) = self.all.get_mut(self.filled..).and_then(|free| free.first_chunk_mut::<N>()) else {
            return false;
        };
        *place = *bytes;
        self.filled += length;
        true
    }

    /// Appends `length` bytes that begin `distance` bytes back; they repeat where the distance is the smaller number.
    ///
    /// # Errors
    ///
    /// [`Problem::Overflow`] if they do not fit, [`Problem::Malformed`] if there is nothing so far back.
    #[inline(always)]
    pub(crate) fn copy_back(&mut self, distance: usize, length: usize) -> Result<(), Problem> {
        if length <= SHORT && length <= distance && distance <= self.filled {
            // What is moved beyond `length` is overwritten later.
            let from = self.all.get(self.filled - distance..).and_then(|from| from.first_chunk::<SHORT>());
            if let Some(&from) = from
                && self.append_front(&from, length)
            {
                return Ok(());
            }
        }
        self.repeat_back(distance, length)
    }

    #[inline(never)]
    fn repeat_back(&mut self, distance: usize, length: usize) -> Result<(), Problem> {
        let start = self.filled.checked_sub(distance).filter(|_| distance > 0);
        let start = start.ok_or(Problem::Malformed("a copy reaches back before the first byte"))?;
        self.free(length)?;
        let filled = self.filled;
        self.filled += length;
        if distance == 1 {
            let value = self.all.get(start).copied().unwrap_or_default();
            self.all.get_mut(filled..self.filled).unwrap_or_default().fill(value);
        } else if length > distance && length <= FEW {
            let both = self.all.get_mut(start..self.filled).unwrap_or_default();
            for i in distance..both.len() {
                both[i] = both[i - distance];
            }
        } else {
            // Each pass copies all that is there, a whole number of periods, so that it never reads what it writes.
            let mut copied = 0;
            while copied < length {
                let step = (distance + copied).min(length - copied);
                self.all.copy_within(start..start + step, filled + copied);
                copied += step;
            }
        }
        Ok(())
    }

    #[inline]
    fn free(&mut self, length: usize) -> Result<&mut [u8], Problem> {
        let limit = self.all.len();
        let free = self.all.get_mut(self.filled..).unwrap_or_default();
        free.get_mut(..length).ok_or(Problem::Overflow { limit })
    }
}
