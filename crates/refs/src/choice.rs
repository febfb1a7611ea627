//! Choosing variables by path or glob.

use std::sync::atomic::{AtomicBool, Ordering};

use globset::{GlobBuilder, GlobMatcher};

use crate::ReferenceSet;

/// A glob that is malformed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{glob:?} is not a glob")]
pub struct GlobError {
    /// The glob.
    pub glob: String,
    /// What is wrong with it.
    pub source: globset::Error,
}

/// No variable matches any of the globs that include.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no variable matches {}", quoted(globs))]
pub struct NothingChosen {
    /// The globs.
    pub globs: Vec<String>,
}

fn quoted(globs: &[String]) -> String {
    globs.iter().map(|glob| format!("{glob:?}")).collect::<Vec<_>>().join(" or ")
}

/// Which globs of a [`Choice`] have matched no path so far. A typo must not pass for a choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unmatched {
    /// Globs that include.
    pub include: Vec<String>,
    /// Globs that exclude.
    pub exclude: Vec<String>,
}

/// A glob over variable paths: `*` stays inside a group, `**` does not. A leading slash is ignored.
///
/// # Errors
///
/// [`GlobError`] if `text` is not a glob.
pub fn glob(text: &str) -> Result<GlobMatcher, GlobError> {
    GlobBuilder::new(text.trim_start_matches('/'))
        .literal_separator(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|source| GlobError { glob: text.to_owned(), source })
}

/// Whether a text is a glob and not a plain path.
#[must_use]
pub fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

/// Includes and excludes over variable paths; without includes everything is in.
#[derive(Debug)]
pub struct Choice {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

/// A glob that knows whether it has ever matched.
#[derive(Debug)]
struct Pattern {
    text: String,
    glob: GlobMatcher,
    matched: AtomicBool,
}

impl Pattern {
    fn new(text: &str) -> Result<Self, GlobError> {
        Ok(Self { text: text.to_owned(), glob: glob(text)?, matched: AtomicBool::new(false) })
    }

    fn matches(&self, path: &str) -> bool {
        let matches = self.glob.is_match(path);
        self.matched.fetch_or(matches, Ordering::Relaxed);
        matches
    }
}

impl Choice {
    /// A choice by globs.
    ///
    /// # Errors
    ///
    /// [`GlobError`] for the first malformed glob.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, GlobError> {
        let all =
            |globs: &[String]| globs.iter().map(|text| Pattern::new(text)).collect::<Result<Vec<_>, _>>();
        Ok(Self { include: all(include)?, exclude: all(exclude)? })
    }

    /// Whether every variable is chosen, because there are no globs.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// Whether the variable at `path` is chosen.
    #[must_use]
    pub fn contains(&self, path: &str) -> bool {
        let path = path.trim_start_matches('/');
        // Every glob is asked, so that each knows whether it matches anything.
        let any = |patterns: &[Pattern]| patterns.iter().filter(|p| p.matches(path)).count() > 0;
        let (included, excluded) = (any(&self.include), any(&self.exclude));
        (self.include.is_empty() || included) && !excluded
    }

    /// The globs that matched nothing of what [`Self::contains`] was asked for.
    ///
    /// # Errors
    ///
    /// [`NothingChosen`] if there are globs that include, and none of them has matched.
    pub fn unmatched(&self) -> Result<Unmatched, NothingChosen> {
        let unmatched = |patterns: &[Pattern]| -> Vec<String> {
            let patterns = patterns.iter().filter(|pattern| !pattern.matched.load(Ordering::Relaxed));
            patterns.map(|pattern| pattern.text.clone()).collect()
        };
        let (include, exclude) = (unmatched(&self.include), unmatched(&self.exclude));
        if !include.is_empty() && include.len() == self.include.len() {
            return Err(NothingChosen { globs: include });
        }
        Ok(Unmatched { include, exclude })
    }
}

impl ReferenceSet {
    /// Leaves out the variables that are not chosen, with what is known of their loss.
    pub fn keep(&mut self, choice: &Choice) {
        self.arrays.retain(|path, _| choice.contains(path));
        self.unreadable.retain(|path, _| choice.contains(path));
        self.lost.retain(|path, _| path.is_empty() || choice.contains(path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_inside_a_group_and_two_do_not() {
        assert!(glob("*").unwrap().is_match("tas") && !glob("*").unwrap().is_match("g/tas"));
        assert!(glob("**").unwrap().is_match("g/tas") && glob("/g/t*").unwrap().is_match("g/tas"));
        assert!(glob("[").is_err());
    }

    #[test]
    fn choices_take_what_is_included_and_not_excluded() {
        let choice = Choice::new(&["t*".to_owned()], &["tos".to_owned()]).unwrap();
        assert!(choice.contains("/tas") && !choice.contains("tos") && !choice.contains("pr"));
        assert!(Choice::new(&[], &[]).unwrap().contains("any/thing"));
    }

    #[test]
    fn globs_that_match_nothing_are_told() {
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let choice = Choice::new(&texts(&["tas", "pr"]), &texts(&["x*"])).unwrap();
        assert_eq!(choice.unmatched(), Err(NothingChosen { globs: texts(&["tas", "pr"]) }));
        assert!(choice.contains("pr"));
        let unmatched = Unmatched { include: texts(&["tas"]), exclude: texts(&["x*"]) };
        assert_eq!(choice.unmatched(), Ok(unmatched));
    }
}
