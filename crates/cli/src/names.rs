//! Choosing variables by path or glob, and saying which names come near a wrong one.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, anyhow, bail};
use globset::{GlobBuilder, GlobMatcher};
use rangefold::refs::ReferenceSet;

use crate::output;

/// A glob that is malformed.
#[derive(Debug, thiserror::Error)]
#[error("{glob:?} is not a glob")]
pub(crate) struct GlobError {
    glob: String,
    source: globset::Error,
}

/// A glob over variable paths: `*` stays inside a group, `**` does not. A leading slash is ignored.
pub(crate) fn glob(text: &str) -> Result<GlobMatcher, GlobError> {
    GlobBuilder::new(text.trim_start_matches('/'))
        .literal_separator(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|source| GlobError { glob: text.to_owned(), source })
}

/// Whether a variable argument is a glob and not a plain path.
pub(crate) fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

/// Why `set`, read from `refs`, has no variable `wanted`: it cannot be read, or there is none, but some of like names.
pub(crate) fn no_variable(set: &ReferenceSet, refs: &str, wanted: &str) -> anyhow::Error {
    if let Some(error) = set.unreadable.get(wanted) {
        return anyhow!("variable {wanted:?} of {refs} cannot be read: {error}");
    }
    let near = suggestions(wanted, set.arrays.keys().map(String::as_str));
    anyhow!("{refs} has no variable {wanted:?}{near}")
}

/// Includes and excludes over variable paths; without includes everything is in.
#[derive(Debug)]
pub(crate) struct Choice {
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

    fn has_matched(&self) -> bool {
        self.matched.load(Ordering::Relaxed)
    }
}

impl Choice {
    /// # Errors
    ///
    /// [`GlobError`] for the first malformed glob.
    pub(crate) fn new(include: &[String], exclude: &[String]) -> Result<Self, GlobError> {
        let all =
            |globs: &[String]| globs.iter().map(|text| Pattern::new(text)).collect::<Result<Vec<_>, _>>();
        Ok(Self { include: all(include)?, exclude: all(exclude)? })
    }

    pub(crate) fn is_everything(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    pub(crate) fn contains(&self, path: &str) -> bool {
        let path = path.trim_start_matches('/');
        // Every glob is asked, so that each knows whether it matches anything.
        let any = |patterns: &[Pattern]| patterns.iter().filter(|p| p.matches(path)).count() > 0;
        let (included, excluded) = (any(&self.include), any(&self.exclude));
        (self.include.is_empty() || included) && !excluded
    }

    /// Tells, once all paths were asked for, which globs matched none of `what`: a typo must not pass for a choice.
    ///
    /// # Errors
    ///
    /// No glob of those that include has matched.
    pub(crate) fn check(&self, what: &str) -> Result<()> {
        let Self { include, exclude } = self;
        if !include.is_empty() && !include.iter().any(Pattern::has_matched) {
            let globs: Vec<String> = include.iter().map(|pattern| format!("{:?}", pattern.text)).collect();
            bail!("no variable of {what} matches --include {}", globs.join(" or "));
        }
        for (option, patterns) in [("--include", include), ("--exclude", exclude)] {
            for pattern in patterns.iter().filter(|pattern| !pattern.has_matched()) {
                output::complain(&format!(
                    "warning: no variable of {what} matches {option} {:?}",
                    pattern.text
                ));
            }
        }
        Ok(())
    }
}

/// Up to three names near `wanted`, nearest first, as a clause for an error message; empty if none comes near.
pub(crate) fn suggestions<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> String {
    let wanted = wanted.trim_start_matches('/').to_lowercase();
    let reach = (wanted.chars().count() / 3).max(1);
    let mut near: Vec<(usize, &str)> = names
        .filter_map(|name| {
            let lower = name.to_lowercase();
            let last = lower.rsplit('/').next().unwrap_or(&lower);
            let distance = strsim::osa_distance(&wanted, &lower).min(strsim::osa_distance(&wanted, last));
            let contained = wanted.len() > 1 && (lower.contains(&wanted) || wanted.contains(last));
            (distance <= reach || contained).then_some((distance, name))
        })
        .collect();
    near.sort_unstable();
    let quoted: Vec<String> = near.iter().take(3).map(|(_, name)| format!("{name:?}")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => format!("; did you mean {one}?"),
        [rest @ .., last] => format!("; did you mean {} or {last}?", rest.join(", ")),
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
    fn near_names_are_suggested_and_far_ones_are_not() {
        let names = ["tas", "tasmax", "lat", "precipitation"];
        assert_eq!(suggestions("tsa", names.into_iter()), "; did you mean \"tas\"?");
        assert_eq!(suggestions("tasm", names.into_iter()), "; did you mean \"tas\" or \"tasmax\"?");
        assert_eq!(suggestions("zzz", names.into_iter()), "");
    }
}
