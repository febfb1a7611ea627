//! The progress bar on stderr.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::Shared;

/// A bar over `total` items, with a message before the time left, drawn only if stderr is a terminal and `--quiet` was not given.
pub(crate) fn bar(shared: &Shared, total: u64, items: &'static str) -> ProgressBar {
    if shared.quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(10));
    let template = format!("{{wide_bar}} {{human_pos}} of {{human_len}} {items}, {{msg}}{{eta}} left");
    match ProgressStyle::with_template(&template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
