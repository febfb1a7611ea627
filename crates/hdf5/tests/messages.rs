//! Metadata that lie in unusual places: shared messages, compressed heaps, references of HDF5 1.12, edge chunks without
//! filters. `data/make_messages.py` says what the files hold.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::path::Path;

use rangefold_hdf5::model::{Fill, Layout, LinkTarget, Object};
use rangefold_hdf5::value::{Reference, ReferencePart as Part, Value};
use rangefold_hdf5::{File, Options, read_bytes};
use rangefold_testkit::fixtures;

fn read(path: &Path) -> File {
    let bytes = std::fs::read(path).unwrap();
    let file = read_bytes(bytes.into(), &Options { dump: true, ..Options::default() }).unwrap();
    assert!(file.errors.is_empty(), "{}: {:?}", path.display(), file.errors);
    file
}

fn data(name: &str) -> File {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name))
}

fn count(file: &File, structure: &str) -> usize {
    file.structures.iter().filter(|found| found.name == structure).count()
}

#[test]
fn messages_that_objects_share_are_found_whether_a_list_or_a_tree_indexes_them() {
    for name in ["shared_list.h5", "shared_btree.h5"] {
        let file = data(name);
        assert_eq!(count(&file, "shared object header message table"), 1, "{name}");
        assert_eq!(file.datasets().len(), 6, "{name}");
        for (i, dataset) in file.datasets().into_iter().enumerate() {
            assert_eq!(dataset.path, format!("/d{i}"));
            assert_eq!(dataset.shape(), Some(&[4, 5][..]));
            assert_eq!(dataset.datatype.size, 4);
            assert_eq!(dataset.filters.iter().map(|filter| filter.id).collect::<Vec<_>>(), [1]);
            let fill = [u8::from(i % 2 == 1), 0, 0, 0];
            assert!(matches!(&dataset.fill.value, Fill::User(bytes) if bytes[..] == fill), "{name}: {i}");
            let value = |name: &str| &dataset.attribute(name).unwrap().value;
            let Value::Compound(pair) = value("pair") else { panic!("{name}: not a compound") };
            assert_eq!(pair[0].value, Value::Float(vec![1.5, 2.5]));
            assert_eq!(value(&format!("own{i}")), &Value::Signed((0..8).chain(8..8 + i as i64).collect()));
            assert_eq!(value("same").as_str(), Some("the same text in every dataset"));
        }
    }
}

#[test]
fn the_links_of_a_compressed_heap_are_all_there_the_huge_one_included() {
    let file = data("compressed_heap.h5");
    assert!(count(&file, "fractal heap direct block") > 4);
    assert!(count(&file, "fractal heap indirect block") >= 1);
    let Some(Object::Group(group)) = file.get("/links") else { panic!("no group") };
    assert_eq!(group.links.len(), 301);
    for (i, link) in group.links.iter().take(300).enumerate() {
        assert_eq!(link.name, format!("a soft link with a rather long name, number {i:04}"));
        assert_eq!(link.target, LinkTarget::Soft { path: "/target".to_owned() });
    }
    let huge = LinkTarget::Soft { path: format!("/{}", "x".repeat(9000)) };
    assert_eq!(group.links.last().map(|link| &link.target), Some(&huge));
}

#[test]
fn references_of_hdf5_1_12_say_what_they_refer_to() {
    let file = data("revised_references.h5");
    let Some(Object::Group(group)) = file.get("/group") else { panic!("no group") };
    let attribute = group.attributes.iter().find(|attribute| attribute.name == "references").unwrap();
    let Value::References(references) = &attribute.value else { panic!("no references") };
    let [Some(data), Some(to_group), Some(region), Some(to_attribute), None] = &references[..] else {
        panic!("{references:?}")
    };
    let path = |reference: &Reference| reference.path.clone().unwrap();
    assert_eq!((path(data), &data.part), ("/data".to_owned(), &Part::Whole));
    assert_eq!((path(to_group), &to_group.part), ("/group".to_owned(), &Part::Whole));
    assert_eq!(path(region), "/data");
    assert!(matches!(&region.part, Part::Region(_)));
    assert_eq!(
        (path(to_attribute), &to_attribute.part),
        ("/data".to_owned(), &Part::Attribute("name".to_owned()))
    );
}

#[test]
fn edge_chunks_without_filters_are_as_long_as_decoded_ones() {
    let file = read(&fixtures().join("filters/unfiltered_edges.h5"));
    let mut edges = 0;
    for dataset in file.datasets() {
        let Layout::Chunked(chunked) = &dataset.layout else { continue };
        if !chunked.unfiltered_partial_edge_chunks {
            continue;
        }
        let shape = dataset.shape().unwrap();
        let decoded_len = chunked.chunk_shape.iter().product::<u64>() * dataset.datatype.size;
        let table = chunked.chunks.as_ref().unwrap();
        for chunk in table.iter() {
            let position = table.grid().position(chunk.number).unwrap();
            let ends = position.iter().zip(&chunked.chunk_shape).map(|(index, extent)| (index + 1) * extent);
            if ends.zip(shape).any(|(end, extent)| end > *extent) {
                edges += 1;
                assert_eq!(chunk.range.length, decoded_len, "{} chunk {}", dataset.path, chunk.number);
            }
        }
    }
    assert!(edges > 0, "the file has no such chunk");
}
