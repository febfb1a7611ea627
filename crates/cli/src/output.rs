//! Printing: results to stdout, everything else to stderr.

use std::io::Write as _;

use rangefold::storage::explain;

/// Writes text to stdout. A reader that has gone away (`rangefold info x | head`) is no error.
///
/// # Errors
///
/// Any other failure to write.
pub(crate) fn print(text: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes a line to stderr. If stderr is gone there is nobody left to tell.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Writes warnings about a variable to stderr.
pub(crate) fn warn(variable: &str, warnings: &[String]) {
    for warning in warnings {
        complain(&format!("warning: {variable}: {warning}"));
    }
}

/// Writes an error and its causes to stderr.
pub(crate) fn complain_of(error: &anyhow::Error) {
    for (depth, line) in causes(error).into_iter().enumerate() {
        let prefix = if depth == 0 { "error" } else { "  caused by" };
        complain(&format!("{prefix}: {line}"));
    }
}

/// An error and its causes, outermost first. What a store answered is told in one sentence, and ends the list: what lies
/// below it is how the answer came.
pub(crate) fn causes(error: &anyhow::Error) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for cause in error.chain() {
        let answer = cause.downcast_ref::<object_store::Error>();
        let line = answer.map_or_else(|| cause.to_string(), explain);
        // Many errors end in the text of their cause.
        if !lines.last().is_some_and(|before| before.ends_with(&line)) {
            lines.push(line);
        }
        if answer.is_some() {
            break;
        }
    }
    lines
}
