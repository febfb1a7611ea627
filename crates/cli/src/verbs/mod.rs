//! One module a verb.

pub(crate) mod check;
pub(crate) mod combine;
pub(crate) mod convert;
pub(crate) mod dump;
pub(crate) mod get;
pub(crate) mod info;
pub(crate) mod keep;
pub(crate) mod merge;
pub(crate) mod reduce;
pub(crate) mod scan;
pub(crate) mod storage;

use anyhow::Result;
use clap::CommandFactory as _;

use crate::{Done, args::Cli, output};

/// `rangefold completions`: a script for a shell.
pub(crate) fn completions(shell: clap_complete::Shell) -> Result<Done> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "rangefold", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(Done::All)
}
