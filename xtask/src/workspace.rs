//! Where the workspace is, what is in it, and how other programs are run.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What a verb ends with. The chores have one caller, who prints the message.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The folder that holds the root `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The cargo that runs this program, in the root of the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs a command to its end.
///
/// # Errors
///
/// If it cannot be started or does not end with status 0; the message shows the command line.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|error| format!("cannot run {}: {error}", line(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{} ended with {status}", line(command)).into()) }
}

/// Runs a command to its end and returns its standard output.
///
/// # Errors
///
/// As [`run`]; also if the output is not UTF-8.
pub(crate) fn output(command: &mut Command) -> Outcome<String> {
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot run {}: {error}", line(command)))?;
    if !output.status.success() {
        return Err(format!("{} ended with {}", line(command), output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// What `cargo metadata` says of the workspace, with every optional feature on.
///
/// # Errors
///
/// If cargo fails or its output is no JSON.
pub(crate) fn metadata() -> Outcome<Value> {
    Ok(serde_json::from_str(&output(cargo().args(["metadata", "--format-version", "1", "--all-features"]))?)?)
}

/// Every file git tracks or would track, relative to the root, in order.
///
/// # Errors
///
/// If git fails.
pub(crate) fn files() -> Outcome<Vec<String>> {
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = output(Command::new("git").args(list).current_dir(root()))?;
    let mut files: Vec<String> = listed.split_terminator('\0').map(str::to_owned).collect();
    files.sort_unstable();
    files.dedup();
    files.retain(|path| root().join(path).is_file());
    Ok(files)
}

/// Ends a check: prints each problem, fails if there is one.
///
/// # Errors
///
/// If `problems` is not empty.
pub(crate) fn report(check: &str, problems: &[String]) -> Outcome {
    for problem in problems {
        eprintln!("{check}: {problem}");
    }
    match problems.len() {
        0 => Ok(()),
        count => Err(format!("{check} found {count} problem{}", if count == 1 { "" } else { "s" }).into()),
    }
}
