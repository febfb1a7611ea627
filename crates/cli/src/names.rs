//! What is said of names that are not there.

use anyhow::{Result, anyhow, bail};
use rangefold::refs::{Choice, ReferenceSet, Unmatched};

pub(crate) use rangefold::refs::{glob, is_glob, suggestions};

use crate::output;

/// Why `set`, read from `refs`, has no variable `wanted`: it cannot be read, or there is none, but some of like names.
pub(crate) fn no_variable(set: &ReferenceSet, refs: &str, wanted: &str) -> anyhow::Error {
    if let Some(error) = set.unreadable.get(wanted) {
        return anyhow!("variable {wanted:?} of {refs} cannot be read: {error}");
    }
    let near = suggestions(wanted, set.arrays.keys().map(String::as_str));
    anyhow!("{refs} has no variable {wanted:?}{near}")
}

/// Says which globs matched none of `what`, once all its paths have been asked for.
///
/// # Errors
///
/// No glob of those that include has matched.
pub(crate) fn tell_unmatched(choice: &Choice, what: &str) -> Result<()> {
    let Unmatched { include, exclude } = match choice.unmatched() {
        Ok(unmatched) => unmatched,
        Err(nothing) => {
            let globs: Vec<String> = nothing.globs.iter().map(|glob| format!("{glob:?}")).collect();
            bail!("no variable of {what} matches --include {}", globs.join(" or "));
        }
    };
    for (option, globs) in [("--include", include), ("--exclude", exclude)] {
        for glob in globs {
            output::complain(&format!("warning: no variable of {what} matches {option} {glob:?}"));
        }
    }
    Ok(())
}
