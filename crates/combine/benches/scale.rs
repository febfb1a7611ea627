//! 10,000 files of 3,720 chunks, 37 million references, combined and written as Parquet record by record.
//!
//! `cargo run --release -p rangefold-combine --example scale -- FOLDER [FILES] [STEPS] [TILES]`
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program for measuring")]

mod files;

use std::path::PathBuf;
use std::time::Instant;

use files::{files, spec};
use rangefold_combine::join;
use rangefold_refs::parquet::{RECORD_SIZE, RecordTable, records, zmetadata};
use rangefold_store::FetchOptions;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap());
    let mut number = |default: u32| arguments.next().map_or(default, |text| text.parse().unwrap());
    let (count, steps, tiles) = (number(10_000), number(31), number(120));
    let started = Instant::now();
    let inputs = files(count, steps, tiles);
    println!("made {count} files of {} chunks: {:.1?}, {}", steps * tiles, started.elapsed(), memory());

    let started = Instant::now();
    let nowhere = |url: &str| Err(format!("{url} must not be read").into());
    let spec = spec();
    let joined = futures::executor::block_on(join(inputs, &spec, nowhere, FetchOptions::default())).unwrap();
    println!("joined: {:.1?}, {}", started.elapsed(), memory());
    std::fs::create_dir_all(&folder).unwrap();
    let mut references = 0_usize;
    let mut table = RecordTable::default();
    for (path, array) in &joined.arrays {
        std::fs::create_dir_all(folder.join(path)).unwrap();
        let counted = array.references().inspect(|_| references += 1);
        for record in records(path, array.meta.grid.chunk_count(), RECORD_SIZE, counted) {
            let record = record.unwrap();
            table.add(path, &record);
            std::fs::write(folder.join(record.path), record.bytes).unwrap();
        }
    }
    let metadata = zmetadata(&joined.metadata(), RECORD_SIZE, &table).unwrap();
    std::fs::write(folder.join(".zmetadata"), metadata).unwrap();
    println!("wrote {references} references: {:.1?} in all, {}", started.elapsed(), memory());
}

/// The most memory that was ever in use, as Linux tells it.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM unknown");
    peak.split_whitespace().collect::<Vec<_>>().join(" ")
}
