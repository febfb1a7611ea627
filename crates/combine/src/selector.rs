//! Where the labels of a joined dimension come from.

use rangefold_cf::{Calendar, Date, Instant, TimeUnits};
use rangefold_refs::{AttributeValue, ManifestArray};
use regex::Regex;

use crate::content::Content;
use crate::labels::Labels;
use crate::meaning::{column, instants};
use crate::times::Spelling;

/// Where the labels of a joined dimension come from. Without a selector it is the dimension's coordinate variable, as
/// times if it has units of time.
///
/// Texts that are all whole numbers become integers, all numbers floats, all dates like `2001-01-31` times; else they
/// stay texts. What is found on an input rather than in a variable labels one position.
#[derive(Clone, Debug)]
pub enum Selector {
    /// `data:v`: the values of a variable, as they are.
    Data(String),
    /// `cf:v`: the times of a variable, by its `units` and `calendar`.
    Cf(String),
    /// `attr:a`: an attribute of the root group; each element of a list labels a position.
    Attribute(String),
    /// `vattr:v:a`: an attribute of a variable.
    VariableAttribute {
        /// The variable.
        variable: String,
        /// The attribute.
        attribute: String,
    },
    /// `regex:PATTERN`: group 1, or else all that matches, in the input's name.
    Regex(Regex),
    /// `list:FILE`: a value for each position of the dimension, in the order of the inputs; an input that lacks the
    /// dimension has one.
    List(Vec<String>),
    /// `index`: numbers of the positions, from 0, in the order of the inputs; an input that lacks the dimension has one.
    Index,
    /// `varname`: the name of the only variable that holds data.
    VariableName,
    /// `size`: the size in bytes of the only object the input refers to.
    Size,
    /// `url`: the only object the input refers to.
    Url,
    /// `name`: the input's name.
    Name,
}

/// A text is no selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no selector: {problem}")]
pub struct SelectorError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Selector {
    /// Reads a selector as it is typed; `list` gives the values in the file that a `list:` names.
    ///
    /// # Errors
    ///
    /// [`SelectorError`] if the text is none of the forms above, the pattern no regular expression, or `list` fails.
    pub fn parse(
        text: &str,
        list: impl FnOnce(&str) -> Result<Vec<String>, String>,
    ) -> Result<Self, SelectorError> {
        let error = |problem: String| SelectorError { text: text.to_owned(), problem };
        let (kind, rest) = text.split_once(':').map_or((text, None), |(kind, rest)| (kind, Some(rest)));
        let rest = rest.filter(|rest| !rest.is_empty());
        let named = |what: &str| rest.map(str::to_owned).ok_or_else(|| error(format!("{what} is missing")));
        let path = |path: String| path.trim_matches('/').to_owned();
        Ok(match (kind, rest) {
            ("data", _) => Self::Data(path(named("the variable")?)),
            ("cf", _) => Self::Cf(path(named("the variable")?)),
            ("attr", _) => Self::Attribute(named("the attribute")?),
            ("vattr", _) => {
                let rest = named("variable:attribute")?;
                let (variable, attribute) = rest
                    .split_once(':')
                    .filter(|(_, attribute)| !attribute.is_empty())
                    .ok_or_else(|| error("it is not vattr:variable:attribute".to_owned()))?;
                Self::VariableAttribute {
                    variable: path(variable.to_owned()),
                    attribute: attribute.to_owned(),
                }
            }
            ("regex", _) => {
                Self::Regex(Regex::new(&named("the pattern")?).map_err(|problem| error(problem.to_string()))?)
            }
            ("list", _) => Self::List(list(&named("the file")?).map_err(error)?),
            ("index", None) => Self::Index,
            ("varname", None) => Self::VariableName,
            ("size", None) => Self::Size,
            ("url", None) => Self::Url,
            ("name", None) => Self::Name,
            _ => {
                return Err(error(
                    "it should be data:v, cf:v, attr:a, vattr:v:a, regex:PATTERN, list:FILE, index, varname, size, \
                     url or name"
                        .to_owned(),
                ));
            }
        })
    }
}

/// How the values of a variable become labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Times if the units are units of time.
    Auto,
    /// As they are.
    Data,
    /// Times.
    Cf,
}

/// The values of a variable as labels, or why they are none.
pub(crate) fn labels_of(
    array: &ManifestArray,
    content: &Content,
    reading: Reading,
) -> Result<Labels, String> {
    let units = Spelling::of(array, None);
    let found = column(array, content)?;
    if let Some(position) = found.valid.iter().position(|valid| !valid) {
        return Err(format!("its value at position {position} is marked as missing"));
    }
    match (reading, units) {
        (Reading::Cf, None) => Err("it has no units of time".to_owned()),
        (Reading::Auto | Reading::Cf, Some(spelling)) => {
            let units = spelling?.units;
            let instants = instants(&units, &found)?;
            Ok(Labels::Times { instants: instants.into_iter().flatten().collect(), units })
        }
        _ => Labels::of_values(found.values)
            .ok_or_else(|| format!("its values of type {} cannot be labels here", array.meta.data_type)),
    }
}

/// A label that is found on an input, before it is known what the other inputs have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found {
    Integer(i128),
    Float(f64),
    Text(String),
}

