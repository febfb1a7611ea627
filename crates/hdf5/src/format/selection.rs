//! Selections of elements, as virtual datasets and region references store them.
//!
//! ```text
//! │ type │ version │ …                                                 type: 0 none, 1 points, 2 hyperslab, 3 all
//! hyperslab, version 1: │ reserved │ length │ rank │ count │ (first, last corner) × count │           32-bit numbers
//! hyperslab, version 2: │ flags │ length │ rank │ (start, stride, count, block) × rank │              64-bit numbers
//! hyperslab, version 3: │ flags │ width │ rank │ either of the two above │                  numbers of `width` bytes
//! ```
//!
//! Spec: HDF5 File Format 3.0, VIII.A, "Dataspace Encoding" (selection information).

use crate::error::Problem;
use crate::format::cursor::{Cursor, all_ones, widen};
use crate::limits::{RANK_MAX, SELECTION_PARTS_MAX};
use crate::model::{HyperslabDimension, Selection};

/// Hyperslab flag: one start, stride, count and block per dimension, instead of a list of boxes.
const FLAG_REGULAR: u8 = 1;

impl Selection {
    /// Reads a selection and passes over it.
    ///
    /// # Errors
    ///
    /// [`Problem::Truncated`], [`Problem::Malformed`] for an impossible rank or an irregular version 2 hyperslab,
    /// [`Problem::Limit`] for more points or boxes than are followed, [`Problem::Unsupported`] for a type or version
    /// that is not known.
    pub fn read(cursor: &mut Cursor<'_>) -> Result<Self, Problem> {
        let kind = cursor.u32()?;
        let version = cursor.u32()?;
        match (kind, version) {
            (0 | 3, 1) => {
                // Reserved bytes and a length that is always zero.
                cursor.skip(8)?;
                Ok(if kind == 0 { Self::None } else { Self::All })
            }
            (1, 1) => {
                cursor.skip(8)?;
                points(cursor, 4)
            }
            (1, 2) => {
                let width = width(cursor)?;
                points(cursor, width)
            }
            (2, 1) => {
                cursor.skip(8)?;
                let rank = rank(cursor)?;
                blocks(cursor, rank, 4)
            }
            (2, 2) => {
                let flags = cursor.u8()?;
                cursor.skip(4)?;
                if flags & FLAG_REGULAR == 0 {
                    return Err(Problem::malformed("a version 2 hyperslab is not regular"));
                }
                let rank = rank(cursor)?;
                hyperslab(cursor, rank, 8)
            }
            (2, 3) => {
                let flags = cursor.u8()?;
                let width = width(cursor)?;
                let rank = rank(cursor)?;
                if flags & FLAG_REGULAR == 0 {
                    blocks(cursor, rank, width)
                } else {
                    hyperslab(cursor, rank, width)
                }
            }
            _ => Err(Problem::unsupported(format!("selection type {kind} version {version}"))),
        }
    }
}

/// The width of the numbers of a selection: 2, 4 or 8 bytes.
fn width(cursor: &mut Cursor<'_>) -> Result<usize, Problem> {
    match cursor.u8()? {
        width @ (2 | 4 | 8) => Ok(usize::from(width)),
        width => {
            Err(Problem::malformed(format!("numbers of {width} bytes in a selection: must be 2, 4 or 8")))
        }
    }
}

fn rank(cursor: &mut Cursor<'_>) -> Result<usize, Problem> {
    let rank = cursor.u32()?;
    usize::try_from(rank).ok().filter(|rank| (1..=RANK_MAX).contains(rank)).ok_or_else(|| {
        Problem::malformed(format!("a selection has rank {rank} but must have 1 to {RANK_MAX}"))
    })
}

/// Checks that `count` items of `item_len` bytes are there before anything is allocated for them.
fn admit(cursor: &Cursor<'_>, what: &'static str, count: u64, item_len: usize) -> Result<(), Problem> {
    if count > SELECTION_PARTS_MAX {
        return Err(Problem::Limit { what, limit: SELECTION_PARTS_MAX, found: count });
    }
    let needed = count.saturating_mul(widen(item_len));
    if needed > widen(cursor.remaining()) {
        return Err(Problem::Truncated { needed, available: widen(cursor.remaining()) });
    }
    Ok(())
}

fn coordinates(cursor: &mut Cursor<'_>, rank: usize, width: usize) -> Result<Vec<u64>, Problem> {
    (0..rank).map(|_| cursor.uint(width)).collect()
}

fn points(cursor: &mut Cursor<'_>, width: usize) -> Result<Selection, Problem> {
    let rank = rank(cursor)?;
    let count = cursor.uint(width)?;
    admit(cursor, "the number of selected points", count, rank.saturating_mul(width))?;
    let points: Result<_, _> = (0..count).map(|_| coordinates(cursor, rank, width)).collect();
    Ok(Selection::Points(points?))
}

