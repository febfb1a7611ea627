//! Nbit as HDF5 filter 5 writes it: the significant bits of every number, most significant first, without gaps.
//!
//! The values of the filter are `count, no-op, elements in a chunk` and then the datatype as a tree:
//!
//! | node | values |
//! |---|---|
//! | number | 1, bytes, order (0 little, 1 big), precision, bit offset |
//! | array | 2, bytes, node of its elements |
//! | structure | 3, bytes, members, and for each member its offset and its node |
//! | anything else | 4, bytes: stored as it is |

use rangefold_array::ByteOrder;

use super::integer_bits::write;
use crate::Problem;
use crate::bits::{BYTE, Bits};
use crate::want::{Want, room};

/// Arrays and structures inside each other. Real types nest two or three.
const DEPTH_MAX: usize = 16;

/// A datatype.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Type {
    /// A number: bits of it count.
    Number { size: usize, order: ByteOrder, precision: u32, bit_offset: u32 },
    /// Elements of one type, as many as fit.
    Array { size: usize, element: Box<Self> },
    /// Members at offsets.
    Structure { size: usize, members: Vec<(usize, Self)> },
    /// Bytes.
    Bytes { size: usize },
}

/// What a chunk holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    element: Type,
    count: usize,
}

impl Chunk {
    /// What the values of the filter describe.
    ///
    /// # Errors
    ///
    /// [`Problem::Malformed`] if they describe nothing.
    pub(crate) fn parse(values: &[u32]) -> Result<Self, Problem> {
        let mut values = values.iter().copied();
        let (_, _) = (next(&mut values)?, next(&mut values)?);
        let count = length(next(&mut values)?)?;
        Ok(Self { element: Type::node(&mut values, DEPTH_MAX)?, count })
    }
}

impl Type {
    fn node(values: &mut impl Iterator<Item = u32>, depth: usize) -> Result<Self, Problem> {
        let depth = depth.checked_sub(1).ok_or(Problem::Malformed("the datatype is nested too deeply"))?;
        let (class, size) = (next(values)?, length(next(values)?)?);
        if size == 0 {
            return Err(Problem::Malformed("a part of the datatype has no bytes"));
        }
        match class {
            1 => {
                let order = match next(values)? {
                    0 => ByteOrder::Little,
                    1 => ByteOrder::Big,
                    _ => return Err(Problem::Malformed("the byte order is neither 0 (little) nor 1 (big)")),
                };
                let (precision, bit_offset) = (next(values)?, next(values)?);
                let width = u32::try_from(size).ok().filter(|size| *size <= 8).map(|size| size * BYTE);
                let width = width.ok_or(Problem::Malformed("a number has more than 8 bytes"))?;
                if precision == 0 || precision.checked_add(bit_offset).is_none_or(|end| end > width) {
                    return Err(Problem::Malformed("the bits that count are not inside the number"));
                }
                Ok(Self::Number { size, order, precision, bit_offset })
            }
            2 => {
                let element = Box::new(Self::node(values, depth)?);
                if !size.is_multiple_of(element.size()) {
                    return Err(Problem::Malformed("an array is not a whole number of elements"));
                }
                Ok(Self::Array { size, element })
            }
            3 => {
                let members = (0..next(values)?).map(|_| {
                    let offset = length(next(values)?)?;
                    let member = Self::node(values, depth)?;
                    if offset.checked_add(member.size()).is_none_or(|end| end > size) {
                        return Err(Problem::Malformed("a member is not inside its structure"));
                    }
                    Ok((offset, member))
                });
                Ok(Self::Structure { size, members: members.collect::<Result<_, _>>()? })
            }
            4 => Ok(Self::Bytes { size }),
            _ => Err(Problem::Malformed("the datatype has a part of unknown class")),
        }
    }

    /// Bytes of one value.
    fn size(&self) -> usize {
        match self {
            Self::Number { size, .. }
            | Self::Array { size, .. }
            | Self::Structure { size, .. }
            | Self::Bytes { size } => *size,
        }
    }

    /// Reads one value into `target`, which has its size and holds zeros.
    fn read(&self, bits: &mut Bits<'_>, target: &mut [u8]) -> Result<(), Problem> {
        match self {
            Self::Number { order, precision, bit_offset, .. } => {
                write(bits.take(*precision)? << bit_offset, *order, target);
            }
            Self::Array { element, .. } => {
                target.chunks_exact_mut(element.size()).try_for_each(|target| element.read(bits, target))?;
            }
            Self::Structure { members, .. } => {
                for (offset, member) in members {
                    let target = target.get_mut(*offset..).and_then(|rest| rest.get_mut(..member.size()));
                    member.read(bits, target.unwrap_or_default())?;
                }
            }
            Self::Bytes { .. } => {
                for byte in target {
                    write(bits.take(BYTE)?, ByteOrder::Little, std::slice::from_mut(byte));
                }
            }
        }
        Ok(())
    }
}

fn next(values: &mut impl Iterator<Item = u32>) -> Result<u32, Problem> {
    values.next().ok_or(Problem::Malformed("the description of the datatype ends early"))
}

fn length(value: u32) -> Result<usize, Problem> {
    usize::try_from(value).map_err(|_| Problem::Malformed("a part of the datatype is larger than memory"))
}

/// Puts the significant bits back in their places, zeros around them.
pub(crate) fn decode(input: &[u8], chunk: &Chunk, want: Want, out: &mut Vec<u8>) -> Result<(), Problem> {
    let Chunk { element, count } = chunk;
    let length = count.saturating_mul(element.size());
    want.check(length)?;
    let target = room(out, length)?;
    target.fill(0);
    let mut bits = Bits::new(input);
    target.chunks_exact_mut(element.size()).try_for_each(|target| element.read(&mut bits, target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_arrays_and_bytes_are_read_bit_by_bit() {
        // A big-endian number of 12 bits from bit 2, an array of two numbers of 3 bits, a byte as it is.
        let values = [0, 0, 1, 3, 8, 3, 0, 1, 2, 1, 12, 2, 3, 2, 2, 1, 1, 0, 3, 0, 6, 4, 1];
        let chunk = Chunk::parse(&values).unwrap();
        let mut out = vec![0xff; 20];
        decode(&[0xab, 0xc5, 0x6a, 0x80], &chunk, Want::Exactly(8), &mut out).unwrap();
        assert_eq!(out, [0x2a, 0xf0, 0, 2, 5, 0, 0xaa, 0]);
        assert!(decode(&[0xab, 0xc5, 0x6a], &chunk, Want::Exactly(8), &mut out).is_err());
    }

    #[test]
    fn trees_that_lie_are_refused() {
        let nested = [[2, 8]; 20].concat();
        for tree in [
            &[][..],
            &[1, 4, 0, 20],
            &[1, 4, 2, 20, 0],
            &[1, 4, 0, 20, 13],
            &[1, 9, 0, 72, 0],
            &[1, 0, 0, 0, 0],
            &[2, 8, 4, 3],
            &[3, 4, 1, 2, 4, 3],
            &[3, 4, u32::MAX, 0, 4, 1],
            &[5, 4],
            &nested,
        ] {
            let values = [&[0, 0, 1], tree].concat();
            assert!(matches!(Chunk::parse(&values), Err(Problem::Malformed(_))), "{tree:?}");
        }
    }
}
