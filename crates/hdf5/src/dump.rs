//! Every structure of a file with its address and fields, for people who debug files.
//!
//! ```text
//!            0   superblock
//!                version: 0, sizes: 8/8, group leaf k: 4, group internal k: 16, …
//!           96   object header: Prefix
//!                version: V1, len: 16, messages len: 24
//! ```
//! Addresses are absolute and decimal, a range is `offset+length`, and what the file leaves out is `none`.

use std::fmt;

use crate::model::File;

/// Columns of a line of fields, if they can be broken into lines at all.
const WIDTH: usize = 100;

/// Bytes and text longer than this are cut off.
const TEXT_LEN_MAX: usize = 64;

/// Spaces before fields: as many as the address takes.
const MARGIN: usize = 15;

/// A structure that was parsed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Structure {
    /// Absolute address.
    pub address: u64,
    /// Name in the specification, in lower case.
    pub name: &'static str,
    /// Its fields, as `Debug` prints them.
    pub fields: String,
}

/// Prints the structures of a file that was read with [`Options::dump`](crate::Options::dump), by address, then what
/// could not be read.
#[derive(Clone, Copy, Debug)]
pub struct Dump<'a>(pub &'a File);

impl fmt::Display for Dump<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let File { superblock, size, structures, errors, .. } = self.0;
        writeln!(f, "file of {size} bytes, superblock version {}", superblock.version)?;
        for Structure { address, name, fields } in structures {
            let item = Item::parse(fields);
            match item.kind(name) {
                Some(kind) => writeln!(f, "{address:>12}   {name}: {kind}")?,
                None => writeln!(f, "{address:>12}   {name}")?,
            }
            item.write_lines(f, MARGIN)?;
        }
        for error in errors {
            writeln!(f, "error: {error}")?;
        }
        Ok(())
    }
}

/// A value, or a field and its value.
enum Item {
    /// Text that is not broken into lines.
    Plain(String),
    /// What is before a bracket, the bracket, what is between it and its partner, and that one.
    Group { name: String, open: char, items: Vec<Item>, close: char },
}

impl Item {
    /// Takes apart what `Debug` prints on one line.
    fn parse(text: &str) -> Self {
        let mut rest = text;
        let mut items = items(&mut rest);
        match items.pop() {
            Some(only) if items.is_empty() => only,
            Some(last) => {
                items.push(last);
                Self::Group { name: String::new(), open: '(', items, close: ')' }
            }
            None => Self::Plain(String::new()),
        }
    }

    /// The value on one line.
    fn inline(&self) -> String {
        match self {
            Self::Plain(text) => text.clone(),
            Self::Group { name, open, items, close } => {
                let items: Vec<_> = items.iter().map(Self::inline).collect();
                let space = if name.is_empty() || (*open == '(' && !name.ends_with(':')) { "" } else { " " };
                format!("{name}{space}{open}{}{close}", items.join(", "))
            }
        }
    }

    /// Which of several kinds a `structure` is, if its name does not say so already.
    fn kind(&self, structure: &str) -> Option<&str> {
        let Self::Group { name, .. } = self else { return None };
        let structure = structure.replace([' ', '-'], "").to_lowercase();
        (!name.is_empty() && !structure.contains(&name.to_lowercase())).then_some(name)
    }

    /// Writes the items of a group, as many on a line as fit; those that fit none get lines of their own.
    fn write_lines(&self, f: &mut fmt::Formatter<'_>, indent: usize) -> fmt::Result {
        let Self::Group { items, .. } = self else {
            return writeln!(f, "{:indent$}{}", "", self.inline());
        };
        let mut line = String::new();
        for item in items {
            let text = item.inline();
            let fits = line.len().saturating_add(text.len()) <= WIDTH.saturating_sub(indent);
            if !line.is_empty() && !fits {
                writeln!(f, "{:indent$}{line}", "")?;
                line.clear();
            }
            match item {
                Self::Group { name, .. } if text.len() > WIDTH.saturating_sub(indent) && name.is_empty() => {
                    item.write_lines(f, indent)?;
                }
                Self::Group { name, .. } if text.len() > WIDTH.saturating_sub(indent) => {
                    writeln!(f, "{:indent$}{}:", "", name.trim_end_matches(':'))?;
                    item.write_lines(f, indent.saturating_add(2))?;
                }
                _ => {
                    line.push_str(if line.is_empty() { "" } else { ", " });
                    line.push_str(&text);
                }
            }
        }
        if line.is_empty() { Ok(()) } else { writeln!(f, "{:indent$}{line}", "") }
    }
}

/// Takes items off `rest` up to the bracket that closes them, and the bracket.
fn items(rest: &mut &str) -> Vec<Item> {
    let mut items = Vec::new();
    let mut text = String::new();
    while let Some(next) = rest.chars().next() {
        match next {
            '"' => text.push_str(&quoted(rest)),
            '{' | '[' | '(' => {
                *rest = rest.get(1..).unwrap_or_default();
                let inner = self::items(rest);
                items.push(group(&std::mem::take(&mut text), next, inner));
            }
            '}' | ']' | ')' | ',' => {
                *rest = rest.get(1..).unwrap_or_default();
                let plain = std::mem::take(&mut text);
                if !plain.trim().is_empty() {
                    items.push(Item::Plain(readable(&plain)));
                }
                if next != ',' {
                    return items;
                }
            }
            other => {
                text.push(other);
                *rest = rest.get(other.len_utf8()..).unwrap_or_default();
            }
        }
    }
    if !text.trim().is_empty() {
        items.push(Item::Plain(readable(&text)));
    }
    items
}

/// What is in brackets, and what is before them: a field, a type, or both. `Some` is left out.
fn group(before: &str, open: char, mut items: Vec<Item>) -> Item {
    let close = match open {
        '{' => '}',
        '[' => ']',
        _ => ')',
    };
    let Some(field) = before.trim().strip_suffix("Some") else {
        return Item::Group { name: readable(before), open, items, close };
    };
    let field = readable(field);
    match items.pop() {
        Some(Item::Plain(text)) if field.is_empty() => Item::Plain(text),
        Some(Item::Plain(text)) => Item::Plain(format!("{field} {text}")),
        Some(Item::Group { name, open, items, close }) => {
            Item::Group { name: format!("{field} {name}").trim().to_owned(), open, items, close }
        }
        None => Item::Plain(field),
    }
}

/// Words instead of identifiers, and `none` for what is not there.
fn readable(text: &str) -> String {
    let text = text.trim();
    let (field, value) = text.split_once(':').map_or(("", text), |(field, value)| (field, value.trim()));
    let value = if value == "None" { "none" } else { value };
    match field {
        "" => value.to_owned(),
        field => format!("{}: {value}", field.replace('_', " ")).trim_end().to_owned(),
    }
}

/// Takes a quoted text off `rest`; a long one is cut off.
fn quoted(rest: &mut &str) -> String {
    let mut escaped = true;
    let end = rest.char_indices().find(|(_, letter)| {
        let ends = *letter == '"' && !escaped;
        escaped = *letter == '\\' && !escaped;
        ends
    });
    let (text, after) = rest.split_at(end.map_or(rest.len(), |(at, _)| at.saturating_add(1)));
    *rest = after;
    if text.len() <= TEXT_LEN_MAX {
        return text.to_owned();
    }
    let kept: String = text.chars().take(TEXT_LEN_MAX).collect();
    format!("{kept}…")
}
