//! Attributes of groups and arrays.
//!
//! JSON with one difference: NaN and the infinities are numbers, as Python's `json` reads and writes them, because
//! `missing_value = NaN` is among the most common attributes there are.

use std::collections::HashMap;

/// A node's attributes in the order they were written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(Vec<(String, AttributeValue)>);

/// The value of an attribute.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum AttributeValue {
    /// No value.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// An integer; every 64-bit integer of either sign fits.
    Integer(i128),
    /// A floating-point number, NaN and infinities included.
    Float(f64),
    /// A floating-point number that the file keeps in 32 bits or less. JSON does not tell: it is written as the
    /// [`AttributeValue::Float`] of the same value, and its width beside the references (see [`crate::packing_types`]).
    Float32(f32),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<AttributeValue>),
    /// Named values in the order they were written.
    Map(Vec<(String, AttributeValue)>),
}

impl AttributeValue {
    /// The number, if it is one; integers past 2^53 are rounded.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "documented: integers past 2^53 are rounded")]
            Self::Integer(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            Self::Float32(value) => Some((*value).into()),
            _ => None,
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, if it is one.
    #[must_use]
    pub fn as_integer(&self) -> Option<i128> {
        match self {
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// The member `name` of a map.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&AttributeValue> {
        match self {
            Self::Map(members) => members.iter().find(|(n, _)| n == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The elements of a list, or the value itself as the only element.
    #[must_use]
    pub fn elements(&self) -> &[AttributeValue] {
        match self {
            Self::List(items) => items,
            other => std::slice::from_ref(other),
        }
    }
}

impl Attributes {
    /// No attributes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&AttributeValue> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// The value of `name`, to be changed in its place.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut AttributeValue> {
        self.0.iter_mut().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// Sets `name`; an attribute that was there keeps its place.
    pub fn insert(&mut self, name: impl Into<String>, value: AttributeValue) {
        let name = name.into();
        match self.0.iter_mut().find(|(n, _)| *n == name) {
            Some((_, slot)) => *slot = value,
            None => self.0.push((name, value)),
        }
    }

    /// Takes `name` out.
    pub fn remove(&mut self, name: &str) -> Option<AttributeValue> {
        let place = self.0.iter().position(|(n, _)| n == name)?;
        Some(self.0.remove(place).1)
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &AttributeValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Number of attributes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// As [`Attributes::insert`] one after the other.
impl FromIterator<(String, AttributeValue)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (String, AttributeValue)>>(items: I) -> Self {
        let mut attributes = Vec::new();
        let mut places = HashMap::new();
        for (name, value) in items {
            let place = *places.entry(name.clone()).or_insert(attributes.len());
            match attributes.get_mut(place) {
                Some((_, slot)) => *slot = value,
                None => attributes.push((name, value)),
            }
        }
        Self(attributes)
    }
}

impl IntoIterator for Attributes {
    type Item = (String, AttributeValue);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
