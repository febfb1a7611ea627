//! What a reader says about a damaged file, strict and lenient, and what a dump shows of a sound one.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use expect_test::expect;
use rangefold_hdf5::dump::Dump;
use rangefold_hdf5::model::{Object, ObjectError};
use rangefold_hdf5::{Options, Problem, read_slice};
use rangefold_testkit::fixtures;

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(fixtures().join(name)).unwrap()
}

#[test]
fn a_wrong_checksum_costs_one_object_and_names_it() {
    let mut bytes = fixture("format/latest.h5");
    let sound = read_slice(&bytes, &Options::default()).unwrap();
    let dataset = sound.datasets()[0];
    let (path, address) = (dataset.path.clone(), usize::try_from(dataset.address).unwrap());
    // The byte behind signature and version: flags that change nothing but the checksum.
    bytes[address + 5] ^= 0x08;
    let damaged = read_slice(&bytes, &Options::default()).unwrap();
    assert!(damaged.get(&path).is_none());
    assert_eq!(damaged.errors.len(), 1);
    assert_eq!(damaged.errors[0].path, path);
    assert!(matches!(damaged.errors[0].error.problem, Problem::Checksum { .. }));
    assert_eq!(damaged.objects.len(), sound.objects.len() - 1);

    let lenient = read_slice(&bytes, &Options { lenient: true, ..Options::default() }).unwrap();
    assert!(matches!(lenient.get(&path), Some(Object::Dataset(_))));
    assert_eq!(lenient.errors.len(), 1);
    assert!(matches!(lenient.errors[0].error.problem, Problem::Checksum { .. }));
}

#[test]
fn a_damaged_superblock_is_an_error_of_the_whole_file() {
    let mut bytes = fixture("format/latest.h5");
    bytes[9] = 3;
    let error = read_slice(&bytes, &Options::default()).unwrap_err();
    expect!["superblock at byte 0: size of offsets is 3 but must be 2, 4 or 8"].assert_eq(&error.to_string());
    let error = read_slice(b"CDF\x01 and something else", &Options::default()).unwrap_err();
    expect!["superblock at byte 0: no HDF5 signature was found"].assert_eq(&error.to_string());
    let error = read_slice(b"", &Options::default()).unwrap_err();
    expect!["superblock at byte 0: no HDF5 signature was found"].assert_eq(&error.to_string());
}

#[test]
fn every_cut_of_a_file_ends_with_an_error_and_without_made_up_values() {
    let bytes = fixture("attributes/dimension_scales.h5");
    let sound = read_slice(&bytes, &Options::default()).unwrap();
    for len in (0..bytes.len()).step_by(97) {
        let Ok(cut) = read_slice(&bytes[..len], &Options::default()) else { continue };
        for (address, object) in &cut.objects {
            let whole = &sound.objects[address];
            for attribute in object.attributes() {
                let same = whole.attributes().iter().find(|other| other.name == attribute.name).unwrap();
                assert_eq!(attribute.raw, same.raw, "cut to {len} bytes");
            }
        }
        assert!(!cut.errors.is_empty() || cut.objects.len() == sound.objects.len(), "cut to {len} bytes");
    }
}

#[test]
fn a_dump_shows_every_structure_by_address() {
    let file =
        read_slice(&fixture("format/empty.h5"), &Options { dump: true, ..Options::default() }).unwrap();
    let dump = Dump(&file).to_string();
    expect![[r#"
        file of 800 bytes, superblock version 0
                   0   superblock
                       version: 0, sizes: 8/8, group leaf k: 4, group internal k: 16, indexed storage k: none
                       open for writing: false, end of file: 800, extension: none, driver info: none, root: 96
                       checksummed len: none
                  96   object header: Prefix
                       version: V1, len: 16, messages len: 24
                 120   symbol table message
                       btree: 136, heap: 680
                 136   version 1 B-tree node: GroupNode
                       level: 0, children: []
                 680   local heap
                       712+88
    "#]]
    .assert_eq(&dump);
}

#[test]
fn a_dump_keeps_its_lines_short_and_says_which_kind_a_structure_is() {
    for name in ["types/compound.h5", "index/sparse.h5", "links/soft_hard_external.h5", "layout/virtual.h5"] {
        let file = read_slice(&fixture(name), &Options { dump: true, ..Options::default() }).unwrap();
        let dump = Dump(&file).to_string();
        assert!(dump.lines().all(|line| line.chars().count() <= 120), "{name}:\n{dump}");
        for unreadable in ["Some(", "None", "{ ", " }"] {
            assert!(!dump.contains(unreadable), "{name} has {unreadable:?}:\n{dump}");
        }
        assert!(dump.contains("data layout message: "), "{name}:\n{dump}");
    }
}

#[test]
fn an_error_does_not_write_control_characters_to_a_terminal() {
    let error = Problem::malformed("it is").at("group", 96);
    let mut error = ObjectError { path: "/a\u{1b}[2J".to_owned(), attribute: Some("b\n".to_owned()), error };
    assert_eq!(error.to_string(), "/a\u{fffd}[2J: attribute \"b\\n\": group at byte 96: it is");
    (error.path, error.attribute) = (String::new(), None);
    assert_eq!(error.to_string(), "group at byte 96: it is");
}

#[test]
fn references_name_the_objects_they_point_at() {
    let file = read_slice(&fixture("attributes/dimension_scales.h5"), &Options::default()).unwrap();
    let mut lists = Vec::new();
    for dataset in file.datasets() {
        if let Some(attribute) = dataset.attribute("DIMENSION_LIST") {
            lists.push(format!("{}: {:?}", dataset.path, attribute.value));
        }
    }
    assert!(!lists.is_empty());
    assert!(lists.iter().all(|list| !list.contains("path: None")), "{lists:?}");
}
