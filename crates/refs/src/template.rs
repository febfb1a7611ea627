//! Templates and generators of kerchunk JSON version 1.
//!
//! ```json
//! {"templates":{"u":"s3://bucket","f":"{{c}}.nc"},
//!  "gen":[{"key":"tas/{{i}}.0","url":"{{u}}/{{f(c='a')}}","offset":"{{(i + 1) * 1000}}","length":"1000",
//!          "dimensions":{"i":{"start":0,"stop":5,"step":1}}}]}
//! ```
//! Between `{{` and `}}` stands an expression: names, integers, floats, texts in quotes, `+ - * / // %`, brackets, and
//! calls of templates that themselves hold expressions, with named arguments. They mean what they mean in Python. All
//! other Jinja (filters, statements, comments, undefined names) is refused rather than guessed at.
//!
//! Spec: <https://fsspec.github.io/kerchunk/spec.html>, "Version 1".

use std::sync::Arc;

use rangefold_array::ByteRange;

use crate::AttributeValue::{self, Integer, List, Map, Null, Text};
use crate::json_text::write_float;
use crate::{Reference, RefsError};

/// More generated references in one document are refused; a text of a hundred bytes can ask for any number.
const GENERATED_MAX: usize = 1_000_000;
/// More bytes of generated keys and URLs in one document are refused.
const GENERATED_BYTES_MAX: usize = 1 << 27;
/// Longer rendered texts are refused.
const TEXT_LEN_MAX: usize = 1 << 14;
/// Deeper brackets are refused.
const BRACKETS_MAX: usize = 16;

/// The templates of a document, in the order they were written.
#[derive(Debug, Default)]
pub(crate) struct Templates(Vec<(String, String)>);

/// What an expression yields.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Integer(i64),
    Float(f64),
    Text(String),
}

impl Templates {
    pub(crate) fn from_value(value: &AttributeValue) -> Result<Self, RefsError> {
        let wrong = || RefsError::key("templates", "is not an object of texts");
        let Map(members) = value else { return Err(wrong()) };
        let template = |(name, body): &(String, AttributeValue)| {
            Ok((name.clone(), body.as_text().ok_or_else(wrong)?.to_owned()))
        };
        members.iter().map(template).collect::<Result<_, _>>().map(Self)
    }

    /// Applies the templates to a URL of `refs`; without templates it is taken as it stands, as fsspec does.
    pub(crate) fn url(&self, url: &str) -> Result<String, String> {
        if self.0.is_empty() || !url.contains("{{") {
            return Ok(url.to_owned());
        }
        render(url, &Scope { templates: &self.0, variables: &[] })
    }

    /// Expands the generators.
    pub(crate) fn generate(
        &self,
        generators: &AttributeValue,
    ) -> Result<Vec<(String, Reference)>, RefsError> {
        let generators = match generators {
            Null => return Ok(Vec::new()),
            List(generators) => generators,
            _ => return Err(RefsError::key("gen", "is not a list")),
        };
        let mut out = Vec::new();
        let mut bytes = 0_usize;
        for (place, generator) in generators.iter().enumerate() {
            let error = |problem: String| RefsError::key(format!("gen[{place}]"), problem);
            let dimensions =
                generator.get("dimensions").ok_or_else(|| error("has no dimensions".to_owned()))?;
            let dimensions = read_dimensions(dimensions).map_err(error)?;
            let count = dimensions.iter().try_fold(1_usize, |n, (_, values)| n.checked_mul(values.len()));
            if count.and_then(|count| count.checked_add(out.len())).is_none_or(|n| n > GENERATED_MAX) {
                return Err(RefsError::Limit {
                    what: "the number of generated references",
                    limit: GENERATED_MAX as u64,
                });
            }
            for_each_combination(&dimensions, |variables| {
                let scope = Scope { templates: &self.0, variables };
                let (key, reference) = generate_one(generator, &scope).map_err(error)?;
                bytes = bytes.saturating_add(key.len()).saturating_add(url_of(&reference).len());
                if bytes > GENERATED_BYTES_MAX {
                    return Err(RefsError::Limit {
                        what: "the length of generated references",
                        limit: GENERATED_BYTES_MAX as u64,
                    });
                }
                out.push((key, reference));
                Ok(())
            })?;
        }
        Ok(out)
    }
}

fn url_of(reference: &Reference) -> &str {
    match reference {
        Reference::Inline(_) => "",
        Reference::Whole { url } | Reference::Range { url, .. } => url,
    }
}

