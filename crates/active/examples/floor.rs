//! How near reductions come to what cannot be avoided: undoing deflate, which libdeflate does alone here.
//!
//! ```sh
//! cargo run --release -p rangefold-active --example floor -- stack.json tas 2 5
//! ```
//! The arguments are references, a variable whose chunks end in zlib, the most threads and the number of rounds. Each
//! round runs every row once, so that a busy machine disturbs all of them alike; the best of the rounds are printed:
//! seconds that passed, and seconds of processor time in the program and in the system (Linux).

#![allow(clippy::print_stdout, reason = "an example prints what it finds")]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use rangefold_active::Limits;
use rangefold_array::CodecSpec;
use rangefold_query::{Query, View, prepare};
use rangefold_reduce::Reduction;
use rangefold_storage::{Environment, Storage, StorageOptions};
use rangefold_store::{Opened, ReferenceStore};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What one row took.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
struct Cost {
    passed: Duration,
    user: Duration,
    system: Duration,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [references, variable, rest @ ..] = arguments.as_slice() else {
        return Err(
            "give references and a variable, and perhaps the most threads and the number of rounds".into()
        );
    };
    let number = |i: usize, otherwise| rest.get(i).map_or(Ok(otherwise), |text| text.parse::<usize>());
    let (threads_max, rounds) = (number(0, 2)?, number(1, 5)?);
    let storage = Storage::new(StorageOptions::default(), Environment::of_process())?;
    let set = Opened::open(&storage, references).await?.into_set().await?;
    let store = ReferenceStore::new(Arc::new(set), storage);
    let array = store.references().arrays.get(variable).ok_or("there is no such variable")?;
    if !matches!(array.meta.codecs.last(), Some(CodecSpec::Zlib { .. })) {
        return Err("the chunks of this variable do not end in zlib".into());
    }
    let first = array.meta.dimension_names.first().cloned();
    let chunk_len = array.meta.grid.chunk_len(&vec![0; array.meta.grid.rank()]).unwrap_or(0);
    let chunk_len = usize::try_from(chunk_len)? * array.meta.data_type.size().unwrap_or(0);
    let wanted: Vec<_> = array.manifest.iter().map(|(_, reference)| reference).collect();
    let chunks: Arc<[Bytes]> =
        store.fetch(wanted).map(|(_, bytes)| bytes).try_collect::<Vec<_>>().await?.into();

    for threads in 1..=threads_max {
        let mut rows =
            [("libdeflate alone", None), ("mean over everything", None), ("mean over the first axis", None)];
        for _ in 0..rounds {
            for (row, (_, best)) in rows.iter_mut().enumerate() {
                let started = Cost::now();
                match row {
                    0 => inflate(&chunks, chunk_len, threads),
                    _ => reduce(&store, variable, first.clone().filter(|_| row == 2), threads).await?,
                }
                let cost = Cost::now().since(started);
                *best = Some(best.map_or(cost, |best: Cost| if cost < best { cost } else { best }));
            }
        }
        for (name, cost) in rows {
            let Some(Cost { passed, user, system }) = cost else { continue };
            let [passed, user, system] = [passed, user, system].map(|time| time.as_secs_f64());
            println!("{threads} threads  {name:24}  {passed:.3} s  user {user:.2} s  system {system:.2} s");
        }
    }
    Ok(())
}

/// Undoes deflate, nothing more, on every chunk.
fn inflate(chunks: &Arc<[Bytes]>, chunk_len: usize, threads: usize) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut decompressor = libdeflater::Decompressor::new();
                let mut decoded = vec![0; chunk_len];
                while let Some(chunk) = chunks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    assert_eq!(decompressor.zlib_decompress(chunk, &mut decoded), Ok(chunk_len));
                }
            });
        }
    });
}

async fn reduce(store: &ReferenceStore, variable: &str, over: Option<String>, threads: usize) -> Result<()> {
    let over = over.map(|dimension| vec![dimension]);
    let query = Query { reductions: vec![Reduction::Mean], over, ..Query::default() };
    let limits = Limits { threads, ..Limits::default() };
    prepare(&View::new(store.clone()), variable, &query)
        .await?
        .run(&View::within(store.clone(), limits), &|_, _| {})
        .await?;
    Ok(())
}

impl Cost {
    /// Since an arbitrary point in time for `passed`, since the start of the program for the others.
    fn now() -> Self {
        static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        let passed = START.get_or_init(Instant::now).elapsed();
        // Fields 14 and 15, in hundredths of a second; the second field is in brackets and may hold spaces.
        let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let fields: Vec<u64> = text
            .rsplit(')')
            .next()
            .into_iter()
            .flat_map(str::split_whitespace)
            .map(|field| field.parse().unwrap_or(0))
            .collect();
        let ticks = |field: usize| Duration::from_millis(10 * fields.get(field).copied().unwrap_or(0));
        Self { passed, user: ticks(11), system: ticks(12) }
    }

    fn since(self, earlier: Self) -> Self {
        Self {
            passed: self.passed.saturating_sub(earlier.passed),
            user: self.user.saturating_sub(earlier.user),
            system: self.system.saturating_sub(earlier.system),
        }
    }
}
