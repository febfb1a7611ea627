//! An error with everything it stems from, for people.

use std::error::Error;

/// `error` and its sources, outermost first, joined by colons: `cannot open a.json: it is no JSON`.
///
/// The texts of errors never repeat their sources; this is the one place that puts them together.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let errors = std::iter::successors(Some(error), |&error| error.source());
    errors.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
