//! Where the labels of a joined dimension come from.

use regex::Regex;

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
}
