//! `reduce --part` and `merge`: a question split by hand has the bits of one that was not.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on must stop")]

mod support;

use support::{QUESTIONS, done, refused, values, wide};
use tempfile::TempDir;

const TIMES: u64 = 40;

#[test]
fn parts_merge_to_the_bits_of_the_whole() {
    let folder = TempDir::new().unwrap();
    wide(folder.path(), TIMES, "");
    for question in QUESTIONS {
        let reduce = [&["reduce", "refs.json", "v", "--select", "t=2:,y=0:4,x=0:4"], *question].concat();
        let whole = done(folder.path(), &[&reduce[..], &["--json"]].concat());
        for of in [1, 3, 16] {
            let names: Vec<String> = (1..=of).map(|part| format!("p{part}.part")).collect();
            for (part, name) in (1..).zip(&names) {
                let part = format!("{part}/{of}");
                done(folder.path(), &[&reduce[..], &["--part", &part, "-o", name, "--overwrite"]].concat());
            }
            let merge = names.iter().map(String::as_str).rev();
            let merged: Vec<&str> = ["merge", "--json"].into_iter().chain(merge).collect();
            assert_eq!(values(&done(folder.path(), &merged)), values(&whole), "{question:?} in {of}");
        }
    }
    // Any output: an array of one value for each time is written by both.
    let reduce = ["reduce", "refs.json", "v", "--op", "mean", "--over", "x", "--select", "y=0:4,x=0:4"];
    done(folder.path(), &[&reduce[..], &["-o", "whole.npy"]].concat());
    for part in ["1/2", "2/2"] {
        let name = format!("q{}.part", &part[..1]);
        done(folder.path(), &[&reduce[..], &["--part", part, "-o", &name]].concat());
    }
    done(folder.path(), &["merge", "q1.part", "q2.part", "-o", "merged.npy"]);
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert_eq!(read("merged.npy"), read("whole.npy"));
}

#[test]
fn a_part_that_is_missing_doubled_foreign_or_damaged_is_named() {
    let folder = TempDir::new().unwrap();
    wide(folder.path(), TIMES, "");
    let reduce = ["reduce", "refs.json", "v", "--select", "y=0:4,x=0:4", "--op"];
    let part = |op: &str, part: &str, name: &str| {
        done(folder.path(), &[&reduce[..], &[op, "--part", part, "-o", name]].concat());
    };
    for n in 1..=3 {
        part("mean", &format!("{n}/3"), &format!("p{n}.part"));
    }
    part("sum", "2/3", "sum2.part");
    part("mean", "2/4", "other2.part");
    let merge = |names: &[&str]| refused(folder.path(), 1, &[&["merge"], names].concat());
    assert!(merge(&["p1.part", "p3.part"]).contains("part 2 of 3 is missing"));
    assert!(merge(&["p1.part", "p2.part", "p1.part"]).contains("p1.part and p1.part are both part 1 of 3"));
    assert!(
        merge(&["p1.part", "sum2.part", "p3.part"]).contains("p1.part and sum2.part are parts of different")
    );
    assert!(merge(&["p1.part", "other2.part", "p3.part"]).contains("other2.part are parts of different"));
    let mut bytes = std::fs::read(folder.path().join("p2.part")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(folder.path().join("bad.part"), &bytes).unwrap();
    let message = merge(&["p1.part", "bad.part", "p3.part"]);
    assert!(message.contains("bad.part") && message.contains("damaged"), "{message}");
    assert!(merge(&["p1.part", "refs.json"]).contains("cannot use refs.json"));
    assert!(merge(&["p1.part", "none.part"]).contains("none.part"));
    // The store has changed since.
    wide(folder.path(), TIMES + 1, "");
    let message = merge(&["p1.part", "p2.part", "p3.part"]);
    assert!(message.contains("p1.part") && message.contains("references have changed"), "{message}");
}

#[test]
fn what_cannot_be_split_says_so() {
    let folder = TempDir::new().unwrap();
    wide(folder.path(), 3, "");
    let part = |more: &[&str], code| {
        let reduce = ["reduce", "refs.json", "v", "--select", "y=0:4,x=0:4"];
        refused(folder.path(), code, &[&reduce[..], more].concat())
    };
    let message = part(&["--op", "median", "--part", "1/2", "-o", "p.part"], 1);
    assert!(message.contains("median cannot be split into parts"), "{message}");
    assert!(part(&["--op", "mean", "--part", "0/2", "-o", "p.part"], 2).contains("a part is I/N"));
    assert!(part(&["--op", "mean", "--part", "3/2", "-o", "p.part"], 2).contains("a part is I/N"));
    assert!(part(&["--op", "mean", "--part", "1/2", "-o", "p.json"], 2).contains("ends in .part"));
    assert!(part(&["--op", "mean", "-o", "p.part"], 2).contains("only --part writes parts"));
    assert!(part(&["--op", "mean", "--part", "1/2"], 2).contains("--output"));
}
