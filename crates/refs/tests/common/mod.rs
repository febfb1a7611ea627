//! Arbitrary reference sets.

#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use rangefold_array::{
    ArrayMeta, AxisChunks, BloscCompressor, BloscShuffle, ByteOrder, ByteRange, ChunkGrid, CodecSpec,
    DataType, ElementType, Field, FillValue, MemoryOrder, TimeUnit,
};
use rangefold_refs::{
    AttributeValue, Attributes, Group, ManifestArray, ManifestBuilder, Reference, ReferenceSet, Source,
};

/// A file of the samples folder.
pub(crate) fn sample(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(name)
}

pub(crate) fn attribute() -> impl Strategy<Value = AttributeValue> {
    let leaf = prop_oneof![
        Just(AttributeValue::Null),
        any::<bool>().prop_map(AttributeValue::Bool),
        any::<i64>().prop_map(|i| AttributeValue::Integer(i.into())),
        any::<u64>().prop_map(|i| AttributeValue::Integer(i.into())),
        // NaN is not equal to itself; it has a test of its own.
        any::<f64>().prop_map(|f| AttributeValue::Float(if f.is_nan() { 0.0 } else { f })),
        "[ -~é😀\\n]{0,8}".prop_map(AttributeValue::Text),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| vec(inner, 0..4).prop_map(AttributeValue::List))
}

pub(crate) fn attributes() -> impl Strategy<Value = Attributes> {
    vec(("[a-z]{1,4}", attribute()), 0..4).prop_map(Attributes::from_iter)
}

fn order() -> impl Strategy<Value = ByteOrder> {
    prop_oneof![Just(ByteOrder::Little), Just(ByteOrder::Big)]
}

/// Types of a single byte have no order; they are read back as little-endian.
fn ordered(element: ElementType, order: ByteOrder) -> DataType {
    let plain = match &element {
        ElementType::FixedBytes(_) | ElementType::Raw(_) | ElementType::VlenString => true,
        ElementType::Structured(_) => true,
        element => element.size() == Some(1),
    };
    DataType { element, order: if plain { ByteOrder::Little } else { order } }
}

fn data_type() -> impl Strategy<Value = DataType> {
    let element = prop_oneof![
        proptest::sample::select(vec![
            ElementType::Bool,
            ElementType::Int8,
            ElementType::Int16,
            ElementType::Int32,
            ElementType::Int64,
            ElementType::UInt8,
            ElementType::UInt16,
            ElementType::UInt32,
            ElementType::UInt64,
            ElementType::Float16,
            ElementType::Float32,
            ElementType::Float64,
            ElementType::Complex64,
            ElementType::Complex128,
            ElementType::DateTime64(TimeUnit::Nanosecond),
            ElementType::TimeDelta64(TimeUnit::Day),
            ElementType::VlenString,
        ]),
        (1_usize..9).prop_map(ElementType::FixedBytes),
        (1_usize..5).prop_map(ElementType::FixedUtf32),
        (1_usize..9).prop_map(ElementType::Raw),
    ];
    let plain = (element, order()).prop_map(|(element, order)| ordered(element, order));
    let structured = order().prop_map(|order| {
        let field = |name: &str, element, shape| Field {
            name: name.to_owned(),
            data_type: ordered(element, order),
            shape,
        };
        DataType::little(ElementType::Structured(vec![
            field("a", ElementType::Int32, vec![]),
            field("s", ElementType::FixedBytes(3), vec![]),
            field("v", ElementType::Float64, vec![2, 1]),
            field("z", ElementType::Complex64, vec![]),
        ]))
    });
    prop_oneof![9 => plain, 1 => structured]
}

