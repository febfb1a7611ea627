//! The words by which people say how to combine, the same in every face.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use rangefold_refs::suggestions;

use crate::{
    AttributeRule, ChunkRule, CombineSpec, Input, MissingVariable, Overlap, PackingRule, Selector, Sort,
    Tolerance,
};

/// What is said by one word of a few.
pub trait Word: Copy + PartialEq + FromStr<Err = UnknownWord> + 'static {
    /// All of them, the default first.
    const ALL: &'static [Self];

    /// The word.
    fn word(self) -> &'static str;

    /// What it means, in a few words.
    fn meaning(self) -> &'static str;
}

/// A word that is none of those that could stand there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is not one of {}", known.join(", "))]
pub struct UnknownWord {
    /// The word.
    pub word: String,
    /// Those that could.
    pub known: Vec<&'static str>,
}

macro_rules! words {
    ($kind:ty { $($value:path = $word:literal, $meaning:literal;)+ }) => {
        impl Word for $kind {
            const ALL: &'static [Self] = &[$($value),+];

            fn word(self) -> &'static str {
                match self {
                    $($value => $word),+
                }
            }

            fn meaning(self) -> &'static str {
                match self {
                    $($value => $meaning),+
                }
            }
        }

        impl FromStr for $kind {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                let found = Self::ALL.iter().find(|value| value.word() == text);
                found.copied().ok_or_else(|| UnknownWord {
                    word: text.to_owned(),
                    known: Self::ALL.iter().map(|value| value.word()).collect(),
                })
            }
        }

        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

words!(Sort {
    Self::Ascending = "asc", "Smallest first";
    Self::Descending = "desc", "Largest first";
    Self::Given = "given", "In the order of the inputs";
});

words!(Overlap {
    Self::Error = "error", "Refuse";
    Self::Identical = "identical", "Accept if the decoded chunks are equal";
    Self::First = "first", "The input given first wins";
    Self::Last = "last", "The input given last wins";
});

words!(MissingVariable {
    Self::Error = "error", "Refuse";
    Self::Fill = "fill", "Its chunks read as the fill value there";
    Self::Drop = "drop", "Leave it out";
});

words!(PackingRule {
    Self::Same = "error", "Refuse";
    Self::ByPart = "per-file", "Keep the packing of each file; rangefold alone reads the result, others refuse it";
});

/// What to do with inputs that do not fit together in one set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mismatch {
    /// Refuse.
    #[default]
    Error,
    /// One set per group of inputs that fit together: [`combine_split`](crate::combine_split).
    Split,
    /// Write a rectilinear grid.
    Rectilinear,
}

words!(Mismatch {
    Self::Error = "error", "Refuse";
    Self::Split = "split", "One output per group of inputs that fit together";
    Self::Rectilinear = "rectilinear", "Write a rectilinear grid (Zarr v3)";
});

impl Mismatch {
    /// What becomes of chunks that do not meet at the borders of a regular grid.
    #[must_use]
    pub fn chunks(self) -> ChunkRule {
        match self {
            Self::Error | Self::Split => ChunkRule::Regular,
            Self::Rectilinear => ChunkRule::Rectilinear,
        }
    }
}

words!(AttributeRule {
    Self::KeepIfEqual = "keep", "Keep it if it is the same everywhere";
    Self::Drop = "drop", "Leave it out";
    Self::Min = "min", "The smallest value";
    Self::Max = "max", "The largest value";
});

/// What is said of how to combine contradicts itself, or says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SpecError(String);

impl CombineSpec {
    /// Joins along these dimensions, each named once.
    ///
    /// # Errors
    ///
    /// [`SpecError`] if one is named twice.
    pub fn along(dimensions: impl IntoIterator<Item = impl Into<String>>) -> Result<Self, SpecError> {
        let mut concat: Vec<String> = Vec::new();
        for dimension in dimensions {
            let dimension = dimension.into();
            if concat.contains(&dimension) {
                return Err(SpecError(format!("concat names {dimension:?} twice")));
            }
            concat.push(dimension);
        }
        Ok(Self { concat, ..Self::default() })
    }

    /// Says where the labels of a dimension come from, by a text such as `time=cf:time`; `list` gives the values in the file
    /// that a `list:` names.
    ///
    /// # Errors
    ///
    /// [`SpecError`] if the dimension is not joined or has a selector already, or the text is none.
    pub fn add_selector(
        &mut self,
        text: &str,
        list: impl FnOnce(&str) -> Result<Vec<String>, String>,
    ) -> Result<(), SpecError> {
        let (dimension, selector) = pair(text, "DIM=SELECTOR, such as time=cf:time")?;
        if !self.concat.iter().any(|joined| joined == dimension) {
            let joined = self.concat.join(", ");
            return Err(SpecError(format!(
                "coord {text:?}: {dimension:?} is not a dimension of concat {joined}"
            )));
        }
        let selector = Selector::parse(selector, list).map_err(|error| SpecError(error.to_string()))?;
        match self.selectors.insert(dimension.to_owned(), selector) {
            None => Ok(()),
            Some(_) => {
                Err(SpecError(format!("coord says twice where the labels of {dimension:?} come from")))
            }
        }
    }

