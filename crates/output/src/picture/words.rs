//! What a picture says in words.

use crate::ticks::superscript;
use rangefold_query::field::Field;
use rangefold_query::reductions::AnswerUnits;
use rangefold_query::wording::notes;

/// The variable, what the answer is of, where dimensions of one index stand, and how many cells have no data.
pub(super) fn subline(field: &Field) -> String {
    let mut parts = vec![field.variable.clone()];
    let fixed = field.dims.iter().filter(|dim| dim.length == 1 && dim.coordinate.is_some());
    parts.extend(notes(field));
    parts.extend(fixed.map(|dim| format!("{} = {}", dim.heading(), dim.label(0))));
    if field.missing() > 0 {
        parts.push(format!("{} of {} cells without data", field.missing(), field.cells()));
    }
    parts.join("  ·  ")
}

/// The variable's name with its units; with its operation where the answer is another quantity.
pub(super) fn value_title(field: &Field) -> String {
    let units = field.units.as_deref().unwrap_or_default();
    match &field.operation {
        Some(_) if field.is_histogram() => "number of values".to_owned(),
        Some(operation)
            if field.counts()
                || matches!(
                    operation.reduction.units(),
                    AnswerUnits::OfDifferences | AnswerUnits::Squared
                ) =>
        {
            labelled(&format!("{} {}", field.leaf(), operation.expression()), units)
        }
        _ => labelled(field.leaf(), units),
    }
}

/// A name with units in brackets, if there are any: `tas (K)`.
pub(crate) fn labelled(name: &str, units: &str) -> String {
    match units {
        "" | "1" => name.to_owned(),
        units => format!("{name} ({})", raised(units)),
    }
}

/// Units with their powers raised: `W m-2`, `W m**-2` and `W m^-2` become `W m⁻²`.
fn raised(units: &str) -> String {
    let power = |word: &str| {
        let word = word.replace("**", "").replace('^', "");
        let base = word.trim_end_matches(|c: char| c.is_ascii_digit());
        let base = base.strip_suffix('-').unwrap_or(base);
        let power = word.get(base.len()..).unwrap_or_default();
        if !base.is_empty() && base.chars().all(char::is_alphabetic) && power.len() < 4 && power != "-" {
            format!("{base}{}", superscript(power))
        } else {
            word
        }
    };
    if units.contains(" since ") {
        return units.to_owned();
    }
    units.split(' ').map(power).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rangefold_query::samples;

    #[test]
    fn units_have_their_powers_raised() {
        assert_eq!(labelled("rsdt", "W m-2"), "rsdt (W m⁻²)");
        assert_eq!(labelled("pr", "kg m**-2 s^-1"), "pr (kg m⁻² s⁻¹)");
        assert_eq!(labelled("time", "days since 1850-01-01"), "time (days since 1850-01-01)");
        assert_eq!(labelled("fraction", "1"), "fraction");
        assert_eq!(labelled("x", "1e-3"), "x (1e-3)");
    }

    #[test]
    fn the_subline_says_what_is_missing() {
        assert_eq!(subline(&samples::map()), "tas  ·  1 of 6 cells without data");
    }
}
