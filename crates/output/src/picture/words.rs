//! What a picture says in words.

use crate::numerals::labelled;
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
                    AnswerUnits::OfDifferences | AnswerUnits::Squared | AnswerUnits::PerCoordinate
                ) =>
        {
            labelled(&format!("{} {}", field.leaf(), operation.expression()), units)
        }
        _ => labelled(field.leaf(), units),
    }
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
