//! Holds scans, reads through zarrs and reductions against what h5py and netCDF4-python found in the same file.
//!
//! An oracle is a JSON document with the records `h5py.datasets` and `netcdf4.variables`; `fixtures/README.md` tells its
//! layout. A variable is *right* if every answer equals the oracle's, *skipped* if the scan left it out with a reason, and
//! *wrong* otherwise.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rangefold::active::Limits;
use rangefold::array::{ByteOrder, ElementType};
use rangefold::query::{Interpretation, Query, View, prepare};
use rangefold::reduce::{Reduction, Value as Cell};
use rangefold::refs::json;
use rangefold::scan::{Scan, ScanOptions, scan};
use rangefold::storage::{Environment, Storage, StorageOptions};
use rangefold::store::ReferenceStore;
use serde_json::Value;
use sha2::{Digest, Sha256};
use zarrs::array::{Array, ArrayBytes};

/// What became of the variables of one or many files.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Datasets read through zarrs: right, skipped.
    pub(crate) read: (usize, usize),
    /// Variables reduced: right, skipped.
    pub(crate) reduced: (usize, usize),
    /// Datasets whose netCDF length is longer than their own: not to be compared as a whole.
    pub(crate) longer: usize,
    /// Reasons for skipping, with how many variables each.
    pub(crate) reasons: BTreeMap<String, usize>,
    /// What is wrong, one line each.
    pub(crate) wrong: Vec<String>,
}

impl Verdict {
    /// Adds another file's.
    pub(crate) fn add(&mut self, other: Self) {
        self.read = (self.read.0 + other.read.0, self.read.1 + other.read.1);
        self.reduced = (self.reduced.0 + other.reduced.0, self.reduced.1 + other.reduced.1);
        self.longer += other.longer;
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        self.wrong.extend(other.wrong);
    }

