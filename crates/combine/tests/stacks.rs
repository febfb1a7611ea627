//! Real stacks of files: scanned, combined, and read through the references. Every value is that which h5py reads from
//! the files one after the other.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must stop")]

mod support;

use std::path::Path;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use rangefold_combine::{CombineSpec, Combined, Error, Input, Selector, combine};
use rangefold_refs::ReferenceSet;
use rangefold_scan::{ScanOptions, scan};
use rangefold_store::{FetchOptions, ReferenceStore};
use serde_json::Value;
use sha2::{Digest, Sha256};
use support::{along, bytes_of, numbers, text_attribute};

fn local(folder: &Path) -> Arc<dyn ObjectStore> {
    Arc::new(LocalFileSystem::new_with_prefix(folder).unwrap())
}

/// References below `folder`, whose URLs are paths in it.
fn resolver(folder: &Path) -> impl rangefold_store::Resolve + 'static {
    let store = local(folder);
    move |url: &str| Ok((Arc::clone(&store), object_store::path::Path::parse(url)?))
}

async fn scanned(folder: &Path, files: &[String]) -> Vec<Input> {
    let mut inputs = Vec::new();
    for file in files {
        let path = object_store::path::Path::parse(file).unwrap();
        let scan = scan(local(folder), &path, file, &ScanOptions::default()).await.unwrap();
        assert!(scan.skipped.is_empty(), "{file}: {:?}", scan.skipped);
        inputs.push(Input::new(file, scan.references));
    }
    inputs
}

async fn joined(folder: &Path, inputs: &[Input], spec: &CombineSpec) -> Result<Combined, Error> {
    combine(inputs, spec, resolver(folder), FetchOptions::default()).await
}

