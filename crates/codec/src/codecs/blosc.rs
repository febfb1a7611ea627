//! Blosc 1 frames.
//!
//! ```text
//! version u8 | inner version u8 | flags u8 | type size u8 | decoded u32 LE | block size u32 LE | encoded u32 LE
//! stored:      decoded bytes
//! compressed:  start of each block i32 LE … | blocks in any order
//! block:       ( encoded length i32 LE | compressed part )…
//! part:        as long as what it decodes to if it is stored as it is
//! flags:       bit 0 bytes shuffled | 1 stored | 2 bits shuffled | 3 reserved | 4 never split | 5-7 compressor
//! ```
//!
//! The last block is shorter where the block size does not divide the decoded length. A whole block of small elements
//! is split into as many parts as an element has bytes, unless a flag says that blocks are never split. The shuffle is
//! undone block by block. A block whose number of elements is not a multiple of eight was left alone by the bit shuffle.
//!
//! Spec: `README_CHUNK_FORMAT.rst` of C-Blosc 1.21.
//!
//! Compatible implementations: C-Blosc 1 (numcodecs, hdf5plugin, zarrs).

use super::deflate::Inflate;
use super::zstandard::Zstd;
use super::{bitshuffle, blosc_lz, lz4, shuffle};
use crate::Problem;
use crate::want::{Want, room, take, take_array};

/// Frame format this decodes. Version 1 was never released, later ones belong to Blosc 2.
const VERSION: u8 = 2;
/// Format of the data of every compressor.
const INNER_VERSION: u8 = 1;
/// Bytes of the header.
const HEADER_LEN: u32 = 16;

const FLAG_SHUFFLED_BYTES: u8 = 1;
const FLAG_STORED: u8 = 1 << 1;
const FLAG_SHUFFLED_BITS: u8 = 1 << 2;
const FLAG_RESERVED: u8 = 1 << 3;
const FLAG_NEVER_SPLIT: u8 = 1 << 4;

/// Elements of more bytes than this are not split.
const SPLIT_TYPE_SIZE_MAX: usize = 16;
/// Blocks of fewer elements than this are not split.
const SPLIT_ELEMENTS_MIN: usize = 128;

/// Compressor inside a frame. LZ4 and LZ4HC write the same format.
#[derive(Clone, Copy, Debug)]
enum Compressor {
    BloscLz,
    Lz4,
    Snappy,
    Zlib,
    Zstd,
}

/// The header of a frame that is not empty.
#[derive(Clone, Copy, Debug)]
struct Header {
    flags: u8,
    type_size: usize,
    length: usize,
    block_size: usize,
}

/// Buffers of one block.
#[derive(Default)]
pub(crate) struct Blosc {
    /// A decompressed block whose shuffle is to be undone.
    shuffled: Vec<u8>,
    /// The same block as planes of bytes, between bits and elements.
    planes: Vec<u8>,
}

impl Blosc {
    /// Decodes one frame.
    pub(crate) fn decode(
        &mut self,
        input: &[u8],
        inflate: &mut Inflate,
        zstd: &mut Zstd,
        want: Want,
        out: &mut Vec<u8>,
    ) -> Result<(), Problem> {
        let mut rest = input;
        let Some(header) = header(input, &mut rest, want)? else {
            out.clear();
            return Ok(());
        };
        if header.flags & FLAG_STORED != 0 {
            let stored = take(&mut rest, header.length)?;
            if !rest.is_empty() {
                return Err(Problem::Malformed("a frame of stored bytes is longer than its bytes"));
            }
            crate::want::emptied(out, stored.len())?;
            out.extend_from_slice(stored);
            return Ok(());
        }
        let mut inside = Inside { compressor: compressor(input, header.flags)?, inflate, zstd };
        let starts = take(&mut rest, header.length.div_ceil(header.block_size).saturating_mul(4))?;
        let targets = room(out, header.length)?.chunks_mut(header.block_size);
        for (start, target) in starts.as_chunks::<4>().0.iter().zip(targets) {
            let start = usize::try_from(i32::from_le_bytes(*start))
                .map_err(|_| Problem::Malformed("a block starts before its frame"))?;
            let block =
                input.get(start..).ok_or(Problem::Truncated { needed: start, available: input.len() })?;
            self.block(block, header, &mut inside, target)?;
        }
        Ok(())
    }

