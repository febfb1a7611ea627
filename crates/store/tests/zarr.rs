//! A set read through zarrs.
#![allow(clippy::unwrap_used, reason = "what cannot be set up must stop the test")]

mod common;

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use common::{all_in, counting, manifest, memory, meta, range, set_of, structured};
use expect_test::expect;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use rangefold_array::{
    ArrayMeta, AxisChunks, AxisRange, BloscCompressor, BloscShuffle, ChunkGrid, CodecSpec, DataType,
    FillValue, Hyperslab, MemoryOrder,
};
use rangefold_codec::encode;
use rangefold_refs::{
    AttributeValue, Attributes, Group, ManifestArray, Reference, ReferenceSet, RefsError, Source, by_part,
    json,
};
use rangefold_store::ReferenceStore;
use rangefold_testkit::{RecordingStore, fixtures};
use sha2::{Digest, Sha256};
use zarrs::array::{Array, ArrayBytes, ArraySubset};
use zarrs::group::Group as ZarrGroup;
use zarrs::storage::byte_range::ByteRange;
use zarrs::storage::{AsyncListableStorageTraits, AsyncReadableStorageTraits, StoreKey, StorePrefix};

/// A store over a set whose objects are `objects`.
async fn store(set: ReferenceSet, objects: &[(&str, &[u8])]) -> Arc<ReferenceStore> {
    Arc::new(ReferenceStore::new(Arc::new(set), all_in(memory(objects).await)))
}

/// All values of the array at `path`, as zarrs reads them: native byte order, row-major.
async fn values(store: &Arc<ReferenceStore>, path: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let array = Array::async_open(Arc::clone(store), path).await?;
    let bytes: ArrayBytes = array.async_retrieve_array_subset(&array.subset_all()).await?;
    Ok(bytes.into_fixed()?.into_owned())
}

fn inline(bytes: &[u8]) -> Option<Reference> {
    Some(Reference::Inline(Bytes::copy_from_slice(bytes)))
}

fn key(key: &str) -> StoreKey {
    StoreKey::new(key).unwrap()
}

#[cfg(target_endian = "little")]
#[tokio::test]
async fn every_array_of_kerchunks_references_has_the_values_numpy_reads() {
    let folders = std::fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path());
    let mut checked = 0;
    for folder in folders.filter(|path| path.is_dir()) {
        let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        for references in files.filter(|path| path.to_string_lossy().ends_with(".kerchunk.json")) {
            let oracle = references.to_string_lossy().replace(".kerchunk.json", ".json");
            let oracle: serde_json::Value = serde_json::from_slice(&std::fs::read(oracle).unwrap()).unwrap();
            let set = json::read(&std::fs::read(&references).unwrap()).unwrap();
            assert!(set.unreadable.is_empty(), "{}: {:?}", references.display(), set.unreadable);
            let files: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new_with_prefix(&folder).unwrap());
            let store = Arc::new(ReferenceStore::new(Arc::new(set), all_in(files)));
            for path in store.references().arrays.keys() {
                let dataset = format!("/{path}");
                let Some(expected) = oracle["h5py"]["datasets"][&dataset]["sha256"].as_str() else {
                    continue;
                };
                let found = match values(&store, &dataset).await {
                    Ok(found) => found,
                    // kerchunk leaves the fill value of netCDF's variables out; what is absent is refused, not made up.
                    Err(error) if error.to_string().contains("has no fill value") => continue,
                    Err(error) => panic!("{dataset} of {}: {error}", references.display()),
                };
                let found: String = Sha256::digest(&found).iter().map(|byte| format!("{byte:02x}")).collect();
                assert_eq!(found, expected, "{dataset} of {}", references.display());
                checked += 1;
            }
        }
    }
    assert!(checked >= 120, "only {checked} arrays were checked");
}

