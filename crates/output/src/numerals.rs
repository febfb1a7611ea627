//! Numbers, units and indices as pictures and texts show them.

use rangefold_array::Value;
use rangefold_query::field::text_of;

/// A float in at most seven digits.
pub(crate) fn short(x: f64) -> String {
    let rounded: f64 = format!("{x:.6e}").parse().unwrap_or(x);
    if x == 0.0 || (1e-4..1e10).contains(&x.abs()) || !x.is_finite() {
        text_of(Value::Float(rounded + 0.0))
    } else {
        format!("{rounded:e}")
    }
}

/// An index as a position.
#[expect(clippy::cast_precision_loss, reason = "a picture has a few thousand pixels")]
pub(crate) fn index_position(i: usize) -> f64 {
    i as f64
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

/// Digits and signs raised.
pub(crate) fn superscript(text: &str) -> String {
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let raise = |c: char| match c.to_digit(10) {
        Some(digit) => RAISED.get(usize::try_from(digit).unwrap_or(0)).copied().unwrap_or(c),
        None if c == '-' => '⁻',
        None => c,
    };
    text.chars().map(raise).collect()
}
