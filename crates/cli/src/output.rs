//! Printing: results to stdout, everything else to stderr.

use std::io::Write as _;

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
