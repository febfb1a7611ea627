//! Choosing variables by path or glob, and saying which names come near a wrong one.

use globset::{GlobBuilder, GlobMatcher};

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

/// Includes and excludes over variable paths; without includes everything is in.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    include: Vec<GlobMatcher>,
    exclude: Vec<GlobMatcher>,
}

impl Choice {
    /// # Errors
    ///
    /// [`GlobError`] for the first malformed glob.
    pub(crate) fn new(include: &[String], exclude: &[String]) -> Result<Self, GlobError> {
        let all = |globs: &[String]| globs.iter().map(|text| glob(text)).collect::<Result<Vec<_>, _>>();
        Ok(Self { include: all(include)?, exclude: all(exclude)? })
    }

    pub(crate) fn is_everything(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    pub(crate) fn contains(&self, path: &str) -> bool {
        let path = path.trim_start_matches('/');
        (self.include.is_empty() || self.include.iter().any(|g| g.is_match(path)))
            && !self.exclude.iter().any(|g| g.is_match(path))
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
