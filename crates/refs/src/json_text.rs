//! JSON as Python writes it: read and written.
//!
//! Differs from RFC 8259 in one point: the tokens `NaN`, `Infinity` and `-Infinity` are numbers, because Python's
//! `json` and `ujson` write them into attributes. The reader is pulled by its caller member by member, so that a
//! document of a million references never exists as a tree; strings without escapes are borrowed from the text.

use std::borrow::Cow;
use std::fmt::{self, Write};

use crate::AttributeValue;

/// Deeper nesting is refused. Metadata nests some six levels; a hostile text would exhaust the stack.
const DEPTH_MAX: usize = 64;

/// A text is not JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JsonError {
    /// Where, in bytes from the start.
    pub(crate) at: usize,
    /// What was expected there.
    pub(crate) problem: &'static str,
    /// What follows there.
    pub(crate) end: End,
}

/// What follows where a text turned out not to be JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Nothing: the text has no bytes at all.
    Empty,
    /// Nothing: the text is JSON up to its end.
    CutOff {
        /// Bytes of the text.
        length: usize,
    },
    /// Something else.
    Further,
}

/// The problem of a string that the text ends in.
const OPEN_STRING: &str = "a string without an end";

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.end {
            End::Empty => f.write_str("it is empty: 0 bytes"),
            End::CutOff { length } => {
                write!(f, "cut off after {length} bytes: {} at byte {}", self.problem, self.at)
            }
            End::Further => write!(f, "{} at byte {}", self.problem, self.at),
        }
    }
}

/// What kind of value comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `{`
    Object,
    /// `[`
    List,
    /// `"`
    Text,
    /// Anything else.
    Other,
}

/// Reads a text from front to back.
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