    /// Decodes the block at the front of `input`, which must fill `target`.
    fn block(
        &mut self,
        input: &[u8],
        header: Header,
        inside: &mut Inside<'_>,
        target: &mut [u8],
    ) -> Result<(), Problem> {
        let Self { shuffled, planes } = self;
        let part_len = header.part_len(target.len());
        // The shuffle of bytes comes first where both are announced, unless elements of one byte leave it nothing to do.
        let shuffled_bytes = header.flags & FLAG_SHUFFLED_BYTES != 0 && header.type_size > 1;
        if shuffled_bytes && part_len < target.len() {
            // The parts of the block are the planes of its shuffle.
            let shuffled = room(shuffled, target.len())?;
            let mut planes = [&[] as &[u8]; SPLIT_TYPE_SIZE_MAX];
            let mut rest = input;
            for (plane, room) in planes.iter_mut().zip(shuffled.chunks_exact_mut(part_len)) {
                *plane = inside.part(&mut rest, room)?;
            }
            shuffle::interleave_apart(planes.get(..header.type_size).unwrap_or_default(), target);
        } else if shuffled_bytes {
            let shuffled = room(shuffled, target.len())?;
            shuffle::interleave(inside.part(&mut { input }, shuffled)?, header.type_size, target);
        } else if header.flags & FLAG_SHUFFLED_BITS != 0 {
            let shuffled = room(shuffled, target.len())?;
            inside.parts(input, part_len, shuffled)?;
            unshuffle_bits(shuffled, header.type_size, planes, target)?;
        } else {
            inside.parts(input, part_len, target)?;
        }
        Ok(())
    }
}

impl Header {
    /// Bytes of each part of a block of `block_len` bytes.
    fn part_len(self, block_len: usize) -> usize {
        if self.splits() && block_len == self.block_size { block_len / self.type_size } else { block_len }
    }

    /// Whether blocks of full size are split.
    fn splits(self) -> bool {
        self.flags & FLAG_NEVER_SPLIT == 0
            && self.type_size <= SPLIT_TYPE_SIZE_MAX
            && self.block_size / self.type_size >= SPLIT_ELEMENTS_MIN
    }
}

/// Reads the header, and holds it against the frame's length and what is wanted. `None` for an empty frame; `rest`
/// becomes what follows the header.
fn header(input: &[u8], rest: &mut &[u8], want: Want) -> Result<Option<Header>, Problem> {
    let [version, _, flags, type_size] = take_array(rest)?;
    if version != VERSION {
        return Err(Problem::Malformed("the frame is not of Blosc format version 2"));
    }
    let [length, block_size, encoded] = [take_array(rest)?, take_array(rest)?, take_array(rest)?]
        .map(|word| usize::try_from(u32::from_le_bytes(word)).unwrap_or(usize::MAX));
    if encoded != input.len() {
        return Err(Problem::Malformed("the header does not agree with the length of the frame"));
    }
    want.check(length)?;
    if length == 0 {
        return Ok(None);
    }
    if flags & FLAG_RESERVED != 0 {
        return Err(Problem::Malformed("a flag is set that Blosc 1 does not have"));
    }
    if type_size == 0 {
        return Err(Problem::Malformed("the element size is 0"));
    }
    if block_size == 0 || block_size > length {
        return Err(Problem::Malformed("the block size is 0 or more than the decoded length"));
    }
    let header = Header { flags, type_size: type_size.into(), length, block_size };
    if header.splits() && !block_size.is_multiple_of(header.type_size) {
        return Err(Problem::Malformed("a block is split, but is not a whole number of elements"));
    }
    Ok(Some(header))
}