#[tokio::test]
async fn every_codec_is_undone_behind_one_name() {
    let bytes = counting(24 * 4);
    let blosc = CodecSpec::Blosc {
        compressor: BloscCompressor::Zstd,
        level: 5,
        shuffle: BloscShuffle::Auto,
        block_size: 0,
    };
    let bits = |compression| CodecSpec::BitshuffleHdf5 { element_size: 4, block_size: 0, compression };
    let shuffle = CodecSpec::Shuffle { element_size: 5 };
    for codecs in [
        vec![shuffle, CodecSpec::Zlib { level: 4 }, CodecSpec::Fletcher32],
        vec![CodecSpec::Fletcher32, CodecSpec::Shuffle { element_size: 8 }],
        vec![CodecSpec::Gzip { level: 1 }, CodecSpec::Crc32c],
        vec![CodecSpec::Lzf],
        vec![CodecSpec::Lz4Hdf5 { block_size: 0 }],
        vec![CodecSpec::Lz4Hdf5 { block_size: 64 }],
        vec![CodecSpec::Lz4 { acceleration: 1 }],
        vec![CodecSpec::Zstd { level: 3, checksum: true }],
        vec![CodecSpec::Bzip2 { level: 9 }],
        vec![bits(0)],
        vec![bits(2)],
        vec![bits(3)],
        vec![blosc],
        vec![],
    ] {
        let chunk = encode(&codecs, &bytes).unwrap();
        let set = set_of(meta("<u4", &[24], &[24], &codecs), manifest([inline(&chunk)]));
        let store = store(set, &[]).await;
        assert_eq!(values(&store, "/v").await.unwrap(), bytes, "{codecs:?}");
    }
}

#[tokio::test]
async fn a_chunk_that_does_not_decode_is_an_error_that_names_the_codec() {
    let codecs = [CodecSpec::Shuffle { element_size: 4 }, CodecSpec::Zlib { level: 4 }];
    let short = encode(&codecs, &[1; 12]).unwrap();
    let store = store(set_of(meta("<u4", &[4], &[4], &codecs), manifest([inline(&short)])), &[]).await;
    let error = values(&store, "/v").await.unwrap_err().to_string();
    assert!(
        error.contains("codec 1 (zlib) cannot be undone: yields 12 bytes where 16 are expected"),
        "{error}"
    );
}

#[tokio::test]
async fn absent_chunks_are_the_fill_value_and_refused_without_one() {
    let mut filled = meta("<i2", &[4], &[2], &[]);
    filled.fill_value = Some(FillValue((-7_i16).to_le_bytes().to_vec()));
    let mut unfilled = filled.clone();
    unfilled.fill_value = None;
    let chunks = || manifest([inline(&[1, 0, 2, 0]), None]);
    let expected: Vec<u8> = [1_i16, 2, -7, -7].into_iter().flat_map(i16::to_ne_bytes).collect();
    let filled = store(set_of(filled, chunks()), &[]).await;
    assert_eq!(values(&filled, "/v").await.unwrap(), expected);
    let unfilled = store(set_of(unfilled, chunks()), &[]).await;
    let error = values(&unfilled, "/v").await.unwrap_err().to_string();
    assert_eq!(error, "chunk v/1 is absent and its array has no fill value");
}

#[tokio::test]
async fn other_byte_orders_and_axis_orders_are_turned() {
    let mut transposed = meta(">i2", &[2, 3], &[2, 3], &[]);
    transposed.order = MemoryOrder::ColumnMajor;
    let chunk: Vec<u8> = [1_i16, 4, 2, 5, 3, 6].into_iter().flat_map(i16::to_be_bytes).collect();
    let store = store(set_of(transposed, manifest([inline(&chunk)])), &[]).await;
    let expected: Vec<u8> = (1_i16..=6).flat_map(i16::to_ne_bytes).collect();
    assert_eq!(values(&store, "/v").await.unwrap(), expected);
}

#[tokio::test]
async fn byte_strings_structures_and_text_of_fixed_width_are_read() {
    let bytes = counting(24);
    let mut record = meta("|u1", &[2], &[2], &[]);
    record.data_type = structured(&[("a", "<i4"), ("b", "|S8")]);
    record.fill_value = None;
    let of = |meta: ArrayMeta| set_of(meta, manifest([inline(&bytes)]));
    for array in [meta("|S12", &[2], &[2], &[]), record, meta("|V6", &[4], &[4], &[])] {
        let name = array.data_type.to_string();
        assert_eq!(values(&store(of(array), &[]).await, "/v").await.unwrap(), bytes, "{name}");
    }
    let text: Vec<u8> = "Zürich".chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
    let set = set_of(meta(">U6", &[1], &[1], &[]), manifest([inline(&text)]));
    let expected: Vec<u8> = "Zürich".chars().flat_map(|c| u32::from(c).to_ne_bytes()).collect();
    assert_eq!(values(&store(set, &[]).await, "/v").await.unwrap(), expected);
}

