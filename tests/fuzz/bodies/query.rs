//! The words of a question: reading them may fail, but must not panic.
//!
//! The first byte says what they are: a selection, reductions, a period, windows or a question as JSON.

use rangefold_query::{Period, Rolling, Words, operations, select};

pub(crate) fn run(bytes: &[u8]) {
    let Some((what, words)) = bytes.split_first() else { return };
    let Ok(words) = std::str::from_utf8(words) else { return };
    match what % 5 {
        0 => drop(select::parse(words)),
        1 => drop(operations::parse(words)),
        2 => drop(Period::parse(words)),
        3 => drop(Rolling::parse(words)),
        _ => drop(Words::from_json(words).map(|words| words.query())),
    }
}