fn generate_one(generator: &AttributeValue, scope: &Scope<'_>) -> Result<(String, Reference), String> {
    let member = |name: &str| match generator.get(name) {
        None => Ok(None),
        Some(Text(text)) => render(text, scope).map(Some),
        Some(Integer(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(format!("{name:?} is neither a text nor a number")),
    };
    let number = |name: &str, text: String| {
        text.trim().parse::<u64>().map_err(|_| format!("{name:?} is {text:?}, which is no number of bytes"))
    };
    let key = member("key")?.ok_or("has no key")?;
    let url: Arc<str> = member("url")?.ok_or("has no url")?.into();
    let reference = match (member("offset")?, member("length")?) {
        (None, None) => Reference::Whole { url },
        (Some(offset), Some(length)) => {
            let (offset, length) = (number("offset", offset)?, number("length", length)?);
            let range = ByteRange::new(offset, length).ok_or("the range ends past 64 bits")?;
            Reference::Range { url, range }
        }
        _ => return Err("has only one of offset and length".to_owned()),
    };
    Ok((key, reference))
}

type Dimensions = Vec<(String, Vec<Value>)>;

fn read_dimensions(value: &AttributeValue) -> Result<Dimensions, String> {
    let Map(members) = value else { return Err("\"dimensions\" is not an object".to_owned()) };
    members.iter().map(|(name, values)| Ok((name.clone(), dimension(name, values)?))).collect()
}

fn dimension(name: &str, value: &AttributeValue) -> Result<Vec<Value>, String> {
    if let List(items) = value {
        let item = |item: &AttributeValue| match item {
            Integer(number) => i64::try_from(*number).ok().map(Value::Integer),
            AttributeValue::Float(number) => Some(Value::Float(*number)),
            AttributeValue::Float32(number) => Some(Value::Float((*number).into())),
            Text(text) => Some(Value::Text(text.clone())),
            _ => None,
        };
        let items = items.iter().map(item).collect::<Option<_>>();
        return items
            .ok_or_else(|| format!("dimension {name:?} has a value that is neither number nor text"));
    }
    let bound = |member: &str, default: Option<i64>| match value.get(member) {
        None => default,
        Some(number) => number.as_integer().and_then(|n| i64::try_from(n).ok()),
    };
    let (start, stop, step) = (bound("start", Some(0)), bound("stop", None), bound("step", Some(1)));
    let (Some(start), Some(stop), Some(step @ 1..)) = (start, stop, step) else {
        return Err(format!("dimension {name:?} is neither a list nor start, stop and a step of 1 or more"));
    };
    let mut values = Vec::new();
    let mut next = Some(start);
    while let Some(number) = next.filter(|&number| number < stop) {
        if values.len() >= GENERATED_MAX {
            return Err(format!("dimension {name:?} has more than {GENERATED_MAX} values"));
        }
        values.push(Value::Integer(number));
        next = number.checked_add(step);
    }
    Ok(values)
}

/// Calls `each` with every combination of the dimensions' values, the last dimension fastest.
fn for_each_combination(
    dimensions: &[(String, Vec<Value>)],
    mut each: impl FnMut(&[(&str, Value)]) -> Result<(), RefsError>,
) -> Result<(), RefsError> {
    let count = dimensions.iter().map(|(_, values)| values.len()).product();
    for number in 0..count {
        let mut rest = number;
        let mut variables = Vec::with_capacity(dimensions.len());
        for (name, values) in dimensions.iter().rev() {
            if let Some(value) = values.get(rest % values.len()) {
                variables.push((name.as_str(), value.clone()));
            }
            rest /= values.len();
        }
        each(&variables)?;
    }
    Ok(())
}

/// What names mean. Variables come before templates.
struct Scope<'a> {
    templates: &'a [(String, String)],
    variables: &'a [(&'a str, Value)],
}

/// Replaces every `{{expression}}` of `text`.
fn render(text: &str, scope: &Scope<'_>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (expression, after) =
            after.split_once("}}").ok_or_else(|| format!("\"{{{{\" is never closed in {text:?}"))?;
        out.push_str(before);
        let mut parser = Parser { rest: expression, scope, brackets: 0 };
        let value = parser.sum().and_then(|value| parser.end().map(|()| value));
        let value = value.map_err(|problem| format!("{problem} in \"{{{{{expression}}}}}\""))?;
        out.push_str(&value.into_text()?);
        rest = after;
        if out.len() > TEXT_LEN_MAX {
            return Err(format!("a rendered text is longer than {TEXT_LEN_MAX} bytes"));
        }
    }
    out.push_str(rest);
    for statement in ["{%", "{#"] {
        if text.contains(statement) {
            return Err(format!("Jinja's {statement:?} in {text:?} is not supported"));
        }
    }
    Ok(out)
}

