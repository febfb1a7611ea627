//! What the terminal can show.

use std::io::IsTerminal as _;

use rangefold::output::Terminal;

/// The terminal that stdout is; 80 columns, 24 lines and no colour where it is none.
pub(crate) fn of_stdout() -> Terminal {
    let is_terminal = std::io::stdout().is_terminal();
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = variable("LC_ALL").or_else(|| variable("LC_CTYPE")).or_else(|| variable("LANG"));
    let locale = locale.unwrap_or_default().to_ascii_lowercase();
    let size = terminal_size::terminal_size().filter(|_| is_terminal);
    let (width, height) = size.map_or((80, 24), |(w, h)| (usize::from(w.0), usize::from(h.0)));
    let true_colour =
        variable("COLORTERM").is_some_and(|value| value.contains("truecolor") || value.contains("24bit"));
    Terminal {
        width,
        height,
        unicode: locale.contains("utf-8") || locale.contains("utf8"),
        colour: is_terminal && true_colour && variable("NO_COLOR").is_none(),
    }
}
