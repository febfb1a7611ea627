//! Every fixture and every file of the corpus: what is read back through the references is what h5py and netCDF4 read.
//!
//! The corpus is large and not part of this repository; see its README and that of the fixtures for what the records mean.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    reason = "a test reports, and ends where it fails"
)]

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rangefold_array::ElementType;
use rangefold_scan::{Scan, ScanError, ScanOptions};
use rangefold_testkit::{corpus, fixtures};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use support::{Objects, elements, files, scan_file};

#[tokio::test]
async fn every_fixture_reads_back_what_other_readers_read() {
    compare(&fixtures(), |file| file.with_added_extension("json")).await;
}

#[tokio::test]
async fn every_file_of_the_corpus_reads_back_what_other_readers_read() {
    let Some(corpus) = corpus() else { return };
    let files = corpus.join("files");
    compare(&files, |file| {
        let relative = file.strip_prefix(&files).unwrap();
        corpus.join("oracle").join(format!("{}.json", relative.display()))
    })
    .await;
}

#[tokio::test]
async fn every_hostile_file_ends_in_an_error_or_in_references_within_the_file() {
    let Some(corpus) = corpus() else { return };
    for path in files(&corpus.join("hostile")) {
        match scan_file(&path, &ScanOptions::default()).await {
            Ok(scan) => {
                let file = std::fs::metadata(&path).unwrap().len();
                for (name, array) in &scan.references.arrays {
                    for (number, reference) in array.manifest.iter() {
                        if let rangefold_refs::Reference::Range { range, .. } = reference {
                            assert!(
                                range.end() <= file,
                                "{} {name} chunk {number} at {range}",
                                path.display()
                            );
                        }
                    }
                }
            }
            Err(ScanError::NotHdf5 { .. } | ScanError::Read { .. }) => {}
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }
}

async fn compare(folder: &Path, record: impl Fn(&Path) -> PathBuf) {
    let (mut compared, mut values, mut skipped) = (0, 0, 0);
    let mut wrong = String::new();
    for path in files(folder) {
        let Ok(record) = std::fs::read(record(&path)) else { continue };
        let record: Json = serde_json::from_slice(&record).unwrap();
        if !record["h5py"]["status"].as_str().is_some_and(|status| status.starts_with("ok")) {
            continue;
        }
        let scan = match scan_file(&path, &ScanOptions::default()).await {
            Ok(scan) => scan,
            Err(error) => {
                writeln!(wrong, "{}: {error}", path.display()).unwrap();
                continue;
            }
        };
        compared += 1;
        skipped += scan.skipped.len();
        let mut differs = |problem: String| writeln!(wrong, "{}: {problem}", path.display()).unwrap();
        values += values_as_h5py(&scan, &Objects::new(&path), &record["h5py"]["datasets"], &mut differs);
        dimensions_as_netcdf(&scan, &record["netcdf4"]["variables"], &mut differs);
    }
    println!("{compared} files, {values} arrays read back, {skipped} objects skipped");
    assert!(compared > 0, "no records for the files in {}", folder.display());
    assert!(wrong.is_empty(), "{wrong}");
}

/// Every dataset is an array with h5py's values, or skipped. Returns how many were read back.
///
/// Dimensions without variable are neither. Structures are not compared: NumPy lays their padding out anew.
fn values_as_h5py(
    scan: &Scan,
    objects: &Objects,
    datasets: &Json,
    differs: &mut impl FnMut(String),
) -> usize {
    let skipped: BTreeSet<&str> = scan.skipped.iter().map(|skipped| skipped.path.as_str()).collect();
    let mut compared = 0;
    for (path, dataset) in datasets.as_object().into_iter().flatten() {
        let path = path.trim_start_matches('/');
        if dataset["is_scale"].as_str().is_some_and(|name| name.contains("but not a netCDF variable")) {
            continue;
        }
        let shown = path.replace("_nc4_non_coord_", "");
        let Some(array) = scan.references.arrays.get(&shown).or_else(|| scan.references.arrays.get(path))
        else {
            if !skipped.contains(path) {
                differs(format!("{path} is neither there nor skipped"));
            }
            continue;
        };
        let expected = dataset["sha256"].as_str();
        let undefined = dataset["fill_time"] == "never" || dataset["fill_defined"] == "undefined";
        let stored_whole =
            dataset["chunks_stored"] == dataset["chunks_in_grid"] && !dataset["offset"].is_null();
        let structure = matches!(array.meta.data_type.element, ElementType::Structured(_));
        let (Some(expected), false) = (expected, structure || undefined && !stored_whole) else { continue };
        let mut shape: Vec<u64> =
            dataset["shape"].as_array().unwrap().iter().map(|length| length.as_u64().unwrap()).collect();
        shape.extend(array.meta.shape().iter().skip(shape.len()));
        let Some(elements) = elements(array, objects, &shape) else { continue };
        let found =
            Sha256::digest(&elements).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        compared += 1;
        if found != expected {
            differs(format!(
                "{path} reads back other values: {:?} …",
                elements.get(..32).unwrap_or(&elements)
            ));
        }
    }
    compared
}

/// Every array has the dimensions and the shape that netCDF gives it. Names that netCDF made up itself are not compared: it
/// numbers them in the order in which it happens to look.
fn dimensions_as_netcdf(scan: &Scan, variables: &Json, differs: &mut impl FnMut(String)) {
    for (path, variable) in variables.as_object().into_iter().flatten() {
        let Some(array) = scan.references.arrays.get(path.trim_start_matches('/')) else { continue };
        let shape: Vec<u64> =
            variable["shape"].as_array().unwrap().iter().map(|length| length.as_u64().unwrap()).collect();
        if array.meta.shape() != shape {
            differs(format!("{path} has shape {:?}, in netCDF {shape:?}", array.meta.shape()));
        }
        let names = variable["dimensions"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
        for (found, expected) in array.meta.dimension_names.iter().zip(names) {
            // A dimension with several hard links is named by any of them.
            let linked = ["time", "lat"].contains(&found.as_str()) && expected.ends_with("_hard");
            if found != expected && !expected.starts_with("phony_dim_") && !linked {
                differs(format!("{path} lies on {found}, in netCDF on {expected}"));
            }
        }
    }
}