impl Value {
    /// As Python prints it.
    fn into_text(self) -> Result<String, String> {
        match self {
            Self::Integer(number) => Ok(number.to_string()),
            Self::Text(text) => Ok(text),
            Self::Float(number) if number.is_finite() => {
                let mut text = String::new();
                write_float(&mut text, number);
                Ok(text)
            }
            Self::Float(_) => Err("a number that is not finite".to_owned()),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "Python's true division rounds alike")]
    fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Text(_) => None,
        }
    }
}

/// Evaluates an expression while reading it.
struct Parser<'a> {
    rest: &'a str,
    scope: &'a Scope<'a>,
    brackets: usize,
}

impl<'a> Parser<'a> {
    fn take(&mut self, token: &str) -> bool {
        match self.rest.trim_start().strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn end(&self) -> Result<(), String> {
        match self.rest.trim() {
            "" => Ok(()),
            rest if rest.starts_with('|') => Err(format!("the filter {rest:?} is not supported")),
            rest => Err(format!("{rest:?} is not supported")),
        }
    }

    fn sum(&mut self) -> Result<Value, String> {
        let mut value = self.product()?;
        loop {
            let operator = if self.take("+") {
                '+'
            } else if self.take("-") {
                '-'
            } else {
                return Ok(value);
            };
            value = apply(operator, &value, &self.product()?)?;
        }
    }

    fn product(&mut self) -> Result<Value, String> {
        let mut value = self.atom()?;
        loop {
            let operator = if self.take("**") {
                return Err("\"**\" is not supported".to_owned());
            } else if self.take("*") {
                '*'
            } else if self.take("//") {
                'f'
            } else if self.take("/") {
                '/'
            } else if self.take("%") {
                '%'
            } else {
                return Ok(value);
            };
            value = apply(operator, &value, &self.atom()?)?;
        }
    }

    fn atom(&mut self) -> Result<Value, String> {
        if self.take("-") {
            self.deeper()?;
            let value = self.atom()?;
            self.brackets -= 1;
            return apply('-', &Value::Integer(0), &value);
        }
        if self.take("(") {
            self.deeper()?;
            let value = self.sum()?;
            self.brackets -= 1;
            return if self.take(")") { Ok(value) } else { Err("a bracket is not closed".to_owned()) };
        }
        let rest = self.rest.trim_start();
        if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '\'' | '"')) {
            let (text, after) =
                rest.get(1..).and_then(|r| r.split_once(quote)).ok_or("a text without an end")?;
            if text.contains('\\') {
                return Err("a backslash in a text is not supported".to_owned());
            }
            self.rest = after;
            return Ok(Value::Text(text.to_owned()));
        }
        let end =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        self.rest = after;
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            let integer = word.parse().map(Value::Integer);
            return integer
                .or_else(|_| word.parse().map(Value::Float))
                .map_err(|_| format!("{word:?} is not a number"));
        }
        if word.is_empty() {
            return Err("a value is missing".to_owned());
        }
        if self.take("(") { self.call(word) } else { self.name(word) }
    }

    fn deeper(&mut self) -> Result<(), String> {
        self.brackets += 1;
        if self.brackets > BRACKETS_MAX { Err("brackets are nested too deeply".to_owned()) } else { Ok(()) }
    }

    fn name(&self, name: &str) -> Result<Value, String> {
        if let Some((_, value)) = self.scope.variables.iter().find(|(n, _)| *n == name) {
            return Ok(value.clone());
        }
        match self.scope.templates.iter().find(|(n, _)| n == name) {
            None => Err(format!("{name:?} is not defined")),
            Some((_, body)) if body.contains("{{") => Err(format!("{name:?} must be called")),
            Some((_, body)) => Ok(Value::Text(body.clone())),
        }
    }

    /// Reads the named arguments of a call and renders the template with them alone.
    fn call(&mut self, name: &str) -> Result<Value, String> {
        let Some((_, body)) = self.scope.templates.iter().find(|(n, b)| n == name && b.contains("{{")) else {
            return Err(format!("{name:?} is not a template with arguments"));
        };
        self.deeper()?;
        let mut arguments: Vec<(&'a str, Value)> = Vec::new();
        while !self.take(")") {
            if !arguments.is_empty() && !self.take(",") {
                return Err("a comma is missing between arguments".to_owned());
            }
            let (argument, after) = self.rest.split_once('=').ok_or("arguments must be named")?;
            self.rest = after;
            arguments.push((argument.trim(), self.sum()?));
        }
        self.brackets -= 1;
        render(body, &Scope { templates: &[], variables: &arguments }).map(Value::Text)
    }
}

