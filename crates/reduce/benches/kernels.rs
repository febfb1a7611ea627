//! Kernels against memory: 256 MB of each type, far beyond every cache, in chunks of 4 MiB.
//!
//! A sample is one chunk, each the next one, so that a busy machine spoils some samples and not all. `memory` reads the
//! same bytes and does as little as possible with them. Figures are in `BENCH.md`.

#![allow(clippy::unwrap_used, reason = "a benchmark ends where something unexpected happens")]

use divan::{Bencher, black_box, counter::BytesCount};
use rangefold_array::{ArrayMeta, ByteOrder, ChunkGrid, DataType, ElementType, Hyperslab, MemoryOrder};
use rangefold_reduce::{AxisMap, Number, Packing, ReduceSpec, Reduction, ReductionPlan};

const BYTES: u64 = 256 << 20;
const ROW: u64 = 1 << 10;
const CHUNK: u64 = 4 << 20;

fn main() {
    divan::main();
}

/// Chunks of `[rows, 1024]` elements, one below the other.
struct Bench {
    data: Vec<u8>,
    plan: ReductionPlan,
}

impl Bench {
    fn new(data_type: DataType, element: impl Fn(u64) -> Vec<u8>, change: impl Fn(&mut ReduceSpec)) -> Self {
        let size = data_type.size().unwrap() as u64;
        let shape = [BYTES / size / ROW, ROW];
        let chunks = [CHUNK / size / ROW, ROW];
        let meta = ArrayMeta {
            data_type,
            grid: ChunkGrid::regular(&shape, &chunks).unwrap(),
            order: MemoryOrder::RowMajor,
            codecs: Vec::new(),
            fill_value: None,
            dimension_names: Vec::new(),
        };
        let mut spec = ReduceSpec::new(vec![Reduction::Sum], AxisMap::reduce_all(2));
        change(&mut spec);
        // One period of values is repeated: making 256 MB of them would take longer than reading them.
        let period: Vec<u8> = (0..CHUNK / size).flat_map(element).collect();
        let data = period.repeat(usize::try_from(BYTES / CHUNK).unwrap());
        Self { data, plan: ReductionPlan::new(&meta, &Hyperslab::all(&shape), &spec).unwrap() }
    }

    fn run(&self, bencher: Bencher) {
        let tasks: Vec<_> = self.plan.tasks().collect();
        let chunks = self.data.chunks(CHUNK.try_into().unwrap());
        let mut pairs = tasks.iter().zip(chunks).cycle();
        bencher.counter(BytesCount::new(CHUNK)).bench_local(|| {
            let (task, chunk) = pairs.next().unwrap();
            self.plan.reduce_chunk(task, black_box(chunk)).unwrap()
        });
    }
}

