//! Names that come near a wrong one.

/// Up to three names near `wanted`, nearest first, as a clause for an error message; empty if none comes near.
///
/// ```
/// # use rangefold_refs::suggestions;
/// assert_eq!(suggestions("tsa", ["tas", "lat"].into_iter()), "; did you mean \"tas\"?");
/// ```
pub fn suggestions<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> String {
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
    fn near_names_are_suggested_and_far_ones_are_not() {
        let names = ["tas", "tasmax", "lat", "precipitation"];
        assert_eq!(suggestions("tsa", names.into_iter()), "; did you mean \"tas\"?");
        assert_eq!(suggestions("tasm", names.into_iter()), "; did you mean \"tas\" or \"tasmax\"?");
        assert_eq!(suggestions("zzz", names.into_iter()), "");
    }
}
