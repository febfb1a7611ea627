//! Szip as HDF5 filter 4 writes it: adaptive entropy coding of samples, behind their decoded length.
//!
//! ```text
//! decoded length u32 LE | interval | interval …      an interval is a scanline, filled up to whole blocks
//! interval: block | block …                          its first sample stands as it is, if samples are predicted
//! block:    option | parameters | samples
//! ```
//!
//! | option | a block holds |
//! |---|---|
//! | 0, then bit 0 | a run of blocks of nothing but zeros: its length in unary |
//! | 0, then bit 1 | pairs of small samples, each pair one number in unary |
//! | all ones | samples as they are |
//! | k + 1 | the high parts of all samples in unary, then their k low bits |
//!
//! Words of 32 and 64 bits are coded as samples of 8 bits, the first byte of every word before the second of any.
//!
//! Spec: CCSDS 121.0-B-3, "Lossless Data Compression". Compatible implementations: szip 2.1, libaec 1.1.

use rangefold_array::ByteOrder;

use super::integer_bits::write;
use super::shuffle::interleave;
use crate::Problem;
use crate::bits::Bits;
use crate::want::{Want, room, take_array};

/// Option: samples of more than a byte have the most significant byte first.
const MSB_FIRST: u32 = 16;
/// Option: samples are predicted by their neighbours.
const NEAREST_NEIGHBOUR: u32 = 32;

/// Blocks of one interval. The szip library allows 128, libaec 4096.
const BLOCKS_MAX: usize = 4096;
/// Samples of one block. The szip library allows 32.
const BLOCK_LEN_MAX: usize = 64;
/// Run lengths of zero blocks: this one means all that are left of the segment, and longer ones count one less.
const REST_OF_SEGMENT: usize = 5;
/// Blocks of a segment of an interval.
const SEGMENT: usize = 64;
/// Largest sum of a pair of small samples.
const PAIR_SUM_MAX: u32 = 12;

/// How the samples lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    predicted: bool,
    order: ByteOrder,
    /// Bits of one sample, at most 31.
    sample_bits: u32,
    /// Bytes of one sample.
    sample_len: usize,
    /// Samples of one block.
    block_len: usize,
    /// Samples of one interval, padding excluded.
    scanline: usize,
    /// Bytes of the words that samples of 8 bits were cut from; 1 if they were not.
    word_len: usize,
}

impl Layout {
    /// Checks the parameters of the filter.
    ///
    /// # Errors
    ///
    /// [`Problem::Malformed`] for parameters that no writer has.
    pub(crate) fn new(
        options: u32,
        pixels_per_block: u32,
        bits_per_pixel: u32,
        pixels_per_scanline: u32,
    ) -> Result<Self, Problem> {
        let (sample_bits, word_len) = match bits_per_pixel {
            32 => (8, 4),
            64 => (8, 8),
            1..=31 => (bits_per_pixel, 1),
            _ => return Err(Problem::Malformed("the bits of a sample are not 1 to 32 or 64")),
        };
        let size = |value: u32| usize::try_from(value).unwrap_or(usize::MAX);
        let (block_len, scanline) = (size(pixels_per_block), size(pixels_per_scanline));
        if block_len == 0 || block_len > BLOCK_LEN_MAX || !block_len.is_multiple_of(2) {
            return Err(Problem::Malformed("the length of a block is not an even number up to 64"));
        }
        if scanline == 0 || scanline.div_ceil(block_len) > BLOCKS_MAX {
            return Err(Problem::Malformed("the length of a scanline is not 1 to 4096 blocks"));
        }
        Ok(Self {
            predicted: options & NEAREST_NEIGHBOUR != 0,
            order: if options & MSB_FIRST == 0 { ByteOrder::Little } else { ByteOrder::Big },
            sample_bits,
            sample_len: match sample_bits {
                ..=8 => 1,
                9..=16 => 2,
                _ => 4,
            },
            block_len,
            scanline,
            word_len,
        })
    }

    /// Blocks of one interval.
    fn blocks(self) -> usize {
        self.scanline.div_ceil(self.block_len)
    }

    /// Bits of the option of a block.
    fn option_bits(self) -> u32 {
        match self.sample_bits {
            ..=8 => 3,
            9..=16 => 4,
            _ => 5,
        }
    }

    /// The largest sample.
    fn sample_max(self) -> u32 {
        (1 << self.sample_bits) - 1
    }
}

/// Undoes the coding.
pub(crate) fn decode(mut input: &[u8], layout: Layout, want: Want, out: &mut Vec<u8>) -> Result<(), Problem> {
    let length = usize::try_from(u32::from_le_bytes(take_array(&mut input)?)).unwrap_or(usize::MAX);
    want.check(length)?;
    if !length.is_multiple_of(layout.sample_len.max(layout.word_len)) {
        return Err(Problem::Malformed("the length is not a whole number of samples"));
    }
    let mut bits = Bits::new(input);
    let mut samples = Vec::new();
    let mut bytes = Vec::new();
    let target = if layout.word_len > 1 { &mut bytes } else { &mut *out };
    for line in room(target, length)?.chunks_mut(layout.scanline.saturating_mul(layout.sample_len)) {
        interval(&mut bits, layout, line.len() / layout.sample_len, &mut samples)?;
        for (target, sample) in line.chunks_exact_mut(layout.sample_len).zip(&samples) {
            write(u64::from(*sample), layout.order, target);
        }
    }
    if layout.word_len > 1 {
        interleave(&bytes, layout.word_len, room(out, length)?);
    }
    Ok(())
}

