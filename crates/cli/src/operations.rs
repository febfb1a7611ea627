//! Reading operations, conditions, weights and masks.

use anyhow::{Result, anyhow, bail};
use rangefold::active::WeightSource;
use rangefold::reduce::{Comparison, Condition, Number, Reduction};

use crate::names;

/// What `--op` takes without an argument, and with one.
const OPERATIONS: [&str; 18] = [
    "min",
    "max",
    "range",
    "sum",
    "count",
    "mean",
    "var",
    "std",
    "argmin",
    "argmax",
    "first",
    "last",
    "any",
    "all",
    "count_where",
    "histogram",
    "median",
    "quantile",
];

/// Reads a comma-separated list of operations; commas inside parentheses belong to an operation.
pub(crate) fn parse(text: &str) -> Result<Vec<Reduction>> {
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

fn operation(text: &str) -> Result<Reduction> {
    let (name, argument) = match text.split_once('(') {
        None => (text, None),
        Some((name, rest)) => {
            let argument =
                rest.strip_suffix(')').ok_or_else(|| anyhow!("{text:?} lacks a closing parenthesis"))?;
            (name, Some(argument))
        }
    };
    match (name, argument) {
        ("any", Some(argument)) => Ok(Reduction::Any(condition(argument)?)),
        ("all", Some(argument)) => Ok(Reduction::All(condition(argument)?)),
        ("count_where", Some(argument)) => Ok(Reduction::CountWhere(condition(argument)?)),
        ("quantile", Some(argument)) => {
            let fraction = argument.trim().parse::<f64>().ok().filter(|q| (0.0..=1.0).contains(q));
            let fraction = fraction.ok_or_else(|| anyhow!("{argument:?} is no fraction between 0 and 1"))?;
            Ok(Reduction::Quantile(fraction))
        }
        ("histogram", Some(argument)) => {
            let edges = argument.split(',').map(|edge| edge.trim().parse::<f64>());
            let edges: Vec<f64> =
                edges.collect::<Result<_, _>>().map_err(|_| anyhow!("{text:?}: edges are numbers"))?;
            Ok(Reduction::Histogram(edges.into()))
        }
        ("any" | "all" | "count_where", None) => bail!("{name} needs a condition: {name}(> 273.15)"),
        ("quantile", None) => bail!("quantile needs a fraction: quantile(0.9)"),
        ("histogram", None) => bail!("histogram needs edges: histogram(250,260,270)"),
        (_, Some(_)) => bail!("{name} takes no argument"),
        (_, None) => Reduction::from_name(name).ok_or_else(|| {
            let near = names::suggestions(name, OPERATIONS.into_iter());
            anyhow!("{name:?} is not an operation{near}")
        }),
    }
}

/// Reads a comparison with a constant: `> 273.15`, `== 0`.
pub(crate) fn condition(text: &str) -> Result<Condition> {
    let text = text.trim();
    const COMPARISONS: [(&str, Comparison); 6] = [
        ("<=", Comparison::LessOrEqual),
        (">=", Comparison::GreaterOrEqual),
        ("==", Comparison::Equal),
        ("!=", Comparison::NotEqual),
        ("<", Comparison::Less),
        (">", Comparison::Greater),
    ];
    let found = COMPARISONS
        .iter()
        .find_map(|(sign, comparison)| Some((*comparison, text.strip_prefix(sign)?.trim())));
    let (comparison, constant) =
        found.ok_or_else(|| anyhow!("{text:?} is not a condition such as '> 273.15'"))?;
    let threshold = match constant.parse::<i128>() {
        Ok(integer) => Number::Integer(integer),
        Err(_) => match constant.parse::<f64>() {
            Ok(float) if !float.is_nan() => Number::Float(float),
            _ => bail!("{constant:?} in the condition {text:?} is not a number"),
        },
    };
    Ok(Condition { comparison, threshold })
}

/// Reads `coslat` or the path of a variable.
pub(crate) fn weights(text: &str) -> WeightSource {
    if text == "coslat" { WeightSource::CosLatitude } else { WeightSource::Variable(text.to_owned()) }
}

/// Reads a variable and a condition on it: `sftlf > 50`.
pub(crate) fn mask(text: &str) -> Result<WeightSource> {
    let sign = text
        .find(['<', '>', '=', '!'])
        .ok_or_else(|| anyhow!("{text:?} is not a mask such as 'sftlf > 50'"))?;
    let (variable, rest) = text.split_at(sign);
    let condition = condition(rest)?;
    let variable = variable.trim().to_owned();
    if variable.is_empty() {
        bail!("the mask {text:?} names no variable");
    }
    Ok(WeightSource::Mask { variable, condition })
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
        assert_eq!(refused("quantile(90)"), "\"90\" is no fraction between 0 and 1");
        assert_eq!(refused("mean(3)"), "mean takes no argument");
        assert_eq!(refused("all(> x)"), "\"x\" in the condition \"> x\" is not a number");
        assert!(mask("sftlf").is_err() && mask("> 5").is_err());
    }
}