/// The compressor of a frame, with the state of those that have one.
struct Inside<'a> {
    compressor: Compressor,
    inflate: &'a mut Inflate,
    zstd: &'a mut Zstd,
}

impl Inside<'_> {
    /// Decodes the next part of `input`: into `room`, unless it is stored as it is.
    fn part<'a>(&mut self, input: &mut &'a [u8], room: &'a mut [u8]) -> Result<&'a [u8], Problem> {
        let encoded = cut(input)?;
        if encoded.len() == room.len() {
            return Ok(encoded);
        }
        self.decompress(encoded, room)?;
        Ok(room)
    }

    /// Decodes all parts of a block into `out`, one after the other.
    fn parts(&mut self, mut input: &[u8], part_len: usize, out: &mut [u8]) -> Result<(), Problem> {
        for target in out.chunks_mut(part_len) {
            let encoded = cut(&mut input)?;
            if encoded.len() == target.len() {
                target.copy_from_slice(encoded);
            } else {
                self.decompress(encoded, target)?;
            }
        }
        Ok(())
    }

    fn decompress(&mut self, input: &[u8], out: &mut [u8]) -> Result<(), Problem> {
        let found = match self.compressor {
            Compressor::BloscLz => blosc_lz::decode(input, out)?,
            Compressor::Lz4 => return lz4::block(input, out),
            Compressor::Snappy => snappy(input, out)?,
            Compressor::Zlib => self.inflate.zlib_slice(input, out)?,
            Compressor::Zstd => self.zstd.decode_slice(input, out)?,
        };
        Want::Exactly(out.len()).check(found)
    }
}

/// Cuts the next part off the front of `input`.
fn cut<'a>(input: &mut &'a [u8]) -> Result<&'a [u8], Problem> {
    let length = usize::try_from(i32::from_le_bytes(take_array(input)?))
        .map_err(|_| Problem::Malformed("the length of a part is negative"))?;
    take(input, length)
}

fn compressor(input: &[u8], flags: u8) -> Result<Compressor, Problem> {
    if input.get(1) != Some(&INNER_VERSION) {
        return Err(Problem::Malformed("the compressor's data are not of format version 1"));
    }
    match flags >> 5 {
        0 => Ok(Compressor::BloscLz),
        1 => Ok(Compressor::Lz4),
        2 => Ok(Compressor::Snappy),
        3 => Ok(Compressor::Zlib),
        4 => Ok(Compressor::Zstd),
        _ => Err(Problem::Malformed("Blosc 1 does not have the compressor inside")),
    }
}

fn snappy(input: &[u8], out: &mut [u8]) -> Result<usize, Problem> {
    let length = snap::raw::decompress_len(input).map_err(Problem::corrupt)?;
    Want::AtMost(out.len()).check(length)?;
    snap::raw::Decoder::new().decompress(input, out).map_err(Problem::corrupt)
}

fn unshuffle_bits(
    rows: &[u8],
    type_size: usize,
    planes: &mut Vec<u8>,
    target: &mut [u8],
) -> Result<(), Problem> {
    let count = rows.len() / type_size;
    let whole = if count.is_multiple_of(bitshuffle::BLOCK_MULTIPLE) { count * type_size } else { 0 };
    let ((rows, rest), (target, tail)) = (rows.split_at(whole), target.split_at_mut(whole));
    bitshuffle::unshuffle(rows, type_size, room(planes, whole)?, target);
    tail.copy_from_slice(rest);
    Ok(())
}

/// A frame whose data are stored as they are. `None` if the input is too long for one.
pub(crate) fn store(input: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(input.len()).ok()?;
    let encoded = length.checked_add(HEADER_LEN).filter(|&encoded| encoded <= i32::MAX.cast_unsigned())?;
    let mut out = vec![VERSION, INNER_VERSION, FLAG_STORED, 1];
    for word in [length, length.max(1), encoded] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    out.extend_from_slice(input);
    Some(out)
}
