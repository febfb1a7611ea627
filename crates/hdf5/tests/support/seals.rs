//! Checksummed structures of a file, found by their signatures, and sealed again after their bytes were changed.
//!
//! A mutation of a checksummed structure is nearly always caught by its checksum, so it tests nothing else. With the
//! seals restored the lie gets through to the parser.

use rangefold_hdf5::format::checksum::lookup3;

/// Structures whose checksum is behind their last byte.
const SIGNATURES: [&[u8]; 15] = [
    b"\x89HDF", b"OHDR", b"OCHK", b"BTHD", b"BTIN", b"BTLF", b"FRHP", b"FHIB", b"FAHD", b"FADB", b"EAHD",
    b"EAIB", b"EASB", b"EADB", b"SMTB",
];

/// Longer structures are not looked for: the search is quadratic.
const LEN_MAX: usize = 4096;

/// A structure and its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seal {
    start: usize,
    checksum: usize,
    end: usize,
}

/// Finds the structures of a file whose checksums are right.
pub(crate) fn find(bytes: &[u8]) -> Vec<Seal> {
    let mut seals = Vec::new();
    for start in 0..bytes.len().saturating_sub(8) {
        let rest = &bytes[start..];
        if SIGNATURES.iter().any(|signature| rest.starts_with(signature)) {
            let ends = 8..rest.len().min(LEN_MAX).saturating_sub(4);
            seals.extend(
                ends.map(|len| Seal { start, checksum: start + len, end: start + len + 4 })
                    .find(|s| s.holds(bytes)),
            );
        } else if rest.starts_with(b"FHDB") {
            // The checksum follows the block's offset, whose width the header says, and covers the whole block.
            let lens = (6..16).map(|bits| 1 << bits).filter(|len| *len <= rest.len());
            let seals_of =
                |len| (14..22).map(move |at| Seal { start, checksum: start + at, end: start + len });
            seals.extend(lens.flat_map(seals_of).find(|s| s.holds(bytes)));
        }
    }
    seals
}

/// Makes the checksums right again that are still where they were.
pub(crate) fn restore(bytes: &mut [u8], seals: &[Seal]) {
    let len = bytes.len();
    for seal in seals.iter().filter(|seal| seal.end <= len) {
        let checksum = seal.computed(bytes);
        bytes[seal.checksum..seal.checksum + 4].copy_from_slice(&checksum.to_le_bytes());
    }
}

impl Seal {
    fn computed(&self, bytes: &[u8]) -> u32 {
        if self.checksum + 4 == self.end {
            return lookup3(&bytes[self.start..self.checksum]);
        }
        let mut block = bytes[self.start..self.end].to_vec();
        block[self.checksum - self.start..self.checksum - self.start + 4].fill(0);
        lookup3(&block)
    }

    fn holds(&self, bytes: &[u8]) -> bool {
        bytes[self.checksum..self.checksum + 4] == self.computed(bytes).to_le_bytes()
    }
}
