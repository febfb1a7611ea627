//! Chores of the workspace: `cargo xtask <verb>`.
//!
//! Everything CI does is a verb here, so it can be run the same way at a desk. Checks print each problem on a
//! line of its own and end with status 1.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool talks through its streams"
)]

mod ci;
mod deny;
mod fixtures;
mod layers;
mod tidy;
mod workspace;

use std::process::{Command, ExitCode};

use workspace::{Outcome, cargo, run};

const USAGE: &str = "\
usage: cargo xtask <verb>

  ci                  exactly what CI runs; ends with the test suite
  layers              check the dependencies between crates
  deny                check licences, sources, versions and Rust versions of what is built in
  tidy                check file lengths, leftovers, the top level and the map of crates
  fixtures            write fixtures/ anew (needs Python 3.11 and the network)
  fixtures --verify   compare fixtures/ with its manifest
  golden [--bless]    run the tests; with --bless take what they got as expected
  fuzz --smoke        run every fuzz target for some seconds, without cargo-fuzz
  fuzz TARGET         fuzz one target of tests/fuzz (needs cargo-fuzz)
  bench [ARGS...]     run the benchmarks
  trace URL           print the requests and rounds of scanning one file";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["ci"] => ci::run_all(),
        ["layers"] => layers::check(),
        ["deny"] => deny::check(),
        ["tidy"] => tidy::check(),
        ["fixtures"] => fixtures::write(),
        ["fixtures", "--verify"] => fixtures::verify(),
        ["golden"] => run(cargo().args(["test", "--workspace"])),
        ["golden", "--bless"] => run(cargo().args(["test", "--workspace"]).env("UPDATE_EXPECT", "1")),
        ["fuzz", "--smoke"] => {
            run(cargo().args(["test", "--package", "rangefold-testkit", "--test", "fuzz_smoke"]))
        }
        ["fuzz", target] => fuzz(target),
        ["bench", rest @ ..] => run(cargo().args(["bench", "--workspace"]).args(rest)),
        ["trace", url] => trace(url),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Fuzzes one target with the stable toolchain: the sanitizer flags need `RUSTC_BOOTSTRAP`.
fn fuzz(target: &str) -> Outcome {
    run(cargo().args(["fuzz", "run", "--fuzz-dir", "tests/fuzz", target]).env("RUSTC_BOOTSTRAP", "1"))
}

/// Scans one file for its requests alone; the references are thrown away.
fn trace(url: &str) -> Outcome {
    let mut scan: Command = cargo();
    scan.args(["run", "--quiet", "--release", "--package", "rangefold-cli", "--", "scan", "--trace", url]);
    run(scan.stdout(std::process::Stdio::null()))
}
