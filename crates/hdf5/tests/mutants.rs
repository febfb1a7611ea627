//! Thousands of damaged files: each is refused or read in part, but never with a panic, nor with memory out of
//! proportion, nor without end.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

#[path = "support/folders.rs"]
mod folders;
#[path = "support/seals.rs"]
mod seals;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use cap::Cap;
use folders::{files, is_hdf5};
use rangefold_hdf5::format::checksum::lookup3;
use rangefold_hdf5::{Options, read_slice};
use seals::Seal;

/// Mutants of each file and kind.
const MUTANTS: usize = 40;

/// Bytes of a file that is small enough to be read thousands of times.
const FILE_LEN_MAX: usize = 24 << 10;

/// What all of a test may hold at once. A length field taken at its word would ask for more.
const MEMORY_MAX: usize = 1 << 30;

#[global_allocator]
static ALLOCATOR: Cap<std::alloc::System> = Cap::new(std::alloc::System, MEMORY_MAX);

/// Numbers that are the same in every run: xorshift64*.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit.max(1)
    }
}

/// A small file, and where its checksums are.
struct Small {
    path: PathBuf,
    bytes: Vec<u8>,
    seals: Vec<Seal>,
}

/// The small files of the fixtures and of this crate.
fn small_files() -> &'static [Small] {
    static FILES: LazyLock<Vec<Small>> = LazyLock::new(|| {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let paths = [here.join("tests/data"), here.join("../../fixtures")].into_iter();
        let paths = paths.flat_map(|folder| files(&folder)).filter(|path| is_hdf5(path));
        let small = paths.filter_map(|path| {
            let bytes = std::fs::read(&path).unwrap();
            (bytes.len() <= FILE_LEN_MAX).then(|| Small { path, seals: seals::find(&bytes), bytes })
        });
        let mut files: Vec<_> = small.collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    });
    &FILES
}

/// Damages every small file many times and reads what is left, as is and with the checksums made right again.
fn check(damage: impl Fn(&mut Vec<u8>, &mut Numbers)) {
    let files = small_files();
    assert!(files.len() > 50, "only {} small files were found", files.len());
    let mut unnoticed = 0;
    for Small { path, bytes: whole, seals } in files {
        // The name, not the path, so that the numbers are the same everywhere.
        let name = path.file_name().unwrap().to_string_lossy();
        let mut numbers = Numbers(u64::from(lookup3(name.as_bytes())) + 1);
        for mutant in 0..MUTANTS {
            let mut bytes = whole.clone();
            damage(&mut bytes, &mut numbers);
            if mutant % 3 > 0 {
                seals::restore(&mut bytes, seals);
            }
            let options = Options { lenient: mutant % 5 == 0, dump: mutant % 7 == 0, ..Options::default() };
            unnoticed += usize::from(read_slice(&bytes, &options).is_ok_and(|file| file.errors.is_empty()));
        }
    }
    assert!(unnoticed < files.len() * MUTANTS, "no mutant was noticed");
}

#[test]
fn files_cut_short_end_in_errors() {
    check(|bytes, numbers| {
        let len = numbers.below(bytes.len());
        bytes.truncate(len);
    });
}

#[test]
fn flipped_bits_do_no_harm() {
    check(|bytes, numbers| {
        for _ in 0..=numbers.below(8) {
            let at = numbers.below(bytes.len());
            bytes[at] ^= 1 << numbers.below(8);
        }
    });
}

#[test]
fn runs_of_extreme_bytes_do_no_harm() {
    check(|bytes, numbers| {
        let at = numbers.below(bytes.len());
        let end = (at + 1 + numbers.below(16)).min(bytes.len());
        let fill = [0, 0xff, 0x7f, 0x80, 1][numbers.below(5)];
        bytes[at..end].fill(fill);
    });
}

#[test]
fn swapped_blocks_do_no_harm() {
    check(|bytes, numbers| {
        let len = 8 << numbers.below(6);
        let blocks = bytes.len() / len;
        let (from, to) = (numbers.below(blocks) * len, numbers.below(blocks) * len);
        let block = bytes[from..(from + len).min(bytes.len())].to_vec();
        bytes[to..to + block.len()].copy_from_slice(&block);
    });
}

#[test]
fn the_seals_of_every_small_file_are_found() {
    let sealed = small_files().iter().filter(|file| file.seals.len() > 2).count();
    assert!(sealed > 20, "only {sealed} files have checksummed structures");
}
