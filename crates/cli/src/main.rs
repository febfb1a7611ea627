//! The `rangefold` command.
//!
//! `args` says what may be typed, `verbs` does it, `context` reaches storage. Results go to stdout, everything else to
//! stderr; the exit code is 0 if all was done, 1 if the work failed, 2 for wrong arguments, 3 if `--strict` found that
//! something was left out.

mod args;
mod context;
mod names;
mod output;
mod progress;
mod refs_output;
mod terminal;
mod verbs;

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Parser as _;

use args::{Cli, StorageVerb, Verb};
use context::Context;

/// How a verb that did its work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// Everything was done.
    All,
    /// Something was left out, and `--strict` asked to be told by the exit code.
    Partly,
    /// Some of several pieces failed; the messages are out already.
    Failed,
}

/// An argument that says nothing, whatever the data are.
#[derive(Debug)]
pub(crate) struct WrongArguments(anyhow::Error);

impl WrongArguments {
    /// `error` as one of the arguments.
    pub(crate) fn of(error: impl Into<anyhow::Error>) -> anyhow::Error {
        Self(error.into()).into()
    }
}

impl std::fmt::Display for WrongArguments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for WrongArguments {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// How long an interrupted command may take to end by itself, leaving nothing half-written.
const INTERRUPT_GRACE: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let cli = Cli::parse();
    logs(cli.shared.verbose);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    // What computes for long does not hear of an interrupt until it waits for something: then nobody waits for it.
    runtime.spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            tokio::time::sleep(INTERRUPT_GRACE).await;
            output::complain("error: interrupted");
            std::process::exit(1);
        }
    });
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = run(cli) => ended,
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                anyhow::bail!("interrupted")
            }
        }
    });
    // Threads that still decode are not waited for.
    runtime.shutdown_background();
    match ended {
        Ok(Done::All) => ExitCode::SUCCESS,
        Ok(Done::Partly) => ExitCode::from(3),
        Ok(Done::Failed) => ExitCode::FAILURE,
        Err(error) => failed(&error),
    }
}

async fn run(cli: Cli) -> Result<Done> {
    let context = Context::new(cli.shared)?;
    match cli.verb {
        Verb::Scan(args) => verbs::scan::run(&context, &args).await,
        Verb::Info(args) => verbs::info::run(&context, &args).await,
        Verb::Reduce(args) => verbs::reduce::run(&context, &args).await,
        Verb::Merge(args) => verbs::merge::run(&context, &args).await,
        Verb::Keep(verb) => verbs::keep::run(&context, &verb).await,
        Verb::Combine(args) => verbs::combine::run(&context, &args).await,
        Verb::Get(args) => verbs::get::run(&context, &args).await,
        Verb::Check(args) => verbs::check::run(&context, &args).await,
        Verb::Convert(args) => verbs::convert::run(&context, &args).await,
        Verb::Storage(StorageVerb::Check { url }) => verbs::storage::check(&context, &url).await,
        Verb::Dump(args) => verbs::dump::run(&context, &args).await,
        Verb::Completions { shell } => verbs::completions(shell),
    }
}

/// Prints an error and its causes.
fn failed(error: &anyhow::Error) -> ExitCode {
    output::complain_of(error);
    if error.is::<WrongArguments>() { ExitCode::from(2) } else { ExitCode::FAILURE }
}

/// Logs to stderr: by `RUST_LOG` if it is set, else by the number of `-v`.
fn logs(verbose: u8) {
    let default = match verbose {
        0 => "warn",
        1 => "rangefold=info,warn",
        _ => "rangefold=debug,info",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .without_time()
        .init();
}
