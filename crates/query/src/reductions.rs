//! What an answer to each reduction is called and what it is, in one place.
//!
//! Everything that depends on which reduction was asked (names, units, dates, flags, words of CF) follows from these
//! tables; a new reduction does not compile until it has its line in each.

use rangefold_cf::TimeUnits;
use rangefold_reduce::Reduction;

/// What the values of an answer are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// Values of the variable itself: its units, dates and flags hold.
    Value,
    /// Between values of the variable: its units and dates hold.
    Between,
    /// The distance between two values: the units hold; of times these are durations.
    Distance,
    /// A squared distance.
    Square,
    /// A sum of values: the units hold, but a sum of dates is none.
    Sum,
    /// Numbers of something, positions or truth values.
    Number,
}

/// What the answer to `reduction` is.
#[must_use]
pub fn answered(reduction: &Reduction) -> Answered {
    match reduction {
        Reduction::Min | Reduction::Max | Reduction::First | Reduction::Last => Answered::Value,
        Reduction::Mean | Reduction::Median | Reduction::Quantile(_) => Answered::Between,
        Reduction::Range | Reduction::Std { .. } => Answered::Distance,
        Reduction::Var { .. } => Answered::Square,
        Reduction::Sum => Answered::Sum,
        Reduction::Count
        | Reduction::ArgMin
        | Reduction::ArgMax
        | Reduction::Any(_)
        | Reduction::All(_)
        | Reduction::CountWhere(_)
        | Reduction::Histogram(_) => Answered::Number,
    }
}

/// What CF calls a reduction; some have no word there.
///
/// Spec: CF conventions 1.11, appendix E "Cell Methods".
pub(crate) fn cell_method(reduction: &Reduction) -> Option<&'static str> {
    match reduction {
        Reduction::Min => Some("minimum"),
        Reduction::Max => Some("maximum"),
        Reduction::Mean => Some("mean"),
        Reduction::Sum => Some("sum"),
        Reduction::Var { .. } => Some("variance"),
        Reduction::Std { .. } => Some("standard_deviation"),
        Reduction::Range => Some("range"),
        Reduction::Median => Some("median"),
        Reduction::Count
        | Reduction::ArgMin
        | Reduction::ArgMax
        | Reduction::First
        | Reduction::Last
        | Reduction::Any(_)
        | Reduction::All(_)
        | Reduction::CountWhere(_)
        | Reduction::Histogram(_)
        | Reduction::Quantile(_) => None,
    }
}

/// A reduction as it is asked for, quantiles with their fraction: `mean`, `quantile(0.9)`, `count_where`.
#[must_use]
pub fn name(reduction: &Reduction) -> String {
    match reduction.fraction().filter(|_| *reduction != Reduction::Median) {
        Some(fraction) => format!("{}({fraction})", reduction.name()),
        None => reduction.name().to_owned(),
    }
}

/// A reduction as it is asked for, with everything that belongs to it: `count_where(> 273.15)`.
#[must_use]
pub fn expression(reduction: &Reduction) -> String {
    match reduction {
        Reduction::Any(condition) | Reduction::All(condition) | Reduction::CountWhere(condition) => {
            format!("{}({condition})", reduction.name())
        }
        Reduction::Histogram(edges) => {
            let edges: Vec<String> = edges.iter().map(f64::to_string).collect();
            format!("{}({})", reduction.name(), edges.join(","))
        }
        Reduction::Quantile(_)
        | Reduction::Min
        | Reduction::Max
        | Reduction::Range
        | Reduction::Sum
        | Reduction::Count
        | Reduction::Mean
        | Reduction::Var { .. }
        | Reduction::Std { .. }
        | Reduction::ArgMin
        | Reduction::ArgMax
        | Reduction::First
        | Reduction::Last
        | Reduction::Median => name(reduction),
    }
}

/// The units of an answer to `reduction` of a variable in `units`, whose values are times of `time` or no times: those of the
/// values where these stay what they are. What lies between two times is a duration, `days`, and its square has `days2`.
pub(crate) fn units(reduction: &Reduction, units: Option<&str>, time: Option<&TimeUnits>) -> Option<String> {
    let own = || units.map(str::to_owned);
    match (answered(reduction), time) {
        // Dates of NumPy have their units in their type.
        (Answered::Value | Answered::Between, time) => own().or_else(|| time.map(ToString::to_string)),
        (Answered::Distance, Some(time)) => Some(time.step().to_string()),
        (Answered::Square, Some(time)) => Some(format!("{}2", time.step())),
        (Answered::Distance, None) => own(),
        (Answered::Square, None) => units.map(squared),
        (Answered::Sum, Some(_)) | (Answered::Number, _) => None,
        (Answered::Sum, None) => own(),
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