/// Reads a whole text that holds one value.
pub(crate) fn parse(text: &str) -> Result<AttributeValue, JsonError> {
    let mut reader = Reader::new(text);
    let value = reader.value()?;
    reader.end()?;
    Ok(value)
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    fn error<T>(&self, problem: &'static str) -> Result<T, JsonError> {
        let end = match self.text.len() {
            0 => End::Empty,
            length if self.rest().trim_start().is_empty() || problem == OPEN_STRING => End::CutOff { length },
            _ => End::Further,
        };
        Err(JsonError { at: self.at, problem, end })
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn skip_space(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Takes `byte` if it comes next.
    fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        let there = self.byte() == Some(byte);
        self.at += usize::from(there);
        there
    }

    /// Checks that nothing but white space is left.
    pub(crate) fn end(&mut self) -> Result<(), JsonError> {
        self.skip_space();
        if self.at == self.text.len() { Ok(()) } else { self.error("expected the end") }
    }

    /// What kind of value comes next.
    pub(crate) fn kind(&mut self) -> Kind {
        self.skip_space();
        match self.byte() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::List,
            Some(b'"') => Kind::Text,
            _ => Kind::Other,
        }
    }

    /// Reads an object; `member` must read the value that follows each name.
    pub(crate) fn object<E: From<JsonError>>(
        &mut self,
        mut member: impl FnMut(&mut Self, Cow<'a, str>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.open(b'{', "expected an object")?;
        if !self.take(b'}') {
            loop {
                let name = self.string()?;
                if !self.take(b':') {
                    self.error("expected a colon")?;
                }
                member(self, name)?;
                if self.take(b'}') {
                    break;
                }
                if !self.take(b',') {
                    self.error("expected a comma or the end of the object")?;
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Reads a list; `element` must read each value.
    pub(crate) fn list<E: From<JsonError>>(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.open(b'[', "expected a list")?;
        if !self.take(b']') {
            loop {
                element(self)?;
                if self.take(b']') {
                    break;
                }
                if !self.take(b',') {
                    self.error("expected a comma or the end of the list")?;
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn open(&mut self, bracket: u8, problem: &'static str) -> Result<(), JsonError> {
        if !self.take(bracket) {
            return self.error(problem);
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX { self.error("nested too deeply") } else { Ok(()) }
    }

    /// Reads a string.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        if !self.take(b'"') {
            return self.error("expected a string");
        }
        let plain = self.plain_run()?;
        if self.byte() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        let mut out = plain.to_owned();
        while self.byte() == Some(b'\\') {
            self.at += 1;
            out.push(self.escape()?);
            out.push_str(self.plain_run()?);
        }
        self.at += 1;
        Ok(Cow::Owned(out))
    }

    /// Takes everything up to the next quote or backslash.
    fn plain_run(&mut self) -> Result<&'a str, JsonError> {
        let rest = self.rest();
        let length = rest.bytes().position(|b| b == b'"' || b == b'\\' || b < 0x20);
        let Some(run) = length.and_then(|length| rest.get(..length)) else {
            return self.error(OPEN_STRING);
        };
        self.at += run.len();
        if self.byte().is_some_and(|b| b < 0x20) {
            return self.error("a control character in a string");
        }
        Ok(run)
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let letter = self.byte();
        self.at += 1;
        Ok(match letter {
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'u') => {
                let first = self.code_unit()?;
                let code = if (0xd800..0xdc00).contains(&first) && self.rest().starts_with("\\u") {
                    self.at += 2;
                    let second = self.code_unit()?;
                    match second.checked_sub(0xdc00) {
                        Some(low) if low < 0x400 => 0x1_0000 + ((first - 0xd800) << 10) + low,
                        _ => return self.error("half a surrogate pair"),
                    }
                } else {
                    first
                };
                match char::from_u32(code) {
                    Some(c) => c,
                    None => return self.error("half a surrogate pair"),
                }
            }
            _ => return self.error("an unknown escape"),
        })
    }

    fn code_unit(&mut self) -> Result<u32, JsonError> {
        let digits = self.rest().get(..4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(code) => {
                self.at += 4;
                Ok(code)
            }
            None => self.error("expected four hexadecimal digits"),
        }
    }

    /// Reads any value.
    pub(crate) fn value(&mut self) -> Result<AttributeValue, JsonError> {
        match self.kind() {
            Kind::Text => Ok(AttributeValue::Text(self.string()?.into_owned())),
            Kind::List => {
                let mut items = Vec::new();
                self.list(|reader| {
                    items.push(reader.value()?);
                    Ok::<_, JsonError>(())
                })?;
                Ok(AttributeValue::List(items))
            }
            Kind::Object => {
                let mut members = Vec::new();
                self.object(|reader, name| {
                    members.push((name.into_owned(), reader.value()?));
                    Ok::<_, JsonError>(())
                })?;
                Ok(AttributeValue::Map(members))
            }
            Kind::Other => self.atom(),
        }
    }

    fn atom(&mut self) -> Result<AttributeValue, JsonError> {
        let rest = self.rest();
        let length = rest
            .bytes()
            .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.')))
            .unwrap_or(rest.len());
        let token = rest.get(..length).unwrap_or("");
        let value = match token {
            "null" => AttributeValue::Null,
            "true" => AttributeValue::Bool(true),
            "false" => AttributeValue::Bool(false),
            "NaN" => AttributeValue::Float(f64::NAN),
            "Infinity" => AttributeValue::Float(f64::INFINITY),
            "-Infinity" => AttributeValue::Float(f64::NEG_INFINITY),
            _ => match number(token) {
                Some(value) => value,
                None => return self.error("expected a value"),
            },
        };
        self.at += length;
        Ok(value)
    }
}

/// A number by JSON's grammar; integers past 128 bits are refused rather than rounded.
fn number(token: &str) -> Option<AttributeValue> {
    let unsigned = token.strip_prefix('-').unwrap_or(token);
    let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let (whole, fraction) = unsigned.split_at_checked(digits)?;
    if whole.is_empty() || (whole.len() > 1 && whole.starts_with('0')) {
        return None;
    }
    if fraction.is_empty() {
        // 18 digits fit into 64 bits, which are read much faster than 128.
        if digits <= 18 {
            return token.parse::<i64>().ok().map(|number| AttributeValue::Integer(number.into()));
        }
        return token.parse().ok().map(AttributeValue::Integer);
    }
    let decimals = fraction.strip_prefix('.');
    if decimals.is_some_and(|d| !d.starts_with(|c: char| c.is_ascii_digit())) {
        return None;
    }
    token.parse().ok().map(AttributeValue::Float)
}

/// Appends `value` in compact form.
pub(crate) fn write_value(out: &mut String, value: &AttributeValue) {
    match value {
        AttributeValue::Null => out.push_str("null"),
        AttributeValue::Bool(true) => out.push_str("true"),
        AttributeValue::Bool(false) => out.push_str("false"),
        AttributeValue::Integer(value) => write_display(out, value),
        AttributeValue::Float(value) => write_float(out, *value),
        AttributeValue::Float32(value) => write_float(out, f64::from(*value)),
        AttributeValue::Text(text) => write_text(out, text),
        AttributeValue::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_value(out, item);
            }
            out.push(']');
        }
        AttributeValue::Map(members) => {
            write_members(out, members.iter().map(|(name, value)| (name.as_str(), value)));
        }
    }
}

/// Appends an object of these members in compact form.
pub(crate) fn write_members<'m>(
    out: &mut String,
    members: impl Iterator<Item = (&'m str, &'m AttributeValue)>,
) {
    out.push('{');
    for (i, (name, value)) in members.enumerate() {
        if i > 0 {
            out.push(',');
        }
        write_text(out, name);
        out.push(':');
        write_value(out, value);
    }
    out.push('}');
}

/// Appends what `value` displays.
pub(crate) fn write_display(out: &mut String, value: impl fmt::Display) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{value}");
}

/// Appends `text` in quotes, escaped as far as JSON demands.
pub(crate) fn write_text(out: &mut String, text: &str) {
    out.push('"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 => "",
            _ => continue,
        };
        out.push_str(text.get(plain..at).unwrap_or(""));
        if escape.is_empty() {
            write_display(out, format_args!("\\u{byte:04x}"));
        } else {
            out.push_str(escape);
        }
        plain = at + 1;
    }
    out.push_str(text.get(plain..).unwrap_or(""));
    out.push('"');
}

/// Appends a number as Python's `repr` prints it: the shortest digits that read back to the same bits, always
/// recognisable as a float.
pub(crate) fn write_float(out: &mut String, value: f64) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    } else if value == 0.0 || (1e-4..1e16).contains(&value.abs()) {
        write_display(out, value);
        if value.fract() == 0.0 {
            out.push_str(".0");
        }
    } else {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |e| ('-', e));
        write_display(out, format_args!("{digits}e{sign}{exponent:0>2}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    fn written(value: &AttributeValue) -> String {
        let mut out = String::new();
        write_value(&mut out, value);
        out
    }

    fn check(text: &str, expected: Expect) {
        let outcome = match parse(text) {
            Ok(value) => written(&value),
            Err(error) => format!("error: {error}"),
        };
        expected.assert_eq(&outcome);
    }

    #[test]
    fn what_python_writes_is_read() {
        check(
            r#" {"a" : [1, -2.5, 1e20, 1e-07, NaN, -Infinity, Infinity, true, null], "b":{}} "#,
            expect![[r#"{"a":[1,-2.5,1e+20,1e-07,NaN,-Infinity,Infinity,true,null],"b":{}}"#]],
        );
        check(r#""\u00e9\ud83d\ude00\/\n\"""#, expect![[r#""é😀/\n\"""#]]);
        check("18446744073709551615", expect!["18446744073709551615"]);
        check("-0.0", expect!["-0.0"]);
        check("\"\\u0001\"", expect![[r#""\u0001""#]]);
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        check("", expect!["error: it is empty: 0 bytes"]);
        check(
            "{\"a\":1",
            expect!["error: cut off after 6 bytes: expected a comma or the end of the object at byte 6"],
        );
        check("[1,]", expect!["error: expected a value at byte 3"]);
        check("[1] x", expect!["error: expected the end at byte 4"]);
        check("\"abc", expect!["error: cut off after 4 bytes: a string without an end at byte 1"]);
        check("\"a\nb\"", expect!["error: a control character in a string at byte 2"]);
        check(r#""\ud800""#, expect!["error: half a surrogate pair at byte 7"]);
        check("01", expect!["error: expected a value at byte 0"]);
        check("1.", expect!["error: expected a value at byte 0"]);
        check("nan", expect!["error: expected a value at byte 0"]);
        check(&"[".repeat(100_000), expect!["error: nested too deeply at byte 65"]);
    }

    fn value() -> impl Strategy<Value = AttributeValue> {
        let leaf = prop_oneof![
            Just(AttributeValue::Null),
            any::<bool>().prop_map(AttributeValue::Bool),
            any::<i64>().prop_map(|i| AttributeValue::Integer(i.into())),
            any::<f64>()
                .prop_filter("NaN is not equal to itself", |f| !f.is_nan())
                .prop_map(AttributeValue::Float),
            any::<String>().prop_map(AttributeValue::Text),
        ];
        leaf.prop_recursive(3, 20, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(AttributeValue::List),
                proptest::collection::vec((any::<String>(), inner), 0..5).prop_map(AttributeValue::Map),
            ]
        })
    }

    proptest! {
        #[test]
        fn values_are_read_as_they_are_written(value in value()) {
            prop_assert_eq!(parse(&written(&value)), Ok(value));
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = parse(&text);
        }

        #[test]
        fn what_serde_json_reads_is_read_alike(text in r#"[\[\]{}",:0-9eE.+\-a\\ ]{0,12}"#) {
            let ours = parse(&text).is_ok();
            let theirs = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            // Numbers past the range of f64 are infinite to Python and an error to serde_json.
            prop_assert!(ours == theirs || (ours && text.contains(['e', 'E'])), "{} {}", ours, theirs);
        }
    }
}