/// A fill value whose bytes a text can carry: no NaN payloads, texts that are texts.
fn fill_value(data_type: &DataType, seed: u64) -> FillValue {
    let size = data_type.size().unwrap_or(0);
    let bytes = || seed.to_le_bytes().into_iter().cycle().take(size).collect::<Vec<u8>>();
    let letters = || b"fill value".iter().copied().cycle().take(size).collect::<Vec<u8>>();
    FillValue(match data_type.element {
        ElementType::Bool => vec![u8::from(seed % 2 == 1)],
        ElementType::Float16 => vec![0, 0x3c],
        ElementType::Float32 => ((seed % 1000) as f32 / 7.0).to_le_bytes().to_vec(),
        ElementType::Float64 => f64::INFINITY.to_le_bytes().to_vec(),
        ElementType::Complex64 => [1.5_f32.to_le_bytes(), f32::NAN.to_le_bytes()].concat(),
        ElementType::Complex128 => [(-0.1_f64).to_le_bytes(), 1e300_f64.to_le_bytes()].concat(),
        ElementType::FixedUtf32(n) => {
            "é".repeat(n).chars().flat_map(|c| u32::from(c).to_le_bytes()).collect()
        }
        ElementType::FixedBytes(_) => letters(),
        ElementType::VlenString => b"none".to_vec(),
        _ => bytes(),
    })
}

fn codec() -> impl Strategy<Value = CodecSpec> {
    proptest::sample::select(vec![
        CodecSpec::Shuffle { element_size: 4 },
        CodecSpec::Zlib { level: 4 },
        CodecSpec::Gzip { level: 9 },
        CodecSpec::Fletcher32,
        CodecSpec::Blosc {
            compressor: BloscCompressor::Zstd,
            level: 5,
            shuffle: BloscShuffle::Bit,
            block_size: 0,
        },
        CodecSpec::Zstd { level: -3, checksum: true },
        CodecSpec::Lzf,
        CodecSpec::Bzip2 { level: 9 },
        CodecSpec::Lz4 { acceleration: 1 },
        CodecSpec::Lz4Hdf5 { block_size: 0 },
        CodecSpec::Lz4Hdf5 { block_size: 4096 },
        CodecSpec::BitshuffleHdf5 { element_size: 4, block_size: 0, compression: 0 },
        CodecSpec::BitshuffleHdf5 { element_size: 4, block_size: 64, compression: 2 },
        CodecSpec::ScaleOffsetHdf5 {
            element_count: 9,
            element_size: 4,
            order: ByteOrder::Big,
            decimals: Some(-2),
            fill: None,
        },
        CodecSpec::ScaleOffsetHdf5 {
            element_count: 9,
            element_size: 8,
            order: ByteOrder::Little,
            decimals: None,
            fill: Some(u64::MAX),
        },
        CodecSpec::NbitHdf5 { values: vec![8, 0, 8, 1, 4, 0, 20, 3] },
        CodecSpec::SzipHdf5 {
            options: 169,
            pixels_per_block: 8,
            bits_per_pixel: 64,
            pixels_per_scanline: 50,
        },
        CodecSpec::IntegerBitsHdf5 {
            element_size: 4,
            order: ByteOrder::Big,
            bit_offset: 3,
            precision: 17,
            signed: true,
        },
        CodecSpec::Crc32c,
    ])
}

fn axis(rectilinear: bool) -> impl Strategy<Value = (u64, AxisChunks)> {
    let regular =
        (0_u64..9, 1_u64..5).prop_map(|(length, chunk)| (length, AxisChunks::Regular { length: chunk }));
    // Two lengths that differ, so that it cannot be said as a regular axis.
    let listed = vec(1_u64..3, 0..4).prop_map(|lengths| {
        let lengths: Vec<u64> = [3, 5].into_iter().chain(lengths).collect();
        (lengths.iter().sum(), AxisChunks::listed(0, &lengths).unwrap())
    });
    prop_oneof![1 => regular, u32::from(rectilinear) => listed]
}

