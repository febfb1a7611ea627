//! `cargo xtask deny`: what the crates we build on may be.
//!
//! From `cargo metadata` alone, so that it takes a second and needs no network and no other program. Advisories are not
//! looked at: their database cannot be had everywhere the checks run.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::workspace::{Outcome, metadata, report};

/// Licences that may be built in. Each asks for no more than its text to be kept.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "bzip2-1.0.6",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "NCSA",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Where crates come from. Those of this workspace have no source.
const SOURCE: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Crates of which two versions must not be built: their types are part of what we hand out, or they carry C.
const SINGLE: &[&str] =
    &["arrow", "ndarray", "object_store", "parquet", "tokio", "zarrs", "zarrs_storage", "zstd-sys"];

/// Holds every crate of the lock file against the rules.
///
/// # Errors
///
/// If one breaks a rule, or cargo fails.
pub(crate) fn check() -> Outcome {
    let metadata = metadata()?;
    report("deny", &problems(&metadata))
}

fn problems(metadata: &Value) -> Vec<String> {
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |package: &Value, member: &str| package[member].as_str().unwrap_or_default().to_owned();
    let ours = packages.iter().find(|package| package["source"].is_null());
    let oldest = ours.map(|package| version(&text(package, "rust_version"))).unwrap_or_default();
    let mut problems = Vec::new();
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages {
        let (name, number) = (text(package, "name"), text(package, "version"));
        versions.entry(name.clone()).or_default().insert(number.clone());
        if package["source"].is_null() {
            continue;
        }
        let source = text(package, "source");
        if source != SOURCE {
            problems.push(format!("{name} {number} comes from {source}, not from crates.io"));
        }
        let licence = text(package, "license");
        if !allowed(&licence) {
            problems.push(format!("{name} {number} has the licence {licence:?}, which is not on the list"));
        }
        if version(&text(package, "rust_version")) > oldest {
            problems.push(format!(
                "{name} {number} needs Rust {}, newer than the rust-version of the workspace",
                text(package, "rust_version")
            ));
        }
    }
    for name in SINGLE {
        if let Some(numbers) = versions.get(*name).filter(|numbers| numbers.len() > 1) {
            let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
            problems.push(format!("{name} is there in the versions {}", numbers.join(" and ")));
        }
    }
    problems
}

/// Whether a licence expression can be met: `/` is an old way to write `OR`.
fn allowed(expression: &str) -> bool {
    // Brackets are left out: every `AND` must be met whatever it stands in, which asks for more rather than less.
    let words = expression.replace('/', " OR ").replace(['(', ')'], " ");
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    words.split(" AND ").all(|part| part.split(" OR ").any(|licence| LICENCES.contains(&licence)))
}

/// The three numbers of a version, 0 where they are not said.
fn version(text: &str) -> [u32; 3] {
    let mut numbers = text.split('.').map(|number| number.parse().unwrap_or(0));
    std::array::from_fn(|_| numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn licences_are_met_by_one_of_each_choice() {
        for good in [
            "MIT",
            "MIT OR Apache-2.0",
            "MIT/Apache-2.0",
            "(MIT OR GPL-3.0) AND Unicode-3.0",
            "GPL-2.0 OR Zlib",
        ] {
            assert!(allowed(good), "{good}");
        }
        for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR Apache-2.0) AND MPL-2.0"] {
            assert!(!allowed(bad), "{bad}");
        }
    }

    #[test]
    fn every_rule_is_told_by_name() {
        let package = |name: &str, number: &str, source: Value, licence: &str, rust: &str| json!({ "name": name, "version": number, "source": source, "license": licence, "rust_version": rust });
        let good = json!(SOURCE);
        let metadata = json!({ "packages": [
            package("rangefold", "0.1.0", Value::Null, "MIT", "1.92"),
            package("fine", "1.0.0", good.clone(), "MIT", "1.92.0"),
            package("newer", "1.0.0", good.clone(), "MIT", "1.93"),
            package("copyleft", "1.0.0", good.clone(), "GPL-3.0", "1.60"),
            package("elsewhere", "1.0.0", json!("git+https://example.org/x"), "MIT", "1.60"),
            package("zarrs", "0.23.0", good.clone(), "MIT", "1.60"),
            package("zarrs", "0.24.0", good, "MIT", "1.60"),
        ]});
        assert_eq!(
            problems(&metadata),
            [
                "newer 1.0.0 needs Rust 1.93, newer than the rust-version of the workspace",
                "copyleft 1.0.0 has the licence \"GPL-3.0\", which is not on the list",
                "elsewhere 1.0.0 comes from git+https://example.org/x, not from crates.io",
                "zarrs is there in the versions 0.23.0 and 0.24.0",
            ]
        );
    }
}
