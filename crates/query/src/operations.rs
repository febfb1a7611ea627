//! Reading operations, conditions, weights and masks.

use rangefold_reduce::{ArgumentError, Condition, ConditionError, Reduction, ReductionName};
use rangefold_refs::suggestions;

use crate::select;
use crate::weight_source::WeightSource;

/// An operation, a condition or a mask that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OperationError(String);

/// An error with a message.
macro_rules! refused {
    ($($message:tt)*) => { OperationError(format!($($message)*)) };
}

/// Returns an error with a message.
macro_rules! bail {
    ($($message:tt)*) => { return Err(refused!($($message)*)) };
}

/// Reads a comma-separated list of operations; commas inside parentheses belong to an operation.
///
/// # Errors
///
/// [`OperationError`] for the first that is none, with what may have been meant.
pub fn parse(text: &str) -> Result<Vec<Reduction>, OperationError> {
    let mut depth = 0_usize;
    let items = text.split(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    items.map(|item| operation(item.trim())).collect()
}

fn operation(text: &str) -> Result<Reduction, OperationError> {
    let (name, argument) = match text.split_once('(') {
        None => (text, None),
        Some((name, rest)) => {
            let argument =
                rest.strip_suffix(')').ok_or_else(|| refused!("{text:?} lacks a closing parenthesis"))?;
            (name, Some(argument))
        }
    };
    let Some(name) = ReductionName::of(name) else { return Err(unknown(name, argument)) };
    name.with(argument).map_err(|error| match &error {
        ArgumentError::Fraction { text } => refused!("{error}{}", of_percent(text)),
        ArgumentError::Missing { .. }
        | ArgumentError::Extra { .. }
        | ArgumentError::EdgeNumber { .. }
        | ArgumentError::Edges { .. }
        | ArgumentError::Condition(_) => refused!("{error}"),
    })
}

/// What other programs have operations for and this one has none.
const NOT_THERE: [&str; 8] = ["rms", "mode", "skew", "kurtosis", "prod", "product", "cumsum", "unique"];

/// How what other programs call `word`, in lower case, is written here.
fn other_word(word: &str) -> Option<String> {
    if word == "iqr" {
        return Some("quantile(0.25),quantile(0.75)".to_owned());
    }
    let name = ReductionName::ALL.iter().find(|name| name.other_words().contains(&word))?;
    Some(name.example())
}

/// What `name` may have been meant for.
fn unknown(name: &str, argument: Option<&str>) -> OperationError {
    let lower = name.to_lowercase();
    let written = argument.map_or_else(|| name.to_owned(), |argument| format!("{name}({argument})"));
    let percent = lower
        .strip_prefix("percentile")
        .or_else(|| lower.strip_prefix("pctl"))
        .or_else(|| lower.strip_prefix('p'));
    let percent = percent.or_else(|| lower.strip_prefix('q')).and_then(|digits| {
        let digits = if digits.is_empty() { argument? } else { digits };
        digits.trim().parse::<f64>().ok().filter(|percent| (0.0..=100.0).contains(percent))
    });
    let meant = match percent {
        Some(percent) => Some(format!("quantile({})", percent / 100.0)),
        None if lower.starts_with("percentile") || lower.starts_with("pctl") => {
            Some("quantile(0.95)".to_owned())
        }
        None => other_word(&lower),
    };
    let words = || ReductionName::ALL.iter().map(|name| name.word());
    let all = || words().collect::<Vec<_>>().join(", ");
    match meant {
        None if NOT_THERE.contains(&lower.as_str()) => {
            refused!("{written:?} is not an operation; there are {}", all())
        }
        Some(meant) => refused!("{written:?} is not an operation; did you mean {meant:?}?"),
        None => {
            let near = suggestions(name, words());
            let near = if near.is_empty() { format!("; there are {}", all()) } else { near };
            refused!("{written:?} is not an operation{near}")
        }
    }
}

/// The fraction that a percentage may stand for.
fn of_percent(text: &str) -> String {
    let percent = text.trim().trim_end_matches('%').trim_end().parse::<f64>().ok();
    let percent = percent.filter(|percent| (1.0..=100.0).contains(percent));
    percent.map_or_else(String::new, |percent| format!("; did you mean {}?", percent / 100.0))
}

/// Reads a comparison with a constant: `> 273.15`, `== 0`.
///
/// # Errors
///
/// [`OperationError`] if there is no comparison, or no number after it.
pub fn condition(text: &str) -> Result<Condition, OperationError> {
    text.parse().map_err(|error: ConditionError| refused!("{error}"))
}

/// Reads `coslat` or the path of a variable.
#[must_use]
pub fn weights(text: &str) -> WeightSource {
    if text == "coslat" { WeightSource::CosLatitude } else { WeightSource::Variable(text.to_owned()) }
}

/// Reads a variable and a condition on it: `sftlf > 50`, `kind == a`, `kind != "3"`.
///
/// # Errors
///
/// [`OperationError`] if there is no variable, or no condition on it.
pub fn mask(text: &str) -> Result<WeightSource, OperationError> {
    let sign = text
        .find(['<', '>', '=', '!'])
        .ok_or_else(|| refused!("{text:?} is not a mask such as 'sftlf > 50'"))?;
    let (variable, rest) = text.split_at(sign);
    let variable = variable.trim().to_owned();
    if variable.is_empty() {
        bail!("the mask {text:?} names no variable");
    }
    let equality = [("==", true), ("!=", false)];
    let label = equality.iter().find_map(|(sign, equal)| Some((rest.strip_prefix(sign)?.trim(), *equal)));
    match label.filter(|(label, _)| !label.is_empty()) {
        Some((label, equal)) => {
            let quoted = select::unquoted(label);
            let number = if quoted.is_some() { None } else { condition(rest).ok() };
            Ok(WeightSource::Label { variable, label: quoted.unwrap_or(label).to_owned(), equal, number })
        }
        None => Ok(WeightSource::Mask { variable, condition: condition(rest)? }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_read_with_their_arguments() {
        let parsed = parse("mean, count_where(> 273.15),median,histogram(1, 2,3),quantile(0.9)").unwrap();
        let names: Vec<&str> = parsed.iter().map(Reduction::name).collect();
        assert_eq!(names, ["mean", "count_where", "median", "histogram", "quantile"]);
        assert_eq!(parsed[3], Reduction::Histogram([1.0, 2.0, 3.0].into()));
        assert_eq!(parsed[4], Reduction::Quantile(0.9));
    }

    #[test]
    fn what_is_no_operation_is_refused_with_a_hint() {
        let refused = |text| parse(text).unwrap_err().to_string();
        assert_eq!(refused("maen"), "\"maen\" is not an operation; did you mean \"mean\"?");
        assert_eq!(refused("any"), "any needs a condition: any(> 273.15)");
        assert_eq!(refused("quantile(90)"), "\"90\" is not a fraction between 0 and 1; did you mean 0.9?");
        assert_eq!(refused("mean(3)"), "mean takes no argument");
        assert_eq!(refused("average"), "\"average\" is not an operation; did you mean \"mean\"?");
        assert_eq!(refused("stddev"), "\"stddev\" is not an operation; did you mean \"std\"?");
        for (text, meant) in
            [("percentile(95)", "0.95"), ("p99", "0.99"), ("pctl(5)", "0.05"), ("percentile", "0.95")]
        {
            let message = format!("{text:?} is not an operation; did you mean \"quantile({meant})\"?");
            assert_eq!(refused(text), message);
        }
        assert!(refused("rms").ends_with("median, quantile"), "{}", refused("rms"));
        for text in ["histogram(3,2,1)", "histogram(1)", "histogram(1,1)", "histogram(0,inf)"] {
            assert!(refused(text).contains("ascending"), "{text}");
        }
        assert_eq!(refused("all(> x)"), "\"x\" in the condition \"> x\" is not a number");
        assert!(mask("sftlf").is_err() && mask("> 5").is_err());
    }
}