impl Found {
    /// The labels that an attribute holds.
    pub(crate) fn in_attribute(value: &AttributeValue) -> Option<Vec<Self>> {
        let one = |value: &AttributeValue| match value {
            AttributeValue::Integer(value) => Some(Self::Integer(*value)),
            AttributeValue::Float(value) => Some(Self::Float(*value)),
            AttributeValue::Text(text) => Some(Self::Text(text.clone())),
            _ => None,
        };
        value.elements().iter().map(one).collect()
    }

    fn integer(&self) -> Option<i128> {
        match self {
            Self::Integer(value) => Some(*value),
            Self::Float(_) => None,
            Self::Text(text) => text.parse().ok(),
        }
    }

    fn float(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "checked by going back")]
            Self::Integer(value) => {
                Some(*value as f64).filter(|float| format!("{float}") == value.to_string())
            }
            Self::Float(value) => Some(*value),
            // "nan" and "inf" are names.
            Self::Text(text) => text.parse().ok().filter(|value: &f64| value.is_finite()),
        }
    }

    fn instant(&self) -> Option<Instant> {
        let Self::Text(text) = self else { return None };
        let year = text.split('-').next().filter(|year| year.len() == 4)?;
        if !year.bytes().all(|b| b.is_ascii_digit()) || text.len() == 4 {
            return None;
        }
        let (date, zone) = Date::parse(text).ok()?;
        let instant = date.instant(Calendar::ProlepticGregorian).ok()?;
        Some(Instant(instant.0 - i128::from(zone) * 60_000_000_000))
    }

    fn text(&self) -> String {
        match self {
            Self::Integer(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// Units of dates found in texts: fixed, so that the same dates give the same numbers in any company.
const DATE_UNITS: &str = "seconds since 1970-01-01";

/// Labels of one kind for all inputs: the first of integers, floats, times and texts that all of them can be.
pub(crate) fn typed(found: &[Vec<Found>]) -> Vec<Labels> {
    fn all<T>(found: &[Vec<Found>], one: impl Fn(&Found) -> Option<T>) -> Option<Vec<Vec<T>>> {
        found.iter().map(|labels| labels.iter().map(&one).collect()).collect()
    }
    if let Some(integers) = all(found, Found::integer) {
        return integers.into_iter().map(Labels::Integers).collect();
    }
    if let Some(floats) = all(found, Found::float) {
        return floats.into_iter().map(Labels::Floats).collect();
    }
    if let (Some(times), Ok(units)) =
        (all(found, Found::instant), TimeUnits::parse(DATE_UNITS, Some("proleptic_gregorian")))
    {
        return times.into_iter().map(|instants| Labels::Times { instants, units }).collect();
    }
    found.iter().map(|labels| Labels::Texts(labels.iter().map(Found::text).collect())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Selector, SelectorError> {
        Selector::parse(text, |file| match file {
            "a.txt" => Ok(vec!["x".to_owned(), "y".to_owned()]),
            _ => Err(format!("there is no {file}")),
        })
    }

    #[test]
    fn selectors_are_read_as_they_are_typed() {
        let said = |text: &str| format!("{:?}", parse(text).unwrap());
        assert_eq!(said("data:time"), r#"Data("time")"#);
        assert_eq!(said("cf:/G/time"), r#"Cf("G/time")"#);
        assert_eq!(said("attr:a:b"), r#"Attribute("a:b")"#);
        assert_eq!(said("vattr:v:a"), r#"VariableAttribute { variable: "v", attribute: "a" }"#);
        assert_eq!(said(r"regex:(\d{4}):x"), r#"Regex(Regex("(\\d{4}):x"))"#);
        assert_eq!(said("list:a.txt"), r#"List(["x", "y"])"#);
        for (text, expected) in
            [("index", "Index"), ("varname", "VariableName"), ("size", "Size"), ("url", "Url")]
        {
            assert_eq!(said(text), expected);
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_reason() {
        let problem = |text: &str| parse(text).unwrap_err().problem;
        assert_eq!(problem("data:"), "the variable is missing");
        assert_eq!(problem("vattr:v"), "it is not vattr:variable:attribute");
        assert_eq!(problem("list:b.txt"), "there is no b.txt");
        assert!(problem("regex:(").contains("unclosed group"));
        for text in ["INDEX", "2001", "index:1", ""] {
            assert!(problem(text).starts_with("it should be data:v"), "{text}");
        }
    }

    #[test]
    fn texts_become_numbers_or_dates_only_all_together() {
        let texts = |texts: &[&str]| -> Vec<Vec<Found>> {
            texts.iter().map(|text| vec![Found::Text((*text).to_owned())]).collect()
        };
        let kinds = |found: &[&str]| typed(&texts(found)).first().unwrap().kind();
        assert_eq!(kinds(&["2001", "007"]), "integers");
        assert_eq!(kinds(&["1", "2.5"]), "floats");
        assert_eq!(kinds(&["2001-01-31", "2001-02-28T12:00"]), "times in the proleptic_gregorian calendar");
        assert_eq!(kinds(&["2001-01-31", "r1"]), "texts");
        assert_eq!(kinds(&["1-2"]), "texts");
        let times = typed(&texts(&["1970-01-02"]));
        assert_eq!(times.first().unwrap().printed(0), "1970-01-02T00:00:00");
    }
}