#[tokio::test]
async fn strings_of_any_length_are_read_and_absent_ones_are_empty() {
    let frame = b"\x02\0\0\0\x03\0\0\0tas\x03\0\0\0\xe6\xb5\xb7";
    for (first, rest) in
        [(CodecSpec::VlenUtf8, vec![]), (CodecSpec::VlenUtf8, vec![CodecSpec::Zlib { level: 1 }])]
    {
        let chunk = encode(&rest, frame).unwrap();
        let codecs: Vec<_> = std::iter::once(first).chain(rest).collect();
        let set = set_of(meta("|O", &[4], &[2], &codecs), manifest([inline(&chunk), None]));
        let store = store(set, &[]).await;
        let array = Array::async_open(store, "/v").await.unwrap();
        let texts: Vec<String> = array.async_retrieve_array_subset(&array.subset_all()).await.unwrap();
        assert_eq!(texts, ["tas", "海", "", ""]);
    }
    let set = set_of(meta("|O", &[2], &[2], &[CodecSpec::VlenBytes]), manifest([inline(frame)]));
    let array = Array::async_open(store(set, &[]).await, "/v").await.unwrap();
    let bytes: Vec<Vec<u8>> = array.async_retrieve_array_subset(&array.subset_all()).await.unwrap();
    assert_eq!(bytes, [b"tas".to_vec(), "海".as_bytes().to_vec()]);
}

#[tokio::test]
async fn chunks_of_different_lengths_are_read() {
    let mut array = meta("|u1", &[5, 2], &[5, 2], &[]);
    let axes = vec![AxisChunks::listed(0, &[3, 2]).unwrap(), AxisChunks::Regular { length: 2 }];
    array.grid = ChunkGrid::new(&[5, 2], axes).unwrap();
    let set = set_of(array, manifest([inline(&[0, 1, 2, 3, 4, 5]), inline(&[6, 7, 8, 9])]));
    assert_eq!(values(&store(set, &[]).await, "/v").await.unwrap(), counting(10));
}

#[tokio::test]
async fn scalars_and_arrays_without_elements_are_read() {
    let scalar = set_of(meta("|u1", &[], &[], &[]), manifest([inline(&[42])]));
    assert_eq!(values(&store(scalar, &[]).await, "/v").await.unwrap(), [42]);
    let none = set_of(meta("|u1", &[0, 3], &[1, 3], &[]), manifest([]));
    assert_eq!(values(&store(none, &[]).await, "/v").await.unwrap(), [0_u8; 0]);
}

#[tokio::test]
async fn nan_in_attributes_is_a_text_as_json_has_none() {
    let mut set = set_of(meta("<f4", &[1], &[1], &[]), manifest([]));
    let attributes = Attributes::from_iter([
        ("missing_value".to_owned(), AttributeValue::Float(f64::NAN)),
        (
            "valid_range".to_owned(),
            AttributeValue::List(vec![AttributeValue::Float(f64::NEG_INFINITY), AttributeValue::Float(1.5)]),
        ),
    ]);
    set.arrays.get_mut("v").unwrap().attributes = attributes.clone();
    set.groups.insert(String::new(), Group { attributes, ..Group::default() });
    let store = store(set, &[]).await;
    let array = Array::async_open(Arc::clone(&store), "/v").await.unwrap();
    assert_eq!(array.attributes()["missing_value"], "NaN");
    assert_eq!(array.attributes()["valid_range"], serde_json::json!(["-Infinity", 1.5]));
    let group = ZarrGroup::async_open(store, "/").await.unwrap();
    assert_eq!(group.attributes()["missing_value"], "NaN");
}

/// A set with groups, one of them never described, and an array that cannot be read.
fn tree() -> ReferenceSet {
    let mut set = ReferenceSet::new();
    set.groups.insert("g".to_owned(), Group::default());
    for path in ["tas", "g/pr", "implied/deep/x"] {
        let meta = meta("|u1", &[6], &[2], &[]);
        let manifest = manifest([Some(range("a.nc", 0, 2)), None, inline(&[1, 2])]);
        set.arrays.insert(path.to_owned(), ManifestArray { meta, attributes: Attributes::new(), manifest });
    }
    let unreadable =
        RefsError::Unsupported { key: "g/szip/.zarray".to_owned(), what: "codec \"szip\"".to_owned() };
    set.unreadable.insert("g/szip".to_owned(), unreadable);
    set
}