/// The digest of a variable's values in row-major order, each little-endian.
async fn digest(folder: &Path, set: &ReferenceSet, path: &str) -> String {
    let array = &set.arrays[path];
    let store = ReferenceStore::new(Arc::new(ReferenceSet::default()), resolver(folder));
    let mut chunks = Vec::new();
    for (_, reference) in array.manifest.iter() {
        chunks.push(store.get(&reference).await.unwrap().to_vec());
    }
    let mut chunks = chunks.into_iter();
    let mut bytes = bytes_of(array, |_| chunks.next().unwrap());
    rangefold_codec::to_native(&mut bytes, &array.meta.data_type);
    Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Checks every variable of the oracle's record but those named.
async fn check(folder: &Path, set: &ReferenceSet, oracle: &Value, but: &[&str]) {
    let mut checked = 0;
    for (name, variable) in oracle["variables"].as_object().unwrap() {
        let shape: Vec<u64> = match variable["concatenated_shape"].as_array() {
            Some(shape) => shape.iter().map(|n| n.as_u64().unwrap()).collect(),
            None => variable["shapes"][0].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect(),
        };
        assert_eq!(set.arrays[name].meta.shape(), shape, "{name}");
        if let Some(expected) = variable["concatenated_sha256"].as_str()
            && !but.contains(&name.as_str())
        {
            assert_eq!(digest(folder, set, name).await, expected, "{name}");
            checked += 1;
        }
    }
    assert!(checked > 0);
}

fn oracle(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn fixture_files(stack: &str) -> Vec<String> {
    [2001, 2002, 2003].map(|year| format!("{stack}/tas_{year}.nc")).into()
}

#[tokio::test]
async fn a_clean_stack_is_joined_in_any_order_of_the_files() {
    let folder = rangefold_testkit::fixtures();
    let mut inputs = scanned(&folder, &fixture_files("stack")).await;
    let combined = joined(&folder, &inputs, &along(&["time"])).await.unwrap();
    check(&folder, &combined.references, &oracle(&folder.join("stack/stack.json")), &[]).await;
    inputs.reverse();
    assert_eq!(joined(&folder, &inputs, &along(&["time"])).await.unwrap(), combined);
}

#[tokio::test]
async fn a_stack_whose_time_units_start_anew_is_told_in_one_unit() {
    let folder = rangefold_testkit::fixtures();
    let inputs = scanned(&folder, &fixture_files("stack_rebased")).await;
    let set = joined(&folder, &inputs, &along(&["time"])).await.unwrap().references;
    check(&folder, &set, &oracle(&folder.join("stack_rebased/stack.json")), &["time"]).await;
    let times = numbers(&set, "time");
    assert_eq!((times[0], times[11], times[12], times[35]), (15.5, 349.5, 380.5, 1079.5));
    assert_eq!(text_attribute(&set, "time", "units").unwrap(), "days since 2001-01-01 00:00:00");
}

#[tokio::test]
async fn a_stack_whose_packing_differs_is_refused() {
    let folder = rangefold_testkit::fixtures();
    let inputs = scanned(&folder, &fixture_files("stack_rescaled")).await;
    let error = joined(&folder, &inputs, &along(&["time"])).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "variable \"pr\" has scale_factor 0.000001 in stack_rescaled/tas_2001.nc but 0.000002 in \
         stack_rescaled/tas_2002.nc, 0.000003 in stack_rescaled/tas_2003.nc"
    );
}

/// A stack of the corpus, with its record; `None` without the corpus.
fn corpus_stack(name: &str) -> Option<(std::path::PathBuf, Vec<String>, Value)> {
    let corpus = rangefold_testkit::corpus()?;
    let stacks = oracle(&corpus.join("stacks.json"));
    let files = stacks[name]["files"].as_array().unwrap();
    let files = files.iter().map(|file| file.as_str().unwrap().to_owned()).collect();
    let record = oracle(&corpus.join("oracle/stacks").join(name).with_extension("json"));
    Some((corpus.join("files"), files, record))
}

async fn check_corpus_stack(name: &str, but: &[&str]) {
    let Some((folder, files, record)) = corpus_stack(name) else { return };
    let inputs = scanned(&folder, &files).await;
    let combined = joined(&folder, &inputs, &along(&["time"])).await.unwrap();
    check(&folder, &combined.references, &record, but).await;
}

#[tokio::test]
async fn cloudnet_ceilometer_files() {
    check_corpus_stack("cloudnet-cl61d-2", &[]).await;
}

#[tokio::test]
async fn esmvaltool_monthly_temperature() {
    check_corpus_stack("esmvaltool-awi-cm-1-1-mr-ta-monthly", &[]).await;
}

#[tokio::test]
async fn ocean_model_output_with_a_reference_time_in_each_file() {
    check_corpus_stack("intake-esm-mpi-ge-mpiom", &["time"]).await;
}

#[tokio::test]
async fn decadal_prediction_precipitation() {
    check_corpus_stack("mini-esgf-hadgem3-dcpp-pr", &[]).await;
}

#[tokio::test]
async fn sea_ice_concentration() {
    check_corpus_stack("mini-esgf-mpi-esm1-2-hr-siconc", &[]).await;
}

#[tokio::test]
async fn rain_of_three_files() {
    check_corpus_stack("padocc-rain", &[]).await;
}

#[tokio::test]
async fn satellite_bytes() {
    check_corpus_stack("thredds-ubyte", &[]).await;
}

#[tokio::test]
async fn rain_of_five_files_of_one_step() {
    check_corpus_stack("padocc-1dagg", &[]).await;
}

#[tokio::test]
async fn labels_may_come_from_the_names_of_the_files() {
    let Some((folder, files, record)) = corpus_stack("padocc-1dagg") else { return };
    let inputs = scanned(&folder, &files).await;
    let mut spec = along(&["time"]);
    spec.selectors.insert("time".into(), Selector::parse("regex:file(.)", |_| Ok(vec![])).unwrap());
    let set = joined(&folder, &inputs, &spec).await.unwrap().references;
    assert_eq!(numbers(&set, "time"), [0.0, 1.0, 2.0, 3.0, 4.0]);
    check(&folder, &set, &record, &["time"]).await;
}
