//! Numbers and sums as little-endian bytes, and how they are read back from bytes that may lie.

use super::sum::{FloatSums, SumColumn};

/// Numbers of a fixed width.
pub(crate) trait Fixed: Copy + Sized {
    /// Bytes of one.
    const LEN: usize;
    /// As bytes, appended.
    fn write(self, to: &mut Vec<u8>);
    /// As many as there are bytes for.
    fn read_all(bytes: &[u8]) -> Vec<Self>;
}

macro_rules! fixed {
    ($($number:ty),*) => {
        $(impl Fixed for $number {
            const LEN: usize = size_of::<$number>();

            fn write(self, to: &mut Vec<u8>) {
                to.extend_from_slice(&self.to_le_bytes());
            }

            fn read_all(bytes: &[u8]) -> Vec<Self> {
                bytes.as_chunks().0.iter().map(|&bytes| Self::from_le_bytes(bytes)).collect()
            }
        })*
    };
}

fixed!(u64, i64, f64, i128);

/// Sums as columns of numbers.
pub(crate) trait Written: SumColumn {
    /// As bytes, appended.
    fn write(&self, to: &mut Vec<u8>);
    /// So many sums from bytes; `None` if there are not as many.
    fn read(input: &mut Input<'_>, cells: usize) -> Option<Self>;
}

impl Written for FloatSums {
    fn write(&self, to: &mut Vec<u8>) {
        let Self { hi, lo } = self;
        hi.iter().chain(lo).for_each(|&x| x.write(to));
    }

    fn read(input: &mut Input<'_>, cells: usize) -> Option<Self> {
        Some(Self { hi: input.column(cells)?, lo: input.column(cells)? })
    }
}

impl Written for Vec<i128> {
    fn write(&self, to: &mut Vec<u8>) {
        self.iter().for_each(|&x| Fixed::write(x, to));
    }

    fn read(input: &mut Input<'_>, cells: usize) -> Option<Self> {
        input.column(cells)
    }
}

/// What is left to read.
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl<'a> Input<'a> {
    /// So many bytes; `None` if they are not there.
    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    /// As many bytes as the array has.
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.array()?))
    }

    /// So many numbers. Nothing is allocated unless they are there.
    pub(crate) fn column<T: Fixed>(&mut self, count: usize) -> Option<Vec<T>> {
        Some(T::read_all(self.take(count.checked_mul(T::LEN)?)?))
    }
}