/// Reads an interval up to at least `needed` samples.
fn interval(
    bits: &mut Bits<'_>,
    layout: Layout,
    needed: usize,
    samples: &mut Vec<u32>,
) -> Result<(), Problem> {
    samples.clear();
    while samples.len() < needed {
        block(bits, layout, samples)?;
    }
    if samples.iter().any(|sample| *sample > layout.sample_max()) {
        return Err(Problem::Malformed("a sample has more bits than samples have"));
    }
    if layout.predicted {
        undo_prediction(samples, layout.sample_max());
    }
    Ok(())
}

/// Reads one block, or a run of blocks of zeros.
fn block(bits: &mut Bits<'_>, layout: Layout, samples: &mut Vec<u32>) -> Result<(), Problem> {
    let start = samples.len();
    let end = start.saturating_add(layout.block_len);
    let option = number(bits, layout.option_bits())?;
    let as_they_are = (1 << layout.option_bits()) - 1;
    let pairs = option == 0 && number(bits, 1)? == 1;
    if layout.predicted && start == 0 && option != as_they_are {
        samples.push(number(bits, layout.sample_bits)?);
    }
    match option {
        0 if pairs => {
            while samples.len() < end {
                let (first, second) = pair(bits.unary()?)?;
                // The first of the pair that holds the reference sample stands for nothing.
                if (samples.len() - start).is_multiple_of(2) {
                    samples.push(first);
                }
                samples.push(second);
            }
        }
        0 => {
            let at = start / layout.block_len;
            let left = layout.blocks().saturating_sub(at);
            let run = usize::try_from(bits.unary()?).unwrap_or(usize::MAX).saturating_add(1);
            let run = match run {
                ..REST_OF_SEGMENT => run,
                REST_OF_SEGMENT => left.min(SEGMENT - at % SEGMENT),
                _ => run - 1,
            };
            if run > left {
                return Err(Problem::Malformed("a run of blocks is longer than its interval"));
            }
            samples.resize(start.saturating_add(run.saturating_mul(layout.block_len)), 0);
        }
        _ if option == as_they_are => {
            while samples.len() < end {
                samples.push(number(bits, layout.sample_bits)?);
            }
        }
        _ => {
            let low_bits = option - 1;
            let coded = samples.len();
            while samples.len() < end {
                let high = u64::from(bits.unary()?) << low_bits;
                let high = u32::try_from(high);
                samples
                    .push(high.map_err(|_| Problem::Malformed("a sample has more bits than samples have"))?);
            }
            for sample in samples.iter_mut().skip(coded) {
                *sample |= number(bits, low_bits)?;
            }
        }
    }
    Ok(())
}

/// The next `count` bits, at most 31.
fn number(bits: &mut Bits<'_>, count: u32) -> Result<u32, Problem> {
    u32::try_from(bits.take(count)?).map_err(|_| Problem::Malformed("a number has more than 32 bits"))
}

/// Two samples from one number: pairs are counted by their sum, and with equal sums by the second.
fn pair(code: u32) -> Result<(u32, u32), Problem> {
    let mut second = code;
    for sum in 0..=PAIR_SUM_MAX {
        if second <= sum {
            return Ok((sum - second, second));
        }
        second -= sum + 1;
    }
    Err(Problem::Malformed("a pair of samples has an impossible sum"))
}

/// Turns distances from the sample before into samples. Distances of either sign alternate as long as both are possible.
fn undo_prediction(samples: &mut [u32], max: u32) {
    let mut samples = samples.iter_mut();
    let mut last = samples.next().map_or(0, |reference| *reference);
    for sample in samples {
        let distance = *sample;
        let magnitude = distance.div_ceil(2);
        let low = last <= max / 2;
        let room = if low { last } else { max - last };
        last = match (magnitude <= room, low) {
            (true, _) if distance.is_multiple_of(2) => last + magnitude,
            (true, _) => last - magnitude,
            (false, true) => distance,
            (false, false) => max - distance,
        };
        *sample = last;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_counted_along_diagonals() {
        let pairs: Vec<_> = (0..6).map(|code| pair(code).unwrap()).collect();
        assert_eq!(pairs, [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)]);
        assert_eq!(pair(90).unwrap(), (0, 12));
        assert!(pair(91).is_err());
    }

    #[test]
    fn prediction_folds_at_either_end_of_the_range() {
        let mut samples = [2, 3, 2, 9, 255, 1];
        undo_prediction(&mut samples, 255);
        assert_eq!(samples, [2, 0, 2, 9, 255, 254]);
    }

    #[test]
    fn parameters_no_writer_has_are_refused() {
        for (block, bits, line) in
            [(0, 8, 8), (7, 8, 8), (66, 8, 66), (8, 0, 8), (8, 33, 8), (8, 8, 0), (2, 8, 8194)]
        {
            assert!(Layout::new(NEAREST_NEIGHBOUR, block, bits, line).is_err(), "{block} {bits} {line}");
        }
    }

    #[test]
    fn runs_and_samples_that_do_not_fit_are_refused() {
        let layout = Layout::new(0, 8, 8, 16).unwrap();
        let mut out = Vec::new();
        // Zero blocks: option 000, bit 0, then unary 3: four blocks of an interval of two.
        let run = [16, 0, 0, 0, 0b0000_0001, 0];
        assert!(matches!(decode(&run, layout, Want::Exactly(16), &mut out), Err(Problem::Malformed(_))));
        // Option 110 has five low bits; a high part of 8 is beyond 255.
        let wide = [8, 0, 0, 0, 0b1100_0000, 0b0001_1111, 0b1110_0000, 0, 0, 0, 0, 0];
        assert!(matches!(decode(&wide, layout, Want::Exactly(8), &mut out), Err(Problem::Malformed(_))));
    }
}