    /// Says that a variable must be the same in every input, by its name or by a text such as `lat=1e-6`.
    ///
    /// # Errors
    ///
    /// [`SpecError`] if what follows the name is not a tolerance.
    pub fn add_identical(&mut self, text: &str) -> Result<(), SpecError> {
        let (name, tolerance) = match text.split_once('=') {
            None => (text, Tolerance::Exact),
            Some((name, tolerance)) => match tolerance.parse::<f64>() {
                Ok(tolerance) if tolerance >= 0.0 => (name, Tolerance::Absolute(tolerance)),
                _ => return Err(SpecError(format!("{tolerance:?} is not a tolerance such as 1e-6"))),
            },
        };
        self.identical.insert(name.trim_matches('/').to_owned(), tolerance);
        Ok(())
    }

    /// Says what becomes of an attribute that differs, by a text such as `history=drop`.
    ///
    /// # Errors
    ///
    /// [`SpecError`] if there is a rule for it already, or the text is none.
    pub fn add_attribute_rule(&mut self, text: &str) -> Result<(), SpecError> {
        let (name, rule) = pair(text, "NAME=RULE, such as history=drop")?;
        let rule = rule.parse().map_err(|_: UnknownWord| {
            SpecError(format!("{rule:?} is no rule for attributes: use keep, drop, min or max"))
        })?;
        match self.attributes.insert(name.to_owned(), rule) {
            None => Ok(()),
            Some(_) => Err(SpecError(format!("attr has two rules for {name:?}"))),
        }
    }
}

impl CombineSpec {
    /// Whether the names that rules are for stand in any input: a rule for none would be a check switched off by a typo.
    /// Returns what is to be said of rules for attributes that no input has.
    ///
    /// # Errors
    ///
    /// [`SpecError`] if no input has a variable that must be the same in every one.
    pub fn check_names(&self, inputs: &[Input]) -> Result<Vec<String>, SpecError> {
        let sets = || inputs.iter().map(|input| &input.references);
        let paths: BTreeSet<&str> = sets().flat_map(|set| set.arrays.keys()).map(String::as_str).collect();
        if let Some(name) = self.identical.keys().find(|name| !paths.contains(name.as_str())) {
            let near = suggestions(name, paths.iter().copied());
            return Err(SpecError(format!("no input has the variable {name:?} of --identical{near}")));
        }
        let attributes: BTreeSet<&str> = sets()
            .flat_map(|set| {
                let of_arrays = set.arrays.values().map(|array| &array.attributes);
                set.groups.values().map(|group| &group.attributes).chain(of_arrays)
            })
            .flat_map(|attributes| attributes.iter().map(|(name, _)| name))
            .collect();
        let unknown = self.attributes.keys().filter(|name| !attributes.contains(name.as_str()));
        let warning = |name: &String| {
            let near = suggestions(name, attributes.iter().copied());
            format!("no input has the attribute {name:?} of --attr{near}")
        };
        Ok(unknown.map(warning).collect())
    }
}

fn pair<'a>(text: &'a str, form: &str) -> Result<(&'a str, &'a str), SpecError> {
    text.split_once('=')
        .filter(|(name, value)| !name.is_empty() && !value.is_empty())
        .ok_or_else(|| SpecError(format!("{text:?} is not {form}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each_is_read<T: Word + Default + std::fmt::Debug>() {
        assert_eq!(T::ALL.first(), Some(&T::default()));
        for value in T::ALL {
            assert_eq!(value.word().parse::<T>(), Ok(*value));
        }
        assert!("nonsense".parse::<T>().is_err());
    }

    #[test]
    fn words_are_read_as_they_are_written_and_the_default_comes_first() {
        each_is_read::<Sort>();
        each_is_read::<Overlap>();
        each_is_read::<MissingVariable>();
        each_is_read::<PackingRule>();
        each_is_read::<Mismatch>();
        let unknown = "newest".parse::<Overlap>().unwrap_err();
        assert_eq!(unknown.to_string(), "\"newest\" is not one of error, identical, first, last");
    }

    #[test]
    fn a_spec_is_made_of_texts() {
        let none = |_: &str| Err("no files here".to_owned());
        let mut spec = CombineSpec::along(["time", "run"]).unwrap();
        spec.add_selector("run=regex:r([0-9]+)", none).unwrap();
        spec.add_identical("/lat=1e-6").unwrap();
        spec.add_attribute_rule("history=drop").unwrap();
        assert!(matches!(spec.selectors["run"], Selector::Regex(_)));
        assert_eq!(spec.identical["lat"], Tolerance::Absolute(1e-6));
        assert_eq!(spec.attributes["history"], AttributeRule::Drop);
    }

    #[test]
    fn texts_that_contradict_one_another_are_refused() {
        let none = |_: &str| Err("no files here".to_owned());
        assert!(CombineSpec::along(["time", "time"]).is_err());
        let mut spec = CombineSpec::along(["time"]).unwrap();
        spec.add_selector("time=index", none).unwrap();
        for text in ["time=index", "run=index", "time", "time=", "time=list:f"] {
            assert!(spec.add_selector(text, none).is_err(), "{text}");
        }
        spec.add_attribute_rule("history=drop").unwrap();
        for text in ["history=keep", "source=newest", "=drop"] {
            assert!(spec.add_attribute_rule(text).is_err(), "{text}");
        }
        for text in ["lat=-1", "lat=near", "lat=nan"] {
            assert!(spec.add_identical(text).is_err(), "{text}");
        }
    }
}