fn reference() -> impl Strategy<Value = Reference> {
    let url = proptest::sample::select(vec!["s3://bucket/a.nc", "s3://bucket/ü \"b\".nc", "/data/c{{x}}.nc"]);
    let url = url.prop_map(Arc::<str>::from);
    prop_oneof![
        vec(any::<u8>(), 0..12).prop_map(|bytes| Reference::Inline(Bytes::from(bytes))),
        Just(Reference::Inline(Bytes::from_static(b"base64:not"))),
        url.clone().prop_map(|url| Reference::Whole { url }),
        (url, 0_u64..1 << 62, 1_u64..1 << 40).prop_map(|(url, offset, length)| Reference::Range {
            url,
            range: ByteRange::new(offset, length).unwrap()
        }),
    ]
}

fn array(rectilinear: bool) -> impl Strategy<Value = ManifestArray> {
    let meta =
        (data_type(), vec(axis(rectilinear), 0..4), any::<bool>(), vec(codec(), 0..3), any::<Option<u64>>());
    let chunks = btree_map(any::<u64>(), reference(), 0..8);
    (meta, attributes(), chunks).prop_map(
        |((data_type, axes, reversed, mut codecs, fill), attributes, chunks)| {
            let shape: Vec<u64> = axes.iter().map(|axis| axis.0).collect();
            let grid = ChunkGrid::new(&shape, axes.into_iter().map(|axis| axis.1).collect()).unwrap();
            if data_type.element == ElementType::VlenString {
                codecs.insert(0, CodecSpec::VlenUtf8);
            }
            let count = grid.chunk_count();
            let chunks: BTreeMap<u64, Reference> = chunks
                .into_iter()
                .filter_map(|(number, reference)| Some((number.checked_rem(count)?, reference)))
                .collect();
            let mut builder = ManifestBuilder::new();
            for (number, reference) in chunks {
                builder.push(number, reference).unwrap();
            }
            let fill_value = fill.map(|seed| fill_value(&data_type, seed));
            // Below two axes there is but one order.
            let order =
                if reversed && shape.len() > 1 { MemoryOrder::ColumnMajor } else { MemoryOrder::RowMajor };
            let dimension_names = (0..shape.len()).map(|axis| format!("x{axis}")).collect();
            let manifest = builder.build(count).unwrap();
            let meta = ArrayMeta { data_type, grid, order, codecs, fill_value, dimension_names };
            ManifestArray { meta, attributes, manifest }
        },
    )
}

fn source() -> impl Strategy<Value = Source> {
    (any::<Option<u64>>(), any::<Option<bool>>()).prop_map(|(size, more)| Source {
        size,
        etag: more.map(|_| "\"abc-1\"".to_owned()),
        last_modified: more.filter(|&more| more).map(|_| "2026-01-31T12:00:00Z".to_owned()),
    })
}

/// A set; with rectilinear grids among its arrays if `rectilinear`.
pub(crate) fn reference_set(rectilinear: bool) -> impl Strategy<Value = ReferenceSet> {
    let arrays = btree_map("[a-z]{1,3}", array(rectilinear), 0..4);
    let nested = btree_map("[a-z]{1,3}", array(rectilinear), 0..2);
    let sources = btree_map("[a-z/:]{1,9}".prop_map(Arc::<str>::from), source(), 0..3);
    let lost = btree_map("[a-z/]{0,5}", "[ -~]{0,9}", 0..2);
    (arrays, nested, attributes(), attributes(), sources, lost).prop_map(
        |(arrays, nested, root, group, sources, lost)| {
            let nested = nested.into_iter().map(|(name, array)| (format!("Group/{name}"), array));
            ReferenceSet {
                groups: BTreeMap::from([
                    (String::new(), Group { attributes: root, ..Group::default() }),
                    ("Group".to_owned(), Group { attributes: group, ..Group::default() }),
                ]),
                arrays: arrays.into_iter().chain(nested).collect(),
                sources,
                lost,
                ..ReferenceSet::default()
            }
        },
    )
}