#[tokio::test]
async fn listing_shows_what_is_there_and_nothing_that_is_absent() {
    let store = store(tree(), &[]).await;
    let keys = store.list().await.unwrap();
    expect![[r"
        g/pr/0
        g/pr/2
        g/pr/zarr.json
        g/zarr.json
        implied/deep/x/0
        implied/deep/x/2
        implied/deep/x/zarr.json
        tas/0
        tas/2
        tas/zarr.json
        zarr.json"]]
    .assert_eq(&keys.iter().map(StoreKey::as_str).collect::<Vec<_>>().join("\n"));
    for (prefix, keys, prefixes) in [
        ("", vec!["zarr.json"], vec!["g/", "implied/", "tas/"]),
        ("g/", vec!["g/zarr.json"], vec!["g/pr/"]),
        ("implied/", vec!["implied/zarr.json"], vec!["implied/deep/"]),
        ("tas/", vec!["tas/0", "tas/2", "tas/zarr.json"], vec![]),
        ("nothing/", vec![], vec![]),
    ] {
        let found = store.list_dir(&StorePrefix::new(prefix).unwrap()).await.unwrap();
        assert_eq!(found.keys().iter().map(StoreKey::as_str).collect::<Vec<_>>(), keys, "{prefix}");
        assert_eq!(
            found.prefixes().iter().map(StorePrefix::as_str).collect::<Vec<_>>(),
            prefixes,
            "{prefix}"
        );
    }
    let size = store.size_prefix(&StorePrefix::new("tas/").unwrap()).await.unwrap();
    assert_eq!(size, 4 + store.size_key(&key("tas/zarr.json")).await.unwrap().unwrap());
}

#[tokio::test]
async fn a_group_is_walked_past_an_array_that_cannot_be_read_and_that_array_says_why() {
    let store = store(tree(), &[]).await;
    let group = ZarrGroup::async_open(Arc::clone(&store), "/").await.unwrap();
    let mut children: Vec<_> =
        group.async_children(true).await.unwrap().iter().map(|node| node.path().to_string()).collect();
    children.sort();
    assert!(children.contains(&"/tas".to_owned()), "{children:?}");
    let error = values(&store, "/g/szip").await.unwrap_err().to_string();
    assert!(error.contains("szip"), "{error}");
}

#[tokio::test]
async fn keys_of_nothing_are_absent() {
    let store = store(tree(), &[]).await;
    for absent in ["tas/3", "tas/1", "tas/0.0", "tas/00", "tas/c/0", "none/zarr.json", "none/0", "tas"] {
        assert_eq!(AsyncReadableStorageTraits::get(&*store, &key(absent)).await.unwrap(), None, "{absent}");
        assert_eq!(store.size_key(&key(absent)).await.unwrap(), None, "{absent}");
    }
}

#[tokio::test]
async fn a_part_of_an_uncompressed_chunk_is_read_without_the_rest() {
    let bytes = counting(1000);
    let recording = Arc::new(RecordingStore::new(memory(&[("a.nc", &bytes)]).await));
    let set = set_of(meta("|u1", &[30, 30], &[30, 30], &[]), manifest([Some(range("a.nc", 100, 900))]));
    let store = Arc::new(ReferenceStore::new(Arc::new(set), all_in(recording.clone())));
    let array = Array::async_open(store, "/v").await.unwrap();
    let part: Vec<u8> =
        array.async_retrieve_array_subset(&ArraySubset::new_with_ranges(&[2..4, 0..30])).await.unwrap();
    assert_eq!(part, bytes[160..220]);
    expect![[r#"
        round 1
          GET a.nc 160..220 -> 60 bytes
        1 rounds, 1 requests, 60 bytes
    "#]]
    .assert_eq(&recording.trace());
}

#[tokio::test]
async fn parts_of_every_kind_of_reference_are_cut_from_either_end() {
    let bytes = counting(100);
    let whole = Some(Reference::Whole { url: "a.nc".into() });
    let chunks = manifest([inline(&bytes), Some(range("b.nc", 50, 100)), whole]);
    let longer = [vec![9; 50], bytes.clone(), vec![9; 50]].concat();
    let mut set = set_of(meta("|u1", &[300], &[100], &[]), chunks);
    let source = Source { size: Some(100), etag: None, last_modified: None };
    set.sources.insert("a.nc".into(), source);
    let store = store(set, &[("a.nc", &bytes), ("b.nc", &longer)]).await;
    for chunk in ["v/0", "v/1", "v/2"] {
        let chunk = key(chunk);
        for (part, expected) in [
            (ByteRange::FromStart(10, Some(5)), &bytes[10..15]),
            (ByteRange::FromStart(90, None), &bytes[90..]),
            (ByteRange::Suffix(7), &bytes[93..]),
            (ByteRange::FromStart(100, None), &[]),
        ] {
            assert_eq!(store.get_partial(&chunk, part).await.unwrap().unwrap(), expected, "{chunk} {part}");
        }
        for outside in
            [ByteRange::FromStart(90, Some(11)), ByteRange::FromStart(101, None), ByteRange::Suffix(101)]
        {
            let error = store.get_partial(&chunk, outside).await.unwrap_err().to_string();
            assert!(error.contains("has 100 bytes"), "{error}");
        }
        assert_eq!(store.size_key(&chunk).await.unwrap(), Some(100));
    }
}

#[tokio::test]
async fn the_metadata_say_what_the_array_is() {
    let codecs = [CodecSpec::Shuffle { element_size: 4 }, CodecSpec::Zlib { level: 4 }];
    let store = store(set_of(meta("<f4", &[10, 20], &[5, 20], &codecs), manifest([])), &[]).await;
    let text = AsyncReadableStorageTraits::get(&*store, &key("v/zarr.json")).await.unwrap().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&text).unwrap();
    expect![[r#"
        {
          "zarr_format": 3,
          "node_type": "array",
          "shape": [
            10,
            20
          ],
          "data_type": "float32",
          "chunk_grid": {
            "name": "regular",
            "configuration": {
              "chunk_shape": [
                5,
                20
              ]
            }
          },
          "chunk_key_encoding": {
            "name": "v2",
            "configuration": {
              "separator": "."
            }
          },
          "fill_value": 0.0,
          "codecs": [
            {
              "name": "bytes",
              "configuration": {
                "endian": "little"
              }
            },
            {
              "name": "rangefold.filters",
              "configuration": {
                "codecs": [
                  {
                    "name": "numcodecs.shuffle",
                    "configuration": {
                      "elementsize": 4
                    }
                  },
                  {
                    "name": "numcodecs.zlib",
                    "configuration": {
                      "level": 4
                    }
                  }
                ]
              }
            }
          ],
          "attributes": {},
          "dimension_names": [
            "d0",
            "d1"
          ]
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&document).unwrap());
}

#[tokio::test]
async fn an_element_type_without_bytes_is_refused_by_name() {
    let mut array = meta("|S0", &[2], &[2], &[]);
    array.fill_value = None;
    assert_eq!(array.data_type, DataType::from_numpy("|S0").unwrap());
    let store = store(set_of(array, manifest([])), &[]).await;
    let error = values(&store, "/v").await.unwrap_err().to_string();
    assert!(error.contains("elements of type |S0 have no bytes"), "{error}");
    assert_eq!(store.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn numbers_packed_differently_in_each_part_are_refused_by_name() {
    let mut set = tree();
    let part = |end, scale| by_part::Part {
        end,
        fill_value: None,
        attributes: [("scale_factor".to_owned(), AttributeValue::Float(scale))].into_iter().collect(),
    };
    by_part::set_parts(set.arrays.get_mut("tas").unwrap(), 0, &[part(2, 0.5), part(6, 0.25)]);
    let store = store(set, &[("a.nc", &[5, 6])]).await;
    let all = Hyperslab::from_axes(vec![AxisRange::all(6)]);
    let error = store.values("tas", &all).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("attributes by part"), "{cause}");
    let listed = store.list().await.unwrap();
    assert!(listed.iter().all(|key| !key.as_str().starts_with("tas/")), "{listed:?}");
    let error = values(&store, "/tas").await.unwrap_err().to_string();
    assert!(error.contains("its packing differs from part to part"), "{error}");
}