fn value(n: u64) -> f32 {
    (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f32 / 65_536.0 + 200.0
}

fn float32(change: impl Fn(&mut ReduceSpec)) -> Bench {
    let data_type = DataType { element: ElementType::Float32, order: ByteOrder::Little };
    Bench::new(data_type, |n| value(n).to_le_bytes().to_vec(), change)
}

#[divan::bench(sample_count = 640, sample_size = 1)]
fn memory(bencher: Bencher) {
    let data = vec![1_u64; usize::try_from(BYTES / 8).unwrap()];
    let mut chunks = data.chunks(usize::try_from(CHUNK / 8).unwrap()).cycle();
    bencher.counter(BytesCount::new(CHUNK)).bench_local(|| {
        let (rows, _) = black_box(chunks.next().unwrap()).as_chunks::<16>();
        let mut lanes = [0_u64; 16];
        for row in rows {
            lanes.iter_mut().zip(row).for_each(|(lane, x)| *lane |= x);
        }
        lanes
    });
}

#[divan::bench(sample_count = 640, sample_size = 1, args = ["sum", "min", "max", "count", "mean", "std", "argmin"])]
fn float32_all(bencher: Bencher, name: &str) {
    float32(|spec| spec.reductions = vec![Reduction::from_name(name).unwrap()]).run(bencher);
}

#[divan::bench(sample_count = 640, sample_size = 1)]
fn float32_min_max_sum_with_fill(bencher: Bencher) {
    float32(|spec| {
        spec.reductions = vec![Reduction::Min, Reduction::Max, Reduction::Sum];
        spec.missing.fill_values = vec![Number::Float(9.969_209_968_386_869e36)];
    })
    .run(bencher);
}

/// Every other element is missing, without a pattern.
#[divan::bench(sample_count = 640, sample_size = 1)]
fn float32_sum_half_missing(bencher: Bencher) {
    let data_type = DataType { element: ElementType::Float32, order: ByteOrder::Little };
    let element = |n: u64| if value(n) < 328.0 { f32::NAN } else { value(n) };
    Bench::new(data_type, |n| element(n).to_le_bytes().to_vec(), |_| {}).run(bencher);
}

/// One element in fifty is missing, without a pattern.
#[divan::bench(sample_count = 640, sample_size = 1)]
fn float32_sum_few_missing(bencher: Bencher) {
    let data_type = DataType { element: ElementType::Float32, order: ByteOrder::Little };
    let element = |n: u64| if value(n) < 205.12 { f32::NAN } else { value(n) };
    Bench::new(data_type, |n| element(n).to_le_bytes().to_vec(), |_| {}).run(bencher);
}

#[divan::bench(sample_count = 640, sample_size = 1, args = ["sum", "min", "std"])]
fn float32_down_columns(bencher: Bencher, name: &str) {
    float32(|spec| {
        spec.reductions = vec![Reduction::from_name(name).unwrap()];
        spec.axes = AxisMap::reduce_over(2, &[0]);
    })
    .run(bencher);
}

#[divan::bench(sample_count = 640, sample_size = 1, args = ["sum", "min"])]
fn float32_along_rows(bencher: Bencher, name: &str) {
    float32(|spec| {
        spec.reductions = vec![Reduction::from_name(name).unwrap()];
        spec.axes = AxisMap::reduce_over(2, &[1]);
    })
    .run(bencher);
}

#[divan::bench(sample_count = 640, sample_size = 1)]
fn float32_big_endian_sum(bencher: Bencher) {
    let data_type = DataType { element: ElementType::Float32, order: ByteOrder::Big };
    Bench::new(data_type, |n| value(n).to_be_bytes().to_vec(), |_| {}).run(bencher);
}

#[divan::bench(sample_count = 640, sample_size = 1, args = ["sum", "min"])]
fn float64_all(bencher: Bencher, name: &str) {
    let data_type = DataType { element: ElementType::Float64, order: ByteOrder::Little };
    let change = |spec: &mut ReduceSpec| spec.reductions = vec![Reduction::from_name(name).unwrap()];
    Bench::new(data_type, |n| f64::from(value(n)).to_le_bytes().to_vec(), change).run(bencher);
}

fn int16(change: impl Fn(&mut ReduceSpec)) -> Bench {
    let data_type = DataType { element: ElementType::Int16, order: ByteOrder::Little };
    Bench::new(data_type, |n| (n.wrapping_mul(0x9e37_79b9) >> 17).to_le_bytes()[..2].to_vec(), change)
}

#[divan::bench(sample_count = 640, sample_size = 1, args = ["sum", "min"])]
fn int16_all(bencher: Bencher, name: &str) {
    int16(|spec| spec.reductions = vec![Reduction::from_name(name).unwrap()]).run(bencher);
}

#[divan::bench(sample_count = 640, sample_size = 1, args = ["mean", "max"])]
fn int16_packed(bencher: Bencher, name: &str) {
    int16(|spec| {
        spec.reductions = vec![Reduction::from_name(name).unwrap()];
        spec.packing = Some(Packing::linear(0.01, 273.15).unwrap());
        spec.missing.fill_values = vec![Number::Integer(-32_767)];
    })
    .run(bencher);
}

#[divan::bench(sample_count = 640, sample_size = 1)]
fn int64_sum(bencher: Bencher) {
    let data_type = DataType { element: ElementType::Int64, order: ByteOrder::Little };
    Bench::new(data_type, |n| n.to_le_bytes().to_vec(), |_| {}).run(bencher);
}