fn blocks(cursor: &mut Cursor<'_>, rank: usize, width: usize) -> Result<Selection, Problem> {
    let count = cursor.uint(width)?;
    admit(cursor, "the number of selected boxes", count, rank.saturating_mul(width).saturating_mul(2))?;
    let block = |_| Ok((coordinates(cursor, rank, width)?, coordinates(cursor, rank, width)?));
    let blocks: Vec<(Vec<u64>, Vec<u64>)> = (0..count).map(block).collect::<Result<_, Problem>>()?;
    for (first, last) in &blocks {
        if first.iter().zip(last).any(|(first, last)| first > last) {
            return Err(Problem::malformed(format!("a selected box goes from {first:?} back to {last:?}")));
        }
    }
    Ok(Selection::Blocks(blocks))
}

fn hyperslab(cursor: &mut Cursor<'_>, rank: usize, width: usize) -> Result<Selection, Problem> {
    // An unlimited count or block is the largest number of whatever width.
    let limited = |number: u64| (number != all_ones(width)).then_some(number);
    let dimension = |_| {
        Ok(HyperslabDimension {
            start: cursor.uint(width)?,
            stride: cursor.uint(width)?,
            count: limited(cursor.uint(width)?),
            block: limited(cursor.uint(width)?),
        })
    };
    Ok(Selection::Hyperslab((0..rank).map(dimension).collect::<Result<_, Problem>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn check(bytes: &[u8], expected: &Selection) {
        let mut cursor = Cursor::new(bytes);
        assert_eq!(&Selection::read(&mut cursor).unwrap(), expected);
        assert!(cursor.is_empty(), "{} bytes are left", cursor.remaining());
        for len in 0..bytes.len() {
            assert!(Selection::read(&mut Cursor::new(&bytes[..len])).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn nothing_and_everything_need_no_numbers() {
        check(&words(&[0, 1, 0, 0]), &Selection::None);
        check(&words(&[3, 1, 0, 0]), &Selection::All);
    }

    #[test]
    fn points_of_both_versions_are_read() {
        let points = Selection::Points(vec![vec![1, 2], vec![3, 4]]);
        check(&words(&[1, 1, 0, 24, 2, 2, 1, 2, 3, 4]), &points);
        let mut bytes = words(&[1, 2]);
        bytes.extend([2, 2, 0, 0, 0, 2, 0, 1, 0, 2, 0, 3, 0, 4, 0]);
        check(&bytes, &points);
    }

    #[test]
    fn a_list_of_boxes_gives_first_and_last_corners() {
        let boxes = Selection::Blocks(vec![(vec![0, 1], vec![2, 3])]);
        check(&words(&[2, 1, 0, 24, 2, 1, 0, 1, 2, 3]), &boxes);
        let mut bytes = words(&[2, 3]);
        bytes.extend([0, 2, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 2, 0, 3, 0]);
        check(&bytes, &boxes);
        assert!(Selection::read(&mut Cursor::new(&words(&[2, 1, 0, 16, 1, 1, 5, 4]))).is_err());
    }

    #[test]
    fn unlimited_is_the_largest_number_of_any_width() {
        let slab = |count, block| {
            Selection::Hyperslab(vec![HyperslabDimension { start: 4, stride: 9, count, block }])
        };
        let mut bytes = words(&[2, 2]);
        bytes.extend([1, 36, 0, 0, 0, 1, 0, 0, 0]);
        for number in [4, 9, u64::MAX, 2] {
            bytes.extend(number.to_le_bytes());
        }
        check(&bytes, &slab(None, Some(2)));

        let mut bytes = words(&[2, 3]);
        bytes.extend([1, 2, 1, 0, 0, 0, 4, 0, 9, 0, 3, 0, 0xff, 0xff]);
        check(&bytes, &slab(Some(3), None));
    }

    #[test]
    fn a_hostile_count_allocates_nothing() {
        let many = words(&[1, 1, 0, 24, 2, 0xffff_ffff, 1, 2]);
        assert!(matches!(Selection::read(&mut Cursor::new(&many)), Err(Problem::Limit { .. })));
        let more_than_there = words(&[1, 1, 0, 24, 2, 1_000_000, 1, 2]);
        assert!(matches!(
            Selection::read(&mut Cursor::new(&more_than_there)),
            Err(Problem::Truncated { .. })
        ));
        assert!(Selection::read(&mut Cursor::new(&words(&[1, 1, 0, 24, 0, 1]))).is_err());
        assert!(Selection::read(&mut Cursor::new(&words(&[1, 1, 0, 24, 33, 1]))).is_err());
        assert!(matches!(
            Selection::read(&mut Cursor::new(&words(&[4, 1, 0, 0]))),
            Err(Problem::Unsupported(_))
        ));
    }
}
