//! How an answer is named, and its units, from what `reduce` says of each reduction.

use rangefold_cf::TimeUnits;
pub use rangefold_reduce::{AnswerElement, AnswerUnits};
use rangefold_reduce::{Argument, Reduction};

/// A reduction as it is asked for, quantiles with their fraction: `mean`, `quantile(0.9)`, `count_where`.
#[must_use]
pub fn name(reduction: &Reduction) -> String {
    match reduction.argument() {
        Argument::Fraction(_) => reduction.to_string(),
        Argument::Nothing | Argument::Ddof(_) | Argument::Condition(_) | Argument::Edges(_) => {
            reduction.name().to_owned()
        }
    }
}

/// The units of an answer to `reduction` of a variable in `units`, whose values are times of `time` or no times: those of the
/// values where these stay what they are. What lies between two times is a duration, `days`, and its square has `days2`.
pub(crate) fn units(
    reduction: &Reduction,
    units: Option<&str>,
    time: Option<&TimeUnits>,
    along: Option<&str>,
) -> Option<String> {
    let own = || units.map(str::to_owned);
    match (reduction.units(), time) {
        // Dates of NumPy have their units in their type.
        (AnswerUnits::OfValues, time) => own().or_else(|| time.map(ToString::to_string)),
        (AnswerUnits::OfDifferences, Some(time)) => Some(time.step().to_string()),
        (AnswerUnits::Squared, Some(time)) => Some(format!("{}2", time.step())),
        (AnswerUnits::OfDifferences | AnswerUnits::OfAmounts, None) => own(),
        (AnswerUnits::PerCoordinate, Some(time)) => {
            Some(divided(&time.step().to_string(), along.unwrap_or_default()))
        }
        (AnswerUnits::PerCoordinate, None) => match (units, along) {
            (None, None) => None,
            (units, along) => Some(divided(units.unwrap_or_default(), along.unwrap_or_default())),
        },
        (AnswerUnits::Squared, None) => units.map(squared),
        (AnswerUnits::OfAmounts, Some(_)) | (AnswerUnits::Place | AnswerUnits::Nothing, _) => None,
    }
}

/// Units divided by others: `K day-1`.
fn divided(units: &str, by: &str) -> String {
    let part = |units: &str| match units.chars().all(|c| c.is_alphanumeric() || c == '_') {
        true => units.to_owned(),
        false => format!("({units})"),
    };
    match (units.trim(), by.trim()) {
        (units, "" | "1") => units.to_owned(),
        ("" | "1", by) => format!("{}-1", part(by)),
        (units, by) if units.contains('/') => format!("({units}) {}-1", part(by)),
        (units, by) => format!("{units} {}-1", part(by)),
    }
}

/// The square of units: `K2`, `(W m-2)2`.
fn squared(units: &str) -> String {
    match units.trim() {
        units @ ("" | "1") => units.to_owned(),
        units if units.chars().all(char::is_alphabetic) => format!("{units}2"),
        units => format!("({units})2"),
    }
}
