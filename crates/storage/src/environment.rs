//! Environment variables, as they were when the program asked for them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// The prefixes of the variables that are looked at besides those a rule names. A stray `TOKEN` or `ENDPOINT` is nobody's credential.
const PREFIXES: [&str; 3] = ["AWS_", "AZURE_", "GOOGLE_"];

/// A copy of environment variables. Its `Debug` shows names only.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// The variables of this process. Those that are not Unicode are left out.
    #[must_use]
    pub fn of_process() -> Self {
        let unicode = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self { variables: std::env::vars_os().filter_map(unicode).collect() }
    }

    /// Adds or replaces a variable.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// The value of a variable; empty counts as not set.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether a variable says yes.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("true"))
    }

    /// The variables that begin with `prefix`, in lower case.
    pub(crate) fn beginning_with(&self, prefix: &'static str) -> impl Iterator<Item = (String, &str)> {
        debug_assert!(PREFIXES.contains(&prefix), "{prefix} is not one of ours");
        let named = self.variables.iter().filter(move |(name, _)| name.starts_with(prefix));
        named.map(|(name, value)| (name.to_ascii_lowercase(), value.as_str()))
    }

    /// The user's folder.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        self.value("HOME").or_else(|| self.value("USERPROFILE")).map(PathBuf::from)
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self { variables: variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect() }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}
