//! Reading and writing many references.

#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::hint::black_box;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use rangefold_array::{
    ArrayMeta, ByteRange, ChunkGrid, CodecSpec, DataType, ElementType, FillValue, MemoryOrder,
};
use rangefold_refs::{
    Attributes, ManifestArray, ManifestBuilder, Reference, ReferenceSet, RefsError, json, parquet,
};

fn main() {
    divan::main();
}

/// One array of `count` chunks of one file each, with URLs as long as an archive's.
fn set(count: u64) -> ReferenceSet {
    let mut builder = ManifestBuilder::new();
    for number in 0..count {
        let (file, offset) = (number / 240, number % 240 * 131_072 + 20_480);
        let url = format!(
            "s3://bucket/CMIP6/ScenarioMIP/model/ssp585/r1i1p1f1/day/tas/gn/v20260101/tas_{file:06}.nc"
        );
        let range = ByteRange::new(offset, 120_000 + number % 1000).unwrap();
        builder.push(number, Reference::Range { url: url.into(), range }).unwrap();
    }
    let meta = ArrayMeta {
        data_type: DataType::little(ElementType::Float32),
        grid: ChunkGrid::regular(&[count / 4, 180, 360], &[1, 90, 180]).unwrap(),
        order: MemoryOrder::RowMajor,
        codecs: vec![CodecSpec::Shuffle { element_size: 4 }, CodecSpec::Zlib { level: 4 }],
        fill_value: Some(FillValue(1e20_f32.to_le_bytes().to_vec())),
        dimension_names: ["time", "lat", "lon"].map(str::to_owned).into(),
    };
    let manifest = builder.build(meta.grid.chunk_count()).unwrap();
    let mut set = ReferenceSet::new();
    set.arrays.insert("tas".to_owned(), ManifestArray { meta, attributes: Attributes::new(), manifest });
    set
}

#[divan::bench(args = [200_000, 1_000_000], sample_count = 5)]
fn json_write(bencher: Bencher<'_, '_>, count: u64) {
    let set = set(count);
    bencher.counter(ItemsCount::new(count)).bench_local(|| json::write(black_box(&set)).unwrap());
}

#[divan::bench(args = [200_000, 1_000_000], sample_count = 5)]
fn json_read(bencher: Bencher<'_, '_>, count: u64) {
    let document = json::write(&set(count)).unwrap();
    bencher
        .counter(BytesCount::of_slice(&document))
        .bench_local(|| json::read(black_box(&document)).unwrap());
}

#[divan::bench(args = [200_000, 1_000_000], sample_count = 5)]
fn parquet_write(bencher: Bencher<'_, '_>, count: u64) {
    let set = set(count);
    let manifest = &set.arrays["tas"].manifest;
    bencher.counter(ItemsCount::new(count)).bench_local(|| {
        let records = parquet::records("tas", count, parquet::RECORD_SIZE, manifest.iter());
        records.map(|record| record.unwrap().bytes.len()).sum::<usize>()
    });
}

#[divan::bench(args = [200_000, 1_000_000], sample_count = 5)]
fn parquet_read(bencher: Bencher<'_, '_>, count: u64) {
    let set = set(count);
    let records = parquet::records("tas", count, parquet::RECORD_SIZE, set.arrays["tas"].manifest.iter());
    let mut table = parquet::RecordTable::default();
    let mut files = std::collections::HashMap::<String, bytes::Bytes>::new();
    for record in records.map(Result::unwrap) {
        table.add("tas", &record);
        files.insert(record.path, record.bytes.into());
    }
    let zmetadata = parquet::zmetadata(&set, parquet::RECORD_SIZE, &table).unwrap();
    bencher
        .counter(ItemsCount::new(count))
        .bench_local(|| parquet::read::<RefsError>(&zmetadata, |path| Ok(files.get(path).cloned())).unwrap());
}