/// `f` stands for floor division.
fn apply(operator: char, left: &Value, right: &Value) -> Result<Value, String> {
    let number = match (operator, left, right) {
        ('+', Value::Text(a), Value::Text(b)) => return Ok(Value::Text(format!("{a}{b}"))),
        (_, Value::Integer(a), Value::Integer(b)) if operator != '/' => match operator {
            '+' => a.checked_add(*b),
            '-' => a.checked_sub(*b),
            '*' => a.checked_mul(*b),
            'f' => floor_division(*a, *b).map(|(quotient, _)| quotient),
            _ => floor_division(*a, *b).map(|(_, remainder)| remainder),
        }
        .map(Value::Integer),
        _ => match (left.as_f64(), right.as_f64(), operator) {
            (Some(a), Some(b), '+') => Some(a + b),
            (Some(a), Some(b), '-') => Some(a - b),
            (Some(a), Some(b), '*') => Some(a * b),
            (Some(a), Some(b), '/') => Some(a / b),
            _ => None,
        }
        .filter(|number| number.is_finite())
        .map(Value::Float),
    };
    number.ok_or_else(|| "an operation that cannot be done on these values".to_owned())
}

/// Quotient and remainder rounded towards minus infinity, as Python does.
fn floor_division(a: i64, b: i64) -> Option<(i64, i64)> {
    let (quotient, remainder) = (a.checked_div(b)?, a.checked_rem(b)?);
    if remainder != 0 && (remainder < 0) != (b < 0) {
        Some((quotient - 1, remainder + b))
    } else {
        Some((quotient, remainder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(url: &str, expected: Expect) {
        let templates = Templates(vec![
            ("u".to_owned(), "s3://b".to_owned()),
            ("f".to_owned(), "{{c}}.nc".to_owned()),
            ("i".to_owned(), "7".to_owned()),
        ]);
        let outcome = templates.url(url).unwrap_or_else(|problem| format!("error: {problem}"));
        expected.assert_eq(&outcome);
    }

    #[test]
    fn expressions_mean_what_they_mean_in_python() {
        check("{{u}}/a/{{ u }}", expect!["s3://b/a/s3://b"]);
        check("{{u}}/{{f(c='x')}}", expect!["s3://b/x.nc"]);
        check("{{ f( c = 'x' + f(c=\"y\") ) }}", expect!["xy.nc.nc"]);
        check("{{1 + 2 * (3 - 1)}} {{-7 // 2}} {{-7 % 3}} {{7 % -3}}", expect!["5 -4 2 -2"]);
        check("{{3 / 2}} {{4 / 2}} {{0.5 * 4}}", expect!["1.5 2.0 2.0"]);
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        check("{{v}}", expect![[r#"error: "v" is not defined in "{{v}}""#]]);
        check("{{f}}", expect![[r#"error: "f" must be called in "{{f}}""#]]);
        check("{{u|upper}}", expect![[r#"error: the filter "|upper" is not supported in "{{u|upper}}""#]]);
        check("{{ 2 ** 3 }}", expect![[r#"error: "**" is not supported in "{{ 2 ** 3 }}""#]]);
        check("{{u", expect![[r#"error: "{{" is never closed in "{{u""#]]);
        check(
            "{% if u %}{{u}}{% endif %}",
            expect![[r##"error: Jinja's "{%" in "{% if u %}{{u}}{% endif %}" is not supported"##]],
        );
        check(
            "{{1 // 0}}",
            expect![[r#"error: an operation that cannot be done on these values in "{{1 // 0}}""#]],
        );
        check(
            "{{9223372036854775807 + 1}}",
            expect![[
                r#"error: an operation that cannot be done on these values in "{{9223372036854775807 + 1}}""#
            ]],
        );
        check("{{}}", expect![[r#"error: a value is missing in "{{}}""#]]);
        let deep = format!("{{{{{}1{}}}}}", "(".repeat(40), ")".repeat(40));
        assert!(Templates(vec![(String::new(), String::new())]).url(&deep).is_err());
    }
}
