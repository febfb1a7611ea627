//! `cargo xtask ci`: everything that must hold before a change is taken.

use crate::workspace::{Outcome, cargo, run};
use crate::{deny, fixtures, layers, tidy};

/// Runs every step in turn and stops at the first that fails. The tests come last, so the run ends with their summary.
///
/// # Errors
///
/// What the failing step says.
pub(crate) fn run_all() -> Outcome {
    step("cargo fmt --all --check");
    run(cargo().args(["fmt", "--all", "--check"]))?;
    step("cargo xtask layers");
    layers::check()?;
    step("cargo xtask deny");
    deny::check()?;
    step("cargo xtask tidy");
    tidy::check()?;
    step("cargo xtask fixtures --verify");
    fixtures::verify()?;
    step("cargo clippy --workspace --all-targets");
    run(cargo().args([
        "clippy",
        "--quiet",
        "--locked",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    step("cargo doc --workspace --no-deps");
    let doc = ["doc", "--quiet", "--locked", "--workspace", "--no-deps", "--document-private-items"];
    run(cargo().args(doc).env("RUSTDOCFLAGS", "-D warnings"))?;
    step("cargo test --workspace");
    run(cargo().args(["test", "--workspace"]))
}

fn step(name: &str) {
    println!("== {name}");
}
