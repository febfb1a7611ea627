//! Made-up reference sets like those of daily or monthly files.

use std::sync::Arc;

use rangefold_array::{
    ArrayMeta, ByteRange, ChunkGrid, CodecSpec, DataType, ElementType, FillValue, MemoryOrder,
};
use rangefold_combine::{CombineSpec, Input, combine};
use rangefold_refs::{AttributeValue, Attributes, ManifestArray, ManifestBuilder, Reference, ReferenceSet};
use rangefold_store::FetchOptions;

/// `count` files of `steps` steps, each step of `tas` in `tiles` chunks. Coordinates are inline.
pub(crate) fn files(count: u32, steps: u32, tiles: u32) -> Vec<Input> {
    (0..count).map(|number| file(number, steps, tiles)).collect()
}

fn file(number: u32, steps: u32, tiles: u32) -> Input {
    let url: Arc<str> = format!("s3://bucket/archive/tas_day_model_{number:06}.nc").into();
    let times: Vec<u8> = (0..steps).flat_map(|step| f64::from(number * steps + step).to_le_bytes()).collect();
    let bounds: Vec<u8> = (0..steps * 2).flat_map(|n| f64::from(n + number * steps).to_le_bytes()).collect();
    let axis = |length: u32| -> Vec<u8> { (0..length).flat_map(|n| f64::from(n).to_le_bytes()).collect() };
    let (steps, rows) = (u64::from(steps), u64::from(tiles) * 8);
    let time = [("units", "days since 1850-01-01"), ("calendar", "standard"), ("bounds", "time_bnds")];
    let mut set = ReferenceSet::new();
    let double = || DataType::little(ElementType::Float64);
    let mut insert =
        |path: &str, meta: ArrayMeta, attributes: &[(&str, &str)], references: Vec<Reference>| {
            let mut builder = ManifestBuilder::new();
            for (number, reference) in (0..).zip(references) {
                builder.push(number, reference).unwrap();
            }
            let manifest = builder.build(meta.grid.chunk_count()).unwrap();
            let text = |(name, value): &(&str, &str)| {
                ((*name).to_owned(), AttributeValue::Text((*value).to_owned()))
            };
            let attributes: Attributes = attributes.iter().map(text).collect();
            set.arrays.insert(path.to_owned(), ManifestArray { meta, attributes, manifest });
        };
    let inline = |bytes: Vec<u8>| vec![Reference::Inline(bytes.into())];
    insert("time", meta(double(), &["time"], &[steps], &[steps]), &time, inline(times));
    insert("time_bnds", meta(double(), &["time", "nv"], &[steps, 2], &[steps, 2]), &[], inline(bounds));
    insert(
        "lat",
        meta(double(), &["lat"], &[rows], &[rows]),
        &[("units", "degrees_north")],
        inline(axis(tiles * 8)),
    );
    insert("lon", meta(double(), &["lon"], &[16], &[16]), &[("units", "degrees_east")], inline(axis(16)));
    let tas = ArrayMeta {
        codecs: vec![CodecSpec::Shuffle { element_size: 4 }, CodecSpec::Zlib { level: 4 }],
        fill_value: Some(FillValue(1e20_f32.to_le_bytes().to_vec())),
        ..meta(
            DataType::little(ElementType::Float32),
            &["time", "lat", "lon"],
            &[steps, rows, 16],
            &[1, 8, 16],
        )
    };
    let chunks = (0..steps * u64::from(tiles)).map(|n| Reference::Range {
        url: Arc::clone(&url),
        range: ByteRange::new(8_192 + n * 401, 401).unwrap(),
    });
    insert("tas", tas, &[("units", "K"), ("long_name", "Air temperature")], chunks.collect());
    Input::new(format!("tas_{number:06}.json"), set)
}

fn meta(data_type: DataType, names: &[&str], shape: &[u64], chunks: &[u64]) -> ArrayMeta {
    ArrayMeta {
        data_type,
        grid: ChunkGrid::regular(shape, chunks).unwrap(),
        order: MemoryOrder::RowMajor,
        codecs: Vec::new(),
        fill_value: None,
        dimension_names: names.iter().map(|&name| name.to_owned()).collect(),
    }
}

/// Joined along time.
pub(crate) fn spec() -> CombineSpec {
    CombineSpec { concat: vec!["time".to_owned()], ..CombineSpec::default() }
}

/// Combines files of which nothing has to be fetched.
#[allow(dead_code, reason = "one of the two that share this writes its result as it comes")]
pub(crate) fn join(inputs: Arc<[Input]>) -> ReferenceSet {
    let nowhere = |url: &str| Err(format!("{url} must not be read").into());
    let spec = spec();
    let combined = combine(inputs, &spec, nowhere, FetchOptions::default());
    futures::executor::block_on(combined).unwrap().references
}