    /// The table.
    pub(crate) fn print(&self, title: &str) {
        let share = |(right, skipped): (usize, usize)| {
            let wrong = self.wrong.len();
            format!(
                "{right} right, {skipped} skipped ({:.1} % right)",
                percent(right, right + skipped + wrong)
            )
        };
        println!("{title}");
        println!("  read through zarrs: {}", share(self.read));
        println!("  reduced:            {}", share(self.reduced));
        println!("  not compared, netCDF sees more records than HDF5: {}", self.longer);
        println!("  wrong: {}", self.wrong.len());
        for line in &self.wrong {
            println!("    {line}");
        }
        for (reason, count) in &self.reasons {
            println!("  skipped {count}: {reason}");
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of variables")]
fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 100.0 } else { part as f64 / whole as f64 * 100.0 }
}

/// Scans `file` and holds what its references give against `oracle`.
///
/// # Panics
///
/// If the test itself cannot work.
pub(crate) async fn judge(file: &Path, oracle: &Value) -> Verdict {
    let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let mut verdict = Verdict::default();
    let storage = Storage::new(StorageOptions::default(), Environment::default()).unwrap();
    let url = file.to_str().unwrap();
    let (store, path) = storage.resolve(url).unwrap();
    let scanned = match scan(store, &path, url, &ScanOptions::default()).await {
        Ok(scanned) => scanned,
        Err(error) => {
            verdict.wrong.push(format!("{name}: cannot be scanned: {error:?}"));
            return verdict;
        }
    };
    // What is judged is what another program would read: the references as they are written.
    let written = json::write(&scanned.references).unwrap();
    let set = json::read(&written).unwrap();
    for (path, error) in &set.unreadable {
        verdict.wrong.push(format!("{name}: {path}: our own references cannot be read: {error}"));
    }
    let store = Arc::new(ReferenceStore::new(Arc::new(set), storage));
    read_all(&name, oracle, &scanned, &store, &mut verdict).await;
    reduce_all(&name, oracle, &scanned, &store, &mut verdict).await;
    verdict
}

/// The reason for which the scan left a path out, or a group above it.
fn skipped(scanned: &Scan, path: &str) -> Option<String> {
    let covers = |skipped: &str| {
        let skipped = skipped.trim_start_matches('/');
        skipped == path || path.strip_prefix(skipped).is_some_and(|rest| rest.starts_with('/'))
    };
    scanned.skipped.iter().find(|s| covers(&s.path)).map(|s| s.reason.clone())
}

/// Paths as netCDF shows them: without the leading slash, `_nc4_non_coord_` taken off.
fn shown(path: &str) -> String {
    let path = path.trim_start_matches('/');
    match path.rsplit_once('/') {
        Some((group, name)) => format!("{group}/{}", name.trim_start_matches("_nc4_non_coord_")),
        None => path.trim_start_matches("_nc4_non_coord_").to_owned(),
    }
}

/// Whether a dataset is only a dimension's length.
fn is_dimension_only(dataset: &Value) -> bool {
    dataset["attributes"]["NAME"]["value"]
        .as_str()
        .is_some_and(|name| name.starts_with("This is a netCDF dimension but not a netCDF variable"))
}

async fn read_all(
    name: &str,
    oracle: &Value,
    scanned: &Scan,
    store: &Arc<ReferenceStore>,
    verdict: &mut Verdict,
) {
    for (path, dataset) in oracle["h5py"]["datasets"].as_object().into_iter().flatten() {
        // NumPy lays compound types out in a way of its own.
        let compared = dataset["type"]["class"] != "compound" && !is_dimension_only(dataset);
        let Some(digest) = dataset["sha256"].as_str().filter(|_| compared) else { continue };
        let path = shown(path);
        let Some(array) = store.references().arrays.get(&path) else {
            match skipped(scanned, &path) {
                Some(reason) => {
                    verdict.read.1 += 1;
                    *verdict.reasons.entry(reason).or_default() += 1;
                }
                None => verdict.wrong.push(format!("{name}: {path}: neither referenced nor skipped")),
            }
            continue;
        };
        let shape: Vec<u64> =
            dataset["shape"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
        if array.meta.shape() != shape {
            verdict.longer += 1;
            continue;
        }
        match little_endian_values(store, &path).await {
            Ok(bytes) if hex(&Sha256::digest(&bytes)) == digest => verdict.read.0 += 1,
            Ok(bytes) => verdict.wrong.push(format!("{name}: {path}: other values ({} bytes)", bytes.len())),
            Err(error) => verdict.wrong.push(format!("{name}: {path}: zarrs cannot read it: {error}")),
        }
    }
}

/// All values, as zarrs reads them, with every number in little-endian order.
async fn little_endian_values(
    store: &Arc<ReferenceStore>,
    path: &str,
) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    assert!(ByteOrder::native() == ByteOrder::Little, "the digests are of little-endian values");
    let array = Array::async_open(Arc::clone(store), &format!("/{path}")).await?;
    let bytes: ArrayBytes<'_> = array.async_retrieve_array_subset(&array.subset_all()).await?;
    Ok(bytes.into_fixed()?.into_owned())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn reduce_all(
    name: &str,
    oracle: &Value,
    scanned: &Scan,
    store: &Arc<ReferenceStore>,
    verdict: &mut Verdict,
) {
    for (path, variable) in oracle["netcdf4"]["variables"].as_object().into_iter().flatten() {
        if variable["unscaled"].is_null() {
            continue;
        }
        let path = path.trim_start_matches('/');
        if !store.references().arrays.contains_key(path) {
            match skipped(scanned, path) {
                Some(reason) => {
                    verdict.reduced.1 += 1;
                    *verdict.reasons.entry(reason).or_default() += 1;
                }
                None => {
                    verdict.wrong.push(format!("{name}: {path}: neither referenced nor skipped (netCDF)"))
                }
            }
            continue;
        }
        let mut faults = compare(store, path, &variable["unscaled"], false).await;
        if !variable["scaled"].is_null() {
            faults.extend(compare(store, path, &variable["scaled"], true).await);
        }
        if faults.is_empty() {
            verdict.reduced.0 += 1;
        } else {
            verdict.wrong.push(format!("{name}: {path}: {}", faults.join("; ")));
        }
    }
}

/// Reduces a variable and returns what differs from the expected reductions.
async fn compare(store: &ReferenceStore, path: &str, expected: &Value, scaled: bool) -> Vec<String> {
    let mut reductions = vec![Reduction::Min, Reduction::Max, Reduction::Count];
    // A sum that its type, int64 or uint64, does not hold is an error by contract, and would be the only answer.
    let unsigned = store.references().arrays.get(path).is_some_and(|array| {
        matches!(
            array.meta.data_type.element,
            ElementType::UInt8 | ElementType::UInt16 | ElementType::UInt32 | ElementType::UInt64
        )
    });
    let exact = &expected["sum_exact"];
    let in_type = unsigned || exact.as_str().is_none_or(|digits| digits.parse::<i64>().is_ok());
    if fits(exact) && in_type {
        reductions.push(Reduction::Sum);
    }
    let unpacking = if scaled { Interpretation::Unpacked } else { Interpretation::Masked };
    let asked = Query { reductions, interpretation: unpacking, ..Query::default() };
    let prepared = match prepare(&View::new(store.clone()), path, &asked).await {
        Ok(prepared) => prepared,
        Err(error) => return vec![format!("cannot be planned: {error}")],
    };
    let answer = match prepared.run(&View::within(store.clone(), Limits::default()), &|_, _| {}).await {
        Ok(answer) => answer,
        Err(error) => return vec![format!("cannot be reduced: {error:?}")],
    };
    let outcomes = match answer.complete() {
        Ok(outcomes) => outcomes,
        Err(error) => return vec![format!("cannot be answered: {error}")],
    };
    let mut faults = Vec::new();
    let count = expected["count"].as_u64().unwrap_or(0);
    let scale = expected["sum_abs"].as_f64().filter(|s| s.is_finite()).unwrap_or(0.0);
    for outcome in &outcomes {
        let what = outcome.reduction.name();
        let found = outcome.value(0);
        let fault = match &outcome.reduction {
            Reduction::Count => match found {
                Some(Cell::Signed(n)) if u64::try_from(n).ok() == Some(count) => None,
                other => Some(format!("{other:?} for {count}")),
            },
            _ if count == 0 => found.map(|value| format!("{value:?} where nothing is valid")),
            Reduction::Sum => differs(&expected["sum"], found, 1e-12 * scale)
                .filter(|_| !is_exactly(&expected["sum_exact"], found)),
            _ => differs(&expected[what], found, 0.0),
        };
        faults.extend(fault.map(|fault| format!("{what}{} {fault}", if scaled { " (scaled)" } else { "" })));
    }
    faults
}

/// Whether a sum in decimal digits, if there is one, fits in 64 bits.
pub(crate) fn fits(exact: &Value) -> bool {
    exact.as_str().is_none_or(|digits| digits.parse::<i64>().is_ok() || digits.parse::<u64>().is_ok())
}

/// Whether an integer sum equals the exact one in decimal digits.
fn is_exactly(expected: &Value, found: Option<Cell>) -> bool {
    let digits = match found {
        Some(Cell::Signed(n)) => n.to_string(),
        Some(Cell::Unsigned(n)) => n.to_string(),
        _ => return false,
    };
    expected.as_str() == Some(&digits)
}

/// What differs by more than the tolerance; infinities and NaN are spelled as texts.
fn differs(expected: &Value, found: Option<Cell>, tolerance: f64) -> Option<String> {
    #[expect(clippy::cast_precision_loss, reason = "large integers are compared exactly elsewhere")]
    let number = match found {
        Some(Cell::Signed(n)) if expected.as_i64() == Some(n) => return None,
        Some(Cell::Unsigned(n)) if expected.as_u64() == Some(n) => return None,
        Some(Cell::Signed(n)) => n as f64,
        Some(Cell::Unsigned(n)) => n as f64,
        Some(Cell::Float(x)) => x,
        other => return Some(format!("{other:?} for {expected}")),
    };
    let wanted = match expected.as_str() {
        Some("NaN") => f64::NAN,
        Some("Infinity") => f64::INFINITY,
        Some("-Infinity") => f64::NEG_INFINITY,
        _ => expected.as_f64()?,
    };
    let same =
        number == wanted || (number.is_nan() && wanted.is_nan()) || (number - wanted).abs() <= tolerance;
    (!same).then(|| format!("{number:?} for {wanted:?}"))
}
